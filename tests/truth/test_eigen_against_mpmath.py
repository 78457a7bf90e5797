"""Every proved eigenvalue bound against eigenvalues with 60 digits: not one may be violated."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import mpmath as mp
import numpy as np
import pytest
from scipy import sparse

from recover.core.arrays import Array
from recover.core.eigen import (
    eigmax_upper,
    eigmin_lower,
    eigmin_lower_banded,
    eigmin_lower_sparse,
    eigmin_lower_symmetric,
    eigmin_probabilistic,
    gram_of,
    nonnegative_norm_upper,
    nonnegative_norm_upper_from,
    sigma_min_lower,
)
from recover.core.rounding import U, gamma

mp.mp.dps = 60
COUNT = 320
TRUTH_ERROR = mp.mpf(10) ** -50  # of an eigenvalue, relative to the trace


@dataclass(frozen=True)
class Case:
    """Rows, and what 60 digits say about their exact Gram matrix."""

    name: str
    rows: Array
    smallest: mp.mpf
    largest: mp.mpf
    trace: mp.mpf

    @property
    def allowed(self) -> mp.mpf:
        """The largest lower bound that is not a violation."""
        return self.smallest + TRUTH_ERROR * self.trace

    def units(self, value: float) -> float:
        """How far a lower bound lies below the truth, in units of 2**-53 trace."""
        return float((self.smallest - mp.mpf(value)) / (U * self.trace)) if self.trace else 0.0


def exact_gram(rows: Array) -> mp.matrix:
    matrix = mp.matrix(rows.tolist())
    return matrix.H * matrix


def exact_eigenvalues(matrix: mp.matrix, is_complex: bool) -> list[mp.mpf]:
    solve = mp.eighe if is_complex else mp.eigsy
    return sorted(solve(matrix, eigvals_only=True))


def conditioned(rng: np.random.Generator, m: int, n: int, condition: float, is_complex: bool):
    def gaussian(a: int, b: int) -> Array:
        real = rng.standard_normal((a, b))
        return real + 1j * rng.standard_normal((a, b)) if is_complex else real

    left, right = np.linalg.qr(gaussian(m, n))[0], np.linalg.qr(gaussian(n, n))[0]
    return left * np.geomspace(1.0, 1.0 / condition, n) @ right.conj().T


def rows_of(seed: int, size: int | None = None) -> tuple[str, Array]:
    """Return the rows of one case; all kinds come up evenly."""
    rng = np.random.default_rng([2024, seed])
    n = size or int(rng.choice([1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8, 12], p=None))
    m = n + int(rng.integers(0, n + 3))
    condition = 10.0 ** rng.uniform(0.0, 14.0)
    is_complex = seed % 3 == 2
    rows = conditioned(rng, m, n, condition, is_complex)
    kind = [
        "plain",
        "zero rows",
        "repeated rows",
        "huge",
        "tiny",
        "singular",
        "integers",
        "few",
    ][seed % 8]
    if kind == "zero rows":
        rows = np.concatenate([rows, np.zeros((2, n))])
    elif kind == "repeated rows":
        rows = np.concatenate([rows, rows[:1], rows[:1]])
    elif kind == "huge":
        rows = rows * 2.0**300
    elif kind == "tiny":
        rows = rows * 2.0**-300
    elif kind == "singular":
        rows = np.concatenate([rows[:, :-1], rows[:, :1]], axis=1)  # n = 1: not singular
    elif kind == "integers":
        rows = np.rint(4.0 * rng.standard_normal(rows.shape)) + (0j if is_complex else 0.0)
    elif kind == "few":
        rows = rows[: max(n - 1, 1)]
    return f"{kind} {'complex' if is_complex else 'real'} {rows.shape}", rows


def solved(name: str, rows: Array) -> Case:
    gram = exact_gram(rows)
    values = exact_eigenvalues(gram, np.iscomplexobj(rows))
    trace = mp.re(sum(gram[i, i] for i in range(gram.rows)))
    return Case(name, rows, values[0], values[-1], trace)


@functools.cache
def cases() -> tuple[Case, ...]:
    large = [solved(*rows_of(seed, size)) for seed, size in [(0, 20), (2, 16), (6, 30)]]
    return tuple(solved(*rows_of(seed)) for seed in range(COUNT)) + tuple(large)


def bands_of(matrix: Array, width: int) -> Array:
    n = matrix.shape[0]
    bands = np.zeros((width + 1, n), dtype=matrix.dtype)
    for d in range(width + 1):
        bands[d, : n - d] = np.diagonal(matrix, -d)
    bands[0] = bands[0].real
    return bands


def test_gram_error_bound() -> None:
    for case in cases():
        gram, slack = gram_of(case.rows)
        difference = exact_gram(case.rows) - mp.matrix(gram.tolist())
        scale = mp.mpf(2) ** -mp.frexp(case.trace)[1] if case.trace else mp.mpf(1)
        error = np.array((difference * scale).tolist(), dtype=complex)
        assert np.linalg.norm(error, 2) <= float(slack * scale) * (1.0 + 1e-9), case.name
        assert slack <= 100.0 * U * float(case.trace), case.name
        assert np.array_equal(gram, gram.conj().T), case.name


def test_dense_route() -> None:
    below = []
    for case in cases():
        gram, slack = gram_of(case.rows)
        bound = eigmin_lower(gram, gram_slack=slack)
        assert mp.mpf(bound.value) <= case.allowed, case.name
        assert eigmin_lower(gram, gram_slack=slack, at=bound.value).value == bound.value
        size = gram.shape[0] * (2 if np.iscomplexobj(gram) else 1)
        below.append(case.units(bound.value))
        assert below[-1] <= 8.0 * size + 20.0, case.name
    real = [x for x, case in zip(below, cases(), strict=True) if case.rows.dtype.kind == "f"]
    assert max(real) <= 100.0
    assert max(below) <= 150.0
    assert 1.0 <= np.median(below) <= 25.0


def test_dense_route_never_proves_more_than_the_truth() -> None:
    for case in cases():
        gram, slack = gram_of(case.rows)
        for units in (0.0, 1e-3, 0.5, 4.0):
            false = case.smallest + (mp.mpf(units) * U + mp.mpf(10) ** -20) * case.trace
            at = float(false)
            if mp.mpf(at) <= case.allowed:  # rounded to a true claim
                continue
            assert eigmin_lower(gram, gram_slack=slack, at=at).value == 0.0, case.name
            bands = bands_of(gram, gram.shape[0] - 1)
            assert eigmin_lower_banded(bands, slack=slack, at=at).value == 0.0, case.name
            root = float(mp.sqrt(false)) * (1.0 + 2.0 * U)
            assert sigma_min_lower(case.rows, at=root).value == 0.0, case.name


def test_largest_eigenvalue() -> None:
    above = []
    for case in cases():
        gram, slack = gram_of(case.rows)
        bound = eigmax_upper(gram, gram_slack=slack)
        assert mp.mpf(bound.value) >= case.largest * (1 - TRUTH_ERROR), case.name
        assert eigmax_upper(gram, gram_slack=slack, at=bound.value).value == bound.value
        if case.trace:
            above.append(float((bound.value - case.largest) / (U * case.largest)))
    assert max(above[:COUNT]) <= 1500.0
    assert np.median(above) <= 100.0


def test_general_symmetric_route() -> None:
    for case in cases()[::4]:
        gram, slack = gram_of(case.rows)
        shift = float(np.trace(gram).real)  # G - trace I: all eigenvalues negative or zero
        moved = gram - 2.0 * shift * np.eye(gram.shape[0])
        error = slack + 4.0 * U * shift
        bound = eigmin_lower_symmetric(moved, slack=error)
        assert mp.mpf(bound.value) <= case.smallest - 2 * mp.mpf(shift) + TRUTH_ERROR, case.name
        size = gram.shape[0] * (2 if np.iscomplexobj(gram) else 1)
        gap = case.smallest - 2 * mp.mpf(shift) - bound.value
        assert gap <= (8.0 * size + 60.0) * U * size * shift, case.name


def test_qr_route() -> None:
    losses = []
    for case in cases():
        bound = sigma_min_lower(case.rows)
        assert mp.mpf(bound.value) ** 2 <= case.allowed, case.name
        assert sigma_min_lower(case.rows, at=bound.value).value == bound.value, case.name
        if case.smallest > mp.mpf(10) ** -31 * case.largest:  # condition below 3e15
            losses.append(float(1 - bound.value / mp.sqrt(case.smallest)))
            assert losses[-1] <= 1e-9, case.name
    assert len(losses) > 150
    assert np.median(losses) <= 1e-10


def test_banded_route_on_full_matrices() -> None:
    for case in cases():
        gram, slack = gram_of(case.rows)
        bound = eigmin_lower_banded(bands_of(gram, gram.shape[0] - 1), slack=slack)
        assert mp.mpf(bound.value) <= case.allowed, case.name
        if bound.value > 0.0:
            units = case.units(bound.value)
            assert units <= 200.0 * gram.shape[0] or units * U * case.trace <= (
                mp.mpf("2e-4") * case.smallest
            ), case.name


@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("width", [0, 1, 3])
def test_banded_and_sparse_routes(width: int, is_complex: bool) -> None:
    rng = np.random.default_rng([7, width])
    for _ in range(12):
        n = int(rng.integers(width + 2, 11))
        factor = np.tril(np.triu(rng.standard_normal((n, n)), -width))
        if is_complex:
            factor = factor + 1j * np.tril(np.triu(rng.standard_normal((n, n)), -width))
        factor[np.arange(n), np.arange(n)] *= 10.0 ** rng.uniform(-3.0, 0.0, n)
        computed, slack = gram_of(factor.conj().T)
        computed[np.abs(np.subtract.outer(np.arange(n), np.arange(n))) > width] = 0.0
        truth = solved("banded", factor.conj().T)
        bound = eigmin_lower_banded(bands_of(computed, width), slack=slack)
        assert mp.mpf(bound.value) <= truth.allowed
        order = rng.permutation(n)
        shuffled = sparse.csr_array(computed[np.ix_(order, order)])
        found = eigmin_lower_sparse(shuffled, slack=slack)
        assert mp.mpf(found.value) <= truth.allowed
        good = float(truth.smallest) * (1.0 - 1e-3) - 200.0 * (width + 2) ** 2 * U * truth.trace
        assert bound.value >= good
        assert found.value >= good


def test_removal_route() -> None:
    losses = []
    for case in cases():
        gram, _ = gram_of(case.rows)
        moduli = np.abs(gram)
        truth = exact_eigenvalues(mp.matrix(moduli.tolist()), False)[-1]
        n = moduli.shape[0]

        def roundoff(p: Array, moduli: Array = moduli, n: int = n) -> float:
            return gamma(2 * n) * float((moduli @ p).max())

        apply = functools.partial(np.matmul, moduli)
        norm, weights = nonnegative_norm_upper(apply, (n,), roundoff=roundoff)
        assert mp.mpf(norm) >= truth * (1 - TRUTH_ERROR), case.name
        again = nonnegative_norm_upper_from(apply, weights, roundoff=roundoff)
        assert again.value == norm
        if truth:
            losses.append(float(norm / truth - 1))
    assert np.median(losses) <= 1e-3
    assert max(losses) <= 0.5


def test_lanczos_route() -> None:
    rng = np.random.default_rng(5)
    for case in cases():
        gram, slack = gram_of(case.rows)
        upper = eigmax_upper(gram, gram_slack=slack).value
        if upper == 0.0:
            continue
        bound = eigmin_probabilistic(
            functools.partial(np.matmul, gram),
            gram.shape[0],
            upper=upper,
            delta=1e-9,
            rng=rng,
            is_complex=np.iscomplexobj(gram),
        )
        assert mp.mpf(bound.value) <= case.allowed + slack, case.name
        full = float(case.smallest) - 1e4 * U * upper
        assert bound.value >= min(full, 0.0), case.name


@pytest.mark.slow
def test_three_thousand_more() -> None:
    for seed in range(COUNT, COUNT + 3000):
        case = solved(*rows_of(seed))
        gram, slack = gram_of(case.rows)
        assert mp.mpf(eigmin_lower(gram, gram_slack=slack).value) <= case.allowed, case.name
        assert mp.mpf(sigma_min_lower(case.rows).value) ** 2 <= case.allowed, case.name
        bound = eigmax_upper(gram, gram_slack=slack)
        assert mp.mpf(bound.value) >= case.largest * (1 - TRUTH_ERROR), case.name
        banded = eigmin_lower_banded(bands_of(gram, gram.shape[0] - 1), slack=slack)
        assert mp.mpf(banded.value) <= case.allowed, case.name
