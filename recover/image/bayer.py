"""The mosaic of a sensor behind a Bayer filter, with what is known of it per colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.image.boxes import Box
from recover.image.demosaic import COLOURS, colour_sites
from recover.image.levels import ChannelLevel

__all__ = ["Mosaic"]


@dataclass(frozen=True, eq=False)
class Mosaic:
    """A mosaic, what of it is clipped, and its units.

    Parameters
    ----------
    values : array [shape=(height, width), floating]
    sites : array of int [shape of values]
        See `recover.image.demosaic.colour_sites`.
    hidden : array of bool [shape of values]
        The clipped samples.
    levels, black : array [shape=(3,)]
        Of each colour, finite.
    balance : array [shape=(3,)]
        The levels in units in which a grey surface has equal values.
    """

    values: Array
    sites: Array
    hidden: Array
    levels: Array
    black: Array
    balance: Array

    @staticmethod
    def of(
        values: Array,
        pattern: str,
        levels: float | Sequence[float],
        black: float | Sequence[float],
        white_balance: Sequence[float] | None,
    ) -> Mosaic:
        """Return a mosaic from the arguments of `recover.image.declip_raw`.

        Raises
        ------
        ParameterError
            If pattern, levels, black and multipliers do not fit.
        """
        sites = colour_sites(pattern, *values.shape)
        top, dark = _three("levels", levels), _three("black", black)
        gains = _three("white_balance", 1.0 if white_balance is None else white_balance)
        if not (top > dark).all():
            raise ParameterError(f"levels must lie above black, got {top} and {dark}")
        if not ((gains > 0.0) & np.isfinite(gains)).all():
            raise ParameterError(f"white_balance must be three numbers > 0, got {gains}")
        hidden = values >= top[sites].astype(values.dtype)
        # a colour that is never clipped is measured in units of its own largest sample
        largest = np.array([values[sites == c].max(initial=-np.inf) for c in range(3)])
        finite = np.where(np.isfinite(top), top, np.maximum(largest, dark + 1e-6) * 1.25)
        return Mosaic(values, sites, hidden, finite, dark, gains * (finite - dark))

    def part(self, box: Box, share: float = 1.0) -> tuple[Array, Array, Array]:
        """Return a part in units of `share` of the level, what is clipped there, and sites."""
        sites = box.cut(self.sites)
        scaled = (box.cut(self.values) - self.black[sites]) / (self.levels - self.black)[sites]
        hidden = box.cut(self.hidden)
        if share < 1.0:
            hidden = hidden | (scaled >= share)
        values = np.where(hidden, 1.0, np.minimum(scaled / share, 1.0))
        return values.astype(np.float32), hidden, sites

    def above(self, share: float) -> Array:
        """Return where samples are clipped or at least `share` of their level."""
        threshold = self.black + share * (self.levels - self.black)
        return np.asarray(self.hidden | (self.values >= threshold[self.sites]))

    @property
    def scaled(self) -> Array:
        """The samples in units of their levels."""
        size = (self.levels - self.black)[self.sites]
        return np.asarray((self.values - self.black[self.sites]) / size)

    def accounts(self) -> tuple[ChannelLevel, ...]:
        """Return the account of each colour."""
        found = []
        for c in range(len(COLOURS)):
            here = self.sites == c
            share = np.count_nonzero(self.hidden & here) / max(int(np.count_nonzero(here)), 1)
            found.append(ChannelLevel(None, float(self.levels[c]), float(share), 1.0))
        return tuple(found)


def _three(name: str, value: float | Sequence[float]) -> Array:
    array = np.asarray(value, dtype=np.float64)
    if (
        array.ndim > 1
        or (array.ndim == 1 and array.size != len(COLOURS))
        or np.isnan(array).any()
    ):
        raise ParameterError(f"{name} must be one number or three (R, G, B), got {value!r}")
    return np.array(np.broadcast_to(array, (len(COLOURS),)))
