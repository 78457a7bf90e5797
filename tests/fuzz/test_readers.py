"""Hostile files: every reader gives a result, or refuses the file by name in one line.

Each is read in a child process that may not crash, hang for 10 s, take more than 1 GB, load a
pickle or write anything.  ``pytest -m slow tests/fuzz`` reads tens of thousands;
``python tests/fuzz/fuzz_harness.py`` as many as one likes.
"""

import pytest
from fuzz_corpus import corpus
from fuzz_harness import Case, Tally, cases, run
from fuzz_hostile import believed, poisoned_npy

MANY, FEW = 2000, 50  # files of each kind


@pytest.fixture(scope="module")
def kinds():
    return corpus()


def shown(findings):
    return [f"{each.case.label} [{each.case.reader}]: {each.fault}" for each in findings]


def test_every_reader_survives(kinds, tmp_path):
    valid = [
        Case(f"{kind.name}: valid {index}", kind.readers[0], ending, data)
        for kind in kinds
        for index, (ending, data) in enumerate(kind.files)
    ]
    mutants = list(cases(kinds, FEW, seed=0))
    tally = Tally()
    found = run([*valid, *mutants], tmp_path, tally)
    assert shown(found) == []
    assert tally.total == len(valid) + len(mutants)
    assert tally.read_valid > 0.8 * len(valid)  # some are refused as well, such as CMYK
    assert tally.read - tally.read_valid > len(mutants) // 20  # not all fail at the door
    assert tally.refused > len(mutants) // 3


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_every_reader_survives_many(kinds, tmp_path, seed):
    assert shown(run(cases(kinds, MANY, seed), tmp_path, Tally())) == []


@pytest.mark.slow
def test_what_is_believed_without_proof_fits(tmp_path):
    readers = {".npz": "phase", ".h5": "phase"}
    tried = [Case(n, readers.get(e, "image"), e, data) for n, e, data in believed()]
    tally = Tally()
    assert shown(run(tried, tmp_path, tally)) == []
    assert tally.read == len(tried)
    assert max(len(each.data) for each in tried) < 500_000


def noticed(folder, bad):
    """Try readers that do what they must not, then a good one; returns what was found."""
    tried = [Case("bad", reader, ".npy", poisoned_npy()) for reader in bad]
    tally = Tally()
    found = shown(run([*tried, Case("good", "matrix", ".npy", b"")], folder, tally))
    for line, (reader, fault) in zip(found, bad.items(), strict=False):
        assert line.startswith(f"bad [{reader}]: {fault}")
    assert tally.refused == 1
    return found[len(bad) :]


def test_the_harness_notices(tmp_path):
    """What readers must not do is found."""
    bad = {"hungry": "MemoryError", "writes": "touched: [", "unpickles": "touched: ["}
    assert noticed(tmp_path, bad) == ["all []: files were written: ['elsewhere', 'poisoned']"]


@pytest.mark.slow
def test_the_harness_notices_deaths(tmp_path):
    """The next file is read whatever became of the child."""
    assert noticed(tmp_path, {"crash": "crash: SIGSEGV", "hangs": "hang"}) == []
