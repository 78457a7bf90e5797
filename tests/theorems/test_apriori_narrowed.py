"""The enclosure of kappa of ReLU and saturation, narrowed by pairs of cells."""

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest

from recover.certificates.apriori import certify_apriori
from recover.certificates.certificate import Certificate
from recover.certificates.lipschitz import clip_ratio_upper, segment_share
from recover.certificates.verify import verify
from recover.frames.dense import Dense
from recover.models.domains import Ball, Everywhere
from recover.models.relu import ReLU
from recover.models.saturation import Saturation

CLOSED = 1e-6
FEW, MANY = 6, 300  # frames of each model: by default, and in the slow run


def roots(count: int, start: float = 0.0) -> np.ndarray:
    angles = start + 2.0 * np.pi * np.arange(count) / count
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def frame(rng: np.random.Generator, seed: int) -> np.ndarray:
    """Return a small frame, every third one degenerate."""
    n = int(rng.integers(1, 4))
    rows = rng.standard_normal((int(rng.integers(n, 4 * n + 1)), n))
    kind = seed % 9
    if kind == 0:
        rows = np.vstack([rows, rows[: len(rows) // 2]])
    elif kind == 3:
        rows = np.vstack([rows, -rows[:2], np.zeros((1, n))])
    elif kind == 6:
        cube = np.array(np.meshgrid([-1.0, 1.0], [-1.0, 1.0])).reshape(2, -1).T
        shapes = [roots(5), roots(8), np.vstack([np.eye(3), -np.eye(3)]), cube]
        rows = shapes[seed // 9 % 4]
    return rows


def problem(kind: str, seed: int):
    rng = np.random.default_rng(seed)
    rows = frame(rng, seed)
    radius = float(rng.uniform(0.5, 2.0))
    scope = Ball(radius, nonnegative=bool(seed % 5 == 4))
    if kind == "relu":
        bias = -radius * rng.random(len(rows)) * (seed % 4 != 3)
        return ReLU(Dense(rows), bias), scope
    sizes = np.linalg.norm(rows, axis=1) + 0.1
    high = radius * sizes * rng.uniform(0.5, 1.1, len(rows))
    low = -radius * sizes * rng.uniform(0.5, 1.1, len(rows)) if seed % 2 else -high
    return Saturation(Dense(rows), low, high), scope


def measured(model, x: np.ndarray) -> np.ndarray:
    return np.array([model(v) for v in x])


def exact_ratio(model, x: np.ndarray, y: np.ndarray) -> float:
    """Return ``|F(x) - F(y)| / |x - y|`` in fractions: near pairs leave floats few digits."""

    def values(v: np.ndarray) -> list[Fraction]:
        products = [
            sum(Fraction(a) * Fraction(b) for a, b in zip(row, v.tolist(), strict=True))
            for row in model.frame.rows.tolist()
        ]
        if isinstance(model, ReLU):
            return [max(t - Fraction(b), 0) for t, b in zip(products, model.bias, strict=True)]
        ends = zip(products, model.low, model.high, strict=True)
        return [min(max(t, Fraction(low)), Fraction(high)) for t, low, high in ends]

    change = sum((p - q) ** 2 for p, q in zip(values(x), values(y), strict=True))
    apart = sum(
        (Fraction(p) - Fraction(q)) ** 2 for p, q in zip(x.tolist(), y.tolist(), strict=True)
    )
    return math.sqrt(change / apart)


def brute_force(model, scope: Ball, rng: np.random.Generator) -> float:
    """Return the least ratio of many pairs, improved: an upper bound of kappa."""
    n = model.frame.signal_shape[0]

    def inside(x: np.ndarray) -> np.ndarray:
        x = np.maximum(x, 0.0) if scope.nonnegative else x
        norms = np.linalg.norm(x, axis=1, keepdims=True)
        return x * np.minimum(1.0, scope.radius / np.maximum(norms, 1e-300))

    def ratios(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        apart = np.linalg.norm(x - y, axis=1)
        change = np.linalg.norm(measured(model, x) - measured(model, y), axis=1)
        return np.where(apart > 1e-4 * scope.radius, change / np.maximum(apart, 1e-12), np.inf)

    points = inside(scope.radius * 1.3 * rng.standard_normal((600, n)))
    values = measured(model, points)
    i, j = np.triu_indices(len(points), 1)
    apart = np.linalg.norm(points[i] - points[j], axis=1)
    first = np.linalg.norm(values[i] - values[j], axis=1) / np.maximum(apart, 1e-12)
    first[apart < 1e-3 * scope.radius] = np.inf
    best = np.argsort(first)[:40]
    x, y = points[i[best]], points[j[best]]
    kept = ratios(x, y)
    for round_ in range(60):
        scale = scope.radius * 0.8 ** (round_ / 1.5)
        which = rng.integers(len(x), size=80)
        moved = [inside(a[which] + scale * rng.standard_normal((80, n))) for a in (x, y)]
        x, y = np.vstack([x, moved[0]]), np.vstack([y, moved[1]])
        kept = np.append(kept, ratios(*moved))
        order = np.argsort(kept)[:40]
        x, y, kept = x[order], y[order], kept[order]
    return exact_ratio(model, x[0], y[0])


def check(kind: str, seed: int) -> bool:
    model, scope = problem(kind, seed)
    cert = certify_apriori(model, scope, budget=120.0)
    kappa = cert.kappa
    assert verify(Certificate.from_json(cert.to_json()), model).reasons == ()
    least = brute_force(model, scope, np.random.default_rng(seed + 1))
    assert kappa.lower <= least * (1.0 + 1e-12) + 1e-12
    # what was found from above is no worse than what plain sampling finds
    assert kappa.upper <= least * (1.0 + 1e-6) + 1e-9
    closed = kappa.lower >= kappa.upper * (1.0 - CLOSED)
    assert cert.evidence.values["kappa_closed"] is closed
    assert closed or cert.reason
    assert kappa.lower >= math.sqrt(cert.evidence.values["eigenvalue_lower"] / 2.1) * (
        kind == "relu"
    )
    a = cert.evidence.values["eigenvalue_upper"]
    assert kappa.upper <= math.sqrt(a) * (1.0 + 1e-5) + 1e-7
    return closed


@pytest.mark.parametrize("kind", ["relu", pytest.param("saturation", marks=pytest.mark.slow)])
def test_against_brute_force(kind):
    closed = [check(kind, seed) for seed in range(FEW)]
    assert np.mean(closed) >= 0.75


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["relu", "saturation"])
def test_against_brute_force_on_many_frames(kind):
    closed = [check(kind, seed) for seed in range(FEW, FEW + MANY)]
    assert np.mean(closed) >= 0.9


@pytest.mark.parametrize("seed", range(3))
def test_doubled_frames_close_at_the_square_root_of_half(seed):
    rows = np.random.default_rng(seed).standard_normal((5, 3))
    model = ReLU(Dense(np.vstack([rows, -rows])), 0.0)
    for scope in (Ball(1.0), Everywhere()):
        cert = certify_apriori(model, scope, budget=20.0)
        truth = math.sqrt(np.linalg.eigvalsh(rows.T @ rows)[0] / 2.0)
        assert cert.kappa.lower == pytest.approx(truth, rel=1e-6)
        assert cert.kappa.upper == pytest.approx(truth, rel=1e-6)
        assert cert.reason is None


@pytest.mark.parametrize("a", [0.0, 0.3, 0.8])
def test_line_with_two_rows_has_its_closed_form(a):
    model = ReLU(Dense(np.array([[1.0], [-1.0]])), -a)
    cert = certify_apriori(model, Ball(1.0), budget=20.0)
    truth = min(1.0, (1.0 + a) / math.sqrt(2.0))
    assert cert.kappa.lower == pytest.approx(truth, rel=1e-6)
    assert cert.kappa.upper == pytest.approx(truth, rel=1e-6)


def test_no_bound_below_what_is_known_of_zero():
    model = ReLU(Dense(np.eye(2)), 0.0)
    cert = certify_apriori(model, Ball(1.0), budget=20.0)
    assert (cert.kappa.lower, cert.kappa.upper) == (0.0, 0.0)
    assert verify(cert, model).accepted


def closed_example():
    rows = np.random.default_rng(3).standard_normal((8, 2))
    model = ReLU(Dense(rows), -0.4)
    cert = certify_apriori(model, Ball(1.0), budget=60.0)
    assert cert.reason is None
    assert cert.evidence.values["pair_value"] > 0.0
    assert verify(cert, model).accepted
    return cert, model


def altered(cert: Certificate, arrays: dict, **values) -> Certificate:
    evidence = dataclasses.replace(
        cert.evidence,
        arrays={**cert.evidence.arrays, **arrays},
        values={**cert.evidence.values, **values},
    )
    return dataclasses.replace(cert, evidence=evidence)


def test_forged_records_are_refused():
    cert, model = closed_example()
    arrays = cert.evidence.arrays
    steps, integers, numbers = (
        arrays[k] for k in ("pair_steps", "pair_integers", "pair_numbers")
    )
    value = cert.evidence.values["pair_value"]
    leaf = int(np.flatnonzero(steps == -3)[0])
    forged = [
        altered(cert, {}, pair_value=value * 1.001),
        altered(cert, {"pair_steps": steps[:-1]}),
        altered(cert, {"pair_steps": np.append(steps, steps[-1])}),
        altered(cert, {"pair_steps": np.delete(steps, leaf)}),
        altered(cert, {"pair_steps": np.where(np.arange(len(steps)) == leaf, -1, steps)}),
        altered(cert, {"pair_numbers": 0.9 * numbers}),
        altered(cert, {"pair_numbers": -numbers}),
        altered(cert, {"pair_numbers": numbers[:-1]}),
        altered(cert, {"pair_numbers": numbers * np.nan}),
        altered(cert, {"pair_integers": integers + 1}),
        altered(cert, {"pair_integers": integers[:-1]}),
        altered(cert, {"pair_steps": np.array([-3], dtype=np.int32)}),
        altered(cert, {}, pair_value=0.0),
        altered(cert, {}, kappa_closed=False),
    ]
    for case in forged:
        assert not verify(case, model).accepted
    other = ReLU(Dense(model.frame.rows * 1.01), -0.4)
    assert not verify(cert, other).accepted


def test_a_share_of_the_segment_is_at_most_one_half():
    rows = np.array([[1.0, 0.0], [0.0, 1.0]])
    for level, share in ((0.9, 0.5), (0.55, 0.40375), (0.2, 0.18)):
        high = np.full(2, level)
        assert segment_share(rows, -high, high, 1.0) == pytest.approx(share, rel=1e-9)
    assert segment_share(rows, np.zeros(2), np.full(2, np.inf), 1.0) == 0.5


@pytest.mark.parametrize("seed", range(4))
def test_pairs_near_the_sphere_stay_above(seed):
    rng = np.random.default_rng(seed)
    model, scope = problem("saturation" if seed % 2 else "relu", 2 * seed + 1)
    cert = certify_apriori(model, scope, budget=20.0)
    n = model.frame.signal_shape[0]
    low = model.low if isinstance(model, Saturation) else model.bias
    high = model.high if isinstance(model, Saturation) else np.full(low.shape, np.inf)
    x = rng.standard_normal((3000, n))
    x = np.abs(x) if scope.nonnegative else x
    x *= scope.radius * (1.0 - 1e-12) / np.linalg.norm(x, axis=1, keepdims=True)
    for a, b in zip(x[::2], x[1::2], strict=True):
        assert clip_ratio_upper(model.frame.rows, low, high, a, b) >= cert.kappa.lower
