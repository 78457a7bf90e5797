"""Certificates that promise nothing: nothing can be added, and what they count is true."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from recover.certificates.apriori import certify_apriori
from recover.certificates.certificate import Certificate, not_asked
from recover.certificates.evidence import Evidence
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.reasons import Why, Withheld
from recover.certificates.scope import Scope
from recover.certificates.verify import verify
from recover.core.arrays import digest
from recover.core.enclosure import Enclosure
from recover.core.rigor import PROVED, probabilistic
from recover.frames import Dense, Identity
from recover.models import Ball, Modulus, Noise, Problem, Saturation


def clipped() -> Problem:
    model = Saturation(Identity(5), -1.0, 1.0)
    return Problem(model, np.array([1.0, -1.0, 1.0, 0.5, 0.25]), noise=Noise(each=1e-3))


def few_rows() -> Problem:
    model = Saturation(Dense(np.eye(2, 3)), -1.0, 1.0)
    return Problem(model, np.array([0.5, 1.0]))


def dependent_rows() -> Problem:
    return Problem(Saturation(Dense(np.ones((3, 3))), -9.0, 9.0), np.full(3, 3.0))


def magnitudes() -> Problem:
    model = Modulus(Dense(np.array([[1.0, 2.0, 0.5], [0.5, -1.0, 1.0]])))
    return Problem(model, model(np.ones(3)))


def issued(problem: Problem, why: Why) -> Certificate:
    certificate = certify_posteriori(problem, np.zeros(problem.model.frame.signal_shape))
    assert certificate.evidence.kind == "none"
    assert certificate.evidence.values["why"] == why.name
    assert verify(certificate, problem).reasons == ()
    return certificate


CASES = [
    (clipped, Why.CLIPPED_BASIS),
    (few_rows, Why.FEW_ROWS),
    (dependent_rows, Why.NOT_PROVED),
    (magnitudes, Why.ZERO_SIGNAL),
]


def same_of_all(c: Certificate) -> list[tuple[Certificate, str]]:
    arrays = "arrays were added to a certificate that promises nothing"
    parts = "parts were added to a certificate that promises nothing"
    bound = "an error bound 2 is claimed without any evidence"
    return [
        (replace(c, error_bound=2.0), bound),
        (replace(c, pointwise=np.zeros(3)), arrays),
        (replace(c, centre=np.zeros(c.evidence.values.get("size", 3))), arrays),
        (replace(c, parts=(("all", c),)), parts),
        (replace(c, parts=()), parts),
    ]


@pytest.mark.parametrize(("build", "why"), CASES)
def test_nothing_can_be_added(build: Any, why: Why) -> None:
    problem = build()
    c = issued(problem, why)
    for forged, said in same_of_all(c):
        assert verify(forged, problem).reasons[0] == said
    few = why in (Why.CLIPPED_BASIS, Why.FEW_ROWS)
    assert c.kappa == (Enclosure(0.0, 0.0) if few else Enclosure(0.0, math.inf))
    for high in (1e-3, 1.0, math.inf if few else 0.0):
        forged = replace(c, kappa=Enclosure(0.0, high))
        told = f"kappa's upper end {high:g} is claimed without any evidence"
        assert verify(forged, problem).reasons == (told,)
    lower = replace(c, kappa=Enclosure(1e-300, math.inf))
    told = "kappa's lower end 1e-300 is claimed without any evidence"
    assert verify(lower, problem).reasons[0] == told
    other = "the reason is not the one that the evidence names"
    assert verify(replace(c, reason="because"), problem).reasons == (other,)
    words = (
        replace(c, scope=Scope("ball", {"radius": 1.0})),
        replace(c, assumptions=c.assumptions[1:]),
        replace(c, rigor=probabilistic(0.5)),
        replace(c, noise={}),
        replace(c, subject="0" * 64),
    )
    for forged in words:
        assert len(verify(forged, problem).reasons) == 1
    damaged = replace(c, evidence=Evidence("none", {"why": "BECAUSE"}))
    told = "the evidence is damaged or does not fit: there is no reason 'BECAUSE'"
    assert verify(damaged, problem).reasons == (told,)


@pytest.mark.parametrize(
    ("build", "why", "counts"),
    [
        (clipped, Why.CLIPPED_BASIS, {"clipped": 3, "total": 5}),
        (few_rows, Why.FEW_ROWS, {"fixed": 1, "total": 2, "needed": 3}),
    ],
)
def test_what_is_counted_is_counted_again(build: Any, why: Why, counts: dict[str, int]) -> None:
    problem = build()
    c = issued(problem, why)
    assert Withheld.restored(c.evidence.values).numbers == counts
    for name, number in counts.items():
        for wrong in (number - 1, number + 1, 0.0, math.inf, str(number)):
            forged = Withheld(why, {**counts, name: wrong})
            told = f"the reason says {name} = {wrong}, which is not what the data say"
            assert refused(c, problem, forged) == (told,)
    for name in ("unknown", "samples"):
        told = f"the reason says {name} = 3, which is not what the data say"
        assert refused(c, problem, Withheld(why, {**counts, name: 3})) == (told,)


def refused(c: Certificate, problem: Problem, withheld: Withheld) -> tuple[str, ...]:
    evidence = Evidence("none", withheld.values())
    return verify(replace(c, evidence=evidence, reason=withheld.sentence), problem).reasons


def test_too_few_rows_are_fewer_than_there_are_unknowns() -> None:
    problem = dependent_rows()
    c = issued(problem, Why.NOT_PROVED)
    counts = {"fixed": 3, "total": 3, "needed": 3}
    told = "the reason says that too few coefficients are fixed, but there are enough"
    assert refused(c, problem, Withheld(Why.FEW_ROWS, counts)) == (told,)
    # what is not counted is not asked
    assert refused(c, problem, Withheld(Why.NOT_PROVED, {"fixed": 3})) == ()


def test_kappa_is_zero_only_of_too_few_coefficients() -> None:
    """With as many fixed as there are unknowns it may be anything."""
    problem = dependent_rows()
    c = issued(problem, Why.NOT_PROVED)
    assert verify(replace(c, kappa=Enclosure(0.0, 0.0)), problem).reasons != ()


def model_subject() -> Saturation:
    return Saturation(Dense(np.eye(3)), -1.0, 1.0)


def problem_subject() -> Problem:
    return Problem(model_subject(), np.array([0.5, 0.25, 0.0]), noise=0.1)


@pytest.mark.parametrize("build", [model_subject, problem_subject])
def test_what_was_not_asked_for_says_so_and_no_more(build: Any) -> None:
    subject = build()
    problem = isinstance(subject, Problem)
    named = subject.digest if problem else digest(subject.identity_parts())
    c = not_asked(named)
    assert verify(c, subject).reasons == ()
    scope = "a scope or assumptions are claimed for a certificate that was not asked for"
    rigor = "rigor or noise are claimed for a certificate that was not asked for"
    forged = [
        *same_of_all(c),
        (
            replace(c, kappa=Enclosure(0.5, math.inf)),
            "kappa's lower end 0.5 is claimed without any evidence",
        ),
        (
            replace(c, kappa=Enclosure(0.0, 2.0)),
            "kappa's upper end 2 is claimed without evidence",
        ),
        (
            replace(c, subject="0" * 64),
            "the certificate speaks of another frame, model or data",
        ),
        (replace(c, scope=Scope("ball", {"radius": 1.0})), scope),
        (replace(c, scope=Scope("global", {"up_to": "a sign"})), scope),
        (replace(c, assumptions=("it is so",)), scope),
        (replace(c, rigor=probabilistic(0.5)), rigor),
        (replace(c, noise={"l2": 1.0}), rigor),
    ]
    for one, said in forged:
        assert verify(one, subject).reasons == (said,)
    if not problem:
        for reason in (None, ""):
            silent = replace(c, reason=reason)
            assert verify(silent, subject).reasons == ("no reason is given",)
    assert c.rigor == PROVED


def test_a_priori_certificates_are_those_of_models() -> None:
    model = Saturation(Dense(np.array([[1.0, 0.5], [0.0, 1.0], [1.0, -1.0]])), -1.0, 1.0)
    c = certify_apriori(model, Ball(0.5), budget=10.0)
    assert verify(c, model).reasons == ()
    told = "an a priori certificate is verified against its model, not a problem"
    assert verify(c, Problem(model, np.zeros(3))).reasons == (told,)
    assert verify(replace(c, subject="0" * 64), model).reasons == (
        "the certificate speaks of another frame or model",
    )
    assert not verify(replace(c, parts=(("all", c),)), model).accepted
