"""Receipts: what was injected, when and why; appended by readers, folded into the store by the next writer.

A reader never writes the database, so it appends one line to a file beside it. The prompt is kept as a keyed
hash; its text only if the user set `receipts.prompts`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from mem.belief import parse_time, time_text
from mem.store import Receipt, Store, Used

_END = "."
"""What the last field holds, so that a line which was cut short can be told."""
_FIELD, _ENTRY, _REASON = "\x1f", "\x1e", "\x1d"
"""What divides a line; control characters that no belief may hold and a prompt loses here."""


def path_of(store: Store) -> str:
    """The file to which readers of a store append."""
    return os.path.join(os.path.dirname(store.path), "receipts.log")


def append(store: Store, receipt: Receipt) -> None:
    """Leave a receipt; where nothing can be written (a read-only disk) there is none."""
    with suppress(OSError), _open(path_of(store), os.O_WRONLY | os.O_APPEND | os.O_CREAT, shared=True) as file:
        # It begins with a line end, too: what a crash cut short must not take this one along.
        os.write(file, f"\n{_line(receipt)}\n".encode("utf-8", "replace"))


def fold(store: Store, now: datetime, days: int) -> None:
    """Move the receipts of readers into the store, and drop those older than `days`. The lock must be held."""
    with suppress(FileNotFoundError), _open(path_of(store), os.O_RDWR, shared=False) as file:
        store.add_receipts(_read(file), time_text(now - timedelta(days=days)))
        os.ftruncate(file, 0)


def waiting(store: Store) -> list[Receipt]:
    """Receipts that no writer has folded yet, oldest first."""
    with suppress(FileNotFoundError), _open(path_of(store), os.O_RDONLY, shared=True) as file:
        return list(_read(file))
    return []


def hashed(store: Store, prompt: str) -> str:
    """What identifies a prompt to who holds the store, and tells nobody else anything."""
    try:
        from _blake2 import blake2b  # what hashlib gives too, after 2.5 ms of loading OpenSSL
    except ImportError:
        from hashlib import blake2b
    key = (os.environ.get("MEM_SEED") or store.meta("receipt_key") or "").encode()[:64]
    return str(blake2b(prompt.encode("utf-8", "replace"), digest_size=8, key=key).hexdigest())


@contextmanager
def _open(path: str, flags: int, *, shared: bool) -> Iterator[int]:
    """The file, under a lock of its own: folding must not cut off a line that is being appended."""
    import fcntl

    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _line(receipt: Receipt) -> str:
    used = _ENTRY.join(_REASON.join((one.belief, one.section, *one.because)) for one in receipt.used)
    text = receipt.text
    fields = (
        receipt.key, time_text(receipt.at), receipt.command, receipt.agent or "", ",".join(receipt.scopes),
        receipt.prompt, "" if text is None else f"={_plain(text)}", used, _END,
    )  # fmt: skip
    return _FIELD.join(fields)


def _plain(text: str) -> str:
    return "".join(" " if character < " " and character != "\t" else character for character in text)


def _read(file: int) -> Iterator[Receipt]:
    with os.fdopen(os.dup(file), "rb") as stream:
        for line in stream.read().decode("utf-8", "replace").split("\n"):
            with suppress(ValueError):  # a line that a crash cut short is no receipt
                yield _receipt(line)


def _receipt(line: str) -> Receipt:
    """The receipt in a line.

    Raises: ValueError if it is not a whole one.
    """
    key, at, command, agent, scopes, prompt, text, used, end = line.split(_FIELD)
    if end != _END:
        raise ValueError(line)
    handed_out = []
    for entry in used.split(_ENTRY):
        id_, section, *why = entry.split(_REASON)
        handed_out.append(Used(id_, section, tuple(why)))
    return Receipt(
        key, parse_time(at), command, agent or None, tuple(scopes.split(",")), prompt,
        text[1:] if text else None, tuple(handed_out),
    )  # fmt: skip
