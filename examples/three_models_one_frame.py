"""One frame under three non-linearities: what each leaves of its stability.

Sixteen unit vectors in R^3.  As a linear measurement the frame is as stable as the square root
of its lower frame bound; rectified, clipped, or without signs it is less so.  Every number
below is a proved bracket.
"""

# %%
import numpy as np

import recover as rv

rng = np.random.default_rng(1)
rows = rng.standard_normal((16, 3))
rows /= np.linalg.norm(rows, axis=1, keepdims=True)
frame = rv.frames.Dense(rows)
lower, upper = frame.bounds()
print(f"linear      kappa = {np.sqrt(lower):.4f}, sqrt(B)/kappa = {np.sqrt(upper / lower):.2f}")

# %% certify each model; the unit ball is the domain where one is needed
models = {
    "ReLU": rv.ReLU(frame, bias=-0.2),
    "saturation": rv.Saturation(frame, low=-0.7, high=0.7),
    "modulus": rv.Modulus(frame),
}
kappas = {}
for name, model in models.items():
    certificate = rv.certify(model, rv.Ball(1.0), budget=20.0)
    kappa = certificate.kappa
    kappas[name] = kappa
    print(
        f"{name:<11} kappa in [{kappa.lower:.4f}, {kappa.upper:.4f}], "
        f"sqrt(B)/kappa at least {np.sqrt(upper) / kappa.upper:.2f}"
    )
    assert rv.verify(certificate, model).accepted

# %% no phaseless measurement of real signals is better conditioned than sqrt(pi/(pi-2)) = 1.659
assert np.sqrt(upper) / kappas["modulus"].lower > np.sqrt(np.pi / (np.pi - 2))
assert all(kappa.upper <= np.sqrt(lower) + 1e-9 for kappa in kappas.values())
