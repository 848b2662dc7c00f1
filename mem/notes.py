"""Other people's files: which of them are notes to read, and what they say.

Invariant: they are opened for reading alone, and nothing here can block, follow a loop, or read what is no plain
text. What a `.gitignore` leaves out, hidden folders and installed packages are not looked into.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import islice

from mem import text
from mem.errors import Problem, Refused, UsageMistake
from mem.record import NamedTuple

ENDINGS = (".md", ".markdown", ".txt")
"""What a note found in a folder is called; a file that is named itself may be called anything."""
MAX_NOTE = 1_048_576
"""Bytes: as much as a page may have. Longer ones are logs and dumps."""
MAX_PATH = 900
"""Characters: with its line, a provenance has room for 1,000."""
_PACKAGES = ("node_modules", "__pycache__", "site-packages")
"""Folders of what others wrote and a tool put there."""
_BOILERPLATE = re.compile(
    r"(?:licen[cs]e|copying|notice|changelog|changes|history|authors|robots|security|code_of_conduct"
    r"|requirements[\w.-]*|cmakelists)(?:\.\w+)*",
    re.I,
)
"""Files that say `never` and `must` to everybody."""


class Note(NamedTuple):
    """One file of somebody's notes."""

    path: str
    """As provenance names it: absolute, with `~` for the home folder; it means the same from everywhere."""
    text: str
    """Line ends are `\\n`."""


class Globs(NamedTuple):
    """Which notes of a folder are wanted, by patterns on the path below it or on the name."""

    include: Sequence[str] = ()
    """Empty for all."""
    exclude: Sequence[str] = ()

    def admit(self, path: str) -> bool:
        """Whether a note with this path is wanted."""
        return (not self.include or _fits(path, self.include)) and not _fits(path, self.exclude)


ALL = Globs()


def _fits(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(path, one) or fnmatchcase(os.path.basename(path), one) for one in patterns)


def called(path: str) -> str:
    """An absolute path as provenance names it. A relative one would mean another file elsewhere."""
    home = os.path.expanduser("~")
    return f"~{path[len(home) :]}" if home != "/" and path.startswith(f"{home}/") else path


def tops(paths: Sequence[str], memory: str) -> list[str]:
    """The files and folders that are meant, absolute, each once.

    Raises: UsageMistake for one that does not exist; Refused for the memory folder and what is in it.
    """
    found = []
    for path in paths:
        top = os.path.abspath(os.path.expanduser(path))
        if not os.path.exists(top):
            reason = "is a link that leads nowhere" if os.path.lexists(top) else "does not exist"
            raise UsageMistake(f"{text.shown(path)} {reason}", "mem ingest FILE|DIR")
        if f"{os.path.realpath(top)}/".startswith(f"{os.path.realpath(memory)}/"):
            raise Refused(f"{text.shown(path)} is in the memory folder; its pages are beliefs already", "mem sync")
        found.append(top)
    return list(dict.fromkeys(found))


def read(
    tops: Sequence[str], memory: str, globs: Globs = ALL, only: Collection[str] | None = None
) -> Iterator[Note | Problem]:
    """Every note of these files and folders, by path; what cannot be read is a Problem. Each file comes once.

    `only` leaves out all but the notes with these paths.
    """
    seen: set[tuple[int, int]] = set()
    for top in tops:
        paths = _walk(top, os.path.realpath(memory), globs) if os.path.isdir(top) else [top]
        for path in paths:
            if only is not None and path not in only:
                continue
            found = path if isinstance(path, Problem) else _read(path, seen)
            if found is not None:
                yield found


# -- folders ----------------------------------------------------------------------------------------


def _walk(top: str, memory: str, globs: Globs) -> Iterator[str | Problem]:
    rules = {top: _rules_above(top)}
    for folder, inner, files in os.walk(top, onerror=None):
        known = (rules.pop(folder) + _rules(folder))[:_MOST_RULES]
        below = os.path.relpath(folder, top)
        kept = []
        for name in sorted(inner):
            path = os.path.join(folder, name)
            skipped = name.startswith(".") or name in _PACKAGES or os.path.realpath(path) == memory
            if not skipped and not os.path.islink(path) and not _ignored(path, True, known):
                kept.append(name)
                rules[path] = known
        inner[:] = kept
        for name in sorted(files):
            path = os.path.join(folder, name)
            wanted = name.lower().endswith(ENDINGS) and not name.startswith(".") and not _BOILERPLATE.fullmatch(name)
            if wanted and globs.admit(os.path.normpath(os.path.join(below, name))) and not _ignored(path, False, known):
                yield _inside(path, top) if os.path.islink(path) else path


def _inside(link: str, top: str) -> str | Problem:
    """A link that leads to a note of the same folder; another one is not followed."""
    try:
        target = os.path.realpath(link, strict=True)
    except OSError as error:
        return Problem(called(link), 0, f"is a link that leads nowhere ({error.strerror})")
    if not target.startswith(f"{os.path.realpath(top)}/"):
        return Problem(called(link), 0, "is a link out of its folder, and was not followed")
    return link


class _Rule(NamedTuple):
    """One line of a .gitignore."""

    base: str
    shape: re.Pattern[str]
    """Of paths below `base`."""
    folders: bool
    """It means folders alone."""
    again: bool
    """It takes back what earlier ones ignore."""


def _rules_above(folder: str) -> list[_Rule]:
    """The rules of the folders above one, up to the top of its repository; none outside of one."""
    above, place = [], folder
    while not os.path.exists(os.path.join(place, ".git")):
        parent = os.path.dirname(place)
        if parent == place:
            return []
        place = parent
        above.append(place)
    return [rule for one in reversed(above) for rule in _rules(one)]


def _rules(folder: str) -> list[_Rule]:
    path = os.path.join(folder, ".gitignore")
    if not os.path.isfile(path):  # a FIFO without a writer would wait for one
        return []
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read(MAX_NOTE).splitlines()
    except OSError:
        return []
    found = (rule for line in lines if (rule := _rule(folder, line)) is not None)
    return [*islice(found, _MOST_RULES)]


def _rule(folder: str, line: str) -> _Rule | None:
    """Source: gitignore(5)."""
    pattern = line if line.endswith("\\ ") else line.rstrip()
    again = pattern.startswith("!")
    pattern = pattern[again:]
    if not pattern.strip("/") or pattern.startswith("#") or len(pattern) > MAX_PATH or pattern.count("**") > _MOST_DEEP:
        return None
    anywhere = "/" not in pattern[:-1]
    parts = re.split(r"(^\*\*/|/\*\*/|/\*\*$)", pattern.strip("/"))
    shape = "".join(_DEEP.get(part) or _glob(part) for part in parts)
    return _Rule(folder, re.compile(f"(?:.*/)?{shape}" if anywhere else shape), pattern.endswith("/"), again)


_MOST_RULES = 2_000
"""Rules that hold in one folder, the outermost first; the longest lists that people share have half as many."""
_MOST_DEEP = 3
"""`**` in one pattern; more is written by nobody, and would cost minutes to match."""
_DEEP = {"**/": "(?:.*/)?", "/**/": "/(?:.*/)?", "/**": "/.*"}
_TOKEN = re.compile(r"\*+|\[[!^]?+\]?+(?:\[:\w+:\]|\\.|[^\]\\])*+\]|\\.|.", re.S)
_MEMBER = re.compile(r"\[:(\w+):\]|\\?(.)-\\?(.)|\\?(.)", re.S)
_NAMED = {
    "alnum": "a-zA-Z0-9", "alpha": "a-zA-Z", "digit": "0-9", "lower": "a-z", "punct": "!-/:-@\\[-`{-~",
    "space": r"\s", "upper": "A-Z", "xdigit": "0-9a-fA-F",
}  # fmt: skip
_NOTHING = "(?!)"
"""What git makes of a class without an end, of one that it does not know, and of a backslash at the end."""


def _glob(pattern: str) -> str:
    """A pattern without `**` as a regular expression; what a `*` took is not looked for again, so it cannot hang."""
    fixed = [""]
    for token in _TOKEN.findall(pattern):
        if token[0] == "*":
            fixed.append("")
        else:
            fixed[-1] += _fixed(token)
    first, *others = fixed
    middle = "".join(f"(?>[^/]*?{one})" for one in others[:-1])
    return first + middle + (f"[^/]*{others[-1]}" if others else "")


def _fixed(token: str) -> str:
    if token == "?":
        return "[^/]"
    if token in ("[", "\\"):
        return _NOTHING
    if token[0] == "[":
        inner = token[1:-1]
        negated = inner[0] in "!^"
        members = [_member(found) for found in _MEMBER.finditer(inner[negated:])]
        return _NOTHING if None in members else f"(?!/)[{'^' * negated}{''.join(filter(None, members))}]"
    return re.escape(token[-1])


def _member(found: re.Match[str]) -> str | None:
    """One part of a class, or None for a name that is not known; of a range that runs backwards its start is left."""
    name, low, high, alone = found.groups()
    if name:
        return _NAMED.get(name)
    return re.escape(alone or low) + (f"-{re.escape(high)}" if low and low <= high else "")


def _ignored(path: str, folder: bool, rules: Sequence[_Rule]) -> bool:
    for rule in reversed(rules):
        if (folder or not rule.folders) and rule.shape.fullmatch(path[len(rule.base) :].lstrip("/")):
            return not rule.again
    return False


# -- files ------------------------------------------------------------------------------------------


def _read(path: str, seen: set[tuple[int, int]]) -> Note | Problem | None:
    """What a file says, or why it was left; None if it was read before under another name."""
    name = called(path)
    if not text.is_utf8(path) or not path.isprintable() or len(name) > MAX_PATH:
        return Problem(text.shown(name)[:MAX_PATH], 0, "has a name that no provenance can hold; it was left out")
    try:
        # A FIFO without a writer would wait for one, and a terminal would become ours.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return Problem(name, 0, "is not a plain file; it was left out")
            if (status.st_dev, status.st_ino) in seen:
                return None
            seen.add((status.st_dev, status.st_ino))
            data = file.read(MAX_NOTE + 1)
    except FileNotFoundError:  # since it was listed
        return None
    except OSError as error:
        return Problem(name, 0, f"cannot be read ({error.strerror})")
    return _decoded(name, data)


def _decoded(name: str, data: bytes) -> Note | Problem:
    if len(data) > MAX_NOTE:
        return Problem(name, 0, f"has more than {MAX_NOTE:,} bytes; it was left out")
    if b"\0" in data:
        return Problem(name, data[: data.index(b"\0")].count(b"\n") + 1, "is not text; it was left out")
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Problem(name, data[: error.start].count(b"\n") + 1, "is not UTF-8; it was left out")
    return Note(name, content.replace("\r\n", "\n").replace("\r", "\n"))
