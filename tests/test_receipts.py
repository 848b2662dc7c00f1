"""Receipts: every injection leaves one, whatever happened to the one before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Mem


@pytest.fixture
def log(mem: Mem, tmp_path: Path) -> Path:
    """The file to which readers append, with one receipt in it."""
    mem("remember", "--pin", "--name", "meeting", "We meet at nine.")
    mem("inject", "hello")
    [found] = tmp_path.rglob("receipts.log")
    return found


def receipts(mem: Mem) -> list[list[str]]:
    return [[used["id"] for used in json.loads(line)["beliefs"]] for line in mem("log", "--jsonl").out.splitlines()]


@pytest.mark.parametrize("cut", [2, 3, 14, 40, 60])
def test_a_line_that_a_crash_cut_short_stops_nothing(mem: Mem, log: Path, cut: int) -> None:
    log.write_bytes(log.read_bytes()[:-cut])
    assert receipts(mem) == []
    mem("inject", "hello again")
    assert len(receipts(mem)) == 1
    assert mem("remember", "I prefer tea.").status == 0
    assert (len(receipts(mem)), log.read_bytes()) == (1, b"")


def test_a_receipt_is_the_same_before_and_after_it_is_taken_into_the_store(mem: Mem, log: Path) -> None:
    mem("remember", "--pin", "We also meet at ten.")
    mem("inject", "hello")
    before = receipts(mem)
    mem("remember", "I prefer tea.")
    assert receipts(mem) == before and [len(one) for one in before] == [2, 1]


def test_receipts_are_kept_as_long_as_the_setting_says(mem: Mem, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mem("remember", "I prefer tea.")
    monkeypatch.setenv("MEM_NOW", "2027-03-21T10:00:00Z")
    assert len(receipts(mem)) == 1
    mem("remember", "I prefer coffee too.")
    assert receipts(mem) == []
