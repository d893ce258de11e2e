"""Plugins: each file in a package is registered under its file name."""

import importlib
import pkgutil
from types import ModuleType
from typing import Any

from pipelines.core.errors import UnknownName

Params = dict[str, Any]  # arguments of a plugin's `build`, by name


def names(package: str) -> list[str]:
    """Registered names in `package`, sorted; files that start with an underscore are helpers."""
    path = importlib.import_module(package).__path__
    return sorted(module.name for module in pkgutil.iter_modules(path) if not module.name.startswith("_"))


def load(package: str, name: str) -> ModuleType:
    """The module registered as `name`; raises UnknownName with the valid names."""
    valid = names(package)
    if name not in valid:
        raise UnknownName(package.rpartition(".")[2].removesuffix("s"), name, valid)
    return importlib.import_module(f"{package}.{name}")
