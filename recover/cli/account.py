"""What is said of a recovery's error besides its certificate, made with a progress bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from recover.audio import (
    AudioResult,
    ConditionalAccount,
    ErrorEstimate,
    certify_conditionally,
    estimate_again,
)
from recover.cli.output import Bar

__all__ = ["Account", "account_of"]


@dataclass(frozen=True, eq=False)
class Account:
    """Estimates and conditional certificates of one recovery, each None if not asked for."""

    estimate: ErrorEstimate | None
    conditional: ConditionalAccount | None

    def sentences(self) -> list[str]:
        """Return what was found, a sentence each."""
        return [each.sentence for each in (self.estimate, self.conditional) if each]

    def to_json(self) -> dict[str, Any]:
        """Return the entries for the file of ``--json``."""
        data: dict[str, Any] = {}
        if self.estimate is not None:
            data["estimate"] = self.estimate.to_json()
        if self.conditional is not None:
            data["parts"] = self.conditional.to_json()
        return data


def account_of(
    result: AudioResult,
    label: str,
    *,
    estimate: bool,
    conditional: bool,
    tolerance: float = 0.0,
    quiet: bool,
) -> Account:
    """Make what was asked for.

    Parameters
    ----------
    result : AudioResult
    label : str
        Of the progress bar.
    estimate, conditional : bool
        What was asked for.
    tolerance : float
        As it was given to the recovery.
    quiet : bool
        Whether to leave out the bars.
    """
    found, promised = None, None
    if estimate:
        with Bar(f"{label}, estimate", quiet=quiet) as bar:
            found = estimate_again(result, tolerance=tolerance, watch=bar)
    if conditional:
        with Bar(f"{label}, certificates", quiet=quiet) as bar:
            promised = certify_conditionally(result, tolerance=tolerance, watch=bar)
    return Account(found, promised)
