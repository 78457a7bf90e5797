"""Cost of the proved bounds; not collected by default: `pytest -s tests/bench/bench_eigen.py`.

Set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1; times are CPU times of this process.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

import numpy as np
import pytest
from scipy.linalg import eigvalsh

from recover.core.eigen import (
    eigmin_lower,
    eigmin_lower_banded,
    gram_of,
    sigma_min_lower,
)

MAX_RATIO = 3.0  # of the dense search to scipy's eigvalsh
MAX_SECONDS, MAX_GIGABYTES = 60.0, 4.0  # banded route at a million unknowns


def cpu_seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """Return the shortest of some CPU times."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.parametrize("n", [500, 2000])
def test_dense_against_eigvalsh(n: int) -> None:
    rows = np.random.default_rng(n).standard_normal((2 * n, n))
    gram, slack = gram_of(rows)
    value = eigmin_lower(gram, gram_slack=slack).value
    plain = cpu_seconds(lambda: eigvalsh(gram))
    search = cpu_seconds(lambda: eigmin_lower(gram, gram_slack=slack))
    check = cpu_seconds(lambda: eigmin_lower(gram, gram_slack=slack, at=value))
    form = cpu_seconds(lambda: gram_of(rows))
    print(
        f"\nn={n}: eigvalsh {plain:.3f} s, gram_of {form:.3f} s, "
        f"search {search:.3f} s = {search / plain:.2f}, at= {check:.3f} s = {check / plain:.2f}"
    )
    assert search <= MAX_RATIO * plain


def test_qr_route() -> None:
    n = 500
    rng = np.random.default_rng(1)
    left = np.linalg.qr(rng.standard_normal((2 * n, n)))[0]
    rows = left * np.geomspace(1.0, 1e-14, n) @ np.linalg.qr(rng.standard_normal((n, n)))[0]
    plain = cpu_seconds(lambda: np.linalg.svd(rows, compute_uv=False), 1)
    seconds = cpu_seconds(lambda: sigma_min_lower(rows), 1)
    value = sigma_min_lower(rows).value
    print(f"\nqr, condition 1e14: {seconds:.2f} s = {seconds / plain:.2f} svd")
    assert value > 0.5e-14


@pytest.mark.parametrize(("exponent", "width"), [(17, 255), (20, 63)])
def test_banded_with_many_unknowns(exponent: int, width: int) -> None:
    rng = np.random.default_rng(exponent)
    bands = rng.standard_normal((width + 1, 2**exponent))
    bands *= 0.2 / np.sqrt(width)
    bands[0] = 1.0 + 0.1 * rng.random(2**exponent)
    start = time.process_time()
    bound = eigmin_lower_banded(bands)
    middle = time.process_time()
    assert eigmin_lower_banded(bands, at=bound.value).value == bound.value
    end = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"\nn=2^{exponent}, width {width}: {bound.value:.6f}, slack {bound.slack:.1e}, "
        f"search {middle - start:.1f} s, at= {end - middle:.1f} s, peak {peak:.2f} GB"
    )
    assert bound.value > 0.0
    assert middle - start < MAX_SECONDS
    assert peak < MAX_GIGABYTES
