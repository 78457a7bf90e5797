"""Domains: members, nearest points, bounds of coefficients, and what stands in a scope."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from recover.core.arrays import Array, digest
from recover.core.errors import ParameterError
from recover.models import Ball, Box, Domain, Everywhere, Support

INF = math.inf
MASK = np.array([True, False, True, True])
DOMAINS = [
    Everywhere(),
    Ball(1.5),
    Ball(1.5, nonnegative=True),
    Box(-0.5, 0.7),
    Box(np.array([-1.0, 0.0, -INF, 0.2]), np.array([1.0, 0.0, 0.3, INF])),
    Support(MASK),
    Support(MASK, nonnegative=True),
]


def points(count: int = 200, dtype: type = np.float64) -> list[Array]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((count, 4)) * rng.uniform(0.1, 3.0, (count, 1))
    if np.dtype(dtype).kind == "c":
        return list((x + 1j * rng.standard_normal(x.shape)).astype(dtype))
    return list(x.astype(dtype))


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_the_projection_is_the_nearest_member(domain: Domain, dtype: type) -> None:
    members = [domain.project(x) for x in points(dtype=dtype)]
    for x, p in zip(points(dtype=dtype), members, strict=True):
        assert domain.contains(p)
        assert p.dtype == x.dtype
        np.testing.assert_allclose(domain.project(p), p, rtol=1e-15)
        assert domain.contains(x) == (float(np.abs(p - x).max()) < 1e-12)
        # a convex set: the angle at the nearest point is not acute
        sides = np.array([np.vdot(x - p, m - p).real for m in members[:50]])
        assert sides.max() <= 1e-12


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_single_precision_stays_single(domain: Domain, dtype: type) -> None:
    x = points(1, dtype)[0]
    assert domain.project(x).dtype == dtype


@pytest.mark.parametrize("domain", DOMAINS)
def test_intervals_hold_for_members_and_are_reached(domain: Domain) -> None:
    low, high = domain.interval((4,))
    assert low.shape == high.shape == (4,)
    members = np.array([domain.project(1e3 * x) for x in points(2000)])
    assert (members >= low - 1e-12).all()
    assert (members <= high + 1e-12).all()
    reach = np.where(np.isfinite(high), high, 1e3)
    if not (isinstance(domain, Ball) and domain.nonnegative):
        assert (members.max(axis=0) >= 0.8 * reach).all()
    depth = np.where(np.isfinite(low), low, -1e3)
    assert (members.min(axis=0) <= depth + 0.2 * np.abs(depth)).all()


def test_intervals() -> None:
    for domain, low, high in [
        (Everywhere(), -INF, INF),
        (Ball(2.0), -2.0, 2.0),
        (Ball(2.0, nonnegative=True), 0.0, 2.0),
        (Box(-1.0, INF), -1.0, INF),
        (Support(MASK), np.where(MASK, -INF, 0.0), np.where(MASK, INF, 0.0)),
        (Support(MASK, nonnegative=True), np.zeros(4), np.where(MASK, INF, 0.0)),
    ]:
        least, most = domain.interval((4,))
        np.testing.assert_array_equal(least, np.broadcast_to(low, 4))
        np.testing.assert_array_equal(most, np.broadcast_to(high, 4))


def test_the_rim_belongs_to_the_domain() -> None:
    assert Ball(5.0).contains(np.array([3.0, 4.0]))
    assert Ball(5.0).contains(np.array([3.0, 4.0]) * (1.0 + 1e-13))
    assert not Ball(5.0).contains(np.array([3.0, 4.0]) * (1.0 + 1e-11))
    assert Ball(5.0, nonnegative=True).contains(np.array([0.0, 5.0]))
    assert not Ball(5.0, nonnegative=True).contains(np.array([1e-9, -1e-9]))
    box = Box(np.array([0.0, -1.0]), np.array([1.0, -1.0]))
    assert box.contains(np.array([0.0, -1.0]))
    assert box.contains(np.array([1.0, -1.0]))
    assert not box.contains(np.array([1.0 + 1e-9, -1.0]))
    assert not box.contains(np.array([-1e-9, -1.0]))
    support = Support([True, False], nonnegative=True)
    assert support.contains(np.array([0.0, 0.0]))
    assert not support.contains(np.array([1.0, 1e-300]))
    assert not support.contains(np.array([-1e-300, 0.0]))


def test_only_real_signals_have_an_order() -> None:
    ball, box = Ball(5.0, nonnegative=True), Box(-1.0, 1.0)
    support = Support([True, True], nonnegative=True)
    x = np.array([0.5 + 1e-3j, -0.5 + 2.0j])
    for domain, nearest in ((ball, [0.5, 0.0]), (box, [0.5, -0.5]), (support, [0.5, 0.0])):
        assert not domain.contains(np.array([0.5 + 1e-9j, 0.5]))
        np.testing.assert_array_equal(domain.project(x), nearest)


@pytest.mark.parametrize("radius", [0.0, -1.0, INF, math.nan])
def test_radii_that_are_refused(radius: float) -> None:
    with pytest.raises(
        ParameterError, match=f"radius must be positive and finite, got {radius}"
    ):
        Ball(radius)


def test_boxes_and_supports_that_are_refused() -> None:
    for low, high in [(1.0, 0.0), (math.nan, 1.0), (0.0, math.nan), ([0.0, 2.0], [1.0, 1.0])]:
        with pytest.raises(ParameterError, match="low must be at most high everywhere, got"):
            Box(low, high)
    assert Box(1, 1).low == 1.0
    for mask in ([0, 1], [False, False], [0.5]):
        with pytest.raises(ParameterError, match="mask must be boolean with at least one True"):
            Support(mask)
    for name, domain in [
        ("low", Box(np.zeros(3), 1.0)),
        ("high", Box(0.0, np.ones(3))),
        ("mask", Support([True, False, True])),
    ]:
        with pytest.raises(ParameterError, match=f"^{name} must be a scalar or have shape"):
            domain.interval((4,))


def test_a_domain_keeps_its_own_arrays() -> None:
    low, mask = np.array([0, 1]), MASK.copy()
    box, support = Box(low, [2, 3]), Support(mask)
    low[0], mask[0] = 2, False
    np.testing.assert_array_equal(box.low, [0.0, 1.0])
    np.testing.assert_array_equal(box.high, [2.0, 3.0])
    assert box.low.dtype == box.high.dtype == np.float64
    np.testing.assert_array_equal(support.mask, MASK)
    assert support.nonnegative is False
    for array in (box.low, box.high, support.mask):
        assert not array.flags.writeable
    x = np.array([-1.0, 2.0, 3.0, -4.0])
    for domain in DOMAINS:
        domain.project(x)
    np.testing.assert_array_equal(x, [-1.0, 2.0, 3.0, -4.0])


def test_scopes() -> None:
    ends = np.array([0.5, INF])
    for domain, data in [
        (Everywhere(), {"kind": "global"}),
        (Ball(2.0), {"kind": "ball", "radius": 2.0, "nonnegative": False}),
        (Ball(1.0, True), {"kind": "ball", "radius": 1.0, "nonnegative": True}),
        (Box(0, 1), {"kind": "conditional", "on": "box", "low": 0.0, "high": 1.0}),
        (Box(-INF, INF), {"kind": "conditional", "on": "box", "low": "-inf", "high": "inf"}),
        (
            Box(0, ends),
            {"kind": "conditional", "on": "box", "low": 0.0, "high": digest([ends])},
        ),
        (
            Support(MASK, True),
            {
                "kind": "conditional",
                "on": "support",
                "size": 3,
                "mask": digest([MASK]),
                "nonnegative": True,
            },
        ),
    ]:
        assert domain.to_json() == data
        assert domain.kind == data["kind"]
        assert json.loads(json.dumps(domain.to_json(), allow_nan=False)) == data


def test_two_supports_of_one_size_are_two_scopes() -> None:
    first, second = Support([True, True, False]), Support([False, True, True])
    assert first.to_json() != second.to_json()
