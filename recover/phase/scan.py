"""Ptychographic scans: do they hang together, what do they light, first guesses of a probe."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.fft import fftn, ifftn

from recover.core.arrays import Array, as_numeric
from recover.core.errors import ParameterError
from recover.frames.ptychography import Ptychography
from recover.models.domains import Domain, Support
from recover.phase.scan_translation import positions_of

__all__ = [
    "ScanCoverage",
    "probe_guesses",
    "refuse_sparse",
    "scan_coverage",
    "scan_frame",
    "scan_notes",
    "windowed",
]

LEAST_OVERLAP = 0.1  # share of a window below which it tells nothing of its neighbour
USUAL_OVERLAP = 0.5  # below it an unknown probe is hardly found
BRIGHT = 0.01  # of the strongest intensity of the probe: what counts as its extent
DARK = 1e-10  # of the strongest illumination: samples that are not lit
VAST = 1000  # objects so many times as large as all windows together are mistakes
CURVATURES = 32  # of each sign, that the guess of the probe is tried with


@dataclass(frozen=True, eq=False)
class ScanCoverage:
    """What a scan lights.

    Parameters
    ----------
    overlap : float
        The share of the lit part of a window that the neighbour nearest to it lights too:
        the least over all windows.
    typical : float
        Its median.
    separate : int
        Groups of windows that hang together by `LEAST_OVERLAP` (0.1) or more; 1 is well.
    lit : array of bool [shape=frame.shape]
        Samples that some window lights.
    regular : bool
        Whether the positions are a lattice: with an unknown probe periodic patterns then go
        unseen.
    """

    overlap: float
    typical: float
    separate: int
    lit: Array
    regular: bool

    @property
    def unlit(self) -> int:
        """Number of samples that no window lights."""
        return int(self.lit.size - np.count_nonzero(self.lit))


def scan_coverage(frame: Ptychography) -> ScanCoverage:
    """Return how the windows of a scan overlap and what they light.

    The lit part of a window is where the probe has 1 % of its strongest intensity or more.
    """
    light = frame.illumination
    lit = light > DARK * float(light.max())
    squares = np.square(np.abs(frame.probe))
    bright = (squares >= BRIGHT * float(squares.max())).astype(np.float64)
    double = tuple(2 * n for n in bright.shape)
    spectrum = fftn(bright, s=double)
    shares = np.asarray(ifftn(np.square(np.abs(spectrum))).real) / float(bright.sum())
    best, group = _neighbours(frame, shares)
    return ScanCoverage(
        float(best.min()),
        float(np.median(best)),
        int(np.unique(group).size),
        lit,
        _regular(frame.positions),
    )


def scan_domain(coverage: ScanCoverage, domain: Domain | None) -> Domain | None:
    """Return the domain without the samples that no window lights; None for everything."""
    if domain is None:
        return Support(coverage.lit) if coverage.unlit else None
    if isinstance(domain, Support) and domain.mask.shape == coverage.lit.shape:
        return Support(domain.mask & coverage.lit, domain.nonnegative)
    return domain


def scan_frame(arrays: Mapping[str, Array], *, real: bool) -> Ptychography:
    """Return the frame of the arrays ``positions``, ``probe`` and perhaps ``shape`` of a file.

    ``translation`` in metres, with ``wavelength``, ``distances`` and ``pixel_size``, may stand
    for the positions (see `positions_of`).

    Without a shape the object is as large as the scan, and its first sample is the first that
    is lit along each axis.

    Raises
    ------
    ParameterError
        If the probe is missing, or the arrays do not fit together.
    """
    if "probe" not in arrays:
        raise ParameterError(
            "positions need the probe too, or a first guess of it with refine_probe"
        )
    probe = as_numeric("probe", arrays["probe"])
    if "positions" in arrays:
        places = as_numeric("positions", arrays["positions"])
    else:
        places = positions_of(arrays)
    if "shape" in arrays:
        given = as_numeric("shape", arrays["shape"]).reshape(-1)
        shape = tuple(int(n) for n in given)
        _refuse_vast(shape, probe, places)
        return Ptychography(shape, probe, places, real)
    if places.ndim != 2 or places.shape[1] != probe.ndim or places.size == 0:
        raise ParameterError(
            f"positions must have shape (K, {probe.ndim}), one row for each exposure, got "
            f"{places.shape}"
        )
    first, last = places.min(axis=0), places.max(axis=0)
    spans = zip(first, last, probe.shape, strict=True)
    shape = tuple(int(np.ceil(b - a)) + n for a, b, n in spans)
    _refuse_vast(shape, probe, places)
    return Ptychography(shape, probe, places - first, real)


def _refuse_vast(shape: tuple[int, ...], probe: Array, places: Array) -> None:
    """Refuse, before memory is asked for, an object that hardly any window can reach."""
    if math.prod(shape) > VAST * max(probe.size * len(places), VAST):
        raise ParameterError(
            f"an object of shape {shape} is more than {VAST} times as large as all "
            f"{len(places)} windows of {probe.shape} together; check positions and shape"
        )


def windowed(frame: Ptychography) -> Array:
    """Return which samples lie in some window, lit or not."""
    found = np.zeros(frame.shape, dtype=bool)
    for window in frame.windows:
        found[window] = True
    return found


def refuse_sparse(frame: Ptychography, coverage: ScanCoverage) -> None:
    """Raise `ParameterError` for a scan whose windows do not hang together."""
    if coverage.separate > 1:
        raise ParameterError(
            f"positions overlap too little: the {frame.positions.shape[0]} windows fall into "
            f"{coverage.separate} groups that share less than {LEAST_OVERLAP:.0%} of a window "
            f"(the least overlap of neighbours is {coverage.overlap:.1%}, the median "
            f"{coverage.typical:.1%}), and {coverage.unlit} of {coverage.lit.size} pixels are "
            "never lit; the phase between groups is lost: take smaller steps, 60 % is usual"
        )


def scan_notes(coverage: ScanCoverage, *, refine_probe: bool) -> list[str]:
    """Return what the user should know of a scan, in sentences."""
    notes = []
    if coverage.unlit:
        share = coverage.unlit / coverage.lit.size
        notes.append(
            f"{coverage.unlit} of {coverage.lit.size} pixels ({share:.1%}) are never lit and "
            "were set to zero"
        )
    if refine_probe and coverage.typical < USUAL_OVERLAP:
        notes.append(
            f"neighbouring windows share {coverage.typical:.0%} only; with an unknown probe "
            "60 % and more is usual"
        )
    if refine_probe and coverage.regular:
        notes.append(
            "the positions are a regular lattice: with an unknown probe patterns of its period "
            "cannot be told from the object; jitter the positions"
        )
    return notes


def probe_guesses(frame: Ptychography, magnitudes: Array) -> list[Ptychography]:
    """Return the frame with its probe and with two that are out of focus, for trials.

    The mean intensity is about that of the probe's far field, blurred by the object.  A probe
    out of focus carries a quadratic phase, which decides how wide its far field is: the
    curvature whose far field fits best is taken, with both signs.

    Parameters
    ----------
    frame : Ptychography
        With the first guess.
    magnitudes : array [shape=frame.coef_shape]
    """
    probe = frame.probe
    axes = [np.arange(n) - 0.5 * (n - 1) for n in probe.shape]
    radius = np.zeros(probe.shape)
    for axis, places in enumerate(axes):
        radius += np.square(places).reshape(-1, *(1,) * (len(axes) - 1 - axis))
    mean = np.sqrt(np.mean(np.square(magnitudes.astype(np.float64)), axis=0))
    # from none to where neighbours at the edge differ by half a turn
    most = np.pi / max(probe.shape)
    grid = np.linspace(-most, most, 2 * CURVATURES + 1)
    scores = []
    for curvature in grid:
        far = np.abs(fftn(probe * np.exp(1j * curvature * radius)))
        scores.append(float(np.vdot(far, mean) / np.linalg.norm(far)))
    best = float(grid[int(np.argmax(scores))])
    bent = [probe * np.exp(1j * c * radius) for c in ((best, -best) if best else ())]
    rest = (frame.positions, frame.real_signal)
    return [frame, *(Ptychography(frame.shape, each, *rest) for each in bent)]


def _neighbours(frame: Ptychography, shares: Array) -> tuple[Array, Array]:
    """Return each window's largest overlap with another, and which group it belongs to."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    count = frame.positions.shape[0]
    reach = max(frame.probe.shape) - 1
    tree = cKDTree(frame.positions)
    pairs = tree.query_pairs(float(reach), p=np.inf, output_type="ndarray")
    apart = np.abs(frame.positions[pairs[:, 0]] - frame.positions[pairs[:, 1]])
    near = (apart < np.array(frame.probe.shape)).all(axis=1)
    pairs, apart = pairs[near], apart[near]
    signed = frame.positions[pairs[:, 0]] - frame.positions[pairs[:, 1]]
    share = shares[tuple(signed.T)]
    best = np.zeros(count)
    for column in (0, 1):
        np.maximum.at(best, pairs[:, column], share)
    linked = pairs[share >= LEAST_OVERLAP]
    graph = coo_array(
        (np.ones(len(linked)), (linked[:, 0], linked[:, 1])), shape=(count, count)
    )
    _, group = connected_components(graph, directed=False)
    return (best if count > 1 else np.ones(1)), np.asarray(group)


def _regular(positions: Array) -> bool:
    """Return whether more than one step along each axis are all the same."""
    for column in positions.T:
        steps = np.diff(np.unique(column))
        if steps.size < 2 or not (steps == steps[0]).all() or steps[0] == 1:
            return False
    return True
