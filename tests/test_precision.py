"""What injection gives for prompts with known answers (tests/precision), all in one store."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from mem.memory import Memory
from mem.show import answers
from tests.bench.precision import check, read

FOLDER = Path(__file__).parent / "precision"
BELIEFS, CASES, TURNS = (read(FOLDER / f"{name}.jsonl") for name in ("beliefs", "cases", "sessions"))


@pytest.fixture
def stocked(memory: Memory) -> Memory:
    take_in(memory, BELIEFS)
    for scope in sorted({scope for case in [*CASES, *TURNS] for scope in case["scopes"]}):
        memory.add_scope(scope)
    return memory


def take_in(memory: Memory, records: Iterable[dict[str, Any]]) -> None:
    rows = enumerate(records, 1)
    memory.import_records("set", rows, approve=True, strict=True, dry_run=False, progress=lambda n: None)


def inject(memory: Memory, case: dict[str, Any]) -> dict[str, Any]:
    answer = memory.inject(case["query"], case["scopes"], case.get("max_beliefs"), 2_000, "n")
    return answers.inject_document(answer)


def faults(case: dict[str, Any], answer: dict[str, Any]) -> list[str]:
    return check(case["expect"], answer, [0, 0, 0])


def test_every_prompt_gets_what_it_names_and_nothing_else(stocked: Memory) -> None:
    found = {case["case"]: faults(case, inject(stocked, case)) for case in CASES}
    failed = [f"{name}: {'; '.join(wrong)}" for name, wrong in found.items() if wrong]
    assert not failed, f"{len(failed)} of {len(CASES)} cases\n" + "\n".join(failed)


def test_every_turn_of_a_session_gets_what_it_names(stocked: Memory) -> None:
    failed = []
    for turn in TURNS:
        failed += [f"{turn['case']} {turn['turn']}: {fault}" for fault in faults(turn, inject(stocked, turn))]
        if "then_remember" in turn:
            take_in(stocked, [turn["then_remember"]])
        if "then_alias" in turn:
            stocked.edit_aliases(turn["then_alias"]["id"], turn["then_alias"]["add"], [], turn["scopes"])
    assert not failed, "\n".join(failed)


def test_an_answer_by_shared_words_or_without_relevant_ones_is_caught(stocked: Memory) -> None:
    """The cases can fail: naming by any one shared word, and naming nothing, each fail many of them."""
    answers = [(case, inject(stocked, case)) for case in CASES]
    shared = [case["case"] for case, answer in answers if faults(case, answer | {"relevant": sharing(case)})]
    dropped = [case["case"] for case, answer in answers if faults(case, answer | {"relevant": []})]
    assert len(shared) > len(CASES) / 2, shared
    assert len(dropped) > len(CASES) / 3, dropped


def sharing(case: dict[str, Any]) -> list[dict[str, Any]]:
    """The visible live beliefs that share any word of four letters or more with the prompt."""
    visible = {"user"} | {scope for opened in case["scopes"] for scope in (opened, opened.split("/")[0])}
    live = [belief for belief in BELIEFS if belief["status"] in ("active", "inferred", "exploratory")]
    return [belief for belief in live if belief["scope"] in visible and long_words(belief) & words(case["query"])]


def long_words(belief: dict[str, Any]) -> set[str]:
    said = [belief["name"].replace("_", " "), *belief["aliases"], belief["content"], belief["why"]]
    return {word for word in words(" ".join(said)) if len(word) > 3}


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))
