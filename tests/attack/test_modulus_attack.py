"""Certificates of magnitudes under attack: random, extremal and optimised signals.

Two things are attacked: the inequality behind each step, at its own distance, and the promise
as a whole, by signals that are consistent with the data by construction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from recover.certificates.phase.stage import Stage, kappa_at
from recover.certificates.posteriori import certify_posteriori
from recover.core.arrays import Array
from recover.frames import (
    STFT,
    CodedDiffraction,
    Dense,
    Fourier,
    Frame,
    Fresnel,
    Identity,
    Stack,
)
from recover.frames.base import FrameBounds
from recover.models import Modulus, Noise, Problem, Support


def gaussian(rng: np.random.Generator, m: int, n: int, kind: str) -> Frame:
    rows = rng.standard_normal((m, n))
    if kind == "real":
        return Dense(rows)
    return Dense(rows + 1j * rng.standard_normal((m, n)), kind == "complex rows, real signals")


def signal_of(frame: Frame | Inside, rng: np.random.Generator, *batch: int) -> Array:
    x = rng.standard_normal((*batch, *frame.signal_shape))
    x = x if frame.real_signal else x + 1j * rng.standard_normal(x.shape)
    return x * frame.mask if isinstance(frame, Inside) else x


def aligned(x: Array, z: Array) -> Array:
    """The signals x, each with the sign or phase that brings it nearest to z."""
    axes = tuple(range(1, x.ndim))
    product = (x.conj() * z).sum(axis=axes, keepdims=True)
    size = np.abs(product)
    return x * np.where(size > 0, product / np.where(size > 0, size, 1.0), 1.0)


@dataclass(frozen=True, eq=False)
class Inside:
    """A frame for the attacks, whose signals stay in a support."""

    frame: Frame
    mask: Array

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return self.frame.signal_shape

    @property
    def real_signal(self) -> bool:
        return self.frame.real_signal

    def bounds(self) -> FrameBounds:
        return self.frame.bounds()

    def analysis(self, x: Array) -> Array:
        return self.frame.analysis(x * self.mask)

    def synthesis(self, c: Array) -> Array:
        return self.frame.synthesis(c) * self.mask


def norms(x: Array) -> Array:
    return np.linalg.norm(x.reshape(x.shape[0], -1), axis=1)


def change(frame: Frame | Inside, x_hat: Array, h: Array) -> Array:
    return np.abs(frame.analysis(x_hat + h)) - np.abs(frame.analysis(x_hat))


def optimised(frame: Frame | Inside, x_hat: Array, h: Array, radius: Array) -> Array:
    """Lower the change of magnitudes at a given distance by projected gradient steps."""
    upper = frame.bounds().upper
    scale = radius.reshape(-1, *(1,) * x_hat.ndim)
    for _ in range(25):
        t = frame.analysis(x_hat + h)
        size = np.maximum(np.abs(t), 1e-300)
        gradient = frame.synthesis((size - np.abs(frame.analysis(x_hat))) * t / size)
        h = aligned(x_hat + h - gradient / upper, x_hat) - x_hat
        h = h * (scale / np.maximum(norms(h), 1e-300).reshape(scale.shape))
    return h


def attack_step(
    frame: Frame | Inside,
    x_hat: Array,
    step: Stage,
    rng: np.random.Generator,
    witness: Array | None,
) -> tuple[float, int]:
    """The smallest quotient of a change of magnitudes and what the step promises; the pairs."""
    start = signal_of(frame, rng, 24)
    if witness is not None:
        start[:6] = witness * np.array([1, -1, 1, -1, 1, -1]).reshape(-1, *(1,) * x_hat.ndim)
    start = aligned(x_hat + 1e-3 * start, x_hat) - x_hat
    low = max(step.low, 1e-6 * step.high)
    radius = np.exp(rng.uniform(np.log(low), np.log(step.high), 24))
    radius[::4] = step.high
    start *= (radius / norms(start)).reshape(-1, *(1,) * x_hat.ndim)
    worst, pairs = np.inf, 0
    for h in (start, optimised(frame, x_hat, start, radius)):
        h = aligned(x_hat + h, x_hat) - x_hat  # noqa: PLW2901
        distance = norms(h)
        inside = (distance > 0) & (distance <= step.high)
        promised = np.array(
            [max(kappa_at(step.threshold, step.sigma, step.weight, r), 0.0) for r in distance]
        )
        seen = norms(change(frame, x_hat, h))
        # the change is computed with an error of about |Phi x_hat| U
        doubt = 1e-13 * np.linalg.norm(frame.analysis(x_hat))
        quotient = (seen + doubt)[inside] / (promised * distance)[inside].clip(1e-300)
        pairs += int(inside.sum())
        worst = min(worst, float(quotient.min(initial=np.inf)))
    return worst, pairs


@pytest.mark.parametrize("kind", ["real", "complex", "complex rows, real signals"])
def test_no_step_is_violated(kind: str) -> None:
    rng = np.random.default_rng(31)
    worst, usable, pairs = np.inf, 0, 0
    for trial in range(14):
        n = (3, 6, 12)[trial % 3]
        frame = gaussian(rng, (6, 10)[trial % 2] * n, n, kind)
        model, x_hat = Modulus(frame), signal_of(frame, rng)
        size = np.linalg.norm(x_hat)
        noise = size * (0.0, 1e-4, 1e-2)[trial % 3]
        certificate = certify_posteriori(Problem(model, model(x_hat), noise=noise), x_hat)
        if not certificate.finite:
            continue
        usable += 1
        witness = certificate.evidence.arrays.get("witness")
        for row in certificate.evidence.arrays["steps"]:
            found, tried = attack_step(frame, x_hat, Stage(*row), rng, witness)
            worst, pairs = min(worst, found), pairs + tried
    assert usable >= 12
    assert pairs >= 700
    assert worst >= 1.0
    assert worst < 1.2  # and it is nearly attained


@pytest.mark.parametrize(("budget", "n"), [(None, 24), (9.0, 40)])
def test_no_step_of_coded_diffraction_is_violated(budget: float | None, n: int) -> None:
    rng = np.random.default_rng(32)
    for build in (CodedDiffraction.random_phases, CodedDiffraction.octanary):
        frame = build((n, n), 4, rng)  # too large for matrices
        model, x_hat = Modulus(frame), signal_of(frame, rng)
        problem = Problem(model, model(x_hat), noise=1e-5)
        certificate = certify_posteriori(problem, x_hat, budget=budget)
        assert certificate.finite
        assert "near:0" in certificate.evidence.values
        for row in certificate.evidence.arrays["steps"]:
            assert attack_step(frame, x_hat, Stage(*row), rng, None)[0] >= 1.0


@pytest.mark.parametrize("kind", ["real far field", "far field", "two planes", "near fields"])
def test_no_step_of_supports_and_planes_is_violated(kind: str) -> None:
    """Too large for matrices; signals of the support, and the witness among them."""
    rng = np.random.default_rng(35)
    shape = (40, 36)
    mask = np.zeros(shape, dtype=bool)
    mask[2:37, 3:35] = True
    frame: Frame = {
        "real far field": Fourier(shape, 2, real_signal=True, one_sided=True),
        "far field": Fourier(shape, 2),
        "two planes": Stack([Identity(shape, real_signal=False), Fourier(shape)]),
        "near fields": Fresnel(shape, 1.0, 1.0, [9.0, 14.0, 20.0, 31.0]),
    }[kind]
    inside = Inside(frame, mask)
    x_hat = signal_of(frame, rng) * mask
    problem = Problem(Modulus(frame), Modulus(frame)(x_hat), domain=Support(mask))
    certificate = certify_posteriori(problem, x_hat)
    assert certificate.finite
    assert "near:0" in certificate.evidence.values
    witness = certificate.evidence.arrays["witness"]
    for row in certificate.evidence.arrays["steps"]:
        assert attack_step(inside, x_hat, Stage(*row), rng, witness)[0] >= 1.0


def farthest(problem: Problem, x_hat: Array, start: Array, reach: float) -> float:
    """Walk from x_hat towards each start for as long as the data allow it."""
    frame, allowed = problem.model.frame, problem.noise_bound.l2
    best = 0.0
    ways = aligned(start, x_hat) - x_hat
    ways /= norms(ways).reshape(-1, *(1,) * x_hat.ndim)
    low, high = np.zeros(len(ways)), np.full(len(ways), reach)
    for _ in range(40):
        middle = 0.5 * (low + high)
        x = x_hat + ways * middle.reshape(-1, *(1,) * x_hat.ndim)
        off = norms(np.abs(frame.analysis(x)) - problem.y)
        fits = off <= allowed
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    ends = x_hat + ways * low.reshape(-1, *(1,) * x_hat.ndim)
    fits = norms(np.abs(frame.analysis(ends)) - problem.y) <= allowed
    distance = norms(aligned(ends, x_hat) - x_hat)
    return max(best, float(distance[fits & (distance <= reach)].max(initial=0.0)))


@pytest.mark.parametrize("kind", ["real", "complex", "complex rows, real signals", "support"])
def test_no_consistent_signal_lies_beyond_the_bound(kind: str) -> None:
    rng = np.random.default_rng(33)
    attained = 0.0
    for trial in range(12):
        if kind == "support":
            mask = np.zeros((6, 6), dtype=bool)
            mask[:2, :3] = True
            frame: Frame = Fourier((6, 6))
            domain = Support(mask)
        else:
            mask, domain = np.ones(1, dtype=bool), None
            frame = gaussian(rng, 40, 5, kind)
        truth = signal_of(frame, rng) * mask
        clean = np.abs(frame.analysis(truth))
        e = rng.standard_normal(clean.shape)
        noise = (1e-5, 1e-3)[trial % 2]
        y = np.abs(clean + e * (0.5 * noise / np.linalg.norm(e)))
        x_hat = truth + 0.05 * noise * signal_of(frame, rng) * mask
        problem = Problem(Modulus(frame), y, noise=Noise(l2=noise), domain=domain)
        certificate = certify_posteriori(problem, x_hat)
        if not certificate.finite:
            continue
        radius = certificate.scope.details["radius"]
        distance = float(norms(aligned(truth[None], x_hat) - x_hat)[0])
        assert distance <= min(radius, certificate.error_bound)
        start = x_hat + signal_of(frame, rng, 20) * mask
        witness = certificate.evidence.arrays["witness"]
        start[:2] = x_hat + np.stack([witness, -witness])
        found = farthest(problem, x_hat, start, radius)
        assert found <= certificate.error_bound
        attained = max(attained, found / certificate.error_bound)
    assert attained > 0.4


@pytest.mark.slow
def test_no_signal_at_all_lies_beyond_the_bound_of_a_spectrogram() -> None:
    rng = np.random.default_rng(34)
    window = np.exp(-np.arange(4) / 2.0)
    usable = 0
    for trial in range(40):
        real = bool(trial % 2)
        frame = STFT(12, window, real_signal=real)
        x_hat = signal_of(frame, rng)
        problem = Problem(Modulus(frame), np.abs(frame.analysis(x_hat)), noise=3e-4)
        certificate = certify_posteriori(problem, x_hat)
        if certificate.scope.kind != "global":
            continue
        usable += 1
        # ghosts: other signals, pulled towards the data from afar
        ghosts = signal_of(frame, rng, 12)
        for _ in range(300):
            t = frame.analysis(ghosts)
            size = np.maximum(np.abs(t), 1e-300)
            lower = frame.bounds().upper
            ghosts = ghosts - frame.synthesis((size - problem.y) * t / size) / lower
        fits = norms(np.abs(frame.analysis(ghosts)) - problem.y) <= 3e-4
        distance = norms(aligned(ghosts, x_hat) - x_hat)
        assert not (fits & (distance > certificate.error_bound)).any()
        near = farthest(problem, x_hat, x_hat + signal_of(frame, rng, 30), 10.0)
        assert near <= certificate.error_bound
    assert usable >= 20
