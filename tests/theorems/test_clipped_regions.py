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
from recover.priors import Allowance, ExcessEnergy, SampleEnergy, Tone


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
    rule = allowance or Allowance(0.01, 2.0, 20.0, 4.0, 30.0, "given")
    floor = np.full(made.places.size, 1.0)
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


def admissible(rng, problem, z, direction):
    """Return values at the edge of the allowance of every region, in a given direction."""
    prior = problem.prior
    label = sparse.csgraph.connected_components(prior.energy.matrix)[1]
    h = prior.energy.matrix
    out = z.copy()
    for r in np.unique(label):
        own = label == r
        budget = float(prior.allowance.region(np.array(own.sum())))
        step = np.where(own, direction, 0.0)
        low, high = 0.0, 1e6
        for _ in range(80):  # the excess grows along the path, which the floor bends
            middle = 0.5 * (low + high)
            d = np.maximum(z + middle * step, prior.floor) - z
            gain = d @ (h @ d) + 2.0 * d @ (h @ z - prior.energy.right)
            low, high = (middle, high) if gain <= budget else (low, middle)
        out = out + np.maximum(z + low * step, prior.floor) - z
    return out


@pytest.mark.parametrize("power", [1.0, 0.7, 0.0])
@pytest.mark.parametrize("seed", range(3))
def test_no_admissible_picture_lies_beyond_the_bounds(power, seed):
    rng = np.random.default_rng(seed)
    _, clipped = picture(rng)
    if power == 0.0:
        problem = problem_of(clipped, power)
        object.__setattr__(problem.prior, "floor", np.zeros(problem.prior.floor.size))
    else:
        problem = problem_of(clipped, power)
    z = minimiser(problem.prior)
    centre = z + 0.01 * np.abs(rng.standard_normal(z.shape))  # not the exact minimiser
    shrunk = image_of(problem, np.maximum(0.7 * z, problem.prior.floor))
    found = certify_regions(problem, shrunk, centre, Effort())
    assert np.isfinite(found.certificate.error_bound)
    label = sparse.csgraph.connected_components(problem.prior.energy.matrix)[1]
    places = problem.prior.energy.places
    h = problem.prior.energy.matrix
    bottom = np.linalg.eigh(h.toarray())[1]
    directions = [*rng.standard_normal((6, z.size)), bottom[:, 0], -bottom[:, 0]]
    directions += [-bottom[:, 1], np.ones(z.size), *np.eye(z.size)[:5]]
    inverse = np.linalg.inv(h.toarray())
    directions += [inverse[:, i] for i in range(0, z.size, max(z.size // 6, 1))]
    closest = 0.0
    for direction in directions:
        v = admissible(rng, problem, z, direction)
        error = (image_of(problem, v) - shrunk).reshape(-1)[places]
        room = found.pointwise.reshape(-1)[places]
        assert (np.abs(error) <= room).all()
        closest = max(closest, float((np.abs(error) / room).max()))
        sizes = {}
        for name, part in found.certificate.parts:
            r = int(part.evidence.values["region"])
            sizes[r] = (np.linalg.norm(error[label == r]), part.error_bound, name)
        assert all(size <= bound for size, bound, _ in sizes.values())
    assert closest > 0.3  # the bound is not idle


def test_the_whole_holds_where_the_joint_hypothesis_holds():
    rng = np.random.default_rng(5)
    _, clipped = picture(rng, side=30)
    rule = Allowance(0.01, 1.0, 0.0, 1.0, 30.0, "given")
    problem = problem_of(clipped, 0.7, allowance=rule)
    z = minimiser(problem.prior)
    certificate = certify(problem, image_of(problem, z))
    for _ in range(20):
        v = admissible(rng, problem, z, rng.standard_normal(z.size))
        error = np.linalg.norm(image_of(problem, v) - image_of(problem, z))
        assert error <= certificate.error_bound


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
    other = problem_of(clipped, 0.7, allowance=Allowance(0.1, 2.0, 20.0, 4.0, 30.0, "given"))
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
