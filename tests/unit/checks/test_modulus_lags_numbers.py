"""The check of spectrograms with hop 1: each number, and the smallest step beyond it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from check_cases import valued, with_array

from recover.certificates.certificate import Certificate
from recover.certificates.phase.free import sigma_free
from recover.certificates.phase.lags import distance_bound, lags_of
from recover.certificates.phase.rows import magnitudes_of
from recover.certificates.phase.section import section_floor
from recover.certificates.phase.stage import distances
from recover.certificates.phase.statements import DELTA, phase_assumptions, phase_signal
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.reasons import NO_WITNESS
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rigor import PROVED, probabilistic
from recover.frames import STFT, Dense, Frame, Gabor, Spectrogram
from recover.models import Modulus, Noise, Problem, Support

DECAY = np.exp(-np.arange(4) / 2.0)
PADDED = np.concatenate([np.zeros(5), DECAY, np.zeros(1)])  # ten channels for four taps
PROVED_AGAIN = "the second eigenvalue"


def scene(frame: Frame, noise: float, promise: Noise | None = None) -> tuple[Problem, Array]:
    rng = np.random.default_rng(4)
    x = 1.0 + 0.2 * rng.standard_normal(frame.signal_shape)
    if not frame.real_signal:
        x = x * np.exp(2j * np.pi * rng.random(x.shape))
    model = Modulus(frame)
    e = rng.standard_normal(frame.coef_shape)
    y = np.abs(model(x) + e * (0.9 * noise / np.linalg.norm(e)))
    given = Noise(l2=noise) if promise is None else promise
    return Problem(model, y, noise=given), x


def circle() -> tuple[Problem, Array]:
    return scene(STFT(24, DECAY, real_signal=False), 3e-3)


def spectrogram() -> tuple[Problem, Array]:
    return scene(Spectrogram.centered(24, PADDED, 1), 2e-3)


def sharpened() -> tuple[Problem, Array]:
    return scene(STFT(16, DECAY), 1e-5)


CASES: dict[str, Callable[[], tuple[Problem, Array]]] = {
    "circle": circle,
    "spectrogram": spectrogram,
    "sharpened": sharpened,
}
Case = tuple[Problem, Certificate]


@pytest.fixture(params=list(CASES), scope="module")
def case(request: pytest.FixtureRequest) -> Case:
    problem, x = CASES[request.param]()
    certificate = certify_posteriori(problem, x)
    assert certificate.evidence.kind == "modulus lags"
    assert ("steps" in certificate.evidence.arrays) == (request.param == "sharpened")
    return problem, certificate


def without(c: Certificate, *names: str) -> Certificate:
    values = {k: v for k, v in c.evidence.values.items() if k not in names}
    arrays = {k: v for k, v in c.evidence.arrays.items() if k not in names}
    return replace(c, evidence=replace(c.evidence, values=values, arrays=arrays))


def number(c: Certificate, name: str) -> float:
    return float(c.evidence.values[name])


def told(certificate: Certificate, problem: Problem, *words: str) -> None:
    """Check that there is one reason for each of these, which begins so, in this order."""
    reasons = verify(certificate, problem).reasons
    assert len(reasons) == len(words), reasons
    for reason, word in zip(reasons, words, strict=True):
        assert reason.startswith(word), reason


def test_the_change_of_squares_is_no_less_than_what_is_known(case: Case) -> None:
    problem, c = case
    magnitudes = magnitudes_of(problem, c.evidence.arrays["signal"])
    floors = None
    if "floor:0" in c.evidence.values:
        floors = (number(c, "floor:0"), number(c, "floor:1"))
    tau = lags_of(magnitudes, problem.model.frame, floors=floors).tau[0]
    assert verify(valued(c, tau=tau), problem).accepted
    told(valued(c, tau=math.nextafter(tau, 0.0)), problem, "the change of squared moduli")
    (reason,) = verify(valued(c, tau=0.0), problem).reasons
    assert reason == f"the change of squared moduli 0 is claimed, not {tau:.17g}"
    # taken so large that no weight is left, nothing joins the chain
    told(valued(c, tau=100.0), problem, PROVED_AGAIN)


def test_the_eigenvalue_is_proved_again(case: Case) -> None:
    problem, c = case
    value = number(c, "eigenvalue")
    for wrong in (value * (1.0 + 1e-6), math.nextafter(0.0, -1.0), 0.0, -value):
        told(valued(c, eigenvalue=wrong), problem, PROVED_AGAIN)
    told(valued(c, chain_route="trust"), problem, PROVED_AGAIN)
    for name in ("eigenvalue", "tau", "distance", "pin"):
        for wrong in (math.nan, math.inf, True, "1"):
            told(valued(c, **{name: wrong}), problem, "the evidence is damaged")
        told(without(c, name), problem, "the evidence is damaged")
    told(without(c, "chain_route"), problem, "the evidence is damaged")
    told(valued(c, pin=0.5), problem, PROVED_AGAIN)
    told(valued(c, chain_route="pinned", pin=24.0), problem, PROVED_AGAIN)
    told(valued(c, chain_route="pinned", pin=-1.0), problem, PROVED_AGAIN)
    told(valued(c, chain_route="pinned", pin=0.5), problem, PROVED_AGAIN)


def test_a_chain_is_pinned_at_the_sample_that_is_named(case: Case) -> None:
    """Less of the eigenvalue is proved by another route too, at any sample that is whole."""
    problem, c = case
    less = 0.01 * number(c, "eigenvalue")
    magnitudes = magnitudes_of(problem, c.evidence.arrays["signal"])
    far = valued(replace(c, error_bound=math.inf), eigenvalue=less, distance=1e9)
    if "steps" in c.evidence.arrays:
        steps = c.evidence.arrays["steps"]
        assert magnitudes.signal.size == 16
        assert steps[0, 4] < 1e9
        for route in ("deflated", "pinned"):
            moved = valued(far, chain_route=route, pin=7.0)
            told(moved, problem, "the steps begin at")
        return
    for route, pin in (("deflated", 0.0), ("deflated", 1.5), ("pinned", 0.0), ("pinned", 7.0)):
        moved = valued(far, chain_route=route, pin=pin)
        if pin == int(pin):
            assert verify(moved, problem).accepted
        else:
            told(moved, problem, PROVED_AGAIN)


def test_the_distance_of_all_signals_follows(case: Case) -> None:
    problem, c = case
    pattern = re.compile(r"the distance of all signals .* but only (\S+) is proved")
    reasons = verify(valued(c, distance=0.0), problem).reasons
    found = [pattern.match(reason) for reason in reasons]
    (proved,) = (float(match[1]) for match in found if match)
    magnitudes = magnitudes_of(problem, c.evidence.arrays["signal"])
    frame, floors = problem.model.frame, None
    if isinstance(frame, Spectrogram):
        floors = (number(c, "floor:0"), number(c, "floor:1"))
    lags = lags_of(magnitudes, frame, floors=floors)
    assert proved == distance_bound(magnitudes.signal, lags, number(c, "eigenvalue"))
    bound = c.error_bound if "steps" in c.evidence.arrays else proved
    exact = replace(valued(c, distance=proved), error_bound=bound)
    assert verify(exact, problem).accepted
    less = valued(exact, distance=math.nextafter(proved, 0.0))
    told(less, problem, "the distance of all signals")


def test_without_steps_the_error_bound_is_the_distance() -> None:
    problem, x = circle()
    c = certify_posteriori(problem, x)
    distance = number(c, "distance")
    assert verify(replace(c, error_bound=distance), problem).accepted
    told(replace(c, error_bound=math.nextafter(distance, 0.0)), problem, "error bound")
    assert verify(replace(c, error_bound=math.inf), problem).accepted
    for kappa in (Enclosure(5e-324, math.inf), Enclosure(0.0, 1e300)):
        forged = replace(c, kappa=kappa, reason=NO_WITNESS if kappa.lower else None)
        told(forged, problem, "kappa is claimed")
    told(replace(c, reason=None), problem, "the reason is stated as None")
    told(replace(c, reason="because"), problem, "the reason is stated as 'because'")


def test_steps_go_on_from_the_distance() -> None:
    problem, x = sharpened()
    c = certify_posteriori(problem, x)
    steps = c.evidence.arrays["steps"]
    begin, end = steps[0, 4], steps[-1, 3]
    assert verify(replace(valued(c, distance=begin), error_bound=end), problem).accepted
    beyond = valued(c, distance=math.nextafter(begin, math.inf))
    told(beyond, problem, f"the steps begin at {begin:.6g}, closer than {begin:.6g}")
    # of a single step too, whatever else is wrong with it
    single = with_array(beyond, "steps", steps[:1])
    assert f"the steps begin at {begin:.6g}, closer" in verify(single, problem).reasons[0]
    told(replace(c, error_bound=math.nextafter(end, 0.0)), problem, "error bound")
    told(replace(c, kappa=Enclosure(1.01 * c.kappa.upper, 9.0)), problem, "kappa's lower end")
    told(replace(c, kappa=Enclosure(0.0, 0.9 * c.kappa.upper)), problem, "kappa's upper end")
    # without the steps it is the distance again, and nothing is known of kappa
    told(without(c, "steps", "witness"), problem, "error bound", "kappa is claimed")
    worse = steps.copy()
    worse[0, 1] *= 1.01
    arrays = {**c.evidence.arrays, "steps": worse}
    forged = replace(c, evidence=replace(c.evidence, arrays=arrays))
    forged = replace(forged, kappa=Enclosure(0.0, c.kappa.upper))
    told(forged, problem, "step 0: the singular value")


def test_the_signal_may_be_given(case: Case) -> None:
    problem, c = case
    signal = c.evidence.arrays["signal"]
    for each in (c, without(c, "signal")):
        assert verify(each, problem, signal).accepted
        assert not verify(each, problem, signal * (1.0 + 1e-15)).accepted
    told(without(c, "signal"), problem, "the evidence is damaged")


def test_steps_may_rest_on_random_vectors() -> None:
    """Then the bound for all signals holds with their chance, and says so."""
    problem, x = sharpened()
    c = certify_posteriori(problem, x)
    magnitudes = magnitudes_of(problem, x)
    threshold = float(c.evidence.arrays["steps"][-1, 0])
    keep = magnitudes.kept(threshold)
    rng = np.random.default_rng(0)
    found = sigma_free(magnitudes, keep, DELTA / 4.0, rng, loss=0.02, route="filter")
    sigma = 0.9 * found.value
    weight = math.sqrt(magnitudes.upper - sigma**2) / threshold * (1.0 + 1e-12)
    step = distances(threshold, sigma, weight, magnitudes.deviation(keep))
    assert step is not None
    assert number(c, "distance") <= step[1]
    routes = {"route:0": "filter", "near:0": found.near, "weight_route:0": "spread"}
    plain = {k: v for k, v in c.evidence.values.items() if not k.endswith((":0", ":1"))}
    arrays = {"steps": np.array([[threshold, sigma, weight, *step]])}
    evidence = replace(
        c.evidence,
        values={**plain, **routes},
        arrays={**c.evidence.arrays, **arrays},
    )
    drawn = replace(
        c,
        kappa=Enclosure(0.0, c.kappa.upper),
        error_bound=step[0],
        evidence=evidence,
        rigor=probabilistic(DELTA),
        assumptions=phase_assumptions(problem, math.inf, drawn=True),
    )
    assert verify(drawn, problem).accepted
    told(replace(drawn, rigor=PROVED), problem, "the rigor")
    told(replace(drawn, assumptions=c.assumptions), problem, "the assumptions")


def test_rigor_and_chance() -> None:
    problem, x = circle()
    c = certify_posteriori(problem, x)
    told(replace(c, rigor=probabilistic(1e-9)), problem, "the rigor")
    told(valued(c, **{"near:0": 1.0}), problem, "the assumptions", "the rigor")
    # of the noise: of 10^9 counts a unit of intensity
    counted, x = scene(STFT(24, DECAY), 1e-4, Noise.counted(1e9, 1e-6))
    c = certify_posteriori(counted, x)
    assert c.evidence.kind == "modulus lags"
    assert c.rigor == probabilistic(1e-6)
    assert verify(c, counted).accepted
    told(replace(c, rigor=PROVED), counted, "the rigor")


def test_the_floors_of_a_spectrogram_are_proved_again() -> None:
    problem, x = spectrogram()
    c = certify_posteriori(problem, x)
    words = "how strongly the frames tell"
    frame = problem.model.frame
    assert isinstance(frame, Spectrogram)
    for lag in (0, 1):
        name = f"floor:{lag}"
        floor = section_floor(frame, lag)
        assert number(c, name) == floor
        for wrong in (0.0, -floor, -5e-324, 1.01 * floor, 1e9):
            told(valued(c, **{name: wrong}), problem, words)
        for wrong in (math.nan, math.inf, True, "1"):
            told(valued(c, **{name: wrong}), problem, "the evidence is damaged")
        told(without(c, name), problem, "the evidence is damaged")
        # half as much is as true, and leaves more open
        humbler = valued(c, **{name: 0.5 * floor})
        reasons = verify(humbler, problem).reasons
        assert reasons
        assert not any(words in reason for reason in reasons)
        word = "the change of squared moduli" if lag == 0 else "the distance of all signals"
        assert word in reasons[0]


def test_other_frames_are_refused() -> None:
    problem, x = circle()
    c = certify_posteriori(problem, x)
    hop, channels = (
        "the certificate is of a spectrogram with hop 1",
        "the window needs more channels",
    )
    few = Gabor(24, DECAY, 1, 4, real_signal=False)
    wide = Gabor(3, DECAY, 1, 8, real_signal=False)
    single = Gabor(24, np.ones(1), 1, 4, real_signal=False)
    frames: list[tuple[Frame, str]] = [
        (Gabor(24, DECAY, 2, 8, real_signal=False), hop),
        (Spectrogram.centered(24, PADDED, 2), hop),
        (Dense(np.eye(24)), hop),
        (few, channels),
        (wide, channels),
        (single, channels),
        (Spectrogram.centered(24, DECAY, 1), channels),
    ]
    for frame, word in frames:
        other = Problem(Modulus(frame), np.ones(frame.coef_shape), noise=problem.noise)
        told(c, other, word)
    # two samples are the shortest window that tells one lag: this is but another problem
    shortest = STFT(24, DECAY[:2], real_signal=False)
    reasons = verify(c, Problem(Modulus(shortest), np.ones(shortest.coef_shape))).reasons
    assert reasons
    assert not any(channels in reason for reason in reasons)


def test_a_long_window_is_too_large_to_prove() -> None:
    """What no prover would try is refused before it costs anything."""
    problem, x = spectrogram()
    c = certify_posteriori(problem, x)
    wide = np.exp(-np.arange(1024) / 9.0) * (np.arange(1024) < 1000)
    long = Spectrogram(2000, wide, 1, 0, 2000)
    other = Problem(Modulus(long), np.ones(long.coef_shape), noise=problem.noise)
    named, _ = phase_signal(np.ones(2000))
    arrays = {"signal": np.ones(2000)}
    values = {**c.evidence.values, **named}
    evidence = replace(c.evidence, values=values, arrays=arrays)
    said = phase_assumptions(other, math.inf, drawn=False)
    forged = replace(c, subject=other.digest, evidence=evidence, assumptions=said)
    told(forged, other, "how strongly the frames tell")


def test_a_signal_must_be_in_its_support() -> None:
    problem, x = circle()
    mask = np.ones(24, dtype=bool)
    mask[3] = False
    inside = np.where(mask, x, 0.0)
    domain = Support(mask)
    model = problem.model
    other = Problem(model, model(inside), noise=1e-9, domain=domain)
    c = certify_posteriori(other, inside)
    assert verify(c, other).accepted
    assert c.evidence.kind == "modulus lags"
    for signal in (x, np.zeros_like(x)):
        named, kept = phase_signal(signal)
        evidence = replace(
            c.evidence,
            values={**c.evidence.values, **named},
            arrays={**c.evidence.arrays, **kept},
        )
        told(replace(c, evidence=evidence), other, "the recovered signal is zero")
