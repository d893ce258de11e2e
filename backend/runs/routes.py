"""The registry: runs, what differs between two of them, whether they are intact, and the aliases."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from backend.core.access import Admin, Viewer
from backend.core.catalog import Run
from backend.core.errors import Problem
from backend.core.queries import Of, RunId, WorkspaceName
from backend.core.rate import MAX_BODY
from backend.core.responses import cached_json, encode, etag, problems
from backend.core.services import provided
from backend.runs.schemas import (
    AliasesOut,
    AliasIn,
    CalibrationOut,
    CompareOut,
    CompareQuery,
    RunDetail,
    RunsOut,
    RunsQuery,
    VerifyOut,
)
from backend.runs.service import Runs, moved_on
from pipelines.forecasting.promotion.compare import compare
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
_SUMMARY = ("metric", "champion", "baseline", "skill", "n_series")


@router.get("/runs", response_model=RunsOut, responses=problems(404))
async def runs(access: Viewer, query: Annotated[RunsQuery, Query()], runs: RunsDep) -> dict[str, Any]:
    """The finished runs of a workspace, newest first."""
    aliases, found = await runs.aliases(access.workspace), await runs.finished(access.workspace)
    kept = [run for run in found if query.status in (None, run.info.status)]
    return {
        "workspace": query.workspace,
        "total": len(kept),
        "limit": query.limit,
        "offset": query.offset,
        "runs": [_row(run, aliases) for run in kept[query.offset : query.offset + query.limit]],
    }


@router.get("/runs/compare", response_model=CompareOut, responses=problems(404))
async def compared(access: Viewer, query: Annotated[CompareQuery, Query()]) -> dict[str, Any]:
    """From run `a` to run `b`: settings, metrics, and the series that got better or worse."""
    a, b = await access.workspace.run(query.a), await access.workspace.run(query.b)
    return {"workspace": query.workspace, **await asyncio.to_thread(compare, a.folder, b.folder)}


@router.get("/runs/{run_id}", response_model=RunDetail, responses=problems(404))
async def run(
    access: Viewer, run_id: Annotated[RunId, Path()], query: Annotated[Of, Query()], runs: RunsDep
) -> dict[str, Any]:
    """One run: its settings, its figures and its card."""
    found = await access.workspace.run(run_id)
    files = found.folder.files
    card = await asyncio.to_thread(found.folder.read_text, "card.md") if "card.md" in files else None
    return {
        **_row(found, await runs.aliases(access.workspace)),
        **{key: getattr(found.info, key) for key in ("parent", "config", "config_hash", "summary", "libraries")},
        "stages": [stage.model_dump() for stage in found.info.stages],
        "card": card,
        "files": files,
    }


@router.get("/runs/{run_id}/verify", response_model=VerifyOut, responses=problems(404))
async def verify(
    access: Viewer, run_id: Annotated[RunId, Path()], query: Annotated[Of, Query()], runs: RunsDep
) -> dict[str, Any]:
    """Reads every file of the run again and compares it with what was written."""
    found = await access.workspace.run(run_id)
    wrong = await runs.verify(found)
    signed = found.folder.manifest.signature is not None
    return {"run_id": run_id, "intact": not wrong, "signed": signed, "files": len(found.folder.files), "wrong": wrong}


@router.get("/runs/{run_id}/calibration", response_model=CalibrationOut, responses=problems(304, 404))
async def calibration(
    access: Viewer, run_id: Annotated[RunId, Path()], query: Annotated[Of, Query()], request: Request
) -> Response:
    """What the intervals of a run covered in its backtest: over all points, by step and by segment."""
    found = await access.workspace.run(run_id)
    if CALIBRATION not in found.folder.files:
        raise Problem(404, f"The calibration of run {run_id} was not measured.")

    def render() -> dict[str, Any]:
        rows = found.folder.open_parquet(CALIBRATION).read().to_pylist()
        known = [{name: None if value != value else value for name, value in row.items()} for row in rows]
        return {"workspace": query.workspace, "run_id": run_id, "rows": known}

    return await cached_json(request, etag(run_id), render)


@router.get("/aliases", response_model=AliasesOut, responses=problems(404))
async def aliases(access: Viewer, query: Annotated[Of, Query()]) -> Response:
    """Which run each alias names. The ETag is what `PUT` wants in If-Match."""
    return _answer(query.workspace, await access.workspace.pointers())


@router.put(
    "/aliases/{name}",
    response_model=AliasesOut,
    responses=problems(400, 404, 409, 412, 413, 428),
    max_body_size=MAX_BODY,
    openapi_extra={"parameters": [_IF_MATCH]},  # read by hand: without it the answer is 428, not 422
)
async def move(
    access: Admin,
    name: Annotated[WorkspaceName, Path(description="Such as production or canary.")],
    wanted: AliasIn,
    query: Annotated[Of, Query()],
    request: Request,
    runs: RunsDep,
) -> Response:
    """Points an alias at a successful run, if nobody moved one since `If-Match` was read; the audit file keeps who and why."""
    expected = _expected(request, (await access.workspace.pointers()).version)
    return _answer(query.workspace, await runs.move_alias(access, name, wanted.run_id, wanted.reason, expected))


def _expected(request: Request, version: int) -> int | None:
    """The version that the client has seen, which must be the current one; None for `*` (If-Match, RFC 9110 §13.1.1)."""
    given = request.headers.get("if-match")
    if given is None:
        raise Problem(428, "Send the ETag of GET /aliases in If-Match, so that no one's change is overwritten.")
    if given.strip() == "*":
        return None  # whoever was first: the move is made on what there is then
    if f'"{version}"' not in [tag.strip() for tag in given.split(",")]:
        raise moved_on()
    return version


def _answer(workspace: str, pointers: Aliases) -> Response:
    content = {
        "workspace": workspace,
        "version": pointers.version,
        "aliases": [{**alias.model_dump(), "name": name} for name, alias in sorted(pointers.aliases.items())],
        "published": pointers.published.model_dump() if pointers.published else None,
    }
    headers = {"ETag": f'"{pointers.version}"', "Cache-Control": "private, no-cache"}
    return Response(encode(content), headers=headers, media_type="application/json")


def _row(run: Run, aliases: dict[str, str]) -> dict[str, Any]:
    info, summary = run.info, run.info.summary or {}
    return {
        "run_id": run.id,
        "status": info.status,
        "started_at": info.started_at,
        "finished_at": info.finished_at,
        "data_version": info.data.version,
        "code_version": info.code_version,
        "aliases": sorted(name for name, run_id in aliases.items() if run_id == run.id),
        **{key: summary.get(key) for key in _SUMMARY},
        "error": info.error,
    }
