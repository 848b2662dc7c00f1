"""The help is documentation: every command has it, and its examples are commands that exist.

The manual and the completions are made from it, and what is committed is what would be made now.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.main

from mem import completions, docs, tree
from mem.belief import Belief, from_record, to_record
from mem.cli import GROUPS, app
from mem.config import SETTINGS
from tests.conftest import Mem, environment

ROOT: Any = typer.main.get_command(app)

PROJECT = Path(__file__).parent.parent


def commands(group: Any = ROOT, path: tuple[str, ...] = ()) -> dict[str, Any]:
    """Every command by what is typed to reach it, those of groups too."""
    found = {" ".join((*path, name)): command for name, command in group.commands.items()}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= commands(command, (*path, name))
    return found


COMMANDS = commands()


def summary(command: Any) -> str:
    return (command.help or "").partition("\n\n")[0].replace("\n", " ")


def examples(command: Any) -> list[str]:
    r"""The lines after `\b`, which a command's help shows as they are."""
    return [line.strip() for line in (command.help or "").partition("\b\n")[2].splitlines() if line.strip()]


def called(line: str) -> list[list[str]]:
    """The arguments of every call of mem in a line of shell."""
    calls = []
    for part in line.split("|"):
        words = shlex.split(part.partition(" > ")[0])
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words.pop(0)
        if words[:1] == ["mem"]:
            calls.append(words[1:])
    return calls


def understood(arguments: list[str]) -> str:
    """The command that these arguments call; they are read as if it were run, and it is not.

    Raises: TyperException if the command line does not understand them.
    """
    command, path, rest = ROOT, [], arguments
    while hasattr(command, "commands") and rest and rest[0] in command.commands:
        command, path, rest = command.commands[rest[0]], [*path, rest[0]], rest[1:]
    context = command.make_context(" ".join(path), list(rest))
    if rest and hasattr(command, "commands"):
        command.resolve_command(context, rest)
    return " ".join(path)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_begins_with_one_sentence(name: str) -> None:
    sentence = summary(COMMANDS[name])
    assert re.fullmatch(r"[A-Z][^\n]*[^.\s]\.", sentence), sentence
    assert not re.search(r"[.!?] [A-Z]", sentence), f"more than one sentence: {sentence}"
    assert len(sentence) <= 100


@pytest.mark.parametrize("name", COMMANDS)
def test_help_ends_with_two_examples_that_would_run(name: str) -> None:
    lines = examples(COMMANDS[name])
    assert len(lines) >= 2
    assert all(called(line) for line in lines), f"not a call of mem: {lines}"
    used = [understood(arguments) for line in lines for arguments in called(line)]
    assert name in used, f"the examples show {used}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_parameter_says_what_it_is(name: str) -> None:
    silent = [one.name for one in COMMANDS[name].params if not getattr(one, "help", None) and one.name != "help"]
    assert silent == []


@pytest.mark.parametrize("line", ["mem recal x", "mem recall", "mem recall --nonsense x", "mem scope map --what ."])
def test_an_example_that_would_not_run_is_caught(line: str) -> None:
    with pytest.raises(typer.TyperException):
        understood(called(line)[0])


def test_the_help_of_every_command_can_be_printed(mem: Any) -> None:
    for name, command in COMMANDS.items():
        status, out, err = mem(*name.split(), "--help")
        assert (status, err) == (0, "") and summary(command).split()[0] in out
        assert all(line in out for line in examples(command)), out


def test_the_commands_within_a_group_are_found_too() -> None:
    assert {"remember", "scope", "scope add", "scope map", "scope list"} <= COMMANDS.keys()


# -- the manual and the completions -----------------------------------------------------------------

TREE = docs.read(ROOT)
PAGES = docs.manual(TREE, GROUPS)
MADE = {f"man/{name}": docs.roff(page) for name, page in PAGES.items()} | {
    f"completions/{name}": completions.script(shell, TREE, list(docs.topics(TREE, GROUPS)))
    for shell, name in (("bash", "mem.bash"), ("zsh", "_mem"), ("fish", "mem.fish"))
}
"""Every committed file that is made, with what it should hold."""


@pytest.mark.parametrize("name", MADE)
def test_a_committed_page_or_script_is_what_would_be_made_now(name: str, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update"):
        (PROJECT / name).parent.mkdir(exist_ok=True)
        (PROJECT / name).write_text(MADE[name], encoding="utf-8")
    assert (PROJECT / name).read_text(encoding="utf-8") == MADE[name], "pytest --update tests/test_docs.py"


def test_no_page_or_script_is_left_of_what_is_gone() -> None:
    there = {f"{folder}/{path.name}" for folder in ("man", "completions") for path in (PROJECT / folder).iterdir()}
    assert there == MADE.keys()


def test_every_page_and_script_is_installed_where_systems_look() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert wheel.keys() == MADE.keys()
    for name in PAGES:
        assert wheel[f"man/{name}"] == f"share/man/man{name[-1]}/{name}"
    assert {"/man", "/completions"} <= {*project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]}


def test_every_command_is_in_one_group_and_every_group_has_its_page() -> None:
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(command.path for command in TREE.commands)
    assert GROUPS.keys() == docs.GROUP_PAGES.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_manual_has_every_command_with_all_it_takes(name: str) -> None:
    [page] = [page for page in PAGES.values() if any(block[:2] == ("part", f"mem {name}") for block in page.blocks)]
    one = docs.find(TREE, GROUPS, name)
    text, alone = docs.plain(page), docs.plain(one if one.section == 1 else page)  # `mem man config`: the settings
    for line in (
        *examples(COMMANDS[name]),
        *(flag for one in COMMANDS[name].params for flag in one.opts if "-" in flag),
    ):
        assert line in text and line in alone
    scripts = [MADE[file] for file in MADE if file.startswith("completions/")]
    assert all(re.search(rf"\b{name.split()[-1]}\b", script) for script in scripts)


def test_the_manual_explains_every_key_of_a_page() -> None:
    assert [*docs.KEYS] == [*tree._ORDER, "content", "why"]
    assert [block.term for block in PAGES["mem-page.5"].blocks if block.kind == "term"] == [*docs.KEYS]


def test_the_manual_explains_every_key_of_a_record() -> None:
    page = PAGES["mem-record.5"]
    least, whole, *_ = [json.loads(block.text) for block in page.blocks if block.kind == "code"]
    assert [block.term for block in page.blocks if block.kind == "term"] == [*whole]
    assert least.keys() == {"type", "content", "scope"}
    assert to_record(from_record(whole, id="", now=datetime.now(UTC), source="")) == whole


def test_the_manual_explains_every_setting() -> None:
    told = {block.term: block.text for block in PAGES["mem-config.5"].blocks if block.kind == "term"}
    assert told.keys() == {one.key for one in SETTINGS}
    assert all(one.help in told[one.key] for one in SETTINGS)


def test_the_example_of_a_page_is_a_page() -> None:
    [example, *_] = [block.text for block in PAGES["mem-page.5"].blocks if block.kind == "code"]
    belief = tree.parse("page", example.encode(), now=datetime.now(UTC))
    assert isinstance(belief, Belief) and belief.name == "store_of_record"


BROKEN = '.TH MEM 1 "2026-11-21"\n.SH NAME\n.PP\nmem \\- one\n.RS 4\n\\fBx\n.XX\n'


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="needs mandoc")
@pytest.mark.parametrize("name, faults", [*((f"man/{name}", False) for name in PAGES), ("broken", True)])
def test_mandoc_finds_no_fault(name: str, faults: bool) -> None:
    lint = ["mandoc", "-Tlint", "-W", "warning"]
    done = subprocess.run(lint, input=MADE.get(name, BROKEN), capture_output=True, text=True, check=False)
    assert bool(done.stdout + done.stderr) == faults, done.stdout


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
@pytest.mark.parametrize("name, faults", [*((f"man/{name}", False) for name in PAGES), ("broken", True)])
def test_groff_finds_no_fault(name: str, faults: bool) -> None:
    line = ["groff", "-man", "-ww", "-z", "-Tutf8"]
    done = subprocess.run(line, input=MADE.get(name, BROKEN), capture_output=True, text=True, check=False)
    assert bool(done.stdout + done.stderr) == faults, done.stderr


@pytest.mark.parametrize("name", PAGES)
def test_plain_text_fits_a_terminal(name: str) -> None:
    long = [line for line in docs.plain(PAGES[name]).splitlines() if len(line) > 80 and not line.startswith(" " * 11)]
    assert long == []


def on_a_terminal(folder: Path, *arguments: str, **variables: str) -> str:
    """What a command shows on a terminal."""
    import pty

    seen = bytearray()
    main, terminal = pty.openpty()
    process = subprocess.Popen(
        arguments, stdin=terminal, stdout=terminal, stderr=terminal, env=environment(folder) | variables
    )
    os.close(terminal)
    try:
        while data := os.read(main, 65536):
            seen += data
    except OSError:  # how Linux tells that the other side is closed
        pass
    finally:
        os.close(main)
        process.wait(30)
    return seen.decode().replace("\r\n", "\n")


def test_on_a_terminal_the_manual_is_shown_by_man(tmp_path: Path) -> None:
    (tmp_path / "man").write_text('#!/bin/sh\necho "shown by man $1:"\ncat "$2"\n')
    (tmp_path / "man").chmod(0o755)
    mem = shutil.which("mem") or "mem"
    shown = on_a_terminal(tmp_path, mem, "man", "page", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert shown == "shown by man -l:\n" + MADE["man/mem-page.5"]
    assert on_a_terminal(tmp_path, mem, "man", "page", PATH="/nowhere") == docs.plain(PAGES["mem-page.5"])


def test_an_unknown_topic_has_close_names(mem: Mem) -> None:
    status, out, err = mem("man", "recal")
    assert (status, out) == (2, "") and "there is no page about 'recal'" in err and "mem man recall" in err


@pytest.mark.parametrize("topic", ["mem", "page", "mem-page", "recall", "mem recall", "scope add", "find", ""])
def test_a_topic_may_be_written_in_several_ways(topic: str) -> None:
    assert docs.find(TREE, GROUPS, topic).name.startswith("mem")
