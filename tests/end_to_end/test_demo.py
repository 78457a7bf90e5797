"""The main job as a newcomer runs it, and its page in a real browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recover.cli.demo import FIRST, GENERAL, check_own
from recover.io import bundled
from recover.io.audio_read import read_audio
from recover.phase import PhaseResult

FILES = {
    "beads_recovered.npz",
    "courtyard_recovered.tif",
    "diffraction.json",
    "diffraction.npz",
    "guitar_recovered.flac",
    "picture.json",
    "report.html",
    "result.json",
}
ACCOUNTS = {
    "result.json": bundled("audio/guitar_em9_clipped.flac"),
    "picture.json": bundled("image/courtyard_clipped.tif"),
    "diffraction.json": None,
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "out"
    done = subprocess.run(
        [sys.executable, "-m", "recover", "demo", "--out", str(folder)],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_the_demo_writes_its_files_and_tells_the_gain(demo):
    folder, told = demo
    assert {path.name for path in folder.iterdir()} == FILES
    better = re.search(r"([\d.]+) dB better", told)
    smaller = re.search(r"([\d.]+) dB smaller", told)
    assert better is not None
    assert float(better[1]) > 15.0
    assert smaller is not None
    assert float(smaller[1]) > 6.0
    assert "infinite (global, proved)" in told
    restored = read_audio(folder / "guitar_recovered.flac").samples
    assert np.abs(restored).max() > 2 * 0.2245
    assert PhaseResult.load(folder / "beads_recovered.npz").error_bound < 1e-3


@pytest.mark.parametrize("account", ACCOUNTS)
def test_the_certificates_of_the_demo_are_proved_again(demo, account, run):
    folder, told = demo
    source = ACCOUNTS[account] or folder / "diffraction.npz"
    assert f"recover verify {folder / account} {source}" in told
    status, _, complaint = run("verify", folder / account, source)
    assert status == 0, complaint


def test_a_bound_above_the_truth(demo):
    folder, told = demo
    found = re.search(r"error of the object \(l2\)\s+([\d.e+-]+);", told)
    assert found is not None
    promised = json.loads((folder / "diffraction.json").read_text())["certificate"]
    assert 0.0 < float(found[1]) <= promised["error_bound"]


def test_a_file_in_the_way_is_named(tmp_path, run):
    taken = tmp_path / "taken"
    taken.write_text("mine")
    status, _, complaint = run("demo", "--out", taken)
    assert status == 1
    assert str(taken) in complaint
    assert taken.read_text() == "mine"


def _browser():
    return next((found for found in map(shutil.which, BROWSERS) if found), None)


def _seen(page: Path, width: int, folder: Path) -> tuple[dict[str, int], str, list[str]]:
    """Return widths as laid out, the console's lines, and the addresses asked for."""
    probe = (
        "<script>addEventListener('load', () => { const images = [...document.images];"
        "parent.postMessage({inner: innerWidth, scroll: document.documentElement.scrollWidth,"
        "broken: images.filter(i => !i.naturalWidth).length,"
        "silent: images.filter(i => !i.hasAttribute('alt')).length}, '*'); });</script></body>"
    )
    inner, log = folder / f"inner{width}.html", folder / f"net{width}.json"
    inner.write_text(page.read_text(encoding="utf-8").replace("</body>", probe), "utf-8")
    # in a frame, because a window has a least width
    outer = folder / f"outer{width}.html"
    outer.write_text(
        '<!doctype html><html><head><link rel="icon" href="data:,"><script>'
        "const root = document.documentElement;"
        "addEventListener('message', e => Object.assign(root.dataset, e.data));"
        f'</script></head><body><iframe src="{inner.name}" width="{width}" height="900" '
        'style="border: 0"></iframe></body></html>',
        "utf-8",
    )
    run = subprocess.run(
        [_browser(), *QUIET, f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}",
         "--enable-logging=stderr", f"--window-size={width + 20},900", "--dump-dom",
         outer.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    root = re.search(r"<html[^>]*>", run.stdout)
    assert root is not None
    sizes = {name: int(value) for name, value in re.findall(r'data-(\w+)="(\d+)"', root[0])}
    console = re.findall(r"CONSOLE.*", run.stderr)
    return sizes, "\n".join(console), re.findall(r'"url":"([^"]+)"', log.read_text())


@pytest.mark.skipif(_browser() is None, reason="needs Chromium: apt-get install chromium")
@pytest.mark.parametrize("width", [400, 1600])
def test_the_page_in_a_browser(demo, tmp_path, width):
    folder, _ = demo
    sizes, console, addresses = _seen(folder / "report.html", width, tmp_path)
    assert console == ""
    assert sizes["broken"] == sizes["silent"] == 0
    assert sizes["inner"] == width
    assert sizes["scroll"] <= width  # nothing reaches beyond the window
    assert not [each for each in addresses if page_request(each)]


def page_request(address: str) -> bool:
    """Return whether an address is one that the page, not the browser itself, asked for."""
    own = ("file:", "data:", "chrome", "devtools:", "blob:", "about:")
    browser = ("google.com", "googleapis.com", "gvt1.com")
    return not address.startswith(own) and not any(each in address for each in browser)


@pytest.mark.parametrize("name", GENERAL)
def test_files_that_no_demo_made_are_kept(run, tmp_path, name):
    (tmp_path / name).write_text("mine")
    code, _, err = run("demo", "--out", tmp_path)
    assert code == 1
    assert f"{name} exists and is of no demo; give another folder" in err
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_demo_may_be_run_again(tmp_path):
    for name in (*GENERAL, FIRST):
        (tmp_path / name).touch()
    check_own(tmp_path, force=False)
    (tmp_path / FIRST).unlink()
    check_own(tmp_path, force=True)
    assert {*GENERAL, FIRST} <= FILES
