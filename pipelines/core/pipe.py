"""Requests and answers of a process that works for the API, by its standard streams.

It reads a request a line on its standard input, as JSON, and answers each on its standard output with a line
`{"kind": "ok" or the family of an error, "last": …, "bytes": n}` and n bytes of JSON. Of an error, `message` is for the log,
and `problem` holds `detail` and the members of the error; one that nobody expected has none. The process ends with its input,
so whoever started it leaves nothing behind, or after an answer that says that it is the `last`.
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
    """The line before an answer: `ok` or the family of an error, and how many bytes follow."""

    kind: str
    message: NotRequired[str]
    problem: NotRequired[dict[str, Any]]  # as `errors.Problem` takes it: `detail`, and the members of the error
    last: NotRequired[bool]
    bytes: int


Answer = Callable[[Any], Mapping[str, object]]  # of a request, as its JSON was read


def own_output() -> BinaryIO:
    """The standard output, for answers alone: whatever a library prints goes to the standard error from here on.

    The process ends with the one that started it, also in the middle of an answer, when nobody looks at the input.
    """
    orphans.end_with(os.getppid())
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def serve(answer: Answer, requests: BinaryIO, answers: BinaryIO, is_spent: Callable[[], bool] = lambda: False) -> None:
    """Answers one request after the other until there are no more, or it `is_spent`; the first answer says that it is ready."""
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
    except ModuleNotFoundError as error:  # the image of the API has not the libraries of every model
        remedy = "Publish with scripts/inference.py."
        missing = f"{error.name} is not installed where this service computes"
        told = ModelError(missing, code="package_not_installed", found=error.name, remedy=remedy)
        return {"kind": "NotInstalled", "message": str(told), "problem": {"detail": told.text, **told.members()}}, b""
    except Exception as error:  # noqa: BLE001 - models raise anything, and the next request must be answered
        traceback.print_exc()
        return {"kind": "Error", "message": f"{type(error).__name__}: {error}"}, b""


def _send(answers: BinaryIO, head: Mapping[str, object], body: bytes) -> None:
    answers.write(json.dumps({**head, "bytes": len(body)}).encode() + b"\n" + body)
    answers.flush()
