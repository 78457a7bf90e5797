"""The smallest eigenvalue, and the inverse's diagonal and trace, of every block."""

import numpy as np
import pytest
from scipy import sparse

from recover.core.eigen.blocks import Blocks
from recover.core.eigen.factor import factored
from recover.core.eigen.inverse import inverse_roots, probable_inverse
from recover.core.errors import ParameterError


def blocky(rng, sizes, spread=3.0):
    """A block-diagonal positive definite matrix, its rows shuffled."""
    pieces = []
    for n in sizes:
        away = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
        root = rng.standard_normal((n, n)) * (away <= 2)
        scale = 10.0 ** rng.uniform(-spread, 0.0)
        # a path along the diagonal keeps the block connected
        piece = root @ root.T + np.diag(np.full(n, 0.05))
        pieces.append(scale * piece)
    whole = sparse.block_diag(pieces).toarray()
    order = rng.permutation(len(whole))
    shuffled = whole[np.ix_(order, order)]
    return sparse.csr_array((shuffled + shuffled.T) * 0.5)


def truths(matrix, blocks):
    dense = matrix.toarray()
    for k in range(blocks.count):
        rows = np.flatnonzero(blocks.label == k)
        yield rows, np.linalg.eigvalsh(dense[np.ix_(rows, rows)])


@pytest.mark.parametrize("seed", range(4))
def test_every_block_gets_a_close_lower_bound(seed):
    rng = np.random.default_rng(seed)
    matrix = blocky(rng, [1, 2, 7, 30, 64])
    blocks = Blocks.of(matrix)
    none = np.zeros(blocks.count)
    found = blocks.lower_bounds(none, 1000)
    for k, (_, values) in enumerate(truths(matrix, blocks)):
        assert 0.2 * values[0] < found[k] <= values[0]
    assert blocks.proved(found, none).all()
    smallest = np.array([values[0] for _, values in truths(matrix, blocks)])
    assert not blocks.proved(smallest * (1.0 + 1e-9), none).any()
    assert not blocks.proved(smallest * 0.9, smallest).any()  # the slack counts
    assert (blocks.lower_bounds(none, 10)[blocks.sizes > 10] == 0.0).all()


def test_a_singular_block_spoils_no_other():
    good, bad = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([[1.0, -1.0], [-1.0, 1.0]])
    blocks = Blocks.of(sparse.csr_array(sparse.block_diag([good, bad])))
    found = blocks.lower_bounds(np.zeros(2), 10)
    assert found[0] > 0.9
    assert found[1] < 1e-12
    indefinite = Blocks.of(sparse.csr_array(sparse.block_diag([good, -good])))
    assert indefinite.lower_bounds(np.zeros(2), 10)[1] == 0.0


def test_roots_of_the_inverse_are_bounded_closely_by_proof_and_loosely_by_chance():
    rng = np.random.default_rng(3)
    matrix = blocky(rng, [1, 3, 20, 50], spread=1.0)
    blocks = Blocks.of(matrix)
    none = np.zeros(blocks.count)
    smallest = blocks.lower_bounds(none, 1000)
    exact = np.sqrt(np.diag(np.linalg.inv(matrix.toarray())))
    roots = inverse_roots(blocks, smallest, none, 1000)
    assert (roots >= exact).all()
    assert (roots <= exact * (1.0 + 1e-6)).all()
    assert np.isinf(
        inverse_roots(blocks, smallest, none, 20)[blocks.sizes[blocks.label] > 20]
    ).all()
    slack = 0.3 * smallest
    some = rng.random(exact.size) < 0.7
    traces = np.bincount(blocks.label[some], weights=exact[some] ** 2, minlength=blocks.count)
    drawn = probable_inverse(blocks, smallest, slack, some, probes=64, delta=1e-6, seed=1)
    assert (drawn.roots >= exact).all()
    assert (drawn.traces >= traces).all()
    wide = probable_inverse(blocks, smallest, none, some, probes=256, delta=1e-6, seed=1)
    assert (wide.roots >= exact).all()
    assert np.median(wide.roots / exact) < 1.8
    assert (wide.traces >= traces).all()
    # many modes: closer than the square of a single entry; over seeds 1.70, deviation 0.13
    assert wide.traces[3] < 2.2 * traces[3]
    with pytest.raises(ParameterError, match="delta"):
        probable_inverse(blocks, smallest, none, some, probes=64, delta=0.0, seed=1)


def test_traces_hold_as_often_as_they_should():
    """With a large delta the bounds fail now and then, but no more often than they may."""
    rng = np.random.default_rng(4)
    failed = 0
    for seed in range(60):
        matrix = blocky(rng, [6], spread=1.0)
        blocks = Blocks.of(matrix)
        smallest = blocks.lower_bounds(np.zeros(1), 100)
        drawn = probable_inverse(
            blocks, smallest, np.zeros(1), np.ones(6, bool), probes=16, delta=0.5, seed=seed
        )
        failed += int(drawn.traces[0] < np.trace(np.linalg.inv(matrix.toarray())))
    assert failed <= 30


def test_the_margin_covers_the_distance_of_the_factors_from_the_matrix():
    rng = np.random.default_rng(5)
    matrix = blocky(rng, [30, 30], spread=0.0)
    found = factored(sparse.csc_array(matrix))
    lower, upper = found.lu.L.toarray(), found.lu.U.toarray()
    place = found.lu.perm_c
    ordered = np.empty(matrix.shape)
    ordered[np.ix_(place, place)] = matrix.toarray()
    product = (lower.astype(np.longdouble) * np.diag(upper)) @ lower.T.astype(np.longdouble)
    off = np.abs(ordered - product).sum(axis=1)[place]
    assert (off <= found.margin).all()
    assert found.margin.max() < 1e-10


def test_matrices_that_are_not_symmetric_are_refused():
    with pytest.raises(ParameterError, match="symmetric"):
        Blocks.of(sparse.csr_array(np.array([[1.0, 0.5], [0.25, 1.0]])))
    with pytest.raises(ParameterError, match="square"):
        Blocks.of(sparse.csr_array(np.ones((2, 3))))


def test_the_margin_is_the_same_for_factors_of_different_patterns():
    """An elimination that is not symmetric to the last entry is measured all the same."""
    from recover.core.eigen.factor import _asymmetry

    rng = np.random.default_rng(6)
    lower = sparse.csc_array(np.tril(rng.standard_normal((5, 5))))
    across = sparse.csc_array(np.tril(rng.standard_normal((5, 5)), -1) + np.eye(5))
    exact = np.abs(across.toarray() - lower.toarray()).sum(axis=0)
    assert np.allclose(_asymmetry(lower, lower.data, across), exact)
    full = sparse.csc_array(np.tril(rng.standard_normal((5, 5))) + 5.0 * np.eye(5))
    exact = np.abs(full.toarray() - lower.toarray()).sum(axis=0)
    assert np.allclose(_asymmetry(lower, lower.data, full), exact)
