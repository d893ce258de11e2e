"""Stored JSON as it is read back: whatever a damaged file holds, the result is the value or one clear ValueError."""

import json
from typing import Any

from pipelines.core.figures import known


def parse(content: bytes | str) -> Any:
    """Returns the JSON value. A number beyond all floats is null, as is NaN: no answer could hold either.

    ValueError for anything else, also for what is nested too deeply to be read.
    """
    try:
        return json.loads(content, parse_float=_finite, parse_constant=lambda _: None)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def parse_object(content: bytes | str) -> dict[str, Any]:
    """Returns the JSON object; the ValueError names what stands in its place."""
    found = parse(content)
    if not isinstance(found, dict):
        raise ValueError(f"found {json.dumps(found)[:40]}, expected a JSON object")
    return found


def why(error: ValueError) -> str:
    """Why `parse` refused, in a few words that fit into a sentence."""
    if isinstance(error, UnicodeDecodeError):
        return f"it is no UTF-8 (byte {error.start})"
    if isinstance(error, json.JSONDecodeError):
        return f"it is no JSON ({error.msg} in line {error.lineno})"
    return str(error)


def _finite(text: str) -> float | None:
    return known(float(text))
