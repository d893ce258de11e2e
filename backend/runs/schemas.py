"""What goes out about runs and aliases, as the OpenAPI shows it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

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


class RunsOut(BaseModel):
    workspace: str
    total: int
    limit: int
    offset: int
    runs: list[RunOut]


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


class Change(BaseModel):
    """A setting that two runs have differently, by its dotted name; null where one has it not."""

    key: str
    a: Any
    b: Any


class Delta(BaseModel):
    """A figure of both runs and its difference; skill, coverage, MAPE, sMAPE and WAPE are fractions, 0.801 = 80.1 %."""

    metric: str
    a: float | None
    b: float | None
    delta: float | None


class SeriesDelta(BaseModel):
    unique_id: str
    a: float
    b: float
    delta: float
    model_a: str
    model_b: str


class CompareOut(BaseModel):
    """From run `a` to run `b`. A negative delta of an error is better. `better` and `worse` begin with the largest. Where the
    errors are not of the same thing, such as other windows, `comparable` is false, deltas are null and no series is counted."""

    workspace: str
    a: str
    b: str
    metric: str
    comparable: bool
    reason: str
    config: list[Change]
    metrics: list[Delta]
    n_better: int
    n_worse: int
    n_equal: int
    better: list[SeriesDelta]
    worse: list[SeriesDelta]


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
