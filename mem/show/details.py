"""What the commands print that are not hot: a belief in full, its history, where it comes from, the overview."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mem.belief import Alias, Belief, time_text, to_record
from mem.config import SETTINGS
from mem.memory import Overview, Why
from mem.proposing import Ingested
from mem.reading import OpenScopes
from mem.revising import Purge, revised
from mem.show.answers import list_document, scope_names
from mem.show.style import named, one_line, prose, statement, styled
from mem.store import Receipt, Version
from mem.text import counted, shown

if TYPE_CHECKING:
    from mem.watch import Watched  # which loads what listens to the file system

_LABEL = 14
"""Columns of a label."""


def label(name: str) -> str:
    """What stands before a value."""
    return styled(f"{name:{_LABEL}}", "dim")


def called(belief: Belief) -> str:
    """A belief in a sentence."""
    return f"{shown(belief.name)} ({belief.id})"


# -- one belief -------------------------------------------------------------------------------------


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
        ("source", _source(belief)),
        ("updated", time_text(belief.updated)),
        ("page", page or ""),
    ]
    head = f"{named(belief.name)}\n{prose(belief.content, 2)}\n\n"
    return head + "".join(f"{label(name)} {shown(value)}\n" for name, value in rows if value)


def _source(belief: Belief) -> str:
    return f"{belief.source} at {time_text(belief.at)}" + (f" in {belief.session}" if belief.session else "")


def _alias_text(entry: Alias) -> str:
    return entry.text if entry.origin == "given" else f"{entry.text} ({entry.origin})"


def _span(belief: Belief) -> str:
    start = f"from {time_text(belief.valid_from)}" if belief.valid_from else ""
    end = f"until {time_text(belief.valid_until)}" if belief.valid_until else ""
    return f"{start} {end}".strip()


# -- versions ---------------------------------------------------------------------------------------

_UNTOLD = ("schema", "id", "updated", "provenance", "content", "confirmed", "stability")
"""Fields whose changes say nothing of what is believed, and the content, whose changes are shown word by word."""


def history_text(belief: Belief, versions: Sequence[Version]) -> str:
    """The versions of a belief, oldest first, each with what it changed."""
    parts = [f"{styled(called(belief), 'name')} in {belief.scope}\n"]
    for operation, before, after in versions:
        parts.append(f"\n{time_text(operation.at)}  {operation.kind} by {shown(operation.source)}\n")
        parts += [f"  {line}\n" for line in changes(before, after)]
    if not versions:
        parts.append(f"\n{time_text(belief.created)}  taken in from its page\n")
    return "".join(parts)


def changes(before: Belief | None, after: Belief | None) -> Iterator[str]:
    """What differs between two versions, a line a field."""
    if before is None or after is None:
        yield one_line((after or before).content if after or before else "")  # type: ignore[union-attr]
        return
    if before.content != after.content:
        yield word_difference(before.content, after.content)
    old, new = to_record(before), to_record(after)
    for key in old:
        if key not in _UNTOLD and old[key] != new[key]:
            yield f"{key}: {_value(old[key])} → {_value(new[key])}"
    if round(before.stability) < round(after.stability) and before.content == after.content:
        yield f"confirmed: stability {before.stability:.0f} → {after.stability:.0f} days"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(one if isinstance(one, str) else one["text"] for one in map(_shown_entry, value)) or "none"
    return "none" if value is None else one_line(str(value).lower() if isinstance(value, bool) else str(value))


def _shown_entry(entry: Any) -> Any:
    return shown(entry) if isinstance(entry, str) else {"text": shown(entry["text"])}


def word_difference(before: str, after: str) -> str:
    """One text turning into another, word by word: `[-gone-]` and `{+new+}`."""
    from difflib import SequenceMatcher

    old, new = (re.findall(r"\s+|\w+|[^\w\s]+", one_line(text)) for text in (before, after))
    parts = []
    for how, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        gone, came = "".join(old[a:b]), "".join(new[c:d])
        if how == "equal":
            parts.append(gone)
            continue
        parts += [styled(f"[-{gone}-]", "bad")] if gone else []
        parts += [styled(f"{{+{came}+}}", "good")] if came else []
    return "".join(parts)


def history_document(belief: Belief, versions: Sequence[Version]) -> dict[str, Any]:
    """`mem.history/1`."""
    return {"schema": "mem.history/1", "id": belief.id, "versions": list(version_records(versions))}


def version_records(versions: Iterable[Version]) -> Iterator[dict[str, Any]]:
    """One object a version."""
    for operation, before, after in versions:
        yield {
            "at": time_text(operation.at),
            "act": operation.kind,
            "source": operation.source,
            "before": to_record(before) if before else None,
            "after": to_record(after) if after else None,
        }


# -- why --------------------------------------------------------------------------------------------


def why_text(why: Why) -> str:
    """Where a belief comes from and what surfaced it, for a person."""
    belief = why.belief
    latest = why.versions[-1].operation if why.versions else None
    rows = [
        ("said", _source(belief)),
        ("versions", f"{max(1, len(why.versions))}, created {time_text(belief.created)}"),
        ("last change", f"{time_text(latest.at)} {latest.kind} by {latest.source}" if latest else ""),
        ("page", why.page or "none until it is approved"),
        ("named by", ", ".join([belief.name, *(_alias_text(one) for one in belief.aliases)])),
        ("pinned", "injected whenever its scope is visible" if belief.pinned else ""),
        ("state", _state_sentence(why)),
        ("retention", f"{why.retention:.2f} (stability {belief.stability:.0f} days)"),
        ("injected", counted(why.uses, "time")),
    ]
    lines = [f"{styled(called(belief), 'name')}, a {belief.type} in {belief.scope}\n{prose(belief.content, 2)}\n\n"]
    lines += [f"{label(name)} {shown(value)}\n" for name, value in rows if value]
    lines += [f"{label('took over from')} {called(old)}: {one_line(old.content)}\n" for old in why.replaced]
    lines += [f"{label('contested by')} {called(rival)}: {one_line(rival.content)}\n" for rival in why.rivals]
    for receipt in why.receipts:
        used = next(one for one in receipt.used if one.belief == belief.id)
        lines.append(f"  {_receipt_head(receipt)}: {used.section}{_named(used.because, belief)}\n")
    return "".join(lines)


def _state_sentence(why: Why) -> str:
    belief = why.belief
    if belief.review == "pending" and belief.live:
        return "pending: not injected until you approve it (mem review)"
    if not belief.live:
        by = f" by {belief.superseded_by}" if belief.superseded_by else ""
        return f"{belief.status}{by}: neither injected nor recalled"
    if why.rivals:
        return "contested: not injected until that is settled (mem conflicts)"
    return "archived: only recalled by name" if belief.archived else ""


def _named(because: Sequence[str], belief: Belief) -> str:
    surfaces = [repr(one) for one in because if one != belief.name or len(because) > 1]
    return f", for {shown(', '.join(surfaces))}" if surfaces else ""


def _receipt_head(receipt: Receipt) -> str:
    by = f" by {receipt.agent}" if receipt.agent else ""
    return f"{time_text(receipt.at)} {receipt.command}{by} in {', '.join(receipt.scopes)}"


def why_document(why: Why) -> dict[str, Any]:
    """`mem.why/1`."""
    return {
        "schema": "mem.why/1",
        "belief": to_record(why.belief),
        "page": why.page,
        "versions": len(why.versions),
        "retention": round(why.retention, 4),
        "replaced": [one.id for one in why.replaced],
        "contested": [one.id for one in why.rivals],
        "uses": why.uses,
        "receipts": [receipt_record(one) for one in why.receipts],
    }


# -- receipts ---------------------------------------------------------------------------------------


def log_text(entries: Sequence[tuple[Receipt, Mapping[str, Belief]]]) -> str:
    """Receipts, newest first, each with the beliefs that were handed out."""
    lines = []
    for receipt, beliefs in entries:
        asked = one_line(receipt.text) if receipt.text else f"prompt {receipt.prompt[:8]}"
        asked = asked if receipt.command == "inject" else ""
        lines.append(f"{_receipt_head(receipt)}  {styled(asked, 'dim')}".rstrip() + "\n")
        for used in receipt.used:
            if used.belief in beliefs:
                belief = beliefs[used.belief]
                lines.append(f"  {used.section:10} {called(belief)}{_named(used.because, belief)}\n")
    return "".join(lines)


def receipt_record(receipt: Receipt) -> dict[str, Any]:
    """One receipt as an object."""
    return {
        "at": time_text(receipt.at),
        "command": receipt.command,
        "agent": receipt.agent,
        "scopes": list(receipt.scopes),
        "prompt": receipt.prompt,
        "text": receipt.text,
        "beliefs": [{"id": one.belief, "section": one.section, "because": list(one.because)} for one in receipt.used],
    }


# -- the session ------------------------------------------------------------------------------------


def overview_text(where: Overview) -> str:
    """Where a person is, and the two commands that are most useful now."""
    counts = where.counts
    known = [f"{counts.get('current', 0)} current"]
    known += [counted(counts["questions"], "open question")] if counts.get("questions") else []
    known += [f"{counts[key]} {key}" for key in ("contested", "dormant") if counts.get(key)]
    pages = [f"{where.by_hand} changed by hand"] if where.by_hand else []
    pages += [f"{counted(where.uncommitted, 'file')} not committed to git"] if where.uncommitted else []
    rows = [
        ("open", f"{', '.join(map(str, where.opened.scopes))} ({where.opened.reason})"),
        ("visible", ", ".join(map(str, where.opened.visible))),
        ("beliefs", ", ".join(known)),
        ("inbox", f"{counted(counts['pending'], 'proposal')}" if counts.get("pending") else ""),
        ("pages", ", ".join(pages)),
        ("last act", f"{where.last.at:%Y-%m-%d} {where.last.summary}" if where.last else ""),
    ]
    body = "".join(f"{label(name)} {shown(value)}\n" for name, value in rows if value)
    return body + "\n" + "".join(f"  {command:28} {styled(what, 'dim')}\n" for command, what in _next(where))


def _next(where: Overview) -> list[tuple[str, str]]:
    """The commands to type next, most useful first."""
    counts = where.counts
    wanted = [
        (not counts.get("all"), "mem remember 'one sentence'", "keep something"),
        (not counts.get("all"), "mem tour", "see the main job in seconds"),
        (counts.get("pending"), "mem review", "approve or reject what was proposed"),
        (counts.get("contested"), "mem conflicts", "decide between beliefs that contradict each other"),
        (where.by_hand, "mem sync", "take in pages that were changed by hand"),
        (True, "mem recall WORDS", "search"),
        (True, "mem remember 'one sentence'", "keep something"),
    ]
    return [*[(command, what) for holds, command, what in wanted if holds][:2], ("mem --help", "all commands")]


def overview_document(where: Overview) -> dict[str, Any]:
    """`mem.status/1`."""
    return {
        "schema": "mem.status/1",
        **scope_names(where.opened),
        "reason": where.opened.reason,
        "beliefs": where.counts,
        "changed_by_hand": where.by_hand,
        "uncommitted": where.uncommitted,
        "last": {"at": time_text(where.last.at), "act": where.last.summary} if where.last else None,
    }


def conflicts_text(pairs: Sequence[tuple[Belief, Belief]], first: int = 1) -> str:
    """Contradictions, each with both statements; the beliefs are numbered through."""
    lines = []
    for at, (one, other) in enumerate(pairs):
        lines.append(f"{one.type} in {one.scope}\n")
        for number, belief in enumerate((one, other), first + 2 * at):
            place = styled(f"{belief.id}  {time_text(belief.updated)}  {belief.source}", "dim")
            lines.append(f"{number:2}. {named(belief.name)}  {place}\n{statement(belief.content, 4, 3)}\n")
    return "".join(lines)


# -- the inbox --------------------------------------------------------------------------------------

Proposals = Mapping[str, tuple[str, Belief | None]]
"""By the id of a pending belief: the act that it proposes, and the belief meant; None if that is not live."""


def review_text(pending: Sequence[Belief], proposals: Proposals) -> str:
    """What waits, numbered: what it says, or would change, and where it comes from."""
    return "".join(_waiting(at, belief, *proposals.get(belief.id, ("", None))) for at, belief in enumerate(pending, 1))


def _waiting(at: int, belief: Belief, act: str, target: Belief | None) -> str:
    told = f"{act}s {named(target.name)} ({target.id})" if target is not None else ""
    place = styled(f"{belief.id}  {belief.type}  {belief.scope}", "dim")
    lines = [f"{at:2}. {named(belief.name)}  {place}{'  ' if told else ''}{told}"]
    if act == "revise" and target is not None:
        lines += [f"    {line}" for line in changes(target, revised(target, belief))]
    else:
        lines.append(statement(belief.content, 4, 3))
    lines += [statement(f"Why: {belief.why}", 4, 3)] if belief.why and act != "revise" else []
    where = f" in {belief.session}" if belief.session else ""
    return "\n".join([*lines, styled(f"    {one_line(belief.source + where)}", "dim"), ""])


def review_document(opened: OpenScopes, pending: Sequence[Belief], proposals: Proposals) -> dict[str, Any]:
    """`mem.review/1`: a list, and what some of it proposes about other beliefs."""
    said = [
        {"id": id_, "act": act, "target": target.id if target else None} for id_, (act, target) in proposals.items()
    ]
    return {**list_document(opened, pending), "schema": "mem.review/1", "proposals": said}


def ingested_text(done: Ingested, dry_run: bool) -> str:
    """What notes propose, as the inbox shows it; ids of a dry run mean nothing and are left out."""
    proposals = {one.belief.id: (one.act, one.target) for one in done.proposed if one.target is not None}
    listed = review_text([one.belief for one in done.proposed], proposals)
    return re.sub(r"(?m)^( *\d+\. \S.*?)  \w{8}(?=  )", r"\1", listed) if dry_run else listed


def ingested_summary(done: Ingested, dry_run: bool) -> str:
    """The counts of an ingestion, in words."""
    acts = Counter(one.act for one in done.proposed)
    counts = {"new": acts["add"], "revised": acts["revise"], "gone": acts["forget"]}
    parts = [f"{value} {name}" for name, value in counts.items() if value]
    parts += [f"{done.withdrawn} withdrawn"] if done.withdrawn else []
    parts += [f"{done.known} known already"] if done.known else []
    verb = "would be proposed" if dry_run else "proposed"
    said = f"{verb} in {done.scope} ({done.reason}): {', '.join(parts)}" if parts else "nothing new to propose"
    hint = "; mem review" if done.proposed and not dry_run else ""
    return f"{counted(done.notes, 'note')} read, {said}{hint}"


def ingest_document(done: Ingested, dry_run: bool) -> dict[str, Any]:
    """`mem.ingest/1`."""
    proposed = [
        {
            "id": None if dry_run and one.act != "forget" else one.belief.id,
            "act": one.act,
            "target": one.target.id if one.target else None,
            "type": one.belief.type,
            "name": shown(one.belief.name),
            "content": shown(one.belief.content),
            "why": None if one.belief.why is None else shown(one.belief.why),
            "source": shown(one.belief.source),
            "place": shown(one.belief.session or ""),
        }
        for one in done.proposed
    ]
    return {
        "schema": "mem.ingest/1",
        "scope": str(done.scope),
        "dry_run": dry_run,
        "notes": done.notes,
        "proposed": proposed,
        "known": done.known,
        "withdrawn": done.withdrawn,
        "problems": [problem._asdict() for problem in done.problems],
    }


def watched_text(watched: Watched) -> str:
    """What doctor says of the watcher."""
    beat = f"last heartbeat {time_text(watched.beat)}"
    if not watched.running:
        return f"mem watch (pid {watched.pid}) ended without being stopped; {beat}"
    of = f", with {shown(', '.join(watched.folders))}" if watched.folders else ""
    return f"mem watch (pid {watched.pid}) runs since {time_text(watched.since)}{of}; {beat}"


def watched_document(watched: Watched | None) -> dict[str, Any] | None:
    """The same in JSON."""
    if watched is None:
        return None
    return {**watched._asdict(), "since": time_text(watched.since), "beat": time_text(watched.beat)}


# -- erasing ----------------------------------------------------------------------------------------


def purge_text(plan: Purge, done: bool) -> str:
    """What a purge erases or erased, and what it cannot reach."""
    lines = [f"{'erased' if done else 'would erase'} {styled(called(plan.belief), 'name')} for good"]
    parts = [counted(plan.versions, "version"), counted(plan.receipts, "receipt")]
    lines.append(f"  {plan.page or 'no page'}, {', '.join(parts)}")
    if plan.commits:
        lines.append(
            f"  git still holds it in {counted(plan.commits, 'commit')} of the memory folder; to rewrite them:"
        )
        names = " ".join(f"--path {path}" for path in plan.paths)
        lines.append(f"    git filter-repo --invert-paths {shown(names)}")
    if plan.remotes:
        lines.append(f"  what was pushed to {shown(', '.join(plan.remotes))} is not touched")
    lines.append("  copies elsewhere (exports, backups of the disk, agents' transcripts) are not touched")
    return "\n".join(lines) + "\n"


# -- settings ---------------------------------------------------------------------------------------


def settings_rows(values: Mapping[str, Any]) -> list[list[str]]:
    """Rows of `mem config list`."""
    return [[one.key, setting_text(values[one.key]), one.help] for one in SETTINGS]


def setting_text(value: Any) -> str:
    """A setting's value as it is typed."""
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else shown(str(value))
