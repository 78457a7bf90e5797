"""The search for the steps of a local bound: which coefficients to use, and to prove them."""

from __future__ import annotations

import math
import time
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigvalsh

from recover.certificates.phase.bands import BANDS, bands_fit, sigma_bands
from recover.certificates.phase.dense import (
    Turned,
    dense_fits,
    sigma_dense,
    turned_rows,
    weight_dense,
)
from recover.certificates.phase.free import (
    FILTER,
    SYMMETRIC,
    free_fits,
    sigma_free,
    symmetric_fits,
    weight_free,
)
from recover.certificates.phase.rows import Magnitudes
from recover.certificates.phase.stage import Stage, carried, distances, reach
from recover.certificates.phase.statements import DELTA
from recover.core.arrays import Array
from recover.core.rounding import binary_exponent, down, scale, up
from recover.frames.bounds import subframe_lower

__all__ = ["Numbers", "Search", "find_steps", "prove_numbers", "spread"]

# parts of the coefficients that are left out, the smallest first
SHARES = (0.0, 0.002, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
FEW_SHARES = (0.0, 0.03, 0.1, 0.2, 0.35)
TWO_SHARES = (0.0, 0.1)
SMALL, MEDIUM = 130, 400  # unknowns for which so many are tried
QUICK_DENSE = 1000  # unknowns for matrices where no budget is given and there is another way
QUICK_DRAWN = 2**17  # coefficients up to which two drawn proofs take about a second
QUICK_WORK, QUICK_STEPS = 2**25, 150  # coefficients over all steps of a start; but so many
ALLOWANCES = 3  # the prover's rounding and a verifier's on other hardware
SHADE = 2.0**-10  # a drawn bound is stated lower by this much: another draw proves it too
SHADE_SHORT = 0.2  # where rounding or the number of steps ended it: draws differ more then
# time of a proof in estimates, and of a drawn bound close to the value in rough ones
PROOF, CLOSE = 4.0, 4.0
FRAME, DENSE = "frame", "dense"
REAL, SPREAD, WEIGHTED = "real", "spread", "weighted"


class _Clock(NamedTuple):
    """A budget in seconds, and when it began."""

    seconds: float
    start: float

    def allows(self, more: float) -> bool:
        """Tell whether `more` times what was spent so far still fits."""
        return (time.monotonic() - self.start) * (1.0 + more) <= self.seconds


class Numbers(NamedTuple):
    """The numbers of a step with how they were proved.

    Parameters
    ----------
    threshold, sigma, weight : float
    values : dict
        The routes, and what their proofs need.
    """

    threshold: float
    sigma: float
    weight: float
    values: dict[str, float | str]


class Search(NamedTuple):
    """What a search has found: the steps, and the largest deviation that could be carried.

    `widest` are the proved numbers that reach farthest, whatever the deviation.
    """

    steps: list[tuple[Stage, dict[str, float | str]]]
    carried: float
    widest: Numbers | None


def spread(magnitudes: Magnitudes, threshold: float, sigma: float) -> float:
    """Return the weight ``sqrt(B - s^2) / theta``, rounded up."""
    upper = magnitudes.upper
    return up(math.sqrt(max(up(upper - down(sigma * sigma)), 0.0)) / threshold, 4)


def find_steps(
    magnitudes: Magnitudes, budget: float | None, rng: np.random.Generator
) -> Search | None:
    """Return the steps found; None if the proof would be too large.

    Parameters
    ----------
    magnitudes : Magnitudes
    budget : float, optional
        Seconds that may be spent.  One proof is made in any case, however long it takes; a
        second one only where it is expected to end in time.
    rng : Generator
    """
    clock = _Clock(math.inf if budget is None else budget, time.monotonic())
    free, banded = free_fits(magnitudes), bands_fit(magnitudes)
    quick = budget is None and (free or banded)
    dense = dense_fits(magnitudes, QUICK_DENSE) if quick else dense_fits(magnitudes)
    structured = magnitudes.frame.real_coefs and not _restricted(magnitudes)
    if structured or dense:
        return _searched(magnitudes, clock)
    if banded:
        return _banded(magnitudes)
    return _drawn(magnitudes, budget is not None, clock, rng) if free else None


def _thresholds(magnitudes: Magnitudes, shares: tuple[float, ...]) -> list[float]:
    ordered = np.sort(magnitudes.ratio[magnitudes.ratio > 0.0], axis=None)
    if ordered.size == 0:
        return []
    ordered = ordered[ordered > 1e-11 * ordered[-1]]
    places = sorted({int(share * ordered.size) for share in shares})
    return [float(ordered[place]) * (1.0 - 1e-6) for place in places]


def _searched(magnitudes: Magnitudes, clock: _Clock) -> Search:
    """Try several thresholds with estimates, prove the widest step and the closest one.

    At least one threshold is tried and one step proved, whatever time is left.
    """
    n = magnitudes.unknowns
    shares = SHARES if n <= SMALL else FEW_SHARES if n <= MEDIUM else TWO_SHARES
    tried: list[tuple[float, float, float, float]] = []  # high, low, threshold, carried
    largest, best = 0.0, _thresholds(magnitudes, (0.0,))
    for count, threshold in enumerate(_thresholds(magnitudes, shares)):
        # a proof takes a few times as long as an estimate
        if count > 0 and not clock.allows(1.0 + PROOF / count):
            break
        sigma, weight = _estimates(magnitudes, threshold)
        tau = magnitudes.deviation(magnitudes.kept(threshold), ALLOWANCES)
        if carried(threshold, sigma, weight) > largest:
            largest, best = carried(threshold, sigma, weight), [threshold]
        found = distances(threshold, sigma, weight, tau)
        if found is not None:
            tried.append((found[1], found[0], threshold, largest))
    if not tried:
        return Search([], largest, _farthest([prove_numbers(magnitudes, t) for t in best]))
    widest = max(tried)
    nearest = min(tried, key=lambda one: one[1])
    numbers = prove_numbers(magnitudes, widest[2])
    first_step = _step(magnitudes, numbers)
    if first_step is None:
        return Search([], largest, _farthest([numbers]))
    steps = [first_step]
    if nearest[1] < 0.99 * widest[1] and clock.allows(0.5):
        second = _step(magnitudes, prove_numbers(magnitudes, nearest[2]))
        if second is not None and second[0].low < first_step[0].low <= second[0].high:
            steps.append(second)
    return Search(steps, largest, numbers)


def _estimates(magnitudes: Magnitudes, threshold: float) -> tuple[float, float]:
    """Estimate s and W, to choose a threshold by."""
    if magnitudes.frame.real_coefs and not _restricted(magnitudes):
        keep = magnitudes.kept(threshold)
        return math.sqrt(subframe_lower(magnitudes.frame, keep).value), 0.0
    turned = turned_rows(magnitudes, threshold)
    rows = turned.linear
    if rows.shape[0] < rows.shape[1]:
        return 0.0, math.inf
    least = float(eigvalsh(rows.T @ rows, subset_by_index=[0, 0])[0])
    sigma = math.sqrt(max(least, 0.0))
    if turned.bent.size == 0:
        return sigma, 0.0
    v, e = np.ones(rows.shape[1]), binary_exponent(turned.bent)
    bent = scale(turned.bent, -e)  # its squares are in range
    for _ in range(20):
        v = bent.T @ (bent @ (v / np.linalg.norm(v)))
    weight = math.ldexp(math.sqrt(float(np.linalg.norm(v))), e)
    return sigma, min(weight, spread(magnitudes, threshold, sigma))


def _restricted(magnitudes: Magnitudes) -> bool:
    return magnitudes.columns.size < magnitudes.frame.signal_size


def prove_numbers(magnitudes: Magnitudes, threshold: float) -> Numbers:
    """Prove the two numbers with matrices, or by the frame's structure for real ones."""
    if magnitudes.frame.real_coefs and not _restricted(magnitudes):
        found = subframe_lower(magnitudes.frame, magnitudes.kept(threshold))
        root = down(math.sqrt(found.value) * (1.0 - 2.0**-50), 2)
        values: dict[str, float | str] = {"route": FRAME, "inner": found.route}
        return Numbers(threshold, max(root, 0.0), 0.0, {**values, "weight_route": REAL})
    turned: Turned = turned_rows(magnitudes, threshold)
    sigma, inner = sigma_dense(turned)
    values = {"route": DENSE, "inner": inner}
    if magnitudes.frame.real_coefs:
        return Numbers(threshold, sigma, 0.0, {**values, "weight_route": REAL})
    plain = spread(magnitudes, threshold, sigma)
    weight = weight_dense(turned, threshold)
    if weight < plain:
        return Numbers(threshold, sigma, weight, {**values, "weight_route": WEIGHTED})
    return Numbers(threshold, sigma, plain, {**values, "weight_route": SPREAD})


def _banded(magnitudes: Magnitudes) -> Search:
    """Prove one or two steps with banded matrices, the farther one first."""
    proved = []
    for threshold in reversed(_thresholds(magnitudes, TWO_SHARES)):
        sigma = sigma_bands(magnitudes, magnitudes.kept(threshold))
        values: dict[str, float | str] = {"route": BANDS, "weight_route": SPREAD}
        weight = spread(magnitudes, threshold, sigma)
        proved.append(Numbers(threshold, sigma, weight, values))
    return _joined(magnitudes, proved)


def _drawn(
    magnitudes: Magnitudes, thorough: bool, clock: _Clock, rng: np.random.Generator
) -> Search:
    """Prove one or two steps with random vectors; the second one if time allows it."""
    thresholds = _thresholds(magnitudes, TWO_SHARES)
    # far out without the smallest coefficients, then close with all of them; where that takes
    # long and no time is given, the other way round and no farther than needed
    small = magnitudes.frame.coef_size <= QUICK_DRAWN
    plan = ((1, 0.3), (0, 0.017)) if thorough else ((1, 0.25), (0, 0.25))
    plan = plan if thorough or small else plan[::-1]
    proved: list[Numbers] = []
    for which, loss in plan:
        if which < len(thresholds):
            patience = 2**12 if thorough else QUICK_WORK // magnitudes.frame.coef_size
            numbers = _draw(magnitudes, thresholds[which], (loss, patience), rng, which == 1)
            proved.append(numbers)
            enough = not (clock.allows(CLOSE) if thorough else small)
            if enough and _step(magnitudes, numbers) is not None:
                break
    return _joined(magnitudes, proved)


def _joined(magnitudes: Magnitudes, proved: list[Numbers]) -> Search:
    """Return the steps of these numbers that go on from one another."""
    steps: list[tuple[Stage, dict[str, float | str]]] = []
    for numbers in proved:
        step = _step(magnitudes, numbers)
        if step is not None and (not steps or step[0].low < steps[-1][0].low <= step[0].high):
            steps.append(step)
    largest = max((carried(*numbers[:3]) for numbers in proved), default=0.0)
    return Search(steps, largest, _farthest(proved))


def _farthest(proved: list[Numbers]) -> Numbers | None:
    """Return the numbers that hold to the largest distance, if their sigma is not much less."""
    best = max((numbers.sigma for numbers in proved), default=0.0)
    fine = [numbers for numbers in proved if numbers.sigma > 0.5 * best]
    return max(fine, key=lambda numbers: reach(*numbers[:3]), default=None)


def _draw(
    magnitudes: Magnitudes,
    threshold: float,
    effort: tuple[float, int],
    rng: np.random.Generator,
    weighted: bool,
) -> Numbers:
    """Prove numbers with random vectors; the effort is what may be lost, and the steps."""
    keep: Array = magnitudes.kept(threshold)
    loss, steps = effort
    most, chance = max(steps, QUICK_STEPS), DELTA / 4.0
    route = SYMMETRIC if symmetric_fits(magnitudes, keep) else FILTER
    found = sigma_free(magnitudes, keep, chance, rng, loss=loss, steps=most)
    if not found.met and route == SYMMETRIC:  # rounding ended it: draws differ much then
        route = FILTER
        found = sigma_free(magnitudes, keep, chance, rng, loss=loss, steps=most, route=route)
    shade = SHADE if found.met else SHADE_SHORT
    sigma = down(found.value * (1.0 - shade), 2) if found.value > 0.0 else 0.0
    values: dict[str, float | str] = {"route": route, "near": found.near}
    plain = spread(magnitudes, threshold, sigma)
    if weighted and sigma > 0.0:
        heavy = weight_free(magnitudes, keep, DELTA / 4.0, rng)
        weight = up(heavy.value * (1.0 + SHADE), 2)
        if weight < plain:
            values |= {"weight_route": WEIGHTED, "weight_near": heavy.near}
            return Numbers(threshold, sigma, weight, values)
    return Numbers(threshold, sigma, plain, {**values, "weight_route": SPREAD})


def _step(
    magnitudes: Magnitudes, numbers: Numbers
) -> tuple[Stage, dict[str, float | str]] | None:
    tau = magnitudes.deviation(magnitudes.kept(numbers.threshold), ALLOWANCES)
    found = distances(numbers.threshold, numbers.sigma, numbers.weight, tau)
    if found is None:
        return None
    stage = Stage(numbers.threshold, numbers.sigma, numbers.weight, *found)
    return stage, numbers.values
