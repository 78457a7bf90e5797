"""A spectrogram's phase block by block, so that memory does not grow with its length."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from recover.audio.phase_gradient import phase_from_gradient
from recover.core.arrays import Array
from recover.frames.spectrogram import Spectrogram
from recover.models.modulus import Modulus
from recover.models.problem import Problem
from recover.solve.base import AnyMethod, Progress, Status, Watch
from recover.solve.griffin_lim_admm import GriffinLimADMM
from recover.solve.loop import solve
from recover.solve.magnitudes import moduli

__all__ = ["Block", "Inverted", "blocks_of", "invert", "misfit"]

BLOCK = 2**20  # coefficients of one block
SHARED_WINDOWS = 8  # windows that two blocks share
TURNS = 3  # phases, half a turn apart in all, that a start is tried with
TRIAL = 18  # part of a method's steps that a trial takes
SHORTEST = 4  # steps of a trial below which none is made


@dataclass(frozen=True)
class Block:
    """Frames ``start`` to ``stop`` (exclusive); the first `shared` are the last block's too."""

    start: int
    stop: int
    shared: int


@dataclass(frozen=True, eq=False)
class Inverted:
    """A signal for given magnitudes, how the method ended, and its last residuals."""

    signal: Array
    status: Status
    residuals: Array


def blocks_of(frame: Spectrogram) -> list[Block]:
    """Return the blocks of a spectrogram, each of bounded size."""
    bins = frame.coef_shape[1]
    shared = SHARED_WINDOWS * -(-frame.window.size // frame.hop)
    size = max(BLOCK // bins, 2 * shared)
    blocks = [Block(0, min(size, frame.frames), 0)]
    while blocks[-1].stop < frame.frames:
        start = blocks[-1].stop - shared
        blocks.append(Block(start, min(start + size, frame.frames), shared))
    return blocks


def invert(
    frame: Spectrogram,
    y: Array,
    method: AnyMethod,
    *,
    start: Array | None,
    rng: np.random.Generator,
    watch: Watch | None,
) -> Inverted:
    """Return a signal whose coefficients have the moduli `y`, as nearly as the method comes.

    Blocks are solved one after the other.  Each begins with the phases that the one before
    found on the frames they share, and is faded in over the middle of these.

    Parameters
    ----------
    frame : Spectrogram
    y : array [shape=frame.coef_shape, >= 0]
    method : Method
    start : array [shape=(frame.length,)], optional
        A signal to start from, in place of the phase from the magnitudes' slopes.
    rng : Generator
    watch : callable, optional
        Told of every step of every block.
    """
    signal = np.zeros(frame.length, dtype=y.dtype)
    blocks = blocks_of(frame)
    residuals: list[Array] = []
    status = Status.COMPLETED
    for number, block in enumerate(blocks):
        part = _part(frame, block)
        place = slice(_first(frame, block), _first(frame, block) + part.length)
        problem = Problem(Modulus(part), y[block.start : block.stop])
        if start is not None:
            guess = start[place]
        elif block.shared or method.max_iter < SHORTEST * TRIAL:
            guess = _guess(part, problem.y, block, signal[place])
        else:
            guess = _best_guess(problem, part, method.max_iter // TRIAL, rng)
        told = None if watch is None else _Told(watch, number, len(blocks), method.max_iter)
        found = solve(problem, method, start=guess.astype(y.dtype), rng=rng, watch=told)
        residuals.append(found.residuals)
        _join(signal[place], found.signal, block, frame)
        status = found.status
        if status is Status.STOPPED:
            break
    return Inverted(signal, status, np.concatenate(residuals))


def misfit(frame: Spectrogram, signal: Array, y: Array) -> float:
    """Return ``| |STFT(signal)| - magnitude | / |magnitude|``, block by block; 0 if all are 0.

    The norms are over one-sided bins without weights, as spectrogram software has it.
    """
    wrong, total = 0.0, 0.0
    for block in blocks_of(frame):
        own = Block(block.start + block.shared, block.stop, 0)
        part, first = _part(frame, own), _first(frame, own)
        data = y[own.start : own.stop] / part.weights
        gap = moduli(part.analysis(signal[first : first + part.length])) / part.weights - data
        wrong += float(np.vdot(gap, gap))
        total += float(np.vdot(data, data))
    return math.sqrt(wrong / total) if total > 0.0 else 0.0


@dataclass(frozen=True)
class _Told:
    """Progress of one block as part of the whole."""

    watch: Watch
    number: int
    blocks: int
    steps: int

    def __call__(self, progress: Progress, /) -> bool | None:
        return self.watch(
            Progress(
                self.number * self.steps + progress.step,
                self.blocks * self.steps,
                progress.value,
            )
        )


def _first(frame: Spectrogram, block: Block) -> int:
    """Return the first sample of the signal that the block's frames see."""
    return max(block.start * frame.hop - frame.lead + _silent(frame.window), 0)


def _part(frame: Spectrogram, block: Block) -> Spectrogram:
    first = _first(frame, block)
    lead = first - (block.start * frame.hop - frame.lead)
    seen = (block.stop - 1) * frame.hop - frame.lead + frame.window.size
    seen -= _silent(frame.window[::-1])
    length = frame.length if block.stop == frame.frames else min(seen, frame.length)
    return Spectrogram(length - first, frame.window, frame.hop, lead, block.stop - block.start)


def _silent(window: Array) -> int:
    """Return how many zeros a window begins with."""
    return int(np.argmax(window != 0.0))


def _best_guess(
    problem: Problem, part: Spectrogram, steps: int, rng: np.random.Generator
) -> Array:
    """Return the guess of the common phase that leads furthest in a few steps.

    The slopes tell phases but for a common one.  To a complex signal it would not matter; a
    real one, which is its negative frequencies' too, has it fixed where those meet the
    positive ones, most of all in what is short and so wide in frequency.
    """
    method, best, least = GriffinLimADMM(max_iter=steps, finish=steps), None, math.inf
    phase = _phase(part, problem.y, None)
    for k in range(TURNS):
        guess = _sound(part, problem.y, phase + k * math.pi / TURNS)
        left = float(solve(problem, method, start=guess, rng=rng).residuals[-1])
        if best is None or left < least:
            best, least = guess, left
    assert best is not None
    return best


def _guess(part: Spectrogram, y: Array, block: Block, earlier: Array) -> Array:
    """Return the signal of the phases that the magnitudes' slopes tell."""
    known = None
    if block.shared:
        # the last of the shared frames reach beyond what the earlier block has seen
        reach = -(-part.window.size // part.hop)
        head = part.analysis(earlier)[: block.shared - reach]
        known = np.asarray(np.angle(head))
    return _sound(part, y, _phase(part, y, known))


def _phase(part: Spectrogram, y: Array, known: Array | None) -> Array:
    return phase_from_gradient(y / part.weights, part.window, part.hop, known)


def _sound(part: Spectrogram, y: Array, phase: Array) -> Array:
    """Return the sound of magnitudes and phases, in the magnitudes' precision."""
    turned = phase.astype(y.dtype, copy=False)
    c = np.empty(y.shape, dtype=np.result_type(y, np.complex64))
    np.multiply(np.cos(turned), y, out=c.real)
    np.multiply(np.sin(turned), y, out=c.imag)
    sound: Array = (part.synthesis(c) / part.diagonal).astype(y.dtype)
    return sound


def _join(place: Array, found: Array, block: Block, frame: Spectrogram) -> None:
    """Write a block's signal to its place, faded in where the one before has been."""
    if not block.shared:
        place[:] = found
        return
    span = block.shared * frame.hop
    begin, fade = span // 4, span // 4
    shared = slice(begin, begin + fade)
    # what the magnitudes cannot tell: the sign
    sign = -1.0 if float(np.vdot(place[shared], found[shared])) < 0.0 else 1.0
    ramp = np.sin(np.linspace(0.0, np.pi / 2, fade)) ** 2
    place[shared] += (ramp * (sign * found[shared] - place[shared])).astype(place.dtype)
    place[begin + fade :] = sign * found[begin + fade :]
