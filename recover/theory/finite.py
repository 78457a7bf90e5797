"""Proved bounds for random networks of given size: exact counting, rounded upward."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Literal

from scipy.special import bdtrc

from recover.core.arrays import as_count
from recover.core.errors import ParameterError
from recover.core.rounding import round_up
from recover.theory.checks import as_choice, as_probability
from recover.theory.counting import Scaled, few_exact, few_upper, patterns_exact, patterns_upper

__all__ = [
    "deep_failure_bound",
    "injectivity_failure_bound",
    "local_injectivity_probability",
    "minimal_rows",
]

LARGEST = 10**7
EXACT = 2048  # rows up to which whole numbers are used throughout


def injectivity_failure_bound(m: int, n: int) -> float:
    """Return a bound of the probability that a random ReLU layer is not injective.

    The layer is ``x -> max(A x, 0)`` with m independent rows in R^n, continuous and as likely
    as their negatives (Gaussian rows, for example).

    Proof: the hyperplanes normal to the rows cut R^n into ``c = 2 sum_(i<n) C(m-1, i)`` cells
    [1]_. Changing the signs of rows keeps the cells and makes the pattern of positives on each
    uniform, so each cell has fewer than n positives with probability
    ``2^-m sum_(k<n) C(m, k)``; add over the cells.

    Parameters
    ----------
    m : int, 1 to 10^7
        Rows (neurons).
    n : int, 1 to 10^7
        Input dimension.

    Returns
    -------
    float
        The float64 next above up to 2048 rows, beyond with a relative excess below
        ``1e-14 n``; 1 where the bound is void.

    Raises
    ------
    ParameterError
        If m or n is not a whole number in its range.

    References
    ----------
    .. [1] L. Schlaefli (1852), J. G. Wendel, "A problem in geometric probability", Math. Scand.
       11 (1962).
    """
    rows, inputs = _size("m", m), _size("n", n)
    return _failure(inputs, (rows,), (inputs,))


def minimal_rows(n: int, failure: float) -> int:
    """Return the fewest rows for which `injectivity_failure_bound` is at most `failure`.

    Parameters
    ----------
    n : int, 1 to 10^6
        Input dimension.
    failure : float in (0, 1)
        Probability of a layer that is not injective.

    Raises
    ------
    ParameterError
        If n or failure is out of its range.
    """
    inputs = as_count("n", n)
    if inputs > LARGEST // 10:
        raise ParameterError(f"n must be at most {LARGEST // 10}, got {n}")
    wanted = as_probability("failure", failure)
    low, high = inputs - 1, min(10 * inputs + 1, LARGEST)
    while injectivity_failure_bound(high, inputs) > wanted:
        if high == LARGEST:
            raise ParameterError(
                f"failure={failure} needs more than {LARGEST} rows for n={n}; raise it"
            )
        low, high = high, min(high + max(high // 8, 8), LARGEST)
    while high - low > 1:
        middle = (low + high) // 2
        if middle >= inputs and injectivity_failure_bound(middle, inputs) <= wanted:
            high = middle
        else:
            low = middle
    return high


def deep_failure_bound(
    n: int, widths: Sequence[int], criterion: Literal["weak", "strong"] = "strong"
) -> float:
    """Return a bound of the probability that a random deep ReLU network is not injective.

    Layers are independent, their rows continuous and as likely as their negatives, no bias.

    Proof: given the layers before, the input space falls into at most N cones on which they are
    linear. The m hyperplanes of the next layer cut each into at most
    ``c(m) = 2 sum_(j<n) C(m-1, j)`` cells, whose patterns of positives are uniform under
    changes of the rows' signs. Add over cells and layers:
    ``sum_i N_(i-1) c(m_i) P(Bin(m_i, 1/2) < f_i n)``, ``N_i = N_(i-1) c(m_i)``, ``N_0 = 1``.
    With ``f = 1, 2, 2, ...`` this bounds the failure of "strong", which implies injectivity.

    Parameters
    ----------
    n : int >= 1
        Dimension of the network's input.
    widths : sequence of int
        Neurons of each layer.
    criterion : str
        "strong", which suffices for injectivity, or "weak" (f = 1 in each layer), which is only
        necessary; see `deep_injectivity_capacity`.

    Returns
    -------
    float
        Rounded upward; 1 where the bound is void.

    Raises
    ------
    ParameterError
        If there are no layers, or a size is not a whole number in its range.
    """
    as_choice("criterion", criterion, ("weak", "strong"))
    inputs, sizes = _size("n", n), _widths(widths)
    later = 2 * inputs if criterion == "strong" else inputs
    return _failure(inputs, sizes, (inputs, *(later,) * (len(sizes) - 1)))


def local_injectivity_probability(n: int, widths: Sequence[int]) -> float:
    """Return the probability that a random deep network is one-to-one near a given input.

    At one generic x the numbers of active neurons are independent and binomial, and the network
    has full rank there exactly if each is at least n: ``prod_i P(Bin(m_i, 1/2) >= n)``.

    Parameters
    ----------
    n : int >= 1
        Dimension of the network's input.
    widths : sequence of int
        Neurons of each layer.

    Raises
    ------
    ParameterError
        If there are no layers, or a size is not a whole number in its range.
    """
    inputs, sizes = _size("n", n), _widths(widths)
    return math.prod(float(bdtrc(inputs - 1, rows, 0.5)) for rows in sizes)


def _failure(n: int, sizes: tuple[int, ...], required: tuple[int, ...]) -> float:
    """Return ``sum_i N_i P(Bin(m_i, 1/2) < required_i)``, rounded upward, at most 1."""
    # with fewer than twice the rows required a typical input fails already, and c(m) >= 2
    if any(rows < 2 * need for rows, need in zip(sizes, required, strict=True)):
        return 1.0
    total = Fraction(0)
    if sum(sizes) <= EXACT:
        cones = 1
        for rows, need in zip(sizes, required, strict=True):
            cones *= patterns_exact(rows, n)
            total += Fraction(cones * few_exact(rows, need), 2**rows)
        return min(round_up(total), 1.0)
    scaled = Scaled(0.5, 1)
    for rows, need in zip(sizes, required, strict=True):
        scaled = scaled.times(patterns_upper(rows, n))
        term = scaled.times(few_upper(rows, need)).upper()
        if term >= 1.0:
            return 1.0
        total += Fraction(term)
    return min(round_up(total), 1.0)


def _widths(widths: Sequence[int]) -> tuple[int, ...]:
    if not isinstance(widths, Iterable):
        raise ParameterError(f"widths must hold one number per layer, got {widths!r}")
    sizes = tuple(_size("widths", rows) for rows in widths)
    if not sizes:
        raise ParameterError("widths must hold one number of neurons per layer, got none")
    return sizes


def _size(name: str, value: int) -> int:
    size = as_count(name, value)
    if size > LARGEST:
        raise ParameterError(f"{name} must be at most {LARGEST}, got {value}")
    return size
