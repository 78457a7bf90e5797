"""Runs that are killed: outputs are whole or absent, inputs as they were, leftovers known.

``pytest -m slow tests/fuzz/test_killed.py`` kills a hundred runs at random moments.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from recover.io import write_bytes

ROOT = Path(__file__).parents[2]
LEFTOVER = re.compile(r"\..+\.[0-9a-f]{8}\.partial")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
RATE = 16000

STEPS = {
    "while it is written": "recover.io.atomic._publish.never",
    "before it is forced to the disk": "os.fsync",
    "before it gets its name": "pathlib.Path.hardlink_to",
    "before it replaces another": "pathlib.Path.replace",
    "before its first name goes": "pathlib.Path.unlink",
}
CHILD = """
import os, pathlib, signal
import recover.io.atomic
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
{patch} = die
with recover.io.atomic.staged({target!r}, force={force}) as file:
    file.write(b"n")
    file.flush()
    if "never" in {patch!r}:
        die()
    file.write(b"ew")
"""


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_every_step_of_writing(tmp_path, step, force):
    """A child is killed where it would take a step: the file is whole, old, or absent."""
    target = tmp_path / "out.bin"
    if force:
        target.write_bytes(b"old")
    code = CHILD.format(target=str(target), force=force, patch=STEPS[step])
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, check=False)
    skipped = step == ("before it gets its name" if force else "before it replaces another")
    assert done.returncode == (0 if skipped else -signal.SIGKILL)
    published = skipped or step == "before its first name goes"
    assert (target.read_bytes() if target.exists() else None) == (
        b"new" if published else b"old" if force else None
    )
    others = [p.name for p in tmp_path.iterdir() if p != target]
    assert all(LEFTOVER.fullmatch(name) for name in others)
    assert len(others) <= 1
    # a later run is not disturbed by what the killed one left
    write_bytes(target, b"later", force=True)
    assert target.read_bytes() == b"later"
    assert [p.name for p in tmp_path.iterdir() if p != target] == others


@dataclass
class Job:
    """A command, what it reads and what it writes."""

    arguments: list[str]
    inputs: list[str]
    outputs: list[str]
    seconds: float = 0.0


def material(folder):
    """Write inputs; returns the jobs."""
    rng = np.random.default_rng(0)
    time_axis = np.arange(RATE // 2) / RATE
    for name in ("a", "b"):
        tone = np.sin(2 * np.pi * 330 * time_axis) + 0.3 * rng.standard_normal(RATE // 2)
        soundfile.write(folder / f"{name}.wav", np.clip(tone, -0.7, 0.7), RATE)
    picture = np.add.outer(np.hypot(*np.mgrid[-1:1:80j, -1:1:90j]), 0.1 * rng.random(3))
    np.save(folder / "i.npy", np.minimum(2.0 - picture, 1.6).astype(np.float32))
    scene = np.zeros((16, 16))
    scene[:8, :8] = rng.random((8, 8))
    np.savez(folder / "p.npz", magnitude=np.abs(np.fft.fft2(scene)), support=scene > 0.0)
    np.save(folder / "f.npy", rng.standard_normal((14, 4)))
    (folder / "several").mkdir()

    def job(name, source, output, *more):
        side = ["--json", f"{name}.json", "--save", f"{name}_saved.npz"]
        side += ["--report", f"{name}.html"] if name != "audio" else []
        return Job([name, source, "-o", output, *side, *more], [source], [output, *side[1::2]])

    return {
        "audio": job("audio", "a.wav", "audio.wav", "--quality", "fast"),
        "image": job("image", "i.npy", "image.tif"),
        "phase": job("phase", "p.npz", "phase.npz"),
        "certify": Job(["certify", "f.npy", "--model", "relu", "--json", "c.json"], ["f.npy"],
                       ["c.json"]),
        "jobs": Job(["audio", "a.wav", "b.wav", "-o", "several", "--jobs", "2", "--quality",
                     "fast", "--json", "jobs.json"], ["a.wav", "b.wav"],
                    ["several/a.wav", "several/b.wav", "jobs.json"]),
    }  # fmt: skip


def started(folder, arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "recover", *arguments], cwd=folder, env=ENVIRONMENT,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def content(path):
    """Return a file's bytes, without the times that it tells."""
    data = path.read_bytes()
    if path.suffix in {".json", ".html"}:
        return re.sub(rb'"seconds": [0-9.e-]+|[0-9.]+ s\b', b"", data)
    return data


def finished(folder, job):
    """Run a job to its end, over what is there; returns what it wrote."""
    begun = time.monotonic()
    process = started(folder, [*job.arguments, "--force"])
    _, err = process.communicate(timeout=120)
    job.seconds = time.monotonic() - begun
    assert process.returncode == 0, err.decode()
    return {name: content(folder / name) for name in job.outputs}


def end_group(process):
    """Kill a run with all the processes that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def killed_runs(folder, names, count, seed):
    """Kill runs at random moments, check what each leaves; return how many files appeared."""
    jobs = material(folder)
    whole = {name: finished(folder, jobs[name]) for name in names}
    inputs = {s: (folder / s).read_bytes() for name in names for s in jobs[name].inputs}
    known = set(folder.rglob("*"))
    for outputs in whole.values():
        for name in outputs:
            (folder / name).unlink()
    rng = random.Random(seed)
    appeared = 0
    for index in range(count):
        name = names[index % len(names)]
        job = jobs[name]
        process = started(folder, job.arguments)
        time.sleep(rng.uniform(0.0, 1.1) * job.seconds)
        if rng.random() < 0.5:  # what was started by it has to end of its own accord
            process.kill()
            process.wait()
            time.sleep(0.5)
        end_group(process)
        for output, expected in whole[name].items():
            if (folder / output).exists():
                assert content(folder / output) == expected, output
                (folder / output).unlink()
                appeared += 1
        strays = [p for p in folder.rglob("*") if p not in known]
        assert all(LEFTOVER.fullmatch(p.name) for p in strays), strays
        assert {s: (folder / s).read_bytes() for s in inputs} == inputs
    for name in names:  # what was left behind disturbs no later run
        assert finished(folder, jobs[name]) == whole[name]
    return appeared


def test_killed_runs(tmp_path):
    killed_runs(tmp_path, ["certify"], 3, seed=0)


@pytest.mark.slow
def test_a_hundred_killed_runs(tmp_path):
    names = ["audio", "image", "phase", "certify", "jobs"]
    assert killed_runs(tmp_path, names, 100, seed=1) > 10  # some were whole already
