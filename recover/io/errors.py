"""What can go wrong with a file, said in one line."""

from __future__ import annotations

from recover.core.errors import RecoverError

__all__ = ["FileError"]


class FileError(RecoverError, OSError):
    """A file cannot be read or written; the message names it, the reason and the cure."""
