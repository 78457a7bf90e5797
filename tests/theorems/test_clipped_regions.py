"""Clipped regions with a budget on their energy: the bounds against what they speak of."""

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import spsolve

from recover.certificates.certificate import Certificate
from recover.certificates.proofs.excess import Effort, certify_regions
from recover.certificates.verify import verify
from recover.core.errors import ParameterError
from recover.frames.identity import Identity
from recover.frames.laplacian import Laplacian
from recover.frames.stencil import normal_equations
from recover.models.noise import Noise
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.priors import Allowance, ExcessEnergy, Rule, SampleEnergy


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


def problem_of(clipped, power=1.0, level=1.0, allowance=None, centre=None, noise=0.0):
    """The clipped picture with the curvature of its power as the energy, around a centre."""
    unknown = clipped >= level
    scaled = clipped / level
    values = np.log(scaled) if power == 0.0 else scaled**power
    made = normal_equations(Laplacian(clipped.shape), unknown, np.where(unknown, 0.0, values))
    energy = SampleEnergy.symmetric(made.matrix, made.places, clipped.shape)
    v = spsolve(sparse.csc_array(energy.matrix), made.right)
    v = np.maximum(v, 0.0 if power == 0.0 else 1.0)
    bright = np.exp(v) if power == 0.0 else v ** (1.0 / power)
    at = level * bright if centre is None else centre
    slopes = level * (bright if power == 0.0 else bright / v / power)
    rule = allowance or Allowance(0.003, Rule(2.0, 10.0, 0.3), Rule(13.0, 20.0), 9.0, "given")
    prior = ExcessEnergy(energy, at, slopes, bright, rule, "curvature")
    model = Saturation(Identity(clipped.shape), None, level)
    return Problem(model, clipped, prior=prior, noise=noise)


def image_of(problem, samples):
    image = problem.y.reshape(-1).astype(float)
    image[problem.prior.energy.own] = samples
    return image.reshape(problem.y.shape)


def schur(problem):
    """The dense energy of a change of the samples, least over all other values, and regions."""
    prior = problem.prior
    counted, matrix = prior.energy.counted, prior.energy.matrix.toarray()
    label = sparse.csgraph.connected_components(prior.energy.matrix)[1]
    weight = counted.astype(float)
    squares = np.bincount(label, weights=weight * prior.brightness**2)
    beta = (squares / np.maximum(np.bincount(label, weights=weight), 1.0))[label]
    beta = np.where(beta > 0.0, beta, 1.0)
    scaled = matrix / np.outer(prior.slopes, prior.slopes) / beta[:, None]
    inner = scaled[np.ix_(counted, counted)]
    if not counted.all():
        across = scaled[np.ix_(counted, ~counted)]
        inner = inner - across @ np.linalg.solve(scaled[np.ix_(~counted, ~counted)], across.T)
    return 0.5 * (inner + inner.T), label[counted]


def adversaries(rng, problem, rule, *, whole):
    """Yield differences from the centre at the edge of what a rule allows.

    Every mode holds what the rule leaves it, in an order that puts the most where it does the
    most harm, with signs that are random, all plus, or that add up in one sample.
    """
    energy, label = schur(problem)
    label = np.zeros_like(label) if whole else label
    parts = []
    for r in np.unique(label):
        rows = np.flatnonzero(label == r)
        values, vectors = np.linalg.eigh(energy[np.ix_(rows, rows)])
        parts.append((rows, values, vectors))
    for kind in range(14):
        out = np.zeros(label.size)
        for rows, values, vectors in parts:
            unit = problem.prior.allowance.unit * rule.factors(np.array([rows.size]))[0]
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
            out[rows] = vectors @ (signs * size)
        yield out


def climbed(problem, rule, cumulative=40):
    """Return the energies of the modes of one region that make the error largest, by search.

    A linear programme over the energies: maximise ``sum e_k / lambda_k`` where the m softest
    hold at most what the rule says.
    """
    from scipy.optimize import linprog

    energy, label = schur(problem)
    r = int(np.argmax(np.bincount(label)))
    rows = np.flatnonzero(label == r)
    values = np.linalg.eigvalsh(energy[np.ix_(rows, rows)])
    n = rows.size
    unit = problem.prior.allowance.unit * rule.factors(np.array([n]))[0]
    caps = unit * (np.arange(1, n + 1) + rule.extra)
    found = linprog(-1.0 / values, A_ub=np.tril(np.ones((n, n))), b_ub=caps, bounds=(0, None))
    return r, float(np.sqrt(-found.fun))


def certified(problem, effort):
    """A recovered image that is not the centre, and its certificate."""
    image = image_of(
        problem, 1.0 + 0.99 * (problem.prior.centre - 1.0)[problem.prior.energy.counted]
    )
    return image, certify_regions(problem, image, effort)


@pytest.mark.parametrize("power", [1.0, 0.7, 0.0, 1.7])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("columns", [300, 3])
def test_no_admissible_picture_lies_beyond_the_bounds(power, seed, columns):
    rng = np.random.default_rng(seed)
    _, clipped = picture(rng)
    problem = problem_of(clipped, power)
    image, found = certified(problem, Effort(columns=columns))
    certificate = found.certificate
    assert np.isfinite(certificate.error_bound)
    assert certificate.rigor.kind.value == ("proved" if columns == 300 else "probabilistic")
    _, label = schur(problem)
    own, allowance = problem.prior.energy.own, problem.prior.allowance
    at = problem.prior.centre
    closest = {"region": 0.0, "whole": 0.0}
    for away in adversaries(rng, problem, allowance.region, whole=False):
        error = (image_of(problem, at + away) - image).reshape(-1)[own]
        for _, part in certificate.parts:
            inside = label == int(part.evidence.values["region"])
            share = np.linalg.norm(error[inside]) / part.error_bound
            closest["region"] = max(closest["region"], share)
    for away in adversaries(rng, problem, allowance.whole, whole=True):
        share = np.linalg.norm(image_of(problem, at + away) - image) / certificate.error_bound
        closest["whole"] = max(closest["whole"], share)
    region, worst = climbed(problem, allowance.region)
    bound = next(
        part.error_bound
        for _, part in certificate.parts
        if part.evidence.values["region"] == region
    )
    assert worst <= bound
    assert worst > (0.6 if columns == 300 else 0.3) * bound  # the bounds are not idle
    assert max(closest.values()) <= 1.0
    assert closest["region"] > 0.3
    assert closest["whole"] > 0.3


@pytest.mark.parametrize("columns", [300, 3])
def test_no_sample_lies_beyond_its_bound(columns):
    """Changes whose energy along a sample's own response is what is allowed, in that sample."""
    rng = np.random.default_rng(5)
    _, clipped = picture(rng)
    problem = problem_of(clipped, 0.7)
    image, found = certified(problem, Effort(columns=columns))
    energy, _ = schur(problem)
    inverse, allowance = np.linalg.inv(energy), problem.prior.allowance
    own, at = problem.prior.energy.own, problem.prior.centre
    room, closest = found.pointwise.reshape(-1)[own], 0.0
    for i in range(at.size):
        response = inverse[i]
        size = np.sqrt(allowance.unit * allowance.single / (response @ energy @ response))
        for other in (np.zeros(at.size), rng.standard_normal(at.size)):
            # what lies across the response's energy does not change the sample
            across = (
                other - (other @ energy @ response) / (response @ energy @ response) * response
            )
            for sign in (-1.0, 1.0):
                error = image_of(problem, at + sign * size * response + across) - image
                share = abs(error.reshape(-1)[own][i]) / room[i]
                closest = max(closest, share)
    assert 0.5 < closest <= 1.0


def test_a_true_picture_inside_its_own_allowance_is_covered():
    """A whole recovery with the unit taken from the truth itself."""
    for seed in range(4):
        rng = np.random.default_rng(10 + seed)
        truth, clipped = picture(rng, side=30)
        first = problem_of(clipped, 0.7)
        size = first.prior.centre.size
        unit = float(first.prior.energies(truth).sum()) / size
        rule = Rule(float(size), 0.0)  # all of it may be in one mode
        allowance = Allowance(unit, rule, rule, float(size), "that of the truth")
        problem = problem_of(clipped, 0.7, allowance=allowance)
        assert problem.prior.violation(truth) == 0.0
        found = certify_regions(problem, image_of(problem, problem.prior.centre), Effort())
        image = image_of(problem, problem.prior.centre)
        assert np.linalg.norm(image - truth) <= found.certificate.error_bound
        assert (np.abs(image - truth) <= found.pointwise).all()


@pytest.mark.parametrize("seed", range(3))
def test_values_that_are_no_samples_are_left_free(seed):
    """A part of the unknown values is not of the signal, as in a mosaic."""
    rng = np.random.default_rng(seed)
    _, clipped = picture(rng)
    whole = problem_of(clipped, 0.7).prior
    free = rng.random(whole.centre.size) < 0.4
    places = np.where(free, -1, whole.energy.places)
    energy = SampleEnergy(whole.energy.matrix, places, clipped.shape)
    prior = ExcessEnergy(
        energy, whole.centre, whole.slopes, whole.brightness, whole.allowance, "some"
    )
    data = clipped.copy()
    data.reshape(-1)[whole.energy.places[free]] = 0.5  # known, but not of the energy
    problem = Problem(Saturation(Identity(clipped.shape), None, 1.0), data, prior=prior)
    for columns in (300, 3):
        image, found = certified(problem, Effort(columns=columns))
        certificate = found.certificate
        for away in adversaries(rng, problem, prior.allowance.region, whole=False):
            error = (image_of(problem, prior.centre[~free] + away) - image).reshape(-1)[
                energy.own
            ]
            _, label = schur(problem)
            for _, part in certificate.parts:
                inside = label == int(part.evidence.values["region"])
                assert np.linalg.norm(error[inside]) <= part.error_bound
            truth = image_of(problem, prior.centre[~free] + away)
            matrix, _ = schur(problem)
            assert np.allclose(prior.energies(truth).sum(), away @ matrix @ away)
        for away in adversaries(rng, problem, prior.allowance.whole, whole=True):
            truth = image_of(problem, prior.centre[~free] + away)
            assert np.linalg.norm(truth - image) <= certificate.error_bound
        again = Certificate.from_json(certificate.to_json())
        assert verify(again, problem).reasons == ()


@pytest.mark.parametrize("seed", range(3))
def test_noise_on_what_was_not_clipped_is_part_of_the_bound(seed):
    rng = np.random.default_rng(seed)
    _, clipped = picture(rng)
    size = 0.01
    noise = Noise(each=size, l2=0.15)
    gap = (clipped < 1.0) & (clipped > 1.0 - 2.0 * size)
    clipped[gap] = 1.0 - 2.0 * size  # no sample may be undecided
    problem = problem_of(clipped, 0.7, noise=noise)
    prior = problem.prior
    known = np.ones(clipped.size, dtype=bool)
    known[prior.energy.own] = False
    image = image_of(problem, prior.centre)
    moved = image + np.where(known, 0.004, 0.0).reshape(image.shape)  # denoised, say
    for signal in (image, moved):
        found = certify_regions(problem, signal, Effort())
        certificate = found.certificate
        for away in adversaries(rng, problem, prior.allowance.whole, whole=True):
            truth = image_of(problem, prior.centre + away).reshape(-1)
            error = rng.standard_normal(int(known.sum()))
            if rng.random() < 0.5:
                error = -np.ones(error.size)  # away from what was moved
            error *= min(size / np.abs(error).max(), 0.15 / np.linalg.norm(error))
            truth[known] += error
            truth = truth.reshape(image.shape)
            assert np.linalg.norm(truth - signal) <= certificate.error_bound
            outside = known.reshape(image.shape)
            assert (np.abs(truth - signal) <= found.pointwise)[outside].all()
        again = Certificate.from_json(certificate.to_json())
        assert verify(again, problem, signal).reasons == ()
        without = Problem(problem.model, clipped, prior=prior)
        assert not verify(again, without, signal).accepted
    with pytest.raises(ParameterError, match="must be the data's"):
        certify_regions(Problem(problem.model, clipped, prior=prior), moved, Effort())


def test_the_verifier_accepts_and_refuses():
    rng = np.random.default_rng(3)
    _, clipped = picture(rng)
    problem = problem_of(clipped, 0.7)
    image, found = certified(problem, Effort())
    certificate = found.certificate
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
    larger = Allowance(0.1, Rule(2.0, 10.0), Rule(13.0, 20.0), 9.0, "given")
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
    _, found = certified(problem, Effort(region=4, columns=4))
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
    few = SampleEnergy(prior.energy.matrix[:3][:, :3], prior.energy.places[:3], clipped.shape)
    ones = np.ones(3)
    short = ExcessEnergy(few, ones, ones, ones, prior.allowance, "few")
    other = Problem(problem.model, clipped, prior=short)
    with pytest.raises(ParameterError, match="every clipped sample"):
        certify_regions(other, clipped, Effort())
