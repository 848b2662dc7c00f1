"""A terminal: numbers, widths, scripts of all directions, the pager, questions, and Ctrl-C at every one of them."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.conftest import Mem
from tests.terminals import Terminal

Open = Callable[..., Terminal]


@pytest.fixture
def open_terminal(tmp_path: Path) -> Iterator[Open]:
    """Open terminals, which are closed at the end."""
    opened: list[Terminal] = []

    def start(columns: int = 80, lines: int = 24, **env: str) -> Terminal:
        opened.append(Terminal(tmp_path, columns, lines, **env))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@pytest.fixture
def store(mem: Mem) -> None:
    for name, line in {
        "store": "Postgres is the store of record.",
        "tea": "I prefer tea.",
        "queue": "We use Kafka.",
    }.items():
        assert mem("remember", "--name", name, line).status == 0


@pytest.fixture
def many(mem: Mem) -> None:
    lines = (
        json.dumps({"type": "fact", "scope": "user", "name": f"n_{n}", "content": f"It is {n}."}) for n in range(60)
    )
    assert mem("import", "--approve", "-", stdin="\n".join(lines)).status == 0


def script(tmp_path: Path, name: str, text: str) -> str:
    path = tmp_path / name
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)
    return str(path)


# -- numbers ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("store")
def test_a_number_means_the_last_list_of_this_terminal(open_terminal: Open) -> None:
    one, other = open_terminal(), open_terminal()
    assert one.run("mem list").status == other.run("mem recall kafka").status == 0
    assert "store\n" in one.run("mem show 1").screen and "queue\n" in other.run("mem show 1").screen
    assert "ends with number 1" in other.run("mem show 2").screen
    assert (
        one.run("mem list --ids | wc -l; mem recall --json kafka >/dev/null; mem pin 1 3").screen.count("pinned") == 2
    )
    assert one.run("mem forget 1").screen.startswith("forgot store")
    assert "ids take 4 characters" in open_terminal().run("mem show 1").screen


@pytest.mark.usefixtures("store")
def test_a_number_of_what_is_gone_is_said_to_be_gone(open_terminal: Open) -> None:
    terminal = open_terminal()
    assert terminal.run("mem list; mem undo").status == 0
    gone = terminal.run("mem show 3")
    assert (gone.status, "number 3 of the last list" in gone.screen) == (2, True)


def test_review_and_conflicts_number_what_they_list(open_terminal: Open) -> None:
    terminal = open_terminal()
    terminal.run("mem remember --as agent:helper --name proposed 'The cache is Redis.'")
    assert "proposed" in terminal.run("mem review").screen
    assert terminal.run("mem review --approve 1").screen.startswith("approved proposed")


# -- widths and scripts -----------------------------------------------------------------------------

SCRIPTS = {
    "日本": "日本語の文章はとても長いので折り返されます。" * 8,
    "مرحبا": "مرحبا بالعالم هذا نص طويل جدا " * 12,
    "שלום": "שלום עולם " * 40,
    "family": "👨‍👩‍👧 family 🇩🇪 ❤️ " * 30,
    "cafe\u0301": "cafe\u0301 e\u0301te\u0301 " * 60,
    "evil\u202ename": "an \u202e override and \u2066 an isolate family",
}


def safe(line: str) -> bool:
    """True if nothing in a line reaches beyond it, or can be mistaken for a command to the terminal."""
    depth = 0
    for character in line:
        depth += (character == "\u2068") - (character == "\u2069")
        if (
            depth not in (0, 1)
            or character in "\u2066\u2067\u202a\u202b\u202c\u202d\u202e"
            or unicodedata.category(character) == "Cc"
        ):
            return False
    return depth == 0


def test_what_is_not_safe_is_seen() -> None:
    assert [safe(line) for line in ("a\u2068b\u2069", "\u2068b", "b\u2069", "\u202ea", "\x1b[2m")] == [
        True,
        *[False] * 4,
    ]


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_columns_stay_aligned_and_lines_within_the_terminal(mem: Mem, open_terminal: Open, columns: int) -> None:
    records = [{"type": "fact", "scope": "user", "name": name, "content": text} for name, text in SCRIPTS.items()]
    assert mem("import", "--approve", "-", stdin="\n".join(map(json.dumps, records))).status == 0
    terminal = open_terminal(columns, 60)
    head, *rows = terminal.run("mem list").screen.splitlines()
    assert len(rows) == len(SCRIPTS) and all(cell_len(line) <= columns and safe(line) for line in rows)
    at = cell_len(head[: head.index("content")])
    for row in rows:
        cells = [sum(cell_len(one) for one in row[:end]) for end in range(len(row))]
        assert cell_len(re.sub(r"[^ ]", "", row)) and any(cell_len(row[:end]) == at for end in range(len(row))), (
            row,
            cells,
        )
        ends = [end for end in range(1, len(row)) if cell_len(row[:end]) == at]
        assert any(row[end - 1] == " " for end in ends), row
    hits = terminal.run("mem recall --no-abstain 'family שלום مرحبا 日本語の文章は'").screen.splitlines()
    bodies = [line for line in hits if line.startswith("    ")]
    assert bodies and all(safe(line) for line in hits) and all(cell_len(line) <= columns for line in bodies)
    assert "    ".join(hits).count("…") and not re.search(r"(?m)(^    .*\n){4}", "\n".join(hits) + "\n")


@pytest.mark.usefixtures("store")
def test_there_are_colours_where_they_are_wanted(open_terminal: Open) -> None:
    lines = ("mem list", "mem recall kafka", "mem show store", "mem conflicts")
    assert all("\x1b[" in open_terminal(NO_COLOR="").run(line).screen for line in lines[:3])
    for terminal in (open_terminal(), open_terminal(NO_COLOR="", TERM="dumb")):
        assert not any("\x1b" in terminal.run(line).screen for line in lines)
    assert "\x1b" not in open_terminal(NO_COLOR="").run("mem recall kafka | cat").screen


# -- the pager --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("many")
def test_a_pager_shows_what_is_longer_than_the_terminal(open_terminal: Open, tmp_path: Path) -> None:
    pager = script(tmp_path, "pager", "echo PAGED; cat")
    terminal = open_terminal(PAGER=pager)
    assert terminal.run("mem list").screen.startswith("PAGED\n")
    for line in (
        "mem list | cat",
        "mem recall n_1",
        "LINES=100 mem list",
        "PAGER=cat mem list",
        "PAGER=no-such mem list",
    ):
        seen = terminal.run(line)
        assert seen.status == 0 and "PAGED" not in seen.screen and "n_1" in seen.screen
    assert terminal.run("PAGER=true mem list") == (0, "")
    assert terminal.run(f"mem config set show.pager {pager}; PAGER=cat mem list").screen.count("PAGED") == 1


@pytest.mark.usefixtures("many")
def test_ctrl_c_in_a_pager_is_for_the_pager(open_terminal: Open, tmp_path: Path) -> None:
    stays = script(
        tmp_path, "stays", "trap 'echo CAUGHT' INT; cat >/dev/null; echo PAGED; read -r < /dev/tty; echo LEFT"
    )
    terminal = open_terminal(PAGER=stays)
    terminal.start("mem list")
    terminal.wait("PAGED\n")
    terminal.press("\x03")
    terminal.press("\n")
    seen = terminal.end()
    assert (seen.status, "LEFT" in seen.screen, "Traceback" in seen.screen) == (0, True, False)
    ends = script(tmp_path, "ends", "cat >/dev/null; echo PAGED; exec sleep 60")
    terminal.start(f"PAGER={ends} mem list")
    terminal.wait("PAGED\n")
    terminal.press("\x03")
    seen = terminal.end()
    assert (seen.status, "Traceback" in seen.screen) == (130, False)


# -- questions --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    "typed, status, left", [("{id}\n", 0, 0), ("nonsense\n", 2, 1), ("\x03", 130, 1), ("\x04", 130, 1)]
)
def test_a_purge_wants_the_id_typed(mem: Mem, open_terminal: Open, typed: str, status: int, left: int) -> None:
    id_ = mem("recall", "--ids", "kafka").out.strip()
    terminal = open_terminal()
    terminal.start("mem purge queue")
    terminal.wait("Type its id")
    terminal.press(typed.format(id=id_))
    seen = terminal.end()
    assert (seen.status, "Traceback" in seen.screen, mem("list").out.count("Kafka")) == (status, False, left)


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("typed, status, left", [("y\n", 0, 1), ("n\n", 0, 3), ("\x03", 130, 3), ("\x04", 130, 3)])
def test_undoing_several_acts_is_confirmed(mem: Mem, open_terminal: Open, typed: str, status: int, left: int) -> None:
    terminal = open_terminal()
    terminal.start("mem undo 2")
    terminal.wait("Undo these")
    terminal.press(typed)
    seen = terminal.end()
    assert (seen.status, "Traceback" in seen.screen, len(mem("list").out.splitlines())) == (status, False, left)


@pytest.mark.parametrize("typed, status, left", [("y\n", 0, 0), ("n\n", 0, 1), ("\x03", 130, 1)])
def test_a_conflict_is_asked_about(mem: Mem, open_terminal: Open, typed: str, status: int, left: int) -> None:
    assert mem("remember", "--type", "decision", "--name", "a", "--alias", "the store", "It is Postgres.").status == 0
    terminal = open_terminal()
    terminal.start("mem remember --type decision --name b --alias 'the store' 'It is MySQL.'")
    terminal.wait("Does it replace")
    terminal.press(typed)
    seen = terminal.end()
    assert (seen.status, "is stored" in seen.screen, len(json.loads(mem("conflicts", "--json").out)["conflicts"])) == (
        status, status == 130, left,
    )  # fmt: skip
    assert "MySQL" in mem("list").out


# -- the editor -------------------------------------------------------------------------------------

FAULTY = 'sed -i \'s/^type: .*/type: nonsense/\' "$1"; echo kept-by-me >> "$1"'


def text_kept(screen: str) -> str:
    """What the file holds that a terminal names."""
    found = re.search(r"(?:wrote|text) is in ([^\s;]+)", screen)
    assert found, screen
    path = Path(found[1])
    text = path.read_text()
    path.unlink()
    return text


def test_remember_without_a_text_opens_the_editor(mem: Mem, open_terminal: Open, tmp_path: Path) -> None:
    good = script(tmp_path, "good", 'echo "Written by hand." > "$1"')
    terminal = open_terminal(EDITOR=good)
    assert terminal.run("mem remember").screen.startswith("remembered") and "Written by hand." in mem("list").out
    failed = terminal.run("mem remember --type nonsense")
    assert failed.status == 2 and "Written by hand." in text_kept(failed.screen)
    broken = script(tmp_path, "broken", 'echo "Half." > "$1"; exit 1')
    assert "Half." in text_kept(terminal.run(f"EDITOR={broken} mem remember").screen)
    assert "wrote" not in terminal.run("EDITOR=false mem remember").screen


@pytest.mark.usefixtures("store")
def test_a_fault_in_an_edited_page_is_mended_in_a_second_round(open_terminal: Open, tmp_path: Path, mem: Mem) -> None:
    mend = 'if grep -q nonsense "$1"; then sed -i "s/nonsense/decision/" "$1"; else ' + FAULTY + "; fi"
    terminal = open_terminal(EDITOR=script(tmp_path, "editor", mend))
    terminal.start("mem edit queue")
    terminal.wait("Edit again")
    terminal.press("\n")
    assert terminal.end().status == 0 and "kept-by-me" in mem("show", "queue").out


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("typed, status", [("n\n", 3), ("\x03", 130), ("\x04", 130)])
def test_what_was_written_is_kept_when_the_second_round_is_declined(
    open_terminal: Open, tmp_path: Path, typed: str, status: int
) -> None:
    terminal = open_terminal(EDITOR=script(tmp_path, "editor", FAULTY))
    terminal.start("mem edit queue")
    terminal.wait("Edit again")
    terminal.press(typed)
    seen = terminal.end()
    assert (seen.status, "Traceback" in seen.screen) == (status, False) and "kept-by-me" in text_kept(seen.screen)


@pytest.mark.usefixtures("store")
def test_ctrl_c_in_the_editor_keeps_what_was_written(open_terminal: Open, tmp_path: Path) -> None:
    terminal = open_terminal(EDITOR=script(tmp_path, "editor", 'echo kept-by-me >> "$1"; echo OPEN; exec sleep 60'))
    terminal.start("mem edit queue")
    terminal.wait("OPEN\n")
    terminal.press("\x03")
    seen = terminal.end()
    assert (seen.status, "Traceback" in seen.screen) == (130, False) and "kept-by-me" in text_kept(seen.screen)


def test_an_interrupted_import_takes_nothing_in(mem: Mem, open_terminal: Open, tmp_path: Path) -> None:
    record = json.dumps({"type": "fact", "scope": "user", "content": "It is {}."})
    (tmp_path / "lines").write_text("".join(f"{record.replace('{}', str(n))}\n" for n in range(150)))
    terminal = open_terminal()
    terminal.start("(cat lines; exec sleep 60) | mem import --approve -")  # the pipe stays open: it is in its midst
    terminal.wait("100 records")
    terminal.press("\x03")
    seen = terminal.end()
    assert (seen.status, "Traceback" in seen.screen) == (130, False)
    assert (mem("list", "--all").out, mem("doctor").status, list(tmp_path.glob("home/mem/user/**/*.md"))) == ("", 0, [])
