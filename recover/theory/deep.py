"""How wide the layers of a random deep ReLU network must be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from recover.core.arrays import Array, as_count
from recover.core.display import INK, Facts, Shown, axes_or_new
from recover.core.errors import ParameterError
from recover.core.rigor import HEURISTIC, PROVED, Rigor
from recover.theory import plain
from recover.theory.capacity import injectivity_capacity
from recover.theory.checks import as_choice, as_ratio
from recover.theory.deep_lifted import next_capacity
from recover.theory.intervals import Interval
from recover.theory.unit_multiplier import next_distance
from recover.theory.width import width_after

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DeepCapacity", "deep_injectivity_capacity"]

CRITERIA = ("weak", "strong", "typical", "unit_multiplier")
METHODS = ("plain", "partial")
MOST_LAYERS = 50
SMALLEST_FIRST, LARGEST_FIRST = 2.1, 1e6  # up to 2 some input switches off the whole layer


@dataclass(frozen=True, repr=False)
class DeepCapacity(Shown):
    """The widths of the layers of a network, each the least for its criterion.

    Parameters
    ----------
    values : tuple of float
        ``alpha_i = m_i / n``, neurons of layer i over the dimension n of the network's input;
        each is the least value when the layers before have theirs. Rounded upward where proved.
    expansions : tuple of float
        ``alpha_i / alpha_(i-1)``, with ``alpha_0 = 1``.
    rigor : Rigor
        `PROVED`: with more neurons than `values` in a layer, and the layers before as given,
        the criterion holds for that layer with probability tending to one. Else `HEURISTIC`.
    accuracy : float
        Estimated absolute error of `values` as solutions of their equations.
    """

    values: tuple[float, ...]
    expansions: tuple[float, ...]
    rigor: Rigor
    accuracy: float

    def facts(self) -> Facts:
        """Return the widths, the expansions, and how firmly they stand."""
        return [
            ("neurons per input of the network", ", ".join(f"{v:.7g}" for v in self.values)),
            ("over the layer before", ", ".join(f"{v:.5g}" for v in self.expansions)),
            ("how firmly", str(self.rigor)),
        ]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the widths by layer, and return the axes."""
        axes = axes_or_new(ax)
        layers = range(1, len(self.values) + 1)
        axes.plot(layers, self.values, "o-", color=INK)
        axes.set(xlabel="layer", ylabel="neurons per input of the network", xticks=list(layers))
        return axes


def deep_injectivity_capacity(
    layers: int,
    criterion: Literal["weak", "strong", "typical", "unit_multiplier"] = "weak",
    method: Literal["plain", "partial"] = "plain",
    first: float | None = None,
) -> DeepCapacity:
    """Return how wide the layers of a random ReLU network must be for injectivity.

    The network is ``z_i = max(A_i z_(i-1), 0)``, ``z_0 = x`` in R^n, with independent Gaussian
    matrices A_i of shape (m_i, m_(i-1)) and no bias; ``k_i(x)`` counts the positive entries of
    z_i.  The definitions of "weak" and "strong" are this package's own.  They are meant after
    the notions of the same name in [1]_, whose text and tables could not be compared, so do not
    expect the numbers of that paper.

    Parameters
    ----------
    layers : int, 1 to 50
        Number of layers l.
    criterion : str
        "weak": ``k_i(x) >= n`` for all x and i. Necessary for injectivity: below it an open set
        of inputs is mapped to a lower dimension. So this is not a width that suffices.
        "strong": ``k_1(x) >= n`` and ``k_i(x) >= 2 n`` for i >= 2. Sufficient: two inputs lie
        in cones whose images span at most 2 n dimensions, and 2 n independent Gaussian rows are
        one-to-one on each of the finitely many such spans. The true threshold lies between.
        "typical": ``k_i(x) >= n`` at one generic x, so that the network is one-to-one near x;
        ``k_i`` is binomial with mean ``m_i / 2``, so ``alpha_i = 2`` exactly, whatever the
        depth. "unit_multiplier": the weak criterion of the last layer, bounded by one Gordon
        comparison in which the dual vectors of all layers have unit length. With
        ``first=6.7003919494`` it gives 8.26673 for two layers, which agrees with the value
        recalled for [1]_ and is presumably its formula. It is a loose form of the weak chain:
        the unit length is a convention, and the best weight between two layers gives 7.53079,
        the weak chain. For three and more layers no agreement with [1]_ is claimed.
    method : str
        "plain": Gordon's comparison layer by layer, from the Gaussian width of the inputs of
        each layer (`recover.theory.width.width_after`). "partial": partially lifted; where the
        equations have no solution (weak, from five layers on), or nothing is gained, the plain
        value for the same earlier layers is taken.
    first : float, 2.1 to 1e6, optional
        ``alpha_1``; None is the single-layer capacity of the same method (2 for "typical"). The
        first layer's own criterion is proved from 7.4486387263 on.

    Returns
    -------
    DeepCapacity
        Proved: "plain" with a first layer that is proved, "typical", and one layer.

    Raises
    ------
    ParameterError
        If an argument is out of its range, or the combination does not exist.

    References
    ----------
    .. [1] M. Stojnic, "Deep ReLU networks -- injectivity capacity upper bounds", arXiv
       2412.19677 (2024).
    """
    count = as_count("layers", layers)
    if count > MOST_LAYERS:
        raise ParameterError(f"layers must be at most {MOST_LAYERS}, got {layers}")
    as_choice("criterion", criterion, CRITERIA)
    as_choice("method", method, METHODS)
    if criterion == "unit_multiplier" and method == "partial":
        raise ParameterError(
            'method="partial" does not exist for criterion="unit_multiplier"; use "plain"'
        )
    if first is not None:
        as_ratio("first", first, LARGEST_FIRST, SMALLEST_FIRST)
    if criterion == "typical":
        values = (2.0 if first is None else float(first), *(2.0,) * (count - 1))
        return _result(values, PROVED, 0.0)
    start = injectivity_capacity(method).value if first is None else float(first)
    sound = start >= injectivity_capacity("partial").value
    if criterion == "unit_multiplier":
        rigor = PROVED if sound and count == 1 else HEURISTIC
        return _result(_unit_chain(count, start), rigor, 1e-8)
    required = 1.0 if criterion == "weak" else 2.0
    if method == "plain":
        values = _plain_chain(count, start, required)
        return _result(values, PROVED if sound else HEURISTIC, 1e-10)
    rigor = PROVED if sound and count == 1 else HEURISTIC
    return _result(_partial_chain(count, start, required), rigor, 1e-8)


def _result(values: tuple[float, ...], rigor: Rigor, accuracy: float) -> DeepCapacity:
    before = (1.0, *values)
    expansions = tuple(a / b for a, b in zip(values, before, strict=False))
    return DeepCapacity(values, expansions, rigor, accuracy)


def _plain_next(values: tuple[float, ...], required: float) -> float:
    width = 1.0
    for alpha in values:
        width = width_after(alpha, width)
    return plain.capacity(required, Interval.of(width)).upper


def _plain_chain(count: int, first: float, required: float) -> tuple[float, ...]:
    values: tuple[float, ...] = (first,)
    while len(values) < count:
        values = (*values, _plain_next(values, required))
    return values


def _partial_chain(count: int, first: float, required: float) -> tuple[float, ...]:
    values: tuple[float, ...] = (first,)
    start: Array | None = None
    solvable = True
    while len(values) < count:
        value = _plain_next(values, required)
        if solvable:
            found = next_capacity(values, required, start)
            if found is None:
                solvable = False
            else:
                value, start = min(found[0], value), found[1]
        values = (*values, value)
    return values


def _unit_chain(count: int, first: float) -> tuple[float, ...]:
    values, distance = [first], 1.0
    while len(values) < count:
        distance = next_distance(values[-1], distance)
        values.append(plain.capacity(1.0, Interval.of(distance)).upper)
    return tuple(values)
