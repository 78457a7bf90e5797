"""Phase-only holograms: Gerchberg and Saxton's iteration with weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.fft import fft, fftn, ifft, ifftn

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.frames.fourier import Fourier
from recover.frames.identity import Identity
from recover.frames.masked import Masked
from recover.frames.stack import Stack
from recover.models.modulus import Modulus
from recover.models.problem import Problem
from recover.solve.base import Method, Status
from recover.solve.magnitudes import moduli, ratios, with_moduli

__all__ = ["WeightedGerchbergSaxton", "hologram_problem"]

FEW = 0.25  # share of the columns up to which taking them out pays
MOST_GROWTH = 100.0  # of a weight in one step: a pixel that is dark takes not all the light


@dataclass(frozen=True, eq=False)
class _Planes:
    """What is measured in two planes, taken out of a problem."""

    shape: tuple[int, ...]
    light: Array  # amplitude before the transform
    columns: Array  # of the far plane's last axis that are worked with
    where: Array  # flat indices of the target's pixels among these columns
    wanted: Array  # their amplitudes
    outside: Array | None  # flat indices of pixels that must be dark, None if all others are

    def forward(self, near: Array) -> Array:
        """Return the far plane's columns, flattened; those that do not count cost little."""
        far = np.asarray(fft(near, norm="ortho"))
        if self.columns.size < self.shape[-1]:
            far = np.ascontiguousarray(far[..., self.columns])
        axes = tuple(range(far.ndim - 1))
        return np.asarray(fftn(far, axes=axes, norm="ortho", overwrite_x=True)).reshape(-1)

    def backward(self, columns: Array) -> Array:
        """Return the near plane of a far plane that is dark but for its columns."""
        far = columns.reshape(*self.shape[:-1], self.columns.size)
        axes = tuple(range(far.ndim - 1))
        far = np.asarray(ifftn(far, axes=axes, norm="ortho", overwrite_x=True))
        if self.columns.size < self.shape[-1]:
            whole = np.zeros(self.shape, dtype=far.dtype)
            whole[..., self.columns] = far
            far = whole
        return np.asarray(ifft(far, norm="ortho", overwrite_x=True))


@dataclass(frozen=True, eq=False)
class _State:
    planes: _Planes
    near: Array
    before: Array | None
    weights: Array
    held: Array | None  # phases of the target's pixels once they are held fixed
    count: int
    residual: float
    finished: Status | None = None


@dataclass(frozen=True)
class WeightedGerchbergSaxton(Method[_State]):
    """Alternate between a plane of known light and a far plane of wanted amplitudes [1]_.

    The far plane takes the wanted amplitudes, times weights, with the phases that it has; the
    near plane keeps its phases and takes the light's amplitude.  Weights are multiplied by
    ``(wanted / found)^exponent`` in each step but the first [2]_, which evens out spots and
    pictures at some cost of light; with `hold` the far phases are kept from that step on
    [3]_.  Pixels of the
    far plane of which nothing is wanted keep what they have (mixed-region amplitude freedom
    [4]_), pixels that must be dark become dark.

    Parameters
    ----------
    exponent : float >= 0
        0 for no weights: the algorithm of Gerchberg and Saxton, whose misfit never grows.
    hold : int or None
        The step from which the far phases are held.
    momentum : float in [0, 1)
        Of the near plane's field.  With weights it fades to none over the steps, and there is
        none once phases are held: weights and momentum would drive each other.
    share : float in (0, 1]
        How much of the light the target is meant to have where amplitudes are free.
    max_iter : int
        Steps; the schedule is run to its end.
    tol : float
        The misfit at which it stops; 0 to run all steps.

    References
    ----------
    .. [1] R. W. Gerchberg, W. O. Saxton, "A practical algorithm for the determination of the
       phase", Optik 35 (1972).
    .. [2] R. Di Leonardo, F. Ianni, G. Ruocco, "Computer generation of optimal holograms for
       optical trap arrays", Opt. Express 15 (2007).
    .. [3] D. Kim et al., "Large-scale uniform optical focus array generation with a phase
       spatial light modulator", Opt. Lett. 44 (2019).
    .. [4] M. Pasienski, B. DeMarco, "A high-accuracy algorithm for designing arbitrary
       holographic atom traps", Opt. Express 16 (2008).
    """

    exponent: float = 0.0
    hold: int | None = None
    momentum: float = 0.0
    share: float = 1.0
    max_iter: int = 50
    tol: float = 0.0

    def __post_init__(self) -> None:
        if self.exponent < 0.0:
            raise ParameterError(f"exponent must be >= 0, got {self.exponent}")
        if self.hold is not None and self.hold < 1:
            raise ParameterError(f"hold must be a step >= 1 or None, got {self.hold}")
        if not 0.0 <= self.momentum < 1.0:
            raise ParameterError(f"momentum must lie in [0, 1), got {self.momentum}")
        if not 0.0 < self.share <= 1.0:
            raise ParameterError(f"share must lie in (0, 1], got {self.share}")

    def refuses(self, problem: Problem) -> str | None:
        return _refusal(problem)

    def init(self, problem: Problem, start: Array | None, rng: np.random.Generator) -> _State:
        planes = _planes(problem)
        if start is None:
            turns = rng.random(planes.shape)
            start = np.exp(2j * np.pi * turns)
        near = start.astype(np.result_type(planes.light, np.complex64))
        near = with_moduli(np.ascontiguousarray(near), planes.light, np.empty_like(near))
        return _State(planes, near, None, planes.wanted.copy(), None, 0, np.inf)

    def step(self, problem: Problem, state: _State) -> _State:
        planes = state.planes
        ahead = state.near
        momentum = self._momentum(state)
        if state.before is not None and momentum > 0.0:
            ahead = np.subtract(ahead, state.before)
            ahead *= ahead.real.dtype.type(momentum)
            ahead += state.near
        far = planes.forward(ahead)
        field = far[planes.where]
        found = moduli(field)
        residual = _misfit(found, planes.wanted)
        weights = state.weights
        if state.count > 0:  # what the start makes says little
            weights = self._weights(weights, found, planes.wanted)
        held = state.held
        if held is None:
            phase = field * ratios(field, np.ones_like(found))
            phase[found == 0.0] = 1.0  # dark pixels would stay dark
            if self.hold is not None and state.count + 1 >= self.hold:
                held = phase
        else:
            phase = held
        target = _emptied(planes, far, weights, self.share)
        target[planes.where] = phase * weights
        near = planes.backward(target)
        near = with_moduli(near, planes.light, near)
        kept = state.near if self.momentum > 0.0 else None
        return _State(planes, near, kept, weights, held, state.count + 1, residual)

    def _momentum(self, state: _State) -> float:
        """Return the momentum of a step: with weights it fades, and held phases have none."""
        if self.exponent == 0.0:
            return self.momentum
        if state.held is not None:
            return 0.0
        return self.momentum * (1.0 - state.count / self.max_iter)

    def _weights(self, weights: Array, found: Array, wanted: Array) -> Array:
        if self.exponent == 0.0:
            return weights
        if not found.any():
            return weights
        # relative to the light that arrives, so that only the distribution counts
        scale = float(np.linalg.norm(found)) / max(float(np.linalg.norm(wanted)), 1e-300)
        least = np.maximum(found, found.dtype.type(scale / MOST_GROWTH) * wanted)
        growth = wanted * found.dtype.type(scale) / least
        fresh = weights * growth ** found.dtype.type(self.exponent)
        size = float(np.linalg.norm(wanted) / np.linalg.norm(fresh))
        return np.asarray(fresh * found.dtype.type(size))

    def signal(self, problem: Problem, state: _State) -> Array:
        return state.near

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls(max_iter=5000, tol=1e-9)


def hologram_problem(light: Array, target: Array, free: Array | None) -> Problem:
    """Return the problem of light of known amplitude and a far plane of wanted amplitudes.

    Parameters
    ----------
    light : array [shape=(...), >= 0]
        Amplitude in the near plane.
    target : array [same shape, >= 0]
        Amplitude in the far plane, of the light's energy; the first entry is the undeflected
        beam.
    free : array of bool [same shape], optional
        Pixels of the far plane of which nothing is wanted.
    """
    far = Fourier(light.shape)
    wanted = target.reshape(-1)
    part: Fourier | Masked = far
    if free is not None and free.any():
        part = Masked(far, ~free)
        wanted = target[~free]
    frame = Stack([Identity(light.shape, real_signal=False), part])
    return Problem(Modulus(frame), np.concatenate([light.reshape(-1), wanted]))


def _refusal(problem: Problem) -> str | None:
    frame = problem.model.frame
    words = "it designs holograms: magnitudes of an Identity and a Fourier plane, stacked"
    if not isinstance(problem.model, Modulus) or not isinstance(frame, Stack):
        return words
    if len(frame.frames) != 2 or frame.real_signal or not (frame.weights == 1.0).all():
        return words
    near, far = frame.frames
    inner = far.frame if isinstance(far, Masked) else far
    fits = isinstance(near, Identity) and isinstance(inner, Fourier)
    return None if fits and inner.coef_shape == near.coef_shape else words


def _planes(problem: Problem) -> _Planes:
    frame = problem.model.frame
    assert isinstance(frame, Stack)
    shape = frame.signal_shape
    size = frame.signal_size
    light = np.ascontiguousarray(problem.y[:size].reshape(shape))
    wanted = np.zeros(size, dtype=light.dtype)
    measured = np.ones(size, dtype=bool)
    far = frame.frames[1]
    if isinstance(far, Masked):
        measured = far.keep.reshape(-1)
    wanted[measured] = problem.y[size:]
    if measured.all():
        # all that is not wanted is dark: only the columns with a wanted pixel matter
        lit = wanted.reshape(-1, shape[-1]) > 0.0
        columns = np.flatnonzero(lit.any(axis=0))
        if columns.size > FEW * shape[-1]:
            columns = np.arange(shape[-1])
        part = np.ascontiguousarray(wanted.reshape(-1, shape[-1])[:, columns]).reshape(-1)
        where = np.flatnonzero(part > 0.0)
        return _Planes(shape, light, columns, where, part[where], None)
    where = np.flatnonzero(wanted > 0.0)
    outside = np.flatnonzero(measured & (wanted == 0.0))
    return _Planes(shape, light, np.arange(shape[-1]), where, wanted[where], outside)


def _emptied(planes: _Planes, far: Array, weights: Array, share: float) -> Array:
    """Return the far plane but for the target's pixels: dark, or left as it was where free."""
    left = far
    if planes.outside is None:
        left.fill(0)
        return left
    left[planes.outside] = 0.0
    if share < 1.0:
        left[planes.where] = 0.0
        free = float(np.linalg.norm(left))
        wanted = float(np.linalg.norm(weights))
        if free > 0.0:
            left *= left.real.dtype.type(wanted * ((1.0 - share) / share) ** 0.5 / free)
    return left


def _misfit(found: Array, wanted: Array) -> float:
    """Return the distance of two amplitudes, each of norm 1."""
    a, b = float(np.linalg.norm(found)), float(np.linalg.norm(wanted))
    if a == 0.0 or b == 0.0:
        return 1.0
    return float(np.linalg.norm(found / a - wanted / b))
