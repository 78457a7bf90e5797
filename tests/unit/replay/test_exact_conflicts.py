"""Sets of sides that exclude one another, proved in exact arithmetic."""

import numpy as np
import pytest

from recover.certificates.replay.cells import Sides, proved_conflicts


def arranged(normals, levels, radius=1.0):
    count = len(normals)
    return Sides(
        np.array(normals, dtype=float),
        np.array(levels, dtype=float),
        np.arange(count),
        radius,
        False,
    )


def excluded(normals, levels, flat, radius=1.0):
    found = proved_conflicts(arranged(normals, levels, radius), np.array(flat))
    return [chosen.tolist() for chosen in found]


OPPOSITE = [[1.0, 2.0], [-1.0, -2.0], [-3.0, -6.0]]


@pytest.mark.parametrize(
    ("normals", "levels", "proved"),
    [
        (OPPOSITE[:2], [0.5, -0.25], True),
        (OPPOSITE[:2], [0.5, -0.5], True),  # a hyperplane: no open set
        (OPPOSITE[:2], [0.5, -0.5 - 2.0**-53], False),
        (OPPOSITE[::2], [0.1, -0.3], True),  # 3 times the float 0.1 is above the float 0.3
        (OPPOSITE[::2], [0.3, -0.9 - 2.0**-52], False),
        ([[1.0, 2.0], [1.0, 2.0]], [0.5, 0.5], False),
        ([[1.0, 2.0], [1.0, 2.0]], [-0.5, 0.5], False),
        ([[7.0], [-3.0]], [0.0, 0.0], True),
        ([[7.0], [-3.0]], [-7.0, 3.0], True),
        ([[7.0], [-3.0]], [-7.0, 3.0 - 2.0**-51], False),
        ([[0.0, 1.0], [1.0, 0.0], [-1.0, -1.0]], [0.0, 0.0, 0.0], True),
        ([[0.0, 1.0], [1.0, 0.0], [-1.0, -1.0]], [0.5, 0.25, -0.75], True),
        ([[0.0, 1.0], [1.0, 0.0], [-1.0, -1.0]], [0.5, 0.25, -1.0], False),
        ([[0.0, 1.0], [1.0, 0.0], [-2.0, -3.0]], [0.5, 0.25, -2.0], True),
        ([[0.0, 1.0], [1.0, 0.0], [-2.0, -3.0]], [0.5, 0.25, -2.25], False),
        ([[0.0, 1.0], [1.0, 0.0], [1.0, -1.0]], [0.0, 0.0, 0.0], False),
        ([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0.0, 0.0, 0.0], False),
        # one side more than is needed
        ([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]], [0.5, 0.0, -5.0], True),
        ([[0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]], [-5.0, 0.5, 0.0], True),
        # two equations too few to look at
        ([[1.0], [-1.0], [2.0]], [0.5, 0.5, 0.5], False),
        ([[0.0, 0.0]], [0.5], True),
        ([[0.0, 0.0]], [-0.5], False),
        (
            [[0.0, 0.0, 2.0], [0.0, 3.0, 0.0], [1.0, 0.0, 1.0], [-1.0, -3.0, -3.0]],
            [0.25, 0.5, 0.5, -1.25],
            True,
        ),
        (
            [[0.0, 0.0, 2.0], [0.0, 3.0, 0.0], [1.0, 0.0, 1.0], [-1.0, -3.0, -3.0]],
            [0.25, 0.5, 0.5, -1.5],
            False,
        ),
    ],
)
def test_dependent_sides(normals, levels, proved):
    names = list(range(len(normals)))
    assert excluded(normals, levels, [len(names), *names]) == [names] * proved
    # order does not matter, nor does the ball
    turned = names[::-1]
    assert excluded(normals, levels, [len(names), *turned], 1e9) == [turned] * proved


@pytest.mark.parametrize(
    ("normals", "levels", "radius", "proved"),
    [
        ([[3.0, 4.0]], [5.0], 1.0, True),  # it touches the ball in one point
        ([[3.0, 4.0]], [5.0], 1.0 + 2.0**-52, False),
        ([[3.0, 4.0]], [5.0 - 2.0**-50], 1.0, False),
        ([[3.0, 4.0]], [-5.0], 1.0, False),
        ([[3.0, 4.0]], [0.0], 1.0, False),
        ([[1.0, 0.0], [0.0, 1.0]], [3.0, 4.0], 5.0, True),
        ([[1.0, 0.0], [0.0, 1.0]], [3.0, 4.0], 5.0 + 2.0**-50, False),
        ([[2e3, 0.0], [0.0, 2e3]], [6e3, 8e3], 5.0, True),
        ([[2.0**-9, 0.0], [0.0, 2.0**-9]], [3.0 * 2.0**-9, 2.0**-7], 5.0, True),
        ([[1.0, 0.0], [0.0, 1.0]], [-3.0, -4.0], 5.0, False),
        ([[1.0, 0.0], [0.0, 1.0]], [3.0, -4.0], 5.0, False),
        ([[0.5, 0.0], [0.0, 2.0]], [1.5, 8.0], 4.9, True),
        ([[0.5, 0.0], [0.0, 2.0]], [1.5, 8.0], 5.1, False),
        ([[1.0, 1.0], [1.0, -1.0]], [1.0, 1.0], 0.99, True),
        ([[1.0, 1.0], [1.0, -1.0]], [1.0, 1.0], 1.01, False),
    ],
)
def test_independent_sides_that_miss_the_ball(normals, levels, radius, proved):
    names = list(range(len(normals)))
    assert excluded(normals, levels, [len(names), *names], radius) == [names] * proved


def test_lists_of_sets():
    normals, levels = [[1.0], [-1.0], [2.0], [-2.0]], [0.5, 0.5, -0.5, -0.5]
    flat = [2, 0, 1, 2, 2, 3, 2, 0, 3, 2, 0, 1]
    assert excluded(normals, levels, flat) == [[0, 1], [0, 3], [0, 1]]
    assert excluded(normals, levels, []) == []
    for size in (0, -1, -3):
        # such a list would be read for ever
        with pytest.raises(ValueError, match=f"size {size}"):
            excluded(normals, levels, [2, 0, 1, size, 0])
    for flat in ([2, 0, 4], [1]):
        with pytest.raises((IndexError, ValueError)):
            excluded(normals, levels, flat)
