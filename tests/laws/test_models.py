"""Laws that every model found in the package obeys; a new model is picked up by its file."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import recover.models
from recover.core.discovery import concrete_classes
from recover.models import AFTER, BEFORE, Model, Noise, Problem

MODELS = concrete_classes(recover.models, Model)
seeds = st.integers(0, 2**32 - 1)
each_model = pytest.mark.parametrize("cls", MODELS.values(), ids=MODELS.keys())


def coefficients(model, rng, count=None):
    shape = model.frame.coef_shape if count is None else (count, *model.frame.coef_shape)
    t = rng.standard_normal(shape)
    return t if model.frame.real_coefs else t + 1j * rng.standard_normal(shape)


def signal(model, rng):
    x = rng.standard_normal(model.frame.signal_shape)
    return x if model.frame.real_signal else x + 1j * rng.standard_normal(x.shape)


def test_the_three_models_are_found():
    assert {"ReLU", "Saturation", "Modulus"} <= set(MODELS)


@each_model
def test_is_frozen_and_final(cls):
    assert dataclasses.is_dataclass(cls)
    assert cls.__dataclass_params__.frozen
    assert cls.__bases__ == (Model,)


@each_model
@given(seed=seeds)
def test_measures_coordinatewise(cls, seed):
    rng = np.random.default_rng(seed)
    model = cls.sample(rng)
    t, other = coefficients(model, rng), coefficients(model, rng)
    keep = rng.random(t.shape) < 0.5
    mixed = model.apply(np.where(keep, t, other))
    np.testing.assert_array_equal(mixed, np.where(keep, model.apply(t), model.apply(other)))


@each_model
@given(seed=seeds)
def test_projection_measures_as_seen_and_is_idempotent(cls, seed):
    rng = np.random.default_rng(seed)
    model = cls.sample(rng)
    y = model.apply(coefficients(model, rng))
    p = model.project(coefficients(model, rng), y)
    np.testing.assert_allclose(model.apply(p), y, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(model.project(p, y), p, rtol=1e-14, atol=1e-14)


@each_model
@given(seed=seeds)
def test_projection_is_nearest(cls, seed):
    rng = np.random.default_rng(seed)
    model = cls.sample(rng)
    y = model.apply(coefficients(model, rng))
    t = coefficients(model, rng)
    nearest = np.abs(model.project(t, y) - t)
    # every consistent point is a projection of something, and none is nearer in any entry
    for other in coefficients(model, rng, 50):
        assert np.all(nearest <= np.abs(model.project(other, y) - t) + 1e-13)


@each_model
@given(seed=seeds)
def test_consistent_coefficients_project_to_themselves(cls, seed):
    rng = np.random.default_rng(seed)
    model = cls.sample(rng)
    t = coefficients(model, rng)
    np.testing.assert_allclose(model.project(t, model.apply(t)), t, rtol=1e-13, atol=1e-13)


@each_model
@pytest.mark.parametrize("where", [AFTER, BEFORE])
@given(seed=seeds, size=st.sampled_from([0.0, 1e-9, 0.05, 0.5]))
def test_knowledge_holds_for_the_true_signal(cls, where, seed, size):
    rng = np.random.default_rng(seed)
    model = cls.sample(rng)
    x = signal(model, rng)
    t = model.frame.analysis(x)
    noise = rng.uniform(-size, size, t.shape)
    y = model.apply(t) + noise if where is AFTER else model.apply(t + noise)
    problem = Problem(model, y, noise=Noise(each=size, where=where))
    known = problem.knowledge
    rounding = 1e-12
    if model.frame.real_coefs:
        assert np.all(t >= known.lower - rounding)
        assert np.all(t <= known.upper + rounding)
    fixed = known.fixed
    assert np.all(np.abs(t - known.value)[fixed] <= known.each[fixed] + rounding)
    assert np.linalg.norm((t - known.value)[fixed]) <= known.l2 + rounding


@each_model
@given(seed=seeds)
def test_distance_is_a_metric_up_to_equivalence(cls, seed):
    rng = np.random.default_rng(seed)
    model = cls.sample(rng)
    x, z = signal(model, rng), signal(model, rng)
    assert model.distance(x, x) <= 1e-12
    assert model.distance(x, z) == pytest.approx(model.distance(z, x), rel=1e-10)
    assert model.distance(x, z) <= np.linalg.norm(x - z) + 1e-12
    np.testing.assert_allclose(model(model.align(x, z)), model(x), rtol=1e-12, atol=1e-12)


@each_model
def test_single_precision_stays_single(cls):
    rng = np.random.default_rng(0)
    model = cls.sample(rng)
    x = signal(model, rng)
    x = x.astype(np.float32 if model.frame.real_signal else np.complex64)
    y = model(x)
    assert y.dtype == np.float32
    t = model.frame.analysis(x)
    assert model.project(t, y).dtype == t.dtype


@each_model
def test_inputs_are_never_written(cls):
    rng = np.random.default_rng(1)
    model = cls.sample(rng)
    t, y = coefficients(model, rng), model.apply(coefficients(model, rng))
    kept_t, kept_y = t.copy(), y.copy()
    model.apply(t)
    model.project(t, y)
    np.testing.assert_array_equal(t, kept_t)
    np.testing.assert_array_equal(y, kept_y)


@each_model
def test_digest_tells_instances_apart(cls):
    from recover.core.arrays import digest

    first = digest(cls.sample(np.random.default_rng(0)).identity_parts())
    again = digest(cls.sample(np.random.default_rng(0)).identity_parts())
    other = digest(cls.sample(np.random.default_rng(5)).identity_parts())
    assert first == again
    assert first != other
