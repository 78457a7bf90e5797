"""The fewest active neurons: against closed forms, dense sampling and degenerate frames."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import recover as rv
from recover.certificates.search.rational import rank_below
from recover.certificates.search.rays import Hyperplanes, fewest_positive

I3 = np.eye(3)
CUBE = np.array(list(itertools.product([-1.0, 1.0], repeat=3)))


def positives(rows, x):
    """Count in rational numbers what is positive."""
    from fractions import Fraction

    exact = [Fraction(float(v)) for v in x]
    return sum(
        sum(Fraction(float(a)) * b for a, b in zip(row, exact, strict=True)) > 0 for row in rows
    )


def sampled(rows, count=40_000, seed=0):
    x = np.random.default_rng(seed).standard_normal((count, rows.shape[1]))
    return int(((x @ rows.T) > 0.0).sum(axis=1).min())


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (np.vstack([I3, -I3]), 3),
        (CUBE, 4),
        (np.vstack([I3, -I3, CUBE]), 7),
        (np.vstack([I3, I3, -I3]), 3),
        (I3, 0),
        (np.vstack([I3, np.zeros((2, 3))]), 0),
        (np.zeros((3, 2)), 0),
        (np.array([[1.0], [2.0], [-1.0]]), 1),
        (np.hstack([np.vstack([I3, -I3]), np.zeros((6, 1))]), 3),
        (np.array(list(itertools.product([-1.0, 1.0], repeat=4))), 8),
    ],
    ids=["onb", "cube", "onb-cube", "repeated", "basis", "zeros", "zero", "line", "flat", "q4"],
)
def test_degenerate_frames(rows, expected):
    found = rv.theory.min_active_neurons(rows, exact=True)
    assert found.exact
    assert found.count == expected
    assert positives(rows, found.witness) == expected


@pytest.mark.parametrize("m", [3, 5, 7, 9, 11])
def test_odd_roots_of_unity_have_half_of_them_active(m):
    angles = 2.0 * np.pi * np.arange(m) / m
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    found = rv.theory.min_active_neurons(rows, exact=True)
    assert (found.count, found.exact) == ((m - 1) // 2, True)


@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.booleans())
def test_exact_agrees_with_sampling(seed, n, integers):
    rng = np.random.default_rng(seed)
    m = int(rng.integers(n, 5 * n))
    rows = rng.integers(-2, 3, (m, n)).astype(float) if integers else rng.normal(size=(m, n))
    found = rv.theory.min_active_neurons(rows, exact=True)
    assert found.exact
    assert positives(rows, found.witness) == found.count
    assert found.count <= sampled(rows)
    if n == 2:
        # every cell of the plane is wide enough for the middle of two neighbouring lines
        angles = np.sort(np.arctan2(rows[:, 1], rows[:, 0])[rows.any(axis=1)] % np.pi)
        if angles.size:
            ends = np.append(angles, angles[0] + np.pi) + np.pi / 2.0
            middles = (ends[1:] + ends[:-1]) / 2.0
            middles = middles[np.diff(ends) > 1e-9]
            x = np.stack([np.cos(middles), np.sin(middles)], axis=1)
            seen = (np.vstack([x, -x]) @ rows.T > 0.0).sum(axis=1).min()
            assert found.count == seen


@pytest.mark.parametrize(("n", "m"), [(2, 5), (3, 8), (4, 10)])
def test_wendel(n, m):
    """P(every signal has an active row) is ``1 - 2^(1-m) sum_(k<n) C(m-1, k)``."""
    rng = np.random.default_rng(n)
    trials = 400
    hits = sum(fewest_positive(rng.standard_normal((m, n))).count >= 1 for _ in range(trials))
    p = 1.0 - 2.0 ** (1 - m) * sum(math.comb(m - 1, k) for k in range(n))
    assert abs(hits / trials - p) <= 3.0 * math.sqrt(p * (1.0 - p) / trials)


@pytest.mark.slow
def test_search_finds_the_minimum_in_small_dimensions():
    rng = np.random.default_rng(3)
    agree = 0
    for n in (2, 3, 4):
        for _ in range(4):
            rows = rng.standard_normal((6 * n, n))
            best = rv.theory.min_active_neurons(rows, exact=True)
            found = rv.theory.min_active_neurons(rows, exact=False, budget=0.4)
            assert found.count >= best.count
            assert positives(rows, found.witness) <= found.count
            agree += found.count == best.count
    assert agree >= 11


def test_search_proves_a_narrow_layer_not_injective():
    rows = np.random.default_rng(4).standard_normal((90, 20))
    found = rv.theory.min_active_neurons(rows, exact=False, budget=10.0)
    assert found.count < 20
    assert not found.exact
    assert positives(rows, found.witness) <= found.count


def test_nearly_antipodal_rows_are_settled_in_rational_numbers():
    # the cells between such rows are 1e-16 wide; antipodal rows in floating point are not
    angles = 2.0 * np.pi * np.arange(8) / 8
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    found = rv.theory.min_active_neurons(rows, exact=True)
    assert found.lower <= found.count <= sampled(rows)
    assert positives(rows, found.witness) == found.count


def test_rows_are_grouped_by_line():
    planes = Hyperplanes.of(np.array([[1.0, 2.0], [-1.0, -2.0], [1.0, 2.0], [0.0, 0.0]]))
    assert planes.normals.tolist() == [[1.0, 2.0]]
    assert (planes.above.tolist(), planes.below.tolist()) == ([2], [1])


def test_rational_rank():
    third = np.array([[1.0, 3.0, 5.0], [2.0, 6.0, 10.0], [0.0, 1.0, 1.0]])
    assert rank_below(third, 3)
    assert not rank_below(third, 2)
    third[1, 2] = np.nextafter(10.0, 11.0)
    assert not rank_below(third, 3)


@pytest.mark.parametrize(
    ("rows", "exact", "message"),
    [
        (np.ones(3), None, r"real \(m, n\) matrix"),
        (1j * np.eye(2), None, "complex128"),
        ([[1.0, np.nan]], None, "must be finite"),
        (np.random.default_rng(0).standard_normal((200, 30)), True, "use exact=False"),
    ],
)
def test_bad_input(rows, exact, message):
    with pytest.raises(rv.ParameterError, match=message):
        rv.theory.min_active_neurons(rows, exact)


def test_theory_hands_out_the_engine():
    assert {"min_active_neurons", "critical_bias", "critical_level", "polytope_bias"} <= set(
        dir(rv.theory)
    )
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = rv.theory.no_such_thing
