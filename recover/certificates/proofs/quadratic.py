"""Samples with a quadratic prior: how far a signal with ``|T v| <= tau`` can lie from z.

Where the coefficients are samples, let F be the signals that agree with the known samples K and
respect the levels on the unknown ones U.  For any z in F, not only the exact minimiser of
``|T z|``, and any v in F with ``|T v| <= tau``, d = v - z lives on U and

``|T d|^2 = |T v|^2 - |T z|^2 - 2 <g, d>``,  ``g = (T^T T z)_U``.

A d that starts at a bound can only leave it inwards, so ``-<g, d> <= |g'| |d|`` where g' drops
what points outwards of the bound: the residual of the optimality conditions.  With s a lower
bound of the smallest singular value of T on U, rho = |g'| and ``D = tau^2 - |T z|^2``,
P = ``|T d|`` has ``P^2 <= D + 2 (rho/s) P``, hence ``P <= rho/s + sqrt(rho^2/s^2 + D)`` and
``|d| <= P / s``; a negative root means that no signal meets data and prior together.  Always
``P <= tau + |T z|``.  Dropping rho is false away from the minimiser.

Noise: the true v differs on K by e, ``|e| <= eps``, from a v' in F with ``|T v'| <= tau +
|T_K| eps``; and ``|v - x_hat|^2 <= (|d| + |z - x_hat|_U)^2 + (eps + |z - x_hat|_K)^2``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.columns import dense_columns, operator_norm, prove_columns
from recover.certificates.proofs.base import EMBEDDED, SHADE, Case, Proof, stated
from recover.certificates.proofs.entrywise import PAD, left_inverse
from recover.certificates.proofs.issue import issue
from recover.certificates.proofs.kappa import Kappa
from recover.certificates.proofs.linear import ALLOWANCES, above, value_error
from recover.certificates.proofs.polish import polished
from recover.certificates.proofs.witness import bottom_vector, seen
from recover.certificates.reasons import Why, Withheld
from recover.certificates.roundoff import adjoint_roundoff, underflow
from recover.certificates.sampling import Samples, is_sampling, samples_of
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rigor import PROVED
from recover.core.rounding import down, norm_lower, norm_upper, up
from recover.frames.base import Frame
from recover.models.domains import Everywhere
from recover.models.problem import Problem
from recover.priors.quadratic import Quadratic

__all__ = ["QuadraticSamples"]


TOUCH = 2.0**-21  # of the largest sample: this near to a level is on it


class _Energy(NamedTuple):
    """Bounds of what the prior says at the centre."""

    lower: float  # of |T z|
    upper: float
    slope: float  # of rho


@dataclass(frozen=True)
class QuadraticSamples(Proof):
    """Clipped or missing samples with a bound on the energy of an analysis."""

    @property
    def order(self) -> int:
        return 20

    def applies(self, problem: Problem) -> bool:
        return (
            problem.model.convex
            and isinstance(problem.prior, Quadratic)
            and problem.prior.operator.real_signal
            and is_sampling(problem.model.frame)
        )

    def attempt(self, case: Case, best: float) -> Certificate | Withheld | None:
        problem, prior = case.problem, case.problem.prior
        if not isinstance(prior, Quadratic):
            return None
        operator, samples = prior.operator, samples_of(problem)
        domain = not isinstance(problem.domain, Everywhere)
        low, high = problem.domain.interval(case.signal.shape)
        low = np.maximum(samples.lower, low.reshape(-1))
        high = np.minimum(samples.upper, high.reshape(-1))
        unknown = ~samples.known
        count = int(np.count_nonzero(unknown))
        if count == 0:
            return None
        gap = float((low - high).max())
        if gap > 0.0:
            return Withheld(Why.EMPTY, {"residual": gap, "noise": problem.noise_bound.l2})
        if not math.isfinite(operator.roundoff()):
            return Withheld(Why.NO_ROUNDOFF, {"name": type(operator).__name__})
        s, route = prove_columns(operator, unknown)
        if s == 0.0:
            why = Why.PRIOR_OPEN if route else Why.PRIOR_TOO_LARGE
            return Withheld(why, {"unknown": count})
        x = case.signal.reshape(-1)
        wish = x if case.centre is None else case.centre.reshape(-1)
        eps = above(case.residual.noise + norm_upper(value_error(problem, samples.value)))
        norm = operator_norm(operator)
        loose = norm * eps * (1.0 + SHADE) if eps > 0.0 else 0.0
        tau = above(prior.budget + loose)
        bound, z, p = math.inf, wish, math.inf
        centres = _centres(samples, wish, low, high)
        pinned = [np.where(samples.known, samples.value, side) for side in (low, high)]
        better = polished(operator, centres[-1], pinned[0], pinned[1], target=(norm, s, tau))
        for point in centres if better is None else [*centres, better]:
            energy = _energy(operator, point, unknown, (low, high), norm)
            reach = _reach(energy, s, tau)
            if reach is None:
                needed = math.sqrt(max(energy.lower**2 - (energy.slope / s) ** 2, 0.0))
                return Withheld(Why.NO_SIGNAL_OF_PRIOR, {"budget": tau, "needed": needed})
            around = _around(x - point, unknown, above(reach / s), eps)
            if around < bound:
                bound, z, p = around, point, reach
        if bound >= best:
            return None
        free = above(p / s)
        arrays, values, centre = _middle(case, z, unknown, bound, above(math.hypot(free, eps)))
        return issue(
            case,
            "quadratic samples",
            _kappa(operator, unknown, s, route, case.signal.shape),
            bound,
            domain=domain,
            prior=True,
            values=values,
            arrays=arrays,
            pointwise=_pointwise(case, operator, samples, z, p=p, free=free),
            centre=centre,
        )


def _centres(samples: Samples, wish: Array, low: Array, high: Array) -> list[Array]:
    """Return consistent signals near the one wished for; the second rests on near levels.

    A solver's signal, or one in single precision, may end a rounding away from a level that the
    minimiser rests on; the conditions of optimality then ask for a vanishing gradient there.
    """
    z = np.where(samples.known, samples.value, np.clip(wish, low, high))
    near = TOUCH * float(np.abs(z).max())
    resting = np.where(z - low <= near, low, np.where(high - z <= near, high, z))
    resting = np.where(samples.known, samples.value, resting)
    return [z] if np.array_equal(z, resting) else [z, resting]


def _around(away: Array, unknown: Array, free: float, noise: float) -> float:
    """Return the bound from the recovered signal, `away` from the centre."""
    on_unknown = above(free + norm_upper(away[unknown]))
    return above(math.hypot(on_unknown, above(noise + norm_upper(away[~unknown]))))


def _energy(
    operator: Frame, z: Array, unknown: Array, box: tuple[Array, Array], norm: float
) -> _Energy:
    """Return bounds of ``|T z|`` and of the residual of the optimality conditions at z."""
    image = operator.analysis(z.reshape(operator.signal_shape))
    size = norm_upper(image)
    tiny = underflow(operator)
    error = ALLOWANCES * above(operator.roundoff() * norm_upper(z) + tiny)
    lower, upper = max(down(norm_lower(image) - error), 0.0), above(size + error)
    adjoint = adjoint_roundoff(operator)
    if not math.isfinite(adjoint):
        return _Energy(lower, upper, math.inf)
    gradient = operator.synthesis(image).reshape(-1)
    low, high = box
    inward = np.where(z <= low, np.minimum(gradient, 0.0), gradient)
    inward = np.where(z >= high, np.maximum(inward, 0.0), inward)
    slack = ALLOWANCES * above(adjoint * size + tiny) + above(norm * error)
    return _Energy(lower, upper, above(norm_upper(inward[unknown]) + slack))


def _reach(energy: _Energy, s: float, tau: float) -> float | None:
    """Return an upper bound of ``|T d|``, None if no signal meets data and prior."""
    plain = above(tau + energy.upper)
    h = above(energy.slope / s)
    if not math.isfinite(h * h):
        return plain
    under = up(up(up(h * h) + up(tau * tau)) - down(energy.lower * energy.lower))
    if under < 0.0:
        return None
    return min(plain, above(h + up(math.sqrt(under))))


def _middle(
    case: Case, z: Array, unknown: Array, bound: float, radius: float
) -> tuple[dict[str, Array], dict[str, float | str], Array | None]:
    """Return the evidence of the centre, and the centre if it is visibly the better signal."""
    arrays: dict[str, Array] = {}
    if not np.array_equal(z[unknown], case.signal.reshape(-1)[unknown]):
        arrays["free"] = z[unknown]
    if radius < 0.999 * bound and z.size <= EMBEDDED:
        return arrays, {"centre_bound": stated(radius)}, z.reshape(case.signal.shape)
    return arrays, {}, None


def _kappa(
    operator: Frame, unknown: Array, s: float, route: str, shape: tuple[int, ...]
) -> Kappa:
    """Return kappa of the prior on the unknown samples: the known ones are fixed."""
    values: dict[str, float | str] = {"sigma": s, "route": route}
    keep = np.ones(operator.coef_shape, dtype=bool)
    dense = dense_columns(operator, unknown) if np.count_nonzero(unknown) <= 500 else None
    vector = np.zeros(unknown.size)
    if dense is not None:
        vector[unknown] = np.linalg.svd(dense[0], full_matrices=False)[2][-1]
    else:
        found = bottom_vector(operator, keep)
        if found is None:
            return Kappa(Enclosure(s, math.inf), PROVED, values, {})
        vector = np.where(unknown, found.reshape(-1), 0.0)
    witness = vector.reshape(shape)
    upper = max(stated(seen(operator, keep, witness)), s)
    return Kappa(Enclosure(s, upper), PROVED, values, {"witness": witness})


def _pointwise(
    case: Case, operator: Frame, samples: Samples, z: Array, *, p: float, free: float
) -> Array | None:
    """Return bounds of entries: ``|d_i| <= |C_i| P + |E_i| |d|`` for ``C T_U = I + E``."""
    unknown = ~samples.known
    if np.count_nonzero(unknown) > 256 or unknown.size > EMBEDDED:
        return None
    dense = dense_columns(operator, unknown)
    inverse = None if dense is None else left_inverse(*dense)
    if inverse is None:
        return None
    x = case.signal.reshape(-1)
    knowledge = case.knowledge
    own = np.where(
        knowledge.fixed, knowledge.each + value_error(case.problem, knowledge.value), 0
    )
    bounds = np.abs(x - z) + case.problem.model.frame.synthesis(own).reshape(-1)
    bounds[unknown] += np.minimum(inverse.norms * p + inverse.defects * free, free)
    result: Array = (bounds * PAD).reshape(case.signal.shape)
    return result
