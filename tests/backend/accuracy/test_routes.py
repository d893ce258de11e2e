"""The metrics of the backtest, and the figures for Prometheus."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

from tests.support.site import Site

API = "/api/v1"


def asked(client: TestClient, **params: Any) -> dict[str, Any]:
    response = client.get(f"{API}/metrics/historical", params={"workspace": "shop", "limit": 1000, **params})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


@pytest.mark.parametrize(
    ("by", "keys"), [("model", ["model"]), ("series", ["unique_id", "model"]), ("cutoff", ["model", "cutoff"])]
)
@pytest.mark.parametrize("metric", ["mae", "smape", "coverage_80", "mape"])
def test_means_are_those_of_the_table(client: TestClient, site: Site, by: str, keys: list[str], metric: str) -> None:
    """As pandas averages the run's metrics, nulls left out."""
    rows = site.reader.run("shop", site.second).read_parquet("metrics.parquet")
    rows = rows[rows["metric"] == metric].assign(cutoff=rows["cutoff"].dt.strftime("%Y-%m-%d"))
    expected = rows.groupby(keys, observed=True)["value"].agg(["mean", "count"]).reset_index().sort_values(keys)
    found = asked(client, by=by, metric=metric)
    assert (found["metric"], found["by"], found["total"]) == (metric, by, len(expected))
    got = pd.DataFrame(found["items"])
    assert got[keys].to_numpy().tolist() == expected[keys].to_numpy().tolist()
    assert got["n"].tolist() == expected["count"].tolist()
    np.testing.assert_allclose(got["value"].astype(float), expected["mean"].astype(float))


@pytest.mark.parametrize("metric", ["mae", "rmse", "bias", "smape", "coverage_95"])
def test_errors_by_horizon_are_those_of_the_backtest(client: TestClient, site: Site, metric: str) -> None:
    """Computed here in another way, from the stored forecasts and actuals."""
    rows = site.reader.run("shop", site.second).read_parquet("backtest.parquet").dropna(subset=["y"])
    error = rows["y"] - rows["y_hat"]
    size = rows["y"].abs() + rows["y_hat"].abs()
    points = {
        "mae": error.abs(),
        "rmse": error**2,
        "bias": error,
        "smape": (2 * error.abs() / size).where(size > 0, 0.0),
        "coverage_95": rows["y"].between(rows["lo_95"], rows["hi_95"]).astype(float).where(rows["lo_95"].notna()),
    }[metric]
    expected = points.groupby([rows["model"].astype(str), rows["step"]]).mean().dropna()
    expected = expected**0.5 if metric == "rmse" else expected
    found = pd.DataFrame(asked(client, by="horizon", metric=metric)["items"]).set_index(["model", "horizon"])["value"]
    assert list(found.index) == list(expected.index)
    np.testing.assert_allclose(found.to_numpy(), expected.to_numpy(), atol=1e-12)


def test_one_series_or_model_is_a_part_of_all(client: TestClient) -> None:
    """Also by POST, for several series."""
    every = asked(client, by="series")["items"]
    ids = ["Ash/tea", "Elm/50%/off"]
    assert asked(client, by="series", unique_id=ids[0])["items"] == [row for row in every if row["unique_id"] == ids[0]]
    assert asked(client, by="series", model="naive")["items"] == [row for row in every if row["model"] == "naive"]
    body = {"workspace": "shop", "by": "series", "unique_ids": ids, "limit": 1000}
    found = client.post(f"{API}/metrics/historical", json=body).json()["items"]
    assert found == [row for row in every if row["unique_id"] in ids]
    one = asked(client, by="horizon", metric="mae", unique_id=ids[0], model="naive")["items"]
    assert [(row["model"], row["horizon"]) for row in one] == [("naive", step) for step in range(1, 8)]


def test_the_metric_is_the_runs_unless_named(client: TestClient, site: Site) -> None:
    """And the run the one in production; an earlier one can be named."""
    assert (asked(client)["metric"], asked(client)["run_id"]) == ("mae", site.second)
    assert {row["model"] for row in asked(client, run_id=site.first)["items"]} == {"moving_average", "seasonal_naive"}


@pytest.mark.parametrize(
    ("params", "detail"),
    [
        ({"metric": "mse"}, "unknown metric 'mse'"),
        ({"model": "prophet"}, "unknown model 'prophet'. Use one of: linear, naive, seasonal_naive"),
        ({"by": "horizon", "metric": "mase"}, "unknown metric by horizon 'mase'"),
    ],
)
def test_what_the_run_has_not_is_told(client: TestClient, params: dict[str, str], detail: str) -> None:
    """With what it has."""
    response = client.get(f"{API}/metrics/historical", params={"workspace": "shop", **params})
    assert (response.status_code, detail in response.json()["detail"]) == (404, True), response.text


def test_prometheus_sees_requests_seconds_and_the_cache(client: TestClient) -> None:
    """By route template, so that no name of a series becomes a label."""
    for _ in range(3):
        client.get(f"{API}/forecasts?workspace=shop&unique_id=Ash%2Ftea")
    client.get(f"{API}/series/Ash%2Ftea/history?workspace=shop")
    client.get("/some/where")
    text = client.get("/metrics").text
    assert 'http_requests_total{method="GET",route="/forecasts",status="200"} 3.0' in text
    assert 'http_requests_total{method="GET",route="unmatched",status="404"} 1.0' in text
    assert 'http_request_duration_seconds_count{method="GET",route="/forecasts"} 3.0' in text
    assert 'cache_requests_total{kind="answer",result="miss"} 1.0' in text
    assert 'cache_requests_total{kind="answer",result="hit"} 2.0' in text
    assert "generate_queue_waiting 0.0" in text
    assert "tea" not in text
