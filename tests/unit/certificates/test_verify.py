"""`verify` on certificates made for the purpose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recover.certificates.evidence import Evidence
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.verify import verify
from recover.frames.dense import Dense
from recover.frames.identity import Identity
from recover.models.noise import Noise
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.priors.quadratic import Quadratic
from recover.priors.subspace import Subspace


def test_evidence_above_one_megabyte_names_the_signal_by_its_digest() -> None:
    n = 2**17 + 1
    signal = np.sin(np.arange(n))
    model = Saturation(Identity(n), -2.0, 2.0)
    problem = Problem(model, signal, noise=Noise(each=1e-3))
    certificate = certify_posteriori(problem, signal)
    assert certificate.finite
    assert "signal" not in certificate.evidence.arrays
    assert len(certificate.to_json()) < 10_000
    assert verify(certificate, problem, signal).accepted
    refused = verify(certificate, problem)
    assert "signal=" in refused.reasons[0]
    assert not verify(certificate, problem, np.zeros(n)).accepted


def test_the_short_formula_is_refused_away_from_the_minimiser() -> None:
    rows = np.diff(np.eye(3), axis=0)
    model = Saturation(Identity(3), -1.0, 1.0)
    prior = Quadratic(Dense(rows), 3.0)
    problem = Problem(model, np.array([0.0, 1.0, 0.0]), prior=prior)
    issued = certify_posteriori(problem, np.array([0.0, 2.0, 0.0]))
    arrays = {k: v for k, v in issued.evidence.arrays.items() if k != "free"}
    values = {k: v for k, v in issued.evidence.values.items() if k != "centre_bound"}
    # 2 is admissible as 1 is, which lies farther than sqrt(tau^2 - |T z|^2) / s
    for bound, accepted in ((np.sqrt(0.5), False), (2.0 + np.sqrt(4.5), True)):
        forged = replace(
            issued,
            error_bound=float(bound) * (1 + 1e-9),
            centre=None,
            pointwise=None,
            evidence=Evidence(issued.evidence.kind, values, arrays),
        )
        assert verify(forged, problem).accepted == accepted


def test_a_contradicted_subspace_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from recover.certificates.proofs import subspace

    model = Saturation(Identity(6), -1.0, 1.0)
    prior = Subspace(Dense(np.ones((1, 6))))
    y = np.array([0.2, 0.2, 0.2, 0.2, 0.2, 1.0])
    problem = Problem(model, y, prior=prior)
    assert not certify_posteriori(problem, np.full(6, 0.2)).finite
    monkeypatch.setattr(subspace, "_one_sided", lambda *_: None)
    careless = certify_posteriori(problem, np.full(6, 0.2))
    assert careless.finite
    verdict = verify(careless, problem)
    assert not verdict.accepted
    assert "contradict" in verdict.reasons[0]
