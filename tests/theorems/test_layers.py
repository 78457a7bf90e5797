"""Verdicts on ReLU layers against exact enumeration and closed forms."""

import itertools
import math

import numpy as np
import pytest

import recover as rv

WIDEST = {2: 16, 3: 18, 4: 20, 5: 20, 6: 20}


def spans(rows, active):
    """Tell for each set (B, m) of rows whether it spans."""
    n = rows.shape[1]
    grams = np.einsum("bm,mi,mj->bij", active.astype(float), rows, rows)
    return np.linalg.eigvalsh(grams)[:, 0] > 1e-9 * np.trace(rows.T @ rows) / n


def injective_without_bias(rows):
    """Enumerate the rays of the arrangement, in general position."""
    m, n = rows.shape
    if m < n:
        return False
    sets = np.array(list(itertools.combinations(range(m), n - 1)))
    rays = np.linalg.svd(rows[sets])[2][:, -1] if n > 1 else np.ones((1, 1))
    t = rays @ rows.T
    np.put_along_axis(t, sets, 0.0, axis=1)
    return bool(spans(rows, t > 0.0).all() and spans(rows, t < 0.0).all())


def injective_on_ball(rows, low, radius):
    """Enumerate the points of smallest norm on all flats of at most n thresholds.

    Every set of inactive rows that is reached in the ball is contained in that of the point of
    smallest norm of its region, which lies on a flat of independent thresholds; near it all of
    them can be off together.
    """
    m, n = rows.shape
    if not spans(rows, (low < 0.0)[None])[0]:
        return False
    for size in range(1, n + 1):
        sets = np.array(list(itertools.combinations(range(m), size)))
        phi = rows[sets]
        c = np.linalg.solve(phi @ phi.transpose(0, 2, 1), low[sets][:, :, None])
        x = (c * phi).sum(axis=1)
        inside = (x**2).sum(axis=1) < radius**2
        active = x[inside] @ rows.T > low
        np.put_along_axis(active, sets[inside], False, axis=1)
        if inside.any() and not spans(rows, active).all():
            return False
    return True


def check(seed, nonnegative=False):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 7))
    m = int(rng.integers(n, WIDEST[n] + 1))
    weights = rng.standard_normal((m, n))
    if seed % 3 == 0:
        biases, expected = None, injective_without_bias(weights)
        offset, radius = np.zeros(m), 1.0
    else:
        offset = rng.uniform(0.0, 2.0) + (rng.uniform(-0.4, 0.4, m) if seed % 3 == 1 else 0.0)
        offset = offset * np.ones(m)
        biases, radius = offset, float(rng.choice([0.5, 1.0, 3.0]))
        expected = injective_on_ball(weights, -offset, radius)
    for budget in (4.0, 60.0):  # the second where a busy machine leaves it undecided
        found = rv.layers.analyse(
            weights, biases, radius=radius, budget=budget, critical=False, rng=seed
        )
        if found.verdict != "undecided":
            break
    if found.witness is not None:
        x, y = found.witness
        assert np.linalg.norm(x - y) > 1e-6 * radius
        assert max(np.linalg.norm(x), np.linalg.norm(y)) <= radius
        difference = np.maximum(weights @ x + offset, 0) - np.maximum(weights @ y + offset, 0)
        assert np.abs(difference).max() <= 1e-12
    return found.verdict, expected, found.witness is not None


def counted(seeds):
    outcomes = [check(seed) for seed in seeds]
    for verdict, expected, witnessed in outcomes:
        assert verdict == ("injective" if expected else "not injective")
        assert witnessed != expected
    return [expected for _, expected, _ in outcomes]


def test_verdicts_equal_exact_enumeration():
    expected = counted(range(20))
    assert 5 <= sum(expected) <= 15  # both answers are well represented


@pytest.mark.slow
def test_verdicts_equal_exact_enumeration_on_500_layers():
    expected = counted(range(1000, 1500))
    assert 125 <= sum(expected) <= 375


@pytest.mark.parametrize("n", [2, 3, 4])
def test_simplex(n):
    """The critical bias of the simplex frame is ``-sqrt((n - 1) / (2 n))``."""
    simplex = np.eye(n + 1) - 1.0 / (n + 1)
    basis = np.linalg.svd(simplex)[2][:n]
    rows = simplex @ basis.T
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    critical = math.sqrt((n - 1) / (2 * n))
    above = rv.layers.analyse(rows, np.full(n + 1, critical + 1e-3))
    below = rv.layers.analyse(rows, np.full(n + 1, critical - 1e-3))
    assert (above.verdict, below.verdict) == ("injective", "not injective")
    assert above.kappa.lower <= math.sqrt(1.0 / n) * (1.0 + 1e-12)
    assert above.kappa.lower >= math.sqrt(0.5 / n) * (1.0 - 1e-6)
    ends = above.layers[0].critical_bias
    assert ends.lower <= -critical <= ends.upper + 1e-9
    assert ends.width <= 1e-6


def test_orthonormal_basis_with_its_negative():
    rows = np.vstack([np.eye(3), -np.eye(3)])
    for radius in (1.0, math.inf):
        found = rv.layers.analyse(rows, None, radius=radius)
        assert found.verdict == "injective"
        assert found.kappa.contains(math.sqrt(0.5))
        assert found.min_active.exact
        assert found.min_active.count == 3
    assert found.notes == ("layer 1 has no biases: taken as zero",)


def test_certificate_verifies():
    weights = np.random.default_rng(7).standard_normal((14, 2))
    found = rv.layers.analyse(weights, np.full(14, 0.3), critical=False)
    certificate = found.layers[0].certificate
    model = rv.ReLU(rv.frames.Dense(weights), -0.3)
    assert found.verdict == "injective"
    assert rv.verify(certificate, model).accepted
    assert certificate.kappa == found.kappa


def test_nonnegative_inputs_need_less():
    # relu is the identity on non-negative inputs, and loses half of them otherwise
    weights = np.eye(3)
    assert rv.layers.analyse(weights, None, nonnegative=True).verdict == "injective"
    found = rv.layers.analyse(weights, None)
    assert found.verdict == "not injective"
    x, y = found.witness
    assert np.array_equal(np.maximum(x, 0.0), np.maximum(y, 0.0))


def test_dependent_active_rows_are_no_injection():
    # four rows are active at (1, 0), and all are multiples of one
    weights = np.array([[1.0, 0], [2, 0], [3, 0], [4, 0], [-1, 1], [-1, -1], [-1, 0.5]])
    found = rv.layers.analyse(weights, None, critical=False)
    assert found.verdict == "not injective"
    x, y = found.witness
    assert np.abs(np.maximum(weights @ x, 0) - np.maximum(weights @ y, 0)).max() <= 1e-12


def test_everywhere_with_biases():
    # on all of R the neuron that is off near 0 does not matter, the ones that are missing do
    both = rv.layers.analyse([[1.0], [-1.0]], [0.5, 0.5], radius=math.inf)
    gap = rv.layers.analyse([[1.0], [-1.0]], [-0.5, -0.5], radius=math.inf)
    assert both.verdict == "injective"
    assert both.kappa.lower <= 1.0
    assert gap.verdict == "not injective"


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(k, marks=pytest.mark.slow) for k in (2, 3))]
)
def test_lower_end_of_kappa_holds_on_random_pairs(seed):
    rng = np.random.default_rng(seed)
    weights, biases = rng.standard_normal((18, 3)), rng.uniform(0.0, 0.6, 18)
    found = rv.layers.analyse(weights, biases, critical=False)
    x = rng.standard_normal((20_000, 2, 3))
    x *= rng.random((20_000, 2, 1)) / np.linalg.norm(x, axis=2)[:, :, None]
    out = np.maximum(x @ weights.T + biases, 0.0)
    ratios = np.linalg.norm(out[:, 0] - out[:, 1], axis=1) / np.linalg.norm(
        x[:, 0] - x[:, 1], axis=1
    )
    assert found.kappa.lower <= ratios.min()
    assert found.min_active.lower <= ((x @ weights.T + biases) > 0.0).sum(axis=2).min()


@pytest.mark.slow
def test_a_wide_layer_is_decided_by_coherence():
    rng = np.random.default_rng(1)
    weights = rng.standard_normal((2500, 220))
    weights /= np.linalg.norm(weights, axis=1)[:, None]
    found = rv.layers.analyse(weights, np.full(2500, 0.9), budget=8.0)
    assert found.verdict == "injective"
    assert 0.0 < found.kappa.lower <= found.kappa.upper
    assert found.min_active.lower <= found.min_active.count < 2500
    left_open = rv.layers.analyse(weights, None, budget=2.0)
    assert left_open.verdict == "undecided"
    assert left_open.kappa.lower == 0.0 < left_open.kappa.upper < math.inf
    assert "too many" in left_open.reason


@pytest.mark.parametrize("seed", range(36))
def test_degenerate_layers_are_never_called_wrongly(seed):
    """Small integers: repeated, parallel, zero and dependent rows, thresholds that meet."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 4))
    m = int(rng.integers(n, 12))
    weights = rng.integers(-2, 3, (m, n)).astype(float)
    biases = np.zeros(m) if seed % 3 == 0 else rng.integers(-1, 4, m) / 2.0
    radius = (1.0, 2.0, math.inf)[seed % 4 % 3]
    nonnegative = bool(rng.random() < 0.3)
    found = rv.layers.analyse(
        weights, biases, radius=radius, nonnegative=nonnegative, budget=3.0, critical=False
    )
    if found.verdict == "not injective":
        x, y = found.witness
        outputs = np.maximum(np.array([x, y]) @ weights.T + biases, 0.0)
        assert np.abs(outputs[0] - outputs[1]).max() <= 1e-12
        assert np.linalg.norm(x - y) > 1e-6
        assert not nonnegative or min(x.min(), y.min()) >= 0.0
    points = rng.standard_normal((5000, n))
    points *= (
        min(radius, 20.0)
        * rng.random((5000, 1))
        / np.linalg.norm(points, axis=1, keepdims=True)
    )
    points = np.abs(points) if nonnegative else points
    patterns = np.unique(points @ weights.T + biases > 0.0, axis=0)
    spanning = all(
        np.linalg.matrix_rank(weights[p]) == n if p.any() else False for p in patterns
    )
    if not spanning:
        assert found.verdict != "injective"
