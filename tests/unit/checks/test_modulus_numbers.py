"""The check of local steps: each number of a true step, and the smallest step beyond it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.phase.free import sigma_free, weight_free
from recover.certificates.phase.rows import Magnitudes, magnitudes_of
from recover.certificates.phase.stage import distances, kappa_at
from recover.certificates.phase.statements import (
    DELTA,
    phase_assumptions,
    phase_scope,
    phase_signal,
)
from recover.certificates.phase.witness import witness_ratio
from recover.certificates.reasons import NO_WITNESS, Why, Withheld
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rigor import PROVED, Rigor, probabilistic
from recover.frames import CodedDiffraction, Dense, Fourier, Frame, Gabor
from recover.models import Modulus, Noise, Problem, Support

Values = dict[str, float | str]
DAMAGED = "the evidence is damaged or does not fit: "


@dataclass(frozen=True, eq=False)
class Scene:
    """A problem and a recovered signal, with the numbers of the linear part as they are."""

    problem: Problem
    signal: Array

    @property
    def magnitudes(self) -> Magnitudes:
        return magnitudes_of(self.problem, self.signal)

    def rows(self, threshold: float) -> tuple[Array, Array]:
        """Return the rows of a and of b / rho by their definition."""
        magnitudes, frame = self.magnitudes, self.problem.model.frame
        keep = magnitudes.kept(threshold)
        matrix = frame.matrix()[keep.reshape(-1)][:, magnitudes.columns]
        z = frame.analysis(self.signal)[keep]
        turned = (z.conj() / np.abs(z))[:, None] * matrix
        a, b = turned.real, turned.imag
        if not frame.real_signal:
            a, b = np.hstack([a, -b]), np.hstack([b, a])
        return a, b / magnitudes.ratio[keep][:, None]

    def sigma(self, threshold: float) -> float:
        """The least singular value at right angles to the lost direction."""
        values = np.linalg.svd(self.rows(threshold)[0], compute_uv=False)
        return float(values[-1 if self.problem.model.frame.real_signal else -2])

    def weight(self, threshold: float) -> float:
        return float(np.linalg.norm(self.rows(threshold)[1], 2))

    def spread(self, threshold: float) -> float:
        least = self.magnitudes.upper - self.sigma(threshold) ** 2
        return math.sqrt(max(least, 0.0)) / threshold

    @property
    def smallest(self) -> float:
        """The threshold that keeps every coefficient."""
        return float(self.magnitudes.ratio.min())


def scene(
    frame: Frame, noise: float, *, mask: Array | None = None, promise: Noise | None = None
) -> Scene:
    rng = np.random.default_rng(5)
    x = rng.standard_normal(frame.signal_shape)
    x = x if frame.real_signal else x + 1j * rng.standard_normal(x.shape)
    x = x if mask is None else np.where(mask, x, 0.0)
    model = Modulus(frame)
    e = rng.standard_normal(frame.coef_shape)
    y = np.abs(model(x) + e * (0.9 * noise / np.linalg.norm(e)))
    domain = None if mask is None else Support(mask)
    given = Noise(l2=noise) if promise is None else promise
    return Scene(Problem(model, y, noise=given, domain=domain), x)


def rows(m: int, n: int) -> Array:
    rng = np.random.default_rng(m)
    return rng.standard_normal((m, n)) + 1j * rng.standard_normal((m, n))


def small_support() -> Scene:
    mask = np.zeros((6, 6), dtype=bool)
    mask[1:3, 1:4] = True
    return scene(Fourier((6, 6)), 1e-5, mask=mask)


def masks() -> Scene:
    return scene(CodedDiffraction.random_phases((4, 4), 6, np.random.default_rng(0)), 1e-4)


REAL: Values = {"route": "frame", "inner": "cholesky", "weight_route": "real"}
DENSE: Values = {"route": "dense", "inner": "cholesky", "weight_route": "weighted"}
QR: Values = {**DENSE, "inner": "qr"}
SPREAD: Values = {**DENSE, "weight_route": "spread"}
BANDED: Values = {"route": "banded", "weight_route": "spread"}
SCENES: dict[str, tuple[Callable[[], Scene], Values]] = {
    "real": (lambda: scene(Dense(rows(30, 5).real), 1e-3), REAL),
    "real, by matrices": (
        lambda: scene(Dense(rows(30, 5).real), 1e-3),
        {**DENSE, "weight_route": "real"},
    ),
    "complex": (lambda: scene(Dense(rows(40, 4)), 1e-4), DENSE),
    "complex, orthogonal": (lambda: scene(Dense(rows(40, 4)), 1e-4), QR),
    "complex, spread": (lambda: scene(Dense(rows(40, 4)), 1e-5), SPREAD),
    "complex rows, real signals": (lambda: scene(Dense(rows(30, 5), True), 1e-4), DENSE),
    "support": (small_support, SPREAD),
    "banded, real": (lambda: scene(Gabor.hann(64, 8, 2, real_signal=True), 1e-6), BANDED),
}


@dataclass(frozen=True, eq=False)
class Made:
    """A true step, and the certificate that states it and nothing more."""

    scene: Scene
    values: Values
    threshold: float
    sigma: float
    weight: float
    low: float
    high: float
    more: list[list[float]] = field(default_factory=list)

    @property
    def drawn(self) -> bool:
        return "near" in self.values or "weight_near" in self.values

    def certificate(self, **change: float) -> Certificate:
        """Return the certificate of the step with some of its numbers changed everywhere."""
        made = replace(self, **change)
        numbers = [made.threshold, made.sigma, made.weight, made.low, made.high]
        steps = np.array([numbers, *made.more])
        problem, drawn, last = made.scene.problem, made.drawn, steps[-1]
        named, kept = phase_signal(made.scene.signal)
        values = {f"{k}:{i}": v for i in range(len(steps)) for k, v in made.values.items()}
        rigor: Rigor = probabilistic(DELTA) if drawn else PROVED
        return Certificate(
            kappa=Enclosure(max(kappa_at(last[0], last[1], last[2], last[3]), 0.0), math.inf),
            error_bound=last[3],
            scope=phase_scope(problem, made.high),
            assumptions=phase_assumptions(problem, made.high, drawn=drawn),
            rigor=problem.noise_bound.rigor & rigor,
            evidence=Evidence("modulus", {**named, **values}, {**kept, "steps": steps}),
            reason=NO_WITNESS,
            subject=problem.digest,
            noise=problem.noise.to_json(),
        )

    def reasons(self, certificate: Certificate) -> list[str]:
        return list(verify(certificate, self.scene.problem).reasons)


def made_of(one: Scene, values: Values) -> Made:
    threshold, close = one.smallest, 1.0 - 1e-7
    sigma = one.sigma(threshold) * (close if values["route"] != "banded" else 0.3)
    weight = 0.0
    if values["weight_route"] == "weighted":
        weight = one.weight(threshold) / close
    elif values["weight_route"] == "spread":
        weight = math.sqrt(one.magnitudes.upper - sigma**2) / threshold * (1.0 + 1e-12)
    tau = one.magnitudes.deviation(one.magnitudes.kept(threshold))
    found = distances(threshold, sigma, weight, tau)
    assert found is not None
    return Made(one, values, threshold, sigma, weight, *found)


@pytest.fixture(params=list(SCENES), scope="module")
def made(request: pytest.FixtureRequest) -> Made:
    build, values = SCENES[request.param]
    return made_of(build(), values)


def told(reasons: list[str], *words: str) -> None:
    """Check that there is one reason for each of these, which begins so, in this order."""
    assert len(reasons) == len(words), reasons
    for reason, word in zip(reasons, words, strict=True):
        assert reason.removeprefix(DAMAGED).startswith(word), reason


def test_a_true_step_is_accepted_and_so_are_humbler_ones(made: Made) -> None:
    assert made.reasons(made.certificate()) == []
    low, high = made.low, made.high
    assert made.reasons(made.certificate(high=0.5 * (low + high))) == []
    assert made.reasons(made.certificate(low=low + 0.5 * (high - low))) == []
    # a larger error bound and a smaller kappa are less of a promise
    loose = replace(made.certificate(), error_bound=math.inf, kappa=Enclosure(0.0, math.inf))
    assert made.reasons(loose) == []


def test_each_number_is_held_to_what_it_is(made: Made) -> None:
    more, less = 1.0 + 1e-5, 1.0 - 1e-5
    far = 4.0 if made.values["route"] == "banded" else more  # a part of sigma is lost there
    # kept apart: a sigma or weight changed a little still carries the step
    low, high = made.low + 0.25 * (made.high - made.low), 0.5 * (made.low + made.high)
    calm = replace(made, low=low, high=high)
    assert calm.reasons(calm.certificate()) == []
    told(calm.reasons(calm.certificate(sigma=far * calm.sigma)), "step 0: the singular value")
    if made.weight > 0.0:
        told(calm.reasons(calm.certificate(weight=less * calm.weight)), "step 0: the weight")
        told(calm.reasons(calm.certificate(weight=0.0)), "step 0: the weight")
    told(made.reasons(made.certificate(low=less * made.low)), "step 0: at the distance")
    if made.weight > 0.0:
        told(made.reasons(made.certificate(high=more * made.high)), "step 0: at the distance")
    told(made.reasons(made.certificate(low=made.high)), "step 0: the distances")
    beyond = made.certificate(high=1.0001 * made.threshold)
    told(made.reasons(beyond), "step 0: at the distance")


@pytest.mark.parametrize("name", list(SCENES))
def test_what_is_claimed_is_proved_and_not_searched_for(name: str) -> None:
    """A number nearer to the truth than what a search would state is proved as well."""
    made = made_of(*_built(name))
    if made.values["weight_route"] == "spread" and made.values["route"] != "banded":
        return  # of the frame's bounds, not of the truth
    low, high = made.low + 0.25 * (made.high - made.low), 0.5 * (made.low + made.high)
    # a search of bands ends within 1e-4
    close = 1e-6 if made.values["route"] == "banded" else 4e-12
    sigma = made.scene.sigma(made.threshold) * (1.0 - close)
    weight = made.scene.weight(made.threshold) * (1.0 + close) if made.weight else 0.0
    weight = made.weight if made.values["weight_route"] == "spread" else weight
    near = replace(made, low=low, high=high, sigma=sigma, weight=weight)
    assert near.reasons(near.certificate()) == []
    if made.values["route"] == "frame":
        other = replace(near, values={**made.values, "inner": "trust"})
        told(other.reasons(other.certificate()), "route must be one of")


@pytest.mark.parametrize("name", ["real", "real, by matrices", "complex"])
def test_only_the_coefficients_above_the_threshold_count(name: str) -> None:
    scene_, values = _built(name)
    ratios = np.sort(scene_.magnitudes.ratio, axis=None)
    threshold = float(ratios[ratios.size // 3])
    kept, everything = scene_.sigma(threshold), scene_.sigma(float(ratios[0]))
    assert kept < 0.99 * everything
    weight = 0.0 if values["weight_route"] == "real" else scene_.weight(threshold) * 1.001
    tau = scene_.magnitudes.deviation(scene_.magnitudes.kept(threshold))
    step = distances(threshold, 0.9 * kept, weight, tau)
    assert step is not None
    made = Made(scene_, values, threshold, 0.9 * kept, weight, *step)
    assert made.reasons(made.certificate()) == []
    told(made.reasons(made.certificate(sigma=1.00001 * kept)), "step 0: the singular value")


def test_the_claims_are_those_of_the_step(made: Made) -> None:
    true = made.certificate()
    told(made.reasons(replace(true, error_bound=math.nextafter(made.low, 0.0))), "error bound")
    kappa = math.nextafter(true.kappa.lower, math.inf)
    told(made.reasons(replace(true, kappa=Enclosure(kappa, math.inf))), "kappa's lower end")
    told(
        made.reasons(replace(true, kappa=Enclosure(0.0, 1e9))),
        "the reason",
        "kappa's upper end",
    )
    told(made.reasons(replace(true, reason=None)), "the reason is stated as None")
    told(made.reasons(replace(true, rigor=probabilistic(1e-3))), "the rigor")
    wide = phase_scope(made.scene.problem, math.nextafter(made.high, math.inf))
    told(made.reasons(replace(true, scope=wide)), "the scope")
    told(made.reasons(replace(true, assumptions=())), "the assumptions")
    told(made.reasons(replace(true, centre=made.scene.signal.real)), "arrays were added")


def test_numbers_of_the_wrong_sign_are_refused(made: Made) -> None:
    for change in (
        {"threshold": 0.0},
        {"threshold": -made.threshold},
        {"sigma": 0.0},
        {"sigma": -made.sigma},
        {"weight": -5e-324},
    ):
        certificate = made.certificate(**change)
        faults = made.reasons(replace(certificate, kappa=Enclosure(0.0, math.inf)))
        told(faults, "the numbers of step 0 have the wrong sign")


def test_a_step_needs_coefficients(made: Made) -> None:
    above = math.nextafter(float(made.scene.magnitudes.ratio.max()), math.inf)
    empty = made.certificate(threshold=above, high=min(made.high, above))
    assert "step 0 has no coefficients" in made.reasons(empty)


def test_steps_join(made: Made) -> None:
    """The second begins at or above where the first ends, and at most eight are read."""
    low, high = made.low, made.high
    middle = low + 0.5 * (high - low)
    first = [made.threshold, made.sigma, made.weight]
    two = replace(made, low=middle, more=[[*first, low, middle]])
    assert two.reasons(two.certificate()) == []
    overlap = replace(two, more=[[*first, low, high]])
    assert overlap.reasons(overlap.certificate()) == []
    gap = replace(two, more=[[*first, low, math.nextafter(middle, 0.0)]])
    told(gap.reasons(gap.certificate()), "step 1 does not begin where step 0 ends")
    ends = np.linspace(high, low, 10)
    for count, accepted in ((8, True), (9, False)):
        chain = [[*first, ends[k + 1], ends[k]] for k in range(count)]
        many = replace(made, low=chain[0][3], more=chain[1:])
        reasons = many.reasons(many.certificate())
        assert (reasons == []) == accepted
        assert accepted or "steps must be finite float64 of shape (1 to 8, 5)" in reasons[0]
    # a fault in the second step is told of the second
    worse = replace(two, more=[[made.threshold, 4.0 * made.sigma, made.weight, low, middle]])
    certificate = replace(worse.certificate(), kappa=Enclosure(0.0, math.inf))
    told(worse.reasons(certificate), "step 1: the singular value")
    lower = replace(two, more=[[*first, 0.5 * low, middle]])
    certificate = replace(lower.certificate(), kappa=Enclosure(0.0, math.inf))
    told(lower.reasons(certificate), "step 1: at the distance")


def test_damaged_steps_are_refused() -> None:
    made = made_of(*_built("complex"))
    true = made.certificate()
    s = true.evidence.arrays["steps"]
    column = np.arange(5)
    for damaged in (
        s[0],
        s[:0],
        s[:, :4],
        np.hstack([s, s[:, :1]]),
        s[None],
        s.astype(np.float32),
        s.astype(complex),
        np.where(column == 2, math.nan, s),
        np.where(column == 4, math.inf, s),
    ):
        arrays = {**true.evidence.arrays, "steps": damaged}
        forged = replace(true, evidence=replace(true.evidence, arrays=arrays))
        told(made.reasons(forged), "the steps must be finite float64 of shape (1 to 8, 5)")


def _built(name: str) -> tuple[Scene, Values]:
    build, values = SCENES[name]
    return build(), values


@pytest.mark.parametrize("name", ["real", "complex", "complex, spread", "banded, real"])
def test_only_the_routes_that_fit_prove(name: str) -> None:
    """Each route is a proof of its own: named for what it is not for, nothing is proved."""
    made = made_of(*_built(name))
    real = made.scene.problem.model.frame.real_coefs
    for route in ("trust", "", "filter", "symmetric filter", "banded", "frame", "dense"):
        if route == made.values["route"]:
            continue
        values = {**made.values, "inner": "cholesky", "route": route}
        reasons = replace(made, values=values).reasons(
            replace(made, values=values).certificate()
        )
        fits = (route == "dense" and name != "trust") or (route == "frame" and real)
        if fits:
            assert reasons == []
        else:
            assert len(reasons) == 1
            assert "singular value" in reasons[0] or "near:0" in reasons[0]
    for route in ("trust", "real", "spread", "weighted"):
        if route in (made.values["weight_route"], "weighted" if real else None):
            continue
        other = replace(made, values={**made.values, "weight_route": route}, low=made.low)
        other = replace(other, weight=0.5 * other.scene.weight(made.threshold))
        other = other if not real else replace(other, weight=0.0)
        certificate = replace(other.certificate(), kappa=Enclosure(0.0, math.inf))
        assert any("weight" in reason for reason in other.reasons(certificate)), route


def drawn(route: str, *, weighted: bool, promise: Noise | None = None) -> Made:
    """Return a step of coded diffraction whose numbers rest on random vectors."""
    one = masks() if promise is None else _counted(promise)
    magnitudes, rng = one.magnitudes, np.random.default_rng(0)
    threshold = one.smallest
    keep = magnitudes.kept(threshold)
    found = sigma_free(magnitudes, keep, DELTA / 4, rng, loss=0.02, route=route)
    values: Values = {"route": route, "near": found.near, "weight_route": "spread"}
    sigma = 0.9 * found.value
    assert 0.5 * one.sigma(threshold) <= sigma <= one.sigma(threshold)
    weight = math.sqrt(magnitudes.upper - sigma**2) / threshold * (1.0 + 1e-12)
    if weighted:
        heavy = weight_free(magnitudes, keep, DELTA / 4, rng)
        values |= {"weight_route": "weighted", "weight_near": heavy.near}
        weight = 1.1 * heavy.value
        assert one.weight(threshold) <= weight <= 2.0 * one.weight(threshold)
    tau = magnitudes.deviation(keep)
    step = distances(threshold, sigma, weight, tau)
    assert step is not None
    return Made(one, values, threshold, sigma, weight, *step)


def _counted(promise: Noise) -> Scene:
    frame = CodedDiffraction.random_phases((4, 4), 6, np.random.default_rng(0))
    exact = scene(frame, 1e-4)
    return Scene(Problem(exact.problem.model, exact.problem.y, noise=promise), exact.signal)


@pytest.mark.parametrize("route", ["filter", "symmetric filter"])
@pytest.mark.parametrize("weighted", [False, True])
def test_drawn_numbers_are_held_to_what_they_are(route: str, weighted: bool) -> None:
    made = drawn(route, weighted=weighted)
    assert made.reasons(made.certificate()) == []
    low, high = made.low + 0.25 * (made.high - made.low), 0.5 * (made.low + made.high)
    calm = replace(made, low=low, high=high)
    true = made.scene.sigma(made.threshold)
    told(calm.reasons(calm.certificate(sigma=1.001 * true)), "step 0: the singular value")
    heavy = made.scene.weight(made.threshold) if weighted else made.weight
    told(calm.reasons(calm.certificate(weight=0.999 * heavy)), "step 0: the weight")
    # the estimate that a proof is scaled with is checked for sense, never for truth
    for name in ("near", *(["weight_near"] if weighted else [])):
        for wrong in (0.0, -1.0, math.inf, math.nan, True, "1.0"):
            forged = replace(made, values={**made.values, name: wrong})
            (reason,) = forged.reasons(forged.certificate())
            assert f"evidence value '{name}:0' must be > 0 and finite" in reason
        missing = {k: v for k, v in made.values.items() if k != name}
        forged = replace(made, values=missing)
        reasons = forged.reasons(replace(forged.certificate(), rigor=probabilistic(DELTA)))
        assert reasons != []


def test_a_weight_that_is_spread_is_accepted_at_what_is_proved() -> None:
    made = made_of(*_built("complex, spread"))
    exactly = Enclosure.exactly
    rest = exactly(made.scene.magnitudes.upper) - exactly(made.sigma) * made.sigma
    least = (exactly(rest.sqrt().upper) / made.threshold).upper
    low, high = made.low + 0.25 * (made.high - made.low), 0.5 * (made.low + made.high)
    calm = replace(made, low=low, high=high)
    assert calm.reasons(calm.certificate(weight=least)) == []
    below = calm.certificate(weight=math.nextafter(least, 0.0))
    told(calm.reasons(below), "step 0: the weight")


@pytest.mark.parametrize("known", ["filter", "symmetric filter"])
def test_a_route_that_nobody_knows_proves_nothing(known: str) -> None:
    made = drawn(known, weighted=False)
    assert made.reasons(made.certificate()) == []
    for route in ("trust", "", "banded", "frame"):
        other = replace(made, values={**made.values, "route": route})
        told(other.reasons(other.certificate()), "step 0: the singular value")


def test_an_estimate_may_be_any_positive_number() -> None:
    made = drawn("filter", weighted=False)
    for near in (1e-300, 0.5, 1e300):
        other = replace(made, values={**made.values, "near": near})
        assert other.reasons(other.certificate()) == []


def test_rows_of_real_frames_have_no_weight_to_be_drawn() -> None:
    made = made_of(*_built("real"))
    values = {**made.values, "weight_route": "weighted", "weight_near": 1.0}
    other = replace(made, values=values)
    told(other.reasons(other.certificate()), "step 0: the weight")


def test_chance_is_stated_where_vectors_are_drawn() -> None:
    made = drawn("filter", weighted=False)
    true = made.certificate()
    told(made.reasons(replace(true, rigor=PROVED)), "the rigor")
    plain = phase_assumptions(made.scene.problem, made.high, drawn=False)
    told(made.reasons(replace(true, assumptions=plain)), "the assumptions")
    # one that needs no chance may not claim some: it is stated as it is
    sure = made_of(*_built("complex"))
    for name in ("near:0", "weight_near:7"):
        values = {**sure.certificate().evidence.values, name: 1.0}
        forged = replace(
            sure.certificate(), evidence=replace(sure.certificate().evidence, values=values)
        )
        told(sure.reasons(forged), "the assumptions", "the rigor")


def test_chances_of_noise_and_of_vectors_add_up() -> None:
    # 10^13 counts a unit of intensity: the bound of the noise is about 10^-5
    noise = Noise.counted(1e13, 1e-6)
    for made in (
        drawn("filter", weighted=False, promise=noise),
        made_of(_counted(noise), DENSE),
    ):
        true = made.certificate()
        chance = 1e-6 + DELTA if made.drawn else 1e-6
        assert true.rigor.delta == pytest.approx(chance, rel=1e-12)
        assert made.reasons(true) == []
        told(made.reasons(replace(true, rigor=probabilistic(DELTA))), "the rigor")
        told(made.reasons(replace(true, rigor=PROVED)), "the rigor")


def test_a_signal_must_be_in_its_support() -> None:
    made = made_of(*_built("support"))
    outside = made.scene.signal.copy()
    outside[5, 5] = 1e-300
    nothing = np.zeros_like(outside)
    for signal in (outside, nothing):
        named, kept = phase_signal(signal)
        true = made.certificate()
        evidence = Evidence(
            "modulus", {**true.evidence.values, **named}, {**true.evidence.arrays, **kept}
        )
        told(
            made.reasons(replace(true, evidence=evidence)),
            "the recovered signal is zero or leaves its support",
        )


def test_the_witness_is_a_direction_in_the_support() -> None:
    made = made_of(*_built("support"))
    true, magnitudes = made.certificate(), made.scene.magnitudes
    mask = made.scene.problem.domain.mask
    rng = np.random.default_rng(0)
    inside = np.where(mask, rng.standard_normal((6, 6)) + 1j * rng.standard_normal((6, 6)), 0)

    def with_witness(witness: Array, upper: float) -> Certificate:
        arrays = {**true.evidence.arrays, "witness": witness}
        kappa = Enclosure(0.0, upper)
        return replace(
            true, kappa=kappa, reason=None, evidence=replace(true.evidence, arrays=arrays)
        )

    upper = witness_ratio(magnitudes, inside)
    assert made.reasons(with_witness(inside, upper)) == []
    told(made.reasons(with_witness(inside, math.nextafter(upper, 0.0))), "kappa's upper end")
    outside = inside.copy()
    outside[0, 0] = 1e-9
    told(made.reasons(with_witness(outside, 99.0)), "the witness leaves the support")
    for damaged in (
        inside[:5],
        inside.reshape(-1),
        np.where(mask, inside, math.nan),
        np.where(mask, math.nan, 0.0),
        np.where(mask, math.inf, 0.0),
    ):
        told(made.reasons(with_witness(damaged, 99.0)), "the witness must be finite of shape")
    assert made.reasons(with_witness(np.zeros((6, 6)), 99.0)) != []


def named_or_given(certificate: Certificate, problem: Problem, signal: Array) -> None:
    """Check that the signal may be given instead of kept, and that it is the one named."""
    arrays = {k: v for k, v in certificate.evidence.arrays.items() if k != "signal"}
    bare = replace(certificate, evidence=replace(certificate.evidence, arrays=arrays))
    for each in (certificate, bare):
        assert verify(each, problem, signal).accepted
        assert not verify(each, problem, signal * (1.0 + 1e-15)).accepted
    (reason,) = verify(bare, problem).reasons
    assert "pass signal=" in reason


def test_the_signal_may_be_given(made: Made) -> None:
    named_or_given(made.certificate(), made.scene.problem, made.scene.signal)


def test_real_magnitudes_are_no_other_subject() -> None:
    made = made_of(*_built("real"))
    (reason,) = verify(made.certificate(), made.scene.problem.model).reasons
    assert "from magnitudes, not of this subject" in reason


def test_a_step_without_an_error_bound_is_checked_likewise() -> None:
    """The same numbers as a promise near the signal: nothing of the data, no error bound."""
    for name in ("real", "complex", "support"):
        made = made_of(*_built(name))
        true, problem, radius = made.certificate(), made.scene.problem, made.high
        why = Withheld(Why.DEVIATION, {"deviation": 2.0, "carried": 1.0})
        kappa = kappa_at(made.threshold, made.sigma, made.weight, radius)
        near = replace(
            true,
            kappa=Enclosure(kappa, math.inf),
            error_bound=math.inf,
            assumptions=phase_assumptions(problem, radius, drawn=False, near=True),
            reason=why.sentence,
            evidence=replace(
                true.evidence,
                kind="modulus_near",
                values={**true.evidence.values, **why.values()},
            ),
        )
        assert made.reasons(near) == []
        named_or_given(near, problem, made.scene.signal)
        told(
            made.reasons(replace(near, kappa=Enclosure(math.nextafter(kappa, 9.0), math.inf))),
            "kappa's lower end",
        )
        told(made.reasons(replace(near, error_bound=1e300)), "an error bound")
        told(made.reasons(replace(near, reason=None)), "the reason is not the one")
        told(made.reasons(replace(near, assumptions=true.assumptions)), "the assumptions")
        told(made.reasons(replace(near, rigor=probabilistic(DELTA))), "the rigor")
        other = Withheld(Why.ZERO_SIGNAL)
        values = {**true.evidence.values, **other.values()}
        foreign = replace(
            near, reason=other.sentence, evidence=replace(near.evidence, values=values)
        )
        told(made.reasons(foreign), "the reason is not the one")
        _near_numbers(made, near)


def _near_numbers(made: Made, near: Certificate) -> None:
    """Change the numbers of the step of such a certificate one after another."""
    problem, far = made.scene.problem, Enclosure(0.0, math.inf)

    def with_step(k: int, number: float) -> list[str]:
        steps = near.evidence.arrays["steps"].copy()
        steps[0, k] = number
        evidence = replace(near.evidence, arrays={**near.evidence.arrays, "steps": steps})
        radius = steps[0, 4]
        moved = replace(
            near,
            kappa=far,
            evidence=evidence,
            scope=phase_scope(problem, radius),
            assumptions=phase_assumptions(problem, radius, drawn=False, near=True),
        )
        return made.reasons(moved)

    for k, number in ((0, 0.0), (0, -1.0), (1, 0.0), (1, -1.0), (2, -5e-324)):
        told(with_step(k, number), "the numbers of the step have the wrong sign")
    told(with_step(1, made.sigma * (1.0 + 1e-5)), "step 0: the singular value")
    if made.weight > 0.0:
        told(with_step(2, made.weight * (1.0 - 1e-5)), "step 0: the weight")
    # where the data are plays no part
    assert with_step(3, made.high) == []
    assert with_step(4, 1e-9 * made.high) == []
    assert with_step(4, math.nextafter(made.threshold, 0.0)) == []
    for radius in (0.0, -1.0, made.threshold, 2.0 * made.threshold):
        told(with_step(4, radius), "the radius")
    twice = np.vstack([near.evidence.arrays["steps"]] * 2)
    two = replace(near.evidence, arrays={**near.evidence.arrays, "steps": twice})
    told(made.reasons(replace(near, evidence=two)), "there is more than one step")
    # without a step only zero is a lower end, and it is of all signals
    arrays = {k: v for k, v in near.evidence.arrays.items() if k != "steps"}
    bare = replace(
        near,
        kappa=far,
        evidence=replace(near.evidence, arrays=arrays),
        scope=phase_scope(problem, math.inf),
        assumptions=phase_assumptions(problem, math.inf, drawn=False, near=True),
    )
    assert made.reasons(bare) == []
    told(made.reasons(replace(bare, kappa=Enclosure(5e-324, math.inf))), "kappa's lower end")
    told(made.reasons(replace(bare, scope=near.scope)), "the scope")
