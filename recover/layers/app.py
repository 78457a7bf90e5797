"""A file of weights in, an analysis out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from recover.core.errors import ParameterError
from recover.core.progress import Watch
from recover.io.weights import LayerTensors, TensorFile, read_tensors
from recover.layers.analyse import analyse
from recover.layers.network import as_layers
from recover.layers.result import NetworkAnalysis
from recover.models.relu import ReLU

__all__ = ["analyse_file", "chosen_layers", "layer_model"]


def analyse_file(
    path: str | Path,
    *,
    names: Sequence[str] = (),
    radius: float = 1.0,
    nonnegative: bool = False,
    budget: float = 60.0,
    watch: Watch | None = None,
) -> tuple[tuple[str, ...], NetworkAnalysis]:
    """Analyse the layers of an NPZ or safetensors file as one stack.

    Parameters
    ----------
    path : str or Path
        The file.
    names : sequence of str
        The weights to take, in order; all that fit each other by default.
    radius, nonnegative, budget, watch
        As for `analyse`.

    Returns
    -------
    names, analysis
        What was taken, and what is known of it.

    Raises
    ------
    FileError
        If the file cannot be read or holds no weights.
    ParameterError
        If the layers do not fit each other.
    """
    layers = chosen_layers(read_tensors(path), names)
    analysis = analyse(
        [layer.weights for layer in layers],
        [layer.bias for layer in layers],
        radius=radius,
        nonnegative=nonnegative,
        budget=budget,
        watch=watch,
    )
    return tuple(layer.name for layer in layers), analysis


def chosen_layers(file: TensorFile, names: Sequence[str] = ()) -> tuple[LayerTensors, ...]:
    """Return the layers of these names, or all of them if they form a stack."""
    layers = file.layers()
    known = {layer.name: layer for layer in layers}
    for name in names:
        if name not in known:
            raise ParameterError(
                f"layer must be one of {', '.join(known)}, got {name!r}; see --list"
            )
    if names:
        return tuple(known[name] for name in names)
    for before, layer in pairwise(layers):
        if layer.weights.shape[1] != before.weights.shape[0]:
            raise ParameterError(
                f"{layer.name} takes {layer.weights.shape[1]} values but {before.name} gives "
                f"{before.weights.shape[0]}, so they are no stack; choose with --layer NAME "
                f"from {', '.join(known)}"
            )
    return layers


def layer_model(path: str | Path, name: str) -> ReLU:
    """Return one layer of a file as the model that its certificate speaks of."""
    (layer,) = chosen_layers(read_tensors(path), [name])
    return as_layers(layer.weights, layer.bias)[0].model
