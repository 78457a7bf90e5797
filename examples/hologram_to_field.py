"""A real off-axis hologram becomes a complex field, and the field is found from magnitudes.

The bundled hologram of a cell is demodulated by the usual Fourier filter: that gives a real
complex field, which serves as the truth.  Then its phase is thrown away in coded diffraction
patterns and found again.
"""

# %%
import numpy as np
from skimage.restoration import unwrap_phase

import recover as rv
from recover.io import bundled

hologram = np.load(bundled("phase/hologram_cell.npz"))
size = 192


def demodulated(picture):
    """Return the field of the sideband: shift it to the middle and keep a disk."""
    part = picture[:size, :size].astype(np.float64)
    spectrum = np.fft.fftshift(np.fft.fft2(part - part.mean()))
    i, j = np.mgrid[:size, :size] - size // 2
    carrier = np.where((i < 0) & (np.hypot(i, j) > 15), np.abs(spectrum), 0.0)
    row, column = np.unravel_index(int(np.argmax(carrier)), carrier.shape)
    shift = (size // 2 - row, size // 2 - column)
    radius = 0.4 * np.hypot(*shift)
    centred = np.roll(spectrum, shift, axis=(0, 1)) * (np.hypot(i, j) < radius)
    return np.fft.ifft2(np.fft.ifftshift(centred))


cell, empty = demodulated(hologram["data"]), demodulated(hologram["bg_data"])
field = (cell * empty.conj() / np.abs(empty) ** 2)[::2, ::2]
turn = unwrap_phase(np.angle(field))
print(f"the cell turns the phase by {np.ptp(turn[8:-8, 8:-8]):.2f} rad")

# %% throw the phase away, and find it again
frame = rv.frames.CodedDiffraction.octanary(field.shape, 4, np.random.default_rng(0))
found = rv.phase.retrieve(np.abs(frame.analysis(field)), frame)
error = rv.Modulus(frame).distance(found.signal, field)
print(f"error {error:.2e}, promised to be at most {found.error_bound:.2e} near the object")
assert error <= found.error_bound
