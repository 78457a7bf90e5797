"""Phase retrieval for imaging: magnitudes in, the object with its certificate out."""

from recover.phase.app import PhaseOptions, PhaseReport, process_phase
from recover.phase.hologram import HologramResult, hologram
from recover.phase.measurement import PhaseMeasurement, phase_measurement
from recover.phase.ptychography import ptychography
from recover.phase.result import PhaseResult, Restarts
from recover.phase.retrieve import retrieve
from recover.phase.sensitivity import Sensitivity, sensitivity

__all__ = [
    "HologramResult",
    "PhaseMeasurement",
    "PhaseOptions",
    "PhaseReport",
    "PhaseResult",
    "Restarts",
    "Sensitivity",
    "hologram",
    "phase_measurement",
    "process_phase",
    "ptychography",
    "retrieve",
    "sensitivity",
]
