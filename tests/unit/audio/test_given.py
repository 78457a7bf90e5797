"""Levels that were given: what is said where no sample is at them."""

import json

import numpy as np
import pytest
import soundfile

from recover.audio import AudioOptions, process_file
from recover.audio.given import blur_notes, level_notes
from recover.audio.levels import given_levels
from recover.core.errors import ParameterError
from recover.io import FileError

Y = np.clip(np.sin(0.05 * np.arange(4000)) * np.linspace(1, 0.5, 4000), -0.6, 0.6)


def notes(low, high, tolerance=0.0, blocks=3):
    levels = given_levels(Y, low, high, tolerance=tolerance)
    parts = np.array_split(Y[:, None], blocks)
    return level_notes(parts, (levels,), low=low, high=high, tolerance=tolerance)


def test_levels_that_occur_need_no_word():
    assert notes(-0.6, 0.6) == ()
    assert notes(None, None) == ()
    assert notes(-np.inf, np.inf) == ()
    assert notes(None, 0.605, tolerance=0.01) == ()


@pytest.mark.parametrize("blocks", [1, 7])
def test_levels_that_do_not_occur_say_what_they_mark(blocks):
    low, high = notes(-0.45, 0.9, blocks=blocks)
    count = int(np.count_nonzero(Y <= -0.45))
    assert "channel 1 is at the lower level -0.45" in low
    assert f"marks {count} samples beyond it, the smallest sample is -0.6" in low
    assert "upper level 0.9" in high
    assert "marks 0 samples beyond it, the largest sample is 0.6" in high


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.wav"
    soundfile.write(path, np.stack([Y, 0.5 * Y], axis=1), 8000, subtype="FLOAT")
    return path


def test_a_file_with_such_levels(source, tmp_path):
    options = AudioOptions(low=-0.6, high=0.9, quality="fast")
    report = process_file(source, tmp_path / "o.wav", options)
    assert len(report.notes) == 3  # both sides of the quiet channel
    assert json.loads(json.dumps(report.to_json()))["notes"] == list(report.notes)
    plain = process_file(source, tmp_path / "p.wav", AudioOptions(quality="fast"))
    assert plain.notes == ()


def test_a_difference_that_cannot_be_written_is_refused_before_any_work(source, tmp_path):
    out = tmp_path / "o.wav"
    with pytest.raises(ParameterError, match="diff and output are the same file"):
        process_file(source, out, AudioOptions(diff=str(out), force=True))
    with pytest.raises(FileError, match="FLAC cannot hold"):
        process_file(source, out, AudioOptions(diff=str(tmp_path / "d.flac")))
    assert not out.exists()


def test_blurred_levels_are_told():
    exact = given_levels(np.zeros(4), -0.5, 0.5)
    blurred = given_levels(np.zeros(4), -0.5, 0.5, blur=0.0123)
    (said,) = blur_notes([exact, blurred])
    assert "channel 2 are blurred" in said
    assert "within 0.0123 of a level" in said
