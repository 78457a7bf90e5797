"""Retrieval from end to end, setup by setup, and what is said about it."""

import dataclasses

import numpy as np
import pytest

import recover as rv
from recover.core.errors import OutOfScopeError, ParameterError
from recover.phase.ambiguity import align, distances, trivial


def rows_and_signal(n, ratio, seed, *, real):
    rng = np.random.default_rng(seed)
    rows, x = rng.standard_normal((round(ratio * n), n)), rng.standard_normal(n)
    if real:
        return rows, x
    rows = (rows + 1j * rng.standard_normal(rows.shape)) / np.sqrt(2)
    return rows, x + 1j * rng.standard_normal(n)


def error(signal, truth):
    inner = np.vdot(signal, truth)
    return np.linalg.norm(signal * inner / abs(inner) - truth) / np.linalg.norm(truth)


def blob(shape):
    """A support without symmetry."""
    grids = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    radius = np.sqrt(sum(g**2 for g in grids))
    return radius < 0.7 + 0.2 * grids[0] + 0.15 * grids[-1] ** 2


def smooth(shape, rng):
    """A smooth positive object with values around 1."""
    from scipy.fft import irfftn, rfftn

    spectrum = rfftn(rng.standard_normal(shape))
    grids = np.meshgrid(
        *(np.fft.fftfreq(n) for n in shape[:-1]), np.fft.rfftfreq(shape[-1]), indexing="ij"
    )
    spectrum = spectrum / (0.05 + sum(g**2 for g in grids))
    x = irfftn(spectrum, s=shape)
    return 1.0 + 0.5 * x / np.abs(x).max()


@pytest.mark.parametrize(
    ("real", "ratio"), [(True, 1.6), (True, 3.0), (False, 2.6), (False, 4)]
)
@pytest.mark.parametrize("seed", [0, 1])
def test_gaussian_rows(real, ratio, seed):
    rows, x = rows_and_signal(48, ratio, seed, real=real)
    found = rv.phase.retrieve(np.abs(rows @ x), rv.frames.Dense(rows), rng=seed)
    assert error(found.signal, x) <= 1e-6
    assert found.status is rv.Status.CONVERGED
    assert found.signal.dtype == (np.float64 if real else np.complex128)
    assert found.certificate.finite
    problem = rv.Problem(rv.Modulus(rv.frames.Dense(rows)), np.abs(rows @ x))
    assert problem.model.distance(found.signal, x) <= found.error_bound
    assert rv.verify(found.certificate, problem).accepted
    np.testing.assert_allclose(found.fitted, found.magnitudes, atol=1e-7)


@pytest.mark.parametrize("kind", ["octanary", "random_phases"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_coded_diffraction(kind, dtype):
    rng = np.random.default_rng(5)
    frame = getattr(rv.frames.CodedDiffraction, kind)((32, 32), 4, rng)
    x = smooth((32, 32), rng) * np.exp(1j * smooth((32, 32), rng))
    y = np.abs(frame.analysis(x)).astype(dtype)
    found = rv.phase.retrieve(y, frame)
    assert error(found.signal, x) <= (1e-5 if dtype == np.float32 else 1e-7)
    assert found.signal.dtype == (np.complex64 if dtype == np.float32 else np.complex128)
    assert found.error_bound < np.inf


def test_bad_pixels_are_left_out():
    rng = np.random.default_rng(6)
    whole = rv.frames.CodedDiffraction.octanary((16, 16), 5, rng)
    frame = rv.frames.Masked(whole, rng.random(whole.coef_shape) > 0.05)
    x = smooth((16, 16), rng) + 0.3j * smooth((16, 16), rng)
    found = rv.phase.retrieve(np.abs(frame.analysis(x)), frame, certify=False)
    assert error(found.signal, x) <= 1e-6


@pytest.mark.parametrize("shape", [(24, 24), (12, 12, 12)])
def test_fourier_magnitudes_of_a_nonnegative_object(shape):
    rng = np.random.default_rng(7)
    mask = blob(shape)
    x = smooth(shape, rng) * rng.random(shape) * mask
    frame = rv.frames.Fourier(shape, 2, real_signal=True, one_sided=True)
    support = rv.Support(mask, nonnegative=True)
    y = np.abs(frame.analysis(x))
    found = rv.phase.retrieve(y, frame, domain=support, certify=False)
    problem = rv.Problem(rv.Modulus(frame), y, domain=support)
    assert np.linalg.norm(align(problem, found.signal, x) - x) <= 1e-5 * np.linalg.norm(x)
    assert (found.signal >= 0.0).all()
    assert not found.signal[~mask].any()
    np.testing.assert_array_equal(found.support, mask)


def test_fourier_magnitudes_of_a_complex_object():
    rng = np.random.default_rng(8)
    shape, mask = (32, 32), blob((32, 32))
    x = mask * smooth(shape, rng) * np.exp(2j * rng.random(shape))
    frame, support = rv.frames.Fourier(shape, 2), rv.Support(mask)
    y = np.abs(frame.analysis(x))
    found = rv.phase.retrieve(y, frame, domain=support, restarts=3, certify=False)
    problem = rv.Problem(rv.Modulus(frame), y, domain=support)
    assert np.linalg.norm(align(problem, found.signal, x) - x) <= 1e-4 * np.linalg.norm(x)
    assert found.restarts.agreeing >= 2
    assert found.restarts.rivals == 0


def test_a_beam_stop():
    rng = np.random.default_rng(9)
    shape, mask = (32, 32), blob((32, 32))
    x = smooth(shape, rng) * rng.random(shape) * mask
    whole = rv.frames.Fourier(shape, 2, real_signal=True, one_sided=True)
    keep = np.ones(whole.coef_shape, dtype=bool)
    keep[:2, :2] = keep[-1:, :2] = False
    frame, support = rv.frames.Masked(whole, keep), rv.Support(mask, nonnegative=True)
    y = np.abs(frame.analysis(x))
    found = rv.phase.retrieve(y, frame, domain=support, certify=False)
    problem = rv.Problem(rv.Modulus(frame), y, domain=support)
    assert np.linalg.norm(align(problem, found.signal, x) - x) <= 1e-3 * np.linalg.norm(x)


def test_planes_at_several_distances():
    rng = np.random.default_rng(10)
    shape = (24, 24)
    x = smooth(shape, rng) * np.exp(2j * smooth(shape, rng))
    frame = rv.frames.Fresnel(shape, 500e-9, 2e-6, [2e-3, 5e-3, 1e-2, 2e-2])
    y = np.abs(frame.analysis(x))
    found = rv.phase.retrieve(y, frame)
    assert error(found.signal, x) <= 1e-6
    assert found.error_bound < np.inf


def test_two_planes():
    rng = np.random.default_rng(11)
    shape = (8, 8)
    x = (0.2 + rng.random(shape)) * np.exp(2j * np.pi * rng.random(shape))
    frame = rv.frames.Stack(
        [rv.frames.Identity(shape, real_signal=False), rv.frames.Fourier(shape)]
    )
    found = rv.phase.retrieve(np.abs(frame.analysis(x)), frame, certify=False)
    assert found.residual <= 1e-3  # at the limit of what can be known, and ill-conditioned
    assert "252 would do" in found.notes[0]


def test_a_start_is_honoured():
    rows, x = rows_and_signal(40, 6, 3, real=False)
    frame = rv.frames.Dense(rows)
    found = rv.phase.retrieve(np.abs(rows @ x), frame, start=x, certify=False)
    assert found.residuals.size == 0
    assert np.linalg.norm(found.signal - x) <= 1e-12 * np.linalg.norm(x)
    method = rv.methods.HybridInputOutput(max_iter=5)
    near = x * (1 + 1e-5)
    found = rv.phase.retrieve(np.abs(rows @ x), frame, start=near, method=method, certify=False)
    assert np.linalg.norm(found.signal - x) <= 1e-3 * np.linalg.norm(x)


def test_the_same_seed_gives_the_same_bits():
    rows, x = rows_and_signal(48, 2.4, 4, real=False)
    frame, y = rv.frames.Dense(rows), np.abs(rows @ x)
    once = rv.phase.retrieve(y, frame, rng=3, certify=False)
    again = rv.phase.retrieve(y, frame, rng=3, certify=False)
    np.testing.assert_array_equal(once.signal, again.signal)
    np.testing.assert_array_equal(once.residuals, again.residuals)


def test_restarts_that_disagree_are_reported():
    # a phase at each end of a line of two blocks: no magnitude sees their relative phase
    rng = np.random.default_rng(12)
    block = rng.standard_normal((10, 3)) + 1j * rng.standard_normal((10, 3))
    rows = np.kron(np.eye(2), block)
    x = rng.standard_normal(6) + 1j * rng.standard_normal(6)
    found = rv.phase.retrieve(np.abs(rows @ x), rv.frames.Dense(rows), restarts=6, rng=1)
    assert found.restarts.rivals > 0
    assert any("found something else" in note for note in found.notes)
    assert found.restarts.distances.shape == (6, 6)
    np.testing.assert_allclose(found.restarts.distances, found.restarts.distances.T)
    assert not np.isfinite(found.sensitivity).any()  # each entry turns with its block


def test_restarts_that_agree():
    rows, x = rows_and_signal(30, 6, 5, real=True)
    found = rv.phase.retrieve(np.abs(rows @ x), rv.frames.Dense(rows), restarts=5)
    assert found.restarts.rivals == 0
    assert found.restarts.agreeing >= 2
    assert found.restarts.residuals.shape == (5,)


def test_a_watch_stops_with_what_there_is():
    rows, x = rows_and_signal(40, 3, 6, real=False)
    steps = []

    def watch(progress):
        steps.append(progress.step)
        return len(steps) == 4

    found = rv.phase.retrieve(np.abs(rows @ x), rv.frames.Dense(rows), watch=watch)
    assert found.status is rv.Status.STOPPED
    assert steps == [1, 2, 3, 4]
    assert np.isfinite(found.signal).all()


def test_a_result_is_saved_and_loaded(tmp_path):
    rows, x = rows_and_signal(24, 5, 7, real=False)
    found = rv.phase.retrieve(np.abs(rows @ x), rv.frames.Dense(rows))
    found.save(tmp_path / "r.npz")
    again = rv.phase.PhaseResult.load(tmp_path / "r.npz")
    for field in dataclasses.fields(found):
        mine, theirs = getattr(found, field.name), getattr(again, field.name)
        if isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, theirs)
            assert mine.dtype == theirs.dtype
        elif field.name in {"status", "trivial", "notes", "method"}:
            assert mine == theirs
    assert again.certificate.to_data() == found.certificate.to_data()
    np.testing.assert_array_equal(found.restarts.distances, again.restarts.distances)
    np.savez(tmp_path / "x.npz", x=np.ones(3))
    with pytest.raises(rv.RecoverError):
        rv.phase.PhaseResult.load(tmp_path / "x.npz")


def test_what_is_trivial_is_stated():
    mask = np.zeros((8, 8), dtype=bool)
    mask[1:5, 1:6] = True
    frame = rv.frames.Fourier((8, 8), 2)
    full = mask * (1.0 + 0.0j)
    problem = rv.Problem(
        rv.Modulus(frame), np.abs(frame.analysis(full)), domain=rv.Support(mask)
    )
    said = trivial(problem, full)
    assert any("phase" in each for each in said)
    assert not any("shift" in each for each in said)
    assert any("flip" in each for each in said)
    small = full.copy()
    small[1] = 0.0
    assert any("shift" in each for each in trivial(problem, small))
    real = rv.frames.Fourier((8, 8), 2, real_signal=True)
    tight = rv.Support(np.tri(8, dtype=bool), nonnegative=True)
    problem = rv.Problem(rv.Modulus(real), np.abs(real.analysis(full.real)), domain=tight)
    assert trivial(problem, 1.0 * tight.mask) == ()


def test_equivalent_objects_are_at_distance_zero():
    rng = np.random.default_rng(13)
    frame = rv.frames.Fourier((9, 12), 2)
    x = np.zeros((9, 12), dtype=complex)
    x[2:6, 1:8] = rng.standard_normal((4, 7)) + 1j * rng.standard_normal((4, 7))
    shifted = np.roll(x, (2, 3), axis=(0, 1)) * np.exp(0.7j)
    flipped = np.conj(np.flip(x))
    other = np.roll(x, 1, axis=0) + 0.5 * x
    problem = rv.Problem(rv.Modulus(frame), np.abs(frame.analysis(x)))
    for same in (shifted, flipped):
        np.testing.assert_allclose(
            np.abs(frame.analysis(same)), np.abs(frame.analysis(x)), atol=1e-12
        )
    apart = distances(problem, np.stack([x, shifted, flipped, other]))
    assert apart[:3, :3].max() <= 1e-12
    assert apart[3, :3].min() >= 0.1


def test_a_method_by_name_and_one_that_does_not_apply():
    rows, x = rows_and_signal(20, 6, 8, real=True)
    frame, y = rv.frames.Dense(rows), np.abs(rows @ x)
    found = rv.phase.retrieve(y, frame, method="RelaxedReflections", certify=False)
    assert found.method == "RelaxedReflections"
    assert error(found.signal, x) <= 1e-6
    with pytest.raises(OutOfScopeError, match="ConjugateGradient"):
        rv.phase.retrieve(y, frame, method="ConjugateGradient")
    with pytest.raises(ParameterError, match="restarts"):
        rv.phase.retrieve(y, frame, restarts=0)


def test_shrink_wrap_finds_the_support():
    rng = np.random.default_rng(2)
    shape, inside = (48, 48), np.zeros((48, 48), dtype=bool)
    inside[12:36, 10:34] = blob((24, 24))
    x = smooth(shape, rng) * inside
    frame = rv.frames.Fourier(shape, 2, real_signal=True, one_sided=True)
    loose = rv.Support(np.ones(shape, dtype=bool), nonnegative=True)
    y = np.abs(frame.analysis(x))
    problem = rv.Problem(rv.Modulus(frame), y, domain=loose)
    errors = {}
    for method in (rv.methods.ShrinkWrap(max_iter=2000), rv.methods.HybridInputOutput()):
        found = rv.phase.retrieve(y, frame, domain=loose, method=method, certify=False, rng=2)
        gap = np.linalg.norm(align(problem, found.signal, x) - x)
        errors[found.method] = gap / np.linalg.norm(x)
    assert errors["ShrinkWrap"] <= 1e-7
    assert errors["HybridInputOutput"] >= 1e-2  # the loose support alone does not do


def test_noisy_fourier_magnitudes():
    rng = np.random.default_rng(4)  # all four starts find this object: no matter of luck
    shape, mask = (24, 24), blob((24, 24))
    x = smooth(shape, rng) * rng.random(shape) * mask
    frame = rv.frames.Fourier(shape, 2, real_signal=True, one_sided=True)
    support = rv.Support(mask, nonnegative=True)
    exact = np.abs(frame.analysis(x))
    sigma = 0.02 * np.sqrt(np.mean(exact**2))
    y = np.maximum(exact + sigma * rng.standard_normal(exact.shape), 0.0)
    noise = rv.Noise.gaussian(sigma)
    found = rv.phase.retrieve(y, frame, domain=support, noise=noise, certify=False)
    assert found.status is rv.Status.CONVERGED
    assert found.restarts.agreeing >= 3
    assert found.restarts.rivals == 0
    problem = rv.Problem(rv.Modulus(frame), y, domain=support)
    expected = sigma * rv.phase.sensitivity(problem, x).total
    assert np.linalg.norm(align(problem, found.signal, x) - x) <= 1.5 * expected


def test_averaged_reflections_and_the_difference_map_solve_what_feedback_solves():
    rng = np.random.default_rng(4)
    shape, mask = (16, 16), blob((16, 16))
    x = smooth(shape, rng) * rng.random(shape) * mask
    frame = rv.frames.Fourier(shape, 2, real_signal=True, one_sided=True)
    support = rv.Support(mask, nonnegative=True)
    y = np.abs(frame.analysis(x))
    problem = rv.Problem(rv.Modulus(frame), y, domain=support)
    for name in ("HybridInputOutput", "RelaxedAveragedReflections", "DifferenceMap"):
        found = rv.phase.retrieve(
            y, frame, domain=support, method=name, restarts=None, certify=False
        )
        gap = np.linalg.norm(align(problem, found.signal, x) - x)
        assert gap <= 1e-6 * np.linalg.norm(x), name
