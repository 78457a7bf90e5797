"""Prover and verifier take different inverses: they agree on nearly dependent rows too."""

from __future__ import annotations

import numpy as np
import pytest

from recover.certificates.posteriori import certify_posteriori
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.frames import Dense
from recover.models import BEFORE, Noise, Problem, ReLU, Saturation


def case(seed: int) -> tuple[Problem, Array]:
    """Return data of small integer rows, two columns of which are nearly dependent."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 6))
    m = int(rng.integers(n, 3 * n + 2))
    rows = rng.integers(-3, 4, (m, n)).astype(float)
    if rng.random() < 0.6:
        rows[:, 0] = rows[:, 1] * rng.integers(1, 4)
        k = int(rng.integers(m))
        rows[k, 0] += 2.0 ** -int(rng.integers(1, 24))
    rows *= 10.0 ** rng.integers(-3, 4, (m, 1)) if rng.random() < 0.4 else 1.0
    x = rng.integers(-4, 5, n).astype(float)
    model: ReLU | Saturation
    if rng.random() < 0.5:
        model = ReLU(Dense(rows), rng.integers(-3, 2, m).astype(float))
    else:
        model = Saturation(Dense(rows), -float(rng.integers(1, 12)), float(rng.integers(1, 12)))
    each = rng.choice([0.0, 0.0, 1e-3, 0.5, 1e-8], m)
    noise = (
        Noise(each=each),
        Noise(l2=0.0),
        Noise(each=each, where=BEFORE),
        Noise(l2=float(rng.choice([0, 1e-6, 0.1])), each=each),
    )[rng.integers(4)]
    signal = x + rng.choice([0.0, 1e-9, 0.01, 1.0]) * rng.standard_normal(n)
    return Problem(model, model(x), noise=noise), signal


# some that a verifier refused while the prover did not allow for the other's inverse
@pytest.mark.parametrize("seed", [*range(40), 47, 94, 394, 436, 478, 541, 616])
def test_certificates_of_nearly_dependent_rows_verify(seed: int) -> None:
    problem, signal = case(seed)
    certificate = certify_posteriori(problem, signal)
    assert verify(certificate, problem).accepted
