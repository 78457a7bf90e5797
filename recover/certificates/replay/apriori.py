"""Verification of certificates that speak of a frame: every number is proved again.

The evidence holds a pair of signals (the upper end of kappa), a signal or a split (the upper
end of the eigenvalue), and the record of a search (the lower end): one tree for each
arrangement, in breadth-first order.  `decisions` names the row that a node decides (-1: none),
`children` says which branches follow (bit 0: the row stays in its band, or goes into S; bits 1
and 2: it leaves its band on its first or second side, or bit 1: it goes into the complement),
`support_sizes` and `supports` the sides whose multipliers bound a region, `conflicts` sets of
sides that exclude one another exactly, each with its size before it.

Records of ``sigma`` (modulus: the strong complement property) have names that start so.  The
certificate of complex rows has no record: its lower end is a moment bound, computed again.

A search of more than 10^7 nodes leaves its settings alone (the value, its number of nodes, and
the conflicts): the cover is then made again (see `cover`).

Rows are scaled by a power of two to entries below 1, and signals so that the radius is; both
are exact.  The sides of an arrangement are, in order: upper levels, lower levels (finite ones
only), then the domain's faces.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from recover.certificates import lipschitz
from recover.certificates.certificate import Certificate
from recover.certificates.cheap import cheap_lower
from recover.certificates.claim import Claim, claim_of, reached_part, sides_of, useful_part
from recover.certificates.evidence import Evidence
from recover.certificates.replay.cells import replay_cells
from recover.certificates.replay.chord_model import Target
from recover.certificates.replay.chords import chords_of, replay_chords
from recover.certificates.replay.cover import cover_cells
from recover.certificates.replay.modulus import modulus_faults
from recover.certificates.replay.record import (
    REPLAYED,
    conflicts_of,
    most_nodes,
    number,
    pieces_of,
    rayleigh_upper,
    shifted,
)
from recover.certificates.replay.walls import walls_of
from recover.core.arrays import digest
from recover.core.rigor import PROVED
from recover.core.rounding import gamma, norm_upper
from recover.frames.structure import HasRows
from recover.models.base import Model
from recover.models.modulus import Modulus

__all__ = ["check"]


def check(cert: Certificate, model: Model) -> list[str]:
    """Return why an a priori certificate is refused; empty if all of it was proved again.

    Parameters
    ----------
    cert : Certificate
        Not trusted in any way.
    model : ReLU, Saturation or Modulus
        What the verifier holds.

    Raises
    ------
    KeyError, TypeError, ValueError
        On damaged evidence.
    """
    return list(_faults(cert, model))


def _faults(cert: Certificate, model: Model) -> Iterator[str]:
    if cert.subject != digest(model.identity_parts()):
        yield "the certificate speaks of another frame or model"
        return
    if cert.assumptions or cert.rigor != PROVED or cert.noise:
        yield "an a priori certificate is proved without assumptions"
    if cert.error_bound != math.inf or cert.pointwise is not None or cert.centre is not None:
        yield "an a priori certificate bounds no error by itself"
    if not isinstance(model.frame, HasRows):
        yield "only frames that hold their rows exactly have such certificates"
        return
    domain = _domain(cert)
    if domain is None:
        yield f"the scope {cert.scope.to_json()} is none of a ball and everywhere"
        return
    if cert.parts is not None:
        yield "parts were added to a certificate that has none"
    claim = claim_of(model, *domain)
    if any(cert.evidence.arrays[k].shape != claim.rows.shape[1:] for k in ("first", "second")):
        yield "the pair of signals has another shape than the rows"
        return
    yield from _closing(cert, claim)
    if isinstance(model, Modulus):
        yield from modulus_faults(cert.evidence, cert.kappa, claim, model.frame.real_signal)
    else:
        yield from _clipped_faults(cert, claim)


def _domain(cert: Certificate) -> tuple[float, bool] | None:
    data = dict(cert.scope.to_json())
    kind = data.pop("kind")
    if kind == "global" and not data:
        return math.inf, False
    radius = data.get("radius")
    if (
        kind != "ball"
        or set(data) != {"radius", "nonnegative"}
        or not isinstance(radius, float)
    ):
        return None
    if not isinstance(data["nonnegative"], bool) or not 0.0 < radius < math.inf:
        return None
    return radius, data["nonnegative"]


def _closing(cert: Certificate, claim: Claim) -> Iterator[str]:
    lower, upper = (
        number(cert.evidence, "eigenvalue_lower"),
        number(cert.evidence, "eigenvalue_upper"),
    )
    energy = math.ldexp(norm_upper(claim.rows) ** 2, 2 * claim.row_exponent)
    tolerance = 1e-6 * upper + 1e-10 * energy  # what rounding can leave between the ends
    if bool(cert.evidence.values["closed"]) and not upper - lower <= tolerance < math.inf:
        yield f"the bracket [{lower:g}, {upper:g}] is said to be closed"
    if not cert.evidence.values["closed"] and not cert.reason:
        yield "an open bracket must say why it is open"
    told = (
        not cert.evidence.values["closed"]
        or not cert.evidence.values.get("kappa_closed", True)
        or cert.evidence.values.get(REPLAYED) is True
        or cert.kappa.lower == 0.0
    )
    if cert.reason is not None and not told:
        yield "a certificate whose ends were closed has nothing to give a reason for"
    if cert.evidence.values.get(REPLAYED) is True and not cert.reason:
        yield "a certificate without the record of its search must say so"


def _clipped_faults(cert: Certificate, claim: Claim) -> Iterator[str]:
    stated = useful_part(claim)
    useful = reached_part(stated)
    two = 2 * claim.row_exponent
    value = number(cert.evidence, "eigenvalue_lower", -two)
    tree = number(cert.evidence, "tree_value", -two)
    if tree > 0.0:
        yield from _search_faults(cert.evidence, useful, tree)
    cheap = (stated.rows, stated.low, stated.high, stated.radius, stated.nonnegative)
    if value > max(tree, 0.0) and value > cheap_lower(*cheap):
        yield "the eigenvalue's lower end is above everything that the evidence proves"
    kappa = lipschitz.saturation_lower(
        value, useful.rows, useful.low, useful.high, useful.radius
    )
    pairs = number(cert.evidence, "pair_value", -two)
    if pairs > 0.0:
        yield from _segment_faults(cert.evidence, useful, pairs)
    claimed = shifted(cert.kappa.lower, -claim.row_exponent)
    if claimed > max(kappa, lipschitz.root_lower(pairs)):
        yield f"kappa's lower end {cert.kappa.lower:g} is not what the evidence gives"
    if bool(cert.evidence.values["kappa_closed"]) != cert.kappa.closed(1.5e-6):
        yield "whether the gap between kappa's ends is closed is not told right"
    if not cert.kappa.closed(1.5e-6) and not cert.reason:
        yield "an open gap between kappa's ends must be told"
    yield from _pair_faults(cert, claim)
    yield from _witness_faults(cert, useful)


def _search_faults(evidence: Evidence, claim: Claim, value: float) -> Iterator[str]:
    if evidence.values[REPLAYED] is True:
        most = most_nodes(evidence)
        for sides, conflicts in zip(sides_of(claim), conflicts_of(evidence), strict=True):
            yield from cover_cells(claim.rows, sides, conflicts, value, most)
        return
    for sides, pieces in zip(sides_of(claim), pieces_of(evidence), strict=True):
        yield from replay_cells(claim.rows, sides, pieces, value)


def _segment_faults(evidence: Evidence, claim: Claim, value: float) -> Iterator[str]:
    levels = np.concatenate([claim.low, claim.high])
    if not math.isfinite(claim.radius) and levels[np.isfinite(levels)].any():
        yield "pairs of signals are only followed on a ball, or where every threshold is 0"
        return
    walls = walls_of(claim.rows, claim.low, claim.high, claim.radius, claim.nonnegative)
    share = lipschitz.segment_share(claim.rows, claim.low, claim.high, claim.radius)
    yield from replay_chords(walls, chords_of(evidence), Target(value, share))


def _pair_faults(cert: Certificate, claim: Claim) -> Iterator[str]:
    x, y = (
        np.ldexp(cert.evidence.arrays[k], -claim.radius_exponent) for k in ("first", "second")
    )
    for signal in (x, y):
        if norm_upper(signal) > claim.radius or (claim.nonnegative and (signal < 0.0).any()):
            yield "the pair of signals lies outside the scope"
    ratio = lipschitz.clip_ratio_upper(claim.rows, claim.low, claim.high, x, y)
    # the eigenvalue's upper end is proved by its own witness
    upper = number(cert.evidence, "eigenvalue_upper", -2 * claim.row_exponent)
    ratio = min(ratio, lipschitz.root_upper(upper))
    if ratio > shifted(cert.kappa.upper, -claim.row_exponent):
        yield f"kappa's upper end {cert.kappa.upper:g} is below what the pair of signals shows"


def _witness_faults(cert: Certificate, claim: Claim) -> Iterator[str]:
    upper = number(cert.evidence, "eigenvalue_upper", -2 * claim.row_exponent)
    keep = np.ones(len(claim.rows), dtype=bool)
    if "witness" in cert.evidence.arrays:
        x, low = cert.evidence.arrays["witness"], claim.low
        one_sided = not np.isfinite(claim.high).any()
        if not math.isfinite(claim.radius) and one_sided and (low <= 0.0).all():
            low = np.where(np.isfinite(low), 0.0, low)  # far out along x
        elif norm_upper(x) > claim.radius:
            yield "the witness of the eigenvalue lies outside the scope"
        if claim.nonnegative and (x < 0.0).any():
            yield "the witness of the eigenvalue lies outside the scope"
        t = claim.rows @ x
        error = gamma(len(x) + 8) * np.sqrt((claim.rows**2).sum(axis=1)) * norm_upper(x)
        keep = ~((t + error < low) | (t - error > claim.high))
    if rayleigh_upper(claim.rows[keep]) > upper * (1.0 + 1e-12):
        yield "the eigenvalue's upper end is below what its witness shows"
