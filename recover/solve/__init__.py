"""Methods: one loop, one step each; a method is a frozen dataclass of its parameters."""

from recover.solve.alternating_projections import AlternatingProjections
from recover.solve.autoregressive import Autoregressive
from recover.solve.base import Candidates, Method, Progress, Solution, Status, Watch
from recover.solve.chebyshev import Chebyshev
from recover.solve.choose import choose
from recover.solve.conjugate_gradient import ConjugateGradient
from recover.solve.consistent_least_squares import ConsistentLeastSquares
from recover.solve.difference_map import DifferenceMap
from recover.solve.dual_frame import DualFrame
from recover.solve.facet_dual import FacetAmplification, FacetDual, estimate_amplification
from recover.solve.frame_algorithm import FrameAlgorithm
from recover.solve.griffin_lim import GriffinLim
from recover.solve.griffin_lim_admm import GriffinLimADMM
from recover.solve.hybrid_input_output import HybridInputOutput
from recover.solve.loop import solve
from recover.solve.message_passing import ApproximateMessagePassing
from recover.solve.multigrid_obstacle import MultigridObstacle
from recover.solve.obstacle import Obstacle
from recover.solve.one_sided import OneSidedLeastSquares
from recover.solve.ptychographic_retrieval import PtychographicRetrieval
from recover.solve.relaxed_averaged_reflections import RelaxedAveragedReflections
from recover.solve.relaxed_reflections import RelaxedReflections
from recover.solve.relu_frame_algorithm import ReLUFrameAlgorithm
from recover.solve.reweighted_amplitude_flow import ReweightedAmplitudeFlow
from recover.solve.saturated_frame_algorithm import SaturatedFrameAlgorithm
from recover.solve.shrink_wrap import ShrinkWrap
from recover.solve.social import SocialSparsity
from recover.solve.social_ista import SocialISTA
from recover.solve.spade import AnalysisSPADE
from recover.solve.spectral import spectral_start
from recover.solve.spectrum import Spectrum
from recover.solve.subspace_least_squares import SubspaceLeastSquares
from recover.solve.weighted_gerchberg_saxton import WeightedGerchbergSaxton
from recover.solve.weighted_l1 import WeightedL1

__all__ = [
    "AlternatingProjections",
    "AnalysisSPADE",
    "ApproximateMessagePassing",
    "Autoregressive",
    "Candidates",
    "Chebyshev",
    "ConjugateGradient",
    "ConsistentLeastSquares",
    "DifferenceMap",
    "DualFrame",
    "FacetAmplification",
    "FacetDual",
    "FrameAlgorithm",
    "GriffinLim",
    "GriffinLimADMM",
    "HybridInputOutput",
    "Method",
    "MultigridObstacle",
    "Obstacle",
    "OneSidedLeastSquares",
    "Progress",
    "PtychographicRetrieval",
    "ReLUFrameAlgorithm",
    "RelaxedAveragedReflections",
    "RelaxedReflections",
    "ReweightedAmplitudeFlow",
    "SaturatedFrameAlgorithm",
    "ShrinkWrap",
    "SocialISTA",
    "SocialSparsity",
    "Solution",
    "Spectrum",
    "Status",
    "SubspaceLeastSquares",
    "Watch",
    "WeightedGerchbergSaxton",
    "WeightedL1",
    "choose",
    "estimate_amplification",
    "solve",
    "spectral_start",
]
