"""The corpus as one long run of tokens, and the pairs of stretches of it that belong together.

A *unit* is a sentence, a heading, a turn or one side of a pair; a *stretch* is a run of units. Everything that
training looks at is tokens between two bounds, so the text itself is read once and never kept.
"""

from __future__ import annotations

import json
import lzma
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mem.model.train.knowledge import Pair

Encode = Callable[[list[str]], list[list[int]]]
Stretch = tuple[int, int]
"""Units from the first up to, not including, the second."""

GROUPS = {
    "wn-def": "definition",
    "wn-ex": "example",
    "wn-hyp": "kind",
    "wn-syn": "synonym",
    "tldr": "tool",
    "tldr2": "use",
    "awesome": "tool",
    "cncf": "tool",
    "explore": "tool",
    "awesome-cat": "category",
    "medquad": "answer",
    "chatterbot": "answer",
    "clinc": "intent",
    "banking": "intent",
    "openstax-glossary": "definition",
}
"""Kinds of pair that are alike enough to be each other's negatives; a kind not listed is its own group."""

SHORTEST = 3
"""Words of a sentence; shorter ones are joined to the one before."""
SPOKEN = 4
"""How often dialogue and pairs are counted where the vocabulary is chosen."""
LONGEST = 400
"""Words of a paragraph that are read; the rest is tables and listings."""


class Tokens(NamedTuple):
    """The corpus after reading."""

    stream: NDArray[np.uint16]
    """Token numbers; 0 stands between documents."""
    bounds: NDArray[np.int64]
    """Where each unit begins in the stream, and where the last one ends."""
    pairs: dict[str, NDArray[np.int32]]
    """Shapes: (n, 5) each, by group: first and end unit of one side, first and end unit of the other, family or -1."""


class _Reading:
    """What is collected while the corpus is read."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._waiting: list[str] = []
        self._parts: list[NDArray[np.uint16]] = []
        self._lengths: list[int] = []
        self.units = 0
        self.pairs: dict[str, list[tuple[int, int, int, int, int]]] = defaultdict(list)

    def add(self, units: list[str]) -> Stretch:
        """Take texts as units; an empty one stands between documents."""
        first = self.units
        self.units += len(units)
        self._waiting += units
        if len(self._waiting) >= 20_000:
            self.flush()
        return first, self.units

    def link(self, group: str, a: Stretch, b: Stretch, family: int = -1) -> None:
        self.pairs[group].append((*a, *b, family))

    def flush(self) -> None:
        """Turn the waiting texts into tokens."""
        found = [ids or [0] for ids in self._encode(self._waiting)]
        self._parts.append(np.fromiter((n for ids in found for n in ids), dtype=np.uint16))
        self._lengths += map(len, found)
        self._waiting = []

    def tokens(self) -> Tokens:
        self.flush()
        bounds = np.zeros(len(self._lengths) + 1, dtype=np.int64)
        np.cumsum(self._lengths, out=bounds[1:])
        pairs = {group: np.array(rows, dtype=np.int32) for group, rows in sorted(self.pairs.items())}
        return Tokens(np.concatenate(self._parts), bounds, pairs)


def read(folder: Path, encode: Encode, own: Iterable[Pair]) -> Tokens:
    """Read every file of the corpus, and pairs of our own."""
    reading = _Reading(encode)
    for record in records(folder):
        if "paragraphs" in record:
            _read_prose(reading, record)
        elif "turns" in record:
            _read_dialogue(reading, record["turns"])
        else:
            _read_pair(reading, GROUPS.get(record["kind"], record["kind"]), record["a"], record["b"])
        reading.add([""])
    for pair in own:
        reading.link(pair.group, reading.add([pair.a]), reading.add([pair.b]), pair.family)
        reading.add([""])
    return reading.tokens()


def records(folder: Path) -> Iterator[dict[str, Any]]:
    """The records of every `*.jsonl` and `*.jsonl.xz` of a folder, in the order of their names.

    Raises: SystemExit if there is none.
    """
    paths = sorted([*folder.glob("*.jsonl"), *folder.glob("*.jsonl.xz")])
    if not paths:
        raise SystemExit(f"{folder} holds no *.jsonl or *.jsonl.xz: there is nothing to learn from")
    for path in paths:
        with (lzma.open if path.suffix == ".xz" else open)(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


def texts(folder: Path) -> Iterator[str]:
    """Every text of the corpus, for counting words; what is not prose several times, as prose is most of it."""
    for record in records(folder):
        if "paragraphs" in record:
            yield record["heading"] or ""
            yield from record["paragraphs"]
        else:
            for _ in range(SPOKEN):
                yield from record.get("turns") or (record["a"], record["b"])


def sentences(paragraph: str) -> list[str]:
    """The sentences of a paragraph, short ones joined to the one before."""
    found: list[str] = []
    for part in re.split(r"(?<=[.!?;:])\s+", " ".join(paragraph.split()[:LONGEST])):
        if found and (part.count(" ") + 1 < SHORTEST or found[-1].count(" ") + 1 < SHORTEST):
            found[-1] += " " + part
        else:
            found.append(part)
    return found


def _read_prose(reading: _Reading, record: dict[str, Any]) -> None:
    heading = reading.add([record["heading"]]) if record.get("heading") else None
    for at, paragraph in enumerate(record["paragraphs"]):
        first, end = reading.add(sentences(paragraph))
        if heading is not None and at < 2:
            reading.link("heading", heading, (first, end))
        if end - first > 2:  # one sentence against all the others
            reading.link("paragraph", (first, first + 1), (first + 1, end))
        for unit in range(first, end - 1):
            reading.link("sentence", (unit, unit + 1), (unit + 1, unit + 2))


def _read_dialogue(reading: _Reading, turns: list[str]) -> None:
    first, end = reading.add(turns)
    for unit in range(first, end - 1):
        asked = turns[unit - first].rstrip().endswith("?")
        reading.link("reply" if asked else "turn", (unit, unit + 1), (unit + 1, unit + 2))


def _read_pair(reading: _Reading, group: str, a: str, b: str) -> None:
    left, right = reading.add([a]), reading.add([b])
    reading.link(group, left, right)
    if group == "kind" and ":" in a and ":" in b:  # the words themselves, without what they mean
        reading.link("hypernym", reading.add([a.split(":")[0]]), reading.add([b.split(":")[0]]))
