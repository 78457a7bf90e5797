"""Attackers of what is promised of ReLU and saturation data, with and without priors.

Admissible signals are pushed away from the recovered one by bisection, in batches: along the
directions that data and prior see least, those in which noise at the corners of its bounds
would move the least-squares solution, random ones, and then on from the farthest found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import attack_draws as draws
import numpy as np
from attack_draws import MILD, Maker, Scales
from attack_scene import NONE_YET, Scene, Tally, refused, unit_rows, worst_of

from recover.certificates.certificate import Certificate
from recover.certificates.parts import combine
from recover.certificates.posteriori import certify_posteriori
from recover.core.arrays import Array
from recover.core.errors import ParameterError

BATCH = 400  # directions of a push
HALVINGS = 30
DRAWS = 40  # scenes in a row that may give another kind of certificate


def recovered(rng: np.random.Generator, scene: Scene) -> Array:
    """A least-squares solution, or something near the truth, or something poor."""
    x, fixed = scene.truth, scene.fixed
    kind = rng.integers(4)
    shift = scene.basis() @ rng.standard_normal(scene.basis().shape[1])
    if kind > 0 and scene.rows is not None and scene.span is None and fixed.any():
        value = scene.y[fixed] + (scene.low[fixed] if scene.relu else 0.0)
        x = np.linalg.lstsq(scene.rows[fixed], value, rcond=None)[0]
        return x if kind > 1 else x + 1e-3 * shift
    if scene.rows is None and scene.span is None:
        x = np.where(fixed, scene.y, x + 10.0 ** rng.uniform(-6, 0) * shift)
        return np.clip(x, *scene.box) if scene.box is not None else x
    return x + 10.0 ** rng.uniform(-8, 0) * shift


def pushed(scene: Scene, start: Array, along: Array, reach: float) -> Array:
    """Push each start along its direction as far as it stays admissible."""
    low, high = np.zeros(len(start)), np.full(len(start), reach)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        fits = scene.admissible(start + middle[:, None] * along)
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return start + low[:, None] * along


def worst_ways(rng: np.random.Generator, scene: Scene, x_hat: Array) -> Array:
    """Directions that are meant to lead far."""
    basis, seen = scene.basis(), scene.matrix[scene.fixed]
    stack = seen if scene.operator is None else np.concatenate([seen, scene.operator])
    inner = stack @ basis
    ways = [rng.standard_normal((BATCH // 4, basis.shape[1])) @ basis.T]
    if inner.size:
        ways.append(np.linalg.svd(inner)[2] @ basis.T)
        inverse = np.linalg.pinv(inner)
        corners = rng.choice([-1.0, 1.0], (BATCH // 8, inner.shape[0]))
        rows = np.where(inverse >= 0.0, 1.0, -1.0)
        each = np.where(np.isfinite(scene.each), scene.each, 1.0)[scene.fixed]
        weight = np.concatenate([each, np.ones(inner.shape[0] - each.size)])
        ways += [(np.concatenate([corners, rows]) * weight) @ inverse.T @ basis.T]
    ways.append(basis.T)
    ways.append((scene.truth - x_hat)[None] @ np.linalg.pinv(basis).T @ basis.T)
    found = unit_rows(np.concatenate(ways))
    return np.concatenate([found, -found])


def driven(rng: np.random.Generator, scene: Scene, x_hat: Array, reach: float) -> Array:
    """Admissible signals as far from the recovered one as they were found."""
    ways = worst_ways(rng, scene, x_hat)
    found = [pushed(scene, np.tile(scene.truth, (len(ways), 1)), ways, reach)]
    for _ in range(2):
        apart = np.linalg.norm(found[-1] - x_hat, axis=1)
        best = found[-1][np.argsort(apart)[-8:]]
        start = best[rng.integers(len(best), size=BATCH)]
        basis = scene.basis()
        noise = unit_rows(rng.standard_normal((BATCH, basis.shape[1])) @ basis.T)[:BATCH]
        away = start - x_hat if scene.rows is not None else (start - x_hat) * ~scene.fixed
        if scene.span is not None:
            away = away @ np.linalg.pinv(basis).T @ basis.T
        away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-300)
        mixed = away + 10.0 ** rng.uniform(-3, 0.5, (BATCH, 1)) * noise
        mixed[: BATCH // 4] = ways[rng.integers(len(ways), size=BATCH // 4)]
        size = np.linalg.norm(mixed, axis=1, keepdims=True)
        found.append(pushed(scene, start, mixed / np.maximum(size, 1e-300), reach))
    return np.concatenate(found)


def judged(scene: Scene, certificate: Certificate, x_hat: Array, found: Array) -> float:
    """The largest ratio of an error, of an entry, or of kappa to what was promised."""
    apart = np.linalg.norm(found - x_hat, axis=1)
    worst = worst_of(np.ldexp(apart, scene.q), certificate.error_bound)
    if certificate.pointwise is not None:
        away = np.ldexp(np.abs(found - x_hat), scene.q)
        worst = max(worst, worst_of(away, certificate.pointwise))
    if certificate.centre is not None:
        centre = np.ldexp(certificate.centre, -scene.q)
        apart = np.ldexp(np.linalg.norm(found - centre, axis=1), scene.q)
        worst = max(worst, worst_of(apart, certificate.evidence.values["centre_bound"]))
    if scene.operator is None and scene.span is None:
        rows, change = scene.matrix[scene.fixed], found - scene.truth
        seen = np.linalg.norm(change @ rows.T, axis=1)
        size = np.linalg.norm(change, axis=1)
        seen += 1e-13 * np.linalg.norm(rows) * np.linalg.norm(found, axis=1)
        worst = max(worst, worst_of(np.ldexp(certificate.kappa.lower, -scene.p) * size, seen))
    return worst


def certified(
    rng: np.random.Generator, make: Maker, scales: Scales
) -> tuple[Scene, Array, Certificate] | None:
    """A scene at some scale, a recovered signal, and what is promised of it."""
    p, q = scales[rng.integers(len(scales))]
    with np.errstate(all="ignore"):  # at the ends of the range
        scene = make(rng)
        scene = replace(scene, p=0 if scene.rows is None else p, q=q).snapped()
        problem = refused(scene)
        if problem is None or not scene.admissible(scene.truth[None]).all():
            return None
        scene = replace(scene, fixed=problem.knowledge.fixed)
        x_hat = np.ldexp(recovered(rng, scene), q)
        x_hat = problem.domain.project(x_hat)
        try:
            certificate = certify_posteriori(
                problem, x_hat, budget=9.0 if rng.random() < 0.5 else None
            )
        except ParameterError:
            return None
    return scene, np.ldexp(x_hat, -q), certificate


def reach_of(scene: Scene, certificate: Certificate) -> float:
    """Farther than any signal may be by the promise, or far for the scene."""
    size = 10.0 * (1.0 + float(np.linalg.norm(scene.truth)))
    bound = float(np.ldexp(certificate.error_bound, -scene.q))
    return 3.0 * bound if 0.0 < bound < size else size


def attacker(
    kind: str, make: Maker, scales: Scales = draws.SCALES
) -> Callable[[np.random.Generator, int], Tally]:
    """The attacker of one kind of evidence on the scenes that call for it."""

    def attack(rng: np.random.Generator, budget: int) -> Tally:
        tally, idle = NONE_YET, 0
        while tally.pairs < budget:
            case = certified(rng, make, scales)
            if case is None or case[2].evidence.kind != kind:
                idle += 1
                assert idle < DRAWS, f"no certificate of kind {kind!r} was issued"
                continue
            idle = 0
            scene, x_hat, certificate = case
            found = driven(rng, scene, x_hat, reach_of(scene, certificate))
            ratio = judged(scene, certificate, x_hat, found)
            tally = tally.and_also(Tally(len(found), ratio))
        return tally

    return attack


def parts(rng: np.random.Generator, budget: int) -> Tally:
    """Independent measurements put together: the parts' worst errors together, and mixtures."""
    tally = NONE_YET
    while tally.pairs < budget:
        cases = [certified(rng, draws.rows_scene, MILD[:2]) for _ in range(3)]
        finite = [case for case in cases if case is not None and case[2].finite]
        if len(finite) < 2:
            continue
        whole = combine([(str(k), case[2]) for k, case in enumerate(finite)])
        total = 0.0
        for scene, x_hat, certificate in finite:
            found = driven(rng, scene, x_hat, reach_of(scene, certificate))
            apart = np.sort(np.linalg.norm(found - x_hat, axis=1))[-BATCH:]
            total = total + apart**2
        tally = tally.and_also(Tally(BATCH, worst_of(np.sqrt(total), whole.error_bound)))
    return tally


ATTACKERS = {
    "none": attacker("none", draws.open_scene),
    "rows": attacker("rows", draws.rows_scene),
    "intervals": attacker("intervals", draws.intervals_scene),
    "polytope": attacker("polytope", draws.polytope_scene, MILD),
    "stacked prior": attacker("stacked prior", draws.stacked_scene),
    "quadratic samples": attacker("quadratic samples", draws.quadratic_scene),
    "subspace": attacker("subspace", draws.subspace_scene),
    "parts": parts,
}
