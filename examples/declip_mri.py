"""Recover a saturated slice of an MRI scan, which matplotlib ships as sample data.

The slice is read from matplotlib's own files, clipped here at its 95th percentile, and
recovered; a grey picture has no other channels to learn from, so less can be gained.
"""

# %%
import numpy as np
from matplotlib import cbook

import recover as rv

with cbook.get_sample_data("s1045.ima.gz") as file:
    slice_ = np.frombuffer(file.read(), np.uint16).reshape(256, 256)
level = int(np.percentile(slice_, 95))
clipped = np.minimum(slice_, level).astype(np.uint16)

# %% the level is found in the picture
(found,) = rv.image.detect_levels(clipped)
print(f"level {found.high:.0f} (set: {level}), {100 * found.fraction:.1f} % clipped")
assert found.high == level

# %% recover
result = rv.image.declip(clipped, high=found.high)
mask, truth = result.recovered, slice_.astype(np.float32)
before = np.linalg.norm((clipped - truth)[mask])
gain = 20 * np.log10(before / np.linalg.norm((result.image - truth)[mask]))
print(f"{result.count} samples recovered, {gain:.1f} dB gained inside them")
assert np.array_equal(result.image[~mask], clipped[~mask].astype(np.float32))
assert gain > 0.0

# %% as a file: 16 bits hold these values, so the type stays
print(f"largest recovered value {result.image.max():.0f}")
