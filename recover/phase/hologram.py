"""Holograms: the phase of a light modulator that makes a wanted picture or array of spots."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.fft import fftn

from recover.core.arrays import Array, as_count, as_numeric, frozen
from recover.core.display import Facts, Shown, draw_signal
from recover.core.errors import OutOfScopeError, ParameterError
from recover.phase.plan import asked_method
from recover.solve.base import AnyMethod, Solution, Status, Watch
from recover.solve.loop import solve
from recover.solve.weighted_gerchberg_saxton import (
    WeightedGerchbergSaxton,
    hologram_problem,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["HologramResult", "hologram"]

SPARSE = 0.02  # share of lit pixels below which a target counts as spots
EXPONENT, MOMENTUM = 0.8, 0.3
HOLD = 10  # steps after which the phases of spots are held


@dataclass(frozen=True, eq=False, repr=False)
class HologramResult(Shown):
    """A phase mask, and what it makes of the light.

    Parameters
    ----------
    phase : array [shape of the target]
        In radians from 0 to 2 pi; of the stated levels only, if levels were asked for.
    far : array of complex [shape of the target]
        The far field of the mask, in the target's layout; its norm is the light's.
    efficiency : float
        Share of the light that lies on the lit pixels of the target.
    uniformity : float
        ``1 - (max - min) / (max + min)`` of power over wanted power on the lit pixels.
    rmse : float
        Root of the summed squared difference of the amplitudes on the lit pixels and the wanted
        ones, each of norm 1.
    status : Status
        How the work ended.
    residuals : array [shape=(steps,)]
        The rmse before each step.
    method : str
        Name of the method.
    """

    phase: Array
    far: Array
    efficiency: float
    uniformity: float
    rmse: float
    status: Status
    residuals: Array
    method: str

    def facts(self) -> Facts:
        """Return what the mask makes of the light."""
        return [
            ("phase", f"{self.phase.shape} {self.phase.dtype}"),
            ("method", self.method),
            ("status", self.status.value),
            ("efficiency", f"{self.efficiency:.4f}"),
            ("uniformity", f"{self.uniformity:.4f}"),
            ("rmse", f"{self.rmse:.4f}"),
        ]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the power in the far plane with matplotlib."""
        axes = draw_signal(np.abs(self.far) ** 2, ax, "power in the far plane")
        if self.far.ndim < 2:
            axes.set_xlabel("sample of the far plane")
        return axes

    def levels(self, count: int = 256) -> Array:
        """Return the phase as integers from 0 to ``count - 1``, for a modulator."""
        return _levels(self.phase, count)


def hologram(
    target: npt.ArrayLike,
    illumination: npt.ArrayLike,
    *,
    region: npt.ArrayLike | None = None,
    phase_levels: int | None = None,
    method: AnyMethod | str | None = None,
    iterations: int = 50,
    start: npt.ArrayLike | None = None,
    rng: int | np.random.Generator = 0,
    watch: Watch | None = None,
) -> HologramResult:
    """Design a phase-only hologram.

    A design, not a recovery: no signal is estimated, so there is no certificate; what the mask
    makes is computed from the mask as it is returned.

    Parameters
    ----------
    target : array [shape=(...), >= 0]
        Wanted amplitude in the far plane, of any scale, with the undeflected beam in the middle
        (entry n // 2 of each axis).  NaN where nothing is wanted.
    illumination : array [same shape, >= 0]
        Amplitude of the light on the modulator; smaller than the target it is taken to be
        surrounded by darkness.
    region : array of bool [same shape], optional
        Where the target counts; elsewhere nothing is wanted.
    phase_levels : int >= 2, optional
        Round the phase to that many levels, as a modulator does (256 for 8 bits).
    method : Method or str, optional
        `WeightedGerchbergSaxton`, or its name; by default with weights, and with held phases
        for spots.
    iterations : int >= 1
        Steps, if `method` is not given.
    start : array [same shape], optional
        Phase to start from, in radians; drawn by default.
    rng : int or Generator
        For the start.
    watch : callable, optional
        Told a `Progress` after each step; returns True to stop.

    Returns
    -------
    HologramResult

    Raises
    ------
    ParameterError
        If target and light do not fit each other, are negative or all zero.
    """
    wanted, free = _target(target, region)
    light = _light(illumination, wanted.shape)
    if phase_levels is not None:
        phase_levels = as_count("phase_levels", phase_levels, 2)
    iterations = as_count("iterations", iterations)
    first = None if start is None else _start(start, wanted.shape, light.dtype)
    wanted = wanted * light.dtype.type(np.linalg.norm(light) / np.linalg.norm(wanted))
    problem = hologram_problem(
        light, np.fft.ifftshift(wanted), None if free is None else np.fft.ifftshift(free)
    )
    solver = _method(method, iterations, wanted, free)
    if not isinstance(solver, WeightedGerchbergSaxton):
        raise OutOfScopeError(
            f"{type(solver).__name__} does not design holograms; use WeightedGerchbergSaxton"
        )
    found = solve(problem, solver, start=first, rng=rng, watch=watch)
    phase = np.angle(found.signal)
    phase += np.where(phase < 0.0, phase.dtype.type(2.0 * math.pi), phase.dtype.type(0.0))
    if phase_levels is not None:
        steps = _levels(phase, phase_levels)
        phase = (steps * (2.0 * math.pi / phase_levels)).astype(phase.dtype)
    return _measured(phase, light, wanted, found)


def _measured(phase: Array, light: Array, wanted: Array, found: Solution) -> HologramResult:
    near = _turned(phase, light.dtype)
    near *= light
    far = np.fft.fftshift(fftn(near, norm="ortho", overwrite_x=True))
    lit = np.flatnonzero(wanted)
    field = far.reshape(-1)[lit].astype(np.complex128)
    power = field.real**2 + field.imag**2
    aim = wanted.reshape(-1)[lit].astype(np.float64) ** 2
    share = power / aim
    amplitude, goal = np.sqrt(power / power.sum()), np.sqrt(aim / aim.sum())
    return HologramResult(
        phase=frozen(phase),
        far=frozen(far),
        efficiency=float(power.sum() / np.sum(np.square(light, dtype=np.float64))),
        uniformity=float(1.0 - (share.max() - share.min()) / (share.max() + share.min())),
        rmse=float(np.linalg.norm(amplitude - goal)),
        status=found.status,
        residuals=frozen(found.residuals),
        method=found.method,
    )


def _levels(phase: Array, count: int) -> Array:
    count = as_count("count", count, 2)
    steps = np.rint(phase * (count / (2.0 * math.pi))).astype(np.int64) % count
    return np.asarray(steps.astype(np.min_scalar_type(count - 1)))


def _target(target: npt.ArrayLike, region: npt.ArrayLike | None) -> tuple[Array, Array | None]:
    """Return the wanted amplitudes, and where nothing is wanted."""
    values = np.asarray(target)
    if values.dtype.kind not in "fiub" or values.ndim < 1 or values.size == 0:
        raise ParameterError(
            f"target must be an array of real amplitudes, got shape {values.shape} and dtype "
            f"{values.dtype}"
        )
    values = values.astype(np.float32 if values.dtype != np.float64 else np.float64)
    free = np.isnan(values)
    if region is not None:
        counts = np.asarray(region)
        if counts.shape != values.shape:
            raise ParameterError(
                f"region must have the target's shape {values.shape}, got {counts.shape}"
            )
        free |= counts == 0
    values = np.where(free, 0.0, values).astype(values.dtype)
    if not np.isfinite(values).all() or (values < 0.0).any():
        raise ParameterError("target must be finite and >= 0 where something is wanted")
    if not values.any():
        raise ParameterError("target must have a lit pixel, it is dark; check region and NaN")
    return values, free if free.any() else None


def _light(illumination: npt.ArrayLike, shape: tuple[int, ...]) -> Array:
    light = as_numeric("illumination", illumination)
    if np.iscomplexobj(light) or (light < 0.0).any() or not light.any():
        raise ParameterError(
            "illumination must be real, >= 0 and not all zero; pass the amplitude of the light"
        )
    small = light.ndim == len(shape) and all(
        a <= b for a, b in zip(light.shape, shape, strict=True)
    )
    if not small:
        raise ParameterError(
            f"illumination must fit into the target's shape {shape}, got {light.shape}; "
            "both planes have as many pixels"
        )
    dtype = np.float32 if light.dtype != np.float64 else np.float64
    before = [(b - a) // 2 for a, b in zip(light.shape, shape, strict=True)]
    widths = [(k, b - a - k) for k, a, b in zip(before, light.shape, shape, strict=True)]
    return np.ascontiguousarray(np.pad(light.astype(dtype), widths))


def _start(start: npt.ArrayLike, shape: tuple[int, ...], dtype: np.dtype[np.floating]) -> Array:
    phase = as_numeric("start", start)
    if phase.shape != shape or np.iscomplexobj(phase):
        raise ParameterError(
            f"start must be a phase in radians of shape {shape}, got {phase.shape}"
        )
    return _turned(phase, dtype)


def _turned(phase: Array, dtype: np.dtype[np.floating]) -> Array:
    """Return ``exp(i phase)``: real functions in the light's precision are far quicker."""
    turns = np.empty(phase.shape, dtype=np.result_type(dtype, np.complex64))
    real = phase.astype(dtype, copy=False)
    np.cos(real, out=turns.real)
    np.sin(real, out=turns.imag)
    return turns


def _method(
    method: AnyMethod | str | None, iterations: int, wanted: Array, free: Array | None
) -> AnyMethod:
    if method is not None:
        return asked_method(method)
    spots = float(np.count_nonzero(wanted)) < SPARSE * wanted.size and free is None
    if spots:
        return WeightedGerchbergSaxton(
            exponent=EXPONENT, hold=HOLD, momentum=MOMENTUM, max_iter=iterations
        )
    return WeightedGerchbergSaxton(exponent=EXPONENT, momentum=MOMENTUM, max_iter=iterations)
