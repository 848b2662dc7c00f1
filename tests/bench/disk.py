"""What a program does to a disk, recorded by strace; and a model of what a disk holds after the power failed.

The model knows what POSIX promises and nothing kinder. The data of a file is kept once the file is synced, its name
once its folder is. What is not synced may be kept or lost: names in the order in which a folder got them, data by
the sector, in any order.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.bench.crash import Place
from tests.conftest import environment

SECTOR = 512
"""Bytes; what a disk writes whole or not at all."""
MAKING = "openat creat mkdir mkdirat".split()
FILLING = "write pwrite64 ftruncate truncate".split()
SYNCING = "fsync fdatasync".split()
NAMING = "rename renameat renameat2 link linkat unlink unlinkat rmdir".split()
CHANGING = (*MAKING, *FILLING, *SYNCING, *NAMING)
UNKNOWN = "writev pwritev pwritev2 fallocate copy_file_range sendfile symlink symlinkat sync_file_range".split()
"""What the model would have to learn before a recording that holds one of them may be replayed."""
PASSED_OVER = re.compile(r"-shm$|/\.git(/|$)")
"""SQLite makes its shared memory anew after a crash, and git keeps its own files."""


# -- recording --------------------------------------------------------------------------------------


class Call(NamedTuple):
    """One system call as strace tells it."""

    process: str
    name: str
    paths: tuple[str, ...]
    """Absolute ones, of its arguments that name or hold open a file."""
    descriptor: str
    """The first argument, if that is one, or what the call opened."""
    text: bytes
    """The last of its arguments that is text."""
    numbers: tuple[str, ...]
    """What else it was given."""
    failed: bool

    def given(self, flag: str) -> bool:
        """True if a flag is among the arguments."""
        return any(flag in number.split("|") for number in self.numbers)

    @property
    def makes(self) -> bool:
        """True if it may bring about a file that is not there, or empty one that is."""
        return self.name in MAKING and (self.name != "openat" or self.given("O_CREAT") or self.given("O_TRUNC"))


def can_trace() -> bool:
    """True if strace is here and may trace."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False).returncode == 0


def traced(here: Place, options: Sequence[str]) -> int:
    """Run the act of a place under strace; its exit status, or the negative of the signal that it died of.

    Never with --seccomp-bpf, under which nothing is injected.
    """
    program = [sys.executable, "-c", "from mem.__main__ import main; main()", *here.act.line]
    with open(here.top / "out", "wb") as out, open(here.top / "err", "wb") as err:
        return subprocess.run(
            ["strace", "-qq", *options, *program],
            env=environment(here.top) | {"PYTHONDONTWRITEBYTECODE": "1"},  # the same calls each time
            cwd=here.top, stdin=subprocess.DEVNULL, stdout=out, stderr=err, check=False,
        ).returncode  # fmt: skip


def recorded(here: Place, options: Sequence[str] = ()) -> Iterator[Call]:
    """The calls that an act makes to change files, those of all processes if the options say so."""
    here.reset()
    trace = here.top / "trace"
    names = ",".join([*CHANGING, *UNKNOWN, "lseek"])
    status = traced(here, ["-y", "-xx", "-s", "9999999", "-e", f"trace={names}", "-o", str(trace), *options])
    assert status == 0, here.said
    with open(trace, encoding="ascii") as lines:
        for line in lines:
            found = re.fullmatch(r"(?:(\d+) +)?(\w+)\((.*)\) += (-?\d+)(.*)\n", line)
            if found:
                yield _call(here, found[1] or "", found[2], found[3].split(", "), found[4], found[5])


def _call(here: Place, process: str, name: str, arguments: Sequence[str], result: str, more: str) -> Call:
    paths, numbers, text, folder = [], [], b"", str(here.top)
    for argument in arguments:
        held = re.match(r"(?:\d+|AT_FDCWD)<((?:\\x..)*)>", argument)
        if held:
            folder = os.fsdecode(_bytes(held[1]))
            paths += [folder] if argument[0] != "A" and name not in (*MAKING, *NAMING) else []
        elif argument.startswith('"'):
            text = _bytes(argument.strip('"'))
            paths += (
                [os.path.normpath(os.path.join(folder, os.fsdecode(text)))] if name not in ("write", "pwrite64") else []
            )
        else:
            numbers.append(argument)
    opened = f"{result}{more}" if name in ("openat", "creat") else arguments[0]
    return Call(process, name, tuple(paths), opened.partition("<")[0], text, tuple(numbers), result.startswith("-"))


def _bytes(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


def changes_of(here: Place) -> list[tuple[str, int]]:
    """The calls by which an act changes its home, as `when=` of strace counts them: name, and its how many-th."""
    turns: Counter[str] = Counter()
    found = []
    for call in recorded(here):
        turns[call.name] += 1
        if call.paths and call.paths[-1].startswith(str(here.home)) and (call.makes or call.name not in MAKING):
            found.append((call.name, turns[call.name]))
    return [one for one in found if one[0] != "lseek"]


# -- the model --------------------------------------------------------------------------------------


class File:
    """What a file holds, and what of it is on the disk for good."""

    def __init__(self, data: bytes = b"") -> None:
        self.durable = data
        self.size = len(data)
        self._pending: list[tuple[int, bytes | None]] = []
        """Offset and data; None cuts the file, or stretches it, to that length."""

    def write(self, offset: int, data: bytes) -> None:
        """Put data into it."""
        self._pending.append((offset, data))
        self.size = max(self.size, offset + len(data))

    def cut(self, size: int) -> None:
        """Give it another length."""
        self._pending.append((size, None))
        self.size = size

    def sync(self) -> None:
        """Have all of it on the disk."""
        self.durable = self.left(1.0, random.Random(0))
        self._pending.clear()

    def left(self, share: float, chance: random.Random) -> bytes:
        """What it holds if this share of what is pending got to the disk."""
        data = bytearray(self.durable)
        for offset, written in self._pending:
            if written is None:
                if chance.random() < share:
                    data[offset:] = b"\0" * max(0, offset - len(data))
                continue
            for start in range(0, len(written), SECTOR):
                if chance.random() < share:
                    part, at = written[start : start + SECTOR], offset + start
                    data += b"\0" * (at + len(part) - len(data))
                    data[at : at + len(part)] = part
        return bytes(data)


class Named(NamedTuple):
    """One change of names."""

    names: Mapping[str, File | None]
    """Path to what it is from now on, all at once; None is nothing."""

    @property
    def folders(self) -> set[str]:
        """Those whose names change: once one of them is synced, all of the change is on the disk, for it is atomic."""
        return {os.path.dirname(path) for path in self.names}


Left = dict[str, bytes | None]
"""What a disk holds: path below the top to data; None is a folder."""
FOLDER = File()


class Disk:
    """A folder on a disk that may lose its power; `honest` is False if it forgets what it was told to sync."""

    def __init__(self, top: Path, *, honest: bool = True) -> None:
        self._top = str(top)
        self._printed = str(top.parent / "out")
        self._honest = honest
        self._begun: dict[str, File] = {str(top): FOLDER}
        for path in top.rglob("*"):
            if not PASSED_OVER.search(str(path)):
                self._begun[str(path)] = FOLDER if path.is_dir() else File(path.read_bytes())
        self._now = dict(self._begun)
        self._changes: list[Named] = []
        self._synced: dict[str, int] = {}
        """Folder to how many of the changes it is sure of."""
        self._offsets: dict[tuple[str, str], int | None] = {}
        """Process and descriptor to where it writes next; None is the end of the file."""
        self.acknowledged = False
        """True once something was printed."""

    def apply(self, call: Call) -> bool:
        """Do what a call did; returns whether that can matter to what is left."""
        if call.name == "write" and call.paths == (self._printed,):
            self.acknowledged = True
            return True
        ours = [path for path in call.paths if path.startswith(self._top) and not PASSED_OVER.search(path)]
        if call.failed or not ours:
            return False
        assert call.name not in UNKNOWN, f"{call.name} is not modelled"
        if call.name in NAMING or call.name in MAKING:
            self._name(call, ours)
        elif call.name in SYNCING:
            self._sync(ours[0])
        elif ours[0] in self._now:  # what has no name any more is of no interest
            self._fill(call, self._now[ours[0]])
        return call.name != "lseek"

    def _name(self, call: Call, paths: Sequence[str]) -> None:
        first, last = paths[0], paths[-1]
        there = self._now.get(first)
        if call.name in ("openat", "creat"):
            self._offsets[call.process, call.descriptor] = None if call.given("O_APPEND") else 0
            if there is None and call.makes:
                self._change({first: File()})
            elif call.name == "creat" or call.given("O_TRUNC"):
                there.cut(0)
        elif call.name.startswith("mkdir"):
            self._change({first: FOLDER})
        elif call.name.startswith("link"):
            self._change({last: there})
        elif call.name.startswith("rename"):
            back = self._now[last] if call.given("RENAME_EXCHANGE") else None
            assert there is not FOLDER, "a folder that is renamed is not modelled"
            self._change({first: back, last: there})
        else:
            self._change({first: None})

    def _change(self, names: Mapping[str, File | None]) -> None:
        self._changes.append(Named(names))
        _rename(self._now, names)

    def _sync(self, path: str) -> None:
        if not self._honest:
            return
        if self._now[path] is FOLDER:
            self._synced[path] = len(self._changes)
        else:
            self._now[path].sync()

    def _fill(self, call: Call, file: File) -> None:
        key, last = (call.process, call.descriptor), call.numbers[-1]
        if call.name == "lseek":
            assert last in ("SEEK_SET", "SEEK_CUR", "SEEK_END"), last
            steps = {"SEEK_SET": 0, "SEEK_CUR": self._offsets.get(key) or 0, "SEEK_END": file.size}
            self._offsets[key] = steps[last] + int(call.numbers[0])
        elif call.name == "pwrite64":
            file.write(int(last), call.text)
        elif call.name == "write":
            offset = self._offsets.get(key)
            file.write(file.size if offset is None else offset, call.text)
            self._offsets[key] = None if offset is None else offset + len(call.text)
        else:
            file.cut(int(last))

    def left(self, share: float, chance: random.Random) -> Left:
        """What is there after the power failed, if this share of what was not synced got to the disk."""
        names, sure = dict(self._begun), dict(self._synced)
        for folder in sorted(set().union(*(change.folders for change in self._changes))):
            pending = len(self._changes) - sure.get(folder, 0)
            kept = pending if share == 1 else 0 if share == 0 else chance.randint(0, pending)
            sure[folder] = sure.get(folder, 0) + kept
        for at, change in enumerate(self._changes):
            if any(at < sure[folder] for folder in change.folders):
                _rename(names, change.names)
        return {
            os.path.relpath(path, self._top): None if file is FOLDER else file.left(share, chance)
            for path, file in sorted(names.items())
            if all(str(parent) in names for parent in Path(path).parents if str(parent).startswith(self._top))
        }


def _rename(names: dict[str, File], changed: Mapping[str, File | None]) -> None:
    for path, file in changed.items():
        if file is None:
            names.pop(path, None)
        else:
            names[path] = file


def lay_out(left: Left, top: Path) -> None:
    """Make a folder hold what was left, and nothing else."""
    shutil.rmtree(top)
    for path, data in left.items():
        if data is None:
            (top / path).mkdir(exist_ok=True)
        else:
            (top / path).write_bytes(data)
