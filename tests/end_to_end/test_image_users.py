"""What users of `recover image` meet: batches to verify, wrong options, what is left behind."""

import io
import json
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

from recover.io import bundled
from recover.io.image_read import read_image

ROWS, COLUMNS = np.mgrid[0:20, 0:24] / 24.0
PLANE = 1.0 - (ROWS - 0.4) ** 2 - (COLUMNS - 0.5) ** 2


@pytest.fixture
def pieces():
    """A part of the bundled picture, clipped."""
    whole = read_image(bundled("image/courtyard_clipped.tif")).pixels
    return whole[0:48, 60:124]


@pytest.fixture
def grey(tmp_path):
    """Two clipped pictures of one channel."""
    paths = [tmp_path / "a.npy", tmp_path / "b.npy"]
    for path, level in zip(paths, (0.9, 0.8), strict=True):
        np.save(path, np.minimum(PLANE, level))
    return paths


def test_the_certificates_of_a_batch_are_verified_together(run, grey, tmp_path):
    data, out = tmp_path / "r.json", tmp_path / "out"
    out.mkdir()
    assert run("image", *grey, "-o", out, "--json", data)[0] == 0
    status, text, err = run("verify", data)
    assert (status, err) == (0, "")
    assert [line.split(": ")[:2] for line in text.splitlines() if "accepted" in line] == [
        [str(path), "accepted"] for path in grey
    ]
    status, text, _ = run("verify", data, grey[1])
    assert status == 0
    assert str(grey[0]) not in text
    status, _, err = run("verify", data, tmp_path / "c.npy")
    assert status == 1
    assert "holds no certificate of c.npy" in err

    changed = np.load(grey[0])
    changed[0, 0] -= 0.01
    np.save(grey[0], changed)
    status, text, err = run("verify", data)
    assert status == 1
    assert err.startswith(f"recover: {grey[0]}: refused: ")
    assert f"{grey[1]}: accepted" in text
    grey[1].unlink()
    status, text, err = run("verify", data)
    assert status == 1
    assert f"recover: {grey[1]}: {grey[1]} does not exist" in err


def test_verify_tells_an_image_with_other_channels(run, grey, tmp_path):
    data, other = tmp_path / "r.json", tmp_path / "colour.npy"
    assert run("image", grey[0], "-o", tmp_path / "o.npy", "--json", data)[0] == 0
    np.save(other, np.repeat(np.load(grey[0])[..., None], 3, axis=-1))
    status, _, err = run("verify", data, other)
    assert status == 1
    assert "refused: the certificate speaks of another image: it has 1 channel(s)" in err


def test_standard_output_takes_one_output(run, grey, tmp_path):
    for other in ("--json", "--map"):
        status, text, err = run("image", grey[0], "-o", "-", other, "-")
        assert (status, text) == (1, "")
        assert "standard output would be written twice" in err


def test_a_folder_is_no_input(run, grey, tmp_path):
    status, _, err = run("image", tmp_path, "-o", tmp_path)
    assert status == 1
    assert f"{tmp_path} is a directory; name the files in it" in err


def test_bits_of_a_data_quality_array_need_a_fits_file(run, grey, tmp_path):
    status, _, err = run("image", grey[0], "-o", tmp_path / "o.npy", "--dq-bits", 4)
    assert status == 1
    assert "a.npy is no FITS file" in err


def test_what_cannot_be_read_is_told_with_its_cure(run, tmp_path):
    packed, archive, line = tmp_path / "a.fits.gz", tmp_path / "a.npz", tmp_path / "line.npy"
    packed.write_bytes(b"\x1f\x8b" + bytes(30))
    np.savez(archive, image=PLANE)
    np.save(line, PLANE[0])
    hole = PLANE.copy()
    hole[2, 3] = np.nan
    np.save(tmp_path / "nan.npy", hole)
    out = tmp_path / "o.npy"
    assert "compressed by gzip; unpack it first" in run("image", packed, "-o", out)[2]
    assert "(height, width, channels)" in run("image", line, "-o", out)[2]
    said = run("image", tmp_path / "nan.npy", "-o", out)[2]
    assert "the first at (2, 3); write there the least that it can be" in said
    for path in (packed, archive):
        said = run("inspect", path)[2]
        assert "neither an image nor a recording that can be read" in said
    assert not out.exists()


def test_an_image_is_inspected_from_standard_input(run, grey, monkeypatch):
    class Stdin:
        buffer = io.BufferedReader(io.BytesIO(grey[0].read_bytes()))

    monkeypatch.setattr(sys, "stdin", Stdin)
    status, text, _ = run("inspect", "-")
    assert status == 0
    assert "NPY float64, 20x24" in text
    assert "0.9" in text


def test_what_is_not_carried_over_is_told(run, tmp_path):
    samples = np.round(np.minimum(PLANE, 0.9) / 0.9 * 65535).astype(np.uint16)
    several, fiji = tmp_path / "several.tif", tmp_path / "fiji.tif"
    with tifffile.TiffWriter(several) as file:
        file.write(samples, photometric="minisblack")
        file.write(samples[::2, ::2], photometric="minisblack")
    tifffile.imwrite(fiji, np.stack([samples, samples]), imagej=True, metadata={"unit": "um"})
    args = ("--no-certify", "--force", "-o", tmp_path / "o.tif")
    said = run("image", several, *args)[1]
    assert "not carried over: 1 picture of another kind or size" in said
    assert "description of axes and units by ImageJ" in run("image", fiji, *args)[1]
    plain = tmp_path / "plain.tif"
    tifffile.imwrite(plain, samples)
    assert "not carried over" not in run("image", plain, *args)[1]


def test_a_palette_says_why_nothing_is_promised(run, tmp_path):
    path, data = tmp_path / "p.png", tmp_path / "r.json"
    Image.fromarray(np.uint8(200 * PLANE)).convert("P").save(path)
    assert run("image", path, "-o", tmp_path / "o.png", "--json", data)[0] == 0
    assert "palette" in json.loads(data.read_text())["certificate"]["reason"]
    assert run("verify", data)[0] == 0


def test_what_a_bound_rests_on_is_said(run, pieces, tmp_path):
    path, out, data = tmp_path / "p.tif", tmp_path / "o.tif", tmp_path / "r.json"
    tifffile.imwrite(path, pieces, photometric="rgb")
    text = run("image", path, "-o", out, "--json", data)[1]
    written = json.loads(data.read_text())
    assert written["certificate"]["scope"]["kind"] == "conditional"
    bound = written["certificate"]["error_bound"]
    assert f"{bound:.4g} (conditional)" in text.splitlines()[2]
    assert any("which is an estimate" in note for note in written["notes"])
    assert "note: the error bound is conditional" in text
    text = run("image", path, "-o", out, "--no-certify", "--force")[1]
    assert "conditional" not in text


def test_a_stack_says_what_it_was_taken_for(run, grey, tmp_path):
    both = np.stack([np.load(path) for path in grey])
    np.save(tmp_path / "both.npy", both)
    text = run("image", tmp_path / "both.npy", "-o", tmp_path / "o.npy", "--no-certify")[1]
    assert "in 2 pictures of 24 x 20 pixels" in text
    np.save(tmp_path / "first.npy", np.repeat(both[0][..., None], 3, axis=-1))
    text = run("image", tmp_path / "first.npy", "-o", tmp_path / "p.npy", "--no-certify")[1]
    assert "pictures of" not in text


def test_an_output_is_not_taken_for_the_input_of_the_same_name(run, grey, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    data = out / "r.json"
    assert run("image", *grey, "-o", out, "--json", data)[0] == 0
    for path in grey:
        path.unlink()
    status, _, err = run("verify", data)
    assert status == 1
    assert err.count("does not exist; check the name") == 2
    assert "refused" not in err
