"""The forgetting curve: its fixed points, its bounds, and what a confirmed use does to it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mem.belief import TYPES
from mem.memory import Memory
from mem.retention import INITIAL_STABILITY, LONGEST_STABILITY, confirmed, elapsed_days, retention
from tests.strategies import POSITIVE, TIMES, fresh_memory

DAYS = st.floats(0, 1e6)
STABILITIES = st.floats(0.01, LONGEST_STABILITY)


@pytest.mark.parametrize("stability", [0.5, 30, 60, 180, 1825])
def test_retention_is_whole_at_once_and_nine_tenths_after_the_stability(stability: float) -> None:
    assert retention(stability, 0) == 1
    assert retention(stability, stability) == pytest.approx(0.9, abs=1e-12)
    assert retention(stability, 3 * stability) == pytest.approx(0.729, abs=1e-12)


@given(POSITIVE, st.floats(min_value=0))
def test_retention_stays_between_nothing_and_whole(stability: float, elapsed: float) -> None:
    assert 0 <= retention(stability, elapsed) <= 1


@given(STABILITIES, DAYS, DAYS)
def test_retention_only_falls_with_time(stability: float, one: float, other: float) -> None:
    sooner, later = sorted((one, other))
    assert retention(stability, sooner) >= retention(stability, later)


@given(STABILITIES, STABILITIES, DAYS)
def test_what_is_more_stable_is_never_retained_less(one: float, other: float, elapsed: float) -> None:
    less, more = sorted((one, other))
    assert retention(less, elapsed) <= retention(more, elapsed)


@pytest.mark.parametrize("stability", [0, -1, float("nan")])
def test_a_stability_that_is_not_positive_is_a_mistake(stability: float) -> None:
    with pytest.raises(ValueError, match="stability must be positive"):
        retention(stability, 1)
    with pytest.raises(ValueError, match="stability must be positive"):
        confirmed(stability, 1)


@pytest.mark.parametrize(
    ("type_", "one_year", "three_years"),
    [("event", 0.28, 0.02), ("fact", 0.53, 0.15), ("entity", 0.65, 0.28), ("decision", 0.81, 0.53)],
)
def test_unused_beliefs_fade_as_the_design_says(type_: str, one_year: float, three_years: float) -> None:
    assert round(retention(INITIAL_STABILITY[type_], 365), 2) == one_year
    assert round(retention(INITIAL_STABILITY[type_], 3 * 365), 2) == three_years


def test_every_type_has_a_first_stability() -> None:
    assert INITIAL_STABILITY.keys() == set(TYPES)


@pytest.mark.parametrize("stability", [30.0, 60.0, 180.0])
def test_a_use_at_retention_nine_tenths_doubles_the_stability(stability: float) -> None:
    assert confirmed(stability, stability) == pytest.approx(2 * stability, rel=1e-12)


def test_a_use_at_once_changes_nothing_and_a_late_one_triples_at_most() -> None:
    assert confirmed(60, 0) == 60
    assert confirmed(60, 10_000) == 180


@given(STABILITIES, DAYS)
def test_a_use_never_lowers_the_stability_nor_lifts_it_over_five_years(stability: float, elapsed: float) -> None:
    assert stability <= confirmed(stability, elapsed) <= LONGEST_STABILITY


def test_a_stability_given_above_five_years_is_kept() -> None:
    assert confirmed(4000, 4000) == 4000


def test_ten_uses_in_a_minute_are_one() -> None:
    once = many = confirmed(60, 30)
    for _ in range(10):
        many = confirmed(many, 1 / 1440 / 10)
    assert many == pytest.approx(once, rel=1e-4)


def test_frequent_use_adds_about_the_days_since_the_last_one() -> None:
    assert confirmed(200, 3) - 200 == pytest.approx(3 * 1.0536, rel=0.01)  # -ln 0.9 / 0.1 = 1.0536


@given(TIMES, TIMES)
def test_a_clock_that_runs_backwards_ages_nothing(one: datetime, other: datetime) -> None:
    earlier, later = sorted((one, other))
    assert elapsed_days(later, earlier) == 0
    assert elapsed_days(earlier, later) == pytest.approx((later - earlier) / timedelta(days=1))
    assert retention(60, -5) == 1


def said_again(memory: Memory) -> float:
    return memory.remember("Tea is ready.", {}, None, None).belief.stability


def test_a_belief_said_again_and_again_in_a_minute_is_as_stable_as_said_once() -> None:
    with fresh_memory() as memory:
        first = said_again(memory)
        assert [said_again(memory) for _ in range(9)] == [first] * 9


def test_a_belief_said_again_by_a_clock_that_went_backwards_does_not_age() -> None:
    with fresh_memory(tick=-60 * 24) as memory:  # every act happens a day before the last one
        before = memory.remember("Tea is ready.", {}, None, None).belief
        after = memory.remember("Tea is ready.", {}, None, None).belief
    assert after.stability == before.stability
    assert after.anchor >= before.anchor
