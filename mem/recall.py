"""Ranked recall: how relevant a belief is, what else speaks for it, and which ones are worth showing.

Relevance and prior are two numbers. Relevance is the match alone, in [0, 1]; admission looks at nothing
else. The prior only orders what was admitted.

Three channels make relevance: the query's words; words close to them in meaning, token by token (*soft*);
and the likeness of query and belief as a whole (*embedding*), which counts for more the less the words find.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

from mem.belief import Belief
from mem.record import NamedTuple
from mem.retention import elapsed_days, retention

PRIOR_LOW, PRIOR_HIGH = 0.8, 1.2


# The weights of the channels, chosen on the dev half of tests/recall (`python -m tests.bench meaning`) and on five
# LoCoMo conversations (`python -m tests.bench recall`, n = 997: any-evidence recall@10 of 84.3, against 82.4 for
# words and neighbours). It is flat there: over NEAR 0.4 to 0.5, SOFT 0.4 to 0.7 and
# EMBEDDING 0.15 to 0.4 it stayed between 83.6 and 84.8.
NEAR = 0.4
"""Cosine of two tokens below which they have nothing to do with each other."""
SOFT = 0.4
"""What a word counts for that is only met in meaning."""
EMBEDDING = 0.35
"""What the likeness of the whole counts for where words find all of the query."""
EMBEDDING_ALONE = 0.3
"""What it counts for in addition where they find nothing."""
LENT = 0.6
"""Part of its score that an event lends to the next one of its session; to the one after that, the square."""
REACH = 4
"""Events that the lending reaches on each side: 0.6 to the fifth is 0.08."""
LENT_EVEN = 0.5
"""The same for likeness as a whole, which is evened out instead; it reaches `REACH_EVEN` events."""
REACH_EVEN = 2
SURE = 2.0
"""What meaning counts for, next to words, where it is asked whether there is an answer at all."""
ENOUGH = 1.65
"""Support from which on a query counts as answered: the middle of where few answers are false (10 %) or lost (3 %)."""
ENOUGH_WORDS = 0.42
"""The same where only words can be compared."""


class Word(NamedTuple):
    """One word of a query."""

    weight: float
    """Its idf among the visible beliefs times its global rarity."""
    tokens: tuple[int, ...]
    """What the embedding model makes of it; empty where meaning is off."""


class Match(NamedTuple):
    """How one belief answers a query."""

    lexical: float
    """Share of the query, by weight, that its words hold; in [0, 1]."""
    soft: float | None = None
    """What words close in meaning add to that, so that the sum is at most 1; None where meaning is off."""
    embedding: float | None = None
    """Cosine of the whole."""

    @property
    def worded(self) -> float:
        """What single words say, exact or close."""
        return self.lexical + SOFT * (self.soft or 0.0)


class Because(NamedTuple):
    """One reason why a belief came up."""

    surface: str
    """The words of the belief."""
    matched: str
    """The words of the prompt or query."""
    how: str
    """`exact`, `stem`, `typo`, `relation`, `pinned` or `persona`."""


class Hit(NamedTuple):
    """One belief that answers a query."""

    belief: Belief
    relevance: float
    """Match alone, in [0, 1]: the share of the best score that any belief could reach."""
    prior: float
    retention: float
    channels: Mapping[str, float | None]
    """What each channel gave; None for one that is off."""
    because: tuple[Because, ...]

    @property
    def score(self) -> float:
        """What hits are ordered by."""
        return self.relevance * self.prior


def strength(belief: Belief, now: datetime) -> float:
    """Retention of a belief at this moment; 1 for what is pinned, which never fades."""
    return 1.0 if belief.pinned else retention(belief.stability, elapsed_days(belief.anchor, now))


def prior(belief: Belief, now: datetime) -> float:
    """How much speaks for a belief apart from the query.

    Units: a factor in [0.8, 1.2]: half the span from retention, three eighths from confidence, one
    eighth from having been confirmed. Narrow on purpose: a third more relevance always wins.
    """
    merit = 0.5 * strength(belief, now) + 0.375 * belief.confidence + 0.125 * (belief.confirmed is not None)
    return PRIOR_LOW + (PRIOR_HIGH - PRIOR_LOW) * merit


# -- relevance --------------------------------------------------------------------------------------


def match(
    words: Sequence[Word],
    shares: Sequence[float],
    tokens: Collection[int] = (),
    likeness: Callable[[int, int], float] | None = None,
    embedding: float | None = None,
) -> Match:
    """How a belief answers a query, given what its terms and its tokens hold of it.

    Shapes: shares has one number in [0, 1] for each word (`lexical.shares`). `likeness` is the cosine of two
    tokens; None turns soft matching off.
    """
    total = sum(word.weight for word in words) or 1.0
    lexical = sum(word.weight * share for word, share in zip(words, shares, strict=True)) / total
    if likeness is None:
        return Match(lexical, None, embedding)
    soft = 0.0
    for word, share in zip(words, shares, strict=True):
        if share < 1.0:
            soft += word.weight * max(0.0, _nearness(word.tokens, tokens, likeness) - share)
    return Match(lexical, soft / total, embedding)


def _nearness(word: Sequence[int], tokens: Collection[int], likeness: Callable[[int, int], float]) -> float:
    """How close the closest tokens of a belief come to a word: 0 at `NEAR`, 1 at the same."""
    if not word or not tokens:
        return 0.0
    best = sum(max(likeness(piece, token) for token in tokens) for piece in word) / len(word)
    return max(0.0, (best - NEAR) / (1 - NEAR))


def relevance(matches: Mapping[int, Match], sessions: Sequence[Sequence[int]] = ()) -> dict[int, float]:
    """Relevance of every belief, by row number.

    Units: in [0, 1]. `sessions` are the row numbers of the events of a session, in the order of their time:
    what their words say is lent to their neighbours, and their likeness as a whole is evened out among them.
    """
    worded = lend({n: found.worded for n, found in matches.items()}, sessions)
    if all(found.embedding is None for found in matches.values()):
        return worded
    likeness = even({n: max(0.0, found.embedding or 0.0) for n, found in matches.items()}, sessions)
    best = max(found.lexical for found in matches.values())
    weight = EMBEDDING + EMBEDDING_ALONE * (1 - best)
    return {n: (value + weight * likeness.get(n, 0.0)) / (1 + weight) for n, value in worded.items()}


def lend(scores: Mapping[int, float], sessions: Iterable[Sequence[int]]) -> dict[int, float]:
    """Scores in [0, 1] with what the neighbours in a session add; neighbours may come up by that alone.

    As independent reasons add up: nothing goes beyond 1, and nothing is lost.
    """
    doubts = {n: 1 - min(1.0, score) for n, score in scores.items()}
    for events in sessions:
        for at, n in enumerate(events):
            score = min(1.0, scores.get(n, 0.0))
            for distance, other in _around(events, at, REACH) if score > 0 else ():
                doubts[other] = doubts.get(other, 1.0) * (1 - LENT**distance * score)
    return {n: 1 - doubt for n, doubt in doubts.items()}


def even(likeness: Mapping[int, float], sessions: Iterable[Sequence[int]]) -> dict[int, float]:
    """Likeness of each belief, that of an event as the mean over the events next to it, the closest counting most.

    Every text is a little like every other, so that sums would only tell who has many neighbours.
    """
    result = dict(likeness)
    for events in sessions:
        for at, n in enumerate(events):
            near = [(0, n), *_around(events, at, REACH_EVEN)]
            known = [(LENT_EVEN**distance, likeness[other]) for distance, other in near if other in likeness]
            if n in likeness:
                result[n] = sum(share * value for share, value in known) / sum(share for share, _ in known)
    return result


def _around(events: Sequence[int], at: int, reach: int) -> list[tuple[int, int]]:
    """The events within reach on both sides, as (distance, event)."""
    near = range(max(0, at - reach), min(len(events), at + reach + 1))
    return [(abs(place - at), events[place]) for place in near if place != at]


def support(found: Match) -> float:
    """How sure it is that a belief answers at all; 0 without a word or a close one: likeness alone admits nothing."""
    if found.embedding is None or not (found.lexical or found.soft):
        return found.lexical
    return found.lexical + SURE * ((found.soft or 0.0) + max(0.0, found.embedding))


def answered(matches: Iterable[Match]) -> bool:
    """True if any belief has enough support; calibrated on questions that a store can and cannot answer."""
    return any(support(found) >= (ENOUGH_WORDS if found.embedding is None else ENOUGH) for found in matches)


# -- order ------------------------------------------------------------------------------------------


def contenders(relevance: Mapping[int, float], k: int) -> list[int]:
    """Row numbers that can still be among the best k once priors are known, best relevance first."""
    best = heapq.nlargest(k, relevance.values())
    if not best:
        return []
    floor = best[-1] * PRIOR_LOW / PRIOR_HIGH
    return sorted((n for n, value in relevance.items() if value >= floor), key=lambda n: (-relevance[n], n))


def rank(hits: Sequence[Hit], k: int) -> list[Hit]:
    """The best k, best first; equals by id, so that the order is the same everywhere."""
    return sorted(hits, key=lambda hit: (-round(hit.score, 12), hit.belief.id))[:k]
