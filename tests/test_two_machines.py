"""Two machines that share one memory, whatever their owner does on either: in the end both believe the same.

A walk is a list of steps, each on one of the machines. Then both sync until nothing comes any more; a conflict that
git leaves is settled for the page at hand, as a person would. Every sentence that was ever written is still in a
database, or in git.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mem import git, sync
from mem.config import Home
from tests.conftest import Mem
from tests.repositories import Owner, repository

NAMES = ("pg", "redis", "tea")
ROUNDS = 4
"""Syncs of each machine in the end; two bring what each has to the other, and a settled conflict takes two more."""


class Pair:
    """Both machines, and what was written on them."""

    def __init__(self, folder: Path, mem: Mem) -> None:
        bare = repository(folder / "bare", bare=True)
        one = Owner(folder / "one", mem)
        assert one.mem("init").status == 0
        one.git("symbolic-ref", "HEAD", "refs/heads/main")
        one.identify()
        self._numbers = count()
        self.written: list[str] = []
        for name in NAMES:
            one.remember(name, self.sentence(name))
        one.git("remote", "add", "origin", str(bare.path))
        assert one.sync("--push").status == 0
        self.machines = (one, Owner(bare.path, mem).copy(folder / "two"))

    def sentence(self, name: str) -> str:
        self.written.append(f"The {name} has number {next(self._numbers)}.")
        return self.written[-1]

    # -- steps

    def page(self, at: Owner, name: str) -> Path | None:
        """The page of a belief, wherever it is now."""
        pages = [path for path in at.path.rglob("facts/*.md") if f"\n# {name}\n" in path.read_text()]
        return next((page for page in pages if "archive" not in page.parts), None)

    def edit(self, at: Owner, name: str) -> None:
        page = self.page(at, name)
        if page is not None and "<<<<<<<" not in page.read_text():
            self.rewrite(page)
            head, _, _ = page.read_text().partition(f"\n# {name}\n")
            page.write_text(f"{head}\n# {name}\n\n{self.sentence(name)}\n")

    def tell(self, at: Owner, name: str) -> None:
        at.mem("edit", name, self.sentence(name))

    def forget(self, at: Owner, name: str) -> None:
        at.mem("forget", name)

    def restore(self, at: Owner, name: str) -> None:
        at.mem("restore", name)

    def delete(self, at: Owner, name: str) -> None:
        page = self.page(at, name)
        if page is not None:
            self.rewrite(page)
            page.unlink()

    def rewrite(self, page: Path) -> None:
        """Somebody changes words of their own that nobody else has seen: those are not missed."""
        kept, said = self.kept(), page.read_text()
        self.written = [one for one in self.written if one in kept or one not in said]

    def alias(self, at: Owner, name: str) -> None:
        at.mem("alias", name, f"+{name}{len(self.written)}")

    def pin(self, at: Owner, name: str) -> None:
        at.mem("pin", name)

    def sync(self, at: Owner, _: str) -> None:
        at.mem("sync")

    def share(self, at: Owner, _: str) -> None:
        at.mem("sync", "--pull", "--push")
        self.settle(at)

    def commit(self, at: Owner, _: str) -> None:
        if git.state(str(at.path)).busy is None:
            at.commit("by hand", by="Ana <ana@example.org>")

    def pull(self, at: Owner, _: str) -> None:
        subprocess.run(
            ["git", "-C", at.path, "pull", "-q", "--no-rebase", "--no-edit"], capture_output=True, check=False
        )
        self.settle(at)

    def undo(self, at: Owner, _: str) -> None:
        at.mem("undo")

    # -- the end

    def settle(self, at: Owner) -> None:
        """End a merge that git left, for the pages at hand."""
        if git.state(str(at.path)).busy == "merge":
            for path, sides in git.unmerged(str(at.path)).items():
                at.git("checkout" if sides.ours else "rm", "--quiet", *(["--ours"] if sides.ours else []), "--", path)
            at.commit("settled", by="Ana <ana@example.org>")
        for page in at.path.glob("user/facts/*.md"):  # a merge may leave a page in the archive too
            (at.path / "archive" / page.relative_to(at.path)).unlink(missing_ok=True)

    def converge(self) -> None:
        for _ in range(ROUNDS):
            for machine in self.machines:
                machine.mem("sync", "--accept-deletions", "--pull", "--push")
                self.settle(machine)

    def kept(self) -> str:
        """Everything that databases and git hold."""
        texts = []
        for machine in self.machines:
            path = Home(str(machine.path)).database()
            with closing(sqlite3.connect(str(path))) as database:
                texts += list(database.iterdump())
            texts.append(machine.git("log", "--all", "--reflog", "--patch", "-m"))
        return "\n".join(texts)


STEPS: dict[str, Callable[[Pair, Owner, str], None]] = {
    step: getattr(Pair, step)
    for step in "edit tell forget restore delete alias pin sync share commit pull undo".split()
}
Walk = list[tuple[int, str, str]]


def walk(folder: Path, mem: Mem, steps: Walk) -> None:
    """Take the steps, then let both machines agree, and see that they do."""
    pair = Pair(folder, mem)
    for machine, step, name in steps:
        STEPS[step](pair, pair.machines[machine], name)
    pair.converge()
    one, two = pair.machines
    assert one.believed() == two.believed()
    assert one.git("rev-parse", "HEAD^{tree}") == two.git("rev-parse", "HEAD^{tree}")
    assert one.git("status", "--porcelain") == two.git("status", "--porcelain") == ""
    assert [sentence for sentence in pair.written if sentence not in pair.kept()] == []
    for machine in pair.machines:
        assert machine.mem("doctor").status == 0, machine.mem("doctor").err
        assert machine.sync("--pull").out == "pulled\n"


@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from([*STEPS]), st.sampled_from(NAMES)), max_size=9))
@example([(0, "edit", "pg"), (1, "alias", "pg"), (0, "share", ""), (1, "share", "")])
@example([(0, "edit", "pg"), (1, "edit", "pg"), (0, "commit", ""), (0, "share", ""), (1, "pull", "")])
@example([(0, "forget", "pg"), (1, "tell", "pg"), (0, "share", ""), (1, "share", "")])
@example([(0, "tell", "redis"), (0, "forget", "redis"), (1, "edit", "redis")])
@example([(0, "delete", "tea"), (1, "edit", "tea"), (1, "share", ""), (0, "share", "")])
def test_two_machines_believe_the_same_in_the_end(mem: Mem, steps: Walk) -> None:
    folder = Path(tempfile.mkdtemp(dir=os.environ["HOME"]))
    try:
        walk(folder, mem, steps)
    finally:
        shutil.rmtree(folder)


def test_a_sync_that_does_not_write_is_caught(mem: Mem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "to_commit", lambda *_: ([], [], []))
    with pytest.raises(AssertionError):
        walk(tmp_path, mem, [(0, "tell", "pg")])
