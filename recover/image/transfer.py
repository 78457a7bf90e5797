"""How an image's samples encode light: proportionally, or by the sRGB curve."""

from __future__ import annotations

import warnings
from enum import Enum
from typing import Any

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError

__all__ = [
    "Transfer",
    "TransferWarning",
    "doubt",
    "full_scale",
    "transfer_named",
    "warn_if_odd",
]

# IEC 61966-2-1:1999, section 5.2: the linear segment ends at these values
_SLOPE, _OFFSET, _EXPONENT = 12.92, 0.055, 2.4
_KNEE = 0.04045  # of the encoded value, as the standard states it
_LINEAR_KNEE = _KNEE / _SLOPE  # so that decoding and encoding are each other's inverse
_COLOURS = (3, 4)


class TransferWarning(UserWarning):
    """The transfer function that was given does not look like the image's."""


class Transfer(Enum):
    """How sample values relate to light; the values are the names of the command line."""

    LINEAR = "linear"
    SRGB = "srgb"

    def decode(self, values: Array, scale: float = 1.0) -> Array:
        """Return light in units of the full scale's; linear values are divided by `scale`.

        The sRGB curve continues beyond full scale by its own formula, and odd below zero.

        Parameters
        ----------
        values : array of float
            Sample values.
        scale : float > 0
            The full scale of the values: 255 for 8 bit.

        References
        ----------
        IEC 61966-2-1:1999, section 5.2.
        """
        x = values / values.dtype.type(scale)
        if self is Transfer.LINEAR:
            return np.asarray(x)
        size = np.abs(x)
        curve = ((size + _OFFSET) / (1.0 + _OFFSET)) ** _EXPONENT
        light = np.where(size <= _KNEE, x / _SLOPE, np.sign(x) * curve)
        return np.asarray(light.astype(x.dtype))

    def encode(self, light: Array, scale: float = 1.0) -> Array:
        """Return sample values of light; the inverse of `decode`."""
        unit = light.dtype.type(scale)
        if self is Transfer.LINEAR:
            return np.asarray(light * unit)
        size = np.abs(light)
        curve = (1.0 + _OFFSET) * size ** (1.0 / _EXPONENT) - _OFFSET
        coded = np.where(size <= _LINEAR_KNEE, _SLOPE * light, np.sign(light) * curve)
        return np.asarray((coded * unit).astype(light.dtype))


def transfer_named(name: str) -> Transfer:
    """Return the transfer function of that name; raises `ParameterError` for another."""
    try:
        return Transfer(name)
    except ValueError:
        known = ", ".join(repr(each.value) for each in Transfer)
        raise ParameterError(f"transfer must be one of {known}, got {name!r}") from None


def full_scale(dtype: np.dtype[Any]) -> float:
    """Return the value of full scale: the largest integer of the type, 1 for floating point."""
    return float(np.iinfo(dtype).max) if dtype.kind in "iu" else 1.0


def doubt(planes: Array, transfer: Transfer) -> str | None:
    """Return in a sentence why the transfer function looks wrong, or None.

    Only what is plain is said: 8-bit colour is display-encoded but for rare exceptions, and
    sRGB values end at full scale.

    Parameters
    ----------
    planes : array [shape=(channels, ...)]
        In the dtype of the file.
    transfer : Transfer
        What was given.
    """
    if transfer is Transfer.LINEAR:
        if planes.dtype == np.uint8 and len(planes) in _COLOURS:
            return (
                "8-bit colour images are nearly always sRGB-encoded, but the transfer function "
                "is given as linear; use transfer srgb if this is a photograph"
            )
        return None
    most, scale = float(planes.max()), full_scale(planes.dtype)
    if most > scale:
        return (
            f"sRGB values end at {scale:g}, but the largest sample is {most:g}; use transfer "
            "linear if these are scene-linear values"
        )
    return None


def warn_if_odd(planes: Array, transfer: Transfer) -> tuple[str, ...]:
    """Issue a `TransferWarning` where `doubt` finds a reason; return it for the notes."""
    reason = doubt(planes, transfer)
    if reason is None:
        return ()
    warnings.warn(reason, TransferWarning, stacklevel=3)
    return (reason,)
