"""Levels that a ball does not reach, sizes beyond floating point, and what is told of it."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import recover as rv
from recover.certificates.idle import reached_levels
from recover.core.progress import Progress
from recover.models.base import Model

ROWS = np.random.default_rng(5).standard_normal((9, 2))
FRAME = rv.frames.Dense(ROWS)


@pytest.mark.parametrize(
    "model",
    [
        rv.Saturation(rv.frames.Dense(np.eye(3)), -1.0, 1.0),
        rv.ReLU(rv.frames.Dense(np.eye(3)), -1.0),
        rv.Saturation(rv.frames.Dense(np.diag([0.6, 0.8, 1.0])), -1e200, 1.0),
    ],
)
def test_rows_that_are_never_clipped_leave_a_linear_map(model: Model) -> None:
    certificate = rv.certify(model, rv.Ball(1.0), budget=5.0)
    smallest = float(np.linalg.svd(model.frame.matrix(), compute_uv=False)[-1])
    assert certificate.kappa.lower == pytest.approx(smallest, rel=1e-12)
    assert certificate.kappa.upper == pytest.approx(smallest, rel=1e-12)
    assert certificate.reason is None
    assert rv.verify(certificate, model).accepted


def test_a_level_is_reached_if_a_signal_goes_beyond_it() -> None:
    rows = np.array([[3.0, 4.0], [3.0, 4.0], [3.0, 4.0], [0.0, 0.0], [0.1, 0.7]])
    below, above = math.nextafter(5.0, 0.0), math.nextafter(5.0, 9.0)
    high = np.array([5.0, below, above, 0.0, 0.7071067811865475])
    low, kept = reached_levels(rows, np.array([-5.0, -below, 1.0, -1.0, -0.5]), high, 1.0)
    assert low.tolist() == [-np.inf, -below, 1.0, -1.0, -0.5]
    exact = Fraction(0.1) ** 2 + Fraction(0.7) ** 2 <= Fraction(high[4]) ** 2
    assert kept.tolist() == [np.inf, below, np.inf, 0.0, np.inf if exact else high[4]]
    assert reached_levels(rows, -high, high, math.inf)[1] is high


@pytest.mark.parametrize(("power", "radius"), [(-535, 1.0), (-1070, 1.0), (-1060, 2.0**1000)])
def test_levels_of_tiny_rows_are_decided_exactly(power: int, radius: float) -> None:
    """The squares of such rows underflow."""
    rng = np.random.default_rng(0)
    rows = np.ldexp(rng.integers(1, 9, (300, 3)).astype(float), power)
    size = np.sqrt((np.ldexp(rows, -power) ** 2).sum(axis=1))
    high = np.ldexp(size * rng.choice([1.0 - 1e-3, 1.0 + 1e-3], 300), power) * radius
    _, kept = reached_levels(rows, -high, high, radius)
    square = [
        sum(Fraction(v) ** 2 for v in row) * Fraction(radius) ** 2 for row in rows.tolist()
    ]
    idle = [Fraction(float(h)) ** 2 >= each for h, each in zip(high, square, strict=True)]
    assert np.isinf(kept).tolist() == idle
    assert len(set(idle)) == 2


def test_a_sliver_that_rounding_cannot_decide_is_told_as_such() -> None:
    level = 1.0 - 2.0**-53
    model = rv.Saturation(rv.frames.Dense(np.eye(2)), -level, level)
    certificate = rv.certify(model, rv.Ball(1.0), budget=5.0)
    assert certificate.reason is not None
    assert certificate.reason.startswith("rounding left some cells undecided")
    assert rv.verify(certificate, model).accepted


def test_an_endless_budget() -> None:
    model = rv.Saturation(FRAME, -0.5, 0.5)
    certificate = rv.certify(model, rv.Ball(1.0), budget=math.inf)
    assert certificate.evidence.values["closed"] is True
    assert rv.verify(certificate, model).accepted


@pytest.mark.parametrize("size", [1e180, 1e-180])
@pytest.mark.parametrize("kind", [rv.ReLU, rv.Saturation, rv.Modulus])
def test_rows_whose_squares_are_no_numbers(
    size: float, kind: type[rv.ReLU | rv.Saturation | rv.Modulus]
) -> None:
    with pytest.raises(rv.ParameterError, match=r"squares leave the range.*scale rows"):
        rv.certify(kind(rv.frames.Dense(size * ROWS)), rv.Ball(1.0), budget=1.0)


@pytest.mark.parametrize(
    ("radius", "bias", "said"),
    [
        (1e-320, -0.5, "signals of norm 9.99989e-321 are hardly floating-point numbers"),
        (1e307, -0.5, "signals of norm 1e.307 are hardly floating-point numbers"),
        (1e-140, 1e300, "the level 1e.300 is out of all proportion"),
    ],
)
def test_sizes_that_do_not_fit_together(radius: float, bias: float, said: str) -> None:
    with pytest.raises(rv.ParameterError, match=said):
        rv.certify(rv.ReLU(FRAME, bias), rv.Ball(radius), budget=1.0)


@pytest.mark.parametrize("radius", [1e-300, 1e300])
def test_a_radius_far_from_the_levels(radius: float) -> None:
    model = rv.ReLU(FRAME, -0.5)
    certificate = rv.certify(model, rv.Ball(radius), budget=5.0)
    full = float(np.linalg.svd(ROWS, compute_uv=False)[-1])
    if radius < 1.0:
        assert certificate.kappa.lower == pytest.approx(full, rel=1e-12)
    else:
        assert certificate.kappa.upper < 0.9 * full
    assert rv.verify(certificate, model).accepted


@pytest.mark.parametrize("level", [1e-200, 1e200, 1e-101])
def test_levels_far_from_the_rows(level: float) -> None:
    model = rv.Saturation(FRAME, -level, level)
    certificate = rv.certify(model, rv.Ball(1.0), budget=1.0)
    full = float(np.linalg.svd(ROWS, compute_uv=False)[-1])
    assert certificate.kappa.upper == pytest.approx(full if level > 1.0 else 0.0, rel=1e-12)
    assert rv.verify(certificate, model).accepted


@pytest.mark.parametrize("kind", [rv.ReLU, rv.Modulus])
def test_progress_is_told_in_the_units_of_the_model(kind: type[rv.ReLU | rv.Modulus]) -> None:
    told: list[Progress] = []
    model = kind(rv.frames.Dense(64.0 * ROWS))
    certificate = rv.certify(model, rv.Ball(1.0), budget=5.0, watch=told.append)
    found = float(certificate.evidence.values["eigenvalue_upper"])
    ends = np.array([progress.bracket for progress in told if progress.bracket is not None])
    assert found > 100.0
    assert len(ends) > 0
    if kind is rv.ReLU:  # those of modulus go on to sigma, which is less
        assert ends[:, 1].min() >= found * (1.0 - 1e-9)
    assert ends[:, 1].max() >= found * (1.0 - 1e-9)
    assert ends[:, 0].max() <= found
