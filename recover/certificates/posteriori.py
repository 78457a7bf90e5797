"""Certificates of recovered signals: the proofs that apply are tried, and the best is given."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

import recover.certificates.proofs as package
from recover.certificates.certificate import Certificate
from recover.certificates.proofs.base import Case, Proof
from recover.certificates.reasons import Why, Withheld, local_only
from recover.certificates.withheld import withheld_certificate
from recover.core.arrays import Array, as_numeric
from recover.core.discovery import concrete_classes
from recover.core.errors import ParameterError
from recover.models.problem import Problem

__all__ = ["certify_posteriori"]


def certify_posteriori(
    problem: Problem,
    x_hat: Array,
    *,
    centre: Array | None = None,
    budget: float | None = None,
) -> Certificate:
    """Certify a recovered signal: a bound on its distance from every admissible one.

    Every proof of `recover.certificates.proofs` that applies to the problem is tried.  The
    certificate with the smallest error bound is returned; of equal ones the one that assumes
    less.  If there is none the certificate is infinite and says why.

    Parameters
    ----------
    problem : Problem
        Model, data, noise, prior and domain.
    x_hat : array [shape=frame.signal_shape]
        The recovered signal, however it was found.
    centre : array [shape=frame.signal_shape], optional
        A signal for proofs that need one: the minimiser of a quadratic prior's energy among
        the consistent signals.  It need not be exact.
    budget : float, optional
        Seconds that refinements may take; a proof that has begun is ended, and one is made in
        any case.  By default only what is needed for a finite bound
        is done, so that the certificate costs no more than the recovery.

    Returns
    -------
    Certificate

    Raises
    ------
    ParameterError
        If a signal does not fit the problem, is not finite, or `budget` is negative.
    """
    if budget is not None and not budget >= 0.0:
        raise ParameterError(f"budget must be >= 0 seconds, got {budget}")
    signal = _signal("signal", x_hat, problem)
    middle = None if centre is None else _signal("centre", centre, problem)
    case = Case(problem, signal, middle, budget)
    best: Certificate | None = None
    failures: list[Withheld] = []
    for proof in _proofs():
        if not proof.applies(problem):
            continue
        outcome = proof.attempt(case, math.inf if best is None else best.error_bound)
        if isinstance(outcome, Withheld):
            failures.append(outcome)
            if outcome.why is Why.EMPTY:
                best = None  # what is said of no signal at all is no promise
                break
        elif outcome is not None and (best is None or outcome.error_bound < best.error_bound):
            best = outcome
    return _nothing(problem, failures) if best is None else _explained(best, failures)


def _explained(best: Certificate, failures: list[Withheld]) -> Certificate:
    """Add to a local bound why there is none for all signals."""
    if best.evidence.kind != "modulus":
        return best
    for failure in failures:
        reason = local_only(best.reason, failure)
        if reason is not None:
            values = {**best.evidence.values, **failure.values()}
            return replace(best, reason=reason, evidence=replace(best.evidence, values=values))
    return best


def _proofs() -> list[Proof]:
    classes = concrete_classes(package, Proof)
    return sorted((each() for each in classes.values()), key=lambda proof: proof.order)


def _signal(name: str, value: Array, problem: Problem) -> Array:
    frame = problem.model.frame
    array = as_numeric(name, value)
    if array.shape != frame.signal_shape:
        raise ParameterError(f"{name} must have shape {frame.signal_shape}, got {array.shape}")
    frame.check_signal(array)
    return array.astype(np.complex128 if np.iscomplexobj(array) else np.float64)


def _nothing(problem: Problem, failures: list[Withheld]) -> Certificate:
    """Return the infinite certificate with the reason that is most worth telling."""
    ranked = sorted(failures, key=lambda failure: list(Why).index(failure.why))
    none = Withheld(Why.NO_PROOF, {"name": type(problem.model).__name__})
    chosen = ranked[0] if ranked else none
    zero = any(failure.kappa_zero for failure in failures)
    return withheld_certificate(problem, chosen, kappa_zero=zero)
