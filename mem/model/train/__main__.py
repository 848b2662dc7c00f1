"""Train the embedded model: `python -m mem.model.train CORPUS OUT` (see `pip install '.[train]'`)."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from mem.model.train import contrast, cooccurrence, corpus, export, knowledge, wordpiece

VERSION = 2
"""To be raised with every table that ships: vectors of different versions are never mixed."""
SEED = 1
OWN = 400
"""How often each word of what we know of tools and things is counted where the vocabulary is chosen, so that it is
whole there: of those 8,000 words, a quarter fell apart when they had only been counted as often as they occur."""

# How often a batch comes from each group of pairs; chosen, with contrast.Plan, on the dev halves of tests/recall and
# on five LoCoMo conversations. More steps are better on the first and worse on the second.
MIXTURE = {
    "answer": 2.0,
    "answer of ours": 0.7,
    "asked": 1.5,
    "category": 0.3,
    "definition": 3.0,
    "example": 1.0,
    "heading": 3.0,
    "hypernym": 1.0,
    "intent": 1.5,
    "kind": 1.0,
    "kind of answer": 0.5,
    "paragraph": 2.0,
    "reply": 5.0,
    "role": 1.2,
    "sentence": 2.0,
    "synonym": 1.0,
    "tool": 1.5,
    "topic": 2.5,
    "turn": 5.0,
    "use": 0.5,
}


def main(arguments: list[str] | None = None) -> None:
    """Read, count, factorise, train on pairs, write."""
    parser = argparse.ArgumentParser(prog="python -m mem.model.train", description=__doc__)
    parser.add_argument("corpus", type=Path, help="folder with *.jsonl or *.jsonl.xz")
    parser.add_argument("out", type=Path, help="folder to write the model to")
    parser.add_argument("--vocabulary", type=int, default=34_000)
    parser.add_argument("--dimension", type=int, default=128)
    parser.add_argument("--steps", type=int, default=contrast.Plan().steps)
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {what}", flush=True)

    own = list(knowledge.pairs(SEED))
    tokenizer = wordpiece.train(_texts(given.corpus, own), given.vocabulary)
    size = tokenizer.get_vocab_size()
    say(f"{size:,} tokens in the vocabulary")
    tokens = corpus.read(given.corpus, wordpiece.encoder(tokenizer), own)
    say(f"{len(tokens.stream):,} tokens read, {sum(map(len, tokens.pairs.values())):,} pairs")
    near = cooccurrence.ppmi(cooccurrence.counts(tokens.stream, size))
    start = cooccurrence.vectors(near, given.dimension, SEED) * cooccurrence.rarity(tokens.stream, size)[:, None]
    say(f"{near.nnz:,} co-occurrences factorised")
    plan = contrast.Plan(steps=given.steps)
    table = contrast.train(start, tokens, MIXTURE, plan, SEED)
    say(f"{plan.steps:,} steps trained")
    export.write(table, tokenizer, given.out, VERSION)
    say(f"written to {given.out}")


def _texts(folder: Path, own: list[knowledge.Pair]) -> Iterator[str]:
    yield from corpus.texts(folder)
    known = (f"{pair.a} {pair.b}".split() for pair in own if pair.group in ("role", "topic"))
    for word in sorted(set(chain.from_iterable(known))):
        yield f"{word} " * OWN


if __name__ == "__main__":
    main()
