"""Compare the declipping methods on one recording: quality and time.

A fifth of a second of the bundled guitar is clipped a little and a lot; each method recovers
the same samples.  Gain is the signal-to-distortion ratio after less that before, in dB.  Every
method keeps the reliable samples bit for bit and puts the others beyond the level, which the
script checks.  One short excerpt ranks nothing: the table of the README is over many.
"""

# %%
import time

import numpy as np

import recover as rv
from recover.io import bundled, read_audio

clean = read_audio(bundled("audio/guitar_em9.flac"))
start, length = int(0.7 * clean.rate), int(0.2 * clean.rate)
x = clean.samples[start : start + length, 0]

# %% the default method in two settings, and others by name
RUNS = {
    "fast": {"quality": "fast"},
    "quality": {"quality": "quality"},
    "AnalysisSPADE": {"method": "AnalysisSPADE"},
    "WeightedL1": {"method": "WeightedL1"},
    "Autoregressive": {"method": "Autoregressive"},
}

# %%
for quantile in (0.98, 0.75):
    level = np.float32(np.quantile(np.abs(x), quantile))
    y = np.clip(x, -level, level)
    before = rv.metrics.sdr(x, y)
    print(f"{100 * (1 - quantile):.0f} % clipped, input SDR {before:.1f} dB")
    for name, options in RUNS.items():
        began = time.process_time()
        result = rv.audio.declip(
            y, clean.rate, low=-float(level), high=float(level), certify=False, **options
        )
        spent = time.process_time() - began
        gain = rv.metrics.sdr(x, result.samples) - before
        assert np.array_equal(result.samples[~result.recovered], y[~result.recovered])
        assert np.all(np.abs(result.samples[result.recovered]) >= level)
        print(f"  {name:<15} {gain:5.1f} dB gained in {spent:5.2f} CPU s")
        assert gain > 0.0
