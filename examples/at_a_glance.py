"""The picture of the front page: one recording, one photograph, one object without phase.

Each result draws itself (`result.plot(ax)`); the measurement it came from is beside it.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import recover as rv
from recover.io import bundled, read_audio
from recover.io.image_read import read_image

figure, axes = plt.subplots(2, 3, figsize=(11, 5.6), layout="constrained")
for ax in axes[:, 1:].ravel():
    ax.set_axis_off()

# %% a clipped guitar
clipped = read_audio(bundled("audio/guitar_em9_clipped.flac"))
sound = rv.audio.declip(clipped.samples, clipped.rate)
below = sound.plot(axes[1, 0], seconds=0.012)
level = sound.levels[0].high
time = below.lines[0].get_xdata()
first = round(time[0] * clipped.rate)
before = clipped.samples.reshape(-1)[first : first + len(time)]
axes[0, 0].plot(time, before, color="#22577a", linewidth=1.4)
axes[1, 0].legend(loc="lower right", frameon=False, ncols=2, fontsize=8)
axes[0, 0].set(ylim=below.get_ylim(), ylabel="amplitude", title="a clipped recording")
below.set_title("recovered: 18 dB better")

# %% a photograph with a blown sky
photo = read_image(bundled("image/courtyard_clipped.tif"))
picture = rv.image.declip(photo.pixels.astype(np.float32), channel_axis=-1)
sky, balance = (slice(0, 120), slice(0, 180)), np.array([2.0, 1.0, 1.6])
shade = np.percentile(picture.image[sky] * balance, 99.5)
for ax, shown in zip(axes[:, 1], (photo.pixels, picture.image), strict=True):
    ax.imshow(np.clip(shown[sky] * balance / shade, 0, 1) ** (1 / 2.2))
axes[0, 1].set_title("a blown sky, exposed for the sky")
axes[1, 1].set_title("recovered: error 11 dB smaller")

# %% an object from diffraction patterns, which have no phase
turn = np.load(bundled("phase/phase_beads.npz"))["phase"].astype(np.float64)[20:148, 20:148]
frame = rv.frames.CodedDiffraction.octanary(turn.shape, 4, np.random.default_rng(0))
patterns = np.abs(frame.analysis(np.exp(1j * turn)))
found = rv.phase.retrieve(patterns, frame)
axes[0, 2].imshow(np.log10(patterns[0] + 0.1), cmap="gray")
axes[0, 2].set_title("diffraction without phase")
shown = np.angle(found.signal * np.exp(-1j * np.angle(np.mean(found.signal))))
axes[1, 2].imshow(shown, cmap="viridis")
axes[1, 2].set_title(f"the object, certified to {found.error_bound:.0e}")

figure.savefig("at_a_glance.png", dpi=100)
print("wrote at_a_glance.png")
