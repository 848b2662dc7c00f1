"""Questions that share no word with their answer, and questions that have none: `tests/recall`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from mem import recall as recalling
from mem import scope as scopes
from mem.belief import Belief, from_record
from tests.bench.ranking import Collection, Meaning

FOLDER = Path(__file__).parent.parent / "recall"
PARTS = ("dev", "held out")
SETS = ("meaning", "answerable", "unanswerable")
WAYS: dict[str, Callable[[Collection, str], list[str]]] = {
    "words": lambda store, text: store.ranked(text, hybrid=False),
    "embedding alone": lambda store, text: store.by_embedding(text),
    "hybrid": lambda store, text: store.ranked(text, hybrid=True),
}
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


class Question(NamedTuple):
    """One question of a set."""

    text: str
    scopes: tuple[str, ...]
    """Open scopes."""
    expect: str | None
    """Id of the belief that answers it; None when none does."""
    part: str
    """`dev` may be looked at when weights are chosen, others may not."""


def run(path: str) -> int:
    """Print recall of questions that share no word, and how often answers are given where none is and kept back.

    `path` is a folder with sets of the same form; without one, those of `tests/recall`.
    """
    stores = Stores(Path(path) if path else FOLDER)
    parts = list(dict.fromkeys(question.part for question in stores.questions["meaning"]))
    found = {part: figures(stores, part) for part in parts}
    for part in parts:
        sizes = ", ".join(f"{len(stores.asked(name, part))} {name}" for name in SETS)
        print(f"{part}: {sizes}")
    print(f"\n{'percent of questions':<40}" + "".join(f"{part:>12}" for part in parts))
    for name in found[parts[0]]:
        print(f"{name:<40}" + "".join(f"{found[part][name]:12.1f}" for part in parts))
    return 0


def figures(stores: Stores, part: str) -> dict[str, float]:
    """Recall of the questions that share no word with their answer, then false and lost answers; in percent."""
    result = {}
    asked = stores.asked("meaning", part)
    for title, way in WAYS.items():
        found = [way(stores.visible(question), question.text) for question in asked]
        for k in (1, 5, 10):
            hits = [question.expect in ids[:k] for question, ids in zip(asked, found, strict=True)]
            result[f"{title} @{k}"] = 100 * sum(hits) / len(hits)
    for suffix, hybrid in ((" by words alone", False), ("", True)):
        told = {name: stores.answered(stores.asked(name, part), hybrid=hybrid) for name in SETS}
        result["false answers" + suffix] = told["unanswerable"]
        result["lost answers" + suffix] = 100 - told["answerable"]
        result["kept back though meant" + suffix] = 100 - told["meaning"]
    return result


class Stores:
    """The visible beliefs of each session that asks."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._meaning, self._beliefs = Meaning(), beliefs(folder)
        self._known: dict[tuple[str, ...], Collection] = {}
        self.questions = {name: questions(name, folder) for name in SETS}

    def asked(self, name: str, part: str) -> list[Question]:
        return [question for question in self.questions[name] if question.part == part]

    def visible(self, question: Question) -> Collection:
        if question.scopes not in self._known:
            seen = scopes.visible([scopes.parse(scope) for scope in question.scopes])
            visible = [belief for belief in self._beliefs.values() if scopes.parse(belief.scope) in seen]
            self._known[question.scopes] = Collection(visible, self._meaning)
        return self._known[question.scopes]

    def answered(self, asked: list[Question], *, hybrid: bool) -> float:
        """Percent of questions that are not abstained on."""
        told = [
            recalling.answered(self.visible(question).matches(question.text, hybrid=hybrid).values())
            for question in asked
        ]
        return 100 * sum(told) / len(told)


def beliefs(folder: Path = FOLDER) -> dict[str, Belief]:
    """The store that all sets ask, by id."""
    records = _lines("beliefs", folder)
    return {record["id"]: from_record(record, id="", now=NOW, source="user") for record in records}


def questions(name: str, folder: Path = FOLDER) -> list[Question]:
    """One of `meaning`, `answerable` and `unanswerable`."""
    return [
        Question(line["question"], tuple(line["scopes"]), line.get("expect"), line["part"])
        for line in _lines(name, folder)
    ]


def _lines(name: str, folder: Path = FOLDER) -> list[dict[str, Any]]:
    with open(folder / f"{name}.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]
