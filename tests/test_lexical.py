"""Scores: the same as rank_bm25's, from visible beliefs alone, whatever else is stored or changed by hand."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mem import lexical, scope, text, tree
from mem.belief import Belief, from_record
from mem.lexical import Overlay, Statistics
from mem.memory import Memory
from mem.reading import Filters
from mem.store import Store
from tests.strategies import NOW, belief, fresh_memory, take_in

WORDS = "postgres redis deploy deploys staging billing cache node.js CamelCase 数据库 the C++ snake_case".split()
SCOPES = ("user", "project:a", "project:a/b", "project:z", "domain:c")
TEXT = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
QUERY = st.lists(st.sampled_from([*WORDS, "postgers", "stagng", "billling"]), min_size=1, max_size=6).map(" ".join)
ALIASES = st.lists(
    st.fixed_dictionaries(
        {"text": st.sampled_from(WORDS), "origin": st.sampled_from(("given", "derived", "learned"))},
        optional={"weight": st.sampled_from((2, 0.3, 7.77))},
    ),
    max_size=3,
)
FIELDS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(("fact", "fact", "preference", "question", "relation")),
        "scope": st.sampled_from(SCOPES),
        "name": TEXT,
        "content": TEXT,
        "why": st.none() | TEXT,
        "aliases": ALIASES,
        "participants": st.lists(st.sampled_from([f"b{n}" for n in range(8)]), max_size=2),
        "status": st.sampled_from(("active", "active", "active", "retracted")),
        "review": st.sampled_from(("approved", "approved", "approved", "pending")),
        "archived": st.sampled_from((False, False, False, True)),
        "pinned": st.sampled_from((False, False, True)),
        "created": st.dates().map(str),
    }
)
RECORDS = st.lists(FIELDS, max_size=8).map(lambda all_: [{"id": f"b{n}", **one} for n, one in enumerate(all_)])


SLOW = settings(max_examples=40, phases=(Phase.explicit, Phase.reuse, Phase.generate))
"""For tests that make stores: shrinking an example of them would take minutes."""


def terms(query: str) -> list[str]:
    return [term for term, _ in text.terms(query)]


# -- the reference ----------------------------------------------------------------------------------


def worst(memory: Memory, open_: str, query: str, overlay: Overlay | None = None) -> float:
    """The largest difference between our scores and rank_bm25's; infinite if two beliefs change places."""
    store = Store.reading(memory.home.database() or "")
    view = store.visible(scope.visible([scope.parse(open_)]))
    known = lexical.statistics(view, terms(query), overlay or {})
    ours = lexical.okapi(view, terms(query), known, overlay or {})
    rows = view.numbered(n for (n,) in view.rows("SELECT n FROM belief WHERE scope :scopes AND current"))
    store.close()
    theirs = dict(zip(rows, lexical.reference([lexical.bag(one) for one in rows.values()], terms(query)), strict=True))
    ranked = [theirs[n] for n in sorted(ours, key=lambda n: -ours[n])]
    if any(later > earlier + 1e-9 for earlier, later in pairwise(ranked)):
        return float("inf")
    return max([0.0, *(abs(ours.get(n, 0.0) - score) for n, score in theirs.items())])


@SLOW
@given(RECORDS, QUERY, st.sampled_from(SCOPES))
def test_scores_and_ranking_are_those_of_rank_bm25(records: list[dict[str, Any]], query: str, open_: str) -> None:
    with fresh_memory() as memory:
        store_all(memory, records)
        assert worst(memory, open_, query) < 1e-9
        assert all(worst(memory, open_, word) < 1e-9 for word in WORDS)


def corpus(memory: Memory, scope_: str = "user", size: int = 12, prefix: str = "c") -> None:
    """Beliefs of all lengths, in which every word is common or rare."""
    for n in range(size):
        words = [WORDS[(n * step) % len(WORDS)] for step in range(1, 2 + n % 7)]
        fields = {"name": f"{WORDS[n % len(WORDS)]} {prefix}{n}", "content": " ".join(words), "aliases": words[:2]}
        take_in(memory, {"id": f"{prefix}{n:03}", "type": "fact", "scope": scope_, **fields})


def test_the_comparison_with_rank_bm25_sees_many_hits(memory: Memory) -> None:
    corpus(memory)
    assert len(memory.recall("postgres billing cache", ["user"], 20).hits) > 5
    assert worst(memory, "user", "postgres billing cache") < 1e-9


BROKEN = {
    "another k1": ("curve", lambda known, term: (known.idf(term) * 2.2, 1.08, 0.12 / known.average_length)),
    "no length": ("curve", lambda known, term: (known.idf(term) * (lexical.K1 + 1), lexical.K1, 0.0)),
    "another idf": ("idf", lambda known, term: 1.0 / known.frequencies[term]),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_the_comparison_with_rank_bm25_catches(broken: str, memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus(memory)
    monkeypatch.setattr(Statistics, *BROKEN[broken])
    assert worst(memory, "user", "postgres billing cache") > 1e-9
    report = memory.doctor(verify_ranking=True)
    assert report.ranking is not None and report.ranking[1] > 1e-9
    assert any("rank differently" in problem.message for problem in report.problems)


def test_a_repeated_word_of_a_query_counts_once(memory: Memory) -> None:
    corpus(memory)
    once, thrice = (
        memory.recall(query, ["user"], 9, mode="lexical").hits for query in ("redis deploy", "redis deploy redis redis")
    )
    assert [(hit.belief.id, hit.score) for hit in once] == [(hit.belief.id, hit.score) for hit in thrice]


def test_a_word_that_every_belief_holds_still_counts(memory: Memory) -> None:
    take_in(memory, *({"id": f"b{n}", "type": "fact", "scope": "user", "content": "redis"} for n in range(3)))
    assert [hit.belief.id for hit in memory.recall("redis", ["user"], 9).hits] == ["b0", "b1", "b2"]
    assert all(hit.relevance > 0 for hit in memory.recall("redis", ["user"], 9).hits)


def test_relevance_is_the_share_of_the_best_score_there_could_be(memory: Memory) -> None:
    corpus(memory)
    for query in [*WORDS, "postgres billing cache"]:
        assert all(0 < hit.relevance < 1 for hit in memory.recall(query, ["user"], 20).hits)


# -- isolation --------------------------------------------------------------------------------------


def store_all(memory: Memory, records: list[dict[str, Any]], seen: set[str] | None = None) -> None:
    """Import the records, or those of some scopes; every scope can be opened afterwards."""
    for one in SCOPES:
        memory.add_scope(one)
    kept = [record for record in records if seen is None or record["scope"] in seen]
    if kept:
        assert take_in(memory, *kept).problems == []


def answers(memory: Memory, open_: str, query: str, digits: int = 17) -> list[object]:
    """Everything that a session gets to know: ids, order, numbers to so many digits, reasons, the injected text."""
    recalled = memory.recall(query, [open_], 5)
    injected = memory.inject(query, [open_], 3, 400, "nonce", explain=True)
    numbers = [[round(n, digits) for n in (hit.relevance, hit.score, hit.retention)] for hit in recalled.hits]
    hits = [(hit.belief, hit.because) for hit in recalled.hits]
    listed = [memory.beliefs([open_], Filters(pending=pending, any_state=not pending))[1] for pending in (True, False)]
    return [
        (hits, numbers),
        recalled.freshness,
        recalled.contested,
        injected.injection,
        injected.freshness,
        injected.misses,
        *listed,
    ]


@SLOW
@given(RECORDS, st.lists(QUERY, min_size=2, max_size=2), st.sampled_from(SCOPES))
def test_no_answer_depends_on_what_is_not_visible(
    records: list[dict[str, Any]], queries: list[str], open_: str
) -> None:
    seen = {str(one) for one in scope.visible([scope.parse(open_)])}
    with fresh_memory() as all_of_it, fresh_memory() as visible_alone:
        store_all(all_of_it, records)
        store_all(visible_alone, records, seen)
        for query in queries:
            assert answers(all_of_it, open_, query) == answers(visible_alone, open_, query)


@SLOW
@given(RECORDS, QUERY, st.sampled_from(SCOPES))
def test_a_canary_of_another_scope_never_comes_up(records: list[dict[str, Any]], query: str, open_: str) -> None:
    seen = {str(one) for one in scope.visible([scope.parse(open_)])}
    for record in records:
        if record["scope"] not in seen:
            record |= {"content": f"canary {record['content']}", "aliases": ["canary"], "pinned": True}
    with fresh_memory() as memory:
        store_all(memory, records)
        said = repr([answers(memory, open_, asked) for asked in (f"canary {query}", "canary", query)])
    assert "canary" not in said.replace("matched='canary", "")


def busy_elsewhere(memory: Memory, scope_: str) -> None:
    """All that can happen in a scope."""
    corpus(memory, scope_, size=50, prefix="z")
    memory.forget([f"z{n:03}" for n in range(0, 50, 7)], [scope_])
    memory.edit_aliases("z001", ["postgres", "billing"], [], [scope_])
    memory.remember("Postgres and billing are pinned.", {"scope": scope_, "pinned": True}, None, None)
    memory.undo(2)


@pytest.mark.parametrize("elsewhere", ["project:z", "project:a/b", "domain:c"])
def test_what_happens_in_another_scope_changes_no_score_and_no_order(memory: Memory, elsewhere: str) -> None:
    corpus(memory, "user")
    corpus(memory, "project:a", prefix="a")
    before = [answers(memory, "project:a", word) for word in WORDS]
    busy_elsewhere(memory, elsewhere)
    assert [answers(memory, "project:a", word) for word in WORDS] == before
    assert worst(memory, "project:a", "postgres billing cache") < 1e-9


@pytest.mark.parametrize(("elsewhere", "named"), [("project:z", True), ("project:a/b", True), ("user", False)])
def test_a_derived_alias_is_shared_only_among_visible_beliefs(memory: Memory, elsewhere: str, named: bool) -> None:
    zebra = {"type": "fact", "content": "x", "aliases": [{"text": "zebra", "origin": "derived"}]}
    take_in(memory, {"id": "here", "scope": "project:a", **zebra}, {"id": "there", "scope": elsewhere, **zebra})
    assert ("here" in memory.inject("a zebra", ["project:a"], None, 2000, "n").injection.text) == named


def test_a_word_of_another_scope_does_not_make_a_slip_here_a_word(memory: Memory) -> None:
    fields = {"type": "fact", "content": "x"}
    take_in(memory, {"id": "here", "scope": "user", "name": "n", "aliases": ["postgres"], **fields})
    take_in(memory, {"id": "there", "scope": "project:z", "name": "n", "aliases": ["postgers"], **fields})
    assert "here" in memory.inject("our postgers", ["user"], None, 2000, "n").injection.text


def test_a_conflict_in_another_scope_is_not_told(memory: Memory) -> None:
    for content in ("one", "two"):
        memory.remember(content, {"scope": "project:z", "type": "fact", "aliases": ["pg"]}, None, None)
    corpus(memory)
    assert memory.recall("redis", ["user"], 9).contested == {}
    assert len(memory.recall("pg", ["project:z"], 9).contested) == 2


def test_what_happens_in_a_visible_scope_does_change_scores(memory: Memory) -> None:
    corpus(memory, "project:a", prefix="a")
    before = answers(memory, "project:a", "postgres")
    corpus(memory, "user", size=50, prefix="z")
    assert answers(memory, "project:a", "postgres") != before


# -- pages changed by hand --------------------------------------------------------------------------

EDITS = st.fixed_dictionaries(
    {"content": TEXT},
    optional={
        "name": TEXT,
        "aliases": ALIASES,
        "why": TEXT,
        "status": st.sampled_from(("retracted", "exploratory")),
        "archived": st.booleans(),
        "pinned": st.booleans(),
        "type": st.sampled_from(("preference", "question")),
    },
)


def edit_by_hand(memory: Memory, id_: str, edited: Belief) -> None:
    """Write another belief into the page of one, as a person with an editor would."""
    page = Path(memory.home.path) / (memory.belief(id_, [edited.scope])[1] or "")
    page.write_bytes(tree.render(edited))
    os.utime(page, ns=(0, 0))  # two writes in one tick of the clock, of one size, would look the same


@SLOW
@given(RECORDS.filter(len), EDITS, QUERY)
def test_a_page_changed_by_hand_counts_as_if_it_had_been_stored_so(
    records: list[dict[str, Any]], edit: dict[str, Any], query: str
) -> None:
    records[0] |= {"review": "approved"}
    edited = [{**records[0], **edit}, *records[1:]]
    with fresh_memory() as by_hand, fresh_memory() as stored:
        store_all(by_hand, records)
        store_all(stored, edited)
        edit_by_hand(by_hand, "b0", from_record(edited[0], id="", now=NOW, source="import:jsonl"))
        for open_ in {records[0]["scope"], "project:a/b"}:
            assert answers(by_hand, open_, query, 9) == answers(stored, open_, query, 9)


def test_a_page_that_is_gone_counts_as_if_nothing_had_been_stored(tmp_path: Path) -> None:
    with fresh_memory() as gone, fresh_memory() as never:
        corpus(gone)
        corpus(never, size=11)
        gone._warn = lambda message: None  # a page is gone: a line on standard error
        (Path(gone.home.path) / (gone.belief("c011", [])[1] or "")).unlink()
        for word in WORDS:
            assert answers(gone, "user", word)[0] == answers(never, "user", word)[0]


def test_the_index_agrees_with_the_beliefs_after_all_kinds_of_acts(memory: Memory) -> None:
    corpus(memory)
    busy_elsewhere(memory, "project:z")
    memory.undo(3)
    assert memory.doctor(verify_ranking=True).problems == []


def test_rows_that_went_stale_are_noticed(memory: Memory) -> None:
    corpus(memory)
    store = Store.writing(memory.home.database() or "")
    store.rows("UPDATE frequency SET documents = documents + 1 WHERE term = 'redi'")
    store.rows("UPDATE posting SET frequency = 2 WHERE term = 'cach'")
    store.close()
    said = " ".join(problem.message for problem in memory.doctor(verify_ranking=False).problems)
    assert "the document frequencies are stale" in said and "index rows" in said


def test_a_name_that_is_given_as_an_alias_too_names_as_that(memory: Memory) -> None:
    take_in(memory, {"id": "b1", "type": "fact", "scope": "user", "name": "check", "content": "x", "aliases": []})
    assert "b1" not in memory.inject("the check", ["user"], None, 2000, "n").injection.text
    memory.edit_aliases("b1", ["check"], [], ())
    assert "b1" in memory.inject("the check", ["user"], None, 2000, "n").injection.text
    assert memory.doctor(verify_ranking=False).problems == []


def test_a_belief_that_is_not_current_is_not_in_the_postings() -> None:
    for fields in ({"archived": True}, {"review": "pending"}, {"status": "retracted"}):
        assert lexical.indexed(belief(**fields)).terms == {}
    assert lexical.indexed(belief(archived=True)).surfaces != []
    assert lexical.indexed(belief(review="pending")).surfaces == []
