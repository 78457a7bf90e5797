"""What `recover layer` says of one layer follows from its certificate, or is refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recover.certificates.certificate import Certificate
from recover.core.errors import ParameterError
from recover.layers.app import analyse_file
from recover.layers.reprove import layer_faults

W = np.vstack([np.eye(2), -np.eye(2)])


def _written(path: Path, weights: Any, bias: Any, **options: Any) -> tuple[dict[str, Any], Any]:
    np.savez(path, weight=weights, bias=bias)
    taken, analysis = analyse_file(path, budget=5.0, **options)
    return {"weights": list(taken), **analysis.to_json()}, analysis.layers[0].certificate


@pytest.fixture
def issued(tmp_path: Path) -> tuple[Path, dict[str, Any], Certificate]:
    path = tmp_path / "w.npz"
    return (path, *_written(path, W, np.full(4, 0.25)))


def test_what_was_written_is_proved_again(
    issued: tuple[Path, dict[str, Any], Certificate],
) -> None:
    assert issued[1]["verdict"] == "injective"
    assert layer_faults(*issued) == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"verdict": "not injective"}, "without two inputs"),
        ({"verdict": "undecided"}, "by its certificate the layer is injective"),
        ({"kappa": {"lower": 5.0, "upper": 6.0}}, "kappa is said to lie in [5, 6]"),
    ],
)
def test_figures_beside_the_certificate_are_its_own(
    issued: tuple[Path, dict[str, Any], Certificate], change: dict[str, Any], said: str
) -> None:
    path, data, promise = issued
    assert said in " ".join(layer_faults(path, data | change, promise))
    layer = data["layers"][0]
    told = layer_faults(path, data | {"layers": [layer | change]}, promise)
    assert "is said" in " ".join(told)


def test_inputs_beyond_the_certificate(
    issued: tuple[Path, dict[str, Any], Certificate],
) -> None:
    path, data, promise = issued
    layers = [data["layers"][0] | {"radius": 2.0}]
    faults = layer_faults(path, data | {"layers": layers}, promise)
    assert faults == ("the certificate does not cover all inputs up to 2",)


def test_injective_needs_a_positive_constant(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    weights = np.array([[1.0, 0.0], [2.0, 0.0], [-1.0, 0.0], [-2.0, 0.0], [0.0, 1.0]])
    data, promise = _written(path, weights, np.zeros(5))
    assert data["verdict"] == "not injective"
    assert promise is not None
    assert layer_faults(path, data, promise) == ()
    kappa = promise.to_data()["kappa"]
    layers = [data["layers"][0] | {"verdict": "injective", "kappa": kappa}]
    forged = data | {"verdict": "injective", "kappa": kappa, "layers": layers}
    faults = layer_faults(path, forged, promise)
    assert faults == ("injective is said, and the certificate's kappa may be 0",)


def test_all_inputs_without_negative_entries(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    data, promise = _written(path, W, np.full(4, 0.25), radius=math.inf, nonnegative=True)
    assert data["verdict"] == "injective"
    assert layer_faults(path, data, promise) == ()


@pytest.mark.parametrize("radius", [1e-300, 1e300])
def test_a_radius_beyond_floating_point(tmp_path: Path, radius: float) -> None:
    with pytest.raises(ParameterError, match=r"radius must be between 1e-140 and 1e\+140"):
        _written(tmp_path / "w.npz", W, np.zeros(4), radius=radius)
