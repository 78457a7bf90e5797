"""The certificate of an image, proved again from its file."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from recover.certificates.certificate import Certificate
from recover.core.arrays import Array, digest
from recover.image.account import verify_image
from recover.image.levels import ChannelLevel
from recover.image.measurement import channel_names
from recover.image.raw import verify_raw
from recover.image.task import Task, read_mask, tasks_of
from recover.image.unproved import silence_faults
from recover.io.image_read import read_image

__all__ = ["image_faults"]


def image_faults(path: str, data: Mapping[str, Any], promise: Certificate) -> tuple[str, ...]:
    """Return what could not be proved again of an image's certificate.

    Parameters
    ----------
    path : str
        The clipped image.
    data : mapping
        What ``--json`` wrote: levels, tolerance, mask.
    promise : Certificate
        The certificate in it.

    Raises
    ------
    KeyError, TypeError, ValueError
        If the data are damaged.
    RecoverError
        If a file cannot be read, or levels do not fit the image.
    """
    levels = tuple(ChannelLevel(**entry) for entry in data["detection"])
    bits = data["dq_bits"]
    image = read_image(path, dq_bits=None if bits is None else int(bits))
    if data["mask"] is not None:
        image = dataclasses.replace(image, mask=read_mask(str(data["mask"]), image))
    count = len(channel_names(image))
    if len(levels) != count:
        return (
            f"the certificate speaks of another image: it has {len(levels)} channel(s), {path} "
            f"has {count}",
        )
    if image.raw is not None and not image.palette:
        return verify_raw(
            promise,
            image.pixels,
            "".join(image.raw.pattern),
            levels=[math.inf if each.high is None else each.high for each in levels],
            black=list(image.raw.black),
            white_balance=list(image.raw.white_balance),
        ).reasons
    if image.palette:
        return _bare_faults(promise, image.pixels)
    tasks, tolerance = tasks_of(image, levels), float(data["tolerance"])
    if not image.stack or len(tasks) == 1:
        return _task_faults(promise, tasks[0], tolerance)
    parts = promise.parts or ()
    if len(parts) != len(tasks):
        return (f"the certificate has {len(parts)} parts, the stack {len(tasks)} pictures",)
    found = [
        f"{label}: {fault}"
        for (label, part), task in zip(parts, tasks, strict=True)
        for fault in _task_faults(part, task, tolerance)
    ]
    return (*found, *_whole_faults(promise))


def _task_faults(promise: Certificate, task: Task, tolerance: float) -> tuple[str, ...]:
    return verify_image(
        promise,
        task.picture,
        low=task.low,
        high=task.high,
        channel_axis=task.channel_axis,
        mask=task.mask,
        tolerance=tolerance,
    ).reasons


def _bare_faults(promise: Certificate, samples: Array) -> tuple[str, ...]:
    """Return what is wrong with a certificate that promises nothing of a palette image."""
    subject = digest([samples, np.zeros(samples.shape, dtype=bool)])
    return silence_faults(promise, subject, "image")


def _whole_faults(promise: Certificate) -> tuple[str, ...]:
    """Return what of a stack's certificate does not follow from its parts."""
    from recover.certificates.parts import combine

    claimed, proved = promise.to_data(), combine(promise.parts or ()).to_data()
    return tuple(
        f"{name} of the whole is not what follows from its parts"
        for name in sorted(proved)
        if name != "parts" and claimed[name] != proved[name]
    )
