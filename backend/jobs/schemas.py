"""Requests and responses for jobs."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from backend.core.paging import Page
from backend.core.queries import In, Of, Version, WorkspaceName
from backend.jobs.record import Kind, LogLine, State, Unknown
from backend.jobs.record import Kind as JobKind

JobId = Annotated[Version, Field(description="A job.")]


class JobIn(Of):
    kind: Annotated[
        JobKind, Field(description="run_all: what is not up to date of etl, train, inference and monitoring.")
    ]


class JobQuery(In):
    workspace: Annotated[WorkspaceName | None, Field(description="Without it, all are looked through.")] = None


class Progress(BaseModel):
    """Progress of the script; `done` and `total` if it counts steps."""

    stage: str
    done: int | None
    total: int | None


class JobOut(BaseModel):
    """A job. `error`: the reason of a failure, for people. `kind` is `unknown` if the record of the job is damaged."""

    model_config = ConfigDict(from_attributes=True)
    job_id: str
    workspace: str
    kind: Kind | Unknown
    state: State
    by: str
    created_at: str
    started_at: str | None
    finished_at: str | None
    progress: Progress | None
    error: str | None


class JobDetail(JobOut):
    log: list[LogLine]


class JobsOut(Page[JobOut]):
    workspace: str
