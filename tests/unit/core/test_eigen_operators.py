"""Routes that only apply an operator (removal, Lanczos), and the accurate product."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import fft

from recover.core.eigen import (
    eigmin_probabilistic,
    estimate_extremes,
    nonnegative_norm_upper,
    nonnegative_norm_upper_from,
)
from recover.core.eigen.krylov import lanczos_values
from recover.core.eigen.product import accurate_product
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED, probabilistic
from recover.core.rounding import U

# accurate product


def exact_product(a: np.ndarray, b: np.ndarray) -> list[list[Fraction]]:
    left = [[Fraction(x) for x in row] for row in a.tolist()]
    right = [[Fraction(x) for x in column] for column in b.T.tolist()]
    return [
        [sum((x * y for x, y in zip(r, c, strict=True)), Fraction()) for c in right]
        for r in left
    ]


@pytest.mark.parametrize("spread", [0.0, 5.0, 30.0, 280.0])
@pytest.mark.parametrize("terms", [1, 2, 7, 33])
def test_accurate_product_against_fractions(terms: int, spread: float) -> None:
    rng = np.random.default_rng([terms, int(spread)])

    def matrix(m: int, n: int) -> np.ndarray:
        x = rng.standard_normal((m, n)) * 10.0 ** rng.uniform(-spread, 0.0, (m, n))
        return x / (2.0 * np.abs(x).max())

    a, b = matrix(5, terms), matrix(terms, 4)
    if terms > 1:  # heavy cancellation
        a[:, -1] = a[:, 0]
        b[-1] = -b[0] * (1.0 + 1e-14)
    product, error = accurate_product(a, b)
    exact = exact_product(a, b)
    square = sum(
        (Fraction(product[i, j]) - exact[i][j]) ** 2 for i in range(5) for j in range(4)
    )
    assert square <= Fraction(error) ** 2
    size = math.sqrt(float(sum(x**2 for row in exact for x in row)))
    assert error <= 2.0 * U * size + 1e-28 * terms


def test_accurate_product_is_better_than_a_plain_one() -> None:
    a = np.array([[1.0, 2.0**-60, -1.0]])
    assert (a @ np.ones((3, 1)))[0, 0] == 0.0
    product, error = accurate_product(a, np.ones((3, 1)))
    assert product[0, 0] == 2.0**-60
    assert error < 2.0**-90


# removal


def test_norm_of_a_path_graph() -> None:
    n = 20  # eigenvalues 2 cos(k pi / 21), plus and minus: the undamped iteration oscillates
    adjacency = np.eye(n, k=1) + np.eye(n, k=-1)
    exact = 2.0 * math.cos(math.pi / (n + 1))
    norm, weights = nonnegative_norm_upper(
        lambda p: adjacency @ p, (n,), roundoff=4.0 * U, steps=600
    )
    assert exact <= norm <= exact * (1.0 + 1e-4)
    assert (weights > 0.0).all()


def test_norm_of_a_convolution_by_fft() -> None:
    rng = np.random.default_rng(0)
    shape = (16, 12)
    kernel = np.zeros(shape)
    kernel[0, 0], kernel[0, 1], kernel[1, 0] = 1.0, 0.3, 0.2
    kernel[0, -1], kernel[-1, 0] = 0.3, 0.2
    keep = rng.random(shape) < 0.3
    spectrum = fft.rfft2(kernel)

    def apply(p: np.ndarray) -> np.ndarray:
        return np.where(
            keep, fft.irfft2(spectrum * fft.rfft2(np.where(keep, p, 0.0)), shape), 0.0
        )

    norm, weights = nonnegative_norm_upper(apply, shape, roundoff=1e-13)
    columns = [apply(e.reshape(shape)).reshape(-1) for e in np.eye(keep.size)]
    truth = float(np.linalg.eigvalsh(np.array(columns)).max())
    assert truth - 1e-12 <= norm <= truth * 1.05
    assert nonnegative_norm_upper_from(apply, weights, roundoff=1e-13).value == norm
    worse = nonnegative_norm_upper_from(apply, np.ones(shape), roundoff=1e-13).value
    assert norm < worse <= 2.0 + 1e-12


def test_roundoff_is_added() -> None:
    eye = np.eye(3)
    assert nonnegative_norm_upper_from(lambda p: p, np.ones(3), roundoff=0.5).value >= 1.5
    found = nonnegative_norm_upper(lambda p: eye @ p, (3,), roundoff=lambda p: 0.25)
    assert 1.25 <= found.value <= 1.2500001
    # parts that fade away are floored, so an absolute error does not blow up
    fading = np.diag([1.0, 1e-3, 0.0])
    assert nonnegative_norm_upper(lambda p: fading @ p, (3,), roundoff=1e-9).value <= 1.001


def test_norm_of_zero() -> None:
    assert nonnegative_norm_upper(np.zeros_like, (4,), roundoff=0.0).value <= 1e-300


def test_removal_refusals() -> None:
    with pytest.raises(ParameterError, match="steps must be >= 1, got 0"):
        nonnegative_norm_upper(lambda p: p, (2,), roundoff=0.0, steps=0)
    with pytest.raises(ParameterError, match=r"shape must have at least one entry, got \(0,\)"):
        nonnegative_norm_upper(lambda p: p, (0,), roundoff=0.0)
    with pytest.raises(ParameterError, match=r"roundoff must be >= 0, got -1"):
        nonnegative_norm_upper(lambda p: p, (2,), roundoff=-1.0)
    with pytest.raises(ParameterError, match=r"apply must return shape \(2,\) .* got \(1,\)"):
        nonnegative_norm_upper(lambda p: p[:1], (2,), roundoff=0.0)
    with pytest.raises(ParameterError, match=r"apply\(p\) must be finite"):
        nonnegative_norm_upper(lambda p: p * np.nan, (2,), roundoff=0.0)
    for weights in ([1.0, 0.0], [1.0, -1.0], []):
        with pytest.raises(ParameterError, match="weights must all be > 0"):
            nonnegative_norm_upper_from(lambda p: p, np.array(weights), roundoff=0.0)


# Lanczos


def test_basis_stays_orthonormal_and_values_converge() -> None:
    spectrum = np.geomspace(1e-12, 1.0, 300)
    start = np.random.default_rng(0).standard_normal(300)
    *_, ritz = lanczos_values(lambda v: spectrum * v, start, 300)
    assert ritz.largest == pytest.approx(1.0, rel=1e-13)
    assert -1e-13 <= ritz.smallest <= 1e-11


@pytest.mark.parametrize("delta", [0.5, 0.05])
def test_failures_are_rarer_than_promised(delta: float) -> None:
    size, trials = 400, 400
    # one eigenvalue below a cluster: the hard case, a start that misses its direction fails
    spectrum = np.concatenate([[0.30], np.linspace(0.31, 1.0, size - 1)])
    failures, positive = 0, 0
    for seed in range(trials):
        bound = eigmin_probabilistic(
            lambda v: spectrum * v,
            size,
            upper=1.0,
            delta=delta,
            rng=np.random.default_rng(seed),
            max_steps=40,
        )
        failures += bound.value > 0.30
        positive += bound.value > 0.0
    assert failures <= delta * trials
    assert positive == trials


@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
def test_probabilistic_bound_is_below_and_useful(is_complex: bool) -> None:
    spectrum = np.linspace(0.3, 1.0, 2000)
    bound = eigmin_probabilistic(
        lambda v: spectrum * v,
        2000,
        upper=1.0,
        delta=1e-9,
        rng=np.random.default_rng(1),
        is_complex=is_complex,
    )
    assert 0.25 <= bound.value <= 0.3
    assert bound.rigor == probabilistic(1e-9)
    assert bound.route == "lanczos"


def test_an_early_end_is_not_taken_for_the_whole_space() -> None:
    # The operator is a multiple of the identity but for one direction. Two steps end the Krylov
    # space; a start that is nearly orthogonal to the direction is what delta pays for.
    hidden = np.zeros(50)
    hidden[7] = 1.0

    def apply(v: np.ndarray) -> np.ndarray:
        return v - 0.5 * hidden * (hidden @ v)

    for seed in range(50):
        bound = eigmin_probabilistic(
            apply, 50, upper=1.0, delta=1e-6, rng=np.random.default_rng(seed)
        )
        assert 0.49 <= bound.value <= 0.5


def test_weak_bounds_fall_back_to_zero_which_is_proved() -> None:
    spectrum = np.geomspace(1e-6, 1.0, 500)
    bound = eigmin_probabilistic(
        lambda v: spectrum * v, 500, upper=1.0, delta=1e-9, rng=np.random.default_rng(0)
    )
    assert bound.value == 0.0
    assert bound.rigor == PROVED
    assert bound.reason == "nothing positive holds with probability 1 - 1e-09 after 200 steps"


@pytest.mark.parametrize("scale", [1e-250, 1.0, 1e250])
def test_lanczos_at_any_scale(scale: float) -> None:
    spectrum = scale * np.linspace(0.3, 1.0, 100)
    bound = eigmin_probabilistic(
        lambda v: spectrum * v, 100, upper=scale, delta=1e-6, rng=np.random.default_rng(2)
    )
    assert 0.27 * scale <= bound.value <= 0.3 * scale


def test_an_upper_bound_that_is_too_small_is_seen() -> None:
    spectrum = np.linspace(0.3, 1.0, 100)
    with pytest.raises(
        ParameterError, match=r"upper must be at least .* got 0.5, and one of about"
    ):
        eigmin_probabilistic(
            lambda v: spectrum * v, 100, upper=0.5, delta=0.1, rng=np.random.default_rng(0)
        )


def test_estimates_are_inside_the_spectrum() -> None:
    spectrum = np.linspace(-1.0, 2.0, 500)
    found = estimate_extremes(lambda v: spectrum * v, 500, rng=np.random.default_rng(0))
    assert -1.0 - 1e-12 <= found.smallest <= -0.99
    assert 1.99 <= found.largest <= 2.0 + 1e-12
    one = estimate_extremes(lambda v: 3.0 * v, 1, rng=np.random.default_rng(0), is_complex=True)
    assert one.smallest == one.largest == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"size": 0}, "size must be >= 1, got 0"),
        ({"upper": 0.0}, "upper must be > 0 and finite, got 0.0; prove one with eigmax_upper"),
        ({"upper": math.inf}, "upper must be > 0 and finite, got inf"),
        ({"delta": 0.0}, r"delta must lie in \(0, 1\), got 0.0"),
        ({"delta": 1.0}, r"delta must lie in \(0, 1\), got 1.0"),
        ({"max_steps": 0}, "must be >= 1, got 0"),
    ],
)
def test_lanczos_refusals(changed: dict[str, float], message: str) -> None:
    arguments = {"size": 3, "upper": 1.0, "delta": 0.1, "max_steps": 5} | changed
    size = int(arguments.pop("size"))
    rng = np.random.default_rng(0)
    with pytest.raises(ParameterError, match=message):
        eigmin_probabilistic(lambda v: v, size, rng=rng, **arguments)
    with pytest.raises(ParameterError, match=message):  # also where nothing would be proved
        eigmin_probabilistic(lambda v: 0.0 * v, size, rng=rng, **arguments)
