"""Attack: noisy recoveries and consistent signals driven as far away as they go.

Consistency is decided here from the definition of the measurement, not from what the models say
of it: x is consistent if some noise within its bounds makes its measurement the data.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from recover.certificates.posteriori import certify_posteriori
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.frames.dense import Dense
from recover.models.domains import Ball, Box, Domain, Everywhere
from recover.models.noise import AFTER, BEFORE, Noise, Where
from recover.models.problem import Problem
from recover.models.relu import ReLU
from recover.models.saturation import Saturation

TRIALS = 2000


def least_noise(problem: Problem, t: Array) -> Array:
    """The smallest noise entry by entry with which coefficients t give the data."""
    model, y = problem.model, problem.y
    if problem.noise.where is AFTER:
        return y - model.apply(t)
    if isinstance(model, ReLU):
        u = t - model.bias
        return np.where(y > 0.0, y - u, np.minimum(-u, 0.0))
    low, high = model.low, model.high
    return np.where(
        y >= high,
        np.maximum(high - t, 0.0),
        np.where(y <= low, np.minimum(low - t, 0.0), y - t),
    )


def consistent(problem: Problem, x: Array) -> Array:
    """Which signals of a batch could have given the data."""
    e = least_noise(problem, problem.model.frame.analysis(x))
    tight = 1.0 - 1e-12
    fits = (np.abs(e) <= np.asarray(problem.noise.each) * tight).all(axis=-1)
    fits &= np.linalg.norm(e, axis=-1) <= problem.noise.l2 * tight
    if not isinstance(problem.domain, Everywhere):
        fits &= np.array([problem.domain.contains(each) for each in x])
    return fits


def farthest(problem: Problem, starts: Array, directions: Array, reach: float) -> Array:
    """Push each start along each direction as far as it stays consistent."""
    begin = np.repeat(starts, len(directions), axis=0)
    along = np.tile(directions, (len(starts), 1))
    low, high = np.zeros(len(begin)), np.full(len(begin), 2.0 * reach)
    for _ in range(24):
        middle = (low + high) / 2.0
        fits = consistent(problem, begin + middle[:, None] * along)
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return begin + low[:, None] * along


def draw(
    rng: np.random.Generator,
    kind: str,
    where: Where,
    bounded: str,
    domain: Domain | None = None,
) -> tuple[Problem, Array]:
    n = int(rng.integers(1, 7))
    m = int(rng.integers(n, 6 * n + 2))
    rows = rng.standard_normal((m, n)) * np.exp(0.5 * rng.standard_normal((m, 1)))
    x = rng.standard_normal(n)
    x *= 0.9 / max(1.0, float(np.abs(x).max()))
    frame = Dense(rows)
    if kind == "relu":
        model: ReLU | Saturation = ReLU(frame, rng.normal(-0.3, 0.3, m))
    else:
        model = Saturation(frame, -rng.uniform(0.2, 2.0), rng.uniform(0.2, 2.0, m))
    size = 10.0 ** rng.uniform(-6, -1)
    e = rng.uniform(-1.0, 1.0, m) if rng.random() < 0.5 else rng.choice([-1.0, 1.0], m)
    if bounded == "l2":
        e, noise = size * e / np.linalg.norm(e), Noise(l2=size * (1 + 1e-9), where=where)
    else:
        each = size * rng.uniform(0.5, 1.5, m)
        e, noise = e * each, Noise(each=each * (1 + 1e-9), where=where)
    t = rows @ x
    y = model.apply(t + e) if where is BEFORE else model.apply(t) + e
    return Problem(model, y, noise=noise, domain=domain), x


def recovered(rng: np.random.Generator, problem: Problem, x: Array) -> Array:
    """The least-squares solution, or something near the truth, or something poor."""
    fixed = problem.knowledge.fixed
    rows = problem.model.frame.matrix()[fixed]
    kind = rng.integers(4)
    if kind == 0 or len(rows) == 0:
        return x + 10.0 ** rng.uniform(-8, 0) * rng.standard_normal(x.size)
    solution = np.linalg.lstsq(rows, problem.knowledge.value[fixed], rcond=None)[0]
    return solution if kind > 1 else solution + 1e-3 * rng.standard_normal(x.size)


def attack(rng: np.random.Generator, problem: Problem, x: Array, x_hat: Array) -> Array:
    """Consistent signals meant to be far from the recovered one."""
    fixed = problem.knowledge.fixed
    rows = problem.model.frame.matrix()
    directions = [x - x_hat, rng.standard_normal(x.size)]
    if fixed.any():
        directions += list(np.linalg.svd(rows[fixed])[2])
    unit = np.array([d / np.linalg.norm(d) for d in directions if np.linalg.norm(d) > 0.0])
    starts = np.array([x, x_hat])
    starts = starts[consistent(problem, starts)]
    assert len(starts) >= 1, "the true signal must be consistent"
    reach = 4.0 * (float(np.linalg.norm(x - x_hat)) + 3.0)
    first = farthest(problem, starts, np.concatenate([unit, -unit]), reach)
    best = first[np.argsort(np.linalg.norm(first - x_hat, axis=1))[-2:]]
    away = best - x_hat
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-300)
    second = farthest(problem, best, np.concatenate([away, unit, -unit]), reach)
    return np.concatenate([first, second])


@pytest.mark.parametrize("trials", [TRIALS // 3, pytest.param(TRIALS, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["relu", "saturation"])
def test_no_certificate_of_fixed_rows_is_violated(kind: str, trials: int) -> None:
    rng = np.random.default_rng({"relu": 20, "saturation": 21}[kind])
    usable, ratios, violations = 0, [], []
    for trial in range(trials):
        where = (AFTER, BEFORE)[trial % 2]
        problem, x = draw(rng, kind, where, ("l2", "each")[trial // 2 % 2])
        x_hat = recovered(rng, problem, x)
        certificate = certify_posteriori(problem, x_hat)
        if not certificate.finite:
            assert certificate.reason
            continue
        usable += 1
        found = attack(rng, problem, x, x_hat) if trial % 2 == 0 else x[None]
        away = np.linalg.norm(found - x_hat, axis=1)
        ratios.append(float(away.max()) / max(certificate.error_bound, 1e-300))
        if ratios[-1] > 1.0:
            violations.append((trial, ratios[-1]))
        if (
            certificate.pointwise is not None
            and not (np.abs(found - x_hat) <= certificate.pointwise).all()
        ):
            violations.append((trial, math.inf))
        if trial % 50 == 0:
            assert verify(certificate, problem).accepted
    assert not violations
    assert usable > 0.6 * trials
    assert max(ratios) > 0.99  # the bound is attained: it cannot be improved in general


@pytest.mark.parametrize("domain", [Ball(3.0), Box(-1.0, 1.0)], ids=["ball", "box"])
@pytest.mark.parametrize("kind", ["relu", "saturation"])
def test_no_certificate_in_a_domain_is_violated(kind: str, domain: Domain) -> None:
    rng = np.random.default_rng(22)
    kinds, best = set(), 0.0
    for trial in range(60):
        where = (AFTER, BEFORE)[trial % 2]
        problem, x = draw(rng, kind, where, ("l2", "each")[trial // 2 % 2], domain)
        x_hat = domain.project(recovered(rng, problem, x))
        certificate = certify_posteriori(problem, x_hat, budget=9.0 if trial % 3 else None)
        assert certificate.finite
        kinds.add(certificate.evidence.kind)
        found = attack(rng, problem, x, x_hat)
        away = np.linalg.norm(found - x_hat, axis=1)
        assert away.max() <= certificate.error_bound
        best = max(best, float(away.max()) / certificate.error_bound)
        if certificate.pointwise is not None:
            assert (np.abs(found - x_hat) <= certificate.pointwise).all()
        if certificate.centre is not None:
            radius = certificate.evidence.values["centre_bound"]
            assert np.linalg.norm(found - certificate.centre, axis=1).max() <= radius
        assert verify(certificate, problem).accepted
    assert {"rows", "polytope"} <= kinds
    assert best > 0.9


def test_extremes_of_linear_programs_stay_within() -> None:
    from scipy.optimize import linprog

    rng = np.random.default_rng(23)
    tight = 0.0
    for trial in range(40):
        problem, x = draw(rng, ("relu", "saturation")[trial % 2], AFTER, "each", Box(-1.0, 1.0))
        rows = problem.model.frame.matrix()
        knowledge = problem.knowledge
        has = np.isfinite(knowledge.upper), np.isfinite(knowledge.lower)
        matrix = np.concatenate([rows[has[0]], -rows[has[1]]])
        limits = np.concatenate([knowledge.upper[has[0]], -knowledge.lower[has[1]]])
        certificate = certify_posteriori(problem, x, budget=9.0)
        for _ in range(6):
            cost = rng.standard_normal(x.size)
            if rng.random() < 0.5:
                cost = np.eye(x.size)[rng.integers(x.size)] * rng.choice([-1.0, 1.0])
            vertex = linprog(cost, A_ub=matrix, b_ub=limits, bounds=(-1.0, 1.0)).x
            # the solver's vertex is off by its own tolerance
            away = float(np.linalg.norm(vertex - x))
            assert away <= certificate.error_bound + 1e-6
            if certificate.pointwise is not None:
                assert (np.abs(vertex - x) <= certificate.pointwise + 1e-6).all()
                ends = np.abs(vertex - x) / np.maximum(certificate.pointwise, 1e-9)
                tight = max(tight, float(ends.max()))
    assert tight > 0.99
