"""``recover capacity``: the finite-size table and the figure."""

import json
import sys

import pytest

import recover as rv
from recover.cli import main


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["recover", "capacity", *map(str, arguments)])
        with pytest.raises(SystemExit) as done:
            main()
        out = capsys.readouterr()
        return done.value.code, out.out, out.err

    return call


def test_finite_size(run):
    code, out, _ = run("--inputs", "10")
    assert code == 0
    assert "rows at 10 inputs" in out
    # 86 rows are the fewest with a bound of at most 1e-2, and 104 with 1e-6
    code, out, _ = run("--inputs", "10", "--json", "-")
    finite = json.loads(out)["finite"]
    assert [entry["rows"] for entry in finite["enough"]][::2] == [86, 104]
    for m, bound in zip(finite["widths"], finite["failure_bounds"], strict=True):
        assert bound == rv.theory.injectivity_failure_bound(m, 10)


def test_quiet_prints_nothing(run, tmp_path):
    assert run("--quiet", "--json", tmp_path / "c.json") == (0, "", "")
    assert json.loads((tmp_path / "c.json").read_text())["value"] > 7.0


def test_figure(run, tmp_path):
    path = tmp_path / "capacity.png"
    assert run("--plot", path)[0] == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    code, _, err = run("--plot", path)
    assert code == 1
    assert "exists" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--inputs", "0"], ">= 1"),
        (["--plot", "a", "--json", "a"], "two names"),
        (["--plot", "a.jpg"], "ends in .png"),
    ],
)
def test_bad_options(run, options, message):
    code, _, err = run(*options)
    assert code == 1
    assert message in err


def test_transition(run, tmp_path):
    figure, result = tmp_path / "t.png", tmp_path / "t.json"
    code, out, err = run(
        *("--transition", "--inputs", "3", "--trials", "20", "--budget", "30"),
        *("--plot", figure, "--json", result, "--seed", "1"),
    )
    assert (code, err) == (0, "")
    assert "n = 3" in out
    assert "half are injective at" in out
    assert "Wendel" in out
    assert "6.700392" in out
    assert figure.read_bytes().startswith(b"\x89PNG")
    data = json.loads(result.read_text())
    assert {entry["inputs"] for entry in data["injective"]} == {3}
    assert all(entry["trials"] == 20 for entry in data["injective"])
    code, out, _ = run("--transition", "--inputs", "7", "--trials", "1", "--json", "-")
    assert json.loads(out)["injective"][0]["how"] == "search"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--trials", "5"], "belongs to --transition"),
        (["--transition", "--inputs", "1"], "dimensions must be 2 to 200, got 1"),
        (["--transition", "--trials", "0"], "trials must be >= 1"),
        (["--transition", "--layers", "2"], "--layers is not for --transition"),
        (["--transition", "--criterion", "weak"], "--criterion is not for --transition"),
        (["--transition", "--method", "limit"], "--method is not for --transition"),
        (["--layers", "0"], "layers must be"),
        (["--level", "3"], "level"),
        (["--level", "3", "--layers", "2"], "level is for one layer"),
        (["--criterion", "strong", "--method", "limit"], "plain and partial"),
        (["--level", "9", "--method", "lifted"], "levels 2 to 8 exist"),
    ],
)
def test_bad_options_of_the_experiment_and_the_theory(run, options, message):
    code, _, err = run(*options)
    assert code == 1
    assert message in err


def test_a_criterion_is_taken_for_one_layer_too(run):
    code, out, _ = run("--criterion", "typical", "--json", "-")
    assert code == 0
    assert json.loads(out)["values"] == [2.0]


def test_the_figures_hold_what_the_table_does(run):
    code, out, _ = run()
    assert code == 0
    numbers = {float(word) for line in out.splitlines() for word in line.split() if "." in word}
    code, out, _ = run("--json", "-")
    data = json.loads(out)
    assert code == 0
    assert sorted(numbers) == pytest.approx(
        sorted([data["value"], *data["bounds"].values()]), rel=1e-6
    )
