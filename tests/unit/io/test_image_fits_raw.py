"""FITS and raw files: levels, masks and mosaics in; masks and DNG out."""

import numpy as np
import pytest

from recover.io.errors import FileError
from recover.io.image_file import Container, ImageFile, RawMosaic
from recover.io.image_read import read_image
from recover.io.image_write import write_image

fits = pytest.importorskip("astropy.io.fits")

SRGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415],
                 [0.0557, -0.2040, 1.0570]])  # fmt: skip


def field(tmp_path, *, telescope="JWST", saturate=800.0, dq=True):
    rng = np.random.default_rng(0)
    pixels = np.minimum(rng.integers(0, 900, (30, 40)), 800).astype(np.uint16)
    first = fits.PrimaryHDU()
    first.header["TELESCOP"] = telescope
    image = fits.ImageHDU(pixels, name="SCI")
    image.header["FILTER"] = "R"
    if saturate is not None:
        image.header["SATURATE"] = saturate
    parts = [first, image]
    if dq:
        flags = (pixels >= 800) * 2 + (pixels < 10) * 4
        parts.append(fits.ImageHDU(flags.astype(np.int32), name="DQ"))
    path = tmp_path / "a.fits"
    fits.HDUList(parts).writeto(path, overwrite=True)
    return path, pixels


def test_the_level_and_the_mask_of_a_fits_file(tmp_path):
    path, pixels = field(tmp_path)
    found = read_image(path)
    assert found.pixels.dtype == np.uint16
    np.testing.assert_array_equal(found.pixels, pixels)
    assert found.saturation == 800.0
    np.testing.assert_array_equal(found.mask, pixels >= 800)
    np.testing.assert_array_equal(read_image(path, dq_bits=4).mask, pixels < 10)
    path, _ = field(tmp_path, telescope="unknown", saturate=None)
    found = read_image(path)
    assert found.mask is None
    assert found.saturation is None
    path, _ = field(tmp_path, dq=False)
    with pytest.raises(FileError, match="--dq-bits"):
        read_image(path, dq_bits=2)


def test_fits_out_keeps_everything_else_and_marks_what_changed(tmp_path):
    path, pixels = field(tmp_path)
    source = read_image(path)
    changed = pixels.astype(np.float32)
    changed[source.mask] += 100.25
    out = tmp_path / "b.fits"
    write_image(out, changed, source=source, recovered=source.mask)
    with fits.open(out) as parts:
        assert [part.name for part in parts] == ["PRIMARY", "SCI", "DQ", "RECOVERED"]
        np.testing.assert_array_equal(parts["SCI"].data, changed)
        assert parts["SCI"].header["FILTER"] == "R"
        np.testing.assert_array_equal(parts["RECOVERED"].data == 1, source.mask)
    np.testing.assert_array_equal(read_image(out).pixels, changed)
    plain = tmp_path / "c.fits"
    write_image(plain, changed, recovered=source.mask,
                source=ImageFile(changed, False, Container.NPY))  # fmt: skip
    np.testing.assert_array_equal(read_image(plain).pixels, changed)


def test_axes_of_one_sample_stay_in_a_fits_file(tmp_path):
    pixels = np.linspace(0.0, 1.0, 48, dtype=np.float32).reshape(1, 1, 6, 8)
    first = fits.PrimaryHDU(pixels)
    first.header["CTYPE4"] = "STOKES"
    first.writeto(tmp_path / "a.fits")
    source = read_image(tmp_path / "a.fits")
    out = tmp_path / "b.fits"
    marks = source.pixels > 0.5
    write_image(out, source.pixels + marks, source=source, recovered=marks)
    with fits.open(out) as parts:
        assert parts[0].data.shape == parts["RECOVERED"].data.shape == pixels.shape
        np.testing.assert_array_equal(parts[0].data[0], source.pixels + marks)


def test_damaged_fits(tmp_path):
    path, _ = field(tmp_path)
    whole = path.read_bytes()
    (tmp_path / "cut.fits").write_bytes(whole[:4000])
    (tmp_path / "none.fits").write_bytes(whole[:2880])
    for name in ("cut.fits", "none.fits"):
        with pytest.raises(FileError, match=name):
            read_image(tmp_path / name)


def mosaic_file(**changes):
    facts = {
        "pattern": ("RG", "GB"),
        "levels": (14512.0,) * 3,
        "black": (512.0,) * 3,
        "white_balance": (2.0, 1.0, 1.6),
        "matrix": SRGB,
        "camera": "test",
        **changes,
    }
    rng = np.random.default_rng(1)
    pixels = rng.integers(512, 14512, (64, 96)).astype(np.uint16)
    return ImageFile(pixels, False, Container.DNG, raw=RawMosaic(**facts))


@pytest.mark.parametrize("pattern", [("RG", "GB"), ("BG", "GR"), ("GR", "BG"), ("GB", "RG")])
def test_a_dng_file_says_what_its_mosaic_is(tmp_path, pattern):
    pytest.importorskip("rawpy")
    source = mosaic_file(pattern=pattern)
    path = tmp_path / "a.dng"
    write_image(path, source.pixels, source=source, recovered=source.pixels > 1e9)
    found = read_image(path)
    np.testing.assert_array_equal(found.pixels, source.pixels)
    assert found.raw.pattern == pattern
    assert found.raw.levels == (14512.0,) * 3
    assert found.raw.black == (512.0,) * 3
    assert found.raw.white_balance == pytest.approx((2.0, 1.0, 1.6), 1e-6)
    np.testing.assert_allclose(found.raw.matrix, SRGB, atol=2e-3)


def test_the_white_level_grows_with_what_was_recovered(tmp_path):
    rawpy = pytest.importorskip("rawpy")
    import tifffile

    source = mosaic_file()
    brighter = source.pixels.astype(np.float32)
    brighter[:8, :8] = 40000.0
    path = tmp_path / "a.dng"
    form = write_image(path, brighter, source=source, recovered=brighter > 14512)
    assert form.dtype == "uint16"
    assert read_image(path).raw.levels == (40800.0,) * 3
    with tifffile.TiffFile(path) as file:
        top, bottom = file.pages.first.tags["BaselineExposure"].value
        assert top / bottom == pytest.approx(np.log2((40800 - 512) / (14512 - 512)), abs=1e-3)
    with rawpy.imread(str(path)) as raw:
        assert raw.postprocess(half_size=True).shape == (32, 48, 3)
    brighter[0, 0] = 70000.0
    with pytest.raises(FileError, match="70000"):
        write_image(tmp_path / "b.dng", brighter, source=source, recovered=brighter > 14512)


def test_what_is_no_raw_file(tmp_path):
    pytest.importorskip("rawpy")
    (tmp_path / "a.nef").write_bytes(b"no raw file" * 100)
    with pytest.raises(FileError, match=r"a\.nef"):
        read_image(tmp_path / "a.nef")
