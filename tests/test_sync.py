"""Tree and store: what follows from what each side changed, that nobody loses a word, and that a second sync rests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mem import sync, tree
from mem.belief import Belief
from mem.errors import Problem, StoreUnusable
from mem.memory import Memory, Synced
from mem.store import Page, Store
from mem.sync import Agreed, Change, Sheet, Stored
from tests.conftest import Mem
from tests.strategies import belief, beliefs, pages, take_in

HERE = "user/facts/n.md"

# -- the decision -----------------------------------------------------------------------------------

BASE = belief(id="b1", content="One.", why="so", aliases=["pg", "db"], created="2026-11-01")
EDITED = BASE._replace(content="One, by hand.")


def agreed(one: Belief = BASE, path: str = HERE) -> Agreed:
    return Agreed(Page(one.id, path, tree.digest(tree.render(one)), 1, 1), one.scope, tree.owned(one))


def sheet(said: Belief | Problem | None, path: str = HERE) -> Sheet:
    text = tree.render(said._replace(id=said.id or "x")) if isinstance(said, Belief) else b""
    if said is None:
        return Sheet(agreed(path=path).page, b"", None)
    return Sheet(Page(getattr(said, "id", ""), path, tree.digest(text), 2, 2), text, said)


def stored(one: Belief = BASE, place: str | None = HERE) -> Stored:
    return Stored(one, one != BASE, place if one != BASE else None)


DAMAGED = Problem(HERE, 3, "the page has conflict markers of git")
ELSEWHERE = "user/facts/other.md"
NEW = belief(id="b2", name="m", content="New.")
NAMELESS = NEW._replace(id=sync.UNNAMED)
STORE_EDIT = BASE._replace(content="One, by mem.")
PINNED = BASE._replace(pinned=True)

CASES: dict[str, tuple[list[Sheet], Stored | None, list[tuple[str, str]]]] = {
    "nothing changed": ([sheet(None)], stored(), []),
    "the store changed": ([sheet(None)], stored(STORE_EDIT), [("write", HERE)]),
    "the page changed": ([sheet(EDITED)], stored(), [("take", HERE)]),
    "both changed, elsewhere": ([sheet(EDITED)], stored(PINNED), [("take", HERE)]),
    "both changed to the same": ([sheet(EDITED)], stored(EDITED), [("agree", HERE)]),
    "both changed one field": ([sheet(EDITED)], stored(STORE_EDIT), [("take", HERE)]),
    "deleted": ([], stored(), [("retire", HERE)]),
    "deleted and changed": ([], stored(STORE_EDIT), [("write", HERE)]),
    "moved": ([sheet(BASE, ELSEWHERE)], stored(), [("follow", ELSEWHERE)]),
    "moved and changed": ([sheet(EDITED, ELSEWHERE)], stored(), [("take", ELSEWHERE)]),
    "moved to another scope": ([sheet(BASE, "project/a/facts/n.md")], stored(), [("hold", "project/a/facts/n.md")]),
    "given another scope": ([sheet(BASE._replace(scope="project:a"))], stored(), [("hold", HERE)]),
    "copied": ([sheet(None), sheet(BASE, ELSEWHERE)], stored(), [("hold", HERE), ("hold", ELSEWHERE)]),
    "damaged": ([sheet(DAMAGED)], stored(), [("fault", HERE)]),
    "damaged and changed": ([sheet(DAMAGED)], stored(STORE_EDIT), [("fault", HERE)]),
    "new": ([sheet(None), sheet(NEW, ELSEWHERE)], stored(), [("take", ELSEWHERE)]),
    "new, without an id": ([sheet(None), sheet(NAMELESS, ELSEWHERE)], stored(), [("take", ELSEWHERE)]),
    "touched": ([sheet(None)._replace(page=agreed().page._replace(mtime=9))], stored(), [("agree", HERE)]),
}


@pytest.mark.parametrize(("sheets", "side", "wanted"), CASES.values(), ids=CASES)
def test_what_follows_from_what_each_side_changed(
    sheets: list[Sheet], side: Stored, wanted: list[tuple[str, str]]
) -> None:
    changes = sync.plan({"b1": agreed()}, sheets, {"b1": side}, accept_deletions=True)
    assert [(change.act, change.path) for change in changes] == wanted


def decided(page: Belief, side: Belief) -> Change:
    return sync.plan({"b1": agreed()}, [sheet(page)], {"b1": stored(side)})[0]


def test_changes_of_different_fields_are_merged() -> None:
    change = decided(EDITED._replace(why=None), PINNED._replace(status="exploratory"))
    assert change.belief == tree.owned(EDITED._replace(why=None, pinned=True, status="exploratory"))
    assert change.other is None


def test_of_changes_of_one_field_the_page_stands_and_the_other_side_is_recorded() -> None:
    change = decided(EDITED, STORE_EDIT._replace(pinned=True))
    assert change.belief == tree.owned(EDITED._replace(pinned=True))
    assert change.other == STORE_EDIT._replace(pinned=True)


def test_an_edit_of_the_page_beats_a_forget() -> None:
    assert decided(EDITED, BASE._replace(status="retracted")).belief == tree.owned(EDITED)


def test_aliases_of_both_sides_are_there_and_what_either_took_away_is_gone() -> None:
    mine, theirs = belief(aliases=["db", "mine"]).aliases, belief(aliases=["pg", "theirs"]).aliases
    merged, contradicted = sync.merge(BASE, BASE._replace(aliases=mine), BASE._replace(aliases=theirs))
    assert ([one.text for one in merged.aliases], contradicted) == (["mine", "theirs"], False)


@given(beliefs(), beliefs(), beliefs())
def test_no_side_of_a_merge_loses_what_it_alone_changed(base: Belief, page: Belief, store: Belief) -> None:
    merged, contradicted = sync.merge(base, page, store)
    for field in ("type", "name", "content", "why", "scope"):
        was, here, there, result = (getattr(one, field) for one in (base, page, store, merged))
        assert result == (there if here == was else here)
        assert contradicted or there in (was, here) or here == was
    assert sync.merge(base, page, base)[0] == page and sync.merge(base, base, store)[0] == store


@pytest.mark.parametrize(
    ("there", "gone", "deleted"),
    [(1, 1, 1), (2, 2, 0), (9, 5, 5), (9, 6, 0), (100, 10, 10), (100, 11, 0), (900, 50, 50), (900, 51, 0), (40, 40, 0)],
)
def test_too_many_pages_that_vanish_at_once_are_not_deleted(there: int, gone: int, deleted: int) -> None:
    known = [BASE._replace(id=f"c{n}") for n in range(there)]
    base = {one.id: agreed(one, f"user/facts/{one.id}.md") for one in known}
    left = [Sheet(base[one.id].page, b"", None) for one in known[gone:]]
    changes = sync.plan(base, left, {one.id: Stored(one, False, None) for one in known[:gone]})
    assert [change.act for change in changes] == ["retire" if deleted else "hold"] * gone


def test_the_brake_is_taken_off_by_saying_so() -> None:
    base = {id_: agreed(BASE._replace(id=id_), f"user/facts/{id_}.md") for id_ in ("c1", "c2")}
    side = {id_: stored(BASE._replace(id=id_))._replace(waits=False) for id_ in base}
    assert {change.act for change in sync.plan(base, [], side, accept_deletions=True)} == {"retire"}


def test_a_scope_whose_folder_vanished_is_braked_for_itself() -> None:
    places = {f"p{n}": "project:a" for n in range(2)} | {f"u{n}": "user" for n in range(9)}
    known = {id_: BASE._replace(id=id_, scope=scope) for id_, scope in places.items()}
    base = {id_: agreed(one, tree.page_path(one)) for id_, one in known.items()}
    left = [Sheet(base[id_].page, b"", None) for id_ in ("u0", "u1", "u2", "u3", "u4", "u5", "u6", "u7")]
    side = {id_: Stored(known[id_], False, None) for id_ in ("p0", "p1", "u8")}
    found = {change.id: change.act for change in sync.plan(base, left, side)}
    assert found == {"p0": "hold", "p1": "hold", "u8": "retire"}


def test_what_waits_for_its_deletion_to_be_accepted_goes_on_waiting_whatever_comes() -> None:
    known = [BASE._replace(id=f"c{n}") for n in range(2)]
    base = {one.id: agreed(one, f"user/facts/{one.id}.md") for one in known}
    side = {one.id: Stored(one, False, None) for one in known}
    first = sync.plan(base, [sheet(NEW, ELSEWHERE)], side)
    assert [one.act for one in first if one.id != NEW.id] == ["hold"] * 2
    held = {one.id for one in sync.holds(first) if one.kind == sync.GONE}
    then = (base | {NEW.id: agreed(NEW, ELSEWHERE)}, [Sheet(agreed(NEW, ELSEWHERE).page, b"", None)], side)
    assert [one.act for one in sync.plan(*then, gone=held)] == ["hold"] * 2
    assert [one.act for one in sync.plan(*then, gone=held, accept_deletions=True)] == ["retire"] * 2


# -- the whole --------------------------------------------------------------------------------------


def record(id_: str, **fields: Any) -> dict[str, Any]:
    plain = {"id": id_, "type": "fact", "scope": "user", "name": id_, "content": f"{id_} is stored", "aliases": []}
    return plain | fields


@pytest.fixture
def filled(memory: Memory) -> Memory:
    take_in(memory, record("one"), record("two"), record("three", scope="project:a"), record("four", scope="project:a"))
    return memory


def at(memory: Memory, path: str) -> Path:
    return Path(memory.home.path) / path


def settled(memory: Memory, **options: bool) -> Synced:
    """Sync, and make sure that a second one has nothing left to do, and that both sides agree."""
    done = memory.sync(**options)
    assert (done.problems, done.waits, done.outbox) == ([], None, 0)
    before = pages(memory), memory.export(()), memory.operations(99)
    assert memory.sync()[:3] == ([], [], None)
    assert (pages(memory), memory.export(()), memory.operations(99)) == before
    assert memory.doctor(verify_ranking=False).problems == []
    return done


def said(memory: Memory, id_: str) -> Belief:
    return next(one for one in memory.export(()) if one.id == id_)


def test_an_edit_by_hand_becomes_a_version_and_can_be_undone(filled: Memory) -> None:
    page = at(filled, "user/facts/one.md")
    before = page.read_bytes(), filled.export(())
    page.write_text(page.read_text().replace("one is stored", "one is stored\nby hand"))
    settled(filled)
    assert (said(filled, "one").content, said(filled, "one").source) == ("one is stored\nby hand", "user-edit")
    assert [version.operation.kind for version in filled.history("one", ())[1]] == ["import", "sync"]
    filled.undo(1)
    assert (page.read_bytes(), filled.export(())) == before


def test_what_is_not_mem_s_in_a_page_survives_a_sync_and_later_acts(filled: Memory) -> None:
    page = at(filled, "user/facts/one.md")
    page.write_bytes(
        page.read_bytes().replace(b"type: fact\n", b"# mine\ntype: fact\ntags: [a]\n").replace(b"\n", b"\r\n")
    )
    settled(filled)
    filled.edit_aliases("one", ["pg"], [], ())
    filled.forget(["one"], ())
    text = at(filled, "archive/user/facts/one.md").read_bytes()
    assert b"# mine\r\ntype: fact\r\ntags: [a]\r\n" in text and text.count(b"\r\n") == text.count(b"\n")


def test_a_deleted_page_is_a_belief_that_can_be_restored(filled: Memory) -> None:
    page = at(filled, "user/facts/one.md")
    text = page.read_text()
    page.unlink()
    settled(filled)
    assert said(filled, "one").status == "retracted" and not page.exists()
    filled.restore(["one"], ())
    assert page.read_text() == text


def test_the_page_of_a_retracted_belief_may_go_altogether(filled: Memory) -> None:
    filled.forget(["one"], ())
    at(filled, "archive/user/facts/one.md").unlink()
    settled(filled)
    filled.restore(["one"], ())
    assert at(filled, "user/facts/one.md").exists()


def test_a_page_that_a_person_began_gets_an_id_and_its_place_says_the_rest(filled: Memory) -> None:
    page = at(filled, "project/b/decisions/mine.md")
    page.parent.mkdir(parents=True)
    page.write_text("---\ntags: [x]\n---\n# queue\n\nKafka it is.\n\nWhy: it was there\n")
    settled(filled)
    one = next(one for one in filled.export(()) if one.name == "queue")
    assert (one.type, one.scope, one.content, one.why) == ("decision", "project:b", "Kafka it is.", "it was there")
    assert (
        page.read_text().startswith(f"---\nid: {one.id}\ntype: decision\nscope: project:b\n")
        and "tags: [x]" in page.read_text()
    )


@pytest.mark.parametrize("id_", ["_", "0", "no"])
def test_every_id_that_a_belief_can_have_comes_from_a_page(filled: Memory, id_: str) -> None:
    at(filled, "user/facts/x.md").write_bytes(tree.render(belief(id=id_, name="x", content="Short.")))
    settled(filled)
    assert said(filled, id_).content == "Short."


def test_a_page_from_elsewhere_keeps_its_id_and_its_times(filled: Memory) -> None:
    other = belief(id="from_elsewhere", name="x", content="Elsewhere.", created="2026-01-01", stability=7.0)
    page = at(filled, "user/facts/x.md")
    page.write_bytes(tree.render(other))
    settled(filled)
    assert tree.owned(said(filled, "from_elsewhere")) == tree.owned(other)
    assert page.read_bytes() == tree.render(other)


def test_a_page_that_moved_inside_its_scope_stays_where_it_was_put(filled: Memory) -> None:
    at(filled, "user/facts/one.md").rename(at(filled, "user/facts/my own name.md"))
    settled(filled)
    filled.pin(["one"], (), True)
    assert sorted(name for name in pages(filled) if name.startswith("user/")) == [
        "user/facts/my own name.md",
        "user/facts/two.md",
    ]


def test_two_pages_may_change_places(filled: Memory) -> None:
    one, two, other = (at(filled, f"user/facts/{name}.md") for name in ("one", "two", "x"))
    one.rename(other)
    two.rename(one)
    other.rename(two)
    settled(filled)
    assert b"id: one\n" in two.read_bytes() and b"id: two\n" in one.read_bytes()


def test_a_page_in_the_folder_of_another_scope_waits_until_the_move_is_accepted(filled: Memory) -> None:
    page = at(filled, "project/a/facts/one.md")
    at(filled, "user/facts/one.md").rename(page)
    text = page.read_bytes()
    assert [problem.path for problem in filled.sync().problems] == ["project/a/facts/one.md"]
    assert (said_scope(filled, "one"), page.read_bytes()) == ("user", text)
    settled(filled, accept_moves=True)
    assert (said_scope(filled, "one"), b"scope: project:a\n" in page.read_bytes()) == ("project:a", True)


def said_scope(memory: Memory, id_: str) -> str:
    store = Store.reading(memory.home.database() or "")
    scope = store.everything().belief(id_).scope
    store.close()
    return scope


def test_a_scope_given_by_hand_moves_the_page_once_it_is_accepted(filled: Memory) -> None:
    page = at(filled, "user/facts/one.md")
    page.write_text(page.read_text().replace("scope: user", "scope: project:a"))
    assert len(filled.sync().problems) == 1
    settled(filled, accept_moves=True)
    assert at(filled, "project/a/facts/one.md").exists() and not page.exists()


def test_a_copy_withholds_both_until_one_goes(filled: Memory) -> None:
    page, copy = at(filled, "user/facts/one.md"), at(filled, "user/facts/copy.md")
    copy.write_bytes(page.read_bytes())
    assert len(filled.sync().problems) == 2
    with _quiet(filled):
        filled.edit_aliases("one", ["pg"], [], ())
        assert "one" not in {hit.belief.id for hit in filled.recall("one stored", (), 9).hits}
    assert page.read_bytes() == copy.read_bytes()
    copy.unlink()
    settled(filled)
    assert b"pg" in page.read_bytes()


class _quiet:
    """Warnings are expected meanwhile."""

    def __init__(self, memory: Memory) -> None:
        self.memory, self.warn = memory, memory._warn

    def __enter__(self) -> None:
        self.memory._warn = lambda message: None

    def __exit__(self, *_: object) -> None:
        self.memory._warn = self.warn


def contradicted(memory: Memory) -> None:
    """A page and its belief say different things: the page was saved in the instant of a write."""
    page, place = at(memory, "user/facts/one.md"), tree.place
    text = page.read_text()

    def too_late(path: str, *rest: Any) -> tree.Placed:
        page.write_text(text.replace("one is stored", "one, by hand"))
        return place(path, *rest)

    with pytest.MonkeyPatch.context() as patch, _quiet(memory):
        patch.setattr(tree, "place", too_late)
        memory.edit("one", {"content": "one, by mem"}, ())


def test_of_two_edits_of_one_field_the_page_stands_and_the_other_is_in_conflicts(filled: Memory) -> None:
    contradicted(filled)
    with _quiet(filled):
        settled(filled)
    assert said(filled, "one").content == "one, by hand"
    [pair] = filled.conflicts(())
    assert {one.content for one in pair} == {"one, by hand", "one, by mem"}
    assert not filled.inject("one", (), None, 2000, "n").injection.sections.relevant


@pytest.mark.parametrize("kept", ["one, by hand", "one, by mem"])
def test_a_contradiction_is_settled_by_keeping_a_side(filled: Memory, kept: str) -> None:
    contradicted(filled)
    with _quiet(filled):
        settled(filled)
    chosen = next(one for pair in filled.conflicts(()) for one in pair if one.content == kept)
    filled.settle(chosen, (), both=False)
    settled(filled)
    assert [one.content for one in filled.export(()) if one.content.startswith("one, by") and one.current] == [kept]


def test_a_write_that_met_an_edit_of_another_field_is_merged(filled: Memory) -> None:
    page, place = at(filled, "user/facts/one.md"), tree.place
    text = page.read_text().replace("one is stored", "one, by hand")

    def too_late(path: str, *rest: Any) -> tree.Placed:
        page.write_text(text)
        return place(path, *rest)

    with pytest.MonkeyPatch.context() as patch, _quiet(filled):
        patch.setattr(tree, "place", too_late)
        filled.pin(["one"], (), True)
    settled(filled)
    assert (said(filled, "one").content, said(filled, "one").pinned) == ("one, by hand", True)


def test_an_edit_beats_a_deletion(filled: Memory) -> None:
    page, place = at(filled, "user/facts/one.md"), tree.place

    def too_late(path: str, *rest: Any) -> tree.Placed:
        page.unlink()
        raise tree.Changed(path)

    with pytest.MonkeyPatch.context() as patch, _quiet(filled):
        patch.setattr(tree, "place", too_late)
        filled.edit("one", {"content": "one, by mem"}, ())
    assert place is tree.place
    settled(filled)
    assert "one, by mem" in page.read_text()


def test_a_belief_whose_place_a_person_took_meanwhile_gets_another_one(filled: Memory) -> None:
    own = at(filled, "user/facts/five.md")

    def too_late(path: str, *rest: Any) -> tree.Placed:
        own.write_bytes(tree.render(belief(id="mine", content="By hand.")))
        raise tree.Changed(path)

    with pytest.MonkeyPatch.context() as patch, _quiet(filled):
        patch.setattr(tree, "place", too_late)
        filled.remember("Five.", {"name": "five", "type": "fact"}, None, None)
    settled(filled)
    assert b"By hand." in own.read_bytes() and said(filled, "mine").content == "By hand."
    assert any(b"Five." in page for path, page in pages(filled).items() if path.startswith("user/facts/five--"))


def test_an_edit_in_the_editor_keeps_the_lines_that_are_not_mem_s(filled: Memory) -> None:
    one, before = filled.page_to_edit("one", ())
    after = before.replace(b"type: fact\n", b"# mine\ntype: fact\ntags: [a]\n").replace(b"stored", b"kept")
    filled.edit_page(one, before, after, ())
    text = at(filled, "user/facts/one.md").read_bytes()
    assert b"# mine\ntype: fact\ntags: [a]\n" in text and b"one is kept" in text
    settled(filled)


def test_nothing_is_deleted_while_the_folder_is_empty(filled: Memory) -> None:
    before = filled.export(())
    top = at(filled, "")
    for folder in ("user", "project"):
        (top / folder).rename(top / f".{folder}")
    assert len(filled.sync().problems) == 4
    for folder in ("user", "project"):
        (top / f".{folder}").rename(top / folder)
    settled(filled)
    assert filled.export(()) == before


MOMENTS = ["sync.look", "sync.deliver", "tree.require_inside", "tree.write_through", "writing.replica_text"]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_memory_folder_that_is_moved_away_in_the_midst_loses_nothing_and_no_other_one_begins(
    filled: Memory, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    page = at(filled, "user/facts/two.md")
    page.write_text(page.read_text().replace("two is", "two was"))
    top, away = at(filled, ""), at(filled, "").with_name("away")
    module, name = moment.split(".")
    then = getattr(sys.modules[f"mem.{module}"], name)

    def moved(*arguments: Any, **options: Any) -> Any:
        if not away.exists():
            top.rename(away)
        return then(*arguments, **options)

    with monkeypatch.context() as patch, pytest.raises(StoreUnusable):
        patch.setattr(f"mem.{moment}", moved)
        if moment != "sync.look":
            filled.forget(["one"], ())
        filled.sync()
    assert not top.exists()
    away.rename(top)
    filled.sync()
    settled(filled)
    assert {one.id for one in filled.export(()) if not one.current} <= {"one"}
    assert said(filled, "two").content == "two was stored"


def test_a_dry_run_changes_nothing(filled: Memory) -> None:
    page = at(filled, "user/facts/one.md")
    page.write_text(page.read_text().replace("one is", "one was"))
    at(filled, "user/facts/two.md").unlink()
    before = pages(filled), filled.operations(9)
    done = filled.sync(dry_run=True)
    assert sorted((change.act, change.id) for change in done.changes) == [("retire", "two"), ("take", "one")]
    assert (pages(filled), filled.operations(9)) == before


def test_displaced_text_is_kept_for_a_day_and_what_cannot_be_verified_for_good(filled: Memory) -> None:
    filled.pin(["one", "two"], (), True)
    kept = sorted(path for path, _, _ in tree.displaced(filled.home.local))
    assert len(kept) == 2
    Path(kept[0]).write_bytes(b"somebody had it open")
    at_once = Path(kept[0]).stat().st_mtime
    sync.drop_displaced(filled.home, at_once - 1)
    assert sorted(path for path, _, _ in tree.displaced(filled.home.local)) == kept
    sync.drop_displaced(filled.home, at_once + sync.DISPLACED_SECONDS)
    assert [path for path, _, _ in tree.displaced(filled.home.local)] == kept[:1]
    assert [problem.path for problem in filled.doctor(verify_ranking=False).problems] == [
        os.path.relpath(kept[0], filled.home.path)
    ]


# -- damage -----------------------------------------------------------------------------------------

LAUGHS = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(9)
)
HEAD = b"---\nid: one\ntype: fact\nscope: user\n"
DAMAGES: dict[str, tuple[bytes, int]] = {
    "conflict markers": (HEAD + b"---\n# one\n\n<<<<<<< HEAD\na\n=======\nb\n>>>>>>> b\n", 8),
    "a billion laughs": (HEAD + LAUGHS + b"---\n# one\n\nc\n", 5),
    "deep nesting": (HEAD + b"x: " + b"[" * 5000 + b"]" * 5000 + b"\n---\n# one\n\nc\n", 5),
    "a tag": (HEAD + b"why: !!python/object/apply:os.system [ls]\n---\n# one\n\nc\n", 5),
    "not UTF-8": (HEAD + b"---\n# one\n\n\xff\n", 8),
    "too large": (HEAD + b"---\n# one\n\n" + b"a" * tree.MAX_PAGE, 0),
    "not YAML": (HEAD + b"why: 'c\n---\n# one\n\nc\n", 5),
}


@pytest.mark.parametrize(("data", "line"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_page_is_named_left_alone_and_its_last_good_version_serves(
    filled: Memory, mem: Mem, data: bytes, line: int
) -> None:
    page = at(filled, "user/facts/one.md")
    page.write_bytes(data)
    result = mem("sync")
    assert result.status == 3 and f"user/facts/one.md:{line}: " in result.err.replace("md: ", "md:0: ")
    assert "one is stored" in mem("recall", "one").out
    assert mem("doctor").status == 3 and "user/facts/one.md" in mem("doctor").err
    assert mem("pin", "one").status == 0
    assert page.read_bytes() == data
    page.write_bytes(tree.render(said(filled, "one")._replace(content="mended")))
    settled(filled)
    assert (said(filled, "one").content, said(filled, "one").pinned) == ("mended", True)


def a_link(place: Path) -> None:
    (place.parent / "target").write_bytes(tree.render(belief(id="linked", content="secret elsewhere")))
    place.symlink_to(place.parent / "target")


def odd(make: Callable[[Path], None], name: str = "odd.md") -> tuple[Callable[[Path], None], str]:
    return make, name


def a_page(place: Path) -> None:
    place.write_bytes(tree.render(belief(id="odd", name="odd", content="odd")))


ODD_FILES = {
    "a link": odd(a_link),
    "a pipe": odd(lambda place: os.mkfifo(place)),
    "another case": odd(a_page, "One.md"),
    "a device of Windows": odd(a_page, "con.md"),
    "a character of Windows": odd(a_page, "a:b.md"),
    "no front matter": odd(lambda place: place.write_text("mine")),
    "a name that is not UTF-8": odd(a_page, os.fsdecode(b"\xff.md")),
}


@pytest.mark.parametrize(("make", "name"), ODD_FILES.values(), ids=ODD_FILES)
def test_a_file_that_is_no_page_is_named_and_neither_followed_nor_waited_for(
    filled: Memory, mem: Mem, make: Callable[[Path], None], name: str
) -> None:
    place = at(filled, "user/facts") / name
    make(place)
    before = filled.export(())
    result = mem("sync")
    assert result.status == 3 and result.err.startswith("mem: user/facts/")
    assert mem("doctor").status == 3 and mem("recall", "one").status == 0
    assert filled.export(()) == before and os.path.lexists(place)


def test_forms_of_unicode_that_clash_are_named(filled: Memory) -> None:
    for name in ("é", "e\u0301"):
        a_page(at(filled, "user/facts") / f"{name}.md")
    page = at(filled, "user/facts") / "é.md"
    page.write_bytes(page.read_bytes().replace(b"id: odd", b"id: odd2"))
    [problem] = filled.sync().problems
    assert "Unicode form" in problem.message


def test_a_link_in_the_place_of_a_known_page_is_not_followed(filled: Memory, mem: Mem) -> None:
    page = at(filled, "user/facts/one.md")
    page.unlink()
    a_link(page)
    assert mem("sync").status == 3
    result = mem("recall", "stored secret")
    assert "one is stored" in result.out and "secret elsewhere" not in result.out


@pytest.mark.parametrize("name", ["../../../escape", "..", "/etc/passwd", "a/../../b"])
def test_no_name_leads_out_of_its_folder(memory: Memory, name: str) -> None:
    take_in(memory, record("one", name=name))
    assert [path.startswith("user/facts/") and ".." not in path.split("/") for path in pages(memory)] == [True]


# -- what a read sees -------------------------------------------------------------------------------


def found(memory: Memory, query: str) -> list[str]:
    return [hit.belief.content for hit in memory.recall(query, (), 9).hits]


def test_a_read_sees_a_new_page_that_has_an_id(filled: Memory) -> None:
    page = at(filled, "user/preferences/x.md")
    page.parent.mkdir()
    page.write_bytes(tree.render(belief(id="fresh", type="preference", name="walrus", content="I like the walrus.")))
    assert found(filled, "walrus") == ["I like the walrus."]
    assert "I like the walrus." in filled.inject("a walrus?", (), None, 2000, "n").injection.text
    assert "fresh" in {one.id for one in filled.beliefs(())[1]}
    assert said(filled, "fresh").content == "I like the walrus."


def test_a_read_takes_no_page_without_an_id_nor_from_a_folder_that_is_not_of_its_scope(filled: Memory) -> None:
    at(filled, "user/facts/x.md").write_text("---\ntype: fact\n---\n# walrus\n\nA walrus.\n")
    at(filled, "user/facts/y.md").write_bytes(tree.render(belief(id="y1", content="A walrus.", scope="project:a")))
    with _quiet(filled):
        assert found(filled, "walrus") == []


def test_a_read_follows_a_page_that_moved_inside_its_scope(filled: Memory) -> None:
    at(filled, "user/facts/one.md").rename(at(filled, "user/facts/other.md"))
    assert found(filled, "one") == ["one is stored"]


def test_what_is_at_two_paths_is_not_said_to_be_gone(filled: Memory, mem: Mem) -> None:
    shutil.copy(at(filled, "user/facts/one.md"), at(filled, "user/facts/copy.md"))
    shown = mem("show", "one")
    assert shown.status == 1 and "user/facts/one.md of one does not count" in shown.err
    at(filled, "user/facts/copy.md").unlink()
    at(filled, "user/facts/one.md").unlink()
    assert "is gone" in mem("show", "one").err


def test_a_read_withholds_what_is_at_two_paths(filled: Memory) -> None:
    at(filled, "user/facts/copy.md").write_bytes(at(filled, "user/facts/one.md").read_bytes())
    with _quiet(filled):
        assert found(filled, "one") == []


def test_with_too_many_pages_to_look_at_those_that_are_shown_are_looked_at(
    filled: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = at(filled, "user/facts/one.md")
    page.write_text(page.read_text().replace("one is stored", "one is stored otherwise"))
    at(filled, "user/facts/two.md").unlink()
    monkeypatch.setattr(Memory._overlay_then, "__defaults__", (1,))
    with _quiet(filled):
        answer = filled.recall("stored", (), 9)
    assert (answer.freshness, [hit.belief.content for hit in answer.hits]) == ("partial", ["one is stored otherwise"])


# -- git --------------------------------------------------------------------------------------------


@pytest.fixture
def git(filled: Memory) -> Callable[..., str]:
    def run(*arguments: str) -> str:
        line = ["git", "-C", filled.home.path, *arguments]
        return subprocess.run(line, check=True, capture_output=True, text=True).stdout

    run("config", "user.name", "I")
    run("config", "user.email", "i@example.org")
    run("add", "-A")
    run("commit", "-qm", "first")
    filled.sync()
    return run


def test_on_another_branch_nothing_is_taken_in_or_written(filled: Memory, git: Callable[..., str]) -> None:
    git("checkout", "-qb", "other")
    page = at(filled, "user/facts/one.md")
    page.write_text(page.read_text().replace("one is", "one was"))
    with _quiet(filled):
        filled.pin(["two"], (), True)
    done = filled.sync()
    assert "on the git branch other" in (done.waits or "") and done.outbox == 1
    assert found(filled, "one") == ["one was stored"] and "pinned" not in at(filled, "user/facts/two.md").read_text()
    git("checkout", "-q", "-")
    settled(filled)
    assert (
        "pinned: true" in at(filled, "user/facts/two.md").read_text()
        and said(filled, "one").content == "one was stored"
    )


def test_another_branch_is_what_holds_once_that_is_said(filled: Memory, git: Callable[..., str]) -> None:
    git("checkout", "-qb", "other")
    page = at(filled, "user/facts/one.md")
    page.write_text(page.read_text().replace("one is", "one was"))
    settled(filled, accept_branch=True)
    assert said(filled, "one").content == "one was stored"


def test_a_branch_that_was_renamed_is_the_same(filled: Memory, git: Callable[..., str]) -> None:
    git("branch", "-m", "trunk")
    settled(filled)


def test_while_a_merge_is_in_progress_everything_waits(filled: Memory, git: Callable[..., str]) -> None:
    page = at(filled, "user/facts/one.md")
    git("checkout", "-qb", "other")
    page.write_text(page.read_text().replace("one is", "one was"))
    git("commit", "-qam", "theirs")
    git("checkout", "-q", "-")
    page.write_text(page.read_text().replace("one is", "one will be"))
    git("commit", "-qam", "mine")
    with pytest.raises(subprocess.CalledProcessError):
        git("merge", "other")
    assert "merge is in progress" in (filled.sync().waits or "")
    page.write_text(page.read_text().split("<<<<<<<")[0] + "one is both\n")
    git("commit", "-qam", "merged")
    settled(filled)
    assert said(filled, "one").content == "one is both"


def test_sync_says_what_it_does_as_json(filled: Memory, mem: Mem) -> None:
    at(filled, "user/facts/one.md").unlink()
    document = json.loads(mem("sync", "--json").out)
    assert document.keys() == set(
        "schema dry_run waits outbox changes commits pulled pushed unreviewed problems".split()
    )
    assert [(one["act"], one["id"], one["path"]) for one in document["changes"]] == [
        ("retire", "one", "user/facts/one.md")
    ]


def new_page(memory: Memory, path: str, id_: str, content: str) -> None:
    at(memory, path).parent.mkdir(parents=True, exist_ok=True)
    at(memory, path).write_text(f"---\nid: {id_}\n---\n# {id_}\n\n{content}\n")


def stored_beliefs(memory: Memory) -> list[Belief]:
    """What the database holds, whatever the pages say."""
    store = Store.reading(memory.home.database() or "")
    found = store.everything().beliefs()
    store.close()
    return found


def test_an_act_takes_in_the_new_page_that_it_names_and_no_other(filled: Memory, mem: Mem) -> None:
    new_page(filled, "user/facts/five.md", "five", "Five is new.")
    new_page(filled, "user/facts/six.md", "six", "Six is new.")
    assert mem("pin", "nosuch").status == 2 and len(stored_beliefs(filled)) == 4
    assert mem("pin", "five").status == 0
    assert {one.id for one in stored_beliefs(filled)} == {"one", "two", "three", "four", "five"}


def test_a_new_page_of_another_scope_is_not_named(filled: Memory, mem: Mem) -> None:
    new_page(filled, "project/a/facts/five.md", "five", "Five is new.")
    done = mem("pin", "five")
    assert (done.status, "new page" in done.err) == (2, False) and len(stored_beliefs(filled)) == 4


@pytest.mark.parametrize("line", [("x y", "--scope", "Bad!"), ("x y",), ("Something else.", "--name", "one")])
def test_a_command_of_an_agent_takes_nothing_in_and_is_told_of_no_page(
    filled: Memory, mem: Mem, monkeypatch: pytest.MonkeyPatch, line: tuple[str, ...]
) -> None:
    new_page(filled, "user/facts/five.md", "five", "Five is new.")
    at(filled, "user/facts/one.md").write_text(at(filled, "user/facts/one.md").read_text() + "\nBy an agent.\n")
    monkeypatch.setattr(sync, "deliver", lambda *_: [Problem("project/secret/facts/x.md", 0, "waits")])
    monkeypatch.setenv("CLAUDECODE", "1")
    done = mem("remember", *line)
    assert "secret" not in done.err
    approved = {one.content for one in stored_beliefs(filled) if one.review == "approved"}
    assert approved == {f"{name} is stored" for name in ("one", "two", "three", "four")}


def test_a_page_that_cannot_be_taken_is_not_told_as_taken_and_keeps_its_place(
    filled: Memory, mem: Mem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise ValueError("content is nothing")

    at(filled, "user/facts/one.md").write_text(at(filled, "user/facts/one.md").read_text() + "\nMore.\n")
    monkeypatch.setattr(Memory, "_take", refuse)
    done = mem("sync")
    assert (done.status, "took in" in done.out, "content is nothing" in done.err) == (3, False, True)
    store = Store.reading(filled.home.database() or "")
    assert store.rows("SELECT folded FROM page WHERE id = 'one'") == [("user/facts/one.md",)]
    store.close()


def test_an_undo_of_an_accepted_move_puts_the_page_back(filled: Memory) -> None:
    before = pages(filled)
    os.rename(at(filled, "user/facts/one.md"), at(filled, "project/a/facts/one.md"))
    filled.sync(accept_moves=True)
    assert "project/a/facts/one.md" in pages(filled)
    filled.undo(1)
    assert pages(filled) == before and filled.doctor(verify_ranking=False).problems == []


@pytest.mark.parametrize("put", [os.mkfifo, lambda path: os.symlink("/etc/hostname", path)])
def test_doctor_tells_of_what_is_no_file_and_goes_on(filled: Memory, put: Any) -> None:
    at(filled, "user/facts/one.md").unlink()
    put(at(filled, "user/facts/one.md"))
    report = filled.doctor(verify_ranking=False)
    assert (report.beliefs, [problem.path for problem in report.problems]) == (4, ["user/facts/one.md"])


def test_an_agent_does_not_sync(filled: Memory, mem: Mem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDECODE", "1")
    assert mem("sync").status == 4


@given(st.lists(st.sampled_from(("one", "two")), max_size=2))
def test_places_of_pages_are_read_back(segments: list[str]) -> None:
    scope = f"project:{'/'.join(segments)}" if segments else "user"
    for archived in (False, True):
        path = tree.page_path(belief(scope=scope, archived=archived))
        assert tree.place_of(path) == (scope, "fact", archived)
