"""The check of a better centre: every admissible signal lies within its stated distance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.checks.common import farthest, number_of, upper_bound_fault
from recover.core.arrays import Array
from recover.core.rounding import norm_upper

__all__ = ["centre_faults"]


def centre_faults(
    certificate: Certificate, low: Array | None, high: Array | None
) -> Iterator[str]:
    """Yield the faults of the centre and its bound against a box that was proved again.

    Parameters
    ----------
    certificate : Certificate
    low, high : array [shape=(n,)] or None
        The ends of a box that holds every admissible signal; None if there is none.
    """
    centre = certificate.centre
    if centre is None:
        if "centre_bound" in certificate.evidence.values:
            yield "a bound for a centre is stated without the centre"
        return
    if low is None or high is None or centre.size != low.size or centre.dtype != np.float64:
        yield "a centre is stated that cannot be proved"
        return
    reach = farthest(centre.ravel(), low, high)
    claimed = number_of(certificate, "centre_bound")
    yield from upper_bound_fault("the centre's bound", claimed, norm_upper(reach))
