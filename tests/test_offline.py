"""Nothing needs the network: not the tour, not one command, not these tests."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import environment

CUT_OFF = """
import sys
def watch(event, arguments):
    if event.startswith("socket."):
        raise SystemExit("the network was used: " + event)
sys.addaudithook(watch)
"""
"""Ends a program at its first use of a socket; below the socket module, so that none is missed."""

RUN = CUT_OFF + "from mem import __main__; sys.exit(__main__.run(sys.argv[1:]))"


def cut_off(tmp_path: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        input=b"", capture_output=True, env=environment(tmp_path), cwd=tmp_path, check=False,
    )  # fmt: skip


def test_the_tour_needs_no_network(tmp_path: Path) -> None:
    done = cut_off(tmp_path, RUN, "tour")
    assert done.returncode == 0, done.stderr.decode()
    assert b"CockroachDB is the store of record since May." in done.stdout
    assert b"network" not in done.stderr


@pytest.mark.parametrize(
    "line",
    ["init", "remember Tea.", "recall tea", "inject tea", "list", "scope", "export", "doctor --verify-ranking", "undo"],
)
def test_a_command_needs_no_network(tmp_path: Path, line: str) -> None:
    assert cut_off(tmp_path, RUN, "remember", "Tea is served.").returncode == 0
    done = cut_off(tmp_path, RUN, *line.split(maxsplit=1))
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize(
    "program", ["import socket; socket.create_connection(('127.0.0.1', 9))", "import _socket; _socket.socket()"]
)
def test_a_program_that_uses_the_network_is_caught(tmp_path: Path, program: str) -> None:
    done = cut_off(tmp_path, CUT_OFF + program)
    assert (done.returncode, done.stderr[:21]) == (1, b"the network was used:")


def test_a_test_that_uses_the_network_fails() -> None:
    with socket.socket() as plain, pytest.raises(AssertionError, match="a test tried to use the network"):
        plain.connect(("127.0.0.1", 9))
