"""Linear algebra on small matrices in rational numbers: floating-point numbers are rational."""

from __future__ import annotations

from fractions import Fraction

from recover.core.arrays import Array

__all__ = ["Echelon", "rank_below", "rational", "rational_product"]

Vector = list[Fraction]


def rational(vector: Array) -> Vector:
    """Return floating-point numbers as the rational numbers that they are."""
    return [Fraction(float(v)) for v in vector]


def rational_product(a: Array, b: Array) -> Fraction:
    """Return an inner product."""
    return sum((p * q for p, q in zip(rational(a), rational(b), strict=True)), Fraction(0))


def rank_below(rows: Array, rank: int) -> bool:
    """Tell, in rational numbers, whether the rank of `rows` is below `rank`."""
    reduced = Echelon(rows.shape[1])
    for row in rows:
        reduced.add(rational(row))
        if len(reduced.pivots) >= rank:
            return False
    return True


class Echelon:
    """Rows in reduced form, in rational numbers, by the column of their leading one."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.pivots: dict[int, Vector] = {}

    def add(self, vector: Vector) -> None:
        """Reduce a row, and keep what is left of it."""
        for column, row in self.pivots.items():
            factor = vector[column]
            if factor:
                vector = [a - factor * b for a, b in zip(vector, row, strict=True)]
        lead = next((i for i, a in enumerate(vector) if a), None)
        if lead is None:
            return
        scale = vector[lead]
        vector = [a / scale for a in vector]
        for column, row in self.pivots.items():
            factor = row[lead]
            if factor:
                reduced = [a - factor * b for a, b in zip(row, vector, strict=True)]
                self.pivots[column] = reduced
        self.pivots[lead] = vector

    def kernel(self) -> Vector:
        """Return the vector that all rows annul, for rank ``size - 1``."""
        free = next(i for i in range(self.size) if i not in self.pivots)
        ray = [Fraction(0)] * self.size
        ray[free] = Fraction(1)
        for column, row in self.pivots.items():
            ray[column] = -row[free]
        return ray
