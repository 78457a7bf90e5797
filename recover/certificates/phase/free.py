"""The two numbers of a local step without matrices: they hold with a stated probability.

Some coefficients.  ``S h = A_G^* (u Re(conj(u) A_G h))`` is J^T J, with ``i x_hat`` as its
kernel.  With the computed phases J is off by E in norm and ``|J n| <= E`` for the unit vector n
along ``i x_hat``; so ``T = S + c n n^T`` has ``|T| <= max(B, c + E^2) + E sqrt(B) = U`` and on
signals at right angles to n is S.  The bound of `phase.krylov` for ``U - T`` gives
``s^2 >= U - L``.

All coefficients of a tight frame of complex signals.  ``J^T J = (D + C) / 2`` with the frame
operator D between A and B and ``C h = A^* (u^2 conj(A h))``, which is antilinear, so that its
spectrum is symmetric and each eigenvector v comes with iv.  ``C x_hat = D x_hat``.  With
mu the norm of C on the complex complement of x_hat and ``h = alpha x_hat / |x_hat| + g``,
alpha real, ``<h, C h> >= alpha^2 A - 2 |alpha| |g| (B - A) - mu |g|^2``, so

``s^2 >= (A - (B - A) - mu - |C - C_computed phases|) / 2``.

It takes half the work, since it asks for the norm of an operator and one start will do.

Signals of a support.  All of this holds for ``A R^T`` in place of A, with R the selection of
the entries that may differ from zero: ``R A^* A R^T`` lies between the same bounds.

The weight.  ``A_G^* diag(1 / rho^2) A_G`` is complex-linear, and its largest eigenvalue is
bounded likewise.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from recover.certificates.phase.filter import (
    Operator,
    estimate_top,
    inner,
    top_upper,
    unit,
)
from recover.certificates.phase.krylov import krylov_upper
from recover.certificates.phase.passes import Passes
from recover.certificates.phase.rows import Magnitudes
from recover.certificates.roundoff import adjoint_roundoff
from recover.core.arrays import Array
from recover.core.rounding import U, down, gamma, up
from recover.frames.masked import Masked

__all__ = [
    "FILTER",
    "SYMMETRIC",
    "FreeBound",
    "complement",
    "free_fits",
    "sigma_free",
    "symmetric_fits",
    "weight_free",
]

FILTER, SYMMETRIC = "filter", "symmetric filter"
TIGHT = 1e-9  # largest relative difference of the bounds of a tight frame
ESTIMATE_STEPS = 400
MAX_STEPS = 3000
WEIGHT_LOSS = 0.2  # part of the weight's square that may be lost for speed


class FreeBound(NamedTuple):
    """A bound, the estimate that the recurrence was scaled with, and the degree.

    `met` tells whether it came as close as was wanted: neither steps nor rounding ended it.
    """

    value: float
    near: float
    steps: int
    met: bool = True


def free_fits(magnitudes: Magnitudes) -> bool:
    """Return whether the frame's rounding allows a proof without matrices."""
    return not magnitudes.frame.real_coefs and math.isfinite(_adjoint(magnitudes))


def symmetric_fits(magnitudes: Magnitudes, keep: Array) -> bool:
    """Return whether the symmetric operator serves: a tight frame, all coefficients."""
    if not (magnitudes.phased and keep.all()) or isinstance(magnitudes.frame, Masked):
        return False
    lower, upper = magnitudes.frame.bounds()
    return upper - lower <= TIGHT * upper


def sigma_free(
    magnitudes: Magnitudes,
    keep: Array,
    delta: float,
    rng: np.random.Generator,
    *,
    loss: float,
    near: float | None = None,
    at: float | None = None,
    steps: int = MAX_STEPS,
    route: str | None = None,
) -> FreeBound:
    """Return s that holds with probability 1 - delta, 0 if nothing positive does.

    Parameters
    ----------
    magnitudes : Magnitudes
    keep : array of bool
    delta : float
    rng : Generator
    loss : float
        The part of s^2 that may be lost for speed.
    near : float, optional
        The estimate to scale with; made here by default.
    at : float, optional
        Stop when this value is proved.
    steps : int
        The most steps of a start.
    route : str, optional
        FILTER where SYMMETRIC, which takes half the work, would serve but for rounding.
    """
    upper, most = magnitudes.upper, min(steps, MAX_STEPS)
    phases, error = magnitudes.phases(keep)
    if route == FILTER or not symmetric_fits(magnitudes, keep):
        operator, top = complement(magnitudes, phases, error)
        bend = up(error * math.sqrt(upper), 2)
        return _adapted(operator, top, bend, (delta, loss, at, most), rng)
    lower = magnitudes.frame.bounds().lower
    operator = _antilinear(magnitudes, phases)
    wrong = up(2.0 * upper * error * (1.0 + error), 4)
    top = down(lower - (upper - lower) - wrong, 4)
    guess = near
    if guess is None:
        guess = estimate_top(operator, rng, ESTIMATE_STEPS, top=top, rtol=0.1 * loss)
    if at is None:
        enough = top - (top - guess) * (1.0 - loss)
    else:
        enough = down(top - 2.0 * up(at * at), 4)
    if not 0.0 < guess < top:
        return FreeBound(0.0, guess, 0)
    bound = top_upper(operator, guess, delta, rng, steps=most, enough=enough)
    square = max(down(0.5 * down(top - bound.value, 2), 2), 0.0)
    met = bound.value <= enough
    return FreeBound(max(down(math.sqrt(square), 2), 0.0), guess, bound.steps, met)


def _adapted(
    operator: Operator,
    top: float,
    bend: float,
    goal: tuple[float, float, float | None, int],
    rng: np.random.Generator,
) -> FreeBound:
    """Return s of ``U - T`` by the recurrence that adapts to its start; `bend` is E sqrt(B)."""
    delta, loss, at, steps = goal
    enough = None if at is None else down(top - up(up(at + bend, 2) ** 2, 4), 4)
    if enough is not None and not enough > 0.0:
        return FreeBound(0.0, 0.0, 0)
    bound, near = krylov_upper(
        operator, delta, rng, steps=steps, top=top, loss=loss, enough=enough
    )
    square = down(top - bound.value, 2)
    if not square > 0.0:
        return FreeBound(0.0, near, bound.steps)
    root = down(down(math.sqrt(square), 2) - bend, 2)
    met = at is not None or bound.value - near <= loss * (top - near)
    return FreeBound(max(root, 0.0), near, bound.steps, met)


def weight_free(
    magnitudes: Magnitudes,
    keep: Array,
    delta: float,
    rng: np.random.Generator,
    *,
    near: float | None = None,
    at: float | None = None,
) -> FreeBound:
    """Return W that holds with probability 1 - delta; infinity if none does."""
    frame, passes = magnitudes.frame, Passes.of(magnitudes)
    norm = math.sqrt(magnitudes.upper)
    least = float(magnitudes.ratio[keep].min())
    # 1 / rho for kept coefficients, relative to the largest
    scale = np.where(keep, least / np.where(keep, magnitudes.ratio, 1.0), 0.0)
    square = scale * scale

    def apply(v: Array) -> Array:
        return passes.synthesis(square * passes.analysis(v))

    error = up(norm * (frame.roundoff() + _adjoint(magnitudes) + 16.0 * U * norm), 4)
    operator = Operator(
        apply, passes.shape, magnitudes.phased, error, norm**2, magnitudes.phased, False
    )
    guess = near
    if guess is None:
        guess = estimate_top(operator, rng, ESTIMATE_STEPS, top=0.0, rtol=0.25 * WEIGHT_LOSS)
    enough = guess * (1.0 + WEIGHT_LOSS) if at is None else down((at * least) ** 2, 4)
    bound = top_upper(operator, guess, delta, rng, steps=MAX_STEPS, enough=enough)
    return FreeBound(up(math.sqrt(bound.value) / least, 4), guess, bound.steps)


def _adjoint(magnitudes: Magnitudes) -> float:
    return adjoint_roundoff(magnitudes.frame)


def _rounding(magnitudes: Magnitudes) -> float:
    """Return the error of an application of A^* diag A with entries of modulus at most 1."""
    norm = math.sqrt(magnitudes.upper)
    passes = magnitudes.frame.roundoff() + _adjoint(magnitudes)
    return up(norm * (passes * (1.0 + 1e-6) + 24.0 * U * norm), 4)


def _antilinear(magnitudes: Magnitudes, phases: Array) -> Operator:
    """Return C on the complex complement of the signal."""
    passes = Passes.of(magnitudes)
    ray = unit(passes.entries(magnitudes.signal))
    squares = phases * phases

    def across(v: Array) -> Array:
        return v - inner(ray, v)[0] * ray

    def apply(v: Array) -> Array:
        c = passes.analysis(across(v))
        np.conjugate(c, out=c)
        c *= squares
        return across(passes.synthesis(c))

    upper = magnitudes.upper
    slip = inner(ray, ray)[1] + gamma(16)  # of one projection, by the length of its argument
    error = up(_rounding(magnitudes) + 4.0 * slip * upper, 4)
    return Operator(apply, passes.shape, True, error, upper, True, True)


def complement(magnitudes: Magnitudes, phases: Array, error: float) -> tuple[Operator, float]:
    """Return ``U - T`` and U.

    Parameters
    ----------
    magnitudes : Magnitudes
    phases : array [shape=coef_shape]
        They vanish where nothing is kept.
    error : float
        Of a phase.
    """
    passes = Passes.of(magnitudes)
    upper = magnitudes.upper
    lost = unit(1j * passes.entries(magnitudes.signal)) if magnitudes.phased else None
    turned = phases.conj()
    middle = 0.5 * upper
    bend = up(error * math.sqrt(upper), 2)
    top = up(
        up(max(upper, middle + bend * bend) * (1.0 + 16.0 * U)) + bend * math.sqrt(upper), 4
    )

    def apply(v: Array) -> Array:
        c = passes.analysis(v)
        c *= turned
        np.multiply(phases, c.real, out=c)
        image = passes.synthesis(c)
        np.subtract(top * v, image, out=image)
        if lost is not None:
            image -= (middle * inner(lost, v)[0].real) * lost
        return image

    slip = inner(magnitudes.signal, magnitudes.signal)[1] + gamma(16)
    off = up(_rounding(magnitudes) + 2.0 * slip * middle + 16.0 * U * top, 4)
    return (
        Operator(apply, passes.shape, magnitudes.phased, off, top, False, False),
        top,
    )
