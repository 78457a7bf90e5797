"""Certificates of objects proved again: moved files, and objects too large for JSON."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from recover.certificates.phase import statements
from recover.core.errors import ParameterError
from recover.io.namesake import namesake
from recover.phase.app import process_phase
from recover.phase.reprove import phase_faults

SHAPE = (8, 9)
RNG = np.random.default_rng(3)
MASKS = np.exp(0.5j * np.pi * RNG.integers(0, 4, (4, *SHAPE)))
OBJECT = 1.0 + RNG.random(SHAPE) + 1j * RNG.random(SHAPE)
MAGNITUDE = np.abs(np.fft.fft2(MASKS * OBJECT, norm="ortho"))


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "cdp.npz"
    np.savez(path, magnitude=MAGNITUDE, masks=MASKS, centered=False)
    return path


@pytest.fixture
def nothing_embedded(monkeypatch):
    """Every object is too large to stand in its certificate."""
    monkeypatch.setattr(statements, "EMBEDDED", 0)


@pytest.mark.usefixtures("nothing_embedded")
@pytest.mark.parametrize("ending", ["npz", "npy", "tif"])
def test_a_large_object_stands_with_its_certificate(tmp_path, source, ending):
    done = process_phase(source, tmp_path / f"o.{ending}")
    assert "signal" not in done.result.certificate.evidence.arrays
    promise = done.promise
    np.testing.assert_array_equal(promise.evidence.arrays["signal"], done.result.signal)
    assert phase_faults(str(source), done.to_json(), promise, ()) == ()
    promise.evidence.arrays["signal"][0, 0] += 1e-9
    assert phase_faults(str(source), done.to_json(), promise, ())


@pytest.mark.usefixtures("nothing_embedded")
@pytest.mark.parametrize("ending", ["npz", "npy"])
def test_an_output_holds_the_object_that_a_digest_names(tmp_path, source, ending):
    done = process_phase(source, tmp_path / f"o.{ending}")
    data, promise = done.to_json(), done.result.certificate
    assert phase_faults(str(source), data, promise, ()) == ()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.move(tmp_path / f"o.{ending}", elsewhere)
    assert phase_faults(str(source), data, promise, (elsewhere,)) == ()
    with pytest.raises(ParameterError, match=f"nor is o.{ending} beside the certificate"):
        phase_faults(str(source), data, promise, ())


@pytest.mark.usefixtures("nothing_embedded")
def test_a_picture_does_not_hold_the_object_to_the_last_bit(tmp_path, source):
    done = process_phase(source, tmp_path / "o.tif")
    with pytest.raises(ParameterError, match="to the last bit; recover into NPZ or NPY"):
        phase_faults(str(source), done.to_json(), done.result.certificate, ())


def test_what_is_small_needs_nothing_more(tmp_path, source):
    done = process_phase(source, tmp_path / "o.tif")
    assert done.promise is done.result.certificate
    assert phase_faults(str(source), done.to_json(), done.promise, ()) == ()


def test_namesakes(tmp_path):
    (tmp_path / "here.txt").write_text("")
    assert namesake(str(tmp_path / "here.txt"), ()) == str(tmp_path / "here.txt")
    assert namesake("/no/such/folder/here.txt", (Path("/no"), tmp_path)) == str(
        tmp_path / "here.txt"
    )
    assert namesake("there.txt", (tmp_path,)) is None
    assert namesake("x" * 500, (tmp_path,)) is None
    assert namesake("x\0y", (tmp_path,)) is None
    assert namesake(str(tmp_path), ()) is None  # a folder
