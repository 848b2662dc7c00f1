"""Isolation: nothing in a scope that a session does not see has any influence on what the session is told.

Every answer is taken for several sets of open scopes after every act; an act in scopes that a session does not
see must leave its answers byte for byte as they were, and they must not hold a word or id from there.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mem import memory as acting
from mem import receipts, scope
from mem.belief import Belief, to_record
from mem.config import Home
from mem.errors import MemError
from mem.memory import Memory
from mem.reading import NO_FILTER, Filters
from mem.show import answers, details
from mem.show.style import dump
from mem.store import Proposal, View
from tests.strategies import fresh_memory, take_in

SCOPES = ("user", "project:a", "project:a/b", "project:z", "domain:c")
OPEN = (*((one,) for one in SCOPES), ("project:a", "domain:c"))
WORDS = "postgres redis deploy staging billing cache node.js CamelCase 数据库 the C++ snake_case Billing".split()
SLIPS = ["postgers", "stagng", "billling"]
LATER = datetime(2027, 5, 1, tzinfo=UTC)
"""When questions are asked, so that what was done meanwhile is all that can change an answer."""

QUERIES: Counter[str] = Counter()
"""How often each question was asked."""
EXAMPLES = max(6, settings().max_examples // 20)
QUERIES_AN_EXAMPLE = 200
"""At least; the issue asks for 1,000 in CI and 20,000 at night."""


# -- what a session is told -------------------------------------------------------------------------


def seen(open_: Sequence[str]) -> set[str]:
    return {str(one) for one in scope.visible([scope.parse(one) for one in open_])}


class Session:
    """Asks everything that can be asked with some scopes open, and leaves no trace of that."""

    def __init__(self, home: Home, open_: Sequence[str]) -> None:
        self.memory = Memory(home, clock=lambda: LATER, warn=lambda message: None)
        self.open = open_
        self.told: list[str] = []

    def ask(self, question: str, *values: Any, **options: Any) -> Any:
        """One question; what is wrong with it is an answer, too."""
        QUERIES[question] += 1
        try:
            return getattr(self.memory, question)(*values, **options)
        except MemError as error:
            self.told.append(f"{question}: {error.message} ({error.hint})")
            return None

    def note(self, what: str, said: str) -> None:
        self.told.append(f"{what}: {said}")

    def search(self, query: str) -> None:
        injected = self.ask("inject", query, self.open, 3, 400, "nonce", explain=True)
        self.note(f"inject {query}", dump(answers.inject_document(injected)))
        self.note(f"explain {query}", answers.explained_text(injected))
        for filters in (NO_FILTER, Filters(any_state=True), Filters(archived=True), Filters(pending=True)):
            found = self.ask("recall", query, self.open, 5, filters)
            self.note(f"recall {query} {filters}", dump(answers.recall_document(found)) + answers.recall_text(found))

    def list(self) -> list[Belief]:
        for filters in (NO_FILTER, Filters(archived=True), Filters(pending=True), Filters(any_state=True)):
            opened, beliefs = self.ask("beliefs", self.open, filters)
            self.note(f"list {filters}", dump(answers.list_document(opened, beliefs)))
        self.note("proposals", str(self.ask("proposals", self.open)))
        pairs = self.ask("conflicts", self.open)
        self.note("conflicts", details.conflicts_text(pairs))
        return list(beliefs)

    def look_up(self, references: Iterable[str]) -> None:
        for reference in references:
            found = self.ask("belief", reference, self.open)
            self.note(f"show {reference}", str(found and (to_record(found[0]), found[1])))
            for kind in ("beliefs", "pending", "names"):
                self.note(f"complete {kind} {reference}", str(self.ask("candidates", kind, reference, self.open)))

    def trace(self, beliefs: Sequence[Belief]) -> None:
        for belief in beliefs:
            why = self.ask("why", belief.id, self.open, 3)
            self.note(f"why {belief.id}", why and dump(details.why_document(why)) + details.why_text(why))
            history = self.ask("history", belief.id, self.open)
            self.note(f"history {belief.id}", history and dump(details.history_document(*history)))
        entries = self.ask("log", self.open, 5)
        records = [details.receipt_record(one) for one, _ in entries]
        self.note("log", dump(records) + details.log_text(entries))

    def stand(self) -> None:
        brief = self.ask("brief", self.open, 400, "nonce")
        self.note("brief", dump(answers.inject_document(brief, "brief")))
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("CLAUDECODE", "1")  # a person is told the latest act, wherever it was
            where = self.ask("overview", self.open)
        self.note("status", dump(details.overview_document(where)) + details.overview_text(where))


def everything_told(home: Home, open_: Sequence[str], queries: Sequence[str], references: Sequence[str]) -> list[str]:
    """All that a session with these scopes open is told."""
    log = Path(home.database() or "").parent / "receipts.log"
    before = log.read_bytes() if log.exists() else b""
    session = Session(home, open_)
    for query in queries:
        session.search(query)
    beliefs = session.list()
    session.look_up(references)
    session.trace(beliefs[:: len(beliefs) // 4 + 1])
    session.stand()
    log.write_bytes(before)
    return session.told


# -- what happens -----------------------------------------------------------------------------------


class World:
    """A store in which things happen; each act says which scopes it touched."""

    def __init__(self, memory: Memory, seed: int) -> None:
        self.memory = memory
        memory._warn = lambda message: None
        self.random = Random(seed)
        self.made = 0
        self.touched: dict[int, set[str]] = {}
        """Scopes that an act that can be undone touched, by its number."""
        for one in SCOPES:
            memory.add_scope(one)
        take_in(memory, *(self.record(one) for one in SCOPES for _ in range(4)))
        self.queries = [self.words(4) for _ in range(2)] + [f"canary{self.made // 2}x canary"]
        self.start = self.latest()

    def words(self, most: int) -> str:
        return " ".join(self.random.choice([*WORDS, *SLIPS]) for _ in range(self.random.randint(1, most)))

    def content(self) -> str:
        """Words like everywhere else, and one that stands nowhere else."""
        self.made += 1
        return f"{self.words(6)} canary{self.made}x"

    def record(self, where: str) -> dict[str, Any]:
        random, content = self.random, self.content()
        origin = random.choice(("given", "derived", "learned"))
        return {
            "id": f"abc{'de'[self.made % 2]}{self.made:03}",
            "type": random.choice(("fact", "fact", "preference", "question", "decision")),
            "scope": where,
            "name": self.words(2).lower(),
            "content": content,
            "aliases": [{"text": random.choice(WORDS), "origin": origin}, f"alias{content.split()[-1]}"],
            "why": random.choice((None, self.words(3))),
            "created": f"2026-0{random.randint(1, 9)}-01",
            "updated": "2026-11-20",
            "review": random.choice(("approved", "approved", "approved", "pending")),
            "archived": random.random() < 0.15,
            "pinned": random.random() < 0.3,
            "status": random.choice(("active", "active", "active", "retracted")),
        }

    def beliefs(self) -> list[Belief]:
        return self.memory.export(())

    def latest(self) -> int:
        return self.memory.operations(1)[0].n

    def act(self) -> set[str]:
        """Something happens; returns the scopes whose beliefs it touched."""
        where, before = self.random.choice(SCOPES), self.latest()
        name = self.random.choice(("undo", *ACTS))
        touched = {where}
        try:
            if name == "undo":
                return self.touched.get(before, set(SCOPES)) if before > self.start and self.memory.undo(1) else set()
            touched |= ACTS[name](self, where) or set()
        except MemError:  # of two acts, the first may have been done
            pass
        if self.latest() > before:
            self.touched[self.latest()] = touched
        return touched

    def one(self, where: str, live: bool = True) -> str:
        known = [belief.id for belief in self.beliefs() if belief.scope == where and belief.live == live]
        return self.random.choice(known or ["none"])


def remember(world: World, where: str) -> None:
    aliases = [world.random.choice(WORDS)]
    world.memory.remember(world.content(), {"scope": where, "type": "fact", "aliases": aliases}, None, None)


def propose(world: World, where: str) -> None:
    world.memory.remember(world.content(), {"scope": where, "name": world.words(2)}, None, "codex")


def import_(world: World, where: str) -> None:
    take_in(world.memory, *(world.record(where) for _ in range(5)))


def rename(world: World, where: str) -> None:
    world.memory.edit(world.one(where), {"name": world.words(1), "content": world.content()}, [where])


def move(world: World, where: str) -> set[str]:
    target = world.random.choice(SCOPES)
    world.memory.edit(world.one(where), {"scope": target, "archived": world.random.random() < 0.3}, [where])
    return {target}


def supersede(world: World, where: str) -> None:
    world.memory.replace(world.one(where), world.content(), {}, [where])


def contest(world: World, where: str) -> None:
    for alias in ("pg", "pg"):
        fields = {"scope": where, "type": "fact", "aliases": [alias, world.random.choice(WORDS)]}
        world.memory.remember(world.content(), fields, None, None)


def forget(world: World, where: str) -> None:
    world.memory.forget([world.one(where)], [where])


def restore(world: World, where: str) -> None:
    world.memory.restore([world.one(where, live=False)], [where])


def relate(world: World, where: str) -> None:
    world.memory.relate(world.one(where), "owns", world.one(where), [where], None)


def alias(world: World, where: str) -> None:
    world.memory.edit_aliases(world.one(where), [world.random.choice([*WORDS, *SLIPS])], [], [where])


def learn(world: World, where: str) -> None:
    world.memory.confirm([world.one(where)], "quixotic zebra postgres", [where])


def pin(world: World, where: str) -> None:
    world.memory.pin([world.one(where)], [where], True)


def approve(world: World, where: str) -> None:
    waiting = [one.id for one in world.beliefs() if one.scope == where and one.review == "pending" and one.live]
    world.memory.review(waiting[:2], [], [where])


def propose_about(world: World, where: str) -> None:
    """A pending belief proposes to revise or forget another one, wherever that is."""
    pending = [one for one in world.beliefs() if one.scope == where and one.review == "pending" and one.live]
    meant = Proposal(world.random.choice(("revise", "forget")), world.one(world.random.choice(SCOPES)))
    with world.memory._writing("propose", "propose") as transaction:
        transaction.set_proposal(world.random.choice(pending).id if pending else "none", meant)


def ingest(world: World, where: str) -> None:
    folder = Path(world.memory.home.path).parent / "vault" / where.replace("/", "-")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.md").write_text("# Rules\n" + "".join(f"- keep {world.content()}\n" for _ in range(2)))
    world.memory.ingest([str(folder)], where)


def edit_by_hand(world: World, where: str) -> None:
    path = world.memory.belief(world.one(where), [where])[1]
    page = Path(world.memory.home.path) / (path or "none")
    if page.exists():
        page.write_text(f"{page.read_text()}\n{world.content()}\n")


def inject(world: World, where: str) -> set[str]:
    """Hands out what `where` sees; a receipt is no belief, but it says of a visible one that it was used."""
    world.memory.inject(world.words(5), [where], None, 2000, "n")
    return seen([where])


ACTS: dict[str, Callable[[World, str], set[str] | None]] = {
    function.__name__: function
    for function in (
        *(remember, propose, import_, rename, move, move, supersede, contest, forget, restore, relate, alias, learn),
        *(pin, propose_about, ingest, approve, edit_by_hand, inject),
    )
}


# -- the property -----------------------------------------------------------------------------------


def require_no_canary(told: Sequence[str], beliefs: Sequence[Belief], open_: Sequence[str]) -> None:
    """No answer holds the id of a belief that is not visible (unless a visible one refers to it), nor its own word."""
    visible = seen(open_)
    referred = {
        id_
        for one in beliefs
        if one.scope in visible
        for id_ in (*one.participants, one.superseded_by, *(one.content.split()))
    }
    said = "\n".join(line.partition(": ")[2] for line in told if not line.startswith("belief:"))
    for one in beliefs:
        if one.scope not in visible:
            own = {word for word in one.content.split() if word.startswith("canary")}
            found = [word for word in (one.id, *own) if word in said and word not in referred]
            assert not found, f"{found} of {one.scope} came up in {open_}"


def require_isolation(seed: int, steps: int) -> None:
    """Let things happen, and ask everybody about it after each."""
    with fresh_memory(tick=1) as memory:
        world = World(memory, seed)
        home = memory.home
        references = ["abcd", world.random.choice(world.beliefs()).id, world.words(1)]

        def ask(open_: Sequence[str]) -> list[str]:
            return everything_told(home, open_, world.queries, references)

        told = {open_: ask(open_) for open_ in world.random.sample(OPEN, 3)}
        for _ in range(steps):
            touched = world.act()
            beliefs = world.beliefs()
            for open_ in told:
                now = ask(open_)
                if not touched & seen(open_):
                    changed = next((pair for pair in zip(now, told[open_], strict=True) if pair[0] != pair[1]), None)
                    assert changed is None, f"what happened in {touched} changed what {open_} is told: {changed}"
                require_no_canary(now, beliefs, open_)
                told[open_] = now
        require_isolation_of_the_rebuilt(home, world.random.choice(OPEN), world.queries, references)


def require_isolation_of_the_rebuilt(
    home: Home, open_: Sequence[str], queries: Sequence[str], references: Sequence[str]
) -> None:
    """A store made from all pages tells a session what one tells that is made from the visible pages."""
    told = []
    for name, kept in (("all", set(SCOPES)), ("visible", seen(open_))):
        rebuilt = Home(f"{home.path}-{name}")
        shutil.copytree(home.path, rebuilt.path, ignore=shutil.ignore_patterns("local"))
        for page in Path(rebuilt.path).rglob("*.md"):
            if not any(f"\nscope: {one}\n" in page.read_text() for one in kept):
                page.unlink()
        memory = Memory(rebuilt, clock=lambda: LATER, warn=lambda message: None)
        memory.init()
        for one in open_:
            memory.add_scope(one)
        told.append(everything_told(rebuilt, open_, queries, references))
        require_no_canary(told[-1], memory.export(()), open_)
    assert told[0] == told[1]


@settings(max_examples=EXAMPLES, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.integers(0, 2**64 - 1))
def test_no_answer_depends_on_what_is_not_visible(seed: int) -> None:
    before = QUERIES["inject"] + QUERIES["recall"]
    require_isolation(seed, steps=8)
    assert QUERIES["inject"] + QUERIES["recall"] - before >= QUERIES_AN_EXAMPLE


def test_enough_was_asked() -> None:
    asked = QUERIES["inject"] + QUERIES["recall"]
    print(f"{asked} queries, {QUERIES.total()} questions: {dict(QUERIES)}")
    assert asked == 0 or asked >= EXAMPLES * QUERIES_AN_EXAMPLE  # 0: the property was not among the tests chosen


def _rows_of_all(view: View, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    return view._store.rows(sql.replace(":scopes", "IN (SELECT n FROM scope)"), *values)


BROKEN: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "all scopes": (View, "rows", _rows_of_all),
    "a lookup in all scopes": (
        View,
        "belief",
        lambda view, reference, old=View.belief: old(view._store.everything(), reference),
    ),
    "receipts as they are": (acting, "_waiting", lambda store, view: receipts.waiting(store)),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_the_property_catches(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*BROKEN[broken])
    with pytest.raises((AssertionError, LookupError)):
        for seed in range(20):
            require_isolation(seed, steps=4)


# -- single cases -----------------------------------------------------------------------------------


def test_a_belief_that_moves_into_an_archive_elsewhere_takes_its_conflicts_along(memory: Memory) -> None:
    one, other = (
        memory.remember(content, {"scope": "user", "type": "fact", "aliases": ["pg"]}, None, None).belief
        for content in ("Redis is fast.", "Redis is slow.")
    )
    memory.edit(one.id, {"scope": "project:z", "archived": True}, ["user"])
    assert memory.recall("redis", ["user"], 9).contested == {}
    assert other.content in memory.inject("pg", ["user"], None, 2000, "n").injection.text


def test_the_receipt_of_a_session_elsewhere_names_no_belief_from_there(memory: Memory) -> None:
    take_in(
        memory,
        {"id": "here", "type": "fact", "scope": "user", "content": "x", "aliases": ["pg"]},
        {"id": "there", "type": "fact", "scope": "project:z", "content": "y", "aliases": ["pg"]},
    )
    memory.inject("pg", ["project:z"], None, 2000, "n")
    for _ in range(2):  # as a reader left it, then as a writer took it in
        assert [[used.belief for used in one.used] for one in memory.why("here", ["user"], 9).receipts] == [["here"]]
        assert [[used.belief for used in one.used] for one, _ in memory.log(["user"], 9)] == [["here"]]
        memory.add_scope("project:new")
