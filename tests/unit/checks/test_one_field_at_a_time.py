"""A true certificate with one field changed is refused, for that field's reason alone."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from check_cases import valued as values

from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.reasons import NO_WITNESS
from recover.certificates.roundoff import underflow
from recover.certificates.scope import Scope
from recover.certificates.verify import Verdict, verify
from recover.core.arrays import Array, digest
from recover.core.enclosure import Enclosure
from recover.core.rigor import ESTIMATE, PROVED, probabilistic
from recover.core.rounding import TINY
from recover.frames import Dense, Identity, Masked
from recover.models import Ball, Box, Noise, Problem, ReLU, Saturation
from recover.priors import Quadratic

Change = Callable[[Certificate], Certificate]
WORDS = {
    "subject": r"the certificate speaks of another frame, model or data: its subject is "
    r"0{16}, this one is [0-9a-f]{16}",
    "noise": r"the noise is stated as \{.*\}, not \{.*\}",
    "scope": r"the scope is stated as \{.*\}, not \{.*\}",
    "assumptions": "the assumptions are not those that the proof rests on",
    "rigor": r"the rigor is stated as .*, not .*",
    "parts": "parts were added to a certificate that has none",
}
ENTRIES = "bounds of single entries are claimed that cannot be proved"
SMALLER = r"1 bound\(s\) of single entries are smaller than what is proved"
CENTRE = "a centre is stated that cannot be proved"


@dataclass(frozen=True, eq=False)
class Issued:
    problem: Problem
    signal: Array
    certificate: Certificate
    kind: str


def issued(problem: Problem, signal: Array, kind: str, centre: Array | None = None) -> Issued:
    certificate = certify_posteriori(problem, signal, centre=centre)
    assert certificate.evidence.kind == kind
    return Issued(problem, signal, certificate, kind)


def dense_rows() -> Issued:
    rng = np.random.default_rng(1)
    rows, truth = rng.standard_normal((24, 4)), rng.standard_normal(4)
    model = ReLU(Dense(rows), -0.1)
    problem = Problem(model, model(truth), noise=1e-3)
    return issued(problem, truth + 1e-4, "rows")


def drawn_noise() -> Issued:
    model = Saturation(Dense(np.random.default_rng(2).standard_normal((9, 3))), -8.0, 8.0)
    truth = np.array([0.4, -0.3, 0.2])
    return issued(Problem(model, model(truth), noise=Noise.gaussian(0.01)), truth, "rows")


def samples_in_a_grid() -> Issued:
    model = Saturation(Identity((2, 3)), -1.0, 1.0)
    truth = np.array([[0.5, -0.25, 0.0], [0.1, 0.2, 0.3]])
    return issued(Problem(model, truth, noise=Noise(each=1e-3)), truth + 1e-3, "rows")


def ball() -> Issued:
    model = Saturation(Identity((2, 2)), -1.0, 1.0)
    truth = np.array([[0.5, -0.25], [1.4, 0.3]])
    problem = Problem(model, model(truth), noise=Noise(each=1e-3), domain=Ball(2.0))
    return issued(problem, np.array([[0.5, -0.25], [1.2, 0.3]]), "intervals")


def box_and_rows() -> Issued:
    keep = np.array([True, True, False, True, True, True])
    rows = np.vstack([np.eye(3), [[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [1.0, 0.0, 2.0]]])
    model = Saturation(Masked(Dense(rows), keep), -5.0, 5.0)
    truth = np.array([0.5, -0.25, 0.75])
    problem = Problem(model, model(truth), noise=0.9, domain=Box(truth - 0.01, truth + 0.02))
    return issued(problem, truth, "intervals")


def quadratic() -> Issued:
    model = Saturation(Identity(4), -1.0, 1.0)
    truth = np.array([0.5, 0.9, 1.2, 0.8])
    prior = Quadratic(Dense(np.diff(np.eye(4), axis=0)), 1.0)
    problem = Problem(model, model(truth), noise=Noise(each=1e-3), prior=prior)
    return issued(problem, truth, "quadratic samples", truth)


CASES = [dense_rows, drawn_noise, samples_in_a_grid, ball, box_and_rows, quadratic]


@pytest.fixture(params=CASES, scope="module", ids=lambda build: build.__name__)
def case(request: pytest.FixtureRequest) -> Issued:
    made: Issued = request.param()
    verdict = verify(made.certificate, made.problem)
    assert verdict == Verdict(True, ())
    return made


def arrays(certificate: Certificate, **changed: Any) -> Certificate:
    kept = {**certificate.evidence.arrays, **changed}
    return replace(certificate, evidence=replace(certificate.evidence, arrays=kept))


def refused(made: Issued, certificate: Certificate, *patterns: str, signal: Any = None) -> None:
    verdict = verify(certificate, made.problem, signal)
    assert not verdict.accepted
    assert not verdict
    assert len(verdict.reasons) == len(patterns), verdict.reasons
    for reason, pattern in zip(verdict.reasons, patterns, strict=True):
        assert re.fullmatch(pattern, reason), reason


def threshold(made: Issued, forged: Certificate, name: str) -> float:
    """Return what the refusal of a claim that is far too good says is proved."""
    verdict = verify(forged, made.problem)
    assert len(verdict.reasons) == 1, verdict.reasons
    found = re.fullmatch(
        rf"{name} \S+ is claimed, but only (\S+) is proved", verdict.reasons[0]
    )
    assert found, verdict.reasons
    return float(found[1])


def test_words(case: Issued) -> None:
    c = case.certificate
    other = Scope("global") if c.scope.kind != "global" else Scope("ball", {"radius": 1.0})
    changed: list[tuple[str, Certificate]] = [
        ("subject", replace(c, subject="0" * 64)),
        ("noise", replace(c, noise={**c.noise, "l2": 1e-9})),
        ("noise", replace(c, noise={})),
        ("scope", replace(c, scope=other)),
        ("scope", replace(c, scope=Scope(c.scope.kind, {**c.scope.details, "more": 1}))),
        ("assumptions", replace(c, assumptions=())),
        ("rigor", replace(c, rigor=ESTIMATE)),
        ("rigor", replace(c, rigor=PROVED if c.rigor != PROVED else probabilistic(1e-9))),
        ("parts", replace(c, parts=())),
        ("parts", replace(c, parts=(("all", c),))),
    ]
    for at, sentence in enumerate(c.assumptions):
        kept = [*c.assumptions]
        kept[at] = f"{sentence}."
        changed.append(("assumptions", replace(c, assumptions=tuple(kept))))
        del kept[at]
        changed.append(("assumptions", replace(c, assumptions=tuple(kept))))
    for name, forged in changed:
        refused(case, forged, WORDS[name])


def test_reasons(case: Issued) -> None:
    c = case.certificate
    assert c.reason is None
    few = case.problem.knowledge.fixed_count < case.problem.model.frame.signal_size
    said = "the reason 'because' does not belong to this certificate"
    if not few or case.kind == "quadratic samples":
        said = "the reason is stated as 'because', not None"
    refused(case, replace(c, reason="because"), said)


def test_the_bound_is_accepted_from_what_is_proved_upwards(case: Issued) -> None:
    c = case.certificate
    proved = threshold(case, replace(c, error_bound=0.0), "error bound")
    assert 0.99 * c.error_bound < proved < c.error_bound
    for bound in (proved, 2.0 * c.error_bound, math.inf):
        assert verify(replace(c, error_bound=bound), case.problem).accepted
    below = replace(c, error_bound=math.nextafter(proved, 0.0))
    refused(case, below, "error bound .* is claimed, but only .* is proved")


def test_both_ends_of_kappa(case: Issued) -> None:
    c = case.certificate
    if c.kappa.upper == 0.0:
        assert verify(replace(c, kappa=Enclosure(0.0, 1.0)), case.problem).accepted
        told = "kappa is claimed to be positive with fewer fixed coefficients than unknowns"
        refused(case, replace(c, kappa=Enclosure(1e-300, 1.0)), told)
        return
    low, high = c.kappa.lower, c.kappa.upper
    too_high = replace(c, kappa=Enclosure(high, high))
    proved = threshold(case, too_high, "kappa's lower end") if high > low else low
    assert proved == low
    assert verify(replace(c, kappa=Enclosure(0.0, high)), case.problem).accepted
    if high > low:
        above = replace(c, kappa=Enclosure(math.nextafter(low, 9.0), high))
        refused(case, above, "kappa's lower end .* is claimed, but only .* is proved")
    shown = threshold(case, replace(c, kappa=Enclosure(0.0, 0.0)), "kappa's upper end")
    assert 0.99 * high < shown <= high
    assert verify(replace(c, kappa=Enclosure(0.0, shown)), case.problem).accepted
    below = replace(c, kappa=Enclosure(0.0, math.nextafter(shown, 0.0)))
    refused(case, below, "kappa's upper end .* is claimed, but only .* is proved")


def test_an_open_upper_end_says_why(case: Issued) -> None:
    c = case.certificate
    if "witness" not in c.evidence.arrays:
        pytest.skip("kappa is 0")
    kept = {k: v for k, v in c.evidence.arrays.items() if k != "witness"}
    bare = replace(c, evidence=replace(c.evidence, arrays=kept))
    high = f"{c.kappa.upper:.17g}"
    refused(case, bare, re.escape(f"kappa's upper end {high} is claimed without a witness"))
    opened = replace(bare, kappa=Enclosure(c.kappa.lower, math.inf), reason=NO_WITNESS)
    assert verify(opened, case.problem).accepted
    silent = replace(opened, reason=None)
    refused(case, silent, re.escape(f"the reason is stated as None, not {NO_WITNESS!r}"))
    # the words of a local bound for magnitudes change nothing here
    assert verify(values(opened, why="HOP_WIDE", **{"number:hop": 3}), case.problem).accepted


def test_evidence_of_kappa(case: Issued) -> None:
    c = case.certificate
    damaged = "the evidence is damaged or does not fit: "
    for name in ("eigenvalue", "sigma"):
        if name not in c.evidence.values:
            continue
        for value in (True, "1.0", math.inf, math.nan):
            told = re.escape(f"evidence value {name!r} must be a finite number, got {value!r}")
            refused(case, values(c, **{name: value}), damaged + told)
    if "eigenvalue" in c.evidence.values:
        for value in (0.0, -1.0):
            told = f"the eigenvalue must be positive, got {value}"
            refused(case, values(c, eigenvalue=value), damaged + told)
        twice = 2.0 * float(c.evidence.values["eigenvalue"])
        told = rf"the smallest eigenvalue {twice:.17g} could not be proved again"
        refused(case, values(c, eigenvalue=twice), damaged + told)
        refused(case, values(c, route="faith"), f"{damaged}route must be one of .*")
    if "witness" in c.evidence.arrays:
        w = c.evidence.arrays["witness"]
        wrong = (w.astype(np.float32), w.astype(complex), w[None], np.full_like(w, np.nan))
        for other in (*wrong, np.full_like(w, np.inf)):
            told = r"evidence array 'witness' must be finite float64 of shape .*, got .*"
            refused(case, arrays(c, witness=other), damaged + told)


def test_rows_need_an_eigenvalue() -> None:
    made = dense_rows()
    c = made.certificate
    kept = {k: v for k, v in c.evidence.values.items() if k != "eigenvalue"}
    bare = replace(c, evidence=replace(c.evidence, values=kept))
    missing = "there is no eigenvalue in the evidence"
    refused(made, replace(bare, kappa=Enclosure(0.0, c.kappa.upper)), missing)
    told = f"kappa's lower end {c.kappa.lower:.17g} is claimed, but only 0 is proved"
    refused(made, bare, told, missing)


def test_a_witness_may_be_lost_in_underflow() -> None:
    made = dense_rows()
    c = made.certificate
    tiny = np.zeros(4)
    tiny[0] = TINY
    forged = arrays(replace(c, kappa=Enclosure(0.0, 1e9)), witness=tiny)
    assert (
        threshold(made, forged, "kappa's upper end")
        >= underflow(Dense(np.ones((24, 4)))) / TINY
    )


def test_a_witness_of_a_prior_keeps_to_the_unknown_entries() -> None:
    made = quadratic()
    c = made.certificate
    cautious = replace(c, kappa=Enclosure(c.kappa.lower, 2.0 * c.kappa.upper))
    assert verify(cautious, made.problem).accepted
    witness = c.evidence.arrays["witness"].copy()
    assert not witness[0]
    witness[0] = 1e-9
    told = "the witness leaves the entries that it may use"
    refused(made, arrays(cautious, witness=witness), told)


def test_the_signal_is_the_one_that_is_named(case: Issued) -> None:
    c, x = case.certificate, case.signal
    damaged = "the evidence is damaged or does not fit: "
    named = damaged + "the recovered signal is not the one that the certificate names"
    moved = x + 1e-9
    assert verify(c, case.problem, x.copy()).accepted
    refused(case, arrays(c, signal=moved), named)
    refused(case, values(c, signal_digest=digest([moved])), named)
    given = damaged + "the signal given is not the one that was certified"
    refused(case, c, given, signal=moved)
    real = damaged + "the signal must be real, got complex values"
    refused(case, c, real, signal=x + 0j)
    refused(case, arrays(c, signal=x + 0j), real)
    shape = re.escape(f"the signal has shape {x[None].shape}, not {x.shape}")
    refused(case, arrays(c, signal=x[None]), damaged + shape)
    kept = {k: v for k, v in c.evidence.arrays.items() if k != "signal"}
    bare = replace(c, evidence=replace(c.evidence, arrays=kept))
    assert verify(bare, case.problem, x).accepted
    missing = "the evidence holds only the digest of the recovered signal; pass signal="
    refused(case, bare, damaged + missing)
    refused(case, bare, named, signal=moved)
    short = {k: v for k, v in c.evidence.values.items() if k != "signal_digest"}
    lacking = replace(c, evidence=replace(c.evidence, values=short))
    refused(case, lacking, f"{damaged}'signal_digest'")


def test_bounds_of_single_entries(case: Issued) -> None:
    c = case.certificate
    if c.pointwise is None:
        pytest.skip("none are stated")
    assert c.pointwise.shape == case.signal.shape
    for wrong in (
        c.pointwise[None],
        c.pointwise.astype(np.float32),
        c.pointwise.astype(complex),
    ):
        refused(case, replace(c, pointwise=wrong), ENTRIES)
    assert verify(replace(c, pointwise=None), case.problem).accepted
    assert verify(replace(c, pointwise=2.0 * c.pointwise), case.problem).accepted
    for place in np.ndindex(*c.pointwise.shape):
        lower = c.pointwise.copy()
        lower[place] *= 0.999
        refused(case, replace(c, pointwise=lower), SMALLER)
        lower[place] = math.nan
        refused(case, replace(c, pointwise=lower), SMALLER)


def test_bounds_of_single_entries_are_accepted_at_what_is_proved() -> None:
    made = samples_in_a_grid()
    lower = made.certificate.pointwise
    assert lower is not None
    # the largest array that is refused in one entry, found by halving
    low, high = np.zeros_like(lower), lower.copy()
    low[0, 1], high[0, 1] = 0.0, lower[0, 1]
    a, b = 0.0, float(lower[0, 1])
    while math.nextafter(a, b) < b:
        middle, trial = 0.5 * (a + b), lower.copy()
        trial[0, 1] = middle
        ok = verify(replace(made.certificate, pointwise=trial), made.problem).accepted
        a, b = (a, middle) if ok else (middle, b)
    assert b >= 2e-3
    assert b == pytest.approx(2e-3, rel=1e-12)


def test_centres(case: Issued) -> None:
    c = case.certificate
    added = "a centre was added to a certificate that has none"
    if case.kind == "rows":
        refused(case, replace(c, centre=case.signal), added)
    if case.kind != "intervals":
        return
    assert c.centre is not None
    shape = "the centre has another shape than the signal"
    refused(case, replace(c, centre=c.centre[None]), shape)
    refused(case, replace(c, centre=c.centre[:1]), shape, CENTRE)
    refused(case, replace(c, centre=c.centre.astype(np.float32)), CENTRE)
    left = "a bound for a centre is stated without the centre"
    refused(case, replace(c, centre=None), left)
    kept = {k: v for k, v in c.evidence.values.items() if k != "centre_bound"}
    bare = replace(c, evidence=Evidence(case.kind, kept, c.evidence.arrays))
    assert verify(replace(bare, centre=None), case.problem).accepted
    refused(case, bare, "the evidence is damaged or does not fit: 'centre_bound'")
    claim = "the centre's bound"
    proved = threshold(case, values(c, centre_bound=0.0), claim)
    assert verify(values(c, centre_bound=proved), case.problem).accepted
    below = values(c, centre_bound=math.nextafter(proved, 0.0))
    refused(case, below, f"{claim} .* is claimed, but only .* is proved")


def test_other_subjects(case: Issued) -> None:
    c, problem = case.certificate, case.problem
    made = {
        "rows": "clipped or rectified recovery",
        "intervals": "clipped or rectified recovery",
    }
    if case.kind in made:
        reason = f"the certificate is of a {made[case.kind]}, not of this subject"
        assert verify(c, problem.model).reasons == (reason,)
        from recover.models import Modulus

        other = Problem(Modulus(problem.model.frame), np.abs(problem.y))
        assert verify(c, other).reasons == (reason,)
    several = "a certificate of one measurement has one subject, not several"
    assert verify(c, [problem]).reasons == (several,)
    signals = "a certificate without parts has one signal, not several"
    assert verify(c, problem, [case.signal]).reasons == (signals,)
    kind = replace(c, evidence=replace(c.evidence, kind="faith"))
    assert verify(kind, problem).reasons == ("there is no check for evidence of kind 'faith'",)
