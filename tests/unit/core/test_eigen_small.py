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
    eigmin_probabilistic,
    estimate_extremes,
    gram_of,
    nonnegative_norm_upper,
    nonnegative_norm_upper_from,
    qr,
    sigma_min_lower,
)
from recover.core.eigen.dense import _gershgorin
from recover.core.eigen.product import _leading, _two_sum, accurate_product
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


# QR


def test_nothing_is_proved_of_dependent_rows() -> None:
    n = 5
    steps = np.eye(n)[:-1] - np.eye(n, k=1)[:-1]
    for rows in (
        np.ones((2, 3)),
        np.zeros((4, 3)),
        np.ones((4, 3)),
        np.eye(3)[:, [0, 1, 1]],
        np.diag([1.0, 0.0]),
        np.concatenate([steps, steps]),
    ):
        bound = sigma_min_lower(rows)
        assert bound.value == 0.0
        assert bound.reason
        assert sigma_min_lower(rows, at=1e-300).value == 0.0
    zero_column = sigma_min_lower(np.array([[1.0, 0.0], [1.0, 0.0], [2.0, 0.0]]))
    assert zero_column.value == 0.0
    assert zero_column.reason == "the rows are linearly dependent to working precision"


def test_factors_that_cannot_prove_have_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.eye(3)
    monkeypatch.setattr(qr, "_inverse_of_triangle", np.zeros_like)
    bound = sigma_min_lower(rows)
    assert bound.value == 0.0
    assert bound.reason == "the preconditioned rows are not provably independent"
    found = iter([np.eye(3), None])
    monkeypatch.setattr(qr, "_inverse_of_triangle", lambda _: next(found))
    bound = sigma_min_lower(rows)
    assert bound.value == 0.0
    assert bound.reason == "the rows are linearly dependent to twice the working precision"


@pytest.mark.parametrize("exponent", [-300, -60, 60, 300])
def test_the_scale_of_the_preconditioner_does_not_matter(
    exponent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All allowances are products in which powers of two cancel exactly."""
    rows = np.random.default_rng(0).standard_normal((6, 4))
    plain = sigma_min_lower(rows)
    inverse = qr._inverse_of_triangle
    monkeypatch.setattr(
        qr, "_inverse_of_triangle", lambda a: np.ldexp(inverse(a), next(exponents))
    )
    exponents = iter([exponent, 0])
    assert sigma_min_lower(rows) == plain


def test_large_factors_that_cancel_are_charged_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """|A Y| |Z| and |Y| |Z| are a million times larger than what they bound."""
    n = 4
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((6, n)))[0]
    rows = np.ldexp(basis, -np.frexp(np.abs(basis).max(axis=0))[1])  # as the route scales them
    left, right = np.linalg.qr(rng.standard_normal((2, n, n)))[0]
    spoiled = left * np.geomspace(1.0, 1e-6, n) @ right
    inverse, calls = qr._inverse_of_triangle, []

    def mixed(a: Array) -> Array:
        calls.append(inverse(a) @ spoiled if not calls else inverse(a))
        return calls[-1]

    monkeypatch.setattr(qr, "_inverse_of_triangle", mixed)
    bound, _, reason = qr._unit_scale_bound(rows)
    assert reason == ""
    y, z = calls
    smallest = float(np.linalg.svd(rows, compute_uv=False)[-1])
    norms = [float(np.linalg.norm(x)) for x in (rows @ y, y, z)]
    loss = n * U * (norms[0] + norms[1] * smallest) * norms[2]
    assert loss >= 1e-10
    assert loss <= 1.0 - bound / smallest <= 4.0 * loss


def test_the_allowance_of_a_singular_value_is_its_rounding() -> None:
    for exponent in (-300, 0, 300):
        for columns in ([1.0, 1.0, 1.0], [1.0, 2.0**-40, 1.0], [2.0**20, 1.0, 1.0]):
            rows = np.eye(3) * np.array(columns) * 2.0**exponent
            smallest = min(columns) * 2.0**exponent
            slack = sigma_min_lower(rows).slack
            assert U * smallest <= slack <= 1e-13 * smallest


def test_many_entries_that_scaling_rounds_up() -> None:
    rows = np.zeros((65, 2))
    rows[0, 0] = 2.0**1000
    rows[1:, 1] = 1.6 * 2.0**-73  # in the scaled matrix 1.6 TINY, rounded to 2 TINY
    exact = 8.0 * 1.6 * 2.0**-73
    assert sigma_min_lower(rows).value <= exact
    assert sigma_min_lower(rows, at=1.01 * exact).value == 0.0


# product


def test_a_tie_is_off_by_a_full_rounding() -> None:
    # 321 * 28059810762433 = 2**53 + 1
    a, b = np.array([[321.0 / 2**9]]), np.array([[28059810762433.0 / 2**45]])
    for sign in (1.0, -1.0):
        product, error = accurate_product(sign * a, b)
        off = abs(Fraction(product[0, 0]) - Fraction(sign * a[0, 0]) * Fraction(b[0, 0]))
        assert off == Fraction(1, 2**54)
        assert off <= Fraction(error) <= off * (1 + 200 * Fraction(U))


@pytest.mark.parametrize("terms", [1, 2, 3, 4, 5, 8, 9, 17, 33])
def test_sums_of_the_largest_slices_are_exact(terms: int) -> None:
    """Entries just below 1 in a few bits: one bit more a slice, and the sums would round."""
    rng = np.random.default_rng(terms)
    for bits in range(22, 29):
        for _ in range(12):
            a = np.full((1, terms), 1.0 - 2.0**-bits)
            b = 1.0 - 2.0**-bits - rng.integers(0, 2**8, (terms, 1)) * 2.0**-53
            product, error = accurate_product(a, b)
            exact = Fraction(a[0, 0]) * sum(map(Fraction, b[:, 0]), Fraction())
            assert abs(Fraction(product[0, 0]) - exact) <= Fraction(error)


@pytest.mark.parametrize("seed", range(20))
def test_every_term_of_a_products_error_is_in_the_bound(seed: int) -> None:
    """What is computed in plain arithmetic, where the leading parts cancel."""
    rng = np.random.default_rng(seed)
    half = 1 + seed % 3
    a, b = rng.uniform(-1.0, 1.0, (1, half)), rng.uniform(-1.0, 1.0, (half, 1))
    a, b = np.hstack([a, a]), np.vstack([b, -b * (1.0 - 2.0**-40)])
    k = 2 * half
    bits = (53 - (k - 1).bit_length()) // 2
    a1, b1 = _leading(a, 1, bits), _leading(b, 0, bits)
    a2, b2 = _leading(a - a1, 1, bits), _leading(b - b1, 0, bits)
    low = a1 @ (b - b1 - b2), a2 @ (b - b1), (a - a1 - a2) @ b
    norm = np.linalg.norm
    size = norm(a1) * norm(b - b1 - b2) + norm(a2) * norm(b - b1) + norm(a - a1 - a2) * norm(b)
    one, first = _two_sum(a1 @ b1, a1 @ b2)
    _, second = _two_sum(one, a2 @ b1)
    tail = norm(first) + norm(second) + norm(sum(low))
    product, error = accurate_product(a, b)
    needed = U * ((k + 2) * size + 2.0 * tail + norm(product))
    assert needed * (1.0 - 1e-12) <= error <= needed * (1.0 + 1e-9) + 1e-280


def test_a_product_of_nothing_has_next_to_no_error() -> None:
    for terms in (0, 1, 3, 100):
        product, error = accurate_product(np.zeros((2, terms)), np.zeros((terms, 4)))
        assert product.shape == (2, 4)
        assert not product.any()
        assert 0.0 < error <= 1e-280


def test_a_product_of_too_many_terms_is_refused() -> None:
    long = np.broadcast_to(0.5, (1, 2**40 + 1))
    with pytest.raises(ParameterError, match=r"at most 2\*\*40 columns, got 1099511627777"):
        accurate_product(long, long.T)


# removal


def test_one_power_iteration_is_enough_to_ask_for() -> None:
    assert nonnegative_norm_upper(lambda p: 2.0 * p, (2,), roundoff=0.0, steps=1).value <= 2.01


def test_an_operator_in_single_precision_keeps_its_roundoff() -> None:
    def single(p: Array) -> Array:
        return p.astype(np.float32)

    assert nonnegative_norm_upper_from(single, np.ones(2), roundoff=1e-9).value >= 1.0 + 1e-9


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
    found = estimate_extremes(lambda v: 3.0 * v, 5, rng=np.random.default_rng(0), steps=1)
    assert found.smallest == pytest.approx(3.0)
