"""Every attacker by the kind of evidence that it is for.

An attacker is given a generator and how many pairs to try at least.  A pair is a recovered
signal and another that the promise covers (or two signals, where it speaks of pairs); whether
it is covered is decided from the definitions, with a margin.  The attacker returns how many it
tried and the largest ratio of what it saw to what was promised: above 1 is a violation.
"""

from __future__ import annotations

import attack_convex
import attack_island
import attack_lipschitz
import attack_phase
import attack_regions

ATTACKERS = {
    **attack_convex.ATTACKERS,
    **attack_phase.ATTACKERS,
    **attack_island.ATTACKERS,
    **attack_regions.ATTACKERS,
    **attack_lipschitz.ATTACKERS,
}
