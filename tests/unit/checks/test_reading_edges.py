"""The second reading of the data at its edges: what it allows, and the least it refuses."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import mpmath
import numpy as np
import pytest

from recover.certificates.checks.reading import reading_faults
from recover.core.arrays import Array
from recover.core.rounding import U
from recover.frames import Dense, Identity
from recover.models import AFTER, BEFORE, Modulus, Noise, Problem, ReLU, Saturation
from recover.models.base import Knowledge, Model
from recover.models.noise import NoiseBound

INF = math.inf
FIXED, VALUE, BOUNDED = "are called fixed", "another value", "bounded by more"
SINGLE, NORM = "the noise of single coefficients", "the noise is taken as"


def claiming(problem: Problem, **change: Array | float | bool) -> list[str]:
    """Return the faults when the model claims something else of the same data."""
    twin = Problem(problem.model, problem.y, noise=problem.noise)
    vars(twin)["knowledge"] = replace(problem.knowledge, **change)
    return list(reading_faults(twin))


def promising(problem: Problem, **change: Array | float) -> list[str]:
    """Return the faults when the noise is taken as something else."""
    twin = Problem(problem.model, problem.y, noise=problem.noise)
    vars(twin)["knowledge"] = problem.knowledge
    vars(twin)["noise_bound"] = replace(problem.noise_bound, **change)
    return list(reading_faults(twin))


@dataclass(frozen=True, eq=False)
class Read:
    """Data, and by hand what they say of the coefficients."""

    model: Callable[[int], Model]
    noise: Noise
    y: list[float]
    lower: list[float]
    upper: list[float]
    fixed: list[bool]
    value: list[float]

    @property
    def problem(self) -> Problem:
        return Problem(self.model(len(self.y)), np.array(self.y), noise=self.noise)

    @property
    def claimed(self) -> Knowledge:
        bound = self.problem.noise_bound
        arrays = [np.array(a, dtype=np.float64) for a in (self.value, self.lower, self.upper)]
        value, lower, upper = arrays
        return Knowledge(np.array(self.fixed), value, bound.each, bound.l2, lower, upper)


READ = {
    # clipped to [-1, 2]; 0.25 is the noise
    "clipped, noise after": Read(
        lambda n: Saturation(Identity(n), -1.0, 2.0),
        Noise(each=0.25),
        [0.5, -0.75, -0.5, 1.75, 1.5, 2.25, -1.25, -1.0, 2.0],
        [0.25, -INF, -0.75, 1.5, 1.25, 2.0, -INF, -INF, 1.75],
        [0.75, -0.5, -0.25, INF, 1.75, INF, -1.0, -0.75, INF],
        [True, False, True, False, True, False, False, False, False],
        [0.5, -0.75, -0.5, 1.75, 1.5, 2.25, -1.25, -1.0, 2.0],
    ),
    "clipped, noise before": Read(
        lambda n: Saturation(Identity(n), -1.0, 2.0),
        Noise(each=0.25, where=BEFORE),
        [0.5, -0.875, 1.875, -1.0, 2.0],
        [0.25, -1.125, 1.625, -INF, 1.75],
        [0.75, -0.625, 2.125, -0.75, INF],
        [True, True, True, False, False],
        [0.5, -0.875, 1.875, -1.0, 2.0],
    ),
    "levels of their own": Read(
        lambda n: Saturation(Identity(n), [-1.0, -9.0, -9.0], [9.0, 9.0, 1.0]),
        Noise(l2=0.5),
        [-1.0, 0.0, 1.0],
        [-INF, -0.5, 0.5],
        [-0.5, 0.5, INF],
        [False, True, False],
        [-1.0, 0.0, 1.0],
    ),
    # max(t - b, 0) with biases 1, -2, ...: the interval moves with the bias
    "rectified, noise after": Read(
        lambda n: ReLU(Identity(n), [1.0, -2.0, 4.0, 3.0]),
        Noise(each=0.5),
        [0.75, 0.5, 0.0, 8.0],
        [1.25, -INF, -INF, 10.5],
        [2.25, -1.0, 4.5, 11.5],
        [True, False, False, True],
        [1.75, -1.5, 4.0, 11.0],
    ),
    "rectified, noise before": Read(
        lambda n: ReLU(Identity(n), [1.0, -2.0, 4.0]),
        Noise(each=0.5, where=BEFORE),
        [0.25, 0.125, 0.0],
        [0.75, -2.375, -INF],
        [1.75, -1.375, 4.5],
        [True, True, False],
        [1.25, -1.875, 4.0],
    ),
    "magnitudes": Read(
        lambda n: Modulus(Identity(n)),
        Noise(each=[0.5, 0.5, 0.0, 0.25]),
        [2.0, 0.0, 0.0, -0.25],
        [-2.5, -0.5, 0.0, 0.0],
        [2.5, 0.5, 0.0, 0.0],
        [False, False, True, True],
        [0.0, 0.0, 0.0, 0.0],
    ),
    "magnitudes, noise before": Read(
        lambda n: Modulus(Identity(n)),
        Noise(each=[0.5, 0.0], where=BEFORE),
        [2.0, 0.0],
        [-2.5, 0.0],
        [2.5, 0.0],
        [False, True],
        [0.0, 0.0],
    ),
}


@pytest.fixture(params=list(READ))
def read(request: pytest.FixtureRequest) -> Read:
    return READ[request.param]


def test_all_that_the_data_say_may_be_claimed(read: Read) -> None:
    claimed = read.claimed
    assert list(reading_faults(read.problem)) == []
    assert claiming(read.problem, **vars(claimed)) == []
    # and less
    nothing = {
        "fixed": np.zeros(claimed.fixed.shape, dtype=bool),
        "lower": claimed.lower - 1.0,
        "upper": claimed.upper + 1.0,
        "each": claimed.each + 1.0,
        "l2": claimed.l2 + 1.0,
    }
    assert claiming(read.problem, **{**vars(claimed), **nothing}) == []


def test_nothing_more_may_be_claimed(read: Read) -> None:
    claimed = read.claimed
    for k in range(len(read.y)):
        for name, step in (("lower", 1e-12), ("upper", -1e-12)):
            end = getattr(claimed, name).copy()
            end[k] = end[k] + step if math.isfinite(end[k]) else -step * 1e300
            faults = claiming(read.problem, **{**vars(claimed), name: end})
            assert [BOUNDED in fault for fault in faults] == [True], (name, k)
            assert faults[0].startswith("1 ")
        fixed = claimed.fixed.copy()
        fixed[k] = True
        faults = claiming(read.problem, **{**vars(claimed), "fixed": fixed})
        assert [FIXED in fault for fault in faults] == [True] * (not claimed.fixed[k])
        assert all(fault.startswith("1 ") for fault in faults)
        for step in (1e-12, -1e-12, math.nan):
            value = claimed.value.copy()
            value[k] += step
            faults = claiming(read.problem, **{**vars(claimed), "value": value})
            # the value means nothing where it is not fixed
            assert [VALUE in fault for fault in faults] == [True] * bool(claimed.fixed[k])
            assert all(fault.startswith("1 ") for fault in faults)


def test_several_are_counted() -> None:
    problem = READ["rectified, noise before"].problem
    known = problem.knowledge
    everything = claiming(
        problem,
        fixed=np.ones(3, dtype=bool),
        value=known.value + 1.0,
        lower=known.lower + 1.0,
        upper=known.upper - 1.0,
    )
    assert [fault.split()[0] for fault in everything] == ["1", "3", "3"]


@pytest.mark.parametrize(
    ("y", "bias", "each"),
    [(1.0, -1.0, 0.0), (0.001, 100.0, 0.0), (0.001, -100.0, 0.0), (3.0, 0.0, 1000.0)],
)
def test_rounding_decides_nothing(y: float, bias: float, each: float) -> None:
    """An end that was rounded twice is allowed, whatever the largest of what it is made of."""
    problem = Problem(ReLU(Dense(np.ones((2, 1))), bias), np.full(2, y), noise=Noise(each=each))
    known = problem.knowledge
    slip = 4.0 * U * max(y, abs(y + bias), each)
    more = np.array([slip, 0.0])
    assert claiming(problem, upper=known.upper - more) == []
    assert claiming(problem, upper=known.upper - 1e5 * more) != []
    if known.fixed.all():
        assert claiming(problem, value=known.value + more) == []
        assert claiming(problem, value=known.value - more) == []
        assert claiming(problem, lower=known.lower + more) == []
        assert claiming(problem, lower=known.lower + 1e5 * more) != []
        assert claiming(problem, value=known.value + 1e5 * more) != []


def test_data_near_the_largest_number_allow_no_more() -> None:
    problem = Problem(Saturation(Identity(1), None, None), np.array([1.7e308]), noise=1e300)
    assert list(reading_faults(problem)) == []
    assert claiming(problem, value=np.zeros(1))
    assert claiming(problem, lower=np.array([1.75e308]))


def test_complex_coefficients_have_no_sides() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((4, 2)) + 1j * rng.standard_normal((4, 2))
    problem = Problem(Modulus(Dense(rows)), np.ones(4), noise=0.1)
    assert claiming(problem, lower=np.full(4, 5.0)) == []
    assert claiming(problem, fixed=np.ones(4, dtype=bool)) != []
    assert promising(problem, l2=0.09) != []


NOISES: dict[str, Problem] = {
    "norm": Problem(ReLU(Identity(4)), np.ones(4), noise=Noise(l2=0.5)),
    "each": Problem(ReLU(Identity(4)), np.ones(4), noise=Noise(each=[0.1, 0.2, 0.3, 0.0])),
    "both": Problem(ReLU(Identity(4)), np.ones(4), noise=Noise(0.25, [0.1, 0.2, 0.3, 0.1])),
    "normal": Problem(ReLU(Identity(5)), np.ones(5), noise=Noise.gaussian(0.1, 1e-3)),
    "normal, one": Problem(ReLU(Identity(1)), np.ones(1), noise=Noise.gaussian(2.0, 0.5)),
    "counts": Problem(
        ReLU(Identity(4)), np.array([0.0, 0.5, 1.0, 9.5]), noise=Noise.poisson(2.0)
    ),
    # with a large chance the lower tail decides about data that are no whole counts
    "counts, lower tail": Problem(
        ReLU(Identity(1)), np.array([3.49]), noise=Noise.poisson(1.0, 0.95)
    ),
    "counts, one": Problem(ReLU(Identity(1)), np.array([1.49]), noise=Noise.poisson(1.0, 0.99)),
    "counts, none": Problem(
        ReLU(Identity(1)), np.array([0.49]), noise=Noise.poisson(1.0, 0.99)
    ),
    "roots": Problem(Modulus(Identity(3)), np.sqrt([0.0, 4.0, 90.0]), noise=Noise.counted(1.0)),
    # the lower end is the background, and the upper one is nearer
    "roots, all background": Problem(
        Modulus(Identity(1)), np.sqrt([5.0]), noise=Noise.counted(1.0, 0.6, background=40.0)
    ),
    "roots, many": Problem(
        Modulus(Identity(400)), np.full(400, 3.0), noise=Noise.counted(2.0, 1e-3)
    ),
    "roots, background": Problem(
        Modulus(Identity(4)),
        np.sqrt([0.0, 2.0, 30.0, 90.0]),
        noise=Noise.counted(1.0, 1e-3, background=np.array([0.0, 40.0, 40.0, 40.0])),
    ),
}
COUNTED = [name for name in NOISES if name.startswith(("counts", "roots"))]


@pytest.mark.parametrize("name", list(NOISES))
def test_noise_may_not_be_taken_smaller(name: str) -> None:
    """In either place, for any single coefficient that has noise, and for the norm."""
    problem = NOISES[name]
    assert list(reading_faults(problem)) == []
    # quantiles, and the roots of rounded ones, differ a little between two libraries
    less = 1.0 - (1e-6 if name in COUNTED else 1e-8)
    each, l2 = problem.noise_bound.each, problem.noise_bound.l2
    for k in np.flatnonzero(each)[:5]:
        low = each.copy()
        low[k] *= less
        for faults in (claiming(problem, each=low), promising(problem, each=low)):
            assert any(fault.startswith(SINGLE) for fault in faults), k
    for faults in (claiming(problem, l2=l2 * less), promising(problem, l2=l2 * less)):
        assert any(fault.startswith(NORM) for fault in faults)
        assert f"{l2 * less:.6g}" in faults[0]
        assert f"{l2:.6g}" in faults[0]
    for nothing in (math.nan, -1.0):
        assert claiming(problem, l2=nothing) != []
        assert promising(problem, l2=nothing) != []
    # more noise is no fault
    assert claiming(problem, l2=INF, each=2.0 * each) == []
    assert promising(problem, l2=INF) == []


def test_the_least_of_both_promises_is_what_counts() -> None:
    problem = NOISES["both"]
    np.testing.assert_array_equal(problem.noise_bound.each, [0.1, 0.2, 0.25, 0.1])
    assert problem.noise_bound.l2 == 0.25
    alone = Problem(problem.model, problem.y, noise=Noise(1.0, [0.1, 0.2, 0.3, 0.1]))
    norm = math.sqrt(0.15)
    assert promising(alone, l2=norm * (1.0 + 1e-12)) == []
    assert promising(alone, l2=norm * (1.0 - 1e-6)) != []


def test_bounds_that_are_whole_numbers_are_squared_as_others() -> None:
    whole = Noise(each=np.array([2**32, 2**32]))
    problem = Problem(Saturation(Identity(2), None, None), np.zeros(2), noise=whole)
    assert list(reading_faults(problem)) == []
    assert promising(problem, l2=2.0**32) != []


@pytest.mark.parametrize("count", [90_000, 200_000, 10**6])
def test_lower_ends_of_large_counts_are_the_exact_ones(count: int) -> None:
    """Above a background it is the lower tail of the count that decides."""
    tail, unit = 1e-6, 100.0
    background = 0.9 * count / unit
    y = math.sqrt(count / unit - background)
    promise = Noise.counted(unit, 4.0 * tail, background)
    problem = Problem(Modulus(Identity(1)), np.array([y]), noise=promise)
    assert list(reading_faults(problem)) == []

    def beyond(mean: mpmath.mpf) -> mpmath.mpf:
        # of Poisson counts of this mean, relative to the tail
        return mpmath.log(mpmath.gammainc(count, 0, mean, regularized=True) / tail)

    start = count - 4.7 * math.sqrt(count)
    low = float(mpmath.findroot(beyond, (start, start + 1.0), tol=1e-9))
    least = y - math.sqrt(low / unit - background)
    for factor, fine in ((1.0 - 1e-5, False), (1.0 + 1e-5, True)):
        claimed = np.array([least * factor])
        faults = promising(problem, each=claimed, l2=math.inf)
        assert any(fault.startswith(SINGLE) for fault in faults) != fine


def test_noise_is_read_in_float64() -> None:
    y = np.array([0.1, 0.2], dtype=np.float32)
    problem = Problem(Saturation(Identity(2), None, None), y, noise=Noise(each=1e-12))
    assert list(reading_faults(problem)) == []
    known = problem.knowledge
    assert claiming(problem, value=known.value + 1e-12) != []


def test_an_unknown_model_is_not_read() -> None:
    class Odd(Saturation):
        """Not one of those whose data can be read."""

    problem = Problem(Saturation(Identity(2)), np.zeros(2), noise=0.1)
    assert list(reading_faults(Problem(Odd(Identity(2)), np.zeros(2), noise=0.1))) == []
    twin = Problem(Modulus(Identity(2)), np.zeros(2), noise=0.1)
    object.__setattr__(twin, "model", _Unknown(problem.model))
    vars(twin)["knowledge"] = problem.knowledge
    with pytest.raises(TypeError, match="_Unknown"):
        list(reading_faults(twin))


class _Unknown:
    """Has a frame like a model, and is none."""

    def __init__(self, model: Model) -> None:
        self.frame = model.frame


def test_bounds_are_those_of_the_claim() -> None:
    """The claimed noise moves the ends: taking more of it must show in them."""
    problem = Problem(Saturation(Identity(1), -9.0, 9.0), np.zeros(1), noise=Noise(each=0.25))
    wide = NoiseBound(1.0, np.ones(1), AFTER, problem.noise_bound.rigor)
    assert [BOUNDED in fault for fault in promising(problem, **vars(wide))] == [True]
    assert claiming(problem, each=np.ones(1), l2=1.0) == []
