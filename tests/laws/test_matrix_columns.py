"""The matrix of a frame by columns: of those that are asked for, in their order."""

import numpy as np
import pytest

import recover.frames as package
from recover.core.discovery import concrete_classes
from recover.frames.base import Frame

FRAMES = concrete_classes(package, Frame)


@pytest.mark.parametrize("name", FRAMES)
def test_columns_are_those_of_the_whole_matrix(name):
    frame = FRAMES[name].sample(np.random.default_rng(0))
    whole = frame.matrix()
    chosen = np.random.default_rng(1).permutation(frame.signal_size)[: frame.signal_size // 2]
    part = frame.matrix(chosen)
    assert part.dtype == whole.dtype
    assert part.shape == (frame.coef_size, chosen.size)
    gap = np.linalg.norm(part - whole[:, chosen], axis=0)
    assert (gap <= 2.0 * frame.roundoff()).all()
    assert frame.matrix(chosen[:0]).shape == (frame.coef_size, 0)
