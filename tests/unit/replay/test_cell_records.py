"""Records of cells: the smallest trees, whose values are known, and what is wrong with others.

Two rows of the line, 1 and -1, active above -1/2, on [-1, 1]: the first is inactive on
[-1, -1/2], the second on [1/2, 1], so one is active always, and both in between.
"""

import numpy as np
import pytest

from recover.certificates.replay import cells
from recover.certificates.replay.cells import Sides, replay_cells
from recover.certificates.replay.record import Pieces

NEAR = 1e-9
COVER, SHORT = "do not cover", "does not reach"
ROWS = np.array([[1.0], [-1.0]])


def relu(level=0.5, radius=1.0):
    return Sides(-ROWS, np.full(2, level), np.arange(2), radius, False)


def saturation(rows, highs, symmetric=True, radius=1.0):
    """Rows clipped at plus and minus `highs`."""
    m = len(rows)
    return Sides(
        np.vstack([rows, -rows]), np.tile(highs, 2), np.tile(np.arange(m), 2), radius, symmetric
    )


def pieces(decisions, children, supports=(), conflicts=()):
    """Take the supports as a mapping from nodes to sides."""
    supports = dict(supports)
    sizes = [len(supports.get(k, ())) for k in range(len(decisions))]
    flat = [side for k in sorted(supports) for side in supports[k]]
    return Pieces(
        *(np.array(part, dtype=int) for part in (decisions, children, sizes, flat, conflicts))
    )


def faults(rows, sides, record, value):
    found = list(replay_cells(rows, sides, pieces(*record), value))
    assert all(why[0].islower() for why in found)
    return found


# where the first is inactive the second cannot be; where it is active it is enough
SHORTEST = ([0, -1, -1], [3, 0, 0], {2: [0]})
# the same, and the second is decided too
SHORTER = ([0, 1, -1, -1, -1], [3, 3, 0, 0, 0], {2: [0]})
# both are decided: the two sides exclude one another, or their region is empty
LONGER = ([0, 1, 1, -1, -1, -1, -1], [3, 3, 3, 0, 0, 0, 0])
CONFLICT = (*LONGER, {}, [2, 0, 1])
VOID = (*LONGER, {6: [0, 1]})
# the same, after the support of another node
LATER = (*LONGER, {2: [0], 6: [0, 1]})
# what lies in an empty region is empty
DEEPER = ([0, 1, 1, -1, -1, -1, 0, -1, -1], [3, 3, 3, 0, 0, 0, 3, 0, 0], {6: [0, 1]})


@pytest.mark.parametrize("record", [SHORTEST, SHORTER, CONFLICT, VOID, LATER, DEEPER])
@pytest.mark.parametrize("together", [1, 2, 3, 2000])
def test_two_rows_of_the_line(record, together, monkeypatch):
    monkeypatch.setattr(cells, "TOGETHER", together)
    assert faults(ROWS, relu(), record, 1.0 - NEAR) == []
    found = faults(ROWS, relu(), record, 1.0 + NEAR)
    assert len(found) == 1
    assert SHORT in found[0]


def test_levels_out_of_reach_need_no_decision():
    assert faults(ROWS, relu(1.0 + NEAR), ([-1], [0]), 2.0 - NEAR) == []
    assert SHORT in faults(ROWS, relu(1.0 + NEAR), ([-1], [0]), 2.0 + NEAR)[0]
    # a level that is just reached is not out of reach; nor is one of a larger ball
    for sides in (relu(1.0), relu(1.0 - NEAR), relu(1.5, radius=1.6)):
        assert SHORT in faults(ROWS, sides, ([-1], [0]), 0.5)[0]
    assert faults(ROWS, relu(1.5, radius=1.4), ([-1], [0]), 2.0 - NEAR) == []


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (([0, 1, -1, -1], [3, 3, 0, 0], {2: [0]}), "ends before"),
        (([0], [3]), "ends before"),
        (([0, 1, -1, -1, -1, -1], [3, 3, 0, 0, 0, 0], {2: [0]}), "no branch"),
        # a side left out
        (([0, 1, -1], [1, 3, 0]), COVER),
        (([0, 1, -1, -1], [3, 1, 0, 0], {2: [0]}), COVER),
        (([0, -1], [1, 0]), COVER),
        # a side that the row does not have
        (([0, 1, -1, -1, -1, -1], [7, 3, 0, 0, 0, 0], {2: [0]}), COVER),
        (([0, 1, -1, -1, -1], [5, 3, 0, 0, 0], {2: [0]}), COVER),
        # staying in its band left out
        (([0, 1, -1], [2, 3, 0], {1: [0]}), COVER),
        (([0, 1, -1, -1], [3, 2, 0, 0], {2: [0]}), COVER),
        # a multiplier on no side, on one that is not imposed, at another node, or left out
        ((*SHORTER[:2], {}), SHORT),
        ((*SHORTER[:2], {2: [1]}), SHORT),
        ((*SHORTER[:2], {1: [0]}), SHORT),
        ((*SHORTER[:2], {3: [0]}), SHORT),
        ((*SHORTER[:2], {0: [0], 2: [1]}), SHORT),
        ((*LONGER, {6: [0]}), SHORT),
        ((*LONGER, {5: [0, 1]}), SHORT),
        ((*LONGER, {0: [0, 1]}), SHORT),
        (LONGER, SHORT),
        # a leaf too early, or another row
        (([-1], [0]), SHORT),
        (([0, -1, -1], [3, 0, 0]), SHORT),
        (([1, -1, -1], [3, 0, 0], {2: [0]}), SHORT),
        (([1, 1, -1, -1, -1], [3, 3, 0, 0, 0], {2: [0]}), SHORT),
        (([0, 0, -1, -1, -1], [3, 3, 0, 0, 0], {2: [0]}), SHORT),
        # sets that do not exclude one another
        ((*LONGER, {}, [1, 0]), SHORT),
        ((*LONGER, {}, [1, 1]), SHORT),
        ((*LONGER, {}, [2, 0, 0]), SHORT),
    ],
)
def test_altered_trees_are_refused(record, words):
    found = faults(ROWS, relu(), record, 1.0 - NEAR)
    assert found
    assert words in " | ".join(found)


def test_sides_that_leave_room_are_no_conflict():
    # active above 1/2: both are inactive in between, and nothing is proved there
    for record in (CONFLICT, VOID):
        found = faults(ROWS, relu(-0.5), record, 1.0 - NEAR)
        assert SHORT in found[0]
    # both inactive at 0 alone: no open set, but not an empty region
    assert faults(ROWS, relu(0.0), CONFLICT, 1.0 - NEAR) == []
    assert SHORT in faults(ROWS, relu(0.0), VOID, 1.0 - NEAR)[0]


def test_supports_must_fit_the_tree():
    good = pieces(*SHORTER)
    for change in (
        {"support_sizes": good.support_sizes * 0},
        {"support_sizes": good.support_sizes * 2},
        {"support_sizes": good.support_sizes[:2]},
        {"supports": good.supports[:0]},
        {"supports": np.array([0, 0])},
        {"supports": np.array([2])},
    ):
        record = good._replace(**change)
        found = next(replay_cells(ROWS, relu(), record, 0.5))
        assert found == "the supports do not fit the tree"


def test_faults_of_form_are_told():
    record = pieces([2, -1], [1, 0])
    assert "rows that do not exist" in next(replay_cells(ROWS, relu(), record, 0.5))
    with pytest.raises(ValueError, match="size 0"):
        faults(ROWS, relu(), (*LONGER, {}, [0, 0, 1]), 0.5)


def test_symmetric_arrangements_may_leave_out_the_second_side_of_the_first_row():
    # the first row is clipped beyond 1/2, the second never
    rows, highs = np.array([[1.0], [2.0]]), np.array([0.5, 3.0])
    both, one = ([0, -1, -1, -1], [7, 0, 0, 0]), ([0, -1, -1], [3, 0, 0])
    for symmetric in (False, True):
        sides = saturation(rows, highs, symmetric)
        assert faults(rows, sides, both, 4.0 - NEAR) == []
        assert SHORT in faults(rows, sides, both, 4.0 + NEAR)[0]
        assert (faults(rows, sides, one, 4.0 - NEAR) == []) == symmetric
        assert COVER in faults(rows, sides, ([0, -1, -1], [5, 0, 0]), 4.0 - NEAR)[0]


def test_only_the_first_side_that_is_imposed_is_free():
    # clipped beyond 1/2, beyond 0.6, never: with the first above, the second may only be above
    rows = np.array([[1.0], [1.0], [2.0]])
    sides = saturation(rows, np.array([0.5, 0.6, 3.0]))
    # nodes: first in band | first above -> second | second above
    lacking = ([0, -1, 1, -1, -1], [3, 0, 3, 0, 0])
    assert COVER in faults(rows, sides, lacking, 4.0 - NEAR)[0]
    assert faults(rows, sides, (*lacking, {2: [0]}), 4.0 - NEAR) == []
    assert SHORT in faults(rows, sides, (*lacking, {2: [0]}), 4.0 + NEAR)[0]
    whole = ([0, -1, 1, -1, -1, -1], [3, 0, 7, 0, 0, 0])
    assert faults(rows, sides, whole, 4.0 - NEAR) == []
    # where the first stays in its band nothing is imposed yet, so one side of 2 is enough
    later = ([0, 1, 1, -1, -1, -1, -1], [3, 3, 3, 0, 0, 0, 0], {2: [0]})
    assert faults(rows, sides, later, 4.0 - NEAR) == []


def test_rows_in_the_plane():
    # e1, e2 and their negatives, active above -0.8, on the unit disc: two that are inactive
    # need |y| >= 0.8 sqrt(2) > 1, so at most one is, and the eigenvalue is at least 1
    rows = np.vstack([np.eye(2), -np.eye(2)])
    sides = Sides(-rows, np.full(4, 0.8), np.arange(4), 1.0, False)
    decisions, children, supports = [0], [3], {}
    # breadth first; where a row is inactive no other side can be reached
    decisions += [1, -1]
    children += [3, 0]
    supports[2] = [0]
    decisions += [2, -1]
    children += [3, 0]
    supports[4] = [1]
    decisions += [3, -1]
    children += [3, 0]
    supports[6] = [2]
    decisions += [-1, -1]
    children += [0, 0]
    supports[8] = [3]
    tree = (decisions, children, supports)
    assert faults(rows, sides, tree, 1.0 - NEAR) == []
    assert SHORT in faults(rows, sides, tree, 1.0 + NEAR)[0]
    for left_out in (2, 4):
        fewer = {k: v for k, v in supports.items() if k != left_out}
        assert SHORT in faults(rows, sides, (decisions, children, fewer), 1.0 - NEAR)[0]
    # where two sides can meet the sides are in reach
    wide = Sides(-rows, np.full(4, 0.7), np.arange(4), 1.0, False)
    assert SHORT in faults(rows, wide, tree, 1.0 - NEAR)[0]


def test_faces_of_the_domain_hold_from_the_start():
    # signals >= 0: the negative row is never above 0.1, so only the positive one can be clipped
    rows = np.array([[1.0], [-1.0]])
    normals = np.array([[1.0], [-1.0], [1.0]])
    sides = Sides(normals, np.array([0.1, 0.1, 0.0]), np.array([0, 1, -1]), 1.0, False)
    tree = ([0, -1, -1], [3, 0, 0])
    assert faults(rows, sides, (*tree, {0: [2]}), 1.0 - NEAR) == []
    assert SHORT in faults(rows, sides, (*tree, {0: [2]}), 1.0 + NEAR)[0]
    assert SHORT in faults(rows, sides, tree, 1.0 - NEAR)[0]
    # a face is no side that a branch imposes: the second side of the first row stays free
    faced = Sides(normals, np.array([0.1, 0.1, -2.0]), np.array([0, 0, -1]), 1.0, True)
    assert faults(np.array([[1.0], [2.0]]), faced, tree, 4.0 - NEAR) == []


def test_zero_rows_change_nothing():
    rows = np.vstack([ROWS, np.zeros((1, 1))])
    for level in (-0.5, 0.0, 0.5):
        sides = Sides(-rows, np.array([0.5, 0.5, level]), np.arange(3), 1.0, False)
        assert faults(rows, sides, SHORTER, 1.0 - NEAR) == []
        assert SHORT in faults(rows, sides, SHORTER, 1.0 + NEAR)[0]


def test_regions_are_bounded_in_several_pieces(monkeypatch):
    monkeypatch.setattr(cells, "CHUNK", 1)
    for record in (SHORTER, CONFLICT, VOID):
        assert faults(ROWS, relu(), record, 1.0 - NEAR) == []
        assert SHORT in faults(ROWS, relu(), record, 1.0 + NEAR)[0]


def test_sides_by_row():
    sides = Sides(np.zeros((5, 2)), np.zeros(5), np.array([2, 0, -1, 2, 1]), 1.0, False)
    assert sides.of_rows(4).tolist() == [[1, -1], [4, -1], [0, 3], [-1, -1]]
    assert sides.membership(4).tolist() == [
        [0, 0, 1, 0],
        [1, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 1, 0],
        [0, 1, 0, 0],
    ]


@pytest.mark.parametrize("record", [SHORTEST, SHORTER, CONFLICT, VOID])
def test_no_entry_of_a_record_can_be_changed_to_prove_what_is_false(record):
    kept = tried = 0
    ranges = {"decisions": range(-1, 3), "children": range(8)}
    ranges |= dict.fromkeys(("support_sizes", "supports", "conflicts"), range(3))
    for name, choices in ranges.items():
        for place in range(len(getattr(pieces(*record), name))):
            for new in choices:
                changed = pieces(*record)
                getattr(changed, name)[place] = new
                for value in (1.0 - NEAR, 1.0 + NEAR):
                    try:
                        found = list(replay_cells(ROWS, relu(), changed, value))
                    except (IndexError, ValueError):
                        found = ["damaged"]
                    assert found or value < 1.0, (name, place, new)
                    kept, tried = kept + (not found), tried + 1
    assert 8 <= kept < tried / 4
