"""The cross-channel model of an image: a quadratic energy and its one-sided minimiser."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from recover.core.arrays import Array
from recover.frames.base import Frame
from recover.frames.cross_channel import CrossChannelGradient
from recover.frames.finite_difference import FiniteDifference
from recover.frames.identity import Identity
from recover.frames.laplacian import Laplacian
from recover.frames.stack import Stack
from recover.image.domain import COLOUR, LINEAR, ValueDomain
from recover.image.slopes import PairMaps, SlopeSettings, pair_maps
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.priors.quadratic import Quadratic
from recover.solve.base import Solution
from recover.solve.multigrid_obstacle import MultigridObstacle

__all__ = ["Energy", "EnergySettings", "default_settings", "energy_of", "operator_of"]


@dataclass(frozen=True)
class EnergySettings:
    """The quadratic energy ``E(v) = |T v|^2``.

    Parameters
    ----------
    domain : ValueDomain
        Of the values, whose level is 1.
    curvature : float
        Weight of the Laplacian where all channels are clipped.
    faint : float
        Factor on it where a channel is left.
    tension : float
        Weight of the gradient between pixels all of whose channels are clipped.
    slopes : SlopeSettings
    """

    domain: ValueDomain = COLOUR
    curvature: float = 0.05
    faint: float = 0.02
    tension: float = 0.03
    slopes: SlopeSettings = field(default_factory=SlopeSettings)


def default_settings(channels: int) -> EnergySettings:
    """Return the settings for a picture: of a grey one, curvature and a little tension."""
    if channels > 1:
        return EnergySettings()
    return EnergySettings(domain=LINEAR, curvature=1.0, tension=0.1)


@dataclass(frozen=True, eq=False)
class Energy:
    """The energy of an image, its data, and its one-sided minimiser before any validation.

    Parameters
    ----------
    operator : Frame
        T, for signals (channels, height, width).
    settings : EnergySettings
    clipped : array of bool [shape=operator.signal_shape]
        The unknown samples.
    level : float
        Their least value, in the domain.
    solution : Solution
        The minimiser.
    """

    operator: Frame
    settings: EnergySettings
    clipped: Array
    level: float
    solution: Solution

    @property
    def minimiser(self) -> Array:
        """The minimiser in the domain, shape (channels, height, width); known samples as is."""
        return self.solution.signal

    @property
    def values(self) -> Array:
        """The minimiser as values whose level is 1."""
        found = self.settings.domain.inverse(self.minimiser)
        return np.maximum(found, np.ones((), found.dtype))

    @cached_property
    def problem(self) -> Problem:
        """The one-sided problem; its prior names T, with budget 0 (nothing is assumed here)."""
        high = np.where(self.clipped, self.level, np.inf)
        data = np.where(self.clipped, np.float32(self.level), self.minimiser)
        model = Saturation(Identity(data.shape), None, high)
        return Problem(model, data, prior=Quadratic(self.operator, 0.0))


def operator_of(
    shape: tuple[int, int, int], clipped: Array, maps: PairMaps | None, settings: EnergySettings
) -> Frame:
    """Return T: cross-channel gradients, tension where nothing is left, and curvature.

    Parameters
    ----------
    shape : (channels, height, width)
    clipped : array of bool [shape=shape]
    maps : PairMaps or None
        None for a grey image.
    settings : EnergySettings
    """
    full = clipped.all(axis=0)
    faint = settings.faint if len(clipped) > 1 else 1.0  # a grey image has no other channel
    roots = np.where(full, 1.0, math.sqrt(faint))
    parts: list[Frame] = [Laplacian(shape, roots)]
    weights = [math.sqrt(settings.curvature)]
    if full.any() and settings.tension > 0.0:
        parts.append(FiniteDifference(shape, full))
        weights.append(math.sqrt(settings.tension))
    if maps is not None:
        parts.append(CrossChannelGradient(shape, maps.slopes, maps.weights, maps.step))
        weights.append(math.sqrt(0.5))
    return Stack(parts, weights)


def energy_of(
    planes: Array,
    clipped: Array,
    settings: EnergySettings | None = None,
    *,
    tol: float = 1e-3,
    own: Array | None = None,
    spread: Array | None = None,
    power: float = 1.0,
) -> Energy:
    """Return the energy of an image and its one-sided minimiser, before any validation.

    Parameters
    ----------
    planes : array [shape=(channels, height, width)]
        Values whose level is 1.
    clipped : array of bool [shape of planes]
    settings : EnergySettings, optional
        `default_settings` by default.
    tol : float
        See `MultigridObstacle`.
    own : array of bool [shape=(height, width)], optional
        The pixels to solve for; clipped samples elsewhere are neither known nor looked for, and
        must be at least three pixels away.
    spread : array [shape=(channels, channels)], optional
    power : float >= 0
        See `recover.image.slopes.pair_maps`.
    """
    chosen = default_settings(len(planes)) if settings is None else settings
    v = chosen.domain.forward(np.asarray(planes, dtype=np.float32))
    maps = None
    if len(v) > 1:
        maps = pair_maps(v, ~clipped, chosen.slopes, spread, power=power)
    channels, height, width = v.shape
    operator = operator_of((channels, height, width), clipped, maps, chosen)
    level = float(chosen.domain.forward(np.ones((), dtype=np.float32)))
    unknown = clipped if own is None else clipped & own
    solution = MultigridObstacle(tol=tol).minimise(operator, v, unknown, level)
    return Energy(operator, chosen, unknown, level, solution)
