"""How firmly a number is known: proved, probabilistic, heuristic or an estimate."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from recover.core.errors import ParameterError

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
    """

    kind: RigorKind
    delta: float = 0.0

    def __post_init__(self) -> None:
        if self.kind is RigorKind.PROBABILISTIC and not 0.0 < self.delta < 1.0:
            raise ParameterError(f"delta must lie in (0, 1), got {self.delta}")

    def __str__(self) -> str:
        if self.kind is RigorKind.PROBABILISTIC:
            return f"probabilistic({self.delta:g})"
        return self.kind.value

    def __and__(self, other: Rigor) -> Rigor:
        """Return the rigor of a statement that needs both: the weaker kind, deltas added."""
        order = list(RigorKind)
        kind = max(self.kind, other.kind, key=order.index)
        if kind is RigorKind.PROBABILISTIC:
            return Rigor(kind, min(self.delta + other.delta, 1.0 - 2.0**-53))
        return Rigor(kind)

    def to_json(self) -> dict[str, str | float]:
        """Return ``{"kind": ...}`` with ``delta`` where it means something."""
        if self.kind is RigorKind.PROBABILISTIC:
            return {"kind": self.kind.value, "delta": self.delta}
        return {"kind": self.kind.value}

    @staticmethod
    def from_json(data: dict[str, str | float]) -> Rigor:
        """Rebuild from `to_json`."""
        return Rigor(RigorKind(str(data["kind"])), float(data.get("delta", 0.0)))


PROVED = Rigor(RigorKind.PROVED)
HEURISTIC = Rigor(RigorKind.HEURISTIC)
ESTIMATE = Rigor(RigorKind.ESTIMATE)


def probabilistic(delta: float) -> Rigor:
    """Return the rigor of a statement that fails with probability at most `delta`."""
    return Rigor(RigorKind.PROBABILISTIC, delta)
