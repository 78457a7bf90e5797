"""A hologram for a spatial light modulator: an array of equal spots, and a picture.

The modulator changes the phase of a Gaussian beam in 256 levels.  Weights make the spots
equal; a picture gains when the field around it may be anything.
"""

# %%
import numpy as np
from skimage import data, transform

import recover as rv
from recover.solve import WeightedGerchbergSaxton

size = 256
i, j = np.mgrid[:size, :size] - size / 2
beam = np.exp(-(i**2 + j**2) / (size / 3) ** 2).astype(np.float32)

# %% spots
spots = np.zeros((size, size), np.float32)
spots[64:192:16, 64:192:16] = 1.0
for name, method in (
    ("Gerchberg-Saxton", WeightedGerchbergSaxton()),
    ("weighted, phases held", None),
):
    found = rv.phase.hologram(spots, beam, method=method, phase_levels=256)
    print(f"{name:<22} uniformity {found.uniformity:.3f}, light {found.efficiency:.3f}")
assert found.uniformity > 0.9  # rounding to 256 levels costs the last of it
assert found.levels().dtype == np.uint8

# %% a picture, alone and with freedom around it
picture = np.zeros((size, size), np.float32)
picture[64:192, 64:192] = np.sqrt(transform.resize(data.camera() / 255.0, (128, 128)))
around = np.zeros((size, size), dtype=bool)
around[48:208, 48:208] = True
bound = rv.phase.hologram(picture, beam)
free = rv.phase.hologram(
    picture, beam, region=around, method=WeightedGerchbergSaxton(exponent=0.8, share=0.7)
)
print(f"picture: rmse {bound.rmse:.4f}, with freedom around it {free.rmse:.4f}")
assert free.rmse < bound.rmse
