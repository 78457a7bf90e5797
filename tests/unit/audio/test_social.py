"""The two declippers against definitions written out directly, and what they refuse."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recover.core.errors import OutOfScopeError, ParameterError
from recover.frames import Boundary, Dense, Gabor, Identity
from recover.metrics import sdr_gain
from recover.models import Modulus, Noise, Problem, ReLU, Saturation
from recover.solve.base import Status
from recover.solve.consistent import SampleBox
from recover.solve.loop import solve
from recover.solve.shrinkage import PersistentShrinkage
from recover.solve.social import SocialSparsity
from recover.solve.spade import AnalysisSPADE, keep_largest
from recover.solve.splitting import FrameSplitting, GaborSplitting


def tones(n=4000, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    return sum(
        a * np.sin(2 * np.pi * f * t + p)
        for a, f, p in zip([1, 0.6, 0.4], [0.011, 0.031, 0.072], rng.random(3) * 6, strict=True)
    )


def clipped(x, low=-0.7, high=0.9, dtype=np.float64, **options):
    y = np.clip(x, low, high).astype(dtype)
    low, high = float(dtype(low)), float(dtype(high))
    return Problem(Saturation(Identity(len(x)), low, high), y, **options)


def gabor(n, size=512, boundary=Boundary.ZERO_PADDED):
    return Gabor.hann(n, size, size // 4, boundary=boundary, tight=True)


def methods(n):
    return [SocialSparsity(gabor(n), max_iter=40), AnalysisSPADE(gabor(n))]


# --- the shrinkage against its definition ----------------------------------------------------
def mirrored(i, n):
    i = abs(i)
    return 2 * (n - 1) - i if i >= n else i


def slow_remainder(v, extent, threshold):
    """``min(1, t^2 / E)`` entry by entry."""
    half = [min(e // 2, s - 1) for e, s in zip(extent, v.shape, strict=True)]
    weights = np.ones(2 * half[0] + 1)
    if extent[0] == 2 * half[0]:
        weights[[0, -1]] = 0.5
    out = np.empty(v.shape)
    for place in np.ndindex(v.shape):
        box = [
            [mirrored(p + d, s) for d in range(-h, h + 1)]
            for p, h, s in zip(place, half, v.shape, strict=True)
        ]
        rows = np.abs(v[np.ix_(*box)]) ** 2
        energy = np.average(rows.reshape(len(weights), -1).mean(axis=1), weights=weights)
        out[place] = 1.0 if energy <= threshold**2 else threshold**2 / energy
    return out


@pytest.mark.parametrize(
    ("shape", "extent"),
    [
        ((9,), (3,)), ((9, 6), (7, 3)), ((5, 4), (5, 1)), ((40, 3), (3, 3)), ((2, 5), (7, 5)),
        ((1, 4), (7, 3)), ((6, 5, 4), (3, 5, 3)), ((100, 1), (9, 3)), ((12, 5), (4, 3)),
        ((2, 5), (4, 3)), ((7, 9), (6, 7)), ((3, 2), (2, 3)),
    ],
)  # fmt: skip
def test_shrinkage_is_its_definition(shape, extent):
    rng = np.random.default_rng(1)
    v = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    shrink = PersistentShrinkage(shape, extent, np.float64)
    found, done = np.empty(shape), 0
    for start, stop, ahead in shrink.strips():
        if ahead > done:
            shrink.absorb(v[done:ahead], done)
            done = ahead
        found[start:stop] = shrink.remainder(start, stop, 1.2)
    assert done == shape[0]
    full = (*extent, *(1,) * (len(shape) - len(extent)))
    assert np.allclose(found, slow_remainder(v, full, 1.2), rtol=1e-12)


def test_shrinkage_in_several_strips(monkeypatch):
    import recover.solve.shrinkage as module

    monkeypatch.setattr(module, "_STRIP", 16)
    test_shrinkage_is_its_definition((23, 4), (7, 3))
    test_shrinkage_is_its_definition((61, 3), (9, 3))
    test_shrinkage_is_its_definition((61, 3), (4, 3))


# --- the splittings --------------------------------------------------------------------------
@pytest.mark.parametrize("boundary", list(Boundary))
@pytest.mark.parametrize(("size", "hop", "channels"), [(16, 4, 16), (15, 5, 17), (12, 5, 20)])
def test_strips_equal_whole_arrays(boundary, size, hop, channels, monkeypatch):
    import recover.solve.shrinkage as module

    monkeypatch.setattr(module, "_STRIP", 64)
    window = 0.1 + np.hanning(size)
    frame = Gabor(203, window, hop, channels, boundary=boundary, tight=True)
    fast = GaborSplitting(frame, (5, 3), np.float64)
    slow = FrameSplitting(frame, (5, 3), np.float64)
    rng = np.random.default_rng(2)
    for threshold in (2.0, 1.0, 0.3):
        x = rng.standard_normal(203)
        a, b = fast.advance(x, threshold), slow.advance(x, threshold)
        assert np.linalg.norm(a - b) <= 1e-13 * np.linalg.norm(b)


def textbook_social(method, y, project):
    """The iteration as its docstring states it, with whole arrays and no shortcuts."""
    frame, n = method.frame, len(y)
    peak = np.abs(frame.analysis(y)).max()
    x = project(np.where(project(10 * y) != y, method.overshoot * y, y))
    previous, u = x, 0.0
    ratio = method.last / method.first
    for i in range(method.max_iter):
        t = peak * method.first * ratio ** (i / (method.max_iter - 1))
        v = frame.analysis(x + method.momentum * (x - previous)) + u
        extent = (*method.neighbourhood, *(1,) * (v.ndim - len(method.neighbourhood)))
        z = v * (1 - slow_remainder(v, extent, t))
        u = v - z
        x, previous = project(frame.synthesis(z - u)), x
    assert x.shape == (n,)
    return x


@pytest.mark.parametrize("kind", ["dense", "gabor"])
def test_social_sparsity_is_its_definition(kind):
    x = tones(60)
    problem = clipped(x)
    if kind == "gabor":
        frame = gabor(60, 16)
    else:
        q, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((90, 60)))
        frame = Dense(q)
    extent = (3, 3) if kind == "gabor" else (3,)
    method = SocialSparsity(frame, max_iter=6, neighbourhood=extent, single=False)
    expected = textbook_social(method, problem.y, lambda v: problem.model.project(v, problem.y))
    found = solve(problem, method)
    assert found.status is Status.COMPLETED
    assert len(found.residuals) == 6
    assert np.allclose(found.signal, expected, rtol=0, atol=1e-12)


def test_a_tight_frame_of_another_bound_gives_the_same():
    x = tones(60)
    problem = clipped(x)
    q, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((90, 60)))
    for method in (
        SocialSparsity(Dense(q), max_iter=9, neighbourhood=(3,), single=False),
        AnalysisSPADE(Dense(q), max_iter=9, single=False),
    ):
        scaled = dataclasses.replace(method, frame=Dense(3.0 * q))
        one, two = solve(problem, method).signal, solve(problem, scaled).signal
        assert np.allclose(one, two, rtol=0, atol=1e-12)


def test_spade_keeps_one_more_then_grows_geometrically():
    method = AnalysisSPADE(gabor(9000, 4096), growth=1.05)
    kept = [method.kept(step) for step in range(200)]
    assert kept[:20] == list(range(1, 21))
    ratios = np.array(kept[60:110]) / np.array(kept[59:109])
    assert abs(ratios.mean() - 1.05) < 2e-3
    assert kept[-1] == 2049  # all bins
    assert AnalysisSPADE(gabor(64, 16)).kept(50) == 9


def test_keep_largest():
    v = np.array([[3 + 4j, 1, -2], [0, 0.5, -0.25]])
    assert np.array_equal(keep_largest(v, 1), [[3 + 4j, 0, 0], [0, 0.5, 0]])
    assert np.array_equal(keep_largest(v, 3), v)


# --- what every result must satisfy ----------------------------------------------------------
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(8, 300),
    low=st.floats(0.05, 0.9) | st.none(),
    high=st.floats(0.05, 0.9),
    dtype=st.sampled_from([np.float32, np.float64]),
    exponent=st.integers(-60, 60),
)
@settings(max_examples=60, deadline=None)
def test_reliable_samples_are_exact_and_clipped_ones_beyond(
    seed, n, low, high, dtype, exponent
):
    x = np.random.default_rng(seed).standard_normal(n) * 2.0**exponent
    top = dtype(high * np.abs(x).max())
    bottom = None if low is None else -dtype(low * np.abs(x).max())
    y = np.clip(x.astype(dtype), bottom, top)
    problem = Problem(
        Saturation(Identity(n), None if low is None else float(bottom), float(top)), y
    )
    for method in (
        SocialSparsity(gabor(n, 16), max_iter=5, neighbourhood=(3, 3)),
        AnalysisSPADE(gabor(n, 16), max_iter=5),
    ):
        r = solve(problem, method).signal
        assert r.dtype == dtype
        reliable = y < top if low is None else (y < top) & (y > bottom)
        assert np.array_equal(r[reliable], y[reliable])
        assert (r[y >= top] >= top).all()
        if low is not None:
            assert (r[y <= bottom] <= bottom).all()


@pytest.mark.parametrize("which", [0, 1])
def test_tones_are_recovered(which):
    x = tones()
    problem = clipped(x)
    method = methods(len(x))[which]
    solution = solve(problem, method)
    assert sdr_gain(x, problem.y, solution.signal) > (20.0, 11.0)[which]
    assert solution.residuals[-1] < 0.05


@pytest.mark.parametrize("which", [0, 1])
def test_scale_by_a_power_of_two_changes_nothing(which):
    x = tones(1000)
    method = methods(1000)[which]
    one = solve(clipped(x), method).signal
    scaled = solve(clipped(2.0**40 * x, -0.7 * 2.0**40, 0.9 * 2.0**40), method).signal
    assert np.array_equal(scaled, 2.0**40 * one)


def test_per_sample_levels_and_a_noise_bound():
    x = tones(1000)
    low, high = np.full(1000, -0.7), np.linspace(0.5, 1.0, 1000)
    y = np.clip(x, low, high)
    noisy = y + np.clip(0.01 * np.random.default_rng(0).standard_normal(1000), -0.02, 0.02)
    problem = Problem(
        Saturation(Identity(1000), low, high),
        np.clip(noisy, low - 0.02, high + 0.02),
        noise=Noise(each=0.02),
    )
    r = solve(problem, SocialSparsity(gabor(1000), max_iter=60)).signal
    known = problem.knowledge
    assert (r >= known.lower - 1e-15).all()
    assert (r <= known.upper + 1e-15).all()
    assert np.linalg.norm(r - x) < 0.5 * np.linalg.norm(y - x)


def test_the_peak_sets_the_thresholds():
    x = tones(1000)
    problem = clipped(4.0 * x, -2.8, 3.6)
    method = SocialSparsity(gabor(1000), max_iter=20)
    own = np.abs(method.frame.analysis(problem.y)).max()
    same = solve(problem, dataclasses.replace(method, peak=float(own))).signal
    np.testing.assert_allclose(same, solve(problem, method).signal, rtol=0, atol=1e-5)
    other = solve(problem, dataclasses.replace(method, peak=3.0 * float(own))).signal
    scaled = dataclasses.replace(method, first=0.3, last=1.5e-3)
    np.testing.assert_allclose(other, solve(problem, scaled).signal, rtol=0, atol=1e-5)


def test_start_is_used():
    x = tones(1000)
    problem = clipped(x)
    method = SocialSparsity(gabor(1000), max_iter=1)
    near = solve(problem, method, start=x).signal
    far = solve(problem, method).signal
    assert np.linalg.norm(near - x) < np.linalg.norm(far - x)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("y", [np.zeros(64), np.linspace(-0.5, 0.5, 64)])
def test_nothing_clipped_or_silent(which, y):
    problem = Problem(Saturation(Identity(64), -1.0, 1.0), y)
    solution = solve(problem, methods(64)[which])
    assert np.array_equal(solution.signal, y)
    assert solution.status is Status.COMPLETED
    assert len(solution.residuals) == 0


def test_stopping_keeps_the_last_iterate():
    x = tones(1000)
    problem = clipped(x)
    solution = solve(problem, methods(1000)[0], watch=lambda progress: progress.step == 3)
    assert solution.status is Status.STOPPED
    assert len(solution.residuals) == 3
    reliable = problem.knowledge.fixed
    assert np.array_equal(solution.signal[reliable], problem.y[reliable])


# --- refusals --------------------------------------------------------------------------------
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (Problem(ReLU(Identity(64)), np.ones(64)), "saturated samples, not ReLU"),
        (Problem(Modulus(Identity(64)), np.ones(64)), "saturated samples, not Modulus"),
        (Problem(Saturation(Dense(np.eye(64))), np.zeros(64)), "an Identity frame"),
        (Problem(Saturation(Identity(32)), np.zeros(32)), r"shape \(64,\), not \(32,\)"),
    ],
)
def test_refuses(which, problem, message):
    with pytest.raises(OutOfScopeError, match=message):
        solve(problem, methods(64)[which])


def test_refuses_a_frame_that_is_not_tight():
    frame = Dense(np.random.default_rng(0).standard_normal((12, 8)))
    problem = Problem(Saturation(Identity(8)), np.zeros(8))
    for method in (SocialSparsity(frame, neighbourhood=(1,)), AnalysisSPADE(frame)):
        with pytest.raises(OutOfScopeError, match="must be tight"):
            solve(problem, method)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_iter": 0}, "max_iter must be >= 1"),
        ({"first": 0.1, "last": 0.2}, "thresholds must satisfy"),
        ({"last": 0.0}, "thresholds must satisfy"),
        ({"neighbourhood": (3, 4)}, "odd ones after the first"),
        ({"neighbourhood": (0, 3)}, "sizes >= 1"),
        ({"neighbourhood": (3, 3, 3)}, "more axes"),
        ({"momentum": 1.0}, "momentum must lie"),
        ({"overshoot": 0.5}, "overshoot must be"),
        ({"peak": 0.0}, "peak must be positive"),
    ],
)
def test_bad_parameters_of_social_sparsity(options, message):
    with pytest.raises(ParameterError, match=message):
        SocialSparsity(gabor(64, 16), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_iter": 0}, "max_iter must be >= 1"),
        ({"tol": -1.0}, "tol must be"),
        ({"growth": 1.0}, "growth must be"),
        ({"overshoot": 0.0}, "overshoot must be"),
    ],
)
def test_bad_parameters_of_spade(options, message):
    with pytest.raises(ParameterError, match=message):
        AnalysisSPADE(gabor(64, 16), **options)


def test_sample_box_is_exact_in_working_units():
    problem = clipped(tones(500), dtype=np.float32)
    box = SampleBox.of(problem, single=True)
    assert 1.0 <= np.abs(box.y).max() < 2.0
    assert np.array_equal(box.y * np.float32(box.scale), problem.y)
    assert np.array_equal(box.lower == box.upper, problem.knowledge.fixed)
