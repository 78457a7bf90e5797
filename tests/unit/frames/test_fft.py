"""The stated bound of the transforms' rounding error, against exact and extended arithmetic."""

import math
from functools import lru_cache

import mpmath
import numpy as np
import pytest
from scipy.fft import fft, irfft, rfft

from recover.frames.fft import fft_error, one_sided_weights

# powers of two, products of butterflies, primes, primes done by convolution
LENGTHS = [
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    11,
    13,
    16,
    24,
    31,
    60,
    64,
    97,
    105,
    127,
    128,
    251,
    343,
    509,
    512,
]


@lru_cache(maxsize=1)
def roots(n):
    """Return the matrix of the transform in extended precision, the angles reduced exactly."""
    pi = 4 * np.arctan(np.longdouble(1))
    turns = np.outer(np.arange(n), np.arange(n)) % n
    theta = 2 * pi * turns.astype(np.longdouble) / np.longdouble(n)
    return np.cos(theta) - 1j * np.sin(theta)


def exact_transform(x):
    return roots(x.size) @ x.astype(np.clongdouble)


def vectors(n, rng):
    signs = rng.choice([-1.0, 1.0], size=n)
    slope = np.exp(-np.linspace(0, 20, n))
    return [
        rng.standard_normal(n),
        np.ones(n),
        signs,
        slope,
        np.eye(n)[n // 2],
        np.arange(n) + 1e8,
    ]


@pytest.mark.parametrize("n", LENGTHS)
def test_the_error_stays_below_the_stated_bound(n):
    rng = np.random.default_rng(n)
    for x in vectors(n, rng):
        exact = exact_transform(x)
        size = np.linalg.norm(exact.astype(complex))
        gap = np.linalg.norm((fft(x.astype(complex)) - exact).astype(complex))
        assert gap <= fft_error(n) * size
        half = exact[: n // 2 + 1]
        weights = one_sided_weights(n)
        gap = np.linalg.norm(((rfft(x) - half) * weights).astype(complex))
        assert gap <= fft_error(n) * size
        # the way back, whose input is exact by definition
        y = rfft(x)
        full = np.concatenate([y, y[1 : (n + 1) // 2][::-1].conj()])
        exact = exact_transform(full.conj()).conj().real / n
        gap = np.linalg.norm((irfft(y, n=n) - exact).astype(float))
        norm = np.linalg.norm(exact.astype(float))
        imaginary = abs(y[0].imag) + (abs(y[-1].imag) if n % 2 == 0 else 0.0)
        assert imaginary == 0.0
        assert gap <= fft_error(n) * norm


@pytest.mark.slow
@pytest.mark.parametrize("n", [1009, 1024, 2187])
def test_the_error_stays_below_the_stated_bound_for_long_transforms(n):
    test_the_error_stays_below_the_stated_bound(n)


@pytest.mark.parametrize("n", [6, 13, 32])
def test_the_extended_reference_agrees_with_fifty_digits(n):
    x = np.random.default_rng(n).standard_normal(n)
    with mpmath.workdps(50):
        for k in range(n):
            exact = mpmath.fsum(
                mpmath.mpf(float(x[t])) * mpmath.expjpi(mpmath.mpf(-2 * k * t) / n)
                for t in range(n)
            )
            found = exact_transform(x)[k]
            assert abs(complex(exact) - complex(found)) < 1e-15
            assert abs(complex(fft(x)[k]) - complex(exact)) <= fft_error(n) * math.sqrt(
                n
            ) * np.linalg.norm(x)


def test_the_bound_is_that_of_higham_for_powers_of_two():
    assert fft_error(1) < 1e-300
    assert fft_error(1024) == pytest.approx(80 * 2.0**-53)
    assert fft_error(1009) > fft_error(1024)
