"""Weights of networks from NPZ and safetensors files; no pickled object is ever loaded."""

from __future__ import annotations

import importlib
import json
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import MissingExtraError
from recover.io.errors import FileError
from recover.io.guard import opened, printable
from recover.io.npy import read_npz

__all__ = ["LayerTensors", "TensorFile", "read_tensors"]

_MOST, _LONGEST = 20, 60  # names that are listed, and letters of each
_WORDS = {"weight": "bias", "weights": "biases", "kernel": "bias", "w": "b"}
# "fc1.weight", "weight_1", "W2", "layers/0/kernel:0", "weights"
_NAME = re.compile(
    r"(?:(?P<head>.*)[._/-])?(?P<word>weights?|kernel|w)(?P<tail>[._:-]?\d*)", re.I
)


@dataclass(frozen=True, eq=False)
class LayerTensors:
    """A weight matrix and the bias that goes with it.

    Parameters
    ----------
    name : str
        Of the weights in the file.
    weights : array [shape=(out, in)]
    bias : array [shape=(out,)] or None
        None where the file has none.
    """

    name: str
    weights: Array
    bias: Array | None


@dataclass(frozen=True, eq=False)
class TensorFile:
    """What a file of weights holds.

    Parameters
    ----------
    path : Path
        The file.
    tensors : dict
        All arrays by name, in natural order.
    """

    path: Path
    tensors: dict[str, Array]

    def layers(self) -> tuple[LayerTensors, ...]:
        """Return the matrices that are named as weights, with their biases where there are any.

        Raises
        ------
        FileError
            If there is none; the message lists what there is.
        """
        by_name = {name.lower(): name for name in self.tensors}
        found = []
        for name, array in self.tensors.items():
            bias = _bias_name(name)
            if bias is None or array.ndim != 2:
                continue
            # what is called a kernel is stored (in, out)
            weights = array.T if "kernel" in name.lower().rsplit("/", 1)[-1] else array
            partner = by_name.get(bias.lower())
            offset = None if partner is None else self.tensors[partner]
            if offset is not None and offset.shape != weights.shape[:1]:
                raise FileError(
                    f"{self.path}: {printable(str(partner))} has shape {offset.shape}, but "
                    f"{printable(name)} has "
                    f"{weights.shape[0]} neurons; weights are stored (out, in), kernels the "
                    "other way round"
                )
            found.append(LayerTensors(name, weights, offset))
        if not found:
            raise FileError(
                f"{self.path} holds no matrix named as weights (such as fc1.weight with "
                f"fc1.bias, or W1 with b1); it holds {self.listing()}"
            )
        return tuple(found)

    def listing(self) -> str:
        """Return names and shapes in one line."""
        if not self.tensors:
            return "nothing"
        entries = [
            f"{printable(name)[:_LONGEST]} {'x'.join(map(str, array.shape)) or 'scalar'}"
            for name, array in islice(self.tensors.items(), _MOST)
        ]
        more = len(self.tensors) - _MOST
        return ", ".join([*entries, f"and {more} more"] if more > 0 else entries)


def read_tensors(path: str | Path) -> TensorFile:
    """Read all tensors of an NPZ or a safetensors file.

    Raises
    ------
    FileError
        If the file is missing, damaged or of another kind.
    MissingExtraError
        If a safetensors file is given and the package that reads it is not installed.
    """
    source = Path(path)
    ending = source.suffix.lower()
    if ending not in {".npz", ".safetensors"}:
        raise FileError(
            f"{source} must end in .npz or .safetensors, got {ending or 'no ending'!r}; "
            "save the weights with numpy.savez or safetensors"
        )
    with opened(source, "give a file of weights") as file:
        if ending == ".npz":
            tensors, _ = read_npz(file, str(source))
        else:
            tensors = _from_safetensors(source)
    return TensorFile(source, {name: tensors[name] for name in sorted(tensors, key=_natural)})


def _bias_name(name: str) -> str | None:
    """Return the name of the bias that belongs to weights of this name, None for others."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    word = match["word"]
    start = match.start("word")
    return name[:start] + _WORDS[word.lower()] + match["tail"]


def _from_safetensors(source: Path) -> dict[str, Array]:
    try:
        library: Any = importlib.import_module("safetensors")
    except ImportError:
        raise MissingExtraError(
            f"reading {source} needs the extra nn: pip install 'recover[nn]'"
        ) from None
    tensors: dict[str, Array] = {}
    try:
        with library.safe_open(str(source), framework="np") as data:
            for name in data.keys():  # noqa: SIM118
                tensors[str(name)] = np.asarray(data.get_tensor(name))
    except library.SafetensorError as error:
        raise FileError(
            f"{source} is not a safetensors file: {printable(str(error))}; fetch it again"
        ) from None
    except (TypeError, AttributeError, json.JSONDecodeError) as error:
        raise FileError(
            f"{source} holds numbers that NumPy does not have ({printable(str(error))}); "
            "convert to float32"
        ) from None
    return tensors


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Return a key under which layer10 follows layer9."""
    return [
        (1, int(piece), "") if piece.isdigit() else (0, 0, piece)
        for piece in re.split(r"(\d+)", name)
    ]
