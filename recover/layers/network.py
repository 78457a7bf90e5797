"""Layers of a ReLU network: checked weights and biases, and evaluation with error bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, as_numeric, frozen
from recover.core.eigen import eigmax_upper, gram_of
from recover.core.enclosure import Enclosure
from recover.core.errors import ParameterError
from recover.core.rounding import gamma, norm_upper, up
from recover.frames.base import Frame
from recover.frames.dense import Dense
from recover.models.relu import ReLU

__all__ = ["AnyBiases", "AnyWeights", "Layer", "as_layers", "evaluate", "preactivations"]

AnyWeights = npt.ArrayLike | Frame | Sequence[npt.ArrayLike | Frame]
AnyBiases = npt.ArrayLike | Sequence[npt.ArrayLike | None] | None


@dataclass(frozen=True, eq=False)
class Layer:
    """The map ``x -> relu(W x + b)``.

    Parameters
    ----------
    frame : Frame
        Its analysis is ``W x``.
    bias : array [shape=(out,)]
        b, in the network's convention.
    bias_given : bool
        False where none was given and b = 0 is meant.
    """

    frame: Frame
    bias: Array
    bias_given: bool

    @cached_property
    def weights(self) -> Array:
        """W as a matrix of float64 (out, in)."""
        if isinstance(self.frame, Dense):
            return self.frame.rows
        matrix = np.asarray(self.frame.matrix())
        if np.iscomplexobj(matrix):
            raise ParameterError(
                f"weights must be real, got a complex {type(self.frame).__name__}"
            )
        return frozen(matrix.astype(np.float64))

    @property
    def inputs(self) -> int:
        """Number of entries of an input."""
        return self.frame.signal_size

    @property
    def outputs(self) -> int:
        """Number of neurons."""
        return self.frame.coef_size

    @cached_property
    def model(self) -> ReLU:
        """The layer as a measurement ``max(<x, phi_i> - bias_i, 0)``, so bias = -b."""
        # not -b: zero has one sign only in a model's identity
        return ReLU(self.frame, 0.0 - self.bias.reshape(self.frame.coef_shape))

    @cached_property
    def norm(self) -> float:
        """An upper bound of the spectral norm of W."""
        wide = self.weights if self.outputs >= self.inputs else self.weights.T
        gram, slack = gram_of(wide)
        top = Enclosure.exactly(max(eigmax_upper(gram, gram_slack=slack).value, 0.0)).sqrt()
        return min(top.upper, norm_upper(self.weights))

    def reach(self, radius: float) -> float:
        """Return an upper bound of the outputs' norms on the ball of this radius."""
        # relu does not expand distances, and at 0 the output is relu(b)
        still = Enclosure.exactly(norm_upper(np.maximum(self.bias, 0.0)))
        if self.norm == 0.0:
            return still.upper
        return (still + Enclosure.exactly(self.norm) * radius).upper


def as_layers(weights: AnyWeights, biases: AnyBiases) -> tuple[Layer, ...]:
    """Return the layers of one matrix, or of a list of them, with their biases.

    Raises
    ------
    ParameterError
        If values are not finite and real, or shapes do not fit each other.
    """
    stack = _stack_of(weights)
    matrices: list[Any] = [weights] if stack is None else stack
    offsets: list[Any] = [biases] if stack is None else _offsets(biases, len(matrices))
    layers = tuple(
        _layer(w, b, f"layer {k}")
        for k, (w, b) in enumerate(zip(matrices, offsets, strict=True), start=1)
    )
    for k, (before, layer) in enumerate(pairwise(layers), start=1):
        if layer.inputs != before.outputs:
            raise ParameterError(
                f"layer {k + 1} takes {layer.inputs} values but layer {k} gives "
                f"{before.outputs}; weights have the shape (out, in), inputs as rows"
            )
    return layers


def preactivations(layers: tuple[Layer, ...], x: Array) -> tuple[list[Array], list[Array]]:
    """Return ``W z + b`` of every layer at one input, and bounds of the errors, entry by entry.

    A computed product is off by at most ``gamma_n |w_i| |z|`` (Higham 2002, section 3.1), and
    relu does not expand the errors of the layer before.
    """
    z, off = x, 0.0
    values, errors = [], []
    for layer in layers:
        w = layer.weights
        sizes = np.sqrt((w**2).sum(axis=1)) * (1.0 + gamma(layer.inputs + 8))
        rounding = gamma(layer.inputs + 8) * (sizes * norm_upper(z) + np.abs(layer.bias))
        error = (rounding + sizes * off) * (1.0 + 1e-14)
        t = w @ z + layer.bias
        values.append(t)
        errors.append(error)
        z, off = np.maximum(t, 0.0), up(norm_upper(error), 2)
    return values, errors


def evaluate(layers: tuple[Layer, ...], x: Array) -> Array:
    """Return the network's output at one input (n,), or at a batch (B, n)."""
    z = x
    for layer in layers:
        z = np.maximum(z @ layer.weights.T + layer.bias, 0.0)
    return z


def _stack_of(weights: AnyWeights) -> list[Any] | None:
    """Return the matrices or frames of a list, None if it is one matrix."""
    if isinstance(weights, Frame):
        return None
    if isinstance(weights, list | tuple):
        items: list[Any] = list(weights)
        if not items:
            raise ParameterError("weights hold no layer; give at least one matrix (out, in)")
        single = all(not isinstance(item, Frame) and _axes(item) < 2 for item in items)
        return None if single and _axes(items) <= 2 else items
    return list(np.asarray(weights)) if _axes(weights) == 3 else None


def _axes(value: Any) -> int:
    try:
        return np.ndim(value)
    except ValueError:
        raise ParameterError(
            "weights must be a matrix (out, in) or a list of such, got ragged lists"
        ) from None


def _offsets(biases: AnyBiases, count: int) -> list[Any]:
    if biases is None:
        return [None] * count
    if not isinstance(biases, list | tuple) or len(biases) != count:
        given = len(biases) if isinstance(biases, list | tuple) else type(biases).__name__
        raise ParameterError(
            f"biases must be a list of {count}, one for each layer (None is zero), got {given}"
        )
    return list(biases)


def _layer(weights: Any, bias: Any, name: str) -> Layer:
    if isinstance(weights, Frame):
        frame = weights
        if not (frame.real_signal and frame.real_coefs):
            raise ParameterError(f"weights of {name} must be a frame of real rows and signals")
    else:
        matrix = as_numeric(f"weights of {name}", weights)
        if matrix.ndim != 2 or 0 in matrix.shape or np.iscomplexobj(matrix):
            raise ParameterError(
                f"weights of {name} must be a real matrix (out, in), got {matrix.dtype} of "
                f"shape {matrix.shape}; give a convolution as its frame"
            )
        frame = Dense(matrix.astype(np.float64))
    if bias is None:
        return Layer(frame, frozen(np.zeros(frame.coef_size)), bias_given=False)
    offset = as_numeric(f"biases of {name}", bias)
    if np.iscomplexobj(offset) or offset.shape not in {
        (),
        (frame.coef_size,),
        frame.coef_shape,
    }:
        raise ParameterError(
            f"biases of {name} must be real of shape ({frame.coef_size},), got {offset.dtype} "
            f"of shape {offset.shape}; one bias for each row of the weights (out, in)"
        )
    full = np.broadcast_to(offset.astype(np.float64), frame.coef_shape).reshape(-1)
    return Layer(frame, frozen(full), bias_given=True)
