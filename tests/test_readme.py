"""The README is run: every command in a `console` block, in order, in one home."""

import re
from pathlib import Path

import pytest

from tests.conftest import replay

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"(?<=```console\n).*?(?=```)", re.DOTALL)
CUT = "#8<\n"


def test_the_readme_shows_what_the_commands_print(request: pytest.FixtureRequest) -> None:
    written = README.read_text(encoding="utf-8")
    commands = ["".join(re.findall(r"(?m)^\$ .*\n", block)) for block in BLOCK.findall(written)]
    assert len(commands) > 5 and all(commands)
    fresh = iter(re.sub(r"(?m)^\\", "", replay(CUT.join(commands))).split(CUT))
    seen = BLOCK.sub(lambda _: next(fresh).rstrip("\n") + "\n", written)
    if request.config.getoption("--update"):
        README.write_text(seen, encoding="utf-8")
        return
    assert seen == written
