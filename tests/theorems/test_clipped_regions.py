"""Clipped regions with a budget on their energy: the bounds against what they speak of."""

import numpy as np
import pytest
from scipy import sparse

from recover.certificates.certificate import Certificate
from recover.certificates.proofs.excess import Effort, certify_regions
from recover.certificates.verify import verify
from recover.core.errors import ParameterError
from recover.core.obstacle_direct import obstacle_minimiser
from recover.frames.identity import Identity
from recover.frames.laplacian import Laplacian
from recover.frames.stencil import normal_equations
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.pipeline import certify
from recover.priors import Allowance, ExcessEnergy, Rule, SampleEnergy, Tone


def picture(rng, side=24, level=1.0):
    """A smooth picture with a few clipped hills; returns the truth and the clipped picture."""
    y, x = np.mgrid[:side, :side]
    truth = 0.4 + 0.05 * rng.standard_normal() * x / side
    for _ in range(5):
        cy, cx = rng.uniform(2, side - 2, 2)
        width = rng.uniform(1.5, 4.0)
        truth = truth + rng.uniform(0.3, 1.2) * np.exp(
            -((x - cx) ** 2 + (y - cy) ** 2) / (2.0 * width**2)
        )
    truth[0, 0] = 2.0  # at least one clipped sample
    return truth[None], np.minimum(truth, level)[None]


def problem_of(clipped, power=1.0, level=1.0, allowance=None):
    """The clipped picture with the curvature of its power as the energy."""
    unknown = clipped >= level
    tone = Tone(power, level)
    known = np.where(unknown, 0.0, tone.values(clipped))
    made = normal_equations(Laplacian(clipped.shape), unknown, known)
    energy = SampleEnergy.symmetric(made.matrix, made.right, made.places, clipped.shape)
    rule = allowance or Allowance(0.003, Rule(2.0, 10.0), Rule(13.0, 20.0), "given")
    floor = np.full(made.places.size, float(tone.values(np.array(level))))
    prior = ExcessEnergy(energy, tone, floor, rule, "curvature")
    model = Saturation(Identity(clipped.shape), None, level)
    return Problem(model, clipped, prior=prior)


def minimiser(prior):
    floor = prior.floor
    return obstacle_minimiser(prior.energy.matrix, prior.energy.right, floor, floor)


def image_of(problem, v):
    image = problem.y.reshape(-1).copy()
    image[problem.prior.energy.places] = problem.prior.tone.samples(v)
    return image.reshape(problem.y.shape)


def adversaries(rng, problem, slopes, rule, *, whole):
    """Yield differences from the minimiser at the edge of what a rule allows.

    Every mode holds what the rule leaves it, in an order that puts the most where it does the
    most harm, with signs that are random, all plus, or that add up in one sample.
    """
    tone, z = problem.prior.tone, minimiser(problem.prior)
    label = sparse.csgraph.connected_components(problem.prior.energy.matrix)[1]
    squares = np.bincount(label, weights=tone.brightness(z) ** 2) / np.bincount(label)
    energy = problem.prior.energy.matrix.toarray() / squares[label]
    label = np.zeros_like(label) if whole else label
    unit = problem.prior.allowance.unit * rule.factor
    parts = []
    for r in np.unique(label):
        rows = np.flatnonzero(label == r)
        scaled = energy[np.ix_(rows, rows)] / np.outer(slopes[rows], slopes[rows])
        values, vectors = np.linalg.eigh(scaled)
        parts.append((rows, values, vectors))
    for kind in range(12):
        out = np.zeros(label.size)
        for rows, values, vectors in parts:
            m = 1 if kind < 9 else min(int(rng.integers(1, rows.size + 1)), rows.size)
            held = np.full(rows.size, unit)
            held[:m] += unit * rule.extra / m
            if kind >= 9:  # all that m modes may hold, in the last of them
                held[:m], held[m - 1] = 0.0, unit * (m + rule.extra)
            size = np.sqrt(held / values)
            if kind in (0, 9):
                signs = np.ones(rows.size)
            elif kind < 4:
                signs = rng.choice([-1.0, 1.0], rows.size)
            else:
                target = vectors[int(rng.integers(rows.size))]
                signs = np.where(target >= 0.0, 1.0, -1.0) * (1.0 if kind % 2 else -1.0)
            out[rows] = vectors @ (signs * size) / slopes[rows]
        yield out


def certified(problem, rng, effort):
    """A recovered image that is no minimiser's, its certificate, and what was taken for it."""
    z = minimiser(problem.prior)
    centre = z + 1e-5 * np.abs(rng.standard_normal(z.shape))
    image = image_of(problem, np.maximum(0.99 * z, problem.prior.floor))
    return z, centre, image, certify_regions(problem, image, centre, effort)


@pytest.mark.parametrize("power", [1.0, 0.7, 0.0, 1.7])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("columns", [300, 3])
def test_no_admissible_picture_lies_beyond_the_bounds(power, seed, columns):
    rng = np.random.default_rng(seed)
    _, clipped = picture(rng)
    problem = problem_of(clipped, power)
    z, centre, image, found = certified(problem, rng, Effort(columns=columns))
    certificate = found.certificate
    assert np.isfinite(certificate.error_bound)
    assert certificate.rigor.kind.value == ("proved" if columns == 300 else "probabilistic")
    label = sparse.csgraph.connected_components(problem.prior.energy.matrix)[1]
    places, allowance = problem.prior.energy.places, problem.prior.allowance
    slopes = problem.prior.tone.slope(np.maximum(centre, problem.prior.floor))
    closest = {"entry": 0.0, "region": 0.0, "whole": 0.0}
    for away in adversaries(rng, problem, slopes, allowance.region, whole=False):
        v = np.maximum(z + away, problem.prior.floor if power > 1.0 else -np.inf)
        error = (image_of(problem, v) - image).reshape(-1)[places]
        room = found.pointwise.reshape(-1)[places]
        assert (np.abs(error) <= room).all()
        closest["entry"] = max(closest["entry"], float((np.abs(error) / room).max()))
        for _, part in certificate.parts:
            own = label == int(part.evidence.values["region"])
            share = np.linalg.norm(error[own]) / part.error_bound
            closest["region"] = max(closest["region"], share)
    for away in adversaries(rng, problem, slopes, allowance.whole, whole=True):
        v = np.maximum(z + away, problem.prior.floor if power > 1.0 else -np.inf)
        share = np.linalg.norm(image_of(problem, v) - image) / certificate.error_bound
        closest["whole"] = max(closest["whole"], share)
    assert max(closest.values()) <= 1.0
    assert closest["region"] > 0.1  # the bounds are not idle
    assert closest["entry"] > (0.1 if columns == 300 else 0.05)
    if power in {1.0, 0.7}:
        assert closest["whole"] > 0.05


def test_a_true_picture_inside_its_own_allowance_is_covered():
    """A whole recovery with the unit taken from the truth itself."""
    for seed in range(4):
        rng = np.random.default_rng(10 + seed)
        truth, clipped = picture(rng, side=30)
        first = problem_of(clipped, 0.7)
        energies = first.prior.energies(truth)
        unit = float(energies.sum()) / first.prior.floor.size
        rule = Rule(float(first.prior.floor.size), 0.0)  # all of it may be in one mode
        allowance = Allowance(unit, rule, rule, "that of the truth")
        problem = problem_of(clipped, 0.7, allowance=allowance)
        image = image_of(problem, minimiser(problem.prior))
        certificate = certify(problem, image)
        assert np.linalg.norm(image - truth) <= certificate.error_bound


def test_the_verifier_accepts_and_refuses():
    rng = np.random.default_rng(3)
    _, clipped = picture(rng)
    problem = problem_of(clipped, 0.7)
    z = minimiser(problem.prior)
    image = image_of(problem, z)
    certificate = certify_regions(problem, image, z, Effort()).certificate
    again = Certificate.from_json(certificate.to_json())
    assert verify(again, problem).reasons == ()
    assert verify(again, problem, image).accepted
    data = again.to_data()

    def refused(change):
        forged = Certificate.from_json(certificate.to_json()).to_data()
        change(forged)
        verdict = verify(Certificate.from_data(forged), problem)
        assert not verdict.accepted
        return " ".join(verdict.reasons)

    assert "the bound" in refused(lambda d: d.update(error_bound=0.9 * data["error_bound"]))
    first = data["parts"][0]["certificate"]["error_bound"]
    assert "region 1" in refused(
        lambda d: d["parts"][0]["certificate"].update(error_bound=0.9 * first)
    )
    assert "assumptions" in refused(lambda d: d.update(assumptions=d["assumptions"][:-1]))
    assert "scope" in refused(lambda d: d["scope"].update(unit=0.02))
    assert "subject" in refused(lambda d: d.update(subject="0" * 64))
    assert "not a region" in refused(lambda d: d["parts"][0].update(label="region 9"))
    larger = Allowance(0.1, Rule(2.0, 10.0), Rule(13.0, 20.0), "given")
    other = problem_of(clipped, 0.7, allowance=larger)
    assert not verify(again, other).accepted
    stronger = {
        **again.evidence.arrays,
        "eigenvalues": 2 * again.evidence.arrays["eigenvalues"],
    }
    object.__setattr__(again.evidence, "arrays", stronger)
    assert "eigenvalues" in " ".join(verify(again, problem).reasons)


def test_regions_above_the_cap_are_open_and_say_so():
    rng = np.random.default_rng(3)
    _, clipped = picture(rng)
    problem = problem_of(clipped)
    z = minimiser(problem.prior)
    found = certify_regions(problem, image_of(problem, z), z, Effort(region=4, columns=4))
    certificate = found.certificate
    assert certificate.error_bound == np.inf
    assert "too large to prove: a region of" in certificate.reason
    assert np.isinf(found.pointwise).any()
    assert any(np.isfinite(part.error_bound) for _, part in certificate.parts)
    assert verify(Certificate.from_json(certificate.to_json()), problem).reasons == ()


def test_an_energy_that_leaves_out_clipped_samples_is_refused():
    rng = np.random.default_rng(3)
    _, clipped = picture(rng)
    problem = problem_of(clipped)
    prior = problem.prior
    few = SampleEnergy.symmetric(
        prior.energy.matrix[:3][:, :3], prior.energy.right[:3], prior.energy.places[:3],
        clipped.shape,
    )  # fmt: skip
    short = ExcessEnergy(few, Tone(1.0), prior.floor[:3], prior.allowance, "few")
    other = Problem(problem.model, clipped, prior=short)
    with pytest.raises(ParameterError, match="every clipped sample"):
        certify_regions(other, clipped, np.ones(3), Effort())


def test_the_least_energy_is_that_of_brute_force():
    rng = np.random.default_rng(0)
    root = rng.standard_normal((8, 6))
    matrix, right = sparse.csr_array(root.T @ root), rng.standard_normal(6)
    floor = np.zeros(6)
    u = obstacle_minimiser(matrix, right, floor, floor)
    gradient = matrix @ u - right
    assert (u >= floor).all()
    assert np.abs(gradient[u > 0]).max(initial=0.0) < 1e-10
    assert gradient[u == 0].min(initial=0.0) > -1e-10
