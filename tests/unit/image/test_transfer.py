"""The sRGB curve, exact and invertible, and the doubts about it."""

import numpy as np
import pytest
from skimage import color

import recover as rv
from recover.image.transfer import (
    Transfer,
    TransferWarning,
    doubt,
    full_scale,
    transfer_named,
    warn_if_odd,
)


def test_the_curve_is_that_of_the_standard():
    codes = np.arange(256) / 255
    light = Transfer.SRGB.decode(np.arange(256.0), 255.0)
    published = color.rgb2xyz(np.stack([codes] * 3, axis=-1)[None])[0, :, 1]
    np.testing.assert_allclose(light, published, atol=1e-12)
    # both pieces meet at the knee but for the standard's own rounding
    edge = Transfer.SRGB.decode(np.array([0.04045, np.nextafter(0.04045, 1)]))
    assert edge[1] - edge[0] < 3e-8


@pytest.mark.parametrize("transfer", list(Transfer))
@pytest.mark.parametrize(("dtype", "eps"), [(np.float32, 2e-6), (np.float64, 4e-15)])
def test_decoding_and_encoding_are_inverse(transfer, dtype, eps):
    values = np.linspace(-300, 900, 4001).astype(dtype)
    light = transfer.decode(values, 255.0)
    assert light.dtype == dtype
    back = transfer.encode(light, 255.0)
    assert back.dtype == dtype
    np.testing.assert_allclose(back, values, rtol=eps, atol=255 * eps)
    assert np.all(np.diff(light) > 0)


def test_doubts():
    eight = np.full((3, 4, 4), 200, np.uint8)
    assert "sRGB" in doubt(eight, Transfer.LINEAR)
    assert doubt(eight, Transfer.SRGB) is None
    assert doubt(eight[:1], Transfer.LINEAR) is None
    assert doubt(eight.astype(np.uint16), Transfer.LINEAR) is None
    hdr = np.full((3, 4, 4), 2.5, np.float32)
    assert "2.5" in doubt(hdr, Transfer.SRGB)
    assert doubt(hdr, Transfer.LINEAR) is None
    with pytest.warns(TransferWarning, match="sRGB"):
        assert len(warn_if_odd(eight, Transfer.LINEAR)) == 1
    assert warn_if_odd(eight, Transfer.SRGB) == ()


def test_names_and_scales():
    assert transfer_named("srgb") is Transfer.SRGB
    with pytest.raises(rv.ParameterError, match="gamma"):
        transfer_named("gamma")
    assert full_scale(np.dtype(np.uint16)) == 65535.0
    assert full_scale(np.dtype(np.float32)) == 1.0
