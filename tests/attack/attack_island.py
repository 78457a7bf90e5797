"""The attacker of islands of a spectrogram: changes of the sound that move magnitudes least."""

from __future__ import annotations

import numpy as np
from attack_phase import repeated
from attack_scene import NONE_YET, Tally, worst_of
from scipy.linalg import eigh

from recover.certificates.certificate import Certificate
from recover.certificates.islands import certify_islands
from recover.core.arrays import Array
from recover.frames.spectrogram import Spectrogram
from recover.models.modulus import Modulus
from recover.models.problem import Problem

LENGTH, HOP, SIZE = 640, 16, 64
BATCH, DESCENTS = 48, 5


def sound(rng: np.random.Generator) -> Array:
    """Two tones, one after the other and apart in frequency, and a little noise."""
    t = np.arange(float(LENGTH))
    spread = rng.uniform(50.0, 75.0, 2)
    early = np.exp(-(((t - 160.0) / spread[0]) ** 2)) * np.cos(rng.uniform(0.3, 0.8) * t)
    late = np.exp(-(((t - 460.0) / spread[1]) ** 2))
    late *= rng.uniform(0.2, 1.0) * np.cos(rng.uniform(1.5, 2.0) * t + 1e-3 * t**2)
    return early + late + 1e-4 * rng.standard_normal(t.size)


class Place:
    """One island, whole: its coefficients, its samples, the direction that is lost."""

    def __init__(self, frame: Spectrogram, x: Array, part: Certificate) -> None:
        claimed = part.scope.to_json()
        first, last = claimed["frames"]
        shape = (last - first + 1, frame.coef_shape[1])
        bits = np.unpackbits(part.evidence.arrays["mask"], count=shape[0] * shape[1])
        self.inside = np.zeros(frame.coef_shape, dtype=bool)
        self.inside[first : last + 1] = bits.reshape(shape)
        self.begin, self.end = claimed["samples"]
        self.radius, self.frame, self.z = claimed["radius"], frame, frame.analysis(x)
        turn = frame.synthesis(np.where(self.inside, 1j * self.z, 0.0))[self.begin : self.end]
        self.turn = turn / np.linalg.norm(turn)

    def worst(self) -> Array:
        """The changes that the linear part sees least."""
        columns = np.eye(LENGTH)[self.begin : self.end]
        matrix = self.frame.analysis(columns).reshape(len(columns), -1).T
        flat, u = self.inside.reshape(-1), (self.z / np.abs(self.z)).reshape(-1)
        along = (u.conj()[:, None] * matrix)[flat].real
        rows = np.vstack([along, matrix[~flat].real, matrix[~flat].imag])
        gram = rows.T @ rows + np.outer(self.turn, self.turn)
        return eigh(gram, subset_by_index=[0, 11])[1].T

    def sized(self, h: Array, lengths: Array) -> Array:
        h = h - (h @ self.turn)[:, None] * self.turn
        return h * (lengths * self.radius / np.linalg.norm(h, axis=1))[:, None]

    def effect(self, h: Array) -> tuple[Array, Array]:
        """What changes do, and the gradients of half its square."""
        change = np.zeros((len(h), LENGTH))
        change[:, self.begin : self.end] = h
        d = self.frame.analysis(change)
        moved = self.z + d
        gap = np.abs(moved) - np.abs(self.z)
        pulled = np.where(self.inside, gap * moved / np.maximum(np.abs(moved), 1e-300), d)
        size = np.where(self.inside, gap, np.abs(d)).reshape(len(h), -1)
        gradient = self.frame.synthesis(pulled)[:, self.begin : self.end]
        return np.linalg.norm(size, axis=1), gradient


def islands_attack(rng: np.random.Generator) -> Tally:
    """The two strongest islands of a sound."""
    frame = Spectrogram.centered(LENGTH, np.hanning(SIZE + 1)[:-1], HOP)
    x = sound(rng)
    y = np.abs(frame.analysis(x)) * (1.0 + 0.02 * rng.standard_normal(frame.coef_shape))
    whole = certify_islands(Problem(Modulus(frame), y), x, work=2e5)
    tally = NONE_YET
    for part in [p for _, p in whole.parts or () if p.kappa.lower > 0.0][:2]:
        assert part.evidence.kind == "spectrogram island"
        place = Place(frame, x, part)
        doubt = 1e-13 * float(np.linalg.norm(place.z))
        worst = place.worst()
        for _ in range(4):
            mixed = rng.standard_normal((BATCH // 2, len(worst))) ** 3 @ worst
            other = rng.standard_normal((BATCH - len(worst) - len(mixed), worst.shape[1]))
            lengths = np.where(rng.random(BATCH) < 0.5, 1.0, 10.0 ** rng.uniform(-2, 0, BATCH))
            lengths *= 1.0 - 1e-12
            h = place.sized(np.concatenate([worst, mixed, other]), lengths)
            for _ in range(DESCENTS):
                moved, gradient = place.effect(h)
                promised = part.kappa.lower * np.linalg.norm(h, axis=1)
                tally = tally.and_also(Tally(len(h), worst_of(promised, moved + doubt)))
                h = place.sized(h - 0.3 * gradient, lengths)
    return tally


ATTACKERS = {"spectrogram island": repeated(islands_attack)}
