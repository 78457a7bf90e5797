"""The elimination of a sparse matrix against exact rational arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from recover.core.arrays import Array
from recover.core.eigen.factor import Factored, factored
from recover.core.rounding import U


def exact(matrix: Array) -> list[list[Fraction]]:
    return [[Fraction(x) for x in row] for row in matrix.tolist()]


def product(a: list[list[Fraction]], b: list[list[Fraction]]) -> list[list[Fraction]]:
    columns = list(zip(*b, strict=True))
    return [
        [sum((x * y for x, y in zip(r, c, strict=True)), Fraction()) for c in columns]
        for r in a
    ]


def sums(rows: list[list[Fraction]]) -> list[Fraction]:
    return [sum((abs(x) for x in row), Fraction()) for row in rows]


def arrow(n: int, hub: int) -> Array:
    """One row that meets all others; it goes last in an order that keeps the factors sparse."""
    matrix = np.diag(2.0 + np.arange(n) / 7.0)
    matrix[hub] = matrix[:, hub] = 1.0 / 3.0
    matrix[hub, hub] = n
    return matrix


def full(n: int, seed: int) -> Array:
    root = np.random.default_rng(seed).standard_normal((n, n + 2))
    gram = root @ root.T
    return (gram + gram.T) * 0.5


CASES = {
    "one": np.array([[3.0]]),
    "full": full(6, 0),
    "arrow": arrow(12, 4),
    "path": np.diag(np.full(9, 2.1)) - np.eye(9, k=1) - np.eye(9, k=-1),
    "huge": full(5, 1) * 2.0**900,
    "tiny": full(5, 2) * 2.0**-900,
    "indefinite": full(5, 3) - 3.0 * np.eye(5),
    "graded": full(5, 4)
    * np.outer(10.0 ** -np.arange(0, 40, 8.0), 10.0 ** -np.arange(0, 40, 8.0)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_margin_holds_the_exact_distance_and_the_theorems_constant(name: str) -> None:
    matrix = CASES[name]
    n = matrix.shape[0]
    found = factored(sparse.csc_array(matrix))
    assert found is not None
    place = found.lu.perm_c
    lower, upper = exact(found.lu.L.toarray()), exact(found.lu.U.toarray())
    ordered = np.empty_like(matrix)
    ordered[np.ix_(place, place)] = matrix
    pivots = [upper[i][i] for i in range(n)]
    assert [Fraction(x) for x in found.pivots] == [pivots[i] for i in place]
    turned = [[pivots[i] * lower[j][i] for j in range(n)] for i in range(n)]  # D L^T
    built = product(lower, turned)
    given = exact(ordered)
    off = sums(
        [[a - b for a, b in zip(r, s, strict=True)] for r, s in zip(given, built, strict=True)]
    )
    # |L| (k U |U| + |U - D L^T|), k the most products in an entry of L U
    k = max(
        sum(1 for m in range(n) if lower[i][m] and upper[m][j])
        for i in range(n)
        for j in range(n)
    )
    inner = [
        [k * Fraction(U) * abs(u) + abs(u - t) for u, t in zip(r, s, strict=True)]
        for r, s in zip(upper, turned, strict=True)
    ]
    theorem = sums(product([[abs(x) for x in row] for row in lower], inner))
    for row, at in enumerate(place):
        assert off[at] <= theorem[at]
        assert theorem[at] <= Fraction(found.margin[row])
        assert found.margin[row] <= (2.0 + 8.0 / k) * float(theorem[at]) + 1e-299


def test_only_positive_pivots_of_finite_margin_count() -> None:
    lu = factored(sparse.csc_array(np.eye(5))).lu
    pivots = np.array([1.0, 5e-324, 0.0, -1.0, 2.0])
    margin = np.array([0.0, 0.0, 0.0, 0.0, math.inf])
    positive = Factored(lu, pivots, margin).positive
    assert positive.tolist() == [True, True, False, False, False]


def test_pivots_stay_on_the_diagonal() -> None:
    assert factored(sparse.csc_array(np.array([[0.0, 1.0], [1.0, 0.0]]))) is None
    assert factored(sparse.csc_array(np.array([[1.0, 1.0], [1.0, 1.0]]))) is None
    # partial pivoting would swap these rows
    found = factored(sparse.csc_array(np.array([[1e-3, 1.0], [1.0, 2.0]])))
    assert found is not None
    assert np.sort(np.sign(found.pivots)).tolist() == [-1.0, 1.0]


def test_an_overflow_makes_the_margin_of_its_rows_infinite() -> None:
    bad = np.array([[1e-200, 1e200], [1e200, 1e-200]])
    found = factored(sparse.csc_array(sparse.block_diag([np.array([[2.0]]), bad])))
    assert found is not None
    assert found.positive[0]
    assert not found.positive[1:].all()
    assert np.isinf(found.margin).any()
    assert not np.isnan(found.margin).any()
    assert found.margin[0] < 1e-13


class Given:
    """Factors that no elimination made: the bound must hold for them all the same."""

    def __init__(self, lower: Array, upper: Array) -> None:
        self.L, self.U = sparse.csc_array(lower), sparse.csc_array(upper)
        self.perm_r = self.perm_c = np.arange(len(lower))


@pytest.mark.parametrize("seed", range(30))
def test_factors_that_do_not_match_are_charged_in_full(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 7))
    lower = np.tril(rng.standard_normal((n, n)) * 10.0 ** rng.uniform(0.0, 6.0), -1) + np.eye(n)
    upper = np.triu(rng.standard_normal((n, n)))
    if seed % 3 == 1:  # other entries are zero here than there
        lower[-1, 0], upper[0, 1] = 0.0, 0.0
    monkeypatch.setattr("scipy.sparse.linalg.splu", lambda *_, **__: Given(lower, upper))
    found = factored(sparse.csc_array(np.eye(n)))
    assert found is not None
    left, right = exact(lower), exact(upper)
    off = [
        [abs(u - row[i] * left[j][i]) + Fraction(U) * abs(u) for j, u in enumerate(row)]
        for i, row in enumerate(right)
    ]
    theorem = sums(product([[abs(x) for x in row] for row in left], off))
    assert all(m >= t for m, t in zip(map(Fraction, found.margin), theorem, strict=True))
    assert (found.margin <= np.array([float(t) for t in theorem]) * (1.0 + 1e-12)).all()
    assert found.pivots.tolist() == np.diag(upper).tolist()


def test_underflow_and_overflow_are_in_the_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = factored(sparse.csc_array(np.diag([2.0**-1000, 1.0])))
    assert tiny is not None
    assert tiny.margin.min() >= 2.0**-1022
    lower, upper = np.array([[1.0, 0.0], [1e200, 1.0]]), np.array([[1e200, 1.0], [0.0, 1.0]])
    monkeypatch.setattr("scipy.sparse.linalg.splu", lambda *_, **__: Given(lower, upper))
    found = factored(sparse.csc_array(np.eye(2)))
    assert found is not None
    assert not found.positive.any()
    for bad in (math.inf, math.nan):
        upper[0, 0] = bad
        found = factored(sparse.csc_array(np.eye(2)))
        assert found is not None
        assert not found.positive.any()
        assert np.isinf(found.margin).all()
