"""A far-field pattern of an object of known outline.

Two dimensions, twice oversampled, an irregular support: the object is determined up to what is
printed.  Several starts are compared; that they agree is evidence, not proof, and the
certificate speaks of a neighbourhood only.
"""

# %%
import numpy as np
from skimage import data, transform

import recover as rv

size = 48
i, j = np.mgrid[:size, :size]
outline = ((i - 11) / 10.0) ** 2 + ((j - 9) / 8.0) ** 2 < 1.0
outline[14:22, 8:23] = True
coins = transform.resize(data.coins() / 255.0, (24, 24))
x = np.zeros((size, size))
x[:24, :24] = 0.2 + coins
x *= outline
frame = rv.frames.Fourier((size, size), real_signal=True)

# %%
found = rv.phase.retrieve(
    np.abs(frame.analysis(x)),
    frame,
    domain=rv.Support(outline, nonnegative=True),
    restarts=3,
    rng=0,
)
error = np.linalg.norm(found.signal - x) / np.linalg.norm(x)
print(f"relative error {error:.1e}; {found.restarts}")
print("not determined:", "; ".join(found.trivial) or "nothing: outline and sign fix the object")
print(f"error bound {found.error_bound:.2e}, {found.certificate.scope.kind}")
assert error < 1e-3
