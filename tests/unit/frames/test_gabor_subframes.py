"""Sub-frames of the Gabor frame: diagonal, bands, absolute Gram matrix, removal."""

import numpy as np
import pytest

from recover.frames import Boundary, Gabor, Identity, Masked, Stack
from recover.frames.bounds import real_matrix, subframe_lower, subframe_upper

BOUNDARIES = list(Boundary)


def frame_operator(frame, keep):
    rows = real_matrix(frame, keep)[0]
    return rows.conj().T @ rows


@pytest.mark.usefixtures("always_bands")
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("real_signal", [True, False])
@pytest.mark.parametrize("hop", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("channels", [6, 9])
def test_bands_are_the_frame_operator(from_bands, boundary, real_signal, hop, channels):
    rng = np.random.default_rng(hop)
    wrapped = 0
    for length in (5, 16, 17, 24, 31):
        frame = Gabor(
            length,
            rng.standard_normal(6),
            hop,
            channels,
            boundary=boundary,
            real_signal=real_signal,
        )
        keep = rng.random(frame.coef_shape) < 0.7
        found = frame.subframe_bands(keep)
        if found is None:  # the circle is too short to tell the two ways apart
            assert boundary is Boundary.CIRCULAR
            assert frame.frames * hop < 11
            continue
        exact = frame_operator(frame, keep)
        gap = np.linalg.norm(from_bands(found) - exact, 2)
        assert gap <= found.slack + 1e-14
        assert found.slack <= 1e-11
        wrapped += found.folded
    assert wrapped >= 1 or boundary is Boundary.ZERO_PADDED


@pytest.mark.usefixtures("always_bands")
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_the_slack_of_the_bands_covers_their_rounding(from_bands, boundary):
    """Against the definition in extended precision, nothing granted."""
    rng = np.random.default_rng(8)
    for channels in (6, 7, 13):
        frame = Gabor(40, rng.standard_normal(6), 2, channels, boundary=boundary)
        keep = rng.random(frame.coef_shape) < 0.7
        pi = 4 * np.arctan(np.longdouble(1))
        exact = np.zeros((40, 40), dtype=np.longdouble)
        window = frame.window.astype(np.longdouble)
        for n, start in enumerate(frame.starts):
            for k in np.flatnonzero(keep[n]):
                angle = 2 * pi * ((k * np.arange(6)) % channels) / np.longdouble(channels)
                weight = (1 if k == 0 or 2 * k == channels else 2) / np.longdouble(channels)
                place = start + np.arange(6)
                place = place % 40 if boundary is Boundary.CIRCULAR else place
                inside = (place >= 0) & (place < 40)
                for part in (window * np.cos(angle), window * np.sin(angle)):
                    row = np.zeros(40, dtype=np.longdouble)
                    row[place[inside]] = part[inside]
                    exact += weight * np.outer(row, row)
        found = frame.subframe_bands(keep)
        gap = np.linalg.norm((from_bands(found) - exact).astype(float), 2)
        assert 0.0 < gap <= found.slack


def test_a_circle_is_folded_only_where_a_window_meets_both_ends():
    for length, wraps in ((15, True), (16, True), (17, True), (20, True), (11, True)):
        frame = Gabor(length, np.ones(6), 5)  # the period is 15 or 20
        assert frame.grid.wraps is wraps
    assert not Gabor(16, np.ones(5), 5).grid.wraps  # four zeros are as far as it reaches
    assert Gabor(17, np.ones(5), 5).grid.wraps
    assert not Gabor(15, np.ones(5), 5, boundary=Boundary.ZERO_PADDED).grid.wraps


def test_bands_are_not_tried_where_a_dense_proof_is_cheaper_or_none_is_affordable():
    short, long = Gabor.hann(40, 16, 4), Gabor.hann(2**21, 64, 16)
    for frame in (short, long):
        assert frame.subframe_bands(np.ones(frame.coef_shape, dtype=bool)) is None


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("real_signal", [True, False])
@pytest.mark.parametrize("channels", [6, 7, 9])
@pytest.mark.parametrize("hop", [1, 3, 4, 6])
def test_the_absolute_gram_matrix_majorises(boundary, real_signal, channels, hop):
    rng = np.random.default_rng(channels)
    frame = Gabor(
        29, rng.standard_normal(6), hop, channels, boundary=boundary, real_signal=real_signal
    )
    size, shape = frame.coef_size, frame.coef_shape
    units = np.eye(size).reshape(size, *shape)
    k = np.array([frame.absolute_gram(unit).reshape(-1) for unit in units])
    error = frame.absolute_gram_error(units[0])
    assert error <= 1e-12
    np.testing.assert_allclose(k, k.T, atol=2 * error)
    # the norm of the map from one coefficient to another, for atoms that are not cut off
    inside = np.repeat((frame.starts >= 0) & (frame.starts + 6 <= 29), shape[1])
    rows = frame.matrix()
    if real_signal:
        parts = np.stack([rows.real, rows.imag], axis=1)
        blocks = np.einsum("iat,jbt->ijab", parts, parts)
        norms = np.linalg.norm(blocks, 2, axis=(2, 3))
    else:
        norms = np.abs(rows @ rows.conj().T)
    pairs = np.ix_(inside, inside)
    assert (k[pairs] + error >= norms[pairs] - 1e-14).all()
    # and for any set of atoms, cut off or not, the norm of the frame operator
    for share in (0.05, 0.3, 1.0):
        chosen = rng.random(shape) < share
        flat = chosen.reshape(-1)
        norm = np.linalg.norm(frame_operator(frame, chosen), 2)
        assert norm <= np.linalg.norm(k[np.ix_(flat, flat)], 2) + 1e-12
    p = rng.random(shape)
    gap = np.abs(frame.absolute_gram(p).reshape(-1) - k @ p.reshape(-1)).max()
    assert gap <= frame.absolute_gram_error(p) + np.abs(p).sum() * error


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_the_majorant_is_exact_for_the_positive_kernel_of_one_bin(boundary):
    # one atom: its norm is |w| / sqrt(M), with sqrt(2) for a bin that stands for a pair
    frame = Gabor(40, np.ones(8), 2, boundary=boundary)
    for k, factor in ((0, 1.0), (3, 2.0), (4, 1.0)):
        unit = np.zeros(frame.coef_shape)
        unit[6, k] = 1.0
        mutual = 0.0 if factor == 1.0 else abs(np.exp(4j * np.pi * k * np.arange(8) / 8).mean())
        expected = 1.0 + (mutual if factor == 2.0 else 0.0)
        assert frame.absolute_gram(unit)[6, k] == pytest.approx(expected, rel=1e-12)


def test_removal_of_whole_frames_is_diagonal():
    frame = Gabor.hann(200, 16, 4, boundary=Boundary.ZERO_PADDED, tight=True)
    keep = np.ones(frame.coef_shape, dtype=bool)
    keep[[5, 11, 12]] = False
    bound = subframe_lower(frame, keep)
    assert bound.route == "diagonal"
    exact = np.linalg.eigvalsh(frame_operator(frame, keep))
    assert bound.value == pytest.approx(exact[0], rel=1e-9)
    assert bound.value <= exact[0]
    assert subframe_upper(frame, keep).value == pytest.approx(exact[-1], rel=1e-12)
    keep[5, 0] = True
    assert frame.subframe_diagonal(keep) is None


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_long_subframe_is_proved_by_bands_and_by_removal(boundary):
    rng = np.random.default_rng(5)
    frame = Gabor.hann(800, 32, 8, boundary=boundary, tight=True)
    keep = rng.random(frame.coef_shape) >= 0.02
    exact = np.linalg.eigvalsh(frame_operator(frame, keep))[0]
    banded = subframe_lower(frame, keep)
    assert banded.route == "banded"
    assert exact * (1 - 3e-4) <= banded.value <= exact
    removal = subframe_lower(frame, keep, route="removal")
    assert 0.4 * exact <= removal.value <= exact
    dense = subframe_lower(frame, keep, route="cholesky")
    assert exact * (1 - 1e-9) <= dense.value <= exact
    masked = subframe_lower(Masked(frame, keep))
    assert masked.value == banded.value
    assert Masked(frame, keep).bounds().lower == pytest.approx(banded.value, rel=1e-9)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_bands_of_a_stack_add_up(from_bands, boundary):
    rng = np.random.default_rng(6)
    gabor = Gabor.hann(300, 16, 4, boundary=boundary, tight=True)
    other = Gabor.hann(300, 8, 4, boundary=Boundary.ZERO_PADDED, tight=True)
    stack = Stack((gabor, Identity(300), other), weights=(0.5, 1.5, 0.7))
    keep = rng.random(stack.coef_shape) < 0.3
    found = stack.subframe_bands(keep)
    exact = frame_operator(stack, keep)
    assert found.folded is (boundary is Boundary.CIRCULAR)
    gap = np.linalg.norm(from_bands(found) - exact, 2)
    assert gap <= found.slack + 1e-14
    assert found.slack <= 1e-11
    least = np.linalg.eigvalsh(exact)[0]
    bound = subframe_lower(stack, keep)
    assert bound.route == "banded"
    assert least * (1 - 3e-4) <= bound.value <= least


def test_where_no_bound_is_positive_the_reason_says_so():
    frame = Gabor.hann(400, 16, 4, tight=True)
    keep = np.zeros(frame.coef_shape, dtype=bool)
    keep[0] = True
    bound = subframe_lower(frame, keep)
    assert bound.value == 0.0
    assert bound.route == "none"
    assert "diagonal: an eigenvalue is 0" in bound.reason
    assert "removal: too many vectors were removed" in bound.reason
