"""Reading: what a session sees, and what it is told.

The database is opened read-only, on one snapshot. Scopes are resolved first, and nothing outside the visible
ones is ever asked for. Pages that a person changed since the last write are laid over what the rows say.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from mem import config, lexical, receipts, terminal, text
from mem import inject as injecting
from mem import recall as recalling
from mem import scope as scopes
from mem.belief import PLURALS, Belief, parse_time, time_text
from mem.config import Home
from mem.errors import ModelUnusable, NewPage, NothingFound, Problem, Refused, StoreUnusable, UsageMistake
from mem.lexical import Overlay
from mem.recall import Because, Hit
from mem.record import Any, NamedTuple
from mem.retention import spans_until
from mem.scope import USER, Scope
from mem.store import Receipt, Store, Used, View

MENTIONED = 5
"""Contested beliefs that a brief names; the rest is for `mem conflicts`."""
SWEEP = 2_000
"""Visible pages that are looked at before every answer; at 2.7 µs each that is 5 ms at most."""

# Set by the agent's own shell (its documentation or source says so); the value is ours.
AGENT_VARIABLES = {
    "CLAUDECODE": "claude-code",
    "CODEX_SANDBOX": "codex",
    "CODEX_CI": "codex",
    "CODEX_THREAD_ID": "codex",
    "GEMINI_CLI": "gemini-cli",
    "CURSOR_AGENT": "cursor",
    "OPENCODE": "opencode",
    "AI_AGENT": "agent",
}


MOST_CANDIDATES = 200
"""More than a person reads in a list under the line that they are typing; the ones changed last come first."""

_LIVE = "status IN ('active', 'inferred', 'exploratory')"
PENDING = f"review = 'pending' AND {_LIVE}"
RETIRED = f"NOT current AND NOT ({PENDING})"
ARCHIVED = f"review = 'approved' AND archived AND {_LIVE}"


class Filters(NamedTuple):
    """Which beliefs are asked for; without any, the current ones."""

    types: Sequence[str] = ()
    statuses: Sequence[str] = ()
    """Given, beliefs of these statuses in any state."""
    since: datetime | None = None
    until: datetime | None = None
    """Created from `since` on, and before `until`."""
    archived: bool = False
    """The archived ones."""
    pending: bool = False
    """Those that wait for approval."""
    any_state: bool = False
    """Those of any state."""
    as_of: datetime | None = None
    """As things stood then; None for now."""

    @property
    def all_current(self) -> bool:
        """True if the current beliefs are asked for, and nothing else is said of them."""
        return self._replace(as_of=None) == NO_FILTER

    @property
    def condition(self) -> tuple[str, list[str]]:
        """The same in SQL, with its values."""
        states = [sql for wanted, sql in ((self.pending, PENDING), (self.archived, ARCHIVED)) if wanted]
        if not states:
            states = ["1" if self.any_state or self.statuses else "current"]
        parts = [f"({' OR '.join(states)})"]
        values: list[str] = []
        for column, allowed in (("type", self.types), ("status", self.statuses)):
            if allowed:
                parts.append(f"{column} IN ({','.join('?' * len(allowed))})")
                values += allowed
        for moment, sign in ((self.since, ">="), (self.until, "<")):
            if moment is not None:
                parts.append(f"created {sign} ?")
                values.append(time_text(moment))
        return " AND ".join(parts), values

    def admits(self, belief: Belief) -> bool:
        """Whether a belief is one of those asked for."""
        live = belief.live
        if self.pending or self.archived:
            state = (self.pending and live and belief.review == "pending") or (
                self.archived and live and belief.review == "approved" and belief.archived
            )
        else:
            state = self.any_state or bool(self.statuses) or belief.current
        return (
            state
            and (not self.types or belief.type in self.types)
            and (not self.statuses or belief.status in self.statuses)
            and (self.since is None or belief.created >= self.since)
            and (self.until is None or belief.created < self.until)
        )


NO_FILTER = Filters()
Reference = str | Belief
"""What a person types to mean a belief, or one that was found by that."""


class OpenScopes(NamedTuple):
    """What a session has open, and why."""

    scopes: list[Scope]
    reason: str

    @property
    def visible(self) -> list[Scope]:
        """The open scopes, their ancestors and `user`."""
        return scopes.visible(self.scopes)


class Recalled(NamedTuple):
    """The answer to a search."""

    opened: OpenScopes
    freshness: str
    """`exact`, or `partial` when there are too many visible pages to look at each."""
    mode: str
    """`hybrid`, or `lexical` where only words were compared."""
    hits: list[Hit]
    best: Hit | None
    """Where there are no hits: the one that came closest, if any did."""
    now: datetime
    """The moment that the answer is for."""
    contested: dict[str, list[str]]
    """Ids in an open conflict."""


class Injected(NamedTuple):
    """The answer to a prompt."""

    opened: OpenScopes
    freshness: str
    injection: injecting.Injection
    misses: list[tuple[Belief, str]]
    """Beliefs that were nearly named, and why they were not; only if that was asked for."""


def agent() -> str | None:
    """The coding agent whose shell this is, by its environment, or None."""
    return next((name for variable, name in AGENT_VARIABLES.items() if os.environ.get(variable)), None)


def refuse_agents(command: str) -> None:
    """Keep honest agents from deciding for the user.

    Raises: Refused under an agent's environment.
    """
    name = agent()
    if name is not None:
        raise Refused(f"mem {command} is for a person, and this is the shell of {name}", "run it in your own terminal")


class Unswept(dict[int, "Belief | None"]):
    """An overlay where there are too many pages to look at: each is looked at when it is about to be shown."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[int] = set()


class Reader:
    """One person's memory, in one folder, to be read."""

    def __init__(self, home: Home, *, clock: Callable[[], datetime], warn: Callable[[str], None]) -> None:
        self.home = home
        self._clock = clock
        self._warn = warn
        self._known: Mapping[str, Any] | None = None
        """The settings, once they were needed."""
        self._brought: bool | None = None
        """Whether git has brought what others wrote since the last sync, once that mattered."""

    # -- what is open

    def open_scopes(self, store: Store | None, given: Sequence[str]) -> OpenScopes:
        """The scopes of this session: those given, else `MEM_SCOPE`, mapping, remote, else `user`.

        Raises: UsageMistake if one is typed that was never declared nor used.
        """
        typed, reason = list(given), "given by --scope"
        if not typed and os.environ.get("MEM_SCOPE", "").strip():
            typed = [part.strip() for part in os.environ["MEM_SCOPE"].split(",") if part.strip()]
            reason = "given by MEM_SCOPE"
        if typed:
            parsed = list(dict.fromkeys(scopes.parse(one) for one in typed))
            known = store.scopes() if store is not None else {"user": 0}
            for scope in parsed:
                require_known(scope, known)
            return OpenScopes(parsed, reason)
        if store is not None:
            found = self._scope_of_directory(store)
            if found is not None:
                return found
        return OpenScopes([USER], "this directory has no scope of its own")

    def _scope_of_directory(self, store: Store) -> OpenScopes | None:
        directory = _working_directory()
        if directory is None:
            return None
        mapping = scopes.mapped(directory, store.mappings())
        if mapping is not None:
            return OpenScopes([scopes.parse(mapping[1])], f"{mapping[0]} is mapped to it")
        remote = scopes.remote_of(directory)
        known = store.remote_scopes().get(remote) if remote is not None else None
        return None if known is None else OpenScopes([scopes.parse(known)], f"the git remote is {remote}")

    def _scope_to_write(self, store: Store, given: str | None) -> tuple[Scope, str, str | None]:
        """The scope of a write, why, and the remote to record with it if it is the first one there."""
        if given is not None:
            return scopes.parse(given), "given by --scope", None
        if os.environ.get("MEM_SCOPE", "").strip():
            typed = [scopes.parse(part.strip()) for part in os.environ["MEM_SCOPE"].split(",") if part.strip()]
            return scopes.most_specific(typed), "given by MEM_SCOPE", None
        opened = self.open_scopes(store, ())
        directory = _working_directory()
        remote = scopes.remote_of(directory) if directory is not None else None
        if opened.scopes != [USER] or remote is None or opened.reason.endswith("mapped to it"):
            return scopes.most_specific(opened.scopes), opened.reason, None
        known = store.scopes()
        free = [scope for scope in scopes.names_of_remote(remote) if str(scope) not in known]
        if not free:
            return USER, f"the names that {remote} suggests belong to other scopes; `mem scope map` decides", None
        return free[0], f"the git remote is {remote}", remote

    # -- reading

    @contextmanager
    def _reading(self) -> Iterator[Store | None]:
        """The store for reading, or None while there is nothing yet."""
        path = self.home.database()
        if path is None:
            yield None
            return
        store = Store.reading(path)
        if store.outdated:
            store.close()
            raise StoreUnusable(f"the database {path} is of an older format", "mem init brings it up to date")
        text.speak(store.language)
        try:
            yield store
        finally:
            store.close()

    def settings(self) -> Mapping[str, Any]:
        """Every setting by key, as it holds now."""
        return config.settings(self.home, lambda key: None, self._warn)

    def _settings(self, store: Store) -> Mapping[str, Any]:
        if self._known is None:
            self._known = config.settings(self.home, store.meta, self._warn)
        return self._known

    def _addresses(self) -> list[str]:
        """Addresses that the user calls their own."""
        return [one.strip() for one in self.settings()["git.addresses"].split(",") if one.strip()]

    def _initial_stability(self, store: Store, type_: str) -> float | None:
        """Stability of a new belief of a type, in days; None for a type that there is not."""
        days = self._settings(store).get(f"stability.{type_}")
        return None if days is None else float(days)

    def _find(self, view: View, reference: Reference) -> Belief:
        """A visible belief by id, name, beginning of its id, or number in this terminal's last list.

        A belief that was found before stands for itself, whatever else its id may mean.
        Raises: UsageMistake if there is none, or more than one.
        """
        if isinstance(reference, Belief):
            found = view.by_id([reference.id])
            if not found:
                raise UsageMistake(f"{reference.name} ({reference.id}) is not there any more", "mem list")
            return found[reference.id]
        listed = terminal.last_list(self.home) if re.fullmatch("[0-9]{1,3}", reference) else None
        if listed is not None and not 1 <= int(reference) <= len(listed.ids):
            raise UsageMistake(f"the last list here ends with number {len(listed.ids)}", "mem list, or give an id")
        if listed is None:
            return self._named(view, reference)
        id_ = listed.ids[int(reference) - 1]
        if not view.by_id([id_]):
            raise UsageMistake(f"number {reference} of the last list, {id_}, is not visible here", "mem list")
        return view.belief(id_)

    def _named(self, view: View, reference: str) -> Belief:
        try:
            return view.belief(reference)
        except UsageMistake:
            for path in self._unknown_paths(view, {page.path for page in view.pages()}):
                new = self._new_page(view, path)
                if new is not None and reference in (new.id, new.name):
                    raise NewPage(reference, path) from None
            raise

    def recall(
        self,
        query: str,
        given: Sequence[str],
        k: int | None,
        filters: Filters = NO_FILTER,
        *,
        mode: str = "auto",
        abstain: bool = True,
        explain: bool = False,
    ) -> Recalled:
        """The best k visible beliefs for a query; None stands for the setting.

        `mode` is `lexical`, `hybrid`, or `auto`: by meaning too, where that is possible. Unless told not to
        `abstain`, nothing is better than what does not answer. To `explain` is to give reasons for every hit.
        Raises: UsageMistake for an unknown scope; ModelUnusable where `hybrid` is not possible.
        """
        with self._reading() as store:
            opened = self.open_scopes(store, given)
            now = self._clock()
            if store is None:
                return Recalled(opened, "exact", "lexical", [], None, now, {})
            view = store.visible(opened.visible)
            overlay, freshness = self._overlay_then(view, filters)
            now = filters.as_of or now
            asked = self._asked_for(view, filters, overlay)
            named = self._named_archived(view, query, overlay) if asked is None else {}
            idle = named if asked is None else self._idle(view, asked, overlay)
            sense = self._sense(store, view, query, mode)
            k = k if k is not None else self._settings(store)["recall.k"]
            found = recalling.search(view, query, overlay, idle, sense, k if asked is None else len(asked))
            fitting = found.relevance.keys() if asked is None else found.relevance.keys() & asked
            shown = found.answers(fitting) | (named.keys() & fitting) if abstain else fitting
            hits = self._hits(view, found, shown, k, overlay, now)
            tokens = None if sense is None else sense.meaning.table.tokens
            best = self._hits(view, found, fitting & found.admitted, 1, overlay, now) if not hits else []
            hits = [hit._replace(because=_reasons(hit.belief, found, tokens)) for hit in hits] if explain else hits
            used = "lexical" if sense is None else "hybrid"
            return Recalled(opened, freshness, used, hits, best[0] if best else None, now, view.contested())

    def _hits(
        self, view: View, found: recalling.Found, wanted: Iterable[int], k: int, overlay: Overlay, now: datetime
    ) -> list[Hit]:
        """The best k of some beliefs, without the reasons why they came up."""
        relevance = {n: found.relevance[n] for n in wanted if found.relevance[n] > 0}
        beliefs = self._numbered(view, recalling.contenders(relevance, k), overlay)
        hits = [_hit(belief, relevance[n], found.matches.get(n), now) for n, belief in beliefs.items()]
        return recalling.rank(hits, k)

    def _sense(self, store: Store, view: View, query: str, mode: str) -> recalling.Sense | None:
        """What a query means; None where only words shall be compared, or can be, which is told.

        Raises: ModelUnusable where meaning is asked for and cannot be had.
        """
        if mode == "lexical":
            return None
        from mem.embedding import Meaning

        try:
            settings = self._settings(store)
            meaning = Meaning(settings["model.name"])
            if store.meta("model") != meaning.model:
                raise ModelUnusable("the vectors in the database are of another model", "mem init makes them anew")
            sense = recalling.Sense(meaning, meaning.query(query, settings["model.seconds"]))
        except ModelUnusable as error:
            if mode == "hybrid":
                raise
            self._warn(f"only words are compared: {error.message} ({error.hint})")
            return None
        waiting = view.rows("SELECT COUNT(*) FROM belief WHERE scope :scopes AND n IN (SELECT belief FROM unembedded)")
        if waiting[0][0]:
            self._warn(f"of {text.counted(waiting[0][0], 'belief')} only words are compared (mem init embeds them)")
        return sense

    def _overlay_then(self, view: View, filters: Filters, sweep: int | None = SWEEP) -> tuple[Overlay, str]:
        """Beliefs that are not, or were not at the time asked for, as the rows have them."""
        if filters.as_of is None:
            return self._overlay(view, sweep)
        seen = {path for (path,) in view.rows("SELECT path FROM scope WHERE n :scopes")}
        overlay = {n: _as_of(before, after, filters.as_of) for n, (before, after) in view.later(filters.as_of).items()}
        later = view.rows("SELECT n FROM belief WHERE scope :scopes AND created > ?", time_text(filters.as_of))
        overlay |= dict.fromkeys(n for (n,) in later)
        return {
            n: belief if belief is not None and belief.scope in seen else None for n, belief in overlay.items()
        }, "exact"

    def _asked_for(self, view: View, filters: Filters, overlay: Overlay) -> set[int] | None:
        """Row numbers of the visible beliefs that filters admit; None where there is no filter."""
        if filters.all_current:
            return None
        condition, values = filters.condition
        rows = view.rows(f"SELECT n FROM belief WHERE scope :scopes AND {condition}", *values)
        changed = {n for n, belief in overlay.items() if belief is not None and filters.admits(belief)}
        return ({n for (n,) in rows} - overlay.keys()) | changed

    def _idle(self, view: View, numbers: set[int], overlay: Overlay) -> dict[int, Belief]:
        """Those of some beliefs that are not current, and so have no postings."""
        idle = [n for (n,) in view.rows("SELECT n FROM belief WHERE scope :scopes AND NOT current") if n in numbers]
        return self._numbered(view, idle, overlay)

    def _named_archived(self, view: View, query: str, overlay: Overlay) -> dict[int, Belief]:
        """Archived beliefs whose name or alias the query holds word for word."""
        named = lexical.named(view, query, overlay)
        exact = [n for n, reasons in named.items() if any(reason.how == "exact" for reason in reasons)]
        return {n: belief for n, belief in self._numbered(view, exact, overlay).items() if belief.archived}

    def inject(
        self,
        prompt: str,
        given: Sequence[str],
        max_beliefs: int | None,
        budget: int | None,
        nonce: str,
        *,
        explain: bool = False,
    ) -> Injected:
        """What an agent should know for a prompt, and nothing else; `explain` also gives the near misses.

        Limits that are None stand for the settings. What is handed out leaves a receipt, an explanation none.
        Raises: UsageMistake for an unknown scope.
        """
        with self._reading() as store:
            opened = self.open_scopes(store, given)
            if store is None:
                nothing = injecting.Sections([], [], [], [])
                return Injected(opened, "exact", injecting.cut(nothing, max_beliefs=0, budget=0, nonce=nonce), [])
            settings = self._settings(store)
            budget = settings["inject.budget"] if budget is None else budget
            max_beliefs = settings["inject.max_beliefs"] if max_beliefs is None else max_beliefs
            view = store.visible(opened.visible)
            overlay, freshness = self._overlay(view)
            named, misses = lexical.examine(view, prompt, overlay)
            contested = view.contested()
            beliefs = self._numbered(view, named, overlay)
            misses += _contested_misses(beliefs, contested)
            beliefs = {n: belief for n, belief in beliefs.items() if belief.id not in contested}
            because = {
                beliefs[n].id: tuple(Because(*reason) for reason in reasons)
                for n, reasons in named.items()
                if n in beliefs and beliefs[n].current
            }
            numbers = {belief.id: n for n, belief in beliefs.items() if belief.id in because}
            known = {belief.id: belief for belief in beliefs.values()}
            known |= self._participants(view, [known[id_] for id_ in because], overlay)
            now = self._clock()
            standing = [one for one in self._standing(view, overlay, now, budget) if one.id not in contested]
            known = {id_: belief for id_, belief in known.items() if id_ not in contested}
            score = self._scorer(view, prompt, numbers, overlay)
            sections = injecting.arrange(standing, because, known, score, now)
            injection = injecting.cut(sections, max_beliefs=max_beliefs, budget=budget, nonce=nonce)
            if not explain:
                self._leave_receipt(store, "inject", opened, injection.sections, prompt, settings)
            return Injected(opened, freshness, injection, self._explained(view, misses, overlay) if explain else [])

    def _leave_receipt(
        self,
        store: Store,
        command: str,
        opened: OpenScopes,
        sections: injecting.Sections,
        prompt: str,
        settings: Mapping[str, Any],
    ) -> None:
        """Note what was handed out; nothing for nothing."""
        used = tuple(
            Used(entry.belief.id, name, tuple(dict.fromkeys(one.surface for one in entry.because)))
            for name, part in zip(sections._fields, sections, strict=True)
            for entry in part
        )
        if used:
            text = prompt if settings["receipts.prompts"] else None
            key, hashed = os.urandom(8).hex(), receipts.hashed(store, prompt)
            scopes = tuple(map(str, opened.scopes))
            receipts.append(store, Receipt(key, self._clock(), command, agent(), scopes, hashed, text, used))

    def brief(self, given: Sequence[str], budget: int | None, nonce: str) -> Injected:
        """What an agent should know of the visible beliefs before anything was asked.

        Raises: UsageMistake for an unknown scope.
        """
        with self._reading() as store:
            opened = self.open_scopes(store, given)
            now = self._clock()
            if store is None:
                return Injected(opened, "exact", injecting.brief((), (), now, budget=0, nonce=nonce), [])
            settings = self._settings(store)
            budget = settings["inject.budget"] if budget is None else budget
            view = store.visible(opened.visible)
            overlay, freshness = self._overlay(view)
            contested = view.contested()
            known = [one for one in self._awake(view, overlay, now, settings, budget) if one.id not in contested]
            notes = [f"{text.counted(len(overlay), 'page')} changed by hand since mem wrote it."] if overlay else []
            if contested:
                named = ", ".join(sorted(one.name for one in view.by_id(contested).values())[:MENTIONED])
                notes.append(f"Contested, so left out until the user decides: {text.shown(named)}.")
            pending = view.counts()["pending"]
            notes += [f"{text.counted(pending, 'proposal')} waiting for the user's review."] if pending else []
            injection = injecting.brief(known, notes, now, budget=budget, nonce=nonce)
            self._leave_receipt(store, "brief", opened, injection.sections, "", settings)
            return Injected(opened, freshness, injection, [])

    def _awake(
        self, view: View, overlay: Overlay, now: datetime, settings: Mapping[str, Any], budget: int
    ) -> list[Belief]:
        """Current beliefs that are pinned or not dormant, as many as could fit, least faded first."""
        spans = spans_until(settings["forgetting.dormant"])
        fitting = injecting.CHARACTERS_PER_TOKEN / injecting.SHORTEST_LINE
        rows = view.rows(
            """SELECT n
               FROM belief
               WHERE scope :scopes AND current
                   AND (pinned OR ? - anchor <= stability * 86400.0 * ?)
               ORDER BY pinned DESC, (? - anchor) / stability, id
               LIMIT ?""",
            now.timestamp(), spans, now.timestamp(), int(budget * fitting) + 1,
        )  # fmt: skip
        found = self._numbered(view, [n for (n,) in rows], overlay)
        changed = {n: belief for n, belief in overlay.items() if belief is not None}
        return [belief for belief in (found | changed).values() if belief.current]

    def _explained(self, view: View, misses: Sequence[lexical.Miss], overlay: Overlay) -> list[tuple[Belief, str]]:
        """Beliefs that were nearly named, with the reason why they were not."""
        found = self._numbered(view, dict.fromkeys(miss.belief for miss in misses), overlay)
        return [
            (found[miss.belief], f"{miss.surface!r}: {miss.reason}")
            for miss in misses
            if miss.belief in found and found[miss.belief].current
        ]

    def _scorer(self, view: View, prompt: str, named: Mapping[str, int], overlay: Overlay) -> Callable[[Belief], float]:
        """How well a named belief matches the prompt as a whole; with one belief there is no order to find."""
        if len(named) < 2:
            return lambda belief: 0.0
        terms = [term for term, _ in text.terms(text.read_prompt(prompt).text)]
        statistics = lexical.statistics(view, terms, overlay)
        scores = lexical.scores(view, named, terms, statistics, overlay)
        return lambda belief: scores.get(belief.id, 0.0)

    def _standing(self, view: View, overlay: Overlay, now: datetime, budget: int) -> list[Belief]:
        """What is there unasked: pinned beliefs, and as many preferences as could fit, least faded first."""
        fitting = budget * injecting.CHARACTERS_PER_TOKEN * injecting.PERSONA_SHARE / injecting.SHORTEST_LINE
        rows = view.rows(
            """SELECT n
               FROM belief
               WHERE scope :scopes AND pinned AND current
               UNION
               SELECT n FROM (
                   SELECT n
                   FROM belief
                   WHERE scope = (SELECT n FROM scope WHERE path = 'user') AND type = 'preference' AND current
                   ORDER BY (? - anchor) / stability
                   LIMIT ?)""",
            now.timestamp(),
            int(fitting) + 1,
        )
        found = self._numbered(view, [n for (n,) in rows], overlay)
        changed = {n: belief for n, belief in overlay.items() if belief is not None}
        return [
            belief
            for belief in (found | changed).values()
            if belief.pinned or (belief.type == "preference" and belief.scope == "user")
        ]

    def _participants(self, view: View, relations: Iterable[Belief], overlay: Overlay) -> dict[str, Belief]:
        found: dict[str, Belief] = {}
        for relation in relations:
            for participant in relation.participants:
                rows = view.rows("SELECT n FROM belief WHERE scope :scopes AND id = ?", participant)
                found |= {belief.id: belief for belief in self._numbered(view, [n for (n,) in rows], overlay).values()}
        return found

    def _numbered(self, view: View, numbers: Iterable[int], overlay: Overlay) -> dict[int, Belief]:
        """Beliefs by row number as they are now: pages changed by hand win, vanished ones are withheld."""
        wanted = list(numbers)
        if isinstance(overlay, Unswept):
            self._look_at(view, [n for n in wanted if n not in overlay.seen], overlay)
        stored = view.numbered([n for n in wanted if n not in overlay])
        found = {n: overlay.get(n) or stored.get(n) for n in wanted}
        return {n: belief for n, belief in found.items() if belief is not None}

    def _overlay(self, view: View, sweep: int | None = SWEEP) -> tuple[Overlay, str]:
        """Beliefs whose pages are not as mem wrote them, by row number; None for a page that is gone.

        Those of new pages have negative numbers. `sweep` is how many pages may be looked at; None looks at all.
        """
        limit = -1 if sweep is None else sweep + 1
        pages = view.rows("SELECT path, mtime, size, id FROM page WHERE scope :scopes LIMIT ?", limit)
        if sweep is not None and len(pages) > sweep:
            return Unswept(), "partial"
        overlay: dict[int, Belief | None] = {}
        gone: dict[str, str] = {}
        lstat, top = os.lstat, self.home.path + "/"
        for path, mtime, size, id_ in pages:
            try:
                status = lstat(top + path)
                if status.st_mtime_ns == mtime and status.st_size == size:
                    continue
                changed = self._changed_page(view, id_, path)
            except (FileNotFoundError, NotADirectoryError):
                gone[id_] = path
            except OSError as error:
                self._warn(f"{path} cannot be read ({error.strerror}); the last good version is used")
            else:
                if changed is not None:
                    overlay[_number_of(view, id_)] = changed
        self._lay_new_pages(view, {path for path, *_ in pages}, gone, overlay)
        self._withhold(view, gone, overlay)
        return overlay, "exact"

    def _look_at(self, view: View, numbers: Sequence[int], overlay: Unswept) -> None:
        """Look at the pages of some beliefs that are about to be shown."""
        gone = {}
        for id_, n in {belief.id: n for n, belief in view.numbered(numbers).items()}.items():
            page = view.page(id_)
            overlay.seen.add(n)
            try:
                status = os.lstat(os.path.join(self.home.path, page.path)) if page is not None else None
                touched = page and status and (status.st_mtime_ns, status.st_size) != (page.mtime, page.size)
                changed = self._changed_page(view, id_, page.path) if page is not None and touched else None
            except (FileNotFoundError, NotADirectoryError):
                gone[id_] = page.path if page is not None else ""
            except OSError as error:
                self._warn(f"{page and page.path} cannot be read ({error.strerror}); the last good version is used")
            else:
                if changed is not None:
                    overlay[n] = changed
        self._withhold(view, gone, overlay)

    def _lay_new_pages(
        self, view: View, known: set[str], gone: dict[str, str], overlay: dict[int, Belief | None]
    ) -> None:
        """Lay pages that mem has not seen over the rest; one whose old place is among the `gone` has moved."""
        claims: dict[str, list[tuple[str, Belief]]] = {}
        for path in self._unknown_paths(view, known):
            belief = self._new_page(view, path)
            if belief is not None:
                claims.setdefault(belief.id, []).append((path, belief))
        for id_, found in claims.items():
            stored, page = view.by_id([id_]).get(id_), view.page(id_)
            number = _number_of(view, id_) if stored is not None else -1 - len(overlay)
            path, belief = found[0]
            if len(found) > 1 or (page is not None and id_ not in gone):
                self._warn(f"{path}: its id {id_} is in another page too, and both are withheld (mem sync)")
                overlay[number] = None
            elif stored is not None and stored.scope != belief.scope:
                self._warn(f"{path}: {id_} was in {stored.scope}; it is withheld (mem sync)")
            else:
                gone.pop(id_, None)
                overlay[number] = belief if stored is None else belief._replace(session=stored.session, at=stored.at)

    def _unknown_paths(self, view: View, known: set[str]) -> list[str]:
        """Files in the places of visible pages that are none of those."""
        found = []
        top = os.path.realpath(self.home.path)
        for (path,) in view.rows("SELECT path FROM scope WHERE n :scopes"):
            folder = scopes.parse(path).folder
            for start in (folder, f"archive/{folder}"):
                there = f"{self.home.path}/{start}"
                # A link is no place for pages: somebody may have committed it.
                whole = os.path.isdir(there) and os.path.realpath(there) == f"{top}/{start}"
                for plural in PLURALS.values() if whole else ():
                    try:
                        names = os.listdir(f"{self.home.path}/{start}/{plural}")
                    except OSError:
                        continue
                    found += [
                        place
                        for name in names
                        if (place := f"{start}/{plural}/{name}") not in known
                        and name.endswith(".md")
                        and name[0] != "."
                    ]
        return sorted(found)

    def _new_page(self, view: View, path: str) -> Belief | None:
        """What a page says that mem has not seen; None if it has no id yet, is damaged, or mem's own on its way."""
        if not text.is_utf8(path) or not _begins_with_id(os.path.join(self.home.path, path)):
            return None
        from mem import tree

        data, now = tree.read(os.path.join(self.home.path, path)) or b"", self._clock()
        place = tree.place_of(path)
        standing_in = tree.standing_in(place, "", now) if place is not None else None
        parsed = tree.parse(path, data, now=now, standing_in=standing_in)
        if isinstance(parsed, Problem):
            self._warn(f"{parsed}; it is left out")
            return None
        if place is None or place.scope != parsed.scope:
            self._warn(f"{path}: its scope {parsed.scope} is not that of its folder; it is left out (mem sync)")
            return None
        on_its_way = view.rows("SELECT 1 FROM outbox WHERE id = ? AND path = ?", parsed.id, path)
        if on_its_way or _is_held(view, path, tree.digest(data)) or self._is_unreviewed(view, path):
            return None
        return parsed

    def _is_unreviewed(self, view: View, path: str) -> bool:
        """Whether what a page says may be another author's, whom only a sync tells from the user."""
        if self._brought is None:
            from mem import git
            from mem.errors import GitProblem

            since = view.rows("SELECT value FROM meta WHERE key = 'commit'")
            try:
                self._brought = git.brought(self.home.path, self._addresses(), since[0][0] if since else None)
            except GitProblem:
                self._brought = True
        if self._brought:
            self._warn(f"{path} may hold what somebody else committed; it counts after mem sync")
        return self._brought

    def _withhold(self, view: View, gone: Mapping[str, str], overlay: dict[int, Belief | None]) -> None:
        """Leave out the beliefs whose pages are gone, but for those that mem is just moving."""
        moving = {id_ for (id_,) in view.rows("SELECT id FROM outbox")} if gone else set()
        lost = [id_ for id_, path in gone.items() if id_ not in moving and not _is_held(view, path, "")]
        for id_ in lost:
            overlay[_number_of(view, id_)] = None
        for id_ in lost[:MENTIONED]:
            self._warn(f"{gone[id_]} is gone; what it said is withheld (mem sync makes that last)")
        if len(lost) > MENTIONED:
            self._warn(f"{len(lost) - MENTIONED} more pages are gone; what they said is withheld (mem sync)")

    def _changed_page(self, view: View, id_: str, path: str) -> Belief | None:
        """The belief of a page that was touched, or None if the last good version serves."""
        from mem import tree

        data = tree.read(os.path.join(self.home.path, path))
        page = view.page(id_)
        if data is None or page is None or tree.digest(data) == page.hash or _is_held(view, path, tree.digest(data)):
            return None
        stored = view.belief(id_)
        parsed = tree.parse(path, data, now=self._clock(), standing_in=stored)
        if isinstance(parsed, Belief) and (parsed.id, parsed.scope) == (stored.id, stored.scope):
            if self._is_unreviewed(view, path):
                return None
            return parsed._replace(session=stored.session, at=stored.at)
        problem = parsed if isinstance(parsed, Problem) else Problem(path, 1, "its id or scope was changed by hand")
        self._warn(f"{problem}; the last good version is used")
        return None

    def belief(self, reference: Reference, given: Sequence[str]) -> tuple[Belief, str | None]:
        """One visible belief by id or prefix, as its page says, and the path of the page.

        Raises: UsageMistake if it is unknown or ambiguous.
        """
        with self._reading() as store:
            opened = self.open_scopes(store, given)
            if store is None:
                raise UsageMistake(f"no belief {reference!r}: the memory is empty", "mem remember TEXT")
            view = store.visible(opened.visible)
            stored = self._find(view, reference)
            page = view.page(stored.id)
            overlay, _ = self._overlay(view)
            number = _number_of(view, stored.id)
            if number in overlay and overlay[number] is None:
                path = page.path if page is not None else ""
                there = os.path.lexists(os.path.join(self.home.path, path))
                why = "does not count before it is clear what it says" if there else "is gone"
                raise NothingFound(f"the page {path} of {stored.id} {why}", "mem sync" if there else "mem doctor")
            return overlay.get(number) or stored, page.path if page else None

    def beliefs(self, given: Sequence[str], filters: Filters = NO_FILTER) -> tuple[OpenScopes, list[Belief]]:
        """Visible beliefs that filters admit, oldest first."""
        with self._reading() as store:
            opened = self.open_scopes(store, given)
            if store is None:
                return opened, []
            view = store.visible(opened.visible)
            overlay, _ = self._overlay_then(view, filters)
            condition, values = filters.condition
            rows = view.rows(f"SELECT n FROM belief WHERE scope :scopes AND {condition} ORDER BY n", *values)
            numbers = dict.fromkeys([n for (n,) in rows])
            found = self._numbered(view, numbers | dict.fromkeys(overlay), overlay).values()
            return opened, sorted(filter(filters.admits, found), key=lambda belief: belief.created)

    def destination(self) -> tuple[Scope, str]:
        """Where a write without `--scope` would go, and why."""
        with self._reading() as store:
            if store is None:
                named = scopes.names_of_remote(scopes.remote_of(_working_directory() or "/") or "")
                return (named[0], "the git remote suggests it") if named else (USER, "nothing else is known")
            scope, reason, _ = self._scope_to_write(store, None)
            return scope, reason

    def scopes(self, given: Sequence[str]) -> tuple[OpenScopes, dict[str, int]]:
        """What is open and why, and every scope with its number of beliefs."""
        with self._reading() as store:
            opened = self.open_scopes(store, given)
            return opened, store.scopes() if store is not None else {"user": 0}

    def candidates(self, kind: str, beginning: str, given: Sequence[str]) -> list[tuple[str, str]]:
        """What may be meant by the beginning of a word, as (what to type, what it is).

        `kind` is `scopes`, or visible `beliefs`, `pending` ones, those that are `retired`, or the `names` of beliefs;
        or `models`.
        Pages are not looked at.
        Raises: UsageMistake for an unknown scope.
        """
        if kind == "models":
            from mem import models

            return [(one.name, one.problem or "a model") for one in models.listed() if one.name.startswith(beginning)]
        with self._reading() as store:
            if store is None:
                return [("user", "0 beliefs")] if kind == "scopes" else []
            if kind == "scopes":
                counts = store.scopes().items()
                return [(path, text.counted(n, "belief")) for path, n in counts if path.startswith(beginning)]
            view = store.visible(self.open_scopes(store, given).visible)
            kinds = {"beliefs": "(current OR ?1 <> '')", "pending": PENDING, "names": "current", "retired": RETIRED}
            where = kinds.get(kind, "0")
            rows = view.rows(
                f"""SELECT id, name, type, current AND 1 = (
                               SELECT COUNT(*) FROM belief AS other
                               WHERE other.scope :scopes AND other.name = belief.name AND other.current)
                    FROM belief
                    WHERE scope :scopes AND {where}
                      AND (substr(id, 1, length(?1)) = lower(?1) OR substr(name, 1, length(?1)) = ?1)
                    ORDER BY updated DESC
                    LIMIT {MOST_CANDIDATES}""",
                beginning,
            )
            return list(_candidates(rows, kind, beginning))

    def mappings(self) -> dict[str, str]:
        """Directory to scope."""
        with self._reading() as store:
            return store.mappings() if store is not None else {}


def _candidates(rows: Iterable[tuple[str, str, str, int]], kind: str, beginning: str) -> Iterator[tuple[str, str]]:
    """A belief is offered by its name if that means no other, else by its id; and by its id where that was begun."""
    for id_, name, type_, alone in rows:
        typed = text.shown(name) == name and not name.startswith("-")
        by_name = name.startswith(beginning) and typed and (kind == "names" or (kind == "beliefs" and alone))
        if by_name:
            yield name, f"{type_} {id_}"
        if kind != "names" and id_.startswith(beginning.lower()) and not (by_name and not beginning):
            yield id_, text.shown(name)


def _hit(belief: Belief, relevance: float, match: recalling.Match | None, now: datetime) -> Hit:
    own = match or recalling.Match(0.0)
    channels = {"lexical": own.lexical, "soft": own.soft, "embedding": own.embedding}
    return Hit(belief, relevance, recalling.prior(belief, now), recalling.strength(belief, now), channels, ())


def _reasons(
    belief: Belief, found: recalling.Found, tokens_of: Callable[[str], list[int]] | None
) -> tuple[Because, ...]:
    """Which words of a query a belief holds, and in what form; for the others, its closest word in meaning."""
    because: dict[str, Because] = {}
    close: dict[str, tuple[float, Because]] = {}
    for part in (belief.name, *(entry.text for entry in belief.aliases), belief.content, belief.why or ""):
        for term, written in text.terms(part):
            if term in found.words and term not in because:
                how = "exact" if text.fold(written) == text.fold(found.words[term]) else "stem"
                because[term] = Because(written, found.words[term], how)
            tokens = tokens_of(written) if tokens_of is not None else ()
            for other, near in found.near.items():
                cosine = max((near.get(token, 0.0) for token in tokens), default=0.0)
                if cosine > close.get(other, (0.0,))[0]:
                    close[other] = cosine, Because(written, found.words[other], "soft")
    return tuple(({other: reason for other, (_, reason) in close.items()} | because).values())


def _as_of(before: Belief | None, after: Belief | None, moment: datetime) -> Belief | None:
    """What a belief was at a moment, given how the first change after it found and left it.

    One that was only told to mem later, by an import, was held from its creation on.
    """
    if before is not None or after is None or after.created > moment:
        return before
    if after.status == "superseded" and after.updated > moment:
        return after._replace(status="active", superseded_by=None)
    return after


def _contested_misses(beliefs: Mapping[int, Belief], contested: Mapping[str, list[str]]) -> list[lexical.Miss]:
    return [
        lexical.Miss(n, belief.name, f"it is contested by {', '.join(contested[belief.id])}")
        for n, belief in beliefs.items()
        if belief.id in contested
    ]


def _begins_with_id(path: str) -> bool:
    """Whether a file looks like a page that has an id; a look that loads nothing, for what else lies in a folder."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        start = os.read(descriptor, 4096) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    finally:
        os.close(descriptor)
    return re.match(rb"(?:\xef\xbb\xbf)?---\r?\n(?:.*\n)*?id:", start) is not None


def _is_held(view: View, path: str, hash: str) -> bool:
    """Whether a page in this state (empty: gone) is another author's doing, which waits for approval or was refused."""
    return bool(
        view.rows("SELECT 1 FROM held WHERE path = ? AND hash = ? AND kind IN ('foreign', 'refused')", path, hash)
    )


def _number_of(view: View, id_: str) -> int:
    return int(view.one("SELECT n FROM belief WHERE scope :scopes AND id = ?", id_)[0])


def require_known(scope: Scope, known: Mapping[str, int]) -> None:
    """Make sure that a scope was declared or used.

    Raises: UsageMistake with close names.
    """
    if str(scope) in known or scope == USER:
        return
    close = close_scopes(scope, known)
    hint = f"did you mean {' or '.join(close)}?" if close else f"mem scope add {scope}"
    raise UsageMistake(f"the scope {scope} is not known", hint)


def close_scopes(scope: Scope, known: Iterable[str]) -> list[str]:
    """Known scopes that one may be a slip for, closest first."""
    from difflib import SequenceMatcher

    def likeness(path: str) -> float:  # of the names: that both are projects makes them no closer
        return SequenceMatcher(None, path.partition(":")[2], "/".join(scope.segments)).ratio()

    return sorted((path for path in known if likeness(path) > 0.7), key=lambda path: -likeness(path))[:3]


def _working_directory() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None


def clock() -> datetime:
    """Now, to the second; MEM_NOW stands in for it where a run must be repeatable."""
    fixed = os.environ.get("MEM_NOW")
    try:
        return parse_time(fixed) if fixed else datetime.now(UTC).replace(microsecond=0)
    except ValueError as error:
        raise UsageMistake(f"MEM_NOW: {error}", "unset MEM_NOW") from None
