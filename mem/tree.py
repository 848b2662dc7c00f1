"""The context tree: pages that a person can read and edit, and the bytes that mem puts in place.

Invariants: what is rendered parses back to the same belief, or it is not written; a page is replaced
whole or not at all; and never while it holds anything but what was last agreed on. A fault in a page is
a `Problem` with its line, not an exception: the rest of the tree is still read.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from itertools import takewhile

from mem.belief import ALIAS_WEIGHTS, PLURALS, Belief, alias_record, from_record, to_record
from mem.errors import Problem, UsageMistake
from mem.record import TYPE_CHECKING, Any, NamedTuple
from mem.retention import INITIAL_STABILITY
from mem.scope import parse as parse_scope
from mem.text import is_utf8, shape

if TYPE_CHECKING:
    import yaml

FORMAT = 1
"""Version of the page format; the defaults below belong to it."""
MAX_PAGE = 1_048_576
"""Bytes; a page holds one belief of at most 64 Ki characters, whatever else a person adds to it."""

_ALWAYS = ("id", "type", "scope", "status", "aliases", "created", "updated", "source")
_NEEDED = ("id", "type", "scope", "created")
"""A page that a person began need not have these; what mem writes says them, for they would be guessed again."""
_ORDER = """id type scope status aliases confidence pinned archived superseded_by participants relation
    valid_from valid_until created updated confirmed stability source""".split()
TEMPORARY = r"\d+\.[0-9a-f]{16}"
"""Names of temporary files: the process, and the beginning of the hash of what it puts in place."""
_WINDOWS_DEVICES = re.compile(r"(con|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³])(\..*)?")


class Changed(Exception):
    """A page does not hold what was last agreed on; it was left as it is."""


# -- where a page is --------------------------------------------------------------------------------


def page_path(belief: Belief) -> str:
    """The path of a belief's page below the memory folder; one of its namesakes has it."""
    folder = f"{parse_scope(belief.scope).folder}/{PLURALS[belief.type]}"
    archive = "archive/" if belief.archived or not belief.live else ""
    return f"{archive}{folder}/{slug(belief.name)}.md"


_TYPES = {plural: type_ for type_, plural in PLURALS.items()}


class Place(NamedTuple):
    """What the path of a page says."""

    scope: str
    type: str
    archived: bool


def place_of(path: str) -> Place | None:
    """The scope, type and state of the folder that a path (below the memory folder) is in; None if it is no place.

    The name of the file says nothing.
    """
    return _place(path.rpartition("/")[0])


@lru_cache(1024)  # a thousand pages are in a few folders
def _place(folder: str) -> Place | None:
    *folders, plural = folder.split("/")
    archived = folders[:1] == ["archive"]
    kind, *segments = folders[archived:] or [""]
    type_ = _TYPES.get(plural)
    try:
        scope = parse_scope(f"{kind}:{'/'.join(segments)}" if segments else kind)
    except UsageMistake:
        return None
    return None if type_ is None else Place(str(scope), type_, archived)


@lru_cache(128)
def standing_in(place: Place, id: str, now: datetime) -> Belief:
    """A belief that says what the place of a page says, for what a page that a person began leaves out."""
    record = {"type": place.type, "scope": place.scope, "content": "-", "name": "-", "aliases": []}
    return from_record(record, id="x", now=now, source="user")._replace(id=id)


def misnamed(path: str) -> str | None:
    """Why a file that a person named cannot be kept by every file system, or None."""
    name = path.rpartition("/")[2]
    if not is_utf8(name):
        return "the name of the file is not UTF-8"
    if re.search(r'[<>:"\\|?*\x00-\x1f]', name) or name.endswith((". ", ".")):
        return "the name of the file has a character that Windows does not take"
    if _WINDOWS_DEVICES.fullmatch(name.removesuffix(".md").lower()):
        return f"{name} means a device on Windows"
    return None


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


# -- page to page: only what is mem's changes --------------------------------------------------------


def revise(page: bytes, belief: Belief) -> bytes:
    """A page that says this belief now; every byte that is not mem's stays as it is.

    Mem's are the lines of owned keys whose value differs, and those of the name, the content and the reason. A page
    that mem wrote alone is rendered anew. A key that the page lacks is added where `render` would have it.
    Raises: ValueError if no such page reads back as this belief, or the page cannot be read.
    """
    there = parse("page", page, now=belief.created, standing_in=belief)
    if isinstance(there, Problem):
        raise ValueError(f"the page cannot be read: {there.message}")
    if _made_by_mem(page, there):
        return page if there == owned(belief) else render(belief)
    if there == owned(belief) and {*_NEEDED} <= _extents(_front_lines(page)).keys():
        return page
    for in_front, literal in ((False, True), (True, True), (True, False)):
        revised = _revised(page, there, belief, in_front, literal)
        if parse("page", revised, now=belief.created) == owned(belief):
            return revised
    raise ValueError(f"belief {belief.id} cannot be written without losing lines of its page that are not mem's")


def _made_by_mem(page: bytes, said: Belief) -> bool:
    """Whether a page holds nothing but what `render` gives."""
    try:
        return render(said) == page
    except ValueError:
        return False


def _front_lines(page: bytes) -> list[str]:
    text = page.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n")
    return text[3:].partition("\n---\n")[0][1:].split("\n")


def _revised(page: bytes, there: Belief, wanted: Belief, in_front: bool, literal: bool) -> bytes:
    """One way to say it; whether the page then reads back so is for the caller to see."""
    text = page.decode("utf-8")
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    pieces = re.split(r"(\r?\n)", text[len(mark) :])  # a lone \r is a character of its line, here as in `parse`
    lines, ends = pieces[::2], [*pieces[1::2], ""]
    extents = _extents(_front_lines(page))
    closing = lines.index("---", 1)
    in_front = in_front or "content" in extents
    edits = _front_edits(extents, there, wanted, in_front, literal, closing - 1)
    edits = [(start + 1, stop + 1, new) for start, stop, new in edits]  # the first line is ---
    edits += _body_edits(lines, closing + 1, there, wanted, in_front, "why" in extents)
    for start, stop, new in sorted(edits, key=lambda edit: edit[:2], reverse=True):
        _splice(lines, ends, start, stop, new)
    return (mark + "".join(map("".join, zip(lines, ends, strict=True)))).encode()


Edit = tuple[int, int, list[str]]
"""Lines from the first up to the second are replaced by these; none, if the two are equal."""


def _splice(lines: list[str], ends: list[str], start: int, stop: int, new: Sequence[str]) -> None:
    """Replace some lines by others; those get the line end of the page's first line."""
    style = ends[0] or "\n"
    added = [style] * len(new)
    if new and stop > start:
        added[-1] = ends[stop - 1]  # at the end of a file that may be none
    elif new and start == len(lines):
        ends[-1], added[-1] = style, ends[-1]
    elif stop == len(lines) and start:
        ends[start - 1] = ends[stop - 1]
    lines[start:stop], ends[start:stop] = new, added


class _Extent(NamedTuple):
    """The lines that a key of the front matter and its value take, and the comments among them."""

    start: int
    stop: int
    tail: str
    """What follows the value on its last line."""
    comments: list[str]


def _front_edits(
    extents: Mapping[str, _Extent], there: Belief, wanted: Belief, in_front: bool, literal: bool, end: int
) -> list[Edit]:
    old, new = _page_record(there), _page_record(wanted)
    defaults = _defaults(wanted.type)
    edits: list[Edit] = []
    place = 0  # after the owned key before it, in the order of `render`
    for key in (*_ORDER, "content", "why"):
        found = extents.get(key)
        if key in ("content", "why"):
            here = in_front or (key == "why" and found is not None)
            written = _long(key, new[key], literal) if here and new[key] is not None else []
            place = end if found is None else place
            changes = here and (found is None or old[key] != new[key])
        else:
            said = new[key] != defaults.get(key, ())
            commented = found is not None and found.tail.strip() and new[key] is not None
            written = [f"{key}: {_yaml(new[key])}"] if said or commented else []
            implied = old[key] if found is not None else defaults.get(key, old[key])
            changes = implied != new[key] or (found is None and key in _NEEDED)
        if changes and found is not None:
            edits.append((found.start, found.stop, _with_comments(written, found)))
        elif changes and written:
            edits.append((place, place, written))
        place = found.stop if found is not None else place
    return _joined(edits)


def _joined(edits: Sequence[Edit]) -> list[Edit]:
    """Edits with what is added at one place in one piece, in the order given."""
    added: dict[int, list[str]] = {}
    for start, stop, new in edits:
        if start == stop:
            added.setdefault(start, []).extend(new)
    return [edit for edit in edits if edit[0] != edit[1]] + [(at, at, new) for at, new in added.items()]


def _with_comments(written: list[str], found: _Extent) -> list[str]:
    if len(written) == 1 and found.stop - found.start == 1:
        return [written[0] + found.tail]
    return [*written, *(comment.lstrip() for comment in found.comments)]


def _page_record(belief: Belief) -> dict[str, Any]:
    """The belief by the keys of a page."""
    record = to_record(belief) | {"source": belief.source}
    return record | {"aliases": [alias_record(entry) for entry in belief.aliases]}


def _body_edits(
    lines: Sequence[str], start: int, there: Belief, wanted: Belief, in_front: bool, why_in_front: bool
) -> list[Edit]:
    heading = next(at for at in range(start, len(lines)) if lines[at].startswith("# "))
    edits: list[Edit] = []
    if there.name != wanted.name:
        edits.append((heading, heading + 1, [f"# {wanted.name}"]))
    before, after = _filled(lines, start, heading), _filled(lines, heading + 1, len(lines))
    if in_front:  # what stood here stands in the front matter now
        return edits + [(*part, []) for part in (before, after) if part[0] < part[1]]
    content, why = _parted(lines, after)
    whole = before[0] == before[1] or content[0] == content[1]
    if content[0] == content[1]:
        content = before
    if there.content != wanted.content:
        edits += _exchanged(lines, content, wanted.content) if whole else [(*content, wanted.content.split("\n"))]
        edits += [] if whole else [(*before, [])]
    if why_in_front or there.why == wanted.why:
        return edits
    if wanted.why is None and why is not None:
        return [*edits, (content[1], why[1], [])]
    reason = f"Why: {wanted.why}"
    return edits + (_exchanged(lines, why, reason) if why else [(content[1], content[1], ["", *reason.split("\n")])])


def _filled(lines: Sequence[str], start: int, stop: int) -> tuple[int, int]:
    """The part without the empty lines at its ends."""
    while start < stop and not lines[start]:
        start += 1
    while stop > start and not lines[stop - 1]:
        stop -= 1
    return start, stop


def _parted(lines: Sequence[str], part: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int] | None]:
    """Content and reason, as `_body` tells them apart."""
    start, stop = part
    last = next((at for at in range(stop - 1, start, -1) if not lines[at]), None)
    if last is None or not lines[last + 1].startswith("Why:"):
        return part, None
    return _filled(lines, start, last), (last + 1, stop)


def _exchanged(lines: Sequence[str], part: tuple[int, int], text: str) -> list[Edit]:
    """Replace a text by another one; lines that both begin or end with stay, with their line ends."""
    old, new = lines[part[0] : part[1]], text.split("\n")
    most = min(len(old), len(new))
    first = next((at for at in range(most) if old[at] != new[at]), most)
    last = next((at for at in range(most - first) if old[-1 - at] != new[-1 - at]), most - first)
    return [(part[0] + first, part[1] - last, new[first : len(new) - last])]


# -- page to belief ---------------------------------------------------------------------------------


def parse(path: str, data: bytes, *, now: datetime, standing_in: Belief | None = None) -> Belief | Problem:
    """The belief of a page, or what is wrong with it.

    `now` stands in for a `created` that the page does not give, and a belief for the id, type and scope that a new
    page need not have.
    """
    if len(data) > MAX_PAGE:
        return Problem(path, 0, f"the page is too large: {len(data):,} bytes, and {MAX_PAGE:,} are allowed")
    try:
        page = data.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        return Problem(path, data[: error.start].count(b"\n") + 1, "the page is not UTF-8")
    conflict = re.search(r"(?m)^(?:<{7}|>{7}) ", page) if "<<<<<<< " in page or ">>>>>>> " in page else None
    if conflict:
        line = page.count("\n", 0, conflict.start()) + 1
        return Problem(path, line, "the page has conflict markers of git; keep one of the sides")
    if not page.startswith("---\n"):
        return Problem(path, 1, "no front matter: the first line must be ---")
    front, found, body = page[3:].partition("\n---\n")
    if not found:
        return Problem(path, 1, "the front matter is not closed by a line ---")
    try:
        record, lines = _front_matter(front[1:], standing_in)
    except _Fault as fault:
        return Problem(path, fault.line + 1, str(fault))
    try:
        record |= _body(body, record)
        belief = from_record(record, id="", now=now, source="user")
        return belief if lines["id"] or standing_in is None else belief._replace(id=standing_in.id)
    except ValueError as error:  # its message begins with the key
        key = str(error).partition(" ")[0].rstrip(":")
        return Problem(path, lines.get({"alias": "aliases"}.get(key, key), 0) + 1, str(error))


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


def _front_matter(source: str, standing_in: Belief | None) -> tuple[dict[str, Any], dict[str, int]]:
    """What the front matter says, as a record, and the line of each key in it."""
    raw = _read_yaml(source)
    for key in ("id", "type", "scope"):
        if key not in raw:
            if standing_in is None:
                raise _Fault(f"{key} is missing", 0)
            raw[key] = (getattr(standing_in, key) or "x", 0)
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
    plain = _read_plain(source)
    if plain is not None:
        return plain
    import yaml

    try:
        events = iter(_events(source))
        next(events)  # the stream begins
        if isinstance(next(events), yaml.StreamEndEvent):
            return {}
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


# What mem itself writes of a belief without odd characters: nothing that YAML would read in another way.
_WORDS = r"[A-Za-z0-9](?:[\w ./+-]*[\w./+-])?"
_ENTRY = rf"{_WORDS}|\{{text: {_WORDS}(?:, weight: {_WORDS})?(?:, origin: {_WORDS})?\}}"
_ENTRIES = shape(_ENTRY)
_PLAIN_LINE = shape(
    rf"(?a:([a-z_]{{1,40}}): (?:([A-Za-z0-9](?:[\w~./+-]|[ :](?=[\w~./+-]))*)|\[((?:{_ENTRY})(?:, (?:{_ENTRY}))*)?\]))"
)


def _read_plain(source: str) -> dict[str, tuple[Any, int]] | None:
    """What `_read_yaml` gives, of plain lines alone; without the parser, whose import costs more than the rest.

    None if there are others.
    """
    found: dict[str, tuple[Any, int]] = {}
    for number, line in enumerate(source.split("\n"), 1):
        said = _PLAIN_LINE.fullmatch(line)
        if said is None or said[1] in found:
            return None
        found[said[1]] = _entries(said[3], number) if said[2] is None else said[2], number
    return found


def _entries(listed: str | None, line: int) -> list[Any]:
    """The words, and the mappings in braces, of a plain list."""
    entries = _ENTRIES.findall(listed) if listed is not None else []
    return [
        {key: (value, line) for key, value in (pair.split(": ") for pair in entry[1:-1].split(", "))}
        if entry[0] == "{"
        else entry
        for entry in entries
    ]


def _events(source: str) -> list[yaml.Event]:
    import yaml

    return list(yaml.parse(source, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)))


def _extents(lines: Sequence[str]) -> dict[str, _Extent]:
    """Where each key of a sound front matter stands; nothing for one that is not in a line of its own."""
    import yaml

    source = "\n".join(lines)
    if re.search("[\r\x85\u2028\u2029]", source):
        raise ValueError("its front matter has line ends that only YAML takes for some")
    events: list[Any] = _events(source)
    found: dict[str, _Extent] = {}
    at = 3  # the stream, the document and the mapping begin
    while len(events) > at and not isinstance(events[at], yaml.MappingEndEvent):
        key, first, depth = events[at], at + 1, 0
        while depth or at < first:
            at += 1
            depth += isinstance(events[at], yaml.CollectionStartEvent) - isinstance(events[at], yaml.CollectionEndEvent)
        at += 1
        if key.start_mark.column == 0:
            found[key.value] = _extent(lines, key, events[first:at])
    return found


def _extent(lines: Sequence[str], key: Any, value: Sequence[Any]) -> _Extent:
    import yaml

    ends = {key.start_mark.line: key.end_mark.column + 1}  # where on a line the last thing ends that is YAML's
    inner: set[int] = set()  # lines on which a text goes on
    last = key.start_mark.line
    for event in value:
        start, end = event.start_mark, event.end_mark
        if isinstance(event, yaml.ScalarEvent) and event.style in ("|", ">"):
            stop = end.line if end.column == 0 else end.line + 1
            last = max(last, _filled(lines, start.line + 1, min(stop, len(lines)))[1] - 1, start.line)
            inner |= {*range(start.line + 1, last + 1)}
            ends[start.line] = start.column + len(lines[start.line][start.column :].split(" ")[0])
        elif start.index < end.index or isinstance(event, yaml.ScalarEvent):  # a block has no end of its own
            ends[end.line] = max(ends.get(end.line, 0), end.column)
            last = max(last, end.line)
            inner |= {*range(start.line, end.line)} if isinstance(event, yaml.ScalarEvent) else set()
    outer = [line for line in range(key.start_mark.line, last + 1) if line not in inner]
    tails = [re.search(r"(?:^|\s+)#.*", lines[line][ends.get(line, 0) :]) for line in outer]
    tail = lines[last][ends[last] :] if last in ends and last not in inner else ""
    return _Extent(key.start_mark.line, last + 1, tail, [found[0] for found in tails if found])


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
    """The bytes of a file, at most one more than a page may have; None if there is no such file (a folder is none).

    Raises: OSError for a link, a pipe, a device or whatever else is not a file: it is not waited for, nor followed.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "a link, and pages are files", path) from error
        raise
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            return None
        raise OSError(errno.EINVAL, "not a file", path)
    with open(descriptor, "rb") as file:
        return file.read(MAX_PAGE + 1)


class Placed(NamedTuple):
    """A page as it now stands on the disk."""

    hash: str
    mtime: int
    size: int


def place(path: str, data: bytes, expected: str | None, scratch: str) -> Placed:
    """Put a page in place, whole and on the disk, if the place holds what is expected.

    `expected` is the hash of the page to replace, None for a new one; `scratch` is a folder for temporary files and
    displaced text on the same file system. What is already there as it should be is left. What is replaced is kept
    among the displaced text: whoever has it open may still write to it.
    Raises: Changed if the place holds something else; OSError if it cannot be written.
    """
    wanted = digest(data)
    before = os.lstat(path) if os.path.lexists(path) else None  # before it is read: what is saved later shall be seen
    there = read(path)
    if there is not None and digest(there) not in (expected, wanted):
        raise Changed(path)
    if there is not None and before is not None and digest(there) == wanted:
        return Placed(wanted, before.st_mtime_ns, before.st_size)
    require_inside(path, scratch)
    temporary = os.path.join(scratch, f"{os.getpid()}.{wanted[:16]}")
    try:
        mtime = write_through(temporary, data)  # first, for it fails where the memory folder was moved away
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if there is None:
            _second_name(temporary, path)  # fails rather than replace a file made in this instant
        else:
            _replace(path, temporary, expected or "", wanted, scratch)
    except (FileExistsError, FileNotFoundError) as error:
        if isinstance(error, FileNotFoundError) and there is None:
            raise
        raise Changed(path) from error
    finally:
        _clear(temporary, scratch)
    return Placed(wanted, mtime, len(data))


def require_inside(path: str, scratch: str) -> None:
    """Make sure that no link leads from the memory folder (two above `scratch`) to the folder of a page.

    A link that somebody committed would have mem write elsewhere, or read what is there.
    Raises: OSError if one does.
    """
    top, folder = os.path.dirname(os.path.dirname(scratch)), os.path.dirname(path)
    if os.path.realpath(folder) != os.path.join(os.path.realpath(top), os.path.relpath(folder, top)):
        raise OSError(errno.ELOOP, "a link leads elsewhere", folder)


def _replace(path: str, temporary: str, expected: str, wanted: str, scratch: str) -> None:
    """Let the new page and the one in place change places, and look at what came out; it goes back if it is not ours.

    Raises: Changed if it was not.
    """
    if not _exchange(temporary, path):  # a file system that cannot: a look just before is the best there is
        displace(scratch, path, expected)
        if digest(read(path) or b"") != expected:
            raise Changed(path)
        os.replace(temporary, path)
        return
    put = wanted
    newest = digest(read(temporary) or b"")
    if newest == expected:
        return
    while _exchange(temporary, path) and digest(read(temporary) or b"") != put:
        put, newest = newest, digest(read(temporary) or b"")  # a person saved once more: that shall stand
    _clear(temporary, scratch)
    sync_folders(scratch, [os.path.join(displaced_folder(scratch), "")])
    raise Changed(path)


def take_away(path: str, expected: str, scratch: str) -> None:
    """Remove a page that holds what is expected, into the displaced text; one that is gone already is fine.

    Raises: Changed if it holds something else.
    """
    there = read(path)
    if there is None:
        return
    if digest(there) != expected:
        raise Changed(path)
    require_inside(path, scratch)
    _make_displaced(scratch)
    gone = os.path.join(displaced_folder(scratch), f"{expected}.{os.getpid()}.gone")
    os.rename(path, gone)
    came_out = digest(read(gone) or b"")
    try:
        if came_out != expected:
            _second_name(gone, path)  # fails rather than replace what a person saved once more
            raise Changed(path)
        displace(scratch, gone, expected)
    except FileExistsError as error:
        displace(scratch, gone, came_out)
        sync_folders(scratch, [gone])
        raise Changed(path) from error
    finally:
        os.unlink(gone)


# -- displaced text ---------------------------------------------------------------------------------


def displaced_folder(scratch: str) -> str:
    """Where text is kept that had to make room."""
    return os.path.join(scratch, "displaced")


def _make_displaced(scratch: str) -> str:
    folder = displaced_folder(scratch)
    with suppress(FileExistsError):
        os.mkdir(folder, mode=0o700)  # and none above it: the memory folder may have been moved away
    return folder


def displace(scratch: str, path: str, hash: str) -> str:
    """Keep the file itself (not a copy: somebody may have it open) for at least a day, under its hash.

    It gets a second name, which is returned; the first one is for the caller to take away.
    """
    folder = _make_displaced(scratch)
    require_inside(os.path.join(folder, hash), scratch)
    target = os.path.join(folder, hash)  # with no ending: it shall not look like a page
    number = 1
    while os.path.lexists(target) and not os.path.samefile(target, path):
        number += 1
        target = os.path.join(folder, f"{hash}.{number}")
    if not os.path.lexists(target):
        _second_name(path, target)
    os.utime(target)  # the day begins now
    return target


def displaced(scratch: str) -> Iterator[tuple[str, bool, float]]:
    """The files of displaced text: path, whether each is what was put there, and since when (a timestamp)."""
    folder = displaced_folder(scratch)
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        path = os.path.join(folder, name)
        data = read(path)
        if data is not None:
            yield path, digest(data) == name.partition(".")[0], os.stat(path).st_mtime


def recover(scratch: str) -> None:
    """Clear away the temporary files of a killed write; one that holds what came out of a place is kept as displaced.

    The lock must be held.
    """
    for name in os.listdir(scratch):
        path = os.path.join(scratch, name)
        if re.fullmatch(TEMPORARY, name):
            _clear(path, scratch)


def _clear(temporary: str, scratch: str) -> None:
    """Remove a temporary file; what it holds is kept, unless that is what was to be put in place."""
    data = read(temporary)
    if data is not None:
        if not digest(data).startswith(temporary.rpartition(".")[2]):
            displace(scratch, temporary, digest(data))
        os.unlink(temporary)


def _second_name(path: str, name: str) -> None:
    """Give a file another name, which must be free; a copy, where the file system has no links."""
    try:
        os.link(path, name)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK):
            raise
        with open(name, "xb") as file:
            file.write(read(path) or b"")
            file.flush()
            os.fsync(file.fileno())


# -- what the system can do -------------------------------------------------------------------------

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h


def _exchange(one: str, other: str) -> bool:
    """Let two files change places in one step; False where the system or the file system cannot."""
    import ctypes

    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    done = call(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    number = ctypes.get_errno()
    if done == 0:
        return True
    if number in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM):
        return False
    raise OSError(number, os.strerror(number), other)


def replace(path: str, data: bytes) -> None:
    """Make a file that is no page hold this, whole and on the disk."""
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


def write_through(path: str, data: bytes) -> int:
    """Write a file and wait until it is on the disk; returns its time of change, in nanoseconds.

    That is made one that no clock will give again: whoever writes to the file in the same tick changes it.
    """
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        status = os.fstat(file.fileno())
        os.utime(file.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns - 1))
        os.fsync(file.fileno())
        return os.fstat(file.fileno()).st_mtime_ns


def make_folder(path: str, mode: int = 0o777) -> None:
    """Make a folder and those above it that are missing; they are still there after a power failure."""
    top = path
    while not os.path.isdir(top) and top != os.path.dirname(top):
        top = os.path.dirname(top)
    os.makedirs(path, mode, exist_ok=True)
    if top != path:
        sync_folders(top, [path])


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
