"""Searches too large to record: the settings alone, and a cover made anew by the verifier."""

import dataclasses

import numpy as np
import pytest

from recover.certificates.apriori import certify_apriori
from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.replay.cells import Sides
from recover.certificates.replay.cover import cover_cells, cover_splits
from recover.certificates.verify import verify
from recover.frames.dense import Dense
from recover.models.domains import Ball, Everywhere
from recover.models.modulus import Modulus
from recover.models.relu import ReLU
from recover.models.saturation import Saturation


def rows(n, m, seed=0):
    matrix = np.random.default_rng(seed).standard_normal((m, n))
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def doubled(n, m):
    return np.vstack([rows(n, m), -rows(n, m)])


SUBJECTS = [
    (ReLU(Dense(rows(3, 14)), -0.3), Ball(1.0)),
    (ReLU(Dense(rows(4, 20)), -0.5), Ball(1.0)),
    (ReLU(Dense(doubled(3, 6)), 0.0), Everywhere()),
    (ReLU(Dense(doubled(3, 6)), -0.1), Everywhere()),
    (ReLU(Dense(rows(3, 14)), -0.2), Ball(1.0, nonnegative=True)),
    (Saturation(Dense(rows(3, 14)), -0.8, 0.8), Ball(1.0)),
    (Saturation(Dense(rows(4, 24)), -0.8, 0.7), Ball(1.0)),
    (Saturation(Dense(doubled(3, 6)), -0.5, None), Ball(1.0)),
    (Modulus(Dense(rows(3, 14))), Everywhere()),
    (Modulus(Dense(rows(4, 18))), Everywhere()),
]


@pytest.fixture
def unrecorded(monkeypatch):
    monkeypatch.setattr("recover.certificates.search.tree.LARGEST_RECORD", 3)


def changed(cert, arrays=None, **values):
    evidence = Evidence(
        "apriori",
        {**cert.evidence.values, **values},
        cert.evidence.arrays if arrays is None else arrays,
    )
    return dataclasses.replace(cert, evidence=evidence)


@pytest.mark.usefixtures("unrecorded")
@pytest.mark.parametrize("case", range(len(SUBJECTS)))
def test_the_verifier_covers_anew(case):
    model, scope = SUBJECTS[case]
    cert = certify_apriori(model, scope, budget=20.0)
    values = cert.evidence.values
    assert cert.kappa.lower > 0.0
    assert values["closed"]
    assert values["replayed"] is True
    assert not {"decisions", "children", "supports"} & set(cert.evidence.arrays)
    assert "too large to keep" in cert.reason
    again = Certificate.from_json(cert.to_json())
    assert verify(again, model).reasons == ()
    value = float(values["tree_value"])
    forged = changed(
        cert,
        tree_value=value * 1.001,
        eigenvalue_lower=value * 1.001,
        eigenvalue_upper=float(values["eigenvalue_upper"]) * 1.002,
    )
    assert not verify(forged, model).accepted
    assert not verify(dataclasses.replace(cert, reason=None), model).accepted


def test_a_removed_record_is_refused_unless_it_says_so():
    model, scope = SUBJECTS[0]
    cert = certify_apriori(model, scope, budget=20.0)
    assert cert.evidence.values["replayed"] is False
    names = ("first", "second", "witness", "conflicts", "conflict_sizes")
    kept = {k: v for k, v in cert.evidence.arrays.items() if k in names or "pair_" in k}
    assert not verify(changed(cert, kept), model).accepted
    stated = dataclasses.replace(changed(cert, kept, replayed=True), reason="not recorded")
    assert verify(stated, model).accepted


def test_it_gives_up_after_a_number_of_nodes():
    frame = rows(6, 24)
    found = list(cover_splits(frame, 1e-6, 10))
    assert "within 10 nodes" in found[0]
    sides = Sides(
        np.vstack([frame, -frame]), np.full(48, 0.6), np.tile(np.arange(24), 2), 1.0, True
    )
    found = list(cover_cells(frame, sides, np.empty(0, dtype=int), 0.3, 10))
    assert "within 10 nodes" in found[0]


def test_what_is_false_is_refused():
    frame = rows(2, 3)
    assert "does not reach" in next(cover_splits(frame, 5.0, 1000))
    sides = Sides(
        np.vstack([frame, -frame]), np.full(6, 0.5), np.tile(np.arange(3), 2), 1.0, True
    )
    assert "does not reach" in next(cover_cells(frame, sides, np.empty(0, dtype=int), 5.0, 99))
