"""Methods: one loop, one step each; a method is a frozen dataclass of its parameters."""

from recover.solve.alternating_projections import AlternatingProjections
from recover.solve.base import Candidates, Method, Progress, Solution, Status, Watch
from recover.solve.chebyshev import Chebyshev
from recover.solve.choose import choose
from recover.solve.conjugate_gradient import ConjugateGradient
from recover.solve.consistent_least_squares import ConsistentLeastSquares
from recover.solve.dual_frame import DualFrame
from recover.solve.facet_dual import FacetAmplification, FacetDual, estimate_amplification
from recover.solve.frame_algorithm import FrameAlgorithm
from recover.solve.loop import solve
from recover.solve.message_passing import ApproximateMessagePassing
from recover.solve.obstacle import Obstacle
from recover.solve.one_sided import OneSidedLeastSquares
from recover.solve.relaxed_reflections import RelaxedReflections
from recover.solve.relu_frame_algorithm import ReLUFrameAlgorithm
from recover.solve.reweighted_amplitude_flow import ReweightedAmplitudeFlow
from recover.solve.saturated_frame_algorithm import SaturatedFrameAlgorithm
from recover.solve.spectral import spectral_start
from recover.solve.spectrum import Spectrum
from recover.solve.subspace_least_squares import SubspaceLeastSquares

__all__ = [
    "AlternatingProjections",
    "ApproximateMessagePassing",
    "Candidates",
    "Chebyshev",
    "ConjugateGradient",
    "ConsistentLeastSquares",
    "DualFrame",
    "FacetAmplification",
    "FacetDual",
    "FrameAlgorithm",
    "Method",
    "Obstacle",
    "OneSidedLeastSquares",
    "Progress",
    "ReLUFrameAlgorithm",
    "RelaxedReflections",
    "ReweightedAmplitudeFlow",
    "SaturatedFrameAlgorithm",
    "Solution",
    "Spectrum",
    "Status",
    "SubspaceLeastSquares",
    "Watch",
    "choose",
    "estimate_amplification",
    "solve",
    "spectral_start",
]
