"""Bad weather: disks that are full, read-only or damaged, other processes, signals, and bytes that are no text.

Whatever happens, a failure is one sentence with its status, what was acknowledged is still there, and
what was not asked for is not touched.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from mem.errors import Busy
from mem.store import locked
from tests.conftest import BIN, Mem, Result, environment

Process = Callable[..., Result]

NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}
"""Python itself does not survive a full disk: it leaves its own compiled files cut short."""

UNPRIVILEGED = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
"""Makes permissions count for root too."""


@pytest.fixture
def process(tmp_path: Path) -> Process:
    """Run mem in a process of its own; arguments may be bytes, `before` is put in front, `limit` is RLIMIT_FSIZE."""

    def run(*line: str | bytes, stdin: bytes = b"", before: Any = (), limit: int | None = None, **env: Any) -> Result:
        def limited() -> None:
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        done = subprocess.run(
            [*before, BIN / "mem", *line], input=stdin, capture_output=True, check=False, timeout=60,
            env=environment(tmp_path) | NO_BYTECODE | env, cwd=tmp_path, preexec_fn=limited,
        )  # fmt: skip
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def store(mem: Mem, tmp_path: Path) -> Path:
    """The database of a home with three beliefs."""
    for line in ("Postgres is the store of record.", "I prefer short answers.", "Kafka is our queue."):
        assert mem("remember", line).status == 0
    [path] = tmp_path.glob("home/data/mem/*/memory.db")
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder that holds something, without git's own."""
    files = [path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts]
    return {str(path): path.read_bytes() for path in files if path.stat().st_size}


def pages(tmp_path: Path) -> dict[str, bytes]:
    return {name: data for name, data in contents(tmp_path / "home" / "mem").items() if name.endswith(".md")}


def one_sentence(result: Result, status: int) -> None:
    """The failure was told as mem tells them: its status, one sentence, at most one hint, nothing else."""
    first, *rest = result.err.splitlines() or [""]
    assert (result.status, first[:5]) == (status, "mem: "), result
    assert len(rest) <= 1 and all(line.startswith("  try: ") for line in rest), result.err


def told(mem: Mem) -> list[str]:
    """The contents of all beliefs."""
    return [line.split("\t")[5] for line in mem("list", "--all").out.splitlines()]


# -- places that cannot be used ---------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["MEM_HOME", "XDG_DATA_HOME"])
def test_a_place_below_a_file_is_refused_in_one_sentence(process: Process, tmp_path: Path, variable: str) -> None:
    (tmp_path / "file").write_text("mine")
    one_sentence(process("remember", "I prefer tea.", **{variable: str(tmp_path / "file" / "below")}), 5)
    assert (tmp_path / "file").read_text() == "mine"
    assert not pages(tmp_path)


@pytest.mark.parametrize("line", [("recall", "tea"), ("inject", "tea"), ("list",), ("export",), ("doctor",)])
def test_reading_a_home_below_a_file_finds_nothing(process: Process, tmp_path: Path, line: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("mine")
    result = process(*line, MEM_HOME=str(tmp_path / "file" / "below"))
    assert (result.status, "Traceback" in result.err) == (int(line[0] == "recall"), False)


def test_a_file_in_the_place_of_a_page_folder_delays_the_page_only(process: Process, mem: Mem, tmp_path: Path) -> None:
    assert mem("init").status == 0
    stone = tmp_path / "home" / "mem" / "user"
    stone.write_text("mine")
    failed = process("remember", "Postgres is the store of record.")
    one_sentence(failed, 5)
    assert "the belief is stored" in failed.err and stone.read_text() == "mine"
    stone.unlink()
    assert process("remember", "Kafka is our queue.").status == 0
    assert (process("doctor").status, len(pages(tmp_path)), len(told(mem))) == (0, 2, 2)


@contextmanager
def without(bits: int, *places: Path) -> Iterator[None]:
    """Take permissions away for a while."""
    modes = {path: path.stat().st_mode for path in places}
    for path, mode in modes.items():
        path.chmod(mode & ~bits)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


AS_USER = UNPRIVILEGED if os.geteuid() == 0 else []
needs_permissions = pytest.mark.skipif(bool(AS_USER) and not shutil.which("setpriv"), reason="root may do everything")


@needs_permissions
@pytest.mark.parametrize("warmed", [False, True], ids=["cold", "after a reader"])
def test_a_read_only_home_can_be_read_and_is_not_written(
    process: Process, mem: Mem, store: Path, tmp_path: Path, warmed: bool
) -> None:
    if warmed:
        mem("recall", "postgres")
    before = contents(tmp_path / "home")
    with without(0o222, tmp_path / "home", *(tmp_path / "home").rglob("*")):
        assert process("recall", "postgres", before=AS_USER).status == 0
        assert "Postgres" in process("inject", "postgres", before=AS_USER).out
        one_sentence(process("remember", "I prefer tea.", before=AS_USER), 5)
        assert contents(tmp_path / "home") == before


@needs_permissions
@pytest.mark.parametrize("line", [("recall", "tea"), ("inject", "tea"), ("remember", "Tea."), ("list",), ("doctor",)])
@pytest.mark.parametrize("place", ["mem", "data"])
def test_a_home_that_may_not_be_opened_is_refused(
    process: Process, store: Path, tmp_path: Path, place: str, line: tuple[str, ...]
) -> None:
    with without(0o777, tmp_path / "home" / place):
        one_sentence(process(*line, before=AS_USER), 5)


@needs_permissions
@pytest.mark.parametrize("name", ["postgres_store_record.md", "."])
def test_a_page_that_may_not_be_read_is_not_said_to_be_gone(
    process: Process, store: Path, tmp_path: Path, name: str
) -> None:
    with without(0o777, tmp_path / "home" / "mem" / "user" / "facts" / name):
        result = process("recall", "postgres", before=AS_USER)
        assert result.status in (0, 5) and "is gone" not in result.err and "Traceback" not in result.err


# -- a full disk ------------------------------------------------------------------------------------

LONG = "Kafka " + "keeps what it is told, " * 600


@pytest.mark.parametrize("limit", [0, 100, 4_096, 20_000, 40_000, 60_000, 100_000])
def test_a_full_disk_loses_nothing_that_was_acknowledged(
    process: Process, mem: Mem, store: Path, tmp_path: Path, limit: int
) -> None:
    before = told(mem)
    one_sentence(process("remember", LONG + "once.", limit=limit), 5)
    assert set(before) <= set(told(mem))
    assert process("remember", "A disk with room.").status == 0
    assert {*before, "A disk with room."} <= set(told(mem))
    assert mem("doctor") == (0, mem("doctor").out, "")
    assert len(pages(tmp_path)) == len(told(mem))


@pytest.mark.parametrize("limit", [0, 5, 12, 20, 40, 100, 20_000, 100_000])
def test_a_home_that_a_full_disk_left_half_made_is_finished_later(
    process: Process, mem: Mem, tmp_path: Path, limit: int
) -> None:
    full = process("remember", "I prefer tea.", limit=limit)
    assert (full.status, "Traceback" in full.err) == (5, False), full.err
    assert process("remember", "I prefer coffee.").status == 0
    home = tmp_path / "home" / "mem"
    version, store_id = (home / ".mem" / "format").read_text().splitlines()
    assert (version, len(store_id)) == ("format: 1", len("store: 12345678"))
    assert ".mem/local/" in (home / ".gitignore").read_text().splitlines()
    assert subprocess.run(["git", "-C", home, "status"], capture_output=True, check=False).returncode == 0
    assert (told(mem), mem("doctor").status) == (["I prefer coffee."], 0)


@pytest.mark.parametrize("limit", [40, 100, 100_000])
def test_a_full_disk_leaves_no_litter(process: Process, tmp_path: Path, limit: int) -> None:
    full = process("remember", "I prefer tea.", limit=limit)
    assert (full.status, "Traceback" in full.err) == (5, False), full.err
    assert process("remember", "I prefer coffee.").status == 0
    local = tmp_path / "home" / "mem" / ".mem" / "local"
    assert sorted(path.name for path in local.iterdir()) == ["lock", "replica"]
    assert len([*tmp_path.glob("home/data/mem/*")]) == 1


FILL = """
mkdir "$DISK" && mount -t tmpfs -o size="$SIZE" tmpfs "$DISK" || exit 99
for n in $(seq 30); do
    mem remember --name "number $n" - < text > /dev/null 2> error || { echo "$? $((n - 1))"; break; }
done
mount -o remount,size=64m "$DISK"
cat error >&2
mem remember --name another 'A disk with room.' > /dev/null
mem doctor > /dev/null && mem list --all | cut -f 5
"""
MAY_MOUNT = subprocess.run(
    ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
)


@pytest.mark.skipif(not MAY_MOUNT, reason="a small disk cannot be mounted here")
@pytest.mark.parametrize("size", ["700k", "900k"])
@pytest.mark.parametrize("small", [["MEM_HOME"], ["XDG_DATA_HOME"], ["MEM_HOME", "XDG_DATA_HOME"]], ids="+".join)
def test_a_disk_that_fills_up_loses_nothing_that_was_acknowledged(tmp_path: Path, small: list[str], size: str) -> None:
    (tmp_path / "text").write_text("Kafka keeps it. " * 3_900)
    disk = tmp_path / "disk"
    moved = {variable: str(disk / variable) for variable in small}
    done = subprocess.run(
        ["unshare", "-rm", "bash", "-c", FILL], capture_output=True, text=True, check=False, timeout=120,
        env=environment(tmp_path) | NO_BYTECODE | moved | {"DISK": str(disk), "SIZE": size}, cwd=tmp_path,
    )  # fmt: skip
    ended, *names = done.stdout.splitlines()
    status, acknowledged = map(int, ended.split())
    one_sentence(Result(status, "", done.stderr), 5)
    assert done.returncode == 0 and 0 < acknowledged < 30, done
    assert {f"number_{n + 1}" for n in range(acknowledged)} | {"another"} <= set(names)


# -- a damaged database -----------------------------------------------------------------------------


def garbage(data: bytes) -> bytes:
    return b"\xde\xad\xbe\xef" * 25 + data[100:]


def cut_in_half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def cut_in_the_header(data: bytes) -> bytes:
    return data[:50]


def emptied(data: bytes) -> bytes:
    return b""


def overwritten_after_the_first_page(data: bytes) -> bytes:
    return data[:4096] + b"\xff" * (len(data) - 4096)


def damaged_schema(data: bytes) -> bytes:
    return data.replace(b"ON belief (scope, name)", b"ON belie\xff (scope, name)")


def damaged_time(data: bytes) -> bytes:
    return data.replace(b"2026-11-21T10:00:00Z", b"2026-\xff\xfe-21T10:00:00Z")


def impossible_time(data: bytes) -> bytes:
    return data.replace(b"2026-11-21T10:00:00Z", b"2026-99-21T10:00:00Z")


WHOLE = (garbage, cut_in_half, cut_in_the_header, emptied, overwritten_after_the_first_page, damaged_schema)
COMMANDS = (("recall", "postgres"), ("inject", "postgres"), ("list",), ("export",), ("remember", "Tea."), ("doctor",))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda line: line[0])
@pytest.mark.parametrize("damage", WHOLE)
def test_a_damaged_database_is_reported_and_not_touched(
    mem: Mem, store: Path, tmp_path: Path, damage: Callable[[bytes], bytes], command: tuple[str, ...]
) -> None:
    store.write_bytes(damage(store.read_bytes()))
    before = store.read_bytes(), contents(tmp_path / "home" / "mem")
    one_sentence(mem(*command), 5)
    assert (store.read_bytes(), contents(tmp_path / "home" / "mem")) == before


@pytest.mark.parametrize("command", [("list",), ("export",), ("recall", "postgres")], ids=lambda line: line[0])
@pytest.mark.parametrize("damage", [damaged_time, impossible_time])
def test_a_damaged_row_is_reported(
    mem: Mem, store: Path, damage: Callable[[bytes], bytes], command: tuple[str, ...]
) -> None:
    store.write_bytes(damage(store.read_bytes()))
    one_sentence(mem(*command), 5)


def test_a_database_that_is_gone_is_not_quietly_begun_anew(process: Process, store: Path, tmp_path: Path) -> None:
    store.unlink()
    before = contents(tmp_path / "home" / "mem")
    one_sentence(process("recall", "postgres"), 5)
    one_sentence(process("remember", "I prefer tea."), 5)
    assert contents(tmp_path / "home" / "mem") == before


def test_no_damaged_page_of_the_database_ends_in_a_traceback(mem: Mem, store: Path) -> None:
    sound, chance = store.read_bytes(), random.Random(1)
    seen = set()
    for at in range(0, len(sound), 4096):
        store.write_bytes(sound[:at] + chance.randbytes(4096) + sound[at + 4096 :])
        for left in store.parent.glob("memory.db-*"):
            left.unlink()
        seen |= {mem(*command).status for command in (("recall", "postgres"), ("inject", "kafka"), ("list",))}
    assert 5 in seen and seen <= {0, 1, 5}


def test_no_table_that_lost_its_rows_ends_in_a_traceback(mem: Mem, store: Path, tmp_path: Path) -> None:
    sound = store.read_bytes()
    [page] = (tmp_path / "home" / "mem").rglob("facts/*.md")
    seen: dict[str, set[int]] = {}
    lines = ("recall", "postgres"), ("list",), ("sync",), ("remember", "Tea."), ("doctor",)
    for table in ("scope", "belief", "page", "base", "document", "operation"):
        for left in store.parent.glob("memory.db-*"):
            left.unlink()
        store.write_bytes(sound)
        with closing(sqlite3.connect(store, isolation_level=None)) as database:
            database.execute(f"DELETE FROM {table}")
        page.write_text(page.read_text() + f"\nAnd {table}.\n")  # so that both sides are looked at
        seen[table] = {mem(*line).status for line in lines}
    assert set().union(*seen.values()) <= {0, 1, 2, 3, 5}, seen
    assert 5 in seen["belief"]


def test_a_newer_database_is_left_byte_for_byte(mem: Mem, store: Path) -> None:
    with sqlite3.connect(store) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    before = store.read_bytes()
    for command in COMMANDS:
        result = mem(*command)
        one_sentence(result, 5)
        assert "newer" in result.err
    assert store.read_bytes() == before


def test_the_database_of_another_program_is_left_byte_for_byte(mem: Mem, store: Path) -> None:
    with sqlite3.connect(store) as database:
        database.execute("PRAGMA application_id = 7")
    database.close()
    before = store.read_bytes()
    for command in COMMANDS:
        one_sentence(mem(*command), 5)
    assert store.read_bytes() == before


# -- other processes --------------------------------------------------------------------------------

HOLDER = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, 2); print('held', flush=True); sys.stdin.read()"


@contextmanager
def held(tmp_path: Path) -> Iterator[str]:
    """The path of the lock, while another process holds it."""
    path = str(tmp_path / "home" / "mem" / ".mem" / "local" / "lock")
    with subprocess.Popen([sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout and other.stdout.readline() == b"held\n"
        yield path
        other.communicate()


def test_a_lock_that_stays_held_is_busy(store: Path, tmp_path: Path) -> None:
    with held(tmp_path) as path:
        with pytest.raises(Busy) as raised, locked(path, 0.05):
            pytest.fail("the lock was taken twice")
        assert (raised.value.exit_code, path in raised.value.message) == (75, True)
    with locked(path, 0.05):
        pass


IMPATIENT = """
import sys
from mem import __main__, store
store.locked.__wrapped__.__defaults__ = (0.05,)
sys.exit(__main__.run(sys.argv[1:]))
"""


@pytest.mark.parametrize("first", [False, True], ids=["known home", "first write"])
def test_a_write_against_a_held_lock_ends_with_75_and_writes_nothing(mem: Mem, tmp_path: Path, first: bool) -> None:
    local = tmp_path / "home" / "mem" / ".mem" / "local"
    if first:
        local.mkdir(parents=True)
        (local / "lock").touch()
    else:
        mem("init")
    before = sorted((tmp_path / "home").rglob("*")), contents(tmp_path / "home")
    with held(tmp_path):
        done = subprocess.run(
            [sys.executable, "-c", IMPATIENT, "remember", "I prefer tea."],
            capture_output=True, env=environment(tmp_path), cwd=tmp_path, check=False,
        )  # fmt: skip
    one_sentence(Result(done.returncode, "", done.stderr.decode()), 75)
    assert (sorted((tmp_path / "home").rglob("*")), contents(tmp_path / "home")) == before


def test_a_reader_leaves_the_log_of_a_crashed_writer_to_the_next_writer(mem: Mem, store: Path) -> None:
    log = store.with_name("memory.db-wal")
    with closing(sqlite3.connect(store)) as other:  # as long as it is open, the log stays
        other.execute("SELECT COUNT(*) FROM belief").fetchall()
        assert mem("remember", "Tea is served.").status == 0
        before = store.read_bytes(), log.read_bytes()
    store.write_bytes(before[0])
    log.write_bytes(before[1])
    assert (mem("recall", "tea").status, mem("inject", "tea").status) == (0, 0)
    assert before[1] and (store.read_bytes(), log.read_bytes()) == before
    assert mem("doctor").status == 0


def test_reading_does_not_wait_for_the_lock(process: Process, store: Path, tmp_path: Path) -> None:
    with held(tmp_path):
        assert process("recall", "postgres").status == 0
        assert "Postgres" in process("inject", "postgres").out


def waits_for_a_lock(process: subprocess.Popen[bytes]) -> bool:
    lines = Path("/proc/locks").read_text().splitlines()
    return any("->" in line and f" {process.pid} " in line for line in lines)


@pytest.mark.skipif(not os.access("/proc/locks", os.R_OK), reason="who waits for a lock cannot be seen here")
def test_an_interrupt_while_waiting_for_the_lock_ends_with_130(store: Path, tmp_path: Path) -> None:
    before = contents(tmp_path / "home")
    command = [BIN / "mem", "remember", "I prefer tea."]
    with (
        held(tmp_path),
        subprocess.Popen(command, env=environment(tmp_path), cwd=tmp_path, stderr=subprocess.PIPE) as waiting,
    ):
        while not waits_for_a_lock(waiting):
            assert waiting.poll() is None
        waiting.send_signal(signal.SIGINT)
        assert (waiting.communicate(timeout=30)[1], waiting.returncode) == (b"", 130)
    assert contents(tmp_path / "home") == before


MANY = """
import sys
import sqlite_utils
from mem import __main__, cli, git
print("ready", flush=True)
sys.stdin.readline()
process, count = sys.argv[1:]
sys.exit(any([__main__.run(["remember", f"Process {process} says {n}."]) for n in range(int(count))]))
"""


def at_once(tmp_path: Path, processes: int, count: int) -> list[tuple[int | None, bytes]]:
    """Start processes, let them remember so many beliefs together, and give back status and errors of each."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", MANY, str(n), str(count)], env=environment(tmp_path), cwd=tmp_path,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for n in range(processes)
    ]  # fmt: skip
    assert all(one.stdout and one.stdout.readline() == b"ready\n" for one in started)
    with ThreadPoolExecutor(processes) as pool:
        errors = list(pool.map(lambda one: one.communicate(b"\n")[1], started))
    return [(one.returncode, error) for one, error in zip(started, errors, strict=True)]


def test_eight_processes_that_write_at_once_lose_nothing(mem: Mem, tmp_path: Path) -> None:
    assert mem("init").status == 0
    assert at_once(tmp_path, 8, 10) == [(0, b"")] * 8
    assert sorted(told(mem)) == sorted(f"Process {p} says {n}." for p in range(8) for n in range(10))
    assert len(pages(tmp_path)) == 80
    assert mem("doctor").status == 0


@pytest.mark.parametrize("attempt", range(4))
def test_eight_processes_that_write_for_the_first_time_make_one_home(mem: Mem, tmp_path: Path, attempt: int) -> None:
    assert at_once(tmp_path, 8, 1) == [(0, b"")] * 8
    home = tmp_path / "home" / "mem"
    assert (home / ".gitignore").read_text() == ".mem/local/\n"
    assert len((home / ".mem" / "format").read_text().splitlines()) == 2
    assert (len(told(mem)), len(list((tmp_path / "home" / "data" / "mem").iterdir()))) == (8, 1)


# -- pipes ------------------------------------------------------------------------------------------


def shell(tmp_path: Path, script: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, env=environment(tmp_path), cwd=tmp_path, check=False, timeout=60
    )


def test_a_reader_that_stops_early_is_no_failure(mem: Mem, tmp_path: Path) -> None:
    for n in range(4):
        assert mem("remember", "-", stdin=f"Number {n} " + "is long, " * 7000).status == 0
    done = shell(tmp_path, "mem export | head -c 20; echo ${PIPESTATUS[0]}")
    assert (done.stdout, done.stderr) == (b'{"schema":"mem.belie0\n', b"")


@pytest.mark.parametrize(
    "script, status",
    [
        ("mem recall postgres <&-", 0),
        ("mem recall - <&-", 2),
        ("mem inject - <&-", 0),
        ("mem remember - <&-", 2),
        ("mem remember <&-", 2),
        ("mem import - <&-", 3),
        ("mem recall postgres >&-", 0),
        ("mem recall postgres 2>&-", 0),
        ("mem list >&-", 0),
    ],
)
def test_a_closed_standard_stream_is_an_empty_one(store: Path, tmp_path: Path, script: str, status: int) -> None:
    done = shell(tmp_path, script)
    assert (done.returncode, b"Traceback" in done.stderr) == (status, False), done.stderr.decode()


# -- bytes ------------------------------------------------------------------------------------------

NO_TEXT = b"caf\xe9 postgres"


def test_a_query_and_a_prompt_that_are_no_utf8_are_read_as_far_as_they_go(process: Process, store: Path) -> None:
    assert "Postgres" in process("recall", NO_TEXT).out
    assert "Postgres" in process("inject", NO_TEXT).out
    assert process("recall", "-", stdin=NO_TEXT).out == process("recall", NO_TEXT).out


@pytest.mark.parametrize(
    "line",
    [
        (b"remember", NO_TEXT),
        *((b"remember", b"--%s" % option, NO_TEXT, b"Tea is served.") for option in (
            b"type", b"name", b"alias", b"why", b"scope", b"status", b"valid-from", b"relation", b"participant",
            b"session", b"supersede", b"as",
        )),
        (b"recall", b"--scope", NO_TEXT, b"x"),
        (b"inject", b"--scope", NO_TEXT, b"x"),
        (b"list", b"--type", NO_TEXT),
        (b"show", NO_TEXT),
        (b"forget", NO_TEXT),
        (b"alias", NO_TEXT, b"+tea"),
        (b"review", b"--approve", NO_TEXT),
        (b"scope", b"add", NO_TEXT),
        (b"scope", b"map", b"--remove", NO_TEXT),
        (b"import", NO_TEXT),
        (b"export", b"--scope", NO_TEXT),
        (b"undo", NO_TEXT),
        (NO_TEXT,),
    ],
    ids=lambda line: b" ".join(line).decode("ascii", "replace"),
)  # fmt: skip
def test_an_argument_that_is_no_utf8_is_refused_and_nothing_is_written(
    process: Process, store: Path, tmp_path: Path, line: tuple[bytes, ...]
) -> None:
    before = pages(tmp_path)
    one_sentence(process(*line), 2)
    assert pages(tmp_path) == before


def test_a_directory_whose_name_is_no_utf8_can_be_worked_in(process: Process, store: Path, tmp_path: Path) -> None:
    place = os.path.join(os.fsencode(tmp_path), b"caf\xe9")
    os.mkdir(place)
    there = ["env", "-C", place]
    assert "Postgres" in process("recall", "postgres", before=there).out
    assert process("remember", "Tea is served.", before=there).status == 0
    mapped = process("scope", "map", ".", "project:cafe", before=there)
    assert (mapped.status in (0, 2), "Traceback" in mapped.err) == (True, False), mapped.err


NAMES = ("a home", "100%41", "#1", "what?mode=ro", "Größe 日本", "a&b=c;d", "'\"$HOME", "two\nlines", "caf\udce9")


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_home_may_have_any_name(process: Process, tmp_path: Path, name: str) -> None:
    places = {"MEM_HOME": str(tmp_path / name / "mem"), "XDG_DATA_HOME": str(tmp_path / name / "data")}
    assert process("remember", "Postgres is the store of record.", **places).status == 0
    assert "Postgres" in process("inject", "postgres", **places).out
    assert process("doctor", **places).status == 0
    assert len(list((tmp_path / name / "data" / "mem").glob("*/memory.db"))) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "home"])


def test_a_prompt_of_two_megabytes_is_cut_and_said_to_be(process: Process, store: Path) -> None:
    result = process("inject", "-", stdin=b"is postgres up? " + b"log line\n" * 230_000)
    assert result.status == 0 and "Postgres" in result.out
    assert "its first 100,000 characters were read" in result.err
    assert "Postgres" not in process("inject", "-", stdin=b"log line\n" * 230_000 + b"postgres").out
