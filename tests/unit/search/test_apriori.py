"""The public behaviour of a priori certificates: trivial cases, budgets, errors, forgeries."""

import dataclasses
import math
import time

import numpy as np
import pytest

from recover.certificates.apriori import certify_apriori
from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.scope import Scope
from recover.certificates.verify import verify
from recover.core.enclosure import Enclosure
from recover.core.errors import OutOfScopeError, ParameterError
from recover.frames.dense import Dense
from recover.models.domains import Ball, Box, Everywhere
from recover.models.modulus import Modulus
from recover.models.relu import ReLU
from recover.models.saturation import Saturation


def unit_rows(n, m, seed=0):
    rows = np.random.default_rng(seed).standard_normal((m, n))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


SUBJECTS = [
    (ReLU(Dense(unit_rows(3, 12)), -0.3), Ball(1.0)),
    (ReLU(Dense(unit_rows(3, 12)), 0.0), Ball(1.0, nonnegative=True)),
    (Saturation(Dense(unit_rows(3, 12)), -0.8, 0.8), Ball(1.0)),
    (Modulus(Dense(unit_rows(3, 12))), Everywhere()),
]


@pytest.mark.parametrize(("model", "scope"), SUBJECTS)
def test_certificates_verify_after_a_round_trip(model, scope):
    cert = certify_apriori(model, scope, budget=20.0)
    assert 0.0 < cert.kappa.lower <= cert.kappa.upper < math.inf
    # either both gaps are closed, or the reason says which one is not
    assert cert.reason is None or "gap between the ends of kappa" in cert.reason
    again = Certificate.from_json(cert.to_json())
    assert verify(again, model).reasons == ()


def with_evidence(cert, **changes):
    values = {k: v for k, v in changes.items() if k in cert.evidence.values}
    arrays = {k: v for k, v in changes.items() if k in cert.evidence.arrays}
    evidence = Evidence(
        cert.evidence.kind,
        {**cert.evidence.values, **values},
        {**cert.evidence.arrays, **arrays},
    )
    return dataclasses.replace(cert, evidence=evidence)


def forgeries(cert):
    kappa, values, arrays = cert.kappa, cert.evidence.values, cert.evidence.arrays
    raised = float(values["eigenvalue_lower"]) * 1.0001
    grown = max(float(values["eigenvalue_upper"]), raised)
    yield dataclasses.replace(cert, kappa=Enclosure(kappa.lower * 1.0001, kappa.upper * 1.1))
    yield dataclasses.replace(cert, kappa=Enclosure(kappa.lower * 0.5, kappa.upper * 0.9999))
    yield with_evidence(
        cert, eigenvalue_lower=raised, tree_value=raised, eigenvalue_upper=grown
    )
    yield with_evidence(cert, eigenvalue_lower=raised, eigenvalue_upper=grown)
    yield with_evidence(cert, eigenvalue_upper=float(values["eigenvalue_upper"]) * 0.9999)
    yield dataclasses.replace(cert, scope=Scope("ball", {"radius": 7.0, "nonnegative": False}))
    yield dataclasses.replace(cert, error_bound=1.0)
    yield dataclasses.replace(cert, subject="0" * 64)
    decisions, children = arrays["decisions"], arrays["children"]
    sizes = arrays["tree_sizes"]
    # a removed leaf, the whole search removed, a branch that is left out, a row exchanged
    yield with_evidence(cert, decisions=decisions[:-1], children=children[:-1])
    root = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(int)
    yield with_evidence(
        cert,
        decisions=np.full(len(sizes), -1),
        children=np.zeros(len(sizes), dtype=np.uint8),
        tree_sizes=np.ones(len(sizes), dtype=int),
        support_sizes=np.zeros(len(sizes), dtype=np.uint8),
        supports=arrays["supports"][:0],
    )
    inner = np.flatnonzero(children > 1)
    cut = children.copy()
    cut[inner[-1]] &= 1
    yield with_evidence(cert, children=cut)
    turned = decisions.copy()
    turned[root[0]] = (turned[root[0]] + 1) % decisions.max()
    yield with_evidence(cert, decisions=turned)
    longer = decisions.copy()
    longer[np.flatnonzero(decisions < 0)[-1]] = 0
    yield with_evidence(cert, decisions=longer)


@pytest.mark.parametrize(("model", "scope"), SUBJECTS[:1] + SUBJECTS[2:])
def test_forgeries_are_refused(model, scope):
    cert = certify_apriori(model, scope, budget=20.0)
    for number, forged in enumerate(forgeries(cert)):
        if number == 5 and isinstance(model, Modulus):
            continue  # the constant of modulus is the same on every ball
        assert not verify(forged, model).accepted, number


def test_a_foreign_frame_is_refused():
    model, scope = SUBJECTS[0]
    cert = certify_apriori(model, scope, budget=20.0)
    other = ReLU(Dense(unit_rows(3, 12, seed=1)), -0.3)
    assert "another frame" in verify(cert, other).reasons[0]


def test_invented_conflicts_are_refused():
    rows = np.vstack([np.eye(2), -np.eye(2)])
    model = ReLU(Dense(rows), 0.0)
    cert = certify_apriori(model, Ball(1.0), budget=20.0)
    assert verify(cert, model).accepted
    lengths = cert.evidence.arrays["conflict_sizes"]
    invented = np.tile([2, 0, 1], len(lengths)).astype(np.int32)
    forged = with_evidence(cert, conflict_sizes=np.full_like(lengths, 3), conflicts=invented)
    assert not verify(forged, model).accepted


@pytest.mark.parametrize(
    ("model", "scope"),
    [
        (Saturation(Dense(unit_rows(2, 5)), -1.0, 1.0), Everywhere()),
        (ReLU(Dense(unit_rows(2, 9)), 0.1), Ball(1.0)),
        (ReLU(Dense(np.eye(3)[:2]), -1.0), Ball(1.0)),
        (Modulus(Dense(np.eye(3))), Everywhere()),
        (ReLU(Dense(np.zeros((3, 2))), -1.0), Ball(1.0)),
        (Saturation(Dense(np.vstack([0.7 * np.eye(3)] * 2)), -0.5, 0.5), Ball(1.0)),
    ],
)
def test_trivial_zeros_say_why(model, scope):
    cert = certify_apriori(model, scope, budget=5.0)
    assert cert.kappa.lower == 0.0
    assert cert.kappa.upper <= 1e-6
    assert cert.reason
    assert cert.amplification.upper == math.inf
    assert verify(cert, model).accepted


def test_no_budget_gives_the_cheap_bounds():
    model = Saturation(Dense(unit_rows(32, 2000)), -0.7, 0.7)
    cert = certify_apriori(model, Ball(1.0), budget=0.0)
    assert cert.kappa.lower > 3.0
    assert "budget" in cert.reason
    assert verify(cert, model).accepted


def test_budget_is_honoured_and_improves_the_bracket():
    model = Modulus(Dense(unit_rows(12, 40)))
    start = time.monotonic()
    cert = certify_apriori(model, Everywhere(), budget=1.0)
    assert time.monotonic() - start < 10.0  # a stuck search would never end
    assert not cert.evidence.values["closed"]
    assert cert.reason
    assert verify(cert, model).accepted


def test_watch_can_stop():
    seen = []

    def stop(progress):
        seen.append(progress)
        return len(seen) > 3

    model = Modulus(Dense(unit_rows(12, 40)))
    cert = certify_apriori(model, Everywhere(), budget=100.0, watch=stop)
    assert seen[-1].total >= seen[-1].step
    assert seen[-1].bracket[0] <= seen[-1].bracket[1]
    assert cert.kappa.lower == 0.0


@pytest.fixture(scope="module")
def of_order_one():
    rows = unit_rows(3, 8)
    return rows, certify_apriori(Saturation(Dense(rows), -0.8, 0.8), Ball(1.0), budget=20.0)


@pytest.mark.parametrize(
    "factor", [2.0**-40, pytest.param(3.7, marks=pytest.mark.slow), 2.0**300]
)
def test_scales_with_the_frame(factor, of_order_one):
    rows, one = of_order_one
    model = Saturation(Dense(factor * rows), -0.8 * factor, 0.8 * factor)
    other = certify_apriori(model, Ball(1.0), budget=20.0)
    assert other.kappa.lower == pytest.approx(factor * one.kappa.lower, rel=1e-9)
    model = Saturation(Dense(rows), -0.8 * factor, 0.8 * factor)
    wide = certify_apriori(model, Ball(factor), budget=20.0)
    assert wide.kappa.lower == pytest.approx(one.kappa.lower, rel=1e-9)
    assert verify(wide, model).accepted


def test_errors():
    model = ReLU(Dense(unit_rows(2, 5)), -0.1)
    with pytest.raises(ParameterError, match="budget must be >= 0"):
        certify_apriori(model, Ball(1.0), budget=-1.0)
    with pytest.raises(OutOfScopeError, match="Ball or Everywhere"):
        certify_apriori(model, Box(0.0, 1.0))
    with pytest.raises(OutOfScopeError, match="modulus is known on balls"):
        certify_apriori(Modulus(Dense(np.eye(2))), Ball(1.0, nonnegative=True))


def test_forged_sigma_is_refused():
    model, scope = SUBJECTS[3]
    cert = certify_apriori(model, scope, budget=20.0)
    values, arrays = cert.evidence.values, cert.evidence.arrays
    assert verify(cert, model).accepted
    assert values["sigma_tree_value"] > 0.0
    sizes = arrays["sigma_tree_sizes"]
    for changes in (
        {"sigma_lower": float(values["sigma_upper"]) * 1.01},
        {"sigma_lower": float(values["sigma_lower"]) * 1.0001},
        {"sigma_upper": float(values["sigma_upper"]) * 0.9999},
        {"published_kappa_upper": float(values["published_kappa_upper"]) * 0.9},
        {"published_eigenvalue_lower": float(values["published_eigenvalue_lower"]) * 1.1},
        {"sigma_split": ~arrays["sigma_split"][::-1]},
        {"sigma_tree_value": float(values["sigma_tree_value"]) * 1.001},
        {"sigma_tree_value": 0.0},
        {
            "sigma_decisions": np.array([-1]),
            "sigma_children": np.zeros(1, dtype=np.uint8),
            "sigma_tree_sizes": np.ones_like(sizes),
        },
    ):
        assert not verify(with_evidence(cert, **changes), model).accepted, changes


def test_an_open_zero_says_how_many_cases_stand_in_the_way():
    model = Modulus(Dense(unit_rows(16, 40)))
    cert = certify_apriori(model, Everywhere(), budget=0.5)
    assert cert.kappa.lower == 0.0 < cert.kappa.upper
    assert "at least 300540195 cases" in cert.reason  # C(31, 16)
    assert "budget" in cert.reason
    assert verify(cert, model).accepted
