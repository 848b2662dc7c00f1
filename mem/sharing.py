"""Sharing: what git is given after a sync, and what it brings.

Nothing here holds mem's lock while git works, for hooks may call mem, and a network may take its time.
"""

from __future__ import annotations

import os
import re
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
    """First lines of the commits that were, or would be, made."""
    pulled: bool = False
    pushed: bool = False
    unreviewed: int = 0
    """Pages that say what somebody else committed, and that nobody has decided about."""


Reconcile = Callable[[], Synced]


class Sharer(Reviser):
    """One person's memory, in one folder, that git keeps."""

    def _share(self, done: Synced, reconcile: Reconcile, *, pull: bool, push: bool) -> Synced:
        """Commit what a sync has brought in line; then pull and sync again, and push, as far as that is asked for.

        After a dry run it is only said what would be committed now.
        """
        try:
            done = self._committed(done)
            if done.dry_run:
                return done
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
        done = done._replace(problems=[*done.problems, *(one for one in secrets if one not in done.problems)])
        before = sha = None
        if paths and not done.dry_run:
            before = git.head(folder)
            sha = git.commit(folder, paths, message)
        if sha is not None and (late := sync.secrets(git.held_by(folder, sha, paths))):  # saved since it was looked at
            try:
                git.take_back(folder, before, sha, paths)
            except GitProblem as error:
                error.message = f"{late[0].path} holds a secret that is in the commit {sha[:12]}: {error.message}"
                raise
            done, sha = done._replace(problems=[*done.problems, *late]), None
        made = sha is not None or (done.dry_run and paths)
        return done._replace(commits=[*done.commits, message.partition("\n")[0]]) if made else done

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

        None are if the sides contradict each other, one of them is no page, or a person is at work on it.
        """
        there = tree.read(os.path.join(self.home.path, path))  # first of all: what is saved later shall be seen
        if not _untouched(there, sides):
            return []
        now = self._clock()
        base, ours, theirs = (side and tree.parse(path, side, now=now) for side in sides)
        if not isinstance(base, Belief):
            return []
        elsewhere = self._elsewhere(base.id, path, now)[0] if ours is None or theirs is None else None
        text = sides.ours or sides.theirs or b""
        if elsewhere is None and isinstance(one := ours or theirs, Belief) and None in (ours, theirs):
            return self._placed(path, path, one, text, there)  # an edit beats a deletion
        left, right = ours or elsewhere, theirs or elsewhere
        if not (isinstance(left, Belief) and isinstance(right, Belief)) or {left.id, right.id} != {base.id}:
            return []
        if left.status == "retracted" and right.live:
            left, right = right, left  # an edit beats a forget, whoever of the two pulls
        merged, contradicted = sync.merge(base, left, right)
        archived = merged.archived or not merged.live
        place = path if archived == path.startswith("archive/") else _counterpart(path)
        return [] if contradicted else self._placed(path, place, merged, text, there)

    def _elsewhere(self, id: str, path: str, now: datetime) -> tuple[Belief | None, bytes | None]:
        """What the page says that is in the archive while this one is not, or the other way round, and its text.

        One side may have moved it there while the other one changed it. None if that place has no page of this belief.
        """
        other = _counterpart(path)
        text = tree.read(os.path.join(self.home.path, other))
        said = tree.parse(other, text, now=now) if text is not None else None
        return (said, text) if isinstance(said, Belief) and said.id == id else (None, None)

    def _placed(self, path: str, place: str, belief: Belief, text: bytes, there: bytes | None) -> list[str]:
        """Write a merged page where it belongs, so that it is in one place; returns the paths that this changed.

        `there` is what lay at the path when the conflict was read. What a person has saved since, and the page of
        another belief, stay; the conflict is then left to the user.
        """
        left = _counterpart(place)
        _, beside = self._elsewhere(belief.id, path, self._clock())
        holds = {path: there, _counterpart(path): beside}
        hashes = {where: None if data is None else tree.digest(data) for where, data in holds.items()}
        try:
            page = tree.revise(text, belief)
            tree.place(os.path.join(self.home.path, place), page, hashes[place], self.home.local)
            if (hash := hashes[left]) is not None:
                tree.take_away(os.path.join(self.home.path, left), hash, self.home.local)
        except tree.Changed:
            return []
        return [place, left] if hashes[left] is not None or left == path else [place]


def _counterpart(path: str) -> str:
    """Where a page is when it is archived, given where it is when it is not, and the other way round."""
    return path.removeprefix("archive/") if path.startswith("archive/") else f"archive/{path}"


def _untouched(there: bytes | None, sides: git.Sides) -> bool:
    """True if each line of a page in conflict is of one of its sides, or git's: nobody has begun to mend it."""
    known = {line.rstrip() for side in sides for line in (side or b"").split(b"\n")}
    lines = {line.rstrip() for line in (there or b"").split(b"\n")}
    return all(re.match(rb"[<=>|]{7}(?: |$)", line) for line in lines - known)


def _joined(first: Synced, then: Synced) -> Synced:
    """One account of two syncs, of which the second knows what is still wrong."""
    return then._replace(changes=[*first.changes, *then.changes], commits=first.commits)
