"""A model from the command line's words, and from what they left in a JSON file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.frames.dense import Dense
from recover.io.matrices import read_array
from recover.models.base import Model
from recover.models.modulus import Modulus
from recover.models.relu import ReLU
from recover.models.saturation import Saturation

__all__ = ["KINDS", "describe_model", "level_argument", "model_of"]

KINDS = ("relu", "saturation", "modulus")


def level_argument(name: str, text: str | None) -> float | Array | None:
    """Return a number, the array of an NPY file, or None for "none"."""
    if text is None or text.lower() == "none":
        return None
    if Path(text).suffix == ".npy":
        return read_array(name, text)
    try:
        return float(text)
    except ValueError:
        raise ParameterError(f"{name} must be a number or an NPY file, got {text!r}") from None


def describe_model(kind: str, levels: Mapping[str, float | Array | None]) -> dict[str, Any]:
    """Return the model with its levels by name (bias, or low and high) as plain data."""
    plain = {
        key: value.tolist() if isinstance(value, np.ndarray) else value
        for key, value in levels.items()
    }
    return {"kind": kind, **plain}


def model_of(frame: str | Path, description: Mapping[str, Any]) -> Model:
    """Return the model on the frame whose rows are in an NPY file.

    Raises
    ------
    ParameterError
        If the description names no model, or its levels do not fit the frame.
    """
    rows = Dense(read_array("frame", frame))
    kind = description.get("kind")
    if kind == "relu":
        return ReLU(rows, description["bias"])
    if kind == "saturation":
        return Saturation(rows, description["low"], description["high"])
    if kind == "modulus":
        return Modulus(rows)
    raise ParameterError(f"model must be one of {', '.join(KINDS)}, got {kind!r}")
