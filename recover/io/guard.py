"""What every reader does before it believes a file: no device, no bomb, one line for damage."""

from __future__ import annotations

import shutil
import stat
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from recover.core.errors import RecoverError
from recover.io.errors import FileError

__all__ = [
    "opened",
    "printable",
    "reading",
    "refuse_bomb",
    "spooled",
    "standard_input",
    "temporary",
]

_HARMLESS = 2**27  # bytes that any file may unpack to
_RATIO = 200  # beyond them, how many times its own size a file may unpack to
_LONGEST = 300  # letters of a library's reason, or of a list of names, that are shown


@contextmanager
def opened(path: str | Path, cure: str) -> Iterator[BinaryIO]:
    """Open a file for reading; what comes through a pipe is kept in a temporary file.

    Parameters
    ----------
    path : str or Path
        A file or a named pipe, such as a shell's ``<(command)``.
    cure : str
        Ends the message about a directory, such as "give a recording".

    Yields
    ------
    binary file
        Open for reading, seekable.

    Raises
    ------
    FileError
        If it is missing, a directory or a device (which may never end), or cannot be read.
    """
    kind = _kind(path, cure)
    with ExitStack() as stack:
        try:
            file = stack.enter_context(Path(path).open("rb"))
        except OSError as error:
            raise FileError(f"{path} cannot be read: {error.strerror or error}") from None
        if stat.S_ISFIFO(kind):
            yield stack.enter_context(spooled(file, str(path)))
        else:
            yield file


@contextmanager
def spooled(stream: BinaryIO, name: str) -> Iterator[BinaryIO]:
    """Keep what comes through a pipe in a nameless temporary file.

    Parameters
    ----------
    stream : binary file
        Read to its end.
    name : str
        For messages.

    Yields
    ------
    binary file
        At its beginning, seekable.

    Raises
    ------
    FileError
        If the stream cannot be read, or there is no room.
    """
    with temporary() as spool:
        try:
            shutil.copyfileobj(stream, spool)
            spool.seek(0)
        except OSError as error:
            reason = error.strerror or error
            raise FileError(f"{name} cannot be kept while it is read: {reason}") from None
        yield spool


@contextmanager
def temporary() -> Iterator[BinaryIO]:
    """Open a nameless temporary file, which vanishes at the end, or with the process."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 (its own exit would raise once more)
    try:
        yield file
    finally:
        with suppress(OSError):  # what found no room is tried again as the file is closed
            file.close()


def _kind(path: str | Path, cure: str) -> int:
    """Return the mode of what is there, which is nothing that cannot be read to its end."""
    try:
        kind = Path(path).stat().st_mode
    except FileNotFoundError:
        raise FileError(f"{path} does not exist; check the name") from None
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"{path} cannot be read: {reason}; check the name") from None
    if stat.S_ISDIR(kind):
        raise FileError(f"{path} is a directory; {cure}")
    if not (stat.S_ISREG(kind) or stat.S_ISFIFO(kind)):
        raise FileError(f"{path} is a device or a socket; {cure}")
    return kind


def standard_input(cure: str) -> BinaryIO:
    """Return standard input for reading; raises `FileError` if there is none."""
    if sys.stdin is None:
        raise FileError(f"standard input is closed; {cure}")
    return sys.stdin.buffer


@contextmanager
def reading(name: str, kind: str, cure: str) -> Iterator[None]:
    """Turn whatever a library raises on a damaged file into one line; its warnings are dropped.

    Libraries for files of others raise errors of any class on damage, so all are caught; sizes
    are to be checked before, by `refuse_bomb`.

    Parameters
    ----------
    name : str
        The file.
    kind : str
        What it is not, such as "a damaged FITS file".
    cure : str
        What the user can do.

    Raises
    ------
    FileError
        In the place of every error but the package's own.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except RecoverError:
        raise
    except MemoryError:
        raise FileError(f"{name} does not fit into memory; {cure}") from None
    except Exception as error:
        reason = printable(str(error)) or type(error).__name__
        raise FileError(f"{name} is {kind} ({reason}); {cure}") from None


def refuse_bomb(name: str, unpacked: int, packed: int) -> None:
    """Refuse a file that claims to unpack to far more than data from the world do.

    A few kilobytes can claim gigabytes, by damage or on purpose.  Up to 128 MB anything is
    believed, and beyond it up to 200 times the file's own size.

    Parameters
    ----------
    name : str
        The file.
    unpacked : int
        Bytes that it claims to hold.
    packed : int
        Bytes that it has.

    Raises
    ------
    FileError
        If `unpacked` is too much, or negative.
    """
    if unpacked < 0 or (unpacked > _HARMLESS and unpacked > _RATIO * packed):
        raise FileError(
            f"{name} claims to hold {unpacked:.4g} bytes in a file of {packed}; it is damaged "
            "or made to exhaust memory. Save it uncompressed if it is neither"
        )


def printable(text: str, longest: int | None = _LONGEST) -> str:
    """Return what a file or a library says as one short line, safe for a terminal."""
    plain = " ".join(text.split())
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in plain[:longest])
    return shown if longest is None or len(plain) <= longest else f"{shown}..."
