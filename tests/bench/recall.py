"""Evidence recall on dialogue: which turns of a conversation a question brings up."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from mem.belief import from_record
from mem.config import Home
from mem.inject import estimate
from mem.memory import Memory
from mem.reading import clock
from tests.bench import ranking
from tests.bench.ranking import Collection, Meaning

CUTS = (5, 10, 20)
MEASURES = [(name, hit, k) for name, hit in (("any", any), ("all", all)) for k in CUTS]


class Question(NamedTuple):
    sample: str
    category: int
    text: str
    evidence: tuple[str, ...]


Way = Callable[[Collection, str], list[str]]
WAYS: dict[str, Way] = {
    "rank_bm25 as it comes": lambda turns, question: turns.by_plain_bm25(question),
    "words": lambda turns, question: turns.ranked(question, hybrid=False, neighbours=False),
    "embedding alone": lambda turns, question: turns.by_embedding(question),
    "hybrid": lambda turns, question: turns.ranked(question, hybrid=True, neighbours=False),
    "words, with neighbours": lambda turns, question: turns.ranked(question, hybrid=False),
    "hybrid, with neighbours": lambda turns, question: turns.ranked(question, hybrid=True),
}
BEST = "hybrid, with neighbours"
BASELINES = ("words, with neighbours", "rank_bm25 as it comes")


def run(path: str) -> int:
    """Print any- and all-evidence recall per category for each way of ranking, without abstention, and differences."""
    records, questions = load(path)
    if not questions:
        raise SystemExit(f"{path} holds no questions: nothing was measured")
    contents = {record["id"]: record["content"] for record in records}
    turns = collections(records)
    print(f"{path}: {len(records)} turns, {len(questions)} questions with evidence; percent of questions")
    answers: dict[str, list[tuple[Question, list[str]]]] = {title: [] for title in WAYS}
    for question in questions:
        for title, way in WAYS.items():
            answers[title].append((question, way(turns[question.sample], question.text)[: max(CUTS)]))
    for mode in ("lexical", "hybrid"):
        answers[f"mem recall --mode {mode}"] = as_recalled(records, questions, mode)
    answers["hybrid, answers shuffled (must fail)"] = shuffled(answers[BEST])
    for title, found in answers.items():
        report(title, found, contents)
    for baseline in BASELINES:
        compare(BEST, baseline, answers)
    return 0


def as_recalled(
    records: Sequence[dict[str, Any]], questions: Sequence[Question], mode: str
) -> list[tuple[Question, list[str]]]:
    """What the command itself answers, from its database, without abstention."""
    with tempfile.TemporaryDirectory(prefix="mem-bench-") as folder, pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
            patch.setenv(name, f"{folder}/{name}")
        memory = Memory(Home(f"{folder}/mem"), clock=clock, warn=print)
        lines = enumerate(records, 1)
        memory.import_records("bench", lines, approve=True, strict=True, dry_run=False, progress=lambda count: None)
        found = []
        for question in questions:
            hits = memory.recall(
                question.text, [f"project:{question.sample}"], max(CUTS), mode=mode, abstain=False
            ).hits
            found.append((question, [hit.belief.id for hit in hits]))
        return found


def collections(records: Sequence[dict[str, Any]]) -> dict[str, Collection]:
    """The turns of each sample, as recall would see them with its scope open."""
    meaning, now = Meaning(), datetime(2023, 12, 31, tzinfo=UTC)
    samples: dict[str, list[Any]] = {}
    for record in records:
        belief = from_record(record, id="", now=now, source="import:locomo")
        samples.setdefault(belief.scope.removeprefix("project:"), []).append(belief)
    return {sample: Collection(beliefs, meaning) for sample, beliefs in samples.items()}


def load(path: str) -> tuple[list[dict[str, Any]], list[Question]]:
    """The turns as event records, and the questions that have evidence among them."""
    records, questions = [], []
    with open(path, encoding="utf-8") as file:
        samples = [json.loads(line) for line in file]
    for sample in samples:
        name = sample["sample"]
        for turn in sample["turns"]:
            image = f" [image: {turn['image']}]" if turn["image"] else ""
            session = f"{name}/{turn['session']}"
            record = {
                "id": turn_id(name, turn["turn"]),
                "type": "event",
                "content": f"{turn['speaker']}: {turn['text']}{image}",
                "scope": f"project:{name}",
                "created": when(turn["when"]),
                "provenance": {"source": "import:locomo", "session": session},
            }
            records.append(record)
        known = {turn["turn"] for turn in sample["turns"]}
        for question in sample["questions"]:
            named = re.findall(r"D\d+:\d+", " ".join(question["evidence"]))  # some hold two in one text
            evidence = tuple(turn_id(name, turn) for turn in named if turn in known)
            if evidence:
                questions.append(Question(name, question["category"], question["question"], evidence))
    return records, questions


def turn_id(sample: str, turn: str) -> str:
    return f"{sample}.{turn.replace(':', '.')}"


def when(moment: str) -> str:
    """`1:56 pm on 8 May, 2023` as records write it."""
    parsed = datetime.strptime(re.sub(r"\s+", " ", moment), "%I:%M %p on %d %B, %Y")
    return parsed.strftime("%Y-%m-%dT%H:%M:00Z")


Answers = Sequence[tuple[Question, list[str]]]


def shuffled(answers: Answers) -> list[tuple[Question, list[str]]]:
    """The broken variant: the answer to the question before it."""
    before = [[], *(found for _, found in answers)]
    return [(question, found) for (question, _), found in zip(answers, before, strict=False)]


def compare(one: str, other: str, answers: Mapping[str, Answers]) -> None:
    """Print how much better one way is than another, question by question, with a bootstrapped 95 % interval."""
    print(f"\n{one}, less {other}: points, and the middle 95 % of 10,000 draws of the questions")
    for name, hit, k in MEASURES:
        pairs = zip(answers[one], answers[other], strict=True)
        differences = [100.0 * (found_by(hit, k, *a) - found_by(hit, k, *b)) for a, b in pairs]
        low, high = ranking.interval(differences)
        print(f"{name:>4}@{k:<3} {sum(differences) / len(differences):+6.1f}  [{low:+.1f}, {high:+.1f}]")


def found_by(hit: Callable[[Any], bool], k: int, question: Question, found: Sequence[str]) -> bool:
    return hit(e in found[:k] for e in question.evidence)


def report(title: str, answers: Answers, contents: dict[str, str]) -> None:
    """One table: a line for each category, and all of them together."""
    tokens = sum(estimate(contents[id_]) for _, found in answers for id_ in found[:10]) / len(answers)
    print(f"\n{title} ({tokens:.0f} tokens in the first 10)")
    print(f"{'category':>10} {'n':>5}   any@5  any@10  any@20   all@5  all@10  all@20")
    categories = sorted({question.category for question, _ in answers})
    for category in [*categories, None]:
        part = [(q, found) for q, found in answers if category in (None, q.category)]
        cells = [100 * sum(found_by(hit, k, q, found) for q, found in part) / len(part) for _, hit, k in MEASURES]
        print(f"{category or 'all':>10} {len(part):>5}" + "".join(f"{cell:8.1f}" for cell in cells))
