"""Measurements that are hard on certificates of ReLU and saturation data, one maker a kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from attack_scene import Scene, measured

from recover.core.arrays import Array

Maker = Callable[[np.random.Generator], Scene]
Scales = tuple[tuple[int, int], ...]

# powers of two of rows and signals: huge, tiny, subnormal data
SCALES: Scales = (
    (0, 0),
    (0, 0),
    (0, 0),
    (60, -60),
    (-300, 250),
    (250, -200),
    (0, -1020),
    (-480, 0),
)
# where linear programs, whose tolerances are absolute, still prove something
MILD: Scales = ((0, 0), (0, 0), (0, 0), (10, -12), (-14, 20))


def hostile_rows(rng: np.random.Generator, m: int, n: int) -> Array:
    """Gaussian rows of uneven size, nearly dependent, in opposite pairs, or integers."""
    rows = rng.standard_normal((m, n)) * np.exp(0.5 * rng.standard_normal((m, 1)))
    kind = rng.integers(5)
    if kind == 0 and n > 1:  # ill-conditioned in a direction that is no axis
        turn = np.linalg.qr(rng.standard_normal((n, n)))[0]
        rows = rows @ (turn * np.logspace(0.0, -rng.uniform(1.0, 6.0), n)) @ turn.T
    elif kind == 1:
        rows = rows * 10.0 ** rng.uniform(-3, 3, (m, 1))
    elif kind == 2:
        rows = np.concatenate([rows[: (m + 1) // 2], -rows[: m // 2]])
    elif kind == 3:
        rows = np.round(3.0 * rows)
    return rows


def dense_scene(rng: np.random.Generator, n: int, m: int, tight: float) -> Scene:
    """Rows with levels of which some stand within rounding of the coefficients."""
    rows, truth = hostile_rows(rng, m, n), rng.standard_normal(n)
    truth *= 0.9 / max(1.0, float(np.abs(truth).max()))
    t = rows @ truth
    relu = bool(rng.random() < 0.5)
    if relu:
        low, high = rng.normal(-0.3, 0.3, m) * tight, np.full(m, np.inf)
    else:
        low, high = -tight * rng.uniform(0.2, 2.0, m), tight * rng.uniform(0.2, 2.0, m)
    near = rng.random(m) < rng.choice([0.0, 0.3])
    edge = t * (1.0 + rng.choice([-1.0, 0.0, 1.0], m) * 10.0 ** rng.uniform(-16, -6, m))
    low = np.where(near & (t < 0.0), edge, low)
    high = np.where(near & (t > 0.0) & (not relu), edge, high)
    noise = 10.0 ** rng.uniform(-6, -1)
    return measured(rng, truth, rows, relu=relu, low=low, high=high, noise=noise)


def sample_scene(rng: np.random.Generator, n: int, *, positive: bool = False) -> Scene:
    """Clipped samples, exact or not."""
    t = np.arange(n)
    truth = 1.4 * np.sin(2 * np.pi * t / rng.uniform(6, 20) + 6.3 * rng.random())
    truth = truth + 0.1 * rng.standard_normal(n)
    truth = np.abs(truth) if positive else truth
    level = rng.uniform(0.5, 1.3)
    low, high = np.full(n, -level), np.full(n, level)
    noise = float(rng.choice([0.0, 10.0 ** rng.uniform(-5, -2)]))
    return measured(rng, truth, None, relu=False, low=low, high=high, noise=noise)


def in_domain(rng: np.random.Generator, scene: Scene) -> Scene:
    size = float(np.abs(scene.truth).max())
    norm = float(np.linalg.norm(scene.truth))
    if rng.random() < 0.5:
        return replace(scene, box=(-size * rng.uniform(1, 2), size * rng.uniform(1, 2)))
    return replace(scene, radius=norm * rng.uniform(1.0 + 1e-8, 2.0))


def with_prior(rng: np.random.Generator, scene: Scene) -> Scene:
    n = scene.truth.size
    filters = np.zeros((max(n - 2, 0), n))
    for i in range(n - 2):
        filters[i, i : i + 3] = [1.0, -rng.uniform(1.4, 1.8), 0.95]
    operator = np.concatenate([filters, 10.0 ** rng.uniform(-4, 0) * np.eye(n)])
    budget = float(np.linalg.norm(operator @ scene.truth)) * rng.uniform(1.0 + 1e-7, 1.5)
    return replace(scene, operator=operator, budget=budget)


def rows_scene(rng: np.random.Generator) -> Scene:
    n = int(rng.integers(1, 7))
    return dense_scene(rng, n, int(rng.integers(2 * n, 6 * n + 2)), 1.0)


def intervals_scene(rng: np.random.Generator) -> Scene:
    draw = rng.random()
    if draw < 0.6:
        return in_domain(rng, sample_scene(rng, int(rng.integers(2, 12))))
    if draw < 0.8:
        scene = sample_scene(rng, int(rng.integers(2, 12)), positive=True)
        radius = float(np.linalg.norm(scene.truth)) * rng.uniform(1.0 + 1e-8, 2.0)
        return replace(scene, radius=radius, nonnegative=True)
    n = int(rng.integers(2, 6))
    return replace(dense_scene(rng, n, n - 1, 1.0), radius=2.0 * np.sqrt(n))


def polytope_scene(rng: np.random.Generator) -> Scene:
    n = int(rng.integers(2, 5))
    return in_domain(rng, dense_scene(rng, n, int(rng.integers(n, 4 * n)), 0.4))


def stacked_scene(rng: np.random.Generator) -> Scene:
    n = int(rng.integers(3, 9))
    return with_prior(rng, dense_scene(rng, n, int(rng.integers(2, 2 * n)), 0.6))


def quadratic_scene(rng: np.random.Generator) -> Scene:
    return with_prior(rng, sample_scene(rng, int(rng.integers(6, 16))))


def subspace_scene(rng: np.random.Generator) -> Scene:
    """Signals in a span, orthonormal or far from it, or of a support."""
    n = int(rng.integers(5, 24))
    k = int(rng.integers(1, 5))
    support = bool(rng.random() < 0.4)
    if support:
        mask = np.zeros(n, dtype=bool)
        mask[rng.choice(n, k, replace=False)] = True
        span = np.eye(n)[:, mask]
    else:
        span = rng.standard_normal((n, k)) * 10.0 ** rng.uniform(-2, 2, k)
        span = np.linalg.qr(span)[0] if rng.random() < 0.5 else span
    scene = dense_scene(rng, n, n + 4, 1.0)
    truth = span @ rng.standard_normal(k)
    truth /= max(float(np.abs(truth).max()), 1e-3)
    rows = None if rng.random() < 0.5 and not support else scene.rows
    t = truth if rows is None else rows @ truth
    level = np.full(t.size, rng.uniform(0.5, 1.2) * float(np.abs(t).max()))
    noise = 10.0 ** rng.uniform(-6, -2)
    scene = measured(rng, truth, rows, relu=False, low=-level, high=level, noise=noise)
    return replace(scene, span=span, mask=mask if support else None)


def open_scene(rng: np.random.Generator) -> Scene:
    """More is clipped than can be: nothing may be promised."""
    n = int(rng.integers(3, 9))
    return sample_scene(rng, n) if rng.random() < 0.5 else dense_scene(rng, n, n, 0.3)
