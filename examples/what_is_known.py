"""Whatever else is known of signal or noise makes the promise better, and is named in it.

Half of a signal's measurements are clipped, so that the rows left do not determine it.  A box,
a subspace or a budget on its roughness does, each on its own condition.  Then three kinds of
noise: bounded, Gaussian, counted.
"""

# %%
import numpy as np

import recover as rv

N = 24
rng = np.random.default_rng(1)
time = np.arange(N) / N
x = 1.2 * np.sin(2 * np.pi * time) + 0.3 * np.cos(4 * np.pi * time)
identity = rv.frames.Identity(N)
model = rv.Saturation(identity, low=-0.7, high=0.7)
y = model(x)
cut = np.abs(y) == 0.7
print(f"{np.count_nonzero(cut)} of {N} samples are clipped")

# %% nothing else known: no bound, and why
plain = rv.recover(rv.Problem(model, y))
print("nothing known:", plain.error_bound, "-", plain.certificate.reason)
assert plain.error_bound == np.inf

# %% a box: no sample beyond 1.6.  The bound of each sample, too.
boxed = rv.Problem(model, y, domain=rv.Box(np.full(N, -1.6), np.full(N, 1.6)))
result = rv.recover(boxed)
promise = result.certificate
print(f"a box: {np.linalg.norm(result.signal - x):.3f} <= {result.error_bound:.3f}")
assert np.linalg.norm(result.signal - x) <= result.error_bound
if promise.pointwise is not None:
    assert np.all(np.abs(result.signal - x) <= promise.pointwise + 1e-9)

# %% a subspace: five frequencies; the prior's frame spans it
harmonics = np.stack([np.cos(2 * np.pi * k * time) for k in range(3)]
                     + [np.sin(2 * np.pi * k * time) for k in (1, 2)])  # fmt: skip
harmonics /= np.linalg.norm(harmonics, axis=1, keepdims=True)
spanned = rv.Problem(model, y, prior=rv.priors.Subspace(rv.frames.Dense(harmonics)))
result = rv.recover(spanned, method="SubspaceLeastSquares")
print(f"a subspace: {np.linalg.norm(result.signal - x):.1e} <= {result.error_bound:.1e}")
print("  on condition that:", "; ".join(result.certificate.assumptions))
assert np.linalg.norm(result.signal - x) <= result.error_bound

# %% a budget on second differences: |T x| <= budget
smooth = rv.frames.Convolution([[1.0, -2.0, 1.0]], N)
budget = 1.05 * np.linalg.norm(smooth.analysis(x))
rough = rv.Problem(model, y, prior=rv.priors.Quadratic(smooth, float(budget)))
result = rv.recover(rough, rv.methods.Obstacle(max_iter=2000), start=y)
print(f"a budget: {np.linalg.norm(result.signal - x):.3f} <= {result.error_bound:.3f}")
print("  scope:", result.certificate.scope.kind, "on a", result.certificate.scope.details["on"])
assert np.linalg.norm(result.signal - x) <= result.error_bound

# %% noise: bounded in each measurement, before or after the clipping; Gaussian; counted
frame = rv.frames.Dense(rng.standard_normal((120, N)))
clipping = rv.Saturation(frame, low=-4.0, high=4.0)
sigma = 1e-3
errors = sigma * rng.standard_normal(120)
after, before = clipping(x) + errors, np.clip(frame.analysis(x) + errors, -4.0, 4.0)
noises = {
    "at most 5 sigma in each, after": rv.Noise(each=5 * sigma, where=rv.AFTER),
    "at most 5 sigma in each, before": rv.Noise(each=5 * sigma, where=rv.BEFORE),
    "Gaussian": rv.Noise.gaussian(sigma, delta=1e-6),
}
for name, noise in noises.items():
    data = before if noise.where is rv.BEFORE else after
    result = rv.recover(rv.Problem(clipping, data, noise=noise))
    promise = result.certificate
    print(f"{name}: {np.linalg.norm(result.signal - x):.1e} <= {promise.error_bound:.1e}, "
          f"{promise.rigor}")  # fmt: skip
    assert np.linalg.norm(result.signal - x) <= promise.error_bound

# %% counted photons behind coded masks: the noise of counting, for magnitudes
coded = rv.frames.CodedDiffraction.octanary((8, 8), 6, rng)
field = 1.0 + rng.random((8, 8))
counts = rng.poisson(1e6 * np.abs(coded.analysis(field)) ** 2) / 1e6
found = rv.phase.retrieve(np.sqrt(counts), coded, noise=rv.Noise.poisson(1e6))
off = rv.Modulus(coded).distance(found.signal, field)
print(f"counted: error {off:.1e}; {found.certificate.rigor}; amplification "
      f"{found.certificate.amplification}")  # fmt: skip

# %% long work: a callback sees the progress and may stop it
seen = []
result = rv.recover(
    rv.Problem(clipping, clipping(x)),
    rv.methods.FrameAlgorithm(max_iter=200, tol=1e-12),
    watch=lambda progress: seen.append(progress.value) or len(seen) == 5,
)
print(f"{len(seen)} steps: {result.status.value}")
assert len(seen) == 5
assert result.residuals[0] > result.residuals[-1]
