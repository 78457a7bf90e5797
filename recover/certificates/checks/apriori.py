"""Certificates of a frame and a model before any data."""

from __future__ import annotations

from dataclasses import dataclass

from recover.certificates.certificate import Certificate
from recover.certificates.checks.base import Check
from recover.certificates.replay.apriori import check
from recover.core.arrays import Array
from recover.models.base import Model
from recover.models.problem import Problem

__all__ = ["LipschitzConstant"]


@dataclass(frozen=True)
class LipschitzConstant(Check):
    """An enclosure of the lower Lipschitz constant on a ball, or everywhere."""

    @property
    def kind(self) -> str:
        return "apriori"

    def faults(
        self, certificate: Certificate, subject: Model | Problem, _signal: Array | None
    ) -> tuple[str, ...]:
        if not isinstance(subject, Model):
            return ("an a priori certificate is verified against its model, not a problem",)
        return tuple(check(certificate, subject))
