"""`python -m tests.bench NAME [PATH]`: print one table of measurements."""

from __future__ import annotations

import sys

from tests.bench import ingest, kill, meaning, power, precision, race, recall, speed

DATA = "../shared/bench"
BENCHES = {
    "recall": (recall.run, f"{DATA}/locomo/dev.jsonl"),
    "meaning": (meaning.run, ""),
    "precision": (precision.run, f"{DATA}/precision"),
    "speed": (speed.run, ""),
    "race": (race.run, ""),
    "ingest": (ingest.run, ""),
    "kill": (kill.run, ""),
    "power": (power.run, ""),
}


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in BENCHES:
        print(f"usage: python -m tests.bench {'|'.join(BENCHES)} [PATH]", file=sys.stderr)
        return 2
    bench, default = BENCHES[arguments[0]]
    return bench(arguments[1] if len(arguments) > 1 else default)


sys.exit(main(sys.argv[1:]))
