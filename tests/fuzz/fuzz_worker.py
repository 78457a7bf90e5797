"""The child process: reads one hostile file after another with the package's readers.

It is given lines ``kind <tab> path`` and answers each with a line of JSON.  Its memory is
limited, an alarm kills it, and every attempt to write, to load a pickle or to start something
is recorded.
"""

from __future__ import annotations

import importlib
import io
import json
import logging
import os
import resource
import signal
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOM = 2**30  # bytes above what the process has with everything loaded
SECONDS = 10  # of the processor
PATIENCE = 60  # by the clock
_LOADED = ("astropy.io.fits", "rawpy", "h5py", "OpenEXR", "safetensors", "safetensors.numpy",
           "soundfile", "tifffile", "PIL.Image", "PIL.TiffImagePlugin", "scipy.linalg",
           "multiprocessing.process")  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_FORBIDDEN = ("pickle.find_class", "subprocess.", "os.system", "os.exec", "os.posix_spawn",
              "os.fork", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link",
              "os.symlink", "os.chmod", "os.truncate", "shutil.", "socket.connect",
              "socket.bind", "socket.getaddrinfo", "urllib.")  # fmt: skip

touched: list[str] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Record what a reader must not do (an audit hook)."""
    if event == "open":
        _, mode, flags = arguments
        writes = isinstance(mode, str) and any(c in mode for c in "wax+")
        if writes or (isinstance(flags, int) and flags & _WRITING):
            touched.append(f"open {arguments}")
    elif event.startswith(_FORBIDDEN):
        touched.append(f"{event} {arguments}")


def _certificate(path: str) -> Any:
    from recover.cli.output import read_certificate, read_json
    from recover.core.errors import ParameterError

    data = read_json(Path(path))
    if not isinstance(data, dict) or "certificate" not in data:
        raise ParameterError(f"{path} holds no certificate")
    return read_certificate(Path(path), data)


def _audio_blocks(path: str) -> Any:
    from recover.io import open_audio

    with open_audio(path) as audio:
        return [block for _, block in audio.blocks(2**16)][-1]


def _copied(path: str) -> Any:
    """Read an image and write it with all that its file says, as the command does."""
    from recover.io.image_png import write_png
    from recover.io.image_read import read_image
    from recover.io.image_tiff import write_tiff

    found = read_image(path)
    shown = found.pixels if found.pixels.ndim == 2 or found.colour else None
    if shown is not None and shown.ndim < 4 and shown.dtype.kind in "iu":
        write_tiff(io.BytesIO(), shown, colour=found.colour, alpha=None,
                   metadata=found.metadata, comment="copy")  # fmt: skip
        if shown.dtype.itemsize < 3 and shown.dtype.kind == "u":
            write_png(io.BytesIO(), shown, found.metadata, "copy")
    return found.pixels


def _inspect(path: str) -> Any:
    from recover.audio import inspect_file
    from recover.image import inspect_image
    from recover.io.image_read import looks_like_image

    return inspect_image(path) if looks_like_image(path) else inspect_file(path)


def _saved(path: str) -> Any:
    """Try every kind of saved result, as `recover report` does."""
    from recover.audio import AudioResult
    from recover.image.result import ImageResult
    from recover.io.results import saved_format
    from recover.phase.result import PhaseResult
    from recover.pipeline import Recovery

    kind = saved_format(path) or ""
    for word, cls in (("image", ImageResult), ("phase", PhaseResult), ("audio", AudioResult)):
        if word in kind:
            return cls.load(path)
    return Recovery.load(path)


def _verified(path: str) -> None:
    """Prove a certificate again, as the command does."""
    from recover.cli.verify import verify_command
    from recover.core.errors import RecoverError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # evidence that is not finite: NumPy says so
        status = verify_command.callback(path, None)
    if status != 0:
        raise RecoverError(f"{Path(path).name} was refused")


def _crash(path: str) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _hungry(path: str) -> Any:
    return bytes(2 * ROOM)


def _writes(path: str) -> None:
    Path("elsewhere").write_text(Path(path).name)


def _unpickles(path: str) -> Any:
    import numpy as np

    return np.load(path, allow_pickle=True)


def _hangs(path: str) -> None:
    while True:
        pass


def _readers() -> dict[str, Callable[[str], Any]]:
    from recover.io import read_audio
    from recover.io.image_read import read_image
    from recover.io.matrices import read_array
    from recover.io.phase_read import read_phase
    from recover.io.weights import read_tensors
    from recover.phase.app import measurement_in

    return {
        "audio": read_audio,
        "blocks": _audio_blocks,
        "image": read_image,
        "copied": _copied,
        "phase": read_phase,
        "setup": lambda path: measurement_in(path, setup=None, dark=None, data=None),
        "weights": lambda path: read_tensors(path).layers(),
        "matrix": lambda path: read_array("frame", path),
        "saved": _saved,
        "certificate": _certificate,
        "inspect": _inspect,
        "verified": _verified,
        # what the harness must notice
        "crash": _crash,
        "hungry": _hungry,
        "writes": _writes,
        "unpickles": _unpickles,
        "hangs": _hangs,
    }


def _judged(read: Callable[[str], Any], path: str) -> dict[str, Any]:
    """Read once; return what came of it."""
    from recover.core.errors import RecoverError
    from recover.io import FileError

    touched.clear()
    started = time.perf_counter()
    fault = None
    try:
        result = read(path)
        outcome = "read"
        if "object" in str(getattr(getattr(result, "dtype", None), "name", "")):
            fault = "an array of objects came back"
    except RecoverError as error:
        outcome, message = "refused", str(error)
        if "\n" in message or "\r" in message:
            fault = f"the message has several lines: {message!r}"
        elif Path(path).name not in message and isinstance(error, FileError):
            fault = f"the message does not name the file: {message!r}"
        elif _out_of_memory(error):
            fault = f"memory ran out before it was refused: {message!r}"
        if len(message) > 2000 and isinstance(error, FileError):
            fault = f"the message has {len(message)} characters"
    except BaseException as error:
        import traceback

        outcome = "raised"
        last = traceback.extract_tb(error.__traceback__)
        own = [f for f in last if "/recover/" in f.filename][-1:]
        where = f"{own[0].filename.rsplit('/', 1)[-1]}:{own[0].lineno}" if own else "?"
        fault = f"{type(error).__name__} at {where}: {str(error)[:300]!r}"
    if touched:
        fault = f"touched: {touched[:3]}"
    spent = time.perf_counter() - started
    return {"outcome": outcome, "fault": fault, "seconds": spent}


def _out_of_memory(error: BaseException | None) -> bool:
    """Return whether a `MemoryError` stands behind an error."""
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def main() -> None:
    """Answer lines until there are no more."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints is no answer
    logging.getLogger().addHandler(logging.NullHandler())  # as the command line does
    for name in _LOADED:
        importlib.import_module(name)
    readers = _readers()
    warnings.simplefilter("error")
    sys.addaudithook(_watch)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers.write('"ready"\n')
    lines, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO())
    for line in lines:
        kind, path = line.rstrip("\n").split("\t")
        # of its own time, so that a busy machine finds no hangs; and what only waits ends too
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        signal.alarm(PATIENCE)
        answer = _judged(readers[kind], path)
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
