"""Recover a clipped recording, measure the true gain, and see what is promised.

The bundled guitar was clipped on purpose, so the truth is known: the script checks that every
sample that was not clipped is untouched, that every recovered one is beyond its level, and how
many decibels were gained.
"""

# %%
import numpy as np

import recover as rv
from recover.io import bundled, read_audio

clean = read_audio(bundled("audio/guitar_em9.flac"))
clipped = read_audio(bundled("audio/guitar_em9_clipped.flac"))
part = slice(0, 2 * clipped.rate)
x, y = clean.samples[part], clipped.samples[part]

# %% what was clipped, found from the samples alone
(found,) = rv.audio.detect_levels(y)
print(f"levels {found.low:.4f} and {found.high:.4f}, {100 * found.fraction:.1f} % clipped")

# %% recover, two settings
for quality in ("fast", "quality"):
    result = rv.audio.declip(y, clipped.rate, quality=quality)
    gain = rv.metrics.sdr(x, result.samples) - rv.metrics.sdr(x, y)
    print(f"{quality:<8} {gain:5.1f} dB gained")
    reliable = ~result.recovered
    assert np.array_equal(result.samples[reliable], y[reliable])
    assert np.all(np.abs(result.samples[result.recovered]) >= found.high)
    assert gain > 12.0

# %% what is promised: from the data alone nothing, and the certificate says why
certificate = result.certificate
print(f"error bound {certificate.error_bound}: {certificate.reason}")
