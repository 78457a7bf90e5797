"""How firmly a number is known: kinds in their order, chances of failure that add up."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recover.core.errors import ParameterError
from recover.core.rigor import ESTIMATE, HEURISTIC, PROVED, Rigor, RigorKind, probabilistic

deltas = st.floats(0.0, 1.0, exclude_min=True, exclude_max=True)
firm = st.sampled_from([PROVED, HEURISTIC, ESTIMATE])
rigors = firm | deltas.map(probabilistic)


def test_the_weaker_kind_of_two_is_left() -> None:
    chance = probabilistic(0.25)
    order = [PROVED, chance, HEURISTIC, ESTIMATE]
    for i, first in enumerate(order):
        for j, second in enumerate(order):
            if first is not chance or second is not chance:
                assert first & second == order[max(i, j)]


@given(deltas, deltas)
def test_chances_of_failure_add_up_and_are_rounded_up(a: float, b: float) -> None:
    both = probabilistic(a) & probabilistic(b)
    exact = Fraction(a) + Fraction(b)
    if both.kind is RigorKind.PROBABILISTIC:
        assert exact <= Fraction(both.delta) <= exact * (1 + Fraction(1, 2**51))
    else:
        assert both == HEURISTIC  # failing with a chance of one is no promise
        assert exact > 1 - Fraction(1, 2**53)


def test_exact_sums_stay_exact() -> None:
    assert probabilistic(0.25) & probabilistic(0.5) == probabilistic(0.75)
    assert probabilistic(0.5) & probabilistic(0.5) == HEURISTIC
    assert probabilistic(1e-9) & PROVED == PROVED & probabilistic(1e-9) == probabilistic(1e-9)
    assert (probabilistic(1.0 - 2.0**-53) & probabilistic(1e-30)) == HEURISTIC


@given(rigors)
def test_json_round_trip(rigor: Rigor) -> None:
    assert Rigor.from_json(json.loads(json.dumps(rigor.to_json()))) == rigor


def test_the_json() -> None:
    assert PROVED.to_json() == {"kind": "proved"}
    assert ESTIMATE.to_json() == {"kind": "estimate"}
    assert probabilistic(1e-9).to_json() == {"kind": "probabilistic", "delta": 1e-9}


def test_the_words() -> None:
    words = ["proved", "probabilistic(1e-09)", "heuristic", "estimate"]
    assert [str(r) for r in (PROVED, probabilistic(1e-9), HEURISTIC, ESTIMATE)] == words


@pytest.mark.parametrize("delta", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_chance_lies_between_zero_and_one(delta: float) -> None:
    with pytest.raises(ParameterError, match=r"delta must lie in \(0, 1\), got"):
        probabilistic(delta)


@pytest.mark.parametrize("kind", ["proved", "heuristic", "estimate"])
def test_other_kinds_have_no_chance(kind: str) -> None:
    with pytest.raises(ParameterError, match=f"delta of what is {kind} must be 0, got 0.1"):
        Rigor(RigorKind(kind), 0.1)
    with pytest.raises(ParameterError, match="must be 0, got nan"):
        Rigor(RigorKind(kind), float("nan"))


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"delta": 0.1},
        {"kind": "certain"},
        {"kind": None},
        {"kind": ["proved"]},
        {"kind": "probabilistic", "delta": "often"},
        {"kind": "probabilistic", "delta": None},
        {"kind": "probabilistic", "delta": 10**400},
    ],
)
def test_damaged_json_is_refused(data: dict) -> None:
    with pytest.raises(ParameterError, match="no kind of rigor with its delta"):
        Rigor.from_json(data)


def test_json_with_another_delta_is_refused() -> None:
    with pytest.raises(ParameterError, match="delta must lie"):
        Rigor.from_json({"kind": "probabilistic"})
    with pytest.raises(ParameterError, match="of what is proved must be 0"):
        Rigor.from_json({"kind": "proved", "delta": 0.5})
