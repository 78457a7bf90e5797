"""Several files in several processes: order, faults of one, interruptions, lost processes."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
import soundfile

import recover
from recover.cli.batch import Place
from recover.cli.file_work import Failure, FileWork, WorkerLostError, attempt, share_of
from recover.cli.gather import Board, gather
from recover.cli.output import Bar
from recover.core.errors import ParameterError
from recover.core.progress import Progress

RATE = 8000
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(recover.__file__).parents[1])}


def recording(path, seed, seconds=1.0):
    """Write a clipped recording."""
    axis = np.arange(int(seconds * RATE)) / RATE
    rng = np.random.default_rng(seed)
    waves = [np.sin(2 * np.pi * f * axis) for f in rng.uniform(100, 1000, 4)]
    soundfile.write(path, np.clip(sum(waves), -1.5, 1.5), RATE, subtype="FLOAT")
    return path


def test_processes_change_nothing(run, tmp_path):
    files = [recording(tmp_path / f"take {k}.wav", k, 0.5 + k) for k in (2, 0, 1)]
    bad = tmp_path / "text.wav"
    bad.write_text("this is no recording")
    files.insert(1, bad)
    found = []
    for jobs in (1, 2):
        folder = tmp_path / "out"
        folder.mkdir()
        args = ["--quality", "fast", "--json", tmp_path / "r.json", "--force", "--jobs", jobs]
        status, text, err = run("audio", *files, "-o", folder, *args)
        assert status == 1
        data = json.loads((tmp_path / "r.json").read_text())
        for entry in data:
            assert entry.pop("seconds") > 0
        rows = [line.split("  ")[0] for line in text.splitlines()[2:5]]
        assert rows == ["take 2.wav", "take 0.wav", "take 1.wav"]
        assert [Path(entry["input"]).name for entry in data] == rows
        found.append((data, err, {path.name: path.read_bytes() for path in folder.iterdir()}))
        folder.rename(tmp_path / f"out{jobs}")
    assert found[0] == found[1]
    assert err.count("\n") == 1
    assert "text.wav" in err


def begin(*args):
    """Start the command line as a process that leads a group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "recover", *map(str, args)],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def children(process):
    """Return the processes that a process has started, and that have started others."""
    listing = Path(f"/proc/{process}/task/{process}/children")
    direct = [int(each) for each in listing.read_text().split()]
    return [*direct, *(each for child in direct for each in children(child))]


def wait_for(condition, seconds=120.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def alive(process):
    try:
        return (
            "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        )
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("everyone", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_an_interruption_leaves_nothing_partial(tmp_path, everyone):
    files = [recording(tmp_path / f"{k}.wav", k, 3.0) for k in range(6)]
    folder = tmp_path / "out"
    folder.mkdir()
    process = begin("audio", *files, "-o", folder, "--jobs", 2, "--json", tmp_path / "r.json")
    wait_for(lambda: list(folder.glob("*.wav")))  # one is done, others are under way
    started = children(process.pid)
    if everyone:  # as Ctrl-C in a terminal does
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err.lstrip("\n") == "recover: interrupted; nothing partial was written\n"
    wait_for(lambda: not any(map(alive, started)))
    done = {path.name for path in folder.iterdir()}
    assert done < {path.name for path in files}
    for name in done:
        assert soundfile.info(folder / name).frames == soundfile.info(tmp_path / name).frames
    assert not (tmp_path / "r.json").exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_killed_process_loses_no_file(tmp_path):
    files = [recording(tmp_path / f"{k}.wav", k, 2.0) for k in range(4)]
    folder = tmp_path / "out"
    folder.mkdir()
    process = begin("audio", *files, "-o", folder, "--jobs", 2)
    wait_for(lambda: list(folder.glob("*.wav")))
    os.kill(children(process.pid)[-1], signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert {path.name for path in folder.glob("*.wav")} == {path.name for path in files}


class Crew:
    """Runs files at once; some lose the process that works on them, a given number of times."""

    width = 3

    def __init__(self, losses):
        self.losses, self.begun = dict(losses), []

    def submit(self, index, source, target):
        self.begun.append(source)
        future = Future()
        if self.losses.get(source, 0) > 0:
            self.losses[source] -= 1
            future.set_exception(WorkerLostError("lost"))
        else:
            future.set_result(f"{source} to {target}")
        return future

    def outcome(self, future):
        return future.result()


def test_what_lost_its_process_is_tried_again_alone():
    names = list("abcde")
    board = Board(Bar("", quiet=True), names)
    crew = Crew({"b": 1, "d": 2})
    gather(crew, [(k, name.upper()) for k, name in enumerate(names)], board)
    assert crew.begun == [*"abcde", "b", "d"]
    assert board.outcomes() == ["a to A", "b to B", "c to C", Failure("lost"), "e to E"]


def test_failures_are_told_in_the_order_of_the_inputs(capsys):
    board = Board(Bar("", quiet=True), ["a", "b", "c"])
    board.settle(2, Failure("third"))
    assert capsys.readouterr().err == ""
    board.settle(0, Failure("first"))
    assert capsys.readouterr().err == "recover: a: first\n"
    board.settle(1, "done")
    assert capsys.readouterr().err == "recover: c: third\n"
    Board(Bar("", quiet=True), ["a.wav", "b.wav"]).settle(0, Failure("a.wav is empty"))
    assert capsys.readouterr().err == "recover: a.wav is empty\n"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ParameterError("no good"), "no good"),
        (MemoryError(), "does not fit into memory"),
        (ZeroDivisionError("by zero"), "unexpected ZeroDivisionError: by zero"),
    ],
)
def test_any_fault_of_a_file_is_a_line(error, words):
    def process(source, output, options, *, jobs, watch):
        raise error

    outcome = attempt(FileWork(process, None, str), "in", "out", None)
    assert isinstance(outcome, Failure)
    assert words in outcome.message


def test_an_interruption_is_no_fault_of_a_file():
    def process(source, output, options, *, jobs, watch):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt(FileWork(process, None, str), "in", "out", None)


def test_one_bar_for_all():
    told = []
    board = Board(told.append, ["a", "b"])
    board.watch(0)(Progress(1, 4, 0.1))
    board.watch(1)(Progress(1, 2, 0.1))
    board.settle(0, "done")
    assert [(each.step, each.total) for each in told] == [(25, 200), (75, 200), (150, 200)]
    assert share_of(Progress(5, 0, 0.0)) == 1.0


@pytest.mark.parametrize(
    ("place", "names", "words"),
    [
        (Place(2, "tcp://a:1"), ["x.wav"], "excludes --jobs 2"),
        (Place(1, "tcp://a:1"), ["-"], "not standard input"),
    ],
)
def test_a_cluster_has_its_conditions(place, names, words):
    with pytest.raises(ParameterError, match=words):
        place.check(names)
    Place(place.jobs, None).check(names)
