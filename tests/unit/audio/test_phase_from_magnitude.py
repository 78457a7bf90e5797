"""Sound from magnitudes: layout, quality, blocks, Mel bands, certificates, refusals."""

import math

import numpy as np
import pytest
import soundfile
from scipy.signal import stft

import recover.audio.spectrogram_blocks as blocks
from recover.audio import phase_from_magnitude
from recover.audio.mel import magnitudes_from_mel
from recover.audio.phase_gradient import phase_from_gradient, time_frequency_ratio
from recover.core.errors import NotAFrameError, ParameterError
from recover.frames import Spectrogram
from recover.io import bundled
from recover.solve import GriffinLim, GriffinLimADMM, RelaxedAveragedReflections, Status

N_FFT, HOP = 256, 64
WINDOW = np.sin(np.pi * np.arange(N_FFT) / N_FFT) ** 2


def magnitudes(x, *, center=True, window=WINDOW, hop=HOP, size=N_FFT):
    """The layout of librosa, from its definition."""
    padded = np.pad(x, size // 2) if center else x
    starts = range(0, padded.size - size + 1, hop)
    return np.stack([np.abs(np.fft.rfft(padded[s : s + size] * window)) for s in starts], 1)


def sound(seconds=0.5):
    x, rate = soundfile.read(bundled("audio/guitar_em9.flac"), dtype="float32", always_2d=True)
    piece = x[rate : rate + int(seconds * rate), 0]
    return np.ascontiguousarray(piece[: piece.size // HOP * HOP])


def convergence(x, s, **layout):
    gap = np.linalg.norm(magnitudes(x, **layout) - s) / np.linalg.norm(s)
    return 20.0 * math.log10(gap)


def test_the_frame_is_that_of_the_definition():
    x = np.random.default_rng(0).standard_normal(5 * HOP)
    frame = Spectrogram.centered(x.size, WINDOW, HOP)
    scaled = math.sqrt(N_FFT) * np.abs(frame.analysis(x)) / frame.weights
    np.testing.assert_allclose(scaled.T, magnitudes(x), atol=1e-12)
    inside = Spectrogram(x.size - 1, WINDOW, HOP, 1, 2)  # the window begins with a zero
    scaled = math.sqrt(N_FFT) * np.abs(inside.analysis(x[1:])) / inside.weights
    np.testing.assert_allclose(scaled.T, magnitudes(x, center=False), atol=1e-12)


def test_scipy_s_layout_after_its_scale():
    x = np.random.default_rng(1).standard_normal(8 * HOP)
    _, _, z = stft(x, window="hann", nperseg=N_FFT, noverlap=N_FFT - HOP, padded=False)
    np.testing.assert_allclose(np.abs(z) * WINDOW.sum(), magnitudes(x), atol=1e-12)


def test_a_sound_comes_back_and_the_figure_is_the_definition_s():
    x = sound()
    s = magnitudes(x)
    result = phase_from_magnitude(s, hop=HOP, length=x.size)
    assert result.signal.shape == x.shape
    assert result.status is Status.COMPLETED
    assert convergence(result.signal, s) < -22.0
    assert float(result.convergence) == pytest.approx(convergence(result.signal, s), abs=1e-6)
    again = phase_from_magnitude(s, hop=HOP, length=x.size)
    assert np.array_equal(again.signal, result.signal)


def test_beats_the_fast_griffin_lim_algorithm_from_noise():
    size, hop = 1024, 256
    window = np.sin(np.pi * np.arange(size) / size) ** 2
    x = sound()
    x = x[: x.size // hop * hop]
    s = magnitudes(x, window=window, hop=hop, size=size)
    noise = np.random.default_rng(0).standard_normal(x.size)
    method = GriffinLim(max_iter=100, tol=0.0)
    peer = phase_from_magnitude(s, hop=hop, start=noise, method=method)
    ours = phase_from_magnitude(s, hop=hop)
    assert float(ours.convergence) < float(peer.convergence) - 5.0


def test_single_precision_stays():
    x = sound(0.2)
    s = magnitudes(x).astype(np.float32)
    result = phase_from_magnitude(s, hop=HOP, method=GriffinLimADMM(max_iter=20))
    assert result.signal.dtype == np.float32


def test_frames_that_are_not_centred():
    x = sound(0.3)[: 100 * HOP + N_FFT]
    s = magnitudes(x, center=False)
    result = phase_from_magnitude(s, hop=HOP, center=False, length=x.size)
    assert result.signal.size == x.size
    assert convergence(result.signal, s, center=False) < -25.0
    assert result.signal[0] == 0.0  # met by the window's zero only


def test_averaged_reflections_are_between_the_other_two():
    x = sound()
    s = magnitudes(x)
    steps = GriffinLimADMM().max_iter
    methods = [
        GriffinLim(max_iter=steps, tol=0.0),
        RelaxedAveragedReflections(max_iter=steps),
        GriffinLimADMM(),
    ]
    found = [
        float(phase_from_magnitude(s, hop=HOP, method=m, certify=False).convergence)
        for m in methods
    ]
    assert found[0] > found[1] > found[2]


def test_methods_have_names():
    window = np.sin(np.pi * np.arange(16) / 16) ** 2
    s = magnitudes(sound(0.1)[:64], window=window, hop=4, size=16)
    name = "RelaxedAveragedReflections"
    found = phase_from_magnitude(s, hop=4, method=name, certify=False)
    assert found.method == name
    assert float(found.convergence) < -20.0


def test_a_batch_is_its_items():
    x = sound(0.2)
    s = np.stack([magnitudes(x), magnitudes(x[::-1])])
    method = GriffinLimADMM(max_iter=20)
    result = phase_from_magnitude(s, hop=HOP, method=method)
    assert result.signal.shape == (2, x.size)
    for k in range(2):
        alone = phase_from_magnitude(s[k], hop=HOP, method=method)
        assert np.array_equal(alone.signal, result.signal[k])
    assert [label for label, _ in result.certificate.parts] == ["item 1", "item 2"]


def test_blocks_join_without_a_seam(monkeypatch):
    x = sound(0.5)
    s = magnitudes(x)
    whole = phase_from_magnitude(s, hop=HOP)
    monkeypatch.setattr(blocks, "BLOCK", 150 * (N_FFT // 2 + 1))
    frame = Spectrogram.centered(x.size, WINDOW, HOP)
    parts = blocks.blocks_of(frame)
    assert len(parts) > 2
    assert parts[0].start == 0
    assert parts[-1].stop == frame.frames
    joined = phase_from_magnitude(s, hop=HOP)
    assert convergence(joined.signal, s) < -20.0
    assert float(joined.convergence) < float(whole.convergence) + 2.0
    assert float(joined.convergence) == pytest.approx(convergence(joined.signal, s), abs=1e-6)


def test_a_good_start_is_used():
    x = sound(0.2).astype(np.float64)
    s = magnitudes(x)
    steps = GriffinLim(momentum=0.0, max_iter=1, tol=0.0)
    result = phase_from_magnitude(s, hop=HOP, start=x, method=steps)
    assert float(result.convergence) < -200.0


def test_progress_counts_all_blocks_and_stops(monkeypatch):
    x = sound(0.5)
    monkeypatch.setattr(blocks, "BLOCK", 100 * (N_FFT // 2 + 1))
    seen = []

    def watch(progress):
        seen.append((progress.step, progress.total))
        return len(seen) == 15

    result = phase_from_magnitude(
        magnitudes(x), hop=HOP, method=GriffinLimADMM(max_iter=10), watch=watch
    )
    assert result.status is Status.STOPPED
    assert [step for step, _ in seen] == list(range(1, 16))
    assert len({total for _, total in seen}) == 1


def test_mel_bands_are_met_by_non_negative_magnitudes():
    rng = np.random.default_rng(2)
    matrix = np.abs(rng.standard_normal((20, 65))) * (rng.random((20, 65)) < 0.2)
    truth = np.abs(rng.standard_normal((7, 65)))
    bands = truth @ matrix.T
    found = magnitudes_from_mel(bands, matrix)
    assert found.min() >= 0.0
    assert np.linalg.norm(found @ matrix.T - bands) < 1e-3 * np.linalg.norm(bands)


def test_a_mel_spectrogram_promises_nothing():
    x = sound(0.2)
    matrix = np.repeat(np.eye(43), 3, axis=1)
    bands = matrix @ magnitudes(x)
    result = phase_from_magnitude(
        bands, hop=HOP, mel=matrix, method=GriffinLimADMM(max_iter=20)
    )
    assert result.error_bound == math.inf
    assert result.certificate.reason


def test_a_short_exact_recovery_is_certified():
    rng = np.random.default_rng(5)
    window = rng.random(16) + 0.1
    x = rng.standard_normal(48)
    s = magnitudes(x, window=window, hop=2, size=16)
    result = phase_from_magnitude(
        s, hop=2, window=window, start=x, method=GriffinLim(tol=1e-15)
    )
    assert result.error_bound < 1e-6
    assert min(np.linalg.norm(result.signal - x), np.linalg.norm(result.signal + x)) <= (
        result.error_bound
    )


@pytest.mark.parametrize("budget", [-1.0, math.nan])
def test_a_budget_that_is_none_is_refused(budget):
    with pytest.raises(ParameterError, match="budget must be >= 0"):
        phase_from_magnitude(np.ones((129, 10)), hop=HOP, budget=budget)


def test_silence_is_silence():
    result = phase_from_magnitude(np.zeros((129, 10)), hop=HOP)
    assert not result.signal.any()


def test_the_ratio_of_a_gaussian_is_its_own():
    t = np.arange(1024) - 511.5
    assert time_frequency_ratio(np.exp(-np.pi * t**2 / 40_000.0)) == pytest.approx(
        40_000.0, rel=1e-3
    )


def test_the_slopes_give_the_phase_of_a_chirp():
    size, hop = 512, 32
    t = np.arange(size) - size / 2
    window = np.exp(-np.pi * t**2 / 20_000.0)
    n = np.arange(40 * hop)
    x = np.cos(2 * np.pi * (0.05 * n + 0.00002 * n**2))
    frame = Spectrogram.centered(x.size, window, hop)
    c = frame.analysis(x)
    phase = phase_from_gradient(np.abs(c), window, hop)
    guess = np.abs(c) * np.exp(1j * phase)
    rough = frame.synthesis(guess) / frame.diagonal
    gap = np.linalg.norm(np.abs(frame.analysis(rough)) - np.abs(c)) / np.linalg.norm(c)
    assert gap < 0.1
    kept = phase_from_gradient(np.abs(c), window, hop, np.angle(c[:10]))
    np.testing.assert_allclose(np.exp(1j * kept[:10]), np.exp(1j * np.angle(c[:10])))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"magnitude": -np.ones((129, 5))}, "must be >= 0"),
        ({"magnitude": np.full((129, 5), np.nan)}, "finite"),
        ({"magnitude": np.ones((129, 5), dtype=complex)}, "abs"),
        ({"magnitude": np.ones(129)}, "bins"),
        ({"n_fft": 512}, "257 bins"),
        ({"window": np.ones(300)}, "at most n_fft"),
        ({"window": "no such window"}, "get_window"),
        ({"hop": 0}, "hop"),
        ({"length": 5000}, "length must be 256 to 319"),
        ({"length": 300.5}, "length must be a whole number >= 0, got 300.5"),
        ({"magnitude": np.ones((129, 1))}, "length must be 1 to 63 for 1 frame.*got 0; give"),
        ({"mel": -np.eye(129)}, "mel must be real and >= 0"),
        ({"mel": np.zeros((129, 129))}, "mel must be real and >= 0, with an entry"),
        ({"hop": 64.5}, "hop must be a whole number >= 1, got 64.5"),
        ({"mel": np.ones((20, 129))}, "20|bands"),
        ({"start": np.ones(7)}, "start"),
        ({"method": "no such method"}, "no such method"),
    ],
)
def test_bad_input_is_refused_before_work_starts(change, message):
    arguments = {"magnitude": np.ones((129, 5)), "hop": HOP, **change}
    with pytest.raises(ParameterError, match=message):
        phase_from_magnitude(arguments.pop("magnitude"), **arguments)


def test_a_hop_that_leaves_gaps_is_refused():
    with pytest.raises(NotAFrameError, match="hop 400"):
        phase_from_magnitude(np.ones((129, 5)), hop=400)
