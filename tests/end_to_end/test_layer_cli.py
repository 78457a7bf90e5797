"""``recover layer`` as a user meets it."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recover.certificates.certificate import Certificate
from recover.cli import main
from recover.core.enclosure import Enclosure

ROOT = Path(__file__).parents[2]
RNG = np.random.default_rng(0)
W = np.vstack([np.eye(3), -np.eye(3)])


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["recover", *map(str, arguments)])
        with pytest.raises(SystemExit) as done:
            main()
        out = capsys.readouterr()
        return done.value.code, out.out, out.err

    return call


def test_injective_layer(run, tmp_path):
    np.savez(tmp_path / "w.npz", weight=W, bias=np.zeros(6))
    code, out, _ = run("layer", tmp_path / "w.npz", "--json", tmp_path / "r.json")
    assert code == 0
    assert "verdict: injective" in out
    data = json.loads((tmp_path / "r.json").read_text())
    assert data["weights"] == ["weight"]
    assert data["verdict"] == "injective"
    assert data["kappa"]["lower"] == pytest.approx(0.5**0.5, abs=1e-6)
    assert data["min_active"] == {"count": 3, "lower": 3}


def test_quiet_prints_nothing(run, tmp_path):
    np.savez(tmp_path / "w.npz", weight=W, bias=np.zeros(6))
    assert run("layer", tmp_path / "w.npz", "--quiet") == (0, "", "")
    assert run("layer", tmp_path / "w.npz", "--quiet", "--json", tmp_path / "r.json")[0] == 0
    assert json.loads((tmp_path / "r.json").read_text())["verdict"] == "injective"


def test_the_figures_may_have_the_name_of_the_weights(run, tmp_path):
    weights = tmp_path / "net.npz"
    np.savez(weights, weight=W, bias=np.zeros(6))
    before = weights.read_bytes()
    assert run("layer", weights, "--json", tmp_path / "net.json")[0] == 0
    assert run("verify", tmp_path / "net.json", weights)[0] == 0
    assert weights.read_bytes() == before


def test_witness_and_missing_bias(run, tmp_path):
    weights = np.eye(3)
    np.savez(tmp_path / "w.npz", W=weights)
    code, out, _ = run("layer", tmp_path / "w.npz", "--json", "-")
    data = json.loads(out)
    assert (code, data["verdict"]) == (0, "not injective")
    x, y = np.array(data["witness"])
    assert np.abs(np.maximum(weights @ x, 0) - np.maximum(weights @ y, 0)).max() <= 1e-12
    assert data["notes"] == ["layer 1 has no biases: taken as zero"]
    _, out, _ = run("layer", tmp_path / "w.npz", "--nonnegative", "--radius", "2")
    assert "verdict: injective" in out
    assert "note: layer 1 has no biases" in out


def test_certificate_is_verified_from_the_file(run, tmp_path):
    path, other = tmp_path / "w.npz", tmp_path / "other.npz"
    np.savez(path, W=W, b=np.full(6, 0.25))
    np.savez(other, W=W, b=np.full(6, 0.26))
    assert run("layer", path, "--json", tmp_path / "r.json")[0] == 0
    code, out, _ = run("verify", tmp_path / "r.json")
    assert code == 0
    assert out.startswith("accepted: injective, kappa in [")
    data = json.loads((tmp_path / "r.json").read_text()) | {"verdict": "not injective"}
    (tmp_path / "other.json").write_text(json.dumps(data))
    code, _, err = run("verify", tmp_path / "other.json", path)
    assert code == 1
    assert "without two inputs of the same output" in err
    code, _, err = run("verify", tmp_path / "r.json", other)
    assert code == 1
    assert "refused" in err
    data = json.loads((tmp_path / "r.json").read_text()) | {"weights": []}
    (tmp_path / "damaged.json").write_text(json.dumps(data))
    code, _, err = run("verify", tmp_path / "damaged.json")
    assert code == 1
    assert "is damaged" in err


def test_stack_list_and_choice(run, tmp_path):
    path = tmp_path / "w.npz"
    np.savez(path, W1=W, W2=np.eye(6), b2=np.zeros(6), other=np.ones((2, 2, 2)))
    code, out, _ = run("layer", path, "--list")
    assert code == 0
    assert "other   2x2x2" in out
    assert "layer W1: 3 inputs, no bias" in out
    assert "layer W2: 6 inputs, with its bias" in out
    _, out, _ = run("layer", path)
    assert "W1     6x3" in out
    assert "verdict: injective" in out
    _, out, _ = run("layer", path, "--layer", "W2")
    assert "verdict: not injective" in out


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ({"W1": W, "W2": np.eye(5)}, [], "W2 takes 5 values but W1 gives 6"),
        ({"W1": W}, ["--layer", "W9"], "must be one of W1"),
        ({"W1": W * np.nan}, [], "must be finite"),
        ({"a": W}, [], "holds no matrix named as weights"),
        ({"W1": W}, ["--radius", "-1"], "radius must be > 0"),
        ({"W1": W}, ["--budget", "-1"], "budget must be >= 0"),
    ],
)
def test_failures_are_one_line(run, tmp_path, arrays, options, message):
    np.savez(tmp_path / "w.npz", **arrays)
    code, out, err = run("layer", tmp_path / "w.npz", *options)
    assert (code, out) == (1, "")
    assert message in err
    assert len(err.splitlines()) == 1


def test_nothing_is_overwritten(run, tmp_path):
    np.savez(tmp_path / "w.npz", W=np.eye(2))
    (tmp_path / "r.json").write_text("mine")
    code, _, err = run("layer", tmp_path / "w.npz", "--json", tmp_path / "r.json")
    assert code == 1
    assert "exists" in err
    assert (tmp_path / "r.json").read_text() == "mine"


def test_as_a_program(tmp_path):
    np.savez(tmp_path / "w.npz", W=W)
    done = subprocess.run(
        [sys.executable, "-m", "recover", "layer", "w.npz", "--radius", "inf"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "verdict: injective" in done.stdout


def stack_of(tmp_path, biases=(0.25, 0.5)):
    """Two injective layers."""
    rng = np.random.default_rng(4)
    second = np.vstack([np.eye(6), -np.eye(6), 0.1 * rng.standard_normal((3, 6))])
    path = tmp_path / "stack.npz"
    np.savez(path, W1=W, b1=np.full(6, biases[0]), W2=second, b2=np.full(15, biases[1]))
    return path


def test_a_stack_is_verified_from_its_file(run, tmp_path):
    path, result = stack_of(tmp_path), tmp_path / "r.json"
    code, out, err = run("layer", path, "--json", result, "--budget", "10")
    assert (code, err) == (0, "")
    assert "verdict: injective" in out
    code, out, err = run("verify", result)
    assert (code, err) == (0, "")
    assert "accepted: injective" in out
    other = stack_of(tmp_path, biases=(0.25, 0.6))
    assert run("verify", result, other)[0] == 1


@pytest.mark.parametrize("forgery", ["kappa", "missing", "radius", "scope", "count"])
def test_a_forged_stack_is_refused(run, tmp_path, forgery):
    path, result = stack_of(tmp_path), tmp_path / "r.json"
    run("layer", path, "--json", result, "--budget", "10")
    data = json.loads(result.read_text())
    if forgery == "kappa":
        data["kappa"]["lower"] *= 1.01
    elif forgery == "missing":
        data["certificates"][1] = None
    elif forgery == "radius":
        data["layers"][0]["radius"] *= 2.0
    elif forgery == "scope":
        data["certificates"][1]["scope"]["radius"] *= 4.0
    else:
        data["certificates"] = data["certificates"][:1]
    result.write_text(json.dumps(data))
    code, _, err = run("verify", result)
    assert code == 1
    assert "Traceback" not in err


def test_the_witness_of_a_stack_is_evaluated_again(run, tmp_path):
    path, result = tmp_path / "w.npz", tmp_path / "r.json"
    np.savez(path, W1=np.eye(3), b1=np.zeros(3), W2=np.eye(3), b2=np.zeros(3))
    run("layer", path, "--json", result, "--budget", "5")
    data = json.loads(result.read_text())
    assert data["verdict"] == "not injective"
    assert run("verify", result)[0] == 0
    data["witness"][1][0] = 0.5
    result.write_text(json.dumps(data))
    assert run("verify", result)[0] == 1
    data["witness"][1] = data["witness"][0]
    result.write_text(json.dumps(data))
    assert run("verify", result)[0] == 1


def test_a_folded_stack_is_verified_and_forgeries_are_refused(run, tmp_path):
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((20, 3)), rng.standard_normal((12, 20)) / 5.0
    bias = np.linalg.norm(first, axis=1) * 1.01
    path, result = tmp_path / "w.npz", tmp_path / "r.json"
    np.savez(path, W1=first, b1=bias, W2=second, b2=2.0 - second @ bias)
    assert run("layer", path, "--json", result, "--budget", "3")[0] == 0
    data = json.loads(result.read_text())
    assert data["verdict"] == "injective"
    assert data["layers"][1]["verdict"] == "not injective"
    code, out, _ = run("verify", result)
    assert code == 0
    assert "accepted: injective" in out
    for key, value in (("kappa", {"lower": data["kappa"]["lower"] * 1.01, "upper": 9.0}),
                       ("layers", [{**data["layers"][0], "radius": 1.5}, data["layers"][1]]),
                       ("folded", {**data["folded"], "subject": "0" * 64})):  # fmt: skip
        result.write_text(json.dumps({**data, key: value}))
        code, _, err = run("verify", result)
        assert code == 1
        assert "Traceback" not in err


def test_a_layer_decided_by_coherence_is_verified(run, tmp_path):
    rows = np.random.default_rng(0).standard_normal((400, 40))
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    path, result = tmp_path / "w.npz", tmp_path / "r.json"
    np.savez(path, W=rows, b=np.full(400, 0.85))
    code, out, _ = run("layer", path, "--json", result, "--budget", "3")
    assert code == 0
    assert "verdict: injective" in out
    ends = json.loads(result.read_text())["layers"][0]
    assert ends["critical_bias"]["lower"] > -0.85
    assert ends["singular_values"][0] > ends["singular_values"][1] > 1.0
    assert run("verify", result)[0] == 0


@pytest.mark.parametrize("kind", ["injective", "witness", "stack"])
def test_report(run, tmp_path, kind):
    arrays = {
        "injective": {"W": W, "b": np.full(6, 0.2)},
        "witness": {"W": np.eye(3)},
        "stack": {"W1": W, "W2": np.eye(6)},
    }[kind]
    page, result = tmp_path / "r.html", tmp_path / "r.json"
    np.savez(tmp_path / "w.npz", **arrays)
    code, out, err = run(
        "layer", tmp_path / "w.npz", "--report", page, "--json", result, "--budget", "3"
    )
    assert (code, err) == (0, "")
    assert "verdict: " in out
    text = page.read_text()
    assert text.count("<img ") == (4 if kind == "witness" else 3)
    assert text.count('alt="') == text.count("<img ")
    assert "http" not in text.replace("http://www.w3.org", "")
    assert "recover verify" in text
    assert ("Two inputs with the same output" in text) == (kind == "witness")
    assert ("sufficient" in text) == (kind == "stack")
    code, _, err = run("layer", tmp_path / "w.npz", "--report", page)
    assert code == 1
    assert "exists" in err
    assert (
        run("layer", tmp_path / "w.npz", "--report", page, "--force", "--budget", "1")[0] == 0
    )


def test_a_forged_witness_of_inputs_too_close_or_outside_is_refused(run, tmp_path):
    path, result = tmp_path / "w.npz", tmp_path / "r.json"
    np.savez(path, W1=W, b1=np.full(6, 0.2), W2=np.eye(6))  # injective
    run("layer", path, "--json", result, "--budget", "2")
    data = json.loads(result.read_text()) | {"verdict": "not injective"}
    x = np.array([0.3, -0.2, 0.1])
    for other in (x * (1.0 + 1e-16), np.nextafter(x, 1.0), x + 1e-14):
        result.write_text(json.dumps(data | {"witness": [x.tolist(), other.tolist()]}))
        code, _, err = run("verify", result)
        assert code == 1
        assert "too close" in err
    # on the ball of radius 1 the layer is injective, far out it is not
    np.savez(path, W1=np.eye(2), b1=np.full(2, 2.0), W2=np.eye(2))
    run("layer", path, "--json", result, "--budget", "2")
    data = json.loads(result.read_text()) | {"verdict": "not injective"}
    result.write_text(json.dumps(data | {"witness": [[-5.0, -5.0], [-6.0, -5.0]]}))
    code, _, err = run("verify", result)
    assert code == 1
    assert "not in the domain" in err


@pytest.mark.parametrize("verdict", ["undecided", "not injective", "folded"])
def test_certificates_that_a_verdict_does_not_rest_on_must_hold_too(run, tmp_path, verdict):
    path, result = tmp_path / "w.npz", tmp_path / "r.json"
    rng = np.random.default_rng(0)
    second = np.array([[1.0, 0, -1, 0], [-1, 0, 1, 0], [0, 1, 0, -1], [0, -1, 0, 1]])
    first, bias = np.vstack([np.eye(2), -np.eye(2)]), np.zeros(4)
    last = np.zeros(4)
    if verdict == "not injective":
        second = np.ones((1, 4))
        last = np.zeros(1)
    elif verdict == "folded":
        first, second = rng.standard_normal((20, 3)), rng.standard_normal((12, 20)) / 5.0
        bias = np.linalg.norm(first, axis=1) * 1.01
        last = 2.0 - second @ bias
    np.savez(path, W1=first, b1=bias, W2=second, b2=last)
    run("layer", path, "--json", result, "--budget", "3")
    data = json.loads(result.read_text())
    assert data["verdict"] == ("injective" if verdict == "folded" else verdict)
    assert (data.get("folded") is not None) == (verdict == "folded")
    assert run("verify", result)[0] == 0
    honest = data["certificates"][0]
    true = Certificate.from_data(honest)
    kappa = Enclosure(2.0 * true.kappa.upper, 3.0 * true.kappa.upper)
    forged = replace(true, kappa=kappa).to_data()
    result.write_text(json.dumps({**data, "certificates": [forged, *data["certificates"][1:]]}))
    code, _, err = run("verify", result)
    assert code == 1
    assert "layer 1" in err
    if verdict != "folded":
        result.write_text(json.dumps({**data, "folded": honest}))
        code, _, err = run("verify", result)
        assert code == 1
        assert "folded" in err
