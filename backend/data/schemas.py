"""Response models for data quality and rejected rows."""

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
    """Rejected rows as received, all values as text; `reason` says why a row was rejected, `row` is its position in the
    file.
    """

    workspace: str
    data_version: str
