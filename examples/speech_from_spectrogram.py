"""Speech from the magnitudes of its spectrogram.

The phases are read off the slopes of the log-magnitudes first, and then improved until the
sound's own spectrogram is as near to the given one as the method comes.  The last part does the
same from a Mel spectrogram, which holds much less.
"""

# %%
import numpy as np

import recover as rv
from recover.io import bundled, read_audio
from recover.solve import GriffinLim

speech = read_audio(bundled("audio/speech_librivox.flac"))
n_fft, hop = 1024, 256
x = speech.samples[: speech.samples.size // hop * hop].reshape(-1)
window = np.sin(np.pi * np.arange(n_fft) / n_fft) ** 2


def spectrogram(samples):
    """The layout of librosa: centred frames, zeros around, (bins, frames)."""
    padded = np.pad(samples, n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop]
    return np.abs(np.fft.rfft(frames * window)).T.astype(np.float32)


magnitude = spectrogram(x)

# %% the default, and the classical algorithm from the same first phases
result = rv.audio.phase_from_magnitude(magnitude, hop=hop)
classic = rv.audio.phase_from_magnitude(
    magnitude, hop=hop, method=GriffinLim(momentum=0.0, max_iter=100, tol=0.0)
)
print(f"spectral convergence {float(result.convergence):.1f} dB")
print(f"Griffin and Lim's    {float(classic.convergence):.1f} dB")
assert result.convergence < classic.convergence - 3.0
print(f"what is promised: {result.error_bound}, as {result.certificate.reason}")

# %% from 80 bands on the Mel scale
mel = 2595.0 * np.log10(1.0 + np.linspace(0.0, speech.rate / 2, n_fft // 2 + 1) / 700.0)
edges = np.linspace(0.0, mel[-1], 82)
rise = (mel - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
fall = (edges[2:, None] - mel) / (edges[2:] - edges[1:-1])[:, None]
filters = np.maximum(np.minimum(rise, fall), 0.0)
bands = filters @ magnitude
from_mel = rv.audio.phase_from_magnitude(bands, hop=hop, mel=filters)
again = filters @ spectrogram(from_mel.signal)
lost = np.linalg.norm(again - bands) / np.linalg.norm(bands)
print(f"from 80 Mel bands: they are met to {20.0 * np.log10(lost):.1f} dB")
