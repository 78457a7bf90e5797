"""What an analysis of layers says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from recover.certificates.certificate import Certificate
from recover.certificates.search.active import ActiveNeurons
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure

__all__ = ["LayerAnalysis", "NetworkAnalysis", "Verdict"]


class Verdict(StrEnum):
    """Whether different inputs have different outputs; the first two are proved."""

    INJECTIVE = "injective"
    NOT_INJECTIVE = "not injective"
    UNDECIDED = "undecided"


@dataclass(frozen=True, eq=False)
class LayerAnalysis:
    """What is known of one layer on its own inputs.

    Parameters
    ----------
    verdict : Verdict
        On the domain below.  The inputs of a later layer are the outputs of the one before,
        a part of that domain: a layer that is not injective on it may still be on them.
    inputs, outputs : int
        The shape of the weights.
    radius, nonnegative : float, bool
        The domain: the ball of this radius, or its non-negative part.
    kappa : Enclosure
        Of the lower Lipschitz constant on the domain.
    min_active : ActiveNeurons
        How many neurons are active at least: on the domain for the first layer, and for inputs
        of the network for a later one.
    witness : (array, array) or None
        Two inputs of this layer with the same output, up to rounding.
    critical_bias : Enclosure or None
        The largest frame bias (the negative of a network's) that all neurons could share on the
        domain with the layer injective; None where it was not computed.
    random_failure : float
        A bound on the probability that a Gaussian layer of this shape without biases is not
        injective on all signals; it says nothing about this layer.
    reason : str or None
        Why the verdict is what it is, or why there is none.
    certificate : Certificate or None
        From which `recover.verify` proves kappa again, for the model ``relu``; None where the
        layer was too large for it, or did not need it.
    """

    verdict: Verdict
    inputs: int
    outputs: int
    radius: float
    nonnegative: bool
    kappa: Enclosure
    min_active: ActiveNeurons
    witness: tuple[Array, Array] | None
    critical_bias: Enclosure | None
    random_failure: float
    reason: str | None
    certificate: Certificate | None

    @property
    def expansion(self) -> float:
        """Neurons for each input."""
        return self.outputs / self.inputs

    def to_json(self) -> dict[str, Any]:
        """Return plain data for JSON, without witness and certificate."""
        return {
            "verdict": self.verdict.value,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "expansion": self.expansion,
            "radius": _number(self.radius),
            "nonnegative": self.nonnegative,
            "kappa": self.kappa.to_json(),
            "min_active": {"count": self.min_active.count, "lower": self.min_active.lower},
            "critical_bias": None
            if self.critical_bias is None
            else self.critical_bias.to_json(),
            "random_failure": self.random_failure,
            "reason": self.reason,
        }


@dataclass(frozen=True, eq=False)
class NetworkAnalysis:
    """What is known of a layer, or of a stack of layers.

    Parameters
    ----------
    verdict : Verdict
        Whether the whole is injective on the domain; only what is proved is said.
    witness : (array, array) or None
        Two inputs of the network with the same output, up to rounding, where it is not.
    kappa : Enclosure
        Of the lower Lipschitz constant of the whole on the domain.
    min_active : ActiveNeurons
        Of the layer with the fewest.
    layers : tuple of LayerAnalysis
        In order.
    reason : str or None
        Why the verdict is what it is, or why there is none.
    notes : tuple of str
        What was assumed, such as biases that were not given.
    """

    verdict: Verdict
    witness: tuple[Array, Array] | None
    kappa: Enclosure
    min_active: ActiveNeurons
    layers: tuple[LayerAnalysis, ...]
    reason: str | None
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "verdict": self.verdict.value,
            "witness": None
            if self.witness is None
            else [point.tolist() for point in self.witness],
            "kappa": self.kappa.to_json(),
            "min_active": {"count": self.min_active.count, "lower": self.min_active.lower},
            "layers": [layer.to_json() for layer in self.layers],
            "reason": self.reason,
            "notes": list(self.notes),
        }


def _number(x: float) -> float | str:
    return "inf" if x == float("inf") else x
