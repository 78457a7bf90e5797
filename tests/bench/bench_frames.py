"""Frames beside their peers, in one run: ``python tests/bench/bench_frames.py``.

Prints CPU time of Gabor analysis and synthesis as a ratio to `scipy.signal.ShortTimeFFT`, and
time and peak memory of proving a sub-frame of a signal of 2**20 samples. Set OMP_NUM_THREADS=1.
"""

import resource
import sys
import time

import numpy as np
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from recover.frames import Boundary, Gabor, Identity, Masked, Stack
from recover.frames.bounds import subframe_lower

RATE, SECONDS, RUNS = 44100, 5, 9


def cpu(function):
    """Return the least CPU time of some runs, in seconds."""
    times = []
    for _ in range(RUNS):
        begin = time.process_time()
        function()
        times.append(time.process_time() - begin)
    return min(times)


def peak_gigabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def compare(size, dtype):
    """Return CPU seconds of analysis and synthesis, ours and the peer's."""
    length = RATE * SECONDS
    x = np.random.default_rng(0).standard_normal(length).astype(dtype)
    peer = ShortTimeFFT(hann(size, sym=False), size // 4, RATE)
    frame = Gabor.hann(length, size, size // 4, boundary=Boundary.ZERO_PADDED, tight=True)
    c, spectrum = frame.analysis(x), peer.stft(x)
    ours = cpu(lambda: frame.analysis(x)) + cpu(lambda: frame.synthesis(c))
    theirs = cpu(lambda: peer.stft(x)) + cpu(lambda: peer.istft(spectrum, k1=length))
    return ours, theirs


def transforms():
    print("window  dtype    ours ms  peer ms  ratio  (analysis and synthesis)")
    for size in (1024, 8192):
        for dtype in (np.float64, np.float32):
            ours, theirs = compare(size, dtype)
            times = f"{1e3 * ours:7.1f}  {1e3 * theirs:7.1f}  {ours / theirs:5.2f}"
            print(f"{size:6d}  {dtype.__name__:7s}  {times}")


def proofs(exponent):
    rng = np.random.default_rng(1)
    n = 2**exponent
    sets = Gabor.hann(n, 64, 16, boundary=Boundary.ZERO_PADDED, tight=True)
    around = Gabor.hann(n, 64, 16, boundary=Boundary.CIRCULAR, tight=True)
    time_mask = Masked(Identity(n), rng.random(n) >= 0.1)
    cases = [
        ("Gabor 64/16, zero-padded, 10 % removed", sets, 0.1, None),
        ("Gabor 64/16, 2 % removed, by removal", around, 0.02, "removal"),
        ("time mask with a Gabor frame, 10 % removed", Stack((time_mask, sets)), 0.1, None),
        ("Gabor 64/16, circular, 10 % removed", around, 0.1, None),
    ]
    for name, frame, share, route in cases:
        keep = rng.random(frame.coef_shape) >= share
        begin = time.process_time()
        bound = subframe_lower(frame, keep, route=route)
        found = time.process_time()
        again = subframe_lower(frame, keep, at=bound.value, route=bound.route)
        verified = time.process_time()
        assert again.value >= bound.value
        print(
            f"{name}: >= {bound.value:.6f} ({bound.route}, slack {bound.slack:.1e}) in "
            f"{found - begin:.1f} s, verified in {verified - found:.1f} s, "
            f"peak {peak_gigabytes():.2f} GB so far"
        )


if __name__ == "__main__":
    transforms()
    proofs(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
