"""The recovery of one side of a picture: box by box, then validated by clipping it again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from recover.core.arrays import Array
from recover.core.progress import Progress, Watch
from recover.image.boxes import Box, plan_boxes, some_boxes
from recover.image.domain import LINEAR, LOGARITHM
from recover.image.model import EnergySettings, energy_of
from recover.image.noise import followed, with_noise
from recover.image.opposed import chrominance, opposed_part
from recover.image.points import point_sources
from recover.image.side import Scaled
from recover.image.slopes import global_spread
from recover.image.stars import StarField
from recover.image.validation import AGAIN, Trial, blend_of, misfit_of, share_of, shrinkage_of
from recover.image.ways import Way
from recover.solve.base import Status

__all__ = ["Choice", "Restored", "restore"]

TILE, TOL = 512, 1e-3
TRIAL_TOL = 3e-2
_ALIGN = 16  # boxes start where coarse maps do
_BEYOND_WHOLE = 1.2  # on the excess where no channel is left: the model is too low there
_FIRM = 0.9  # if the channel's factor is at least this
_SPREAD = 100_000  # pixels from which global variances are taken
_TRIED = 150_000  # pixels on which a large picture is validated


@dataclass(frozen=True, eq=False)
class Restored:
    """How far a recovery was trusted, and how it ended.

    Parameters
    ----------
    shrinkage : tuple of float
        Per channel.
    blend : float
        Share of the opposed rule.
    status : Status
    settings : EnergySettings
        Of the model that was used.
    again : float
        Share of the level at which the picture was last clipped again.
    noise : float
        Estimate of its deviation in units of the level, 0 where it is not material.
    field : StarField or None
        What was fitted, if the picture was recovered as a field of stars.
    """

    shrinkage: tuple[float, ...]
    blend: float
    status: Status
    settings: EnergySettings
    again: float = AGAIN
    noise: float = 0.0
    field: StarField | None = None


@dataclass(frozen=True, eq=False)
class _Part:
    """Predictions for the clipped samples of one box, in units of the level."""

    box: Box
    where: Array
    model: Array
    reference: Array
    sums: Array
    counts: Array
    status: Status


@dataclass(frozen=True, eq=False)
class Choice:
    """What a recovery does.

    Parameters
    ----------
    settings : EnergySettings
        Of the model.
    way : Way
    rng : Generator
        Chooses the boxes on which a large picture is validated.
    watch : callable, optional
        Called after each box; return True to stop: what is not recovered stays at its level.
    """

    settings: EnergySettings
    way: Way
    rng: np.random.Generator
    watch: Watch | None = None


def restore(out: Array, scaled: Scaled, choice: Choice) -> Restored:
    """Recover clipped samples into `out`, which holds the picture.

    Parameters
    ----------
    out : array [shape=(channels, height, width)]
        Changed where clipped only.
    scaled : Scaled
    choice : Choice
    """
    way, settings, trial = choice.way, choice.settings, _no_trial()
    counter, fits = _Counter(choice.watch), list[float]()
    if way is Way.VALIDATED:
        scaled = with_noise(scaled)
        hidden = scaled.above(AGAIN)
        boxes = some_boxes(_planned(hidden, settings), _TRIED, choice.rng)
        planned = _planned(scaled.clipped, settings)
        candidates = _candidates(scaled, settings)
        counter.total = len(candidates) * len(boxes) + len(planned)
        for each in candidates:
            parts = _run(scaled, boxes, (AGAIN, hidden), each, counter)
            found = _trial(scaled, parts)
            factors = shrinkage_of(found, len(out))
            fits.append(misfit_of(found, factors))
            if fits[-1] <= min(fits):
                settings, trial = each, found
    else:
        planned = _planned(scaled.clipped, settings)
        counter.total = len(planned)
    shrinkage = shrinkage_of(trial, len(out))
    blend = blend_of(trial, shrinkage) if len(out) > 1 else 0.0
    if way is Way.RULE:
        blend = 1.0
    done = _run(scaled, planned, (1.0, scaled.clipped), settings, counter)
    again = AGAIN
    if way is Way.VALIDATED and len(out) == 1:
        again, factor = _nearer(scaled, done, choice, settings)
        shrinkage = (min(factor, *shrinkage),)
    _write(out, scaled, done, shrinkage, blend)
    status = _worst(done, stopped=counter.stopped)
    return Restored(shrinkage, blend, status, settings, again, scaled.noise)


def _nearer(
    scaled: Scaled, done: Sequence[_Part], choice: Choice, settings: EnergySettings
) -> tuple[float, float]:
    """Return where a grey picture is clipped once more, and how far it trusts the model.

    There is no other channel to follow, so how far a surface rises depends on how near the
    picture's brightest tone is: the trial is made with an excess of the size predicted.
    """
    if not done:
        return AGAIN, 1.0
    share = share_of(np.concatenate([part.model for part in done]) - 1.0)
    if share <= AGAIN:
        return AGAIN, 1.0
    hidden = scaled.above(share)
    boxes = some_boxes(_planned(hidden, settings), _TRIED, choice.rng)
    parts = _run(scaled, boxes, (share, hidden), settings, _Counter(None))
    return share, shrinkage_of(_trial(scaled, parts, share), 1)[0]


class _Counter:
    """Counts boxes for the watch, and remembers whether it asked to stop."""

    def __init__(self, watch: Watch | None) -> None:
        self.watch, self.total, self.done, self.stopped = watch, 0, 0, False

    def step(self) -> bool:
        """Count a box; return whether to go on."""
        self.done += 1
        if self.watch is not None and self.watch(Progress(self.done, self.total, 0.0)):
            self.stopped = True
        return not self.stopped


def _planned(hidden: Array, settings: EnergySettings) -> list[Box]:
    """Return the boxes around hidden samples."""
    anywhere = np.asarray(np.logical_or.reduce(hidden, axis=0))
    margin = int(np.ceil(3.0 * settings.slopes.sigma)) + 2
    return plan_boxes(anywhere, margin, TILE, _ALIGN)


def _candidates(scaled: Scaled, settings: EnergySettings) -> list[EnergySettings]:
    """Return the settings to try: for grey pictures of point sources the logarithm too."""
    if len(scaled.planes) == 1 and settings.domain == LINEAR and point_sources(scaled):
        return [settings, replace(settings, domain=LOGARITHM)]
    return [settings]


def _run(
    scaled: Scaled,
    boxes: Sequence[Box],
    at: tuple[float, Array],
    settings: EnergySettings,
    counter: _Counter,
) -> list[_Part]:
    """Return predictions for the boxes, fewer if the watch asks to stop."""
    spread, parts = _spread(scaled, settings), list[_Part]()
    if counter.stopped:
        return parts
    for part in _predictions(scaled, boxes, at, (settings, spread)):
        parts.append(part)
        if not counter.step():
            break
    return parts


def _predictions(
    scaled: Scaled,
    boxes: Sequence[Box],
    at: tuple[float, Array],
    model: tuple[EnergySettings, Array | None],
) -> Iterator[_Part]:
    """Yield what the model and the rule say of each box of the picture clipped at `share`."""
    (settings, spread), (share, hidden) = model, at
    for box in boxes:
        tol = TOL if share == 1.0 else TRIAL_TOL
        clipped = box.cut(hidden)
        planes = followed(scaled.part(box, share), clipped, scaled.noise / share)
        energy = energy_of(planes, clipped, settings, tol=tol, own=box.own, spread=spread)
        where = clipped & box.own
        if len(planes) > 1:
            rule = opposed_part(planes, clipped, scaled.balance)
            reference, sums, counts = rule.reference[where], rule.sums, rule.counts
        else:
            reference, sums, counts = np.ones(0, np.float32), np.zeros(1), np.zeros(1)
        yield _Part(
            box, where, energy.values[where], reference, sums, counts, energy.solution.status
        )


def _spread(scaled: Scaled, settings: EnergySettings) -> Array | None:
    """Return the global variances in the domain, None for a grey picture."""
    if len(scaled.planes) == 1:
        return None
    values, usable = scaled.sample(_SPREAD)
    return global_spread(settings.domain.forward(values), usable)


def _rule(parts: Sequence[_Part]) -> list[Array]:
    """Return the opposed rule's predictions for each part, with one chrominance for all."""
    if not parts or not parts[0].reference.size:
        return [np.ones_like(part.model) for part in parts]
    sums = np.sum([part.sums for part in parts], axis=0)
    chroma = chrominance(sums, np.sum([part.counts for part in parts], axis=0))
    return [
        np.maximum(part.reference + chroma.astype(np.float32)[np.nonzero(part.where)[0]], 1.0)
        for part in parts
    ]


def _trial(scaled: Scaled, parts: Sequence[_Part], share: float = AGAIN) -> Trial:
    """Collect what was predicted for samples clipped again, and what is known of them."""
    again = np.float32(share)
    empty = np.zeros(0, dtype=np.float32)
    channel, clipped = [np.zeros(0, dtype=np.intp)], [np.zeros(0, dtype=bool)]
    known, model, rules = [empty], [empty], [empty]
    for part, rule in zip(parts, _rule(parts), strict=True):
        channel.append(np.nonzero(part.where)[0])
        clipped.append(part.box.cut(scaled.clipped)[part.where])
        known.append(scaled.part(part.box)[part.where])
        model.append(again * part.model)
        rules.append(again * rule)
    joined = [np.concatenate(each) for each in (channel, known, clipped, model, rules)]
    return Trial(*joined, share=share)


def _no_trial() -> Trial:
    """Return what is known when nothing was tried."""
    none = np.zeros(0, dtype=np.float32)
    return Trial(np.zeros(0, dtype=np.intp), none, np.zeros(0, dtype=bool), none, none)


def _write(
    out: Array,
    scaled: Scaled,
    parts: Sequence[_Part],
    shrinkage: tuple[float, ...],
    blend: float,
) -> None:
    """Shrink, blend, and put the predictions into the picture."""
    factors = np.array(shrinkage, dtype=np.float32)
    for part, rule in zip(parts, _rule(parts), strict=True):
        factor = factors[np.nonzero(part.where)[0]]
        if len(out) > 1:
            whole = np.broadcast_to(part.box.cut(scaled.clipped).all(axis=0), part.where.shape)
            more = whole[part.where] & (factor >= _FIRM)
            factor = np.where(more, factor * np.float32(_BEYOND_WHOLE), factor)
        model = 1.0 + factor * (part.model - 1.0)
        values = (1.0 - blend) * model + blend * rule
        scaled.write(out, part.box, part.where, np.maximum(values, 1.0))


def _worst(parts: Sequence[_Part], *, stopped: bool) -> Status:
    if stopped:
        return Status.STOPPED
    unfinished = any(part.status is not Status.CONVERGED for part in parts)
    return Status.MAX_ITER if unfinished else Status.CONVERGED
