"""Attackers of what is promised of magnitudes: locally, near a signal, of all signals, islands.

Of steps the inequality itself is attacked, by changes lowered by gradient descent at a given
distance; of bounds, signals that are consistent with the data are driven as far as they go.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from attack_scene import NONE_YET, Tally, worst_of

from recover.certificates.certificate import Certificate
from recover.certificates.posteriori import certify_posteriori
from recover.core.arrays import Array
from recover.frames import STFT, Dense, Frame, Spectrogram
from recover.models import Modulus, Noise, Problem

BATCH, DESCENTS, HALVINGS, DRAWS = 300, 20, 40, 60
# powers of two of rows and signals
SCALES = ((0, 0), (0, 0), (0, 0), (40, -60), (-300, 250), (250, -200), (0, -1000), (-480, 0))


def norms(x: Array) -> Array:
    return np.linalg.norm(x.reshape(len(x), math.prod(x.shape[1:])), axis=1)


def aligned(x: Array, z: Array) -> Array:
    """The signals x, each with the sign or phase that brings it nearest to z."""
    product = (x.conj() * z).sum(axis=tuple(range(1, x.ndim)), keepdims=True)
    size = np.abs(product)
    return x * np.where(size > 0, product / np.where(size > 0, size, 1.0), 1.0)


def drawn(rng: np.random.Generator, frame: Frame, *batch: int) -> Array:
    x = rng.standard_normal((*batch, *frame.signal_shape))
    return x if frame.real_signal else x + 1j * rng.standard_normal(x.shape)


def dense_frame(rng: np.random.Generator) -> Frame:
    """Real rows, complex rows, or complex rows of real signals; some ill-conditioned."""
    n = int(rng.integers(2, 9))
    m = int(rng.integers(5, 10)) * n
    kind = rng.integers(3)
    rows = rng.standard_normal((m, n))
    if kind > 0:
        rows = rows + 1j * rng.standard_normal((m, n))
    if rng.random() < 0.3:
        turn = np.linalg.qr(rng.standard_normal((n, n)))[0]
        rows = rows @ (turn * np.logspace(0.0, -rng.uniform(0.3, 2.0), n)) @ turn.T
    return Dense(rows, real_signal=bool(kind != 1))


def lowered(frame: Frame, x_hat: Array, h: Array, radius: Array) -> Array:
    """Lower the change of magnitudes at given distances by projected gradient steps."""
    upper, before = frame.bounds().upper, np.abs(frame.analysis(x_hat))
    scale = radius.reshape(-1, *(1,) * x_hat.ndim)
    for _ in range(DESCENTS):
        t = frame.analysis(x_hat + h)
        size = np.maximum(np.abs(t), 1e-300)
        h = x_hat + h - frame.synthesis((size - before) * t / size) / upper
        h = aligned(h, x_hat) - x_hat
        h = h * (scale / np.maximum(norms(h), 1e-300).reshape(scale.shape))
    return h


def step_tally(
    rng: np.random.Generator, frame: Frame, x_hat: Array, step: Array, witness: Array | None
) -> Tally:
    """Changes of every size that the step speaks of, random and lowered."""
    theta, sigma, weight, low, high = step
    start = drawn(rng, frame, BATCH)
    if witness is not None:
        signs = np.where(np.arange(BATCH // 4) % 2, 1.0, -1.0).reshape(-1, *(1,) * x_hat.ndim)
        start[: BATCH // 4] = witness * signs + 1e-2 * start[: BATCH // 4]
    start = aligned(x_hat + 1e-3 * start, x_hat) - x_hat
    ends = np.log([max(low, 1e-6 * high), high])
    radius = np.exp(rng.uniform(*ends, BATCH))
    radius[::4] = high
    start *= (radius / norms(start)).reshape(-1, *(1,) * x_hat.ndim)
    before, tally = np.abs(frame.analysis(x_hat)), NONE_YET
    for h in (start, lowered(frame, x_hat, start, radius)):
        change = aligned(x_hat + h, x_hat) - x_hat
        r = norms(change)
        inside = (r > 0.0) & (r <= high) & (r < theta)
        r, change = r[inside], change[inside]
        kappa = np.maximum(sigma - r * theta * weight / (2.0 * (theta - r)), 0.0)
        seen = norms(np.abs(frame.analysis(x_hat + change)) - before)
        # the change is computed with an error of about |Phi x_hat| U
        doubt = 1e-13 * np.linalg.norm(before)
        tally = tally.and_also(Tally(r.size, worst_of(kappa * r, seen + doubt)))
    return tally


def driven(frame: Frame, y: Array, noise: float, x_hat: Array, x: Array, far: float) -> Array:
    """Distances of consistent signals, each pushed from x_hat towards one of `x`."""
    ways = aligned(x, x_hat) - x_hat
    ways /= norms(ways).reshape(-1, *(1,) * x_hat.ndim)

    def at(t: Array) -> tuple[Array, Array]:
        here = x_hat + ways * t.reshape(-1, *(1,) * x_hat.ndim)
        return here, norms(np.abs(frame.analysis(here)) - y) <= noise * (1.0 - 1e-6)

    low, high = np.zeros(len(ways)), np.full(len(ways), far)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        fits = at(middle)[1]
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    ends, fits = at(low)
    return norms(aligned(ends[fits], x_hat) - x_hat)


def data(
    rng: np.random.Generator, frame: Frame, size: float, inside: float
) -> tuple[Array, Array, float]:
    """A recovered signal, magnitudes of a signal near it, and the bound of their noise."""
    x_hat = drawn(rng, frame)
    clean = np.abs(frame.analysis(x_hat))
    noise = size * float(np.linalg.norm(clean)) / np.sqrt(clean.size)
    e = rng.standard_normal(clean.shape)
    return x_hat, np.abs(clean + e * (inside * noise / np.linalg.norm(e))), noise


def local_attack(
    rng: np.random.Generator, sizes: tuple[float, float], kind: str, inside: float
) -> Tally:
    """One recovered signal, at some scale of rows and signals."""
    p, q = SCALES[rng.integers(len(SCALES))]
    frame = dense_frame(rng)
    x_hat, y, noise = data(rng, frame, 10.0 ** rng.uniform(*sizes), inside)
    scaled = Dense(np.ldexp(1.0, p) * frame.matrix(), real_signal=frame.real_signal)
    problem = Problem(
        Modulus(scaled), np.ldexp(y, p + q), noise=Noise(l2=float(np.ldexp(noise, p + q)))
    )
    certificate = certify_posteriori(problem, x_hat * np.ldexp(1.0, q))
    if certificate.evidence.kind != kind:
        return NONE_YET
    unit = np.ldexp(1.0, np.array([-q, -p, q - p, -q, -q]))
    witness = certificate.evidence.arrays.get("witness")
    witness = None if witness is None else witness / np.linalg.norm(witness)
    tally = NONE_YET
    for row in certificate.evidence.arrays.get("steps", np.empty((0, 5))):
        tally = tally.and_also(step_tally(rng, frame, x_hat, row * unit, witness))
    return tally.and_also(bound_tally(rng, certificate, frame, (x_hat, y, noise), witness, q))


def bound_tally(
    rng: np.random.Generator,
    certificate: Certificate,
    frame: Frame,
    case: tuple[Array, Array, float],
    witness: Array | None,
    q: int = 0,
) -> Tally:
    """Consistent signals within the radius, against the error bound."""
    if not certificate.finite:
        return NONE_YET
    x_hat, y, noise = case
    size = float(np.linalg.norm(x_hat))
    radius = float(certificate.scope.details.get("radius", np.inf)) * np.ldexp(1.0, -q)
    start = x_hat + 1e-2 * size * drawn(rng, frame, BATCH)
    if witness is not None:
        start[: BATCH // 2] = x_hat + np.where(rng.random(BATCH // 2) < 0.5, 1, -1).reshape(
            -1, *(1,) * x_hat.ndim
        ) * (1e-2 * size * (witness + 10.0 ** rng.uniform(-4, 0) * drawn(rng, frame, 1)))
    apart = driven(frame, y, noise, x_hat, start, min(radius, 10.0 * size))
    apart = apart[apart <= radius]
    return Tally(apart.size, worst_of(apart * np.ldexp(1.0, q), certificate.error_bound))


def lags_attack(rng: np.random.Generator) -> Tally:
    """A spectrogram with hop 1: also signals pulled towards the data from afar."""
    width = int(rng.integers(3, 6))
    window = np.exp(-np.arange(width) / rng.uniform(1.0, 3.0))
    n = int(rng.integers(2 * width + 2, 18))
    frame: Frame = STFT(n, window, real_signal=bool(rng.random() < 0.5))
    if rng.random() < 0.4:
        frame = Spectrogram.centered(n, window, 1)
    x_hat, y, noise = data(rng, frame, 10.0 ** rng.uniform(-6, -3), 0.3)
    problem = Problem(Modulus(frame), y, noise=Noise(l2=noise))
    certificate = certify_posteriori(problem, x_hat)
    if certificate.evidence.kind != "modulus lags":
        return NONE_YET
    witness = certificate.evidence.arrays.get("witness")
    tally = bound_tally(rng, certificate, frame, (x_hat, y, noise), witness)
    for row in certificate.evidence.arrays.get("steps", np.empty((0, 5))):
        tally = tally.and_also(step_tally(rng, frame, x_hat, row, witness))
    ghosts, upper = drawn(rng, frame, 60), frame.bounds().upper
    for _ in range(150):
        t = frame.analysis(ghosts)
        size = np.maximum(np.abs(t), 1e-300)
        ghosts = ghosts - frame.synthesis((size - y) * t / size) / upper
    fits = norms(np.abs(frame.analysis(ghosts)) - y) <= noise * (1.0 - 1e-6)
    apart = norms(aligned(ghosts[fits], x_hat) - x_hat)
    return tally.and_also(Tally(apart.size, worst_of(apart, certificate.error_bound)))


def repeated(
    attack: Callable[[np.random.Generator], Tally],
) -> Callable[[np.random.Generator, int], Tally]:
    """Draw and attack until so many pairs were tried."""

    def until(rng: np.random.Generator, budget: int) -> Tally:
        tally, idle = NONE_YET, 0
        while tally.pairs < budget:
            more = attack(rng)
            idle = 0 if more.pairs else idle + 1
            assert idle < DRAWS, "no certificate of this kind was issued"
            tally = tally.and_also(more)
        return tally

    return until


ATTACKERS = {
    "modulus": repeated(lambda rng: local_attack(rng, (-6.0, -2.0), "modulus", 0.5)),
    "modulus_near": repeated(lambda rng: local_attack(rng, (-0.5, 0.5), "modulus_near", 0.9)),
    "modulus lags": repeated(lags_attack),
}
