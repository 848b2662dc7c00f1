"""Every command has a transcript, and the transcripts are run (see conftest)."""

from pathlib import Path

import typer.main

from mem.cli import app

TRANSCRIPTS = Path(__file__).parent / "transcripts"


def commands() -> set[str]:
    return set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def test_every_command_has_a_transcript_with_a_success_and_a_failure() -> None:
    for command in commands():
        text = (TRANSCRIPTS / f"{command}.txt").read_text(encoding="utf-8")
        assert f"$ mem {command}" in text, command
        assert "\n? " in text, f"{command} has no failure in its transcript"
