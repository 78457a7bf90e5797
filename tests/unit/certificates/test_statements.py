"""Scopes and assumptions: nothing that a promise rests on is left unsaid."""

from __future__ import annotations

import numpy as np
import pytest

from recover.certificates.statements import assumptions_of, scope_of
from recover.core.arrays import digest
from recover.frames.convolution import Convolution
from recover.frames.dense import Dense
from recover.frames.identity import Identity
from recover.frames.masked import Masked
from recover.models.domains import Ball, Box, Domain, Everywhere, Support
from recover.models.noise import BEFORE, Noise
from recover.models.problem import Problem
from recover.models.saturation import Saturation
from recover.priors.base import Prior
from recover.priors.quadratic import Quadratic


def problem(
    noise: Noise | float = 0.0, domain: Domain | None = None, prior: Prior | None = None
) -> Problem:
    model = Saturation(Identity(4), -1.0, 1.0)
    return Problem(model, np.zeros(4), noise=noise, domain=domain, prior=prior)


@pytest.mark.parametrize(
    ("noise", "words"),
    [
        (0.0, ["exact", "no noise"]),
        (0.25, ["after the non-linearity", "l2 norm of at most 0.25"]),
        (Noise(l2=0.25, where=BEFORE), ["before the non-linearity", "at most 0.25"]),
        (Noise(each=0.125), ["each entry", "at most 0.125"]),
        (Noise(each=np.array([0.1, 0.2, 0.5, 0.3])), ["own stated bound", "largest is 0.5"]),
        (Noise.gaussian(0.5, 1e-6), ["independent and normal", "0.5", "1e-06"]),
        (Noise.counted(100.0, 1e-6), ["roots of intensities", "100", "1e-06"]),
        (Noise.counted(9.0, 1e-6, background=0.5), ["background", "roots", "1e-06"]),
        (Noise.poisson(100.0, 1e-6), ["Poisson counts", "100", "1e-06"]),
    ],
)
def test_the_noise_is_stated(noise: Noise | float, words: list[str]) -> None:
    text = " | ".join(assumptions_of(problem(noise)))
    for word in words:
        assert word in text


def test_both_noise_bounds_are_stated() -> None:
    text = " | ".join(assumptions_of(problem(Noise(l2=0.5, each=0.25))))
    assert "at most 0.5" in text
    assert "at most 0.25" in text


@pytest.mark.parametrize(
    ("domain", "words", "scope"),
    [
        (Ball(2.0), "l2 norm of at most 2", {"kind": "ball", "radius": 2.0}),
        (Ball(2.0, nonnegative=True), "no negative entries", {"nonnegative": True}),
        (Box(-3.0, 4.0), "within [-3, 4]", {"kind": "conditional", "on": "box"}),
        (
            Support(np.array([True, False, True, False])),
            "outside the 2 entries of the support",
            {"kind": "conditional", "on": "support", "size": 2},
        ),
    ],
)
def test_a_domain_is_stated_where_it_is_used(
    domain: Domain, words: str, scope: dict[str, object]
) -> None:
    given = problem(domain=domain)
    assert any(words in sentence for sentence in assumptions_of(given, domain=True))
    assert not any(words in sentence for sentence in assumptions_of(given))
    stated = scope_of(given, domain=True).to_json()
    assert scope.items() <= stated.items()
    assert scope_of(given).to_json() == {"kind": "global"}


def test_a_prior_is_stated_where_it_is_used() -> None:
    prior = Quadratic(Dense(np.diff(np.eye(4), axis=0)), 1.5)
    given = problem(prior=prior, domain=Box(-2.0, 2.0))
    assert prior.statement in assumptions_of(given, prior=True)
    assert prior.statement not in assumptions_of(given)
    stated = scope_of(given, prior=True).to_json()
    assert stated["budget"] == 1.5
    assert stated["digest"] == digest(prior.identity_parts())
    both = scope_of(given, prior=True, domain=True).to_json()
    assert both["domain"] == {"kind": "conditional", "on": "box", "low": -2.0, "high": 2.0}


def test_supports_of_equal_size_are_told_apart() -> None:
    masks = [np.array([True, False, True, False]), np.array([False, True, False, True])]
    scopes = [scope_of(problem(domain=Support(m)), domain=True).to_json() for m in masks]
    assert scopes[0] != scopes[1]


def test_the_round_off_of_transforms_is_stated() -> None:
    keep = np.ones((1, 8), dtype=bool)
    operator = Masked(Convolution(np.ones((1, 3)), 8), keep)
    model = Saturation(Identity(8), -1.0, 1.0)
    given = Problem(model, np.zeros(8), prior=Quadratic(operator, 1.0))
    sentences = assumptions_of(given, prior=True)
    assert any("fast analysis of the Convolution frame" in sentence for sentence in sentences)
    # without the prior nothing is transformed
    assert not any("fast analysis" in sentence for sentence in assumptions_of(given))
    for one in (sentences, assumptions_of(given)):
        assert any("IEEE 754" in sentence for sentence in one)
        assert any("Saturation model" in sentence for sentence in one)


def test_everywhere_is_global() -> None:
    assert scope_of(problem(domain=Everywhere()), domain=True).to_json() == {"kind": "global"}
