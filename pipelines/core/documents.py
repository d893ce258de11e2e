"""Stored JSON, validated when it is read: a damaged file gives one clear error."""

import json
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from pipelines.core.errors import StoreError
from pipelines.core.figures import known

Json = dict[str, JsonValue]  # a JSON object


class Stored(BaseModel):
    """A JSON object with known keys. Later versions may add some, so unknown keys are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Record(Stored):
    """A JSON file. `remedy`: what to do if it cannot be used."""

    remedy: ClassVar[str] = "Restore it from a backup."
    fault: ClassVar[type[StoreError]] = StoreError

    @classmethod
    def upgraded(cls, values: Json) -> Json:
        """The values converted from the format of an earlier version to the current one."""
        return values

    @classmethod
    def parse(cls, content: bytes, where: str) -> Self:
        """The record in `content`; the error names the file `where`, the field, the value found and the remedy."""
        try:
            return cls.model_validate(cls.upgraded(parse_object(content)))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join(map(str, first["loc"]))
            reason = f"{key}: found {first['input']!r:.60}: {first['msg'][0].lower()}{first['msg'][1:]}"
            if first["type"] == "missing":
                reason = f"{key} is missing"
        except ValueError as error:
            reason = why(error)
        raise cls.fault(f"{where} cannot be used ({reason})", remedy=cls.remedy) from None


def parse(content: bytes | str) -> Any:
    """Returns the JSON value. NaN and numbers beyond the range of floats become null, since JSON cannot hold them.

    Raises ValueError for invalid JSON, including JSON that is nested too deeply.
    """
    try:
        return json.loads(content, parse_float=_finite, parse_constant=lambda _: None)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def parse_object(content: bytes | str) -> Json:
    """Returns the JSON object; the ValueError names what was found instead."""
    document = parse(content)
    if not isinstance(document, dict):
        raise ValueError(f"found {json.dumps(document)[:40]}, expected a JSON object")
    return document


def why(error: ValueError) -> str:
    """The reason why `parse` failed, as a short clause."""
    if isinstance(error, UnicodeDecodeError):
        return f"it is no UTF-8 (byte {error.start})"
    if isinstance(error, json.JSONDecodeError):
        return f"it is no JSON ({error.msg} in line {error.lineno})"
    return str(error)


def _finite(text: str) -> float | None:
    return known(float(text))
