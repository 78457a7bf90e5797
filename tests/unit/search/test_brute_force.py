"""Exact values against slow, independent enumeration on random small frames."""

import itertools

import numpy as np
import pytest
from scipy.optimize import nnls

from recover.certificates.search.bracket import bracket_cells, bracket_splits
from recover.certificates.search.clock import Clock
from recover.certificates.search.measure import Bands

CASES = 300
RAISE = 1e-5  # cells thinner than this may be missed by the enumeration


def has_interior(normals: np.ndarray, levels: np.ndarray, radius: float) -> bool:
    """Least distance programming (Lawson and Hanson): normals @ y >= levels, |y| < R."""
    cone = not levels.any()
    sizes = np.linalg.norm(normals, axis=1)
    # homogeneous constraints can be raised as far as one likes
    raised = sizes if cone else levels + RAISE * sizes
    if (sizes == 0.0).any() and (raised[sizes == 0.0] >= 0.0).any():
        return False
    target = np.zeros(normals.shape[1] + 1)
    target[-1] = 1.0
    weights, _ = nnls(np.vstack([normals.T, raised]), target, maxiter=10_000)
    gap = np.vstack([normals.T, raised]) @ weights - target
    if np.linalg.norm(gap) < 1e-7:
        return False
    return cone or float(np.linalg.norm(gap[:-1] / gap[-1])) < radius


def enumerate_cells(bands: Bands) -> float:
    """Try every pattern of rows outside their bands, depth first, feasible ones only."""
    n = bands.dimension
    radius = bands.radius if np.isfinite(bands.radius) else np.inf
    best = np.inf

    def descend(row: int, normals: list, levels: list, linear: list) -> None:
        nonlocal best
        if normals and not has_interior(np.array(normals), np.array(levels), radius):
            return
        if row == bands.count:
            kept = bands.rows[linear]
            value = np.linalg.eigvalsh(kept.T @ kept)[0] if len(linear) >= n else 0.0
            best = min(best, max(value, 0.0))
            return
        phi = bands.rows[row]
        descend(row + 1, normals, levels, [*linear, row])
        if np.isfinite(bands.high[row]):
            descend(row + 1, [*normals, phi], [*levels, bands.high[row]], linear)
        if np.isfinite(bands.low[row]):
            descend(row + 1, [*normals, -phi], [*levels, -bands.low[row]], linear)

    faces = list(np.eye(n)) if bands.nonnegative else []
    descend(0, faces, [0.0] * len(faces), [])
    return best


def random_rows(rng: np.random.Generator, trial: int, most: int = 8) -> np.ndarray:
    """Return rows of every kind of degeneracy in turn."""
    n = int(rng.integers(1, 4))
    m = int(rng.integers(n, most + 1))
    rows = rng.standard_normal((m, n))
    kind = trial % 7
    if kind == 1:
        rows[rng.integers(m)] = -rows[0]
    elif kind == 2:
        rows[rng.integers(m)] = rows[0]
    elif kind == 3:
        rows[rng.integers(m)] = 0.0
    elif kind == 4:
        rows = rng.integers(-1, 2, size=(m, n)).astype(float)
    elif kind == 5:
        rows = np.vstack([rows[: m // 2 + 1], -rows[: m // 2 + 1]])[:most]
    elif kind == 6 and m > 2:
        rows[-1] = rows[0] + 2.0 * rows[1]
    return rows


def random_relu(rng: np.random.Generator, trial: int) -> Bands:
    rows = random_rows(rng, trial)
    m = len(rows)
    kind = int(rng.integers(5))
    bias, radius = np.zeros(m), 1.0
    if kind == 1:
        bias = -0.6 * rng.random(m)
    elif kind == 2:
        bias = np.where(rng.random(m) < 0.5, 0.0, -0.6 * rng.random(m))
    elif kind == 3:
        bias, radius = np.full(m, -0.3), 2.0
    elif kind == 4:
        bias, radius = 0.2 * rng.standard_normal(m), 1.5
    return Bands(rows, bias, np.full(m, np.inf), radius, bool(rng.integers(2)))


def random_saturation(rng: np.random.Generator, trial: int) -> Bands:
    rows = random_rows(rng, trial, most=6)
    m = len(rows)
    high = 0.2 + 0.8 * rng.random(m)
    low = -high if trial % 2 else -(0.2 + 0.8 * rng.random(m))
    if trial % 5 == 0:
        high = np.where(rng.random(m) < 0.5, np.inf, high)
    return Bands(rows, low, high, 1.0, trial % 3 == 0)


@pytest.mark.parametrize("make", [random_relu, random_saturation])
def test_cells(make):
    rng = np.random.default_rng(11)
    for trial in range(CASES):
        bands = make(rng, trial)
        found = bracket_cells(bands, Clock.starting(60.0), np.random.default_rng(0))
        truth = enumerate_cells(bands)
        scale = 1.0 + float((bands.rows**2).sum())
        assert found.lower <= truth + 1e-9 * scale, (trial, bands)
        assert found.upper == pytest.approx(truth, abs=1e-9 * scale), (trial, bands)
        assert found.closed, (trial, bands, found.lower, found.upper)


def test_everywhere_with_biases_of_both_signs():
    rng = np.random.default_rng(12)
    for trial in range(60):
        rows = random_rows(rng, trial, most=7)
        bias = 0.3 * rng.standard_normal(len(rows))
        if trial % 2:  # rows that are never cut off
            bias[rng.integers(len(rows))] = -np.inf
        if trial % 4 == 1:
            bias = -np.abs(bias)
        infinite = np.full(len(rows), np.inf)
        found = bracket_cells(
            Bands(rows, bias, infinite, np.inf), Clock.starting(60.0), np.random.default_rng(0)
        )
        truth = enumerate_cells(Bands(rows, bias, infinite, 1e6))
        assert found.lower <= truth + 1e-9, trial
        assert found.upper == pytest.approx(truth, abs=1e-8), trial


def enumerate_splits(rows: np.ndarray, join=sum) -> float:
    best = np.inf
    for inside in itertools.product([True, False], repeat=len(rows) - 1):
        keep = np.array([True, *inside])
        total = join(
            max(np.linalg.eigvalsh(part.T @ part)[0], 0.0)
            if len(part) >= rows.shape[1]
            else 0.0
            for part in (rows[keep], rows[~keep])
        )
        best = min(best, total)
    return best


def test_splits():
    rng = np.random.default_rng(13)
    for trial in range(CASES):
        rows = random_rows(rng, trial, most=8)
        found = bracket_splits(rows, Clock.starting(60.0), np.random.default_rng(0))
        truth = enumerate_splits(rows)
        scale = 1.0 + float((rows**2).sum())
        assert found.lower <= truth + 1e-12 * scale
        assert found.upper == pytest.approx(truth, abs=1e-10 * scale)
        assert found.closed, (trial, rows, found.lower, found.upper)


def test_sigma_of_the_strong_complement_property():
    rng = np.random.default_rng(14)
    for trial in range(100):
        rows = random_rows(rng, trial, most=8)
        truth = enumerate_splits(rows, max)
        total = enumerate_splits(rows)
        scale = 1.0 + float((rows**2).sum())
        found = bracket_splits(
            rows, Clock.starting(60.0), np.random.default_rng(0), larger=True
        )
        assert found.lower <= truth + 1e-12 * scale
        assert found.upper == pytest.approx(truth, abs=1e-10 * scale)
        assert found.closed, (trial, rows, found.lower, found.upper)
        # the published inequalities
        slip = 1e-12 * scale
        assert truth - slip <= total <= 2.0 * truth + slip
