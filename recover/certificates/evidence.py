"""What a verifier needs to re-prove a certificate: plain numbers, words and arrays."""

from __future__ import annotations

import base64
import io
import math
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError

__all__ = ["Evidence", "decode_number", "encode_number"]

_KEPT_KINDS = "biufc"
# what numpy's reader of headers raises on hostile ones
_UNREADABLE = (
    ValueError,
    EOFError,
    OSError,
    SyntaxError,
    MemoryError,
    RecursionError,
    tokenize.TokenError,
)


@dataclass(frozen=True, eq=False)
class Evidence:
    """The evidence of one certificate.

    Parameters
    ----------
    kind : str
        Names the theorem and so the verifier's rule.
    values : mapping of str to number, str or bool
        Proof parameters, such as the route by which an eigenvalue was bounded.
    arrays : mapping of str to array
        Witnesses, centres and multipliers.
    """

    kind: str
    values: Mapping[str, float | int | str | bool] = field(default_factory=dict)
    arrays: Mapping[str, Array] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain data; arrays are base64 of the npy format."""
        return {
            "kind": self.kind,
            "values": {
                k: encode_number(v) if isinstance(v, float) else v
                for k, v in self.values.items()
            },
            "arrays": {k: _encode(v) for k, v in self.arrays.items()},
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Evidence:
        """Rebuild from `to_json`; no pickled object is ever loaded."""
        values = {k: _decode_value(v) for k, v in dict(data["values"]).items()}
        arrays = {k: _decode(v) for k, v in dict(data["arrays"]).items()}
        return Evidence(str(data["kind"]), values, arrays)


def encode_number(value: float) -> float | str:
    """Return a float as JSON can hold it: infinity is the string "inf"."""
    if math.isnan(value):
        raise ParameterError("a certificate must not hold NaN")
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return float(value)


def decode_number(value: Any) -> float:
    """Return the float that `encode_number` wrote."""
    number = float(value)
    if math.isnan(number):
        raise ParameterError("a certificate must not hold NaN")
    return number


def _decode_value(value: Any) -> float | int | str | bool:
    if value in ("inf", "-inf"):
        return float(value)
    if isinstance(value, bool | int | float | str):
        if isinstance(value, float):
            decode_number(value)
        return value
    raise ParameterError(f"evidence values must be plain, got {type(value).__name__}")


def _encode(array: Array) -> str:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _decode(text: str) -> Array:
    """Return the array of a text that somebody else may have written."""
    try:
        stream = io.BytesIO(base64.b64decode(text, validate=True))
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ParameterError("evidence arrays must be in version 1.0 of the npy format")
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
        if dtype.kind not in _KEPT_KINDS:
            raise ParameterError(f"evidence arrays must be numeric, got dtype {dtype}")
        held, needed = len(stream.read()), math.prod(shape) * dtype.itemsize
        if min(shape, default=0) < 0 or held != needed:
            # asked before numpy allocates what a header of a few bytes may claim
            raise ParameterError(f"evidence array of shape {shape} holds {held} bytes")
        stream.seek(0)
        array: Array = np.load(stream, allow_pickle=False)
    except _UNREADABLE as error:
        raise ParameterError(f"evidence array cannot be read: {error}") from None
    return array
