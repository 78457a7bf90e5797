"""Draws with the inverse as their covariance: their sums, and the residuals of the solves."""

from __future__ import annotations

from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from scipy import sparse

from recover.core.arrays import Array
from recover.core.eigen import inverse as module
from recover.core.eigen.blocks import Blocks
from recover.core.eigen.factor import Factored
from recover.core.rounding import U


def chain(n: int) -> Array:
    """One block with exact entries; its eigenvalues lie between 2 and 6."""
    return 4.0 * np.eye(n) + np.eye(n, k=1) + np.eye(n, k=-1)


def of(*pieces: Array) -> Blocks:
    """Blocks that store no zeros: what counts the terms of a sum shall count few."""
    return Blocks.of(sparse.csr_array(sparse.block_diag([sparse.csr_array(p) for p in pieces])))


def test_rounding_of_draws_and_solves_is_paid_for() -> None:
    # L = 1, sqrt(D) = 2**10, x = g / 2**10: two terms of 2**10 |g|, of which nothing is left
    blocks = of(np.array([[2.0**20]]))
    start = blocks.factors
    assert start is not None
    normal = np.random.default_rng(7).standard_normal((1, 16))
    total, residual = module._draws(blocks, start, [normal])
    squares = float(np.square(normal).sum())
    assert total[0] == pytest.approx(squares / 2.0**20, rel=1e-12)
    assert 4.0 <= residual[0] / (squares * (U * 2.0**10) ** 2) <= 2500.0


def test_draws_add_up() -> None:
    blocks = of(chain(5))
    start = blocks.factors
    assert start is not None
    normal = list(np.random.default_rng(0).standard_normal((10, 5, 16)))
    few, missed = module._draws(blocks, start, normal[:1])
    many, more = module._draws(blocks, start, normal)
    for one, ten in ((few, many), (missed, more)):
        assert (ten >= 4.0 * one).all()
        assert (ten <= 40.0 * one).all()


class Solved:
    """Factors of no matrix, and a solution of no equation: integers, in another order."""

    def __init__(self, lower: Array, x: Array) -> None:
        self.L, self.perm_c, self.x = sparse.csc_array(lower), np.arange(len(x))[::-1], x

    def solve(self, right: Array) -> Array:
        return self.x


@pytest.mark.parametrize("n", [1, 2, 40])
@pytest.mark.parametrize("full", [True, False])
def test_residuals_of_any_solve_are_paid_for_in_full(n: int, full: bool) -> None:
    """Integers: sums are exact, and what is beyond them is the allowance for rounding."""
    rng = np.random.default_rng(n)
    matrix = chain(n) + np.ones((n, n)) if full else chain(n)
    lower = np.eye(n) if full else np.tril(rng.integers(1, 4, (n, n)), -1) + np.eye(n)
    x, normal = rng.integers(-3, 4, (2, n, 16)).astype(float)
    blocks = of(matrix)
    start = Factored(Solved(lower, x), np.full(n, 4.0), np.zeros(n))
    total, residual = module._draws(blocks, start, [normal])
    right = (lower @ (2.0 * normal[::-1]))[::-1]
    moduli = (np.abs(lower) @ np.abs(2.0 * normal[::-1]))[::-1]
    # the products with sqrt(D), then as many roundings as there are terms
    terms = [np.count_nonzero(each, axis=1).max() for each in (lower, matrix)]
    allowance = (terms[0] + 1) * moduli + terms[1] * (np.abs(matrix) @ np.abs(x))
    off = np.abs(right - matrix @ x)
    most = 4 * (sum(terms) + 4) * (moduli + np.abs(matrix) @ np.abs(x))
    for row in range(n):
        low, high = (
            sum(
                (Fraction(a) + Fraction(U) * Fraction(b)) ** 2
                for a, b in zip(*pair, strict=True)
            )
            for pair in ((off[row], allowance[row]), (off[row], most[row]))
        )
        assert low <= Fraction(residual[row]) <= high
    assert np.array_equal(total, np.square(x).sum(axis=1))


@pytest.mark.parametrize("condition", [1e2, 1e12])
def test_residuals_hold_the_exact_ones(condition: float) -> None:
    """Each solve's residual, with the draws' own rounding, against 50 digits."""
    n = 6
    basis = np.linalg.qr(np.random.default_rng(2).standard_normal((n, n)))[0]
    dense = basis * np.geomspace(1.0, 1.0 / condition, n) @ basis.T
    blocks = of((dense + dense.T) * 0.5)
    start = blocks.factors
    assert start is not None
    normal = list(np.random.default_rng(5).standard_normal((2, n, 16)))
    total, residual = module._draws(blocks, start, normal)
    place = start.lu.perm_c
    pivots = start.lu.U.diagonal()
    squares, missed = np.zeros(n), [mp.mpf(0)] * n
    with mp.workdps(50):
        root = mp.matrix(start.lu.L.toarray().tolist()) * mp.diag(
            [mp.sqrt(mp.mpf(x)) for x in pivots]
        )
        matrix = mp.matrix(blocks.matrix.toarray().tolist())
        for of_rows in normal:
            draws = np.empty((n, 16))
            draws[place] = of_rows
            right = root * mp.matrix(draws.tolist())
            computed = np.array(right.tolist(), dtype=float)[place]
            x = start.lu.solve((start.lu.L @ (np.sqrt(pivots)[:, None] * draws))[place])
            squares += np.square(x).sum(axis=1)
            off = matrix * mp.matrix(x.tolist())
            for i in range(n):
                missed[i] += sum((right[int(place[i]), k] - off[i, k]) ** 2 for k in range(16))
            assert np.allclose(computed, blocks.matrix @ x, atol=1e-2)
    assert np.allclose(total, squares, rtol=1e-3)
    assert all(mp.mpf(r) >= m for r, m in zip(residual, missed, strict=True))
    assert residual.max() <= 1e-27 * condition
