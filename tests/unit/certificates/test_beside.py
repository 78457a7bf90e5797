"""Evidence above 1 MB stands beside the certificate, named by digest."""

import dataclasses
import json

import numpy as np
import pytest

from recover.certificates import beside
from recover.certificates.apriori import certify_apriori
from recover.certificates.beside import bring_back, put_aside
from recover.certificates.certificate import Certificate
from recover.certificates.verify import verify
from recover.core.errors import ParameterError
from recover.frames.dense import Dense
from recover.models.domains import Ball
from recover.models.saturation import Saturation


@pytest.fixture(scope="module")
def issued():
    rows = np.random.default_rng(0).standard_normal((12, 3))
    model = Saturation(Dense(rows), -1.0, 1.0)
    return model, certify_apriori(model, Ball(1.0), budget=10.0)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(beside, "INLINE", 100)


def test_small_evidence_stays_in_the_data(issued):
    data, aside = put_aside(issued[1])
    assert aside == {}
    assert data == issued[1].to_data()
    assert bring_back(data, {}) == data


def test_the_limit_is_one_megabyte(issued):
    assert beside.INLINE == 1_000_000
    _, cert = issued
    for size, kept in ((999_000, True), (1_001_000, False)):
        arrays = {**cert.evidence.arrays, "large": np.zeros(size, dtype=np.uint8)}
        for name in cert.evidence.arrays:
            arrays[name] = arrays[name][:1]
        large = dataclasses.replace(
            cert, evidence=dataclasses.replace(cert.evidence, arrays=arrays)
        )
        assert (put_aside(large)[1] == {}) is kept


@pytest.mark.usefixtures("small")
def test_large_evidence_makes_the_round_trip(issued):
    model, cert = issued
    data, aside = put_aside(cert)
    assert set(aside) == {entry["sha256"] for entry in data["evidence"]["arrays"].values()}
    text = json.dumps(data)
    assert len(text) < len(cert.to_json())
    again = Certificate.from_data(bring_back(json.loads(text), aside))
    assert again.to_json() == cert.to_json()
    assert verify(again, model).accepted


@pytest.mark.usefixtures("small")
def test_parts_are_put_aside_too(issued):
    _, cert = issued
    whole = dataclasses.replace(cert, parts=(("left", cert), ("right", cert)))
    data, aside = put_aside(whole)
    assert bring_back(data, aside) == whole.to_data()


@pytest.mark.usefixtures("small")
def test_missing_and_changed_arrays_are_errors(issued):
    data, aside = put_aside(issued[1])
    with pytest.raises(ParameterError, match="keep the NPZ file beside"):
        bring_back(data, {})
    name = data["evidence"]["arrays"]["decisions"]["sha256"]
    with pytest.raises(ParameterError, match="was changed"):
        bring_back(data, {**aside, name: aside[name] + 1})
    for damaged in ({}, {"evidence": 3}, {"evidence": {"arrays": {"a": {}}}, "parts": None}):
        with pytest.raises(ParameterError, match="damaged"):
            bring_back(damaged, aside)
    with pytest.raises(ParameterError, match=r"damaged|cannot be read"):
        Certificate.from_data(data)
