"""Whatever a person, mem, git and crashes do to one memory folder, in whatever order: no word is lost, and a sync
leaves both sides equal and nothing to do.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Collection
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from mem import __main__, sync, tree
from mem.belief import Belief
from mem.config import Home
from mem.store import Store
from tests.bench.kill import kill_at
from tests.bench.race import place_blindly
from tests.conftest import environment
from tests.strategies import SCRATCH

BEGUN = datetime(2026, 11, 21, 10, tzinfo=UTC)
SCOPES = ("user", "project:a")
FOLDERS = ("user/facts", "project/a/facts")
STEPS = 3_000
"""Lines at which a command may die; those that end before are not killed."""
PICK = st.integers(0, 1_000)
FEWER, LENGTH = 5, 25
"""An example runs dozens of commands, so there are fewer of them than of others; and how many steps each has."""
CALM = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)


class Folder(RuleBasedStateMachine):
    """One memory folder, and those who change it."""

    broken: ClassVar[bool] = False
    """True for a program in which the store's side always stands, and what it replaces is not kept."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        top = Path(self.stack.enter_context(tempfile.TemporaryDirectory(dir=SCRATCH)))
        patch = self.stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in environment(top).items():
            patch.setenv(name, value)
        if self.broken:
            patch.setattr(sync, "merge", lambda base, page, store: (store, False))
            patch.setattr(tree, "place", place_blindly)
        self.top = top / "home" / "mem"
        self.moments = self.numbers = 0
        self.written: set[str] = set()
        """Words of the person, and of commands that were acknowledged."""
        self.told = ""

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            self.stack.close()

    # -- what they use

    def mem(self, *line: str) -> int:
        """Run a command a minute after the last one; what it prints is kept."""
        self.moments += 1
        os.environ["MEM_NOW"] = (BEGUN + timedelta(minutes=self.moments)).isoformat()
        out = StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            status = __main__.run(line)
        self.told = out.getvalue()
        assert status in (0, 1, 2, 3), (line, status, self.told)
        return status

    def git(self, *line: str) -> str:
        done = subprocess.run(
            ["git", *line],
            cwd=self.top, capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
        return done.stdout

    def word(self) -> str:
        self.numbers += 1
        return f"word{self.numbers:04}"

    def pages(self) -> list[Path]:
        return sorted(path for path in self.top.rglob("*.md") if path.is_file())

    def page(self, pick: int) -> Path:
        return self.pages()[pick % len(self.pages())]

    def store(self) -> Store:
        path = Home(str(self.top)).database()
        assert path is not None
        return Store.reading(path)

    def beliefs(self) -> list[Belief]:
        store = self.store()
        found = store.everything().beliefs()
        store.close()
        return found

    def named(self, pick: int) -> tuple[str, str]:
        """A scope, and the id of a belief in it."""
        belief = self.beliefs()[pick % len(self.beliefs())]
        return belief.scope, belief.id

    # -- what they do

    @initialize()
    def begin(self) -> None:
        for scope in SCOPES:
            for _ in range(2):
                self.remember(scope)
        self.git("config", "user.name", "me")
        self.git("config", "user.email", "me@example.org")
        self.commit("me")

    @rule(scope=st.sampled_from(SCOPES))
    def remember(self, scope: str) -> None:
        word = self.word()
        assert self.mem("remember", "--type", "fact", "--scope", scope, "--name", f"n{word}", f"Says {word}.") == 0
        self.written.add(word)

    @precondition(lambda self: self.beliefs())
    @rule(pick=PICK, act=st.sampled_from(("edit", "alias", "pin", "forget", "restore")))
    def change(self, pick: int, act: str) -> None:
        (scope, id_), word = self.named(pick), self.word()
        more = {"edit": (f"Says {word} now.",), "alias": (f"+{word}",)}.get(act, ())
        if self.mem(act, "--scope", scope, id_, *more) == 0 and more:
            self.written.add(word)

    @rule()
    def undo(self) -> None:
        self.mem("undo")

    @rule(scope=st.sampled_from(SCOPES))
    def review(self, scope: str) -> None:
        """What somebody else committed waits for this."""
        self.mem("review", "--all", "--scope", scope)

    @precondition(lambda self: self.pages())
    @rule(pick=PICK, whole=st.booleans())
    def add_by_hand(self, pick: int, whole: bool) -> None:
        page, word = self.page(pick), self.word()
        text = page.read_text()
        if whole:
            (page.parent / "new").write_text(f"{text}{word}\n")
            os.replace(page.parent / "new", page)
        else:
            page.write_text(
                text.replace("aliases: [", f"aliases: [{word}, ", 1) + ("" if "aliases: [" in text else word)
            )
        self.written.add(word)

    @rule(folder=st.sampled_from(FOLDERS))
    def write_by_hand(self, folder: str) -> None:
        word = self.word()
        (self.top / folder).mkdir(parents=True, exist_ok=True)
        (self.top / folder / f"{word}.md").write_text(f"---\n---\n# of_{word}\n\nNoted {word}.\n")
        self.written.add(word)

    @precondition(lambda self: self.pages())
    @rule(pick=PICK, copy=st.booleans(), folder=st.sampled_from((None, *FOLDERS)))
    def move_by_hand(self, pick: int, copy: bool, folder: str | None) -> None:
        page = self.page(pick)
        target = (page.parent if folder is None else self.top / folder) / f"moved{self.word()}.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        if copy:
            target.write_bytes(page.read_bytes())
        else:
            page.rename(target)

    @precondition(lambda self: self.pages())
    @rule(pick=PICK)
    def delete_by_hand(self, pick: int) -> None:
        """What nobody saw before it was deleted is gone as the person wants it."""
        page = self.page(pick)
        words = set(re.findall(r"word\d{4}", page.read_text(errors="replace")))
        page.unlink()
        self.written -= words - self.words()

    @precondition(lambda self: self.pages())
    @rule(pick=PICK)
    def damage_by_hand(self, pick: int) -> None:
        page = self.page(pick)
        page.write_text(page.read_text().replace("---\n", "---\n<<<<<<< mine\n", 1))

    @rule()
    def mend_by_hand(self) -> None:
        for page in self.pages():
            text = page.read_text()
            if "<<<<<<< mine\n" in text:
                page.write_text(text.replace("<<<<<<< mine\n", ""))

    @rule(flags=st.lists(st.sampled_from(("--accept-moves", "--accept-deletions", "--dry-run")), unique=True))
    def sync(self, flags: list[str]) -> None:
        self.mem("sync", *flags)

    @precondition(lambda self: self.beliefs())
    @rule(pick=PICK, step=st.integers(0, STEPS), act=st.sampled_from(("sync", "edit", "forget")))
    def crash(self, pick: int, step: int, act: str) -> None:
        scope, id_ = self.named(pick)
        line = {"sync": ("sync",), "edit": ("edit", "--scope", scope, id_, "Says it in another way.")}.get(act)
        child = os.fork()
        if child == 0:
            try:
                kill_at(step)
                self.mem(*(line or (act, "--scope", scope, id_)))
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        self.moments += 1

    # -- git

    @rule(author=st.sampled_from(("me", "else")))
    def commit(self, author: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", "as it is", f"--author={author} <{author}@example.org>")

    @rule(new=st.booleans())
    def switch(self, new: bool) -> None:
        other = self.git("branch", "--format=%(refname:short)").split()
        here = self.git("branch", "--show-current").strip()
        away = [name for name in other if name != here]
        if away:
            self.git("switch", "-q", away[0])
        elif new:
            self.git("switch", "-qc", "other")

    @rule()
    def merge(self) -> None:
        here = self.git("branch", "--show-current").strip()
        for name in self.git("branch", "--format=%(refname:short)").split():
            if name != here:
                self.git("merge", "-q", "--no-edit", name)

    @rule(side=st.sampled_from(("--ours", "--theirs")))
    def end_merge(self, side: str) -> None:
        if (self.top / ".git" / "MERGE_HEAD").exists():
            self.git("checkout", side, "--", ".")
            self.commit("me")

    # -- what holds

    @rule()
    def settle(self) -> None:
        """Two syncs: the first does all there is to do, and no word is lost by anything."""
        self.mem("sync")
        first, before = problems(self.told), self.outcome()
        waits = "nothing was taken in or written" in self.told
        self.mem("sync")
        assert self.outcome() == before, self.told
        assert problems(self.told) == first
        assert self.written <= self.words(), self.written - self.words()
        if not waits:
            self.compare(first)

    def compare(self, told: set[str]) -> None:
        """Tree and store say the same, where no problem is told, and nobody else's words wait for approval."""
        store = self.store()
        told = told | {held.path for held in store.held()}
        beliefs = {belief.id: belief for belief in store.everything().beliefs() if belief.review == "approved"}
        places = {page.id: page.path for page in store.everything().pages()}
        store.close()
        excused: set[str] = set()
        for page in self.pages():
            path = str(page.relative_to(self.top))
            if path in told:
                excused.update(re.findall(r"^id: (\S+)", page.read_text(), re.MULTILINE))
            else:
                said = tree.parse(path, page.read_bytes(), now=BEGUN)
                assert isinstance(said, Belief), said
                assert places.pop(said.id) == path
                assert said == tree.owned(beliefs.pop(said.id)), path
        left = {id_ for id_, one in beliefs.items() if one.live and id_ not in excused and places.get(id_) not in told}
        assert not left, (left, places, told)

    def outcome(self) -> tuple[dict[Path, bytes], list[Belief]]:
        return {path: path.read_bytes() for path in self.pages()}, self.beliefs()

    def words(self) -> set[str]:
        """All that is anywhere: in pages, in the store and its history, in displaced text, in what git keeps."""
        store = self.store()
        rows = store.rows("SELECT COALESCE(before, '') || COALESCE(after, '') FROM change")
        store.close()
        displaced = self.top / ".mem" / "local" / "displaced"
        texts = [
            *(row[0] for row in rows),
            *(path.read_text(errors="replace") for path in self.pages()),
            *(path.read_text(errors="replace") for path in displaced.glob("*")),
            self.git("log", "-p", "-m", "--all"),
        ]
        return set(re.findall(r"word\d{4}", "\n".join(texts)))


def problems(told: str) -> set[str]:
    """The paths of problems that a command told of."""
    return set(re.findall(r"^mem: ([^:\n]+\.md)\b", told, re.MULTILINE))


class Deaf(Folder):
    """The broken variant."""

    broken = True


def run(machine: type[Folder], examples: int, phases: Collection[Phase] = tuple(Phase)) -> None:
    how = settings(
        max_examples=examples, stateful_step_count=LENGTH, deadline=None, suppress_health_check=CALM, phases=phases
    )
    run_state_machine_as_test(machine, settings=how)  # type: ignore[no-untyped-call]


def test_no_word_is_lost_and_a_sync_leaves_both_sides_equal() -> None:
    run(Folder, settings.default.max_examples // FEWER if settings.default else 1)


def test_a_sync_that_does_not_hear_the_person_is_caught() -> None:
    with pytest.raises(AssertionError):
        run(Deaf, 100, [Phase.generate])
