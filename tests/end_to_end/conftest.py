"""The command line in this process."""

import sys

import pytest

from recover.cli.main import main


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line in this process; returns (status, stdout, stderr)."""

    def call(*args):
        monkeypatch.setattr(sys, "argv", ["recover", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    return call
