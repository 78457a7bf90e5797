"""How far a recovery is trusted: clip the picture again, lower, and compare with the known.

At a lower level everything between it and the real level is known; a recovery of the picture
clipped there shows how the model does on the highest tones of this very picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from recover.core.arrays import Array

__all__ = ["AGAIN", "Trial", "blend_of", "misfit_of", "share_of", "shrinkage_of"]

AGAIN = 0.8  # of the level: where the picture is clipped again
_NEAREST = 0.98  # of the level: clipped closer to it, almost nothing is known
_WHOLE = 0.7  # factors from here on count as 1: the estimate below is cautious by construction
_RIDGE = 1.02  # a blend must pay


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
    model, rule : array [shape=(n,)]
        Predictions of the model and of the opposed rule, in the picture's units.
    share : float
        Of the level: where the picture was clipped again.
    """

    channel: Array
    known: Array
    clipped: Array
    model: Array
    rule: Array
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
    smaller, never larger.  A channel without such samples is trusted.
    """
    factors = []
    for c in range(channels):
        usable = (trial.channel == c) & (~trial.clipped | (trial.model < 1.0))
        predicted = trial.model[usable].astype(np.float64) - trial.share
        actual = trial.known[usable].astype(np.float64) - trial.share
        size = float(predicted @ predicted)
        factor = min(max(float(predicted @ actual) / size, 0.0), 1.0) if size > 0.0 else 1.0
        factors.append(1.0 if factor >= _WHOLE else factor)
    return tuple(factors)


def misfit_of(trial: Trial, shrinkage: tuple[float, ...]) -> float:
    """Return the mean squared error of the shrunk model over the samples that are known.

    Predictions are not cut off, so that a model that explodes is seen to.
    """
    usable = ~trial.clipped
    factor = np.array(shrinkage)[trial.channel[usable]]
    model = trial.share + factor * (trial.model[usable] - trial.share)
    return float(np.square(model - trial.known[usable]).mean()) if usable.any() else 0.0


def blend_of(trial: Trial, shrinkage: tuple[float, ...]) -> float:
    """Return the share in [0, 1] of the opposed rule, one for the whole picture.

    The least-squares share over all samples that were clipped again, predictions cut off at
    the real level.
    """
    if not trial.channel.size:
        return 0.0
    factor = np.array(shrinkage)[trial.channel]
    model = np.minimum(trial.share + factor * (trial.model - trial.share), 1.0)
    apart = np.minimum(trial.rule, 1.0).astype(np.float64) - model
    size = _RIDGE * float(apart @ apart)
    return (
        min(max(float(apart @ (trial.known - model)) / size, 0.0), 1.0) if size > 0.0 else 0.0
    )
