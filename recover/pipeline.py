"""The one place where solving meets certificates."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recover.certificates.certificate import Certificate, not_asked
from recover.certificates.posteriori import certify_posteriori
from recover.core.arrays import Array, as_numeric, frozen
from recover.core.discovery import concrete_classes
from recover.core.display import Facts, Shown, draw_signal
from recover.core.errors import ParameterError, require_type
from recover.io.errors import FileError
from recover.io.results import load_result, save_result
from recover.models.base import Model
from recover.models.domains import Domain
from recover.models.problem import Problem
from recover.solve.base import AnyMethod, Method, Status, Watch
from recover.solve.choose import choose
from recover.solve.loop import solve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Recovery", "certify", "method_named", "recover"]

FORMAT = "recover-result-1"
SEARCH_SECONDS = 60.0


@dataclass(frozen=True, eq=False, repr=False)
class Recovery(Shown):
    """A recovered signal with its certificate.

    Parameters
    ----------
    signal : array [shape=frame.signal_shape]
        The recovered signal, read-only.
    certificate : Certificate
        What is promised about it.
    status : Status
        How the solver ended.
    residuals : array [shape=(iterations,)]
        Residual after each step, relative to the data.
    method : str
        Name of the method that ran.
    """

    signal: Array
    certificate: Certificate
    status: Status
    residuals: Array
    method: str

    def __repr__(self) -> str:
        return (
            f"Recovery(signal {self.signal.shape} {self.signal.dtype}, by {self.method}, "
            f"{self.status.name}, {self.certificate!r})"
        )

    def facts(self) -> Facts:
        """Return what was recovered, and how."""
        return [
            ("signal", f"{self.signal.shape} {self.signal.dtype}"),
            ("method", self.method),
            ("status", self.status.value),
        ]

    def shown_below(self) -> tuple[Certificate]:
        """Return the certificate."""
        return (self.certificate,)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the signal with matplotlib; see `recover.core.display.draw_signal`."""
        return draw_signal(self.signal, ax, "recovered")

    @property
    def error_bound(self) -> float:
        """The certificate's bound on the l2 error, in signal units; infinite if none."""
        return self.certificate.error_bound

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write the result as one NPZ file, whole or not at all.

        Raises
        ------
        FileError
            If the file exists and `force` is not set, or cannot be written.
        """
        meta = {
            "format": FORMAT,
            "certificate": self.certificate.to_data(),
            "status": self.status.name,
            "method": self.method,
        }
        arrays = {"signal": self.signal, "residuals": self.residuals}
        save_result(path, meta, arrays, force=force)

    @staticmethod
    def load(path: str | Path) -> Recovery:
        """Read what `save` wrote; no pickled object is ever loaded.

        Raises
        ------
        FileError
            If the file is missing, damaged, or something else.
        """
        meta, arrays = load_result(path, FORMAT)
        try:
            return Recovery(
                signal=frozen(arrays["signal"]),
                certificate=Certificate.from_data(meta["certificate"]),
                status=Status[meta["status"]],
                residuals=frozen(arrays["residuals"]),
                method=str(meta["method"]),
            )
        except (KeyError, TypeError) as error:
            raise FileError(f"{path} is damaged: {error!r}; save the result again") from None


def recover(
    problem: Problem,
    method: AnyMethod | str | None = None,
    *,
    start: Array | None = None,
    certify: bool = True,
    rng: int | np.random.Generator = 0,
    watch: Watch | None = None,
) -> Recovery:
    """Recover the signal of `problem` and certify it.

    Parameters
    ----------
    problem : Problem
        Model, data, noise, prior and domain.
    method : Method or str, optional
        One of `recover.methods`, or its name in ``recover list``; chosen for the problem by
        default.
    start : array [shape=frame.signal_shape], optional
        Signal to start from.
    certify : bool
        Whether to issue a certificate; without, it is the trivial one with the reason
        "not asked".
    rng : int or Generator
        The only source of randomness.
    watch : callable, optional
        Told a `Progress` after each step; returns True to stop.

    Returns
    -------
    Recovery

    Raises
    ------
    OutOfScopeError
        If the method does not apply to the problem.
    """
    require_type("problem", problem, Problem, "pass recover.Problem(model, y)")
    chosen = _resolve(problem, method)
    solution = solve(problem, chosen, start=start, rng=rng, watch=watch)
    certificate = (
        certify_posteriori(problem, solution.signal) if certify else not_asked(problem.digest)
    )
    return Recovery(
        frozen(solution.signal),
        certificate,
        solution.status,
        frozen(solution.residuals),
        solution.method,
    )


def certify(
    subject: Model | Problem,
    where: Domain | Array,
    *,
    budget: float | None = None,
    watch: Watch | None = None,
) -> Certificate:
    """Certify a frame before any measurement, or a recovered signal after one.

    Parameters
    ----------
    subject : Model or Problem
        A model (a priori: how stable is this measurement on a domain?) or a problem (a
        posteriori: how far from `where` can any signal consistent with the data lie?).
    where : Domain or array
        The domain for a model, the recovered signal for a problem.
    budget : float, optional
        Seconds: 60 for an a-priori search by default; for a recovered signal, what refinements
        may take beyond what a finite bound needs.
    watch : callable, optional
        Progress of a search; returns True to stop.

    Returns
    -------
    Certificate

    Raises
    ------
    ParameterError
        If `where` does not fit `subject`.
    """
    if isinstance(subject, Problem):
        if isinstance(where, Domain):
            raise ParameterError("a problem is certified at a signal, got a domain; pass x_hat")
        return certify_posteriori(subject, as_numeric("signal", where), budget=budget)
    require_type("subject", subject, Model, "pass recover.ReLU(frame) or another model")
    if not isinstance(where, Domain):
        raise ParameterError(
            "a model is certified on a domain such as recover.Ball(1.0), got "
            f"{type(where).__name__}"
        )
    from recover.certificates.apriori import certify_apriori

    return certify_apriori(
        subject, where, budget=SEARCH_SECONDS if budget is None else budget, watch=watch
    )


def method_named(name: str) -> AnyMethod:
    """Return the method of this name with its default parameters.

    Raises
    ------
    ParameterError
        If there is none (the message lists those there are), or if it has no default.
    """
    import recover.solve as package

    classes = concrete_classes(package, Method)
    if name not in classes:
        raise ParameterError(f"method must be one of {', '.join(classes)}, got {name!r}")
    needed = [
        field.name
        for field in fields(classes[name])
        if field.default is MISSING and field.default_factory is MISSING
    ]
    if needed:
        raise ParameterError(
            f"{name} needs {', '.join(needed)}; pass recover.methods.{name}({needed[0]}=...)"
        )
    method: AnyMethod = classes[name]()
    return method


def _resolve(problem: Problem, method: AnyMethod | str | None) -> AnyMethod:
    if method is None:
        return choose(problem)
    if isinstance(method, str):
        return method_named(method)
    require_type("method", method, Method, "pass one of recover.methods, such as DualFrame()")
    return method
