"""How the command line begins and ends: its errors, interruptions and exit status."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["main"]

INTERRUPTED = 130
_SIGNALLED = 128  # and the signal's number, as shells count
_AGAIN = 0.01  # seconds after which an interruption that was dropped is made once more


class _EndedError(BaseException):
    """The run was asked to end by a signal other than that of Ctrl-C."""


def main() -> None:
    """Run the command line; the console script's entry.

    Exit status: 0 done, 1 the job could not be done, 2 wrong usage, 130 interrupted, 143 ended
    by SIGTERM, 129 by the end of its terminal.
    """
    try:
        with _signals():
            # only here, so that an interruption while this is loaded ends as one later does
            from recover.cli.run import run

            status = run()
    except KeyboardInterrupt:
        _say("interrupted")
        # CPython notes an interruption that passed through `exec`, as of a dataclass's methods,
        # and would end with the signal in place of our status; evaluating forgets it
        eval("None")
        status = INTERRUPTED
    except _EndedError as ended:
        number = int(str(ended))
        _say(f"ended by {signal.Signals(number).name}")
        status = _SIGNALLED + number
    sys.exit(status)


def _say(what: str) -> None:
    sys.stderr.write(f"recover: {what}; nothing partial was written\n")


@contextmanager
def _signals() -> Iterator[None]:
    """Let the signals that end a process do so as Ctrl-C does: what was begun is removed.

    None is lost: what strikes inside a finaliser or a weak reference's callback, where
    exceptions cannot pass, comes again once that is over.
    """
    here = threading.current_thread() is threading.main_thread()
    numbers = [signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)] if here else []
    kept = {number: signal.getsignal(number) for number in numbers}
    for number, handler in kept.items():
        if handler == signal.SIG_DFL:  # not what nohup ignores
            signal.signal(number, _end)
    hook = sys.unraisablehook
    if here:
        sys.unraisablehook = _not_raised
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in kept.items():
            signal.signal(number, handler)


def _end(number: int, _frame: FrameType | None) -> None:
    raise _EndedError(number)


def _not_raised(dropped: sys.UnraisableHookArgs) -> None:
    if issubclass(dropped.exc_type, KeyboardInterrupt):
        number = int(signal.SIGINT)
    elif issubclass(dropped.exc_type, _EndedError):
        number = int(str(dropped.exc_value))
    else:
        sys.__unraisablehook__(dropped)
        return
    # not from here, where it would be dropped again; to the main thread, which may be waiting
    main = threading.main_thread().ident
    threading.Timer(_AGAIN, signal.pthread_kill, (main, number)).start()
