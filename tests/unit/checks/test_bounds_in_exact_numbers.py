"""Where digits cancel: no bound that a check proves is below the formula in exact numbers."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

from recover.certificates.certificate import Certificate
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.frames import Convolution, Dense, Frame, Identity, Masked
from recover.models import Noise, Problem, ReLU, Saturation, Support
from recover.models.domains import Domain
from recover.priors import Quadratic, Subspace
from recover.priors.base import Prior

ERROR = re.compile(r"error bound .* is claimed, but only (\S+) is proved")
UPPER = re.compile(r"kappa's upper end .* is claimed, but only (\S+) is proved")


def proved(problem: Problem, c: Certificate, pattern: re.Pattern[str] = ERROR) -> float:
    """Return the number that the verifier proves, as it says itself; 0 if nothing."""
    bare = replace(c, error_bound=0.0, kappa=Enclosure(0.0, 0.0), pointwise=None)
    for reason in verify(bare, problem).reasons:
        found = pattern.match(reason)
        if found:
            return float(found[1])
    return 0.0


def stating(
    problem: Problem, kind: str, x: Array, values: dict[str, float | str], **arrays: Array
) -> Certificate:
    """Return a certificate with this evidence; what else it says is not looked at here."""
    base = certify_posteriori(problem, x)
    named = {k: v for k, v in base.evidence.values.items() if k == "signal_digest"}
    evidence = replace(
        base.evidence, kind=kind, values={**named, **values}, arrays={"signal": x, **arrays}
    )
    return replace(base, evidence=evidence, reason=None, centre=None, pointwise=None)


def exact(x: Array) -> mpmath.matrix:
    return mpmath.matrix([[mpf(float(v)) for v in row] for row in np.atleast_2d(x)])


def norm(x: mpmath.matrix) -> mpf:
    return mpmath.norm(x, 2)


@pytest.fixture(autouse=True)
def _digits() -> object:
    with mp.workdps(60):
        yield


def cancelling(rng: np.random.Generator, m: int, x: Array, left: float) -> Array:
    """Return rows whose products with x nearly cancel; `left` is what stays."""
    rows = rng.standard_normal((m, x.size))
    rows -= np.outer(rows @ x, x) / (x @ x)
    return rows + left * np.outer(rng.standard_normal(m), x) / (x @ x)


def reach(s: mpf, size: mpf, slope: mpf, eps: mpf) -> mpf:
    """Return the bound of ``|Phi d|`` from the residual and the gradient."""
    h = slope / s
    ways = [eps + size, eps + h]
    if h * h + eps * eps - size * size >= 0:
        ways.append(h + mpmath.sqrt(h * h + eps * eps - size * size))
    return min(ways)


@pytest.mark.parametrize("left", [0.0, 1e-9, 1.0])
@pytest.mark.parametrize("rested", [True, False])
def test_samples_with_a_quadratic_prior(left: float, rested: bool) -> None:
    rng = np.random.default_rng(1)
    unknown = np.array([True, True, False, False])
    for trial in range(9):
        x = rng.choice([-1.0, 1.0], 4) * rng.uniform(1.0, 2.0, 4) * 1e6
        t = cancelling(rng, 5, x, left)
        levels = np.where(unknown, np.abs(x), 1e9)
        model = Saturation(Identity(4), -levels, levels)
        image = exact(t) * exact(x).T
        energy = float(norm(image))
        budget = energy * (1.0 + (1e-12, 1e-9, 1.0)[trial % 3]) + (trial % 2) * 1e-10
        prior = Quadratic(Dense(t), budget)
        problem = Problem(model, x, prior=prior)
        # at the levels, or a little beyond, where the gradient counts in both directions
        z = x if rested else np.where(unknown, x * (1.0 + 1e-9), x)
        s = 0.99 * float(np.linalg.svd(t[:, unknown], compute_uv=False)[-1])
        found = proved(
            problem, stating(problem, "quadratic samples", z, {"sigma": s, "route": "cholesky"})
        )
        image = exact(t) * exact(z).T
        gradient = (exact(t).T * image)[:2]
        if rested:  # outwards of the level it cannot be followed
            gradient = [
                min(g, 0) if v > 0 else max(g, 0) for g, v in zip(gradient, x[:2], strict=True)
            ]
        h = norm(mpmath.matrix(gradient)) / mpf(s)
        under = h * h + mpf(budget) ** 2 - norm(image) ** 2
        if under < 0:
            assert found == 0.0
            continue
        p = min(mpf(budget) + norm(image), h + mpmath.sqrt(under))
        assert mpf(found) >= p / mpf(s)


def test_single_samples_of_nearly_dependent_columns() -> None:
    """The inverse is off by far more than a rounding: what it is off by counts too."""
    rng = np.random.default_rng(4)
    for trial in range(12):
        t = rng.standard_normal((4, 3))
        t[:, 1] = t[:, 0] * (1.0 + 1e-9) + 1e-9 * rng.standard_normal(4)
        model = Saturation(Identity(3), [-1.0, -1.0, -9.0], [1.0, 1.0, 9.0])
        # far from a level, so that rounding is all that the slope has to say
        x, budget = np.array([1.0, 1.0, 0.0]), 10.0 ** (trial - 3)
        problem = Problem(model, x, prior=Quadratic(Dense(t), budget))
        s = 0.9 * float(np.linalg.svd(t[:, :2], compute_uv=False)[-1])
        values: dict[str, float | str] = {"sigma": s, "route": "qr"}
        certificate = stating(problem, "quadratic samples", x, values)
        image = exact(t) * exact(x).T
        gradient = exact(t).T * image
        h = norm(mpmath.matrix([min(gradient[k], 0) for k in range(2)])) / mpf(s)
        under = h * h + mpf(budget) ** 2 - norm(image) ** 2
        if under < 0:
            continue
        p = min(mpf(budget) + norm(image), h + mpmath.sqrt(under))
        gram = (exact(t[:, :2]).T * exact(t[:, :2])) ** -1
        for k in range(2):
            wanted = min(mpmath.sqrt(gram[k, k]) * p, p / mpf(s))
            entries = np.full(3, math.inf)
            entries[k] = float(wanted) * (1.0 - 1e-15)
            reasons = verify(replace(certificate, pointwise=entries), problem).reasons
            assert any(reason.startswith("1 bound(s) of single") for reason in reasons)


@pytest.mark.parametrize("noise", [0.0, 2.0**-53])
def test_known_samples_are_sums_that_were_rounded(noise: float) -> None:
    """The data of a rectifier and its bias: the sum is off although the data are exact."""
    operator = Masked(Identity(2), np.array([False, True]))
    rng = np.random.default_rng(2)
    for _ in range(10):
        bias, y = float(rng.uniform(1e3, 2e3)), float(rng.uniform(1e3, 2e3))
        model, eps = ReLU(Identity(2), np.array([bias, 0.0])), noise * (y + bias)
        prior = Quadratic(operator, 0.0)
        problem = Problem(model, np.array([y, 0.0]), noise=eps, prior=prior)
        x = np.array([y + bias, 0.0])
        values: dict[str, float | str] = {"sigma": 1.0 - 1e-9, "route": "cholesky"}
        certificate = stating(problem, "quadratic samples", x, values)
        off = abs(Fraction(y) + Fraction(bias) - Fraction(y + bias)) + Fraction(eps)
        assert off <= Fraction(proved(problem, certificate)) <= Fraction(1, 10**11)
        entry = replace(certificate, pointwise=np.array([float(off) * 0.999, 1.0]))
        if off > 0:
            reasons = verify(entry, problem).reasons
            assert any(reason.startswith("1 bound(s) of single") for reason in reasons)


@pytest.mark.parametrize("operator", [Identity(2), Dense(np.eye(2)), Dense(np.ones((1, 2)))])
def test_nothing_left_is_no_contradiction(operator: Identity | Dense) -> None:
    """A budget of zero that the centre meets: the bound is zero, and the signal is known."""
    levels = [0.0, 0.0] if operator.coef_size == 2 else [0.0, 9.0]
    model = Saturation(Identity(2), -9.0, levels)
    problem = Problem(model, np.zeros(2), prior=Quadratic(operator, 0.0))
    certificate = certify_posteriori(problem, np.zeros(2))
    assert certificate.error_bound <= (0.0 if operator.roundoff() == 0.0 else 1e-150)
    assert verify(certificate, problem).accepted


@pytest.mark.parametrize("left", [1.0, 1e3, 1e6])
@pytest.mark.parametrize("noise", [0.0, 1e-10])
@pytest.mark.parametrize("kind", ["subspace", "stacked prior"])
def test_residuals_that_cancel(left: float, noise: float, kind: str) -> None:
    """Rows and a prior that hardly see the signal: what is computed of it is rounding."""
    rng = np.random.default_rng(3)
    for trial in range(4):
        x = rng.uniform(1.0, 2.0, 3) * 1e6
        rows, t = cancelling(rng, 5, x, left), cancelling(rng, 4, x, 1e-9)
        data = rows @ x + (trial % 2) * 1e-10 * rng.standard_normal(5)
        prior: Prior | None = Quadratic(Dense(t), 1e-10)
        domain: Domain | None = None
        if kind == "subspace":
            prior, domain = None, Support(np.ones(3, dtype=bool))
        problem = Problem(
            Saturation(Dense(rows), -1e9, 1e9), data, noise=noise, prior=prior, domain=domain
        )
        r = exact(data).T - exact(rows) * exact(x).T
        eps = mpf(noise)
        if kind == "subspace":
            s = 0.99 * float(np.linalg.svd(rows, compute_uv=False)[-1])
            values: dict[str, float | str] = {"sigma": s, "route": "qr"}
            certificate = stating(problem, kind, x, values, coefficients=x, witness=x)
            wanted = reach(mpf(s), norm(r), norm(exact(rows).T * r), eps) / mpf(s)
            ratio = norm(exact(rows) * exact(x).T) / norm(exact(x))
        else:
            whole = np.vstack([rows, t])
            square = 0.9 * float(np.linalg.svd(whole, compute_uv=False)[-1]) ** 2
            values = {"eigenvalue": square, "weight": 1.0, "route": "qr"}
            certificate = stating(problem, kind, x, values, witness=x)
            image = norm(exact(t) * exact(x).T)
            wanted = mpmath.sqrt((norm(r) + eps) ** 2 + (mpf(1e-10) + image) ** 2)
            wanted = wanted / mpmath.sqrt(mpf(square))
            ratio = norm(exact(whole) * exact(x).T) / norm(exact(x))
        assert mpf(proved(problem, certificate)) >= wanted
        assert mpf(proved(problem, certificate, UPPER)) >= ratio


@pytest.mark.parametrize("convolved", [False, True])
def test_gradients_that_cancel(convolved: bool) -> None:
    """A large residual at right angles to all that is seen: the gradient is rounding."""
    rng = np.random.default_rng(6)
    for _ in range(6):
        if convolved:
            frame: Frame = Convolution(rng.integers(-4, 5, (3, 2)).astype(float), 3)
            rows = np.rint(frame.matrix())
        else:
            rows = rng.standard_normal((6, 3)) * np.array([1.0, 1.0, 1e-4])
            frame = Dense(rows)
        x = rng.standard_normal(3)
        q = np.linalg.qr(rows, mode="complete")[0][:, -1]
        data = rows @ x + 1e6 * q
        problem = Problem(
            Saturation(frame, -1e9, 1e9),
            data.reshape(frame.coef_shape),
            noise=2e6,
            domain=Support(np.ones(3, dtype=bool)),
        )
        s = 0.99 * float(np.linalg.svd(rows, compute_uv=False)[-1])
        if s < 1e-6:
            continue
        values: dict[str, float | str] = {"sigma": s, "route": "qr"}
        certificate = stating(problem, "subspace", x, values, coefficients=x)
        r = exact(data).T - exact(rows) * exact(x).T
        slope = norm(exact(rows).T * r)
        wanted = reach(mpf(s), norm(r), slope, mpf(2e6)) / mpf(s)
        assert mpf(proved(problem, certificate)) >= wanted


def test_gradients_that_underflow() -> None:
    """Products of rows and residual that vanish one by one, and not together."""
    tiny, many = 2.0**-538, 4096
    rows, r = np.full((many, 1), tiny), np.full(many, 0.7 * tiny)
    size = 64.0 * 0.7 * tiny
    problem = Problem(
        Saturation(Dense(rows), -1.0, 1.0),
        r,
        noise=2.0 * size,
        domain=Support(np.ones(1, dtype=bool)),
    )
    s = 0.99 * 64.0 * tiny
    values: dict[str, float | str] = {"sigma": s, "route": "qr"}
    certificate = stating(problem, "subspace", np.zeros(1), values, coefficients=np.zeros(1))
    slope = many * mpf(tiny) * mpf(0.7 * tiny)
    wanted = reach(mpf(s), mpf(size), slope, mpf(2.0 * size)) / mpf(s)
    assert mpf(proved(problem, certificate)) >= wanted


@pytest.mark.parametrize("frame", [Dense(np.eye(1)), Identity(1)])
def test_a_radius_below_the_spacing_of_numbers(frame: Frame) -> None:
    """Fixed rows that leave less open than the distance of two numbers at the signal."""
    for place in (1e6, 3e7, 1e10):
        eps = 0.3 * (math.nextafter(place, math.inf) - place)
        model = Saturation(frame, -1e12, 1e12)
        problem = Problem(model, np.array([place]), noise=Noise(l2=eps))
        x = np.array([place])
        values: dict[str, float | str] = {"eigenvalue": 1.0 - 1e-9, "route": "cholesky"}
        multipliers = np.zeros((2, 1))
        certificate = stating(problem, "polytope", x, values, multipliers=multipliers)
        assert proved(problem, certificate) >= eps


def test_single_entries_are_open_as_far_as_the_radius() -> None:
    """Around zero, where an end is the radius itself."""
    rng = np.random.default_rng(5)
    for eps in rng.uniform(0.1, 1.0, 16):
        model = Saturation(Dense(np.eye(1)), -9.0, 9.0)
        problem = Problem(model, np.zeros(1), noise=Noise(l2=float(eps)))
        values: dict[str, float | str] = {"eigenvalue": 1.0 - 1e-9, "route": "cholesky"}
        x, multipliers = np.zeros(1), np.zeros((2, 1))
        certificate = stating(problem, "polytope", x, values, multipliers=multipliers)
        radius = proved(problem, certificate)
        less = np.array([math.nextafter(radius, 0.0)])
        reasons = verify(replace(certificate, pointwise=less), problem).reasons
        assert any(reason.startswith("1 bound(s) of single") for reason in reasons)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_side_that_is_just_met_is_no_contradiction(sign: float) -> None:
    """What a clipped coefficient misses is allowed as far as the fixed ones leave it open."""
    v = np.array([[3.0, 4.0]]) / 5.0
    for eps, size in ((0.0, 1.0), (0.0, 0.7), (0.0, 1e5), (0.01, 1.0), (1e-6, 3.0)):
        # the best fit of the first entry; the second may be 4/3 eps beyond, and its own eps
        a = sign * size
        level = 0.8 * size + (4.0 / 3.0 + 1.0) * eps * (1.0 - 1e-8)
        model = Saturation(Identity(2), [-9e9, -level], [9e9, level])
        data = np.array([0.6 * a, sign * level])
        problem = Problem(model, data, noise=Noise(each=eps), prior=Subspace(Dense(v)))
        certificate = certify_posteriori(problem, a * v[0])
        assert certificate.evidence.kind == "subspace"
        assert verify(certificate, problem).accepted
