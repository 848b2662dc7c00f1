"""What each hot command loads: a module that nobody noticed costs every prompt its import."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Mem, environment

Loaded = Callable[..., set[str]]

HEAVY = set("numpy sqlite_utils rank_bm25 onnxruntime tokenizers rich watchdog".split())
"""What `remember` does without; typer does not load rich as long as `rich_markup_mode` is None."""
SLOW = HEAVY | set(
    "typing typer yaml platformdirs dataclasses inspect urllib pathlib asyncio logging subprocess".split()
)
"""What inject and recall do without, from 3 ms (dataclasses) to 110 ms (sqlite_utils)."""
WRITING = {f"mem.{name}" for name in "memory sync tree git cli exchange derive stance".split()}
"""What only a writer needs, and a reader that meets a page changed by hand."""

PROBE = """
import json, sys
from mem import __main__
status = __main__.run(sys.argv[1:])
with open("loaded.json", "w") as file:
    json.dump([status, sorted(sys.modules)], file)
"""


@pytest.fixture
def loaded(mem: Mem, tmp_path: Path) -> Loaded:
    """The modules in a process after a command that had something to say, on a store with a few beliefs."""
    for line in ("I prefer short answers.", "Postgres is the store of record.", "Cafés close at noon; naïve, I know."):
        assert mem("remember", line).status == 0

    def run(*arguments: str, env: dict[str, str] | None = None) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-c", PROBE, *arguments],
            input=b"postgres", capture_output=True, env=environment(tmp_path) | (env or {}), cwd=tmp_path, check=True,
        )  # fmt: skip
        status, modules = json.loads((tmp_path / "loaded.json").read_text())
        assert (status, done.stderr, bool(done.stdout)) == (0, b"", True)
        return set(modules)

    return run


def packages(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


HOT_LINES = (
    ("inject", "is postgres up?"),
    ("inject", "--json", "--max-beliefs=3", "is postgres up?"),
    ("inject", "-"),
    ("inject", "--scope", "user", "the cafés"),
    ("recall", "postgres"),
    ("recall", "--json", "-k", "3", "the store's records"),
    ("recall", "-"),
    ("recall", "naïve cafés"),
    ("--complete", "beliefs", "caf"),
    ("--complete", "scopes", ""),
)


@pytest.mark.parametrize("line", HOT_LINES, ids=" ".join)
def test_a_hot_command_loads_nothing_slow_and_nothing_that_writes(loaded: Loaded, line: tuple[str, ...]) -> None:
    modules = loaded(*line)
    assert not packages(modules) & SLOW
    assert not modules & WRITING
    assert {module for module in modules if module.endswith("_stemmer")} <= {"snowballstemmer.english_stemmer"}


def test_a_hot_command_in_a_repository_spawns_no_git(loaded: Loaded, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".git" / "config").write_text('[remote "origin"]\n\turl = git@example.org:acme/atlas.git\n')
    assert not packages(loaded("inject", "postgres")) & SLOW


def test_remember_loads_no_heavy_package(loaded: Loaded) -> None:
    assert not packages(loaded("remember", "--scope", "project:atlas", "Kafka is our queue.")) & HEAVY


def test_a_command_that_is_not_hot_is_seen_to_load_more(loaded: Loaded) -> None:
    assert {"typer", "inspect"} <= packages(loaded("list")) & SLOW
    assert {"rank_bm25", "numpy"} <= packages(loaded("doctor", "--verify-ranking")) & HEAVY
