"""Multipliers that prove nothing: a leaf that holds, changed in one field at a time."""

import math

import numpy as np
import pytest

from recover.certificates.replay.chord_leaves import form_holds
from recover.certificates.replay.chord_model import Form, Node, Target, crossing_of
from recover.certificates.replay.walls import X, walls_of

INF = math.inf
# x is below the lower levels and y above the upper ones; two rows never leave their bands
ROWS = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
LOW = np.array([-0.1, -0.1, -0.1, -0.1, -INF, -INF])
HIGH = np.array([INF, INF, 0.1, INF, INF, INF])
WALLS = walls_of(ROWS, LOW, HIGH, 1.0, False)
K = WALLS.count
NODE = Node(
    np.array([[-1, 1, -1, -1], [1, -1, 1, 1], [0, 0, 0, 0]], dtype=np.int8),
    np.array([0.8, 0.6]),
    np.array([-0.6, 0.8]),
    0.3,
)
BALL = np.array([[1.0, 0.0]])  # a tangent at x


def form(rho, sigma, which, nu, ends=(), tangents=BALL[:0]):
    return Form(
        rho,
        sigma,
        0.1,
        0.1,
        np.array(which, dtype=np.int64),
        np.full(len(which), 0.1),
        np.array(nu, dtype=np.float64),
        np.array(ends, dtype=np.int64),
        tangents,
    )


LEAVES = {
    "cell": form(0, 1.0, [2 * K], []),
    "walls": form(1, 0.5, [2 * K], [0.0, 0.0, 0.0, 0.1]),
    "whole": form(2, 0.5, [0, K, 2 * K, 3 * K, 3 * K + 5], [], [X], BALL),
}


def holds(leaf, node=NODE, walls=WALLS):
    with np.errstate(all="ignore"):
        return form_holds(walls, node, Target(1e-3, 0.5), leaf)


def test_the_node_is_what_it_is_said_to_be():
    crossing = crossing_of(WALLS, NODE.sides)
    assert crossing.walls.tolist() == [0, 1, 2]
    assert crossing.constant == pytest.approx(0.04)
    assert all(map(holds, LEAVES.values()))


@pytest.mark.parametrize("leaf", LEAVES.values(), ids=LEAVES)
@pytest.mark.parametrize("name", ["sigma", "tau", "cone"])
@pytest.mark.parametrize("value", [-1e-3, math.nan, INF])
def test_numbers_are_finite_and_not_negative(leaf, name, value):
    assert not holds(leaf._replace(**{name: value}))


@pytest.mark.parametrize("leaf", LEAVES.values(), ids=LEAVES)
def test_arrays_fit_one_another(leaf):
    weights, which, nu = leaf.weights, leaf.which, leaf.nu
    for change in [
        *({"rho": rho} for rho in (-1, 3, 4)),
        {"nu": np.append(nu, 0.0)},
        {"nu": np.append(nu[:-1], math.nan)},
        {"nu": np.append(nu[:-1], INF)},
        {"weights": -weights},
        {"weights": weights * math.nan},
        {"weights": weights * INF},
        {"weights": weights[:-1]},
        {"weights": np.append(weights, 0.0)},
        {"which": which[:-1]},
        {"which": which - 4 * K},
        {"which": which + 40},
        {"ends": np.array([X, X])},
    ]:
        assert not holds(leaf._replace(**change)), change
    tangents = LEAVES["whole"]._replace(tangents=BALL * math.nan)
    assert not holds(tangents)


@pytest.mark.parametrize("leaf", LEAVES.values(), ids=LEAVES)
def test_what_the_node_does_not_know_is_not_used(leaf):
    straight, bare = NODE._replace(aside=None), NODE._replace(direction=None, aside=None)
    nothing = leaf._replace(tau=0.0, cone=0.0, which=leaf.which[:0], weights=leaf.weights[:0])
    assert not holds(leaf, straight)
    assert holds(leaf._replace(cone=0.0), straight)
    assert holds(nothing, bare)
    assert holds(nothing, straight)
    assert not holds(nothing._replace(tau=0.1), bare)
    assert holds(nothing._replace(tau=0.1), straight)
    for node in (straight, bare):
        assert not holds(nothing._replace(cone=0.1), node)
    assert not holds(leaf._replace(tau=0.0, cone=0.0), bare)
    assert holds(leaf._replace(tau=0.0, cone=0.0), straight)


def test_one_of_the_two_statements_is_needed():
    # with neither, 0 < 0 would have to be a contradiction
    cell = LEAVES["cell"]
    for tau, cone in ((0.0, 0.0), (1.0, 1.0), (1e3, 1e3)):
        none = cell._replace(sigma=0.0, tau=tau, cone=cone, which=cell.which[:0])
        assert not holds(none._replace(weights=cell.weights[:0]))
    line = walls_of(np.ones((1, 1)), np.full(1, -INF), np.full(1, INF), 1.0, False)
    node = Node(np.empty((3, 0)), np.ones(1))
    leaf = form(0, 1.0, [], [], tangents=np.empty((0, 1)))._replace(cone=0.0)
    assert holds(leaf, node, line)
    assert not holds(leaf._replace(sigma=0.0), node, line)
    assert holds(leaf._replace(rho=1), node, line)
    # Q alone is enough
    assert holds(leaf._replace(rho=1, sigma=0.0), node, line)


def test_every_wall_that_is_crossed_and_the_constant_have_their_coefficients():
    walls = LEAVES["walls"]
    for size in (0, 1, 2, 3, 5):
        assert not holds(walls._replace(nu=np.zeros(size)))
    assert not holds(LEAVES["cell"]._replace(nu=np.zeros(4)))
    assert not holds(LEAVES["whole"]._replace(nu=np.zeros(4)))
    # without a row that goes from level to level there is no constant
    sides = NODE.sides.copy()
    sides[1, 3] = -1
    node = NODE._replace(sides=sides)
    assert crossing_of(WALLS, sides).constant == 0.0
    size = len(crossing_of(WALLS, sides).walls)
    for more in (-1, 0, 1):
        assert holds(walls._replace(nu=np.zeros(size + more)), node) is (more == 0)


def test_huge_multipliers_prove_nothing():
    for leaf in LEAVES.values():
        for change in (
            {"tau": 1e160},
            {"sigma": 1e308},
            {"cone": 1e308},
            {"weights": leaf.weights * 1e300},
            {"nu": np.append(leaf.nu[:-1], 1e300)},
        ):
            try:
                assert not holds(leaf._replace(**change)), change
            except OverflowError:  # which the verifier takes for damage
                continue
