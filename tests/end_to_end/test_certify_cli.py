"""`recover certify` and `recover verify` on frames: values, pages, forgeries, bad input."""

import json

import numpy as np
import pytest


@pytest.fixture
def simplex(tmp_path):
    """Three unit vectors at 120 degrees."""
    angles = 2 * np.pi * np.arange(3) / 3
    path = tmp_path / "simplex.npy"
    np.save(path, np.stack([np.cos(angles), np.sin(angles)], axis=1))
    return path


@pytest.mark.parametrize(("bias", "eigenvalue"), [(-0.6, 0.5), (-1.001, 1.5), (-0.4, 0.0)])
def test_the_simplex_has_its_known_eigenvalue(run, simplex, tmp_path, bias, eigenvalue):
    data = tmp_path / "c.json"
    args = ["--model", "relu", "--bias", bias, "--json", data]
    status, text, err = run("certify", simplex, *args)
    assert (status, err) == (0, "")
    assert "kappa" in text
    written = json.loads(data.read_text())
    values = written["certificate"]["evidence"]["values"]
    assert values["eigenvalue_lower"] == pytest.approx(eigenvalue, abs=1e-9)
    assert values["eigenvalue_upper"] == pytest.approx(eigenvalue, abs=1e-9)
    kappa = written["certificate"]["kappa"]
    assert eigenvalue / 2 - 1e-9 <= kappa["lower"] ** 2 <= eigenvalue + 1e-9
    assert written["scope"] == {"kind": "ball", "nonnegative": False, "radius": 1.0}
    assert run("verify", data)[0] == 0


def test_page_shows_the_search_and_the_cells(run, simplex, tmp_path):
    page = tmp_path / "c.html"
    args = ["--model", "saturation", "--level", 0.9, "--report", page, "--quiet"]
    status, text, _ = run("certify", simplex, *args)
    assert (status, text) == (0, "")
    html = page.read_text()
    assert html.count("<img alt=") == 2
    assert "kappa at least" in html


def test_forgeries_and_other_frames_are_refused(run, simplex, tmp_path):
    data = tmp_path / "c.json"
    assert run("certify", simplex, "--model", "relu", "--bias", -0.6, "--json", data)[0] == 0
    other = tmp_path / "other.npy"
    np.save(other, np.load(simplex) * 1.5)
    status, _, err = run("verify", data, other)
    assert status == 1
    assert "another" in err
    written = json.loads(data.read_text())
    written["certificate"]["kappa"]["lower"] *= 1.01
    data.write_text(json.dumps(written))
    assert run("verify", data)[0] == 1
    written["model"]["bias"] = -0.9
    data.write_text(json.dumps(written))
    assert run("verify", data)[0] == 1


def test_levels_from_files_and_unbounded_domains(run, simplex, tmp_path):
    bias = tmp_path / "bias.npy"
    np.save(bias, np.array([-0.6, -0.7, -0.8]))
    assert run("certify", simplex, "--model", "relu", "--bias", bias)[0] == 0
    status, text, _ = run(
        "certify", simplex, "--model", "saturation", "--level", 1, "--radius", "inf"
    )
    assert status == 0
    assert "unbounded" in text


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["--model", "saturation"], "level"),
        (["--model", "saturation", "--level", "-1"], "positive"),
        (["--model", "saturation", "--level", "1", "--low", "0"], "not both"),
        (["--model", "relu", "--level", "1"], "saturation"),
        (["--model", "relu", "--bias", "x"], "bias"),
        (["--model", "relu", "--radius", "0"], "radius"),
        (["--model", "relu", "--radius", "inf", "--nonnegative"], "finite"),
        (["--model", "relu", "--budget", "-1"], "budget"),
        (["--model", "modulus", "--nonnegative"], "leave it out"),
        (["--model", "modulus", "--bias", "1"], "--bias belongs to --model relu"),
        (["--model", "saturation", "--bias", "0"], "--bias belongs to --model relu"),
    ],
)
def test_bad_options_get_one_clear_line(run, simplex, args, word):
    status, text, err = run("certify", simplex, *args)
    assert status == 1
    assert text == ""
    assert word in err
    assert err.count("\n") == 1


def test_a_radius_that_is_no_number_is_wrong_usage(run, simplex):
    status, text, err = run("certify", simplex, "--model", "relu", "--radius", "x")
    assert (status, text) == (2, "")
    assert "'x'" in err


def test_bad_frames_get_one_clear_line(run, tmp_path):
    frames = {
        "nan": np.array([[1.0, np.nan]]),
        "flat": np.ones(3),
        "words": np.array(["a", "b"]),
        "empty": np.empty((0, 2)),
    }
    for name, frame in frames.items():
        path = tmp_path / f"{name}.npy"
        np.save(path, frame)
        status, _, err = run("certify", path, "--model", "relu")
        assert status == 1, name
        assert err.count("\n") == 1
    pickled = tmp_path / "pickled.npy"
    np.save(pickled, np.array([{}], dtype=object), allow_pickle=True)
    assert run("certify", pickled, "--model", "relu")[0] == 1


def test_large_evidence_stands_beside_the_certificate(run, tmp_path, monkeypatch):
    monkeypatch.setattr("recover.certificates.beside.INLINE", 100)
    frame, data = tmp_path / "f.npy", tmp_path / "c.json"
    np.save(frame, np.random.default_rng(0).standard_normal((12, 3)))
    beside = tmp_path / "c.evidence.npz"
    beside.write_bytes(b"something else")
    args = ("certify", frame, "--model", "modulus", "--json", data)
    status, _, err = run(*args)
    assert status == 1
    assert "c.evidence.npz exists" in err
    assert run(*args, "--force")[0] == 0
    assert json.loads(data.read_text())["arrays_beside"] == "c.evidence.npz"
    assert run("verify", data)[0] == 0
    kept = dict(np.load(beside))
    name = max(kept, key=lambda key: kept[key].size if key != "meta" else 0)
    np.savez(beside, **{**kept, name: kept[name][::-1]})
    status, _, err = run("verify", data)
    assert status != 0
    assert "changed" in err
    beside.unlink()
    status, _, err = run("verify", data)
    assert status != 0
    assert "c.evidence.npz" in err


def test_complex_rows_and_sigma_are_printed(run, tmp_path):
    frame, data = tmp_path / "f.npy", tmp_path / "c.json"
    np.save(frame, np.random.default_rng(0).standard_normal((9, 3)))
    status, text, _ = run("certify", frame, "--model", "modulus")
    assert status == 0
    assert "sqrt(A) <= kappa <= sqrt(2) sigma" in text
    assert "sigma^2 <= A <= 2 sigma^2" in text
    rows = np.array([[1, 0], [1, 1], [1, 1j], [1, -1], [1, -1j]])
    np.save(frame, rows)
    status, text, _ = run("certify", frame, "--model", "modulus", "--json", data)
    assert status == 0
    assert "no finite formula" in text
    assert run("verify", data)[0] == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--model", "relu", "--bias", "-0.5"],
            "with bias -0.5, on the signals of norm at most",
        ),
        (["--model", "relu", "--bias", "b.npy"], "bias -0.5 to -0.25, on"),
        (
            ["--model", "saturation", "--high", "0.5", "--nonnegative"],
            "no lower level, upper level 0.5, on the signals of norm at most 1 without",
        ),
        (["--model", "modulus", "--radius", "inf"], "in R^2, on the whole space."),
    ],
)
def test_the_page_says_what_was_measured_and_where(
    run, simplex, tmp_path, monkeypatch, options, said
):
    monkeypatch.chdir(tmp_path)
    np.save("b.npy", np.array([-0.5, -0.25, -0.375]))
    status, text, _ = run("certify", simplex, *options, "--budget", "2", "--report", "r.html")
    assert status == 0
    assert "at least  " in text
    assert "witnessed" not in text
    assert said in (tmp_path / "r.html").read_text()
