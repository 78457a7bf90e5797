"""What `verify` does with subjects, signals and evidence that are not what they should be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from recover.certificates import verify as module
from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.parts import combine
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.verify import Verdict, verify
from recover.frames import Identity
from recover.models import Noise, Problem, Saturation


def problem_of(size: int) -> Problem:
    model = Saturation(Identity(size), -1.0, 1.0)
    return Problem(model, np.full(size, 0.5), noise=Noise(each=0.125))


def issued(size: int) -> Certificate:
    return certify_posteriori(problem_of(size), np.full(size, 0.5))


def test_a_verdict_is_true_if_accepted() -> None:
    assert Verdict(True, ())
    assert not Verdict(False, ("no",))
    assert bool(verify(issued(2), problem_of(2)))


def test_of_parts_each_is_verified_with_its_own() -> None:
    whole = combine([("left", issued(2)), ("right", issued(3))])
    problems = [problem_of(2), problem_of(3)]
    signals = [np.full(2, 0.5), np.full(3, 0.5)]
    for given in (None, signals, [None, signals[1]], tuple(signals)):
        assert verify(whole, problems, given) == Verdict(True, ())
    assert verify(whole, tuple(problems)) == Verdict(True, ())
    refusal = verify(whole, problems, [signals[0], 2.0 * signals[1]])
    damaged = "the evidence is damaged or does not fit"
    told = f"right: {damaged}: the signal given is not the one that was certified"
    assert refusal == Verdict(False, (told,))
    told = "the certificate has 2 parts; pass the problem of each, in order"
    for wrong in (problems[0], problems[:1], problems[0].model):
        assert verify(whole, wrong) == Verdict(False, (told,))
    broken: list[Any] = [problems, 3]
    verdict = verify(whole, problems, broken[1])
    assert not verdict.accepted
    assert verdict.reasons[0].startswith("the parts are damaged or do not fit: ")


def test_a_whole_without_parts_has_no_check() -> None:
    bare = replace(issued(2), evidence=Evidence("parts"))
    told = ("there is no check for evidence of kind 'parts'",)
    assert verify(bare, problem_of(2)) == Verdict(False, told)


@pytest.mark.parametrize(
    "error",
    [KeyError("x"), TypeError("x"), ValueError("x"), OverflowError("x"), AttributeError("x")],
)
def test_damage_is_a_refusal(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: Problem) -> Any:
        raise error

    monkeypatch.setattr(module, "reading_faults", fails)
    verdict = verify(issued(2), problem_of(2))
    told = f"the evidence is damaged or does not fit: {error}"
    assert verdict == Verdict(False, (told,))


def test_a_signal_in_single_precision_is_the_same_signal() -> None:
    c = issued(2)
    kept = {k: v for k, v in c.evidence.arrays.items() if k != "signal"}
    bare = replace(c, evidence=replace(c.evidence, arrays=kept))
    for each in (c, bare):
        assert verify(each, problem_of(2), np.full(2, 0.5, dtype=np.float32)).accepted
        assert not verify(each, problem_of(2), np.full(2, 0.25, dtype=np.float32)).accepted


def test_what_overflows_proves_nothing() -> None:
    c, problem = issued(2), problem_of(2)
    huge = np.array([1e308, -1e308])
    from recover.core.arrays import digest

    evidence = Evidence(
        "rows",
        {**c.evidence.values, "signal_digest": digest([huge])},
        {**c.evidence.arrays, "signal": huge, "witness": np.array([1e308, 1e308])},
    )
    verdict = verify(replace(c, evidence=evidence), problem)
    assert not verdict.accepted
    assert any("error bound" in reason for reason in verdict.reasons)


def test_the_second_reading_of_the_data_is_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "reading_faults", lambda _: iter(["misread"]))
    assert verify(issued(2), problem_of(2)) == Verdict(False, ("misread",))
    low = replace(issued(2), error_bound=0.0)
    verdict = verify(low, problem_of(2))
    assert verdict.reasons[0].startswith("error bound 0 is claimed")
    assert verdict.reasons[1:] == ("misread",)
