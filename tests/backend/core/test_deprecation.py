"""How a route is announced as deprecated."""

from datetime import date
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from backend.core import errors
from backend.core.deprecation import deprecated
from backend.core.errors import Problem
from backend.core.metrics import Metrics
from backend.core.middleware import Observe
from scripts.dev import api_docs

OLD: dict[str, Any] = {
    "since": "0.3.0", "on": date(2027, 1, 15), "sunset": date(2027, 7, 15), "link": "/docs#/series"
}  # fmt: skip


@pytest.fixture
def app() -> FastAPI:
    """A service with one route that stays and one that goes, the latter of which can also fail."""
    app = FastAPI()

    @app.get("/new")
    async def new() -> str:
        """Stays."""
        return "new"

    @app.get("/old", **deprecated(**OLD))
    async def old(fails: bool = False) -> str:
        """Goes."""
        if fails:
            raise Problem(404, "Nothing.")
        return "old"

    errors.install(app, str)
    app.add_middleware(Observe, metrics=Metrics(), https=False)
    return app


@pytest.mark.parametrize(("path", "status"), [("/old", 200), ("/old?fails=true", 404)])
def test_each_answer_of_a_deprecated_route_announces_its_end(app: FastAPI, path: str, status: int) -> None:
    """Since when (RFC 9745), until when (RFC 8594), and where to read what to use instead; errors included."""
    found = TestClient(app).get(path)
    assert found.status_code == status
    assert found.headers["deprecation"] == "@1799971200"
    assert found.headers["sunset"] == "Thu, 15 Jul 2027 00:00:00 GMT"
    assert found.headers["link"] == '</docs#/series>; rel="deprecation"'


def test_other_routes_announce_nothing(app: FastAPI) -> None:
    """Deprecation belongs to one route."""
    headers = TestClient(app).get("/new").headers
    assert not {"deprecation", "sunset", "link"} & set(headers)


def test_the_contract_and_its_page_mark_it(app: FastAPI) -> None:
    """The OpenAPI says `deprecated`; docs/API.md says since and until when."""
    spec = app.openapi()
    assert spec["paths"]["/old"]["get"]["deprecated"] is True
    assert "deprecated" not in spec["paths"]["/new"]["get"]
    page = api_docs.markdown(spec)
    assert "## GET /old\n\n**Deprecated since 0.3.0; removed after 2027-07-15.**\n\nGoes." in page
    assert "## GET /new\n\nStays." in page


def test_a_route_does_not_end_before_it_is_announced() -> None:
    """RFC 9745 forbids it."""
    with pytest.raises(ValueError, match="deprecated on 2027-01-15 cannot end before, on 2026-12-01"):
        deprecated(**{**OLD, "sunset": date(2026, 12, 1)})
