"""Methods: one loop, one step each; a method is a frozen dataclass of its parameters."""

from recover.solve.base import Method, Progress, Solution, Status, Watch
from recover.solve.choose import choose
from recover.solve.conjugate_gradient import ConjugateGradient
from recover.solve.dual_frame import DualFrame
from recover.solve.loop import solve
from recover.solve.one_sided import OneSidedLeastSquares

__all__ = [
    "ConjugateGradient",
    "DualFrame",
    "Method",
    "OneSidedLeastSquares",
    "Progress",
    "Solution",
    "Status",
    "Watch",
    "choose",
    "solve",
]
