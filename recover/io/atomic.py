"""Writing that appears whole or not at all, and never over something by accident."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from recover.io.errors import FileError

__all__ = ["STANDARD", "check_writable", "staged", "write_bytes", "write_text"]

STANDARD = "-"  # the name that means standard input or output


def check_writable(path: str | Path, *, force: bool = False) -> None:
    """Raise `FileError` if `path` could not be written, before any work is done.

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
    if target.is_dir():
        raise FileError(f"output {target} is a directory; give a file name")
    if not target.parent.is_dir():
        raise FileError(f"output folder {target.parent} does not exist; create it first")
    if not os.access(target.parent, os.W_OK):
        raise FileError(f"output folder {target.parent} cannot be written to; choose another")
    if target.exists() and not force:
        raise FileError(f"output {target} exists; choose another name or pass --force")


@contextmanager
def staged(path: str | Path, *, force: bool = False) -> Iterator[BinaryIO]:
    """Open a file beside `path` for writing; rename it to `path` once the block has ended well.

    On any exception, interruption included, the partial file is removed and an existing `path`
    stays as it was.

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
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if not force:
            check_writable(target)
        partial.replace(target)
    except FileError:
        raise
    except OSError as error:
        reason = error.strerror or error
        raise FileError(f"output {target} could not be written: {reason}") from None
    finally:
        partial.unlink(missing_ok=True)


def write_bytes(path: str | Path, data: bytes, *, force: bool = False) -> None:
    """Write `data` to `path` whole or not at all; see `staged`."""
    with staged(path, force=force) as file:
        file.write(data)


def write_text(path: str | Path, text: str, *, force: bool = False) -> None:
    """Write `text` as UTF-8 to `path` whole or not at all; see `staged`."""
    write_bytes(path, text.encode("utf-8"), force=force)


@contextmanager
def _to_standard_output() -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as spool:
        try:
            yield spool
        except FileError:
            raise
        except OSError as error:
            reason = error.strerror or error
            raise FileError(f"temporary file could not be written: {reason}") from None
        spool.seek(0)
        try:
            shutil.copyfileobj(spool, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        except OSError as error:
            reason = error.strerror or error
            raise FileError(f"standard output closed early: {reason}") from None
