"""The verifier's bounds in a box and in a ball, at what they are in exact arithmetic."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from recover.certificates.certificate import Certificate
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.statements import assumptions_of, scope_of
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.frames import Dense, Identity, Masked
from recover.models import Ball, Box, Noise, Problem, Saturation


def issued(problem: Problem, x: Array) -> Certificate:
    certificate = certify_posteriori(problem, x)
    assert certificate.evidence.kind == "intervals", certificate.reason
    assert verify(certificate, problem).reasons == ()
    return certificate


def proved(problem: Problem, certificate: Certificate) -> Fraction:
    """Return the least error bound that the verifier accepts."""
    reason = verify(replace(certificate, error_bound=0.0), problem).reasons[-1]
    found = re.search("but only (.*) is proved", reason)
    assert found, reason
    bound = float(found[1])
    assert verify(replace(certificate, error_bound=bound), problem).accepted
    less = replace(certificate, error_bound=math.nextafter(bound, 0.0))
    assert not verify(less, problem).accepted
    return Fraction(bound)


def samples(
    y: list[float], radius: float, noise: float = 0.0, *, nonnegative: bool = False
) -> Problem:
    """Samples that are clipped at 1 and -1."""
    model = Saturation(Identity(len(y)), -1.0, 1.0)
    return Problem(
        model, np.array(y), noise=Noise(each=noise), domain=Ball(radius, nonnegative)
    )


def at(square: float) -> Fraction:
    return Fraction(square)


@pytest.mark.parametrize(
    ("y", "radius", "noise", "x", "square"),
    [
        # u >= 1 in each of 16: |u - v|^2 <= R^2 + |v|^2 - 2 <1, v>
        ([1.0] * 16, 6.5, 0.0, [1.0] * 16, 42.25 - 16.0),
        ([-1.0] * 16, 6.5, 0.0, [-1.0] * 16, 42.25 - 16.0),
        ([1.0] * 16, 6.5, 0.0, [1.25] * 16, 42.25 + 25.0 - 40.0),
        ([1.0] * 16, 4.0625, 0.0, [1.0] * 16, 16.50390625 - 16.0),
        ([1.0, -1.0] * 8, 6.5, 0.0, [1.0, -1.25] * 8, 42.25 + 20.5 - 36.0),
        # recovered beyond the level, on the wrong side: up to R on that side
        ([1.0] * 4, 3.0, 0.0, [0.0] * 4, 9.0),
        # a known sample leaves less of the ball, and its own noise
        ([0.5] + [1.0] * 16, 6.5, 0.0, [0.5] + [1.0] * 16, 42.0 - 16.0),
        ([-0.5] + [1.0] * 16, 6.5, 0.0, [-0.5] + [1.0] * 16, 42.0 - 16.0),
        ([0.5] + [1.0] * 16, 6.5, 0.0, [1.0] + [1.0] * 16, 42.0 - 16.0 + 0.25),
        ([0.5] + [1.0] * 16, 6.5, 0.0, [0.25] + [1.0] * 16, 42.0 - 16.0 + 0.0625),
        # with noise the levels move too: u >= 3/4, and the known sample is at least 1/4
        ([0.5] + [1.0] * 9, 5.0, 0.25, [0.5] + [1.0] * 9, 24.9375 + 9 - 13.5 + 0.0625),
        ([0.125] + [1.0] * 9, 5.0, 0.25, [0.0] + [1.0] * 9, 25.0 + 9 - 13.5 + 0.140625),
    ],
)
def test_what_the_known_samples_leave_of_a_ball(
    y: list[float], radius: float, noise: float, x: list[float], square: float
) -> None:
    problem = samples(y, radius, noise)
    bound = proved(problem, issued(problem, np.array(x)))
    assert bound**2 >= at(square)
    assert bound**2 <= at(square) * (1 + Fraction(1, 10**12))


def test_a_small_rest_of_a_ball() -> None:
    """What is left may be less than 1, and less than what the recovered signal is away."""
    y = [0.75, 0.0, 0.0]
    frame = Masked(Identity(3), np.array([True, False, False]))
    model = Saturation(frame, -1.0, 1.0)
    problem = Problem(model, np.array(y[:1]), domain=Ball(0.8125))
    rest = Fraction(0.8125) ** 2 - Fraction(0.75) ** 2
    for x, square in (([0.75, 0.0, 0.0], rest), ([0.75, 0.0, 0.25], None)):
        bound = proved(problem, issued(problem, np.array(x)))
        due = (
            rest
            if square is not None
            else (Fraction(math.sqrt(float(rest))) + Fraction(0.25)) ** 2
        )
        assert due * (1 - Fraction(1, 10**13)) <= bound**2 <= due * (1 + Fraction(1, 10**13))


def test_a_ball_without_negative_entries() -> None:
    model = Saturation(Masked(Identity(3), np.array([True, False, False])), -1.0, 1.0)
    problem = Problem(model, np.array([0.5]), domain=Ball(1.3, nonnegative=True))
    bound = proved(problem, issued(problem, np.array([0.5, 0.75, 0.5])))
    # 1.3^2 - 0.5^2 = 1.2^2: the entries lie in [0, 1.2]
    assert float(bound) == pytest.approx(math.hypot(0.75, 0.7), rel=1e-13)


def test_in_a_box_each_difference_is_rounded_upwards() -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        x = rng.uniform(-1.0, 1.0, 1)
        low, high = x - rng.uniform(0.0, 0.3, 1), x + rng.uniform(0.0, 0.3, 1)
        rows = Saturation(Dense(np.zeros((1, 1))), -1.0, 1.0)
        problem = Problem(rows, np.zeros(1), domain=Box(low, high))
        certificate = issued(problem, x)
        exact = max(Fraction(high[0]) - Fraction(x[0]), Fraction(x[0]) - Fraction(low[0]))
        bound = proved(problem, certificate)
        assert exact <= bound <= exact * (1 + Fraction(1, 10**14))
        # the same of the centre
        assert certificate.centre is not None
        middle = Fraction(certificate.centre[0])
        half = max(Fraction(high[0]) - middle, middle - Fraction(low[0]))
        values = {**certificate.evidence.values, "centre_bound": 0.0}
        forged = replace(certificate, evidence=replace(certificate.evidence, values=values))
        found = re.search("but only (.*) is proved", verify(forged, problem).reasons[-1])
        assert found
        assert half <= Fraction(float(found[1])) <= half * (1 + Fraction(1, 10**14))


def test_outside_the_box_only_one_side_counts() -> None:
    rows = Saturation(Dense(np.zeros((1, 2))), -1.0, 1.0)
    problem = Problem(
        rows, np.zeros(1), domain=Box(np.array([0.0, -1.0]), np.array([1.0, 0.0]))
    )
    bound = proved(problem, issued(problem, np.array([0.25, -0.25])))
    assert float(bound) == pytest.approx(0.75 * math.sqrt(2.0), rel=1e-14)


def test_nothing_is_promised_where_no_signal_fits() -> None:
    problem = samples([0.5, 0.75, 1.0], 2.0)
    certificate = issued(problem, np.array([0.5, 0.75, 1.0]))
    narrow = samples([0.5, 0.75, 1.0], 0.875)
    forged = replace(
        certificate,
        scope=scope_of(narrow, domain=True),
        assumptions=assumptions_of(narrow, domain=True),
    )
    verdict = verify(forged, narrow)
    assert not verdict.accepted
    assert "must be >= 0 for a square root" in verdict.reasons[0]
