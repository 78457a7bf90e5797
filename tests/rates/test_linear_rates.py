"""Measured rates of the linear methods against those that their theory predicts."""

import itertools
import math

import numpy as np
import pytest

from recover.frames import Dense
from recover.models import Problem, ReLU, Saturation
from recover.solve import Chebyshev, ConjugateGradient, FrameAlgorithm

WITHIN = 0.1  # of the predicted rate (of the logarithm of the error per step)


def rows_with(eigenvalues, m, rng):
    """Return m rows whose frame operator has exactly these eigenvalues."""
    n = eigenvalues.size
    u, _ = np.linalg.qr(rng.standard_normal((m, n)))
    v, _ = np.linalg.qr(rng.standard_normal((n, n)))
    return u @ (np.sqrt(eigenvalues)[:, None] * v)


def errors(problem, method, x, steps, norm=np.linalg.norm):
    state = method.init(problem, None, np.random.default_rng(0))
    out = [norm(method.signal(problem, state) - x)]
    for _ in range(steps):
        state = method.step(problem, state)
        out.append(norm(method.signal(problem, state) - x))
    return np.array(out) / out[0]


def decay(e, high=1e-3, low=1e-9):
    """Return the error's factor per step, fitted between two levels."""
    inside = np.flatnonzero((e < high) & (e > low))
    slope = np.polyfit(inside, np.log(e[inside]), 1)[0]
    return math.exp(slope)


def frame_rate(a, b):
    return (b - a) / (b + a)


def fast_rate(a, b):
    root = math.sqrt(b / a)
    return (root - 1) / (root + 1)


def close(measured, predicted):
    return abs(math.log(measured) / math.log(predicted) - 1) <= WITHIN


def linear_problem(rows, rng):
    x = rng.standard_normal(rows.shape[1])
    return Problem(Saturation(Dense(rows), None, None), rows @ x), x


@pytest.mark.parametrize("condition", [4.0, 30.0, 200.0])
def test_frame_algorithm_and_chebyshev_on_a_known_spectrum(condition):
    rng = np.random.default_rng(int(condition))
    a, b = 0.7, 0.7 * condition
    rows = rows_with(np.linspace(a, b, 40), 90, rng)
    problem, x = linear_problem(rows, rng)
    steps = int(25 / -math.log(frame_rate(a, b)))
    assert close(decay(errors(problem, FrameAlgorithm(), x, steps)), frame_rate(a, b))
    steps = int(25 / -math.log(fast_rate(a, b)))
    assert close(decay(errors(problem, Chebyshev(), x, steps)), fast_rate(a, b))


@pytest.mark.parametrize("condition", [30.0, 200.0])
def test_chebyshev_obeys_its_bound_at_every_step(condition):
    rng = np.random.default_rng(5)
    rows = rows_with(np.linspace(1.0, condition, 30), 60, rng)
    problem, x = linear_problem(rows, rng)
    e = errors(problem, Chebyshev(spectrum=(1.0, condition)), x, 60)
    q = fast_rate(1.0, condition)
    k = np.arange(61)
    assert (e <= 2 * q**k / (1 + q ** (2 * k)) * (1 + 1e-9) + 1e-14).all()


@pytest.mark.parametrize("condition", [30.0, 200.0])
def test_conjugate_gradients_on_a_spectrum_that_hides_nothing(condition):
    # Chebyshev nodes of [A, B] are the spectrum on which conjugate gradients are slowest
    n = 300
    nodes = (1 - np.cos(math.pi * (np.arange(n) + 0.5) / n)) / 2
    eigenvalues = 1.0 + (condition - 1.0) * nodes
    rng = np.random.default_rng(9)
    rows = rows_with(eigenvalues, 400, rng)
    problem, x = linear_problem(rows, rng)
    a, b = eigenvalues[0], eigenvalues[-1]

    def energy(v):
        return np.linalg.norm(rows @ v)

    steps = int(25 / -math.log(fast_rate(a, b)))
    e = errors(problem, ConjugateGradient(), x, steps, energy)
    assert close(decay(e), fast_rate(a, b))
    q = fast_rate(a, b)
    k = np.arange(steps + 1)
    assert (e <= 2 * q**k + 1e-12).all()
    assert (np.diff(e) <= 1e-14).all()


def test_a_tight_frame_is_solved_in_one_step():
    rng = np.random.default_rng(1)
    rows = rows_with(np.full(8, 3.0), 20, rng)
    problem, x = linear_problem(rows, rng)
    for method in (FrameAlgorithm(), Chebyshev(), ConjugateGradient()):
        assert errors(problem, method, x, 1)[1] <= 1e-11


@pytest.mark.parametrize(("n", "m"), [(50, 400), (50, 200), (200, 1600)])
def test_random_relu_layers_decay_as_their_active_rows_predict(n, m):
    rng = np.random.default_rng(n + m)
    rows = rng.standard_normal((m, n))
    x = rng.standard_normal(n)
    model = ReLU(Dense(rows))
    problem = Problem(model, model(x))
    spectrum = np.linalg.eigvalsh(rows[rows @ x > 0].T @ rows[rows @ x > 0])
    a, b = float(spectrum[0]), float(spectrum[-1])
    steps = int(24 / -math.log(frame_rate(a, b)))
    e = errors(problem, FrameAlgorithm(), x, steps)
    assert close(decay(e, 1e-6, 1e-10), frame_rate(a, b))
    steps = int(26 / -math.log(fast_rate(a, b)))
    assert close(decay(errors(problem, Chebyshev(), x, steps)), fast_rate(a, b))
    counts = [
        int(np.argmax(errors(problem, method, x, steps) < 1e-8))
        for method in (Chebyshev(), ConjugateGradient())
    ]
    assert 0 < counts[1] <= counts[0]


def test_relaxation_beyond_two_over_b_diverges():
    rng = np.random.default_rng(2)
    problem, x = linear_problem(rows_with(np.linspace(1.0, 4.0, 6), 12, rng), rng)
    e = errors(problem, FrameAlgorithm(relaxation=2.1 / 4.0), x, 60)
    rate = [b / a for a, b in itertools.pairwise(e[-10:])]
    np.testing.assert_allclose(rate, 1.1, rtol=1e-3)
