"""``recover verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from recover.audio import ChannelLevels, channel_problems
from recover.certificates.certificate import Certificate
from recover.certificates.verify import verify
from recover.cli.measurement import model_of
from recover.cli.output import complain, read_certificate, read_json
from recover.core.errors import ParameterError
from recover.io.audio_read import read_audio
from recover.layers.app import layer_model
from recover.models.base import Model
from recover.models.problem import Problem

__all__ = ["verify_command"]

REFUSED = 1


@click.command("verify")
@click.argument("certificate", metavar="C.json")
@click.argument("source", metavar="[INPUT]", required=False)
def verify_command(certificate: str, source: str | None) -> int:
    """Prove a certificate again from its own evidence; exit status 0 only if that succeeds.

    INPUT is the clipped recording or the frame that it speaks of; the name in the file is taken
    otherwise.
    """
    data = read_json(Path(certificate))
    if not isinstance(data, dict) or "certificate" not in data:
        raise ParameterError(f"{certificate} holds no certificate; give a file of --json")
    promise = read_certificate(Path(certificate), data)
    verdict = verify(promise, _subject(data, promise, source, certificate))
    if not verdict.accepted:
        for reason in verdict.reasons:
            complain(f"refused: {reason}")
        return REFUSED
    bound = "infinite" if not promise.finite else f"{promise.error_bound:.6g}"
    kappa = f"kappa in [{promise.kappa.lower:.6g}, {promise.kappa.upper:.6g}]"
    click.echo(
        f"accepted: {kappa}, error bound {bound}, scope {promise.scope.kind}, {promise.rigor}"
    )
    if promise.reason is not None:
        click.echo(f"reason: {promise.reason}")
    return 0


def _subject(
    data: dict[str, Any], promise: Certificate, source: str | None, name: str
) -> Model | Problem | tuple[Problem, ...]:
    """Return what the certificate speaks of, made anew from the input."""
    if "model" in data:
        try:
            return model_of(str(data["input"]) if source is None else source, data["model"])
        except (KeyError, TypeError, AttributeError) as error:
            raise ParameterError(f"{name} is damaged: {error!r}; write it again") from None
    if "weights" in data:
        try:
            path, names = str(data["input"]) if source is None else source, data["weights"]
            return layer_model(path, str(names[0]))
        except (KeyError, TypeError, IndexError) as error:
            raise ParameterError(f"{name} is damaged: {error!r}; write it again") from None
    problems = _recording(data, source, name)
    return problems if promise.parts is not None else problems[0]


def _recording(data: dict[str, Any], source: str | None, name: str) -> tuple[Problem, ...]:
    """Return the measurements of the recording, made anew from the file and the levels."""
    try:
        path = str(data["input"]) if source is None else source
        levels = tuple(ChannelLevels(**entry) for entry in data["detection"])
        tolerance = float(data["tolerance"])
    except (KeyError, TypeError, ValueError) as error:
        raise ParameterError(f"{name} is damaged: {error!r}; write it again") from None
    return channel_problems(read_audio(path).samples, levels, tolerance)
