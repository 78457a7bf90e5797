"""The verifier's residual: every source of rounding counts, and each of its three bounds."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from recover.certificates.checks.residual import CheckedResidual, checked_residual
from recover.certificates.roundoff import adjoint_roundoff, underflow
from recover.core.enclosure import Enclosure
from recover.core.rounding import TINY, U
from recover.frames import Dense, Identity
from recover.models import Noise, Problem, ReLU, Saturation


def made(
    norm: float, *, error: float = 0.0, gradient: float | None = None, noise: float = 0.0
) -> CheckedResidual:
    slope = None if gradient is None else Enclosure(0.0, gradient)
    one = Enclosure.exactly
    return CheckedResidual(np.zeros(2), one(norm), one(error), slope, Enclosure(0.0, noise))


@pytest.mark.parametrize(
    ("residual", "s", "bound"),
    [
        (made(3.0, noise=5.0), 1.0, 8.0),  # eps + |r|
        (made(3.0, gradient=50.0, noise=5.0), 1.0, 8.0),
        (made(0.0, gradient=2.0, noise=5.0), 1.0, 5.0),
        (made(3.0, gradient=0.0, noise=5.0), 1.0, 4.0),  # sqrt(eps^2 - |r|^2)
        (made(4.0, gradient=0.0, noise=4.0), 2.0, 0.0),  # a single signal is left
        (made(6.0, gradient=1.5, noise=6.0), 0.5, 6.0),  # h + sqrt(h^2 + eps^2 - |r|^2), h = 3
        (made(6.0, gradient=1.0, error=1.0, noise=6.0), 0.5, 6.0),
        (made(8.0, gradient=2.0, noise=1.0), 1.0, 3.0),  # eps + h; no signal is consistent
        (made(8.0, gradient=0.0, error=2.0, noise=1.0), 1.0, 3.0),
        (made(4.5, gradient=1.0, noise=4.5), 2.0, 1.0),
        (made(2.0, gradient=0.25, error=0.25, noise=2.0), 1.0, 1.0),
    ],
)
def test_the_reach(residual: CheckedResidual, s: float, bound: float) -> None:
    assert residual.reach(Enclosure.exactly(s)) == bound
    assert residual.radius(s) == bound / s


def test_the_least_norm_makes_the_bound_and_the_largest_slope() -> None:
    wide = CheckedResidual(
        np.zeros(2),
        Enclosure(3.0, 100.0),
        Enclosure(0.0, 0.0),
        Enclosure(0.0, 0.0),
        Enclosure(0.0, 5.0),
    )
    assert wide.reach(Enclosure.exactly(1.0)) == 4.0


def test_without_a_singular_value_there_is_no_radius() -> None:
    for residual in (made(0.0), made(3.0, gradient=0.0, noise=5.0), made(1.0, gradient=2.0)):
        assert residual.radius(0.0) == math.inf


def test_the_radius_is_rounded_upwards() -> None:
    for s in (3.0, 0.1, 7.0):
        radius = made(1.0).radius(s)
        assert Fraction(math.nextafter(radius, 0.0)) < 1 / Fraction(s) <= Fraction(radius)


def problem_of(rows: np.ndarray, y: np.ndarray, *, relu: bool = False, noise: float = 0.0):
    frame = Dense(rows)
    return Problem(ReLU(frame, 0.0) if relu else Saturation(frame, -1e3, 1e3), y, noise=noise)


def length(numbers: list[Fraction]) -> float:
    return math.sqrt(float(sum(n * n for n in numbers)))


@pytest.mark.parametrize("relu", [False, True])
def test_the_enclosures_hold_the_exact_numbers(relu: bool) -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        rows, x = rng.standard_normal((6, 3)), rng.standard_normal(3)
        y = np.maximum(rows @ x, 0.0) if relu else rows @ x
        x = x + 1e-7 * rng.standard_normal(3)
        problem = problem_of(rows, y, relu=relu, noise=1e-3)
        found, fixed = checked_residual(problem, x), problem.knowledge.fixed
        exact = [
            Fraction(y[i]) - sum(Fraction(rows[i, j]) * Fraction(x[j]) for j in range(3))
            for i in np.flatnonzero(fixed)
        ]
        assert found.norm.lower <= length(exact) <= found.norm.upper
        wrong = [e - Fraction(c) for e, c in zip(exact, found.entries[fixed], strict=True)]
        assert 0.0 < length(wrong) <= found.error.upper < 1e-14
        assert not found.entries[~fixed].any()
        slope = [
            sum(Fraction(found.entries[i]) * Fraction(rows[i, j]) for i in range(6))
            for j in range(3)
        ]
        assert found.gradient is not None
        assert length(slope) <= found.gradient.upper < length(slope) + 1e-13
        assert found.gradient.lower <= length(slope)
        assert found.noise == Enclosure(0.0, 1e-3)


def test_each_rounding_counts() -> None:
    rows = np.array([[2.0, 0.0], [0.0, 4.0], [1.0, 1.0]])
    x, off = np.array([3.0, -1.0]), np.array([0.5, 0.25, 0.0])
    y, size = rows @ x + off, math.hypot(0.5, 0.25)
    loose = 1.0 + 1e-12

    # copied samples: the difference is rounded once, nothing else is
    samples = Problem(Saturation(Identity(2), -9.0, 9.0), np.array([1.5, 0.25]), noise=0.125)
    found = checked_residual(samples, np.array([1.0, 0.25]))
    assert np.array_equal(found.entries, [0.5, 0.0])
    assert 0.5 * U <= found.error.upper <= 0.5 * U * loose
    assert found.norm.lower <= 0.5 - 0.5 * U < 0.5 + 0.5 * U <= found.norm.upper
    assert found.norm.upper - found.norm.lower < 1e-15
    assert found.noise == Enclosure(0.0, 0.125)

    # rows: the inner products are too
    frame = Dense(rows)
    found = checked_residual(problem_of(rows, y), x)
    due = U * size + frame.roundoff() * math.hypot(3.0, 1.0)
    assert due <= found.error.upper * loose
    assert found.error.upper <= due * loose
    slope = math.hypot(*(rows.T @ off))
    most = slope + adjoint_roundoff(frame) * size
    assert found.gradient is not None
    assert most <= found.gradient.upper * (1.0 + 1e-15)
    assert found.gradient.upper <= most * (1.0 + 1e-14)
    assert found.gradient.upper > slope * (1.0 + 1e-15)

    # a bias is added to each datum
    biased = checked_residual(problem_of(rows[:1], y[:1], relu=True), x)
    due = U * 0.5 + Dense(rows[:1]).roundoff() * math.hypot(3.0, 1.0) + U * 6.5
    assert due <= biased.error.upper * loose
    assert biased.error.upper <= due * loose


def test_nothing_is_rounded_for_a_signal_of_zeros() -> None:
    rows = np.array([[2.0, 0.0], [0.0, 4.0], [1.0, 1.0]])
    nought = checked_residual(problem_of(rows, np.zeros(3)), np.zeros(2))
    assert nought.norm == Enclosure(0.0, 0.0)
    assert nought.error == Enclosure(0.0, 0.0)
    assert nought.gradient == Enclosure(0.0, 0.0)
    assert nought.radius(1.0) == 0.0


def test_underflow_counts() -> None:
    frame = Dense(np.array([[2.0, 0.0], [0.0, 4.0], [1.0, 1.0]]))
    least = underflow(frame)
    assert 0.0 < least < 1e-300
    small = np.array([TINY, 0.0])
    problem = Problem(Saturation(frame, -9.0, 9.0), frame.analysis(small))
    assert checked_residual(problem, small).error.upper >= least
    off = Problem(problem.model, np.array([TINY, 0.0, 0.0]))
    found = checked_residual(off, np.zeros(2))
    assert found.gradient is not None
    assert found.gradient.upper >= least
    assert found.error.upper < least


def test_the_noise_is_the_smaller_of_its_bounds() -> None:
    model = Saturation(Identity(4), -1.0, 1.0)
    y = np.array([0.5, 1.0, 0.0, 0.25])
    for l2, bound in ((1.0, 0.375 * math.sqrt(3.0)), (0.5, 0.5)):
        problem = Problem(model, y, noise=Noise(each=0.375, l2=l2))
        found = checked_residual(problem, y)  # one sample is clipped
        assert problem.knowledge.fixed_count == 3
        assert found.noise.lower == 0.0
        assert found.noise.upper == pytest.approx(bound, rel=1e-14)


def test_without_a_bound_of_the_adjoint_there_is_no_slope(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from recover.certificates.checks import residual

    problem = problem_of(np.eye(2), np.array([0.5, 0.25]), noise=0.25)
    monkeypatch.setattr(residual, "adjoint_roundoff", lambda _: math.inf)
    assert checked_residual(problem, np.array([0.5, 0.0])).gradient is None


def test_a_slope_that_overflows_is_none() -> None:
    problem = Problem(
        Saturation(Dense(np.full((1, 1), 1e200)), -1e308, 1e308), np.full(1, 1e150)
    )
    with np.errstate(over="ignore"):
        found = checked_residual(problem, np.zeros(1))
    assert found.gradient is None
    assert found.norm.contains(1e150)
