"""The forgetting curve: pure arithmetic, in days, with the time passed in."""

from __future__ import annotations

from datetime import datetime
from math import log

# Days until retention falls to 0.9, before any confirmed use. What a person expects to hold for
# months (how they like to work) starts high; what happened once starts low. Design section 7.
INITIAL_STABILITY = {
    "event": 30.0,
    "question": 30.0,
    "fact": 60.0,
    "procedure": 90.0,
    "entity": 90.0,
    "relation": 90.0,
    "preference": 180.0,
    "decision": 180.0,
}
LONGEST_STABILITY = 1825.0
"""Days; five years: what is used often is never more than that from fading a little."""

_DAY = 86_400.0


def elapsed_days(since: datetime, now: datetime) -> float:
    """Time between two instants.

    Units: days, never negative: a clock that runs backwards ages nothing.
    """
    return max(0.0, (now - since).total_seconds() / _DAY)


def retention(stability: float, elapsed: float) -> float:
    """Chance that a belief is still worth bringing up.

    Units: both in days; result in [0, 1], 1 at elapsed 0 and 0.9 at elapsed = stability.
    Raises: ValueError if stability is not positive.
    Source: Ebbinghaus (1885), stability as in FSRS.
    """
    if not stability > 0:
        raise ValueError(f"stability must be positive, not {stability}")
    return float(0.9 ** (max(0.0, elapsed) / stability))


def spans_until(wanted: float) -> float:
    """After how many times its stability the retention of a belief has fallen to a value in (0, 1]."""
    return log(wanted) / log(0.9)


def confirmed(stability: float, elapsed: float) -> float:
    """The stability after a use that confirms the belief.

    Units: days. A use at retention 0.9 doubles it; one at retention 1 leaves it as it is.
    Raises: ValueError if stability is not positive.
    """
    growth = min(3.0, 1.0 + (1.0 - retention(stability, elapsed)) / 0.1)
    return max(stability, min(LONGEST_STABILITY, stability * growth))
