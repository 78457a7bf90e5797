"""Blocks of a sparse matrix: their bookkeeping, and proofs at the very eigenvalue."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from recover.core.eigen import blocks as module
from recover.core.eigen.blocks import Blocks
from recover.core.eigen.factor import Factored
from recover.core.errors import ParameterError
from recover.core.rounding import U

INTERLEAVED = np.array(
    [
        [5.0, 0.0, 0.0, 1.0, 0.0, 0.0],
        [0.0, 4.0, 0.0, 0.0, -1.0, 1.0],
        [0.0, 0.0, 3.0, 0.0, 0.0, 0.0],
        [1.0, 0.0, 0.0, 5.0, 0.0, 0.0],
        [0.0, -1.0, 0.0, 0.0, 4.0, 0.0],
        [0.0, 1.0, 0.0, 0.0, 0.0, 4.0],
    ]
)


def test_blocks_are_numbered_in_the_order_of_their_first_rows() -> None:
    blocks = Blocks.of(sparse.csr_array(INTERLEAVED))
    assert blocks.label.tolist() == [0, 1, 2, 0, 1, 1]
    assert blocks.sizes.tolist() == [2, 3, 1]
    assert blocks.count == 3
    assert blocks.proved(np.ones(3), np.zeros(3)).dtype == bool
    assert blocks.largest(np.array([-3.0, -5.0, 1.0, -4.0, -2.0, -9.0])).tolist() == [-3, -2, 1]
    chosen, rows = blocks.part(np.array([False, True, True]))
    assert rows.tolist() == [1, 2, 4, 5]
    assert chosen.label.tolist() == [0, 1, 0, 0]
    assert np.array_equal(chosen.matrix.toarray(), INTERLEAVED[np.ix_(rows, rows)])


def test_entries_given_twice_are_added_and_the_input_is_kept() -> None:
    data, columns = np.array([1.0, 1.0, 3.0, 0.5]), np.array([0, 0, 1, 1])
    given = sparse.csr_array((data, columns, np.array([0, 2, 4])), shape=(2, 2))
    blocks = Blocks.of(given)
    assert given.data.tolist() == [1.0, 1.0, 3.0, 0.5]
    assert blocks.matrix.toarray().tolist() == [[2.0, 0.0], [0.0, 3.5]]
    assert blocks.matrix.nnz == 2


@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.int64])
def test_other_precisions_are_taken_exactly(dtype: type) -> None:
    blocks = Blocks.of(sparse.csr_array(INTERLEAVED.astype(dtype)))
    assert blocks.matrix.dtype == np.float64
    assert blocks.lower_bounds(np.zeros(3), 10).min() > 0.9 * (4.0 - math.sqrt(2.0))


def test_refusals() -> None:
    for dtype in (np.complex128, np.longdouble):
        with pytest.raises(ParameterError, match=f"in float64, got dtype {np.dtype(dtype)}"):
            Blocks.of(sparse.csr_array(np.eye(2, dtype=dtype)))
    with pytest.raises(ParameterError, match=r"square and not empty, got \(0, 0\)"):
        Blocks.of(sparse.csr_array((0, 0)))
    with pytest.raises(ParameterError, match="matrix must be finite"):
        Blocks.of(sparse.csr_array(np.array([[math.nan]])))
    with pytest.raises(ParameterError, match="exactly symmetric"):  # by 1e-300 only
        Blocks.of(sparse.csr_array(np.array([[1.0, 1e-300], [0.0, 1.0]])))


# smallest eigenvalues 3 - 1, 4 - sqrt(2), 7 of blocks that are exact in float64
TWO, THREE, ONE = (
    np.array([[3.0, 1.0], [1.0, 3.0]]),
    INTERLEAVED[np.ix_([1, 4, 5], [1, 4, 5])],
    7.0,
)
ROOT = 4.0 - math.sqrt(2.0)


@pytest.mark.parametrize("exponent", [-900, -300, 0, 300, 900])
def test_the_eigenvalue_itself_is_not_proved_and_a_little_less_is(exponent: int) -> None:
    scale = 2.0**exponent
    matrix = sparse.block_diag([scale * TWO, scale * THREE, [[scale * ONE]]])
    blocks = Blocks.of(sparse.csr_array(matrix))
    exact = scale * np.array([2.0, ROOT, ONE])
    none = np.zeros(3)
    for slack in (none, scale * np.array([0.5, 0.25, 1.0])):
        assert not blocks.proved(exact - slack, slack).any()
        for k in range(3):  # one that asks too much spoils no other
            at = (exact - slack) * (1.0 - 1e-10)
            at[k] = exact[k] - slack[k]
            assert blocks.proved(at, slack).tolist() == [j != k for j in range(3)]
    found = blocks.lower_bounds(none, 3)
    assert (found <= exact).all()
    assert (found >= 0.96 * exact).all()  # nothing that should be close is far
    assert blocks.proved(found, none).all()


def test_only_positive_finite_claims_are_tried() -> None:
    blocks = Blocks.of(sparse.csr_array(np.diag([1.0, 2.0, 3.0, 4.0, 5.0])))
    at = np.array([0.0, -1.0, math.inf, 1.0, 1.0])
    slack = np.array([0.0, 0.0, 0.0, math.inf, 0.5])
    assert blocks.proved(at, slack).tolist() == [False, False, False, False, True]
    assert not blocks.proved(np.zeros(5), np.zeros(5)).any()


def test_blocks_that_are_too_large_get_nothing() -> None:
    blocks = Blocks.of(sparse.csr_array(INTERLEAVED))
    assert (blocks.lower_bounds(np.zeros(3), 2) > 0.0).tolist() == [True, False, True]
    assert (blocks.lower_bounds(np.zeros(3), 3) > 0.0).all()


def test_slack_is_taken_off_the_bounds() -> None:
    blocks = Blocks.of(sparse.csr_array(np.diag([4.0, 4.0, 4.0])))
    found = blocks.lower_bounds(np.array([0.0, 1.0, 4.0]), 1)
    assert (found <= np.array([4.0, 3.0, 0.0])).all()
    assert (found >= np.array([3.8, 2.8, 0.0])).all()


def test_what_is_subtracted_is_at_least_claim_slack_and_margin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The proof's inequality, in exact arithmetic, whatever margin an elimination reports."""
    blocks = Blocks.of(sparse.csr_array(np.diag([1.0, 2.0, 3.0])))
    rng = np.random.default_rng(0)
    reported: list[np.ndarray] = []
    shifts: list[np.ndarray] = []

    def eliminated(_: Blocks, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shifts.append(shift)
        reported.append(10.0 ** rng.uniform(-16.0, 1.0, 3))
        return np.array([True, True, False]), reported[-1]

    monkeypatch.setattr(module, "_eliminated", eliminated)
    outcomes = set()
    for _ in range(200):
        at, slack = rng.uniform(0.1, 1.0, 3), 10.0 ** rng.uniform(-14.0, 0.0, 3)
        shifts.clear()
        reported.clear()
        done = blocks.proved(at, slack)
        for k in range(3):
            covered = [
                Fraction(shift[k]) >= Fraction(at[k]) + Fraction(slack[k]) + Fraction(margin[k])
                for shift, margin in zip(shifts, reported, strict=True)
            ]
            assert not done[k] or (any(covered) and k < 2)
        assert all((Fraction(s[0]) >= Fraction(at[0]) + Fraction(slack[0])) for s in shifts)
        outcomes.add((len(shifts), bool(done[0])))
    assert {done for _, done in outcomes} == {True, False}
    assert (
        max(count for count, _ in outcomes) >= 2
    )  # a second try with the margin that is known


def test_a_margin_that_is_just_the_guess_is_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = Blocks.of(sparse.csr_array(np.diag([1.0, 2.0, 3.0])))
    margin = module._margins(blocks)
    shifts: list[np.ndarray] = []

    def eliminated(_: Blocks, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shifts.append(shift)
        return np.ones(3, dtype=bool), margin

    monkeypatch.setattr(module, "_eliminated", eliminated)
    rng = np.random.default_rng(0)
    for _ in range(100):
        at, slack = rng.uniform(0.1, 1.0, 3), 10.0 ** rng.uniform(-14.0, 0.0, 3)
        shifts.clear()
        assert blocks.proved(at, slack).all()
        assert len(shifts) == 1
        for parts in zip(at, slack, margin, shifts[0], strict=True):
            *needed, shift = map(Fraction, parts)
            assert sum(needed) <= shift <= sum(needed) * (1 + 10 * Fraction(U))


def test_a_margin_above_the_guess_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = Blocks.of(sparse.csr_array(np.diag([1.0, 2.0, 3.0])))
    tries: list[np.ndarray] = []

    def eliminated(_: Blocks, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        tries.append(shift)
        return np.array([True, True, False]), np.array([1e-3, 0.9, 1e-3])

    monkeypatch.setattr(module, "_eliminated", eliminated)
    done = blocks.proved(np.full(3, 0.5), np.zeros(3))
    assert done.tolist() == [True, False, False]  # a margin beyond the claim is given up
    assert len(tries) == 2
    assert 0.501 <= tries[1][0] <= 0.51


def test_the_diagonal_is_rounded_down() -> None:
    for entry, shift in [(1.0, 1e-17), (1.0, U), (3.0, 0.1), (1e300, 1.0)]:
        blocks = Blocks.of(sparse.csr_array(np.array([[entry]])))
        found = module._shifted(blocks, np.array([shift]))
        assert isinstance(found, Factored)
        assert Fraction(found.pivots[0]) <= Fraction(entry) - Fraction(shift)
        assert found.pivots[0] >= (entry - shift) * (1.0 - 4.0 * U)


@pytest.mark.parametrize("sizes", [[1, 1, 1, 1, 1, 1, 1, 1, 1], [3, 2, 4, 1, 3], [9, 1, 1, 12]])
def test_work_comes_in_batches(sizes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = [np.eye(n) * 4.0 + np.eye(n, k=1) + np.eye(n, k=-1) for n in sizes]
    blocks = Blocks.of(sparse.csr_array(sparse.block_diag(pieces)))
    none = np.zeros(blocks.count)
    whole = blocks.lower_bounds(none, 20)
    monkeypatch.setattr(module, "BATCH", 4)
    wanted = np.arange(blocks.count) != 1
    batches = list(blocks._batches(wanted))
    assert (np.sum(batches, axis=0) == wanted).all()
    assert len(batches) > 1
    for batch in batches:
        rows = blocks.sizes[batch]
        assert rows.sum() - rows[0] < 4
    assert np.allclose(blocks.lower_bounds(none, 20), whole, rtol=0.2)
    assert blocks.proved(0.99 * whole, none).all()


def test_a_first_guess_of_the_margin_covers_the_real_one() -> None:
    for seed in range(5):
        root = np.random.default_rng(seed).standard_normal((20, 20))
        blocks = Blocks.of(sparse.csr_array(np.round(root @ root.T + 20.0 * np.eye(20), 3)))
        found = module._eliminated(blocks, np.zeros(1))
        assert found is not None
        assert found[0].tolist() == [True]
        guess = module._margins(blocks)
        assert found[1][0] <= guess[0] <= 1e-8
