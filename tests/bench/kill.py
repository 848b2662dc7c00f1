"""Commands that are killed at any line and before any system call: is each of them whole, or undone?"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import mem
from mem.store import Store, Transaction
from tests.bench.crash import ACTS, Place, Row, place, report, spread
from tests.bench.disk import can_trace, changes_of, traced

KILLS = 100
"""At lines, for each act, and half as many before system calls; more than the 500 that the project asks for."""
TURNS = 3
"""A line is a step of its own the first times that it runs: an act that writes two pages runs it for each."""
CLOSE = 6
"""Kills right after an acknowledgement, beside the others: where a promise is broken if it is."""
PURE = ("belief", "config", "derive", "lexical", "scope", "stance", "text")
"""Modules that only compute: they are most of the lines and get the fewest kills."""
MEM = str(Path(mem.__file__).parent)

Step = Callable[[str], None]


def run(kills: str) -> int:
    """Print what came of each act, and of a broken variant; exit status 1 if one of them is not as it should be."""
    count, begun, rows, caught = int(kills or KILLS), time.monotonic(), [], False
    if not can_trace():
        print("strace is missing or may not trace here: killed at lines alone")
    for title, act in ACTS.items():
        with place(act) as here:
            rows.append(at_lines(title, here, count))
            report(rows[-1], "kills")
            if can_trace():
                rows.append(before_calls(title, here, count // 2))
                report(rows[-1], "kills")
            if title == "remember":
                broken = at_lines("remember, reported before it is durable", here, count, acknowledge_early)
                report(broken, "kills")
                caught = bool(broken.faults)
    total, bad = sum(row.crashes for row in rows), sum(row.missed + len(row.faults) for row in rows)
    print(
        f"{total} kills, {bad} bad; broken variant {'failed' if caught else 'passed'}; {time.monotonic() - begun:.0f} s"
    )
    return int(bad > 0 or not caught)


# -- at lines ---------------------------------------------------------------------------------------


def at_lines(title: str, here: Place, count: int, prepare: Callable[[], None] = lambda: None) -> Row:
    """Kill an act at lines of the program, spread over all that it runs."""
    here.reset()
    recording = here.top / "steps"

    def record() -> None:
        prepare()
        file = open(recording, "w", buffering=1)  # noqa: SIM115
        follow(lambda module: print(module, os.fstat(1).st_size, file=file))

    assert here.run(here.act.line, record) == 0, here.said
    points = chosen([line.split() for line in recording.read_text().splitlines()], count)
    return tally(title, here, points, lambda at: here.run(here.act.line, lambda: (prepare(), kill_at(at))[0]))


def chosen(steps: Sequence[Sequence[str]], count: int) -> list[int]:
    """Steps to be killed at: a fifth of them in modules that only compute, and all that follow an acknowledgement."""
    pure = [at for at, (module, _) in enumerate(steps) if module in PURE]
    others = [at for at, (module, _) in enumerate(steps) if module not in PURE]
    promised = [at for at, (_, printed) in enumerate(steps) if printed != "0"]
    few = count // 5
    points = [pure[at] for at in spread(few, len(pure))] + [others[at] for at in spread(count - few, len(others))]
    return sorted({*points, *promised[:CLOSE]})


def follow(step: Step) -> None:
    """Call a function before each of the first times that a line of mem runs, with the name of its module."""
    seen: Counter[tuple[str, int]] = Counter()

    def line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            place = (frame.f_code.co_filename, frame.f_lineno)
            seen[place] += 1
            if seen[place] <= TURNS:
                step(Path(place[0]).stem)
        return line

    def call(frame: FrameType, *_: Any) -> Any:
        return line if frame.f_code.co_filename.startswith(MEM) else None

    sys.settrace(call)


def kill_at(step: int) -> None:
    """From here on, die at that step."""
    left = step

    def count(_: str) -> None:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    follow(count)


def acknowledge_early() -> None:
    """The broken variant: what it is asked for is reported as done while the transaction is still open."""
    honest = Store.transaction

    @contextmanager
    def transaction(*arguments: Any, **options: Any) -> Iterator[Transaction]:
        with honest(*arguments, **options) as opened:
            yield opened
            os.write(1, b"done\n")

    Store.transaction = transaction  # type: ignore[method-assign]


# -- before system calls ----------------------------------------------------------------------------


def before_calls(title: str, here: Place, count: int) -> Row:
    """Kill an act before system calls that change files, spread over all that it makes."""
    calls = changes_of(here)
    points = [calls[at] for at in spread(count, len(calls))]

    def kill(call: tuple[str, int]) -> int:
        name, turn = call
        return traced(here, ["-o", os.devnull, "-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={turn}"])

    return tally(f"{title}, before system calls", here, points, kill)


def tally(title: str, here: Place, points: Sequence[Any], kill: Callable[[Any], int]) -> Row:
    """Kill at each of some points, and count what is wrong afterwards."""
    faults = []
    missed = acknowledged = 0
    for point in points:
        here.reset()
        missed += kill(point) != -signal.SIGKILL
        printed = bool(here.printed)
        acknowledged += printed
        faults += [(fault, str(point)) for fault in here.faults(printed)]
    return Row(title, len(points), missed, acknowledged, faults)
