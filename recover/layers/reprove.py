"""What was said of a stack of layers, proved again from its file of weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.evidence import decode_number
from recover.certificates.verify import verify
from recover.core.arrays import digest
from recover.core.enclosure import Enclosure
from recover.core.rounding import norm_upper
from recover.frames.dense import Dense
from recover.io.weights import read_tensors
from recover.layers.app import chosen_layers
from recover.layers.fold import UNITS, Folded, fold, folded_lower
from recover.layers.network import Layer, as_layers, preactivations
from recover.layers.result import Injectivity
from recover.models.relu import ReLU

__all__ = ["layer_faults", "stack_faults"]

APART = 1e-9  # of their norm: closer inputs may have the same output by rounding alone
_UNIT_PART = {"kind": "ball", "radius": 1.0, "nonnegative": True}
SAME = 8.0  # units of the evaluation's rounding within which two outputs count as the same


def layer_faults(
    path: str | Path, data: Mapping[str, Any], promise: Certificate
) -> tuple[str, ...]:
    """Return what could not be proved again of one layer's certificate, verdict and constant.

    The verdict must follow from the certificate (injective: it covers all the inputs with a
    positive constant) or from two inputs with the same output, and the constants that are told
    beside the certificate must be its own.

    Parameters
    ----------
    path : str or Path
        The file of weights.
    data : mapping
        What `recover layer` wrote.
    promise : Certificate
        That of the layer.

    Raises
    ------
    FileError, ParameterError
        If the weights cannot be read.
    """
    (name,) = data["weights"]
    (found,) = chosen_layers(read_tensors(path), [str(name)])
    layers = as_layers(found.weights, found.bias)
    model, (told,) = layers[0].model, data["layers"]
    reach, nonnegative = decode_number(told["radius"]), bool(told["nonnegative"])
    everywhere = math.isinf(reach) and nonnegative and bool((model.bias <= 0.0).all())
    if everywhere and promise.scope.to_json() == _UNIT_PART:
        # far out no threshold matters and near in more rows are active: as on one ball
        model, reach = ReLU(Dense(layers[0].weights)), 1.0
    faults = list(verify(promise, model).reasons)
    verdict = Injectivity(data["verdict"])
    kappa = promise.kappa
    if verdict is Injectivity.NOT_INJECTIVE:
        kappa = Enclosure.exactly(0.0)
        faults += _witness_faults(layers, data["witness"], (reach, nonnegative))
    elif verdict is Injectivity.INJECTIVE and not kappa.lower > 0.0:
        faults.append("injective is said, and the certificate's kappa may be 0")
    elif verdict is Injectivity.UNDECIDED and kappa.lower > 0.0:
        faults.append("undecided is said, and by its certificate the layer is injective")
    if not _covers(promise, reach, nonnegative):
        faults.append(f"the certificate does not cover all inputs up to {reach:.6g}")
    for stated in (data, told):
        ends = tuple(decode_number(stated["kappa"][end]) for end in ("lower", "upper"))
        if ends != (kappa.lower, kappa.upper):
            faults.append(
                f"kappa is said to lie in [{ends[0]:.6g}, {ends[1]:.6g}], and proved in "
                f"[{kappa.lower:.6g}, {kappa.upper:.6g}]"
            )
    if told["verdict"] != verdict.value:
        faults.append(f"{verdict} is said, and of the same layer {told['verdict']}")
    return tuple(faults)


def stack_faults(path: str | Path, data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what could not be proved again of a stack's verdict and constant.

    Injective is proved of the stack folded into one layer, or layer by layer: each certificate
    must hold for a ball (the non-negative part of it from the second layer on) that contains
    what the layers before can give, and the constant of the whole must not exceed the product
    of theirs.  Not injective is shown by evaluating the two inputs.  Where the verdict does not
    rest on the certificates of single layers, they must hold all the same.

    Parameters
    ----------
    path : str or Path
        The file of weights.
    data : mapping
        What `recover layer` wrote.

    Raises
    ------
    FileError, ParameterError
        If the weights cannot be read or do not fit each other.
    """
    found = chosen_layers(read_tensors(path), [str(name) for name in data["weights"]])
    layers = as_layers([each.weights for each in found], [each.bias for each in found])
    verdict = Injectivity(data["verdict"])
    folded = data.get("folded") is not None
    if folded and verdict is not Injectivity.INJECTIVE:
        return ("a stack that is not proved injective has a certificate of it folded",)
    if verdict is Injectivity.NOT_INJECTIVE:
        first = data["layers"][0]
        domain = (decode_number(first["radius"]), bool(first["nonnegative"]))
        shown = _witness_faults(layers, data["witness"], domain)
        return (*shown, *_single_faults(layers, data))
    claimed = float(data["kappa"]["lower"])
    if verdict is Injectivity.UNDECIDED and claimed == 0.0:
        return _single_faults(layers, data)
    if folded:
        return (*_folded_faults(layers, data, claimed), *_single_faults(layers, data))
    return _product_faults(layers, data, claimed)


def _single_faults(layers: tuple[Layer, ...], data: Mapping[str, Any]) -> tuple[str, ...]:
    """Prove what certificates say of single layers where the whole does not rest on them."""
    return tuple(
        f"layer {number}: {reason}"
        for number, (layer, plain) in enumerate(
            zip(layers, _listed(data["certificates"], len(layers)), strict=True), start=1
        )
        if plain is not None
        for reason in verify(Certificate.from_data(plain), layer.model).reasons
    )


def _folded_faults(
    layers: tuple[Layer, ...], data: Mapping[str, Any], claimed: float
) -> tuple[str, ...]:
    """Fold the stack again, and prove the certificate of the one layer that it becomes."""
    first = data["layers"][0]
    promise = Certificate.from_data(data["folded"])
    domain = (decode_number(first["radius"]), bool(first["nonnegative"]))
    tried = [fold(layers, *domain, units) for units in UNITS]
    same = [each for each in tried if each is not None and _speaks_of(promise, each)]
    if not same:
        return ("the certificate is not that of this stack folded into one layer",)
    one = same[0]
    faults = list(verify(promise, one.model).reasons)
    if not _covers(promise, one.domain.radius, one.domain.nonnegative):
        faults.append("the certificate of the folded stack does not cover all its inputs")
    proved = 0.0 if faults else folded_lower(one, promise)
    if not faults and not 0.0 < claimed <= proved:
        faults.append(
            f"kappa of the whole is said to be at least {claimed:.6g}, and folding gives "
            f"{proved:.6g}"
        )
    return tuple(faults)


def _speaks_of(promise: Certificate, one: Folded) -> bool:
    return promise.subject == digest(one.model.identity_parts())


def _product_faults(
    layers: tuple[Layer, ...], data: Mapping[str, Any], claimed: float
) -> tuple[str, ...]:
    faults: list[str] = []
    first = data["layers"][0]
    reach, nonnegative = decode_number(first["radius"]), bool(first["nonnegative"])
    product = Enclosure.exactly(1.0)
    for number, (layer, plain) in enumerate(
        zip(layers, _listed(data["certificates"], len(layers)), strict=True), start=1
    ):
        if plain is None:
            faults.append(f"layer {number} has no certificate, so its part cannot be proved")
            continue
        promise = Certificate.from_data(plain)
        reasons = verify(promise, layer.model).reasons
        faults += [f"layer {number}: {reason}" for reason in reasons]
        if not _covers(promise, reach, nonnegative):
            faults.append(
                f"layer {number}: its certificate does not cover all inputs up to {reach:.6g}"
            )
        product = product * Enclosure.exactly(max(promise.kappa.lower, 0.0))
        reach, nonnegative = layer.reach(reach), True
    if not faults and claimed > product.lower:
        faults.append(
            f"kappa of the whole is said to be at least {claimed:.6g}, and the layers give "
            f"{product.lower:.6g}"
        )
    if data["verdict"] == Injectivity.INJECTIVE.value and not faults and product.lower <= 0.0:
        faults.append("no positive constant is proved, so the stack is not proved injective")
    return tuple(faults)


def _listed(certificates: Sequence[Any], count: int) -> Sequence[Any]:
    if len(certificates) != count:
        raise ValueError(f"{len(certificates)} certificates for {count} layers")
    return certificates


def _covers(promise: Certificate, reach: float, nonnegative: bool) -> bool:
    """Tell whether a certificate speaks of all inputs of a ball."""
    if promise.scope.kind == "global":
        return True
    details = promise.scope.details
    if promise.scope.kind != "ball" or not math.isfinite(reach):
        return False
    part = bool(details.get("nonnegative", False))
    return float(details["radius"]) >= reach and (nonnegative or not part)


def _witness_faults(
    layers: tuple[Layer, ...], witness: Any, domain: tuple[float, bool]
) -> tuple[str, ...]:
    if witness is None:
        return ("not injective is said without two inputs of the same output to show it",)
    x, y = (np.asarray(point, dtype=np.float64) for point in witness)
    if x.shape != (layers[0].inputs,) or y.shape != x.shape or not np.isfinite([x, y]).all():
        return ("the two inputs are no inputs of this network",)
    largest = max(float(np.linalg.norm(x)), float(np.linalg.norm(y)))
    if float(np.linalg.norm(x - y)) <= APART * largest:
        return ("the two inputs of the witness are the same, or too close to tell",)
    if largest > domain[0] * (1.0 + 1e-12) or (domain[1] and min(x.min(), y.min()) < 0.0):
        return ("the two inputs of the witness are not in the domain",)
    ends, room = [], 0.0
    for point in (x, y):
        values, errors = preactivations(layers, point)
        ends.append(np.maximum(values[-1], 0.0))
        room += norm_upper(errors[-1])
    gap = norm_upper(ends[0] - ends[1])
    if gap > SAME * room:
        return (f"the outputs of the two inputs differ by {gap:.3g}, more than rounding",)
    return ()
