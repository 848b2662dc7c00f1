"""Memory folders that are moved, copied, cloned, or lose their database."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

from tests.conftest import Mem


def remember(mem: Mem) -> str:
    mem("remember", "--scope", "project:atlas", "--alias", "pg", "Postgres is the store of record.")
    mem("remember", "I prefer tea.")
    return mem("export").out


def test_a_moved_folder_keeps_its_memory(mem: Mem, tmp_path: Path) -> None:
    before = remember(mem)
    shutil.move(tmp_path / "home" / "mem", tmp_path / "elsewhere")
    os.environ["MEM_HOME"] = str(tmp_path / "elsewhere")
    assert mem("export").out == before
    assert mem("remember", "I prefer coffee too.").status == 0
    assert mem("doctor").status == 0


def test_a_moved_home_keeps_its_memory(mem: Mem, tmp_path: Path) -> None:
    before = remember(mem)
    shutil.move(tmp_path / "home", tmp_path / "other")
    os.environ["MEM_HOME"] = str(tmp_path / "other" / "mem")
    os.environ["XDG_DATA_HOME"] = str(tmp_path / "other" / "data")
    assert mem("export").out == before
    assert mem("doctor").status == 0


def test_a_copy_does_not_write_into_the_original(mem: Mem, tmp_path: Path) -> None:
    before = remember(mem)
    shutil.copytree(tmp_path / "home" / "mem", tmp_path / "copy")
    os.environ["MEM_HOME"] = str(tmp_path / "copy")
    for command in (["undo"], ["list"], ["inject", "pg"]):
        done = mem(*command)
        assert done.status == 5 and "is a copy of" in done.err
    shutil.rmtree(tmp_path / "copy" / ".mem" / "local")
    assert mem("init").status == 0
    assert mem("undo").status == 1
    assert mem("export").out == before


def test_a_clone_takes_in_its_pages(mem: Mem, tmp_path: Path) -> None:
    before = remember(mem)
    home = tmp_path / "home" / "mem"
    for command in (["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        subprocess.run(["git", "-C", home, *command], check=True)
    subprocess.run(["git", "clone", "-q", home, tmp_path / "clone"], check=True)
    os.environ["MEM_HOME"] = str(tmp_path / "clone")
    done = mem("init")
    assert "took in 2 pages" in done.err
    assert mem("export").out == before
    assert mem("doctor").status == 0


def test_a_lost_database_is_made_anew_from_the_pages(mem: Mem, tmp_path: Path) -> None:
    before = remember(mem)
    [database] = (tmp_path / "home" / "data").rglob("memory.db")
    database.unlink()
    for command in (["list"], ["remember", "x"], ["doctor"]):
        done = mem(*command)
        assert done.status == 5 and "mem init" in done.err
    assert not database.exists()
    assert mem("init").status == 0
    assert mem("export").out == before


def test_pages_that_cannot_be_taken_in_are_named_and_left(mem: Mem, tmp_path: Path) -> None:
    remember(mem)
    home = tmp_path / "home" / "mem"
    page = home / "user" / "preferences" / "tea.md"
    (page.parent / "twin.md").write_bytes(page.read_bytes())
    (page.parent / "broken.md").write_text("no front matter")
    shutil.rmtree(home / ".mem" / "local")
    done = mem("init")
    assert "took in 1 pages" in done.err and "broken.md:1" in done.err and "is in another page too" in done.err
    assert (page.parent / "broken.md").read_text() == "no front matter"


def test_nobody_else_may_read_a_new_memory(mem: Mem, tmp_path: Path) -> None:
    remember(mem)
    [database] = (tmp_path / "home" / "data").rglob("memory.db")
    for folder in (tmp_path / "home" / "mem", database.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_replica_file_that_says_nothing_is_an_error_and_no_new_memory(mem: Mem, tmp_path: Path) -> None:
    before = remember(mem)
    replica = tmp_path / "home" / "mem" / ".mem" / "local" / "replica"
    kept = replica.read_bytes()
    replica.write_bytes(b"")
    done = mem("remember", "I prefer coffee.")
    assert done.status == 5 and "does not say which database" in done.err
    replica.write_bytes(kept)
    assert mem("export").out == before


def test_lines_of_yours_in_an_adopted_page_are_not_written_over(mem: Mem, tmp_path: Path) -> None:
    remember(mem)
    page = next((tmp_path / "home" / "mem").rglob("postgres*.md"))
    page.write_text(page.read_text().replace("source: user\n", "source: user\nmood: calm\n"))
    shutil.rmtree(tmp_path / "home" / "mem" / ".mem" / "local")
    assert mem("init").status == 0
    before = page.read_bytes()
    done = mem("pin", "--scope", "project:atlas", "pg")
    assert (done.status, page.read_bytes()) == (3, before)
    assert "atlas/facts" in done.err and "would lose this line" in done.err
    assert mem("doctor").status == 0
