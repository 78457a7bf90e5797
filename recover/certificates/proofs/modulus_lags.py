"""The bound for spectrograms with hop 1: it speaks of all consistent signals.

For Gabor frames and for the layout of spectrogram software.  The theorem stands in
`recover.certificates.phase.lags`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.phase.chain import edge_weights, find_chain
from recover.certificates.phase.dense import dense_fits
from recover.certificates.phase.lags import (
    channels_of,
    distance_bound,
    enough_channels,
    floors_of,
    is_closed,
    lags_of,
    window_size,
)
from recover.certificates.phase.rows import Magnitudes
from recover.certificates.phase.section import is_symmetric, section_fits
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
from recover.frames.gabor import Gabor
from recover.frames.spectrogram import Spectrogram
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
        if not isinstance(problem.model, Modulus):
            return False
        # a spectrogram with a larger hop is told so
        return isinstance(frame, Spectrogram) or (isinstance(frame, Gabor) and frame.hop == 1)

    def attempt(self, case: Case, _best: float) -> Certificate | Withheld | None:
        frame = case.problem.model.frame
        if not isinstance(frame, Gabor | Spectrogram):
            return None
        floors = _floors(frame)  # before long spectrograms are made for nothing
        if isinstance(floors, Withheld):
            return floors
        magnitudes = measured(case)
        if isinstance(magnitudes, Withheld):
            return magnitudes
        lags = lags_of(magnitudes, frame, ALLOWANCES, floors=floors)
        sizes = np.abs(magnitudes.signal)
        tau = up(lags.tau[0] * (1.0 + 2.0**-30))
        weights = edge_weights(sizes, tau, closed=is_closed(frame))
        eigenvalue, route, pin = find_chain(sizes, weights)
        if eigenvalue <= 0.0:
            smallest = float(sizes.min()) ** 2
            open_chain = Withheld(Why.CHAIN_OPEN, {"tau": lags.tau[0], "smallest": smallest})
            return _symmetric(frame) or open_chain
        bound = stated(distance_bound(magnitudes.signal, lags, eigenvalue))
        norm = norm_upper(magnitudes.signal)
        if not bound < norm:
            loose = Withheld(Why.CHAIN_LOOSE, {"bound": bound, "norm": norm})
            return _symmetric(frame) or loose
        values: dict[str, float | str] = {
            "eigenvalue": eigenvalue,
            "chain_route": route,
            "pin": float(pin),
            "tau": tau,
            "distance": bound,
        }
        if isinstance(frame, Spectrogram):
            values |= {"floor:0": floors[0], "floor:1": floors[1]}
        return _certificate(case, magnitudes, bound, values)


def _floors(frame: Gabor | Spectrogram) -> tuple[float, float] | Withheld:
    """Return how strongly the products are told at the lags 0 and 1, or why they are not."""
    if isinstance(frame, Spectrogram) and frame.hop > 1:
        return Withheld(Why.HOP_WIDE, {"hop": frame.hop})
    size, channels = window_size(frame), channels_of(frame)
    if not enough_channels(frame):
        numbers: dict[str, float | int | str] = {"channels": channels, "size": size}
        return Withheld(Why.FEW_CHANNELS, {**numbers, "length": frame.length})
    if isinstance(frame, Spectrogram) and not section_fits(frame):
        name = type(frame).__name__
        too_large = Withheld(Why.TOO_LARGE, {"size": frame.length, "name": name})
        return _symmetric(frame) or too_large
    floors = floors_of(frame)
    for lag in (0, 1):
        if floors[lag] > 0.0:
            continue
        if isinstance(frame, Gabor):
            return Withheld(Why.WINDOW_BLIND, {"lag": lag, "size": size})
        blind = {"frames": frame.frames, "size": size, "lag": lag}
        return _symmetric(frame) or Withheld(Why.FRAMES_BLIND, blind)
    return floors


def _symmetric(frame: Gabor | Spectrogram) -> Withheld | None:
    """Return that a symmetric window is the reason, None if it is not symmetric.

    Of a circle that is found before; with zeros around the signal the least singular value is
    not zero, only so small that noise or rounding is more.
    """
    if isinstance(frame, Gabor) or not is_symmetric(frame):
        return None
    size = window_size(frame)
    # the one of the two products that has an even number of taps
    return Withheld(Why.WINDOW_SYMMETRIC, {"lag": size % 2, "size": size})


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
