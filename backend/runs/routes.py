"""The registry: runs, comparison of two runs, verification, and aliases."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from backend.core.access import Admin, Viewer
from backend.core.catalog import Run
from backend.core.errors import Problem
from backend.core.queries import Of, RunId, WorkspaceName
from backend.core.rate import MAX_BODY
from backend.core.responses import REVALIDATED, problems, revalidate
from backend.core.services import provided
from backend.runs.schemas import (
    AliasesOut,
    AliasIn,
    AliasOut,
    CalibrationOut,
    CompareQuery,
    Coverage,
    RunDetail,
    RunOut,
    RunsOut,
    RunsQuery,
    VerifyOut,
)
from backend.runs.service import Runs, moved_on
from pipelines.core.figures import known
from pipelines.forecasting.promotion.compare import CompareOut, compare
from pipelines.storage.catalog import CALIBRATION
from pipelines.storage.pointers import Aliases

router = APIRouter(tags=["runs"])

RunsDep = Annotated[Runs, provided(Runs)]

_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "title": "If-Match"},
    "description": "The ETag of GET /aliases, or *.",
}


@router.get("/runs", responses=problems(404))
async def runs(access: Viewer, query: Annotated[RunsQuery, Query()], runs: RunsDep) -> RunsOut:
    """The finished runs of a workspace, newest first."""
    aliases, finished = await runs.aliases(access.workspace), await runs.finished(access.workspace)
    kept = [run for run in finished if query.status in (None, run.info.status)]
    return RunsOut(
        items=[_row(run, aliases) for run in query.cut(kept)],
        total=len(kept),
        limit=query.limit,
        offset=query.offset,
        workspace=query.workspace,
    )


@router.get("/runs/compare", responses=problems(404))
async def compared(access: Viewer, query: Annotated[CompareQuery, Query()]) -> CompareOut:
    """Changes from run `a` to run `b`: settings, metrics, and the series that got better or worse."""
    a, b = await access.workspace.run(query.a), await access.workspace.run(query.b)
    return await asyncio.to_thread(compare, a.folder, b.folder)


@router.get("/runs/{run_id}", responses=problems(404))
async def run(
    access: Viewer, run_id: Annotated[RunId, Path()], query: Annotated[Of, Query()], runs: RunsDep
) -> RunDetail:
    """One run: its settings, figures and card."""
    run = await access.workspace.run(run_id)
    files = run.folder.files
    card = await asyncio.to_thread(run.folder.read_text, "card.md") if "card.md" in files else None
    info = run.info
    return RunDetail(
        **dict(_row(run, await runs.aliases(access.workspace))),
        **{key: getattr(info, key) for key in ("parent", "config", "config_hash", "summary", "libraries")},
        stages=[stage.model_dump() for stage in info.stages],
        card=card,
        files=files,
    )


@router.get("/runs/{run_id}/verify", responses=problems(404))
async def verify(
    access: Viewer, run_id: Annotated[RunId, Path()], query: Annotated[Of, Query()], runs: RunsDep
) -> VerifyOut:
    """Reads every file of the run again and compares it with its recorded checksum."""
    run = await access.workspace.run(run_id)
    wrong = await runs.verify(run)
    signed = run.folder.manifest.signature is not None
    return VerifyOut(run_id=run_id, intact=not wrong, signed=signed, files=len(run.folder.files), wrong=wrong)


@router.get("/runs/{run_id}/calibration", responses=problems(304, 404))
async def calibration(
    access: Viewer,
    run_id: Annotated[RunId, Path()],
    query: Annotated[Of, Query()],
    request: Request,
    response: Response,
) -> CalibrationOut:
    """Coverage of a run's intervals in its backtest: overall, by step and by segment."""
    run = await access.workspace.run(run_id)
    if CALIBRATION not in run.folder.files:
        raise Problem(404, f"The calibration of run {run_id} was not measured.")
    revalidate(request, response, run_id)

    def render() -> CalibrationOut:
        rows = run.folder.open_parquet(CALIBRATION).read().to_pylist()
        groups = [Coverage.model_validate({name: known(value) for name, value in row.items()}) for row in rows]
        return CalibrationOut(workspace=query.workspace, run_id=run_id, rows=groups)

    return await asyncio.to_thread(render)


@router.get("/aliases", responses=problems(404))
async def aliases(access: Viewer, query: Annotated[Of, Query()], response: Response) -> AliasesOut:
    """The run of each alias. Pass the ETag in If-Match to `PUT`."""
    return _answer(response, query.workspace, await access.workspace.pointers())


@router.put(
    "/aliases/{name}",
    responses=problems(400, 404, 409, 412, 413, 428),
    max_body_size=MAX_BODY,
    openapi_extra={"parameters": [_IF_MATCH]},  # parsed in the route: if it is missing, the status is 428, not 422
)
async def move(
    access: Admin,
    name: Annotated[WorkspaceName, Path(description="Such as production or canary.")],
    wanted: AliasIn,
    query: Annotated[Of, Query()],
    request: Request,
    response: Response,
    runs: RunsDep,
) -> AliasesOut:
    """Points an alias at a successful run, unless an alias has moved since `If-Match` was read. The audit file records
    who and why.
    """
    expected = _expected(request, (await access.workspace.pointers()).version)
    moved = await runs.move_alias(access, name, wanted.run_id, wanted.reason, expected)
    return _answer(response, query.workspace, moved)


def _expected(request: Request, version: int) -> int | None:
    """The version that the client has seen, which must still be current; None for `*` (If-Match, RFC 9110 §13.1.1)."""
    given = request.headers.get("if-match")
    if given is None:
        raise Problem(428, "Send the ETag of GET /aliases in If-Match, so that no one's change is overwritten.")
    if given.strip() == "*":
        return None  # applies to whatever version is current
    if f'"{version}"' not in [tag.strip() for tag in given.split(",")]:
        raise moved_on()
    return version


def _answer(response: Response, workspace: str, pointers: Aliases) -> AliasesOut:
    """The aliases, with their version as a strong ETag."""
    response.headers.update({"ETag": f'"{pointers.version}"', "Cache-Control": REVALIDATED})
    return AliasesOut(
        workspace=workspace,
        version=pointers.version,
        aliases=[AliasOut(**{**alias.model_dump(), "name": name}) for name, alias in sorted(pointers.aliases.items())],
        published=pointers.published.model_dump() if pointers.published else None,
    )


def _row(run: Run, aliases: dict[str, str]) -> RunOut:
    info, summary = run.info, run.info.summary or {}
    facts = {name: getattr(info, name) for name in ("status", "started_at", "finished_at", "code_version", "error")}
    figures = {name: summary.get(name) for name in ("metric", "champion", "baseline", "skill", "n_series")}
    named = sorted(name for name, run_id in aliases.items() if run_id == run.id)
    return RunOut.model_validate(
        {"run_id": run.id, **facts, "data_version": info.data.version, "aliases": named, **figures}
    )
