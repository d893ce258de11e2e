"""Every route depends on access exactly once: none answers before caller and workspace are settled."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from starlette.datastructures import State

from backend.app import create_app
from backend.core.access import Access, Admin, Analyst, Anyone, Creator, Requires, Viewer
from backend.core.catalog import Catalog
from backend.core.keys import LOCAL, ROLES
from backend.core.settings import Settings
from tests.backend.conftest import connect, part
from tests.support import site as sites
from tests.support.site import Site

PUBLIC = {"/health", "/healthz", "/health/live", "/health/ready", "/docs", "/docs/{name}", "/errors/{slug}"}
UPLOADS = {
    "POST /api/v1/workspaces/{workspace}/uploads",
    "GET /api/v1/workspaces/{workspace}/uploads/{upload_id}",
    "PUT /api/v1/workspaces/{workspace}",
}


def settled_by(app: FastAPI) -> dict[str, list[Requires]]:
    """The access dependencies of each route, by method and path."""
    found = {}
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute):
            (method,) = context.methods or {"GET"}
            found[f"{method} {context.path}"] = list(_requirements(context.dependant))
    return found


def _requirements(dependant: Dependant) -> Iterator[Requires]:
    for one in dependant.dependencies:
        if isinstance(one.call, Requires):
            yield one.call
        yield from _requirements(one)


@pytest.fixture
def app(site: Site) -> FastAPI:
    return create_app(Settings(environment="dev"), site.reader)


def test_every_route_depends_on_access_exactly_once(app: FastAPI) -> None:
    """All of them, those of health and figures included."""
    found = settled_by(app)
    assert len(found) > 40
    assert {route: len(settled) for route, settled in found.items() if len(settled) != 1} == {}


def test_a_new_route_without_access_is_noticed(app: FastAPI) -> None:
    """The check fails for a route that forgets it, and for one that asks twice."""
    router = APIRouter()

    @router.get("/forgotten")
    async def forgotten() -> None: ...

    @router.get("/twice")
    async def twice(viewer: Viewer, admin: Admin) -> None: ...

    app.include_router(router)
    found = settled_by(app)
    assert (len(found["GET /forgotten"]), len(found["GET /twice"])) == (0, 2)


def test_only_health_answers_without_a_key_and_only_uploads_name_new_workspaces(app: FastAPI) -> None:
    """Every other route needs a role and a workspace that exists; what changes something needs more than reading."""
    found = {route: settled for route, (settled,) in settled_by(app).items()}
    assert {route.partition(" ")[2] for route, one in found.items() if one.role is None} == PUBLIC
    assert {route for route, one in found.items() if one.may_be_new} == UPLOADS
    asking = ("/metrics/historical", "/copilot/")  # POST, since a question may be long
    changing = [route for route in found if not route.startswith("GET") and not any(one in route for one in asking)]
    assert {found[route].role for route in changing} == {"analyst", "admin"}


@pytest.mark.parametrize("kind", [Anyone, Viewer, Analyst, Admin, Creator])
def test_each_kind_of_access_is_one_requirement(kind: Any) -> None:
    """Its role is one that keys have, or none."""
    access, depends = get_args(kind)
    assert access is Access
    assert depends.dependency.role in (None, *ROLES)


def requests(app: FastAPI, workspace: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """A request of each route that names a workspace, wherever it does: in the path, the query or the body."""
    for context in iter_route_contexts(app.routes):
        if (
            not isinstance(context.original_route, APIRoute)
            or f"{min(context.methods or {'GET'})} {context.path}" in UPLOADS
        ):
            continue
        path = str(context.path).replace("{workspace}", workspace)
        for name in ("job_id", "run_id"):
            path = path.replace(f"{{{name}}}", "20240101T000000Z-00000000")
        path = path.replace("{unique_id:path}", "Ash").replace("{alert_id}", "0" * 16).replace("{source_id}", "0" * 16)
        path, method = path.replace("{name}", "canary"), min(context.methods or {"GET"})
        body = context.body_field
        model = body.field_info.annotation if body else None
        in_body = isinstance(model, type) and issubclass(model, BaseModel) and "workspace" in model.model_fields
        queries = [field.field_info.annotation for field in context.dependant.query_params]
        in_query = any(
            isinstance(one, type) and issubclass(one, BaseModel) and "workspace" in one.model_fields for one in queries
        )
        if in_body:
            yield method, path, {"json": {"workspace": workspace}}
        elif in_query:
            yield method, path, {"params": {"workspace": workspace}}
        elif workspace in path:
            yield method, path, {}


def test_no_route_tells_of_a_workspace_that_does_not_exist(site: Site) -> None:
    """404 whatever else is wrong with the request, so that nothing is looked up under a name that is not known."""
    client = connect(site)
    found = list(requests(client.app, "nowhere"))  # type: ignore[arg-type]
    assert len(found) > 30
    for method, path, given in found:
        response = client.request(method, path, **given)
        assert (response.status_code, response.json()["detail"]) == (404, "There is no workspace 'nowhere'."), path


def test_the_role_is_asked_before_the_workspace(site: Site) -> None:
    """A caller without the role learns nothing about which workspaces exist."""
    secrets, lines = sites.keys()
    client = connect(site, keys=lines)
    for workspace in ("shop", "nowhere"):
        body = {"workspace": workspace, "kind": "etl"}
        found = client.post("/api/v1/jobs", json=body, headers={"X-API-Key": secrets["viewer"]})
        assert (found.status_code, workspace in found.text) == (403, False)


def test_the_body_of_a_request_decides_and_not_its_query(site: Site) -> None:
    """A route that reads the workspace of its body answers about that one, whatever stands in the address."""
    client = connect(site)
    wanted = {"workspace": "meter", "by": "model"}
    found = client.post("/api/v1/metrics/historical?workspace=shop", json=wanted)
    assert found.json()["run_id"] == site.reader.pointers("meter").production.run_id


def test_every_request_that_names_a_workspace_has_it_in_the_log(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where the answer is an error; never a name that does not exist."""
    client = connect(site)
    for path in ("/runs/20240101T000000Z-00000000?workspace=shop", "/workspaces/shop", "/jobs?workspace=shop"):
        client.get(f"/api/v1{path}")
        assert '"workspace": "shop"' in capsys.readouterr().out, path
    client.get("/api/v1/runs?workspace=nowhere")
    assert "nowhere" not in capsys.readouterr().out


def test_pointers_are_read_once_for_a_request(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that all of an answer comes from one state, and an object store is asked once."""
    client, reads = connect(site), []
    reader = part(client, Catalog).reader
    real = type(reader).pointers
    monkeypatch.setattr(type(reader), "pointers", lambda self, name: reads.append(name) or real(self, name))
    assert client.get("/api/v1/portfolio?workspace=shop").status_code == 200
    assert reads == ["shop"]


def test_a_route_that_names_no_workspace_has_none(site: Site) -> None:
    """Using one is a mistake in the code, and not an answer about some workspace."""
    access = Access(LOCAL, part(connect(site), Catalog), State())
    assert not access.names_workspace
    with pytest.raises(LookupError, match="names no workspace"):
        _ = access.workspace
