"""All series together: sums, triage, segments and distributions, beside what pandas makes of the files."""

import asyncio
from typing import Any

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

from backend.copilot.tools import accuracy
from pipelines.core.figures import percent
from tests.backend.conftest import open_scope
from tests.support import site as sites
from tests.support.site import Site

API = "/api/v1/portfolio"


def read(client: TestClient, path: str = "", **params: Any) -> dict[str, Any]:
    response = client.get(f"{API}{path}", params={"workspace": "shop", **params})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def forecasts(site: Site) -> pd.Series:
    rows = site.reader.published("shop").read_parquet("forecasts.parquet")
    return rows.groupby("unique_id")["y_hat"].sum()


def actuals(site: Site) -> pd.DataFrame:
    rows = site.reader.dataset("shop").observations
    return rows[rows["y"].notna()]


def test_the_summary_is_the_sum_of_the_series(client: TestClient, site: Site) -> None:
    """The forecast of the horizon, and as many days before it."""
    found, rows = read(client)["summary"], actuals(site)
    last = rows[rows["ds"] > rows["ds"].max() - pd.Timedelta(days=7)]
    both = last.groupby("unique_id")["y"].sum()
    assert found["n_series"] == found["n_forecast"] == len(sites.IDS)
    assert found["forecast"] == pytest.approx(forecasts(site).sum(), rel=1e-5)
    assert found["last_period"] == pytest.approx(both.sum(), rel=1e-5)
    assert found["change"] == pytest.approx(forecasts(site)[both.index].sum() / both.sum() - 1, rel=1e-4)


def test_the_change_since_the_previous_forecast_is_over_the_steps_that_both_have(
    client: TestClient, site: Site
) -> None:
    """As the bridge tells it: its parts sum to the change."""
    bridge = site.reader.published("shop").read_parquet("bridge.parquet")
    rows = site.reader.published("shop").read_parquet("forecasts.parquet")
    change = bridge.groupby(["unique_id", "ds"])["value"].sum().rename("change").reset_index()
    both = rows.merge(change, on=["unique_id", "ds"])
    found = read(client)["summary"]["change_on_previous"]
    if both.empty:
        assert found is None
    else:
        assert found == pytest.approx(both["change"].sum() / abs((both["y_hat"] - both["change"]).sum()), rel=1e-3)


def test_the_totals_go_from_the_actuals_into_the_forecast(client: TestClient, site: Site) -> None:
    """Every step once, sums over all series, ascending."""
    found = pd.DataFrame(read(client)["totals"])
    sums = actuals(site).groupby("ds")["y"].sum()
    past, ahead = found[found["y"].notna()], found[found["y_hat"].notna()]
    assert found["ds"].is_monotonic_increasing
    assert found["ds"].is_unique
    assert past["y"].tolist() == pytest.approx(sums.tail(len(past)).tolist(), rel=1e-5)
    assert len(ahead) == 7
    assert ahead["y_hat"].sum() == pytest.approx(forecasts(site).sum(), rel=1e-5)


def test_a_filter_and_a_search_narrow_everything(client: TestClient, site: Site) -> None:
    """Sums, count and triage are of the series that are left."""
    found = read(client, region="north", search="tea")
    names = {row["unique_id"] for row in found["items"]}
    assert names == {name for name in names if "tea" in name}
    assert found["total"] == len(names) == found["summary"]["n_series"] > 0
    assert found["summary"]["forecast"] == pytest.approx(forecasts(site)[sorted(names)].sum(), rel=1e-5)


def test_triage_begins_with_the_series_that_is_large_uncertain_and_changing(client: TestClient) -> None:
    """Its score is the product of three percentiles, so it falls with the rank and lies between 0 and 1."""
    found = read(client)["items"]
    scores = [row["score"] for row in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    for row in found:
        by_kind = {reason["kind"]: reason["percentile"] for reason in row["reasons"]}
        change = by_kind.get("on_year", by_kind.get("on_period", 0.5))
        assert row["score"] == pytest.approx(by_kind["share"] * by_kind.get("error", 0.5) * change)
        assert [reason["percentile"] for reason in row["reasons"]] == sorted(by_kind.values(), reverse=True)


def test_the_shares_of_all_series_are_one(client: TestClient) -> None:
    """What each adds to the total."""
    shares = [one["value"] for row in read(client)["items"] for one in row["reasons"] if one["kind"] == "share"]
    assert sum(shares) == pytest.approx(1, rel=1e-5)


def test_pages_of_triage_are_the_whole(client: TestClient) -> None:
    """No series twice, none left out."""
    pages = [read(client, limit=3, offset=offset)["items"] for offset in range(0, len(sites.IDS), 3)]
    assert sorted(row["unique_id"] for page in pages for row in page) == sites.IDS


def test_segments_sum_to_the_whole(client: TestClient) -> None:
    """Each series is in one group."""
    whole, parts = read(client)["summary"], read(client, "/segments", by="region")["items"]
    assert sum(part["n_series"] for part in parts) == whole["n_series"]
    assert sum(part["forecast"] for part in parts) == pytest.approx(whole["forecast"])
    assert {part["group"] for part in parts} == set(read(client)["filters"]["region"])


@pytest.mark.parametrize("of", ["error", "skill", "last_value"])
def test_a_distribution_counts_every_known_value_once(client: TestClient, of: str) -> None:
    """Within its edges or beyond them."""
    rows = client.get("/api/v1/series", params={"workspace": "shop", "limit": 1000}).json()["items"]
    values = [row[of] for row in rows if row[of] is not None]
    found = read(client, "/distribution", of=of, bins=10)
    assert sum(found["counts"]) + found["below"] + found["above"] == len(values)
    assert found["median"] == pytest.approx(np.median(values))
    assert len(found["edges"]) == len(found["counts"]) + 1


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("", {"colour": "red"}, 404),
        ("/segments", {"by": "colour"}, 404),
        ("/segments", {}, 422),
        ("/distribution", {"of": "size"}, 422),
        ("", {"workspace": "nowhere"}, 404),
        ("", {"workspace": "empty"}, 404),
        ("", {"limit": 1001}, 422),
    ],
)
def test_what_there_is_not_is_told(client: TestClient, path: str, params: dict[str, Any], status: int) -> None:
    """As a problem."""
    response = client.get(f"{API}{path}", params={"workspace": "shop", **params})
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")


def test_a_portfolio_that_the_client_has_is_not_sent_again(client: TestClient) -> None:
    """It changes with the forecasts, the run and the data only."""
    first = client.get(API, params={"workspace": "shop"})
    again = client.get(API, params={"workspace": "shop"}, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_skill_is_the_same_wherever_it_is_told(client: TestClient, site: Site) -> None:
    """On the portfolio, of the workspace, of its run, in the card and in the copilot's facts; a segment's is of its series."""
    run = site.reader.production("shop")
    choices = run.read_parquet("choices.parquet").set_index("unique_id")
    expected = 1 - choices["value"].mean() / choices["baseline_value"].mean()
    whole = read(client)["summary"]
    assert whole["skill"] == pytest.approx(expected)
    assert whole["skill"] != pytest.approx(
        choices["skill_vs_seasonal_naive"].mean(), rel=0.01
    )  # the two do differ here
    workspaces = client.get("/api/v1/workspaces").json()["items"]
    told = next(one for one in workspaces if one["name"] == "shop")["accuracy"]
    assert told["skill"] == pytest.approx(expected)
    assert whole["error"] == pytest.approx(told["champion"])
    assert f"skill {percent(expected)}" in run.read_bytes("card.md").decode()
    scope = open_scope(site)
    facts = asyncio.run(accuracy.run(scope)).facts
    assert next(fact.value for fact in facts if fact.concept == "skill") == pytest.approx(expected)
    for part in read(client, "/segments", by="region")["items"]:
        own = choices[choices.index.str.startswith({"north": "Ash/", "south": "Elm/"}[part["group"]])]
        assert part["skill"] == pytest.approx(1 - own["value"].sum() / own["baseline_value"].sum())


def test_a_series_that_the_metric_cannot_judge_is_in_no_mean(site: Site) -> None:
    """Its error is of another metric, in the unit of the target; of runs without choices the baseline follows from the skill."""
    table = open_scope(site)
    found = asyncio.run(table.series())
    rows = np.arange(len(found.ids))
    before = found.accuracy(rows)
    found.numbers["error"] = np.append(found.numbers["error"][:-1], 1e9)
    found.judged = np.append(found.judged[:-1], False)
    assert found.accuracy(rows) == pytest.approx(found.accuracy(rows[:-1]))
    assert found.accuracy(rows)["error"] < 1e3  # type: ignore[operator]
    assert before.keys() == found.accuracy(rows[:0]).keys()
    assert set(found.accuracy(rows[:0]).values()) == {None}


def test_a_share_of_the_total_needs_no_attention(client: TestClient) -> None:
    """In a panel where nothing is unusual no series has a reason, however large it is."""
    found = read(client)
    assert found["n_attention"] == 0
    assert [row["attention"] for row in found["items"]] == [[]] * len(sites.IDS)
    assert read(client, needs_attention=True)["items"] == []
    assert read(client, needs_attention=True)["summary"] == found["summary"]
