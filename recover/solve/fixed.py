"""The sub-frame that the data fix, with its right-hand side: what linear methods work on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array
from recover.core.linear import square
from recover.frames.base import Frame
from recover.frames.bounds import real_matrix
from recover.models.problem import Problem

__all__ = [
    "FixedRows",
    "clearly_regular",
    "coef_dtype",
    "fits_dense",
    "real_dtype",
    "refuse_undetermined",
    "relative",
    "vanishing",
]

DENSE_SIGNAL = 1500  # largest signal for direct solutions: n^3 work
DENSE_ENTRIES = 2**24  # largest matrix formed for them (128 MB)
_UNDERFLOW = 1e-280
_CLEARLY_REGULAR = 1e-10  # eigenvalue ratio far above the rounding of a Gram matrix


@dataclass(frozen=True, eq=False)
class FixedRows:
    """The rows whose coefficients the data fix, ``<x, phi_i> = value_i`` for i in I.

    Parameters
    ----------
    frame : Frame
        The whole frame.
    fixed : array of bool [shape=frame.coef_shape]
        The set I.
    value : array [shape=frame.coef_shape]
        The right-hand side, zero outside I, in the precision of the problem.
    scale : float
        ``|synthesis(value)|``: gradients are measured relative to it.
    """

    frame: Frame
    fixed: Array
    value: Array
    scale: float

    @staticmethod
    def of(problem: Problem) -> FixedRows:
        """Return the fixed rows of a problem."""
        known, frame = problem.knowledge, problem.model.frame
        value = np.where(known.fixed, known.value, 0.0).astype(coef_dtype(problem))
        scale = math.sqrt(square(frame.synthesis(value)))
        return FixedRows(frame, known.fixed, value, scale)

    def analysis(self, x: Array) -> Array:
        """Return the coefficients of I, zero elsewhere."""
        t = self.frame.analysis(x)
        return np.where(self.fixed, t, np.zeros((), dtype=t.dtype))

    def synthesis(self, c: Array) -> Array:
        """Return the adjoint of `analysis` for coefficients that vanish outside I."""
        return self.frame.synthesis(c)

    def misfit(self, x: Array) -> Array:
        """Return ``value - analysis(x)``."""
        return self.value - self.analysis(x)

    def operator(self, x: Array) -> Array:
        """Return the sub-frame's operator at `x`: one analysis, one synthesis."""
        return self.frame.synthesis(self.analysis(x))

    def matrix(self) -> tuple[Array, Array]:
        """Return the rows and the right-hand side in float64, realified for real signals."""
        rows, _ = real_matrix(self.frame, self.fixed)
        value = self.value[self.fixed]
        value = value.astype(np.complex128 if np.iscomplexobj(value) else np.float64)
        if self.frame.real_signal and np.iscomplexobj(value):
            value = np.concatenate([value.real, value.imag])
        return rows, value


def relative(size: float, scale: float) -> float:
    """Return a residual's size relative to that of the data, absolute where those vanish.

    Every method reports what it drives to zero (a gradient, or a distance to the consistent
    coefficients) relative to the same quantity at the zero signal, so that 1 means that nothing
    is explained yet and the tolerance does not depend on units.
    """
    return size / scale if scale > 0.0 else size


def coef_dtype(problem: Problem) -> np.dtype[np.floating] | np.dtype[np.complexfloating]:
    """Return the dtype of coefficients: real or complex, in the problem's precision."""
    single = real_dtype(problem) == np.float32
    if problem.model.frame.real_coefs:
        return real_dtype(problem)
    return np.dtype(np.complex64) if single else np.dtype(np.complex128)


def real_dtype(problem: Problem) -> np.dtype[np.floating]:
    """Return the real dtype of the problem's precision."""
    single = problem.dtype in (np.float32, np.complex64)
    return np.dtype(np.float32) if single else np.dtype(np.float64)


def fits_dense(frame: Frame) -> bool:
    """Tell whether a direct solution with the frame's matrix is reasonable."""
    entries = frame.signal_size * frame.coef_size
    return frame.signal_size <= DENSE_SIGNAL and entries <= DENSE_ENTRIES


def vanishing(problem: Problem) -> float:
    """Return the bound of an operator that counts as zero.

    It is above what a proof allows for underflow, and normal in the problem's precision.
    """
    return max(float(np.finfo(problem.dtype).tiny), _UNDERFLOW)


def refuse_undetermined(problem: Problem) -> str | None:
    """Return why the fixed rows do not determine the signal, or None.

    For frames too large for a matrix only their number is counted.
    """
    frame, known = problem.model.frame, problem.knowledge
    needed, have = frame.signal_size, known.fixed_count
    # one complex coefficient of a real signal is two real rows
    weight = 2 if frame.real_signal and not frame.real_coefs else 1
    cure = (
        "give a prior or a domain, or use OneSidedLeastSquares for a consistent signal"
        if problem.model.convex
        else "use RelaxedReflections or AlternatingProjections"
    )
    if weight * have < needed:
        return f"the data fix {have} rows, {needed} are needed to determine the signal; {cure}"
    if fits_dense(frame):
        rows, _ = real_matrix(frame, known.fixed)
        rank = needed if clearly_regular(rows) else int(np.linalg.matrix_rank(rows))
        if rank < needed:
            return (
                f"the data fix {have} rows, of which {rank} are independent and {needed} are "
                f"needed to determine the signal; {cure}"
            )
    return None


def clearly_regular(rows: Array) -> bool:
    """Tell whether a matrix has full column rank beyond doubt; False says nothing."""
    eigenvalues = np.linalg.eigvalsh(rows.conj().T @ rows)
    return bool(eigenvalues[0] > _CLEARLY_REGULAR * eigenvalues[-1])
