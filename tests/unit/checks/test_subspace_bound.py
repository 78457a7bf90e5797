"""The check of a known subspace: its bound by the formulas, for any coefficients given."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from check_cases import valued, with_array

from recover.certificates import spans
from recover.certificates.certificate import Certificate
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.reasons import NO_WITNESS
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.frames import Dense, Identity
from recover.models import Noise, Problem, ReLU, Saturation, Support
from recover.priors import Quadratic, Subspace

PROVED = re.compile(r"error bound .* is claimed, but only (\S+) is proved")
UPPER = re.compile(r"kappa's upper end .* is claimed, but only (\S+) is proved")


def proved(problem: Problem, c: Certificate, pattern: re.Pattern[str] = PROVED) -> float:
    """Return the number that the verifier proves, as it says itself."""
    bare = replace(c, error_bound=0.0, kappa=Enclosure(0.0, 0.0))
    for reason in verify(bare, problem).reasons:
        found = pattern.match(reason)
        if found:
            return float(found[1])
    raise AssertionError(verify(bare, problem).reasons)


def clipped(seed: int, noise: float = 0.0, off: float = 0.0) -> tuple[Problem, Certificate]:
    """Return a clipped measurement of a signal in a span, and what it proves."""
    rng = np.random.default_rng(seed)
    vectors, rows = rng.standard_normal((2, 7)), rng.standard_normal((12, 7))
    truth = vectors.T @ rng.standard_normal(2)
    level = 0.7 * float(np.abs(rows @ truth).max())
    model = Saturation(Dense(rows), -level, level)
    e = off * rng.uniform(-1, 1, 12)
    problem = Problem(
        model,
        np.clip(rows @ truth + e, -level, level),
        noise=noise,
        prior=Subspace(Dense(vectors)),
    )
    signal = truth + 0.1 * rng.standard_normal(7)
    certificate = certify_posteriori(problem, signal)
    assert certificate.evidence.kind == "subspace"
    return problem, certificate


def expected(problem: Problem, c: Certificate) -> float:
    """Return the bound by the formulas, in plain arithmetic."""
    assert isinstance(problem.prior, Subspace)
    vectors, fixed = problem.prior.frame.matrix().T, problem.knowledge.fixed
    s = float(c.evidence.values["sigma"])
    a, x = c.evidence.arrays["coefficients"], c.evidence.arrays["signal"]
    basis = np.linalg.qr(vectors)[0]
    seen = problem.model.frame.matrix()[fixed] @ basis
    r = problem.knowledge.value[fixed] - problem.model.frame.matrix()[fixed] @ (vectors @ a)
    eps = min(problem.noise_bound.l2, float(np.linalg.norm(problem.knowledge.each[fixed])))
    size, h = float(np.linalg.norm(r)), float(np.linalg.norm(seen.T @ r)) / s
    ways = [eps + size, eps + h]
    if h * h + eps * eps >= size * size:
        ways.append(h + math.sqrt(h * h + eps * eps - size * size))
    return min(ways) / s + float(np.linalg.norm(x - vectors @ a))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("noise", "off"), [(0.0, 0.0), (0.5, 0.1), (1e-3, 1e-4), (2.0, 0.0)])
def test_the_bound_is_that_of_the_formulas(seed: int, noise: float, off: float) -> None:
    problem, certificate = clipped(seed, noise, off)
    s = float(certificate.evidence.values["sigma"])
    a = certificate.evidence.arrays["coefficients"]
    assert verify(certificate, problem).accepted
    assert proved(problem, certificate) == pytest.approx(
        expected(problem, certificate), rel=1e-9
    )
    rng = np.random.default_rng(seed)
    # smaller singular values, and coefficients near and far, prove what they prove
    for lower, step in ((0.5, 0.0), (0.9, 1e-3), (1.0, 0.3), (1.0, 30.0), (0.1, 1e-6)):
        other = with_array(
            valued(certificate, sigma=lower * s),
            "coefficients",
            a + step * rng.standard_normal(a.shape),
        )
        assert proved(problem, other) == pytest.approx(expected(problem, other), rel=1e-9)


@pytest.mark.parametrize("seed", range(2))
def test_each_number_may_be_no_better_than_what_is_proved(seed: int) -> None:
    problem, certificate = clipped(seed, 1e-2)
    s = float(certificate.evidence.values["sigma"])
    bound = proved(problem, certificate)
    assert verify(replace(certificate, error_bound=bound), problem).accepted
    below = replace(certificate, error_bound=math.nextafter(bound, 0.0))
    assert len(verify(below, problem).reasons) == 1
    for sigma in (s * (1.0 + 1e-9), math.inf, math.nan, 0.0, -s, True, str(s)):
        assert not verify(valued(certificate, sigma=sigma), problem).accepted, sigma
    # a smaller one proves a larger bound, and the lower end of kappa is held to it
    smaller = replace(valued(certificate, sigma=0.5 * s), error_bound=math.inf)
    reasons = verify(smaller, problem).reasons
    assert [f"only {0.5 * s:.12g}"[:12] in reason for reason in reasons] == [True]
    kappa = certificate.kappa
    halved = replace(smaller, kappa=Enclosure(0.5 * kappa.lower, kappa.upper))
    assert verify(halved, problem).accepted
    # SIGMA / |D|, D orthonormal: the claim rests on little else
    assert kappa.lower == pytest.approx(s, rel=1e-9)
    raised = replace(certificate, kappa=Enclosure(kappa.lower * (1 + 1e-9), 9.0))
    said = verify(raised, problem).reasons[0]
    assert "lower end" in said
    least = float(re.findall(r"only (\S+) proved", said)[0])
    exact = replace(certificate, kappa=Enclosure(least, max(least, kappa.upper)))
    assert verify(exact, problem).accepted
    above = math.nextafter(least, math.inf)
    beyond = replace(certificate, kappa=Enclosure(above, max(above, kappa.upper)))
    assert "lower end" in verify(beyond, problem).reasons[0]


@pytest.mark.parametrize("seed", range(2))
def test_the_upper_end_is_that_of_the_witness(seed: int) -> None:
    problem, certificate = clipped(seed)
    assert isinstance(problem.prior, Subspace)
    vectors, fixed = problem.prior.frame.matrix().T, problem.knowledge.fixed
    rng = np.random.default_rng(seed)
    own = certificate.evidence.arrays["witness"]
    for witness in (own, 1e-3 * own, rng.standard_normal(2), np.array([1e5, 0.0])):
        other = with_array(certificate, "witness", witness)
        v = vectors @ witness
        image = problem.model.frame.matrix()[fixed] @ v
        ratio = float(np.linalg.norm(image) / np.linalg.norm(v))
        found = proved(problem, other, UPPER)
        assert ratio * (1.0 - 1e-13) <= found <= ratio * (1.0 + 1e-9)
        least = replace(other, kappa=Enclosure(certificate.kappa.lower, found))
        assert verify(least, problem).accepted
        below = math.nextafter(found, 0.0)
        less = replace(other, kappa=Enclosure(min(below, certificate.kappa.lower), below))
        assert "upper end" in verify(less, problem).reasons[0]
    nothing = with_array(certificate, "witness", np.zeros(2))
    assert not verify(nothing, problem).accepted
    for wrong in (own[:1], own.astype(np.float32), own * math.nan):
        assert not verify(with_array(certificate, "witness", wrong), problem).accepted
    # without a witness nothing is claimed above, and the reason says so
    arrays = {k: v for k, v in certificate.evidence.arrays.items() if k != "witness"}
    bare = replace(certificate, evidence=replace(certificate.evidence, arrays=arrays))
    assert "without a witness" in verify(bare, problem).reasons[0]
    open_above = replace(bare, kappa=Enclosure(certificate.kappa.lower, math.inf))
    assert not verify(open_above, problem).accepted
    assert verify(replace(open_above, reason=NO_WITNESS), problem).accepted


@pytest.mark.parametrize("name", ["coefficients", "witness"])
def test_damaged_arrays_are_refused(name: str) -> None:
    problem, certificate = clipped(0)
    array = certificate.evidence.arrays[name]
    for wrong in (
        array[:1],
        array[:, None],
        np.append(array, 0.0),
        array.astype(np.float32),
        array.astype(complex),
        np.full_like(array, math.inf),
    ):
        verdict = verify(with_array(certificate, name, wrong), problem)
        assert not verdict.accepted
        assert name in verdict.reasons[0]


def test_arrays_that_prove_nothing_are_refused() -> None:
    problem, certificate = clipped(0)
    for added in (
        replace(certificate, pointwise=np.full(7, math.inf)),
        replace(certificate, centre=certificate.evidence.arrays["signal"]),
    ):
        verdict = verify(added, problem)
        assert verdict.reasons == ("arrays were added to a certificate that has none",)


def test_a_certificate_is_of_a_subspace_or_a_support() -> None:
    problem, certificate = clipped(0)
    mask = np.ones(7, dtype=bool)
    for prior, domain in (
        (None, None),
        (Quadratic(Identity(7), 1.0), None),
        (Quadratic(Identity(7), 1.0), Support(mask)),
    ):
        other = Problem(
            problem.model, problem.y, noise=problem.noise, prior=prior, domain=domain
        )
        (reason,) = verify(certificate, other).reasons
        assert reason.startswith("the certificate is of a signal in a known subspace")
    (reason,) = verify(certificate, problem.model).reasons
    assert reason.startswith("the certificate is of a signal in a known subspace")


@pytest.mark.parametrize("length", [1.0 + 4e-9, 1.0 - 4e-9])
def test_vectors_that_are_nearly_of_length_one_are_taken_as_they_are(length: float) -> None:
    """What is proved of coefficients is turned into what holds of signals."""
    vectors = np.array([[length, 0.0]])
    model = Saturation(Identity(2), -9.0, 9.0)
    problem = Problem(model, np.zeros(2), noise=Noise(l2=0.5), prior=Subspace(Dense(vectors)))
    certificate = certify_posteriori(problem, np.zeros(2))
    if certificate.evidence.kind != "subspace":
        evidence = replace(
            certificate.evidence,
            kind="subspace",
            values={**certificate.evidence.values, "sigma": length, "route": "cholesky"},
            arrays={"signal": np.zeros(2), "coefficients": np.zeros(1)},
        )
        certificate = replace(certificate, evidence=evidence)
    s = length * (1.0 - 2.0**-36)
    forged = valued(replace(certificate, kappa=Enclosure(9.0, 9.0)), sigma=s)
    reasons = verify(replace(forged, error_bound=0.0), problem).reasons
    (least,) = (float(m[1]) for r in reasons if (m := re.search(r"only (\S+) proved", r)))
    (bound,) = (float(m[1]) for r in reasons if (m := PROVED.match(r)))
    # every signal of the line is seen as long as it is
    assert 1.0 - 1e-10 <= least <= 1.0
    assert 0.5 <= bound <= 0.5 * (1.0 + 1e-10)


def test_a_subspace_takes_no_assumption_of_the_domain() -> None:
    """The prior is what the bound rests on, the support only where there is no prior."""
    problem, certificate = clipped(0)
    mask = np.ones(7, dtype=bool)
    both = Problem(
        problem.model,
        problem.y,
        noise=problem.noise,
        prior=problem.prior,
        domain=Support(mask),
    )
    again = certify_posteriori(both, certificate.evidence.arrays["signal"])
    assert verify(again, both).accepted
    assert again.scope.to_json()["on"] == "support"
    assert again.assumptions == certificate.assumptions


@pytest.mark.parametrize("far", [1.0, 1e3, 1e9])
def test_a_signal_far_from_the_span_is_no_nearer_than_it_is(far: float) -> None:
    """Exact data on a line: the truth is known, and its distance in rational numbers."""
    rng = np.random.default_rng(3)
    for _ in range(8):
        truth = float(rng.uniform(0.5, 2.0)) * 1e-3
        problem = Problem(
            Saturation(Identity(1), -9.0, 9.0),
            np.array([truth]),
            prior=Subspace(Dense(np.ones((1, 1)))),
        )
        signal = np.array([float(rng.uniform(-far, far))])
        certificate = certify_posteriori(problem, signal)
        if certificate.evidence.kind != "subspace":
            continue
        bound = Fraction(proved(problem, certificate))
        exact = abs(Fraction(truth) - Fraction(signal[0]))
        assert exact <= bound <= exact * (1 + Fraction(1, 10**12)) + Fraction(1, 10**15)


@pytest.mark.parametrize("missed", [True, False])
@pytest.mark.parametrize("upper", [True, False])
def test_data_that_contradict_the_span_are_refused(missed: bool, upper: bool) -> None:
    """A clipped coefficient must be reachable from the fixed ones: by rows of length 2."""
    # x = a (1, 2): the first entry is seen and the second one is clipped at 1
    vectors = np.array([[1.0, 2.0]]) / math.sqrt(5.0)
    sign = 1.0 if upper else -1.0
    eps = 0.05
    first = 0.4 if missed else 0.5
    y = np.array([first, 1.0]) * sign

    def problem_of(data: Array) -> Problem:
        return Problem(
            Saturation(Identity(2), [-9.0, -1.0], [9.0, 1.0]),
            data,
            noise=Noise(each=eps),
            prior=Subspace(Dense(vectors)),
        )

    # 2 (0.4 + 0.05) = 0.9 is below the 0.95 that is seen at least
    problem = problem_of(y)
    good = problem_of(np.array([0.5, 1.0]) * sign)
    signal = np.array([0.5, 1.0]) * sign
    certificate = certify_posteriori(good, signal)
    assert certificate.evidence.kind == "subspace"
    a = np.array([math.sqrt(5.0) * first * sign])
    moved = replace(
        with_array(certificate, "coefficients", a), subject=problem.digest, error_bound=9.0
    )
    reasons = verify(moved, problem).reasons
    assert [reason.startswith("the data contradict") for reason in reasons] == [True] * missed
    if missed:
        assert not certify_posteriori(problem, signal).finite


def test_rectified_data_and_supports_are_checked_likewise() -> None:
    """A bias is a sum that was rounded; unit vectors need no other basis."""
    mask = np.zeros(5, dtype=bool)
    mask[[1, 3]] = True
    rng = np.random.default_rng(2)
    rows, truth = rng.standard_normal((9, 5)), np.where(mask, rng.standard_normal(5), 0.0)
    for bias in (0.0, -0.3):
        model = ReLU(Dense(rows), bias)
        problem = Problem(model, model(truth), noise=1e-3, domain=Support(mask))
        certificate = certify_posteriori(problem, truth)
        assert certificate.evidence.kind == "subspace"
        assert verify(certificate, problem).accepted
        fixed = problem.knowledge.fixed
        seen = rows[fixed][:, mask]
        s = float(certificate.evidence.values["sigma"])
        assert s == pytest.approx(np.linalg.svd(seen, compute_uv=False)[-1], rel=1e-9)
        # the best fit leaves rounding only, so eps / s is what remains
        assert proved(problem, certificate) == pytest.approx(1e-3 / s, rel=1e-6)
        dropped = Problem(model, problem.y, noise=1e-3)
        assert not verify(certificate, dropped).accepted


def test_images_are_signals_too() -> None:
    """The coefficients of the span are flat, the signals have the shape of the frame's."""
    mask = np.zeros((2, 3), dtype=bool)
    mask[0, 1] = mask[1, 2] = True
    truth = np.where(mask, np.arange(6.0).reshape(2, 3) / 4.0, 0.0)
    model = Saturation(Identity((2, 3)), -9.0, 9.0)
    problem = Problem(model, truth, noise=1e-3, domain=Support(mask))
    base = certify_posteriori(problem, truth)
    coefficients = truth[mask]
    values = {"sigma": 1.0 - 1e-9, "route": "cholesky"}
    arrays = {
        "signal": truth,
        "coefficients": coefficients,
        "witness": np.array([1.0, 0.0]),
    }
    named = {"signal_digest": base.evidence.values["signal_digest"]}
    evidence = replace(
        base.evidence, kind="subspace", values={**named, **values}, arrays=arrays
    )
    certificate = replace(base, evidence=evidence, pointwise=None)
    assert proved(problem, certificate) == pytest.approx(1e-3, rel=1e-8)
    assert proved(problem, certificate, UPPER) == pytest.approx(1.0, rel=1e-9)


def test_a_span_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, certificate = clipped(0)
    monkeypatch.setattr(spans, "MAX_VECTORS", 1)
    told = ("the subspace is too large to be proved",)
    assert verify(certificate, problem).reasons == told
