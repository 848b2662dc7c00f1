"""Real shells: pipes, redirections, substitutions and texts that begin with a dash."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.core
import typer.main

from mem.cli import app
from tests.conftest import Mem, environment

SHELLS = [
    pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason="not installed"))
    for name in ("bash", "zsh", "fish")
]
STREAMS = [one for one in SHELLS if one.values[0] != "fish"]  # fish closes no stream and has no pipefail


@pytest.fixture
def store(mem: Mem, tmp_path: Path) -> None:
    """More beliefs than fit in the buffer of a pipe."""
    text = "Number {} " + "is long, " * 100
    records = [{"type": "fact", "scope": "user", "content": text.format(n), "name": f"number_{n}"} for n in range(150)]
    records += [{"type": "fact", "scope": "user", "content": "Postgres is the store of record.", "name": "store_kept"}]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    assert mem("import", "--approve", "-", stdin=lines).status == 0
    (tmp_path / "sentence").write_text("Kafka is our queue.\n")
    (tmp_path / "other").mkdir()


def run(shell: str, tmp_path: Path, script: str) -> subprocess.CompletedProcess[str]:
    line = [shell, *(["--no-config"] if shell == "fish" else ["-f"] if shell == "zsh" else []), "-c", script]
    return subprocess.run(
        line, capture_output=True, text=True, env=environment(tmp_path), cwd=tmp_path, timeout=60, check=False
    )


ANSWERS = {
    "mem recall postgres | head -1 | cut -c 1-15": " 1. store_kept ",
    "mem list --json | python3 -m json.tool | head -2 | tail -1": '    "schema": "mem.list/1",',
    "mem list | head -1 | cut -f 5": "number_0",
    "mem remember - < sentence | head -1 | cut -d ' ' -f 1": "remembered",
    "mem inject 'is postgres up?' 2>/dev/null | grep -c Postgres": "1",
    "mem recall zork 2>/dev/null && echo yes || echo no": "no",
    "mem recall postgres >/dev/null && echo yes || echo no": "yes",
    "mem list --ids | tail -2 | xargs mem pin | wc -l | tr -d ' '": "2",
    "mem export | env MEM_HOME=$PWD/other/mem mem import --approve -": "imported: 152 new",
    "mem remember -- '-x is a flag' | head -1 | cut -d ' ' -f 1": "remembered",
    "mem recall -- -x | tail -1": "    -x is a flag",
    "echo -n '--scope' | mem recall - 2>/dev/null || echo none": "none",
    "mem inject -- --budget >/dev/null && echo taken": "taken",
}
"""Lines that bash, zsh and fish read alike, and what they print."""


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_composes_commands(tmp_path: Path, shell: str) -> None:
    done = run(shell, tmp_path, "".join(f"{line}\necho ENDED\n" for line in ANSWERS))
    printed = done.stdout.split("\nENDED\n")
    assert [*zip(ANSWERS, printed, strict=False)] == [*ANSWERS.items()]
    assert done.stderr == ""


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("shell", STREAMS)
def test_a_substitution_has_no_line_end_too_many_and_a_reader_that_stops_is_no_failure(
    tmp_path: Path, shell: str
) -> None:
    pipes = "set -o pipefail; mem list | head -1 >/dev/null; echo $?; mem export | head -c 9; echo"
    script = f'{pipes}; x=$(mem inject pg); echo "<$x>"'
    done = run(shell, tmp_path, script)
    assert (done.stdout, done.stderr) == ('0\n{"schema"\n<>\n', "")


UNWRITABLE = {
    "mem recall postgres >/dev/full": (5, "standard output cannot be written"),
    "mem list >/dev/full": (5, "standard output cannot be written"),
    "mem show store_kept >/dev/full": (5, "standard output cannot be written"),
    "mem recal x 2>/dev/full": (2, ""),
    "mem recall zork 2>/dev/full": (1, ""),
    "mem list >/dev/full 2>/dev/full": (5, ""),
    "mem recall postgres >&- 2>&-": (0, ""),
    "mem list <&- >&-": (0, ""),
    "mem recal x <&- 2>&-": (2, ""),
}


@pytest.mark.usefixtures("store")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_output_that_cannot_be_written_is_one_sentence_and_its_status(tmp_path: Path) -> None:
    for line, (status, said) in UNWRITABLE.items():
        done = run("bash", tmp_path, line)
        assert (done.returncode, said in done.stderr, len(done.stderr.splitlines())) == (
            status,
            True,
            2 * bool(said),
        ), line


SUGGESTED = {
    "mem recal x": "'recall'",
    "mem scope ad project:x": "'add'",
    "mem recall --sc user x": "--scope",
    "mem recall --scope project:atlsa x": "project:atlas",
    "mem config get inject.budgt": "inject.budget",
    "mem list --type decison": "decision",
    "mem list --status activ": "active",
    "mem show store_of_recrod": "did you mean store_of_record?",
    "mem forget stor_of_record": "did you mean store_of_record?",
}


def test_a_slip_is_answered_with_what_may_be_meant(mem: Mem) -> None:
    assert mem("scope", "add", "project:atlas").status == 0
    assert mem("remember", "--name", "store_of_record", "Postgres is the store of record.").status == 0
    for line, meant in SUGGESTED.items():
        result = mem(*line.split()[1:])
        assert (result.status, meant in result.err) == (2, True), result


def test_what_is_not_visible_is_not_suggested(mem: Mem) -> None:
    assert mem("remember", "--scope", "project:atlas", "--name", "store_of_record", "Postgres keeps it.").status == 0
    assert "store_of_record" not in mem("show", "store_of_recor").err
    assert "store_of_record" in mem("show", "--scope", "project:atlas", "store_of_recor").err


def commands(command: typer.core.TyperGroup, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, *path, name)


def test_every_help_fits_eighty_columns_and_opens_with_its_sentence_and_examples(
    mem: Mem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    found = list(commands(typer.main.get_command(app)))  # type: ignore[arg-type]
    for path in found:
        usage, _, sentence, *rest = mem(*path, "--help").out.splitlines()
        assert usage.startswith("Usage: mem") and sentence[2].isupper(), path
        assert any(line.startswith("  mem ") for line in rest[:4]), path
        assert max(map(len, rest)) <= 80 and not any(line.endswith("...") for line in rest), path
    assert len(found) > 40
