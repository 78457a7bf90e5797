"""`recover verify` on certificates that were changed: never accepted with more promised.

Certificates of every kind that commands write are changed at random, and in ways that aim at
comparisons with NaN and infinity.  ``pytest -m slow tests/fuzz/test_forged_json.py`` tries
thousands of each.
"""

import io
import json
import random
from contextlib import redirect_stdout

import pytest
from fuzz_forge import forged, issued, stronger, targeted
from fuzz_harness import Case, Tally, Worker

KINDS = ["relu", "saturation", "modulus", "layer", "stack", "audio", "parts", "image", "phase"]
MANY, FEW, AIMED = 1000, 12, 6


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    with redirect_stdout(io.StringIO()):
        return issued(tmp_path_factory.mktemp("issued"))


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    """One child for all tests; it is started again if it dies."""
    worker = Worker(tmp_path_factory.mktemp("worker"))
    yield worker
    worker.close()


@pytest.fixture
def judge(worker, tmp_path):
    """Return whether a document is accepted; crashes, hangs and other faults are collected."""
    path, tally, faults = tmp_path / "c.json", Tally(), []

    def accepted(document):
        path.write_text(json.dumps(document))
        before = tally.read
        fault = worker.judge(Case("forgery", "verified", ".json", b""), path, tally)
        if fault is not None and "does not name the file" not in fault:
            faults.append(fault)
        return tally.read > before

    yield accepted
    assert faults == []
    assert worker.strays() == []


def deceived(judge, forgeries, truth):
    """Return what is promised beyond the truth in the forgeries that are accepted."""
    found = [stronger(each, truth) for each in forgeries if each != truth and judge(each)]
    return [each for each in found if each is not None]


def mutants(documents, kind, count, seed):
    rng = random.Random(f"{seed} {kind}")
    others = [document for name, document in documents.items() if name != kind]
    return [forged(rng, documents[kind], others) for _ in range(count)]


def test_what_was_issued_is_accepted(documents, judge):
    assert [kind for kind in KINDS if not judge(documents[kind])] == []


def test_no_forgery_promises_more(documents, judge):
    for kind in KINDS:
        few = mutants(documents, kind, FEW, seed=0)
        aimed = random.Random(kind).sample(list(targeted(documents[kind])), AIMED)
        assert deceived(judge, [*few, *aimed], documents[kind]) == [], kind


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_none_of_thousands_promises_more(documents, judge, kind):
    forgeries = mutants(documents, kind, MANY, seed=1)
    assert deceived(judge, forgeries, documents[kind]) == []
    assert deceived(judge, targeted(documents[kind]), documents[kind]) == []


def test_the_judge_sees_what_is_stronger(documents):
    """Else nothing above would show anything."""
    truth = documents["audio"]
    for change in (
        {
            "kappa": {"lower": 0.9, "upper": 1.0},
            "amplification": {"lower": 1.0, "upper": 1 / 0.9},
        },
        {"error_bound": 0.0},
        {"rigor": {"kind": "probabilistic", "delta": 0.1}},
        {"assumptions": []},
        {"scope": {"kind": "ball", "radius": 2.0}},
    ):
        forgery = {**truth, "certificate": {**truth["certificate"], **change}}
        assert stronger(forgery, truth) is not None, change
    assert stronger(truth, truth) is None


@pytest.mark.parametrize("name", ["-", "/dev/zero", "/no/such/file", ""])
def test_a_certificate_names_no_stream_or_device(documents, judge, name):
    for kind in ("relu", "layer", "audio", "image", "phase"):
        assert not judge({**documents[kind], "input": name})
