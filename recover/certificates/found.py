"""What the engines of a priori certificates hand over, and the evidence made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from recover.certificates.evidence import Evidence
from recover.certificates.replay.record import REPLAYED
from recover.certificates.search.bracket import Bracket
from recover.certificates.search.tree import DecisionTree
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure

__all__ = ["KAPPA_OPEN", "OPEN", "Found", "evidence_of", "search_reason", "tree_arrays"]

OPEN = "the search was not finished within its budget; the true value lies between the ends"
UNDECIDED = (
    "rounding left some cells undecided (levels or dependent rows within 1e-10 of a degenerate "
    "arrangement); the lower end counts them as reachable"
)
KAPPA_OPEN = (
    "the smallest eigenvalue A is known, but the gap between the ends of kappa was not closed: "
    "its lower end is what A, or an unfinished search over pairs of signals, proves"
)
NEAR_ZERO = (
    "the smallest eigenvalue that was found cannot be told from 0 in floating point, so no "
    "positive lower end is proved"
)

UNRECORDED = (
    "the record of the search is too large to keep: verification covers all cases again with "
    "code of its own"
)


@dataclass(frozen=True, eq=False)
class Found:
    """A bracket of the eigenvalue in the model's own units, and a pair of signals.

    Parameters
    ----------
    engine : str
        What found it.
    bracket : Bracket
        Of the eigenvalue.
    cheap : float
        The lower end that the bounds in polynomial time prove by themselves.
    kappa : Enclosure
        Of the lower Lipschitz constant.
    pair : tuple of two arrays
        The signals that show the upper end.
    values, arrays : mappings
        What else goes into the evidence.
    """

    engine: str
    bracket: Bracket
    cheap: float
    kappa: Enclosure
    pair: tuple[Array, Array]
    values: Mapping[str, float | bool] = field(default_factory=dict)
    arrays: Mapping[str, Array] = field(default_factory=dict)


def search_reason(found: Found) -> str | None:
    """Return why the lower end is not the upper one, None if they agree and are positive."""
    bracket = found.bracket
    if bracket.closed:
        if bracket.claim > 0.0 and bracket.trees is None:
            return UNRECORDED
        return None if found.kappa.lower > 0.0 else NEAR_ZERO
    return UNDECIDED if bracket.unresolved else OPEN


def evidence_of(found: Found) -> Evidence:
    """Return the evidence of an a priori certificate."""
    bracket = found.bracket
    values: dict[str, float | int | str | bool] = {
        "engine": found.engine,
        "eigenvalue_lower": bracket.lower,
        "eigenvalue_upper": bracket.upper,
        "tree_value": bracket.claim,
        "cheap_value": found.cheap,
        "closed": bracket.closed,
        "nodes": bracket.nodes,
        REPLAYED: bracket.claim > 0.0 and bracket.trees is None,
        **found.values,
    }
    arrays = {"first": found.pair[0], "second": found.pair[1], **found.arrays}
    if bracket.witness is not None:
        arrays["witness"] = bracket.witness
    if bracket.claim > 0.0:
        arrays |= tree_arrays(bracket.trees or (), bracket.conflicts)
    return Evidence("apriori", values, arrays)


def tree_arrays(
    trees: tuple[DecisionTree, ...], conflicts: tuple[Array, ...]
) -> dict[str, Array]:
    """Return the record of a search as arrays, one arrangement after the other."""
    empty = np.empty(0, dtype=np.int32)
    record = {
        "conflict_sizes": np.array([c.size for c in conflicts], dtype=np.int32),
        "conflicts": np.concatenate([empty, *conflicts]),
    }
    if not trees:
        return record  # too large to keep: what is left are the settings
    return record | {
        "tree_sizes": np.array([tree.decisions.size for tree in trees]),
        "decisions": np.concatenate([tree.decisions for tree in trees]),
        "children": np.concatenate([tree.children for tree in trees]),
        "support_sizes": np.concatenate([tree.support_sizes for tree in trees]),
        "supports": np.concatenate([tree.supports for tree in trees]),
    }
