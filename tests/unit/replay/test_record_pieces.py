"""The parts of a record: how they are read, and what they prove."""

import math
from fractions import Fraction

import numpy as np
import pytest

from recover.certificates.evidence import Evidence
from recover.certificates.replay import record
from recover.certificates.replay.record import (
    branches,
    conflicts_of,
    form_faults,
    most_nodes,
    number,
    pieces_of,
    rayleigh_upper,
    shifted,
    sub_frames_reach,
)
from recover.core.rounding import gamma, norm_upper

NEAR = 1e-12


def test_sub_frames_reach_their_smallest_eigenvalue_and_no_more():
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 2.0]])
    keep = np.array([[1, 1, 0, 0], [1, 1, 1, 1], [1, 0, 1, 0], [1, 0, 0, 1]], dtype=bool)
    truth = np.array([1.0, 2.0, 0.0, 1.0])
    below = sub_frames_reach(rows, keep, truth - NEAR)
    assert below.dtype == bool
    assert below.tolist() == [True] * 4
    for above in (truth, truth + NEAR, np.full(4, np.nan)):
        assert sub_frames_reach(rows, keep, above).tolist() == [False] * 4
    mixed = sub_frames_reach(rows, keep, np.array([0.5, 2.5, -0.5, 1.5]))
    assert mixed.tolist() == [True, False, True, False]


def test_sub_frames_of_rows_at_angles():
    angles = np.array([0.0, 0.5, 1.3])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for keep in ([0, 1], [0, 2], [1, 2]):
        # two unit vectors at the angle t: 1 - |cos t|
        truth = 1.0 - abs(math.cos(angles[keep[1]] - angles[keep[0]]))
        flags = np.isin(np.arange(3), keep)[None]
        assert sub_frames_reach(rows, flags, np.array([truth - NEAR])).all()
        assert not sub_frames_reach(rows, flags, np.array([truth + NEAR])).any()


@pytest.mark.parametrize(("m", "n"), [(1, 1), (1, 40), (40, 1), (3, 3), (200, 2)])
def test_nothing_within_the_roundings_is_proved(m, n):
    # a matrix of rank 1 or less: what entries and pivots can be off by must not be proved
    rows = np.zeros((m, n))
    rows[0, n - 1] = 2.0
    none = np.zeros((1, m), dtype=bool)
    room = (gamma(m + 1) + gamma(n + 1)) * norm_upper(rows) ** 2
    assert not sub_frames_reach(rows, none, np.array([-room])).any()
    assert sub_frames_reach(rows, none, np.array([-1e3 * room])).all()


def test_many_sets_are_proved_in_several_pieces(monkeypatch):
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((6, 2))
    keep = rng.random((30, 6)) < 0.6
    target = rng.random(30)
    whole = sub_frames_reach(rows, keep, target)
    assert 0 < whole.sum() < 30
    for chunk in (1, 8, 29):
        monkeypatch.setattr(record, "CHUNK", chunk)
        assert sub_frames_reach(rows, keep, target).tolist() == whole.tolist()


def test_singular_and_indefinite_matrices_are_not_definite():
    stack = np.array(
        [
            [[0.5, 0.2], [0.2, 0.5]],
            [[0.0, 0.0], [0.0, 1.0]],
            [[1.0, 0.0], [0.0, 0.0]],
            [[1.0, 2.0], [2.0, 1.0]],
            [[-1.0, 0.0], [0.0, 1.0]],
            [[np.inf, 0.0], [0.0, 1.0]],
            [[1.0, 0.0], [0.0, np.nan]],
        ]
    )
    with np.errstate(all="ignore"):
        fine = record._definite(stack)
    assert fine.tolist() == [True] + 6 * [False]


def test_branches_are_the_three_lowest_bits():
    bits = branches(np.arange(8, dtype=np.uint8))
    expected = [[bool(k & 1), bool(k & 2), bool(k & 4)] for k in range(8)]
    assert bits.dtype == bool
    assert bits.tolist() == expected


@pytest.mark.parametrize(
    ("decisions", "children", "words"),
    [
        ([0, -1], [1, 0], None),
        ([2, -1], [7, 0], None),
        ([-1], [0], None),
        ([3, -1], [1, 0], "rows that do not exist"),
        ([0, -1], [1], "rows that do not exist"),
        ([0], [1, 0], "rows that do not exist"),
        ([0, -1], [0, 0], "lacks a branch"),
        ([0, 1, -1], [1, 6, 0], "lacks a branch"),
        ([0, -1], [1, 1], "lacks a branch"),
        ([0, -1], [1, 2], "lacks a branch"),
        ([0, -1], [1, 4], "lacks a branch"),
    ],
)
def test_the_form_of_a_tree(decisions, children, words):
    found = list(form_faults(np.array(decisions), branches(np.array(children)), 3))
    assert len(found) == (words is not None)
    assert words is None or words in found[0]
    assert all(why[0].islower() for why in found)


def test_numbers_are_scaled_exactly_or_refused():
    evidence = Evidence("apriori", {"a": 0.75, "nan": math.nan, "inf": math.inf})
    assert number(evidence, "a") == 0.75
    assert number(evidence, "a", -3) == 0.09375
    assert number(evidence, "a", 2) == 3.0
    assert number(evidence, "inf", -5) == math.inf
    assert shifted(0.0, -5000) == 0.0
    assert shifted(2.0**-1074, 1074) == 1.0
    with pytest.raises(KeyError):
        number(evidence, "b")
    for value, exponent in ((math.nan, 0), (0.75, -1073), (1e-300, -100), (2.0**-1074, -1)):
        with pytest.raises(ValueError, match="is not a float64"):
            shifted(value, exponent)
    with pytest.raises(ValueError, match="nan"):
        number(evidence, "nan")
    with pytest.raises(OverflowError):
        number(evidence, "a", 2000)


def test_a_cover_may_take_longer_than_the_search_but_not_for_ever():
    def most(nodes):
        return most_nodes(Evidence("apriori", {"nodes": nodes}))

    assert isinstance(most(10), int)
    assert most(0) >= 1000
    for nodes in (1000, 10**6):
        assert 2 * nodes <= most(nodes) <= 10 * nodes
    assert most(10**12) == record.MOST_NODES
    assert most(record.MOST_NODES // 4 - 1) < record.MOST_NODES


def two_trees(prefix=""):
    arrays = {
        "tree_sizes": [3, 1],
        "decisions": [5, -1, -1, 6],
        "children": [3, 0, 0, 7],
        "support_sizes": [1, 0, 2, 1],
        "supports": [10, 11, 12, 13],
        "conflict_sizes": [3, 2],
        "conflicts": [2, 8, 9, 1, 4],
    }
    return {prefix + name: np.array(array) for name, array in arrays.items()}


@pytest.mark.parametrize("prefix", ["", "sigma_"])
def test_pieces_belong_to_one_arrangement_each(prefix):
    evidence = Evidence("apriori", {}, two_trees(prefix))
    first, second = ([a.tolist() for a in pieces] for pieces in pieces_of(evidence, prefix))
    assert first == [[5, -1, -1], [3, 0, 0], [1, 0, 2], [10, 11, 12], [2, 8, 9]]
    assert second == [[6], [7], [1], [13], [1, 4]]
    found = [a.tolist() for a in conflicts_of(evidence, prefix)]
    assert found == [[2, 8, 9], [1, 4]]


def test_conflicts_follow_one_another():
    arrays = {"conflict_sizes": np.array([3, 0, 2, 4]), "conflicts": np.arange(9)}
    found = [a.tolist() for a in conflicts_of(Evidence("apriori", {}, arrays))]
    assert found == [[0, 1, 2], [], [3, 4], [5, 6, 7, 8]]


def test_pieces_without_conflicts():
    arrays = two_trees() | {"conflict_sizes": np.array([3]), "conflicts": np.array([2, 8, 9])}
    first, second = pieces_of(Evidence("apriori", {}, arrays))
    assert first.conflicts.tolist() == [2, 8, 9]
    assert second.conflicts.tolist() == []


def test_many_small_support_sizes_do_not_wrap_around():
    arrays = two_trees() | {
        "support_sizes": np.array([200, 100, 0, 1], dtype=np.uint8),
        "supports": np.arange(301),
    }
    first, second = pieces_of(Evidence("apriori", {}, arrays))
    assert first.supports.tolist() == list(range(300))
    assert second.supports.tolist() == [300]


@pytest.mark.parametrize("name", list(two_trees()))
def test_a_record_holds_flat_arrays_of_integers(name):
    array = two_trees()[name]
    # a decision that is NaN would be neither a leaf nor an inner node
    for wrong in (array.astype(float), array[:, None], array > 0, array * 1j, array * np.nan):
        evidence = Evidence("apriori", {}, two_trees() | {name: wrong})
        with pytest.raises(ValueError, match="flat arrays of integers"):
            list(pieces_of(evidence))
    narrow = array.astype(np.int8)
    assert list(pieces_of(Evidence("apriori", {}, two_trees() | {name: narrow})))


def test_rayleigh_is_above_the_smallest_eigenvalue_but_barely():
    angles = np.array([0.0, 0.5])
    pair = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for rows, truth in (
        (np.eye(1), 1.0),
        (np.eye(3), 1.0),
        (np.array([[3.0], [4.0]]), 25.0),
        (np.array([[1.0, 0.0], [0.0, 0.5], [0.0, 0.0]]), 0.25),
        (pair, 1.0 - math.cos(0.5)),
        # the room is that of each row: a long one makes no room for a short one
        (np.diag([1.0, 2.0**-20]), 2.0**-40),
    ):
        for factor in (1.0, 2.0**-20, 2.0**20):
            upper = rayleigh_upper(factor * rows)
            # the products of n numbers may round by this much
            least = truth * factor**2 * (1.0 + gamma(rows.shape[1]))
            assert least <= upper <= truth * factor**2 * (1.0 + 1e-12)


def test_rayleigh_leaves_room_for_long_sums():
    n = 400
    for factor in (2.0**-20, 1.0, 2.0**20):
        upper = rayleigh_upper(factor * np.eye(n))
        # those of the products, of their norm, and of the norm of the vector
        assert upper >= factor**2 * (1.0 + 5.0 * gamma(n))


def test_rayleigh_of_too_few_rows_is_zero():
    for rows in (np.eye(3)[:2], np.zeros((0, 2)), np.array([[1.0, 1.0], [0.0, 0.0]])):
        assert rayleigh_upper(rows) == 0.0
    # n rows that do not span: not known exactly, but not above rounding
    assert 0.0 <= rayleigh_upper(np.ones((2, 2))) <= 1e-28


def test_rayleigh_against_exact_arithmetic():
    rng = np.random.default_rng(1)
    for _ in range(50):
        rows = rng.integers(-3, 4, (3, 2)).astype(float)
        upper = Fraction(rayleigh_upper(rows))
        (a, b), (_, d) = [[Fraction(v) for v in line] for line in rows.T @ rows]
        # at or above the smaller root of the characteristic polynomial
        assert (upper - a) * (upper - d) - b * b <= 0 or 2 * upper > a + d
