"""Probabilities of random layers that are known exactly, for the check of experiments."""

from __future__ import annotations

from fractions import Fraction

from recover.core.arrays import as_count
from recover.core.errors import ParameterError
from recover.theory.counting import few_exact

__all__ = ["planar_injectivity_probability", "wendel_probability"]

MOST_ROWS = 2000


def wendel_probability(m: int, n: int) -> float:
    """Return the probability that some input switches off all neurons of a random layer.

    The layer is that of `injectivity_failure_bound`: m rows in R^n, without bias.  All are off
    at some input exactly if the rows lie in a half-space: ``2^(1-m) sum_(i<n) C(m-1, i)`` [1]_.

    Parameters
    ----------
    m, n : int, 1 to 2000
        Neurons and inputs.

    Raises
    ------
    ParameterError
        If m or n is not a whole number in its range.

    References
    ----------
    .. [1] J. G. Wendel, "A problem in geometric probability", Mathematica Scandinavica 11
       (1962).
    """
    rows, inputs = _rows(m), as_count("n", n)
    return float(Fraction(few_exact(rows - 1, min(inputs, rows)), 2 ** (rows - 1)))


def planar_injectivity_probability(m: int) -> float:
    """Return the probability that a random layer on R^2 is injective.

    It is ``1 - m (m - 2) 2^(1-m)``.

    Proof: on half a turn of the input each of the m rows changes its sign once.  Changing the
    signs of rows leaves their lines where they are, so the steps of the number of active
    neurons are m independent fair signs; half a turn takes it from a to m - a, and the other
    half has the complements.  The layer is injective exactly if the walk from a to m - a stays
    in [2, m - 2].  By reflection at 1 and m - 1, ``C(m, a) - 2 m`` walks do, and one more for
    a = 2 and for a = m - 2; the sum over a is ``2^m - 2 m^2 + 4 m``.

    Parameters
    ----------
    m : int, 1 to 2000
        Neurons; with fewer than 4 no layer is injective.

    Raises
    ------
    ParameterError
        If m is not a whole number in its range.
    """
    rows = _rows(m)
    if rows < 4:
        return 0.0
    return float(1 - Fraction(rows * (rows - 2), 2 ** (rows - 1)))


def _rows(m: int) -> int:
    rows = as_count("m", m)
    if rows > MOST_ROWS:
        raise ParameterError(f"m must be at most {MOST_ROWS}, got {m}")
    return rows
