"""The check of linear programs against weak duality in rational numbers."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from recover.certificates.certificate import Certificate
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.sampling import coefficient_intervals
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.frames.dense import Dense
from recover.models.domains import Box, Domain
from recover.models.modulus import Modulus
from recover.models.noise import Noise
from recover.models.problem import Problem
from recover.models.relu import ReLU
from recover.models.saturation import Saturation

PROVED = re.compile(r"error bound .* is claimed, but only (\S+) is proved")
TRIANGLE = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])


def with_multipliers(c: Certificate, u: Array) -> Certificate:
    return replace(
        c, evidence=replace(c.evidence, arrays={**c.evidence.arrays, "multipliers": u})
    )


def proved(problem: Problem, certificate: Certificate) -> float:
    """Return the bound that the verifier proves, as it says itself."""
    bare = replace(certificate, error_bound=0.0, pointwise=None)
    for reason in verify(bare, problem).reasons:
        found = PROVED.match(reason)
        if found:
            return float(found[1])
    return 0.0


Rational = Fraction | None  # None is infinity


def dual_value(problem: Problem, k: int, u: Array, x: Array) -> tuple[Rational, Fraction]:
    """Return p and w with ``<c_k, x> <= p + w M``, M bounding the entries without ends."""
    rows = problem.model.frame.matrix()
    lower, upper = (side.reshape(-1) for side in coefficient_intervals(problem))
    below, over = problem.domain.interval(x.shape)
    used = [(a, high if a > 0 else low) for a, low, high in zip(u, lower, upper, strict=True)]
    used = [(a, side) for a, side in used if a != 0.0]
    if not all(math.isfinite(side) for _, side in used):
        return None, Fraction(0)
    total = sum((Fraction(a) * Fraction(side) for a, side in used), Fraction(0))
    weight = Fraction(0)
    for j in range(x.size):
        q = Fraction((-1) ** k if j == k // 2 else 0)
        q -= sum(Fraction(a) * Fraction(r) for a, r in zip(u, rows[:, j], strict=True))
        end = over[j] if q > 0 else below[j]
        if math.isfinite(end):
            total += q * Fraction(end)
        else:
            weight += abs(q)
    return total, weight


def dual_bound(problem: Problem, x: Array, multipliers: Array) -> float | Fraction:
    """Return the square of the bound by weak duality, in rational numbers."""
    values = [dual_value(problem, k, u, x) for k, u in enumerate(multipliers)]
    below, over = problem.domain.interval(x.shape)
    known = [total for total, _ in values if total is not None]
    worst, reach = max(weight for _, weight in values), None
    if worst < 1 and len(known) == len(values):
        reach = max(*known, Fraction(0)) / (1 - worst)
    square = Fraction(0)
    for j in range(x.size):
        ends = []
        for k, side in ((2 * j, over[j]), (2 * j + 1, -below[j])):
            top, weight = values[k]
            if top is not None and weight > 0:
                top = None if reach is None else top + weight * reach
            sides = [Fraction(side)] if math.isfinite(side) else []
            sides += [] if top is None else [top]
            if not sides:
                return math.inf
            ends.append(min(sides))
        away = max(ends[0] - Fraction(x[j]), Fraction(x[j]) + ends[1], Fraction(0))
        square += away * away
    return square


def assert_dual(problem: Problem, certificate: Certificate, multipliers: Array) -> None:
    """Check that the proved bound is the dual one, rounded up and by very little."""
    x = certificate.evidence.arrays["signal"]
    found = proved(problem, with_multipliers(certificate, multipliers))
    square = dual_bound(problem, x, multipliers)
    if square == math.inf:
        assert found == math.inf
        return
    assert Fraction(found) ** 2 >= square
    assert found <= math.sqrt(square) * (1.0 + 1e-12) + 1e-300


def clipped(
    rng: np.random.Generator, domain: Domain | None, scale: float = 1.0
) -> tuple[Problem, Certificate]:
    """Return a problem of few fixed rows with its certificate; data are small integers."""
    rows = rng.integers(-3, 4, (5, 2)) * scale
    rows[:2] = np.eye(2) * scale
    model = ReLU(Dense(rows), np.array([2.0, 3.0, 4.0, 4.0, 4.0]) * scale)
    problem = Problem(model, np.zeros(5), noise=Noise(each=0.25 * scale), domain=domain)
    return problem, certify_posteriori(problem, rng.integers(-1, 2, 2).astype(float))


@pytest.mark.parametrize("seed", range(8))
def test_any_multipliers_prove_their_dual_value(seed: int) -> None:
    """Good ones and bad ones, of either sign, alone and together; also of inexact numbers."""
    rng = np.random.default_rng(seed)
    problem, certificate = clipped(rng, Box(-4.0, np.array([4.0, 7.0])), 1.0 + seed / 7.0)
    good = certificate.evidence.arrays["multipliers"]
    assert certificate.finite
    assert_dual(problem, certificate, good)
    assert_dual(problem, certificate, np.zeros_like(good))
    assert_dual(problem, certificate, np.abs(rng.standard_normal(good.shape)))
    assert_dual(problem, certificate, good + 0.1 * np.abs(rng.standard_normal(good.shape)))
    # towards a side that has no end: nothing of this direction, the domain of it
    assert_dual(problem, certificate, rng.standard_normal(good.shape))
    assert_dual(problem, certificate, good - 1e-300)
    assert_dual(problem, certificate, 1e6 * good)


@pytest.mark.parametrize("seed", range(8))
def test_two_sided_rows_take_the_end_of_the_sign(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((3, 4))
    x = rng.standard_normal(4)
    model = Saturation(Dense(rows), -0.5, 0.5)
    problem = Problem(model, model(x), noise=Noise(each=1e-2), domain=Box(-3.0, 3.5))
    certificate = certify_posteriori(problem, x)
    good = certificate.evidence.arrays["multipliers"]
    fixed = problem.knowledge.fixed
    noise = rng.standard_normal(good.shape) * fixed
    for u in (good, noise, good + noise, good - noise, 0.5 * good, rng.random(good.shape)):
        assert_dual(problem, certificate, u)


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ((-math.inf, -math.inf), (math.inf, math.inf)),
        ((-math.inf, -2.0), (math.inf, math.inf)),
        ((-9.0, -math.inf), (9.0, 4.0)),
        ((-9.0, -8.0), (math.inf, math.inf)),
    ],
)
def test_open_ends_are_bounded_by_all_directions_together(
    low: tuple[float, float], high: tuple[float, float]
) -> None:
    rng = np.random.default_rng(5)
    domain = Box(np.array(low), np.array(high))
    for factor in (1.0, 1.0 / 3.0, 1.1):
        rows = TRIANGLE * factor
        problem = Problem(ReLU(Dense(rows), [1.0, 1.0, -1.0]), np.zeros(3), domain=domain)
        certificate = certify_posteriori(problem, np.array([0.25, 0.5]))
        good = certificate.evidence.arrays["multipliers"]
        assert certificate.finite
        assert_dual(problem, certificate, good)
        for size in (1e-9, 0.05, 0.3, 3.0):
            assert_dual(problem, certificate, good + size * rng.random(good.shape))
            assert_dual(problem, certificate, good * (1.0 - min(size, 1.0)))
        # one direction that is open at both ends is enough to bound nothing
        assert_dual(problem, certificate, np.zeros_like(good))
        alone = good.copy()
        alone[0] = 0.0
        assert_dual(problem, certificate, alone)


def test_remainders_of_rounding_count_as_far_as_the_domain_goes() -> None:
    for factor in (0.1, 1.0 / 3.0, 0.7, 1.1, 1.9):
        rows = TRIANGLE * factor
        domain = Box(-1e9, 1e9)
        problem = Problem(ReLU(Dense(rows), [1.0, 1.0, -1.0]), np.zeros(3), domain=domain)
        certificate = certify_posteriori(problem, np.array([0.25, 0.5]))
        good = certificate.evidence.arrays["multipliers"]
        for u in (good, good * (1.0 - 2.0**-53), good * (1.0 + 2.0**-52)):
            found = proved(problem, with_multipliers(certificate, u))
            assert Fraction(found) ** 2 >= dual_bound(problem, np.array([0.25, 0.5]), u)


def test_the_set_is_bounded_only_if_less_than_all_is_left() -> None:
    """Where a direction keeps weight 1 a ray may fit: M <= p + M says nothing."""
    rows = np.array([[1.0], [-1.0]])
    problem = Problem(ReLU(Dense(rows), 1.0), np.zeros(2))
    certificate = certify_posteriori(problem, np.zeros(1))
    assert certificate.error_bound == pytest.approx(1.0, rel=1e-9)
    for left in (0.5, 0.25, 2.0**-30):
        u = (1.0 - left) * np.eye(2)
        # x <= (1 - left) + left M and M <= (1 - left) / (1 - left)
        found = proved(problem, with_multipliers(certificate, u))
        assert 1.0 <= found <= 1.0 + 1e-13
        assert_dual(problem, certificate, u)
    for left in (1.0, 1.5):
        assert proved(problem, with_multipliers(certificate, (1.0 - left) * np.eye(2))) == (
            math.inf
        )


def test_an_empty_direction_does_not_make_others_smaller() -> None:
    """A negative value of one direction is no negative bound of the entries' size."""
    rows = np.array([[1.0], [-1.0]])
    # x <= -1 and x >= -3
    problem = Problem(ReLU(Dense(rows), [-1.0, 3.0]), np.zeros(2))
    certificate = certify_posteriori(problem, np.array([-2.0]))
    u = np.array([[0.5, 0.0], [0.0, 1.0]])
    assert_dual(problem, certificate, u)
    assert_dual(problem, certificate, np.eye(2))


@pytest.mark.parametrize(
    ("sharp", "limit", "reach"),
    [
        # x_0 + 0.7 m 2^-1076 x_1 <= 0 with x_1 >= -2^1000
        (0.7, 0.0, 0.7 * 2.0**12 * 2.0**-76),
        # x_0 <= 0.3 m 2^-1076
        (0.0, 0.3, 0.3 * 2.0**-1064),
    ],
)
def test_products_that_underflow_are_allowed_for(
    sharp: float, limit: float, reach: float
) -> None:
    """Multipliers whose products with rows, or ends, vanish although their sum does not."""
    tiny, many = 2.0**-538, 4096
    rows = np.tile([1.0 / (tiny * many), sharp * tiny], (many, 1))
    large = 2.0**1000 if sharp else 1.0
    domain = Box(np.array([0.0, -large]), np.array([4.0 * reach, 0.0]))
    problem = Problem(ReLU(Dense(rows), limit * tiny), np.zeros(many), domain=domain)
    u = np.zeros((4, many))
    u[0] = tiny
    certificate = certify_posteriori(problem, np.zeros(2))
    arrays = {"signal": np.zeros(2), "multipliers": u}
    evidence = replace(certificate.evidence, kind="polytope", arrays=arrays)
    forged = replace(
        certificate, evidence=evidence, pointwise=np.array([0.1 * reach, math.inf])
    )
    # a consistent signal has the entry 0.9 reach
    truth = np.array([0.9 * reach, -large if sharp else 0.0])
    assert all(
        Fraction(a) * Fraction(truth[0]) + Fraction(b) * Fraction(truth[1])
        <= Fraction(limit * tiny)
        for a, b in rows[:1]
    )
    assert any("1 bound(s) of single" in reason for reason in verify(forged, problem).reasons)


def test_what_underflows_counts_besides_what_does_not() -> None:
    """One product that is a number among many that vanish: all are what is left of x_1."""
    tiny, many, large = 2.0**-538, 4096, 2.0**1000
    rows = np.tile([1.0 / (tiny * many), 0.7 * tiny], (many + 1, 1))
    rows[many] = [0.0, 4.4e-154]
    domain = Box(np.array([0.0, -large]), np.array([1.0, 0.0]))
    problem = Problem(ReLU(Dense(rows)), np.zeros(many + 1), domain=domain)
    u = np.zeros((4, many + 1))
    u[0] = tiny
    u[0, many] = 1e-154
    certificate = certify_posteriori(problem, np.zeros(2))
    arrays = {"signal": np.zeros(2), "multipliers": u}
    evidence = replace(certificate.evidence, kind="polytope", arrays=arrays)
    seen = Fraction(0.7 * tiny) * Fraction(tiny) * many + Fraction(4.4e-154) * Fraction(1e-154)
    claimed = np.array([float(seen * 2**1000) * (1.0 - 1e-14), math.inf])
    forged = replace(certificate, evidence=evidence, pointwise=claimed)
    assert any("1 bound(s) of single" in reason for reason in verify(forged, problem).reasons)


def test_fixed_rows_bound_what_the_programs_do_not() -> None:
    """With as many fixed rows as unknowns their bound holds, whatever the multipliers."""
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]])
    model = Saturation(Dense(rows), -9.0, [9.0, 9.0, 4.75])
    problem = Problem(model, np.array([1.0, 1.0, 4.75]), noise=Noise(each=0.25))
    certificate = certify_posteriori(problem, np.array([1.25, 1.25]), budget=60.0)
    assert certificate.evidence.kind == "polytope"
    assert certificate.kappa.lower == pytest.approx(1.0, rel=1e-9)
    # the square [3/4, 5/4]^2 and, but for the noise, x + y >= 19/8
    assert certificate.error_bound == pytest.approx(math.sqrt(2.0) / 4.0, rel=1e-9)
    u = np.zeros_like(certificate.evidence.arrays["multipliers"])
    whole = proved(problem, with_multipliers(certificate, u))
    assert whole == pytest.approx(math.sqrt(0.5), rel=1e-9)
    bare = {k: v for k, v in certificate.evidence.values.items() if k != "eigenvalue"}
    dropped = with_multipliers(certificate, u)
    forged = replace(dropped, evidence=replace(dropped.evidence, values=bare))
    assert proved(problem, forged) == math.inf


@pytest.mark.parametrize("change", ["shape", "rows", "float32", "nan", "inf", "missing"])
def test_damaged_multipliers_are_refused(change: str) -> None:
    problem, certificate = clipped(np.random.default_rng(0), Box(-4.0, 4.0))
    u = certificate.evidence.arrays["multipliers"]
    other = {
        "shape": u[:, :-1],
        "rows": u[:-1],
        "float32": u.astype(np.float32),
        "nan": np.full_like(u, math.nan),
        "inf": np.full_like(u, math.inf),
    }
    forged = with_multipliers(certificate, other.get(change, u))
    if change == "missing":
        arrays = {k: v for k, v in certificate.evidence.arrays.items() if k != "multipliers"}
        forged = replace(certificate, evidence=replace(certificate.evidence, arrays=arrays))
    verdict = verify(forged, problem)
    assert not verdict.accepted
    assert "multipliers" in verdict.reasons[0]


def test_single_entries_and_the_centre_are_held_to_the_box() -> None:
    rows = TRIANGLE
    problem = Problem(ReLU(Dense(rows), [1.0, 1.0, -1.0]), np.zeros(3))
    certificate = certify_posteriori(problem, np.array([0.75, 0.25]))
    # the box [0, 1]^2 from (3/4, 1/4)
    for claimed, accepted in (
        ([0.75, 0.75], True),
        ([0.75, 2.0], True),
        ([0.7499999, 0.75], False),
        ([0.75, 0.7499999], False),
        ([math.nan, 0.75], False),
    ):
        pointwise = np.array(claimed) * (1.0 + 1e-12)
        forged = replace(certificate, pointwise=pointwise)
        assert verify(forged, problem).accepted == accepted, claimed
    for centre, radius, accepted in (
        ([0.5, 0.5], math.sqrt(0.5), True),
        ([0.5, 0.5], math.sqrt(0.5) * (1 - 1e-9), False),
        ([0.0, 0.5], math.sqrt(1.25), True),
        ([0.0, 1.0], math.sqrt(2.0), True),
        ([0.0, 1.0], math.sqrt(2.0) * (1 - 1e-9), False),
    ):
        values = {**certificate.evidence.values, "centre_bound": radius * (1.0 + 1e-12)}
        forged = replace(
            certificate,
            centre=np.array(centre),
            evidence=replace(certificate.evidence, values=values),
        )
        assert verify(forged, problem).accepted == accepted, centre


def test_a_certificate_is_of_one_sided_data() -> None:
    problem, certificate = clipped(np.random.default_rng(0), Box(-4.0, 4.0))
    modulus = Problem(Modulus(problem.model.frame), np.ones(5), noise=1.0)
    for other in (modulus, problem.model):
        (reason,) = verify(certificate, other).reasons
        assert reason.startswith("the certificate is of a clipped or rectified recovery")
