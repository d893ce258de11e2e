"""What goes out about data that came in, as the OpenAPI shows it."""

from typing import Any, Literal

from pydantic import BaseModel

from backend.core.paging import Page


class Check(BaseModel):
    name: str
    status: Literal["pass", "warn", "fail"]
    message: str
    count: int
    total: int
    examples: list[Any]


class QualityOut(BaseModel):
    workspace: str
    data_version: str
    status: Literal["pass", "warn", "fail"]
    synthetic: bool
    as_of: str
    frequency: str
    inferred: dict[str, str]
    counts: dict[str, int]
    checks: list[Check]


class RejectedOut(Page[dict[str, str | None]]):
    """Rows as they came, all values as text; `reason` says why one was rejected, `row` where it stood."""

    workspace: str
    data_version: str
