"""The inbox: what a pending belief proposes about another one is done when it is approved, and only then."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mem.belief import Belief
from mem.memory import Memory
from mem.store import Proposal
from tests.conftest import Mem
from tests.strategies import NOW, fresh_memory, take_in

OLD = {"id": "old1", "type": "fact", "scope": "user", "name": "database", "aliases": ["pg"], "content": "We use Redis."}


@pytest.fixture
def world() -> Any:
    """A memory that believes one thing; each act is an hour later."""
    with fresh_memory(tick=60) as memory:
        take_in(memory, {**OLD, "created": "2026-11-01"})
        yield memory


def propose(memory: Memory, act: str, id_: str = "new1", target: str = "old1", **fields: Any) -> None:
    take_in(memory, {**OLD, "id": id_, "content": "We use Valkey now.", **fields}, approve=False)
    with memory._writing("propose", "propose") as transaction:
        transaction.set_proposal(id_, Proposal(act, target))


def known(memory: Memory) -> dict[str, Belief]:
    return {belief.id: belief for belief in memory.export(())}


def review(memory: Memory, approve: list[str], reject: list[str]) -> list[tuple[str, str]]:
    return [(word, belief.id) for word, belief in memory.review(approve, reject, ())]


# -- approved ---------------------------------------------------------------------------------------


def test_an_approved_revision_is_a_new_version_of_its_target(world: Memory) -> None:
    propose(world, "revise", type="decision", name="store", aliases=["valkey"], why="it is free")
    before = known(world)["old1"]
    assert review(world, ["new1"], []) == [("revised", "old1")]
    assert {*known(world)} == {"old1"}
    after = known(world)["old1"]
    said = (after.type, after.name, [one.text for one in after.aliases], after.content, after.why, after.source)
    assert said == ("decision", "store", ["valkey"], "We use Valkey now.", "it is free", "import:jsonl")
    assert (after.created, after.scope, after.pinned) == (before.created, before.scope, before.pinned)


def test_an_approved_revision_confirms_as_an_edit_does(world: Memory) -> None:
    propose(world, "revise")
    review(world, ["new1"], [])
    after = known(world)["old1"]
    assert after.confirmed is not None and after.confirmed > NOW - timedelta(days=1)
    assert after.stability > 60


def test_an_approved_forget_takes_its_target_out_of_use(world: Memory) -> None:
    propose(world, "forget")
    assert review(world, ["new1"], []) == [("forgot", "old1")]
    assert {id_: belief.status for id_, belief in known(world).items()} == {"old1": "retracted"}


def test_a_rejected_proposal_leaves_its_target_as_it_is(world: Memory) -> None:
    propose(world, "revise")
    before = known(world)["old1"]
    assert review(world, [], ["new1"]) == [("rejected", "new1")]
    assert known(world)["old1"] == before
    assert known(world)["new1"].status == "retracted"


def test_several_revisions_of_one_belief_are_taken_in_order(world: Memory) -> None:
    propose(world, "revise")
    propose(world, "revise", "new2", content="We use DragonflyDB.")
    assert review(world, ["new1", "new2"], []) == [("revised", "old1"), ("revised", "old1")]
    assert known(world)["old1"].content == "We use DragonflyDB."


def test_a_revision_of_a_forgotten_belief_is_one_of_its_own(world: Memory) -> None:
    propose(world, "revise")
    world.forget(["old1"], ())
    assert review(world, ["new1"], []) == [("approved", "new1")]
    assert known(world)["new1"].current and not known(world)["old1"].live


def test_a_forget_of_a_forgotten_belief_leaves_nothing_waiting(world: Memory) -> None:
    propose(world, "forget")
    world.forget(["old1"], ())
    review(world, ["new1"], [])
    assert not any(belief.live for belief in known(world).values())


def test_a_revision_never_reaches_a_belief_of_another_scope(world: Memory) -> None:
    propose(world, "revise", scope="project:atlas")
    world.review(["new1"], [], ["project:atlas"])
    assert known(world)["old1"].content == "We use Redis."
    assert known(world)["new1"].scope == "project:atlas"


# -- undone, erased, shown --------------------------------------------------------------------------


def test_undoing_an_approval_brings_the_proposal_back(world: Memory) -> None:
    propose(world, "revise")
    before = known(world), world.proposals(())
    review(world, ["new1"], [])
    world.undo(1)
    assert (known(world), world.proposals(())) == before


@pytest.mark.parametrize("approve, reject", [(["new1"], []), ([], ["new1"]), ([], [])])
def test_a_purge_erases_what_was_proposed_about_the_belief_too(
    world: Memory, approve: list[str], reject: list[str]
) -> None:
    propose(world, "revise", content="The word is xyzzy.")
    if approve or reject:
        review(world, approve, reject)
    world.purge(world.purge_plan("old1", ()))
    folder = Path(world.home.database() or "").parent
    assert not [path.name for path in folder.iterdir() if b"xyzzy" in path.read_bytes()]
    assert known(world) == {}


def test_review_shows_what_a_proposal_would_change(mem: Mem, memory: Memory) -> None:
    take_in(memory, OLD)
    propose(memory, "revise")
    propose(memory, "forget", "new2", content=OLD["content"])
    shown = mem("review").out
    assert "revises database (old1)" in shown and "We use [-Redis-]{+Valkey now+}." in shown
    assert "forgets database (old1)" in shown


def test_review_in_json_names_what_is_proposed_about_others(mem: Mem, memory: Memory) -> None:
    take_in(memory, OLD)
    propose(memory, "revise")
    assert '"proposals": [\n    {\n      "id": "new1",\n      "act": "revise",\n      "target": "old1"' in (
        mem("review", "--json").out
    )
