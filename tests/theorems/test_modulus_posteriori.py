"""Theorems behind certificates of magnitudes: the inequality, the laws, the lemma on lags."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.linalg import eigvalsh

from recover.certificates.phase.bands import bands_fit, sigma_bands
from recover.certificates.phase.chain import (
    DEFLATED,
    PINNED,
    chain_lower,
    edge_weights,
    find_chain,
)
from recover.certificates.phase.dense import sigma_dense, turned_rows, weight_dense
from recover.certificates.phase.filter import Operator, top_upper
from recover.certificates.phase.free import sigma_free, weight_free
from recover.certificates.phase.lags import Lags, distance_bound, kernel_floor, lags_of
from recover.certificates.phase.norms import row_norms
from recover.certificates.phase.rows import Magnitudes, magnitudes_of
from recover.certificates.phase.stage import carried, distances, kappa_at, reach
from recover.certificates.phase.witness import search_witness, witness_ratio
from recover.certificates.posteriori import certify_posteriori
from recover.core.arrays import Array
from recover.frames import (
    STFT,
    Boundary,
    CodedDiffraction,
    Dense,
    Fourier,
    Frame,
    Fresnel,
    Gabor,
    Identity,
    Masked,
    Stack,
)
from recover.models import Modulus, Problem, Support


def complex_normal(rng: np.random.Generator, *shape: int) -> Array:
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def exact(frame: Frame, x: Array, noise: float = 0.0) -> Magnitudes:
    model = Modulus(frame)
    return magnitudes_of(Problem(model, model(x), noise=noise), x)


def least_squares_value(frame: Frame, x: Array) -> float:
    """Second smallest eigenvalue of J^T J (smallest for real signals), by plain numpy."""
    rows = frame.matrix()
    z = rows @ x.reshape(-1)
    turned = (z / np.abs(z)).conj()[:, None] * rows
    if frame.real_signal:
        return float(eigvalsh(turned.real.T @ turned.real)[0])
    j = np.hstack([turned.real, -turned.imag])
    return float(eigvalsh(j.T @ j)[1])


def test_the_bend_of_a_modulus_is_within_its_bounds() -> None:
    rng = np.random.default_rng(1)
    z = complex_normal(rng, 200_000) * 10.0 ** rng.uniform(-3, 3, 200_000)
    d = complex_normal(rng, 200_000)
    d *= np.abs(z) * 10.0 ** rng.uniform(-3, -0.001, 200_000) / np.abs(d)
    u = z / np.abs(z)
    a, b = (u.conj() * d).real, (u.conj() * d).imag
    bend = np.abs(z + d) - np.abs(z) - a
    doubt = 1e-15 * np.abs(z)
    assert (bend >= -doubt).all()
    assert (bend <= np.abs(b) * np.abs(d) / (2 * (np.abs(z) - np.abs(d))) + doubt).all()
    assert (bend <= b**2 / (2 * (np.abs(z) + a)) + doubt).all()


def test_three_lines_in_the_plane() -> None:
    """Unit rows at 60 degrees: the frame operator is 3/2, the nearest zero is known."""
    angles = np.array([0.0, np.pi / 3, 2 * np.pi / 3])
    frame = Dense(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    x = np.array([np.cos(0.2), np.sin(0.2)])
    certificate = certify_posteriori(Problem(Modulus(frame), Modulus(frame)(x)), x)
    assert certificate.kappa.lower == pytest.approx(math.sqrt(1.5), rel=1e-10)
    assert certificate.kappa.upper == pytest.approx(math.sqrt(1.5), rel=1e-9)
    assert certificate.scope.details["up_to"] == "sign"
    # two rows suffice, so the weakest one may be left out: |cos(2 pi / 3 - .2)| is next
    ratio = np.sort(np.abs(np.cos(angles - 0.2)))
    assert certificate.scope.details["radius"] == pytest.approx(ratio[1], rel=1e-5)
    assert certificate.error_bound < 1e-14


@pytest.mark.parametrize("kind", ["real", "complex", "complex rows, real signals"])
def test_kappa_is_the_local_constant_for_exact_data(kind: str) -> None:
    rng = np.random.default_rng(2)
    for n in (2, 5, 9):
        rows = rng.standard_normal((6 * n, n))
        rows = rows if kind == "real" else rows + 1j * rng.standard_normal(rows.shape)
        frame = Dense(rows, kind == "complex rows, real signals")
        x = rng.standard_normal(n) if frame.real_signal else complex_normal(rng, n)
        certificate = certify_posteriori(Problem(Modulus(frame), Modulus(frame)(x)), x)
        value = math.sqrt(least_squares_value(frame, x))
        # the step that is nearest may leave the smallest coefficients out
        assert certificate.kappa.lower <= value * (1 + 1e-12)
        assert certificate.kappa.lower >= value * (1 - 2e-2)
        assert certificate.kappa.upper == pytest.approx(value, rel=1e-6)


def test_zero_coefficients_drop_out() -> None:
    rng = np.random.default_rng(3)
    x = complex_normal(rng, 4)
    blind = np.array([[x[1], -x[0], 0, 0], [0, 0, 0, 0]])  # one row at right angles, one zero
    frame = Dense(np.vstack([complex_normal(rng, 32, 4), blind]))
    certificate = certify_posteriori(Problem(Modulus(frame), Modulus(frame)(x), noise=1e-6), x)
    assert certificate.finite
    magnitudes = exact(frame, x)
    assert magnitudes.ratio[-1] == 0.0
    assert certificate.evidence.arrays["steps"][:, 0].min() > magnitudes.ratio[-2]


def test_distances_solve_the_quadratic() -> None:
    rng = np.random.default_rng(4)
    for _ in range(200):
        threshold, sigma = rng.uniform(0.1, 2.0, 2)
        weight = rng.choice([0.0, float(rng.uniform(0.1, 9.0))])
        best = carried(threshold, sigma, weight)
        tau = best * rng.uniform(0.0, 0.999)
        low, high = distances(threshold, sigma, weight, tau)  # type: ignore[misc]
        for r in (low, high, 0.5 * (low + high)):
            assert r * kappa_at(threshold, sigma, weight, r) >= tau
        assert low * (1 - 1e-7) * kappa_at(threshold, sigma, weight, low * (1 - 1e-7)) <= tau
        assert distances(threshold, sigma, weight, best * 1.001) is None
        half = kappa_at(threshold, sigma, weight, reach(threshold, sigma, weight))
        assert half == pytest.approx(0.8 * sigma if weight else sigma, rel=1e-6)


@pytest.mark.parametrize("scale", [2.0**-600, 2.0**-531, 1.0, 2.0**505, 2.0**900])
def test_distances_have_the_scale_of_the_data(scale: float) -> None:
    for sigma, weight in ((0.5, 0.0), (0.9, 0.7)):
        low, high = distances(1.0, sigma, weight, 0.1)  # type: ignore[misc]
        found = distances(scale, sigma, weight / scale, 0.1 * scale)
        assert found == (low * scale, high * scale)


def test_no_distances_where_rounding_leaves_none() -> None:
    assert distances(5e-324, 0.5, 0.0, 5e-324) is None  # no number lies between the two
    assert distances(1.0, 2.0**600, 0.0, 1.0) is None
    assert distances(1.0, 0.5, math.inf, 0.1) is None


@pytest.mark.parametrize("count", [3, 4, 6])
def test_law_of_random_phase_masks(count: int) -> None:
    """lambda_2 / B = 1/2 - sqrt(d (1 - d)), d = 1 / masks: the edge of the spectrum of PQP."""
    rng = np.random.default_rng(count)
    frame = CodedDiffraction.random_phases((32, 32), count, rng)
    magnitudes = exact(frame, complex_normal(rng, 32, 32))
    keep = np.ones(frame.coef_shape, dtype=bool)
    found = sigma_free(magnitudes, keep, 1e-9, rng, loss=0.015)
    law = 0.5 * (1 - 2 * math.sqrt((count - 1) / count**2))
    assert found.value**2 / count == pytest.approx(law, rel=0.1)


@pytest.mark.parametrize("ratio", [4, 8])
def test_law_of_complex_gaussian_rows(ratio: int) -> None:
    """lambda_2 / m = (1 - sqrt(2 n / m))^2 / 2 for entries of unit variance."""
    n = 128
    rng = np.random.default_rng(ratio)
    frame = Dense(complex_normal(rng, ratio * n, n) / math.sqrt(2.0))
    magnitudes = exact(frame, complex_normal(rng, n))
    sigma, _ = sigma_dense(turned_rows(magnitudes, float(magnitudes.ratio.min()) * 0.999))
    law = 0.5 * (1 - math.sqrt(2 / ratio)) ** 2
    assert sigma**2 / (ratio * n) == pytest.approx(law, rel=0.1)


@pytest.mark.parametrize("real_signal", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.1])
def test_drawn_numbers_are_on_the_safe_side_and_close(share: float, real_signal: bool) -> None:
    rng = np.random.default_rng(5)
    for build in (CodedDiffraction.random_phases, CodedDiffraction.octanary):
        frame = build((9, 12), 4, rng, real_signal=real_signal)
        x = complex_normal(rng, 9, 12)
        magnitudes = exact(frame, x.real if real_signal else x)
        threshold = float(np.quantile(magnitudes.ratio, share)) * 0.999
        turned = turned_rows(magnitudes, threshold)
        dense, _ = sigma_dense(turned)
        keep = magnitudes.kept(threshold)
        found = sigma_free(magnitudes, keep, 1e-9, rng, loss=0.015)
        assert 0.98 * dense**2 <= found.value**2 <= dense**2
        again = sigma_free(
            magnitudes, keep, 1e-9, rng, loss=0.0, near=found.near, at=found.value * 0.999
        )
        assert again.value >= found.value * 0.999
        rows = frame.matrix()[keep.reshape(-1)] / magnitudes.ratio[keep][:, None]
        rows = np.concatenate([rows.real, rows.imag]) if real_signal else rows
        norm = np.linalg.norm(rows, 2)  # of the real and the imaginary parts together
        drawn = weight_free(magnitudes, keep, 1e-9, rng).value
        assert norm * (1 - 1e-9) <= drawn <= 1.15 * norm
        assert weight_dense(turned, threshold) <= norm * (1 + 1e-9)


def planes(kind: str, real: bool) -> tuple[Frame, Array | None]:
    """Return a frame and a support of the other setups."""
    mask = np.zeros((8, 9), dtype=bool)
    mask[1:6, 2:8] = True
    mask[1, 2:5] = False
    two = [Identity((8, 9), real_signal=real), Fourier((8, 9), real_signal=real)]
    return {
        "far field": (Fourier((8, 9), 2, real_signal=real), mask),
        "one-sided far field": (Fourier((8, 9), 2, real_signal=True, one_sided=True), mask),
        "measured part": (
            Masked(
                Fourier((8, 9), 2, real_signal=real),
                np.random.default_rng(0).random((16, 18)) < 0.95,
            ),
            mask,
        ),
        "two planes": (Stack(two, weights=[0.7, 1.3]), mask),
        "near fields": (Fresnel((8, 9), 1.0, 1.0, [3.0, 5.0, 9.0, 11.0], real), None),
    }[kind]


@pytest.mark.parametrize("real_signal", [False, True])
@pytest.mark.parametrize(
    "kind", ["far field", "one-sided far field", "measured part", "two planes", "near fields"]
)
def test_drawn_numbers_of_supports_and_planes(kind: str, real_signal: bool) -> None:
    """Among the signals of a support: never above the dense value, and close to it."""
    rng = np.random.default_rng(12)
    frame, mask = planes(kind, real_signal)
    x = complex_normal(rng, 8, 9) * (1.0 if mask is None else mask)
    x = x.real if frame.real_signal else x
    domain = None if mask is None else Support(mask)
    problem = Problem(Modulus(frame), Modulus(frame)(x), domain=domain)
    magnitudes = magnitudes_of(problem, x)
    rows = frame.matrix()[:, magnitudes.columns]
    norms = np.linalg.norm(rows, axis=1)
    known = row_norms(frame, magnitudes.columns).reshape(-1)
    assert (known >= norms).all()
    if kind != "measured part":
        assert known == pytest.approx(norms, rel=1e-9)
    for share in (0.0, 0.1):
        positive = magnitudes.ratio[magnitudes.ratio > 0.0]
        threshold = float(np.quantile(positive, share)) * 0.999
        turned = turned_rows(magnitudes, threshold)
        dense, _ = sigma_dense(turned)
        keep = magnitudes.kept(threshold)
        found = sigma_free(magnitudes, keep, 1e-9, rng, loss=0.015)
        assert 0.97 * dense**2 <= found.value**2 <= dense**2
        heavy = rows[keep.reshape(-1)] / magnitudes.ratio[keep][:, None]
        heavy = np.concatenate([heavy.real, heavy.imag]) if frame.real_signal else heavy
        norm = np.linalg.norm(heavy, 2)
        assert norm * (1 - 1e-9) <= weight_free(magnitudes, keep, 1e-9, rng).value <= 1.2 * norm
    # the witness: an upper end, and nearly the value itself
    dense, _ = sigma_dense(turned_rows(magnitudes, float(positive.min()) * 0.999))
    seen = witness_ratio(magnitudes, search_witness(magnitudes, rng))
    assert dense <= seen <= 1.02 * dense


@pytest.mark.parametrize("boundary", list(Boundary))
@pytest.mark.parametrize("real_signal", [False, True])
def test_banded_numbers_are_on_the_safe_side(boundary: Boundary, real_signal: bool) -> None:
    rng = np.random.default_rng(11)
    for n, size, hop, channels in ((41, 4, 1, 7), (60, 5, 2, 6), (57, 6, 2, 11)):
        frame = Gabor(
            n,
            rng.standard_normal(size),
            hop,
            channels,
            boundary=boundary,
            real_signal=real_signal,
        )
        x = complex_normal(rng, n)
        magnitudes = exact(frame, x.real if real_signal else x)
        assert bands_fit(magnitudes)
        threshold = float(np.quantile(magnitudes.ratio, 0.02)) * 0.999
        j = magnitudes.rotated(magnitudes.kept(threshold))[0]
        values = eigvalsh(j.T @ j)
        found = sigma_bands(magnitudes, magnitudes.kept(threshold)) ** 2
        if real_signal:
            assert found == pytest.approx(values[0], rel=1e-3, abs=1e-12)
            assert found <= values[0] * (1 + 1e-9)
        else:
            assert 0.02 * values[1] <= found <= values[1] * (1 + 1e-9)
        above = math.sqrt(values[0 if real_signal else 1]) * 1.001
        assert sigma_bands(magnitudes, magnitudes.kept(threshold), at=above) == 0.0


def test_the_filter_errs_as_seldom_as_it_says() -> None:
    values = np.concatenate([np.linspace(0.0, 0.9, 59), [1.0]])
    failures, loose = 0, 0.0
    rng = np.random.default_rng(6)
    for symmetric in (False, True):
        diagonal = values * (np.where(np.arange(60) % 2, 1.0, -1.0) if symmetric else 1.0)
        operator = Operator(
            lambda v, d=diagonal: d * v, (60,), False, 1e-16, 1.0, False, symmetric
        )
        for _ in range(300):
            bound = top_upper(operator, 0.95, 0.3, rng, steps=12, enough=0.0)
            failures += bound.value < 1.0
            loose = max(loose, bound.value)
    assert failures <= 0.3 * 600  # in fact far fewer
    assert loose < 1.6
    # a start that is all but blind to the top fools no one who asks for little
    certain = top_upper(operator, 1.0, 1e-12, rng, steps=200, enough=0.0)
    assert 1.0 <= certain.value < 1.02


def test_the_filter_accounts_for_rounding() -> None:
    """With an error as large as the overlap nothing is promised."""
    operator = Operator(lambda v: v, (50,), False, 1e-3, 1.0, False, False)
    bound = top_upper(operator, 1.0, 1e-9, np.random.default_rng(0), steps=50, enough=0.0)
    assert bound.value == math.inf


def laplacian(x: Array, weights: Array) -> Array:
    n = x.size
    q = np.zeros((n, n), dtype=complex)
    for t in range(n):
        row = np.zeros(n, dtype=complex)
        row[(t + 1) % n] += x[t]
        row[t] -= x[(t + 1) % n]
        q += weights[t] * np.outer(row.conj(), row)
    return q


@pytest.mark.parametrize("closed", [True, False])
def test_the_second_eigenvalue_of_a_chain(closed: bool) -> None:
    rng = np.random.default_rng(7)
    for n in (3, 4, 11, 30):
        x = complex_normal(rng, n)
        weights = edge_weights(np.abs(x), 0.05, closed=closed)
        if n > 4:
            x[4] = 0.0  # a single zero does not cut a circle
        values = np.linalg.eigvalsh(laplacian(x, weights))
        sizes = np.abs(x)
        found, route, _ = find_chain(sizes, weights)
        assert route == DEFLATED
        assert found <= values[1] * (1 + 1e-12) + 1e-15
        assert found >= values[1] * (1 - 1e-6) - 1e-12
        pinned = [chain_lower(sizes, weights, PINNED, pin) for pin in range(n)]
        assert max(pinned) <= values[1] * (1 + 1e-12) + 1e-15
        if n > 4 and not closed:
            assert max(pinned) < 1e-12  # cut in two
        elif n <= 4:
            assert max(pinned) >= 0.1 * values[1]
    assert chain_lower(sizes, weights, "faith", 0) == 0.0
    assert chain_lower(sizes, weights, PINNED, 99) == 0.0


def test_long_chains_are_pinned() -> None:
    rng = np.random.default_rng(8)
    sizes = rng.uniform(0.5, 1.5, 600)
    weights = edge_weights(sizes, 1e-3, closed=True)
    found, route, pin = find_chain(sizes, weights)
    values = np.linalg.eigvalsh(laplacian(sizes, weights))
    assert route == PINNED
    assert 0.2 * values[1] <= found <= values[1]
    assert chain_lower(sizes, weights, PINNED, pin, at=found) >= found


@pytest.mark.parametrize("boundary", list(Boundary))
@pytest.mark.parametrize("real_signal", [False, True])
def test_lag_products_and_distances_hold(boundary: Boundary, real_signal: bool) -> None:
    """Any other signal, with the deviation that it really has: each inequality, and the end."""
    rng = np.random.default_rng(9)
    closest = 0.0
    for trial in range(60):
        n, size = int(rng.integers(8, 20)), int(rng.integers(2, 6))
        window = np.exp(-np.arange(size) / rng.uniform(0.5, 3.0)) * rng.choice([-1, 1], size)
        frame = Gabor(
            n, window, 1, size + 1 + trial % 3, boundary=boundary, real_signal=real_signal
        )
        x_hat, other = complex_normal(rng, n), complex_normal(rng, n)
        x = x_hat + 10.0 ** rng.uniform(-7, -1) * other
        if real_signal:
            x_hat, x = x_hat.real, x.real
        magnitudes = exact(frame, x_hat)
        y = np.abs(frame.analysis(x))
        noise = float(np.linalg.norm(y - np.abs(magnitudes.coefs))) * (1 + 1e-9) + 1e-13
        model = Modulus(frame)
        magnitudes = magnitudes_of(Problem(model, np.abs(magnitudes.coefs), noise=noise), x_hat)
        lags = lags_of(magnitudes, frame)
        for lag, tau in enumerate(lags.tau):
            change = np.roll(x, -lag) * x.conj() - np.roll(x_hat, -lag) * x_hat.conj()
            if lag == 1 and boundary is not Boundary.CIRCULAR:
                change = change[:-1]
            assert np.linalg.norm(change) <= tau
        closed = boundary is Boundary.CIRCULAR
        weights = edge_weights(np.abs(x_hat), lags.tau[0], closed=closed)
        value, _, _ = find_chain(np.abs(x_hat), weights)
        if value <= 0.0:
            continue
        q = np.roll(x, -1) * x_hat - x * np.roll(x_hat, -1)
        allowed = lags.tau[1] + math.sqrt(2.0) * lags.tau[0]
        assert math.sqrt(float((weights * np.abs(q) ** 2).sum())) <= allowed
        bound = distance_bound(x_hat, lags, value)
        distance = model.distance(x, x_hat)
        assert distance <= bound
        closest = max(closest, distance / bound)
    assert closest > 1e-3


def test_known_products_are_told_from_the_data() -> None:
    """Exact squares: the products of another signal's samples differ by what the data say."""
    rng = np.random.default_rng(10)
    frame = STFT(15, np.array([1.0, 0.6, 0.3]))
    x_hat = complex_normal(rng, 15)
    x = x_hat + 1e-3 * complex_normal(rng, 15)
    magnitudes = magnitudes_of(Problem(Modulus(frame), Modulus(frame)(x)), x_hat)
    lags = lags_of(magnitudes, frame)
    for lag, tau in enumerate(lags.tau):
        change = np.roll(x, -lag) * x.conj() - np.roll(x_hat, -lag) * x_hat.conj()
        assert np.linalg.norm(change) <= tau <= 4.0 * np.linalg.norm(change)


def test_symmetric_windows_are_blind_at_nyquist() -> None:
    even, odd = np.hanning(10)[1:-1], np.hanning(9)[1:-1]
    assert kernel_floor(STFT(64, even), 0) == 0.0
    assert kernel_floor(STFT(64, odd), 1) == 0.0
    assert kernel_floor(STFT(65, even), 0) > 0.0
    asymmetric = np.exp(-np.arange(8) / 3.0)
    product = asymmetric[1:] * asymmetric[:-1]
    exact_floor = np.abs(np.fft.fft(product, 64)).min()
    assert kernel_floor(STFT(64, asymmetric), 1) == pytest.approx(exact_floor, rel=1e-9)
    assert kernel_floor(STFT(4, np.ones(1)), 1) == 0.0
    assert Lags((1.0, 2.0), (1.0, 1.0)).tau == (1.0, 2.0)
