"""Linear frames: analysis, exact adjoint, proved bounds, sub-frames."""

from recover.frames.base import Frame, FrameBounds
from recover.frames.block_cosine import BlockCosine
from recover.frames.boundary import Boundary
from recover.frames.coded_diffraction import CodedDiffraction
from recover.frames.convolution import Convolution
from recover.frames.cross_channel import CrossChannelGradient
from recover.frames.dense import Dense
from recover.frames.dual import canonical_dual
from recover.frames.estimate import estimate_bounds
from recover.frames.finite_difference import FiniteDifference
from recover.frames.fourier import Fourier
from recover.frames.fresnel import Fresnel
from recover.frames.gabor import Gabor
from recover.frames.identity import Identity
from recover.frames.laplacian import Laplacian
from recover.frames.masked import Masked
from recover.frames.premultiplied import Premultiplied
from recover.frames.ptychography import Ptychography
from recover.frames.spectrogram import Spectrogram
from recover.frames.stack import Stack
from recover.frames.stft import STFT
from recover.frames.wavelet import Wavelet

__all__ = [
    "STFT",
    "BlockCosine",
    "Boundary",
    "CodedDiffraction",
    "Convolution",
    "CrossChannelGradient",
    "Dense",
    "FiniteDifference",
    "Fourier",
    "Frame",
    "FrameBounds",
    "Fresnel",
    "Gabor",
    "Identity",
    "Laplacian",
    "Masked",
    "Premultiplied",
    "Ptychography",
    "Spectrogram",
    "Stack",
    "Wavelet",
    "canonical_dual",
    "estimate_bounds",
]
