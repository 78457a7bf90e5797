"""Certificates of quadratic priors on clipped samples against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from recover.certificates.certificate import Certificate
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.frames.dense import Dense
from recover.frames.identity import Identity
from recover.models.noise import Noise
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.priors.quadratic import Quadratic

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


def _line() -> tuple[Problem, Array]:
    """A clipped sample between two known ones, with the energy of differences bounded."""
    rows = np.diff(np.eye(3), axis=0)
    model = Saturation(Identity(3), -1.0, 1.0)
    y = np.array([0.0, 1.0, 0.0])
    return Problem(model, y, prior=Quadratic(Dense(rows), 3.0)), y


def test_at_the_minimiser_the_short_formula_holds() -> None:
    problem, y = _line()
    # |T v|^2 = 2 v^2 <= 9 and v >= 1; the gradient points outwards at the bound
    certificate = certified(problem, y)
    assert certificate.kappa.contains(math.sqrt(2.0))
    assert certificate.error_bound == pytest.approx(math.sqrt((9.0 - 2.0) / 2.0), rel=1e-9)
    assert certificate.scope.to_json()["on"] == "quadratic prior"
    assert problem.prior is not None
    assert problem.prior.statement in certificate.assumptions


def test_away_from_the_minimiser_the_short_formula_is_false() -> None:
    problem, _ = _line()
    z = np.array([0.0, 1.05, 0.0])
    farthest = 3.0 / math.sqrt(2.0) - 1.05  # admissible: 1 <= v <= 3 / sqrt(2)
    certificate = certified(problem, z)
    # rho = |T_U^T T z| = 2.1, s^2 = 2, D = 9 - 2 z^2; or the minimiser and the way to it
    depth = 9.0 - 2.0 * 1.05**2
    full = 2.1 / 2.0 + math.sqrt((2.1 / 2.0) ** 2 + depth / 2.0)
    by_minimiser = 0.05 + math.sqrt(3.5)
    assert certificate.error_bound == pytest.approx(min(full, by_minimiser), rel=1e-9)
    assert certificate.error_bound >= farthest
    high = np.array([0.0, 2.0, 0.0])
    short = math.sqrt((9.0 - 8.0) / 2.0)
    assert short < 2.0 - 1.0 <= certified(problem, high).error_bound


@pytest.mark.parametrize("centre", [None, np.array([0.0, 1.0, 0.0])])
def test_a_centre_brings_the_distance_to_it_only(centre: Array | None) -> None:
    problem, y = _line()
    z = np.array([0.0, 2.0, 0.0])
    # without a centre one is found by a few steps in float64
    certificate = certify_posteriori(problem, z, centre=centre)
    assert verify(certificate, problem).accepted
    assert certificate.error_bound == pytest.approx(1.0 + math.sqrt(3.5), rel=1e-9)
    np.testing.assert_array_equal(certificate.centre, y)
    assert certificate.evidence.values["centre_bound"] == pytest.approx(
        math.sqrt(3.5), rel=1e-9
    )


def test_a_budget_below_the_least_energy_is_refused() -> None:
    rows = np.diff(np.eye(3), axis=0)
    model = Saturation(Identity(3), -1.0, 1.0)
    y = np.array([0.0, 1.0, 0.0])
    for budget, finite in ((math.sqrt(2.0) * (1 + 1e-9), True), (math.sqrt(2.0) * 0.99, False)):
        problem = Problem(model, y, prior=Quadratic(Dense(rows), budget))
        certificate = certified(problem, y)
        assert certificate.finite == finite
        if not finite:
            assert "no signal meets the prior" in str(certificate.reason)


def test_noise_loosens_budget_level_and_known_samples() -> None:
    eps = 0.01
    rows = np.diff(np.eye(3), axis=0)
    model = Saturation(Identity(3), -1.0, 1.0)
    y = np.array([0.0, 1.0, 0.0])
    prior = Quadratic(Dense(rows), 3.0)
    problem = Problem(model, y, noise=Noise(each=eps), prior=prior)
    z = np.array([0.0, 1.0 - eps, 0.0])  # the datum's own bound: the level less eps at least
    certificate = certified(problem, z)
    noise = math.sqrt(2.0) * eps
    norm = math.sqrt(3.0)  # of the differences of three samples
    low = problem.knowledge.lower[1]
    tau = 3.0 + norm * noise
    at = np.array([0.0, low, 0.0])
    free = math.sqrt((tau**2 - 2.0 * low**2) / 2.0)
    loose = math.hypot(free + abs(z[1] - at[1]), noise)
    assert certificate.error_bound == pytest.approx(loose, rel=1e-9)


def test_pointwise_bounds_replace_one_factor_only() -> None:
    rng = np.random.default_rng(4)
    n = 12
    rows = np.diff(np.eye(n), 2, axis=0)
    model = Saturation(Identity(n), -1.0, 1.0)
    y = np.where(rng.random(n) < 0.4, 1.0, 0.2)
    y[[0, 1, -1, -2]] = 0.1
    problem = Problem(model, y, prior=Quadratic(Dense(rows), 9.0))
    unknown = ~problem.knowledge.fixed
    certificate = certified(problem, y)
    a = rows[:, unknown].T @ rows[:, unknown]
    g = np.minimum(rows[:, unknown].T @ rows @ y, 0.0)
    s, rho = math.sqrt(float(np.linalg.eigvalsh(a)[0])), float(np.linalg.norm(g))
    depth = 81.0 - float(np.linalg.norm(rows @ y)) ** 2
    reach = min(rho / s + math.sqrt(rho**2 / s**2 + depth), 9.0 + np.linalg.norm(rows @ y))
    assert certificate.pointwise is not None
    expected = np.sqrt(np.diag(np.linalg.inv(a))) * reach
    np.testing.assert_allclose(certificate.pointwise[unknown], expected, rtol=1e-5)
    assert not certificate.pointwise[~unknown].any()
