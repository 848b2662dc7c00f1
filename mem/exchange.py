"""Other forms in and out: JSON Lines of `mem.belief/1`, a line a belief, lossless."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from mem.belief import Belief, to_record
from mem.errors import Problem


def read_jsonl(name: str, lines: Iterable[bytes]) -> Iterator[tuple[int, dict[str, Any]] | Problem]:
    """The objects of a JSON Lines file with their line numbers; a line that is none is a Problem."""
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            if not text:
                continue
            value = json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
        except UnicodeDecodeError:
            yield Problem(name, number, "the line is not UTF-8")
        except RecursionError:
            yield Problem(name, number, "the line is nested too deeply")
        except ValueError as error:
            yield Problem(name, number, f"the line is not JSON: {error}")
        else:
            if isinstance(value, dict):
                yield number, value
            else:
                yield Problem(name, number, "the line is not a JSON object")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def write_jsonl(beliefs: Iterable[Belief]) -> Iterator[str]:
    """One line for each belief."""
    for belief in beliefs:
        yield json.dumps(to_record(belief), ensure_ascii=False, separators=(",", ":")) + "\n"
