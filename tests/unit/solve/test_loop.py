"""The loop: statuses, stopping, divergence; and how many frame calls a step costs."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pytest

from recover.core.errors import ParameterError
from recover.frames import Dense, Identity
from recover.frames.base import Frame
from recover.models import Modulus, Noise, Problem, ReLU, Saturation
from recover.pipeline import recover
from recover.priors import Quadratic
from recover.solve import (
    AlternatingProjections,
    Chebyshev,
    ConjugateGradient,
    FrameAlgorithm,
    Obstacle,
    OneSidedLeastSquares,
    RelaxedReflections,
    ReLUFrameAlgorithm,
    SaturatedFrameAlgorithm,
    Status,
    solve,
    spectral_start,
)


@dataclass(frozen=True, eq=False)
class Counted(Frame):
    """A frame that counts its calls."""

    inner: Dense
    calls: Counter = field(default_factory=Counter)

    @property
    def signal_shape(self):
        return self.inner.signal_shape

    @property
    def coef_shape(self):
        return self.inner.coef_shape

    @property
    def real_signal(self):
        return self.inner.real_signal

    @property
    def real_coefs(self):
        return self.inner.real_coefs

    @property
    def rows(self):
        return self.inner.rows

    def analysis(self, x):
        self.calls["analysis"] += 1
        return self.inner.analysis(x)

    def synthesis(self, c):
        self.calls["synthesis"] += 1
        return self.inner.synthesis(c)

    def bounds(self):
        return self.inner.bounds()

    def roundoff(self):
        return self.inner.roundoff()

    def identity_parts(self):
        return ("Counted", *self.inner.identity_parts())

    @classmethod
    def sample(cls, rng):
        return cls(Dense.sample(rng))


def clipped(n=6, m=40, seed=0):
    rng = np.random.default_rng(seed)
    frame = Counted(Dense(rng.standard_normal((m, n))))
    model = Saturation(frame, -2.0, 2.0)
    return Problem(model, model(0.5 * rng.standard_normal(n))), frame


ONE_EACH = [
    Chebyshev(tol=0.0),
    ConjugateGradient(tol=0.0),
    FrameAlgorithm(tol=0.0),
    OneSidedLeastSquares(tol=0.0),
    ReLUFrameAlgorithm(tol=0.0),
    SaturatedFrameAlgorithm(tol=0.0),
]


def calls_of(problem, frame, method, steps):
    state = method.init(problem, None, np.random.default_rng(0))
    frame.calls.clear()
    for _ in range(steps):
        state = method.step(problem, state)
    method.signal(problem, state)
    return dict(frame.calls)


@pytest.mark.parametrize("method", ONE_EACH, ids=lambda m: type(m).__name__)
def test_a_step_costs_one_analysis_and_one_synthesis(method):
    problem, frame = clipped()
    assert calls_of(problem, frame, method, 8) == {"analysis": 8, "synthesis": 8}


@pytest.mark.parametrize("method", [AlternatingProjections(), RelaxedReflections()])
def test_a_projection_step_costs_one_analysis(method):
    rng = np.random.default_rng(0)
    frame = Counted(Dense(rng.standard_normal((20, 4))))
    model = Modulus(frame)
    problem = Problem(model, model(np.ones(4)))
    assert calls_of(problem, frame, method, 8) == {"analysis": 8}  # the dual is a matrix here


def test_an_obstacle_step_costs_at_most_two_applications():
    operator = Counted(Dense(np.diff(np.eye(30), axis=0)))
    model = Saturation(Identity(30), -0.5, 0.5)
    y = model(np.sin(np.arange(30) * 0.4))
    problem = Problem(model, y, prior=Quadratic(operator, 9.0))
    calls = calls_of(problem, operator, Obstacle(), 20)
    assert 20 <= calls["analysis"] <= 40
    assert calls["analysis"] == calls["synthesis"]


def test_a_schedule_without_tolerance_is_completed():
    problem, _ = clipped()
    found = solve(problem, FrameAlgorithm(tol=0.0, max_iter=17))
    assert found.status is Status.COMPLETED
    assert found.residuals.shape == (17,)
    assert solve(problem, FrameAlgorithm(max_iter=3)).status is Status.MAX_ITER


def test_divergence_returns_the_signal_of_the_smallest_residual():
    problem, _ = clipped()
    start = np.full(6, 0.1)
    found = solve(problem, FrameAlgorithm(relaxation=1.0), start=start)
    assert found.status is Status.DIVERGED
    assert np.isfinite(found.residuals).all()
    np.testing.assert_array_equal(found.signal, start)
    single = Problem(problem.model, problem.y.astype(np.float32), noise=Noise(each=1e-5))
    found = solve(single, FrameAlgorithm(relaxation=1e12))
    assert found.status is Status.DIVERGED
    assert np.isfinite(found.signal).all()


def test_no_residual_below_round_off_is_waited_for():
    problem, _ = clipped()
    single = Problem(problem.model, problem.y.astype(np.float32), noise=Noise(each=1e-5))
    found = solve(single, FrameAlgorithm(tol=1e-15, max_iter=2000))
    assert found.status is Status.CONVERGED
    assert found.residuals[-1] <= 32 * np.finfo(np.float32).eps


def test_silent_data_need_no_step():
    frame = Dense(np.random.default_rng(0).standard_normal((9, 3)))
    problem = Problem(Saturation(frame), np.zeros(9))
    for method in (ConjugateGradient(), FrameAlgorithm(), Chebyshev()):
        found = solve(problem, method)
        assert found.status is Status.CONVERGED
        np.testing.assert_array_equal(found.signal, np.zeros(3))
    quiet = Problem(ReLU(frame), np.zeros(9))
    found = solve(quiet, OneSidedLeastSquares())
    np.testing.assert_array_equal(found.signal, np.zeros(3))
    silent = Problem(Modulus(frame), np.zeros(9))
    for method in (AlternatingProjections(), RelaxedReflections()):
        np.testing.assert_array_equal(solve(silent, method).signal, np.zeros(3))


def test_progress_is_told_after_every_step():
    problem, _ = clipped()
    seen = []
    found = solve(problem, FrameAlgorithm(max_iter=5), watch=seen.append)
    assert [p.step for p in seen] == [1, 2, 3, 4, 5]
    assert [p.value for p in seen] == list(found.residuals)
    assert {p.total for p in seen} == {5}


def test_every_status_helps():
    assert all(len(s.value) > 20 and s.value.endswith(".") for s in Status)


@pytest.mark.parametrize("power", [510, 600, 1020])
def test_squares_that_overflow_are_refused_before_work(power: int) -> None:
    rows = np.random.default_rng(0).uniform(1.0, 2.0, (12, 3))
    huge, y = Dense(np.ldexp(rows, power)), np.ldexp(rows[:, 0], power)
    told = rf"must have sums of squares .* entries up to 2\*\*{power + 1}.*power of two"
    for model in (ReLU(huge, 0.0), Saturation(huge, None, 1.0), Modulus(huge)):
        for method in (None, RelaxedReflections()):
            with pytest.raises(ParameterError, match=f"rows {told}"):
                recover(Problem(model, np.ones(12)), method)
    problem = Problem(Modulus(Dense(rows)), y)
    with pytest.raises(ParameterError, match=f"magnitudes {told}"):
        recover(problem)
    with pytest.raises(ParameterError, match=f"magnitudes {told}"):
        spectral_start(problem, np.random.default_rng(0))


@pytest.mark.parametrize("power", [-505, 505])
def test_scales_whose_squares_fit_change_nothing(power: int) -> None:
    rng = np.random.default_rng(1)
    rows, x = rng.standard_normal((24, 3)), rng.standard_normal(3)
    for frame, size in ((Dense(np.ldexp(rows, power)), 0), (Dense(rows), power)):
        model = Modulus(frame)
        found = recover(Problem(model, model(np.ldexp(x, size))), rng=0)
        assert model.distance(np.ldexp(found.signal, -size), x) <= 1e-8
