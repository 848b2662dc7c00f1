"""Beliefs: the record, an immutable value, and its interchange form `mem.belief/1`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from mem import scope as scopes
from mem import text
from mem.errors import UsageMistake
from mem.record import Any, NamedTuple
from mem.retention import INITIAL_STABILITY

SCHEMA = "mem.belief/1"
PLURALS = {
    "preference": "preferences",
    "decision": "decisions",
    "fact": "facts",
    "entity": "entities",
    "relation": "relations",
    "procedure": "procedures",
    "event": "events",
    "question": "questions",
}
TYPES = tuple(PLURALS)
LIVE = ("active", "inferred", "exploratory")
STATUSES = (*LIVE, "superseded", "resolved", "retracted")
REVIEWS = ("approved", "pending")
ORIGINS = ("given", "derived", "learned")

# What an alias counts in a score, by origin (section 6 of the design: a start, to be tuned on data).
# A derived alias is a word of the content already; it is kept for naming, not to count twice.
ALIAS_WEIGHTS = {"given": 10.0, "learned": 5.0, "derived": 1.0}
DEFAULT_CONFIDENCE = 0.9
MAX_NAME = 100
MAX_ALIASES = 64


class Alias(NamedTuple):
    """Another surface form that should find a belief."""

    text: str
    weight: float
    """Term frequency that one occurrence counts for; positive."""
    origin: str
    """`given`, `derived` from the content, or `learned` from use."""


class Belief(NamedTuple):
    """One thing believed, as of one version."""

    id: str
    """Eight characters of Crockford base32 when minted here; any form when imported."""
    type: str
    name: str
    """Canonical short name; one line."""
    content: str
    scope: str
    """Exactly one, as text (`mem.scope.parse`)."""
    aliases: tuple[Alias, ...]
    why: str | None
    """Why it matters, as an instruction a reader can act on."""
    status: str
    review: str
    """`pending` waits in the inbox and is not injected."""
    confidence: float
    """0..1."""
    pinned: bool
    archived: bool
    superseded_by: str | None
    """Id of the belief that took its place."""
    participants: tuple[str, ...]
    """Ids that a relation connects, in order."""
    relation: str | None
    """The verb of a relation."""
    valid_from: datetime | None
    valid_until: datetime | None
    """When it holds in the world; None is unbounded. UTC, like every time here."""
    created: datetime
    updated: datetime
    confirmed: datetime | None
    """The last use that confirmed it; None until there was one."""
    stability: float
    """Days until retention is 0.9."""
    source: str
    """Provenance: `user`, `user-edit`, `agent:<name>`, `file:<path>:<line>`, `import:<format>`, `git:<author>`."""
    session: str | None
    at: datetime
    """When the source said it."""

    @property
    def live(self) -> bool:
        """True while the status says that it is believed."""
        return self.status in LIVE

    @property
    def current(self) -> bool:
        """True for what may be handed out unasked: live, approved, not archived."""
        return self.live and self.review == "approved" and not self.archived

    def holds(self, now: datetime) -> bool:
        """True unless its time is over or has not come."""
        return not (self.valid_until and self.valid_until <= now) and not (self.valid_from and self.valid_from > now)

    @property
    def anchor(self) -> datetime:
        """When the forgetting curve last started: at the last confirmation, or at creation."""
        return self.confirmed or self.created


def alias(surface: str, origin: str = "given") -> Alias:
    """An alias with the weight that its origin gives it."""
    return Alias(surface, ALIAS_WEIGHTS[origin], origin)


def derived_aliases(content: str) -> tuple[Alias, ...]:
    """The aliases that a text implies."""
    from mem import derive  # only what derives something loads it

    return tuple(alias(surface, "derived") for surface in derive.aliases_of(content))


def derived_name(content: str) -> str:
    """The name that a text implies."""
    from mem import derive

    return derive.name_of(content)


def canonical_name(given: str) -> str:
    """A name as the store keeps it: one line, folded, blanks as underscores."""
    return re.sub(r"\s+", "_", text.fold(given.strip()))


def is_id(value: str) -> bool:
    """True if the text has the form of an id."""
    return re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", value) is not None


# -- interchange ------------------------------------------------------------------------------------

_KEYS = """schema id type name aliases content why scope status review confidence pinned archived superseded_by
    participants relation valid_from valid_until created updated confirmed stability provenance""".split()


def time_text(moment: datetime) -> str:
    """A time as records and pages write it: UTC, to the second unless it has a fraction, with `Z`."""
    moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")


def parse_time(value: str) -> datetime:
    """Read a time; a date alone is its first instant, a time without a zone is UTC.

    Raises: ValueError if it is neither.
    """
    try:
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{value!r} is not a time such as 2026-11-21 or 2026-11-21T10:00:00Z") from None


def parse_span(value: str, now: datetime) -> tuple[datetime, datetime]:
    """The time that `2026`, `2026-10`, `2026-10-05`, `yesterday`, `last month` or `2w` (ago) means: from, until.

    Raises: ValueError if it is none of these, nor a time of the day.
    """
    said = " ".join(value.lower().split())
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    month = today.replace(day=1)
    try:
        if re.fullmatch(r"\d{4}(-\d\d?)?", said):
            year, _, number = said.partition("-")
            start = datetime(int(year), int(number or 1), 1, tzinfo=UTC)
            return start, _later(start, 1 if number else 12)
        ago = re.fullmatch(r"(\d{1,4}) ?(h|d|w|m|y)[a-z]*( ago)?", said)
        if ago:
            count, unit = int(ago[1]), ago[2]
            hours = {"h": 1, "d": 24, "w": 168}.get(unit)
            start = now - timedelta(hours=count * hours) if hours else _later(now, -count * (12 if unit == "y" else 1))
            return start, start
    except (ValueError, OverflowError):
        raise ValueError(f"{value!r} is not a time") from None
    week = today - timedelta(days=today.weekday())
    spans = {
        "now": (now, now),
        "today": (today, today + timedelta(days=1)),
        "yesterday": (today - timedelta(days=1), today),
        "this week": (week, week + timedelta(days=7)),
        "last week": (week - timedelta(days=7), week),
        "this month": (month, _later(month, 1)),
        "last month": (_later(month, -1), month),
        "this year": (month.replace(month=1), _later(month.replace(month=1), 12)),
        "last year": (_later(month.replace(month=1), -12), month.replace(month=1)),
    }
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    if said.removeprefix("last ") in days:
        passed = (today.weekday() - days.index(said.removeprefix("last "))) % 7 or 7
        return today - timedelta(days=passed), today - timedelta(days=passed - 1)
    if said in spans:
        return spans[said]
    try:
        start = parse_time(value)
    except ValueError:
        raise ValueError(
            f"{value!r} is not a time such as 2026-11-21, 2026-10, yesterday, 'last month' or 2w"
        ) from None
    return start, start + timedelta(days=1) if len(said) == 10 else start


def _later(moment: datetime, months: int) -> datetime:
    """The same day so many months later, or the last one that the month has."""
    count = moment.year * 12 + moment.month - 1 + months
    last = (datetime(count // 12 + count % 12 // 11, (count + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return moment.replace(year=count // 12, month=count % 12 + 1, day=min(moment.day, last))


def to_record(belief: Belief) -> dict[str, Any]:
    """The belief as a `mem.belief/1` object, every key present, in the order of the design."""

    def moment(value: datetime | None) -> str | None:
        return None if value is None else time_text(value)

    return {
        "schema": SCHEMA,
        "id": belief.id,
        "type": belief.type,
        "name": belief.name,
        "aliases": [alias_record(entry) for entry in belief.aliases],
        "content": belief.content,
        "why": belief.why,
        "scope": belief.scope,
        "status": belief.status,
        "review": belief.review,
        "confidence": belief.confidence,
        "pinned": belief.pinned,
        "archived": belief.archived,
        "superseded_by": belief.superseded_by,
        "participants": list(belief.participants),
        "relation": belief.relation,
        "valid_from": moment(belief.valid_from),
        "valid_until": moment(belief.valid_until),
        "created": time_text(belief.created),
        "updated": time_text(belief.updated),
        "confirmed": moment(belief.confirmed),
        "stability": belief.stability,
        "provenance": {"source": belief.source, "session": belief.session, "at": time_text(belief.at)},
    }


def alias_record(entry: Alias) -> str | dict[str, Any]:
    """A plain string for an alias with nothing to say but its text, an object otherwise."""
    if entry == alias(entry.text):
        return entry.text
    record: dict[str, Any] = {"text": entry.text}
    if entry.weight != ALIAS_WEIGHTS[entry.origin]:
        record["weight"] = entry.weight
    return record | ({"origin": entry.origin} if entry.origin != "given" else {})


def from_record(record: Mapping[str, Any], *, id: str, now: datetime, source: str) -> Belief:
    """The belief that a `mem.belief/1` object describes; what is absent or null is derived or defaulted.

    `id`, `now` and `source` stand in for what the record does not say.
    Raises: ValueError naming the key that is wrong.
    """
    unknown = [key for key in record if key not in _KEYS]
    if unknown:
        raise ValueError(f"unknown key {', '.join(map(repr, unknown))}")
    if (record.get("schema") or SCHEMA) != SCHEMA:
        raise ValueError(f"schema is {record['schema']!r}, not {SCHEMA!r}")
    content = _string(record, "content")
    type_ = _string(record, "type")
    scope = _string(record, "scope")
    if content is None or type_ is None or scope is None:
        missing = [key for key in ("type", "content", "scope") if record.get(key) is None]
        raise ValueError(f"{missing[0]} is missing")
    complaint = text.fault(content)
    if complaint:
        raise ValueError(f"content {complaint}")
    provenance = {} if record.get("provenance") is None else record["provenance"]
    if not isinstance(provenance, Mapping) or not provenance.keys() <= {"source", "session", "at"}:
        raise ValueError("provenance must be an object of source, session and at")
    name = _string(record, "name")
    aliases = record.get("aliases")
    created = _moment(record, "created") or now
    return check(
        Belief(
            id=id if record.get("id") is None else _string(record, "id") or "",
            type=type_,
            name=derived_name(content) if name is None else name,
            content=content,
            scope=scope,
            aliases=derived_aliases(content) if aliases is None else _aliases(aliases),
            why=_string(record, "why"),
            status="active" if record.get("status") is None else _string(record, "status") or "",
            review="approved" if record.get("review") is None else _string(record, "review") or "",
            confidence=_number(record, "confidence", DEFAULT_CONFIDENCE),
            pinned=_flag(record, "pinned"),
            archived=_flag(record, "archived"),
            superseded_by=_string(record, "superseded_by"),
            participants=_strings(record, "participants"),
            relation=_string(record, "relation"),
            valid_from=_moment(record, "valid_from"),
            valid_until=_moment(record, "valid_until"),
            created=created,
            updated=_moment(record, "updated") or created,
            confirmed=_moment(record, "confirmed"),
            stability=_number(record, "stability", INITIAL_STABILITY.get(type_, 0.0)),
            source=source if provenance.get("source") is None else _string(provenance, "source") or "",
            session=_string(provenance, "session"),
            at=_moment(provenance, "at") or created,
        )
    )


def check(belief: Belief) -> Belief:
    """The belief itself, if every field is one that a belief can have.

    Raises: ValueError naming the field that is not.
    """
    for field, value, allowed in (
        ("type", belief.type, TYPES),
        ("status", belief.status, STATUSES),
        ("review", belief.review, REVIEWS),
    ):
        if value not in allowed:
            raise ValueError(f"{field} is {value!r}, not one of {', '.join(allowed)}")
    try:
        scopes.parse(belief.scope)
    except UsageMistake as error:
        raise ValueError(error.message) from None
    for field, reference in [("id", belief.id), ("superseded_by", belief.superseded_by)] + [
        ("participants", participant) for participant in belief.participants
    ]:
        if reference is not None and not is_id(reference):
            raise ValueError(f"{field} is {reference!r}, which is not an id")
    if not 0 <= belief.confidence <= 1:
        raise ValueError(f"confidence is {belief.confidence}, not between 0 and 1")
    if not 0 < belief.stability < float("inf"):
        raise ValueError(f"stability is {belief.stability}, not a positive number of days")
    if belief.valid_from and belief.valid_until and belief.valid_until < belief.valid_from:
        raise ValueError("valid_until is before valid_from")
    if not belief.content.strip():
        raise ValueError("content is empty")
    if len(belief.aliases) > MAX_ALIASES:
        raise ValueError(f"aliases: {len(belief.aliases)} are too many, {MAX_ALIASES} are allowed")
    _check_line("name", belief.name)
    for entry in belief.aliases:
        _check_line("alias", entry.text)
        if not 0 < entry.weight <= 1000 or entry.origin not in ORIGINS:
            raise ValueError(f"alias {entry.text!r} has a weight or origin that no alias has")
    for field, line in (("relation", belief.relation), ("source", belief.source), ("session", belief.session)):
        if line is not None:
            _check_line(field, line, longest=1000)
    for field, long in (("content", belief.content), ("why", belief.why or "")):
        fault = text.fault(long)
        if fault:
            raise ValueError(f"{field} {fault}")
    return belief


def _check_line(field: str, value: str, longest: int = MAX_NAME) -> None:
    complaint = text.fault(value)
    if complaint:
        raise ValueError(f"{field} {complaint}")
    if not value.strip() or value != value.strip() or len(value.splitlines()) != 1 or len(value) > longest:
        raise ValueError(f"{field} {value[:40]!r} must be one line of 1 to {longest} characters, without outer blanks")


def _string(record: Mapping[str, Any], key: str) -> str | None:
    value = record.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} must be text, not {value!r}")
    return value


def _strings(record: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = [] if record.get(key) is None else record[key]
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise ValueError(f"{key} must be a list of texts")
    return tuple(value)


def _number(record: Mapping[str, Any], key: str, default: float) -> float:
    value = record.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{key} must be a number, not {value!r}")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{key} is too large a number") from None


def _flag(record: Mapping[str, Any], key: str) -> bool:
    value = record.get(key)
    if value is not None and not isinstance(value, bool):
        raise ValueError(f"{key} must be true or false, not {value!r}")
    return bool(value)


def _moment(record: Mapping[str, Any], key: str) -> datetime | None:
    value = _string(record, key)
    try:
        return None if value is None else parse_time(value)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _aliases(value: Any) -> tuple[Alias, ...]:
    if not isinstance(value, list):
        raise ValueError("aliases must be a list")
    found: dict[str, Alias] = {}
    for entry in value:
        if isinstance(entry, str):
            entry = {"text": entry}
        if not isinstance(entry, Mapping) or not entry.keys() <= {"text", "weight", "origin"}:
            raise ValueError("an alias must be a text, or an object of text, weight and origin")
        surface = _string(entry, "text")
        origin = _string(entry, "origin") or "given"
        if surface is None or origin not in ORIGINS:
            raise ValueError("an alias must have a text, and an origin of given, derived or learned")
        found.setdefault(surface, Alias(surface, _number(entry, "weight", ALIAS_WEIGHTS[origin]), origin))
    return tuple(found.values())


_STATING = ("preference", "decision", "fact")


def rivals(new: Belief, old: Belief) -> str | None:
    """What two beliefs of one scope cannot both have, or None if they get along.

    That is a given alias, in one type; or something that one statement rejects and the other affirms.
    """
    if new.id == old.id or new.scope != old.scope or new.content == old.content:
        return None
    if new.type == old.type:
        mine, theirs = (
            {text.fold(one.text): one.text for one in b.aliases if one.origin == "given"} for b in (new, old)
        )
        for surfaces, claimed in ((mine, {*theirs, text.fold(old.name)}), (theirs, {text.fold(new.name)})):
            for folded, surface in surfaces.items():
                if folded in claimed:
                    return surface
    if new.type in _STATING and old.type in _STATING:
        from mem import stance  # only what contests loads it

        later, earlier = (old, new) if old.at > new.at else (new, old)
        return stance.disagreement(later.content, earlier.content)
    return None
