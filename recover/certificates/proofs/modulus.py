"""The local bound for magnitudes, real and complex.

See `recover.certificates.phase.stage` for the theorem.  It says nothing of signals farther from
the recovered one than the radius of its scope: a different signal with the same magnitudes is
not excluded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.phase.rows import Magnitudes, magnitudes_of
from recover.certificates.phase.stage import Stage, kappa_at
from recover.certificates.phase.statements import (
    DELTA,
    phase_assumptions,
    phase_scope,
    phase_signal,
)
from recover.certificates.proofs.base import Case, Proof, stated
from recover.certificates.proofs.modulus_near import add_witness, near_certificate, seeded
from recover.certificates.proofs.modulus_steps import Search, find_steps
from recover.certificates.reasons import NO_WITNESS, Why, Withheld
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rigor import PROVED, probabilistic
from recover.models.modulus import Modulus
from recover.models.problem import Problem

__all__ = ["LocalModulus", "drawn", "local_steps", "measured", "step_evidence", "step_kappa"]


@dataclass(frozen=True)
class LocalModulus(Proof):
    """Every consistent signal within a radius is as near as the noise allows."""

    @property
    def order(self) -> int:
        return 20

    def applies(self, problem: Problem) -> bool:
        return isinstance(problem.model, Modulus)

    def attempt(self, case: Case, best: float) -> Certificate | Withheld | None:
        if math.isfinite(best):
            return None  # a promise about all signals is worth more
        magnitudes = measured(case)
        if isinstance(magnitudes, Withheld):
            return magnitudes
        found = _searched(magnitudes, case.budget)
        if found is None:
            return _too_large(magnitudes)
        if found.steps:
            return _certificate(case, magnitudes, found)
        why = _refusal(magnitudes, found)
        near = near_certificate(case, magnitudes, found.widest, why)
        return why if near is None else near


def measured(case: Case) -> Magnitudes | Withheld:
    """Return the magnitudes of the recovered signal, or why nothing can be said of it."""
    problem, signal = case.problem, case.signal
    frame = problem.model.frame
    if not math.isfinite(frame.roundoff()):
        return Withheld(Why.NO_ROUNDOFF, {"name": type(frame).__name__})
    if not signal.any():
        return Withheld(Why.ZERO_SIGNAL)
    magnitudes = magnitudes_of(problem, signal)
    outside = np.ones(frame.signal_size, dtype=bool)
    outside[magnitudes.columns] = False
    if magnitudes.signal.reshape(-1)[outside].any():
        return Withheld(Why.OUTSIDE_DOMAIN)
    return magnitudes


def local_steps(magnitudes: Magnitudes, budget: float | None) -> Search | Withheld:
    """Return the steps of a local bound, or why there are none."""
    found = _searched(magnitudes, budget)
    if found is None:
        return _too_large(magnitudes)
    return found if found.steps else _refusal(magnitudes, found)


def _searched(magnitudes: Magnitudes, budget: float | None) -> Search | None:
    return find_steps(magnitudes, budget, seeded(magnitudes))


def _too_large(magnitudes: Magnitudes) -> Withheld:
    name = type(magnitudes.frame).__name__
    numbers: dict[str, float | int | str] = {"size": magnitudes.unknowns, "name": name}
    return Withheld(Why.TOO_LARGE, numbers)


def _refusal(magnitudes: Magnitudes, found: Search) -> Withheld:
    """Return why a search has found no step."""
    if found.widest is None:
        lost = 1 if magnitudes.phased else 0
        kept = int(np.count_nonzero(magnitudes.ratio > 0.0))
        open_numbers = {"kept": kept, "needed": magnitudes.unknowns - lost}
        return Withheld(Why.PHASES_OPEN, open_numbers)
    tau = magnitudes.deviation(magnitudes.kept(float(np.median(magnitudes.ratio))))
    return Withheld(Why.DEVIATION, {"deviation": tau, "carried": found.carried})


def step_evidence(search: Search) -> tuple[dict[str, float | str], dict[str, Array]]:
    """Return the evidence values and arrays of the steps."""
    stages = np.array([list(stage) for stage, _ in search.steps])
    values = {
        f"{name}:{k}": value
        for k, (_, routes) in enumerate(search.steps)
        for name, value in routes.items()
    }
    return values, {"steps": stages}


def drawn(values: dict[str, float | str]) -> bool:
    """Return whether some step rests on random vectors."""
    return any(name.startswith(("near:", "weight_near:")) for name in values)


def _certificate(case: Case, magnitudes: Magnitudes, search: Search) -> Certificate:
    problem = case.problem
    first, last = search.steps[0][0], search.steps[-1][0]
    values, arrays = step_evidence(search)
    kappa = step_kappa(magnitudes, last, arrays)
    named, kept = phase_signal(magnitudes.signal)
    chance = drawn(values)
    rigor = problem.noise_bound.rigor & (probabilistic(DELTA) if chance else PROVED)
    return Certificate(
        kappa=kappa,
        error_bound=stated(last.low),
        scope=phase_scope(problem, first.high),
        assumptions=phase_assumptions(problem, first.high, drawn=chance),
        rigor=rigor,
        evidence=Evidence("modulus", {**named, **values}, {**kept, **arrays}),
        reason=NO_WITNESS if kappa.upper == math.inf else None,
        subject=problem.digest,
        noise=problem.noise.to_json(),
    )


def step_kappa(magnitudes: Magnitudes, last: Stage, arrays: dict[str, Array]) -> Enclosure:
    """Return kappa within the error bound, and add the witness of its upper end."""
    lower = max(kappa_at(last.threshold, last.sigma, last.weight, last.low), 0.0)
    upper = add_witness(magnitudes, arrays)
    return Enclosure(lower, max(upper, lower))
