"""Matrices made to fool a floating-point bound: singular or indefinite by less than rounding.

Truth here is exact: integer or rational matrices, whose positive definiteness is decided by
rational elimination.
"""

from __future__ import annotations

import functools
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest

from recover.core.arrays import Array
from recover.core.eigen import (
    eigmax_upper,
    eigmin_lower,
    eigmin_lower_banded,
    eigmin_lower_symmetric,
    eigmin_probabilistic,
    gram_of,
    sigma_min_lower,
)
from recover.core.rounding import U

mp.mp.dps = 80


def is_positive_definite(matrix: Array, shift: float) -> bool:
    """Decide whether ``matrix - shift I`` is positive definite, by rational elimination."""
    rows = [[Fraction(float(x)) for x in row] for row in matrix]
    n = len(rows)
    for i in range(n):
        rows[i][i] -= Fraction(shift)
    for k in range(n):
        if rows[k][k] <= 0:
            return False
        for i in range(k + 1, n):
            factor = rows[i][k] / rows[k][k]
            for j in range(k, n):
                rows[i][j] -= factor * rows[k][j]
    return True


def all_bands(matrix: Array) -> Array:
    n = matrix.shape[0]
    bands = np.zeros((n, n))
    for d in range(n):
        bands[d, : n - d] = np.diagonal(matrix, -d)
    return bands


@pytest.mark.parametrize("seed", range(40))
def test_exactly_singular_grams_prove_nothing(seed: int) -> None:
    rng = np.random.default_rng([9, seed])
    n = int(rng.integers(2, 9))
    left = rng.integers(-9, 10, (n + 3, n - 1))
    right = rng.integers(-9, 10, (n - 1, n))
    rows = (left @ right).astype(float) * 2.0 ** int(rng.integers(-200, 200))  # rank n - 1
    gram, slack = gram_of(rows)
    assert eigmin_lower(gram, gram_slack=slack).value == 0.0
    assert eigmin_lower(gram).value == 0.0
    assert sigma_min_lower(rows).value == 0.0
    assert eigmin_lower_banded(all_bands(gram), slack=slack).value == 0.0
    for claim in (1e-16, 1e-30, 1e-60):
        at = claim * float(np.trace(gram))
        assert eigmin_lower(gram, gram_slack=slack, at=at).value == 0.0
        assert eigmin_lower_banded(all_bands(gram), slack=slack, at=at).value == 0.0
        assert sigma_min_lower(rows, at=at**0.5).value == 0.0


@pytest.mark.parametrize("seed", range(40))
def test_matrices_within_an_ulp_of_singular(seed: int) -> None:
    """Diagonals moved by single ulps: definite or not is below what eigvalsh can see."""
    rng = np.random.default_rng([10, seed])
    n = int(rng.integers(2, 8))
    rows = (rng.integers(-9, 10, (n, n - 1)) @ rng.integers(-9, 10, (n - 1, n))).astype(float)
    gram = rows.T @ rows
    for ulps in (-3, -1, 0, 1, 3):
        moved = gram.copy()
        for i in range(n):
            moved[i, i] += ulps * np.spacing(gram[i, i])
        value = eigmin_lower_symmetric(moved).value
        assert is_positive_definite(moved, value - 1e-13 * abs(value) - 1e-300)
        # a claim that is exactly false is never proved
        for at in (1e-17, 1e-16, 1e-15, 1e-14):
            claim = at * float(np.trace(gram))
            if not is_positive_definite(moved, claim * (1.0 - 1e-9)):
                assert eigmin_lower_symmetric(moved, at=claim).value < claim
                assert eigmin_lower_banded(all_bands(moved), at=claim).value == 0.0


@functools.cache
def hilbert_smallest(n: int) -> mp.mpf:
    """Smallest singular value of the float64 Hilbert matrix."""
    matrix = mp.matrix(hilbert(n).tolist())
    return mp.sqrt(min(mp.eigsy(matrix.T * matrix, eigvals_only=True)))


def hilbert(n: int) -> Array:
    k = np.arange(n)
    return 1.0 / (k[:, None] + k[None, :] + 1.0)


@pytest.mark.parametrize("n", range(2, 15))
def test_hilbert(n: int) -> None:
    exact = hilbert_smallest(n)
    bound = sigma_min_lower(hilbert(n)).value
    assert mp.mpf(bound) <= exact
    if n <= 12:  # condition 1e16 at n = 12
        assert bound >= float(exact) * (1.0 - 1e-6)
    value = eigmin_lower_symmetric(hilbert(n)).value
    assert is_positive_definite(hilbert(n), value - 1e-12 * abs(value))


@pytest.mark.parametrize("epsilon", [1e-3, 1e-7, 1e-8, 1e-9, 1e-12, 1e-15, 1e-100])
@pytest.mark.parametrize("n", [2, 5, 10])
def test_laeuchli(n: int, epsilon: float) -> None:
    """Rows 1...1 and epsilon I: the singular value is epsilon; its square is lost."""
    rows = np.concatenate([np.ones((1, n)), epsilon * np.eye(n)])
    gram, slack = gram_of(rows)
    exact = Fraction(epsilon) ** 2
    assert Fraction(eigmin_lower(gram, gram_slack=slack).value) <= exact
    assert eigmin_lower(gram, gram_slack=slack, at=1.001 * epsilon**2).value == 0.0
    sigma = sigma_min_lower(rows).value
    assert sigma <= epsilon
    if epsilon >= 1e-15:
        assert sigma >= epsilon * (1.0 - 1e-9)
    top = Fraction(n) + exact
    assert Fraction(eigmax_upper(gram, gram_slack=slack).value) >= top


@pytest.mark.parametrize("n", [5, 20, 60])
def test_kahan(n: int) -> None:
    """Graded triangular matrix whose small singular value hides from the diagonal of R."""
    c, s = 0.6, 0.8
    rows = np.diag(s ** np.arange(n)) @ (np.eye(n) - c * np.triu(np.ones((n, n)), 1))
    matrix = mp.matrix(rows.tolist())
    inverse = matrix**-1
    sigma = sigma_min_lower(rows).value
    # smin >= 1 / |inverse|_F, smin <= sqrt(n) / |inverse|_F
    frobenius = mp.sqrt(sum(x**2 for x in inverse))
    assert mp.mpf(sigma) <= mp.sqrt(n) / frobenius
    image = inverse * mp.ones(n, 1)
    for _ in range(8):  # the Rayleigh quotient of any vector bounds smin from above
        image = inverse * (inverse.T * image)
        image = image / mp.norm(image)
    assert mp.mpf(sigma) <= mp.norm(matrix * image) * (1 + mp.mpf(10) ** -20)
    assert sigma >= float(1 / frobenius) * 0.5


def test_wrong_blas_rounding_would_be_seen() -> None:
    """The plain eigenvalue of eigvalsh does exceed the exact one: it is not a bound."""
    exceeded = 0
    for seed in range(60):
        rng = np.random.default_rng([11, seed])
        rows = rng.standard_normal((8, 5)) @ np.diag(10.0 ** -np.arange(5.0))
        gram, slack = gram_of(rows)
        plain = float(np.linalg.eigvalsh(gram)[0])
        matrix = mp.matrix(rows.tolist())
        exact = min(mp.eigsy(matrix.T * matrix, eigvals_only=True))
        exceeded += mp.mpf(plain) > exact
        assert mp.mpf(eigmin_lower(gram, gram_slack=slack).value) <= exact
    assert exceeded >= 10


def test_lanczos_on_a_hidden_direction() -> None:
    """Plain Ritz values miss an eigenvalue of one direction in 3000; the bound does not."""
    spectrum = np.full(3000, 1.0) - 1e-9 * np.random.default_rng(0).random(3000)
    spectrum[17] = 0.5
    for seed in range(5):
        bound = eigmin_probabilistic(
            lambda v: spectrum * v,
            3000,
            upper=1.0,
            delta=1e-12,
            rng=np.random.default_rng(seed),
            max_steps=64,
        )
        assert bound.value <= 0.5


def test_u_is_the_unit_roundoff() -> None:
    assert 1.0 + U == 1.0
    assert 1.0 + 2.0 * U > 1.0
