"""Records as a person reads them on a terminal, and as programs read them in JSON.

JSON documents here are the contract with other programs (section 10 of the design). Text for people has
colours on a terminal only, and not under NO_COLOR. Rich is loaded there alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from mem.belief import Alias, Belief, time_text, to_record
from mem.inject import Entry
from mem.reading import Injected, OpenScopes, Recalled
from mem.recall import Because, Hit, strength
from mem.text import shown

if TYPE_CHECKING:
    from mem.memory import Remembered


def dump(value: Any) -> str:
    """A JSON document, readable and without escapes."""
    import json

    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


# -- JSON -------------------------------------------------------------------------------------------


def _reasons(because: Iterable[Because]) -> list[dict[str, str]]:
    return [{"surface": shown(one.surface), "matched": shown(one.matched), "how": one.how} for one in because]


def _entry(belief: Belief, because: Iterable[Because]) -> dict[str, Any]:
    return {
        "id": belief.id,
        "type": belief.type,
        "name": shown(belief.name),
        "scope": belief.scope,
        "content": shown(belief.content),
        "why": None if belief.why is None else shown(belief.why),
        "because": _reasons(because),
    }


def _scopes(opened: OpenScopes) -> dict[str, Any]:
    return {"scopes": [str(one) for one in opened.scopes], "visible": [str(one) for one in opened.visible]}


def inject_document(answer: Injected) -> dict[str, Any]:
    """`mem.inject/1`."""

    def section(entries: Sequence[Entry]) -> list[dict[str, Any]]:
        return [_entry(entry.belief, entry.because) for entry in entries]

    sections, withheld, tokens, text = answer.injection
    return {
        "schema": "mem.inject/1",
        **_scopes(answer.opened),
        "persona": section(sections.persona),
        "pinned": section(sections.pinned),
        "relevant": section(sections.relevant),
        "questions": section(sections.questions),
        "withheld": withheld,
        "tokens": tokens,
        "freshness": answer.freshness,
        "text": text,
    }


def recall_document(answer: Recalled) -> dict[str, Any]:
    """`mem.recall/1`."""
    return {
        "schema": "mem.recall/1",
        "mode": "lexical",
        **_scopes(answer.opened),
        "freshness": answer.freshness,
        "hits": [_hit(rank, hit) | _flags(hit, answer) for rank, hit in enumerate(answer.hits, 1)],
    }


def _hit(rank: int, hit: Hit) -> dict[str, Any]:
    document = {"rank": rank} | _entry(hit.belief, ())
    del document["because"]
    numbers = {"relevance": hit.relevance, "prior": hit.prior, "score": hit.score, "retention": hit.retention}
    channels = {name: None if value is None else round(value, 4) for name, value in hit.channels.items()}
    return (
        document
        | {name: round(value, 4) for name, value in numbers.items()}
        | {"channels": channels, "because": _reasons(hit.because)}
    )


def _flags(hit: Hit, answer: Recalled) -> dict[str, bool]:
    """Marks of a hit that is not simply believed; absent from one that is."""
    flags = {"archived": hit.belief.archived, "contested": hit.belief.id in answer.contested}
    return {name: True for name, holds in flags.items() if holds}


def remember_document(done: Remembered) -> dict[str, Any]:
    """`mem.remember/1`."""
    return {
        "schema": "mem.remember/1",
        "belief": to_record(done.belief),
        "derived": done.derived,
        "page": done.page,
        "review": done.belief.review,
        "conflicts": [
            {"id": other.id, "name": shown(other.name), "surface": shown(surface)} for other, surface in done.conflicts
        ],
    }


def list_document(opened: OpenScopes, beliefs: Sequence[Belief]) -> dict[str, Any]:
    """`mem.list/1`."""
    return {"schema": "mem.list/1", **_scopes(opened), "beliefs": [to_record(belief) for belief in beliefs]}


# -- text -------------------------------------------------------------------------------------------

_STYLES = {"name": "1", "dim": "2", "good": "32", "bad": "31"}


def styled(text: str, style: str, stream: TextIO | None = None) -> str:
    """The text in a style, where the stream (standard output) is a terminal that wants colours."""
    stream = stream or sys.stdout
    plain = not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain else f"\x1b[{_STYLES[style]}m{text}\x1b[0m"


def one_line(text: str) -> str:
    """A text on one line, safe to show."""
    return shown(" ".join(text.split()))


def recall_text(answer: Recalled) -> str:
    """Hits for a person: rank, name, id and scope, then the statement."""
    lines = []
    for rank, hit in enumerate(answer.hits, 1):
        belief = hit.belief
        marks = "".join(f"  {mark}" for mark in _marks(hit, answer))
        place = styled(f"{belief.id}  {belief.type}  {belief.scope}  {hit.score:.2f}{marks}", "dim")
        lines.append(f"{rank:2}. {styled(shown(belief.name), 'name')}  {place}\n    {one_line(belief.content)}\n")
    return "".join(lines)


def explained_text(answer: Injected) -> str:
    """For a person: what is injected and why, then what nearly was."""
    lines = []
    for section, entries in zip(answer.injection.sections._fields, answer.injection.sections, strict=True):
        for belief, because in entries:
            reasons = [
                f"{one.matched!r} names {one.surface!r} ({one.how})" if one.matched else one.how for one in because
            ]
            lines.append(f"{section:9} {shown(belief.name)} ({belief.id}): {shown('; '.join(reasons))}\n")
    for belief, reason in answer.misses:
        lines.append(styled(f"not       {shown(belief.name)} ({belief.id}): {shown(reason)}\n", "dim"))
    if answer.injection.withheld:
        lines.append(f"withheld  {answer.injection.withheld} by the limits\n")
    return "".join(lines) or "nothing is injected\n"


def _marks(hit: Hit, answer: Recalled) -> list[str]:
    """What a person should know of a hit before relying on it."""
    belief = hit.belief
    marks = ["archived"] if belief.archived else []
    marks += [] if belief.holds(answer.now) else ["not valid now"]
    return marks + ([f"contested by {', '.join(answer.contested[belief.id])}"] if belief.id in answer.contested else [])


def belief_text(belief: Belief, page: str | None, now_retention: float) -> str:
    """One belief in full, for a person."""
    rows: list[tuple[str, str]] = [
        ("id", belief.id),
        ("type", belief.type),
        ("scope", belief.scope),
        ("status", belief.status + (", pending review" if belief.review == "pending" and belief.live else "")),
        ("aliases", ", ".join(_alias_text(one) for one in belief.aliases)),
        ("why", belief.why or ""),
        ("relation", f"{belief.relation or ''} {' '.join(belief.participants)}".strip()),
        ("holds", _span(belief)),
        ("superseded by", belief.superseded_by or ""),
        ("flags", " ".join(flag for flag in ("pinned", "archived") if getattr(belief, flag))),
        ("confidence", f"{belief.confidence:g}"),
        ("retention", f"{now_retention:.2f} (stability {belief.stability:.0f} days)"),
        ("source", f"{belief.source} at {time_text(belief.at)}" + (f" in {belief.session}" if belief.session else "")),
        ("updated", time_text(belief.updated)),
        ("page", page or ""),
    ]
    content = shown(belief.content).replace("\n", "\n  ")
    head = f"{styled(shown(belief.name), 'name')}\n  {content}\n\n"
    body = [f"{styled(f'{label:14}', 'dim')} {shown(value)}\n" for label, value in rows if value]
    return head + "".join(body)


def _alias_text(entry: Alias) -> str:
    return entry.text if entry.origin == "given" else f"{entry.text} ({entry.origin})"


def _span(belief: Belief) -> str:
    start = f"from {time_text(belief.valid_from)}" if belief.valid_from else ""
    end = f"until {time_text(belief.valid_until)}" if belief.valid_until else ""
    return f"{start} {end}".strip()


WIDE = 110
"""Columns of a terminal from which on type and state have room beside name and content."""


def table(title: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows in columns: as wide as the terminal there, tab-separated elsewhere."""
    clean = [[one_line(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        return "".join("\t".join(row) + "\n" for row in clean)
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    kept = [at for at, name in enumerate(title) if console.width >= WIDE or name not in ("type", "state")]
    widths = {at: max(map(cell_len, (title[at], *(row[at] for row in clean)))) for at in kept}
    *whole, last = kept  # what one types or filters by is never cut; a name gives way, then the content
    if "name" in title:
        whole.remove(title.index("name"))
        rest = console.width - sum(widths[at] + 1 for at in whole) - 1
        widths[title.index("name")] = min(widths[title.index("name")], max(8, rest // 3))
    widths[last] = max(8, console.width - sum(widths[at] + 1 for at in kept[:-1]))
    drawn = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for at in kept:
        drawn.add_column(title[at], no_wrap=True, overflow="ellipsis", width=widths[at])
    for row in clean:
        drawn.add_row(*(Text(row[at]) for at in kept))
    with console.capture() as captured:
        console.print(drawn)
    return captured.get()


def belief_rows(beliefs: Iterable[Belief]) -> list[list[str]]:
    """Rows of `mem list`."""
    return [[belief.id, belief.type, belief.scope, _state(belief), belief.name, belief.content] for belief in beliefs]


def _state(belief: Belief) -> str:
    if belief.review == "pending" and belief.live:
        return "pending"
    return "archived" if belief.archived else belief.status


def remembered_text(done: Remembered) -> str:
    """What was stored and what was worked out, so that it can be corrected at once."""
    belief = done.belief
    proposed = "proposed" if belief.review == "pending" else "remembered"
    head = {"new": proposed, "version": "new version of", "restated": "already known, confirmed:"}[done.outcome]
    notes = [f"type {belief.type}", f"scope {belief.scope} ({done.reason})"]
    if belief.aliases:
        notes.append("aliases " + ", ".join(one.text for one in belief.aliases))
    if done.derived and done.outcome == "new":
        notes.append(f"derived: {', '.join(done.derived)}")
    lines = [f"{head} {styled(shown(belief.name), 'name')} ({belief.id})"]
    lines += [styled(f"  {shown(note)}", "dim") for note in notes]
    lines.append(styled(f"  {done.page}" if done.page else "  waits for approval: mem review", "dim"))
    for other, surface in done.conflicts:
        said = f"{shown(other.name)} ({other.id}) says {one_line(other.content)!r}"
        lines.append(f"  contested over {shown(surface)!r}: {said}")
    if done.conflicts:
        other, surface = done.conflicts[0]
        shared = any(one.text == surface and one.origin == "given" for one in (*belief.aliases, *other.aliases))
        ways = (
            f"mem forget {other.id}, mem undo, or give another alias"
            if shared
            else f"mem forget {other.id}, or mem undo"
        )
        lines.append(f"  neither is injected until one goes: {ways}")
    return "\n".join(lines) + "\n"


def retention_of(belief: Belief, now: Any) -> float:
    """Retention now, for showing."""
    return strength(belief, now)


def counts_text(counts: Mapping[str, int]) -> str:
    """`3 new, 1 updated`, leaving out what is zero."""
    return ", ".join(f"{value} {name}" for name, value in counts.items() if value) or "nothing"
