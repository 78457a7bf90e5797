"""Capacities in closed form: how wide random ReLU layers and networks must be for injectivity.

Frames and this package write a neuron as ``max(<x, phi> - bias, 0)``.  Capacities are
asymptotic statements on iid Gaussian weights without bias; on one given matrix they say
nothing.
"""

from recover.theory.capacity import Capacity, injectivity_capacity, min_active_fraction
from recover.theory.classical import CapacityBounds, capacity_bounds
from recover.theory.deep import DeepCapacity, deep_injectivity_capacity
from recover.theory.finite import (
    deep_failure_bound,
    injectivity_failure_bound,
    local_injectivity_probability,
    minimal_rows,
)

__all__ = [
    "Capacity",
    "CapacityBounds",
    "DeepCapacity",
    "capacity_bounds",
    "deep_failure_bound",
    "deep_injectivity_capacity",
    "injectivity_capacity",
    "injectivity_failure_bound",
    "local_injectivity_probability",
    "min_active_fraction",
    "minimal_rows",
]
