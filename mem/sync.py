"""Bringing the tree to what the store has decided: checks before a write, pages after it, and in between.

The store commits first, with an outbox of the pages that must follow; whoever comes next after a crash
finishes the outbox. A page that a person changed is never written over.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from mem import tree
from mem.belief import PLURALS, Belief
from mem.config import Home
from mem.errors import Problem, TreeProblem
from mem.scope import parse
from mem.store import Page, Store, unusable

CHANGED_BY_HAND = "was changed by hand since mem wrote it"


def require_untouched(home: Home, store: Store, ids: Iterable[str]) -> None:
    """Make sure that the pages of these beliefs hold what mem wrote, before anything is decided.

    Raises: TreeProblem naming the first one that does not, or that holds lines which rewriting it would lose. A page
        that is gone may be written anew.
    """
    for id_ in ids:
        page = store.page_of(id_)  # wherever it is: an undo may have taken its scope away by now
        if page is None:
            continue
        data = tree.read(os.path.join(home.path, page.path))
        if data is not None and tree.digest(data) == page.hash and tree.foreign_lines(data):
            raise TreeProblem(
                f"{page.path}:{tree.foreign_lines(data)[0]}: mem would lose this line of yours; nothing was written",
                "move it below the heading",
            )
        if data is not None and tree.digest(data) != page.hash:
            raise TreeProblem(
                f"{page.path} {CHANGED_BY_HAND}; nothing was written",
                "move your version out of the memory folder, run the command again, "
                "then give your words with mem remember --name",
            )


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
        if owner == belief_id or (owner is None and not os.path.lexists(os.path.join(home.path, path))):
            return path
    raise TreeProblem(f"{preferred} and its variants are taken by files that mem did not write", "mem doctor")


def deliver(home: Home, store: Store, rendered: Mapping[str, bytes] | None = None) -> list[Problem]:
    """Write and remove the pages of the outbox, durably, then clear it. The lock must be held.

    `rendered` holds pages, by id, that were made already.

    Returns the pages that were left because a person changed them; they stay in the outbox.
    Raises: StoreUnusable if a page cannot be written; the belief is stored, and the page follows later.
    """
    outbox = store.outbox()
    if not outbox:
        return []
    written: list[tuple[Page, int]] = []
    touched: list[str] = []
    problems: list[Problem] = []
    kept: set[str] = set()
    for write in (False, True):  # what moves makes room before anything takes its place
        for id_, path in outbox:
            old = store.page_of(id_)
            shown = path or (old.path if old else id_)
            try:
                if write and path is not None and id_ not in kept:
                    written.append(_write(home, store, id_, path, old, (rendered or {}).get(id_)))
                    touched.append(os.path.join(home.path, path))
                elif not write and old is not None and old.path != path:
                    touched.append(os.path.join(home.path, old.path))
                    tree.take_away(touched[-1], old.hash)
            except tree.Changed:
                kept.add(id_)
                problems.append(Problem(shown, 0, CHANGED_BY_HAND))
            except OSError as error:
                fault = unusable(error, os.path.join(home.path, shown))
                fault.message += "; the belief is stored, and its page follows with the next mem command that writes"
                raise fault from error
    gone = [id_ for id_, path in outbox if path is None and id_ not in kept]
    tree.sync_folders(home.path, touched)
    store.settle(written, gone)
    return problems


def _write(home: Home, store: Store, id_: str, path: str, old: Page | None, data: bytes | None) -> tuple[Page, int]:
    everything = store.everything()
    belief = everything.belief(id_)
    expected = old.hash if old is not None and old.path == path else None
    place = os.path.join(home.path, path)
    placed = tree.place(place, data or tree.render(belief), expected, home.local)
    number = everything.rows("SELECT n FROM scope WHERE path = ?", belief.scope)[0][0]
    return Page(id_, path, *placed), number


def read_pages(home: Home, now: datetime) -> tuple[list[tuple[Belief, Page]], list[Problem]]:
    """The beliefs that the pages on disk hold, and what is wrong with the others; ids that occur twice are left."""
    found: list[tuple[Belief, Page]] = []
    problems: list[Problem] = []
    for path in _pages_on_disk(home):
        place = os.path.join(home.path, path)
        data = tree.read(place)
        parsed = tree.parse(path, data, now=now) if data is not None else Problem(path, 0, "is not a file")
        if isinstance(parsed, Problem):
            problems.append(parsed)
            continue
        status = os.stat(place)
        found.append((parsed, Page(parsed.id, path, tree.digest(data or b""), status.st_mtime_ns, status.st_size)))
    ids = Counter(belief.id for belief, _ in found)
    for belief, page in found:
        if ids[belief.id] > 1:
            problems.append(Problem(page.path, 0, f"the id {belief.id} is in another page too"))
        elif not page.path.removeprefix("archive/").startswith(f"{parse(belief.scope).folder}/"):
            problems.append(Problem(page.path, 0, f"its scope {belief.scope} is not that of its folder"))
    faulty = {problem.path for problem in problems}
    return [(belief, page) for belief, page in found if page.path not in faulty], problems


def differences(home: Home, store: Store) -> list[Problem]:
    """Where the tree does not say what the store says: changed, missing, damaged and unknown pages."""
    everything = store.everything()
    pages = {page.id: page for page in everything.pages()}
    problems = [Problem(path or id_, 0, "is decided but not yet in place") for id_, path in store.outbox()]
    for belief in everything.beliefs():
        page = pages.get(belief.id)
        if page is None and belief.review == "approved":
            problems.append(Problem(belief.id, 0, f"the belief {belief.name} has no page"))
        elif page is not None:
            problem = _difference(home, belief, page)
            if problem is not None:
                problems.append(problem)
    known = {page.path for page in pages.values()}
    problems += [Problem(path, 0, "is not known to the database") for path in _pages_on_disk(home) if path not in known]
    return problems


def _difference(home: Home, belief: Belief, page: Page) -> Problem | None:
    data = tree.read(os.path.join(home.path, page.path))
    if data is None:
        return Problem(page.path, 0, "is gone; its belief is withheld")
    if tree.digest(data) != page.hash:
        parsed = tree.parse(page.path, data, now=belief.created)
        return parsed if isinstance(parsed, Problem) else Problem(page.path, 0, CHANGED_BY_HAND)
    if tree.parse(page.path, data, now=belief.created) != tree.owned(belief):
        return Problem(page.path, 0, "does not say what the database says")
    return None


def erase_copies(home: Home, id: str) -> None:
    """Remove every page that carries an id, wherever it was moved, and what a killed write left over.

    The lock must be held.
    """
    for path in _pages_on_disk(home):
        place = os.path.join(home.path, path)
        if f"\nid: {id}\n".encode() in (tree.read(place) or b"").replace(b"\r\n", b"\n"):
            tree.erase(place)
    for name in os.listdir(home.local):
        if re.fullmatch(r"\d+\.[0-9a-f]{16}", name):
            tree.erase(os.path.join(home.local, name))


def _pages_on_disk(home: Home) -> list[str]:
    """Paths of all files in the places where pages are, below the memory folder."""
    plurals = set(PLURALS.values())
    found = []
    for folder, inner, files in os.walk(home.path):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        if os.path.basename(folder) in plurals:
            found += [os.path.relpath(os.path.join(folder, name), home.path) for name in files if name.endswith(".md")]
    return sorted(found)
