"""Covers made again without a record: exact small cases, brute force, and how many nodes."""

import itertools
import math

import numpy as np
import pytest

from recover.certificates.claim import claim_of, sides_of, useful_part
from recover.certificates.replay import cover
from recover.certificates.replay.cells import Sides
from recover.certificates.replay.cover import cover_cells, cover_splits
from recover.certificates.search.bracket import bracket_cells
from recover.certificates.search.clock import Clock
from recover.certificates.search.measure import Bands
from recover.frames.dense import Dense
from recover.models.relu import ReLU
from recover.models.saturation import Saturation

NONE = np.empty(0, dtype=np.int64)
MANY = 20_000
SHORT = "does not reach the claimed value"


def least(rows) -> float:
    """Return the smallest eigenvalue of the rows' operator."""
    n = rows.shape[1]
    return max(float(np.linalg.eigvalsh(rows.T @ rows)[0]), 0.0) if len(rows) >= n else 0.0


def reason(found) -> str:
    """Return why a cover was not proved; nothing if it was."""
    with np.errstate(all="ignore"):  # as the verifier does
        found = list(found)
    assert len(found) <= 1
    return found[0] if found else ""


def unit_rows(n, m, seed):
    rows = np.random.default_rng(seed).standard_normal((m, n))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def smallest_split(rows, larger: bool) -> float:
    join = max if larger else sum
    rest = itertools.product([True, False], repeat=len(rows) - 1)
    keeps = [np.array([True, *keep]) for keep in rest]
    return min(join([least(rows[keep]), least(rows[~keep])]) for keep in keeps)


@pytest.mark.parametrize("larger", [False, True])
def test_splits_against_all_splits(larger):
    rng = np.random.default_rng(1)
    tried = 0
    for trial in range(45):
        n = 1 + trial % 3
        rows = rng.uniform(-1.0, 1.0, (int(rng.integers(2 * n, 2 * n + 4)), n))
        rows[rng.random(len(rows)) < 0.1] = 0.0
        if trial % 4 == 0:
            rows[-1] = rows[0]
        truth = smallest_split(rows, larger)
        if truth > 1e-6:
            tried += 1
            assert reason(cover_splits(rows, truth * (1.0 - 1e-8), MANY, larger=larger)) == ""
        above = truth * (1.0 + 1e-8) + 1e-9
        assert SHORT in reason(cover_splits(rows, above, MANY, larger=larger))
    assert tried >= 25


def test_splits_of_a_line():
    # A_S is the sum of the squares 1, 2 and 4: their sum, and the larger of 4 and 1 + 2
    rows = np.sqrt([[1.0], [2.0], [4.0]])
    for larger, truth in ((False, 7.0), (True, 4.0)):
        assert reason(cover_splits(rows, truth - 1e-9, MANY, larger=larger)) == ""
        for value in (truth * (1.0 - 2.0**-52), truth, truth + 1e-9):
            assert SHORT in reason(cover_splits(rows, value, MANY, larger=larger))


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_splits_that_are_taken_later_are_proved_too(batch, monkeypatch):
    monkeypatch.setattr(cover, "BATCH", batch)
    for larger, seed in itertools.product((False, True), range(3)):
        rows = unit_rows(2, 7, seed)
        truth = smallest_split(rows, larger)
        assert reason(cover_splits(rows, truth * (1.0 - 1e-8), MANY, larger=larger)) == ""
        above = truth * (1.0 + 1e-8)
        assert SHORT in reason(cover_splits(rows, above, MANY, larger=larger))


# frames, whether the larger of two sides counts, and nodes that the branching rule has taken
SPLITS = [
    (2, 8, 1, False, 26),
    (2, 8, 1, True, 18),
    (3, 9, 2, True, 60),
    (3, 12, 3, False, 80),
    (3, 12, 3, True, 40),
    (4, 12, 4, False, 118),
    (4, 12, 4, True, 84),
]


@pytest.mark.parametrize(("n", "m", "seed", "larger", "nodes"), SPLITS)
def test_splits_take_no_more_nodes_than_before(n, m, seed, larger, nodes):
    # the verifier gives up after four times the nodes of the search, so a good rule matters
    rows = unit_rows(n, m, seed)
    value = 0.999 * smallest_split(rows, larger)
    assert reason(cover_splits(rows, value, math.floor(1.02 * nodes), larger=larger)) == ""
    assert "within 9 nodes" in reason(cover_splits(rows, value, 9, larger=larger))


def test_nodes_are_counted_up_to_the_one_that_is_too_many():
    # the root, and the one row in S: that it lies outside is the same split
    rows = np.ones((1, 1))
    for most in (2, 3, MANY):
        assert reason(cover_splits(rows, 0.5, most)) == ""
    for most in (0, 1):
        assert f"within {most} nodes" in reason(cover_splits(rows, 0.5, most))
    # two rows: the root, one in S, and the other in and out
    for most, proved in ((4, True), (3, False)):
        assert (reason(cover_splits(np.ones((2, 1)), 1.5, most)) == "") is proved
    # one row never leaves its band; the other does beyond 1/2
    rows = np.ones((2, 1))
    sides = Sides(np.array([[1.0]]), np.array([0.5]), np.array([1]), 1.0, False)
    for value, nodes in ((0.5, 1), (1.0 - 1e-9, 1)):
        assert reason(cover_cells(rows, sides, NONE, value, nodes)) == ""
        assert "within 0 nodes" in reason(cover_cells(rows, sides, NONE, value, 0))
    both = Sides(np.ones((2, 1)), np.array([0.5, 0.6]), np.array([0, 1]), 1.0, False)
    assert SHORT in reason(cover_cells(rows, both, NONE, 0.5, MANY))
    # -x beyond 0.6: the root, one row in its band, the same row out
    apart = Sides(np.array([[1.0], [-1.0]]), np.array([0.5, 0.6]), np.array([0, 1]), 1.0, False)
    assert reason(cover_cells(rows, apart, NONE, 1.0 - 1e-9, 3)) == ""
    assert "within 2 nodes" in reason(cover_cells(rows, apart, NONE, 1.0 - 1e-9, 2))


def line(levels, owners=(0, 1), radius=1.0, symmetric=False, count=2):
    """Return rows 1 in R^1, and sides ``x >= l`` and ``-x >= l`` of the rows named."""
    sides = Sides(
        np.array([[1.0], [-1.0]]), np.array(levels), np.array(owners), radius, symmetric
    )
    return np.ones((count, 1)), sides


def test_cells_of_a_line():
    # both rows leave their bands only if the sides meet
    for levels, both in (((0.1, 0.1), False), ((-0.1, -0.1), True), ((-0.1, 0.2), False)):
        rows, sides = line(levels)
        assert (SHORT in reason(cover_cells(rows, sides, NONE, 0.9, MANY))) is both
        assert SHORT in reason(cover_cells(rows, sides, NONE, 1.1, MANY))
    # the last digit is not proved
    rows, sides = line((0.1, 0.1))
    for value in (1.0 - 2.0**-52, 1.0):
        assert SHORT in reason(cover_cells(rows, sides, NONE, value, MANY))
    # out of reach of the ball
    for radius, reached in ((0.5 - 1e-9, False), (0.5 + 1e-9, True)):
        rows, sides = line((0.5, 0.5), radius=radius)
        found = reason(cover_cells(rows, sides, NONE, 1.5, MANY))
        assert (SHORT in found) is reached
        # one row with two sides, and one with none
        rows, sides = line((0.5, 0.5), (0, 0), radius=radius)
        found = reason(cover_cells(rows, sides, NONE, 1.5, MANY))
        assert (SHORT in found) is reached
        assert reason(cover_cells(rows, sides, NONE, 1.0 - 1e-9, MANY)) == ""


def test_sides_that_exclude_one_another_only_just_need_their_conflict():
    # x >= 0 and -x >= 0 meet in a point, which no rounding can tell from a cell
    rows, sides = line((0.0, 0.0))
    conflict = np.array([2, 0, 1])
    assert SHORT in reason(cover_cells(rows, sides, NONE, 0.9, MANY))
    assert reason(cover_cells(rows, sides, conflict, 0.9, MANY)) == ""
    assert SHORT in reason(cover_cells(rows, sides, conflict, 1.1, MANY))
    for wrong in ([1, 0], [1, 1], [2, 0, 0]):
        assert SHORT in reason(cover_cells(rows, sides, np.array(wrong), 0.9, MANY))
    rows, sides = line((-0.1, 0.0))
    assert SHORT in reason(cover_cells(rows, sides, conflict, 0.9, MANY))


def test_the_domain_s_own_sides_hold_at_the_root():
    # x >= 0 is given: the row never leaves its band on the other side
    rows, sides = line((0.0, 0.1), (-1, 0), count=1)
    assert reason(cover_cells(rows, sides, NONE, 0.9, MANY)) == ""
    rows, sides = line((-0.2, 0.1), (-1, 0), count=1)
    assert SHORT in reason(cover_cells(rows, sides, NONE, 0.9, MANY))


def test_a_zero_row_never_leaves_its_band():
    rows = np.array([[0.0], [1.0], [1.0]])
    sides = Sides(
        np.array([[0.0], [1.0], [-1.0]]), np.array([-0.5, 0.5, 0.5]), np.arange(3), 1.0, False
    )
    assert reason(cover_cells(rows, sides, NONE, 0.9, 3)) == ""
    # so there is nothing to decide here
    sides = Sides(np.zeros((1, 1)), np.full(1, -0.5), np.zeros(1, dtype=int), 1.0, False)
    assert SHORT in reason(cover_cells(rows[:2], sides, NONE, 1.1, 1))


@pytest.mark.parametrize("symmetric", [True, False])
def test_where_signs_do_not_matter_the_first_side_stands_for_both(symmetric):
    # at most one of x_1, x_2 leaves its band: the root, x_1 in its band, and out on each side
    rows = np.array([[1.0, 0.0], [0.0, 1.0], np.sqrt([0.5, 0.5])])
    normals = np.vstack([rows[:2], -rows[:2]])
    sides = Sides(normals, np.full(4, 0.8), np.array([0, 1, 0, 1]), 1.0, symmetric)
    needed = 3 if symmetric else 4
    assert reason(cover_cells(rows, sides, NONE, 0.29, needed)) == ""
    assert "within" in reason(cover_cells(rows, sides, NONE, 0.29, needed - 1))


def test_cells_of_planes_against_many_signals():
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (20_000, 2))
    x = x[(x**2).sum(axis=1) < 1.0]
    accepted = 0
    for seed in range(24):
        rng = np.random.default_rng(seed)
        rows = rng.uniform(-1.0, 1.0, (6, 2))
        high = rng.uniform(0.2, 0.9, 6)
        symmetric = seed % 2 == 0
        low = -high if symmetric else -rng.uniform(0.2, 0.9, 6)
        sides = Sides(
            np.vstack([rows, -rows]),
            np.concatenate([high, -low]),
            np.tile(np.arange(6), 2),
            1.0,
            symmetric,
        )
        t = x @ rows.T
        keeps = np.unique((t > low) & (t < high), axis=0)
        value = min(least(rows[keep]) for keep in keeps)
        assert SHORT in reason(cover_cells(rows, sides, NONE, value * 1.0001 + 1e-9, MANY))
        if value > 1e-6:
            accepted += reason(cover_cells(rows, sides, NONE, value * 0.9999, MANY)) == ""
    assert accepted >= 12


# frame, model, and nodes that the branching rule has taken in each arrangement
CELLS = {
    "line": (1, 4, 0, "relu", [3]),
    "plane": (2, 8, 1, "relu", [11]),
    "two levels": (2, 10, 2, "saturation", [16]),
    "space": (3, 12, 3, "relu", [23]),
    "two levels in space": (3, 14, 4, "saturation", [29]),
    "uneven": (3, 10, 5, "uneven", [42]),
    "four": (4, 14, 6, "relu", [25]),
    "quadrant": (3, 12, 7, "nonnegative", [13]),
    "doubled": (3, 6, 8, "doubled", [44, 44, 38, 38, 54, 54]),
}


def model_of(n, m, seed, kind):
    rows = unit_rows(n, m, seed)
    if kind == "relu":
        return ReLU(Dense(rows), -0.4)
    if kind == "nonnegative":
        return ReLU(Dense(np.abs(rows) - 0.2), -0.2)
    if kind == "doubled":
        return ReLU(Dense(np.vstack([rows, -rows])), 0.0)
    return Saturation(Dense(rows), -0.7, 0.8 if kind == "uneven" else 0.7)


def sampled_cells(claim) -> float:
    """Return the least eigenvalue over the cells of many signals: no less than the least."""
    x = np.random.default_rng(0).standard_normal((4000, claim.rows.shape[1]))
    x *= (np.random.default_rng(1).random(4000) ** 0.4 / np.linalg.norm(x, axis=1))[:, None]
    t = claim.radius * (np.abs(x) if claim.nonnegative else x) @ claim.rows.T
    keeps = np.unique((t > claim.low) & (t < claim.high), axis=0)
    return min(least(claim.rows[keep]) for keep in keeps)


@pytest.mark.parametrize("name", CELLS)
def test_cells_reach_what_the_search_found_and_no_more(name):
    n, m, seed, kind, nodes = CELLS[name]
    model, nonnegative = model_of(n, m, seed, kind), kind == "nonnegative"
    claim = useful_part(claim_of(model, 1.0, nonnegative))
    bands = Bands(claim.rows, claim.low, claim.high, claim.radius, nonnegative)
    found = bracket_cells(bands, Clock.starting(300.0), np.random.default_rng(0))
    value, upper = found.claim, found.upper
    assert found.closed
    assert value <= sampled_cells(claim)
    arrangements = list(zip(sides_of(claim), found.conflicts, strict=True))
    assert len(arrangements) == len(nodes)
    for (sides, conflicts), most in zip(arrangements, nodes, strict=True):
        allowed = math.floor(1.02 * most)
        assert reason(cover_cells(claim.rows, sides, conflicts, value, allowed)) == ""
        assert reason(cover_cells(claim.rows, sides, conflicts, value, 2)) != ""
    short = [
        reason(cover_cells(claim.rows, *each, upper * 1.001, MANY)) for each in arrangements
    ]
    assert SHORT in "".join(short)
