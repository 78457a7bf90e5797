"""The QR route and the accurate product under it, one error at a time."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from recover.core.arrays import Array
from recover.core.eigen import gram_of, qr, sigma_min_lower
from recover.core.eigen.product import _leading, _two_sum, accurate_product
from recover.core.errors import ParameterError
from recover.core.rounding import U

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


@pytest.mark.parametrize("n", [2, 5])
def test_sums_of_products_that_cancel_exactly_are_charged_for_every_term(
    n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large whole factors of 2 I: nothing is lost but what may have been."""
    large = np.eye(n)
    large[0, -1] = 2.0**20
    factors = iter([2.0 * large, 2.0 * np.eye(n) - large])
    monkeypatch.setattr(qr, "_inverse_of_triangle", lambda _: next(factors))
    bound, _, reason = qr._unit_scale_bound(0.5 * np.eye(n))
    assert reason == ""
    loss = n * U * np.linalg.norm(large) ** 2 * 2.0  # in W Z and in Y Z
    assert loss <= 1.0 - 2.0 * bound <= 4.0 * loss


def test_errors_of_the_gram_matrices_are_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of W Z and of Y Z, here multiples of the identity: sqrt(1 - e) / sqrt(1 + e)."""
    part = 1e-3

    def rough(rows: Array) -> tuple[Array, float]:
        gram, slack = gram_of(rows)
        return gram, slack + part * float(np.linalg.norm(gram, 2))

    monkeypatch.setattr(qr, "gram_of", rough)
    expected = math.sqrt((1.0 - part) / (1.0 + part))
    assert expected * (1.0 - 1e-9) <= sigma_min_lower(np.eye(3)).value <= expected


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


@pytest.mark.parametrize("bits", [20, 26])
def test_slices_are_relative_to_their_rows_and_columns(bits: int) -> None:
    rng = np.random.default_rng(bits)
    size = np.array([1.0, 2.0**-60, 2.0**-200])
    x = size[:, None] * rng.uniform(0.5, 1.0, (3, 4))
    for leading in (_leading(x, 1, bits), _leading(x.T, 0, bits).T):
        places = np.ldexp(leading, bits) / size[:, None]
        assert np.array_equal(places, np.rint(places))
        assert (np.abs(x - leading) <= np.ldexp(size[:, None], -bits - 1)).all()


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
