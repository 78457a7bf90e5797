"""How wide a random ReLU layer must be to be injective, and how many neurons stay active."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from scipy.optimize import brentq

from recover.core.display import Facts, Shown
from recover.core.errors import ParameterError
from recover.core.rigor import HEURISTIC, PROVED, Rigor
from recover.theory import partial, plain
from recover.theory.checks import as_choice, as_level, as_ratio
from recover.theory.descent import HIGHEST_LEVEL, capacity_optimum, energy_optimum
from recover.theory.intervals import Interval
from recover.theory.lifted import Lifting

__all__ = ["Capacity", "injectivity_capacity", "min_active_fraction"]

METHODS = ("plain", "partial", "lifted", "limit")
LAST_LEVEL = 6  # the limit is fitted to this level and the three below
LARGEST_ALPHA = 1e6

Parameters = Mapping[str, float | tuple[float, ...]]


@dataclass(frozen=True, repr=False)
class Capacity(Shown):
    """An injectivity capacity: neurons per input dimension.

    Parameters
    ----------
    value : float
        The capacity. Where `rigor` is proved it is rounded upward, and no less than the
        formula's exact value at `parameters`.
    rigor : Rigor
        `PROVED`: a layer of iid Gaussian weights with more neurons is injective with
        probability tending to one. `HEURISTIC`: the value of a formula without a proof.
    parameters : mapping of str to float or tuple of floats
        Where the formula takes its optimum, and what follows from it in closed form.
    accuracy : float
        Absolute distance to the formula's optimum. An enclosure's width for "plain"; an
        estimate for the others.
    """

    value: float
    rigor: Rigor
    parameters: Parameters
    accuracy: float

    def facts(self) -> Facts:
        """Return the value, how firmly it stands, and the optimum's parameters."""
        return [
            ("neurons per input", f"{self.value:.12g}"),
            ("how firmly", str(self.rigor)),
            ("accuracy", f"{self.accuracy:.1g}"),
            *((name, _shown(value)) for name, value in self.parameters.items()),
        ]


def injectivity_capacity(
    method: Literal["plain", "partial", "lifted", "limit"] = "plain", level: int = 2
) -> Capacity:
    """Return how many neurons per input a Gaussian ReLU layer needs to be injective.

    The layer is ``x -> max(A x, 0)``, A of shape (m, n) with iid standard normal entries, no
    bias, on all of R^n.  It is injective exactly if every x has at least n positive entries in
    A x (almost surely).  As n grows with ``alpha = m / n`` fixed, the probability of that jumps
    from 0 to 1 at the injectivity capacity.  For one given matrix this number says nothing.

    Parameters
    ----------
    method : str
        "plain": random duality, ``1/2 = 2 Q(c) + c phi(c)``, ``alpha = 1 / Q(c)`` [1]_ [3]_; a
        proved upper bound. "partial": partially lifted random duality; a proved upper bound by
        the argument given at `recover.theory.partial.ratio`. "lifted": fully lifted random
        duality [1]_, which is the replica formula of the same level [3]_; not proved.
        "limit": levels 4 to 6 extrapolated with an error of ``a (level + b)^-4``; not proved.
    level : int, 2 to 8
        Level of lifting (level r is replica symmetry broken r - 1 times), for "lifted" only.

    Returns
    -------
    Capacity
        With the lifting parameters: ``c``, ``chi = c^2 / 2`` (plain); ``nu``, ``s``; ``chi``,
        ``q``, ``m``. At "partial" and level 2 also, in closed form, the parameters of the usual
        form of the lifted functional: ``c2`` (scaled lifting exponent), ``p2`` and ``q2``
        (overlaps of the dual and of the primal vector), ``gamma_sphere`` and ``gamma_loss``.
        Their normalisation could not be compared with the tables of [1]_.

    Raises
    ------
    ParameterError
        If the method or the level does not exist.

    References
    ----------
    .. [1] M. Stojnic, "Injectivity capacity of ReLU gates", arXiv 2410.20646 (2024).
    .. [2] Y. Gordon, "On Milman's inequality and random subspaces which escape through a mesh
       in R^n", Geometric Aspects of Functional Analysis, Springer (1988).
    .. [3] A. Maillard, A. S. Bandeira, D. Belius, I. Dokmanic, S. Nakajima, "Injectivity of
       ReLU networks: perspectives from statistical physics", arXiv 2302.14112 (2023).
    """
    as_choice("method", method, METHODS)
    steps = as_level(level, 2, HIGHEST_LEVEL)
    if method != "lifted" and steps != 2:
        raise ParameterError(
            f'level={level} has no meaning for method="{method}"; use method="lifted"'
        )
    if method == "plain":
        return _plain()
    if method == "partial":
        return _partial()
    if method == "limit":
        return _limit()
    optimum = capacity_optimum(steps, 1.0)
    return Capacity(
        optimum.value, HEURISTIC, _lifting_parameters(optimum.lifting), optimum.accuracy
    )


def min_active_fraction(alpha: float, level: int = 2) -> float:
    """Return the least number of active neurons over n, as n grows.

    That is the limit of ``min_x #{i: (A x)_i > 0} / n`` for A of shape (alpha n, n) with iid
    normal entries; zero for ``alpha <= 2``, one at the injectivity capacity.

    Parameters
    ----------
    alpha : float, 1 to 1e6
        Neurons per input dimension.
    level : int, 1 to 8
        1: plain random duality, a proved lower bound (the number is rounded to nearest).
        From 2 on fully lifted; not proved. The levels increase.

    Returns
    -------
    float
        Absolute accuracy about ``1e-12 alpha``; for ``alpha < 2.01`` and levels from 2 on about
        1e-6, where the larger of this level's value and the plain one is given.

    Raises
    ------
    ParameterError
        If alpha is out of its range or the level does not exist.
    """
    ratio = as_ratio("alpha", alpha, LARGEST_ALPHA)
    steps = as_level(level, 1, HIGHEST_LEVEL)
    if ratio <= 2.0:
        return 0.0
    lowest = plain.active_fraction(ratio)
    return lowest if steps == 1 else max(lowest, energy_optimum(ratio, steps).value)


def _shown(value: float | tuple[float, ...]) -> str:
    values = value if isinstance(value, tuple) else (value,)
    return ", ".join(f"{each:.9g}" for each in values)


@lru_cache(maxsize=1)
def _plain() -> Capacity:
    enclosure = plain.capacity(1.0, Interval.of(1))
    c = plain.cut(1.0, 1.0)
    parameters = MappingProxyType({"c": c, "chi": 0.5 * c * c})
    return Capacity(enclosure.upper, PROVED, parameters, enclosure.width)


@lru_cache(maxsize=1)
def _partial() -> Capacity:
    nu, s = partial.stationary(1.0)
    enclosure = partial.bound(nu, s, 1.0)
    parameters = {"nu": nu, "s": s, **_relations(s, 0.0)}
    # the minimum is flat: parameters good to 1e-8 change the value in the 16th digit
    return Capacity(
        enclosure.upper, PROVED, MappingProxyType(parameters), enclosure.width + 1e-14
    )


def _limit() -> Capacity:
    values = [capacity_optimum(r, 1.0).value for r in range(LAST_LEVEL - 3, LAST_LEVEL + 1)]
    value = _extrapolate(values[1:], LAST_LEVEL)
    before = _extrapolate(values[:-1], LAST_LEVEL - 1)
    parameters: Parameters = MappingProxyType({"levels": tuple(values)})
    return Capacity(value, HEURISTIC, parameters, abs(value - before))


def _extrapolate(values: list[float], last: int) -> float:
    """Return v in ``values_r = v + a (r + b)^-4`` for the last three levels up to `last`.

    The error of k steps of symmetry breaking falls like ``k^-4`` where the limit is continuous;
    levels 4 to 9 give limits within 1e-6 of one another once b is fitted as well.
    """
    target = (values[1] - values[2]) / (values[0] - values[1])

    def powers(b: float) -> list[float]:
        return [(r + b) ** -4.0 for r in (last - 2, last - 1, last)]

    def excess(b: float) -> float:
        first, second, third = powers(b)
        return (second - third) / (first - second) - target

    p = powers(float(brentq(excess, 1.0 - (last - 2) + 1e-3, 20.0)))
    return values[2] - p[2] * (values[1] - values[2]) / (p[1] - p[2])


def _lifting_parameters(lifting: Lifting) -> Parameters:
    parameters: dict[str, float | tuple[float, ...]] = {
        "chi": lifting.chi,
        "q": lifting.overlaps,
        "m": lifting.tilts,
    }
    if len(lifting.tilts) == 1:
        parameters |= _relations(lifting.tilts[0] / lifting.chi, lifting.overlaps[0])
    return MappingProxyType(parameters)


def _relations(s: float, q: float) -> dict[str, float]:
    """Return the parameters that stationarity ties to ``s = m / chi`` and the overlap q.

    In the functional ``-(c2^2/2)(1 - p2 q2) + c2 gamma_s - (1/2) log(W / 2 gamma_s)
    + c2 p2 / (2 W) - c2 gamma + required m + alpha E log E exp(-...)`` with
    ``W = 2 gamma_s - c2 (1 - p2)`` the derivatives by p2, gamma_s, gamma and c2 vanish here.
    """
    left = s * (1.0 - q)
    square = 1.0 + left * (1.0 - q)
    c2 = s * math.sqrt(square) / (1.0 + left)
    p2 = q / square
    return {
        "c2": c2,
        "p2": p2,
        "q2": q,
        "gamma_sphere": 0.5 * (1.0 / math.sqrt(square) + c2 * (1.0 - p2)),
        "gamma_loss": 0.5 * c2 / s,
    }
