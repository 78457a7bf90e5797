"""The two numbers of a local step from matrices: proved, for small signals."""

from __future__ import annotations

import math

import numpy as np

from recover.certificates.phase.rows import Magnitudes
from recover.core.arrays import Array
from recover.core.eigen import eigmax_upper, eigmin_lower, gram_of, sigma_min_lower
from recover.core.rounding import binary_exponent, down, gamma, scale, up
from recover.frames.routes import DENSE_ENTRIES, DENSE_SIZE

__all__ = ["Turned", "dense_fits", "sigma_dense", "turned_rows", "weight_dense"]

SHADE = 2.0**-36  # what is stated differs by so much from what was proved
CHOLESKY, QR = "cholesky", "qr"
LARGEST = 500  # exponent of rows whose squares and their sums are numbers


class Turned:
    """The rotated rows of some coefficients, with the lost direction added.

    Parameters
    ----------
    linear : array [shape=(rows, unknowns)]
        J and, for complex signals, a multiple of ``i x_hat``: what is at right angles to it
        sees J alone.
    bent : array [shape=(rows, unknowns)]
        The rows of the imaginary parts b, divided by rho; none for real coefficients.
    error : float
        Bound of the norm of the error of J, and of that of b.
    """

    def __init__(self, linear: Array, bent: Array, error: float) -> None:
        self.linear, self.bent, self.error = linear, bent, error


def dense_fits(magnitudes: Magnitudes, limit: int = DENSE_SIZE) -> bool:
    """Return whether matrices are affordable: at most `limit` real unknowns."""
    frame = magnitudes.frame
    entries = frame.coef_size * frame.signal_size * (4 if magnitudes.phased else 2)
    return magnitudes.unknowns <= limit and entries <= DENSE_ENTRIES


def turned_rows(magnitudes: Magnitudes, threshold: float) -> Turned:
    """Return the rotated rows of the coefficients above a threshold."""
    keep = magnitudes.kept(threshold)
    linear, imaginary, error = magnitudes.rotated(keep)
    ratio = magnitudes.ratio[keep]
    bent = imaginary / ratio[:, None] if imaginary.size else imaginary
    if magnitudes.phased:
        x = magnitudes.signal.reshape(-1)[magnitudes.columns]
        lost = np.concatenate([-x.imag, x.real])
        # powers of two keep it exactly parallel to i x_hat; one brings its squares into range
        lost = scale(lost, -binary_exponent(lost))
        size = math.sqrt(magnitudes.upper) / float(np.linalg.norm(lost))
        linear = np.vstack([linear, np.ldexp(lost, math.frexp(size)[1])])
    return Turned(linear, bent, error)


def sigma_dense(
    turned: Turned, *, at: float | None = None, route: str | None = None
) -> tuple[float, str]:
    """Return a proved s with ``|J h| >= s |h|`` at right angles to the lost direction.

    Parameters
    ----------
    turned : Turned
    at : float, optional
        Only try to prove this value; 0 is returned if it fails.
    route : str, optional
        The only route to try.
    """
    if turned.linear.shape[0] < turned.linear.shape[1]:
        return 0.0, CHOLESKY
    target = None if at is None else up(at + turned.error)
    if route in (None, CHOLESKY):
        gram, slack = gram_of(turned.linear)
        square = None if target is None else up(target * target)
        bound = eigmin_lower(gram, gram_slack=slack, at=square)
        found = _lowered(down(math.sqrt(bound.value)), turned, at)
        if found > 0.0 or at is not None:
            return found, CHOLESKY
    bound = sigma_min_lower(turned.linear, at=target)
    return _lowered(bound.value, turned, at), QR


def _lowered(value: float, turned: Turned, at: float | None) -> float:
    if at is not None:
        return at if value > 0.0 else 0.0
    return max(down(value * (1.0 - SHADE) - 2.0 * turned.error, 2), 0.0)


def weight_dense(turned: Turned, threshold: float, *, at: float | None = None) -> float:
    """Return a proved W with ``sum (b_i / rho_i)^2 <= W^2 |h|^2``; infinity if not proved.

    Parameters
    ----------
    turned : Turned
    threshold : float
        The smallest rho.
    at : float, optional
        Only try to prove this value.
    """
    if turned.bent.size == 0:
        return 0.0
    if binary_exponent(turned.bent) > LARGEST:
        return math.inf
    gram, slack = gram_of(turned.bent)
    # the division by rho rounds once more
    off = up(turned.error / threshold * (1.0 + 8.0 * gamma(1)), 2)
    grown = 1.0 + 4.0 * gamma(1)
    if at is None:
        norm = math.sqrt(max(eigmax_upper(gram, gram_slack=slack).value, 0.0))
        return up((norm * grown + 2.0 * off) * (1.0 + SHADE), 4)
    target = down((at - off) / grown, 2)
    if target <= 0.0:
        return math.inf
    bound = eigmax_upper(gram, gram_slack=slack, at=down(target * target))
    return at if math.isfinite(bound.value) else math.inf
