"""Records of splits: the smallest trees, whose values are known, and what is wrong with others.

Unit vectors at 120 degrees: two of them have the smallest eigenvalue 1/2, all three 3/2, so a
split reaches 1/2 in sum, and one of its sides 1/2.
"""

import itertools

import numpy as np
import pytest

from recover.certificates.replay.record import Pieces
from recover.certificates.replay.splits import reaching, replay_splits

NEAR = 1e-9
EMPTY = np.empty(0, dtype=int)
STAR = np.stack([np.cos(2 * np.pi * np.arange(3) / 3), np.sin(2 * np.pi * np.arange(3) / 3)], 1)
LINE = np.ones((2, 1))  # A_S + A_(S^c) = 2 for every split; the larger one may be 1
COVER = "do not cover"


def pieces(decisions, children):
    count = len(decisions)
    return Pieces(np.array(decisions), np.array(children), np.zeros(count, int), EMPTY, EMPTY)


def faults(rows, decisions, children, value, **options):
    found = list(replay_splits(rows, pieces(decisions, children), value, **options))
    assert all(why[0].islower() for why in found)
    return found


STAR_TREE = ([0, 1, -1, 2, -1, -1], [1, 3, 0, 3, 0, 0])
LINE_TREE = ([0, 1, -1, -1], [1, 3, 0, 0])


def test_one_row_that_reaches_the_value_by_itself():
    assert faults(LINE, [0, -1], [1, 0], 1.0 - NEAR) == []
    assert faults(LINE, [0, -1], [1, 0], 1.0 - NEAR, larger=True) == []
    assert "does not reach" in faults(LINE, [0, -1], [1, 0], 1.0 + NEAR)[0]
    assert "does not reach" in faults(LINE, [-1], [0], NEAR)[0]


def test_both_sides_of_a_split_share_the_value():
    assert faults(LINE, *LINE_TREE, 2.0 - NEAR) == []
    assert "does not reach" in faults(LINE, *LINE_TREE, 2.0 + NEAR)[0]
    assert "does not reach" in faults(LINE, *LINE_TREE, 2.0 - NEAR, larger=True)[0]
    assert faults(LINE, *LINE_TREE, 1.0 - NEAR, larger=True) == []


@pytest.mark.parametrize("larger", [False, True])
def test_three_unit_vectors(larger):
    assert faults(STAR, *STAR_TREE, 0.5 - NEAR, larger=larger) == []
    assert "does not reach" in faults(STAR, *STAR_TREE, 0.5 + NEAR, larger=larger)[0]


def test_a_tree_whose_root_has_both_branches():
    # allowed, though the first row may be taken to be in S
    decisions = [0, 1, 1, -1, -1, -1, -1]
    assert faults(LINE, decisions, [3, 3, 3, 0, 0, 0, 0], 2.0 - NEAR) == []


@pytest.mark.parametrize(
    ("decisions", "children", "words"),
    [
        (STAR_TREE[0][:-1], STAR_TREE[1][:-1], "ends before"),
        (STAR_TREE[0][:1], STAR_TREE[1][:1], "ends before"),
        ([*STAR_TREE[0], -1], [*STAR_TREE[1], 0], "no branch"),
        ([*STAR_TREE[0], 0], [*STAR_TREE[1], 1], "no branch"),
        (STAR_TREE[0], [1, 3, 0, 7, 0, 0], "two sides only"),
        (STAR_TREE[0], [5, 3, 0, 3, 0, 0], "two sides only"),
        # a split that is left out
        ([0, 1, -1], [1, 1, 0], COVER),
        ([0, 1, -1, 2, -1], [1, 3, 0, 1, 0], COVER),
        ([0, 1, -1, 2, -1], [1, 3, 0, 2, 0], COVER),
        ([0, 1, 2, -1, -1], [1, 2, 3, 0, 0], COVER),
        ([0, 1, 2, -1, -1], [2, 3, 0, 3, 0, 0], COVER),
        ([-1], [1], COVER),
        ([0, 1, -1, 2, -1, -1], [1, 3, 1, 3, 0, 0], COVER),
        # a leaf too early, a row decided twice, another order
        ([0, 1, -1, -1], [1, 3, 0, 0], "does not reach"),
        ([0, 0, -1, 2, -1, -1], STAR_TREE[1], "does not reach"),
        ([0, 1, -1, 1, -1, -1], STAR_TREE[1], "does not reach"),
        ([0, 1, -1, 0, -1, -1], STAR_TREE[1], "does not reach"),
        ([-1], [0], "does not reach"),
    ],
)
def test_altered_trees_are_refused(decisions, children, words):
    found = []
    try:
        found.extend(replay_splits(STAR, pieces(decisions, children), 0.5 - NEAR))
    except IndexError:
        assert found  # what comes after a fault of form may fail
    assert words in " | ".join(found)
    assert all(why[0].islower() for why in found)


def test_rows_that_do_not_exist_are_refused():
    record = pieces([3, -1], [1, 0])
    assert "rows that do not exist" in next(replay_splits(STAR, record, 0.1))
    with pytest.raises(IndexError):
        # NaN is neither a leaf nor an inner node
        list(replay_splits(STAR, pieces([np.nan], [0]), 0.1))


BASES = np.array([[3.0, 0.0], [0.0, 3.0], [1.0, 0.0], [0.0, 1.0]])  # 9 and 1
FIRST = np.array([[1, 1, 0, 0]], dtype=bool)


def test_one_side_reaches_the_value_or_both_have_a_share():
    for rows, scale in ((BASES, 1.0), (0.01 * BASES, 1e-4), (100.0 * BASES, 1e4)):
        for inside in (FIRST, ~FIRST):
            both = {"inside": inside, "outside": ~inside}
            for value, larger, expected in (
                (9.0 - NEAR, True, True),
                (9.0 + NEAR, True, False),
                (9.0 + NEAR, False, True),
                (10.0 - NEAR, False, True),
                (10.0 + NEAR, False, False),
            ):
                found = reaching(rows, **both, value=value * scale, larger=larger)
                assert found.tolist() == [expected], (scale, value, larger)


def test_many_splits_at_once():
    inside = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 1, 0, 0], [1, 0, 0, 1], [1, 0, 1, 0]])
    outside = np.array([[0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 1, 1, 0], [0, 1, 0, 1]])
    inside, outside = inside == 1, outside == 1
    # in sum 9 + 0, 1 + 9, 9 + 1, 1 + 1, 0 + 0
    for value, expected in (
        (9.5, [0, 1, 1, 0, 0]),
        (8.5, [1, 1, 1, 0, 0]),
        (1.5, [1, 1, 1, 1, 0]),
        (0.5, [1, 1, 1, 1, 0]),
    ):
        assert reaching(BASES, inside, outside, value, False).astype(int).tolist() == expected
    expected = [1, 1, 1, 0, 0]
    assert reaching(BASES, inside, outside, 1.5, True).astype(int).tolist() == expected


def test_a_row_on_both_sides_proves_nothing():
    inside = np.array([[1, 1, 0, 0], [1, 1, 0, 0]], dtype=bool)
    outside = np.array([[0, 0, 1, 1], [1, 0, 1, 1]], dtype=bool)
    found = reaching(BASES, inside, outside, 0.5, False)
    assert found.tolist() == [False, False]
    assert found.dtype == bool
    assert reaching(BASES, inside[:1], outside[:1], 0.5, False).all()


@pytest.mark.parametrize("larger", [False, True])
def test_no_entry_of_a_record_can_be_changed_to_prove_what_is_false(larger):
    truth, kept, tried = {False: 2.0, True: 1.0}[larger], 0, 0
    for name, choices in (("decisions", range(-2, 3)), ("children", range(8))):
        for place, new in itertools.product(range(4), choices):
            record = pieces(*LINE_TREE)
            getattr(record, name)[place] = new
            for value in (truth - NEAR, truth + NEAR):
                try:
                    found = list(replay_splits(LINE, record, value, larger=larger))
                except IndexError:
                    found = ["damaged"]
                assert found or value < truth, (name, place, new)
                kept, tried = kept + (not found), tried + 1
    assert 8 <= kept < tried / 4
