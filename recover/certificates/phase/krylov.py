"""A probabilistic bound of a largest eigenvalue by the Lanczos recurrence, rounding included.

Let A, v, E, b and t be as in `phase.filter`, A not of symmetric spectrum, and v_1 = b.  The
recurrence ``A v_j = beta_(j-1) v_(j-1) + alpha_j v_j + beta_j v_(j+1) + f_j`` defines f_j,
whatever the numbers alpha_j and ``beta_j > 0`` are and however it was rounded.  Put p_1 = 1 and
``beta_j p_(j+1)(y) = (y - alpha_j) p_j(y) - beta_(j-1) p_(j-1)(y)``.  The projections u_j of
v_j on E obey the same recurrence with y = L, but for the projections of f_j:

``u_(k+1) = p_(k+1)(L) u_1 - sum_j s_j(L) P f_j``,

where s_j starts with 0 and ``1 / beta_j`` at j and j + 1.  Take y with all ``p_j(y) > 0``.
On [y, infinity) the ratios ``p_(j+1) / p_j`` are positive and increase, by induction on
``beta_j r_j = y - alpha_j - beta_(j-1) / r_(j-1)``.  As ``beta_i (s_(i+1) p_i - s_i p_(i+1))``
does not depend on i,

``s_j / p_(k+1) = sum_(i=j..k) p_j / (beta_i p_i p_(i+1))``,

which decreases.  So if ``F(y) = sum_(i<=k) sum_(j<=i) |f_j| p_j / (beta_i p_i p_(i+1))`` and
``t > F(y) + |v_(k+1)| / p_(k+1)(y)``, then no ``L >= y`` is possible.

As the polynomial adapts to b, it takes fewer products than a Chebyshev polynomial wherever
few eigenvalues are near the largest.  The chances are those of `phase.filter`: t depends on b
alone.

References
----------
.. [1] J. L. M. van Dorsselaer, M. E. Hochstenbach, H. A. van der Vorst, "Computing
   probabilistic bounds for extreme eigenvalues of symmetric matrices with the Lanczos method",
   SIAM J. Matrix Anal. Appl. 22 (2000) 837-852 (without rounding).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import eigh_tridiagonal

from recover.certificates.phase.filter import Operator, TopBound, overlap, unit
from recover.core.arrays import Array
from recover.core.rounding import U, gamma, norm_upper, up

__all__ = ["krylov_upper"]

LOOK_EVERY = 8  # steps between two looks at the estimate
FINE, NEAREST = (
    0.002,
    1e-6,
)  # steps of the tried bounds' distances from `top`, and the least one


class _Bounds:
    """Which of some values y are bounds, updated with each step of the recurrence.

    Every quantity is rounded so that a value is called a bound only if it is one: `ratio` and
    `size` (p) downward, `pulled` (the inner sum over p_i) and `lost` (F) upward.
    """

    def __init__(self, values: Array) -> None:
        self.values, self.best = values, math.inf
        self.ratio = np.full(values.shape, np.inf)
        self.size = np.ones(values.shape)
        self.pulled = np.zeros(values.shape)
        self.lost = np.zeros(values.shape)

    def step(self, alpha: float, before: float, beta: float, error: float) -> None:
        """Take the next coefficients, and the norm of the step's error."""
        back = before / self.ratio * (1.0 + 2.0 * U)
        slack = 8.0 * U * (np.abs(self.values) + abs(alpha) + back)
        self.pulled = (error + self.pulled / self.ratio) * (1.0 + 4.0 * U)
        ratio = (self.values - alpha - back - slack) / beta
        self.ratio = ratio * (1.0 - 4.0 * U)
        # p beyond 10^100 proves all that can be proved; more would overflow
        self.size = np.minimum(self.size * self.ratio * (1.0 - 4.0 * U), 1e100)
        fine = self.ratio > 0.0
        self._keep(fine)
        grown = self.pulled / (beta * self.size) * (1.0 + 8.0 * U)
        self.lost = (self.lost + grown) * (1.0 + 4.0 * U)

    def _keep(self, fine: Array) -> None:
        if not fine.all():
            for name in ("values", "ratio", "size", "pulled", "lost"):
                setattr(self, name, getattr(self, name)[fine])

    def smallest(self, share: float) -> float:
        """Return the smallest bound so far, infinity if there is none; drop the larger values.

        `share` is t.
        """
        proved = self.values[
            share * (1.0 - 8.0 * U)
            > (self.lost + (1.0 + 16.0 * U) / self.size) * (1.0 + 8.0 * U)
        ]
        self.best = float(proved.min(initial=self.best))
        self._keep(self.values <= self.best)
        return self.best


def krylov_upper(
    operator: Operator,
    delta: float,
    rng: np.random.Generator,
    *,
    steps: int,
    top: float,
    loss: float,
    enough: float | None = None,
) -> tuple[TopBound, float]:
    """Return an upper bound of the largest eigenvalue, false with probability at most `delta`.

    Parameters
    ----------
    operator : Operator
        Of a spectrum that is not symmetric about 0.
    delta : float in (0, 1)
    rng : Generator
        The bound holds with the stated probability over what is drawn from it.
    steps : int >= 1
        The most steps of a start.
    top : float > 0
        What the eigenvalue is to be told apart from: bounds at or above it are not looked for.
    loss : float
        Stop when the bound loses at most this part of the distance of `top` and the estimate.
    enough : float, optional
        Stop when this is a bound, and look for no other.

    Returns
    -------
    TopBound
        Of value infinity if no bound below `top` was found.
    float
        The estimate of the eigenvalue, 0 if none was needed.
    """
    starts = 1 if operator.planar else 2
    # the start is off its direction by a few U
    share = overlap(operator.dimension, delta, starts) * (1.0 - 4.0 * U) - 8.0 * U
    worst, estimate = TopBound(0.0, 0), 0.0
    for _ in range(starts):
        if enough is None:
            distances = np.exp(np.arange(math.log(NEAREST), 0.0, FINE))
            bounds = _Bounds(top * (1.0 - distances))
        else:
            bounds = _Bounds(np.array([enough]))
        found, near = _one_start(
            operator, bounds, share, operator.draw(rng), (steps, top, loss)
        )
        worst = TopBound(max(worst.value, found.value), max(worst.steps, found.steps))
        estimate = max(estimate, near)
        if math.isinf(worst.value):
            break
    return worst, estimate


def _one_start(
    operator: Operator,
    bounds: _Bounds,
    share: float,
    start: Array,
    wanted: tuple[int, float, float],
) -> tuple[TopBound, float]:
    """Run the recurrence; the bounds of all steps hold on the same event."""
    steps, top, loss = wanted
    single = bounds.values.size == 1
    now = unit(start)
    before, beta, near = np.zeros_like(now), 0.0, 0.0
    diagonal: list[float] = []
    off: list[float] = []
    for k in range(1, steps + 1):
        image = operator.apply(now)
        alpha = float(np.vdot(now, image).real)
        image -= alpha * now
        image -= beta * before
        # where the space is exhausted a shorter vector follows, the last
        floor = 1e-12 * operator.norm
        after = max(norm_upper(image), floor)
        if not (math.isfinite(alpha) and after < math.inf):
            break
        # the lengths of the vectors are below 1 + 16 U: after is at least the norm
        weight = operator.norm + operator.error + abs(alpha) + beta + after
        error = up((operator.error + gamma(8) * weight) * (1.0 + 64.0 * U), 2)
        bounds.step(alpha, beta, after, error)
        diagonal.append(alpha)
        if single or k % LOOK_EVERY == 0:
            if not single:
                near = _largest(diagonal, off)
            bound = bounds.smallest(share)
            close = bound < math.inf if single else bound - near <= loss * (top - near)
            if close:
                return TopBound(bound, k), near
            if bounds.values.size == 0:
                break
        if after == floor:
            break
        off.append(after)
        before, beta = now, after
        now = image / after
    return TopBound(bounds.smallest(share), len(diagonal)), near


def _largest(diagonal: list[float], off: list[float]) -> float:
    """Return the largest eigenvalue of the tridiagonal matrix."""
    last = len(diagonal) - 1
    values = eigh_tridiagonal(
        diagonal, off[:last], eigvals_only=True, select="i", select_range=(last, last)
    )
    return float(values[0])
