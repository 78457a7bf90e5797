"""The command line: parses, calls the applications, prints; one file a command."""

from recover.cli.main import main

__all__ = ["main"]
