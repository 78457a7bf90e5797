"""Certificates of clipped rows made by hand, and changed in one place.

Rows 4 and -4, active above -4, on [-2, 2]: where one is inactive the other is active, so the
smallest eigenvalue is 16; pairs on one side show ``kappa <= 4``.  The verifier scales rows to
1/2, signals to [-1/2, 1/2] and levels to -1/8.
"""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from recover.certificates.apriori import certify_apriori
from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.scope import Scope
from recover.certificates.verify import verify
from recover.core.arrays import digest
from recover.core.enclosure import Enclosure
from recover.core.rigor import ESTIMATE, PROVED, probabilistic
from recover.core.rounding import norm_upper
from recover.frames import Dense, Identity
from recover.models import Ball, Everywhere, Modulus, ReLU, Saturation

UP, DOWN = 1.0 + 1e-9, 1.0 - 1e-9
OPEN = "the gap between the ends of kappa is not closed"
LINE = ReLU(Dense([[4.0], [-4.0]]), -4.0)
PAIR = {"first": [-1.9375], "second": [-1.5]}
TREE = {
    "tree_sizes": [3],
    "decisions": [0, -1, -1],
    "children": [3, 0, 0],
    "support_sizes": [0, 0, 1],
    "supports": [0],
    "conflict_sizes": [0],
    "conflicts": np.empty(0, dtype=int),
}
VALUES = {
    "eigenvalue_lower": 16.0 * DOWN,
    "eigenvalue_upper": 16.0 * UP,
    "tree_value": 16.0 * DOWN,
    "pair_value": 0.0,
    "closed": True,
    "kappa_closed": False,
    "replayed": False,
    "nodes": 3,
}


def certificate(model, scope, kappa, values, arrays, reason=None):
    arrays = {name: np.array(array) for name, array in arrays.items()}
    return Certificate(
        kappa=Enclosure(*kappa),
        error_bound=math.inf,
        scope=scope,
        assumptions=(),
        rigor=PROVED,
        evidence=Evidence("apriori", values, arrays),
        reason=reason,
        subject=digest(model.identity_parts()),
    )


def ball(radius, nonnegative=False):
    return Scope("ball", {"radius": radius, "nonnegative": nonnegative})


def line(**change):
    """Return the certificate with fields, values or arrays changed; None removes."""
    fields, values, arrays = {}, dict(VALUES), PAIR | TREE | {"witness": [-0.4]}
    for name, new in change.items():
        place = next((p for p in (values, arrays) if name in p), fields)
        place[name] = new
    made = certificate(
        LINE,
        ball(2.0),
        (math.sqrt(8.0) * DOWN, 4.0 * UP),
        {k: v for k, v in values.items() if v is not None},
        {k: v for k, v in arrays.items() if v is not None},
        OPEN,
    )
    return dataclasses.replace(made, **fields)


def reasons(cert, model=LINE):
    found = verify(cert, model).reasons
    assert all(why[0].islower() for why in found)
    return found


def test_the_line():
    assert reasons(line()) == ()
    assert reasons(Certificate.from_json(line().to_json())) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"eigenvalue_lower": 0.0, "kappa": Enclosure(0.0, 5.0), "closed": False},
        {
            "eigenvalue_lower": -1.0,
            "tree_value": -1.0,
            "kappa": Enclosure(0.0, 5.0),
            "closed": False,
        },
        {"eigenvalue_lower": 1.0, "kappa": Enclosure(0.7, 5.0), "closed": False},
        {"eigenvalue_upper": 17.0, "closed": False},
        {"eigenvalue_upper": 1e9, "closed": False},
        {"eigenvalue_upper": 16.0 * (1.0 + 1e-7)},
        # the bound by inner products proves the value without a tree
        {"tree_value": 0.0, **dict.fromkeys(TREE)},
        {"tree_value": -1.0, **dict.fromkeys(TREE)},
        {"tree_value": 1.0},
        {"kappa": Enclosure(0.0, math.inf)},
        {"kappa": Enclosure(1.0, 4.1)},
        {"witness": None, "eigenvalue_upper": 32.1, "closed": False},
        {"first": [-2.0 * DOWN], "kappa": Enclosure(1.0, 4.0 * UP)},
        {"first": [2.0 * DOWN], "second": [1.5]},
        # not the pair, but the eigenvalue shows it
        {"first": [1.5], "second": [1.5]},
        {"first": [1.0], "second": [-1.0]},
        {"replayed": True, "nodes": 10},
    ],
)
def test_weaker_statements_are_accepted(change):
    assert reasons(line(**change)) == ()


EVIDENCE, TOO_HIGH = "everything that the evidence proves", "is not what the evidence gives"
DAMAGED = "damaged or does not fit"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"subject": "0" * 64}, "another frame or model"),
        ({"assumptions": ("none",)}, "without assumptions"),
        ({"rigor": ESTIMATE}, "without assumptions"),
        ({"rigor": probabilistic(1e-9)}, "without assumptions"),
        ({"noise": {"l2": 0.0}}, "without assumptions"),
        ({"error_bound": 1e300}, "bounds no error"),
        ({"pointwise": np.full(1, np.inf)}, "bounds no error"),
        ({"centre": np.zeros(1)}, "bounds no error"),
        ({"parts": ()}, "parts were added"),
        ({"parts": (("left", line()),)}, "parts were added"),
        # kappa
        ({"kappa": Enclosure(math.sqrt(8.0) * UP, 5.0)}, TOO_HIGH),
        ({"kappa": Enclosure(1.0, 4.0 * DOWN)}, "below what the pair of signals shows"),
        ({"kappa": Enclosure(0.0, 0.0), "kappa_closed": True}, "pair of signals shows"),
        ({"kappa_closed": True}, "is closed is not told right"),
        ({"reason": None}, "must be told"),
        ({"reason": ""}, "must be told"),
        ({"kappa": Enclosure(2.8, 2.8 * UP)}, "is closed is not told right"),
        # the eigenvalue
        ({"eigenvalue_lower": 16.0 * UP, "tree_value": 16.0 * UP}, "does not reach"),
        ({"tree_value": 16.0 * UP}, "does not reach"),
        ({"eigenvalue_lower": 16.0 * UP}, EVIDENCE),
        ({"eigenvalue_lower": 16.0 * UP, "tree_value": 0.0}, EVIDENCE),
        ({"eigenvalue_upper": 16.0 * DOWN}, "below what its witness shows"),
        ({"eigenvalue_upper": 0.0}, "below what its witness shows"),
        ({"eigenvalue_upper": 16.0 * (1.0 + 1e-5)}, "is said to be closed"),
        ({"eigenvalue_upper": math.inf}, "is said to be closed"),
        ({"eigenvalue_lower": 15.9, "kappa": Enclosure(2.0, 5.0)}, "is said to be closed"),
        ({"closed": False, "reason": None}, "must say why it is open"),
        ({"witness": None}, "below what its witness shows"),
        ({"witness": [0.0]}, "below what its witness shows"),
        ({"witness": [-0.2]}, "below what its witness shows"),
        ({"witness": [-0.5 * UP]}, "witness of the eigenvalue lies outside"),
        ({"witness": [0.6]}, "witness of the eigenvalue lies outside"),
        # the pair
        ({"first": [-2.0 * UP]}, "the pair of signals lies outside"),
        ({"second": [2.0 * UP]}, "the pair of signals lies outside"),
        ({"first": [[-1.9375]]}, "another shape"),
        ({"second": [[-1.5]]}, "another shape"),
        ({"second": [-1.5, 0.0]}, "another shape"),
        ({"second": [np.nan]}, DAMAGED),
        ({"second": [-1.5j]}, DAMAGED),
        ({"first": None}, DAMAGED),
        # the record
        *[({name: None}, DAMAGED) for name in TREE],
        *[({name: None}, DAMAGED) for name in VALUES if name != "nodes"],
        *[({name: math.nan}, DAMAGED) for name in VALUES if "value" in name],
        ({"tree_sizes": [2]}, "ends before"),
        ({"tree_sizes": [3, 3]}, DAMAGED),
        ({"tree_sizes": np.empty(0, dtype=int)}, DAMAGED),
        ({"conflict_sizes": [1], "conflicts": [-1]}, DAMAGED),
        ({"decisions": [0.0, -1.0, -1.0]}, DAMAGED),
        ({"decisions": [np.nan] * 3}, DAMAGED),
        ({"supports": [1]}, "does not reach"),
        # nothing recorded: covered anew, and said
        ({"replayed": True, "tree_value": 16.0 * UP}, "does not reach"),
        ({"replayed": True, "nodes": 10, "conflicts": None}, DAMAGED),
        ({"replayed": True, "nodes": 10, "conflict_sizes": []}, DAMAGED),
        ({"replayed": True, "nodes": 10, "conflict_sizes": [0, 0]}, DAMAGED),
        ({"replayed": True, "reason": None}, "must say so"),
        ({"replayed": 1, "decisions": None}, DAMAGED),
        # segments
        ({"pair_value": 8.0 * UP}, DAMAGED),
        ({"pair_value": 1e-3}, DAMAGED),
    ],
)
def test_one_change_is_refused(change, words):
    found = reasons(line(**change))
    assert words in " | ".join(found)


def test_claims_that_underflow_where_rows_are_scaled():
    # the second signal axis is not seen, but 2**-780 * 2**-301 is no float64
    big = 2.0**300
    model = ReLU(Dense([[big, 0.0], [-big, 0.0]]), -big / 4.0)
    values = VALUES | {"eigenvalue_lower": 0.0, "tree_value": 0.0, "closed": False}
    values |= {"eigenvalue_upper": 2.0**560}  # as far as rounding shows
    pair = {"first": [0.5, 0.0], "second": [0.5, 0.1]}

    def made(lower, **change):
        kappa = (lower, 1e80)
        return certificate(model, ball(1.0), kappa, values | change, pair, OPEN)

    assert reasons(made(0.0), model) == ()
    for forged in (
        made(2.0**-780),
        made(2.0**-1074),
        made(0.0, eigenvalue_lower=2.0**-600),
        made(0.0, eigenvalue_lower=2.0**-1074, tree_value=2.0**-1074),
    ):
        assert DAMAGED in reasons(forged, model)[0]
    # nor is an upper end rounded to 0
    tiny = 2.0**-1040
    model = ReLU(Dense([[tiny], [-tiny]]), -tiny / 4.0)
    values |= {"eigenvalue_upper": 0.0, "kappa_closed": True}
    low = certificate(
        model, ball(1.0), (0.0, 0.0), values, PAIR | {"first": [0.9], "second": [0.5]}, OPEN
    )
    assert reasons(low, model)


FOREIGN = "none of a ball and everywhere"


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (ball(2.0), None),
        (ball(2.5), None),  # no more is known of the pair, and the record proves as much
        (ball(1.9), "lies outside"),
        (ball(2.0, True), "lies outside"),
        *[
            (ball(radius), FOREIGN)
            for radius in (2, 0.0, -2.0, math.inf, math.nan, "2.0", None)
        ],
        *[(ball(2.0, flag), FOREIGN) for flag in (0, None, "no")],
        (Scope("ball", {"radius": 2.0}), FOREIGN),
        (Scope("ball", {"nonnegative": False}), FOREIGN),
        (Scope("ball", {"radius": 2.0, "nonnegative": False, "centre": 1.0}), FOREIGN),
        (Scope("local", {"radius": 2.0, "nonnegative": False}), FOREIGN),
        (Scope("global", {"radius": 2.0, "nonnegative": False}), FOREIGN),
        (Scope("conditional"), FOREIGN),
    ],
)
def test_scopes(scope, words):
    found = reasons(line(scope=scope))
    assert (found == ()) == (words is None)
    assert words is None or words in found[0]


def test_frames_without_rows_have_no_such_certificate():
    model = ReLU(Identity(1), -1.0)
    cert = line(subject=digest(model.identity_parts()))
    assert "hold their rows" in reasons(cert, model)[0]


def test_nonnegative_signals():
    # on [0, 2] the row 4 is always active
    scope, pair = ball(2.0, True), {"first": [1.9375], "second": [1.5], "witness": [0.4]}

    def made(**change):
        kappa = (math.sqrt(8.0) * DOWN, 4.0 * UP)
        return certificate(LINE, scope, kappa, VALUES, pair | TREE | change, OPEN)

    assert reasons(made()) == ()
    assert reasons(made(second=[0.0])) == ()
    origin = dataclasses.replace(made(witness=[0.0]))
    loose = VALUES | {"eigenvalue_upper": 33.0, "closed": False}
    origin = dataclasses.replace(
        origin, evidence=dataclasses.replace(origin.evidence, values=loose)
    )
    assert reasons(origin) == ()
    assert "signals lies outside" in reasons(made(first=[-0.1]))[0]
    assert "signals lies outside" in reasons(made(second=[-0.1]))[0]
    assert "witness of the eigenvalue lies outside" in " ".join(reasons(made(witness=[-0.4])))


def without_levels(rows, level=-1.0, **change):
    """Return a certificate of rows that are never below their level, everywhere."""
    values = VALUES | {"eigenvalue_lower": 0.0, "tree_value": 0.0, "closed": False}
    values |= change.pop("values", {})
    arrays = {"first": np.zeros(2), "second": np.zeros(2)} | change
    model = ReLU(Dense(rows), level)
    return certificate(model, Scope("global"), (0.0, math.inf), values, arrays, OPEN), model


def test_far_out_only_the_signs_of_coefficients_count():
    # e1, e2 and their negatives: near the origin all are active, far out one of each pair
    rows = np.vstack([np.eye(2), -np.eye(2)])
    seen = (([0.1, 0.1], 1.0), ([0.1, 0.0], 1.0), ([0.0, 0.0], 2.0))
    for level, (witness, least) in itertools.product((-1.0, [0.0, -1.0, -1.0, -1.0]), seen):
        for size in (1.0, 100.0):
            for upper, accepted in ((least * UP, True), (least * DOWN, False)):
                cert, model = without_levels(
                    rows,
                    np.array(level),
                    witness=size * np.array(witness),
                    values={"eigenvalue_upper": upper},
                )
                assert (reasons(cert, model) == ()) == accepted, (witness, upper)


def test_with_a_positive_level_the_witness_is_taken_as_it_is():
    # rows 1 and -1, the first active above 1/4, in units of 2 for the rows
    rows = np.array([[1.0], [-1.0]])
    for witness, least in (([0.1], 0.0), ([0.5], 1.0), ([-0.5], 1.0)):
        for upper, accepted in ((least + 1e-9, True), (least - 1e-9, False)):
            cert, model = without_levels(
                rows,
                np.array([0.25, 0.0]),
                first=[0.0],
                second=[0.0],
                witness=witness,
                values={"eigenvalue_upper": upper},
            )
            assert (reasons(cert, model) == ()) == accepted, (witness, upper)


def test_rows_that_are_never_clipped_stay_far_out():
    # the second row has no level, the third is clipped above only: both count as ReLU rows do
    model = Saturation(
        Dense([[1.0, 0.0], [0.0, 1.0], [-2.0, 0.0], [8.0, 8.0]]),
        np.array([-1.0, -np.inf, -np.inf, -1.0]),
        np.array([np.inf, np.inf, 3.0, 1.0]),
    )
    values = VALUES | {"eigenvalue_lower": 0.0, "tree_value": 0.0, "closed": False}
    pair = {"first": np.zeros(2), "second": np.zeros(2)}
    # left of 0 the third row alone would be clipped: -2 <x, e1> > 3; right of 0 it is not
    for witness, least in (([0.1, 0.0], 1.0), ([-0.1, 0.0], 0.0), ([0.0, 0.1], 1.0)):
        for upper in (least + 1e-9, least - 1e-9):
            arrays = pair | {"witness": witness}
            given = values | {"eigenvalue_upper": upper}
            cert = certificate(model, Scope("global"), (0.0, math.inf), given, arrays, OPEN)
            assert (reasons(cert, model) == ()) == (upper > least), (witness, upper)


def test_coefficients_that_rounding_cannot_tell_from_their_level_are_in_the_band():
    # four orthogonal rows, all needed; the first coefficient is 0.99, just below its level
    rows = 0.99 * np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])
    pair = {"first": np.zeros(4), "second": np.zeros(4), "witness": np.full(4, 0.25)}
    values = VALUES | {"eigenvalue_lower": 0.0, "tree_value": 0.0, "closed": False}
    values |= {"eigenvalue_upper": 1e-9}
    for beyond, accepted in ((6.0 * 2.0**-53, False), (1e-12, True)):
        low = np.array([0.99 + beyond, -np.inf, -np.inf, -np.inf])
        below, above = Saturation(Dense(rows), low, None), Saturation(Dense(-rows), None, -low)
        for model in (below, above):
            cert = certificate(model, ball(0.75), (0.0, math.inf), values, pair, OPEN)
            assert (reasons(cert, model) == ()) == accepted


@pytest.mark.parametrize("size", [2.0**-30, 1.0, 2.0**30])
def test_the_room_for_rounding_is_that_of_the_row_and_of_the_witness(size):
    # the short row's coefficient is a small part of its terms, and the long one makes no room
    short = 2.0**-20 * np.array([1.0, 1.0])
    model = Dense([short, [0.5, -0.5]])
    pair = {"first": np.zeros(2), "second": np.zeros(2)}
    pair |= {"witness": size * np.array([1.0 + 2.0**-20, -1.0])}
    values = VALUES | {"eigenvalue_lower": 0.0, "tree_value": 0.0, "closed": False}
    values |= {"eigenvalue_upper": 1e-20}
    unit = size * 2.0**-20 * 2.0**-53  # the terms are exact; others of their size are not
    for beyond, accepted in ((8.0 * unit, False), (1e3 * unit, True)):
        low = np.array([size * 2.0**-40 + beyond, -np.inf])
        clipped = Saturation(model, low, None)
        scope, ends = Scope("global"), (0.0, math.inf)
        cert = certificate(clipped, scope, ends, values, pair, OPEN)
        assert (reasons(cert, clipped) == ()) == accepted


def test_a_witness_on_a_wall_is_in_the_band():
    model = Saturation(Dense([[1.0], [1.0]]), -1.0, 0.0)
    values = VALUES | {"eigenvalue_lower": 0.0, "tree_value": 0.0, "closed": False}
    values |= {"eigenvalue_upper": 1e-9}
    pair = {"first": [0.0], "second": [0.0]}
    for witness, accepted in (([0.0], False), ([1e-3], True)):
        arrays = pair | {"witness": witness}
        cert = certificate(model, ball(1.0), (0.0, math.inf), values, arrays, OPEN)
        assert (reasons(cert, model) == ()) == accepted


def test_signals_that_are_proved_to_lie_in_the_ball_may_be_at_its_edge():
    x = [-1.9375]
    radius = norm_upper(x)
    assert radius > 1.9375
    for size, accepted in ((radius, True), (np.nextafter(radius, 0.0), False)):
        for change in (
            {"first": x, "witness": [-0.9]},
            {"first": [-1.9], "witness": [x[0] / 2.0]},  # in units of 2, as the radius is
        ):
            assert (reasons(line(scope=ball(size), **change)) == ()) == accepted, change


@pytest.mark.parametrize("size", [2.0**-20, 1.0, 2.0**20])
@pytest.mark.parametrize("count", [1, 10_000])
def test_ends_are_closed_relative_to_the_energy_of_the_rows(size, count):
    model = ReLU(Dense(np.tile([size, 0.0], (count, 1))), -4.0 * size)
    pair = {"first": np.zeros(2), "second": np.zeros(2)}
    energy = count * size**2
    for gap, accepted in ((1e-11, True), (1e-9, False)):
        values = VALUES | {"eigenvalue_lower": 0.0, "tree_value": 0.0}
        values |= {"eigenvalue_upper": gap * energy}
        cert = certificate(model, ball(1.0), (0.0, math.inf), values, pair, OPEN)
        found = reasons(cert, model)
        assert (found == ()) == accepted
        assert accepted or "is said to be closed" in found[0]


def test_rows_of_zeros_tell_nothing():
    # every end is 0, and equal to what is shown
    zeros = np.zeros((3, 2))
    models = ReLU(Dense(zeros), -1.0), Modulus(Dense(zeros)), Modulus(Dense(1j * zeros))
    for model in models:
        cert = certify_apriori(model, Everywhere(), budget=0.1)
        assert cert.kappa.upper < 1e-300
        assert reasons(cert, model) == ()


def test_the_bounds_without_a_search_prove_a_lower_end():
    cert = certify_apriori(LINE, Ball(2.0), budget=1.0)
    values = cert.evidence.values
    assert values["eigenvalue_lower"] > values["tree_value"]  # equal to the bound itself
    assert reasons(cert) == ()


def test_saturation_on_both_sides():
    # 1 is clipped beyond 1/2, 2 never: the smallest eigenvalue is 4
    model = Saturation(Dense([[1.0], [2.0]]), np.array([-0.5, -3.0]), np.array([0.5, 3.0]))
    values = VALUES | {f"eigenvalue_{e}": 4.0 * f for e, f in (("lower", DOWN), ("upper", UP))}
    values |= {"tree_value": 4.0 * DOWN}
    record = {"decisions": [-1], "children": [0], "tree_sizes": [1], "support_sizes": [0]}
    record |= {"supports": np.empty(0, dtype=int)}
    arrays = TREE | record | {"first": [0.99], "second": [0.75], "witness": [0.4]}

    def made(lower, upper=2.0, **change):
        return certificate(model, ball(1.0), (lower, upper), values, arrays | change, OPEN)

    lower = math.sqrt(1.5)  # A (u - u^2 / 2) with w = 1/2, as the row 1 has a band of 1
    assert reasons(made(lower * DOWN, 2.0 * UP), model) == ()
    assert TOO_HIGH in reasons(made(lower * UP, 2.0 * UP), model)[0]
    assert "pair of signals shows" in reasons(made(lower * DOWN, 2.0 * DOWN), model)[0]
    assert "witness shows" in reasons(made(lower * DOWN, 2.0 * UP, witness=[0.2]), model)[0]
    # beyond either level the row is out of its band
    assert reasons(made(lower * DOWN, 2.0 * UP, witness=[-0.4]), model) == ()


def test_segments():
    rows = np.random.default_rng(0).standard_normal((5, 2))
    level = np.array([0.01, 1.0, 1.0, 1.0, 1.0])
    model = Saturation(Dense(4.0 * rows), -4.0 * level, 4.0 * level)
    cert = certify_apriori(model, Ball(1.0), budget=5.0)
    values = cert.evidence.values
    assert values["pair_value"] > 1.01 * values["eigenvalue_lower"] / 2.0
    assert reasons(cert, model) == ()
    # the pairs alone prove the constant
    alone = Evidence("apriori", {**values, "eigenvalue_lower": 0.0}, cert.evidence.arrays)
    assert (
        "is said to be closed" in reasons(dataclasses.replace(cert, evidence=alone), model)[0]
    )
    raised = values["pair_value"] * 1.001
    forged = Evidence("apriori", {**values, "pair_value": raised}, cert.evidence.arrays)
    assert (
        "over segments is not proved"
        in reasons(dataclasses.replace(cert, evidence=forged), model)[0]
    )
    lowered = Evidence("apriori", {**values, "pair_value": 0.0}, cert.evidence.arrays)
    assert TOO_HIGH in reasons(dataclasses.replace(cert, evidence=lowered), model)[0]


def test_segments_everywhere_need_thresholds_of_zero():
    rows = np.vstack([np.eye(2), -np.eye(2)])
    for level in (0.0, -1.0, 0.5):
        cert, model = without_levels(
            rows, level, values={"pair_value": 1e-3, "eigenvalue_upper": 9.0}
        )
        found = " ".join(reasons(cert, model))
        assert ("only followed on a ball" in found) == (level != 0.0)
        assert found
    # thresholds of 0 on one side: everywhere is as good as a ball
    cert = certify_apriori(ReLU(Dense(rows[[0, 1, 2]]), 0.0), Everywhere(), budget=2.0)
    assert reasons(cert, ReLU(Dense(rows[[0, 1, 2]]), 0.0)) == ()
