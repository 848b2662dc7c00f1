"""The hot commands: their options as data, a reader that needs no command-line library, their answers.

`cli` builds its parameters from the same table and calls the same `answer`. Whatever the reader does not
recognise beyond doubt (an unknown option, a missing value, --help) it hands to `cli`, which knows more.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from mem import terminal
from mem.belief import STATUSES, TYPES, parse_span
from mem.config import home
from mem.errors import MemError, UsageMistake, meant
from mem.reading import Filters, Reader, Recalled, clock
from mem.record import Any, NamedTuple
from mem.show import answers
from mem.show.style import dump, dump_lines, one_line
from mem.text import MAX_TEXT

MAX_PROMPT = 100_000
"""Characters of a prompt that are read; an agent's prompt with a pasted log is the longest seen."""


class Option(NamedTuple):
    """One option of a command."""

    flags: tuple[str, ...]
    field: str
    """The name under which its value is passed."""
    kind: str
    """`flag`, `text`, `texts` (repeatable), `count` (a number from `least`) or a choice `a|b|c`."""
    default: Any
    help: str
    least: int = 0
    metavar: str = "TEXT"
    """What stands for its value in the help."""


SCOPE = Option(("--scope",), "scope", "texts", (), "Scope to open; repeat for several.", metavar="SCOPE")
JSON = Option(("--json",), "json", "flag", False, "Print one JSON document.")
FORMS = (
    JSON,
    Option(("--jsonl",), "jsonl", "flag", False, "Print one JSON object a line."),
    Option(("--ids",), "ids", "flag", False, "Print only ids, a line each."),
)
"""How a list can be printed other than for a person."""
FILTERS = (
    Option(("--type",), "type", "texts", (), "Only this type; repeat for several.", metavar="TYPE"),
    Option(("--status",), "status", "texts", (), "Only this status, in any state; repeatable.", metavar="STATUS"),
    Option(("--since",), "since", "text", None, "Created then or later: 2026-10, yesterday, 2w.", metavar="TIME"),
    Option(("--until",), "until", "text", None, "Created by the end of then: 2026-10, 'last month'.", metavar="TIME"),
    Option(("--as-of",), "as_of", "text", None, "As things stood at the end of then.", metavar="TIME"),
    Option(("--archived",), "archived", "flag", False, "Those that were archived."),
    Option(("--pending",), "pending", "flag", False, "Those that wait for approval."),
    Option(("--all",), "all", "flag", False, "Of any state: forgotten, superseded, archived, pending too."),
)
"""Which beliefs are meant; `recall`, `list` and `export` share them."""

HOT: Mapping[str, tuple[Option, ...]] = {
    "recall": (
        SCOPE,
        Option(("-k",), "k", "count", None, "How many hits at most; setting recall.k, 10.", least=1),
        *FILTERS,
        Option(("--mode",), "mode", "auto|lexical|hybrid", "auto", "Search by words, or by meaning too, where it can."),
        Option(("--no-abstain",), "no_abstain", "flag", False, "Show the best hits even if none is a good one."),
        Option(("--explain",), "explain", "flag", False, "Say for each hit what brought it up, and how much."),
        *FORMS,
    ),
    "inject": (
        SCOPE,
        Option(("--max-beliefs",), "max_beliefs", "count", None, "Pinned and relevant beliefs at most."),
        Option(("--budget",), "budget", "count", None, "Tokens for all of it (characters / 3); inject.budget, 2000."),
        Option(("--explain",), "explain", "flag", False, "Say what surfaced and how, and why near misses did not."),
        JSON,
    ),
}
"""Options of each hot command; each also takes one argument, the text, or `-` for standard input."""
COMPLETE = "--complete"
"""What the completion scripts call; no command, for no person types it."""
WITHOUT_TEXT = ("inject",)
"""Commands whose argument may be left out."""


class Request(NamedTuple):
    """A hot command as it was typed."""

    command: str
    values: dict[str, Any]
    """By field, defaults filled in."""
    text: str | None
    """The argument; None when there was none."""


def read(arguments: Sequence[str]) -> Request | None:
    """The request in a command line (without the program's name), or None if `cli` should read it."""
    if not arguments or arguments[0] not in HOT:
        return None
    options = {flag: option for option in HOT[arguments[0]] for flag in option.flags}
    values = {option.field: option.default for option in HOT[arguments[0]]}
    rest = list(arguments[1:])
    texts: list[str] = []
    while rest:
        word = rest.pop(0)
        if word == "--":
            texts += rest
            break
        if word == "-" or not word.startswith("-"):
            texts.append(word)
            continue
        flag, given, value = word.partition("=") if word.startswith("--") else (word, "", "")
        option = options.get(flag)
        if option is None or (option.kind == "flag" and given):
            return None
        if option.kind == "flag":
            values[option.field] = True
            continue
        if not given:
            if not rest or rest[0].startswith("-"):
                return None
            value = rest.pop(0)
        if not _take(values, option, value):
            return None
    if len(texts) > 1 or (not texts and arguments[0] not in WITHOUT_TEXT):
        return None
    return Request(arguments[0], values, texts[0] if texts else None)


def _take(values: dict[str, Any], option: Option, value: str) -> bool:
    """Record a value; False if it is not one that the option can have."""
    if option.kind == "texts":
        values[option.field] = (*values[option.field], value)
    elif option.kind == "text":
        values[option.field] = value
    elif option.kind == "count":
        if not (value.isascii() and value.isdigit() and len(value) < 10 and int(value) >= option.least):
            return False
        values[option.field] = int(value)
    elif "|" in option.kind:
        if value not in option.kind.split("|"):
            return False
        values[option.field] = value
    return True


def answer(request: Request) -> int:
    """Run a hot command and print its answer; returns the exit status."""
    memory = Reader(home(), clock=clock, warn=warn)
    return _inject(memory, request) if request.command == "inject" else _recall(memory, request)


def _inject(memory: Reader, request: Request) -> int:
    values = request.values
    prompt = _text(request.text or "")
    if len(prompt) > MAX_PROMPT:
        warn(f"the prompt is long; its first {MAX_PROMPT:,} characters were read")
    if values["explain"] and values["json"]:
        raise UsageMistake("--explain is for a person; --json has `because` in it", "leave out one of them")
    limits = values["max_beliefs"], values["budget"]
    injected = memory.inject(prompt[:MAX_PROMPT], values["scope"], *limits, nonce(), explain=values["explain"])
    if values["explain"]:
        sys.stdout.write(answers.explained_text(injected))
        return 0
    text = injected.injection.text
    if injected.injection.withheld and not values["json"]:
        warn(f"{injected.injection.withheld} of the pinned and named beliefs did not fit the limits")
    sys.stdout.write(dump(answers.inject_document(injected)) if values["json"] else text and text + "\n")
    return 0


def _recall(memory: Reader, request: Request) -> int:
    values = request.values
    query = _text(request.text or "")
    if not query.strip():
        raise UsageMistake("the query is empty", "mem recall WORDS, or mem list")
    if len(query) > MAX_TEXT:
        raise UsageMistake(f"the query has more than the {MAX_TEXT:,} characters that are allowed", "mem recall WORDS")
    form, filters = form_of(values), filters_of(values)
    require_explainable(values["explain"], form)
    recalled = memory.recall(
        query, values["scope"], values["k"], filters,
        mode=values["mode"], abstain=not values["no_abstain"], explain=values["explain"] or form.startswith("json"),
    )  # fmt: skip
    return print_recalled(memory, recalled, query, form, explain=values["explain"])


def require_explainable(explain: bool, form: str) -> None:
    """Make sure that an explanation is asked for in words.

    Raises: UsageMistake if it is not.
    """
    if explain and form != "text":
        raise UsageMistake("--explain is for a person; --json has `channels` and `because`", "leave out one of them")


def print_recalled(
    memory: Reader, recalled: Recalled, query: str, form: str, *, explain: bool, command: str = "recall"
) -> int:
    """Print what was found in one of its forms; returns the exit status."""
    ids = [hit.belief.id for hit in recalled.hits]
    if form == "json":
        sys.stdout.write(dump(answers.recall_document(recalled, command)))
    elif form == "jsonl":
        sys.stdout.write(dump_lines(answers.hit_records(recalled)))
    elif form == "ids":
        sys.stdout.writelines(f"{id_}\n" for id_ in ids)
    else:  # the other forms number nothing, or are read by programs
        sys.stdout.write(answers.recall_text(recalled, explain))
        terminal.keep_list(memory.home, query, ids)  # none, too: a number must not mean what was found before
    if recalled.hits:
        return 0
    best = f" (best: {recalled.best.belief.name}, {recalled.best.score:.2f})" if recalled.best is not None else ""
    warn(f"nothing found in {', '.join(str(scope) for scope in recalled.opened.visible)}{best}")
    return 1


def form_of(values: Mapping[str, Any]) -> str:
    """How a list shall be printed: `json`, `jsonl`, `ids` or `text`.

    Raises: UsageMistake for two at once.
    """
    wanted = [name for name in ("json", "jsonl", "ids") if values[name]]
    if len(wanted) > 1:
        raise UsageMistake(f"--{wanted[0]} and --{wanted[1]} are two forms of one answer", "leave out one of them")
    return wanted[0] if wanted else "text"


def filters_of(values: Mapping[str, Any], *, by_default: bool = False) -> Filters:
    """The filters that the options say; `by_default` means beliefs of any state where they do not say.

    Raises: UsageMistake for a type, status or time that there is not.
    """
    for field, known in (("type", TYPES), ("status", STATUSES)):
        for value in values[field] or ():
            if value not in known:
                hint = meant(value, known, f"one of {', '.join(known)}")
                raise UsageMistake(f"{value!r} is not a {field}", hint)
    spans = {}
    for at, field in ((0, "since"), (1, "until"), (1, "as_of")):
        try:
            spans[field] = values[field] and parse_span(values[field], clock())[at]
        except ValueError as error:
            flag = f"--{field.replace('_', '-')}"
            raise UsageMistake(f"{flag}: {error}", f"{flag} 2026-10") from None
    any_state = values["all"] or by_default
    return Filters(
        tuple(values["type"] or ()), tuple(values["status"] or ()), spans["since"] or None, spans["until"] or None,
        values["archived"], values["pending"], any_state, spans["as_of"] or None,
    )  # fmt: skip


def complete(arguments: Sequence[str]) -> int:
    """Print what a shell may offer, a value and a tab and what it is on each line: KIND BEGINNING [--scope SCOPE]...

    What goes wrong is not told: the user is in the midst of a line.
    """
    kind, beginning, *rest = [*arguments, "", ""][: max(2, len(arguments))]
    given = [value for flag, value in zip(rest[::2], rest[1::2], strict=False) if flag == "--scope"]
    try:
        found = Reader(home(), clock=clock, warn=lambda message: None).candidates(kind, beginning, given)
    except (MemError, OSError):
        return 1
    sys.stdout.writelines(f"{value}\t{said}\n" for value, said in found)
    return 0


def warn(message: str) -> None:
    """Say something that is not the answer."""
    sys.stdout.flush()
    with suppress(OSError):  # nobody can be told, and that is no reason to fail
        sys.stderr.write(f"mem: {one_line(message)}\n")


def _text(argument: str) -> str:
    """The argument, or standard input for `-`; bytes that are no text become U+FFFD."""
    if argument == "-":
        return sys.stdin.buffer.read(4 * (MAX_PROMPT + 1)).decode("utf-8", "replace")
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def nonce() -> str:
    """What nobody who wrote a belief could know; MEM_SEED stands in for it where a run must be repeatable."""
    seed = os.environ.get("MEM_SEED")
    return os.urandom(6).hex() if seed is None else f"{int.from_bytes(seed.encode(), 'big'):012x}"[-12:]
