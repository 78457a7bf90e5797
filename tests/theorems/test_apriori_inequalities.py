"""The inequalities of Freeman and Haider, and those they sharpen, on random frames."""

import math

import numpy as np
import pytest

from recover.certificates.apriori import certify_apriori
from recover.certificates.lipschitz import published_lower, relu_lower, saturation_lower
from recover.frames.dense import Dense
from recover.models.domains import Ball, Everywhere
from recover.models.modulus import Modulus
from recover.models.relu import ReLU
from recover.models.saturation import Saturation

FEW, MANY = 24, 500


def random_rows(rng):
    n = int(rng.integers(1, 4))
    return rng.standard_normal((int(rng.integers(2 * n, 9)), n))


def proved_and_shown(cert, name: str) -> tuple[float, float]:
    values = cert.evidence.values
    return float(values[f"{name}_lower"]), float(values[f"{name}_upper"])


def check(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = random_rows(rng)
    if kind == "relu":
        model, scope = ReLU(Dense(rows), -0.5 * rng.random(len(rows))), Ball(1.0)
    elif kind == "saturation":
        model, scope = Saturation(Dense(rows), -0.7, 0.7), Ball(1.0)
    else:
        model, scope = Modulus(Dense(rows)), Everywhere()
    cert = certify_apriori(model, scope, budget=300.0)  # closed in seconds when idle
    low = float(cert.evidence.values["eigenvalue_lower"])
    high = float(cert.evidence.values["eigenvalue_upper"])
    assert cert.evidence.values["closed"]
    assert cert.kappa.lower <= cert.kappa.upper
    # kappa <= sqrt(A): the pair that was found shows no less than the theorem says
    assert cert.kappa.upper <= math.sqrt(high) * (1.0 + 1e-5) + 1e-7
    if kind == "relu":
        assert cert.kappa.lower >= relu_lower(low)
        assert cert.kappa.lower >= published_lower(low)
        assert cert.kappa.upper >= relu_lower(low)
    elif kind == "saturation":
        published = min(published_lower(low), 0.7)
        assert cert.kappa.upper >= published * (1.0 - 1e-12)
        unit = saturation_lower(
            low, rows, np.full(len(rows), -0.7), np.full(len(rows), 0.7), 1.0
        )
        assert cert.kappa.lower >= min(unit, cert.kappa.upper)
    else:
        sigma, shown = proved_and_shown(cert, "sigma")
        assert 0.0 <= sigma <= shown
        assert shown == pytest.approx(sigma, abs=1e-6)
        # sqrt(A) <= kappa <= sqrt(2) sigma and sigma^2 <= A <= 2 sigma^2
        assert cert.kappa.upper <= math.sqrt(2.0) * shown * (1.0 + 1e-6) + 1e-6
        assert sigma**2 <= high * (1.0 + 1e-12)
        assert low <= 2.0 * shown**2 * (1.0 + 1e-9) + 1e-12
        published = proved_and_shown(cert, "published_kappa")
        assert published == (
            pytest.approx(math.sqrt(low)),
            pytest.approx(math.sqrt(2.0) * shown),
        )
        assert cert.kappa.lower == pytest.approx(cert.kappa.upper, abs=1e-6)


@pytest.mark.parametrize(
    "kind", ["relu", pytest.param("saturation", marks=pytest.mark.slow), "modulus"]
)
def test_inequalities(kind):
    for seed in range(FEW):
        check(kind, seed)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["relu", "saturation", "modulus"])
def test_inequalities_on_many_frames(kind):
    for seed in range(FEW, FEW + MANY):
        check(kind, seed)


@pytest.mark.parametrize("seed", range(5))
def test_doubled_frames_attain_the_sharp_factor(seed):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((5, 3))
    cert = certify_apriori(ReLU(Dense(np.vstack([rows, -rows])), 0.0), Ball(2.0), budget=30.0)
    lowest = np.linalg.eigvalsh(rows.T @ rows)[0]
    assert cert.kappa.upper / math.sqrt(lowest) == pytest.approx(math.sqrt(0.5), abs=1e-6)
