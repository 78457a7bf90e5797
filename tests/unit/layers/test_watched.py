"""An analysis tells of its search, and stops when it is asked to."""

import numpy as np

import recover as rv


def analysed(stop):
    rows = np.random.default_rng(0).standard_normal((30, 4))
    told = []

    def watch(progress):
        told.append(progress)
        return stop

    found = rv.layers.analyse(rows, np.full(30, 0.5), critical=False, watch=watch)
    return found.kappa, told


def test_the_watch_is_told_and_may_stop():
    whole, all_told = analysed(False)
    part, told = analysed(True)
    assert 0 < len(told) < len(all_told)
    assert all(each.step <= each.total for each in all_told)
    assert part.lower <= whole.lower <= whole.upper
    assert part.upper - part.lower > whole.upper - whole.lower
