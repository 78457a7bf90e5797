"""What the frames share about fast Fourier transforms: precision, rounding, one-sided weights.

Rounding. A mixed-radix transform of length n in floating point satisfies
``|computed - exact|_2 <= k |exact|_2`` with ``k ~ (1 + 4 sqrt 2) U log2 n`` for radix 2 when
the roots of unity are correctly rounded (Higham, Theorem 24.2 and equation 24.5). `fft_error`
takes ``8 U log2 n`` for lengths whose prime factors have a butterfly of their own, and three
such transforms of length 4 n for the others, which are computed by convolution (Bluestein).
That the FFT library stays below these figures is an assumption: it holds for the algorithm, was
checked against exact transforms (tests/unit/frames/test_fft.py), and is made here and nowhere
else.

References
----------
.. [1] N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., SIAM (2002),
   chapter 24.
"""

from __future__ import annotations

import math

import numpy as np

from recover.core.arrays import Array
from recover.core.rounding import U, up

__all__ = ["fft_error", "is_single", "one_sided_size", "one_sided_weights"]

ERROR_PER_BIT = 8.0  # in units of U, per doubling of the length
BUTTERFLIES = (2, 3, 5, 7, 11)
SINGLE = (np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.complex64))


def fft_error(n: int) -> float:
    """Return k with ``|computed - exact|_2 <= k |exact|_2`` for a float64 FFT of length `n`."""
    rest = n
    for p in BUTTERFLIES:
        while rest % p == 0:
            rest //= p
    bits = math.log2(n) if rest == 1 else 3.0 * math.log2(4 * n)
    return up(ERROR_PER_BIT * U * bits, 2)


def is_single(x: Array) -> bool:
    """Return whether arithmetic on `x` is to stay in single precision."""
    return x.dtype in SINGLE


def one_sided_size(n: int) -> int:
    """Return the number of bins of a one-sided transform of length `n`."""
    return n // 2 + 1


def one_sided_weights(n: int) -> Array:
    """Return the weights that give a one-sided transform the norm of the two-sided one.

    sqrt(2) for every bin that stands for itself and its conjugate, 1 for the others.
    """
    weights = np.full(one_sided_size(n), math.sqrt(2.0))
    weights[0] = 1.0
    if n % 2 == 0:
        weights[-1] = 1.0
    return weights
