"""Autoregressive interpolation: its filter, its constrained least squares, its short gaps."""

import numpy as np
import pytest
from scipy.optimize import lsq_linear, nnls
from scipy.signal import lfilter

from recover.audio import declip
from recover.core.errors import OutOfScopeError, ParameterError
from recover.frames import Dense, Identity
from recover.metrics import sdr_gain
from recover.models import Problem, Saturation
from recover.solve import Status, solve
from recover.solve.autoregressive import Autoregressive, prediction_filter
from recover.solve.one_sided_filter import interpolated

POLES = [0.97 * np.exp(0.3j), 0.97 * np.exp(-0.3j), 0.9 * np.exp(1.1j), 0.9 * np.exp(-1.1j)]
TRUE = np.real(np.poly(POLES))


def process(n=6000, seed=0):
    x = lfilter([1.0], TRUE, np.random.default_rng(seed).standard_normal(n + 500))[500:]
    return x / np.abs(x).max()


def test_the_filter_of_a_long_process_is_found():
    np.testing.assert_allclose(prediction_filter(process(100_000), 4, 0.0), TRUE, atol=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_the_least_squares_problem_is_solved_exactly(seed):
    rng = np.random.default_rng(seed)
    x = process(80, seed)
    y = np.clip(x, -0.3, 0.25)
    lower, upper = np.where(y <= -0.3, -np.inf, y), np.where(y >= 0.25, np.inf, y)
    taps = np.concatenate([[1.0], 0.4 * rng.standard_normal(3)])
    found = interpolated(y, taps, lower, upper)
    unknown = lower != upper
    assert np.array_equal(found[~unknown], y[~unknown])
    assert ((found >= lower) & (found <= upper)).all()
    rows = np.array([np.convolve(unit, taps, mode="valid") for unit in np.eye(80)]).T
    rest = -rows[:, ~unknown] @ y[~unknown]
    bounds = (lower[unknown], upper[unknown])
    peer = lsq_linear(rows[:, unknown], rest, bounds, method="bvls", tol=1e-14)
    np.testing.assert_allclose(found[unknown], peer.x, atol=1e-6)
    # Karush, Kuhn and Tucker: the slope vanishes off the bounds and points outwards at them
    slope = rows[:, unknown].T @ (rows @ found)
    free = (found[unknown] > bounds[0] + 1e-9) & (found[unknown] < bounds[1] - 1e-9)
    assert np.abs(slope[free]).max(initial=0.0) < 1e-9
    assert (slope[~free] * np.where(np.isfinite(bounds[0][~free]), 1, -1) >= -1e-9).all()


@pytest.mark.parametrize(("order", "level"), [(3, 0.1), (12, 0.4), (40, 0.4), (20, 0.3)])
def test_exchanging_sets_finds_what_a_dense_solver_finds(order, level):
    x = process(300)
    taps = prediction_filter(x, order, 1e-9)
    y = np.clip(x, -level, 1.5 * level)
    lower = np.where(y <= -level, -np.inf, y)
    upper = np.where(y >= 1.5 * level, np.inf, y)
    found = interpolated(y, taps, lower, upper)
    unknown = lower != upper
    rows = np.array([np.convolve(unit, taps, mode="valid") for unit in np.eye(300)]).T
    sign = np.where(np.isfinite(lower[unknown]), 1.0, -1.0)
    beyond, _ = nnls(rows[:, unknown] * sign, -rows @ y)
    np.testing.assert_allclose(found[unknown], y[unknown] + sign * beyond, atol=1e-8)
    assert not np.array_equal(found, y)


def test_samples_that_no_row_fixes_stay():
    taps = np.array([1.0, -0.5, 0.0])  # nothing reaches the first sample
    y = np.array([0.5, 0.2, -0.1, 0.3, 0.2, 0.1])
    upper = np.where(y >= 0.5, np.inf, y)
    assert np.array_equal(interpolated(y, taps, y, upper), y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_short_gaps_of_a_process_are_recovered(dtype):
    x = process().astype(dtype)
    model = Saturation(Identity(len(x)), -0.55, 0.5)
    problem = Problem(model, model(x))
    found = solve(problem, Autoregressive(order=8, window=512))
    assert found.status is Status.COMPLETED
    assert found.signal.dtype == dtype
    reliable = problem.knowledge.fixed
    assert np.array_equal(found.signal[reliable], x[reliable])
    assert np.array_equal(model(found.signal), problem.y)
    assert sdr_gain(x, problem.y, found.signal) > 8.0


def test_blocks_without_clipping_and_silence_stay():
    y = np.zeros(3000)
    y[100:110] = 0.5
    problem = Problem(Saturation(Identity(3000), None, 0.5), y)
    found = solve(problem, Autoregressive(order=4, window=64))
    assert np.array_equal(found.signal[y < 0.5], y[y < 0.5])
    assert (found.signal[100:110] >= 0.5).all()


def test_other_problems_are_refused():
    model = Saturation(Dense(np.eye(4)), -1.0, 1.0)
    with pytest.raises(OutOfScopeError, match="samples of one channel"):
        solve(Problem(model, np.zeros(4)), Autoregressive())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"order": 0}, "order must be >= 1"),
        ({"window": 64}, "more than twice the order"),
        ({"window": 101}, "window must be even"),
        ({"max_iter": 0}, "max_iter must be >= 1"),
        ({"tol": -1.0}, "tol must be finite"),
        ({"floor": np.nan}, "floor must be finite"),
    ],
)
def test_bad_parameters(change, message):
    with pytest.raises(ParameterError, match=message):
        Autoregressive(**change)


def test_a_recording_is_recovered_by_name():
    x = process(2000).astype(np.float32)
    y = np.clip(x, -0.5, 0.5)
    result = declip(y, 8000, method="Autoregressive", certify=False)
    assert result.stretches[0].method == "Autoregressive"
    assert np.array_equal(result.samples[np.abs(y) < 0.5], y[np.abs(y) < 0.5])
    assert sdr_gain(x, y, result.samples) > 3.0
