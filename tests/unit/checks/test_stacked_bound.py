"""The check of fixed rows and a quadratic prior together: its bound by the formula."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from check_cases import valued

from recover.certificates.certificate import Certificate
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.verify import verify
from recover.core.enclosure import Enclosure
from recover.frames import Convolution, Dense, Frame, Masked
from recover.models import Modulus, Noise, Problem, ReLU, Saturation
from recover.priors import Quadratic

PROVED = re.compile(r"error bound .* is claimed, but only (\S+) is proved")
N = 8


def proved(problem: Problem, c: Certificate) -> float:
    """Return the bound that the verifier proves, as it says itself."""
    for reason in verify(replace(c, error_bound=0.0), problem).reasons:
        found = PROVED.match(reason)
        if found:
            return float(found[1])
    raise AssertionError("nothing is proved")


def clipped(
    seed: int, noise: Noise, operator: Frame | None = None, *, rectified: bool = False
) -> tuple[Problem, Certificate]:
    """Return too few rows of a smooth signal, some clipped, and what is proved near it."""
    rng = np.random.default_rng(seed)
    truth = np.sin(2 * np.pi * np.arange(N) / N + seed)
    rows = Dense(rng.standard_normal((10, N)))
    model = ReLU(rows, -0.5) if rectified else Saturation(rows, -0.8, 0.8)
    prior = Dense(np.diff(np.eye(N), 2, axis=0)) if operator is None else operator
    tau = 1.1 * float(np.linalg.norm(prior.analysis(truth)))
    problem = Problem(model, model(truth), noise=noise, prior=Quadratic(prior, tau))
    signal = truth + 1e-2 * rng.standard_normal(N)
    certificate = certify_posteriori(problem, signal)
    assert certificate.evidence.kind == "stacked prior"
    return problem, certificate


def expected(problem: Problem, c: Certificate) -> float:
    """Return the bound by the formula, in plain arithmetic."""
    assert isinstance(problem.prior, Quadratic)
    fixed, known = problem.knowledge.fixed, problem.knowledge
    x, values = c.evidence.arrays["signal"], c.evidence.values
    r = known.value[fixed] - problem.model.frame.matrix()[fixed] @ x
    eps = min(problem.noise_bound.l2, float(np.linalg.norm(known.each[fixed])))
    on_data = float(values["weight"]) * (float(np.linalg.norm(r)) + eps)
    image = problem.prior.operator.analysis(x)
    on_prior = problem.prior.budget + float(np.linalg.norm(image))
    return math.hypot(on_data, on_prior) / math.sqrt(float(values["eigenvalue"]))


VALID = np.ones((1, N), dtype=bool)
VALID[:, :2] = False
OPERATORS = {
    "rows": None,
    "convolution": Convolution(np.array([[1.0, -1.4, 0.9]]), N),
    "part of one": Masked(Convolution(np.array([[1.0, -1.4, 0.9]]), N), VALID),
}


@pytest.mark.parametrize("operator", list(OPERATORS))
@pytest.mark.parametrize("rectified", [False, True])
def test_the_bound_is_that_of_the_formula(operator: str, rectified: bool) -> None:
    for seed, noise in enumerate((Noise(l2=0.0), Noise(each=0.02), Noise(l2=0.5))):
        problem, certificate = clipped(seed, noise, OPERATORS[operator], rectified=rectified)
        assert verify(certificate, problem).accepted
        bound = proved(problem, certificate)
        assert bound == pytest.approx(expected(problem, certificate), rel=1e-9)
        exact = replace(certificate, error_bound=bound)
        assert verify(exact, problem).accepted
        less = replace(certificate, error_bound=math.nextafter(bound, 0.0))
        (reason,) = verify(less, problem).reasons
        assert "error bound" in reason
        # less of each number is as true, and gives another bound
        value = float(certificate.evidence.values["eigenvalue"])
        weight = float(certificate.evidence.values["weight"])
        for other in (
            valued(certificate, eigenvalue=0.25 * value),
            valued(certificate, weight=1.5 * weight),
            valued(certificate, weight=4.0 * weight, eigenvalue=value * (1.0 - 1e-9)),
        ):
            wanted = pytest.approx(expected(problem, other), rel=1e-9)
            assert proved(problem, other) == wanted
        half = replace(
            valued(certificate, eigenvalue=0.25 * value),
            error_bound=math.inf,
            kappa=Enclosure(0.5 * certificate.kappa.lower, certificate.kappa.upper),
        )
        assert verify(half, problem).accepted
        above = Enclosure(0.5 * certificate.kappa.lower * (1.0 + 1e-9), half.kappa.upper)
        (reason,) = verify(replace(half, kappa=above), problem).reasons
        assert "lower end" in reason


@pytest.mark.parametrize("name", ["weight", "eigenvalue"])
def test_numbers_of_no_use_are_refused(name: str) -> None:
    problem, certificate = clipped(0, Noise(each=0.02))
    value = float(certificate.evidence.values[name])
    for wrong in (0.0, -value, math.nan, math.inf, True, str(value)):
        forged = valued(replace(certificate, error_bound=math.inf), **{name: wrong})
        reasons = verify(forged, problem).reasons
        assert len(reasons) == 1
        assert name in reasons[0]
        assert reasons[0].startswith(
            ("weight and eigenvalue must be", "the evidence is damaged")
        )
    for wrong in (0.0, -value):
        (said,) = verify(valued(certificate, **{name: wrong}), problem).reasons
        assert said == "weight and eigenvalue must be positive"
    worse = value * (1.0 + 1e-9 if name == "eigenvalue" else 0.5)
    (reason,) = verify(valued(certificate, **{name: worse}), problem).reasons
    assert "could not be proved again" in reason
    missing = {k: v for k, v in certificate.evidence.values.items() if k != name}
    bare = replace(certificate, evidence=replace(certificate.evidence, values=missing))
    assert not verify(bare, problem).accepted


def test_the_weight_of_one_is_the_weight_of_the_prior() -> None:
    """The stacked frame is [w Phi_I; T]: its eigenvalue is known where both are diagonal."""
    rows = Dense(np.diag([3.0, 3.0, 0.0]))
    model = Saturation(rows, -9.0, 9.0)
    operator = Dense(np.diag([0.0, 4.0, 8.0]))
    problem = Problem(model, np.zeros(3), noise=Noise(each=0.5), prior=Quadratic(operator, 2.0))
    certificate = certify_posteriori(problem, np.zeros(3))
    assert certificate.evidence.kind == "stacked prior"
    # w^2 9 against w^2 9 + 16 and 64
    for weight, square in ((1.0, 9.0), (2.0, 36.0), (3.0, 64.0)):
        for factor, accepted in ((1.0 - 1e-9, True), (1.0 + 1e-9, False)):
            other = replace(
                valued(certificate, weight=weight, eigenvalue=square * factor),
                error_bound=math.inf,
                kappa=Enclosure(0.0, certificate.kappa.upper),
            )
            reasons = verify(other, problem).reasons
            told = any("could not be proved again" in reason for reason in reasons)
            assert told != accepted


def test_the_bound_is_rounded_up() -> None:
    """Numbers that are exact but for the last division: the bound is above the quotient."""
    rng = np.random.default_rng(0)
    problem = Problem(
        Saturation(Dense(np.eye(2)), -9.0, 9.0),
        np.zeros(2),
        noise=Noise(l2=3.0),
        prior=Quadratic(Dense(np.eye(2)), 4.0),
    )
    certificate = certify_posteriori(problem, np.zeros(2))
    if certificate.evidence.kind != "stacked prior":
        evidence = replace(
            certificate.evidence,
            kind="stacked prior",
            values={**certificate.evidence.values, "weight": 1.0, "route": "cholesky"},
        )
        certificate = replace(certificate, evidence=evidence)
    for _ in range(16):
        value = float(rng.uniform(0.01, 1.9))
        bound = Fraction(proved(problem, valued(certificate, weight=1.0, eigenvalue=value)))
        assert 25 <= bound**2 * Fraction(value) <= 25 * (1 + Fraction(1, 10**13))


def test_arrays_are_not_added() -> None:
    problem, certificate = clipped(0, Noise(each=0.02))
    for added in (
        replace(certificate, pointwise=np.full(N, math.inf)),
        replace(certificate, centre=np.zeros(N)),
    ):
        verdict = verify(added, problem)
        assert verdict.reasons == ("arrays were added to a certificate that has none",)


def test_the_witness_may_be_any_direction() -> None:
    problem, certificate = clipped(0, Noise(each=0.02))
    assert isinstance(problem.prior, Quadratic)
    fixed = problem.knowledge.fixed
    weight = float(certificate.evidence.values["weight"])
    stack = np.vstack(
        [weight * problem.model.frame.matrix()[fixed], problem.prior.operator.matrix()]
    )
    # a value nearer to the truth than what a search would state is proved as well
    value = float(np.linalg.svd(stack, compute_uv=False)[-1]) ** 2 * (1.0 - 4e-12)
    assert verify(valued(certificate, eigenvalue=value), problem).accepted
    rng = np.random.default_rng(1)
    for witness in (np.eye(N)[0], np.ones(N), rng.standard_normal(N)):
        ratio = float(np.linalg.norm(stack @ witness) / np.linalg.norm(witness))
        arrays = {**certificate.evidence.arrays, "witness": witness}
        other = replace(certificate, evidence=replace(certificate.evidence, arrays=arrays))
        for factor, accepted in ((1.0 + 1e-9, True), (1.0 - 1e-9, False)):
            kappa = Enclosure(certificate.kappa.lower, ratio * factor)
            assert verify(replace(other, kappa=kappa), problem).accepted == accepted


def test_a_certificate_is_of_a_quadratic_prior() -> None:
    problem, certificate = clipped(0, Noise(each=0.02))
    for other in (
        Problem(problem.model, problem.y, noise=problem.noise),
        Problem(Modulus(problem.model.frame), np.abs(problem.y), prior=problem.prior),
        problem.model,
    ):
        (reason,) = verify(certificate, other).reasons
        assert reason.startswith("the certificate is of a recovery with a quadratic prior")
