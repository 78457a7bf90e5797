"""What a verifier needs to re-prove a certificate: plain numbers, words and arrays."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError

__all__ = ["Evidence", "decode_number", "encode_number"]

_KEPT_KINDS = "biufc"


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
        return value
    raise ParameterError(f"evidence values must be plain, got {type(value).__name__}")


def _encode(array: Array) -> str:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _decode(text: str) -> Array:
    try:
        raw = base64.b64decode(text, validate=True)
        array: Array = np.load(io.BytesIO(raw), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ParameterError(f"evidence array cannot be read: {error}") from None
    if array.dtype.kind not in _KEPT_KINDS:
        raise ParameterError(f"evidence arrays must be numeric, got dtype {array.dtype}")
    return array
