"""Writing appears whole or not at all, and nothing is overwritten by accident."""

import io
import sys

import pytest

from recover.io import STANDARD, FileError, check_writable, staged, write_bytes, write_text


def fail_while_writing(path, error, force=False):
    with staged(path, force=force) as file:
        file.write(b"new")
        raise error


def write_while_another_does(path):
    with staged(path) as file:
        file.write(b"mine")
        path.write_bytes(b"theirs")


def test_whole_file(tmp_path):
    write_text(tmp_path / "a.txt", "grüße")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "grüße"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("existing", [False, True])
def test_nothing_partial_is_left(tmp_path, error, existing):
    path = tmp_path / "a.bin"
    if existing:
        path.write_bytes(b"old")
    with pytest.raises(error):
        fail_while_writing(path, error, force=True)
    assert [p.name for p in tmp_path.iterdir()] == (["a.bin"] if existing else [])
    assert not existing or path.read_bytes() == b"old"


def test_existing_file_needs_force(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(FileError, match=r"a\.bin exists; choose another name or pass --force"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    write_bytes(path, b"new", force=True)
    assert path.read_bytes() == b"new"


def test_a_file_that_appears_meanwhile_is_kept(tmp_path):
    path = tmp_path / "a.bin"
    with pytest.raises(FileError, match="exists"):
        write_while_another_does(path)
    assert path.read_bytes() == b"theirs"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    import os

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="could not be written: No space left on device"):
        write_bytes(tmp_path / "a.bin", b"x")
    assert list(tmp_path.iterdir()) == []


def test_bad_places(tmp_path):
    with pytest.raises(FileError, match="is a directory"):
        check_writable(tmp_path)
    with pytest.raises(FileError, match=r"folder .* does not exist"):
        check_writable(tmp_path / "no" / "a.bin")


def test_unwritable_folder(tmp_path, monkeypatch):
    import os

    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(FileError, match="cannot be written to"):
        check_writable(tmp_path / "a.bin")


def test_standard_output(monkeypatch):
    class Out:
        buffer = io.BytesIO()

    monkeypatch.setattr(sys, "stdout", Out)
    check_writable(STANDARD)
    write_bytes(STANDARD, b"abc")
    assert Out.buffer.getvalue() == b"abc"
    with pytest.raises(RuntimeError):
        fail_while_writing(STANDARD, RuntimeError)
    assert Out.buffer.getvalue() == b"abc"


def test_closed_standard_output(monkeypatch):
    class Pipe(io.BytesIO):
        def write(self, data):
            raise BrokenPipeError(32, "Broken pipe")

    class Out:
        buffer = Pipe()

    monkeypatch.setattr(sys, "stdout", Out)
    with pytest.raises(FileError, match="standard output closed early"):
        write_bytes(STANDARD, b"abc")
