"""What a note says that may be worth believing: nothing that is no sure sign, and what became of it later."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mem import ingest
from mem.ingest import Candidate, Step, candidates, compare, plain, section
from tests.strategies import CHARACTERS, TEXTS


def said(note: str, name: str = "note.md") -> list[tuple[str | None, str]]:
    return [(one.type, one.content) for one in candidates(note, name)]


def only(note: str, name: str = "note.md") -> Candidate:
    [one] = candidates(note, name)
    return one


# -- what counts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line, type_, content",
    [
        ("- [decision] Postgres is the store of record.", "decision", "Postgres is the store of record."),
        ("Decision: all services log JSON.", "decision", "all services log JSON."),
        ("**Decision:** all services log JSON.", "decision", "all services log JSON."),
        ("Decided 2026-10-01: no Kubernetes before 2027", "decision", "no Kubernetes before 2027"),
        ("- Orders are kept for ten years #fact", "fact", "Orders are kept for ten years"),
        ("- Rule: two people look at every change", "preference", "two people look at every change"),
        ("Open question: who owns the billing job?", "question", "who owns the billing job?"),
        ("decision:: ship on Tuesdays only", "decision", "ship on Tuesdays only"),
    ],
)
def test_a_label_says_what_a_line_is(line: str, type_: str, content: str) -> None:
    assert said(f"# Any\n\n{line}\n") == [(type_, content)]


@pytest.mark.parametrize(
    "type_, sentence",
    [
        ("preference", "I prefer short pull requests over long ones."),
        ("preference", "Anna prefers tea."),
        ("preference", "Never log tokens."),
        ("preference", "Always write the test first."),
        ("preference", "We never deploy on Fridays."),
        ("preference", "Use `ruff` instead of flake8."),
        ("preference", "Migrations must never be edited."),
        ("decision", "We decided to use Kafka."),
        ("decision", "We have agreed on two reviewers."),
        ("decision", "The team chose Valkey."),
        ("decision", "We no longer use Jenkins."),
    ],
)
@pytest.mark.parametrize("form", ["{}", "- {}", "So much happened today. {} More tomorrow."])
def test_words_say_what_a_sentence_is(type_: str, sentence: str, form: str) -> None:
    assert said(f"## Log\n\n{form.format(sentence)}\n") == [(type_, sentence)]


@pytest.mark.parametrize(
    "heading, type_, line",
    [
        ("## Decisions", "decision", "Postgres is the store of record."),
        ("## Key decisions (2026)", "decision", "One region is enough."),
        ("### Rules for deploys", "preference", "A deploy has two owners."),
        ("## Python conventions", "preference", "Names are in English."),
        ("# 🎨 Code Style", "preference", "Functions fit on a screen."),
        ("## Open questions", "question", "Should we shard by tenant?"),
        ("## Good to know", None, "The printer is in room 12."),
        ("Preferences\n===========", "preference", "Dark mode in all tools."),
    ],
)
def test_a_telling_heading_says_what_the_items_below_it_are(heading: str, type_: str | None, line: str) -> None:
    assert said(f"{heading}\n\n- {line}\n") == [(type_, line)]


def test_a_lead_in_is_a_heading_for_its_list_alone() -> None:
    note = (
        "Our rules:\n\n- A deploy has two owners.\n- Names are in English.\n\nThe rest is free.\n\n- It rains today.\n"
    )
    assert [content for _, content in said(note)] == ["A deploy has two owners.", "Names are in English."]


def test_an_item_below_a_word_is_read_after_it() -> None:
    assert said("## Conventions\n- Python\n  - four spaces\n") == [("preference", "Python: four spaces")]


@pytest.mark.parametrize("heading", ["Do not", "Never", "Dislikes", "Anti-patterns"])
def test_what_a_heading_turns_round_is_never_proposed_without_it(heading: str) -> None:
    assert said(f"## {heading}\n\n- touch generated files\n") == [("preference", f"{heading}: touch generated files")]


def test_an_item_below_a_statement_may_say_why() -> None:
    one = only("## Decisions\n\n- Postgres is the store of record.\n  - Why: one database to back up\n")
    assert (one.content, one.why) == ("Postgres is the store of record.", "one database to back up")


def test_the_steps_of_a_how_to_are_one_procedure() -> None:
    one = only("## How to deploy\n\nFirst ask Anna.\n\n1. Run `make build`.\n2. Push the tag.\n")
    assert (one.line, one.type) == (5, "procedure")
    assert one.content == "How to deploy:\n1. Run `make build`.\n2. Push the tag."


@pytest.mark.parametrize(
    "line, name",
    [
        ("- **Bloc**: the state library that we use", "Bloc"),
        ("- **Bloc** — our state library", "Bloc"),
        ("- [[Bloc]]: the state library that we use", "Bloc"),
        ("**Bloc** is our state library.", "Bloc"),
        ("## Glossary\n- SKU: stock keeping unit", "SKU"),
        ("## People\n- Anna – leads design", "Anna"),
    ],
)
def test_a_term_with_its_meaning_is_an_entity(line: str, name: str) -> None:
    one = only(line)
    assert (one.type, one.name, name in one.aliases) == ("entity", name, True)


def test_the_properties_of_a_note_give_its_subject_other_names() -> None:
    note = "---\naliases: [K8s, kube]\ntags:\n  - tool\n---\n# Kubernetes\n\nKubernetes is our scheduler. It is old.\n"
    one = only(note, "Kubernetes.md")
    assert (one.line, one.name, one.content) == (8, "Kubernetes", "Kubernetes is our scheduler.")
    assert one.aliases == ("Kubernetes", "K8s", "kube")


@pytest.mark.parametrize("front", ["tags: [adr, work]", "tags: ]broken: [", "aliases", "a: |\n  b\n\x00c: - d", ": :"])
def test_properties_of_any_form_take_nothing_from_the_note(front: str) -> None:
    assert said(f"---\n{front}\n---\nNever log tokens.\n") == [("preference", "Never log tokens.")]


@pytest.mark.parametrize("name", ["CLAUDE.md", "AGENTS.md", "claude.local.md"])
def test_what_tells_an_agent_to_do_something_is_a_rule(name: str) -> None:
    note = "# Guide\n\nThe API is in src. Never touch it.\n\n## Commands\n\n- Run `make` first\n- `src`: the code\n"
    assert said(note, name) == [("preference", "Never touch it."), ("preference", "Run `make` first")]
    assert said(note, "README.md") == [("preference", "Never touch it.")]


def test_where_it_stands_is_kept() -> None:
    one = only("intro\n\n# Atlas\n\n## Decisions\n\n- Work:\n  - One region is enough.\n")
    assert (one.line, one.headings) == (8, ("Atlas", "Decisions", "Work"))


# -- what does not ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        "- [ ] Never deploy on Fridays\n- [x] Always do\n- [/] We decided to go",
        "- [ ] a task\n  - Never a belief",
        "TODO: never do that again",
        "- Prefer this over that 📅 2026-12-01",
        "~~Never log tokens.~~",
        "```\nNever log tokens.\n```",
        "~~~md\n- [decision] a decision in code\n~~~",
        "- step\n  ```\n  Never log tokens.\n  ```",
        "```\nNever log tokens, and nobody closed this.",
        "text\n\n    Never log tokens, in indented code.\n",
        "> Never log tokens.\nso they said",
        "> [!note] Always do that\n> Never this",
        "| Rule | Never |\n|---|---|\n| Always | log |",
        "Rule | Never do\n--- | ---\nAlways | log it",
        "<!-- Never log tokens. -->",
        "%% Never log tokens. %%",
        "<p>Never log tokens.</p>",
        "![Never log tokens](x.png)",
        "[^1]: Never log tokens.",
        "$$\nNever log\n$$",
    ],
)
def test_what_is_no_statement_of_the_note_is_no_belief(lines: str) -> None:
    assert said(f"# Rules\n\n{lines}\n") == []


@pytest.mark.parametrize(
    "line",
    [
        "[[Home]]", "[[Home]] and [[Index]]", "[Never log](https://a.example/never) tokens", "https://a.example/x",
        "Postgres", "Should we shard?", "Things we do:", "see the other page", "Note: it rains", "12:30 – 13:00", "…",
        "{{title}} is a rule", "x" * 500, "word " * 70,
    ],
)  # fmt: skip
def test_under_a_telling_heading_too_a_line_must_say_something(line: str) -> None:
    assert said(f"## Decisions\n\n- {line}\n") == []


@pytest.mark.parametrize(
    "sentence",
    [
        "I never saw the deploy finish.", "It is never fast.", "This always happens.", "Don't worry about it.",
        "They never answered.", "The bus was always late.", "You always knew.", "Never mind the rest.",
        "Never did I see that.", "We met Anna and moved on.", "That decided it.",
    ],
)  # fmt: skip
def test_a_story_is_no_belief(sentence: str) -> None:
    assert said(f"# 2026-11-20\n\n{sentence}\n\n- {sentence}\n") == []


@pytest.mark.parametrize("heading", ["Todo", "Next steps", "Alternatives considered", "Examples", "Links", "Pros"])
def test_under_some_headings_nothing_counts_that_has_no_label(heading: str) -> None:
    note = f"# Decisions\n\n## {heading}\n\n- Never log tokens.\n- [decision] One region is enough.\n"
    assert said(note) == [("decision", "One region is enough.")]


@pytest.mark.parametrize("heading", ["Decision tree", "Rules engine", "`style`", "Style transfer", "Question bank", ""])
def test_a_heading_with_a_telling_word_in_its_midst_tells_nothing(heading: str) -> None:
    assert section(heading) is None


@pytest.mark.parametrize("line", ["- **Status**: the work is done", "- **Monday**: the gym at seven", "- **x**: a b"])
def test_a_field_of_a_form_is_no_term(line: str) -> None:
    assert said(f"# Any\n\n{line}\n") == []


def test_the_decision_of_a_record_that_was_rejected_is_none() -> None:
    note = "# 7. Use Kafka\n\n## Decision\n\nWe will use Kafka for events.\n\nIt is fast enough.\n"
    assert said(note) == [("decision", "We will use Kafka for events.")]
    assert said(f"---\nstatus: rejected\n---\n{note}") == []


# -- words ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw, read",
    [
        ("We use [[Valkey|Redis]] ^abc1", "We use Redis"),
        ("We use [[Tools/Valkey#Setup]]", "We use Tools/Valkey"),
        ("**bold** and *slanted* and __both__ and ==bright==", "bold and slanted and both and bright"),
        ("snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4"),
        ("`a_b_c` and `**x**`", "`a_b_c` and `**x**`"),
        ("a [link](https://x.example/a_(b)) here", "a link here"),
        ("mail <anna@x.example> now<br>", "mail anna@x.example now"),
        ("kept #area/home #x", "kept"),
        ("a #hashtag inside", "a hashtag inside"),
        ("C# and F# and #1", "C# and F# and #1"),
        (r"1\. escaped \*stars\*", "1. escaped *stars*"),
        ("gone ~~was here~~ now[^2]", "gone now"),
        (
            "#a #b stay, **a ** b** and ***c*** and **d ==e** f== but #c  #d ",
            "a b stay, a ** b and c and d ==e f== but",
        ),
    ],
)
def test_markup_is_read_as_a_person_does(raw: str, read: str) -> None:
    assert plain(raw) == read


MARKUP = st.lists(
    st.sampled_from(("- ", "# ", "## Rules\n", "```\n", "> ", "| a |", "---\n", "[[", "]]", "**", "`", "%%", "<!--",
                     "$$\n", "Decision: ", "Never do ", "- [ ] ", "\t", "\n", "\n\n", "===\n", "a: ", "1. ", "\r", "["))
    | st.text(CHARACTERS, max_size=12),
    max_size=40,
).map("".join)  # fmt: skip


@given(MARKUP | TEXTS, st.sampled_from(("CLAUDE.md", "a.md", "decisions.txt")))
def test_any_text_can_be_read_and_each_candidate_stands_on_its_line(note: str, name: str) -> None:
    for one in candidates(note, name):
        assert 1 <= one.line <= note.count("\n") + 1
        assert one.content.strip() and len(one.content) <= ingest.LONGEST_PROCEDURE
        word = re.search(r"\w{2,}", one.content)
        assert one.type == "procedure" or word is None or word[0] in note


@pytest.mark.parametrize(
    "piece", ["**", "[[", "[a](", "*a ", "_a ", "`", "<", "%%", "<!--", "~~", "- [", "(a:: ", "#a "]
)
def test_hostile_markup_costs_no_more_than_its_length(piece: str) -> None:
    note = f"## Rules\n\n- {piece * 20_000}\n\n{piece * 20_000}\n"
    assert all(len(one.content) <= 2_000 for one in candidates(note, "x.md"))


def cost(raw: str) -> float:
    """Seconds of computing, the least of three."""
    times = []
    for _ in range(3):
        began = time.process_time()
        plain(raw)
        times.append(time.process_time() - began)
    return min(times)


@pytest.mark.parametrize(
    "piece",
    ["     #a", " #a  ", "**a ", "***a ", "==a ** ", "__a ", "![](", "[](a", "[](()", "a://", "<a", "~~a ", "  "],
)
def test_four_times_the_markup_costs_about_four_times_as_much(piece: str) -> None:
    short, long = (f"use <{piece * (length // len(piece))}.x" for length in (10_000, 40_000))
    assert cost(long) < 10 * cost(short)


# -- what became of it ------------------------------------------------------------------------------


def became(before: list[str], after: list[str]) -> list[tuple[str, str | None, str | None]]:
    steps = compare([(ingest.key(one), one) for one in before], [(ingest.key(one), one) for one in after])
    return [(kind, before[i] if i is not None else None, after[j] if j is not None else None) for kind, i, j in steps]


PG, TABS, KAFKA = "We use Postgres for orders.", "Use tabs, not spaces.", "Events go through Kafka."


def test_a_line_that_moved_or_only_looks_different_is_the_same() -> None:
    assert became([PG, TABS], [TABS.upper(), "We  use Postgres for orders"]) == [
        ("same", TABS, TABS.upper()),
        ("same", PG, "We  use Postgres for orders"),
    ]


def test_a_line_with_other_words_is_edited() -> None:
    new = "We use CockroachDB for orders."
    assert became([TABS, PG], [new, TABS]) == [("edited", PG, new), ("same", TABS, TABS)]


def test_of_two_new_lines_the_more_alike_one_is_the_edited_one() -> None:
    near, far = "We use Postgres 17 for orders.", "We use tea for breakfast."
    assert became([PG], [far, near]) == [("added", None, far), ("edited", PG, near)]


def test_a_line_between_the_same_neighbours_is_edited_though_it_is_less_alike() -> None:
    new = "Orders are kept in Postgres 17 these days."
    assert became([TABS, PG, KAFKA], [TABS, new, KAFKA])[1] == ("edited", PG, new)
    assert ("removed", PG, None) in became([TABS, PG, KAFKA], [TABS, KAFKA, new])


def test_a_line_of_nothing_in_common_is_another_one() -> None:
    new = "Lunch is at noon."
    assert became([TABS, PG, KAFKA], [TABS, new, KAFKA]) == [
        ("same", TABS, TABS), ("added", None, new), ("same", KAFKA, KAFKA), ("removed", PG, None),
    ]  # fmt: skip


LINES = st.lists(st.sampled_from((PG, TABS, KAFKA, "We use Redis for orders.", "Lunch is at noon.")), max_size=6)


@given(LINES, LINES)
@example([PG, TABS, KAFKA, "We use Redis for orders."], ["We use Redis for orders.", KAFKA, PG])
def test_each_line_becomes_one_thing(before: list[str], after: list[str]) -> None:
    steps = compare([(one, one) for one in before], [(one, one) for one in after])
    assert sorted(step.before for step in steps if step.before is not None) == [*range(len(before))]
    assert sorted(step.after for step in steps if step.after is not None) == [*range(len(after))]
    assert (before == after) == (steps == [Step("same", i, i) for i in range(len(before))])


def test_a_note_that_was_rewritten_is_not_compared_pair_by_pair() -> None:
    many = [(f"a{n}", f"one of many {n}") for n in range(3_000)]
    new = [(f"b{n}", f"one of many {n}") for n in range(3_000)]
    assert {step.kind for step in compare(many, new)} == {"added", "removed"}
