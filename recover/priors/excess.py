"""A budget on the energy of what a model does not explain, spread over its modes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from recover.core.arrays import Array, frozen
from recover.core.errors import ParameterError
from recover.priors.base import Part, Prior
from recover.priors.tone import Tone

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["Allowance", "ExcessEnergy", "Rule", "SampleEnergy"]


@dataclass(frozen=True, eq=False)
class SampleEnergy:
    """The quadratic ``q(u) = <u, matrix u> - 2 <right, u>`` of some of a signal's samples.

    Parameters
    ----------
    matrix : csr_array of float64 [shape=(n, n), exactly symmetric]
    right : array of float64 [shape=(n,)]
    places : array of int [shape=(n,)]
        Flat indices of the samples in the signal.
    shape : tuple of int
        Shape of the signal.
    """

    matrix: csr_array
    right: Array
    places: Array
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        n = self.places.size
        if self.matrix.shape != (n, n) or self.right.shape != (n,) or n == 0:
            raise ParameterError(
                f"matrix, right and places must agree on a number of samples, got "
                f"{self.matrix.shape}, {self.right.shape} and {self.places.shape}"
            )
        if np.unique(self.places).size < n or not (
            int(self.places.min()) >= 0 and int(self.places.max()) < math.prod(self.shape)
        ):
            raise ParameterError(f"places must be distinct indices into shape {self.shape}")

    @staticmethod
    def symmetric(
        matrix: csr_array, right: Array, places: Array, shape: tuple[int, ...]
    ) -> SampleEnergy:
        """Return the energy of ``(matrix + matrix^T) / 2``, in float64."""
        from scipy.sparse import csr_array

        wide = matrix.astype(np.float64)
        half = csr_array((wide + csr_array(wide.T)) * 0.5)
        return SampleEnergy(half, frozen(right.astype(np.float64)), frozen(places), shape)

    def value(self, u: Array) -> float:
        """Return q(u), as computed."""
        return float(u @ (self.matrix @ u) - 2.0 * (self.right @ u))

    def gradient(self, u: Array) -> Array:
        """Return half of the gradient, ``matrix u - right``, as computed."""
        return np.asarray(self.matrix @ u - self.right)


@dataclass(frozen=True)
class Rule:
    """For every m the m softest modes hold at most ``factor (m + extra)`` units of energy.

    Parameters
    ----------
    factor, extra : float >= 0
    """

    factor: float
    extra: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(each) and each >= 0.0 for each in (self.factor, self.extra)):
            raise ParameterError(f"a rule's numbers must be finite and >= 0, got {self}")

    def __str__(self) -> str:
        return f"{self.factor:g} (m + {self.extra:g}) units"


@dataclass(frozen=True)
class Allowance:
    """How the energy of what the model does not explain may be spread over its modes.

    Parameters
    ----------
    unit : float >= 0
        Mean energy of a mode.
    region : Rule
        For each connected region by itself.
    whole : Rule
        For all regions together, their modes in one order.
    origin : str
        Where `unit` comes from: a clause that follows "where a unit is".
    """

    unit: float
    region: Rule
    whole: Rule
    origin: str

    def __post_init__(self) -> None:
        if not (math.isfinite(self.unit) and self.unit >= 0.0):
            raise ParameterError(f"unit must be finite and >= 0, got {self.unit}")

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "unit": self.unit,
            "region": [self.region.factor, self.region.extra],
            "whole": [self.whole.factor, self.whole.extra],
            "origin": self.origin,
        }


@dataclass(frozen=True, eq=False)
class ExcessEnergy(Prior):
    """The assumption that what a model does not explain is spread evenly over its modes.

    Of the samples at `energy.places`, in the values v of `tone` and with all other samples as
    they are in the data, let z be the energy's minimiser over ``v >= floor`` and d = v - z for
    the true signal.  The modes are those of the energy of d against the square of the change
    in the signal's own units (to first order, at the certificate's centre), region by region,
    from the softest on: those of least energy for their size.  Energies are divided by the
    mean square of their region's brightness (1 at the level) at that centre.  For every m the
    m softest hold at most as much of ``<d, H d>`` as the allowance says.

    Parameters
    ----------
    energy : SampleEnergy
    tone : Tone
        For the samples at ``energy.places``.
    floor : array [shape=(n,)]
        What the values v are at least.
    allowance : Allowance
    recipe : str
        From which the energy is made anew for a given image; part of the identity in place of
        the arrays, so that a verifier with other libraries finds the same one.
    """

    energy: SampleEnergy
    tone: Tone
    floor: Array
    allowance: Allowance
    recipe: str

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return self.energy.shape

    @property
    def statement(self) -> str:
        a = self.allowance
        return (
            "the true signal differs from the minimiser of the model's energy by something "
            "whose energy, divided by the mean square of the region's brightness, is spread "
            "over the modes of each connected region: for every m its m "
            f"softest modes hold at most {a.region} (on this rest the regions' bounds and "
            f"those of single samples), and those of all regions together at most {a.whole} "
            f"(on this rests the bound of the whole); where a unit is {a.unit:.6g}, {a.origin}"
        )

    def energies(self, x: Array) -> Array:
        """Return the difference's energy in each region, per mean square of its brightness."""
        from recover.core.eigen.blocks import Blocks
        from recover.core.obstacle_direct import obstacle_minimiser

        energy = self.energy
        v = self.tone.values(np.asarray(x).reshape(-1)[energy.places])
        least = obstacle_minimiser(energy.matrix, energy.right, self.floor, v)
        gains = (v - least) * (energy.matrix @ (v - least))
        label = Blocks.of(energy.matrix).label
        bright = np.bincount(label, weights=np.square(self.tone.brightness(least)))
        beta = np.where(bright > 0.0, bright / np.bincount(label), 1.0)
        return np.bincount(label, weights=gains) / beta

    def violation(self, x: Array) -> float:
        """Return by how much all modes together break the rule of a region, as a root."""
        from recover.core.eigen.blocks import Blocks

        rule, sizes = self.allowance.region, Blocks.of(self.energy.matrix).sizes
        allowed = rule.factor * (sizes + rule.extra) * self.allowance.unit
        return math.sqrt(max(float((self.energies(x) - allowed).max()), 0.0))

    def to_json(self) -> dict[str, Any]:
        return {"on": "excess energy", **self.allowance.to_json()}

    def identity_parts(self) -> tuple[Part, ...]:
        a = self.allowance
        rules = (a.region.factor, a.region.extra, a.whole.factor, a.whole.extra)
        numbers = (a.unit, *rules)
        return ("ExcessEnergy", self.recipe, self.tone.power, *numbers, *self.energy.shape)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        from scipy.sparse import csr_array

        n = int(rng.integers(4, 9))
        away = np.diag(np.ones(n - 1), 1)
        matrix = csr_array(2.5 * np.eye(n) - away - away.T)
        places = np.arange(2, n + 2)
        energy = SampleEnergy(matrix, np.zeros(n), places, (n + 3,))
        allowance = Allowance(
            float(rng.uniform(0.1, 1.0)), Rule(2.0, 10.0), Rule(13.0, 20.0), "given"
        )
        return cls(energy, Tone(1.0), np.full(n, -np.inf), allowance, "sample")
