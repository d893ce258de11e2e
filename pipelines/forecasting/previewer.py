"""The process that looks at uploads for the API: `python -m pipelines.forecasting.previewer <MiB>`, by `pipelines.core.pipe`.

It is a process of its own, since a table from outside may take long and much: nobody's forecast waits for it, and it
takes no more address space than it is given, so that a table which needs more is refused and nothing else suffers.
"""

import contextlib
import resource
import sys
from typing import Any

from pipelines.core import config, environment, pipe
from pipelines.forecasting import preview
from pipelines.storage import catalog

_LARGE = 768 * 2**20  # bytes of memory: a process that once took more ends, which gives all of it back


def main() -> None:
    """Serves the standard input."""
    answers = pipe.own_output()
    most = int(sys.argv[1]) * 2**20
    with contextlib.suppress(ValueError, OSError):  # macOS does not know this limit
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    reader = catalog.reader(config.load_project(), *environment.signing())

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        return preview.preview(reader, request)

    at_first = _largest()  # Linux counts what the process that started this one had taken
    pipe.serve(answer, sys.stdin.buffer, answers, lambda: _largest() > max(_LARGE, at_first))


def _largest() -> int:
    """The most memory that this process has held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
