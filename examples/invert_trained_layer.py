"""Train a small ReLU network, ask whether its first layer loses anything, and undo it."""

# %%
import numpy as np

import recover as rv

rng = np.random.default_rng(0)
INPUTS, NEURONS, SAMPLES = 4, 40, 2000

# %% Data: points of a ball, and the distance to two centres as the target
x = rng.standard_normal((SAMPLES, INPUTS))
x *= rng.random((SAMPLES, 1)) ** (1 / INPUTS) / np.linalg.norm(x, axis=1, keepdims=True)
centres = rng.standard_normal((2, INPUTS)) / 2
target = np.minimum(*(np.linalg.norm(x - c, axis=1) for c in centres))

# %% A network relu(W x + b) -> linear, trained by gradient steps with momentum
w = rng.standard_normal((NEURONS, INPUTS)) / np.sqrt(INPUTS)
b = 0.3 * rng.random(NEURONS)
v = rng.standard_normal(NEURONS) / NEURONS
velocity = [np.zeros_like(parameter) for parameter in (w, b, v)]
for _ in range(600):
    hidden = np.maximum(x @ w.T + b, 0.0)
    error = hidden @ v - target
    back = np.outer(error, v) * (hidden > 0.0) / SAMPLES
    gradients = (back.T @ x, back.sum(axis=0), hidden.T @ error / SAMPLES)
    velocity = [0.9 * m - 0.05 * g for m, g in zip(velocity, gradients, strict=True)]
    w, b, v = (p + m for p, m in zip((w, b, v), velocity, strict=True))
print(f"trained: root mean square error {np.sqrt(np.mean(error**2)):.4f}")

# %% Does the first layer lose anything?  A proof, or two inputs with the same output
found = rv.layers.analyse(w, b, radius=1.0, budget=30.0, critical=False)
kappa, active = found.kappa, found.min_active
print(f"on the unit ball: {found.verdict}, kappa in [{kappa.lower:.4f}, {kappa.upper:.4f}]")
print(f"the fewest active neurons: between {active.lower} and {active.count}")
if found.witness is not None:
    first, second = found.witness
    same = np.abs(np.maximum(w @ first + b, 0) - np.maximum(w @ second + b, 0)).max()
    print(
        f"witness: inputs {np.linalg.norm(first - second):.4f} apart, outputs {same:.1e} apart"
    )

# %% From the layer's outputs back to the inputs, without and with noise
truth = x[0]
output = np.maximum(w @ truth + b, 0.0)
exact = rv.layers.invert(w, b, output, domain=rv.Ball(1.0))
off = np.linalg.norm(exact.signal - truth)
print(f"no noise: error {off:.1e}, proved to be at most {exact.error_bound:.1e}")
noise = rng.standard_normal(NEURONS)
noise *= 1e-2 / np.linalg.norm(noise)
noisy = rv.layers.invert(w, b, output + noise, noise=1e-2, domain=rv.Ball(1.0))
off = np.linalg.norm(noisy.signal - truth)
print(f"noise 1e-2: error {off:.4f}, proved to be at most {noisy.error_bound:.4f}")
