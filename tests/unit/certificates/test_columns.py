"""Smallest singular values of an operator's columns, by each route, against dense ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from recover.certificates import columns
from recover.certificates.columns import (
    SPARSE,
    WHOLE,
    dense_columns,
    operator_norm,
    prove_columns,
    reprove_columns,
)
from recover.certificates.proofs.witness import bottom_vector, seen
from recover.core.errors import ParameterError
from recover.frames import Convolution, Dense, Fourier, Gabor, Identity, Masked, Stack

SHAPE = (5, 7)
FILTERS = np.array([[[1.0, -1.0, 0.0]], [[0.5, 0.0, 2.0]]])  # one tap is zero


def matrix_of(operator, chosen):
    units = np.eye(operator.signal_size)[chosen].reshape(-1, *operator.signal_shape)
    return operator.analysis(units).reshape(len(units), -1).T


def operators():
    rng = np.random.default_rng(0)
    convolution = Convolution(FILTERS, SHAPE)
    masked = Masked(convolution, rng.random(convolution.coef_shape) < 0.9)
    twice = Masked(masked, rng.random(masked.coef_shape) < 0.9)
    return {"convolution": convolution, "masked": masked, "masked twice": twice}


@pytest.fixture
def chosen():
    return np.random.default_rng(1).random(math.prod(SHAPE)) < 0.4


@pytest.mark.parametrize("name", operators())
def test_the_sparse_gram_matrix_is_that_of_the_columns(name, chosen):
    operator = operators()[name]
    gram, slack = columns._sparse_columns(operator, chosen)
    dense = matrix_of(operator, chosen)
    off = np.linalg.norm(gram.toarray() - dense.T @ dense, 2)
    assert off <= slack + 1e-13
    assert 0.0 < slack < 1e-12
    assert np.array_equal(gram.toarray(), gram.toarray().T)


@pytest.mark.parametrize("name", operators())
def test_the_sparse_route_proves_and_reproves(name, chosen, monkeypatch):
    monkeypatch.setattr(columns, "SPARSE_FROM", 1)
    operator = operators()[name]
    least = np.linalg.svd(matrix_of(operator, chosen), compute_uv=False).min()
    sigma, route = prove_columns(operator, chosen)
    assert route == SPARSE
    assert 0.999 * least < sigma <= least
    assert reprove_columns(operator, chosen, sigma, SPARSE)
    assert not reprove_columns(operator, chosen, least * (1 + 1e-9), SPARSE)


def test_few_unknowns_go_the_dense_way(chosen):
    operator = operators()["convolution"]
    least = np.linalg.svd(matrix_of(operator, chosen), compute_uv=False).min()
    sigma, route = prove_columns(operator, chosen)
    assert route not in ("", SPARSE, WHOLE)
    assert 0.999 * least < sigma <= least
    assert reprove_columns(operator, chosen, sigma, route)
    assert not reprove_columns(operator, chosen, least * (1 + 1e-9), route)


def test_what_is_too_large_for_columns_has_its_frame_bound(monkeypatch):
    monkeypatch.setattr(columns, "DENSE_COLUMNS", 3)
    frame = Gabor.hann(64, 16, 4, tight=True)
    chosen = np.arange(64) < 10
    assert dense_columns(frame, chosen) is None
    sigma, route = prove_columns(frame, chosen)
    assert route == WHOLE
    assert 0.99 < sigma <= 1.0
    assert reprove_columns(frame, chosen, sigma, WHOLE)
    assert not reprove_columns(frame, chosen, 1.01, WHOLE)
    blind = Masked(Identity(8), np.arange(8) < 4)  # no positive bound, so nothing is proved
    assert prove_columns(blind, np.ones(8, dtype=bool)) == (0.0, "")


def test_a_singular_matrix_proves_nothing(monkeypatch):
    monkeypatch.setattr(columns, "SPARSE_FROM", 1)
    differences = Convolution([[1.0, -1.0]], 12)  # constants are not seen
    everything = np.ones(12, dtype=bool)
    assert prove_columns(differences, everything)[0] == 0.0
    assert prove_columns(differences, np.arange(12) < 11)[0] > 0.1


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.inf, math.nan])
def test_claims_that_are_no_bounds_are_refused(sigma, chosen):
    assert not reprove_columns(operators()["convolution"], chosen, sigma, SPARSE)


@pytest.mark.parametrize(
    ("frame", "route"),
    [(Dense(np.eye(4)), SPARSE), (Dense(np.eye(4)), "by magic")],
)
def test_routes_that_do_not_exist_are_errors(frame, route):
    with pytest.raises(ParameterError, match=route):
        reprove_columns(frame, np.ones(4, dtype=bool), 0.5, route)


def test_a_large_matrix_has_no_dense_columns(monkeypatch, chosen):
    operator = operators()["convolution"]
    count = int(chosen.sum())
    monkeypatch.setattr(columns, "DENSE_ENTRIES", count * operator.coef_size)
    assert dense_columns(operator, chosen) is not None
    monkeypatch.setattr(columns, "DENSE_ENTRIES", count * operator.coef_size - 1)
    assert dense_columns(operator, chosen) is None
    monkeypatch.setattr(columns, "SPARSE_ENTRIES", 0)
    assert columns._sparse_columns(operator, chosen) is None


def test_norms_are_above_and_near():
    rows = np.random.default_rng(2).standard_normal((30, 250))
    for size in (20, 250):  # with the exact norm, and with the cheap bound
        exact = np.linalg.norm(rows[:, :size], 2)
        found = operator_norm(Masked(Dense(rows[:, :size]), np.ones(30, dtype=bool)))
        assert exact <= found <= (1.0 + 1e-6 if size == 20 else 10.0) * exact
    assert 1.0 <= operator_norm(Fourier((4, 4))) <= 1.0 + 1e-12


# -- the witness of kappa's upper end


def test_the_vector_that_is_seen_least():
    rng = np.random.default_rng(3)
    frame = Dense(rng.standard_normal((30, 6)))
    keep = rng.random(30) < 0.6
    vector = bottom_vector(frame, keep)
    least = np.linalg.svd(frame.rows[keep], compute_uv=False).min()
    assert least <= seen(frame, keep, vector) <= least * (1.0 + 1e-9)


def test_of_kept_samples_it_is_one_that_is_missing():
    keep = np.array([True, False, True])
    assert np.array_equal(bottom_vector(Identity(3), keep), [0.0, 1.0, 0.0])
    assert seen(Identity(3), keep, np.array([0.0, 2.0, 0.0])) == pytest.approx(0.0, abs=1e-12)


def test_without_a_matrix_a_few_steps_find_a_witness(monkeypatch):
    from recover.certificates.proofs import witness

    monkeypatch.setattr(witness, "DENSE", 0)
    frame = Stack([Identity(40), Convolution([[1.0, 1.0]], 40)])
    keep = np.ones(frame.coef_shape, dtype=bool)
    vector = bottom_vector(frame, keep)
    # |x|^2 + |x_i + x_(i+1)|^2 >= |x|^2, attained by the alternating signal
    ratio = seen(frame, keep, vector)
    assert 1.0 <= ratio < 1.1
    nothing = bottom_vector(frame, np.zeros(frame.coef_shape, dtype=bool))
    assert seen(frame, np.zeros(frame.coef_shape, dtype=bool), nothing) < 1e-12


def test_no_witness_of_complex_or_huge_signals(monkeypatch):
    from recover.certificates.proofs import witness

    assert bottom_vector(Fourier(8), np.ones(8, dtype=bool)) is None
    monkeypatch.setattr(witness, "LARGEST", 7)
    assert bottom_vector(Identity(8), np.ones(8, dtype=bool)) is None
    assert seen(Identity(8), np.ones(8, dtype=bool), np.zeros(8)) == math.inf
