"""Brackets, times and nodes of the a priori search: run `python tests/bench/bench_search.py`.

One core, random unit rows (seed 0).  The last column is what 20,000 random signals believe the
smallest eigenvalue to be: where it exceeds the proved value, sampling was too optimistic.
"""

import sys
import time

import numpy as np

from recover.certificates.apriori import certify_apriori
from recover.certificates.verify import verify
from recover.frames.dense import Dense
from recover.models.domains import Ball, Everywhere
from recover.models.modulus import Modulus
from recover.models.relu import ReLU
from recover.models.saturation import Saturation

# (model, n, m, parameter, seconds of the prototype that enumerates supports, None where open)
CASES = [
    ("relu", 4, 100, 0.0, 1.8), ("relu", 5, 60, 0.0, 7.2), ("relu", 6, 40, 0.0, 12.8),
    ("relu", 8, 28, 0.0, 42.8), ("relu", 10, 24, 0.0, 59.6),
    ("relu", 4, 30, -0.2, 1.2), ("relu", 6, 40, -0.5, 4.7), ("relu", 8, 60, -0.7, 2.1),
    ("relu", 10, 60, -0.7, 1.7), ("relu", 16, 100, -0.8, 3.2), ("relu", 32, 200, -0.9, 10.9),
    ("saturation", 3, 30, 0.6, 0.7), ("saturation", 4, 60, 0.6, 9.8),
    ("saturation", 6, 40, 0.7, 2.7), ("saturation", 8, 60, 0.8, 2.9),
    ("saturation", 10, 100, 0.85, 5.0), ("saturation", 16, 100, 0.85, 0.4),
    ("saturation", 16, 100, 0.7, 12.2), ("saturation", 6, 40, 0.5, 12.3),
    ("saturation", 32, 300, 0.9, 1.1), ("saturation", 64, 600, 0.9, 5.1),
    ("modulus", 3, 30, 0.0, 10.0), ("modulus", 4, 40, 0.0, 33.0), ("modulus", 6, 30, 0.0, 2.6),
    ("modulus", 8, 32, 0.0, 7.9), ("modulus", 10, 30, 0.0, 32.0),
    ("saturation", 8, 40, 0.5, None), ("saturation", 8, 60, 0.6, None),
    ("saturation", 10, 60, 0.6, None), ("saturation", 16, 100, 0.6, None),
    ("saturation", 32, 200, 0.7, None), ("modulus", 6, 36, 0.0, None),
    ("modulus", 10, 36, 0.0, None), ("modulus", 16, 40, 0.0, None),
    ("relu", 32, 2000, -0.4, None), ("saturation", 32, 2000, 0.7, None),
]  # fmt: skip


def unit_rows(n: int, m: int) -> np.ndarray:
    rows = np.random.default_rng(0).standard_normal((m, n))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def subject(kind: str, n: int, m: int, parameter: float):
    frame = Dense(unit_rows(n, m))
    if kind == "relu":
        return ReLU(frame, parameter), Ball(1.0)
    if kind == "saturation":
        return Saturation(frame, -parameter, parameter), Ball(1.0)
    return Modulus(frame), Everywhere()


def sampled(kind: str, rows: np.ndarray, parameter: float, count: int = 20_000) -> float:
    """Return the least eigenvalue that random signals (or random splits) show."""
    rng = np.random.default_rng(1)
    n = rows.shape[1]
    best = np.inf
    for _ in range(count // 2000):
        x = rng.standard_normal((2, 2000, n))
        t = (x / np.linalg.norm(x, axis=2, keepdims=True)) @ rows.T
        keeps = [t[0] > parameter] if kind == "relu" else [np.abs(t[0]) < parameter]
        if kind == "modulus":
            keeps = [np.abs(t[0]) < np.abs(t[1]), np.abs(t[0]) >= np.abs(t[1])]
        values = sum(
            np.linalg.eigvalsh(
                np.einsum("bm,mi,mj->bij", k.astype(float), rows, rows, optimize=True)
            )[:, 0]
            for k in keeps
        )
        best = min(best, float(values.min()))
    return best


def run(
    kind: str, n: int, m: int, parameter: float, prototype: float | None, budget: float
) -> str:
    model, scope = subject(kind, n, m, parameter)
    start = time.process_time()
    cert = certify_apriori(model, scope, budget=0.0 if m >= 2000 else budget)
    searched = time.process_time() - start
    start = time.process_time()
    accepted = verify(cert, model).accepted
    verified = time.process_time() - start
    values = cert.evidence.values
    believed = sampled(kind, model.frame.rows, parameter) if m < 2000 else np.nan
    gain = "open" if prototype is None else f"{prototype / searched:.1f}x"
    return (
        f"{kind:10} {n:3} {m:5} {parameter:6.2f}  A=[{values['eigenvalue_lower']:.6f}, "
        f"{values['eigenvalue_upper']:.6f}] {'closed' if values['closed'] else 'OPEN':6} "
        f"kappa=[{cert.kappa.lower:.4f}, {cert.kappa.upper:.4f}] {searched:7.2f}s "
        f"verify {verified:6.2f}s {'ok' if accepted else 'REFUSED'} {values['nodes']:>8} nodes "
        f"{gain:>6}  sampled {believed:.4f}"
    )


if __name__ == "__main__":
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    for case in CASES:
        print(run(*case, seconds), flush=True)
