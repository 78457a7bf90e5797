"""Certificates of the islands of a spectrogram under attack, and forged ones.

The inequality of `recover.certificates.island` is attacked at its own radius by random changes,
by the direction in which the linear part is least, and by changes that are optimised.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import eigh

from recover.audio import phase_from_magnitude
from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.island import island_of, radius_of, sigma_island
from recover.certificates.islands import certify_islands
from recover.certificates.phase.stage import kappa_at
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rigor import PROVED
from recover.frames.spectrogram import Spectrogram
from recover.models.modulus import Modulus
from recover.models.problem import Problem
from recover.solve import GriffinLimADMM

HOP, SIZE = 16, 64


def sound() -> Array:
    """Two tones, one after the other and apart in frequency, and a little noise."""
    t = np.arange(640)
    early = np.exp(-(((t - 160.0) / 70.0) ** 2)) * np.cos(0.5 * t)
    late = 0.5 * np.exp(-(((t - 460.0) / 60.0) ** 2)) * np.cos(1.7 * t + 0.001 * t**2)
    return early + late + 1e-4 * np.random.default_rng(0).standard_normal(t.size)


def scene() -> tuple[Spectrogram, Problem, Array]:
    window = np.hanning(SIZE + 1)[:-1]
    frame = Spectrogram.centered(640, window, HOP)
    x = sound()
    rng = np.random.default_rng(1)
    y = np.abs(frame.analysis(x))
    return frame, Problem(Modulus(frame), y * (1.0 + 0.02 * rng.standard_normal(y.shape))), x


def mask_of(certificate: Certificate, frame: Spectrogram) -> tuple[int, Array]:
    first, last = certificate.scope.to_json()["frames"]
    shape = (last - first + 1, frame.coef_shape[1])
    packed = certificate.evidence.arrays["mask"]
    bits = np.unpackbits(packed, count=shape[0] * shape[1])
    return first, bits.reshape(shape).astype(bool)


def test_the_singular_value_is_below_the_dense_one_and_near_it():
    frame, problem, x = scene()
    whole = certify_islands(problem, x, work=np.inf, seconds=60.0)
    parts = [part for _, part in whole.parts if part.kappa.lower > 0.0]
    assert len(parts) >= 2
    for part in parts[:2]:
        island = island_of(frame, x, *mask_of(part, frame))
        own, (turn, _) = island.frame, island.turn
        matrix = np.stack([own.analysis(e).reshape(-1) for e in np.eye(own.length)], axis=1)
        inside = island.mask.reshape(-1)
        along = (island.phases.conj().reshape(-1)[:, None] * matrix)[inside].real
        rows = np.vstack([along, matrix[~inside].real, matrix[~inside].imag])
        basis = np.linalg.svd(turn[:, None])[0][:, 1:]
        exact = float(np.linalg.svd(rows @ basis, compute_uv=False)[-1])
        stated = part.evidence.values["sigma"]
        assert stated <= exact
        assert stated >= 0.8 * exact
        assert part.kappa.lower == pytest.approx(0.5 * stated)


def test_no_change_within_the_radius_moves_the_magnitudes_by_less():
    frame, problem, x = scene()
    rng = np.random.default_rng(2)
    whole = certify_islands(problem, x, work=np.inf, seconds=60.0)
    parts = [part for _, part in whole.parts if part.kappa.lower > 0.0]
    for part in parts[:2]:
        claimed = part.scope.to_json()
        first, mask = mask_of(part, frame)
        begin, end = claimed["samples"]
        inside = np.zeros(frame.coef_shape, dtype=bool)
        inside[first : first + len(mask)] = mask
        z = frame.analysis(x)
        turn = frame.synthesis(np.where(inside, 1j * z, 0.0))[begin:end]
        turn /= np.linalg.norm(turn)
        rows = linear_part(frame, z, inside, begin, end)
        worst = eigh(rows.T @ rows + np.outer(turn, turn), subset_by_index=[0, 9])[1].T
        changes = [*worst, *-worst, *rng.standard_normal((40, end - begin))]
        for length in (1.0, 0.3):
            for change in changes:
                h = change - turn * (turn @ change)
                h *= length * claimed["radius"] / np.linalg.norm(h)
                for _ in range(6):
                    moved, gradient = effect(frame, x, z, inside, begin, h)
                    assert moved >= part.kappa.lower * np.linalg.norm(h)
                    h = h - 0.3 * gradient
                    h -= turn * (turn @ h)
                    h *= length * claimed["radius"] / np.linalg.norm(h)


def linear_part(frame: Spectrogram, z: Array, inside: Array, begin: int, end: int) -> Array:
    columns = np.eye(frame.length)[begin:end]
    matrix = frame.analysis(columns).reshape(end - begin, -1).T
    flat, u = inside.reshape(-1), (z / np.abs(z)).reshape(-1)
    along = (u.conj()[:, None] * matrix)[flat].real
    return np.vstack([along, matrix[~flat].real, matrix[~flat].imag])


def effect(
    frame: Spectrogram, x: Array, z: Array, inside: Array, begin: int, h: Array
) -> tuple[float, Array]:
    """Return what a change does, and the gradient of half its square."""
    change = np.zeros_like(x)
    change[begin : begin + h.size] = h
    d = frame.analysis(change)
    gap = np.abs(z + d) - np.abs(z)
    pulled = np.where(inside, gap * (z + d) / np.abs(z + d), d)
    moved = np.where(inside, gap, np.abs(d))
    return float(np.linalg.norm(moved)), frame.synthesis(pulled)[begin : begin + h.size]


def test_kappa_within_the_radius_is_that_of_the_stage():
    frame, problem, x = scene()
    part = certify_islands(problem, x, work=np.inf, seconds=60.0).parts[0][1]
    island = island_of(frame, x, *mask_of(part, frame))
    sigma = part.evidence.values["sigma"]
    radius = radius_of(island, sigma)
    weight = np.sqrt(island.upper - sigma**2) / island.threshold
    assert kappa_at(island.threshold, sigma, weight, radius) >= 0.5 * sigma
    assert kappa_at(island.threshold, sigma, weight, 1.01 * radius) < 0.5 * sigma


def test_certificates_verify_and_forged_ones_do_not():
    frame, problem, x = scene()
    whole = certify_islands(problem, x, work=np.inf, seconds=60.0)
    count = len(whole.parts)
    read = Certificate.from_json(whole.to_json())
    assert verify(read, [problem] * count, [x] * count).accepted
    part = read.parts[0][1]
    scope = part.scope.to_json()
    first, mask = mask_of(part, frame)
    values, arrays = dict(part.evidence.values), dict(part.evidence.arrays)
    grown = mask.copy()
    grown[1, :] = True
    forged = {
        "kappa": replace(part, kappa=Enclosure(2.0 * part.kappa.lower, np.inf)),
        "upper": replace(part, kappa=Enclosure(part.kappa.lower, 1.0)),
        "sigma": replace(
            part,
            kappa=Enclosure(0.6 * values["sigma"], np.inf),
            evidence=Evidence(
                part.evidence.kind, values | {"sigma": 1.3 * values["sigma"]}, arrays
            ),
        ),
        "mask": replace(
            part,
            evidence=Evidence(part.evidence.kind, values, {"mask": np.packbits(grown)}),
        ),
        "bound": replace(part, error_bound=1.0),
        "radius": replace(
            part, scope=type(part.scope)("local", scope | {"radius": 2.0 * scope["radius"]})
        ),
        "frames": replace(
            part, scope=type(part.scope)("local", scope | {"frames": [first, 10**6]})
        ),
        "assumptions": replace(part, assumptions=part.assumptions[1:]),
        "rigor": replace(part, rigor=PROVED),
        "reason": replace(part, reason="it is fine"),
        "deviation": replace(
            part,
            evidence=Evidence(part.evidence.kind, values | {"number:deviation": 0.0}, arrays),
        ),
    }
    assert verify(part, problem, x).accepted
    for name, one in forged.items():
        assert not verify(one, problem, x).accepted, name
    assert not verify(part, problem, 1.0001 * x).accepted
    other = Problem(problem.model, problem.y * 1.5)
    assert not verify(part, other, x).accepted


def test_of_silence_and_of_a_cut_island_nothing_is_proved():
    frame, problem, x = scene()
    silent = certify_islands(problem, np.zeros_like(x), work=np.inf, seconds=1.0)
    assert silent.kappa.lower == 0.0
    assert [label for label, _ in silent.parts] == ["the rest"]
    mask = np.ones(frame.coef_shape, dtype=bool)
    island = island_of(frame, np.concatenate([x[:320], np.zeros(320)]), 0, mask)
    assert sigma_island(island, 1e-9, np.random.default_rng(0), steps=50, loss=0.5).sigma == 0.0


@pytest.mark.slow
def test_a_long_recovery_states_the_islands_it_had_time_for():
    frame, problem, x = scene()
    s = (problem.y / frame.weights).T * np.sqrt(SIZE)
    method = GriffinLimADMM(max_iter=30)
    window = frame.window
    found = phase_from_magnitude(s, hop=HOP, window=window, length=x.size, method=method)
    assert found.error_bound == np.inf
    assert any(part.kappa.lower > 0.0 for _, part in found.certificate.parts)
    assert "island" in found.certificate.reason
    again = phase_from_magnitude(s, hop=HOP, window=window, length=x.size, method=method)
    assert again.certificate.to_json() == found.certificate.to_json()
    longer = phase_from_magnitude(
        s, hop=HOP, window=window, length=x.size, method=method, budget=20.0
    )
    known = [sum(p.kappa.lower > 0 for _, p in c.certificate.parts) for c in (found, longer)]
    assert known[1] >= 2
