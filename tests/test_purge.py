"""What purge erases is nowhere that mem writes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import Mem

SECRET = "xyzzyplugh"


@pytest.fixture
def secret(mem: Mem) -> str:
    """The id of a belief that should not have been remembered."""
    found = re.search(r"\((\w+)\)", mem("remember", "--name", "launch", f"The launch code is {SECRET}.").out)
    assert found is not None
    return found[1]


def holders(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts)
    return [path.name for path in files if SECRET.encode() in path.read_bytes()]


def test_text_that_was_undone_can_be_purged(mem: Mem, secret: str, tmp_path: Path) -> None:
    assert mem("undo").status == 0 and holders(tmp_path) != []
    assert mem("purge", "--confirm", secret, secret).status == 0
    assert holders(tmp_path) == []


def test_every_version_goes_and_the_acts_of_others_stay(mem: Mem, secret: str, tmp_path: Path) -> None:
    mem("edit", secret, f"The code is {SECRET} again.")
    mem("remember", "I prefer tea.")
    assert mem("purge", "--confirm", secret, "launch").status == 0
    assert holders(tmp_path) == [] and "tea" in mem("undo").out
    assert mem("doctor").status == 0


def test_a_page_that_was_moved_by_hand_goes_too(mem: Mem, secret: str, tmp_path: Path) -> None:
    page = next(tmp_path.rglob("launch.md"))
    shutil.move(page, page.with_name("moved.md"))
    assert mem("purge", "--confirm", secret, secret).status == 0
    assert holders(tmp_path) == []


def test_what_is_settled_stays_settled_when_a_belief_is_of_use(mem: Mem) -> None:
    for name in ("store", "database"):
        mem("remember", "--type", "decision", "--name", name, "--alias", "pg", f"{name} is where records are.")
    assert mem("conflicts", "--both", "store").status == 0
    assert mem("confirm", "--query", "which persistence backend", "store").status == 0
    assert mem("conflicts").out == ""


def test_a_belief_is_not_superseded_where_its_successor_is_not_seen(mem: Mem) -> None:
    mem("remember", "--name", "tea", "Tea is best.")
    done = mem("remember", "--scope", "project:atlas", "--supersede", "tea", "Coffee is best.")
    assert done.status == 2 and "--scope user" in done.err
    assert mem("list", "--ids").out.count("\n") == 1
