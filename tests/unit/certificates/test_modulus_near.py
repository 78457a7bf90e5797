"""The stability that is stated where noise allows no error bound, or phases stay open."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from recover.certificates.certificate import Certificate
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.reasons import Why
from recover.certificates.scope import Scope
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rigor import PROVED, probabilistic
from recover.frames import CodedDiffraction, Dense, Fourier, Frame, Identity, Stack
from recover.models import Modulus, Problem, Support

Made = tuple[Problem, Array, Certificate]


def made(frame: Frame, noise: float, *, mask: Array | None = None) -> Made:
    rng = np.random.default_rng(1)
    x = rng.standard_normal(frame.signal_shape)
    x = x if frame.real_signal else x + 1j * rng.standard_normal(x.shape)
    x = x if mask is None else x * mask
    model = Modulus(frame)
    e = rng.standard_normal(frame.coef_shape)
    y = np.abs(model(x) + e * (0.9 * noise / np.linalg.norm(e)))
    problem = Problem(model, y, noise=noise, domain=None if mask is None else Support(mask))
    return problem, x, certify_posteriori(problem, x)


def rows(m: int, n: int) -> Array:
    rng = np.random.default_rng(0)
    return rng.standard_normal((m, n)) + 1j * rng.standard_normal((m, n))


def masks() -> CodedDiffraction:
    return CodedDiffraction.octanary((24, 24), 4, np.random.default_rng(0))


CASES: dict[str, Callable[[], Made]] = {
    "real rows": lambda: made(Dense(rows(30, 5).real), 20.0),
    "complex rows": lambda: made(Dense(rows(40, 4)), 5.0),
    "coded diffraction": lambda: made(masks(), 1.0),
}


@pytest.fixture(params=list(CASES), scope="module")
def case(request: pytest.FixtureRequest) -> Made:
    return CASES[request.param]()


def test_the_amplification_is_stated_and_verified(case: Made) -> None:
    problem, x, certificate = case
    assert certificate.error_bound == math.inf
    assert certificate.evidence.values["why"] == Why.DEVIATION.name
    assert 0.0 < certificate.kappa.lower <= certificate.kappa.upper < math.inf
    assert certificate.scope.kind == "local"
    drawn = isinstance(problem.model.frame, CodedDiffraction)
    assert certificate.rigor == (probabilistic(1e-9) if drawn else PROVED)
    again = Certificate.from_json(certificate.to_json())
    for each, signal in ((certificate, None), (again, None), (again, x)):
        verdict = verify(each, problem, signal)
        assert verdict.accepted, verdict.reasons


def test_it_holds_within_the_radius(case: Made) -> None:
    problem, x, certificate = case
    model, radius = problem.model, certificate.scope.details["radius"]
    rng, quotients = np.random.default_rng(2), []
    ways = [certificate.evidence.arrays["witness"]]
    ways += [rng.standard_normal(x.shape) + (x - x.conj()) for _ in range(30)]
    for way in ways:
        for share in (1e-3, 0.5, 0.99):
            other = x + way * (share * radius / np.linalg.norm(way))
            distance = model.distance(other, x)
            change = float(np.linalg.norm(model(other) - model(x)))
            quotients.append(change / distance)
    assert min(quotients) >= certificate.kappa.lower
    assert min(quotients) <= certificate.kappa.upper * (1 + 1e-3)


def test_forgeries_are_refused(case: Made) -> None:
    problem, _, c = case
    steps = c.evidence.arrays["steps"]

    def with_steps(factors: list[float]) -> Certificate:
        arrays = {**c.evidence.arrays, "steps": steps * np.array(factors)}
        return replace(c, evidence=replace(c.evidence, arrays=arrays))

    def valued(name: str, value: float | str) -> Certificate:
        values = {**c.evidence.values, name: value}
        return replace(c, evidence=replace(c.evidence, values=values))

    wide = Scope("local", {**c.scope.details, "radius": 2.0 * c.scope.details["radius"]})
    twice = {**c.evidence.arrays, "steps": np.vstack([steps, steps])}
    bare = {"steps": steps, "signal": c.evidence.arrays["signal"]}
    forged = {
        "raised lower end": replace(c, kappa=Enclosure(1.01 * c.kappa.lower, math.inf)),
        "lowered upper end": replace(c, kappa=Enclosure(0.0, 0.9 * c.kappa.upper)),
        "no witness": replace(c, evidence=replace(c.evidence, arrays=bare)),
        "two steps": replace(c, evidence=replace(c.evidence, arrays=twice)),
        "an error bound": replace(c, error_bound=1e3),
        "raised singular value": with_steps([1.0, 1.2, 1.0, 1.0, 1.0]),
        "negative singular value": with_steps([1.0, -1.0, 1.0, 1.0, 1.0]),
        "raised threshold": with_steps([1e3, 1.0, 1.0, 1.0, 1.0]),
        "wider, in the step only": with_steps([1.0, 1.0, 1.0, 1.0, 2.0]),
        "wider, in the scope only": replace(c, scope=wide),
        "wider": replace(with_steps([1.0, 1.0, 1.0, 1.0, 2.0]), scope=wide),
        "beyond the threshold": with_steps([1.0, 1.0, 1.0, 1.0, 1e6]),
        "another reason": replace(c, reason="because"),
        "another code": valued("why", "EMPTY"),
        "another deviation": valued("number:deviation", 0.0),
        "another kind": replace(c, evidence=replace(c.evidence, kind="modulus")),
        "no assumptions": replace(c, assumptions=c.assumptions[:-1]),
        "another chance": replace(c, rigor=probabilistic(1e-12)),
        "foreign": replace(c, subject="0" * 64),
    }
    for name, each in forged.items():
        verdict = verify(each, problem)
        assert not verdict.accepted, name
        assert all(verdict.reasons), name


def test_open_phases_have_a_witness() -> None:
    """Two planes of a complex object hold as many magnitudes as unknowns: nothing is proved."""
    shape = (48, 48)
    planes = Stack([Identity(shape, real_signal=False), Fourier(shape)])
    problem, x, certificate = made(planes, 1e-6)
    assert certificate.evidence.values["why"] == Why.PHASES_OPEN.name
    assert certificate.kappa.lower == 0.0
    assert certificate.scope.kind == "global"
    witness = certificate.evidence.arrays["witness"]
    step = 1e-6 * witness / np.linalg.norm(witness)
    model = problem.model
    change = float(np.linalg.norm(model(x + step) - model(x)))
    quotient = change / model.distance(x + step, x)
    assert quotient == pytest.approx(certificate.kappa.upper, rel=1e-2)
    assert certificate.kappa.upper < 0.02  # of 1.41, the largest that there can be
    assert verify(certificate, problem).accepted
    raised = replace(certificate, kappa=Enclosure(1e-9, certificate.kappa.upper))
    assert not verify(raised, problem).accepted
    lowered = replace(certificate, kappa=Enclosure(0.0, 0.9 * certificate.kappa.upper))
    assert not verify(lowered, problem).accepted


def test_a_support_settles_two_planes() -> None:
    shape = (30, 30)
    mask = np.zeros(shape, dtype=bool)
    mask[3:28, 5:27] = True
    planes = Stack([Identity(shape, real_signal=False), Fourier(shape)])
    problem, x, certificate = made(planes, 1e-7, mask=mask)
    assert certificate.finite
    assert str(certificate.evidence.values["route:0"]) == "filter"
    assert problem.model.distance(x, x) <= certificate.error_bound
    assert verify(certificate, problem).accepted
