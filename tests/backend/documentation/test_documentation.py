"""The pages of the service about itself: `/docs` and the types of errors."""

import re
from pathlib import Path

import pytest

from backend.core.problem_types import TYPES
from tests.backend.conftest import connect
from tests.support import site as sites
from tests.support.site import ROOT, Site

ASSETS = ("swagger-ui-bundle.js", "swagger-ui.css", "page.js", "page.css")
# Statuses of answers that are no errors.
NO_ERRORS = {200, 201, 202, 204, 206, 304}


@pytest.mark.parametrize("status", TYPES)
def test_the_type_of_an_error_resolves_to_its_description(site: Site, status: int) -> None:
    """Without a key, although the service has keys: the URI of the type answers with what it means."""
    client = connect(site, keys=sites.keys()[1])
    found = client.get(TYPES[status].uri).json()
    assert (found["type"], found["status"]) == (TYPES[status].uri, status)
    assert found["title"]
    assert found["description"].endswith(".")


def test_an_unknown_type_is_not_found(site: Site) -> None:
    """The answer is a problem of its own and lists the valid types."""
    found = connect(site).get("/errors/nothing")
    assert (found.status_code, found.json()["type"]) == (404, "/errors/not-found")
    assert "not-found" in found.json()["detail"]


def test_every_status_that_the_service_answers_with_has_a_type() -> None:
    """A status in the code that is missing among the types fails here."""
    calls = re.compile(
        r"(?:Problem|answer|_refuse)\((?:\w+(?:\.\w+)?, )?(\d{3})\b|status == (\d{3})|problems\(([\d, ]+)\)"
    )
    named: set[int] = set()
    for path in (ROOT / "backend").rglob("*.py"):
        for groups in calls.findall(path.read_text(encoding="utf-8")):
            named |= {int(one) for group in groups for one in re.findall(r"\d{3}", group)}
    assert {404, 422, 503} <= named
    assert named - NO_ERRORS <= set(TYPES)
    assert len({one.slug for one in TYPES.values()}) == len(TYPES)


def test_only_the_page_itself_lets_scripts_run(site: Site) -> None:
    """Its policy allows this host and no other; its files and every other answer keep the strict one."""
    client = connect(site)
    policy = client.get("/docs").headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "http" not in policy
    for path in (*(f"/docs/{name}" for name in ASSETS), "/docs/nothing", "/errors/not-found", "/api/v1/workspaces"):
        assert client.get(path).headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'", path


@pytest.mark.parametrize("name", ASSETS)
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_its_files_are_sent_as_the_client_reads_them(site: Site, name: str, encoding: str) -> None:
    """Compressed or not, with a tag by which they are not sent again."""
    client = connect(site)
    found = client.get(f"/docs/{name}", headers={"Accept-Encoding": encoding})
    assert found.headers.get("content-encoding", "identity") == encoding
    assert ("function" in found.text) == name.endswith(".js")
    again = client.get(f"/docs/{name}", headers={"If-None-Match": found.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("name", ["../page.html", "..%2Froutes.py", "routes.py", "page.html", "favicon.png"])
def test_no_other_file_is_served(site: Site, name: str) -> None:
    """Only the four files of the page."""
    assert connect(site).get(f"/docs/{name}").status_code in (404, 422)


def test_the_page_asks_for_a_key_where_there_are_keys(site: Site) -> None:
    """It is public; the contract that it shows is not."""
    assert 'data-key="none"' in connect(site).get("/docs").text
    client = connect(site, keys=sites.keys()[1])
    assert 'data-key="needed"' in client.get("/docs").text
    assert client.get("/api/v1/openapi.json").status_code == 401


def test_requests_for_public_pages_are_limited(site: Site) -> None:
    """Without a key they count for the client's address."""
    client = connect(site, keys=sites.keys()[1], rate_limit=2)
    assert [client.get("/errors/not-found").status_code for _ in range(3)] == [200, 200, 429]


def test_the_page_names_no_other_host() -> None:
    """Neither its markup nor its script has an address."""
    for path in (ROOT / "backend/documentation").glob("page.*"):
        assert "://" not in Path(path).read_text(encoding="utf-8"), path
