"""What a worker of a cluster does: it gets a file as bytes and gives back files as bytes.

It sees no other file of the client, and writes only into a folder of its own that it removes.
"""

from __future__ import annotations

import dataclasses
import importlib
import pickle
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from recover.audio.stream_jobs import run_stretch
from recover.audio.task import RecoveredStretch, StretchTask
from recover.cli.cluster_versions import digest
from recover.cli.file_work import Failure, FileWork, attempt, share_of
from recover.core.errors import RecoverError
from recover.core.progress import Progress
from recover.core.threads import keep_one_blas_thread

__all__ = [
    "Delivery",
    "Parcel",
    "renamed",
    "run_parcel",
    "stretch_on_worker",
    "unpack",
]

_TOLD_EVERY = 0.5  # seconds between two messages on a file
_OTHER = "a worker that joined the cluster later has other versions; start it like the others"


@dataclass(frozen=True, eq=False)
class Parcel:
    """A file on its way to a worker.

    Parameters
    ----------
    work : FileWork
        What is done with it.
    index : int
        Its number among the inputs.
    source, target : str
        Its name, and where the recovered one goes, on the client.
    data : bytes
        What it holds.
    further : mapping of str to bytes
        What the files hold that options name, by the option.
    whole : bool
        Whether the report itself is wanted, not what is kept of it.
    topic : str
        Where progress is told.
    digest : str
        Of the client's code and versions; a worker with others refuses.
    """

    work: FileWork[Any, Any, Any]
    index: int
    source: str
    target: str
    data: bytes
    further: Mapping[str, bytes]
    whole: bool
    topic: str
    digest: str


@dataclass(frozen=True, eq=False)
class Delivery:
    """What became of a file.

    Parameters
    ----------
    outcome : object
        The report, what is kept of it, or a Failure.
    files : mapping of str to bytes
        What is to be written on the client, by name.
    """

    outcome: Any
    files: Mapping[str, bytes]


class _Task(Protocol):
    @property
    def state(self) -> str: ...


class _Tasks(Protocol):
    @property
    def tasks(self) -> Mapping[str, _Task]: ...


class _Worker(Protocol):
    """The part of a worker of Dask that is used."""

    @property
    def local_directory(self) -> str: ...

    @property
    def state(self) -> _Tasks: ...

    def get_current_task(self) -> str: ...

    def log_event(self, topic: str, msg: object) -> None: ...


def run_parcel(packed: bytes) -> bytes:
    """Do one file on a worker; takes a pickled `Parcel` and returns a pickled `Delivery`."""
    parcel = cast(Parcel, pickle.loads(packed))
    keep_one_blas_thread()
    if digest() != parcel.digest:
        return pickle.dumps(Delivery(Failure(_OTHER), {}))
    worker = cast(_Worker, importlib.import_module("distributed").get_worker())
    watch = _Teller(worker, parcel)
    with tempfile.TemporaryDirectory(prefix="recover-", dir=worker.local_directory) as folder:
        return pickle.dumps(unpack(parcel, Path(folder), watch))


def stretch_on_worker(expected: str, task: StretchTask, seed: int) -> RecoveredStretch:
    """Recover one stretch of a long recording on a worker that has the client's digest.

    Raises
    ------
    RecoverError
        If it has another.
    """
    keep_one_blas_thread()
    if digest() != expected:
        raise RecoverError(_OTHER)
    return run_stretch(task, seed)


def unpack(parcel: Parcel, folder: Path, watch: _Teller | None) -> Delivery:
    """Do a file in an empty folder; names of files in it become the client's again."""
    options = parcel.work.options
    source = _place(folder, "in", parcel.source)
    source.write_bytes(parcel.data)
    target = _place(folder, "out", parcel.target)
    names = {str(source): parcel.source, str(target): parcel.target}
    changed: dict[str, str] = {}
    for option in (*parcel.work.reads, *parcel.work.writes):
        name = getattr(options, option)
        if name is not None:
            path = _place(folder, option, name)
            changed[option], names[str(path)] = str(path), name
            if option in parcel.further:
                path.write_bytes(parcel.further[option])
    work = dataclasses.replace(parcel.work, options=dataclasses.replace(options, **changed))
    outcome = attempt(work, str(source), str(target), watch, whole=parcel.whole)
    written = [target, *(Path(changed[o]) for o in work.writes if o in changed)]
    files = {
        names[str(path)]: path.read_bytes()
        for path in written
        if path.exists() and not isinstance(outcome, Failure)
    }
    return Delivery(renamed(outcome, names), files)


def _place(folder: Path, room: str, name: str) -> Path:
    place = folder / room
    place.mkdir()
    return place / Path(name).name


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Return a value with other names of files in its texts.

    Parameters
    ----------
    value : object
        Texts, and tuples, lists, dictionaries and dataclasses of them; all else stays.
    names : mapping of str to str
        The names by those that they replace.
    """
    if type(value) is str:  # not an enumeration's member
        for old, new in names.items():
            value = value.replace(old, new)
        return value
    if isinstance(value, tuple | list):
        items = [renamed(item, names) for item in value]
        same = all(a is b for a, b in zip(items, value, strict=True))
        return value if same or hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, dict):
        return {key: renamed(item, names) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [field.name for field in dataclasses.fields(value) if field.init]
        every = {field: renamed(getattr(value, field), names) for field in fields}
        changed = {k: each for k, each in every.items() if each is not getattr(value, k)}
        return dataclasses.replace(value, **changed) if changed else value
    return value


class _UnwantedError(RecoverError):
    """The client has gone or has given up the file."""


class _Teller:
    """Tells the client the progress of a file; ends the work if nobody waits for it."""

    def __init__(self, worker: _Worker, parcel: Parcel) -> None:
        self._worker, self._parcel = worker, parcel
        self._key = worker.get_current_task()
        self._next = 0.0

    def __call__(self, progress: Progress, /) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _TOLD_EVERY
        task = self._worker.state.tasks.get(self._key)
        if task is None or task.state == "cancelled":
            raise _UnwantedError("nobody waits for the file any more")
        self._worker.log_event(self._parcel.topic, [self._parcel.index, share_of(progress)])
