"""``recover verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from recover.audio import ChannelLevels
from recover.audio.reprove import parts_faults, recording_faults
from recover.certificates.certificate import Certificate
from recover.certificates.verify import verify
from recover.cli.measurement import model_of
from recover.cli.output import complain, read_certificate, read_json
from recover.core.errors import ParameterError, RecoverError
from recover.image.reprove import image_faults
from recover.io.atomic import STANDARD
from recover.io.audio_read import open_audio
from recover.io.guard import printable
from recover.io.namesake import namesake
from recover.layers.reprove import layer_faults, stack_faults
from recover.models.base import Model
from recover.phase.reprove import phase_faults

__all__ = ["verify_command"]

REFUSED = 1
_LONGEST = 1000  # letters of a file's name
_SAID = 8  # reasons that are printed
_DAMAGE = (KeyError, TypeError, IndexError, AttributeError, ValueError, OverflowError)


@click.command("verify")
@click.argument("certificate", metavar="C.json")
@click.argument("source", metavar="[INPUT]", required=False)
def verify_command(certificate: str, source: str | None) -> int:
    """Prove a certificate again from its own evidence; exit status 0 only if that succeeds.

    INPUT is the clipped recording or image, the patterns without phase, or the frame that it
    speaks of; the name in the file is taken otherwise.  Of a file that speaks of several
    inputs all are proved again, or only the one that is named.
    """
    data = read_json(Path(certificate))
    if not isinstance(data, list):
        return _of_one(data, source, certificate)
    return _of_many(data, source, certificate)


def _of_many(entries: list[Any], source: str | None, name: str) -> int:
    """Prove again what was said of several files; 0 only if all of it could be."""
    if source is not None:
        base = Path(source).name
        entries = [
            each
            for each in entries
            if isinstance(each, dict) and Path(str(each.get("input", ""))).name == base
        ]
    if not entries:
        about = "" if source is None else f" of {Path(source).name}"
        raise ParameterError(f"{name} holds no certificate{about}; give a file of --json")
    status = 0
    for entry in entries:
        about = str(entry.get("input", "?")) if isinstance(entry, dict) else "?"
        about = printable(about, _LONGEST) + ": "
        try:
            status = max(status, _of_one(entry, source, name, about))
        except RecoverError as error:
            complain(f"{about}{error}")
            status = REFUSED
    return status


def _of_one(data: Any, source: str | None, certificate: str, about: str = "") -> int:
    """Prove again what was said of one file, and say how that went."""
    if isinstance(data, dict) and "weights" in data and "certificates" in data:
        return _of_stack(data, source, certificate)
    if not isinstance(data, dict) or "certificate" not in data:
        raise ParameterError(f"{certificate} holds no certificate; give a file of --json")
    promise = read_certificate(Path(certificate), data)
    parts = data.get("parts") or []
    reasons = _faults(data, promise, source, certificate)
    if reasons:
        for reason in reasons[:_SAID]:
            complain(f"{about}refused: {reason}")
        if len(reasons) > _SAID:
            complain(f"{about}and {len(reasons) - _SAID} more reasons")
        return REFUSED
    bound = "infinite" if not promise.finite else f"{promise.error_bound:.6g}"
    kappa = f"kappa in [{promise.kappa.lower:.6g}, {promise.kappa.upper:.6g}]"
    if "weights" in data:
        kappa = f"{data['verdict']}, {kappa}"
    click.echo(
        f"{about}accepted: {kappa}, error bound {bound}, scope {promise.scope.kind}, "
        f"{promise.rigor}"
    )
    if promise.reason is not None:
        click.echo(f"{about}reason: {promise.reason}")
    if parts:
        finite = sum(part["error_bound"] != "inf" for part in parts)
        click.echo(
            f"{about}accepted: {len(parts)} conditional parts, {finite} with a finite bound, "
            "each on condition of its own hypothesis"
        )
    return 0


def _faults(
    data: dict[str, Any], promise: Certificate, source: str | None, name: str
) -> tuple[str, ...]:
    """Return what could not be proved again of what was said of one input."""
    if "weights" in data:
        return _of_layer(data, promise, source, name)
    if "model" in data:
        return verify(promise, _model(data, source, name)).reasons
    if data.get("kind") == "image":
        return _of_image(data, promise, source, name)
    if data.get("kind") == "phase":
        return _of_phase(data, promise, source, name)
    return _of_recording(data, data.get("parts") or [], promise, source, name)


def _of_stack(data: dict[str, Any], source: str | None, name: str) -> int:
    """Prove again what was said of a stack of layers, and say how that went."""
    try:
        reasons = stack_faults(_input(data, source, name), data)
    except RecoverError:
        raise
    except _DAMAGE as error:
        raise _damaged(name, error) from None
    for reason in reasons[:_SAID]:
        complain(f"refused: {reason}")
    if reasons:
        return REFUSED
    lower = float(data["kappa"]["lower"])
    click.echo(f"accepted: {data['verdict']}, kappa of the whole at least {lower:.6g}")
    return 0


def _of_layer(
    data: dict[str, Any], promise: Certificate, source: str | None, name: str
) -> tuple[str, ...]:
    """Return what could not be proved again of what was said of one layer."""
    try:
        return layer_faults(_input(data, source, name), data, promise)
    except RecoverError:
        raise
    except _DAMAGE as error:
        raise _damaged(name, error) from None


def _model(data: dict[str, Any], source: str | None, name: str) -> Model:
    """Return the model that the certificate speaks of, made anew from the input."""
    try:
        path = _input(data, source, name)
        return model_of(path, data["model"])
    except RecoverError:
        raise
    except _DAMAGE as error:
        raise _damaged(name, error) from None


def _of_recording(
    data: dict[str, Any], parts: Any, promise: Certificate, source: str | None, name: str
) -> tuple[str, ...]:
    """Return what could not be proved again of the certificates of a recording."""
    try:
        path = _input(data, source, name)
        levels = tuple(ChannelLevels(**entry) for entry in data["detection"])
        tolerance = float(data["tolerance"])
    except RecoverError:
        raise
    except _DAMAGE as error:
        raise _damaged(name, error) from None
    try:
        with open_audio(path) as recording:
            faults = recording_faults(recording, levels, tolerance, promise)
            return (*faults, *parts_faults(recording, levels, parts))
    except RecoverError:
        raise
    except _DAMAGE as error:
        raise _damaged(name, error) from None


def _of_image(
    data: dict[str, Any], promise: Certificate, source: str | None, name: str
) -> tuple[str, ...]:
    """Return what could not be proved again of the certificate of an image."""
    try:
        path = _input(data, source, name)
        return image_faults(path, data, promise)
    except RecoverError:
        raise
    except _DAMAGE as error:
        raise _damaged(name, error) from None


def _of_phase(
    data: dict[str, Any], promise: Certificate, source: str | None, name: str
) -> tuple[str, ...]:
    """Return what could not be proved again of the certificate of a phase retrieval."""
    try:
        path = _input(data, source, name)
        return phase_faults(path, data, promise, (Path(name).parent, Path(path).parent))
    except RecoverError:
        raise
    except _DAMAGE as error:
        raise _damaged(name, error) from None


def _input(data: dict[str, Any], source: str | None, name: str) -> str:
    """Return the file that was given, or else the one that the certificate names.

    If that is not there, its namesake beside the certificate: they were moved together.  What
    bears the name of the output as well is not taken: it may be that.
    """
    if source is not None:
        return source
    path = str(data["input"])
    if path == STANDARD:
        raise ParameterError("the certificate speaks of standard input; name the INPUT")
    if len(path) > _LONGEST:
        raise ParameterError(f"the certificate names an input of {len(path)} letters; name it")
    if Path(str(data.get("output", ""))).name == Path(path).name:
        return path
    return namesake(path, (Path(name).parent,)) or path


def _damaged(name: str, error: Exception) -> ParameterError:
    return ParameterError(f"{name} is damaged: {printable(repr(error))}; write it again")
