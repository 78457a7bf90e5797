"""Kappa of a recovery where what the data fix is known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.fft import idct

from recover.certificates.certificate import Certificate
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.frames.dense import Dense
from recover.frames.gabor import Gabor
from recover.frames.identity import Identity
from recover.models.domains import Ball
from recover.models.problem import Problem
from recover.models.relu import ReLU
from recover.models.saturation import Saturation

CLOSE = 1e-9


def certified(problem: Problem, signal: Array) -> Certificate:
    certificate = certify_posteriori(problem, signal)
    verdict = verify(certificate, problem)
    assert verdict.accepted, verdict.reasons
    return certificate


def assert_kappa(certificate: Certificate, value: float) -> None:
    assert certificate.kappa.contains(value)
    assert certificate.kappa.lower == pytest.approx(value, rel=CLOSE)
    assert certificate.kappa.upper == pytest.approx(value, rel=CLOSE)


@pytest.mark.parametrize("c", [0.3, 0.5, 0.89])
def test_one_dimension_with_a_clipped_row(c: float) -> None:
    # rows 1 and c with c <= level < 1: where the first is clipped the second still measures
    model = Saturation(Dense([[1.0], [c]]), -0.9, 0.9)
    x = np.array([0.99])
    problem = Problem(model, model(x), domain=Ball(1.0))
    assert_kappa(certified(problem, x), c)


def test_one_dimension_with_the_clipped_row_alone() -> None:
    model = Saturation(Dense([[1.0]]), -0.9, 0.9)
    x = np.array([0.99])
    certificate = certified(Problem(model, model(x)), x)
    assert (certificate.kappa.lower, certificate.kappa.upper) == (0.0, 0.0)
    assert certificate.error_bound == math.inf


@pytest.mark.parametrize("m", range(3, 13))
def test_harmonic_frames_seen_whole_are_tight(m: int) -> None:
    angles = 2 * np.pi * np.arange(m) / m
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    model = ReLU(Dense(rows), -2.0)
    x = np.array([0.6, -0.3])
    assert_kappa(certified(Problem(model, model(x)), x), math.sqrt(m / 2))


@pytest.mark.parametrize("m", [4, 6, 8, 10, 12])
def test_even_roots_of_unity_without_bias(m: int) -> None:
    # half of the rows are active; x -> -x swaps the halves, so each half is tight
    angles = 2 * np.pi * np.arange(m) / m
    model = ReLU(Dense(np.stack([np.cos(angles), np.sin(angles)], axis=1)))
    for turn in (0.1, 0.9, 2.3):
        x = np.array([np.cos(turn), np.sin(turn)])
        assert_kappa(certified(Problem(model, model(x)), x), math.sqrt(m / 4))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_basis_and_its_negative(n: int) -> None:
    rows = np.concatenate([np.eye(n), -np.eye(n)])
    x = np.linspace(-1.0, 1.3, n) + 0.01
    model = ReLU(Dense(rows))
    assert_kappa(certified(Problem(model, model(x)), x), 1.0)


def test_doubled_frames_give_the_bound_of_the_frame() -> None:
    rng = np.random.default_rng(0)
    for _ in range(10):
        rows, x = rng.standard_normal((7, 3)), rng.standard_normal(3)
        model = ReLU(Dense(np.concatenate([rows, -rows])))
        smallest = np.linalg.svd(rows, compute_uv=False)[-1]
        assert_kappa(certified(Problem(model, model(x)), x), float(smallest))


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_simplex_frames(n: int) -> None:
    # unit rows with inner products -1/n: (n + 1)/n with all of them, 1/n with one missing
    gram = (1 + 1 / n) * np.eye(n + 1) - np.ones((n + 1, n + 1)) / n
    values, vectors = np.linalg.eigh(gram)
    rows = vectors[:, 1:] * np.sqrt(values[1:])
    x = 0.95 * rows[0]
    whole = Saturation(Dense(rows), -1.0, 1.0)
    assert_kappa(certified(Problem(whole, whole(x)), x), math.sqrt((n + 1) / n))
    part = Saturation(Dense(rows), -0.9, 0.9)
    assert_kappa(certified(Problem(part, part(x)), x), math.sqrt(1 / n))


def test_a_tight_gabor_frame_unclipped() -> None:
    frame = Gabor(64, np.hanning(18)[1:-1], 4, tight=True)
    x = np.cos(np.arange(64.0))
    if not frame.real_coefs:
        # its coefficients are complex, so it is a prior here: nothing clipped, bound 1
        assert frame.bounds().lower == pytest.approx(1.0, abs=CLOSE)
        assert frame.bounds().upper == pytest.approx(1.0, abs=CLOSE)
    model = Saturation(Identity(64), -2.0, 2.0)
    certificate = certified(Problem(model, x), x)
    assert_kappa(certificate, 1.0)
    assert certificate.error_bound == 0.0


def test_declipping_in_a_cosine_basis_has_no_bound() -> None:
    n = 32
    basis = idct(np.eye(n), norm="ortho", axis=0)
    x = np.zeros(n)
    x[[2, 5]] = [3.0, -2.0]
    model = Saturation(Dense(basis), -0.5, 0.5)
    problem = Problem(model, model(x))
    certificate = certified(problem, x)
    assert certificate.error_bound == math.inf
    assert certificate.amplification.lower == math.inf
    clipped = int(np.count_nonzero(np.abs(basis @ x) >= 0.5))
    assert certificate.reason is not None
    assert certificate.reason.startswith(f"{clipped} of {n} samples are clipped")
    assert certificate.scope.kind == "global"
