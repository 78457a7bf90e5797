"""A problem checks that model, data, noise, prior and domain fit together."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from recover.core.arrays import digest
from recover.core.errors import ParameterError
from recover.frames import Dense, Identity
from recover.models import (
    AFTER,
    BEFORE,
    Ball,
    Box,
    Everywhere,
    Modulus,
    Noise,
    Problem,
    ReLU,
    Saturation,
    Support,
)
from recover.priors.quadratic import Quadratic

Y = np.array([0.5, 0.0, 2.0])
MODEL = ReLU(Identity(3))


def test_what_a_problem_holds() -> None:
    prior, domain, noise = Quadratic(Identity(3), 1.0), Ball(3.0), Noise(each=0.25)
    problem = Problem(MODEL, Y, noise=noise, prior=prior, domain=domain)
    assert problem.model is MODEL
    assert problem.noise is noise
    assert problem.prior is prior
    assert problem.domain is domain
    np.testing.assert_array_equal(problem.y, Y)
    assert problem.noise_bound.l2 == pytest.approx(0.25 * np.sqrt(3.0))
    np.testing.assert_array_equal(problem.knowledge.fixed, [True, False, True])
    with pytest.raises(dataclasses.FrozenInstanceError):
        problem.domain = Everywhere()


def test_what_is_taken_unless_said_otherwise() -> None:
    problem = Problem(MODEL, Y)
    assert problem.prior is None
    assert isinstance(problem.domain, Everywhere)
    assert problem.noise_bound.is_zero
    bounded = Problem(MODEL, Y, noise=0.5).noise_bound
    assert (bounded.l2, bounded.where) == (0.5, AFTER)
    np.testing.assert_array_equal(bounded.each, np.full(3, 0.5))


def test_the_data_are_a_copy_that_is_never_written() -> None:
    y = Y.copy()
    problem = Problem(MODEL, y)
    y[0] = 9.0
    assert problem.y[0] == 0.5
    assert not problem.y.flags.writeable


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, bool])
def test_whole_numbers_become_float64(dtype: type) -> None:
    problem = Problem(MODEL, np.array([1, 0, 1], dtype=dtype))
    assert problem.y.dtype == np.float64
    np.testing.assert_array_equal(problem.y, [1.0, 0.0, 1.0])


def test_data_that_are_refused() -> None:
    with pytest.raises(ParameterError, match="data must hold numbers, got dtype <U1"):
        Problem(MODEL, np.array(["a", "b", "c"]))
    with pytest.raises(ParameterError, match="data must be real, got complex values"):
        Problem(MODEL, Y + 0j)
    with pytest.raises(ParameterError, match=r"coefficient shape \(3,\), got \(1, 3\)"):
        Problem(MODEL, [Y])
    for wrong in (np.nan, np.inf):
        with pytest.raises(ParameterError, match=r"^data must be finite, got 1"):
            Problem(MODEL, [0.0, wrong, 1.0])
    with pytest.raises(ParameterError, match="data of a ReLU must be >= 0"):
        Problem(MODEL, [0.0, -0.25, 1.0])
    assert Problem(MODEL, [0.0, -0.25, 1.0], noise=Noise(each=0.25)).y[1] == -0.25
    with pytest.raises(ParameterError, match="data of a ReLU must be >= 0"):
        Problem(MODEL, [0.0, -0.25, 1.0], noise=Noise(each=0.25, where=BEFORE))


def test_priors_and_domains_of_another_shape_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"prior speaks of signals of shape \(4,\)"):
        Problem(MODEL, Y, prior=Quadratic(Identity(4), 1.0))
    for domain in (Box(np.zeros(2), 1.0), Support([True, False])):
        with pytest.raises(ParameterError, match="must be a scalar or have shape"):
            Problem(MODEL, Y, domain=domain)


def test_the_type_of_recovered_signals() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((4, 2)) + 1j * rng.standard_normal((4, 2))
    for real, single, double in [
        (True, np.float32, np.float64),
        (False, np.complex64, np.complex128),
    ]:
        model = Modulus(Dense(rows, real_signal=real))
        assert Problem(model, np.ones(4, dtype=np.float32)).dtype == single
        assert Problem(model, np.ones(4)).dtype == double
        assert Problem(model, np.ones(4, dtype=np.float16)).dtype == double


def test_the_subject_is_model_and_data() -> None:
    names = {
        Problem(model, y).digest
        for model in (
            MODEL,
            ReLU(Identity(3), -0.5),
            Modulus(Identity(3)),
            Saturation(Identity(3), 0.0, 3.0),
            Saturation(Identity(3), 0.0, 4.0),
            Saturation(Identity(3), -1.0, 4.0),
            ReLU(Dense(np.eye(3))),
        )
        for y in (Y, Y[::-1])
    }
    assert len(names) == 14
    assert Problem(MODEL, Y).digest == Problem(ReLU(Identity(3)), Y.copy(), noise=1.0).digest
    assert Problem(MODEL, Y).digest == digest([*MODEL.identity_parts(), Y])


def test_bounded_domains() -> None:
    ends = np.array([1.0, np.inf, 2.0])
    for domain, bounded in [
        (Everywhere(), False),
        (Ball(9.0), True),
        (Box(-1.0, 2.0), True),
        (Box(-ends, 2.0), False),
        (Box(-1.0, ends), False),
        (Support([True, False, True]), False),
    ]:
        assert Problem(MODEL, Y, domain=domain).bounded() is bounded
