"""The stated rounding error of adjoints covers the observed one."""

from __future__ import annotations

import math

import numpy as np
import pytest

import recover.frames as package
from recover.certificates.columns import operator_norm
from recover.certificates.roundoff import adjoint_roundoff
from recover.core.discovery import concrete_classes
from recover.frames.base import Frame
from recover.frames.bounds import real_matrix

FRAMES = concrete_classes(package, Frame)


@pytest.mark.parametrize("name", FRAMES)
def test_synthesis_stays_within_its_roundoff(name: str) -> None:
    rng = np.random.default_rng(0)
    frame = FRAMES[name].sample(rng)
    error = adjoint_roundoff(frame)
    if math.isinf(error):
        return
    matrix = frame.matrix().astype(np.clongdouble)
    own = math.sqrt(frame.signal_size) * frame.roundoff()  # of the matrix itself
    for _ in range(20):
        c = rng.standard_normal(frame.coef_shape)
        if not frame.real_coefs:
            c = c + 1j * rng.standard_normal(frame.coef_shape)
        exact = matrix.conj().T @ c.reshape(-1).astype(np.clongdouble)
        exact = exact.real if frame.real_signal else exact
        off = np.linalg.norm((frame.synthesis(c).reshape(-1) - exact).astype(complex))
        assert off <= (error + own) * np.linalg.norm(c)


@pytest.mark.parametrize("name", FRAMES)
def test_operator_norms_are_upper_bounds(name: str) -> None:
    frame = FRAMES[name].sample(np.random.default_rng(1))
    rows, _ = real_matrix(frame, np.ones(frame.coef_shape, dtype=bool))
    largest = float(np.linalg.svd(rows, compute_uv=False)[0])
    assert operator_norm(frame) >= largest * (1 - 1e-12)


def test_known_adjoints() -> None:
    known = {
        name
        for name in FRAMES
        if math.isfinite(adjoint_roundoff(FRAMES[name].sample(np.random.default_rng(2))))
    }
    assert {"Dense", "Identity", "Masked", "Convolution", "Gabor"} <= known
