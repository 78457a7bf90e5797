"""The three non-linearities by hand: what they measure, what data say, what is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.frames import Dense, Identity
from recover.models import AFTER, BEFORE, Modulus, Noise, Problem, ReLU, Saturation
from recover.models.base import Knowledge, Model
from recover.models.noise import NoiseBound, Where

INF = np.inf


def bound(y: Array, each: float | Array, where: Where = AFTER) -> NoiseBound:
    return Noise(l2=7.0, each=each, where=where).bound(y)


def known(model: Model, y: list[float], each: float, where: Where = AFTER) -> Knowledge:
    data = np.array(y)
    found = model.knowledge(data, bound(data, each, where))
    np.testing.assert_array_equal(found.each, np.full(data.shape, each))
    assert found.l2 <= 7.0
    assert found.l2 == bound(data, each).l2
    assert found.fixed_count == sum(found.fixed)
    return found


def test_relu_measures() -> None:
    model = ReLU(Identity(4), [0.0, 1.0, -1.0, 0.5])
    np.testing.assert_array_equal(model([-1.0, 3.0, -0.5, 0.5]), [0.0, 2.0, 0.5, 0.0])
    assert model.convex
    x = np.array([1.0, 2.0, 3.0, 4.0])
    assert model.align(x, -x) is x
    assert model.distance(x, np.zeros(4)) == pytest.approx(np.sqrt(30.0))


def test_relu_knows() -> None:
    model = ReLU(Identity(4), [0.0, 1.0, -1.0, 0.5])
    after = known(model, [0.25, 1.0, 0.0, -0.25], 0.25)
    np.testing.assert_array_equal(after.fixed, [False, True, False, False])
    assert after.value[1] == 2.0
    np.testing.assert_array_equal(after.lower, [-INF, 1.75, -INF, -INF])
    np.testing.assert_array_equal(after.upper, [0.5, 2.25, -0.75, 0.5])
    before = known(model, [0.25, 1.0, 0.0, 0.0], 0.25, BEFORE)
    np.testing.assert_array_equal(before.fixed, [True, True, False, False])
    np.testing.assert_array_equal(before.value[:2], [0.25, 2.0])
    np.testing.assert_array_equal(before.lower, [0.0, 1.75, -INF, -INF])
    np.testing.assert_array_equal(before.upper, [0.5, 2.25, -0.75, 0.75])
    exact = known(model, [1e-300, 0.0, 0.0, 2.0], 0.0)
    np.testing.assert_array_equal(exact.fixed, [True, False, False, True])


def test_relu_projects() -> None:
    model = ReLU(Identity(4), [0.0, 1.0, -1.0, 0.5])
    y = np.array([2.0, 0.0, 0.0, 0.0])
    nearest = model.project(np.array([-3.0, 5.0, -2.0, 0.5]), y)
    np.testing.assert_array_equal(nearest, [2.0, 1.0, -2.0, 0.5])


def test_relu_refuses() -> None:
    model = ReLU(Identity(2))
    edge = np.array([-0.25, 1.0])
    model.check_data(edge, bound(edge, 0.25))
    for each, where in [(0.2, AFTER), (0.25, BEFORE), (3.0, BEFORE)]:
        with pytest.raises(ParameterError, match=r"ReLU must be >= 0 .*, got -0\.25"):
            model.check_data(edge, bound(edge, each, where))
    with pytest.raises(ParameterError, match=r"^bias must be finite, got 1 NaN or inf"):
        ReLU(Identity(2), [0.0, INF])
    with pytest.raises(ParameterError, match=r"^bias must be a scalar or have shape"):
        ReLU(Identity(2), [0.0, 1.0, 2.0])


def test_saturation_measures() -> None:
    model = Saturation(Identity(4), [-1.0, 0.0, -INF, -2.0], [1.0, 0.5, 1.0, INF])
    np.testing.assert_array_equal(model([-3.0, 2.0, -9.0, 9.0]), [-1.0, 0.5, -9.0, 9.0])
    np.testing.assert_array_equal(model([0.5, 0.25, 3.0, -5.0]), [0.5, 0.25, 1.0, -2.0])
    plain = Saturation(Identity(2))
    np.testing.assert_array_equal(plain([-5.0, 5.0]), [-1.0, 1.0])
    opened = Saturation(Identity(2), None, None)
    np.testing.assert_array_equal(opened([-5.0, 5.0]), [-5.0, 5.0])
    assert model.convex
    x = np.array([1.0, 2.0, 3.0, 4.0])
    assert model.align(x, -x) is x


def test_saturation_knows_with_noise_after() -> None:
    model = Saturation(Identity(7), -1.0, 1.0)
    found = known(model, [0.5, 0.75, 1.0, 1.25, -0.75, -1.0, -0.5], 0.25)
    np.testing.assert_array_equal(found.fixed, [True, *5 * [False], True])
    assert (found.value[0], found.value[6]) == (0.5, -0.5)
    # a side at a level says nothing
    np.testing.assert_array_equal(found.lower, [0.25, 0.5, 0.75, 1.0, -INF, -INF, -0.75])
    np.testing.assert_array_equal(found.upper, [0.75, INF, INF, INF, -0.5, -0.75, -0.25])
    exact = known(model, [-1.0, 1.0, 0.0, 0.5, -0.5, 1.0, -1.0], 0.0)
    np.testing.assert_array_equal(exact.fixed, [False, False, True, True, True, False, False])
    np.testing.assert_array_equal(exact.lower, [-INF, 1.0, 0.0, 0.5, -0.5, 1.0, -INF])
    np.testing.assert_array_equal(exact.upper, [-1.0, INF, 0.0, 0.5, -0.5, INF, -1.0])


def test_saturation_knows_with_noise_before() -> None:
    model = Saturation(Identity(4), -1.0, 1.0)
    found = known(model, [0.75, 1.0, -1.0, -0.75], 0.5, BEFORE)
    np.testing.assert_array_equal(found.fixed, [True, False, False, True])
    np.testing.assert_array_equal(found.lower, [0.25, 0.5, -INF, -1.25])
    np.testing.assert_array_equal(found.upper, [1.25, INF, -0.5, -0.25])


@pytest.mark.parametrize("level", [0.1, 0.7])
def test_levels_in_data_of_a_smaller_type_are_rounded_ones(level: float) -> None:
    # float32 rounds 0.1 up and 0.7 down
    model = Saturation(Identity(3), -level, level)
    y = model(np.array([-5.0, 0.03125, 5.0], dtype=np.float32))
    assert y.dtype == np.float32
    problem = Problem(model, y)
    found = problem.knowledge
    np.testing.assert_array_equal(found.fixed, [False, True, False])
    assert found.lower[2] <= level <= found.lower[2] * (1 + 1e-6)
    assert found.upper[0] >= -level >= found.upper[0] * (1 + 1e-6)
    assert (found.lower[0], found.upper[2]) == (-INF, INF)
    for array in (found.value, found.lower, found.upper):
        assert array.dtype == np.float64
    t = np.array([-3.0, 1.0, 3.0], dtype=np.float32)
    np.testing.assert_array_equal(model.project(t, y), [-3.0, 0.03125, 3.0])
    # data that were rounded in another way are still at the level
    other = np.array([-level, 0.0, level])
    model.check_data(other.astype(np.float32), bound(other, 0.0))


@pytest.mark.parametrize("model", [ReLU(Identity(2), 0.3), Modulus(Identity(2))])
def test_single_data_are_read_in_double(model: Model) -> None:
    y = np.array([0.1, 0.0], dtype=np.float32)
    found = model.knowledge(y, Noise(each=0.05).bound(y))
    for array in (found.value, found.lower, found.upper):
        assert array.dtype == np.float64
    counted = Noise.counted(1e-3).bound(y)
    assert counted.each.dtype == np.float64


def test_saturation_projects() -> None:
    model = Saturation(Identity(6), -1.0, 1.0)
    y = np.array([1.0, 1.0, -1.0, -1.0, 0.5, 0.5])
    nearest = model.project(np.array([3.0, 0.0, -3.0, 0.0, 3.0, -3.0]), y)
    np.testing.assert_array_equal(nearest, [3.0, 1.0, -3.0, -1.0, 0.5, 0.5])
    beyond = model.project(np.array([0.0, 5.0, 0.0, -5.0, 0.0, 0.0]), 1.5 * y)
    np.testing.assert_array_equal(beyond, [1.5, 5.0, -1.5, -5.0, 0.75, 0.75])


def test_saturation_refuses() -> None:
    model = Saturation(Identity(3), [-1.0, 0.0, -INF], [1.0, 2.0, 1.0])
    edge = np.array([-1.25, 2.25, 1.25])
    model.check_data(edge, bound(edge, 0.25))
    for each, where in [(0.2, AFTER), (0.25, BEFORE), (9.0, BEFORE)]:
        with pytest.raises(
            ParameterError, match=r"^3 data .* -1\.25 at \(0,\) outside \[-1, 1\]"
        ):
            model.check_data(edge, bound(edge, each, where))
    high = np.array([0.0, 1.0, 2.0])
    with pytest.raises(
        ParameterError, match=r"^1 data .* 2 at \(2,\) outside \[-inf, 1\]; give"
    ):
        model.check_data(high, bound(high, 0.5))
    with pytest.raises(
        ParameterError, match=r"low must be below high, got low=2, high=1 at \(1,\); swap"
    ):
        Saturation(Identity(3), [0.0, 2.0, 1.0], 1.0)
    with pytest.raises(ParameterError, match=r"got low=1, high=1 at \(0,\)"):
        Saturation(Identity(3), 1.0, 1.0)
    for name in ("low", "high"):
        with pytest.raises(ParameterError, match=f"^{name} must be a scalar or have shape"):
            Saturation(Identity(3), **{name: np.zeros(4)})
        with pytest.raises(ParameterError, match=f"^{name} must not be NaN"):
            Saturation(Identity(3), **{name: np.nan})


def test_modulus_knows() -> None:
    model = Modulus(Identity(4))
    found = known(model, [1.0, 0.0, -0.25, 0.25], 0.25)
    np.testing.assert_array_equal(found.fixed, [False, False, True, False])
    np.testing.assert_array_equal(found.value, np.zeros(4))
    np.testing.assert_array_equal(found.upper, [1.25, 0.25, 0.0, 0.5])
    np.testing.assert_array_equal(found.lower, -found.upper)
    exact = known(model, [0.0, 1.0, 0.0, 1e-300], 0.0)
    np.testing.assert_array_equal(exact.fixed, [True, False, True, False])
    plane = known(Modulus(Identity(2, real_signal=False)), [1.0, 0.0], 0.0)
    np.testing.assert_array_equal(plane.fixed, [False, True])
    np.testing.assert_array_equal(plane.lower, [-INF, -INF])
    np.testing.assert_array_equal(plane.upper, [INF, INF])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_modulus_projects(dtype: type) -> None:
    model = Modulus(Identity(4, real_signal=False))
    t = np.array([3.0, 0.0, -4.0, 0.0]).astype(dtype)
    y = np.array([6.0, 2.0, 1.0, 0.0])
    nearest = model.project(t, y)
    np.testing.assert_array_equal(nearest, [6.0, 2.0, -1.0, 0.0])
    assert nearest.dtype == dtype
    assert model.apply(t).dtype == np.abs(t).dtype
    if np.iscomplexobj(t):
        np.testing.assert_allclose(model.project(1j * t, y)[0], 6.0j)
    assert not model.convex


def test_modulus_aligns_phases() -> None:
    rng = np.random.default_rng(0)
    z = rng.standard_normal(5) + 1j * rng.standard_normal(5)
    model = Modulus(Identity(5, real_signal=False))
    turned = z * np.exp(0.7j)
    np.testing.assert_allclose(model.align(turned, z), z)
    assert model.distance(turned, z) < 1e-14
    assert model.distance(2.0 * turned, z) == pytest.approx(np.linalg.norm(z))
    zero = np.zeros(5)
    assert model.align(zero, z) is zero
    # between real signals only the sign is free, and it stays real
    rows = rng.standard_normal((9, 3)) + 1j * rng.standard_normal((9, 3))
    real, x = Modulus(Dense(rows, real_signal=True)), rng.standard_normal(3)
    aligned = real.align(-x, x)
    assert aligned.dtype == np.float64
    np.testing.assert_array_equal(aligned, x)


def test_modulus_refuses() -> None:
    model = Modulus(Identity(2))
    edge = np.array([-0.25, 1.0])
    model.check_data(edge, bound(edge, 0.25))
    model.check_data(np.zeros(0), bound(np.zeros(0), 0.25))
    for each, where in [(0.2, AFTER), (0.25, BEFORE), (9.0, BEFORE)]:
        with pytest.raises(ParameterError, match=r"magnitudes must be >= 0 .*, got -0\.25"):
            model.check_data(edge, bound(edge, each, where))
    with pytest.raises(ParameterError, match="magnitudes must be real, got complex data"):
        model.check_data(edge + 0j, bound(edge, 1.0))


@pytest.mark.parametrize("kind", [ReLU, Saturation])
def test_complex_coefficients_have_no_order(kind: type) -> None:
    frame = Identity(2, real_signal=False)
    with pytest.raises(
        ParameterError, match=f"^{kind.__name__} needs real coefficients, but Identity gives"
    ):
        kind(frame)


@pytest.mark.parametrize("kind", [ReLU, Saturation])
def test_a_model_keeps_its_own_arrays(kind: type) -> None:
    given = np.array([-0.5, 0.25])
    model = kind(Identity(2), given)
    given[:] = 9.0
    for field in dataclasses.fields(model):
        array = getattr(model, field.name)
        if isinstance(array, np.ndarray):
            assert not array.flags.writeable
            assert (array < 9.0).all()


def test_models_have_names_in_digests() -> None:
    for model in (ReLU(Identity(2)), Saturation(Identity(2)), Modulus(Identity(2))):
        assert model.identity_parts()[0] == type(model).__name__
        assert model.identity_parts()[-2:] == Identity(2).identity_parts()[-2:]
