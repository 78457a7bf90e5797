"""Brackets of the smallest eigenvalue: local search, then proofs of rising values.

The value that the local search believes is tried first; where that does not close in a share of
the time, smaller values are proved one after the other, so that the lower end rises with the
budget and an interrupted search keeps what it has.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recover.certificates.search.arrangement import arrangements
from recover.certificates.search.cells import CellSearch
from recover.certificates.search.clock import Clock
from recover.certificates.search.incumbent import Incumbent, local_search
from recover.certificates.search.measure import Bands
from recover.certificates.search.spectral import Energy
from recover.certificates.search.splits import SplitIncumbent, SplitSearch, alternate
from recover.certificates.search.tree import DecisionTree
from recover.core.arrays import Array

__all__ = ["Bracket", "bracket_cells", "bracket_splits"]

FIRST_SHARE = 0.6  # of the time, for the attempt to close at once
LADDER = (0.02, 0.1, 0.3, 0.6, 0.85, 1.0)  # values to prove, as shares of the incumbent


@dataclass(frozen=True, eq=False)
class Bracket:
    """What a search has shown about A.

    Parameters
    ----------
    lower, upper : float
        Both proved.
    closed : bool
        Whether they agree to the accuracy of floating-point proofs.
    nodes : int
        Visited in all attempts.
    unresolved : int
        Cells that rounding left undecided.
    claim : float
        The value that `trees` prove, equal to `lower` unless that came from elsewhere.
    trees : tuple of DecisionTree, or None
        One for each arrangement; None where nothing was searched or the record was too large.
    conflicts : tuple of arrays
        For each arrangement, the contradictions that close leaves, as flat (count, sides...).
    witness : array or None
        The signal, or the split, that shows `upper`.
    vectors : tuple of arrays
        The directions that are seen least there.
    """

    lower: float
    upper: float
    closed: bool
    nodes: int
    unresolved: int
    claim: float
    trees: tuple[DecisionTree, ...] | None
    conflicts: tuple[Array, ...]
    witness: Array | None
    vectors: tuple[Array, ...]


@dataclass(frozen=True, eq=False)
class _Attempt:
    proved: float  # -inf if not finished
    nodes: int
    unresolved: int
    trees: tuple[DecisionTree, ...] | None
    conflicts: tuple[Array, ...]


def bracket_cells(bands: Bands, clock: Clock, rng: np.random.Generator) -> Bracket:
    """Return a bracket of ``min A_I(x)`` over the cells of the domain.

    Parameters
    ----------
    bands : Bands
        Scaled so that rows and radius (if finite) are of order one.
    clock : Clock
        The budget.
    rng : Generator
        For the local search.

    Returns
    -------
    Bracket
        Where `bands.like_cone`, the witness is a direction: far enough out it does what it
        does here.
    """
    if bands.like_cone:
        bands = bands.as_cone()
    best = Incumbent(bands, Energy(bands.rows))
    pieces = arrangements(bands)
    starts = int(np.clip(4e6 / (bands.count * bands.dimension**2), 32, 300))
    local_search(best, starts, rng, clock.within(0.2 * clock.left + 0.05))

    def attempt(target: float, limit: Clock, proved: float) -> _Attempt:
        low, nodes, unresolved = target, 0, 0
        trees: list[DecisionTree | None] = []
        conflicts = []
        for piece in pieces:
            search = CellSearch(piece, best, min(target, best.goal), limit)
            outcome = search.run(proved)
            nodes, unresolved = nodes + search.visited, unresolved + outcome.unresolved
            if not outcome.finished:
                return _Attempt(-math.inf, nodes, unresolved, None, ())
            low = min(low, outcome.lower)
            trees.append(search.tree)
            conflicts.append(_flat(search.conflicts))
        kept = tuple(tree for tree in trees if tree is not None)
        return _Attempt(
            low, nodes, unresolved, kept if len(kept) == len(trees) else None, tuple(conflicts)
        )

    found, nodes = _climb(attempt, lambda: best.value, lambda: best.goal, clock)
    vectors = () if best.vector is None else (best.vector,)
    closed = best.value == 0.0 or found.proved >= best.goal
    return _bracket(found, nodes, closed, (best.value, best.point, vectors))


def bracket_splits(
    rows: Array, clock: Clock, rng: np.random.Generator, *, larger: bool = False
) -> Bracket:
    """Return a bracket of ``min_S (A_S + A_(S^c))`` of a real frame, scaled to order one.

    With `larger`, of ``sigma^2 = min_S max(A_S, A_(S^c))``.
    """
    best = SplitIncumbent(Energy(rows), larger)
    starts = int(np.clip(4e8 / (rows.shape[0] * rows.shape[1] ** 2), 40, 1000))
    alternate(best, starts, rng, clock.within(0.2 * clock.left + 0.05))

    def attempt(target: float, limit: Clock, proved: float) -> _Attempt:
        search = SplitSearch(best, min(target, best.goal), limit)
        done = search.run(proved)
        tree = search.tree if done else None
        value = max(search.target, 0.0) if done else -math.inf
        return _Attempt(value, search.visited, 0, None if tree is None else (tree,), ())

    found, nodes = _climb(attempt, lambda: best.value, lambda: best.goal, clock)
    vectors = () if best.vectors is None else best.vectors
    closed = best.value == 0.0 or found.proved >= best.goal
    return _bracket(found, nodes, closed, (best.value, best.split, vectors))


def _climb(
    attempt: Callable[[float, Clock, float], _Attempt],
    value: Callable[[], float],
    goal: Callable[[], float],
    clock: Clock,
) -> tuple[_Attempt, int]:
    """Try to close, then climb; return the best finished attempt and the nodes of all."""
    found = _Attempt(0.0, 0, 0, None, ())
    nodes = 0
    if goal() <= 0.0 or clock.left <= 0.0:
        return found, nodes
    for share, limit in [(1.0, clock.within(FIRST_SHARE * clock.left))] + [
        (share, clock) for share in LADDER
    ]:
        target = min(share * value(), goal())
        if target <= found.proved:
            continue
        made = attempt(target, limit, found.proved)
        nodes += made.nodes
        # an unresolved cell stops every larger value too
        stuck = made.unresolved > 0 and made.proved >= 0.0
        if made.proved > found.proved or (stuck and made.proved == found.proved):
            found = made
        if clock.left <= 0.0 or stuck or found.proved >= goal():
            break
    return found, nodes


def _bracket(
    found: _Attempt,
    nodes: int,
    closed: bool,
    best: tuple[float, Array | None, tuple[Array, ...]],
) -> Bracket:
    upper, witness, vectors = best
    lower = min(max(found.proved, 0.0), upper)
    return Bracket(
        lower=lower,
        upper=upper,
        closed=closed,
        nodes=nodes,
        unresolved=found.unresolved,
        claim=lower,
        trees=found.trees,
        conflicts=found.conflicts,
        witness=witness,
        vectors=vectors,
    )


def _flat(conflicts: list[Array]) -> Array:
    parts = [np.append(sides.size, sides) for sides in conflicts]
    return np.concatenate(parts).astype(np.int32) if parts else np.empty(0, dtype=np.int32)
