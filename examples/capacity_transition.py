"""How wide must a random ReLU layer be? Exact small layers against theory.

For n = 2, 3, 4 every sign pattern of a random layer is counted, so each verdict is exact.
Beside the observed share stand the proved bound for that size and the asymptotic capacities.

    python examples/capacity_transition.py [FIGURE.png]
"""

# %%
import sys
from itertools import combinations

import numpy as np

from recover.theory import (
    capacity_bounds,
    deep_injectivity_capacity,
    injectivity_capacity,
    injectivity_failure_bound,
    minimal_rows,
)

TRIALS = {2: 2000, 3: 600, 4: 100}
RATIOS = (3, 4, 5, 6, 7, 8)


# %%
def injective(rows: np.ndarray) -> np.ndarray:
    """Tell which layers of a batch [shape=(trials, m, n)] keep n neurons active everywhere."""
    trials, m, n = rows.shape
    result = np.ones(trials, bool)
    for chosen in combinations(range(m), n - 1):
        # the ray on which these rows vanish; the others decide the smallest count beside it
        ray = np.linalg.svd(rows[:, list(chosen)])[2][:, -1]
        others = np.delete(rows, chosen, axis=1)
        positive = (np.einsum("tmn,tn->tm", others, ray) > 0).sum(axis=1)
        result &= np.minimum(positive, m - n + 1 - positive) >= n
    return result


def transition(rng: np.random.Generator) -> dict[int, list[float]]:
    """Return the share of injective layers by n, along RATIOS."""
    return {
        n: [
            float(injective(rng.standard_normal((trials, ratio * n, n))).mean())
            for ratio in RATIOS
        ]
        for n, trials in TRIALS.items()
    }


# %%
def main() -> None:
    """Print the tables; draw a figure if a path is given."""
    print("Capacity of one Gaussian layer (neurons per input)")
    levels = [injectivity_capacity("plain"), injectivity_capacity("partial")]
    levels += [injectivity_capacity("lifted", level) for level in (2, 3, 4)]
    names = ["plain", "partially lifted", "lifted 2", "lifted 3", "lifted 4"]
    for name, capacity in zip(names, levels, strict=True):
        print(f"  {name:<18}{capacity.value:.7f}  {capacity.rigor}")
    bounds = capacity_bounds()
    print(f"  between {bounds.easy_lower:.4f} (easy) and {bounds.union:.4f} (union bound)")

    print("\nDeep networks, each layer as narrow as its criterion allows (neurons per input)")
    for criterion in ("weak", "strong"):
        chain = deep_injectivity_capacity(4, criterion)
        print(f"  {criterion:<8}" + " ".join(f"{value:8.4f}" for value in chain.values))

    shares = transition(np.random.default_rng(0))
    print("\nShare of injective layers, counted / proved lower bound of the probability")
    print("  m/n     " + "".join(f"{ratio:>13} " for ratio in RATIOS))
    for n, row in shares.items():
        proved = [1 - injectivity_failure_bound(ratio * n, n) for ratio in RATIOS]
        cells = (f"{share:.3f} / {bound:.3f}" for share, bound in zip(row, proved, strict=True))
        print(f"  n = {n}   " + "  ".join(cells))

    print("\nRows that make a random layer injective with probability at least 0.99")
    for n in (2, 5, 10, 100, 1000):
        rows = minimal_rows(n, 0.01)
        print(f"  n = {n:<6}{rows:>6} rows, {rows / n:.3f} per input")

    if len(sys.argv) > 1:
        draw(shares, levels[-1].value, sys.argv[1])


def draw(shares: dict[int, list[float]], capacity: float, path: str) -> None:
    """Save the transition as a picture."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4))
    axes = figure.subplots()
    for n, row in shares.items():
        axes.plot(RATIOS, row, "o-", label=f"n = {n}")
    axes.axvline(capacity, color="gray", linestyle=":", label="capacity, lifted level 4")
    axes.set(xlabel="neurons per input", ylabel="share of injective layers")
    axes.legend()
    figure.savefig(path, dpi=120)
    print(f"\nwrote {path}")


if __name__ == "__main__":
    main()
