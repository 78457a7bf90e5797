"""The second reading of the data refuses a model or a noise that claims too much."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recover.certificates.checks.reading import reading_faults
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.frames import Dense
from recover.models import AFTER, BEFORE, Modulus, Noise, Problem, ReLU, Saturation
from recover.models.base import Model

MODELS = (ReLU, Saturation, Modulus)
RNG = np.random.default_rng(0)
ROWS, SIGNAL = RNG.standard_normal((20, 3)), RNG.standard_normal(3)


def problem_of(kind: type, noise: Noise, dtype: type = np.float64) -> Problem:
    frame = Dense(ROWS)
    model: Model
    if kind is Saturation:
        model = Saturation(frame, -1.1, np.linspace(0.4, 2.0, 20))
    else:
        model = ReLU(frame, np.linspace(-1.5, 0.3, 20)) if kind is ReLU else Modulus(frame)
    return Problem(model, model(SIGNAL).astype(dtype), noise=noise)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_what_is_known_is_read_again(kind: type, dtype: type) -> None:
    each = np.random.default_rng(1).choice([0.0, 1e-3, 0.3], 20)
    for noise in (
        Noise(l2=0.0),
        Noise(l2=0.2),
        Noise(each=each),
        Noise(l2=0.1, each=each, where=BEFORE),
        Noise.gaussian(1e-3, where=BEFORE),
        Noise.gaussian(1e-3, where=AFTER),
        Noise.poisson(50.0),
        Noise.counted(50.0),
        Noise.counted(50.0, background=0.2),
    ):
        if noise.counts_per_unit > 0.0 and kind is Saturation:
            continue  # clipped data may be negative
        assert list(reading_faults(problem_of(kind, noise, dtype))) == []


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("change", ["fixed", "value", "each", "lower", "upper"])
def test_a_model_that_claims_too_much_is_refused(
    monkeypatch: pytest.MonkeyPatch, kind: type, change: str
) -> None:
    problem = problem_of(kind, Noise(l2=1e-3))
    assert verify(certify_posteriori(problem, SIGNAL), problem).accepted
    honest = kind.knowledge

    def claimed(self: Model, y: Array, noise: object) -> object:
        known = honest(self, y, noise)
        row = int(np.flatnonzero(~known.fixed)[0])
        if change == "value":
            row = int(np.flatnonzero(known.fixed)[0]) if known.fixed.any() else row
        array = getattr(known, change).copy()
        array[row] = {
            "fixed": True,
            "value": array[row] + 1.0,
            "each": 0.0,
            "lower": 5.0,
            "upper": -5.0,
        }[change]
        return replace(known, **{change: array})

    monkeypatch.setattr(kind, "knowledge", claimed)
    forged = problem_of(kind, Noise(l2=1e-3))
    if kind is Modulus and change == "value":
        assert list(reading_faults(forged)) == []  # nothing is fixed, so it means nothing
        return
    assert list(reading_faults(forged))
    assert not verify(certify_posteriori(forged, SIGNAL), forged).accepted


def test_a_noise_taken_too_small_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Noise.bound
    counted = (Noise.poisson(1e4), Noise.counted(1e4))
    for noise in (Noise(l2=0.1), Noise.gaussian(0.01), *counted, Noise(each=0.1)):
        for change in ("l2", "each"):
            with monkeypatch.context() as patch:
                patch.setattr(
                    Noise,
                    "bound",
                    lambda self, y, c=change: replace(
                        honest(self, y), **{c: 0.9 * getattr(honest(self, y), c)}
                    ),
                )
                problem = problem_of(ReLU, noise)
                assert list(reading_faults(problem))
