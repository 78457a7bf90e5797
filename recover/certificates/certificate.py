"""The certificate: a bound, for whom it holds, what it assumes, and what proves it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recover.certificates.evidence import Evidence, decode_number, encode_number
from recover.certificates.scope import Scope
from recover.core.arrays import Array
from recover.core.display import Facts, Shown
from recover.core.enclosure import Enclosure
from recover.core.errors import ParameterError
from recover.core.rigor import PROVED, Rigor

__all__ = ["Certificate", "not_asked", "unbounded"]

FORMAT = "recover-certificate-1"


@dataclass(frozen=True, eq=False, repr=False)
class Certificate(Shown):
    """A promise about how far any admissible signal can lie from the recovered one.

    Parameters
    ----------
    kappa : Enclosure
        A priori: encloses the lower Lipschitz constant of the measurement on the scope.  A
        posteriori: encloses the square root of the smallest eigenvalue of what the data fix.
    error_bound : float
        Every signal in the scope that is consistent with the data and satisfies the assumptions
        lies within this l2 distance of the recovered signal, in signal units; infinity if
        nothing is promised, and for a priori certificates.
    scope : Scope
        The signals covered.
    assumptions : tuple of str
        Everything the promise rests on besides the data.
    rigor : Rigor
        `proved`, or `probabilistic` with its failure probability.
    evidence : Evidence
        From which `verify` re-proves the promise.
    reason : str or None
        Why a side is trivial or missing, in one sentence.
    subject : str
        Digest of the model (and data) that the certificate speaks of.
    noise : mapping
        The promise about the noise, as plain data.
    pointwise : array [shape=signal_shape] or None
        Bound of each entry of the recovered signal's error, in signal units.
    parts : tuple of (str, Certificate), or None
        Certificates of channels, segments or regions.
    centre : array [shape=signal_shape] or None
        A signal that lies nearer to all admissible ones than the recovered one does, where the
        proof knows one.  `error_bound` and `pointwise` always speak of the recovered signal.
    """

    kappa: Enclosure
    error_bound: float
    scope: Scope
    assumptions: tuple[str, ...]
    rigor: Rigor
    evidence: Evidence
    reason: str | None
    subject: str
    noise: Mapping[str, Any] = field(default_factory=dict)
    pointwise: Array | None = None
    parts: tuple[tuple[str, Certificate], ...] | None = None
    centre: Array | None = None

    def __post_init__(self) -> None:
        if math.isnan(self.error_bound) or self.error_bound < 0.0:
            raise ParameterError(f"error_bound must be >= 0, got {self.error_bound}")

    def __repr__(self) -> str:
        kappa = f"kappa in [{self.kappa.lower:.6g}, {self.kappa.upper:.6g}]"
        bound = f"error_bound={self.error_bound:.6g}"
        return f"Certificate({bound}, {kappa}, scope={self.scope.kind}, {self.rigor})"

    def facts(self) -> Facts:
        """Return the promise, for whom it holds, how firmly, and what it rests on."""
        told = [
            ("error bound", f"{self.error_bound:.6g}"),
            ("scope", self.scope.kind),
            ("rigor", str(self.rigor)),
            ("kappa", f"{self.kappa.lower:.6g} to {self.kappa.upper:.6g}"),
            ("noise grows by at most", f"{self.amplification.upper:.6g}"),
        ]
        if self.reason is not None:
            told.append(("reason", self.reason))
        return [*told, *(("assumption", each) for each in self.assumptions)]

    @property
    def amplification(self) -> Enclosure:
        """Reciprocal of `kappa`: by how much noise can grow; infinite where kappa is zero."""
        if self.kappa.upper == 0.0:
            return Enclosure(math.inf, math.inf)
        return self.kappa.reciprocal()

    @property
    def finite(self) -> bool:
        """Whether an error is promised."""
        return math.isfinite(self.error_bound)

    def to_data(self) -> dict[str, Any]:
        """Return the certificate as plain data for JSON."""
        arrays = {"pointwise": self.pointwise, "centre": self.centre}
        extra = Evidence("arrays", {}, {k: v for k, v in arrays.items() if v is not None})
        return {
            "format": FORMAT,
            "kappa": self.kappa.to_json(),
            "amplification": self.amplification.to_json(),
            "error_bound": encode_number(self.error_bound),
            "scope": self.scope.to_json(),
            "assumptions": list(self.assumptions),
            "rigor": self.rigor.to_json(),
            "reason": self.reason,
            "subject": self.subject,
            "noise": dict(self.noise),
            "evidence": self.evidence.to_json(),
            "arrays": extra.to_json()["arrays"],
            "parts": None
            if self.parts is None
            else [
                {"label": label, "certificate": part.to_data()} for label, part in self.parts
            ],
        }

    @staticmethod
    def from_data(data: Mapping[str, Any]) -> Certificate:
        """Rebuild from `to_data`.

        Raises
        ------
        ParameterError
            If fields are missing or of the wrong kind.
        """
        try:
            if data.get("format") != FORMAT:
                raise ParameterError(f"not a certificate: expected format {FORMAT!r}")
            arrays = Evidence.from_json(
                {"kind": "", "values": {}, "arrays": data["arrays"]}
            ).arrays
            parts = data["parts"]
            certificate = Certificate(
                kappa=Enclosure.from_json(data["kappa"]),
                error_bound=decode_number(data["error_bound"]),
                scope=Scope.from_json(data["scope"]),
                assumptions=tuple(str(a) for a in data["assumptions"]),
                rigor=Rigor.from_json(data["rigor"]),
                evidence=Evidence.from_json(data["evidence"]),
                reason=None if data["reason"] is None else str(data["reason"]),
                subject=str(data["subject"]),
                noise=dict(data["noise"]),
                pointwise=arrays.get("pointwise"),
                centre=arrays.get("centre"),
                parts=None
                if parts is None
                else tuple(
                    (str(p["label"]), Certificate.from_data(p["certificate"])) for p in parts
                ),
            )
            stated = Enclosure.from_json(data["amplification"])
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            if isinstance(error, ParameterError):
                raise
            raise ParameterError(f"the certificate is damaged: {error!r}") from None
        if stated != certificate.amplification:
            raise ParameterError(
                f"amplification is stated as {stated}, but the reciprocal of kappa is "
                f"{certificate.amplification}"
            )
        return certificate

    def to_json(self) -> str:
        """Return the certificate as JSON text; infinity is the string "inf"."""
        return json.dumps(self.to_data(), indent=1, sort_keys=True, allow_nan=False)

    @staticmethod
    def from_json(text: str) -> Certificate:
        """Rebuild from `to_json`; raises `ParameterError` if the text is not a certificate."""
        try:
            data = json.loads(text)
            if isinstance(data, dict):
                return Certificate.from_data(data)
        except (ValueError, RecursionError) as error:
            if isinstance(error, ParameterError):
                raise
            raise ParameterError(f"not a certificate: {error}") from None
        raise ParameterError("not a certificate: the JSON text holds no object")


def unbounded(
    reason: str,
    scope: Scope,
    subject: str,
    noise: Mapping[str, Any],
    assumptions: tuple[str, ...] = (),
    *,
    kappa: Enclosure | None = None,
    values: Mapping[str, float | int | str | bool] | None = None,
) -> Certificate:
    """Return the certificate that promises nothing, and says why."""
    return Certificate(
        kappa=Enclosure(0.0, math.inf) if kappa is None else kappa,
        error_bound=math.inf,
        scope=scope,
        assumptions=assumptions,
        rigor=PROVED,
        evidence=Evidence("none", {} if values is None else values),
        reason=reason,
        subject=subject,
        noise=noise,
    )


def not_asked(subject: str) -> Certificate:
    """Return the certificate of a recovery that was asked not to certify."""
    return unbounded("not asked", Scope("global"), subject, {})
