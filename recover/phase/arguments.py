"""The arguments of a phase retrieval, checked before any work."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, as_numeric
from recover.core.errors import ParameterError
from recover.frames.base import Frame
from recover.frames.fourier import Fourier
from recover.models.domains import Domain, Support
from recover.models.modulus import Modulus
from recover.models.noise import Noise
from recover.models.problem import Problem

__all__ = ["count_note", "fits_single", "phase_problem", "unknowns_of"]

# between the inverse and this the norm of magnitudes has cubes without over- or underflow
LARGEST, LARGEST_SINGLE = 1e100, 1e12


def phase_problem(
    magnitudes: npt.ArrayLike, frame: Frame, domain: Domain | None, noise: Noise | float
) -> Problem:
    """Return the problem of magnitudes of a signal.

    Raises
    ------
    ParameterError
        If the magnitudes are complex, negative, not finite, all zero, of another shape, or so
        large or small that their powers are not, the support does not fit, or there are fewer
        of them than unknowns.
    """
    if not isinstance(frame, Frame):
        raise ParameterError(
            f"frame must be a frame, got {type(frame).__name__}; for a matrix use "
            "recover.frames.Dense(rows)"
        )
    y = as_numeric("magnitudes", magnitudes)
    if np.iscomplexobj(y):
        raise ParameterError("magnitudes must be real, got complex data; pass abs(data)")
    if y.shape != frame.coef_shape:
        raise ParameterError(
            f"magnitudes must have the frame's coefficient shape {frame.coef_shape}, got "
            f"{y.shape}; a measured part is a frame too: recover.frames.Masked(frame, keep)"
        )
    if not y.any():
        raise ParameterError(
            "magnitudes must not all be zero: only the zero signal has such; check the file, "
            "the dark frame and the mask"
        )
    single = y.dtype == np.float32
    if not _in_range(y, LARGEST_SINGLE if single else LARGEST):
        most = LARGEST_SINGLE if single else LARGEST
        raise ParameterError(
            f"magnitudes of type {y.dtype} must have a norm between {1.0 / most:g} and "
            f"{most:g}, got a largest entry of {float(np.abs(y).max()):.6g}; scale them"
            + (", or pass float64" if single else "")
        )
    if (y < 0.0).any() and float(noise if isinstance(noise, float | int) else 1.0) == 0.0:
        count = int(np.count_nonzero(y < 0.0))
        raise ParameterError(
            f"magnitudes must be >= 0, got {count} negative value(s), the least "
            f"{float(y.min()):.6g}; pass square roots of intensities, with negative ones set "
            "to zero or masked"
        )
    if isinstance(domain, Support) and domain.mask.shape != frame.signal_shape:
        raise ParameterError(
            f"support must have the signal's shape {frame.signal_shape}, got "
            f"{domain.mask.shape}; with oversampling it is the object's, not the pattern's"
        )
    problem = Problem(Modulus(frame), y, noise=noise, domain=domain)
    have, unknowns, least = _distinct(frame), unknowns_of(problem), _least(problem)
    if have < least:
        raise ParameterError(
            f"{have} magnitudes cannot determine {unknowns} "
            f"{'real' if frame.real_signal else 'complex'} unknowns: at least {least} are "
            f"needed, and {_enough(problem)} determine every signal; measure more or give a "
            "smaller support"
        )
    return problem


def fits_single(values: Array) -> bool:
    """Return whether single precision holds magnitudes and their powers, or all are zero."""
    return not values.any() or _in_range(values, LARGEST_SINGLE)


def _in_range(values: Array, most: float) -> bool:
    size = float(np.linalg.norm(values.astype(np.float64).reshape(-1)))
    return 1.0 / most <= size <= most


def count_note(problem: Problem) -> str | None:
    """Return what to say of magnitudes too few to determine every signal, or None.

    Generic frames need 2 n - 1 (real) or 4 n - 4 (complex) vectors for injectivity [1]_ [2]_,
    and n + 1 or 2 n for almost every signal to be determined [1]_: as many magnitudes as there
    are degrees of freedom leave finitely many signals, as the signs of n real ones do.

    References
    ----------
    .. [1] R. Balan, P. Casazza, D. Edidin, "On signal reconstruction without phase", Appl.
       Comput. Harmon. Anal. 20 (2006).
    .. [2] A. Conca, D. Edidin, M. Hering, C. Vinzant, "An algebraic characterization of
       injectivity in phase retrieval", Appl. Comput. Harmon. Anal. 38 (2015).
    """
    frame = problem.model.frame
    have, enough = _distinct(frame), _enough(problem)
    if have >= enough:
        return None
    counted = (
        f"{have} magnitudes of {unknowns_of(problem)} "
        f"{'real' if frame.real_signal else 'complex'} unknowns"
    )
    if have <= _least(problem):
        return (
            f"{counted} leave several signals: one more would determine most of them, {enough} "
            "every one"
        )
    return f"{counted} determine most signals but not every one: {enough} would do"


def unknowns_of(problem: Problem) -> int:
    """Return the number of entries of the signal that the domain leaves free."""
    domain, frame = problem.domain, problem.model.frame
    if isinstance(domain, Support):
        return int(np.count_nonzero(np.broadcast_to(domain.mask, frame.signal_shape)))
    return frame.signal_size


def _least(problem: Problem) -> int:
    """Return the number of degrees of freedom."""
    n = unknowns_of(problem)
    return n if problem.model.frame.real_signal else 2 * n - 1


def _enough(problem: Problem) -> int:
    n = unknowns_of(problem)
    return 2 * n - 1 if problem.model.frame.real_signal else max(4 * n - 4, 1)


def _distinct(frame: Frame) -> int:
    """Return the number of magnitudes that are not equal for every signal."""
    if isinstance(frame, Fourier) and frame.real_signal and not frame.one_sided:
        own = math.prod(2 if n % 2 == 0 else 1 for n in frame.padded_shape)
        return (frame.coef_size + own) // 2
    return frame.coef_size
