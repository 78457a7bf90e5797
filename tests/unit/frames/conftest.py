"""What the checks of sub-frames share."""

import numpy as np
import pytest

import recover.frames.bands


@pytest.fixture
def from_bands():
    """Return the function that makes the full matrix of LAPACK lower bands."""

    def full(found):
        n = found.bands.shape[1]
        s = np.zeros((n, n), dtype=found.bands.dtype)
        for d in range(found.bands.shape[0]):
            below = found.bands[d, : n - d]
            s += np.diag(below, -d) + (np.diag(below.conj(), d) if d else 0.0)
        if not found.folded:
            return s
        t = np.arange(n)
        place = np.where(t < (n + 1) // 2, 2 * t, 2 * (n - 1 - t) + 1)
        assert sorted(place) == list(range(n))
        return s[np.ix_(place, place)]

    return full


@pytest.fixture
def always_bands(monkeypatch):
    """Make frames give bands also where a dense proof would be cheaper."""
    monkeypatch.setattr(recover.frames.bands, "NARROW", 0)
