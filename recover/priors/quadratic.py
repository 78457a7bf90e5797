"""A budget on the energy of an analysis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError, require_type
from recover.frames.base import Frame
from recover.frames.dense import Dense
from recover.priors.base import Part, Prior

__all__ = ["Quadratic"]


@dataclass(frozen=True, eq=False)
class Quadratic(Prior):
    """The assumption ``|operator.analysis(x)|_2 <= budget``.

    Parameters
    ----------
    operator : Frame
        The analysis operator T: a difference, a prediction-error filter, a curvature.  It need
        not span by itself.
    budget : float >= 0
        The bound tau on ``|T x|_2``, in the units of T's coefficients.
    words : str
        What ``T x`` is, for the sentence that states the assumption; the operator's name by
        default.
    """

    operator: Frame
    budget: float
    words: str = ""

    def __post_init__(self) -> None:
        require_type("operator", self.operator, Frame, "pass recover.frames.Dense(rows)")
        if not (math.isfinite(self.budget) and self.budget >= 0.0):
            raise ParameterError(f"budget must be finite and >= 0, got {self.budget}")
        object.__setattr__(self, "budget", float(self.budget))

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return self.operator.signal_shape

    @property
    def statement(self) -> str:
        promised = f"the true signal satisfies |T x| <= {self.budget:.6g}"
        if self.words:
            return f"{promised}, T x being {self.words}"
        return f"{promised} for the {type(self.operator).__name__} operator T of the prior"

    def violation(self, x: Array) -> float:
        return max(float(np.linalg.norm(self.operator.analysis(x))) - self.budget, 0.0)

    def to_json(self) -> dict[str, Any]:
        return {"on": "quadratic prior", "budget": self.budget}

    def identity_parts(self) -> tuple[Part, ...]:
        return ("Quadratic", self.budget, *self.operator.identity_parts())

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls(Dense(rng.standard_normal((9, 7))), 2.0)
