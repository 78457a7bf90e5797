"""The check of a quadratic prior on samples: its numbers by the formulas, at any centre."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from check_cases import valued, with_array

from recover.certificates.certificate import Certificate
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.frames import Convolution, Dense, Frame, Identity, Masked
from recover.models import BEFORE, Box, Modulus, Noise, Problem, ReLU, Saturation
from recover.models.domains import Domain
from recover.priors import Quadratic, Subspace

PROVED = re.compile(r"error bound .* is claimed, but only (\S+) is proved")
CENTRE = re.compile(r"the centre's bound .* is claimed, but only (\S+) is proved")
N = 9


def proved(problem: Problem, c: Certificate, pattern: re.Pattern[str] = PROVED) -> float:
    """Return the number that the verifier proves, as it says itself."""
    bare = replace(c, error_bound=0.0)
    if "centre_bound" in c.evidence.values:
        bare = valued(bare, centre_bound=0.0)
    for reason in verify(bare, problem).reasons:
        found = pattern.match(reason)
        if found:
            return float(found[1])
    raise AssertionError(verify(bare, problem).reasons)


def clipped(
    *,
    noise: Noise | None = None,
    domain: Domain | None = None,
    operator: Frame | None = None,
    rectified: bool = False,
    budget: float = 1.2,
) -> tuple[Problem, Certificate]:
    """Return samples clipped on both sides, or below, and what is proved of a signal near."""
    rng = np.random.default_rng(7)
    truth = 1.4 * np.sin(2 * np.pi * np.arange(N) / 8 + 0.3)
    prior = Dense(np.diff(np.eye(N), 2, axis=0)) if operator is None else operator
    model = (
        ReLU(Identity(N), np.linspace(-1.0, -0.5, N))
        if rectified
        else Saturation(Identity(N), -1.0, 1.0)
    )
    promise = Noise(l2=0.0) if noise is None else noise
    tau = budget * float(np.linalg.norm(prior.analysis(truth)))
    problem = Problem(
        model, model(truth), noise=promise, domain=domain, prior=Quadratic(prior, tau)
    )
    certificate = certify_posteriori(problem, truth + 0.1 * rng.standard_normal(N))
    assert certificate.evidence.kind == "quadratic samples"
    return problem, certificate


class Numbers(NamedTuple):
    """What the formulas give."""

    bound: float
    radius: float
    entries: Array
    z: Array


def expected(problem: Problem, c: Certificate, operator_norm: float | None = None) -> Numbers:
    """Return the numbers by the formulas, in plain arithmetic."""
    assert isinstance(problem.prior, Quadratic)
    t = problem.prior.operator.matrix()
    x, known = c.evidence.arrays["signal"], problem.knowledge
    fixed = known.fixed
    below, above = problem.domain.interval(x.shape)
    low, high = np.maximum(known.lower, below), np.minimum(known.upper, above)
    z = np.where(fixed, known.value, x)
    if "free" in c.evidence.arrays:
        z[~fixed] = c.evidence.arrays["free"]
    z = np.where(fixed, z, np.clip(z, low, high))
    s = float(c.evidence.values["sigma"])
    eps = min(problem.noise_bound.l2, float(np.linalg.norm(known.each[fixed])))
    norm = float(np.linalg.norm(t, 2)) if operator_norm is None else operator_norm
    tau = problem.prior.budget + norm * eps
    size = float(np.linalg.norm(t @ z))
    gradient = (t.T @ (t @ z))[~fixed]
    free = z[~fixed]
    down_only, up_only = free >= high[~fixed], free <= low[~fixed]
    step = np.where(up_only, np.minimum(gradient, 0.0), gradient)
    step = np.where(down_only, np.maximum(step, 0.0), step)
    step = np.where(up_only & down_only, 0.0, step)
    h = float(np.linalg.norm(step)) / s
    p = min(tau + size, h + math.sqrt(h * h + tau * tau - size * size))
    away = np.abs(x - z)
    u, k = float(np.linalg.norm(away[~fixed])), float(np.linalg.norm(away[fixed]))
    entries = away + np.where(fixed, known.each, 0.0)
    rows = np.linalg.norm(np.linalg.pinv(t[:, ~fixed]), axis=1)
    entries[~fixed] += np.minimum(rows * p, p / s)
    return Numbers(math.hypot(p / s + u, eps + k), math.hypot(p / s, eps), entries, z)


CONVOLUTION = Convolution(np.array([[1.0, -1.3, 0.9]]), N)
VALID = np.ones((1, N), dtype=bool)
VALID[:, :2] = False
CASES = {
    "exact": {},
    "noise": {"noise": Noise(each=0.05)},
    "noise before": {"noise": Noise(each=0.05, where=BEFORE)},
    "norm of the noise": {"noise": Noise(l2=0.05)},
    "box": {"domain": Box(-1.7, 1.3), "noise": Noise(each=0.01)},
    "tight box": {"domain": Box(-1.0, 2.0)},
    "rectified": {"rectified": True, "domain": Box(-3.0, math.inf), "noise": Noise(each=0.02)},
    "energy": {"operator": Identity(N)},
    "rows for all": {"operator": Dense(np.diff(np.eye(N + 1), axis=0)[:, :-1])},
    "convolution": {"operator": CONVOLUTION},
    "part of one": {"operator": Masked(CONVOLUTION, VALID)},
}


@pytest.mark.parametrize("name", list(CASES))
def test_the_numbers_are_those_of_the_formulas(name: str) -> None:
    problem, certificate = clipped(**CASES[name])
    assert verify(certificate, problem).accepted
    count = N - problem.knowledge.fixed_count
    assert count >= 2
    s = float(certificate.evidence.values["sigma"])
    norm = None
    if isinstance(problem.prior.operator, Convolution | Masked):
        norm = float(np.abs(np.fft.fft(CONVOLUTION.filters[0], N)).max())
    rng = np.random.default_rng(1)
    bare = replace(valued(with_array(certificate, "free", None)), pointwise=None, centre=None)
    values = {k: v for k, v in bare.evidence.values.items() if k != "centre_bound"}
    bare = replace(bare, evidence=replace(bare.evidence, values=values))
    for free, factor in (
        (None, 1.0),
        (None, 0.5),
        (np.full(count, 0.0), 1.0),
        (np.full(count, 5.0), 1.0),
        (np.full(count, -5.0), 1.0),
        (1.5 * rng.standard_normal(count), 1.0),
        (1.5 * rng.standard_normal(count), 0.9),
    ):
        other = valued(with_array(bare, "free", free), sigma=factor * s)
        wanted = expected(problem, other, norm)
        assert proved(problem, other) == pytest.approx(wanted.bound, rel=1e-9)
        lower = Enclosure(min(s * factor, other.kappa.lower), other.kappa.upper)
        other = replace(other, kappa=lower, error_bound=math.inf)
        centred = valued(replace(other, centre=wanted.z), centre_bound=0.0)
        assert proved(problem, centred, CENTRE) == pytest.approx(wanted.radius, rel=1e-9)
        if problem.prior.operator.roundoff() == 0.0:
            _entries_are(problem, other, wanted.entries)


def _entries_are(problem: Problem, c: Certificate, entries: Array) -> None:
    """Check that these bounds of entries are accepted, and no smaller one of any entry."""
    stated = replace(c, pointwise=entries * (1.0 + 1e-9))
    verdict = verify(stated, problem)
    assert verdict.accepted, verdict.reasons
    for k in np.flatnonzero(entries):
        less = entries * (1.0 + 1e-9)
        less[k] *= 1.0 - 1e-6
        (reason,) = verify(replace(c, pointwise=less), problem).reasons
        assert reason.startswith("1 bound(s) of single entries")


def test_claims_are_held_to_what_is_proved() -> None:
    problem, certificate = clipped(noise=Noise(each=0.05))
    bound = proved(problem, certificate)
    radius = proved(problem, certificate, CENTRE)
    best = valued(replace(certificate, error_bound=bound), centre_bound=radius)
    assert verify(best, problem).accepted
    less = replace(best, error_bound=math.nextafter(bound, 0.0))
    assert "error bound" in verify(less, problem).reasons[0]
    nearer = valued(best, centre_bound=math.nextafter(radius, 0.0))
    assert "the centre's bound" in verify(nearer, problem).reasons[0]
    s = float(certificate.evidence.values["sigma"])
    for sigma in (s * (1.0 + 1e-9), 0.0, -s, math.nan, math.inf, True, str(s)):
        forged = valued(replace(certificate, error_bound=math.inf), sigma=sigma)
        assert not verify(forged, problem).accepted, sigma
    raised = replace(certificate, kappa=Enclosure(s * (1.0 + 1e-9), 9.0))
    assert "lower end" in verify(raised, problem).reasons[0]


def test_the_centre_is_the_one_of_the_evidence() -> None:
    problem, certificate = clipped(noise=Noise(each=0.05))
    assert certificate.centre is not None
    moved = certificate.centre.copy()
    moved[0] = math.nextafter(moved[0], 9.0)
    (reason,) = verify(replace(certificate, centre=moved), problem).reasons
    assert reason == "the centre is not the signal that the evidence names"
    (reason,) = verify(replace(certificate, centre=None), problem).reasons
    assert reason == "a bound for a centre is stated without the centre"
    values = {k: v for k, v in certificate.evidence.values.items() if k != "centre_bound"}
    bare = replace(certificate, evidence=replace(certificate.evidence, values=values))
    assert not verify(bare, problem).accepted
    assert verify(replace(bare, centre=None), problem).accepted


@pytest.mark.parametrize("wrong", ["longer", "float32", "complex", "nan"])
def test_a_damaged_centre_of_the_evidence_is_refused(wrong: str) -> None:
    problem, certificate = clipped()
    count = N - problem.knowledge.fixed_count
    free = np.full(count, 2.0)
    assert verify(
        replace(
            with_array(certificate, "free", free),
            error_bound=math.inf,
            pointwise=None,
            centre=expected(problem, with_array(certificate, "free", free)).z,
            evidence=valued(with_array(certificate, "free", free), centre_bound=99.0).evidence,
        ),
        problem,
    ).accepted
    other = {
        "longer": np.full(count + 1, 2.0),
        "float32": free.astype(np.float32),
        "complex": free.astype(complex),
        "nan": free * math.nan,
    }[wrong]
    (reason,) = verify(with_array(certificate, "free", other), problem).reasons
    assert "free" in reason


def test_contradictions_are_told() -> None:
    """Data outside the domain, and a budget that no signal meets: nothing is certified."""
    problem, certificate = clipped()
    model, y, prior = problem.model, problem.y, problem.prior
    for domain, refused in ((Box(-1.0, 1.0), False), (Box(-1.0, 0.999), True)):
        other = Problem(model, y, domain=domain, prior=prior)
        reasons = verify(certificate, other).reasons
        assert (
            any(reason.startswith("no signal is consistent with") for reason in reasons)
            == refused
        )
    at_levels = np.clip(expected(problem, certificate).z, -1.0, 1.0)
    t = prior.operator.matrix()
    fixed = problem.knowledge.fixed
    # z at the levels need not be the minimiser: the least energy is below the one there
    gradient = (t.T @ (t @ at_levels))[~fixed]
    inward = np.where(at_levels[~fixed] > 0, np.minimum(gradient, 0), np.maximum(gradient, 0))
    s = float(certificate.evidence.values["sigma"])
    least = math.sqrt(
        float(np.linalg.norm(t @ at_levels)) ** 2 - (float(np.linalg.norm(inward)) / s) ** 2
    )
    for factor, refused in ((1.0 + 1e-6, False), (1.0 - 1e-6, True)):
        other = Problem(model, y, prior=Quadratic(prior.operator, least * factor))
        at = with_array(certificate, "free", at_levels[~fixed])
        reasons = verify(at, other).reasons
        assert (
            any(reason.startswith("no signal meets the prior") for reason in reasons) == refused
        )


def test_a_certificate_is_of_samples_and_a_quadratic_prior() -> None:
    problem, certificate = clipped()
    quadratic, frame = problem.prior, Dense(np.eye(N))
    for other in (
        Problem(problem.model, problem.y),
        Problem(problem.model, problem.y, prior=Subspace(Dense(np.ones((1, N))))),
        Problem(Saturation(frame, -1.0, 1.0), problem.y, prior=quadratic),
        Problem(Modulus(Identity(N)), np.abs(problem.y), prior=quadratic),
        problem.model,
    ):
        (reason,) = verify(certificate, other).reasons
        assert reason.startswith("the certificate is of samples with a quadratic prior")


def test_the_domain_is_an_assumption_of_the_bound() -> None:
    problem, certificate = clipped(domain=Box(-3.0, 3.0))
    plain, other = clipped()
    assert certificate.scope.to_json() != other.scope.to_json()
    assert certificate.assumptions != other.assumptions
    for stated, subject in ((certificate, plain), (other, problem)):
        reasons = verify(stated, subject).reasons
        assert any("scope" in reason for reason in reasons)


def test_an_operator_of_unknown_rounding_proves_nothing_more() -> None:
    """Where the adjoint's rounding is not known the slope is not used."""
    filters = np.zeros((65, 3))
    filters[0] = [1.0, -1.3, 0.9]
    operator = Convolution(filters, N)
    problem, certificate = clipped(operator=operator)
    assert isinstance(problem.prior, Quadratic)
    s = float(certificate.evidence.values["sigma"])
    z = expected(problem, certificate).z
    image = float(np.linalg.norm(operator.analysis(z)))
    x = certificate.evidence.arrays["signal"]
    free = (problem.prior.budget + image) / s
    fixed = problem.knowledge.fixed
    away = np.abs(x - z)
    wanted = math.hypot(
        free + float(np.linalg.norm(away[~fixed])), float(np.linalg.norm(away[fixed]))
    )
    assert proved(problem, certificate) == pytest.approx(wanted, rel=1e-9)


def test_images_have_a_shape() -> None:
    """Signals of two axes: flat inside, and given back as they are."""
    truth = np.array([[0.2, 1.5, 0.1], [0.3, 0.1, 1.2]])
    model = Saturation(Identity((2, 3)), -1.0, 1.0)
    operator = Convolution(np.array([[[1.0, -0.4], [-0.3, 0.0]]]), (2, 3))
    budget = 1.1 * float(np.linalg.norm(operator.analysis(truth)))
    problem = Problem(model, model(truth), prior=Quadratic(operator, budget))
    certificate = certify_posteriori(problem, truth)
    assert certificate.evidence.kind == "quadratic samples"
    assert verify(certificate, problem).accepted
    assert verify(certificate, problem, truth).accepted


def test_single_known_samples_are_rounded_up() -> None:
    """Their bounds are the difference from the datum and its noise, in exact numbers."""
    problem, certificate = clipped(noise=Noise(each=0.01 / 3.0))
    x, known = certificate.evidence.arrays["signal"], problem.knowledge
    for k in np.flatnonzero(known.fixed):
        away = abs(Fraction(float(x[k])) - Fraction(float(known.value[k])))
        exact = away + Fraction(float(known.each[k]))
        entries = np.full(N, math.inf)
        entries[k] = math.nextafter(float(exact), 0.0)
        (reason,) = verify(replace(certificate, pointwise=entries), problem).reasons
        assert reason.startswith("1 bound(s) of single entries")
