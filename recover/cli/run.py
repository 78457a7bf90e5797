"""Running a command, and saying in one line why it failed."""

from __future__ import annotations

import io
import logging
import sys

import click

from recover.cli.commands import cli
from recover.cli.output import complain
from recover.core.errors import RecoverError

__all__ = ["run"]

FAILED, WRONG_USAGE = 1, 2


def run() -> int:
    """Run the command that was asked for; returns its exit status.

    Raises
    ------
    KeyboardInterrupt
        If the user ended it.
    """
    # what this library and others log stands in the notes and errors that commands print
    if not logging.getLogger().handlers:
        logging.getLogger().addHandler(logging.NullHandler())
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names that are not UTF-8
    try:
        status = cli(standalone_mode=False)
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        error.show()
        return WRONG_USAGE
    except RecoverError as error:
        complain(str(error))
        return FAILED
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone; nothing is left to say
        return FAILED
    except MemoryError:
        complain("the job does not fit into memory; use a shorter or smaller input")
        return FAILED
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        complain(f"{name}{error.strerror or error}")
        return FAILED
    return status if isinstance(status, int) else 0
