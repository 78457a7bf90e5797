"""Certificates of magnitudes made by hand, and changed in one place.

Three vectors of length 4 at 120 degrees: of a split in one and two, the two have the smallest
eigenvalue 8, at the axis of the one, and the one has 0, across it.  So ``A = sigma^2 = 8``.
"""

import dataclasses
import math
from functools import cache

import numpy as np
import pytest

from recover.certificates.apriori import certify_apriori
from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.lipschitz import published_values
from recover.certificates.replay.record import rayleigh_upper
from recover.certificates.scope import Scope
from recover.certificates.verify import verify
from recover.core.arrays import digest
from recover.core.enclosure import Enclosure
from recover.core.rigor import PROVED
from recover.frames import Dense
from recover.models import Everywhere, Modulus

UP, DOWN = 1.0 + 1e-9, 1.0 - 1e-9
ROOT = math.sqrt(8.0)
ANGLES = 2.0 * np.pi * np.arange(3) / 3.0
STAR = Modulus(Dense(4.0 * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)))
TREE = {
    "tree_sizes": [6],
    "decisions": [0, 1, -1, 2, -1, -1],
    "children": [1, 3, 0, 3, 0, 0],
    "support_sizes": [0] * 6,
    "supports": np.empty(0, dtype=int),
    "conflict_sizes": np.empty(0, dtype=int),
    "conflicts": np.empty(0, dtype=int),
}
SIGMA_TREE = {f"sigma_{name}": array for name, array in TREE.items()}
ARRAYS = {
    "first": [1.0, 0.0],
    "second": [0.0, 1.0],
    "witness": [False, True, True],
    "sigma_split": [True, False, False],
}


def star(**change):
    """Return the certificate with fields, values or arrays changed; None removes."""
    fields = {}
    values = {
        "eigenvalue_lower": 8.0 * DOWN,
        "eigenvalue_upper": 8.0 * UP,
        "tree_value": 8.0 * DOWN,
        "sigma_tree_value": 8.0 * DOWN,
        "sigma_lower": ROOT * DOWN,
        "sigma_upper": ROOT * UP,
        "closed": True,
        "replayed": False,
        "nodes": 6,
    }
    arrays = ARRAYS | TREE | SIGMA_TREE
    published = {}
    for name, new in change.items():
        named = (p for p in (values, arrays) if name in p)
        place = published if "published" in name else next(named, fields)
        place[name] = new
    values = {k: v for k, v in values.items() if v is not None}
    if {"eigenvalue_lower", "eigenvalue_upper", "sigma_lower", "sigma_upper"} <= set(values):
        ends = [
            Enclosure(*(values[f"{name}_{end}"] for end in ("lower", "upper")))
            for name in ("eigenvalue", "sigma")
            if not np.isnan(values[f"{name}_lower"])
        ]
        values |= published_values(*ends) if len(ends) == 2 else {}
    values = {k: v for k, v in (values | published).items() if v is not None}
    made = Certificate(
        kappa=Enclosure(ROOT * DOWN, ROOT * UP),
        error_bound=math.inf,
        scope=Scope("global"),
        assumptions=(),
        rigor=PROVED,
        evidence=Evidence(
            "apriori",
            values,
            {name: np.array(array) for name, array in arrays.items() if array is not None},
        ),
        reason=None,
        subject=digest(STAR.identity_parts()),
    )
    return dataclasses.replace(made, **fields)


def reasons(cert, model=STAR):
    found = verify(cert, model).reasons
    assert all(why[0].islower() for why in found)
    return found


OPEN = {"closed": False, "reason": "open"}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"scope": Scope("ball", {"radius": 3.0, "nonnegative": False})},
        {"kappa": Enclosure(1.0, 3.0)},
        {"kappa": Enclosure(0.0, math.inf)},
        {"first": [0.0, 1.0], "second": [1.0, 0.0]},
        {"first": [2.0, 0.0], "second": [0.0, 3.0], "kappa": Enclosure(1.0, 3.0 * ROOT)},
        {"witness": [True, False, False]},
        {"sigma_split": [False, True, True]},
        {"eigenvalue_upper": 48.0 * UP, "witness": None, **OPEN},
        {"sigma_upper": math.sqrt(24.0) * UP, "sigma_split": None},
        {"eigenvalue_lower": 1.0, "kappa": Enclosure(1.0, 3.0), **OPEN},
        {"eigenvalue_lower": 0.0, "kappa": Enclosure(0.0, 3.0), **OPEN},
        {"tree_value": 1.0, "eigenvalue_lower": 1.0, "kappa": Enclosure(1.0, 3.0), **OPEN},
        # the moments prove 7.02..., and sigma^2 is at least half of A
        {
            "tree_value": 0.0,
            "eigenvalue_lower": 7.0,
            "kappa": Enclosure(math.sqrt(7.0) * DOWN, 3.0),
            **dict.fromkeys(TREE),
            **OPEN,
        },
        {"sigma_tree_value": 0.0, "sigma_lower": 2.0 * DOWN, **dict.fromkeys(SIGMA_TREE)},
        {"sigma_tree_value": -1.0, "sigma_lower": 0.0, **dict.fromkeys(SIGMA_TREE)},
        {"sigma_tree_value": 1.0, "sigma_lower": 2.0 * DOWN},
        {"replayed": True, "reason": "not recorded", **dict.fromkeys(TREE)},
        {"eigenvalue_upper": 8.0 * (1.0 + 1e-7)},
    ],
)
def test_what_is_proved_is_accepted(change):
    assert reasons(star(**change)) == ()


def test_a_closed_zero_may_say_why():
    zeros = dict.fromkeys(("tree_value", "sigma_tree_value", "sigma_lower"), 0.0)
    change = zeros | {"eigenvalue_lower": 0.0, "eigenvalue_upper": 1e-9}
    model = Modulus(Dense(4.0 * np.eye(2)))
    kappa = Enclosure(0.0, 1e-9)
    cert = star(**change, kappa=kappa, subject=digest(model.identity_parts()))
    cert.evidence.arrays.update({"witness": np.array([True, False])})
    cert.evidence.arrays.update({"sigma_split": np.array([True, False])})
    for reason in (None, "two rows are too few"):
        assert reasons(dataclasses.replace(cert, reason=reason), model) == ()
    # what rounding can leave between the ends is relative to the rows
    values = {**cert.evidence.values, "eigenvalue_upper": 1e-6}
    values |= published_values(Enclosure(0.0, 1e-6), Enclosure(0.0, values["sigma_upper"]))
    evidence = Evidence("apriori", values, cert.evidence.arrays)
    open_ = dataclasses.replace(cert, evidence=evidence)
    assert "is said to be closed" in reasons(open_, model)[0]


EVIDENCE = "the eigenvalue's lower end is above everything"
SIGMA = "sigma's lower end"
DAMAGED = "damaged or does not fit"
FOLLOW = "does not follow from the eigenvalue and sigma"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"scope": Scope("ball", {"radius": 3.0, "nonnegative": True})},
            "balls and everywhere",
        ),
        ({"reason": "because"}, "has nothing to give a reason for"),
        ({"closed": False}, "must say why it is open"),
        ({"eigenvalue_upper": math.inf}, "is said to be closed"),
        ({"eigenvalue_upper": 8.0 * (1.0 + 1e-5)}, "is said to be closed"),
        ({"kappa": Enclosure(ROOT * UP, 3.0)}, "is not what the eigenvalue gives"),
        ({"kappa": Enclosure(2.0, ROOT * DOWN)}, "pair of signals shows"),
        ({"kappa": Enclosure(0.0, 0.0)}, "pair of signals shows"),
        ({"first": [0.0, 0.0]}, "pair of signals shows"),
        ({"first": [0.0, 1.0]}, "pair of signals shows"),
        ({"second": [2.0, 1.0]}, "pair of signals shows"),
        ({"second": [0.0, 1.0j]}, "is complex"),
        ({"first": [1.0 + 0.0j, 0.0]}, "is complex"),
        # columns of other pairs would be taken for one
        ({"first": np.eye(2, 3), "second": np.eye(2, 3, 1)}, "another shape"),
        ({"first": [[1.0, 0.0]], "second": [[0.0, 1.0]]}, "another shape"),
        ({"first": [1.0, 0.0, 0.0]}, "another shape"),
        ({"second": [np.nan, 1.0]}, DAMAGED),
        # the eigenvalue
        ({"eigenvalue_lower": 8.0, "eigenvalue_upper": 8.0 * UP}, EVIDENCE),
        ({"tree_value": 8.0 * UP}, "does not reach"),
        ({"tree_value": 7.9}, EVIDENCE),
        ({"tree_value": 0.0}, EVIDENCE),
        ({"tree_value": -9.0}, EVIDENCE),
        ({"eigenvalue_upper": 8.0 * DOWN}, "below what its split shows"),
        ({"witness": None}, "below what its split shows"),
        ({"witness": [True, True, True]}, "below what its split shows"),
        ({"witness": [True, True]}, DAMAGED),
        (
            {"replayed": True, "reason": "not recorded", "tree_value": 8.0 * UP},
            "does not reach",
        ),
        ({"replayed": True}, "must say so"),
        *[({name: None}, DAMAGED) for name in TREE],
        # a recorded split left out, a side left out
        (
            {"decisions": [0, 1, -1, -1], "children": [1, 3, 0, 0], "tree_sizes": [4]},
            "does not reach",
        ),
        ({"children": [1, 3, 0, 1, 0, 0]}, "do not cover"),
        ({"tree_sizes": [6, 0]}, DAMAGED),
        # sigma
        ({"sigma_lower": ROOT}, SIGMA),
        ({"sigma_lower": ROOT * UP, "sigma_upper": 3.0}, SIGMA),
        ({"sigma_tree_value": 8.0 * UP}, "does not reach"),
        ({"sigma_tree_value": 0.0}, SIGMA),
        ({"sigma_tree_value": 0.0, "sigma_lower": 2.0}, SIGMA),
        ({"sigma_upper": ROOT * (1.0 - 5e-10)}, "below what its split shows"),
        ({"sigma_split": None}, "below what its split shows"),
        ({"sigma_split": [True, True, True]}, "below what its split shows"),
        ({"sigma_split": [True]}, DAMAGED),
        *[({name: None}, DAMAGED) for name in SIGMA_TREE],
        (
            {"sigma_decisions": [-1], "sigma_children": [0], "sigma_tree_sizes": [1]},
            "not reach",
        ),
        ({"sigma_tree_value": None}, DAMAGED),
        ({"sigma_lower": None}, DAMAGED),
        ({"published_kappa_lower": ROOT}, f"published_kappa_lower {FOLLOW}"),
        ({"published_kappa_upper": 4.0}, f"published_kappa_upper {FOLLOW}"),
        ({"published_eigenvalue_lower": 8.0}, f"published_eigenvalue_lower {FOLLOW}"),
        ({"published_eigenvalue_upper": 16.0}, f"published_eigenvalue_upper {FOLLOW}"),
        ({"published_eigenvalue_upper": None}, DAMAGED),
    ],
)
def test_one_change_is_refused(change, words):
    assert words in " | ".join(reasons(star(**change)))


def test_upper_ends_may_miss_what_another_routine_shows_by_rounding_only():
    rows = STAR.frame.rows
    shown = rayleigh_upper(rows[1:]) + rayleigh_upper(rows[:1])
    for slip, accepted in ((0.0, True), (2e-13, True), (1e-11, False), (1e-3, False)):
        upper = shown * (1.0 - slip)
        lower = {"eigenvalue_lower": 7.0, "kappa": Enclosure(2.0, 3.0), **OPEN}
        found = reasons(star(eigenvalue_upper=upper, **lower))
        assert (found == ()) == accepted, slip
        found = reasons(star(sigma_upper=math.sqrt(upper), sigma_lower=2.0, **lower))
        assert (found == ()) == accepted, slip


def test_sigma_is_that_of_the_larger_side():
    # rows 4 and 4 of the line: A = 32 for every split, but each side may have 16 alone
    model = Modulus(Dense([[4.0], [4.0]]))
    tree = {"tree_sizes": [4], "decisions": [0, 1, -1, -1], "children": [1, 3, 0, 0]}
    tree |= {"support_sizes": [0] * 4}
    ends = {
        f"{name}_{end}": v
        for name, end, v in (
            ("eigenvalue", "lower", 32.0 * DOWN),
            ("eigenvalue", "upper", 32.0 * UP),
            ("sigma", "lower", 4.0 * DOWN),
            ("sigma", "upper", 4.0 * UP),
        )
    }
    split = {"witness": [True, False], "sigma_split": [True, False]}
    pair = {"first": [1.0], "second": [1.0], "subject": digest(model.identity_parts())}
    pair |= {"kappa": Enclosure(math.sqrt(32.0) * DOWN, math.sqrt(32.0) * UP)}
    pair |= {"tree_value": 32.0 * DOWN} | tree | {f"sigma_{k}": v for k, v in tree.items()}
    for claim, accepted in ((16.0 * DOWN, True), (16.0 * UP, False), (32.0 * DOWN, False)):
        cert = star(**ends, **split, **pair, sigma_tree_value=claim)
        found = reasons(cert, model)
        assert (found == ()) == accepted
        assert accepted or "does not reach" in found[0]


def test_signals_of_the_pair_may_not_be_parallel_in_disguise():
    # |rows x| and |rows y| for x = u + v, y = u - v: the distance is the smaller of 2 u and 2 v
    tiny = {"first": [1e-9, 0.0], "kappa": Enclosure(0.0, 2.0)}
    assert "pair of signals shows" in reasons(star(**tiny))[0]


ROWS = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 1.0j], [1.0, -1.0j], [1.0, -1.0]])


@cache
def certified(real):
    model = Modulus(Dense(4.0 * ROWS, real_signal=real))
    return model, certify_apriori(model, Everywhere(), budget=1.0)


def complex_rows(cert, **change):
    kappa = change.pop("kappa", cert.kappa)
    reason = change.pop("reason", cert.reason)
    values = {k: change.get(k, v) for k, v in cert.evidence.values.items()}
    arrays = {k: change.get(k, v) for k, v in cert.evidence.arrays.items()}
    evidence = Evidence("apriori", values, arrays)
    return dataclasses.replace(cert, kappa=kappa, reason=reason, evidence=evidence)


@pytest.mark.parametrize("real", [False, True])
def test_complex_rows(real):
    model, cert = certified(real)
    lower, upper = cert.kappa.lower, cert.kappa.upper
    values = cert.evidence.values
    assert reasons(cert, model) == ()
    assert lower > 2.0
    # a tree proves nothing of complex rows
    raised = values["eigenvalue_lower"] * 1.001
    for change, words in (
        ({"eigenvalue_lower": raised}, EVIDENCE),
        ({"eigenvalue_lower": raised, "tree_value": raised}, EVIDENCE),
        ({"eigenvalue_upper": values["eigenvalue_upper"] * 0.999}, "what the pair of signals"),
        ({"kappa": Enclosure(lower * 1.001, upper)}, "is not what the eigenvalue gives"),
        ({"kappa": Enclosure(lower, upper * 0.999)}, "below what the pair of signals shows"),
        ({"first": cert.evidence.arrays["second"]}, "below what the pair of signals shows"),
        ({"reason": None}, "must say why it is open"),
    ):
        assert words in " | ".join(reasons(complex_rows(cert, **change), model))
    # tight as floating point can show
    assert upper**2 == pytest.approx(values["eigenvalue_upper"], rel=1e-13)


def test_what_holds_for_real_signals_is_not_proved_for_complex_ones():
    # but for the last row, complex signals are not told from their conjugates
    rows = [[1, 1], [1, -1], [1, 0], [0, 1], [1, 0.5], [0.5, -1], [1, 0.5j]]
    models = [Modulus(Dense(np.array(rows), real_signal=real)) for real in (True, False)]
    real, cert = (certify_apriori(model, Everywhere(), budget=0.2) for model in models)
    raised = real.evidence.values["eigenvalue_lower"]
    assert raised > 0.0
    assert reasons(real, models[0]) == ()
    assert reasons(cert, models[1]) == ()
    forged = complex_rows(cert, eigenvalue_lower=raised)
    assert EVIDENCE in reasons(forged, models[1])[0]


def test_real_signals_have_real_pairs():
    model, cert = certified(True)
    other = {k: cert.evidence.arrays[k].astype(complex) for k in ("first", "second")}
    for names in (["first"], ["second"], ["first", "second"]):
        forged = complex_rows(cert, **{name: other[name] for name in names})
        assert "is complex" in reasons(forged, model)[0]
