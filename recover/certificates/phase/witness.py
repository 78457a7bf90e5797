"""A direction in which magnitudes hardly change: the upper end of kappa.

For a direction v and t > 0 the quotient of ``| |Phi(x_hat + t v)| - |Phi x_hat| |`` and the
distance of the two signals tends, as t falls to 0, to ``|a(v)| / |v'|`` with v' the part of v
at right angles to the lost direction and ``a_i = Re(conj(u_i) (Phi v)_i)``, or
``|(Phi v)_i|`` where ``z_i = 0``.  No lower Lipschitz constant at x_hat exceeds it, on whatever
ball around x_hat.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import eigh

from recover.certificates.phase.dense import turned_rows
from recover.certificates.phase.filter import Operator, inner, unit
from recover.certificates.phase.free import complement
from recover.certificates.phase.passes import Passes
from recover.certificates.phase.rows import Magnitudes
from recover.core.arrays import Array
from recover.core.rounding import U, down, gamma, norm_lower, norm_upper, up

__all__ = ["find_witness", "search_witness", "witness_ratio"]

WORK = 2**24  # coefficients, over all steps of a search
STEPS = (16, 500)  # the fewest and the most
PACE, SETTLED = 10, 0.02  # it ends when so many steps lower the value by less than this part


def witness_ratio(magnitudes: Magnitudes, witness: Array) -> float:
    """Return an upper bound of kappa from a direction; infinity if it is a useless one."""
    frame = magnitudes.frame
    c = frame.analysis(witness)
    size = norm_upper(witness)
    sizes, moduli = np.abs(magnitudes.coefs), np.abs(c)
    # where the phase is not known the modulus bounds its part
    sure = sizes > 4.0 * magnitudes.error
    phases = np.where(sure, magnitudes.coefs / np.where(sure, sizes, 1.0), 0.0)
    along = np.abs((phases.conj() * c).real)
    doubt = 2.0 * magnitudes.error / np.where(sure, sizes, 1.0) + 16.0 * U
    seen = np.where(sure, np.minimum(along + doubt * moduli, moduli), moduli)
    image = up(norm_upper(seen) * (1.0 + 16.0 * U) + frame.roundoff() * size, 4)
    length = norm_lower(witness)
    if magnitudes.phased:
        lost = unit(1j * magnitudes.signal)
        product, error = inner(lost, witness)
        off = up(abs(product.real) + (error + gamma(16)) * size, 4)
        length = down(math.sqrt(max(down(length * length - up(off * off), 2), 0.0)), 2)
    return up(image / length, 2) if length > 0.0 else math.inf


def find_witness(magnitudes: Magnitudes, threshold: float) -> Array:
    """Return the direction in which the linear part of coefficients above a threshold is least.

    Not proved, nor need it be; the matrices must be affordable.
    """
    rows = turned_rows(magnitudes, threshold).linear
    v = eigh(rows.T @ rows, subset_by_index=[0, 0])[1][:, 0]
    size = magnitudes.columns.size
    parts = v[:size] + 1j * v[size:] if magnitudes.phased else v
    witness: Array = np.zeros(magnitudes.frame.signal_size, dtype=parts.dtype)
    witness[magnitudes.columns] = parts
    return witness.reshape(magnitudes.frame.signal_shape)


def search_witness(magnitudes: Magnitudes, rng: np.random.Generator) -> Array:
    """Return such a direction without matrices, for all coefficients that are not zero.

    Conjugate gradients on the quotient: each step takes the best of the span of the direction,
    the residual and the last change [1]_.

    Parameters
    ----------
    magnitudes : Magnitudes
        Of a frame whose adjoint's rounding is known.
    rng : Generator
        Draws the direction to start from.

    References
    ----------
    .. [1] A. V. Knyazev, "Toward the optimal preconditioned eigensolver: locally optimal block
       preconditioned conjugate gradient method", SIAM J. Sci. Comput. 23 (2001) 517-541.
    """
    frame = magnitudes.frame
    phases, error = magnitudes.phases(magnitudes.ratio > 0.0)
    operator, top = complement(magnitudes, phases, error)
    steps = int(np.clip(WORK // frame.coef_size, *STEPS))
    best = _uppermost(operator, top, operator.draw(rng), steps)
    whole: Array = np.zeros(frame.signal_size, dtype=best.dtype)
    columns = Passes.of(magnitudes).columns
    whole[slice(None) if columns is None else columns] = best.reshape(-1)
    return whole.reshape(frame.signal_shape)


def _uppermost(operator: Operator, top: float, start: Array, steps: int) -> Array:
    """Return a vector whose quotient is nearly the largest eigenvalue, which is below `top`."""
    x = unit(start)
    pairs = [(x, operator.apply(x))]
    before = math.inf
    for k in range(steps):
        x, image = pairs[0]
        value = float(np.vdot(x, image).real)
        if k % PACE == 0:
            if top - value >= (1.0 - SETTLED) * before:
                break
            before = top - value
        rest = image - value * x
        size = float(np.linalg.norm(rest))
        if size <= 16.0 * U * top:
            break
        rest /= size
        basis = _orthonormal([pairs[0], (rest, operator.apply(rest)), *pairs[1:]])
        small = np.array([[np.vdot(a, image).real for _, image in basis] for a, _ in basis])
        y = eigh(small + small.T)[1][:, -1]
        change = _combined(basis[1:], y[1:])
        pairs = [_combined([basis[0], change], np.array([y[0], 1.0])), change]
    return pairs[0][0]


def _combined(pairs: list[tuple[Array, Array]], factors: Array) -> tuple[Array, Array]:
    vector = sum(float(f) * v for f, (v, _) in zip(factors, pairs, strict=True))
    image = sum(float(f) * w for f, (_, w) in zip(factors, pairs, strict=True))
    return np.asarray(vector), np.asarray(image)


def _orthonormal(pairs: list[tuple[Array, Array]]) -> list[tuple[Array, Array]]:
    """Make vectors orthonormal, and their images with them; drop what depends on the others."""
    basis: list[tuple[Array, Array]] = []
    for vector, image in pairs:
        v, w, size = vector, image, float(np.linalg.norm(vector))
        for a, b in basis:
            along = float(np.vdot(a, v).real)
            v, w = v - along * a, w - along * b
        left = float(np.linalg.norm(v))
        if left > 1e-8 * size:
            basis.append((v / left, w / left))
    return basis
