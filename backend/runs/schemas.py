"""Requests and responses for runs and aliases."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from backend.core.paging import Page
from backend.core.queries import In, Of, Paged, RunId, said

RunStatus = Literal["success", "failed"]


class RunsQuery(Paged):
    status: RunStatus | None = None


class CompareQuery(Of):
    a: RunId
    b: RunId


class AliasIn(In):
    run_id: RunId
    reason: Annotated[str, said(500)]


class RunOut(BaseModel):
    """A run. `champion` and `baseline`: mean errors in `metric`; MAPE, sMAPE and WAPE are fractions, 0.123 = 12.3 %.

    `skill`: one minus their ratio, a fraction.
    """

    run_id: str
    status: str
    started_at: str | None
    finished_at: str | None
    data_version: str | None
    code_version: str | None
    aliases: list[str]
    metric: str | None
    champion: float | None
    baseline: float | None
    skill: float | None
    n_series: int | None
    error: str | None


class RunsOut(Page[RunOut]):
    workspace: str


class RunDetail(RunOut):
    """A run in detail. `summary`, `config`, `stages` and `libraries` are as in `run.json`; `card` is markdown."""

    parent: str | None
    config: dict[str, Any]
    config_hash: str | None
    libraries: dict[str, str]
    stages: list[dict[str, Any]]
    summary: dict[str, Any] | None
    card: str | None
    files: list[str]


class Coverage(BaseModel):
    """Coverage of one level. `coverage`: share of `n` points within the interval, a fraction, 0.801 = 80.1 %; `level`:
    nominal coverage in percent; `msis`: the mean scaled interval score.
    """

    level: int
    by: str
    group: str
    n: int
    n_effective: Annotated[float | None, Field(description="So many independent points they are worth.")] = None
    coverage: float | None
    msis: float | None


class CalibrationOut(BaseModel):
    """Coverage by group. `by`: `all`, `step`, or the attribute that defines the groups."""

    workspace: str
    run_id: str
    rows: list[Coverage]


class VerifyOut(BaseModel):
    """Result of reading every file again: `wrong` names files that were changed or added since the run was written."""

    run_id: str
    intact: bool
    signed: bool
    files: int
    wrong: list[str]


class AliasOut(BaseModel):
    name: str
    run_id: str
    at: str
    by: str
    reason: str
    previous: str | None


class AliasesOut(BaseModel):
    workspace: str
    version: int
    aliases: list[AliasOut]
    published: dict[str, str] | None
