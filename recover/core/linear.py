"""Conjugate gradients on operators, in steps, batched over leading axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError

__all__ = [
    "CGResult",
    "CGState",
    "CglsState",
    "cg_start",
    "cg_step",
    "cgls_start",
    "cgls_step",
    "conjugate_gradients",
    "inner",
    "ratio",
    "square",
]

Operator = Callable[[Array], Array]


def inner(a: Array, b: Array, ndim: int) -> Array:
    """Return the real inner product over the last `ndim` axes, which are kept with size 1.

    For complex arrays it is the real part of ``<a, b>``: the inner product of the same space
    taken as a real one.
    """
    axes = tuple(range(a.ndim - ndim, a.ndim))
    if np.iscomplexobj(a) or np.iscomplexobj(b):
        product: Array = a.real * b.real + a.imag * b.imag
    else:
        product = a * b
    total: Array = np.sum(product, axis=axes, keepdims=True)
    return total


def ratio(a: Array, b: Array) -> Array:
    """Return ``a / b`` where b > 0, and 0 elsewhere: no length, no step."""
    out = np.zeros(np.broadcast_shapes(a.shape, b.shape), dtype=np.result_type(a, b))
    return np.divide(a, b, out=out, where=b > 0)


@dataclass(frozen=True, eq=False)
class CGState:
    """An iterate of conjugate gradients for ``apply(x) = b``.

    Parameters
    ----------
    x, residual, direction : array [shape=(..., *signal)]
        The iterate, ``b - apply(x)`` by recurrence, and the next search direction.
    square : array [shape=(..., 1, ...)]
        ``|residual|^2`` of each system of the batch.
    """

    x: Array
    residual: Array
    direction: Array
    square: Array


def cg_start(apply: Operator, b: Array, start: Array | None = None, *, ndim: int) -> CGState:
    """Return the first state; `ndim` trailing axes make one right-hand side."""
    if start is None:
        x, residual = np.zeros_like(b), b
    else:
        x, residual = start, b - apply(start)
    return CGState(x, residual, residual, inner(residual, residual, ndim))


def cg_step(apply: Operator, state: CGState, *, ndim: int) -> CGState:
    """Return the state after one step: one application of the operator.

    References
    ----------
    .. [1] M. R. Hestenes, E. Stiefel, "Methods of conjugate gradients for solving linear
       systems", J. Res. Nat. Bur. Standards 49 (1952).
    """
    image = apply(state.direction)
    length = ratio(state.square, inner(state.direction, image, ndim))
    residual = state.residual - length * image
    square = inner(residual, residual, ndim)
    direction = residual + ratio(square, state.square) * state.direction
    return CGState(state.x + length * state.direction, residual, direction, square)


@dataclass(frozen=True, eq=False)
class CGResult:
    """What `conjugate_gradients` found.

    Parameters
    ----------
    x : array [shape=(..., *signal)]
        The solutions.
    residual : float
        The largest ``|b - apply(x)| / |b|`` of the batch, by recurrence.
    iterations : int
        Applications of the operator, the one for a start not counted.
    converged : bool
        Whether `residual` reached the tolerance.
    """

    x: Array
    residual: float
    iterations: int
    converged: bool


def conjugate_gradients(
    apply: Operator,
    b: Array,
    *,
    start: Array | None = None,
    ndim: int | None = None,
    tol: float = 1e-12,
    max_iter: int = 1000,
) -> CGResult:
    """Solve ``apply(x) = b`` for a positive semidefinite operator that acts on a batch.

    From ``start=None`` a singular but consistent system gets its solution of least norm.

    Parameters
    ----------
    apply : callable
        The operator; Hermitian, positive semidefinite, and linear over the reals at least.
    b : array [shape=(..., *signal)]
        Right-hand sides.
    start : array, optional
        Where to start from; zero by default.
    ndim : int, optional
        How many trailing axes make one right-hand side; all by default.
    tol : float >= 0
        The relative residual at which every system is done.
    max_iter : int >= 0
        The most applications.

    Returns
    -------
    CGResult

    Raises
    ------
    ParameterError
        If `ndim` is not between 0 and the number of axes.
    """
    axes = b.ndim if ndim is None else ndim
    if not 0 <= axes <= b.ndim:
        raise ParameterError(f"ndim must lie in [0, {b.ndim}] for this b, got {ndim}")
    size = np.sqrt(inner(b, b, axes))
    state = cg_start(apply, b, start, ndim=axes)
    iterations = 0
    worst = _worst(state, size)
    while worst > tol and iterations < max_iter:
        state = cg_step(apply, state, ndim=axes)
        iterations += 1
        worst = _worst(state, size)
    return CGResult(state.x, worst, iterations, worst <= tol)


def _worst(state: CGState, size: Array) -> float:
    """Return the largest relative residual; absolute where the right-hand side is zero."""
    norms = np.sqrt(state.square)
    return float(np.where(size > 0, ratio(norms, size), norms).max(initial=0.0))


@dataclass(frozen=True, eq=False)
class CglsState:
    """An iterate of conjugate gradients for least squares ``min |b - analysis(x)|``.

    Parameters
    ----------
    x, direction : array [shape=signal]
        The iterate and the next search direction.
    misfit : array [shape=coefs]
        ``b - analysis(x)`` by recurrence.
    square : float
        ``|synthesis(misfit)|^2``.
    """

    x: Array
    direction: Array
    misfit: Array
    square: float


def cgls_start(synthesis: Operator, misfit: Array, x: Array) -> CglsState:
    """Return the first state at `x`, whose misfit ``b - analysis(x)`` is given."""
    gradient = synthesis(misfit)
    return CglsState(x, gradient, misfit, square(gradient))


def cgls_step(analysis: Operator, synthesis: Operator, state: CglsState) -> CglsState:
    """Return the state after one step: one analysis and one synthesis.

    The same iterates as conjugate gradients on the normal equations, but the misfit is carried
    in the data space, so that the condition number is not squared in the accuracy reached.

    References
    ----------
    .. [1] A. Bjoerck, "Numerical Methods for Least Squares Problems", SIAM (1996), 7.4.1.
    """
    image = analysis(state.direction)
    energy = square(image)
    length = state.square / energy if energy > 0.0 else 0.0
    misfit = state.misfit - _times(length, image)
    gradient = synthesis(misfit)
    following = square(gradient)
    turn = following / state.square if state.square > 0.0 else 0.0
    return CglsState(
        state.x + _times(length, state.direction),
        gradient + _times(turn, state.direction),
        misfit,
        following,
    )


def square(a: Array) -> float:
    """Return the squared Euclidean norm, summed in the precision of `a`."""
    flat = a.reshape(-1)
    return float(np.vdot(flat, flat).real)


def _times(factor: float, a: Array) -> Array:
    scaled: Array = a * np.asarray(factor, dtype=a.real.dtype)
    return scaled
