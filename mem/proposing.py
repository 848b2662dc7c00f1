"""Proposing: what notes say, in the inbox; what is edited in a note as a revision, what goes from it as a forget.

The same note again proposes nothing again, nor does anything that was known or rejected before. A note is no
decision: nothing here changes a belief that was approved, so an agent may do it, too.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime

from mem import derive, ingest, notes, receipts, text
from mem import scope as scopes
from mem.belief import MAX_ALIASES, MAX_NAME, Alias, Belief, alias, canonical_name, derived_aliases, from_record
from mem.errors import Problem, StoreUnusable
from mem.ingest import Candidate, Seen, Step
from mem.notes import ALL, Globs, Note
from mem.record import Any, NamedTuple
from mem.scope import Scope
from mem.sharing import Sharer
from mem.store import Indexed, Proposal, Store, Transaction

LONGEST_SESSION = 200
"""Characters of a note's name and headings, as they are kept with what comes from it."""
_NO_ROWS = Indexed({}, [])


class Proposed(NamedTuple):
    """One thing that was put into the inbox, or changed there."""

    act: str
    """`add`, `revise` or `forget`."""
    belief: Belief
    """The pending one."""
    target: Belief | None
    """The belief that is meant, but for `add`."""


class Ingested(NamedTuple):
    """What came of reading notes."""

    scope: Scope
    reason: str
    """Why it went to this scope."""
    new_scope: bool
    notes: int
    proposed: list[Proposed]
    known: int
    """How many things that the notes say now were known, or rejected, before."""
    withdrawn: int
    """Proposals that a note took back before anybody decided about them."""
    problems: list[Problem]
    """What was left out."""


Read = tuple[Note, list[Candidate]]


class Proposer(Sharer):
    """One person's memory, in one folder, to which notes can propose something."""

    def ingest(
        self,
        paths: Sequence[str],
        scope: str | None,
        *,
        dry_run: bool = False,
        globs: Globs = ALL,
        only: Collection[str] | None = None,
        progress: Callable[[int], None] = lambda done: None,
    ) -> Ingested:
        """Propose what notes say; the files are only read.

        `only` are the paths of notes that may have changed, where that is known; what is gone is seen anyhow.
        Raises: UsageMistake for a path that does not exist, Refused for one in the memory folder.
        """
        tops = notes.tops(paths, self.home.path)
        read, problems = _read(notes.read(tops, self.home.path, globs, only), progress)
        missing = self._missing(tops, scope, {note.path for note, _ in read})
        # What is gone from one place may have turned up in another since that was looked at; nobody shall wait for it.
        more = _read(_others(notes.read(tops, self.home.path, globs), read), progress)[0] if missing else []
        with self._writing("ingest", "ingest", dry_run=dry_run) as transaction:
            store = transaction.store
            target, reason, remote = self._scope_to_write(store, scope)
            new = str(target) not in store.scopes()
            run = _Ingestion(self, transaction, target)
            for note, found in read:
                run.plan(note.path, found)
            gone = _gone(tops, run.noted, {note.path for note, _ in read}, problems)
            for note, found in more:
                run.plan(note.path, found)
            for path in missing.intersection(gone):  # another one is seen the next time
                run.plan(path, [])
            run.apply()
            if run.proposed and remote is not None:
                transaction.set_remote(remote, str(target))
            named = ", ".join(map(notes.called, tops[:3])) + (" and more" if len(tops) > 3 else "")
            transaction.summary = f"ingest {named} ({text.counted(len(run.proposed), 'proposal')})"
        return Ingested(
            target, reason, new, len(read), run.proposed, run.already, run.withdrawn, problems + run.problems
        )

    def _missing(self, tops: Sequence[str], scope: str | None, read: set[str]) -> set[str]:
        """Notes that are gone from these folders, as far as can be told without the lock."""
        with suppress(StoreUnusable), self._reading() as store:
            if store is not None:
                noted = store.visible([self._scope_to_write(store, scope)[0]]).notes()
                return {*_gone(tops, noted, read, [])}
        return set()


def _read(found: Iterable[Note | Problem], progress: Callable[[int], None]) -> tuple[list[Read], list[Problem]]:
    """Notes with what they say, and what could not be read or must not be proposed."""
    read: list[Read] = []
    problems: list[Problem] = []
    for note in found:
        if isinstance(note, Problem):
            problems.append(note)
            continue
        said, hidden = _without_secrets(note.path, ingest.candidates(note.text, os.path.basename(note.path)))
        problems += hidden
        read.append((note, said))
        progress(len(read))
    return read, problems


def _others(found: Iterable[Note | Problem], read: Sequence[Read]) -> Iterator[Note | Problem]:
    known = {note.path for note, _ in read}
    return (one for one in found if isinstance(one, Note) and one.path not in known)


def _without_secrets(path: str, said: Iterable[Candidate]) -> tuple[list[Candidate], list[Problem]]:
    kept, hidden = [], []
    for one in said:
        secret = text.secret("\n".join((one.content, one.why or "", one.name or "", *one.aliases, *one.headings)))
        if secret is None:
            kept.append(one)
        else:
            hidden.append(Problem(path, one.line, f"holds {secret.kind}; it was not proposed"))
    return kept, hidden


def _gone(tops: Sequence[str], noted: Iterable[str], read: set[str], problems: list[Problem]) -> list[str]:
    """Notes of these folders that are not there any more. Where all are gone, a disk is missing, not what they said."""
    found = []
    for top in filter(os.path.isdir, tops):
        inside = f"{notes.called(top).rstrip('/')}/"
        below = [path for path in noted if path.startswith(inside)]
        lost = [path for path in below if path not in read and not os.path.lexists(os.path.expanduser(path))]
        if lost and len(lost) == len(below) and not any(path.startswith(inside) for path in read):
            problems.append(Problem(notes.called(top), 0, "has none of its notes any more; nothing was proposed"))
        else:
            found += lost
    return found


class _Ingestion:
    """One run: first what became of each note, then what follows from all of them."""

    def __init__(self, writer: Proposer, transaction: Transaction, scope: Scope) -> None:
        self._writer = writer
        self._transaction = transaction
        self._scope = scope
        self._now: datetime = transaction.now
        self._store: Store = transaction.store
        self._view = self._store.visible(scopes.visible([scope]))
        self.noted = {path: [Seen(*one) for one in json.loads(said)] for path, said in self._notes().items()}
        """What each note of this scope said at its last ingestion, by its path."""
        self._plans: list[tuple[str, list[Seen], list[tuple[Candidate, str]], list[Step]]] = []
        self._beliefs: dict[str, Belief] = {}
        """Visible beliefs that came from notes which changed, by id."""
        self._open = self._open_proposals()
        self._known: dict[str, Belief] | None = None
        self._names: set[str] | None = None
        self._holders: Counter[str] = Counter()
        """In how many places notes say what a belief says, by its id."""
        self.proposed: list[Proposed] = []
        self.problems: list[Problem] = []
        self.already = self.withdrawn = 0

    def _notes(self) -> dict[str, str]:
        return self._store.visible([self._scope]).notes()

    def _open_proposals(self) -> dict[str, dict[str, Belief]]:
        """What notes propose about beliefs and nobody has decided yet: target to act to the pending belief."""
        said = self._view.proposals()
        found: dict[str, dict[str, Belief]] = {}
        for id_, pending in self._view.by_id(said).items():
            if pending.live and pending.source.startswith("file:"):
                found.setdefault(said[id_].target, {})[said[id_].act] = pending
        return found

    # -- what became of each note

    def plan(self, path: str, found: Sequence[Candidate]) -> None:
        """Compare what a note says with what it said."""
        before = self.noted.get(path, [])
        digested = [(one, receipts.hashed(self._store, ingest.key(f"{one.content}\n{one.why or ''}"))) for one in found]
        if [seen.digest for seen in before] == [digest for _, digest in digested]:
            self._holders.update(seen.belief for seen in before if seen.belief)
            self.noted.pop(path, None)
            return
        self._beliefs |= self._view.by_id({seen.belief for seen in before if seen.belief} - self._beliefs.keys())
        steps = ingest.compare(
            [(seen.digest, self._words(seen.belief)) for seen in before],
            [(digest, one.content) for one, digest in digested],
        )
        self.noted.pop(path, None)
        self._plans.append((path, before, digested, steps))

    def _words(self, id_: str | None) -> str:
        """What a note said, as far as it is known: what it proposes now, or what was believed then."""
        proposed = self._open.get(id_ or "", {}).get("revise") or self._beliefs.get(id_ or "")
        return proposed.content if proposed is not None else ""

    # -- what follows

    def apply(self) -> None:
        """Put into the inbox what follows, and note what the notes say now."""
        self._holders.update(seen.belief for said in self.noted.values() for seen in said if seen.belief)
        lost: list[str] = []
        for path, before, digested, steps in self._plans:
            now: list[Seen] = []
            for step in steps:
                old = before[step.before].belief if step.before is not None else None
                if step.after is None:
                    lost += [old] if old else []
                    continue
                candidate, digest = digested[step.after]
                id_ = old if step.kind == "same" else self._said(path, candidate, old)
                lost += [old] if old and id_ != old else []
                self._holders[id_ or ""] += 1
                now.append(Seen(digest, id_))
            self._transaction.set_note(str(self._scope), path, json.dumps(now) if now else None)
        for id_ in dict.fromkeys(lost):
            if not self._holders[id_] and id_ in self._beliefs:
                self._lost(self._beliefs[id_])

    def _said(self, path: str, one: Candidate, old: str | None) -> str | None:
        """A note says something that it did not, maybe in the place of what an old belief came from.

        Returns the id of the belief that this is about; None if that came from elsewhere.
        """
        believed = self._beliefs.get(old or "")
        try:
            if believed is None or not believed.live:
                return self._added(path, one)
            return self._edited(path, one, believed)
        except ValueError as error:
            self.problems.append(Problem(path, one.line, f"cannot be proposed: {error}"))
            return old

    def _added(self, path: str, one: Candidate) -> str | None:
        known = self._known_by_words().get(ingest.key(one.content))
        if known is not None:
            self.already += 1
            if known.live:
                self._withdraw(known.id, "forget")  # it is back
            return known.id if known.source.startswith("file:") else None
        belief = self._draft(path, one, self._fresh_id())
        self._put("add", belief, None)
        return belief.id

    def _edited(self, path: str, one: Candidate, believed: Belief) -> str | None:
        waiting = self._open.get(believed.id, {}).get("revise")
        known = self._known_by_words().get(ingest.key(one.content))
        if known is not None and known.id == believed.id and (one.why or believed.why) == believed.why:
            self._withdraw(believed.id, "revise", "forget")  # it is as before
        elif known is not None and known.id not in (believed.id, waiting.id if waiting else ""):
            self.already += 1
            if known.live:
                return known.id if known.source.startswith("file:") else None
            self._withdraw(believed.id, "revise")  # this was rejected before
        elif believed.review == "approved":
            revision = self._revision(path, one, believed, waiting)
            if waiting is not None:
                self._transaction.set_proposal(waiting.id, None)
                self._transaction.remove(waiting.id)
            self._put("revise", revision, believed)
        elif believed.source.startswith("file:"):  # and not reworded by the user
            draft = self._draft(path, one, believed.id)._replace(id=self._fresh_id(), created=believed.created)
            self._transaction.remove(self._beliefs.pop(believed.id).id)
            self._put("add", draft, None)
            return draft.id
        return believed.id

    def _lost(self, believed: Belief) -> None:
        """No note says any more what one said; what the user has reworded since is theirs."""
        if not believed.live or not believed.source.startswith("file:"):
            return
        if believed.review == "pending":
            self._transaction.remove(believed.id)
            self.withdrawn += 1
            return
        self._withdraw(believed.id, "revise")
        if "forget" not in self._open.get(believed.id, {}):
            plain = believed._replace(id=self._fresh_id(), review="pending", pinned=False, confirmed=None)
            self._put("forget", plain._replace(created=self._now, updated=self._now, at=self._now), believed)

    def _put(self, act: str, pending: Belief, target: Belief | None) -> None:
        self._transaction.put(pending, _NO_ROWS, None)
        if target is not None:
            self._transaction.set_proposal(pending.id, Proposal(act, target.id))
            self._open.setdefault(target.id, {})[act] = pending
        if act != "forget":
            self._known_by_words()[ingest.key(pending.content)] = pending
        self.proposed.append(Proposed(act, pending, target))

    def _withdraw(self, target: str, *acts: str) -> None:
        """Take back what notes propose about a belief."""
        for act in acts:
            pending = self._open.get(target, {}).pop(act, None)
            if pending is not None:
                self._transaction.set_proposal(pending.id, None)
                self._transaction.remove(pending.id)
                self.withdrawn += 1

    # -- beliefs

    def _known_by_words(self) -> dict[str, Belief]:
        """Every belief that the scope sees, of any state, by what it says; of several, the one that counts most."""
        if self._known is None:
            forgets = {one.id for acts in self._open.values() for act, one in acts.items() if act == "forget"}
            found = [belief for belief in self._view.beliefs() if belief.id not in forgets]
            found.sort(key=lambda belief: (belief.live, belief.review == "approved"))
            self._known = {ingest.key(belief.content): belief for belief in found}
        return self._known

    def _draft(self, path: str, one: Candidate, id_: str) -> Belief:
        """The pending belief of a candidate.

        Raises: ValueError if it would not be one.
        """
        type_ = one.type or derive.type_of(one.content)
        name = canonical_name(one.name) if one.name else derive.name_of(one.content)
        record: dict[str, Any] = {
            "type": type_,
            "name": name if id_ in self._beliefs else self._free_name(name),
            "content": one.content,
            "why": one.why,
            "scope": str(self._scope),
            "review": "pending",
            "aliases": [],
            "stability": self._writer._initial_stability(self._store, type_),
            "provenance": {"source": f"file:{path}:{one.line}", "session": _session(path, one.headings)},
        }
        belief = from_record(record, id=id_, now=self._now, source="")
        derived = {entry.text: entry for entry in derived_aliases(one.content)}
        return belief._replace(aliases=tuple((derived | _named(one.aliases)).values())[:MAX_ALIASES])

    def _revision(self, path: str, one: Candidate, believed: Belief, waiting: Belief | None) -> Belief:
        """The pending belief that says what an approved one shall say; what the user made of that one stays."""
        draft = self._draft(path, one, believed.id)
        kept = {entry.text: entry for entry in believed.aliases if entry.origin != "derived"}
        aliases = {entry.text: entry for entry in draft.aliases} | kept
        return draft._replace(
            id=self._fresh_id(),  # also in the place of a waiting one, for whoever approves that has read another text
            created=waiting.created if waiting else self._now,
            scope=believed.scope,
            type=believed.type,
            name=believed.name,
            why=one.why or believed.why,
            aliases=tuple(aliases.values()),
        )

    def _fresh_id(self) -> str:
        return self._writer._fresh_id(self._store)

    def _free_name(self, name: str) -> str:
        if self._names is None:
            own = self._store.visible([self._scope])
            self._names = {taken for (taken,) in own.rows("SELECT name FROM belief WHERE scope :scopes")}
        free, n = name, 1
        while free in self._names:
            n += 1
            free = f"{name}_{n}"
        self._names.add(free)
        return free


def _session(path: str, headings: Sequence[str]) -> str:
    """Where in the note it stands: shown wherever the provenance is, and what its neighbours have in common."""
    place = " › ".join((os.path.basename(path), *headings))
    return place if len(place) <= LONGEST_SESSION else f"{place[: LONGEST_SESSION - 1].rstrip()}…"


def _named(surfaces: Iterable[str]) -> dict[str, Alias]:
    """What a note calls a thing, as aliases that count where they are no common words; a note is no user."""
    found = (" ".join(surface.split()) for surface in surfaces)
    nameable = [one for one in found if text.phrases(one) and len(one) <= MAX_NAME and text.fault(one) is None]
    return {one: alias(one, "derived") for one in nameable if text.fold(one) not in text.FUNCTION_WORDS}
