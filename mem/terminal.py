"""This terminal: whether a person looks on, how wide it is, and what its last list was.

The last list makes `mem show 2` mean its second hit. It is kept per terminal, beside the lock, and is no
part of the memory: whatever goes wrong with it is no reason to fail.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from mem.config import Home
from mem.record import NamedTuple

KEPT_DAYS = 7
"""How long the list of a terminal that nobody uses any more lies around."""
_NARROWEST, _USUAL = 20, 80


class Listed(NamedTuple):
    """The last list of this terminal."""

    query: str
    """What was looked for; empty for a list without a query."""
    ids: list[str]
    """By number, from 1."""


def is_seen() -> bool:
    """True if a person reads standard output on a terminal that can do more than print lines."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def size() -> tuple[int, int]:
    """Columns and lines of the terminal; COLUMNS and LINES win, as for other tools."""
    columns, lines = (
        int(os.environ[name]) if os.environ.get(name, "").isdecimal() else 0 for name in ("COLUMNS", "LINES")
    )
    if not columns or not lines:
        with suppress(OSError, ValueError, AttributeError):
            found = os.get_terminal_size(sys.__stdout__.fileno())  # type: ignore[union-attr]
            columns, lines = columns or found.columns, lines or found.lines
    return max(columns or _USUAL, _NARROWEST), max(lines or 24, 2)


@contextmanager
def lent() -> Iterator[None]:
    """Another program has the terminal: Ctrl-C is for it, and ends neither this process nor the wait for it."""
    import signal

    previous = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def was_interrupted(status: int) -> bool:
    """True for the exit status of a program that Ctrl-C ended."""
    return status in (-2, 130)


def keep_list(home: Home, query: str, ids: Sequence[str]) -> None:
    """Note what this terminal was shown; nothing where it was not shown, or before there is a memory."""
    path = _list_path(home) if sys.stdout.isatty() else None
    if path is None or not os.path.isdir(home.local):
        return
    with suppress(OSError):
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(path, "w", encoding="utf-8", errors="replace") as file:
            file.write("\n".join([" ".join(query.split()), *ids]))


def last_list(home: Home) -> Listed | None:
    """What this terminal was shown last, or None."""
    path = _list_path(home)
    try:
        with open(path or os.devnull, encoding="utf-8") as file:
            query, *ids = file.read().split("\n")
    except (OSError, ValueError):
        return None
    return Listed(query, ids) if ids else None


def drop_lists(home: Home, before: float, id: str | None = None) -> None:
    """Remove the lists that are older than a time (seconds since 1970), or that hold an id."""
    folder = os.path.join(home.local, "lists")
    with suppress(OSError):
        for entry in os.scandir(folder):
            with suppress(OSError, ValueError):
                if entry.stat().st_mtime < before or (id is not None and _holds(entry.path, id)):
                    os.unlink(entry.path)


def _holds(path: str, id: str) -> bool:
    with open(path, encoding="utf-8") as file:
        return id in file.read().split("\n")


def _list_path(home: Home) -> str | None:
    for descriptor in (1, 2, 0):
        with suppress(OSError, AttributeError):
            name = os.ttyname(descriptor).replace("/", "_")
            return os.path.join(home.local, "lists", f"{name}.{os.getsid(0)}")  # a pty is used again by others
    return None
