"""Questions that share no word with their answer, and questions that have none: `tests/recall`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from mem.belief import Belief, from_record

FOLDER = Path(__file__).parent.parent / "recall"
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


class Question(NamedTuple):
    """One question of a set."""

    text: str
    scopes: tuple[str, ...]
    """Open scopes."""
    expect: str | None
    """Id of the belief that answers it; None when none does."""
    part: str
    """`dev` may be looked at when weights are chosen, `held out` may not."""


def beliefs() -> dict[str, Belief]:
    """The store that all sets ask, by id."""
    return {record["id"]: from_record(record, id="", now=NOW, source="user") for record in _lines("beliefs")}


def questions(name: str) -> list[Question]:
    """One of `meaning`, `answerable` and `unanswerable`."""
    return [
        Question(line["question"], tuple(line["scopes"]), line.get("expect"), line["part"]) for line in _lines(name)
    ]


def _lines(name: str) -> list[dict[str, Any]]:
    with open(FOLDER / f"{name}.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]
