"""The root command with all that stand below it."""

from __future__ import annotations

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
from recover.cli.phase import phase_command
from recover.cli.report import report_command
from recover.cli.verify import verify_command

__all__ = ["cli"]


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
