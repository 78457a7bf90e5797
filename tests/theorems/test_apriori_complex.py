"""Magnitudes of complex rows: closed forms, orthogonal pairs, ceilings, forgeries, attacks."""

import dataclasses
import math

import numpy as np
import pytest

from recover.certificates.apriori import certify_apriori
from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.lipschitz import modulus_ratio_upper, pair_ratio_upper
from recover.certificates.verify import verify
from recover.core.enclosure import Enclosure
from recover.core.errors import OutOfScopeError
from recover.frames.dense import Dense
from recover.models.domains import Ball, Everywhere
from recover.models.modulus import Modulus

CUBE_ROOT = np.exp(2j * np.pi / 3)
REAL_CEILING = math.sqrt(math.pi / (math.pi - 2.0))  # 1.659 (Xia, Xu and Xu, arXiv 2404.07515)
COMPLEX_CEILING = math.sqrt(4.0 / (4.0 - math.pi))  # 2.159


def tetrahedron():
    """Four equiangular lines in C^2."""
    side = math.sqrt(2.0 / 3.0) * CUBE_ROOT ** np.arange(3)
    return np.vstack([[1.0, 0.0], np.stack([np.full(3, 1.0 / math.sqrt(3.0)), side], axis=1)])


def hesse():
    """Nine equiangular lines in C^3."""
    rows = [
        np.roll([0.0, 1.0, -(CUBE_ROOT**power)], shift) / math.sqrt(2.0)
        for shift in range(3)
        for power in range(3)
    ]
    return np.array(rows)


def gaussian(m, n, seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((m, n)) + 1j * rng.standard_normal((m, n))


def certified(rows, real_signal=False, scope=None):
    model = Modulus(Dense(rows, real_signal))
    return model, certify_apriori(model, scope or Everywhere(), budget=10.0)


def test_the_tetrahedron_closes_at_its_known_constant():
    model, cert = certified(tetrahedron())
    truth = 2.0 - 2.0 * math.sqrt(2.0 / 3.0)
    assert cert.kappa.lower**2 == pytest.approx(truth, abs=1e-9)
    assert cert.kappa.upper**2 == pytest.approx(truth, abs=1e-9)
    assert cert.evidence.values["closed"]
    assert cert.reason is None
    assert cert.assumptions == ()
    assert verify(Certificate.from_json(cert.to_json()), model).reasons == ()


def test_the_hesse_lines_stay_open_around_one_half():
    model, cert = certified(hesse(), scope=Ball(2.0))
    assert cert.kappa.lower**2 == pytest.approx(3.0 * (1.0 - math.sqrt(0.75)), abs=1e-9)
    assert cert.kappa.upper**2 == pytest.approx(0.5, abs=1e-6)
    assert not cert.evidence.values["closed"]
    assert "no finite formula" in cert.reason
    assert verify(cert, model).reasons == ()


def test_rows_of_other_lengths_and_phases_change_nothing_but_the_scale():
    rng = np.random.default_rng(3)
    phases = np.exp(2j * np.pi * rng.random(4))[:, None]
    _, cert = certified(3e50 * phases * tetrahedron())
    truth = 3e50 * math.sqrt(2.0 - 2.0 * math.sqrt(2.0 / 3.0))
    assert cert.kappa.lower == pytest.approx(truth, rel=1e-9)
    assert cert.kappa.upper == pytest.approx(truth, rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_weights_help_rows_of_different_lengths(seed):
    # the tetrahedron with one line split into two rows of unequal lengths
    split = 0.2 + 0.1 * seed
    rows = tetrahedron()
    parts = np.vstack([math.sqrt(split) * rows[:1], math.sqrt(1.0 - split) * rows[:1]])
    _, cert = certified(np.vstack([parts, rows[1:]]))
    truth = 2.0 - 2.0 * math.sqrt(2.0 / 3.0)
    assert cert.kappa.lower**2 == pytest.approx(truth, abs=1e-9)
    assert cert.kappa.upper**2 == pytest.approx(truth, abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_orthogonal_pairs_are_as_bad_as_any(seed):
    """The free minimum over a dozen descents is not below the orthogonal one."""
    from scipy.optimize import minimize

    rows = gaussian(7 + seed, 2, seed)
    _, cert = certified(rows)

    def free(flat):
        x, y = flat[:2] + 1j * flat[2:4], flat[4:6] + 1j * flat[6:]
        apart = np.vdot(x, x).real + np.vdot(y, y).real - 2.0 * abs(np.vdot(x, y))
        size = np.vdot(flat, flat)
        change = ((abs(rows @ x) - abs(rows @ y)) ** 2).sum()
        return change / apart if apart > 1e-4 * size else 1e9

    starts = np.random.default_rng(seed).standard_normal((12, 8))
    options = {"maxiter": 1500, "xatol": 1e-7, "fatol": 1e-9}
    found = min(minimize(free, z, method="Nelder-Mead", options=options).fun for z in starts)
    assert cert.kappa.upper**2 == pytest.approx(found, rel=1e-4)


def test_scaling_the_longer_of_sum_and_difference_never_raises_a_difference():
    rng = np.random.default_rng(5)
    a, b = rng.standard_normal((2, 100_000)) + 1j * rng.standard_normal((2, 100_000))
    before = np.abs(np.abs(a + b) - np.abs(a - b))
    share = rng.random(100_000)
    after = np.abs(np.abs(share * a + b) - np.abs(share * a - b))
    assert (after <= before + 1e-12).all()


@pytest.mark.parametrize("shape", [(12, 2), (30, 3), (80, 4)])
@pytest.mark.parametrize("real_signal", [False, True])
def test_no_frame_beats_the_universal_ceiling(shape, real_signal):
    rows = gaussian(*shape, seed=shape[0])
    _, cert = certified(rows, real_signal)
    whole = np.vstack([rows.real, rows.imag]) if real_signal else rows
    best = np.linalg.norm(whole, 2) / cert.kappa.upper
    assert best >= (1.0 if real_signal else COMPLEX_CEILING)


@pytest.mark.parametrize("shape", [(9, 2), (14, 3)])
def test_no_real_frame_beats_the_real_ceiling(shape):
    rows = np.random.default_rng(1).standard_normal(shape)
    _, cert = certified(rows)
    assert np.linalg.norm(rows, 2) / cert.kappa.upper >= REAL_CEILING


def test_large_complex_frames_have_a_positive_lower_end():
    _, cert = certified(gaussian(4000, 2, 0))
    assert cert.kappa.lower > 0.1 * cert.kappa.upper
    assert math.sqrt(8000.0) / cert.kappa.upper >= 0.99 * COMPLEX_CEILING


def test_few_rows_are_zero_with_the_reason():
    model, cert = certified(gaussian(4, 3, 0))
    assert cert.kappa.lower == 0.0
    assert cert.kappa.upper < 1e-6
    assert "fewer than 2 n - 1" in cert.reason
    assert verify(cert, model).accepted


def test_real_rows_in_complex_dress_have_the_real_constant():
    """A common phase turns real rows into complex ones that see the same of real signals."""
    rows = np.random.default_rng(2).standard_normal((9, 3))
    _, real = certified(rows)
    _, dressed = certified(np.exp(0.7j) * rows, real_signal=True)
    assert dressed.kappa.lower <= real.kappa.upper
    assert dressed.kappa.upper == pytest.approx(real.kappa.upper, rel=1e-6)


def test_real_pairs_have_the_same_ratio_by_both_formulas():
    rng = np.random.default_rng(4)
    rows = rng.standard_normal((8, 3))
    for x, y in rng.standard_normal((50, 2, 3)):
        both = modulus_ratio_upper(rows, (x + y) / 2, (x - y) / 2)
        assert pair_ratio_upper(rows, x, y) == pytest.approx(both, rel=1e-9)


def test_the_same_signal_twice_shows_nothing():
    x = np.array([1.0, 2.0j])
    assert pair_ratio_upper(tetrahedron(), x, 1j * x) == math.inf


def changed(cert, **changes):
    values = {k: v for k, v in changes.items() if k in cert.evidence.values}
    arrays = {k: v for k, v in changes.items() if k in cert.evidence.arrays}
    evidence = Evidence(
        "apriori", {**cert.evidence.values, **values}, {**cert.evidence.arrays, **arrays}
    )
    return dataclasses.replace(cert, evidence=evidence)


@pytest.mark.parametrize("real_signal", [False, True])
def test_forgeries_are_refused(real_signal):
    model, cert = certified(hesse(), real_signal)
    assert verify(cert, model).accepted
    kappa = cert.kappa
    value = float(cert.evidence.values["eigenvalue_lower"])
    raised = changed(cert, eigenvalue_lower=value * 1.001)
    assert not verify(raised, model)
    lifted = dataclasses.replace(raised, kappa=Enclosure(kappa.lower * 1.0004, kappa.upper))
    assert not verify(lifted, model)
    assert not verify(changed(lifted, tree_value=value * 1.001), model)
    assert not verify(
        dataclasses.replace(cert, kappa=Enclosure(kappa.lower, kappa.upper * 0.9999)), model
    )
    top = float(cert.evidence.values["eigenvalue_upper"])
    assert not verify(changed(cert, eigenvalue_upper=top * 0.9999), model)
    assert not verify(changed(cert, closed=True), model)
    assert not verify(changed(cert, first=cert.evidence.arrays["second"]), model)
    assert not verify(dataclasses.replace(cert, reason=None), model)
    assert not verify(cert, Modulus(Dense(hesse(), not real_signal)))
    assert not verify(cert, Modulus(Dense(np.conj(hesse()) * 1.01, real_signal)))
    assert not verify(dataclasses.replace(cert, assumptions=("anything",)), model)


def test_a_complex_pair_proves_nothing_about_real_signals():
    model, cert = certified(hesse(), True)
    _, other = certified(hesse(), False)
    pair = {k: other.evidence.arrays[k] for k in ("first", "second")}
    assert "signals are real" in " ".join(verify(changed(cert, **pair), model).reasons)


@pytest.mark.parametrize("case", range(6))
def test_no_pair_goes_below_the_lower_end(case):
    rows = [
        tetrahedron(), hesse(), gaussian(400, 2, 1), gaussian(900, 3, 2),
        gaussian(200, 2, 3), gaussian(1500, 3, 4),
    ][case]  # fmt: skip
    real_signal = case >= 4
    model, cert = certified(rows, real_signal)
    assert cert.kappa.lower > 0.0
    rng, n, count = np.random.default_rng(case), rows.shape[1], 4000

    def noise():
        z = rng.standard_normal((count, n)) + 1j * rng.standard_normal((count, n))
        return z.real if real_signal else z

    x, y = noise(), noise()
    for step in range(5):
        inner = np.abs((x.conj() * y).sum(axis=1))
        square = (np.abs(x) ** 2 + np.abs(y) ** 2).sum(axis=1)
        apart = np.sqrt(np.maximum(square - 2.0 * inner, 0.0))
        change = np.linalg.norm(model(x) - model(y), axis=1)
        ratio = np.where(apart > 1e-4 * np.sqrt(square), change / (apart + 1e-300), np.inf)
        assert ratio.min() >= cert.kappa.lower * (1.0 - 1e-9)
        best = rng.choice(np.argsort(ratio)[: count // 20], count)
        x, y = x[best] + 0.3**step * noise(), y[best] + 0.3**step * noise()


def test_other_domains_are_refused():
    with pytest.raises(OutOfScopeError, match="balls and everywhere"):
        certify_apriori(Modulus(Dense(tetrahedron())), Ball(1.0, nonnegative=True))
