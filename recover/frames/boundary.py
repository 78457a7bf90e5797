"""What a frame of translates meets beyond the ends of the signal."""

from __future__ import annotations

from enum import Enum

__all__ = ["Boundary"]


class Boundary(Enum):
    """What the windows meet beyond the ends of the signal."""

    CIRCULAR = "the signal, repeated"
    ZERO_PADDED = "zeros"
