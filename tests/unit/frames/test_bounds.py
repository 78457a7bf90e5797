"""Sub-frame bounds: routes, targets, reasons, and frames without structure."""

import math

import numpy as np
import pytest

from recover.core.errors import NotAFrameError, ParameterError
from recover.core.rigor import PROVED
from recover.frames import (
    Dense,
    Fourier,
    Frame,
    Identity,
    Masked,
    Premultiplied,
    Stack,
    canonical_dual,
)
from recover.frames.bounds import (
    DENSE_SIZE,
    frame_diagonal,
    proved_bounds,
    real_matrix,
    subframe_lower,
    subframe_upper,
)
from recover.frames.structure import Diagonal


class Opaque(Frame):
    """A frame with nothing but the abstract members, and a chosen error bound."""

    def __init__(self, rows, error):
        self.inner, self.error = Dense(rows), error

    signal_shape = property(lambda self: self.inner.signal_shape)
    coef_shape = property(lambda self: self.inner.coef_shape)
    real_signal = property(lambda self: self.inner.real_signal)
    real_coefs = property(lambda self: self.inner.real_coefs)

    def analysis(self, x):
        return self.inner.analysis(x)

    def synthesis(self, c):
        return self.inner.synthesis(c)

    def bounds(self):
        return proved_bounds(self)

    def roundoff(self):
        return self.error

    def identity_parts(self):
        return ("Opaque", *self.inner.identity_parts())

    @classmethod
    def sample(cls, rng):
        return cls(rng.standard_normal((5, 3)), 1e-14)


def test_the_error_of_the_rows_is_taken_off():
    rows = np.diag([2.0, 1.0, 0.5])
    for error in (0.0, 1e-12, 1e-3, 0.1):
        frame = Opaque(rows, error)
        spectral = error * math.sqrt(3)
        for route in ("cholesky", "qr"):
            bound = subframe_lower(frame, route=route)
            exact = (0.5 - spectral) ** 2
            assert exact * (1 - 1e-9) <= bound.value <= exact
            again = subframe_lower(frame, at=bound.value, route=route)
            assert again.value == bound.value
            assert subframe_lower(frame, at=exact * 1.0001, route=route).value == 0.0
        upper = subframe_upper(frame).value
        assert (2.0 + spectral) ** 2 <= upper <= (2.0 + spectral) ** 2 * (1 + 1e-9)
    hopeless = subframe_lower(Opaque(rows, 1.0))
    assert hopeless.value == 0.0
    unknown = subframe_lower(Opaque(rows, math.inf))
    assert unknown.value == 0.0
    assert "the rows' error is not known" in unknown.reason
    assert subframe_upper(Opaque(rows, math.inf)).value == math.inf


@pytest.mark.parametrize("route", ["diagonal", "symbol"])
def test_the_slack_of_known_eigenvalues_is_taken_off(monkeypatch, route):
    frame = Opaque(np.diag([3.0, 1.0]), 0.0)
    known = Diagonal(np.array([3.0, 1.0]), 0.25)
    monkeypatch.setattr(Opaque, f"subframe_{route}", lambda self, keep: known, raising=False)
    bound = subframe_lower(frame)
    assert bound.route == route
    assert 0.75 * (1 - 1e-9) <= bound.value <= 0.75
    assert 3.25 <= subframe_upper(frame).value <= 3.25 * (1 + 1e-15)
    low = Diagonal(np.array([3.0, 0.2]), 0.25)
    monkeypatch.setattr(Opaque, "subframe_diagonal", lambda self, keep: low, raising=False)
    with pytest.raises(NotAFrameError, match="1 of 2 samples"):
        canonical_dual(frame)


def test_ill_conditioned_rows_are_proved_by_qr():
    rng = np.random.default_rng(0)
    q, _ = np.linalg.qr(rng.standard_normal((30, 6)))
    rows = q * np.logspace(0, -10, 6)
    bound = subframe_lower(Dense(rows))
    assert bound.route == "qr"
    assert bound.value == pytest.approx(1e-20, rel=1e-4)


def test_too_few_rows_have_a_reason():
    bound = subframe_lower(Dense(np.ones((2, 3))))
    assert bound.value == 0.0
    assert "2 rows cannot span 3 dimensions" in bound.reason
    empty = subframe_lower(Dense(np.eye(3)), np.zeros(3, dtype=bool))
    assert "0 rows cannot span 3 dimensions" in empty.reason
    assert subframe_upper(Dense(np.eye(3)), np.zeros(3, dtype=bool)).value <= 1e-290


def test_what_is_too_large_says_so():
    n = DENSE_SIZE + 1
    wide = Dense(np.ones((1, n)))
    bound = subframe_lower(wide)
    assert bound.value == 0.0
    assert f"too large to prove ({n} unknowns)" in bound.reason
    assert subframe_upper(wide).route == "frobenius"
    assert subframe_upper(wide).value == pytest.approx(n, rel=1e-9)
    factor = np.linspace(1.0, 2.0, 2 * n)
    union = Stack((Premultiplied(Identity(2 * n), factor), Fourier(2 * n, real_signal=True)))
    keep = np.ones(union.coef_shape, dtype=bool)
    keep[0] = False
    parts = subframe_lower(union, keep)
    assert parts.route == "parts"
    assert parts.value == pytest.approx(1.0, rel=1e-9)
    assert subframe_upper(union, keep).value == pytest.approx(5.0, rel=1e-9)


def test_a_sum_of_parts_is_proved_again_by_a_verifier():
    union = Stack((Identity(5), Identity(5)), weights=(1.0, 2.0))
    bound = subframe_lower(union, route="parts")
    assert bound.value == pytest.approx(5.0, rel=1e-9)
    assert subframe_lower(union, at=bound.value, route="parts").value >= bound.value
    assert subframe_lower(union).route == "diagonal"
    assert subframe_lower(union).value == pytest.approx(5.0, rel=1e-9)


def test_an_identity_is_exact():
    keep = np.array([True, False, True])
    assert subframe_lower(Identity(3)).value == 1.0
    assert subframe_lower(Identity(3), keep).value == 0.0
    assert subframe_upper(Identity(3)).value == pytest.approx(1.0, rel=1e-15)
    assert Masked(Identity(3), keep).bounds().lower == 0.0
    np.testing.assert_array_equal(frame_diagonal(Masked(Identity(3), keep)).entries, keep)
    assert frame_diagonal(Dense(np.eye(2))) is None


def test_nested_masks_are_unwrapped():
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((20, 4))
    once = Masked(Dense(rows), rng.random(20) < 0.8)
    twice = Masked(once, rng.random(once.coef_size) < 0.8)
    keep = rng.random(twice.coef_size) < 0.8
    kept = rows[once.keep][twice.keep][keep]
    exact = np.linalg.svd(kept, compute_uv=False) ** 2
    assert subframe_lower(twice, keep).value == pytest.approx(exact[-1], rel=1e-9)
    assert subframe_upper(twice, keep).value == pytest.approx(exact[0], rel=1e-9)


def test_complex_rows_on_real_signals_are_split():
    rng = np.random.default_rng(2)
    rows = rng.standard_normal((3, 5)) + 1j * rng.standard_normal((3, 5))
    frame = Dense(rows, real_signal=True)
    stacked, error = real_matrix(frame, np.ones(3, dtype=bool))
    assert stacked.shape == (6, 5)
    assert error == 0.0
    exact = np.linalg.svd(np.concatenate([rows.real, rows.imag]), compute_uv=False) ** 2
    assert subframe_lower(frame).value == pytest.approx(exact[-1], rel=1e-9)
    assert subframe_lower(Dense(rows)).value == 0.0  # three rows do not span C^5


def test_refuses():
    with pytest.raises(ParameterError, match=r"keep must have shape \(3,\), got \(2,\)"):
        subframe_lower(Identity(3), np.ones(2, dtype=bool))
    with pytest.raises(ParameterError, match="keep must have shape"):
        subframe_upper(Identity(3), np.ones(2, dtype=bool))
    with pytest.raises(ParameterError, match=r"route must be one of .*'banded'.*, got 'magic'"):
        subframe_lower(Identity(3), route="magic")
    missing = subframe_lower(Identity(3), route="banded")
    assert missing.reason == "route banded does not apply to this frame and mask"
    assert missing.rigor == PROVED
