"""Scopes: lexical scoping for memory.

A scope is a path `kind:segment/segment`. A session that opens scopes sees them, their ancestors and
`user`, as an inner block of code sees outer names: never children, siblings or anything else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from mem.errors import UsageMistake
from mem.record import NamedTuple

RESERVED_SEGMENTS = frozenset(
    "archive preferences decisions facts entities relations procedures events questions".split()
)
"""Names that the memory folder uses below a scope: a scope of that name would be ambiguous on disk."""

LONGEST = 200
"""Characters of a scope, so that every file system takes its folder."""

_GRAMMAR = r"[a-z]+:[a-z0-9._+-]+(?:/[a-z0-9._+-]+)*"


class Scope(NamedTuple):
    """Where a belief holds."""

    kind: str
    segments: tuple[str, ...]
    """Outermost first; empty for `user` alone."""

    def __str__(self) -> str:
        return f"{self.kind}:{'/'.join(self.segments)}" if self.segments else self.kind

    @property
    def folder(self) -> str:
        """The scope's folder below the memory folder, with `/`."""
        return "/".join((self.kind, *self.segments))


USER = Scope("user", ())


@lru_cache(256)
def parse(text: str) -> Scope:
    """Read a scope as a person types it.

    Raises: UsageMistake if the text is not `user` or `kind:segment/segment`.
    """
    if text == "user":
        return USER
    kind, _, rest = text.partition(":")
    segments = tuple(rest.split("/"))
    if (
        not re.fullmatch(_GRAMMAR, text)
        or kind in ("user", "archive")
        or any(part in RESERVED_SEGMENTS or part.startswith((".", "-")) for part in segments)
        or max(map(len, (text, kind, *segments))) > LONGEST
    ):
        raise UsageMistake(
            f"{text!r} is not a scope: it must be `user` or `kind:name/name` in lower case",
            "for example: --scope project:atlas",
        )
    return Scope(kind, segments)


def visible(scopes: Iterable[Scope]) -> list[Scope]:
    """Everything that a session with these scopes open may see: innermost first, `user` last."""
    seen = {USER}
    for scope in scopes:
        for depth in range(1, len(scope.segments) + 1):
            seen.add(Scope(scope.kind, scope.segments[:depth]))
    return sorted(seen, key=lambda scope: (-len(scope.segments), scope))


def most_specific(scopes: Iterable[Scope]) -> Scope:
    """The scope that a write goes to: the deepest; among equals the one named first."""
    return max(scopes, key=lambda scope: len(scope.segments), default=USER)


def mapped(directory: str, mappings: Mapping[str, str]) -> tuple[str, str] | None:
    """The nearest mapping of a directory or one of its parents, as (directory, scope)."""
    while True:
        if directory in mappings:
            return directory, mappings[directory]
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent


def repository_of(directory: str) -> str | None:
    """The nearest directory upwards that holds a `.git`, or None."""
    while not os.path.exists(os.path.join(directory, ".git")):
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent
    return directory


def remote_of(directory: str) -> str | None:
    """The whole URL of the git remote `origin` (or the only remote) of a directory's repository.

    Reads `.git/config` and spawns nothing: this runs at every prompt.
    """
    repository = repository_of(directory)
    if repository is None:
        return None
    try:
        with open(os.path.join(_git_directory(repository), "config"), encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    remotes: dict[str, str] = {}
    name = None
    for line in lines:
        line = line.strip()
        if line.startswith("["):
            found = re.match(r'\[remote "([^"]+)"\]', line)
            name = found[1] if found else None
        elif name is not None and re.match(r"url\s*=", line):
            remotes.setdefault(name, line.partition("=")[2].strip().strip('"'))
    url = remotes.get("origin") or (next(iter(remotes.values())) if len(remotes) == 1 else None)
    # Credentials in an address are no part of what tells repositories apart, and must not be shown.
    return url and re.sub(r"^([a-z+]+://)[^/@]*@", r"\1", url)


def _git_directory(repository: str) -> str:
    """The directory with the configuration: `.git`, or where a worktree's or submodule's file points."""
    marker = os.path.join(repository, ".git")
    if os.path.isdir(marker):
        return marker
    with open(marker, encoding="utf-8") as file:
        target = os.path.join(repository, file.read().partition("gitdir:")[2].strip())
    common = os.path.join(target, "commondir")
    if os.path.exists(common):
        with open(common, encoding="utf-8") as file:
            target = os.path.join(target, file.read().strip())
    return target


def names_of_remote(url: str) -> list[Scope]:
    """The scopes that a repository's remote may be given, best first: by its name, by owner and name."""
    path = re.sub(r"^(?:[a-z+]+://)?(?:[^@/]*@)?[^:/]*[:/]", "", url.strip().lower())
    parts = [re.sub(r"[^a-z0-9._+-]+", "-", part).strip("-.") for part in path.split("/")]
    parts = [part.removesuffix(".git") for part in parts if part.removesuffix(".git")]
    names = [parts[-1], "-".join(parts[-2:])] if len(parts) > 1 else parts
    return [Scope("project", (name,)) for name in names if name not in RESERVED_SEGMENTS and len(name) < LONGEST // 2]
