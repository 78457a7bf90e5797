"""Invert a ReLU measurement, and hold the certificate against the truth.

Two hundred rectified measurements of a signal in R^50, with a little noise.  About half of them
are zero; the others determine the signal, and the certificate says how well.
"""

# %%
import numpy as np

import recover as rv

rng = np.random.default_rng(0)
frame = rv.frames.Dense(rng.standard_normal((200, 50)))
model = rv.ReLU(frame, bias=-0.1)
x = rng.standard_normal(50)
noise = rng.uniform(-1e-3, 1e-3, 200)
y = np.maximum(model(x) + noise, 0.0)

# %% recover, with a promise about the noise
problem = rv.Problem(model, y, noise=rv.Noise(each=1e-3))
result = rv.recover(problem)
error = float(np.linalg.norm(result.signal - x))
print(f"true error           {error:.2e}")
print(f"certified bound      {result.error_bound:.2e}")
print(f"noise grows by up to {result.certificate.amplification.upper:.3f}")
assert error <= result.error_bound

# %% anybody can re-prove it: from the certificate and the data, without the solver
verdict = rv.verify(result.certificate, problem)
print(f"re-proved            {verdict.accepted}")
assert verdict.accepted

# %% the same certificate does not pass for other data
other = rv.Problem(model, model(rng.standard_normal(50)), noise=rv.Noise(each=1e-3))
refused = rv.verify(result.certificate, other)
print(f"for other data       {refused.accepted}: {refused.reasons[0]}")
assert not refused.accepted
