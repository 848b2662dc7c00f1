"""A shell on a pseudo-terminal, to type into: what tests wait on is what the terminal shows, never the time."""

from __future__ import annotations

import codecs
import os
import pty
import re
import select
import subprocess
import termios
import time
from pathlib import Path
from typing import NamedTuple

from tests.conftest import environment

PATIENCE = 30
"""Seconds without a sign of life after which a terminal is given up."""


class Seen(NamedTuple):
    """What one line did."""

    status: int
    screen: str
    """All that it printed, line ends as in a file."""


class Terminal:
    """An interactive bash in a session of its own, which echoes nothing."""

    def __init__(self, folder: Path, columns: int = 80, lines: int = 24, **env: str) -> None:
        self._main, terminal = pty.openpty()
        termios.tcsetwinsize(terminal, (lines, columns))
        variables = {name: value for name, value in environment(folder).items() if name != "NO_COLOR"}
        variables |= {"TERM": "xterm", "PS1": "", "PS2": "", "NO_COLOR": "1"} | env
        self._shell = subprocess.Popen(
            # a session leader that opens a terminal gets it for its own, so that Ctrl-C reaches what runs there
            ["bash", "-c", 'exec bash --noprofile --norc --noediting -i <"$0" >"$0" 2>&1', os.ttyname(terminal)],
            stdin=subprocess.DEVNULL, env={name: value for name, value in variables.items() if value}, cwd=folder,
            start_new_session=True,
        )  # fmt: skip
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._seen = self._pressed = ""
        self.type("stty -echo -echoctl; PS1=; PROMPT_COMMAND='printf \"ENDED<%s>\\n\" $?'; echo RE''ADY")
        self.wait("READY\nENDED<0>\n")
        os.close(terminal)

    def run(self, line: str) -> Seen:
        """Type a line and wait for its end."""
        self.start(line)
        return self.end()

    def start(self, line: str) -> None:
        """Type a line whose end is waited for later."""
        self._seen = ""
        self.type(line)

    def end(self) -> Seen:
        """What the line that was started printed, and its status."""
        found = self.wait(r"ENDED<(\d+)>\n")
        return Seen(int(found[1]), self._seen[: found.start()])

    def type(self, text: str) -> None:
        """Type a text and Return."""
        self.press(f"{text}\n")

    def press(self, keys: str) -> None:
        """Press keys, such as \\x03 for Ctrl-C."""
        self._pressed = keys
        os.write(self._main, keys.encode())

    def wait(self, pattern: str) -> re.Match[str]:
        """Wait until the terminal shows a pattern.

        Ctrl-C is pressed once more if nothing follows: Python does not see one that comes just before it reads.
        """
        begun = time.monotonic()
        while not (found := re.search(pattern, self._seen)):
            if select.select([self._main], [], [], 2.0)[0]:
                self._seen += self._decoder.decode(os.read(self._main, 65536)).replace("\r\n", "\n")
            elif self._pressed == "\x03":
                self.press("\x03")
            assert time.monotonic() - begun < PATIENCE, f"no {pattern!r} in {self._seen!r}"
        return found

    def close(self) -> None:
        """End the shell and whatever still runs in it."""
        self._shell.kill()
        os.close(self._main)  # hangs up on what runs in the foreground
        self._shell.wait()
