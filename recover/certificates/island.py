"""Islands of a spectrogram: how far magnitudes fix what lies on one of them.

Let U be some strong coefficients of a recovered sound x_hat, ``z = Phi x_hat``,
``u = z / |z|`` on U, and n the sound ``Phi^* (i z on U, 0 elsewhere)``: the direction in which
the island's phase turns.  The magnitudes on U see that turn only where it meets other
coefficients, so for a sound of several islands their relative phases stay open, and so does the
phase of a single one that keeps away from the lowest and the highest bin.

For a change h of the sound within the samples that the island's frames meet, ``d = Phi h`` and

``|J h|^2 = sum_U Re(conj(u) d)^2 + sum_(not U) |d|^2 = <h, S h>``,
``S h = Phi^* (d - i u Im(conj(u) d) on U)``.

If ``|J h| >= s |h|`` for h at right angles to n, then for ``|h| <= r < theta``, with theta the
least ``|z| / |phi|`` on U, as in `recover.certificates.phase.stage`

``(sum_U (|z + d| - |z|)^2 + sum_(not U) |d|^2)^(1/2) >= kappa(r) |h|``,
``kappa(r) = s - r theta W / (2 (theta - r))``, ``W = sqrt(B - s^2) / theta``,

since outside U the change itself counts, and ``sum_U Im(conj(u) d)^2 <= B |h|^2 - |J h|^2``.
So a change of the sound either shows outside the island, or in the island's magnitudes, or it
turns the island's phase.

The bound of s.  With P the projection at right angles to n, ``A = P (B - S) P`` is not negative
and its largest eigenvalue is ``B - s^2``; it is bounded by `phase.krylov`.  The computed phases
are off by at most E, which moves J by ``E sqrt(B)``, and the computed n by delta, which costs
``2 delta sqrt(B)`` in all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from recover.certificates.phase.filter import Operator, inner, unit
from recover.certificates.phase.krylov import krylov_upper
from recover.certificates.roundoff import adjoint_roundoff
from recover.core.arrays import Array
from recover.core.rounding import U, down, gamma, norm_lower, norm_upper, up
from recover.frames.spectrogram import Spectrogram

__all__ = [
    "KAPPA_SHARE",
    "Island",
    "Stability",
    "coefs_of",
    "island_of",
    "radius_of",
    "sigma_island",
]

KAPPA_SHARE = 0.5  # of s: kappa within the radius that is stated


class Stability(NamedTuple):
    """A bound s that holds with the chance asked for (0 if none), and the products it took."""

    sigma: float
    products: int


@dataclass(frozen=True, eq=False)
class Island:
    """Some coefficients of a recovered sound, and the frames that meet their samples.

    Parameters
    ----------
    frame : Spectrogram
        Of the samples that the island's frames meet, with all frames that meet these.
    first : int
        The first of these samples.
    mask : array of bool [shape=frame.coef_shape]
        U.
    coefs : array of complex [shape=frame.coef_shape]
        The computed coefficients of the whole sound.
    error : float
        Bound of the error of each.
    """

    frame: Spectrogram
    first: int
    mask: Array
    coefs: Array
    error: float

    @property
    def count(self) -> int:
        """Number of coefficients."""
        return int(np.count_nonzero(self.mask))

    @cached_property
    def least(self) -> float:
        """Lower bound of the smallest modulus on the island."""
        return max(down(float(np.abs(self.coefs[self.mask]).min()) - self.error, 4), 0.0)

    @cached_property
    def threshold(self) -> float:
        """Lower bound of theta: the norms of rows are at most the window's."""
        row = up(norm_upper(self.frame.window) * math.sqrt(2.0 / self.frame.window.size), 4)
        return down(self.least / row, 2)

    @cached_property
    def upper(self) -> float:
        """Upper bound of the frame operator."""
        return self.frame.bounds().upper

    @cached_property
    def phases(self) -> Array:
        """The phases u on the island, 0 elsewhere."""
        sizes = np.where(self.mask, np.abs(self.coefs), 1.0)
        return np.asarray(np.where(self.mask, self.coefs / sizes, 0.0))

    @cached_property
    def turn(self) -> tuple[Array, float]:
        """The direction n of norm 1, and a bound of its error."""
        values = np.where(self.mask, 1j * self.coefs, 0.0)
        n = self.frame.synthesis(values)
        wrong = up(adjoint_roundoff(self.frame) * norm_upper(values), 2)
        wrong += up(math.sqrt(self.upper * self.count) * self.error, 4)
        size = norm_lower(n)
        if size <= 4.0 * wrong:
            return np.zeros_like(n), math.inf
        return unit(n), up(2.0 * wrong / size + 16.0 * U, 4)


def island_of(frame: Spectrogram, signal: Array, first: int, mask: Array) -> Island:
    """Return an island of a recovered sound.

    Parameters
    ----------
    frame : Spectrogram
        Of the whole sound.
    signal : array of float64 [shape=(frame.length,)]
    first : int
        The frame that the rows of `mask` begin with.
    mask : array of bool [shape=(frames, bins)]
        Which coefficients of these frames make up the island; some in its first and last row.
    """
    size, hop, lead = frame.window.size, frame.hop, frame.lead
    begin, end = _met(frame, first, first + len(mask) - 1)
    low = max((begin + lead - size) // hop + 1, 0)
    high = min((end - 1 + lead) // hop, frame.frames - 1)
    own = Spectrogram(
        end - begin, frame.window, hop, begin - (low * hop - lead), high - low + 1
    )
    # of the whole sound: samples around the island's are met as well
    coefs, error = coefs_of(frame, signal, low, high)
    whole = np.zeros(own.coef_shape, dtype=bool)
    whole[first - low : first - low + len(mask)] = mask
    return Island(own, begin, whole, coefs, error)


def coefs_of(frame: Spectrogram, signal: Array, low: int, high: int) -> tuple[Array, float]:
    """Return the coefficients of the frames `low` to `high`, and a bound of their error."""
    begin, end = _met(frame, low, high)
    lead = begin - (low * frame.hop - frame.lead)
    part = Spectrogram(end - begin, frame.window, frame.hop, lead, high - low + 1)
    samples = signal[begin:end]
    return part.analysis(samples), up(part.roundoff() * norm_upper(samples), 4)


def _met(frame: Spectrogram, low: int, high: int) -> tuple[int, int]:
    """Return the samples, begin and end, that frames from `low` to `high` meet."""
    met = np.flatnonzero(frame.window)
    begin = low * frame.hop - frame.lead + int(met[0])
    end = high * frame.hop - frame.lead + int(met[-1]) + 1
    return max(begin, 0), min(end, frame.length)


def radius_of(island: Island, sigma: float) -> float:
    """Return the radius within which kappa is at least `KAPPA_SHARE` (half) of sigma."""
    theta = island.threshold
    bent = math.sqrt(max(island.upper - sigma * sigma, 0.0))  # theta W
    return down(sigma * theta / (bent + sigma) * (1.0 - 2.0**-30), 8)


def sigma_island(
    island: Island,
    delta: float,
    rng: np.random.Generator,
    *,
    steps: int,
    loss: float,
    at: float | None = None,
) -> Stability:
    """Return s that holds with probability 1 - delta.

    Parameters
    ----------
    island : Island
    delta : float
    rng : Generator
    steps : int
        The most products of a start; there are two.
    loss : float
        The part of s^2 that may be lost for speed.
    at : float, optional
        Only prove this value.
    """
    (turn, off), upper = island.turn, island.upper
    if island.least <= 0.0 or not math.isfinite(off):
        return Stability(0.0, 0)
    error = up(2.0 * island.error / island.least + 8.0 * U, 4)
    lost = up((error + 2.0 * off) * math.sqrt(upper), 4)
    top = up(upper * (1.0 + error) ** 2, 4)
    operator = _outward(island, turn, top)
    enough = None if at is None else down(top - up(up(at + lost, 2) ** 2, 4), 4)
    bound, _ = krylov_upper(
        operator, delta, rng, steps=steps, top=top, loss=loss, enough=enough
    )
    square = down(top - bound.value, 2)
    if not square > 0.0:
        return Stability(0.0, 2 * bound.steps)
    return Stability(max(down(down(math.sqrt(square), 2) - lost, 2), 0.0), 2 * bound.steps)


def _outward(island: Island, turn: Array, top: float) -> Operator:
    """Return ``P (top - S) P``."""
    frame, phases = island.frame, island.phases
    norm = math.sqrt(island.upper)

    def across(v: Array) -> Array:
        return np.asarray(v - inner(turn, v)[0].real * turn)

    def apply(v: Array) -> Array:
        v = across(v)
        c = frame.analysis(v)
        c -= (1j * (phases.conj() * c).imag) * phases
        return across(top * v - frame.synthesis(c))

    slip = inner(turn, turn)[1] + gamma(16)
    passes = frame.roundoff() + adjoint_roundoff(frame)
    error = norm * (passes * (1.0 + 1e-6) + 64.0 * U * norm) + 16.0 * U * top
    whole = up(error + 8.0 * slip * top, 4)
    return Operator(apply, frame.signal_shape, False, whole, top, False, False)
