"""Sharing: what git is given after a sync, and what it brings.

Nothing here holds mem's lock while git works, for hooks may call mem, and a network may take its time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime

from mem import git, sync, tree
from mem.belief import Belief
from mem.errors import GitProblem, Problem
from mem.record import NamedTuple
from mem.revising import Reviser


class Synced(NamedTuple):
    """What a sync did, or would do."""

    changes: list[sync.Change]
    problems: list[Problem]
    """What a person must decide or mend; those pages were left as they are."""
    waits: str | None
    """Why nothing was done: another branch, or something that git has begun."""
    outbox: int
    """Pages that are decided and still not in place."""
    dry_run: bool
    commits: Sequence[str] = ()
    """First lines of the commits that were made."""
    pulled: bool = False
    pushed: bool = False
    unreviewed: int = 0
    """Pages that say what somebody else committed, and that nobody has decided about."""


Reconcile = Callable[[], Synced]


class Sharer(Reviser):
    """One person's memory, in one folder, that git keeps."""

    def _share(self, done: Synced, reconcile: Reconcile, *, pull: bool, push: bool) -> Synced:
        """Commit what a sync has brought in line; then pull and sync again, and push, as far as that is asked for."""
        try:
            done = self._committed(done)
            if pull and done.waits is None:
                self._pull()
                done = _joined(done, reconcile())._replace(pulled=True)
                done = self._committed(done)
            if push and done.waits is None:
                git.push(self.home.path)
                done = done._replace(pushed=True)
        except GitProblem as error:
            hint = f" ({error.hint})" if error.hint else ""
            done.problems.append(Problem(self.home.path, 0, f"{error.message}{hint}"))
        return done

    def _committed(self, done: Synced) -> Synced:
        """Commit the pages that both sides agree on, unless that is switched off or there is no repository.

        Raises: GitProblem if git or a hook refuses.
        """
        folder = self.home.path
        if done.waits is not None or not os.path.lexists(os.path.join(folder, ".git")):
            return done
        with self._locked_store() as store:
            if not self._settings(store)["git.commit"]:
                return done
            paths, told, secrets = sync.to_commit(self.home, store, git.changed(folder), self._clock())
        message = git.message(told) if told else "what mem keeps beside its pages\n"
        sha = git.commit(folder, paths, message) if paths else None
        done = done._replace(problems=[*done.problems, *(one for one in secrets if one not in done.problems)])
        return done if sha is None else done._replace(commits=[*done.commits, message.partition("\n")[0]])

    def _pull(self) -> None:
        """Pull; a page that both sides changed is merged field by field, as sync does, where they do not contradict.

        Raises: GitProblem if git refuses, or a conflict is left to the user.
        """
        try:
            git.pull(self.home.path)
        except GitProblem:
            if git.state(self.home.path).busy != "merge":
                raise
            unmerged = git.unmerged(self.home.path)
            resolved = [done for path, sides in unmerged.items() for done in self._merged(path, sides)]
            if not resolved or not git.conclude(self.home.path, resolved):
                raise

    def _merged(self, path: str, sides: git.Sides) -> list[str]:
        """Merge a page of two branches; returns the paths that are settled by that.

        None are if the sides contradict each other, or one of them is no page.
        """
        now = self._clock()
        base, ours, theirs = (side and tree.parse(path, side, now=now) for side in sides)
        if not isinstance(base, Belief):
            return []
        elsewhere = self._elsewhere(base.id, path, now) if ours is None or theirs is None else None
        if elsewhere is None and isinstance(one := ours or theirs, Belief) and None in (ours, theirs):
            return self._placed(path, path, one, sides.ours or sides.theirs or b"")  # an edit beats a deletion
        left, right = ours or elsewhere, theirs or elsewhere
        if not (isinstance(left, Belief) and isinstance(right, Belief)) or {left.id, right.id} != {base.id}:
            return []
        merged, contradicted = sync.merge(base, left, right)
        archived = merged.archived or not merged.live
        place = f"{'archive/' if archived else ''}{path.removeprefix('archive/')}"
        return [] if contradicted else self._placed(path, place, merged, sides.ours or sides.theirs or b"")

    def _elsewhere(self, id: str, path: str, now: datetime) -> Belief | None:
        """What the page says that one side has moved into the archive, or out of it, while the other one changed it."""
        other = path.removeprefix("archive/") if path.startswith("archive/") else f"archive/{path}"
        text = tree.read(os.path.join(self.home.path, other))
        said = tree.parse(other, text, now=now) if text is not None else None
        return said if isinstance(said, Belief) and said.id == id else None

    def _placed(self, path: str, place: str, belief: Belief, text: bytes) -> list[str]:
        """Write a merged page where it belongs, so that it is in one place; returns the paths that this changed."""
        archive, live = f"archive/{path.removeprefix('archive/')}", path.removeprefix("archive/")
        left = archive if place == live else live
        there = os.path.lexists(os.path.join(self.home.path, left))
        tree.replace(os.path.join(self.home.path, place), tree.revise(text, belief))
        tree.erase(os.path.join(self.home.path, left))
        return [place, left] if there or left == path else [place]


def _joined(first: Synced, then: Synced) -> Synced:
    """One account of two syncs, of which the second knows what is still wrong."""
    return then._replace(changes=[*first.changes, *then.changes], commits=first.commits)
