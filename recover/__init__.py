"""Recover signals from clipped and phaseless measurements, with a certified error bound.

A measurement is a frame followed by a coordinatewise non-linearity; see `recover.frames` and
the models `ReLU`, `Saturation` and `Modulus`.  The function `recover` returns the signal with
its certificate, and `verify` re-proves a certificate from its own evidence.

Everything is imported on first use, so that ``import recover`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recover import audio, frames, image, layers, metrics, priors, theory
    from recover import solve as methods
    from recover.certificates.certificate import Certificate
    from recover.certificates.verify import Verdict, verify
    from recover.core.enclosure import Enclosure
    from recover.core.errors import (
        MissingExtraError,
        NotAFrameError,
        OutOfScopeError,
        ParameterError,
        RecoverError,
    )
    from recover.models import (
        AFTER,
        BEFORE,
        Ball,
        Box,
        Everywhere,
        Modulus,
        Noise,
        Problem,
        ReLU,
        Saturation,
        Support,
    )
    from recover.pipeline import Recovery, certify, recover
    from recover.solve.base import Progress, Status

__version__ = "0.1.0"

__all__ = [
    "AFTER",
    "BEFORE",
    "Ball",
    "Box",
    "Certificate",
    "Enclosure",
    "Everywhere",
    "MissingExtraError",
    "Modulus",
    "Noise",
    "NotAFrameError",
    "OutOfScopeError",
    "ParameterError",
    "Problem",
    "Progress",
    "ReLU",
    "RecoverError",
    "Recovery",
    "Saturation",
    "Status",
    "Support",
    "Verdict",
    "__version__",
    "audio",
    "certify",
    "frames",
    "image",
    "layers",
    "methods",
    "metrics",
    "phase",
    "priors",
    "recover",
    "theory",
    "verify",
]

_MODULES = {
    "audio": "recover.audio",
    "frames": "recover.frames",
    "image": "recover.image",
    "layers": "recover.layers",
    "methods": "recover.solve",
    "metrics": "recover.metrics",
    "phase": "recover.phase",
    "priors": "recover.priors",
    "theory": "recover.theory",
}
_NAMES = {
    "recover.certificates.certificate": ("Certificate",),
    "recover.certificates.verify": ("Verdict", "verify"),
    "recover.core.enclosure": ("Enclosure",),
    "recover.core.errors": (
        "MissingExtraError",
        "NotAFrameError",
        "OutOfScopeError",
        "ParameterError",
        "RecoverError",
    ),
    "recover.models": (
        "AFTER",
        "BEFORE",
        "Ball",
        "Box",
        "Everywhere",
        "Modulus",
        "Noise",
        "Problem",
        "ReLU",
        "Saturation",
        "Support",
    ),
    "recover.pipeline": ("Recovery", "certify", "recover"),
    "recover.solve.base": ("Progress", "Status"),
}
_HOME = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value: Any = importlib.import_module(_MODULES[name])
    elif name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module 'recover' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
