"""Where things live: the memory folder, and the database of this replica.

The data directory is worked out once, when a replica is made, and written beside its id: readers, who
run at every prompt, then need neither platformdirs nor a guess.
"""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

from mem.errors import StoreUnusable


class Setting(NamedTuple):
    """One setting of `config.toml`."""

    key: str
    kind: str
    """`count`, `number`, `flag`, `text` or a choice `a|b|c`."""
    default: Any
    help: str


SETTINGS: tuple[Setting, ...] = (
    Setting("inject.budget", "count", 2000, "Tokens that an injection may have, estimated as characters / 3."),
    Setting("recall.mode", "auto|lexical", "auto", "How to search; auto uses all there is."),
)


class Home(NamedTuple):
    """The memory folder and what belongs to this machine in it."""

    path: str
    """Absolute."""

    @property
    def local(self) -> str:
        """What is this machine's alone: replica id, lock, temporary files. Ignored by git."""
        return os.path.join(self.path, ".mem", "local")

    @property
    def lock(self) -> str:
        """The file whose lock every write holds."""
        return os.path.join(self.local, "lock")

    @property
    def format(self) -> str:
        """The tracked file with the version of the page format and the store id."""
        return os.path.join(self.path, ".mem", "format")

    @property
    def replica(self) -> str:
        """The file with the replica id, the path of its database, and this folder's path, a line each."""
        return os.path.join(self.local, "replica")

    def database(self) -> str | None:
        """The path of the database, or None if this folder has none yet.

        A folder that was moved keeps its database, which may have moved along.
        Raises: StoreUnusable if this folder is a copy of one that still has that database, or the file is damaged.
        """
        lines = _lines(self.replica)
        if len(lines) < 3:
            if os.path.exists(self.replica):
                raise StoreUnusable(
                    f"{self.replica} does not say which database is this folder's", f"rm {self.replica}; mem init"
                )
            return None
        replica, database, folder = lines[:3]
        if folder != self.path and _lines(Home(folder).replica)[:1] == [replica]:
            raise StoreUnusable(
                f"{self.path} is a copy of {folder}, and its database belongs there",
                f"rm -r {self.local}; mem init makes it a memory of its own, from its pages",
            )
        if not os.path.exists(database):
            moved = os.path.join(data_directory(), replica, "memory.db")
            return moved if os.path.exists(moved) else database
        return database


def home() -> Home:
    """The memory folder of this session: `MEM_HOME`, else `~/mem`."""
    return Home(os.path.abspath(os.path.expanduser(os.environ.get("MEM_HOME") or "~/mem")))


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().split("\n")[:-1]
            return [re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], line) for line in lines]
    except (FileNotFoundError, NotADirectoryError):
        return []


def replica_text(replica: str, database: str, folder: str) -> str:
    """What the replica file says; a path may hold anything, a line break too."""
    lines = (line.replace("\\", "\\\\").replace("\n", "\\n") for line in (replica, database, folder))
    return "".join(f"{line}\n" for line in lines)


def data_directory() -> str:
    """Where databases are kept on this system (`$XDG_DATA_HOME/mem` on Linux)."""
    import platformdirs

    return platformdirs.user_data_dir("mem", appauthor=False)
