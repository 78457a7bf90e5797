"""Images in and out: exact samples in every container, what is kept, what is refused."""

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from recover.core.errors import MissingExtraError
from recover.io.errors import FileError
from recover.io.image_exr import read_exr, write_exr
from recover.io.image_file import Container, ImageFile
from recover.io.image_png import decode_png, unfilter
from recover.io.image_read import looks_like_image, read_image
from recover.io.image_write import choose_image_format, lost_metadata, write_image


def samples(dtype, shape, seed=0):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return (20.0 * rng.random(shape)).astype(dtype)
    return rng.integers(0, np.iinfo(dtype).max, shape, endpoint=True).astype(dtype)


def through(tmp_path, ending, pixels, **fields):
    """Write pixels and read them again."""
    colour = fields.pop("colour", pixels.ndim == 3)
    container = fields.pop("container", Container.TIFF)
    source = ImageFile(pixels, colour, container, **fields)
    path = tmp_path / f"x{ending}"
    form = write_image(path, pixels, source=source, recovered=np.zeros(pixels.shape, bool))
    return form, read_image(path)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
@pytest.mark.parametrize(
    ("ending", "dtypes"),
    [
        (".png", ["uint8", "uint16"]),
        (".tif", ["uint8", "uint16", "int16", "uint32", "float32", "float64"]),
        (".exr", ["float32"]),
        (".npy", ["uint8", "uint16", "float32", "float64"]),
    ],
)
def test_samples_come_back_bit_for_bit(tmp_path, ending, dtypes, shape):
    for dtype in dtypes:
        pixels = samples(dtype, shape)
        (tmp_path / dtype).mkdir()
        form, again = through(tmp_path / dtype, ending, pixels)
        assert form.gain == 1.0
        assert again.pixels.dtype == pixels.dtype
        assert again.colour == (len(shape) == 3)
        np.testing.assert_array_equal(again.pixels, pixels)


@pytest.mark.parametrize(
    ("ending", "dtype"),
    [(".png", "uint8"), (".png", "uint16"), (".tif", "uint16"), (".exr", "float32")],
)
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_alpha_is_kept_apart_and_comes_back(tmp_path, ending, dtype, shape):
    alpha = samples(dtype, (5, 7), 1)
    _, again = through(tmp_path, ending, samples(dtype, shape), alpha=alpha)
    np.testing.assert_array_equal(again.alpha, alpha)
    assert again.pixels.shape == shape


def test_stacks_of_pages_come_back(tmp_path):
    for shape, colour in (((4, 6, 8), False), ((4, 6, 8, 3), True)):
        pixels = samples("uint16", shape)
        (tmp_path / str(colour)).mkdir()
        _, again = through(tmp_path / str(colour), ".tif", pixels, stack=True, colour=colour)
        assert again.stack
        np.testing.assert_array_equal(again.pixels, pixels)
        with pytest.raises(FileError, match="one picture"):
            through(tmp_path, ".png", pixels, stack=True, colour=colour)
    assert not (tmp_path / "x.png").exists()


def brute_unfilter(coded, kinds):
    out = coded.astype(int)
    for r, c, p in np.ndindex(coded.shape):
        left = out[r, c - 1, p] if c else 0
        above = out[r - 1, c, p] if r else 0
        corner = out[r - 1, c - 1, p] if r and c else 0
        guess = left + above - corner
        nearest = min((left, above, corner), key=lambda v: abs(guess - v))
        add = [0, left, above, (left + above) // 2, nearest][kinds[r]]
        out[r, c, p] = (out[r, c, p] + add) % 256
    return out


def test_row_filters_are_those_of_the_standard():
    rng = np.random.default_rng(0)
    for _ in range(25):
        h, w, step = rng.integers(1, 9, 3)
        coded = rng.integers(0, 256, (h, w, step), dtype=np.uint8)
        kinds = rng.integers(0, 5, h).astype(np.uint8)
        np.testing.assert_array_equal(unfilter(coded, kinds), brute_unfilter(coded, kinds))
    with pytest.raises(FileError, match="filter 7"):
        unfilter(coded, np.full(h, 7, np.uint8))


def test_pillow_and_the_own_reader_agree_on_eight_bits():
    smooth = np.add.outer(np.arange(40), np.arange(60))[..., None] + np.arange(3)
    for array in (smooth.astype(np.uint8), samples("uint8", (9, 11, 4))):
        buffer = io.BytesIO()
        Image.fromarray(array).save(buffer, "PNG")
        np.testing.assert_array_equal(decode_png(buffer.getvalue(), "x"), array)


def test_profile_exif_and_resolution_are_kept(tmp_path):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x829A] = 0.01  # exposure time
    icc = b"a profile" * 20
    Image.fromarray(samples("uint8", (8, 8, 3))).save(
        tmp_path / "0.jpg", icc_profile=icc, dpi=(300, 200), exif=exif
    )
    path = tmp_path / "0.jpg"
    for step, ending in enumerate(("tif", "png", "png", "tif", "tif")):
        source, path = read_image(path), tmp_path / f"{step + 1}.{ending}"
        write_image(path, source.pixels, source=source, recovered=source.pixels > 300)
        with Image.open(path) as image:
            assert image.info["icc_profile"] == icc
            assert tuple(map(float, image.info["dpi"])) == pytest.approx((300, 200), 1e-4)
            found = image.getexif().get_ifd(0x8769)
            assert float(found[0x829A]) == pytest.approx(0.01)
    assert lost_metadata(source, Container.TIFF) is None
    assert "colour profile and EXIF data and resolution" in lost_metadata(source, Container.EXR)


def test_values_beyond_the_type_are_never_clipped(tmp_path):
    bright = np.array([[1.0, 255.0], [300.25, 900.5]], np.float32)
    eight = ImageFile(np.zeros((2, 2), np.uint8), False, Container.PNG)
    form = choose_image_format(bright, Container.PNG, eight)
    assert (form.dtype, form.gain) == ("uint16", 64.0)
    write_image(tmp_path / "a.png", bright, source=eight, recovered=bright > 255)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, bright * 64)
    with Image.open(tmp_path / "a.png") as image:
        assert "times 64" in image.info["Comment"]
    form = write_image(tmp_path / "a.tif", bright, source=eight, recovered=bright > 255)
    assert (form.dtype, form.full_scale) == ("float32", 255.0)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, bright)
    sixteen = ImageFile(np.zeros((2, 2), np.uint16), False, Container.PNG)
    with pytest.raises(FileError, match="70000"):
        choose_image_format(bright + 69099.5, Container.PNG, sixteen)
    with pytest.raises(FileError, match=r"PNG cannot hold float32"):
        choose_image_format(bright, Container.PNG, ImageFile(bright, False, Container.EXR))
    with pytest.raises(FileError, match="cannot hold these samples exactly"):
        choose_image_format(np.full((2, 2), 0.1), Container.EXR)


def test_exr_of_other_programs(tmp_path):
    openexr = pytest.importorskip("OpenEXR")
    pixels, alpha = samples("float32", (37, 21, 3)), samples("float32", (37, 21), 2)
    path = tmp_path / "b.exr"
    for name in ("NO", "ZIP", "ZIPS", "PIZ", "RLE"):
        for dtype in (np.float32, np.float16):
            both = np.concatenate([pixels, alpha[..., None]], axis=-1).astype(dtype)
            head = {"compression": getattr(openexr, f"{name}_COMPRESSION"),
                    "type": openexr.scanlineimage}  # fmt: skip
            openexr.File(head, {"RGBA": both}).write(str(path))
            found = read_image(path)
            np.testing.assert_array_equal(found.pixels, both[..., :3])
            np.testing.assert_array_equal(found.alpha, both[..., 3])
            assert found.left_out == ()
    layers = {"Y": pixels[..., 0].copy(), "depth.Z": pixels[..., 1].copy()}
    openexr.File(head, layers).write(str(path))
    assert read_image(path).left_out == ("channel(s) depth.Z",)
    with path.open("wb") as file:
        write_exr(file, pixels, None, "hello")
    np.testing.assert_array_equal(openexr.File(str(path)).channels()["RGB"].pixels, pixels)


def test_damaged_exr():
    buffer = io.BytesIO()
    write_exr(buffer, samples("float32", (6, 5, 3)), None, "")
    whole = buffer.getvalue()
    for cut in (5, 60, 200, 400, len(whole) - 3):
        with pytest.raises(FileError, match=r"damaged|channels"):
            read_exr(whole[:cut], "x", None)
    with pytest.raises(FileError, match="channels"):
        read_exr(whole.replace(b"R\0\2", b"Q\0\2", 1), "x", None)


def bad_files(folder):
    def image(name, mode, **options):
        path = folder / name
        Image.new(mode, (8, 8)).save(path, **options)
        return path

    whole = image("whole.png", "RGB").read_bytes()
    (folder / "cut.png").write_bytes(whole[:50])
    (folder / "text.tif").write_text("no image at all")
    (folder / "empty.png").write_bytes(b"")
    (folder / "cut.tif").write_bytes(image("whole.tif", "RGB").read_bytes()[:40])
    (folder / "cut.exr").write_bytes(struct.pack("<ii", 20000630, 2))
    np.save(folder / "words.npy", np.array(["a"]))
    np.save(folder / "line.npy", np.ones(5))
    np.save(folder / "nan.npy", np.array([[1.0, np.nan]]))
    tifffile.imwrite(folder / "cmyk.tif", np.zeros((8, 8, 4), np.uint8),
                     photometric="separated")  # fmt: skip
    return [
        (folder / "none.png", "does not exist"),
        (folder, "directory"),
        (folder / "cut.png", "truncated"),
        (folder / "text.tif", "not an image"),
        (folder / "empty.png", "empty"),
        (folder / "cut.tif", "damaged"),
        (folder / "cut.exr", "damaged"),
        (folder / "words.npy", "integers or floats"),
        (folder / "line.npy", "no image"),
        (folder / "nan.npy", "NaN"),
        (folder / "cmyk.tif", "separated"),
        (image("cmyk.jpg", "CMYK"), "CMYK"),
        (image("one.png", "1"), "bit"),
    ]


def test_what_is_no_image_gets_one_clear_line(tmp_path):
    for path, words in bad_files(tmp_path):
        with pytest.raises(FileError, match=words) as caught:
            read_image(path)
        assert "\n" not in str(caught.value), path


def test_palettes_are_told_apart(tmp_path):
    Image.new("P", (8, 8)).save(tmp_path / "p.png")
    assert read_image(tmp_path / "p.png").palette


def test_images_are_told_from_recordings(tmp_path):
    Image.new("L", (3, 3)).save(tmp_path / "a.png")
    (tmp_path / "b.wav").write_bytes(b"RIFF1234WAVE")
    assert looks_like_image(tmp_path / "a.png")
    assert looks_like_image("no/such/file.tif")
    assert not looks_like_image(tmp_path / "b.wav")


def test_outputs_that_lose_are_refused(tmp_path):
    grey = ImageFile(np.zeros((2, 2), np.uint8), False, Container.JPEG)
    with pytest.raises(FileError, match="lossy"):
        write_image(tmp_path / "a.jpg", grey.pixels, source=grey, recovered=grey.pixels > 0)
    with pytest.raises(FileError, match="raw files"):
        choose_image_format(grey.pixels, Container.DNG, grey)


def test_missing_packages_name_the_command(tmp_path, monkeypatch):
    import importlib

    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    (tmp_path / "a.fits").write_bytes(b"SIMPLE  =                    T")
    (tmp_path / "a.dng").write_bytes(b"II*\0")
    for name, extra in (("a.fits", "fits"), ("a.dng", "raw")):
        with pytest.raises(MissingExtraError, match=rf"pip install 'recover\[{extra}\]'"):
            read_image(tmp_path / name)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_compressed_tiff(tmp_path, compression):
    for dtype, shape in (("uint8", (9, 7, 3)), ("uint8", (9, 7)), ("uint16", (9, 7))):
        pixels, path = samples(dtype, shape), tmp_path / "a.tif"
        Image.fromarray(pixels).save(path, compression=compression)
        np.testing.assert_array_equal(read_image(path).pixels, pixels)


def test_colour_models_and_axes_of_tiff(tmp_path):
    tifffile.imwrite(tmp_path / "w.tif", samples("uint8", (9, 7)), photometric="miniswhite")
    with pytest.raises(FileError, match="miniswhite"):
        read_image(tmp_path / "w.tif")
    pixels = samples("uint16", (2, 3, 16, 16))
    tifffile.imwrite(tmp_path / "a.ome.tif", pixels, metadata={"axes": "ZCYX"})
    found = read_image(tmp_path / "a.ome.tif")
    assert (found.stack, found.colour) == (True, True)
    np.testing.assert_array_equal(np.moveaxis(found.pixels, -1, 1), pixels)


def test_camera_and_orientation_of_a_photograph_are_kept_in_a_tiff(tmp_path):
    exif = Image.Exif()
    exif[271], exif[272], exif[274] = "Maker", "Model X", 6
    exif.get_ifd(34665)[33434] = 0.01
    pixels = np.random.default_rng(0).integers(0, 255, (16, 24, 3)).astype(np.uint8)
    photo = tmp_path / "a.jpg"
    Image.fromarray(pixels).save(photo, exif=exif)
    source = read_image(photo)
    for name in ("b.tif", "c.tif"):  # from the photograph, and from what was made of it
        nothing = np.zeros(source.pixels.shape, bool)
        write_image(
            tmp_path / name, source.pixels.astype(np.float32), source=source, recovered=nothing
        )
        with tifffile.TiffFile(tmp_path / name) as file:
            tags = file.pages[0].tags
            assert [tags[code].value for code in (271, 272, 274)] == ["Maker", "Model X", 6]
            assert tags[34665].value["ExposureTime"] == pytest.approx(0.01)
        source = read_image(tmp_path / name)
