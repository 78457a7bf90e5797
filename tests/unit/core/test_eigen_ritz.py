"""Lanczos values against explicit Krylov spaces; the probabilistic bound and the ratio bound
against their formulas."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest

from recover.core.arrays import Array
from recover.core.eigen import nonnegative_norm_upper, nonnegative_norm_upper_from
from recover.core.eigen.krylov import Ritz, lanczos_values
from recover.core.eigen.lanczos import _lower
from recover.core.errors import ParameterError
from recover.core.rounding import U


def hermitian(n: int, is_complex: bool) -> tuple[Array, Array]:
    rng = np.random.default_rng(n)
    real, imaginary = rng.standard_normal((2, n, n + 1))
    both = real + 1j * imaginary if is_complex else real
    return both[:, :n] + both[:, :n].conj().T, both[:, n]


@pytest.mark.parametrize("is_complex", [False, True])
def test_ritz_values_are_those_of_the_krylov_space(is_complex: bool) -> None:
    n = 7
    matrix, start = hermitian(n, is_complex)
    found = list(lanczos_values(lambda v: matrix @ v, start, 100))
    assert [ritz.steps for ritz in found] == list(range(1, n + 1))
    krylov = start[:, None]
    for ritz in found:
        basis = np.linalg.qr(krylov)[0]
        values, vectors = np.linalg.eigh(basis.conj().T @ matrix @ basis)
        assert ritz.smallest == pytest.approx(values[0], abs=1e-10)
        assert ritz.largest == pytest.approx(values[-1], abs=1e-10)
        vector = basis @ vectors[:, -1]
        residual = np.linalg.norm(matrix @ vector - values[-1] * vector)
        assert ritz.residual == pytest.approx(residual, abs=1e-10)
        image = matrix @ basis[:, -1]
        remainder = np.linalg.norm(image - basis @ (basis.conj().T @ image))
        assert ritz.remainder == pytest.approx(remainder, abs=1e-10)
        assert ritz.ended == (ritz.steps == n)
        krylov = np.column_stack([basis, image])
    assert found[-1].remainder == 0.0


def test_lanczos_ends_where_nothing_can_change() -> None:
    spectrum = np.array([1.0, 2.0, 2.0, 2.0, 5.0, 5.0])
    found = list(lanczos_values(lambda v: spectrum * v, np.ones(6), 6))
    assert [ritz.ended for ritz in found] == [False, False, True]
    assert found[-1].smallest == pytest.approx(1.0)
    assert found[-1].largest == pytest.approx(5.0)
    assert found[-1].remainder <= 1e-14
    assert [ritz.steps for ritz in lanczos_values(lambda v: 0.0 * v, np.ones(3), 3)] == [1]
    two = list(lanczos_values(lambda v: spectrum * v, np.ones(6), 2))
    assert [ritz.steps for ritz in two] == [1, 2]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_lanczos_ends_when_the_largest_value_is_known_well_enough(sign: float) -> None:
    spectrum = 0.01 * np.linspace(1.0, 3.0, 50) - (0.05 if sign < 0.0 else 0.0)
    every = list(lanczos_values(lambda v: spectrum * v, np.ones(50), 50))
    *before, last = lanczos_values(lambda v: spectrum * v, np.ones(50), 50, 1e-2)
    assert last == every[len(before)]
    assert last.residual <= 1e-2 * abs(last.largest)
    assert all(ritz.residual > 1e-2 * abs(ritz.largest) for ritz in before)
    assert len(before) >= 3


@pytest.mark.parametrize("steps", [1, 2, 7, 40])
@pytest.mark.parametrize("overlap", [1.0, 0.5, 1e-4])
def test_probabilistic_bound_is_the_theorems(steps: int, overlap: float) -> None:
    upper, largest = 3.0, 1.25
    ritz = Ritz(steps, 0.5, largest, 0.1, 0.2, ended=False)
    value, allowance = _lower(ritz, upper, overlap)
    with mp.workdps(30):
        theta = mp.mpf(largest) + 64 * steps * mp.mpf(U) * upper
        top = theta * mp.cosh(mp.acosh(1 / mp.mpf(overlap)) / (2 * steps - 1)) ** 2
        assert mp.mpf(value) <= upper - top
        assert upper - top - mp.mpf(value) <= 1e-13 * top
        assert allowance == pytest.approx(float(top) - largest, rel=1e-9)


def test_invariant_spaces_cost_their_remainder_over_the_overlap() -> None:
    ritz = Ritz(5, 0.0, 1.0, 1e-3, 1e-3, ended=True)
    value, allowance = _lower(ritz, 2.0, 0.1)
    rounding = Fraction(64 * 5 * 2) * Fraction(U)
    top = 1 + rounding + (Fraction(1e-3) + rounding) / Fraction(0.1)
    assert Fraction(value) <= 2 - top
    assert value == pytest.approx(2.0 - float(top), rel=1e-13)
    assert allowance == pytest.approx(float(top) - 1.0, rel=1e-12)


@pytest.mark.parametrize("seed", range(100))
def test_probabilistic_bounds_are_rounded_down(seed: int) -> None:
    rng = np.random.default_rng(seed)
    steps, upper = int(rng.integers(1, 30)), float(1.0 + rng.random())
    overlap, largest = float(10.0 ** -rng.uniform(0.0, 3.0)), float(rng.random())
    ritz = Ritz(steps, 0.0, largest, 0.0, float(rng.random()) * 0.1, ended=seed % 2 == 0)
    with mp.workdps(40):
        rounding = 64 * steps * mp.mpf(U) * upper
        top = mp.mpf(largest) + rounding
        if ritz.ended:
            top += (mp.mpf(ritz.remainder) + rounding) / overlap
        else:
            top *= mp.cosh(mp.acosh(1 / mp.mpf(overlap)) / (2 * steps - 1)) ** 2
        value = mp.mpf(_lower(ritz, upper, overlap)[0])
        assert value <= upper - top
        assert upper - top - value <= 100 * mp.mpf(U) * (top + upper)


def test_hopeless_starts_prove_nothing() -> None:
    value, allowance = _lower(Ritz(1, 0.0, 1.0, 0.1, 0.1, ended=False), 2.0, 1e-300)
    assert value == -math.inf
    assert allowance == math.inf


def test_ritz_values_below_rounding_show_a_wrong_bound() -> None:
    rounding = 64.0 * 3 * U * 2.0
    fine = Ritz(3, -rounding, 1.0, 0.1, 0.1, ended=False)
    assert _lower(fine, 2.0, 0.5)[0] < 1.0
    with pytest.raises(ParameterError, match=r"got 2, and one of about 2\.25 was seen"):
        _lower(fine._replace(smallest=-0.25), 2.0, 0.5)
    with pytest.raises(ParameterError, match="upper must be at least"):
        _lower(fine._replace(smallest=-1.01 * rounding), 2.0, 0.5)


# removal


@pytest.mark.parametrize("seed", range(20))
def test_ratios_are_rounded_up(seed: int) -> None:
    rng = np.random.default_rng(seed)
    image, weights = rng.random(5), rng.random(5)
    weights /= weights.max()
    image[0] = -image[0]  # the computed image of a non-negative one: off by its roundoff
    error = float(10.0 ** rng.uniform(-17.0, 0.0))
    seen: list[Array] = []

    def roundoff(p: Array) -> float:
        seen.append(p)
        return error

    for given in (error, roundoff):
        found = nonnegative_norm_upper_from(lambda p: image, weights, roundoff=given)
        exact = max(
            (max(Fraction(x), Fraction()) + Fraction(error)) / Fraction(p)
            for x, p in zip(image.tolist(), weights.tolist(), strict=True)
        )
        assert exact <= Fraction(found.value) <= exact * (1 + 8 * Fraction(U))
        assert np.array_equal(found.weights, weights)
    assert np.array_equal(seen[0], weights)


def test_bad_weights_are_named() -> None:
    with pytest.raises(ParameterError, match=r"^weights must be finite"):
        nonnegative_norm_upper_from(lambda p: p, np.array([1.0, math.nan]), roundoff=0.0)
    with pytest.raises(ParameterError, match=r"^apply\(p\) must be finite"):
        nonnegative_norm_upper_from(lambda p: p * math.inf, np.ones(2), roundoff=0.0)


def test_weights_are_divided_by_their_largest() -> None:
    found = nonnegative_norm_upper_from(
        lambda p: p, np.array([8.0, 2.0, 4.0 * 2.0**-600]), roundoff=0.0
    )
    assert found.weights.tolist() == [1.0, 0.25, 2.0**-500]
    assert 1.0 <= found.value <= 1.0 + 4.0 * U


def test_a_search_returns_a_bound_and_the_weights_that_prove_it() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.random((30, 30)) * (rng.random((30, 30)) < 0.2)
    matrix = matrix + matrix.T
    exact = float(np.linalg.eigvalsh(matrix)[-1])
    for roundoff in (0.0, 1e-12):
        found = nonnegative_norm_upper(lambda p: matrix @ p, (30,), roundoff=roundoff + 1e-14)
        assert exact <= found.value <= 1.01 * exact
        assert found.weights.max() == 1.0
        again = nonnegative_norm_upper_from(
            lambda p: matrix @ p, found.weights, roundoff=roundoff + 1e-14
        )
        assert again.value == found.value
