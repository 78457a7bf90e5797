"""What all certificates of magnitudes say in words, one change at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from recover.certificates.certificate import Certificate
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.reasons import Why, Withheld, local_only
from recover.certificates.scope import Scope
from recover.certificates.verify import verify
from recover.core.arrays import Array, digest
from recover.core.rigor import probabilistic
from recover.frames import Dense, Frame
from recover.models import Modulus, Problem, Saturation, Support

Made = tuple[Problem, Array, Certificate]


def made(frame: Frame, noise: float, mask: Array | None = None) -> Made:
    x = np.random.default_rng(1).standard_normal(frame.signal_shape)
    x = x if frame.real_signal else x + 0.5j
    x = x if mask is None else x * mask
    model = Modulus(frame)
    problem = Problem(
        model, model(x), noise=noise, domain=None if mask is None else Support(mask)
    )
    return problem, x, certify_posteriori(problem, x)


def rows() -> Dense:
    return Dense(np.random.default_rng(0).standard_normal((30, 4)))


CASES: dict[str, Callable[[], Made]] = {
    "a bound": lambda: made(rows(), 1e-4),
    "on a support": lambda: made(rows(), 1e-4, np.array([True, True, False, True])),
    "stability": lambda: made(rows(), 9.0),
}


@pytest.fixture(params=list(CASES), scope="module")
def case(request: pytest.FixtureRequest) -> Made:
    problem, x, certificate = CASES[request.param]()
    assert certificate.finite == (request.param != "stability")
    assert verify(certificate, problem).reasons == ()
    return problem, x, certificate


def test_words(case: Made) -> None:
    problem, _, c = case
    radius = c.scope.details["radius"]
    forged = {
        "subject": replace(c, subject="0" * 64),
        "the noise is stated": replace(c, noise={**c.noise, "l2": 1e-9}),
        "the scope is stated": replace(c, scope=Scope("local", {"radius": radius})),
        "the assumptions": replace(c, assumptions=c.assumptions[1:]),
        "the rigor is stated": replace(c, rigor=probabilistic(0.5)),
        "parts were added to a certificate that has none": replace(c, parts=()),
    }
    for said, one in forged.items():
        reasons = verify(one, problem).reasons
        assert len(reasons) == 1
        assert said in reasons[0]
    arrays = ("arrays were added to a certificate that has none",)
    signal = np.ones(problem.model.frame.signal_shape)
    for one in (replace(c, pointwise=signal), replace(c, centre=signal)):
        assert verify(one, problem).reasons == arrays


def test_every_sentence_is_needed(case: Made) -> None:
    problem, _, c = case
    for at in range(len(c.assumptions)):
        kept = c.assumptions[:at] + c.assumptions[at + 1 :]
        told = ("the assumptions are not those that the proof rests on",)
        assert verify(replace(c, assumptions=kept), problem).reasons == told
    near = "of signals farther away nothing is said"
    assert any(near in each for each in c.assumptions) == (not c.finite)


def test_other_subjects(case: Made) -> None:
    problem, _, c = case
    told = ("the certificate is of a recovery from magnitudes, not of this subject",)
    assert verify(c, problem.model).reasons == told
    if problem.model.frame.real_coefs:
        clipped = Problem(Saturation(problem.model.frame, -99.0, 99.0), problem.y)
        assert verify(c, clipped).reasons == told


def test_signals_that_are_zero_or_leave_their_support(case: Made) -> None:
    problem, x, c = case
    wide = np.asarray(x, dtype=np.float64 if np.isrealobj(x) else np.complex128)
    others = [np.zeros_like(wide)]
    if isinstance(problem.domain, Support):
        beyond = wide.copy()
        beyond[2] = 1e-9
        others.append(beyond)
    for other in others:
        evidence = replace(
            c.evidence,
            values={**c.evidence.values, "signal_digest": digest([other])},
            arrays={**c.evidence.arrays, "signal": other},
        )
        reasons = verify(replace(c, evidence=evidence), problem).reasons
        assert "the recovered signal is zero or leaves its support" in reasons


def test_a_local_bound_may_say_why_there_is_none_for_all_signals() -> None:
    problem, _, c = CASES["a bound"]()
    assert c.reason is None
    said = Withheld(Why.HOP_WIDE, {"hop": 3})
    values = {**c.evidence.values, **said.values()}
    told = replace(
        c, evidence=replace(c.evidence, values=values), reason=local_only(None, said)
    )
    assert verify(told, problem).reasons == ()
    for reason in (None, said.sentence):
        verdict = verify(replace(told, reason=reason), problem)
        assert verdict.reasons == (f"the reason is stated as {reason!r}, not {told.reason!r}",)
    without = verify(replace(c, reason=told.reason), problem)
    assert without.reasons == (f"the reason is stated as {told.reason!r}, not None",)
    kept = {k: v for k, v in told.evidence.arrays.items() if k != "witness"}
    opened = replace(
        told,
        evidence=replace(told.evidence, arrays=kept),
        kappa=type(c.kappa)(c.kappa.lower, math.inf),
    )
    verdict = verify(opened, problem)
    assert len(verdict.reasons) == 1
    both = local_only("the signal is too large to keep a witness for kappa's upper end", said)
    assert verify(replace(opened, reason=both), problem).reasons == ()
