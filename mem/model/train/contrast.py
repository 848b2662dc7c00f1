"""Learning from pairs: the two sides of a pair belong closer together than those of different pairs.

A text is the sum of its token vectors, brought to length 1; the length of a token vector is therefore what the
token counts for, and is learned with it.
Source: symmetric InfoNCE, van den Oord et al. (2018).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from mem.model.train.corpus import Tokens

Matrix = NDArray[np.float32]


class Plan(NamedTuple):
    """How to train; the defaults are those of the model that ships."""

    steps: int = 2_900
    batch: int = 1_024
    scale: float = 10.0
    """Cosines are multiplied by this before the softmax."""
    rate: float = 5e-3
    """Adam's step at its largest; warmed up over the first twentieth, then a half cosine down to 0."""
    longest: int = 48
    """Tokens of a stretch that are read."""
    dropped: float = 0.3
    """Chance that a token that both sides share is left out of one: words are matched elsewhere."""


def train(start: Matrix, tokens: Tokens, mixture: Mapping[str, float], plan: Plan, seed: int) -> Matrix:
    """The table after training; `mixture` says how often a batch comes from each group.

    Shapes: (vocabulary, dimensions).
    """
    rng = np.random.default_rng(seed)
    table = start.copy()
    adam = _Adam(table.shape)
    for step, (a, b, families) in enumerate(_batches(tokens, mixture, plan, rng)):
        rows, a, b = _compact(a, b)
        mine = np.asarray(table[rows])
        slope = _gradient(mine, a, b, families, plan.scale)
        table[rows] = mine - adam.step(rows, slope, plan.rate * _warmth(step / plan.steps))
    return table


class _Adam:
    """Adam with one squared mean for each row; rows that a batch does not use stay as they are."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._mean = np.zeros(shape, dtype=np.float32)
        self._square = np.zeros((shape[0], 1), dtype=np.float32)
        self._times = np.zeros((shape[0], 1), dtype=np.float32)

    def step(self, rows: NDArray[np.int64], gradient: Matrix, rate: float) -> Matrix:
        """How far to move some rows."""
        self._times[rows] += 1
        mean = self._mean[rows] * 0.9 + gradient * 0.1
        square = self._square[rows] * 0.99 + 0.01 * (gradient**2).mean(axis=1, keepdims=True)
        self._mean[rows], self._square[rows] = mean, square
        times = self._times[rows]
        return np.asarray(rate * (mean / (1 - 0.9**times)) / (np.sqrt(square / (1 - 0.99**times)) + 1e-8))


def _warmth(done: float) -> float:
    return min(done / 0.05, 1.0) * 0.5 * (1 + math.cos(math.pi * done))


def _batches(
    tokens: Tokens, mixture: Mapping[str, float], plan: Plan, rng: np.random.Generator
) -> Iterator[tuple[sp.csr_matrix, sp.csr_matrix, NDArray[np.int32]]]:
    """Both sides of a batch as counts of tokens, and families; a batch is of one group, drawn afresh each round."""
    names = [name for name in mixture if len(tokens.pairs.get(name, ())) > 1]
    shares = np.array([mixture[name] for name in names])
    size = int(tokens.stream.max()) + 1
    queues = {name: np.zeros(0, dtype=np.int64) for name in names}
    for at in rng.choice(len(names), size=plan.steps, p=shares / shares.sum()):
        pairs = tokens.pairs[names[at]]
        if len(queues[names[at]]) < min(plan.batch, len(pairs)):
            queues[names[at]] = rng.permutation(len(pairs))
        chosen, queues[names[at]] = np.split(queues[names[at]], [plan.batch])
        rows = pairs[chosen]
        a = _counts(tokens, rows[:, :2], size, plan.longest)
        b = _counts(tokens, rows[:, 2:4], size, plan.longest)
        yield *_without_shared(a, b, plan.dropped, rng), rows[:, 4]


def _counts(tokens: Tokens, stretches: NDArray[np.int32], size: int, longest: int) -> sp.csr_matrix:
    """Tokens of each stretch with how often they occur.

    Shapes: (stretches, vocabulary).
    """
    starts = tokens.bounds[stretches[:, 0]]
    lengths = np.minimum(tokens.bounds[stretches[:, 1]] - starts, longest)
    ends = np.cumsum(lengths)
    inside = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
    ids = tokens.stream[np.repeat(starts, lengths) + inside]
    found = sp.csr_matrix(
        (np.ones(len(ids), dtype=np.float32), ids.astype(np.int32), np.concatenate([[0], ends])),
        shape=(len(stretches), size),
    )
    found.sum_duplicates()
    return found


def _without_shared(
    a: sp.csr_matrix, b: sp.csr_matrix, dropped: float, rng: np.random.Generator
) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Both sides, with some of the tokens that they share left out of one of them."""
    codes = [
        np.repeat(np.arange(len(side.indptr) - 1), np.diff(side.indptr)) * side.shape[1] + side.indices
        for side in (a, b)
    ]
    in_a, in_b = np.isin(codes[0], codes[1]), np.isin(codes[1], codes[0])
    fate = rng.random(in_a.sum())  # shared tokens stand in the same order on both sides
    a.data[in_a] *= fate >= dropped / 2
    b.data[in_b] *= (fate < dropped / 2) | (fate >= dropped)
    a.eliminate_zeros()
    b.eliminate_zeros()
    return a, b


def _compact(a: sp.csr_matrix, b: sp.csr_matrix) -> tuple[NDArray[np.int64], sp.csr_matrix, sp.csr_matrix]:
    """The tokens in use, and both sides in terms of these alone."""
    rows, places = np.unique(np.concatenate([a.indices, b.indices]), return_inverse=True)
    split = np.split(places.astype(np.int32), [a.nnz])
    sides = [
        sp.csr_matrix((side.data, columns, side.indptr), shape=(side.shape[0], len(rows)))
        for side, columns in zip((a, b), split, strict=True)
    ]
    return rows.astype(np.int64), sides[0], sides[1]


def _gradient(table: Matrix, a: sp.csr_matrix, b: sp.csr_matrix, families: NDArray[np.int32], scale: float) -> Matrix:
    """Slope of the loss in each used row."""
    sums = a @ table, b @ table
    units = _unit(sums[0]), _unit(sums[1])
    slopes = _loss_slopes(*units, _same(a) | _same(b) | _related(families), scale)
    into = [_through_unit(*parts) for parts in zip(sums, units, slopes, strict=True)]
    return np.asarray(a.T @ into[0] + b.T @ into[1], dtype=np.float32)


def _same(side: sp.csr_matrix) -> NDArray[np.bool_]:
    """Which texts of one side are the same as another: those are no negatives of each other."""
    marks = side @ np.random.default_rng(0).random(side.shape[1])
    found = marks[:, None] == marks[None, :]
    np.fill_diagonal(found, False)
    return np.asarray(found)


def _related(families: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which pairs come from one line of ours, so that each could as well be the answer to the other."""
    found = (families[:, None] == families[None, :]) & (families >= 0)[:, None]
    np.fill_diagonal(found, False)
    return np.asarray(found)


def _loss_slopes(a: Matrix, b: Matrix, same: NDArray[np.bool_], scale: float) -> tuple[Matrix, Matrix]:
    """Slope of the loss in the unit vectors of both sides."""
    logits = scale * (a @ b.T)
    logits[same] = -1e9
    logits -= logits.max()
    grown = np.exp(logits)
    blame = grown / grown.sum(axis=1, keepdims=True) + grown / grown.sum(axis=0, keepdims=True)
    blame[np.diag_indices(len(blame))] -= 2
    blame *= scale / (2 * len(blame))
    return blame @ b, blame.T @ a


def _unit(rows: Matrix) -> Matrix:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6))


def _through_unit(rows: Matrix, unit: Matrix, slope: Matrix) -> Matrix:
    """Slope in vectors, given the slope in the same brought to length 1."""
    inward = slope - unit * (slope * unit).sum(axis=1, keepdims=True)
    return np.asarray(inward / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6))
