"""Ways of ranking one visible set of beliefs in memory, by the pure functions that recall uses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np

from mem import embedding, lexical, text
from mem import recall as recalling
from mem.belief import Belief
from mem.embedding import EMBEDDED, Encoder, Table
from mem.recall import Match, Word


class Meaning:
    """The embedded model, loaded once for all sets."""

    def __init__(self) -> None:
        self.encoder = Encoder()
        self.table = Table()
        size = self.table.stamp.dimension
        whole = np.fromfile(f"{EMBEDDED}/table.bin", dtype=np.int8)  # each row has a scale of four bytes at the end
        rows = whole[: len(whole) // (size + 4) * size].reshape(-1, size).astype(np.float32)
        self._units = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
        self.near = lru_cache(2_000)(self._near)

    def _near(self, token: int) -> dict[int, float]:
        """All tokens that are close to one, as `Table.near` finds them among a few."""
        likeness = self._units @ self._units[token]
        return {int(other): float(likeness[other]) for other in np.flatnonzero(likeness >= recalling.NEAR)}


class Query(NamedTuple):
    """A question as all ways of ranking see it."""

    terms: list[str]
    words: list[Word]
    known: lexical.Statistics
    vector: Any


class Collection:
    """One visible set of beliefs, by their places in a list."""

    def __init__(self, beliefs: Sequence[Belief], meaning: Meaning) -> None:
        self.beliefs = list(beliefs)
        self._meaning = meaning
        self._bags = [lexical.bag(belief) for belief in beliefs]
        passages = [embedding.passage(belief) for belief in beliefs]
        self._vectors = meaning.encoder.encode(passages)
        self._tokens = [frozenset(meaning.table.tokens(passage)) for passage in passages]
        self._sessions = sessions(self.beliefs)
        self._frequencies: dict[str, int] = {}
        self._last: dict[tuple[str, bool], dict[int, Match]] = {}
        for bag in self._bags:
            for term in bag:
                self._frequencies[term] = self._frequencies.get(term, 0) + 1
        self._length = sum(sum(bag.values()) for bag in self._bags) / max(1, len(self._bags))

    def query(self, question: str) -> Query:
        written = dict(reversed(list(text.terms(question))))
        known = lexical.Statistics(len(self._bags), self._length, self._frequencies)
        words = [
            Word(known.idf(term) * lexical.rarity(word), tuple(self._meaning.table.tokens(word)))
            for term, word in written.items()
        ]
        return Query(list(written), words, known, self._meaning.encoder.encode([question])[0])

    def matches(self, question: str, *, hybrid: bool) -> dict[int, Match]:
        """How every belief answers; the last answers are kept, as several ways of ranking ask for them."""
        if (question, hybrid) not in self._last:
            self._last = {key: found for key, found in self._last.items() if key[0] == question}
            self._last[question, hybrid] = self._matches(question, hybrid)
        return self._last[question, hybrid]

    def _matches(self, question: str, hybrid: bool) -> dict[int, Match]:
        query = self.query(question)
        cosines = self._vectors @ query.vector
        near = {token: self._meaning.near(token) for word in query.words for token in word.tokens}
        found = {}
        for at, bag in enumerate(self._bags):
            shares = lexical.shares(bag, query.terms, query.known)
            if hybrid:
                found[at] = recalling.match(query.words, shares, self._tokens[at], near, float(cosines[at]))
            else:
                found[at] = recalling.match(query.words, shares)
        return found

    def ranked(self, question: str, *, hybrid: bool, neighbours: bool = True) -> list[str]:
        """Ids, best first, whether or not the question is answered."""
        matches = self.matches(question, hybrid=hybrid)
        return self._order(recalling.relevance(matches, self._sessions if neighbours else ()))

    def by_embedding(self, question: str) -> list[str]:
        return self._order(dict(enumerate((self._vectors @ self.query(question).vector).tolist())))

    def by_plain_bm25(self, question: str) -> list[str]:
        """rank_bm25 with its own parameters, over plain words: stems, without stop words."""
        return self._order(dict(enumerate(self._plain.get_scores(plain_words(question)).tolist())))

    @cached_property
    def _plain(self) -> Any:
        from rank_bm25 import BM25Okapi

        return BM25Okapi([plain_words(belief.content) for belief in self.beliefs])

    def _order(self, scores: Mapping[int, float]) -> list[str]:
        return [self.beliefs[at].id for at in sorted(scores, key=lambda at: (-scores[at], at)) if scores[at] > 0]


def sessions(beliefs: Sequence[Belief]) -> list[list[int]]:
    """The events of each session, by time; those of one moment in the order that they were given."""
    found: dict[str, list[int]] = {}
    for at, belief in enumerate(beliefs):
        if belief.type == "event" and belief.session:
            found.setdefault(belief.session, []).append(at)
    return [sorted(events, key=lambda at: beliefs[at].created) for events in found.values()]


def plain_words(content: str) -> list[str]:
    found = re.findall(r"[a-z0-9]+", text.fold(content))
    return [text.stem(word) for word in found if word not in text.FUNCTION_WORDS]


def interval(differences: Sequence[float], draws: int = 10_000) -> tuple[float, float]:
    """The middle 95 % of the mean under resampling; the seed is fixed."""
    values = np.asarray(differences, dtype=float)
    random = np.random.default_rng(1)
    means = [values[random.integers(0, len(values), len(values))].mean() for _ in range(draws)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
