"""The command that reports name for verification can be pasted into a shell."""

import shlex

import pytest

from recover.cli.output import how_to_verify


@pytest.mark.parametrize("account", [None, "-"])
def test_what_is_in_no_file_cannot_be_verified(account):
    assert how_to_verify(account, "x.npz") == ""


@pytest.mark.parametrize(
    ("account", "source", "dashes"),
    [
        ("c.json", "x.npz", []),
        ("my c.json", "it's (1).npz", []),
        ("c.json", "-x.npz", ["--"]),
        ("-c.json", "x.npz", ["--"]),
    ],
)
def test_names_arrive_as_they_are(account, source, dashes):
    words = shlex.split(how_to_verify(account, source))
    assert words == ["recover", "verify", *dashes, account, source]
