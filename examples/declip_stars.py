"""Recover saturated stars of a field made here, and measure their magnitudes.

Each star is the same blurred point times its flux, on a noisy background; the bright ones
saturate.  Their flux is summed over the saturated pixels before and after.
"""

# %%
import numpy as np
from scipy import ndimage

import recover as rv

SIZE, STARS, LEVEL = 160, 60, 20000.0
rng = np.random.default_rng(1)
y, x = np.mgrid[:SIZE, :SIZE]
truth = np.full((SIZE, SIZE), 400.0)
for _ in range(STARS):
    row, column = rng.uniform(8, SIZE - 8, 2)
    flux = 3000.0 * rng.pareto(0.9) + 2000.0
    r2 = (y - row) ** 2 + (x - column) ** 2
    truth += min(flux, 2e5) * (1 + r2 / 2.5**2) ** -2.5  # Moffat's profile
truth += 15.0 * rng.standard_normal(truth.shape)
clipped = np.minimum(truth, LEVEL)

# %% recover
(level,) = rv.image.detect_levels(clipped)
print(f"level {level.high:.0f}, {100 * level.fraction:.2f} % of the pixels saturated")
result = rv.image.declip(clipped, high=LEVEL)
mask = result.recovered
assert np.array_equal(result.image[~mask], clipped[~mask])

# %% magnitudes over each saturated star
labels, count = ndimage.label(mask)
index = np.arange(1, count + 1)
fluxes = [ndimage.sum(each - 400.0, labels, index) for each in (truth, clipped, result.image)]
left = np.abs(2.5 * np.log10(fluxes[1] / fluxes[0]))
now = np.abs(2.5 * np.log10(fluxes[2] / fluxes[0]))
print(f"{count} saturated stars; median error left clipped {np.median(left):.3f} mag")
print(f"median error recovered {np.median(now):.3f} mag")
assert np.median(now) < np.median(left)
