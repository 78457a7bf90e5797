"""The bound for all sounds in the layout of spectrogram software: floors, values, reasons."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from recover.audio import phase_from_magnitude
from recover.certificates.certificate import Certificate
from recover.certificates.phase.lags import floors_of
from recover.certificates.phase.section import section_fits, section_floor, taps_of
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.proofs.base import Case
from recover.certificates.proofs.modulus_lags import SpectrogramLags
from recover.certificates.reasons import Why, Withheld
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.frames import Spectrogram
from recover.models import Modulus, Problem
from recover.solve import GriffinLim

SIZE = 16


def window(*taps: float, first: int = SIZE // 2) -> Array:
    whole = np.zeros(SIZE)
    whole[first : first + len(taps)] = taps
    return whole


DECAY = window(*np.exp(-np.arange(6) / 2.0))  # begins with its largest tap, at the centre
HANN = np.sin(np.pi * np.arange(SIZE) / SIZE) ** 2
EVEN = window(0.1, 0.3, 0.6, 0.9, 1.0, 1.0, 0.9, 0.6, 0.3, 0.1, first=3)


def scene(frame: Spectrogram, noise: float = 1e-7, seed: int = 0) -> tuple[Problem, Array]:
    """Return a problem and its truth."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(frame.length)
    e = noise * rng.standard_normal(frame.coef_shape)
    y = np.abs(np.abs(frame.analysis(x)) + e)
    return Problem(Modulus(frame), y, noise=float(np.linalg.norm(e)) * (1.0 + 1e-9)), x


def refusal(frame: Spectrogram, noise: float = 1e-7) -> Withheld:
    problem, x = scene(frame, noise)
    outcome = SpectrogramLags().attempt(Case(problem, x), math.inf)
    assert isinstance(outcome, Withheld)
    assert "{" not in outcome.sentence
    return outcome


def section(frame: Spectrogram, lag: int) -> Array:
    """The matrix by its definition: what each frame tells of each product."""
    w = frame.window
    matrix = np.zeros((frame.frames, frame.length - lag))
    for n in range(frame.frames):
        for i in range(matrix.shape[1]):
            tap = i - (n - frame.lead)
            if 0 <= tap < SIZE - lag:
                matrix[n, i] = w[tap] * w[tap + lag]
    return matrix


@pytest.mark.parametrize("lag", [0, 1])
@pytest.mark.parametrize(
    "frame",
    [
        Spectrogram.centered(30, DECAY, 1),
        Spectrogram.centered(3, DECAY, 1),
        Spectrogram.centered(40, window(0.3, -1.0, 0.2, 0.1, first=5), 1),
        Spectrogram(25, DECAY, 1, 15, 40),
        Spectrogram(25, DECAY, 1, 11, 33),
    ],
)
def test_floors_are_the_sections_least_singular_values(frame: Spectrogram, lag: int) -> None:
    exact = float(np.linalg.svd(section(frame, lag), compute_uv=False)[-1])
    stated = section_floor(frame, lag)
    assert stated <= exact * (1.0 + 1e-12)
    assert stated >= 0.99 * exact - 1e-6
    assert floors_of(frame)[lag] == stated
    assert section_floor(frame, lag, at=stated) == stated
    assert section_floor(frame, lag, at=1.01 * exact + 1e-6) == 0.0


def test_the_section_tells_what_the_frames_tell() -> None:
    frame = Spectrogram.centered(20, DECAY, 1)
    x = np.random.default_rng(1).standard_normal(20)
    square = np.abs(frame.analysis(x)) ** 2
    k = np.arange(square.shape[1])
    for lag in (0, 1):
        told = square @ np.cos(2.0 * np.pi * k * lag / SIZE)
        products = x[lag:] * x[: x.size - lag]
        np.testing.assert_allclose(section(frame, lag) @ products, told, atol=1e-12)


@pytest.mark.parametrize("length", [3, 24, 60])
def test_a_small_case_is_finite_and_above_the_truth(length: int) -> None:
    frame = Spectrogram.centered(length, DECAY, 1)
    problem, x = scene(frame)
    found = x + 1e-8 * np.random.default_rng(2).standard_normal(length)
    certificate = certify_posteriori(problem, -found)
    assert certificate.evidence.kind == "modulus lags"
    assert certificate.scope.to_json() == {"kind": "global", "up_to": "sign"}
    assert np.linalg.norm(found - x) <= certificate.error_bound < 0.1 * np.linalg.norm(x)
    again = Certificate.from_json(certificate.to_json())
    verdict = verify(again, problem)
    assert verdict.accepted, verdict.reasons
    values = certificate.evidence.values
    for name in ("floor:0", "floor:1", "eigenvalue"):
        for factor in (1.1, 0.0, -1.0, math.inf):
            forged = replace(
                certificate.evidence, values={**values, name: factor * float(values[name])}
            )
            assert not verify(replace(certificate, evidence=forged), problem).accepted
    for name in ("tau", "distance"):
        forged = replace(
            certificate.evidence, values={**values, name: 0.5 * float(values[name])}
        )
        assert not verify(replace(certificate, evidence=forged), problem).accepted
    missing = {k: v for k, v in values.items() if k != "floor:1"}
    forged = replace(certificate.evidence, values=missing)
    assert not verify(replace(certificate, evidence=forged), problem).accepted
    # nor is it one for another hop or a window that fills the transform
    for other in (
        Spectrogram.centered(length, DECAY, 2),
        Spectrogram.centered(length, DECAY + 0.1, 1),
    ):
        elsewhere, _ = scene(other)
        moved = replace(certificate, subject=elsewhere.digest)
        assert not verify(moved, elsewhere, -found).accepted


def test_recoveries_with_hop_one_are_certified_among_all_sounds() -> None:
    frame = Spectrogram.centered(40, DECAY, 1)
    x = np.random.default_rng(3).standard_normal(40)
    s = (np.abs(frame.analysis(x)) / frame.weights).T * math.sqrt(SIZE)
    method = GriffinLim(tol=1e-15)
    found = phase_from_magnitude(s, hop=1, window=DECAY, start=x, method=method)
    assert found.certificate.scope.kind == "global"
    distance = min(np.linalg.norm(found.signal - x), np.linalg.norm(found.signal + x))
    assert distance <= found.error_bound < 1e-6


@pytest.mark.parametrize(("taps", "lag"), [(HANN, 1), (EVEN, 0)])
def test_a_symmetric_window_says_so(taps: Array, lag: int) -> None:
    frame = Spectrogram.centered(60, taps, 1)
    outcome = refusal(frame)
    assert outcome.why is Why.WINDOW_SYMMETRIC
    assert outcome.numbers == {"lag": lag, "size": taps_of(frame)[0].size}
    assert outcome.sentence.startswith("a symmetric window leaves the products of samples")
    # a local bound says it besides
    problem, x = scene(frame)
    certificate = certify_posteriori(problem, x)
    assert certificate.scope.kind == "local"
    assert certificate.reason is not None
    assert "a symmetric window leaves" in certificate.reason
    assert verify(certificate, problem).accepted


@pytest.mark.parametrize(("hop", "said"), [(1, "a symmetric window leaves"), (4, "frames 4")])
def test_islands_say_why_there_is_no_bound_for_all_sounds(hop: int, said: str) -> None:
    t = np.arange(160)
    x = np.exp(-(((t - 80.0) / 30.0) ** 2)) * np.cos(0.9 * t)
    frame = Spectrogram.centered(160, HANN, hop)
    rough = 1.0 + 0.05 * np.random.default_rng(4).standard_normal(frame.coef_shape)
    y = np.abs(frame.analysis(x) * rough)
    s = (y / frame.weights).T * math.sqrt(SIZE)
    found = phase_from_magnitude(
        s, hop=hop, window=HANN, length=160, method=GriffinLim(max_iter=40), budget=2.0
    )
    assert found.error_bound == math.inf
    assert said in str(found.certificate.reason)
    parts = [part for _, part in found.certificate.parts or ()]
    proved = [part for part in parts if part.kappa.lower > 0.0]
    assert proved
    problem = Problem(Modulus(frame), y)
    # the spectrogram that was given, as the recovery scales it
    for part in proved[:1]:
        same = replace(part, subject=problem.digest)
        assert said in str(part.reason)
        assert verify(same, problem, found.signal).accepted
        for other in ("EMPTY", "FRAMES_BLIND"):
            values = {**part.evidence.values, "beyond:why": other}
            forged = replace(same, evidence=replace(part.evidence, values=values))
            assert not verify(forged, problem, found.signal).accepted


def test_other_reasons() -> None:
    assert refusal(Spectrogram.centered(40, DECAY, 2)).why is Why.HOP_WIDE
    full = np.exp(-np.arange(SIZE) / 4.0)
    assert refusal(Spectrogram.centered(40, full, 1)).why is Why.FEW_CHANNELS
    # as many products as samples, and fewer frames
    early = np.roll(DECAY, -SIZE // 2)
    assert refusal(Spectrogram(50, early, 1, 0, 45)).why is Why.FRAMES_BLIND
    assert refusal(Spectrogram.centered(40, DECAY, 1), 1e-2).why in (
        Why.CHAIN_OPEN,
        Why.CHAIN_LOOSE,
    )
    wide = np.exp(-np.arange(1024) / 9.0) * (np.arange(1024) < 1000)
    long = Spectrogram(2000, wide, 1, 0, 2000)
    assert not section_fits(long)
    problem = Problem(Modulus(long), np.ones(long.coef_shape))
    outcome = SpectrogramLags().attempt(Case(problem, np.ones(2000)), math.inf)
    assert isinstance(outcome, Withheld)
    assert outcome.why is Why.TOO_LARGE
