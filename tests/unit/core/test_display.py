"""Results show themselves in a line, as tables of a notebook, and as a plot."""

from __future__ import annotations

import html.parser

import numpy as np
import pytest
import scipy.signal
from matplotlib.figure import Figure

import recover as rv
from recover.core.display import axes_or_new, draw_signal


class Tables(html.parser.HTMLParser):
    """Collects the names and the open tags of a fragment."""

    def __init__(self, fragment):
        super().__init__()
        self.open, self.cells = [], []
        self.feed(fragment)

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.cells.append(data)


def axes():
    return Figure().subplots()


@pytest.fixture(scope="module")
def results():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((20, 4))
    model = rv.ReLU(rv.frames.Dense(rows))
    x = rng.standard_normal(4)
    plain = rv.recover(rv.Problem(model, model(x)))
    time = np.arange(4000) / 8000
    tone = (0.8 * np.sin(2 * np.pi * 220 * time)).astype(np.float32)
    sound = rv.audio.declip(np.clip(tone, -0.5, 0.5), 8000, low=-0.5, high=0.5, quality="fast")
    i, j = np.mgrid[:32, :32] / 32
    hill = np.exp(-((i - 0.5) ** 2 + (j - 0.5) ** 2) / 0.05)
    picture = rv.image.declip(np.minimum(hill, 0.7).astype(np.float32), high=0.7)
    frame = rv.frames.CodedDiffraction.octanary((8, 8), 6, rng)
    field = np.exp(1j * hill[::4, ::4])
    phase = rv.phase.retrieve(np.abs(frame.analysis(field)), frame)
    magnitude = np.abs(scipy.signal.stft(rng.standard_normal((2, 200)), nperseg=64)[2])
    spectrogram = rv.audio.phase_from_magnitude(magnitude, hop=32)
    return {
        "plain": plain,
        "sound": sound,
        "picture": picture,
        "phase": phase,
        "spectrogram": spectrogram,
    }


NAMES = ("plain", "sound", "picture", "phase", "spectrogram")


@pytest.mark.parametrize("name", NAMES)
def test_tables_hold_the_result_and_its_promise(results, name):
    result = results[name]
    tables = Tables(result._repr_html_())
    assert tables.open == []  # every tag is closed
    assert type(result).__name__ in tables.cells
    assert "Certificate" in tables.cells
    at = tables.cells.index("error bound")
    assert tables.cells[at + 1] == f"{result.error_bound:.6g}"
    reason = result.certificate.reason
    assert reason is None or reason in tables.cells
    assert set(result.certificate.assumptions) <= set(tables.cells)


@pytest.mark.parametrize("name", NAMES)
def test_a_line_names_the_bound(results, name):
    line = repr(results[name])
    assert line.startswith(type(results[name]).__name__ + "(")
    assert "error_bound=" in line
    assert "\n" not in line


@pytest.mark.parametrize("name", NAMES)
def test_a_plot_draws_into_the_axes_given(results, name):
    ax = axes()
    assert results[name].plot(ax) is ax
    assert ax.lines or ax.images


def test_of_a_batch_of_spectrograms_the_worst_is_told(results):
    facts = dict(results["spectrogram"].facts())
    worst = max(results["spectrogram"].convergence)
    assert facts["spectral convergence"] == f"{worst:.1f} dB, the worst of 2"
    ax = axes()
    results["spectrogram"].plot(ax)
    assert np.array_equal(ax.lines[0].get_ydata(), results["spectrogram"].signal[0])


def test_a_hologram_shows_where_the_light_goes():
    target = np.zeros((16, 16))
    target[4, 4] = target[10, 12] = 1.0
    found = rv.phase.hologram(target, np.ones((16, 16)), iterations=5)
    tables = Tables(found._repr_html_())
    assert tables.open == []
    assert f"{found.efficiency:.4f}" in tables.cells
    assert repr(found).startswith("HologramResult(phase: (16, 16)")
    ax = axes()
    assert found.plot(ax) is ax
    assert np.array_equal(ax.images[0].get_array(), np.abs(found.far) ** 2)
    line = axes()
    rv.phase.hologram(target[4], np.ones(16), iterations=2).plot(line)
    assert line.get_xlabel() == "sample of the far plane"


def test_the_plot_of_a_recording_shows_what_went_beyond_the_level(results):
    ax = axes()
    results["sound"].plot(ax, seconds=np.inf)
    recovered, measured, *levels = ax.lines
    assert recovered.get_ydata().size == 4000
    assert np.nanmax(measured.get_ydata()) < 0.5 <= np.max(recovered.get_ydata())
    assert [line.get_ydata()[0] for line in levels] == [-0.5, 0.5]


def test_the_plot_of_an_image_has_its_largest_sample_white(results):
    ax = axes()
    results["picture"].plot(ax)
    drawn = ax.images[0].get_array()
    assert drawn.max() == pytest.approx(1.0)
    assert drawn.shape == (32, 32)


def test_markup_in_a_fact_is_escaped(results):
    certificate = results["plain"].certificate
    hostile = rv.Certificate.from_data(
        {**certificate.to_data(), "reason": "<script>x</script>"}
    )
    assert "<script>" not in hostile._repr_html_()


def test_signals_of_one_two_and_three_axes():
    line = draw_signal(np.arange(3.0) + 1j, axes(), "x")
    assert [each.get_label() for each in line.lines] == ["real part", "imaginary part"]
    volume = draw_signal(np.arange(60.0).reshape(3, 4, 5), axes(), "x")
    assert np.array_equal(volume.images[0].get_array(), np.arange(20.0, 40.0).reshape(4, 5))
    phase = draw_signal(np.full((2, 2), 2j), axes(), "x")
    assert np.allclose(phase.images[0].get_array(), np.pi / 2)


def test_new_axes_without_any():
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    found = axes_or_new(None)
    assert found.figure.number in pyplot.get_fignums()
    pyplot.close(found.figure)
