"""What the commands share: options, the memory they work on, the text they are given, $EDITOR."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Annotated, Any, Literal

import typer

from mem import hot, terminal
from mem.belief import Belief, to_record
from mem.config import home
from mem.errors import Problem, UsageMistake
from mem.memory import Memory
from mem.reading import clock
from mem.show import answers, style
from mem.text import MAX_TEXT

MOST_PROBLEMS = 20
"""Problems that are printed one by one; nobody reads the thousandth."""

Scope = Annotated[list[str] | None, typer.Option("--scope", metavar="SCOPE", help="Scope to open; repeat for several.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Jsonl = Annotated[bool, typer.Option("--jsonl", help="Print one JSON object a line.")]
Ids = Annotated[bool, typer.Option("--ids", help="Print only ids, a line each.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and do nothing.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="Id, its beginning, name, or number in the last list.")]
IdList = Annotated[
    list[str], typer.Argument(metavar="ID...", help="Ids, their beginnings, names, or numbers in the last list.")
]


def memory() -> Memory:
    """The memory of this session."""
    return Memory(home(), clock=clock, warn=hot.warn, progress=embedded)


def declared(options: Sequence[hot.Option], field: str) -> Any:
    """The typer form of an option that is declared as data."""
    found = next(option for option in options if option.field == field)
    extra: dict[str, Any] = {"min": found.least, "max": 999_999_999} if found.kind == "count" else {}
    if found.kind in ("text", "texts"):
        extra["metavar"] = found.metavar
    return typer.Option(*found.flags, help=found.help, **extra)


Types = Annotated[list[str] | None, declared(hot.FILTERS, "type")]
Statuses = Annotated[list[str] | None, declared(hot.FILTERS, "status")]
Since = Annotated[str | None, declared(hot.FILTERS, "since")]
Until = Annotated[str | None, declared(hot.FILTERS, "until")]
AsOf = Annotated[str | None, declared(hot.FILTERS, "as_of")]
Archived = Annotated[bool, declared(hot.FILTERS, "archived")]
Pending = Annotated[bool, declared(hot.FILTERS, "pending")]
All = Annotated[bool, declared(hot.FILTERS, "all")]
Mode = Literal["auto", "lexical", "hybrid"]


def show(text: str, values: Memory) -> None:
    """Print a long answer, in a pager where that helps."""
    style.write(text, str(values.settings()["show.pager"]) if terminal.is_seen() else "")


def list_beliefs(
    values: Memory, beliefs: Sequence[Belief], form: str = "text", document: Callable[[], Any] = dict
) -> None:
    """Print a list of beliefs in one of its forms; on a terminal its numbers mean them from now on."""
    if form == "text":
        terminal.keep_list(values.home, "", [belief.id for belief in beliefs])
        show(answers.belief_table(beliefs), values)
    elif form == "json":
        sys.stdout.write(style.dump(document()))
    elif form == "jsonl":
        sys.stdout.write(style.dump_lines(map(to_record, beliefs)))
    else:
        sys.stdout.write("".join(f"{belief.id}\n" for belief in beliefs))


def only_forms(json: bool, jsonl: bool = False, ids: bool = False) -> str:
    """The form that the options ask for."""
    return hot.form_of({"json": json, "jsonl": jsonl, "ids": ids})


def content_of(argument: str | None, command: str) -> str:
    """The text of a belief: the argument, standard input for `-`, or what is written in $EDITOR."""
    if argument is None:
        if not sys.stdin.isatty():
            raise UsageMistake("there is no text to remember", f"{command} TEXT, or - to read standard input")
        help_ = "# Write what to remember, save and leave. An empty text remembers nothing."
        content = "\n".join(line for line in edited(f"\n{help_}\n").splitlines() if line != help_)
    elif argument == "-":
        content = _standard_input(command)
    else:
        content = argument
    content = content.replace("\r\n", "\n").strip()
    if not content:
        raise UsageMistake("the text is empty; nothing was written", f"{command} TEXT")
    return content


def _standard_input(command: str) -> str:
    data = sys.stdin.buffer.read(4 * MAX_TEXT + 1)
    if len(data) > 4 * MAX_TEXT:
        raise UsageMistake(f"standard input holds more than {MAX_TEXT:,} characters", f"{command} TEXT")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        hint = "convert it, for example with iconv"
        raise UsageMistake(f"standard input is not UTF-8 at byte {error.start + 1}", hint) from None


def edited(text: str) -> str:
    """What the user makes of a text in their editor.

    Raises: UsageMistake if there is no such editor, or it ends with a failure.
    """
    import shlex
    import subprocess

    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ("vi" if sys.stdin.isatty() else None)
    if editor is None:
        raise UsageMistake("there is no terminal to edit on", "give the text as an argument, or set EDITOR")
    path, content = kept(text), text
    try:
        with terminal.lent():
            status = subprocess.run([*shlex.split(editor), path], check=False).returncode
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as written:
            content = written.read()
    except (OSError, ValueError) as error:
        raise UsageMistake(
            f"the editor {editor!r} cannot be used: {error}", "set EDITOR to one that is installed"
        ) from None
    finally:
        with suppress(OSError):
            os.unlink(path)
    if status:
        with keeping(content if content != text else None):
            if terminal.was_interrupted(status):
                raise KeyboardInterrupt
            raise UsageMistake(f"{editor} ended with {status}; nothing was changed", "export EDITOR=nano")
    return content


def kept(text: str) -> str:
    """The path of a new file that holds a text of the user."""
    import tempfile

    with tempfile.NamedTemporaryFile(
        "w", suffix=".md", prefix="mem-kept-", encoding="utf-8", errors="surrogateescape", newline="", delete=False
    ) as file:
        file.write(text)
    return file.name


@contextmanager
def keeping(text: str | None) -> Iterator[None]:
    """Should this come to nothing, what somebody wrote is kept in a file, and they are told where."""
    try:
        yield
    except BaseException:
        if text is not None:
            hot.warn(f"what you wrote is in {kept(text)}")
        raise


@contextmanager
def counting(noun: str) -> Iterator[Callable[[int], None]]:
    """A counter on a terminal, every hundredth; it is gone when the work is done."""
    seen = sys.stderr.isatty()

    def progress(done: int) -> None:
        if seen and done and done % 100 == 0:
            sys.stderr.write(f"\r{done:,} {noun}")
            sys.stderr.flush()

    try:
        yield progress
    finally:
        if seen:
            sys.stderr.write("\r\x1b[K")


def embedded(done: int, left: int) -> None:
    """A counter on a terminal, while the vectors of many beliefs are made."""
    if left and sys.stderr.isatty():
        sys.stderr.write(f"\r{left:,} beliefs left \r")  # what is printed next stands in its place


def print_problems(problems: Sequence[Problem]) -> None:
    """Say what is wrong, the first ones one by one."""
    for problem in problems[:MOST_PROBLEMS]:
        hot.warn(str(problem))
    if len(problems) > MOST_PROBLEMS:
        hot.warn(f"and {len(problems) - MOST_PROBLEMS:,} more; --json lists them all")
