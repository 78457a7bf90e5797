"""Pairs of orthogonal signals whose magnitudes hardly differ, for complex frames.

The ratio is smallest at orthogonal signals (see `lipschitz.pair_ratio_upper`), where it is
smooth around its minima: the search is a descent over x orthogonal to y, from many starts.
"""

from __future__ import annotations

import numpy as np

from recover.certificates.lipschitz import pair_ratio_upper
from recover.certificates.search.clock import Clock
from recover.core.arrays import Array
from recover.core.progress import Progress

__all__ = ["orthogonal_pair"]

STARTS, POLISHED = 64, 6
ROUNDS = 60
WORK = 2_000_000  # numbers in the coefficients of one round


def orthogonal_pair(
    rows: Array, real_signal: bool, clock: Clock, rng: np.random.Generator
) -> tuple[Array, Array, float, int]:
    """Return two signals, their ratio rounded up, and the number of pairs evaluated.

    Parameters
    ----------
    rows : array [shape=(m, n), complex]
        Scaled to entries below 1.
    real_signal : bool
        Whether signals are real; the pair is.
    clock : Clock
        Ends the descent; at least one round is made.
    rng : Generator
        For the starts.
    """
    m, n = rows.shape
    if n == 1:
        # x and 0: there is no other orthogonal pair
        one = np.ones(1, dtype=np.float64 if real_signal else np.complex128)
        return one, 0.0 * one, pair_ratio_upper(rows, one, 0.0 * one), 1
    starts = int(np.clip(WORK // (4 * m), 8, STARTS))
    x, y = _starts(rows, real_signal, starts, rng)
    step = 0.5 / max(float(np.linalg.norm(rows, 2)) ** 2, 1e-300)
    done = 0
    for done in range(1, ROUNDS + 1):
        # for fixed phases the sum of squares is quadratic with curvature at most |rows|^2
        a, b = x @ rows.T, y @ rows.T
        p, q = _units(a), _units(b)
        gap = np.abs(a) - np.abs(b)
        x, y = _orthogonal(
            x - step * _adjoint(rows, gap * p, real_signal),
            y + step * _adjoint(rows, gap * q, real_signal),
        )
        if clock.stops(Progress(done, ROUNDS, float((gap**2).sum(axis=1).min()))):
            break
    gap = np.abs(x @ rows.T) - np.abs(y @ rows.T)
    order = np.argsort((gap**2).sum(axis=1))
    best = _checked(rows, x[order[0]], y[order[0]])
    for k in order[:POLISHED].tolist():
        if clock.left <= 0.0:
            break
        found = _checked(rows, *_polished(rows, x[k], y[k], real_signal))
        best = min(best, found, key=lambda pair: pair[2])
    return *best, starts * done


def _checked(rows: Array, x: Array, y: Array) -> tuple[Array, Array, float]:
    return x, y, pair_ratio_upper(rows, x, y)


def _units(c: Array) -> Array:
    size = np.abs(c)
    units: Array = np.where(size > 0.0, c / np.where(size > 0.0, size, 1.0), 0.0)
    return units


def _adjoint(rows: Array, c: Array, real_signal: bool) -> Array:
    signal: Array = c @ rows.conj()
    return signal.real if real_signal else signal


def _orthogonal(x: Array, y: Array) -> tuple[Array, Array]:
    """Make pairs (B, n) orthogonal by moving both alike, and of norm 1 together."""
    inner = (x.conj() * y).sum(axis=1, keepdims=True)
    size_x = np.maximum((np.abs(x) ** 2).sum(axis=1, keepdims=True), 1e-300)
    size_y = np.maximum((np.abs(y) ** 2).sum(axis=1, keepdims=True), 1e-300)
    first = size_x >= size_y  # the shorter one gives way
    x, y = (
        np.where(first, x, x - inner.conj() / size_y * y),
        np.where(first, y - inner / size_x * x, y),
    )
    size = np.sqrt((np.abs(x) ** 2 + np.abs(y) ** 2).sum(axis=1, keepdims=True))
    return x / size, y / size


def _starts(
    rows: Array, real_signal: bool, count: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    m, n = rows.shape
    u, v = rng.standard_normal((2, count, n)) + (
        0.0 if real_signal else 1j * rng.standard_normal((2, count, n))
    )
    # half of them x = u + v, y = u - v with u hardly seen by one set of rows, v by the others
    for k in range(count // 2):
        split = rng.random(m) < 0.5 if k % 2 else np.arange(m) < (k // 2) % (m + 1)
        shuffled = rng.permutation(m)
        u[k] = _lowest(rows[shuffled[split]], n, real_signal)
        v[k] = _lowest(rows[shuffled[~split]], n, real_signal)
    inner = (u.conj() * v).sum(axis=1, keepdims=True)
    size = np.abs(inner)
    turn = np.where(size > 0.0, inner / np.where(size > 0.0, size, 1.0), 1.0)
    v = v * turn.conj()
    length = np.sqrt((np.abs(u) ** 2).sum(axis=1, keepdims=True))
    other = np.sqrt((np.abs(v) ** 2).sum(axis=1, keepdims=True))
    v = v * (length / other)
    return _orthogonal(u + v, u - v)


def _lowest(kept: Array, n: int, real_signal: bool) -> Array:
    operator = kept.conj().T @ kept if len(kept) else np.zeros((n, n))
    bottom: Array = np.linalg.eigh(operator.real if real_signal else operator)[1][:, 0]
    return bottom


def _polished(rows: Array, x: Array, y: Array, real_signal: bool) -> tuple[Array, Array]:
    """Descend to a stationary pair over (p, q), with y = q and x the part of p across q."""
    from scipy.optimize import minimize

    n = rows.shape[1]
    long, short = (x, y) if np.linalg.norm(x) >= np.linalg.norm(y) else (y, x)

    def split(flat: Array) -> tuple[Array, Array]:
        if real_signal:
            return flat[:n], flat[n:]
        z = flat[: 2 * n] + 1j * flat[2 * n :]
        return z[:n], z[n:]

    def joined(p: Array, q: Array) -> Array:
        z = np.concatenate([p, q])
        return z if real_signal else np.concatenate([z.real, z.imag])

    def value(flat: Array) -> tuple[float, Array]:
        p, q = split(flat)
        size = float(np.vdot(q, q).real)
        share = np.vdot(q, p) / size
        first = p - share * q
        a, b = rows @ first, rows @ q
        gap = np.abs(a) - np.abs(b)
        total = float(np.vdot(first, first).real) + size
        ratio = float(gap @ gap) / total
        slope_x = 2.0 * (_adjoint(rows, gap * _units(a), real_signal) - ratio * first) / total
        slope_y = 2.0 * (_adjoint(rows, -gap * _units(b), real_signal) - ratio * q) / total
        across = np.vdot(slope_x, q)
        slope_p = slope_x - np.conj(across) / size * q
        slope_q = (
            slope_y
            - np.conj(share) * slope_x
            - across / size * first
            + np.conj(across * share) / size * q
        )
        return ratio, joined(slope_p, slope_q)

    found = minimize(
        value,
        joined(short, long),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 1000, "ftol": 1e-16, "gtol": 1e-11},
    )
    p, q = split(found.x)
    first, second = _orthogonal((p - np.vdot(q, p) / np.vdot(q, q) * q)[None], q[None])
    return first[0], second[0]
