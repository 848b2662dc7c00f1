"""Memory folders that are moved, copied, cloned, or lose their database."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

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
    shutil.rmtree(tmp_path / "home" / "data")
    done = mem("init")
    assert "took in 1 page that was in" in done.err and "broken.md:1" in done.err and "neither counts" in done.err
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


def test_lines_of_yours_in_an_adopted_page_stay(mem: Mem, tmp_path: Path) -> None:
    remember(mem)
    page = next((tmp_path / "home" / "mem").rglob("postgres*.md"))
    page.write_text(page.read_text().replace("source: user\n", "source: user\nmood: calm\n"))
    shutil.rmtree(tmp_path / "home" / "mem" / ".mem" / "local")
    shutil.rmtree(tmp_path / "home" / "data")
    assert mem("init").status == 0
    assert mem("pin", "--scope", "project:atlas", "pg").status == 0
    assert "mood: calm\n" in page.read_text() and "pinned: true\n" in page.read_text()
    assert mem("doctor").status == 0


@pytest.mark.parametrize("where", ["replica/memory.db", "../../../home/mem/evil/memory.db"])
def test_a_database_within_the_folder_is_none_of_mems(mem: Mem, tmp_path: Path, where: str) -> None:
    """A commit of somebody else may bring files into `.mem/local`, for git thinks nothing of what it ignores."""
    remember(mem)
    home = tmp_path / "home" / "mem"
    [database] = (tmp_path / "home" / "data").rglob("memory.db")
    replica = home / ".mem" / "local" / "replica"
    lines = replica.read_text().splitlines()
    if where.startswith(".."):
        lines[:2] = [where.removesuffix("/memory.db"), "/nowhere"]
        inside = home / "evil" / "memory.db"
    else:
        inside = home / where
        lines[1] = str(inside)
    inside.parent.mkdir()
    shutil.copy(database, inside)
    replica.write_text("\n".join(lines) + "\n")
    for command in (["inject", "pg"], ["list"], ["remember", "x"]):
        done = mem(*command)
        assert done.status == 5 and "lies in the memory folder" in done.err


def test_settings_within_the_folder_are_none_of_mems(mem: Mem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME")
    remember(mem)
    home = tmp_path / "home" / "mem"
    replica = home / ".mem" / "local" / "replica"
    (home / "config.toml").write_text("[recall]\nk = 77\n")
    replica.write_text("".join(f"{line}\n" for line in [*replica.read_text().splitlines()[:3], home / "config.toml"]))
    assert mem("config", "get", "recall.k").out == "10\n"


def test_a_memory_folder_may_be_the_home_itself(mem: Mem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEM_HOME", str(tmp_path / "home"))
    before = remember(mem)
    assert mem("export").out == before != ""
