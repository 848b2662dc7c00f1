"""Mending: copies of the database, and each side made anew from the other one, exact in all that a page holds."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mem import store, tree
from mem.belief import Belief, to_record
from mem.errors import NewerStore, StoreUnusable, UsageMistake
from mem.memory import Memory
from mem.store import MIGRATIONS, Held, Store, backups
from tests.conftest import Mem
from tests.strategies import NOW, beliefs, fresh_memory, pages, take_in


def record(id_: str, **fields: Any) -> dict[str, Any]:
    plain = {"id": id_, "type": "fact", "scope": "user", "name": id_, "content": f"{id_} is stored", "aliases": []}
    return plain | fields


@pytest.fixture
def filled(memory: Memory) -> Memory:
    take_in(memory, record("one"), record("two", scope="project:a"), record("three"))
    take_in(memory, record("waits"), approve=False)
    memory.forget(["three"], ())
    memory.map_scope(memory.home.path, "project:a")
    return memory


def database(memory: Memory) -> Path:
    return Path(memory.home.database() or "")


def told(memory: Memory) -> list[Any]:
    return [memory.export(()), pages(memory), memory.mappings(), [one.summary for one in memory.operations(99)]]


# -- from the pages ---------------------------------------------------------------------------------


def test_a_database_made_from_the_pages_holds_what_the_old_one_held(filled: Memory) -> None:
    before = told(filled)
    done = filled.rebuild_database()
    assert told(filled)[1:] == before[1:]
    owned = [tree.owned(one) for one in before[0] if one.review == "approved"]
    assert [tree.owned(one) for one in filled.export(()) if one.review == "approved"] == owned
    assert [one.id for one in filled.export(()) if one.review == "pending"] == ["waits"]
    assert filled.doctor(verify_ranking=False).problems == [] and Path(done.kept or "").exists()


def damage(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))


@pytest.mark.parametrize("harm", [damage, lambda path: path.write_bytes(b"no database"), lambda path: path.unlink()])
def test_a_damaged_database_is_kept_and_a_new_one_made_from_the_pages(filled: Memory, harm: Any) -> None:
    before = [tree.owned(one) for one in filled.export(()) if one.review == "approved"]
    harm(database(filled))
    with pytest.raises(StoreUnusable, match=r"mem doctor --rebuild db|missing"):
        _export(filled)
    filled.rebuild_database()
    assert filled.export(()) == before


def _export(memory: Memory) -> list[Belief]:
    try:
        return memory.export(())
    except StoreUnusable as error:
        raise StoreUnusable(f"{error.message} {error.hint}") from None


def test_a_newer_database_is_not_taken_for_a_damaged_one(filled: Memory) -> None:
    connection = sqlite3.connect(database(filled))
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(NewerStore):
        filled.rebuild_database()
    assert database(filled).exists() and not os.path.isdir(backups(str(database(filled))))


def test_a_rebuild_that_fails_leaves_the_old_database(filled: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    before = told(filled)

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError):
        patch.setattr(Memory, "_make_store", fail)
        filled.rebuild_database()
    assert told(filled) == before


def test_a_rebuild_waits_for_the_pages_that_the_database_knows(filled: Memory, mem: Mem) -> None:
    filled.sync()
    (Path(filled.home.path) / ".git/MERGE_HEAD").write_text(f"{'0' * 40}\n")
    before = told(filled)
    result = mem("doctor", "--rebuild", "db")
    assert result.status == 4 and "a merge is in progress" in result.err and "git -C" in result.err
    assert told(filled) == before and not os.path.isdir(backups(str(database(filled))))


def test_a_rebuild_waits_for_changes_that_no_page_says_yet(filled: Memory, mem: Mem) -> None:
    page = Path(filled.home.path) / "user/facts/one.md"
    page.write_text(page.read_text().replace("aliases:", "<<<<<<< mine\naliases:"))
    filled.pin(["one"], (), True)
    before = told(filled)
    result = mem("doctor", "--rebuild", "db")
    assert result.status == 4 and "user/facts/one.md does not say yet" in result.err and "mem sync" in result.err
    assert told(filled) == before


def test_a_memory_folder_that_was_deleted_comes_back_from_its_database(filled: Memory, mem: Mem) -> None:
    filled.sync()
    before = told(filled), pages(filled), filled.operations(9)
    shutil.rmtree(filled.home.path)
    assert "mem doctor --rebuild tree" in mem("status").err
    asked = mem("doctor")
    assert (asked.status, os.path.exists(filled.home.path)) == (3, False) and "mem doctor --rebuild tree" in asked.err
    assert mem("doctor", "--rebuild", "tree").status == 0
    assert (told(filled), pages(filled), filled.operations(9)) == before
    assert filled.sync().problems == []


def test_a_new_memory_begins_where_one_was_deleted_and_gives_way_to_the_old_one(filled: Memory, mem: Mem) -> None:
    filled.sync()
    before, old = filled.export(()), database(filled)
    shutil.rmtree(filled.home.path)
    assert f"mem doctor --rebuild tree --from {old} brings back" in mem("remember", "Redis holds it.").err
    [new] = filled.export(())
    assert database(filled) != old and mem("sync").err == ""
    assert mem("doctor", "--rebuild", "tree", "--from", str(old)).status == 0
    assert {one.id for one in filled.export(())} == {one.id for one in (*before, new)}


@pytest.mark.parametrize("named", ["/nowhere/x/memory.db", "~/mem/.mem/format", ""])
def test_a_tree_is_made_from_databases_of_mem_alone(filled: Memory, mem: Mem, named: str) -> None:
    before = told(filled)
    refused = mem("doctor", "--rebuild", "tree", "--from", named)
    assert (refused.status, "no database that mem keeps" in refused.err, told(filled)) == (2, True, before)


def test_the_database_of_another_folder_stays_that_one_s(filled: Memory, mem: Mem, tmp_path: Path) -> None:
    before = told(filled)
    os.environ["MEM_HOME"] = str(tmp_path / "second")
    assert mem("remember", "Redis holds it.").status == 0
    refused = mem("doctor", "--rebuild", "tree", "--from", str(database(filled)))
    assert (refused.status, "is the database of" in refused.err, told(filled)) == (2, True, before)
    assert mem("doctor", "--from", "x").status == 2


def test_a_folder_that_lost_what_names_its_database_gets_it_back(filled: Memory, mem: Mem, tmp_path: Path) -> None:
    (tmp_path / "note.md").write_text("Never log tokens.\n")
    filled.ingest([str(tmp_path / "note.md")], "user")
    before, store_id = (told(filled), filled.operations(9)), Path(filled.home.format).read_text()
    shutil.rmtree(filled.home.local)  # as git clean -fdx does
    assert mem("doctor", "--rebuild", "tree").status == 0
    assert (told(filled), filled.operations(9), Path(filled.home.format).read_text()) == (*before, store_id)


def test_a_clone_in_the_place_of_a_deleted_folder_deletes_nothing(filled: Memory, mem: Mem, tmp_path: Path) -> None:
    filled.sync()
    subprocess.run(["git", "clone", "-q", filled.home.path, tmp_path / "behind"], check=True)
    take_in(filled, record("unpushed"), record("another"))
    filled.sync()
    known, old = {one.id for one in filled.export(()) if one.current}, str(database(filled))
    shutil.rmtree(filled.home.path)
    shutil.move(tmp_path / "behind", filled.home.path)
    assert filled.sync().changes == [] and len(filled.export(())) == 3
    assert mem("doctor", "--rebuild", "tree", "--from", old).status == 0
    assert {one.id for one in filled.export(()) if one.current} == known and filled.sync().changes == []


def test_a_rebuild_of_the_tree_that_is_killed_is_finished(filled: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    filled.sync()
    before, place, written = told(filled), tree.place, 0
    shutil.rmtree(filled.home.path)

    def killed(*arguments: Any) -> Any:
        nonlocal written
        written += 1
        if written > 1:
            raise KeyboardInterrupt
        return place(*arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(tree, "place", killed)
        filled.rebuild_tree()
    filled.sync()
    assert told(filled) == before


def test_another_memory_in_the_place_of_a_deleted_one_does_not_get_its_database(filled: Memory) -> None:
    format = Path(filled.home.format)
    shutil.rmtree(filled.home.local)
    format.write_text(re.sub("store: .*", "store: another1", format.read_text()))
    filled.init()
    assert [one.kind for one in filled.operations(9)] == []


def test_what_no_page_says_comes_from_the_old_database(filled: Memory, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/a.md").write_text("Never log tokens.\n\nAlways use tabs.\n")
    proposed = filled.ingest([str(tmp_path / "notes")], "user").proposed
    filled.review([], [proposed[0].belief.id], ())
    (Path(filled.home.path) / "archive/user/facts/three.md").unlink()
    filled.sync()  # what the page said is kept in the database
    before = filled.export(())
    filled.rebuild_database()
    assert filled.export(()) == before and "three" in [one.id for one in before]
    again = filled.ingest([str(tmp_path / "notes")], "user")
    assert (again.proposed, again.withdrawn) == ([], 0)


def test_pages_that_are_missing_at_a_rebuild_are_still_missed_and_may_come_back(filled: Memory, tmp_path: Path) -> None:
    take_in(filled, *(record(f"a{n}", scope="project:a") for n in range(3)))
    filled.sync()
    shutil.move(Path(filled.home.path) / "project", tmp_path / "unmounted")
    missed = filled.sync().problems
    filled.rebuild_database()
    assert len(missed) == 4 and filled.sync().problems == missed
    shutil.move(tmp_path / "unmounted", Path(filled.home.path) / "project")
    filled.sync()
    assert {"two", "a0", "a1", "a2"} <= {one.id for one in filled.export(()) if one.current}
    assert filled.doctor(verify_ranking=False).problems == []


def test_pages_that_wait_for_a_decision_still_wait_after_a_rebuild(filled: Memory) -> None:
    held = Held("user/facts/elsewhere.md", "one", "0" * 64, "twin")
    with filled._locked_store() as opened, opened.transaction("x", "x", source="user", now=NOW) as transaction:
        transaction.hold_also(held)
    filled.rebuild_database()
    with filled._locked_store() as opened:
        assert opened.held() == [held]


def test_a_bringing_over_that_fails_half_way_leaves_the_old_database(
    filled: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = told(filled)

    def fail(*_: Any) -> None:
        raise StoreUnusable("a row is damaged")

    with monkeypatch.context() as patch, pytest.raises(StoreUnusable, match="row is damaged") as raised:
        patch.setattr("mem.mending._bring_held", fail)
        filled.rebuild_database()
    assert str(database(filled)) in raised.value.message
    assert told(filled) == before and os.listdir(backups(str(database(filled)))) == []


def test_of_two_rebuilds_in_one_second_both_old_databases_are_kept(filled: Memory) -> None:
    filled._clock = lambda: datetime(2026, 11, 28, tzinfo=UTC)
    first, second = (filled.rebuild_database().kept for _ in range(2))
    assert first != second and first and second and Path(first).exists() and Path(second).exists()


def test_where_no_database_was_none_is_said_to_be_kept(filled: Memory) -> None:
    database(filled).unlink()
    assert filled.rebuild_database().kept is None


# -- from the database ------------------------------------------------------------------------------


def test_pages_made_from_the_database_are_what_they_were(filled: Memory) -> None:
    before = told(filled)
    for folder in ("user", "project", "archive"):
        shutil.rmtree(Path(filled.home.path) / folder)
    assert len(filled.rebuild_tree().written) == 3
    assert told(filled) == before and filled.doctor(verify_ranking=False).problems == []


def test_what_stood_in_a_page_is_kept_and_what_is_not_mem_s_stays(filled: Memory) -> None:
    page = Path(filled.home.path) / "user/facts/one.md"
    page.write_bytes(page.read_bytes().replace(b"type: fact\n", b"# mine\ntype: fact\n"))
    filled.sync()
    agreed = page.read_bytes()
    page.write_bytes(b"<<<<<<< HEAD\nby hand")
    assert filled.rebuild_tree().written == ["user/facts/one.md"]
    assert page.read_bytes() == agreed
    assert b"<<<<<<< HEAD\nby hand" in [Path(path).read_bytes() for path, *_ in tree.displaced(filled.home.local)]


# Shrinking is left out: an example makes a store, and a smaller one would take minutes to find.
@settings(max_examples=15, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.lists(beliefs(), min_size=1, max_size=4, unique_by=lambda one: one.id.lower()))
def test_whatever_is_believed_comes_back_from_either_side(believed: list[Belief]) -> None:
    with fresh_memory() as memory:
        take_in(memory, *(to_record(one._replace(review="approved")) for one in believed))
        owned = {one.id: tree.owned(one) for one in memory.export(())}
        texts = pages(memory)
        shutil.rmtree(database(memory).parent)
        memory._warn = lambda message: None
        memory.rebuild_database()
        assert {one.id: tree.owned(one) for one in memory.export(())} == owned
        for path in texts:
            (Path(memory.home.path) / path).unlink()
        memory.rebuild_tree()
        assert pages(memory) == texts


# -- copies -----------------------------------------------------------------------------------------


def test_a_backup_is_one_sound_file_with_everything(filled: Memory, mem: Mem, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "copy.db"
    result = mem("backup", str(copy))
    assert (result.status, result.out) == (0, f"{copy}: 4 beliefs, 1 of them in the inbox\n")
    assert [path.name for path in copy.parent.iterdir()] == ["copy.db"] and copy.stat().st_mode & 0o777 == 0o600
    before = told(filled)
    shutil.copy(copy, database(filled))
    assert told(filled) == before and filled.doctor(verify_ranking=False).problems == []


def test_a_backup_replaces_nothing(filled: Memory, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    with pytest.raises(UsageMistake, match="exists"):
        filled.backup(str(tmp_path / "there"))
    assert (tmp_path / "there").read_text() == "mine"


def test_a_copy_that_is_not_what_was_copied_is_no_backup(filled: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter(({"belief": 1}, {"belief": 2}))
    monkeypatch.setattr(Store, "_row_counts", lambda store: next(counts))
    with pytest.raises(StoreUnusable, match="not what was copied"):
        filled.backup(None)
    assert os.listdir(backups(str(database(filled)))) == []


def test_a_migration_is_preceded_by_a_backup(filled: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = (*MIGRATIONS, lambda db: db.execute("DELETE FROM belief"))
    monkeypatch.setattr(store, "MIGRATIONS", steps)
    filled.init()
    assert filled.export(()) == []
    [name] = os.listdir(backups(str(database(filled))))
    kept = sqlite3.connect(os.path.join(backups(str(database(filled))), name))
    assert kept.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert kept.execute("SELECT COUNT(*) FROM belief").fetchone() == (4,)


def test_a_purge_reaches_the_backups(filled: Memory) -> None:
    filled.backup(None)
    filled.rebuild_database()
    filled.purge(filled.purge_plan("one", ()))
    folder = backups(str(database(filled)))
    assert len(os.listdir(folder)) == 1
    assert all(b"one is stored" not in (Path(folder) / name).read_bytes() for name in os.listdir(folder))


@pytest.mark.parametrize("line", [("backup",), ("doctor", "--rebuild", "db"), ("doctor", "--rebuild", "tree")])
def test_an_agent_makes_nothing_anew(
    filled: Memory, mem: Mem, monkeypatch: pytest.MonkeyPatch, line: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CLAUDECODE", "1")
    assert mem(*line).status == 4


def test_an_undo_after_a_rebuild_puts_nothing_in_the_place_of_another_belief(filled: Memory, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    for lines in ("Never log tokens.\n\nWe decided to use tabs.\n", "Never log tokens.\n"):
        (notes / "a.md").write_text(lines)
        filled.ingest([str(notes)], "user")
    for n in range(3):
        filled.remember(f"Service {n} runs on port 80{n}.", {"type": "fact", "scope": "user"}, None, None)
    filled.rebuild_database()
    filled.undo(4)
    assert filled.doctor(verify_ranking=False).problems == []
    assert {"one", "two", "three"} <= {one.id for one in filled.export(())}
