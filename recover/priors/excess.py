"""A budget on what an energy exceeds its least value by, region by region."""

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

__all__ = ["Allowance", "ExcessEnergy", "SampleEnergy"]


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
class Allowance:
    """How much a region's energy may exceed its least value.

    A region of N samples may have an excess of at most ``factor (N + extra) unit``.  All
    regions together, each weighted by the square of the error that a unit of its excess allows,
    may have at most ``joint`` times what N units of excess in every region would come to; and
    no region more than ``most`` times its own allowance.

    Parameters
    ----------
    unit : float >= 0
        Mean excess per sample.
    factor, extra : float >= 0
        Of a single region.
    joint : float >= 0
        Of all regions together.
    most : float >= 1
        How far a single one may go beyond its own.
    origin : str
        Where `unit` comes from: a clause that follows "where the unit is".
    """

    unit: float
    factor: float
    extra: float
    joint: float
    most: float
    origin: str

    def __post_init__(self) -> None:
        numbers = (self.unit, self.factor, self.extra, self.joint)
        if not all(math.isfinite(each) and each >= 0.0 for each in numbers):
            raise ParameterError(f"allowances must be finite and >= 0, got {numbers}")
        if not 1.0 <= self.most < math.inf:
            raise ParameterError(f"most must be >= 1 and finite, got {self.most}")

    def region(self, size: Array) -> Array:
        """Return the allowance of regions of these sizes, as computed."""
        return np.asarray(self.factor * (size + self.extra) * self.unit)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "unit": self.unit,
            "factor": self.factor,
            "extra": self.extra,
            "joint": self.joint,
            "most": self.most,
            "origin": self.origin,
        }


@dataclass(frozen=True, eq=False)
class ExcessEnergy(Prior):
    """The assumption that a model's energy is not much above its least value.

    Of the samples at `energy.places`, in the values v of `tone` and with all other samples as
    they are in the data, the energy exceeds in each connected region the least that it can have
    with ``v >= floor`` by no more than the allowance.

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
            "the true signal has in each connected region of N clipped samples an energy that "
            f"exceeds its least possible value by at most {a.factor:g} (N + {a.extra:g}) units "
            "(on this rest the regions' bounds and the map); all regions together, each "
            "weighted by the square of the error that a unit of its excess allows, by at most "
            f"{a.joint:g} times what N units in each would come to, and none by more than "
            f"{a.most:g} times its own allowance (on this rests the bound of the whole); where "
            f"the unit is {a.unit:.6g}, {a.origin}"
        )

    def excess(self, x: Array) -> Array:
        """Return by how much each region's energy exceeds its least value, as computed."""
        from recover.core.eigen.blocks import Blocks
        from recover.core.obstacle_direct import obstacle_minimiser

        energy = self.energy
        v = self.tone.values(np.asarray(x).reshape(-1)[energy.places])
        least = obstacle_minimiser(energy.matrix, energy.right, self.floor, v)
        away = v - least
        gains = away * (energy.matrix @ away + 2.0 * energy.gradient(least))
        return np.bincount(Blocks.of(energy.matrix).label, weights=gains)

    def violation(self, x: Array) -> float:
        from recover.core.eigen.blocks import Blocks

        allowed = self.allowance.region(Blocks.of(self.energy.matrix).sizes)
        beyond = self.excess(x) - allowed
        return math.sqrt(max(float(beyond.max()), 0.0))

    def to_json(self) -> dict[str, Any]:
        return {"on": "excess energy", **self.allowance.to_json()}

    def identity_parts(self) -> tuple[Part, ...]:
        a = self.allowance
        numbers = (a.unit, a.factor, a.extra, a.joint, a.most)
        return ("ExcessEnergy", self.recipe, self.tone.power, *numbers, *self.energy.shape)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        from scipy.sparse import csr_array

        n = int(rng.integers(4, 9))
        away = np.diag(np.ones(n - 1), 1)
        matrix = csr_array(2.5 * np.eye(n) - away - away.T)
        places = np.arange(2, n + 2)
        energy = SampleEnergy(matrix, np.zeros(n), places, (n + 3,))
        allowance = Allowance(float(rng.uniform(0.1, 1.0)), 2.0, 20.0, 4.0, 30.0, "given")
        return cls(energy, Tone(1.0), np.full(n, -np.inf), allowance, "sample")
