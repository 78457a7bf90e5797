"""Why there is no certificate of magnitudes, or only a local one."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from recover.certificates.phase.rows import magnitudes_of
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.proofs.base import Case
from recover.certificates.proofs.modulus_lags import SpectrogramLags
from recover.certificates.proofs.modulus_steps import find_steps
from recover.certificates.reasons import Why, Withheld
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.frames import STFT, CodedDiffraction, Dense, Frame, Gabor
from recover.models import BEFORE, Modulus, Noise, Problem, ReLU, Support

WINDOW = np.exp(-np.arange(6) / 2.0)


def signal(n: int, seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    return rng.standard_normal(n) + 1j * rng.standard_normal(n)


def refusal(frame: Frame, x: Array, noise: float = 0.0) -> Withheld:
    problem = Problem(Modulus(frame), Modulus(frame)(x), noise=noise)
    outcome = SpectrogramLags().attempt(Case(problem, x), math.inf)
    assert isinstance(outcome, Withheld)
    assert "{" not in outcome.sentence
    return outcome


def test_symmetric_windows() -> None:
    even, odd = (
        np.exp(-((np.arange(8) - 3.5) ** 2) / 9),
        np.exp(-((np.arange(7) - 3.0) ** 2) / 9),
    )
    for window, lag in ((even, 0), (odd, 1)):
        outcome = refusal(STFT(32, window), signal(32))
        assert outcome.why is Why.WINDOW_BLIND
        assert outcome.numbers["lag"] == lag
        assert "asymmetric window" in outcome.sentence
        # the local bound is still given
        x = signal(32)
        problem = Problem(Modulus(STFT(32, window)), Modulus(STFT(32, window))(x), noise=1e-6)
        certificate = certify_posteriori(problem, x)
        assert certificate.scope.kind == "local"
        assert verify(certificate, problem).accepted
        # and it says why nothing is promised of all signals
        assert certificate.reason is not None
        assert outcome.sentence in certificate.reason
        for other in (None, certificate.reason + "!", outcome.sentence):
            assert not verify(replace(certificate, reason=other), problem).accepted
        values = {**certificate.evidence.values, "why": "EMPTY"}
        forged = replace(certificate.evidence, values=values)
        assert not verify(replace(certificate, evidence=forged), problem).accepted


@pytest.mark.slow
def test_a_budget_is_kept_after_one_proof() -> None:
    rng = np.random.default_rng(3)
    frame = CodedDiffraction.octanary((24, 24), 4, rng)
    x = rng.standard_normal((24, 24)) + 1j * rng.standard_normal((24, 24))
    problem = Problem(Modulus(frame), Modulus(frame)(x), noise=1e-6)
    short = find_steps(magnitudes_of(problem, x), 0.0, np.random.default_rng(0))
    long = find_steps(magnitudes_of(problem, x), 60.0, np.random.default_rng(0))
    assert short is not None
    assert long is not None
    assert len(short.steps) == 1
    assert long.steps[-1][0].low <= short.steps[-1][0].low
    assert verify(certify_posteriori(problem, x, budget=0.0), problem).accepted


def test_too_few_channels_or_samples() -> None:
    for frame in (
        Gabor(16, WINDOW, 1, 6, real_signal=False),
        Gabor(5, WINDOW, 1, 11, real_signal=False),
    ):
        assert refusal(frame, signal(frame.length)).why is Why.FEW_CHANNELS


def test_chains_that_come_apart() -> None:
    x = signal(16)
    x[[2, 3, 8, 9]] = 1e-9
    assert refusal(STFT(16, WINDOW), x, 1e-3).why is Why.CHAIN_OPEN


def test_bounds_beyond_the_signal() -> None:
    assert refusal(STFT(64, WINDOW), signal(64), 2e-2).why is Why.CHAIN_LOOSE


def test_signals_of_nothing_and_outside() -> None:
    assert refusal(STFT(16, WINDOW), np.zeros(16, dtype=complex)).why is Why.ZERO_SIGNAL
    frame = Dense(np.random.default_rng(1).standard_normal((20, 3)))
    mask = np.array([True, True, False])
    problem = Problem(Modulus(frame), np.ones(20), domain=Support(mask))
    certificate = certify_posteriori(problem, np.ones(3))
    assert certificate.evidence.values["why"] == Why.OUTSIDE_DOMAIN.name


def test_hops_and_other_models_are_not_asked() -> None:
    proof = SpectrogramLags()
    spectrogram = STFT(16, WINDOW, hop=2)
    assert not proof.applies(Problem(Modulus(spectrogram), np.ones(spectrogram.coef_shape)))
    assert not proof.applies(Problem(ReLU(Dense(np.eye(3))), np.ones(3)))


@pytest.mark.parametrize(
    "noise",
    [
        Noise(each=1e-5),
        Noise(l2=1e-4, each=1e-5),
        Noise(l2=1e-4, where=BEFORE),
        Noise.gaussian(1e-6, 1e-6),
    ],
    ids=["each", "both", "before", "gaussian"],
)
@pytest.mark.parametrize("frame", [Dense(np.eye(3)), STFT(12, WINDOW)], ids=["rows", "lags"])
def test_all_kinds_of_noise(noise: Noise, frame: Frame) -> None:
    rng = np.random.default_rng(2)
    x = signal(frame.signal_size)
    if isinstance(frame, Dense):
        frame = Dense(rng.standard_normal((30, 3)) + 1j * rng.standard_normal((30, 3)))
    e = 1e-6 * rng.standard_normal(frame.coef_shape)
    problem = Problem(Modulus(frame), np.abs(Modulus(frame)(x) + e), noise=noise)
    certificate = certify_posteriori(problem, x)
    assert certificate.finite
    assert certificate.rigor == problem.noise_bound.rigor
    assert verify(certificate, problem).accepted
    larger = Problem(Modulus(frame), problem.y, noise=Noise(l2=1.0))
    assert certify_posteriori(larger, x).error_bound > certificate.error_bound
