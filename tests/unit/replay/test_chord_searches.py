"""Records that searches leave, against many pairs of signals, and changed in one place."""

import math

import numpy as np
import pytest

from recover.certificates.lipschitz import segment_share
from recover.certificates.replay.chord_model import Target
from recover.certificates.replay.chords import replay_chords
from recover.certificates.replay.walls import walls_of
from recover.certificates.search.chords import ChordSearch
from recover.certificates.search.clock import Clock

INF = math.inf
ROWS = np.random.default_rng(3).standard_normal((8, 2)) / 4.0
LEVELS = np.full(8, 0.1)
CASES = {  # rows, low, high, whether only signals with entries >= 0 count
    "cone": (np.vstack([ROWS[:5], -ROWS[:5]]), np.zeros(10), np.full(10, INF), False),
    "biases": (ROWS, -LEVELS, np.full(8, INF), False),
    "quadrant": (np.abs(ROWS[:6]) - 0.1, -LEVELS[:6], np.full(6, INF), True),
    "mixed": (
        ROWS,
        np.where(np.arange(8) % 3, -LEVELS, -INF),
        np.where(np.arange(8) % 2, LEVELS, INF),
        False,
    ),
}


def least_ratio(rows, low, high, nonnegative) -> float:
    """Return the least ``|F(x) - F(y)|^2 / |x - y|^2`` of many pairs, improved."""
    rng = np.random.default_rng(0)

    def inside(x):
        x = np.maximum(x, 0.0) if nonnegative else x
        return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1.0)

    x, y = inside(rng.standard_normal((10_000, 2))), inside(rng.standard_normal((10_000, 2)))
    for scale in (0.0, 0.3, 0.1, 0.03, 0.01, 0.003):
        new = [np.vstack([p, inside(p + scale * rng.standard_normal(p.shape))]) for p in (x, y)]
        change = np.clip(new[0] @ rows.T, low, high) - np.clip(new[1] @ rows.T, low, high)
        apart = ((new[0] - new[1]) ** 2).sum(axis=1)
        ratio = (change**2).sum(axis=1) / np.maximum(apart, 1e-300)
        ratio[apart < 1e-4] = INF
        best = np.argsort(ratio)[:1000]
        x, y = new[0][best], new[1][best]
    return float(ratio.min())


@pytest.fixture(scope="module", params=CASES, ids=list(CASES))
def searched(request):
    rows, low, high, nonnegative = CASES[request.param]
    walls = walls_of(rows, low, high, 1.0, nonnegative)
    seen = least_ratio(rows, low, high, nonnegative)
    target = Target(seen * (1.0 - 1e-6), segment_share(rows, low, high, 1.0))
    search = ChordSearch(walls, target, Clock.starting(300.0))
    assert search.run()
    # the search may have found a better pair
    return walls, search.record, search.target, search.target.value / (1.0 - 1e-6)


def proves(walls, record, target) -> bool:
    with np.errstate(all="ignore"):  # as the verifier does
        try:
            return not list(replay_chords(walls, record, target))
        except (ValueError, IndexError, OverflowError):
            return False


def test_a_record_proves_no_more_than_pairs_show(searched):
    walls, record, target, seen = searched
    assert proves(walls, record, target)
    assert least_ratio(walls.rows, walls.low, walls.high, walls.nonnegative) >= target.value
    assert not proves(walls, record, target._replace(value=seen * 1.0001))


def test_no_change_in_one_place_proves_what_is_false(searched):
    walls, record, target, seen = searched
    false = target._replace(value=seen * 1.001)
    rng = np.random.default_rng(1)
    for name, array in record._asdict().items():
        for at in rng.choice(len(array), min(len(array), 6), replace=False):
            changed = array.copy()
            if name == "numbers":
                changed[at] = changed[at] * rng.choice([0.0, 0.5, 1.5, -1.0]) + rng.choice(
                    [0, 1]
                )
            else:
                changed[at] += rng.choice([-2, -1, 1, 2])
            assert not proves(walls, record._replace(**{name: changed}), false)
            shorter = record._replace(**{name: np.delete(array, at)})
            assert not proves(walls, shorter, target)
