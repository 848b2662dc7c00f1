"""Bringing tree and store together: what each side changed since both agreed, what follows, and its being done.

`plan` decides and touches nothing; the store takes its part in one transaction (`writing`), with an outbox of the
pages that must follow; `deliver` writes those, and whoever comes next after a crash finishes it. A page that a person
changed is never written over: what it says is taken in first, and where both sides say something else the page stays.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from mem import git, tree
from mem.belief import PLURALS, Alias, Belief
from mem.config import Home
from mem.errors import Problem, TreeProblem
from mem.record import Any, NamedTuple
from mem.store import Held, Page, Store, folded, unusable
from mem.text import secret

BY_HAND = "was changed by hand"
CHANGED_BY_HAND = f"{BY_HAND} since mem wrote it"
UNNAMED = ""
"""Stands for the id of a page that gives none."""
MOST_GONE, LEAST_GONE, SHARE_GONE = 50, 5, 0.1
"""Pages of one scope that may vanish at once and be taken for deleted: a tenth, but at least 5 and at most 50."""
COMMITTED = "committed"
"""Why a page is taken in that git brought."""
FOREIGN, REFUSED, GONE = "foreign", "refused", "gone"
"""Why a page is held that somebody else wrote: until a decision, or because that was no."""
DISPLACED_SECONDS = 86_400
"""How long text is kept that had to make room."""


class Agreed(NamedTuple):
    """The base of one belief: its page when both sides last agreed."""

    page: Page
    scope: str
    belief: Belief | None
    """What that page said; None where it is not known any more, or nothing differs."""


class Sheet(NamedTuple):
    """A page as it is on the disk."""

    page: Page
    """Its `id` is that of the page which was agreed on at this path, or else what it says."""
    text: bytes
    """Empty if nothing changed."""
    said: Belief | Problem | None
    """None if it is as agreed on; the id is UNNAMED for a page that gives none."""


class Stored(NamedTuple):
    """A belief as the store has it."""

    belief: Belief
    waits: bool
    """Its page is decided on, and not yet in place."""
    place: str | None
    """Where that page shall be; None for no page."""


class Change(NamedTuple):
    """What follows for one page."""

    act: str
    """`take` a page in, `follow` it to another place, note that both `agree`, `retire` a belief whose page was deleted,
    `drop` the page of one that was retired before, `write` a page, `hold` one until a decision, `propose` what somebody
    else wrote, `wait` for the decision on that, or leave a `fault`."""
    id: str
    path: str
    words: str
    """What is told of it; empty for what nobody needs to know."""
    belief: Belief | None = None
    """What the store shall hold."""
    other: Belief | None = None
    """What the store held and the page contradicts: recorded beside it, contested."""
    sheet: Sheet | None = None
    kind: str = ""
    """Why it is held, or taken."""
    author: str = ""
    """Who proposes it."""

    @property
    def state(self) -> str:
        """The hash of the page as it is; empty for one that is gone."""
        return self.sheet.page.hash if self.sheet is not None else ""

    @property
    def problem(self) -> Problem | None:
        """What a person must decide or mend."""
        fault = self.sheet.said if self.sheet is not None else None
        if self.act == "fault" and isinstance(fault, Problem):
            return fault
        return Problem(self.path, 0, self.words) if self.act in ("hold", "fault") else None


# -- deciding ---------------------------------------------------------------------------------------


def plan(
    base: Mapping[str, Agreed],
    sheets: Sequence[Sheet],
    store: Mapping[str, Stored],
    *,
    accept_moves: bool = False,
    accept_deletions: bool = False,
    gone: Collection[str] = (),
) -> list[Change]:
    """What follows from what each side changed since both agreed; pure.

    Ids whose pages are `gone` since an earlier look, and whose deletion waits, go on waiting until it is accepted.
    `base` is by id; `store` need hold only the beliefs whose page differs or waits. The cases, page against store:

    | page \\ store          | unchanged            | changed                                  | no such belief    |
    |------------------------|----------------------|------------------------------------------|-------------------|
    | unchanged              | nothing              | write                                    | -                 |
    | changed                | take                 | merge by field; same field: page stands, | -                 |
    |                        |                      | the other side is recorded and contested |                   |
    | changed to the same    | -                    | agrees                                   | -                 |
    | deleted                | retire (or the brake)| write: an edit beats a deletion          | -                 |
    | moved in its scope     | follow               | follow and write                         | -                 |
    | moved to another scope | hold, until accepted | hold                                     | -                 |
    | at two paths           | hold both            | hold both                                | hold both         |
    | damaged                | leave; last version  | leave; what is to be written waits       | leave             |
    | new, with an id        | -                    | take (it was pending, or had no page)    | take              |
    | new, without           | -                    | -                                        | take, with an id  |
    """
    at = {agreed.page.path: id_ for id_, agreed in base.items()}
    claims: dict[str, list[Sheet]] = {}
    changes: list[Change] = []
    damaged: set[str] = set()
    for sheet in sheets:
        if isinstance(sheet.said, Problem):
            damaged.add(at.get(sheet.page.path, ""))
            changes.append(Change("fault", at.get(sheet.page.path, ""), sheet.page.path, "", sheet=sheet))
        elif sheet.said is not None and sheet.said.id == UNNAMED:
            changes.append(_take(sheet, sheet.said, None, None))
        else:
            claims.setdefault(sheet.page.id, []).append(sheet)
    for id_ in dict.fromkeys((*base, *claims, *store)):
        if len(claims.get(id_, ())) > 1:
            changes += _twins(id_, claims[id_])
        elif id_ in claims:
            changes += _present(claims[id_][0], base.get(id_), store.get(id_), accept_moves)
        elif id_ not in damaged:
            changes += _absent(id_, base.get(id_), store.get(id_))
    changes.sort(key=lambda change: change.path)
    return changes if accept_deletions else _braked(changes, base, gone)


def holds(changes: Iterable[Change]) -> list[Held]:
    """The pages that wait for a decision."""
    return [Held(one.path, one.id, one.state, one.kind) for one in changes if one.act in ("propose", "wait", "hold")]


def proposed(
    changes: Iterable[Change], authors: Mapping[str, str], held: Iterable[Held], waiting: Collection[str]
) -> list[Change]:
    """The changes of `plan`, where what somebody else committed is proposed and not taken in; pure.

    `authors` is by path. A page that waits for a decision, or was refused, goes on doing so while it is as it was. The
    beliefs that proposals are `waiting` for are given by id: without its proposal, which was undone, a page is proposed
    anew.
    """
    known = {(one.path, one.hash): one for one in held if one.kind in (FOREIGN, REFUSED)}
    found = []
    for change in changes:
        before = known.get((change.path, change.state))
        if change.act not in ("take", "retire"):
            found.append(change)
        elif before is not None and (before.kind == REFUSED or before.id in waiting):
            found.append(change._replace(act="wait", id=before.id, kind=before.kind, words=""))
        elif before is not None or change.path in authors:
            author = authors.get(change.path, "another author")
            act = "deleted" if change.sheet is None else "written"
            words = f"was {act} by {author}; mem review decides"
            found.append(change._replace(act="propose", kind=FOREIGN, words=words, author=author))
        else:
            found.append(change)
    return found


def awaited(store: Store) -> set[str]:
    """Beliefs that something which waits for approval is about, itself or another one."""
    everything = store.everything()
    targets = {proposal.target for proposal in everything.proposals().values()}
    return targets | {belief.id for belief in everything.beliefs("review = 'pending'")}


def committed(changes: Iterable[Change], paths: Collection[str]) -> list[Change]:
    """The changes, where pages that git brought say so; pure.

    Whoever made such a change has noted when, or will: two machines that both did would never agree on it.
    """
    return [
        change._replace(kind=COMMITTED, words=change.words.replace(BY_HAND, "was changed by a commit"))
        if change.act == "take" and change.path in paths
        else change
        for change in changes
    ]


def _twins(id: str, sheets: Sequence[Sheet]) -> Iterator[Change]:
    """One id at two paths: a copy, or a move that a merge did by halves. Which one is meant only a person knows."""
    for sheet in sheets:
        others = ", ".join(other.page.path for other in sheets if other is not sheet)
        words = f"its id {id} is in {others} too; neither counts until one goes, or loses its id line"
        yield Change("hold", id, sheet.page.path, words, sheet=sheet, kind="twin")


def _absent(id: str, agreed: Agreed | None, stored: Stored | None) -> Iterator[Change]:
    """No page has this id."""
    if stored is None:
        return
    if stored.waits:  # new in the store; or a person deleted the page of what was edited meanwhile: the edit stands
        if stored.place is not None:
            yield Change("write", id, stored.place, "", stored.belief)
    elif agreed is not None and not stored.belief.live and agreed.page.path.startswith("archive/"):
        yield Change("drop", id, agreed.page.path, "was deleted; what it said is kept in the database", stored.belief)
    elif agreed is not None:  # a person deleted it; that can be taken back
        words = f"was deleted, so {stored.belief.name} ({id}) is retracted; mem restore {id} brings it back"
        retired = stored.belief._replace(status="retracted") if stored.belief.live else stored.belief
        yield Change("retire", id, agreed.page.path, words, retired)


def _present(sheet: Sheet, agreed: Agreed | None, stored: Stored | None, accept_moves: bool) -> Iterator[Change]:
    """One page has this id."""
    path, said = sheet.page.path, sheet.said
    assert not isinstance(said, Problem), "those are left where they are"
    if said is None:  # untouched; what the store changed follows
        if stored is not None and stored.waits and stored.place is not None:
            yield Change("write", sheet.page.id, stored.place, "", stored.belief)
        elif agreed is not None and agreed.page != sheet.page:
            yield Change("agree", sheet.page.id, path, "", sheet=sheet)
        return
    place = tree.place_of(path)
    assert place is not None, "a page in no place is a problem"
    if said.scope != place.scope:
        if not accept_moves or agreed is None:
            words = f"its scope {said.scope} is not that of its folder, {place.scope}"
            words += "; mem sync --accept-moves moves it there" if agreed is not None else ""
            yield Change("hold", said.id, path, words, sheet=sheet, kind="move")
            return
        said = said._replace(scope=place.scope if said.scope == agreed.scope else said.scope)
    if agreed is not None and agreed.page.path != path:
        said = _filed(said, place.archived)
    if agreed is not None and said == agreed.belief and stored is not None:
        yield _followed(sheet, agreed, stored)
    else:
        yield _take(sheet, said, agreed, stored)


def _filed(said: Belief, archived: bool) -> Belief:
    """What moving a page into the archive by hand means, and moving it out."""
    if archived:
        return said._replace(archived=said.archived or said.live)
    status, by = (said.status, said.superseded_by) if said.live else ("active", None)
    return said._replace(archived=False, status=status, superseded_by=by)


def _followed(sheet: Sheet, agreed: Agreed, stored: Stored) -> Change:
    """The page says what it said, though perhaps in other bytes or at another place."""
    if sheet.page.path == agreed.page.path:
        return Change("agree", sheet.page.id, sheet.page.path, "", sheet=sheet)
    return Change("follow", sheet.page.id, sheet.page.path, f"was {agreed.page.path}", stored.belief, sheet=sheet)


def _take(sheet: Sheet, said: Belief, agreed: Agreed | None, stored: Stored | None) -> Change:
    """The page says something new."""
    path = sheet.page.path
    if stored is not None and tree.owned(stored.belief) == said:  # both sides say the same
        return Change("agree", said.id, path, "", sheet=sheet)
    if agreed is None or stored is None:
        return Change("take", said.id, path, "is new" if stored is None else "has a page again", said, sheet=sheet)
    known = agreed.belief or (None if stored.waits else tree.owned(stored.belief))
    merged, contradicted = merge(known, said, tree.owned(stored.belief))
    words = BY_HAND
    if said.scope != agreed.scope:
        words = f"was moved from {agreed.scope} to {said.scope}"
    elif path != agreed.page.path:
        words = f"was {agreed.page.path}, and {BY_HAND}"
    if contradicted:
        words += ", and so was the belief: the page stands, and mem conflicts shows the other side"
    return Change("take", said.id, path, words, merged, stored.belief if contradicted else None, sheet)


_SAYS = ("type", "name", "content", "why", "scope")
"""Fields in which two sides contradict each other; of the others the page's stands, and the history has both."""
_LATER = ("updated", "confirmed", "at")
_STORED = ("stability", "session", "review", "created")
"""Fields that no person writes: the store's, where both differ."""


def merge(base: Belief | None, page: Belief, store: Belief) -> tuple[Belief, bool]:
    """The belief of two sides that changed, field by field, and whether they contradict each other.

    A field that one side changed is that side's; of what both changed the page's stands. Without a base every field
    that differs was changed by both. An edit of the page beats a `forget` of the store.
    """
    values: dict[str, Any] = {}
    contradicted = False
    for field in Belief._fields:
        was, here, there = getattr(base, field, ...), getattr(page, field), getattr(store, field)
        if here == there or there == was:
            values[field] = here
        elif here == was:
            values[field] = there
        elif field == "aliases":
            values[field] = _merged_aliases(() if was is ... else was, here, there)
        elif field in _LATER:
            values[field] = max(filter(None, (here, there)))
        else:
            values[field] = there if field in _STORED else here
            contradicted = contradicted or field in _SAYS
    merged = Belief(**values)
    if base is not None and base.live and page not in (base, store) and merged.status == "retracted" != page.status:
        merged = merged._replace(status=base.status)
    return merged, contradicted


def _merged_aliases(was: Collection[Alias], here: Sequence[Alias], there: Sequence[Alias]) -> tuple[Alias, ...]:
    """What either side added is there, what either took away is gone; of one that both changed, the page's."""
    old, mine, theirs = ({one.text: one for one in aliases} for aliases in (was, here, there))
    kept = [
        one if one != old.get(text) else theirs.get(text, one)
        for text, one in mine.items()
        if text in theirs or one != old.get(text)
    ]
    return (*kept, *(one for text, one in theirs.items() if text not in mine and one != old.get(text)))


def _braked(changes: list[Change], base: Mapping[str, Agreed], waiting: Collection[str]) -> list[Change]:
    """Nothing is deleted where too much vanished at once: a folder that is not mounted looks like that, too."""
    gone = Counter(_scope_of(change, base) for change in changes if change.act == "retire")
    pages = Counter(agreed.scope for agreed in base.values() if not agreed.page.path.startswith("archive/"))
    everywhere = _too_many(gone.total(), pages.total())
    braked = {scope for scope, count in gone.items() if everywhere or _too_many(count, pages[scope])}
    return [
        change._replace(act="hold", kind=GONE, words=_missing(change, gone, base))
        if change.act == "retire" and (_scope_of(change, base) in braked or change.id in waiting)
        else change
        for change in changes
    ]


def _too_many(gone: int, pages: int) -> bool:
    return 1 < gone == pages or gone > min(MOST_GONE, max(LEAST_GONE, pages * SHARE_GONE))


def _scope_of(change: Change, base: Mapping[str, Agreed]) -> str:
    return base[change.id].scope


def _missing(change: Change, gone: Counter[str], base: Mapping[str, Agreed]) -> str:
    scope = _scope_of(change, base)
    return f"is gone, with {gone[scope]} pages of {scope} in all; withheld until mem sync --accept-deletions"


# -- looking ----------------------------------------------------------------------------------------


def waits(home: Home, store: Store) -> str | None:
    """Why the tree is not what mem's pages are compared with now, or None if it is.

    The branch is recorded where it was not known, or where that one is gone.
    """
    known = store.meta("seal")
    state = git.settled(home.path, known)
    if state.seal != known:
        store.note("seal", state.seal)
    if state.busy is not None:
        return f"a {state.busy} is in progress in the memory folder"
    seen = store.meta("branch")
    if state.branch == seen or not os.path.lexists(os.path.join(home.path, ".git")):
        return None
    if seen is not None and git.has_branch(home.path, seen):
        here = f"on the git branch {state.branch}" if state.branch else "on no git branch"
        return f"the memory folder is {here}, and mem keeps its pages on {seen}"
    if state.branch is not None:
        store.note("branch", state.branch)
    return None


def look(
    home: Home, store: Store, now: datetime, *, only: Collection[str] | None = None
) -> tuple[dict[str, Agreed], list[Sheet], dict[str, Stored]]:
    """The three sides of `plan`; with `only`, what was changed in the pages of these beliefs, and nothing else."""
    known = {page.path: (page, scope) for page, scope in store.agreed(only)}
    paths = known.keys() if only is not None else {*known, *_pages_on_disk(home)}
    found = [sheet for path in sorted(paths) if (sheet := _sheet(home, path, known.get(path), now)) is not None]
    sheets = _without_clashes(found, known)
    outbox = dict(store.outbox())
    if only is not None:
        held = {one.id for one in store.held() if one.kind == "twin"}
        sheets = [sheet for sheet in sheets if sheet.said is not None and sheet.page.id not in held]
        known = {path: one for path, one in known.items() if path in {sheet.page.path for sheet in sheets}}
        outbox = {id_: path for id_, path in outbox.items() if id_ in {page.id for page, _ in known.values()}}
    as_agreed = {sheet.page.id for sheet in sheets if sheet.said is None}
    differ = ({page.id for page, _ in known.values()} | {sheet.page.id for sheet in sheets}) - as_agreed
    beliefs = store.everything().by_id(differ | outbox.keys())
    stored = {id_: Stored(one, id_ in outbox, outbox.get(id_)) for id_, one in beliefs.items()}
    base = {page.id: Agreed(page, scope, _said(store, page, stored.get(page.id))) for page, scope in known.values()}
    return base, sheets, stored


def _without_clashes(sheets: Sequence[Sheet], known: Collection[str]) -> list[Sheet]:
    """New pages whose path some file systems cannot tell from another one's are problems."""
    first: dict[str, str] = {}
    for sheet in sorted(sheets, key=lambda sheet: sheet.page.path not in known):
        first.setdefault(folded(sheet.page.path), sheet.page.path)
    found = []
    for sheet in sheets:
        other = first[folded(sheet.page.path)]
        if other != sheet.page.path and not isinstance(sheet.said, Problem):
            words = f"differs from {other} in case or Unicode form alone, which some file systems cannot hold"
            sheet = sheet._replace(said=Problem(sheet.page.path, 0, words))
        found.append(sheet)
    return found


def _said(store: Store, page: Page, stored: Stored | None) -> Belief | None:
    """What a page said when both sides agreed, where something differs now."""
    text = store.base(page.id) if stored is not None else None
    if stored is not None and text is None and not stored.waits:
        return tree.owned(stored.belief)
    said = tree.parse(page.path, text, now=stored.belief.created) if text is not None and stored is not None else None
    return said if isinstance(said, Belief) else None


def _sheet(home: Home, path: str, agreed: tuple[Page, str] | None, now: datetime) -> Sheet | None:
    """A page as it is on the disk, read if it looks touched; None if it is gone."""
    place = os.path.join(home.path, path)
    known = agreed[0] if agreed is not None else None
    try:
        status = os.lstat(place)
        if known is not None and (status.st_mtime_ns, status.st_size) == (known.mtime, known.size):
            return Sheet(known, b"", None)
        text = tree.read(place)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return Sheet(Page("", path, "", 0, 0), b"", Problem(path, 0, f"cannot be read: {error.strerror}"))
    if text is None:
        return None if known is None else Sheet(Page("", path, "", 0, 0), b"", Problem(path, 0, "is not a file"))
    seen = Page(known.id if known else "", path, tree.digest(text), status.st_mtime_ns, status.st_size)
    if known is not None and seen.hash == known.hash:
        return Sheet(seen, b"", None)
    said = _read(path, text, known, now)
    return Sheet(seen if isinstance(said, Problem) else seen._replace(id=said.id), text, said)


def _read(path: str, text: bytes, known: Page | None, now: datetime) -> Belief | Problem:
    """What a page says; what it leaves out of id, type and scope is that of its place."""
    place, fault = tree.place_of(path), tree.misnamed(path)
    if known is None and fault is not None:
        return Problem(path.encode("utf-8", "backslashreplace").decode(), 0, fault)
    if place is None:
        return Problem(path, 0, "its folder is that of no scope")
    standing_in = tree.standing_in(place, known.id if known else UNNAMED, now)
    return tree.parse(path, text, now=now, standing_in=standing_in)


def read_pages(home: Home, now: datetime) -> tuple[list[tuple[Belief, Sheet]], list[Problem]]:
    """The beliefs that the pages on disk hold, and what is wrong with the others; ids that occur twice are left."""
    sheets = [sheet for path in _pages_on_disk(home) if (sheet := _sheet(home, path, None, now)) is not None]
    problems = [sheet.said for sheet in sheets if isinstance(sheet.said, Problem)]
    found = []
    for change in plan({}, sheets, {}):
        if change.problem is not None and change.act == "hold":
            problems.append(change.problem)
        elif change.act == "take" and change.id != UNNAMED and change.belief is not None and change.sheet is not None:
            found.append((change.belief, change.sheet))
    return found, problems


def _pages_on_disk(home: Home) -> list[str]:
    """Paths of all files in the places where pages are, below the memory folder."""
    plurals = set(PLURALS.values())
    found = []
    for folder, inner, files in os.walk(home.path):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        if os.path.basename(folder) in plurals:
            below = os.path.relpath(folder, home.path)
            found += [f"{below}/{name}" for name in files if name.endswith(".md") and not name.startswith(".")]
    return sorted(found)


# -- writing pages ----------------------------------------------------------------------------------


def require_untouched(home: Home, store: Store, ids: Iterable[str]) -> None:
    """Make sure that the pages of these beliefs hold what mem wrote, before an undo gives them another text.

    Raises: TreeProblem naming the first one that does not. A page that is gone may be written anew.
    """
    for id_ in ids:
        page = store.page_of(id_)  # wherever it is: an undo may have taken its scope away by now
        data = tree.read(os.path.join(home.path, page.path)) if page is not None else None
        if page is not None and data is not None and tree.digest(data) != page.hash:
            raise TreeProblem(
                f"{page.path} {CHANGED_BY_HAND}; nothing was undone",
                "mem sync takes your words in, and is then what mem undo would undo first",
            )


def page_text(store: Store, belief: Belief) -> bytes:
    """The page of a belief: the one that both sides agreed on, changed where it must, or a new one.

    Raises: ValueError if there is no such page.
    """
    base = store.base(belief.id)
    return tree.render(belief) if base is None else tree.revise(base, belief)


def free_path(home: Home, store: Store, belief_id: str, preferred: str, current: str | None) -> str:
    """The path for a page: the preferred one, or a variant of it while another page has that place.

    A page that already has one of the variants keeps it.
    """
    stem = preferred.removesuffix(".md")
    variants = (preferred, f"{stem}--{belief_id[:4]}.md", f"{stem}--{belief_id}.md")
    for path in (current,) if current in variants else variants:
        if path == current:
            return path
        owner = store.page_at(path)
        if owner in (belief_id, None) and not os.path.lexists(os.path.join(home.path, path)):
            return path
    raise TreeProblem(f"{preferred} and its variants are taken by files that mem did not write", "mem doctor")


def deliver(home: Home, store: Store, made: Mapping[str, bytes] | None = None) -> list[Problem]:
    """Write and remove the pages of the outbox, durably, then clear it. The lock must be held.

    `made` holds pages, by id, that were made already.

    Returns the pages that were left because a person changed them, or must decide; they stay in the outbox.
    Raises: StoreUnusable if a page cannot be written; the belief is stored, and the page follows later.
    """
    outbox = store.outbox()
    if not outbox:
        return []
    reason = waits(home, store)
    if reason is not None:
        return [Problem(path or id_, 0, f"waits in the database, for {reason}") for id_, path in outbox]
    written: list[tuple[Page, int, bytes]] = []
    touched: list[str] = []
    problems: list[Problem] = []
    kept = {one.id for one in store.held() if one.kind != GONE}  # what is changed since is written again
    for write in (False, True):  # what moves makes room before anything takes its place
        for id_, path in outbox:
            old = store.page_of(id_)
            shown = path or (old.path if old else id_)
            try:
                if write and path is not None and id_ not in kept:
                    written.append(_write(home, store, id_, path, old, (made or {}).get(id_)))
                    touched.append(os.path.join(home.path, written[-1][0].path))
                elif not write and old is not None and old.path != path and id_ not in kept:
                    touched.append(os.path.join(home.path, old.path))
                    tree.take_away(touched[-1], old.hash, home.local)
            except (tree.Changed, ValueError) as error:
                kept.add(id_)
                words = str(error) if isinstance(error, ValueError) else CHANGED_BY_HAND
                problems.append(
                    Problem(shown, 0, f"{words}; it was kept as it is, and the change waits in the database")
                )
            except OSError as error:
                fault = unusable(error, os.path.join(home.path, shown))
                fault.message += "; the belief is stored, and its page follows with the next mem command that writes"
                raise fault from error
    gone = [id_ for id_, path in outbox if path is None and (id_ not in kept or store.page_of(id_) is None)]
    tree.sync_folders(home.path, touched)
    store.settle(written, gone)
    return problems


def _write(
    home: Home, store: Store, id_: str, path: str, old: Page | None, data: bytes | None
) -> tuple[Page, int, bytes]:
    everything = store.everything()
    belief = everything.belief(id_)
    data = data or page_text(store, belief)
    expected = old.hash if old is not None and old.path == path else None
    try:
        placed = tree.place(os.path.join(home.path, path), data, expected, home.local)
    except tree.Changed:
        if expected is not None or _carries(_readable(os.path.join(home.path, path)), id_):
            raise
        path = free_path(home, store, id_, tree.page_path(belief), None)  # a person's file has that place
        placed = tree.place(os.path.join(home.path, path), data, None, home.local)
    (number,) = everything.one("SELECT n FROM scope WHERE path = ?", belief.scope)
    return Page(id_, path, *placed), number, data


# -- what git is given ------------------------------------------------------------------------------

Told = tuple[Belief | None, Belief | None]
"""A belief in the last commit and now; None where it has no page."""


def to_commit(
    home: Home, store: Store, changed: Mapping[str, bytes | None], now: datetime
) -> tuple[list[str], list[Told], list[Problem]]:
    """Which of the paths that differ from the last commit both sides agree on, what that is, and what holds a secret.

    `changed` has what the last commit says. Pages that wait for something, and files that are not mem's, are left.
    """
    pages = {page.path: page for page in store.everything().pages()}
    chosen, problems = [], []
    for path, before in changed.items():
        place, page = os.path.join(home.path, path), pages.get(path)
        if page is None:
            if before is not None and path.endswith(".md") and tree.place_of(path) and not os.path.lexists(place):
                chosen.append(path)
        elif tree.digest(data := _readable(place)) == page.hash:
            found = secrets({path: data}, f" (mem edit {page.id}, or mem purge {page.id})")
            problems += found
            chosen += [] if found else [path]
    own = [path for path in (".gitignore", ".mem/format") if path in changed and changed[path] is None]
    faults = secrets({path: _readable(os.path.join(home.path, path)) for path in own})
    problems += faults
    own = [path for path in own if path not in {fault.path for fault in faults}]
    was = [tree.parse(path, changed[path] or b"", now=now) for path in chosen]
    old = {belief.id: belief for belief in was if isinstance(belief, Belief)}
    new = store.everything().by_id(pages[path].id for path in chosen if path in pages)
    return [*chosen, *own], [(old.get(id_), new.get(id_)) for id_ in {**old, **new}], problems


def secrets(pages: Mapping[str, bytes], cure: str = " (take it out of the file)") -> list[Problem]:
    """Pages, by path, that hold what nobody should see, with how that is mended."""
    found = ((path, secret(data.decode("utf-8", "replace"))) for path, data in pages.items())
    return [Problem(path, one.line, f"holds {one.kind}, so it is not committed{cure}") for path, one in found if one]


def write_all(home: Home, store: Store) -> tuple[list[str], list[Problem]]:
    """Make every page say what the store says, whatever it says now; returns those written. The lock must be held.

    What stood there is kept as displaced text, and what is not mem's in a page that both sides agreed on stays.
    """
    everything = store.everything()
    known = {page.id: page for page in everything.pages()}
    # Nobody shall take a page for deleted if this is killed; the next command finishes it.
    store.promise([page for page in known.values() if not os.path.lexists(os.path.join(home.path, page.path))])
    numbers = {path: n for n, path in everything.rows("SELECT n, path FROM scope WHERE n :scopes")}
    held = {one.id for one in store.held() if one.kind != GONE}
    written: list[tuple[Page, int, bytes]] = []
    problems: list[Problem] = []
    for belief in everything.beliefs("review = 'approved'"):
        path = known[belief.id].path if belief.id in known else ""
        if belief.id in held:
            problems.append(Problem(path or belief.id, 0, "waits for a decision (mem sync, mem review)"))
            continue
        path = path or free_path(home, store, belief.id, tree.page_path(belief), None)
        try:
            data, there = page_text(store, belief), tree.read(os.path.join(home.path, path))
            if there != data:
                expected = tree.digest(there) if there is not None else None
                placed = tree.place(os.path.join(home.path, path), data, expected, home.local)
                written.append((Page(belief.id, path, *placed), numbers[belief.scope], data))
        except (tree.Changed, OSError, ValueError) as error:
            problems.append(Problem(path, 0, f"cannot be written ({getattr(error, 'strerror', None) or error})"))
    tree.sync_folders(home.path, [os.path.join(home.path, page.path) for page, _, _ in written])
    store.settle(written, [])
    return [page.path for page, _, _ in written], problems


# -- looking after ----------------------------------------------------------------------------------


def differences(home: Home, store: Store, now: datetime) -> list[Problem]:
    """Where the tree does not say what the store says: changed, missing, damaged and unknown pages."""
    everything = store.everything()
    problems = [Problem(path or id_, 0, "is decided but not yet in place") for id_, path in store.outbox()]
    reason = waits(home, store)
    if reason is not None:
        return [*problems, Problem(home.path, 0, f"{reason}; nothing is taken in or written meanwhile")]
    known = {page.path: page for page in everything.pages()}
    waiting = {id_ for id_, _ in store.outbox()}
    with_page = {page.id for page in known.values()} | waiting
    for belief in everything.beliefs():
        if belief.id not in with_page and belief.review == "approved" and belief.live:
            problems.append(Problem(belief.id, 0, f"the belief {belief.name} has no page"))
    for change in proposed(plan(*look(home, store, now)), {}, store.held(), awaited(store)):
        problems += _difference(change, change.path in known)
    return problems + _misread(home, store, known.values(), waiting) + _unverified(home)


def _difference(change: Change, known: bool) -> list[Problem]:
    """What a change that is still to be made looks like."""
    if change.problem is not None:
        return [change.problem]
    told = {"take": CHANGED_BY_HAND if known else "is not known to the database", "follow": change.words,
            "retire": "is gone; its belief is withheld", "drop": "is gone"}  # fmt: skip
    return [Problem(change.path, 0, told[change.act])] if change.act in told else []


def _misread(home: Home, store: Store, pages: Iterable[Page], waiting: Collection[str]) -> list[Problem]:
    """Pages that are as agreed on, and do not say what the store says."""
    beliefs = store.everything().by_id(page.id for page in pages if page.id not in waiting)
    found = []
    for page in pages:
        try:
            data = tree.read(os.path.join(home.path, page.path)) if page.id in beliefs else None
        except OSError:  # a link, or no file: told as a fault already
            continue
        if data is not None and tree.digest(data) == page.hash:
            belief = beliefs[page.id]
            if tree.parse(page.path, data, now=belief.created) != tree.owned(belief):
                found.append(Problem(page.path, 0, "does not say what the database says"))
    return found


def _unverified(home: Home) -> list[Problem]:
    """Displaced text that somebody wrote to after it had made room."""
    return [
        Problem(os.path.relpath(path, home.path), 0, "was written to after it had made room for a newer page; "
                "take from it what you need, then remove it")
        for path, sound, _ in tree.displaced(home.local)
        if not sound
    ]  # fmt: skip


def drop_displaced(home: Home, oldest: float) -> None:
    """Remove displaced text from before a time (a timestamp), unless it is not what was put there."""
    for path, sound, since in tree.displaced(home.local):
        if sound and since < oldest:
            os.unlink(path)


def erase_copies(home: Home, id: str) -> None:
    """Remove every page that carries an id, wherever it was moved, and what was displaced or left over of it.

    The lock must be held.
    """
    paths = [os.path.join(home.path, path) for path in _pages_on_disk(home)]
    paths += [path for path, _, _ in tree.displaced(home.local)]
    for path in paths:
        if _carries(_readable(path), id):
            tree.erase(path)


def _carries(page: bytes, id: str) -> bool:
    """Whether a page, damaged or not, has this id."""
    return re.search(rf"""(?m)^id:[ \t]*['"]?{re.escape(id)}['"]?[ \t]*(?:#.*)?\r?$""".encode(), page) is not None


def _readable(path: str) -> bytes:
    try:
        return tree.read(path) or b""
    except OSError:  # a link or a pipe: no page of mem's
        return b""
