"""The database and the tree together: what is refused, undone, finished after a crash, or left to the person."""

from __future__ import annotations

import ast
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

import mem as package
from mem.belief import Belief
from mem.errors import StoreUnusable, TreeProblem, UsageMistake
from mem.memory import Memory
from mem.store import APPLICATION_ID, MIGRATIONS, Store
from tests.conftest import Mem, environment
from tests.strategies import fresh_memory, pages, take_in

SOURCES = Path(package.__file__).parent


def database(memory: Memory) -> Path:
    return Path(memory.home.database() or "")


def state(memory: Memory) -> tuple[list[Belief], dict[str, bytes], dict[str, int]]:
    """All that a person can see of the store: the export, every page byte for byte, and the known scopes."""
    return memory.export(()), pages(memory), memory.scopes(())[1]


def record(id_: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "type": "fact",
        "scope": "user",
        "name": "x",
        "content": f"{id_} is stored",
        "aliases": [],
        **fields,
    }


# -- the two doors ----------------------------------------------------------------------------------

# Who may see all scopes at once: what must move, undo, mend or identify any belief, the export of everything,
# and the count of what waits for a person. Nothing here answers a session; agents are refused at each.
SEES_EVERYTHING = {
    "writing.Writer._fresh_id",
    "memory.Memory._import_one",
    "writing.Writer._put",
    "memory.Memory._repair",
    "memory.Memory.doctor",
    "memory.Memory.export",
    "memory.Memory.pending_elsewhere",
    "store.Store.reindex",
    "sync._misread",
    "sync._write",
    "sync.differences",
    "sync.look",
    "sync.awaited",
    "sync.to_commit",
    "sync.write_all",
    "revising.Reviser._release",
    "writing.Writer._propose",
    "writing.Writer._withdraw",
    "mending._bring_beliefs",
    "mending._bring_held",
    "mending.Mender._readable",
    "mending.Mender.backup",
    "mending.Mender.rebuild_database",
    "mending.Mender.rebuild_tree",
    "writing.Writer._take",
}


def callers(method: str) -> set[str]:
    """The functions of the package that mention a method, as `module.Class.function`."""
    found = set()

    def visit(node: ast.AST, path: str) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            path = f"{path}.{node.name}"
        if isinstance(node, ast.Attribute) and node.attr == method:
            found.add(path)
        for child in ast.iter_child_nodes(node):
            visit(child, path)

    for source in SOURCES.rglob("*.py"):
        module = ".".join(source.relative_to(SOURCES).with_suffix("").parts)
        visit(ast.parse(source.read_text(encoding="utf-8")), module)
    return found


def test_only_these_functions_see_every_scope_at_once() -> None:
    assert callers("everything") == SEES_EVERYTHING


def test_only_the_store_makes_a_view() -> None:
    made = {path.name for path in SOURCES.rglob("*.py") if "View(" in path.read_text(encoding="utf-8")}
    assert made == {"store.py"}


# -- files that are not ours to use -----------------------------------------------------------------


def refused(memory: Memory, message: str) -> None:
    """Neither reading nor writing is possible, and the file is byte for byte as it was."""
    path = database(memory)
    before = path.read_bytes()
    for act in (lambda: memory.recall("x", (), 1), lambda: memory.forget(["b1"], ()), lambda: memory.export(())):
        with pytest.raises(StoreUnusable, match=message) as caught:
            act()
        assert str(path) in caught.value.message
    assert path.read_bytes() == before


def altered(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_newer_database_is_refused_and_stays_as_it_is(memory: Memory) -> None:
    take_in(memory, record("b1"))
    altered(database(memory), f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    refused(memory, "newer mem")


@pytest.mark.parametrize("application_id", [0, APPLICATION_ID + 1])
def test_another_program_s_database_is_refused_and_stays_as_it_is(memory: Memory, application_id: int) -> None:
    take_in(memory, record("b1"))
    database(memory).unlink()
    altered(database(memory), "CREATE TABLE theirs (a)", f"PRAGMA application_id = {application_id}")
    refused(memory, "is not a mem database")


def test_another_program_s_database_without_tables_is_refused_and_stays_as_it_is(memory: Memory) -> None:
    take_in(memory, record("b1"))
    database(memory).unlink()
    altered(database(memory), f"PRAGMA application_id = {APPLICATION_ID + 1}")
    refused(memory, "is not a mem database")


def test_a_file_that_is_no_database_is_refused_and_stays_as_it_is(memory: Memory) -> None:
    take_in(memory, record("b1"))
    database(memory).write_bytes(b"a letter to the editor\n" * 500)
    refused(memory, "is damaged")


def test_a_damaged_database_is_refused_and_stays_as_it_is(memory: Memory) -> None:
    take_in(memory, *(record(f"b{n}") for n in range(30)))
    whole = database(memory).read_bytes()
    database(memory).write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    refused(memory, "is damaged")


def test_a_missing_database_is_named_and_not_made_anew(memory: Memory) -> None:
    take_in(memory, record("b1"))
    database(memory).unlink()
    for act in (lambda: memory.recall("x", (), 1), lambda: memory.forget(["b1"], ())):
        with pytest.raises(StoreUnusable, match="is missing"):
            act()
    assert not database(memory).exists()


def test_reading_makes_nothing(tmp_path: Path, memory: Memory) -> None:
    assert not memory.recall("x", (), 1).hits and not memory.export(())
    assert list((tmp_path / "home").iterdir()) == []


def files(folder: Path) -> dict[Path, bytes]:
    """Every file below a folder, but for those by which SQLite's readers and writers tell each other apart."""
    found = [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm"))]
    return {path: path.read_bytes() for path in found}


def test_reading_changes_no_file(tmp_path: Path, memory: Memory) -> None:
    take_in(memory, record("b1"))
    before = files(tmp_path)
    memory.recall("stored", (), 1)
    memory.inject("x", (), None, 2000, "n")
    memory.export(())
    assert files(tmp_path) == before


def test_a_reader_cannot_write(memory: Memory) -> None:
    take_in(memory, record("b1"))
    store = Store.reading(str(database(memory)))
    with pytest.raises(StoreUnusable, match="cannot be written"):
        store.rows("DELETE FROM belief")
    store.close()


# -- undo -------------------------------------------------------------------------------------------

NAMES = st.sampled_from(("x", "X", "y"))
CONTENTS = st.sampled_from(("Redis is fast.", "Why: not", "# odd\n---\nx"))
SCOPES = st.sampled_from(("user", "project:a"))
ROWS = st.builds(
    record,
    st.sampled_from(("i1", "i2", "i3")),
    name=NAMES,
    content=CONTENTS,
    scope=SCOPES,
    updated=st.integers(1, 9).map("2026-11-2{}".format),
    created=st.just("2026-11-20"),
    review=st.sampled_from(("approved", "approved", "pending")),
    archived=st.sampled_from((False, False, True)),
)
ACTS = st.one_of(
    st.tuples(st.just("remember"), CONTENTS, SCOPES, st.none() | NAMES),
    st.tuples(st.just("forget"), st.integers(0, 5)),
    st.tuples(st.just("alias"), st.integers(0, 5), NAMES),
    st.tuples(st.just("import"), st.lists(ROWS, min_size=1, max_size=3)),
    st.tuples(st.just("scope"), SCOPES),
)


def perform(memory: Memory, act: tuple[Any, ...]) -> None:
    """One act of a person; one that makes no sense is refused and does nothing."""
    what, *values = act
    known = memory.export(())
    try:
        if what == "remember":
            memory.remember(values[0], {"type": "fact", "scope": values[1], "name": values[2]}, None, None)
        elif what == "scope":
            memory.add_scope(values[0])
        elif what == "import":
            take_in(memory, *values[0])
        elif known:
            one = known[values[0] % len(known)]
            if what == "forget":
                memory.forget([one.id], [one.scope])
            else:
                memory.edit_aliases(one.id, [values[1]], [], [one.scope])
    except UsageMistake:
        pass


def operations(memory: Memory) -> int:
    return len(memory.operations(100))


# Shrinking is left out: an example makes a store, and a smaller one would take minutes to find.
@settings(max_examples=40, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.lists(ACTS, min_size=2, max_size=7), st.integers(1, 3))
@example([("import", [record("i1"), record("i2")]), ("forget", 0), ("alias", 1, "q")], 1)
@example([("import", [record("i1")]), ("forget", 0), ("import", [record("i2")])], 2)
@example([("scope", "project:a"), ("import", [record("i1", scope="project:a")])], 2)
def test_undo_restores_the_export_and_every_page(acts: list[tuple[Any, ...]], steps: int) -> None:
    with fresh_memory(tick=1) as memory:
        states = [state(memory)]
        for act in acts:
            perform(memory, act)
            states += [state(memory)] * (operations(memory) + 1 - len(states))
            assert states[-1] == state(memory)
        while len(states) > 1:
            memory.undo(min(steps, len(states) - 1))
            del states[-min(steps, len(states) - 1) :]
            assert state(memory) == states[-1]
        assert memory.doctor(verify_ranking=False).problems == []


def test_undo_takes_back_scopes_mappings_and_approvals(memory: Memory, tmp_path: Path) -> None:
    take_in(memory, record("b1"), approve=False)
    before = memory.mappings(), state(memory)
    memory.add_scope("project:a")
    memory.map_scope(str(tmp_path), "project:b")
    memory.review(["b1"], [], [])
    memory.undo(3)
    assert (memory.mappings(), state(memory)) == before


def test_undo_takes_back_the_scope_that_a_belief_brought(memory: Memory) -> None:
    take_in(memory, record("b1"))
    before = state(memory)
    take_in(memory, record("b2", scope="project:a"))
    memory.undo(1)
    assert state(memory) == before


@pytest.mark.parametrize("state_of_it", ["forgotten", "pending"])
def test_an_alias_of_what_is_not_current_contests_nothing(memory: Memory, state_of_it: str) -> None:
    take_in(memory, record("b1", aliases=["pg"]))
    take_in(memory, record("b2", name="y"), approve=state_of_it == "forgotten")
    if state_of_it == "forgotten":
        memory.forget(["b2"], ())
    memory.edit_aliases("b2", ["pg"], [], ())
    assert "b1 is stored" in memory.inject("pg", (), None, 2000, "n").injection.text


# -- crashes ----------------------------------------------------------------------------------------

CRASH = """
import os, sys
from mem import __main__, store, sync, tree
module = {"tree": tree, "Store": store.Store}[sys.argv[1].partition(".")[0]]
setattr(module, sys.argv[1].partition(".")[2], lambda *_: os._exit(137))
sys.exit(__main__.run(sys.argv[2:]))
"""


def crash(folder: Path, point: str, *arguments: str) -> None:
    """Run a command line in a process that is killed when it reaches a point after its commit."""
    subprocess.run([sys.executable, "-m", "mem", "init"], env=environment(folder), cwd=folder, check=True)
    done = subprocess.run(
        [sys.executable, "-c", CRASH, point, *arguments],
        env=environment(folder) | {"PYTHONPATH": str(SOURCES.parent)}, cwd=folder, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 137, f"it was not killed at {point}: {done.stderr.decode()}"


POINTS = ("tree.write_through", "tree.place", "tree.sync_folders", "Store.settle")


@pytest.mark.parametrize("point", POINTS)
def test_what_was_remembered_before_a_crash_has_its_page_after_the_next_write(
    point: str, tmp_path: Path, memory: Memory
) -> None:
    memory.init()
    crash(tmp_path, point, "remember", "Redis is fast.", "--name", "first")
    assert [one.name for one in memory.export(())] == ["first"]
    memory.remember("Postgres is safe.", {"name": "second"}, None, None)
    assert sorted(pages(memory)) == ["user/facts/first.md", "user/facts/second.md"]
    assert memory.doctor(verify_ranking=True).problems == []
    assert list(Path(memory.home.local).glob("*.*")) == []


@pytest.mark.parametrize("point", [*POINTS, "tree.take_away"])
def test_what_was_forgotten_before_a_crash_is_filed_away_when_the_store_is_next_opened_to_write(
    point: str, tmp_path: Path, memory: Memory
) -> None:
    take_in(memory, record("b1"), record("b2", name="y"))
    crash(tmp_path, point, "forget", "b1")
    assert [hit.belief.id for hit in memory.recall("stored", (), 9).hits] == ["b2"]
    memory.init()
    assert sorted(pages(memory)) == ["archive/user/facts/x.md", "user/facts/y.md"]
    assert memory.doctor(verify_ranking=False).problems == []


def test_a_crash_before_the_commit_leaves_nothing_behind(tmp_path: Path, memory: Memory) -> None:
    take_in(memory, record("b1"))
    before = state(memory)
    crash(tmp_path, "Store.page_at", "remember", "Redis is fast.")
    assert state(memory) == before
    assert memory.operations(9)[0].kind == "import"


def test_a_page_that_cannot_be_written_follows_once_it_can(memory: Memory) -> None:
    memory.init()
    blocker = Path(memory.home.path) / "project"
    blocker.write_text("a file where a folder should be")
    with pytest.raises(StoreUnusable) as caught:
        take_in(memory, record("b1", scope="project:a"))
    assert "the belief is stored, and its page follows" in caught.value.message
    assert memory.belief("b1", ["project:a"])[0].content == "b1 is stored"
    blocker.unlink()
    take_in(memory, record("b2"))
    assert sorted(pages(memory)) == ["project/a/facts/x.md", "user/facts/x.md"]


def test_a_crash_does_not_let_a_page_be_lost_that_a_person_wrote_meanwhile(tmp_path: Path, memory: Memory) -> None:
    crash(tmp_path, "tree.place", "remember", "Redis is fast.", "--name", "first")
    page = Path(memory.home.path) / "user" / "facts" / "first.md"
    page.parent.mkdir(parents=True)
    page.write_text("mine")
    memory.remember("Postgres is safe.", {"name": "second"}, None, None)
    assert page.read_text() == "mine"
    assert any(problem.path == "user/facts/first.md" for problem in memory.doctor(verify_ranking=False).problems)


# -- pages changed by hand --------------------------------------------------------------------------


def changed_by_hand(memory: Memory) -> Path:
    """A page of two, with a line that a person added."""
    take_in(memory, record("b2", name="y"), record("b1"))
    page = Path(memory.home.path) / "user" / "facts" / "x.md"
    page.write_text(page.read_text() + "\nand more, by hand\n")
    return page


@pytest.mark.parametrize("command", [("forget", "b1"), ("alias", "b1", "+z"), ("pin", "b2", "b1")])
def test_what_was_changed_by_hand_is_taken_in_before_anything_is_decided(
    command: tuple[str, ...], mem: Mem, memory: Memory
) -> None:
    changed_by_hand(memory)
    assert mem(*command).status == 0
    assert [one.kind for one in memory.operations(3)] == [command[0], "sync", "import"]
    assert memory.belief("b1", ())[0].content == "b1 is stored\n\nand more, by hand"
    assert all("and more, by hand" in page.decode() for name, page in pages(memory).items() if "x.md" in name)
    assert memory.doctor(verify_ranking=False).problems == []


def test_an_undo_does_not_write_over_a_page_changed_by_hand(mem: Mem, memory: Memory) -> None:
    changed_by_hand(memory)
    before = state(memory), operations(memory)
    result = mem("undo")
    assert (result.status, result.out) == (3, "")
    assert "user/facts/x.md was changed by hand" in result.err
    assert (state(memory), operations(memory)) == before


def test_a_page_deleted_by_hand_does_not_stand_in_the_way(memory: Memory) -> None:
    take_in(memory, record("b1"))
    (Path(memory.home.path) / "user" / "facts" / "x.md").unlink()
    memory.forget(["b1"], ())
    assert list(pages(memory)) == ["archive/user/facts/x.md"]


def test_a_file_of_the_person_s_own_keeps_its_place(memory: Memory) -> None:
    memory.init()
    own = Path(memory.home.path) / "user" / "facts" / "x.md"
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    take_in(memory, record("b1abcd"))
    assert (own.read_text(), sorted(pages(memory))) == ("mine", ["user/facts/x--b1ab.md", "user/facts/x.md"])


def test_names_that_differ_by_case_or_unicode_form_have_pages_of_their_own(memory: Memory) -> None:
    names = ("Café", "CAFE\u0301", "café", "Straße", "STRASSE")
    take_in(memory, *(record(f"b{n}", name=name) for n, name in enumerate(names)))
    assert len({path.casefold() for path in pages(memory)}) == 5


def test_a_page_keeps_its_place_while_its_belief_changes(memory: Memory) -> None:
    take_in(memory, record("b1"), record("b2"))
    memory.forget(["b1"], ())
    memory.edit_aliases("b2", ["q"], [], ())
    assert sorted(pages(memory)) == ["archive/user/facts/x.md", "user/facts/x--b2.md"]


@pytest.mark.parametrize("record_", [record("b1", stability=1234.5678), record("b1", scope="project:" + "a" * 300)])
def test_a_belief_that_can_have_no_page_does_not_stop_later_writes(memory: Memory, record_: dict[str, Any]) -> None:
    try:
        take_in(memory, record_)
    except (StoreUnusable, TreeProblem, ValueError):
        assert memory.export(()) == []
    take_in(memory, record("b2"))
    assert len(pages(memory)) == len(memory.export(()))
