"""Many processes that remember at the same time: is everything stored, with its page?"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mem.reading import AGENT_VARIABLES

PROCESSES, EACH = 16, 40

REAL = "from mem.__main__ import main; main()"
# The same without the one lock: what the lock is for.
BROKEN = (
    "import contextlib, mem.store, mem.memory; "
    "mem.memory.locked = lambda path: contextlib.nullcontext(); from mem.__main__ import main; main()"
)


def run(_: str) -> int:
    """Print what was acknowledged, stored and written for the real program and for the broken one."""
    failed = False
    for title, program in (("mem", REAL), ("broken variant, no lock (must fail)", BROKEN)):
        acknowledged, stored, pages, doctor, seconds = race(program)
        whole = acknowledged == stored == pages == PROCESSES * EACH and doctor == 0
        print(
            f"{title}: {acknowledged} acknowledged, {stored} stored, {pages} pages of {PROCESSES * EACH}; "
            f"doctor {doctor}; {seconds:.0f} s"
        )
        failed |= whole == (program is BROKEN)
    return int(failed)


def race(program: str) -> tuple[int, int, int, int, float]:
    """Acknowledged writes, beliefs stored, pages on disk, doctor's exit status, seconds."""
    with tempfile.TemporaryDirectory(prefix="mem-bench-") as folder:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MEM_") and k not in AGENT_VARIABLES}
        environment = kept | {"MEM_HOME": f"{folder}/mem", "XDG_DATA_HOME": f"{folder}/data"}
        loop = f'for j in $(seq {EACH}); do "$0" -c "$1" remember "writer $2 says $j" && echo done; done'
        begun = time.perf_counter()
        writers = [
            subprocess.Popen(
                ["bash", "-c", loop, sys.executable, program, str(n)],
                env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )
            for n in range(PROCESSES)
        ]  # fmt: skip
        acknowledged = sum(writer.communicate()[0].count("done\n") for writer in writers)
        seconds = time.perf_counter() - begun

        def mem(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-c", REAL, *arguments]
            return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)

        pages = len(list(Path(folder, "mem").rglob("*.md")))
        return acknowledged, mem("export").stdout.count("\n"), pages, mem("doctor").returncode, seconds
