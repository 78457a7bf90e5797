"""Capacities in closed form: how wide random ReLU layers and networks must be for injectivity.

Frames and this package write a neuron as ``max(<x, phi> - bias, 0)``.  Capacities are
asymptotic statements on iid Gaussian weights without bias; on one given matrix they say
nothing: `min_active_neurons`, `critical_bias`, `critical_level` and `polytope_bias` do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recover.theory.capacity import Capacity, injectivity_capacity, min_active_fraction
from recover.theory.classical import CapacityBounds, capacity_bounds
from recover.theory.deep import DeepCapacity, deep_injectivity_capacity
from recover.theory.exact import planar_injectivity_probability, wendel_probability
from recover.theory.finite import (
    deep_failure_bound,
    injectivity_failure_bound,
    local_injectivity_probability,
    minimal_rows,
)

if TYPE_CHECKING:
    from recover.certificates.search.active import min_active_neurons
    from recover.certificates.search.critical import critical_bias, critical_level
    from recover.certificates.search.polytope import polytope_bias

__all__ = [
    "Capacity",
    "CapacityBounds",
    "DeepCapacity",
    "capacity_bounds",
    "critical_bias",
    "critical_level",
    "deep_failure_bound",
    "deep_injectivity_capacity",
    "injectivity_capacity",
    "injectivity_failure_bound",
    "local_injectivity_probability",
    "min_active_fraction",
    "min_active_neurons",
    "minimal_rows",
    "planar_injectivity_probability",
    "polytope_bias",
    "wendel_probability",
]


def __getattr__(name: str) -> Any:
    """Fetch what needs the exact engine on first use: this package imports nothing but core."""
    if name == "min_active_neurons":
        from recover.certificates.search import active

        return active.min_active_neurons
    if name == "polytope_bias":
        from recover.certificates.search import polytope

        return polytope.polytope_bias
    if name in {"critical_bias", "critical_level"}:
        from recover.certificates.search import critical

        return critical.critical_bias if name == "critical_bias" else critical.critical_level
    raise AttributeError(f"module 'recover.theory' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
