"""What the data say of each sample, where the coefficients are samples of the signal."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from recover.core.arrays import Array
from recover.core.rounding import U, down, norm_lower, up
from recover.frames.base import Frame
from recover.frames.identity import Identity
from recover.frames.masked import Masked
from recover.models.problem import Problem
from recover.models.saturation import Saturation

__all__ = ["Samples", "ball_caps", "coefficient_intervals", "is_sampling", "samples_of"]


class Samples(NamedTuple):
    """What is known of each sample, as flat arrays over the signal.

    Parameters
    ----------
    known : array of bool
        Samples that the data fix up to the noise.
    value : array
        Their values; zero elsewhere.
    lower, upper : array
        Every consistent signal lies between; infinite where nothing is known.
    """

    known: Array
    value: Array
    lower: Array
    upper: Array


def is_sampling(frame: Frame) -> bool:
    """Whether the coefficients are samples of a real signal."""
    while isinstance(frame, Masked):
        frame = frame.frame
    return isinstance(frame, Identity) and frame.real_signal


def samples_of(problem: Problem) -> Samples:
    """Return what is known of each sample; the frame must be one that samples."""
    frame, knowledge = problem.model.frame, problem.knowledge
    place = _positions(frame).reshape(-1)
    n = frame.signal_size
    known, value = np.zeros(n, dtype=bool), np.zeros(n)
    lower, upper = np.full(n, -np.inf), np.full(n, np.inf)
    known[place] = knowledge.fixed.reshape(-1)
    value[place] = np.where(knowledge.fixed, knowledge.value, 0.0).reshape(-1)
    below, above = coefficient_intervals(problem)
    lower[place], upper[place] = below.reshape(-1), above.reshape(-1)
    return Samples(known, value, lower, upper)


def coefficient_intervals(problem: Problem) -> tuple[Array, Array]:
    """Return the coefficients' intervals, widened by the rounding with which they were made.

    An end is a datum, plus a bias, plus or minus its noise: at most two roundings.
    """
    knowledge = problem.knowledge
    pad = 4.0 * U * (np.abs(knowledge.value) + knowledge.each)
    if isinstance(problem.model, Saturation):
        pad = np.where(knowledge.each > 0.0, pad, 0.0)
    return knowledge.lower - pad, knowledge.upper + pad


def ball_caps(radius: float, low: Array, high: Array) -> Array:
    """Return bounds of ``|x_i|`` in a ball for a signal between `low` and `high`.

    ``x_i^2 <= R^2 - sum_(j != i) min |x_j|^2``; -1 everywhere if the box misses the ball.
    """
    near = np.maximum(np.maximum(low, -high), 0.0)
    inside = norm_lower(near)
    rest = up(up(radius * radius) - down(inside * inside))
    if rest < 0.0:
        return np.full(low.shape, -1.0)
    caps: Array = np.sqrt((rest + near * near) * (1.0 + 8.0 * U)) * (1.0 + 4.0 * U)
    return caps


def _positions(frame: Frame) -> Array:
    """Return the index in the flat signal of each coefficient."""
    if isinstance(frame, Masked):
        return _positions(frame.frame)[frame.keep]
    return np.arange(frame.signal_size).reshape(frame.coef_shape)
