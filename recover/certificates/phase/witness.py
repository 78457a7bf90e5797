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
from recover.certificates.phase.filter import inner, unit
from recover.certificates.phase.rows import Magnitudes
from recover.core.arrays import Array
from recover.core.rounding import U, down, gamma, norm_lower, norm_upper, up

__all__ = ["find_witness", "witness_ratio"]


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
