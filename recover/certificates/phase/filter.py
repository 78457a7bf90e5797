"""A probabilistic bound of a largest eigenvalue by one Chebyshev recurrence, rounding included.

Let A be self-adjoint with largest eigenvalue L (for operators whose spectrum is symmetric: of
largest modulus), E the span of one of its eigenvectors v (of v and iv), b a unit vector drawn
uniformly from the sphere and t the norm of the projection of b on E.  With
``Y = (A - centre) / half`` and ``w = T_k(Y) b`` the projection of w on E has the norm
``T_k(y) t``, ``y = (L - centre) / half``, and no less than that is the norm of w.  So

``L <= centre + half cosh(arcosh(|w| / t) / k)``,

whatever centre and half are; if A has its spectrum in [0, L] (or in [-L, L]) and half is near
the half-width, ``|w| <= 1`` and the bound is off by a relative ``(ln(2 / t) / (2 k))^2`` (or
``(ln(2 / t) / k)^2 / 2``): the rate of the Lanczos bound [1]_, with three vectors of memory and
no orthogonalisation.

Rounding.  If step j adds an error f_j the computed w is ``T_k(Y) b + sum_j U_(k-1-j)(Y) f_j``,
and ``|U_(m-1)(y)| <= m T_k(|y|)`` for ``|y| >= 1``, ``m <= k``.  So with
``F = sum_j (k - j) |f_j|`` it holds that ``T_k(y) (t - F) <= |w|``: t is replaced by
``t - F``.

Chance.  In N real dimensions ``P(t <= s) <= sqrt(2 N / pi) s`` for a line (the density of a
coordinate is largest at 0, N > 2), and ``P(t <= s) = 1 - (1 - s^2)^(N/2 - 1) <= (N / 2 - 1)
s^2`` for a plane.  A line takes two independent starts, one of which is good with the square
of that probability; the larger of the two bounds holds then.

References
----------
.. [1] J. Kuczynski, H. Wozniakowski, "Estimating the largest eigenvalue by the power and
   Lanczos algorithms with a random start", SIAM J. Matrix Anal. Appl. 13 (1992) 1094-1122.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh_tridiagonal

from recover.core.arrays import Array
from recover.core.rounding import U, down, gamma, norm_lower, norm_upper, up

__all__ = ["Operator", "TopBound", "estimate_top", "inner", "overlap", "top_upper", "unit"]

LOOK_EVERY = 16  # Lanczos steps between two looks at the estimate


@dataclass(frozen=True, eq=False)
class Operator:
    """A self-adjoint real-linear operator on complex or real arrays.

    Parameters
    ----------
    apply : callable, array [shape=shape] -> array [shape=shape]
    shape : tuple of int
    is_complex : bool
        Whether it acts on complex arrays: the real dimension is twice the size then.
    error : float
        ``|apply(v) - A v| <= error |v|``.
    norm : float
        Upper bound of ``|A|``.
    planar : bool
        Whether iv is an eigenvector, of the same or the opposite eigenvalue, wherever v is.
    symmetric : bool
        Whether the spectrum is symmetric about 0; else it is that of a non-negative operator.
    """

    apply: Callable[[Array], Array]
    shape: tuple[int, ...]
    is_complex: bool
    error: float
    norm: float
    planar: bool
    symmetric: bool

    @property
    def dimension(self) -> int:
        """Real dimension of the space."""
        return math.prod(self.shape) * (1 + self.is_complex)

    def draw(self, rng: np.random.Generator) -> Array:
        """Return an array whose direction is uniform on the sphere."""
        v = rng.standard_normal(self.shape)
        return v + 1j * rng.standard_normal(self.shape) if self.is_complex else v


class TopBound(NamedTuple):
    """An upper bound of the largest eigenvalue, and the degree that it took."""

    value: float
    steps: int


def top_upper(
    operator: Operator,
    near: float,
    delta: float,
    rng: np.random.Generator,
    *,
    steps: int,
    enough: float,
) -> TopBound:
    """Return an upper bound of the largest eigenvalue, false with probability at most `delta`.

    Parameters
    ----------
    operator : Operator
    near : float > 0
        An estimate of the largest eigenvalue; any value is sound, one just below is best.
    delta : float in (0, 1)
    rng : Generator
        The bound holds with the stated probability over what is drawn from it.
    steps : int >= 1
        The largest degree.
    enough : float
        Stop when the bound is at most this.

    Returns
    -------
    TopBound
        Of value infinity if rounding hides the start.
    """
    starts = 1 if operator.planar else 2
    share = overlap(operator.dimension, delta, starts)
    worst = TopBound(0.0, 0)
    for _ in range(starts):
        start = operator.draw(rng)
        bound = _one_start(operator, near, share, start, steps=steps, enough=enough)
        worst = TopBound(max(worst.value, bound.value), max(worst.steps, bound.steps))
        if math.isinf(worst.value):
            break
    return worst


def overlap(dimension: int, delta: float, starts: int) -> float:
    """Return t that the projection of one of the starts exceeds with probability 1 - delta."""
    if starts == 1:
        return down(math.sqrt(down(delta / max(dimension / 2.0 - 1.0, 1.0))), 2)
    return down(math.sqrt(delta) / up(math.sqrt(2.0 * dimension / math.pi), 2), 4)


def _one_start(
    operator: Operator, near: float, share: float, start: Array, *, steps: int, enough: float
) -> TopBound:
    """Run the recurrence; the bounds of all degrees hold on the same event."""
    centre, half = (0.0, near) if operator.symmetric else (0.5 * near, 0.5 * near)
    before = unit(start)
    # of Y v: the operator's error, and the roundings of the shift, the scale and the recurrence
    each = up((operator.error + gamma(8) * (operator.norm + abs(centre) + half)) / half, 4)
    now = (operator.apply(before) - centre * before) / half
    best, lost, last = math.inf, 0.0, up(1.0 + 8.0 * U)
    sizes = up(each * last)  # sum of |f_j|: `lost` grows by it at each degree
    for k in range(1, steps + 1):
        lost = up(lost + sizes)
        room = down(share * (1.0 - 4.0 * U) - lost, 2)
        if room <= 0.0:
            return TopBound(best, k)
        size = norm_upper(now)
        ratio = max(up(size / room), 1.0)
        angle = up(math.acosh(ratio) * (1.0 + 8.0 * U) / k, 2)
        if angle < 20.0:
            best = min(best, up(centre + up(half * math.cosh(angle) * (1.0 + 8.0 * U)), 2))
        if best <= enough:
            return TopBound(best, k)
        # 2 Y v - u: twice the error of Y v, and a rounding of the difference
        sizes = up(sizes + 2.0 * each * size + 4.0 * U * (size + last), 4)
        shifted = operator.apply(now)
        shifted -= centre * now
        shifted *= 2.0 / half
        shifted -= before
        before, now, last = now, shifted, size
    return TopBound(best, steps)


def estimate_top(
    operator: Operator, rng: np.random.Generator, steps: int, *, top: float, rtol: float
) -> float:
    """Estimate the largest eigenvalue from below, by Lanczos without orthogonalisation.

    Parameters
    ----------
    operator : Operator
    rng : Generator
    steps : int >= 1
        At most so many.
    top : float
        What the eigenvalue is to be told apart from.
    rtol : float
        Stop when some more steps move the estimate by less than this part of its distance
        from `top`.
    """
    v = unit(operator.draw(rng))
    previous, beta, estimate = np.zeros_like(v), 0.0, -math.inf
    diagonal: list[float] = []
    off: list[float] = []
    for k in range(1, steps + 1):
        image = operator.apply(v)
        alpha = float(np.vdot(v, image).real)
        image -= alpha * v + beta * previous
        diagonal.append(alpha)
        beta = float(np.linalg.norm(image))
        done = beta <= 1e-12 * operator.norm
        if done or k % LOOK_EVERY == 0 or k == steps:
            values = eigh_tridiagonal(diagonal, off, eigvals_only=True)
            now = float(np.abs(values).max() if operator.symmetric else values[-1])
            if done or now - estimate <= rtol * abs(top - now):
                return now
            estimate = now
        off.append(beta)
        previous, v = v, image / beta
    return estimate


def inner(a: Array, b: Array) -> tuple[complex, float]:
    """Return ``<a, b> = sum conj(a) b`` and e with an error of at most ``e |a| |b|``.

    Summed in rows of about the square root of the size, so that e stays small.
    """
    flat = np.conj(a).reshape(-1) * b.reshape(-1)
    width = max(int(math.sqrt(flat.size)), 1)
    whole = flat.size // width * width
    rows = flat[:whole].reshape(-1, width).sum(axis=1)
    total = rows.sum() + flat[whole:].sum()
    return complex(total), 2.0 * gamma(2 * width + rows.size + 12)


def unit(x: Array) -> Array:
    """Return ``x / |x|``, each entry with a relative error of a few U."""
    return x / (0.5 * (norm_lower(x) + norm_upper(x)))
