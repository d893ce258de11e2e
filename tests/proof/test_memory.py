"""A viewer who asks for something else each time makes the service keep no more, on any route."""

import gc
import tracemalloc
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from backend.core.cache import Cache
from backend.core.catalog import Catalog
from backend.core.metrics import Metrics
from pipelines.forecasting.promotion import calibration
from pipelines.forecasting.worker import Worker
from tests.backend.conftest import connect, part
from tests.support import site as sites
from tests.support.site import IDS, Site

API = "/api/v1"
EACH = 40  # requests of a route
MOST = 3 * 2**20  # bytes that all of them together may leave behind


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Site:
    found = sites.made(tmp_path_factory, "watched")
    for variable, value in found.environ.items():
        monkeypatch.setenv(variable, value)
    return found


@pytest.fixture
def client(site: Site) -> TestClient:
    """With caches so small that what is bounded by them is full at once."""
    found = connect(site)
    catalog, metrics = part(found, Catalog), part(found, Metrics)
    catalog.answers, catalog.tables = Cache(0.5, metrics), Cache(1, metrics)
    return found


def distinct(client: TestClient, number: int) -> None:
    """One request of each kind, unlike all others, with names as long as they may be."""
    long, name = f"{number:04d}" + "y" * 7_000, f"{number:04d}" + "n" * 90
    letters = "".join(chr(97 + (number * 7 + at * at) % 26) for at in range(990))
    asked: dict[str, Callable[[], object]] = {
        "filter": lambda: client.get(f"{API}/portfolio", params={"workspace": "shop", "region": long}),
        "unknown filter": lambda: client.get(f"{API}/portfolio", params={"workspace": "shop", long: "x"}),
        "search": lambda: client.get(
            f"{API}/series", params={"workspace": "shop", "search": long[:300], "region": long}
        ),
        "segments": lambda: client.get(f"{API}/portfolio/segments", params={"workspace": "shop", "by": name}),
        "distribution": lambda: client.get(
            f"{API}/portfolio/distribution", params={"workspace": "shop", "region": long}
        ),
        "monitored": lambda: client.get(f"{API}/monitoring/series", params={"workspace": "shop", "search": long[:300]}),
        "metrics": lambda: client.get(
            f"{API}/metrics/historical", params={"workspace": "shop", "by": "series", "unique_id": long[:300]}
        ),
        "model": lambda: client.get(f"{API}/metrics/historical", params={"workspace": "shop", "model": name}),
        "forecast": lambda: client.get(f"{API}/forecasts", params={"workspace": "shop", "unique_id": long[:300]}),
        "history": lambda: client.get(
            f"{API}/series/{IDS[0].replace('%', '%25')}/history",
            params={"workspace": "shop", "start": f"{1000 + number}-01-01"},
        ),
        "run": lambda: client.get(f"{API}/runs/20200101T000000Z-{number:08x}", params={"workspace": "shop"}),
        "workspace": lambda: client.get(f"{API}/workspaces/{name}"),
        "path": lambda: client.get(f"/{long}"),
        "host": lambda: client.get(f"{API}/aliases", params={"workspace": "shop"}, headers={"Host": long}),
        "words": lambda: client.get(f"{API}/knowledge/search", params={"workspace": "shop", "q": letters}),
        "names": lambda: client.post(
            f"{API}/metrics/historical",
            json={
                "workspace": "shop",
                "by": "series",
                "unique_ids": [f"{number}-{at}" + "😀" * 250 for at in range(100)],
            },
        ),
    }
    for ask in asked.values():
        ask()


def held() -> int:
    """Bytes that Python holds and that are in use: what waits for the collector of cycles is not."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def test_what_is_kept_stops_growing(client: TestClient) -> None:
    """Distinct filters, searches, names, words, hosts and paths: what Python holds afterwards is what it held before."""
    for number in range(8):  # imports, tables, caches that fill once
        distinct(client, number)
    tracemalloc.start()
    try:
        distinct(client, 8)
        before = held()
        for number in range(9, 9 + EACH):
            distinct(client, number)
        assert held() - before < MOST
    finally:
        tracemalloc.stop()


def test_the_process_that_computes_keeps_a_few_sets_of_levels(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """An analyst asks for 20 of them: the newest are kept, and what is asked for again is not computed again."""
    computed = []
    calibrate = calibration.calibrate

    def counting(*given: object) -> object:
        computed.append(given[1])
        return calibrate(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(calibration, "calibrate", counting)
    worker = Worker(site.reader)
    wanted = {"workspace": "shop", "run_id": site.second, "unique_ids": [IDS[0]]}
    for level in [*range(30, 50), 49, 48]:
        (found,) = worker.answer({**wanted, "levels": [level]})["forecasts"]
        assert f"lo_{level}" in found["points"][0]
    assert len(computed) == 20
    assert len(worker._calibrated) <= 8
