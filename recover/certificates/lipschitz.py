"""From eigenvalues and pairs of signals to the lower Lipschitz constant kappa.

``kappa = inf |F(x) - F(y)| / |x - y|`` over pairs of the domain.
"""

from __future__ import annotations

import math

import numpy as np

from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rounding import gamma, norm_lower, norm_upper, up

__all__ = [
    "clip_ratio_upper",
    "modulus_ratio_upper",
    "pair_ratio_upper",
    "published_lower",
    "published_modulus",
    "published_values",
    "relu_lower",
    "root_lower",
    "root_upper",
    "saturation_lower",
    "segment_share",
]


def root_lower(square: float) -> float:
    """Return the square root of a non-negative number, rounded down."""
    return Enclosure.exactly(max(square, 0.0)).sqrt().lower


def root_upper(square: float) -> float:
    """Return the square root of a non-negative number, rounded up.

    ``kappa <= sqrt(A_I)`` for the rows I in their bands at any signal x off all levels: around
    x, the others change nothing along the direction that these see least.
    """
    return Enclosure.exactly(max(square, 0.0)).sqrt().upper


def published_lower(eigenvalue: float) -> float:
    """Return ``sqrt(A) / 2``, the bound of the source for ReLU layers.

    References
    ----------
    .. [1] D. Freeman and D. Haider, "Optimal lower Lipschitz bounds for ReLU layers,
       saturation, and phase retrieval", arXiv 2502.09898.
    """
    return root_lower(eigenvalue) / 2.0


def published_modulus(eigenvalue: Enclosure, sigma: Enclosure) -> tuple[Enclosure, Enclosure]:
    """Return what the sources say of real modulus: enclosures of kappa and of A.

    ``sqrt(A) <= kappa <= sqrt(2) sigma`` and ``sigma^2 <= A <= 2 sigma^2``, where A is the
    smallest ``A_S + A_(S^c)`` and ``sigma^2`` the smallest ``max(A_S, A_(S^c))`` over all
    splits of the rows (the sigma-strong complement property).  In fact ``kappa = sqrt(A)``.

    Parameters
    ----------
    eigenvalue, sigma : Enclosure
        Of A and of sigma.

    References
    ----------
    .. [1] A. S. Bandeira, J. Cahill, D. G. Mixon and A. A. Nelson, "Saving phase: injectivity
       and stability for phase retrieval", Appl. Comput. Harmon. Anal. 37 (2014).
    .. [2] Freeman and Haider, arXiv 2502.09898.
    """
    square = sigma * sigma
    root = Enclosure.exactly(2.0).sqrt() * sigma
    kappa = Enclosure(root_lower(eigenvalue.lower), root.upper)
    return kappa, Enclosure(square.lower, (2.0 * square).upper)


def published_values(eigenvalue: Enclosure, sigma: Enclosure) -> dict[str, float | bool]:
    """Return sigma and both inequalities of `published_modulus` by name, as evidence."""
    kappa, square = published_modulus(eigenvalue, sigma)
    ends = {"sigma": sigma, "published_kappa": kappa, "published_eigenvalue": square}
    named = {}
    for name, enclosure in ends.items():
        named[f"{name}_lower"], named[f"{name}_upper"] = enclosure.lower, enclosure.upper
    return named


def relu_lower(eigenvalue: float) -> float:
    """Return ``sqrt(A / 2)``, a lower bound of kappa for ReLU on any convex domain.

    Let A be at most the smallest eigenvalue of ``sum phi_i phi_i^T`` over the rows active at
    any point of the domain, ``d = y - x`` and ``c_i = <d, phi_i>^2``.  Row i is active on an
    initial or a final piece of the segment, of length s_i, and contributes ``s_i^2 c_i`` to
    ``|F(x) - F(y)|^2``.  At almost every z_t of the segment the sums L(t) and R(t) of c_i over
    the initial and the final pieces that hold t have ``L + R >= A |d|^2``.  Hence
    ``sum s_i^2 c_i = int 2 t L(t) + 2 (1 - t) R(t) dt >= 2 A |d|^2 int min(t, 1 - t) dt
    = A |d|^2 / 2``.  The published factor, 1/4 instead of 1/2, uses the midpoint alone; a frame
    together with its negative attains 1/2.

    References
    ----------
    .. [1] Freeman and Haider, arXiv 2502.09898, for ``sqrt(A) / 2 <= kappa <= sqrt(A)``.
    """
    return root_lower(math.nextafter(max(eigenvalue, 0.0) / 2.0, 0.0))


def saturation_lower(
    eigenvalue: float, rows: Array, low: Array, high: Array, radius: float
) -> float:
    """Return a lower bound of kappa for clipping on the ball of the given radius.

    As for ReLU, but a row with two finite levels may be in its band on an inner piece of the
    segment alone, then of length ``(high - low) / |<d, phi>| >= w``, w the least of
    ``(high_i - low_i) / (2 R |phi_i|)``.  Weigh the segment by
    ``h(t) = min(2 t, 2 (1 - t), u)`` with u = 1, ``1 - sqrt(2 w - 3 w^2)``, w for w >= 2/3, in
    [1/2, 2/3], below: its integral over an initial, final or whole piece J, and over an inner
    one with ``|J| >= w``, is at most ``|J|^2``, so ``kappa^2 >= A int h = A (u - u^2 / 2)``.
    A row that goes from one level to the other contributes ``(high - low)^2`` by itself:
    ``kappa^2 >= min(A / 2, min_i (high_i - low_i)^2 / (2 R)^2)``.  The larger is returned.

    References
    ----------
    .. [1] Freeman and Haider, arXiv 2502.09898: ``min(sqrt(A) / 2, lambda)`` (unit ball).
    """
    a = max(eigenvalue, 0.0)
    both = np.isfinite(low) & np.isfinite(high) & rows.any(axis=1)
    if not (np.isfinite(low) | np.isfinite(high))[rows.any(axis=1)].any():
        return root_lower(a)  # linear on all of the domain
    if not both.any():
        return relu_lower(a)
    if not math.isfinite(radius):
        return 0.0
    share = segment_share(rows, low, high, radius)
    # every rounding is undone by a relative 1e-14
    gap = (high[both] - low[both]) * (1.0 - 1e-14)
    crossing = float(gap.min()) / (2.0 * radius) * (1.0 - 1e-14)
    crossed = min(a / 2.0, crossing * crossing) * (1.0 - 1e-15)
    return root_lower(math.nextafter(max(a * share, crossed), 0.0))


def segment_share(rows: Array, low: Array, high: Array, radius: float) -> float:
    """Return ``int h``, rounded down, with the weight h of `saturation_lower`: at most 1/2.

    So ``sum_i c_i |J_i|^2 >= int h(t) sum_(i: t in J_i) c_i dt`` for all ``c_i >= 0``, with J_i
    the piece of any segment of the domain on which row i is in its band.
    """
    both = np.isfinite(low) & np.isfinite(high) & rows.any(axis=1)
    if not both.any():
        return 0.5
    if not math.isfinite(radius):
        return 0.0
    sizes = np.sqrt((rows[both] ** 2).sum(axis=1)) * (1.0 + gamma(rows.shape[1] + 8))
    gap = (high[both] - low[both]) * (1.0 - 1e-14)
    w = min(float((gap / (2.0 * radius * sizes)).min()) * (1.0 - 1e-14), 1.0)
    if w >= 2.0 / 3.0 + 1e-14:
        return 0.5
    if w >= 0.5:
        return min((1.0 - 2.0 * w + 3.0 * w * w) / 2.0 * (1.0 - 1e-14), 0.5)
    return (w - w * w / 2.0) * (1.0 - 1e-14)


def clip_ratio_upper(rows: Array, low: Array, high: Array, x: Array, y: Array) -> float:
    """Return ``|clip(rows x) - clip(rows y)| / |x - y|``, rounded up; infinity if x = y."""
    step = y - x
    apart = norm_lower(step) * (1.0 - 1e-15)  # the difference itself rounds
    if not apart > 0.0:
        return math.inf
    sizes = np.sqrt((rows**2).sum(axis=1)) * (1.0 + 1e-14)
    error = gamma(rows.shape[1] + 8) * sizes
    s, t = rows @ x, rows @ y
    near, far = error * norm_upper(x), error * norm_upper(y)
    clipped = np.abs(np.clip(s, low, high) - np.clip(t, low, high)) * (1.0 + 1e-15) + near + far
    linear = np.abs(rows @ step) + error * norm_upper(step)
    same = ((s - near >= high) & (t - far >= high)) | ((s + near <= low) & (t + far <= low))
    change = np.where(same, 0.0, np.minimum(clipped, linear))
    size = norm_upper(change)
    return up(size / apart, 2) if size > 0.0 else 0.0


def modulus_ratio_upper(rows: Array, u: Array, v: Array) -> float:
    """Return ``||rows x| - |rows y|| / min(|x - y|, |x + y|)`` for x + y = 2 u, x - y = 2 v.

    Rounded up.  As ``||s| - |t|| = min(|s + t|, |s - t|)``, no signal has to be formed.
    """
    apart = min(norm_lower(u), norm_lower(v))
    if not apart > 0.0:
        return math.inf
    error = gamma(rows.shape[1] + 8) * np.sqrt((rows**2).sum(axis=1)) * (1.0 + 1e-14)
    change = np.minimum(
        np.abs(rows @ u) + error * norm_upper(u), np.abs(rows @ v) + error * norm_upper(v)
    )
    size = norm_upper(change)
    return up(size / apart, 2) if size > 0.0 else 0.0


def pair_ratio_upper(rows: Array, x: Array, y: Array) -> float:
    """Return ``||rows x| - |rows y|| / dist(x, y)``, rounded up, for real or complex rows.

    The distance is up to a global phase (a sign for real signals):
    ``dist^2 = |x|^2 + |y|^2 - 2 |<x, y>|``.

    Orthogonal pairs suffice for the infimum.  Turn y so that ``<x, y> >= 0`` and put
    ``u = x + y``, ``v = x - y``; then ``|v| = dist <= |u|`` and ``Im <u, v> = 0``.  For complex
    numbers a, b the function ``s -> ||s a + b| - |s a - b||`` does not decrease on s >= 0: with
    a = 1 and b = c + i d, c >= 0 without loss, the derivative of the inner difference is
    ``h(s + c) - h(s - c) >= 0`` as ``h(t) = t / sqrt(t^2 + d^2)`` increases, and at s = 0 the
    difference is 0.  So replacing u by ``s u`` with ``s = |v| / |u|`` raises no difference of
    magnitudes, and ``(s u + v) / 2``, ``(s u - v) / 2`` are orthogonal and as far apart, |v|.

    References
    ----------
    .. [1] W. Alharbi, S. Alshabhi, D. Freeman and D. Ghoreishi, "Locality and stability for
       phase retrieval" (the statement; the proof is the above).
    """
    lengths = np.sqrt((np.abs(rows) ** 2).sum(axis=1)) * (1.0 + 1e-14)
    error = gamma(4 * rows.shape[1] + 16) * lengths
    size_x, size_y = norm_upper(x), norm_upper(y)
    inner = abs(np.vdot(x, y)) + gamma(4 * rows.shape[1] + 16) * size_x * size_y
    square = norm_lower(x) ** 2 + norm_lower(y) ** 2
    apart = square * (1.0 - 1e-15) - 2.0 * inner * (1.0 + 1e-15)
    if not apart > 0.0:
        return math.inf
    change = np.abs(np.abs(rows @ x) - np.abs(rows @ y)) * (1.0 + 1e-15)
    size = norm_upper(change + error * (size_x + size_y))
    return up(size / (math.sqrt(apart) * (1.0 - 1e-15)), 2)
