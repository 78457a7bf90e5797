"""Linear algebra in one thread, so that results do not depend on the number of cores."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, cast

__all__ = ["keep_one_blas_thread", "one_blas_thread"]


class _Limits(Protocol):
    """Sets the number of threads when called; leaving the context sets it back."""

    def __call__(self, *, limits: int, user_api: str) -> AbstractContextManager[object]: ...


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Use one thread in BLAS and LAPACK within the context.

    How a long sum is split among threads decides its last bits.  With one thread the same input
    gives the same bits whatever the number of cores, and several processes on one machine do
    not contend for them.
    """
    with _limit():
        yield


def keep_one_blas_thread() -> None:
    """Use one thread in BLAS and LAPACK from now on: for processes that do nothing else."""
    _limit()


def _limit() -> AbstractContextManager[object]:
    importlib.import_module("scipy.linalg")  # brings a BLAS of its own; only loaded ones count
    limits = cast(_Limits, importlib.import_module("threadpoolctl").threadpool_limits)
    return limits(limits=1, user_api="blas")
