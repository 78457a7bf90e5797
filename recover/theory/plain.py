"""Plain random duality: Gordon's min-max comparison, one closed equation."""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.special import ndtr

from recover.core.enclosure import Enclosure
from recover.theory.intervals import Interval, density, upper_tail

__all__ = ["active_fraction", "capacity", "cut"]

LARGEST_CUT = 30.0
RELATIVE_STEP = 2.0**-50


def cut(required: float, width: float) -> float:
    """Return the cut c at which the capacity equation of plain random duality holds.

    A layer of ``m = alpha n`` Gaussian rows meets a set of unit inputs of Gaussian width
    ``width sqrt(n)``.  Let Z be the vectors with fewer than ``required n`` positive entries.
    By Gordon's comparison [1]_, no input of the set is mapped into Z, with probability tending
    to one, if ``dist(g, Z) > width sqrt(n)`` for a standard normal g; the distance is got by
    leaving out the ``required n`` largest entries.  With ``P(g > c) = required / alpha`` the
    threshold is ``required (1/2 - Q(c) - c phi(c)) = width^2 Q(c)``, whose left side minus
    right side increases with c (derivative ``phi (required c^2 + width^2)``).

    Parameters
    ----------
    required : float > 0
        Active neurons required at every input, over n.
    width : float > 0
        Gaussian width of the inputs over sqrt(n); 1 for the whole sphere.

    References
    ----------
    .. [1] Y. Gordon, "On Milman's inequality and random subspaces which escape through a mesh
       in R^n", Geometric Aspects of Functional Analysis, Springer (1988).
    """

    def balance(c: float) -> float:
        tail = float(ndtr(-c))
        phi = math.exp(-0.5 * c * c) / math.sqrt(2.0 * math.pi)
        return required * (0.5 - tail - c * phi) - width**2 * tail

    return float(brentq(balance, 0.0, LARGEST_CUT, xtol=1e-15, rtol=1e-15))


def capacity(required: float, width: Interval) -> Enclosure:
    """Return an enclosure of the capacity of plain random duality: rows per input dimension.

    The equation of `cut` is monotone, so a sign change proved in outward-rounded decimals at
    the two ends of a short interval encloses the cut, and ``alpha = required / Q(c)``.

    Parameters
    ----------
    required : float > 0
        Active neurons required at every input, over n.
    width : Interval
        Gaussian width of the inputs over sqrt(n); its upper end gives the upper end here.
    """
    step = RELATIVE_STEP
    while True:
        low = Interval.of(cut(required, float(width.lower)) * (1.0 - step))
        high = Interval.of(cut(required, float(width.upper)) * (1.0 + step))
        if _balance(low, required, width).negative and _balance(high, required, width).positive:
            break
        step *= 2.0
    need = Interval.of(required)
    lower, upper = need / upper_tail(low), need / upper_tail(high)
    return Enclosure(lower.enclosure().lower, upper.enclosure().upper)


def _balance(c: Interval, required: float, width: Interval) -> Interval:
    tail = upper_tail(c)
    inner = Interval.of(1) / 2 - tail - c * density(c)
    return Interval.of(required) * inner - width * width * tail


def active_fraction(alpha: float) -> float:
    """Return the lower bound of plain random duality on the active neurons over n.

    The fraction f with ``alpha (1/2 - Q(c) - c phi(c)) = 1`` and ``f = alpha Q(c)``: below it
    no input has so few active neurons, with probability tending to one.

    Parameters
    ----------
    alpha : float > 2
        Rows over input dimension; at most 2 there is an input without any active neuron.
    """

    def excess(c: float) -> float:
        phi = math.exp(-0.5 * c * c) / math.sqrt(2.0 * math.pi)
        return alpha * (0.5 - float(ndtr(-c)) - c * phi) - 1.0

    top = 1.0
    while excess(top) <= 0.0:
        top *= 2.0
        if top > LARGEST_CUT:
            return 0.0
    return alpha * float(ndtr(-float(brentq(excess, 0.0, top, xtol=1e-15, rtol=1e-15))))
