"""A model in use: what recall makes of it, what happens when it fails, and vectors that are not what they should be."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mem import models, writing
from mem.config import Home
from mem.embedding import Meaning
from mem.memory import Memory
from mem.reading import clock
from tests.conftest import Mem, Result, environment
from tests.encoders import model

LINES = ("The store of record is Postgres.", "My sister is allergic to peanuts.", "The cat is a dog.")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The folder of an installed model."""
    return Path(models.install(str(model(tmp_path / "tiny")), None)[0].path)


@pytest.fixture
def store(mem: Mem, tmp_path: Path) -> Path:
    """The database of a home with three beliefs."""
    for line in LINES:
        assert mem("remember", line).status == 0
    [path] = (tmp_path / "home" / "data" / "mem").glob("*/memory.db")
    return path


def rows(store: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(store)) as connection, connection:
        return connection.execute(sql, values).fetchall()


def made_by(store: Path) -> set[str]:
    """The models of the vectors that are there."""
    assert rows(store, "SELECT COUNT(*) FROM vector") == [(len(LINES),)]
    return {name for (name,) in rows(store, "SELECT model FROM vector")}


def recalled(mem: Mem, query: str = "peanuts") -> tuple[str, list[dict[str, Any]], str]:
    """Mode, hits and what was told."""
    status, out, err = mem("recall", "--json", query)
    document = json.loads(out)
    assert status == (0 if document["hits"] else 1)
    return document["mode"], document["hits"], err


# -- another model ----------------------------------------------------------------------------------


def test_the_vectors_are_those_of_the_model_in_use(mem: Mem, store: Path, tiny: Path) -> None:
    assert made_by(store) == {Meaning().model}
    assert mem("model", "use", "tiny").status == 0 and made_by(store) == {Meaning("tiny").model}
    assert mem("undo").status == 0 and made_by(store) == {Meaning().model}


def test_a_search_uses_the_model_in_use(mem: Mem, store: Path, tiny: Path) -> None:
    before = recalled(mem)[1][0]["channels"]
    assert mem("model", "use", "tiny").status == 0
    mode, hits, err = recalled(mem)
    assert (mode, err) == ("hybrid", "") and "peanuts" in hits[0]["content"]
    assert hits[0]["channels"]["embedding"] != before["embedding"]
    assert hits[0]["channels"]["lexical"] == before["lexical"]


def test_what_is_remembered_later_has_a_vector_too(mem: Mem, store: Path, tiny: Path) -> None:
    assert mem("model", "use", "tiny").status == 0 and mem("remember", "The cat is allergic.").status == 0
    assert rows(store, "SELECT COUNT(*), COUNT(DISTINCT model) FROM vector") == [(4, 1)]
    assert rows(store, "SELECT COUNT(*) FROM unembedded") == [(0,)]


def test_a_page_that_was_changed_by_hand_is_found_by_its_words(mem: Mem, store: Path, tiny: Path) -> None:
    assert mem("model", "use", "tiny").status == 0
    [page] = Path("home", "mem").rglob("*peanuts*.md")
    page.write_text(page.read_text().replace("peanuts", "almonds"))
    mode, hits, err = recalled(mem, "almonds")
    assert (mode, err) == ("hybrid", "") and hits[0]["channels"]["embedding"] == 0


# -- failing ----------------------------------------------------------------------------------------


def hurt(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"no graph" * 100)


def test_a_model_that_takes_too_long_leaves_the_words(mem: Mem, store: Path, tiny: Path) -> None:
    assert mem("model", "use", "tiny").status == 0
    assert mem("config", "set", "model.seconds", "0.001").status == 0
    mode, hits, err = recalled(mem)
    assert (mode, len(hits), err.count("\n")) == ("lexical", 1, 1)
    assert "the model tiny took longer than 0.001 seconds" in err
    assert mem("recall", "--mode", "hybrid", "peanuts").status == 5


def test_a_damaged_model_leaves_the_words_and_everything_else(mem: Mem, store: Path, tiny: Path) -> None:
    assert mem("model", "use", "tiny").status == 0
    hurt(tiny)
    mode, hits, err = recalled(mem)
    assert (mode, len(hits), err.count("\n")) == ("lexical", 1, 1) and "model.onnx is damaged" in err
    status, _, err = mem("remember", "The store is allergic to dogs.")
    assert status == 0 and "what it means is not known yet" in err and "mem model use embedded" in err
    status, _, err = mem("doctor")
    assert status == 3 and "model.onnx is damaged" in err and "1 belief waiting for its meaning" in err


def test_the_embedded_model_is_the_way_out_of_every_damage(mem: Mem, store: Path, tiny: Path) -> None:
    assert mem("model", "use", "tiny").status == 0
    hurt(tiny)
    assert mem("doctor", "--repair").status == 3
    assert mem("model", "use", "embedded").status == 0 and made_by(store) == {Meaning().model}
    assert mem("doctor").status == 0 and recalled(mem)[0] == "hybrid"


def test_going_back_to_a_model_that_is_gone_is_told(mem: Mem, store: Path, tiny: Path) -> None:
    assert mem("model", "use", "tiny").status == 0 and mem("model", "use", "embedded").status == 0
    assert mem("model", "remove", "tiny").status == 0
    assert mem("undo").status == 0
    mode, hits, err = recalled(mem)
    assert (mode, len(hits)) == ("lexical", 1) and "the model tiny is not installed (mem model use embedded)" in err


LACKING = """
import sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None
from mem import __main__
sys.exit(__main__.run(sys.argv[2:]))
"""


def lacking(tmp_path: Path, packages: str, *line: str) -> Result:
    done = subprocess.run(
        [sys.executable, "-c", LACKING, packages, *line],
        capture_output=True, text=True, env=environment(tmp_path), cwd=tmp_path, check=False,
    )  # fmt: skip
    return Result(done.returncode, done.stdout, done.stderr)


def test_the_embedded_model_needs_no_runtime(mem: Mem, store: Path, tmp_path: Path) -> None:
    packages = "onnxruntime,tokenizers,numpy"
    assert lacking(tmp_path, packages, "remember", "The dog is a cat.").status == 0
    status, out, err = lacking(tmp_path, packages, "recall", "--json", "peanuts")
    assert (status, err) == (0, "") and json.loads(out)["mode"] == "hybrid"
    assert lacking(tmp_path, packages, "doctor").status == 0
    assert lacking(tmp_path, "mmap", "recall", "peanuts").status != 0


@pytest.mark.parametrize("package", ["onnxruntime", "tokenizers"])
def test_without_its_runtime_another_model_is_named_and_words_are_kept(
    mem: Mem, store: Path, tiny: Path, tmp_path: Path, package: str
) -> None:
    assert mem("model", "use", "tiny").status == 0
    status, _, err = lacking(tmp_path, package, "remember", "The dog is a cat.")
    assert status == 0 and f"the package {package} is not installed (pip install {package})" in err
    status, _, err = lacking(tmp_path, package, "doctor")
    assert status == 3 and f"the package {package} is not installed" in err
    assert mem("doctor", "--repair").status == 0


def test_the_table_of_the_embedded_model_may_be_damaged(mem: Mem, store: Path, own: Path) -> None:
    whole = (own / "table.bin").read_bytes()
    (own / "table.bin").write_bytes(b"short")
    mode, hits, err = recalled(mem)
    assert (mode, len(hits), err.count("\n")) == ("lexical", 1, 1) and "table.bin has the wrong size" in err
    assert mem("remember", "The dog is a cat.").status == 0
    (own / "table.bin").write_bytes(whole)
    assert mem("doctor").status == 0 and recalled(mem)[0] == "hybrid"


# -- vectors ----------------------------------------------------------------------------------------

DAMAGE = {
    "is missing": "DELETE FROM vector WHERE belief = 1",
    "was made by another model": "UPDATE vector SET model = 'other/1/128' WHERE belief = 2",
    "is stale": "UPDATE vector SET digest = 'x' WHERE belief = 3",
    "is stale ": "UPDATE sketch SET signs = zeroblob(16) WHERE belief = 1",
    "is stale  ": "DELETE FROM sketch WHERE belief = 1",
    "is damaged": "UPDATE vector SET packed = x'00' WHERE belief = 1",
    "of a belief that is gone": "INSERT INTO sketch (scope, belief, signs) VALUES (1, 99, x'00')",
}


@pytest.mark.parametrize("said", DAMAGE)
def test_doctor_finds_vectors_that_are_wrong_and_makes_them_anew(mem: Mem, store: Path, said: str) -> None:
    assert mem("doctor").status == 0
    rows(store, DAMAGE[said])
    status, _, err = mem("doctor")
    assert status == 3 and said.strip() in err and err.count("\n") == 1 and "mem doctor --repair" in err
    assert mem("doctor", "--repair").status == 0 and mem("doctor").status == 0 and made_by(store) == {Meaning().model}


def test_doctor_makes_the_index_anew(mem: Mem, store: Path) -> None:
    rows(store, "DELETE FROM posting WHERE belief = 1")
    assert mem("doctor").status == 3
    assert mem("doctor", "--repair").status == 0 and mem("doctor").status == 0


def test_vectors_of_another_model_are_not_compared(mem: Mem, store: Path) -> None:
    rows(store, "UPDATE meta SET value = 'other/1/128' WHERE key = 'model'")
    mode, hits, err = recalled(mem)
    assert (mode, len(hits)) == ("lexical", 1) and "the vectors in the database are of another model" in err
    assert mem("init").status == 0 and recalled(mem)[0] == "hybrid"


# -- many -------------------------------------------------------------------------------------------


class Stopped(Exception):
    """Somebody pressed Ctrl-C."""


def test_what_was_made_before_an_interruption_stays(
    mem: Mem, store: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "EMBEDDED_AT_ONCE", 2)
    seen: list[tuple[int, int]] = []

    def progress(done: int, left: int) -> None:
        seen.append((done, left))
        if len(seen) == 1:
            raise Stopped

    memory = Memory(Home(str(tmp_path / "home" / "mem")), clock=clock, warn=lambda said: None, progress=progress)
    with pytest.raises(Stopped):
        memory.change_setting("model.name", "tiny")
    assert (
        rows(store, "SELECT COUNT(*) FROM vector") == [(2,)]
        and "of 1 belief only words are compared" in recalled(mem)[2]
    )
    memory.embed()
    assert seen == [(2, 1), (1, 0)] and made_by(store) == {Meaning("tiny").model} and recalled(mem)[2] == ""


def test_many_that_wait_do_not_hold_up_an_act(
    mem: Mem, store: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mem("model", "use", "tiny").status == 0
    monkeypatch.setattr(writing, "AT_ONCE_OF_OTHERS", 2)
    rows(store, "INSERT INTO unembedded (belief) SELECT n FROM belief")
    rows(store, "DELETE FROM vector WHERE belief > 0")
    assert mem("remember", "The dog is a cat.").status == 0
    assert rows(store, "SELECT COUNT(*) FROM unembedded") == [(4,)]
    assert mem("init").status == 0 and rows(store, "SELECT COUNT(*) FROM unembedded") == [(0,)]
