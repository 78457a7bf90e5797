"""Sparse normal equations of stencil frames against the dense matrix."""

import numpy as np
import pytest

from recover.core.errors import ParameterError
from recover.frames import CrossChannelGradient, Dense, FiniteDifference, Laplacian, Stack
from recover.frames.coarse import at_pixels, block_means, coarse_shape
from recover.frames.stencil import normal_equations


def frames(rng, shape, step):
    channels, height, width = shape
    maps = (channels * (channels - 1), *coarse_shape(height, width, step))
    factors = rng.uniform(0.0, 1.0, size=shape[1:])
    parts = [FiniteDifference(shape, factors > 0.5), Laplacian(shape, factors)]
    if channels > 1:
        slopes, weights = rng.uniform(0.2, 4.0, size=maps), rng.uniform(0.0, 2.0, size=maps)
        parts.append(CrossChannelGradient(shape, slopes, weights, step))
    return [*parts, Stack(parts, rng.uniform(0.3, 2.0, size=len(parts)))]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("shape", [(1, 6, 5), (2, 4, 7), (3, 5, 6), (3, 1, 9), (4, 3, 1)])
def test_normal_equations_are_those_of_the_matrix(seed, shape):
    rng = np.random.default_rng(seed)
    for frame in frames(rng, shape, 1 + seed % 3):
        unknown = rng.random(shape) < rng.choice([0.2, 0.7, 1.0])
        known = rng.standard_normal(shape)
        found = normal_equations(frame, unknown, known)
        places = found.places
        np.testing.assert_array_equal(np.sort(places), np.flatnonzero(unknown))
        rows = frame.matrix()
        rest = np.where(unknown, 0.0, known).reshape(-1)
        inside = rows[:, places]
        np.testing.assert_allclose(found.matrix.toarray(), inside.T @ inside, atol=1e-12)
        np.testing.assert_allclose(found.right, -inside.T @ (rows @ rest), atol=1e-12)
        single = normal_equations(frame, unknown, known.astype(np.float32))
        assert single.matrix.dtype == np.float32 == single.right.dtype


def test_a_frame_without_stencils_is_assembled_from_its_matrix():
    rng = np.random.default_rng(1)
    rows, known = rng.standard_normal((9, 6)), rng.standard_normal(6)
    unknown = np.arange(6) % 2 == 0
    found = normal_equations(Dense(rows, real_signal=True), unknown, known)
    inside, rest = rows[:, ::2], rows[:, 1::2] @ known[1::2]
    np.testing.assert_allclose(found.matrix.toarray(), inside.T @ inside, atol=1e-12)
    np.testing.assert_allclose(found.right, -inside.T @ rest, atol=1e-12)
    with pytest.raises(ParameterError, match="made of stencils"):
        normal_equations(Dense(np.eye(3) * 1j), np.ones(3, dtype=bool), np.zeros(3))


def test_coarse_maps_are_means_and_read_off_linearly():
    values = np.arange(35.0).reshape(5, 7)
    means = block_means(values, 2)
    assert means.shape == coarse_shape(5, 7, 2) == (3, 4)
    np.testing.assert_allclose(means[0, 0], values[:2, :2].mean())
    np.testing.assert_allclose(means[2, 3], values[4, 6])
    rows, columns = np.array([0, 2, 4]), np.array([1, 3, 6])
    plane = np.add.outer(10.0 * np.arange(3), np.arange(4))
    read = at_pixels(plane, rows, columns, 2, np.dtype(np.float64))
    np.testing.assert_allclose(read, [0.25, 7.5 + 1.25, 17.5 + 2.75])
    with pytest.raises(ParameterError, match="step must be >= 1"):
        coarse_shape(3, 3, 0)
