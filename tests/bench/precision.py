"""Injection on prompts with known answers, through the real command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mem.reading import AGENT_VARIABLES


class Session:
    """A memory in a temporary home, and its command line."""

    def __init__(self, folder: str, records: str, scopes: Iterable[str]) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MEM_") and k not in AGENT_VARIABLES}
        self._environment = kept | {"MEM_HOME": f"{folder}/mem", "XDG_DATA_HOME": f"{folder}/data"}
        self._folder = folder
        if records:
            self.mem(["import", "--approve", "-"], records)
        for scope in scopes:
            self.mem(["scope", "add", scope])

    def mem(self, arguments: Sequence[str], stdin: str = "") -> str:
        command = [sys.executable, "-c", "from mem.__main__ import main; main()", *arguments]
        done = subprocess.run(
            command, input=stdin, text=True, capture_output=True, env=self._environment, cwd=self._folder, check=False
        )
        if done.returncode:
            raise SystemExit(f"mem {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def inject(self, case: dict[str, Any]) -> dict[str, Any]:
        arguments = ["inject", "--json", *(part for scope in case["scopes"] for part in ("--scope", scope))]
        if "max_beliefs" in case:
            arguments += ["--max-beliefs", str(case["max_beliefs"])]
        return json.loads(self.mem([*arguments, "-"], case["query"]))


def run(path: str) -> int:
    """Print every case that fails, then the totals; exit status 1 if any failed."""
    folder = Path(path)
    records = (folder / "beliefs.jsonl").read_text(encoding="utf-8")
    cases = read(folder / "cases.jsonl")
    sessions = read(folder / "sessions.jsonl") if (folder / "sessions.jsonl").exists() else []
    if not cases:
        raise SystemExit(f"{path} holds no cases: nothing was measured")
    scopes = {scope for case in [*cases, *sessions] for scope in case["scopes"]}
    tally = [0, 0, 0]  # relevant found, relevant wanted, relevant given
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as empty:
        stores = {"full": Session(home, records, scopes), "empty": Session(empty, "", scopes)}
        failed = broken = 0
        for case in cases:
            answer = stores[case.get("store", "full")].inject(case)
            faults = check(case["expect"], answer, tally)
            failed += bool(faults)
            broken += bool(check(case["expect"], answer | {"relevant": []}, [0, 0, 0]))
            if faults:
                print(f"{case['case']}: {'; '.join(faults)}\n    {case['query'][:150]}")
    turns = play(sessions, records)
    found, wanted, given = tally
    print(f"cases passed {len(cases) - failed} of {len(cases)}; session turns {turns} of {len(sessions)}")
    print(f"relevant: precision {found / max(1, given):.3f}, recall {found / max(1, wanted):.3f} (n = {wanted})")
    print(f"broken variant, which names nothing: {len(cases) - broken} of {len(cases)}")
    return int(failed > 0 or turns < len(sessions) or broken == 0)


def play(turns: Sequence[dict[str, Any]], records: str) -> int:
    """Run all turns in order on one store; returns how many passed."""
    passed = 0
    with tempfile.TemporaryDirectory() as home:
        session = Session(home, records, {scope for turn in turns for scope in turn["scopes"]})
        for turn in turns:
            faults = check(turn["expect"], session.inject(turn), [0, 0, 0])
            passed += not faults
            if faults:
                print(f"{turn['case']} turn {turn['turn']}: {'; '.join(faults)}\n    {turn['query'][:150]}")
            follow(session, turn)
    return passed


def follow(session: Session, turn: dict[str, Any]) -> None:
    """What happens after a turn: a belief is added, or aliases to one."""
    if "then_remember" in turn:
        session.mem(["import", "--approve", "-"], json.dumps(turn["then_remember"]))
    if "then_alias" in turn:
        change = turn["then_alias"]
        scopes = [part for scope in turn["scopes"] for part in ("--scope", scope)]
        session.mem(["alias", change["id"], *(f"+{alias}" for alias in change["add"]), *scopes])


def check(expect: dict[str, Any], answer: dict[str, Any], tally: list[int]) -> list[str]:
    """What an answer lacks or has too much of."""
    ids = {part: {entry["id"] for entry in answer[part]} for part in ("persona", "pinned", "relevant", "questions")}
    faults = []
    if "relevant" in expect:
        wanted = set(expect["relevant"])
        tally[0] += len(wanted & ids["relevant"])
        tally[1] += len(wanted)
        tally[2] += len(ids["relevant"])
        if wanted != ids["relevant"]:
            faults.append(
                f"relevant: lacks {wanted - ids['relevant'] or '-'}, too much {ids['relevant'] - wanted or '-'}"
            )
    for part in ("pinned", "questions"):
        faults += [f"{part} lacks {id_}" for id_ in expect.get(f"{part}_include", []) if id_ not in ids[part]]
        faults += [f"{part} has {id_}" for id_ in expect.get(f"{part}_exclude", []) if id_ in ids[part]]
    faults += [f"{id_} came up" for id_ in expect.get("never", []) if any(id_ in part for part in ids.values())]
    text = " ".join(entry["content"] for entry in answer["persona"])
    if "persona" in expect and (expect["persona"] == "empty") != (not answer["persona"]):
        faults.append(f"persona is not {expect['persona']}")
    faults += [f"persona lacks {word!r}" for word in expect.get("persona_contains", []) if word not in text]
    faults += [f"persona has {word!r}" for word in expect.get("persona_excludes", []) if word in text]
    return faults


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
