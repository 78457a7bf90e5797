"""Certificates of parts, and the whole that they make."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from recover.certificates.certificate import Certificate
from recover.certificates.parts import combine
from recover.certificates.verify import verify
from recover.core.errors import ParameterError


def test_bounds_add_up_in_l2_and_kappa_is_the_smallest(pair: Any) -> None:
    left, right = pair
    whole = combine([("left", left.certificate), ("right", right.certificate)])
    expected = math.hypot(left.certificate.error_bound, right.certificate.error_bound)
    assert whole.error_bound == pytest.approx(expected, rel=1e-14)
    assert whole.error_bound >= expected
    kappas = [left.certificate.kappa, right.certificate.kappa]
    assert whole.kappa.lower == min(k.lower for k in kappas)
    assert whole.kappa.upper == min(k.upper for k in kappas)
    assert set(whole.assumptions) == {
        *left.certificate.assumptions,
        *right.certificate.assumptions,
    }
    problems = [left.problem, right.problem]
    assert verify(whole, problems).accepted
    again = Certificate.from_json(whole.to_json())
    assert verify(again, problems, [left.signal, right.signal]).accepted


def test_one_open_part_opens_the_whole(pair: Any, open_case: Any) -> None:
    parts = [("left", pair[0].certificate), ("right", open_case.certificate)]
    whole = combine(parts)
    assert whole.error_bound == math.inf
    assert whole.reason is not None
    assert whole.reason.startswith("no bound for 1 of 2 parts; right: 6 of 9 samples")
    assert verify(whole, [pair[0].problem, open_case.problem]).accepted


def test_forged_parts_are_refused(pair: Any) -> None:
    left, right = pair
    problems = [left.problem, right.problem]
    whole = combine([("left", left.certificate), ("right", right.certificate)])
    cheap = replace(left.certificate, error_bound=0.0)
    forgeries = [
        replace(whole, error_bound=whole.error_bound * 0.99),
        replace(whole, kappa=right.certificate.kappa.hull(1e6)),
        replace(whole, assumptions=whole.assumptions[1:]),
        replace(whole, subject="0" * 64),
        replace(whole, noise={}),
        replace(whole, reason="all is well"),
        replace(whole, parts=whole.parts[:1]),
        replace(whole, parts=(whole.parts[1], whole.parts[0])),
        combine([("left", cheap), ("right", right.certificate)]),
    ]
    for forged in forgeries:
        assert not verify(forged, problems).accepted
    assert not verify(whole, problems[:1]).accepted
    assert not verify(whole, left.problem).accepted
    assert not verify(whole, problems, [left.signal]).accepted
    assert not verify(left.certificate, problems).accepted


def test_parts_need_labels(pair: Any) -> None:
    with pytest.raises(ParameterError, match="labels"):
        combine([])
    with pytest.raises(ParameterError, match="labels"):
        combine([("a", pair[0].certificate), ("a", pair[1].certificate)])
