"""A frame given by its matrix of rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, as_numeric, frozen
from recover.core.errors import NotAFrameError, ParameterError
from recover.core.rounding import U, gamma, norm_upper, up
from recover.frames.base import Frame, FrameBounds
from recover.frames.fft import is_single

__all__ = ["Dense"]


@dataclass(frozen=True, eq=False, init=False)
class Dense(Frame):
    """The frame with ``analysis(x) = rows @ x``.

    Parameters
    ----------
    rows : array [shape=(m, n), real or complex]
        Row i is the conjugate of ``phi_i``.  Zero and repeated rows are allowed.
    real_signal : bool
        Take signals to be real although the rows are complex.  Real rows always mean real
        signals.

    Raises
    ------
    ParameterError
        If `rows` is not a finite two-dimensional array with at least one column.
    """

    rows: Array
    signals_are_real: bool

    def __init__(self, rows: npt.ArrayLike, real_signal: bool = False) -> None:
        matrix = as_numeric("rows", rows)
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise ParameterError(
                f"rows must have shape (m, n) with m, n >= 1, got {matrix.shape}"
            )
        wide = np.complex128 if np.iscomplexobj(matrix) else np.float64
        object.__setattr__(self, "rows", frozen(matrix.astype(wide)))
        object.__setattr__(self, "signals_are_real", real_signal or wide is np.float64)

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return (self.rows.shape[1],)

    @property
    def coef_shape(self) -> tuple[int, ...]:
        return (self.rows.shape[0],)

    @property
    def real_signal(self) -> bool:
        return self.signals_are_real

    @property
    def real_coefs(self) -> bool:
        return not np.iscomplexobj(self.rows)

    def analysis(self, x: Array) -> Array:
        x = self.check_signal(x)
        return x @ self._rows_for(x).T

    def synthesis(self, c: Array) -> Array:
        c = self.check_coefs(c)
        x = c @ self._rows_for(c).conj()
        return x.real if self.real_signal else x

    def bounds(self) -> FrameBounds:
        from recover.frames.bounds import proved_bounds

        return proved_bounds(self)

    def roundoff(self) -> float:
        # |fl(row . x) - row . x| <= gamma_k |row| |x| for k real terms, and so much for each of
        # the real and the imaginary part
        n = self.rows.shape[1]
        error = gamma(n + 2) if self.real_signal and self.real_coefs else 1.5 * gamma(2 * n + 2)
        return up(error * norm_upper(self.rows), 2)

    def matrix(self, columns: Array | None = None) -> Array:
        return self.rows if columns is None else self.rows[:, columns]

    def canonical_dual(self) -> Frame:
        """Return the rows of the adjoint of the pseudo-inverse, by a QR factorisation."""
        m, n = self.rows.shape
        stacked = self.rows
        if self.real_signal and not self.real_coefs:
            stacked = np.concatenate([stacked.real, stacked.imag])
        q, r = np.linalg.qr(stacked)
        pivots = np.abs(np.diagonal(r))
        if stacked.shape[0] < n or pivots.min() <= U * stacked.shape[0] * pivots.max():
            raise NotAFrameError(
                f"rows must span the {n} dimensions of the signal, got {m} rows that do not; "
                "add rows"
            )
        dual = np.linalg.solve(r, q.conj().T).conj().T
        if stacked is not self.rows:
            dual = dual[:m] + 1j * dual[m:]
        return Dense(dual, self.real_signal)

    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        return ("Dense", self.rows, self.real_signal)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls(rng.standard_normal((11, 4)))

    @cached_property
    def _single(self) -> Array:
        return self.rows.astype(np.float32 if self.real_coefs else np.complex64)

    def _rows_for(self, x: Array) -> Array:
        return self._single if is_single(x) else self.rows
