"""Response models for errors."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

_KNOWN = Field(exclude_if=lambda value: value is None)  # an unknown member is omitted


class FieldError(BaseModel):
    """What is wrong with one field, with the values found and the remedy if they are known."""

    field: str
    message: str
    code: Annotated[str | None, _KNOWN] = None
    found: Annotated[Any, _KNOWN] = None
    remedy: Annotated[str | None, _KNOWN] = None


class HealthOut(BaseModel):
    status: Literal["ok"]
    version: str
    commit: Annotated[
        str | None, Field(description="The first 12 digits of the commit that the service was built from.")
    ] = None
    checks: list[dict[str, Any]] = []


class ProblemTypeOut(BaseModel):
    """A type of error: what it means, and what a client can do about it."""

    type: str
    title: str
    status: int
    description: str


class ProblemOut(BaseModel):
    """An error (RFC 9457). `detail` is for people and repeats what the members say.

    `code` is for programs: one of docs/ERRORS.md. `field`: the setting or parameter to correct. `found`: the values
    found. `remedy`: what to do. Unknown members are omitted.
    """

    type: Annotated[str, Field(description="The kind of error, as a reference to its page: `/errors/not-found`.")]
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    code: str | None = None
    field: str | None = None
    found: Any = None
    remedy: str | None = None
    errors: list[FieldError] = []
