"""The exceptions of the package: one root, and a message that names value and cure."""

from __future__ import annotations

__all__ = [
    "MissingExtraError",
    "NotAFrameError",
    "OutOfScopeError",
    "ParameterError",
    "RecoverError",
    "require_type",
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


def require_type(name: str, value: object, kind: type, cure: str) -> None:
    """Raise unless an argument is of the type that is needed.

    Parameters
    ----------
    name : str
        Of the argument.
    value : object
        What was given.
    kind : type
        What is needed.
    cure : str
        What to pass instead.

    Raises
    ------
    ParameterError
        If `value` is not an instance of `kind`.
    """
    if not isinstance(value, kind):
        raise ParameterError(
            f"{name} must be a {kind.__name__}, got {type(value).__name__}; {cure}"
        )
