"""The exceptions of the package: one root, and a message that names value and cure."""

from __future__ import annotations

__all__ = [
    "MissingExtraError",
    "NotAFrameError",
    "OutOfScopeError",
    "ParameterError",
    "RecoverError",
]


class RecoverError(Exception):
    """Root of every error that `recover` raises on purpose."""


class ParameterError(RecoverError, ValueError):
    """An argument has a value that cannot be used; the message says which, and the cure."""


class NotAFrameError(RecoverError, ValueError):
    """The vectors do not span the signal space, so no recovery is stable."""


class OutOfScopeError(RecoverError, ValueError):
    """A certificate or a method was asked about something that it does not cover."""


class MissingExtraError(RecoverError, ImportError):
    """An optional dependency is missing; the message names the command that installs it."""
