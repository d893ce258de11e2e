"""What goes out about runs and aliases, as the OpenAPI shows it."""

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
    """`champion` and `baseline`: mean errors by `metric`, fractions where that is MAPE, sMAPE or WAPE, 0.123 = 12.3 %.

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
    """`summary`, `config`, `stages` and `libraries` as `run.json` has them; `card`: the run as a page of markdown."""

    parent: str | None
    config: dict[str, Any]
    config_hash: str | None
    libraries: dict[str, str]
    stages: list[dict[str, Any]]
    summary: dict[str, Any] | None
    card: str | None
    files: list[str]


class Coverage(BaseModel):
    """`coverage`: share of `n` points within the interval of `level`, a fraction, 0.801 = 80.1 %; `level`: nominal coverage
    in percent; `msis`: the mean scaled interval score.
    """

    level: int
    by: str
    group: str
    n: int
    n_effective: Annotated[float | None, Field(description="So many independent points they are worth.")] = None
    coverage: float | None
    msis: float | None


class CalibrationOut(BaseModel):
    """`by`: `all`, `step`, or the name of what the groups are."""

    workspace: str
    run_id: str
    rows: list[Coverage]


class VerifyOut(BaseModel):
    """Every file read again: `wrong` names those that are not what was written, or were added since."""

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
