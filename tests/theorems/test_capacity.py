"""Computed capacities beside reference numbers, with the source of each in data/golden."""

import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtr

from recover.core.errors import ParameterError
from recover.core.rigor import HEURISTIC, PROVED
from recover.theory import (
    capacity_bounds,
    deep_injectivity_capacity,
    injectivity_capacity,
    min_active_fraction,
)

GOLDEN = json.loads(
    (Path(__file__).parents[2] / "data" / "golden" / "capacity.json").read_text()
)


@pytest.mark.parametrize(
    "case", GOLDEN["single_layer"], ids=lambda c: f"{c['method']}-{c['level']}"
)
def test_single_layer(case):
    capacity = injectivity_capacity(case["method"], case["level"])
    assert capacity.value == pytest.approx(case["value"], rel=0, abs=case["tolerance"])
    assert 0.0 < capacity.accuracy <= 1e-5
    proved = case["method"] in {"plain", "partial"}
    assert capacity.rigor == (PROVED if proved else HEURISTIC)


@pytest.mark.parametrize("name", GOLDEN["classical"])
def test_classical_bounds(name):
    case = GOLDEN["classical"][name]
    assert getattr(capacity_bounds(), name) == pytest.approx(
        case["value"], rel=0, abs=case["tolerance"]
    )


@pytest.mark.parametrize(
    "case", GOLDEN["min_active_fraction"], ids=lambda c: f"{c['alpha']}-{c['level']}"
)
def test_least_energy(case):
    value = min_active_fraction(case["alpha"], case["level"])
    assert value == pytest.approx(case["value"], rel=0, abs=case["tolerance"])


@pytest.mark.parametrize(
    "case", GOLDEN["deep"], ids=lambda c: f"{c['criterion']}-{c['method']}-{c['first']}"
)
def test_deep_chains(case):
    count = len(case["values"])
    deep = deep_injectivity_capacity(count, case["criterion"], case["method"], case["first"])
    assert deep.values == pytest.approx(case["values"], rel=0, abs=case["tolerance"])
    steps = np.array(deep.values) / np.array([1.0, *deep.values[:-1]])
    assert deep.expansions == pytest.approx(steps, rel=1e-15)
    proved = case["method"] == "plain" and case["first"] is None
    proved = proved and case["criterion"] != "unit_multiplier"
    assert deep.rigor == (PROVED if proved else HEURISTIC)


def test_levels_fall_and_capacity_is_where_the_energy_is_one():
    values = [injectivity_capacity("plain").value, injectivity_capacity("partial").value]
    values += [injectivity_capacity("lifted", level).value for level in (2, 3, 4, 5)]
    assert all(a > b for a, b in pairwise(values))
    assert injectivity_capacity("limit").value < values[-1]
    assert min_active_fraction(values[0], 1) == pytest.approx(1.0, abs=1e-13)
    for level in (2, 3):
        alpha = injectivity_capacity("lifted", level).value
        assert min_active_fraction(alpha, level) == pytest.approx(1.0, abs=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("alpha", "continuous"), [(4.0, 0.31055076), (6.0, 0.80536908), (8.0, 1.38403376)]
)
def test_high_levels_approach_continuous_symmetry_breaking(alpha, continuous):
    """The limit is from the code release of Maillard et al., arXiv 2302.14112."""
    assert 0.0 < continuous - min_active_fraction(alpha, 6) < 4e-5


def test_no_active_neuron_is_needed_up_to_two_rows_per_input():
    assert min_active_fraction(1) == min_active_fraction(2.0, 3) == 0.0
    energies = [min_active_fraction(a, 2) for a in (2.001, 2.05, 2.2, 3.0, 10.0, 1e3, 1e6)]
    assert all(0.0 < a < b for a, b in pairwise(energies))
    assert energies[-1] == pytest.approx(5e5, rel=0.005)


def test_closed_relations_make_the_lifted_functional_stationary():
    """The functional in its usual form equals the compact one, and its gradient vanishes."""
    for method in ("partial", "lifted"):
        p = injectivity_capacity(method).parameters
        s, q = (p["s"], 0.0) if method == "partial" else (p["m"][0] / p["chi"], p["q"][0])

        def usual(c2, p2, gamma_sphere, gamma_loss, q=q):
            w = 2 * gamma_sphere - c2 * (1 - p2)
            sphere = c2 * gamma_sphere - 0.5 * np.log(w / (2 * gamma_sphere))
            sphere += c2 * p2 / (2 * w)
            # the loss term enters through s = c2 / (2 gamma_loss) and is not part of the check
            return -0.5 * c2**2 * (1 - p2 * q) + sphere - c2 * gamma_loss

        names = ("c2", "p2", "gamma_sphere", "gamma_loss")
        point = np.array([p[name] for name in names])
        left = 1 + s * (1 - q)
        compact = 0.5 * math.log(left) + 0.5 * s * q / left
        assert usual(*point) == pytest.approx(compact, abs=1e-13)
        assert p["gamma_loss"] == pytest.approx(p["c2"] / (2 * s), rel=1e-14)
        # with s fixed, moving c2 drags gamma_loss = c2 / (2 s) along
        for direction in ((1, 0, 0, 1 / (2 * s)), (0, 1, 0, 0), (0, 0, 1, 0)):
            slope = usual(*(point + 1e-30j * np.array(direction))).imag / 1e-30
            assert slope == pytest.approx(0.0, abs=1e-11)


def test_partial_lifting_survives_the_direct_route():
    """The exponent of the failure probability, with the exponent c_3 kept, vanishes there."""
    capacity = injectivity_capacity("partial")
    c3 = capacity.parameters["c2"]
    us = np.exp(np.linspace(-3, 2, 2001))  # u = 1 / s

    def loss(u):
        nus = np.exp(np.linspace(-2.5, 1.5, 801))
        s = 1 / u
        c, wide = np.sqrt(2 * nus / s), math.sqrt(1 + s)
        mean = 0.5 + np.exp(-nus) * ndtr(-c) + (ndtr(c * wide) - 0.5) / wide
        return (nus + capacity.value * np.log(mean)).min()

    psi = np.array([loss(u) for u in us])
    sphere = (0.5 * c3**2 * us + 0.5 * np.log1p(1 / us)).min()
    assert (psi - 0.5 * c3**2 * us).max() + sphere == pytest.approx(0.0, abs=2e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: injectivity_capacity("exact"), ["method", "'exact'", "partial"]),
        (lambda: injectivity_capacity("lifted", 1), ["level", "1", 'method="plain"']),
        (lambda: injectivity_capacity("lifted", 9), ["level", "9", "2 to 8"]),
        (lambda: injectivity_capacity("lifted", 2.5), ["level", "2.5"]),
        (lambda: injectivity_capacity("lifted", True), ["level", "True"]),
        (lambda: injectivity_capacity("plain", 3), ["level=3", 'method="lifted"']),
        (lambda: min_active_fraction(0.5), ["alpha", "0.5", "1e+06"]),
        (lambda: min_active_fraction(math.nan), ["alpha", "nan"]),
        (lambda: min_active_fraction("wide"), ["alpha", "'wide'"]),
        (lambda: min_active_fraction(4.0, 0), ["level", "0"]),
        (lambda: deep_injectivity_capacity(0), ["layers", "0", ">= 1"]),
        (lambda: deep_injectivity_capacity(51), ["layers", "51", "50"]),
        (lambda: deep_injectivity_capacity(1.5), ["layers", "1.5"]),
        (lambda: deep_injectivity_capacity(2, "firm"), ["criterion", "'firm'", "strong"]),
        (lambda: deep_injectivity_capacity(2, method="lifted"), ["method", "'lifted'"]),
        (lambda: deep_injectivity_capacity(2, first=0.9), ["first", "0.9", "2.1"]),
        (
            lambda: deep_injectivity_capacity(2, "unit_multiplier", "partial"),
            ["partial", "unit_multiplier", "plain"],
        ),
    ],
)
def test_bad_input_is_refused_with_value_and_cure(call, words):
    with pytest.raises(ParameterError) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
