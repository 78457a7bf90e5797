"""What an analysis of layers says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from recover.certificates.certificate import Certificate
from recover.certificates.search.active import ActiveNeurons
from recover.core.arrays import Array
from recover.core.display import Facts, Shown
from recover.core.enclosure import Enclosure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "Injectivity",
    "LayerAnalysis",
    "NetworkAnalysis",
    "active_phrase",
    "active_words",
]


class Injectivity(StrEnum):
    """Whether different inputs have different outputs; the first two are proved."""

    INJECTIVE = "injective"
    NOT_INJECTIVE = "not injective"
    UNDECIDED = "undecided"


@dataclass(frozen=True, eq=False, repr=False)
class LayerAnalysis(Shown):
    """What is known of one layer on its own inputs.

    Parameters
    ----------
    verdict : Injectivity
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
    singular_values : array [shape=(inputs,)]
        Of the weights, largest first; not proved.
    sampled_active : array of int [shape=(samples,)]
        Active neurons at random inputs of the domain (of the network's for a later layer, of
        the unit ball if the domain is unbounded), fewest first; not proved.
    """

    verdict: Injectivity
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
    singular_values: Array
    sampled_active: Array

    @property
    def expansion(self) -> float:
        """Neurons for each input."""
        return self.outputs / self.inputs

    def facts(self) -> Facts:
        """Return what is known, the verdict first."""
        facts = [("verdict", self.verdict.value)]
        if self.reason is not None:
            facts.append(("reason", self.reason))
        facts += [
            ("neurons", f"{self.outputs} on {self.inputs} inputs"),
            ("kappa", _ends(self.kappa)),
            ("active neurons at least", active_words(self.min_active)),
        ]
        if self.critical_bias is not None:
            facts.append(("critical frame bias", _ends(self.critical_bias)))
        return facts

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
            "singular_values": [
                float(self.singular_values[0]),
                float(self.singular_values[-1]),
            ],
            "sampled_active": [int(self.sampled_active[0]), int(self.sampled_active[-1])],
            "reason": self.reason,
        }


@dataclass(frozen=True, eq=False, repr=False)
class NetworkAnalysis(Shown):
    """What is known of a layer, or of a stack of layers.

    Parameters
    ----------
    verdict : Injectivity
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
    folded : Certificate or None
        Of the stack as one layer (see `recover.layers.fold`), where its kappa rests on that.
    """

    verdict: Injectivity
    witness: tuple[Array, Array] | None
    kappa: Enclosure
    min_active: ActiveNeurons
    layers: tuple[LayerAnalysis, ...]
    reason: str | None
    notes: tuple[str, ...]
    folded: Certificate | None = None

    def facts(self) -> Facts:
        """Return what is known of the whole, the verdict first."""
        facts = [("verdict", self.verdict.value)]
        if self.reason is not None:
            facts.append(("reason", self.reason))
        facts += [
            ("kappa", _ends(self.kappa)),
            ("active neurons at least", active_words(self.min_active)),
        ]
        return [*facts, *(("note", note) for note in self.notes)]

    def shown_below(self) -> tuple[LayerAnalysis, ...]:
        """Return the layers, where there are several."""
        return self.layers if len(self.layers) > 1 else ()

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw how many neurons of each layer are active, and return the axes."""
        from recover.layers.draw import draw_network

        return draw_network(self, ax)

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


def active_words(active: ActiveNeurons) -> str:
    """Return the number of active neurons that is never undercut, or its bracket."""
    if active.exact:
        return str(active.count)
    return f"{active.lower} (proved) to {active.count} (found)"


def active_phrase(count: int) -> str:
    """Return how many neurons are active, as a part of a sentence."""
    return "1 neuron is active" if count == 1 else f"{count} neurons are active"


def _ends(value: Enclosure) -> str:
    return f"[{value.lower:.6g}, {value.upper:.6g}]"


def _number(x: float) -> float | str:
    return "inf" if x == float("inf") else x
