"""Coded diffraction against the transform written out, and its bad input."""

import numpy as np
import pytest

from recover.core.errors import NotAFrameError, ParameterError
from recover.frames import STFT, CodedDiffraction, Gabor, canonical_dual
from recover.frames.bounds import subframe_lower


def test_the_analysis_written_out():
    rng = np.random.default_rng(0)
    masks = rng.standard_normal((2, 3, 4)) + 1j * rng.standard_normal((2, 3, 4))
    frame = CodedDiffraction(masks)
    x = rng.standard_normal((3, 4)) + 1j * rng.standard_normal((3, 4))
    a, b = np.meshgrid(np.arange(3), np.arange(4), indexing="ij")
    for mask, pattern in zip(masks, frame.analysis(x), strict=True):
        for p in range(3):
            for q in range(4):
                wave = np.exp(-2j * np.pi * (p * a / 3 + q * b / 4)) / np.sqrt(12)
                assert pattern[p, q] == pytest.approx((wave * mask * x).sum(), abs=1e-13)
    norms = np.linalg.norm(frame.matrix(), axis=1).reshape(frame.coef_shape)
    assert (frame.row_norms() >= norms * (1 - 1e-15)).all()
    np.testing.assert_allclose(frame.row_norms(), norms, rtol=1e-12)


def test_bounds_are_those_of_the_masks():
    frame = CodedDiffraction.random_phases((8, 8), 3, np.random.default_rng(1))
    lower, upper = frame.bounds()
    assert lower == pytest.approx(3.0, rel=1e-14)
    assert upper == pytest.approx(3.0, rel=1e-14)
    octanary = CodedDiffraction.octanary((64, 64), 4, np.random.default_rng(2))
    squares = np.abs(octanary.masks) ** 2
    assert set(np.round(np.unique(squares), 12)) == {0.5, 3.0}
    assert squares.mean() == pytest.approx(1.0, abs=0.02)
    keep = np.ones(octanary.coef_shape, dtype=bool)
    keep[1] = False
    found = subframe_lower(octanary, keep)
    assert found.route == "diagonal"
    assert found.value == pytest.approx(squares[[0, 2, 3]].sum(axis=0).min(), rel=1e-9)


def test_the_adjoint_is_off_by_no_more_than_stated():
    rng = np.random.default_rng(3)
    masks = rng.standard_normal((3, 5, 6)) + 1j * rng.standard_normal((3, 5, 6))
    frame = CodedDiffraction(masks)
    exact = frame.matrix().astype(np.clongdouble).conj().T
    for _ in range(20):
        c = rng.standard_normal(frame.coef_shape) + 1j * rng.standard_normal(frame.coef_shape)
        gap = exact @ c.reshape(-1) - frame.synthesis(c).reshape(-1)
        columns = frame.roundoff() * np.sqrt(frame.signal_size)  # of the matrix itself
        allowed = (frame.adjoint_roundoff() + columns) * np.linalg.norm(c)
        assert float(np.linalg.norm(gap.astype(complex))) <= allowed


def test_bad_input():
    with pytest.raises(ParameterError, match="first axis"):
        CodedDiffraction(np.ones(4))
    with pytest.raises(ParameterError, match="finite"):
        CodedDiffraction(np.full((1, 4), np.nan))
    dark = np.ones((2, 4))
    dark[:, 1] = 0.0
    assert CodedDiffraction(dark).bounds().lower == 0.0
    with pytest.raises(NotAFrameError, match="1 samples that are dark"):
        canonical_dual(CodedDiffraction(dark))


def test_stft_is_a_gabor_frame_with_enough_channels():
    frame = STFT(20, np.arange(1.0, 5.0))
    assert isinstance(frame, Gabor)
    assert (frame.hop, frame.channels, frame.real_signal) == (1, 7, False)
    assert STFT(20, np.ones(4), 2, 9, real_signal=True).coef_shape == (10, 5)
