"""Conditional certificates from the command line to the report, and proved again."""

import dataclasses
import json
import math

import numpy as np
import pytest
import soundfile

from recover.audio import certify_conditionally, declip
from recover.audio.conditional import part_faults, part_place
from recover.audio.result import Excerpt
from recover.cli.main import main
from recover.core.errors import ParameterError
from recover.report.audio import audio_report
from recover.report.conditional import conditional_blocks

RATE = 8000


def signal(length=3600):
    rng = np.random.default_rng(0)
    t = np.arange(length) / RATE
    x = sum(a * np.sin(2 * np.pi * f * t + f) for f, a in ((220, 0.5), (331, 0.3), (707, 0.2)))
    return (x + 0.003 * rng.standard_normal(length)).astype(np.float32)


@pytest.fixture(scope="module")
def recovered():
    y = np.clip(signal(), np.float32(-0.6), np.float32(0.6))
    result = declip(y, RATE, quality="fast", certify=False)
    return y, result, certify_conditionally(result)


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*args):
        monkeypatch.setattr("sys.argv", ["recover", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return call


def test_parts_are_proved_again_from_plain_data(recovered):
    y, result, account = recovered
    parts = json.loads(json.dumps(account.to_json(), allow_nan=False))
    assert {part["kind"] for part in parts} == {"gap", "segment"}
    assert any(part["error_bound"] != "inf" for part in parts)
    for part in parts:
        channel, first, last = part_place(part)
        assert channel == 0
        assert part_faults(part, y[first:last], result.levels[0]) == ()
        forged = {**part, "error_bound": 1e-9}
        assert "error bound" in part_faults(forged, y[first:last], result.levels[0])[-1]
        if part["error_bound"] != "inf":
            forged = {**part, "restored": 2.0 * part["restored"] + 1.0}
            (fault,) = part_faults(forged, y[first:last], result.levels[0])
            assert "restored amount" in fault
        moved = part_faults(part, y[first + 1 : last + 1], result.levels[0])
        assert moved or last == len(y)
    gap = next(part for part in parts if part["kind"] == "gap")
    _, first, last = part_place(gap)
    assert part_faults({**gap, "budget": 2 * gap["budget"]}, y[first:last], result.levels[0])


def test_damaged_parts_are_refused(recovered):
    y, result, account = recovered
    gap, *_, segment = account.to_json()
    levels = result.levels[0]
    with pytest.raises(ParameterError, match="must be a gap or a segment"):
        part_place({**gap, "kind": "song"})
    with pytest.raises(ParameterError, match="has no place"):
        part_place({**gap, "last": 10**9})
    with pytest.raises(ParameterError, match="taps of shape"):
        part_faults({**gap, "taps": [1.0]}, y[:100], levels)
    for support in ([], [1, 1], [-1], [10**6], [0.5]):
        with pytest.raises(ParameterError, match="support must hold"):
            part_faults({**segment, "support": support}, y[:512], levels)


def test_more_gaps_than_are_certified(recovered):
    _, result, account = recovered
    steps = []
    few = certify_conditionally(result, most=4, watch=steps.append)
    assert [p.step for p in steps] == list(range(1, 7))
    assert {p.total for p in steps} == {6}
    assert len(few.gaps) == 4
    assert len(few.segments) == 2
    assert few.found == account.found
    assert f"of {account.found[1]} gaps 4 were certified" in few.sentence
    assert few.gaps[-1].start > 0.5 * account.gaps[-1].start


def test_nothing_to_certify(recovered):
    _, result, _ = recovered
    clean = declip(0.1 * signal(), RATE, certify=False)
    assert "nothing was recovered" in certify_conditionally(clean).sentence
    assert "within a tolerance" in certify_conditionally(result, tolerance=0.01).sentence
    page = audio_report(clean, "x", conditional=certify_conditionally(clean))
    assert "nothing to certify on a condition" in page


def test_the_report_says_it_plainly_once(recovered):
    _, result, account = recovered
    page = audio_report(result, "x", conditional=account)
    assert page.count("it certifies that the problem is ill-posed more than") == 1
    assert "What is proved on a condition" in page
    blocks = "".join(conditional_blocks(account, [0]))
    finite = [p for p in account.gaps if math.isfinite(p.error_bound)]
    below = sum(p.error_bound < p.restored for p in finite)
    assert f"{below} gaps and" in blocks
    assert f"{len(finite)} with a finite conditional bound" in blocks


def test_places_of_an_excerpt_are_those_of_the_recording(recovered):
    _, result, account = recovered
    part = Excerpt(RATE, 9 * RATE, int(result.recovered.sum()), len(result.samples))
    moved = certify_conditionally(dataclasses.replace(result, excerpt=part), most=4)
    assert moved.to_json()[0]["start"] == account.gaps[0].start + RATE
    assert "1.0 to 1.4 s of 9.0 s" in moved.sentence
    assert "Drawn is the most clipped part, 1.0 to 1.4 s" in audio_report(
        dataclasses.replace(result, excerpt=part), "x", conditional=moved
    )


def test_from_the_command_line_and_verified(run, tmp_path):
    source, data = tmp_path / "in.wav", tmp_path / "r.json"
    soundfile.write(source, np.clip(signal(), -0.6, 0.6), RATE, subtype="PCM_16")
    status, out, _ = run(
        "audio", source, "-o", tmp_path / "o.wav", "--quality", "fast", "--conditional",
        "--json", data, "--report", tmp_path / "r.html", "--save", tmp_path / "r.npz",
    )  # fmt: skip
    assert status == 0
    assert "gaps" in out
    assert "What is proved on a condition" in (tmp_path / "r.html").read_text()
    status, out, _ = run("verify", data, source)
    assert status == 0
    assert "conditional parts" in out
    status, out, _ = run(
        "report", tmp_path / "r.npz", "-o", tmp_path / "again.html", "--conditional"
    )
    assert status == 0
    assert "What is proved on a condition" in (tmp_path / "again.html").read_text()
    plain = json.loads(data.read_text())
    plain["parts"][0]["budget"] *= 1.5
    data.write_text(json.dumps(plain))
    status, _, said = run("verify", data, source)
    assert status == 1
    assert "refused: gap at samples" in said
    plain["parts"][0] = {"kind": "gap"}
    data.write_text(json.dumps(plain))
    status, _, said = run("verify", data, source)
    assert status == 1
    assert "is damaged" in said
    assert said.count("\n") == 1
