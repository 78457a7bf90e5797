"""The same input and seed give the same bytes, run after run and for any number of jobs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tifffile

import recover
from recover.frames import CodedDiffraction

RATE = 8000
RUN = """
import json, sys
from recover.cli import main
for line in json.load(open(sys.argv[1])):
    sys.argv = ["recover", *line]
    try:
        main()
    except SystemExit as ended:
        assert ended.code == 0, (line, ended.code)
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Small files of every kind, two of those that `--jobs` shares out."""
    folder = tmp_path_factory.mktemp("inputs")
    rng = np.random.default_rng(0)
    axis = np.arange(RATE // 2) / RATE
    frame = CodedDiffraction.octanary((12, 12), 6, rng)
    for k in range(2):
        wave = sum(np.sin(2 * np.pi * f * axis) for f in rng.uniform(100, 1000, 4))
        soundfile.write(folder / f"{k}.wav", np.clip(wave, -1.5, 1.5), RATE, subtype="FLOAT")
        light = np.add.outer(np.sin(np.arange(24) / (6 + k)), np.cos(np.arange(24) / 5))
        picture = np.stack([light + 0.1 * c + 0.01 * rng.random(light.shape) for c in range(3)])
        pixels = np.minimum(20000 * (picture + 2), 60000).astype(np.uint16)
        tifffile.imwrite(folder / f"{k}.tif", np.moveaxis(pixels, 0, -1), photometric="rgb")
        x = rng.standard_normal((12, 12)) + 1j * rng.standard_normal((12, 12))
        y = np.abs(frame.analysis(x))
        np.savez(folder / f"{k}.npz", magnitude=y, masks=frame.masks, centered=False)
    np.save(folder / "frame.npy", rng.standard_normal((9, 3)))
    np.savez(folder / "net.npz", weight=rng.standard_normal((9, 3)), bias=np.zeros(9))
    return folder


def lines(inputs, jobs):
    """Return commands that write into the working folder."""
    recovered = [
        [name, *[str(inputs / f"{k}.{ending}") for k in range(2)], "-o", name, "--seed", "3",
         "--json", f"{name}.json", "--jobs", str(jobs), "--quiet"]
        for name, ending in (("audio", "wav"), ("image", "tif"), ("phase", "npz"))
    ]  # fmt: skip
    single = [
        ["image", str(inputs / "0.tif"), "-o", "single.tif", "--json", "single.json",
         "--report", "single.html", "--save", "single.npz", "--quiet"],
        ["certify", str(inputs / "frame.npy"), "--model", "relu", "--bias", "-0.5",
         "--json", "certify.json", "--quiet"],
        # searches end by the clock: only those that come to their end are the same again
        ["layer", str(inputs / "net.npz"), "--json", "layer.json", "--budget", "600"],
    ]  # fmt: skip
    return recovered + single


def outputs(folder, commands, hash_seed):
    """Run commands in a process and a folder of their own; return what they wrote."""
    folder.mkdir()
    for name in ("audio", "image", "phase"):
        (folder / name).mkdir()
    (folder / "lines.json").write_text(json.dumps(commands))
    root = str(Path(recover.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", RUN, "lines.json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": root, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (folder / "lines.json").unlink()
    return {
        path.relative_to(folder).as_posix(): without_times(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def without_times(path):
    if path.suffix == ".json":
        return json.dumps(timeless(json.loads(path.read_text())))
    if path.suffix == ".npz":  # an archive notes when it was made
        with np.load(path) as arrays:
            return {name: arrays[name].tobytes() for name in arrays.files}
    return path.read_bytes()


def timeless(value):
    if isinstance(value, dict):
        return {key: timeless(each) for key, each in value.items() if key != "seconds"}
    return [timeless(each) for each in value] if isinstance(value, list) else value


def differing(first, other):
    return [name for name in {**first, **other} if first.get(name) != other.get(name)]


def repeat(inputs, folder, runs):
    first = outputs(folder / "0", lines(inputs, 1), 0)
    assert len(first) == 15
    for k in range(1, runs):
        again = outputs(folder / str(k), lines(inputs, 1), k)
        assert differing(first, again) == []


def test_two_runs(inputs, tmp_path):
    repeat(inputs, tmp_path, 2)


@pytest.mark.slow
def test_twenty_runs(inputs, tmp_path):
    repeat(inputs, tmp_path, 20)


@pytest.mark.slow
def test_jobs(inputs, tmp_path):
    first = outputs(tmp_path / "one", lines(inputs, 1), 0)
    assert differing(first, outputs(tmp_path / "two", lines(inputs, 2), 1)) == []
