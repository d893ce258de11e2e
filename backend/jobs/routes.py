"""Jobs: the pipelines, started, followed and ended."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from backend.core.errors import Problem
from backend.core.queries import Paged
from backend.core.rate import MAX_BODY, key_of
from backend.core.responses import ServiceDep, note, problems, requires
from backend.core.service import Service
from backend.jobs.record import Job
from backend.jobs.schemas import JobDetail, JobId, JobIn, JobOut, JobQuery, JobsOut
from pipelines.core.errors import StoreError

router = APIRouter(tags=["jobs"])


@router.post(
    "/jobs",
    status_code=202,
    response_model=JobOut,
    responses=problems(400, 404, 409, 413),
    dependencies=[requires("analyst")],
    max_body_size=MAX_BODY,
)
async def start(wanted: JobIn, request: Request, response: Response, service: ServiceDep) -> Job:
    """Starts a pipeline in a process of its own; `Location` is where to follow it. One at a time in a workspace."""
    service.pointers(wanted.workspace)
    note(request, wanted.workspace)
    if service.stopping:
        raise Problem(503, "The service is being stopped. Try again in a few seconds.", headers={"Retry-After": "5"})
    by = key_of(request.scope).name
    job = await asyncio.to_thread(service.jobs.start, wanted.workspace, wanted.kind, by)
    response.headers["Location"] = f"{request.url.path}/{job.job_id}?workspace={job.workspace}"
    return job


@router.get("/jobs", response_model=JobsOut, responses=problems(404))
async def jobs(query: Annotated[Paged, Query()], request: Request, service: ServiceDep) -> dict[str, Any]:
    """The jobs of a workspace, newest first; the newest 50 are kept."""
    service.pointers(query.workspace)
    note(request, query.workspace)

    def read() -> tuple[int, list[Job | None]]:
        ids = service.jobs.ids(query.workspace)
        page = ids[query.offset : query.offset + query.limit]
        return len(ids), [service.jobs.get(query.workspace, job_id) for job_id in page]

    total, found = await asyncio.to_thread(read)
    return {
        "workspace": query.workspace,
        "total": total,
        "limit": query.limit,
        "offset": query.offset,
        "jobs": [job for job in found if job is not None],  # one may have been swept away meanwhile
    }


@router.get("/jobs/{job_id}", response_model=JobDetail, responses=problems(404))
async def job(
    job_id: Annotated[JobId, Path()], query: Annotated[JobQuery, Query()], request: Request, service: ServiceDep
) -> dict[str, Any]:
    """How a job stands, and the newest 200 lines of what its script has printed."""
    found = await _find(service, job_id, query.workspace)
    note(request, found.workspace)
    return {**vars(found), "log": await asyncio.to_thread(service.jobs.log, found)}


@router.delete(
    "/jobs/{job_id}",
    status_code=202,
    response_model=JobOut,
    responses=problems(404, 409),
    dependencies=[requires("analyst")],
)
async def cancel(
    job_id: Annotated[JobId, Path()], query: Annotated[JobQuery, Query()], request: Request, service: ServiceDep
) -> Job:
    """Ends a job with all that it has started: it is asked to end, and ended after some seconds. It is `cancelled` then."""
    found = await _find(service, job_id, query.workspace)
    note(request, found.workspace)
    await asyncio.to_thread(service.jobs.cancel, found, key_of(request.scope).name)
    return found


async def _find(service: Service, job_id: str, workspace: str | None) -> Job:
    """A job of the workspace, or of any; Problem 404."""
    if workspace is not None:
        service.pointers(workspace)
    for name in sorted(service.workspaces()) if workspace is None else [workspace]:
        try:
            if found := await asyncio.to_thread(service.jobs.get, name, job_id):
                return found
        except StoreError:
            if workspace is not None:
                raise  # of another workspace it is no reason not to look further
    where = "There is" if workspace is None else f"Workspace '{workspace}' has"
    raise Problem(404, f"{where} no job {job_id}.")
