"""Arguments of a wrong type are refused with the argument's name and the cure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

import numpy as np
import pytest

import recover as rv
import recover.solve
from recover.core.discovery import concrete_classes
from recover.solve.base import Method

RV: Any = rv  # the type checker lets wrong types through
FRAME = rv.frames.Dense(np.vstack([np.eye(2), -np.eye(2)]))
MODEL = rv.ReLU(FRAME)
X = np.array([0.5, -0.25])
PROBLEM = rv.Problem(MODEL, MODEL(X))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: RV.ReLU(np.eye(2)), "frame must be a Frame, got ndarray"),
        (lambda: RV.Saturation(0.5), "frame must be a Frame, got float"),
        (lambda: RV.Modulus([[1.0]]), "frame must be a Frame, got list"),
        (lambda: RV.Problem(FRAME, X), "model must be a Model, got Dense"),
        (
            lambda: RV.Problem(MODEL, PROBLEM.y, domain=3.0),
            "domain must be a Domain, got float; pass recover.Ball",
        ),
        (
            lambda: RV.Problem(MODEL, PROBLEM.y, prior=FRAME),
            "prior must be a Prior, got Dense",
        ),
        (
            lambda: RV.Problem(MODEL, PROBLEM.y, noise=np.ones(4)),
            "noise must be a Noise or a number, got ndarray; pass recover.Noise(each=...)",
        ),
        (
            lambda: RV.Problem(MODEL, PROBLEM.y, noise="1"),
            "noise must be a Noise or a number, got str",
        ),
        (lambda: RV.priors.Quadratic(np.eye(2), 1.0), "operator must be a Frame, got ndarray"),
        (lambda: RV.priors.Subspace([[1.0, 0.0]]), "frame must be a Frame, got list; pass"),
        (lambda: RV.theory.deep_failure_bound(4, 60), "widths must hold one number per layer"),
        (lambda: RV.recover(MODEL), "problem must be a Problem, got ReLU"),
        (lambda: RV.recover(PROBLEM, 3), "method must be a Method, got int"),
        (
            lambda: RV.recover(PROBLEM, rv.methods.DualFrame),
            "pass one of recover.methods, such as DualFrame()",
        ),
        (
            lambda: RV.certify(FRAME, rv.Ball(1.0)),
            "subject must be a Model, got Dense",
        ),
        (lambda: RV.certify(MODEL, 1.0), "recover.Ball(1.0), got float"),
        (
            lambda: RV.verify(PROBLEM, rv.certify(PROBLEM, X)),
            "certificate must be a Certificate, got Problem",
        ),
        (
            lambda: RV.Noise(1.0, where="after"),
            "where must be a Where, got str; pass recover.AFTER or recover.BEFORE",
        ),
    ],
)
def test_the_argument_is_named(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(rv.ParameterError, match=re.escape(said)):
        call()


def test_a_number_in_an_array_is_a_noise() -> None:
    for number in (0.125, np.float32(0.125), np.array(0.125)):
        assert RV.Problem(MODEL, PROBLEM.y, noise=number).noise.l2 == 0.125


def test_every_method_that_is_listed_can_be_named() -> None:
    listed = concrete_classes(recover.solve, Method)
    assert "SocialSparsity" in listed
    for name, method in listed.items():
        assert getattr(rv.methods, name) is method
        assert name in rv.methods.__all__
    needing = [
        name
        for name, method in listed.items()
        if any(f.default is MISSING and f.default_factory is MISSING for f in fields(method))
    ]
    assert "WeightedL1" in needing
    with pytest.raises(rv.ParameterError, match=r"recover\.methods\.WeightedL1\(frame="):
        rv.recover(PROBLEM, "WeightedL1")


def test_a_bias_or_level_of_minus_zero_is_zero() -> None:
    zero, minus = np.zeros(4), -np.zeros(4)
    certificate = rv.certify(rv.ReLU(FRAME, zero), rv.Ball(1.0), budget=1.0)
    assert rv.verify(certificate, rv.ReLU(FRAME, minus)).accepted
    for of in (lambda z: (z, 1.0), lambda z: (-1.0, z)):
        model, same = rv.Saturation(FRAME, *of(zero)), rv.Saturation(FRAME, *of(minus))
        result = rv.recover(rv.Problem(model, model(X)))
        assert rv.verify(result.certificate, rv.Problem(same, model(X))).accepted
