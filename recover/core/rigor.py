"""How firmly a number is known: proved, probabilistic, heuristic or an estimate."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from recover.core.errors import ParameterError
from recover.core.rounding import round_up

__all__ = ["ESTIMATE", "HEURISTIC", "PROVED", "Rigor", "RigorKind", "probabilistic"]


class RigorKind(StrEnum):
    """The kinds of evidence; the values are the words used in JSON."""

    PROVED = "proved"
    PROBABILISTIC = "probabilistic"
    HEURISTIC = "heuristic"
    ESTIMATE = "estimate"


@dataclass(frozen=True)
class Rigor:
    """How firmly a number is known.

    Parameters
    ----------
    kind : RigorKind
        `proved`: holds with floating-point rounding accounted for. `probabilistic`: holds
        with probability at least ``1 - delta`` over random numbers that the algorithm, or the
        noise model, draws. `heuristic`: a formula without a proof. `estimate`: an iterative or
        sampled value, which never enters a certificate.
    delta : float in [0, 1)
        Failure probability; zero unless probabilistic.

    Raises
    ------
    ParameterError
        If `delta` is out of range, or not zero for another kind than `probabilistic`.
    """

    kind: RigorKind
    delta: float = 0.0

    def __post_init__(self) -> None:
        if self.kind is RigorKind.PROBABILISTIC:
            if not 0.0 < self.delta < 1.0:
                raise ParameterError(f"delta must lie in (0, 1), got {self.delta}")
        elif self.delta != 0.0:
            raise ParameterError(f"delta of what is {self.kind} must be 0, got {self.delta}")

    def __str__(self) -> str:
        if self.kind is RigorKind.PROBABILISTIC:
            return f"probabilistic({self.delta:g})"
        return self.kind.value

    def __and__(self, other: Rigor) -> Rigor:
        """Return the rigor of a statement that needs both: the weaker kind, deltas added.

        The sum is rounded up.  Where it reaches one nothing is promised, and heuristic is left.
        """
        order = list(RigorKind)
        kind = max(self.kind, other.kind, key=order.index)
        if kind is not RigorKind.PROBABILISTIC:
            return Rigor(kind)
        delta = round_up(Fraction(self.delta) + Fraction(other.delta))
        return Rigor(kind, delta) if delta < 1.0 else HEURISTIC

    def to_json(self) -> dict[str, str | float]:
        """Return ``{"kind": ...}`` with ``delta`` where it means something."""
        if self.kind is RigorKind.PROBABILISTIC:
            return {"kind": self.kind.value, "delta": self.delta}
        return {"kind": self.kind.value}

    @staticmethod
    def from_json(data: dict[str, str | float]) -> Rigor:
        """Rebuild from `to_json`.

        Raises
        ------
        ParameterError
            If the kind is missing or unknown, or `delta` is not its failure probability.
        """
        try:
            kind, delta = RigorKind(str(data["kind"])), float(data.get("delta", 0.0))
        except (KeyError, TypeError, ValueError, OverflowError):
            raise ParameterError(f"no kind of rigor with its delta: {data!r}") from None
        return Rigor(kind, delta)


PROVED = Rigor(RigorKind.PROVED)
HEURISTIC = Rigor(RigorKind.HEURISTIC)
ESTIMATE = Rigor(RigorKind.ESTIMATE)


def probabilistic(delta: float) -> Rigor:
    """Return the rigor of a statement that fails with probability at most `delta`."""
    return Rigor(RigorKind.PROBABILISTIC, delta)
