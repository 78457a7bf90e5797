"""The attacker of a priori certificates: pairs that a measurement hardly tells apart.

Pairs start at random, along the bottom direction of the rows in their bands, on the levels, and
far apart; the ones that are told apart least are then improved by random steps of every size.
"""

from __future__ import annotations

import numpy as np
from attack_draws import hostile_rows
from attack_phase import aligned
from attack_scene import NONE_YET, Tally, worst_of

from recover.certificates.apriori import certify_apriori
from recover.core.arrays import Array
from recover.frames.dense import Dense
from recover.models.base import Model
from recover.models.domains import Ball, Domain, Everywhere
from recover.models.modulus import Modulus
from recover.models.relu import ReLU
from recover.models.saturation import Saturation

BATCH, ROUNDS = 2000, 6
SCALES = ((0, 0), (0, 0), (0, 0), (100, -90), (-300, 250), (0, -990), (470, 0), (-470, 0))


def subject(rng: np.random.Generator, e: int, f: int) -> tuple[Model, Domain]:
    """A model at some scale of its rows and signals, and where it is certified."""
    n = int(rng.integers(1, 4))
    rows = hostile_rows(rng, int(rng.integers(2 * n, 4 * n + 2)), n)
    both = np.vstack([rows, -rows])
    many = len(both)
    ball = Ball(float(np.ldexp(1.0, f)), nonnegative=bool(rng.random() < 0.3))
    kind = rng.integers(4)
    if kind == 0 and rng.random() < 0.5:
        # moments say something of complex rows only where these are many
        wide = np.ldexp(rng.standard_normal((2, 90, 2)), e)
        return Modulus(Dense(wide[0] + 1j * wide[1], rng.random() < 0.5)), Everywhere()
    if kind == 0:
        return Modulus(Dense(np.ldexp(rows, e))), Everywhere()
    frame = Dense(np.ldexp(both, e))
    if kind == 1:
        return ReLU(frame, np.ldexp(rng.normal(-0.2, 0.2, many), e + f)), ball
    if kind == 2:
        return ReLU(frame, np.zeros(many)), Everywhere()
    low, high = -rng.uniform(0.4, 1.2, many), rng.uniform(0.4, 1.2, many)
    return Saturation(frame, np.ldexp(low, e + f), np.ldexp(high, e + f)), ball


class Told:
    """How much less a pair is told apart than promised, all powers of two taken out."""

    def __init__(self, model: Model, scope: Domain, lower: float, e: int, f: int) -> None:
        rows = np.asarray(model.frame.rows)
        self.rows = rows * 2.0**-e if np.iscomplexobj(rows) else np.ldexp(rows, -e)
        self.complex = not model.frame.real_signal
        self.modulus = isinstance(model, Modulus)
        self.low = np.full(len(self.rows), -np.inf)
        self.high, self.bias = np.full(len(self.rows), np.inf), 0.0
        if isinstance(model, ReLU):
            self.low = np.ldexp(model.bias, -e - f)
        elif isinstance(model, Saturation):
            self.low, self.high = (np.ldexp(s, -e - f) for s in (model.low, model.high))
        self.scope, self.lower = scope, float(np.ldexp(lower, -e))
        self.radius = float(np.ldexp(scope.radius, -f)) if isinstance(scope, Ball) else np.inf

    def inside(self, x: Array) -> Array:
        if not isinstance(self.scope, Ball):
            return x
        x = np.maximum(x, 0.0) if self.scope.nonnegative else x
        norms = np.linalg.norm(x, axis=1, keepdims=True)
        return x * np.minimum(1.0, self.radius * (1.0 - 1e-12) / np.maximum(norms, 1e-300))

    def ratios(self, x: Array, y: Array) -> Array:
        """Promised over seen; a pair closer than the rounding of what is seen counts as 0."""
        t, s = x @ self.rows.T, y @ self.rows.T
        if self.modulus:
            t, s = np.abs(t), np.abs(s)
        else:
            t, s = np.clip(t, self.low, self.high), np.clip(s, self.low, self.high)
        apart = np.linalg.norm(x - (aligned(y, x) if self.modulus else y), axis=1)
        sizes = (np.linalg.norm(x, axis=1) + np.linalg.norm(y, axis=1)) * np.linalg.norm(
            self.rows
        )
        seen = np.linalg.norm(t - s, axis=1) + 1e-14 * sizes
        return self.lower * apart / np.maximum(seen, 1e-300)

    def drawn(self, rng: np.random.Generator) -> Array:
        x = rng.standard_normal((BATCH, self.rows.shape[1]))
        return x + 1j * rng.standard_normal(x.shape) if self.complex else x

    def begin(self, rng: np.random.Generator) -> tuple[Array, Array]:
        n = self.rows.shape[1]
        x = self.drawn(rng) * 10.0 ** rng.uniform(-3, 0.5, (BATCH, 1))
        if np.iscomplexobj(self.rows):
            return x, x + self.drawn(rng) * 10.0 ** rng.uniform(-5, 0.5, (BATCH, 1))
        # the first signals stand on the level of some row
        level = np.where(np.isfinite(self.low), self.low, 0.0)
        which = rng.integers(len(self.rows), size=BATCH // 4)
        rows = self.rows[which]
        square = np.maximum((rows**2).sum(axis=1), 1e-30)
        gap = (level[which] - (x[: BATCH // 4] * rows).sum(axis=1)) / square
        x[: BATCH // 4] += gap[:, None] * rows
        x = self.inside(x)
        t = x @ self.rows.T
        active = (t > self.low) & (t < self.high)
        grams = np.einsum("bi,ij,ik->bjk", active.astype(float), self.rows, self.rows)
        step = np.linalg.eigh(grams)[1][:, :, 0]
        step[BATCH // 2 :] = rng.standard_normal((BATCH - BATCH // 2, n))
        step = step * 10.0 ** rng.uniform(-5, 0.5, (BATCH, 1))
        return x, self.inside(x + step)


def apriori(rng: np.random.Generator, budget: int) -> Tally:
    """Pairs of signals against kappa."""
    tally, idle = NONE_YET, 0
    while tally.pairs < budget:
        e, f = SCALES[rng.integers(len(SCALES))]
        model, scope = subject(rng, e, f)
        certificate = certify_apriori(model, scope, budget=0.3)
        assert certificate.evidence.kind == "apriori"
        if certificate.kappa.lower <= 0.0:
            idle += 1
            assert idle < 40, "nothing positive was proved"
            continue
        idle = 0
        told = Told(model, scope, certificate.kappa.lower, e, f)
        x, y = told.begin(rng)
        for _ in range(ROUNDS):
            found = told.ratios(x, y)
            tally = tally.and_also(Tally(len(x), worst_of(found, 1.0)))
            best = np.argsort(-found)[: BATCH // 20]
            which = rng.choice(best, BATCH)
            apart = np.linalg.norm(x[which] - y[which], axis=1, keepdims=True)
            step = apart * 10.0 ** rng.uniform(-3, 0.3, (BATCH, 1))
            x = told.inside(x[which] + step * told.drawn(rng))
            y = told.inside(y[which] + step * told.drawn(rng))
    return tally


ATTACKERS = {"apriori": apriori}
