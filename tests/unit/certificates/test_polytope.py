"""One-sided constraints by linear programs, against vertices known by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from recover.certificates.posteriori import certify_posteriori
from recover.certificates.proofs.polytope import Polytope
from recover.certificates.reasons import Why
from recover.certificates.verify import verify
from recover.frames.dense import Dense
from recover.models.domains import Ball, Box
from recover.models.noise import Noise
from recover.models.problem import Problem
from recover.models.relu import ReLU
from recover.models.saturation import Saturation


def test_a_triangle_without_any_domain() -> None:
    # x <= 1, y <= 1, x + y >= 1 (one fixed row would give y + x = 1; here it is clipped)
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    problem = Problem(ReLU(Dense(rows), np.array([1.0, 1.0, -1.0])), np.zeros(3))
    certificate = certify_posteriori(problem, np.array([1.0, 1.0]))
    assert certificate.evidence.kind == "polytope"
    assert certificate.scope.kind == "global"
    assert certificate.error_bound == pytest.approx(math.sqrt(2.0), rel=1e-9)
    np.testing.assert_allclose(certificate.centre, [0.5, 0.5], atol=1e-9)
    np.testing.assert_allclose(certificate.pointwise, [1.0, 1.0], rtol=1e-9)
    bound = certificate.evidence.values["centre_bound"]
    assert bound == pytest.approx(math.sqrt(0.5), rel=1e-9)
    assert verify(certificate, problem).accepted


def test_a_box_cuts_a_half_plane() -> None:
    rows = np.array([[1.0, 1.0]])
    model = Saturation(Dense(rows), -1.0, 1.0)
    problem = Problem(model, np.array([1.0]), domain=Box(-1.0, 1.0))
    certificate = certify_posteriori(problem, np.array([1.0, 1.0]))
    # x + y >= 1 in the square is the triangle with corner (1, 1)
    assert certificate.scope.to_json()["on"] == "box"
    assert certificate.error_bound == pytest.approx(math.sqrt(2.0), rel=1e-9)
    assert verify(certificate, problem).accepted


def test_noise_moves_the_sides() -> None:
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    model = ReLU(Dense(rows), np.array([1.0, 1.0, -1.0]))
    problem = Problem(model, np.zeros(3), noise=Noise(each=0.125))
    certificate = certify_posteriori(problem, np.array([1.125, 1.125]))
    # x, y <= 1.125 and x + y >= 0.875
    assert certificate.error_bound == pytest.approx(1.375 * math.sqrt(2.0), rel=1e-9)
    assert verify(certificate, problem).accepted


def test_an_open_cone_is_refused() -> None:
    rows = np.array([[1.0, 0.0], [0.0, 1.0]])
    problem = Problem(ReLU(Dense(rows)), np.zeros(2), domain=Box(-math.inf, 9.0))
    outcome = certify_posteriori(problem, np.zeros(2))
    assert not outcome.finite
    assert outcome.evidence.values["why"] in (Why.UNBOUNDED.name, Why.CLIPPED_BASIS.name)
    from recover.certificates.proofs.base import Case

    direct = Polytope().attempt(Case(problem, np.zeros(2)), math.inf)
    assert getattr(direct, "why", None) is Why.UNBOUNDED


def test_contradicting_sides_are_refused() -> None:
    from recover.certificates.proofs.base import Case

    rows = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
    # x <= -1 and -x <= -1
    problem = Problem(ReLU(Dense(rows), -1.0), np.zeros(3), domain=Ball(5.0))
    direct = Polytope().attempt(Case(problem, np.zeros(2)), math.inf)
    assert getattr(direct, "why", None) in (Why.LINEAR_PROGRAM, Why.EMPTY)


def test_a_budget_refines_and_zero_seconds_do_not() -> None:
    rng = np.random.default_rng(0)
    rows, x = rng.standard_normal((40, 4)), rng.standard_normal(4)
    model = Saturation(Dense(rows), -1.0, 1.0)
    data = np.clip(model(x) + 1e-3 * rng.uniform(-1, 1, 40), -1.0, 1.0)
    problem = Problem(model, data, noise=Noise(each=1e-3))
    plain = certify_posteriori(problem, x)
    refined = certify_posteriori(problem, x, budget=60.0)
    stopped = certify_posteriori(problem, x, budget=0.0)
    assert plain.evidence.kind == "rows"
    assert refined.evidence.kind == "polytope"
    assert refined.error_bound < 0.9 * plain.error_bound
    assert stopped.error_bound <= plain.error_bound
    for certificate in (plain, refined, stopped):
        assert verify(certificate, problem).accepted
        # what holds is the same whatever the budget
        assert certificate.kappa == plain.kappa
