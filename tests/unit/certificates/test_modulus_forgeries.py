"""`verify` accepts certificates of magnitudes as issued and refuses what was changed since."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.scope import Scope
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rigor import ESTIMATE, PROVED, Rigor, probabilistic
from recover.frames import STFT, CodedDiffraction, Dense, Fourier, Frame, Gabor
from recover.models import Modulus, Noise, Problem, ReLU, Support

SMALL = 1.0 - 1e-5


@dataclass(frozen=True, eq=False)
class Certified:
    """A problem, its true signal, a recovered one, and the certificate."""

    problem: Problem
    truth: Array
    signal: Array
    certificate: Certificate


def certified(
    frame: Frame,
    seed: int,
    noise: float,
    *,
    mask: Array | None = None,
    budget: float | None = None,
) -> Certified:
    rng = np.random.default_rng(seed)
    truth = rng.standard_normal(frame.signal_shape)
    if not frame.real_signal:
        truth = truth + 1j * rng.standard_normal(truth.shape)
    truth = truth if mask is None else np.where(mask, truth, 0.0)
    model = Modulus(frame)
    e = rng.standard_normal(frame.coef_shape)
    y = np.abs(model(truth) + e * (0.9 * noise / np.linalg.norm(e)))
    off = 0.01 * noise * rng.standard_normal(truth.shape)
    signal = truth + (off if mask is None else np.where(mask, off, 0.0))
    domain = None if mask is None else Support(mask)
    problem = Problem(model, y, noise=Noise(l2=noise), domain=domain)
    return Certified(problem, truth, signal, certify_posteriori(problem, signal, budget=budget))


def rows(seed: int, m: int, n: int) -> Array:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((m, n)) + 1j * rng.standard_normal((m, n))


def support() -> Certified:
    mask = np.zeros((6, 6), dtype=bool)
    mask[1:3, 1:4] = True
    return certified(Fourier((6, 6)), 4, 1e-4, mask=mask)


def wide_support() -> Certified:
    mask = np.zeros((40, 36), dtype=bool)
    mask[1:38, 2:34] = True
    frame = Fourier((40, 36), 2, real_signal=True, one_sided=True)
    return certified(frame, 10, 1e-6, mask=mask)


def masks(n: int) -> CodedDiffraction:
    return CodedDiffraction.random_phases((n, n), 4, np.random.default_rng(n))


WINDOW = np.exp(-np.arange(4) / 2.0)
CASES: dict[str, tuple[Callable[[], Certified], str, str, Rigor]] = {
    "real": (
        lambda: certified(Dense(rows(1, 30, 5).real), 1, 1e-3),
        "modulus",
        "local",
        PROVED,
    ),
    "complex": (lambda: certified(Dense(rows(2, 40, 4)), 2, 1e-3), "modulus", "local", PROVED),
    "complex rows, real signals": (
        lambda: certified(Dense(rows(3, 30, 5), True), 3, 1e-3),
        "modulus",
        "local",
        PROVED,
    ),
    "support": (support, "modulus", "local", PROVED),
    "banded": (
        lambda: certified(Gabor.hann(600, 16, 4, real_signal=False), 9, 1e-7),
        "modulus",
        "local",
        PROVED,
    ),
    "drawn, support": (wide_support, "modulus", "local", probabilistic(1e-9)),
    "drawn": (lambda: certified(masks(24), 5, 1e-5), "modulus", "local", probabilistic(1e-9)),
    "drawn, two steps": (
        lambda: certified(masks(40), 6, 1e-5, budget=9.0),
        "modulus",
        "local",
        probabilistic(1e-9),
    ),
    "spectrogram": (
        lambda: certified(STFT(24, WINDOW), 7, 3e-4),
        "modulus lags",
        "global",
        PROVED,
    ),
    "spectrogram, sharpened": (
        lambda: certified(STFT(16, WINDOW), 8, 1e-5),
        "modulus lags",
        "global",
        PROVED,
    ),
}


@pytest.fixture(params=list(CASES), scope="module")
def case(request: pytest.FixtureRequest) -> Certified:
    build, kind, scope, rigor = CASES[request.param]
    made = build()
    assert made.certificate.evidence.kind == kind
    assert made.certificate.scope.kind == scope
    assert made.certificate.rigor == rigor
    assert made.certificate.finite
    return made


def test_the_cases_differ() -> None:
    banded = CASES["banded"][0]().certificate
    assert banded.evidence.values["route:0"] == "banded"
    two = CASES["drawn, two steps"][0]().certificate
    assert two.evidence.arrays["steps"].shape == (2, 5)
    assert {two.evidence.values["route:0"], two.evidence.values["route:1"]} == {
        "filter",
        "symmetric filter",
    }
    assert "steps" not in CASES["spectrogram"][0]().certificate.evidence.arrays
    assert "steps" in CASES["spectrogram, sharpened"][0]().certificate.evidence.arrays


def test_issued_certificates_are_accepted(case: Certified) -> None:
    text = case.certificate.to_json()
    again = Certificate.from_json(text)
    assert again.to_json() == text
    for certificate, signal in ((case.certificate, None), (again, None), (again, case.signal)):
        verdict = verify(certificate, case.problem, signal)
        assert verdict.accepted, verdict.reasons


def test_the_truth_is_within_the_bound(case: Certified) -> None:
    distance = case.problem.model.distance(case.truth, case.signal)
    assert distance <= case.certificate.error_bound
    if case.certificate.scope.kind == "local":
        assert case.certificate.error_bound < case.certificate.scope.details["radius"]


def test_the_same_input_gives_the_same_certificate(case: Certified) -> None:
    again = certify_posteriori(case.problem, case.signal)
    more = certify_posteriori(case.problem, case.signal)
    assert again.to_json() == more.to_json()


def test_what_is_lost_is_stated(case: Certified) -> None:
    lost = "sign" if case.problem.model.frame.real_signal else "phase"
    assert case.certificate.scope.to_json()["up_to"] == lost
    assert any(f"global {lost}" in said for said in case.certificate.assumptions)
    drawn = case.certificate.rigor != PROVED
    assert any("random vectors" in said for said in case.certificate.assumptions) == drawn


def _values(c: Certificate, **values: float | str) -> Certificate:
    kept = {**c.evidence.values, **values}
    return replace(c, evidence=Evidence(c.evidence.kind, kept, c.evidence.arrays))


def _array(c: Certificate, name: str, array: Array) -> Certificate:
    arrays = {**c.evidence.arrays, name: array}
    return replace(c, evidence=Evidence(c.evidence.kind, c.evidence.values, arrays))


def _steps(c: Certificate, column: int, factor: float) -> Certificate | None:
    if "steps" not in c.evidence.arrays or not c.evidence.arrays["steps"][:, column].any():
        return None  # there is no weight for real coefficients
    steps = c.evidence.arrays["steps"].copy()
    steps[:, column] *= factor
    return _array(c, "steps", steps)


def _gap(c: Certificate) -> Certificate | None:
    """Steps that do not join: the second begins below where the first ends."""
    if "steps" not in c.evidence.arrays:
        return None
    steps = c.evidence.arrays["steps"][[-1, -1]].copy()
    steps[1, 4] = 0.5 * steps[0, 3]
    steps[1, 3] = 0.4 * steps[0, 3]
    kept = dict(c.evidence.values)
    last = len(c.evidence.arrays["steps"]) - 1
    for name in ("route", "inner", "weight_route", "near", "weight_near"):
        for k in (0, 1):
            if f"{name}:{last}" in kept:
                kept[f"{name}:{k}"] = c.evidence.values[f"{name}:{last}"]
    arrays = {**c.evidence.arrays, "steps": steps}
    forged = replace(c, evidence=Evidence(c.evidence.kind, kept, arrays))
    return replace(forged, error_bound=float(steps[1, 3]))


def _wider(c: Certificate) -> Certificate | None:
    if "radius" not in c.scope.details:
        return None
    details = {**c.scope.details, "radius": 2.0 * c.scope.details["radius"]}
    return replace(c, scope=Scope("local", details))


def _wider_with_steps(c: Certificate) -> Certificate | None:
    forged, wide = _steps(c, 4, 2.0), _wider(c)
    return None if forged is None or wide is None else replace(forged, scope=wide.scope)


def _edited(c: Certificate, name: str, factor: float) -> Certificate | None:
    if name not in c.evidence.values:
        return None
    return _values(c, **{name: float(c.evidence.values[name]) * factor})


def _witness(c: Certificate) -> Certificate | None:
    if "witness" not in c.evidence.arrays:
        return None
    return _array(c, "witness", np.ones_like(c.evidence.arrays["witness"]))


def _rerouted(c: Certificate, name: str, route: str) -> Certificate | None:
    if name not in c.evidence.values or c.evidence.values[name] == route:
        return None
    return _values(c, **{name: route})


FORGERIES: dict[str, Callable[[Certificate], Certificate | None]] = {
    "raised lower end": lambda c: replace(
        c, kappa=Enclosure(c.kappa.lower * 1.001 + 1e-9, float("inf"))
    ),
    "lowered upper end": lambda c: (
        replace(c, kappa=Enclosure(0.0, 0.9 * c.kappa.upper))
        if np.isfinite(c.kappa.upper)
        else replace(c, kappa=Enclosure(0.0, 1.0))
    ),
    "lowered error bound": lambda c: replace(c, error_bound=c.error_bound * SMALL),
    "error bound of zero": lambda c: replace(c, error_bound=0.0),
    "raised singular value": lambda c: _steps(c, 1, 1.2),
    "lowered weight": lambda c: _steps(c, 2, 0.8),
    "raised threshold": lambda c: _steps(c, 0, 30.0),
    "lowered end": lambda c: _steps(c, 3, 0.9),
    "raised beginning": lambda c: _steps(c, 4, 1e3),
    "steps in the wrong order": lambda c: _steps(c, 3, 1e30),
    "negative numbers": lambda c: _steps(c, 1, -1.0),
    "steps with NaN": lambda c: _steps(c, 0, float("nan")),
    "steps with a gap": _gap,
    "widened radius": _wider,
    "widened radius in both places": _wider_with_steps,
    "raised eigenvalue of the chain": lambda c: _edited(c, "eigenvalue", 1.01),
    "lowered change": lambda c: _edited(c, "tau", 0.5),
    "lowered distance of all": lambda c: _edited(c, "distance", 0.99),
    "another pin": lambda c: _values(c, pin=0.5) if "pin" in c.evidence.values else None,
    "edited estimate": lambda c: _edited(c, "near:0", -1.0),
    "edited witness": _witness,
    "edited signal": lambda c: _array(c, "signal", c.evidence.arrays["signal"] + 1e-6),
    "edited digest": lambda c: _values(c, signal_digest="0" * 64),
    "unknown route": lambda c: _rerouted(c, "route:0", "trust"),
    "drawn for another": lambda c: (
        None  # both are drawn, and the verifier may prove it by either
        if c.evidence.values.get("route:0") == "symmetric filter"
        else _rerouted(c, "route:0", "filter")
    ),
    "real for complex": lambda c: _rerouted(c, "weight_route:0", "real"),
    "unknown weight": lambda c: _rerouted(c, "weight_route:0", "trust"),
    "unknown chain": lambda c: _rerouted(c, "chain_route", "trust"),
    "pointwise bounds": lambda c: replace(c, pointwise=np.ones(3)),
    "a centre": lambda c: replace(c, centre=np.ones(3)),
    "all signals": lambda c: replace(
        c,
        scope=Scope("global", {k: v for k, v in c.scope.details.items() if k == "up_to"})
        if c.scope.kind == "local"
        else Scope("global", {}),
    ),
    "edited noise": lambda c: replace(c, noise={**c.noise, "l2": 1e-9}),
    "dropped assumption": lambda c: replace(c, assumptions=c.assumptions[1:]),
    "no mention of chance": lambda c: replace(c, assumptions=c.assumptions[:-1]),
    "no assumption": lambda c: replace(c, assumptions=()),
    "other rigor": lambda c: replace(
        c, rigor=PROVED if c.rigor != PROVED else probabilistic(1e-9)
    ),
    "smaller chance": lambda c: replace(c, rigor=probabilistic(1e-12)),
    "estimate": lambda c: replace(c, rigor=ESTIMATE),
    "foreign subject": lambda c: replace(c, subject="0" * 64),
    "a reason": lambda c: replace(c, reason="because"),
    "parts": lambda c: replace(c, parts=(("left", c),)),
    "evidence of another kind": lambda c: replace(c, evidence=replace(c.evidence, kind="rows")),
    "no evidence": lambda c: replace(c, evidence=Evidence(c.evidence.kind)),
}


def test_forgeries_are_refused(case: Certified) -> None:
    tried = 0
    for name, forge in FORGERIES.items():
        forged = forge(case.certificate)
        if forged is None:
            continue  # this certificate has nothing of the kind to forge
        tried += 1
        verdict = verify(forged, case.problem)
        assert not verdict.accepted, name
        assert all(verdict.reasons), name
    assert tried >= 25


def test_another_kind_of_steps_is_refused(case: Certified) -> None:
    """A local certificate is not one for all signals, nor the other way round."""
    kind = case.certificate.evidence.kind
    other = "modulus" if kind == "modulus lags" else "modulus lags"
    forged = replace(case.certificate, evidence=replace(case.certificate.evidence, kind=other))
    assert not verify(forged, case.problem).accepted


def test_foreign_problems_are_refused(case: Certified) -> None:
    problem, certificate = case.problem, case.certificate

    def other(**change: Any) -> Problem:
        given = {"noise": problem.noise, "domain": problem.domain, "y": problem.y, **change}
        return Problem(problem.model, given.pop("y"), **given)

    assert verify(certificate, other()).accepted
    assert not verify(certificate, other(y=problem.y * (1 + 1e-9))).accepted
    assert not verify(certificate, other(noise=Noise(each=1.0))).accepted
    assert not verify(certificate, case.problem.model).accepted
    assert not verify(certificate, [problem]).accepted
    assert not verify(certificate, problem, case.signal + 1e-9).accepted
    small = np.zeros(problem.model.frame.signal_shape, dtype=bool)
    small.reshape(-1)[0] = True
    assert not verify(certificate, other(domain=Support(small))).accepted
    relu = ReLU(Dense(np.eye(3)), 0.0)
    assert not verify(certificate, Problem(relu, np.ones(3))).accepted


def test_a_large_signal_is_named_by_its_digest() -> None:
    n = 2**16 + 1
    signal = 1.0 + np.sin(np.arange(n)) ** 2
    frame = STFT(n, np.array([1.0, 0.4]), real_signal=True)
    problem = Problem(Modulus(frame), Modulus(frame)(signal))
    certificate = certify_posteriori(problem, signal)
    assert certificate.finite
    assert certificate.scope.kind == "global"
    assert len(certificate.to_json()) < 10_000
    assert verify(certificate, problem, signal).accepted
    assert "signal=" in verify(certificate, problem).reasons[0]
    assert not verify(certificate, problem, -signal).accepted


def test_json_edited_by_hand_is_refused(case: Certified) -> None:
    data = json.loads(case.certificate.to_json())
    data["error_bound"] = 0.0
    assert not verify(Certificate.from_data(data), case.problem).accepted
