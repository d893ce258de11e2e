"""Pickling and unpickling, done only here. A pickle can execute code, so its bytes are verified before loading."""

import io
import pickle
from typing import Any

from pipelines.core.errors import Untrusted
from pipelines.storage.folders import Folder

# Current locations of classes in runs of earlier releases, by the first part of the module's name in 0.1.0.
MOVED = {"pipelines.models": "pipelines.forecasting.models", "pipelines.features": "pipelines.forecasting.features"}


def dump(value: object) -> bytes:
    """Return *value* as bytes that `load` understands."""
    return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)


def load(run: Folder, file: str) -> Any:
    """Return the object that `dump` has written into a file of *run*.

    It is loaded from the same bytes that were checked against the manifest, whose signature was checked when *run* was
    opened. Raises Untrusted before anything is executed, or if this version of the code cannot load it.
    """
    content = run.read_bytes(file)
    try:
        return _Unpickler(io.BytesIO(content)).load()
    except Exception as error:  # changed classes can raise anything
        raise Untrusted(
            f"{run.where}/{file} cannot be loaded with this version of the code and its libraries ({error})",
            code="run_outdated",
            remedy="Train again.",
        ) from error


class _Unpickler(pickle.Unpickler):
    """Finds the classes of earlier releases at their current locations."""

    def find_class(self, module: str, name: str) -> Any:
        for old, new in MOVED.items():
            if module == old or module.startswith(f"{old}."):
                module = new + module.removeprefix(old)
        return super().find_class(module, name)
