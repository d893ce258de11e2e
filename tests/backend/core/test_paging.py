"""Every list is a Page, and what routes answer is what they declare."""

import inspect
import typing
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI, Response
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.testclient import TestClient

from backend.app import create_app
from backend.core.settings import Settings
from pipelines.storage.catalog import Reader
from pipelines.storage.store import Store

# Bytes that are made in another way than by the framework: each says in its place what was measured, or is no JSON.
ENCODED = {
    "GET /api/v1/forecasts",
    "POST /api/v1/forecasts/generate",
    "GET /api/v1/series/{unique_id}/history",
    "GET /api/v1/series/{unique_id}/backtest",
    "GET /api/v1/portfolio",
    "GET /api/v1/monitoring/report",
    "GET /metrics",
    "GET /docs",
    "GET /docs/{name}",
}


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app(Settings(environment="dev"), Reader(Store("memory://data"), Store("memory://artifacts")))


def _routes(app: FastAPI) -> dict[str, APIRoute]:
    """The routes by method and path."""
    found = {}
    for one in iter_route_contexts(app.routes):
        if isinstance(one.original_route, APIRoute) and one.path:
            for method in one.methods or ():
                found[f"{method} {one.path.replace(':path', '')}"] = one.original_route
    return found


def test_whatever_takes_an_offset_answers_with_a_page(app: FastAPI) -> None:
    """`items`, `total`, `limit` and `offset` stand at the top of every list, and of nothing else."""
    spec = app.openapi()
    pages = set()
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            content = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
            name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
            required = set(spec["components"]["schemas"].get(name, {}).get("required", ()))
            is_page = {"items", "total", "limit", "offset"} <= required
            asked = {one["name"] for one in operation.get("parameters", ())}
            if method == "get":
                assert is_page == ({"limit", "offset"} <= asked), path
            if is_page:
                pages.add(path.removeprefix("/api/v1"))
    assert pages == {
        "/series", "/portfolio", "/portfolio/segments", "/metrics/historical", "/runs", "/jobs", "/knowledge/sources",
        "/monitoring/series", "/monitoring/alerts", "/workspaces", "/workspaces/{workspace}/rejected",
    }  # fmt: skip


def test_a_route_returns_what_it_declares(app: FastAPI) -> None:
    """The type that mypy checks is the model of the response; only what was measured encodes its answer itself."""
    encoded = set()
    for name, route in _routes(app).items():
        returned = inspect.signature(route.endpoint, eval_str=True).return_annotation
        if inspect.isclass(returned) and issubclass(returned, Response):
            encoded.add(name)
            continue
        if typing.get_origin(returned) is AsyncIterator:  # events
            continue
        assert returned is not inspect.Signature.empty, name
        assert typing.get_origin(returned) is not dict, name
        if route.response_model is not returned:  # a dataclass of the jobs, which the model reads by its attributes
            assert name in {"POST /api/v1/jobs", "DELETE /api/v1/jobs/{job_id}"}, name
    assert encoded == ENCODED


def test_pages_of_workspaces_put_together_are_all_of_them(client: TestClient) -> None:
    """Each once, by name, however small the pages are."""
    whole = client.get("/api/v1/workspaces").json()
    pages = [client.get("/api/v1/workspaces", params={"limit": 1, "offset": at}).json() for at in range(whole["total"])]
    assert [one["name"] for page in pages for one in page["items"]] == [one["name"] for one in whole["items"]]
    assert {(page["total"], page["limit"]) for page in pages} == {(whole["total"], 1)}
    beyond = client.get("/api/v1/workspaces", params={"offset": 1000}).json()
    assert (beyond["items"], beyond["total"]) == ([], whole["total"])
