"""The façade: what the commands call.

Writing takes the lock, finishes what a crash left over, decides in one transaction, and then brings the
pages in line. The clock enters here and is passed down.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple

from mem import derive, git, lexical, retention, sync, text, tree
from mem import scope as scopes
from mem.belief import (
    Belief,
    alias,
    canonical_name,
    check,
    derived_aliases,
    from_record,
    rivals,
)
from mem.config import Home, data_directory, replica_text
from mem.errors import NothingFound, Problem, Refused, TreeProblem, UsageMistake
from mem.reading import PENDING, Reader, agent, close_scopes, refuse_agents, require_known
from mem.scope import Scope
from mem.stance import things
from mem.store import Operation, Store, Transaction, View, belief_of, locked, unusable

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


class Memory(Reader):
    """One person's memory, in one folder."""

    def __init__(self, home: Home, *, clock: Callable[[], datetime], warn: Callable[[str], None]) -> None:
        super().__init__(home, clock=clock, warn=warn)
        self._rendered: dict[str, bytes] = {}
        """Pages of the beliefs that the act at hand has decided on, by id."""

    def export(self, given: Sequence[str]) -> list[Belief]:
        """All beliefs of exactly these scopes, or of all, as their pages say now; by creation, then id.

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
            overlay, _ = self._overlay(view, sweep=None)
            found = self._numbered(view, [n for (n,) in view.rows("SELECT n FROM belief WHERE scope :scopes")], overlay)
            return sorted(found.values(), key=lambda belief: (belief.created, belief.id))

    def operations(self, limit: int) -> list[Operation]:
        """The latest acts that can be undone, newest first."""
        with self._reading() as store:
            return store.operations(limit) if store is not None else []

    def doctor(self, verify_ranking: bool) -> Report:
        """Whether database, tree and index agree; under the lock, so that nothing moves meanwhile."""
        refuse_agents("doctor")
        if self.home.database() is None:
            return Report(0, 0, 0, None, [])
        with self._locked_store() as store:
            everything = store.everything()
            problems = [Problem(store.path, 0, one) for one in store.integrity()]
            problems += sync.differences(self.home, store)
            problems += [Problem(store.path, 0, one) for one in lexical.stale(everything)]
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

    # -- writing

    @contextmanager
    def _locked_store(self) -> Iterator[Store]:
        """The store for writing, under the lock, with nothing left over from a crash."""
        self._make_local()
        with locked(self.home.lock):
            self._make_home()
            store = self._open_to_write()
            try:
                self._report(sync.deliver(self.home, store))
                yield store
            finally:
                store.close()

    @contextmanager
    def _writing(
        self, kind: str, summary: str, source: str | None = None, *, dry_run: bool = False
    ) -> Iterator[Transaction]:
        """One act of the user: decided and durable, then carried into the tree; a dry run is taken back."""
        self._rendered = {}
        with self._locked_store() as store:
            waiting = {id_ for id_, _ in store.outbox()}
            with store.transaction(
                kind, summary, source=source or self._author(), now=self._clock(), dry_run=dry_run
            ) as transaction:
                yield transaction
                sync.require_untouched(self.home, store, [id_ for id_, _ in store.outbox() if id_ not in waiting])
            self._report(sync.deliver(self.home, store, self._rendered))

    def _report(self, problems: Sequence[Problem]) -> None:
        for problem in problems:
            self._warn(f"{problem}; it was kept as it is, and the change waits in the database")

    def _author(self) -> str:
        name = agent()
        return f"agent:{name}" if name is not None else "user"

    def _make_local(self) -> None:
        """The folder that holds the lock; nothing else is made before the lock is held."""
        try:
            os.makedirs(self.home.path, mode=0o700, exist_ok=True)
            os.makedirs(self.home.local, mode=0o700, exist_ok=True)
        except OSError as error:
            raise unusable(error, self.home.path) from error

    def _make_home(self) -> None:
        """The memory folder as a git repository, with the files that mem keeps in it; the format file comes last."""
        if os.path.exists(self.home.format):
            return
        try:
            reason = git.make_repository(self.home.path)
            if reason is not None:
                self._warn(f"the memory folder is not a git repository: {reason}")
            _append_line(os.path.join(self.home.path, ".gitignore"), ".mem/local/")
            _write_whole(self.home.format, f"format: {tree.FORMAT}\nstore: {_mint()}\n")
        except OSError as error:
            raise unusable(error, self.home.path) from error

    def _open_to_write(self) -> Store:
        path = self.home.database()
        if path is None:
            replica = _mint()
            path = os.path.join(data_directory(), replica, "memory.db")
            store = self._make_store(path)
        else:
            replica, store = os.path.basename(os.path.dirname(path)), Store.writing(path)
        try:
            _write_whole(self.home.replica, replica_text(replica, path, self.home.path))
        except OSError as error:
            store.close()
            if path != self.home.database():  # nothing points to the new one
                shutil.rmtree(os.path.dirname(path))
            raise unusable(error, self.home.replica) from error
        return store

    def _make_store(self, path: str) -> Store:
        """A new database, with the beliefs of the pages that are there: a clone, or after a loss."""
        now = self._clock()
        pages, problems = sync.read_pages(self.home, now)
        try:
            store = Store.writing(path, create=True)
            with store.transaction("adopt", "take in pages", source="user", now=now) as transaction:
                for belief, page in pages:
                    transaction.adopt(belief, lexical.indexed(belief), page)
        except BaseException:
            shutil.rmtree(os.path.dirname(path), ignore_errors=True)  # half of one would be taken for the whole
            raise
        if pages:
            self._warn(f"took in {len(pages)} pages that were in {self.home.path}")
        for problem in problems:
            self._warn(f"{problem}; it was left out")
        return store

    def init(self) -> str:
        """Make what is missing of memory folder, repository and database; returns the folder's path."""
        self._make_local()
        path = self.home.database()
        if path is not None and not os.path.exists(path):
            with locked(self.home.lock):
                self._make_store(path).close()
        with self._locked_store():
            return self.home.path

    def _put(self, transaction: Transaction, belief: Belief, place: str | None = None) -> str | None:
        """Store a belief and decide the path of its page (`place`, where it had one); returns that path."""
        store = transaction.store
        path = None
        if belief.review == "approved":
            page = store.everything().page(belief.id)
            self._rendered[belief.id] = tree.render(belief)  # what can have no page is no belief
            path = place or sync.free_path(
                self.home, store, belief.id, tree.page_path(belief), page.path if page else None
            )
        transaction.put(belief, lexical.indexed(belief), path)
        if not belief.live:  # what is no longer believed contradicts nothing
            for other in store.everything().contested().get(belief.id, []):
                transaction.set_conflict(belief.id, other, False)
        return path

    def remember(self, content: str, fields: Mapping[str, Any], supersede: str | None, by: str | None) -> Remembered:
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
        with self._writing("remember", "remember", author) as transaction:
            store = transaction.store
            scope, reason, remote = self._scope_to_write(store, fields.pop("scope", None))
            typed = reason.startswith("given") and str(scope) not in store.scopes()
            close = close_scopes(scope, store.scopes()) if typed else []
            view = store.visible([scope])
            if "participants" in fields:
                seen = store.visible(scopes.visible([scope]))
                fields["participants"] = [seen.belief(one).id for one in fields["participants"]]
            if "name" in fields:
                fields["name"] = canonical_name(fields["name"])
            derived = [key for key in ("type", "name", "aliases") if key not in fields]
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
            try:
                belief = from_record(record, id=self._fresh_id(store), now=now, source=author)
            except ValueError as error:
                raise UsageMistake(f"this cannot be remembered: {error}", "mem remember --help") from None
            old = self._superseded(store, supersede, scope, author) if supersede is not None else None
            if old is not None and "type" in derived:
                belief = belief._replace(type=old.type, stability=retention.INITIAL_STABILITY[old.type])
            belief, outcome = self._settle_identity(view, belief, derived, fields, old.id if old else None, now)
            if remote is not None:
                transaction.set_remote(remote, str(scope))
            if old is not None:
                self._put(transaction, old._replace(status="superseded", superseded_by=belief.id, updated=now))
            path = self._put(transaction, belief)
            conflicts = self._contest(transaction, belief) if belief.review == "approved" else []
            transaction.summary = f"remember {belief.name} ({belief.id})"
        return Remembered(belief, derived, path, outcome, reason, close, conflicts)

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
                    return _confirm(old._replace(**said), now)._replace(updated=now), "restated"
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

    def _superseded(self, store: Store, reference: str, scope: Scope, author: str) -> Belief:
        """The belief whose place is taken.

        Raises: Refused for an agent; UsageMistake if it is not visible from the scope, or not live.
        """
        if author != "user":
            raise Refused(
                f"{author} may propose a belief but not supersede one",
                "run mem remember --supersede yourself, outside the agent",
            )
        old = store.visible(scopes.visible([scope])).belief(reference)
        if not old.live:
            raise UsageMistake(f"{old.id} ({old.name}) is {old.status} and cannot be superseded", f"mem show {old.id}")
        return old

    def _contest(self, transaction: Transaction, belief: Belief) -> list[tuple[Belief, str]]:
        """Open a conflict with every current belief of the scope that cannot hold beside this one."""
        view = transaction.store.visible([scopes.parse(belief.scope)])
        if not belief.current:
            return []
        for id_ in view.contested().get(belief.id, []):  # a new version is judged anew
            transaction.set_conflict(belief.id, id_, False)
        found = []
        near = lexical.claimants(view, belief).union(*(lexical.holders(view, one) for one in things(belief.content)))
        for other in sorted(view.numbered(near).values(), key=lambda other: (other.created, other.id)):
            if not other.current:
                continue
            surface = rivals(belief, other)
            if surface is not None:
                transaction.set_conflict(belief.id, other.id, True)
                found.append((other, surface))
        return found

    def supersede(self, reference: str, by: str, given: Sequence[str]) -> Belief:
        """Let one belief take the place of another; returns the one that goes.

        Raises: UsageMistake if one is unknown or not live; Refused under an agent's environment.
        """
        refuse_agents("supersede")
        now = self._clock()
        with self._writing("supersede", "supersede") as transaction:
            view = self._view_to_write(transaction.store, given)
            old, new = view.belief(reference), view.belief(by)
            if not old.live or old.id == new.id:
                raise UsageMistake(
                    f"{old.id} ({old.name}) is {old.status} and cannot be superseded", f"mem show {old.id}"
                )
            self._put(transaction, old._replace(status="superseded", superseded_by=new.id, updated=now))
            transaction.summary = f"supersede {old.name} ({old.id})"
        return old

    def _fresh_id(self, store: Store) -> str:
        while True:
            id_ = _mint(store)
            if not store.everything().beliefs("id = ?", id_):
                return id_

    def forget(self, references: Sequence[str], given: Sequence[str]) -> list[Belief]:
        """Take beliefs out of use; `undo` brings them back.

        Raises: UsageMistake if one is unknown, ambiguous or not live; Refused under an agent's environment.
        """
        refuse_agents("forget")
        now = self._clock()
        with self._writing("forget", "forget") as transaction:
            view = self._view_to_write(transaction.store, given)
            found = list({belief.id: belief for belief in map(view.belief, references)}.values())
            for belief in found:
                if not belief.live:
                    raise UsageMistake(f"{belief.id} ({belief.name}) is already {belief.status}", "mem list --all")
            gone = [belief._replace(status="retracted", updated=now) for belief in found]
            for belief in gone:
                self._put(transaction, belief)
            transaction.summary = f"forget {', '.join(f'{belief.name} ({belief.id})' for belief in gone)}"
        return gone

    def _view_to_write(self, store: Store, given: Sequence[str]) -> View:
        return store.visible(self.open_scopes(store, given).visible)

    def edit_aliases(self, reference: str, add: Sequence[str], drop: Sequence[str], given: Sequence[str]) -> Belief:
        """Give a belief aliases by hand, or take them away; counts everywhere in the next call.

        Raises: UsageMistake if the belief is unknown, an alias to drop is not there, or one to add could not
            name anything; Refused under an agent's environment.
        """
        refuse_agents("alias")
        for surface in add:
            require_nameable(surface)
        now = self._clock()
        with self._writing("alias", "alias") as transaction:
            old = self._view_to_write(transaction.store, given).belief(reference)
            aliases = {entry.text: entry for entry in old.aliases}
            for surface in drop:
                if surface not in aliases:
                    known = ", ".join(aliases) or "none"
                    raise UsageMistake(f"{old.id} has no alias {surface!r}; it has {known}", f"mem show {old.id}")
                del aliases[surface]
            aliases |= {surface: alias(surface) for surface in add}
            belief = old._replace(aliases=tuple(aliases.values()))
            if belief != old:
                try:
                    self._put(transaction, check(belief._replace(updated=now)))
                    self._contest(transaction, belief)
                except ValueError as error:
                    raise UsageMistake(str(error), f"mem show {old.id}") from None
            changes = " ".join([*(f"+{one}" for one in add), *(f"-{one}" for one in drop)])
            transaction.summary = f"alias {belief.name} ({belief.id}) {changes}"
        return belief

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

    def review(self, approve: Sequence[str], reject: Sequence[str], given: Sequence[str]) -> list[Belief]:
        """Approve pending beliefs, or reject them.

        Raises: UsageMistake if one is not pending; Refused under an agent's environment.
        """
        refuse_agents("review")
        now = self._clock()
        with self._writing("review", "review") as transaction:
            view = self._view_to_write(transaction.store, given)
            decided = []
            for reference, approved in [(one, True) for one in approve] + [(one, False) for one in reject]:
                belief = view.belief(reference)
                if belief.review != "pending" or not belief.live:
                    raise UsageMistake(f"{belief.id} ({belief.name}) is not pending", "mem review")
                belief = belief._replace(updated=now)
                decided.append(
                    _confirm(belief._replace(review="approved"), now)
                    if approved
                    else belief._replace(status="retracted")
                )
            for belief in decided:
                self._put(transaction, belief)
            names = ", ".join(f"{belief.name} ({belief.id})" for belief in decided[:3])
            transaction.summary = f"review of {names}{' and more' if len(decided) > 3 else ''}"
        return decided

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
                    if change.kind == "belief" and change.before is None:
                        transaction.remove(change.key)
                    elif change.kind == "belief":
                        self._put(transaction, belief_of(change.before or ""), change.page)
                    elif change.kind == "conflict":
                        one, other = change.key.split()
                        transaction.set_conflict(one, other, change.before is not None)
                    elif change.kind == "scope":
                        transaction.set_scope(change.key, change.before is not None)
                    elif change.kind == "mapping":
                        transaction.set_mapping(change.key, _scope_in(change.before))
                    else:
                        transaction.set_remote(change.key, _scope_in(change.before))
                transaction.mark_undone(operation.n)
        return operations

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


def require_nameable(surface: str) -> None:
    """Make sure that an alias is one that a prompt can hold and most prompts do not.

    Raises: UsageMistake.
    """
    phrases = text.phrases(surface)
    if not phrases:
        raise UsageMistake(f"the alias {surface!r} has no letter or digit to name it by", "mem alias ID +NEW")
    if surface.islower() and all(word in text.FUNCTION_WORDS for word in phrases[0]):
        raise UsageMistake(f"the alias {surface!r} stands in nearly every prompt", "choose a rarer one")


def _version(old: Belief, new: Belief, fields: Mapping[str, Any], now: datetime) -> Belief:
    """The next version of a belief that was named: its identity, the new statement, what was said of it."""
    said = {key: getattr(new, key) for key in fields}
    if "aliases" not in said:
        kept = tuple(entry for entry in old.aliases if entry.origin != "derived")
        texts = {entry.text for entry in kept}
        said["aliases"] = kept + tuple(entry for entry in derived_aliases(new.content) if entry.text not in texts)
    changed = old._replace(content=new.content, **said)._replace(
        source=new.source, session=new.session, at=now, updated=now
    )
    return _confirm(changed, now)


def _confirm(belief: Belief, now: datetime) -> Belief:
    """The belief after a use that confirms it."""
    elapsed = retention.elapsed_days(belief.anchor, now)
    return belief._replace(confirmed=max(belief.anchor, now), stability=retention.confirmed(belief.stability, elapsed))


def _scope_in(change: str | None) -> str | None:
    return None if change is None else change.strip('"')


def _write_whole(path: str, content: str) -> None:
    """Make a small file hold this, in one step, unless it does."""
    data = os.fsencode(content)
    if tree.read(path) == data:
        return
    try:
        tree.write_through(f"{path}.new", data)
        os.replace(f"{path}.new", path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(f"{path}.new")


def _append_line(path: str, line: str) -> None:
    """Add a line to a file unless it has it; what a person wrote there stays."""
    present = os.fsdecode(tree.read(path) or b"")
    if line not in present.splitlines():
        _write_whole(path, present + ("\n" if present and not present.endswith("\n") else "") + line + "\n")


_MINTED = count()
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def _mint(store: Store | None = None) -> str:
    """Eight characters of Crockford base32, from the system's randomness (or MEM_SEED, in tests)."""
    seed = os.environ.get("MEM_SEED")
    if seed is not None and store is not None:
        import hashlib

        acts = store.rows("SELECT COALESCE(MAX(n), 0) FROM operation")[0][0]
        unique = f"{seed}:{acts}:{next(_MINTED)}"
        number = int.from_bytes(hashlib.sha256(unique.encode()).digest()[:5], "big")
    else:
        number = int.from_bytes(os.urandom(5), "big")
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(35, -5, -5))
