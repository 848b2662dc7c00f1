"""Pages: what is rendered reads back, what a person breaks is a problem with its line, files are whole or not."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from mem import tree
from mem.belief import PLURALS, Alias, Belief
from mem.errors import Problem
from mem.text import MAX_TEXT
from tests.strategies import LINES, NOW, belief, beliefs

# -- belief to page and back ------------------------------------------------------------------------


def read(page: bytes) -> Belief | Problem:
    return tree.parse("a/page.md", page, now=NOW)


def said(page: bytes) -> Belief:
    parsed = read(page)
    assert isinstance(parsed, Belief), parsed
    return parsed


def problem(page: bytes) -> Problem:
    parsed = read(page)
    assert isinstance(parsed, Problem), parsed
    return parsed


@given(beliefs())
@example(belief(stability=1234.5678))
@example(belief(aliases=[{"text": "pg", "weight": 123.4567}]))
def test_a_page_reads_back_as_the_belief_it_was_made_of(one: Belief) -> None:
    page = tree.render(one)
    assert said(page) == tree.owned(one)
    assert len(page) <= tree.MAX_PAGE and page.endswith(b"\n")


@pytest.mark.parametrize("unit", ["é\u00a0", "a\n", "\t# ", "\U0001f600", "---\n", '"'])
def test_the_longest_belief_has_a_page(unit: str) -> None:
    long = (unit * MAX_TEXT)[: MAX_TEXT - 1] + "."
    one = belief(content=long, why=long, aliases=[f"{n} " + "库" * 90 for n in range(64)])
    assert said(tree.render(one)) == tree.owned(one)


def test_a_page_looks_as_the_design_says() -> None:
    one = belief(id="8f3k2q1v", type="decision", name="store_of_record", aliases=["pg", "postgres"])
    page = tree.render(one._replace(content="Postgres is it.", why="never suggest another", scope="project:atlas"))
    assert page.decode() == (
        "---\nid: 8f3k2q1v\ntype: decision\nscope: project:atlas\nstatus: active\naliases: [pg, postgres]\n"
        "created: 2026-11-21T10:00:00Z\nupdated: 2026-11-21T10:00:00Z\nsource: user\n---\n"
        "# store_of_record\n\nPostgres is it.\n\nWhy: never suggest another\n"
    )


ODD_CONTENTS = (
    *("# heading", "a\n# b", "Why: not", "a\n\nWhy: b", "\na", "a\n", " a", "a\r\nb", "a\rb", "\ufeffa", "\n---\n#"),
    "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> b",
)


@pytest.mark.parametrize("content", ODD_CONTENTS, ids=repr)
@pytest.mark.parametrize("why", [None, "because", "a\n\nb", ""])
def test_content_that_the_body_cannot_hold_survives(content: str, why: str | None) -> None:
    one = belief(content=content, why=why)
    assert (said(tree.render(one)).content, said(tree.render(one)).why) == (content, why)


@pytest.mark.parametrize(
    ("content", "why", "written"),
    [("a\n\nWhy: b", None, "content: |-\n  a\n\n  Why: b"), ("a\n", "c", 'content: "a\\n"\nwhy: "c"')],
)
def test_such_content_stands_in_the_front_matter(content: str, why: str | None, written: str) -> None:
    front, _, body = tree.render(belief(content=content, why=why)).decode().partition("\n---\n")
    assert front.endswith(f"\n{written}")
    assert body == "# n\n"


@pytest.mark.parametrize(
    "content", ["a", "a\n\nb", "- a\n- b", "---", "a\n\n---\n\nb", "#tag", "`x`", "a\n## b", "a: b"]
)
def test_ordinary_content_stands_below_its_heading(content: str) -> None:
    assert tree.render(belief(content=content)).decode().endswith(f"---\n# n\n\n{content}\n")


# -- page to page -----------------------------------------------------------------------------------

FOREIGN_LINES = ("# mine", "tags: [a, b]", "cssclass: {x: y}", "note: |\n  # no comment\n\n  Why: not", 'x: "# y"', "")


@st.composite
def pages_of_a_person(draw: st.DrawFn) -> tuple[Belief, bytes, list[bytes]]:
    """A belief, its page as a person may have changed it, and the pieces of that which are not mem's."""
    one = draw(beliefs())
    front, _, body = tree.render(one).decode()[4:].partition("\n---\n")
    parts = draw(st.permutations(re.split(r"\n(?=[a-z_]+: )", front)))  # no key before `content: |` is cut in two
    own = [f"{line}{n}" if line and line[-1].isalpha() else line for n, line in enumerate(draw(FOREIGN))]
    keys = [line.replace(":", f"{n}:", 1) if line[:1].isalpha() else line for n, line in enumerate(own)]
    for line in keys:
        parts.insert(draw(st.integers(0, len(parts))), line)
    blanks = draw(st.sampled_from(("", "\n", "\n\n")))
    text = "---\n" + "\n".join(parts) + f"\n---\n{blanks}{body}{blanks}"
    mark, end = draw(st.sampled_from(("", "\ufeff"))), draw(st.sampled_from(("\n", "\r\n")))
    return (
        one,
        (mark + text.replace("\n", end)).encode(),
        [f"{line}\n".replace("\n", end).encode() for line in keys if line],
    )


FOREIGN = st.lists(st.sampled_from(FOREIGN_LINES), max_size=4)


@given(pages_of_a_person(), beliefs())
def test_a_revised_page_says_the_new_belief_and_keeps_what_is_not_mem_s(
    page: tuple[Belief, bytes, list[bytes]], other: Belief
) -> None:
    _, old, foreign = page
    assume(isinstance(read(old), Belief))  # a line end in a text that only YAML takes for one
    try:
        new = tree.revise(old, other)
    except ValueError as error:
        assert "only YAML takes" in str(error)
        return
    assert said(new) == tree.owned(other)
    assert all(new.count(line) >= old.count(line) for line in foreign)
    assert new.startswith(b"\xef\xbb\xbf") == old.startswith(b"\xef\xbb\xbf")


PERSONAL = b"""---
# mine: this page is dear to me
id:   'a1'  # never change
tags: [x, y]
type: fact
aliases:
  - pg   # short
  # the long one
  - postgres

scope: user
pinned: true # really
---

#  n

One.
Two.\t
Three.


Why:so
"""


@pytest.mark.parametrize(
    ("fields", "before", "after"),
    [
        ({}, b"", b""),
        ({"pinned": False}, b"pinned: true # really", b"pinned: false # really"),
        ({"content": "One.\n2.\nThree."}, b"Two.\t", b"2."),
        ({"name": "m"}, b"#  n", b"# m"),
        ({"why": "because"}, b"Why:so", b"Why: because"),
        ({"why": None}, b"\n\n\nWhy:so", b""),
        ({"aliases": ["q"]}, b"aliases:\n  - pg   # short\n  # the long one\n  - postgres",
         b"aliases: [q]\n# short\n# the long one"),
        ({"confidence": 0.5}, b"- postgres\n", b"- postgres\nconfidence: 0.5\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["unix", "windows"])
def test_a_write_changes_the_lines_of_what_it_changes_alone(
    fields: dict[str, Any], before: bytes, after: bytes, end: bytes
) -> None:
    old = PERSONAL.replace(b"scope: user", b"created: 2026-11-21\nscope: user")
    one = said(old)._replace(**{key: value for key, value in fields.items() if key != "aliases"})
    if "aliases" in fields:
        one = one._replace(aliases=belief(aliases=["q"]).aliases)
    assert tree.revise(old.replace(b"\n", end), one) == old.replace(before, after).replace(b"\n", end)


def test_a_page_that_mem_wrote_alone_is_rendered_anew() -> None:
    one, other = belief(aliases=["pg"], why="so"), belief(content="# d", pinned=True)
    assert tree.revise(tree.render(one), other) == tree.render(other)


def test_a_page_that_mem_wrote_with_a_line_end_of_yaml_in_its_text_can_be_revised() -> None:
    one = belief(content="a\n\nWhy: b\n\u2028\nc")
    assert tree.revise(tree.render(one), one) == tree.render(one)
    assert tree.revise(tree.render(one), one._replace(pinned=True)) == tree.render(one._replace(pinned=True))


def test_content_that_the_body_cannot_hold_moves_and_what_is_not_mem_s_stays() -> None:
    old = page("tags: [a]\ncreated: 2026-11-21T10:00:00Z\n# mine\n")
    assert tree.revise(old, belief(id="a1", content="a\n\nWhy: b")).decode() == (
        f"{HEAD}tags: [a]\ncreated: 2026-11-21T10:00:00Z\n# mine\ncontent: |-\n  a\n\n  Why: b\n---\n# n\n\n"
    )


def test_a_page_that_a_person_began_is_given_what_it_lacks() -> None:
    new = tree.revise(b"---\ntags: [a]\n---\n# n\n\nc\n", belief())
    assert new.decode() == (
        "---\nid: b1\ntype: fact\nscope: user\ncreated: 2026-11-21T10:00:00Z\ntags: [a]\n---\n# n\n\nc\n"
    )


@pytest.mark.parametrize("front", ["", "\n", "# mine\n"])
def test_a_page_that_a_person_began_may_say_nothing_but_its_words(front: str) -> None:
    new = tree.revise(f"---\n{front}---\n# n\n\nc\n".encode(), belief())
    assert said(new) == belief() and new.decode().endswith(f"{front}---\n# n\n\nc\n")


# -- what a person writes ---------------------------------------------------------------------------

HEAD = "---\nid: a1\ntype: fact\nscope: user\n"


def page(front: str = "", body: str = "# n\n\nc\n") -> bytes:
    return f"{HEAD}{front}---\n{body}".encode()


@pytest.mark.parametrize(
    "written", ["no", "yes", "true", "null", "~", "12:30", "0x12", "1e3", "2026-11-21", "007", "1_0"]
)
def test_plain_words_of_yaml_stay_text(written: str) -> None:
    assert said(page(f"aliases: [{written}]\nwhy: {written}\n")).why == written
    assert said(page(f"aliases: [{written}]\n")).aliases[0].text == written


def test_an_id_that_looks_like_a_number_stays_text() -> None:
    assert said(page().replace(b"a1", b"0x12")).id == "0x12"


@pytest.mark.parametrize("aliases", ["[a, b]", "\n- a\n- b", "\n  - a\n  - {text: b}", "[a, {text: b, weight: 10}]"])
def test_aliases_may_be_written_in_several_ways(aliases: str) -> None:
    assert said(page(f"aliases: {aliases}\n")).aliases == (("a", 10.0, "given"), ("b", 10.0, "given"))


@pytest.mark.parametrize("aliases", ["postgres", "{a: b}", '"a, b"'])
def test_aliases_that_are_no_list_are_a_problem(aliases: str) -> None:
    assert problem(page(f"aliases: {aliases}\n")).line == 5


@pytest.mark.parametrize("key", ["aliases", "participants"])
def test_a_list_that_is_left_empty_holds_nothing(key: str) -> None:
    assert getattr(said(page(f"{key}:\n")), key) == ()


def test_a_heading_underlined_with_seven_signs_is_no_conflict() -> None:
    assert said(page(body="# n\n\nPart\n=======\n\nc\n")).content == "Part\n=======\n\nc"


def test_a_page_with_windows_line_ends_and_a_mark_at_its_beginning_is_read() -> None:
    one = belief(content="a\nb", why="c", aliases=["x: y"])
    assert said(b"\xef\xbb\xbf" + tree.render(one).replace(b"\n", b"\r\n")) == tree.owned(one)


def test_unknown_keys_and_comments_are_left_to_the_person() -> None:
    assert said(page("# mine\ntags: [a, b]\ncssclass: {x: y}\n")).content == "c"


def test_text_before_the_heading_belongs_to_the_content() -> None:
    assert said(page(body="\nbefore\n\n# n\n\nafter\n")).content == "before\nafter"


def test_the_last_paragraph_is_the_reason_if_it_says_so() -> None:
    one = said(page(body="# n\n\na\n\nWhy: b\n\nc\n\nWhy: d\ne\n"))
    assert (one.content, one.why) == ("a\n\nWhy: b\n\nc", "d\ne")


def test_a_blank_after_the_heading_is_no_problem() -> None:
    assert said(page(body="# n \n\nc\n")).name == "n"


BROKEN: dict[str, tuple[bytes, int, str]] = {
    "duplicate key": (page("id: b\n"), 5, "given twice"),
    "duplicate inner key": (page("aliases:\n- {text: a, text: b}\n"), 6, "given twice"),
    "anchor": (page("why: &x c\n"), 5, "anchors"),
    "alias": (page("why: c\nsource: *x\n"), 6, "not YAML|anchors"),
    "tag": (page("why: !!int 3\n"), 5, "tags"),
    "python tag": (page("why: !!python/object/apply:os.system [ls]\n"), 5, "tags"),
    "tab": (page("\twhy: c\n"), 5, "not YAML"),
    "conflict in front": (page("<<<<<<< HEAD\nwhy: a\n=======\nwhy: b\n>>>>>>> b\n"), 5, "not YAML|conflict"),
    "conflict in body": (page(body="# n\n\n<<<<<<< HEAD\na\n=======\nb\n>>>>>>> b\n"), 8, "conflict"),
    "nested": (page("x: [[[[[[a]]]]]]\n"), 5, "nested"),
    "flag": (page("why: c\npinned: yes\n"), 6, "pinned"),
    "number": (page("confidence: high\n"), 5, "confidence"),
    "wrong type": (page().replace(b"type: fact", b"type: facts"), 3, "type"),
    "wrong time": (page("why: c\nconfirmed: soon\n"), 6, "confirmed"),
    "wrong list": (page("why: c\nparticipants: abcd\n"), 6, "participants"),
    "two documents": (page("--- \nwhy: c\n"), 5, "not YAML|---"),
    "not a mapping": (b"---\n- a\n---\n# n\n", 2, "key: value"),
    "empty front": (b"---\n\n---\n# n\n\nc\n", 1, "id|front matter"),
    "only a comment": (b"---\n# c\n---\n# n\n\nc\n", 1, "id|front matter"),
    "no front": (b"# n\n\nc\n", 1, "no front matter"),
    "empty": (b"", 1, "no front matter"),
    "not closed": (HEAD.encode(), 1, "not closed"),
    "no id": (page().replace(b"id: a1\n", b""), 1, "id is missing"),
    "no heading": (page(body="n\n"), 1, "no name"),
    "no content": (page(body="# n\n"), 1, "content is empty"),
    "content twice": (page("content: d\n"), 5, "twice"),
    "not UTF-8": (page() + b"\xff\n", 9, "not UTF-8"),
    "too large": (page() + b"a" * tree.MAX_PAGE, 0, "too large"),
}


@pytest.mark.parametrize(("data", "line", "said_"), BROKEN.values(), ids=BROKEN)
def test_a_broken_page_is_a_problem_at_its_line(data: bytes, line: int, said_: str) -> None:
    found = problem(data)
    assert (found.path, found.line) == ("a/page.md", line), found
    assert re.search(said_, found.message)


ODD_FRONTS = """id: b|type: x|scope: project:a|status: x|aliases: [x]|aliases:|- a|{|[|]|}|a: &x c|b: *x|c: !t d||# c
    |...|? a|: b|pinned: true|confidence: nan|stability: 1e999|participants: [a]|aliases: [[a]]|x: >|x: |-|\t|"|'
    |aliases: [{text: [a]}]|aliases: [{origin: [b]}]|why: [a]|content: {a: b}|created: 9999-12-31T23:59:59-10:00"""
FRONTS = st.lists(st.sampled_from([line.strip(" \n") for line in ODD_FRONTS.split("|")])).map("\n".join)


@given(
    st.binary(max_size=60) | (FRONTS | st.text(max_size=40)).map(lambda front: f"{HEAD}{front}\n---\n# n\n\nc".encode())
)
@example(b"---\n\n---\n")
def test_whatever_a_file_holds_it_is_a_belief_or_a_problem(data: bytes) -> None:
    for candidate in (data, b"---\n" + data + b"\n---\n# n\n\nc\n"):
        assert isinstance(read(candidate), Belief | Problem)


# -- where a page is --------------------------------------------------------------------------------

DEVICES = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9¹²³]")
NAMES = LINES | st.sampled_from(
    (
        *("con", "NUL", "con.x", "Com1.tar.gz", "lpt¹", "aux.", ".aux", "..", "a/../b", "-rf", "a" * 100, "库" * 40),
        "a\\b:c*?",
    )
)


@given(NAMES)
@example("con.x")
@example("com¹")
@example("con." + "x" * 90)
def test_every_file_system_takes_a_slug(name: str) -> None:
    slug = tree.slug(name)
    assert 0 < len(slug.encode()) <= 80
    assert not re.search(r'[/\\:*?"<>|\s\x00-\x1f]', slug)
    assert slug[0] not in ".-" and slug[-1] not in ". "
    assert not DEVICES.fullmatch(slug.split(".")[0].lower())


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({}, "user/facts/n.md"),
        ({"scope": "project:atlas/mobile", "type": "entity", "name": "BLoC"}, "project/atlas/mobile/entities/bloc.md"),
        ({"archived": True}, "archive/user/facts/n.md"),
        ({"status": "retracted"}, "archive/user/facts/n.md"),
        ({"status": "exploratory"}, "user/facts/n.md"),
    ],
)
def test_a_page_lies_in_the_folder_of_its_scope_and_type(fields: dict[str, Any], path: str) -> None:
    assert tree.page_path(belief(**fields)) == path


@given(beliefs())
def test_no_page_lies_outside_its_scope(one: Belief) -> None:
    parts = tree.page_path(one).removeprefix("archive/").split("/")
    assert "/".join(parts[:-2]) == one.scope.replace(":", "/")
    assert parts[-2] == PLURALS[one.type] and not any(part.startswith(".") for part in parts)


# -- files ------------------------------------------------------------------------------------------


class Disk:
    """A page's place and the folder for temporary files beside it."""

    def __init__(self, top: Path) -> None:
        self.scratch = top / "scratch"
        self.scratch.mkdir()
        self.path = top / "user" / "facts" / "n.md"

    def place(self, data: bytes, expected: bytes | None) -> tree.Placed:
        hash_ = None if expected is None else tree.digest(expected)
        return tree.place(str(self.path), data, hash_, str(self.scratch))


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def test_a_new_page_is_put_in_place_and_described(disk: Disk) -> None:
    placed = disk.place(b"new", None)
    status = disk.path.stat()
    assert disk.path.read_bytes() == b"new"
    assert placed == (tree.digest(b"new"), status.st_mtime_ns, 3)


def test_a_page_that_holds_what_was_agreed_is_replaced(disk: Disk) -> None:
    disk.place(b"old", None)
    disk.place(b"new", b"old")
    assert disk.path.read_bytes() == b"new"


@pytest.mark.parametrize("expected", [None, b"old"], ids=["new page", "replacement"])
def test_a_page_that_a_person_changed_is_not_replaced(disk: Disk, expected: bytes | None) -> None:
    disk.place(b"by hand", None)
    with pytest.raises(tree.Changed):
        disk.place(b"new", expected)
    assert disk.path.read_bytes() == b"by hand"


def test_a_page_that_is_gone_is_written_anew(disk: Disk) -> None:
    disk.place(b"new", b"old")
    assert disk.path.read_bytes() == b"new"


def test_a_page_that_is_as_it_should_be_is_left_alone(disk: Disk) -> None:
    first = disk.place(b"new", None)
    os.utime(disk.path, ns=(0, 0))
    assert disk.place(b"new", b"old") == first._replace(mtime=0)


def test_the_names_of_new_folders_are_made_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    for _ in range(2):  # what is there already costs nothing
        tree.make_folder(str(tmp_path / "a" / "b" / "c"))
    assert synced == [str(tmp_path), str(tmp_path / "a"), str(tmp_path / "a" / "b")]


@pytest.mark.parametrize("there", [None, b"old", b"by hand"])
def test_no_temporary_file_is_left_behind(disk: Disk, there: bytes | None) -> None:
    if there is not None:
        disk.place(there, None)
    try:
        disk.place(b"new", b"old")
    except tree.Changed:
        assert there == b"by hand"
    assert [name for name in os.listdir(disk.scratch) if name != "displaced"] == []
    assert os.listdir(disk.path.parent) == ["n.md"]


def test_no_temporary_file_is_left_behind_when_the_folder_cannot_be_made(disk: Disk) -> None:
    disk.path.parent.parent.write_text("a file where a folder should be")
    with pytest.raises(OSError):
        disk.place(b"new", None)
    assert os.listdir(disk.scratch) == []


def test_a_link_in_the_place_of_a_page_is_not_followed_and_stays(disk: Disk, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"old")
    disk.path.parent.mkdir(parents=True)
    disk.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="a link"):
        disk.place(b"new", b"old")
    assert (tmp_path / "elsewhere").read_bytes() == b"old" and disk.path.is_symlink()


def test_a_pipe_in_the_place_of_a_page_is_not_waited_for(disk: Disk) -> None:
    disk.path.parent.mkdir(parents=True)
    os.mkfifo(disk.path)
    with pytest.raises(OSError, match="not a file"):
        disk.place(b"new", b"old")


def displaced(disk: Disk) -> list[bytes]:
    return sorted(Path(path).read_bytes() for path, _, _ in tree.displaced(str(disk.scratch)))


@pytest.mark.parametrize("exchanged", [True, False], ids=["exchange", "rename"])
def test_what_is_replaced_is_kept_with_whatever_is_written_to_it_later(
    disk: Disk, exchanged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not exchanged:
        monkeypatch.setattr(tree, "_exchange", lambda one, other: False)
    disk.place(b"old", None)
    with disk.path.open("ab") as editor:
        disk.place(b"new", b"old")
        editor.write(b", and more by hand")
    assert displaced(disk) == [b"old, and more by hand"]
    assert [sound for _, sound, _ in tree.displaced(str(disk.scratch))] == [False]


def saved_in_between(disk: Disk, monkeypatch: pytest.MonkeyPatch, *saves: bytes) -> None:
    """A person saves by rename in the instants before mem's next exchanges."""
    waiting, exchange = [*saves], tree._exchange

    def exchange_late(one: str, other: str) -> bool:
        if waiting:
            (disk.scratch / "editor").write_bytes(waiting.pop(0))
            os.replace(disk.scratch / "editor", other)
        return exchange(one, other)

    monkeypatch.setattr(tree, "_exchange", exchange_late)


@pytest.mark.parametrize("saves", [[b"one"], [b"one", b"two"], [b"one", b"two", b"three"]], ids=len)
def test_what_a_person_saves_in_the_instant_of_a_write_stands_or_is_kept(
    disk: Disk, monkeypatch: pytest.MonkeyPatch, saves: list[bytes]
) -> None:
    disk.place(b"old", None)
    saved_in_between(disk, monkeypatch, *saves)
    with pytest.raises(tree.Changed):
        disk.place(b"new", b"old")
    assert disk.path.read_bytes() == saves[-1]
    assert {disk.path.read_bytes(), *displaced(disk)} >= {*saves[-2:]}  # the third is saved in the place of the first


def test_a_temporary_file_of_a_killed_write_goes_and_what_came_out_of_a_place_is_kept(disk: Disk) -> None:
    (disk.scratch / f"12.{tree.digest(b'new')[:16]}").write_bytes(b"new")
    (disk.scratch / f"13.{tree.digest(b'new')[:16]}").write_bytes(b"by hand")
    tree.recover(str(disk.scratch))
    assert os.listdir(disk.scratch) == ["displaced"]
    assert displaced(disk) == [b"by hand"]


def test_a_page_that_holds_what_was_agreed_is_taken_away(disk: Disk) -> None:
    disk.place(b"old", None)
    tree.take_away(str(disk.path), tree.digest(b"old"), str(disk.scratch))
    assert not disk.path.exists()


def test_a_page_that_a_person_changed_is_not_taken_away(disk: Disk) -> None:
    disk.place(b"by hand", None)
    with pytest.raises(tree.Changed):
        tree.take_away(str(disk.path), tree.digest(b"old"), str(disk.scratch))
    assert disk.path.read_bytes() == b"by hand"


def test_a_page_that_is_gone_already_needs_no_taking_away(disk: Disk) -> None:
    tree.take_away(str(disk.path), tree.digest(b"old"), str(disk.scratch))
    assert not disk.path.exists()


# -- plain front matter -----------------------------------------------------------------------------

PARTS = st.sampled_from(("a", "id", "7", " ", ": ", ":", "~", "-", "- ", "#", " #", "'", '"', "[", "]", "{", "}", ", "))
VALUES = st.lists(PARTS, max_size=6).map("".join)
ENTRIES = st.lists(VALUES | st.sampled_from(("{text: a b, origin: derived}", "{text: a}")), max_size=3)
FRONTS = st.lists(
    st.builds(
        "{}{}{}".format,
        st.sampled_from(("id", "type", "aliases", "a_b", "x-y", "A")),
        st.sampled_from((": ", ":", " : ", ":  ")),
        VALUES | ENTRIES.map(lambda entries: f"[{', '.join(entries)}]"),
    ),
    max_size=4,
).map("\n".join)


def read_by_yaml(front: str) -> Any:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tree, "_read_plain", lambda source: None)
        return tree._read_yaml(front)


@given(FRONTS)
@example("created: 2026-10-01T08:00:00Z\naliases: [a b, {text: x/y, origin: derived}]\nsource: file:~/a.md:3")
@example("a: b ")
@example("a: 'b'")
@example("a: b: c")
@example("a: b\na: c")
@example("a: [{a: b, a: c}]")
@example("a: []")
@example("a: [b,c]")
def test_a_plain_front_matter_reads_as_yaml_reads_it(front: str) -> None:
    plain = tree._read_plain(front)
    assert plain is None or plain == read_by_yaml(front)


@given(beliefs())
def test_what_mem_writes_reads_as_yaml_reads_it(one: Belief) -> None:
    front = tree.render(one).decode()[4:].partition("\n---\n")[0]
    plain = tree._read_plain(front)
    assert plain is None or plain == read_by_yaml(front)


def test_an_ordinary_page_needs_no_parser_of_yaml() -> None:
    page = tree.render(belief()._replace(aliases=(Alias("pg", 10.0, "given"), Alias("Redis", 1.0, "derived"))))
    front = page.decode()[4:]
    assert tree._read_plain(front.partition("\n---\n")[0]) is not None
