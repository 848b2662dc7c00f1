"""A first index of 1,000 pages, and 1,000 notes ingested, as ratios to reading the same files.

Reading is done as everybody does it: each file is opened, read and decoded, from a warm cache. Times are of this
process, so that others on the machine do not count; the clock on the wall is printed beside them. Broken variant: an
index that makes each page durable by itself.
"""

from __future__ import annotations

import gc
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from mem.__main__ import MANY_OBJECTS
from mem.belief import Belief
from mem.config import Home
from mem.memory import Memory
from mem.store import Store, Transaction

FILES = 1_000
ROUNDS = 5
LIMIT = 20.0
"""Of the issue: a first index takes at most so many times as long as reading the same files."""
WALL: list[float] = []
"""What each of the measured pieces of work took by the clock on the wall, in milliseconds."""
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


def run(_: str) -> int:
    """Print the ratios; exit status 1 if the limit is not met, or if the broken variant meets it."""
    with tempfile.TemporaryDirectory(prefix="mem-bench-") as folder:
        os.environ |= {"HOME": folder, "XDG_DATA_HOME": f"{folder}/data", "XDG_CONFIG_HOME": f"{folder}/config"}
        os.environ["MEM_HOME"] = f"{folder}/mem"
        gc.set_threshold(MANY_OBJECTS)  # as the command does
        filled(Path(folder))
        vault = notes(Path(folder) / "vault")
        index, broken = first_index(Path(folder))
        commands = as_commands(Path(folder))
        first, again = ingested(Path(folder), vault)
    print(f"first index {index:.1f} x (limit {LIMIT:.0f}); broken variant {broken:.1f} x")
    print(f"mem init, as a command, {commands:.1f} x a command that reads the pages")
    print(f"{FILES:,} notes: ingested {first:.1f} x, and again, unchanged, {again:.1f} x")
    return int(index > LIMIT or broken <= LIMIT)


def memory(folder: Path) -> Memory:
    return Memory(Home(str(folder / "mem")), clock=lambda: NOW, warn=lambda message: None)


def sentences() -> list[str]:
    """What the beliefs say that questions are asked about: words as people use them."""
    lines = (Path(__file__).parent.parent / "recall" / "beliefs.jsonl").read_text().splitlines()
    return [json.loads(line)["content"] for line in lines]


def filled(folder: Path) -> None:
    """A memory folder with the pages of 1,000 beliefs, each of one or two sentences."""
    known, chance = sentences(), random.Random(7)
    types = ("preference", "decision", "fact", "entity", "procedure", "event", "question")
    rows = [
        {"type": chance.choice(types), "scope": chance.choice(("user", "project:a", "project:b")), "id": f"b{n:07}",
         "content": " ".join(chance.sample(known, chance.choice((1, 1, 2)))), "created": "2026-10-01T08:00:00Z"}
        for n in range(FILES)
    ]  # fmt: skip
    done = memory(folder).import_records(
        "made", enumerate(rows, 1), approve=True, strict=True, dry_run=False, progress=lambda done: None
    )
    assert done.added == FILES


def notes(vault: Path) -> Path:
    """1,000 notes of about 1,500 characters: prose, tasks, code, links, and three statements in each."""
    chance, known = random.Random(11), sentences()

    def sentence() -> str:
        return f"{' '.join(chance.choices(chance.choice(known).split(), k=4))} and {chance.choice(known)}"

    vault.mkdir()
    for n in range(FILES):
        parts = [f"---\ntags: [work]\naliases: [topic {n}]\n---\n# Topic {n}\n"]
        for _ in range(3):
            kind, item = chance.choice((("Decisions", "{}"), ("Rules", "{}"), ("Log", "Never {}")))
            parts += [f"\n## {kind}\n", *(f"{sentence()} " for _ in range(4)), "\n\n- " + item.format(sentence())]
            parts += [f"\n- [ ] {sentence()}", f"\n- [[Topic {n + 1}]]", f"\n\n```\n{sentence()}\n```\n"]
        (vault / f"area{n % 20}").mkdir(exist_ok=True)
        (vault / f"area{n % 20}" / f"topic {n}.md").write_text("".join(parts))
    return vault


def timed(work: Callable[[], Any]) -> float:
    """Milliseconds of this process."""
    begun, wall = time.process_time(), time.perf_counter()
    work()
    WALL.append(1000 * (time.perf_counter() - wall))
    return 1000 * (time.process_time() - begun)


def read_all(folder: Path) -> float:
    """Milliseconds to read every file of a folder."""
    paths = [path for path in sorted(folder.rglob("*.md")) if ".git" not in path.parts]
    assert len(paths) == FILES
    return statistics.median(timed(lambda: [path.read_text() for path in paths]) for _ in range(ROUNDS))


def first_index(folder: Path) -> tuple[float, float]:
    """What `mem init` takes where the pages are and the database is not, and with a commit for each page."""

    def index() -> float:
        shutil.rmtree(folder / "data")
        shutil.rmtree(folder / "mem" / ".mem" / "local")
        took = timed(memory(folder).init)
        assert memory(folder).doctor(verify_ranking=False).beliefs == FILES
        return took

    reading = read_all(folder / "mem")
    whole = statistics.median(index() for _ in range(ROUNDS))
    with page_by_page():
        broken = index()
    print(f"reading {FILES:,} pages {reading:.0f} ms, first index {whole:.0f} ms ({WALL[-2]:.0f} on the wall), "
          f"page by page {broken:.0f} ms ({WALL[-1]:.0f})")  # fmt: skip
    return whole / reading, broken / reading


READ = "import pathlib, sys; [path.read_text() for path in pathlib.Path(sys.argv[1]).rglob('*.md')]"


def as_commands(folder: Path) -> float:
    """`mem init` as a process of its own, by a process that reads the pages; by the clock on the wall."""

    def command(*arguments: str) -> float:
        run = partial(subprocess.run, [sys.executable, *arguments], check=True, capture_output=True)
        timed(run)
        return WALL[-1]

    pages = folder / "mem"
    ratios = []
    for _ in range(ROUNDS):
        shutil.rmtree(folder / "data")
        shutil.rmtree(pages / ".mem" / "local")
        reading, index = command("-c", READ, str(pages)), command("-m", "mem", "init")
        ratios.append((index / reading, reading, index))
    ratio, reading, index = sorted(ratios)[ROUNDS // 2]
    print(f"as processes of their own: reading {reading:.0f} ms, mem init {index:.0f} ms on the wall")
    return ratio


@contextmanager
def page_by_page() -> Iterator[None]:
    """The broken variant: each page is committed, and forced to the disk, before the next one."""
    adopt = Transaction.adopt

    def alone(transaction: Transaction, adopted: Sequence[Any]) -> dict[int, Belief]:
        store: Store = transaction.store
        found: dict[int, Belief] = {}
        for one in adopted:
            found |= adopt(transaction, [one])
            store.rows("COMMIT")
            store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
            store.rows("BEGIN IMMEDIATE")
        return found

    Transaction.adopt = alone  # type: ignore[method-assign]
    try:
        yield
    finally:
        Transaction.adopt = adopt  # type: ignore[method-assign]


def ingested(folder: Path, vault: Path) -> tuple[float, float]:
    """Notes into a fresh memory, and the same notes again."""
    reading = read_all(vault)
    bytes_ = sum(path.stat().st_size for path in vault.rglob("*.md"))
    firsts, agains = [], []
    for _ in range(ROUNDS - 2):
        shutil.rmtree(folder / "data")
        shutil.rmtree(folder / "mem")
        memory(folder).init()
        firsts.append(timed(lambda: memory(folder).ingest([str(vault)], "user")))
        agains.append(timed(lambda: memory(folder).ingest([str(vault)], "user")))
    proposed = memory(folder).overview(())[1]["pending"]
    first, again = statistics.median(firsts), statistics.median(agains)
    print(f"reading {FILES:,} notes ({bytes_ / 1e6:.1f} MB) {reading:.0f} ms, ingesting {first:.0f} ms "
          f"({proposed:,} proposals), again {again:.0f} ms")  # fmt: skip
    return first / reading, again / reading
