"""Left inverses attacked: their rows and defects are bounded whatever the scales are.

Exact rationals of the very matrix and inverse that were computed decide; nothing is compared
with another floating-point evaluation.
"""

from fractions import Fraction

import numpy as np
import pytest

from recover.certificates.checks.entrywise import inverse_rows
from recover.certificates.proofs.entrywise import left_inverse
from recover.core.errors import ParameterError
from recover.frames import Dense, Identity
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.pipeline import certify
from recover.priors import Quadratic


def exact(matrix):
    return [[Fraction(float(value)) for value in row] for row in matrix]


def row_squares(matrix):
    return [sum(value * value for value in row) for row in matrix]


def defect_squares(inverse, rows, moved=None):
    """Squares of the rows' norms of ``C A - I`` in rationals, A = rows + moved."""
    c, a = exact(inverse), exact(rows)
    if moved is not None:
        a = [[x + y for x, y in zip(p, q, strict=True)] for p, q in zip(a, moved, strict=True)]
    n = len(c)
    out = []
    for i in range(n):
        entries = [
            sum(c[i][j] * a[j][k] for j in range(len(a))) - (1 if i == k else 0)
            for k in range(n)
        ]
        out.append(sum(value * value for value in entries))
    return out


def hostile(rng):
    """Rows that are ill-conditioned, unevenly scaled, huge, tiny, or partly subnormal."""
    n = int(rng.integers(1, 5))
    m = n + int(rng.integers(0, 4))
    rows = rng.standard_normal((m, n))
    kind = int(rng.integers(8))
    if kind == 0:  # nearly dependent columns
        rows[:, -1] = rows[:, 0] + 10.0 ** rng.uniform(-9, -3) * rng.standard_normal(m)
    elif kind == 1:  # columns of very different size
        rows = rows * 10.0 ** rng.uniform(-140, 140, n)
    elif kind == 2:  # rows of very different size
        rows = rows * 10.0 ** rng.uniform(-6, 6, (m, 1))
    elif kind == 3:
        rows = rows * 10.0 ** rng.uniform(150, 306)
    elif kind == 4:
        rows = rows * 10.0 ** rng.uniform(-307, -150)
    elif kind == 5:  # subnormal entries beside normal ones
        rows = np.where(rng.random(rows.shape) < 0.4, rows * 2.0**-1060, rows)
    elif kind == 6:  # cancellation: a Hilbert-like block
        i, j = np.mgrid[:m, :n]
        rows = 1.0 / (i + j + 1.0)
    else:
        rows = np.round(rows * 3.0) * 2.0 ** float(rng.integers(-900, 900))
    return rows


def attack(make, seeds):
    tried = 0
    for seed in seeds:
        rows = hostile(np.random.default_rng(seed))
        with np.errstate(all="ignore"):
            found = make(rows, 0.0)
        if found is None:
            continue
        matrix, norms, defects = found
        if not (np.isfinite(matrix).all() and np.isfinite(norms).all()):
            continue
        tried += 1
        for square, bound in zip(row_squares(exact(matrix)), norms, strict=True):
            assert Fraction(float(bound)) ** 2 >= square, seed
        if np.isfinite(defects).all():
            for square, bound in zip(defect_squares(matrix, rows), defects, strict=True):
                assert Fraction(float(bound)) ** 2 >= square, seed
    return tried


def test_the_prover_never_understates_rows_or_defects():
    assert attack(left_inverse, range(600)) > 280


def test_the_verifier_never_understates_rows_or_defects():
    assert attack(inverse_rows, range(600)) > 280


@pytest.mark.parametrize("make", [left_inverse, inverse_rows])
def test_an_error_of_the_rows_is_part_of_the_defects(make):
    """The exact rows differ from those given by as much as is said, in the worst direction."""
    for seed in range(150):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(1, 4))
        rows = rng.standard_normal((n + 2, n))
        error = 10.0 ** rng.uniform(-16, -10)
        found = make(rows, error)
        if found is None:
            continue
        matrix, _, defects = found
        for i in range(n):
            # moving the rows along row i of the inverse changes that row's defect the most
            left = matrix[i] / np.linalg.norm(matrix[i])
            right = rng.standard_normal(n)
            right /= np.linalg.norm(right)
            # a shade inside, for the rounding of the two directions
            moved = exact(np.outer(left, right) * (error * (1.0 - 1e-12)))
            square = defect_squares(matrix, rows, moved)[i]
            assert Fraction(float(defects[i])) ** 2 >= square, seed


@pytest.mark.parametrize("scale", [1e-250, 1e-160, 1e-80, 1.0, 1e80, 1e152])
def test_entries_are_covered_at_every_scale_of_the_prior(scale):
    """A signal at the edge of the budget, in the direction that moves one sample the most."""
    rng = np.random.default_rng(7)
    rows = np.eye(6) - 0.4 * np.eye(6, k=1)
    clipped = np.array([0.2, 1.0, 1.0, 0.3, 1.0, 0.1])
    free = clipped >= 1.0
    with np.errstate(all="ignore"):
        problem = Problem(
            Saturation(Identity(6), None, 1.0),
            clipped,
            prior=Quadratic(Dense(scale * rows), 5.0 * scale),
        )
        z = np.where(free, 1.0, clipped)
        certificate = certify(problem, z)
    if certificate.pointwise is None:
        return
    inner = rows[:, free]
    for _ in range(600):
        d = np.abs(rng.standard_normal(int(free.sum()))) ** 3
        low, high = 0.0, 1e3
        for _ in range(60):
            middle = 0.5 * (low + high)
            inside = np.linalg.norm(rows @ z + inner @ (middle * d)) <= 5.0 * (1.0 - 1e-12)
            low, high = (middle, high) if inside else (low, middle)
        assert (low * d <= certificate.pointwise[free]).all()


@pytest.mark.parametrize("scale", [1e160, 1e300])
def test_a_prior_too_large_for_squares_is_refused(scale):
    rows = scale * (np.eye(3) - 0.4 * np.eye(3, k=1))
    clipped = np.array([0.2, 1.0, 1.0])
    model = Saturation(Identity(3), None, 1.0)
    problem = Problem(model, clipped, prior=Quadratic(Dense(rows), 5.0 * scale))
    with pytest.raises(ParameterError, match="scale them by a power of two"):
        certify(problem, clipped)
