"""The quality checks of a workspace's data, and its rejected rows."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from backend.core.access import Viewer
from backend.core.queries import PageQuery, WorkspaceName
from backend.core.responses import problems, revalidate
from backend.data.schemas import QualityOut, RejectedOut

router = APIRouter(prefix="/workspaces/{workspace}", tags=["data"])


@router.get("/quality", responses=problems(304, 404))
async def quality(
    access: Viewer, workspace: Annotated[WorkspaceName, Path()], request: Request, response: Response
) -> QualityOut:
    """The checks of the current data, and what was read, kept, repaired and rejected."""
    dataset = await access.workspace.dataset()
    revalidate(request, response, dataset.version)

    def render() -> QualityOut:
        info = dataset.info
        facts = {name: getattr(info, name) for name in ("synthetic", "as_of", "frequency", "inferred")}
        report = {"workspace": workspace, "data_version": dataset.version, **facts, **dataset.quality.model_dump()}
        return QualityOut.model_validate(report)

    return await asyncio.to_thread(render)


@router.get("/rejected", responses=problems(304, 404))
async def rejected(
    access: Viewer,
    workspace: Annotated[WorkspaceName, Path()],
    query: Annotated[PageQuery, Query()],
    request: Request,
    response: Response,
) -> RejectedOut:
    """The rejected rows of the current data as received, each with its reason."""
    dataset = await access.workspace.dataset()
    revalidate(request, response, dataset.version)

    def render() -> RejectedOut:
        rows = dataset.folder.open_parquet("rejected.parquet").read()
        page = rows.slice(query.offset, query.limit)
        columns = {name: list(map(_text, page[name].to_pylist())) for name in page.column_names}
        return RejectedOut(
            items=[dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)],
            total=len(rows),
            limit=query.limit,
            offset=query.offset,
            workspace=workspace,
            data_version=dataset.version,
        )

    return await asyncio.to_thread(render)


def _text(value: object) -> str | None:
    """A value as received, as text: its intended type is unknown."""
    return None if value is None else str(value)
