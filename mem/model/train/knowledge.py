"""Pairs from general knowledge, written for this project: what things are, what goes together, how people ask.

`roles.txt` and `topics.txt` are the knowledge, `asking.txt` is the grammar.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random

HERE = Path(__file__).parent
ANSWERS = 700
"""Pairs for each kind of answer."""

PEOPLE = """Anna Ben Carlos Dana Emre Fatima George Hiro Irina Jamal Kate Liu Maria Nadia Omar Paul Qin Rosa Sven Tara
    Uma Viktor Wendy Xavier Yara Zoe Ahmed Bruna Chen Diego""".split()
MONTHS = "January February March April May June July August September October November December".split()
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
ROOMS = "kitchen bedroom hall garage attic office wardrobe bathroom shed door stairs desk".split()


def pairs(seed: int) -> Iterator[tuple[str, str, str]]:
    """Every pair as (group, a, b)."""
    random = Random(seed)
    roles = [(_split(role), _split(players)) for role, _, players in _parted("roles.txt")]
    topics = [_split(line) for line in _lines("topics.txt")]
    templates: dict[str, list[str]] = defaultdict(list)
    for kind, _, template in _parted("asking.txt"):
        templates[kind].append(template.strip())
    yield from _roles(roles)
    yield from _questions(roles, templates, random)
    yield from _topics(topics, random)
    yield from _kinds_of_answer(templates, [word for topic in topics for word in topic], random)


def _roles(roles: list[tuple[list[str], list[str]]]) -> Iterator[tuple[str, str, str]]:
    for names, players in roles:
        for name in names:
            yield from (("role", name, player) for player in players)
            yield from (("role", name, other) for other in names if other != name)


def _questions(
    roles: list[tuple[list[str], list[str]]], templates: dict[str, list[str]], random: Random
) -> Iterator[tuple[str, str, str]]:
    for names, players in roles:
        for player in players:
            for _ in range(2):
                asked = random.choice(templates["ask role"]).format(random.choice(names))
                yield "asked", asked, random.choice(templates["say role"]).format(player)


def _topics(topics: list[list[str]], random: Random) -> Iterator[tuple[str, str, str]]:
    for words in topics:
        for word in words:
            others = [other for other in words if other != word]
            yield from (("topic", word, other) for other in others)
            yield "topic", word, " ".join(random.sample(others, min(3, len(others))))


def _kinds_of_answer(
    templates: dict[str, list[str]], words: list[str], random: Random
) -> Iterator[tuple[str, str, str]]:
    kinds = [kind.removeprefix("ask ") for kind in templates if kind.startswith("ask ") and kind != "ask role"]
    for kind in kinds:
        for _ in range(ANSWERS):
            word = random.choice(words)
            asked = random.choice(templates[f"ask {kind}"]).format(word)
            yield "kind of answer", asked, f"{word} {_filled(random.choice(templates[f'say {kind}']), random)}"


def _filled(template: str, random: Random) -> str:
    return template.format(
        n=random.randint(1, 30),
        person=random.choice(PEOPLE),
        month=random.choice(MONTHS),
        weekday=random.choice(WEEKDAYS),
        room=random.choice(ROOMS),
    )


def _lines(name: str) -> list[str]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def _parted(name: str) -> list[tuple[str, str, str]]:
    return [line.partition(":") for line in _lines(name)]


def _split(line: str) -> list[str]:
    return [part.strip() for part in line.split(",") if part.strip()]
