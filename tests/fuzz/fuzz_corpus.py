"""Small valid files of every format that is read, with what changes them."""

from __future__ import annotations

import io
import json
import random
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fuzz_hostile as hostile
import numpy as np

Named = tuple[str, str, bytes]  # label, ending, bytes


def _nothing() -> Iterator[Named]:
    return iter(())


def _as_it_is(data: bytes, rng: random.Random) -> bytes:
    return data


@dataclass(frozen=True)
class Kind:
    """A format: valid files, the readers that take it, crafted files, and repairs.

    Parameters
    ----------
    name : str
    readers : sequence of str
        Names in `fuzz_worker`.
    files : sequence of (ending, bytes)
    hostile : callable
        Yields what was thought of by hand.
    repaired : callable
        Makes a mutant's checksums right again, so that what lies behind them is reached.
    """

    name: str
    readers: Sequence[str]
    files: Sequence[tuple[str, bytes]]
    hostile: Callable[[], Iterator[Named]] = field(default=_nothing)
    repaired: Callable[[bytes, random.Random], bytes] = field(default=_as_it_is)


def corpus() -> list[Kind]:
    """Return all kinds."""
    return [
        Kind("wav", ("audio", "blocks", "inspect"), _wav(), hostile.wav),
        Kind("flac", ("audio", "blocks", "inspect"),
             _sound("FLAC", ".flac", "PCM_16", "PCM_24"), hostile.flac),
        Kind("ogg", ("audio",), _sound("OGG", ".ogg", "VORBIS", "OPUS")),
        Kind("mp3", ("audio",), _sound("MP3", ".mp3", "MPEG_LAYER_III")),
        Kind("png", ("image", "copied", "inspect"), _png(), hostile.png, hostile.png_checked),
        Kind("pillow", ("image", "copied"), _pillow(), hostile.simple_images),
        Kind("tiff", ("image", "copied", "phase", "inspect"), _tiff(), hostile.tiff),
        Kind("exr", ("image",), _exr(), hostile.exr),
        Kind("fits", ("image",), _fits(), hostile.fits),
        Kind("dng", ("image",), _dng(), hostile.dng),
        Kind("npy", ("image", "matrix", "phase"), _npy(), hostile.npy),
        Kind("npz", ("phase", "setup", "weights", "saved"), _npz(), hostile.npz,
             hostile.npz_checked),
        Kind("hdf5", ("phase", "setup"), _hdf5(), hostile.hdf5),
        Kind("safetensors", ("weights",), _safetensors(), hostile.safetensors),
        Kind("saved", ("saved",), _saved(), hostile.saved, hostile.npz_checked),
        Kind("json", ("certificate",), _certificates(), hostile.certificates),
    ]  # fmt: skip


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def _sound(form: str, ending: str, *subtypes: str) -> list[tuple[str, bytes]]:
    import soundfile

    samples = np.clip(_rng().standard_normal((500, 2)) * 0.4, -0.5, 0.5)
    found = []
    for subtype in subtypes:
        buffer = io.BytesIO()
        rate = 48000 if subtype == "OPUS" else 16000
        soundfile.write(buffer, samples, rate, format=form, subtype=subtype)
        found.append((ending, buffer.getvalue()))
    return found


def _wav() -> list[tuple[str, bytes]]:
    names = ("PCM_16", "PCM_24", "PCM_U8", "FLOAT", "DOUBLE", "IMA_ADPCM", "MS_ADPCM", "ULAW",
             "GSM610")  # fmt: skip
    found = _sound("WAV", ".wav", *names[:-1])
    for form, ending, subtype in (
        ("AIFF", ".aiff", "PCM_16"), ("AU", ".au", "PCM_16"), ("CAF", ".caf", "ALAC_16"),
        ("W64", ".w64", "PCM_16"), ("RF64", ".wav", "PCM_24"), ("WAVEX", ".wav", "FLOAT"),
        ("VOC", ".voc", "PCM_16"), ("SVX", ".iff", "PCM_16"), ("PAF", ".paf", "PCM_16"),
        ("MAT5", ".mat", "DOUBLE"), ("NIST", ".sph", "PCM_16"), ("HTK", ".htk", "PCM_16"),
        ("IRCAM", ".sf", "FLOAT"), ("AVR", ".avr", "PCM_16"), ("MPC2K", ".snd", "PCM_16"),
    ):  # fmt: skip
        try:
            found += _sound(form, ending, subtype)
        except RuntimeError:  # mono only
            continue
    return found


def _picture(shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    values = _rng().random(shape)
    scale = np.iinfo(dtype).max if np.dtype(dtype).kind in "iu" else 1.0
    return np.minimum(values * 1.5, 1.0).__mul__(scale).astype(dtype)


def _png() -> list[tuple[str, bytes]]:
    from recover.io.image_file import ImageMetadata
    from recover.io.image_png import write_png

    found = [(".png", _saved_by_pillow("PNG", mode)) for mode in ("L", "RGB", "P", "RGBA", "1")]
    for shape in ((9, 12), (9, 12, 3), (9, 12, 4), (9, 12, 2)):
        buffer = io.BytesIO()
        kept = ImageMetadata(icc=b"profile" * 9, exif=b"II*\0\x08\0\0\0\0\0")
        write_png(buffer, _picture(shape, np.uint16), kept, "comment")
        found.append((".png", buffer.getvalue()))
    return found


def _saved_by_pillow(form: str, mode: str, **options: Any) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    image = Image.fromarray(_picture((12, 15, 3), np.uint8)).convert(mode)
    image.save(buffer, form, **options)
    return buffer.getvalue()


def _pillow() -> list[tuple[str, bytes]]:
    from PIL import Image

    exif = Image.Exif()
    exif[271], exif[306] = "maker", "2020:01:01 00:00:00"
    return [
        (".jpg", _saved_by_pillow("JPEG", "RGB", exif=exif, icc_profile=b"x" * 200)),
        (".jpg", _saved_by_pillow("JPEG", "L", progressive=True)),
        (".jpg", _saved_by_pillow("JPEG", "CMYK")),
        (".bmp", _saved_by_pillow("BMP", "RGB")),
        (".ppm", _saved_by_pillow("PPM", "RGB")),
        (".pgm", _saved_by_pillow("PPM", "L")),
        (".webp", _saved_by_pillow("WEBP", "RGBA", lossless=True, exif=exif)),
        (".webp", _saved_by_pillow("WEBP", "RGB")),
        (".gif", _saved_by_pillow("GIF", "P")),
    ]


def _tiff() -> list[tuple[str, bytes]]:
    import tifffile

    found = []
    options: list[tuple[tuple[int, ...], Any, dict[str, Any]]] = [
        ((12, 15), np.uint8, {}),
        ((12, 15, 3), np.uint16, {"photometric": "rgb", "resolution": (300, 300)}),
        ((12, 15), np.float32, {"compression": "zlib", "predictor": False}),
        ((32, 32, 3), np.uint8, {"photometric": "rgb", "tile": (16, 16)}),
        ((3, 8, 9), np.float64, {"photometric": "minisblack"}),
        ((8, 9), np.uint16, {"bigtiff": True, "byteorder": ">"}),
        ((2, 8, 9), np.uint16, {"imagej": True}),
        ((2, 8, 9), np.uint16, {"ome": True, "photometric": "minisblack"}),
        ((3, 8, 9), np.uint8, {"photometric": "rgb", "planarconfig": "separate"}),
        ((9, 8, 4), np.uint8, {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
    ]
    for shape, dtype, settings in options:
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, _picture(shape, dtype), **settings)
        found.append((".tif", buffer.getvalue()))
    for mode, compression in (
        ("RGB", "tiff_lzw"), ("L", "packbits"), ("RGB", "jpeg"), ("1", "group4"), ("P", "raw"),
    ):  # fmt: skip
        data = _saved_by_pillow("TIFF", mode, compression=compression)
        found.append((".tif", data))
    return found


def _exr() -> list[tuple[str, bytes]]:
    import OpenEXR

    from recover.io.image_exr import write_exr

    found = []
    for shape in ((9, 12, 3), (9, 12)):
        buffer = io.BytesIO()
        write_exr(buffer, _picture(shape, np.float32), _picture((9, 12), np.float32), "note")
        found.append((".exr", buffer.getvalue()))
    for compression in ("ZIP", "ZIPS", "PIZ", "RLE", "PXR24", "B44", "DWAA"):
        for dtype in (np.float16, np.float32):
            header = {
                "compression": getattr(OpenEXR, f"{compression}_COMPRESSION"),
                "type": OpenEXR.scanlineimage,
            }
            channels = {"RGB": _picture((20, 24, 3), dtype)}
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "a.exr"
                OpenEXR.File(header, channels).write(str(path))
                found.append((".exr", path.read_bytes()))
    return found


def _fits() -> list[tuple[str, bytes]]:
    from astropy.io import fits

    picture = _picture((12, 15), np.int16)
    first = fits.PrimaryHDU(picture)
    first.header["SATURATE"] = 30000
    quality = fits.ImageHDU((picture > 30000).astype(np.int16) * 2, name="DQ")
    quality.header["MP_SAT"] = 1
    found = []
    for parts in (
        [first, quality],
        [fits.PrimaryHDU(), fits.CompImageHDU(picture, compression_type="RICE_1")],
        [fits.PrimaryHDU(), fits.CompImageHDU(picture, compression_type="GZIP_1")],
        [fits.PrimaryHDU(_picture((2, 6, 7), np.float32))],
        [fits.PrimaryHDU(_picture((6, 7), np.uint16))],
    ):
        buffer = io.BytesIO()
        fits.HDUList(parts).writeto(buffer)
        found.append((".fits", buffer.getvalue()))
    return found


def _dng() -> list[tuple[str, bytes]]:
    from recover.io.image_file import RawMosaic
    from recover.io.image_raw import write_dng

    raw = RawMosaic(
        ("RG", "GB"), (16000.0,) * 3, (512.0,) * 3, (2.0, 1.0, 1.5), np.eye(3), "camera"
    )
    buffer = io.BytesIO()
    write_dng(buffer, _picture((64, 64), np.uint16), raw, "note")
    return [(".dng", buffer.getvalue())]


def _npy() -> list[tuple[str, bytes]]:
    found = []
    for array in (
        _picture((6, 5), np.float64), _picture((8, 9, 3), np.uint8),
        _picture((6, 5), np.float32).astype(complex),
        np.asfortranarray(_picture((4, 7), ">f4")),
    ):  # fmt: skip
        buffer = io.BytesIO()
        np.save(buffer, array)
        found.append((".npy", buffer.getvalue()))
    return found


def phase_arrays() -> list[dict[str, Any]]:
    """Return measurements without phase, as named arrays, of every setup."""
    pattern, support = _picture((8, 8), np.float64), np.zeros((8, 8), bool)
    support[:3, :3] = True
    rng = _rng()
    return [
        {"magnitude": pattern, "support": support, "nonnegative": True},
        {"intensity": np.stack([pattern] * 3), "masks": np.exp(1j * rng.random((3, 8, 8)))},
        {"magnitude": pattern[0], "rows": rng.random((8, 3)), "bad": pattern[0] > 0.9},
        {"intensity": np.stack([pattern] * 2), "distances": np.array([0.1, 0.2]),
         "wavelength": 5e-7, "pixel_size": 1e-5, "centered": False},
        {"intensity": np.stack([pattern] * 4), "positions": np.array([[0, 0], [0, 4], [4, 0],
         [4, 4]]), "probe": np.ones((8, 8), complex), "shape": np.array([12, 12])},
        {"magnitude": pattern, "object_magnitude": pattern, "dark": 0.0 * pattern},
    ]  # fmt: skip


def _npz() -> list[tuple[str, bytes]]:
    layers = {"fc1.weight": np.ones((4, 3)), "fc1.bias": np.zeros(4), "W2": np.ones((5, 4))}
    found = []
    for arrays in (*phase_arrays(), layers):
        for save in (np.savez, np.savez_compressed):
            buffer = io.BytesIO()
            save(buffer, **arrays)
            found.append((".npz", buffer.getvalue()))
    return found


def _hdf5() -> list[tuple[str, bytes]]:
    import h5py

    found = []
    for ending, packed in ((".h5", False), (".cxi", True)):
        for arrays in phase_arrays()[:4]:
            buffer = io.BytesIO()
            with h5py.File(buffer, "w") as file:
                for name, value in arrays.items():
                    extra = {"compression": "gzip", "shuffle": True, "fletcher32": True}
                    scalar = np.ndim(value) == 0
                    file.create_dataset(f"entry_1/{name}", data=value,
                                        **({} if scalar or not packed else extra))  # fmt: skip
                file["entry_1/image_1/title"] = "words"
                file["entry_1/source/energy"] = 1.6e-16
                file["entry_1/link"] = h5py.SoftLink("/entry_1")
            found.append((ending, buffer.getvalue()))
    return found


def _safetensors() -> list[tuple[str, bytes]]:
    from safetensors.numpy import save

    return [
        (".safetensors", save({"fc1.weight": np.ones((4, 3), np.float32),
                               "fc1.bias": np.zeros(4, np.float32)})),
        (".safetensors", save({"W1": np.ones((3, 2)), "steps": np.arange(5)},
                              metadata={"format": "np"})),
    ]  # fmt: skip


def _saved() -> list[tuple[str, bytes]]:
    import recover as rv
    from recover.audio import declip
    from recover.image import declip as declip_image

    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.npz"
        time = np.arange(4000) / 8000
        tone = np.clip(np.sin(2 * np.pi * 220 * time), -0.7, 0.7).astype(np.float32)
        declip(tone, 8000, quality="fast").save(path)
        found.append((".npz", path.read_bytes()))
        picture = np.minimum(np.add.outer(np.arange(24.0), np.arange(24.0)), 36.0)
        declip_image(picture.astype(np.float32)).save(path, force=True)
        found.append((".npz", path.read_bytes()))
        model = rv.Saturation(rv.frames.Dense(_rng().standard_normal((9, 3))))
        problem = rv.Problem(model, model(np.array([0.5, -0.2, 0.1])))
        path.unlink()
        rv.recover(problem).save(path)
        found.append((".npz", path.read_bytes()))
    return found


def _certificates() -> list[tuple[str, bytes]]:
    """Return JSON files as commands write them, of small problems."""
    import recover as rv

    rows = _rng().standard_normal((9, 3))
    found = []
    for model in (
        rv.ReLU(rv.frames.Dense(rows), -0.5),
        rv.Saturation(rv.frames.Dense(rows)),
        rv.Modulus(rv.frames.Dense(rows)),
    ):
        promises = [rv.certify(model, rv.Ball(1.0), budget=2.0)]
        problem = rv.Problem(model, model(np.array([0.5, -0.2, 0.1])))
        promises.append(rv.recover(problem).certificate)
        for promise in promises:
            data = {"input": "frame.npy", "certificate": promise.to_data()}
            found.append((".json", json.dumps(data, indent=1).encode()))
    return found


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """Return one chunk of a PNG file."""
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check
