"""What can be proved of a declipped recording as more and more of it is clipped.

From the data alone nothing bounds the error of a clipped sample: any value beyond the level
fits.  On condition of a hypothesis bounds can be proved, gap by gap (an autoregressive model
with a budget) and segment by segment (a support in a cosine basis).  The truth is known here,
so the script also says how often each hypothesis was true, and checks that no bound was broken
where it was.  Most bounds are larger than what was restored: they certify that the problem is
ill-posed more than that the answer is accurate.
"""

# %%
import numpy as np
from scipy.fft import dct

import recover as rv
from recover.io import bundled, read_audio

clean = read_audio(bundled("audio/guitar_em9.flac"))
start, length = int(2.5 * clean.rate), int(0.4 * clean.rate)
x = clean.samples[start : start + length, 0]


def gap_holds(gap):
    """Tell whether the true signal's prediction errors are within the gap's budget."""
    errors = np.convolve(x[gap.first : gap.last].astype(float), gap.taps, "valid")
    return np.linalg.norm(errors) <= gap.budget


def segment_holds(segment):
    """Tell whether the true segment lies within the remainder of its support."""
    rest = dct(x[segment.start : segment.stop].astype(float), norm="ortho")
    rest[segment.support] = 0.0
    return np.linalg.norm(rest) <= segment.remainder


def row(name, parts, holds):
    """Return counts of parts: certified, bounds below what was restored, hypothesis true."""
    true = [part for part in parts if holds(part)]
    for part in true:
        first = getattr(part, "first", part.start)
        last = getattr(part, "last", part.stop)
        error = x[first:last].astype(float) - result.samples[first:last]
        assert np.linalg.norm(error) <= part.error_bound
    below = sum(part.error_bound < part.restored for part in parts)
    ratios = [part.error_bound / part.restored for part in parts if part.restored > 0.0]
    median = f"{20 * np.log10(np.median(ratios)):+.0f} dB" if ratios else "none"
    return (
        f"  {name:<9} {len(parts):4d} certified, median bound {median:>7} relative to what was "
        f"restored, {below:3d} below it; hypothesis true for {len(true)}"
    )


# %%
for quantile in (0.99, 0.95, 0.85, 0.70):
    level = float(np.float32(np.quantile(np.abs(x), quantile)))
    y = np.clip(x, np.float32(-level), np.float32(level))
    result = rv.audio.declip(y, clean.rate, low=-level, high=level, quality="fast")
    input_sdr = rv.metrics.sdr(x, y)
    gain = rv.metrics.sdr(x, result.samples) - input_sdr
    print(
        f"{100 * result.fraction:.0f} % clipped, input SDR {input_sdr:.0f} dB, gained "
        f"{gain:.0f} dB; from the data alone: error bound {result.error_bound}"
    )
    assert result.error_bound == np.inf
    account = rv.audio.certify_conditionally(result, most=60)
    print(row("gaps", account.gaps, gap_holds))
    print(row("segments", account.segments, segment_holds))
    kappas = [1.0 / s.certificate.kappa.lower for s in account.segments if s.certificate.finite]
    if kappas:
        print(f"  an error can hide by a factor of {np.median(kappas):.1f} (median segment)")
