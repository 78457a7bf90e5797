"""Laws that every frame found in the package obeys; a new frame is picked up by its file."""

import dataclasses

import numpy as np
import pytest

import recover.frames
from recover.core.arrays import digest
from recover.core.discovery import concrete_classes
from recover.core.errors import NotAFrameError, ParameterError
from recover.core.rigor import PROVED
from recover.frames import Frame, canonical_dual, estimate_bounds
from recover.frames.bounds import PARTS, real_matrix, subframe_lower, subframe_upper
from recover.frames.routes import ROUTES

FRAMES = concrete_classes(recover.frames, Frame)
SEEDS = range(12)
U = 2.0**-53
each_frame = pytest.mark.parametrize("cls", FRAMES.values(), ids=FRAMES.keys())
each_seed = pytest.mark.parametrize("seed", SEEDS)


def numbers(rng, shape, real):
    x = rng.standard_normal(shape)
    return x if real else x + 1j * rng.standard_normal(shape)


def signals(frame, rng, *batch):
    return numbers(rng, (*batch, *frame.signal_shape), frame.real_signal)


def coefs(frame, rng, *batch):
    return numbers(rng, (*batch, *frame.coef_shape), frame.real_coefs)


def inner(frame, a, b):
    product = np.vdot(b, a)
    return product.real if frame.real_signal else product


def rows_of(frame, keep=None):
    keep = np.ones(frame.coef_shape, dtype=bool) if keep is None else keep
    return real_matrix(frame, keep)[0]


def spectrum(rows):
    """Eigenvalues of the frame operator from singular values: small ones are accurate too."""
    values = np.square(np.linalg.svd(rows, compute_uv=False))
    missing = max(rows.shape[1] - rows.shape[0], 0)
    return np.concatenate([values, np.zeros(missing)])


def test_the_frames_are_found():
    wanted = {"Convolution", "Dense", "Fourier", "Gabor", "Identity", "Masked", "Premultiplied"}
    assert wanted | {"Stack", "Wavelet"} <= set(FRAMES)


@each_frame
def test_is_frozen_and_final(cls):
    assert dataclasses.is_dataclass(cls)
    assert cls.__dataclass_params__.frozen
    assert cls.__bases__ == (Frame,)
    frame = cls.sample(np.random.default_rng(0))
    for field in dataclasses.fields(frame):
        value = getattr(frame, field.name)
        assert not isinstance(value, np.ndarray) or not value.flags.writeable


@each_frame
@each_seed
def test_synthesis_is_the_adjoint(cls, seed):
    rng = np.random.default_rng(seed)
    frame = cls.sample(rng)
    x, c = signals(frame, rng), coefs(frame, rng)
    gap = abs(inner(frame, frame.analysis(x), c) - inner(frame, x, frame.synthesis(c)))
    norm = np.linalg.norm(rows_of(frame), 2)
    assert gap <= 1e-12 * norm * np.linalg.norm(x) * np.linalg.norm(c)


@each_frame
@each_seed
def test_is_linear_and_takes_batches(cls, seed):
    rng = np.random.default_rng(seed)
    frame = cls.sample(rng)
    x, c = signals(frame, rng, 2, 3), coefs(frame, rng, 2, 3)
    y, z = frame.analysis(x), frame.synthesis(c)
    assert y.shape == (2, 3, *frame.coef_shape)
    assert z.shape == (2, 3, *frame.signal_shape)
    assert np.iscomplexobj(y) is not frame.real_coefs
    assert np.iscomplexobj(z) is not frame.real_signal
    np.testing.assert_allclose(y[1, 2], frame.analysis(x[1, 2]), atol=1e-13)
    np.testing.assert_allclose(z[1, 2], frame.synthesis(c[1, 2]), atol=1e-13)
    scale = np.abs(y).max() + np.abs(z).max()
    mixed = frame.analysis(2.0 * x[0] - 0.3 * x[1])
    np.testing.assert_allclose(mixed, 2.0 * y[0] - 0.3 * y[1], atol=1e-13 * scale)
    mixed = frame.synthesis(2.0 * c[0] - 0.3 * c[1])
    np.testing.assert_allclose(mixed, 2.0 * z[0] - 0.3 * z[1], atol=1e-13 * scale)


@each_frame
@each_seed
def test_keeps_precision_and_never_writes_to_its_input(cls, seed):
    rng = np.random.default_rng(seed)
    frame = cls.sample(rng)
    for exact, apply in (
        (signals(frame, rng, 2), frame.analysis),
        (coefs(frame, rng, 2), frame.synthesis),
    ):
        wide = apply(exact)
        assert wide.dtype in (np.float64, np.complex128)
        single = exact.astype(np.complex64 if np.iscomplexobj(exact) else np.float32)
        kept = single.copy()
        single.setflags(write=False)
        exact.setflags(write=False)
        narrow = apply(single)
        assert narrow.dtype in (np.float32, np.complex64)
        np.testing.assert_array_equal(single, kept)
        np.testing.assert_array_equal(apply(exact), wide)
        np.testing.assert_allclose(narrow, wide, atol=3e-6 * np.abs(wide).max())


@each_frame
@each_seed
def test_matrix_and_linear_operator_are_the_analysis(cls, seed):
    rng = np.random.default_rng(seed)
    frame = cls.sample(rng)
    x, c = signals(frame, rng), coefs(frame, rng)
    y = frame.analysis(x).reshape(-1)
    np.testing.assert_allclose(frame.matrix() @ x.reshape(-1), y, atol=1e-12)
    operator = frame.as_linear_operator()
    assert operator.shape == (frame.coef_size, frame.signal_size)
    np.testing.assert_array_equal(operator @ x.reshape(-1), y)
    np.testing.assert_array_equal(operator.H @ c.reshape(-1), frame.synthesis(c).reshape(-1))


@each_frame
@each_seed
def test_bounds_hold_on_random_and_extremal_vectors(cls, seed):
    rng = np.random.default_rng(seed)
    frame = cls.sample(rng)
    bounds = frame.bounds()
    assert bounds.rigor == PROVED
    lower, upper = bounds
    rows = rows_of(frame)
    values = spectrum(rows)
    assert lower <= values.min() * (1 + 64 * U) + 1e-30
    assert upper >= values.max() * (1 - 64 * U)
    if values.min() > 1e-6 * values.max():
        assert lower >= values.min() * (1 - 1e-3)
    assert upper <= values.max() * (1 + 1e-3)
    right = np.linalg.svd(rows)[2].conj()
    for x in (signals(frame, rng), right[0], right[-1], *signals(frame, rng, 4)):
        size = np.linalg.norm(x) ** 2
        energy = np.linalg.norm(frame.analysis(x.reshape(frame.signal_shape))) ** 2
        assert lower * size <= energy * (1 + 1e-12) + 1e-24 * upper * size
        assert energy <= upper * size * (1 + 1e-12)


@each_frame
@each_seed
def test_the_canonical_dual_reconstructs_with_the_least_norm(cls, seed):
    rng = np.random.default_rng(seed)
    frame = cls.sample(rng)
    lower, upper = frame.bounds()
    try:
        dual = canonical_dual(frame)
    except (ParameterError, NotAFrameError) as refusal:
        assert "closed-form" in str(refusal) or lower == 0.0  # noqa: PT017
        return
    if lower < 1e-6 * upper:
        return
    condition = upper / lower
    x = signals(frame, rng, 3)
    np.testing.assert_allclose(dual.synthesis(frame.analysis(x)), x, atol=1e-13 * condition)
    np.testing.assert_allclose(frame.synthesis(dual.analysis(x)), x, atol=1e-13 * condition)
    # the canonical one is the pseudo-inverse
    inverse = np.linalg.pinv(rows_of(frame)).conj().T
    np.testing.assert_allclose(rows_of(dual), inverse, atol=1e-12 * condition)


@each_frame
@each_seed
def test_roundoff_holds(cls, seed):
    rng = np.random.default_rng(seed)
    frame = cls.sample(rng)
    e = frame.roundoff()
    assert 0.0 <= e <= 1e-12 * np.sqrt(frame.bounds().upper)
    exact = frame.matrix().astype(np.clongdouble)
    for scale in (1.0, 1e-100, 1e100):
        x = scale * signals(frame, rng)
        gap = exact @ x.reshape(-1) - frame.analysis(x).reshape(-1)
        # the matrix's columns have errors of their own
        allowed = e * (np.linalg.norm(x) + np.abs(x).sum())
        assert float(np.linalg.norm((gap / scale).astype(complex))) * scale <= allowed


@each_frame
@each_seed
@pytest.mark.parametrize("share", [1.0, 0.9, 0.6])
def test_every_route_is_sound_on_subframes(cls, seed, share):
    rng = np.random.default_rng(seed)
    frame = cls.sample(rng)
    keep = rng.random(frame.coef_shape) < share
    if seed % 3 == 0:  # whole frames, bands or rows
        along = (-1, *(1,) * (len(frame.coef_shape) - 1))
        keep = np.broadcast_to(
            rng.random(frame.coef_shape[0]).reshape(along) < share, keep.shape
        )
    values = spectrum(rows_of(frame, keep))
    for route in (None, *ROUTES, PARTS):
        bound = subframe_lower(frame, keep, route=route)
        assert bound.rigor == PROVED
        assert bound.value <= values.min() * (1 + 1e-12) + 1e-20
        assert bound.reason or bound.value > 0.0
        if bound.value > 0.0:
            again = subframe_lower(frame, keep, at=bound.value, route=bound.route)
            assert again.value >= bound.value
            assert (route or bound.route) == bound.route
            too_high = values.min() * (1 + 1e-6) + 1e-9
            assert subframe_lower(frame, keep, at=too_high, route=route).value < too_high
    assert subframe_upper(frame, keep).value >= values.max() * (1 - 64 * U)


@each_frame
def test_different_frames_have_different_digests(cls):
    found = {}
    for seed in range(40):
        frame = cls.sample(np.random.default_rng(seed))
        again = cls.sample(np.random.default_rng(seed))
        key = digest(frame.identity_parts())
        assert key == digest(again.identity_parts())
        matrix = frame.matrix()
        if key in found:
            np.testing.assert_array_equal(found[key], matrix)
        else:
            same = [m for m in found.values() if m.shape == matrix.shape]
            assert not any(
                np.array_equal(m, matrix)
                for m in same
                if np.iscomplexobj(m) == np.iscomplexobj(matrix)
            ) or cls.__name__ in {"Fourier", "Identity"}  # shapes and sides are all they have
        found[key] = matrix


@each_frame
def test_refuses_arrays_that_do_not_fit(cls):
    rng = np.random.default_rng(1)
    frame = cls.sample(rng)
    with pytest.raises(ParameterError, match="signal must have shape"):
        frame.analysis(np.zeros((*frame.signal_shape[:-1], frame.signal_shape[-1] + 1)))
    with pytest.raises(ParameterError, match="coefficients must have shape"):
        frame.synthesis(np.zeros((*frame.coef_shape[:-1], frame.coef_shape[-1] + 1)))
    if frame.real_signal:
        with pytest.raises(ParameterError, match="signal must be real"):
            frame.analysis(np.zeros(frame.signal_shape, dtype=complex))
    with pytest.raises(ParameterError, match="keep must have shape"):
        subframe_lower(frame, np.ones(frame.coef_size + 1, dtype=bool))


@each_frame
def test_estimates_are_labelled_and_lie_within_the_proved_bounds(cls):
    rng = np.random.default_rng(2)
    frame = cls.sample(rng)
    estimate = estimate_bounds(frame, rng)
    assert estimate.rigor.kind.value == "estimate"
    values = spectrum(rows_of(frame))
    assert values.min() * (1 - 1e-9) - 1e-9 <= estimate.lower
    assert estimate.upper <= values.max() * (1 + 1e-9) + 1e-9
