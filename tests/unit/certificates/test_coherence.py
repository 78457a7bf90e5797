"""Bounds from norms and inner products, against exact enumeration and the exact engine."""

import math
from dataclasses import replace

import numpy as np
import pytest

import recover as rv
from recover.certificates.coherence import coherence_lower
from recover.certificates.search import sight


def unit_rows(rng, m, n):
    rows = rng.standard_normal((m, n))
    return rows / np.linalg.norm(rows, axis=1)[:, None]


@pytest.mark.parametrize("seed", range(24))
def test_no_input_has_more_neurons_off_or_a_smaller_eigenvalue(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 5))
    rows = unit_rows(rng, int(rng.integers(n, 20)), n) * rng.uniform(0.5, 1.0)
    low = -rng.uniform(0.3, 1.1) * (1.0 + 0.2 * rng.random(len(rows)))
    radius, nonnegative = float(rng.uniform(0.5, 1.2)), bool(seed % 2)
    lower, most = coherence_lower(rows, low, radius, nonnegative)
    x = rng.standard_normal((20_000, n))
    x = np.vstack([x, -rows, np.minimum(rows, 0.0), *(-(rows + row) for row in rows)])
    x = np.abs(x) if nonnegative else x
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    x = x[norms[:, 0] > 0.0] / norms[norms[:, 0] > 0.0] * radius
    active = x @ rows.T >= low
    assert (~active).sum(axis=1).max() <= most
    patterns = np.unique(active, axis=0)
    grams = np.einsum("pm,mi,mj->pij", patterns.astype(float), rows, rows)
    assert lower <= np.linalg.eigvalsh(grams)[:, 0].min() * (1.0 + 1e-12) + 1e-15


def test_nonnegative_inputs_never_switch_off_nonnegative_rows():
    rng = np.random.default_rng(0)
    rows = np.vstack([np.eye(12), 0.2 * rng.standard_normal((30, 12))])
    lower, most = coherence_lower(rows, np.full(42, -1e-3), 50.0, True)
    assert 1.0 - 1e-12 <= lower <= 1.0
    assert most <= 30
    assert coherence_lower(rows, np.full(42, -1e-3), 50.0, False)[0] == 0.0
    # whatever the radius
    assert coherence_lower(rows, np.zeros(42), math.inf, True)[0] >= 1.0 - 1e-12


def test_large_random_layers_are_proved_far_below_the_trivial_bias():
    rows = unit_rows(np.random.default_rng(0), 640, 64)
    lower, most = coherence_lower(rows, np.full(640, -0.66), 1.0, False)
    assert lower > 0.1
    assert most <= 12
    assert coherence_lower(rows, np.full(640, -0.3), 1.0, False)[0] == 0.0


def test_certificates_of_frames_too_large_for_the_search(monkeypatch):
    monkeypatch.setattr(sight, "ENGINE_NUMBERS", 100)
    rng = np.random.default_rng(1)
    frame = rv.frames.Dense(unit_rows(rng, 160, 16))
    model = rv.ReLU(frame, -0.9)
    cert = rv.certify(model, rv.Ball(1.0), budget=5.0)
    assert 0.0 < cert.kappa.lower < cert.kappa.upper
    assert "too many for the exact search" in cert.reason
    # the verifier does not search either
    again = rv.Certificate.from_json(cert.to_json())
    assert rv.verify(again, model).accepted
    raised = replace(cert, kappa=rv.Enclosure(cert.kappa.lower * 1.001, cert.kappa.upper))
    assert not rv.verify(raised, model).accepted
    values = dict(cert.evidence.values)
    values["eigenvalue_lower"] *= 1.01
    forged = replace(raised, evidence=replace(cert.evidence, values=values))
    assert not rv.verify(forged, model).accepted
    monkeypatch.undo()
    exact = rv.certify(model, rv.Ball(1.0), budget=3.0)
    assert cert.kappa.lower <= exact.kappa.upper
    clipped = rv.certify(rv.Saturation(frame, -0.9, 0.9), rv.Ball(1.0), budget=1.0)
    assert clipped.kappa.upper > 0.0
