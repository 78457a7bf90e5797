"""How far a recovery is trusted: clip the picture again, lower, and compare with the known.

At a lower level everything between it and the real level is known; a recovery of the picture
clipped there shows how the model does on the highest tones of this very picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from recover.core.arrays import Array

__all__ = [
    "AGAIN",
    "Trial",
    "blended",
    "blends_of",
    "misfit_of",
    "share_of",
    "shrinkage_of",
]

AGAIN = 0.8  # of the level: where the picture is clipped again
_NEAREST = 0.98  # of the level: clipped closer to it, almost nothing is known
_WHOLE = 0.7  # factors from here on count as 1: the estimate below is cautious by construction
_RIDGE = 1.02  # a blend must pay
_CAUTION = 1.0  # standard errors taken off a factor


@dataclass(frozen=True, eq=False)
class Trial:
    """What is known of samples that were clipped again, and what was predicted for them.

    Parameters
    ----------
    channel : array of int [shape=(n,)]
    known : array [shape=(n,)]
        The picture, at most 1.
    clipped : array of bool [shape=(n,)]
        Where it is really clipped, so that only a lower bound of 1 is known.
    model : array [shape=(n,)]
        Predictions of the model, in the picture's units.
    rivals : tuple of array [shape=(n,)]
        Predictions of others.
    blocks : array of int [shape=(n,)], optional
        Samples whose errors go together have the same number; None if all are by themselves.
    share : float
        Of the level: where the picture was clipped again.
    """

    channel: Array
    known: Array
    clipped: Array
    model: Array
    rivals: tuple[Array, ...] = ()
    blocks: Array | None = field(default=None, kw_only=True)
    share: float = field(default=AGAIN, kw_only=True)


def share_of(excess: Array) -> float:
    """Return the share of the level at which a trial asks what the picture asks.

    A model that does well far below the level may fail just below it, where a picture's tones
    end: then what is missing is small, and so must be what the trial hides.

    Parameters
    ----------
    excess : array [shape=(n,)]
        What the model says lies above the level, in units of it.
    """
    size = float(np.sqrt(np.mean(np.square(excess, dtype=np.float64)))) if excess.size else 1.0
    return min(max(1.0 - size, AGAIN), _NEAREST)


def shrinkage_of(trial: Trial, channels: int) -> tuple[float, ...]:
    """Return per channel the factor in [0, 1] on the model's excess over its level.

    The least-squares factor over the samples whose answer is known: those not really clipped,
    and really clipped ones that were predicted below 1.  Predictions are not capped, so that
    overshoot is seen; leaving out those that overshoot into the unknown makes the factor
    smaller, never larger.  A factor from 0.7 on counts as 1 for that reason; of a smaller one
    its standard error is taken off, for a model that overshoots in some places does so in
    others too.  A channel without such samples is trusted.
    """
    factors = []
    for c in range(channels):
        usable = (trial.channel == c) & (~trial.clipped | (trial.model < 1.0))
        predicted = trial.model[usable].astype(np.float64) - trial.share
        actual = trial.known[usable].astype(np.float64) - trial.share
        size = float(predicted @ predicted)
        factor = min(max(float(predicted @ actual) / size, 0.0), 1.0) if size > 0.0 else 1.0
        if factor < _WHOLE:
            blocks = np.arange(actual.size) if trial.blocks is None else trial.blocks[usable]
            off = _standard_error(predicted * (actual - factor * predicted), blocks) / size
            factor = max(factor - _CAUTION * off, 0.0)
        factors.append(1.0 if factor >= _WHOLE else factor)
    return tuple(factors)


def _standard_error(terms: Array, blocks: Array) -> float:
    """Return that of the sum of terms whose blocks are independent of one another."""
    _numbers, place = np.unique(blocks, return_inverse=True)
    sums = np.bincount(place.reshape(-1), weights=terms)
    if sums.size < 2:
        return abs(float(sums.sum()))  # of a single block nothing is known
    return float(np.sqrt(sums.size / (sums.size - 1.0) * float(sums @ sums)))


def misfit_of(trial: Trial, shrinkage: tuple[float, ...]) -> float:
    """Return the mean squared error of the shrunk model over the samples that are known.

    Predictions are not cut off, so that a model that explodes is seen to.
    """
    usable = ~trial.clipped
    factor = np.array(shrinkage)[trial.channel[usable]]
    model = trial.share + factor * (trial.model[usable] - trial.share)
    return float(np.square(model - trial.known[usable]).mean()) if usable.any() else 0.0


def blends_of(trial: Trial, shrinkage: tuple[float, ...]) -> tuple[float, ...]:
    """Return the shares in [0, 1] of the rivals, each in the blend of those before it.

    The least-squares share over all samples that were clipped again, predictions cut off at
    the real level; one for the whole picture.
    """
    if not trial.channel.size:
        return (0.0,) * len(trial.rivals)
    factor = np.array(shrinkage)[trial.channel]
    base = np.minimum(trial.share + factor * (trial.model - trial.share), 1.0)
    shares = list[float]()
    for rival in trial.rivals:
        apart = np.minimum(rival, 1.0).astype(np.float64) - base
        size = _RIDGE * float(apart @ apart)
        fit = float(apart @ (trial.known - base)) / size if size > 0.0 else 0.0
        shares.append(min(max(fit, 0.0), 1.0))
        base = base + shares[-1] * apart
    return tuple(shares)


def blended(model: Array, rivals: Sequence[Array], shares: Sequence[float]) -> Array:
    """Return the model with the rivals blended in, one after the other."""
    for rival, share in zip(rivals, shares, strict=True):
        model = (1.0 - share) * model + share * rival
    return model
