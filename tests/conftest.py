"""What every test gets: an environment of its own, no network, the command line, and transcripts."""

from __future__ import annotations

import compileall
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import settings

from mem import __main__, embedding
from mem.config import Home
from mem.memory import Memory
from mem.reading import AGENT_VARIABLES, clock

NOW = "2026-11-21T10:00:00Z"
BIN = Path(sys.executable).parent

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # so it is for who was started in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("ci", deadline=None, max_examples=60)
settings.register_profile("nightly", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile mem once, so that no process of a test has to, whether or not it may leave files."""
    if not hasattr(session.config, "workerinput"):
        compileall.compile_dir(Path(__main__.__file__).parent, quiet=2)


class Result(NamedTuple):
    """What one command line did."""

    status: int
    out: str
    err: str


Mem = Callable[..., Result]


def environment(folder: Path) -> dict[str, str]:
    """Variables under which nothing outside the folder is read or written."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in AGENT_VARIABLES and not name.startswith(("MEM_", "XDG_", "GIT_", "PYTHON"))
    }
    return kept | {
        "HOME": str(folder / "home"),
        "MEM_HOME": str(folder / "home" / "mem"),
        "XDG_DATA_HOME": str(folder / "home" / "data"),
        "XDG_CONFIG_HOME": str(folder / "home" / "config"),
        "XDG_CACHE_HOME": str(folder / "home" / "cache"),
        "GIT_CONFIG_GLOBAL": str(folder / "home" / ".gitconfig"),  # no device: `git config --global` replaces it
        "GIT_CONFIG_NOSYSTEM": "1",
        "MEM_NOW": NOW,
        "MEM_SEED": "test",
        "EDITOR": "false",
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
        "PATH": f"{BIN}{os.pathsep}{kept.get('PATH', '')}",
    }


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has its own home, and no way to the network."""
    (tmp_path / "home").mkdir()
    wanted = environment(tmp_path)
    for name in list(os.environ):
        monkeypatch.delenv(name)
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def refuse(*_: Any) -> None:
        raise AssertionError("a test tried to use the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def mem(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Mem:
    """Run a command line in this process."""

    def run(*arguments: str, stdin: str | bytes = b"") -> Result:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        capsys.readouterr()
        status = __main__.run(arguments)
        return Result(status, *capsys.readouterr())

    return run


@pytest.fixture
def mem_process(tmp_path: Path) -> Mem:
    """Run a command line in a process of its own; `env` adds variables."""

    def run(*arguments: str, stdin: bytes = b"", env: dict[str, str] | None = None) -> Result:
        done = subprocess.run(
            [BIN / "mem", *arguments],
            input=stdin, capture_output=True, env=environment(tmp_path) | (env or {}), cwd=tmp_path, check=False,
        )  # fmt: skip
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    """The façade on this test's home."""
    return Memory(Home(str(tmp_path / "home" / "mem")), clock=clock, warn=lambda message: None)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The embedded model, in a place where it can be damaged."""
    names = [*json.loads(Path(embedding.EMBEDDED, "config.json").read_text())["files"], "config.json"]
    (tmp_path / "own").mkdir()
    for name in names:
        shutil.copy(Path(embedding.EMBEDDED, name), tmp_path / "own")
    monkeypatch.setattr(embedding, "EMBEDDED", str(tmp_path / "own"))
    return tmp_path / "own"


# -- transcripts: `$ command`, what it printed, `! ` before lines on standard error, `? status` --------


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite transcripts with what the commands print now")


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    if file_path.suffix == ".txt" and file_path.parent.name == "transcripts":
        return Transcript.from_parent(parent, path=file_path)  # type: ignore[no-any-return]
    return None


class Transcript(pytest.File):
    """A file of commands and what they print."""

    def collect(self) -> Iterator[pytest.Item]:
        yield Session.from_parent(self, name=self.path.stem)


class Session(pytest.Item):
    """The commands of one transcript, run in order in one home."""

    def runtest(self) -> None:
        written = self.path.read_text(encoding="utf-8")
        seen = replay(written)
        if self.config.getoption("--update"):
            self.path.write_text(seen, encoding="utf-8")
            return
        assert seen == written

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        return excinfo.getrepr(style="value")


def replay(transcript: str) -> str:
    """The transcript with what its commands print now."""
    import tempfile

    lines: list[str] = []
    folder = Path(tempfile.mkdtemp(prefix="mem-transcript-"))
    try:
        (folder / "home").mkdir()
        for line in transcript.splitlines():
            if line.startswith("$ "):
                lines += [line, *_run_line(line[2:], folder)]
            elif line.startswith("#") or (not line and (not lines or lines[-1] != "")):
                lines.append(line)
    finally:
        shutil.rmtree(folder)
    return "\n".join(lines).rstrip("\n") + "\n"


def _escaped(line: str) -> str:
    """A line of output that cannot be taken for a part of the transcript."""
    return f"\\{line}" if not line or line.startswith(("$ ", "! ", "? ", "#", "\\")) else line


def _run_line(command: str, folder: Path) -> list[str]:
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True, env=environment(folder), cwd=folder / "home", stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    out = done.stdout.decode().replace(str(folder / "home"), "$HOME")
    err = done.stderr.decode().replace(str(folder / "home"), "$HOME")
    return [
        *(_escaped(line) for line in out.splitlines()),
        *(f"! {line}" for line in err.splitlines()),
        *([f"? {done.returncode}"] if done.returncode else []),
    ]
