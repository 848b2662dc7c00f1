"""Other people's files: which are read, that none is changed, and what is said of those that are left out."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest

from mem import notes
from mem.errors import Problem, Refused, UsageMistake
from mem.memory import Memory
from mem.notes import Globs, Note
from tests.conftest import Mem

RULE = "Never log tokens.\n"


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "vault"
    folder.mkdir()
    return folder


def write(folder: Path, *names: str, text: str = RULE) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def read(folder: Path, **globs: tuple[str, ...]) -> list[str]:
    """What is read of a folder: paths below it; for a problem with what is said of it."""
    found = notes.read([str(folder)], "/nowhere/mem", Globs(**globs))
    return [
        one.path.removeprefix("~/vault/") if isinstance(one, Note) else str(one).removeprefix("~/vault/")
        for one in found
    ]


# -- which ------------------------------------------------------------------------------------------


def test_notes_are_read_in_order_and_nothing_else_is(vault: Path) -> None:
    write(vault, "b.md", "a/c.txt", "a/d.MARKDOWN", "e.py", "f.pdf", "README", "LICENSE.md", "requirements-dev.txt")
    assert read(vault) == ["b.md", "a/c.txt", "a/d.MARKDOWN"]


@pytest.mark.parametrize(
    "name", [".hidden.md", ".obsidian/a.md", "x/.git/a.md", "node_modules/p/a.md", "__pycache__/a.md"]
)
def test_hidden_files_and_packages_are_not_looked_into(vault: Path, name: str) -> None:
    write(vault, "kept.md", name)
    assert read(vault) == ["kept.md"]


def test_globs_choose_by_path_or_name(vault: Path) -> None:
    write(vault, "a.md", "b.txt", "old/a.md", "old/c.md")
    assert read(vault, include=("*.md",)) == ["a.md", "old/a.md", "old/c.md"]
    assert read(vault, exclude=("old/*",)) == ["a.md", "b.txt"]
    assert read(vault, include=("a.md", "b.*"), exclude=("old/*",)) == ["a.md", "b.txt"]


PATTERNS = """*.md /a.md build/ !keep.md a/** **/tmp doc/*.md a?.md [ab].md [!ab].md x*y*z.md a/**/b.md #c.md \\#c.md
    tmp/* food foo/bar *.txt !/a/keep.md a/ *o* [a-c]*.md \\!x.md""".split()
NAMES = "a.md b.md c.md keep.md ab.md xy1z.md xyyz.md food.md #c.md !x.md b.txt".split()
FOLDERS = ("", "a", "a/x", "build", "tmp", "a/tmp", "doc", "doc/x", "foo", "a/b")


def listed_by_git(folder: Path) -> set[str]:
    command = ["git", "-C", str(folder), "ls-files", "--others", "--exclude-standard", "-z"]
    found = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split("\0")
    return {str(folder / name) for name in found if name.endswith((".md", ".txt"))}


@pytest.mark.parametrize("seed", range(12))
def test_what_git_ignores_is_ignored(vault: Path, seed: int) -> None:
    chance = random.Random(seed)
    subprocess.run(["git", "init", "-q", str(vault)], check=True)
    write(vault, *(f"{folder}/{name}" if folder else name for folder in FOLDERS for name in NAMES))
    (vault / ".gitignore").write_text("\n".join(chance.sample(PATTERNS, 4)))
    (vault / "a" / ".gitignore").write_text("\n".join(chance.sample(PATTERNS, 3)))
    asked = subprocess.run(["git", "-C", str(vault), "check-ignore", "-q", "a"], check=False).returncode
    for top in (vault, vault / "a") if asked else (vault,):  # a folder that is named itself is wanted
        below = {path for path in listed_by_git(vault) if path.startswith(f"{top}/")}
        assert {*notes._walk(str(top), "/nowhere", notes.ALL)} == below


def test_a_reading_without_ignore_rules_is_caught_by_that(vault: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes, "_ignored", lambda path, folder, rules: False)
    with pytest.raises(AssertionError):
        test_what_git_ignores_is_ignored(vault, 1)


@pytest.mark.parametrize(
    "pattern", ["*a" * 60 + "b", "**/" * 60 + "x", "a**" * 40, "[" * 500, "[!", "\\", "!", "/", "**"]
)
def test_hostile_ignore_rules_neither_hang_nor_fail(vault: Path, pattern: str) -> None:
    write(vault, "a" * 200 + ".md")
    (vault / ".gitignore").write_text(f"{pattern}\n")
    assert len(read(vault)) <= 1


@pytest.mark.parametrize(
    "pattern",
    r"[z-a]x [a-\d] [a-\d]x [] [!] [!]x [^]a [^]a]x []a]x [[:alpha:]]x [[:nope:]]x \ a\ (?P<x [--/]x [\ [a\]b]x [*]x"
    r" [^a]x [!a-c]x [a-]x [a&&b]x [a||b]x [[a]x [\d]x a[/]x a[^b]x *[ab]x [a*b]x".split(),
)
def test_classes_mean_what_they_mean_to_git(vault: Path, pattern: str) -> None:
    subprocess.run(["git", "init", "-q", str(vault)], check=True)
    write(vault, *(f"{name}/note.md" for name in "a d x z ax bx dx zx ]x *x &x |x [x -x \\x a]x".split()), "a/x/n.md")
    (vault / ".gitignore").write_text(f"{pattern}\n")
    assert {*notes._walk(str(vault), "/nowhere", notes.ALL)} == listed_by_git(vault)


def test_no_more_rules_are_read_than_people_write(vault: Path) -> None:
    write(vault, "a.md", "b.md")
    (vault / ".gitignore").write_text("a.md\n" + "x*y\n" * 20_000 + "b.md\n")
    assert read(vault) == ["b.md"]
    assert len(notes._rules(str(vault))) == notes._MOST_RULES


# -- what is left out -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data, said",
    [
        (b"one\n\xff\xfe\n", "x.md:2: is not UTF-8; it was left out"),
        (b"one\ntwo\0\n", "x.md:2: is not text; it was left out"),
        (b"a" * (notes.MAX_NOTE + 1), "x.md: has more than 1,048,576 bytes; it was left out"),
    ],
)
def test_what_is_no_text_is_left_out_with_its_line(vault: Path, data: bytes, said: str) -> None:
    (vault / "x.md").write_bytes(data)
    write(vault, "y.md")
    assert read(vault) == [said, "y.md"]


def test_what_would_block_is_left_out(vault: Path) -> None:
    os.mkfifo(vault / "x.md")
    assert read(vault) == ["x.md: is not a plain file; it was left out"]


def test_ignore_rules_that_would_block_are_none(vault: Path) -> None:
    write(vault, "x.md")
    os.mkfifo(vault / ".gitignore")
    assert read(vault) == ["x.md"]


def test_links_are_followed_inside_of_their_folder_alone(vault: Path, tmp_path: Path) -> None:
    write(vault, "real.md")
    write(tmp_path, "outside.md")
    (vault / "again.md").symlink_to("real.md")
    (vault / "out.md").symlink_to(tmp_path / "outside.md")
    (vault / "loop.md").symlink_to("loop.md")
    (vault / "round").symlink_to(".")
    assert read(vault) == [
        "again.md",
        "loop.md: is a link that leads nowhere (Too many levels of symbolic links)",
        "out.md: is a link out of its folder, and was not followed",
    ]


def test_names_that_no_provenance_can_hold_are_left_out(vault: Path) -> None:
    write(vault, "a\nb.md")
    (vault / os.fsdecode(b"c\xff.md")).write_text(RULE)
    assert [line.partition(": ")[2] for line in read(vault)] == [
        "has a name that no provenance can hold; it was left out"
    ] * 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_note_that_may_not_be_read_is_named(vault: Path) -> None:
    write(vault, "x.md")
    (vault / "x.md").chmod(0)
    assert read(vault) == ["x.md: cannot be read (Permission denied)"]


def test_line_ends_and_byte_order_marks_are_no_part_of_a_note(vault: Path) -> None:
    (vault / "x.md").write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree\n")
    [note] = notes.read([str(vault)], "/nowhere")
    assert isinstance(note, Note) and note.text == "one\ntwo\nthree\n"


# -- what is named ----------------------------------------------------------------------------------


def test_provenance_means_the_same_from_everywhere(
    vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(vault, "x.md")
    write(tmp_path, "y.md")
    monkeypatch.chdir(vault)
    tops = notes.tops(["x.md", "../../y.md", "~/vault/x.md"], "/nowhere")
    found = [note.path for note in notes.read(tops, "/nowhere") if isinstance(note, Note)]
    assert found == ["~/vault/x.md", f"{tmp_path}/y.md"]


def test_a_file_that_is_named_itself_may_be_called_anything(vault: Path) -> None:
    write(vault, ".cursorrules")
    assert [type(one) for one in notes.read([str(vault / ".cursorrules")], "/nowhere")] == [Note]


def test_what_does_not_exist_is_an_error(vault: Path) -> None:
    with pytest.raises(UsageMistake, match="does not exist"):
        notes.tops([str(vault / "none.md")], "/nowhere")


def test_the_memory_folder_is_refused_and_skipped_in_others(memory: Memory, tmp_path: Path) -> None:
    page = memory.remember("Never log tokens.", {}, None, None).page
    for path in (memory.home.path, f"{memory.home.path}/{page}", f"{tmp_path}/home/../home/mem"):
        with pytest.raises(Refused, match="memory folder"):
            notes.tops([path], memory.home.path)
    found = [*notes.read([str(tmp_path / "home")], memory.home.path)]
    assert found == [] and not any(isinstance(one, Problem) for one in found)


# -- nothing is changed -----------------------------------------------------------------------------

PIECES = (
    "# Heading\n", "## Decisions\n\n", "- [decision] One region is enough.\n", "- [ ] Never done\n",
    "Always write tests.\n",
    "```\ncode\n```\n", "| a | b |\n|---|---|\n", "> quote\n", "[[Link|name]] and #tag\n", "\r\n", "\t\n", "\ufeff",
    "数据库\n",
    "---\naliases: [x]\n---\n", "**Bloc**: the library that we use\n", "trailing   \n", "no end of line",
)  # fmt: skip


def many(folder: Path, count: int, seed: int = 7) -> dict[Path, tuple[bytes, int]]:
    """Varied notes in nested folders, with their bytes and times of change."""
    chance = random.Random(seed)
    made = {}
    for n in range(count):
        path = folder / f"area{n % 20}" / f"note {n}.{chance.choice(('md', 'md', 'txt'))}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(
            "".join(chance.choices(PIECES, k=chance.randint(0, 12))).encode() + chance.choice((b"", b"\xff"))
        )
        os.utime(path, ns=(chance.randrange(10**18), chance.randrange(10**18)))
        made[path] = path.read_bytes(), path.stat().st_mtime_ns
    return made


def changed(made: dict[Path, tuple[bytes, int]]) -> list[Path]:
    return [path for path, was in made.items() if (path.read_bytes(), path.stat().st_mtime_ns) != was]


def test_a_thousand_notes_keep_their_bytes_and_times(mem: Mem, vault: Path) -> None:
    made = many(vault, 1_000)
    assert mem("ingest", str(vault)).status == 3  # some are not UTF-8
    assert changed(made) == []
    assert {path for path in vault.rglob("*") if path.is_file()} == {*made}


def test_a_reading_that_touches_a_note_is_caught(mem: Mem, vault: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = many(vault, 30)
    real = notes._decoded
    monkeypatch.setattr(notes, "_decoded", lambda name, data: [Path(name).expanduser().touch(), real(name, data)][1])
    mem("ingest", str(vault))
    assert len(changed(made)) == 30
