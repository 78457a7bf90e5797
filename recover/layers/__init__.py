"""ReLU layers and networks: are they injective, how stably, and what input gave an output."""

from recover.layers.analyse import analyse
from recover.layers.invert import invert
from recover.layers.result import Injectivity, LayerAnalysis, NetworkAnalysis
from recover.layers.transition import Share, Transition, transition

__all__ = [
    "Injectivity",
    "LayerAnalysis",
    "NetworkAnalysis",
    "Share",
    "Transition",
    "analyse",
    "invert",
    "transition",
]
