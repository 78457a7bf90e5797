"""The report of layers: verdict, constant, spectra and active neurons, and the theory."""

from __future__ import annotations

import math
from collections.abc import Sequence

from recover.certificates.search.active import ActiveNeurons
from recover.core.enclosure import Enclosure
from recover.layers.result import Injectivity, NetworkAnalysis
from recover.report.layers_pictures import (
    active_picture,
    capacity_picture,
    spectrum_picture,
    witness_picture,
)
from recover.report.page import (
    Chapter,
    Section,
    command,
    figure,
    page,
    paragraphs,
    promise,
    table,
)
from recover.report.words import number
from recover.theory import deep_injectivity_capacity

__all__ = ["layers_report"]

DEEPEST = 8  # layers up to which the chain of capacities is computed

_MEANING = {
    Injectivity.INJECTIVE: "Proved: different inputs of the domain have different outputs.",
    Injectivity.NOT_INJECTIVE: "Proved: different inputs of the domain have the same output.",
    Injectivity.UNDECIDED: "Neither was proved within the budget.",
}


def layers_report(
    names: Sequence[str], found: NetworkAnalysis, source: str, verify_with: str = ""
) -> str:
    """Return the report as one self-contained HTML page.

    Parameters
    ----------
    names : sequence of str
        Of the layers' weights.
    found : NetworkAnalysis
        What is known of them; all that is drawn comes from it.
    source : str
        Where the weights are from.
    verify_with : str
        The command that proves the result again, if it was saved.
    """
    first = found.layers[0]
    where = "all inputs"
    if math.isfinite(first.radius):
        where = f"inputs of norm at most {first.radius:g}"
    where += " without negative entries" if first.nonnegative else ""
    sizes = [first.inputs, *(layer.outputs for layer in found.layers)]
    lead = f"{source}: relu(W x + b), {' -> '.join(map(str, sizes))}, on {where}."
    sections = [Section("What was decided", (_layers(names, found), promise(_words(found))))]
    if found.witness is not None:
        picture = figure(witness_picture(found.witness))
        sections.append(Section("Two inputs with the same output", (picture,)))
    sections += [
        Section("Active neurons", (figure(active_picture(found)),)),
        Section("Spectrum of the weights", (figure(spectrum_picture(names, found)),)),
        Section("Random layers of this shape", _theory(found)),
    ]
    if verify_with:
        text = paragraphs(["Anyone can prove this again:"])
        sections.append(Section("Verification", (text, command(verify_with))))
    kind = "a ReLU layer" if len(names) == 1 else f"{len(names)} ReLU layers"
    return page(Chapter(f"{kind}: {found.verdict}", lead, tuple(sections)))


def _layers(names: Sequence[str], found: NetworkAnalysis) -> str:
    rows = []
    for name, layer in zip(names, found.layers, strict=True):
        critical = "-" if layer.critical_bias is None else _ends(layer.critical_bias)
        shape = f"{layer.outputs} x {layer.inputs}"
        active = _fewest(layer.min_active)
        rows.append([name, shape, layer.verdict.value, _ends(layer.kappa), active, critical])
    head = ["weights", "shape", "verdict on its own inputs", "kappa", "fewest active"]
    if len(found.layers) > 1:
        n, m = found.layers[0].inputs, found.layers[-1].outputs
        active = _fewest(found.min_active)
        rows.append(["all", f"{m} from {n}", found.verdict.value, _ends(found.kappa), active])
        return table(head, [row[: len(head)] for row in rows])
    return table([*head, "critical frame bias"], rows)


def _fewest(active: ActiveNeurons) -> str:
    return str(active.count) if active.exact else f"{active.lower} to {active.count}"


def _ends(value: Enclosure) -> str:
    low, high = number(value.lower, 5), number(value.upper, 5)
    return low if low == high else f"{low} to {high}"


def _words(found: NetworkAnalysis) -> list[str]:
    kappa = found.kappa
    texts = [f"Verdict: {found.verdict}. {_MEANING[found.verdict]}"]
    if found.reason is not None:
        texts.append(f"Reason: {found.reason.rstrip('.')}.")
    if kappa.lower > 0.0:
        texts.append(
            "Two inputs that differ by d have outputs that differ by at least kappa d, kappa "
            f"between {number(kappa.lower, 6)} (proved) and {number(kappa.upper, 6)} (shown by "
            f"a pair): noise grows by a factor of at most {number(1.0 / kappa.lower, 5)}."
        )
    elif found.verdict is Injectivity.UNDECIDED:
        texts.append(f"A pair of inputs shows that kappa is at most {number(kappa.upper, 6)}.")
    if len(found.layers) > 1:
        texts.append(
            "A layer after the first is judged on its own on a domain that holds its inputs: "
            "the non-negative part of a ball. What really reaches it may be less."
        )
    return [*texts, *(f"Note: {note}." for note in found.notes)]


def _theory(found: NetworkAnalysis) -> tuple[str, ...]:
    """Return where capacity theory puts random layers of these widths."""
    texts = ["This speaks of Gaussian weights without biases, not of the given ones."]
    first = found.layers[0]
    whom = f"{first.outputs} such neurons on {first.inputs} inputs"
    texts.append(
        f"{whom} fail to be injective on all inputs with probability at most "
        f"{number(first.random_failure)} (proved)."
        if first.random_failure < 1.0
        else f"The proved bound for {whom} says nothing: they are too few."
    )
    blocks = [figure(capacity_picture(found)), paragraphs(texts)]
    depth = len(found.layers)
    if 1 < depth <= DEEPEST:
        weak = deep_injectivity_capacity(depth, "weak").values
        strong = deep_injectivity_capacity(depth, "strong").values
        rows = [
            [str(k), f"{layer.outputs / first.inputs:.4g}", f"{low:.4f}", f"{high:.4f}"]
            for k, (layer, low, high) in enumerate(
                zip(found.layers, weak, strong, strict=True), start=1
            )
        ]
        head = ["layer", "neurons per input of the network", "necessary", "sufficient"]
        blocks.append(table(head, rows))
        blocks.append(
            paragraphs(
                [
                    "As sizes grow: with the widths of the third column a random network has "
                    "as many active neurons as inputs everywhere, which is necessary; with "
                    "those of the fourth it is injective. Bounds of plain random duality, each "
                    "layer as narrow as its criterion allows."
                ]
            )
        )
    return tuple(blocks)
