"""``recover list``."""

from __future__ import annotations

import inspect
from types import ModuleType

import click

__all__ = ["list_command"]


@click.command("list")
def list_command() -> None:
    """Show the frames, models, methods and priors found, a line each."""
    import recover.frames
    import recover.models
    import recover.priors
    import recover.solve
    from recover.core.discovery import concrete_classes

    kinds: list[tuple[str, ModuleType, type]] = [
        ("frames", recover.frames, recover.frames.Frame),
        ("models", recover.models, recover.models.Model),
        ("methods", recover.solve, recover.solve.Method),
        ("priors", recover.priors, recover.priors.Prior),
    ]
    for title, package, base in kinds:
        click.echo(f"{title}:")
        found = concrete_classes(package, base)
        width = max(map(len, found), default=0)
        for name, cls in found.items():
            summary = (inspect.getdoc(cls) or "").split("\n", 1)[0]
            click.echo(f"  {name:<{width}}  {summary}")
