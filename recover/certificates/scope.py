"""For which signals a certificate speaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Scope"]


@dataclass(frozen=True)
class Scope:
    """The set of signals that the promise covers.

    Parameters
    ----------
    kind : str
        ``"global"`` (every signal consistent with the data), ``"ball"`` (those in a ball),
        ``"local"`` (those within a radius of the recovered signal) or ``"conditional"`` (those
        that satisfy a stated prior, box or support).
    details : mapping
        The numbers that make it precise: radius, budget, size of the support.
    """

    kind: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return ``{"kind": ..., ...}``."""
        return {"kind": self.kind, **self.details}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Scope:
        """Rebuild from `to_json`."""
        details = {key: value for key, value in data.items() if key != "kind"}
        return Scope(str(data["kind"]), details)
