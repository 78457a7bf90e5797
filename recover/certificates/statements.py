"""What a certificate says in words: its scope and its assumptions, derived from the problem.

Prover and verifier both call these, so a sentence that was dropped, added or changed shows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from recover.certificates.scope import Scope
from recover.core.arrays import Array, digest
from recover.frames.base import Frame
from recover.frames.masked import Masked
from recover.frames.structure import HasRows
from recover.models.base import Model
from recover.models.domains import Box, Domain, Support
from recover.models.problem import Problem
from recover.priors.base import Prior
from recover.priors.excess import SampleEnergy

__all__ = [
    "assumptions_of",
    "domain_data",
    "prior_data",
    "region_label",
    "region_reason",
    "regions_reason",
    "scope_of",
]

ARITHMETIC = (
    "arithmetic is IEEE 754 double precision, and BLAS and LAPACK use no Strassen-like products"
)


def scope_of(problem: Problem, *, domain: bool = False, prior: bool = False) -> Scope:
    """Return the scope of a promise that uses the problem's domain and prior where told.

    Parameters
    ----------
    problem : Problem
        What was measured.
    domain, prior : bool
        Which of the two the proof rests on.
    """
    if prior and problem.prior is not None:
        data = prior_data(problem.prior)
        if domain:
            data["domain"] = domain_data(problem.domain)
        return Scope("conditional", data)
    if domain:
        data = domain_data(problem.domain)
        return Scope(str(data.pop("kind")), data)
    return Scope("global")


def assumptions_of(
    problem: Problem, *, domain: bool = False, prior: bool = False
) -> tuple[str, ...]:
    """Return everything that the promise rests on besides the data, in sentences.

    Parameters
    ----------
    problem : Problem
        What was measured.
    domain, prior : bool
        Which of the two the proof rests on.
    """
    model = problem.model
    sentences = [
        f"the data were measured by the {type(model).__name__} model whose digest is `subject`"
    ]
    sentences += _noise_sentences(problem)
    if domain:
        sentences.append(_domain_sentence(problem.domain))
    if prior and problem.prior is not None:
        sentences.append(problem.prior.statement)
    sentences += _roundoff_sentences(model, problem.prior if prior else None)
    sentences.append(ARITHMETIC)
    return tuple(sentences)


def domain_data(domain: Domain) -> dict[str, Any]:
    """Return the domain as plain data that no other domain gives."""
    data = domain.to_json()
    if isinstance(domain, Support):
        data["digest"] = digest([domain.mask])
    return data


def prior_data(prior: Prior) -> dict[str, Any]:
    """Return the prior as plain data that no other prior gives."""
    return {**prior.to_json(), "digest": digest(prior.identity_parts())}


def region_label(label: Array, region: int, energy: SampleEnergy) -> str:
    """Return the name of a region: its number, its size, and where it is.

    Parameters
    ----------
    label : array of int [shape=(n,)]
        The region of each of the energy's samples.
    region : int
    energy : SampleEnergy
    """
    own = energy.places[(label == region) & energy.counted]
    where = np.unravel_index(own, energy.shape)[-2:] if own.size else ()
    middle = ", ".join(str(int(axis.mean())) for axis in where)
    return f"region {region + 1}: {own.size} samples at {middle}"


def region_reason(size: int, largest: int, *, proved: bool) -> str | None:
    """Return why nothing is promised of a region, None if something is.

    Parameters
    ----------
    size : int
        Its samples.
    largest : int
        Samples of the largest region that is tried.
    proved : bool
        Whether its smallest eigenvalue is proved to be positive.
    """
    if proved:
        return None
    if size > largest:
        return f"too large to prove: a region of {size} samples, and {largest} is the limit"
    return (
        f"the model does not provably determine the {size} samples: no positive smallest "
        "eigenvalue could be proved"
    )


def regions_reason(sizes: Array, proved: Array, largest: int) -> str | None:
    """Return why nothing is promised of all regions together, None if something is.

    Parameters
    ----------
    sizes : array of int [shape=(regions,)]
    proved : array of bool [shape=(regions,)]
    largest : int
        As in `region_reason`.
    """
    if bool(proved.all()):
        return None
    first = int(np.argmin(proved))
    why = region_reason(int(sizes[first]), largest, proved=False)
    number = int(np.count_nonzero(~proved))
    return f"no bound for {number} of {proved.size} regions; region {first + 1}: {why}"


def _noise_sentences(problem: Problem) -> list[str]:
    noise = problem.noise.to_json()
    place = f"added {noise['where']} the non-linearity"
    law = noise.get("law")
    if law == "gaussian":
        return [
            f"the noise {place} is independent and normal with standard deviation "
            f"{noise['sigma']:.6g} (its bound fails with probability <= {noise['delta']:g})"
        ]
    if law == "poisson" and problem.noise.roots:
        less = ", less a known background" if np.any(problem.noise.background) else ""
        return [
            f"the magnitudes are roots of intensities{less}, {noise['counts_per_unit']:.6g} "
            "Poisson counts to one unit (their bound fails with probability at most "
            f"{noise['delta']:g})"
        ]
    if law == "poisson":
        return [
            f"the data are Poisson counts, {noise['counts_per_unit']:.6g} to one unit "
            f"(their bound fails with probability at most {noise['delta']:g})"
        ]
    if problem.noise_bound.is_zero:
        return [f"the data are exact: there is no noise, neither before nor {place}"]
    sentences = []
    if noise["l2"] != "inf":
        sentences.append(f"the noise {place} has an l2 norm of at most {noise['l2']:.6g}")
    each = problem.noise.each
    if np.ndim(each) > 0:
        largest = float(np.max(np.asarray(each), initial=0.0))
        sentences.append(
            f"each entry of the noise {place} is at most its own stated bound "
            f"(the largest is {largest:.6g})"
        )
    elif noise["each"] != "inf":
        sentences.append(f"each entry of the noise {place} is at most {noise['each']:.6g}")
    return sentences


def _domain_sentence(domain: Domain) -> str:
    data = domain.to_json()
    if data["kind"] == "ball":
        sign = " and no negative entries" if data["nonnegative"] else ""
        return f"the true signal has an l2 norm of at most {data['radius']:.6g}{sign}"
    if isinstance(domain, Box):
        low, high = float(domain.low.min()), float(domain.high.max())
        return f"the true signal lies in the stated box (within [{low:.6g}, {high:.6g}])"
    if isinstance(domain, Support):
        sign = " and is not negative" if domain.nonnegative else ""
        return (
            f"the true signal vanishes outside the {data['size']} entries of the support{sign}"
        )
    return f"the true signal lies in the {type(domain).__name__} domain"


def _roundoff_sentences(model: Model, prior: Prior | None) -> list[str]:
    frames = [model.frame]
    # a prior is built of frames; which of its fields are frames is its own business
    frames += (
        [value for value in vars(prior).values() if isinstance(value, Frame)] if prior else []
    )
    sentences = []
    for frame in frames:
        inner = frame
        while isinstance(inner, Masked):
            inner = inner.frame
        size = inner.roundoff()
        if size > 0.0 and not isinstance(inner, HasRows):
            name = type(inner).__name__
            sentence = (
                f"the fast analysis of the {name} frame is off by at most {size:.3g} times "
                "the signal's norm (error bound of its transform)"
            )
            if sentence not in sentences:
                sentences.append(sentence)
    return sentences
