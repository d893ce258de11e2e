"""Protocol between the API and its helper processes, over standard input and output.

A process reads one JSON request per line from standard input. It answers each on standard output with a line `{"kind":
"ok" or the family of an error, "last": …, "bytes": n}` and n bytes of JSON. An error has a `message` for the log and a
`problem` with `detail` and the members of the error; unexpected errors have no `problem`. The process ends when its
input ends, so none is left behind, or after an answer marked as the `last`.
"""

import json
import os
import traceback
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, NotRequired

from typing_extensions import TypedDict

from pipelines.core import orphans
from pipelines.core.errors import ForecastError, ModelError


class Head(TypedDict):
    """The header line of an answer: `ok` or the family of an error, and the number of bytes that follow."""

    kind: str
    message: NotRequired[str]
    problem: NotRequired[dict[str, Any]]  # arguments of `errors.Problem`: `detail` and the members of the error
    last: NotRequired[bool]
    bytes: int


Answer = Callable[[Any], Mapping[str, object]]  # maps a parsed request to its answer


def own_output() -> BinaryIO:
    """Standard output, reserved for answers: from here on, whatever libraries print goes to standard error.

    The process ends together with its parent, even in the middle of an answer, while the input is not read.
    """
    orphans.end_with(os.getppid())
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def serve(answer: Answer, requests: BinaryIO, answers: BinaryIO, is_spent: Callable[[], bool] = lambda: False) -> None:
    """Answers requests in turn until the input ends or `is_spent` is true; the first answer signals readiness."""
    _send(answers, {"kind": "ok"}, b"{}")
    for line in requests:
        head, body = _answered(answer, line)
        last = is_spent()
        _send(answers, {**head, "last": last}, body)
        if last:
            return


def _answered(answer: Answer, line: bytes) -> tuple[Mapping[str, object], bytes]:
    try:
        content = answer(json.loads(line))
        return {"kind": "ok"}, json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
    except ForecastError as error:
        problem = {"detail": error.text, **error.members()}
        return {"kind": error.family, "message": str(error), "problem": problem}, b""
    except ModuleNotFoundError as error:  # the API image lacks the libraries of some models
        remedy = "Publish with scripts/inference.py."
        missing = f"{error.name} is not installed where this service computes"
        told = ModelError(missing, code="package_not_installed", found=error.name, remedy=remedy)
        return {"kind": "NotInstalled", "message": str(told), "problem": {"detail": told.text, **told.members()}}, b""
    except Exception as error:  # noqa: BLE001 - models can raise anything; serving must go on
        traceback.print_exc()
        return {"kind": "Error", "message": f"{type(error).__name__}: {error}"}, b""


def _send(answers: BinaryIO, head: Mapping[str, object], body: bytes) -> None:
    answers.write(json.dumps({**head, "bytes": len(body)}).encode() + b"\n" + body)
    answers.flush()
