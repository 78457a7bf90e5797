"""Smallest singular values of matrices that are known up to an error."""

from __future__ import annotations

import math

from recover.core.arrays import Array
from recover.core.eigen import eigmin_lower, gram_of, sigma_min_lower
from recover.core.enclosure import Enclosure
from recover.core.errors import ParameterError
from recover.core.rounding import down, up

__all__ = ["prove_sigma", "reprove_sigma"]

CHOLESKY, ORTHOGONAL = "cholesky", "qr"
SHADE = 1.0 - 2.0**-36  # two libraries' matrices differ a little; the claim leaves room for it


def prove_sigma(rows: Array, error: float) -> tuple[float, str]:
    """Return a proved lower bound of the smallest singular value, and the route.

    Parameters
    ----------
    rows : array [shape=(m, n), real]
    error : float
        Bound of the spectral norm of the difference of `rows` from the exact matrix.

    Returns
    -------
    sigma : float
        0 if nothing positive was proved.
    route : str
    """
    if rows.shape[0] < rows.shape[1] or not math.isfinite(error):
        return 0.0, CHOLESKY
    gram, slack = gram_of(rows)
    bound = eigmin_lower(gram, gram_slack=slack)
    found, route = math.sqrt(bound.value), CHOLESKY
    if found <= 2.0 * math.sqrt(slack):  # what the Gram matrix loses is most of what there is
        other = sigma_min_lower(rows)
        if other.value > found:
            found, route = other.value, ORTHOGONAL
    return max(down(found * SHADE - 3.0 * error, 4), 0.0), route


def reprove_sigma(rows: Array, error: float, sigma: float, route: str) -> bool:
    """Tell whether the exact matrix's smallest singular value is proved to be at least `sigma`.

    Raises
    ------
    ParameterError
        If there is no such route.
    """
    if not (sigma > 0.0 and math.isfinite(sigma) and math.isfinite(error)):
        return False
    if rows.shape[0] < rows.shape[1]:
        return False
    target = up(sigma + error)
    if route == CHOLESKY:
        gram, slack = gram_of(rows)
        square = (Enclosure.exactly(target) * target).upper
        return eigmin_lower(gram, gram_slack=slack, at=square).value >= square
    if route == ORTHOGONAL:
        return sigma_min_lower(rows, at=target).value >= target
    raise ParameterError(f"route must be {CHOLESKY!r} or {ORTHOGONAL!r}, got {route!r}")
