"""A first index of 1,000 pages, and 1,000 notes ingested, as ratios to reading the same files.

Reading is done as everybody does it: each file is opened, read and decoded, from a warm cache. Broken variant: an
index that makes each page durable by itself.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mem.config import Home
from mem.memory import Memory
from mem.store import Store, Transaction
from tests.bench.speed import vocabulary

FILES = 1_000
ROUNDS = 5
LIMIT = 20.0
"""Of the issue: a first index takes at most so many times as long as reading the same files."""
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


def run(_: str) -> int:
    """Print the ratios; exit status 1 if the limit is not met, or if the broken variant meets it."""
    with tempfile.TemporaryDirectory(prefix="mem-bench-") as folder:
        os.environ |= {"HOME": folder, "XDG_DATA_HOME": f"{folder}/data", "XDG_CONFIG_HOME": f"{folder}/config"}
        filled(Path(folder))
        vault = notes(Path(folder) / "vault")
        index, broken = first_index(Path(folder))
        first, again = ingested(Path(folder), vault)
    print(f"first index {index:.1f} x (limit {LIMIT:.0f}); broken variant {broken:.1f} x")
    print(f"{FILES:,} notes: ingested {first:.1f} x, and again, unchanged, {again:.1f} x")
    return int(index > LIMIT or broken <= LIMIT)


def memory(folder: Path) -> Memory:
    return Memory(Home(str(folder / "mem")), clock=lambda: NOW, warn=lambda message: None)


def filled(folder: Path) -> None:
    """A memory folder with the pages of 1,000 beliefs, of the words and lengths that the other benchmarks have."""
    from tests.bench.speed import beliefs

    records, _ = beliefs(random.Random(7), ["user", "project:a", "project:b"])
    rows = enumerate(records[:FILES], 1)
    done = memory(folder).import_records(
        "made", rows, approve=True, strict=True, dry_run=False, progress=lambda done: None
    )
    assert done.added == FILES


def notes(vault: Path) -> Path:
    """1,000 notes of about 1,500 characters: prose, tasks, code, links, and three statements in each."""
    chance = random.Random(11)
    words = vocabulary(4_000, chance)

    def sentence(least: int = 6, most: int = 16) -> str:
        return " ".join(chance.choices(words, k=chance.randint(least, most))).capitalize() + "."

    vault.mkdir()
    for n in range(FILES):
        parts = [f"---\ntags: [{chance.choice(words)}]\naliases: [{words[n]}]\n---\n# {words[n].title()} {n}\n"]
        for _ in range(3):
            kind, item = chance.choice((("Decisions", "{}"), ("Rules", "{}"), ("Log", "Never {}")))
            parts += [f"\n## {kind}\n", *(sentence() + " " for _ in range(6)), "\n\n- " + item.format(sentence(4, 9))]
            parts += [f"\n- [ ] {sentence()}", f"\n- [[{chance.choice(words)}]]", f"\n\n```\n{sentence()}\n```\n"]
        (vault / f"area{n % 20}").mkdir(exist_ok=True)
        (vault / f"area{n % 20}" / f"{words[n]}-{n}.md").write_text("".join(parts))
    return vault


def timed(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - begun)


def read_all(folder: Path) -> float:
    """Milliseconds to read every file of a folder; the fastest of several times, which is what a disk can do."""
    paths = [path for path in sorted(folder.rglob("*.md")) if ".git" not in path.parts]
    assert len(paths) == FILES
    return min(timed(lambda: [path.read_text() for path in paths]) for _ in range(ROUNDS))


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
    print(f"reading {FILES:,} pages {reading:.0f} ms, first index {whole:.0f} ms, page by page {broken:.0f} ms")
    return whole / reading, broken / reading


@contextmanager
def page_by_page() -> Iterator[None]:
    """The broken variant: each page is committed, and forced to the disk, before the next one."""
    adopt = Transaction.adopt

    def alone(transaction: Transaction, *values: Any) -> None:
        adopt(transaction, *values)
        store: Store = transaction.store
        store.rows("COMMIT")
        store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        store.rows("BEGIN IMMEDIATE")

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
