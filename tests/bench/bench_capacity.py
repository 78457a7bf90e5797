"""CPU time of the capacities, one thread; run with ``python tests/bench/bench_capacity.py``.

The peer of a fully lifted value is the textbook way to the same number: nested Gauss-Hermite
sums of the functional at the optimum, whose error is printed beside its time.
"""

import math
import sys
import time

import numpy as np

from recover.theory import (
    deep_injectivity_capacity,
    injectivity_capacity,
    injectivity_failure_bound,
    min_active_fraction,
    minimal_rows,
)
from recover.theory.descent import capacity_optimum
from recover.theory.lifted import Lifting, _innermost, energies
from recover.theory.width import width_after


def timed(call):
    """Return the result and CPU seconds of a call with empty caches."""
    capacity_optimum.cache_clear()
    width_after.cache_clear()
    start = time.process_time()
    result = call()
    return result, time.process_time() - start


def hermite_loss(lifting: Lifting, nodes: int) -> float:
    """Return the loss term by tensor Gauss-Hermite sums."""
    z, weight = np.polynomial.hermite_e.hermegauss(nodes)
    weight = weight / weight.sum()
    deviations = [math.sqrt(lifting.overlaps[0]), *lifting.steps]
    tilts = lifting.tilts

    def g(level, h):
        if level == len(tilts) - 1:
            return _innermost(h, lifting.chi, lifting.steps[-1], tilts[-1]) / tilts[-1]
        inner = g(level + 1, h[..., None] + deviations[level + 1] * z)
        return np.log(np.exp(tilts[level] * inner) @ weight) / tilts[level]

    return -float(weight @ g(0, deviations[0] * z))


def main() -> None:
    out = sys.stdout.write
    for level, allowed in ((2, 0.24), (3, 1.0), (4, 4.0), (5, 12.0), (6, math.inf)):
        capacity, seconds = timed(lambda r=level: injectivity_capacity("lifted", r))
        out(f"level {level}: {capacity.value:.10f} +- {capacity.accuracy:.0e}  "
            f"{seconds:.3f} s (allowed {allowed:g} s)\n")  # fmt: skip
    for method in ("plain", "partial", "limit"):
        capacity, seconds = timed(lambda m=method: injectivity_capacity(m))
        out(f"{method}: {capacity.value:.15f} +- {capacity.accuracy:.0e}  {seconds:.4f} s\n")
    for count, criterion, method in (
        (6, "weak", "plain"), (6, "strong", "plain"), (4, "weak", "partial"),
        (4, "strong", "partial"), (6, "unit_multiplier", "plain"),
    ):  # fmt: skip
        chain, seconds = timed(
            lambda a=(count, criterion, method): deep_injectivity_capacity(*a)
        )
        values = " ".join(f"{value:.6f}" for value in chain.values)
        out(f"{criterion} {method}: {values}  {seconds:.3f} s\n")
    for level in (1, 2, 3):
        value, seconds = timed(lambda r=level: min_active_fraction(4.0, r))
        out(f"least active fraction at 4, level {level}: {value:.10f}  {seconds:.3f} s\n")
    for call in (
        lambda: injectivity_failure_bound(90866, 10000),
        lambda: minimal_rows(1000, 0.01),
    ):
        value, seconds = timed(call)
        out(f"finite size: {value:g}  {seconds:.4f} s\n")

    optimum = capacity_optimum(3, 1.0)
    (_, loss), ours = timed(lambda: energies(optimum.lifting, optimum.lifting.spacing(4)))
    exact = energies(optimum.lifting, optimum.lifting.spacing(10))[1]
    out(f"one level-3 functional: {ours * 1e3:.2f} ms, relative error {loss / exact - 1:.0e}\n")
    for nodes in (64, 96, 160):
        peer, seconds = timed(lambda k=nodes: hermite_loss(optimum.lifting, k))
        out(f"  Gauss-Hermite {nodes} nodes: {seconds / ours:.1f} times our time, "
            f"relative error {peer / exact - 1:.0e}\n")  # fmt: skip


if __name__ == "__main__":
    main()
