"""Bounds in polynomial time, for frames with too many cells to search.

Write ``phi phi^T = (r / n) I + Q`` with r = |phi|^2, so that Q is free of trace, and let
``F`` be the matrix whose rows are the Q_i as vectors.  For unit x and v the matrices
``x x^T - I / n`` and ``v v^T - I / n`` are free of trace and of squared norm ``1 - 1 / n``, so
weighted fourth moments obey

    sum w <x, phi>^2 <v, phi>^2  <=  sum w r^2 / n^2
        + (2 / n) (lambda_max(sum w r phi phi^T) - sum w r^2 / n)
        + (1 - 1 / n) lambda_max(F^T W F)                                        =: tau4

and third moments
``|sum <x, phi> <v, phi>^2| <= |sum r phi| / n + sqrt(1 - 1/n) |F^T Phi| =: tau3``.

- Saturation: ``1[low <= t <= high] >= 1 - t^2 / l^2`` with ``l = min(-low, high)`` gives
  ``A >= lambda_min(Phi^T Phi) - R^2 tau4`` with weights 1 / l^2.
- ReLU with every bias at most a < 0: if ``q(t) = (t - a)(b - g (t + a)) <= 1`` on [a, beta R],
  b, g >= 0, then ``q(t) <= 1[t >= a]`` and
  ``A >= (b |a| + g a^2) lambda_min(Phi^T Phi) - b R tau3 - g R^2 tau4``.
- Modulus: at orthogonal x, y with ``|x|^2 + |y|^2 = 1``, which suffice (see
  `lipschitz.pair_ratio_upper`), ``sum (|<x, phi>| - |<y, phi>|)^2 >= lambda_min(Phi^* Phi)
  - 2 sum |<x, phi> <phi, y>|``.  Each product is the inner product of ``phi phi^*`` with
  ``x y^*``, free of trace and of norm ``|x| |y| <= 1/2``, so Cauchy-Schwarz with weights w
  gives ``kappa^2 >= lambda_min(Phi^* Phi) - sqrt(sum 1 / w) |W^(1/2) F|``.  For real signals
  ``x y^T`` has a symmetric and an antisymmetric part of equal norms, seen by the real part P
  and the imaginary part Q of F:
  ``kappa^2 >= lambda_min - sqrt(sum 1 / w) sqrt((|P|^2 + |Q|^2) / 2)`` (P, Q weighted).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recover.core.arrays import Array
from recover.core.eigen import eigmax_upper, eigmin_lower, gram_of
from recover.core.enclosure import Enclosure
from recover.core.rounding import gamma, norm_upper, sum_upper, up

__all__ = ["Moments", "count_lower", "modulus_lower", "relu_lower", "saturation_lower"]

LARGEST_FORMS = 1e8  # entries of F; beyond it the bounds of modulus are not tried
SMALLEST_LEVEL = 1e-100  # of levels beside rows of order one; squares of smaller ones vanish


@dataclass(frozen=True, eq=False)
class Moments:
    """Proved moments of a real frame.

    Parameters
    ----------
    rows : array [shape=(m, n)]
        The frame.
    weights : array [shape=(m,)]
        Positive weights of the fourth moments.
    """

    rows: Array
    weights: Array

    @cached_property
    def lowest(self) -> float:
        """Return a proved lower bound of ``lambda_min(Phi^T Phi)``."""
        gram, slack = gram_of(self.rows)
        return eigmin_lower(gram, gram_slack=slack).value

    @cached_property
    def highest(self) -> float:
        """Return a proved upper bound of ``lambda_max(Phi^T Phi)``."""
        gram, slack = gram_of(self.rows)
        return eigmax_upper(gram, gram_slack=slack).value

    @cached_property
    def squares(self) -> Array:
        """Return ``|phi_i|^2``, rounded."""
        squares: Array = (self.rows**2).sum(axis=1)
        return squares

    @cached_property
    def traceless(self) -> tuple[Array, float]:
        """Return F, and a bound of the Frobenius norm of its error."""
        n = self.rows.shape[1]
        first, second = np.triu_indices(n)
        flat = self.rows[:, first] * self.rows[:, second]
        diagonal = first == second
        flat[:, diagonal] -= (self.squares / n)[:, None]
        flat[:, ~diagonal] *= math.sqrt(2.0)
        # each entry is made of at most n + 3 roundings of numbers that sum up to 2 r at most
        error = up(4.0 * gamma(n + 6) * norm_upper(self.squares) * math.sqrt(n), 4)
        return flat, error

    @cached_property
    def fourth(self) -> float:
        """Return tau4, rounded up."""
        n = self.rows.shape[1]
        scale = np.sqrt(self.weights)
        mixed = scale * np.sqrt(self.squares)
        gram, slack = gram_of(self.rows * mixed[:, None])
        # the factors mixed and scale are off by a few roundings of a relative size
        relative = 1.0 + 8.0 * gamma(n + 8)
        top = up(eigmax_upper(gram, gram_slack=slack).value * relative)
        flat, error = self.traceless
        spread = _norm_upper(
            flat * scale[:, None], error * float(scale.max()) + _tiny(flat, scale)
        )
        total = float((self.weights * self.squares**2).sum())
        low, high = total * (1.0 - gamma(len(mixed) + 2 * n + 8)), total * relative
        high = up(high * (1.0 + gamma(len(mixed) + 8)))
        share = Enclosure.exactly(1.0) / n
        mean = Enclosure(low, high) * share
        bound = mean * share + 2.0 * share * (Enclosure.exactly(top) - mean.lower)
        bound = bound + (1.0 - share) * (Enclosure.exactly(spread) * spread)
        return float(bound.upper)

    @cached_property
    def third(self) -> float:
        """Return tau3, rounded up."""
        m, n = self.rows.shape
        flat, error = self.traceless
        size = norm_upper(self.rows)
        product_error = up((error + gamma(m + 4) * norm_upper(flat)) * size, 4)
        spread = _norm_upper(flat.T @ self.rows, product_error)
        drift_error = gamma(m + 2 * n + 8) * float(self.squares.sum()) * size
        drift: Enclosure = Enclosure.exactly(
            up(norm_upper(self.squares @ self.rows) + 2.0 * drift_error)
        )
        share = Enclosure.exactly(1.0) / n
        return float((drift * share + (1.0 - share).sqrt() * spread).upper)


def _tiny(flat: Array, scale: Array) -> float:
    """Return what scaling the rows of F adds to its error."""
    return up(4.0 * gamma(4) * norm_upper(flat) * float(scale.max()), 4)


def _norm_upper(matrix: Array, error: float) -> float:
    """Return an upper bound of the spectral norm of a matrix that is off by `error`."""
    shorter = matrix if matrix.shape[1] <= matrix.shape[0] else matrix.T
    gram, slack = gram_of(shorter)
    top = max(eigmax_upper(gram, gram_slack=slack).value, 0.0)
    return up(Enclosure.exactly(top).sqrt().upper + error)


def saturation_lower(rows: Array, low: Array, high: Array, radius: float) -> float:
    """Return a proved lower bound of A for clipping on the ball, 0 if it says nothing."""
    level = np.minimum(-low, high)
    if not (level > SMALLEST_LEVEL).all() or not math.isfinite(radius):
        return 0.0
    # rounded up; an infinite level weighs nothing, and its row is always linear
    weights = np.where(np.isfinite(level), (1.0 / np.minimum(level, 1e150)) ** 2, 0.0)
    moments = Moments(rows, np.maximum(weights * (1.0 + 1e-14), 1e-300))
    ball = Enclosure.exactly(radius)
    return max((Enclosure.exactly(moments.lowest) - ball * ball * moments.fourth).lower, 0.0)


def count_lower(rows: Array, low: Array, high: Array, radius: float) -> float:
    """Return the counting bound of A for clipping on the ball, 0 if it says nothing.

    ``sum t_i^2 <= B R^2``, so at most ``k = floor(B R^2 / l^2)`` rows leave their bands, and by
    Gershgorin any k rows have a norm of at most ``max r + (k - 1) max |<phi_i, phi_j>|``.
    """
    level = float(np.minimum(-low, high).min())
    if not level > SMALLEST_LEVEL or not math.isfinite(radius):
        return 0.0
    moments = Moments(rows, np.ones(len(rows)))
    reach = Enclosure.exactly(moments.highest) * radius * radius / level / level
    count = min(math.floor(min(reach.upper, 1e15)), len(rows))
    largest = coherence = float(moments.squares.max())
    if len(rows) <= 4000:
        products = np.abs(rows @ rows.T)
        np.fill_diagonal(products, 0.0)
        coherence = float(products.max())
    error = gamma(rows.shape[1] + 8) * largest
    removed = Enclosure.exactly(largest + 2.0 * error) + max(count - 1, 0) * Enclosure.exactly(
        up(coherence + 2.0 * error)
    )
    if count == 0:
        return moments.lowest
    most = min(removed.upper, moments.highest)
    return max((Enclosure.exactly(moments.lowest) - most).lower, 0.0)


def relu_lower(rows: Array, bias: Array, radius: float) -> float:
    """Return a proved lower bound of A for a ReLU with negative bias on the ball, or 0."""
    a = float(bias.max())
    if not SMALLEST_LEVEL < -a < 1.0 / SMALLEST_LEVEL or not math.isfinite(radius):
        return 0.0
    moments = Moments(rows, np.ones(len(rows)))
    far = up(
        math.sqrt(float(moments.squares.max())) * (1.0 + gamma(rows.shape[1] + 4)) * radius, 4
    )
    best = 0.0
    ball = Enclosure.exactly(radius)
    for g in np.linspace(0.0, 1.0, 41) / a**2:
        b = _slope(float(g), a, far)
        if b <= 0.0:
            continue
        gain = (
            Enclosure.exactly(b) * -a + Enclosure.exactly(float(g)) * a * a
        ) * moments.lowest
        lost = ball * b * moments.third + ball * ball * float(g) * moments.fourth
        best = max(best, (gain - lost).lower)
    return best


def _slope(g: float, a: float, far: float) -> float:
    """Return the largest b (rounded down) with ``(t - a)(b - g (t + a)) <= 1`` on [a, far]."""
    root = math.sqrt(g)
    inside = g > 0.0 and 1.0 / root + a <= far
    b = 2.0 * (root + g * a) if inside else 1.0 / (far - a) + g * (far + a)
    # the quadratic is at most 1; lowering b by far more than the rounding keeps it so
    return b - 1e-13 * (root + abs(g * a) + 1.0 / (far - a) + g * (far - a))


def modulus_lower(rows: Array, real_signal: bool = True) -> float:
    """Return a proved lower bound of kappa^2 for modulus, 0 if it says nothing.

    Parameters
    ----------
    rows : array [shape=(m, n), real or complex]
        Scaled to entries below 1.
    real_signal : bool
        Whether signals are real; real rows always mean that they are.
    """
    rows = rows[rows.any(axis=1)]
    if rows.size == 0 or rows.size * rows.shape[1] > LARGEST_FORMS:
        return 0.0
    real_signal = real_signal or not np.iscomplexobj(rows)
    whole = rows
    if np.iscomplexobj(rows):
        whole = np.concatenate([rows.real, rows.imag])
        if not real_signal:
            whole = np.concatenate([whole, np.concatenate([-rows.imag, rows.real])], axis=1)
    gram, slack = gram_of(whole)
    lowest = Enclosure.exactly(eigmin_lower(gram, gram_slack=slack).value)
    symmetric, antisymmetric, error = _forms(rows)
    # the second weights make up for rows of different lengths; any positive weights are right
    lengths = np.maximum(np.sqrt((np.abs(rows) ** 2).sum(axis=1)), 1e-100)
    best = 0.0
    for scale in (np.ones(len(rows)), 1.0 / lengths):
        total = Enclosure.exactly(sum_upper(scale**-2.0 * (1.0 + 1e-14)))
        slip = up(10.0 * norm_upper(scale * error), 4)
        scaled = [part * scale[:, None] for part in (symmetric, antisymmetric)]
        if real_signal:
            norms = [Enclosure.exactly(_norm_upper(part, slip)) for part in scaled if part.size]
            square = sum((norm * norm for norm in norms), Enclosure.exactly(0.0)) / 2.0
        else:
            norm = Enclosure.exactly(_norm_upper(np.concatenate(scaled, axis=1), slip))
            square = norm * norm
        best = max(best, (lowest - (total * square).sqrt()).lower)
    return best


def _forms(rows: Array) -> tuple[Array, Array, Array]:
    """Return P and Q of real or complex rows, and a bound of each row's error."""
    n = rows.shape[1]
    squares = (np.abs(rows) ** 2).sum(axis=1)
    first, second = np.triu_indices(n)
    products = rows[:, first] * rows[:, second].conj()
    diagonal = first == second
    symmetric = products.real.copy()
    symmetric[:, diagonal] -= (squares / n)[:, None]
    symmetric[:, ~diagonal] *= math.sqrt(2.0)
    antisymmetric = (
        products.imag[:, ~diagonal] * math.sqrt(2.0)
        if np.iscomplexobj(rows)
        else np.empty((len(rows), 0))
    )
    return symmetric, antisymmetric, gamma(2 * n + 10) * math.sqrt(n) * squares
