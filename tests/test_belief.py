"""The record of a belief, and what a plain sentence implies about it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from mem.belief import (
    SCHEMA,
    Belief,
    check,
    from_record,
    parse_time,
    rivals,
    time_text,
    to_record,
)
from mem.text import MAX_TEXT
from tests.strategies import NOW, TIMES, beliefs

# -- the record -------------------------------------------------------------------------------------

MINIMAL = {"type": "fact", "content": "Postgres is the store of record.", "scope": "user"}


def read(record: dict[str, Any]) -> Belief:
    return from_record(record, id="fresh", now=NOW, source="import:jsonl")


@given(beliefs())
def test_a_record_gives_the_same_belief_back(belief: Belief) -> None:
    assert read(json.loads(json.dumps(to_record(check(belief))))) == belief


@given(beliefs())
def test_a_record_has_every_key_in_the_order_of_the_design(belief: Belief) -> None:
    assert " ".join(to_record(belief)) == (
        "schema id type name aliases content why scope status review confidence pinned archived superseded_by "
        "participants relation valid_from valid_until created updated confirmed stability provenance"
    )


def test_what_a_record_leaves_out_is_derived_or_defaulted() -> None:
    belief = read(MINIMAL)
    assert (belief.id, belief.name, [entry.text for entry in belief.aliases]) == (
        "fresh",
        "postgres_store_record",
        ["Postgres"],
    )
    assert (belief.status, belief.review, belief.confidence, belief.stability) == ("active", "approved", 0.9, 60)
    assert (belief.created, belief.updated, belief.at, belief.source) == (NOW, NOW, NOW, "import:jsonl")


@pytest.mark.parametrize("key", [key for key in to_record(read(MINIMAL)) if key not in MINIMAL])
def test_null_is_the_same_as_absent(key: str) -> None:
    assert read(MINIMAL | {key: None}) == read(MINIMAL)


def test_what_is_present_is_taken_as_given() -> None:
    assert read(MINIMAL | {"aliases": []}).aliases == ()
    assert read(MINIMAL | {"id": "any-form_1.2"}).id == "any-form_1.2"


def test_an_alias_is_kept_with_its_weight_and_origin() -> None:
    given_ = ["pg", {"text": "postgres", "weight": 5, "origin": "learned"}, {"text": "psql", "weight": 2.5}]
    aliases = read(MINIMAL | {"aliases": given_}).aliases
    assert aliases == (("pg", 10.0, "given"), ("postgres", 5.0, "learned"), ("psql", 2.5, "given"))


def test_an_unknown_key_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="unknown key 'contents', 'Why'"):
        read(MINIMAL | {"contents": "x", "Why": "y"})


@pytest.mark.parametrize("key", ["type", "content", "scope"])
@pytest.mark.parametrize("absent", [True, False], ids=["absent", "null"])
def test_a_required_key_that_is_missing_is_named(key: str, absent: bool) -> None:
    record = {name: value for name, value in MINIMAL.items() if name != key} | ({} if absent else {key: None})
    with pytest.raises(ValueError, match=f"^{key} is missing$"):
        read(record)


def each(key: str, *values: Any) -> list[tuple[str, Any]]:
    return [(key, value) for value in values]


BAD: list[tuple[str, Any]] = [
    ("schema", "mem.belief/2"),
    *each("id", "", "a b", "../x", "-a", "a" * 65, 7, "é"),
    *each("type", "", "Fact", "facts", 3),
    *each("name", "", " a", "a\nb", "a\u2028b", "a" * 101, 3, "a\x00"),
    *each("content", "", " \n", "a\x1b", 3, ["a"], "a" * (MAX_TEXT + 1)),
    *each("why", "a\x00", 3, "a" * (MAX_TEXT + 1)),
    *each("scope", "", "atlas", "project:", "Project:x", "project:../x", 3),
    *each("status", "", "dead", 1),
    *each("review", "", "maybe", True),
    *each("confidence", -0.1, 1.1, True, "0.5", float("nan"), 10**400),
    *each("stability", 0, -1, "60", float("nan"), float("inf"), 10**400),
    *each("pinned", 1, "true", 0),
    *each("archived", 1, "no"),
    *each("superseded_by", "", "a b", 3),
    *each("participants", "abcd", "", {}, False, [1], ["a b"], [""]),
    *each("relation", "", " owns", "a\nb", 3),
    *(
        pair
        for key in ("valid_from", "created", "updated", "confirmed")
        for pair in each(key, "", "soon", "2026-13-01", 5)
    ),
    *each("provenance", [], "", 0, "user", {"by": "me"}, {"source": 3}),
    *each("alias", "", " a", "a\nb", "a" * 101),
]


@pytest.mark.parametrize(("key", "bad"), BAD, ids=[f"{key}={str(bad)[:12]!r}" for key, bad in BAD])
def test_a_bad_value_is_an_error_that_names_its_key(key: str, bad: Any) -> None:
    with pytest.raises(ValueError, match=r"provenance|source" if key == "provenance" else key):
        read(MINIMAL | ({"aliases": [bad]} if key == "alias" else {key: bad}))


@pytest.mark.parametrize(
    "entry",
    [3, ["a"], {}, {"text": "a", "kind": "b"}, {"text": 3}, {"text": "a", "origin": "guessed"}]
    + [{"text": "a", "weight": bad} for bad in (0, -1, 1001, "5", True, float("nan"), 10**400)],
    ids=lambda entry: str(entry)[:40],
)
def test_a_bad_alias_is_an_error_that_says_so(entry: Any) -> None:
    with pytest.raises(ValueError, match=r"alias|weight|text"):
        read(MINIMAL | {"aliases": [entry]})


def test_too_many_aliases_are_refused() -> None:
    with pytest.raises(ValueError, match="aliases: 65 are too many"):
        read(MINIMAL | {"aliases": [f"a{n}" for n in range(65)]})


def test_a_belief_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="valid_until is before valid_from"):
        read(MINIMAL | {"valid_from": "2026-02-01", "valid_until": "2026-01-01"})


@given(TIMES)
def test_a_time_is_read_as_it_was_written(moment: Any) -> None:
    assert parse_time(time_text(moment)) == moment


@pytest.mark.parametrize(
    "written", ["2026-11-21T10:00:00Z", "2026-11-21T10:00:00", "2026-11-21T12:00:00+02:00", " 2026-11-21 10:00 "]
)
def test_a_time_may_be_written_in_several_ways(written: str) -> None:
    assert parse_time(written) == NOW


USES, REJECTS = (read(MINIMAL | {"id": id_, "content": content}) for id_, content in (
    ("uses", "I use tabs."), ("rejects", "I no longer use tabs."),
))  # fmt: skip


@pytest.mark.parametrize("type_", ["preference", "decision", "fact"])
def test_a_statement_and_its_rejection_are_rivals(type_: str) -> None:
    assert rivals(REJECTS._replace(type=type_), USES) == rivals(USES, REJECTS._replace(type=type_)) == "tabs"


@pytest.mark.parametrize(
    ("field", "value"), [("type", "question"), ("type", "event"), ("scope", "domain:code"), ("id", "uses")]
)
def test_another_scope_or_kind_of_belief_is_no_rival(field: str, value: str) -> None:
    assert rivals(REJECTS._replace(**{field: value}), USES) is None


def test_of_two_statements_the_later_one_may_be_an_exception() -> None:
    exception = USES._replace(content="I use tabs in Makefiles.", at=NOW + timedelta(days=1))
    assert rivals(exception, REJECTS) is rivals(REJECTS, exception) is None
    assert rivals(REJECTS, exception._replace(at=NOW)) == "tabs"


def test_a_schema_is_the_one_of_the_design() -> None:
    assert SCHEMA == "mem.belief/1"
