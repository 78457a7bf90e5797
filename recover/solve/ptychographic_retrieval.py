"""Retrieval from ptychographic scans, with a known probe or one that is recovered too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.models.problem import Problem
from recover.solve.base import Method, Status
from recover.solve.limited_memory import Memory
from recover.solve.scan_task import ScanTask, refuse_unless_scan
from recover.solve.scan_tilt import slow_phase

__all__ = ["PtychographicRetrieval"]

NEAR = 1e-3  # misfit from which descent takes over, and from which a start goes to it at once
STILL = 2  # sweeps in which the probe stays as it is
ENOUGH = 1e-4  # of the expected decrease: what a step must bring
HALVINGS = 12
AT_REST, SETTLED = 1e-8, 1e-6  # decrease of a step, relative to the misfit's square
TILT_EVERY, TILT_LAST = 6, 42  # steps of descent at which slow phases are looked for
IDLE = 5  # steps one after another with no more decrease than that: descent is at rest


@dataclass(frozen=True, eq=False)
class _Descent:
    """Where descent is: half the squared misfit, its gradient, and what it remembers."""

    value: float
    gradient: Array
    memory: Memory
    age: int = 0


@dataclass(frozen=True, eq=False)
class _State:
    task: ScanTask
    rng: np.random.Generator
    x: Array
    probe: Array
    waves: Array | None
    descent: _Descent | None
    count: int
    residual: float
    idle: int = 0
    finished: Status | None = None


@dataclass(frozen=True)
class PtychographicRetrieval(Method[_State]):
    """Projections on overlapping windows, then descent on the misfit of amplitudes.

    With a known probe the first steps are the difference map between waves with the measured
    moduli and waves that come from one object [1]_.  With `refine_probe` each of them is a
    sweep over the exposures in random order that corrects the object and the probe by each in
    turn [2]_.  The others are steps of a limited-memory quasi-Newton method in the metric of
    the light on each sample, on the object, or on object and probe together; with a known
    probe slow phases are found from how patterns are shifted now and then.  About two
    transforms of each exposure a step, and five where slow phases are looked for.

    Parameters
    ----------
    refine_probe : bool
        Whether the frame's probe is but a first guess.
    projections : int >= 0
        The most steps of the first kind.
    memory : int >= 1
        Pairs of changes that the descent remembers.
    max_iter : int
        The most steps.
    tol : float
        The misfit of the magnitudes, relative to them, at which it stops.

    Notes
    -----
    The default of `projections` was chosen on ten simulated scans by a Gaussian beam (60, 70
    and 85 did worse on some); scans by a sharper or rougher probe need fewer and take fewer.

    References
    ----------
    .. [1] P. Thibault, M. Dierolf, O. Bunk, A. Menzel, F. Pfeiffer, "Probe retrieval in
       ptychographic coherent diffractive imaging", Ultramicroscopy 109 (2009).
    .. [2] A. M. Maiden, J. M. Rodenburg, "An improved ptychographical phase retrieval algorithm
       for diffractive imaging", Ultramicroscopy 109 (2009).
    """

    refine_probe: bool = False
    projections: int = 80
    memory: int = 10
    max_iter: int = 1000
    tol: float = 1e-10

    def __post_init__(self) -> None:
        if self.projections < 0:
            raise ParameterError(f"projections must be >= 0, got {self.projections}")
        if self.memory < 1:
            raise ParameterError(f"memory must be >= 1, got {self.memory}")

    def refuses(self, problem: Problem) -> str | None:
        return refuse_unless_scan(problem)

    def init(self, problem: Problem, start: Array | None, rng: np.random.Generator) -> _State:
        task = ScanTask.of(problem)
        dtype = np.complex64 if task.y.dtype == np.float32 else np.complex128
        probe = task.frame.probe.astype(dtype)
        if start is None:
            x = task.inside(np.ones(task.frame.shape, dtype))
            size = float(np.linalg.norm((task.frame.views(x) * probe).reshape(-1)))
            x = x * x.real.dtype.type(task.norm / size if size > 0.0 else 0.0)
        else:
            x = task.inside(start.astype(dtype))
        residual = task.misfit(x, probe)
        state = _State(task, rng, x, probe, None, None, 0, residual)
        if task.norm == 0.0:
            return replace(state, finished=Status.CONVERGED)
        return state

    def step(self, problem: Problem, state: _State) -> _State:
        early = state.count < self.projections
        if state.descent is not None or not early or state.residual <= NEAR:
            return self._descended(state)
        state = replace(state, count=state.count + 1)
        return self._swept(state) if self.refine_probe else self._mapped(state)

    def signal(self, problem: Problem, state: _State) -> Array:
        x = state.x / self._gain(state)
        kept = x.real if state.task.frame.real_signal else x
        return np.asarray(kept, dtype=problem.dtype)

    def probe(self, problem: Problem, state: _State) -> Array:
        """Return the probe, of the same energy as the frame's."""
        return np.asarray(state.probe * self._gain(state))

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls()

    def _gain(self, state: _State) -> Array:
        given, found = state.task.frame.probe, state.probe
        sizes = np.linalg.norm(given.reshape(-1)), np.linalg.norm(found.reshape(-1))
        gain = sizes[0] / sizes[1] if self.refine_probe and sizes[1] > 0.0 else 1.0
        return np.asarray(gain, dtype=found.real.dtype)

    def _mapped(self, state: _State) -> _State:
        """Take a step of the difference map with strength 1."""
        task, probe = state.task, state.probe
        old = task.frame.views(state.x) * probe
        waves = old if state.waves is None else state.waves
        # u + P(2 v - u) - v for the waves v of the object
        wrong, square = task.errors(task.far(2 * old - waves))
        waves = old - task.near(wrong)
        x = task.overlap(waves, probe)
        return replace(state, waves=waves, x=x, residual=task.relative(square))

    def _swept(self, state: _State) -> _State:
        """Correct object and probe by each exposure in turn."""
        task, x, probe = state.task, state.x.copy(), state.probe
        windows, total = task.frame.windows, 0.0
        for k in state.rng.permutation(len(windows)):
            seen = x[windows[k]].copy()
            wrong, square = task.errors(task.far(seen * probe), int(k))
            total += square
            error = task.near(wrong)
            peaks = np.square(np.abs(probe).max()), np.square(np.abs(seen).max())
            if peaks[0] > 0.0:
                x[windows[k]] -= probe.conj() * error / peaks[0]
            if state.count > STILL and peaks[1] > 0.0:
                probe = probe - seen.conj() * error / peaks[1]
        return replace(state, x=task.inside(x), probe=probe, residual=task.relative(total))

    def _descended(self, state: _State) -> _State:
        """Take a quasi-Newton step."""
        task, point = state.task, self._joined(state.x, state.probe)
        old = state.descent or self._begun(state)
        if self._tilts(task, old.age):
            turned = self._tilted(state, old)
            if turned is not None:
                return turned
        along = old.memory.direction(old.gradient)
        promise = -float(np.vdot(old.gradient, along).real)
        length, value, gradient, there = 1.0, np.inf, old.gradient, point
        for _ in range(HALVINGS):
            there = point + along.real.dtype.type(length) * along
            value, gradient = self._slope(task, there)
            if value <= old.value - ENOUGH * length * promise:
                break
            length *= 0.5
        if not value < old.value:
            if not old.memory.moves:
                stuck = replace(state, descent=old, idle=IDLE)
                return replace(stuck, finished=self._rest(stuck, old.value, 0.0))
            return replace(state, descent=self._begun(state))  # forgets what misled it
        x, probe = self._parted(state, there)
        memory = old.memory.told(there - point, gradient - old.gradient)
        following = replace(
            state,
            x=x,
            probe=probe,
            descent=_Descent(value, gradient, memory, old.age + 1),
            residual=task.relative(2.0 * value),
        )
        drop = (old.value - value) / old.value if old.value > 0.0 else 0.0
        following = replace(following, idle=state.idle + 1 if drop <= AT_REST else 0)
        return replace(following, finished=self._rest(following, value, drop))

    def _tilts(self, task: ScanTask, age: int) -> bool:
        """Tell whether slow phases are looked for: of known probes, early, now and then."""
        plane = len(task.frame.shape) == 2 and not task.frame.real_signal
        return plane and not self.refine_probe and age <= TILT_LAST and age % TILT_EVERY == 1

    def _tilted(self, state: _State, old: _Descent) -> _State | None:
        """Turn slow phases of the object, None if that does not lower the misfit."""
        task, point = state.task, self._joined(state.x, state.probe)
        turn = slow_phase(task, state.x, state.probe)
        x = state.x * (np.cos(turn) + 1j * np.sin(turn)).astype(state.x.dtype)
        there = self._joined(x, state.probe)
        value, gradient = self._slope(task, there)
        if not value < old.value:
            return None
        memory = old.memory.told(there - point, gradient - old.gradient)
        descent = _Descent(value, gradient, memory, old.age + 1)
        return replace(state, x=x, descent=descent, residual=task.relative(2.0 * value), idle=0)

    def _rest(self, state: _State, value: float, drop: float) -> Status | None:
        """Return how descent has ended, None if it goes on."""
        if state.task.relative(2.0 * value) <= state.task.discrepancy:
            return Status.CONVERGED if drop <= SETTLED else None
        return Status.STALLED if state.idle >= IDLE else None

    def _begun(self, state: _State) -> _Descent:
        lit, shown = state.task.metric(state.x, state.probe)
        metric = self._joined(lit, shown).astype(state.x.real.dtype)
        value, gradient = self._slope(state.task, self._joined(state.x, state.probe))
        return _Descent(value, gradient, Memory(metric, self.memory))

    def _slope(self, task: ScanTask, point: Array) -> tuple[float, Array]:
        size = task.frame.signal_size
        x = point[:size].reshape(task.frame.shape)
        probe = task.frame.probe.astype(x.dtype)
        if self.refine_probe:
            probe = point[size:].reshape(probe.shape)
        value, first, last = task.slope(x, probe, both=self.refine_probe)
        return value, first.reshape(-1) if last is None else self._joined(first, last)

    def _joined(self, x: Array, probe: Array) -> Array:
        flat = x.reshape(-1)
        return np.concatenate([flat, probe.reshape(-1)]) if self.refine_probe else flat

    def _parted(self, state: _State, point: Array) -> tuple[Array, Array]:
        x = point[: state.x.size].reshape(state.x.shape)
        if not self.refine_probe:
            return x, state.probe
        return x, point[state.x.size :].reshape(state.probe.shape)
