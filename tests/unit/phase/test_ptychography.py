"""Ptychographic scans, with a known probe and an unknown one, and scans that cannot work."""

import numpy as np
import pytest

import recover as rv
from recover.core.errors import OutOfScopeError, ParameterError
from recover.phase.scan import scan_coverage

SIZE, WIDTH = 48, 16
R2 = np.add.outer((np.arange(WIDTH) - 7.5) ** 2, (np.arange(WIDTH) - 7.5) ** 2)
DISC = (R2 < 7.5**2) * 1.0
PROBE = DISC * np.exp(0.06j * R2)


def positions(seed, step=5, jitter=1):
    rng = np.random.default_rng(seed)
    places = np.arange(0, SIZE - WIDTH + 1, step)
    grid = np.stack(np.meshgrid(places, places, indexing="ij"), -1).reshape(-1, 2)
    return np.clip(grid + rng.integers(-jitter, jitter + 1, grid.shape), 0, SIZE - WIDTH)


def object_(seed):
    rng = np.random.default_rng(seed)
    rough = np.fft.fft2(rng.standard_normal((2, SIZE, SIZE)))
    radius = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.fftfreq(SIZE))
    amplitude, phase = np.fft.ifft2(rough * (radius < 0.2)).real
    amplitude, phase = amplitude / np.abs(amplitude).max(), phase / np.abs(phase).max()
    return (0.7 + 0.3 * amplitude) * np.exp(1.2j * phase)


def scanned(seed, probe=PROBE, **options):
    places, x = positions(seed, **options), object_(seed)
    frame = rv.frames.Ptychography((SIZE, SIZE), probe, places)
    return x, places, np.abs(frame.analysis(x)), frame


def error(found, truth, region):
    a, b = found[region], truth[region]
    inner = np.vdot(a, b)
    return np.linalg.norm(a * inner / abs(inner) - b) / np.linalg.norm(b)


def bright(frame):
    return frame.illumination > 0.05 * frame.illumination.max()


def test_a_known_probe():
    x, places, y, frame = scanned(0)
    found = rv.phase.ptychography(y, places, PROBE, shape=(SIZE, SIZE), certify=False)
    assert found.status is rv.Status.CONVERGED
    assert found.residual <= 1e-8
    assert error(found.signal, x, bright(frame)) <= 1e-6
    np.testing.assert_array_equal(found.probe, PROBE)
    np.testing.assert_array_equal(found.illumination, frame.illumination)
    assert (found.signal[frame.illumination == 0] == 0).all()
    assert any("never lit" in note for note in found.notes)


def test_an_unknown_probe_from_a_flat_disc():
    x, places, y, frame = scanned(1)
    found = rv.phase.ptychography(
        y, places, DISC, shape=(SIZE, SIZE), refine_probe=True, certify=False
    )
    assert found.residual <= 1e-4
    region = bright(frame)
    # what is left: a factor, and a phase ramp
    quotient = np.where(region, x * found.signal.conj(), 0)
    far = np.fft.fft2(quotient, s=(64 * SIZE, SIZE))
    at = np.unravel_index(np.argmax(np.abs(far)), far.shape)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    slopes = np.array([at[0] / (64 * SIZE), at[1] / SIZE])
    for _ in range(20):  # the ramp of least squares from there
        left = quotient * np.exp(-2j * np.pi * (slopes[0] * rows + slopes[1] * columns))
        left *= np.exp(-1j * np.angle(left.sum()))
        design = np.stack([rows, columns, np.ones_like(rows)], -1)[region]
        weight = np.abs(left[region])
        fit = np.linalg.lstsq(
            design * weight[:, None], np.angle(left[region]) * weight, rcond=None
        )[0]
        slopes = slopes + fit[:2] / (2 * np.pi)
    ramp = np.exp(2j * np.pi * (slopes[0] * rows + slopes[1] * columns))
    straight = found.signal * ramp
    scale = np.vdot(straight[region], x[region]) / np.linalg.norm(straight[region]) ** 2
    assert np.linalg.norm((scale * straight - x)[region]) <= 1e-2 * np.linalg.norm(x[region])
    assert np.linalg.norm(found.probe) == pytest.approx(np.linalg.norm(DISC))
    overlap = np.vdot(found.probe / ramp[:WIDTH, :WIDTH].conj(), PROBE)
    assert abs(overlap) >= 0.999 * np.linalg.norm(found.probe) * np.linalg.norm(PROBE)
    assert any("takes it for exact" in n for n in found.notes)


def test_the_result_is_kept_whole(tmp_path):
    _, places, y, _ = scanned(2)
    found = rv.phase.ptychography(y, places, PROBE, shape=(SIZE, SIZE), certify=False)
    found.save(tmp_path / "r.npz")
    again = rv.phase.PhaseResult.load(tmp_path / "r.npz")
    np.testing.assert_array_equal(again.probe, found.probe)
    np.testing.assert_array_equal(again.illumination, found.illumination)
    twice = rv.phase.ptychography(y, places, PROBE, shape=(SIZE, SIZE), certify=False)
    np.testing.assert_array_equal(twice.signal, found.signal)


def test_the_certificate_of_a_small_scan_bounds_the_error():
    rng = np.random.default_rng(3)
    probe = rng.standard_normal((4, 4)) + 1j * rng.standard_normal((4, 4))
    places = np.indices((4, 4)).reshape(2, -1).T
    frame = rv.frames.Ptychography((7, 7), probe, places)
    x = rng.standard_normal((7, 7)) + 1j * rng.standard_normal((7, 7))
    found = rv.phase.ptychography(
        np.abs(frame.analysis(x)), places, probe, shape=(7, 7), noise=1e-6
    )
    everywhere = np.ones((7, 7), dtype=bool)
    assert error(found.signal, x, everywhere) <= 1e-5
    if np.isfinite(found.error_bound):
        assert error(found.signal, x, everywhere) * np.linalg.norm(x) <= found.error_bound
    problem = rv.Problem(rv.Modulus(frame), np.abs(frame.analysis(x)), noise=1e-6)
    assert rv.verify(found.certificate, problem).accepted


def test_the_sensitivity_shows_where_the_scan_is_sparse():
    rng = np.random.default_rng(4)
    probe = rng.standard_normal((4, 4)) + 1j * rng.standard_normal((4, 4))
    places = np.array([(a, b) for a in range(7) for b in (0, 1, 2, 3, 4, 6)])
    frame = rv.frames.Ptychography((10, 10), probe, places)
    x = rng.standard_normal((10, 10)) + 1j * rng.standard_normal((10, 10))
    found = rv.phase.ptychography(np.abs(frame.analysis(x)), places, probe, shape=(10, 10))
    assert found.residual <= 1e-6
    assert found.sensitivity[3:7, 9].mean() > 1.5 * found.sensitivity[3:7, 3].mean()


def test_coverage_counts():
    frame = rv.frames.Ptychography((4, 10), np.ones((4, 4)), [[0, 0], [0, 2], [0, 5]])
    coverage = scan_coverage(frame)
    assert coverage.overlap == pytest.approx(0.25)
    assert coverage.typical == pytest.approx(0.5)
    assert coverage.separate == 1
    assert coverage.unlit == 4
    lattice = [[a, b] for a in (0, 2, 4) for b in (0, 2, 4)]
    assert scan_coverage(rv.frames.Ptychography((8, 8), np.ones((4, 4)), lattice)).regular
    assert not coverage.regular


def test_scans_that_cannot_work():
    probe = np.ones((4, 4))
    y = np.ones((2, 4, 4))
    apart = np.array([[0, 0], [0, 4]])
    with pytest.raises(ParameterError, match=r"overlap too little.*2 groups.*0\.0%"):
        rv.phase.ptychography(y, apart, probe, shape=(4, 8))
    with pytest.raises(ParameterError, match="within the object"):
        rv.phase.ptychography(y, apart, probe, shape=(4, 7))
    near = np.array([[0, 0], [0, 1]])
    with pytest.raises(ParameterError, match=r"shape \(2, 4, 4\), got \(3, 4, 4\)"):
        rv.phase.ptychography(np.ones((3, 4, 4)), near, probe, shape=(4, 5))
    with pytest.raises(ParameterError, match="32 magnitudes cannot determine 20"):
        rv.phase.ptychography(y, near, probe, shape=(4, 5))
    with pytest.raises(ParameterError, match="must be >= 0"):
        rv.phase.ptychography(-y, near, probe, shape=(4, 5))


def test_methods_that_do_not_apply():
    _, places, y, _ = scanned(5)
    with pytest.raises(ParameterError, match="PtychographicRetrieval to refine"):
        rv.phase.ptychography(
            y, places, PROBE, shape=(SIZE, SIZE), refine_probe=True, method="DifferenceMap"
        )
    dense = rv.frames.Dense(np.random.default_rng(0).standard_normal((9, 3)))
    problem = rv.Problem(rv.Modulus(dense), np.ones(9))
    with pytest.raises(OutOfScopeError, match="Ptychography frames, not Dense"):
        rv.recover(problem, rv.methods.PtychographicRetrieval())
    for options in ({"memory": 0}, {"projections": -1}):
        with pytest.raises(ParameterError, match="must be >="):
            rv.methods.PtychographicRetrieval(**options)


def test_generic_methods_take_a_scan():
    x, places, y, frame = scanned(6, step=4)
    method = rv.methods.ReweightedAmplitudeFlow(max_iter=300)
    found = rv.phase.ptychography(
        y, places, PROBE, shape=(SIZE, SIZE), method=method, start=x + 0.05, certify=False
    )
    assert error(found.signal, x, bright(frame)) <= 1e-2
