"""`recover phase` on every setup and container, and what it says of bad input."""

import html
import json

import numpy as np
import pytest
import tifffile

from recover.frames import CodedDiffraction, Fresnel, Ptychography
from recover.phase import PhaseResult

SIZE = 20


def both(run, *arguments):
    """Return the exit status, and all that was printed."""
    status, out, err = run(*arguments)
    return status, out + err


def picture():
    i, j = np.mgrid[:SIZE, :SIZE] / SIZE
    amplitude = 1.2 + np.sin(5.0 * i) * np.cos(7.0 * j)
    return amplitude * np.exp(1j * (i + 2.0 * j**2))


def blob():
    i, j = np.mgrid[:SIZE, :SIZE]
    mask = ((i - 4.5) / 4.0) ** 2 + ((j - 4.0) / 3.5) ** 2 < 1.0
    mask[6:9, 4:9] = True
    return mask


def coded(seed=0):
    frame = CodedDiffraction.octanary((SIZE, SIZE), 6, np.random.default_rng(seed))
    return frame, np.abs(frame.analysis(picture()))


def apart(found, truth):
    """The relative distance up to a global phase."""
    inner = np.vdot(found, truth)
    return np.linalg.norm(found * inner / abs(inner) - truth) / np.linalg.norm(truth)


def test_coded_diffraction_with_everything(tmp_path, run):
    frame, y = coded()
    source = tmp_path / "cdp.npz"
    np.savez(source, magnitude=y, masks=frame.masks, centered=False)
    files = [tmp_path / name for name in ("o.npy", "r.html", "r.json", "saved.npz")]
    done, done_text = both(
        run, "phase", source, "-o", files[0], "--report", files[1], "--json", files[2],
        "--save", files[3],
    )  # fmt: skip
    assert done == 0, done_text
    assert "coded diffraction" in done_text
    assert apart(np.load(files[0]), picture()) < 1e-6
    data = json.loads(files[2].read_text())
    assert data["kind"] == "phase"
    assert data["levels"] == []
    assert data["residual"] < 1e-6
    assert data["certificate"]["scope"]["kind"] == "local"
    assert np.array_equal(PhaseResult.load(files[3]).signal, np.load(files[0]))
    verified, verified_text = both(run, "verify", files[2])
    assert verified == 0, verified_text
    again, again_text = both(run, "report", files[3], "-o", tmp_path / "again.html")
    assert again == 0, again_text
    page = (tmp_path / "again.html").read_text()
    assert "What is promised" in page
    assert "http" not in page.replace("http://www.w3.org", "")


def scan():
    rng = np.random.default_rng(0)
    probe = rng.standard_normal((6, 6)) + 1j * rng.standard_normal((6, 6))
    probe[0, 0] = 0.0  # so that one pixel is never lit
    places = np.array([(a, b) for a in range(0, 15, 2) for b in range(0, 15, 2)])
    return probe, places, Ptychography((SIZE, SIZE), probe, places)


def test_a_ptychographic_scan_with_everything(tmp_path, run):
    probe, places, frame = scan()
    y = np.fft.fftshift(np.abs(frame.analysis(picture())), axes=(1, 2))
    y[3, 2, 2] = np.nan  # a bad pixel
    source = tmp_path / "scan.npz"
    np.savez(source, magnitude=y, probe=probe, positions=places, shape=[SIZE, SIZE],
             centered=True)  # fmt: skip
    files = [tmp_path / name for name in ("o.npz", "r.html", "r.json")]
    done, text = both(run, "phase", source, "-o", files[0], "--report", files[1], "--json",
                      files[2])  # fmt: skip
    assert done == 0, text
    assert "a scan" in text
    assert "1 pixels" in text
    found = PhaseResult.load(files[0])
    lit = frame.illumination > 0
    assert lit.sum() == SIZE**2 - 1
    assert apart(found.signal[lit], picture()[lit]) < 1e-5
    np.testing.assert_array_equal(found.probe, probe)
    page = files[1].read_text()
    assert "The scan" in page
    assert "The probe of the scan" in page
    verified, verified_text = both(run, "verify", files[2])
    assert verified == 0, verified_text


@pytest.mark.slow
def test_a_scan_whose_probe_is_refined(tmp_path, run):
    probe, places, frame = scan()
    rng = np.random.default_rng(1)
    rough = probe + 0.1 * (rng.standard_normal(probe.shape) + 1j * rng.standard_normal((6, 6)))
    np.savez(tmp_path / "scan.npz", intensity=np.abs(frame.analysis(picture())) ** 2,
             centered=False)  # fmt: skip
    np.savez(tmp_path / "setup.npz", probe=rough, positions=places - 3, refine_probe=True)
    promise = tmp_path / "c.json"
    done, text = both(run, "phase", tmp_path / "scan.npz", "-o", tmp_path / "o.npz", "--setup",
                      tmp_path / "setup.npz", "--json", promise)  # fmt: skip
    assert done == 0, text
    assert "takes it for exact" in text
    verified, verified_text = both(run, "verify", promise)
    assert verified == 0, verified_text
    data = json.loads(promise.read_text())
    promise.write_text(json.dumps(data | {"probe": None}))  # of the guess it says nothing
    assert both(run, "verify", promise)[0] == 1
    found = PhaseResult.load(tmp_path / "o.npz")
    assert found.signal.shape == (SIZE, SIZE)
    assert found.residual < 1e-4
    inner = abs(np.vdot(found.probe, probe)) / np.linalg.norm(probe)
    assert inner > 0.97 * np.linalg.norm(found.probe)


def test_a_certificate_fits_no_other_data(tmp_path, run):
    frame, y = coded()
    for name, values in (("a.npz", y), ("b.npz", y * 1.001)):
        np.savez(tmp_path / name, magnitude=values, masks=frame.masks, centered=False)
    run("phase", tmp_path / "a.npz", "-o", tmp_path / "o.npz", "--json", tmp_path / "c.json")
    refused, _ = both(run, "verify", tmp_path / "c.json", tmp_path / "b.npz")
    assert refused == 1


def test_a_stack_of_intensities_with_a_setup_and_a_dark_frame(tmp_path, run):
    frame, y = coded()
    dark = np.full((SIZE, SIZE), 0.25)
    counts = np.fft.fftshift(y**2, axes=(1, 2)) + dark
    counts[0, 3, 3] = np.nan  # a dead pixel
    tifffile.imwrite(tmp_path / "stack.tif", counts)
    np.savez(tmp_path / "setup.npz", masks=frame.masks, centered=True)
    np.save(tmp_path / "dark.npy", dark)
    done, done_text = both(
        run, "phase", tmp_path / "stack.tif", "-o", tmp_path / "o.npz",
        "--setup", tmp_path / "setup.npz", "--dark", tmp_path / "dark.npy", "--no-certify",
    )  # fmt: skip
    assert done == 0, done_text
    assert "1 pixels" in done_text
    assert apart(PhaseResult.load(tmp_path / "o.npz").signal, picture()) < 1e-4


def test_a_far_field_with_a_support(tmp_path, run):
    mask = blob()
    truth = np.abs(picture()) * mask
    pattern = np.abs(np.fft.fftshift(np.fft.fft2(truth))) ** 2
    np.savez(tmp_path / "far.npz", intensity=pattern, support=mask, nonnegative=True)
    done, done_text = both(
        run, "phase", tmp_path / "far.npz", "-o", tmp_path / "o.npy", "--no-certify"
    )
    assert done == 0, done_text
    assert "in the middle" in done_text
    assert apart(np.load(tmp_path / "o.npy") / SIZE, truth) < 1e-3


def test_near_fields(tmp_path, run):
    distances = (1e-3, 2e-3, 4e-3, 7e-3)
    frame = Fresnel((SIZE, SIZE), 5e-7, 2e-6, distances)
    np.savez(
        tmp_path / "near.npz", magnitude=np.abs(frame.analysis(picture())),
        distances=distances, wavelength=5e-7, pixel_size=2e-6,
    )  # fmt: skip
    done, done_text = both(
        run, "phase", tmp_path / "near.npz", "-o", tmp_path / "o.tif", "--no-certify"
    )
    assert done == 0, done_text
    amplitude, phase = tifffile.imread(tmp_path / "o.tif")
    assert apart(amplitude * np.exp(1j * phase), picture()) < 1e-3


def test_hdf5_by_the_last_part_of_a_name(tmp_path, run):
    h5py = pytest.importorskip("h5py")
    frame, y = coded()
    with h5py.File(tmp_path / "scan.cxi", "w") as file:
        file["entry_1/data_1/data"] = y**2
        file["entry_1/image_1/masks"] = frame.masks
        file["entry_1/centered"] = False
        file["entry_1/title"] = "a scan"
    done, done_text = both(
        run, "phase", tmp_path / "scan.cxi", "-o", tmp_path / "o.h5", "--no-certify"
    )
    assert done == 0, done_text
    with h5py.File(tmp_path / "o.h5") as file:
        assert apart(file["object"][()], picture()) < 1e-4
        assert json.loads(file["certificate"][()])["reason"]
    with h5py.File(tmp_path / "empty.h5", "w") as file:
        file["entry_1/frames"] = np.ones(3)
    missing, missing_text = both(run, "phase", tmp_path / "empty.h5", "-o", tmp_path / "p.h5")
    assert missing == 1
    assert "entry_1/frames" in missing_text


ONES = np.ones((SIZE, SIZE))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"magnitude": -ONES, "support": blob()}, "negative"),
        ({"magnitude": 0.0 * ONES, "support": blob()}, "all be zero"),
        ({"magnitude": ONES}, "support"),
        ({"magnitude": ONES, "support": 0 * ONES}, "empty"),
        ({"magnitude": ONES, "support": np.ones((50, 50))}, "fit into"),
        ({"magnitude": ONES, "intensity": ONES}, "one of the two"),
        ({"magnitude": ONES, "dark": ONES, "support": blob()}, "dark"),
        ({"intensity": ONES, "dark": np.ones(7), "support": blob()}, "dark must have"),
        ({"magnitude": ONES, "bad": np.ones(7), "support": blob()}, "bad must have"),
        ({"magnitude": ONES, "distances": [1.0]}, "wavelength"),
        ({"magnitude": ONES, "masks": np.ones((2, 7, 7))}, "shape"),
        ({"magnitude": ONES.astype(str)}, "real numbers"),
        ({"nothing": ONES}, "nothing"),
        ({"magnitude": ONES, "positions": ONES}, "positions need the probe"),
        ({"magnitude": ONES, "positions": ONES[0], "probe": ONES}, "one row for each"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path, run, arrays, message):
    np.savez(tmp_path / "bad.npz", **arrays)
    done, done_text = both(run, "phase", tmp_path / "bad.npz", "-o", tmp_path / "o.npz")
    assert done == 1, done_text
    assert message in done_text
    assert not (tmp_path / "o.npz").exists()


@pytest.mark.parametrize("name", ["x.npz", "x.npy", "x.tif", "x.h5", "x.txt"])
def test_damaged_files_are_refused(tmp_path, run, name):
    (tmp_path / name).write_bytes(b"not what it says\0\1\2")
    done, done_text = both(run, "phase", tmp_path / name, "-o", tmp_path / "o.npz")
    assert done == 1
    assert "Traceback" not in done_text
    assert name in done_text


def test_outputs_are_checked_before_work(tmp_path, run):
    frame, y = coded()
    np.savez(tmp_path / "cdp.npz", magnitude=y, masks=frame.masks)
    (tmp_path / "o.npz").write_bytes(b"mine")
    assert run("phase", tmp_path / "cdp.npz", "-o", tmp_path / "o.npz")[0] == 1
    assert (tmp_path / "o.npz").read_bytes() == b"mine"
    assert run("phase", tmp_path / "cdp.npz", "-o", tmp_path / "o.txt")[0] == 1


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_one_bad_file_does_not_end_the_others(tmp_path, run, jobs):
    frame, y = coded()
    (tmp_path / "out").mkdir()
    for name in ("a.npz", "c.npz"):
        np.savez(tmp_path / name, magnitude=y, masks=frame.masks, centered=False)
    (tmp_path / "b.npz").write_bytes(b"no measurement")
    files = [tmp_path / name for name in ("a.npz", "b.npz", "c.npz")]
    status, text = both(
        run, "phase", *files, "-o", tmp_path / "out", "--no-certify", "--jobs", jobs,
        "--json", tmp_path / "r.json",
    )  # fmt: skip
    assert status == 1
    assert text.count("b.npz is damaged") == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.npz", "c.npz"]
    assert len(json.loads((tmp_path / "r.json").read_text())) == 2
    status, text = both(run, "phase", files[1], files[1], "-o", tmp_path / "out")
    assert status == 1


def test_counting_noise_reaches_the_certificate(run, tmp_path):
    rng = np.random.default_rng(3)
    frame, y = coded()
    dark = rng.uniform(0.1, 3.0, (SIZE, SIZE))
    counts = rng.poisson(1e4 * y**2 + dark)
    source, text = tmp_path / "p.npz", tmp_path / "o.json"
    np.savez(source, intensity=counts, dark=dark, masks=frame.masks, centered=False)
    given = ["phase", source, "-o", tmp_path / "o.npz", "--json", text]
    status, said = both(run, *given, "--counts-per-unit", "1")
    assert status == 0, said
    data = json.loads(text.read_text())
    assert data["counts_per_unit"] == 1.0
    assert any("Poisson counts" in words for words in data["certificate"]["assumptions"])
    assert data["certificate"]["kappa"]["lower"] > 0.0
    assert data["certificate"]["reason"].startswith("data and recovered signal differ")
    status, said = both(run, "verify", text)
    assert status == 0, said
    status, said = both(run, *given, "--force", "--counts-per-unit", "1", "--noise", "2")
    assert status == 1
    assert "not both" in said


def test_a_beam_looked_for_in_the_wrong_place_is_remarked_on(run, tmp_path):
    frame, y = coded()
    source = tmp_path / "p.npz"
    moved = np.fft.fftshift(y, (1, 2))
    for centered in (False, True):
        np.savez(source, magnitude=moved, masks=frame.masks, centered=centered)
        status, said = both(
            run, "phase", source, "-o", tmp_path / "o.npz", "--force", "--no-certify"
        )
        assert status == 0, said
        assert ("changes its sign from pixel to pixel" in said) == (not centered)


def test_nothing_left_of_a_pattern(run, tmp_path):
    frame, y = coded()
    np.savez(tmp_path / "p.npz", magnitude=np.full_like(y, np.nan), masks=frame.masks)
    status, said = both(run, "phase", tmp_path / "p.npz", "-o", tmp_path / "o.npz")
    assert status == 1
    assert "no pixel" in said


def test_the_report_says_what_was_left_out_and_how_to_verify(tmp_path, run):
    frame, y = coded()
    y[0, 3, 4] = np.nan
    source, account = tmp_path / "my scan (1).npz", tmp_path / "the promise.json"
    np.savez(source, magnitude=y, masks=frame.masks, centered=False)
    page = tmp_path / "r.html"
    status, text = both(
        run, "phase", source, "-o", tmp_path / "o.tif", "--report", page, "--json", account,
        "--save", tmp_path / "saved.npz", "--no-certify",
    )  # fmt: skip
    assert status == 0, text
    left_out = f"1 pixels ({100.0 / y.size:.3g} %) are bad and were left out"
    assert f"note: {left_out}" in text
    assert left_out in json.loads(account.read_text())["notes"]
    assert left_out in PhaseResult.load(tmp_path / "saved.npz").notes
    shown = html.unescape(page.read_text())
    assert f"Note: {left_out}." in shown
    assert f"recover verify '{account}' '{source}'" in shown
    with tifffile.TiffFile(tmp_path / "o.tif") as file:
        assert '"amplitude", "phase in radians"' in file.pages[0].description


def test_files_that_were_moved_together_verify(tmp_path, run, monkeypatch):
    frame, y = coded()
    np.save(tmp_path / "patterns.npy", y**2)
    np.savez(tmp_path / "masks.npz", masks=frame.masks, centered=False)
    monkeypatch.chdir(tmp_path)
    status, text = both(
        run, "phase", "patterns.npy", "-o", "o.npy", "--setup", "masks.npz", "--json", "c.json"
    )
    assert status == 0, text
    folder = tmp_path / "moved"
    folder.mkdir()
    for name in ("patterns.npy", "c.json", "masks.npz"):
        (tmp_path / name).rename(folder / name)
    account = folder / "c.json"
    assert both(run, "verify", account)[0] == 0
    data = json.loads(account.read_text())
    account.write_text(json.dumps({**data, "setup_file": "x" * 2000}))
    assert "names a file of 2000 letters" in both(run, "verify", account)[1]
    account.write_text(json.dumps({**data, "setup_file": "gone.npz"}))
    status, text = both(run, "verify", account)
    assert status == 1
    assert "gone.npz does not exist, nor is gone.npz beside the certificate" in text


def test_steps_of_a_method_are_chosen(tmp_path, run):
    frame, y = coded()
    np.savez(tmp_path / "x.npz", magnitude=y, masks=frame.masks, centered=False)
    words = ("phase", tmp_path / "x.npz", "-o", tmp_path / "o.npy", "--no-certify")
    status, text = both(run, *words, "--iterations", 3)
    assert status == 1
    assert "name the method too" in text
    status, text = both(
        run, *words, "--method", "AlternatingProjections", "--iterations", 3, "--json", "-"
    )
    assert status == 0, text
    assert json.loads(text)["iterations"] == 3
