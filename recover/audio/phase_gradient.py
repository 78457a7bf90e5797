"""The phase of a spectrogram from the slopes of its log-magnitude."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_array
from scipy.sparse.csgraph import (
    breadth_first_order,
    connected_components,
    minimum_spanning_tree,
)

from recover.core.arrays import Array

__all__ = ["phase_from_gradient", "time_frequency_ratio"]

FLOOR = 1e-10  # of the largest magnitude: below it the logarithm says nothing
STRONG = math.log(1e-2)  # of the frame's largest: what the trees join
EDGE = 1e-3  # keeps the weights of edges above zero, which would mean no edge


def time_frequency_ratio(window: Array) -> float:
    """Return gamma of the Gaussian ``exp(-pi t^2 / gamma)`` that is nearest to a window.

    The nearest is that of the largest inner product with the normalised window, found among
    Gaussians about the window's centre of energy.

    Parameters
    ----------
    window : array [shape=(M,)]

    Returns
    -------
    float
        In samples squared.  For a Hann window of size L it is 0.249 L^2.
    """
    t = np.arange(window.size) - _centre(window)

    def overlap(log_gamma: float) -> float:
        gaussian = np.exp(-math.pi * t**2 / math.exp(log_gamma))
        return -abs(float(gaussian @ window)) / float(np.linalg.norm(gaussian))

    # from a width of one sample to that of the whole window
    found = minimize_scalar(
        overlap, bounds=(0.0, math.log(4.0 * window.size**2)), method="bounded"
    )
    return math.exp(float(found.x))


def phase_from_gradient(
    magnitude: Array, window: Array, hop: int, known: Array | None = None
) -> Array:
    """Return phases that fit the magnitudes of a short-time Fourier transform.

    For a Gaussian window the slopes of the phase are those of the log-magnitude, turned by a
    right angle [1]_; for other windows nearly so.  They are summed along paths that follow the
    largest magnitudes, as heap integration does [2]_, but without a heap: the paths are those
    of a maximum spanning forest of the grid, and the sums are taken by doubling pointers, so
    that nothing runs bin by bin.

    Parameters
    ----------
    magnitude : array [shape=(frames, bins), >= 0]
        One-sided, as `recover.frames.Spectrogram` lays them out, of any scale.
    window : array [shape=(M,)]
        The window; bins = M // 2 + 1.
    hop : int
        Samples between frames.
    known : array [shape=(k, bins)], optional
        Phases of the first k frames, which are kept and continued.

    Returns
    -------
    array [shape=(frames, bins)]
        In radians, referred to the first sample of each frame, from 0 to 2 pi.

    References
    ----------
    .. [1] M. R. Portnoff, "Magnitude-phase relationships for short-time Fourier transforms
       based on Gaussian analysis windows", ICASSP (1979).
    .. [2] Z. Prusa, P. Balazs, P. L. Soendergaard, "A noniterative method for reconstruction
       of phase from STFT magnitude", IEEE/ACM Trans. Audio Speech Lang. Process. 25 (2017).
    """
    frames, bins = magnitude.shape
    kept = 0 if known is None else known.size
    peak = float(magnitude.max(initial=0.0))
    phase = np.zeros(frames * bins)
    if known is not None:
        phase[:kept] = known.reshape(-1)
    if peak == 0.0:
        return phase.reshape(frames, bins)
    logs = np.log(np.maximum(magnitude.astype(np.float64), FLOOR * peak))
    in_time, in_frequency = _slopes(logs, window, hop)
    parent = _tree(logs, kept)
    node = np.arange(frames * bins)
    total = (node // bins - parent // bins) * (in_time[node] + in_time[parent])
    total += (node % bins - parent % bins) * (in_frequency[node] + in_frequency[parent])
    total *= 0.5
    while True:  # a root adds nothing and points at itself
        above = parent[parent]
        if np.array_equal(above, parent):
            break
        total += total[parent]
        parent = above
    total += phase[parent]
    return np.asarray(np.remainder(total, 2.0 * math.pi)).reshape(frames, bins)


def _slopes(logs: Array, window: Array, hop: int) -> tuple[Array, Array]:
    """Return the phase's change from frame to frame and from bin to bin, flattened."""
    bins = logs.shape[1]
    size = window.size
    scale = time_frequency_ratio(window) / (hop * size)
    turn = 2.0 * math.pi / size
    in_time = _gradient(logs, 1) / scale + turn * hop * np.arange(bins)
    in_frequency = -scale * _gradient(logs, 0) - turn * _centre(window)
    return in_time.reshape(-1), in_frequency.reshape(-1)


def _centre(window: Array) -> float:
    """Return the window's centre of energy, in samples from its first."""
    energy = np.square(window)
    return float(np.arange(window.size) @ energy / energy.sum())


def _gradient(logs: Array, axis: int) -> Array:
    slope: Array = np.gradient(logs, axis=axis) if logs.shape[axis] > 1 else np.zeros_like(logs)
    return slope


def _tree(logs: Array, kept: int) -> Array:
    """Return each bin's predecessor; roots are their own.

    Strong bins are joined by spanning trees along the largest magnitudes.  A weak bin, and the
    earliest bin of each such tree, follows the same bin of the frame before, so that every
    path goes back in time; the first frame's bins and the first `kept` entries are roots.
    """
    bins = logs.shape[1]
    node = np.arange(logs.size)
    parent = np.maximum(node - bins, node % bins)
    strong = (logs > logs.max(axis=1, keepdims=True) + STRONG).reshape(-1)
    members = np.flatnonzero(strong)
    place = np.full(logs.size + 1, -1, dtype=np.int32)  # a last one, for what lies beyond
    place[members] = np.arange(members.size, dtype=np.int32)
    above = np.where((members + 1) % bins == 0, -1, place[members + 1])
    later = place[np.minimum(members + bins, logs.size)]
    own = np.arange(members.size, dtype=np.int32)
    ends = [(own[to >= 0], to[to >= 0]) for to in (above, later)]
    i, j = (np.concatenate([pair[k] for pair in ends]) for k in (0, 1))
    flat = logs.reshape(-1)[members].astype(np.float32)
    weight = float(flat.max()) - np.minimum(flat[i], flat[j]) + np.float32(EDGE)
    shape = (members.size, members.size)
    tree = minimum_spanning_tree(csr_array((weight, (i, j)), shape=shape))
    _, label = connected_components(tree, directed=False)
    _, first = np.unique(label, return_index=True)
    towards = _towards(tree, first)
    inner = towards >= 0
    parent[members[inner]] = members[towards[inner]]
    parent[:kept] = node[:kept]
    return np.asarray(parent)


def _towards(tree: Any, roots: Array) -> Array:
    """Return each node's predecessor on the way to the root of its tree, -1 for the roots."""
    count = tree.shape[0]
    # one more node joins the trees, so that a single search walks them all
    joined = tree.tocoo()
    i = np.concatenate([joined.row, np.full(roots.size, count)])
    j = np.concatenate([joined.col, roots])
    weight = np.concatenate([joined.data, np.ones(roots.size, dtype=joined.data.dtype)])
    whole = csr_array((weight, (i, j)), shape=(count + 1, count + 1))
    _, before = breadth_first_order(whole, count, directed=False)
    before = np.asarray(before[:count], dtype=np.int64)
    before[roots] = -1
    return before
