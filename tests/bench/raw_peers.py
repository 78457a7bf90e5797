"""Highlight recovery of raw developers, on Bayer mosaics made here and written as DNG.

darktable-cli (Debian package `darktable`) and LibRaw through rawpy; either may be missing.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np

from recover.image.demosaic import colour_sites
from recover.io.image_file import RawMosaic
from recover.io.image_raw import write_dng

WHITE = 50000
XYZ_TO_SRGB = np.array(
    [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
)
DARKTABLE = {"darktable LCh": 1, "darktable laplacian": 3, "darktable opposed": 5}
LIBRAW = {"LibRaw blend": 2, "LibRaw rebuild": 5}
# The history of one module: highlights, version 4 of its parameters.
SIDECAR = """<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:darktable="http://darktable.sf.net/"
 darktable:xmp_version="5" darktable:raw_params="0" darktable:auto_presets_applied="1"
 darktable:history_end="1" darktable:iop_order_version="2">
<darktable:history><rdf:Seq><rdf:li darktable:num="0" darktable:operation="highlights"
 darktable:enabled="1" darktable:modversion="4" darktable:params="{params}"
 darktable:multi_name="" darktable:multi_priority="0" darktable:blendop_version="11"
 darktable:blendop_params="gz11eJxjYGBgkGAAgRNODGiAEV0AJ2iwh+CRyscOAAdeGQQ="/>
</rdf:Seq></darktable:history>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def mosaic_of(image, gains, percentile):
    """Return the mosaic of a camera whose channels clip at one value, 1, and its sites."""
    raw = image / gains
    raw = raw / np.percentile(raw.max(axis=-1), percentile)
    sites = colour_sites("RGGB", *raw.shape[:2])
    return np.take_along_axis(raw, sites[..., None], axis=-1)[..., 0], sites


def write_mosaic(path, mosaic, gains):
    """Write the clipped mosaic; its camera's colours are linear sRGB's."""
    values = np.round(np.minimum(mosaic, 1.0) * WHITE).astype(np.uint16)
    white = (float(WHITE),) * 3
    balance = (float(gains[0]), float(gains[1]), float(gains[2]))
    matrix = np.diag(1.0 / gains) @ XYZ_TO_SRGB
    facts = RawMosaic(("RG", "GB"), white, (0.0,) * 3, balance, matrix, "Maker Model")
    with Path(path).open("wb") as file:
        write_dng(file, values, facts, "bench")


def developed(path, gains, clipped, sites):
    """Yield (name, mosaic) of each developer that is installed, in the mosaic's own units."""
    if shutil.which("darktable-cli"):
        for name, mode in DARKTABLE.items():
            yield name, as_mosaic(_darktable(path, mode), gains, clipped, sites)
    try:
        import rawpy
    except ImportError:
        return
    for name, mode in LIBRAW.items():
        with rawpy.imread(str(path)) as raw:
            picture = raw.postprocess(
                highlight_mode=rawpy.HighlightMode(mode), use_camera_wb=True,
                output_color=rawpy.ColorSpace.raw, gamma=(1, 1), no_auto_bright=True,
                output_bps=16, user_flip=0,
            )  # fmt: skip
        yield name, as_mosaic(picture, gains, clipped, sites)


def as_mosaic(picture, gains, clipped, sites):
    """Return a developed picture at the sites, moved to the level where it falls short.

    Developers scale a picture; the scale is taken from the samples that were not clipped.
    """
    values = np.take_along_axis(picture.astype(float), sites[..., None], axis=-1)[..., 0]
    values = values / np.asarray(gains)[sites]
    sure = (clipped < 1.0) & (clipped > 0.1)
    values *= np.median(clipped[sure] / np.maximum(values[sure], 1e-9))
    return np.where(clipped < 1.0, clipped, np.maximum(values, 1.0))


def _darktable(path, mode):
    params = struct.pack("<i4ffiiffif", mode, 1.0, 0.0, 0.0, 1.0, 0.0, 30, 6, 0.4, 2.0, 0, 0.0)
    folder = Path(path).parent
    sidecar, out = folder / "history.xmp", folder / "out.pfm"
    sidecar.write_text(SIDECAR.format(params=params.hex()))
    out.unlink(missing_ok=True)
    command = [
        "darktable-cli", str(path), str(sidecar), str(out), "--apply-custom-presets", "0",
        "--icc-type", "LIN_REC709", "--core", "--configdir", str(folder / "config"),
        "--library", ":memory:", "--conf", "plugins/darkroom/workflow=none",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    with out.open("rb") as file:
        file.readline()
        width, height = map(int, file.readline().split())
        order = "<f4" if float(file.readline()) < 0 else ">f4"
        return np.frombuffer(file.read(), order).reshape(height, width, 3)[::-1]
