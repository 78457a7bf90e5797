"""The attackers of clipped regions: changes of a picture at the edge of what its energy allows.

What a rule allows of the modes' energies is a polymatroid: for any order of filling the modes
each as full as it goes, so its corners come from orders, and mixtures of corners are inside.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from attack_phase import repeated
from attack_scene import NONE_YET, Tally, worst_of
from scipy import sparse
from scipy.sparse.linalg import spsolve

from recover.certificates.proofs.excess import Effort, certify_regions
from recover.core.arrays import Array
from recover.frames.identity import Identity
from recover.frames.laplacian import Laplacian
from recover.frames.stencil import normal_equations
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.priors import Allowance, ExcessEnergy, Rule, SampleEnergy

BATCH, SIDE = 400, 18
SHADE = 1.0 - 1e-9


class Modes(NamedTuple):
    """Values (unless they are samples) that belong together, their energies and directions."""

    places: Array
    values: Array
    vectors: Array


def picture(rng: np.random.Generator) -> Array:
    """A smooth picture with a few hills, some of them above the level 1."""
    y, x = np.mgrid[:SIDE, :SIDE]
    truth = 0.4 + 0.05 * rng.standard_normal() * x / SIDE
    for _ in range(4):
        cy, cx = rng.uniform(2, SIDE - 2, 2)
        square = (x - cx) ** 2 + (y - cy) ** 2
        truth = truth + rng.uniform(0.3, 1.2) * np.exp(-square / rng.uniform(4.0, 32.0))
    truth[0, 0] = 2.0  # at least one clipped sample
    return truth[None]


def problem_of(rng: np.random.Generator) -> Problem:
    """The clipped picture with the curvature of a power of it as the energy."""
    level = float(np.ldexp(1.0, rng.choice([0, 0, 30, -60])))
    scaled = np.minimum(picture(rng), 1.0)
    power = float(rng.choice([1.0, 0.7, 1.7]))
    unknown = scaled >= 1.0
    made = normal_equations(
        Laplacian(scaled.shape), unknown, np.where(unknown, 0.0, scaled**power)
    )
    energy = SampleEnergy.symmetric(made.matrix, made.places, scaled.shape)
    v = np.maximum(spsolve(sparse.csc_array(energy.matrix), made.right), 1.0)
    bright = v ** (1.0 / power)
    unit = 10.0 ** rng.uniform(-6, -1)
    region = Rule(rng.uniform(0.5, 3.0), rng.uniform(0.0, 12.0), float(rng.choice([0.0, 0.3])))
    whole = Rule(rng.uniform(2.0, 13.0), rng.uniform(0.0, 20.0))
    rule = Allowance(unit, region, whole, rng.uniform(1.0, 9.0), "given")
    slopes = level * bright / v / power
    prior = ExcessEnergy(energy, level * bright, slopes, bright, rule, "curvature")
    model = Saturation(Identity(scaled.shape), None, level)
    return Problem(model, level * scaled, prior=prior)


def modes_of(prior: ExcessEnergy) -> tuple[Array, list[Modes], Modes]:
    """The dense energy, its modes by regions, and all of them in one order."""
    label = sparse.csgraph.connected_components(prior.energy.matrix)[1]
    beta = (np.bincount(label, weights=prior.brightness**2) / np.bincount(label))[label]
    energy = prior.energy.matrix.toarray() / np.outer(prior.slopes, prior.slopes)
    energy = energy / beta[:, None]
    energy = 0.5 * (energy + energy.T)
    groups = [np.flatnonzero(label == r) for r in range(int(label.max()) + 1)]
    regions = [Modes(g, *np.linalg.eigh(energy[np.ix_(g, g)])) for g in groups]
    return energy, regions, Modes(np.arange(label.size), *np.linalg.eigh(energy))


def filled(rng: np.random.Generator, modes: Modes, rule: Rule, unit: float) -> Array:
    """Batches of energies of the modes, at corners and between them."""
    n = modes.values.size
    factor = unit * rule.factors(np.array([n]))[0]
    caps = factor * (np.arange(1, n + 1) + rule.extra)  # of the m softest, m = 1 ... n
    held = np.empty((BATCH, n))
    for b in range(BATCH):
        # the m softest hold as much as they may at some m, all of it in the last so far
        chosen = np.flatnonzero(rng.random(n) < rng.choice([1.0, 0.7, 0.2]))
        chosen = np.union1d(chosen, [0 if rng.random() < 0.7 else rng.integers(n)])
        held[b] = 0.0
        held[b, chosen] = np.diff(caps[chosen], prepend=0.0)
    mix = rng.random((BATCH // 4, 1))
    held[-len(mix) :] = mix * held[: len(mix)] + (1.0 - mix) * held[-len(mix) :]
    assert (np.cumsum(held, axis=1) <= caps * (1.0 + 1e-9)).all()
    return held * SHADE**2


def changes(rng: np.random.Generator, modes: Modes, held: Array, offset: Array) -> Array:
    """Changes with these energies; signs that add up with an offset, in a sample, or random."""
    pull = offset @ modes.vectors
    kind = rng.integers(3, size=BATCH)
    sample = modes.vectors[rng.integers(modes.values.size, size=BATCH)]
    drawn = rng.standard_normal(held.shape)
    signs = np.where(kind[:, None] == 0, pull, np.where(kind[:, None] == 1, sample, drawn))
    signs = np.where(signs >= 0.0, 1.0, -1.0)
    return (signs * np.sqrt(held / modes.values)) @ modes.vectors.T


class Case(NamedTuple):
    """A certified picture: where it was recovered to, against the centre of its prior."""

    prior: ExcessEnergy
    offset: Array
    found: object
    energy: Array
    regions: list[Modes]
    whole: Modes


def drawn_case(rng: np.random.Generator) -> Case:
    problem = problem_of(rng)
    prior = problem.prior
    assert isinstance(prior, ExcessEnergy)
    level = float(problem.y.max())
    shrink = rng.choice([1.0, 0.99, 0.7])
    image = problem.y.reshape(-1).astype(float)
    image[prior.energy.own] = level + shrink * (prior.centre - level)
    offset = prior.centre - image[prior.energy.own]
    effort = Effort(columns=int(rng.choice([300, 3])))
    found = certify_regions(problem, image.reshape(problem.y.shape), effort)
    return Case(prior, offset, found, *modes_of(prior))


def regions_attack(rng: np.random.Generator) -> Tally:
    """Each region that has a certificate of its own."""
    case = drawn_case(rng)
    allowance, tally = case.prior.allowance, NONE_YET
    by_first = {int(m.places[0]): m for m in case.regions}
    label = sparse.csgraph.connected_components(case.prior.energy.matrix)[1]
    firsts = {int(label[f]): m for f, m in by_first.items()}
    for _, part in case.found.certificate.parts or ():
        assert part.evidence.kind == "clipped region"
        modes = firsts[int(part.evidence.values["region"])]
        assert modes.places.size == part.evidence.values["samples"]
        held = filled(rng, modes, allowance.region, allowance.unit)
        offset = case.offset[modes.places]
        error = np.linalg.norm(changes(rng, modes, held, offset) + offset, axis=1)
        tally = tally.and_also(Tally(BATCH, worst_of(error, part.error_bound)))
    return tally


def whole_attack(rng: np.random.Generator) -> Tally:
    """All regions together, and single samples along their responses."""
    case = drawn_case(rng)
    certificate, allowance = case.found.certificate, case.prior.allowance
    assert certificate.evidence.kind == "clipped regions"
    held = filled(rng, case.whole, allowance.whole, allowance.unit)
    away = changes(rng, case.whole, held, case.offset) + case.offset
    tally = Tally(BATCH, worst_of(np.linalg.norm(away, axis=1), certificate.error_bound))
    inverse = np.linalg.inv(case.energy)
    # along a sample's own response: <e, A r>^2 / <r, A r> = single units, r = A^-1 1_i
    own = np.sqrt(allowance.unit * allowance.single * np.diag(inverse)) * SHADE
    error = np.abs(case.offset) + own
    room = case.found.pointwise.reshape(-1)[case.prior.energy.own]
    return tally.and_also(Tally(error.size, worst_of(error, room)))


ATTACKERS = {
    "clipped region": repeated(regions_attack),
    "clipped regions": repeated(whole_attack),
}
