"""Listing, searching, filtering and sorting series, and their histories."""

from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from pipelines.storage.layout import Places
from pipelines.storage.pointers import CurrentData
from tests.backend.conftest import connect
from tests.support import site as sites
from tests.support.site import Site

API = "/api/v1"


def listed(client: TestClient, **params: Any) -> dict[str, Any]:
    response = client.get(f"{API}/series", params={"workspace": "shop", **params})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def names(client: TestClient, **params: Any) -> list[str]:
    return [one["unique_id"] for one in listed(client, **params)["items"]]


def test_every_series_is_listed_with_what_is_known_of_it(client: TestClient, site: Site) -> None:
    """Profile and champion as the files have them."""
    found = listed(client)
    profile = site.reader.dataset("shop").series.set_index("unique_id")
    champions = site.reader.run("shop", site.second).read_parquet("champions.parquet").set_index("unique_id")
    assert (found["total"], [one["unique_id"] for one in found["items"]]) == (len(sites.IDS), sites.IDS)
    assert found["filters"] == ["region", "demand_class", "model", "status"]
    for one in found["items"]:
        row, champion = profile.loc[one["unique_id"]], champions.loc[one["unique_id"]]
        assert one["attributes"] == {"region": row["region"]}
        assert (one["n"], one["demand_class"], one["last_value"]) == (row["n"], row["demand_class"], row["last_y"])
        assert (one["first_ds"], one["last_ds"]) == ("2024-01-01", "2024-03-24")
        assert (one["model"], one["metric"], one["status"]) == (champion["model"], "mae", "forecast")
        assert one["error"] == pytest.approx(champion["value"])
        assert one["skill"] == pytest.approx(champion["skill_vs_seasonal_naive"]) or one["skill"] is None


def test_a_search_finds_parts_of_names_in_any_case(client: TestClient) -> None:
    """Letters of any script; what nobody has gives an empty page."""
    assert names(client, search="TEA") == ["Ash/tea", "Elm/tea"]
    assert names(client, search="gruyÈre ☃") == ["Ash/Gruyère ☃ 日本", "Elm/Gruyère ☃ 日本"]
    assert names(client, search="%/") == ["Ash/50%/off", "Elm/50%/off"]
    assert listed(client, search="nobody")["total"] == 0


def test_any_static_attribute_is_a_filter(client: TestClient) -> None:
    """Beside the search; so are class, champion and status. An unknown one is told, with those that there are."""
    assert names(client, region="north", search="tea") == ["Ash/tea"]
    assert names(client, region="North") == []
    assert len(names(client, status="forecast", region="south")) == len(sites.ITEMS)
    response = client.get(f"{API}/series?workspace=shop&regoin=north")
    assert response.status_code == 404
    assert (
        "unknown filter 'regoin' (did you mean 'region'?). Use one of: demand_class, model, region, status"
        in response.text
    )


@pytest.mark.parametrize(
    ("sort", "key"), [("name", "unique_id"), ("error", "error"), ("skill", "skill"), ("last_value", "last_value")]
)
def test_each_sort_runs_both_ways_with_nulls_last(client: TestClient, sort: str, key: str) -> None:
    """As pandas sorts them."""
    rows = pd.DataFrame(listed(client)["items"])
    for prefix in ("", "-"):
        found = [one[key] for one in listed(client, sort=prefix + sort)["items"]]
        expected = rows[key].sort_values(ascending=not prefix, na_position="last").tolist()
        assert [value for value in found if value is not None] == [value for value in expected if not pd.isna(value)]
        assert all(value is None for value in found[rows[key].notna().sum() :])


def test_pages_follow_each_other(client: TestClient) -> None:
    """Without overlap, up to the total; beyond it there is nothing."""
    pages = [names(client, sort="-error", limit=3, offset=offset) for offset in (0, 3, 6, 9, 12)]
    assert [len(page) for page in pages] == [3, 3, 3, 1, 0]
    assert sorted(name for page in pages for name in page) == sites.IDS


def test_without_a_run_there_is_still_the_data(client: TestClient) -> None:
    """Champion and skill are null, the status is waiting."""
    one = listed(client, workspace="fresh")["items"][0]
    assert (one["model"], one["error"], one["skill"], one["status"]) == (None, None, None, "waiting")
    response = client.get(f"{API}/series/Ash%2Ftea/history?workspace=fresh")
    assert len(response.json()["points"]) == 84


def test_data_from_before_there_was_a_last_value_have_none(changeable: Site) -> None:
    """Null, and sorted by it last; no error."""
    dataset = changeable.reader.dataset("shop")
    draft = changeable.reader.data.draft(Places("shop").dataset("20250101T000000Z-00000000"))
    draft.write_parquet("series.parquet", dataset.series.drop(columns="last_y"))
    draft.write_parquet("observations.parquet", dataset.observations)
    draft.write_record(dataset.info)
    name = draft.publish().name
    changeable.reader.data.move_pointer(
        Places("shop").current_dataset, CurrentData, lambda now: now.changed(data_version=name)
    )
    found = listed(connect(changeable), sort="-last_value")
    assert {one["last_value"] for one in found["items"]} == {None}


@pytest.mark.parametrize("unique_id", sites.IDS)
def test_a_history_is_what_the_file_holds(client: TestClient, site: Site, unique_id: str) -> None:
    """Up to the last value, with its covariates, however the name has to be encoded."""
    rows = site.reader.dataset("shop").observations
    rows = rows[(rows["unique_id"] == unique_id) & (rows["ds"] <= "2024-03-24")]
    encoded = unique_id.replace("%", "%25").replace("/", "%2F").replace("?", "%3F").replace("#", "%23")
    found = client.get(f"{API}/series/{encoded}/history?workspace=shop").json()
    points = pd.DataFrame(found["points"])
    assert (found["unique_id"], list(points)) == (unique_id, ["ds", "y", "price"])
    assert points["ds"].tolist() == rows["ds"].dt.strftime("%Y-%m-%d").tolist()
    assert points[["y", "price"]].to_numpy().tolist() == rows[["y", "price"]].to_numpy().tolist()


def test_a_range_cuts_the_history(client: TestClient) -> None:
    """Both ends included; an end beyond the last value shows the covariates that are known in advance."""
    path = f"{API}/series/Ash%2Ftea/history?workspace=shop"
    points = client.get(f"{path}&start=2024-03-23&end=2024-03-26").json()["points"]
    assert [(one["ds"], one["y"] is None, one["price"] is None) for one in points] == [
        ("2024-03-23", False, False),
        ("2024-03-24", False, False),
        ("2024-03-25", True, False),
        ("2024-03-26", True, False),
    ]
    assert client.get(f"{path}&start=2024-03-23").json()["points"] == points[:2]
    assert client.get(f"{path}&end=2024-01-02").json()["points"][-1]["ds"] == "2024-01-02"
    assert client.get(f"{path}&start=2024-03-23T12:00:00").json()["points"][0]["ds"] == "2024-03-24"


def test_a_range_of_hours_is_in_the_workspaces_zone(client: TestClient) -> None:
    """The same moment by London's clock, by an offset, and over the hour that summer time skips."""
    name = listed(client, workspace="meter")["items"][0]["unique_id"]

    def stamps(**params: str) -> list[str]:
        found = client.get(f"{API}/series/{name}/history", params={"workspace": "meter", **params}).json()
        return [point["ds"] for point in found["points"]]

    local = stamps(start="2024-03-31T00:00:00", end="2024-03-31T02:00:00")
    assert local == ["2024-03-31T00:00:00+00:00", "2024-03-31T02:00:00+01:00"]
    assert stamps(start="2024-03-31T01:00:00+01:00", end="2024-03-31T01:00:00Z") == local
    assert stamps(start="2024-04-01T00:00:00Z", end="2024-04-01T00:00:00Z") == ["2024-04-01T01:00:00+01:00"]
    assert stamps(start="2024-04-01", end="2024-04-01") == ["2024-04-01T00:00:00+01:00"]
    beyond = {"workspace": "meter", "end": "0001-01-01T00:00:00+14:00"}
    assert client.get(f"{API}/series/{name}/history", params=beyond).status_code == 422


@pytest.mark.parametrize("path", ["/series?workspace=shop", "/series/Ash%2Ftea/history?workspace=shop"])
def test_lists_are_sent_once(client: TestClient, path: str) -> None:
    """304 as long as neither data, run nor forecasts are new."""
    tag = client.get(API + path).headers["etag"]
    assert client.get(API + path, headers={"If-None-Match": tag}).status_code == 304


def test_each_workspace_says_how_it_stands(client: TestClient, site: Site) -> None:
    """From nothing to published; one workspace is answered as in the list."""
    found = {one["name"]: one for one in client.get(f"{API}/workspaces").json()["items"]}
    assert {name: one["status"] for name, one in found.items()} == {
        "empty": "no data",
        "fresh": "no run",
        "meter": "ready",
        "shop": "ready",
    }
    shop = found["shop"]
    assert client.get(f"{API}/workspaces/shop").json() == shop
    assert (shop["title"], shop["horizon"], shop["n_series"]) == ("Units by store and item", 7, len(sites.IDS))
    assert (shop["production_run"], shop["last_ds"], shop["levels"]) == (site.second, "2024-03-24", [80, 95])
    summary = site.reader.run("shop", site.second).read_json("run.json")["summary"]
    assert shop["accuracy"]["champion"] == summary["champion"]
    assert found["empty"]["title"] == "Units by store and item"
