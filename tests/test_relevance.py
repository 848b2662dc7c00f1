"""Relevance: three channels, what events lend each other, and when a query counts as answered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mem import lexical, recall
from mem.belief import Belief, from_record
from mem.lexical import Statistics
from mem.recall import Match, Word
from tests.bench import meaning

UNIT = st.floats(0, 1)
MATCHES = st.dictionaries(
    st.integers(0, 9), st.builds(Match, UNIT, UNIT, st.floats(-1, 1)).filter(lambda m: m.lexical + (m.soft or 0) <= 1)
)
SESSIONS = st.sampled_from([[], [[0, 1, 2, 3, 4]], [[4, 2, 0], [1, 3]], [list(range(10))]])


NEAR = {token: {token: 1.0} | {1: {2: 0.9}, 2: {1: 0.9}}.get(token, {}) for token in range(9)}
"""Tokens 1 and 2 are close, all others have nothing in common."""


# -- one belief -------------------------------------------------------------------------------------


def belief(content: str) -> Belief:
    return from_record({"type": "fact", "content": content, "scope": "user"}, id="b", now=meaning.NOW, source="user")


def test_shares_are_what_the_score_is_made_of() -> None:
    bag = lexical.bag(belief("Postgres is the store of record; Postgres it stays."))
    known = Statistics(7, 30.0, {"postgr": 2, "store": 3})
    query = ["postgr", "store", "absent"]
    shares = lexical.shares(bag, query, known)
    total = sum(known.idf(term) * (lexical.K1 + 1) * share for term, share in zip(query, shares, strict=True))
    assert total == pytest.approx(lexical.score(bag, query, known)) and shares[2] == 0


def test_a_banal_word_counts_less_than_a_rare_one_anywhere() -> None:
    assert lexical.rarity("Get") < 0.5 < 0.7 < lexical.rarity("kubernetes") <= lexical.rarity("zzyzx") == 1.0


def test_a_close_word_counts_as_much_as_it_is_close() -> None:
    words = [Word(3.0, (1,)), Word(1.0, (7,))]
    exact, close, far = (recall.match(words, [0, 0], tokens, NEAR) for tokens in ([1, 5], [2, 5], [5, 6]))
    assert exact.soft == pytest.approx(0.75) and 0 < (close.soft or 0) < 0.75 and far.soft == 0


def test_a_word_that_is_there_is_not_counted_twice() -> None:
    found = recall.match([Word(1.0, (1,))], [0.7], [1], NEAR)
    assert found.lexical == 0.7 and found.soft == pytest.approx(0.3)


def test_a_word_of_several_tokens_needs_all_of_them() -> None:
    whole = recall.match([Word(1.0, (1, 5))], [0], [1, 5], NEAR)
    half = recall.match([Word(1.0, (1, 5))], [0], [1], NEAR)
    assert (whole.soft or 0) > 0.9 > 0.4 > (half.soft or 0)


# -- many -------------------------------------------------------------------------------------------


@given(MATCHES, SESSIONS)
def test_relevance_stays_between_nothing_and_all(matches: dict[int, Match], sessions: list[list[int]]) -> None:
    assert all(0 <= value <= 1 for value in recall.relevance(matches, sessions).values())


def test_likeness_counts_for_more_the_less_the_words_find() -> None:
    def gap(lexical: float) -> float:
        found = recall.relevance({1: Match(lexical, 0.0, 0.0), 2: Match(0.0, 0.0, 0.9), 3: Match(0.0, 0.0, 0.1)})
        return found[2] - found[3]

    assert gap(0.0) > gap(0.5) > gap(1.0) > 0


def test_without_meaning_relevance_is_the_words() -> None:
    assert recall.relevance({1: Match(0.4), 2: Match(0.1)}) == pytest.approx({1: 0.4, 2: 0.1})


@given(st.dictionaries(st.integers(0, 9), UNIT), SESSIONS)
def test_lending_takes_nothing_away(scores: dict[int, float], sessions: list[list[int]]) -> None:
    lent = recall.lend(scores, sessions)
    assert all(lent[n] >= score - 1e-12 for n, score in scores.items())


def test_an_event_comes_up_by_its_neighbour_alone_and_the_nearest_gets_most() -> None:
    lent = recall.lend({1: 0.5}, [[7, 1, 8, 9], [5, 6]])
    assert lent[7] == lent[8] > lent[9] > 0 and 5 not in lent and lent[1] == 0.5


def test_evening_out_favours_an_event_among_its_like_over_one_alone() -> None:
    evened = recall.even({1: 0.8, 2: 0.7, 3: 0.0, 11: 0.8, 12: 0.0, 13: 0.0}, [[1, 2, 3], [11, 12, 13]])
    assert evened[1] > evened[11] and recall.even({1: 0.8}, [[1]]) == {1: 0.8}


# -- abstention -------------------------------------------------------------------------------------


@given(st.floats(-1, 1))
def test_likeness_of_the_whole_admits_nothing_by_itself(embedding: float) -> None:
    assert not recall.answered([Match(0.0, 0.0, embedding)])


def test_the_words_of_a_query_admit_with_and_without_meaning() -> None:
    assert recall.answered([Match(0.9)]) and recall.answered([Match(0.1), Match(0.9, 0.0, 0.5)])
    assert not recall.answered([]) and not recall.answered([Match(0.05)])


@pytest.mark.parametrize("part", meaning.PARTS)
def test_the_shipped_model_keeps_its_figures(part: str) -> None:
    figures = meaning.figures(meaning.Stores(), part)
    assert figures["words @5"] < 5 and figures["hybrid @1"] >= 45 and figures["hybrid @5"] >= 75
    assert figures["false answers"] <= 10 and figures["lost answers"] <= 3
