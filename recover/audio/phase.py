"""Sound from the magnitudes of its short-time Fourier transform."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recover.audio.spectrogram_blocks import Inverted, blocks_of, invert, misfit
from recover.audio.spectrogram_input import (
    checked_magnitudes,
    checked_mel,
    checked_starts,
    checked_window,
    coefficients,
    frame_of,
    without_mel,
)
from recover.certificates.certificate import Certificate, not_asked, unbounded
from recover.certificates.parts import combine
from recover.certificates.reasons import Why, Withheld
from recover.certificates.statements import assumptions_of, scope_of
from recover.core.arrays import Array, as_generator, frozen
from recover.core.enclosure import Enclosure
from recover.core.errors import ParameterError
from recover.frames.spectrogram import Spectrogram
from recover.models.modulus import Modulus
from recover.models.problem import Problem
from recover.pipeline import certify as certify_signal
from recover.pipeline import method_named
from recover.solve.base import AnyMethod, Status, Watch
from recover.solve.griffin_lim_admm import GriffinLimADMM

__all__ = ["SpectrogramResult", "phase_from_magnitude"]

CERTIFIED_SIGNAL = 1024  # samples: dense proofs of larger ones cost far more than the recovery


@dataclass(frozen=True, eq=False)
class SpectrogramResult:
    """A sound that was recovered from magnitudes.

    Parameters
    ----------
    signal : array [shape=(..., length)]
        The sound, up to the sign of each item of the batch.
    certificate : Certificate
        What is promised; its parts are the items of the batch.
    status : Status
        How the last item ended.
    residuals : array [shape=(steps,)]
        The last item's distance from the magnitudes after each step, relative to them.
    convergence : array [shape of the batch]
        The spectral convergence ``20 log10(| |STFT(signal)| - magnitude | / |magnitude|)`` in
        dB, over one-sided bins; of a Mel spectrogram, against the
        magnitudes that its inverse gives.
    method : str
        Name of the method.
    """

    signal: Array
    certificate: Certificate
    status: Status
    residuals: Array
    convergence: Array
    method: str

    @property
    def error_bound(self) -> float:
        """The certificate's bound on the l2 error, infinite if nothing is promised."""
        return self.certificate.error_bound


def phase_from_magnitude(
    magnitude: npt.ArrayLike,
    *,
    hop: int,
    n_fft: int | None = None,
    window: str | npt.ArrayLike = "hann",
    center: bool = True,
    length: int | None = None,
    mel: npt.ArrayLike | None = None,
    start: npt.ArrayLike | None = None,
    method: AnyMethod | str | None = None,
    certify: bool = True,
    rng: int | np.random.Generator = 0,
    watch: Watch | None = None,
) -> SpectrogramResult:
    """Recover a sound from the magnitudes of its short-time Fourier transform.

    The first phases are read off the slopes of the log-magnitudes; alternating directions then
    bring the sound's own magnitudes to the given ones.  Long spectrograms are worked on in
    blocks, so that memory does not grow with them.

    Parameters
    ----------
    magnitude : array [shape=(..., n_fft // 2 + 1, frames), >= 0]
        ``abs(librosa.stft(x))``; for `scipy.signal.stft`, ``abs(Z) * sum(window)``.  Leading
        axes are a batch.  float32 is worked on in float32.
    hop : int
        Samples between frames.
    n_fft : int, optional
        Length of the transforms; by default the even one that the number of bins allows.
    window : str or array [shape=(size,), size <= n_fft]
        Name for `scipy.signal.get_window` with `n_fft` samples, or the window, which is centred
        in the transform.
    center : bool
        Whether frames are centred on the samples 0, hop, 2 hop, ... of a sound with zeros
        around, or begin there.
    length : int, optional
        Samples of the sound; by default what the frames cover.
    mel : array [shape=(bands, n_fft // 2 + 1)], optional
        Filters; then `magnitude` is ``mel @ abs(stft)``, and the magnitudes are found first, by
        non-negative least squares begun at the pseudo-inverse.
    start : array [shape=(..., length)], optional
        A sound to start from.
    method : Method or str, optional
        One for magnitudes: `GriffinLimADMM` by default, or `GriffinLim`, ...; or its name.
    certify : bool
        Whether to certify.
    rng : int or Generator
        For methods that draw numbers.
    watch : callable, optional
        Told a `Progress` after each step; returns True to stop.

    Returns
    -------
    SpectrogramResult

    Raises
    ------
    ParameterError
        If the magnitudes are negative, not finite or of a shape that does not fit, or a number
        is out of range.
    NotAFrameError
        If the hop leaves samples without a window.
    """
    data = checked_magnitudes(magnitude)
    if mel is not None:
        data = without_mel(data, checked_mel(mel, data))
    taps = checked_window(window, n_fft, data.shape[-2])
    size = taps.size
    if data.shape[-2] != size // 2 + 1:
        raise ParameterError(
            f"magnitude must have {size // 2 + 1} bins for n_fft = {size}, got "
            f"{data.shape[-2]}; pass n_fft, or mel filters for a Mel spectrogram"
        )
    frame, offset, total = frame_of(
        taps, hop, center=center, length=length, frames=data.shape[-1]
    )
    solver = _solver(method)
    batch = data.shape[:-2]
    guesses = checked_starts(start, batch, total)
    generator = as_generator(rng)
    signal = np.zeros((*batch, total), dtype=data.dtype)
    convergence = np.zeros(batch)
    certificates: list[tuple[str, Certificate]] = []
    found: Inverted | None = None
    for index in np.ndindex(batch):
        y = coefficients(frame, data[index])
        guess = None if guesses is None else guesses[index][offset : offset + frame.length]
        found = invert(frame, y, solver, start=guess, rng=generator, watch=watch)
        signal[index][offset : offset + frame.length] = found.signal
        part = misfit(frame, found.signal, y)
        convergence[index] = 20.0 * math.log10(part) if part > 0.0 else -math.inf
        label = "item " + ", ".join(str(k + 1) for k in index)
        promise = _certificate(frame, y, found.signal, asked=certify, told=mel is None)
        certificates.append((label, promise))
        if found.status is Status.STOPPED:
            break
    assert found is not None
    return SpectrogramResult(
        signal=frozen(signal),
        certificate=certificates[0][1] if len(certificates) == 1 else combine(certificates),
        status=found.status,
        residuals=frozen(found.residuals),
        convergence=frozen(convergence),
        method=type(solver).__name__,
    )


def _solver(method: AnyMethod | str | None) -> AnyMethod:
    solver = method_named(method) if isinstance(method, str) else method
    return GriffinLimADMM() if solver is None else solver


def _certificate(
    frame: Spectrogram, y: Array, signal: Array, *, asked: bool, told: bool
) -> Certificate:
    """Certify one sound; magnitudes that a Mel inverse made up bound nothing."""
    problem = Problem(Modulus(frame), y)
    if not asked:
        return not_asked(problem.digest)
    why = Withheld(Why.TOO_LARGE, {"size": frame.length, "name": "Spectrogram"})
    if not told:
        why = Withheld(Why.NO_PROOF, {"name": "Mel spectrogram"})
    elif frame.length <= CERTIFIED_SIGNAL and len(blocks_of(frame)) == 1:
        return certify_signal(problem, signal)
    return unbounded(
        why.sentence,
        scope_of(problem),
        problem.digest,
        problem.noise.to_json(),
        assumptions_of(problem),
        kappa=Enclosure(0.0, math.inf),
        values=why.values(),
    )
