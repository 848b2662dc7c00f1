"""What the main job prints: hits, injections, what was remembered, lists; as text and as JSON.

The JSON documents are the contract with other programs (section 10 of the design).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mem.belief import Belief, to_record
from mem.inject import Entry
from mem.reading import Injected, OpenScopes, Recalled
from mem.recall import Because, Hit
from mem.record import TYPE_CHECKING, Any
from mem.show.style import named, one_line, statement, styled, table
from mem.text import counted, shown

if TYPE_CHECKING:
    from mem.memory import Remembered
    from mem.mending import Rebuilt
    from mem.sharing import Synced


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


def scope_names(opened: OpenScopes) -> dict[str, Any]:
    """The open and the visible scopes, as every document has them."""
    return {"scopes": [str(one) for one in opened.scopes], "visible": [str(one) for one in opened.visible]}


def inject_document(answer: Injected, command: str = "inject") -> dict[str, Any]:
    """`mem.inject/1`, or `mem.brief/1` of the same form."""

    def section(entries: Sequence[Entry]) -> list[dict[str, Any]]:
        return [_entry(entry.belief, entry.because) for entry in entries]

    sections, withheld, tokens, text = answer.injection
    return {
        "schema": f"mem.{command}/1",
        **scope_names(answer.opened),
        "persona": section(sections.persona),
        "pinned": section(sections.pinned),
        "relevant": section(sections.relevant),
        "questions": section(sections.questions),
        "withheld": withheld,
        "tokens": tokens,
        "freshness": answer.freshness,
        "text": text,
    }


def recall_document(answer: Recalled, command: str = "recall") -> dict[str, Any]:
    """`mem.recall/1`, or the like for another command that finds beliefs."""
    return {
        "schema": f"mem.{command}/1",
        "mode": answer.mode,
        **scope_names(answer.opened),
        "freshness": answer.freshness,
        "hits": hit_records(answer),
    }


def hit_records(answer: Recalled) -> list[dict[str, Any]]:
    """One object a hit."""
    return [_hit(rank, hit) | _flags(hit, answer) for rank, hit in enumerate(answer.hits, 1)]


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
    belief = hit.belief
    pending = belief.review == "pending"
    flags = {"archived": belief.archived, "contested": belief.id in answer.contested, "pending": pending}
    status: dict[str, Any] = {} if belief.live else {"status": belief.status}
    return status | {name: True for name, holds in flags.items() if holds}


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
    return {"schema": "mem.list/1", **scope_names(opened), "beliefs": [to_record(belief) for belief in beliefs]}


# -- text -------------------------------------------------------------------------------------------


def recall_text(answer: Recalled, explain: bool = False) -> str:
    """Hits for a person: rank, name, id and scope, then the statement; explained, also what brought them up."""
    lines = []
    for rank, hit in enumerate(answer.hits, 1):
        belief = hit.belief
        marks = "".join(f"  {mark}" for mark in _marks(hit, answer))
        place = styled(f"{belief.id}  {belief.type}  {belief.scope}  {hit.score:.2f}{marks}", "dim")
        lines.append(f"{rank:2}. {named(belief.name)}  {place}\n{statement(belief.content, 4, 3)}\n")
        lines += [styled(f"    {line}\n", "dim") for line in _explained(hit)] if explain else []
    return "".join(lines)


def _explained(hit: Hit) -> list[str]:
    """The numbers of a hit, then the words that brought it up."""
    channels = [f"{name} {value:.2f}" for name, value in hit.channels.items() if value is not None]
    numbers = f"relevance {hit.relevance:.2f} × prior {hit.prior:.2f} (retention {hit.retention:.2f})"
    reasons = [f"{one.matched!r} is {one.surface!r} ({one.how})" for one in hit.because]
    alike = "it is alike as a whole" if hit.channels["embedding"] else "it stands beside what was found"
    return [f"{numbers}: {', '.join(channels)}", shown("; ".join(reasons) or alike)]


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
    marks += ["pending review"] if belief.review == "pending" and belief.live else []
    marks += [] if belief.live else [belief.status]
    marks += [] if belief.holds(answer.now) else ["not valid now"]
    return marks + ([f"contested by {', '.join(answer.contested[belief.id])}"] if belief.id in answer.contested else [])


_COLUMNS = ("#", "id", "type", "scope", "state", "name", "content")


def belief_table(beliefs: Sequence[Belief]) -> str:
    """A list of beliefs, numbered on a terminal."""
    return table(_COLUMNS, belief_rows(beliefs)) if beliefs else ""


def belief_rows(beliefs: Iterable[Belief]) -> list[list[str]]:
    """Rows of a list: number, id, type, scope, state, name and content."""
    return [
        [str(at), belief.id, belief.type, belief.scope, _state(belief), belief.name, belief.content]
        for at, belief in enumerate(beliefs, 1)
    ]


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
    lines = [f"{head} {named(belief.name)} ({belief.id})"]
    if done.replaced is not None:
        lines.append(
            f"  in the place of {named(done.replaced.name)} ({done.replaced.id}): {one_line(done.replaced.content)}"
        )
    if done.taken is not None:
        lines.append(f"  the name {shown(done.taken)} is that of another belief: mem show {shown(done.taken)}")
    lines += [styled(f"  {shown(note)}", "dim") for note in notes]
    lines.append(styled(f"  {done.page}" if done.page else "  waits for approval: mem review", "dim"))
    for other, surface in done.conflicts:
        said = f"{shown(other.name)} ({other.id}) says {one_line(other.content)!r}"
        lines.append(f"  contested over {shown(surface)!r}: {said}")
    if done.conflicts:
        lines.append("  neither is injected until you decide: mem conflicts")
    return "\n".join(lines) + "\n"


def counts_text(counts: Mapping[str, int]) -> str:
    """`3 new, 1 updated`, leaving out what is zero."""
    return ", ".join(f"{value} {name}" for name, value in counts.items() if value) or "nothing"


def rebuilt_text(done: Rebuilt, what: str) -> str:
    """What a rebuild (of `db` or `tree`) did, in a sentence."""
    if what == "db":
        kept = f"; the old one is {done.kept}" if done.kept is not None else ""
        lost = "; its inbox and history could not be read, and a copy by mem backup may have them" if done.lost else ""
        return f"a new database has {counted(done.beliefs, 'belief')}{kept}{lost}"
    return f"{counted(len(done.written), 'page')} written for {counted(done.beliefs, 'belief')}"


def sync_document(done: Synced) -> dict[str, Any]:
    """`mem.sync/1`."""
    return {
        "schema": "mem.sync/1",
        "dry_run": done.dry_run,
        "waits": done.waits,
        "outbox": done.outbox,
        "commits": [*done.commits],
        "pulled": done.pulled,
        "pushed": done.pushed,
        "unreviewed": done.unreviewed,
        "changes": [
            {"act": one.act, "id": one.id, "path": shown(one.path), "message": shown(one.words)} for one in done.changes
        ],
        "problems": [problem._asdict() for problem in done.problems],
    }


_ACTS = {
    "take": ("took in", "would take in"),
    "follow": ("followed", "would follow"),
    "retire": ("retired", "would retire"),
    "drop": ("let go of", "would let go of"),
    "write": ("wrote", "would write"),
    "propose": ("proposed", "would propose"),
}


def sync_text(done: Synced) -> str:
    """What a sync did, a line a page."""
    lines = []
    for one in done.changes:
        words = f": it {one.words}" if one.words else ""
        lines.append(f"{_ACTS[one.act][done.dry_run]} {shown(one.path)}{shown(words)}\n")
    lines += [f"{'would commit' if done.dry_run else 'committed'}: {subject}\n" for subject in done.commits]
    lines += [f"{act}\n" for act, was in (("pulled", done.pulled), ("pushed", done.pushed)) if was]
    if not lines and not done.problems and done.waits is None:
        but = f", but for {counted(done.unreviewed, 'page')} of others (mem review)" if done.unreviewed else ""
        lines.append(f"pages and database agree{but}\n")
    return "".join(lines)
