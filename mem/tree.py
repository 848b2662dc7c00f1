"""The context tree: pages that a person can read and edit, and the bytes that mem puts in place.

Invariants: what is rendered parses back to the same belief, or it is not written; a page is replaced
whole or not at all; and never while it holds anything but what was last agreed on. A fault in a page is
a `Problem` with its line, not an exception: the rest of the tree is still read.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import takewhile

from mem.belief import ALIAS_WEIGHTS, PLURALS, Belief, alias_record, from_record, to_record
from mem.errors import Problem
from mem.record import TYPE_CHECKING, Any, NamedTuple
from mem.retention import INITIAL_STABILITY
from mem.scope import parse as parse_scope

if TYPE_CHECKING:
    import yaml

FORMAT = 1
"""Version of the page format; the defaults below belong to it."""
MAX_PAGE = 1_048_576
"""Bytes; a page holds one belief of at most 64 Ki characters, whatever else a person adds to it."""

_ALWAYS = ("id", "type", "scope", "status", "aliases", "created", "updated", "source")
_ORDER = """id type scope status aliases confidence pinned archived superseded_by participants relation
    valid_from valid_until created updated confirmed stability source""".split()
_WINDOWS_DEVICES = re.compile(r"(con|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³])(\..*)?")


class Changed(Exception):
    """A page does not hold what was last agreed on; it was left as it is."""


# -- where a page is --------------------------------------------------------------------------------


def page_path(belief: Belief, suffix: str = "") -> str:
    """The path of a belief's page below the memory folder; `suffix` tells namesakes apart."""
    folder = f"{parse_scope(belief.scope).folder}/{PLURALS[belief.type]}"
    archive = "archive/" if belief.archived or not belief.live else ""
    return f"{archive}{folder}/{slug(belief.name)}{suffix}.md"


def slug(name: str) -> str:
    """A file name (without its ending) that every file system takes; never read back."""
    kept = re.sub(r"[^\w.+-]+", "_", unicodedata.normalize("NFC", name.lower())).lstrip(".-")
    while len(kept.encode()) > 79:
        kept = kept[:-1]
    kept = kept.rstrip(".")
    if not kept.strip("_"):
        return "page"
    return f"_{kept}" if _WINDOWS_DEVICES.fullmatch(kept) else kept


# -- belief to page ---------------------------------------------------------------------------------


def render(belief: Belief) -> bytes:
    """The page of a belief.

    Content that would not read back from the body as it is goes into the front matter.
    Raises: ValueError if no form of the page reads back as this belief.
    """
    wanted = owned(belief)
    for in_front in (False, True):
        for literal in (True, False):
            page = _render(belief, in_front, literal).encode()
            if parse("page", page, now=belief.created) == wanted:
                return page
    raise ValueError(f"belief {belief.id} cannot be written as a page")


def owned(belief: Belief) -> Belief:
    """The belief without what a page does not hold: the session and time of its source, its review."""
    return belief._replace(session=None, at=belief.created, review="approved")


def _render(belief: Belief, in_front: bool, literal: bool) -> str:
    record = to_record(belief) | {"source": belief.source}
    record["aliases"] = [alias_record(entry) for entry in belief.aliases]
    defaults = _defaults(belief.type)
    lines = ["---"]
    for key in _ORDER:
        if key in _ALWAYS or record[key] != defaults[key]:
            lines.append(f"{key}: {_yaml(record[key])}")
    if in_front:
        lines += _long("content", belief.content, literal)
        lines += _long("why", belief.why, literal) if belief.why is not None else []
        return "\n".join([*lines, "---", f"# {belief.name}", ""])
    body = ["---", f"# {belief.name}", "", belief.content]
    if belief.why is not None:
        body += ["", f"Why: {belief.why}"]
    return "\n".join([*lines, *body, ""])


def _defaults(type_: str) -> dict[str, Any]:
    return {
        "confidence": 0.9,
        "pinned": False,
        "archived": False,
        "superseded_by": None,
        "participants": [],
        "relation": None,
        "valid_from": None,
        "valid_until": None,
        "confirmed": None,
        "stability": INITIAL_STABILITY[type_],
    }


def _long(key: str, value: str, literal: bool) -> list[str]:
    if literal:
        return [f"{key}: |-", *(f"  {line}" if line else "" for line in value.split("\n"))]
    return [f"{key}: {_quoted(value)}"]


def _yaml(value: Any, flow: bool = False) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, list):
        return f"[{', '.join(_yaml(entry, flow=True) for entry in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_yaml(entry, flow=True)}' for key, entry in value.items())}}}"
    colon = "" if flow else r"|:(?=\S)"
    plain = re.fullmatch(rf"[^\W_](?:[\w.+/@()'-]| (?=\S){colon})*", value)
    return value if plain and _printable(value) else _quoted(value)


def _printable(value: str) -> bool:
    return re.search("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]", value) is None


def _quoted(value: str) -> str:
    return re.sub(
        "[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]",
        lambda found: f"\\u{ord(found[0]):04x}",
        json.dumps(value, ensure_ascii=False),
    )


# -- page to belief ---------------------------------------------------------------------------------


def parse(path: str, data: bytes, *, now: datetime) -> Belief | Problem:
    """The belief of a page, or what is wrong with it.

    `now` stands in for a `created` that the page does not give.
    """
    if len(data) > MAX_PAGE:
        return Problem(path, 0, f"the page is too large: {len(data):,} bytes, and {MAX_PAGE:,} are allowed")
    try:
        page = data.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        return Problem(path, data[: error.start].count(b"\n") + 1, "the page is not UTF-8")
    conflict = re.search(r"(?m)^(?:<{7}|>{7}) ", page)
    if conflict:
        line = page.count("\n", 0, conflict.start()) + 1
        return Problem(path, line, "the page has conflict markers of git; keep one of the sides")
    if not page.startswith("---\n"):
        return Problem(path, 1, "no front matter: the first line must be ---")
    front, found, body = page[4:].partition("\n---\n")
    if not found:
        return Problem(path, 1, "the front matter is not closed by a line ---")
    try:
        record, lines = _front_matter(front)
    except _Fault as fault:
        return Problem(path, fault.line + 1, str(fault))
    try:
        record |= _body(body, record)
        return from_record(record, id="", now=now, source="user")
    except ValueError as error:  # its message begins with the key
        key = str(error).partition(" ")[0].rstrip(":")
        return Problem(path, lines.get({"alias": "aliases"}.get(key, key), 0) + 1, str(error))


def foreign_lines(data: bytes) -> list[int]:
    """Lines (1-based) of the front matter of a sound page that hold what is not mem's: other keys, comments."""
    front = data.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n")[4:].partition("\n---\n")[0]
    known = {*_ORDER, "content", "why"}
    foreign = [line + 1 for key, (_, line) in _read_yaml(front).items() if key not in known]
    comments = [at for at, line in enumerate(front.split("\n"), 2) if line.startswith("#")]
    return sorted(foreign + comments)


class _Fault(ValueError):
    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line
        """In the front matter, 1-based."""


def _body(body: str, front: Mapping[str, Any]) -> dict[str, Any]:
    """Name, content and why: the first H1, the paragraphs, and a last one that begins with `Why:`."""
    before, heading, after = ("\n" + body).partition("\n# ")
    if not heading:
        raise ValueError("no name: the page has no line that begins with `# `")
    name, _, rest = after.partition("\n")
    name = name.strip()
    text = "\n".join(part for part in (before.strip("\n"), rest.strip("\n")) if part)
    if "content" in front:
        if text:
            raise ValueError("content is given twice: in the front matter and below the heading")
        return {"name": name}
    content, _, last = text.rpartition("\n\n")
    if last.startswith("Why:") and content.strip("\n"):
        return {"name": name, "content": content.rstrip("\n"), "why": last[4:].removeprefix(" ")}
    return {"name": name, "content": text}


def _front_matter(source: str) -> tuple[dict[str, Any], dict[str, int]]:
    """What the front matter says, as a record, and the line of each key in it."""
    raw = _read_yaml(source)
    if "id" not in raw or "type" not in raw or "scope" not in raw:
        missing = [key for key in ("id", "type", "scope") if key not in raw]
        raise _Fault(f"{missing[0]} is missing", 0)
    record = {key: value for key, (value, _) in raw.items() if key in _ORDER or key in ("content", "why")}
    record.setdefault("aliases", [])
    for key, (value, line) in raw.items():
        try:
            if key in ("confidence", "stability"):
                record[key] = float(value)
            elif key in ("pinned", "archived"):
                record[key] = {"true": True, "false": False}[value]
            elif key == "aliases":
                if not isinstance(value, list) and value != "":
                    raise ValueError
                record[key] = [_alias(entry) for entry in value]
            elif key == "participants" and value == "":
                record[key] = []
        except (ValueError, KeyError, TypeError):
            raise _Fault(f"{key} cannot be {str(value)[:40]!r}", line) from None
    record["provenance"] = {"source": record.pop("source", None)}
    return record, {key: line for key, (_, line) in raw.items()}


def _alias(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    plain = {key: value for key, (value, _) in entry.items()}
    weight = plain.get("weight", ALIAS_WEIGHTS.get(plain.get("origin", "given"), 0))
    return plain | {"weight": float(weight)}


def _read_yaml(source: str) -> dict[str, tuple[Any, int]]:
    """A mapping of plain YAML, every scalar as text, with the line of each value.

    No anchors, no tags, no duplicate keys: they mean nothing here and hide what a page says.
    """
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        events = iter(list(yaml.parse(source, Loader=loader)))
        next(events)  # the stream begins
        if isinstance(next(events), yaml.StreamEndEvent):
            raise _Fault("the front matter is empty", 0)
        value = _value(next(events), events, depth=0)
        after = [event for event in events if isinstance(event, yaml.DocumentStartEvent)]
        if after:
            raise _Fault("a line --- ends the front matter in its midst", _line(after[0]))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise _Fault(f"the front matter is not YAML: {error.problem}", line) from error
    except yaml.YAMLError as error:
        raise _Fault(f"the front matter is not YAML: {str(error).splitlines()[0]}", 0) from error
    if not isinstance(value, dict):
        raise _Fault("the front matter is not a list of `key: value` lines", 1)
    return value


def _value(event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Any:
    import yaml

    line = _line(event)
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or getattr(event, "tag", None):
        raise _Fault("anchors, aliases and tags of YAML are not read", line)
    if depth > 3:
        raise _Fault("nested too deeply", line)
    if isinstance(event, yaml.ScalarEvent):
        return event.value
    if isinstance(event, yaml.SequenceStartEvent):
        items = takewhile(lambda item: not isinstance(item, yaml.SequenceEndEvent), events)
        return [_value(item, events, depth + 1) for item in items]
    found: dict[str, tuple[Any, int]] = {}
    for key in events:
        if isinstance(key, yaml.MappingEndEvent):
            break
        name, at = _value(key, events, depth + 1), _line(key)
        if not isinstance(name, str) or name in found:
            raise _Fault(f"the key {name!r} is given twice" if isinstance(name, str) else "a key must be text", at)
        found[name] = (_value(next(events), events, depth + 1), at)
    return found


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


# -- files ------------------------------------------------------------------------------------------


def digest(data: bytes) -> str:
    """What tells one state of a page from another."""
    return hashlib.sha256(data).hexdigest()


def read(path: str) -> bytes | None:
    """The bytes of a page, at most one more than a page may have; None if there is no such file (a folder is none)."""
    try:
        with open(path, "rb") as file:
            return file.read(MAX_PAGE + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


class Placed(NamedTuple):
    """A page as it now stands on the disk."""

    hash: str
    mtime: int
    size: int


def place(path: str, data: bytes, expected: str | None, scratch: str) -> Placed:
    """Put a page in place, whole and on the disk, if the place holds what is expected.

    `expected` is the hash of the page to replace, None for a new one; `scratch` is a folder for
    temporary files on the same file system. What is already there as it should be is left.
    Raises: Changed if the place holds something else; OSError if it cannot be written.
    """
    wanted = digest(data)
    there = read(path)
    if there is not None and digest(there) not in (expected, wanted):
        raise Changed(path)
    if there is None or digest(there) != wanted:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        temporary = os.path.join(scratch, f"{os.getpid()}.{wanted[:16]}")
        try:
            write_through(temporary, data)
            if there is None:
                os.link(temporary, path)  # fails rather than replace a file made in this instant
            else:
                os.replace(temporary, path)
        except FileExistsError as error:
            raise Changed(path) from error
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
    status = os.stat(path)
    return Placed(wanted, status.st_mtime_ns, status.st_size)


def take_away(path: str, expected: str) -> None:
    """Remove a page that holds what is expected; one that is gone already is fine.

    Raises: Changed if it holds something else.
    """
    there = read(path)
    if there is None:
        return
    if digest(there) != expected:
        raise Changed(path)
    os.unlink(path)


def replace(path: str, data: bytes) -> None:
    """Make a file that is no page hold this, whole and on the disk; its folder is made."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f"{path}.{os.getpid()}.new"
    try:
        write_through(temporary, data)
        os.replace(temporary, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
    sync_folders(os.path.dirname(path), [path])


def erase(path: str) -> None:
    """Remove a file for good, whatever it holds; its name is durably gone."""
    with suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(path)
        sync_folders(os.path.dirname(path), [path])


def write_through(path: str, data: bytes) -> None:
    """Write a file and wait until it is on the disk."""
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folders(top: str, paths: Iterable[str]) -> None:
    """Make the names of these files durable: their folders, and those above them up to `top`."""
    folders = set()
    for path in paths:
        folder = os.path.dirname(path)
        while len(folder) >= len(top) and folder not in folders:
            folders.add(folder)
            folder = os.path.dirname(folder)
    for folder in sorted(folders):
        if not os.path.isdir(folder):
            continue
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
