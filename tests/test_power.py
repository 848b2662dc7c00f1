"""A disk that lost its power holds a memory that goes on; and the model of such a disk keeps what POSIX promises."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.disk import Call, Disk, can_trace, lay_out

STATES = 6
"""For each act: what a test may take of the bench's hundred."""
LOST, KEPT, CHANCE = 0.0, 1.0, random.Random(1)

needs_strace = pytest.mark.skipif(not can_trace(), reason="strace is missing or may not trace here")


@needs_strace
def test_whatever_a_disk_holds_after_a_power_failure_the_memory_goes_on() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "power", str(STATES)],
        capture_output=True, text=True, cwd=Path(__file__).parent.parent, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    total = re.search(r"^(\d+) states, 0 bad; 0 broken variants passed", done.stdout, re.MULTILINE)
    assert total and int(total[1]) >= 6 * STATES, done.stdout


# -- the model --------------------------------------------------------------------------------------


def call(name: str, *paths: Path, number: str = "", text: bytes = b"") -> Call:
    return Call("1", name, tuple(map(str, paths)), "3", text, (number,), failed=False)


@pytest.fixture
def top(tmp_path: Path) -> Path:
    (tmp_path / "top").mkdir()
    (tmp_path / "top" / "old").write_bytes(b"before")
    return tmp_path / "top"


@pytest.fixture
def disk(top: Path) -> Disk:
    return Disk(top)


def make(disk: Disk, path: Path, data: bytes) -> None:
    disk.apply(call("openat", path, number="O_WRONLY|O_CREAT|O_TRUNC"))
    disk.apply(call("write", path, text=data))


def test_what_was_there_stays(disk: Disk) -> None:
    assert disk.left(LOST, CHANCE) == {".": None, "old": b"before"}


def test_a_file_that_is_not_synced_may_be_gone_empty_or_whole(disk: Disk, top: Path) -> None:
    make(disk, top / "new", b"after")
    assert "new" not in disk.left(LOST, CHANCE) and disk.left(KEPT, CHANCE)["new"] == b"after"
    disk.apply(call("fsync", top))
    assert disk.left(LOST, CHANCE)["new"] == b""


def test_a_file_that_is_synced_is_still_lost_with_its_name(disk: Disk, top: Path) -> None:
    make(disk, top / "new", b"after")
    disk.apply(call("fsync", top / "new"))
    assert "new" not in disk.left(LOST, CHANCE)
    disk.apply(call("fsync", top))
    assert disk.left(LOST, CHANCE)["new"] == b"after"


def test_a_file_is_lost_with_the_name_of_its_folder(disk: Disk, top: Path) -> None:
    disk.apply(call("mkdir", top / "a"))
    make(disk, top / "a" / "new", b"after")
    for path in (top / "a" / "new", top / "a"):
        disk.apply(call("fsync", path))
    assert set(disk.left(LOST, CHANCE)) == {".", "old"}


@pytest.mark.parametrize("synced", ["from", "to"])
def test_a_rename_is_whole_or_undone_and_sure_with_either_of_its_folders(disk: Disk, top: Path, synced: str) -> None:
    for folder in ("from", "to"):
        disk.apply(call("mkdir", top / folder))
    make(disk, top / "from" / "new", b"after")
    for path in (top / "from" / "new", top / "from", top):
        disk.apply(call("fsync", path))
    disk.apply(call("rename", top / "from" / "new", top / "to" / "new"))
    assert "to/new" not in disk.left(LOST, CHANCE) and "from/new" not in disk.left(KEPT, CHANCE)
    disk.apply(call("fsync", top / synced))
    assert "to/new" in disk.left(LOST, CHANCE) and "from/new" not in disk.left(LOST, CHANCE)


def test_an_exchange_swaps_two_files(disk: Disk, top: Path) -> None:
    make(disk, top / "new", b"after")
    disk.apply(call("renameat2", top / "new", top / "old", number="RENAME_EXCHANGE"))
    assert disk.left(KEPT, CHANCE) == {".": None, "old": b"after", "new": b"before"}


def test_data_is_torn_at_the_sector(disk: Disk, top: Path) -> None:
    disk.apply(call("pwrite64", top / "old", number="0", text=b"x" * 5120))
    found = {disk.left(0.5, CHANCE)["old"] for _ in range(50)}
    assert len(found) > 10 and all(isinstance(data, bytes) and len(data) % 512 in (0, 6) for data in found)


def test_a_disk_that_lies_forgets_what_it_was_told_to_sync(top: Path) -> None:
    disk = Disk(top, honest=False)
    make(disk, top / "new", b"after")
    disk.apply(call("fsync", top / "new"))
    disk.apply(call("fsync", top))
    assert disk.left(LOST, CHANCE) == {".": None, "old": b"before"}


def test_what_was_left_is_laid_out(top: Path) -> None:
    lay_out({".": None, "b": None, "b/c": b"x"}, top)
    assert [str(path.relative_to(top)) for path in sorted(top.rglob("*"))] == ["b", "b/c"]
