"""How patterns are laid out: where the undeflected beam lies, two planes in one array."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recover.core.arrays import Array, as_numeric
from recover.core.errors import ParameterError

__all__ = ["alternation", "corner_first", "two_planes"]

CENTRE_SHARE = 0.25  # of each axis about the middle: where the peak of a centred pattern lies
ALTERNATING = -0.3  # correlation of neighbouring pixels
ALIKE = 1e-6  # relative difference of energies that is not worth a word


def corner_first(
    data: Array, bad: Array, dark: Array, dimensions: int, centered: bool | None
) -> tuple[Array, Array, Array, list[str]]:
    """Return far fields with the undeflected beam at the first entry, as transforms have it.

    Parameters
    ----------
    data, bad, dark : array
        Magnitudes, which of them are bad, and the dark frame, of one shape.
    dimensions : int
        Axes of a pattern: the last ones.
    centered : bool or None
        Whether the beam is in the middle; None to see where the peak is.

    Returns
    -------
    data, bad, dark : array
    notes : list of str
        What was decided.
    """
    axes = tuple(range(data.ndim - dimensions, data.ndim))
    notes = []
    if centered is None:
        total = data.sum(axis=tuple(range(axes[0])))
        peak = np.unravel_index(int(np.argmax(total)), total.shape)
        off = [abs(k - n // 2) / n for k, n in zip(peak, total.shape, strict=True)]
        centered = max(off) < CENTRE_SHARE
        where = "in the middle" if centered else "at the corner"
        notes.append(f"the undeflected beam is taken to be {where} of the patterns")
        if not centered and min(off) < CENTRE_SHARE:
            notes[-1] += ", but no peak tells; `centered` in the file or the setup would"
    if not centered:
        return data, bad, dark, notes
    data, bad, dark = (np.fft.ifftshift(each, axes) for each in (data, bad, dark))
    return data, bad, dark, notes


def two_planes(
    arrays: Mapping[str, Array], data: Array, bad: Array
) -> tuple[Array, Array, list[str]]:
    """Return the magnitudes of object and far field, brought to one energy.

    Parameters
    ----------
    arrays : mapping of str to array
        With ``object_magnitude`` or ``object_intensity``.
    data, bad : array
        Magnitudes of the far field, and which of them are bad.

    Returns
    -------
    data, bad : array [flat]
        Of both planes, the object's first.
    notes : list of str
        How the planes were scaled.

    Raises
    ------
    ParameterError
        If the planes differ in shape, or one is zero, negative or not finite.
    """
    key = "object_magnitude" if "object_magnitude" in arrays else "object_intensity"
    first = as_numeric(key, arrays[key])
    if first.shape != data.shape:
        raise ParameterError(f"{key} must have the shape {data.shape}, got {first.shape}")
    if np.iscomplexobj(first) or (first < 0.0).any():
        raise ParameterError(f"{key} must be real and >= 0; pass what the detector saw")
    first = np.sqrt(np.maximum(first, 0.0)) if key == "object_intensity" else first
    sizes = float(np.linalg.norm(first)), float(np.linalg.norm(data))
    if 0.0 in sizes:
        raise ParameterError("object and far field must not be all zero")
    scale = sizes[0] / sizes[1]
    flat = np.concatenate([first.reshape(-1), scale * data.reshape(-1)]).astype(data.dtype)
    known = np.zeros(first.size, dtype=bool)
    note = f"the far field was scaled by {scale:.6g} to the energy of the object"
    return (
        flat,
        np.concatenate([known, bad.reshape(-1)]),
        [note] if abs(scale - 1.0) > ALIKE else [],
    )


def alternation(signal: Array) -> tuple[str, ...]:
    """Remark on an object that changes its sign from pixel to pixel.

    To move the origin of far fields by half their width multiplies the object by such signs.

    Parameters
    ----------
    signal : array
        The object.
    """
    x = np.asarray(signal)
    energy = float(np.vdot(x, x).real)
    for axis in range(x.ndim):
        ahead = np.take(x, range(1, x.shape[axis]), axis)
        behind = np.take(x, range(x.shape[axis] - 1), axis)
        if energy > 0.0 and float(np.vdot(behind, ahead).real) < ALTERNATING * energy:
            return (
                "the object changes its sign from pixel to pixel, as it does when the "
                "undeflected beam is looked for at the corner of the patterns and lies in the "
                "middle, or the other way round: say which by `centered` in the file or the "
                "setup",
            )
    return ()
