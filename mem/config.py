"""Where things live, and the settings: each declared once, with its documentation.

The data directory and the place of the settings are worked out when a replica is written to, and noted
beside its id: readers, who run at every prompt, then need neither platformdirs nor a guess. For the same
reason the store keeps a memo of the settings, good for one state of their file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

from mem.errors import Problem, StoreUnusable, TreeProblem, UsageMistake, meant
from mem.record import Any, NamedTuple
from mem.retention import INITIAL_STABILITY
from mem.text import LANGUAGES


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
        """The file with replica id, path of the database, this folder's path, and that of the settings, a line each."""
        return os.path.join(self.local, "replica")

    @property
    def settings(self) -> str:
        """The settings file, whether it exists or not."""
        noted = _lines(self.replica)[3:4]
        wanted = os.environ.get("XDG_CONFIG_HOME")
        if noted and not self._holds(noted[0]) and (not wanted or noted[0].startswith(f"{wanted}/")):
            return noted[0]
        return settings_path()

    def database(self) -> str | None:
        """The path of the database, or None if this folder has none yet.

        A folder that was moved keeps its database, which may have moved along.
        Raises: StoreUnusable if this folder is a copy of one that still has that database, or the file is damaged, or
            names one in this folder, where a commit of somebody else could put it.
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
            database = moved if os.path.exists(moved) else database
        if self._holds(database) and not os.path.normpath(database).startswith(f"{data_directory()}/"):
            raise StoreUnusable(
                f"the database {database} lies in the memory folder, where mem keeps none",
                f"rm {self.replica}; mem init",
            )
        return database

    def lost(self) -> str | None:
        """The database that was this folder's, where the folder was deleted, or what named it; None if there is none.

        The newest one, where there are several.
        """
        top, store = data_directory(), _lines(self.format)[1:2]
        found = []
        for name in os.listdir(top) if os.path.isdir(top) else ():
            database = os.path.join(top, name, "memory.db")
            noted = _lines(folder_note(database)) if os.path.isfile(database) else []
            if noted[:1] == [self.path] and (not store or store == noted[1:2]):
                found.append(database)
        return max(found, key=os.path.getmtime, default=None)

    def note_text(self, database: str) -> str:
        """What is noted beside the database: this folder's path, and the line of its format file with the store id."""
        return _escaped(self.path, *(_lines(self.format)[1:2] or _lines(folder_note(database))[1:2]))

    def store_line(self) -> str | None:
        """The line of the format file with the store id, as it is noted beside the database; None if it is not."""
        database = self.database()
        noted = _lines(folder_note(database))[1:2] if database is not None else []
        return noted[0] if noted else None

    def _holds(self, path: str) -> bool:
        return os.path.normpath(path).startswith(f"{self.path}/")


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
    return _escaped(replica, database, folder, settings_path())


def _escaped(*lines: str) -> str:
    escaped = (line.replace("\\", "\\\\").replace("\n", "\\n") for line in lines)
    return "".join(f"{line}\n" for line in escaped)


def folder_of(database: str) -> Home | None:
    """The folder whose a database was when it was last written to, if that is known."""
    noted = _lines(folder_note(database))
    return Home(noted[0]) if noted else None


def folder_note(database: str) -> str:
    """The file beside a database that says which folder it is of, should that one be lost."""
    return os.path.join(os.path.dirname(database), "folder")


def data_directory() -> str:
    """Where databases are kept on this system (`$XDG_DATA_HOME/mem` on Linux)."""
    import platformdirs

    return platformdirs.user_data_dir("mem", appauthor=False)


def models_directory() -> str:
    """Where installed models are kept; all memory folders of this user share them."""
    return os.path.join(data_directory(), "models")


def settings_path() -> str:
    """Where settings are kept on this system (`$XDG_CONFIG_HOME/mem/config.toml` on Linux)."""
    import platformdirs

    return os.path.join(platformdirs.user_config_dir("mem", appauthor=False), "config.toml")


# -- settings ---------------------------------------------------------------------------------------


class Setting(NamedTuple):
    """One thing that can be set."""

    key: str
    """`table.key` in the file."""
    kind: str
    """`count` (0, 1, …), `number` (above 0), `share` (above 0 and below 1), `flag`, `text`, or a choice `a|b|c`."""
    default: Any
    help: str


SETTINGS = (
    Setting("recall.k", "count", 10, "How many hits `mem recall` shows at most."),
    Setting("inject.budget", "count", 2_000, "Tokens of one injection or brief, estimated as characters / 3."),
    Setting("inject.max_beliefs", "count", None, "Pinned and relevant beliefs of one injection; no limit by default."),
    Setting(
        "words.language",
        "|".join(LANGUAGES),
        LANGUAGES[0],
        "Whose endings are folded when words are compared; a change makes the index anew.",
    ),
    Setting(
        "model.name",
        "text",
        "embedded",
        "The model that says what texts mean: `embedded`, or one that `mem model list` shows. A change makes the "
        "vectors anew.",
    ),
    Setting(
        "model.seconds",
        "number",
        3.0,  # six times what a model of 90 MB takes on two cores that do nothing else
        "How long a search waits for a model that is not the embedded one, before it does without.",
    ),
    Setting("receipts.days", "count", 90, "How long `mem log` remembers what was injected."),
    Setting("receipts.prompts", "flag", False, "Keep the prompt with its receipt, and not only a keyed hash of it."),
    Setting("git.commit", "flag", True, "Whether `mem sync` commits the pages that it has brought in line."),
    Setting(
        "git.addresses",
        "text",
        "",
        "Addresses that are yours too, with commas between; what other authors commit waits for approval.",
    ),
    Setting("show.pager", "text", "", "Shows what is longer than the terminal; by default $PAGER, else less."),
    *(
        Setting(f"stability.{type_}", "number", days, f"Days until retention of a new {type_} falls to 0.9.")
        for type_, days in INITIAL_STABILITY.items()
    ),
    Setting("forgetting.dormant", "share", 0.5, "Retention below which a belief leaves the brief."),
)
DEFAULTS: Mapping[str, Any] = {setting.key: setting.default for setting in SETTINGS}
_KNOWN = {setting.key: setting for setting in SETTINGS}


def settings(home: Home, memo: Callable[[str], str | None], warn: Callable[[str], None]) -> Mapping[str, Any]:
    """Every setting by key; `memo` looks a text up that `memoized` made.

    A fault in the file is told through `warn`, and the default serves.
    """
    path = home.settings
    stamp = _stamp(path)
    if stamp is None:
        return DEFAULTS
    known = (memo("settings") or "").split("\n")
    if known[0] == stamp:
        return dict(DEFAULTS) | {key: read_value(key, value) for key, value in (one.split("=", 1) for one in known[1:])}
    values, problems = read_settings(path)
    for problem in problems:
        warn(f"{problem}; its default is used")
    return dict(DEFAULTS) | values


def memoized(path: str) -> str:
    """The settings of a file and the state it is in; nothing but the path for a file with a fault, or none."""
    stamp = _stamp(path)
    values, problems = read_settings(path) if stamp is not None else ({}, [])
    lines = [f"{key}={_written(value)}" for key, value in values.items()]
    if stamp is None or problems or any("\n" in line for line in lines):
        return path
    return "\n".join([stamp, *lines])


def _stamp(path: str) -> str | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return f"{path}\x1f{status.st_mtime_ns}\x1f{status.st_size}"


def read_settings(path: str) -> tuple[dict[str, Any], list[Problem]]:
    """What a settings file says, by key, and what is wrong with the rest."""
    import tomllib

    try:
        with open(path, "rb") as file:
            tables = tomllib.load(file)
    except FileNotFoundError:
        return {}, []
    except OSError as error:
        return {}, [Problem(path, 0, f"cannot be read ({error.strerror})")]
    except ValueError as error:  # TOML's and UTF-8's complaints
        return {}, [Problem(path, 0, f"is not TOML: {error}")]
    values: dict[str, Any] = {}
    problems = []
    for table, inner in tables.items():
        for key, value in inner.items() if isinstance(inner, dict) else [("", inner)]:
            name = f"{table}.{key}".rstrip(".")
            try:
                values[name] = check_value(name, value)
            except UsageMistake as error:
                hint = f" ({error.hint})" if error.hint else ""
                problems.append(Problem(path, 0, f"{error.message}{hint}"))
    return values, problems


def setting(key: str) -> Setting:
    """The declaration of a setting.

    Raises: UsageMistake with close names for one that does not exist.
    """
    if key not in _KNOWN:
        raise UsageMistake(f"there is no setting {key!r}", meant(key, _KNOWN, "mem config"))
    return _KNOWN[key]


def read_value(key: str, written: str) -> Any:
    """The value that a text gives to a setting, as typed on the command line.

    Raises: UsageMistake if the setting cannot have it.
    """
    kind = setting(key).kind
    if kind == "flag" and written in ("true", "false"):
        return written == "true"
    try:
        value: Any = int(written) if kind == "count" else float(written) if kind in ("number", "share") else written
    except ValueError:
        value = written
    return check_value(key, value)


def check_value(key: str, value: Any) -> Any:
    """The value itself, if the setting can have it.

    Raises: UsageMistake.
    """
    kind = setting(key).kind
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        "count": number and 0 <= value < 10**9 and value == int(value),
        "number": number and 0 < value < 10**9,
        "share": number and 0 < value < 1,
        "flag": isinstance(value, bool),
        "text": isinstance(value, str) and "\n" not in value,
    }
    if not fits.get(kind, value in kind.split("|")):
        choices = f"one of {kind.replace('|', ', ')}"
        wanted = {
            "count": "a whole number",
            "number": "a number above 0",
            "share": "between 0 and 1",
            "flag": "true or false",
            "text": "one line",
        }
        raise UsageMistake(f"{key} is {value!r}, not {wanted.get(kind, choices)}", f"mem config get {key}")
    return int(value) if kind == "count" else value


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def with_setting(source: str, path: str, key: str, value: Any) -> str:
    """The text of a settings file with one key set, or taken out for None; comments and order stay.

    Raises: TreeProblem if the file is not TOML.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(source)
    except TOMLKitError as error:
        raise TreeProblem(f"{path} is not TOML: {error}; nothing was changed", "mend the file") from None
    table, _, name = key.partition(".")
    if not isinstance(document.get(table, {}), dict):
        raise TreeProblem(f"{table} in {path} is not a table; nothing was changed", "mend the file")
    if value is not None:
        document.setdefault(table, tomlkit.table())[name] = value
    elif name in document.get(table, {}):
        del document[table][name]
        if not document[table]:
            del document[table]
    return tomlkit.dumps(document)
