"""Predictions for the clipped samples of a picture, box by box, and how they are joined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from recover.core.arrays import Array
from recover.image.boxes import Box
from recover.image.conditional import ColourStatistics
from recover.image.model import EnergySettings, energy_of
from recover.image.noise import followed
from recover.image.opposed import chrominance
from recover.image.rivals import Guess, Rival, guess_of
from recover.image.side import Scaled
from recover.image.slopes import global_spread
from recover.image.validation import AGAIN, Trial, blended
from recover.solve.base import Status

__all__ = ["Part", "Plan", "none_tried", "predictions", "trial_of", "write_parts"]

TOL, TRIAL_TOL = 1e-3, 3e-2
_BEYOND_WHOLE = 1.2  # on the excess where no channel is left: the model is too low there
_NOISY = 2.0  # power of the deviations by which a noisy picture's channels are weighted
_FIRM = 0.9  # if the channel's factor is at least this
_SPREAD = 100_000  # pixels from which global moments are taken
_BLOCK = 32  # pixels: errors in one such square are taken to go together


@dataclass(frozen=True, eq=False)
class Part:
    """Predictions for the clipped samples of one box, in units of the level.

    Parameters
    ----------
    box : Box
    where : array of bool [shape=(channels, height, width) of the box]
        The samples.
    model : array [shape=(n,)]
    guesses : tuple of Guess
        Of the rivals.
    status : Status
    """

    box: Box
    where: Array
    model: Array
    guesses: tuple[Guess, ...]
    status: Status

    @property
    def channel(self) -> Array:
        """The channel of each sample."""
        return np.nonzero(self.where)[0]

    @property
    def blocks(self) -> Array:
        """A number for each sample, equal within squares of the picture."""
        _channel, row, column = np.nonzero(self.where)
        down = (row + (self.box.rows.start or 0)) // _BLOCK
        right = (column + (self.box.columns.start or 0)) // _BLOCK
        return np.asarray((down << 20) + right)


@dataclass(frozen=True, eq=False)
class Plan:
    """What is predicted for a picture.

    Parameters
    ----------
    scaled : Scaled
    rivals : tuple of Rival
    share : float
        Of the level: where the picture is clipped again; 1 for its own level.
    hidden : array of bool [shape=(channels, height, width)]
        What is clipped there.
    """

    scaled: Scaled
    rivals: tuple[Rival, ...]
    share: float
    hidden: Array

    @staticmethod
    def of(scaled: Scaled, rivals: tuple[Rival, ...], share: float = 1.0) -> Plan:
        """Return the plan for a picture clipped at a share of its level."""
        hidden = scaled.clipped if share == 1.0 else scaled.above(share)
        return Plan(scaled, rivals, share, hidden)


def predictions(plan: Plan, boxes: Sequence[Box], settings: EnergySettings) -> Iterator[Part]:
    """Yield what the model and its rivals say of each box.

    Parameters
    ----------
    plan : Plan
    boxes : sequence of Box
    settings : EnergySettings
        Of the model.
    """
    scaled, share = plan.scaled, plan.share
    spread, statistics = _moments(plan, settings)
    # what noise adds to the deviations from the model goes its own way from edge to edge; what
    # the picture itself adds runs along contours, and counts for less than its number of edges
    power = _NOISY if scaled.noise > 0.0 else 1.0
    for box in boxes:
        clipped = box.cut(plan.hidden)
        planes = followed(scaled.part(box, share), clipped, scaled.noise / share)
        tol = TOL if share == 1.0 else TRIAL_TOL
        energy = energy_of(
            planes, clipped, settings, tol=tol, own=box.own, spread=spread, power=power
        )
        where = clipped & box.own
        guesses = tuple(
            guess_of(
                rival, planes, clipped, where, balance=scaled.balance, statistics=statistics
            )
            for rival in plan.rivals
        )
        yield Part(box, where, energy.values[where], guesses, energy.solution.status)


def _moments(
    plan: Plan, settings: EnergySettings
) -> tuple[Array | None, ColourStatistics | None]:
    """Return global variances in the domain, and those of colours; None for a grey picture."""
    if len(plan.hidden) == 1:
        return None, None
    values, usable = plan.scaled.sample(_SPREAD)
    spread = global_spread(settings.domain.forward(values), usable)
    if Rival.MEAN not in plan.rivals:
        return spread, None
    lower = np.minimum(values / np.float32(plan.share), np.float32(1.0))
    return spread, ColourStatistics.of(lower, lower < 1.0)


def _corrected(parts: Sequence[Part]) -> list[list[Array]]:
    """Return the rivals' values for each part, one chrominance for all where they have one."""
    if not parts:
        return []
    chromas = []
    for k in range(len(parts[0].guesses)):
        sums = np.sum([part.guesses[k].sums for part in parts], axis=0)
        counts = np.sum([part.guesses[k].counts for part in parts], axis=0)
        chromas.append(chrominance(sums, counts).astype(np.float32))
    return [
        [
            np.maximum(guess.values + chroma[part.channel], np.float32(1.0))
            for guess, chroma in zip(part.guesses, chromas, strict=True)
        ]
        for part in parts
    ]


def trial_of(plan: Plan, parts: Sequence[Part]) -> Trial:
    """Collect what was predicted for samples clipped again, and what is known of them."""
    again = np.float32(plan.share)
    rivals = _corrected(parts)
    empty = np.zeros(0, dtype=np.float32)

    def joined(arrays: list[Array], start: Array = empty) -> Array:
        return np.concatenate([start, *arrays])

    none = np.zeros(0, dtype=np.intp)
    return Trial(
        channel=joined([part.channel for part in parts], none),
        known=joined([plan.scaled.part(part.box)[part.where] for part in parts]),
        clipped=joined(
            [part.box.cut(plan.scaled.clipped)[part.where] for part in parts],
            np.zeros(0, dtype=np.bool_),
        ),
        model=joined([again * part.model for part in parts]),
        rivals=tuple(
            joined([again * each[k] for each in rivals]) for k in range(len(plan.rivals))
        ),
        blocks=joined([part.blocks for part in parts], none),
        share=plan.share,
    )


def write_parts(
    out: Array,
    plan: Plan,
    parts: Sequence[Part],
    shrinkage: tuple[float, ...],
    blends: tuple[float, ...],
) -> None:
    """Shrink, blend, and put the predictions into the picture."""
    scaled, factors = plan.scaled, np.array(shrinkage, dtype=np.float32)
    for part, rivals in zip(parts, _corrected(parts), strict=True):
        factor = factors[part.channel]
        if len(out) > 1:
            whole = np.broadcast_to(part.box.cut(scaled.clipped).all(axis=0), part.where.shape)
            more = whole[part.where] & (factor >= _FIRM)
            factor = np.where(more, factor * np.float32(_BEYOND_WHOLE), factor)
        values = blended(1.0 + factor * (part.model - 1.0), rivals, blends)
        scaled.write(out, part.box, part.where, np.maximum(values, 1.0))


def none_tried() -> Trial:
    """Return what is known when nothing was tried."""
    none = np.zeros(0, dtype=np.float32)
    whole = np.zeros(0, dtype=np.intp)
    return Trial(whole, none, np.zeros(0, dtype=bool), none, blocks=whole, share=AGAIN)
