"""What a prompt names, and what it does not."""

from __future__ import annotations

import pytest

from mem import text
from mem.memory import Memory

BELIEFS = {
    "sourdough_starter": ["levain", "mother dough"],
    "oven_schedule": ["deck oven", "bake plan"],
    "crane_operator": ["Zwolak"],
    "tide_table": ["tides", "TTB"],
    "winch": ["self-tailing winch"],
    "it_desk": ["IT"],
    "cafe_order": ["café crème"],
    "kanban_tokyo": ["東京"],
    "gearing": ["Shimano", "node.lock"],
}


@pytest.fixture
def named(memory: Memory):  # type: ignore[no-untyped-def]
    for name, aliases in BELIEFS.items():
        memory.remember(f"about {name}", {"name": name, "aliases": aliases, "type": "fact"}, None, None)

    def names(prompt: str) -> dict[str, str]:
        sections = memory.inject(prompt, (), None, 9_000, "n").injection.sections
        return {entry.belief.name: entry.because[0].how for entry in sections.relevant}

    return names


@pytest.mark.parametrize(
    ("prompt", "name", "how"),
    [
        ("feed the levain tonight", "sourdough_starter", "exact"),
        ("is the LEVAIN alive?", "sourdough_starter", "exact"),
        ("two deck ovens", "oven_schedule", "stem"),
        ("the deck\noven is cold", "oven_schedule", "exact"),
        ("ask Zwolak's team", "crane_operator", "stem"),
        ("ask Zwollak", "crane_operator", "typo"),
        ("ask Zwoalk", "crane_operator", "typo"),
        ("TTBs for May", "tide_table", "stem"),
        ("the self tailing winch", "winch", "exact"),
        ("sourdough starter?", "sourdough_starter", "exact"),
        ("call IT please", "it_desk", "exact"),
        ("one cafe creme", "cafe_order", "exact"),
        ("das 東京駅の件", "kanban_tokyo", "exact"),
        ("replace `node.lock` now", "gearing", "exact"),
        ("shimanoo wheels", "gearing", "typo"),
    ],
)
def test_a_prompt_names(named, prompt: str, name: str, how: str) -> None:  # type: ignore[no-untyped-def]
    assert named(prompt).get(name) == how


@pytest.mark.parametrize(
    "prompt",
    [
        "deck. oven",
        "deck\n\noven",
        "deck (oven)",
        "call it please",
        "the deck-oven-controller",
        "see src/levain/client.py",
        "https://levain.example/levain",
        r"C:\levain\notes",
        "```\nlevain\n```",
        "2026-01-01 10:00:00 INFO levain ready",
        "Traceback (most recent call last):",
        '  File "levain.py", line 3, in levain',
        "@@ -1 +1 @@\n-levain\n+levain",
        "`levain.feed()` fails",
        "<levain/> renders",
        "a leaven bread",
        "the crab winchester",
        "about the fact",
        "",
    ],
)
def test_a_prompt_names_nothing(named, prompt: str) -> None:  # type: ignore[no-untyped-def]
    assert named(prompt) == {}


@pytest.mark.parametrize(
    ("written", "wanted", "slip"),
    [
        ("kubernets", "kubernetes", True),
        ("kuberentes", "kubernetes", True),
        ("kubernettes", "kubernetes", True),
        ("kbuernetes", "kubernetes", False),  # the first two letters must agree
        ("stack", "stock", False),  # a word itself
        ("candy", "caddy", False),
        ("draft", "drift", False),
        ("helm", "heml", False),  # too short
        ("redis7", "redis", False),
    ],
)
def test_a_slip_is_one_edit_and_no_word(written: str, wanted: str, slip: bool) -> None:
    assert text.typo(written, wanted) is slip


def test_two_slips_in_a_phrase_name_nothing(named) -> None:  # type: ignore[no-untyped-def]
    assert named("the mothr dough")["sourdough_starter"] == "typo"
    assert named("the mothr duogh") == {}


def test_a_derived_alias_that_two_beliefs_share_names_neither(memory: Memory) -> None:
    memory.remember("We run Zephyr in production.", {}, None, None)
    assert len(memory.inject("zephyr?", (), None, 2_000, "n").injection.sections.relevant) == 1
    memory.remember("Staging has no Zephyr.", {}, None, None)
    assert not memory.inject("zephyr?", (), None, 2_000, "n").injection.sections.relevant


def test_the_word_table_is_what_the_rules_need() -> None:
    assert text.frequency("stack") > 0 and text.frequency("zzyzx") == 0
    assert text.everyday("go") and text.everyday("time") and not text.everyday("kubernetes")
