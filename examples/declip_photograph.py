"""Recover blown highlights of a linear photograph, and measure the true gain.

The bundled courtyard was clipped on purpose, as a sensor clips it whose channels end at
different scene levels.  The truth is known, so the script checks that every sample that was not
clipped is untouched, that every recovered one is at or beyond its level, and how many decibels
were gained over leaving it clipped.
"""

# %%
import numpy as np

import recover as rv
from recover.io import bundled
from recover.io.image_read import read_image

scene = read_image(bundled("image/courtyard.exr")).pixels.astype(np.float32) * np.float32(65535)
clipped = read_image(bundled("image/courtyard_clipped.tif")).pixels

# %% what was clipped, found from the samples alone
for name, level in zip(
    ("red", "green", "blue"), rv.image.detect_levels(clipped, channel_axis=-1), strict=True
):
    print(f"{name:<6} level {level.high}, {100 * level.fraction:.1f} % clipped")

# %% recover
result = rv.image.declip(clipped, high=65535.0, channel_axis=-1)
mask = result.recovered
before = np.linalg.norm((clipped - scene)[mask])
after = np.linalg.norm((result.image - scene)[mask])
gain = 20 * np.log10(before / after)
print(f"{result.count} samples recovered, {gain:.1f} dB gained inside them")
assert np.array_equal(result.image[~mask], clipped[~mask].astype(np.float32))
assert np.all(result.image[mask] >= 65535.0)
assert gain > 6.0

# %% what is promised
certificate = result.certificate
print(f"error bound {certificate.error_bound:.4g} ({certificate.scope.kind})")
for assumption in certificate.assumptions:
    print(f"  assuming that {assumption}")
