"""The question sets of `tests/recall`: what they claim to be, they are."""

from __future__ import annotations

import pytest

from mem import scope as scopes
from mem import text
from mem.model.train import knowledge
from tests.bench import meaning

BELIEFS = meaning.beliefs()
SETS = {name: meaning.questions(name) for name in meaning.SETS}


def words(*texts: str | None) -> set[str]:
    return {term for part in texts for term, _ in text.terms(part or "")}


def shared(question: meaning.Question) -> set[str]:
    belief = BELIEFS[question.expect or ""]
    return words(question.text) & words(
        belief.name, *(entry.text for entry in belief.aliases), belief.content, belief.why
    )


def test_the_sets_are_as_large_as_their_figures_need() -> None:
    sizes = {"meaning": 130, "answerable": 110, "unanswerable": 110}
    assert len(BELIEFS) >= 200 and len({belief.scope for belief in BELIEFS.values()}) >= 5
    assert [name for name, size in sizes.items() if len(SETS[name]) < size] == []


def test_a_question_of_meaning_shares_no_word_with_its_belief() -> None:
    assert [(question.text, shared(question)) for question in SETS["meaning"] if shared(question)] == []


def test_some_answerable_questions_share_a_word_with_their_belief_and_are_seen_to() -> None:
    assert sum(bool(shared(question)) for question in SETS["answerable"]) > 100


@pytest.mark.parametrize("name", ["meaning", "answerable"])
def test_every_expected_belief_is_visible(name: str) -> None:
    for question in SETS[name]:
        visible = scopes.visible([scopes.parse(scope) for scope in question.scopes])
        assert scopes.parse(BELIEFS[question.expect or ""].scope) in visible, question.text


@pytest.mark.parametrize("name", SETS)
def test_half_of_each_set_is_held_out_and_no_question_is_asked_twice(name: str) -> None:
    parts = [question.part for question in SETS[name]]
    assert abs(parts.count("dev") - parts.count("held out")) <= 1
    assert len({question.text for question in SETS[name]}) == len(parts)


def test_no_text_of_the_sets_was_trained_on() -> None:
    asked = [question.text for name in meaning.SETS for question in SETS[name]]
    unseen = [found for found in map(words, [*asked, *(belief.content for belief in BELIEFS.values())]) if found]
    for pair in knowledge.pairs(1):
        if pair.group == "answer of ours":
            trained = [words(pair.a), words(pair.b)]
            alike = [found for one in trained for found in unseen if 2 * len(one & found) >= len(one | found)]
            assert alike == [], pair
