"""`recover image` end to end: what it writes, keeps, prints, refuses and returns."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from recover.image import ImageResult
from recover.io import bundled
from recover.io.image_read import read_image

PART = (slice(0, 64), slice(60, 156))


@pytest.fixture(scope="module")
def pieces():
    """A part of the bundled picture, clipped and true, in 16-bit units."""
    clipped = read_image(bundled("image/courtyard_clipped.tif")).pixels[PART]
    truth = read_image(bundled("image/courtyard.exr")).pixels[PART].astype(np.float32) * 65535
    return clipped, truth


@pytest.fixture
def photo(pieces, tmp_path):
    path = tmp_path / "photo.tif"
    tifffile.imwrite(path, pieces[0], photometric="rgb")
    return path


def test_recover_then_verify_then_draw_again(run, photo, pieces, tmp_path):
    out, page, data = tmp_path / "out.tif", tmp_path / "r.html", tmp_path / "r.json"
    saved = tmp_path / "r.npz"
    status, text, err = run(
        "image", photo, "-o", out, "--report", page, "--json", data, "--save", saved
    )
    assert (status, err) == (0, "")
    assert "photo.tif" in text
    clipped, truth = pieces
    after = read_image(out).pixels
    mask = clipped == 65535
    assert after.dtype == np.float32
    np.testing.assert_array_equal(after[~mask], clipped[~mask])
    assert np.all(after[mask] >= 65535)
    before = np.linalg.norm((clipped - truth)[mask])
    assert np.linalg.norm((after - truth)[mask]) < 0.8 * before

    written = json.loads(data.read_text())
    for key in ("input", "output", "levels", "seconds", "status", "notes", "transfer"):
        assert key in written
    assert written["levels"][1:] == [[None, 65535.0], [None, 65535.0]]
    assert written["fraction_clipped"]["total"] == pytest.approx(mask.mean())
    assert set(written["certificate"]["kappa"]) == {"lower", "upper"}

    html = page.read_text()
    assert "http://" not in html
    assert "https://" not in html
    assert html.count("<img alt=") == html.count("<img")
    assert 'type="range"' in html

    assert run("verify", data, photo)[0] == 0
    assert run("verify", data)[0] == 0
    again = tmp_path / "again.html"
    assert run("report", saved, "-o", again)[0] == 0
    assert "Before and after" in again.read_text()
    result = ImageResult.load(saved)
    np.testing.assert_array_equal(result.recovered, mask)


def test_verify_refuses_other_images_and_forgeries(run, photo, pieces, tmp_path):
    data = tmp_path / "r.json"
    assert run("image", photo, "-o", tmp_path / "o.tif", "--json", data)[0] == 0
    other = tmp_path / "other.tif"
    changed = pieces[0].copy()
    changed[-1, 0, 0] += 1
    tifffile.imwrite(other, changed, photometric="rgb")
    status, _, err = run("verify", data, other)
    assert status == 1
    assert "refused" in err
    forged = json.loads(data.read_text())
    forged["certificate"]["error_bound"] = 1e-3
    data.write_text(json.dumps(forged))
    status, _, err = run("verify", data, photo)
    assert status == 1
    assert "refused" in err


def test_results_are_the_same_twice(run, photo, tmp_path):
    kept = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        args = ["--json", folder / "r.json", "--report", folder / "r.html", "--no-certify"]
        assert run("image", photo, "-o", folder / "o.tif", *args)[0] == 0
        data = json.loads((folder / "r.json").read_text())
        data.pop("seconds")
        text = json.dumps(data) + (folder / "r.html").read_text()
        kept.append((text.replace(str(folder), ""), (folder / "o.tif").read_bytes()))
    assert kept[0] == kept[1]


@pytest.mark.parametrize("ending", ["exr", "npy", "tif"])
def test_outputs_of_all_kinds(run, photo, pieces, tmp_path, ending):
    out = tmp_path / f"o.{ending}"
    assert run("image", photo, "-o", out, "--no-certify", "--quiet")[0] == 0
    after, mask = read_image(out).pixels, pieces[0] == 65535
    np.testing.assert_array_equal(after[~mask], pieces[0][~mask])
    assert after[mask].max() > 65535


def test_a_photograph_of_eight_bits(run, pieces, tmp_path):
    eight = (pieces[0] >> 8).astype(np.uint8)
    source = tmp_path / "photo.jpg"
    Image.fromarray(eight).save(source, quality=98, icc_profile=b"profile" * 9, dpi=(72, 72))
    out = tmp_path / "o.tif"
    status, text, _ = run("image", source, "-o", out, "--no-certify", "--high", 250)
    assert status == 0
    assert read_image(out).metadata.icc == b"profile" * 9
    assert read_image(out).metadata.resolution == (72, 72, "inch")
    png = tmp_path / "photo.png"
    Image.fromarray(eight).save(png)
    status, text, _ = run("image", png, "-o", tmp_path / "o.png", "--no-certify")
    assert status == 0
    assert "times" in text
    with Image.open(tmp_path / "o.png") as image:
        assert "times" in image.info["Comment"]
    status, text, _ = run(
        "image", png, "-o", tmp_path / "p.tif", "--transfer", "linear", "--no-certify"
    )
    assert status == 0
    assert "sRGB" in text


def test_nothing_clipped_comes_back_byte_for_byte(run, tmp_path):
    rng = np.random.default_rng(0)
    smooth = np.add.outer(np.arange(40.0), np.arange(50.0)) + rng.random((40, 50))
    plain, palette = tmp_path / "plain.png", tmp_path / "palette.png"
    Image.fromarray(smooth.astype(np.uint8)).save(plain)
    Image.fromarray(smooth.astype(np.uint8)).convert("P").save(palette)
    for path in (plain, palette):
        out = tmp_path / f"o_{path.name}"
        page = tmp_path / f"{path.stem}.html"
        status, text, _ = run("image", path, "-o", out, "--report", page)
        assert status == 0
        assert "nothing was clipped; copied byte for byte" in text
        assert out.read_bytes() == path.read_bytes()
    tiff = tmp_path / "o.tif"
    assert run("image", plain, "-o", tiff)[0] == 0
    np.testing.assert_array_equal(read_image(tiff).pixels, read_image(plain).pixels)
    status, _, err = run("image", palette, "-o", tmp_path / "p.tif")
    assert status == 1
    assert "palette" in err


def test_masks_and_alpha(run, pieces, tmp_path):
    clipped, _ = pieces
    mask = clipped.max(axis=-1) >= 65535
    alpha = np.full((*mask.shape, 1), 777, np.uint16)
    tifffile.imwrite(
        tmp_path / "a.tif", np.concatenate([clipped, alpha], -1), photometric="rgb",
        extrasamples=["unassalpha"],
    )  # fmt: skip
    Image.fromarray(mask.astype(np.uint8) * 255).save(tmp_path / "mask.png")
    status, _, err = run(
        "image", tmp_path / "a.tif", "-o", tmp_path / "o.tif", "--mask",
        tmp_path / "mask.png", "--no-certify",
    )  # fmt: skip
    assert (status, err) == (0, "")
    after = read_image(tmp_path / "o.tif")
    np.testing.assert_array_equal(after.pixels[~mask], clipped[~mask])
    assert np.all(after.alpha == 777)
    assert np.all(after.pixels[mask] >= clipped[mask])
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(tmp_path / "small.png")
    status, _, err = run(
        "image", tmp_path / "a.tif", "-o", tmp_path / "p.tif", "--mask", tmp_path / "small.png"
    )
    assert status == 1
    assert "shape" in err


def test_a_stack_keeps_its_pages(run, pieces, tmp_path):
    grey = pieces[0][..., 2]
    tifffile.imwrite(tmp_path / "s.tif", np.stack([grey, grey[::-1]]))
    out = tmp_path / "o.tif"
    data = tmp_path / "r.json"
    status, _, err = run(
        "image", tmp_path / "s.tif", "-o", out, "--json", data,
        "--report", tmp_path / "r.html", "--save", tmp_path / "r.npz",
    )  # fmt: skip
    assert (status, err) == (0, "")
    after = read_image(out)
    assert after.stack
    np.testing.assert_array_equal(after.pixels[0] > 65535, (after.pixels[1] > 65535)[::-1])
    assert run("verify", data)[0] == 0


def test_several_inputs_go_to_a_folder(run, photo, pieces, tmp_path):
    second = tmp_path / "second.jpg"
    Image.fromarray((pieces[0] >> 8).astype(np.uint8)).save(second, quality=98)
    folder = tmp_path / "out"
    folder.mkdir()
    status, text, _ = run("image", photo, second, "-o", folder, "--no-certify", "--jobs", 2)
    assert status == 0
    assert sorted(path.name for path in folder.iterdir()) == ["photo.tif", "second.tif"]
    assert "second.jpg" in text
    status, _, err = run("image", photo, second, "-o", folder, "--no-certify")
    assert status == 1
    assert "exists" in err
    status, _, err = run("image", photo, second, "-o", folder, "--report", tmp_path / "r.html")
    assert status == 1
    assert "one input" in err


def test_inspect_shows_the_levels(run, photo, tmp_path):
    before = sorted(tmp_path.iterdir())
    status, text, _ = run("inspect", photo)
    assert status == 0
    assert "65535" in text
    assert "blue" in text
    status, text, _ = run("inspect", photo, "--json", "-")
    found = json.loads(text)
    assert found["clipped"]
    assert found["levels"][2]["high"] == 65535.0
    assert sorted(tmp_path.iterdir()) == before


def bad_inputs(folder, photo):
    """Return (arguments, words of the message) of what cannot be done."""
    np.save(folder / "nan.npy", np.where(np.eye(9) > 0, np.nan, 1.0))
    np.save(folder / "white.npy", np.full((9, 9), 255, np.uint8))
    np.save(folder / "half.npy", np.full((9, 9), 0.5))
    (folder / "text.png").write_text("no image")
    Image.new("CMYK", (9, 9)).save(folder / "cmyk.tif")
    return [
        ([folder / "none.tif"], "does not exist"),
        ([folder], "directory"),
        ([folder / "text.png"], "not an image"),
        ([folder / "cmyk.tif"], "colour model"),
        ([folder / "nan.npy"], "NaN"),
        ([folder / "white.npy"], "clipped"),
        ([folder / "half.npy", "--high", "0.5"], "clipped"),
        ([photo, "--high", "70000"], "largest sample is 65535"),
        ([photo, "--low", "9", "--high", "5"], "low must be below high"),
        ([photo, "--high", "1,2"], "one per channel"),
        ([photo, "--high", "x"], "number"),
        ([photo, "--high", "nan"], "NaN"),
        ([photo, "--tolerance", "-1"], "tolerance"),
        ([photo, "--mask", folder / "none.png"], "does not exist"),
    ]


def test_bad_input_gets_one_clear_line(run, photo, tmp_path):
    out = tmp_path / "out.tif"
    cases = bad_inputs(tmp_path, photo)
    before = sorted(tmp_path.iterdir())
    for args, words in cases:
        status, text, err = run("image", *args, "-o", out)
        assert status == 1, (args, text)
        assert text == "", args
        assert err.startswith("recover: "), args
        assert err.count("\n") == 1, args
        assert words in err, (args, err)
        assert sorted(tmp_path.iterdir()) == before, args


def test_nothing_is_overwritten(run, photo, tmp_path):
    out = tmp_path / "out.tif"
    out.write_bytes(b"mine")
    status, _, err = run("image", photo, "-o", out)
    assert status == 1
    assert "--force" in err
    assert out.read_bytes() == b"mine"
    for ending, words in (("jpg", "lossy"), ("dng", "raw files")):
        status, _, err = run("image", photo, "-o", tmp_path / f"x.{ending}")
        assert status == 1
        assert words in err
    status, _, err = run("image", photo, "-o", tmp_path / "x.png", "--no-certify")
    assert status == 1
    assert "name the output .tif" in err
    assert run("image", photo, "-o", out, "--force", "--no-certify")[0] == 0
    assert len(out.read_bytes()) > 1000


def test_a_field_of_stars_is_verified(run, tmp_path):
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:64, :64]
    field = 100.0 + 3.0 * rng.standard_normal((64, 64))
    for _ in range(14):
        row, column = rng.uniform(6, 58, 2)
        r2 = (y - row) ** 2 + (x - column) ** 2
        field += rng.uniform(500, 9000) * (1.0 + r2 / 6.0) ** -2.5
    np.save(tmp_path / "stars.npy", np.minimum(field, 2000.0))
    data = tmp_path / "r.json"
    status, _, err = run(
        "image", tmp_path / "stars.npy", "-o", tmp_path / "o.npy", "--json", data
    )
    assert (status, err) == (0, "")
    written = json.loads(data.read_text())
    assert any("point sources" in note for note in written["notes"])
    assert run("verify", data)[0] == 0


def test_the_low_side(run, tmp_path):
    rng = np.random.default_rng(4)
    picture = 50.0 + np.cumsum(rng.standard_normal((40, 40)), axis=0)
    np.save(tmp_path / "a.npy", np.maximum(picture, 48.0))
    data = tmp_path / "r.json"
    status, _, err = run("image", tmp_path / "a.npy", "-o", tmp_path / "o.npy", "--json", data)
    assert (status, err) == (0, "")
    after = np.load(tmp_path / "o.npy")
    assert np.all(after[picture <= 48.0] <= 48.0)
    np.testing.assert_array_equal(after[picture > 48.0], picture[picture > 48.0])
    assert json.loads(data.read_text())["levels"] == [[48.0, None]]
    assert run("verify", data)[0] == 0


@pytest.mark.parametrize("ending", [".npy", ".tif", ".exr"])
def test_the_map_bounds_each_samples_error(run, photo, pieces, tmp_path, ending):
    out, path, data = tmp_path / "o.tif", tmp_path / f"map{ending}", tmp_path / "r.json"
    status, _, err = run("image", photo, "-o", out, "--map", path, "--json", data)
    assert (status, err) == (0, "")
    assert json.loads(data.read_text())["map"] == str(path)
    clipped, truth = pieces
    trust = np.load(path) if ending == ".npy" else read_image(path).pixels
    assert trust.shape == clipped.shape
    assert trust.dtype == np.float32
    mask = clipped == 65535
    assert (trust[~mask] == 0.0).all()
    assert (trust[mask] > 0.0).all()
    error = np.abs(read_image(out).pixels - truth)[mask]
    assert (error <= trust[mask]).mean() > 0.97
    if ending == ".npy":
        assert run("image", photo, "-o", out, "--map", path, "--force", "--no-certify")[0] == 0
        assert np.isinf(np.load(path)[mask]).all()


def test_maps_that_cannot_be_written_are_refused_before_any_work(run, photo, tmp_path):
    out = tmp_path / "o.tif"
    for name, words in (("m.png", "floating point"), ("o.tif", "written twice")):
        status, _, err = run("image", photo, "-o", out, "--map", tmp_path / name)
        assert status == 1
        assert words in err or "same file" in err
        assert not out.exists()
    there = tmp_path / "there.npy"
    there.write_bytes(b"mine")
    status, _, err = run("image", photo, "-o", out, "--map", there)
    assert status == 1
    assert "--force" in err
    assert there.read_bytes() == b"mine"


def test_a_png_of_sixteen_bits_becomes_a_tiff_in_a_folder(run, pieces, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    deep, shallow = tmp_path / "deep.png", tmp_path / "shallow.png"
    Image.fromarray(pieces[0][..., 1]).save(deep)
    Image.fromarray((pieces[0] // 257).astype(np.uint8)).save(shallow)
    status, _text, _err = run("image", deep, shallow, "-o", folder, "--no-certify")
    assert status == 0
    assert sorted(path.name for path in folder.iterdir()) == ["deep.tif", "shallow.png"]
    after = read_image(folder / "deep.tif").pixels
    assert after.dtype == np.float32
    kept = pieces[0][..., 1] < 65535
    np.testing.assert_array_equal(after[kept], pieces[0][..., 1][kept])
