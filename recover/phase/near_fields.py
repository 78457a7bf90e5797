"""Whether the distances of near fields suit their pixels."""

from __future__ import annotations

import math

from recover.frames.fresnel import Fresnel

__all__ = ["near_field_notes"]

LEAST_TURN = 0.01  # radians: planes that differ less tell nothing of each other


def near_field_notes(frame: Fresnel) -> list[str]:
    """Return what the user should know of the planes' distances, in sentences.

    At the distance z the finest detail that pixels of size p hold, of the frequency ``1 / 2p``,
    goes aside by ``wavelength z / 2p``, to either side; the object of N pixels is taken for
    periodic, so that beyond ``wavelength z = N p^2`` details meet their own repetitions: the
    transfer function turns by more than half a turn between neighbouring frequencies.  It turns
    by ``pi wavelength z / 4 p^2`` along an axis from the lowest frequency to the highest.

    Parameters
    ----------
    frame : Fresnel
    """
    unit = frame.wavelength / frame.pixel_size / frame.pixel_size
    longest = max(abs(z) for z in frame.distances)
    widest, narrow = longest * unit, min(frame.shape)
    advice = "check that wavelength, pixel_size and distances are in one unit"
    if widest > narrow:
        return [
            f"over the distance {longest:g} details spread by {widest:.3g} pixels, more than "
            f"the {narrow} of the field, which is taken to repeat itself: {advice}, or pad it"
        ]
    apart = (max(frame.distances) - min(frame.distances)) * unit
    turn = 0.25 * math.pi * len(frame.shape) * (apart if len(frame.distances) > 1 else widest)
    if turn < LEAST_TURN:
        return [f"the planes differ by {turn:.2g} rad at most, hardly at all: {advice}"]
    return []
