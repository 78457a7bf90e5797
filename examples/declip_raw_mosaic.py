"""Recover the mosaic of a sensor, before any raw developer sees it.

The bundled courtyard is sampled through a Bayer pattern of colour filters, as a camera
does, and clipped.  Declipping and demosaicing are solved together; what comes back is the
mosaic, for any raw developer to go on with.
"""

# %%
import numpy as np

import recover as rv
from recover.io import bundled
from recover.io.image_read import read_image

WHITE, BLACK, PATTERN = 15000.0, 512.0, "RGGB"
scene = read_image(bundled("image/courtyard.exr")).pixels.astype(np.float32)
light = BLACK + scene * np.float32(WHITE - BLACK)
mosaic = np.empty(scene.shape[:2], np.float32)
for k, letter in enumerate(PATTERN):
    place = (slice(k // 2, None, 2), slice(k % 2, None, 2))
    mosaic[place] = light[(*place, "RGB".index(letter))]
clipped = np.rint(np.minimum(mosaic, WHITE)).astype(np.uint16)

# %% recover the mosaic
result = rv.image.declip_raw(
    clipped, PATTERN, levels=WHITE, black=BLACK, white_balance=(2.0, 1.0, 1.6)
)
mask = result.recovered
before = np.linalg.norm((clipped - mosaic)[mask])
gain = 20 * np.log10(before / np.linalg.norm((result.image - mosaic)[mask]))
print(f"{result.count} of {mosaic.size} samples recovered, {gain:.1f} dB gained inside them")
assert np.array_equal(result.image[~mask], clipped[~mask].astype(np.float32))
assert np.all(result.image[mask] >= WHITE)
assert gain > 0.0
