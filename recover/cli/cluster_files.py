"""Files, and blocks of long recordings, as tasks on the workers of a cluster.

Files travel as bytes and only this process writes outputs, each once: a task that runs twice,
because its worker was lost or was thought to be, changes nothing.
"""

from __future__ import annotations

import pickle
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, cast

from recover.audio.task import RecoveredStretch, StretchTask
from recover.cli.cluster import Cluster
from recover.cli.cluster_task import (
    Delivery,
    Parcel,
    run_parcel,
    stretch_on_worker,
)
from recover.cli.cluster_versions import digest
from recover.cli.file_work import Failure, FileWork, Kept, Options, Report, attempt
from recover.cli.gather import Board, gather, work_here
from recover.core.errors import RecoverError
from recover.io.atomic import check_writable, write_bytes
from recover.io.errors import FileError

__all__ = ["ClusterFiles", "ClusterStretches", "work_on_cluster"]


class ClusterStretches:
    """Recovers stretches of a long recording on a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @property
    def width(self) -> int:
        """How many to have under way."""
        return self._cluster.width

    def submit(self, task: StretchTask, seed: int) -> Future[RecoveredStretch]:
        """Return the future of a recovered stretch."""
        return self._cluster.submit(stretch_on_worker, digest(), task, seed)


class ClusterFiles(Generic[Options, Report, Kept]):
    """Files, each a task of its own.

    Parameters
    ----------
    cluster : Cluster
    work : FileWork
        What is done with each.
    force : bool
        Whether existing outputs may be replaced.
    told : callable
        Called with the index of a file and the share of it that is done.
    whole : bool
        Whether the reports themselves are wanted.
    """

    def __init__(
        self,
        cluster: Cluster,
        work: FileWork[Options, Report, Kept],
        *,
        force: bool,
        told: Callable[[int, float], None],
        whole: bool,
    ) -> None:
        self._cluster, self._work = cluster, work
        self._force, self._whole, self._told = force, whole, told
        self._topic = f"recover-{secrets.token_hex(8)}"

    @property
    def width(self) -> int:
        """How many to have under way, which changes as workers come and go."""
        return self._cluster.width

    def __enter__(self) -> Self:
        self._cluster.client.subscribe_topic(self._topic, self._tell)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(Exception):  # the scheduler may be gone
            self._cluster.client.unsubscribe_topic(self._topic)

    def submit(self, index: int, source: str, target: str) -> Future[Any]:
        """Send a file."""
        try:
            parcel = self._parcel(index, source, target)
        except (RecoverError, OSError):  # the command itself has better words for it
            here: Future[Any] = Future()
            here.set_result(attempt(self._work, source, target, None, whole=self._whole))
            return here
        return self._cluster.submit(run_parcel, pickle.dumps(parcel))

    def outcome(self, future: Future[Any]) -> Report | Kept | Failure:
        """Write the outputs of a file that is done; returns what became of it.

        Raises
        ------
        WorkerLostError, ClusterLostError
            See `Cluster.submit`.
        """
        packed = future.result()
        if not isinstance(packed, bytes):  # it never left
            return cast("Report | Kept | Failure", packed)
        delivery = cast(Delivery, pickle.loads(packed))
        try:
            for name, data in delivery.files.items():
                write_bytes(name, data, force=self._force)
        except FileError as error:
            return Failure(str(error))
        return cast("Report | Kept | Failure", delivery.outcome)

    def _parcel(self, index: int, source: str, target: str) -> Parcel:
        options = self._work.options
        outputs = [target, *(getattr(options, name) for name in self._work.writes)]
        for output in outputs:
            if output is not None:
                check_writable(output, force=self._force)
        further = {name: getattr(options, name) for name in self._work.reads}
        return Parcel(
            work=self._work,
            index=index,
            source=source,
            target=target,
            data=Path(source).read_bytes(),
            further={k: Path(v).read_bytes() for k, v in further.items() if v is not None},
            whole=self._whole,
            topic=self._topic,
            digest=digest(),
        )

    def _tell(self, event: tuple[float, tuple[int, float]]) -> None:
        self._told(*event[1])


def work_on_cluster(
    work: FileWork[Any, Any, Any],
    files: Sequence[tuple[int, str]],
    cluster: Cluster,
    board: Board,
    *,
    force: bool,
) -> None:
    """Have files done as tasks; a long one is read here and its blocks are the tasks.

    Parameters
    ----------
    work : FileWork
    files : sequence of (int, str)
        The number of each among the inputs, and where it goes.
    cluster : Cluster
    board : Board
    force : bool
        Whether existing outputs may be replaced.
    """
    whole = len(files) == 1
    long = {index for index, _ in files if _is_long(work, board.inputs[index])}
    short = [(index, target) for index, target in files if index not in long]
    with ClusterFiles(cluster, work, force=force, told=board.tell, whole=whole) as crew:
        gather(crew, short, board)
    for index, target in files:
        if index in long:
            runner = ClusterStretches(cluster)
            work_here(work, index, target, board, whole=whole, runner=runner)


def _is_long(work: FileWork[Any, Any, Any], source: str) -> bool:
    try:
        return work.long is not None and work.long.found(source)
    except (RecoverError, OSError):  # to be complained of where it is worked on
        return False
