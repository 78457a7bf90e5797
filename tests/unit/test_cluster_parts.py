"""What a cluster's worker gets and gives back, and how its versions are compared."""

import dataclasses
import pickle
import pkgutil
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from recover.cli.cluster import connected
from recover.cli.cluster_task import (
    Parcel,
    renamed,
    run_parcel,
    stretch_on_worker,
    unpack,
)
from recover.cli.cluster_versions import check_versions, digest
from recover.cli.file_work import Failure, FileWork
from recover.core.errors import MissingExtraError, ParameterError, RecoverError
from recover.core.progress import Progress
from recover.core.rigor import RigorKind


@dataclass(frozen=True)
class Names:
    setup: str | None = None
    diff: str | None = None
    size: int = 3


@dataclass(frozen=True, eq=False)
class Told:
    input: str
    output: str
    options: Names
    notes: tuple[str, ...]
    array: np.ndarray


def copy(source, output, options, *, jobs, watch):
    data = Path(source).read_bytes()
    Path(output).write_bytes(data + Path(options.setup).read_bytes())
    Path(options.diff).write_text(source)
    if data == b"bad":
        raise ParameterError(f"{source} is bad")
    return Told(source, output, options, (f"read {source}",), np.zeros(2))


def parcel(data):
    work = FileWork(copy, Names("s/setup.npz", "d/-diff.wav"), str, ("setup",), ("diff",))
    return Parcel(
        work=work, index=0, source="a b/in.wav", target="o/out.wav", data=data,
        further={"setup": b"!"}, whole=True, topic="", digest="",
    )  # fmt: skip


def test_a_parcel_comes_back_under_the_clients_names(tmp_path):
    delivery = unpack(parcel(b"data"), tmp_path, None)
    told = delivery.outcome
    assert (told.input, told.output) == ("a b/in.wav", "o/out.wav")
    assert told.options == Names("s/setup.npz", "d/-diff.wav")
    assert told.notes == ("read a b/in.wav",)
    assert delivery.files["o/out.wav"] == b"data!"
    assert set(delivery.files) == {"o/out.wav", "d/-diff.wav"}


def test_a_failed_parcel_brings_no_files(tmp_path):
    delivery = unpack(parcel(b"bad"), tmp_path, None)
    assert delivery.outcome == Failure("a b/in.wav is bad")
    assert delivery.files == {}


class Worker:
    """Stands for a worker of Dask: a folder, tasks with states, a log of events."""

    def __init__(self, folder, state):
        self.local_directory, self.log = str(folder), []
        self.state = SimpleNamespace(tasks={"key": SimpleNamespace(state=state)})

    def get_current_task(self):
        return "key"

    def log_event(self, topic, msg):
        self.log.append((topic, msg))


def slow(source, output, options, *, jobs, watch):
    watch(Progress(1, 4, 0.5))
    watch(Progress(2, 4, 0.5))  # too soon after the first to be told
    Path(output).write_bytes(b"done")
    return "report"


@pytest.mark.parametrize(
    ("state", "mark", "outcome", "told"),
    [
        ("executing", None, "report", [("topic", [7, 0.25])]),
        ("cancelled", None, Failure("nobody waits for the file any more"), []),
        ("executing", "another", Failure("a worker that joined the cluster later"), []),
    ],
)
def test_a_worker_runs_a_parcel(tmp_path, monkeypatch, state, mark, outcome, told):
    distributed = pytest.importorskip("distributed", reason="the extra is not installed")
    worker = Worker(tmp_path, state)
    monkeypatch.setattr(distributed, "get_worker", lambda: worker)
    packed = pickle.dumps(
        dataclasses.replace(
            parcel(b""), work=FileWork(slow, Names(), str), index=7, topic="topic",
            digest=mark or digest(),
        )
    )  # fmt: skip
    delivery = pickle.loads(run_parcel(packed))
    if isinstance(outcome, Failure):
        assert delivery.outcome.message.startswith(outcome.message)
        assert delivery.files == {}
    else:
        assert delivery.outcome == outcome
        assert delivery.files == {"o/out.wav": b"done"}
    assert worker.log == told
    assert list(tmp_path.iterdir()) == []


def test_only_texts_are_renamed():
    array, kind = np.arange(3), RigorKind.PROVED
    value = {"k": [array, kind, "x/y", 1.5, None], "t": (1, "x/y and x/z")}
    found = renamed(value, {"x/": "w/"})
    assert found["k"][0] is array
    assert found["k"][1] is kind
    assert found["k"][2:] == ["w/y", 1.5, None]
    assert found["t"] == (1, "w/y and w/z")
    same = Names("here")
    assert renamed(same, {"x/": "w/"}) is same
    assert renamed(same, {"here": "there"}) == dataclasses.replace(same, setup="there")


def answers(**other):
    """Return what calls a function on two workers, of which the second differs."""

    def run(function, *args, on_error):
        assert on_error == "return"
        own = function(*args)
        name = args[0].partition(":")[0] if args else function.__name__
        return {"tcp://a:1": own, "tcp://b:2": other.get(name, own)}

    return run


def mark():
    return "0123"


def test_versions_are_compared():
    check_versions(answers(), mark)
    for name, found, words in [
        ("recover", ModuleNotFoundError("No module"), "worker tcp://b:2 cannot use recover"),
        ("numpy", "1.0", "worker tcp://b:2 has numpy 1.0, not"),
        ("python_version_tuple", ("3", "9", "1"), "worker tcp://b:2 has Python 3.9, not"),
        ("mark", "4567", "digest 4567, not 0123"),
    ]:
        with pytest.raises(ParameterError, match=words):
            check_versions(answers(**{name: found}), mark)
    assert pkgutil.resolve_name("recover:__version__")


def test_a_worker_that_joins_later_with_other_versions_refuses():
    assert len(digest()) == 16
    with pytest.raises(RecoverError, match="other versions"):
        stretch_on_worker("other", None, 0)


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(MissingExtraError, match=r"pip install 'recover\[cluster\]'"),
        connected("tcp://127.0.0.1:9"),
    ):
        pass
