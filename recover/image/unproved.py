"""Pictures too large for a problem to be formed of them: what is still said, and checked."""

from __future__ import annotations

import math

import numpy as np

from recover.certificates.certificate import Certificate, unbounded
from recover.certificates.scope import Scope
from recover.certificates.verify import Verdict
from recover.core.arrays import Array, digest
from recover.core.enclosure import Enclosure

__all__ = ["silence_faults", "unproved", "unproved_again"]


def unproved(planes: Array, hidden: Array) -> Certificate:
    """Return the certificate that promises nothing of a large picture, and says why.

    Where a sample is clipped the data alone leave it open, so kappa is zero; where none is, the
    proof would need all samples at once.

    Parameters
    ----------
    planes : array [shape=(channels, height, width), floating]
    hidden : array of bool [shape of planes]
        The clipped samples.
    """
    count = int(np.count_nonzero(hidden))
    why = (
        f"too large to prove: {count} clipped of {planes.size} samples; certify a part of the "
        "image"
    )
    kappa = Enclosure(0.0, 0.0 if count else np.inf)
    return unbounded(why, Scope("global"), digest([planes, hidden]), {}, kappa=kappa)


def unproved_again(certificate: Certificate, planes: Array, hidden: Array) -> Verdict:
    """Return whether a certificate is the one that `unproved` gives for these samples."""
    claimed, plain = certificate.to_data(), unproved(planes, hidden).to_data()
    wrong = [name for name in sorted(plain) if claimed[name] != plain[name]]
    return Verdict(
        not wrong, tuple(f"{name} is not that of an image too large to prove" for name in wrong)
    )


def silence_faults(certificate: Certificate, subject: str, name: str) -> tuple[str, ...]:
    """Return what is wrong with a certificate that promises nothing of a picture.

    Parameters
    ----------
    certificate : Certificate
    subject : str
        Digest of what it must speak of.
    name : str
        What that is called.
    """
    faults = []
    if certificate.subject != subject:
        faults.append(f"the certificate speaks of another {name}, or of other levels")
    if certificate.error_bound != math.inf or certificate.kappa.lower != 0.0:
        faults.append("a bound is claimed without any evidence")
    if certificate.pointwise is not None or certificate.centre is not None or certificate.parts:
        faults.append("arrays or parts were added to a certificate that promises nothing")
    if not certificate.reason:
        faults.append("no reason is given")
    return tuple(faults)
