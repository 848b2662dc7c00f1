"""The façade: what the commands call, one method an act or a question.

An act is decided in one transaction and then carried into the tree (`writing`); questions are answered from
one snapshot (`reading`). The clock enters there and is passed down.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from json import loads

from mem import config, derive, embedding, git, lexical, models, receipts, retention, sync, text, tree
from mem import recall as recalling
from mem import scope as scopes
from mem.belief import (
    Belief,
    canonical_name,
    from_record,
)
from mem.errors import ModelUnusable, NothingFound, Problem, Refused, TreeProblem, UsageMistake
from mem.mending import Mender
from mem.reading import (
    PENDING,
    Filters,
    OpenScopes,
    Recalled,
    Reference,
    agent,
    close_scopes,
    refuse_agents,
    require_known,
)
from mem.record import Any, NamedTuple
from mem.revising import require_nameable, require_wider
from mem.scope import Scope
from mem.sharing import Synced
from mem.store import Change, Operation, Proposal, Receipt, Store, Transaction, Version, View, belief_of
from mem.writing import confirmed

EVERYTHING = Filters(any_state=True)
MOST_COMPARED = 2_000
"""Characters of a belief that are looked for in others; each word costs a question to the index."""
LOOKS = 3
"""Times that the tree is looked at when git changes it meanwhile."""
VERIFIED = 200
"""Beliefs whose words serve as queries when the ranking is compared with rank_bm25."""


class Remembered(NamedTuple):
    """What `remember` did."""

    belief: Belief
    derived: list[str]
    """Which of type, name and aliases were worked out from the text."""
    page: str | None
    """Path below the memory folder; None while it waits for approval."""
    outcome: str
    """`new`, `version` of a belief of that name, or `restated` word for word."""
    reason: str
    """Why it went to this scope."""
    close: list[str]
    """For a scope that this belief is the first of: known ones that it may be a slip for."""
    conflicts: list[tuple[Belief, str]]
    """Beliefs that it contradicts, with the surface that both claim; neither is injected until that is settled."""
    replaced: Belief | None
    """The belief whose place it took."""
    taken: str | None
    """The name that was asked for, if another belief has it that this one could not be a version of."""


class Imported(NamedTuple):
    """What an import did."""

    added: int
    updated: int
    skipped: int
    pending: int
    """How many of the added and updated ones wait for approval."""
    problems: list[Problem]


class Report(NamedTuple):
    """What `doctor` found."""

    beliefs: int
    pages: int
    postings: int
    ranking: tuple[int, float] | None
    """Queries compared with rank_bm25, and the largest difference; None if that was not asked for."""
    problems: list[Problem]


class Overview(NamedTuple):
    """Where a session is."""

    opened: OpenScopes
    counts: dict[str, int]
    """Visible beliefs: `current`, `pending`, `all`, `contested`, `dormant`, `questions`."""
    last: Operation | None
    """The latest act."""
    by_hand: int
    """Visible pages that were changed by hand, or are gone."""
    uncommitted: int | None
    """Files of the memory folder that git has not committed; None without a repository."""


class Why(NamedTuple):
    """Where a belief comes from, and what came of it."""

    belief: Belief
    page: str | None
    versions: list[Version]
    receipts: list[Receipt]
    """The latest, newest first."""
    uses: int
    """How many receipts there are."""
    rivals: list[Belief]
    replaced: list[Belief]
    """Those whose place it took."""
    retention: float


class Memory(Mender):
    """One person's memory, in one folder."""

    def export(self, given: Sequence[str], filters: Filters = EVERYTHING) -> list[Belief]:
        """The beliefs of exactly these scopes, or of all, as their pages say now; by creation, then id.

        Raises: UsageMistake for an unknown scope; Refused under an agent's environment.
        """
        refuse_agents("export")
        with self._reading() as store:
            if store is None:
                return []
            if given:
                parsed = [scopes.parse(one) for one in given]
                for scope in parsed:
                    require_known(scope, store.scopes())
                view = store.visible(parsed)
            else:
                view = store.everything()
            overlay, _ = self._overlay_then(view, filters, sweep=None)
            rows = view.rows("SELECT n FROM belief WHERE scope :scopes")
            found = self._numbered(view, [*(n for (n,) in rows), *(n for n in overlay if n < 0)], overlay)
            return sorted(filter(filters.admits, found.values()), key=lambda belief: (belief.created, belief.id))

    # -- questions

    def overview(self, given: Sequence[str]) -> Overview:
        """Where this session is: what it sees, and what waits for its user."""
        with self._reading() as store:
            opened = self.open_scopes(store, given)
            if store is None:
                if self.home.lost() is not None:
                    self._warn(f"there is still a database of {self.home.path} (mem doctor --rebuild tree)")
                return Overview(opened, {}, None, 0, None)
            view = store.visible(opened.visible)
            overlay, _ = self._overlay(view)
            now, dormant = self._clock(), self._settings(store)["forgetting.dormant"]
            faded = view.faded(now, retention.spans_until(dormant))
            counts = view.counts() | {"contested": len(view.contested()), "dormant": faded}
            last = store.operations(1)
            seen = last if agent() is None else []  # what was done elsewhere is no business of an agent
            return Overview(opened, counts, seen[0] if seen else None, len(overlay), git.uncommitted(self.home.path))

    def history(self, reference: str, given: Sequence[str]) -> tuple[Belief, list[Version]]:
        """A visible belief and its versions, oldest first, without those that were undone.

        Raises: UsageMistake if it is unknown.
        """
        belief, _ = self.belief(reference, given)
        with self._reading() as store:
            view = store.visible([scopes.parse(belief.scope)]) if store is not None else None
            return belief, view.history(belief.id) if view is not None else []

    def why(self, reference: str, given: Sequence[str], limit: int) -> Why:
        """Where a belief comes from, and what surfaced it.

        Raises: UsageMistake if it is unknown.
        """
        belief, page = self.belief(reference, given)
        with self._reading() as store:
            assert store is not None, "a belief was just read from it"
            opened = self.open_scopes(store, given)
            view = store.visible(opened.visible)
            waiting = [one for one in _waiting(store, view) if belief.id in {used.belief for used in one.used}]
            latest = [*reversed(waiting), *view.receipts(limit, belief.id)][:limit]
            return Why(
                belief,
                page,
                view.history(belief.id),
                latest if agent() is None else [],  # they name what was open elsewhere
                view.uses(belief.id) + len(waiting),
                [view.belief(one) for one in view.contested().get(belief.id, [])],
                view.beliefs("superseded_by = ?", belief.id),
                recalling.strength(belief, self._clock()),
            )

    def log(self, given: Sequence[str], limit: int) -> list[tuple[Receipt, dict[str, Belief]]]:
        """The latest receipts that hold visible beliefs, newest first, with those beliefs by id.

        Raises: Refused under an agent's environment.
        """
        refuse_agents("log")
        with self._reading() as store:
            if store is None:
                return []
            view = store.visible(self.open_scopes(store, given).visible)
            found = [*reversed(_waiting(store, view)), *view.receipts(limit)][:limit]
            known = view.by_id({used.belief for one in found for used in one.used})
            return [(one, {used.belief: known[used.belief] for used in one.used}) for one in found]

    def similar(
        self, reference: Reference, given: Sequence[str], k: int | None, mode: str, *, explain: bool
    ) -> tuple[Belief, Recalled]:
        """A visible belief, and the best k others for what it says.

        Raises: UsageMistake if it is unknown; ModelUnusable where `hybrid` is not possible.
        """
        belief, _ = self.belief(reference, given)
        said = f"{belief.name.replace('_', ' ')} {belief.content}"[:MOST_COMPARED]
        limit = k if k is not None else self.settings()["recall.k"]
        found = self.recall(said, given, limit + 1, mode=mode, abstain=False, explain=explain)
        return belief, found._replace(hits=[hit for hit in found.hits if hit.belief.id != belief.id][:limit])

    def conflicts(self, given: Sequence[str]) -> list[tuple[Belief, Belief]]:
        """Pairs of visible beliefs that contradict each other, neither of which is injected."""
        with self._reading() as store:
            if store is None:
                return []
            view = store.visible(self.open_scopes(store, given).visible)
            pairs = {(min(one, other), max(one, other)) for one, all in view.contested().items() for other in all}
            known = view.by_id({one for pair in pairs for one in pair})
            return [(known[one], known[other]) for one, other in sorted(pairs) if one in known and other in known]

    # -- settling

    def settle(self, keep: Reference, given: Sequence[str], *, both: bool) -> list[tuple[Belief, Belief]]:
        """End the conflicts of a belief: it takes the places of the others, or they all hold.

        Returns each pair of the one that is kept and the other.
        Raises: UsageMistake if it is in no conflict; Refused under an agent's environment.
        """
        refuse_agents("conflicts")
        now = self._clock()

        def about(store: Store) -> list[str]:
            view = self._view_to_write(store, given)
            kept = self._find(view, keep).id
            return [kept, *view.contested().get(kept, [])]

        with self._writing("settle", "settle", about=about) as transaction:
            view = self._view_to_write(transaction.store, given)
            kept = self._find(view, keep)
            others = [view.belief(one) for one in view.contested().get(kept.id, [])]
            if not others:
                raise UsageMistake(f"{kept.name} ({kept.id}) is in no conflict", "mem conflicts")
            for other in others:
                if both:
                    transaction.set_conflict(kept.id, other.id, "settled")
                else:
                    self._put(transaction, other._replace(status="superseded", superseded_by=kept.id, updated=now))
            transaction.summary = f"settle {kept.name} ({kept.id}){' and others, which all hold' if both else ''}"
        return [(kept, other) for other in others]

    # -- the tree

    def sync(
        self,
        *,
        accept_moves: bool = False,
        accept_deletions: bool = False,
        accept_branch: bool = False,
        commit: bool = True,
        pull: bool = False,
        push: bool = False,
        dry_run: bool = False,
    ) -> Synced:
        """Bring tree and store together: take in what a person did to pages, write what waits, and commit it.

        Whoever syncs at every save of a file does not `commit`.
        Raises: Refused under an agent's environment.
        """
        refuse_agents("sync")
        with self._locked_store() as store:
            if accept_branch and not dry_run:
                store.note("branch", git.state(self.home.path).branch or "")
        done = self._reconcile(accept_moves=accept_moves, accept_deletions=accept_deletions, dry_run=dry_run)
        return self._share(done, self._reconcile, pull=pull, push=push) if commit else done

    def _reconcile(
        self, *, accept_moves: bool = False, accept_deletions: bool = False, dry_run: bool = False
    ) -> Synced:
        """Let tree and store follow each other, unless git is in the midst of something, or on another branch."""
        now = self._clock()
        with self._locked_store() as store:
            for _ in range(LOOKS):
                state = git.state(self.home.path)
                reason = sync.waits(self.home, store)
                head = git.head(self.home.path)
                if reason is not None:
                    return Synced([], [], reason, len(store.outbox()), dry_run)
                sides = sync.look(self.home, store, now)
                self._require_there()
                if state.busy is None and git.state(self.home.path) == state:
                    break
            else:
                return Synced([], [], "git is changing pages in the memory folder", len(store.outbox()), dry_run)
            gone = {one.id for one in store.held() if one.kind == sync.GONE}
            changes = sync.plan(*sides, accept_moves=accept_moves, accept_deletions=accept_deletions, gone=gone)
            changes = self._told_apart(store, changes)
            problems = [change.problem for change in changes if change.problem is not None]
            faulty: set[str] = set()
            if not dry_run:
                faults = self._apply(store, changes, now, whole=True)
                faulty = {fault.path for fault in faults}
                problems += faults
                told = {problem.path for problem in problems}
                left = sync.deliver(self.home, store, self._rendered)
                problems += [problem for problem in left if problem.path not in told]
                undecided = [one.path for one in changes if one.act in ("hold", "fault")]
                since = store.meta("commit")
                # Who wrote a page that cannot be decided about yet must be known when it can be.
                if head is not None and head != since and not self._authors(undecided, since):
                    store.note("commit", head)
            done = [one for one in changes if one.problem is None and one.words and one.path not in faulty]
            written = [change for change in changes if change.act == "write"]
            unreviewed = sum(one.kind == sync.FOREIGN for one in store.held())
            return Synced([*done, *written], problems, None, len(store.outbox()), dry_run, unreviewed=unreviewed)

    def change_setting(self, key: str, value: str | None) -> Any:
        """Give a setting a value, or its default back for None; returns what holds now.

        Raises: UsageMistake for an unknown key or a value that it cannot have; TreeProblem if the file is not
            TOML; Refused under an agent's environment.
        """
        refuse_agents("config")
        wanted = config.read_value(key, value) if value is not None else None
        if key == "model.name" and wanted is not None:
            models.named(wanted)
        default = config.setting(key).default
        path = os.path.realpath(config.settings_path())
        with self._writing("config", f"config {key} {'unset' if value is None else value}") as transaction:
            before = _settings_text(path)
            after = config.with_setting(before or "", path, key, wanted)
            if after != (before or ""):
                transaction.set_settings(path, before, after)
        self._take_up_settings()
        return default if wanted is None else wanted

    def operations(self, limit: int) -> list[Operation]:
        """The latest acts that can be undone, newest first.

        Raises: Refused under an agent's environment.
        """
        refuse_agents("undo")
        with self._reading() as store:
            return store.operations(limit) if store is not None else []

    def doctor(self, verify_ranking: bool, repair: bool = False) -> Report:
        """Whether database, tree and index agree; under the lock, so that nothing moves meanwhile.

        To `repair` is to make anew what is made from the beliefs: index rows and vectors.
        """
        refuse_agents("doctor")
        used = str(self.settings()["model.name"])
        broken = models.problem(used)
        about_model = [Problem(f"model {used}", 0, broken)] if broken is not None else []
        if self.home.database() is None:
            lost = self.home.lost()
            words = f"was the database of {self.home.path}; mem doctor --rebuild tree makes its pages anew"
            return Report(0, 0, 0, None, about_model + ([Problem(lost, 0, words)] if lost is not None else []))
        if repair:
            self._repair(usable=broken is None)
        with self._locked_store() as store:
            everything = store.everything()
            problems = about_model + [Problem(store.path, 0, one) for one in store.integrity()]
            problems += sync.differences(self.home, store, self._clock())
            problems += [Problem(store.path, 0, f"{one}; mem doctor --repair") for one in lexical.stale(everything)]
            problems += self._about_vectors(store, everything)
            ranking = None
            if verify_ranking:
                queries = [sorted(lexical.bag(belief))[:8] for belief in everything.beliefs("current")[:VERIFIED]]
                worst, disordered = lexical.verify(everything, queries)
                ranking = len(queries), worst
                if worst > 1e-9 or disordered:
                    problems.append(Problem(store.path, 0, f"{disordered} of {len(queries)} queries rank differently"))
            return Report(
                everything.counts()["all"],
                len(everything.pages()),
                everything.rows("SELECT COUNT(*) FROM posting WHERE scope :scopes")[0][0],
                ranking,
                problems,
            )

    def _repair(self, *, usable: bool) -> None:
        """Make index rows and vectors anew where they are not what they should be."""
        with self._locked_store() as store:
            everything = store.everything()
            if lexical.stale(everything):
                store.reindex(store.language, lexical.indexed)
            meaning = self._meaning(store)
            if meaning is not None:
                store.forget_vectors(embedding.faults(everything, meaning))
        if usable:
            self.embed()

    def _about_vectors(self, store: Store, everything: View) -> list[Problem]:
        """What is wrong with the vectors; nothing where the model cannot say, which is a problem of its own."""
        meaning = self._meaning(store)
        found = [*embedding.faults(everything, meaning).values()] if meaning is not None else []
        waiting = store.waiting()
        if waiting:
            found.append(f"{text.counted(waiting, 'belief')} waiting for {'its' if waiting == 1 else 'their'} meaning")
        return [Problem(store.path, 0, f"{one}; mem doctor --repair") for one in found]

    def init(self) -> str:
        """Make what is missing of memory folder, repository and database; returns the folder's path."""
        path = self.home.database()
        if path is not None:
            with self._locked():
                if not os.path.exists(path):  # not seen before the lock was held: another init may have been first
                    self._make_store(path).close()
        self._embed_or_tell()
        return self.home.path

    def remember(
        self, content: str, fields: Mapping[str, Any], supersede: Reference | None, by: str | None
    ) -> Remembered:
        """Store a belief; what `fields` does not give is derived from the content.

        `fields` has keys of a `mem.belief/1` record; `by` names an agent that proposes it.
        Raises: UsageMistake for a field that is wrong; Refused if an agent would replace a belief.
        """
        complaint = text.fault(content)
        if complaint:
            raise UsageMistake(f"the text {complaint}; nothing was remembered", "mem remember TEXT")
        for surface in fields.get("aliases") or []:
            require_nameable(surface)
        author = f"agent:{by}" if by is not None else self._author()
        fields = {key: value for key, value in fields.items() if value is not None}
        now = self._clock()
        kind = "remember" if supersede is None else "supersede"
        with self._writing(kind, kind, author, about=lambda store: self._meant(store, content, fields, supersede)) as (
            transaction
        ):
            store = transaction.store
            scope, reason, remote = self._scope_to_write(store, fields.pop("scope", None))
            typed = reason.startswith("given") and str(scope) not in store.scopes()
            close = close_scopes(scope, store.scopes()) if typed else []
            fields = self._resolved(store, scope, fields)
            derived = [key for key in ("type", "name", "aliases") if key not in fields]
            draft = self._draft(store, content, fields, scope, author, now)
            old = self._superseded(store, supersede, scope, author) if supersede is not None else None
            if old is not None:
                draft = self._in_place_of(store, old, draft, derived)
            view, gone = store.visible([scope]), old.id if old is not None else None
            belief, outcome = self._settle_identity(view, draft, derived, fields, gone, now)
            transaction.summary = f"remember {belief.name} ({belief.id})"
            if remote is not None:
                transaction.set_remote(remote, str(scope))
            if old is not None:
                self._put(transaction, old._replace(status="superseded", superseded_by=belief.id, updated=now))
                transaction.summary += f" in the place of {old.name} ({old.id})"
            path = self._put(transaction, belief)
            conflicts = self._contest(transaction, belief) if belief.review == "approved" else []
        asked = fields.get("name", belief.name)
        taken = asked if outcome == "new" and belief.name != asked else None
        return Remembered(belief, derived, path, outcome, reason, close, conflicts, old, taken)

    def _meant(
        self, store: Store, content: str, fields: Mapping[str, Any], supersede: Reference | None
    ) -> Iterator[str]:
        """The ids of beliefs that a new one may be a version of, say again, or take the place of."""
        scope, *_ = self._scope_to_write(store, fields.get("scope"))
        name = canonical_name(fields["name"]) if "name" in fields else ""
        for old in store.visible([scope]).beliefs("current AND (content = ? OR name = ?)", content, name):
            yield old.id
        if supersede is not None:
            yield self._find(store.visible(scopes.visible([scope])), supersede).id

    def _resolved(self, store: Store, scope: Scope, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields with the name in its canonical form, and ids for what a person calls the participants."""
        found = dict(fields)
        if "participants" in found:
            seen = store.visible(scopes.visible([scope]))
            found["participants"] = [self._find(seen, one).id for one in found["participants"]]
        if "name" in found:
            found["name"] = canonical_name(found["name"])
        return found

    def _draft(
        self, store: Store, content: str, fields: Mapping[str, Any], scope: Scope, author: str, now: datetime
    ) -> Belief:
        """A new belief: what was said of it, and what the content implies.

        Raises: UsageMistake for a field that is wrong.
        """
        record: dict[str, Any] = {
            "type": derive.type_of(content),
            "name": derive.name_of(content),
            "review": "approved" if author == "user" else "pending",
            **fields,
            "content": content,
            "scope": str(scope),
            "provenance": {"source": author, "session": fields.get("session")},
        }
        record.pop("session", None)
        record.setdefault("stability", self._initial_stability(store, record["type"]))
        try:
            return from_record(record, id=self._fresh_id(store), now=now, source=author)
        except ValueError as error:
            raise UsageMistake(f"this cannot be remembered: {error}", "mem remember --help") from None

    def _in_place_of(self, store: Store, old: Belief, new: Belief, derived: Sequence[str]) -> Belief:
        """A belief that takes another one's place: of its type, and found as that was, unless told otherwise."""
        if "type" in derived:
            new = new._replace(type=old.type, stability=self._initial_stability(store, old.type) or old.stability)
        return _found_as(old, new) if "aliases" in derived else new

    def replace(
        self, reference: Reference, content: str, fields: Mapping[str, Any], given: Sequence[str]
    ) -> Remembered:
        """Let a new belief take the place of an old one, in its scope.

        Raises: as `remember` and `supersede`.
        """
        refuse_agents("supersede")
        old, _ = self.belief(reference, given)
        done = self.remember(content, {"scope": old.scope, **fields}, old, None)
        return done._replace(reason="that of the belief it replaces")

    def relate(self, one: str, verb: str, other: str, given: Sequence[str], scope: str | None) -> Remembered:
        """Connect two visible beliefs by a verb, in the narrower of their scopes unless one is given.

        Raises: UsageMistake if one is unknown, or neither scope sees the other.
        """
        a, b = self.belief(one, given)[0], self.belief(other, given)[0]
        places = scopes.parse(a.scope), scopes.parse(b.scope)
        narrow = next((str(x) for x in places if {*places} <= {*scopes.visible([x])}), None)
        if narrow is None and scope is None:
            raise UsageMistake(
                f"{a.scope} and {b.scope} do not see each other, so no session would see both",
                "mem edit ID --move SCOPE",
            )
        content = f"{a.name} {verb} {b.name}"
        fields = {"type": "relation", "relation": verb, "participants": [a, b], "scope": scope or narrow}
        done = self.remember(content, {**fields, "name": canonical_name(content), "aliases": []}, None, None)
        return done if scope is not None else done._replace(reason="where both are visible")

    def _settle_identity(
        self,
        view: View,
        belief: Belief,
        derived: Sequence[str],
        fields: Mapping[str, Any],
        superseded: str | None,
        now: datetime,
    ) -> tuple[Belief, str]:
        """Whether this is a new belief, a version of one with the same given name, or one said again.

        A name keeps its type unless another one is given; `superseded` is the id that makes room.
        """
        if belief.review == "approved":
            for old in view.beliefs("content = ? AND current", belief.content):
                if "name" in derived and (old.type == belief.type or "type" in derived) and old.id != superseded:
                    said = {key: getattr(belief, key) for key in fields}
                    return confirmed(old._replace(**said), now)._replace(updated=now), "restated"
            same_name = view.beliefs("name = ? AND current", belief.name) if "name" not in derived else []
            same_type = [old for old in same_name if old.type == belief.type]
            versions = same_type or (same_name if "type" in derived and superseded is None else [])
            if len(versions) == 1 and versions[0].id != superseded:
                return _version(versions[0], belief, fields, now), "version"
        rows = view.rows("SELECT name FROM belief WHERE scope :scopes AND id IS NOT ?", superseded)
        taken = {name for (name,) in rows}
        name, n = belief.name, 1
        while name in taken:
            n += 1
            name = f"{belief.name}_{n}"
        return belief._replace(name=name), "new"

    def _superseded(self, store: Store, reference: Reference, scope: Scope, author: str) -> Belief:
        """The belief whose place is taken.

        Raises: Refused for an agent; UsageMistake if it is not visible from the scope, or not live.
        """
        if author != "user":
            raise Refused(
                f"{author} may propose a belief but not supersede one",
                "run mem remember --supersede yourself, outside the agent",
            )
        old = self._find(store.visible(scopes.visible([scope])), reference)
        if not old.live:
            raise UsageMistake(f"{old.id} ({old.name}) is {old.status} and cannot be superseded", f"mem show {old.id}")
        require_wider(old, str(scope))
        return old

    def pending_elsewhere(self, given: Sequence[str]) -> dict[str, int]:
        """Scope to number of pending beliefs, for those that the open scopes do not see; for a person only.

        Raises: Refused under an agent's environment.
        """
        refuse_agents("review")
        with self._reading() as store:
            if store is None:
                return {}
            seen = {str(scope) for scope in self.open_scopes(store, given).visible}
            waiting = Counter(belief.scope for belief in store.everything().beliefs(PENDING))
            return {scope: count for scope, count in sorted(waiting.items()) if scope not in seen}

    def undo(self, steps: int) -> list[Operation]:
        """Put back what the latest acts changed, newest first.

        Raises: NothingFound if there is nothing to undo; Refused under an agent's environment.
        """
        refuse_agents("undo")
        with self._writing("undo", "undo") as transaction:
            store = transaction.store
            operations = [one for one in store.operations(steps + 1) if one.kind != "undo"][:steps]
            if not operations:
                raise NothingFound("there is nothing to undo", "mem remember TEXT")
            for operation in operations:
                for change in reversed(store.changes(operation.n)):
                    self._put_back(transaction, change)
                transaction.mark_undone(operation.n)
        if any(operation.kind == "config" for operation in operations):
            self._take_up_settings()
        return operations

    def _put_back(self, transaction: Transaction, change: Change) -> None:
        """Make one row what it was before a change."""
        if change.kind == "belief" and change.before is None:
            transaction.remove(change.key)
        elif change.kind == "belief":
            self._put(transaction, belief_of(change.before or ""), change.page, change.number)
        elif change.kind == "conflict":
            one, other = change.key.split()
            transaction.set_conflict(one, other, _text_in(change.before))
        elif change.kind == "proposal":
            transaction.set_proposal(change.key, Proposal(*loads(change.before)) if change.before else None)
        elif change.kind == "note":
            scope, _, path = change.key.partition(" ")
            transaction.set_note(scope, path, change.before)
        elif change.kind == "settings":
            _restore_settings(transaction, change)
        elif change.kind == "scope":
            transaction.set_scope(change.key, change.before is not None)
        elif change.kind == "mapping":
            transaction.set_mapping(change.key, _text_in(change.before))
        else:
            transaction.set_remote(change.key, _text_in(change.before))

    def _take_up_settings(self) -> None:
        """Let what is kept by the settings follow them."""
        self._known = None
        self._embed_or_tell()

    def _embed_or_tell(self) -> None:
        """Make the vectors that are waited for; without them words still answer."""
        try:
            self.embed()
        except ModelUnusable as error:
            self._warn(f"only words will be compared: {error.message} ({error.hint})")

    def add_scope(self, path: str) -> bool:
        """Declare a scope, so that reads may open it; False if it was known."""
        scope = scopes.parse(path)
        with self._writing("scope", f"scope add {scope}") as transaction:
            known = str(scope) in transaction.store.scopes()
            transaction.set_scope(str(scope), True)
        return not known

    def map_scope(self, directory: str, path: str | None) -> str:
        """Map a directory to a scope (None takes the mapping away); returns the directory as stored.

        Raises: UsageMistake if there is no such directory, or no mapping to take away; Refused under an
            agent's environment.
        """
        refuse_agents("scope map")
        place = os.path.realpath(os.path.expanduser(directory))
        if not text.is_utf8(place):
            raise UsageMistake(f"the name of the directory {text.shown(place)} is not UTF-8", "mem scope map DIR SCOPE")
        scope = None if path is None else scopes.parse(path)
        if scope is not None and not os.path.isdir(place):
            raise UsageMistake(f"{place} is not a directory", "mem scope map DIR SCOPE")
        with self._writing("scope", f"scope map {place} {scope or '(none)'}") as transaction:
            if scope is None and place not in transaction.store.mappings():
                raise UsageMistake(f"{place} is not mapped", "mem scope list")
            if scope is not None:
                transaction.set_scope(str(scope), True)
            transaction.set_mapping(place, str(scope) if scope else None)
        return place

    def import_records(
        self,
        name: str,
        rows: Iterable[tuple[int, Mapping[str, Any]] | Problem],
        *,
        approve: bool,
        strict: bool,
        dry_run: bool,
        progress: Callable[[int], None],
    ) -> Imported:
        """Take in `mem.belief/1` records; what cannot be taken is listed and the rest imported.

        Raises: TreeProblem if `strict` and anything is wrong (nothing is written), or if there is no
            record at all; Refused if an agent asks to approve.
        """
        if approve:
            refuse_agents("import --approve")
        problems: list[Problem] = []
        counts = {"new": 0, "version": 0, "same": 0}
        pending = 0
        with self._writing("import", f"import {name}", dry_run=dry_run) as transaction:
            store, now = transaction.store, self._clock()
            for at, row in enumerate(rows):
                progress(at)
                if isinstance(row, Problem):
                    problems.append(row)
                    continue
                try:
                    belief = from_record(row[1], id=self._fresh_id(store), now=now, source="import:jsonl")
                    outcome = self._import_one(transaction, belief, row[1].get("id") is not None, approve)
                except ValueError as error:
                    problems.append(Problem(name, row[0], str(error)))
                    continue
                counts[outcome] += 1
                pending += outcome != "same" and (not approve or belief.review == "pending")
            if sum(counts.values()) == 0 and not problems:
                raise TreeProblem(f"{name} holds no records", "mem export shows the form")
            if problems and strict:
                raise TreeProblem(f"{problems[0]}; nothing was imported", "mend the line, or leave out --strict")
            transaction.summary = f"import {name} ({counts['new']} new, {counts['version']} updated)"
        return Imported(counts["new"], counts["version"], counts["same"], pending, problems)

    def _import_one(self, transaction: Transaction, belief: Belief, identified: bool, approve: bool) -> str:
        """Store one record: `new`, a newer `version` of a known id, or the `same`.

        A record that gives no id is the same as a belief with its words, type and scope.
        Raises: ValueError if the id is known and the record is neither.
        """
        if not approve:
            belief = belief._replace(review="pending")
        everything = transaction.store.everything()
        if not identified and everything.beliefs(
            "content = ? AND type = ? AND scope = (SELECT n FROM scope WHERE path = ?)",
            belief.content, belief.type, belief.scope,
        ):  # fmt: skip
            return "same"
        known = everything.beliefs("id = ?", belief.id)
        if not known:
            self._put(transaction, belief)
            return "new"
        old = known[0]
        if old == belief or (not approve and old._replace(review="pending") == belief):
            return "same"
        if old.scope != belief.scope:
            raise ValueError(f"id {belief.id} is known in the scope {old.scope}; an import does not move it")
        if belief.updated <= old.updated:
            raise ValueError(f"id {belief.id} is known with other content; a later `updated` makes this a new version")
        if not approve:
            raise ValueError(f"id {belief.id} is known, and only `mem import --approve` may change it")
        self._put(transaction, belief)
        return "version"


def _version(old: Belief, new: Belief, fields: Mapping[str, Any], now: datetime) -> Belief:
    """The next version of a belief that was named: its identity, the new statement, what was said of it."""
    said = {key: getattr(new, key) for key in fields}
    if "aliases" not in said:
        said["aliases"] = _found_as(old, new).aliases
    changed = old._replace(content=new.content, **said)._replace(
        source=new.source, session=new.session, at=now, updated=now
    )
    return confirmed(changed, now)


def _found_as(old: Belief, new: Belief) -> Belief:
    """A belief that takes another one's place, with what a person or use taught mem to find that by."""
    kept = [one for one in old.aliases if one.origin != "derived"]
    texts = {one.text for one in kept}
    return new._replace(aliases=(*kept, *(one for one in new.aliases if one.text not in texts)))


def _waiting(store: Store, view: View) -> list[Receipt]:
    """Receipts that no writer has folded yet, with visible beliefs alone; oldest first."""
    found = receipts.waiting(store)
    known = view.by_id({used.belief for one in found for used in one.used})
    seen = [one._replace(used=tuple(used for used in one.used if used.belief in known)) for one in found]
    return [one for one in seen if one.used]


def _settings_text(path: str) -> str | None:
    """The text of the settings file, or None if there is none.

    Raises: TreeProblem if it is one that could not be put back as it is.
    """
    source = tree.read(path)
    try:
        if source is None or len(source) <= tree.MAX_PAGE:
            return None if source is None else source.decode()
        complaint = f"has more than {tree.MAX_PAGE:,} bytes"
    except UnicodeDecodeError:
        complaint = "is not UTF-8"
    raise TreeProblem(f"{path} {complaint}; nothing was changed", "mend the file")


def _restore_settings(transaction: Transaction, change: Change) -> None:
    """Put the settings file back as it was.

    Raises: TreeProblem if it is not as mem left it.
    """
    path = change.key
    there = transaction.files[path] if path in transaction.files else _settings_text(path)
    if (there or "") != (_text_in(change.after) or ""):
        raise TreeProblem(f"{path} was changed by hand since; nothing was undone", "mem config set KEY VALUE")
    transaction.files[path] = _text_in(change.before)


def _text_in(change: str | None) -> str | None:
    """What one side of a change holds, where that is a text."""
    return None if change is None else str(loads(change))
