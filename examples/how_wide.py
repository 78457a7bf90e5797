"""How wide must a ReLU layer be?  Theory for random layers, and the truth for given ones."""

# %%
import numpy as np

import recover as rv

N = 4
RATIOS = np.linspace(3.0, 9.0, 7)

# %% The asymptotic answer for Gaussian layers without biases, as neurons for each input
for method in ("plain", "partial", "lifted"):
    capacity = rv.theory.injectivity_capacity(method)
    print(f"capacity, {method:8s}{capacity.value:10.6f}   {capacity.rigor}")

bounds = rv.theory.capacity_bounds()
print(f"simple bounds: at least {bounds.easy_lower:.4f}, at most {bounds.union:.4f}")
for alpha in (4.0, 6.7, 9.0):
    share = rv.theory.min_active_fraction(alpha)
    print(f"{alpha:.1f} neurons for each input: at least {share:.3f} n are active (heuristic)")

# %% Several layers: theory for random ones, as neurons for each input of the network
deep = rv.theory.deep_injectivity_capacity(3, "weak", "partial")
print("three layers:", ", ".join(f"{each:.3f}" for each in deep.values), deep.rigor)
print(f"fails at most with {rv.theory.deep_failure_bound(20, [220, 2600]):.1e}")

# %% At finite size: rows that are enough for a failure probability of 1 %
for n in (2, 4, 10, 100):
    m = rv.theory.minimal_rows(n, 0.01)
    print(f"n = {n:4d}: {m:4d} neurons ({m / n:.2f} for each input) fail with at most 1 %")

# %% What really happens at n = 4, by exact enumeration of each layer drawn
rng = np.random.default_rng(0)
print("neurons per input   injective   bound on failure")
for ratio in RATIOS:
    m = round(ratio * N)
    drawn = [
        rv.theory.min_active_neurons(rng.standard_normal((m, N)), exact=True) for _ in range(40)
    ]
    share = np.mean([found.count >= N for found in drawn])
    print(f"{ratio:17.1f}{share:12.2f}{rv.theory.injectivity_failure_bound(m, N):19.3f}")

# %% A given layer: its own verdict, the bias it bears, and its stability
weights = rng.standard_normal((14, N))
weights /= np.linalg.norm(weights, axis=1)[:, None]
found = rv.layers.analyse(weights, np.full(14, 0.8), budget=20.0)
kappa, critical = found.kappa, found.layers[0].critical_bias
print(f"14 unit rows, network bias 0.8, unit ball: {found.verdict}", end=", ")
print(f"kappa in [{kappa.lower:.4f}, {kappa.upper:.4f}]")
print(f"a network bias of {-critical.lower:.6f} is enough")

# %% The same as a frame: the bias of frames has the other sign
enclosed = rv.theory.critical_bias(weights, budget=20.0)
quick = rv.theory.polytope_bias(weights)
print(f"largest frame bias in [{enclosed.lower:.9f}, {enclosed.upper:.9f}]")
print(f"from the polytope of the rows, without any search: {quick.bias.min():.6f}")
assert quick.bias.min() <= enclosed.upper
level = rv.theory.critical_level(weights, budget=20.0)
print(f"saturated at plus and minus {level.upper:.6f} they are injective on the unit ball")
