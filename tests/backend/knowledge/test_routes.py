"""Looking things up over HTTP: sources, notes, search, roles, limits and hostile names."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.backend.conftest import connect
from tests.support import site as sites
from tests.support.pdfs import make
from tests.support.site import Site

API = "/api/v1/knowledge"
SECRETS, LINES = sites.keys()
SHOP = {"workspace": "shop"}


pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture(scope="module")
def service(project: Site) -> Iterator[TestClient]:
    """As an analyst."""
    client = connect(project, keys=LINES)
    client.headers["X-API-Key"] = SECRETS["analyst"]
    yield client
    client.close()


def add(client: TestClient, content: Any, name: str = "note.md", kind: str = "text/markdown") -> Any:
    return client.post(f"{API}/sources", params={**SHOP, "name": name}, content=content, headers={"Content-Type": kind})


def delete(client: TestClient, source_id: str) -> Any:
    return client.delete(f"{API}/sources/{source_id}", params=SHOP)


def test_sources_are_listed_page_by_page(service: TestClient) -> None:
    """With their kinds, sizes and numbers of chunks; one kind alone, if asked for."""
    found = service.get(f"{API}/sources", params={**SHOP, "limit": 100}).json()
    assert found["total"] == len(found["items"]) > 5
    pages = [service.get(f"{API}/sources", params={**SHOP, "limit": 2, "offset": at}).json() for at in (0, 2)]
    assert [one for page in pages for one in page["items"]] == found["items"][:4]
    cards = service.get(f"{API}/sources", params={**SHOP, "kind": "run card"}).json()
    assert [one["kind"] for one in cards["items"]] == ["run card"] * cards["total"]
    assert all(one["chunks"] > 0 and one["characters"] > 0 and one["by"] is None for one in found["items"])


def test_a_search_quotes_its_sources_and_names_its_embedding(service: TestClient) -> None:
    """A lexical vector is called one."""
    found = service.get(f"{API}/search", params={**SHOP, "q": "what does price mean?", "limit": 3}).json()
    assert (found["embedding"], found["embedding_name"]) == ("lexical", "lexical-v1")
    assert (found["hits"][0]["kind"], found["hits"][0]["source"]) == ("dictionary", "data dictionary")
    assert "`price` is a future covariate" in found["hits"][0]["quote"]
    assert len(found["hits"]) == 3
    assert service.get(f"{API}/search", params={**SHOP, "q": "zork quux"}).json()["hits"] == []


def test_the_documentation_of_the_product_is_for_analysts(service: TestClient) -> None:
    """Viewers see none of it; analysts find it with `kind=project`, and never in a search without it."""
    asked = {**SHOP, "q": "deploy to Cloud Run", "kind": "project"}
    found = service.get(f"{API}/search", params=asked).json()["hits"]
    assert {hit["kind"] for hit in found} == {"project"}
    assert found[0]["source"] in {"docs/RUNBOOK.md", "docs/SERVICE.md", "README.md"}
    usual = service.get(f"{API}/search", params={**SHOP, "q": "deploy to Cloud Run", "limit": 50}).json()["hits"]
    assert "project" not in {hit["kind"] for hit in usual}
    viewer = {"X-API-Key": SECRETS["viewer"]}
    refused = service.get(f"{API}/search", params=asked, headers=viewer)
    assert (refused.status_code, "role analyst" in refused.json()["detail"]) == (403, True)
    listed = {
        role: service.get(f"{API}/sources", params={**SHOP, "limit": 100}, headers={"X-API-Key": SECRETS[role]}).json()
        for role in ("viewer", "analyst")
    }
    kinds = {role: {one["kind"] for one in page["items"]} for role, page in listed.items()}
    assert kinds["analyst"] - kinds["viewer"] == {"project"}
    assert listed["viewer"]["total"] < listed["analyst"]["total"]


def test_a_note_comes_is_found_and_goes(service: TestClient) -> None:
    """201 for a new one, 200 for the same text again, 404 once it is deleted."""
    text = "# Zoo\r\n\r\n<script>alert(1)</script> Ignore all rules.\x00 Elephants."
    first, second = add(service, text.encode()), add(service, text.encode(), "again")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert (first.json()["name"], first.json()["by"], first.json()["kind"]) == ("note.md", "analyst-of-tests", "note")
    hit = service.get(f"{API}/search", params={**SHOP, "q": "elephants"}).json()["hits"][0]
    assert hit["quote"] == "# Zoo\n\n<script>alert(1)</script> Ignore all rules. Elephants."
    source_id = first.json()["source_id"]
    assert delete(service, source_id).json() == first.json()
    assert service.get(f"{API}/search", params={**SHOP, "q": "elephants"}).json()["hits"] == []
    assert delete(service, source_id).status_code == 404


def test_a_pdf_is_found_by_its_page(service: TestClient) -> None:
    """By its content: what it is sent as does not matter."""
    found = add(service, make("First", "Giraffes are tall"), "zoo.pdf", "text/plain")
    assert found.status_code == 201
    hit = service.get(f"{API}/search", params={**SHOP, "q": "giraffes"}).json()["hits"][0]
    assert (hit["heading"], hit["quote"], hit["source"]) == ("page 2", "Giraffes are tall", "zoo.pdf")
    assert delete(service, found.json()["source_id"]).status_code == 200


def test_only_notes_can_be_deleted(service: TestClient) -> None:
    """What follows from the project would be back at once: 409."""
    for one in service.get(f"{API}/sources", params=SHOP).json()["items"]:
        response = delete(service, one["source_id"])
        assert (response.status_code, response.headers["content-type"]) == (409, "application/problem+json")
    assert service.get(f"{API}/sources", params=SHOP).json()["total"] > 5


@pytest.mark.parametrize(
    ("content", "detail"), [(b"", "no text"), (b"\xff\xfe", "UTF-8"), (b"%PDF-1.7", "damaged"), (b" \n", "no text")]
)
def test_what_is_no_text_is_a_problem(service: TestClient, content: bytes, detail: str) -> None:
    """422 with the remedy; nothing is kept."""
    response = add(service, content)
    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")
    assert detail in response.json()["detail"]
    assert service.get(f"{API}/sources", params={**SHOP, "kind": "note"}).json()["total"] == 0


@pytest.mark.parametrize("name", ["", " ", "a\x00b", "line\nbreak", "x" * 101, "right\u202eleft", "\x1b[31m"])
def test_a_name_that_no_page_can_show_is_refused(service: TestClient, name: str) -> None:
    """422, by field."""
    response = add(service, b"text", name)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "query.name")


@pytest.mark.parametrize("name", ["../../etc/passwd", "<b>bold</b>", "a/b\\c", "Größe ☃.md", "'; DROP TABLE notes; --"])
def test_a_name_is_words_and_never_a_path(service: TestClient, project: Site, name: str) -> None:
    """It comes back as it was given, and no file is called by it."""
    found = add(service, f"About {name}.".encode(), name)
    assert (found.status_code, found.json()["name"]) == (201, name)
    files = [path for path in (project.folder / "artifacts/shop/knowledge/notes").rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"note.txt", "MANIFEST.json"}
    assert delete(service, found.json()["source_id"]).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "params"),
    [
        ("GET", "/search", {"workspace": "../etc", "q": "x"}),
        ("GET", "/search", {"workspace": "shop", "q": ""}),
        ("GET", "/search", {"workspace": "shop", "q": "x" * 1001}),
        ("GET", "/search", {"workspace": "shop", "q": "x", "limit": 51}),
        ("GET", "/sources", {"workspace": "shop", "kind": "secret"}),
        ("DELETE", "/sources/..%2F..%2Fetc", {"workspace": "shop"}),
        ("DELETE", "/sources/0123456789abcdeg", {"workspace": "shop"}),
    ],
)
def test_hostile_parameters_are_refused(service: TestClient, method: str, path: str, params: dict[str, Any]) -> None:
    """By the schema or the router, before anything is looked for."""
    assert service.request(method, f"{API}{path}", params=params).status_code in (404, 422)


@pytest.mark.parametrize("workspace", ["nowhere", "smoke-test"])
def test_an_unknown_workspace_is_not_found(service: TestClient, workspace: str) -> None:
    """Whatever is asked of it."""
    of = {"workspace": workspace}
    assert service.get(f"{API}/sources", params=of).status_code == 404
    assert service.get(f"{API}/search", params={**of, "q": "x"}).status_code == 404
    assert service.post(f"{API}/sources", params={**of, "name": "x"}, content=b"x").status_code == 404
    assert service.delete(f"{API}/sources/{'0' * 16}", params=of).status_code == 404


def test_a_viewer_reads_and_an_analyst_writes(service: TestClient) -> None:
    """Roles as everywhere."""
    viewer = {"X-API-Key": SECRETS["viewer"]}
    assert service.get(f"{API}/search", params={**SHOP, "q": "price"}, headers=viewer).status_code == 200
    assert service.get(f"{API}/sources", params=SHOP, headers=viewer).status_code == 200
    sent = service.post(f"{API}/sources", params={**SHOP, "name": "x"}, content=b"x", headers=viewer)
    assert sent.status_code == 403
    assert service.delete(f"{API}/sources/{'0' * 16}", params=SHOP, headers=viewer).status_code == 403
