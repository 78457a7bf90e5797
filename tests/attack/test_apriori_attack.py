"""Adversarial pairs of signals against every kind of a priori certificate."""

from functools import cache

import numpy as np
import pytest

from recover.certificates.apriori import certify_apriori
from recover.frames.dense import Dense
from recover.models.domains import Ball, Everywhere
from recover.models.modulus import Modulus
from recover.models.relu import ReLU
from recover.models.saturation import Saturation

PAIRS = 4000
ROUNDS = 5


def subjects():
    rng = np.random.default_rng(21)
    for n, m in ((2, 8), (3, 14), (4, 24)):
        rows = rng.standard_normal((m, n))
        doubled = np.vstack([rows, -rows])
        yield ReLU(Dense(rows), -0.4), Ball(1.0)
        yield ReLU(Dense(rows), -0.2 * rng.random(m)), Ball(1.5, nonnegative=True)
        yield ReLU(Dense(doubled), 0.0), Everywhere()
        yield Saturation(Dense(doubled), -0.9, 0.9), Ball(1.0)
        yield Saturation(Dense(doubled), -0.5 - rng.random(2 * m), None), Ball(1.0)
        yield Saturation(Dense(doubled), -0.8, 0.6), Ball(1.0, nonnegative=True)
        yield Modulus(Dense(rows)), Ball(1.0)


def inside(x, scope):
    if isinstance(scope, Everywhere):
        return x
    x = np.maximum(x, 0.0) if scope.nonnegative else x
    norms = np.linalg.norm(x, axis=-1, keepdims=True)
    return x * np.minimum(1.0, scope.radius / np.maximum(norms, 1e-300))


def ratios(model, x, y):
    change = np.linalg.norm(model(x) - model(y), axis=-1)
    apart = np.linalg.norm(x - y, axis=-1)
    if isinstance(model, Modulus):
        apart = np.minimum(apart, np.linalg.norm(x + y, axis=-1))
    return np.where(apart > 1e-6, change / np.maximum(apart, 1e-300), np.inf)


@cache
def certificate(case):
    model, scope = list(subjects())[case]
    return certify_apriori(model, scope, budget=120.0)  # ample, also where others work


LONG = {4, 11}  # one-sided saturation, which 18 tests too
CASES = [pytest.param(k, marks=[pytest.mark.slow] if k in LONG else []) for k in range(21)]


@pytest.mark.parametrize("case", CASES)
def test_no_pair_goes_below_the_lower_end(case):
    model, scope = list(subjects())[case]
    cert = certificate(case)
    assert cert.evidence.values["closed"]
    rng = np.random.default_rng(case)
    n = model.frame.signal_size
    x = inside(rng.standard_normal((PAIRS, n)), scope)
    y = inside(
        x + rng.standard_normal((PAIRS, n)) * 10.0 ** rng.uniform(-4, 0.5, (PAIRS, 1)), scope
    )
    found = ratios(model, x, y)
    for _ in range(ROUNDS):
        assert found.min() >= cert.kappa.lower * (1.0 - 1e-9)
        best = np.argsort(found)[: PAIRS // 20]
        which = rng.choice(best, PAIRS)
        apart = np.linalg.norm(x[which] - y[which], axis=1, keepdims=True)
        step = apart * 10.0 ** rng.uniform(-3, 0, (PAIRS, 1))
        x = inside(x[which] + step * rng.standard_normal((PAIRS, n)), scope)
        y = inside(y[which] + step * rng.standard_normal((PAIRS, n)), scope)
        found = ratios(model, x, y)


def test_most_of_the_attacked_bounds_are_positive():
    tried = [case for case in range(21) if case not in LONG]
    assert sum(certificate(case).kappa.lower > 0.0 for case in tried) >= 15
