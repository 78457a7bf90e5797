"""Every reason for an infinite bound: given when it applies, and in words."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Self

import numpy as np
import pytest

from recover.certificates.certificate import Certificate
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.reasons import Why, Withheld
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.frames.base import Frame, FrameBounds
from recover.frames.dense import Dense
from recover.frames.identity import Identity
from recover.models.domains import Box, Support
from recover.models.modulus import Modulus
from recover.models.problem import Problem
from recover.models.relu import ReLU
from recover.models.saturation import Saturation
from recover.priors.quadratic import Quadratic
from recover.priors.subspace import Subspace

Case = tuple[Problem, Array]


class Opaque(Frame):
    """Dense rows behind a frame that tells nothing of its rounding or structure."""

    def __init__(self, rows: Array, roundoff: float = math.inf) -> None:
        self.dense, self.error = Dense(rows), roundoff

    signal_shape = property(lambda self: self.dense.signal_shape)
    coef_shape = property(lambda self: self.dense.coef_shape)
    real_signal = property(lambda self: True)
    real_coefs = property(lambda self: True)

    def analysis(self, x: Array) -> Array:
        return self.dense.analysis(x)

    def synthesis(self, c: Array) -> Array:
        return self.dense.synthesis(c)

    def bounds(self) -> FrameBounds:
        return self.dense.bounds()

    def roundoff(self) -> float:
        return self.error

    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        return ("Opaque", *self.dense.identity_parts())

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls(rng.standard_normal((4, 2)))


class Shift(Frame):
    """Samples shifted in time: without structure, and too large for a dense proof."""

    def __init__(self, n: int) -> None:
        self.n = n

    signal_shape = property(lambda self: (self.n,))
    coef_shape = property(lambda self: (self.n,))
    real_signal = property(lambda self: True)
    real_coefs = property(lambda self: True)

    def analysis(self, x: Array) -> Array:
        return np.roll(x, 1, axis=-1)

    def synthesis(self, c: Array) -> Array:
        return np.roll(c, -1, axis=-1)

    def bounds(self) -> FrameBounds:
        from recover.core.rigor import ESTIMATE

        return FrameBounds(1.0, 1.0, ESTIMATE, "said so")

    def roundoff(self) -> float:
        return 0.0

    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        return ("Shift", self.n)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls(4)


def clipped_basis() -> Case:
    x = np.linspace(-2.0, 2.0, 9)
    model = Saturation(Identity(9), -1.0, 1.0)
    return Problem(model, model(x)), x


def few_rows() -> Case:
    rows = np.random.default_rng(0).standard_normal((8, 60))
    x = np.full(60, 0.1)
    model = ReLU(Dense(rows))
    return Problem(model, model(x)), x


def dependent_rows() -> Case:
    rows = np.zeros((6, 3))
    rows[:, 0] = 1.0
    x = np.ones(3)
    model = ReLU(Dense(rows))
    return Problem(model, model(x)), x


def inconsistent() -> Case:
    rows = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    return Problem(ReLU(Dense(rows)), np.array([1.0, 2.0, 1.0]), noise=0.1), np.array(
        [1.5, 1.0]
    )


def empty_box() -> Case:
    model = Saturation(Identity(3), -1.0, 1.0)
    return Problem(model, np.array([0.5, 1.0, 1.0]), domain=Box(-0.9, 0.9)), np.full(3, 0.5)


def outside() -> Case:
    model = Saturation(Identity(3), -1.0, 1.0)
    return Problem(model, np.array([0.5, 1.0, 1.0]), domain=Box(-2.0, 2.0)), np.full(3, 3.0)


def open_support() -> Case:
    model = ReLU(Dense(np.random.default_rng(1).standard_normal((3, 5))))
    x = np.ones(5)
    return Problem(model, np.zeros(3), domain=Support(np.ones(5, dtype=bool))), x


def zero_signal() -> Case:
    model = Modulus(Dense(np.random.default_rng(2).standard_normal((9, 3))))
    return Problem(model, np.zeros(9)), np.zeros(3)


def far_from_the_data() -> Case:
    model = Modulus(Dense(np.random.default_rng(2).standard_normal((9, 3))))
    return Problem(model, model(np.ones(3)) + 1.0, noise=3.0), np.ones(3)


def few_magnitudes() -> Case:
    rng = np.random.default_rng(2)
    model = Modulus(Dense(rng.standard_normal((4, 3)) + 1j * rng.standard_normal((4, 3))))
    return Problem(model, model(np.ones(3))), np.ones(3)


def no_roundoff() -> Case:
    model = ReLU(Opaque(np.random.default_rng(3).standard_normal((20, 3))), -9.0)
    x = np.ones(3)
    return Problem(model, model(x)), x


def too_large() -> Case:
    model = Saturation(Shift(4000), -1.0, 1.0)
    x = np.zeros(4000)
    return Problem(model, x), x


def small_budget() -> Case:
    model = Saturation(Identity(5), -1.0, 1.0)
    prior = Quadratic(Dense(np.diff(np.eye(5), axis=0)), 0.5)
    return Problem(model, np.array([0.0, 1.0, 0.0, 1.0, 0.0]), prior=prior), np.ones(5)


def blind_prior() -> Case:
    model = Saturation(Identity(4), -1.0, 1.0)
    prior = Quadratic(Dense(np.array([[1.0, 0.0, 0.0, 0.0]])), 9.0)
    return Problem(model, np.array([0.0, 0.1, 1.0, 0.2]), prior=prior), np.ones(4)


def huge_prior() -> Case:
    model = Saturation(Identity(4000), -1.0, 1.0)
    return Problem(model, np.ones(4000), prior=Quadratic(Shift(4000), 99.0)), np.ones(4000)


def misfit() -> Case:
    model = Saturation(Identity(6), -1.0, 1.0)
    prior = Subspace(Dense(np.ones((1, 6))))
    return Problem(model, np.array([0.1, 0.2, 0.3, 0.1, 0.2, 1.0]), prior=prior), np.ones(6)


def one_sided() -> Case:
    model = Saturation(Identity(6), -1.0, 1.0)
    prior = Subspace(Dense(np.ones((1, 6))))
    return Problem(model, np.array([0.2, 0.2, 0.2, 0.2, 0.2, 1.0]), prior=prior), np.ones(6)


def wide_subspace() -> Case:
    model = Saturation(Identity(6), -1.0, 1.0)
    prior = Subspace(Dense(np.eye(4, 6)))
    return Problem(model, np.array([0.2, 0.2, 1.0, 1.0, 0.2, 1.0]), prior=prior), np.ones(6)


def huge_subspace() -> Case:
    model = Saturation(Identity(1600), -1.0, 1.0)
    prior = Subspace(Identity(1600))
    return Problem(model, np.ones(1600), prior=prior), np.ones(1600)


def unbounded_polytope() -> Case:
    model = ReLU(Dense(np.eye(3)[:2]))
    return Problem(
        model, np.array([1.0, 0.0]), domain=Support(np.ones(3, dtype=bool))
    ), np.ones(3)


REASONS: dict[str, tuple[Callable[[], Case], Why]] = {
    "clipped basis": (clipped_basis, Why.CLIPPED_BASIS),
    "few rows": (few_rows, Why.FEW_ROWS),
    "dependent rows": (dependent_rows, Why.NOT_PROVED),
    "inconsistent data": (inconsistent, Why.EMPTY),
    "empty box": (empty_box, Why.EMPTY),
    "outside the domain": (outside, Why.OUTSIDE_DOMAIN),
    "nothing seen of the support": (open_support, Why.SUBSPACE_OPEN),
    "magnitudes of nothing": (zero_signal, Why.ZERO_SIGNAL),
    "magnitudes far from the signal's": (far_from_the_data, Why.DEVIATION),
    "too few magnitudes": (few_magnitudes, Why.PHASES_OPEN),
    "rounding unknown": (no_roundoff, Why.NO_ROUNDOFF),
    "too large": (too_large, Why.TOO_LARGE),
    "budget too small": (small_budget, Why.NO_SIGNAL_OF_PRIOR),
    "blind prior": (blind_prior, Why.PRIOR_OPEN),
    "prior too large": (huge_prior, Why.PRIOR_TOO_LARGE),
    "wrong subspace": (misfit, Why.MISFIT),
    "subspace against the clipped samples": (one_sided, Why.ONE_SIDED),
    "wide subspace": (wide_subspace, Why.SUBSPACE_OPEN),
    "subspace too large": (huge_subspace, Why.SUBSPACE_TOO_LARGE),
    "unbounded": (unbounded_polytope, Why.SUBSPACE_OPEN),
}


@pytest.mark.parametrize("name", REASONS)
def test_reasons_are_given_and_verified(name: str) -> None:
    build, why = REASONS[name]
    problem, signal = build()
    certificate = certify_posteriori(problem, signal)
    assert certificate.error_bound == math.inf
    assert certificate.evidence.values["why"] == why.name
    reason = certificate.reason
    assert reason is not None
    assert "{" not in reason
    assert len(reason.split()) >= 8
    again = Certificate.from_json(certificate.to_json())
    verdict = verify(again, problem)
    assert verdict.accepted, verdict.reasons


def test_every_reason_has_a_case() -> None:
    covered = {why for _, why in REASONS.values()}
    # linear programs' own (test_polytope), spectrograms' (test_modulus_reasons, and
    # test_island_attack), last resort
    elsewhere = {Why.UNBOUNDED, Why.LINEAR_PROGRAM, Why.NO_PROOF}
    elsewhere |= {Why.CHAIN_OPEN, Why.CHAIN_LOOSE, Why.WINDOW_BLIND, Why.FEW_CHANNELS}
    elsewhere |= {Why.WINDOW_SYMMETRIC, Why.FRAMES_BLIND, Why.HOP_WIDE}
    elsewhere |= {Why.ISLAND, Why.ISLAND_OPEN, Why.ISLANDS_LEFT}
    assert set(Why) - covered == elsewhere


def test_clipped_basis_in_plain_words() -> None:
    problem, signal = clipped_basis()
    certificate = certify_posteriori(problem, signal)
    assert certificate.reason is not None
    assert certificate.reason.startswith(
        "6 of 9 samples are clipped; the data fix none of them"
    )
    # fewer rows than unknowns: the smallest eigenvalue is exactly zero
    assert (certificate.kappa.lower, certificate.kappa.upper) == (0.0, 0.0)
    assert certificate.amplification.lower == math.inf


def test_a_restored_reason_is_the_same() -> None:
    reason = Withheld(Why.FEW_ROWS, {"fixed": 2, "total": 5, "needed": 3})
    assert Withheld.restored(reason.values()).sentence == reason.sentence
    with pytest.raises(ParameterError, match="no reason"):
        Withheld.restored({"why": "NONE"})


def test_empty_is_proved_only_beyond_the_noise() -> None:
    rows = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    model, data = ReLU(Dense(rows)), np.array([1.0, 2.0, 1.0])
    # the nearest consistent point misses by sqrt(1/2)
    for noise, finite in ((math.sqrt(0.5) * 1.0001, True), (math.sqrt(0.5) * 0.9999, False)):
        problem = Problem(model, data, noise=noise)
        assert certify_posteriori(problem, np.array([1.5, 1.0])).finite == finite
