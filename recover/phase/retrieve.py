"""Phase retrieval: magnitudes and a frame in, the signal with its certificate out."""

from __future__ import annotations

import logging

import numpy as np
import numpy.typing as npt

from recover.certificates.certificate import not_asked
from recover.core.arrays import Array, as_count, as_generator, as_numeric, frozen
from recover.frames.base import Frame
from recover.frames.dense import Dense
from recover.models.domains import Domain, Support
from recover.models.noise import Noise
from recover.models.problem import Problem
from recover.phase.ambiguity import distances, shift_free, trivial
from recover.phase.arguments import count_note, phase_problem
from recover.phase.plan import asked_method, default_methods, quick_method, single_serves
from recover.phase.result import PhaseResult, Restarts
from recover.phase.search import Found, explained, in_single, polished, search
from recover.phase.sensitivity import Sensitivity, sensitivity
from recover.pipeline import certify as certify_signal
from recover.solve.base import AnyMethod, Status, Watch
from recover.solve.phase_task import expected_noise
from recover.solve.starts import informed_start

__all__ = ["result_of", "retrieve", "unexplained"]

log = logging.getLogger("recover")

ALIKE = 0.05  # relative distance up to which two starts found the same
AS_GOOD = 1.1  # a start whose misfit is at most this many times the best's explains the data
SQUARES = 0.2  # intensities are suspected if their roots leave so small a part of the misfit
NEARLY = 1e-3  # misfit of a start that has all but explained the data
OTHER_UNITS = (
    (
        0.5,
        "the data look like intensities: their square roots are explained to {other:.2g}, they "
        "themselves to {given:.2g} only; pass numpy.sqrt(data), or name the array intensity",
    ),
    (
        2.0,
        "the data look like magnitudes of which the root was drawn again: their squares are "
        "explained to {other:.2g}, they themselves to {given:.2g} only; pass them as "
        "magnitudes (--data magnitude, or name the array magnitude)",
    ),
)
SUSPECT = 0.02  # misfit from which that is looked into
ENOUGH_STEPS = 30  # fewer say nothing of the data
# of the estimated sensitivity map: probes up to so many magnitudes, to stay near the time of
# the recovery
PROBES = ((2**16, 8), (2**22, 4))


def retrieve(
    magnitudes: npt.ArrayLike,
    frame: Frame,
    *,
    domain: Domain | None = None,
    method: AnyMethod | str | None = None,
    start: npt.ArrayLike | None = None,
    noise: Noise | float = 0.0,
    restarts: int | None = None,
    certify: bool = True,
    rng: int | np.random.Generator = 0,
    watch: Watch | None = None,
) -> PhaseResult:
    """Recover a signal from the magnitudes of its coefficients.

    Parameters
    ----------
    magnitudes : array [shape=frame.coef_shape, >= 0]
        Moduli of the coefficients, the square roots of intensities.  float32 data give a
        signal in single precision.
    frame : Frame
        What was measured: Dense, CodedDiffraction, Fourier (with a support), a Stack of two
        planes, Fresnel, or any other; unmeasured pixels are left out by Masked.
    domain : Domain, optional
        What is known of the signal, as ``Support(mask, nonnegative=True)``.
    method : Method or str, optional
        One of `recover.methods`, or its name; chosen for the setup by default.
    start : array [shape=frame.signal_shape], optional
        Signal to start from.
    noise : Noise or float
        A promise about the noise of the magnitudes; a number bounds its l2 norm.  The work
        ends when the noise explains the misfit, at the least-squares signal.  Roots of
        photon counts have a standard deviation near 1/2 whatever the count [1]_: pass
        ``numpy.sqrt(counts)`` with ``Noise.gaussian(0.5)``.
    restarts : int >= 1, optional
        Starts that are run and compared; by default as many as it takes, or as `method` has.
    certify : bool
        Whether to issue a certificate.
    rng : int or Generator
        The only source of randomness.
    watch : callable, optional
        Told a `Progress` after each step; returns True to stop with what there is.

    Returns
    -------
    PhaseResult

    Raises
    ------
    ParameterError
        If the data cannot be magnitudes of this frame, or are too few for any signal.
    OutOfScopeError
        If `method` does not apply.

    References
    ----------
    .. [1] F. J. Anscombe, "The transformation of Poisson, binomial and negative-binomial
       data", Biometrika 35 (1948).
    """
    if restarts is not None:
        restarts = as_count("restarts", restarts)
    problem = phase_problem(magnitudes, frame, domain, noise)
    first = None if start is None else as_numeric("start", start)
    generator = as_generator(rng)
    notes = [note for note in (count_note(problem),) if note is not None]
    for note in notes:
        log.warning("%s", note)
    if method is None:
        if first is None and not (isinstance(frame, Dense) or shift_free(frame)):
            first = informed_start(
                in_single(problem) if single_serves(problem) else problem, generator
            )
        methods = default_methods(problem, restarts)
        found = search(problem, methods, first, generator, watch, single=single_serves(problem))
        found = polished(problem, found, generator, watch)
    else:
        chosen = asked_method(method, restarts=restarts)
        found = search(problem, [chosen], first, generator, watch, single=False)
    if not explained(problem, found.best) and found.status is not Status.STOPPED:
        notes += _outcome(problem, found, generator)
    return result_of(problem, found, notes, asked=certify, rng=generator)


def result_of(
    problem: Problem,
    found: Found,
    notes: list[str],
    *,
    asked: bool,
    rng: np.random.Generator,
    probe: Array | None = None,
    illumination: Array | None = None,
) -> PhaseResult:
    """Return the result of what was found, with its certificate if asked."""
    signal = found.signal.astype(problem.dtype)
    certificate = certify_signal(problem, signal) if asked else not_asked(problem.digest)
    compared = _compare(problem, found)
    if compared.rivals and explained(problem, found.best):
        notes.append(
            f"{compared.rivals} of {compared.residuals.size} starts explain the data about as "
            "well and found something else: the data may not determine the signal"
        )
    known = _map(problem, signal, rng) if asked else None
    support = problem.domain.mask if isinstance(problem.domain, Support) else None
    return PhaseResult(
        signal=frozen(signal),
        certificate=certificate,
        status=found.status,
        residuals=frozen(np.concatenate([np.zeros(0), *found.history])),
        restarts=compared,
        trivial=trivial(problem, signal),
        notes=tuple(notes),
        method=" + ".join(dict.fromkeys(found.methods)),
        magnitudes=problem.y,
        fitted=frozen(np.abs(problem.model.frame.analysis(signal))),
        sensitivity=None if known is None else known.deviations,
        sensitivity_exact=known is not None and known.exact,
        support=support,
        probe=None if probe is None else frozen(probe),
        illumination=None if illumination is None else frozen(illumination),
    )


def _map(problem: Problem, signal: Array, rng: np.random.Generator) -> Sensitivity | None:
    """Return the sensitivity map; None where it would take much longer than the recovery."""
    fitting = [probes for most, probes in PROBES if problem.y.size <= most]
    return sensitivity(problem, signal, probes=fitting[0], rng=rng) if fitting else None


def _compare(problem: Problem, found: Found) -> Restarts:
    """Say how far apart the starts ended; the one that was polished stands for its own."""
    signals = np.stack([found.signal, *found.others])
    residuals = np.array([found.best, *found.misfits])
    apart = distances(problem, signals)
    # other starts were not polished: they count from the misfit at which that would begin
    level = max(AS_GOOD * found.best, NEARLY)
    good = residuals <= level
    near = apart[0] <= ALIKE
    return Restarts(
        frozen(residuals),
        frozen(apart),
        int(np.count_nonzero(good & near)),
        int(np.count_nonzero(good & ~near)),
    )


def _outcome(problem: Problem, found: Found, rng: np.random.Generator) -> list[str]:
    """Return what to say of data that were not explained."""
    tried = sum(steps.size for steps in found.history)
    if found.best > SUSPECT and tried >= ENOUGH_STEPS:
        for power, words in OTHER_UNITS:
            other = _as_power(problem, power)
            single = single_serves(other)
            quick = search(other, [quick_method(other)], None, rng, None, single=single)
            if quick.best <= SQUARES * found.best:
                return [words.format(other=quick.best, given=found.best)]
    return [unexplained(problem, found)]


def unexplained(problem: Problem, found: Found) -> str:
    """Return what to say of data that nothing found explains."""
    stated = expected_noise(problem) / float(np.linalg.norm(problem.y.reshape(-1)))
    so_far = f"the magnitudes are explained to {found.best:.2g} of their norm only"
    if stated > 0.0:
        return (
            f"{so_far}, where the stated noise leaves about {stated:.2g}: state more noise if "
            "there is more, mask bad pixels, or try other starts"
        )
    return f"{so_far}: state the noise, mask bad pixels, or try other starts"


def _as_power(problem: Problem, power: float) -> Problem:
    data = np.maximum(problem.y, 0.0) ** power
    return Problem(problem.model, data, domain=problem.domain)
