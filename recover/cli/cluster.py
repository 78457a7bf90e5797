"""The connection to a Dask cluster: made, checked, watched over."""

from __future__ import annotations

import importlib
import logging
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future, InvalidStateError
from contextlib import contextmanager, suppress
from typing import Any, Protocol, TypeVar, cast

from recover.cli.cluster_versions import check_versions, digest
from recover.cli.file_work import WorkerLostError
from recover.core.errors import MissingExtraError, ParameterError, RecoverError

__all__ = ["Cluster", "ClusterLostError", "connected"]

_Result = TypeVar("_Result")

_ANSWER = 5.0  # seconds for the scheduler to answer
_WORKERS = 30.0  # seconds for a first worker to be there
_ALONE = 60.0  # seconds without any worker after which the work is given up
_LOOK = 2.0  # seconds between two looks at the cluster
_PRINTED = "that `dask scheduler` prints, such as tcp://192.168.0.7:8786"


class ClusterLostError(RecoverError):
    """The scheduler, or every worker, has gone."""


class _Client(Protocol):
    """The part of a client of Dask that is used."""

    @property
    def status(self) -> str: ...

    def get_executor(self, *, pure: bool) -> Executor: ...

    def run(
        self, function: Callable[..., Any], *args: Any, on_error: str
    ) -> dict[str, Any]: ...

    def nthreads(self) -> Mapping[str, int]: ...

    def wait_for_workers(self, n_workers: int, timeout: float) -> None: ...

    def subscribe_topic(self, topic: str, handler: Callable[[Any], None]) -> None: ...

    def unsubscribe_topic(self, topic: str) -> None: ...

    def close(self, timeout: float) -> None: ...


@contextmanager
def connected(address: str) -> Iterator[Cluster]:
    """Connect to a cluster whose workers have the same code; leaving gives up what is open.

    Parameters
    ----------
    address : str
        Of the scheduler, such as tcp://192.168.0.7:8786.

    Raises
    ------
    MissingExtraError
        If Dask is not installed.
    ParameterError
        If nothing answers, there are no workers, or a worker has another version.
    """
    try:
        distributed = importlib.import_module("distributed")
    except ImportError:
        raise MissingExtraError(
            "--cluster needs dask and distributed; install them with "
            "pip install 'recover[cluster]'"
        ) from None
    log = logging.getLogger("distributed")
    before = log.level
    log.setLevel(logging.CRITICAL)  # what goes wrong is said here in one line
    try:
        client = _client(distributed, address)
        cluster = Cluster(client, address, distributed.KilledWorker)
        try:
            check_versions(client.run, digest)
            yield cluster
        finally:
            cluster.give_up()
            with suppress(Exception):  # the scheduler may be gone
                client.close(timeout=_ANSWER)
    finally:
        log.setLevel(before)


def _client(distributed: Any, address: str) -> _Client:
    if ":" not in address.rpartition("://")[2]:
        # a client would be left half made, and complain about it at the end
        raise ParameterError(f"{address} names no port; give --cluster the address {_PRINTED}")
    config = importlib.import_module("dask.config")
    # files are sent with their tasks, so that a task can be run again
    config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # versions are compared below, more strictly
            client = distributed.Client(address, timeout=_ANSWER, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ParameterError(
            f"no Dask scheduler answers at {address} ({error}); give --cluster the address "
            f"{_PRINTED}"
        ) from None
    try:
        client.wait_for_workers(1, timeout=_WORKERS)
    except TimeoutError:
        client.close(timeout=_ANSWER)
        raise ParameterError(
            f"the scheduler at {address} has no workers; start some: dask worker {address}"
        ) from None
    return cast(_Client, client)


class Cluster:
    """Runs functions on the cluster's workers.

    A task whose worker is lost is run again by the scheduler; after several lost workers its
    future raises `WorkerLostError`.  All futures raise `ClusterLostError` once the scheduler,
    or for long every worker, has gone.

    Parameters
    ----------
    client : Client
        Connected.
    address : str
    killed : type of exception
        What Dask raises after several lost workers.
    """

    def __init__(self, client: _Client, address: str, killed: type[Exception]) -> None:
        self.client = client
        self._threads = sum(client.nthreads().values())
        self._address, self._killed = address, killed
        self._executor = client.get_executor(pure=False)
        self._open: set[Future[Any]] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._lost: ClusterLostError | None = None
        threading.Thread(target=self._look_after, daemon=True).start()

    @property
    def width(self) -> int:
        """How many tasks to have under way: for every thread one running, one waiting."""
        return 2 * max(self._threads, 1)

    def submit(self, function: Callable[..., _Result], *args: Any) -> Future[_Result]:
        """Return the future of ``function(*args)`` on a worker."""
        outer: Future[_Result] = Future()
        with self._lock:
            if self._lost is not None:
                raise self._lost
            self._open.add(outer)
        inner = self._executor.submit(function, *args)
        inner.add_done_callback(lambda done: self._pass_on(done, outer))
        return outer

    def give_up(self) -> None:
        """End the watching; the scheduler drops what is open once the client has gone."""
        self._ended.set()

    def _pass_on(self, inner: Future[_Result], outer: Future[_Result]) -> None:
        with self._lock:
            self._open.discard(outer)
        with suppress(InvalidStateError):  # given up before
            try:
                outer.set_result(inner.result())
            except self._killed:
                outer.set_exception(
                    WorkerLostError(
                        "every worker that took it was lost; the likely reason is that memory "
                        "ran out: use workers with more, or fewer threads each"
                    )
                )
            except CancelledError:
                outer.set_exception(self._gone())
            except Exception as error:
                outer.set_exception(error)

    def _gone(self) -> ClusterLostError:
        return ClusterLostError(f"the connection to the scheduler at {self._address} was lost")

    def _look_after(self) -> None:
        """Let everything open fail once nothing can come back any more."""
        seen = time.monotonic()
        while not self._ended.wait(_LOOK):
            lost: ClusterLostError | None = None
            try:
                if self.client.status != "running":
                    lost = self._gone()
                else:
                    self._threads = sum(self.client.nthreads().values())
                    if self._threads:
                        seen = time.monotonic()
            except Exception:  # whatever the connection fails with
                lost = self._gone()
            if time.monotonic() - seen > _ALONE:
                lost = ClusterLostError(f"the cluster at {self._address} has no workers left")
            if lost is not None:
                with self._lock:
                    self._lost, waiting = lost, list(self._open)
                for future in waiting:
                    with suppress(InvalidStateError):
                        future.set_exception(lost)
                return
