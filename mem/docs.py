"""The manual, made from the command line itself, the settings and the records: it cannot say what is not so.

A page is a list of blocks with two forms: roff for `man`, and plain text for a pipe or a system without `man`.
What is committed in `man/` equals what is made here; a test holds them together and rewrites them.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from mem import __version__, terminal, tree
from mem.belief import DEFAULT_CONFIDENCE, SCHEMA, STATUSES, TYPES, from_record, to_record
from mem.config import SETTINGS, Setting
from mem.errors import MemError, UsageMistake
from mem.retention import INITIAL_STABILITY

Groups = Mapping[str, tuple[str, ...]]

DATED = "2026-11-21"
"""The day in the foot of the pages; changed by hand, so that pages made twice are equal."""

GROUP_PAGES = {
    "Remember and find": "mem-find",
    "Correct": "mem-correct",
    "Review and upkeep": "mem-review",
    "In and out": "mem-exchange",
    "Set up": "mem-setup",
}
"""The page of each group of commands."""

KEYS = {
    "id": "Eight characters that nothing else has. Never changes; other pages refer to it.",
    "type": f"One of {', '.join(TYPES)}.",
    "scope": "Where it holds: `user`, or `kind:name/name`. The folder of the page agrees with it.",
    "status": f"One of {', '.join(STATUSES)}. The first three are believed, the others are kept in `archive/`.",
    "aliases": "Other forms that should find it. Each is a text, or `{text: …, weight: …, origin: …}` where the weight "
    "is not the usual one, or the origin is `derived` (from the content) or `learned` (from use).",
    "confidence": f"From 0 to 1; {DEFAULT_CONFIDENCE} if it is absent.",
    "pinned": "`true`: injected whenever its scope is visible.",
    "archived": "`true`: out of use, and found only by its whole name or an alias.",
    "superseded_by": "The id of the belief that took its place.",
    "participants": "The ids that a relation connects, in order.",
    "relation": "The verb of a relation.",
    "valid_from": "When it began to hold in the world; always, if it is absent.",
    "valid_until": "When it stops holding; never, if it is absent.",
    "created": "When it was first remembered.",
    "updated": "When it was last changed.",
    "confirmed": "The last use that confirmed it; there was none, if it is absent.",
    "stability": "Days until the chance that it is still worth bringing up is 0.9. If it is absent, by type: "
    + ", ".join(f"{type_} {days:g}" for type_, days in INITIAL_STABILITY.items())
    + ".",
    "source": "Who said it: `user`, `user-edit`, `agent:NAME`, `file:PATH:LINE`, `import:FORMAT` or `git:AUTHOR`.",
    "content": "Only where the text would not read back from the body as it is; then there is none below the heading.",
    "why": "Likewise.",
}
"""What each key of the front matter means, in the order in which pages have them."""

RECORD_KEYS = {
    "schema": f"`{SCHEMA}`.",
    "id": "Up to 64 letters, digits, `.`, `_` and `-`; minted if it is absent. A known id is the same belief.",
    "name": "One line; derived from the content.",
    "aliases": "A list; derived from the content if it is absent, and `[]` means none.",
    "content": "The statement. Required.",
    "why": "Why it matters.",
    "review": "`approved` or `pending`. `mem import --approve` keeps it (absent means approved); without that option "
    "all is pending.",
    "provenance": "`{source: …, session: …, at: …}`: who said it, in which session of theirs, and when.",
}
"""What the keys of a record mean where a page says it otherwise, or not at all."""

ENVIRONMENT = {
    "MEM_HOME": "The memory folder; `~/mem` if it is not set.",
    "MEM_SCOPE": "Scopes to open, with commas between, where no `--scope` is given.",
    "NO_COLOR": "No colours, whatever its value.",
    "VISUAL, EDITOR": "The editor that `mem remember` opens when it is given no text.",
    "XDG_DATA_HOME, XDG_CONFIG_HOME": "Where the database and the settings are; `~/.local/share` and `~/.config`.",
    "MEM_NOW, MEM_SEED": "Fix the clock and what is random, for runs that must repeat.",
}
FILES = {
    "~/mem": "The memory folder: one page for each belief, in folders by scope and type. See mem-page(5).",
    "~/mem/.mem/local": "What belongs to this machine alone; git ignores it.",
    "$XDG_DATA_HOME/mem/REPLICA/memory.db": "The database of that folder on this machine. It can be made again "
    "from the pages: `mem init`.",
    "$XDG_DATA_HOME/mem/REPLICA/folder": "Which folder that is, should the folder be lost.",
    "$XDG_DATA_HOME/mem/models": "Models that were installed, one folder each.",
    "$XDG_CONFIG_HOME/mem/config.toml": "The settings. See mem-config(5).",
}

_OVERVIEW = """
`mem` keeps what you believe (preferences, decisions, facts, how-tos, open questions) as small markdown pages in a
folder under git, with a database beside it. It finds them by their words, and hands a coding agent what a prompt
names and the open scope may see.

    mem remember 'Postgres is the store of record.'
    mem recall 'store of record'
    mem inject 'add a table for refunds'

Results go to standard output, everything else to standard error. A text that is `-` is read from standard input.
`-h` or `--help` after a command shows its options; `mem man COMMAND` shows its part of this manual.
"""
_PAGE = """
A page is a UTF-8 text of at most {limit:,} bytes: front matter between two lines of three dashes, then markdown. It
holds one belief, and everything that is worth keeping about it; a memory can be made again from its pages alone.

{example}

The first line that begins with a `#` and a space is the name. The last paragraph is the reason if it begins with
`Why:`. What is left is the content.

The front matter is YAML, read as plain text: `no`, `12:30` and `0x12` are what they look like. There are no anchors,
no tags and no key that is given twice. Times are UTC, as in 2026-11-21T10:00:00Z; a date alone is its first instant.
Keys that mem does not know are yours, and so are comments, the order of the keys, quotes, line ends and blank lines:
a write changes the lines of what it changes and no other byte. This is version {version} of the format; a tree says
its version in `.mem/format`.
"""
_PLACES = """
A page is `KIND/SEGMENT/…/TYPES/NAME.md` below the memory folder, with the scope and the plural of the type as folders,
and below `archive/` if the belief is not in use. The name of the file is never read back: it may be changed.

Edit pages as you like: every question sees what they say now, and `mem sync` takes it in as a version that `mem undo`
takes back. A page that you begin needs two lines of three dashes, a name and some words: its folder says scope and
type, and `mem sync` gives it an id. A page that you delete retracts its belief (`mem restore`); one that you move
inside its scope stays where you put it; one in the folder of another scope waits for `mem sync --accept-moves`. A copy
with the same id withholds both. Many pages that vanish at once are withheld until `mem sync --accept-deletions`.

Where you and mem changed one page, the changes are merged by key; where they contradict each other your page stands,
and `mem conflicts` shows the other side. A page that was edited is never written over, and what made room for a write
is kept for a day in `.mem/local/displaced`. On another git branch, or in the midst of a merge or a rebase, pages are
read and nothing is taken in or written.

A page with a fault is named with its line, by every command that meets it, and the last good version serves until it
is mended. `mem doctor --rebuild tree` makes the pages anew from the database, also where the whole folder was deleted;
`--rebuild db` makes the database from the pages.
"""


_RECORD = """
`mem export` prints beliefs, and `mem import` reads them, as JSON Lines: a UTF-8 text with one JSON object a line. Only
`type`, `content` and `scope` are required (here on several lines, to be read):

{least}

What is absent or null is derived or has its default; what is there is taken as given. A key that is not listed here
is an error, which names the line. Times are as in 2026-11-21T10:00:00Z. In full:

{whole}

A record with a known id that says the same is skipped; one of the same scope with a later `updated` is a new version;
any other is listed, and nothing is written over. A record without an id is skipped if there is a belief with its words,
type and scope.
"""
_EXAMPLE: dict[str, Any] = {
    "type": "decision",
    "name": "store_of_record",
    "aliases": ["pg", "postgres"],
    "content": "Postgres is the store of record.",
    "why": "never suggest a second database for orders.",
    "scope": "project:atlas",
}

# -- the command line, as data ----------------------------------------------------------------------


class Parameter(NamedTuple):
    """An option or an argument."""

    flags: tuple[str, ...]
    """Empty for an argument."""
    word: str
    """What stands for the value in a synopsis; empty for an option without one."""
    help: str
    default: str
    """As it is typed; empty if there is none, or none worth saying."""
    choices: tuple[str, ...]
    many: bool
    required: bool


class Command(NamedTuple):
    """A command, or a group of them."""

    path: str
    """What is typed to reach it, without `mem`; empty for mem itself."""
    help: str
    """Its paragraphs, without the examples."""
    examples: str
    options: tuple[Parameter, ...]
    arguments: tuple[Parameter, ...]
    commands: tuple[Command, ...]
    helps: tuple[str, ...]
    """The options that show the help."""

    @property
    def summary(self) -> str:
        """The one sentence that says what it does."""
        return self.help.partition("\n\n")[0].replace("\n", " ")


def read(command: Any, path: str = "") -> Command:
    """The command line from the tree that typer makes of it."""
    text, _, examples = (command.help or "").partition("\b\n")
    parameters = [_parameter(one) for one in command.params if one.name != "help" and not getattr(one, "hidden", False)]
    inner = getattr(command, "commands", {}).items()
    return Command(
        path,
        text.strip(),
        examples.rstrip(),
        tuple(one for one in parameters if one.flags),
        tuple(one for one in parameters if not one.flags),
        tuple(read(one, f"{path} {name}".strip()) for name, one in inner if not one.hidden),
        tuple(command.context_settings.get("help_option_names") or ("-h", "--help")),
    )


def every(command: Command) -> Iterator[Command]:
    """The command and all those within it."""
    yield command
    for inner in command.commands:
        yield from every(inner)


def _parameter(one: Any) -> Parameter:
    choices = tuple(getattr(one.type, "choices", ()))
    usual = "N" if one.type.name.startswith(("integer", "float")) else (one.name or "").strip("_").upper()
    metavar = (one.metavar or "|".join(choices) or usual).removesuffix("...").strip("[]")
    word = "" if getattr(one, "is_flag", False) else metavar
    default = "" if one.default in (None, False, (), []) or callable(one.default) else str(one.default)
    flags = () if one.param_type_name == "argument" else (*one.opts, *one.secondary_opts)
    many = one.nargs == -1 or bool(getattr(one, "multiple", False))
    return Parameter(tuple(flags), word, one.help or "", default, choices, many, one.required)


# -- blocks -----------------------------------------------------------------------------------------


class Block(NamedTuple):
    """A piece of a page: `section` or `part` (a heading), `text`, `term` (with its text), or `code`."""

    kind: str
    text: str
    term: str = ""


class Page(NamedTuple):
    """A page of the manual."""

    name: str
    section: int
    summary: str
    blocks: list[Block]


def _prose(text: str) -> Iterator[Block]:
    """Paragraphs; one that is indented is code."""
    for paragraph in re.split(r"\n\n(?=\S)|\n\n(?=    )", text.strip("\n")):
        code = paragraph.startswith("    ")
        yield Block("code", textwrap.dedent(paragraph)) if code else Block("text", " ".join(paragraph.split()))


def _terms(table: Mapping[str, str]) -> list[Block]:
    return [Block("term", text, term) for term, text in table.items()]


def _command(command: Command) -> Iterator[Block]:
    """What the manual says about one command."""
    words = [f"{one.word}..." if one.many else one.word for one in command.arguments]
    places = [word if one.required else f"[{word}]" for word, one in zip(words, command.arguments, strict=True)]
    inner = "COMMAND" if command.commands else ""
    options = "[OPTION]..." if command.options else ""
    yield Block("code", " ".join(part for part in ("mem", command.path, options, inner, *places) if part))
    yield from _prose(command.help)
    for one in (*command.arguments, *command.options):
        flags = ", ".join(one.flags)
        term = f"{flags} {one.word}" if flags and one.word else flags or one.word
        default = f" Default: `{one.default}`." if one.default and "default" not in one.help else ""
        again = " May be repeated." if flags and one.many and "repeat" not in one.help else ""
        yield Block("term", one.help + default + again, term)
    if command.examples:
        yield from (Block("text", "Examples:"), Block("code", textwrap.dedent(command.examples)))


# -- pages ------------------------------------------------------------------------------------------


def manual(root: Command, groups: Groups) -> dict[str, Page]:
    """Every page that is installed, by its file name."""
    known = {command.path: command for command in root.commands}
    pages = [_overview(root, groups)]
    for title, names in groups.items():
        blocks = [Block("section", "Commands")]
        for command in [inner for name in names for inner in every(known[name])]:
            blocks += [Block("part", f"mem {command.path}"), *_command(command)]
        pages.append(_page(GROUP_PAGES[title], 1, f"{title.lower()}: {', '.join(names)}", blocks))
    pages += [_page_page(), _record_page(), _config_page(SETTINGS)]
    return {f"{page.name}.{page.section}": page for page in pages}


def topics(root: Command, groups: Groups) -> dict[str, Page]:
    """Every page by what `mem man` calls it: those of the manual, and one for each command."""
    pages = {page.name.removeprefix("mem-"): page for page in manual(root, groups).values()}
    for command in list(every(root))[1:]:
        blocks = [Block("section", "Synopsis"), *(inner for inner in _command(command))]
        blocks.insert(2, Block("section", "Description"))
        for inner in command.commands:
            blocks += [Block("section", f"mem {inner.path}"), *_command(inner)]
        name = f"mem-{command.path.replace(' ', '-')}"
        pages.setdefault(command.path, _page(name, 1, command.summary.rstrip("."), blocks))
    return pages


def find(root: Command, groups: Groups, topic: str) -> Page:
    """The page about a topic; `mem-page` and `page` are the same.

    Raises: UsageMistake with close names if there is none.
    """
    from difflib import get_close_matches

    pages = topics(root, groups)
    name = topic.strip().removeprefix("mem-").removeprefix("mem ") or "mem"
    if name not in pages:
        close = get_close_matches(name, pages, cutoff=0.5) or ["mem", "page", "config"]
        raise UsageMistake(f"there is no page about {topic!r}", " or ".join(f"mem man {one}" for one in close))
    return pages[name]


def _page(name: str, section: int, summary: str, blocks: Iterable[Block]) -> Page:
    others = ["mem(1)", *(f"{one}(1)" for one in GROUP_PAGES.values()), "mem-page(5)", "mem-record(5)", "mem-config(5)"]
    others = [other for other in others if other != f"{name}({section})"]
    return Page(name, section, summary, [*blocks, Block("section", "See also"), Block("text", ", ".join(others))])


def _overview(root: Command, groups: Groups) -> Page:
    known = {command.path: command for command in root.commands}
    blocks = [Block("section", "Synopsis"), Block("code", "mem [--version] [--help] COMMAND [OPTION]... [ARGUMENT]...")]
    blocks += [Block("section", "Description"), *_prose(_OVERVIEW), Block("section", "Commands")]
    for title, names in groups.items():
        blocks += [Block("part", f"{title}: {GROUP_PAGES[title]}(1)")]
        blocks += [Block("term", known[name].summary, name) for name in names]
    blocks += [Block("section", "Environment"), *_terms(ENVIRONMENT)]
    blocks += [Block("section", "Exit status"), *_terms(_statuses()), Block("section", "Files"), *_terms(FILES)]
    return _page("mem", 1, "a local-first personal memory", blocks)


def _statuses() -> dict[str, str]:
    """Exit statuses, as the errors that end with them say."""
    leaves = sorted(MemError.__subclasses__(), key=lambda leaf: leaf.exit_code)
    said: dict[str, str] = {}
    for leaf in leaves:  # two may end with the same one
        known = said.get(str(leaf.exit_code), "")
        said[str(leaf.exit_code)] = " ".join(f"{known} {leaf.__doc__ or ''}".split())
    return {"0": "Done; also an injection that has nothing to say.", **said, "130": "Interrupted."}


def _page_page() -> Page:
    """mem-page(5), with a page that mem itself writes as its example."""
    now = datetime(2026, 11, 21, 10, tzinfo=UTC)
    example = tree.render(from_record(_EXAMPLE, id="8f3k2q1v", now=now, source="user")).decode()
    text = _PAGE.format(
        limit=tree.MAX_PAGE, version=tree.FORMAT, example=textwrap.indent(example.rstrip(), "    ", lambda _: True)
    )
    blocks = [Block("section", "Description"), *_prose(text), Block("section", "Keys")]
    blocks += [Block("text", "What is absent has its default; the keys of the example are always written.")]
    blocks += [*_terms(KEYS), Block("section", "Places"), *_prose(_PLACES)]
    return _page("mem-page", 5, "one belief as a markdown page", blocks)


def _record_page() -> Page:
    """mem-record(5), with a record that mem itself would export as its example."""
    now = datetime(2026, 11, 21, 10, tzinfo=UTC)
    belief = from_record(_EXAMPLE, id="8f3k2q1v", now=now, source="user")
    text = _RECORD.format(
        least=_indented(json.dumps({key: _EXAMPLE[key] for key in ("type", "content", "scope")}, indent=1)),
        whole=_indented(json.dumps(to_record(belief), indent=1)),
    )
    terms = {key: RECORD_KEYS.get(key) or KEYS[key] for key in to_record(belief)}
    blocks = [Block("section", "Description"), *_prose(text), Block("section", "Keys"), *_terms(terms)]
    return _page("mem-record", 5, "one belief as a JSON object", blocks)


def _indented(text: str) -> str:
    return textwrap.indent(text, "    ", lambda _: True)


def _config_page(settings: Sequence[Setting]) -> Page:
    """mem-config(5)."""
    kinds = {
        "count": "A whole number",
        "number": "A number",
        "share": "A number between 0 and 1",
        "flag": "`true` or `false`",
        "text": "A text",
    }
    about = """The settings are in `$XDG_CONFIG_HOME/mem/config.toml` (`~/.config/mem/config.toml`), a TOML file. A
    setting that is not in it has its default. A dot in a key below is a table: `a.b` is `b` in the table `[a]`."""
    blocks = [Block("section", "Description"), *_prose(about), Block("section", "Settings")]
    for one in settings:
        kind = kinds.get(one.kind) or f"One of {', '.join(one.kind.split('|'))}"
        blocks.append(Block("term", f"{one.help} {kind}; default: {_default(one.default)}.", one.key))
    return _page("mem-config", 5, "settings of mem", blocks)


def _default(value: Any) -> str:
    """A default as it stands in the file."""
    return "none" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"  # which TOML has in common


# -- forms ------------------------------------------------------------------------------------------


def roff(page: Page) -> str:
    """The page as `man` reads it."""
    head = f'.TH {page.name.upper()} {page.section} "{DATED}" "mem {__version__}" "mem"'
    lines = [r".\" Made from the command line by mem/docs.py; pytest --update makes it again.", head, ".SH NAME"]
    lines.append(rf"{_literal(page.name)} \- {_inline(page.summary)}")
    before = "section"  # which makes a paragraph of its own
    for kind, text, term in page.blocks:
        if kind in ("section", "part"):
            lines += [f'.SH "{_literal(text.upper())}"' if kind == "section" else f'.SS "{_literal(text)}"']
        elif kind == "term":
            lines += [".TP", rf"\fB{_literal(term)}\fP", _guarded(_inline(text))]
        else:
            body = [_guarded(_literal(line)) for line in text.split("\n")]
            lines += [] if before in ("section", "part") else [".PP"]
            lines += [".RS 4", ".nf", *body, ".fi", ".RE"] if kind == "code" else [_guarded(_inline(text))]
        before = kind
    return "\n".join(lines) + "\n"


def plain(page: Page) -> str:
    """The page as text of at most 80 columns."""
    title = f"{page.name.upper()}({page.section})"
    head = f"{title}{'mem manual':^{80 - 2 * len(title)}}{title}\n\n"
    lines = ["NAME", *_filled(f"{page.name} - {page.summary}", 7)]
    for kind, text, term in page.blocks:
        text = text if kind == "code" else re.sub(r"`([^`]+)`", r"\1", text)
        if kind in ("section", "part"):
            lines += ["", text.upper() if kind == "section" else f"   {text}"]
        elif kind == "term":
            lines += ["", f"       {term}", *_filled(text, 14)]
        elif kind == "code":
            lines += ["", *(f"           {line}".rstrip() for line in text.split("\n"))]
        else:
            lines += ["", *_filled(text, 7)]
    return head + re.sub(r"(?m)^((?:   )?\S.*\n)\n", r"\1", "\n".join(lines)) + "\n"  # none below a heading


def opened(page: Page) -> bool:
    """Show the page with the system's `man`; False if it has none, or one that cannot show a file."""
    import shutil
    import subprocess
    import tempfile

    with tempfile.NamedTemporaryFile("w", suffix=f".{page.section}", prefix=f"{page.name}-", encoding="utf-8") as file:
        file.write(roff(page))
        file.flush()
        lines = (["man", "-l", file.name], ["mandoc", "-a", file.name])
        with terminal.lent():
            return any(shutil.which(line[0]) and subprocess.run(line, check=False).returncode == 0 for line in lines)


def _filled(text: str, indent: int) -> list[str]:
    margin = " " * indent
    return textwrap.wrap(text, 80, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False)


def _inline(text: str) -> str:
    """Prose in roff, with what is between backticks in bold."""
    parts = re.split(r"`([^`]+)`", text)
    shown = [rf"\fB{_literal(part)}\fP" if n % 2 else _escaped(part) for n, part in enumerate(parts)]
    return "".join(shown)


def _literal(text: str) -> str:
    """Text to be copied: every dash is the one of the keyboard."""
    return _escaped(text).replace(r"\-", "-").replace("-", r"\-")


def _escaped(text: str) -> str:
    text = text.replace("\\", r"\e").replace("'", r"\(aq").replace("`", r"\(ga").replace('"', r"\(dq")
    text = text.replace("^", r"\(ha").replace("~", r"\(ti")
    text = re.sub(r"(?<![^\W_])-|-(?![^\W_])", r"\\-", text)
    return re.sub(r"[^\x00-\x7f]", lambda found: rf"\[u{ord(found[0]):04X}]", text)


def _guarded(line: str) -> str:
    """A line that roff does not take for a request."""
    return rf"\&{line}" if line.startswith((".", "'")) else line
