"""Brackets, times and nodes of the a priori search: run `python tests/bench/bench_search.py`.

One core, random unit rows (seed 0), process time.  Four tables: against plain enumeration of
all splits, or of all supports of points of least norm, in the same run; kappa narrowed by pairs
of cells; certificates without a record, covered again by the verifier; brackets of frames
beyond enumeration, the last column being what 20,000 random signals believe the smallest
eigenvalue to be (where it exceeds the proved value, sampling was too optimistic).
"""

import itertools
import sys
import time

import numpy as np

import recover.certificates.search.tree as record
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


# small enough for plain enumeration: 2^(m-1) splits, or all supports of up to n sides
ENUMERATED = [
    ("modulus", 4, 16, 0.0), ("modulus", 4, 18, 0.0), ("modulus", 4, 21, 0.0),
    ("saturation", 3, 30, 0.6), ("saturation", 4, 40, 0.6), ("saturation", 5, 30, 0.6),
    ("relu", 3, 30, -0.3), ("relu", 4, 60, -0.3), ("relu", 5, 40, -0.5),
]  # fmt: skip
# the enclosure of kappa, narrowed by pairs of cells: model, n, m, parameter, budget
NARROWED = [
    ("relu", 3, 12, -0.4, 60.0), ("relu", 3, 16, -0.3, 60.0), ("relu", 3, 16, 0.0, 60.0),
    ("relu", 4, 16, -0.4, 240.0), ("relu", 4, 20, -0.4, 240.0),
    ("saturation", 3, 10, 0.75, 60.0), ("saturation", 4, 16, 0.75, 240.0),
    ("saturation", 4, 20, 0.7, 480.0),
]  # fmt: skip
UNRECORDED = [
    ("modulus", 8, 32, 0.0), ("saturation", 6, 40, 0.5), ("relu", 6, 40, -0.5),
]  # fmt: skip


def lowest(rows: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Return the smallest eigenvalues of sub-frames (B, m)."""
    m, n = rows.shape
    flat = (rows[:, :, None] * rows[:, None, :]).reshape(m, n * n)
    values = np.linalg.eigvalsh((keep.astype(float) @ flat).reshape(-1, n, n))[:, 0]
    return np.maximum(values, 0.0)


def enumerate_splits(rows: np.ndarray) -> float:
    """Return the least ``A_S + A_(S^c)`` over all splits, in batches."""
    m, best = len(rows), np.inf
    for start in range(0, 2 ** (m - 1), 4096):
        numbers = np.arange(start, min(start + 4096, 2 ** (m - 1)))
        split = (numbers[:, None] >> np.arange(m)) & 1 == 1
        best = min(best, float((lowest(rows, split) + lowest(rows, ~split)).min()))
    return best


def enumerate_supports(kind: str, rows: np.ndarray, level: float) -> float:
    """Return the least eigenvalue over the points of least norm of all sets of sides."""
    m, n = rows.shape
    signs = (1.0, -1.0) if kind == "saturation" else (-1.0,)
    bias = level if kind == "saturation" else -level
    best = float(lowest(rows, np.ones((1, m)))[0])
    for size in range(1, n + 1):
        chosen = np.array(list(itertools.combinations(range(m), size)))
        for sign in itertools.product(signs, repeat=size):
            a = rows[chosen] * np.array(sign)[None, :, None]
            c = np.linalg.solve(a @ a.transpose(0, 2, 1), np.full((len(a), size, 1), bias))
            x = (c.transpose(0, 2, 1) @ a)[:, 0]
            fine = (c[:, :, 0] >= 0.0).all(axis=1) & ((x**2).sum(axis=1) < 1.0)
            t = x[fine] @ rows.T
            active = np.abs(t) < level if kind == "saturation" else t > level
            active[np.arange(len(active))[:, None], chosen[fine]] = False
            if len(active):
                best = min(best, float(lowest(rows, active).min()))
    return best


def against_enumeration(kind: str, n: int, m: int, parameter: float) -> str:
    model, scope = subject(kind, n, m, parameter)
    rows = model.frame.rows
    start = time.process_time()
    cert = certify_apriori(model, scope, budget=60.0)
    searched = time.process_time() - start
    start = time.process_time()
    if kind == "modulus":
        value = enumerate_splits(rows)
    else:
        value = enumerate_supports(kind, rows, parameter)
    plain = time.process_time() - start
    values = cert.evidence.values
    agree = values["eigenvalue_lower"] <= value + 1e-9 and values["closed"]
    return (
        f"{kind:10} {n:3} {m:5} {parameter:6.2f}  A=[{values['eigenvalue_lower']:.6f}, "
        f"{values['eigenvalue_upper']:.6f}] enumerated {value:.6f} "
        f"{'ok' if agree else 'WRONG'} search {searched:6.2f}s "
        f"enumeration {plain:6.2f}s {plain / searched:6.1f}x"
    )


def without_record(kind: str, n: int, m: int, parameter: float) -> str:
    model, scope = subject(kind, n, m, parameter)
    kept, record.LARGEST_RECORD = record.LARGEST_RECORD, 3
    start = time.process_time()
    cert = certify_apriori(model, scope, budget=60.0)
    searched = time.process_time() - start
    record.LARGEST_RECORD = kept
    start = time.process_time()
    accepted = verify(cert, model).accepted
    covered = time.process_time() - start
    return (
        f"{kind:10} {n:3} {m:5} {parameter:6.2f}  search {searched:6.2f}s "
        f"cover {covered:6.2f}s {'ok' if accepted else 'REFUSED'} "
        f"{cert.evidence.values['nodes']} nodes"
    )


def narrowed(kind: str, n: int, m: int, parameter: float, budget: float) -> str:
    """Return kappa's enclosure beside what A alone gives (a width of 29 % where A is exact)."""
    model, scope = subject(kind, n, m, parameter)
    start = time.process_time()
    cert = certify_apriori(model, scope, budget=budget)
    searched = time.process_time() - start
    start = time.process_time()
    accepted = verify(cert, model).accepted
    verified = time.process_time() - start
    kappa, values = cert.kappa, cert.evidence.values
    width = 1.0 - kappa.lower / kappa.upper if kappa.upper > 0.0 else 0.0
    return (
        f"{kind:10} {n:3} {m:5} {parameter:6.2f}  kappa=[{kappa.lower:.7f}, {kappa.upper:.7f}] "
        f"width {width:.1e} {searched:6.2f}s verify {verified:6.2f}s "
        f"{'ok' if accepted else 'REFUSED'} {values['pair_nodes']} nodes"
    )


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
    for small in ENUMERATED:
        print(against_enumeration(*small), flush=True)
    for pairs in NARROWED:
        print(narrowed(*pairs), flush=True)
    for large in UNRECORDED:
        print(without_record(*large), flush=True)
    for case in CASES:
        print(run(*case, seconds), flush=True)
