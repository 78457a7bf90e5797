"""Minimising the lifted functional level by level."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtri

from recover.core.arrays import Array
from recover.theory.lifted import Lifting, energies
from recover.theory.plain import active_fraction

__all__ = ["HIGHEST_LEVEL", "Optimum", "capacity_optimum", "energy_optimum"]

HIGHEST_LEVEL = 8
COARSE, FINE, FINER = 3.0, 6.0, 9.0  # grid points per narrowest feature
ROUNDING = 1e-12
PENALTY = 1e3  # returned where a trial step leaves the range of floating point
WIDEST = 40.0
LARGEST_CHI = 200.0  # plain random duality has 28 at alpha = 2 + 1e-10, lifting less
SMALLEST_ALPHA = 2.2  # below it the start is taken from plain random duality

Value = Callable[[float, float], float]


@dataclass(frozen=True)
class Optimum:
    """A stationary point of the lifted functional.

    Parameters
    ----------
    lifting : Lifting
        Where it is.
    value : float
        The functional there, on a grid twice as fine as the one of the descent.
    accuracy : float
        Estimated error of `value`: change on a still finer grid, predicted further descent
        ``g^T H^-1 g / 2``, and rounding.
    """

    lifting: Lifting
    value: float
    accuracy: float


@lru_cache(maxsize=16)
def capacity_optimum(level: int, required: float) -> Optimum:
    """Return the smallest ``(required + S) / Phi`` at `level` >= 2 (see `lifted.energies`)."""
    if level == 2:
        start = Lifting(0.06, (0.75,), (3.0,))
    else:
        start = _split(capacity_optimum(level - 1, required).lifting)
    return _descend(start, lambda sphere, loss: (required + sphere) / loss)


def energy_optimum(alpha: float, level: int) -> Optimum:
    """Return the largest ``alpha Phi - S`` at `level` >= 2 (see `lifted.energies`).

    Parameters
    ----------
    alpha : float > 2
        Rows over input dimension.
    level : int >= 2
        Level of lifting.
    """
    found = None
    for _ in range(2, level + 1):
        start = _energy_start(alpha) if found is None else _split(found.lifting)
        found = _descend(start, lambda sphere, loss: (sphere - alpha * loss) / alpha)
    assert found is not None
    return Optimum(found.lifting, -alpha * found.value, alpha * found.accuracy)


def _energy_start(alpha: float) -> Lifting:
    """Return a start for level 2 within a small factor of the optimum, found by trial."""
    if alpha < SMALLEST_ALPHA:
        tail = active_fraction(alpha) / alpha
        return Lifting(0.15 * float(ndtri(tail)) ** 2, (0.8,), (10.0 * alpha**-0.5,))
    return Lifting(1.2 * alpha**-1.6, (0.8,), (10.0 * alpha**-0.5,))


def _descend(lifting: Lifting, value: Value) -> Optimum:
    for _ in range(4):
        spacing = lifting.spacing(COARSE)
        objective = _objective(len(lifting.tilts), spacing, value)
        found = minimize(
            objective,
            _pack(lifting),
            jac=_differences(objective),
            method="BFGS",
            options={"gtol": 1e-8},
        )
        gradient, inverse = np.asarray(found.jac), np.asarray(found.hess_inv)
        lifting = _unpack(np.asarray(found.x), len(lifting.tilts))
        # the first grid is right for the start only
        if lifting.spacing(COARSE) > 0.9 * spacing:
            break
    fine = value(*energies(lifting, lifting.spacing(FINE)))
    finer = value(*energies(lifting, lifting.spacing(FINER)))
    further = 0.5 * float(gradient @ inverse @ gradient)
    rounding = ROUNDING * max(1.0, abs(finer))
    return Optimum(lifting, finer, abs(finer - fine) + abs(further) + rounding)


def _objective(k: int, spacing: float, value: Value) -> Callable[[Array], float]:
    def objective(x: Array) -> float:
        if np.abs(x).max() > WIDEST:
            return PENALTY
        lifting = _unpack(x, k)
        if lifting.overlaps[-1] >= 1.0 or lifting.chi > LARGEST_CHI:
            return PENALTY
        with np.errstate(all="ignore"):
            result = value(*energies(lifting, spacing))
        return result if math.isfinite(result) else PENALTY

    return objective


def _differences(objective: Callable[[Array], float]) -> Callable[[Array], Array]:
    """Return central differences; with step 1e-4 they are good to 1e-9, values to 1e-15."""
    step = 1e-4

    def gradient(x: Array) -> Array:
        result = np.empty_like(x)
        for i in range(x.size):
            shift = np.zeros_like(x)
            shift[i] = step
            result[i] = (objective(x + shift) - objective(x - shift)) / (2.0 * step)
        return result

    return gradient


def _pack(lifting: Lifting) -> Array:
    """Return log chi, logs of the increments of m, logits of ``(1 - q_j) / (1 - q_(j-1))``."""
    rises = np.diff([0.0, *lifting.tilts])
    left = 1.0 - np.array([0.0, *lifting.overlaps])
    ratio = left[1:] / left[:-1]
    packed: Array = np.concatenate(
        [[math.log(lifting.chi)], np.log(rises), np.log(ratio / (1.0 - ratio))]
    )
    return packed


def _unpack(x: Array, k: int) -> Lifting:
    tilts = np.cumsum(np.exp(x[1 : 1 + k]))
    left = np.cumprod(1.0 / (1.0 + np.exp(-x[1 + k :])))
    overlaps = 1.0 - left
    return Lifting(math.exp(float(x[0])), tuple(map(float, overlaps)), tuple(map(float, tilts)))


def _split(lifting: Lifting) -> Lifting:
    """Return a start for the next level: the innermost step becomes two."""
    q, m = lifting.overlaps, lifting.tilts
    return Lifting(
        0.87 * lifting.chi,
        (*q, 1.0 - 0.22 * (1.0 - q[-1])),
        (*m[:-1], 0.9 * m[-1], 1.75 * m[-1]),
    )
