"""Non-linear measurements: models, problems, noise and domains."""

from recover.models.base import Knowledge, Model
from recover.models.domains import Ball, Box, Domain, Everywhere, Support
from recover.models.modulus import Modulus
from recover.models.noise import AFTER, BEFORE, Noise, NoiseBound, Where
from recover.models.problem import Problem
from recover.models.relu import ReLU
from recover.models.saturation import Saturation

__all__ = [
    "AFTER",
    "BEFORE",
    "Ball",
    "Box",
    "Domain",
    "Everywhere",
    "Knowledge",
    "Model",
    "Modulus",
    "Noise",
    "NoiseBound",
    "Problem",
    "ReLU",
    "Saturation",
    "Support",
    "Where",
]
