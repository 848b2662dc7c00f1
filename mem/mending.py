"""Mending: copies of the database, and each side made anew from the other one.

The owned fields of all pages make the beliefs of a database, and those make the pages; what only a database holds
(acts, receipts, mappings, the inbox) comes from the old one where that can be read. Nothing is thrown away: what is
replaced lies among the backups, or the displaced text.
"""

from __future__ import annotations

import os

from mem import lexical, sync
from mem.errors import NewerStore, Problem, StoreUnusable
from mem.proposing import Proposer
from mem.reading import PENDING, refuse_agents
from mem.record import NamedTuple
from mem.store import Store, backups, locked


class Rebuilt(NamedTuple):
    """What a rebuild did."""

    beliefs: int
    written: list[str]
    """Pages that say something else now."""
    kept: str | None
    """Where the replaced database is."""
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

        Raises: StoreUnusable if the old one is a newer mem's; Refused under an agent's environment.
        """
        refuse_agents("doctor")
        self._make_local()
        kept = None
        with locked(self.home.lock):
            path = self.home.database()
            if path is not None:
                trusted = self._readable(path)
                kept = os.path.join(backups(path), f"replaced-{self._clock():%Y%m%dT%H%M%SZ}.db")
                self._replace_database(path, kept, trusted)
        with self._locked_store() as store:
            return Rebuilt(store.everything().counts()["all"], [], kept, [])

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
            store.rows("PRAGMA journal_mode = DELETE")  # so that one file holds all of it
        except StoreUnusable:
            return None
        finally:
            store.close()
        return pages if sound else None

    def _replace_database(self, path: str, kept: str, trusted: dict[str, str] | None) -> None:
        os.makedirs(os.path.dirname(kept), mode=0o700, exist_ok=True)
        endings = [ending for ending in ("", "-wal", "-shm") if os.path.exists(path + ending)]
        for ending in endings:
            os.replace(path + ending, kept + ending)
        try:
            store = self._make_store(path, trusted)
        except BaseException:
            for ending in endings:
                os.replace(kept + ending, path + ending)
            raise
        try:
            if trusted is not None:
                self._bring_over(store, kept)
        finally:
            store.close()

    def _bring_over(self, store: Store, kept: str) -> None:
        """What only the old database holds: what happened, what is mapped where, and the inbox."""
        store.carry_over(kept)
        old = Store.reading(kept)
        try:
            waiting = old.everything().beliefs(PENDING)
        finally:
            old.close()
        with store.transaction("rebuild", "rebuild", source="user", now=self._clock()) as transaction:
            for belief in waiting:
                if not store.everything().by_id([belief.id]):
                    transaction.bring(belief, lexical.indexed(belief))

    def rebuild_tree(self) -> Rebuilt:
        """Make every page say what the database says; what stood there is kept as displaced text.

        Raises: Refused under an agent's environment.
        """
        refuse_agents("doctor")
        with self._locked_store() as store:
            reason = sync.waits(self.home, store)
            if reason is not None:
                return Rebuilt(0, [], None, [Problem(self.home.path, 0, f"{reason}; nothing was written")])
            written, problems = sync.write_all(self.home, store)
            return Rebuilt(store.everything().counts()["all"], written, None, problems)
