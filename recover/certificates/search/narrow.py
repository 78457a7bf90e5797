"""Narrowing the enclosure of kappa of clipped rows from below, where A is known already."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from recover.certificates.lipschitz import clip_ratio_upper, root_lower, segment_share
from recover.certificates.replay.chord_model import Target
from recover.certificates.replay.chords import Chords, replay_chords
from recover.certificates.replay.walls import Walls, walls_of
from recover.certificates.search.chords import MARGIN, ChordSearch
from recover.certificates.search.clock import Clock
from recover.certificates.search.measure import Bands
from recover.core.arrays import Array

__all__ = ["CLOSED", "Ends", "Narrowed", "expected_nodes", "narrow"]

CLOSED = 1e-6  # relative width of an enclosure of kappa that counts as closed
LARGEST_DIMENSION, MOST_WALLS = 12, 400  # beyond them the search is not tried
SMALLEST = 1e-9  # ratio (of rows of order one) that can be told from 0
ENDLESS = 1e6  # seconds; more are not told from an unlimited budget
NODES_PER_SECOND = 40  # of what is left of the budget, in the attempt to close at once
STEPS = 2  # smaller values that are tried then
HOPE = 3.0  # with fewer than this part of the nodes that closing takes, nothing is tried


@dataclass(frozen=True, eq=False)
class Ends:
    """What is known of kappa before: a proved lower bound, and a pair with its ratio."""

    lower: float
    pair: tuple[Array, Array]
    ratio: float

    @property
    def closed(self) -> bool:
        """Whether the ends agree."""
        return self.lower >= self.ratio * (1.0 - CLOSED)


@dataclass(frozen=True, eq=False)
class Narrowed:
    """What is known after.

    Parameters
    ----------
    ends : Ends
    value : float
        Of ``kappa^2``, what `record` proves; 0 without one.
    record : Chords or None
    nodes : int
        Visited.
    """

    ends: Ends
    value: float = 0.0
    record: Chords | None = None
    nodes: int = 0


def narrow(bands: Bands, ends: Ends, clock: Clock) -> Narrowed:
    """Prove a larger lower end of kappa, and improve the upper one on the way.

    Parameters
    ----------
    bands : Bands
        On a ball; or everywhere, if all thresholds are 0.
    ends : Ends
        From A and the search for pairs.
    clock : Clock
        What may be spent.
    """
    found = Narrowed(ends)
    if ends.closed or ends.ratio <= SMALLEST or clock.left <= 0.0:
        return found
    if bands.dimension > LARGEST_DIMENSION:
        return found
    zero = not bands.low[np.isfinite(bands.low)].any() and not np.isfinite(bands.high).any()
    if not math.isfinite(bands.radius) and not zero:
        return found
    walls = walls_of(bands.rows, bands.low, bands.high, bands.radius, bands.nonnegative)
    if walls.count > MOST_WALLS:
        return found
    share = segment_share(bands.rows, bands.low, bands.high, bands.radius)
    if share <= 0.0:
        return found
    # counted in nodes, so that the result does not depend on how busy the machine is
    most = NODES_PER_SECOND * 2 ** math.ceil(math.log2(min(max(clock.left, 1e-2), ENDLESS)))
    if most < expected_nodes(bands.dimension, walls.count) / HOPE:
        return found
    goal = ends.ratio**2 * (1.0 - MARGIN)
    for step in range(1 + STEPS):
        nodes = int(most / 2**step) + 1
        found = _attempt(walls, bands, found, Target(goal, share), (clock, nodes))
        best = found.ends
        if best.closed or clock.left <= 0.0:
            break
        # halfway: the smaller value needs fewer cells
        low, high = best.lower**2, min(goal, best.ratio**2)
        goal = (low + high) / 2.0
        if not goal > best.lower**2 * (1.0 + 1e-3):
            break
    return found


def expected_nodes(dimension: int, walls: int) -> float:
    """Return about how many nodes it takes to close kappa.

    Like the cells of an arrangement it grows with the power n - 1 of the walls; the constants
    fit random frames of 3 and 4 dimensions with 10 to 32 walls.
    """
    return float(24.0 * walls ** (dimension - 1) / 6.0 ** (dimension - 2))


def _attempt(
    walls: Walls, bands: Bands, found: Narrowed, target: Target, limit: tuple[Clock, int]
) -> Narrowed:
    search = ChordSearch(walls, target, *limit)
    done = search.run()
    ends, nodes = found.ends, found.nodes + search.visited
    if search.pair is not None:
        x, y = bands.inside(np.stack(search.pair))
        ratio = clip_ratio_upper(bands.rows, bands.low, bands.high, x, y)
        if ratio < ends.ratio:
            ends = Ends(ends.lower, (x, y), ratio)
    value = search.target.value
    lower = min(root_lower(value), ends.ratio)
    # a record that its own verification would refuse is worth nothing
    if (
        not done
        or lower <= ends.lower
        or any(replay_chords(walls, search.record, search.target))
    ):
        return Narrowed(ends, found.value, found.record, nodes)
    return Narrowed(Ends(lower, ends.pair, ends.ratio), value, search.record, nodes)
