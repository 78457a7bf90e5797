"""Where random layers become injective as they widen: an experiment beside the theory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from recover.certificates.search.active import search_few_active
from recover.certificates.search.clock import Clock
from recover.certificates.search.measure import Bands
from recover.core.arrays import as_generator
from recover.core.display import Facts, Shown
from recover.core.errors import ParameterError
from recover.core.progress import Progress, Watch
from recover.layers.sweep import fewest_by_sweep
from recover.theory import injectivity_failure_bound, wendel_probability

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DIMENSIONS", "Share", "Transition", "transition"]

SEARCH_SECONDS = 20.0  # for one layer at most; it ends earlier by itself
DIMENSIONS = (2, 3, 4, 5, 6, 10, 20, 50)
RATIOS = (3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 6.5, 7.0, 7.5, 8.0)
LARGEST = 200  # inputs of the search


@dataclass(frozen=True)
class Share:
    """How many of some random layers had a property.

    Parameters
    ----------
    inputs, rows : int
        The shape of the layers.
    count, trials : int
        Layers with the property, and all that were drawn.
    """

    inputs: int
    rows: int
    count: int
    trials: int

    @property
    def share(self) -> float:
        """The observed share, NaN without trials."""
        return self.count / self.trials if self.trials else math.nan

    @property
    def ratio(self) -> float:
        """Rows for each input."""
        return self.rows / self.inputs

    def standard_error(self, probability: float | None = None) -> float:
        """Return the standard error of the share, at a probability or at the share itself."""
        p = self.share if probability is None else probability
        return math.sqrt(p * (1.0 - p) / self.trials) if self.trials else math.nan


@dataclass(frozen=True)
class Transition(Shown):
    """The share of random layers that are injective, by input dimension and width.

    Parameters
    ----------
    injective : tuple of Share
        Gaussian layers without biases.  Up to 6 inputs each was decided exactly; above, these
        are the layers at which a search found no input with too few active neurons, so the
        probability of an injective layer is lower, if anything.
    all_off : tuple of Share
        For the check against Wendel's formula, with two rows for each input: layers at which
        some input switches off every neuron.  Exact and by search as above.
    """

    injective: tuple[Share, ...]
    all_off: tuple[Share, ...]

    EXACT: ClassVar[int] = 6  # inputs up to which every layer is decided exactly

    @property
    def dimensions(self) -> tuple[int, ...]:
        """The input dimensions."""
        return tuple(dict.fromkeys(point.inputs for point in self.injective))

    def of(self, inputs: int) -> tuple[Share, ...]:
        """Return the shares of injective layers at one input dimension, by width."""
        return tuple(point for point in self.injective if point.inputs == inputs)

    def half(self, inputs: int) -> float:
        """Return the rows for each input at which half of the layers are injective, estimated.

        By linear interpolation; NaN if the widths do not enclose it.
        """
        points = [point for point in self.of(inputs) if point.trials]
        for before, after in pairwise(points):
            if before.share <= 0.5 < after.share:
                part = (0.5 - before.share) / (after.share - before.share)
                return before.ratio + part * (after.ratio - before.ratio)
        return math.nan

    def to_json(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "injective": [
                {
                    "inputs": point.inputs,
                    "rows": point.rows,
                    "trials": point.trials,
                    "injective": point.count,
                    "how": "exact" if point.inputs <= self.EXACT else "search",
                    "failure_bound": injectivity_failure_bound(point.rows, point.inputs),
                }
                for point in self.injective
            ],
            "all_off": [
                {
                    "inputs": point.inputs,
                    "rows": point.rows,
                    "trials": point.trials,
                    "all_off": point.count,
                    "wendel": wendel_probability(point.rows, point.inputs),
                }
                for point in self.all_off
            ],
            "half": {
                str(n): None if math.isnan(self.half(n)) else self.half(n)
                for n in self.dimensions
            },
        }

    def facts(self) -> Facts:
        """Return where half of the layers are injective, by input dimension."""
        return [
            (f"half are injective, {n} inputs", f"at {self.half(n):.3g} neurons per input")
            for n in self.dimensions
        ]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the shares against the width, with standard errors, and return the axes."""
        from recover.layers.draw import draw_transition

        return draw_transition(self, ax)


def transition(
    dimensions: Sequence[int] = DIMENSIONS,
    ratios: Sequence[float] = RATIOS,
    *,
    trials: int = 400,
    budget: float = 120.0,
    rng: int | np.random.Generator = 0,
    watch: Watch | None = None,
) -> Transition:
    """Draw random layers and count how many are injective, by dimension and width.

    Parameters
    ----------
    dimensions : sequence of int, 2 to 200
        Inputs of the layers.  Up to 6 every layer is decided exactly; above by the search of
        `recover.theory.min_active_neurons`.
    ratios : sequence of float, 1 to 20
        Rows for each input.
    trials : int >= 1
        Layers for each dimension and width, where the budget allows.
    budget : float
        Seconds, shared evenly by the dimensions that are left; at least one layer of each is
        drawn.
    rng : int or Generator
        For the layers.
    watch : callable, optional
        Told the progress; may return True to stop.

    Returns
    -------
    Transition

    Raises
    ------
    ParameterError
        If a number is out of its range.
    """
    _check(dimensions, ratios, trials, budget)
    generator = as_generator(rng)
    clock = Clock.starting(budget, watch)
    injective: list[Share] = []
    all_off: list[Share] = []
    for done, n in enumerate(dimensions):
        widths = sorted({max(round(ratio * n), n) for ratio in ratios})
        limit = clock.within(clock.left / (len(dimensions) - done))
        counts = dict.fromkeys(widths, 0)
        silent = rounds = 0
        while rounds < trials:
            for m in widths:
                counts[m] += _fewest(generator.standard_normal((m, n)), n - 1) >= n
            silent += _fewest(generator.standard_normal((2 * n, n)), 0) == 0
            rounds += 1
            if limit.stops(Progress(done * trials + rounds, len(dimensions) * trials, 0.0)):
                break
        injective += [Share(n, m, counts[m], rounds) for m in widths]
        all_off.append(Share(n, 2 * n, silent, rounds))
    return Transition(tuple(injective), tuple(all_off))


def _fewest(rows: np.ndarray[Any, np.dtype[np.float64]], enough: int) -> int:
    """Return the least number of active neurons, or any of at most `enough`."""
    m, n = rows.shape
    if n <= Transition.EXACT:
        return fewest_by_sweep(rows, enough)
    bands = Bands(rows, np.zeros(m), np.full(m, np.inf), 1.0)
    # the search has a generator of its own, so that draws do not depend on the machine's speed
    seeds = np.random.default_rng(m)
    x = search_few_active(bands, Clock.starting(SEARCH_SECONDS), seeds, enough=enough)
    return int(np.count_nonzero(rows @ x > 0.0))


def _check(
    dimensions: Sequence[int], ratios: Sequence[float], trials: int, budget: float
) -> None:
    for n in dimensions:
        if not 2 <= n <= LARGEST:
            raise ParameterError(f"dimensions must be 2 to {LARGEST}, got {n}")
    for ratio in ratios:
        if not 1.0 <= ratio <= 20.0:
            raise ParameterError(f"ratios must be 1 to 20 rows for each input, got {ratio}")
    if not dimensions or not ratios:
        raise ParameterError("dimensions and ratios must not be empty")
    if trials < 1:
        raise ParameterError(f"trials must be >= 1, got {trials}")
    if not budget >= 0.0:
        raise ParameterError(f"budget must be >= 0 seconds, got {budget}")
