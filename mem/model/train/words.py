"""Count words: `python -m mem.model.train.words CORPUS` writes mem/model/words.tsv.

A line is a word, its frequency, and how everyday it is, both per ten million words. Frequency is the mean
over the files of the corpus, so that no kind of text outweighs another. Everyday is the least of them:
`kubernetes` is common in technical prose alone, `go` in every kind of text.
"""

from __future__ import annotations

import json
import lzma
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent.parent / "words.tsv"
KEPT = 20_000
UNIT = 10_000_000
WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
FIELDS = ("heading", "paragraphs", "turns", "personas", "a", "b")


def main(corpus: str) -> None:
    """Read every `*.jsonl.xz` of the corpus and write the table."""
    counts = [count(path) for path in sorted(Path(corpus).glob("*.jsonl.xz"))]
    if not counts:
        raise SystemExit(f"{corpus} holds no *.jsonl.xz: nothing was counted")
    rows = table(counts)
    TABLE.write_text("".join(f"{word}\t{mean}\t{least}\n" for word, mean, least in rows), encoding="utf-8")
    print(f"{len(rows)} words of {sum(map(Counter.total, counts)):,} in {len(counts)} files: {TABLE}")


def count(path: Path) -> Counter[str]:
    """The words of one file of the corpus."""
    found: Counter[str] = Counter()
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            for text in _texts([record.get(field) for field in FIELDS]):
                found.update(WORD.findall(text.casefold().replace("\u2019", "'")))
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def table(counts: list[Counter[str]]) -> list[tuple[str, int, int]]:
    """The commonest words as (word, mean, least), in alphabetical order."""
    totals = [found.total() for found in counts]
    mean: Counter[str] = Counter()
    for found, total in zip(counts, totals, strict=True):
        for word, n in found.items():
            mean[word] += UNIT * n / total / len(counts)  # type: ignore[assignment]
    kept = sorted(mean, key=lambda word: (-mean[word], word))[:KEPT]
    least = {word: min(UNIT * found[word] / n for found, n in zip(counts, totals, strict=True)) for word in kept}
    return sorted((word, round(mean[word]), round(least[word])) for word in kept)


if __name__ == "__main__":
    main(sys.argv[1])
