"""Ctrl-C and its kin: one line, the shell's exit status, and nothing partial, at any moment.

``pytest -m slow tests/fuzz/test_interrupted.py`` interrupts every command at many moments.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_killed import ENVIRONMENT, material

# says when our own code runs: what is interrupted before is not ours to report
PROGRAM = "import sys; from recover.cli import main; print('up', flush=True); main()"
STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


def interrupted(folder, arguments, delay, number, *, group=False):
    """Interrupt a command some time after it has begun; returns (status, stderr)."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments], cwd=folder, env=ENVIRONMENT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    time.sleep(delay)
    if group:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    _, err = process.communicate(timeout=120)
    return process.returncode, err


def one_line(err):
    assert err.strip().startswith("recover: "), err
    assert err.strip().count("\n") == 0, err
    assert err.strip().endswith("nothing partial was written"), err


@pytest.mark.parametrize("number", STATUS)
def test_interrupted_while_it_is_loaded(tmp_path, number):
    # it waits for its input, so that a late interruption still finds it at work
    status, err = interrupted(tmp_path, ["audio", "-", "-o", "x.wav"], 0.1, number)
    assert status == STATUS[number]
    one_line(err)


# the signal comes while a weak reference is told that its object has gone: Python drops what
# is raised there
DROPPED = """
import signal, sys, time, weakref
from recover.cli import main, run

class Thing: pass

def work():
    thing = Thing()
    kept = weakref.ref(thing, lambda _: signal.raise_signal({number}))
    del thing
    time.sleep(60)
    return 0

run.run = work
main()
"""


@pytest.mark.parametrize("number", STATUS)
def test_interrupted_where_exceptions_are_dropped(number):
    done = subprocess.run(
        [sys.executable, "-c", DROPPED.format(number=int(number))],
        capture_output=True, text=True, env=ENVIRONMENT, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == STATUS[number], done.stderr
    one_line(done.stderr)


def test_other_errors_of_finalisers_are_still_told():
    program = DROPPED.replace("signal.raise_signal({number})", "1 / 0").replace("60", "0.01")
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, env=ENVIRONMENT, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.slow
def test_what_nohup_ignores_stays_ignored(tmp_path):
    program = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); {PROGRAM}"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "capacity"], cwd=tmp_path, env=ENVIRONMENT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGHUP)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert "7.647" in out


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_every_command_at_many_moments(tmp_path, number):
    jobs = material(tmp_path)
    commands = {name: job.arguments for name, job in jobs.items()}
    commands["layer"] = ["certify", "f.npy", "--model", "modulus"]
    commands["capacity"] = ["capacity", "--layers", "9", "--method", "partial"]
    commands["inspect"] = ["inspect", "a.wav"]
    commands["demo"] = ["demo", "--out", "demo"]
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    rng = random.Random(int(number))
    for name, arguments in commands.items():
        for _ in range(6):
            folder_before = set(tmp_path.rglob("*"))
            group = name == "jobs" and number == signal.SIGINT  # as a terminal sends it
            delay = rng.choice((rng.uniform(0.1, 1.0), rng.uniform(0.1, 4.0)))
            status, err = interrupted(tmp_path, arguments, delay, number, group=group)
            if status == STATUS[number]:
                one_line(err)
            else:  # it was done, or only had to end
                assert status in (0, -number), (name, err)
                assert err == ""
            appeared = set(tmp_path.rglob("*")) - folder_before
            assert not [p for p in appeared if p.name.endswith(".partial")], name
            for path in sorted(appeared, reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
    after = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert after == before


def test_a_reader_that_has_gone(tmp_path):
    """Output into a pipe that is closed early, as by ``head``, is no disaster."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "list"], cwd=Path(tmp_path), env=ENVIRONMENT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=120) == 1
