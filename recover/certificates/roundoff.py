"""The rounding error of a frame's adjoint, where it is known."""

from __future__ import annotations

import math

from recover.core.rounding import TINY, U, gamma, norm_upper, up
from recover.frames.base import Frame
from recover.frames.coded_diffraction import CodedDiffraction
from recover.frames.convolution import Convolution
from recover.frames.fourier import Fourier
from recover.frames.fresnel import Fresnel
from recover.frames.gabor import Gabor
from recover.frames.identity import Identity
from recover.frames.masked import Masked
from recover.frames.ptychography import Ptychography
from recover.frames.spectrogram import Spectrogram
from recover.frames.stack import Stack
from recover.frames.structure import HasRows

__all__ = ["adjoint_roundoff", "underflow"]


def underflow(frame: Frame) -> float:
    """Return what underflow can add to the l2 error of a computed analysis or synthesis.

    The relative bounds leave it out.  A product, or a step of a transform, is off by at most
    ``TINY`` then; what follows it multiplies that by no more than the frame's own factors,
    which `Frame.roundoff` holds in units of U.
    """
    size = frame.roundoff()
    if size == 0.0 or not math.isfinite(size):
        return 0.0
    return up(1024.0 * frame.coef_size * frame.signal_size * max(size / U, 1.0) * TINY, 4)


def adjoint_roundoff(frame: Frame) -> float:
    """Return e with ``|computed - exact synthesis(c)| <= e |c|``; infinity where unknown.

    For m rows held exactly each entry is an inner product of m terms, so the error is at most
    ``gamma_m |A|_F |c|`` (Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed.,
    section 3.1); complex arithmetic at most doubles the count of roundings, plus two.

    A bank of F circular convolutions transforms, multiplies by the conjugate spectra, adds up
    and transforms back: the same steps as its analysis, each with the same bound by Cauchy and
    Schwarz over the filters, and F - 1 additions that the factor 2 covers for F <= 64.

    A Gabor synthesis, and that of a spectrogram, has the same transform and window product in
    each frame, each with the relative error of the analysis; adding up p overlapping frames
    multiplies it by at most sqrt(p) and adds ``gamma_p``: below ``2 p`` times the analysis's
    error for p <= 256.

    A Fourier synthesis has the transforms of the analysis, the other way; to leave out what was
    padding adds nothing, and to divide by weights is one rounding more.

    A stack of K frames adds up their images of ``w_k c_k``: an error of at most
    ``(w_k e_k + (K + 2) U w_k sqrt(B_k)) |c_k|`` each, and Cauchy and Schwarz over the parts.
    """
    while isinstance(frame, Masked):
        frame = frame.frame
    if isinstance(frame, Identity):
        return 0.0
    if isinstance(frame, CodedDiffraction | Fresnel | Ptychography):
        return frame.adjoint_roundoff()
    if isinstance(frame, HasRows):
        return up(gamma(2 * frame.coef_size + 4) * norm_upper(frame.rows))
    if isinstance(frame, Convolution) and frame.filters.shape[0] <= 64:
        return up(2.0 * frame.roundoff())
    if isinstance(frame, Fourier):
        return up(2.0 * frame.roundoff())
    if isinstance(frame, Stack):
        each = [
            float(weight) * (adjoint_roundoff(part) + extra)
            for part, weight in zip(frame.frames, frame.weights, strict=True)
            for extra in [gamma(len(frame.frames) + 2) * up(math.sqrt(part.bounds().upper))]
        ]
        return up(math.hypot(*each) * (1.0 + gamma(len(each) + 8)), 4)
    if isinstance(frame, Gabor) and frame.grid.overlap <= 256:
        return up(2.0 * frame.grid.overlap * frame.roundoff())
    if isinstance(frame, Spectrogram) and frame.overlap <= 256:
        return up(2.0 * frame.overlap * frame.roundoff())
    return math.inf
