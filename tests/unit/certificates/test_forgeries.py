"""`verify` accepts what was issued and refuses whatever was changed since."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.scope import Scope
from recover.certificates.verify import verify
from recover.core.enclosure import Enclosure
from recover.core.rigor import ESTIMATE, probabilistic
from recover.frames.dense import Dense
from recover.models.noise import Noise
from recover.models.problem import Problem
from recover.models.relu import ReLU
from recover.models.saturation import Saturation

SMALL = 1.0 - 1e-5


def test_issued_certificates_are_accepted(certified: Any) -> None:
    verdict = verify(certified.certificate, certified.problem)
    assert verdict.accepted, verdict.reasons
    assert bool(verdict)
    assert verdict.reasons == ()


def test_accepted_after_json(certified: Any) -> None:
    text = certified.certificate.to_json()
    again = Certificate.from_json(text)
    assert again.to_json() == text
    assert verify(again, certified.problem).accepted
    assert verify(again, certified.problem, certified.signal).accepted


def test_the_truth_is_within_the_bound(certified: Any) -> None:
    error = certified.truth - certified.signal
    certificate = certified.certificate
    assert np.linalg.norm(error) <= certificate.error_bound
    if certificate.pointwise is not None:
        assert (np.abs(error) <= certificate.pointwise).all()
    if certificate.centre is not None:
        away = np.linalg.norm(certified.truth - certificate.centre)
        assert away <= certificate.evidence.values["centre_bound"]


def _evidence(c: Certificate, **values: float | str) -> Certificate:
    kept = {**c.evidence.values, **values}
    return replace(c, evidence=Evidence(c.evidence.kind, kept, c.evidence.arrays))


def _array(c: Certificate, name: str, array: np.ndarray) -> Certificate:
    arrays = {**c.evidence.arrays, name: array}
    return replace(c, evidence=Evidence(c.evidence.kind, c.evidence.values, arrays))


def _raised_lower(c: Certificate) -> Certificate:
    kappa = Enclosure(c.kappa.upper * 1.001, c.kappa.upper * 1.01)
    return replace(c, kappa=kappa if kappa.lower > 0.0 else Enclosure(1e-3, 1.0))


def _lowered_upper(c: Certificate) -> Certificate | None:
    if c.kappa.upper == 0.0:
        return None
    return replace(c, kappa=Enclosure(0.0, 0.9 * c.kappa.upper))


def _raised_eigenvalue(c: Certificate) -> Certificate | None:
    for name in ("eigenvalue", "sigma"):
        if name in c.evidence.values:
            return _evidence(c, **{name: float(c.evidence.values[name]) * 1.01})
    return None


def _edited_witness(c: Certificate) -> Certificate | None:
    if "witness" not in c.evidence.arrays:
        return None
    witness = c.evidence.arrays["witness"]
    other = np.random.default_rng(0).standard_normal(witness.shape)
    return _array(c, "witness", np.where(witness != 0.0, other, 0.0))


def _edited_signal(c: Certificate) -> Certificate:
    return _array(c, "signal", c.evidence.arrays["signal"] + 1e-6)


def _lowered_pointwise(c: Certificate) -> Certificate | None:
    return None if c.pointwise is None else replace(c, pointwise=c.pointwise * SMALL)


def _moved_centre(c: Certificate) -> Certificate:
    shape = c.evidence.arrays["signal"].shape
    return replace(c, centre=np.zeros(shape) if c.centre is None else c.centre + 1.0)


def _lowered_centre_bound(c: Certificate) -> Certificate | None:
    if "centre_bound" not in c.evidence.values:
        return None
    return _evidence(c, centre_bound=float(c.evidence.values["centre_bound"]) * SMALL)


def _zero_multipliers(c: Certificate) -> Certificate | None:
    if "multipliers" not in c.evidence.arrays:
        return None
    return _array(c, "multipliers", 0.0 * c.evidence.arrays["multipliers"])


def _edited_weight(c: Certificate) -> Certificate | None:
    if "weight" not in c.evidence.values:
        return None
    return _evidence(c, weight=float(c.evidence.values["weight"]) * 0.5)


FORGERIES: dict[str, Callable[[Certificate], Certificate | None]] = {
    "raised lower end": _raised_lower,
    "lowered upper end": _lowered_upper,
    "lowered error bound": lambda c: replace(c, error_bound=c.error_bound * SMALL),
    "error bound of zero": lambda c: replace(c, error_bound=0.0),
    "raised eigenvalue": _raised_eigenvalue,
    "edited witness": _edited_witness,
    "edited signal": _edited_signal,
    "edited digest": lambda c: _evidence(c, signal_digest="0" * 64),
    "lowered pointwise bound": _lowered_pointwise,
    "pointwise bound of another shape": lambda c: replace(c, pointwise=np.full(3, 9.0)),
    "moved centre": _moved_centre,
    "lowered bound of the centre": _lowered_centre_bound,
    "multipliers removed": _zero_multipliers,
    "edited weight": _edited_weight,
    "widened scope": lambda c: replace(c, scope=_other_scope(c)),
    "edited noise": lambda c: replace(c, noise={**c.noise, "l2": 1e-9}),
    "dropped assumption": lambda c: replace(c, assumptions=c.assumptions[1:]),
    "no assumption": lambda c: replace(c, assumptions=()),
    "added assumption": lambda c: replace(c, assumptions=(*c.assumptions, "and so on")),
    "changed assumption": lambda c: replace(c, assumptions=(*c.assumptions[:-1], "none")),
    "weaker rigor": lambda c: replace(c, rigor=probabilistic(1e-9)),
    "estimate": lambda c: replace(c, rigor=ESTIMATE),
    "foreign subject": lambda c: replace(c, subject="0" * 64),
    "a reason": lambda c: replace(c, reason="because"),
    "parts": lambda c: replace(c, parts=(("left", c),)),
    "evidence of another kind": lambda c: replace(c, evidence=replace(c.evidence, kind="none")),
    "evidence of no kind": lambda c: replace(c, evidence=replace(c.evidence, kind="faith")),
    "no evidence": lambda c: replace(c, evidence=Evidence(c.evidence.kind)),
    "evidence with NaN": lambda c: _array(
        c, "signal", np.full_like(c.evidence.arrays["signal"], np.nan)
    ),
    "unknown route": lambda c: (
        _evidence(c, route="trust") if "route" in c.evidence.values else None
    ),
}


def _other_scope(c: Certificate) -> Scope:
    if c.scope.kind != "global":
        return Scope("global")
    return Scope("conditional", {"on": "a wish"})


def test_forgeries_are_refused(certified: Any) -> None:
    tried = 0
    for name, forge in FORGERIES.items():
        forged = forge(certified.certificate)
        if forged is None:
            continue  # this certificate has nothing of the kind to forge
        tried += 1
        verdict = verify(forged, certified.problem)
        assert not verdict.accepted, name
        assert verdict.reasons, name
        assert all(verdict.reasons), name
    assert tried >= 22


def _foreign(problem: Problem, **change: Any) -> Problem:
    given = {
        "model": problem.model,
        "y": problem.y,
        "noise": problem.noise,
        "prior": problem.prior,
        "domain": problem.domain,
        **change,
    }
    return Problem(given.pop("model"), given.pop("y"), **given)


def test_foreign_data_are_refused(certified: Any) -> None:
    y = certified.problem.y.copy()
    y.reshape(-1)[int(np.argmax(certified.problem.knowledge.fixed))] *= 1.0 + 1e-9
    assert not verify(certified.certificate, _foreign(certified.problem, y=y)).accepted


def test_a_foreign_frame_is_refused(certified: Any) -> None:
    problem = certified.problem
    frame = problem.model.frame
    rows = frame.matrix().copy()
    rows[0, 0] += 1e-12
    model = problem.model
    if isinstance(model, ReLU):
        other: Any = ReLU(Dense(rows), model.bias)
    else:
        other = Saturation(Dense(rows), model.low, model.high)
    assert not verify(certified.certificate, _foreign(problem, model=other)).accepted


def test_a_foreign_noise_level_is_refused(certified: Any) -> None:
    for noise in (Noise(each=2e-2), Noise(each=1e-3, l2=1e-3), Noise.gaussian(1e-3)):
        assert not verify(
            certified.certificate, _foreign(certified.problem, noise=noise)
        ).accepted


def test_a_dropped_prior_or_domain_is_refused(certified: Any) -> None:
    bare = _foreign(certified.problem, prior=None, domain=None)
    # a promise that rests on neither is as good without them
    expected = certified.certificate.scope.kind == "global"
    assert verify(certified.certificate, bare).accepted == expected


def test_a_foreign_signal_is_refused(certified: Any) -> None:
    assert not verify(
        certified.certificate, certified.problem, certified.signal + 1e-9
    ).accepted


def test_models_and_lists_are_refused(certified: Any) -> None:
    certificate = certified.certificate
    assert not verify(certificate, certified.problem.model).accepted
    assert not verify(certificate, [certified.problem]).accepted
    assert not verify(certificate, certified.problem, [certified.signal]).accepted


def test_an_infinite_certificate_is_accepted_and_not_made_finite(open_case: Any) -> None:
    certificate, problem = open_case.certificate, open_case.problem
    assert verify(certificate, problem).accepted
    assert verify(Certificate.from_json(certificate.to_json()), problem).accepted
    for forged in (
        replace(certificate, error_bound=1.0),
        replace(certificate, error_bound=1.0, reason=None),
        replace(certificate, reason="the data fix everything"),
        replace(certificate, reason=None),
        replace(certificate, kappa=Enclosure(0.1, 1.0)),
        replace(certificate, kappa=Enclosure(0.0, 1.0)),
        replace(certificate, pointwise=np.zeros(9)),
        replace(certificate, centre=np.zeros(9)),
        replace(certificate, scope=Scope("ball", {"radius": 1.0})),
        replace(certificate, assumptions=()),
        replace(certificate, rigor=probabilistic(0.5)),
        replace(certificate, subject="0" * 64),
        replace(certificate, noise={}),
        replace(certificate, evidence=Evidence("none", {"why": "NOT_A_REASON"})),
        replace(certificate, evidence=Evidence("rows")),
    ):
        assert not verify(forged, problem).accepted


def test_a_reason_cannot_be_lifted_into_a_finite_certificate(certified: Any) -> None:
    forged = replace(
        certified.certificate, evidence=Evidence("none", {"why": "UNBOUNDED"}), reason=None
    )
    assert not verify(forged, certified.problem).accepted


def test_json_edited_by_hand_is_refused(certified: Any) -> None:
    data = json.loads(certified.certificate.to_json())
    data["error_bound"] = 0.0
    assert not verify(Certificate.from_data(data), certified.problem).accepted
