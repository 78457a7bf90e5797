"""Recovery where frames reach clipped samples, against that of the whole signal."""

import numpy as np
import pytest

from recover.audio.regions import clipped_regions, solve_in_regions
from recover.audio.settings import tight_gabor
from recover.frames import Identity
from recover.metrics import sdr_gain
from recover.models import Noise, Problem, Saturation
from recover.solve import Status, solve
from recover.solve.social import SocialSparsity

N = 12000


def go_on(_progress):
    return False


def bursts(n=N):
    """A quiet chord that is loud three times."""
    t = np.arange(n)
    chord = sum(np.sin(w * t + w) for w in (0.031, 0.083, 0.21, 0.37)) / 4.0
    loud = sum(np.exp(-(((t - c) / 120.0) ** 2)) for c in (1500, 6000, 9900))
    return chord * (0.3 + loud)


def problem_of(x, level=0.45, **options):
    y = np.clip(x, -level, level)
    return Problem(Saturation(Identity(len(x)), -level, level), y, **options)


def method_of(n, size=288, **options):
    return SocialSparsity(tight_gabor(n, size), neighbourhood=(5, 3), max_iter=60, **options)


def test_regions_hold_every_clipped_sample_and_its_frames():
    mask = np.zeros(N, dtype=bool)
    mask[[1500, 1505, 6000, 11990]] = True
    frame = tight_gabor(N, 288)
    regions = clipped_regions(mask, frame, 2)
    reach = 288 + 6 * 96
    assert [region.start for region in regions] == [
        (at - reach) // 96 * 96 for at in (1500, 6000, 11990)
    ]
    assert [region.stop for region in regions] == [1506 + reach, 6001 + reach, N]
    # frames outside the regions meet no clipped sample
    for start in frame.starts:
        frame_part = slice(max(start, 0), start + 288)
        inside = any(r.start <= frame_part.start and frame_part.stop <= r.stop for r in regions)
        assert inside or start + 288 > N or start < 0 or not mask[frame_part].any()


@pytest.mark.parametrize("places", [[], range(0, N, 300), [0, N - 1]])
def test_the_whole_signal_where_there_is_nothing_to_save(places):
    mask = np.zeros(N, dtype=bool)
    mask[list(places)] = True
    size = 9000 if len(places) == 2 else 288
    assert clipped_regions(mask, tight_gabor(N, size), 2) == (slice(0, N),)


@pytest.mark.parametrize(
    "noise", [Noise(l2=0.0), Noise(each=1e-6), Noise(each=np.full(N, 1e-6))]
)
def test_regions_give_what_the_whole_gives(noise):
    """Up to what the outermost frames' neighbourhoods miss."""
    x = bursts()
    problem = problem_of(x, noise=noise)
    method = method_of(N)
    whole = solve(problem, method)
    found = solve_in_regions(
        problem, method, method.frame, start=None, rng=np.random.default_rng(0), watch=go_on
    )
    assert found.status is Status.COMPLETED
    assert len(found.residuals) == 60
    recovered = np.linalg.norm(whole.signal - problem.y)
    assert np.linalg.norm(found.signal - whole.signal) <= 1e-3 * recovered
    gains = [sdr_gain(x, problem.y, s.signal) for s in (found, whole)]
    assert gains[0] > gains[1] - 0.1
    assert gains[0] > 30.0
    known = problem.knowledge
    assert (found.signal >= known.lower).all()
    assert (found.signal <= known.upper).all()


def test_a_start_is_used_and_kept_between_regions():
    x = bursts()
    problem = problem_of(x)
    method = method_of(N, first=0.02)
    found = solve_in_regions(
        problem, method, method.frame, start=x, rng=np.random.default_rng(0), watch=go_on
    )
    assert np.array_equal(found.signal[3000:4000], x[3000:4000])
    assert sdr_gain(x, problem.y, found.signal) > 15.0


def test_stopping_leaves_later_regions_at_the_level():
    problem = problem_of(bursts())
    steps = []

    def watch(progress):
        steps.append(progress.step)
        return progress.step == progress.total // 2

    method = method_of(N)
    found = solve_in_regions(
        problem, method, method.frame, start=None, rng=np.random.default_rng(0), watch=watch
    )
    assert found.status is Status.STOPPED
    assert steps == sorted(steps)
    assert np.array_equal(found.signal[9000:], problem.y[9000:])
    assert not np.array_equal(found.signal[:3000], problem.y[:3000])
