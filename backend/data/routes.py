"""What came in: the quality checks of a workspace's data, and the rows that were rejected."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from backend.core.access import Viewer
from backend.core.queries import PageQuery, WorkspaceName
from backend.core.responses import cached_json, etag, problems
from backend.data.schemas import QualityOut, RejectedOut

router = APIRouter(prefix="/workspaces/{workspace}", tags=["data"])


@router.get("/quality", response_model=QualityOut, responses=problems(304, 404))
async def quality(access: Viewer, workspace: Annotated[WorkspaceName, Path()], request: Request) -> Response:
    """The checks of the current data, and what was read, kept, repaired and rejected."""
    dataset = await access.workspace.dataset()

    def render() -> dict[str, Any]:
        info = dataset.info
        facts = {name: getattr(info, name) for name in ("synthetic", "as_of", "frequency", "inferred")}
        return {"workspace": workspace, "data_version": dataset.version, **facts, **dataset.quality.model_dump()}

    return await cached_json(request, etag(dataset.version), render)


@router.get("/rejected", response_model=RejectedOut, responses=problems(304, 404))
async def rejected(
    access: Viewer,
    workspace: Annotated[WorkspaceName, Path()],
    query: Annotated[PageQuery, Query()],
    request: Request,
) -> Response:
    """The rows of the current data that were rejected, as they came, each with its reason."""
    dataset = await access.workspace.dataset()

    def render() -> dict[str, Any]:
        rows = dataset.folder.open_parquet("rejected.parquet").read()
        page = rows.slice(query.offset, query.limit)
        columns = {name: list(map(_text, page[name].to_pylist())) for name in page.column_names}
        return {
            "workspace": workspace,
            "data_version": dataset.version,
            "total": len(rows),
            "limit": query.limit,
            "offset": query.offset,
            "rows": [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)],
        }

    return await cached_json(request, etag(dataset.version), render)


def _text(value: Any) -> str | None:
    """A value as it came; there is no telling of what type it should have been."""
    return None if value is None else str(value)
