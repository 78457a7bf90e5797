"""How wide must a random ReLU layer be?  Random duality against experiment.

Layers of few inputs are decided exactly, wider ones by a search for inputs at which too few
neurons are active.  Beside the observed share stand the proved bound for that size and the
asymptotic capacities.  More layers: `recover capacity --transition --budget 2400`.

    python examples/capacity_transition.py [FIGURE.png]
"""

# %%
import sys
from pathlib import Path

import recover as rv
from recover.report.capacity_transition import (
    check_lines,
    transition_figure,
    transition_table,
)

# %% the asymptotic answer, as neurons per input
print("Capacity of one Gaussian layer")
levels = [("plain", 2), ("partial", 2), ("lifted", 2), ("lifted", 3), ("lifted", 4)]
for method, level in levels:
    capacity = rv.theory.injectivity_capacity(method, level)
    name = f"lifted, level {level}" if method == "lifted" else method
    print(f"  {name:<18}{capacity.value:.7f}  {capacity.rigor}")
bounds = rv.theory.capacity_bounds()
print(f"  between {bounds.easy_lower:.4f} (easy) and {bounds.union:.4f} (union bound)")

print("Deep networks, each layer as narrow as its criterion allows")
for criterion in ("weak", "strong"):
    chain = rv.theory.deep_injectivity_capacity(4, criterion)
    print(f"  {criterion:<8}" + " ".join(f"{value:8.4f}" for value in chain.values))

# %% the experiment
found = rv.layers.transition((2, 3, 4, 10), (3, 4, 5, 6, 7, 8), trials=40, budget=8.0)
head, rows = transition_table(found)
print("Share of random layers that are injective (*: upper estimates, by search)")
for row in [head, *rows]:
    print(f"  {row[0]:<23}" + "".join(f"{cell:>9}" for cell in row[1:]))
for line in check_lines(found):
    print(line)

# %% no share may be below what is proved for its size, but for chance
for point in found.injective:
    proved = 1.0 - rv.theory.injectivity_failure_bound(point.rows, point.inputs)
    assert point.share >= proved - 4.0 * point.standard_error(0.5)

print("Rows that make a random layer injective with probability at least 0.99, proved")
for n in (2, 5, 10, 100, 1000):
    m = rv.theory.minimal_rows(n, 0.01)
    print(f"  n = {n:<6}{m:>6} rows, {m / n:.3f} per input")

if len(sys.argv) > 1:
    Path(sys.argv[1]).write_bytes(transition_figure(found))
