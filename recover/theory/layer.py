"""The expectation on which every formula for deep networks rests, in closed form."""

from __future__ import annotations

import math

from recover.theory.intervals import PI, Interval, arctan, sqrt

__all__ = ["active_arc", "log_exponential_mean", "mean", "mean_enclosure"]


def active_arc(nu: float, kappa: float, weight: float = 1.0) -> tuple[float, float]:
    """Return the angles between which the neuron is active at the optimum (see `mean`)."""
    steep = nu + math.sqrt(nu * (kappa + nu))
    return -math.atan2(nu, weight), math.pi - math.atan2(steep, weight)


def mean(nu: float, kappa: float, weight: float = 1.0) -> float:
    """Return ``E V`` for standard normal g, h and one neuron's best preactivation u.

    ``V = max_u [w h u_+ - kappa u_+^2 / 2 - nu (u - g)^2 / 2]
    = max(-nu g_+^2 / 2, (w h + nu g)_+^2 / (2 (kappa + nu)) - nu g^2 / 2)``, w the weight.
    V is homogeneous of degree 2 in ``(g, h) = r (cos t, sin t)``, so ``E V`` is 1/pi times an
    integral over t; the second form holds on the arc from ``-atan(nu / w)`` to
    ``pi - atan((nu + sqrt(nu (kappa + nu))) / w)``.

    Parameters
    ----------
    nu, kappa, weight : float > 0
        Multipliers of ``|u - g|^2 / 2`` and ``|u_+|^2 / 2``, and the weight of h.
    """
    low, high = active_arc(nu, kappa, weight)

    def cos_square(t: float) -> float:
        return 0.5 * (t + math.sin(t) * math.cos(t))

    def sin_square(t: float) -> float:
        return 0.5 * (t - math.sin(t) * math.cos(t))

    cosines = cos_square(high) - cos_square(low)
    sines = sin_square(high) - sin_square(low)
    mixed = 0.5 * (math.sin(high) ** 2 - math.sin(low) ** 2)
    square = weight**2 * sines + 2.0 * weight * nu * mixed + nu**2 * cosines
    inactive = cos_square(low) + 0.25 * math.pi
    return (0.5 * square / (kappa + nu) - 0.5 * nu * (cosines + inactive)) / math.pi


def mean_enclosure(nu: float, kappa: float) -> Interval:
    """Return `mean` with weight 1 in outward-rounded decimals; kappa may be zero."""
    n = Interval.of(nu)
    total = n + Interval.of(kappa)
    steep = n + sqrt(n * total)
    low_square, high_square = n * n + 1, steep * steep + 1
    low, high = -arctan(n), PI - arctan(steep)
    low_product, high_product = -(n / low_square), -(steep / high_square)
    cosines = (high + high_product - low - low_product) / 2
    sines = (high - high_product - low + low_product) / 2
    mixed = (steep * steep / high_square - n * n / low_square) / 2
    square = sines + n * mixed * 2 + n * n * cosines
    inactive = (low + low_product) / 2 + PI / 4
    return (square / total - n * (cosines + inactive)) / 2 / PI


def log_exponential_mean(nu: float, kappa: float, weight: float) -> float:
    """Return ``log E exp(V)`` with the V of `mean`, or NaN where the expectation is infinite.

    ``E exp(r^2 v / 2)`` over the radius is ``1 / (1 - v)``, and on each arc ``1 - v`` is a
    quadratic form in (cos t, sin t) whose reciprocal has an arc tangent as its integral.
    """
    low, high = active_arc(nu, kappa, weight)
    total = kappa + nu
    off = _form_integral(1.0 + nu, 0.0, 1.0, -0.5 * math.pi, low)
    active = _form_integral(
        1.0 + nu - nu**2 / total, -weight * nu / total, 1.0 - weight**2 / total, low, high
    )
    zero = 1.5 * math.pi - high
    return math.log((off + active + zero) / (2.0 * math.pi))


def _form_integral(a: float, b: float, c: float, low: float, high: float) -> float:
    """Return the integral of ``1 / (a cos^2 t + 2 b cos t sin t + c sin^2 t)``, ``b <= 0``."""
    determinant = a * c - b * b
    if not (determinant > 0.0 and a > 0.0):
        return math.nan
    root = math.sqrt(determinant)

    def angle(t: float) -> float:
        return math.atan2(b * math.cos(t) + c * math.sin(t), root * math.cos(t))

    return (angle(high) - angle(low)) / root
