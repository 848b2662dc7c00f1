"""Many at once lose nothing: a small version of the race bench, with its broken variants."""

from __future__ import annotations

import pytest

from tests.bench import race

EACH, SAVES = 2, 200
"""Writes of each of the processes, and saves of the person: what a test may take of the bench's 40 and 5,000."""


def test_processes_that_begin_at_once_in_an_empty_home_lose_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert not race.writers("writers", EACH, lambda: None), capfd.readouterr().out


def test_processes_without_the_lock_are_caught() -> None:
    assert race.writers("writers without the lock", EACH, race.unlock)


def test_no_word_that_a_person_saves_is_lost_to_a_writer_or_the_watcher(capfd: pytest.CaptureFixture[str]) -> None:
    assert not race.person("a person, two writers and a watcher", SAVES, lambda: None), capfd.readouterr().out


def test_a_writer_that_does_not_look_before_it_writes_is_caught() -> None:
    assert race.person("a person and two writers that do not look", SAVES, race.blind)
