"""Proved bounds of extreme eigenvalues, one route per file.

`dense` (shifted Cholesky of a Gram matrix), `qr` (smallest singular value of ill-conditioned
rows), `banded` and `sparse` (banded Cholesky), `removal` (norm of an entrywise non-negative
operator) are proved; `lanczos` holds with a stated probability.
"""

from recover.core.eigen.banded import eigmin_lower_banded
from recover.core.eigen.bound import EigenBound
from recover.core.eigen.dense import (
    eigmax_upper,
    eigmin_lower,
    eigmin_lower_symmetric,
)
from recover.core.eigen.gram import gram_of
from recover.core.eigen.lanczos import Extremes, eigmin_probabilistic, estimate_extremes
from recover.core.eigen.qr import sigma_min_lower
from recover.core.eigen.removal import (
    NormBound,
    nonnegative_norm_upper,
    nonnegative_norm_upper_from,
)
from recover.core.eigen.sparse import eigmin_lower_sparse

__all__ = [
    "EigenBound",
    "Extremes",
    "NormBound",
    "eigmax_upper",
    "eigmin_lower",
    "eigmin_lower_banded",
    "eigmin_lower_sparse",
    "eigmin_lower_symmetric",
    "eigmin_probabilistic",
    "estimate_extremes",
    "gram_of",
    "nonnegative_norm_upper",
    "nonnegative_norm_upper_from",
    "sigma_min_lower",
]
