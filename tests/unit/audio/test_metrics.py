import math

import numpy as np
import pytest

from recover.core.errors import ParameterError
from recover.metrics import psnr, relative_error, sdr, sdr_gain, spectral_convergence

X = np.array([3.0, 4.0])


def test_closed_forms():
    assert sdr(X, [3.0, 3.5]) == pytest.approx(20.0)
    assert relative_error(X, [3.0, 3.5]) == 0.1
    assert sdr_gain(X, [3.0, 3.0], [3.0, 3.9]) == pytest.approx(20.0)
    assert spectral_convergence(X, [3.0, 3.5]) == 0.1
    assert psnr([0.0, 0.0], [0.1, -0.1], peak=1.0) == pytest.approx(20.0)
    assert sdr(1j * X, 1j * X) == math.inf


def test_exact_estimates():
    assert sdr(X, X) == math.inf
    assert sdr_gain(X, X, X) == 0.0
    assert sdr_gain(X, [3.0, 3.0], X) == math.inf
    assert sdr_gain(X, X, [3.0, 3.0]) == -math.inf


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sdr(X, [1.0]), "one non-empty shape"),
        (lambda: sdr([], []), "one non-empty shape"),
        (lambda: sdr([0.0], [1.0]), "must not be zero"),
        (lambda: sdr([np.nan], [1.0]), "must be finite"),
        (lambda: psnr(X, X, peak=0.0), "peak must be positive"),
        (lambda: spectral_convergence(X, [-1.0, 2.0]), "magnitudes >= 0"),
        (lambda: spectral_convergence(1j * X, X), "magnitudes >= 0"),
    ],
    ids=["shapes", "empty", "zero", "nan", "peak", "negative", "complex"],
)
def test_refusals(call, message):
    with pytest.raises(ParameterError, match=message):
        call()
