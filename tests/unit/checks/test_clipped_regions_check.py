"""The check of clipped regions, at bounds that are known in closed form."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from check_cases import valued as values
from scipy import sparse

from recover.certificates.certificate import Certificate
from recover.certificates.proofs.excess import Effort, certify_regions
from recover.certificates.regions import drawn_inverse, regions_of
from recover.certificates.scope import Scope
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.core.enclosure import Enclosure
from recover.core.rigor import ESTIMATE, PROVED, probabilistic
from recover.frames import Dense, Identity
from recover.models import Noise, Problem, ReLU, Saturation
from recover.priors import Allowance, ExcessEnergy, Quadratic, Rule, SampleEnergy

# values 0 and 1 are one region, 2 another with value 3, which is no sample of the signal, and 4
# a third; the smallest eigenvalues are 3, 1 and 4
MATRIX = sparse.block_diag([[[4.0, -1.0], [-1.0, 4.0]], [[2.0, -1.0], [-1.0, 2.0]], [[4.0]]])
PLACES = np.array([1, 2, 4, -1, 7])
OWN = PLACES[PLACES >= 0]
INVERSE = np.array([4 / 15, 4 / 15, 2 / 3, 1 / 4])  # its diagonal at the samples
REGION = np.array([0, 0, 1, 2])
SIZES, TRACES = np.array([2, 1, 1]), np.array([8 / 15, 2 / 3, 1 / 4])
LEAST = np.array([3.0, 1.0, 4.0])
CENTRE = np.array([1.5, 1.25, 1.75, 0.0, 2.0])
RULE, WHOLE = Rule(2.0, 1.5, 0.5), Rule(3.0, 2.5, 0.25)
UNIT, SINGLE = 0.25, 9.0
GAP = np.array([0.25, -0.5, 0.125, 1.0])
Y = np.array([0.5, 1.0, 1.0, -0.25, 1.0, 0.75, 0.0, 1.0])
PARTS = ["region 1: 2 samples at 1", "region 2: 1 samples at 4", "region 3: 1 samples at 7"]


def prior(unit: float = UNIT) -> ExcessEnergy:
    energy = SampleEnergy(sparse.csr_array(MATRIX), PLACES, (8,))
    allowance = Allowance(unit, RULE, WHOLE, SINGLE, "given")
    ones = np.ones(PLACES.size)
    return ExcessEnergy(energy, CENTRE, ones, ones, allowance, "a test")


def problem_of(noise: Noise | float = 0.0, y: Array = Y) -> Problem:
    model = Saturation(Identity(8), None, 1.0)
    return Problem(model, y, prior=prior(), noise=noise)


def recovered(gap: Array = GAP) -> Array:
    image = Y.copy()
    image[OWN] = CENTRE[PLACES >= 0] + gap
    return image


def issued(problem: Problem, image: Array, *, columns: int = 9, region: int = 9) -> Certificate:
    found = certify_regions(problem, image, Effort(region, columns))
    verdict = verify(found.certificate, problem)
    assert verdict.reasons == ()
    assert verify(found.certificate, problem, image).accepted
    return found.certificate


@pytest.fixture(scope="module")
def plain() -> tuple[Problem, Certificate]:
    problem = problem_of()
    return problem, issued(problem, recovered())


def reasons(certificate: Certificate, problem: Problem) -> tuple[str, ...]:
    return verify(certificate, problem).reasons


def proved(certificate: Certificate, problem: Problem, what: str) -> float:
    """Return what a refusal of zero says is proved."""
    said = [r for r in reasons(certificate, problem) if r.startswith(what)]
    found = re.fullmatch(rf"{re.escape(what)} 0 is claimed, but only (\S+) is proved", said[0])
    assert found, said
    return float(found[1])


def arrays(certificate: Certificate, **changed: Array) -> Certificate:
    kept = {**certificate.evidence.arrays, **changed}
    return replace(certificate, evidence=replace(certificate.evidence, arrays=kept))


def part(
    certificate: Certificate, at: int, change: Callable[[Certificate], Certificate]
) -> Any:
    """Return the certificate with one of its parts changed."""
    parts = list(certificate.parts or ())
    parts[at] = (parts[at][0], change(parts[at][1]))
    return replace(certificate, parts=tuple(parts))


def due_of_regions(least: Array, gap: Array = GAP) -> Array:
    spread = RULE.extra / least + TRACES
    away = np.sqrt(np.bincount(REGION, weights=gap**2))
    return np.sqrt(UNIT * 2.0 * SIZES**0.5 * spread) + away


def due_of_all(least: Array, gap: Array = GAP) -> float:
    spread = WHOLE.extra / least.min() + TRACES.sum()
    return math.sqrt(UNIT * 3.0 * 4.0**0.25 * spread) + float(np.linalg.norm(gap))


def near(bound: float, due: float) -> bool:
    """Tell whether a bound is not below what is due, and above it by hardly more than that."""
    return due <= bound * (1.0 + 2.0**-52) and 1e-15 < bound / due - 1.0 < 1e-12


def test_the_bounds_are_those_of_the_formulas(plain: tuple[Problem, Certificate]) -> None:
    problem, c = plain
    least = c.evidence.arrays["eigenvalues"]
    assert (least <= LEAST).all()
    assert (least > 0.9 * LEAST).all()
    assert c.kappa == Enclosure(c.kappa.lower, math.inf)
    bound = proved(replace(c, error_bound=0.0), problem, "the bound")
    assert near(bound, due_of_all(least))
    assert verify(replace(c, error_bound=bound), problem).accepted
    below = replace(c, error_bound=math.nextafter(bound, 0.0))
    assert len(reasons(below, problem)) == 1
    assert c.parts is not None
    assert [label for label, _ in c.parts] == PARTS
    for at, (label, due) in enumerate(zip(PARTS, due_of_regions(least), strict=True)):
        lowered = part(c, at, lambda p: replace(p, error_bound=0.0))
        bound = proved(lowered, problem, label)
        assert near(bound, due)
        at_it = part(c, at, lambda p, bound=bound: replace(p, error_bound=bound))
        assert verify(at_it, problem).accepted
        less = math.nextafter(bound, 0.0)
        below = part(c, at, lambda p, less=less: replace(p, error_bound=less))
        assert len(reasons(below, problem)) == 1


def test_the_bounds_of_single_samples(plain: tuple[Problem, Certificate]) -> None:
    problem, c = plain
    due = np.zeros(8)
    due[OWN] = math.sqrt(UNIT * SINGLE) * np.sqrt(INVERSE) + np.abs(GAP)
    assert c.pointwise is not None
    assert verify(replace(c, pointwise=due * (1.0 + 1e-12)), problem).accepted
    assert verify(replace(c, pointwise=None), problem).accepted
    assert verify(replace(c, pointwise=c.pointwise + 1.0), problem).accepted
    told = ("1 bound(s) of single entries are smaller than what is proved",)
    for place in OWN:
        lower = due * (1.0 + 1e-12)
        lower[place] = due[place] * (1.0 + 1e-15)
        assert reasons(replace(c, pointwise=lower), problem) == told
    told = ("bounds of single entries are claimed that cannot be proved",)
    assert reasons(replace(c, pointwise=c.pointwise[None]), problem) == told


def test_kappa(plain: tuple[Problem, Certificate]) -> None:
    problem, c = plain
    least = c.evidence.arrays["eigenvalues"]
    root = Enclosure.exactly(float(least.min())).sqrt().lower
    for low, label, at in (
        (root, "", None),
        *((0.0, f"{name}: ", k) for k, name in enumerate(PARTS)),
    ):
        root = low if at is None else Enclosure.exactly(float(least[at])).sqrt().lower
        more = math.nextafter(root, 9.0)

        def forged(kappa: Enclosure, at: int | None = at) -> Certificate:
            if at is None:
                return replace(c, kappa=kappa)
            changed: Certificate = part(c, at, lambda p: replace(p, kappa=kappa))
            return changed

        assert verify(forged(Enclosure(root, math.inf)), problem).accepted
        assert verify(forged(Enclosure(0.0, math.inf)), problem).accepted
        told = (
            f"{label}kappa's lower end {more:.17g} is claimed, but only {root:.17g} is proved"
        )
        assert reasons(forged(Enclosure(more, math.inf)), problem) == (told,)
        told = f"{label}kappa's upper end 3 is claimed without a witness"
        assert reasons(forged(Enclosure(root, 3.0)), problem) == (told,)


def test_of_an_open_region_nothing_is_promised() -> None:
    problem = problem_of()
    c = issued(problem, recovered(), region=1)
    assert c.error_bound == math.inf
    assert c.kappa.lower == 0.0
    assert c.reason is not None
    assert c.reason.startswith("no bound for 2 of 3 regions; region 1: too large")
    for low in (1.0, 1e-3, 1e-170, 5e-324):  # a square may underflow
        told = f"kappa's lower end {low:.17g} is claimed, but only 0 is proved"
        assert reasons(replace(c, kappa=Enclosure(low, math.inf)), problem) == (told,)
        forged = part(c, 0, lambda p, low=low: replace(p, kappa=Enclosure(low, math.inf)))
        assert reasons(forged, problem) == (f"{PARTS[0]}: {told}",)
    bound = reasons(replace(c, error_bound=1e9), problem)
    assert bound == ("the bound 1000000000 is claimed, but only inf is proved",)
    bounded = part(c, 1, lambda p: replace(p, error_bound=1e9))
    told = f"{PARTS[1]} 1000000000 is claimed, but only inf is proved"
    assert reasons(bounded, problem) == (told,)
    assert c.pointwise is not None
    assert (np.isfinite(c.pointwise[OWN]) == [False, False, False, True]).all()
    pointwise = c.pointwise.copy()
    pointwise[OWN[2]] = 1e9
    told = "1 bound(s) of single entries are smaller than what is proved"
    assert reasons(replace(c, pointwise=pointwise), problem) == (told,)
    for reason in (None, c.reason.replace("1", "2")):
        told = f"the reason is stated as {reason!r}"
        assert reasons(replace(c, reason=reason), problem) == (told,)
        forged = part(c, 0, lambda p, reason=reason: replace(p, reason=reason))
        assert reasons(forged, problem) == (f"{PARTS[0]}: {told}",)
    # another limit, and so other sentences
    assert len(reasons(values(c, largest=2), problem)) == 2
    # the third region is closed as before
    closed = proved(part(c, 2, lambda p: replace(p, error_bound=0.0)), problem, PARTS[2])
    least = np.where(
        c.evidence.arrays["eigenvalues"] > 0.0, c.evidence.arrays["eigenvalues"], 1
    )
    assert near(closed, due_of_regions(least)[2])


@pytest.mark.parametrize("rule", [Rule(2.0, 0.0, 0.5), Rule(0.0, 1.5), Rule(0.0, 0.0)])
def test_an_open_region_is_open_whatever_the_rule(rule: Rule) -> None:
    allowance = Allowance(UNIT, rule, rule, SINGLE, "given")
    base = problem_of()
    problem = Problem(base.model, Y, prior=replace(prior(), allowance=allowance))
    c = issued(problem, recovered(), region=1)
    assert [p.error_bound < math.inf for _, p in c.parts or ()] == [False, False, True]
    for at, label in enumerate(PARTS[:2]):
        bounded = part(c, at, lambda p: replace(p, error_bound=1e9))
        told = f"{label} 1000000000 is claimed, but only inf is proved"
        assert reasons(bounded, problem) == (told,)


def test_words(plain: tuple[Problem, Certificate]) -> None:
    problem, c = plain
    changes: dict[str, Callable[[Certificate], Certificate]] = {
        "the certificate speaks of another": lambda p: replace(p, subject="0" * 64),
        "the scope is stated as": lambda p: replace(p, scope=Scope("global")),
        "the assumptions are not those": lambda p: replace(p, assumptions=p.assumptions[1:]),
        "the noise is stated as": lambda p: replace(p, noise={**p.noise, "l2": 1.0}),
        "the rigor is stated as": lambda p: replace(p, rigor=ESTIMATE),
        "the reason is stated as 'because'": lambda p: replace(p, reason="because"),
    }
    for said, change in changes.items():
        whole = reasons(change(c), problem)
        assert len(whole) == 1
        assert whole[0].startswith(said)
        for at, label in enumerate(PARTS):
            one = reasons(part(c, at, change), problem)
            assert len(one) == 1
            assert one[0].startswith(f"{label}: {said}")
    centre = ("a centre is stated that cannot be proved",)
    assert reasons(replace(c, centre=recovered()), problem) == centre


def test_parts_are_regions_of_this_signal(plain: tuple[Problem, Certificate]) -> None:
    problem, c = plain
    assert c.parts is not None
    for fewer in (None, (), c.parts[1:], c.parts[::-1]):
        assert verify(replace(c, parts=fewer), problem).accepted
    twice = reasons(replace(c, parts=(*c.parts, c.parts[0])), problem)
    assert twice == (f"{PARTS[0]}: not a region of this signal",)
    named = reasons(replace(c, parts=(("the sky", c.parts[0][1]), *c.parts[1:])), problem)
    assert named == ("the sky: not a region of this signal",)
    changes: list[Callable[[Certificate], Certificate]] = [
        lambda p: replace(p, evidence=replace(p.evidence, kind="none")),
        lambda p: values(p, region=-1),
        lambda p: values(p, region=3),
        lambda p: values(p, region=1.0),
        lambda p: values(p, region="1"),
        lambda p: values(p, region=1 if p.evidence.values["region"] != 1 else 2),
        lambda p: values(p, samples=3),
        lambda p: replace(p, parts=()),
        lambda p: replace(p, pointwise=np.full(8, 99.0)),
        lambda p: replace(p, centre=recovered()),
    ]
    for change in changes:
        for at, label in enumerate(PARTS):
            told = (f"{label}: not a region of this signal",)
            assert reasons(part(c, at, change), problem) == told
    # what is wrong with one part is said besides what is wrong with the next
    both = part(part(c, 0, changes[0]), 2, changes[0])
    assert len(reasons(both, problem)) == 2


def test_the_image_is_the_one_that_is_named(plain: tuple[Problem, Certificate]) -> None:
    problem, c = plain
    named = "the recovered signal is not the one that the certificate names"
    moved = c.evidence.arrays["recovered"].copy()
    moved[0] += 2.0**-50
    assert reasons(arrays(c, recovered=moved), problem) == (named,)
    assert reasons(values(c, signal_digest="0" * 64), problem) == (named,)
    # without noise the data are exact, and a signal in the evidence changes nothing
    assert verify(arrays(c, signal=recovered() + 1.0), problem).accepted
    given = recovered()
    given[0] += 2.0**-50
    told = ("the signal given is not the one that was certified",)
    assert verify(c, problem, given).reasons == told
    assert verify(c, problem, recovered()[None]).accepted
    damaged = "the evidence is damaged or does not fit: "
    other = c.evidence.arrays["centre"] + 2.0**-50
    told = (f"{damaged}the centre is not the one that the prior speaks of",)
    assert reasons(arrays(c, centre=other), problem) == told
    for name in ("centre", "recovered", "eigenvalues"):
        wrong = c.evidence.arrays[name][:-1]
        said = reasons(arrays(c, **{name: wrong}), problem)
        assert said[0].startswith(f"{damaged}evidence array {name!r} must be finite float64")
    # a recovered signal that is the centre needs no copy of it
    at_it = issued(problem, recovered(0.0 * GAP))
    assert "recovered" not in at_it.evidence.arrays
    bound = proved(replace(at_it, error_bound=0.0), problem, "the bound")
    assert near(bound, due_of_all(at_it.evidence.arrays["eigenvalues"], 0.0 * GAP))


def test_eigenvalues_are_proved_again(plain: tuple[Problem, Certificate]) -> None:
    problem, c = plain
    least = c.evidence.arrays["eigenvalues"]
    told = ("the regions' smallest eigenvalues could not be proved again",)
    for at in range(3):
        for wrong in (LEAST[at] * 1.001, -least[at], -1e-300):
            other = least.copy()
            other[at] = wrong
            assert reasons(arrays(c, eigenvalues=other), problem) == told
    # less is proved all the more, but gives larger bounds
    less = arrays(replace(c, parts=None, pointwise=None), eigenvalues=0.5 * least)
    bound = proved(
        replace(less, kappa=Enclosure(0.0, math.inf), error_bound=0.0), problem, "the bound"
    )
    assert near(bound, due_of_all(0.5 * least))


def test_other_subjects(plain: tuple[Problem, Certificate]) -> None:
    problem, c = plain
    told = ("the certificate is of clipped samples with an energy, not of this",)
    model = problem.model
    smooth = Quadratic(Dense(np.diff(np.eye(8), axis=0)), 9.0)
    others = [
        model,
        Problem(model, Y),
        Problem(model, Y, prior=smooth),
        Problem(ReLU(Identity(8), 0.0), np.abs(Y), prior=problem.prior),
        Problem(Saturation(Dense(np.eye(8)), None, 1.0), Y, prior=problem.prior),
    ]
    for other in others:
        assert verify(c, other).reasons == told
    more = Y.copy()
    more[0] = 1.0
    told = ("a clipped sample is not among those that the energy speaks of",)
    assert reasons(c, problem_of(y=more)) == told
    tighter = Problem(model, Y, prior=prior(0.5 * UNIT))
    assert any("scope" in reason for reason in reasons(c, tighter))


EACH = 0.125


@pytest.mark.parametrize(("l2", "joint"), [(math.inf, 0.25), (0.1875, 0.1875)])
def test_noise_on_what_was_not_clipped(l2: float, joint: float) -> None:
    y = Y.copy()
    y[5] = 0.5  # no sample may be undecided
    problem = problem_of(Noise(each=EACH, l2=l2), y)
    moved = recovered()
    moved[5] = 0.5
    moved[0], moved[3] = moved[0] + 0.5, moved[3] - 0.375
    c = issued(problem, moved)
    assert "signal" in c.evidence.arrays
    least = c.evidence.arrays["eigenvalues"]
    due = math.hypot(due_of_all(least), joint + math.hypot(0.5, 0.375))
    assert near(proved(replace(c, error_bound=0.0), problem, "the bound"), due)
    assert c.pointwise is not None
    size = min(EACH, l2)
    each = np.full(8, size)
    each[0], each[3] = size + 0.5, size + 0.375
    each[OWN] = math.sqrt(UNIT * SINGLE) * np.sqrt(INVERSE) + np.abs(GAP)
    assert verify(replace(c, pointwise=each * (1.0 + 1e-12)), problem).accepted
    told = ("1 bound(s) of single entries are smaller than what is proved",)
    for place in range(8):
        lower = each * (1.0 + 1e-12)
        lower[place] = each[place] * (1.0 + 1e-15)
        assert reasons(replace(c, pointwise=lower), problem) == told
    named = "the recovered signal is not the one that the certificate names"
    assert named in reasons(arrays(c, signal=moved + 2.0**-50), problem)
    shape = reasons(arrays(c, signal=moved[:-1]), problem)[0]
    assert "evidence array 'signal' must be finite float64 of shape (8,)" in shape


def test_the_samples_of_exact_data_may_lie_elsewhere(
    plain: tuple[Problem, Certificate],
) -> None:
    """A noisy certificate without its signal is that of the data outside the regions."""
    y = Y.copy()
    y[5] = 0.5
    problem = problem_of(Noise(each=EACH), y)
    image = recovered()
    image[5] = 0.5
    c = issued(problem, image)
    kept = {k: v for k, v in c.evidence.arrays.items() if k != "signal"}
    kept["recovered"] = image[OWN]
    bare = replace(c, evidence=replace(c.evidence, arrays=kept))
    assert reasons(bare, problem) == ()


def test_drawn_bounds_say_so() -> None:
    problem = problem_of()
    c = issued(problem, recovered(), columns=1)
    assert c.rigor == probabilistic(1e-9)
    told = ("the rigor is stated as proved, not probabilistic(1e-09)",)
    assert reasons(replace(c, rigor=PROVED, parts=None), problem) == told
    least = c.evidence.arrays["eigenvalues"]
    # a draw proves less than the columns of the inverse, no less than the eigenvalue alone
    bound = proved(replace(c, error_bound=0.0), problem, "the bound")
    crude = TRACES.copy()
    crude[:2] = (SIZES / least)[:2]
    spread = WHOLE.extra / least.min() + crude.sum()
    most = math.sqrt(UNIT * 3.0 * 4.0**0.25 * spread) + float(np.linalg.norm(GAP))
    assert due_of_all(least) < bound <= most * (1.0 + 1e-12)
    cautious = replace(c, error_bound=2.0 * most, pointwise=None, parts=None)
    assert verify(cautious, problem).accepted
    # with all columns nothing is drawn
    assert reasons(values(cautious, columns=2), problem)[0].startswith("the rigor is stated as")


def test_draws_depend_on_all_that_tells_one_prior_from_another() -> None:
    """Who issues a certificate can change nothing that speaks for it without drawing anew."""
    least = np.ones(3)

    def roots(of: ExcessEnergy) -> Array:
        return drawn_inverse(of, regions_of(of), least).roots

    first = roots(prior())
    assert np.array_equal(roots(prior()), first)
    moved = replace(prior(), centre=CENTRE + 1e-15)
    for other in (prior(1.5 * UNIT), moved, replace(prior(), recipe="another")):
        assert (np.abs(roots(other) / first - 1.0) > 1e-3).all()
