"""How many neurons of a ReLU layer are active at least: exact, or by a search for few.

A layer without biases is injective only if at every signal (off finitely many hyperplanes) at
least n of its rows are positive; in general position that is enough.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recover.certificates.search.clock import Clock
from recover.certificates.search.measure import Bands
from recover.certificates.search.rational import rational_product
from recover.certificates.search.rays import fewest_positive, ray_count
from recover.core.arrays import Array, as_generator, as_numeric, frozen
from recover.core.errors import ParameterError
from recover.core.progress import Progress
from recover.core.rounding import binary_exponent

__all__ = ["ActiveNeurons", "min_active_neurons", "search_few_active"]

MAX_RAYS = 2_000_000  # that are enumerated when the choice is left to the program
MAX_DIMENSION = 12  # of the rational arithmetic that settles degenerate rows
STARTS, RESTARTS, PATIENCE = 24, 40, 120  # of the search
MAX_DOUBTS = 200  # rows whose sign at a witness is settled in rational numbers
WORK = 1_500_000  # numbers in the arrays of the search


@dataclass(frozen=True, eq=False)
class ActiveNeurons:
    """How many neurons are active at least.

    Parameters
    ----------
    count : int
        The fewest found: at `witness` all other neurons are off for sure, whatever the
        rounding.
    lower : int
        No signal off the neurons' hyperplanes has fewer (proved).
    witness : array [shape=(n,)]
        The signal.
    """

    count: int
    lower: int
    witness: Array

    @property
    def exact(self) -> bool:
        """Whether `count` is the minimum."""
        return self.count == self.lower


def min_active_neurons(
    rows: npt.ArrayLike,
    exact: bool | None = None,
    *,
    budget: float = 60.0,
    rng: int | np.random.Generator = 0,
) -> ActiveNeurons:
    """Return the fewest positive entries of ``rows @ x``, and a signal that has them.

    Parameters
    ----------
    rows : array [shape=(m, n), real]
        A layer without biases.  Zero, repeated and dependent rows are allowed.
    exact : bool, optional
        True: enumerate the C(m, n - 1) rays of the arrangement.  False: search, by gradient
        steps on the squared hinge of all rows but those that are to stay active; what it finds
        is an upper bound, and fewer than n prove that the layer is not injective.  By default
        enumerate where that is at most 2 million rays.
    budget : float
        Seconds for the search.
    rng : int or Generator
        For the search.

    Returns
    -------
    ActiveNeurons

    Raises
    ------
    ParameterError
        If `rows` is not a real matrix, or too large to be enumerated.
    """
    matrix = as_numeric("rows", rows)
    if matrix.ndim != 2 or 0 in matrix.shape or np.iscomplexobj(matrix):
        raise ParameterError(
            f"rows must be a real (m, n) matrix, got {matrix.dtype} {matrix.shape}"
        )
    scaled = np.ldexp(matrix.astype(np.float64), -binary_exponent(matrix))
    n = scaled.shape[1]
    rays = ray_count(scaled)
    if exact and rays > 100 * MAX_RAYS:
        raise ParameterError(
            f"exact needs {rays:.3g} rays for {len(scaled)} rows of R^{n}, more than "
            f"{100 * MAX_RAYS:.3g}; use exact=False"
        )
    bands = Bands(scaled, np.zeros(len(scaled)), np.full(len(scaled), np.inf), 1.0)
    if exact or (exact is None and rays <= MAX_RAYS and n <= MAX_DIMENSION):
        found = fewest_positive(scaled)
        witness = found.signal / max(float(np.linalg.norm(found.signal)), 1e-300)
        settled = _counted(bands, witness, found.lower)
        if settled.exact:
            return settled
        # the cell is too small for floating point: the search may find a roomier one
        budget, lower = min(budget, 2.0), found.lower
    else:
        settled, lower = None, 0
    clock = Clock.starting(budget)
    searched = _counted(bands, search_few_active(bands, clock, as_generator(rng)), lower)
    return searched if settled is None or searched.count < settled.count else settled


def _counted(bands: Bands, witness: Array, lower: int) -> ActiveNeurons:
    """Return the count at the witness: all rows that are not off for sure, but zero rows."""
    off = bands.surely_saturated(witness[None])[0] | ~bands.rows.any(axis=1)
    for row in np.flatnonzero(~off & (bands.rows @ witness < 1e-9))[:MAX_DOUBTS]:
        off[row] = rational_product(bands.rows[row], witness) < 0
    return ActiveNeurons(int(np.count_nonzero(~off)), lower, frozen(witness))


def search_few_active(
    bands: Bands,
    clock: Clock,
    rng: np.random.Generator,
    *,
    enough: int = 0,
) -> Array:
    """Return the signal with the fewest rows that are not off for sure, of those tried.

    Momentum steps on ``sum (t_i - bias_i + d)_+^2`` over all rows but the k with the largest
    ``t_i - bias_i``, k one less than the best count so far.

    Parameters
    ----------
    bands : Bands
        A ReLU (no upper levels) on a ball, scaled to order one.
    clock : Clock
        Ends the search.
    rng : Generator
        For the starts.
    enough : int
        The search ends at a count of at most this.
    """
    rows, n = bands.rows, bands.dimension
    sizes = np.sqrt((rows**2).sum(axis=1))
    gap = 0.05 * bands.radius * float(np.median(sizes)) / math.sqrt(n)
    step = 1.0 / max(_largest_eigenvalue(rows, rng), 1e-300)
    starts = int(np.clip(WORK // (bands.count + n), 4, STARTS))
    dead, on_sphere = ~rows.any(axis=1), not bands.low.any()

    def sure(x: Array) -> int:
        return int(np.count_nonzero(~(bands.surely_saturated(x[None])[0] | dead)))

    best: Array = bands.inside(np.zeros((1, n)))[0]
    fewest = sure(best)
    for restart in range(RESTARTS):
        x = _moved(bands, rng.standard_normal((starts, n)), on_sphere)
        velocity, stale = np.zeros_like(x), 0
        while stale < PATIENCE:
            if fewest <= enough or clock.stops(Progress(restart, RESTARTS, float(fewest))):
                return best
            t = x @ rows.T - bands.low
            counts = ((t > 0.0) & ~dead).sum(axis=1)
            stale += 1
            k = int(counts.argmin())
            if counts[k] < fewest and (count := sure(x[k])) < fewest:
                fewest, best, stale = count, x[k].copy(), 0
            velocity = 0.9 * velocity - step * (_pull(t + gap, fewest - 1) @ rows)
            x = _moved(bands, x + velocity, on_sphere)
    return best


def _pull(t: Array, spared: int) -> Array:
    """Return the positive parts of all but the `spared` largest entries of each row of t."""
    pull = np.maximum(t, 0.0)
    if spared > 0:
        largest = np.argpartition(pull, -spared, axis=1)[:, -spared:]
        np.put_along_axis(pull, largest, 0.0, axis=1)
    return pull


def _moved(bands: Bands, x: Array, on_sphere: bool) -> Array:
    """Move signals into the domain, to its sphere if only directions matter."""
    if bands.nonnegative:
        x = np.maximum(x, 0.0)
    if on_sphere:
        norms = np.sqrt((x**2).sum(axis=1, keepdims=True))
        x = x * (bands.radius / np.where(norms > 0.0, norms, 1.0))
    return bands.inside(x)


def _largest_eigenvalue(rows: Array, rng: np.random.Generator) -> float:
    """Estimate the largest eigenvalue of ``rows^T rows`` from below, with a margin."""
    image: Array = rng.standard_normal(int(rows.shape[1]))
    size = math.sqrt(float(image @ image))
    for _ in range(12):
        image = rows.T @ (rows @ image) / max(size, 1e-300)
        size = math.sqrt(float(image @ image))
    return 1.1 * size
