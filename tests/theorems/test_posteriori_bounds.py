"""Error bounds of recoveries against closed forms, and how they scale."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.fft import idct

from recover.certificates.certificate import Certificate
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.frames.dense import Dense
from recover.frames.identity import Identity
from recover.frames.masked import Masked
from recover.models.domains import Ball, Box
from recover.models.noise import AFTER, BEFORE, Noise
from recover.models.problem import Problem
from recover.models.relu import ReLU
from recover.models.saturation import Saturation
from recover.priors.subspace import Subspace

CLOSE = 1e-9


def certified(problem: Problem, signal: Array) -> Certificate:
    certificate = certify_posteriori(problem, signal)
    verdict = verify(certificate, problem)
    assert verdict.accepted, verdict.reasons
    return certificate


def assert_kappa(certificate: Certificate, value: float) -> None:
    assert certificate.kappa.contains(value)
    assert certificate.kappa.lower == pytest.approx(value, rel=CLOSE)
    assert certificate.kappa.upper == pytest.approx(value, rel=CLOSE)


@pytest.mark.parametrize("where", [AFTER, BEFORE])
def test_least_squares_solutions_reach_the_sharp_form(where: object) -> None:
    rng = np.random.default_rng(1)
    rows, x = rng.standard_normal((20, 4)), rng.standard_normal(4)
    model = Saturation(Dense(rows), -99.0, 99.0)
    e = rng.standard_normal(20)
    e *= 0.01 / np.linalg.norm(e)
    problem = Problem(model, rows @ x + e, noise=Noise(l2=0.01, where=where))  # type: ignore[arg-type]
    x_hat = np.linalg.lstsq(rows, problem.y, rcond=None)[0]
    r = float(np.linalg.norm(problem.y - rows @ x_hat))
    s = float(np.linalg.svd(rows, compute_uv=False)[-1])
    certificate = certified(problem, x_hat)
    assert certificate.error_bound == pytest.approx(math.sqrt(1e-4 - r * r) / s, rel=1e-9)


def test_away_from_least_squares_the_residual_adds() -> None:
    rows = 2.0 * np.eye(3)
    problem = Problem(ReLU(Dense(rows), -9.0), np.full(3, 10.0), noise=0.5)
    x_hat = np.full(3, 0.5) + np.array([0.25, 0.0, 0.0])
    # Phi d = r + e with |r| = 0.5 and |e| <= 0.5
    certificate = certified(problem, x_hat)
    assert certificate.error_bound == pytest.approx((0.5 + 0.5) / 2.0, rel=1e-9)
    # entry by entry: the residual in the first entry only
    np.testing.assert_allclose(certificate.pointwise, [0.5, 0.25, 0.25], rtol=1e-5)


def test_noise_per_entry_bounds_entries() -> None:
    each = np.array([0.1, 0.2, 0.4])
    problem = Problem(ReLU(Dense(np.eye(3)), -9.0), np.full(3, 10.0), noise=Noise(each=each))
    certificate = certified(problem, np.ones(3))
    np.testing.assert_allclose(certificate.pointwise, each, rtol=1e-5)
    assert certificate.error_bound == pytest.approx(float(np.linalg.norm(each)), rel=1e-6)


def test_exact_data_of_exact_signals_have_error_zero() -> None:
    x = np.random.default_rng(2).standard_normal(50)
    keep = np.ones(50, dtype=bool)
    for frame in (Identity(50), Masked(Identity(50), keep)):
        model = Saturation(frame, -9.0, 9.0)
        certificate = certified(Problem(model, frame.analysis(x)), x)
        assert certificate.error_bound == 0.0
        assert not certificate.pointwise.any()  # type: ignore[union-attr]


def test_noise_moves_borderline_coefficients_out_of_what_is_fixed() -> None:
    # T10: after the non-linearity a value within the noise of the level may have been clipped
    model = Saturation(Identity(3), -1.0, 1.0)
    y = np.array([0.0, 0.95, 1.05])
    after = Problem(model, y, noise=Noise(each=0.1, where=AFTER))
    np.testing.assert_array_equal(after.knowledge.fixed, [True, False, False])
    # a coefficient clipped to 1 with noise -0.05 or +0.05: at least level - 2 eps
    assert after.knowledge.lower[1:].min() >= 1.0 - 0.2
    before = Problem(model, np.array([0.0, 0.95, 1.0]), noise=Noise(each=0.1, where=BEFORE))
    np.testing.assert_array_equal(before.knowledge.fixed, [True, True, False])
    assert before.knowledge.lower[2] == pytest.approx(0.9)


def test_a_box_on_clipped_samples() -> None:
    # clipped at 1, known to be at most 3: sqrt(k) (3 - 1) from the level, half from the middle
    k, n = 4, 10
    model = Saturation(Identity(n), -1.0, 1.0)
    y = np.zeros(n)
    y[:k] = 1.0
    problem = Problem(model, y, domain=Box(-3.0, 3.0))
    certificate = certified(problem, y)
    assert certificate.error_bound == pytest.approx(math.sqrt(k) * 2.0, rel=1e-9)
    assert certificate.evidence.values["centre_bound"] == pytest.approx(math.sqrt(k), rel=1e-9)
    middle = certified(problem, np.where(y > 0, 2.0, 0.0))
    assert middle.error_bound == pytest.approx(math.sqrt(k), rel=1e-9)
    assert certificate.scope.to_json() == {
        "kind": "conditional",
        "on": "box",
        "low": -3.0,
        "high": 3.0,
    }


def test_one_clipped_sample_in_a_ball() -> None:
    # x = (0.6, t) with t >= 0.8 and |x| <= 1: t is known exactly
    model = Saturation(Identity(2), -0.8, 0.8)
    problem = Problem(model, np.array([0.6, 0.8]), domain=Ball(1.0))
    certificate = certified(problem, np.array([0.6, 0.8]))
    assert certificate.error_bound < 1e-6
    wider = Problem(model, np.array([0.6, 0.8]), domain=Ball(math.sqrt(0.36 + 1.0)))
    # 0.8 <= t <= 1
    assert certified(wider, np.array([0.6, 0.8])).error_bound == pytest.approx(0.2, rel=1e-9)
    unclipped = certified(wider, np.array([0.6, 0.9]))
    assert unclipped.error_bound == pytest.approx(0.1, rel=1e-9)


def test_a_known_support_amplifies_by_its_smallest_singular_value() -> None:
    n, k = 128, 6
    rng = np.random.default_rng(3)
    basis = idct(np.eye(n), norm="ortho", axis=0)[:, rng.choice(n, k, replace=False)]
    x = basis @ rng.standard_normal(k)
    level = 0.5 * float(np.abs(x).max())
    model = Saturation(Identity(n), -level, level)
    problem = Problem(model, model(x), noise=1e-3, prior=Subspace(Dense(basis.T)))
    fixed = problem.knowledge.fixed
    smallest = float(np.linalg.svd(basis[fixed], compute_uv=False)[-1])
    certificate = certified(problem, x)
    assert_kappa(certificate, smallest)
    assert certificate.error_bound == pytest.approx(1e-3 / smallest, rel=1e-9)
    # the span, not its basis, decides
    mixed = Subspace(Dense(rng.standard_normal((k, k)) @ basis.T))
    again = certified(Problem(model, model(x), noise=1e-3, prior=mixed), x)
    assert_kappa(again, smallest)
    assert again.error_bound == pytest.approx(1e-3 / smallest, rel=1e-8)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    power=st.integers(-20, 20),
    unit=st.integers(-20, 20),
)
def test_bounds_scale_with_the_units(seed: int, power: int, unit: int) -> None:
    # scaling rows by 2^power and signals by 2^unit rounds nothing
    rng = np.random.default_rng(seed)
    rows, x = rng.standard_normal((12, 3)), rng.standard_normal(3)
    y = np.maximum(rows @ x + 0.5, 0.0)
    plain = certify_posteriori(Problem(ReLU(Dense(rows), -0.5), y, noise=0.01), x)
    f, u = 2.0**power, 2.0**unit
    model = ReLU(Dense(f * rows), -0.5 * f * u)
    scaled = certify_posteriori(Problem(model, f * u * y, noise=0.01 * f * u), u * x)
    assert scaled.finite == plain.finite
    if plain.finite:
        assert scaled.error_bound == pytest.approx(u * plain.error_bound, rel=1e-9)
        assert scaled.kappa.lower == pytest.approx(f * plain.kappa.lower, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), more=st.floats(1.0, 100.0))
def test_more_noise_never_gives_a_smaller_bound(seed: int, more: float) -> None:
    rng = np.random.default_rng(seed)
    rows, x = rng.standard_normal((15, 3)), rng.standard_normal(3)
    model = Saturation(Dense(rows), -1.0, 1.0)
    bounds = [
        certify_posteriori(Problem(model, model(x), noise=Noise(each=each)), x).error_bound
        for each in (1e-4, 1e-4 * more)
    ]
    assert bounds[0] <= bounds[1] * (1 + 1e-9)


@example(seed=600)  # one fixed row in the plane: finite by one-sided rows, and kappa is zero
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_enclosure_of_kappa_holds_the_singular_value(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 6))
    rows, x = rng.standard_normal((5 * n, n)), rng.standard_normal(n)
    model = ReLU(Dense(rows))
    problem = Problem(model, model(x))
    certificate = certify_posteriori(problem, x)
    fixed = problem.knowledge.fixed
    if certificate.finite:
        # fewer rows than dimensions leave a direction that none of them sees
        values = np.linalg.svd(rows[fixed], compute_uv=False)
        smallest = float(values[-1]) if np.count_nonzero(fixed) >= n else 0.0
        assert certificate.kappa.lower <= smallest * (1 + 1e-12)
        assert certificate.kappa.upper >= smallest * (1 - 1e-12)
        assert verify(certificate, problem).accepted
