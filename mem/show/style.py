"""What a terminal does to a text: colours, columns, wrapping, a pager; and nothing of it in a pipe.

Rich is loaded for tables on a terminal alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from mem import terminal
from mem.record import Any, TextIO
from mem.text import shown

_STYLES = {"name": "1", "dim": "2", "good": "32", "bad": "31"}
_WIDE_ENOUGH = 110
"""Columns of a terminal from which on type and state have room beside name and content."""
_NARROW = 8
"""Columns that a name and a content have at least."""
_READABLE = 100
"""Columns beyond which no line of prose is drawn; longer ones are hard to read on."""


def dump(value: Any) -> str:
    """A JSON document, readable and without escapes."""
    import json

    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def dump_lines(values: Iterable[Any]) -> str:
    """JSON Lines: one document a line."""
    import json

    return "".join(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n" for value in values)


def styled(text: str, style: str, stream: TextIO | None = None) -> str:
    """The text in a style, where the stream (standard output) is a terminal that wants colours."""
    stream = stream or sys.stdout
    plain = not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain else f"\x1b[{_STYLES[style]}m{text}\x1b[0m"


def named(name: str) -> str:
    """The name of a belief, in its style."""
    return styled(isolated(shown(name)) if sys.stdout.isatty() else shown(name), "name")


def one_line(text: str) -> str:
    """A text on one line, safe to show."""
    return shown(" ".join(text.split()))


def statement(text: str, indent: int, most: int) -> str:
    """A text for a list: one line in a pipe; on a terminal folded to its width, and cut after `most` lines."""
    line = one_line(text)
    if not sys.stdout.isatty():
        return " " * indent + line
    width = min(terminal.size()[0], _READABLE) - indent
    folded = fold(line, width)
    if len(folded) > most:
        folded = [*folded[: most - 1], f"{fold(folded[most - 1], width - 2)[0]} …"]
    return "\n".join(" " * indent + isolated(part) for part in folded)


def prose(text: str, indent: int) -> str:
    """A text in full: as it is in a pipe, its long lines folded on a terminal."""
    lines = shown(text).split("\n")
    if sys.stdout.isatty():
        width = min(terminal.size()[0], _READABLE) - indent
        lines = [isolated(part) for line in lines for part in (fold(line, width) or [""])]
    return "\n".join(f"{' ' * indent}{line}".rstrip() for line in lines)


def fold(line: str, width: int) -> list[str]:
    """A line broken at blanks, where there are any, into pieces of at most so many columns."""
    pieces: list[str] = []
    room = 0
    for word in line.split(" "):
        for part in _hard_broken(word, max(2, width)):
            if pieces and cells(part) + 1 <= room:
                pieces[-1] += f" {part}"
                room -= cells(part) + 1
            else:
                pieces.append(part)
                room = width - cells(part)
    return pieces


def _hard_broken(word: str, width: int) -> Iterator[str]:
    """The word, in pieces if it is wider than that."""
    start = used = 0
    for at, character in enumerate(word):
        taken = cells(character)
        if used + taken > width:
            yield word[start:at]
            start, used = at, 0
        used += taken
    yield word[start:]


def cells(text: str) -> int:
    """Columns that a text takes: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    wide = text.count("\ufe0f")  # makes the character before it an emoji
    return wide + sum(
        2 if east_asian_width(one) in "WF" else 0 if category(one) in ("Mn", "Me", "Cf") else 1 for one in text
    )


def isolated(text: str) -> str:
    """The text, kept from turning its surroundings around where it runs from right to left; for terminals."""
    if text.isascii():
        return text
    from unicodedata import bidirectional

    return f"\u2068{text}\u2069" if any(bidirectional(one) in ("R", "AL", "AN") for one in text) else text


def table(title: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows in columns: as wide as the terminal there, tab-separated elsewhere."""
    clean = [[one_line(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        start = 1 if title[0] == "#" else 0  # numbers are for who types them
        return "".join("\t".join(row[start:]) + "\n" for row in clean)
    from rich.cells import cell_len

    natural = [max(map(cell_len, column)) for column in zip(title, *clean, strict=True)]
    widths = _widths(title, natural, terminal.size()[0])
    lines = [" ".join(_fitted(row[at], width) for at, width in widths.items()).rstrip() for row in (title, *clean)]
    return "\n".join([styled(lines[0], "dim"), *lines[1:], ""])


def _widths(title: Sequence[str], natural: Sequence[int], columns: int) -> dict[int, int]:
    """The width of each column that is drawn: what one types is never cut; a name gives way, then the content."""
    least = [min(width, _NARROW) if title[at] == "name" else width for at, width in enumerate(natural)]
    least[-1] = _NARROW
    kept = [at for at, name in enumerate(title) if columns >= _WIDE_ENOUGH or name not in ("type", "state")]
    for name in (
        ("scope", "name") if title[0] == "#" else ()
    ):  # an id says as much, where there is room for nothing else
        if sum(least[at] + 1 for at in kept) - 1 > columns:
            kept.remove(title.index(name))
    widths = {at: natural[at] for at in kept}
    last = kept[-1]
    for at in kept:
        if title[at] == "name":
            rest = columns - sum(widths[one] + 1 for one in kept if one not in (at, last)) - 1
            widths[at] = min(widths[at], max(_NARROW, rest // 3))
    widths[last] = max(_NARROW, columns - sum(widths[at] + 1 for at in kept[:-1]))
    return widths


def _fitted(text: str, width: int) -> str:
    """The text in exactly so many columns."""
    from rich.cells import cell_len, set_cell_size

    cut = text if cell_len(text) <= width else f"{set_cell_size(text, width - 1).rstrip()}…"
    return isolated(cut) + " " * (width - cell_len(cut))


def write(text: str, pager: str = "") -> None:
    """Print a text; through a pager where a person looks on and it is longer than the terminal.

    `pager` is the command of the settings; without one it is $PAGER, else less.
    """
    columns, lines = terminal.size()
    if not terminal.is_seen() or sum(-(-max(1, cells(line)) // columns) for line in text.split("\n")) <= lines:
        sys.stdout.write(text)
        return
    import shlex
    import subprocess

    command = pager or os.environ.get("PAGER", "less")
    environment = {"LESS": "FRX"} | os.environ
    try:
        shown = subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, env=environment)
    except (OSError, ValueError, IndexError):  # no such pager: the text is what counts
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    with terminal.lent(), suppress(BrokenPipeError):  # left before its end
        shown.communicate(text.encode("utf-8", "replace"))
    if terminal.was_interrupted(shown.wait()):
        raise KeyboardInterrupt
