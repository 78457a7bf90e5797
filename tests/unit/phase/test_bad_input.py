"""Data that cannot be magnitudes are refused before the work, and odd ones are remarked on."""

import logging
import re

import numpy as np
import pytest

import recover as rv
from recover.core.errors import ParameterError
from recover.phase.arguments import count_note
from recover.phase.plan import asked_method

RNG = np.random.default_rng(0)
ROWS = RNG.standard_normal((60, 10))
FRAME = rv.frames.Dense(ROWS)
X = RNG.standard_normal(10)
Y = np.abs(ROWS @ X)


def changed(place, value):
    y = Y.copy()
    y[place] = value
    return y


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (changed(3, -0.5), "magnitudes must be >= 0, got 1 negative value.*-0.5"),
        (changed(7, np.nan), r"magnitudes must be finite.*first at \(7,\)"),
        (Y[:-1], r"coefficient shape \(60,\), got \(59,\)"),
        (0.0 * Y, "must not all be zero"),
        (Y + 0j, r"pass abs\(data\)"),
        (Y.astype(str), "must hold numbers"),
    ],
)
def test_what_is_refused(y, words):
    with pytest.raises(ParameterError, match=words):
        rv.phase.retrieve(y, FRAME)


def test_a_matrix_is_not_a_frame():
    with pytest.raises(ParameterError, match="Dense"):
        rv.phase.retrieve(Y, ROWS)


def test_supports_that_do_not_fit():
    frame = rv.frames.Fourier((4, 4), 2, real_signal=True)
    y = np.ones((8, 8))
    with pytest.raises(ParameterError, match=r"signal's shape \(4, 4\), got \(8, 8\)"):
        rv.phase.retrieve(y, frame, domain=rv.Support(np.ones((8, 8), dtype=bool)))
    with pytest.raises(ParameterError, match="at least one True"):
        rv.Support(np.zeros((4, 4), dtype=bool))


@pytest.mark.parametrize(
    ("rows", "least", "enough"),
    [(np.ones((4, 5)), 5, 9), (np.ones((8, 5)) + 0j, 9, 16)],
)
def test_too_few_magnitudes_are_refused_with_the_number_that_would_do(rows, least, enough):
    words = f"at least {least} are needed, and {enough} determine every signal"
    with pytest.raises(ParameterError, match=words):
        rv.phase.retrieve(np.ones(rows.shape[0]), rv.frames.Dense(rows))


def test_the_two_sided_spectrum_of_a_real_signal_says_everything_twice():
    frame = rv.frames.Fourier((6,), 1, real_signal=True)
    with pytest.raises(ParameterError, match="4 magnitudes cannot determine 6 real unknowns"):
        rv.phase.retrieve(np.ones(6), frame)


def test_hardly_enough_magnitudes_are_remarked_on_first(caplog):
    rows = np.random.default_rng(1).standard_normal((32, 20))
    x = np.random.default_rng(2).standard_normal(20)
    with caplog.at_level(logging.WARNING, logger="recover"):
        found = rv.phase.retrieve(np.abs(rows @ x), rv.frames.Dense(rows), certify=False)
    assert "39 would do" in caplog.text
    assert "39 would do" in found.notes[0]


@pytest.mark.parametrize("dense", [True, False])
def test_intensities_are_detected(dense):
    rng = np.random.default_rng(3)
    if dense:
        rows = rng.standard_normal((120, 20)) + 1j * rng.standard_normal((120, 20))
        frame = rv.frames.Dense(rows)
    else:
        frame = rv.frames.CodedDiffraction.octanary((12, 12), 5, rng)
    x = rng.standard_normal(frame.signal_shape) + 1j * rng.standard_normal(frame.signal_shape)
    found = rv.phase.retrieve(np.abs(frame.analysis(x)) ** 2, frame, certify=False)
    assert found.status is not rv.Status.CONVERGED
    assert any("intensities" in note and "sqrt" in note for note in found.notes)


def test_unstated_noise_is_remarked_on():
    rng = np.random.default_rng(4)
    y = np.abs(Y + 0.05 * rng.standard_normal(60))
    found = rv.phase.retrieve(y, FRAME)
    assert any("state the noise" in note for note in found.notes)
    assert not any("intensities" in note for note in found.notes)
    assert FRAME.signal_shape == found.signal.shape
    assert rv.Modulus(FRAME).distance(found.signal, X) <= 0.1 * np.linalg.norm(X)


def test_inputs_are_not_written_to():
    y = Y.copy()
    start = X.copy()
    y.setflags(write=False)
    start.setflags(write=False)
    rv.phase.retrieve(y, FRAME, start=start)
    np.testing.assert_array_equal(y, Y)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_units_do_not_matter(scale):
    found = rv.phase.retrieve(scale * Y, FRAME, certify=False)
    assert rv.Modulus(FRAME).distance(found.signal, scale * X) <= 1e-7 * scale * np.linalg.norm(
        X
    )


def test_roots_of_magnitudes_are_told_from_magnitudes():
    rng = np.random.default_rng(4)
    frame = rv.frames.CodedDiffraction.octanary((12, 12), 6, rng)
    x = rng.standard_normal((12, 12)) + 1j * rng.standard_normal((12, 12))
    y = np.abs(frame.analysis(x))
    found = rv.phase.retrieve(np.sqrt(y), frame, certify=False)
    assert any("--data magnitude" in note for note in found.notes)
    assert rv.phase.retrieve(y, frame, certify=False).notes == ()


@pytest.mark.parametrize(
    ("factor", "dtype", "cure"),
    [
        (1e-200, np.float64, "scale them$"),
        (1e140, np.float64, "scale them$"),
        (1e-20, np.float32, "scale them, or pass float64"),
        (1e20, np.float32, "scale them, or pass float64"),
    ],
)
def test_magnitudes_whose_powers_are_out_of_range_are_refused(factor, dtype, cure):
    with pytest.raises(ParameterError, match=f"must have a norm between .*{cure}"):
        rv.phase.retrieve((Y * factor).astype(dtype), FRAME)


def test_large_data_beyond_single_precision_are_searched_in_double():
    frame = rv.frames.CodedDiffraction.octanary((64, 64), 4, np.random.default_rng(1))
    x = np.exp(1j * np.linspace(0.0, 3.0, 4096).reshape(64, 64))
    found = rv.phase.retrieve(1e50 * np.abs(frame.analysis(x)), frame, certify=False)
    assert rv.Modulus(frame).distance(found.signal / 1e50, x) < 1e-6


@pytest.mark.parametrize("restarts", [0, 1.5, True])
def test_starts_are_counted_in_whole_numbers(restarts):
    with pytest.raises(ParameterError, match="restarts must be a whole number >= 1"):
        rv.phase.retrieve(Y, FRAME, restarts=restarts)


def test_what_the_stated_noise_does_not_explain_is_not_told_to_state_it():
    y = Y + 0.3 * RNG.random(Y.size)
    silent = rv.phase.retrieve(y, FRAME, certify=False)
    assert any("state the noise" in note for note in silent.notes)
    stated = rv.phase.retrieve(y, FRAME, noise=1e-2, certify=False)
    words = f"where the stated noise leaves about {1e-2 / np.linalg.norm(y):.2g}: state more"
    assert any(words in note for note in stated.notes)
    assert not any("state the noise" in note for note in stated.notes)


def test_what_is_no_method_is_refused():
    with pytest.raises(ParameterError, match="method must be a Method, got int"):
        rv.phase.retrieve(Y, FRAME, method=3)
    with pytest.raises(ParameterError, match="method must be a Method, got int"):
        rv.phase.hologram(np.ones((4, 4)), np.ones((4, 4)), method=3)


@pytest.mark.parametrize(
    "method", ["ReweightedAmplitudeFlow", rv.methods.ReweightedAmplitudeFlow()]
)
def test_a_named_method_takes_the_starts_that_were_asked_for(method):
    found = rv.phase.retrieve(Y, FRAME, method=method, restarts=3, certify=False)
    assert found.restarts.residuals.size == 3
    assert (
        rv.phase.retrieve(Y, FRAME, method=method, certify=False).restarts.residuals.size == 1
    )


def test_starts_and_steps_of_a_method_without_such():
    with pytest.raises(ParameterError, match="AlternatingProjections has no restarts, got 2"):
        rv.phase.retrieve(Y, FRAME, method="AlternatingProjections", restarts=2)
    assert asked_method("AlternatingProjections", max_iter=7).max_iter == 7
    with pytest.raises(ParameterError, match="max_iter must be a whole number >= 1, got 0"):
        asked_method("AlternatingProjections", max_iter=0)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            np.eye(4),
            "4 magnitudes of 4 real unknowns leave several signals: one more .* 7 every",
        ),
        (np.eye(5)[:, :4] + 1.0, "5 magnitudes of 4 real unknowns determine most signals"),
        (ROWS[:7, :4] + 1j * ROWS[7:14, :4], "7 magnitudes .* complex .* leave several .*, 12"),
        (ROWS[:8, :4] + 1j * ROWS[8:16, :4], "8 magnitudes .* complex .* determine most"),
        (ROWS[:12, :4] + 1j * ROWS[12:24, :4], None),
    ],
)
def test_how_many_signals_so_many_magnitudes_leave(rows, words):
    frame = rv.frames.Dense(rows)
    note = count_note(rv.Problem(rv.Modulus(frame), np.abs(rows @ np.ones(4))))
    if words is None:
        assert note is None
    else:
        assert note is not None
        assert re.search(words, note)
