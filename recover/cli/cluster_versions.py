"""Whether the workers of a cluster would compute what this process would."""

from __future__ import annotations

import hashlib
import pkgutil
import platform
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import recover
from recover.core.errors import ParameterError

__all__ = ["check_versions", "digest"]

# whatever has a part in the numbers; recover comes first, since it may be missing
_PACKAGES = ("recover", "numpy", "scipy", "pywt", "skimage", "soundfile")


class Run(Protocol):
    """Calls a function on every worker; an exception is returned in place of the result."""

    def __call__(
        self, function: Callable[..., Any], *args: Any, on_error: str
    ) -> dict[str, Any]: ...


@cache
def digest() -> str:
    """Return a digest of the package's code and of the versions of what it rests on.

    Where it is equal, and the processors are, so are results.
    """
    sha = hashlib.sha256()
    root = Path(recover.__file__).parent
    for name in sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py")):
        sha.update(name.encode() + (root / name).read_bytes())
    versions = [_own(f"{package}:__version__") for package in _PACKAGES]
    sha.update(" ".join([*versions, platform.python_version()]).encode())
    return sha.hexdigest()[:16]


def check_versions(run: Run, mark: Callable[[], str]) -> None:
    """Compare every worker with this process.

    Parameters
    ----------
    run : Run
    mark : callable
        What tells code apart where versions are equal, called everywhere.

    Raises
    ------
    ParameterError
        If a worker lacks the package, or has another version of it or of what it rests on.
    """
    for package in _PACKAGES:
        # a function of the standard library: a worker without the package can still load it
        name = f"{package}:__version__"
        _compare(run(pkgutil.resolve_name, name, on_error="return"), package, _own(name))
    python = ".".join(platform.python_version_tuple()[:2])
    found = run(platform.python_version_tuple, on_error="return")
    short = {
        worker: each if isinstance(each, Exception) else ".".join(each[:2])
        for worker, each in found.items()
    }
    _compare(short, "Python", python)
    _compare(run(mark, on_error="return"), "the code of recover with digest", mark())


def _own(name: str) -> str:
    return str(pkgutil.resolve_name(name))


def _compare(found: dict[str, Any], what: str, own: str) -> None:
    for worker, each in sorted(found.items()):
        cure = f"; install the same {what} on every worker: results would differ otherwise"
        if isinstance(each, Exception):
            raise ParameterError(
                f"the worker {worker} cannot use {what}: {type(each).__name__}: {each}{cure}"
            )
        if each != own:
            raise ParameterError(f"the worker {worker} has {what} {each}, not {own}{cure}")
