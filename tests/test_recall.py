"""Ranked recall as it is used: by words and by meaning, inside what is visible, and honest about what it lacks."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mem import embedding, recall, store
from mem.belief import parse_time
from mem.config import Home
from mem.memory import Memory
from mem.reading import Filters, clock
from tests.bench import meaning
from tests.conftest import Mem

DAY = timedelta(days=1)


@pytest.fixture
def asked(memory: Memory) -> Memory:
    """The store that the question sets ask."""
    assert take_in(memory, meaning._lines("beliefs")) > 200
    return memory


def take_in(memory: Memory, records: list[dict[str, Any]]) -> int:
    lines = enumerate(records, 1)
    done = memory.import_records("x", lines, approve=True, strict=True, dry_run=False, progress=lambda count: None)
    return done.added


def answers(memory: Memory, question: meaning.Question, mode: str = "hybrid", k: int = 5) -> list[str]:
    found = memory.recall(question.text, question.scopes, k, mode=mode, abstain=False)
    return [hit.belief.id for hit in found.hits]


def sample(name: str, count: int) -> list[meaning.Question]:
    return meaning.questions(name)[:: max(1, len(meaning.questions(name)) // count)]


# -- the command does what was measured -------------------------------------------------------------


@pytest.mark.parametrize("mode", ["lexical", "hybrid"])
def test_recall_ranks_as_the_measured_functions_do(asked: Memory, mode: str) -> None:
    stores, same = meaning.Stores(), 0
    questions = [*sample("meaning", 20), *sample("answerable", 20)]
    for question in questions:
        wanted = stores.visible(question).ranked(question.text, hybrid=mode == "hybrid")[:5]
        same += answers(asked, question, mode)[:1] == wanted[:1]
    assert same >= 0.9 * len(questions)  # priors and rounding may swap two that are nearly equal


def test_a_question_that_shares_no_word_is_answered_by_meaning_alone(asked: Memory) -> None:
    questions = sample("meaning", 40)
    found = {mode: [one.expect in answers(asked, one, mode) for one in questions] for mode in ("hybrid", "lexical")}
    assert sum(found["hybrid"]) >= 0.75 * len(questions) and sum(found["lexical"]) <= 0.05 * len(questions)


@pytest.mark.parametrize("days", [90, 900])
def test_ageing_a_store_changes_no_abstention(asked: Memory, days: int) -> None:
    later = Memory(asked.home, clock=lambda: clock() + days * DAY, warn=print)
    for question in [*sample("unanswerable", 30), *sample("answerable", 30), *sample("meaning", 30)]:
        now, then = (bool(one.recall(question.text, question.scopes, 3).hits) for one in (asked, later))
        assert now == then, question.text


# -- the vectors follow the beliefs -----------------------------------------------------------------


def rows(memory: Memory, sql: str) -> list[tuple[object, ...]]:
    with memory._reading() as opened:
        return opened.rows(sql) if opened is not None else []


def embedded(memory: Memory) -> None:
    """Every belief has the vector of what it says now, and no vector is left over."""
    wanted = embedding.Meaning()
    with memory._reading() as opened:
        assert opened is not None and opened.waiting() == 0
        view = opened.everything()
        beliefs = view.numbered(n for (n,) in view.rows("SELECT n FROM belief WHERE scope :scopes"))
        kept = opened.rows("SELECT belief, model, digest, packed, tokens FROM vector ORDER BY belief")
        sketched = opened.rows("SELECT belief, signs FROM sketch ORDER BY belief")
    vectors = wanted.embed(dict(sorted(beliefs.items())))
    assert kept == [(n, wanted.model, one.digest, one.packed, one.tokens) for n, one in vectors.items()]
    assert sketched == [(n, one.signs) for n, one in vectors.items() if beliefs[n].current]


def test_vectors_follow_every_act(mem: Mem, memory: Memory) -> None:
    for line in (
        ("remember", "--name", "drink", "I prefer tea."), ("remember", "--name", "car", "I drive an old Volvo."),
        ("edit", "drink", "I prefer coffee."), ("forget", "car"), ("restore", "car"), ("undo", "2"),
        ("edit", "car", "--move", "project:a"), ("undo",), ("purge", "--confirm", "drink", "drink"),
        ("remember", "--as", "agent:x", "The sky is blue."),
    ):  # fmt: skip
        words = [memory.belief(word, ())[0].id if line[0] == "purge" and word == "drink" else word for word in line]
        assert mem(*words).status == 0, line
        embedded(memory)


def test_a_page_changed_by_hand_is_found_by_what_it_means_now(mem: Mem, tmp_path: Path) -> None:
    mem("remember", "--name", "pet", "We have a goldfish.")
    page = tmp_path / "home/mem/user/facts/pet.md"
    page.write_text(page.read_text().replace("goldfish", "kitten"))
    assert "kitten" in mem("recall", "--no-abstain", "the cat").out


def test_vectors_that_wait_are_made_by_the_next_write(mem: Mem, memory: Memory) -> None:
    mem("remember", "I prefer tea.")
    opened = store.Store.writing(memory.home.database() or "")
    opened.change_model("another/1/128")
    opened.close()
    assert rows(memory, "SELECT COUNT(*) FROM vector") == [(0,)]
    told = mem("recall", "tea")
    assert told.status == 0 and "only words are compared: the vectors in the database are of another model" in told.err
    mem("init")
    embedded(memory)
    assert mem("recall", "tea").err == ""


# -- nothing outside ----------------------------------------------------------------------------------

TEXTS = st.sampled_from(
    "I prefer tea.|The cat sleeps.|Postgres holds the orders.|We deploy on Tuesdays.|Green paint for the hall.".split(
        "|"
    )
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(TEXTS, min_size=1, max_size=4), st.lists(TEXTS, min_size=1, max_size=30), TEXTS)
def test_what_other_scopes_hold_changes_no_score(
    tmp_path_factory: pytest.TempPathFactory, own: list[str], others: list[str], query: str
) -> None:
    memory = Memory(Home(str(tmp_path_factory.mktemp("home") / "mem")), clock=clock, warn=print)
    for at, content in enumerate(own):
        memory.remember(content, {"name": f"own {at}", "scope": "project:a"}, None, None)
    queries = [query, own[0]]
    before = [memory.recall(one, ["project:a"], 9, mode="hybrid", abstain=False).hits for one in queries]
    for at, content in enumerate(others):
        memory.remember(f"{content} {at}", {"name": f"other {at}", "scope": f"project:b{at % 3}"}, None, None)
    after = [memory.recall(one, ["project:a"], 9, mode="hybrid", abstain=False).hits for one in queries]
    assert after == before and before[1]


def test_a_look_at_invisible_vectors_would_change_scores(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant: the rough look sees all scopes, and has room for two."""
    monkeypatch.setattr(recall, "LIKELY", 2)
    memory.remember("The cat sleeps.", {"scope": "project:a"}, None, None)
    before = memory.recall("kitten", ["project:a"], 9, mode="hybrid", abstain=False).hits
    for at in range(9):
        memory.remember(f"A kitten, a kitten {at}.", {"name": f"k{at}", "scope": "project:b"}, None, None)
    assert memory.recall("kitten", ["project:a"], 9, mode="hybrid", abstain=False).hits == before
    rows_of = store.View.rows

    def all_rows(view: store.View, sql: str, *values: object) -> list[tuple[object, ...]]:
        return rows_of(view, sql.replace("WHERE scope :scopes", "") if "sketch" in sql else sql, *values)

    monkeypatch.setattr(store.View, "rows", all_rows)
    assert memory.recall("kitten", ["project:a"], 9, mode="hybrid", abstain=False).hits != before


# -- events -------------------------------------------------------------------------------------------


def test_events_of_one_session_lend_to_each_other_and_to_no_other(memory: Memory) -> None:
    lines = ["Ana: Where did you buy the lamp?", "Ben: At the market.", "Ana: It rains.", "Ben: We leave at noon."]
    records = [
        {"type": "event", "content": line, "scope": "project:a", "created": "2026-01-01T10:00:00Z",
         "provenance": {"source": "import:x", "session": "one" if at < 2 else "two"}}
        for at, line in enumerate(lines)
    ]  # fmt: skip
    take_in(memory, records)
    hits = memory.recall("buy lamp", ["project:a"], 9, mode="lexical").hits
    assert [hit.belief.content for hit in hits] == lines[:2] and hits[1].channels["lexical"] == 0


# -- abstention, time, likeness -----------------------------------------------------------------------


def test_nothing_found_names_what_came_closest(mem: Mem) -> None:
    mem("remember", "--name", "lunch", "We have lunch at noon in the canteen.")
    found = mem("recall", "who repaired the canteen roof last winter?")
    assert (found.status, found.out) == (1, "") and "nothing found in user (best: lunch, 0." in found.err
    assert "lunch" in mem("recall", "--no-abstain", "who repaired the canteen roof last winter?").out


def test_as_of_shows_what_was_held_then(mem: Mem, monkeypatch: pytest.MonkeyPatch) -> None:
    for now, line in (
        ("2026-01-10T10:00:00Z", ("remember", "--name", "editor", "My editor is Vim.")),
        ("2026-03-10T10:00:00Z", ("remember", "--name", "editor", "My editor is Helix.")),
        ("2026-05-10T10:00:00Z", ("forget", "editor")),
    ):
        monkeypatch.setenv("MEM_NOW", now)
        assert mem(*line).status == 0
    held = [mem("recall", "--as-of", moment, "editor").out for moment in ("2026-02", "2026-04", "2026-06", "2025")]
    assert "Vim" in held[0] and "Helix" in held[1] and held[2:] == ["", ""]
    assert "Vim" in mem("list", "--as-of", "2026-02").out and "Vim" in mem("export", "--as-of", "2026-02").out


def test_as_of_never_shows_what_was_in_a_scope_that_is_not_visible(mem: Mem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEM_NOW", "2026-01-10T10:00:00Z")
    mem("remember", "--name", "editor", "--scope", "project:a", "My editor is Vim.")
    monkeypatch.setenv("MEM_NOW", "2026-03-10T10:00:00Z")
    assert mem("edit", "--scope", "project:a", "editor", "My editor is Helix.", "--move", "user").status == 0
    assert mem("recall", "--as-of", "2026-02", "editor").out == ""


def test_an_imported_past_was_held_from_its_creation_on(memory: Memory) -> None:
    old = {"id": "old1", "type": "fact", "content": "The queue is RabbitMQ.", "scope": "user", "status": "superseded",
           "superseded_by": "new1", "created": "2026-01-01T00:00:00Z", "updated": "2026-03-01T00:00:00Z"}  # fmt: skip
    new = {"id": "new1", "type": "fact", "content": "The queue is Kafka.", "scope": "user",
           "created": "2026-03-01T00:00:00Z", "updated": "2026-03-01T00:00:00Z"}  # fmt: skip
    take_in(memory, [old, new])
    moments = ("2025-12-01", "2026-02-01", "2026-04-01")
    held = [memory.recall("queue", (), 5, Filters(as_of=parse_time(f"{one}T00:00:00Z"))).hits for one in moments]
    assert [[hit.belief.id for hit in hits] for hits in held] == [[], ["old1"], ["new1"]]


def test_similar_finds_the_like_and_not_itself(mem: Mem) -> None:
    for name, line in (
        ("pet", "My cat eats tuna."),
        ("animal", "The kitten likes fish."),
        ("tax", "VAT is 19 percent."),
    ):
        mem("remember", "--name", name, line)
    found = mem("similar", "--ids", "pet").out.split()
    assert found[0] == mem("recall", "--ids", "--no-abstain", "-k", "1", "kitten").out.strip() and len(found) == len(
        {*found}
    )
    assert mem("similar", "nonesuch").status == 2 and mem("similar", "--explain", "--json", "pet").status == 2


def test_explain_says_channels_prior_and_words(mem: Mem) -> None:
    mem("remember", "--name", "ride", "I drive an old automobile.")
    told = mem("recall", "--explain", "--no-abstain", "which car do I drive?").out
    assert "× prior" in told and "soft 0." in told and "'car' is 'automobile' (soft)" in told


# -- degraded -----------------------------------------------------------------------------------------


def damage(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(b"x")


@pytest.mark.parametrize(
    "harm", [damage("table.bin"), damage("config.json"), lambda folder: (folder / "vocabulary.tsv").unlink()],
    ids=["table", "settings", "no vocabulary"],
)  # fmt: skip
def test_without_a_sound_model_words_serve_and_recall_says_so(
    mem: Mem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: Callable[[Path], object]
) -> None:
    mem("remember", "I prefer tea.")
    shutil.copytree(embedding.EMBEDDED, tmp_path / "model", ignore=shutil.ignore_patterns("train", "*.py"))
    harm(tmp_path / "model")
    monkeypatch.setattr(embedding, "EMBEDDED", str(tmp_path / "model"))
    told = mem("recall", "--json", "tea")
    assert told.status == 0 and '"mode": "lexical"' in told.out and told.err.count("\n") == 1
    assert "only words are compared" in told.err and mem("recall", "--mode", "hybrid", "tea").status == 5
    assert mem("remember", "I prefer coffee.").status == 0
