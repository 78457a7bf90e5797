"""The canonical dual as an operator: the signal of least squares for given coefficients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array
from recover.core.linear import conjugate_gradients
from recover.frames.base import Frame
from recover.frames.bounds import frame_diagonal, real_matrix
from recover.frames.structure import HasRows
from recover.models.domains import Support
from recover.models.problem import Problem
from recover.solve.fixed import clearly_regular, fits_dense, real_dtype

__all__ = ["CanonicalDual"]

_TIGHT = 1e-11  # relative gap of the frame bounds below which synthesis/A is the dual


@dataclass(frozen=True, eq=False)
class CanonicalDual:
    """The map ``c -> argmin_x |analysis(x) - c|``; analysis after it is the range projection.

    The minimum is over all signals; for small frames over those of the problem's support.

    Parameters
    ----------
    frame : Frame
        The frame.
    scale : array, one real or [shape=frame.signal_shape], optional
        ``1/A`` of a tight frame, or the reciprocal of a diagonal frame operator.
    inverse : array [shape=(n, rows)], optional
        The pseudo-inverse of a small frame's (realified) matrix.  Without either, conjugate
        gradients are run for each call, warm-started.
    """

    frame: Frame
    scale: Array | None
    inverse: Array | None

    @staticmethod
    def of(problem: Problem) -> CanonicalDual:
        """Return the dual of a problem's frame: closed form, else factor, else iterations."""
        frame, real = problem.model.frame, real_dtype(problem)
        if not (isinstance(frame, HasRows) and fits_dense(frame)):
            lower, upper = frame.bounds()
            if lower > 0.0 and upper - lower <= _TIGHT * upper:
                return CanonicalDual(frame, np.asarray(2.0 / (lower + upper), real), None)
        if not fits_dense(frame):
            return CanonicalDual(frame, _reciprocal_diagonal(frame, real), None)
        rows, _ = real_matrix(frame, np.ones(frame.coef_shape, dtype=bool))
        domain = problem.domain
        if not isinstance(domain, Support):
            return CanonicalDual(frame, None, _pseudo_inverse(rows).astype(problem.dtype))
        # least squares among the signals of the support, not the support part of least squares
        mask = np.broadcast_to(domain.mask, frame.signal_shape).reshape(-1)
        inverse = np.zeros((rows.shape[1], rows.shape[0]), dtype=problem.dtype)
        inverse[mask] = _pseudo_inverse(rows[:, mask])
        return CanonicalDual(frame, None, inverse)

    def __call__(self, c: Array, near: Array) -> Array:
        """Return the least-squares signal of `c`; `near` is where iterations start."""
        if self.scale is not None:
            return self.scale * self.frame.synthesis(c)
        if self.inverse is not None:
            flat = c.reshape(-1)
            if np.iscomplexobj(flat) and not np.iscomplexobj(self.inverse):
                flat = np.concatenate([flat.real, flat.imag])
            signal: Array = (self.inverse @ flat).reshape(self.frame.signal_shape)
            return signal
        result = conjugate_gradients(
            lambda x: self.frame.synthesis(self.frame.analysis(x)),
            self.frame.synthesis(c),
            start=near,
            tol=8.0 * float(np.finfo(c.dtype).eps),
            max_iter=200,
        )
        return result.x


def _reciprocal_diagonal(frame: Frame, dtype: np.dtype[np.floating]) -> Array | None:
    found = frame_diagonal(frame)
    if found is None or not found.entries.min() > found.slack:
        return None
    return (1.0 / found.entries.reshape(frame.signal_shape)).astype(dtype)


def _pseudo_inverse(rows: Array) -> Array:
    if not clearly_regular(rows):
        return np.linalg.pinv(rows)
    q, r = np.linalg.qr(rows)
    return np.linalg.solve(r, q.conj().T)
