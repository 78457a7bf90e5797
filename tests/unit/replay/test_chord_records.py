"""Records of searches over segments: the smallest ones by hand, then changed in one place."""

import itertools
import math

import numpy as np
import pytest

from recover.certificates.evidence import Evidence
from recover.certificates.replay.chord_model import Target
from recover.certificates.replay.chords import (
    CONFLICT,
    EMPTY,
    FORM,
    MOST_PARTS,
    MOST_TURNS,
    Chords,
    chords_of,
    directed,
    record_arrays,
    replay_chords,
)
from recover.certificates.replay.walls import walls_of

INF = math.inf
BOTH, CELL = [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]  # leaves without multipliers: sigma, tau, cone
EARLY = "ends too early"
REASONS = [
    "a node whose sides conflict is not closed for that reason",
    "a leaf of the search over segments is not proved",
    "x and y are named after they were told apart, or by nothing",
    "a node decides a side that does not exist or is decided already",
    "the record of the search over segments has more than its tree needs",
]


def record(steps, integers, numbers):
    return Chords(
        np.array(steps, dtype=np.int32),
        np.array(integers, dtype=np.int32),
        np.array(numbers, dtype=np.float64),
    )


def relu(rows, bias=0.0, radius=1.0, nonnegative=False):
    rows = np.array(rows, dtype=np.float64)
    low = np.full(len(rows), bias)
    return walls_of(rows, low, np.full(len(rows), INF), radius, nonnegative)


def faults(walls, chords, value, share=0.5):
    with np.errstate(all="ignore"):  # as the verifier does
        return list(replay_chords(walls, chords, Target(value, share)))


def refused(walls, chords, value=0.4):
    """Return why; the record ends too early where it does."""
    try:
        found = faults(walls, chords, value)
    except ValueError as error:
        return str(error)
    assert len(found) == 1
    assert found[0] in REASONS
    return found[0]


# In R^1 |F(x) - F(y)|^2 = x^2 + y^2 where the signs differ: kappa^2 = 1/2, attained by (x, -x).
# The leaves, in order: both positive, x alone (one wall is crossed), y alone, both negative.
LINE = relu([[1.0], [-1.0]])
LINE_RECORD = record(
    [0, 1, FORM, FORM, 1, FORM, FORM],
    [1, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0],
    [*BOTH, *BOTH, 0.0, *BOTH, 0.0, *BOTH],
)
# In R^2 the same twice; at each z a basis is active, and the segment's share is 1/2.
PLANE = relu([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
PLANE_RECORD = record([4, 5, FORM, FORM, 5, FORM, FORM], [0, 0, 0, 0] * 4, CELL * 4)
SMALLEST = pytest.mark.parametrize(
    ("walls", "chords"), [(LINE, LINE_RECORD), (PLANE, PLANE_RECORD)], ids=["line", "plane"]
)


@SMALLEST
def test_the_smallest_records_prove_the_constant_and_no_more(walls, chords):
    assert faults(walls, chords, 0.5 * (1.0 - 1e-12)) == []
    for value in (0.5, 0.5 * (1.0 + 1e-12), 0.6, INF):
        assert "is not proved" in refused(walls, chords, value)


@SMALLEST
def test_a_record_is_exactly_as_long_as_its_tree(walls, chords):
    for name, array in chords._asdict().items():
        for length in range(len(array)):
            assert EARLY in refused(walls, chords._replace(**{name: array[:length]}))
        longer = np.append(array, array[-1])
        assert "more than its tree" in refused(walls, chords._replace(**{name: longer}))


@SMALLEST
def test_a_missing_leaf_and_a_leaf_counted_twice_are_refused(walls, chords):
    steps = chords.steps
    for at in np.flatnonzero(steps == FORM):
        assert refused(walls, chords._replace(steps=np.delete(steps, at))) != ""
    one_more = chords._replace(steps=np.append(steps, FORM))
    assert "more than its tree" in refused(walls, one_more)
    # the root closed as one of its leaves is
    assert refused(walls, record([FORM], [0, 0, 0, 0], CELL)) != ""


@SMALLEST
def test_every_other_step_is_refused_at_every_place(walls, chords):
    for at, step in itertools.product(range(len(chords.steps)), range(-5, 9)):
        steps = chords.steps.copy()
        if steps[at] != step:
            steps[at] = step
            assert refused(walls, chords._replace(steps=steps)) != ""


@SMALLEST
@pytest.mark.parametrize("wrong", [math.nan, INF, -1.0])
def test_no_multiplier_may_be_wrong(walls, chords, wrong):
    for at in range(len(chords.numbers)):
        numbers = chords.numbers.copy()
        numbers[at] = wrong
        assert "is not proved" in refused(walls, chords._replace(numbers=numbers))


@SMALLEST
def test_no_count_may_be_wrong(walls, chords):
    for at, change in itertools.product(range(len(chords.integers)), (-7, -1, 1, 7)):
        integers = chords.integers.copy()
        integers[at] += change
        assert refused(walls, chords._replace(integers=integers)) != ""


def test_rows_without_walls_need_one_leaf():
    walls = walls_of(np.eye(2), np.full(2, -INF), np.full(2, INF), 1.0, False)
    whole = record([FORM], [1, 0, 0, 0], BOTH)
    assert faults(walls, whole, 1.0 - 1e-12) == []
    assert "is not proved" in refused(walls, whole, 1.0)
    for step in (1, 2, 3):  # with no wall there is nothing to decide; step 0 names x and y
        assert "does not exist" in refused(walls, whole._replace(steps=np.array([step, FORM])))
    named = record([0, FORM], [1, 1, 0, 0, 0], [0.6, 0.8, *BOTH])
    assert faults(walls, named, 1.0 - 1e-12) == []


def test_a_side_is_decided_once_and_only_at_a_wall_of_three_signals():
    for step in (7, 8, 100):
        assert "does not exist" in refused(PLANE, record([step], [], []))
    for step in range(6):
        assert "decided already" in refused(PLANE, record([step, step], [], []))
    for order in itertools.permutations(range(6), 2):
        assert EARLY in refused(PLANE, record(order, [], []))


def test_side_one_comes_first():
    # at z >= 0 the row 2 is in its band, at z <= 0 the row -1: the shares are 2 and 1/2
    walls = relu([[2.0], [-1.0]])  # two walls: the rows have different lengths
    up, down = [0, 0, 0, 0], [0, 0, 0, 0]
    both = record([4, 5, EMPTY, FORM, 5, FORM, EMPTY],
                  [2, 2, 0, 1, *up, *down, 2, 2, 0, 1],
                  [1.0, 2.0, *CELL, *CELL, 1.0, 2.0])  # fmt: skip
    assert faults(walls, both, 0.5 * (1.0 - 1e-12)) == []
    turned = both._replace(steps=np.array([4, 5, FORM, EMPTY, 5, EMPTY, FORM]))
    assert refused(walls, turned, 0.4) != ""


# rows without walls prove 1 everywhere; three others have no common side: 1 + 1 - 2 = 0
FAN = walls_of(
    np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0], [1.0, 0.0], [0.0, 1.0]]),
    np.array([0.0, 0.0, 0.0, -INF, -INF]),
    np.full(5, INF),
    1.0,
    False,
)


def fan(signal, index, weights):
    first = 3 * signal
    integers = [signal, len(index), *index, *[0, 0, 0, 0] * 3]
    steps = [first, first + 1, first + 2, EMPTY, FORM, FORM, FORM]
    return record(steps, integers, [*weights, *CELL * 3])


@pytest.mark.parametrize("signal", [0, 1, 2])
def test_a_region_without_an_open_set_is_one_of_the_node(signal):
    right = fan(signal, [0, 1, 2], [1.0, 1.0, 1.0])
    nearly = fan(signal, [0, 1, 2], [1.0, 1.0, 1.01])  # a small change makes the sum 0
    for chords in (right, nearly):
        assert faults(FAN, chords, 1.0 - 1e-12) == []
    for other in {-1, 0, 1, 2, 3} - {signal}:
        integers = np.append([other], right.integers[1:])
        assert "is not proved" in refused(FAN, right._replace(integers=integers))
    for index, weights in [
        ([0, 1], [1.0, 1.0]),
        ([0, 1, 1], [1.0, 1.0, 1.0]),
        ([0, 1, 3], [1.0, 1.0, 1.0]),
        ([0, 1, 2], [1.0, 1.0, 3.0]),
        ([0, 1, 2], [0.0, 0.0, 0.0]),
        ([0, 1, 2], [-1.0, -1.0, -1.0]),
        ([0, 1, 2], [math.nan, 1.0, 1.0]),
        ([], []),
    ]:
        assert "is not proved" in refused(FAN, fan(signal, index, weights))


def test_sides_that_conflict_are_closed_as_such():
    # a band upside down on a small ball: all of it lies below the lower, above the upper level
    walls = walls_of(np.eye(1), np.ones(1), -np.ones(1), 0.5, False)
    assert faults(walls, record([CONFLICT], [], []), 1.0) == []
    for step in (EMPTY, FORM, 0, 6):
        assert "not closed for that reason" in refused(walls, record([step], [], []))
    assert "is not proved" in refused(LINE, record([CONFLICT], [], []))
    # the rest of the tree goes on
    assert "more than its tree" in refused(walls, record([CONFLICT, CONFLICT], [], []))


# With <g, d> >= 0 and x >= 0 >= y: tau <g, d> and the order's <-1, d> >= 0 add up to 0
ORDER = [1, 1, 0, 1, 2], [0.0, 1.0, 0.0, 1.0, 0.0]


def test_x_and_y_are_named_before_they_are_told_apart():
    same, other = [1, 0, 0, 0], [1, 0, 0, 1]
    named = record(
        [3, 0, 1, FORM, FORM, 1, FORM, FORM],
        [1, *same, *ORDER[0], *other, *same],
        [1.0, *BOTH, *ORDER[1], *BOTH, 0.0, *BOTH],
    )
    assert faults(LINE, named, 0.5 * (1.0 - 1e-12)) == []
    assert "is not proved" in refused(LINE, named, 0.6)
    # both leaves of different signs closed by a name of their own: that would prove any value
    apart = record(
        [0, 1, FORM, 3, FORM, 1, 3, FORM, FORM],
        [*same, 1, *ORDER[0], 1, *ORDER[0], *same],
        [*BOTH, 1.0, *ORDER[1], -1.0, *ORDER[1], *BOTH],
    )
    assert "told apart" in refused(LINE, apart, 0.4)
    for parts, g in [(0, 1.0), (-1, 1.0), (2, 1.0), (1, math.nan), (1, INF)]:
        integers, numbers = named.integers.copy(), named.numbers.copy()
        integers[0], numbers[0] = parts, g
        assert refused(LINE, record(named.steps, integers, numbers)) != ""
    again = record([3, 3], [1, 1], [1.0])
    assert "told apart" in refused(LINE, again)


def sectors(parts, g, h):
    """Return the record of the plane whose first cell is cut into sectors."""
    steps = [4, 5, 6, *[FORM] * parts, FORM, 5, FORM, FORM]
    return record(steps, [parts, *[0, 0, 0, 0] * (parts + 3)], [*g, *h, *CELL * (parts + 3)])


@pytest.mark.parametrize("parts", [2, 3, MOST_PARTS])
def test_directions_are_cut_into_sectors(parts):
    right = sectors(parts, [0.6, 0.8], [0.8, -0.6])
    assert faults(PLANE, right, 0.5 * (1.0 - 1e-12)) == []
    assert refused(
        PLANE, sectors(parts - 1, [0.6, 0.8], [0.8, -0.6])._replace(steps=right.steps)
    )
    for g, h in [
        ([1.1, 0.0], [0.0, 1.0]),
        ([1.0, 0.0], [0.0, 1.1]),
        ([1.0, 0.0], [0.2, 1.0]),
        ([1.0, 0.0], [1.0, 0.0]),
        ([0.0, 0.0], [0.0, 0.0]),
        ([math.nan, 0.0], [0.0, 1.0]),
        ([1.0, 0.0], [math.nan, 1.0]),
        ([1.0, 0.0], [0.0, INF]),
    ]:
        assert "by nothing" in refused(PLANE, sectors(parts, g, h))


def test_the_number_of_sectors_and_of_turns_is_limited():
    g, h = [1.0, 0.0], [0.0, 1.0]
    for parts in (0, -3, MOST_PARTS + 1):
        assert "by nothing" in refused(PLANE, sectors(parts, g, h))
    for turns in (2, MOST_TURNS, MOST_TURNS + 1):
        numbers, node = [*g, *h], directed(np.zeros((3, 2)), np.array(g), np.array(h), 2)[-1]
        for _ in range(turns - 1):
            numbers += node.aside.tolist()
            node = directed(node.sides, node.direction, node.aside, 2, named=True)[-1]
        chords = record(
            [4, 5, *[6] * turns, *[FORM] * (turns + 1), FORM, 5, FORM, FORM],
            [2] * turns + [0, 0, 0, 0] * (turns + 4),
            numbers + CELL * (turns + 4),
        )
        if turns <= MOST_TURNS:
            assert faults(PLANE, chords, 0.5 * (1.0 - 1e-12)) == []
        else:
            assert "by nothing" in refused(PLANE, chords)
    # a direction that is known is not read again, and is cut, not named
    assert "by nothing" in refused(PLANE, record([6, 6], [1, 1], g))


def inside(node, d):
    along, aside = node.direction @ d, node.aside @ d
    return (along >= 0.0) & (np.abs(aside) <= node.slope * along)


@pytest.mark.parametrize("parts", [2, 3, 5, 64])
def test_the_sectors_cover_all_directions_once(parts):
    rng = np.random.default_rng(parts)
    g, h = np.linalg.qr(rng.standard_normal((4, 2)))[0].T
    sides, d = np.ones((3, 2)), rng.standard_normal((4, 4000))
    free = directed(sides, g, h, parts)
    assert len(free) == parts
    assert all(node.sides is sides for node in free)
    # either d or -d lies in one of them
    count = sum((inside(node, d).astype(int) + inside(node, -d)) for node in free)
    assert (count == 1).all()
    assert np.allclose(free[-1].direction, g)  # the last one first
    # where <g, d> >= 0 is known, d itself does; and -d does not
    cut = directed(sides, g, h, parts, named=True)
    count = sum(inside(node, d).astype(int) for node in cut)
    assert np.array_equal(count, (g @ d > 0.0).astype(int))
    assert np.allclose(cut[-1].direction, math.sin(math.pi / (2 * parts)) * g
                       - math.cos(math.pi / (2 * parts)) * h)  # fmt: skip
    for node in free + cut:
        assert node.direction @ node.aside == pytest.approx(0.0, abs=1e-15)
        # the slope leaves room for the rounding of the angles, and for little else
        assert 1e-10 < node.slope / math.tan(math.pi / (2 * parts)) - 1.0 < 1e-8


def test_without_a_second_direction_there_is_one_branch():
    (node,) = directed(np.zeros((3, 2)), np.array([0.6, 0.8]), None, 1)
    assert node.direction.tolist() == [0.6, 0.8]
    assert node.aside is None


def test_records_pass_through_evidence():
    arrays = record_arrays(LINE_RECORD)
    assert sorted(arrays) == ["pair_integers", "pair_numbers", "pair_steps"]
    again = chords_of(Evidence("apriori", {}, arrays))
    for name, array in LINE_RECORD._asdict().items():
        assert arrays[f"pair_{name}"] is array
        assert getattr(again, name) is array
    for name in arrays:
        rest = {k: v for k, v in arrays.items() if k != name}
        with pytest.raises(KeyError):
            chords_of(Evidence("apriori", {}, rest))
