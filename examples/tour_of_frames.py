"""Every kind of frame: its size, its exact adjoint, its bounds, and how to hand it to SciPy.

A frame takes a signal to coefficients (analysis) and back (synthesis, the exact adjoint).  Its
bounds ``A |x|^2 <= |analysis(x)|^2 <= B |x|^2`` are proved, in floating point.
"""

# %%
import numpy as np
from scipy.sparse.linalg import lsqr

import recover as rv

F = rv.frames
rng = np.random.default_rng(0)

# %% one small instance of each
keep = np.arange(48) % 6 != 0  # what is left when every sixth sample is lost
masks = np.exp(2j * np.pi * rng.random((3, 8, 8)))
corners = [(i, j) for i in (0, 2, 4) for j in (0, 2, 4)]
frames = {
    "Dense": F.Dense(rng.standard_normal((40, 16))),
    "Identity": F.Identity((4, 6)),
    "Gabor": F.Gabor.hann(64, 16, 4, tight=True),
    "STFT": F.STFT(48, np.hanning(16), hop=4),
    "Wavelet": F.Wavelet("db2", 2, (32, 32)),
    "Fourier": F.Fourier((8, 8), oversample=2),
    "Convolution": F.Convolution(rng.standard_normal((3, 5)), 32),
    "Masked": F.Masked(F.Identity(48), keep),
    "Stack": F.Stack([F.Identity(48), F.Convolution([[1.0, -1.0]], 48)], weights=[1.0, 0.5]),
    "CodedDiffraction": F.CodedDiffraction(masks),
    "Fresnel": F.Fresnel((16, 16), 633e-9, 8e-6, [0.01, 0.02]),
    "Ptychography": F.Ptychography((8, 8), np.outer(np.hanning(6)[1:5], np.ones(4)), corners),
}

# %% <analysis(x), c> = <x, synthesis(c)>, and the bounds hold
print(f"{'frame':<17} {'signal':>9} {'coefficients':>14} {'A':>10} {'B':>10}")
for name, frame in frames.items():
    x = rng.standard_normal(frame.signal_shape)
    if not frame.real_signal:
        x = x + 1j * rng.standard_normal(frame.signal_shape)
    analysed = frame.analysis(x)
    c = rng.standard_normal(frame.coef_shape) + 0 * analysed
    left, right = np.vdot(c, analysed), np.vdot(frame.synthesis(c), x)
    assert abs((left - right).real) <= 1e-10 * np.linalg.norm(c) * np.linalg.norm(analysed)
    lower, upper = frame.bounds()
    ratio = (np.linalg.norm(analysed) / np.linalg.norm(x)) ** 2
    assert lower <= ratio * (1 + 1e-9)
    assert ratio <= upper * (1 + 1e-9)
    shapes = ["x".join(map(str, shape)) for shape in (frame.signal_shape, frame.coef_shape)]
    print(f"{name:<17} {shapes[0]:>9} {shapes[1]:>14} {lower:>10.4g} {upper:>10.4g}")

# %% SciPy's solvers take one as a linear operator, on flattened arrays
frame = frames["Gabor"]
x = rng.standard_normal(64)
operator = frame.as_linear_operator()
found = lsqr(operator, operator @ x, atol=1e-12, btol=1e-12)[0]
print(f"lsqr on the Gabor frame: error {np.linalg.norm(found - x):.1e}")
assert np.allclose(found, x)
