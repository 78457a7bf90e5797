"""Measurements under attack, at any scale, and which signals could have given their data.

What is certified has rows scaled by 2^p and signals by 2^q, down to subnormal data.  Here
everything is held with those powers taken out again, which is exact: so that signals are
compared with the data in the normal range, and rounding is relative.  Admissibility is decided
from the definition of the measurement, with a margin, not by what the models say.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.frames.dense import Dense
from recover.frames.identity import Identity
from recover.models.base import Model
from recover.models.domains import Ball, Box, Domain, Everywhere, Support
from recover.models.noise import AFTER, BEFORE, Noise, Where
from recover.models.problem import Problem
from recover.models.relu import ReLU
from recover.models.saturation import Saturation
from recover.priors.base import Prior
from recover.priors.quadratic import Quadratic
from recover.priors.subspace import Subspace

SHADE = 1e-9  # relative margin by which an admissible signal keeps its promises
GRAIN = 1e-14  # more than the rounding of a sum of a few dozen terms


class Tally(NamedTuple):
    """How many admissible pairs were tried, and the largest ratio of error to bound."""

    pairs: int
    worst: float

    def and_also(self, other: Tally) -> Tally:
        return Tally(self.pairs + other.pairs, max(self.worst, other.worst))


NONE_YET = Tally(0, 0.0)


def worst_of(error: Array, bound: Array | float) -> float:
    """The largest ratio of errors to bounds; no error is none, whatever the bound."""
    error, bound = np.broadcast_arrays(np.asarray(error, float), np.asarray(bound, float))
    some = error > 0.0
    with np.errstate(divide="ignore", over="ignore"):
        return float((error[some] / bound[some]).max(initial=0.0))


def unit_rows(x: Array) -> Array:
    """The rows with a norm, made 1."""
    norms = np.linalg.norm(x, axis=1)
    return x[norms > 0.0] / norms[norms > 0.0, None]


@dataclass(frozen=True, eq=False)
class Scene:
    """A measurement; entries are `low`-clipped as in ReLU if `relu`, clipped on two sides else.

    `rows` None stands for samples.  `free` is a basis of directions that the true signal may
    move in at all: those of a subspace, or what exact data leave open.
    """

    truth: Array
    rows: Array | None
    relu: bool
    low: Array
    high: Array
    y: Array
    each: Array
    l2: float
    where: Where = AFTER
    box: tuple[float, float] | None = None
    mask: Array | None = None
    radius: float = np.inf
    nonnegative: bool = False
    operator: Array | None = None
    budget: float = np.inf
    span: Array | None = None
    p: int = 0
    q: int = 0
    fixed: Array = field(default_factory=lambda: np.zeros(0, dtype=bool))

    @property
    def matrix(self) -> Array:
        return np.eye(self.truth.size) if self.rows is None else self.rows

    def snapped(self) -> Scene:
        """As the number format holds it when it is scaled."""

        def snap(value: Array | float, e: int) -> Array:
            return np.ldexp(np.ldexp(value, e), -e)

        both = self.p + self.q
        rows = None if self.rows is None else snap(self.rows, self.p)
        levels = {name: snap(getattr(self, name), both) for name in ("low", "high", "y")}
        each = snap(self.each, both)
        box = None if self.box is None else tuple(float(snap(b, self.q)) for b in self.box)
        return replace(
            self,
            rows=rows,
            **levels,
            each=each,
            l2=float(snap(self.l2, both)),
            box=box,
            radius=float(snap(self.radius, self.q)),
            budget=float(snap(self.budget, self.q)),
        )

    def problem(self) -> Problem:
        """What is certified."""
        both, n = self.p + self.q, self.truth.size
        frame = (
            Identity(n)
            if self.rows is None
            else Dense(np.ascontiguousarray(np.ldexp(self.rows, self.p)))
        )
        low, high = np.ldexp(self.low, both), np.ldexp(self.high, both)
        model: Model = ReLU(frame, low) if self.relu else Saturation(frame, low, high)
        noise = Noise(
            l2=float(np.ldexp(self.l2, both)), each=np.ldexp(self.each, both), where=self.where
        )
        domain: Domain = Everywhere()
        if self.box is not None:
            domain = Box(*(float(np.ldexp(b, self.q)) for b in self.box))
        elif self.mask is not None:
            domain = Support(self.mask)
        elif np.isfinite(self.radius):
            domain = Ball(float(np.ldexp(self.radius, self.q)), nonnegative=self.nonnegative)
        prior: Prior | None = None
        if self.operator is not None:
            prior = Quadratic(Dense(self.operator), float(np.ldexp(self.budget, self.q)))
        elif self.span is not None and self.mask is None:
            prior = Subspace(Dense(np.ascontiguousarray(self.span.T)))
        return Problem(model, np.ldexp(self.y, both), noise=noise, prior=prior, domain=domain)

    def least_noise(self, t: Array) -> Array:
        """The smallest noise entry by entry with which coefficients t give the data."""
        y = self.y
        if self.where is AFTER:
            seen = (
                np.maximum(t - self.low, 0.0) if self.relu else np.clip(t, self.low, self.high)
            )
            return np.abs(y - seen)
        if self.relu:
            u = t - self.low
            return np.abs(np.where(y > 0.0, y - u, np.minimum(-u, 0.0)))
        inner = np.where(y <= self.low, np.maximum(t - self.low, 0.0), np.abs(y - t))
        return np.where(y >= self.high, np.maximum(self.high - t, 0.0), inner)

    def admissible(self, x: Array) -> Array:
        """Which signals of a batch could have given the data, and keep what is assumed."""
        matrix = self.matrix
        if self.rows is None:
            e, grain = self.least_noise(x), np.zeros_like(x)
        else:
            sides = [np.where(np.isfinite(s), np.abs(s), 0.0) for s in (self.low, self.high)]
            sizes = np.abs(x) @ np.abs(matrix).T + sides[0] + sides[1] + np.abs(self.y)
            e, grain = self.least_noise(x @ matrix.T), GRAIN * sizes
        fits = (e + grain <= self.each * (1.0 - SHADE)).all(axis=1)
        joint = np.linalg.norm(e, axis=1) + np.linalg.norm(grain, axis=1)
        fits &= joint <= self.l2 * (1.0 - SHADE)
        if self.box is not None:
            fits &= ((x >= self.box[0]) & (x <= self.box[1])).all(axis=1)
        if np.isfinite(self.radius):
            fits &= np.linalg.norm(x, axis=1) <= self.radius * (1.0 - SHADE)
        if self.nonnegative:
            fits &= (x >= 0.0).all(axis=1)
        if self.operator is not None:
            image = np.linalg.norm(x @ self.operator.T, axis=1)
            image += GRAIN * np.linalg.norm(np.abs(x) @ np.abs(self.operator).T, axis=1)
            fits &= image <= self.budget * (1.0 - SHADE)
        return fits

    def basis(self) -> Array:
        """Directions that are open at all, as columns."""
        if self.span is not None:
            return self.span
        identity = np.eye(self.truth.size)
        exact = self.rows is None and not (self.each > 0.0).all()
        return identity[:, ~self.fixed] if exact else identity


def refused(scene: Scene) -> Problem | None:
    """The problem, None where the package does not take data of such a scale."""
    try:
        return scene.problem()
    except ParameterError:
        return None


def measured(
    rng: np.random.Generator,
    truth: Array,
    rows: Array | None,
    *,
    relu: bool,
    low: Array,
    high: Array,
    noise: float,
) -> Scene:
    """The data of a signal, with noise before or after, on the edge of its bound or inside."""
    t = truth if rows is None else rows @ truth
    m = t.size
    where = BEFORE if rng.random() < 0.5 else AFTER
    each, l2 = np.full(m, np.inf), np.inf
    e = rng.uniform(-1.0, 1.0, m) if rng.random() < 0.5 else rng.choice([-1.0, 1.0], m)
    if noise == 0.0:
        e, each, l2 = np.zeros(m), np.zeros(m), 0.0
    elif rng.random() < 0.5:
        e, l2 = noise * e / max(float(np.linalg.norm(e)), 1e-300), noise * (1.0 + 1e-6)
    else:
        each = noise * rng.uniform(0.5, 1.5, m)
        e = e * each
        each = each * (1.0 + 1e-6)

    def rho(t: Array) -> Array:
        return np.maximum(t - low, 0.0) if relu else np.clip(t, low, high)

    y = rho(t + e) if where is BEFORE else rho(t) + e
    return Scene(truth, rows, relu, low, high, y, each, l2, where)
