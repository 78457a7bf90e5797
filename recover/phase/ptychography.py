"""Ptychography: magnitudes of a scan in, the object, and the probe, with a certificate out."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, as_generator, as_numeric
from recover.core.errors import ParameterError
from recover.frames.base import Frame
from recover.frames.masked import Masked, unmasked
from recover.frames.ptychography import Ptychography
from recover.models.domains import Domain
from recover.models.noise import Noise
from recover.models.problem import Problem
from recover.phase.arguments import count_note, phase_problem
from recover.phase.blind_scan import scan_of, with_probe
from recover.phase.plan import SEARCH_TOL, asked_method, single_serves
from recover.phase.result import PhaseResult
from recover.phase.retrieve import result_of, unexplained
from recover.phase.scan import refuse_sparse, scan_coverage, scan_domain, scan_notes, windowed
from recover.phase.search import (
    POLISH_STEPS,
    Found,
    explained,
    polish_tol,
    polished,
    search,
)
from recover.solve.base import AnyMethod, Status, Watch
from recover.solve.ptychographic_retrieval import PtychographicRetrieval

__all__ = ["problem_with_probe", "ptychography", "retrieve_scan"]

log = logging.getLogger("recover")

LONGER = 400  # projections of a second attempt


def ptychography(
    magnitudes: npt.ArrayLike,
    positions: npt.ArrayLike,
    probe: npt.ArrayLike,
    *,
    shape: int | tuple[int, ...],
    refine_probe: bool = False,
    method: AnyMethod | str | None = None,
    start: npt.ArrayLike | None = None,
    noise: Noise | float = 0.0,
    certify: bool = True,
    rng: int | np.random.Generator = 0,
    watch: Watch | None = None,
) -> PhaseResult:
    """Recover an object, and the probe if asked, from the far fields of a scan.

    Parameters
    ----------
    magnitudes : array [shape=(K, *probe.shape), >= 0]
        Moduli of the unitary Fourier transforms of what left the object, the undeflected beam
        at the first entry: ``numpy.fft.ifftshift`` of centred patterns along all axes but the
        first.  Square roots of intensities.
    positions : array of int [shape=(K, len(shape))]
        First sample of the object that each exposure lights.
    probe : array [real or complex]
        The illumination of one exposure, or a first guess: of about the right extent; its
        focus is searched for.
    shape : int or tuple of int
        Shape of the object.
    refine_probe : bool
        Whether the probe is but a guess.  The certificate then holds for the probe that was
        found, as an assumption.
    method : Method or str, optional
        One of `recover.methods`, or its name; `PtychographicRetrieval` by default.
    start : array [shape=shape], optional
        Object to start from.
    noise : Noise or float
        A promise about the noise of the magnitudes; a number bounds its l2 norm.
    certify : bool
        Whether to issue a certificate.
    rng : int or Generator
        The only source of randomness.
    watch : callable, optional
        Told a `Progress` after each step; returns True to stop with what there is.

    Returns
    -------
    PhaseResult
        With `probe` and `illumination`.  Where the scan lights nothing the object is set to
        zero, and the certificate speaks of objects that are: it is verified with
        ``Problem(Modulus(Ptychography(shape, result.probe, positions)), magnitudes,
        noise=noise, domain=Support(result.support))``, without the domain if ``result.support``
        is None.

    Raises
    ------
    ParameterError
        If positions lie outside the object or overlap too little, or the data cannot be
        magnitudes of the scan.
    OutOfScopeError
        If `method` does not apply.

    References
    ----------
    .. [1] J. M. Rodenburg, "Ptychography and related diffractive imaging methods", Adv. Imaging
       Electron Phys. 150 (2008).
    """
    frame = Ptychography(shape, probe, positions)
    return retrieve_scan(
        magnitudes, frame, refine_probe=refine_probe, method=method, start=start, noise=noise,
        certify=certify, rng=rng, watch=watch,
    )  # fmt: skip


def retrieve_scan(
    magnitudes: npt.ArrayLike,
    frame: Frame,
    *,
    domain: Domain | None = None,
    refine_probe: bool = False,
    method: AnyMethod | str | None = None,
    start: npt.ArrayLike | None = None,
    noise: Noise | float = 0.0,
    certify: bool = True,
    rng: int | np.random.Generator = 0,
    watch: Watch | None = None,
) -> PhaseResult:
    """Do what `ptychography` does for a frame: Ptychography, or Masked where pixels are bad."""
    scan = scan_of(frame)
    coverage = scan_coverage(scan)
    refuse_sparse(scan, coverage)
    if refine_probe:  # the guess may be dark where the probe is not
        coverage = replace(coverage, lit=windowed(scan))
    domain = scan_domain(coverage, domain)
    problem = phase_problem(magnitudes, frame, domain, noise)
    if refine_probe:
        _refuse_too_few(problem, coverage.lit, scan)
    generator = as_generator(rng)
    first = None if start is None else as_numeric("start", start)
    notes = scan_notes(coverage, refine_probe=refine_probe)
    count = count_note(problem)
    notes += [] if count is None else [count]
    for note in notes:
        log.warning("%s", note)
    chosen = None if method is None else asked_method(method)
    if refine_probe:
        problem, found = with_probe(problem, chosen, first, generator, watch)
        notes.append(
            "the probe was recovered too: the certificate takes it for exact; besides a phase, "
            "a factor between object and probe, opposite phase ramps and a common shift "
            "cannot be told"
        )
    else:
        found = _known(problem, chosen, first, generator, watch)
    if not explained(problem, found.best) and found.status is not Status.STOPPED:
        notes.append(unexplained(problem, found))
    return result_of(
        problem,
        found,
        notes,
        asked=certify,
        rng=generator,
        probe=scan_of(problem.model.frame).probe,
        illumination=scan_of(problem.model.frame).illumination,
    )


def problem_with_probe(
    magnitudes: npt.ArrayLike,
    frame: Frame,
    domain: Domain | None,
    noise: Noise | float,
    probe: Array,
) -> Problem:
    """Return the problem that the certificate of a scan with a recovered probe speaks of.

    Parameters
    ----------
    magnitudes : array [shape=frame.coef_shape]
    frame : Frame
        With the guess of the probe: Ptychography, or Masked where pixels are bad.
    domain : Domain, optional
        As given to the recovery.
    noise : Noise or float
    probe : array
        The one that was recovered.
    """
    guess = scan_of(frame)
    scan = Ptychography(guess.shape, probe, guess.positions, guess.real_signal)
    whole = replace(scan_coverage(guess), lit=windowed(guess))
    found: Frame = Masked(scan, unmasked(frame, None)[1]) if isinstance(frame, Masked) else scan
    return phase_problem(magnitudes, found, scan_domain(whole, domain), noise)


def _known(
    problem: Problem,
    method: AnyMethod | None,
    start: Array | None,
    rng: np.random.Generator,
    watch: Watch | None,
) -> Found:
    if method is not None:
        return search(problem, [method], start, rng, watch, single=False)
    methods = [
        PtychographicRetrieval(tol=SEARCH_TOL),
        PtychographicRetrieval(projections=LONGER, tol=SEARCH_TOL),
    ]
    found = search(problem, methods, start, rng, watch, single=single_serves(problem))
    last = PtychographicRetrieval(projections=0, max_iter=POLISH_STEPS, tol=polish_tol(problem))
    return polished(problem, found, rng, watch, last)


def _refuse_too_few(problem: Problem, lit: Array, scan: Ptychography) -> None:
    unknowns = int(np.count_nonzero(lit)) + scan.probe.size
    least = 2 * unknowns - 2
    if problem.y.size < least:
        raise ParameterError(
            f"{problem.y.size} magnitudes cannot determine {unknowns} unknowns of object and "
            f"probe: at least {least} are needed; take more exposures, nearer to each other"
        )
