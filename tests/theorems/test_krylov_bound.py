"""The probabilistic bound that adapts to its start: chances, rounding, exhausted spaces."""

from __future__ import annotations

import math

import numpy as np
import pytest

from recover.certificates.phase.filter import Operator
from recover.certificates.phase.krylov import krylov_upper
from recover.core.arrays import Array


def diagonal(values: Array, *, error: float = 1e-15, planar: bool = False) -> Operator:
    """Return the operator with these eigenvalues."""
    return Operator(
        lambda v: values * v, values.shape, planar, error, float(values.max()), planar, False
    )


def test_the_bound_errs_as_seldom_as_it_says() -> None:
    operator = diagonal(np.concatenate([np.linspace(0.0, 0.9, 59), [1.0]]))
    rng = np.random.default_rng(6)
    bounds = [
        krylov_upper(operator, 0.3, rng, steps=12, top=2.0, loss=0.0)[0].value
        for _ in range(600)
    ]
    assert np.count_nonzero(np.array(bounds) < 1.0) <= 0.3 * 600  # in fact far fewer
    assert max(bounds) < 1.6


@pytest.mark.parametrize("planar", [False, True])
def test_sure_bounds_are_close(planar: bool) -> None:
    rng = np.random.default_rng(7)
    for seed in range(40):
        values = np.sort(np.random.default_rng(seed).random(300)) ** 0.5
        operator = diagonal(values, planar=planar)
        bound, near = krylov_upper(operator, 1e-9, rng, steps=300, top=2.0, loss=0.02)
        assert near <= values[-1] * (1.0 + 1e-12)
        assert values[-1] <= bound.value <= near + 0.02 * (2.0 - near)
        # a single value is proved, and one below the eigenvalue never is
        again, _ = krylov_upper(
            operator, 1e-9, rng, steps=300, top=2.0, loss=0.0, enough=bound.value * 1.001
        )
        assert again.value == bound.value * 1.001
        false, _ = krylov_upper(
            operator, 1e-9, rng, steps=299, top=2.0, loss=0.0, enough=values[-1] * (1 - 1e-6)
        )
        assert false.value == math.inf


def test_a_start_blind_to_the_top_is_paid_for() -> None:
    """A start that all but lacks the top direction fools no one."""
    values = np.concatenate([np.linspace(0.0, 0.5, 99), [1.0]])

    class Blind(np.random.Generator):
        def standard_normal(self, *args: object) -> Array:  # type: ignore[override]
            v = super().standard_normal(*args)  # type: ignore[arg-type]
            v[-1] = 1e-4  # an overlap of 1e-5, and 4e-6 is asked for
            return v

    rng = Blind(np.random.PCG64(0))
    bound, _ = krylov_upper(diagonal(values), 1e-9, rng, steps=80, top=3.0, loss=0.0)
    assert bound.value >= 1.0


def test_rounding_is_accounted_for() -> None:
    """With an error as large as the overlap nothing is promised."""
    rng = np.random.default_rng(0)
    operator = diagonal(np.linspace(0.0, 1.0, 50), error=1e-3)
    assert krylov_upper(operator, 1e-9, rng, steps=50, top=2.0, loss=0.0)[0].value == math.inf


def test_an_exhausted_space_proves_the_bound() -> None:
    rng = np.random.default_rng(1)
    operator = diagonal(np.array([0.1, 0.1, 0.4, 0.4, 1.0]))
    bound, _ = krylov_upper(operator, 1e-9, rng, steps=50, top=2.0, loss=0.01)
    assert 1.0 <= bound.value <= 1.02
