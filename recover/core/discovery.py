"""Finding the concrete classes of a package: nothing is registered anywhere."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import Any

__all__ = ["concrete_classes"]


def concrete_classes(package: ModuleType, base: type) -> dict[str, type[Any]]:
    """Return the concrete public subclasses of `base` defined in the modules of `package`.

    The modules are imported when this is called, never before.

    Parameters
    ----------
    package : module
        The package whose modules are searched (not its sub-packages).
    base : type
        The abstract class.

    Returns
    -------
    dict of str to type
        Sorted by name.
    """
    modules = [
        importlib.import_module(f"{package.__name__}.{info.name}")
        for info in pkgutil.iter_modules(package.__path__)
    ]
    found = {
        name: member
        for module in modules
        for name, member in vars(module).items()
        if inspect.isclass(member)
        and issubclass(member, base)
        and not inspect.isabstract(member)
        and member.__module__ == module.__name__
        and not name.startswith("_")
    }
    return dict(sorted(found.items()))
