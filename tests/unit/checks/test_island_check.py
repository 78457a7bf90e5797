"""The check of an island of a spectrogram: every number at its limit, every word."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from recover.certificates.certificate import Certificate
from recover.certificates.checks import island as checked
from recover.certificates.evidence import Evidence
from recover.certificates.island import (
    KAPPA_SHARE,
    Stability,
    island_of,
    radius_of,
    sigma_island,
)
from recover.certificates.island_statements import (
    IslandClaim,
    beyond_values,
    deviation_of,
    island_assumptions,
    island_reason,
    island_scope,
    island_withheld,
)
from recover.certificates.islands import certify_islands
from recover.certificates.phase.statements import DELTA
from recover.certificates.reasons import Why, Withheld
from recover.certificates.scope import Scope
from recover.certificates.verify import verify
from recover.core.arrays import Array, digest
from recover.core.enclosure import Enclosure
from recover.core.rigor import PROVED, probabilistic
from recover.core.rounding import down
from recover.frames import Dense, Spectrogram
from recover.models import Modulus, Noise, Problem

DAMAGED = "the evidence is damaged or does not fit: "
HOP = Withheld(Why.HOP_WIDE, {"hop": 4})


def scene() -> tuple[Spectrogram, Array]:
    t = np.arange(66)
    x = np.exp(-(((t - 30.0) / 25.0) ** 2)) * np.cos(0.8 * t)
    return Spectrogram.centered(66, np.hanning(17)[:-1], 4), x


FRAME, X = scene()
SIGMA: dict[tuple[int, bytes], float] = {}


def problem_of(noise: Noise | float = 0.0) -> Problem:
    y = np.abs(FRAME.analysis(X))
    wave = np.random.default_rng(1).standard_normal(y.shape)
    return Problem(Modulus(FRAME), y * (1.0 + 0.01 * wave), noise=noise)


def strong(first: int, last: int) -> Array:
    sizes = np.abs(FRAME.analysis(X))[first : last + 1]
    return np.asarray(sizes > 0.3 * sizes.max(axis=1, keepdims=True))


def made(
    problem: Problem,
    first: int = 4,
    mask: Array | None = None,
    *,
    beyond: Withheld | None = None,
    **changed: float,
) -> Certificate:
    """Return an island's certificate with some numbers changed, all words made to fit."""
    mask = strong(4, 9) if mask is None else mask
    island = island_of(FRAME, X, first, mask)
    key = (first, mask.tobytes())
    if key not in SIGMA:
        rng = np.random.default_rng(0)
        found = sigma_island(island, DELTA / 2.0, rng, steps=400, loss=0.05)
        SIGMA[key] = found.sigma * (1.0 - 2.0**-10)
    sigma = changed.get("sigma", SIGMA[key])
    claim = IslandClaim.of(
        island, first, mask, changed.get("radius", 0.999 * radius_of(island, SIGMA[key]))
    )
    kappa = changed.get("kappa", down(KAPPA_SHARE * SIGMA[key]))
    deviation = changed.get("deviation", deviation_of(problem, island, claim))
    withheld = island_withheld(claim, deviation, changed.get("carried", kappa * claim.radius))
    values = {
        "signal_digest": digest([X]),
        "sigma": sigma,
        **withheld.values(),
        **beyond_values(beyond),
    }
    return Certificate(
        kappa=Enclosure(kappa, math.inf),
        error_bound=math.inf,
        scope=island_scope(claim),
        assumptions=island_assumptions(problem, claim),
        rigor=problem.noise_bound.rigor & probabilistic(DELTA),
        evidence=Evidence("spectrogram island", values, {"mask": np.packbits(mask)}),
        reason=island_reason(withheld, beyond),
        subject=problem.digest,
        noise=problem.noise.to_json(),
    )


def reasons(certificate: Certificate, problem: Problem | None = None) -> tuple[str, ...]:
    return verify(certificate, problem or problem_of(), X).reasons


def details(certificate: Certificate, **changed: Any) -> Certificate:
    scope = Scope("local", {**certificate.scope.details, **changed})
    return replace(certificate, scope=scope)


def test_the_numbers_at_their_limits() -> None:
    problem = problem_of()
    island = island_of(FRAME, X, 4, strong(4, 9))
    plain = made(problem)
    assert reasons(plain) == ()
    sigma = float(plain.evidence.values["sigma"])
    most = radius_of(island, sigma)
    assert reasons(made(problem, radius=most)) == ()
    more = math.nextafter(most, 9.0)
    told = f"the radius {more:.17g} is claimed, but only {most:.17g} is proved"
    assert reasons(made(problem, radius=more)) == (told,)
    told = f"the radius 0 is claimed, but only {most:.17g} is proved"
    assert reasons(made(problem, radius=0.0)) == (told,)
    assert reasons(made(problem, radius=1e-9)) == ()
    kappa = down(KAPPA_SHARE * sigma)
    for lower in (kappa, 0.5 * kappa, 0.0):
        assert reasons(made(problem, kappa=lower)) == ()
    more = math.nextafter(kappa, 9.0)
    told = f"kappa's lower end {more:.6g} does not follow from sigma"
    assert reasons(made(problem, kappa=more)) == (told,)


def test_sigma() -> None:
    problem = problem_of()
    plain = made(problem)
    for sigma in (0.0, -1.0):
        assert reasons(made(problem, sigma=sigma)) == ("the singular value must be > 0",)
    exact = singular_value(island_of(FRAME, X, 4, strong(4, 9)))
    sigma = float(plain.evidence.values["sigma"])
    assert 0.9 * exact < sigma < exact
    # a larger one allows a larger radius and kappa, so these are right; but it is not proved
    told = f"the singular value {1.001 * exact:.6g} could not be proved again"
    assert reasons(made(problem, sigma=1.001 * exact)) == (told,)
    told = f"{DAMAGED}evidence value 'sigma' must be a finite number, got nan"
    assert reasons(made(problem, sigma=math.nan)) == (told,)


def singular_value(island: Any) -> float:
    own, (turn, _) = island.frame, island.turn
    matrix = np.stack([own.analysis(e).reshape(-1) for e in np.eye(own.length)], axis=1)
    inside = island.mask.reshape(-1)
    along = (island.phases.conj().reshape(-1)[:, None] * matrix)[inside].real
    rows = np.vstack([along, matrix[~inside].real, matrix[~inside].imag])
    basis = np.linalg.svd(turn[:, None])[0][:, 1:]
    return float(np.linalg.svd(rows @ basis, compute_uv=False)[-1])


def test_what_is_asked_of_the_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = problem_of()
    plain = made(problem)
    sigma = float(plain.evidence.values["sigma"])
    asked: list[dict[str, Any]] = []
    answer = sigma

    def proof(_: Any, delta: float, rng: np.random.Generator, **more: Any) -> Stability:
        asked.append({"delta": delta, "draw": rng.standard_normal(), **more})
        return Stability(answer, 1)

    monkeypatch.setattr(checked, "sigma_island", proof)
    assert reasons(plain) == ()
    answer = math.nextafter(sigma, 0.0)
    assert reasons(plain) == (f"the singular value {sigma:.6g} could not be proved again",)
    first, second = asked
    assert first["draw"] != second["draw"]  # a prover cannot know the verifier's draws
    for one in asked:
        assert 0.0 < one["delta"] <= 0.5 * DELTA
        assert one["delta"] > 0.4 * DELTA
        assert one["loss"] == 0.0
        assert one["steps"] >= 900
        assert sigma < one["at"] <= sigma * (1.0 + 1e-11)


def test_the_deviation_and_what_could_be_carried() -> None:
    problem = problem_of()
    plain = made(problem)
    deviation = float(plain.evidence.values["number:deviation"])
    carried = float(plain.evidence.values["number:carried"])
    radius, kappa = plain.scope.details["radius"], plain.kappa.lower
    assert carried == kappa * radius
    for close in (1.0 - 5e-7, 1.0 + 5e-7):  # another library's transform
        assert reasons(made(problem, deviation=close * deviation)) == ()
    for wrong in (0.0, 0.5, 1.0 - 1e-5, 1.0 + 1e-5, 2.0):
        other = wrong * deviation
        told = f"the deviation is stated as {other:.6g}, not {deviation:.6g}"
        assert reasons(made(problem, deviation=other)) == (told,)
    assert reasons(made(problem, carried=0.5 * carried)) == ()
    more = math.nextafter(carried, 9.0)
    told = f"the deviation that could be carried is stated as {more:.6g}"
    assert reasons(made(problem, carried=more)) == (told,)
    for name in ("deviation", "carried"):
        told = f"{DAMAGED}evidence value 'number:{name}' must be a finite number, got inf"
        assert reasons(made(problem, **{name: math.inf})) == (told,)


def test_a_deviation_of_exact_data_is_known_up_to_rounding() -> None:
    exact = Problem(Modulus(FRAME), np.abs(FRAME.analysis(X)))
    plain = made(exact)
    deviation = float(plain.evidence.values["number:deviation"])
    error = island_of(FRAME, X, 4, strong(4, 9)).error
    assert 0.0 < deviation < 4.0 * error
    assert reasons(made(exact, deviation=deviation + 3.9 * error), exact) == ()
    assert reasons(made(exact, deviation=deviation + 4.1 * error), exact) != ()


@pytest.mark.parametrize("noise", [0.0, Noise.gaussian(1e-3)])
def test_words(noise: Noise | float) -> None:
    problem = problem_of(noise)
    c = made(problem)
    assert reasons(c, problem) == ()
    forged = {
        "the certificate speaks of another": replace(c, subject="0" * 64),
        "the noise is stated as": replace(c, noise={**c.noise, "l2": 1.0}),
        "the scope is stated as": details(c, coefficients=99),
        "the rigor is stated as": replace(c, rigor=PROVED),
        "parts were added": replace(c, parts=()),
        "arrays were added": replace(c, pointwise=np.ones(66)),
        "the reason is not the one": replace(c, reason="because"),
    }
    for said, one in forged.items():
        told = reasons(one, problem)
        assert len(told) == 1
        assert told[0].startswith(said)
    for at in range(len(c.assumptions)):
        kept = c.assumptions[:at] + c.assumptions[at + 1 :]
        told = reasons(replace(c, assumptions=kept), problem)
        assert told == ("the assumptions are not those that the proof rests on",)
    for name in ("up_to", "frames", "bins", "samples", "radius"):
        kept_scope = {k: v for k, v in c.scope.details.items() if k != name}
        assert reasons(replace(c, scope=Scope("local", kept_scope)), problem)
    told = ("the reason is not the one that the evidence names",)
    assert reasons(made(problem, beyond=HOP), problem) == ()
    assert reasons(replace(made(problem, beyond=HOP), reason=c.reason), problem) == told
    assert reasons(replace(c, reason=made(problem, beyond=HOP).reason), problem) == told
    bounds = ("an error bound or kappa's upper end is claimed without any evidence",)
    assert reasons(replace(c, error_bound=1.0), problem) == bounds
    assert reasons(replace(c, kappa=Enclosure(c.kappa.lower, 9.0)), problem) == bounds


def test_where_the_island_is() -> None:
    problem = problem_of()
    plain = made(problem)
    single = np.zeros((1, 9), dtype=bool)
    single[0, 1:4] = True
    for first, mask in ((0, strong(0, 2)), (4, single), (FRAME.frames - 2, strong(15, 16))):
        assert FRAME.frames == 17
        assert reasons(made(problem, first, mask)) == ()
    for frames in (None, "4, 9", [4], [4, 9.0], [True, 9], (4, 9), [4, 9, 10]):
        told = re.escape(f"{DAMAGED}the frames must be two integers, got {frames!r}")
        assert re.fullmatch(told, *reasons(details(plain, frames=frames)))
    for frames in ([-1, 9], [9, 4], [4, 17], [17, 18]):
        first, last = frames
        told = f"{DAMAGED}frames {first} to {last} are not frames of the spectrogram"
        assert reasons(details(plain, frames=frames)) == (told,)
    for radius in (None, 1, "1.0", math.inf, math.nan):
        told = f"{DAMAGED}the radius must be a finite number, got {radius!r}"
        assert reasons(details(plain, radius=radius)) == (told,)


def test_the_mask_is_packed() -> None:
    plain = made(problem_of())
    mask = strong(4, 9)
    packed = np.packbits(mask)
    assert packed.size == 7

    def masked(array: Array) -> tuple[str, ...]:
        evidence = replace(plain.evidence, arrays={"mask": array})
        return reasons(replace(plain, evidence=evidence))

    for wrong in (packed[:-1], np.append(packed, packed[:1]), packed[None], packed.astype(int)):
        told = f"{DAMAGED}the mask must be 7 bytes, got {wrong.shape}"
        assert masked(wrong) == (told,)
    for row in (0, 5):
        holed = mask.copy()
        holed[row] = False
        told = f"{DAMAGED}the mask must begin and end with a coefficient"
        assert masked(np.packbits(holed)) == (told,)
    for row in (1, 4):
        holed = mask.copy()
        holed[row] = False
        assert masked(np.packbits(holed))[0].startswith("the scope is stated as")


def test_other_subjects() -> None:
    problem = problem_of()
    c = made(problem)
    rows = np.random.default_rng(0).standard_normal((153, 66))
    other = Problem(Modulus(Dense(rows)), np.abs(rows @ X))
    told = ("the certificate is of a Spectrogram, not of Dense",)
    assert verify(c, other, X).reasons == told
    named = f"{DAMAGED}the recovered signal is not the one that the certificate names"
    assert verify(c, problem, 1.0001 * X).reasons == (named,)
    missing = verify(c, problem).reasons[0]
    assert missing.endswith("pass signal=")
    told = ("the certificate is of a recovery from magnitudes, not of this subject",)
    assert verify(c, problem.model, X).reasons == told


def test_what_is_issued_leaves_room_for_another_library() -> None:
    problem = problem_of()
    whole = certify_islands(problem, X, work=math.inf, seconds=60.0)
    parts = [part for _, part in whole.parts or () if part.kappa.lower > 0.0]
    assert parts
    for part in parts:
        assert reasons(part) == ()
        frames = part.scope.details["frames"]
        count = (frames[1] - frames[0] + 1) * 9
        mask = np.unpackbits(part.evidence.arrays["mask"], count=count).reshape(-1, 9)
        island = island_of(FRAME, X, frames[0], mask.astype(bool))
        room = radius_of(island, float(part.evidence.values["sigma"]))
        assert 1e-7 < 1.0 - part.scope.details["radius"] / room < 1e-5
