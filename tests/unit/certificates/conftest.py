"""One certified recovery for each kind of evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from recover.certificates.certificate import Certificate
from recover.certificates.posteriori import certify_posteriori
from recover.core.arrays import Array
from recover.frames.convolution import Convolution
from recover.frames.dense import Dense
from recover.frames.identity import Identity
from recover.frames.masked import Masked
from recover.models.domains import Ball, Box, Support
from recover.models.noise import BEFORE, Noise
from recover.models.problem import Problem
from recover.models.relu import ReLU
from recover.models.saturation import Saturation
from recover.priors.quadratic import Quadratic
from recover.priors.subspace import Subspace


@dataclass(frozen=True, eq=False)
class Certified:
    """A problem, its true signal, a recovered one, and the certificate."""

    problem: Problem
    truth: Array
    signal: Array
    certificate: Certificate


def rows_relu() -> Certified:
    rng = np.random.default_rng(1)
    rows, truth = rng.standard_normal((40, 6)), rng.standard_normal(6)
    noise = 1e-3 * rng.uniform(-1, 1, 40) / np.sqrt(40)
    model = ReLU(Dense(rows), -0.1)
    problem = Problem(model, np.maximum(model(truth) + noise, 0.0), noise=1e-3)
    return _done(problem, truth, _least_squares(problem))


def rows_saturation() -> Certified:
    rng = np.random.default_rng(2)
    rows, truth = rng.standard_normal((50, 6)), rng.standard_normal(6)
    model = Saturation(Dense(rows), -1.5, 1.0)
    noisy = rows @ truth + 1e-3 * rng.uniform(-1, 1, 50)
    problem = Problem(model, model.apply(noisy), noise=Noise(each=1e-3, where=BEFORE))
    return _done(problem, truth, _least_squares(problem))


def intervals() -> Certified:
    rng = np.random.default_rng(3)
    truth = rng.uniform(-1.4, 1.4, 12)
    model = Saturation(Identity(12), -1.0, 1.0)
    problem = Problem(model, model(truth), noise=Noise(each=1e-3), domain=Box(-1.5, 1.5))
    return _done(problem, truth, problem.y * 1.1)


def polytope() -> Certified:
    rng = np.random.default_rng(4)
    rows, truth = rng.standard_normal((14, 5)), rng.standard_normal(5)
    truth /= np.linalg.norm(truth)
    model = Saturation(Dense(rows), -0.35, 0.35)
    data = np.clip(model(truth) + 1e-3 * rng.uniform(-1, 1, 14), -0.351, 0.351)
    problem = Problem(model, data, noise=Noise(each=1e-3), domain=Ball(1.0))
    return _done(problem, truth, 0.5 * truth)


def quadratic() -> Certified:
    n = 40
    truth = 1.3 * np.sin(2 * np.pi * np.arange(n) / 20)
    filters = np.array([[1.0, -2 * np.cos(2 * np.pi / 20) * 0.999, 0.99]])
    valid = np.ones((1, n), dtype=bool)
    valid[:, :2] = False
    operator = Masked(Convolution(filters, n), valid)
    model = Saturation(Identity(n), -1.0, 1.0)
    budget = 1.05 * float(np.linalg.norm(operator.analysis(truth)))
    noise = 1e-3 * np.random.default_rng(5).uniform(-1, 1, n)
    problem = Problem(
        model, model(truth) + noise, noise=Noise(each=1e-3), prior=Quadratic(operator, budget)
    )
    return _done(problem, truth, truth + 1e-3, centre=truth)


def stacked() -> Certified:
    n = 24
    rng = np.random.default_rng(6)
    truth = np.sin(2 * np.pi * np.arange(n) / 24)
    model = Saturation(Dense(rng.standard_normal((30, n)) / 5), -0.5, 0.5)
    operator = Dense(np.diff(np.eye(n), 2, axis=0))
    data = np.clip(model(truth) + 1e-3 * rng.uniform(-1, 1, 30), -0.501, 0.501)
    budget = 1.05 * float(np.linalg.norm(operator.analysis(truth)))
    problem = Problem(model, data, noise=Noise(each=1e-3), prior=Quadratic(operator, budget))
    return _done(problem, truth, truth + 1e-3)


def subspace() -> Certified:
    rng = np.random.default_rng(7)
    vectors = rng.standard_normal((3, 30))
    truth = vectors.T @ rng.standard_normal(3)
    level = 0.6 * float(np.abs(truth).max())
    model = Saturation(Identity(30), -level, level)
    data = model(truth) + 1e-3 * rng.uniform(-1, 1, 30)
    problem = Problem(model, data, noise=Noise(each=1e-3), prior=Subspace(Dense(vectors)))
    return _done(problem, truth, truth + 1e-4)


def support() -> Certified:
    rng = np.random.default_rng(8)
    mask = np.zeros(20, dtype=bool)
    mask[[2, 5, 11]] = True
    truth = np.where(mask, rng.standard_normal(20), 0.0)
    model = ReLU(Dense(rng.standard_normal((16, 20))), 0.0)
    problem = Problem(model, model(truth), noise=1e-4, domain=Support(mask))
    return _done(problem, truth, truth)


def nothing() -> Certified:
    truth = np.linspace(-2.0, 2.0, 9)
    model = Saturation(Identity(9), -1.0, 1.0)
    problem = Problem(model, model(truth), noise=Noise(each=1e-3))
    return _done(problem, truth, truth)


def _least_squares(problem: Problem) -> Array:
    fixed = problem.knowledge.fixed
    rows = problem.model.frame.matrix()[fixed]
    return np.linalg.lstsq(rows, problem.knowledge.value[fixed], rcond=None)[0]


def _done(
    problem: Problem, truth: Array, signal: Array, centre: Array | None = None
) -> Certified:
    certificate = certify_posteriori(problem, signal, centre=centre)
    return Certified(problem, truth, signal, certificate)


FINITE = {
    "rows, ReLU": (rows_relu, "rows"),
    "rows, saturation": (rows_saturation, "rows"),
    "intervals": (intervals, "intervals"),
    "polytope": (polytope, "polytope"),
    "quadratic samples": (quadratic, "quadratic samples"),
    "stacked prior": (stacked, "stacked prior"),
    "subspace": (subspace, "subspace"),
    "support": (support, "subspace"),
}


@pytest.fixture(params=list(FINITE), scope="session")
def certified(request: pytest.FixtureRequest) -> Certified:
    """A finite certificate, one of each kind of evidence."""
    build, kind = FINITE[request.param]
    case = build()
    assert case.certificate.evidence.kind == kind
    assert case.certificate.finite
    return case


@pytest.fixture(scope="session")
def open_case() -> Certified:
    """An infinite certificate."""
    return nothing()


@pytest.fixture(scope="session")
def pair() -> tuple[Certified, Certified]:
    """Two certificates that can be parts of one."""
    return rows_relu(), rows_saturation()


@pytest.fixture(scope="session")
def middling() -> Certified:
    """A certificate with a better centre and bounds of single entries."""
    return intervals()
