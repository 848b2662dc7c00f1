"""Scopes: what is one, what it sees, and which one a directory has."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mem.belief import PLURALS
from mem.errors import UsageMistake
from mem.scope import (
    RESERVED_SEGMENTS,
    USER,
    Scope,
    mapped,
    most_specific,
    names_of_remote,
    parse,
    remote_of,
    repository_of,
    visible,
)
from tests.strategies import SCOPES

# -- reading ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("user", USER),
        ("project:atlas", Scope("project", ("atlas",))),
        ("project:atlas/mobile/ios", Scope("project", ("atlas", "mobile", "ios"))),
        ("domain:c++", Scope("domain", ("c++",))),
        ("x:_a.b-1", Scope("x", ("_a.b-1",))),
    ],
)
def test_a_scope_is_read_as_it_is_written(text: str, scope: Scope) -> None:
    assert parse(text) == scope
    assert str(scope) == text


NO_SCOPES = (
    *("", " ", "User", "user ", "user:me", "user/a", "project", "project:", ":a", "project:a/", "project:/a"),
    *("project:a//b", "Project:a", "project:A", "project:a b", "project:é", "project:a\n", "p1:a", "project:a:b"),
    *("project:a\\b", "project:.", "project:..", "project:../user", "project:a/../b", "project:.git", "project:-rf"),
    "archive:a",
)


@pytest.mark.parametrize("text", NO_SCOPES, ids=repr)
def test_what_is_no_scope_is_refused_by_name(text: str) -> None:
    with pytest.raises(UsageMistake, match="is not a scope") as caught:
        parse(text)
    assert repr(text) in caught.value.message


def test_a_scope_cannot_have_the_name_of_a_folder_below_it() -> None:
    assert {"archive", *PLURALS.values()} == RESERVED_SEGMENTS
    for name in RESERVED_SEGMENTS:
        with pytest.raises(UsageMistake):
            parse(f"project:a/{name}")


@pytest.mark.parametrize("text", ["project:" + "a" * 300, "a" * 300 + ":x"], ids=["segment", "kind"])
def test_a_scope_whose_folder_no_file_system_takes_is_refused(text: str) -> None:
    with pytest.raises(UsageMistake):
        parse(text)


@given(SCOPES)
def test_a_scope_has_a_folder_of_its_own(text: str) -> None:
    assert parse(text).folder == text.replace(":", "/")


# -- seeing -----------------------------------------------------------------------------------------

FEW = st.builds(
    lambda kind, segments: Scope(kind, tuple(segments)),
    st.sampled_from(("p", "d")),
    st.lists(st.sampled_from(("a", "b", "ab")), min_size=1, max_size=3),
) | st.just(USER)


@given(st.lists(FEW, max_size=3), FEW)
def test_a_session_sees_its_scopes_their_ancestors_and_user_and_nothing_else(opened: list[Scope], other: Scope) -> None:
    inside = [f"{scope}/".startswith(f"{other}/") for scope in opened]
    assert (other in visible(opened)) == (other == USER or any(inside))


@given(st.lists(FEW, max_size=3))
def test_the_visible_scopes_are_listed_once_innermost_first_and_user_last(opened: list[Scope]) -> None:
    found = visible(opened)
    assert len(set(found)) == len(found) and found[-1] == USER
    assert [len(one.segments) for one in found] == sorted((len(one.segments) for one in found), reverse=True)
    assert found == visible(reversed(opened))


@given(FEW)
def test_a_child_and_a_sibling_are_not_visible(scope: Scope) -> None:
    child = Scope(scope.kind if scope.segments else "p", (*scope.segments, "child"))
    sibling = Scope(child.kind, (*child.segments[:-1], "sibling"))
    assert child not in visible([scope])
    assert sibling not in visible([child])
    assert scope in visible([child]) and scope in visible([sibling])


def test_a_write_goes_to_the_deepest_scope_and_among_equals_to_the_first() -> None:
    opened = [parse("domain:code"), parse("project:a/b"), parse("project:c/d")]
    assert most_specific(opened) == parse("project:a/b")
    assert most_specific([]) == USER


# -- directories ------------------------------------------------------------------------------------


def test_the_nearest_mapping_wins() -> None:
    mappings = {"/w": "domain:work", "/w/atlas": "project:atlas", "/w/atlas2": "project:other"}
    assert mapped("/w/atlas/src/deep", mappings) == ("/w/atlas", "project:atlas")
    assert mapped("/w/atlas", mappings) == ("/w/atlas", "project:atlas")
    assert mapped("/w/atlas3", mappings) == ("/w", "domain:work")
    assert mapped("/elsewhere", mappings) is None
    assert mapped("/elsewhere", {"/": "domain:all"}) == ("/", "domain:all")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


CONFIG = """[core]
\tbare = false
[remote "fork"]
\turl = git@example.org:me/atlas.git
[remote "origin"]
\tfetch = +refs/heads/*:refs/remotes/origin/*
\turl = https://example.org/team/atlas.git
\tpushurl = https://example.org/other.git
[branch "main"]
\tremote = fork
"""


def test_the_remote_of_a_directory_is_the_origin_of_the_repository_above_it(tmp_path: Path) -> None:
    write(tmp_path / "r" / ".git" / "config", CONFIG)
    (tmp_path / "r" / "src" / "deep").mkdir(parents=True)
    assert remote_of(str(tmp_path / "r" / "src" / "deep")) == "https://example.org/team/atlas.git"
    assert repository_of(str(tmp_path / "r" / "src" / "deep")) == str(tmp_path / "r")


@pytest.mark.parametrize(
    ("config", "remote"),
    [
        (CONFIG.replace('"origin"', '"up"'), None),
        (CONFIG.replace('"origin"', '"fork"'), "git@example.org:me/atlas.git"),
        ('[remote "up"]\nurl=a:b/c\n', "a:b/c"),
        ('[remote "origin"]\nurl = "a:b/c"\n', "a:b/c"),
        ('[remote "origin"]\nurl = https://me:secret@h/c\n', "https://h/c"),
        ("[core]\n", None),
        ("", None),
    ],
    ids=["two, no origin", "the first of two urls", "one, no origin", "quoted", "secret", "none", "empty"],
)
def test_without_an_origin_a_remote_counts_if_it_is_the_only_one(
    tmp_path: Path, config: str, remote: str | None
) -> None:
    write(tmp_path / ".git" / "config", config)
    assert remote_of(str(tmp_path)) == remote


def test_a_worktree_has_the_remote_of_its_repository(tmp_path: Path) -> None:
    write(tmp_path / "r" / ".git" / "config", CONFIG)
    inner = write(tmp_path / "r" / ".git" / "worktrees" / "w" / "commondir", "../..\n").parent
    write(tmp_path / "w" / ".git", f"gitdir: {inner}\n")
    assert remote_of(str(tmp_path / "w")) == "https://example.org/team/atlas.git"


def test_a_submodule_has_its_own_remote(tmp_path: Path) -> None:
    write(tmp_path / ".git" / "config", CONFIG)
    write(tmp_path / ".git" / "modules" / "sub" / "config", '[remote "origin"]\n\turl = https://example.org/sub\n')
    write(tmp_path / "sub" / ".git", "gitdir: ../.git/modules/sub\n")
    assert remote_of(str(tmp_path / "sub")) == "https://example.org/sub"


@pytest.mark.parametrize("marker", ["", "gitdir: /nowhere\n", "\x00"], ids=repr)
def test_a_broken_marker_of_a_repository_is_no_remote(tmp_path: Path, marker: str) -> None:
    write(tmp_path / ".git", marker)
    assert remote_of(str(tmp_path)) is None


def test_a_configuration_that_is_not_utf8_is_no_remote(tmp_path: Path) -> None:
    write(tmp_path / ".git" / "config", "").write_bytes(b'[remote "origin"]\nurl = a:b/\xff\n')
    assert remote_of(str(tmp_path)) is None


# -- remotes ----------------------------------------------------------------------------------------

URLS = """git@github.com:Team/Atlas.git ssh://git@github.com/team/atlas.git ssh://git@github.com:22/team/atlas.git
    https://github.com/team/atlas https://github.com/team/atlas.git https://github.com/team/atlas/
    https://me:secret@github.com/team/atlas.git git://host/group/team/atlas.git git+ssh://host/team/atlas
    host:team/atlas file:///srv/git/team/atlas.git /srv/git/team/atlas ../team/atlas""".split()


@pytest.mark.parametrize("url", URLS)
def test_a_remote_gives_a_project_its_name_or_owner_and_name(url: str) -> None:
    assert [str(scope) for scope in names_of_remote(url)] == ["project:atlas", "project:team-atlas"]


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("https://github.com/Jane Doe/My App.git", ["project:my-app", "project:jane-doe-my-app"]),
        ("host:atlas.git", ["project:atlas"]),
        ("https://me:secret@host/atlas.git", ["project:atlas"]),
        ("git@github.com:me/.github.git", ["project:github", "project:me-github"]),
        ("", []),
        ("https://github.com/", []),
    ],
)
def test_a_remote_with_odd_signs_gives_a_name_that_is_a_scope(url: str, names: list[str]) -> None:
    assert [str(scope) for scope in names_of_remote(url)] == names


@pytest.mark.parametrize("name", ["archive", "facts", "events"])
@pytest.mark.parametrize("ending", ["", ".git"])
def test_a_repository_with_a_reserved_name_is_called_by_owner_and_name(name: str, ending: str) -> None:
    assert [str(one) for one in names_of_remote(f"git@github.com:me/{name}{ending}")] == [f"project:me-{name}"]


PARTS = st.sampled_from(
    ("atlas", "archive", "archive.git", "-a", ".b", "a.git", ".git", "ä", "a b", "", "..", "A", "a" * 300)
)


@given(st.sampled_from(("git@h:", "https://h/", "ssh://g@h:22/", "/", "")), st.lists(PARTS, max_size=3))
def test_every_name_that_a_remote_suggests_is_a_scope(head: str, parts: list[str]) -> None:
    for scope in names_of_remote(head + "/".join(parts)):
        assert parse(str(scope)) == scope
