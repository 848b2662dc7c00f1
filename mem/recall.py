"""Ranked recall: how relevant a belief is, what else speaks for it, and which ones are worth showing.

Relevance and prior are two numbers. Relevance is the match alone, in [0, 1]; admission looks at nothing
else. The prior only orders what was admitted.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from datetime import datetime

from mem.belief import Belief
from mem.record import NamedTuple
from mem.retention import elapsed_days, retention

PRIOR_LOW, PRIOR_HIGH = 0.8, 1.2


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
