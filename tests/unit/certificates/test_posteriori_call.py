"""Certifying a recovery: arguments, random noise, domains."""

from __future__ import annotations

import numpy as np
import pytest

from recover.certificates.posteriori import certify_posteriori
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.frames.dense import Dense
from recover.frames.identity import Identity
from recover.models.domains import Ball
from recover.models.noise import Noise
from recover.models.problem import Problem
from recover.models.relu import ReLU
from recover.models.saturation import Saturation

Case = tuple[Problem, Array]


def clipped_basis() -> Case:
    x = np.linspace(-2.0, 2.0, 9)
    model = Saturation(Identity(9), -1.0, 1.0)
    return Problem(model, model(x)), x


def few_rows() -> Case:
    rows = np.random.default_rng(0).standard_normal((8, 60))
    x = np.full(60, 0.1)
    model = ReLU(Dense(rows))
    return Problem(model, model(x)), x


@pytest.mark.parametrize(
    ("argument", "match"),
    [
        ({"x_hat": np.ones(8)}, "signal must have shape"),
        ({"x_hat": np.full(9, np.nan)}, "signal must be finite"),
        ({"x_hat": np.ones(9) * 1j}, "signal must be real"),
        ({"x_hat": np.ones(9), "centre": np.ones(8)}, "centre must have shape"),
        ({"x_hat": np.ones(9), "budget": -1.0}, "budget must be >= 0"),
    ],
)
def test_bad_arguments_are_named(argument: dict[str, Array | float], match: str) -> None:
    problem, _ = clipped_basis()
    with pytest.raises(ParameterError, match=match):
        certify_posteriori(problem, **argument)  # type: ignore[arg-type]


def test_random_noise_makes_the_rigor_probabilistic() -> None:
    rows = np.random.default_rng(4).standard_normal((30, 3))
    x = np.ones(3)
    model = Saturation(Dense(rows), -9.0, 9.0)
    problem = Problem(model, model(x), noise=Noise.gaussian(1e-3, 1e-6))
    certificate = certify_posteriori(problem, x)
    assert certificate.finite
    assert certificate.rigor.delta == 1e-6
    assert any("probability" in sentence for sentence in certificate.assumptions)
    assert verify(certificate, problem).accepted


def test_a_ball_bounds_what_the_data_do_not() -> None:
    problem, x = few_rows()
    bounded = Problem(problem.model, problem.y, domain=Ball(2.0))
    certificate = certify_posteriori(bounded, x)
    assert certificate.scope.kind == "ball"
    assert certificate.error_bound == pytest.approx(2.0 + np.linalg.norm(x))
    assert verify(certificate, bounded).accepted
