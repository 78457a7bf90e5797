"""One step of a local bound for magnitudes: no consistent signal lies between two distances.

Let G be the coefficients with ``|z_i| >= theta |phi_i|``, let ``|J_G h| >= s |h|`` for every h
at right angles to the lost direction, and ``sum_G (b_i / rho_i)^2 <= W^2 |h|^2`` with
``rho_i = |z_i| / |phi_i|``.  Then for ``|h| = r < theta`` (see `phase.rows`)

``c_i <= |b_i| r / (2 (rho_i - r)) <= (|b_i| / rho_i) r theta / (2 (theta - r))``,

since ``rho / (rho - r)`` falls as rho grows, and so

``| |Phi(x_hat + h)| - |Phi x_hat| | >= kappa(r) |h|``,
``kappa(r) = s - r theta W / (2 (theta - r))``.

Two choices of W hold: the norm of the rows ``b_i / rho_i``, and
``sqrt(B - s^2) / theta``: there ``sum c_i^2 <= q^2 (B |h|^2 - |J_G h|^2)`` with
``q = r / (2 (theta - r))``, and ``|a| - q sqrt(B |h|^2 - |a|^2)`` grows with |a|.  W is 0 for
real coefficients.

A consistent x, its sign or phase chosen nearest to x_hat, has h at right angles to ``i x_hat``
and ``| |Phi x| - |Phi x_hat| |_G <= tau``.  As ``r kappa(r) - tau`` is concave, if it is
positive at r = low and r = high then no consistent signal has a distance between the two: those
within `high` are within `low`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from recover.core.enclosure import Enclosure
from recover.core.rounding import up

__all__ = ["Stage", "carried", "distances", "kappa_at", "reach", "stage_faults"]

exactly = Enclosure.exactly
LOST = 0.2  # part of sigma that kappa loses to curvature within `reach`
EDGE = 1e-9  # relative distance kept from the ends of the interval, for rounding


class Stage(NamedTuple):
    """One step: those within `high` are within `low`.

    Parameters
    ----------
    threshold : float > 0
        theta.
    sigma : float
        s, proved.
    weight : float >= 0
        W, proved.
    low, high : float
    """

    threshold: float
    sigma: float
    weight: float
    low: float
    high: float


def kappa_at(threshold: float, sigma: float, weight: float, radius: float) -> float:
    """Return a lower bound of kappa(radius); minus infinity where nothing is known."""
    if weight == 0.0:
        return sigma if radius < threshold else -math.inf
    gap = exactly(threshold) - radius
    if gap.lower <= 0.0:
        return -math.inf
    bend = exactly(threshold) * weight * radius / (exactly(2.0) * gap)
    return (exactly(sigma) - bend).lower


def distances(
    threshold: float, sigma: float, weight: float, tau: float
) -> tuple[float, float] | None:
    """Return (low, high) of the widest step, None if there is none.

    In units of theta, whatever the scale of the data, ``r kappa(r) > tau`` is
    ``(s + theta W / 2) r^2 - (s + tau) r + tau < 0``.  What rounding made of the ends is put to
    the test that a verifier makes.
    """
    if sigma <= 0.0 or threshold <= 0.0:
        return None
    c = tau / threshold
    a, b = sigma + 0.5 * threshold * weight, sigma + c
    under = b * b - 4.0 * a * c
    if not 0.0 < under < math.inf:
        return None
    large = (b + math.sqrt(under)) / (2.0 * a)
    small = c / (a * large)
    low, high = threshold * small * (1.0 + EDGE), threshold * min(large, 1.0) * (1.0 - EDGE)
    faults = stage_faults(Stage(threshold, sigma, weight, low, high), tau)
    return (low, high) if faults is None else None


def carried(threshold: float, sigma: float, weight: float) -> float:
    """Return about the largest deviation tau for which there is a step."""
    if sigma <= 0.0:
        return 0.0
    if weight == 0.0:
        return sigma * threshold
    # tau = r kappa(r) is largest where r / theta = 1 - sqrt(w / (s + w)), w = theta W / 2
    bend = 0.5 * threshold * weight
    part = 1.0 - math.sqrt(bend / (sigma + bend))
    return max(part * threshold * (sigma - bend * part / (1.0 - part)), 0.0)


def reach(threshold: float, sigma: float, weight: float) -> float:
    """Return the distance up to which kappa is 4/5 of sigma; 0 if nothing is known."""
    if sigma <= 0.0 or threshold <= 0.0:
        return 0.0
    spent = 2.0 * LOST * sigma
    return spent * threshold / (spent + threshold * weight) * (1.0 - EDGE)


def stage_faults(stage: Stage, tau: float) -> str | None:
    """Return why the step is not proved, None if it is."""
    if not 0.0 <= stage.low < stage.high < math.inf:
        return f"the distances {stage.low:g} and {stage.high:g} are in the wrong order"
    ends = (stage.high,) if stage.low == 0.0 else (stage.low, stage.high)
    if stage.low == 0.0 and tau > 0.0:
        return f"a distance of 0 needs exact data, and the deviation is {tau:.3g}"
    for r in ends:
        kappa = kappa_at(stage.threshold, stage.sigma, stage.weight, r)
        if kappa <= 0.0 or (exactly(kappa) * r).lower <= up(tau):
            return f"at the distance {r:.6g} the magnitudes need not differ by {tau:.3g}"
    return None
