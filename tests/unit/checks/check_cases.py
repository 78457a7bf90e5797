"""Certificates with other evidence than they were issued with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from recover.certificates.certificate import Certificate
from recover.core.arrays import Array


def valued(certificate: Certificate, **changed: Any) -> Certificate:
    """Return a certificate with other values in its evidence."""
    kept = {**certificate.evidence.values, **changed}
    return replace(certificate, evidence=replace(certificate.evidence, values=kept))


def with_array(certificate: Certificate, name: str, array: Array | None) -> Certificate:
    """Return a certificate with another array in its evidence, or without it."""
    kept = {k: v for k, v in certificate.evidence.arrays.items() if k != name}
    kept |= {} if array is None else {name: array}
    return replace(certificate, evidence=replace(certificate.evidence, arrays=kept))
