"""Where a scan's windows lie, from the translations in metres that CXI files hold."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import numpy as np

from recover.core.arrays import Array, as_numeric
from recover.core.errors import ParameterError

__all__ = ["positions_of"]

log = logging.getLogger("recover")

NEEDED = ("wavelength", "distances", "pixel_size", "probe")
DETECTOR = "detector_distance"  # what CXI files call the distance


def positions_of(arrays: Mapping[str, Array]) -> Array:
    """Return the first sample of each window, from translations.

    A far field at the distance z of N detector pixels of size p shows an object in pixels of
    ``wavelength z / (N p)``.  The first column of a translation (x) goes along the object's
    last axis, the second (y) along the one before, both in the sense of growing indices; turn
    their signs in the file if the stage moves the other way.  They are rounded to whole pixels,
    and the log says by how much.

    Parameters
    ----------
    arrays : mapping
        ``translation`` of shape (K, 2) or (K, 3), ``wavelength``, ``distances`` (one; or
        ``detector_distance``) and ``pixel_size`` of the detector, all in one unit; ``probe``.

    Returns
    -------
    array of int [shape=(K, 2)]
        From 0 along each axis.

    Raises
    ------
    ParameterError
        If a number is missing or is not positive, or the shapes do not fit.
    """
    if "distances" not in arrays and DETECTOR in arrays:
        arrays = {**arrays, "distances": arrays[DETECTOR]}
    missing = [name for name in NEEDED if name not in arrays]
    if missing:
        raise ParameterError(
            f"translations are in metres and need {', '.join(missing)} too; or give positions "
            "in pixels of the object"
        )
    moves = as_numeric("translation", arrays["translation"])
    probe = as_numeric("probe", arrays["probe"])
    if moves.ndim != 2 or moves.shape[1] not in (2, 3) or probe.ndim != 2:
        raise ParameterError(
            "translation must have shape (K, 2) or (K, 3) and the probe two axes, got "
            f"{moves.shape} and {probe.shape}"
        )
    numbers = [float(as_numeric(name, arrays[name]).reshape(-1)[0]) for name in NEEDED[:3]]
    if not all(number > 0.0 for number in numbers):
        raise ParameterError(
            f"wavelength, distance and pixel_size must be > 0, got {numbers}; give all in one "
            "unit"
        )
    wavelength, distance, pixel = numbers
    sizes = np.array([wavelength * distance / (n * pixel) for n in probe.shape])
    exact = moves[:, 1::-1] / sizes
    exact = exact - exact.min(axis=0)
    whole = np.rint(exact)
    off = float(np.abs(exact - whole).max())
    log.warning(
        "translations were rounded to the object's pixels (%.3g by %.3g): by up to %.2f of one",
        *sizes,
        off,
    )
    return np.asarray(whole.astype(np.int64))
