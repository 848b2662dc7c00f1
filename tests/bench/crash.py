"""What the crash benches share: acts that are cut short, homes to cut them short in, and the verdict on what is left.

An act is judged by the two states between which it leads: after the crash and one more write, the memory
must be, byte for byte, where it would be without the act or with the whole of it, and with it if the act
was acknowledged: its result was printed.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from mem import __main__, cli, tree
from mem.errors import Problem
from tests.conftest import NOW, environment
from tests.strategies import SCRATCH

Line = tuple[str, ...]


class Act(NamedTuple):
    """One command to cut short."""

    line: Line
    before: tuple[Line, ...] = ()
    """Commands that make the memory it begins with."""
    by_hand: Callable[[Path], object] = lambda folder: None
    """What a person does to the memory folder before it."""
    first: Line | None = None
    """Another act that is a part of it and may stand alone."""


STORE = ("remember", "--name", "store_of_record", "--alias", "pg", "Postgres is the store of record.")
BEFORE: tuple[Line, ...] = (
    STORE,
    ("remember", "--name", "answers", "I prefer short answers."),
    ("remember", "--scope", "project:atlas", "--pin", "Never deploy on a Friday."),
)


def edit_by_hand(folder: Path) -> None:
    """A person adds to a page."""
    with open(folder / "user" / "facts" / "store_of_record.md", "a") as page:
        page.write("It was chosen by hand.\n")


def work_by_hand(folder: Path) -> None:
    """A person adds to a page, writes one, and takes one away."""
    edit_by_hand(folder)
    (folder / "user" / "facts" / "note.md").write_text("---\n---\n# note\n\nNoted by hand.\n")
    (folder / "user" / "preferences" / "answers.md").unlink()


ACTS = {
    "first remember": Act(STORE),
    "remember": Act(("remember", "--scope", "project:atlas/mobile", "Bloc is the state library."), BEFORE),
    "new version": Act(("remember", "--name", "answers", "I prefer short answers, with a reason."), BEFORE),
    "edit": Act(("edit", "store_of_record", "Postgres 16 is the store of record."), BEFORE),
    "forget": Act(("forget", "answers"), BEFORE),
    "supersede": Act(("supersede", "store_of_record", "MySQL is the store of record."), BEFORE),
    "alias, of a page changed by hand": Act(("alias", "store_of_record", "+postgres"), BEFORE, edit_by_hand, ("sync",)),
    "sync": Act(("sync",), BEFORE, work_by_hand),
}

MOST_FAULTS = 4
"""Kinds of faults that are told of one act."""
DOCTOR = ("doctor",)
PROBE: tuple[Line, ...] = (
    ("list", "--json"),
    ("remember", "--name", "after_the_crash", "Life goes on after a crash."),
    DOCTOR,
    ("export",),
)
"""What comes after a crash: a reader, a writer, and two that look at the outcome."""


class State(NamedTuple):
    """Where a memory is."""

    listed: str
    """What the first reader was shown."""
    checked: str
    """What doctor said."""
    exported: str
    pages: Mapping[str, bytes]


class Home:
    """A home of its own for some commands, run in children of this process."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.home = top / "home"
        self.home.mkdir()
        self._warm()

    def _warm(self) -> None:
        """Do once what every child would have to: the imports, and the tree of commands."""

        def imported() -> int:
            for line in PROBE:
                __main__.run(line)
            (self.top / "imported").write_text("\n".join(sys.modules))
            return 0

        for name in {line[0] for line in PROBE} | {
            line[0] for act in ACTS.values() for line in (act.line, *act.before)
        }:
            cli._tree(name)  # most of the time of a command
        assert self.forked(imported) == 0, self.said
        for name in (self.top / "imported").read_text().split():
            if name not in sys.modules:
                importlib.import_module(name)
        shutil.rmtree(self.home)
        self.home.mkdir()

    @property
    def said(self) -> str:
        """What the last command printed on either stream."""
        return self.printed + (self.top / "err").read_text()

    @property
    def printed(self) -> str:
        """What the last command acknowledged."""
        return (self.top / "out").read_text()

    def run(self, line: Line, prepare: Callable[[], None] = lambda: None) -> int:
        """Run a command line in a child of its own; the negative of a signal that killed it, else its status."""
        return self.forked(lambda: __main__.run(line), prepare)

    def forked(self, do: Callable[[], int], prepare: Callable[[], None] = lambda: None) -> int:
        """Call a function in a child that has this home's environment; what it returns is its exit status."""
        return self.ended(self.started(do, prepare))

    def started(self, do: Callable[[], int], prepare: Callable[[], None] = lambda: None, name: str = "") -> int:
        """Begin to call a function in a child, and do not wait; `name` tells what it prints from others' words."""
        child = os.fork()
        if child == 0:
            try:
                self._enter(name)
                prepare()
                status = do()
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
            finally:
                traceback.print_exc()  # nothing but an error leads here
                sys.stderr.flush()
                os._exit(99)
        return child

    @staticmethod
    def ended(child: int) -> int:
        """Wait for a child: its exit status, or the negative of the signal that killed it."""
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def _enter(self, name: str) -> None:
        wanted = environment(self.top)
        os.environ.clear()
        os.environ.update(wanted)
        os.chdir(self.top)
        for number, stream in ((1, "out"), (2, "err")):
            os.dup2(os.open(self.top / f"{stream}{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115

    def pages(self) -> dict[str, bytes]:
        """The pages as they are on the disk."""
        top = self.home / "mem"
        return {str(path.relative_to(top)): path.read_bytes() for path in sorted(top.rglob("*.md"))}


class Place(Home):
    """A folder in which one act is run again and again, each time from the same beginning."""

    def __init__(self, top: Path, act: Act) -> None:
        super().__init__(top)
        self.act = act
        self._beginning = top / "beginning"
        for line in act.before:
            assert self.run(line) == 0, self.said
        act.by_hand(self.home / "mem")
        shutil.copytree(self.home, self._beginning, symlinks=True)
        self.old_pages = self.pages()
        self.states = [self._outcome()]
        for line in (act.first, act.line):
            if line is not None:
                self.reset()
                assert self.run(line) == 0, self.said
                self.new_pages = self.pages()
                self.states.append(self._outcome())

    def reset(self) -> None:
        """Back to the beginning."""
        shutil.rmtree(self.home)
        shutil.copytree(self._beginning, self.home, symlinks=True)

    def _outcome(self) -> State:
        said = [self.top / f"said{at}" for at in range(len(PROBE))]

        def probe() -> int:
            for line, place in zip(PROBE, said, strict=True):
                with open(place, "w", encoding="utf-8") as file, redirect_stdout(file):
                    status = __main__.run(line)
                if status and line != DOCTOR:
                    print(f"mem {' '.join(line)} ended with status {status}", place.read_text(), file=sys.stderr)
                    return status
            return 0

        if self.forked(probe):
            raise AssertionError((self.top / "err").read_text().replace(str(self.home), "~"))
        listed, _, checked, exported = (place.read_text() for place in said)
        return State(listed, checked + (self.top / "err").read_text(), exported, self.pages())

    def faults(self, acknowledged: bool) -> list[str]:
        """What is wrong with what a crash left here."""
        found = [*self._damaged()]
        try:
            outcome = self._outcome()
        except AssertionError as error:
            return [*found, f"unusable: {error}"]
        admitted = self.states[-1:] if acknowledged else self.states
        for field in State._fields:
            if getattr(outcome, field) not in [getattr(state, field) for state in admitted]:
                lost = acknowledged and getattr(outcome, field) == getattr(self.states[0], field)
                found.append(f"lost: {field}" if lost else f"half: {field}")
        if not found and outcome not in admitted:
            found.append("half: some of it old, some new")
        return found

    def _damaged(self) -> Iterator[str]:
        """Pages that are neither what they were nor what they shall be, before anything is recovered."""
        for path, data in self.pages().items():
            if data not in (self.old_pages.get(path), self.new_pages.get(path)):
                parsed = tree.parse(path, data, now=datetime.fromisoformat(NOW))
                yield f"damaged: {parsed if isinstance(parsed, Problem) else f'{path} is neither old nor new'}"


class Row(NamedTuple):
    """What came of one act."""

    title: str
    crashes: int
    missed: int
    """Crashes that did not happen."""
    acknowledged: int
    """Those that came after the result was printed."""
    faults: list[tuple[str, str]]
    """What was wrong, and after which crash."""


def report(row: Row, crashes: str) -> None:
    """Print one line, and one more for each kind of fault."""
    bad = f"{row.missed} missed, {len(row.faults)} faults"
    print(f"{row.title:46} {row.crashes:4} {crashes}, {row.acknowledged:3} acknowledged, {bad}", flush=True)
    for fault, count in Counter(fault for fault, _ in row.faults).most_common(MOST_FAULTS):
        where = [at for one, at in row.faults if one == fault]
        print(f"    {count} x {' '.join(fault.split())[:200]} (at {', '.join(where[:4])})", flush=True)


@contextmanager
def place(act: Act) -> Iterator[Place]:
    """A place for an act, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="mem-crash-", dir=SCRATCH) as folder:
        yield Place(Path(folder), act)


def spread(count: int, among: int) -> list[int]:
    """So many numbers below a limit, evenly apart, both ends included."""
    if count >= among:
        return list(range(among))
    return sorted({round(at * (among - 1) / max(1, count - 1)) for at in range(count)})
