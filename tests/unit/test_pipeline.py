"""The function `recover`, `certify`, and saved recoveries."""

import dataclasses

import numpy as np
import pytest

import recover as rv


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    model = rv.ReLU(rv.frames.Dense(rng.standard_normal((40, 8))), -0.1)
    x = rng.standard_normal(8)
    y = np.maximum(model(x) + rng.uniform(-1e-3, 1e-3, 40), 0.0)
    return rv.Problem(model, y, noise=rv.Noise(each=1e-3))


def test_the_result_is_frozen_and_holds_its_certificate(problem):
    result = rv.recover(problem)
    assert result.status is rv.Status.DIRECT
    assert 0.0 < result.error_bound < 0.1
    assert result.error_bound == result.certificate.error_bound
    assert rv.verify(result.certificate, problem).accepted
    with pytest.raises(ValueError, match="read-only"):
        result.signal[0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.method = "other"
    assert "DualFrame" in repr(result)
    assert len(repr(result)) < 200


def test_method_by_instance_and_by_name(problem):
    direct = rv.recover(problem)
    named = rv.recover(problem, "ConjugateGradient")
    given = rv.recover(problem, rv.methods.Chebyshev(tol=1e-12))
    assert (named.method, given.method) == ("ConjugateGradient", "Chebyshev")
    np.testing.assert_allclose(named.signal, direct.signal, atol=1e-8)
    np.testing.assert_allclose(given.signal, direct.signal, atol=1e-8)


def test_unknown_names_and_names_without_defaults_are_refused(problem):
    with pytest.raises(rv.ParameterError, match=r"one of .*DualFrame.*got 'Nope'"):
        rv.recover(problem, "Nope")
    with pytest.raises(rv.ParameterError, match=r"SocialSparsity needs frame; pass"):
        rv.recover(problem, "SocialSparsity")


def test_without_certificate_nothing_is_promised(problem):
    certificate = rv.recover(problem, certify=False).certificate
    assert certificate.reason == "not asked"
    assert (certificate.kappa.lower, certificate.kappa.upper) == (0.0, np.inf)
    assert certificate.error_bound == np.inf


def test_watch_sees_progress_and_stops(problem):
    seen = []

    def watch(progress):
        seen.append(progress.step)
        return progress.step == 3

    result = rv.recover(problem, "FrameAlgorithm", watch=watch)
    assert seen == [1, 2, 3]
    assert result.status is rv.Status.STOPPED
    assert result.residuals.shape == (3,)


def test_saved_recoveries_come_back_whole(problem, tmp_path):
    result = rv.recover(problem)
    path = tmp_path / "r.npz"
    result.save(path)
    again = rv.Recovery.load(path)
    np.testing.assert_array_equal(again.signal, result.signal)
    np.testing.assert_array_equal(again.residuals, result.residuals)
    assert (again.status, again.method) == (result.status, result.method)
    assert again.certificate.to_json() == result.certificate.to_json()
    assert rv.verify(again.certificate, problem).accepted
    with pytest.raises(rv.RecoverError, match="exists"):
        result.save(path)
    result.save(path, force=True)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04broken"])
def test_damaged_files_are_refused(tmp_path, content):
    path = tmp_path / "r.npz"
    path.write_bytes(content)
    with pytest.raises(rv.RecoverError, match=r"r\.npz"):
        rv.Recovery.load(path)


def test_other_npz_files_and_missing_ones_are_refused(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.ones(3))
    with pytest.raises(rv.RecoverError, match="not a saved result"):
        rv.Recovery.load(tmp_path / "x.npz")
    with pytest.raises(rv.RecoverError, match="does not exist"):
        rv.Recovery.load(tmp_path / "missing.npz")


def test_certify_takes_a_domain_for_a_model_and_a_signal_for_a_problem(problem):
    x = rv.recover(problem).signal
    assert rv.certify(problem, x).error_bound < 0.1
    with pytest.raises(rv.ParameterError, match="certified at a signal"):
        rv.certify(problem, rv.Ball(1.0))
    with pytest.raises(rv.ParameterError, match="certified on a domain"):
        rv.certify(problem.model, x)
    certificate = rv.certify(rv.Modulus(rv.frames.Dense(np.eye(2))), rv.Everywhere(), budget=1)
    assert certificate.kappa.lower == 0.0


def test_a_method_that_does_not_apply_says_why(problem):
    with pytest.raises(rv.OutOfScopeError, match=r"Obstacle does not apply: .*"):
        rv.recover(problem, "Obstacle")


def test_a_start_of_another_shape_is_refused(problem):
    with pytest.raises(rv.ParameterError, match="start must have shape"):
        rv.recover(problem, "ConjugateGradient", start=np.zeros(3))
