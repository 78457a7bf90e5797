"""A known subspace or support."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import require_type
from recover.frames.base import Frame
from recover.frames.dense import Dense
from recover.priors.base import Part, Prior

__all__ = ["Subspace"]


@dataclass(frozen=True, eq=False)
class Subspace(Prior):
    """The assumption that the signal is a synthesis ``sum_i c_i phi_i`` of the given vectors.

    A support in a basis is the subspace of the basis vectors that a mask keeps:
    ``Subspace(Masked(basis, support))``.

    Parameters
    ----------
    frame : Frame
        The spanning vectors; they must be linearly independent for a bound to be finite.
    """

    frame: Frame

    def __post_init__(self) -> None:
        require_type("frame", self.frame, Frame, "pass recover.frames.Dense(vectors)")

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return self.frame.signal_shape

    @property
    def statement(self) -> str:
        return (
            f"the true signal lies in the span of the {self.frame.coef_size} "
            f"vectors of the {type(self.frame).__name__} prior"
        )

    def violation(self, x: Array) -> float:
        """Return the distance of `x` to the subspace (least squares on its vectors)."""
        basis = self.frame.matrix().conj().T
        flat = np.asarray(x).reshape(-1)
        coefs, *_ = np.linalg.lstsq(basis, flat, rcond=None)
        return float(np.linalg.norm(flat - basis @ coefs))

    def to_json(self) -> dict[str, Any]:
        return {"on": "support", "size": self.frame.coef_size}

    def identity_parts(self) -> tuple[Part, ...]:
        return ("Subspace", *self.frame.identity_parts())

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls(Dense(rng.standard_normal((3, 7))))
