"""How many measurements does phase retrieval need?  Kappa against redundancy.

Random unit vectors in R^3, more and more of them.  Below 2 n - 1 vectors the signs cannot be
told apart at all; above, the condition number sqrt(B)/kappa falls towards the universal floor
sqrt(pi/(pi-2)) = 1.659 that no frame of real signals can beat (2.159 for complex ones).
"""

# %%
import numpy as np

import recover as rv

FLOOR = np.sqrt(np.pi / (np.pi - 2))
rng = np.random.default_rng(3)
pool = rng.standard_normal((36, 3))
pool /= np.linalg.norm(pool, axis=1, keepdims=True)

# %% the same vectors, more of them each time
print(" m   m/n  kappa/sqrt(m)  sqrt(B)/kappa")
conditions = []
for m in (4, 5, 6, 9, 12, 18, 27, 36):
    frame = rv.frames.Dense(pool[:m])
    kappa = rv.certify(rv.Modulus(frame), rv.Everywhere(), budget=20.0).kappa
    size = np.sqrt(frame.bounds().upper)
    condition = size / kappa.lower if kappa.lower > 0 else np.inf
    conditions.append(condition)
    print(f"{m:2d}  {m / 3:4.1f}  {kappa.lower / np.sqrt(m):13.4f}  {condition:13.3f}")

# %% injective only from 2 n - 1 = 5 vectors on, and never below the floor
assert np.isinf(conditions[0])
assert all(np.isfinite(c) for c in conditions[1:])
assert min(conditions) > FLOOR
assert conditions[-1] < conditions[2]
