"""The dense, QR, banded and sparse routes: exact cases, refusals, reasons."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from recover.core.eigen import (
    eigmax_upper,
    eigmin_lower,
    eigmin_lower_banded,
    eigmin_lower_sparse,
    eigmin_lower_symmetric,
    gram_of,
    sigma_min_lower,
)
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED
from recover.core.rounding import U


def second_difference(n: int) -> np.ndarray:
    """Bands of tridiag(-1, 2, -1), whose eigenvalues are 4 sin^2(k pi / (2 n + 2))."""
    return np.concatenate([np.full((1, n), 2.0), np.full((1, n), -1.0)])


def smallest_of_second_difference(n: int) -> float:
    return 4.0 * math.sin(math.pi / (2 * n + 2)) ** 2


# dense


def test_multiples_of_the_identity() -> None:
    for n in (1, 2, 50):
        for c in (1.0, 3.7, 2.0**300, 1e-200):
            gram = c * np.eye(n)
            low, high = eigmin_lower(gram), eigmax_upper(gram)
            assert c * (1.0 - 16.0 * U) <= low.value <= c <= high.value <= c * (1.0 + 16.0 * U)
            assert low.rigor == high.rigor == PROVED
            assert low.route == "cholesky"
            assert low.reason == ""


def test_diagonal_matrices_are_proved_exactly_by_gershgorin() -> None:
    gram = np.diag([0.25, 3.0, 1.0])
    assert eigmin_lower(gram, at=0.25).value == 0.25
    assert eigmin_lower(gram, at=0.25 + U).value == 0.0
    assert eigmax_upper(gram, at=3.0).value == 3.0
    assert eigmax_upper(gram, at=math.nextafter(3.0, 0.0)).value == math.inf


def test_zero_matrix_and_zero_rows() -> None:
    gram, slack = gram_of(np.zeros((0, 3)))
    assert gram.shape == (3, 3)
    assert slack <= 1e-280
    assert eigmin_lower(gram, gram_slack=slack).value == 0.0
    assert 0.0 <= eigmax_upper(gram, gram_slack=slack).value <= 1e-280
    assert sigma_min_lower(np.zeros((4, 3))).value == 0.0


def test_slack_is_taken_off() -> None:
    gram = np.diag([1.0, 2.0])
    assert eigmin_lower(gram, gram_slack=0.25).value == pytest.approx(0.75, rel=1e-14)
    assert eigmin_lower(gram, gram_slack=0.25).value <= 0.75
    assert eigmin_lower(gram, gram_slack=0.25, at=0.75 + 1e-15).value == 0.0
    assert eigmin_lower(gram, gram_slack=math.inf).value == 0.0
    assert eigmax_upper(gram, gram_slack=0.25).value == pytest.approx(2.25, rel=1e-14)
    assert eigmax_upper(gram, gram_slack=0.25).value >= 2.25
    assert eigmax_upper(gram, gram_slack=math.inf).value == math.inf
    bands = np.ones((1, 4))
    assert eigmin_lower_banded(bands, slack=0.25).value <= 0.75
    assert eigmin_lower_banded(bands, slack=0.25, at=0.7500001).value == 0.0
    assert eigmin_lower_banded(bands, slack=math.inf).value == 0.0


def test_complex_differs_from_its_real_part() -> None:
    gram = np.array([[1.0, 0.9j], [-0.9j, 1.0]])
    assert eigmin_lower(gram).value == pytest.approx(0.1, rel=1e-13)
    assert eigmax_upper(gram).value == pytest.approx(1.9, rel=1e-13)
    assert eigmin_lower_banded(np.array([[1.0, 1.0], [-0.9j, 0.0]])).value == pytest.approx(
        0.1, rel=1e-3
    )


def test_general_matrices() -> None:
    matrix = np.array([[1.0, 2.0], [2.0, 1.0]])  # eigenvalues -1 and 3
    bound = eigmin_lower_symmetric(matrix)
    assert -1.0 - 1e-14 <= bound.value <= -1.0
    failed = eigmin_lower_symmetric(matrix, at=-0.999)
    assert failed.value == -math.inf
    assert failed.reason == "the Cholesky test at -0.999 failed"
    assert eigmin_lower_symmetric(matrix, at=-1.001).value == -1.001
    assert eigmax_upper(-matrix).value == pytest.approx(1.0)
    with pytest.raises(
        ParameterError, match=r"gram must be positive semidefinite .* near -1; use"
    ):
        eigmin_lower(matrix)


def test_failed_claims_give_a_reason() -> None:
    gram = np.array([[2.0, 1.0], [1.0, 2.0]])
    failed = eigmin_lower(gram, at=1.0 + 1e-12)
    assert failed.value == 0.0
    assert failed.reason == "the Cholesky test at 1 failed"
    assert failed.slack < 1e-14
    assert eigmax_upper(gram, at=3.0 - 1e-12).value == math.inf
    assert (
        eigmin_lower(np.ones((3, 3))).reason
        == "the Gram matrix is singular to working precision"
    )
    assert eigmin_lower(gram, at=-5.0).value == 0.0


def test_inputs_are_not_written_to() -> None:
    rows = np.random.default_rng(0).standard_normal((5, 3))
    rows.setflags(write=False)
    gram, slack = gram_of(rows)
    gram.setflags(write=False)
    eigmin_lower(gram, gram_slack=slack)
    eigmax_upper(gram)
    sigma_min_lower(rows)
    bands = second_difference(6)
    bands[1, -1] = np.nan  # past the end of its diagonal: ignored
    bands.setflags(write=False)
    assert eigmin_lower_banded(bands).value > 0.0


@pytest.mark.parametrize(
    ("gram", "message"),
    [
        (np.zeros((2, 3)), r"must be square, got shape \(2, 3\)"),
        (np.zeros((0, 0)), r"at least one column, got shape \(0, 0\)"),
        (np.zeros(3), r"must be a matrix .* got shape \(3,\)"),
        (np.array([[1.0, np.nan], [np.nan, 1.0]]), r"must be finite, got 2 NaN"),
        (np.array([[1.0, 0.5], [0.25, 1.0]]), r"exactly Hermitian.*asymmetry of 0.25; take"),
        (np.array([[1.0j]]), r"exactly Hermitian"),
        (np.eye(2, dtype=np.longdouble), r"at most double precision, got float128"),
        (np.array([["a"]]), r"must hold numbers"),
    ],
)
def test_bad_matrices(gram, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        eigmin_lower(gram)
    with pytest.raises(ParameterError):
        eigmax_upper(gram)


@pytest.mark.parametrize("slack", [-1.0, math.nan])
def test_bad_slack(slack: float) -> None:
    for call in (
        lambda: eigmin_lower(np.eye(2), gram_slack=slack),
        lambda: eigmax_upper(np.eye(2), gram_slack=slack),
        lambda: eigmin_lower_banded(np.ones((1, 2)), slack=slack),
        lambda: eigmin_lower_sparse(sparse.eye_array(2, format="csr"), slack=slack),
    ):
        with pytest.raises(
            ParameterError, match=r"slack must be >= 0, got .*spectral-norm bound"
        ):
            call()


@pytest.mark.parametrize("at", [math.inf, math.nan])
def test_bad_target(at: float) -> None:
    for call in (
        lambda: eigmin_lower(np.eye(2), at=at),
        lambda: sigma_min_lower(np.eye(2), at=at),
        lambda: eigmin_lower_banded(np.ones((1, 2)), at=at),
    ):
        with pytest.raises(ParameterError, match=r"at must be finite, got .*at=None to search"):
            call()


def test_gram_overflow() -> None:
    with pytest.raises(
        ParameterError, match=r"rows must have squares .* up to 2\*\*601; scale"
    ):
        gram_of(np.array([[2.0**600]]))
    for small in (2.0**-536, 3.0 * 2.0**-538, 2.0**-560):  # subnormal squares
        gram, slack = gram_of(np.array([[small], [2.0 * small]]))
        exact = 5 * Fraction(small) ** 2
        assert abs(Fraction(float(gram[0, 0])) - exact) <= Fraction(slack)
        assert slack <= 2.0**-1070


def test_gram_of_integers_counts_only_terms() -> None:
    rows = np.zeros((1000, 2))
    rows[0] = 1.0
    assert gram_of(rows)[1] <= 12.0 * U  # four terms' worth, not a thousand


# QR


def test_singular_value_at_any_scale() -> None:
    rows = np.array([[1.0, 1.0], [1e-9, 0.0], [0.0, 1e-9]])  # Laeuchli: sigma_min = 1e-9
    for exponent in (-1000, -300, 0, 300, 1000):
        bound = sigma_min_lower(rows * 2.0**exponent)
        exact = 1e-9 * 2.0**exponent
        assert exact * (1.0 - 1e-9) <= bound.value <= exact
        assert bound.route == "qr"
        assert sigma_min_lower(rows * 2.0**exponent, at=exact * (1.0 + 1e-9)).value == 0.0


def test_column_scales_do_no_harm() -> None:
    rng = np.random.default_rng(3)
    rows = np.linalg.qr(rng.standard_normal((9, 4)))[0] * np.array([1.0, 1e-40, 1e40, 1e-90])
    bound = sigma_min_lower(rows)
    assert 1e-90 * (1.0 - 1e-6) <= bound.value <= 1e-90 * (1.0 + 1e-12)


def test_qr_reasons() -> None:
    assert sigma_min_lower(np.ones((2, 3))).reason == "2 non-zero rows cannot span 3 dimensions"
    assert (
        sigma_min_lower(np.zeros((4, 3))).reason == "0 non-zero rows cannot span 3 dimensions"
    )
    assert "dependent" in sigma_min_lower(np.ones((4, 3))).reason
    assert sigma_min_lower(np.eye(3), at=1.5).reason == "1.5 could not be proved"
    assert sigma_min_lower(np.eye(3), at=0.0).value == 0.0
    with pytest.raises(ParameterError, match="rows must be finite"):
        sigma_min_lower(np.array([[np.inf]]))


# banded and sparse


@pytest.mark.parametrize("n", [1, 2, 10, 300, 20000])
def test_second_difference(n: int) -> None:
    bands = second_difference(n)[: min(n, 2)]
    exact = smallest_of_second_difference(n)
    bound = eigmin_lower_banded(bands)
    assert bound.value <= exact
    assert bound.value >= exact * (1.0 - 2e-4) - 100.0 * U
    assert bound.slack <= 16.0 * 3.0 * 2.0 * U
    assert eigmin_lower_banded(bands, at=bound.value).value == bound.value
    assert eigmin_lower_banded(bands, at=exact + 1e-14).value == 0.0


@pytest.mark.parametrize("exponent", [-1000, 1000])
def test_banded_at_extreme_scales(exponent: int) -> None:
    bound = eigmin_lower_banded(second_difference(5) * 2.0**exponent)
    exact = smallest_of_second_difference(5) * 2.0**exponent
    assert exact * (1.0 - 1e-3) <= bound.value <= exact


def test_clustered_bottom_of_the_spectrum() -> None:
    # many nearly equal eigenvalues, and one a little below them: hard for inverse iteration
    diagonal = np.ones(5000)
    diagonal[1234] = 1.0 - 1e-6
    bound = eigmin_lower_banded(np.array([diagonal, np.zeros(5000)]))
    assert 1.0 - 2e-4 <= bound.value <= 1.0 - 1e-6


def test_banded_margin_does_not_grow_with_size() -> None:
    slacks = [eigmin_lower_banded(second_difference(n), at=1e-12).slack for n in (100, 10000)]
    assert slacks[1] <= 1.05 * slacks[0]


def test_singular_bands() -> None:
    bands = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]])  # a block of ones: singular
    bound = eigmin_lower_banded(bands)
    assert bound.value == 0.0
    assert bound.reason == "the matrix is singular to working precision"
    assert eigmin_lower_banded(bands, at=-1.0).value == 0.0
    assert eigmin_lower_banded(np.zeros((2, 3))).value == 0.0


def test_bad_bands() -> None:
    with pytest.raises(ParameterError, match=r"bands must have shape .* got \(3, 2\); drop"):
        eigmin_lower_banded(np.ones((3, 2)))
    with pytest.raises(ParameterError, match="real main diagonal, got imaginary parts up to 1"):
        eigmin_lower_banded(np.array([[1.0, 1.0j]]))
    with pytest.raises(ParameterError, match="bands must be finite"):
        eigmin_lower_banded(np.array([[1.0, np.nan]]))


def grid_laplacian(side: int) -> sparse.csr_array:
    line = sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(side, side))
    eye = sparse.eye_array(side)
    return sparse.csr_array(sparse.kron(line, eye) + sparse.kron(eye, line))


def test_sparse_grid_in_random_order() -> None:
    side = 12
    order = np.random.default_rng(0).permutation(side * side)
    matrix = sparse.csr_array(grid_laplacian(side)[order][:, order])
    exact = 2.0 * smallest_of_second_difference(side)
    bound = eigmin_lower_sparse(matrix)
    assert exact * (1.0 - 2e-4) <= bound.value <= exact
    assert eigmin_lower_sparse(matrix, at=bound.value).value == bound.value
    assert eigmin_lower_sparse(matrix, at=exact * (1.0 + 1e-9)).value == 0.0


def test_sparse_complex_gauge() -> None:
    matrix = grid_laplacian(5)
    phases = np.exp(1j * np.arange(25))
    rotated = sparse.coo_array(matrix)
    row, column = rotated.coords
    data = np.where(row == column, rotated.data, rotated.data * phases[row] / phases[column])
    upper = row <= column  # exactly Hermitian
    half = sparse.coo_array((data * upper, (row, column)), shape=(25, 25)).tocsr()
    strict = sparse.coo_array((data * (row < column), (row, column)), shape=(25, 25)).tocsr()
    hermitian = sparse.csr_array(half + strict.conj().T)
    exact = 2.0 * smallest_of_second_difference(5)
    assert eigmin_lower_sparse(hermitian, slack=1e-14).value == pytest.approx(exact, rel=2e-4)


def test_sparse_refusals() -> None:
    too_large = eigmin_lower_sparse(grid_laplacian(12), max_entries=144)
    assert too_large.value == 0.0
    assert too_large.reason.startswith("too large to prove: n = 144, half-bandwidth ")
    with pytest.raises(ParameterError, match="matrix must be exactly Hermitian"):
        eigmin_lower_sparse(sparse.csr_array(np.array([[1.0, 0.5], [0.0, 1.0]])))
    with pytest.raises(ParameterError, match=r"matrix must be square .* got shape \(2, 3\)"):
        eigmin_lower_sparse(sparse.csr_array(np.ones((2, 3))))
    with pytest.raises(ParameterError, match="matrix must be finite"):
        eigmin_lower_sparse(sparse.csr_array(np.array([[np.inf]])))
