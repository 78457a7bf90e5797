"""Declipping the mosaic of a camera before it is developed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from recover.certificates.certificate import Certificate
from recover.certificates.verify import Verdict
from recover.core.arrays import Array, as_generator, require_finite
from recover.core.errors import ParameterError
from recover.core.progress import Progress, Watch
from recover.image.arguments import as_floating, check_watch
from recover.image.bayer import Mosaic
from recover.image.boxes import Box, plan_boxes, some_boxes
from recover.image.demosaic import COLOURS, check_fit
from recover.image.joint import Completed, JointSettings, complete
from recover.image.mosaic_account import mosaic_account, reprove_mosaic
from recover.image.opposed import chrominance
from recover.image.result import ImageResult
from recover.image.validation import AGAIN, Trial, blends_of
from recover.solve.base import Status

__all__ = ["declip_raw", "verify_raw"]

_TILE, _TRIAL_TILE, _ALIGN = 512, 256, 16
_MARGIN = 64  # pixels: about two deviations of the slopes' window
_TRIED = 30_000  # pixels on which a large mosaic is validated
_FEWEST, _TIMES = 4000, 2  # enough for it: so many, and twice as many as are recovered
_HALO = 2  # pixels around clipped samples that interpolation has touched
_RING = 4  # pixels around clipped samples from which the chrominance is taken
_FLOOR, _TOP = 0.2, 0.985  # of the level: what counts for it
_TRIAL = 5.0  # on the tolerance


def declip_raw(
    cfa: npt.ArrayLike,
    pattern: str,
    *,
    levels: float | Sequence[float],
    black: float | Sequence[float] = 0.0,
    white_balance: Sequence[float] | None = None,
    certify: bool = True,
    rng: int | np.random.Generator = 0,
    watch: Watch | None = None,
) -> ImageResult:
    """Recover the clipped samples of a Bayer mosaic.

    The three colours are completed and declipped in one task, since a declipper that comes
    after demosaicing finds the relation of the channels blurred; the rule of opposed channels
    on that picture is blended in as far as clipping the mosaic again, lower, shows it to be
    better.  Unclipped samples come back bit for bit, recovered ones at or beyond their level.

    Parameters
    ----------
    cfa : array [shape=(height, width), real]
        The mosaic, proportional to light; one stored by a curve loses much of the gain, so
        decode it first (rawpy does).  Integers come back as float32 (float64 from 32 bits on),
        in their own unit.
    pattern : str
        The two rows of the repeating block, such as "RGGB".
    levels : float or three
        The levels at which red, green and blue are clipped; infinite for one that is not.
    black : float or three
        The values of no light.
    white_balance : three, optional
        Multipliers that make a grey surface equal in all channels; all 1 by default.
    certify : bool
        Whether to certify the result.
    rng : int or Generator
        Chooses the part of a large mosaic on which the blend is chosen.
    watch : callable, optional
        Called with a `Progress`; return True to stop.

    Returns
    -------
    ImageResult
        Its image is the mosaic.

    Raises
    ------
    ParameterError
        If the mosaic is not real and finite, the pattern is not a Bayer one (X-Trans is not
        supported) or plainly not that of the mosaic, or levels do not fit.
    """
    mosaic = np.asarray(cfa)
    if mosaic.ndim != 2 or 0 in mosaic.shape or mosaic.dtype.kind not in "iuf":
        raise ParameterError(
            f"cfa must be a real mosaic (height, width), got shape {mosaic.shape} and dtype "
            f"{mosaic.dtype}"
        )
    check_watch(watch)
    wide = as_floating(require_finite("cfa", mosaic))
    task = Mosaic.of(wide, pattern, levels, black, white_balance)
    check_fit(wide - task.black[task.sites].astype(wide.dtype), ~task.hidden, pattern)
    out = wide.copy()
    status, blend = Status.DIRECT, 0.0
    if task.hidden.any():
        status, blend = _recover(task, out, as_generator(rng), watch)
    account = mosaic_account(out, task, asked=certify)
    return ImageResult(
        image=out,
        levels=task.accounts(),
        recovered=task.hidden,
        transfer="linear",
        status=status,
        certificate=account.certificate,
        shrinkage=(1.0,) * len(COLOURS),
        blend=blend,
        notes=() if account.note is None else (account.note,),
        trust_map=account.trust,
    )


def verify_raw(
    certificate: Certificate,
    cfa: npt.ArrayLike,
    pattern: str,
    *,
    levels: float | Sequence[float],
    black: float | Sequence[float] = 0.0,
    white_balance: Sequence[float] | None = None,
) -> Verdict:
    """Prove the certificate of a mosaic again, from the clipped mosaic; no recovery is run.

    Parameters
    ----------
    certificate : Certificate
    cfa, pattern, levels, black, white_balance
        As `declip_raw` took them.

    Raises
    ------
    ParameterError
        If the mosaic, pattern and levels do not fit, or the certificate is damaged.
    """
    wide = as_floating(require_finite("cfa", np.asarray(cfa)))
    return reprove_mosaic(certificate, Mosaic.of(wide, pattern, levels, black, white_balance))


@dataclass(frozen=True, eq=False)
class _Part:
    """Predictions for the clipped samples of a box, in units of the level."""

    box: Box
    where: Array
    colour: Array
    model: Array
    reference: Array
    sums: Array
    counts: Array


def _recover(
    task: Mosaic, out: Array, rng: np.random.Generator, watch: Watch | None
) -> tuple[Status, float]:
    """Fill the clipped samples of `out`; return the status and the rule's share."""
    settings = JointSettings()
    rough = replace(settings, tol=_TRIAL * settings.tol, rounds=1)
    enough = max(_TIMES * int(np.count_nonzero(task.hidden)), _FEWEST)
    tried = plan_boxes(task.above(AGAIN), _MARGIN, _TRIAL_TILE, _ALIGN)
    jobs = [(box, AGAIN, rough) for box in some_boxes(tried, _TRIED, rng, enough)]
    count = len(jobs)
    jobs += [(box, 1.0, settings) for box in plan_boxes(task.hidden, _MARGIN, _TILE, _ALIGN)]
    parts = []
    for k, (box, share, chosen) in enumerate(jobs):
        parts.append(_solve(task, box, share, chosen))
        if watch is not None and watch(Progress(k + 1, len(jobs), 0.0)):
            break
    (blend,) = blends_of(_trial(task, parts[:count]), (1.0,) * len(COLOURS))
    _write(task, out, parts[count:], blend)
    return (Status.CONVERGED if len(parts) == len(jobs) else Status.STOPPED), blend


def _solve(task: Mosaic, box: Box, share: float, settings: JointSettings) -> _Part:
    mosaic, hidden, sites = task.part(box, share)
    found = complete(mosaic, hidden, box.own, sites, task.balance, settings=settings)
    where = hidden & box.own
    colour = sites[where]
    rows, columns = np.nonzero(where)
    reference, sums, counts = _opposed(found, hidden, box.own, sites, task.balance)
    model = np.maximum(found.planes[colour, rows, columns], np.float32(1.0))
    return _Part(box, where, colour, model, reference[colour, rows, columns], sums, counts)


def _opposed(
    found: Completed, hidden: Array, own: Array, sites: Array, balance: Array
) -> tuple[Array, Array, Array]:
    """Return what the other colours say of each, and sums for the chrominance.

    The rule of `recover.image.opposed`, its reference from the completed picture and its
    chrominance from samples that were really taken, off the halo of interpolation: those around
    the box's own, so that no two boxes count the same ones.
    """
    from scipy import ndimage

    scale = np.asarray(balance, dtype=np.float32)[:, None, None]
    roots = np.cbrt(np.maximum(found.planes * scale, np.float32(0.0)))
    reference = ((roots.sum(axis=0) - roots) / np.float32(2.0)) ** 3 / scale
    sums, counts = np.zeros(len(COLOURS)), np.zeros(len(COLOURS))
    halo = ndimage.binary_dilation(hidden, iterations=_HALO)
    for c in range(len(COLOURS)):
        here = sites == c
        asked = hidden & own & here
        if not asked.any():
            continue
        ring = ndimage.binary_dilation(asked, iterations=_RING + _HALO)
        near = ring & here & ~halo & (found.first[c] > _FLOOR) & (found.first[c] < _TOP)
        sums[c] = float((found.planes[c] - reference[c])[near].sum(dtype=np.float64))
        counts[c] = float(np.count_nonzero(near))
    return reference, sums, counts


def _rule(parts: Sequence[_Part]) -> list[Array]:
    """Return the rule's predictions of each part, with one chrominance for all."""
    if not parts:
        return []
    sums = np.sum([part.sums for part in parts], axis=0)
    chroma = chrominance(sums, np.sum([part.counts for part in parts], axis=0))
    return [np.maximum(p.reference + chroma.astype(np.float32)[p.colour], 1.0) for p in parts]


def _trial(task: Mosaic, parts: Sequence[_Part]) -> Trial:
    """Collect what was predicted for samples clipped again, and what is known of them."""
    again, empty = np.float32(AGAIN), np.zeros(0, dtype=np.float32)
    colour, clipped = [np.zeros(0, dtype=np.intp)], [np.zeros(0, dtype=bool)]
    known, model, rules = [empty], [empty], [empty]
    for part, rule in zip(parts, _rule(parts), strict=True):
        colour.append(part.colour)
        clipped.append(part.box.cut(task.hidden)[part.where])
        known.append(task.part(part.box)[0][part.where])
        model.append(again * part.model)
        rules.append(again * rule)
    return Trial(
        channel=np.concatenate(colour),
        known=np.concatenate(known),
        clipped=np.concatenate(clipped),
        model=np.concatenate(model),
        rivals=(np.concatenate(rules),),
    )


def _write(task: Mosaic, out: Array, parts: Sequence[_Part], blend: float) -> None:
    for part, rule in zip(parts, _rule(parts), strict=True):
        value = ((1.0 - blend) * part.model + blend * rule).astype(np.float64)
        level, dark = task.levels[part.colour], task.black[part.colour]
        found = (dark + np.maximum(value, 1.0) * (level - dark)).astype(out.dtype)
        edge = level.astype(out.dtype)
        edge = np.where(edge < level, np.nextafter(edge, np.asarray(np.inf, out.dtype)), edge)
        part.box.cut(out)[part.where] = np.maximum(found, edge)
