"""Promises at the edges of the number format, and evidence that was written to do harm."""

from __future__ import annotations

import base64
import json
import struct

import numpy as np
import pytest

import recover as rv
from recover.core.errors import ParameterError


@pytest.mark.parametrize(("low", "high"), [(-0.9, 0.9), (-0.1, 0.1), (-0.7, 0.3)])
def test_single_precision_data_at_a_level_that_it_rounds(low: float, high: float) -> None:
    # float32(0.9) < 0.9 and float32(-0.9) > -0.9: clipped samples looked reliable, bound 0
    x = np.linspace(-2.0, 2.0, 40).astype(np.float32)
    model = rv.Saturation(rv.frames.Identity(40), low, high)
    y = model(x)
    assert y.dtype == np.float32
    problem = rv.Problem(model, y)
    clipped = (x < low) | (x > high)
    assert not problem.knowledge.fixed[clipped].any()
    assert (problem.knowledge.lower <= x).all()
    assert (x <= problem.knowledge.upper).all()
    inside = np.float32([low, high])  # a signal exactly at the level of the model
    lower = problem.model.knowledge(np.full(40, inside[1]), problem.noise_bound).lower
    assert (lower <= high).all()
    assert rv.certify(problem, y).error_bound == np.inf


@pytest.mark.parametrize("scale", [1e-150, 1e-170, 1e-200, 1e-300])
def test_noise_of_each_entry_has_a_norm_at_any_scale(scale: float) -> None:
    # the squares of the entries underflow: the l2 bound that follows was 5e-324
    rows = np.concatenate([np.eye(4), -np.eye(4)])
    x = np.array([1.0, -2.0, 3.0, -1.5]) * scale
    worst = x + 0.25 * scale * np.sign(x)
    model = rv.ReLU(rv.frames.Dense(rows))
    problem = rv.Problem(model, model(x), noise=rv.Noise(each=0.25 * scale))
    assert problem.noise_bound.l2 >= np.sqrt(8.0) * 0.25 * scale * (1 - 1e-12)
    certificate = rv.certify(problem, x)
    assert certificate.error_bound >= 0.5 * scale * (1 - 1e-12)
    assert (certificate.pointwise >= np.abs(worst - x)).all()


@pytest.mark.parametrize(("row", "size"), [(-480, -250), (-500, -300), (-300, -480)])
def test_an_adjoint_that_underflows_proves_nothing(row: int, size: int) -> None:
    # A^T r was computed as 0, so a wrong signal passed for a least-squares solution
    rows = np.ldexp(np.array([[-1.0], [-2.0], [3.0]]), row)
    x = np.ldexp(np.array([1.5]), size)
    model = rv.Saturation(rv.frames.Dense(rows), None, None)
    problem = rv.Problem(model, model(x))
    away = np.ldexp(1.0, size)
    certificate = rv.certify(problem, x + away)
    assert certificate.error_bound >= away
    if certificate.finite:
        assert rv.verify(certificate, problem)


def test_rows_that_are_all_zero_with_a_quadratic_prior() -> None:
    problem = rv.Problem(
        rv.ReLU(rv.frames.Dense(np.zeros((3, 2)))),
        np.zeros(3),
        prior=rv.priors.Quadratic(rv.frames.Dense(np.eye(2)), 1.0),
    )
    certificate = rv.certify(problem, np.zeros(2))
    assert 1.0 <= certificate.error_bound < 1.1
    assert rv.verify(certificate, problem)


def _certificate() -> tuple[rv.Certificate, rv.Problem]:
    model = rv.ReLU(rv.frames.Dense(np.concatenate([np.eye(3), -np.eye(3)])))
    x = np.array([1.0, -0.5, 2.0])
    problem = rv.Problem(model, model(x), noise=0.01)
    return rv.certify(problem, x), problem


@pytest.mark.parametrize("end", ["lower", "upper"])
def test_amplification_in_a_file_is_checked(end: str) -> None:
    certificate, _ = _certificate()
    data = certificate.to_data()
    data["amplification"][end] = 0.001 if end == "lower" else 1e6
    with pytest.raises(ParameterError, match="amplification"):
        rv.Certificate.from_json(json.dumps(data))


def _npy(header: str, body: bytes = b"") -> str:
    text = header.encode()
    return base64.b64encode(
        b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body
    ).decode()


@pytest.mark.parametrize(
    "text",
    [
        _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776,), }\n"),
        _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }\n"),
        _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (\n"),
        _npy("\n  a\n b\n"),
        _npy("(" * 5000),
        _npy("-" * 9000 + "1"),
        base64.b64encode(b"PK\x03\x04aaaa").decode(),
    ],
    ids=["huge", "negative", "open", "indented", "nested", "deep", "zip"],
)
def test_hostile_arrays_are_refused(text: str) -> None:
    certificate, _ = _certificate()
    data = certificate.to_data()
    data["evidence"]["arrays"]["signal"] = text
    with pytest.raises(ParameterError):
        rv.Certificate.from_json(json.dumps(data))


@pytest.mark.parametrize("field", ["error_bound", "kappa", "rigor"])
def test_integers_beyond_float64_are_refused(field: str) -> None:
    certificate, _ = _certificate()
    data = certificate.to_data()
    big = 10**400
    data[field] = {
        "error_bound": big,
        "kappa": {"lower": big, "upper": big},
        "rigor": {"kind": "probabilistic", "delta": big},
    }[field]
    with pytest.raises(ParameterError):
        rv.Certificate.from_json(json.dumps(data))


def test_nan_and_complex_evidence_is_refused() -> None:
    certificate, problem = _certificate()
    text = certificate.to_json()
    data = json.loads(text)
    data["evidence"]["values"]["eigenvalue"] = float("nan")
    with pytest.raises(ParameterError):
        rv.Certificate.from_json(json.dumps(data))
    signal = np.array([1.0, -0.5, 2.0]) + 1j
    assert not rv.verify(certificate, problem, signal)


def test_the_signal_of_parts_must_be_a_sequence() -> None:
    from recover.certificates.parts import combine

    certificate, problem = _certificate()
    whole = combine([("a", certificate), ("b", certificate)])
    assert rv.verify(whole, [problem, problem])
    assert not rv.verify(whole, [problem, problem], 3)  # type: ignore[arg-type]


def test_negative_counts_are_refused() -> None:
    # their quantiles are NaN, and comparisons with NaN let everything pass
    model = rv.Saturation(rv.frames.Identity(2), -1.0, 1.0)
    with pytest.raises(ParameterError, match="counts"):
        rv.Problem(model, [-0.5, 0.5], noise=rv.Noise.poisson(10.0, 0.1))


@pytest.mark.parametrize("scale", [1.0, 1e-150, 1e-165, 1e-200, 1e-300])
def test_a_ball_whose_squared_radius_underflows(scale: float) -> None:
    model = rv.Saturation(rv.frames.Identity(3), -0.5 * scale, 0.5 * scale)
    truth = np.array([0.1, 0.9, 0.2]) * scale
    problem = rv.Problem(model, model(truth), domain=rv.Ball(scale))
    certificate = rv.certify(problem, np.array([0.1, 0.0, 0.2]) * scale)
    assert certificate.error_bound >= 0.9 * scale


@pytest.mark.parametrize("exponent", [0, -300, -700])
def test_a_true_subspace_is_not_contradicted_at_any_scale(exponent: int) -> None:
    rng = np.random.default_rng(3)
    rows = np.round(4.0 * rng.standard_normal((9, 3)))
    vectors = np.round(4.0 * rng.standard_normal((2, 3)))
    x = vectors.T @ np.array([1.0, -2.0])
    scaled = np.ldexp(rows, exponent)
    level = np.ldexp(6.0, exponent)
    model = rv.Saturation(rv.frames.Dense(scaled), -level, level)
    noise = rv.Noise(each=np.ldexp(1.0, exponent))
    prior = rv.priors.Subspace(rv.frames.Dense(vectors))
    problem = rv.Problem(model, model(x), noise=noise, prior=prior)
    assert "contradict" not in str(rv.certify(problem, x).reason)


@pytest.mark.parametrize("exponent", [-600, 400])
def test_a_prior_of_another_scale_than_the_rows(exponent: int) -> None:
    rows = np.ldexp(np.array([[1.0, 2.0], [3.0, -1.0], [1.0, 1.0]]), exponent)
    model = rv.ReLU(rv.frames.Dense(rows), 0.0)
    x = np.array([1.0, 0.5])
    prior = rv.priors.Quadratic(rv.frames.Dense(np.eye(2)), 2.0)
    certificate = rv.certify(rv.Problem(model, model(x), prior=prior), x + 0.25)
    assert certificate.error_bound >= np.linalg.norm([0.25, 0.25])


@pytest.mark.parametrize(("p", "q"), [(0, -1000), (-480, 0), (-300, 250), (250, -200)])
def test_magnitudes_whose_squares_leave_the_range(p: int, q: int) -> None:
    # the lost direction's norm underflowed, and the estimates of a step overflowed
    rng = np.random.default_rng(4)
    rows, x = (rng.standard_normal(s) + 1j * rng.standard_normal(s) for s in ((30, 4), 4))

    def certified(p: int, q: int) -> rv.Certificate:
        model = rv.Modulus(rv.frames.Dense(2.0**p * rows))
        problem = rv.Problem(model, model(2.0**q * x), noise=float(np.ldexp(1e-3, p + q)))
        certificate = rv.certify(problem, 2.0**q * x)
        assert rv.verify(certificate, problem)
        return certificate

    usual, scaled = certified(0, 0), certified(p, q)
    assert usual.finite
    # no better than at the usual scale, where nothing is lost
    assert np.ldexp(scaled.kappa.lower, -p) <= usual.kappa.upper
    assert np.ldexp(scaled.error_bound, -q) >= 0.9 * usual.error_bound
