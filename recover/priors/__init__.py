"""Assumptions about the signal, built of frames."""

from recover.priors.base import Prior
from recover.priors.quadratic import Quadratic
from recover.priors.subspace import Subspace

__all__ = ["Prior", "Quadratic", "Subspace"]
