"""Laws that every prior found in the package obeys."""

import numpy as np
import pytest

import recover.priors
from recover.core.arrays import digest
from recover.core.discovery import concrete_classes
from recover.priors import Prior

PRIORS = concrete_classes(recover.priors, Prior)
each_prior = pytest.mark.parametrize("cls", PRIORS.values(), ids=PRIORS.keys())


def test_the_two_priors_are_found():
    assert {"Quadratic", "Subspace"} <= set(PRIORS)


@each_prior
def test_zero_satisfies_it_and_a_huge_signal_does_not(cls):
    rng = np.random.default_rng(2)
    prior = cls.sample(rng)
    zero = np.zeros(prior.signal_shape)
    assert prior.violation(zero) == 0.0
    assert prior.violation(1e6 * rng.standard_normal(prior.signal_shape)) > 1.0


@each_prior
def test_states_itself_and_is_told_apart(cls):
    prior = cls.sample(np.random.default_rng(0))
    assert prior.statement.startswith("the true signal")
    assert prior.to_json()["on"]
    other = cls.sample(np.random.default_rng(1))
    assert digest(prior.identity_parts()) != digest(other.identity_parts())
