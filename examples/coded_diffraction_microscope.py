"""A coded-diffraction microscope: a measured phase object behind random masks.

The bundled phase image of microgel beads is the truth: a transparent object, seen through four
masks as diffraction patterns without phase, with counting noise.  The error is compared with
the local certificate and with what theory expects.
"""

# %%
import numpy as np

import recover as rv
from recover.io import bundled

rng = np.random.default_rng(0)
beads = np.load(bundled("phase/phase_beads.npz"))["phase"].astype(np.float64)[20:116, 20:116]
x = np.exp(1j * beads)
frame = rv.frames.CodedDiffraction.octanary(x.shape, 4, rng)
exact = np.abs(frame.analysis(x))

# %% without noise: the object, up to a global phase, and a promise about it
found = rv.phase.retrieve(exact, frame)
problem = rv.Problem(rv.Modulus(frame), exact)
error = problem.model.distance(found.signal, x)
print(f"error {error:.2e} <= {found.error_bound:.2e}, {found.certificate.scope.kind}")
assert error <= found.error_bound

# %% with counting noise: each intensity is a number of photons
photons = 1e3
counts = rng.poisson(photons * exact**2)
noisy = rv.phase.retrieve(np.sqrt(counts / photons), frame)
error = problem.model.distance(noisy.signal, x) / np.linalg.norm(x)
print(f"{photons:g} photons for unit intensity: relative error {error:.3f}")
assert error < 0.1
for note in noisy.notes:
    print("note:", note)
