"""Ptychography against the transforms written out, and its bad input."""

import numpy as np
import pytest

from recover.certificates.roundoff import adjoint_roundoff
from recover.core.errors import NotAFrameError, ParameterError
from recover.frames import Ptychography, canonical_dual
from recover.frames.bounds import subframe_lower

RNG = np.random.default_rng(0)
PROBE = RNG.standard_normal((3, 2)) + 1j * RNG.standard_normal((3, 2))
POSITIONS = np.array([[0, 0], [2, 3], [1, 1], [2, 0], [0, 3]])
FRAME = Ptychography((5, 5), PROBE, POSITIONS)


def test_the_analysis_written_out():
    x = RNG.standard_normal((5, 5)) + 1j * RNG.standard_normal((5, 5))
    a, b = np.meshgrid(np.arange(3), np.arange(2), indexing="ij")
    for (top, left), pattern in zip(POSITIONS, FRAME.analysis(x), strict=True):
        behind = PROBE * x[top : top + 3, left : left + 2]
        for p in range(3):
            for q in range(2):
                wave = np.exp(-2j * np.pi * (p * a / 3 + q * b / 2)) / np.sqrt(6)
                assert pattern[p, q] == pytest.approx((wave * behind).sum(), abs=1e-13)
    norms = np.linalg.norm(FRAME.matrix(), axis=1).reshape(FRAME.coef_shape)
    np.testing.assert_allclose(FRAME.row_norms(), norms, rtol=1e-12)
    assert (FRAME.row_norms() >= norms * (1 - 1e-15)).all()


def test_the_frame_operator_is_the_illumination():
    matrix = FRAME.matrix()
    np.testing.assert_allclose(
        matrix.conj().T @ matrix, np.diag(FRAME.illumination.reshape(-1)), atol=1e-14
    )
    lit = np.zeros((5, 5), dtype=bool)
    for top, left in POSITIONS:
        lit[top : top + 3, left : left + 2] = True
    assert np.array_equal(FRAME.illumination > 0, lit)


def test_whole_windows_may_be_left_out():
    positions = np.array([[k] for k in range(6)] * 2)
    frame = Ptychography(8, [1.0, 2.0, 0.5], positions)
    keep = np.ones(frame.coef_shape, dtype=bool)
    keep[:6] = False
    found = subframe_lower(frame, keep)
    assert found.route == "diagonal"
    once = Ptychography(8, [1.0, 2.0, 0.5], positions[:6]).illumination
    assert found.value == pytest.approx(once.min(), rel=1e-9)
    keep[0, 0] = True
    assert frame.subframe_diagonal(keep) is None


def test_the_adjoint_is_off_by_no_more_than_stated():
    exact = FRAME.matrix().astype(np.clongdouble).conj().T
    assert adjoint_roundoff(FRAME) == FRAME.adjoint_roundoff()
    for _ in range(20):
        c = RNG.standard_normal(FRAME.coef_shape) + 1j * RNG.standard_normal(FRAME.coef_shape)
        gap = exact @ c.reshape(-1) - FRAME.synthesis(c).reshape(-1)
        columns = FRAME.roundoff() * np.sqrt(FRAME.signal_size)  # of the matrix itself
        allowed = (FRAME.adjoint_roundoff() + columns) * np.linalg.norm(c)
        assert float(np.linalg.norm(gap.astype(complex))) <= allowed


@pytest.mark.parametrize(
    ("shape", "probe", "positions", "words"),
    [
        ((5, 5), np.ones(3), [[0, 0]], r"probe must have 2 axes.*got \(3,\)"),
        ((2, 5), np.ones((3, 3)), [[0, 0]], "fit into the shape"),
        ((5, 5), np.zeros((3, 3)), [[0, 0]], "zero everywhere"),
        ((5, 5), np.ones((3, 3)), [[0, 0, 0]], r"shape \(K, 2\).*\(1, 3\)"),
        ((5, 5), np.ones((3, 3)), [[0, 0.5]], "whole samples"),
        ((5, 5), np.ones((3, 3)), [[0, 0], [0, 3]], r"got 1 outside, the first \(0, 3\)"),
        ((5, 5), np.ones((3, 3)), [[-1, 0]], r"from 0 to \(2, 2\)"),
        ((5, 5), np.full((3, 3), np.nan), [[0, 0]], "finite"),
    ],
)
def test_bad_input(shape, probe, positions, words):
    with pytest.raises(ParameterError, match=words):
        Ptychography(shape, probe, positions)


def test_what_no_window_lights_is_lost():
    frame = Ptychography((4, 4), np.ones((2, 2)), [[0, 0], [2, 2]])
    assert frame.bounds().lower == 0.0
    with pytest.raises(NotAFrameError, match="8 of 16 samples"):
        canonical_dual(frame)
