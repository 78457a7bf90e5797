"""A Dask cluster of a scheduler and two workers, processes of their own on the loopback."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

import recover
from recover.audio import app
from recover.frames import CodedDiffraction

distributed = pytest.importorskip("distributed", reason="the extra cluster is not installed")

RATE = 8000
START = 120.0  # seconds that a process may take to start on a busy machine


def environment(*first):
    """Return the environment of a process that finds this package, or one given first."""
    path = os.pathsep.join([*map(str, first), str(Path(recover.__file__).parents[1])])
    return {**os.environ, "PYTHONPATH": path}


def begin(*args, cwd, env=None):
    """Start a process of Dask in a folder, which it searches first."""
    return subprocess.Popen(
        [sys.executable, "-m", *map(str, args)],
        env=env or environment(),
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@contextmanager
def running(folder, *workers, env=None, nanny=False):
    """Yield the address of a scheduler and its workers, one for each tuple of arguments."""
    file = folder / "scheduler.json"
    options = ["--host", "127.0.0.1", "--no-dashboard"]
    processes = [
        begin(
            "distributed.cli.dask_scheduler", *options, "--port", 0, "--no-jupyter",
            "--scheduler-file", file, cwd=folder,
        )
    ]  # fmt: skip
    try:
        address = wait_for(lambda: file.exists() and json.loads(file.read_text())["address"])
        for number, more in enumerate(workers):
            processes.append(
                begin(
                    "distributed.cli.dask_worker", address, *options, "--nthreads", 1,
                    "--nanny" if nanny else "--no-nanny", "--local-directory",
                    folder / f"worker{number}", "--death-timeout", START, *more,
                    cwd=folder, env=env,
                )
            )  # fmt: skip
        if workers:
            with distributed.Client(address, set_as_default=False, timeout=START) as client:
                client.wait_for_workers(len(workers), timeout=START)
        yield address, processes[0], processes[1:]
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(condition, seconds=START):
    """Return the first true value of a condition."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            found = condition()
        except json.JSONDecodeError:  # half written
            found = None
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("waited in vain")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with running(tmp_path_factory.mktemp("cluster"), (), ()) as (address, _, _):
        yield address


def recording(path, seed, seconds=1.0):
    """Write a clipped recording."""
    time_axis = np.arange(int(seconds * RATE)) / RATE
    rng = np.random.default_rng(seed)
    waves = [np.sin(2 * np.pi * f * time_axis) for f in rng.uniform(100, 1000, 4)]
    soundfile.write(path, np.clip(sum(waves), -1.5, 1.5), RATE, subtype="FLOAT")
    return path


def recordings(folder, count, seconds=1.0):
    return [recording(folder / f"take {k}.wav", k, seconds) for k in range(count)]


def contents(folder):
    """Return what a folder holds, times of runs left out of its JSON."""
    found = {}
    for path in folder.iterdir():
        if path.suffix == ".json":
            data = json.loads(path.read_text().replace(str(folder), "FOLDER"))
            for entry in data if isinstance(data, list) else [data]:
                assert entry.pop("seconds") > 0
            found[path.name] = json.dumps(data)
        elif path.suffix == ".npz":
            with np.load(path) as arrays:
                found[path.name] = {name: arrays[name].tobytes() for name in arrays.files}
        else:
            found[path.name] = path.read_bytes()
    return found


@pytest.fixture
def twice(run, tmp_path):
    """Run a command here and on the cluster; returns (status, folder, stderr) of each."""

    def call(address, *args, single=None, meanwhile=lambda _: None):
        results = []
        for name, more in (("local", ()), ("cluster", ("--cluster", address))):
            folder = tmp_path / name
            folder.mkdir()
            out = folder / single if single else folder
            event = threading.Thread(target=meanwhile, args=[folder])
            if more:
                event.start()
            status, _, err = run(*args, "-o", out, "--json", folder / "r.json", *more)
            if more:
                event.join()
            results.append((status, contents(folder), err.replace(str(folder), "FOLDER")))
        return results

    return call


def test_a_lost_worker_loses_and_doubles_nothing(twice, tmp_path):
    files = recordings(tmp_path, 8, seconds=2.0)
    text = tmp_path / "text.wav"
    text.write_text("this is no recording")
    with running(tmp_path, (), ()) as (address, _, workers):

        def kill(folder):
            wait_for(lambda: list(folder.glob("*.wav")))
            workers[0].kill()  # -9
            assert len(list(folder.glob("*.wav"))) < len(files)

        inputs = [*files[:3], text, *files[3:], tmp_path / "missing.wav"]
        local, there = twice(address, "audio", *inputs, "--quality", "fast", meanwhile=kill)
        assert workers[0].wait() == -9
        assert workers[1].poll() is None
    assert local == there
    assert local[0] == 1
    assert sorted(local[1]) == sorted([*(path.name for path in files), "r.json"])
    assert len(json.loads(local[1]["r.json"])) == len(files)
    assert local[2].count("\n") == 2


def test_nothing_answers(run, tmp_path, monkeypatch):
    monkeypatch.setattr("recover.cli.cluster._ANSWER", 1.0)
    (path,) = recordings(tmp_path, 1)
    started = time.monotonic()
    status, _, err = run("audio", path, "-o", tmp_path / "o.wav", "--cluster", "127.0.0.1:9")
    assert status == 1
    assert "no Dask scheduler answers at 127.0.0.1:9" in err
    assert err.count("\n") == 1
    assert time.monotonic() - started < START
    assert not (tmp_path / "o.wav").exists()


@pytest.mark.parametrize("address", ["somewhere", "tcp://somewhere"])
def test_an_address_has_a_port(run, tmp_path, address):
    (path,) = recordings(tmp_path, 1)
    status, _, err = run("audio", path, "-o", tmp_path / "o.wav", "--cluster", address)
    assert status == 1
    assert err.startswith(f"recover: {address} names no port; give --cluster the address that")
    assert err.count("\n") == 1


@pytest.mark.slow
def test_one_recording_with_its_side_files(cluster, twice, tmp_path):
    (path,) = recordings(tmp_path, 1)
    local, there = twice(
        cluster, "audio", path, "--diff", tmp_path / "d.wav", "--force", single="o.wav"
    )
    assert local == there
    assert local[0] == 0


@pytest.mark.slow
def test_blocks_of_a_long_recording(cluster, twice, tmp_path, monkeypatch):
    monkeypatch.setattr(app, "LONG", RATE)
    files = recordings(tmp_path, 2, seconds=6.0)
    local, there = twice(cluster, "audio", *files, "--quality", "fast")
    assert local == there
    assert local[0] == 0


@pytest.mark.slow
def test_a_worker_lost_in_the_midst_of_a_long_recording(twice, tmp_path, monkeypatch):
    monkeypatch.setattr(app, "LONG", RATE)
    path = recording(tmp_path / "long.wav", 0, seconds=60.0)
    with running(tmp_path, (), ()) as (address, _, workers):

        def kill(folder):
            with distributed.Client(address, set_as_default=False) as client:
                wait_for(lambda: all(client.processing().values()) and client.processing())
            workers[0].kill()
            assert not (folder / "o.wav").exists()

        local, there = twice(address, "audio", path, single="o.wav", meanwhile=kill)
        assert workers[1].poll() is None
    assert local == there
    assert local[0] == 0


@pytest.mark.slow
def test_threads_of_a_worker_change_no_bit(twice, tmp_path):
    files = recordings(tmp_path, 6)
    env = {**environment(), "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    with running(tmp_path, ("--nthreads", 3), env=env) as (address, _, _):
        local, there = twice(address, "audio", *files)
    assert local == there
    assert local[0] == 0


@pytest.mark.slow
def test_images(cluster, twice, tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a.npy", "b.npy", "mask.npy"):
        smooth = np.add.outer(np.sin(np.arange(48) / 9), np.cos(np.arange(48) / 7)) / 4 + 0.5
        picture = np.minimum(smooth + 0.01 * rng.random((48, 48)), 0.9)
        np.save(
            tmp_path / name, (picture >= 0.9).astype(float) if name == "mask.npy" else picture
        )
    a, b, mask = (tmp_path / name for name in ("a.npy", "b.npy", "mask.npy"))
    local, there = twice(cluster, "image", a, b, "--mask", mask)
    assert local == there
    assert local[0] == 0


@pytest.mark.slow
def test_measurements_with_a_setup(cluster, twice, tmp_path):
    rng = np.random.default_rng(0)
    frame = CodedDiffraction.octanary((12, 12), 6, rng)
    names = [tmp_path / name for name in ("a.npz", "b.npz")]
    for name in names:
        x = rng.standard_normal((12, 12)) + 1j * rng.standard_normal((12, 12))
        np.savez(name, magnitude=np.abs(frame.analysis(x)))
    np.savez(tmp_path / "setup.npz", masks=frame.masks, centered=False)
    local, there = twice(cluster, "phase", *names, "--setup", tmp_path / "setup.npz")
    assert local == there
    assert local[0] == 0


@pytest.mark.slow
def test_a_file_that_kills_its_workers_ends_as_a_line(run, tmp_path):
    files = recordings(tmp_path, 3)
    killer = recording(tmp_path / "killer.wav", 9)
    preload = tmp_path / "preload.py"
    preload.write_text(
        "import os\n"
        "from recover.audio import app\n"
        "from recover.io.audio_read import open_audio\n"
        "def fatal(path):\n"
        "    if str(path).endswith('killer.wav'):\n"
        "        os._exit(1)\n"
        "    return open_audio(path)\n"
        "app.open_audio = fatal\n"
    )
    out = tmp_path / "out"
    out.mkdir()
    more = ("--preload", preload)
    with running(tmp_path, more, more, nanny=True) as (address, _, _):
        status, text, err = run(
            "audio", files[0], killer, *files[1:], "-o", out, "--quality", "fast",
            "--cluster", address,
        )  # fmt: skip
    assert status == 1
    assert err.count("\n") == 1
    assert "killer.wav: every worker that took it was lost" in err
    assert sorted(path.name for path in out.iterdir()) == [path.name for path in files]
    assert "killer" not in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise ModuleNotFoundError('No module named recover')", "cannot use recover"),
        ("__version__ = '0.0.1'", "has recover 0.0.1, not"),
        ("__version__ = 'HERE'", "cannot use the code of recover"),
    ],
)
def test_workers_that_would_compute_something_else(run, tmp_path, code, words):
    (path,) = recordings(tmp_path, 1)
    package = tmp_path / "other" / "recover"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(code.replace("HERE", recover.__version__))
    with running(tmp_path, (), env=environment(tmp_path / "other")) as (address, _, _):
        status, _, err = run("audio", path, "-o", tmp_path / "o.wav", "--cluster", address)
    assert status == 1
    assert words in err
    assert err.count("\n") == 1
    assert not (tmp_path / "o.wav").exists()


@pytest.mark.slow
def test_no_workers(run, tmp_path):
    (path,) = recordings(tmp_path, 1)
    with running(tmp_path) as (address, _, _):
        status, _, err = run("audio", path, "-o", tmp_path / "o.wav", "--cluster", address)
    assert status == 1
    assert f"the scheduler at {address} has no workers" in err


@pytest.mark.slow
def test_a_lost_scheduler_keeps_what_is_done(run, tmp_path):
    files = recordings(tmp_path, 8, seconds=2.0)
    out = tmp_path / "out"
    out.mkdir()
    with running(tmp_path, ()) as (address, scheduler, _):

        def kill():
            wait_for(lambda: list(out.glob("*.wav")))
            scheduler.kill()

        event = threading.Thread(target=kill)
        event.start()
        status, _, err = run(
            "audio", *files, "-o", out, "--cluster", address, "--json", tmp_path / "r.json"
        )
        event.join()
    assert status == 1
    done = sorted(path.name for path in out.iterdir())
    entries = json.loads((tmp_path / "r.json").read_text())
    assert [Path(entry["input"]).name for entry in entries] == done
    assert err.count("the connection to the scheduler") == len(files) - len(done) > 0


@pytest.mark.slow
def test_an_interruption_ends_the_work_on_the_cluster(tmp_path):
    files = recordings(tmp_path, 6, seconds=4.0)
    out = tmp_path / "out"
    out.mkdir()
    with running(tmp_path, ()) as (address, _, _):
        process = subprocess.Popen(
            [sys.executable, "-m", "recover", "audio", *files, "-o", out, "--cluster", address],
            env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        wait_for(lambda: list(out.glob("*.wav")))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.strip() == "recover: interrupted; nothing partial was written"
    assert {path.name for path in out.iterdir()} < {path.name for path in files}
