"""What can go wrong, told to a person: one sentence that names the thing, then what to type next."""

from __future__ import annotations

from collections.abc import Iterable

from mem.record import NamedTuple


class MemError(Exception):
    """A failure that the user can act on; `cli.main` is the only printer of it."""

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        """The next command to type, or None when there is nothing better than the sentence."""


def meant(typed: str, known: Iterable[str], otherwise: str) -> str:
    """A hint that names what may have been meant, closest first; `otherwise` where nothing is close."""
    from difflib import get_close_matches

    close = get_close_matches(typed, known, 3, 0.7)
    return f"did you mean {' or '.join(close)}?" if close else otherwise


class NothingFound(MemError):
    """A search or a look-up that was understood and has no answer."""

    exit_code = 1


class UsageMistake(MemError):
    """Something typed that does not name what it should: an option, an id, a scope, a text."""

    exit_code = 2


class NewPage(UsageMistake):
    """What was named is on a page that mem has not taken in yet."""

    def __init__(self, reference: str, path: str) -> None:
        super().__init__(f"{reference!r} is a new page, {path}", "mem sync takes it in")
        self.path = path


class TreeProblem(MemError):
    """A page stands in the way, or some of the given records could not be taken."""

    exit_code = 3


class GitProblem(TreeProblem):
    """Git could not do what was asked of it; the pages are as they were."""


class Refused(MemError):
    """Understood, possible, and against the rules."""

    exit_code = 4


class StoreUnusable(MemError):
    """The database or its folder cannot be used: damaged, newer, read-only, disk full."""

    exit_code = 5


class NewerStore(StoreUnusable):
    """The database was written by a newer mem; it is not touched, nor taken for a damaged one."""


class ModelUnusable(MemError):
    """An embedding model is missing, damaged or of a kind that cannot be run; words still work."""

    exit_code = 5


class Busy(MemError):
    """Another process held the lock for too long; nothing was written."""

    exit_code = 75


class Problem(NamedTuple):
    """A fault in a text that a person edits: a value, so that the rest is still read."""

    path: str
    """As shown to the user: relative to the memory folder, or the file that was named."""
    line: int
    """1-based; 0 when the fault belongs to the file as a whole."""
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}" if self.line else f"{self.path}: {self.message}"
