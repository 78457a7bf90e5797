"""The allowances for rounding, made so large that each must show in what the checks prove."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from recover.certificates import spans
from recover.certificates.certificate import Certificate
from recover.certificates.checks import polytope, quadratic, reading, stacked, subspace
from recover.certificates.columns import operator_norm
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.sampling import samples_of
from recover.certificates.verify import verify
from recover.core.enclosure import Enclosure
from recover.frames import Convolution, Dense, Identity
from recover.models import Box, Noise, Problem, ReLU, Saturation
from recover.priors import Quadratic, Subspace

N = 8
LARGE = 1e-2
TRUTH = np.sin(2 * np.pi * np.arange(N) / N)
CURVED = Convolution(np.array([[1.0, -1.4, 0.9]]), N)


def proved(problem: Problem, c: Certificate, name: str) -> float:
    """Return the number that the verifier proves, as it says itself."""
    bare = Certificate.from_data({**c.to_data(), "error_bound": 0.0})
    object.__setattr__(bare, "kappa", Enclosure(0.0, 0.0))
    object.__setattr__(bare, "error_bound", 0.0)
    pattern = re.compile(rf"{name} .* is claimed, but only (\S+) is proved")
    found = [pattern.match(reason) for reason in verify(bare, problem).reasons]
    return next(float(each[1]) for each in found if each)


def test_of_the_prior_s_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Saturation(Dense(np.random.default_rng(5).standard_normal((10, N))), -0.8, 0.8)
    tau = 1.1 * float(np.linalg.norm(CURVED.analysis(TRUTH)))
    problem = Problem(model, model(TRUTH), prior=Quadratic(CURVED, tau))
    monkeypatch.setattr(Convolution, "roundoff", lambda _frame: LARGE)
    monkeypatch.setattr(stacked, "underflow", lambda _frame: LARGE / 3)
    certificate = certify_posteriori(problem, TRUTH)
    values, x = certificate.evidence.values, certificate.evidence.arrays["signal"]
    image = float(np.linalg.norm(CURVED.analysis(x)))
    on_prior = tau + image + LARGE * float(np.linalg.norm(x)) + LARGE / 3
    expected = on_prior / math.sqrt(float(values["eigenvalue"]))
    assert proved(problem, certificate, "error bound") == pytest.approx(expected, rel=1e-6)


def test_of_the_gradient_of_a_quadratic_prior(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quadratic, "adjoint_roundoff", lambda _frame: LARGE)
    monkeypatch.setattr(quadratic, "underflow", lambda _frame: LARGE / 3)
    norm, s, tau = operator_norm(CURVED), 0.7, 1.4
    z = TRUTH + 0.2
    image = CURVED.analysis(z)
    size = float(np.linalg.norm(image))
    free = np.full(N, np.inf)
    unknown = np.ones(N, dtype=bool)
    problem = Problem(Saturation(Identity(N), -0.5, 0.5), np.clip(TRUTH, -0.5, 0.5))
    samples = samples_of(problem)
    setting = quadratic._Setting(samples, -free, free, unknown, z, 0.0)
    error = LARGE / 3
    slope = float(np.linalg.norm(CURVED.synthesis(image)))
    h = (slope + LARGE * size + LARGE / 3 + norm * error) / s
    for budget in (tau, 100.0):  # what decides, and what does not
        found = quadratic._reach(Quadratic(CURVED, budget), setting, s)
        under = h * h + budget * budget - (size - error) ** 2
        expected = min(budget + size + error, math.sqrt(under) + h)
        assert found == pytest.approx(expected, rel=1e-9)
        assert found >= expected * (1 - 1e-12)
    small = quadratic._Setting(samples, -free, free, np.arange(N) < 1, z, 0.0)
    h = (abs(CURVED.synthesis(image)[0]) + LARGE * size + LARGE / 3 + norm * error) / 50.0
    under = h * h + tau * tau - (size - error) ** 2
    found = quadratic._reach(Quadratic(CURVED, tau), small, 50.0)
    assert found == pytest.approx(min(tau + size + error, math.sqrt(under) + h), rel=1e-9)


def spanned() -> tuple[Problem, Certificate]:
    rng = np.random.default_rng(6)
    vectors, rows = rng.standard_normal((2, 7)), rng.standard_normal((12, 7))
    truth = vectors.T @ np.array([1.0, -0.5])
    model = ReLU(Dense(rows), -0.1)
    problem = Problem(model, model(truth), prior=Subspace(Dense(vectors)))
    certificate = certify_posteriori(problem, truth)
    assert certificate.evidence.kind == "subspace"
    return problem, certificate


def test_of_the_values_that_a_bias_shifts(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, certificate = spanned()
    span = spans.span_of(problem)
    assert span is not None
    monkeypatch.setattr(subspace, "U", LARGE)
    point = certificate.evidence.arrays["signal"] + 0.1
    found = subspace._residual(problem, span, point, 0.0)
    knowledge, fixed = problem.knowledge, problem.knowledge.fixed
    value = knowledge.value[fixed]
    size = float(np.linalg.norm(value - problem.model.frame.analysis(point)[fixed]))
    expected = size + LARGE * (size + float(np.linalg.norm(value)))
    assert found.norm.upper == pytest.approx(expected, rel=1e-9)
    assert found.norm.lower == pytest.approx(2 * size - expected, rel=1e-9)


def test_of_a_witness_in_a_span(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, certificate = spanned()
    monkeypatch.setattr(spans, "gamma", lambda _count: LARGE)
    span = spans.span_of(problem)
    assert span is not None
    coefs = certificate.evidence.arrays["witness"]
    point, off = span.point(coefs)
    assert off > 0.5 * LARGE
    frame, fixed = problem.model.frame, problem.knowledge.fixed
    image = float(np.linalg.norm(frame.analysis(point)[fixed]))
    reach = float(np.linalg.norm(frame.matrix(), 2)) * off
    expected = (image + reach) / (float(np.linalg.norm(point)) - off)
    bare = Certificate.from_data(certificate.to_data())
    object.__setattr__(bare, "kappa", Enclosure(0.0, 0.0))
    (said,) = subspace._kappa_faults(bare, problem, span, 1.0)
    number = float(re.search(r"but only (\S+) is proved", said)[1])
    assert number == pytest.approx(expected, rel=1e-6)


def test_of_a_point_in_a_span(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, certificate = spanned()
    span = spans.span_of(problem)
    assert span is not None
    coefs = certificate.evidence.arrays["coefficients"]
    point, _ = span.point(coefs)
    monkeypatch.setattr(spans.Span, "point", lambda _span, _coefs: (point, LARGE))
    monkeypatch.setattr(subspace, "underflow", lambda _frame: LARGE / 3)
    frame, x = problem.model.frame, certificate.evidence.arrays["signal"]
    own = frame.roundoff() * float(np.linalg.norm(point)) + LARGE / 3
    due = own + operator_norm(frame) * LARGE
    assert subspace._rounding(problem, point, LARGE) == pytest.approx(due, rel=1e-12)
    residual = subspace._residual(problem, span, point, LARGE)
    radius = residual.radius(float(certificate.evidence.values["sigma"]))
    expected = span.basis_norm * radius + float(np.linalg.norm(x - point)) + LARGE
    assert proved(problem, certificate, "error bound") == pytest.approx(expected, rel=1e-12)


def test_of_the_gradient_in_a_span(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, certificate = spanned()
    span = spans.span_of(problem)
    assert span is not None
    monkeypatch.setattr(subspace, "gamma", lambda _count: LARGE)
    span = span._replace(seen_error=LARGE / 3)
    point = certificate.evidence.arrays["signal"] + 0.1
    found = subspace._residual(problem, span, point, 0.0)
    rows = span.seen[problem.knowledge.fixed]
    entries = found.entries
    slack = LARGE * float(np.linalg.norm(rows)) + LARGE / 3
    expected = np.linalg.norm(rows.T @ entries) + slack * np.linalg.norm(entries)
    assert found.gradient is not None
    assert found.gradient.upper == pytest.approx(float(expected), rel=1e-12)


def test_of_rows_that_are_not_known_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What rounding and the rows' own error leave of a direction counts as far as x goes."""
    rows, end = np.array([[1.0], [-1.0]]), 3.0
    problem = Problem(ReLU(Dense(rows), 1.0), np.zeros(2), domain=Box(-end, end))
    certificate = certify_posteriori(problem, np.zeros(1))
    u = np.eye(2)
    evidence = certificate.evidence
    arrays = {**evidence.arrays, "multipliers": u}
    object.__setattr__(evidence, "arrays", arrays)
    monkeypatch.setattr(polytope, "gamma", lambda _count: LARGE)
    for error in (0.5 * LARGE, 2.0 * LARGE, 8.0 * LARGE):
        monkeypatch.setattr(polytope, "real_matrix", lambda *_, e=error: (rows, e))
        # |x| <= 1 + off |x|, the product and the direction being 1
        expected = 1.0 + (2.0 * LARGE + error) * end
        assert proved(problem, certificate, "error bound") == pytest.approx(expected, rel=1e-9)


def test_two_libraries_may_differ_by_as_much_in_the_sum() -> None:
    noise = Noise.counted(100.0, 1e-6, background=0.5)
    each, total = reading._of_roots(noise, np.array([0.3, 2.0, 5.0]))
    norm = float(np.linalg.norm(each))
    assert norm * (1 - 1.5e-9) < total < norm * (1 - 0.5e-9)


def test_entries_of_a_picture_in_a_box() -> None:
    """The bounds of single entries have the signal's shape."""
    picture = np.linspace(-1.0, 1.0, 6).reshape(2, 3)
    model = Saturation(Convolution([[[1.0, 0.5]], [[0.3, 1.0]]], (2, 3)), -0.5, 0.5)
    box = Box(np.full((2, 3), -1.2), np.full((2, 3), 1.2))
    problem = Problem(model, model(picture), domain=box)
    certificate = certify_posteriori(problem, picture)
    assert certificate.evidence.kind == "polytope"
    assert certificate.pointwise is not None
    assert certificate.pointwise.shape == (2, 3)
    assert verify(certificate, problem).accepted
