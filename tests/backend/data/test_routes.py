"""Quality checks and rejected rows over HTTP."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.site import Site

API = "/api/v1/workspaces"


def test_the_checks_are_those_of_the_current_data(client: TestClient, site: Site) -> None:
    """With their counts, as the file has them."""
    found, dataset = client.get(f"{API}/shop/quality").json(), site.reader.dataset("shop")
    assert {name: found[name] for name in ("status", "counts", "checks")} == dataset.quality.model_dump()
    assert found["data_version"] == dataset.version
    assert str(site.folder) not in client.get(f"{API}/shop/quality").text


def test_rejected_rows_come_as_they_were_with_their_reason(client: TestClient, site: Site) -> None:
    """Page by page."""
    rejected = site.reader.dataset("shop").rejected
    found = [
        row
        for offset in range(0, len(rejected) + 1, 2)
        for row in client.get(f"{API}/shop/rejected", params={"limit": 2, "offset": offset}).json()["items"]
    ]
    assert len(found) == len(rejected)
    assert [row["reason"] for row in found] == rejected["reason"].tolist()


@pytest.mark.parametrize("path", ["nowhere/quality", "nowhere/rejected", "empty/quality"])
def test_a_workspace_without_data_has_no_checks(client: TestClient, path: str) -> None:
    """404, as a problem."""
    response = client.get(f"{API}/{path}")
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("model", [None, "seasonal_naive"])
def test_the_windows_of_a_series_are_those_of_the_backtest(client: TestClient, site: Site, model: str | None) -> None:
    """Every model and cutoff, or one model's, with the error as actual minus forecast."""
    params: dict[str, Any] = {"workspace": "shop"} | ({"model": model} if model else {})
    found = client.get("/api/v1/series/Ash%2Ftea/backtest", params=params).json()
    rows = site.reader.run("shop", site.second).read_parquet("backtest.parquet")
    rows = rows[(rows["unique_id"] == "Ash/tea") & (rows["model"].eq(model) if model else True)]
    assert [point["y_hat"] for point in found["points"]] == rows["y_hat"].tolist()
    assert [point["cutoff"] for point in found["points"]] == rows["cutoff"].dt.strftime("%Y-%m-%d").tolist()
    assert [point["error"] for point in found["points"]] == pytest.approx((rows["y"] - rows["y_hat"]).tolist())


def test_a_backtest_of_what_was_not_tested_is_told(client: TestClient) -> None:
    """An unknown series, and an unknown model."""
    for path, params in (("nobody", {}), ("Ash%2Ftea", {"model": "oracle"})):
        assert client.get(f"/api/v1/series/{path}/backtest", params={"workspace": "shop", **params}).status_code == 404


def test_the_calibration_of_a_run_is_what_was_measured(client: TestClient, site: Site) -> None:
    """All groups of all levels; null where nothing is known."""
    found = client.get(f"/api/v1/runs/{site.second}/calibration", params={"workspace": "shop"}).json()["rows"]
    rows = site.reader.calibration("shop", site.second)
    assert [(row["level"], row["by"], row["group"], row["n"]) for row in found] == list(
        rows[["level", "by", "group", "n"]].itertuples(index=False, name=None)
    )
    assert [row["coverage"] for row in found if row["n"]] == rows.loc[rows["n"] > 0, "coverage"].tolist()


def test_an_earlier_forecast_can_be_read_again(client: TestClient, site: Site) -> None:
    """As long as it is there; one that never was is told."""
    names = site.reader.forecast_sets("shop")
    for name in names:
        params = {"workspace": "shop", "unique_id": "Ash/tea", "forecast_id": name}
        assert client.get("/api/v1/forecasts", params=params).json()["forecast_id"] == name
    params = {"workspace": "shop", "unique_id": "Ash/tea", "forecast_id": "20000101T000000Z-00000000"}
    assert client.get("/api/v1/forecasts", params=params).status_code == 404
