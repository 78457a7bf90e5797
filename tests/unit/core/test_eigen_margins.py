"""The rounding allowances themselves: rarely seen at work, so checked by their formulas."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from recover.core.eigen import (
    banded,
    eigmin_lower,
    eigmin_lower_banded,
    eigmin_probabilistic,
    gram_of,
    qr,
    sigma_min_lower,
)
from recover.core.eigen.dense import _is_positive
from recover.core.eigen.krylov import lanczos_values
from recover.core.eigen.product import accurate_product
from recover.core.rounding import TINY, U, norm_lower, norm_upper


def test_dense_margin_is_the_sum_of_its_terms() -> None:
    rng = np.random.default_rng(0)
    for n in (1, 2, 9, 40):
        diagonal = 1.0 + rng.random(n)
        slack = eigmin_lower(np.diag(diagonal) + 0.01 * (1.0 - np.eye(n)), at=0.25).slack
        expected = sum((i + 3) * U * (d - 0.25) for i, d in enumerate(diagonal))
        assert expected <= slack <= expected * (1.0 + 1e-9)


@pytest.mark.parametrize(("n", "width"), [(5, 0), (40, 1), (300, 7), (300, 299)])
def test_banded_margin_is_a_window_of_the_diagonal(n: int, width: int) -> None:
    rng = np.random.default_rng(n)
    bands = np.zeros((width + 1, n))
    bands[0] = 1.0 + 3.0 * rng.random(n)
    slack = eigmin_lower_banded(bands, at=0.25).slack
    shifted = bands[0] - 0.25
    window = max(shifted[max(i - width, 0) : i + width + 1].sum() for i in range(n))
    expected = (width + 3) * U * window
    assert expected <= slack <= expected * (1.0 + 1e-9)


def test_shifted_diagonal_is_rounded_down() -> None:
    # 1 - 1 is exactly 0, which is not positive; rounded up it would be
    assert not _is_positive(np.array([[1.0]]), 1.0)
    # 1 - 2**-60 rounds to 1, which makes the matrix [[1, 1], [1, 1]] no smaller than it was
    assert not _is_positive(np.array([[1.0, 1.0 - U], [1.0 - U, 1.0]]), U)
    assert not _is_positive(np.eye(2), math.inf)


def test_subnormal_gram_errors_add_up() -> None:
    n = 64
    c = math.sqrt(1.5) * 2.0**-537  # squares near 1.5 TINY, which all round to 2 TINY
    gram, slack = gram_of(np.full((1, n), c))
    error = n * abs(Fraction(float(gram[0, 0])) - Fraction(c) ** 2)
    assert error >= 30 * Fraction(TINY)
    assert error <= Fraction(slack)


def test_norms_allow_for_any_order_of_summation() -> None:
    x = np.random.default_rng(0).standard_normal(1000)
    assert norm_upper(x) - norm_lower(x) >= 1000.0 * U * norm_lower(x)
    assert norm_upper(x) - norm_lower(x) <= 4000.0 * U * norm_lower(x)


@pytest.mark.parametrize("seed", range(20))
def test_accurate_product_pays_for_its_remainder(seed: int) -> None:
    """Cancel all but 2**-150 of an inner product: what is computed is error."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(-1.0, 1.0, (2, 6))
    rest = sum(Fraction(x) * Fraction(y) for x, y in zip(a, b, strict=True)) / 8
    b = b / 8.0
    parts = []
    for _ in range(3):
        parts.append(float(rest))
        rest -= Fraction(parts[-1])
    left = np.concatenate([a, np.ones(3)])[None, :]
    right = np.concatenate([b, -np.array(parts)])[:, None]
    product, error = accurate_product(left, right)
    assert abs(Fraction(float(product[0, 0])) - rest) <= Fraction(error)
    assert error < 2.0**-90


@pytest.mark.parametrize("sloppiness", [1e-8, 1e-3, 0.1])
def test_qr_route_trusts_no_factor(monkeypatch: pytest.MonkeyPatch, sloppiness: float) -> None:
    """With wrong inverses the bound gets weaker, never false."""
    right = qr._inverse_of_triangle
    rng = np.random.default_rng(4)

    def wrong(a: np.ndarray) -> np.ndarray | None:
        inverse = right(a)
        if inverse is None:
            return None
        return inverse * (1.0 + sloppiness * rng.standard_normal(inverse.shape))

    monkeypatch.setattr(qr, "_inverse_of_triangle", wrong)
    positive = 0
    for _ in range(60):
        n = int(rng.integers(1, 6))
        rows = rng.standard_normal((n + 2, n))
        exact = float(np.linalg.svd(rows, compute_uv=False)[-1])
        bound = sigma_min_lower(rows).value
        assert bound <= exact * (1.0 + 1e-12)
        positive += bound >= exact * (1.0 - 20.0 * sloppiness)
    assert positive >= 30


def test_entries_lost_in_scaling_are_paid_for() -> None:
    # scaled to entries below 1, column 2 holds 16 times 1.6 TINY, which round to 2 TINY
    rows = np.zeros((17, 2))
    rows[0, 0] = 2.0**1000
    rows[1:, 1] = 1.6 * 2.0**-73
    exact = 4.0 * 1.6 * 2.0**-73
    assert 0.0 <= sigma_min_lower(rows).value <= exact
    assert sigma_min_lower(rows, at=1.02 * exact).value == 0.0


def test_search_recovers_from_a_bad_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(banded, "LANCZOS_STEPS", 1)
    diagonal = np.ones(1000)
    diagonal[500] = 0.9
    bound = eigmin_lower_banded(diagonal[None, :])
    assert 0.6 <= bound.value <= 0.9


@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("delta", [1e-3, 1e-12])
def test_luck_is_paid_for(delta: float, is_complex: bool) -> None:
    size, upper = 500, 2.0
    spectrum = np.linspace(1.9, 2.0, size)
    steps = 0

    def apply(v: np.ndarray) -> np.ndarray:
        nonlocal steps
        steps += 1
        return spectrum * v

    rng = np.random.default_rng(0)
    bound = eigmin_probabilistic(
        apply, size, upper=upper, delta=delta, rng=rng, is_complex=is_complex
    )
    top = upper - bound.value
    theta = top - bound.slack
    dimension = 2 * size if is_complex else size
    angle = math.acosh(math.sqrt(2.0 * dimension / math.pi) / delta) / (2 * steps - 1)
    assert top / theta == pytest.approx(math.cosh(angle) ** 2, rel=1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_largest_ritz_value_against_the_overlap_of_its_start(seed: int) -> None:
    """The theorem behind the Lanczos route, for the overlap that a start happens to have."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 60))
    spectrum = np.sort(rng.random(size) ** rng.uniform(0.1, 3.0))
    if seed % 2:  # the worst case: a gap at the top, filled up like a Chebyshev set below it
        spectrum[:-1] = 0.95 * np.sin(np.linspace(0.0, np.pi / 2, size - 1)) ** 2
        spectrum[-1] = 1.0
    start = rng.standard_normal(size)
    start[-1] *= 10.0 ** -rng.uniform(0.0, 6.0)
    overlap = abs(start[-1]) / np.linalg.norm(start)
    for ritz in lanczos_values(lambda v: spectrum * v, start, 20):
        factor = math.cosh(math.acosh(1.0 / overlap) / (2 * ritz.steps - 1)) ** 2
        assert spectrum[-1] <= ritz.largest * factor * (1.0 + 1e-10)


def test_the_overlap_theorem_is_sharp() -> None:
    """For an extremal spectrum (Chebyshev points) theta comes near the bound."""
    k, e = 4, 0.2
    angle = (2 * k - 1) * math.atanh(math.sqrt(e))
    # sqrt(1 - x / (1 - e)) at the points where T_(2k-1) is 1 or -1, and the eigenvalue 1
    y = np.cos(np.arange(k) * math.pi / (2 * k - 1))
    spectrum = np.append((1.0 - e) * (1.0 - y**2), 1.0)
    overlap = 1.0 / math.cosh(angle)
    smallest = 1.0
    rng = np.random.default_rng(0)
    for _ in range(300):
        rest = rng.random(k)
        start = np.append(np.sqrt(rest / rest.sum() * (1.0 - overlap**2)), overlap)
        *_, ritz = lanczos_values(lambda v: spectrum * v, start, k)
        assert ritz.largest >= (1.0 - e) * (1.0 - 1e-10)
        smallest = min(smallest, ritz.largest)
    assert smallest <= (1.0 - e) * 1.1
