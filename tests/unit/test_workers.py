"""What a process that does files answers, and how it ends."""

import signal
from multiprocessing import Pipe
from pathlib import Path

import pytest

from recover.cli import workers
from recover.cli.file_work import Failure, FileWork, WorkerLostError
from recover.cli.workers import LocalWorkers
from recover.core.errors import ParameterError
from recover.core.progress import Progress


def shout(source, output, options, *, jobs, watch):
    watch(Progress(1, 2, 0.0))
    watch(Progress(2, 2, 0.0))  # too soon after the first to be told
    if source == "bad":
        raise ParameterError("bad is bad")
    return source.upper()


@pytest.fixture
def kept_signals():
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    kept = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_a_process_does_files_until_the_pipe_ends(kept_signals, monkeypatch):
    monkeypatch.setattr(workers, "keep_one_blas_thread", lambda: None)
    here, there = Pipe()
    for source in ("a", "bad"):
        here.send((source, "out"))
    answers = []
    with here:
        monkeypatch.setattr(workers, "_TOLD_EVERY", 100.0)
        here_sends_no_more = ClosingAfter(there, 2)
        workers._serve(here_sends_no_more, FileWork(shout, None, str.lower))
        while here.poll():
            answers.append(here.recv())
    assert answers == [0.5, "a", 0.5, Failure("bad is bad")]
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    with pytest.raises(SystemExit):
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(SystemExit):
        signal.raise_signal(signal.SIGHUP)


class ClosingAfter:
    """An end of a pipe whose other end closes after some messages."""

    def __init__(self, pipe, count):
        self.pipe, self.left = pipe, count

    def recv(self):
        if self.left == 0:
            raise EOFError
        self.left -= 1
        return self.pipe.recv()

    def send(self, message):
        self.pipe.send(message)


def test_a_process_that_ends_is_told_with_its_status(tmp_path, monkeypatch):
    class Gone:
        def __init__(self, work):
            self.ended = False

        def ask(self, index, source, target, told):
            raise EOFError

        def stop(self):
            raise AssertionError("it has gone already")

        def end(self):
            return -9

    monkeypatch.setattr(workers, "_Child", Gone)
    with LocalWorkers(FileWork(shout, None, str), 1, lambda *_: None) as crew:
        future = crew.submit(0, "a", str(Path(tmp_path) / "b"))
        with pytest.raises(WorkerLostError, match="status -9"):
            crew.outcome(future)
