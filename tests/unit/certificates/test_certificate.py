"""The certificate and its JSON."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from recover.certificates.certificate import Certificate, not_asked, unbounded
from recover.certificates.evidence import Evidence
from recover.certificates.scope import Scope
from recover.certificates.verify import verify
from recover.core.arrays import digest
from recover.core.enclosure import Enclosure
from recover.core.errors import ParameterError


def test_json_holds_the_contract(certified: Any) -> None:
    data = json.loads(certified.certificate.to_json())
    assert set(data["kappa"]) == set(data["amplification"]) == {"lower", "upper"}
    assert data["scope"]["kind"] in ("global", "ball", "local", "conditional")
    assert data["rigor"] == {"kind": "proved"}
    assert data["error_bound"] == certified.certificate.error_bound
    assert data["parts"] is None
    assert len(data["assumptions"]) >= 3
    assert all(len(sentence.split()) >= 5 for sentence in data["assumptions"])


def test_infinity_is_a_word(open_case: Any) -> None:
    data = json.loads(open_case.certificate.to_json())
    assert data["error_bound"] == "inf"
    assert data["amplification"] == {"lower": "inf", "upper": "inf"}
    assert Certificate.from_data(data).error_bound == math.inf


def test_amplification_is_the_reciprocal(certified: Any) -> None:
    kappa, amplification = certified.certificate.kappa, certified.certificate.amplification
    if kappa.upper == 0.0:
        assert amplification == Enclosure(math.inf, math.inf)
    else:
        assert amplification.upper >= 1.0 / kappa.lower * (1 - 1e-12)
        assert amplification.lower <= 1.0 / kappa.upper * (1 + 1e-12)


def test_arrays_survive_json_bit_for_bit(middling: Any) -> None:
    again = Certificate.from_json(middling.certificate.to_json())
    np.testing.assert_array_equal(again.pointwise, middling.certificate.pointwise)
    np.testing.assert_array_equal(again.centre, middling.certificate.centre)
    for name, array in middling.certificate.evidence.arrays.items():
        np.testing.assert_array_equal(again.evidence.arrays[name], array)


@pytest.mark.parametrize("bound", [-1.0, math.nan])
def test_bounds_are_numbers_from_zero(bound: float) -> None:
    with pytest.raises(ParameterError, match="error_bound must be >= 0"):
        Certificate(
            Enclosure(0.0, 1.0), bound, Scope("global"), (), not_asked("").rigor,
            Evidence("none"), None, "",
        )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", "null", '{"format": "other"}', '{"format": "recover-certificate-1"}'],
)
def test_what_is_no_certificate_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match=r"not a certificate|damaged"):
        Certificate.from_json(text)


@pytest.mark.parametrize("field", ["kappa", "scope", "evidence", "rigor", "arrays", "noise"])
def test_damaged_fields_are_refused(certified: Any, field: str) -> None:
    data = json.loads(certified.certificate.to_json())
    data[field] = 7
    with pytest.raises(ParameterError):
        Certificate.from_data(data)


def test_pickled_and_wordy_arrays_are_refused() -> None:
    with pytest.raises(ParameterError, match="cannot be read"):
        Evidence.from_json({"kind": "x", "values": {}, "arrays": {"a": "gASVAAAA"}})
    words = Evidence("x", {}, {"a": np.array(["word"])}).to_json()
    with pytest.raises(ParameterError, match="numeric"):
        Evidence.from_json(words)
    with pytest.raises(ParameterError, match="plain"):
        Evidence.from_json({"kind": "x", "values": {"a": [1]}, "arrays": {}})
    with pytest.raises(ParameterError, match="NaN"):
        Evidence("x", {"a": math.nan}).to_json()


def test_not_asked_says_so(open_case: Any) -> None:
    certificate = not_asked(open_case.problem.digest)
    assert certificate.reason == "not asked"
    assert (certificate.kappa.lower, certificate.kappa.upper) == (0.0, math.inf)
    assert not certificate.finite
    assert verify(certificate, open_case.problem).accepted


def test_unbounded_for_a_model_needs_a_reason(open_case: Any) -> None:
    model = open_case.problem.model
    named = digest(model.identity_parts())
    assert verify(unbounded("too large", Scope("global"), named, {}), model).accepted
    assert not verify(unbounded("", Scope("global"), named, {}), model).accepted
    assert not verify(unbounded("too large", Scope("global"), "", {}), model).accepted
