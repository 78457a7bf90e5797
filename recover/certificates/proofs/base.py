"""The abstract proof, and the case that it is tried on."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.proofs.linear import Residual, residual_of
from recover.certificates.reasons import Withheld
from recover.core.arrays import Array, digest
from recover.core.eigen import EigenBound
from recover.core.rounding import up
from recover.frames.bounds import subframe_lower
from recover.models.base import Knowledge
from recover.models.problem import Problem

__all__ = ["Case", "Proof", "signal_evidence", "stated"]

# A stated bound exceeds the proved one by this part, so that a verifier whose libraries round
# otherwise proves it too.
SHADE = 2.0**-36
EMBEDDED = 2**17  # float64 entries of an array that is kept in the evidence: 1 MB


@dataclass(frozen=True, eq=False)
class Case:
    """A recovered signal to be certified, with what several proofs need of it.

    Parameters
    ----------
    problem : Problem
        What was measured.
    signal : array of float64 [shape=frame.signal_shape]
        The recovered signal.
    centre : array of float64 [shape=frame.signal_shape], optional
        A signal made by a solver for a proof that needs one, such as a minimiser.
    budget : float, optional
        Seconds that refinements may take; None for only what is needed.
    """

    problem: Problem
    signal: Array
    centre: Array | None = None
    budget: float | None = None

    @cached_property
    def knowledge(self) -> Knowledge:
        """What the data say."""
        return self.problem.knowledge

    @cached_property
    def residual(self) -> Residual:
        """The recovered signal's residual on what the data fix, with its rounding."""
        return residual_of(self.problem, self.signal)

    @cached_property
    def eigenvalue(self) -> EigenBound:
        """Proved lower bound of the smallest eigenvalue of what the data fix."""
        frame = self.problem.model.frame
        fixed = self.knowledge.fixed
        if self.knowledge.fixed_count < frame.signal_size:
            from recover.core.rigor import PROVED

            return EigenBound(0.0, PROVED, "none", math.inf, "fewer rows than unknowns")
        return subframe_lower(frame, fixed)


class Proof(ABC):
    """One kind of bound on the distance of every admissible signal from the recovered one.

    A concrete proof is a final frozen dataclass in a file of its own in this package; its
    certificates are verified by the check of the same kind in `recover.certificates.checks`.
    """

    @property
    @abstractmethod
    def order(self) -> int:
        """Proofs are tried in this order: cheap ones, and ones that assume less, first."""

    @abstractmethod
    def applies(self, problem: Problem) -> bool:
        """Whether this kind of proof speaks of such problems at all."""

    @abstractmethod
    def attempt(self, case: Case, best: float, /) -> Certificate | Withheld | None:
        """Return a certificate, why there is none, or None if it would be no use.

        Parameters
        ----------
        case : Case
            What is to be certified.
        best : float
            The smallest error bound proved so far.
        """


def stated(bound: float) -> float:
    """Return the bound as a certificate states it, a little above what was proved."""
    return up(bound * (1.0 + SHADE)) if bound > 0.0 else bound


def signal_evidence(signal: Array) -> tuple[dict[str, str], dict[str, Array]]:
    """Return the evidence values and arrays that name the recovered signal.

    The signal itself is kept up to 1 MB, else only its digest: the verifier is then given it.
    """
    flat = np.ascontiguousarray(signal, dtype=np.float64)
    values = {"signal_digest": digest([flat])}
    return values, ({"signal": flat} if flat.size <= EMBEDDED else {})
