"""Bounds of the inverse's diagonal and trace against their formulas, one term at a time."""

from __future__ import annotations

import math
from types import SimpleNamespace

import mpmath as mp
import numpy as np
import pytest
from scipy import sparse

from recover.core.arrays import Array
from recover.core.eigen import inverse as module
from recover.core.eigen.blocks import Blocks
from recover.core.eigen.inverse import Drawn, inverse_roots, probable_inverse
from recover.core.errors import ParameterError
from recover.core.rounding import U


def chain(n: int) -> Array:
    """One block with exact entries; its eigenvalues lie between 2 and 6."""
    return 4.0 * np.eye(n) + np.eye(n, k=1) + np.eye(n, k=-1)


def of(*pieces: Array) -> Blocks:
    """Blocks that store no zeros: what counts the terms of a sum shall count few."""
    return Blocks.of(sparse.csr_array(sparse.block_diag([sparse.csr_array(p) for p in pieces])))


# columns


@pytest.mark.parametrize("exponent", [-1000, -560, 0, 560, 1000])
@pytest.mark.parametrize("part", [0.0, 1e-6, 0.3, 0.9])
def test_roots_of_one_by_one_blocks_are_the_formula(part: float, exponent: int) -> None:
    entries = np.ldexp(np.array([1.0, 3.0, 0.7]), exponent)
    slack, blocks = part * entries, of(*entries[:, None, None])
    lower = entries - slack
    # y = 1 / a, |r| = slack / a; sqrt(a) <= t/2 + sqrt(t^2/4 + y)
    t = slack / entries / np.sqrt(lower)
    formula = 0.5 * t + np.sqrt(0.25 * t * t + 1.0 / entries)
    roots = inverse_roots(blocks, lower, slack, 1)
    assert (roots >= np.maximum(formula, 1.0 / np.sqrt(lower)) * (1.0 + 2.0 * U)).all()
    assert (roots <= formula * (1.0 + 300.0 * U)).all()


@pytest.mark.parametrize("n", [2, 5])
def test_roots_hold_for_every_matrix_within_the_slack(n: int) -> None:
    blocks = of(chain(n), 8.0 * chain(n))
    slack = np.array([0.5, 2.0])
    values = np.linalg.eigvalsh(chain(n))[0] * np.array([1.0, 8.0])
    roots = inverse_roots(blocks, values - slack, slack, n)
    worst = (
        np.linalg.inv(chain(n) - 0.5 * np.eye(n)),
        np.linalg.inv(chain(n) * 8 - 2 * np.eye(n)),
    )
    exact = np.sqrt(np.concatenate([np.diag(each) for each in worst]))
    assert (roots >= exact).all()
    assert (roots <= 1.15 * exact).all()


def test_rounding_of_the_residual_is_paid_for() -> None:
    # the columns' residuals are exactly zero: what is left is the allowance for rounding
    n = 8
    blocks = of(2.0 * np.eye(n) + 2.0 * np.ones((n, n)))  # inverse: I / 2 - ones / 18
    lower = np.array([1e-16])  # far below the truth, which makes residuals matter
    y = 0.5 - 1.0 / 18.0
    size = math.sqrt((4 * y + 14 / 18 + 1) ** 2 + (n - 1) * (2 * y + 2 / 18 + 12 / 18) ** 2)
    low, high = (k * U * size / math.sqrt(lower[0]) for k in (n, 8 * n))
    roots = inverse_roots(blocks, lower, np.zeros(1), n)
    assert (roots >= 0.5 * low + math.sqrt(0.25 * low * low + y)).all()
    assert (roots <= 0.5 * high + math.sqrt(0.25 * high * high + y)).all()


def test_rounding_is_paid_for_in_a_block_of_one() -> None:
    # the residual is |1 - 2 / 2| = 0; its terms 2 |y| and 1 may each have been rounded
    lower = np.array([1e-20])
    t = 2.0 * U / math.sqrt(lower[0])
    root = inverse_roots(of(np.array([[2.0]])), lower, np.zeros(1), 1)[0]
    assert root >= 0.5 * t + math.sqrt(0.25 * t * t + 0.5)
    assert root <= 10.0 * t + math.sqrt(100.0 * t * t + 0.5)


def test_wrong_columns_make_the_bound_weaker_never_false(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    blocks = of(chain(4), 0.5 * chain(3))
    exact = np.sqrt(np.diag(np.linalg.inv(blocks.matrix.toarray())))
    lower = np.array([np.linalg.eigvalsh(chain(4))[0], np.linalg.eigvalsh(0.5 * chain(3))[0]])

    class Sloppy:
        def __init__(self, blocks: Blocks) -> None:
            self.lu = self
            self.matrix = blocks.matrix.toarray()

        def solve(self, right: Array) -> Array:
            return np.linalg.solve(self.matrix, right) - 0.05 * rng.random(right.shape)

    monkeypatch.setattr(Blocks, "factors", property(Sloppy))
    for _ in range(20):
        roots = inverse_roots(blocks, lower, np.zeros(2), 4)
        assert (roots >= exact).all()
        assert (roots <= 2.0 * exact).all()


@pytest.mark.parametrize("n", [1, 2, 20, 200])
@pytest.mark.parametrize("slack", [0.0, 0.25])
def test_any_columns_bound_by_the_formula_in_exact_arithmetic(
    n: int, slack: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Integer matrix, integer columns: their residuals and norms are exact."""
    blocks = of(chain(n))
    columns = np.random.default_rng(n).integers(-3, 4, (n, n)).astype(float)

    class Given:
        def __init__(self, _: Blocks) -> None:
            self.lu = self

        def solve(self, right: Array) -> Array:
            return columns

    monkeypatch.setattr(Blocks, "factors", property(Given))
    roots = inverse_roots(blocks, np.ones(1), np.full(1, slack), n)
    residual = np.eye(n) - chain(n) @ columns
    with mp.workdps(40):
        for i in range(n):
            t = mp.sqrt(int(np.square(residual[:, i]).sum()))
            t += slack * mp.sqrt(int(np.square(columns[:, i]).sum()))
            exact = t / 2 + mp.sqrt(t**2 / 4 + max(int(columns[i, i]), 0))
            assert exact <= mp.mpf(roots[i]) <= exact * (1 + (2000 + 4 * n) * mp.mpf(U))


@pytest.mark.parametrize("n", [2, 20])
def test_residuals_that_cancel_are_charged_for_their_terms(
    n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole columns of sum zero: the products are a million times the residual."""
    matrix = chain(n) + 2.0**20
    columns = np.random.default_rng(n).integers(-3, 4, (n, n)).astype(float)
    columns[-1] -= columns.sum(axis=0)
    given = SimpleNamespace(lu=SimpleNamespace(solve=lambda _: columns))
    monkeypatch.setattr(Blocks, "factors", property(lambda _: given))
    roots = inverse_roots(of(matrix), np.ones(1), np.zeros(1), n)
    residual, sizes = np.abs(np.eye(n) - matrix @ columns), matrix @ np.abs(columns)

    def formula(i: int, roundings: int) -> mp.mpf:
        part = roundings * mp.mpf(U)
        pairs = zip(residual[:, i], sizes[:, i], strict=True)
        t = mp.sqrt(sum((int(r) + part * int(s)) ** 2 for r, s in pairs))
        return t / 2 + mp.sqrt(t**2 / 4 + max(int(columns[i, i]), 0))

    with mp.workdps(40):
        for i in range(n):
            assert formula(i, n) <= mp.mpf(roots[i]) <= formula(i, 10 * n)


@pytest.mark.parametrize("most", [1, 2, 3, 4, 7, 8, 100])
def test_columns_of_blocks_up_to_the_size_asked_for(most: int) -> None:
    blocks = of(*(chain(n) for n in (3, 1, 8, 2, 7, 4)))
    lower = np.full(6, 1.9)
    roots = inverse_roots(blocks, lower, np.zeros(6), most)
    assert np.array_equal(np.isfinite(roots), (blocks.sizes <= most)[blocks.label])
    lower[3] = 0.0
    roots = inverse_roots(blocks, lower, np.zeros(6), 100)
    assert np.array_equal(np.isfinite(roots), blocks.label != 3)


def test_columns_come_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = of(*(chain(n) for n in (6, 1, 7, 2, 5)))
    lower, slack = np.full(5, 1.9), np.full(5, 1e-3)
    whole = inverse_roots(blocks, lower, slack, 100)
    for at_once in (1, 13, 40, 57):
        monkeypatch.setattr(module, "AT_ONCE", at_once)
        assert np.allclose(inverse_roots(blocks, lower, slack, 100), whole, rtol=1e-12)


def test_no_columns_where_the_elimination_fails() -> None:
    blocks = of(np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert np.isinf(inverse_roots(blocks, np.ones(1), np.zeros(1), 5)).all()
    drawn = probable_inverse(
        blocks, np.ones(1), np.zeros(1), np.ones(2, bool), probes=16, delta=0.1, seed=0
    )
    assert np.isinf(drawn.roots).all()
    assert np.isinf(drawn.traces).all()


# draws


def quantile(degrees: int, delta: float) -> float:
    """The y < 1 with (y e^(1 - y))^(degrees / 2) = delta, in 30 digits."""
    with mp.workdps(30):
        return float(-mp.lambertw(-(mp.e ** (2 * mp.log(delta) / degrees - 1))).real)


@pytest.mark.parametrize("degrees", [1, 16, 64, 4096])
@pytest.mark.parametrize("delta", [0.5, 1e-3, 1e-12])
def test_quantile_of_the_chi_square_bound(degrees: int, delta: float) -> None:
    y = module._quantile(degrees, delta)
    assert y == pytest.approx(quantile(degrees, delta), rel=1e-9)
    assert 0.5 * degrees * (math.log(y) + 1.0 - y) <= math.log(delta) * (1.0 - 1e-12)


def test_a_quantile_too_small_to_tell_is_zero() -> None:
    assert module._quantile(1, 1e-300) <= 1e-30
    blocks = of(np.array([[1.0]]))
    drawn = probable_inverse(
        blocks, np.ones(1), np.zeros(1), np.ones(1, bool), probes=1, delta=1e-300, seed=0
    )
    assert drawn.roots[0] > 1e8


@pytest.mark.parametrize(("probes", "count"), [(1, 16), (16, 16), (17, 32), (64, 64)])
def test_draws_have_the_variances_of_the_inverse(probes: int, count: int) -> None:
    """Many blocks of one entry: their mean square tells the factor to a percent."""
    n, delta = 4000, 1e-3
    entries = np.geomspace(1e-3, 1e3, n)
    blocks = of(*entries[:, None, None])
    drawn = probable_inverse(
        blocks, entries, np.zeros(n), np.ones(n, bool), probes=probes, delta=delta, seed=3
    )
    # of roots and traces each one may fail
    y = quantile(count, delta / (2 * n))
    assert np.mean(drawn.roots**2 * entries) == pytest.approx(1.0 / y, rel=0.03)
    assert (drawn.roots**2 * entries).std() * y == pytest.approx(math.sqrt(2 / count), rel=0.1)


def given_draws(
    monkeypatch: pytest.MonkeyPatch, blocks: Blocks, total: Array, residual: Array
) -> list[int]:
    """Replace what is drawn; the list tells which rows were asked for."""
    asked: list[int] = []

    def draws(part: Blocks, *_: object) -> tuple[Array, Array]:
        asked.append(part.label.size)
        return total[: part.label.size], residual[: part.label.size]

    monkeypatch.setattr(module, "_draws", draws)
    return asked


@pytest.mark.parametrize("loose", [0.0, 0.1, 0.24])
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_roots_and_traces_are_the_theorems(
    loose: float, missing: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = of(chain(3), 2.0 * chain(2))
    lower, delta, count = np.array([2.0, 5.0]), 1e-4, 32
    counted = np.array([True, False, True, True, False])
    total = np.array([9.0, 10.0, 11.0, 4.0, 5.0])
    residual = missing * np.array([0.3, 0.2, 0.1, 0.4, 0.7])
    given_draws(monkeypatch, blocks, total, residual)
    found = probable_inverse(
        blocks, lower, loose * lower, counted, probes=20, delta=delta, seed=0
    )
    share = delta / (5 + 2)
    kept = 1.0 - 2.0 * loose
    y = quantile(count, share)
    missed = np.sqrt(missing * np.array([0.6, 1.1]))
    true = np.sqrt(count * y * kept) - 2.0 * missed / np.sqrt(lower)
    roots = np.sqrt(total) / np.where(true > 0.0, true, np.nan)[blocks.label]
    roots = np.where(np.isnan(roots), math.inf, roots)
    assert (found.roots >= roots * (1.0 - 1e-14)).all()
    assert np.allclose(found.roots, roots, rtol=1e-8)
    moved = np.sqrt([20.0, 4.0]) * (1.0 + 2.0 * loose) + 2.0 * missed / lower
    step = -math.log(share) / (count * lower)
    traces = (np.sqrt(step) + np.sqrt(step + moved**2 / (count * kept))) ** 2
    traces = np.where(true > 0.0, traces, math.inf)
    assert (found.traces >= traces * (1.0 - 1e-14)).all()
    assert np.allclose(found.traces, traces, rtol=1e-8)


def test_a_slack_of_half_the_eigenvalue_leaves_nothing() -> None:
    blocks = of(chain(3), chain(3))
    slack, counted = np.array([1.0, 0.9]), np.arange(6) >= 3
    drawn = probable_inverse(
        blocks, np.full(2, 2.0), slack, counted, probes=64, delta=0.1, seed=0
    )
    assert np.isinf(drawn.roots).tolist() == [True] * 3 + [False] * 3
    assert np.isinf(drawn.traces).tolist() == [True, False]


def test_blocks_without_an_eigenvalue_get_nothing() -> None:
    blocks = of(chain(2), chain(3), chain(1))
    lower = np.array([0.0, 2.0, 3.0])
    arguments = (np.zeros(3), np.ones(6, bool))
    drawn = probable_inverse(blocks, lower, *arguments, probes=64, delta=0.1, seed=0)
    assert np.isfinite(drawn.roots).tolist() == [False, False, True, True, True, True]
    assert np.isfinite(drawn.traces).tolist() == [False, True, True]
    exact = np.sqrt(np.diag(np.linalg.inv(blocks.matrix.toarray())))
    assert (drawn.roots[2:] >= exact[2:]).all()
    assert (drawn.roots[2:] <= 3.0 * exact[2:]).all()
    nothing = probable_inverse(blocks, np.zeros(3), *arguments, probes=64, delta=0.1, seed=0)
    assert isinstance(nothing, Drawn)
    assert np.isinf(nothing.roots).all()
    assert np.isinf(nothing.traces).all()


def test_which_blocks_are_bounded_does_not_change_the_draws_of_others() -> None:
    """Nobody may try subsets of claims until the draws of one block come out small."""
    blocks = of(chain(2), chain(3), chain(4))
    rest = (np.zeros(3), np.ones(9, bool))

    def squares(lower: Array) -> Array:
        """Sums of squares of the draws, whatever share of delta each bound has."""
        of_rows = lower[blocks.label] > 0.0
        y = quantile(32, 0.1 / (int(of_rows.sum()) + int((lower > 0.0).sum())))
        drawn = probable_inverse(blocks, lower, *rest, probes=32, delta=0.1, seed=5)
        return np.asarray(np.square(drawn.roots) * y)

    every, some = squares(np.full(3, 2.0)), squares(np.array([0.0, 2.0, 1.0]))
    assert np.allclose(some[2:], every[2:], rtol=1e-8)
    only = squares(np.array([0.0, 0.0, 2.0]))
    assert np.allclose(only[5:], every[5:], rtol=1e-8)


def test_blocks_without_counted_rows_have_small_traces() -> None:
    blocks = of(chain(2), chain(3), chain(4))
    counted = blocks.label == 0
    lower = np.full(3, 2.0)
    drawn = probable_inverse(blocks, lower, np.zeros(3), counted, probes=256, delta=0.1, seed=0)
    step = -math.log(0.1 / 12) / (256 * 2.0)
    assert np.allclose(drawn.traces[1:], 4.0 * step, rtol=1e-8)
    assert drawn.traces[0] >= np.trace(np.linalg.inv(chain(2)))


@pytest.mark.parametrize("delta", [0.0, 1.0, -0.1, math.nan])
def test_refused_probabilities(delta: float) -> None:
    with pytest.raises(ParameterError, match=r"delta must lie in \(0, 1\), got "):
        probable_inverse(
            of(chain(1)),
            np.ones(1),
            np.zeros(1),
            np.ones(1, bool),
            probes=1,
            delta=delta,
            seed=0,
        )
