"""The report of an a-priori certificate: how the bracket closed, where the frame is weak."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from recover.certificates.certificate import Certificate
from recover.core.arrays import Array
from recover.models.base import Model
from recover.models.domains import Ball, Domain
from recover.models.modulus import Modulus
from recover.models.noise import Noise
from recover.models.relu import ReLU
from recover.models.saturation import Saturation
from recover.report.canvas import CLIPPED, INK, RECOVERED, canvas, png
from recover.report.page import (
    Chapter,
    Figure,
    Section,
    command,
    figure,
    page,
    paragraphs,
    promise,
    table,
)
from recover.report.words import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

__all__ = ["certify_report"]

Bracket = tuple[float, float, float]
GRID = 400  # points along each axis of a picture of cells


def certify_report(
    certificate: Certificate,
    model: Model,
    where: Domain,
    brackets: Sequence[Bracket],
    verify_with: str = "",
) -> str:
    """Return the report as one self-contained HTML page.

    Parameters
    ----------
    certificate : Certificate
        As issued for `model` on `where`.
    model : Model
        What was certified; drawn where it has two or three dimensions.
    where : Domain
        The signals spoken of.
    brackets : sequence of (seconds, lower, upper)
        The eigenvalue's bracket over time.
    verify_with : str
        The command that re-verifies the certificate, if it was saved.
    """
    m, n = model.frame.coef_size, model.frame.signal_size
    kappa, growth = certificate.kappa, certificate.amplification
    rows = [
        ["kappa, the lower Lipschitz constant", number(kappa.lower, 8), number(kappa.upper, 8)],
        ["noise amplification", number(growth.lower, 8), number(growth.upper, 8)],
    ]
    found = table(["quantity", "at least", "at most"], rows)
    sections = [Section("What was proved", (found, promise(_words(certificate))))]
    if brackets:
        sections.append(Section("How the search closed", (figure(_closing(brackets)),)))
    if isinstance(where, Ball) and n in (2, 3) and not isinstance(model, Modulus):
        sections.append(Section("Where it is stable", (figure(_cells(model, where)),)))
    if verify_with:
        text = paragraphs(["Anyone can re-prove this certificate:"])
        sections.append(Section("Verification", (text, command(verify_with))))
    name = type(model).__name__
    lead = f"{name} of {m} measuring vectors in R^{n}{_levels(model)}, {_on(where)}."
    return page(Chapter(f"stability of a {name} measurement", lead, tuple(sections)))


def _levels(model: Model) -> str:
    if isinstance(model, ReLU):
        return f" with {_range('bias', model.bias)}"
    if isinstance(model, Saturation):
        return f" with {_range('lower level', model.low)}, {_range('upper level', model.high)}"
    return ""


def _range(name: str, values: Array) -> str:
    least, most = float(values.min()), float(values.max())
    if math.isinf(least) and least == most:
        return f"no {name}"
    return f"{name} {least:g}" if least == most else f"{name} {least:g} to {most:g}"


def _on(where: Domain) -> str:
    if not isinstance(where, Ball):
        return "on the whole space"
    part = " without negative entries" if where.nonnegative else ""
    return f"on the signals of norm at most {where.radius:g}{part}"


def _words(certificate: Certificate) -> list[str]:
    kappa = certificate.kappa
    texts = [
        "Two signals of the domain that differ by d have measurements that differ by at least "
        f"kappa d, with kappa at least {number(kappa.lower, 6)} (proved); a pair of signals "
        f"shows that it is at most {number(kappa.upper, 6)}. Noise in the measurement grows by "
        f"at most {number(certificate.amplification.upper, 6)}."
    ]
    if certificate.reason is not None:
        texts.append(f"Reason: {certificate.reason.rstrip('.')}.")
    return [*texts, f"How firmly: {certificate.rigor}."]


def _closing(brackets: Sequence[Bracket]) -> Figure:
    figure_, (axis,) = canvas(1, 3.0)
    time, lower, upper = np.array(brackets).T
    axis.step(time, upper, where="post", color=RECOVERED, label="witnessed from above")
    axis.step(time, lower, where="post", color=INK, label="proved from below")
    axis.fill_between(time, lower, upper, step="post", color=CLIPPED, alpha=0.25, linewidth=0)
    axis.set(xlabel="time in s", ylabel="smallest eigenvalue", ylim=(0.0, None))
    axis.legend(frameon=False, fontsize=8)
    return Figure(
        png(figure_),
        f"The bracket of the smallest eigenvalue over time: from {number(lower[0])} and "
        f"{number(upper[0])} to {number(lower[-1])} and {number(upper[-1])}.",
        "The proved lower end and the best witness of the smallest eigenvalue over all cells.",
    )


def _cells(model: Model, ball: Ball) -> Figure:
    """Colour each cell of constant active set by the square root of its smallest eigenvalue."""
    n = model.frame.signal_size
    heights = (0.0,) if n == 2 else (-0.6, 0.0, 0.6)
    figure_, axes = canvas(1, 3.4 if n == 3 else 4.6, columns=len(heights))
    pictures = [_slice(model, ball, height * ball.radius) for height in heights]
    top = max((float(np.nanmax(p)) for p in pictures if not np.isnan(p).all()), default=1.0)
    for axis, picture, height in zip(axes, pictures, heights, strict=True):
        image = _draw(axis, picture, ball.radius, top)
        if n == 3:
            axis.set_title(f"third entry {height * ball.radius:.3g}", fontsize=9)
    figure_.colorbar(image, ax=axes, label="stability of the cell", fraction=0.04, pad=0.02)
    worst = min((float(np.nanmin(p)) for p in pictures if not np.isnan(p).all()), default=0.0)
    return Figure(
        png(figure_),
        "The ball of signals with every cell coloured by its stability, from "
        f"{number(worst)} (dark) to {number(top)} (bright).",
        "Each cell has one set of measurements that stay linear; its colour is the square root "
        "of their smallest eigenvalue, sampled on a grid (a picture, not the proof).",
    )


def _draw(axis: Axes, picture: Array, radius: float, top: float) -> AxesImage:
    axis.set(aspect="equal", xlabel="first entry", ylabel="second entry")
    return axis.imshow(
        picture,
        origin="lower",
        extent=(-radius, radius, -radius, radius),
        cmap="viridis",
        vmin=0.0,
        vmax=top,
    )


def _slice(model: Model, ball: Ball, height: float) -> Array:
    """Return the stability on a grid of the plane at `height`, NaN outside the ball."""
    side = np.linspace(-ball.radius, ball.radius, GRID)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    n = model.frame.signal_size
    points = np.concatenate([grid, np.full((len(grid), n - 2), height)], axis=1)
    inside = np.linalg.norm(points, axis=1) <= ball.radius
    if ball.nonnegative:
        inside &= (points >= 0.0).all(axis=1)
    out = np.full(len(points), np.nan)
    data = model(points[inside])
    fixed = model.knowledge(data, Noise(l2=0.0).bound(data[0])).fixed
    patterns, which = np.unique(fixed, axis=0, return_inverse=True)
    rows = model.frame.matrix()
    grams = np.stack([rows[p].T @ rows[p] for p in patterns])
    smallest = np.sqrt(np.maximum(np.linalg.eigvalsh(grams)[:, 0], 0.0))
    out[inside] = smallest[which.reshape(-1)]
    return out.reshape(GRID, GRID)
