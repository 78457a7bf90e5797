"""Linear frames: analysis, exact adjoint, proved bounds, sub-frames."""

from recover.frames.base import Frame, FrameBounds
from recover.frames.boundary import Boundary
from recover.frames.dense import Dense
from recover.frames.gabor import Gabor
from recover.frames.identity import Identity
from recover.frames.masked import Masked

__all__ = ["Boundary", "Dense", "Frame", "FrameBounds", "Gabor", "Identity", "Masked"]
