"""Bounds at their edges: equality, entries that scaling rounds, integers, empty slack."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from recover.core.eigen import (
    banded,
    dense,
    eigmax_upper,
    eigmin_lower,
    eigmin_lower_banded,
    eigmin_lower_sparse,
    eigmin_lower_symmetric,
    gram_of,
    sigma_min_lower,
)
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED
from recover.core.rounding import TINY, U

# 2**1000 scales this to 1.6 times the smallest float64, which rounds to twice that number
LOST = 1.6 * 2.0**-73


@pytest.mark.parametrize("factor", [1.0, 0.9, 0.7, 0.3])
def test_entries_that_scaling_rounds_prove_nothing_false(factor: float) -> None:
    x = factor * LOST
    for matrix in (np.diag([2.0**1000, x]), np.diag([2.0**1000, x]).astype(complex)):
        for at in (math.nextafter(x, 1.0), 2.0**-74, 2.0**-73, 2.0**-72):
            if at > x:
                assert eigmin_lower(matrix, at=at).value == 0.0
                assert eigmin_lower_symmetric(matrix, at=at).value == -math.inf
                bands = np.diagonal(matrix)[None, :]
                assert eigmin_lower_banded(bands, at=at).value == 0.0
        assert eigmin_lower_symmetric(matrix).value <= x
        assert eigmax_upper(-matrix).value >= -x
        # entries that fit are still proved exactly
        exact = np.diag([2.0**1000, 2.0**-73])
        assert eigmin_lower(exact, at=2.0**-73).value == 2.0**-73


@pytest.mark.parametrize("size", [2**53 + 1, 2**53 + 3])
def test_integers_that_float64_may_round_are_refused(size: int) -> None:
    large = np.array([[size]])
    for call in (
        lambda: eigmin_lower(large),
        lambda: eigmax_upper(-large),
        lambda: eigmin_lower_banded(large),
        lambda: eigmin_lower_sparse(sparse.csr_array(large)),
        lambda: sigma_min_lower(large),
        lambda: gram_of(large),
    ):
        with pytest.raises(ParameterError, match=r"integers below 2\*\*53 in size, got one of"):
            call()
    assert eigmin_lower(np.array([[2**53 - 1]]), at=2.0**53 - 1.0).value == 2.0**53 - 1.0
    assert eigmin_lower(np.array([[2.0**60]]), at=2.0**60).value == 2.0**60
    assert eigmin_lower(np.array([[True]]), at=1.0).value == 1.0


@pytest.mark.parametrize("seed", range(40))
def test_margins_are_at_least_their_formulas_in_exact_arithmetic(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 1 + seed % 7
    diagonal = rng.standard_normal(n) + 0.5
    diagonal[0] = abs(diagonal[0])
    exact = [max(Fraction(x), Fraction()) for x in diagonal.tolist()]
    u = Fraction(U)

    def constant(k: int) -> Fraction:
        return k * u / (1 - 2 * k * u)  # gamma_k / (1 - gamma_k)

    whole = sum((constant(i + 3) * x for i, x in enumerate(exact)), Fraction())
    assert whole <= Fraction(dense._margin(diagonal)) <= whole * (1 + 100 * u)
    for width in range(n):
        window = max(sum(exact[max(i - width, 0) : i + width + 1]) for i in range(n))
        tight = constant(width + 3) * window
        assert tight <= Fraction(banded._margin(diagonal, width)) <= tight * (1 + 100 * u)


@pytest.mark.parametrize("n", [1, 3, 12, 54, 500])
def test_the_margin_of_a_last_entry_is_rounded_up(n: int) -> None:
    """All other terms vanish, so no allowance for their sum covers the constant's rounding."""
    rng, u = np.random.default_rng(n), Fraction(U)
    diagonal = np.zeros(n)
    for last in 1.0 + rng.random(20):
        diagonal[-1] = last
        exact = (n + 2) * u / (1 - 2 * (n + 2) * u) * Fraction(last)
        assert exact <= Fraction(dense._margin(diagonal)) <= exact * (1 + (2 * n + 100) * u)


@pytest.mark.parametrize("n", [1, 2, 9])
def test_underflow_is_paid_for_where_the_diagonal_vanishes(n: int) -> None:
    for diagonal in (np.zeros(n), np.full(n, -1.0)):
        assert n * n * TINY <= dense._margin(diagonal) <= 1e-280
        for width in range(n):
            rounded = (2 * width + 1) * (width + 1)  # operations in a row
            assert rounded * TINY <= banded._margin(diagonal, width) <= 1e-280


def test_zero_is_proved_without_a_reason() -> None:
    gram = np.array([[2.0, 1.0], [1.0, 2.0]])
    for bound in (
        eigmin_lower(gram, at=0.0),
        eigmin_lower_banded(np.array([[2.0, 2.0], [1.0, 0.0]]), at=0.0),
        sigma_min_lower(gram, at=0.0),
    ):
        assert bound.value == 0.0
        assert bound.reason == ""
    singular = sigma_min_lower(np.ones((4, 3)), at=0.0)
    assert (singular.value, singular.reason) == (0.0, "")


def test_claims_of_bands_that_fail_say_where() -> None:
    bands = np.array([[2.0, 2.0], [1.0, 0.0]])  # eigenvalues 1 and 3
    failed = eigmin_lower_banded(bands, at=1.5)
    assert failed.value == 0.0
    assert failed.reason == "no Cholesky factor at 1.5"
    assert 0.0 < failed.slack < 1e-14


def test_bands_may_underflow_where_that_is_an_error_elsewhere() -> None:
    with np.errstate(under="raise"):
        bands = np.array([[2.0**1000, 2.0**1000], [2.0**-100, 0.0]])
        assert eigmin_lower_banded(bands, at=2.0**999).value == 2.0**999


def test_what_a_bound_says_where_nothing_was_tested() -> None:
    gram, bands = np.eye(2), np.ones((1, 2))
    for bound in (
        eigmin_lower(gram, gram_slack=math.inf),
        eigmax_upper(gram, gram_slack=math.inf, at=3.0),
        eigmin_lower_banded(bands, slack=math.inf),
    ):
        assert bound.reason == "the matrix's error is unbounded"
        assert bound.slack == math.inf
        assert bound.rigor == PROVED
    assert eigmin_lower_banded(bands, at=0.0).slack == 0.0
    routes = {
        "cholesky": (eigmin_lower(gram), eigmin_lower(gram, at=2.0), eigmax_upper(gram)),
        "banded": (eigmin_lower_banded(bands), eigmin_lower_banded(bands, at=2.0)),
        "qr": (sigma_min_lower(gram), sigma_min_lower(gram, at=2.0), sigma_min_lower(bands)),
    }
    for route, bounds in routes.items():
        assert {bound.route for bound in bounds} == {route}
        assert {bound.rigor for bound in bounds} == {PROVED}


def test_searches_are_repeatable() -> None:
    rng = np.random.default_rng(0)
    bands = np.concatenate([4.0 + rng.random((1, 300)), rng.random((1, 300))])
    assert eigmin_lower_banded(bands) == eigmin_lower_banded(bands)


@pytest.mark.parametrize("pivot", [1.0, 5e-324, 0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("info", [0, 1])
def test_only_complete_factors_of_finite_positive_pivots_prove(
    pivot: float, info: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a library returns: some do not see a NaN."""
    good = info == 0 and 0.0 < pivot < math.inf
    pivots = np.array([1.0, pivot, 1.0])
    monkeypatch.setattr(dense.lapack, "dpotrf", lambda *_, **__: (np.diag(pivots), info))
    assert dense._is_positive(np.eye(3), 0.5) == good
    monkeypatch.setattr(banded.lapack, "dpbtrf", lambda *_, **__: (pivots[None, :], info))
    assert (banded._factor(np.ones((1, 3)), 0.5) is not None) == good


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_factorisation_leaves_its_matrix_alone(order: str) -> None:
    for n in (1, 3):
        matrix = np.array(4.0 * np.eye(n) + np.ones((n, n)), order=order)
        kept = matrix.copy()
        assert dense._is_positive(matrix, 1.0)
        assert banded._factor(matrix[:1], 0.5) is not None
        assert np.array_equal(matrix, kept)


def test_shifted_bands_are_rounded_down() -> None:
    assert banded._factor(np.array([[1.0]]), 1.0) is None
    assert banded._factor(np.array([[1.0, 1.0], [1.0 - U, 0.0]]), U) is None
    assert banded._factor(np.ones((1, 2)), math.inf) is None
    assert banded._factor(np.ones((1, 2)), 0.5) is not None


@pytest.mark.parametrize("n", [2, 3])
def test_complex_bands_are_those_of_the_real_matrix(n: int) -> None:
    rng = np.random.default_rng(n)
    given = rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n))
    bands = np.zeros((n, n), dtype=complex)
    for d in range(n):
        bands[d, : n - d] = np.diagonal(given, -d)
    bands[0] = bands[0].real
    hermitian = np.tril(given, -1) + np.tril(given, -1).conj().T + np.diag(bands[0])
    real = banded._realified_bands(bands)
    assert real.shape == (2 * n, 2 * n)
    lower = np.zeros((2 * n, 2 * n))
    for d in range(2 * n):
        lower += np.diag(real[d, : 2 * n - d], -d)
        assert not real[d, 2 * n - d :].any()
    whole = lower + np.tril(lower, -1).T
    values = np.repeat(np.linalg.eigvalsh(hermitian), 2)
    assert np.allclose(np.linalg.eigvalsh(whole), values)
