"""Undo is exact: whatever was done, in any number of steps, leaves no trace but in the list of acts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import chdir
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mem import config
from mem.errors import MemError, TreeProblem
from mem.memory import Memory
from mem.store import Proposal, Store, Transaction
from tests.strategies import LINES, TEXTS, belief, fresh_memory, take_in

LATER = datetime(2027, 5, 1, tzinfo=UTC)
"""When questions are asked, so that what was done meanwhile is all that can change an answer."""

NOT_OF_THE_STORE = ("operation", "change", "meta", "receipt", "receipt_belief")
"""Tables that record what happened; an undo is in them, too."""

ACT = tuple[Any, ...]

# -- what is compared -------------------------------------------------------------------------------


def rows(memory: Memory) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, row numbers and float totals too, but for the times of the pages' files."""
    store = Store.reading(memory.home.database() or "")
    names = [name for (name,) in store.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    found = {name: sorted(store.rows(f"SELECT * FROM {name}"), key=repr) for name in names}
    store.close()
    found["page"] = [(*row[:5], row[6]) for row in found["page"]]
    return {name: rows for name, rows in found.items() if name not in NOT_OF_THE_STORE}


def files(memory: Memory) -> dict[str, bytes]:
    """Every file of the memory folder but git's and this machine's; a folder without files is none."""
    top = Path(memory.home.path)
    paths = [(path.relative_to(top), path) for path in top.rglob("*") if path.is_file()]
    return {
        str(name): path.read_bytes()
        for name, path in paths
        if name.parts[0] != ".git" and name.parts[1:2] != ("local",)
    }


def untouched(memory: Memory) -> bool:
    """Whether the store knows the times of all pages, so that none looks as if it had been changed by hand."""
    store = Store.reading(memory.home.database() or "")
    pages = store.rows("SELECT path, mtime FROM page")
    store.close()
    return all(os.stat(os.path.join(memory.home.path, path)).st_mtime_ns == mtime for path, mtime in pages)


def answers(memory: Memory) -> list[Any]:
    """What a session is told, at one time whenever it asks."""
    asking = Memory(memory.home, clock=lambda: LATER, warn=memory._warn)
    told: list[Any] = []
    for scope in set(asking.scopes(())[1]) & {"user", "project:a/b"}:
        for query in ("redis", "pg or x, tabs?"):
            told += [scope, asking.recall(query, [scope], 9), asking.inject(query, [scope], 9, 900, "n", explain=True)]
    return told


def state(memory: Memory) -> list[Any]:
    """All that an undo has to bring back."""
    path = Path(config.settings_path())
    assert untouched(memory)
    return [rows(memory), files(memory), path.read_bytes() if path.exists() else None, answers(memory)]


# -- acts -------------------------------------------------------------------------------------------

CONTENTS = st.sampled_from(
    (
        *("Redis is fast.", "We use tabs, not spaces.", "We use spaces, not tabs.", "Never use Redis.", "Use `Redis`."),
        *(
            "Should we keep Redis?",
            "Atlas depends on Postgres.",
            "数据库 is the store of record.",
            "# odd\n---\nWhy: x",
        ),
    )
)
WORDS = CONTENTS | TEXTS
NAMES = st.sampled_from(("x", "X", "y", "É", "数据库")) | LINES
SCOPES = st.sampled_from(("user", "project:a", "project:a/b", "domain:c"))
SURFACES = st.lists(
    st.sampled_from(("pg", "pg", "x", "Postgres", "redis", "数据库")) | LINES.filter(lambda line: line[0].isalpha()),
    max_size=3,
)
TYPES = st.sampled_from(("fact", "preference", "question", "relation"))
ONE = st.integers(0, 9)
"""Stands for a belief, whichever there are."""

FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "type": TYPES,
        "scope": SCOPES,
        "name": NAMES,
        "why": st.none() | WORDS,
        "confidence": st.sampled_from((0.1, 1.0, 1 / 3, 7.0)),
        "pinned": st.booleans(),
        "valid_until": st.sampled_from((None, "2027-01-01T00:00:00Z")),
    },
)
REMEMBERED = st.builds(
    lambda fields, aliases: fields | ({} if aliases is None else {"aliases": aliases}), FIELDS, st.none() | SURFACES
)
EDITED = st.builds(
    lambda fields, status: {key: one for key, one in fields.items() if key != "valid_until"} | status,
    FIELDS,
    st.sampled_from(
        ({}, {}, {"status": "exploratory"}, {"status": "superseded"}, {"archived": True}, {"content": "c"})
    ),
)
RECORD = st.fixed_dictionaries(
    {
        "type": TYPES,
        "scope": SCOPES,
        "content": CONTENTS,
        "updated": st.integers(1, 9).map("2026-12-0{}".format),
        "created": st.just("2026-11-20"),
    },
    optional={
        "id": st.sampled_from(("i1", "i2", "start1", "start2")),
        "name": NAMES,
        "aliases": st.lists(
            st.fixed_dictionaries(
                {"text": st.sampled_from(("pg", "redis"))},
                optional={"weight": st.sampled_from((0.3, 7.77)), "origin": st.sampled_from(("derived", "learned"))},
            ),
            max_size=2,
        ),
        "review": st.sampled_from(("approved", "pending")),
        "archived": st.booleans(),
        "status": st.sampled_from(("active", "retracted", "nonsense")),
        "stability": st.sampled_from((1 / 3, 60)),
    },
)
SETTINGS = st.sampled_from(
    (("recall.k", "3"), ("recall.k", None), ("recall.k", "x"), ("stability.fact", "7.5"), ("inject.budget", "900"))
)

ACTS: dict[str, tuple[Callable[..., Any], tuple[st.SearchStrategy[Any], ...]]] = {}


def act(*values: st.SearchStrategy[Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register an act: its values, and how it is done (memory, values)."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        ACTS[function.__name__] = function, values
        return function

    return register


def pick(memory: Memory, n: int) -> tuple[str, tuple[str, ...]]:
    """A belief of any state, and the scope from which it is seen."""
    known = memory.export(())
    return (known[n % len(known)].id, (known[n % len(known)].scope,)) if known else ("none", ())


@act(WORDS, REMEMBERED, st.none() | ONE, st.sampled_from((None, None, "codex")))
def remember(memory: Memory, content: str, fields: dict[str, Any], old: int | None, by: str | None) -> None:
    memory.remember(content, fields, None if old is None else pick(memory, old)[0], by)


@act(CONTENTS, st.sampled_from(("one", "two", "other/one")))
def remember_in_repository(memory: Memory, content: str, name: str) -> None:
    folder = Path(memory.home.path).parent / name
    (folder / ".git").mkdir(parents=True, exist_ok=True)
    (folder / ".git" / "config").write_text(f'[remote "origin"]\n\turl = git@host:{name}.git\n')
    with chdir(folder):
        memory.remember(content, {}, None, None)


@act(ONE, WORDS, REMEMBERED)
def replace(memory: Memory, n: int, content: str, fields: dict[str, Any]) -> None:
    id_, given_ = pick(memory, n)
    memory.replace(id_, content, {key: one for key, one in fields.items() if key != "scope"}, given_)


@act(ONE, ONE)
def supersede(memory: Memory, n: int, by: int) -> None:
    (id_, one), (other, two) = pick(memory, n), pick(memory, by)
    memory.supersede(id_, other, (*one, *two))


@act(ONE, ONE, st.sampled_from(("owns", "depends on")))
def relate(memory: Memory, n: int, other: int, verb: str) -> None:
    (a, one), (b, two) = pick(memory, n), pick(memory, other)
    memory.relate(a, verb, b, (*one, *two), None)


@act(ONE, EDITED)
def edit(memory: Memory, n: int, fields: dict[str, Any]) -> None:
    id_, given_ = pick(memory, n)
    memory.edit(id_, fields, given_)


@act(
    ONE, st.sampled_from((("scope: user", "scope: project:a"), ("\n", "\narchived: true\n"), ("is", "was"), ("-", "")))
)
def edit_page(memory: Memory, n: int, change: tuple[str, str]) -> None:
    id_, given_ = pick(memory, n)
    belief, before = memory.page_to_edit(id_, given_)
    memory.edit_page(belief, before, before.decode().replace(*change, 1).encode(), given_)


@act(ONE, SURFACES, SURFACES)
def edit_aliases(memory: Memory, n: int, add: list[str], drop: list[str]) -> None:
    id_, given_ = pick(memory, n)
    known = [one.text for one in memory.belief(id_, given_)[0].aliases]
    memory.edit_aliases(id_, add, [one for one in drop if one in known], given_)


@act(ONE, st.booleans())
def pin(memory: Memory, n: int, pinned: bool) -> None:
    id_, given_ = pick(memory, n)
    memory.pin([id_], given_, pinned)


@act(st.sampled_from(("resolve", "forget", "restore")), st.lists(ONE, min_size=1, max_size=3))
def retire(memory: Memory, how: str, all_: list[int]) -> None:
    known = [one for one in memory.export(()) if one.live != (how == "restore")]
    chosen = [known[n % len(known)] for n in all_ if known]
    getattr(memory, how)([one.id for one in chosen], [one.scope for one in chosen])


@act(ONE, st.sampled_from((None, "quixotic zebra", "quixotic redis 数据库")))
def confirm(memory: Memory, n: int, query: str | None) -> None:
    id_, given_ = pick(memory, n)
    memory.confirm([id_], query, given_)


@act(ONE, st.sampled_from(("revise", "forget")), CONTENTS)
def propose(memory: Memory, n: int, act: str, content: str) -> None:
    target, [scope] = pick(memory, n)
    with memory._writing("propose", "propose") as transaction:
        pending = belief(id=f"p{len(memory.export(()))}", scope=scope, content=content, review="pending")
        memory._put(transaction, pending)
        transaction.set_proposal(pending.id, Proposal(act, target))


@act(st.lists(CONTENTS, max_size=3), SCOPES)
def ingest(memory: Memory, lines: list[str], scope: str) -> None:
    folder = Path(memory.home.path).parent / "vault"
    folder.mkdir(exist_ok=True)
    (folder / "rules.md").write_text("# Rules\n" + "".join(f"- {line}\n" for line in lines))
    memory.ingest([str(folder)], scope)


@act(st.booleans(), ONE)
def review(memory: Memory, approved: bool, n: int) -> None:
    waiting = [one for one in memory.export(()) if one.review == "pending"]
    one = waiting[n % len(waiting)] if waiting else None
    id_, given_ = (one.id, (one.scope,)) if one else pick(memory, n)
    memory.review([id_] if approved else [], [] if approved else [id_], given_)


@act(st.lists(RECORD, min_size=1, max_size=4), st.booleans())
def import_(memory: Memory, records: list[dict[str, Any]], approve: bool) -> None:
    take_in(memory, *records, approve=approve)


@act(ONE, st.booleans())
def settle(memory: Memory, n: int, both: bool) -> None:
    given_ = tuple(memory.scopes(())[1])
    open_ = [one.id for pair in memory.conflicts(given_) for one in pair]
    memory.settle(open_[n % len(open_)] if open_ else "none", given_, both=both)


@act(SCOPES)
def add_scope(memory: Memory, scope: str) -> None:
    memory.add_scope(scope)


@act(st.sampled_from(("p", "p", "none")), st.none() | SCOPES)
def map_scope(memory: Memory, name: str, scope: str | None) -> None:
    folder = Path(memory.home.path).parent / name
    if name != "none":
        folder.mkdir(exist_ok=True)
    memory.map_scope(str(folder), scope)


@act(SETTINGS)
def change_setting(memory: Memory, setting: tuple[str, str | None]) -> None:
    memory.change_setting(*setting)


@st.composite
def sequences(draw: st.DrawFn) -> list[ACT]:
    """Acts of as many kinds as there is room for, each at most twice: drawn one by one, most would be of one kind."""
    names = draw(st.permutations([*ACTS, *ACTS]))[: draw(st.integers(6, 14))]
    return [(name, *(draw(value) for value in ACTS[name][1])) for name in names]


SOURCES = st.sampled_from((None, b"", b"# mine\n[recall]\nk = 5 # few\n", b"# \xff\n", b'a = "\n'))
"""What the settings file says at the start."""


# -- the property -----------------------------------------------------------------------------------


def perform(memory: Memory, what: ACT) -> bool:
    """One act, as a command of its own would do it; False if it was refused."""
    acting = Memory(memory.home, clock=memory._clock, warn=memory._warn)
    try:
        ACTS[what[0]][0](acting, *what[1:])
    except MemError:
        return False
    return True


def operations(memory: Memory) -> int:
    return len(memory.operations(1_000))


def begin(memory: Memory, source: bytes | None) -> None:
    """A store that holds beliefs in all states, two of them contested, and a settings file or none."""
    path = Path(config.settings_path())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if source is not None:
        path.write_bytes(source)
    memory._warn = complain
    plain = {"type": "fact", "scope": "user", "created": "2026-11-20"}
    take_in(
        memory,
        {**plain, "id": "start1", "name": "x", "content": "Redis is there.", "aliases": ["pg"]},
        {**plain, "id": "start2", "scope": "project:a", "content": "Redis is gone.", "status": "retracted"},
        {**plain, "id": "start3", "scope": "project:a/b", "content": "Redis is old.", "archived": True},
        {**plain, "id": "start4", "content": "Redis is new.", "review": "pending", "aliases": ["pg"]},
    )
    memory.remember("We use tabs, not spaces.", {"type": "decision", "scope": "user"}, None, None)
    memory.remember("We use spaces, not tabs.", {"type": "decision", "scope": "user"}, None, None)
    assert memory.conflicts(["user"])


def complain(message: str) -> None:
    """Nothing is worth a warning here, but contradictions, and a settings file that was broken from the start."""
    assert "is not TOML" in message or "contradicts" in message


def require_exact_undo(memory: Memory, acts: list[ACT], chunks: Iterator[int]) -> int:
    """Do the acts and undo them, comparing the state at each number of acts; returns how many could be undone."""
    begun = operations(memory)
    states = [state(memory)]
    for what in acts:
        done = perform(memory, what)
        now = state(memory)
        if operations(memory) - begun == len(states):
            assert done, f"{what} was refused and did something"
            states.append(now)
        assert now == states[-1], f"{what} did what no undo takes back"
        assert memory.doctor(verify_ranking=False).problems == [], what
    count = len(states) - 1
    while len(states) > 1:
        steps = min(next(chunks), len(states) - 1)
        Memory(memory.home, clock=memory._clock, warn=memory._warn).undo(steps)
        del states[-steps:]
        assert memory.doctor(verify_ranking=False).problems == []
        for now, then in zip(state(memory), states[-1], strict=True):
            assert now == then
    return count


# Shrinking is left out: an example makes a store, and a smaller one would take minutes to find.
@settings(max_examples=settings().max_examples // 3, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(SOURCES, sequences(), st.lists(st.integers(1, 5), min_size=14, max_size=14))
def test_undo_is_exact(source: bytes | None, acts: list[ACT], chunks: list[int]) -> None:
    with fresh_memory(tick=7) as memory:
        begin(memory, source)
        require_exact_undo(memory, acts, iter(chunks))


def _forgetting(kind: str) -> Callable[..., Any]:
    """Close a transaction without what it noted of one kind of row."""

    def close(transaction: Transaction, old: Callable[[Transaction], None] = Transaction._close) -> None:
        transaction._changes = [one for one in transaction._changes if one.kind != kind]
        old(transaction)

    return close


def _forgetting_numbers(transaction: Transaction, old: Callable[[Transaction], None] = Transaction._close) -> None:
    transaction._changes = [one._replace(number=None) for one in transaction._changes]
    old(transaction)


KINDS = ("belief", "scope", "conflict", "mapping", "remote", "proposal", "note", "settings")
BROKEN: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    **{kind: (Transaction, "_close", _forgetting(kind)) for kind in KINDS},
    "place of a page": (Transaction, "_place", lambda transaction, id: None),
    "row number": (Transaction, "_close", _forgetting_numbers),
    "retrieval rows": (Store, "_remove_index", lambda store, id: store.rows("DELETE FROM surface WHERE 0")),
}
NAMESAKE = {"type": "fact", "scope": "user", "content": "Redis", "name": "x", "created": "2026-11-19"}
ALL_KINDS: list[ACT] = [
    ("remember", "Redis is fast.", {"scope": "project:new", "type": "fact"}, None, None),
    ("remember_in_repository", "Redis is here.", "one"),
    ("settle", 0, True),
    ("map_scope", "p", "domain:c"),
    ("change_setting", ("recall.k", "3")),
    ("import_", [{**NAMESAKE, "id": "i1"}], True),
    ("edit", 1, {"name": "moved"}),  # makes room for the page of its namesake, which stays where it is
    *(("retire", "forget", [n]) for n in range(4)),
    ("propose", 0, "revise", "Use `Redis`."),
    ("review", True, 1),
    ("ingest", ["We use tabs, not spaces.", "Never use Redis."], "project:a"),
    ("ingest", ["Never use `Redis`."], "project:a"),
    ("ingest", ["Atlas depends on Postgres.", "Never use Redis.", "We use tabs, not spaces."], "domain:c"),
    ("ingest", ["# odd\n---\nWhy: x", "Should we keep Redis?"], "domain:c"),  # takes two back, and adds others
]


def test_the_acts_of_the_broken_variants_are_undone_exactly() -> None:
    with fresh_memory(tick=7) as memory:
        begin(memory, b"")
        assert require_exact_undo(memory, ALL_KINDS, repeat(3)) >= 9


@pytest.mark.parametrize("broken", BROKEN)
def test_the_property_catches(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with fresh_memory(tick=7) as memory:
        begin(memory, b"")
        monkeypatch.setattr(*BROKEN[broken])
        with pytest.raises((AssertionError, MemError)):
            require_exact_undo(memory, ALL_KINDS, repeat(1))


# -- refused undos ----------------------------------------------------------------------------------


def by_hand(memory: Memory, path: str) -> None:
    page = Path(memory.home.path) / path
    page.write_text(page.read_text() + "\nand more, by hand\n")


def refuse(memory: Memory, steps: int, message: str) -> None:
    """The undo is refused and nothing is other than it was."""
    before = rows(memory), files(memory), Path(config.settings_path()).read_bytes(), operations(memory)
    with pytest.raises(TreeProblem, match=message):
        memory.undo(steps)
    assert (rows(memory), files(memory), Path(config.settings_path()).read_bytes(), operations(memory)) == before


def test_a_page_changed_by_hand_is_kept_though_its_scope_would_go() -> None:
    with fresh_memory() as memory:
        begin(memory, b"")
        memory.remember("Redis is here.", {"scope": "project:new", "name": "n", "type": "fact"}, None, None)
        by_hand(memory, "project/new/facts/n.md")
        refuse(memory, 1, "project/new/facts/n.md was changed by hand")


def test_settings_stay_where_a_page_keeps_the_acts_from_being_undone() -> None:
    with fresh_memory() as memory:
        begin(memory, b"")
        memory.remember("Redis is here.", {"scope": "user", "name": "n", "type": "fact"}, None, None)
        memory.change_setting("recall.k", "3")
        by_hand(memory, "user/facts/n.md")
        refuse(memory, 2, "user/facts/n.md was changed by hand")


def test_settings_changed_by_hand_between_two_acts_are_kept() -> None:
    with fresh_memory() as memory:
        begin(memory, b"")
        memory.change_setting("recall.k", "3")
        Path(config.settings_path()).write_text("[recall]\nk = 4\n")
        memory.change_setting("recall.k", "5")
        refuse(memory, 2, "config.toml was changed by hand")


@pytest.mark.parametrize("source", [b"# \xff\n", b"# " + b"x" * 2_000_000 + b"\n"])
def test_a_settings_file_that_cannot_be_put_back_is_not_changed(source: bytes) -> None:
    with fresh_memory() as memory:
        begin(memory, source)
        with pytest.raises(TreeProblem):
            memory.change_setting("recall.k", "3")
        assert Path(config.settings_path()).read_bytes() == source
