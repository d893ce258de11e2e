"""Uploads: a table comes in over HTTP, is looked at, and becomes a workspace that the scripts can run."""

import csv
import gzip
import http.client
import io
import json
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psutil
import pytest
from starlette.testclient import TestClient

from backend.core.catalog import Catalog
from backend.core.rate import MAX_UPLOAD
from backend.jobs.local import LocalJobs
from backend.jobs.processes import LocalProcess
from backend.jobs.service import Jobs
from backend.uploads import quota
from backend.uploads import service as uploads
from pipelines.forecasting import settings
from pipelines.storage.layout import Place
from pipelines.storage.store import Store, Stores
from pipelines.tables import limits
from tests.backend.conftest import connect, part
from tests.support import site as sites
from tests.support.launchers import Instant
from tests.support.site import Site, running

API = "/api/v1"
HEAD = ("date", "store", "units")
SECRETS, LINES = sites.keys()


def table(days: int = 40, stores: tuple[str, ...] = ("Ash", "Elm")) -> bytes:
    """A CSV as an analyst would have it: a week's pattern in each store."""
    text = io.StringIO()
    write = csv.writer(text)
    write.writerow(HEAD)
    for number, store in enumerate(stores, start=1):
        write.writerows(
            [date(2024, 1, 1) + timedelta(day), store, 10 * number + day % 7 + day % 3] for day in range(days)
        )
    return text.getvalue().encode()


pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture(scope="module")
def service(project: Site) -> Iterator[TestClient]:
    """With a process that looks at uploads, and jobs that are done at once."""
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in project.environ.items():
            patch.setenv(variable, value)
        with connect(project, Instant(), keys=LINES, generate_timeout=120) as client:
            client.headers["X-API-Key"] = SECRETS["admin"]
            yield client


def send(client: TestClient, content: Any, name: str = "mine", **query: Any) -> dict[str, Any]:
    response = client.post(
        f"{API}/workspaces/{name}/uploads", content=content, params=query, headers={"Content-Type": "text/csv"}
    )
    assert response.status_code == 201, response.text
    assert "/tmp/" not in response.text
    found: dict[str, Any] = response.json()
    return found


def put(client: TestClient, name: str, upload_id: str, **more: Any) -> Any:
    return client.put(f"{API}/workspaces/{name}", json={"upload_id": upload_id, **more})


def test_an_upload_is_stored_and_described(service: TestClient, project: Site) -> None:
    """Encoding, separator, columns, mapping, frequency, extent, checks and classes; no workspace is made of it."""
    found = send(service, table())
    assert (found["acceptable"], found["problems"]) == (True, [])
    assert (found["encoding"], found["separator"], found["n_rows"], found["n_columns"]) == ("utf-8", ",", 80, 3)
    assert [(one["name"], one["type"], one["n_missing"]) for one in found["columns"]] == [
        ("date", "date", 0),
        ("store", "text", 0),
        ("units", "number", 0),
    ]
    assert found["columns"][1]["examples"] == ["Ash", "Elm"]
    assert found["rows"][0] == {"date": "2024-01-01", "store": "Ash", "units": "10"}
    assert found["mapping"] == {"ds": "date", "y": "units", "keys": ["store"], "static": [], "future": []}
    assert (found["n_series"], found["first_ds"]) == (2, "2024-01-01")
    assert {check["name"] for check in found["quality"]["checks"]} >= {"schema", "rejected", "gaps", "length"}
    assert sum(found["demand_classes"].values()) == 2
    assert "mine" not in part(service, Catalog).workspaces()
    stored = project.reader.data.folder(Place(("uploads", "mine", found["upload_id"])))
    assert stored.read_bytes("table.csv") == table()


def test_a_gzipped_table_is_known_by_its_content(service: TestClient, project: Site) -> None:
    """Whatever it is called; sent in chunks of a byte first, it is the same table."""
    packed = gzip.compress(table())
    found = send(service, iter([packed[:1], packed[1:]]))
    assert (found["acceptable"], found["n_rows"]) == (True, 80)
    assert project.reader.data.folder(Place(("uploads", "mine", found["upload_id"]))).files == ["table.csv.gz"]


def test_a_mapping_is_followed_and_an_upload_can_be_looked_at_again(service: TestClient) -> None:
    """By parameters that repeat; the second look has another one, and reads the stored file."""
    query = {
        "ds": "date",
        "y": "units",
        "keys": ["store"],
        "static": ["store"],
        "horizon": 5,
        "unit": "pieces",
        "frequency": "D",
    }
    found = send(service, table(), **query)
    assert found["mapping"]["static"] == ["store"]
    assert (found["horizon"], found["settings"]["target"]) == (5, {"unit": "pieces"})
    again = service.get(f"{API}/workspaces/mine/uploads/{found['upload_id']}", params={"y": "unit"}).json()
    assert (again["acceptable"], again["problems"][0]["field"]) == (False, "y")
    assert "did you mean 'units'?" in again["problems"][0]["message"]


def test_rejected_rows_are_shown_with_their_reasons(service: TestClient) -> None:
    """How many, why, and the first twenty with what they held."""
    bad = b"".join(b"not a day,Ash,%d\n" % number for number in range(25))
    found = send(service, table(400) + bad + b"2024-01-01,Oak,many\n")
    assert found["rejected"]["count"] == 26
    assert found["rejected"]["reasons"] == {"unreadable date": 25, "unreadable number in the target": 1}
    first = found["rejected"]["rows"][0]
    assert len(found["rejected"]["rows"]) == 20
    assert (first["row"], first["reason"], first["values"]["date"]) == (801, "unreadable date", "not a day")


BAD: dict[str, tuple[bytes, str]] = {
    "blank lines": (b"\n\n\n", "file"),
    "binary": (bytes(range(256)) * 20, "file"),
    "picture": (b"\x89PNG\r\n\x1a\n" + b"\xde\xad\xbe\xef" * 50, "ds"),
    "html": (b"<!DOCTYPE html>\n<html><body>Sign in, please</body></html>", "ds"),
    "header only": (b"date,units\n", "file"),
    "no date column": (b"a,b\n1,2\n3,4\n", "ds"),
    "one column": (b"units\n1\n2\n", "ds"),
    "duplicate header": (b"date,date,units\n2024-01-01,1,2\n", "file"),
    "dates that cannot be read": (b"date,units\nsoon,1\nlater,2\n", "ds"),
    "text for numbers": (b"date,units\n2024-01-01,x\n2024-01-02,y\n", "y"),
    "a row a series": (b"date,store,units\n2024-01-01,a,1\n2024-01-01,b,2\n", "keys"),
    "huge field": (b'date,units\n2024-01-01,"' + b"x" * 300_000 + b'"\n', "y"),
    "unclosed quote": (b'date,units\n"2024-01-01,1\n2024-01-02,2\n', "file"),
    "too many fields": (b"date,units\n2024-01-01,1\n2024-01-02,2,3,4\n", "file"),
    "wrong encoding": (
        ("date;units\n" + "".join(f"2024-01-{n:02d};{n}\n" for n in range(1, 29))).encode("utf-16")[:-1],
        "file",
    ),
    "broken gzip": (gzip.compress(b"date,units\n2024-01-01,1\n" * 100)[:-20], "file"),
    "not quite gzip": (b"\x1f\x8b", "file"),
    "two short weeks": (b"date,units\n2024-01-01,1\n2024-01-02,2\n2024-01-03,2\n", "horizon"),
    "years out of range": (b"date,units\n9999-12-31,1\n0001-01-01,2\n", "ds"),
    "control characters": (b"date,store,units\n2024-01-01,a\x07,1\n2024-01-02,a\x07,2\n", "keys"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_told_in_words(service: TestClient, name: str) -> None:
    """201 with what is wrong, where, and what to do; never a 500, and the next upload is answered."""
    content, field = BAD[name]
    found = send(service, content)
    assert found["acceptable"] is False
    assert found["settings"] is None
    assert [problem["field"] for problem in found["problems"]] == [field], found["problems"]
    assert all(
        len(problem["message"]) > 20 and "cannot be understood" not in problem["message"]
        for problem in found["problems"]
    )
    assert put(service, "mine", found["upload_id"]).json()["errors"] == found["problems"]


@pytest.mark.parametrize("content", [b"", None])
def test_nothing_is_no_upload(service: TestClient, project: Site, content: bytes | None) -> None:
    """422, and nothing is kept of it."""
    response = service.post(f"{API}/workspaces/nothing/uploads", content=content)
    assert (response.status_code, "body is empty" in response.json()["detail"]) == (422, True)
    assert not list((project.folder / "data/uploads").glob("nothing/*"))


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused(service: TestClient) -> None:
    """Before it is read as a table."""
    found = send(service, gzip.compress(b"date,units\n" + b"2024-01-01,1\n" * (limits.UPLOAD_UNPACKED // 12)))
    assert "larger than 128 MiB" in found["problems"][0]["message"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"frequency": "often"}, "frequency"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"keys": "shop"}, "keys"),
        ({"future": "store"}, "future"),
        ({"static": "colour"}, "static"),
        ({"horizon": 700}, "horizon"),
    ],
)
def test_a_wrong_parameter_is_named(service: TestClient, query: dict[str, Any], field: str) -> None:
    """With what was found; the others are as they were."""
    found = send(service, table(), **query)
    assert ([problem["field"] for problem in found["problems"]], found["acceptable"]) == ([field], False)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/workspaces/..%2Fshop/uploads", 404),
        ("/workspaces/a..b/uploads", 422),
        ("/workspaces/%00/uploads", 422),
        ("/workspaces/.hidden/uploads", 422),
        (f"/workspaces/{'z' * 101}/uploads", 422),
        ("/workspaces/mine/uploads?colour=red", 422),
        ("/workspaces/mine/uploads?horizon=0", 422),
    ],
)
def test_hostile_names_store_nothing(service: TestClient, project: Site, path: str, status: int) -> None:
    """404 or 422, before the body is taken."""
    before = sorted((project.folder / "data/uploads").rglob("*"))
    response = service.post(API + path, content=table())
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    assert sorted((project.folder / "data/uploads").rglob("*")) == before


def test_an_upload_that_is_not_there_is_not_found(service: TestClient) -> None:
    """Also one of another workspace."""
    upload_id = send(service, table(), "theirs")["upload_id"]
    for name, wanted in (("mine", upload_id), ("theirs", "20240101T000000Z-00000000")):
        assert service.get(f"{API}/workspaces/{name}/uploads/{wanted}").status_code == 404
        assert put(service, name, wanted).status_code == 404


@pytest.mark.parametrize("how", ["length", "chunks"])
def test_a_table_over_32_mebibytes_is_refused(service: TestClient, project: Site, how: str) -> None:
    """At once where its length is told, else when there is too much; nothing is left of it."""
    size = 33 * 2**20
    taken = 0

    def pieces() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(size // 2**16):
            taken += 2**16
            yield b"x" * 2**16

    response = service.post(f"{API}/workspaces/large/uploads", content=b"x" * size if how == "length" else pieces())
    assert (response.status_code, "32 MiB" in response.json()["detail"]) == (413, True)
    assert not list((project.folder / "data/uploads").glob("large/*/*"))
    assert taken <= MAX_UPLOAD + 2**20 == 33 * 2**20


def test_receiving_takes_no_memory(project: Site, tmp_path: Path) -> None:
    """24 MiB in one go: the process of the service grows by far less. What is looked at too late is there all the same."""
    with running(project, tmp_path / "log", API_PREVIEW_TIMEOUT="0.1") as (address, process):

        def body() -> Iterator[bytes]:
            for _ in range(24):
                yield b"\0" * 2**20

        url = f"{address}{API}/workspaces/flat/uploads"
        httpx2.post(url, content=b"date,units\n", timeout=120)
        question = {"workspace": "shop", "question": "How much?"}  # imports what would be imported soon, by itself
        assert httpx2.post(f"{address}{API}/copilot/explain", json=question, timeout=120).status_code == 200
        before = psutil.Process(process.pid).memory_info().rss
        response = httpx2.post(url, content=body(), timeout=120)
        assert (response.status_code, "previews took longer" in response.json()["detail"]) == (504, True)
        assert psutil.Process(process.pid).memory_info().rss - before < 12 * 2**20
    stored = project.reader.data.folder(Place(("uploads", "flat", response.json()["upload_id"])))
    assert stored.manifest.files["table.csv"].size == 24 * 2**20


def test_an_upload_that_breaks_off_does_not_exist(project: Site, tmp_path: Path) -> None:
    """The client goes away in the middle: no half of a table is left, finished or not."""
    with running(project, tmp_path / "log") as (address, _):
        host = urlsplit(address)
        connection = http.client.HTTPConnection(host.hostname or "", host.port or 0)
        connection.putrequest("POST", f"{API}/workspaces/broken/uploads")
        connection.putheader("Content-Length", "1000000")
        connection.endheaders()
        connection.send(table())
        folder = project.folder / "data/uploads/broken"
        for _ in range(200):
            if list(folder.glob("*/*")):
                break
            time.sleep(0.05)
        assert project.reader.data.folders(Place(("uploads", "broken"))) == []
        connection.close()
        for _ in range(200):
            if not list(folder.iterdir()):
                return
            time.sleep(0.05)
        raise AssertionError(f"left over: {list(folder.iterdir())}")


def test_an_upload_becomes_a_workspace(service: TestClient, project: Site) -> None:
    """201 and listed at once; its file loads as any other, with everything that was found or said, and no path of the machine."""
    found = send(service, table(), "bakery")
    response = put(service, "bakery", found["upload_id"], title="Bäckerei: #1", unit="pieces", horizon=7)
    assert response.status_code == 201, response.text
    assert (response.json()["title"], response.json()["status"]) == ("Bäckerei: #1", "no data")
    assert service.get(f"{API}/workspaces/bakery").status_code == 200
    made = settings.load_workspace("bakery")
    assert (made.horizon, made.frequency, made.target.unit) == (7, found["frequency"], "pieces")
    assert made.source.columns.model_dump() == {"ds": "date", "y": "units", "keys": ("store",)}
    assert made.source.options.path == f"uploads/bakery/{found['upload_id']}/table.csv"
    line = json.loads((project.folder / "data/uploads/bakery/audit.jsonl").read_text().splitlines()[-1])
    assert (line["by"], line["did"], line["upload_id"]) == ("admin-of-tests", "created", found["upload_id"])


def test_a_newer_upload_takes_the_place_of_the_older_one(service: TestClient, project: Site) -> None:
    """200, with a second line in the audit file."""
    for number, status in enumerate((201, 200, 200), start=1):
        found = send(service, table(40 + number), "daily")
        assert put(service, "daily", found["upload_id"]).status_code == status
        assert found["upload_id"] in settings.load_workspace("daily").source.options.path
    lines = (project.folder / "data/uploads/daily/audit.jsonl").read_text().splitlines()
    assert [json.loads(line)["did"] for line in lines] == ["created", "changed", "changed"]


def test_what_a_person_has_written_is_never_overwritten(service: TestClient, project: Site) -> None:
    """409 for a workspace written by hand, and for one of an upload that somebody has edited since."""
    path = project.folder / "configs/workspaces/shop.yaml"
    before = path.read_text()
    response = put(service, "shop", send(service, table(), "shop")["upload_id"])
    assert (response.status_code, "written by hand" in response.json()["detail"]) == (409, True)
    assert path.read_text() == before
    found = send(service, table(), "edited")
    assert put(service, "edited", found["upload_id"]).status_code == 201
    edited = project.folder / "configs/workspaces/edited.yaml"
    edited.write_text(edited.read_text() + "models: [naive]\n")
    assert put(service, "edited", found["upload_id"]).status_code == 409
    assert settings.load_workspace("edited").models == ("naive",)


def test_hostile_columns_and_titles_stay_text(service: TestClient, project: Site) -> None:
    """YAML that looks like something else is quoted; the file loads with the same names."""
    columns = ["yes", "{a: 1}", "# no", "1.0"]
    rows = [[f"2024-01-{day:02d}", "x: y", "[]", str(day)] for day in range(1, 29)]
    text = io.StringIO()
    csv.writer(text).writerows([columns, *rows])
    mapping = {"ds": "yes", "y": "1.0", "keys": ["{a: 1}", "# no"]}
    found = send(service, text.getvalue().encode(), "odd")
    title = "!!python/object:os.system &x *y\n- z"
    made = put(service, "odd", found["upload_id"], mapping=mapping, title=title, horizon=3)
    assert made.status_code == 201, made.text
    loaded = settings.load_workspace("odd")
    assert loaded.title == title
    assert loaded.source.columns.model_dump() == {**mapping, "keys": tuple(mapping["keys"])}


def test_old_uploads_are_swept_away_but_not_the_one_in_use(service: TestClient, project: Site) -> None:
    """The newest ten are kept, and what the workspace's file names."""
    used = send(service, table(), "many")["upload_id"]
    assert put(service, "many", used).status_code == 201
    reader = project.reader
    others = []
    for number in range(quota.KEPT + 1):
        draft = reader.data.draft(Place(("uploads", "many", f"20990101T0000{number:02d}Z-00000000")))
        draft.write_bytes("table.csv", b"x")
        others.append(draft.publish().name)
    quota.Quota(reader, mb=512).prepare("another", "20990101T000000Z-00000000")
    assert reader.data.folders(Place(("uploads", "many"))) == [used, *others[1:]]


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("analyst", 201)])
def test_a_viewer_brings_nothing_in(service: TestClient, role: str, status: int) -> None:
    """Neither an upload nor a workspace, nor do they see what others brought; an analyst does."""
    name, headers = f"{role}s", {"X-API-Key": SECRETS[role]}
    sent = service.post(f"{API}/workspaces/{name}/uploads", content=table(), headers=headers)
    assert sent.status_code == status
    upload_id = sent.json().get("upload_id", "20240101T000000Z-00000000")
    looked = service.get(f"{API}/workspaces/{name}/uploads/{upload_id}", headers=headers)
    made = service.put(f"{API}/workspaces/{name}", json={"upload_id": upload_id, "horizon": 7}, headers=headers)
    assert (looked.status_code, made.status_code) == ((200, 201) if status == 201 else (403, 403))


def test_where_nothing_can_be_written_it_is_said(
    service: TestClient, project: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503: settings in a read-only place, data in one, data on an object store."""
    found = send(service, table(), "readonly")

    def refuse(path: str, content: bytes) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(uploads, "replace_file", refuse)
    response = put(service, "readonly", found["upload_id"])
    assert (response.status_code, "cannot write its settings (Read-only" in response.json()["detail"]) == (503, True)
    (project.folder / "data/uploads/blocked").write_text("in the way")
    assert service.post(f"{API}/workspaces/blocked/uploads", content=table()).status_code == 503
    remote = connect(project, Instant(), Stores(Store("memory://data"), Store("memory://artifacts")))
    response = remote.post(f"{API}/workspaces/mine/uploads", content=table())
    assert (response.status_code, "object store" in response.json()["detail"]) == (503, True)


def test_a_table_becomes_published_forecasts_over_http(
    service: TestClient, project: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upload, preview, workspace, job, progress, forecast: everything that the web app does, with the real scripts."""
    monkeypatch.setenv("FORECAST_N_JOBS", "1")
    found = send(service, table(60), "journey", horizon=7)
    assert found["acceptable"]
    assert put(service, "journey", found["upload_id"], horizon=7).status_code == 201
    part(service, Jobs)._backend = LocalJobs(project.reader, LocalProcess(), 2)
    (project.folder / "configs/base").mkdir(exist_ok=True)
    (project.folder / "configs/base/models.yaml").write_text("models: [naive, seasonal_naive]\n")  # a matter of seconds
    job = service.post(f"{API}/jobs", json={"workspace": "journey", "kind": "run_all"}).json()
    stages = set()
    for _ in range(1_200):
        job = service.get(f"{API}/jobs/{job['job_id']}?workspace=journey").json()
        stages |= {(job["progress"] or {}).get("stage")}
        if job["state"] not in ("queued", "running"):
            break
        time.sleep(0.1)
    assert (job["state"], job["error"]) == ("succeeded", None), job
    assert stages & {"rows read", "backtest", "fit", "forecasts published"}
    assert {"rows read", "data checked", "run finished", "forecasts published"} <= {
        line["event"] for line in job["log"]
    }
    assert str(project.folder) not in json.dumps(job)
    forecast = service.get(f"{API}/forecasts?workspace=journey&unique_id=Ash").json()
    assert (forecast["source"], len(forecast["forecasts"][0]["points"])) == ("published", 7)
