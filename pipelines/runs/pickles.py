"""The only place that pickles and unpickles. A pickle is a program: it is loaded after its bytes have been verified."""

import io
import pickle
from typing import Any

from pipelines.core.errors import Untrusted
from pipelines.storage.folders import Folder

# Where the classes in runs of earlier releases are now: the first part of a module's name, as it was in 0.1.0.
MOVED = {"pipelines.models": "pipelines.forecasting.models", "pipelines.features": "pipelines.forecasting.features"}


def dump(value: object) -> bytes:
    """Return *value* as bytes that `load` understands."""
    return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)


def load(run: Folder, file: str) -> Any:
    """Return what `dump` has written into a file of *run*.

    It is loaded from the very bytes whose checksum the manifest has; the manifest's own signature was checked when *run*
    was opened. Raises Untrusted before anything is executed, and where this version of the code cannot load it.
    """
    content = run.read_bytes(file)
    try:
        return _Unpickler(io.BytesIO(content)).load()
    except Exception as error:  # classes that have changed answer with whatever they stumble over
        raise Untrusted(
            f"{run.where}/{file} cannot be loaded with this version of the code and its libraries ({error})",
            code="run_outdated",
            remedy="Train again.",
        ) from error


class _Unpickler(pickle.Unpickler):
    """Finds the classes of earlier releases where they are now."""

    def find_class(self, module: str, name: str) -> Any:
        for old, new in MOVED.items():
            if module == old or module.startswith(f"{old}."):
                module = new + module.removeprefix(old)
        return super().find_class(module, name)
