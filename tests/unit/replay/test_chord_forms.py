"""Leaves of a search over segments against the forms they stand for, added up independently.

`squares` writes a leaf's form as a sum of multiples of squares of linear functions, row by row
from the states of the two ends; its least eigenvalue tells the largest value that the leaf
proves, and every proof must stop below it, by no less than rounding takes.
"""

import math
from typing import NamedTuple

import numpy as np
import pytest
from chord_cases import form_of

from recover.certificates.replay.chord_leaves import form_holds
from recover.certificates.replay.chord_model import Form, Node, Target, crossing_of
from recover.certificates.replay.walls import Walls, X, Y, Z, walls_of

INF = math.inf
U = 2.0**-53
IN, BELOW, ABOVE = "in", "below", "above"


class Case(NamedTuple):
    walls: Walls
    node: Node
    form: Form
    share: float = 0.5

    def holds(self, value: float) -> bool:
        return form_holds(self.walls, self.node, Target(value, self.share), self.form)


def state(walls: Walls, side, row: int) -> str | None:
    below, above = walls.below[row], walls.above[row]
    low = 1 if below < 0 else int(side[below]) * int(walls.below_sign[row])
    high = -1 if above < 0 else int(side[above]) * int(walls.above_sign[row])
    if low == -1 or high == 1:
        return BELOW if low == -1 else ABOVE
    return IN if (low, high) == (1, -1) else None


def inequality(walls: Walls, node: Node, form: Form, number: int):
    """Return a function of (d, x, 1) that is >= 0 on the node, from its number."""
    n, k = walls.dimension, walls.count
    blank = np.zeros(n)
    if number < 3 * k:
        signal, wall = divmod(number, k)
        normal, level = walls.normals[wall], walls.levels[wall]
        if signal == Z:  # the order of x and y across the wall
            assert node.sides[X, wall] == -node.sides[Y, wall] != 0
            return np.concatenate([node.sides[Y, wall] * normal, blank, [0.0]])
        parts = [normal if signal == Y else blank, normal, [-level]]
        return node.sides[signal, wall] * np.concatenate(parts)
    number -= 3 * k
    if number == 0:
        return np.concatenate([blank, blank, [1.0]])
    if number <= 2 * n:
        signal, entry = divmod(number - 1, n)
        unit = np.eye(n)[entry]
        return np.concatenate([unit if signal == Y else blank, unit, [0.0]])
    a, end = form.tangents[number - 2 * n - 1], form.ends[number - 2 * n - 1]
    far = walls.radius * np.linalg.norm(a)
    return np.concatenate([-a if end == Y else blank, -a, [far]])


def squares(case: Case):
    """Return multiples and linear functions of (d, variables, 1), and q; no ``- c |d|^2``."""
    walls, node, form, share = case
    n, rho, sigma = walls.dimension, min(form.rho, 1), form.sigma
    crossed = crossing_of(walls, node.sides).walls if form.rho == 1 else np.empty(0, int)
    width = n if form.rho == 2 else len(crossed)
    found = []

    def add(multiple, d=0.0, rest=0.0, one=0.0):
        parts = np.zeros(n) + d, np.zeros(width) + rest, [one]
        found.append((multiple, np.concatenate(parts)))

    for i, phi in enumerate(walls.rows):
        x, y, z = (state(walls, side, i) for side in node.sides)
        if z == IN:
            add(sigma * share, phi)
        if x == y == IN:
            add(rho + sigma * (1.0 - share), phi)
        elif rho and IN in (x, y) and None not in (x, y):
            out = y if x == IN else x
            wall = walls.below[i] if out == BELOW else walls.above[i]
            sign = (walls.below_sign if out == BELOW else walls.above_sign)[i]
            at = np.flatnonzero(crossed == wall)
            step = phi if y == IN else 0.0
            if form.rho == 2:
                add(1.0, step, phi, -(walls.low if out == BELOW else walls.high)[i])
            else:
                add(1.0, step, sign * np.eye(width)[at[0]])
        elif rho and {x, y} == {BELOW, ABOVE}:
            add(1.0, one=walls.high[i] - walls.low[i])
    q = np.zeros(n + width + 1)
    if node.direction is not None:
        add(form.tau**2, node.direction)
        q[:n] += form.tau * node.direction
    if node.aside is not None:
        add(form.cone, node.aside)
        add(-form.cone * node.slope**2, node.direction)
    for number, weight in zip(form.which.tolist(), form.weights, strict=True):
        function = weight * inequality(walls, node, form, number)
        q += function if form.rho == 2 else np.append(function[:n], np.zeros(width + 1))
    if form.rho == 1:
        q[n : n + len(form.nu)] += form.nu
    return found, q


def truth(case: Case) -> tuple[float, float]:
    """Return the largest value for which the form is >= 0, and the sum of the squares added."""
    found, q = squares(case)
    n = case.walls.dimension
    matrix = sum(multiple * np.outer(f, f) for multiple, f in found) - np.outer(q, q)
    used = np.any([f != 0.0 for _, f in found] + [q != 0.0, np.arange(len(q)) < n], axis=0)
    used[-1] &= not case.walls.central  # 1 >= 0 is not needed there
    matrix = matrix[np.ix_(used, used)]
    rest = matrix[n:, n:]
    assert not rest.size or np.linalg.eigvalsh(rest)[0] > 1e-6
    schur = matrix[:n, :n] - matrix[:n, n:] @ np.linalg.solve(rest, matrix[n:, :n])
    scale = min(case.form.rho, 1) + case.form.sigma
    value = float(np.linalg.eigvalsh(schur)[0]) / scale
    return value, sum(max(multiple, 0.0) * float(f @ f) for multiple, f in found)


def proved(case: Case, value: float, gap: float) -> float:
    """Return the largest value that is proved, from one that is not, to 1 % of the distance."""
    assert not case.holds(value)
    assert case.holds(value - gap)
    least, most = 0.0, gap
    while least < 0.99 * most and value - most < value - least:
        middle = (least + most) / 2.0
        least, most = (least, middle) if case.holds(value - middle) else (middle, most)
    return value - most


def node_of(walls: Walls, x, y, z=None, **cone) -> Node:
    """Return the node of all sides of a segment's ends, and of a signal between them."""
    signals = np.array([x, y, (x + y) / 2.0 if z is None else z])
    sides = np.where(signals @ walls.normals.T >= walls.levels, 1, -1).astype(np.int8)
    return Node(sides, **cone)


def clipped(rng, m, n, nonnegative=False, central=False):
    rows = rng.uniform(-1.0, 1.0, (m, n))
    low, high = -rng.uniform(0.1, 0.3, m), rng.uniform(0.1, 0.3, m)
    low[rng.random(m) < 0.3] = -INF
    high[rng.random(m) < 0.3] = INF
    if central:
        low, high = np.zeros(m), np.full(m, INF)
    return walls_of(rows, low, high, 1.0, nonnegative)


def drawn(rng, rho, central=False, aside=True) -> Case:
    """Return a random node of a random frame, with random multipliers for which q >= v + w."""
    n = int(rng.integers(2, 4))
    walls = clipped(rng, int(rng.integers(3 * n, 5 * n)), n, True, central)
    x, y = rng.uniform(-0.6, 0.6, (2, n))
    g = (y - x) / np.linalg.norm(y - x)
    h = np.linalg.svd(g[None])[2][1]
    turned = {"direction": g, "aside": h, "slope": 0.3} if aside else {"direction": g}
    node = node_of(walls, x, y, **turned)
    hidden = rng.random(node.sides.shape) < 0.15
    node = node._replace(sides=np.where(hidden, 0, node.sides).astype(np.int8))
    k, sides = walls.count, node.sides
    crossing = crossing_of(walls, sides)
    which = [2 * k + j for j in range(k) if sides[X, j] * sides[Y, j] == -1]
    weights = rng.uniform(0.0, 0.05, len(which)).tolist()
    nu, tangents = [], []
    for j in crossing.walls if rho else ():
        for signal in (X, Y):
            which.append(signal * k + int(j))
            weights.append(float(rng.uniform(0.0, 0.05)))
        # a little more than enough at the wall
        total = weights[-2] * sides[X, j] + weights[-1] * sides[Y, j]
        nu.append(total + sides[X, j] * float(rng.uniform(0.01, 0.05)))
    if rho == 1 and crossing.constant > 0.0:
        nu.append(float(rng.uniform(0.0, 0.05)))
    if rho == 2:
        nu = []
        which += [3 * k, *range(3 * k + 1, 3 * k + 1 + 2 * n)]
        weights += rng.uniform(0.0, 0.05, 1 + 2 * n).tolist()
        if not central:
            tangents = [(X, rng.standard_normal(n)), (Y, rng.standard_normal(n))]
            which += [3 * k + 1 + 2 * n, 3 * k + 2 + 2 * n]
            weights += [0.03, 0.02]
    cone = float(rng.uniform(0.1, 0.5)) if aside else 0.0
    form = form_of(
        which,
        weights,
        nu,
        n=n,
        rho=rho,
        sigma=float(rng.uniform(0.3, 1.0)),
        tau=0.2,
        cone=cone,
        tangents=tangents,
    )
    return Case(walls, node, form, float(rng.uniform(0.2, 0.5)))


KINDS = [(0, False), (1, False), (1, True), (2, False), (2, True)]


@pytest.mark.parametrize(("rho", "central"), KINDS)
def test_a_leaf_proves_what_its_form_says_and_no_more(rho, central):
    rng = np.random.default_rng(10 * rho + central)
    tried = 0
    for trial in range(120):
        case = drawn(rng, rho, central, aside=bool(trial % 3))
        try:
            value, size = truth(case)
        except AssertionError:
            continue  # the walls crossed do not determine x
        if value > 0.0:
            tried += 1
            assert not case.holds(value + 20.0 * U * size)
            assert case.holds(value - 1e-11 * size), trial
    assert tried >= 20


def roundings(case: Case) -> int:
    """Return how many an entry of the form goes through, and its Cholesky factors."""
    k = len(case.form.nu) + case.walls.dimension
    return len(case.walls.rows) + case.form.which.size + k


def line(count=1, size=1.0, level=0.0, radius=1.0, g=2.0**20, **form) -> Case:
    """Return x >= 0 >= y in R^1: rows and their negatives, and one that never leaves its band.

    ``Q = count (x^2 + y^2) + (y - x)^2``, the rows' size left out.
    """
    rows = np.array([[size]] * count + [[-size]] * count + [[1.0]])
    low = np.array([-level] * (2 * count) + [-INF])
    walls = walls_of(rows, low, np.full(len(rows), INF), radius, False)
    node = Node(np.repeat([[1], [-1], [0]], walls.count, axis=1), np.full(1, g))
    return Case(walls, node, form_of(n=1, **form))


def box(n, m=None, **form) -> Case:
    """Return rows that never leave their bands."""
    rows = np.repeat(np.eye(n), 1 if m is None else m // n, axis=0)
    walls = walls_of(rows, np.full(len(rows), -INF), np.full(len(rows), INF), 1.0, False)
    node = Node(np.empty((3, 0)), np.eye(n)[0], 16.0 * np.eye(n)[1], 0.01)
    return Case(walls, node, form_of(n=n, **form))


def jump(gap: float) -> Case:
    """Return x below a band and y above it, and a row that never leaves its band."""
    rows = np.array([[0.01], [1.0]])
    low, high = np.array([-gap / 2.0, -INF]), np.array([gap / 2.0, INF])
    walls = walls_of(rows, low, high, 1e3, False)
    node = Node(np.array([[-1, -1], [1, 1], [0, 0]]), np.ones(1))
    return Case(walls, node, form_of(nu=[0.0], n=1))


LARGE = {
    "rows": box(2, 400, rho=1),
    "dimension": box(40, rho=1),
    "cell": box(3, rho=0, sigma=500.0),
    "inequalities": box(2, rho=1, which=[0] * 300, weights=[0.0] * 300),
    "tau": line(rho=1, tau=2.0**-12, which=[2], weights=[256.0], nu=[0.0]),
    "large tau": line(g=2.0**-4, rho=1, tau=2.0**12, which=[2], weights=[256.0], nu=[0.0]),
    "cone": box(2, rho=1, cone=4.0),
    "distances": line(2000, 0.02, rho=1, nu=[0.0]),
    "steps": line(200, 1.0, rho=1, nu=[0.0]),
    "whole": line(200, 1.0, rho=2),
    "levels": line(1, 1.0, 50.0, 100.0, rho=2),
    "positive levels": line(1, 1.0, -50.0, 100.0, rho=2),
    "constant": jump(200.0),
}


@pytest.mark.parametrize("name", LARGE)
def test_proofs_leave_room_for_the_rounding_of_whatever_is_large(name):
    case = LARGE[name]
    value, size = truth(case)
    scale = min(case.form.rho, 1) + case.form.sigma
    room = (value - proved(case, value, 1e-8 * size)) * scale
    assert room >= roundings(case) * U * size
