"""A through-focus series: the same object at four distances, magnitudes only.

Near fields of a phase object are recorded at four distances.  The recovery finds the object's
amplitude and phase at the plane of the object.
"""

# %%
import numpy as np

import recover as rv
from recover.io import bundled

beads = np.load(bundled("phase/phase_beads.npz"))["phase"].astype(np.float64)[20:84, 20:84]
x = np.exp(1j * beads)
frame = rv.frames.Fresnel(
    x.shape, wavelength=550e-9, pixel_size=0.5e-6, distances=(10e-6, 25e-6, 60e-6, 150e-6)
)
magnitudes = np.abs(frame.analysis(x))

# %%
found = rv.phase.retrieve(magnitudes, frame, rng=0)
error = rv.Modulus(frame).distance(found.signal, x) / np.linalg.norm(x)
print(f"residual {found.residual:.1e}, relative error {error:.1e}, by {found.method}")
print("not determined:", "; ".join(found.trivial))
certificate = found.certificate
print(f"kappa >= {certificate.kappa.lower:.3g}: {certificate.rigor}")
print(f"error bound {found.error_bound:.3g}", certificate.reason or "")
assert error < 1e-3
