"""What goes out, as the OpenAPI shows it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

Stamp = Annotated[
    str, Field(description="A date for steps of a day or more, else a time with the offset of the workspace's zone.")
]


class FieldError(BaseModel):
    field: str
    message: str


class HealthOut(BaseModel):
    status: Literal["ok"]
    version: str
    checks: list[dict[str, Any]] = []


class ProblemOut(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[FieldError] = []
