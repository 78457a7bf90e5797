"""Smallest eigenvalues of many partial frame operators at once: estimates, and their proofs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recover.core.arrays import Array
from recover.core.rounding import gamma, norm_upper, up

__all__ = ["Energy"]


@dataclass(frozen=True, eq=False)
class Energy:
    """The frame operators ``S_I = sum_{i in I} phi_i phi_i^T`` of sub-frames.

    Parameters
    ----------
    rows : array [shape=(m, n), real]
        The frame, scaled to entries below 1.
    """

    rows: Array

    @cached_property
    def _upper(self) -> tuple[Array, Array]:
        first, second = np.triu_indices(self.rows.shape[1])
        return first, second

    @cached_property
    def _products(self) -> Array:
        first, second = self._upper
        products: Array = self.rows[:, first] * self.rows[:, second]
        return products

    @cached_property
    def squares(self) -> Array:
        """Return the squared norms of the rows (rounded)."""
        squares: Array = (self.rows**2).sum(axis=1)
        return squares

    @cached_property
    def margin(self) -> float:
        """How far above a value the computed matrix must be positive to prove that value.

        The computed S_I is off by at most ``gamma_(m+1) |A|^T |A|`` entry by entry, which has a
        spectral norm of at most ``gamma_(m+1) |rows|_F^2``.  Cholesky of a matrix of order n
        that completes in floating point proves that the smallest eigenvalue is at least
        ``-sum_i c_i a_ii``, ``c_i = gamma_(i+2) / (1 - gamma_(i+2))`` (Rump 2006; Higham 2002,
        Theorem 10.3), at most ``2 gamma_(n+3) trace``; the shift of the diagonal rounds once.
        The factor 2 also covers underflow, which is below ``2**-1000`` per entry while the
        rows hold an entry of at least 1/2.

        References
        ----------
        .. [1] S. M. Rump, "Verification of positive definiteness", BIT 46 (2006) 433-452.
        """
        m, n = self.rows.shape
        size = norm_upper(self.rows)
        return up(2.0 * gamma(m + 2 * n + 16) * size * size, 4)

    def matrices(self, keep: Array) -> Array:
        """Return S_I for sets I given as booleans (B, m), as an array (B, n, n)."""
        n = self.rows.shape[1]
        first, second = self._upper
        packed = keep.astype(np.float64) @ self._products
        full = np.empty((len(packed), n, n))
        full[:, first, second] = packed
        full[:, second, first] = packed
        return full

    def shares(self, values: Array, along: Array, target: float) -> Array:
        """Return which part of the way to `target` each row would surely bring S_I, (B, m).

        Adding ``phi phi^T`` to S raises the smallest eigenvalue at least to that of the 2 x 2
        matrix in which everything beyond the bottom eigenvector v sits at the second one.

        Parameters
        ----------
        values : array [shape=(B, n)]
            Eigenvalues of S_I, ascending.
        along : array [shape=(B, m)]
            ``<phi_i, v>^2``.
        target : float
        """
        first = values[:, :1]
        second = values[:, 1:2] if values.shape[1] > 1 else first
        across = np.maximum(self.squares - along, 0.0)
        top, low = first + along, second + across
        raised = (top + low) / 2.0 - np.sqrt((top - low) ** 2 / 4.0 + along * across)
        parts: Array = (raised - first) / np.maximum(target - first, 1e-300)
        return np.clip(parts, 0.0, 1.0)

    def at_least(self, matrices: Array, target: Array) -> Array:
        """Tell for which sets the smallest eigenvalue is proved to be at least `target`.

        Parameters
        ----------
        matrices : array [shape=(B, n, n)]
            From `matrices`.
        target : array [shape=(B,)]
            The values to be proved.

        Returns
        -------
        array of bool [shape=(B,)]
            False means that nothing was proved.
        """
        n = self.rows.shape[1]
        shift = np.nextafter(target + self.margin, np.inf)
        shifted = matrices.copy()
        index = np.arange(n)
        shifted[:, index, index] -= shift[:, None]
        hopeful = shifted[:, index, index].min(axis=1, initial=np.inf) > 0.0
        proved = np.zeros(len(matrices), dtype=bool)
        self._bisect(shifted, np.flatnonzero(hopeful), proved)
        return proved

    def _bisect(self, shifted: Array, which: Array, proved: Array) -> None:
        """Mark the positive definite ones: numpy refuses a whole batch for one bad matrix."""
        if which.size == 0:
            return
        try:
            factors = np.linalg.cholesky(shifted[which])
        except np.linalg.LinAlgError:
            if which.size > 1:
                half = which.size // 2
                self._bisect(shifted, which[:half], proved)
                self._bisect(shifted, which[half:], proved)
            return
        pivots = np.einsum("bii->bi", factors)
        proved[which] = (np.isfinite(pivots) & (pivots > 0.0)).all(axis=1)

    def lowest(self, keep: Array) -> tuple[float, Array]:
        """Return an upper bound of one S_I's smallest eigenvalue, and the vector that shows it.

        The Rayleigh quotient of the computed bottom eigenvector, raised by `margin` so that
        another eigenvector routine shows no more; exactly 0 if fewer than n rows are kept.
        """
        kept = self.rows[keep]
        m, n = kept.shape
        vector: Array = np.linalg.eigh(self.matrices(keep[None])[0])[1][:, 0]
        if np.count_nonzero(np.any(kept != 0.0, axis=1)) < n:
            return 0.0, vector
        size = float(vector @ vector) * (1.0 - gamma(n + 4))
        values = kept @ vector
        errors = gamma(n + 4) * np.sqrt((kept**2).sum(axis=1)) * np.sqrt(float(vector @ vector))
        total = float(((np.abs(values) + errors * (1.0 + 1e-9)) ** 2).sum())
        return up(total * (1.0 + gamma(m + 8)) / size + self.margin, 4), vector
