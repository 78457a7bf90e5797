"""Closed forms of the lower Lipschitz constant: every engine must hit them."""

import math

import numpy as np
import pytest

from recover.certificates.apriori import certify_apriori
from recover.certificates.certificate import Certificate
from recover.frames.dense import Dense
from recover.models.domains import Ball, Everywhere
from recover.models.modulus import Modulus
from recover.models.relu import ReLU
from recover.models.saturation import Saturation

UNIT = Ball(1.0)


def eigenvalue(certificate: Certificate) -> tuple[float, float]:
    values = certificate.evidence.values
    return float(values["eigenvalue_lower"]), float(values["eigenvalue_upper"])


def assert_eigenvalue(certificate: Certificate, truth: float, tol: float = 1e-9) -> None:
    lower, upper = eigenvalue(certificate)
    assert lower <= truth * (1.0 + 1e-14) + 1e-14
    assert upper >= truth * (1.0 - 1e-14) - 1e-14
    assert lower == pytest.approx(truth, abs=tol)
    assert upper == pytest.approx(truth, abs=tol)


def relu(rows, bias, scope=UNIT, budget=20.0):
    return certify_apriori(ReLU(Dense(rows), bias), scope, budget=budget)


def saturation(rows, level, scope=UNIT, budget=20.0):
    return certify_apriori(Saturation(Dense(rows), -level, level), scope, budget=budget)


def modulus(rows, budget=20.0):
    return certify_apriori(Modulus(Dense(rows)), Everywhere(), budget=budget)


def directions(count: int) -> np.ndarray:
    """Unit vectors at equal angles; antipodal ones are exact negatives."""
    angles = 2.0 * np.pi * np.arange(count) / count
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return rows if count % 2 else np.vstack([rows[: count // 2], -rows[: count // 2]])


def simplex(n: int) -> np.ndarray:
    centred = np.eye(n + 1) - 1.0 / (n + 1)
    basis = np.linalg.svd(centred)[0][:, :n]
    rows = centred @ basis
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_basis_and_its_negative(n):
    cert = relu(np.vstack([np.eye(n), -np.eye(n)]), 0.0)
    assert_eigenvalue(cert, 1.0)
    assert cert.kappa.lower == pytest.approx(math.sqrt(0.5), abs=1e-9)
    assert cert.kappa.upper == pytest.approx(math.sqrt(0.5), abs=1e-9)


@pytest.mark.parametrize("scope", [UNIT, Ball(0.3), Everywhere()])
def test_doubling_attains_the_factor_one_half(scope):
    rows = np.random.default_rng(2).standard_normal((5, 3))
    truth = np.linalg.eigvalsh(rows.T @ rows)[0]
    cert = relu(np.vstack([rows, -rows]), 0.0, scope)
    assert_eigenvalue(cert, truth)
    assert cert.kappa.upper == pytest.approx(math.sqrt(truth / 2.0), rel=1e-6)
    assert cert.kappa.lower == pytest.approx(math.sqrt(truth / 2.0), rel=1e-9)


@pytest.mark.parametrize("a", [0.0, 0.3, 0.7, 1.0, 1.5])
def test_line_with_two_rows(a):
    cert = relu(np.array([[1.0], [-1.0]]), -a)
    kappa = math.sqrt(2.0) if a >= 1.0 else min(1.0, (1.0 + a) / math.sqrt(2.0))
    if a != 1.0:  # at the critical bias rounding may leave the boundary open
        assert_eigenvalue(cert, 2.0 if a > 1.0 else 1.0)
        assert cert.kappa.upper == pytest.approx(kappa, abs=1e-6)
    assert cert.kappa.lower <= kappa <= cert.kappa.upper + 1e-12


@pytest.mark.parametrize("count", [4, 6, 8, 12])
def test_even_roots_of_unity(count):
    cert = relu(directions(count), 0.0)
    assert_eigenvalue(cert, count / 4.0)
    assert cert.kappa.upper == pytest.approx(math.sqrt(count / 8.0), abs=1e-6)


@pytest.mark.parametrize("count", [3, 5, 7, 9])
def test_odd_roots_of_unity(count):
    hidden = (count + 1) // 2
    angle = 2.0 * np.pi / count
    truth = count / 2 - hidden / 2 - abs(math.sin(hidden * angle)) / (2 * math.sin(angle))
    assert_eigenvalue(relu(directions(count), 0.0), max(truth, 0.0))


@pytest.mark.parametrize(("count", "bias", "hidden"), [(5, -0.6, 2), (7, -0.3, 3)])
def test_odd_roots_of_unity_with_bias(count, bias, hidden):
    angle = 2.0 * np.pi / count
    truth = count / 2 - hidden / 2 - abs(math.sin(hidden * angle)) / (2 * math.sin(angle))
    assert_eigenvalue(relu(directions(count), bias), truth)


@pytest.mark.parametrize(
    ("bias", "truth"), [(-0.4999, 0.0), (-0.5001, 0.5), (-0.9999, 0.5), (-1.0001, 1.5)]
)
def test_mercedes_benz(bias, truth):
    cert = relu(directions(3), bias)
    assert_eigenvalue(cert, truth)
    if bias == -0.5001:  # the square-root law just below the critical bias
        assert cert.kappa.lower <= math.sqrt(3 / 8) + 0.71 * math.sqrt(1e-4) + 1e-4


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_simplex_relu(n):
    critical = -math.sqrt((n - 1) / (2 * n))
    assert_eigenvalue(relu(simplex(n), critical - 1e-6), 1.0 / n)
    assert_eigenvalue(relu(simplex(n), critical + 1e-6), 0.0)


@pytest.mark.parametrize("n", [2, 3, pytest.param(4, marks=pytest.mark.slow)])
def test_simplex_saturation(n):
    critical = math.sqrt((n + 1) / (2 * n))
    assert_eigenvalue(saturation(simplex(n), critical + 1e-6), 1.0 / n)
    assert_eigenvalue(saturation(simplex(n), critical - 1e-6), 0.0)
    assert_eigenvalue(saturation(simplex(n), 1.0 + 1e-6), (n + 1) / n)
    cert = saturation(simplex(n), 0.95)
    assert cert.kappa.upper == pytest.approx(1.0 / math.sqrt(n), rel=1e-3)


@pytest.mark.parametrize("count", range(3, 13))
def test_harmonic_frames_modulus(count):
    angles = np.pi * np.arange(count) / count
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    half = math.pi / (2 * count)
    truth = count / 2 - (1 / (2 * math.sin(half)) if count % 2 else 1 / math.sin(2 * half))
    cert = modulus(rows)
    assert_eigenvalue(cert, truth)
    assert cert.kappa.upper == pytest.approx(math.sqrt(max(truth, 0.0)), abs=1e-7)


def icosahedron() -> np.ndarray:
    golden = (1 + math.sqrt(5)) / 2
    pairs = [(0, 1, golden), (1, golden, 0), (golden, 0, 1)]
    rows = np.array([v for a, b, c in pairs for v in ((a, b, c), _flip(a, b, c))], dtype=float)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _flip(a, b, c):
    return tuple(-v if v == 1 else v for v in (a, b, c))


def test_icosahedral_lines_modulus():
    cert = modulus(icosahedron())
    assert_eigenvalue(cert, 1.0 - 1.0 / math.sqrt(5.0))


@pytest.mark.parametrize("rows", [np.eye(3), simplex(3), simplex(4)])
def test_too_few_rows_for_modulus(rows):
    cert = modulus(rows)
    assert cert.kappa.lower == 0.0
    assert cert.kappa.upper <= 1e-7
    assert cert.reason


@pytest.mark.parametrize("c", [0.2, 0.5])
def test_line_saturation(c):
    cert = saturation(np.array([[1.0], [c]]), 0.6)
    assert_eigenvalue(cert, c * c)
    assert cert.kappa.upper == pytest.approx(c, rel=1e-6)
    alone = saturation(np.array([[1.0]]), 0.6)
    assert (alone.kappa.lower, alone.kappa.upper) == (0.0, pytest.approx(0.0, abs=1e-9))


@pytest.mark.parametrize("a", [0.5, 0.2])
def test_near_tight_saturation(a):
    rows = np.array([[a, 1.0], [-a, 1.0]] + [[0.0, 0.999]] * 50)
    truth = np.linalg.eigvalsh(np.array([[a * a, a], [a, 1 + 50 * 0.998001]]))[0]
    cert = saturation(rows, 1.0)
    assert_eigenvalue(cert, truth, 1e-8)
    assert cert.kappa.upper / math.sqrt(truth) <= 0.7143
    assert cert.kappa.lower / math.sqrt(truth) == pytest.approx(math.sqrt(0.5), rel=1e-6)


def test_no_modulus_result_beats_the_universal_ceiling():
    ceiling = math.sqrt(math.pi / (math.pi - 2.0))
    rng = np.random.default_rng(5)
    for n in (2, 3, 4):
        for _ in range(4):
            rows = rng.standard_normal((4 * n, n))
            upper = np.linalg.eigvalsh(rows.T @ rows)[-1]
            assert math.sqrt(upper) / modulus(rows).kappa.upper >= ceiling
    for count in (5, 9, 15):
        angles = np.pi * np.arange(count) / count
        rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        assert math.sqrt(count / 2) / modulus(rows).kappa.upper >= ceiling


def test_cube_with_basis():
    cube = np.array([[a, b, c] for a in (1.0, -1.0) for b in (1.0, -1.0) for c in (1.0, -1.0)])
    # antipodal pairs: one of each is active, so A = lambda_min of half of the cube
    assert_eigenvalue(relu(cube, 0.0), 4.0)
    assert_eigenvalue(relu(np.vstack([cube, np.eye(3), -np.eye(3)]), 0.0), 5.0)
