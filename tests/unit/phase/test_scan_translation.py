"""Positions of a scan from translations in metres, as CXI files hold them."""

import numpy as np
import pytest

from recover.core.errors import ParameterError
from recover.phase.measurement import phase_measurement
from recover.phase.scan_translation import positions_of

PIXEL, DISTANCE, WAVELENGTH = 55e-6, 2.0, 1e-10
PLACES = np.array([[0, 0], [0, 3], [4, 1], [5, 6]])


def arrays(**others):
    probe = np.outer(np.hanning(12)[1:-1], np.hanning(18)[1:-1])
    sizes = WAVELENGTH * DISTANCE / (np.array(probe.shape) * PIXEL)
    moves = np.zeros((4, 3))
    moves[:, 1::-1] = PLACES * sizes + 1e-5
    found = {
        "translation": moves,
        "probe": probe,
        "wavelength": np.array(WAVELENGTH),
        "distances": np.array([DISTANCE]),
        "pixel_size": np.array(PIXEL),
    }
    return {**found, **others}


def test_metres_become_pixels_of_the_object(caplog):
    np.testing.assert_array_equal(positions_of(arrays()), PLACES)
    assert "rounded to the object's pixels" in caplog.text


def test_a_file_with_translations_is_a_scan():
    pattern = np.ones((4, 10, 16))
    task = phase_measurement({**arrays(), "magnitude": pattern}, "x.cxi")
    np.testing.assert_array_equal(task.frame.positions, PLACES)
    assert task.frame.shape == (15, 22)


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"pixel_size": np.array(0.0)}, "must be > 0"),
        ({"translation": np.zeros((4, 4))}, r"\(K, 2\) or \(K, 3\)"),
    ],
)
def test_what_does_not_fit_is_refused(others, words):
    with pytest.raises(ParameterError, match=words):
        positions_of(arrays(**others))


def test_a_missing_number_is_named():
    given = arrays()
    del given["wavelength"]
    with pytest.raises(ParameterError, match="wavelength"):
        positions_of(given)
