"""By how much q is below v + w, and what crossed walls contribute, in cases done by hand."""

import itertools
import math
from functools import partial

import chord_cases
import numpy as np
import pytest
from chord_cases import walls_at

from recover.certificates.replay.chord_leaves import form_holds
from recover.certificates.replay.chord_model import Node, Target, crossing_of
from recover.certificates.replay.chord_sums import gathered_of, looseness
from recover.certificates.replay.walls import walls_of

INF = math.inf
U = 2.0**-53
form_of = partial(chord_cases.form_of, n=1)


def loose(walls, node, form, variables):
    gathered = gathered_of(walls, node, form)
    assert gathered is not None
    return looseness(walls, node, form, gathered, np.array(variables, dtype=np.int64))


# what the rows contribute


def test_each_row_contributes_what_the_states_of_both_ends_say():
    # one row with the band [-1, 2], twice, and its negative with the band [-2, 1]
    rows = np.array([[0.5], [0.5], [-0.5]])
    low, high = np.array([-1.0, -1.0, -2.0]), np.array([2.0, 2.0, 1.0])
    walls = walls_of(rows, low, high, 10.0, False)
    # the second wall belongs to the third row: -x / 2 = -2
    assert (walls.count, walls.levels.tolist()) == (2, [-1.0, -2.0])
    below, inside, above = [-1, 1], [1, 1], [1, -1]
    expected = {  # states of x and y: at_x, at_y
        (0, 0): ([0, 0], [0, 0]),
        (0, -1): ([3, 0], [0, 0]),
        (-1, 0): ([0, 0], [3, 0]),
        (0, 1): ([0, 3], [0, 0]),
        (1, 0): ([0, 0], [0, 3]),
        (-1, -1): ([0, 0], [0, 0]),
        (1, 1): ([0, 0], [0, 0]),
        (-1, 1): ([0, 0], [0, 0]),
        (1, -1): ([0, 0], [0, 0]),
    }
    sides = {-1: below, 0: inside, 1: above}
    for (x, y), (at_x, at_y) in expected.items():
        found = crossing_of(walls, np.array([sides[x], sides[y], [0, 0]], dtype=np.int8))
        assert found.at_x.tolist() == at_x
        assert found.at_y.tolist() == at_y
        assert found.inside.tolist() == [x == y == 0] * 3
        assert found.walls.tolist() == np.flatnonzero(np.add(at_x, at_y)).tolist()
        jump = 27.0 if {x, y} == {-1, 1} else 0.0  # 3 times the square of 2 - (-1)
        assert jump * (1.0 - 1e-12) <= found.constant <= jump * (1.0 - 1e-15)
    # what is not decided contributes nothing
    for x, y in (([1, 0], below), ([0, 1], below), (inside, [0, 0]), ([0, 0], above)):
        for pair in ([x, y], [y, x]):
            found = crossing_of(walls, np.array([*pair, [0, 0]], dtype=np.int8))
            assert not found.at_x.any()
            assert not found.at_y.any()
            assert not found.inside.any()
            assert found.constant == 0.0


def test_a_wall_is_crossed_by_rows_that_leave_at_either_level():
    # the wall at 0 is the lower level of one row, the upper one of another
    rows, low, high = np.ones((2, 1)), np.array([0.0, -INF]), np.array([INF, 0.0])
    walls = walls_of(rows, low, high, 1.0, False)
    assert walls.count == 1
    found = crossing_of(walls, np.array([[1], [-1], [0]], dtype=np.int8))
    assert (found.at_x.tolist(), found.at_y.tolist()) == ([1.0], [1.0])
    assert found.inside.tolist() == [False, False]


# wall by wall


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("size", [1.0, 0.25])
def test_at_a_crossed_wall_nu_is_at_least_what_the_inequalities_add(side, size):
    # two walls, so that the ball does not bound them; y is on the other side of both
    walls = walls_at([[size, 0.0], [0.0, size]], [0.125, 0.0625])
    node = Node(np.array([[side, side], [-side, -side], [0, 0]]), np.ones(2))
    index, weights = [0, 2, 1, 4, 6], [0.5, 0.25, 0.75, 3.0, 0.0]  # wall 0 at x and y, wall 1
    need = side * np.array([0.5 - 0.25, 0.75])
    for more, enough in ((1e-12, True), (0.0, False), (-1e-12, False), (0.5, True)):
        for wall in (0, 1):
            nu = need + side * 0.5
            nu[wall] = need[wall] + side * more
            form = form_of([*index[:3], 4], [*weights[:3], 1.0], nu, n=2)
            assert (loose(walls, node, form, [0, 1]) == 0.0) is enough
    # the coefficient of the constant, where it occurs, is not negative
    good = need + side * 0.5
    for last, enough in ((0.0, True), (1.0, True), (-1e-300, False), (-1.0, False)):
        form = form_of(index[:3], weights[:3], [*good, last], n=2)
        assert (loose(walls, node, form, [0, 1]) < INF) is enough
    # at a wall without inequalities nothing is enough
    assert (
        loose(walls, node, form_of([0], [0.5], side * np.array([0.6, 0.0]), n=2), [0, 1]) == 0.0
    )


def test_walls_that_are_not_crossed_are_not_made_up_for():
    walls = walls_at(np.eye(2), [0.125, 0.0625])
    node = Node(np.array([[1, 1], [-1, -1], [0, 0]]), np.ones(2))
    form = form_of([0, 1], [0.5, 0.5], [0.6], n=2)
    assert loose(walls, node, form, [0]) == INF
    # without weight it does no harm
    form = form_of([0, 1], [0.5, 0.0], [0.6], n=2)
    assert loose(walls, node, form, [0]) == 0.0
    # nor does an order, which is no function of x
    form = form_of([0, 4, 5], [0.5, 3.0, 3.0], [0.6], n=2)
    assert loose(walls, node, form, [0]) == 0.0
    # the constant is one, and a face: no wall takes them over, whichever are crossed
    assert loose(walls, node, form_of([0, 6], [0.5, 1.0], [0.6], n=2), [0]) == INF
    faces = walls_at(np.eye(2), [0.125, 0.0625], nonnegative=True)
    for number, nu in itertools.product((6, 7, 8), ([0.6, 3.0], [3.0, 0.6], [3.0, 3.0])):
        form = form_of([0, 1, number], [0.5, 0.5, 1.0], nu, n=2)
        assert loose(faces, node, form, [0, 1]) == INF


def test_rounding_of_many_weights_at_a_wall_is_paid_for():
    walls = walls_at([[1.0], [-0.5]], [0.125, 0.25])
    node = Node(np.array([[1, 0], [-1, 0], [0, 0]]), np.ones(1))
    # 200 times the wall at x, and at y with the opposite sign: they cancel
    index, weights = [0] * 200 + [2] * 200, [2.0**30] * 400
    least = 400 * 400 * U * 2.0**30
    for nu, enough in ((0.0, False), (0.9 * least, False), (2.0 * least, True)):
        found = loose(walls, node, form_of(index, weights, [nu]), [0])
        assert (found < INF) is enough


# on the whole ball


@pytest.mark.parametrize("radius", [1.0, 3.0])
def test_on_the_ball_the_constant_makes_up_for_what_depends_on_x(radius):
    # w = 3 (x_1 - 1/8) + 4 (x_2 - 1/16) <= 5 R - 5/8 on the ball
    walls = walls_at(np.eye(2), [0.125, 0.0625], radius)
    node = Node(np.array([[1, 1], [1, 1], [0, 0]]), np.ones(2))
    need = 5.0 * radius - 0.625
    for nu, enough in (
        (need * (1.0 + 1e-12), True),
        (need, False),
        (need * (1.0 - 1e-12), False),
        (0.0, False),
        (-need, False),
        (2.0 * need, True),
    ):
        for index in ([0, 1], [2, 3]):  # at y the same function of x
            form = form_of(index, [3.0, 4.0], [nu], n=2)
            assert loose(walls, node, form, []) == (0.0 if enough else INF)
        # a wall that is crossed takes its part over
        form = form_of([0, 1], [3.0, 4.0], [3.0, nu], n=2)
        more = nu - 4.0 * radius + 0.25
        assert loose(walls, node, form, [0]) == (0.0 if more > 0.0 else INF)


@pytest.mark.parametrize("radius", [1.0, 2.0**-10])
def test_rounding_on_the_ball_is_paid_for(radius):
    walls = walls_at([[1.0], [-0.5]], [0.125, 0.25], radius)
    node = Node(np.array([[1, 1], [1, 1], [0, 0]]), np.ones(1))
    large = 2.0**30
    # x - 1/8 and -x/2 - 1/4: with weights 1 and 2 the sum is -5/8, without a part in x
    index, weights = [0, 1] * 200, [large, 2.0 * large] * 200
    size = 200 * large * (1.125 + 2 * 0.75)
    for nu in (-200 * 0.625 * large, -200 * 0.625 * large + 0.5 * 400 * U * size):
        assert loose(walls, node, form_of(index, weights, [nu]), []) == INF
    nu = -200 * 0.625 * large + 6.0 * 400 * U * size
    assert loose(walls, node, form_of(index, weights, [nu]), []) == 0.0


@pytest.mark.parametrize("radius", [2.0**-10, 1.0, 64.0])
def test_rounding_of_q_on_the_ball_is_paid_for(radius):
    # q alone is large: x - 1/8 and -x/2 - 1/4, both many times, with 1 and 2 cancel in x
    walls = walls_at([[1.0], [-0.5]], [0.125, 0.25], radius)
    node = Node(np.array([[1, 1], [-1, -1], [0, 0]]), np.ones(1))
    large, count = 2.0**30, 200
    nu = [-large, -2.0 * large] * count
    unit = 2 * count * U * count * large
    # of the part in x, and of the constant
    room = unit * (2.0 * radius + 0.125 + 0.5 + 0.625)
    for more, enough in ((0.0, False), (0.5 * room, False), (20.0 * room, True)):
        form = form_of([], [], [*nu, -0.625 * count * large + more])
        assert loose(walls, node, form, [0, 1] * count) == (0.0 if enough else INF)


# small changes, where all walls go through the origin

RAY = walls_at([[1.0], [-1.0]], [0.0, 0.0])
APART = Node(np.array([[1], [-1], [0]]), np.ones(1))


@pytest.mark.parametrize("missing", [1e-3, -1e-3, 0.1, 1e-9])
def test_a_small_change_of_multipliers_makes_q_enough(missing):
    # w = (3/2 - 1/2) x in x, and nu is too small by `missing`
    form = form_of([0, 1], [1.5, 0.5], [1.0 - missing])
    found = loose(RAY, APART, form, [0])
    if missing < 0.0:
        assert found == 0.0  # at the wall more is enough
        return
    # nu and the weight at y may each have to change by that much
    assert 3.0 * missing <= found <= 12.0 * missing
    # and no weight may become negative
    small = form_of([0, 1], [1.5, missing], [1.5 - 2.0 * missing])
    assert loose(RAY, APART, small, [0]) == INF
    # without a wall that is crossed the weights alone change
    alone = form_of([0, 1], [0.5, 0.5 - missing / 4.0], rho=0)
    assert missing / 4.0 <= loose(RAY, APART, alone, []) <= 2.0 * missing
    unused = form_of([0, 1, 1], [1.5, 0.5, 0.0], [1.0 - missing])
    assert loose(RAY, APART, unused, [0]) == pytest.approx(found, rel=1e-6)
    # nu is measured by its wall, and a weight at y moves q in d by as much as the wall is long
    for size in (0.25, 8.0):
        found = loose(walls_at([[size]], [0.0]), APART, form, [0])
        assert missing * (1.0 + size) <= found <= 12.0 * missing * (1.0 + size)


def test_changes_of_several_multipliers_add_up():
    n = 3
    normals = 0.5 * np.vstack([np.eye(n), np.eye(n)[0] - np.eye(n)[1]])
    walls = walls_at(normals, [0.0] * 4)
    node = Node(np.array([[1] * 4, [-1] * 4, [0] * 4]), np.ones(n))
    nu = np.array([1.0, 1.0, 1.0]) - 1e-4
    form = form_of([0, 1, 2], [1.0, 1.0, 1.0], nu, n=n)
    found = loose(walls, node, form, [0, 1, 2])
    # each nu changes by 1e-4; at most three weights at y could change besides
    assert 1e-4 * math.sqrt(3.0) <= found <= 1e-2
    # columns that do not span make up for nothing
    form = form_of([0, 1], [1.0, 1.0], nu[:2], n=n)
    assert loose(walls, node, form, [0, 1]) == INF
    # and what has no weight cannot have less
    form = form_of([0, 1, 2], [1.0, 1.0, 0.0], nu[:2], n=n)
    assert loose(walls, node, form, [0, 1]) == INF
    assert loose(walls, node, form_of([], [], [], n=n), []) == 0.0


@pytest.mark.parametrize(("size", "known"), [(1e7, True), (6e7, False)])
def test_columns_that_are_nearly_dependent_are_not_inverted(size, known):
    walls = walls_at([[size, 0.0], [size, 1e-7]], [0.0, 0.0])
    node = Node(np.array([[1, 1], [-1, -1], [0, 0]]), np.ones(2))
    # too little at wall 1: the inverse is large, and good enough only for one of them
    form = form_of([], [], [1.0, -1.0], n=2)
    assert (loose(walls, node, form, [0, 1]) < INF) is known


def test_nearly_parallel_columns_do_not_span():
    node = Node(np.array([[1, 1], [-1, -1], [0, 0]]), np.ones(2))
    form = form_of([0, 1], [1.0, 1.0], [1.0, 1.0 - 2.0**-50], n=2)
    for angle, known in ((1e-7, True), (5e-9, False)):
        walls = walls_at([[1.0, 0.0], [1.0, angle]], [0.0, 0.0])
        assert (loose(walls, node, form, [0, 1]) < INF) is known


# and what leaves make of it


def line_leaf(tau, weights, nu):
    # Q = x^2 + y^2 + (y - x)^2
    walls = walls_of(
        np.array([[1.0], [-1.0], [1.0]]),
        np.array([0.0, 0.0, -INF]),
        np.full(3, INF),
        1.0,
        False,
    )
    return walls, APART, form_of([0, 1, 2], weights, [nu], tau=tau)


def value_of(part, tau, nu):
    """Return the least of ``s^2 + (s+d)^2 + (1 + tau^2) d^2 - (part d + nu s)^2``, |d| = 1."""
    a, b, c = 2.0 - nu * nu, 1.0 - part * nu, 2.0 + tau * tau - part * part
    return c - b * b / a


@pytest.mark.parametrize(
    ("tau", "weights", "nu"),
    [
        (0.0, [0.75, 0.5, 0.25], 0.25 - 1e-3),
        (0.5, [0.75, 0.5, 0.25], 0.25 - 1e-3),
        (0.75, [0.501, 0.5, 0.25], 0.0),  # q = 0
        (0.0, [0.5, 0.25, 0.5], 0.25 - 1e-6),
    ],
)
def test_a_leaf_pays_for_the_change_of_q(tau, weights, nu):
    walls, node, form = line_leaf(tau, weights, nu)
    part, need = tau - weights[1] - weights[2], weights[0] - weights[1]
    # either q or the weight at y changes
    value = min(
        value_of(part, tau, nu), value_of(part, tau, need), value_of(part + nu - need, tau, nu)
    )
    off, length = need - nu, math.hypot(part, nu)
    paid = 2.0 * off * length + off * off
    assert not form_holds(walls, node, Target(value, 0.5), form)
    assert not form_holds(walls, node, Target(value_of(part, tau, nu) - paid, 0.5), form)
    most = 24.0 * off * length + 150.0 * off * off
    assert form_holds(walls, node, Target(value - most, 0.5), form)


def test_a_leaf_pays_for_the_rounding_of_sums_that_cancel():
    large = 2.0**30
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0], [1.0, 0.0], [0.0, 1.0]])
    walls = walls_of(rows, np.array([0.0] * 3 + [-INF] * 2), np.full(5, INF), 1.0, False)
    node = Node(np.array([[1, 1, 1], [-1, -1, -1], [0, 0, 0]]), np.array([1.0, 0.0]))
    orders = [6, 7, 8] * 20
    form = form_of(orders, [large] * 60, [0.0] * 3, tau=0.5, n=2)
    error = 60 * U * 80 * large
    # Q = |d|^2 and the squared distances of x from the walls; q = v, as the orders cancel
    plain = form_of([], [], [0.0] * 3, tau=0.5, n=2)
    assert form_holds(walls, node, Target(1.0 - 1e-10, 0.5), plain)
    assert not form_holds(walls, node, Target(1.0 - error, 0.5), form)
    assert form_holds(walls, node, Target(1.0 - 40.0 * error, 0.5), form)
    # in the variables x and d: three times the sum of all walls at x, and at y
    whole = form_of([0, 1, 2, 3, 4, 5] * 10, [large] * 60, rho=2, n=2)
    plain = form_of([], [], rho=2, tau=0.5, n=2)
    assert form_holds(walls, node, Target(1.0 - 1e-10, 0.5), plain)
    for tau in (0.5, 0.0):
        leaf = whole._replace(tau=tau)
        assert not form_holds(walls, node, Target(1.0 - tau * error, 0.5), leaf)
        assert form_holds(walls, node, Target(1.0 - 100.0 * error, 0.5), leaf)
