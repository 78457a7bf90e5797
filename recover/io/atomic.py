"""Writing that appears whole or not at all, and never over something by accident."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from recover.io.errors import FileError
from recover.io.guard import temporary

__all__ = [
    "STANDARD",
    "check_distinct",
    "check_writable",
    "staged",
    "write_bytes",
    "write_text",
]

STANDARD = "-"  # the name that means standard input or output
_OTHERWISE = "choose another name or pass --force (in Python force=True)"
_LONGEST = 200  # bytes of a name that its partial file repeats; file systems allow 255
_DEVICES, _PROCESSES = Path("/dev"), Path("/proc")


def check_writable(path: str | Path, *, force: bool = False) -> None:
    """Raise `FileError` if `path` could not be written, before any work is done.

    A symbolic link counts as what stands at its name: it is not followed, and where `force`
    allows it the link is replaced, while the file that it names stays as it was.

    Parameters
    ----------
    path : str or Path
        The file to come; "-" is standard output and always passes.
    force : bool
        Whether an existing file may be replaced.
    """
    if str(path) == STANDARD:
        return
    target = Path(path)
    try:
        _check(target, force=force)
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"output {target} could not be written: {_reason(error)}") from None


def _check(target: Path, *, force: bool) -> None:
    if "\0" in str(target):
        raise FileError(f"output {str(target)!r} has a null byte in its name; leave it out")
    if target.is_dir():
        raise FileError(f"output {target} is a directory; give a file name")
    if not target.parent.is_dir():
        raise FileError(f"output folder {target.parent} does not exist; create it first")
    if _special(target):
        raise FileError(f"output {target} is a device or a pipe; name a file, or - if allowed")
    if not os.access(target.parent, os.W_OK):
        raise FileError(f"output folder {target.parent} cannot be written to; choose another")
    if os.path.lexists(target) and not force:
        raise FileError(f"output {target} exists; {_OTHERWISE}")


def check_distinct(
    read: Iterable[str | Path | None], written: Iterable[str | Path | None]
) -> None:
    """Raise `FileError` if a file to be written is one that is read, or is to be written twice.

    Not even `force` allows that.  Two names of one file, by links, count as the same.

    Parameters
    ----------
    read, written : iterable of (str, Path or None)
        Names of files; None is passed over, and "-" is standard input or output, which takes
        one output.
    """
    written = list(written)
    if sum(name is not None and str(name) == STANDARD for name in written) > 1:
        raise FileError("standard output would be written twice; name files for the others")
    inputs = {key: name for name in read for key in _identities(name)}
    outputs: dict[object, str | Path | None] = {}
    for name in written:
        keys = _identities(name)
        for key in keys:
            if key in inputs:
                raise FileError(f"output {name} is the input {inputs[key]}; name another file")
            if key in outputs:
                raise FileError(f"output {name} would be written twice; name two files")
        outputs |= dict.fromkeys(keys, name)


@contextmanager
def staged(path: str | Path, *, force: bool = False) -> Iterator[BinaryIO]:
    """Open a file beside `path` for writing; rename it to `path` once the block has ended well.

    On any exception, interruption included, the partial file is removed and an existing `path`
    stays as it was.  A process that is killed may leave its partial file behind; it is hidden,
    ends in ``.partial``, is never read, and may be deleted.

    Parameters
    ----------
    path : str or Path
        Where the whole file appears; "-" writes to standard output at the end of the block.
    force : bool
        Whether an existing file may be replaced.

    Yields
    ------
    binary file
        Open for writing, seekable.

    Raises
    ------
    FileError
        If the target exists and `force` is False, or cannot be written.
    """
    if str(path) == STANDARD:
        with _to_standard_output() as buffer:
            yield buffer
        return
    check_writable(path, force=force)
    target = Path(path)
    short = os.fsdecode(os.fsencode(target.name)[:_LONGEST])
    partial = target.with_name(f".{short}.{secrets.token_hex(4)}.partial")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _publish(partial, target, force=force)
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"output {target} could not be written: {_reason(error)}") from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_bytes(path: str | Path, data: bytes, *, force: bool = False) -> None:
    """Write `data` to `path` whole or not at all; see `staged`."""
    with staged(path, force=force) as file:
        file.write(data)


def write_text(path: str | Path, text: str, *, force: bool = False) -> None:
    """Write `text` as UTF-8 to `path` whole or not at all; see `staged`.

    What no character stands for, as in names of files that are not UTF-8, is written as its
    number behind a backslash.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"), force=force)


def _reason(error: OSError) -> str:
    """Return in words why a file could not be written."""
    # NumPy's own writing says how much was written, and no more
    return error.strerror or f"{error}; the disk may be full"


def _publish(partial: Path, target: Path, *, force: bool) -> None:
    """Let the whole file appear under its name."""
    if force:
        partial.replace(target)
        return
    try:
        target.hardlink_to(partial)  # fails if something has appeared there meanwhile
    except FileExistsError:
        raise FileError(f"output {target} exists; {_OTHERWISE}") from None
    except OSError:  # a file system without links
        check_writable(target)
        partial.replace(target)


def _special(target: Path) -> bool:
    """Return whether `target` is, or leads to, what cannot be replaced by a file."""
    folder = target.parent.resolve()
    if folder == _DEVICES or folder.is_relative_to(_PROCESSES):
        return True
    return target.exists() and not target.is_file()


def _identities(name: str | Path | None) -> tuple[object, ...]:
    """Return what tells a file from others: where its name leads, and its inode."""
    if name is None or str(name) == STANDARD:
        return ()
    where = os.path.realpath(name)
    try:
        found = Path(name).stat()
    except (OSError, ValueError):
        return (where,)
    return where, (found.st_dev, found.st_ino)


@contextmanager
def _to_standard_output() -> Iterator[BinaryIO]:
    if sys.stdout is None:
        raise FileError("standard output is closed; name a file")
    with temporary() as spool:
        try:
            yield spool
            spool.seek(0)
        except FileError:
            raise
        except OSError as error:
            raise FileError(f"temporary file could not be written: {_reason(error)}") from None
        try:
            shutil.copyfileobj(spool, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        except OSError as error:
            raise FileError(f"standard output closed early: {_reason(error)}") from None
