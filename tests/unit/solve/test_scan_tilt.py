"""Slow phases of an object are found from how a scan's patterns are shifted."""

import numpy as np

from recover.frames.ptychography import Ptychography
from recover.models.modulus import Modulus
from recover.models.problem import Problem
from recover.solve.scan_task import ScanTask
from recover.solve.scan_tilt import slow_phase


def test_a_slow_phase_is_undone_to_first_order():
    rng = np.random.default_rng(0)
    i, j = np.mgrid[:16, :16] - 7.5
    probe = np.exp(-(i**2 + j**2) / 40.0) * np.exp(0.02j * (i**2 + j**2))
    places = np.stack(np.meshgrid(range(0, 49, 6), range(0, 49, 6), indexing="ij"), -1)
    scan = Ptychography((64, 64), probe, places.reshape(-1, 2))
    rough = rng.standard_normal((2, 64, 64))
    x = 1.0 + 0.2 * rough[0] + 0.2j * rough[1]
    task = ScanTask.of(Problem(Modulus(scan), np.abs(scan.analysis(x))))
    t = np.arange(64) + 0.5
    slow = 0.1 * np.outer(np.cos(2 * np.pi * t / 64), np.cos(np.pi * t / 64))
    lit = scan.illumination > 0.1 * scan.illumination.max()
    found = slow_phase(task, x * np.exp(-1j * slow), probe)
    left = (found - slow)[lit]
    assert np.std(left) < 0.2 * np.std(slow[lit])
    assert np.abs(slow_phase(task, x, probe)).max() < 1e-9
