"""Preview process of the API, `python -m pipelines.forecasting.previewer <MiB>`; protocol: `pipelines.core.pipe`.

A separate process, since uploaded tables may take much time and memory: forecasts do not wait for it, and its address
space is limited, so that a table that needs more is refused without affecting anything else.
"""

import contextlib
import resource
import sys
from typing import Any

from pipelines.core import config, environment, pipe
from pipelines.forecasting import preview
from pipelines.storage import catalog

_LARGE = 768 * 2**20  # bytes; a process that has used more memory ends, to return it


def main() -> None:
    """Answers the requests on standard input."""
    answers = pipe.own_output()
    most = int(sys.argv[1]) * 2**20
    with contextlib.suppress(ValueError, OSError):  # macOS lacks this limit
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    reader = catalog.reader(config.load_project(), *environment.signing())

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        return preview.preview(reader, request)

    at_first = _largest()  # Linux includes the peak of the parent process
    pipe.serve(answer, sys.stdin.buffer, answers, lambda: _largest() > max(_LARGE, at_first))


def _largest() -> int:
    """The peak memory of this process in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
