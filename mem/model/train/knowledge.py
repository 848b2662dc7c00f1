"""Pairs from general knowledge, written for this project: what things are, what goes together, how people ask.

`roles.txt` and `topics.txt` are the knowledge, `asking.txt` is the grammar, `answers.txt` is whole questions with
what answers them. A pair carries its *family*, the line it came from: what one line says is no counterexample to
itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from random import Random
from typing import NamedTuple

HERE = Path(__file__).parent
ANSWERS = 700
"""Pairs for each kind of answer."""
THINGS = 200
"""What these pairs are about: a batch of 1,024 has about five of each."""

PEOPLE = """
    Aaron Abigail Adam Adele Agnes Ahmed Aisha Akira Alba Alex Alice Amara Amir Amy Ana Andrea Andrew Anna
    Anton Arjun Astrid Aya Barbara Beatriz Ben Bianca Boris Bruna Bruno Camila Carlos Carol Cecilia Charlie
    Chen Chiara Chloe Chris Clara Claire Dan Dana David Deepa Denis Diana Diego Dimitri Dorothy Eduardo Elena
    Eli Emil Emily Emma Emre Erik Esther Eva Farid Fatima Felix Fernando Finn Francesca Frank Freya Gabriel
    George Gina Giulia Grace Greta Hannah Hans Hassan Heidi Helen Henrik Hiro Hugo Ian Ibrahim Ines Ingrid
    Irina Isaac Isabel Ivan Jack Jakob Jamal James Jan Jasmine Javier Jean Jennifer Jens Jin Joao Joanna John
    Jonas Jorge Joseph Judith Julia Kai Karin Kate Katarina Keiko Ken Kofi Lars Laura Leila Leo Lin Linda Lisa
    Liu Lucas Lucy Luis Magda Malik Manuel Marco Margaret Maria Mark Marta Martin Mateo Matthias Max Mei Mia
    Michael Miguel Mike Mina Mohammed Monica Nadia Naomi Natalie Nick Nina Noah Nora Olga Olivia Omar Oscar
    Pablo Paul Paula Pavel Pedro Peter Petra Philip Pierre Qin Rachel Rahul Raj Ravi Ricardo Robert Rosa Ruth
    Ryan Sam Samir Sandra Sanjay Sara Sarah Sean Sergei Silvia Simon Sofia Sophie Stefan Susan Sven Tara
    Teresa Thomas Tim Tina Tom Tomas Uma Vera Viktor Vincent Wei Wendy William Xavier Yara Yuki Yusuf Zara Zoe
    """.split()
MONTHS = "January February March April May June July August September October November December".split()
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
ROOMS = "kitchen bedroom hall garage attic office wardrobe bathroom shed door stairs desk".split()


class Pair(NamedTuple):
    """Two texts that belong together."""

    group: str
    family: int
    """Number of the line that says so; pairs of one group and family are no counterexamples to each other."""
    a: str
    b: str


def pairs(seed: int) -> Iterator[Pair]:
    """Every pair, in the same order for the same seed."""
    random = Random(seed)
    roles = [(_split(role), _split(players)) for role, _, players in _parted("roles.txt")]
    topics = [_split(line) for line in _lines("topics.txt")]
    templates: dict[str, list[str]] = defaultdict(list)
    for kind, _, template in _parted("asking.txt"):
        templates[kind].append(template.strip())
    yield from _roles(roles)
    yield from _questions(roles, topics, templates, random)
    yield from _topics(topics, random)
    yield from _kinds_of_answer(templates, [word for topic in topics for word in topic], random)
    yield from _answers()


def _roles(roles: list[tuple[list[str], list[str]]]) -> Iterator[Pair]:
    for family, (names, players) in enumerate(roles):
        for name in names:
            yield from (Pair("role", family, name, player) for player in players)
            yield from (Pair("role", family, name, other) for other in names if other != name)


def _questions(
    roles: list[tuple[list[str], list[str]]],
    topics: list[list[str]],
    templates: dict[str, list[str]],
    random: Random,
) -> Iterator[Pair]:
    """Somebody asks for a role, or in other words of a topic, and the answer says what it is."""
    for family, (names, players) in enumerate([*roles, *((topic, topic) for topic in topics)]):
        for player in players:
            for _ in range(2):
                name = random.choice([name for name in names if name != player])
                asked = random.choice(templates["ask role"]).format(name)
                yield Pair("asked", family, asked, random.choice(templates["say role"]).format(player))


def _topics(topics: list[list[str]], random: Random) -> Iterator[Pair]:
    for family, words in enumerate(topics):
        for word in words:
            others = [other for other in words if other != word]
            yield from (Pair("topic", family, word, other) for other in others)
            yield Pair("topic", family, word, " ".join(random.sample(others, min(3, len(others)))))


def _kinds_of_answer(templates: dict[str, list[str]], words: list[str], random: Random) -> Iterator[Pair]:
    """A question after a thing, and an answer of the kind that it wants; few things, so that batches hold the other
    kinds of answer about the same one."""
    kinds = [kind.removeprefix("ask ") for kind in templates if kind.startswith("ask ") and kind != "ask role"]
    things = random.sample(sorted(set(words)), THINGS)
    for number, kind in enumerate(kinds):
        for _ in range(ANSWERS):
            thing = random.randrange(THINGS)
            asked = random.choice(templates[f"ask {kind}"]).format(things[thing])
            answer = _filled(random.choice(templates[f"say {kind}"]), random)
            yield Pair("kind of answer", number * THINGS + thing, asked, f"{things[thing]} {answer}")


def _answers() -> Iterator[Pair]:
    for family, line in enumerate(_lines("answers.txt")):
        questions, _, belief = line.partition(" => ")
        asked = [question.strip() for question in questions.split(";")]
        yield from (Pair("answer of ours", family, question, belief) for question in asked)
        yield from (Pair("answer of ours", family, one, other) for one, other in combinations(asked, 2))


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
