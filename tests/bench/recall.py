"""Evidence recall on dialogue: which turns of a conversation a question brings up."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from mem import text
from mem.config import Home
from mem.inject import estimate
from mem.memory import Memory

CUTS = (5, 10, 20)


class Question(NamedTuple):
    sample: str
    category: int
    text: str
    evidence: tuple[str, ...]


Ranking = Callable[[Question], list[str]]


def run(path: str) -> int:
    """Print any- and all-evidence recall per category for each way of ranking."""
    records, questions = load(path)
    if not questions:
        raise SystemExit(f"{path} holds no questions: nothing was measured")
    contents = {record["id"]: record["content"] for record in records}
    rankings: dict[str, Ranking] = {"rank_bm25 as it comes": plain_bm25(records)}
    with tempfile.TemporaryDirectory(prefix="mem-bench-") as folder:
        os.environ |= {"MEM_HOME": f"{folder}/mem", "XDG_DATA_HOME": f"{folder}/data"}
        memory = Memory(
            Home(f"{folder}/mem"), clock=lambda: datetime(2023, 12, 31, tzinfo=UTC), warn=lambda message: None
        )
        done = memory.import_records(
            path, list(enumerate(records, 1)), approve=True, strict=True, dry_run=False, progress=lambda count: None
        )
        print(f"{path}: {done.added} turns, {len(questions)} questions with evidence; percent of questions")
        rankings["our words"] = lambda question: [
            hit.belief.id for hit in memory.recall(question.text, [f"project:{question.sample}"], max(CUTS)).hits
        ]
        rankings["our words, answers shuffled (must fail)"] = shuffled(rankings["our words"], records)
        for title, ranking in rankings.items():
            report(title, [(question, ranking(question)) for question in questions], contents)
    return 0


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


def plain_bm25(records: Sequence[dict[str, Any]]) -> Ranking:
    """rank_bm25 with its own parameters, over plain words: stems, without stop words."""
    from rank_bm25 import BM25Okapi

    def words(content: str) -> list[str]:
        found = re.findall(r"[a-z0-9]+", text.fold(content))
        return [text.stem(word) for word in found if word not in text.FUNCTION_WORDS]

    by_sample: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        by_sample.setdefault(record["scope"].removeprefix("project:"), []).append(record)
    indexes = {sample: BM25Okapi([words(record["content"]) for record in part]) for sample, part in by_sample.items()}

    def ranking(question: Question) -> list[str]:
        scores = indexes[question.sample].get_scores(words(question.text))
        part = by_sample[question.sample]
        order = sorted(range(len(part)), key=lambda at: -scores[at])
        return [part[at]["id"] for at in order[: max(CUTS)]]

    return ranking


def shuffled(ranking: Ranking, records: Sequence[dict[str, Any]]) -> Ranking:
    """The broken variant: the answer to the question before it."""
    last: list[list[str]] = [[]]

    def other(question: Question) -> list[str]:
        answer, last[0] = last[0], ranking(question)
        return answer

    return other


def report(title: str, answers: Sequence[tuple[Question, list[str]]], contents: dict[str, str]) -> None:
    """One table: a line for each category, and all of them together."""
    tokens = sum(estimate(contents[id_]) for _, found in answers for id_ in found[:10]) / len(answers)
    print(f"\n{title} ({tokens:.0f} tokens in the first 10)")
    print(f"{'category':>10} {'n':>5}   any@5  any@10  any@20   all@5  all@10  all@20")
    categories = sorted({question.category for question, _ in answers})
    for category in [*categories, None]:
        part = [(q, found) for q, found in answers if category is None or q.category == category]
        cells = [
            100 * sum(hit(e in found[:k] for e in q.evidence) for q, found in part) / len(part)
            for hit in (any, all)
            for k in CUTS
        ]
        print(f"{category or 'all':>10} {len(part):>5}" + "".join(f"{cell:8.1f}" for cell in cells))
