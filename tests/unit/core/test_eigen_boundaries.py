"""Bounds at their edges: equality, entries that scaling rounds, integers, empty slack."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import sparse

from recover.core.eigen import (
    eigmax_upper,
    eigmin_lower,
    eigmin_lower_banded,
    eigmin_lower_sparse,
    eigmin_lower_symmetric,
    gram_of,
    sigma_min_lower,
)
from recover.core.errors import ParameterError

# 2**1000 scales this to 1.6 times the smallest float64, which rounds to twice that number
LOST = 1.6 * 2.0**-73


@pytest.mark.parametrize("factor", [1.0, 0.9, 0.7, 0.3])
def test_entries_that_scaling_rounds_prove_nothing_false(factor: float) -> None:
    x = factor * LOST
    for matrix in (np.diag([2.0**1000, x]), np.diag([2.0**1000, x]).astype(complex)):
        for at in (math.nextafter(x, 1.0), 2.0**-74, 2.0**-73, 2.0**-72):
            if at > x:
                assert eigmin_lower(matrix, at=at).value == 0.0
                assert eigmin_lower_symmetric(matrix, at=at).value == -math.inf
                bands = np.diagonal(matrix)[None, :]
                assert eigmin_lower_banded(bands, at=at).value == 0.0
        assert eigmin_lower_symmetric(matrix).value <= x
        assert eigmax_upper(-matrix).value >= -x
        # entries that fit are still proved exactly
        exact = np.diag([2.0**1000, 2.0**-73])
        assert eigmin_lower(exact, at=2.0**-73).value == 2.0**-73


def test_integers_that_float64_may_round_are_refused() -> None:
    large = np.array([[2**53 + 3]])
    for call in (
        lambda: eigmin_lower(large),
        lambda: eigmax_upper(-large),
        lambda: eigmin_lower_banded(large),
        lambda: eigmin_lower_sparse(sparse.csr_array(large)),
        lambda: sigma_min_lower(large),
        lambda: gram_of(large),
    ):
        with pytest.raises(ParameterError, match=r"integers below 2\*\*53 in size, got one of"):
            call()
    assert eigmin_lower(np.array([[2**53 - 1]]), at=2.0**53 - 1.0).value == 2.0**53 - 1.0
    assert eigmin_lower(np.array([[2.0**60]]), at=2.0**60).value == 2.0**60
    assert eigmin_lower(np.array([[True]]), at=1.0).value == 1.0
