"""Verdicts on large layers, with one thread; run with ``python tests/bench/bench_layers.py``.

A layer from R^64 to R^640 with unit rows on the unit ball, frame bias -0.9, is to be decided in
20 s; one from R^784 to R^8000 answered in 60 s with a bracket and the fewest active neurons
found.  Beside each stands what the same machine needs for a full singular value decomposition
of the weights, so that the figures mean something elsewhere.  Then the share of undecided small
stacks, by how they were decided, and the time of inversion.
"""

import collections
import itertools
import math
import sys
import time

import numpy as np

import recover as rv

DECIDED, ANSWERED = 20.0, 60.0  # seconds


def timed(call):
    """Return the result, seconds, and CPU seconds of a call."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = call()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def unit_rows(rng, m, n):
    """Return m random unit vectors of R^n as rows."""
    rows = rng.standard_normal((m, n))
    return rows / np.linalg.norm(rows, axis=1)[:, None]


def tell(name, weights, biases, budget, allowed):
    """Analyse a layer, and print what came out, its time, and the time of verification."""
    out = sys.stdout.write
    _, _, peer = timed(lambda: np.linalg.svd(weights, compute_uv=False))
    found, wall, cpu = timed(lambda: rv.layers.analyse(weights, biases, budget=budget))
    active, layer = found.min_active, found.layers[0]
    critical = "-" if layer.critical_bias is None else (
        f"[{layer.critical_bias.lower:.4f}, {layer.critical_bias.upper:.4f}]"
    )  # fmt: skip
    out(
        f"{name}: {found.verdict}, kappa in "
        f"[{found.kappa.lower:.5g}, {found.kappa.upper:.5g}], active {active.lower} (proved) "
        f"to {active.count} (found), critical frame bias "
        f"{critical}\n  {wall:.1f} s, {cpu:.1f} s CPU (allowed {allowed:g} s), "
        f"{cpu / peer:.1f} times a singular value decomposition\n"
    )
    if layer.certificate is not None:
        bias = 0.0 if biases is None else -biases
        model = rv.ReLU(rv.frames.Dense(weights), bias)
        verdict, wall, cpu = timed(lambda: rv.verify(layer.certificate, model))
        out(f"  proved again: {verdict.accepted}, {wall:.1f} s, {cpu:.1f} s CPU\n")


def stacks(count):
    """Print how random stacks with biases are decided."""
    out = sys.stdout.write
    for sizes, bias, radius in (
        ((2, 10, 8), 0.0, 1.0), ((3, 24, 8), 0.3, 1.0), ((4, 24, 9), 0.3, 1.0),
        ((3, 24, 16), 0.3, 0.1), ((4, 12, 10, 9), 0.3, 0.02),
    ):  # fmt: skip
        how = collections.Counter()
        for seed in range(count):
            rng = np.random.default_rng(seed)
            weights = [
                rng.standard_normal((m, n)) / math.sqrt(n) for n, m in itertools.pairwise(sizes)
            ]
            biases = [np.full(len(w), bias) for w in weights]
            found = rv.layers.analyse(weights, biases, radius=radius, budget=3.0)
            way = found.verdict.value
            if found.folded is not None:
                way += ", folded"
            elif "two pieces" in (found.reason or ""):
                way += ", pieces meet"
            how[way] += 1
        shown = "; ".join(f"{way}: {k}" for way, k in how.most_common())
        out(f"{' -> '.join(map(str, sizes))}, bias {bias}, radius {radius}: {shown}\n")


def inversion():
    """Print the time of inverting one layer and a stack."""
    rng = np.random.default_rng(0)
    for sizes in ((64, 640), (784, 2400), (3, 24, 240)):
        weights = [
            rng.standard_normal((m, n)) / math.sqrt(n) for n, m in itertools.pairwise(sizes)
        ]
        x = rng.standard_normal(sizes[0])
        y = x
        for w in weights:
            y = np.maximum(w @ y, 0.0)
        found, wall, cpu = timed(lambda w=weights, y=y: rv.layers.invert(w, None, y))
        error = np.linalg.norm(found.signal - x) / np.linalg.norm(x)
        sys.stdout.write(
            f"invert {' -> '.join(map(str, sizes))}: relative error {error:.1e}, proved at "
            f"most {found.error_bound / np.linalg.norm(x):.1e}; {wall:.2f} s, {cpu:.2f} s CPU\n"
        )


def main() -> None:
    rng = np.random.default_rng(0)
    tell("R^64 to R^640, bias -0.9", unit_rows(rng, 640, 64), np.full(640, 0.9), 20.0, DECIDED)
    wide = unit_rows(rng, 8000, 784)
    tell("R^784 to R^8000, no bias", wide, None, 45.0, ANSWERED)
    tell("R^784 to R^8000, bias -0.6", wide, np.full(8000, 0.6), 45.0, ANSWERED)
    stacks(8)
    inversion()


if __name__ == "__main__":
    main()
