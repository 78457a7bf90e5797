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


def test_integers_that_float64_may_round_are_refused() -> None:
    large = np.array([[2**53 + 3]])
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


def test_searches_are_repeatable() -> None:
    rng = np.random.default_rng(0)
    bands = np.concatenate([4.0 + rng.random((1, 300)), rng.random((1, 300))])
    assert eigmin_lower_banded(bands) == eigmin_lower_banded(bands)
