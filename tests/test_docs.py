"""The help is documentation: every command has it, and its examples are commands that exist."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import typer
import typer.main

from mem.cli import app

ROOT: Any = typer.main.get_command(app)


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
