"""What a method for ptychographic scans works on: object, probe, and the data of a scan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.fft import fftn, ifftn

from recover.core.arrays import Array
from recover.frames.masked import unmasked
from recover.frames.ptychography import Ptychography
from recover.models.domains import Everywhere, Support
from recover.models.problem import Problem
from recover.solve.fixed import real_dtype
from recover.solve.phase_task import expected_noise, refuse_unless_modulus

__all__ = ["ScanTask", "refuse_unless_scan"]

VANISHING = 1e-30  # of coefficients: below it they have no phase
FAINT = 1e-2  # of the strongest light: weaker is not weighed up further by the metric
DARK = 1e-12  # of the strongest light: weaker tells nothing


def refuse_unless_scan(problem: Problem) -> str | None:
    """Return why a method for scans does not apply, or None."""
    reason = refuse_unless_modulus(problem)
    if reason is not None:
        return reason
    frame, _ = unmasked(problem.model.frame, None)
    if not isinstance(frame, Ptychography):
        return f"it recovers from Ptychography frames, not {type(frame).__name__}"
    domain = problem.domain
    if isinstance(domain, Everywhere) or (
        isinstance(domain, Support) and not domain.nonnegative
    ):
        return None
    return "it knows no domain but a support; use ReweightedAmplitudeFlow"


@dataclass(frozen=True, eq=False)
class ScanTask:
    """The data of a scan.

    Parameters
    ----------
    frame : Ptychography
    y : array [shape=frame.coef_shape]
        Measured magnitudes, zero where nothing was measured.
    measured : array of bool or None
        None if everything was.
    mask : array of bool or None
        Where the object lies, None for everywhere.
    norm : float
        Euclidean norm of the data.
    discrepancy : float
        What the noise alone leaves of the residual, relative to the data.
    """

    frame: Ptychography
    y: Array
    measured: Array | None
    mask: Array | None
    norm: float
    discrepancy: float

    @staticmethod
    def of(problem: Problem) -> ScanTask:
        """Return the task of a problem that `refuse_unless_scan` accepts."""
        frame, keep = unmasked(problem.model.frame, None)
        if not isinstance(frame, Ptychography):
            raise AssertionError("the problem was not checked")
        y, measured = np.maximum(problem.y, 0).astype(real_dtype(problem)), None
        if not keep.all():
            y, measured = np.zeros(frame.coef_shape, y.dtype), keep
            y[keep] = np.maximum(problem.y, 0)
        mask = problem.domain.mask if isinstance(problem.domain, Support) else None
        norm = float(np.linalg.norm(y.reshape(-1).astype(np.float64)))
        noise = expected_noise(problem) / norm if norm > 0.0 else 0.0
        return ScanTask(frame, y, measured, mask, norm, noise)

    def far(self, waves: Array) -> Array:
        """Return the far fields of waves."""
        return np.asarray(fftn(waves, axes=self._axes(waves), norm="ortho"))

    def near(self, fields: Array) -> Array:
        """Return the waves of far fields."""
        return np.asarray(ifftn(fields, axes=self._axes(fields), norm="ortho"))

    def errors(self, fields: Array, which: int | None = None) -> tuple[Array, float]:
        """Return fields minus the nearest ones with the measured moduli, and its square norm.

        Of the exposure `which`, of all by default.
        """
        y = self.y if which is None else self.y[which]
        size = np.abs(fields)
        gap = size - y
        if self.measured is not None:
            gap[~(self.measured if which is None else self.measured[which])] = 0.0
        square = float(np.vdot(gap, gap))
        gap /= np.maximum(size, VANISHING)
        return fields * gap, square

    def misfit(self, x: Array, probe: Array) -> float:
        """Return the misfit of an object and a probe, relative to the data."""
        _, square = self.errors(self.far(self.frame.views(x) * probe))
        return self.relative(square)

    def relative(self, square: float) -> float:
        """Return the root of a squared misfit relative to the data."""
        return float(np.sqrt(square)) / self.norm if self.norm > 0.0 else float(np.sqrt(square))

    def inside(self, x: Array) -> Array:
        """Return the object of the domain that is nearest."""
        kept = x if self.mask is None else np.where(self.mask, x, np.zeros((), x.dtype))
        return np.asarray(kept.real + 0j * kept.real if self.frame.real_signal else kept)

    def overlap(self, waves: Array, probe: Array) -> Array:
        """Return the object of least squares for waves behind it."""
        lit = self.light(probe)
        floor = DARK * float(lit.max())
        inverse = np.where(lit > floor, 1.0 / np.maximum(lit, floor), 0.0)
        total = self.frame.overlaid(waves * probe.conj())
        return self.inside(total * inverse.astype(total.real.dtype))

    def light(self, probe: Array) -> Array:
        """Return the energy that falls on each sample."""
        squares = probe.real**2 + probe.imag**2
        return self.frame.overlaid(np.broadcast_to(squares, self.frame.coef_shape))

    def metric(self, x: Array, probe: Array) -> tuple[Array, Array]:
        """Return about the inverse of the curvature in each sample of object and probe."""
        views = self.frame.views(x)
        both = self.light(probe), (views.real**2 + views.imag**2).sum(axis=0)
        lit, shown = (1.0 / (each + FAINT * each.max()) for each in both)
        return lit, shown

    def slope(self, x: Array, probe: Array, *, both: bool) -> tuple[float, Array, Array | None]:
        """Return half the squared misfit and its gradients in the object and the probe."""
        views = self.frame.views(x)
        wrong, square = self.errors(self.far(views * probe))
        waves = self.near(wrong)
        last = (waves * views.conj()).sum(axis=0) if both else None
        return 0.5 * square, self.inside(self.frame.overlaid(waves * probe.conj())), last

    def _axes(self, array: Array) -> tuple[int, ...]:
        return tuple(range(-len(self.frame.shape), 0))
