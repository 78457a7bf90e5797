"""Both ends of kappa as the verifier proves them again."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from check_cases import valued, with_array

from recover.certificates.certificate import Certificate
from recover.certificates.posteriori import certify_posteriori
from recover.certificates.verify import verify
from recover.core.enclosure import Enclosure
from recover.frames import Dense
from recover.models import Problem, Saturation

LARGE = 0.25
UPPER = re.compile(r"kappa's upper end .* is claimed, but only (\S+) is proved")


def of_rows() -> tuple[Problem, Certificate]:
    rng = np.random.default_rng(7)
    rows, truth = rng.standard_normal((12, 3)), rng.standard_normal(3)
    problem = Problem(Saturation(Dense(rows), -99.0, 99.0), rows @ truth, noise=1e-3)
    certificate = certify_posteriori(problem, truth)
    assert certificate.evidence.kind == "rows"
    return problem, replace(certificate, error_bound=math.inf, pointwise=None)


def test_a_witness_is_off_by_rounding_in_proportion_to_its_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of any multiple of a witness the same is proved."""
    problem, c = of_rows()
    witness = c.evidence.arrays["witness"]
    image = float(np.linalg.norm(problem.model.frame.analysis(witness)))
    ratio = image / float(np.linalg.norm(witness))
    bare = replace(c, kappa=Enclosure(0.0, 0.0))
    monkeypatch.setattr(Dense, "roundoff", lambda _frame: LARGE)
    for factor in (2.0**-20, 0.25, 1.0, 4.0, 2.0**20):
        (said,) = verify(with_array(bare, "witness", factor * witness), problem).reasons
        found = UPPER.fullmatch(said)
        assert found
        assert float(found[1]) == pytest.approx(ratio + LARGE, rel=1e-12)


def test_an_eigenvalue_nearer_to_the_truth_than_a_search_would_state() -> None:
    """The value of the evidence is what is proved, not one that the verifier looks for."""
    problem, c = of_rows()
    rows = problem.model.frame.matrix()
    value = float(np.linalg.svd(rows, compute_uv=False)[-1]) ** 2
    near = valued(c, eigenvalue=value * (1.0 - 4e-12))
    assert verify(near, problem).reasons == ()
    assert verify(valued(c, eigenvalue=value * (1.0 + 1e-9)), problem).reasons != ()
