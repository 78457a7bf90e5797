"""The abstract check: what re-proves the certificates of one kind."""

from __future__ import annotations

from abc import ABC, abstractmethod

from recover.certificates.certificate import Certificate
from recover.core.arrays import Array
from recover.models.base import Model
from recover.models.problem import Problem

__all__ = ["Check"]


class Check(ABC):
    """Re-proves certificates whose evidence is of one kind.

    A concrete check is a final frozen dataclass without fields, in a file of its own in this
    package; nothing is registered.
    """

    @property
    @abstractmethod
    def kind(self) -> str:
        """The `Evidence.kind` that this check is for."""

    @abstractmethod
    def faults(
        self, certificate: Certificate, subject: Model | Problem, signal: Array | None, /
    ) -> tuple[str, ...]:
        """Return what of the certificate could not be proved again; empty if all was.

        Parameters
        ----------
        certificate : Certificate
            Not trusted in any way.
        subject : Model or Problem
            What the verifier holds.
        signal : array, optional
            The recovered signal, where the evidence holds only its digest.

        Raises
        ------
        RecoverError, KeyError, TypeError, ValueError
            On damaged evidence, which `verify` turns into a refusal.
        """
