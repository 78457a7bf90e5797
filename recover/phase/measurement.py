"""From named arrays to a problem: which setup it is, its frame, and its magnitudes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array, as_numeric
from recover.core.errors import ParameterError
from recover.frames.base import Frame
from recover.frames.coded_diffraction import CodedDiffraction
from recover.frames.dense import Dense
from recover.frames.fourier import Fourier
from recover.frames.fresnel import Fresnel
from recover.frames.identity import Identity
from recover.frames.masked import Masked
from recover.frames.ptychography import Ptychography
from recover.frames.stack import Stack
from recover.models.domains import Domain, Support
from recover.models.noise import Noise
from recover.models.problem import Problem
from recover.phase.arguments import fits_single, phase_problem
from recover.phase.layout import corner_first, two_planes
from recover.phase.near_fields import near_field_notes
from recover.phase.scan import scan_coverage, scan_domain, scan_frame

__all__ = ["PhaseMeasurement", "phase_measurement"]

TWO_PLANES = "two planes"


@dataclass(frozen=True, eq=False)
class PhaseMeasurement:
    """What is to be recovered from.

    Parameters
    ----------
    setup : str
        Its name, in words.
    frame : Frame
        Of what was measured; bad pixels are left out.
    magnitudes : array [shape=frame.coef_shape]
        The data.
    domain : Domain or None
        What is known of the object.
    notes : tuple of str
        What was decided or left out, in sentences.
    refine_probe : bool
        Whether the probe of a scan is but a guess.
    background : float or array [shape=frame.coef_shape]
        The dark frame that was taken off the intensities.
    """

    setup: str
    frame: Frame
    magnitudes: Array
    domain: Domain | None
    notes: tuple[str, ...]
    refine_probe: bool = False
    background: float | Array = 0.0

    def noise(self, l2: float, counts_per_unit: float) -> Noise | float:
        """Return the promise about the noise of the magnitudes, 0 for none.

        It is a bound of its l2 norm, or counts to one unit of intensity; raises
        `ParameterError` if both are given, one is negative, or the data are counts no longer.
        """
        for name, value in (("noise", l2), ("counts_per_unit", counts_per_unit)):
            if not 0.0 <= value < math.inf:
                raise ParameterError(f"{name} must be finite and >= 0, got {value}")
        if counts_per_unit == 0.0:
            return Noise(l2=l2) if l2 > 0.0 else 0.0
        if l2 > 0.0:
            raise ParameterError("give noise or counts_per_unit, not both: one promise is made")
        if self.setup == TWO_PLANES:
            raise ParameterError(
                "counts_per_unit says nothing of two planes brought to one energy; give noise, "
                "the l2 norm of the magnitudes' noise"
            )
        return Noise.counted(counts_per_unit, background=self.background)

    def problem(self, noise: float, counts_per_unit: float = 0.0) -> Problem:
        """Return the problem with what is promised of the noise."""
        promise = self.noise(noise, counts_per_unit)
        return phase_problem(self.magnitudes, self.frame, self.domain, promise)


def phase_measurement(arrays: Mapping[str, Array], name: str) -> PhaseMeasurement:
    """Return the measurement that named arrays stand for.

    Patterns are in ``magnitude`` or ``intensity`` (of which ``dark`` is taken off and the root
    drawn).  What else is there says which setup it is: ``rows`` a matrix, ``masks`` coded
    diffraction, ``positions`` (or ``translation``) with ``probe`` a scan (see `scan_frame`),
    ``distances`` with ``wavelength`` and ``pixel_size`` near fields (a ``detector_distance``
    does not make them such),
    ``object_magnitude`` (or ``object_intensity``) two planes, else a far field with
    ``support``.  ``bad`` marks pixels that were not measured, as do values not finite;
    ``real`` and ``nonnegative`` speak of the object.  Far fields whose peak is in the middle
    are taken for centred ones unless ``centered`` says otherwise.

    Parameters
    ----------
    arrays : mapping of str to array
    name : str
        Of the file, for messages.

    Raises
    ------
    ParameterError
        If data are missing, or what is given does not fit together.
    """
    data, bad, notes = _data(arrays, name)
    dark = _dark(arrays, data.shape)
    nonnegative, real = _flag(arrays, "nonnegative"), _flag(arrays, "real")
    real = real or nonnegative
    setup, frame = _setup(arrays, data, real)
    if isinstance(frame, Fourier | CodedDiffraction | Ptychography | Stack) and data.ndim > 1:
        centered = _flag(arrays, "centered") if "centered" in arrays else None
        dimensions = min(len(frame.signal_shape), data.ndim)
        data, bad, dark, words = corner_first(data, bad, dark, dimensions, centered)
        notes += words
    if isinstance(frame, Stack):
        data, bad, words = two_planes(arrays, data, bad)
        notes += words
    if isinstance(frame, Fresnel) and data.ndim == len(frame.signal_shape):
        data, bad, dark = data[None], bad[None], dark[None]
    if isinstance(frame, Fresnel):
        notes += near_field_notes(frame)
    if data.shape != frame.coef_shape:
        raise ParameterError(
            f"the patterns of {name} must have shape {frame.coef_shape} for {setup}, got "
            f"{data.shape}"
        )
    domain = _domain(arrays, frame, nonnegative=nonnegative)
    if isinstance(frame, Ptychography):
        domain = scan_domain(scan_coverage(frame), domain)
    if bad.any():
        share = 100.0 * float(bad.mean())
        notes.append(f"{int(bad.sum())} pixels ({share:.3g} %) are bad and were left out")
        dark = dark[~bad] if dark.shape == bad.shape else dark
        frame, data = Masked(frame, ~bad), data[~bad]
    refine = _flag(arrays, "refine_probe")
    background: float | Array = dark if dark.any() else 0.0
    return PhaseMeasurement(setup, frame, data, domain, tuple(notes), refine, background)


def _data(arrays: Mapping[str, Array], name: str) -> tuple[Array, Array, list[str]]:
    """Return magnitudes, which of them are bad, and notes."""
    kinds = [kind for kind in ("magnitude", "intensity") if kind in arrays]
    if len(kinds) != 1:
        held = ", ".join(sorted(arrays)) or "nothing that is known"
        raise ParameterError(
            f"{name} must hold magnitude or intensity (one of the two), it holds {held}"
        )
    raw = np.asarray(arrays[kinds[0]])
    if raw.dtype.kind not in "fiu" or raw.size == 0:
        raise ParameterError(f"{kinds[0]} of {name} must be real numbers, got {raw.dtype}")
    values = raw.astype(np.float64)
    bad = ~np.isfinite(values)
    if "bad" in arrays:
        marked = np.asarray(arrays["bad"])
        if marked.dtype.kind not in "biuf":
            raise ParameterError(
                f"bad must hold which pixels are bad, got {marked.dtype}; the masks of coded "
                "diffraction are named masks"
            )
        try:
            bad |= np.broadcast_to(marked != 0, values.shape)
        except ValueError:
            raise ParameterError(
                f"bad must have the patterns' shape {values.shape}, got {marked.shape}"
            ) from None
    if bad.all():
        raise ParameterError(
            f"no pixel of {name} is left: all are marked bad, or are not finite numbers"
        )
    values[bad] = 0.0
    notes = _saturation(raw, bad)
    if kinds == ["intensity"]:
        values = values - _dark(arrays, values.shape)
        below = int(np.count_nonzero(values < 0.0))
        if below:
            notes.append(f"{below} intensities below zero were set to zero")
        values = np.sqrt(np.maximum(values, 0.0))
    elif "dark" in arrays:
        raise ParameterError("dark is taken off intensities; give intensity, not magnitude")
    single = raw.dtype.kind != "f" or raw.dtype.itemsize <= 4
    dtype = np.float32 if single and fits_single(values) else np.float64
    return values.astype(dtype), bad, notes


def _saturation(raw: Array, bad: Array) -> list[str]:
    """Remark on integers that can be no larger: a detector that saw more would say the same."""
    if raw.dtype.kind not in "iu":
        return []
    most = np.iinfo(raw.dtype).max
    count = int(np.count_nonzero((raw == most) & ~bad))
    if count == 0:
        return []
    return [
        f"{count} pixels are at {most}, the largest {raw.dtype}: if they are saturated, mark "
        "them in `bad`"
    ]


def _dark(arrays: Mapping[str, Array], shape: tuple[int, ...]) -> Array:
    """Return what the detector counts without light, for each value."""
    if "dark" not in arrays:
        return np.zeros(shape)
    dark = as_numeric("dark", arrays["dark"])
    try:
        return np.asarray(np.broadcast_to(dark, shape), dtype=np.float64)
    except ValueError:
        raise ParameterError(
            f"dark must have the patterns' shape {shape}, got {dark.shape}"
        ) from None


def _flag(arrays: Mapping[str, Array], name: str) -> bool:
    return bool(np.asarray(arrays[name]).any()) if name in arrays else False


def _setup(arrays: Mapping[str, Array], data: Array, real: bool) -> tuple[str, Frame]:
    if "rows" in arrays:
        rows = as_numeric("rows", arrays["rows"])
        return "a matrix", Dense(rows, real_signal=real or not np.iscomplexobj(rows))
    if "masks" in arrays:
        masks = as_numeric("masks", arrays["masks"])
        return "coded diffraction", CodedDiffraction(masks, real_signal=real)
    if "positions" in arrays or "translation" in arrays:
        return "a scan", scan_frame(arrays, real=real)
    if "distances" in arrays:
        missing = [key for key in ("wavelength", "pixel_size") if key not in arrays]
        if missing:
            raise ParameterError(f"distances need {' and '.join(missing)} too, in one unit")
        distances = np.atleast_1d(as_numeric("distances", arrays["distances"]))
        return "near fields", Fresnel(
            data.shape[1:] if data.ndim > 2 else data.shape,
            _number(arrays, "wavelength"),
            _number(arrays, "pixel_size"),
            tuple(float(z) for z in distances),
            real_signal=real,
        )
    if "object_magnitude" in arrays or "object_intensity" in arrays:
        planes = [Identity(data.shape, real_signal=real), Fourier(data.shape, real_signal=real)]
        return TWO_PLANES, Stack(planes)
    if "support" not in arrays:
        far = "; a detector_distance is that of far fields" * ("detector_distance" in arrays)
        raise ParameterError(
            "a far field needs a support of the object, or masks, distances, an object "
            f"magnitude or rows beside it; got {', '.join(sorted(arrays))} (--setup SETUP.npz "
            f"adds what the data file lacks{far})"
        )
    return "a far field with a support", Fourier(data.shape, real_signal=real)


def _number(arrays: Mapping[str, Array], name: str) -> float:
    values = as_numeric(name, arrays[name]).reshape(-1)
    if values.size == 0 or np.iscomplexobj(values) or not (values == values[0]).all():
        raise ParameterError(f"{name} must be one real number, got {values}")
    return float(values[0])


def _domain(arrays: Mapping[str, Array], frame: Frame, *, nonnegative: bool) -> Domain | None:
    if "support" not in arrays:
        if not nonnegative:
            return None
        return Support(np.ones(frame.signal_shape, dtype=bool), nonnegative=True)
    mask = np.asarray(arrays["support"]) != 0
    if mask.ndim != len(frame.signal_shape) or any(
        a > b for a, b in zip(mask.shape, frame.signal_shape, strict=True)
    ):
        raise ParameterError(
            f"support must fit into the object's shape {frame.signal_shape}, got {mask.shape}"
        )
    if not mask.any():
        raise ParameterError("support must hold at least one pixel, it is empty")
    whole = np.zeros(frame.signal_shape, dtype=bool)
    whole[tuple(slice(0, n) for n in mask.shape)] = mask
    return Support(whole, nonnegative=nonnegative)
