"""Watching: pages are synced and named folders ingested soon after a file was saved.

Nothing depends on it: it does what `mem sync` does but for git, and what `mem ingest` does, and looks at everything
when it starts, when too much happens at once, and every ten minutes, so that an event that the system lost is only
late. One runs for each memory folder; a lock tells, and a heartbeat says since when.
"""

from __future__ import annotations

import logging
import os
import queue
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from time import monotonic

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from mem import notes
from mem.belief import parse_time, time_text
from mem.config import Home
from mem.errors import Busy, MemError, StoreUnusable
from mem.memory import Memory
from mem.notes import Globs
from mem.proposing import Ingested
from mem.record import Any, NamedTuple
from mem.sharing import Synced

QUIET = 0.5
"""Seconds without another event after which a save is over; editors write, rename and touch within a tenth."""
PATIENCE = 10.0
"""Seconds after which a file that never rests is looked at all the same."""
SCAN = 600.0
"""Seconds between two looks at everything."""
BEAT = 30.0
"""Seconds between two heartbeats."""
MANY = 1_000
"""Paths at once from which on everything is looked at: a checkout, or more events than the system keeps (16,384)."""

_NO_CHANGE = ("opened", "closed_no_write")
"""What reading a file does; our own would never end."""


class Debouncer:
    """Paths at which something happened, each until it rests; pure, time is passed in."""

    def __init__(self) -> None:
        self._times: dict[str, tuple[float, float]] = {}
        """Path to the times of its first and its last event, in seconds."""

    def __len__(self) -> int:
        return len(self._times)

    def note(self, path: str, now: float) -> None:
        """Something happened at a path."""
        self._times[path] = self._times.get(path, (now, now))[0], now

    def due(self, now: float) -> set[str]:
        """The paths that have come to rest, or never will; they are forgotten."""
        found = {path for path, (first, last) in self._times.items() if min(first + PATIENCE, last + QUIET) <= now}
        for path in found:
            del self._times[path]
        return found

    def wait(self, now: float) -> float | None:
        """Seconds until a path is due; None if there is none."""
        times = [min(first + PATIENCE, last + QUIET) for first, last in self._times.values()]
        return max(0.0, min(times) - now) if times else None

    def clear(self) -> None:
        """Forget all of them."""
        self._times.clear()


# -- the one that runs ------------------------------------------------------------------------------


class Watched(NamedTuple):
    """What is known of the watcher of a memory folder."""

    running: bool
    pid: int
    since: datetime
    beat: datetime
    """Its last sign of life."""
    folders: list[str]
    """What it ingests."""


def state(home: Home) -> Watched | None:
    """The watcher that runs, or one that ended without being stopped; None if there is neither."""
    try:
        with open(_heartbeat(home), encoding="utf-8") as file:
            pid, since, beat, *folders = file.read().splitlines()
        return Watched(_is_held(home), int(pid), parse_time(since), parse_time(beat), folders)
    except (OSError, ValueError):  # there is none, or it is just being written
        return None


def _heartbeat(home: Home) -> str:
    return os.path.join(home.local, "watch")


def _is_held(home: Home) -> bool:
    import fcntl

    with suppress(OSError), open(f"{_heartbeat(home)}.lock", "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Be the one watcher of a memory folder.

    Raises: Busy if there is another one.
    """
    import fcntl

    with open(f"{_heartbeat(home)}.lock", "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            known = state(home)
            who = f" (pid {known.pid})" if known is not None else ""
            raise Busy(f"another mem watch{who} watches {home.path}", "mem watch --once, or stop that one") from None
        try:
            yield
        finally:
            with suppress(FileNotFoundError):
                os.unlink(_heartbeat(home))


# -- watching ---------------------------------------------------------------------------------------


class Watcher:
    """Keeps one memory folder in sync, and ingests folders into it."""

    def __init__(
        self,
        memory: Callable[[], Memory],
        folders: Sequence[str],
        *,
        scope: str | None,
        globs: Globs,
        tell: Callable[[Synced | Ingested | MemError], None],
        clock: Callable[[], datetime],
    ) -> None:
        """Take what it needs; `memory` makes the façade anew for each act, `tell` hears what came of it.

        Raises: UsageMistake for a folder that does not exist; Refused for the memory folder.
        """
        self._memory = memory
        self._home = memory().home
        self._tops = notes.tops(folders, self._home.path)
        self._options: Mapping[str, Any] = {"scope": scope, "globs": globs}
        self._tell = tell
        self._clock = clock
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        """Paths of changes; None only wakes who waits for one."""
        self._events = Debouncer()
        self._stopped = False
        self._beaten = self._scanned = -SCAN

    def stop(self, *_: object) -> None:
        """End the watch when what is being done is done; may be called by a signal."""
        self._stopped = True
        self._queue.put(None)

    def once(self) -> None:
        """Look at everything, and do not watch."""
        self._memory().init()
        self._scan()

    def _scan(self) -> None:
        self._events.clear()
        self._sync()
        self._ingest(None)

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Watch until stopped; `ready` is called when no change will be missed any more.

        Raises: Busy if there is another watcher; StoreUnusable if the memory folder goes away.
        """
        self._memory().init()
        with _alone(self._home), self._observed():
            since = self._clock()
            self._beat(since)
            ready()
            while not self._stopped:
                now = monotonic()
                if now - self._beaten >= BEAT:
                    self._require_home()
                    self._beat(since)
                    self._beaten = now
                if now - self._scanned >= SCAN or len(self._events) >= MANY:
                    self._scanned = now  # before the scan: what is lost meanwhile asks for another one
                    self._scan()
                self._look_at(self._events.due(monotonic()))
                self._listen()

    def _listen(self) -> None:
        """Wait for events, or until something is due."""
        now = monotonic()
        waits = (self._events.wait(now), self._beaten + BEAT - now, self._scanned + SCAN - now)
        with suppress(queue.Empty):
            path = self._queue.get(timeout=max(0.0, min(one for one in waits if one is not None)))
            while path is not None:
                self._events.note(path, monotonic())
                path = self._queue.get_nowait()

    def _look_at(self, paths: set[str]) -> None:
        if any(self._is_page(path) for path in paths):
            self._sync()
        changed = {path for path in paths if self._top_of(path) is not None}
        if changed:
            # A folder may be new with all that is in it, and what is gone here may have turned up anywhere.
            files = all(os.path.isfile(path) for path in changed)
            self._ingest(changed if files else None)

    def _sync(self) -> None:
        with self._told() as memory:
            self._tell(memory.sync(commit=False))

    def _require_home(self) -> None:
        """Make sure that the memory folder is still there."""
        if not os.path.isdir(self._home.local):
            raise StoreUnusable(f"the memory folder {self._home.path} is gone", "mem init")

    def _ingest(self, changed: set[str] | None) -> None:
        if self._tops:
            with self._told() as memory:
                self._tell(memory.ingest(self._tops, **self._options, only=changed))

    @contextmanager
    def _told(self) -> Iterator[Memory]:
        """The memory, for one act; what goes wrong now may go right the next time, if the folder is still there."""
        self._require_home()
        memory = self._memory()
        memory.may_begin = False
        try:
            yield memory
        except (MemError, OSError) as error:
            self._require_home()
            if not isinstance(error, MemError):
                raise
            self._tell(error)

    def _beat(self, since: datetime) -> None:
        lines = [str(os.getpid()), time_text(since), time_text(self._clock()), *map(notes.called, self._tops)]
        place = _heartbeat(self._home)
        with suppress(OSError), open(f"{place}.new", "w", encoding="utf-8", errors="replace") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.replace(f"{place}.new", place)

    # -- events

    @contextmanager
    def _observed(self) -> Iterator[None]:
        """Let the system tell what happens; where it can watch no more folders, the scans have to do."""
        observer = Observer()
        handler = _Handler(self._heard)
        alarm = _Alarm(self._lost)
        log = logging.getLogger("watchdog")
        log.addHandler(alarm)
        log.propagate = False
        # Of a folder that is made while it is being looked at, watchdog 7 says that it watches it twice.
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"watchdog\.")
        try:
            observer.schedule(handler, self._home.path, recursive=True)
            for top in self._tops:
                folder = os.path.isdir(top)
                observer.schedule(handler, top if folder else os.path.dirname(top), recursive=folder)
            observer.start()
        except OSError as error:
            said = f"not all folders can be watched ({error.strerror}); everything is looked at every ten minutes"
            self._tell(StoreUnusable(said, "sysctl fs.inotify.max_user_watches"))
        try:
            yield
        finally:
            if observer.is_alive():
                observer.stop()
                observer.join()
            log.removeHandler(alarm)  # last, for the observer complains of events that come while it stops

    def _lost(self) -> None:
        """Events were lost, so everything is looked at."""
        self._scanned = -SCAN
        self._queue.put(None)

    def _heard(self, paths: Iterable[str]) -> None:
        for path in paths:
            if self._is_page(path) or self._top_of(path) is not None:
                self._queue.put(path)

    def _is_page(self, path: str) -> bool:
        return _is_open(path, self._home.path)

    def _top_of(self, path: str) -> str | None:
        """The file or folder that is to be ingested and that a path belongs to; None for what is not looked into."""
        for top in self._tops:
            if path == top or _is_open(path, top):
                named = path.lower().endswith(notes.ENDINGS)
                return top if named or path == top or not os.path.splitext(path)[1] else None
        return None


def _is_open(path: str, top: str) -> bool:
    """Whether a path is below a folder, and not in a hidden one."""
    if not path.startswith(f"{top}/"):
        return False
    return not any(part.startswith(".") for part in path[len(top) + 1 :].split("/"))


class _Alarm(logging.Handler):
    """Hears what watchdog complains of: a queue of the system that ran over, or a folder that it lost."""

    def __init__(self, lost: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._lost = lost

    def emit(self, record: logging.LogRecord) -> None:
        """Called by watchdog, in a thread of its own."""
        self._lost()


class _Handler(FileSystemEventHandler):
    """Hands on the paths of changes."""

    def __init__(self, heard: Callable[[Iterable[str]], None]) -> None:
        self._heard = heard

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Called by watchdog, in a thread of its own."""
        of_folder = event.is_directory and event.event_type == "modified"  # which says what its files say better
        if event.event_type not in _NO_CHANGE and not of_folder:
            self._heard(os.fsdecode(path) for path in (event.src_path, event.dest_path) if path)
