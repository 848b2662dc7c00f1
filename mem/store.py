"""The database: beliefs, how they came to be, and the rows that retrieval reads.

Invariants: `visible` hands beliefs out, takes scopes and has no default; `everything` is the second,
named door, and a test lists its callers. Every write happens inside `transaction`, under the one lock,
with a record of what was before, so that it can be undone. Readers open the file read-only. SQLite's
errors are turned into ours here and nowhere else.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import chain

from mem.belief import Alias, Belief, from_record, parse_time, time_text, to_record
from mem.errors import Busy, NewerStore, StoreUnusable, UsageMistake, meant
from mem.record import TYPE_CHECKING, Any, NamedTuple
from mem.scope import Scope
from mem.text import LANGUAGES, MISTYPED

if TYPE_CHECKING:
    from sqlite_utils import Database

APPLICATION_ID = 0x6D656D62
"""`memb` in the header of the file: what tells our database from another one."""

MOST_CLOSE = 20_000
"""Names that are compared with a mistyped one; that takes a tenth of a second."""
SHORTEST_ID = 4
"""Characters of the beginning of an id that are enough to mean it."""

ROWS_AT_ONCE = 32
"""Rows in one statement; of 9,900 postings, 32 take a third of the time of one, and 100 no less."""
LOCK_SECONDS = 30
"""How long a write waits for another one before it gives up."""

_COLUMNS = (
    "id, type, name, content, (SELECT path FROM scope WHERE n = belief.scope), aliases, why, status, review, "
    "confidence, pinned, archived, superseded_by, participants, relation, valid_from, valid_until, created, "
    "updated, confirmed, stability, source, session, at"
)


# -- schema -----------------------------------------------------------------------------------------

if TYPE_CHECKING:
    _Executes = sqlite3.Connection | Database


def _first_schema(db: _Executes) -> None:
    for statement in (
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        # What is open and where. documents and length are totals over the current beliefs of a scope.
        """CREATE TABLE scope (n INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE,
               documents INTEGER NOT NULL DEFAULT 0, length REAL NOT NULL DEFAULT 0)""",
        # Pairs of live beliefs of one scope that claim the same surface and say different things; a < b.
        "CREATE TABLE conflict (a TEXT NOT NULL, b TEXT NOT NULL, PRIMARY KEY (a, b)) WITHOUT ROWID",
        "CREATE TABLE mapping (directory TEXT PRIMARY KEY, scope TEXT NOT NULL) WITHOUT ROWID",
        "CREATE TABLE remote (url TEXT PRIMARY KEY, scope TEXT NOT NULL) WITHOUT ROWID",
        # current and anchor are derived from the record; they are columns so that reads can use them.
        """CREATE TABLE belief (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
               scope INTEGER NOT NULL REFERENCES scope, type TEXT NOT NULL, name TEXT NOT NULL,
               content TEXT NOT NULL, aliases TEXT NOT NULL, why TEXT, status TEXT NOT NULL,
               review TEXT NOT NULL, confidence REAL NOT NULL, pinned INTEGER NOT NULL,
               archived INTEGER NOT NULL, superseded_by TEXT, participants TEXT NOT NULL, relation TEXT,
               valid_from TEXT, valid_until TEXT, created TEXT NOT NULL, updated TEXT NOT NULL,
               confirmed TEXT, stability REAL NOT NULL, source TEXT NOT NULL, session TEXT,
               at TEXT NOT NULL, current INTEGER NOT NULL, anchor REAL NOT NULL)""",
        "CREATE INDEX belief_by_scope ON belief (scope, current)",
        "CREATE INDEX belief_by_name ON belief (scope, name)",
        "CREATE INDEX belief_pinned ON belief (scope) WHERE pinned AND current",
        "CREATE INDEX belief_persona ON belief (scope, anchor, stability) WHERE type = 'preference' AND current",
        # One act of the user and the rows it changed: before is what undo puts back.
        """CREATE TABLE operation (n INTEGER PRIMARY KEY, kind TEXT NOT NULL, summary TEXT NOT NULL,
               source TEXT NOT NULL, at TEXT NOT NULL, undone TEXT)""",
        """CREATE TABLE change (operation INTEGER NOT NULL REFERENCES operation, position INTEGER NOT NULL,
               kind TEXT NOT NULL, key TEXT NOT NULL, before TEXT, after TEXT, page TEXT,
               PRIMARY KEY (operation, position)) WITHOUT ROWID""",
        "CREATE INDEX change_by_key ON change (kind, key, operation)",
        # The last page that both sides agreed on, and those that are decided but not yet in place.
        """CREATE TABLE page (scope INTEGER NOT NULL, id TEXT NOT NULL UNIQUE, path TEXT NOT NULL,
               folded TEXT NOT NULL UNIQUE, hash TEXT NOT NULL, mtime INTEGER NOT NULL,
               size INTEGER NOT NULL, PRIMARY KEY (scope, id)) WITHOUT ROWID""",
        "CREATE TABLE outbox (id TEXT PRIMARY KEY, path TEXT, folded TEXT UNIQUE) WITHOUT ROWID",
        # Retrieval: one row per scope, term and belief, so that a query touches visible key ranges alone.
        """CREATE TABLE posting (scope INTEGER NOT NULL, term TEXT NOT NULL, belief INTEGER NOT NULL,
               frequency REAL NOT NULL, length REAL NOT NULL,
               PRIMARY KEY (scope, term, belief)) WITHOUT ROWID""",
        """CREATE TABLE frequency (scope INTEGER NOT NULL, term TEXT NOT NULL, documents INTEGER NOT NULL,
               PRIMARY KEY (scope, term)) WITHOUT ROWID""",
        """CREATE TABLE document (belief INTEGER PRIMARY KEY, scope INTEGER NOT NULL,
               length REAL NOT NULL, terms TEXT NOT NULL)""",
        """CREATE TABLE surface (scope INTEGER NOT NULL, key TEXT NOT NULL, belief INTEGER NOT NULL,
               phrase TEXT NOT NULL, surface TEXT NOT NULL, origin TEXT NOT NULL,
               PRIMARY KEY (scope, key, belief, phrase, surface)) WITHOUT ROWID""",
        "CREATE INDEX surface_by_belief ON surface (belief)",
        # The words of the surfaces, for slips of the finger; beliefs counts those that use it.
        """CREATE TABLE spelling (scope INTEGER NOT NULL, word TEXT NOT NULL, beliefs INTEGER NOT NULL,
               PRIMARY KEY (scope, word)) WITHOUT ROWID""",
        "INSERT INTO scope (path) VALUES ('user')",
    ):
        db.execute(statement)


def _receipts_schema(db: _Executes) -> None:
    for statement in (
        # What was injected. prompt is a keyed hash; text is the prompt itself, only where the user asked for it.
        """CREATE TABLE receipt (n INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, at TEXT NOT NULL,
               command TEXT NOT NULL, agent TEXT, scopes TEXT NOT NULL, prompt TEXT NOT NULL, text TEXT)""",
        """CREATE TABLE receipt_belief (receipt INTEGER NOT NULL REFERENCES receipt, position INTEGER NOT NULL,
               belief TEXT NOT NULL, section TEXT NOT NULL, because TEXT NOT NULL,
               PRIMARY KEY (receipt, position)) WITHOUT ROWID""",
        "CREATE INDEX receipt_by_belief ON receipt_belief (belief, receipt)",
        "CREATE INDEX receipt_by_time ON receipt (at)",
        # Set where the user said that both hold.
        "ALTER TABLE conflict ADD COLUMN settled INTEGER NOT NULL DEFAULT 0",
        "INSERT INTO meta (key, value) VALUES ('receipt_key', lower(hex(randomblob(16))))",
    ):
        db.execute(statement)


def _proposals_schema(db: _Executes) -> None:
    # What a pending belief proposes about another one of its scope; the other pending ones propose themselves.
    db.execute("CREATE TABLE proposal (id TEXT PRIMARY KEY, act TEXT NOT NULL, target TEXT NOT NULL) WITHOUT ROWID")


def _tree_schema(db: _Executes) -> None:
    for statement in (
        # The text of the page that both sides agreed on last: what a person and mem changed since are told apart by it.
        "CREATE TABLE base (id TEXT PRIMARY KEY, text BLOB NOT NULL)",
        # Pages that wait for a decision, and are neither taken in nor written over while they have that hash.
        """CREATE TABLE held (path TEXT PRIMARY KEY, id TEXT NOT NULL, hash TEXT NOT NULL,
               kind TEXT NOT NULL) WITHOUT ROWID""",
    ):
        db.execute(statement)


def _vectors_schema(db: _Executes) -> None:
    for statement in (
        # What a belief means: the vector of one model, and its tokens. The signs of the vectors of current beliefs
        # stand apart, close together, for they are all read at every search.
        """CREATE TABLE vector (belief INTEGER PRIMARY KEY, scope INTEGER NOT NULL, model TEXT NOT NULL,
               digest TEXT NOT NULL, packed BLOB NOT NULL, tokens BLOB NOT NULL)""",
        """CREATE TABLE sketch (scope INTEGER NOT NULL, belief INTEGER NOT NULL, signs BLOB NOT NULL,
               PRIMARY KEY (scope, belief)) WITHOUT ROWID""",
        # Beliefs whose vectors are still to be made.
        "CREATE TABLE unembedded (belief INTEGER PRIMARY KEY)",
        "INSERT INTO unembedded (belief) SELECT n FROM belief",
        "CREATE INDEX belief_by_session ON belief (scope, session, created) WHERE session IS NOT NULL",
    ):
        db.execute(statement)


def _notes_schema(db: _Executes) -> None:
    # What a note said when it was last ingested into a scope: JSON, a keyed hash and the id of a belief for each
    # thing, in order. No words of it, so that nothing has to be erased from here.
    db.execute(
        "CREATE TABLE note (scope TEXT NOT NULL, path TEXT NOT NULL, said TEXT NOT NULL, PRIMARY KEY (scope, path)) "
        "WITHOUT ROWID"
    )


def _numbers_schema(db: _Executes) -> None:
    db.execute("ALTER TABLE change ADD COLUMN number INTEGER")


MIGRATIONS = (
    _first_schema, _receipts_schema, _proposals_schema, _tree_schema, _vectors_schema, _notes_schema, _numbers_schema,
)  # fmt: skip
"""Step k takes a database from `user_version` k to k + 1; a step that has shipped never changes."""


class Page(NamedTuple):
    """The last page that the tree and the store agreed on."""

    id: str
    path: str
    """Below the memory folder, with `/`."""
    hash: str
    mtime: int
    """Nanoseconds."""
    size: int
    """Bytes."""


class Held(NamedTuple):
    """A page that waits for a decision, in the state that has this hash."""

    path: str
    id: str
    hash: str
    kind: str
    """`move` (its folder disagrees with its scope), `twin` (its id is at two paths), `gone` (with too many others),
    `foreign` (another author's, undecided) or `refused` (another author's, and the user said no)."""


class Change(NamedTuple):
    """One row that an operation changed."""

    kind: str
    """`belief`, `scope`, `mapping`, `remote`, `conflict`, `proposal`, `note` or `settings`."""
    key: str
    before: str | None
    after: str | None
    """JSON; None where there was, or is, no such row."""
    page: str | None = None
    """Path of the page that a belief had before, so that undo puts it back in its place."""
    number: int | None = None
    """Row number of a belief that was taken out, for the same reason."""


class Proposal(NamedTuple):
    """What a pending belief proposes about another one of its scope."""

    act: str
    """`revise`: that one shall say what this one says; `forget`: that one shall go."""
    target: str
    """Its id."""


class Operation(NamedTuple):
    """One act that can be undone."""

    n: int
    kind: str
    summary: str
    source: str
    at: datetime
    undone: datetime | None


class Version(NamedTuple):
    """One state in which a belief was, and the act that made it so."""

    operation: Operation
    before: Belief | None
    """None for the first one."""
    after: Belief | None
    """None where the act took the belief back."""


class Used(NamedTuple):
    """One belief in a receipt."""

    belief: str
    """Its id."""
    section: str
    because: tuple[str, ...]
    """Its surfaces that the prompt named; none of the prompt's own words."""


class Receipt(NamedTuple):
    """What one injection or brief handed out."""

    key: str
    """Random; the same receipt is never stored twice."""
    at: datetime
    command: str
    agent: str | None
    """The agent in whose shell it ran, or None."""
    scopes: tuple[str, ...]
    """The open ones."""
    prompt: str
    """A keyed hash."""
    text: str | None
    """The prompt itself, if the user wants that kept."""
    used: tuple[Used, ...]
    """In the order of the text."""


class Indexed(NamedTuple):
    """The retrieval rows of one belief, worked out by `lexical`; empty ones take it out of retrieval."""

    terms: dict[str, float]
    """Term to weighted frequency; empty unless the belief is current."""
    surfaces: list[tuple[str, str, str, str]]
    """(key, phrase, surface, origin)."""


class Vector(NamedTuple):
    """What a belief means, worked out by `embedding`."""

    digest: str
    """Of the text that was embedded."""
    packed: bytes
    """The vector in whole numbers, with its scale."""
    signs: bytes
    """One bit a dimension."""
    tokens: bytes
    """Distinct tokens of the text, two bytes each."""


# -- opening ----------------------------------------------------------------------------------------


class Store:
    """One connection to the database."""

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self._connection = connection
        self.path = path

    @classmethod
    def reading(cls, path: str) -> Store:
        """Open read-only, on one snapshot.

        Raises: StoreUnusable if it is missing, damaged, another program's, or newer than this mem.
        """
        if not os.path.exists(path):
            raise missing(path)
        store = cls(_connect(path, "ro"), path)
        try:
            store._check_version()
        except StoreUnusable:
            # On a read-only disk SQLite cannot make the file it shares with writers; there are none then.
            if os.path.exists(path + "-wal") or os.access(os.path.dirname(path), os.W_OK):
                store.close()
                raise
            store = cls(_connect(path, "ro&immutable=1"), path)
            store._check_version()
        store.rows("BEGIN")
        return store

    @classmethod
    def writing(cls, path: str, *, create: bool = False) -> Store:
        """Open for writing, brought to this version if need be. The lock must be held.

        Raises: StoreUnusable as `reading`, and for a folder or disk that cannot be written.
        """
        if not create and not os.path.exists(path):
            raise missing(path)
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        except OSError as error:
            raise unusable(error, path) from error
        store = cls(_connect(path, "rwc" if create else "rw"), path)
        try:
            if create:
                store.rows(f"PRAGMA application_id = {APPLICATION_ID}")
            store._check_version()
            store.rows("PRAGMA journal_mode = WAL")
            store.rows("PRAGMA synchronous = FULL")
            if store.outdated:
                store._migrate()
        except BaseException:
            store.close()
            raise
        return store

    def _check_version(self) -> None:
        if self.rows("PRAGMA application_id")[0][0] != APPLICATION_ID:
            raise StoreUnusable(f"{self.path} is not a mem database", "move that file away")
        if self._version() > len(MIGRATIONS):
            raise NewerStore(
                f"the database {self.path} was written by a newer mem (format {self._version()}, "
                f"this one knows {len(MIGRATIONS)}); it was not touched",
                "pip install --upgrade mem",
            )

    def _version(self) -> int:
        return int(self.rows("PRAGMA user_version")[0][0])

    @property
    def outdated(self) -> bool:
        """True if the schema is older than this program's."""
        return self._version() < len(MIGRATIONS)

    def _migrate(self) -> None:
        db: _Executes = self._connection
        if self._version():  # there is something to lose, and to be transformed
            from sqlite_utils import Database  # which takes 0.1 s to load, so that a new database does without

            self.backup(os.path.join(backups(self.path), f"before-format-{len(MIGRATIONS)}.db"), replace=True)
            db = Database(self._connection)
        with _translated(self.path), self.atomic():
            for step in MIGRATIONS[self._version() :]:
                step(db)
            db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def close(self) -> None:
        """Close the connection; a writer does so while it holds the lock."""
        with suppress(sqlite3.Error):
            self._connection.close()

    # -- reading

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of one statement.

        Raises: StoreUnusable for whatever SQLite complains about.
        """
        try:
            return self._connection.execute(sql, values).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise _translation(error, self.path) from error

    def one(self, sql: str, *values: Any) -> tuple[Any, ...]:
        """The one row that must be there, for another one names it.

        Raises: StoreUnusable if it is not: then the file is torn.
        """
        found = self.rows(sql, *values)
        if not found:
            raise damaged(self.path)
        return found[0]

    def visible(self, scopes: Iterable[Scope]) -> View:
        """What a session that may see exactly these scopes (already expanded) gets of the store."""
        paths = [str(scope) for scope in scopes]
        marks = ",".join("?" * len(paths))
        found = self.rows(f"SELECT n, path FROM scope WHERE path IN ({marks})", *paths)
        return View(self, [n for n, _ in found])

    def everything(self) -> View:
        """All scopes at once: for export, doctor, undo and the like, never for a session or an agent."""
        return View(self, [n for (n,) in self.rows("SELECT n FROM scope")])

    def scopes(self) -> dict[str, int]:
        """Every scope that was declared or used, with its number of beliefs of any state."""
        return dict(
            self.rows(
                """SELECT path, (SELECT COUNT(*) FROM belief WHERE scope = scope.n)
                   FROM scope
                   ORDER BY path"""
            )
        )

    def mappings(self) -> dict[str, str]:
        """Directory to scope, as `mem scope map` recorded it."""
        return dict(self.rows("SELECT directory, scope FROM mapping"))

    def remote_scopes(self) -> dict[str, str]:
        """Remote URL to scope, as recorded at the first write from that repository."""
        return dict(self.rows("SELECT url, scope FROM remote"))

    @property
    def language(self) -> str:
        """The language whose endings the retrieval rows were made with."""
        return self.meta("language") or LANGUAGES[0]

    def meta(self, key: str) -> str | None:
        """A fact about the store itself, or None."""
        found = self.rows("SELECT value FROM meta WHERE key = ?", key)
        return str(found[0][0]) if found else None

    def page_of(self, id: str) -> Page | None:
        """The page of a belief, wherever it is: for bringing the tree in line, whatever became of its scope."""
        found = self.rows("SELECT id, path, hash, mtime, size FROM page WHERE id = ?", id)
        return Page(*found[0]) if found else None

    def base(self, id: str) -> bytes | None:
        """The text of the page that both sides agreed on last; None if that was not recorded."""
        found = self.rows("SELECT text FROM base WHERE id = ?", id)
        return bytes(found[0][0]) if found else None

    def held(self) -> list[Held]:
        """The pages that wait for a decision."""
        return [Held(*row) for row in self.rows("SELECT path, id, hash, kind FROM held ORDER BY path")]

    def agreed(self, ids: Collection[str] | None = None) -> list[tuple[Page, str]]:
        """Pages (those of some beliefs, or all) as last agreed, with their scopes: what the tree is compared with."""
        chosen = f"WHERE id IN ({','.join('?' * len(ids))})" if ids is not None else ""
        return [
            (Page(*row[:5]), row[5])
            for row in self.rows(
                f"""SELECT id, page.path, hash, mtime, size, scope.path
                    FROM page JOIN scope ON scope.n = page.scope {chosen}""",
                *(ids or ()),
            )
        ]

    def outbox(self) -> list[tuple[str, str | None]]:
        """Pages that are decided but not yet in place, as (belief id, path or None for no page)."""
        return [(id_, path) for id_, path in self.rows("SELECT id, path FROM outbox ORDER BY id")]

    def page_at(self, path: str) -> str | None:
        """The id of the belief whose page has this path, whatever its case or Unicode form."""
        key = folded(path)
        found = self.rows("SELECT id FROM outbox WHERE folded = ? UNION SELECT id FROM page WHERE folded = ?", key, key)
        return found[0][0] if found else None

    def operations(self, limit: int) -> list[Operation]:
        """The latest acts that have not been undone, newest first."""
        return [
            Operation(n, kind, summary, source, parse_time(at), parse_time(undone) if undone else None)
            for n, kind, summary, source, at, undone in self.rows(
                """SELECT n, kind, summary, source, at, undone
                   FROM operation
                   WHERE undone IS NULL
                   ORDER BY n DESC
                   LIMIT ?""",
                limit,
            )
        ]

    def changes(self, operation: int) -> list[Change]:
        """What one act changed, in order."""
        return [
            Change(*row)
            for row in self.rows(
                "SELECT kind, key, before, after, page, number FROM change WHERE operation = ? ORDER BY position",
                operation,
            )
        ]

    def note(self, key: str, value: str) -> None:
        """Record a fact about the store itself; not undone, for it is no act of the user."""
        self.rows("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", key, value)

    def reindex(self, language: str, indexed: Callable[[Belief], Indexed]) -> None:
        """Make the retrieval rows of every belief anew, and record the language that they are made with."""
        with self.atomic():
            for belief in self.everything().beliefs():
                self._remove_index(belief.id)
                self._add_index(belief, indexed(belief))
            self.note("language", language)

    def change_model(self, model: str) -> None:
        """Forget the vectors of another model: each belief waits for one by this model."""
        with self.atomic():
            for sql in (
                "DELETE FROM sketch",
                "DELETE FROM vector",
                "INSERT OR IGNORE INTO unembedded (belief) SELECT n FROM belief",
            ):
                self.rows(sql)
            self.note("model", model)

    def forget_vectors(self, numbers: Iterable[int]) -> None:
        """Forget some vectors, by row number: the beliefs that there are wait for new ones."""
        wanted = [(n,) for n in numbers]
        with self.atomic():
            self._many("DELETE FROM sketch WHERE belief = ?", wanted)
            self._many("DELETE FROM vector WHERE belief = ?", wanted)
            self._many("INSERT OR IGNORE INTO unembedded (belief) SELECT n FROM belief WHERE n = ?", wanted)

    def unembedded(self, limit: int) -> dict[int, Belief]:
        """Beliefs that wait for their vectors, by row number; at most so many."""
        rows = self.rows(
            f"""SELECT n, {_COLUMNS}
                FROM belief
                WHERE n IN (SELECT belief FROM unembedded ORDER BY belief LIMIT ?)""",
            limit,
        )
        return {row[0]: _belief(row[1:]) for row in rows}

    def waiting(self) -> int:
        """How many beliefs wait for their vectors."""
        return int(self.rows("SELECT COUNT(*) FROM unembedded")[0][0])

    def add_vectors(self, model: str, vectors: Mapping[int, Vector]) -> None:
        """Store the vectors of some beliefs, by row number, inside a transaction."""
        numbers = ",".join(map(str, vectors))
        self.rows(f"DELETE FROM unembedded WHERE belief IN ({numbers})")
        held = self.rows(f"SELECT scope, n, current FROM belief WHERE n IN ({numbers}) ORDER BY scope, n")
        self._insert(
            "OR REPLACE INTO vector (belief, scope, model, digest, packed, tokens)",
            [(n, scope, model, vectors[n].digest, vectors[n].packed, vectors[n].tokens) for scope, n, _ in held],
        )
        self._insert(
            "OR REPLACE INTO sketch (scope, belief, signs)",
            [(scope, n, vectors[n].signs) for scope, n, current in held if current],
        )

    def purge(self, id: str) -> bool:
        """Erase a belief, all that was recorded of it, and the bytes that held it. The lock must be held.

        Returns False if a reader kept the log from being emptied; the next write does that.
        """
        self.rows("PRAGMA secure_delete = ON")
        with self.atomic():
            for one in (*self._proposed_about(id), id):
                self._erase(one)
            self.rows("DELETE FROM operation WHERE n NOT IN (SELECT operation FROM change)")
        self.rows("VACUUM")
        return bool(self.rows("PRAGMA wal_checkpoint(TRUNCATE)")[0][0] == 0)

    def _proposed_about(self, id: str) -> list[str]:
        """The ids of all that was ever proposed about a belief: words that it has, had, or was meant to have."""
        quoted = _dump(id)
        return [
            key
            for (key,) in self.rows(
                """SELECT DISTINCT key
                   FROM change
                   WHERE kind = 'proposal' AND (instr(before, ?) OR instr(after, ?))""",
                quoted, quoted,
            )
        ]  # fmt: skip

    def _erase(self, id: str) -> None:
        """Delete every row that holds a belief or tells of it."""
        touched = [n for (n,) in self.rows("SELECT DISTINCT operation FROM change WHERE key = ?", id)]
        self._remove_index(id)
        for sql in (
            "DELETE FROM belief WHERE id = ?",
            "DELETE FROM proposal WHERE ? IN (id, target)",
            "DELETE FROM change WHERE kind IN ('belief', 'proposal') AND key = ?",
            "DELETE FROM change WHERE kind = 'conflict' AND instr(' ' || key || ' ', ' ' || ? || ' ')",
            "DELETE FROM conflict WHERE ? IN (a, b)",
            "DELETE FROM page WHERE id = ?",
            "DELETE FROM outbox WHERE id = ?",
            "DELETE FROM base WHERE id = ?",
            "DELETE FROM held WHERE id = ?",
            "UPDATE receipt SET text = NULL WHERE n IN (SELECT receipt FROM receipt_belief WHERE belief = ?)",
            "DELETE FROM receipt_belief WHERE belief = ?",
        ):
            self.rows(sql, id)
        for n in touched:  # its name may stand in what an act is called
            self.rows("UPDATE operation SET summary = kind || ' (purged)' WHERE n = ?", n)
            self.rows("DELETE FROM change WHERE operation = ? AND kind = 'scope'", n)  # it stays declared

    def undone(self, id: str) -> Belief | None:
        """A belief that is known only from acts that were undone, by its whole id."""
        found = self.rows(
            """SELECT COALESCE(after, before)
               FROM change
               WHERE kind = 'belief' AND key = ? AND NOT EXISTS (SELECT 1 FROM belief WHERE id = key)
               ORDER BY operation DESC
               LIMIT 1""",
            id,
        )
        return belief_of(found[0][0]) if found else None

    def add_receipts(self, receipts: Iterable[Receipt], oldest: str) -> None:
        """Take receipts in, and drop those from before a time."""
        with self.atomic():
            for one in receipts:
                rows = self.rows(
                    """INSERT OR IGNORE INTO receipt (key, at, command, agent, scopes, prompt, text)
                       VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING n""",
                    one.key, time_text(one.at), one.command, one.agent, ",".join(one.scopes), one.prompt, one.text,
                )  # fmt: skip
                self._many(
                    "INSERT INTO receipt_belief (receipt, position, belief, section, because) VALUES (?, ?, ?, ?, ?)",
                    [
                        (n, at, used.belief, used.section, _FIELD.join(used.because))
                        for (n,) in rows
                        for at, used in enumerate(one.used)
                    ],
                )
            self.rows("DELETE FROM receipt_belief WHERE receipt IN (SELECT n FROM receipt WHERE at < ?)", oldest)
            self.rows("DELETE FROM receipt WHERE at < ?", oldest)

    def backup(self, path: str, *, replace: bool = False) -> None:
        """Copy the database, whole and verified, to a file that holds nothing else.

        Raises: UsageMistake if that file exists, unless it may be replaced; StoreUnusable if the copy cannot be
            written, or is not what was copied.
        """
        if os.path.lexists(path) and not replace:
            raise UsageMistake(f"{path} exists, and a backup replaces nothing", "name a new file")
        made = f"{path}.{os.getpid()}.new"
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            copy = Store(_connect(made, "rw"), made)
            try:
                with _translated(made):
                    self._connection.backup(copy._connection)
                copy.rows("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
                if copy.integrity() or copy._row_counts() != self._row_counts():
                    raise StoreUnusable(f"the copy {made} is not what was copied", "check that the disk works")
            finally:
                copy.close()
            os.replace(made, path)
            _sync(path)
            _sync(os.path.dirname(path))
        except OSError as error:
            raise unusable(error, path) from error
        finally:
            with suppress(FileNotFoundError):
                os.unlink(made)

    def _row_counts(self) -> dict[str, int]:
        names = [name for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {name: int(self.rows(f'SELECT COUNT(*) FROM "{name}"')[0][0]) for name in names}

    def carry_over(self, path: str) -> None:
        """Take over, from a sound database of this format, what no page holds: acts, receipts, mappings, conflicts."""
        self.rows("ATTACH ? AS old", f"{_uri(path)}?mode=ro")
        try:
            with self.atomic():
                self.rows("INSERT OR IGNORE INTO scope (path) SELECT path FROM old.scope")
                for table in ("mapping", "remote", "operation", "change", "receipt", "receipt_belief", "proposal"):
                    self.rows(f"INSERT OR IGNORE INTO {table} SELECT * FROM old.{table}")
                self.rows("UPDATE change SET number = NULL")  # rows are numbered anew here
                self.rows(
                    """INSERT OR IGNORE INTO conflict
                       SELECT *
                       FROM old.conflict
                       WHERE a IN (SELECT id FROM belief) AND b IN (SELECT id FROM belief)"""
                )
                self.rows("INSERT OR REPLACE INTO meta SELECT * FROM old.meta WHERE key IN ('receipt_key', 'branch')")
        finally:
            self.rows("DETACH old")

    def integrity(self) -> list[str]:
        """What SQLite finds wrong with its own file; empty when it is sound."""
        return [str(row[0]) for row in self.rows("PRAGMA integrity_check(20)") if row[0] != "ok"]

    # -- writing

    @contextmanager
    def transaction(
        self, kind: str, summary: str, *, source: str, now: datetime, dry_run: bool = False
    ) -> Iterator[Transaction]:
        """One act: all of it is durable when the block ends, or none of it happened; a dry run never happened."""
        self.rows("BEGIN IMMEDIATE")
        try:
            transaction = Transaction(self, kind, summary, source, now)
            yield transaction
            transaction._close()
            self.rows("ROLLBACK" if dry_run else "COMMIT")
        except BaseException:
            with suppress(StoreUnusable):
                self.rows("ROLLBACK")
            raise

    def settle(self, written: Sequence[tuple[Page, int, bytes]], gone: Sequence[str]) -> None:
        """Record pages that are now in place (with the number of their scope, and their text) or gone.

        The outbox is cleared of them.

        Not forced to disk: replaying the outbox once more finds the pages as they should be.
        """
        self.rows("PRAGMA synchronous = NORMAL")
        try:
            with self.atomic():
                for id_ in gone:
                    self._drop_page(id_)
                for page, scope, text in written:
                    self._record_page(page, scope, text)
                self._many("DELETE FROM outbox WHERE id = ?", [(id_,) for id_ in gone])
                self._many("DELETE FROM outbox WHERE id = ?", [(page.id,) for page, _, _ in written])
        finally:
            self.rows("PRAGMA synchronous = FULL")

    def promise(self, pages: Iterable[Page]) -> None:
        """Put pages into the outbox, to be written as their beliefs are now."""
        with self.atomic():
            self._many(
                "INSERT OR IGNORE INTO outbox (id, path, folded) VALUES (?, ?, ?)",
                [(page.id, page.path, folded(page.path)) for page in pages],
            )

    def _drop_page(self, id: str) -> None:
        self.rows("DELETE FROM page WHERE id = ?", id)
        self.rows("DELETE FROM base WHERE id = ?", id)

    def _record_page(self, page: Page, scope: int, text: bytes | None) -> None:
        """What both sides agree on; without a text, that of before holds."""
        self.rows("DELETE FROM page WHERE id = ?", page.id)
        self._insert(_PAGE, [_page_row(page, scope)])
        if text is not None:
            self._insert(_BASE, [(page.id, text)])

    def _scope_number(self, path: str) -> int:
        return int(self.one("SELECT n FROM scope WHERE path = ?", path)[0])

    def _add_index(self, belief: Belief, index: Indexed) -> None:
        (number,) = self.one("SELECT n FROM belief WHERE id = ?", belief.id)
        self._add_indexes([(number, self._scope_number(belief.scope), index)])

    def _add_indexes(self, indexes: Sequence[tuple[int, int, Indexed]]) -> None:
        """Add the retrieval rows of some beliefs, each with its row number and that of its scope."""
        held = [(n, scope, index.terms, sum(index.terms.values())) for n, scope, index in indexes if index.terms]
        postings: dict[tuple[int, str], list[tuple[int, float, float]]] = {}
        for n, scope, terms, length in held:
            for term, count in terms.items():
                postings.setdefault((scope, term), []).append((n, count, length))
        keys = sorted(postings)
        self._insert(
            "INTO posting (scope, term, belief, frequency, length)",
            [(*key, *posting) for key in keys for posting in postings[key]],
        )
        self._insert(
            "INTO frequency (scope, term, documents)",
            [(*key, len(postings[key])) for key in keys],
            "ON CONFLICT (scope, term) DO UPDATE SET documents = documents + excluded.documents",
        )
        self._insert(
            "INTO document (belief, scope, length, terms)",
            [(n, scope, length, " ".join(terms)) for n, scope, terms, length in held],
        )
        lengths: dict[int, list[float]] = {}
        for _, scope, _, length in held:
            lengths.setdefault(scope, []).append(length)
        self._many(
            "UPDATE scope SET documents = documents + ?, length = length + ? WHERE n = ?",
            [(len(all_), sum(all_), scope) for scope, all_ in lengths.items()],
        )
        self._insert(
            "OR IGNORE INTO surface (scope, key, belief, phrase, surface, origin)",
            sorted((scope, key, n, *rest) for n, scope, index in indexes for key, *rest in index.surfaces),
        )
        self._insert(
            "INTO spelling (scope, word, beliefs)",
            _counted(
                (scope, word)
                for _, scope, index in indexes
                for word in _spelt(phrase for _, phrase, _, _ in index.surfaces)
            ),
            "ON CONFLICT (scope, word) DO UPDATE SET beliefs = beliefs + excluded.beliefs",
        )
        self._insert("INTO unembedded (belief)", [(n,) for n, _, _ in indexes])

    def _remove_index(self, id: str) -> None:
        found = self.rows("SELECT n FROM belief WHERE id = ?", id)
        if not found:
            return
        number = found[0][0]
        surfaces = self.rows("SELECT DISTINCT scope, phrase FROM surface WHERE belief = ?", number)
        spelt = [(surfaces[0][0], word) for word in _spelt(phrase for _, phrase in surfaces)]
        self._many("UPDATE spelling SET beliefs = beliefs - 1 WHERE scope = ? AND word = ?", spelt)
        self._many("DELETE FROM spelling WHERE scope = ? AND word = ? AND beliefs <= 0", spelt)
        self.rows("DELETE FROM surface WHERE belief = ?", number)
        self.rows(
            "DELETE FROM sketch WHERE belief = ? AND scope = (SELECT scope FROM belief WHERE n = ?)", number, number
        )
        self.rows("DELETE FROM vector WHERE belief = ?", number)
        self.rows("DELETE FROM unembedded WHERE belief = ?", number)
        for scope, length, terms in self.rows("SELECT scope, length, terms FROM document WHERE belief = ?", number):
            keys = [(scope, term) for term in terms.split(" ")]
            self._many(
                "DELETE FROM posting WHERE scope = ? AND term = ? AND belief = ?", [(*key, number) for key in keys]
            )
            self._many("UPDATE frequency SET documents = documents - 1 WHERE scope = ? AND term = ?", keys)
            self._many("DELETE FROM frequency WHERE scope = ? AND term = ? AND documents <= 0", keys)
            # An empty scope weighs exactly nothing, whatever rounding left behind.
            self.rows(
                """UPDATE scope
                   SET documents = documents - 1,
                       length = CASE WHEN documents = 1 THEN 0 ELSE length - ? END
                   WHERE n = ?""",
                length, scope,
            )  # fmt: skip
            self.rows("DELETE FROM document WHERE belief = ?", number)

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """All of a block, or nothing of it."""
        self.rows("BEGIN IMMEDIATE")
        try:
            yield
            self.rows("COMMIT")
        except BaseException:
            with suppress(StoreUnusable):
                self.rows("ROLLBACK")
            raise

    def _insert(self, into: str, rows: Sequence[Sequence[Any]], then: str = "") -> None:
        """Insert rows: many in each statement, which takes a third of the time if they come in order."""
        whole = len(rows) // ROWS_AT_ONCE * ROWS_AT_ONCE
        together = [[*chain.from_iterable(rows[at : at + ROWS_AT_ONCE])] for at in range(0, whole, ROWS_AT_ONCE)]
        for at_once, given in ((ROWS_AT_ONCE, together), (1, rows[whole:])):
            if given:
                row = f"({','.join('?' * (len(given[0]) // at_once))})"
                self._many(f"INSERT {into} VALUES {','.join([row] * at_once)} {then}", given)

    def _many(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        try:
            self._connection.executemany(sql, values)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise _translation(error, self.path) from error


# -- the view of a session --------------------------------------------------------------------------


class View:
    """The part of the store that some scopes can see; nothing outside them influences an answer."""

    def __init__(self, store: Store, numbers: Sequence[int]) -> None:
        self._store = store
        self.numbers = list(numbers)
        """Row numbers of the scopes."""
        self._in = f"IN ({','.join(map(str, self.numbers))})"

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of a statement in which `:scopes` stands for `IN (…)` of the visible ones."""
        return self._store.rows(sql.replace(":scopes", self._in), *values)

    def one(self, sql: str, *values: Any) -> tuple[Any, ...]:
        """The one row that must be there, of such a statement.

        Raises: StoreUnusable if it is not.
        """
        return self._store.one(sql.replace(":scopes", self._in), *values)

    def beliefs(self, where: str = "1", *values: Any) -> list[Belief]:
        """Beliefs that meet a condition in SQL, oldest first."""
        return [
            _belief(row)
            for row in self.rows(
                f"SELECT {_COLUMNS} FROM belief WHERE scope :scopes AND {where} ORDER BY created, id", *values
            )
        ]

    def numbered(self, numbers: Iterable[int]) -> dict[int, Belief]:
        """Beliefs by row number."""
        wanted = list(numbers)
        found = {}
        for start in range(0, len(wanted), 500):
            part = ",".join(map(str, wanted[start : start + 500]))
            for row in self.rows(f"SELECT n, {_COLUMNS} FROM belief WHERE scope :scopes AND n IN ({part})"):
                found[row[0]] = _belief(row[1:])
        return found

    def by_id(self, ids: Iterable[str]) -> dict[str, Belief]:
        """Those of some beliefs that are visible."""
        wanted = sorted(ids)
        found: dict[str, Belief] = {}
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            found |= {one.id: one for one in self.beliefs(f"id IN ({','.join('?' * len(part))})", *part)}
        return found

    def faded(self, now: datetime, spans: float) -> int:
        """How many current beliefs were last used longer ago than so many times their stability."""
        return int(
            self.rows(
                """SELECT COUNT(*)
                   FROM belief
                   WHERE scope :scopes AND current AND NOT pinned AND ? - anchor > stability * 86400.0 * ?""",
                now.timestamp(), spans,
            )[0][0]
        )  # fmt: skip

    def belief(self, reference: str) -> Belief:
        """The belief with this id, the only current one of this name or alias, or whose id begins so (4 characters).

        A name that no current belief has may be that of one that was forgotten.

        Raises: UsageMistake if there is none, or more than one.
        """
        exact = self.beliefs("id = ?", reference)
        if exact:
            return exact[0]
        named = self.beliefs("name = ? AND current", reference) or self.beliefs(
            "current AND n IN (SELECT belief FROM surface WHERE scope :scopes AND surface = ?)", reference
        )
        if len(named) == 1:
            return named[0]
        low = reference.lower()
        begun = named or (self.beliefs("lower(substr(id, 1, ?)) = ?", len(low), low) if len(low) >= SHORTEST_ID else [])
        begun = begun or self.beliefs("name = ?", reference)
        if len(begun) > 1:
            ids = ", ".join(f"{belief.id} ({belief.name})" for belief in begun[:4])
            raise UsageMistake(f"{reference!r} means {len(begun)} beliefs: {ids}", "give an id")
        if not begun:
            hint = "mem list, or name its scope with --scope"
            if len(reference) < SHORTEST_ID:
                hint += f"; ids take {SHORTEST_ID} characters, and numbers mean a terminal's last list"
            close = meant(reference, self._close_to(reference), hint)
            raise UsageMistake(f"no belief {reference!r} is visible in the open scopes", close)
        return begun[0]

    def _close_to(self, reference: str) -> list[str]:
        """Names and ids of current beliefs that are about as long, and so may be what was meant."""
        found = self.rows(
            f"""SELECT DISTINCT name
                FROM belief
                WHERE scope :scopes AND current AND abs(length(name) - ?1) <= ?1 / 3
                UNION
                SELECT id
                FROM belief
                WHERE scope :scopes AND current AND length(id) = ?1
                LIMIT {MOST_CLOSE}""",
            len(reference),
        )
        return [name for (name,) in found]

    def conflicts(self, id: str) -> list[str]:
        """The other sides of all conflicts of a belief, open or settled, by id."""
        return [
            other
            for (other,) in self.rows(
                """SELECT CASE WHEN a = :id THEN b ELSE a END
                   FROM conflict JOIN belief ON belief.id = :id AND belief.scope :scopes
                   WHERE a = :id OR b = :id""".replace(":id", "?1"),
                id,
            )
        ]

    def contested(self) -> dict[str, list[str]]:
        """Visible beliefs in an open conflict, by id, each with the ids on the other side."""
        found: dict[str, list[str]] = {}
        for one, other in self.rows(
            """SELECT a, b
               FROM conflict CROSS JOIN belief ON belief.id = conflict.a
                   CROSS JOIN belief AS rival ON rival.id = conflict.b
               WHERE NOT settled AND belief.scope :scopes AND rival.scope :scopes"""  # conflicts are few, so first
        ):
            found.setdefault(one, []).append(other)
            found.setdefault(other, []).append(one)
        return found

    def proposals(self) -> dict[str, Proposal]:
        """What visible pending beliefs propose about others, by their id."""
        return {
            id_: Proposal(act, target)
            for id_, act, target in self.rows(
                """SELECT proposal.id, act, target
                   FROM proposal JOIN belief ON belief.id = proposal.id
                   WHERE scope :scopes AND review = 'pending'"""
            )
        }

    def notes(self) -> dict[str, str]:
        """What notes said when they were last ingested into one of these scopes (JSON), by path."""
        sql = "SELECT note.path, said FROM note JOIN scope ON scope.path = note.scope WHERE scope.n :scopes"
        return dict(self.rows(sql))

    def history(self, id: str) -> list[Version]:
        """The versions of a visible belief, oldest first, without those that were undone."""
        return [
            Version(
                Operation(n, kind, summary, source, parse_time(at), None),
                belief_of(before) if before else None,
                belief_of(after) if after else None,
            )
            for n, kind, summary, source, at, before, after in self.rows(
                """SELECT operation.n, operation.kind, summary, operation.source, operation.at, before, after
                   FROM change JOIN operation ON operation.n = change.operation
                   WHERE change.kind = 'belief' AND key = ? AND undone IS NULL
                       AND EXISTS (SELECT 1 FROM belief WHERE id = key AND scope :scopes)
                   ORDER BY operation.n, position""",
                id,
            )
        ]

    def later(self, moment: datetime) -> dict[int, tuple[Belief | None, Belief | None]]:
        """Visible beliefs that were changed after a moment, by row number: as they were before that, and after it."""
        found: dict[int, tuple[Belief | None, Belief | None]] = {}
        for n, before, after in self.rows(
            """SELECT belief.n, before, after
               FROM change
               JOIN operation ON operation.n = change.operation
               JOIN belief ON belief.id = change.key
               WHERE change.kind = 'belief' AND undone IS NULL AND operation.at > ? AND belief.scope :scopes
               ORDER BY operation.n, position""",
            time_text(moment),
        ):
            found.setdefault(n, (before and belief_of(before), after and belief_of(after)))
        return found

    def uses(self, id: str) -> int:
        """How many receipts hold a visible belief."""
        return int(
            self.rows(
                """SELECT COUNT(*)
                   FROM receipt_belief JOIN belief ON belief.id = receipt_belief.belief
                   WHERE scope :scopes AND belief.id = ?""",
                id,
            )[0][0]
        )

    def receipts(self, limit: int, id: str | None = None) -> list[Receipt]:
        """The latest receipts that hold a visible belief (or the one with this id), newest first."""
        found: dict[int, Receipt] = {}
        for n, key, at, command, agent, scopes, prompt, text, belief, section, because in self.rows(
            """SELECT receipt.n, receipt.key, receipt.at, command, agent, scopes, prompt, text,
                   receipt_belief.belief, section, because
               FROM receipt JOIN receipt_belief ON receipt = receipt.n
                   JOIN belief ON belief.id = receipt_belief.belief AND belief.scope :scopes
               WHERE receipt.n IN (SELECT DISTINCT receipt
                           FROM receipt_belief JOIN belief ON belief.id = receipt_belief.belief AND scope :scopes
                           WHERE ? IS NULL OR belief.id = ?
                           ORDER BY receipt DESC
                           LIMIT ?)
               ORDER BY receipt.n DESC, position""",
            id, id, limit,
        ):  # fmt: skip
            used = Used(belief, section, tuple(because.split(_FIELD)) if because else ())
            earlier = found[n].used if n in found else ()
            found[n] = Receipt(
                key, parse_time(at), command, agent, tuple(scopes.split(",")), prompt, text, (*earlier, used)
            )
        return list(found.values())

    def paths(self, id: str) -> list[str]:
        """Every path at which the page of a visible belief is or was."""
        return [
            path
            for (path,) in self.rows(
                """SELECT path
                   FROM page
                   WHERE id = ? AND scope :scopes
                   UNION
                   SELECT page
                   FROM change JOIN belief ON belief.id = key AND belief.scope :scopes
                   WHERE kind = 'belief' AND key = ? AND page IS NOT NULL""",
                id, id,
            )
        ]  # fmt: skip

    def pages(self) -> list[Page]:
        """The pages of the visible scopes as last agreed."""
        return [Page(*row) for row in self.rows("SELECT id, path, hash, mtime, size FROM page WHERE scope :scopes")]

    def page(self, id: str) -> Page | None:
        """The page of one belief as last agreed, or None."""
        found = self.rows("SELECT id, path, hash, mtime, size FROM page WHERE scope :scopes AND id = ?", id)
        return Page(*found[0]) if found else None

    def counts(self) -> dict[str, int]:
        """How many beliefs there are: `current`, `pending`, `questions` that are open, and `all`."""
        row = self.rows(
            """SELECT COALESCE(SUM(current), 0),
                      COALESCE(SUM(review = 'pending' AND status IN ('active', 'inferred', 'exploratory')), 0),
                      COALESCE(SUM(current AND type = 'question'), 0),
                      COUNT(*)
               FROM belief
               WHERE scope :scopes"""
        )[0]
        return {"current": row[0], "pending": row[1], "questions": row[2], "all": row[3]}


def _belief(row: Sequence[Any]) -> Belief:
    try:
        return _read_row(row)
    except ValueError as error:
        raise StoreUnusable(
            f"the row of belief {row[0]} in the database is damaged ({error})",
            "mem doctor --rebuild db makes a new one from the pages",
        ) from error


def _read_row(row: Sequence[Any]) -> Belief:
    (id_, type_, name, content, scope, aliases, why, status, review, confidence, pinned, archived,
     superseded_by, participants, relation, valid_from, valid_until, created, updated, confirmed, stability,
     source, session, at) = row  # fmt: skip
    return Belief(
        id_, type_, name, content, scope,
        _unpacked(aliases),
        why, status, review, confidence, bool(pinned), bool(archived), superseded_by,
        tuple(participants.split()),
        relation, _time(valid_from), _time(valid_until), datetime.fromisoformat(created),
        datetime.fromisoformat(updated), _time(confirmed), stability, source, session,
        datetime.fromisoformat(at),
    )  # fmt: skip


# Aliases in one column, split by control characters that no alias can hold: reading them at every prompt
# must not cost the import of a parser.
_FIELD, _ALIAS = "\x1f", "\x1e"


def _packed(aliases: Iterable[Alias]) -> str:
    return _ALIAS.join(_FIELD.join((entry.text, repr(entry.weight), entry.origin)) for entry in aliases)


def _unpacked(column: str) -> tuple[Alias, ...]:
    if not column:
        return ()
    rows = (entry.split(_FIELD) for entry in column.split(_ALIAS))
    return tuple(Alias(surface, float(weight), origin) for surface, weight, origin in rows)


def _time(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _time_text(moment: datetime | None) -> str | None:
    return None if moment is None else time_text(moment)


# -- one act ----------------------------------------------------------------------------------------


class Transaction:
    """The writes of one act; each remembers what it replaced."""

    def __init__(self, store: Store, kind: str, summary: str, source: str, now: datetime) -> None:
        self.store = store
        self.summary = summary
        self.now = now
        self._changes: list[Change] = []
        self._places: dict[str, str] = {}
        """Where pages were before this act agreed to another place."""
        self.files: dict[str, str | None] = {}
        """What is carried out once nothing can refuse any more: a path outside the tree to its text, or None."""
        rows = store.rows(
            "INSERT INTO operation (kind, summary, source, at) VALUES (?, ?, ?, ?) RETURNING n",
            kind, summary, source, time_text(now),
        )  # fmt: skip
        self._operation = int(rows[0][0])

    def _close(self) -> None:
        if not self._changes:  # nothing happened: leave no trace of it
            self.store.rows("DELETE FROM operation WHERE n = ?", self._operation)
            return
        self.store.rows("UPDATE operation SET summary = ? WHERE n = ?", self.summary, self._operation)
        self.store._many(
            """INSERT INTO change (operation, position, kind, key, before, after, page, number)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
            [(self._operation, at, *change) for at, change in enumerate(self._changes)],
        )

    def put(self, belief: Belief, index: Indexed, page: str | None, number: int | None = None) -> None:
        """Store a belief as it is now, with its retrieval rows and the path that its page shall have.

        `number` is the row number of one that was taken out.
        """
        self.set_scope(belief.scope, True)
        before = self._before(belief.id)
        self.store._remove_index(belief.id)
        self._write_belief(belief, number)
        self.store._add_index(belief, index)
        self._promise(belief.id, page)
        self._changes.append(Change("belief", belief.id, before, _dump(to_record(belief)), self._place(belief.id)))

    def remove(self, id: str) -> None:
        """Take a belief out as if it had never been; for undoing what made it."""
        before = self._before(id)
        self.store._remove_index(id)
        (number,) = self.store.one("DELETE FROM belief WHERE id = ? RETURNING n", id)
        self._promise(id, None)
        self._changes.append(Change("belief", id, before, None, self._place(id), number))

    def adopt(self, adopted: Sequence[tuple[Belief, Indexed, Page, bytes]]) -> dict[int, Belief]:
        """Take in new beliefs whose pages are in place already; nothing that undo would take away.

        Returns them by row number.
        """
        store = self.store
        store._many("INSERT OR IGNORE INTO scope (path) VALUES (?)", dict.fromkeys((one.scope,) for one, *_ in adopted))
        numbers = dict(store.rows("SELECT path, n FROM scope"))
        first = store.one("SELECT COALESCE(MAX(n), 0) + 1 FROM belief")[0]
        rows = [(n, numbers[one[0].scope], *one) for n, one in enumerate(adopted, first)]
        store._insert(_BELIEF, [_row(n, scope, belief) for n, scope, belief, *_ in rows])
        store._add_indexes([(n, scope, index) for n, scope, _, index, *_ in rows])
        store._insert(_PAGE, sorted(_page_row(page, scope) for _, scope, *_, page, _ in rows))
        store._insert(_BASE, [(belief.id, text) for _, _, belief, _, _, text in rows])
        return {n: belief for n, _, belief, *_ in rows}

    def bring(self, belief: Belief, index: Indexed) -> None:
        """Take in a belief that has no page, from a database of before; nothing that undo would take away."""
        self._write_belief(belief)
        self.store._add_index(belief, index)

    def agree(self, page: Page, scope: str | None, text: bytes | None) -> None:
        """Record the page of a belief as it is on the disk (None: with the scope, and the text, that it had).

        No act of the user, and undone by nothing.
        """
        known = self.store.rows("SELECT scope, path FROM page WHERE id = ?", page.id)
        if known:
            self._places.setdefault(page.id, known[0][1])
        self.store._record_page(page, self.store._scope_number(scope) if scope else known[0][0], text)

    def keep(self, id: str) -> None:
        """Say that the page of a belief says what was decided, so that nothing is left to write."""
        self.store.rows("DELETE FROM outbox WHERE id = ?", id)

    def vacate(self, id: str) -> None:
        """Make room at the path of a page that is about to be recorded elsewhere."""
        self.store.rows("UPDATE page SET folded = 'moving ' || id WHERE id = ?", id)

    def stay(self, id: str) -> None:
        """Leave a page for which room was made where it is."""
        for (path,) in self.store.rows("SELECT path FROM page WHERE id = ?", id):
            self.store.rows("UPDATE page SET folded = ? WHERE id = ?", folded(path), id)

    def drop_page(self, id: str) -> None:
        """Record that a belief has no page any more."""
        self.store._drop_page(id)

    def hold(self, held: Iterable[Held]) -> None:
        """Say which pages wait for a decision; those of before do not any more."""
        self.store.rows("DELETE FROM held")
        self.store._many("INSERT INTO held (path, id, hash, kind) VALUES (?, ?, ?, ?)", held)

    def hold_also(self, held: Held) -> None:
        """Say that one more page waits, or what another one waits for now."""
        self.store._many("INSERT OR REPLACE INTO held (path, id, hash, kind) VALUES (?, ?, ?, ?)", [held])

    def release(self, path: str) -> None:
        """Say that a page waits no longer."""
        self.store.rows("DELETE FROM held WHERE path = ?", path)

    def set_scope(self, path: str, present: bool) -> None:
        """Declare a scope, or take back the declaration of one that holds nothing."""
        before = self.store.rows("SELECT 1 FROM scope WHERE path = ?", path)
        if bool(before) == present:
            return
        if present:
            self.store.rows("INSERT INTO scope (path) VALUES (?)", path)
        else:
            self.store.rows("DELETE FROM scope WHERE path = ?", path)
        self._changes.append(Change("scope", path, "{}" if before else None, "{}" if present else None))

    def set_conflict(self, one: str, other: str, state: str | None) -> None:
        """Make the conflict between two beliefs (by id) `open` or `settled`, or None for no conflict."""
        a, b = sorted((one, other))
        found = self.store.rows("SELECT settled FROM conflict WHERE a = ? AND b = ?", a, b)
        before = ("settled" if found[0][0] else "open") if found else None
        if before == state:
            return
        self.store.rows("DELETE FROM conflict WHERE a = ? AND b = ?", a, b)
        if state is not None:
            self.store.rows("INSERT INTO conflict (a, b, settled) VALUES (?, ?, ?)", a, b, state == "settled")
        self._changes.append(Change("conflict", f"{a} {b}", before and _dump(before), state and _dump(state)))

    def set_proposal(self, id: str, proposal: Proposal | None) -> None:
        """Let a pending belief propose something about another one, or nothing any more."""
        found = self.store.rows("SELECT act, target FROM proposal WHERE id = ?", id)
        before = Proposal(*found[0]) if found else None
        if before == proposal:
            return
        self.store.rows("DELETE FROM proposal WHERE id = ?", id)
        if proposal is not None:
            self.store.rows("INSERT INTO proposal (id, act, target) VALUES (?, ?, ?)", id, *proposal)
        self._changes.append(Change("proposal", id, before and _dump(before), proposal and _dump(proposal)))

    def set_note(self, scope: str, path: str, said: str | None) -> None:
        """Record what a note said when it was ingested into a scope, or that there is no such note."""
        found = self.store.rows("SELECT said FROM note WHERE scope = ? AND path = ?", scope, path)
        before = found[0][0] if found else None
        if before == said:
            return
        self.store.rows("DELETE FROM note WHERE scope = ? AND path = ?", scope, path)
        if said is not None:
            self.store.rows("INSERT INTO note (scope, path, said) VALUES (?, ?, ?)", scope, path, said)
        self._changes.append(Change("note", f"{scope} {path}", before, said))

    def set_mapping(self, directory: str, scope: str | None) -> None:
        """Map a directory to a scope, or take the mapping away."""
        self._set("mapping", "directory", directory, scope)

    def set_remote(self, url: str, scope: str | None) -> None:
        """Record which scope a repository's remote is, or forget it."""
        self._set("remote", "url", url, scope)

    def _set(self, table: str, column: str, key: str, scope: str | None) -> None:
        found = self.store.rows(f"SELECT scope FROM {table} WHERE {column} = ?", key)
        before = found[0][0] if found else None
        if before == scope:
            return
        self.store.rows(f"DELETE FROM {table} WHERE {column} = ?", key)
        if scope is not None:
            self.store.rows(f"INSERT INTO {table} ({column}, scope) VALUES (?, ?)", key, scope)
        self._changes.append(Change(table, key, before and _dump(before), scope and _dump(scope)))

    def mark_undone(self, operation: int) -> None:
        """Say that an act has been undone, leaving no act of its own behind."""
        self.store.rows("UPDATE operation SET undone = ? WHERE n = ?", time_text(self.now), operation)
        self._changes.clear()

    def set_settings(self, path: str, before: str | None, after: str) -> None:
        """Give the settings file another text."""
        self.files[path] = after
        self._changes.append(Change("settings", path, None if before is None else _dump(before), _dump(after)))

    def promise(self, id: str, page: str) -> None:
        """Let the page of a belief be written to another path than was decided."""
        self._promise(id, page)

    def _promise(self, id: str, page: str | None) -> None:
        for other, path in self.store.rows(
            "SELECT id, path FROM outbox WHERE folded = ? AND id <> ?", page and folded(page), id
        ):
            self._promise(other, f"{path.removesuffix('.md')}--{other}.md")  # it was to have a place that is taken now
        self.store.rows(
            "INSERT OR REPLACE INTO outbox (id, path, folded) VALUES (?, ?, ?)", id, page, page and folded(page)
        )

    def _place(self, id: str) -> str | None:
        found = self.store.rows("SELECT path FROM page WHERE id = ?", id)
        return self._places.get(id) or (found[0][0] if found else None)

    def _before(self, id: str) -> str | None:
        found = self.store.rows(f"SELECT {_COLUMNS} FROM belief WHERE id = ?", id)
        return _dump(to_record(_belief(found[0]))) if found else None

    def _write_belief(self, belief: Belief, number: int | None = None) -> None:
        self.store.rows("INSERT OR IGNORE INTO scope (path) VALUES (?)", belief.scope)
        known = self.store.rows("SELECT n FROM belief WHERE id = ?", belief.id)
        if number is not None and self.store.rows("SELECT 1 FROM belief WHERE n = ?", number):
            number = None  # another belief has it by now
        row = _row(known[0][0] if known else number, self.store._scope_number(belief.scope), belief)
        self.store._insert(_BELIEF, [row])


_BELIEF = "OR REPLACE INTO belief"
_PAGE = "INTO page (scope, id, path, folded, hash, mtime, size)"
_BASE = "OR REPLACE INTO base (id, text)"


def _row(number: int | None, scope: int, belief: Belief) -> tuple[Any, ...]:
    """A belief in the order of the columns; without a number it gets a new one."""
    return (
        number, belief.id, scope, belief.type, belief.name, belief.content, _packed(belief.aliases), belief.why,
        belief.status, belief.review, belief.confidence, belief.pinned, belief.archived, belief.superseded_by,
        " ".join(belief.participants), belief.relation, _time_text(belief.valid_from), _time_text(belief.valid_until),
        time_text(belief.created), time_text(belief.updated), _time_text(belief.confirmed), belief.stability,
        belief.source, belief.session, time_text(belief.at), belief.current, belief.anchor.timestamp(),
    )  # fmt: skip


def _page_row(page: Page, scope: int) -> tuple[Any, ...]:
    return scope, page.id, page.path, folded(page.path), page.hash, page.mtime, page.size


def _counted(keys: Iterable[tuple[int, str]]) -> list[tuple[int, str, int]]:
    """How often each key of a scope occurs, in the order in which such rows are kept."""
    counts: dict[tuple[int, str], int] = {}
    for key in keys:
        counts[key] = counts.get(key, 0) + 1
    return [(*key, counts[key]) for key in sorted(counts)]


def _spelt(phrases: Iterable[str]) -> list[str]:
    """The distinct words of some phrases in which a slip of the finger is forgiven."""
    words = {word for phrase in phrases for word in phrase.split(" ")}
    return sorted(word for word in words if len(word) >= MISTYPED and word.isalpha())


def belief_of(change: str) -> Belief:
    """The belief in one side of a change."""
    import json

    record = json.loads(change)
    return from_record(record, id=record["id"], now=parse_time(record["created"]), source="user")


def _dump(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def folded(path: str) -> str:
    """A path as a file system without case or Unicode forms sees it."""
    import unicodedata

    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())


# -- the lock and SQLite's complaints ---------------------------------------------------------------


@contextmanager
def locked(path: str, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold the one lock that every write and checkpoint needs.

    Raises: Busy if another process holds it for longer than that; StoreUnusable if it cannot be made.
    """
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unusable(error, path) from error
        try:
            _wait_for(descriptor, path, seconds)
            if _is_at(descriptor, path):  # else it was moved while this one waited, and keeps nobody out
                yield
                return
        finally:
            os.close(descriptor)  # lets the lock go


def _is_at(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _wait_for(descriptor: int, path: str, seconds: float) -> None:
    import fcntl
    import signal

    def give_up(*_: object) -> None:
        raise TimeoutError

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except TimeoutError:
        raise Busy(
            f"another mem has been writing for {seconds:g} seconds and holds {path}; nothing was written",
            "try again",
        ) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def _uri(path: str) -> str:
    escaped = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")  # what a URI gives a meaning
    return f"file:{escaped}"


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


ENDINGS = ("", "-wal", "-shm")
"""Of the files that make up a database."""


def backups(database: str) -> str:
    """The folder of the copies that mem makes of a database, and of those that it replaced."""
    return os.path.join(os.path.dirname(database), "backups")


def _connect(path: str, mode: str) -> sqlite3.Connection:
    with _translated(path):
        return sqlite3.connect(f"{_uri(path)}?mode={mode}", uri=True, isolation_level=None, timeout=10)


@contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise _translation(error, path) from error


def _translation(error: Exception, path: str) -> StoreUnusable:
    # SQLite quotes damaged text in its complaint
    return damaged(path) if isinstance(error, UnicodeDecodeError) else unusable(error, path)


def damaged(path: str) -> StoreUnusable:
    """Our error for a database that cannot be read."""
    return StoreUnusable(
        f"the database {path} is damaged; the pages in the memory folder are not",
        "mem doctor --rebuild db makes a new one from the pages, and keeps this one",
    )


def missing(path: str) -> StoreUnusable:
    """Our error for a database that a memory folder points to and that is not there."""
    return StoreUnusable(f"the database {path} is missing", "mem init makes a new one from the pages")


def unusable(error: Exception, path: str) -> StoreUnusable:
    """Our error for what the system or SQLite said of a file."""
    import errno

    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    number = getattr(error, "errno", 0)
    said = getattr(error, "strerror", None) or error
    if code == sqlite3.SQLITE_FULL or number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StoreUnusable(f"the disk that holds {path} is full; nothing was lost", "free some space, then try again")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(path)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN) or number in (
        errno.EROFS, errno.EACCES, errno.EPERM,
    ):  # fmt: skip
        return StoreUnusable(f"{path} cannot be written or opened ({said})", "check its permissions and its folder's")
    hint = "check that the disk has room and works" if code == sqlite3.SQLITE_IOERR else "mem doctor"
    return StoreUnusable(f"{path} cannot be used ({said})", hint)
