"""The root command, and how errors and interruptions end."""

from __future__ import annotations

import logging
import sys

import click

from recover import __version__
from recover.cli.audio import audio_command
from recover.cli.capacity import capacity_command
from recover.cli.certify import certify_command
from recover.cli.demo import demo_command
from recover.cli.image import image_command
from recover.cli.inspect import inspect_command
from recover.cli.layer import layer_command
from recover.cli.listing import list_command
from recover.cli.output import complain
from recover.cli.phase import phase_command
from recover.cli.report import report_command
from recover.cli.verify import verify_command
from recover.core.errors import RecoverError

__all__ = ["main"]

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="recover")
def cli() -> None:
    """Recover signals from clipped and phaseless measurements, with a certified error bound."""


for command in (
    demo_command,
    audio_command,
    image_command,
    phase_command,
    inspect_command,
    certify_command,
    verify_command,
    report_command,
    layer_command,
    capacity_command,
    list_command,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line; the console script's entry.

    Exit status: 0 done, 1 the job could not be done, 2 wrong usage, 130 interrupted.
    """
    sys.exit(_run())


def _run() -> int:
    # what the library logs stands in the notes that commands print
    logging.getLogger("recover").addHandler(logging.NullHandler())
    try:
        status = cli(standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        complain("interrupted; nothing partial was written")
        return INTERRUPTED
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
