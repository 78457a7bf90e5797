"""Weighted l1 against a linear programme, and social shrinkage against its definition."""

import numpy as np
import pytest
from scipy.optimize import linprog

from recover.audio import declip
from recover.core.errors import ParameterError
from recover.frames import Dense, Gabor, Identity
from recover.metrics import sdr_gain
from recover.models import Problem, Saturation
from recover.solve import Status, solve
from recover.solve.social_ista import SocialISTA
from recover.solve.weighted_l1 import WeightedL1


def task(n=9, m=14, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.standard_normal((m, n)))
    model = Saturation(Identity(n), -0.4, 0.5)
    return Dense(scale * q), Problem(model, model(rng.standard_normal(n)))


def least_norm(rows, weights, problem):
    """The minimum of sum w |rows x| over the consistent signals, as a linear programme."""
    m, n = rows.shape
    cost = np.concatenate([np.zeros(n), weights])
    above = np.block([[rows, -np.eye(m)], [-rows, -np.eye(m)]])
    known = problem.knowledge
    ends = list(zip(known.lower, known.upper, strict=True)) + [(0, None)] * m
    found = linprog(cost, A_ub=above, b_ub=np.zeros(2 * m), bounds=ends)
    assert found.status == 0
    return found.fun


@pytest.mark.parametrize("scale", [1.0, 3.0])
@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(4))
def test_the_gap_encloses_the_minimum_of_a_linear_programme(seed, power, scale):
    frame, problem = task(seed=seed, scale=scale)
    method = WeightedL1(frame, max_iter=20_000, tol=1e-6, power=power, single=False)
    found = solve(problem, method)
    assert found.status is Status.CONVERGED
    weights = ((np.arange(14) + 1) / 14) ** power
    rows = frame.matrix()
    minimum = least_norm(rows, weights, problem)
    norm = float(weights @ np.abs(rows @ found.signal))
    assert minimum * (1 - 1e-9) <= norm <= minimum * (1 + 2e-6)
    # at every step the norm is at most 1/(1 - residual) times the minimum
    for steps in (1, 5, 50):
        early = solve(problem, WeightedL1(frame, steps, 0.0, power, single=False))
        norm = float(weights @ np.abs(rows @ early.signal))
        assert norm * (1 - early.residuals[-1]) <= minimum * (1 + 1e-9)
        assert (np.diff(early.residuals) <= 1e-12).all()


def test_the_gap_closes_on_complex_coefficients():
    rng = np.random.default_rng(1)
    t = np.arange(512)
    x = np.sin(0.2 * t) + 0.3 * rng.standard_normal(512)
    model = Saturation(Identity(512), -0.7, 0.7)
    frame = Gabor.hann(512, 64, 16, tight=True)
    found = solve(Problem(model, model(x)), WeightedL1(frame, 3000, 1e-3, single=False))
    assert found.status is Status.CONVERGED
    assert found.residuals[-1] <= 1e-3


def direct_ista(rows, problem, levels, inner, first, last):
    """The published iteration, written out with dense matrices and no early end."""
    known, bound = problem.knowledge, 1.0
    c = rows @ problem.y
    peak = np.abs(c).max()
    for level in range(levels):
        t = peak * first * (last / first) ** (level / (levels - 1))
        before = c
        for k in range(1, inner + 1):
            e = c + (k - 1) / (k + 5) * (c - before)
            x = rows.T @ e
            e = e + rows @ (np.clip(x, known.lower, known.upper) - x) / bound
            before, c = c, e * np.maximum(0, 1 - t**2 / np.maximum(e**2, 1e-300))
    return np.clip(rows.T @ c, known.lower, known.upper)


@pytest.mark.parametrize("seed", range(3))
def test_social_ista_is_the_published_iteration(seed):
    frame, problem = task(seed=seed)
    method = SocialISTA(
        frame, levels=4, inner=7, change=0.0, last=1e-2, neighbourhood=(1,), single=False
    )
    found = solve(problem, method)
    assert found.status is Status.COMPLETED
    assert len(found.residuals) == 28
    expected = direct_ista(frame.matrix(), problem, 4, 7, 0.1, 1e-2)
    np.testing.assert_allclose(found.signal, expected, atol=1e-10)


def test_social_ista_does_not_depend_on_the_frames_scale():
    frame, problem = task()
    scaled, _ = task(scale=2.0)
    settings = {"levels": 5, "inner": 20, "neighbourhood": (3,), "single": False}
    one, two = (solve(problem, SocialISTA(f, **settings)).signal for f in (frame, scaled))
    np.testing.assert_allclose(one, two, atol=1e-9)


@pytest.mark.parametrize("name", ["SocialISTA", "WeightedL1"])
def test_both_recover_music(name):
    rate = 4000
    t = np.arange(3000) / rate
    x = np.sin(2 * np.pi * 220 * t) + 0.5 * np.sin(2 * np.pi * 700 * t + 1)
    y = np.clip(x, -0.8, 0.8)
    kinds = {"SocialISTA": SocialISTA, "WeightedL1": WeightedL1}
    size = {"max_iter": 300} if name == "WeightedL1" else {"levels": 10, "inner": 30}
    method = kinds[name](Gabor.hann(64, 16, 4, tight=True), **size)
    result = declip(y, rate, method=method, certify=False)
    assert result.stretches[0].method == name
    reliable = np.abs(y) < 0.8
    assert np.array_equal(result.samples[reliable], y[reliable])
    assert (np.abs(result.samples) >= np.abs(y)).all()
    assert sdr_gain(x, y, result.samples) > 8.0


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        (WeightedL1, {"max_iter": 0}, "max_iter must be >= 1"),
        (WeightedL1, {"tol": -1.0}, "tol must be finite"),
        (WeightedL1, {"power": np.inf}, "power must be finite"),
        (SocialISTA, {"levels": 0}, "levels must be >= 1"),
        (SocialISTA, {"first": 1e-5}, "0 < last <= first"),
        (SocialISTA, {"neighbourhood": (2,)}, "odd sizes"),
        (SocialISTA, {"neighbourhood": (1, 1, 1)}, "more axes"),
        (SocialISTA, {"change": -1.0}, "change must be"),
    ],
)
def test_bad_parameters(kind, change, message):
    frame, _ = task()
    settings = {"neighbourhood": (1,)} if kind is SocialISTA else {}
    with pytest.raises(ParameterError, match=message):
        kind(frame, **{**settings, **change})
