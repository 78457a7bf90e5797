"""Laws that every method found in the package obeys; a new method is picked up by its file."""

import dataclasses

import numpy as np
import pytest

import recover.models
import recover.solve
from recover.core.discovery import concrete_classes
from recover.core.errors import OutOfScopeError, ParameterError
from recover.frames import Dense, Fourier, Identity, Ptychography, Stack
from recover.models import Model, Modulus, Noise, Problem, Saturation
from recover.priors import Quadratic, Subspace
from recover.solve import Method, Progress, Status, choose, solve

METHODS = concrete_classes(recover.solve, Method)
MODELS = concrete_classes(recover.models, Model)
REPRODUCED = 1e-6  # of |y|, for data without noise and statuses that promise a solution
SOLVED = {Status.CONVERGED, Status.DIRECT, Status.COMPLETED}
# |x_{k+1} - x_k| of a non-expansive iteration, and the distance between two projected sets
NEVER_GROWS = {
    "AlternatingProjections",
    "FrameAlgorithm",
    "ReLUFrameAlgorithm",
    "SaturatedFrameAlgorithm",
}


def signal(frame, rng):
    x = 0.5 * rng.standard_normal(frame.signal_shape)
    return x if frame.real_signal else x + 0.5j * rng.standard_normal(frame.signal_shape)


def problems(method, rng):
    """Every model's sample, and the problems that need a prior or coordinate samples."""
    for name, cls in MODELS.items():
        model = cls.sample(rng)
        yield name, Problem(model, model(signal(model.frame, rng)))
    clip = Saturation(Dense(rng.standard_normal((20, 7))), -3.0, 3.0)
    basis = Dense(rng.standard_normal((3, 7)))
    inside = basis.synthesis(rng.standard_normal(3))
    yield "subspace", Problem(clip, clip(inside), prior=Subspace(basis))
    size = getattr(method, "frame", Identity(7)).signal_shape
    samples = Saturation(Identity(size), -0.4, 0.4)
    y = samples(signal(samples.frame, rng))
    yield "samples", Problem(samples, y)
    rows = Dense(rng.standard_normal((2 * y.size, y.size)))
    yield "samples with a prior", Problem(samples, y, prior=Quadratic(rows, 50.0))


def accepted(cls, seed=3):
    rng = np.random.default_rng(seed)
    method = cls.sample(rng)
    found = [p for _, p in problems(method, rng) if method.refuses(p) is None]
    if not found:  # designs of holograms take two planes only
        planes = Modulus(Stack([Identity(2, real_signal=False), Fourier(2)]))
        places = np.indices((4, 4)).reshape(2, -1).T
        window = np.random.default_rng(0).standard_normal((2, 3, 3))
        scan = Modulus(Ptychography((6, 6), window[0] + 1j * window[1], places))
        # and some methods take scans only
        found = [Problem(each, each(signal(each.frame, rng))) for each in (planes, scan)]
    return method, [p for p in found if method.refuses(p) is None]


each_method = pytest.mark.parametrize("cls", METHODS.values(), ids=METHODS.keys())


def test_the_contract_s_methods_are_found():
    assert {
        "AlternatingProjections",
        "Chebyshev",
        "ConjugateGradient",
        "ConsistentLeastSquares",
        "DualFrame",
        "FrameAlgorithm",
        "Obstacle",
        "OneSidedLeastSquares",
        "ReLUFrameAlgorithm",
        "RelaxedReflections",
        "SaturatedFrameAlgorithm",
        "SubspaceLeastSquares",
    } <= set(METHODS)


@each_method
def test_is_frozen_and_final(cls):
    assert dataclasses.is_dataclass(cls)
    assert cls.__dataclass_params__.frozen
    assert cls.__bases__ == (Method,)
    assert {"max_iter", "tol"} <= {f.name for f in dataclasses.fields(cls)}
    method = cls.sample(np.random.default_rng(0))
    assert {"max_iter", "tol"} <= {field.name for field in dataclasses.fields(method)}


@each_method
@pytest.mark.parametrize("seed", [3, 4, 5])
def test_reproduces_data_without_noise(cls, seed):
    method, tasks = accepted(cls, seed)
    assert tasks, "no sample problem is accepted: the laws cannot test this method"
    solved = 0
    for problem in tasks:
        found = solve(problem, method, rng=1)
        assert np.isfinite(found.signal).all()
        assert found.signal.shape == problem.model.frame.signal_shape
        if found.status in SOLVED:
            solved += 1
            gap = np.linalg.norm(problem.model(found.signal) - problem.y)
            assert gap <= REPRODUCED * np.linalg.norm(problem.y), type(problem.model).__name__
    assert 2 * solved >= len(tasks)


@each_method
def test_says_why_it_refuses(cls):
    rng = np.random.default_rng(3)
    method = cls.sample(rng)
    for name, problem in problems(method, rng):
        reason = method.refuses(problem)
        if reason is not None:
            assert len(reason) > 20, name
            assert "\n" not in reason
            with pytest.raises(OutOfScopeError, match=cls.__name__) as error:
                solve(problem, method)
            assert reason in str(error.value)


@each_method
def test_is_deterministic_and_changes_no_input(cls):
    method, tasks = accepted(cls)
    for problem in tasks:
        before = problem.y.copy()
        start = np.ones(problem.model.frame.signal_shape, dtype=problem.dtype)
        once = solve(problem, method, start=start, rng=7)
        again = solve(problem, method, start=start, rng=7)
        np.testing.assert_array_equal(once.signal, again.signal)
        np.testing.assert_array_equal(once.residuals, again.residuals)
        np.testing.assert_array_equal(start, np.ones_like(start))
        np.testing.assert_array_equal(problem.y, before)
        assert once.signal is not start


@each_method
def test_a_watch_that_returns_true_stops_it(cls):
    method, tasks = accepted(cls)
    seen: list[Progress] = []

    def stop(progress: Progress) -> bool:
        seen.append(progress)
        return True

    for problem in tasks:
        seen.clear()
        found = solve(problem, method, watch=stop)
        if found.residuals.size == 0:  # solved before the first step
            assert found.status in {Status.DIRECT, Status.CONVERGED}
            assert not seen
            continue
        assert [p.step for p in seen] == [1]
        assert seen[0].total == method.max_iter
        assert seen[0].value == found.residuals[0]
        assert found.status in {Status.STOPPED, Status.CONVERGED}
        assert np.isfinite(found.signal).all()


@each_method
def test_keeps_to_max_iter(cls):
    method, tasks = accepted(cls)
    short = dataclasses.replace(method, max_iter=2)
    statuses = set()
    for problem in tasks:
        found = solve(problem, short)
        assert found.residuals.size <= 2
        statuses.add(found.status)
    assert statuses <= {Status.MAX_ITER, Status.COMPLETED, Status.CONVERGED, Status.DIRECT}


@each_method
def test_single_precision_stays_single(cls):
    method, tasks = accepted(cls)
    for problem in tasks:
        single = Problem(
            problem.model,
            problem.y.astype(np.float32),
            prior=problem.prior,
            noise=Noise(each=1e-6),
        )
        if method.refuses(single) is not None:
            continue
        found = solve(single, method)
        assert found.signal.dtype == single.dtype
        assert found.signal.dtype in (np.float32, np.complex64)
        if found.status in SOLVED:
            gap = np.linalg.norm(problem.model(found.signal) - single.y)
            assert gap <= 1e-2 * np.linalg.norm(single.y)


@each_method
def test_residuals_never_grow_where_the_theory_says_so(cls):
    if cls.__name__ not in NEVER_GROWS:
        return
    method, tasks = accepted(cls)
    for problem in tasks:
        r = solve(problem, method, rng=2).residuals
        assert (np.diff(r) <= 1e-12 * r[:-1] + 1e-14).all(), type(problem.model).__name__


@each_method
def test_started_at_the_solution_it_stays_there(cls):
    rng = np.random.default_rng(11)
    method = cls.sample(rng)
    for name, model in MODELS.items():
        instance = model.sample(rng)
        x = signal(instance.frame, rng)
        problem = Problem(instance, instance(x))
        if method.refuses(problem) is None:
            found = solve(problem, method, start=x)
            assert instance.distance(found.signal, x) <= 1e-8 * np.linalg.norm(x), name
            assert found.residuals.size <= 2


@pytest.mark.parametrize("cls", MODELS.values(), ids=MODELS.keys())
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_default_method_solves_every_model(cls, seed):
    rng = np.random.default_rng(seed)
    model = cls.sample(rng)
    problem = Problem(model, model(signal(model.frame, rng)))
    method = choose(problem)
    assert method.refuses(problem) is None
    found = solve(problem, method, rng=seed)
    gap = np.linalg.norm(model(found.signal) - problem.y)
    assert gap <= REPRODUCED * np.linalg.norm(problem.y)


def test_a_wrong_start_is_refused():
    rng = np.random.default_rng(0)
    model = MODELS["ReLU"].sample(rng)
    problem = Problem(model, model(np.ones(3)))
    method = METHODS["ConjugateGradient"].sample(rng)
    for start in (np.ones(4), np.ones((2, 3)), np.ones(3) + 1j, np.array([1.0, np.nan, 0.0])):
        with pytest.raises(ParameterError, match="start"):
            solve(problem, method, start=start)
