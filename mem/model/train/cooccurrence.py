"""Which tokens stand near which, and the vectors that this alone gives them.

Source: PPMI and its singular vectors, Levy, Goldberg & Dagan (2015); the weight of a token in a sum, and the
removal of what all have in common, Arora, Liang & Ma (2017).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

WINDOW = 8
"""Tokens on each side."""
CONTEXT_EXPONENT = 0.75
COMMON = 1e-3
"""The `a` of a / (a + p): a token with this share of all tokens counts half."""
CHUNK = 4_000_000
"""Tokens counted at a time: 130 MB."""
ROUNDS = 3
"""Passes of the subspace iteration."""
SPARE = 32
"""Dimensions computed beyond those that are kept."""
THREADS = 2


def counts(stream: NDArray[np.uint16], size: int) -> sp.csr_matrix:
    """How often two tokens stand within a window of each other; symmetric, single sightings left out."""
    total = sp.csr_matrix((size, size), dtype=np.float32)
    for start in range(0, len(stream), CHUNK):
        part = stream[start : start + CHUNK + WINDOW].astype(np.int64)
        codes = np.concatenate([_codes(part, distance, size) for distance in range(1, WINDOW + 1)])
        codes.sort()
        edges = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1], [True]]))
        found = codes[edges[:-1]]
        values = np.diff(edges).astype(np.float32)
        total = total + sp.csr_matrix((values, (found // size, found % size)), shape=(size, size))
    total.data[total.data < 2] = 0
    total.eliminate_zeros()
    return (total + total.T).tocsr()


def _codes(part: NDArray[np.int64], distance: int, size: int) -> NDArray[np.int64]:
    """Pairs at one distance as single numbers, the smaller token first; none across documents."""
    a, b = part[:-distance], part[distance:]
    inside = (a > 0) & (b > 0)
    for between in range(1, distance):
        inside &= part[between : between - distance] > 0
    a, b = a[inside], b[inside]
    return np.minimum(a, b) * size + np.maximum(a, b)


def ppmi(found: sp.csr_matrix) -> sp.csr_matrix:
    """Positive pointwise mutual information; the smoothing of contexts is shared by both sides."""
    n = np.asarray(found.sum(axis=1)).ravel()
    n[n == 0] = 1
    smooth = n**CONTEXT_EXPONENT
    chance = np.sqrt(n / n.sum() * smooth / smooth.sum())
    rows = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
    values = np.log(found.data / n.sum() / (chance[rows] * chance[found.indices]))
    result = sp.csr_matrix((np.maximum(values, 0).astype(np.float32), found.indices, found.indptr), found.shape)
    result.eliminate_zeros()
    return result


def vectors(matrix: sp.csr_matrix, dimensions: int, seed: int) -> Matrix:
    """Rows of the best low-rank square root of a symmetric matrix, each of length 1, without their mean.

    Source: randomised subspace iteration, Halko, Martinsson & Tropp (2011).
    """
    wanted = min(dimensions + SPARE, matrix.shape[0])
    basis = np.random.default_rng(seed).standard_normal((matrix.shape[0], wanted), dtype=np.float32)
    for _ in range(ROUNDS):
        basis, _ = np.linalg.qr(_times(matrix, basis))
    small = basis.T @ _times(matrix, basis)
    values, turns = np.linalg.eigh((small + small.T) / 2)
    best = np.argsort(-values)[:dimensions]
    found = (basis @ turns[:, best]) * np.sqrt(np.maximum(values[best], 0))
    found = _unit(found)
    return _unit(found - found.mean(axis=0))


def rarity(stream: NDArray[np.uint16], size: int) -> Matrix:
    """What a token counts for in a sum: near 1 for a rare one, near 0 for `the`.

    Shapes: (size,).
    """
    n = np.bincount(stream, minlength=size).astype(np.float32)
    n[0] = 0
    return np.asarray(COMMON / (COMMON + n / n.sum()), dtype=np.float32)


def _times(matrix: sp.csr_matrix, dense: Matrix) -> Matrix:
    """The product, one part of the rows for each thread."""
    edges = np.searchsorted(matrix.indptr, np.linspace(0, matrix.nnz, THREADS + 1)[1:-1])
    cuts = [0, *edges.tolist(), matrix.shape[0]]
    with ThreadPoolExecutor(THREADS) as pool:
        parts = pool.map(lambda span: matrix[span[0] : span[1]] @ dense, pairwise(cuts))
        return np.vstack(list(parts)).astype(np.float32)


def _unit(rows: Matrix) -> Matrix:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6), dtype=np.float32)
