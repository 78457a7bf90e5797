"""Every kind of certificate that the package can issue is attacked; none may be violated.

The default run tries a small share.  The whole, over a million pairs, and the table of them:

    pytest -m slow -s tests/attack/test_every_certificate.py
"""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import attack_convex
import numpy as np
import pytest
from attack_scene import NONE_YET, Tally
from attackers import ATTACKERS

import recover
from recover.certificates import checks
from recover.certificates.certificate import Certificate
from recover.certificates.checks.base import Check
from recover.certificates.checks.excess import PART
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.verify import WHOLE
from recover.core.arrays import Array
from recover.core.discovery import concrete_classes
from recover.models.problem import Problem

SHARE = 1500  # pairs of each kind in the default run
SHARES = {"stacked prior": 16_000, "apriori": 60_000}  # whose bounds are attained more seldom
# pairs of each kind in the long run: what is issued most is attacked most
LONG = {"rows": 250_000, "apriori": 250_000, "spectrogram island": 30_000, "none": 20_000}
OTHERS = 80_000
MILLION = 1_000_000
# how near to the bound the attack must come, or it says little; bounds that have a slack by
# their nature (half of a singular value, say) are not attained
NEAR = {
    "none": 0.0,
    "stacked prior": 0.2,
    "spectrogram island": 0.4,
    "clipped region": 0.5,
    "clipped regions": 0.5,
}
NOT_CERTIFICATES = {"", "arrays", "probe"}  # other uses of the arrays' encoding


def line(kind: str, tally: Tally) -> str:
    """A row of the table: how far below 1 the worst ratio stays, too, where it is near."""
    return (
        f"{kind:20} {tally.pairs:9,} pairs, worst ratio of what was seen to what is promised "
        f"{tally.worst:.6f} (1 - {1.0 - tally.worst:.1e})"
    )


def issued() -> set[str]:
    """The kinds of evidence that the package has a name for where it makes some."""
    kinds = set()
    for path in Path(recover.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            place = {"Evidence": 0, "issue": 1}.get(node.func.id)
            if place is None or len(node.args) <= place:
                continue
            kind = node.args[place]
            if isinstance(kind, ast.Constant):
                kinds.add(str(kind.value))
    return kinds - NOT_CERTIFICATES


def test_every_kind_has_an_attacker() -> None:
    checked = {each().kind for each in concrete_classes(checks, Check).values()}
    assert issued() == checked | {WHOLE, PART}
    assert set(ATTACKERS) == issued()


@pytest.mark.parametrize("kind", sorted(ATTACKERS))
def test_no_pair_violates_a_certificate(kind: str) -> None:
    tally = ATTACKERS[kind](np.random.default_rng(100), SHARES.get(kind, SHARE))
    assert tally.pairs >= SHARE
    assert tally.worst <= 1.0
    assert tally.worst >= 0.5 * NEAR.get(kind, 0.99)


@pytest.mark.parametrize(
    "kind", ["rows", "intervals", "polytope", "quadratic samples", "subspace", "parts"]
)
def test_a_bound_that_is_too_small_is_found_out(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_small(problem: Problem, x: Array, *, budget: float | None) -> Certificate:
        honest = certify_posteriori(problem, x, budget=budget)
        return replace(honest, error_bound=0.5 * honest.error_bound)

    monkeypatch.setattr(attack_convex, "certify_posteriori", too_small)
    assert ATTACKERS[kind](np.random.default_rng(101), 4 * SHARE).worst > 1.0


@pytest.mark.slow
def test_a_million_pairs_violate_no_certificate(capsys: pytest.CaptureFixture[str]) -> None:
    whole = NONE_YET
    for kind in sorted(ATTACKERS):
        tally = ATTACKERS[kind](np.random.default_rng(200), LONG.get(kind, OTHERS))
        whole = whole.and_also(tally)
        with capsys.disabled():
            print(line(kind, tally))
        assert tally.worst >= NEAR.get(kind, 0.99), "the attack does not come near the bound"
    with capsys.disabled():
        print(line("all", whole))
    assert whole.pairs >= MILLION
    assert whole.worst <= 1.0
