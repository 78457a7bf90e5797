"""What named arrays of files are taken for, and what is remarked on."""

import re

import numpy as np
import pytest
import tifffile

from recover.core.errors import ParameterError
from recover.frames import Fourier, Fresnel
from recover.io.phase_read import read_phase
from recover.phase.app import PhaseOptions, measurement_in, process_phase
from recover.phase.measurement import phase_measurement
from recover.phase.near_fields import near_field_notes
from recover.phase.scan_translation import positions_of

h5py = pytest.importorskip("h5py")
PATTERN = np.arange(1.0, 65.0).reshape(8, 8)
SUPPORT = np.arange(64).reshape(8, 8) % 8 < 3


@pytest.fixture
def diffraction(tmp_path):
    """A far field as CXI files hold it, with the distance of its detector."""
    path = tmp_path / "cdi.cxi"
    with h5py.File(path, "w") as file:
        detector = file.create_group("entry_1/instrument_1/detector_1")
        detector["data"] = PATTERN
        detector["distance"], detector["x_pixel_size"] = 1.5, 55e-6
        file["entry_1/instrument_1/source_1/energy"] = 1.3e-15
        file["entry_1/image_1/data"] = np.ones((8, 8)) + 1j  # what others made of it
    return path


def test_the_distance_of_a_detector_is_that_of_a_far_field(tmp_path, diffraction):
    np.savez(tmp_path / "setup.npz", support=SUPPORT, nonnegative=True)
    setup = str(tmp_path / "setup.npz")
    measured = measurement_in(diffraction, setup=setup, dark=None, data=None)
    assert isinstance(measured.frame, Fourier)
    np.testing.assert_array_equal(
        np.sort(measured.magnitudes, axis=None), np.sqrt(PATTERN).flat
    )
    with pytest.raises(ParameterError, match=r"support.*a detector_distance is that of far"):
        measurement_in(diffraction, setup=None, dark=None, data=None)


def test_a_distance_elsewhere_is_that_of_a_near_field(tmp_path):
    path = tmp_path / "near.h5"
    with h5py.File(path, "w") as file:
        file["intensity"], file["distance"] = np.ones((2, 8, 8)), [0.0, 1.0]
        file["wavelength"], file["pixel_size"] = 1.0, 1.0
    assert "distances" in read_phase(path).arrays
    measured = measurement_in(path, setup=None, dark=None, data=None)
    assert isinstance(measured.frame, Fresnel)


def test_translations_take_the_distance_of_the_detector():
    arrays = {
        "translation": np.array([[0.0, 0.0, 0.0], [2.0, 3.0, 0.0]]),
        "wavelength": np.array(1.0),
        "pixel_size": np.array(1.0),
        "probe": np.ones((4, 4)),
    }
    named = positions_of({**arrays, "distances": np.array(4.0)})
    held = positions_of({**arrays, "detector_distance": np.array(4.0)})
    np.testing.assert_array_equal(held, named)
    np.testing.assert_array_equal(held, [[0, 0], [3, 2]])


@pytest.mark.parametrize(
    ("unit", "distances", "words"),
    [
        (1.0, (0.0, 64.0), None),
        (
            1.0,
            (0.0, -65.0),
            "over the distance 65 details spread by 65 pixels, more than the 64",
        ),
        (1e-3, (0.0, 64.0), "spread by 6.4e\\+07 pixels"),  # pixels in another unit
        (1e3, (0.0, 64.0), "differ by 0.0001 rad at most"),
        (1e3, (50.0,), "differ by 7.9e-05 rad"),
        (1.0, (0.1,), None),
        (1e-300, (1.0,), "spread by inf pixels"),
    ],
)
def test_distances_that_do_not_suit_their_pixels_are_remarked_on(unit, distances, words):
    notes = near_field_notes(Fresnel((64, 80), 1.0, unit, distances))
    if words is None:
        assert notes == []
    else:
        (note,) = notes
        assert re.search(words, note)
        assert "in one unit" in note


def test_near_fields_carry_the_remark():
    arrays = {
        "intensity": np.ones((2, 8, 8)),
        "distances": np.array([0.0, 50.0]),
        "wavelength": np.array(5e-7),
        "pixel_size": np.array(1e-6),
    }
    assert any("in one unit" in note for note in phase_measurement(arrays, "x.npz").notes)


def test_planes_of_one_energy_need_no_word():
    arrays = {"magnitude": PATTERN, "object_magnitude": PATTERN[::-1].copy()}
    assert not any("scaled" in note for note in phase_measurement(arrays, "x.npz").notes)
    arrays["object_magnitude"] = 2.0 * PATTERN
    assert any("scaled by 2 " in note for note in phase_measurement(arrays, "x.npz").notes)
    arrays["object_magnitude"] = -PATTERN
    with pytest.raises(ParameterError, match="object_magnitude must be real and >= 0"):
        phase_measurement(arrays, "x.npz")


def test_integers_and_single_precision_too_large_for_it_are_worked_on_in_double():
    arrays = {"intensity": (PATTERN * 1e30).astype(np.float32), "support": SUPPORT}
    measured = phase_measurement(arrays, "x.npz")
    assert measured.magnitudes.dtype == np.float64
    arrays["intensity"] = PATTERN.astype(np.float32)
    assert phase_measurement(arrays, "x.npz").magnitudes.dtype == np.float32


def test_options_that_contradict_the_file_are_refused(tmp_path):
    source, plain = tmp_path / "named.npz", tmp_path / "plain.npy"
    np.savez(source, magnitude=PATTERN, support=SUPPORT)
    np.save(plain, PATTERN)
    with pytest.raises(ParameterError, match=r"data says intensity, .* holds magnitude, sup"):
        measurement_in(source, setup=None, dark=None, data="intensity")
    with pytest.raises(ParameterError, match=r"setup must name its arrays.*numpy\.savez"):
        measurement_in(plain, setup=str(plain), dark=None, data=None)


def test_starts_of_a_scan_are_refused(tmp_path):
    source = tmp_path / "scan.npz"
    places = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    np.savez(source, magnitude=np.ones((4, 3, 3)), positions=places, probe=np.ones((3, 3)))
    with pytest.raises(ParameterError, match="restarts does not apply to a scan, got 2"):
        process_phase(source, tmp_path / "o.npy", PhaseOptions(restarts=2))
    assert not (tmp_path / "o.npy").exists()


@pytest.mark.parametrize("contiguous", [True, False])
def test_pages_of_a_tiff_are_one_stack_however_they_were_written(tmp_path, contiguous):
    stack = np.arange(3 * 8 * 9, dtype=np.uint16).reshape(3, 8, 9)
    with tifffile.TiffWriter(tmp_path / "pages.tif") as file:
        for page in stack:
            file.write(page, contiguous=contiguous)
    held = read_phase(tmp_path / "pages.tif").arrays["intensity"]
    np.testing.assert_array_equal(held, stack)


def test_a_smaller_picture_beside_is_left_out(tmp_path):
    with tifffile.TiffWriter(tmp_path / "x.tif") as file:
        file.write(PATTERN)
        file.write(PATTERN[::2, ::2].copy())
    held = read_phase(tmp_path / "x.tif").arrays["intensity"]
    np.testing.assert_array_equal(held, PATTERN)


def test_pixels_at_the_end_of_their_type_are_remarked_on():
    counts = np.full((8, 8), 7, dtype=np.uint16)
    counts[:2, 0] = 65535
    arrays = {"intensity": counts, "support": SUPPORT}
    words = "2 pixels are at 65535, the largest uint16"
    assert any(words in note for note in phase_measurement(arrays, "x.npz").notes)
    arrays["bad"] = counts == 65535
    assert not any("65535" in note for note in phase_measurement(arrays, "x.npz").notes)
    arrays["intensity"] = counts.astype(np.float64)
    del arrays["bad"]
    assert not any("65535" in note for note in phase_measurement(arrays, "x.npz").notes)


def test_arrays_of_no_known_name_are_told(tmp_path):
    source, setup = tmp_path / "x.npz", tmp_path / "setup.npz"
    np.savez(source, intensity=PATTERN, comment=np.array(1.0))
    np.savez(setup, support=SUPPORT, nonegative=np.array(True))
    measured = measurement_in(source, setup=str(setup), dark=None, data=None)
    assert "arrays of no known name were left out: comment, nonegative" in measured.notes
    np.savez(setup, support=SUPPORT)
    np.savez(source, intensity=PATTERN)
    measured = measurement_in(source, setup=str(setup), dark=None, data=None)
    assert not any("left out" in note for note in measured.notes)


def test_masks_under_the_name_of_bad_pixels():
    arrays = {"intensity": PATTERN, "bad": np.exp(1j * PATTERN)}
    with pytest.raises(ParameterError, match=r"bad must hold which.*are named masks"):
        phase_measurement(arrays, "x.npz")
