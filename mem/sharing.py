"""Sharing: what git is given after a sync, and what it brings.

Nothing here holds mem's lock while git works, for hooks may call mem, and a network may take its time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

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
            resolved = [path for path, sides in git.unmerged(self.home.path).items() if self._merged(path, sides)]
            if not resolved or not git.conclude(self.home.path, resolved):
                raise

    def _merged(self, path: str, sides: git.Sides) -> bool:
        """Merge a page of two branches; False if they contradict each other, or one of them is no page."""
        now = self._clock()
        said = [tree.parse(path, side, now=now) for side in sides if side is not None]
        base, ours, theirs = said if len(said) == 3 else (None, None, None)
        if not (isinstance(base, Belief) and isinstance(ours, Belief) and isinstance(theirs, Belief)):
            return False
        merged, contradicted = sync.merge(base, ours, theirs)
        if contradicted or len({base.id, ours.id, theirs.id}) > 1:
            return False
        tree.replace(os.path.join(self.home.path, path), tree.revise(sides.ours or b"", merged))
        return True


def _joined(first: Synced, then: Synced) -> Synced:
    """One account of two syncs, of which the second knows what is still wrong."""
    return then._replace(changes=[*first.changes, *then.changes], commits=first.commits)
