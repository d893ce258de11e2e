"""Jobs: start, follow and cancel pipelines."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from backend.core.access import Analyst, Viewer
from backend.core.queries import Paged
from backend.core.rate import MAX_BODY
from backend.core.responses import problems
from backend.core.services import provided
from backend.jobs.record import Job
from backend.jobs.schemas import JobDetail, JobId, JobIn, JobOut, JobQuery, JobsOut
from backend.jobs.service import Jobs

router = APIRouter(tags=["jobs"])

JobsDep = Annotated[Jobs, provided(Jobs)]


@router.post(
    "/jobs",
    status_code=202,
    response_model=JobOut,
    responses=problems(400, 404, 409, 413),
    max_body_size=MAX_BODY,
)
async def start(access: Analyst, wanted: JobIn, request: Request, response: Response, jobs: JobsDep) -> Job:
    """Starts a pipeline in a separate process; `Location` is its status URL. One job at a time per workspace."""
    job = await jobs.submit(access, wanted.kind)
    response.headers["Location"] = f"{request.url.path}/{job.job_id}?workspace={job.workspace}"
    return job


@router.get("/jobs", responses=problems(404))
async def jobs(access: Viewer, query: Annotated[Paged, Query()], jobs: JobsDep) -> JobsOut:
    """The jobs of a workspace, newest first; the newest 50 are kept."""
    total, page = await jobs.page(access.workspace, query.offset, query.limit)
    return JobsOut(
        items=[JobOut.model_validate(job) for job in page],
        total=total,
        limit=query.limit,
        offset=query.offset,
        workspace=query.workspace,
    )


@router.get("/jobs/{job_id}", responses=problems(404))
async def job(
    access: Viewer, job_id: Annotated[JobId, Path()], query: Annotated[JobQuery, Query()], jobs: JobsDep
) -> JobDetail:
    """The state of a job, and the newest 200 lines of its output."""
    job = await jobs.find(access, job_id)
    return JobDetail(**vars(job), log=await jobs.log(job))


@router.delete(
    "/jobs/{job_id}",
    status_code=202,
    response_model=JobOut,
    responses=problems(404, 409),
)
async def cancel(
    access: Analyst, job_id: Annotated[JobId, Path()], query: Annotated[JobQuery, Query()], jobs: JobsDep
) -> Job:
    """Cancels a job and all processes it started. They are asked to stop, and killed after some seconds; the job is
    then `cancelled`.
    """
    job = await jobs.find(access, job_id)
    await jobs.cancel(access, job)
    return job
