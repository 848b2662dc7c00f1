"""The watcher: what is saved is taken in when it rests, once, and the watcher comes and goes without a trace."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from time import sleep

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mem import watch
from mem.errors import MemError
from mem.memory import Memory
from mem.notes import ALL
from mem.proposing import Ingested
from mem.sharing import Synced
from mem.watch import PATIENCE, QUIET, Debouncer, Watcher
from tests.conftest import BIN, Mem, environment

# -- when something rests ---------------------------------------------------------------------------


def due(times: list[float], now: float) -> bool:
    debouncer = Debouncer()
    for time in times:
        debouncer.note("a", time)
    return debouncer.due(now) == {"a"}


def test_the_events_of_one_save_are_one() -> None:
    save = [0.0, 0.01, 0.02, 0.1]
    assert not due(save, 0.1 + QUIET - 0.01)
    assert due(save, 0.1 + QUIET)


def test_what_was_due_is_forgotten() -> None:
    debouncer = Debouncer()
    debouncer.note("a", 0.0)
    assert (debouncer.due(QUIET), debouncer.due(QUIET), len(debouncer)) == ({"a"}, set(), 0)


def test_what_never_rests_is_looked_at_all_the_same() -> None:
    busy = [n * QUIET / 2 for n in range(200)]
    assert not due(busy[:5], busy[4])
    assert due([time for time in busy if time < PATIENCE], PATIENCE)


def test_each_path_rests_by_itself() -> None:
    debouncer = Debouncer()
    debouncer.note("a", 0.0)
    debouncer.note("b", QUIET / 2)
    assert debouncer.due(QUIET) == {"a"}
    assert debouncer.wait(QUIET) == pytest.approx(QUIET / 2)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 60)), max_size=30))
def test_nothing_is_lost_and_the_wait_ends_when_something_is_due(events: list[tuple[str, float]]) -> None:
    debouncer = Debouncer()
    now = 0.0
    seen: set[str] = set()
    for path, time in sorted(events, key=lambda event: event[1]):
        while (wait := debouncer.wait(now)) is not None and now + wait <= time:
            now += wait
            found = debouncer.due(now + 1e-9)
            assert found
            seen |= found
        debouncer.note(path, time)
        now = time
    assert seen | debouncer.due(now + PATIENCE + QUIET) == {path for path, _ in events}


# -- a watcher at work ------------------------------------------------------------------------------

LONG = 60
"""Seconds after which a test gives up; what it waits for takes one or two."""


class Process:
    """`mem watch`, with what it prints."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.seen: list[str] = []
        self.run = subprocess.Popen(
            [BIN / "mem", "watch", *arguments],
            env=environment(home.parent), cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.run.stdout or ():
            self._lines.put(line.rstrip("\n"))
        self._lines.put("(ended)")

    def until(self, wanted: str) -> None:
        """Wait for a line that holds this."""
        while not self.seen or wanted not in self.seen[-1]:
            assert "(ended)" not in self.seen, self.seen
            self.seen.append(self._lines.get(timeout=LONG))

    def end(self, number: int = signal.SIGTERM) -> int:
        self.run.send_signal(number)
        status = self.run.wait(LONG)
        self.until("(ended)")
        return status


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a memory of one belief, and a folder of one note."""
    (tmp_path / "home" / "notes").mkdir()
    subprocess.run([BIN / "mem", "remember", "Postgres is the store of record."], env=environment(tmp_path), check=True,
                   cwd=tmp_path, stdout=subprocess.DEVNULL)  # fmt: skip
    (tmp_path / "home" / "notes" / "a.md").write_text("- Rule: two people look at every change\n")
    return tmp_path / "home"


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Process]]:
    running: list[Process] = []

    def begin(*arguments: str) -> Process:
        running.append(Process(home, *arguments))
        running[-1].until("watching")
        return running[-1]

    yield begin
    for process in running:
        if process.run.poll() is None:
            process.run.kill()
        process.run.wait()
        if process.run.stdout is not None:
            process.run.stdout.close()


def page(home: Path) -> Path:
    [found] = (home / "mem").rglob("facts/*.md")
    return found


def save_in_place(path: Path, text: str) -> None:
    path.write_text(text)


def save_by_rename(path: Path, text: str) -> None:
    """As vim does: a backup by rename, a temporary file, and that in the place."""
    (path.parent / "4913").write_text("")
    path.rename(path.with_name(f"{path.name}~"))
    (path.parent / ".swap").write_text(text)
    (path.parent / ".swap").rename(path)
    path.with_name(f"{path.name}~").unlink()
    (path.parent / "4913").unlink()


SAVES = [save_in_place, save_by_rename]


@pytest.mark.parametrize("save", SAVES)
def test_a_page_that_is_saved_is_taken_in(home: Path, start: Callable[..., Process], save: Callable[..., None]) -> None:
    watching = start()
    save(page(home), page(home).read_text().replace("Postgres is", "Postgres 17 is"))
    watching.until("took in user/facts/postgres_store_record.md: it was changed by hand")
    assert watching.end() == 0
    assert sum("took in" in line for line in watching.seen) == 1


@pytest.mark.parametrize("save", SAVES)
def test_a_note_that_is_saved_is_ingested_once(
    home: Path, start: Callable[..., Process], save: Callable[..., None]
) -> None:
    watching = start("notes")
    watching.until("1 new")
    save(home / "notes" / "a.md", "- Rule: two people look at every single change\n")
    watching.until("every single change")
    watching.end()
    assert not any("withdrawn" in line or "gone" in line for line in watching.seen)


def test_notes_come_move_and_go(home: Path, start: Callable[..., Process]) -> None:
    watching = start("notes")
    watching.until("1 new")
    (home / "notes" / "deep").mkdir()
    (home / "notes" / "deep" / "b.md").write_text("Never log tokens.\n")
    watching.until("Never log tokens.")
    (home / "notes" / "deep").rename(home / "notes" / "moved")
    (home / "notes" / "c.md").write_text("Always lock the door.\n")
    watching.until("Always lock the door.")
    (home / "notes" / "a.md").unlink()
    watching.until("1 withdrawn")
    watching.end()
    assert sum("Never log tokens." in line for line in watching.seen) == 1, watching.seen


def test_what_is_left_out_wakes_nobody(home: Path, start: Callable[..., Process]) -> None:
    (home / "notes" / ".gitignore").write_text("ignored/\n")
    for folder in ("ignored", ".hidden", "node_modules", "old", ".git"):
        (home / "notes" / folder).mkdir()
    watching = start("--exclude", "old/*", "notes")
    watching.until("1 new")
    for folder in ("ignored", ".hidden", "node_modules", "old"):
        (home / "notes" / folder / "x.md").write_text("Never read this.\n")
    (home / "notes" / "last.md").write_text("Always read this.\n")
    watching.until("Always read this.")
    watching.end()
    assert not any("Never read this" in line for line in watching.seen)


def test_a_fault_is_told_and_the_watch_goes_on(home: Path, start: Callable[..., Process]) -> None:
    watching = start("notes")
    watching.until("1 new")
    (home / "notes" / "bad.md").write_bytes(b"\xff")
    watching.until("bad.md:1: is not UTF-8")
    (home / "notes" / "bad.md").write_text("Never log tokens.\n")
    watching.until("Never log tokens.")
    assert watching.end() == 0


# -- one, alive and gone ----------------------------------------------------------------------------


def test_there_is_one_watcher_for_a_memory(home: Path, start: Callable[..., Process], mem_process: Mem) -> None:
    first = start()
    second = mem_process("watch")
    assert (second.status, f"(pid {first.run.pid})" in second.err) == (75, True)
    first.end()
    assert start().end() == 0


def test_the_heartbeat_is_shown_while_it_beats(home: Path, start: Callable[..., Process], mem_process: Mem) -> None:
    watching = start("notes")
    watching.until("1 new")
    told = json.loads(mem_process("doctor", "--json").out)["watch"]
    assert (told["running"], told["pid"], told["folders"]) == (True, watching.run.pid, ["~/notes"])
    assert f"mem watch (pid {watching.run.pid}) runs since" in mem_process("doctor").out
    watching.end()
    assert "mem watch" not in mem_process("doctor").out


def test_a_watcher_that_was_killed_is_told_of(home: Path, start: Callable[..., Process], mem_process: Mem) -> None:
    watching = start()
    watching.end(signal.SIGKILL)
    assert "ended without being stopped" in mem_process("doctor").out
    assert start().end() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_stops_cleanly(home: Path, start: Callable[..., Process], number: int) -> None:
    watching = start()
    assert watching.end(number) == 0
    assert {path.name for path in (home / "mem" / ".mem" / "local").glob("watch*")} == {"watch.lock"}


def test_it_ends_when_the_memory_folder_is_taken_away(home: Path, start: Callable[..., Process]) -> None:
    watching = start()
    (home / "mem").rename(home / "elsewhere")
    (home / "elsewhere" / "user" / "facts" / "last.md").write_text("the system tells of this still\n")
    watching.until("is gone")
    assert watching.run.wait(LONG) == 5
    assert not (home / "mem").exists()


# -- looking at everything --------------------------------------------------------------------------


class Told(list[object]):
    """What a watcher in this process tells; it is stopped at the n-th thing."""

    lost = False
    """Whether events are lost after the first look."""

    def __init__(self, home: Path, most: int) -> None:
        memory = lambda: Memory(watch.Home(str(home / "mem")), clock=watch_clock, warn=lambda message: None)  # noqa: E731
        self.watcher = Watcher(
            memory, [str(home / "notes")], scope="user", globs=ALL, tell=self.hear, clock=watch_clock
        )
        self._most = most

    def hear(self, done: Synced | Ingested | MemError) -> None:
        self.append(done)
        if len(self) == 2 and self.lost:
            self.watcher._lost()
        if len(self) >= self._most:
            self.watcher.stop()


def watch_clock() -> watch.datetime:
    return watch.parse_time("2026-11-21T10:00:00Z")


def test_everything_is_looked_at_when_it_starts_and_when_events_were_lost(home: Path) -> None:
    told = Told(home, 4)
    told.lost = True
    told.watcher.run()
    assert [type(one) for one in told] == [Synced, Ingested] * 2


def test_more_events_than_a_person_makes_are_looked_at_as_a_whole(home: Path) -> None:
    told = Told(home, 4)
    for n in range(watch.MANY):
        told.watcher._heard([str(home / "notes" / f"{n}.md")])
    told.watcher.run()
    assert [type(one) for one in told] == [Synced, Ingested] * 2


@pytest.mark.parametrize(
    "path", ["mem/.git/index", "mem/.mem/local/lock", "notes/.obsidian/a.md", "notes/a.png", "x.md"]
)
def test_what_is_of_no_interest_is_not_heard(home: Path, path: str) -> None:
    told = Told(home, 1)
    told.watcher._heard([str(home / path)])
    assert told.watcher._queue.empty()


def test_once_looks_at_everything_and_ends(home: Path, mem_process: Mem) -> None:
    done = mem_process("watch", "--once", str(home / "notes"))
    assert (done.status, "two people look at every change" in done.out) == (0, True)
    assert mem_process("watch", "--once", str(home / "notes")) == (0, "", "")


def test_a_folder_that_is_made_while_it_is_looked_at_is_no_warning(home: Path) -> None:
    told = Told(home, 2)
    with warnings.catch_warnings(record=True) as warned, told.watcher._observed():
        warnings.simplefilter("always", append=True)
        for n in range(200):
            (home / "notes" / f"{n}" / "deep").mkdir(parents=True)
        sleep(0.3)
    assert warned == []
