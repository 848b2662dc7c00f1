"""Cold process time of the hot commands, as a ratio to a bare interpreter measured beside them."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

BELIEFS = 10_000
ROUNDS = 31
LIMIT = 4.0
COMMON_LIMIT = 1.5

# Made-up words, so that frequencies are known: a few are in half of the beliefs, most in a handful.
_ONSETS = "b br c cl d dr f fl g gr h j k l m n p pl qu r s st t tr v w z".split()
_NUCLEI = "a e i o u ai ea io ou".split()
_CODAS = "b d g k l m n nd ng p r rk s st t x".split()


def vocabulary(size: int, chance: random.Random) -> list[str]:
    """Distinct made-up words of one to three syllables."""
    words: dict[str, None] = {}
    while len(words) < size:
        syllables = chance.choice((1, 2, 2, 3))
        word = "".join(chance.choice(_ONSETS) + chance.choice(_NUCLEI) for _ in range(syllables))
        words[word + chance.choice(_CODAS)] = None
    return list(words)


def beliefs(chance: random.Random, scopes: Sequence[str]) -> tuple[list[dict[str, object]], list[str]]:
    """Beliefs with Zipf-like words, spread over scopes and types; and the words, commonest first."""
    words = vocabulary(8_000, chance)
    weights = [1 / (rank + 3) for rank in range(len(words))]
    types = ["preference", "decision", "fact", "entity", "procedure", "event", "question"]
    made = []
    for n in range(BELIEFS):
        content = chance.choices(words, weights, k=18)
        made.append(
            {
                "id": f"b{n:07}",
                "type": chance.choice(types),
                "name": f"{words[n % len(words)]}_{n}" if n >= 2_000 else words[n],
                "aliases": [f"{chance.choice(words)} {chance.choice(words)}", f"{words[0]} {words[n % len(words)]}"],
                "content": " ".join(content),
                "scope": scopes[n % len(scopes)],
                "created": f"2026-{1 + n % 10:02}-{1 + n % 28:02}T08:00:00Z",
            }
        )
    return made, words


def run(_: str) -> int:
    """Print the ratios; exit status 1 if a limit is not met, or if the broken variant meets it."""
    failed = False
    for title, scopes, opened in (
        ("10,000 beliefs in 5 scopes, 2,000 visible, every page looked at",
         ["project:a", "project:b", "project:c", "project:d", "project:e"], "project:a"),
        ("10,000 beliefs, all visible, freshness partial", ["user"], "user"),
    ):  # fmt: skip
        failed |= measure(title, scopes, opened)
    return int(failed)


def measure(title: str, scopes: Sequence[str], opened: str) -> bool:
    """One table; returns whether it failed."""
    chance = random.Random(7)
    records, words = beliefs(chance, scopes)
    rare = words[4_000:4_012]
    with tempfile.TemporaryDirectory(prefix="mem-bench-") as folder:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("MEM_")}
        environment |= {"MEM_HOME": f"{folder}/mem", "XDG_DATA_HOME": f"{folder}/data"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
        mem = [sys.executable, "-c", "import sys; from mem.__main__ import main; main()"]
        slow = [sys.executable, "-c", "import sys; from mem import cli; sys.exit(cli.main(sys.argv[1:]))"]
        lines = "".join(json.dumps(record) + "\n" for record in records)
        subprocess.run([*mem, "import", "--approve", "-"], input=lines, text=True, check=True, env=environment,
                       stdout=subprocess.DEVNULL)  # fmt: skip
        scope = ["--scope", opened]
        common = f"please {' '.join(words[:12])} {records[0]['name']} now"
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "inject, names one": [*mem, "inject", *scope, f"please {' '.join(rare)} {records[5]['name']} now"],
            "inject, names none": [*mem, "inject", *scope, f"please {' '.join(rare)} now"],
            "inject, commonest words": [*mem, "inject", *scope, common],
            "inject --json, names one": [*mem, "inject", "--json", *scope, f"{' '.join(rare)} {records[5]['name']}"],
            "recall, rare words": [*mem, "recall", *scope, " ".join(rare[:4])],
            "recall, commonest words": [*mem, "recall", *scope, " ".join(words[:4])],
            "inject by way of typer (must fail)": [*slow, "inject", *scope, f"please {' '.join(rare)} now"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                begun = time.perf_counter()
                subprocess.run(command, env=environment, cwd=folder, capture_output=True, check=False)
                times[name].append(1000 * (time.perf_counter() - begun))
    medians = {name: statistics.median(values) for name, values in times.items()}
    bare = medians["python -c pass"]
    print(f"\n{title}; medians of {ROUNDS}, interleaved")
    for name, median in medians.items():
        print(f"{name:36} {median:7.1f} ms {median / bare:6.2f} x")
    worst = max(medians[name] for name in medians if name.startswith("inject") and "typer" not in name) / bare
    ratio = medians["inject, commonest words"] / medians["inject, names one"]
    broken = medians["inject by way of typer (must fail)"] / bare
    print(f"worst inject {worst:.2f} x (limit {LIMIT}); broken variant {broken:.2f} x")
    print(f"commonest words cost {ratio:.2f} x as much (limit {COMMON_LIMIT})")
    return worst > LIMIT or ratio > COMMON_LIMIT or broken <= LIMIT
