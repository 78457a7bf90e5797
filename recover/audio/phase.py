"""Sound from the magnitudes of its short-time Fourier transform."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
from recover.certificates.certificate import Certificate, not_asked
from recover.certificates.islands import certify_islands
from recover.certificates.parts import combine
from recover.certificates.phase.rows import magnitudes_of
from recover.certificates.proofs.base import Case
from recover.certificates.proofs.modulus_lags import SpectrogramLags
from recover.certificates.reasons import Why, Withheld
from recover.certificates.withheld import withheld_certificate
from recover.core.arrays import Array, as_generator, frozen
from recover.core.display import Facts, Shown, draw_signal
from recover.core.errors import ParameterError
from recover.frames.spectrogram import Spectrogram
from recover.models.modulus import Modulus
from recover.models.problem import Problem
from recover.pipeline import certify as certify_signal
from recover.pipeline import method_named
from recover.solve.base import AnyMethod, Status, Watch
from recover.solve.griffin_lim_admm import GriffinLimADMM

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SpectrogramResult", "phase_from_magnitude"]

CERTIFIED_SIGNAL = 4096  # samples: beyond it a proof about the whole takes far too long
USUAL_OVERLAP, FEW_STEPS = 4, 96  # with more frames than that over each sample
SINGLE_WORK = 0.5  # a step in single precision, in steps of double precision
PROOF_WORK = 1.2  # products of a proof that take the time of a step in double precision


@dataclass(frozen=True, eq=False, repr=False)
class SpectrogramResult(Shown):
    """A sound that was recovered from magnitudes.

    Parameters
    ----------
    signal : array [shape=(..., length)]
        The sound, up to the sign of each item of the batch.
    certificate : Certificate
        What is promised; its parts are the items of the batch, and the parts of those the
        islands of the spectrogram.
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

    def facts(self) -> Facts:
        """Return what was recovered, and how near its magnitudes are to the given ones."""
        of_many = f", the worst of {self.convergence.size}" if self.convergence.size > 1 else ""
        return [
            ("signal", f"{self.signal.shape} {self.signal.dtype}"),
            ("method", self.method),
            ("status", self.status.value),
            ("spectral convergence", f"{np.max(self.convergence):.1f} dB{of_many}"),
        ]

    def shown_below(self) -> tuple[Certificate]:
        """Return the certificate."""
        return (self.certificate,)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the sound with matplotlib; of a batch, the first item."""
        first = self.signal.reshape(-1, self.signal.shape[-1])[0]
        axes = draw_signal(first, ax, "amplitude")
        axes.set_xlabel("sample")
        return axes

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
    budget: float | None = None,
    rng: int | np.random.Generator = 0,
    watch: Watch | None = None,
) -> SpectrogramResult:
    """Recover a sound from the magnitudes of its short-time Fourier transform.

    The first phases are read off the slopes of the log-magnitudes; alternating directions then
    bring the sound's own magnitudes to the given ones.  Long spectrograms are worked on in
    blocks, so that memory does not grow with them.

    A short sound that explains its magnitudes is certified as a whole: among all sounds with
    hop 1 and an asymmetric window shorter than the transform, else among those near the
    recovered one, and the certificate's reason says why.  Of other sounds the islands
    of the spectrogram are certified one by one, the strongest first: how much a small change of
    the sound changes the island's magnitudes at least, up to the island's phase, which nothing
    tells from those of other islands.  Such a certificate has an amplification in each of its
    parts and no error bound; each part says why.

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
        One for magnitudes: `GriffinLimADMM` by default, or `GriffinLim`,
        `RelaxedAveragedReflections`, ...; or its name.
    certify : bool
        Whether to certify.
    budget : float, optional
        Seconds for the certificate of each item; by default as much work as the recovery did.
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
    if budget is not None and not budget >= 0.0:
        raise ParameterError(f"budget must be >= 0 seconds, or None, got {budget}")
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
    solver = _solver(method, size // hop)
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
        problem = Problem(Modulus(frame), y)
        promise = not_asked(problem.digest)
        if certify and mel is not None:  # magnitudes that an inverse made up bound nothing
            promise = withheld_certificate(
                problem, Withheld(Why.NO_PROOF, {"name": "Mel spectrogram"})
            )
        elif certify:
            promise = _certificate(problem, frame, found, budget)
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


def _solver(method: AnyMethod | str | None, overlap: int) -> AnyMethod:
    """Return the method; more frames over each sample fix it in fewer steps."""
    solver = method_named(method) if isinstance(method, str) else method
    if solver is not None:
        return solver
    return GriffinLimADMM(max_iter=FEW_STEPS) if overlap > USUAL_OVERLAP else GriffinLimADMM()


def _certificate(
    problem: Problem, frame: Spectrogram, found: Inverted, budget: float | None
) -> Certificate:
    """Certify one sound: as a whole where that can be, else island by island."""
    if not found.signal.any():
        return withheld_certificate(problem, Withheld(Why.ZERO_SIGNAL))
    beyond = None
    if frame.hop > 1 or frame.length <= CERTIFIED_SIGNAL:
        wide = found.signal.astype(np.float64)
        told = SpectrogramLags().attempt(Case(problem, wide), math.inf)
        if isinstance(told, Certificate):
            return told
        beyond = told
    if frame.length <= CERTIFIED_SIGNAL and _near(problem, found.signal):
        whole = certify_signal(problem, found.signal)
        if whole.finite:
            return whole
    if budget is not None:
        return certify_islands(
            problem, found.signal, work=math.inf, seconds=budget, beyond=beyond
        )
    steps = found.residuals.size / len(blocks_of(frame))
    share = SINGLE_WORK if problem.y.dtype == np.float32 else 1.0
    work = PROOF_WORK * share * steps * frame.frames
    return certify_islands(problem, found.signal, work=work, beyond=beyond)


def _near(problem: Problem, signal: Array) -> bool:
    """Tell whether a local bound for the whole sound is possible at all.

    It holds within a radius below the threshold of the coefficients that it uses, and cannot
    carry more than the root of the frame's upper bound times that.
    """
    magnitudes = magnitudes_of(problem, signal)
    ordered = np.sort(magnitudes.ratio, axis=None)
    for theta in ordered[:: max(ordered.size // 16, 1)]:
        deviation = magnitudes.deviation(magnitudes.kept(float(theta)))
        if theta > 0.0 and deviation < math.sqrt(magnitudes.upper) * theta:
            return True
    return False
