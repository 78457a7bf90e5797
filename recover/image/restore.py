"""The recovery of one side of a picture: box by box, then validated by clipping it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from recover.core.arrays import Array
from recover.core.progress import Progress, Watch
from recover.image.boxes import Box, plan_boxes, some_boxes
from recover.image.domain import LINEAR, LOGARITHM
from recover.image.model import EnergySettings
from recover.image.noise import with_noise
from recover.image.parts import Part, Plan, none_tried, predictions, trial_of, write_parts
from recover.image.points import point_sources
from recover.image.rivals import Rival
from recover.image.side import Scaled
from recover.image.stars import StarField
from recover.image.validation import AGAIN, Trial, blends_of, misfit_of, share_of, shrinkage_of
from recover.image.ways import FORCED, Way
from recover.solve.base import Status

__all__ = ["Choice", "Restored", "restore"]

TILE = 512
_ALIGN = 16  # boxes start where coarse maps do
_TRIED = 150_000  # pixels on which a large picture is validated


@dataclass(frozen=True, eq=False)
class Restored:
    """How far a recovery was trusted, and how it ended.

    Parameters
    ----------
    shrinkage : tuple of float
        Per channel.
    shares : tuple of (Rival, float)
        What each rival makes up of the result.
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
    shares: tuple[tuple[Rival, float], ...]
    status: Status
    settings: EnergySettings
    again: float = AGAIN
    noise: float = 0.0
    field: StarField | None = None

    @property
    def blend(self) -> float:
        """What all rivals make up of the result."""
        return sum(share for _rival, share in self.shares)


@dataclass(frozen=True, eq=False)
class Choice:
    """What a recovery does.

    Parameters
    ----------
    settings : EnergySettings
        Of the model.
    way : Way
    rivals : tuple of Rival
        What the model is blended with as far as that pays.
    rng : Generator
        Chooses the boxes on which a large picture is validated.
    watch : callable, optional
        Called after each box; return True to stop: what is not recovered stays at its level.
    """

    settings: EnergySettings
    way: Way
    rivals: tuple[Rival, ...]
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
    validated, forced = choice.way is Way.VALIDATED, FORCED.get(choice.way)
    rivals = choice.rivals if validated else () if forced is None else (forced,)
    scaled = with_noise(scaled) if validated else scaled
    plan, counter = Plan.of(scaled, rivals), _Counter(choice.watch)
    settings, trial = choice.settings, none_tried()
    boxes = _planned(plan.hidden, settings)
    if validated:
        candidates = _candidates(scaled, settings)
        if len(out) > 1 or len(candidates) > 1:
            settings, trial = _chosen(plan, candidates, choice, counter, len(boxes))
    counter.total = counter.done + len(boxes)
    done = _run(plan, boxes, settings, counter)
    if validated and len(out) == 1 and done:
        # there is no other channel to follow, so how far a surface rises depends on how near
        # the picture's brightest tone is: the trial hides an excess of the size predicted
        share = share_of(np.concatenate([part.model for part in done]) - 1.0)
        if share > AGAIN or not trial.channel.size:
            trial = _tried(Plan.of(scaled, rivals, share), settings, choice, _Counter(None))
    shrinkage = shrinkage_of(trial, len(out))
    blends = blends_of(trial, shrinkage) if validated else (1.0,) * len(rivals)
    write_parts(out, plan, done, shrinkage, blends)
    status = _worst(done, stopped=counter.stopped)
    shares = _shares(rivals, blends)
    return Restored(shrinkage, shares, status, settings, trial.share, scaled.noise)


def _chosen(
    plan: Plan,
    candidates: Sequence[EnergySettings],
    choice: Choice,
    counter: _Counter,
    after: int,
) -> tuple[EnergySettings, Trial]:
    """Return the settings that do best on the picture clipped again, and their trial."""
    again = Plan.of(plan.scaled, plan.rivals, AGAIN)
    boxes = some_boxes(_planned(again.hidden, candidates[0]), _TRIED, choice.rng)
    counter.total = len(candidates) * len(boxes) + after
    found = list[tuple[float, EnergySettings, Trial]]()
    for each in candidates:
        trial = trial_of(again, _run(again, boxes, each, counter))
        misfit = misfit_of(trial, shrinkage_of(trial, len(plan.hidden)))
        found.append((misfit, each, trial))
    best = min(range(len(found)), key=lambda k: (found[k][0], -k))
    return found[best][1:]


def _tried(plan: Plan, settings: EnergySettings, choice: Choice, counter: _Counter) -> Trial:
    """Return what is predicted for a part of the picture clipped again."""
    boxes = some_boxes(_planned(plan.hidden, settings), _TRIED, choice.rng)
    return trial_of(plan, _run(plan, boxes, settings, counter))


def _shares(
    rivals: Sequence[Rival], blends: Sequence[float]
) -> tuple[tuple[Rival, float], ...]:
    """Return what each rival makes up of the whole, blended one after the other."""
    left, found = 1.0, list[tuple[Rival, float]]()
    for rival, blend in zip(reversed(rivals), reversed(blends), strict=True):
        found.append((rival, left * blend))
        left *= 1.0 - blend
    return tuple(reversed(found))


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
    plan: Plan, boxes: Sequence[Box], settings: EnergySettings, counter: _Counter
) -> list[Part]:
    """Return predictions for the boxes, fewer if the watch asks to stop."""
    parts = list[Part]()
    if counter.stopped:
        return parts
    for part in predictions(plan, boxes, settings):
        parts.append(part)
        if not counter.step():
            break
    return parts


def _worst(parts: Sequence[Part], *, stopped: bool) -> Status:
    if stopped:
        return Status.STOPPED
    unfinished = any(part.status is not Status.CONVERGED for part in parts)
    return Status.MAX_ITER if unfinished else Status.CONVERGED
