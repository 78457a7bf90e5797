"""Where files lie: full disks, folders that are read-only, links, pipes, devices, odd names."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

import recover.io as rio
from recover.cli.main import main
from recover.io.image_file import Container, ImageFile, RawMosaic
from recover.io.image_write import write_image
from recover.io.phase_write import write_object
from recover.io.results import save_result

RATE = 8000
ROOM = 64  # kilobytes of a small disk


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line in this process; returns (status, stdout, stderr)."""

    def call(*args):
        monkeypatch.setattr(sys, "argv", ["recover", *map(os.fspath, map(str, args))])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    return call


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.wav"
    tone = np.clip(np.sin(np.arange(1500) / 9.0), -0.8, 0.8)
    soundfile.write(path, tone, RATE, subtype="FLOAT")
    return path


@pytest.fixture
def everything(tmp_path, clip):
    """Return {command: (arguments without output, files read, option of an output)}."""
    rng = np.random.default_rng(0)
    picture, frame = tmp_path / "picture.npy", tmp_path / "frame.npy"
    np.save(picture, np.minimum(np.add.outer(np.arange(16.0), np.arange(16.0)), 20.0))
    np.save(frame, rng.standard_normal((6, 2)))
    scene = np.zeros((8, 8))
    scene[:4, :4] = rng.random((4, 4))
    np.savez(tmp_path / "phase.npz", magnitude=np.abs(np.fft.fft2(scene)), support=scene > 0)
    np.savez(tmp_path / "layer.npz", W1=rng.standard_normal((6, 2)), b1=np.zeros(6))
    fast = ["--quality", "fast"]
    return {
        "audio": (["audio", clip, *fast], clip, "-o"),
        "image": (["image", picture], picture, "-o"),
        "phase": (["phase", tmp_path / "phase.npz"], tmp_path / "phase.npz", "-o"),
        "certify": (["certify", frame, "--model", "relu", "--budget", "1"], frame, "--json"),
        "layer": (["layer", tmp_path / "layer.npz", "--budget", "1"], tmp_path / "layer.npz",
                  "--json"),
        "inspect": (["inspect", clip], clip, "--json"),
    }  # fmt: skip


COMMANDS = ["audio", "image", "phase", "certify", "layer", "inspect"]


def one_line(err, *words):
    assert err.startswith("recover: "), err
    assert err.count("\n") == 1, err
    for word in words:
        assert str(word) in err, err


def snapshot(folder):
    """Return all files below a folder with their bytes."""
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and not p.is_symlink()}


@contextmanager
def mounted(folder, options):
    """Mount a small disk in memory; skip the test where that is not allowed."""
    folder.mkdir()
    if os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("only root may mount a disk")
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine does not let a disk be mounted")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.fixture
def small_disk(tmp_path):
    with mounted(tmp_path / "disk", f"size={ROOM}k") as folder:
        yield folder


@pytest.fixture
def read_only(tmp_path):
    """A folder that cannot be written to: for root that takes a disk that cannot be."""
    folder = tmp_path / "fixed"
    if os.geteuid() == 0:
        with mounted(folder, "ro") as disk:
            yield disk
        return
    folder.mkdir()
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    yield folder
    folder.chmod(stat.S_IRWXU)


# --- a full disk --------------------------------------------------------------------------


def image_writers():
    """Return {ending: writes a picture of more than a small disk takes to a path}."""
    noise = np.random.default_rng(0).integers(0, 65535, (200, 200), dtype=np.uint16)
    raw = RawMosaic(("RG", "GB"), (65535.0,) * 3, (0.0,) * 3, (1.0,) * 3, np.eye(3), "camera")

    def written(samples, container):
        source = ImageFile(samples, samples.ndim == 3, container, raw=raw)
        changed = np.zeros(samples.shape, dtype=bool)
        return lambda path: write_image(path, samples, source=source, recovered=changed)

    floats = noise.astype(np.float32)
    found = {".png": written(noise, Container.PNG), ".tif": written(noise, Container.TIFF)}
    found |= {".dng": written(noise, Container.DNG), ".npy": written(floats, Container.NPY)}
    return found | {
        ".exr": written(floats, Container.EXR),
        ".fits": written(floats, Container.NPY),
    }


def other_writers():
    rng = np.random.default_rng(0)
    samples, signal = rng.uniform(-1.0, 1.0, 60000), rng.standard_normal((90, 90)) * (1 + 2j)
    residuals = np.zeros(3)

    def written(path):
        write_object(path, signal, residuals, "{}", force=False)

    return {
        ".wav": lambda path: rio.write_audio(path, samples, RATE),
        ".flac": lambda path: rio.write_blocks(
            path, [samples[:, None]], (len(samples), 1), RATE,
            rio.AudioFormat("FLAC", "PCM_24"), metadata={},
        ),
        ".npz": lambda path: save_result(path, {"format": "x"}, {"signal": signal}),
        ".html": lambda path: rio.write_text(path, "x" * 100_000),
        ".h5": written,
    }  # fmt: skip


@pytest.mark.parametrize("ending", [".png", ".tif", ".dng", ".npy", ".exr", ".fits", ".wav",
                                    ".flac", ".npz", ".html", ".h5"])  # fmt: skip
def test_a_full_disk(small_disk, tmp_path, ending):
    write = {**image_writers(), **other_writers()}[ending]
    write(tmp_path / f"enough{ending}")  # where there is room it succeeds
    assert (tmp_path / f"enough{ending}").stat().st_size > 1024 * ROOM
    path = small_disk / f"out{ending}"
    with pytest.raises(
        rio.FileError, match=rf"out\{ending} could not be written: .*(No space|full)"
    ):
        write(path)
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize("name", ["audio", "image"])
def test_commands_on_a_full_disk(run, everything, small_disk, tmp_path, name):
    arguments, _, option = everything[name]
    (small_disk / "filler").write_bytes(bytes(1024 * ROOM))
    before = snapshot(tmp_path)
    ending = {"audio": ".wav", "image": ".tif"}[name]
    status, _, err = run(*arguments, option, small_disk / f"o{ending}")
    assert status == 1
    one_line(err, f"o{ending}", "could not be")
    assert snapshot(tmp_path) == before


def test_a_file_that_may_grow_no_further(clip, tmp_path):
    """The limit of a file's size, as batch systems set it, is a full disk too."""
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); "
        "from recover.cli import main; main()"
    )
    before = snapshot(tmp_path)
    # a measurement of coverage would meet the limit too
    kept = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    done = subprocess.run(
        [sys.executable, "-c", code, "audio", clip, "-o", tmp_path / "o.wav", "--no-certify",
         "--quality", "fast"],
        env={**kept, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    one_line(done.stderr, "o.wav", "File too large")
    assert snapshot(tmp_path) == before


def test_standard_input_that_finds_no_room(run, clip, small_disk, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    (small_disk / "filler").write_bytes(bytes(1024 * ROOM))
    with clip.open("rb") as stream:
        monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": stream}))
        status, _, err = run("inspect", "-")
    assert status == 1
    one_line(err, "standard input", "No space left")


# --- folders and files that must not be written -------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_a_read_only_folder_is_refused(run, everything, read_only, name):
    arguments, _, option = everything[name]
    ending = ".npz" if name == "phase" else ".npy" if name == "image" else ".wav"
    ending = ending if option == "-o" else ".json"
    status, _, err = run(*arguments, option, read_only / f"o{ending}")
    assert status == 1
    one_line(err, "cannot be written to")
    assert list(read_only.iterdir()) == []


def test_inputs_in_a_read_only_folder_are_read(run, clip, tmp_path):
    clip.chmod(stat.S_IRUSR)
    assert run("audio", clip, "-o", tmp_path / "o.wav", "--quality", "fast")[0] == 0


@pytest.mark.parametrize("how", ["name", "other name", "link", "hard link"])
@pytest.mark.parametrize("name", COMMANDS)
def test_no_output_is_the_input(run, everything, tmp_path, name, how):
    arguments, source, option = everything[name]
    target = source
    if how == "other name":
        (tmp_path / "sub").mkdir()
        target = tmp_path / "sub" / ".." / source.name
    elif how != "name":
        target = tmp_path / f"linked{source.suffix}"
        target.symlink_to(source) if how == "link" else target.hardlink_to(source)
    before = snapshot(tmp_path)
    status, out, err = run(*arguments, option, target, "--force")
    assert status == 1
    one_line(err, "is the input")
    assert out == ""
    assert snapshot(tmp_path) == before


def test_no_output_is_written_twice(run, clip, tmp_path):
    before = snapshot(tmp_path)
    twice = tmp_path / "a.json"
    status, _, err = run(
        "audio", clip, "-o", tmp_path / "o.wav", "--json", twice, "--save", twice
    )
    assert status == 1
    one_line(err, "a.json would be written twice")
    assert snapshot(tmp_path) == before


def test_results_do_not_become_their_own_page(run, clip, tmp_path):
    saved = tmp_path / "r.npz"
    assert run("audio", clip, "-o", tmp_path / "o.wav", "--save", saved, "--no-certify")[0] == 0
    status, _, err = run("report", saved, "-o", saved, "--force")
    assert status == 1
    one_line(err, "is the input")


# --- links --------------------------------------------------------------------------------


def test_links_to_inputs_are_followed(run, clip, tmp_path):
    link = tmp_path / "link.wav"
    link.symlink_to(clip.name)
    before = clip.read_bytes()
    assert run("audio", link, "-o", tmp_path / "o.wav", "--quality", "fast")[0] == 0
    assert link.is_symlink()
    assert clip.read_bytes() == before


@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_is_replaced_only_by_force_and_never_followed(run, clip, tmp_path, dangling):
    other, link = tmp_path / "other.wav", tmp_path / "o.wav"
    if not dangling:
        other.write_bytes(b"precious")
    link.symlink_to(other)
    arguments = ["audio", clip, "-o", link, "--quality", "fast"]
    status, _, err = run(*arguments)
    assert status == 1
    one_line(err, "exists")
    assert link.is_symlink()
    assert run(*arguments, "--force")[0] == 0
    assert not link.is_symlink()
    assert soundfile.info(link).frames == soundfile.info(clip).frames
    assert (other.read_bytes() == b"precious") if not dangling else not other.exists()


def test_a_link_to_a_folder_is_that_folder(run, clip, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    assert run("audio", clip, "-o", tmp_path / "link", "--quality", "fast")[0] == 0
    assert [p.name for p in (tmp_path / "folder").iterdir()] == ["clip.wav"]


def test_links_in_a_circle(run, tmp_path):
    a, b = tmp_path / "a.wav", tmp_path / "b.wav"
    a.symlink_to(b)
    b.symlink_to(a)
    status, _, err = run("inspect", a)
    assert status == 1
    one_line(err, "a.wav")


# --- devices, pipes, folders --------------------------------------------------------------


@pytest.mark.parametrize("device", ["/dev/stdout", "/dev/null", "/dev/fd/1", "/proc/self/fd/1"])
def test_devices_are_never_replaced(run, clip, device):
    before = os.lstat(device).st_mode
    status, _, err = run("inspect", clip, "--json", device, "--force")
    assert status == 1
    one_line(err, "device")
    assert os.lstat(device).st_mode == before


def test_a_pipe_is_no_output(run, clip, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    status, _, err = run("inspect", clip, "--json", pipe, "--force")
    assert status == 1
    one_line(err, "pipe")
    assert pipe.is_fifo()


@pytest.mark.parametrize("command", ["audio", "image", "inspect", "certify", "verify"])
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_devices_are_no_inputs(run, tmp_path, command, device):
    more = {"audio": ["-o", tmp_path / "o.wav"], "image": ["-o", tmp_path / "o.npy"],
            "certify": ["--model", "modulus"]}  # fmt: skip
    status, _, err = run(command, device, *more.get(command, []))
    assert status == 1
    one_line(err, device, "device")


@pytest.mark.parametrize("name", ["audio", "image"])
def test_inputs_may_come_through_a_pipe(run, everything, tmp_path, name):
    arguments, source, option = everything[name]
    pipe, ending = tmp_path / f"pipe{source.suffix}", source.suffix
    os.mkfifo(pipe)
    feeder = threading.Thread(target=lambda: pipe.write_bytes(source.read_bytes()))
    feeder.start()
    status, _, err = run(*[pipe if a == source else a for a in arguments], option,
                         tmp_path / f"piped{ending}")  # fmt: skip
    feeder.join()
    assert (status, err) == (0, "")
    assert run(*arguments, option, tmp_path / f"plain{ending}")[0] == 0
    plain, piped = (tmp_path / f"{n}{ending}" for n in ("plain", "piped"))
    assert plain.read_bytes() == piped.read_bytes()


@pytest.mark.parametrize("command", ["audio", "image", "phase", "certify", "layer", "verify",
                                     "report", "inspect"])  # fmt: skip
def test_a_folder_is_no_file(run, tmp_path, command):
    folder = tmp_path / "folder.npz"
    folder.mkdir()
    more = {"audio": ["-o", tmp_path / "o.wav"], "image": ["-o", tmp_path / "o.npy"],
            "phase": ["-o", tmp_path / "o.npz"], "certify": ["--model", "modulus"],
            "report": ["-o", tmp_path / "o.html"]}  # fmt: skip
    status, _, err = run(command, folder, *more.get(command, []))
    assert status == 1
    one_line(err, "folder.npz is a directory")


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_closed_streams(run, clip, monkeypatch, stream):
    monkeypatch.setattr(sys, stream, None)
    arguments = ["-"] if stream == "stdin" else [clip, "--json", "-"]
    status, _, err = run("inspect", *arguments)
    assert status == 1
    one_line(err, "closed")


# --- names --------------------------------------------------------------------------------

NAMES = [b"with spaces.wav", "ünïcödé 音.wav".encode(), b"new\nline.wav", b"-x.wav",
         b"--json.wav",
         b"not utf-8 \xff\xfe.wav", b"x" * 250 + b".wav", b"a\x1b[31mred.wav", b"'\"$(x)`;.wav",
         b"%s{}.wav"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=[str(k) for k in range(len(NAMES))])
def test_odd_names(run, clip, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    odd = os.fsdecode(name)
    source, out = Path("in") / odd, Path("out") / odd
    Path("in").mkdir()
    Path("out").mkdir()
    source.write_bytes(clip.read_bytes())
    monkeypatch.chdir("in")
    page = ["--report", "../r.html"] if b"8" in name else []
    status, text, err = run("audio", "--quality", "fast", "-o", Path("..") / out, "--json",
                            "../r.json", *page, "--", odd)  # fmt: skip
    assert (status, err) == (0, "")
    assert "\x1b" not in text
    os.chdir("..")
    assert [os.fsencode(p.name) for p in Path("out").iterdir()] == [name]
    assert json.loads(Path("r.json").read_text())["input"] == odd
    os.chdir("in")
    assert run("verify", "../r.json")[0] == 0
    status, _, err = run("inspect", "--", f"no{odd}"[-250:])
    assert status == 1
    one_line(err, "does not exist")
    assert "\x1b" not in err


def test_partial_files_of_long_names_fit(tmp_path):
    for name in ("é" * 127, "x" * 255):
        rio.write_bytes(tmp_path / name, b"whole")
        assert (tmp_path / name).read_bytes() == b"whole"
    with pytest.raises(rio.FileError, match="could not be written: File name too long"):
        rio.write_bytes(tmp_path / ("x" * 256), b"whole")
    with pytest.raises(rio.FileError, match="null byte"):
        rio.write_bytes(tmp_path / "a\0b", b"whole")
