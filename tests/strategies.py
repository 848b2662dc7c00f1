"""Values for property tests: any belief that the store can hold, words, scopes and stores."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from mem.belief import MAX_NAME, ORIGINS, REVIEWS, STATUSES, TYPES, Alias, Belief, from_record
from mem.config import Home
from mem.errors import UsageMistake
from mem.memory import Imported, Memory
from mem.scope import parse

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where examples put their files: no disk to wait for, or the usual place."""

CONTROLS = "".join(map(chr, [*range(9), 11, 12, *range(14, 32), *range(127, 160)]))
"""What `text.fault` refuses, apart from surrogates."""

CHARACTERS = st.characters(codec="utf-8", exclude_characters=CONTROLS)

# Text that YAML or Markdown gives a meaning, or that file systems and shells do.
ODD_LINES = (
    *("no", "true", "~", "null", "12:30", "0x12", "1e3", "0o7", "2026-11-21", "=", "<<", "---", "...", "- a", "# h"),
    *("a: b", "a:b", "a:", "a #b", "#b", "'a", '"a"', "[a", "a]", "{a", "a}", "a, b", "&a", "*a", "!a", "%a", "@a"),
    *("`a`", "|", ">", "? a", "Why: so", "Why:", "=======", "<<<<<<< HEAD", "a\tb", "a  b", "a\u00a0b", "\\", "\\n"),
    *("é", "数据库", "\U0001f600", "a\ufeff"),
)

LINES = (
    (st.sampled_from(ODD_LINES) | st.text(CHARACTERS, min_size=1, max_size=30))
    .map(str.strip)
    .filter(lambda line: len(line.splitlines()) == 1 and len(line) <= MAX_NAME)
)
"""One line without outer blanks: names, aliases, sources."""

_PIECES = st.sampled_from(
    (*ODD_LINES, "", " ", "  indented", "    code", "\t", "trailing ", "```", "\r", "\u2028", "text")
)
TEXTS = st.one_of(
    st.text(CHARACTERS, min_size=1, max_size=60), st.lists(_PIECES, min_size=1, max_size=8).map("\n".join)
).filter(lambda text: bool(text.strip()))
"""Contents and reasons, with everything that a page could take for its own."""

IDS = st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9._-]{0,12}\Z")
TIMES = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC))


def _is_scope(path: str) -> bool:
    try:
        return str(parse(path)) == path
    except UsageMistake:
        return False


_SEGMENTS = st.text("abz09._+-", min_size=1, max_size=5)
SCOPES = st.just("user") | st.builds(
    lambda kind, segments: f"{kind}:{'/'.join(segments)}",
    st.sampled_from(("project", "domain", "x")),
    st.lists(_SEGMENTS, min_size=1, max_size=3),
).filter(_is_scope)

ROUND = st.integers(1, 9_999_999).map(lambda n: n / 10_000)
"""Numbers with at most four decimals, as people write them; from 0.0001 to 999.9999."""
POSITIVE = ROUND | st.floats(min_value=0, exclude_min=True, allow_nan=False, allow_infinity=False)
ALIASES = st.lists(
    st.builds(
        Alias, LINES, st.sampled_from((1.0, 5.0, 10.0)) | ROUND | st.floats(1e-9, 1000), st.sampled_from(ORIGINS)
    ),
    max_size=4,
    unique_by=lambda entry: entry.text,
).map(tuple)


@st.composite
def beliefs(draw: st.DrawFn) -> Belief:
    """Any belief that `belief.check` lets pass."""
    valid_from, valid_until = sorted(draw(st.tuples(TIMES, TIMES)))
    return Belief(
        id=draw(IDS),
        type=draw(st.sampled_from(TYPES)),
        name=draw(LINES),
        content=draw(TEXTS),
        scope=draw(SCOPES),
        aliases=draw(ALIASES),
        why=draw(st.none() | TEXTS),
        status=draw(st.sampled_from(STATUSES)),
        review=draw(st.sampled_from(REVIEWS)),
        confidence=draw(st.just(0.9) | st.floats(0, 1)),
        pinned=draw(st.booleans()),
        archived=draw(st.booleans()),
        superseded_by=draw(st.none() | IDS),
        participants=tuple(draw(st.lists(IDS, max_size=3))),
        relation=draw(st.none() | LINES),
        valid_from=draw(st.none() | st.just(valid_from)),
        valid_until=draw(st.none() | st.just(valid_until)),
        created=draw(TIMES),
        updated=draw(TIMES),
        confirmed=draw(st.none() | TIMES),
        stability=draw(st.just(60.0) | POSITIVE),
        source=draw(st.just("user") | LINES),
        session=draw(st.none() | LINES),
        at=draw(TIMES),
    )


def belief(**fields: Any) -> Belief:
    """A belief with these keys of a record, and plain values for the others."""
    record = {"id": "b1", "type": "fact", "scope": "user", "name": "n", "content": "c", "aliases": [], **fields}
    return from_record(record, id="b1", now=NOW, source="user")


@contextmanager
def fresh_memory(tick: int = 0) -> Iterator[Memory]:
    """A memory in a new folder, for one example of a property test; every act is `tick` minutes later."""
    minutes = count(step=tick)

    def warn(message: str) -> None:
        if "contradicts" not in message:  # which is what it says, and no fault
            raise AssertionError(message)

    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder, pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_DATA_HOME", os.path.join(folder, "data"))
        home = Home(os.path.join(folder, "mem"))
        os.makedirs(home.local)  # spares each example the repository
        Path(home.format).write_text("format: 1\n")
        yield Memory(home, clock=lambda: NOW + timedelta(minutes=next(minutes)), warn=warn)


def take_in(memory: Memory, *records: Mapping[str, Any], approve: bool = True) -> Imported:
    """Import records as `mem import` would."""
    rows = enumerate(records, 1)
    return memory.import_records("test", rows, approve=approve, strict=False, dry_run=False, progress=lambda n: None)


def pages(memory: Memory) -> dict[str, bytes]:
    """Every page in the tree: path below the memory folder to bytes."""
    top = Path(memory.home.path)
    return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*.md")}
