"""Power that fails: what a disk may hold at any moment of a command, is it a memory that goes on?"""

from __future__ import annotations

import random
import time
from typing import NamedTuple

from tests.bench.crash import ACTS, Place, Row, place, report, spread
from tests.bench.disk import Call, Disk, Left, can_trace, lay_out, recorded

STATES = 100
"""States for each act; eight acts make more than the 500 that the project asks for."""
SHARES = (0.0, 1.0, 0.5, 0.9)
"""How much of what is not synced gets to the disk: nothing, all, and two draws."""
LATE = 20
"""Draws for the last moment, when everything has been promised."""
SEED = 7


class Failure(NamedTuple):
    """A disk after the power failed."""

    call: int
    """How many calls of the act had come to their end."""
    share: float
    acknowledged: bool
    left: Left


def run(states: str) -> int:
    """Print what came of each act, and of a broken variant; exit status 1 if one of them is not as it should be."""
    if not can_trace():
        print("strace is missing or may not trace here: nothing was measured")
        return 1
    count, begun, rows, broken = int(states or STATES), time.monotonic(), [], []
    for title, act in ACTS.items():
        with place(act) as here:
            calls = list(recorded(here, ["-f"]))
            here.reset()
            rows.append(judged(title, here, failures(here, calls), count))
            here.reset()
            broken.append(
                judged(f"{title}, without fsync", here, failures(here, calls, honest=False), max(6, count // 5))
            )
            report(rows[-1], "states")
            report(broken[-1], "states")
    total, bad = sum(row.crashes for row in rows), sum(len(row.faults) for row in rows)
    missed = sum(not row.faults for row in broken)
    print(f"{total} states, {bad} bad; {missed} broken variants passed; {time.monotonic() - begun:.0f} s")
    return int(bad > 0 or missed > 0)


def failures(here: Place, calls: list[Call], *, honest: bool = True) -> list[Failure]:
    """What the disk may hold at each moment of an act, every state once."""
    disk, chance = Disk(here.home, honest=honest), random.Random(SEED)
    found: dict[object, Failure] = {}
    for at, call in enumerate(calls, 1):
        late = (0.5,) * LATE if at == len(calls) else ()
        for share in SHARES + late if disk.apply(call) or late else ():
            left = disk.left(share, chance)
            found.setdefault((disk.acknowledged, *left.items()), Failure(at, share, disk.acknowledged, left))
    return list(found.values())


def judged(title: str, here: Place, all_: list[Failure], count: int) -> Row:
    """Lay out some of the states, spread over all of them, and look at what the next commands make of each."""
    late = [one for one in all_ if one.acknowledged]
    early = [one for one in all_ if not one.acknowledged]
    late = [late[at] for at in spread(count // 2, len(late))]
    chosen = [early[at] for at in spread(count - len(late), len(early))] + late
    row = Row(title, len(chosen), 0, sum(one.acknowledged for one in chosen), [])
    for one in chosen:
        lay_out(one.left, here.home)
        row.faults.extend((fault, f"{one.call}/{one.share}") for fault in here.faults(one.acknowledged))
    return row
