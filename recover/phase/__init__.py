"""Phase retrieval for imaging: magnitudes in, the object with its certificate out."""

from recover.phase.result import PhaseResult, Restarts
from recover.phase.retrieve import retrieve
from recover.phase.sensitivity import Sensitivity, sensitivity

__all__ = ["PhaseResult", "Restarts", "Sensitivity", "retrieve", "sensitivity"]
