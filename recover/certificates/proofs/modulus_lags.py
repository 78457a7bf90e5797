"""The bound for spectrograms with hop 1: it speaks of all consistent signals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.phase.chain import edge_weights, find_chain
from recover.certificates.phase.dense import dense_fits
from recover.certificates.phase.lags import distance_bound, kernel_floor, lags_of
from recover.certificates.phase.rows import Magnitudes
from recover.certificates.phase.statements import (
    DELTA,
    phase_assumptions,
    phase_scope,
    phase_signal,
)
from recover.certificates.proofs.base import Case, Proof, stated
from recover.certificates.proofs.modulus import (
    drawn,
    local_steps,
    measured,
    step_evidence,
    step_kappa,
)
from recover.certificates.proofs.modulus_steps import ALLOWANCES
from recover.certificates.reasons import NO_WITNESS, Why, Withheld
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rigor import PROVED, probabilistic
from recover.core.rounding import norm_upper, up
from recover.frames.boundary import Boundary
from recover.frames.gabor import Gabor
from recover.models.modulus import Modulus
from recover.models.problem import Problem

__all__ = ["SpectrogramLags"]

# up to which the local bound is tried to sharpen the global one, without and with a budget
STEP_UNKNOWNS = (400, 1200)


@dataclass(frozen=True)
class SpectrogramLags(Proof):
    """All consistent signals, from the products of neighbouring samples."""

    @property
    def order(self) -> int:
        return 10

    def applies(self, problem: Problem) -> bool:
        frame = problem.model.frame
        return (
            isinstance(problem.model, Modulus) and isinstance(frame, Gabor) and frame.hop == 1
        )

    def attempt(self, case: Case, _best: float) -> Certificate | Withheld | None:
        frame = case.problem.model.frame
        if not isinstance(frame, Gabor):
            return None
        magnitudes = measured(case)
        if isinstance(magnitudes, Withheld):
            return magnitudes
        refusal = _refusal(frame)
        if refusal is not None:
            return refusal
        lags = lags_of(magnitudes, frame, ALLOWANCES)
        sizes = np.abs(magnitudes.signal)
        tau = up(lags.tau[0] * (1.0 + 2.0**-30))
        closed = frame.boundary is Boundary.CIRCULAR
        weights = edge_weights(sizes, tau, closed=closed)
        eigenvalue, route, pin = find_chain(sizes, weights)
        if eigenvalue <= 0.0:
            return Withheld(
                Why.CHAIN_OPEN, {"tau": lags.tau[0], "smallest": float(sizes.min()) ** 2}
            )
        bound = stated(distance_bound(magnitudes.signal, lags, eigenvalue))
        norm = norm_upper(magnitudes.signal)
        if not bound < norm:
            return Withheld(Why.CHAIN_LOOSE, {"bound": bound, "norm": norm})
        values: dict[str, float | str] = {
            "eigenvalue": eigenvalue,
            "chain_route": route,
            "pin": float(pin),
            "tau": tau,
            "distance": bound,
        }
        return _certificate(case, magnitudes, bound, values)


def _refusal(frame: Gabor) -> Withheld | None:
    size = frame.window.size
    if frame.channels <= size or frame.length < size or frame.length < 2:
        numbers: dict[str, float | int | str] = {"channels": frame.channels, "size": size}
        return Withheld(Why.FEW_CHANNELS, {**numbers, "length": frame.length})
    for lag in (0, 1):
        if kernel_floor(frame, lag) <= 0.0:
            return Withheld(Why.WINDOW_BLIND, {"lag": lag, "size": size})
    return None


def _certificate(
    case: Case, magnitudes: Magnitudes, bound: float, values: dict[str, float | str]
) -> Certificate:
    problem = case.problem
    arrays: dict[str, Array] = {}
    kappa = Enclosure(0.0, math.inf)
    if dense_fits(magnitudes, STEP_UNKNOWNS[case.budget is not None]):
        # a local bound whose radius holds all consistent signals is one for all of them
        found = local_steps(magnitudes, case.budget)
        if not isinstance(found, Withheld):
            first, last = found.steps[0][0], found.steps[-1][0]
            if first.high >= bound > last.low:
                routes, arrays = step_evidence(found)
                values = {**values, **routes}
                kappa = step_kappa(magnitudes, last, arrays)
                bound = stated(last.low)
    named, kept = phase_signal(magnitudes.signal)
    chance = drawn(values)
    return Certificate(
        kappa=kappa,
        error_bound=bound,
        scope=phase_scope(problem, math.inf),
        assumptions=phase_assumptions(problem, math.inf, drawn=chance),
        rigor=problem.noise_bound.rigor & (probabilistic(DELTA) if chance else PROVED),
        evidence=Evidence("modulus lags", {**named, **values}, {**kept, **arrays}),
        reason=NO_WITNESS if kappa.upper == math.inf else None,
        subject=problem.digest,
        noise=problem.noise.to_json(),
    )
