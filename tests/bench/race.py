"""Many at once: processes that remember, and a person who saves pages while mem writes to them. Is every word there?"""

from __future__ import annotations

import os
import random
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from pathlib import Path

from mem import __main__, memory, tree, watch, writing
from tests.bench.crash import Home

PROCESSES, EACH = 16, 40
SAVES = 5_000
"""What the project asks for."""
PAGES = 8
"""Few, so that a person and mem are often at the same one."""
PAUSE = 0.008
"""Seconds; the longest that a person waits before the next save."""
LEAST, MOST = 20, 50
"""The person goes on until there were so many writes, but saves at most so many times as often as asked for."""
SEED = 11


def run(saves: str) -> int:
    """Print both races, each beside its broken variant; exit status 1 if one of them is not as it should be."""
    count = int(saves or SAVES)
    share = count / SAVES
    each = max(2, round(EACH * share))
    failed = [
        writers("writers", each, lambda: None),
        not writers("writers without the lock (must fail)", each, unlock),
        person("a person, two writers and a watcher", count, lambda: None),
        not person("a person, two writers and a watcher that do not look (must fail)", count, blind),
    ]
    return int(any(failed))


@contextmanager
def home() -> Iterator[Home]:
    """A home for one race."""
    with tempfile.TemporaryDirectory(prefix="mem-race-") as folder:
        yield Home(Path(folder))


# -- writers ----------------------------------------------------------------------------------------


def writers(title: str, each: int, prepare: Callable[[], None]) -> bool:
    """Let many processes remember at once, from the first command in an empty home; returns whether one was lost."""
    with home() as here:
        opened, gate = os.pipe()
        begun = time.monotonic()

        def write(writer: int) -> int:
            os.close(gate)
            del os.environ["MEM_SEED"]  # ids as in life
            os.read(opened, 1)  # until all are there
            return sum(__main__.run(("remember", f"writer {writer} says {turn}")) == 0 for turn in range(each))

        children = [here.started(lambda one=one: write(one), prepare, str(one)) for one in range(PROCESSES)]
        os.close(gate)
        statuses = [here.ended(child) for child in children]
        os.close(opened)
        acknowledged = sum(status for status in statuses if 0 <= status <= each)
        here.run(("export",))
        stored, pages = here.printed.count("\n"), len(here.pages())
        doctor = here.run(("doctor",))
        seconds = time.monotonic() - begun
    print(
        f"{title}: {acknowledged} acknowledged, {stored} stored, {pages} pages of {PROCESSES * each}; "
        f"doctor {doctor}; {seconds:.0f} s",
        flush=True,
    )
    return not (acknowledged == stored == pages == PROCESSES * each and doctor == 0)


def unlock() -> None:
    """The broken variant: what the lock is for."""
    for module in (memory, writing):
        module.locked = lambda *_: nullcontext()  # type: ignore[attr-defined]


# -- a person and writers ---------------------------------------------------------------------------


def person(title: str, saves: int, prepare: Callable[[], None]) -> bool:
    """Let a person save pages in four styles while two processes write to them, and `mem watch` takes them in.

    Returns whether a word was lost.
    """
    with home() as here:
        for one in range(PAGES):
            assert here.run(("remember", "--name", f"page_{one}", f"Page {one} is full of words.")) == 0, here.said
        begun = time.monotonic()
        watcher = here.started(watch_all, prepare, "watcher")
        await_line(here.top / "errwatcher", "watching")
        hand = here.started(lambda: save_all(here, saves), name="hand")
        stop = here.top / "stop"
        children = [here.started(lambda one=one: touch_all(one, stop), prepare, str(one)) for one in (1, 2)]
        assert here.ended(hand) == 0, (here.top / "errhand").read_text()
        stop.touch()
        for child in children:
            here.ended(child)
        os.kill(watcher, signal.SIGTERM)
        assert here.ended(watcher) in (0, 3), (here.top / "errwatcher").read_text()
        wrote, watched = writes(here), (here.top / "outwatcher").read_text().count("took in")
        here.run(("sync",))
        left, told = set((here.top / "outhand").read_text().split()), []
        saved = len(left)
        for where, words in words_in(here).items():
            told.append(f"{len(left & words)} {where}")
            left -= words
        seconds = time.monotonic() - begun
    print(
        f"{title}: {saved} saves, {wrote} writes, {watched} pages taken in by the watcher; "
        f"{', '.join(told)}, {len(left)} lost; {seconds:.0f} s",
        flush=True,
    )
    assert saved >= saves and wrote >= LEAST and watched, "nobody was disturbed"
    return bool(left)


def await_line(path: Path, words: str) -> None:
    """Wait until a process has printed something."""
    for _ in range(600):
        if path.exists() and words in path.read_text():
            return
        time.sleep(0.05)
    raise AssertionError(path.read_text() if path.exists() else f"there is no {path.name}")


def writes(here: Home) -> int:
    """How often the two processes have written."""
    return sum(path.read_text().count("\n") for path in here.top.glob("out[12]"))


def save_all(here: Home, saves: int) -> int:
    """The person: reads a page, adds a word at its end and saves it, in one style after the other."""
    chance = random.Random(SEED)
    for at in range(MOST * saves):
        path = here.home / "mem" / "user" / "facts" / f"page_{chance.randrange(PAGES)}.md"
        STYLES[at % len(STYLES)](path, f"word{at:06}\n".encode())
        print(f"word{at:06}")
        time.sleep(chance.random() * PAUSE)
        if at >= saves and writes(here) >= LEAST:
            break
    return 0


def save_in_place(path: Path, more: bytes) -> None:
    with open(path, "r+b") as file:
        whole = file.read() + more
        file.seek(0)
        file.write(whole)


def save_by_rename(path: Path, more: bytes) -> None:
    beside = path.with_suffix(".md~")
    beside.write_bytes(path.read_bytes() + more)
    os.replace(beside, path)


def save_anew(path: Path, more: bytes) -> None:
    whole = path.read_bytes() + more
    with open(path, "wb") as file:
        file.write(whole)


def save_at_the_end(path: Path, more: bytes) -> None:
    with open(path, "ab") as file:
        file.write(more)


STYLES = (save_in_place, save_by_rename, save_anew, save_at_the_end)


def touch_all(writer: int, stop: Path) -> int:
    """A process that changes other fields of the pages that the person edits, again and again."""
    chance, told = random.Random(writer), os.fdopen(os.dup(1), "w")
    for turn in range(1_000_000):
        if stop.exists():
            return 0
        name = f"page_{chance.randrange(PAGES)}"
        line = chance.choice(
            [
                *(("pin", name), ("unpin", name), ("alias", name, f"+w{writer}t{turn}"), ("confirm", name)) * 3,
                ("edit", name, f"Writer {writer} says something else at turn {turn}."),
            ]
        )
        with open(os.devnull, "w") as file, redirect_stdout(file):
            done = __main__.run(line) == 0
        if done:
            print(*line, file=told, flush=True)
    return 1


def watch_all() -> int:
    """`mem watch`, less patient than it is, so that it meets the person more often."""
    watch.QUIET, watch.PATIENCE = 0.01, 0.05
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    return __main__.run(("watch",))


def words_in(here: Home) -> dict[str, set[str]]:
    """The words of the person in each of the places where they may be."""
    kept = here.home / "mem" / ".mem" / "local" / "displaced"
    here.run(("export",))  # what `mem conflicts` lists is there
    texts = {
        "in pages": "".join(page.decode(errors="replace") for page in here.pages().values()),
        "in what contradicts them": here.printed,
        "in displaced text alone": "".join(path.read_text(errors="replace") for path in kept.glob("*")),
    }
    return {where: set(re.findall(r"word\d{6}", text)) for where, text in texts.items()}


def blind() -> None:
    """The broken variant: a page is put in place whatever is there by now."""
    tree.place = place_blindly


def place_blindly(path: str, data: bytes, expected: str | None, scratch: str) -> tree.Placed:
    """A plain rename, as most programs do it."""
    temporary = os.path.join(scratch, f"{os.getpid()}.new")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    tree.write_through(temporary, data)
    os.replace(temporary, path)
    status = os.stat(path)
    return tree.Placed(tree.digest(data), status.st_mtime_ns, status.st_size)
