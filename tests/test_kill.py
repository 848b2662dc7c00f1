"""A command that is killed is whole or undone: SIGKILL at lines of mem and before system calls, a few of the many."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

KILLS = 4
"""For each act at lines, and half as many before system calls: what a test may take of the bench's hundred."""


def test_a_command_that_is_killed_is_whole_or_undone_and_an_acknowledged_one_is_whole() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "kill", str(KILLS)],
        capture_output=True, text=True, cwd=Path(__file__).parent.parent, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    total = re.search(r"^(\d+) kills, 0 bad", done.stdout, re.MULTILINE)
    assert total and int(total[1]) >= 8 * KILLS, done.stdout
