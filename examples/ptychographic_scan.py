"""Scan a complex field with an illumination that is not known, and recover both.

The field is a measured phase image of gel beads, made a transparency that absorbs a little
where it is thick.  The scan is simulated: a disc of light out of focus, moved in steps that
leave 62 % of the window in common.  The first guess of the light is the disc in focus.
"""

# %%
import numpy as np

import recover as rv
from recover.io import bundled

WIDTH, STEP = 48, 18
with np.load(bundled("phase/phase_beads.npz")) as file:
    beads = file["phase"].astype(float)[:156, :156]
field = np.exp((1j - 0.2) * beads)

r2 = np.add.outer((np.arange(WIDTH) - 23.5) ** 2, (np.arange(WIDTH) - 23.5) ** 2)
disc = (r2 < 22.0**2) * 1.0
light = disc * np.exp(0.015j * r2)

# %% the scan: steps with a jitter, so that no lattice hides a pattern
rng = np.random.default_rng(0)
places = np.arange(0, 156 - WIDTH + 1, STEP)
grid = np.stack(np.meshgrid(places, places, indexing="ij"), -1).reshape(-1, 2)
positions = np.clip(grid + rng.integers(-2, 3, grid.shape), 0, 156 - WIDTH)
scan = rv.frames.Ptychography(field.shape, light, positions)
magnitudes = np.abs(scan.analysis(field))
print(f"{len(positions)} exposures of {WIDTH} x {WIDTH} pixels")

# %% with the light known
known = rv.phase.ptychography(magnitudes, positions, light, shape=field.shape, certify=False)
bright = scan.illumination > 0.05 * scan.illumination.max()


def apart(found, truth):
    """The relative distance up to a factor."""
    factor = np.vdot(found, truth) / np.vdot(found, found)
    return np.linalg.norm(factor * found - truth) / np.linalg.norm(truth)


print(f"light known: error {apart(known.signal[bright], field[bright]):.1e}")
assert apart(known.signal[bright], field[bright]) < 1e-3

# %% with the light recovered too, from the disc in focus
both = rv.phase.ptychography(
    magnitudes, positions, disc, shape=field.shape, refine_probe=True, certify=False
)
print(f"light unknown: misfit {both.residual:.1e}, {both.method}")
print(
    f"light: first guess off by {apart(disc, light):.2f}, found {apart(both.probe, light):.1e}"
)
assert both.residual < 1e-2

# %% a scan too sparse is refused, with the number
try:
    rv.phase.ptychography(
        magnitudes[:2], [[0, 0], [0, 108]], light, shape=field.shape, certify=False
    )
except rv.ParameterError as error:
    print(error)
