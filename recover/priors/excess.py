"""A budget on what a picture differs from the truth by, in the energy of a model of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from recover.core.arrays import Array, frozen
from recover.core.errors import ParameterError
from recover.priors.base import Part, Prior

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["Allowance", "ExcessEnergy", "Rule", "SampleEnergy"]

LARGEST_GROWTH = 100.0  # samples up to which a rule's factor grows with a region


@dataclass(frozen=True, eq=False)
class SampleEnergy:
    """The quadratic ``<d, matrix d>`` of changes of some of a signal's samples.

    Parameters
    ----------
    matrix : csr_array of float64 [shape=(n, n), exactly symmetric]
    places : array of int [shape=(n,)]
        Flat indices of the samples in the signal; -1 for values that are no samples of it,
        such as the colours that a mosaic leaves out: over these the energy is minimised.
    shape : tuple of int
        Shape of the signal.
    """

    matrix: csr_array
    places: Array
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        n, own = self.places.size, self.places[self.places >= 0]
        if self.matrix.shape != (n, n) or own.size == 0:
            raise ParameterError(
                f"matrix and places must agree on a number of samples, got {self.matrix.shape} "
                f"and {self.places.shape}"
            )
        if np.unique(own).size < own.size or not (
            int(self.places.min()) >= -1 and int(own.max()) < math.prod(self.shape)
        ):
            raise ParameterError(f"places must be distinct indices into shape {self.shape}")

    @staticmethod
    def symmetric(matrix: csr_array, places: Array, shape: tuple[int, ...]) -> SampleEnergy:
        """Return the energy of ``(matrix + matrix^T) / 2``, in float64."""
        from scipy.sparse import csr_array

        wide = matrix.astype(np.float64)
        half = csr_array((wide + csr_array(wide.T)) * 0.5)
        return SampleEnergy(half, frozen(places), shape)

    @property
    def counted(self) -> Array:
        """Which of the n values are samples of the signal."""
        return np.asarray(self.places >= 0)

    @property
    def own(self) -> Array:
        """Flat indices of those samples."""
        return np.asarray(self.places[self.counted])


@dataclass(frozen=True)
class Rule:
    """For every m the m softest modes hold at most ``factor N^growth (m + extra)`` units.

    N is the number of samples of the region, or 100 if that is less.

    Parameters
    ----------
    factor, extra, growth : float >= 0
    """

    factor: float
    extra: float
    growth: float = 0.0

    def __post_init__(self) -> None:
        if not all(math.isfinite(each) and each >= 0.0 for each in self.numbers):
            raise ParameterError(f"a rule's numbers must be finite and >= 0, got {self}")

    @property
    def numbers(self) -> tuple[float, float, float]:
        """Factor, extra and growth."""
        return self.factor, self.extra, self.growth

    def factors(self, sizes: Array) -> Array:
        """Return ``factor N^growth`` for regions of these sizes."""
        n = np.clip(sizes, 1.0, LARGEST_GROWTH)
        return np.asarray(self.factor * np.asarray(n, dtype=np.float64) ** self.growth)

    def __str__(self) -> str:
        size = f" N^{self.growth:g}" if self.growth > 0.0 else ""
        words = ", N the smaller of its samples and 100" if self.growth > 0.0 else ""
        return f"{self.factor:g}{size} (m + {self.extra:g}) units{words}"


@dataclass(frozen=True)
class Allowance:
    """How the energy of what a picture differs from the truth by may be spread.

    Parameters
    ----------
    unit : float >= 0
        Mean energy of a mode.
    region : Rule
        For each connected region by itself.
    whole : Rule
        For all regions together, their modes in one order.
    single : float >= 0
        Units along the response of a single sample.
    origin : str
        Where `unit` comes from: a clause that follows "where a unit is".
    below : float >= 0, optional
        The unit of samples that were clipped from below, where it differs.
    """

    unit: float
    region: Rule
    whole: Rule
    single: float
    origin: str
    below: float | None = None

    def __post_init__(self) -> None:
        units = (self.unit, self.single, 0.0 if self.below is None else self.below)
        if not all(math.isfinite(each) and each >= 0.0 for each in units):
            raise ParameterError(f"unit, single and below must be finite and >= 0, got {units}")
        if self.below is not None and self.unit == 0.0:
            raise ParameterError("unit must be positive where there is one for samples below")

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        data: dict[str, Any] = {
            "unit": self.unit,
            "region": list(self.region.numbers),
            "whole": list(self.whole.numbers),
            "single": self.single,
            "origin": self.origin,
        }
        return data if self.below is None else {**data, "below": self.below}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Allowance:
        """Read what `to_json` wrote; more entries do not matter.

        Raises
        ------
        KeyError, TypeError, ValueError, ParameterError
            If it is something else.
        """
        own, joint = (Rule(*(float(n) for n in data[name])) for name in ("region", "whole"))
        below = data.get("below")
        return Allowance(
            float(data["unit"]),
            own,
            joint,
            float(data["single"]),
            str(data["origin"]),
            None if below is None else float(below),
        )


@dataclass(frozen=True, eq=False)
class ExcessEnergy(Prior):
    """The assumption that a picture misses the truth evenly over the modes of a model.

    Let e be what the true signal differs from `centre` by at the energy's places, and H the
    model's energy of small changes of its own values v.  With D the slopes ``dx / dv`` at the
    centre, ``<e, A e>`` for ``A = D^-1 H D^-1 / beta`` is the energy of e to first order, beta
    the mean square of its region's brightness (1 at the level); where there are values that
    are no samples of the signal it is the least over these.  The modes of a region are the
    eigenvectors of A (of its Schur complement), from the softest on: those of least energy for
    their size.  For every m the m softest hold at most as much of ``<e, A e>`` as the allowance
    says; and so does, for each sample i, the response ``A^-1 1_i``, which of all changes of
    that sample has least energy: ``<e, A r>^2 / <r, A r> <= single`` units.

    Parameters
    ----------
    energy : SampleEnergy
    centre : array [shape=(n,)]
        The picture's samples at the energy's places; what stands at other values is ignored.
    slopes : array [shape=(n,), > 0]
        D.
    brightness : array [shape=(n,), >= 0]
        Of the centre, 1 at the level (times the root of the unit's ratio where it differs).
    allowance : Allowance
    recipe : str
        From which energy and slopes are made anew for a given image; part of the identity in
        place of these arrays, so that a verifier with other libraries finds the same one.
    """

    energy: SampleEnergy
    centre: Array
    slopes: Array
    brightness: Array
    allowance: Allowance
    recipe: str

    def __post_init__(self) -> None:
        n = self.energy.places.shape
        for name in ("centre", "slopes", "brightness"):
            value = frozen(np.asarray(getattr(self, name), dtype=np.float64))
            if value.shape != n or not np.isfinite(value).all():
                raise ParameterError(f"{name} must be finite and of shape {n}")
            object.__setattr__(self, name, value)
        if not (self.slopes > 0.0).all():
            raise ParameterError("slopes must be positive")

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return self.energy.shape

    @property
    def statement(self) -> str:
        a = self.allowance
        below = "" if a.below is None else f" ({a.below:.6g} for samples clipped from below)"
        return (
            "the true signal differs from the picture that the certificate names as its "
            "centre by something whose energy in the model, divided by the mean square of the "
            "region's brightness, is spread over the modes of each connected region: for every "
            f"m its m softest modes hold at most {a.region} (on this rest the regions' "
            f"bounds), those of all regions together at most {a.whole} (on this rests the "
            f"bound of the whole), and the response of each sample at most {a.single:g} units "
            "(on this rest the bounds of single samples); where a unit is "
            f"{a.unit:.6g}{below}, {a.origin}"
        )

    def energies(self, x: Array) -> Array:
        """Return the difference's energy in each region, per mean square of its brightness."""
        from recover.core.eigen.blocks import Blocks

        energy, counted = self.energy, self.energy.counted
        d = np.zeros(counted.size)
        d[counted] = np.asarray(x, dtype=np.float64).reshape(-1)[energy.own]
        d[counted] = (d - self.centre)[counted] / self.slopes[counted]
        if not counted.all():
            from scipy.sparse import csc_array
            from scipy.sparse.linalg import spsolve

            free = np.flatnonzero(~counted)
            d[free] = -spsolve(
                csc_array(energy.matrix[free][:, free]), (energy.matrix @ d)[free]
            )
        label = Blocks.of(energy.matrix).label
        weight = counted.astype(np.float64)
        bright = np.bincount(label, weights=weight * np.square(self.brightness))
        beta = np.where(bright > 0.0, bright / np.maximum(np.bincount(label, weight), 1.0), 1.0)
        return np.bincount(label, weights=d * (energy.matrix @ d)) / beta

    def violation(self, x: Array) -> float:
        """Return by how much all modes together break the rule of a region, as a root."""
        from recover.core.eigen.blocks import Blocks

        rule, label = self.allowance.region, Blocks.of(self.energy.matrix).label
        sizes = np.bincount(label, weights=self.energy.counted)
        allowed = rule.factors(sizes) * (sizes + rule.extra) * self.allowance.unit
        return math.sqrt(max(float((self.energies(x) - allowed).max()), 0.0))

    def to_json(self) -> dict[str, Any]:
        return {"on": "excess energy", **self.allowance.to_json()}

    def identity_parts(self) -> tuple[Part, ...]:
        a = self.allowance
        rules = [n for rule in (a.region, a.whole) for n in rule.numbers]
        numbers = (a.unit, *rules, a.single, -1.0 if a.below is None else a.below)
        centre = np.where(self.energy.counted, self.centre, 0.0)
        return ("ExcessEnergy", self.recipe, *numbers, *self.energy.shape, centre)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        from scipy.sparse import csr_array

        n = int(rng.integers(4, 9))
        away = np.diag(np.ones(n - 1), 1)
        matrix = csr_array(2.5 * np.eye(n) - away - away.T)
        energy = SampleEnergy(matrix, np.arange(2, n + 2), (n + 3,))
        unit = float(rng.uniform(0.1, 1.0))
        allowance = Allowance(unit, Rule(2.0, 10.0), Rule(13.0, 20.0), 30.0, "given")
        return cls(energy, np.zeros(n), np.ones(n), np.ones(n), allowance, "sample")
