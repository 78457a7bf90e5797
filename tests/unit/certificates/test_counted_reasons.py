"""The numbers in the reason of an infinite certificate are counted again by the verifier."""

import json

import numpy as np
import pytest

import recover as rv
from recover.certificates.certificate import Certificate


def clipped_wave():
    model = rv.Saturation(rv.frames.Identity(60), -0.5, 0.5)
    return rv.Problem(model, model(np.sin(np.arange(60.0))))


@pytest.mark.parametrize("number", ["clipped", "total"])
def test_a_miscounted_reason_is_refused(number):
    problem = clipped_wave()
    certificate = rv.certify(problem, problem.y)
    assert rv.verify(certificate, problem).accepted
    data = json.loads(certificate.to_json())
    true = data["evidence"]["values"][f"number:{number}"]
    data["evidence"]["values"][f"number:{number}"] = true + 1
    data["reason"] = data["reason"].replace(f"{true} ", f"{true + 1} ", 1)
    verdict = rv.verify(Certificate.from_data(data), problem)
    assert not verdict.accepted
    assert any("not what the data say" in reason for reason in verdict.reasons)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("assumptions", ["the moon is full"]),
        ("scope", {"kind": "ball", "radius": 1.0}),
        ("noise", {"l2": 1.0}),
        ("rigor", {"kind": "probabilistic", "delta": 0.1}),
    ],
)
def test_nothing_is_claimed_where_nothing_was_asked(field, value):
    problem = clipped_wave()
    certificate = rv.recover(problem, "OneSidedLeastSquares", certify=False).certificate
    assert rv.verify(certificate, problem).accepted
    data = json.loads(certificate.to_json())
    data[field] = value
    assert not rv.verify(Certificate.from_data(data), problem).accepted
