"""Small exact cases of the routes: ties, equality, defaults, what a record says."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from recover.core.arrays import Array
from recover.core.eigen import (
    eigmax_upper,
    eigmin_lower_banded,
    eigmin_lower_sparse,
    eigmin_lower_symmetric,
    eigmin_probabilistic,
    estimate_extremes,
    gram_of,
    nonnegative_norm_upper,
    nonnegative_norm_upper_from,
    sigma_min_lower,
)
from recover.core.eigen.dense import _gershgorin
from recover.core.errors import ParameterError
from recover.core.rounding import U

# dense


@pytest.mark.parametrize("seed", range(60))
def test_gershgorin_in_exact_arithmetic(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 1 + seed % 9
    matrix = rng.standard_normal((n, n)) * 10.0 ** rng.uniform(-9.0, 0.0, (n, n))
    matrix = np.tril(matrix) + np.tril(matrix, -1).T
    slack = float(rng.random()) * (seed % 2)
    rows = [[abs(Fraction(x)) for x in row] for row in matrix.tolist()]
    exact = min(
        Fraction(matrix[i, i]) - sum(row) + row[i] for i, row in enumerate(rows)
    ) - Fraction(slack)
    found = Fraction(_gershgorin(matrix, slack))
    assert found <= exact
    assert exact - found <= (8 * n + 8) * Fraction(U) * (max(map(sum, rows)) + Fraction(slack))


def test_names_in_refusals() -> None:
    bad = np.array([[math.nan]])
    with pytest.raises(ParameterError, match=r"^gram must be finite"):
        eigmax_upper(bad)
    with pytest.raises(ParameterError, match=r"^bands must be finite"):
        eigmin_lower_banded(bad)
    with pytest.raises(ParameterError, match=r"^matrix must be finite"):
        eigmin_lower_symmetric(bad)
    with pytest.raises(ParameterError, match=r"^matrix must be finite"):
        eigmin_lower_sparse(sparse.csr_array(bad))
    for call in (gram_of, sigma_min_lower):
        with pytest.raises(ParameterError, match=r"^rows must be finite"):
            call(bad)


# Gram matrices


def test_squares_near_the_largest_number() -> None:
    large = np.full((15, 2), 2.0**508)
    gram, slack = gram_of(large)
    assert gram.tolist() == [[15.0 * 2.0**1016] * 2] * 2
    assert slack <= 1e-13 * gram[0, 0]
    with pytest.raises(ParameterError, match="rows must have squares below"):
        gram_of(np.full((16, 2), 2.0**508))


def test_the_slack_of_an_identity_does_not_grow_with_its_size() -> None:
    for n in (1, 10, 200):
        gram, slack = gram_of(np.eye(n))
        assert np.array_equal(gram, np.eye(n))
        assert U <= slack <= 6.0 * U
        assert gram_of(1j * np.eye(n))[1] <= 6.0 * U
    assert gram_of(np.zeros((0, 2)))[0].tolist() == [[0.0, 0.0], [0.0, 0.0]]


# sparse


def test_storage_is_counted_in_real_numbers() -> None:
    path = 4.0 * np.eye(6) + np.eye(6, k=1) + np.eye(6, k=-1)  # two bands of 6
    shuffled = np.array([3, 0, 5, 1, 4, 2])
    path = path[np.ix_(shuffled, shuffled)]
    real, twice = sparse.csr_array(path), sparse.csr_array(path.astype(complex))
    for matrix, entries in ((real, 12), (twice, 48)):
        assert eigmin_lower_sparse(matrix, max_entries=entries).value > 2.0
        refused = eigmin_lower_sparse(matrix, max_entries=entries - 1)
        assert refused.value == 0.0
        assert refused.route == "banded"
        assert refused.slack == math.inf
        assert refused.reason.endswith("n = 6, half-bandwidth 1 after reordering")


def test_sparse_entries_given_twice_are_added_and_the_input_is_kept() -> None:
    data, columns = np.array([1.0, 1.0, 3.0, 0.5]), np.array([0, 0, 1, 1])
    given = sparse.csr_array((data, columns, np.array([0, 2, 4])), shape=(2, 2))
    assert eigmin_lower_sparse(given).value == pytest.approx(2.0, rel=1e-3)
    assert given.data.tolist() == [1.0, 1.0, 3.0, 0.5]


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.complex64])
def test_sparse_of_other_precisions(dtype: type) -> None:
    matrix = sparse.csr_array(np.array([[3, 1], [1, 3]], dtype=dtype))
    assert eigmin_lower_sparse(matrix).value == pytest.approx(2.0, rel=1e-3)
    assert eigmin_lower_sparse(matrix, at=2.0).value == 0.0


# removal


def test_one_power_iteration_is_enough_to_ask_for() -> None:
    assert nonnegative_norm_upper(lambda p: 2.0 * p, (2,), roundoff=0.0, steps=1).value <= 2.01


def test_an_operator_in_single_precision_keeps_its_roundoff() -> None:
    def single(p: Array) -> Array:
        return p.astype(np.float32)

    assert nonnegative_norm_upper_from(single, np.ones(2), roundoff=1e-9).value >= 1.0 + 1e-9


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_weights_in_another_precision_are_taken_in_double(dtype: type) -> None:
    weights = np.array([3, 1], dtype=dtype)
    found = nonnegative_norm_upper_from(lambda p: p, weights, roundoff=0.0)
    assert found.weights.dtype == np.float64
    assert found.weights.tolist() == [1.0, 1.0 / 3.0]


def test_an_operator_of_unbounded_error_has_no_bound() -> None:
    found = nonnegative_norm_upper(lambda p: p, (2,), roundoff=math.inf)
    assert found.value == math.inf


# Lanczos


def test_operators_are_real_unless_said_otherwise() -> None:
    kinds = []

    def apply(v: Array) -> Array:
        kinds.append(v.dtype.kind)
        return 0.5 * v

    arguments = {"upper": 1.0, "delta": 0.1, "rng": np.random.default_rng(0)}
    eigmin_probabilistic(apply, 4, **arguments)
    estimate_extremes(apply, 4, rng=np.random.default_rng(0))
    assert set(kinds) == {"f"}
    eigmin_probabilistic(apply, 4, **arguments, is_complex=True)
    estimate_extremes(apply, 4, rng=np.random.default_rng(0), is_complex=True)
    assert "c" in kinds


def test_complex_starts_have_independent_parts() -> None:
    starts: list[Array] = []

    def apply(v: Array) -> Array:
        starts.append(v)
        return 0.5 * v

    estimate_extremes(apply, 4000, rng=np.random.default_rng(0), steps=1, is_complex=True)
    real, imaginary = starts[0].real, starts[0].imag
    assert real.std() == pytest.approx(imaginary.std(), rel=0.1)
    assert abs(np.mean(imaginary)) <= 0.1 * imaginary.std()
    assert abs(np.corrcoef(real, imaginary)[0, 1]) <= 0.1


def test_a_whole_space_needs_no_luck() -> None:
    spectrum = np.array([0.5, 0.7, 1.0])
    bound = eigmin_probabilistic(
        lambda v: spectrum * v, 3, upper=1.0, delta=1e-300, rng=np.random.default_rng(0)
    )
    assert 0.5 * (1.0 - 1e-9) <= bound.value <= 0.5


def test_one_step_may_be_all() -> None:
    arguments = {"upper": 2.0, "delta": 0.5, "rng": np.random.default_rng(0)}
    bound = eigmin_probabilistic(lambda v: v, 1, **arguments, max_steps=1)
    assert bound.value == pytest.approx(1.0)
    assert bound.slack >= 2.0 * 64.0 * U * 2.0  # of the value and of the remainder
    found = estimate_extremes(lambda v: 3.0 * v, 5, rng=np.random.default_rng(0), steps=1)
    assert found.smallest == pytest.approx(3.0)
