"""Mending: copies of the database, and each side made anew from the other one.

The owned fields of all pages make the beliefs of a database, and those make the pages; what only a database holds
(acts, receipts, mappings, the inbox) comes from the old one where that can be read. Nothing is thrown away: what is
replaced lies among the backups, or the displaced text.
"""

from __future__ import annotations

import os

from mem import config, lexical, sync, tree
from mem.errors import NewerStore, Problem, Refused, StoreUnusable, UsageMistake
from mem.proposing import Proposer
from mem.reading import refuse_agents
from mem.record import NamedTuple
from mem.store import ENDINGS, Store, Transaction, backups


class Rebuilt(NamedTuple):
    """What a rebuild did."""

    beliefs: int
    written: list[str]
    """Pages that say something else now."""
    kept: str | None
    """Where the replaced database is; None if there was none."""
    lost: bool
    """Whether that was damaged, so that what no page holds could not be taken over from it."""
    problems: list[Problem]


class Mender(Proposer):
    """One person's memory, in one folder, that can be made anew."""

    def backup(self, path: str | None) -> tuple[str, dict[str, int]]:
        """Copy the database to a new file, verified; returns where, and how many beliefs of which state it holds.

        Raises: UsageMistake if the file exists; NothingFound if there is no database; Refused under an agent's
            environment.
        """
        refuse_agents("backup")
        with self._locked_store() as store:
            place = os.path.join(backups(store.path), f"{self._clock():%Y%m%dT%H%M%SZ}.db")
            place = os.path.abspath(os.path.expanduser(path)) if path is not None else place
            store.backup(place)
            return place, store.everything().counts()

    def rebuild_database(self) -> Rebuilt:
        """Make a new database from the pages; the old one is kept, and gives what no page holds.

        Raises: StoreUnusable if the old one is a newer mem's, or what it holds cannot be brought over; Refused while
            the tree is not what mem's pages are compared with or should be, and under an agent's environment.
        """
        refuse_agents("doctor")
        kept, lost = None, False
        with self._locked():
            path = self.home.database()
            if path is not None:
                known = self._readable(path)
                kept = self._replace_database(path, known)
                lost = known is None and kept is not None
        with self._locked_store() as store:
            return Rebuilt(store.everything().counts()["all"], [], kept, lost, [])

    def _choose(self, path: str) -> None:
        """Let this folder have another one of the databases that mem keeps."""
        keeper = config.folder_of(path)
        if os.path.dirname(os.path.dirname(path)) != config.data_directory() or not os.path.isfile(path):
            raise UsageMistake(f"{path} is no database that mem keeps for a folder", f"ls {config.data_directory()}")
        if keeper is not None and keeper.path != self.home.path and keeper.database() == path:
            raise UsageMistake(f"{path} is the database of {keeper.path}", "mem export, and mem import here")
        with self._locked(regain=True):
            Store.reading(path).close()  # one that is damaged is of no use
            self._note_database(path)

    def _readable(self, path: str) -> dict[str, str] | None:
        """The pages that a database knows, as path to hash; None if it is damaged, or not there."""
        try:
            store = Store.writing(path)
        except NewerStore:
            raise
        except StoreUnusable:
            return None
        try:
            sound = not store.integrity() and all(store.everything().beliefs())
            pages = {page.path: page.hash for page, _ in store.agreed()}
            reason = sync.waits(self.home, store) if sound else None
            if sound and reason is None:
                tree.recover(self.home.local)
                sync.deliver(self.home, store)
                waiting = [path or id_ for id_, path in store.outbox()]
                reason = f"{waiting[0]} does not say yet what was decided" if waiting else None
            store.rows("PRAGMA journal_mode = DELETE")  # so that one file holds all of it
        except StoreUnusable:
            return None
        finally:
            store.close()
        if reason is not None:
            raise Refused(
                f"{reason}, so that the pages do not say what the database knows; nothing was made anew",
                f"mem sync, or git -C {self.home.path} status, and then mem doctor --rebuild db",
            )
        return pages if sound else None

    def _replace_database(self, path: str, trusted: dict[str, str] | None) -> str | None:
        """Make the new database; returns where the old one is now, None if there was none. All or nothing."""
        kept = self._free_place(path)
        endings = [ending for ending in ENDINGS if os.path.exists(path + ending)]
        for ending in endings:
            os.replace(path + ending, kept + ending)
        try:
            store = self._make_store(path, trusted)
            try:
                if trusted is not None:
                    self._bring_over(store, kept)
            finally:
                store.close()
        except BaseException:
            for ending in ENDINGS:
                tree.erase(path + ending)
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            for ending in endings:
                os.replace(kept + ending, path + ending)
            raise
        return kept if endings else None

    def _free_place(self, path: str) -> str:
        """Where the replaced database shall be: not where an earlier one is, be it of the same second."""
        os.makedirs(backups(path), mode=0o700, exist_ok=True)
        stem = os.path.join(backups(path), f"replaced-{self._clock():%Y%m%dT%H%M%SZ}")
        place, n = f"{stem}.db", 1
        while any(os.path.lexists(place + ending) for ending in ENDINGS):
            n += 1
            place = f"{stem}-{n}.db"
        return place

    def _bring_over(self, store: Store, kept: str) -> None:
        """What only the old database holds.

        Raises: StoreUnusable if that fails; the database is of no use then.
        """
        old = None
        try:
            store.carry_over(kept)
            old = Store.reading(kept)
            with store.transaction("rebuild", "rebuild", source="user", now=self._clock()) as transaction:
                _bring_beliefs(transaction, old)
                _bring_held(transaction, old)
                for note in old.rows("SELECT scope, path, said FROM note"):
                    store.rows("INSERT OR IGNORE INTO note (scope, path, said) VALUES (?, ?, ?)", *note)
        except StoreUnusable as error:
            reason = error.message.replace(kept, store.path)
            raise StoreUnusable(
                f"what only the database {store.path} holds cannot be brought over ({reason}); it was left as it was",
                "mem doctor",
            ) from error
        finally:
            if old is not None:
                old.close()

    def rebuild_tree(self, database: str | None = None) -> Rebuilt:
        """Make every page say what the database says, or another one, which this folder has from now on.

        What stood there is kept as displaced text; what the other one does not know is for a sync to take in.
        Raises: UsageMistake if that one is none, or another folder's; Refused under an agent's environment.
        """
        refuse_agents("doctor")
        if database is not None:
            self._choose(os.path.abspath(os.path.expanduser(database)))
        with self._locked_store(regain=True) as store:
            reason = sync.waits(self.home, store)
            if reason is not None:
                return Rebuilt(0, [], None, False, [Problem(self.home.path, 0, f"{reason}; nothing was written")])
            written, problems = sync.write_all(self.home, store)
            return Rebuilt(store.everything().counts()["all"], written, None, False, problems)


def _bring_beliefs(transaction: Transaction, old: Store) -> None:
    """Beliefs that no page says: undecided, rejected, and those whose pages are gone, with what was agreed of those."""
    store = transaction.store
    beliefs = old.everything().beliefs()
    present = store.everything().by_id([belief.id for belief in beliefs])
    agreed = {page.id: (page, scope) for page, scope in old.agreed()}
    outbox = dict(old.outbox())
    for belief in beliefs:
        if belief.id in present:
            continue
        transaction.bring(belief, lexical.indexed(belief))
        page, scope = agreed.get(belief.id, (None, None))
        if page is not None and store.page_at(page.path) is None:  # so that it is missed, and not just unknown
            transaction.agree(page, scope, old.base(belief.id))
        promised = outbox.get(belief.id)
        if promised is not None and store.page_at(promised) is None:
            transaction.promise(belief.id, promised)


def _bring_held(transaction: Transaction, old: Store) -> None:
    """Pages that wait in the state that they are in, and what the user has refused of others' pages."""
    now = {held.path: held for held in transaction.store.held()}
    beliefs = old.everything().by_id([held.id for held in old.held()])
    for held in old.held():
        here = now.get(held.path)
        foreign = held.kind in (sync.FOREIGN, sync.REFUSED)
        if (here is None and not foreign) or (here is not None and here.hash == held.hash):
            transaction.hold_also(held)
            if held.kind == sync.REFUSED and held.id in beliefs:
                transaction.bring(beliefs[held.id], lexical.indexed(beliefs[held.id]))
