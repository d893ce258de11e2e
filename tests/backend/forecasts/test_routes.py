"""Forecasts as they are served: what the files hold, and what is computed beside them."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from tests.support import site as sites
from tests.support.site import Site

API = "/api/v1"
COMPUTED = {"workspace": "shop", "unique_ids": ["Ash/tea"], "levels": [80, 95]}


def published(site: Site, workspace: str = "shop") -> pd.DataFrame:
    return site.reader.published(workspace).read_parquet("forecasts.parquet")


def generate(client: TestClient, **wanted: Any) -> dict[str, Any]:
    response = client.post(f"{API}/forecasts/generate", json={**COMPUTED, **wanted})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def only(found: dict[str, Any]) -> pd.DataFrame:
    (one,) = found["forecasts"]
    return pd.DataFrame(one["points"])


@pytest.mark.parametrize("unique_id", sites.IDS)
def test_a_published_forecast_is_what_the_file_holds(client: TestClient, site: Site, unique_id: str) -> None:
    """Every series, whatever its name holds, with all digits."""
    response = client.get(f"{API}/forecasts", params={"workspace": "shop", "unique_id": unique_id})
    found, rows = response.json(), published(site)
    rows = rows[rows["unique_id"] == unique_id]
    assert found["run_id"] == site.second
    assert (found["source"], found["unit"], found["as_of"]) == ("published", "pieces", "2024-03-24T00:00:00Z")
    (one,) = found["forecasts"]
    assert (one["unique_id"], {one["model"]}) == (unique_id, set(rows["model"]))
    points = pd.DataFrame(one["points"])
    assert points["ds"].tolist() == rows["ds"].dt.strftime("%Y-%m-%d").tolist()
    for name in ("y_hat", "lo_80", "hi_80", "lo_95", "hi_95"):
        known = rows[name].astype(object).where(rows[name].notna(), None).tolist()
        assert points[name].astype(object).where(points[name].notna(), None).tolist() == known


def test_hours_are_written_in_the_workspaces_zone(client: TestClient, site: Site) -> None:
    """Inside they are UTC; London is an hour ahead of it in April."""
    rows = published(site, "meter")
    name = rows["unique_id"].iloc[0]
    found = client.get(f"{API}/forecasts", params={"workspace": "meter", "unique_id": name}).json()
    stamps = [point["ds"] for point in found["forecasts"][0]["points"]]
    assert all(stamp.endswith("+01:00") for stamp in stamps)
    assert pd.to_datetime(stamps, utc=True).tz_localize(None).tolist() == rows["ds"].tolist()


def test_what_the_client_has_is_not_sent_again(client: TestClient) -> None:
    """304 without a body for the same tag, however it is written; 200 for another."""
    path = f"{API}/forecasts?workspace=shop&unique_id=Ash%2Ftea"
    tag = client.get(path).headers["etag"]
    for given in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        response = client.get(path, headers={"If-None-Match": given})
        assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", tag)
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    missing = client.get(f"{API}/forecasts?workspace=shop&unique_id=nobody", headers={"If-None-Match": "*"})
    assert missing.status_code == 404


def test_another_forecast_set_has_another_tag(changeable: Site) -> None:
    """Promoting the first run serves its forecasts at once, under a new tag."""
    from pipelines.runs import aliases
    from tests.backend.conftest import connect

    client, path = connect(changeable), f"{API}/forecasts?workspace=shop&unique_id=Ash%2Ftea"
    before = client.get(path)
    aliases.promote(changeable.reader, "shop", changeable.first, "back")
    after = client.get(path, headers={"If-None-Match": before.headers["etag"]})
    assert (after.status_code, after.json()["run_id"]) == (200, changeable.first)
    assert after.headers["etag"] != before.headers["etag"]


def test_answers_are_compressed_for_who_wants_it(client: TestClient) -> None:
    """The same content, in fewer bytes."""
    path = f"{API}/forecasts?workspace=shop&unique_id=Ash%2Ftea"
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as response:
        packed = b"".join(response.iter_raw())
    assert response.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in response.headers["vary"]
    assert len(packed) < len(plain.content) / 2
    assert gzip.decompress(packed) == plain.content


@pytest.mark.parametrize("unique_id", ["Ash/tea", "Elm/50%/off"])
def test_components_sum_to_the_forecast(client: TestClient, unique_id: str) -> None:
    """And the parts of the bridge to its change from the set before."""
    path = "/".join([API, "forecasts", unique_id.replace("%", "%25").replace("/", "%2F"), "explanation"])
    found = client.get(path, params={"workspace": "shop"}).json()
    forecast = only(client.get(f"{API}/forecasts", params={"workspace": "shop", "unique_id": unique_id}).json())
    sums = [sum(point["components"].values()) for point in found["points"]]
    assert sums == pytest.approx(forecast["y_hat"].tolist())
    assert found["method"] in ("exact", "descriptive")
    assert found["bridge"]["since"] is not None
    assert len(found["bridge"]["points"]) == len(forecast)
    assert sum(found["totals"].values()) == pytest.approx(forecast["y_hat"].sum())
    changes = [sum(point["parts"].values()) for point in found["bridge"]["points"]]
    assert sum(found["bridge"]["totals"].values()) == pytest.approx(sum(changes), abs=1e-9)
    assert set(found["bridge"]["points"][0]["parts"]) <= {"new actuals", "covariates", "refit", "model"}


def test_a_forecast_set_without_explanations_says_so(changeable: Site) -> None:
    """One from before there were any: null and empty lists, no error."""
    from tests.backend.conftest import connect

    for manifest in changeable.folder.glob("artifacts/shop/forecasts/*/MANIFEST.json"):
        listing = json.loads(manifest.read_text())
        for name in ("explanations.parquet", "explanations.json", "bridge.parquet"):
            del listing["files"][name]
        manifest.write_text(json.dumps(listing))
    found = connect(changeable).get(f"{API}/forecasts/Ash%2Ftea/explanation?workspace=shop").json()
    assert (found["method"], found["points"], found["totals"]) == (None, [], {})
    assert found["bridge"] == {"since": None, "notes": [], "points": [], "totals": {}}


def test_what_is_published_is_not_computed(client: TestClient, site: Site) -> None:
    """Fewer steps or levels, the champion's name: cut out of the published forecasts, without a worker."""
    rows = published(site)
    ids = ["Elm/tea", "Ash/tea"]
    found = generate(client, unique_ids=ids, horizon=3, levels=[95])
    assert found["source"] == "published"
    assert [one["unique_id"] for one in found["forecasts"]] == ids
    for one in found["forecasts"]:
        assert [list(point) for point in one["points"]] == [["ds", "y_hat", "lo_95", "hi_95"]] * 3
        expected = rows.loc[rows["unique_id"] == one["unique_id"], "y_hat"].head(3).tolist()
        assert [point["y_hat"] for point in one["points"]] == expected
    model = rows.loc[rows["unique_id"] == "Ash/tea", "model"].iloc[0]
    assert generate(client, model=model)["source"] == "published"


def test_a_computed_forecast_is_the_published_one_where_both_are(computing: TestClient, site: Site) -> None:
    """The same models, data and intervals: a longer horizon begins with the published steps, in the same words."""
    rows = published(site)
    ids = ["Ash/tea", "Elm/Gruyère ☃ 日本", "Elm/50%/off"]
    found = generate(computing, unique_ids=ids, horizon=10)
    assert (found["source"], found["run_id"], found["as_of"]) == ("computed", site.second, "2024-03-24T00:00:00Z")
    assert [one["unique_id"] for one in found["forecasts"]] == ids
    for one in found["forecasts"]:
        expected, points = rows[rows["unique_id"] == one["unique_id"]], pd.DataFrame(one["points"])
        assert len(points) == 10
        assert points["ds"].head(7).tolist() == expected["ds"].dt.strftime("%Y-%m-%d").tolist()
        for name in ("y_hat", "lo_80", "hi_80"):
            assert points[name].head(7).tolist() == pytest.approx(expected[name].tolist())


def test_another_level_lies_between_its_neighbours(computing: TestClient, site: Site) -> None:
    """From the errors of the run's own backtest: wider than a lower level, as narrow as a higher one at most."""
    found = only(generate(computing, unique_ids=["Elm/tea"], levels=[50, 70, 80]))
    assert (found["hi_50"] <= found["hi_70"]).all()
    assert (found["hi_70"] <= found["hi_80"]).all()
    rows = published(site)
    assert found["hi_80"].tolist() == pytest.approx(rows.loc[rows["unique_id"] == "Elm/tea", "hi_80"].tolist())


def test_another_model_of_the_run_can_be_asked_for(computing: TestClient, site: Site) -> None:
    """One that the run has fitted to the series; any other is 404 with those that it has."""
    served = site.reader.run("shop", site.second).read_parquet("model/models.parquet")
    model = str(served.loc[served["unique_id"] == "Ash/tea", "model"].iloc[0])
    found = generate(computing, model=model, horizon=9)
    assert found["forecasts"][0]["model"] == model
    refused = computing.post(f"{API}/forecasts/generate", json={**COMPUTED, "model": "prophet"})
    assert refused.status_code == 404
    assert f"Use one of: {model}" in refused.json()["detail"]


def test_the_baseline_can_be_asked_for_wherever_it_was_not_fitted(computing: TestClient, site: Site) -> None:
    """It needs no training: the values of a season ago, with intervals of its own errors."""
    rows = only(generate(computing, model="seasonal_naive"))
    past = site.reader.dataset("shop").observations
    week = past[(past["unique_id"] == "Ash/tea") & past["y"].notna()].sort_values("ds")["y"].tail(7)
    assert rows["y_hat"].tolist() == pytest.approx(week.tolist())
    assert (rows["lo_95"] <= rows["lo_80"]).all()


def test_what_if_the_price_were_another(computing: TestClient) -> None:
    """Known covariates can be replaced; unknown ones, steps that are not forecast and words for numbers are told."""
    body = {**COMPUTED, "horizon": 2}
    price = {"ds": "2024-03-25", "price": 9.0}
    assert generate(computing, **{**body, "future": [price]})["source"] == "computed"
    for row, status, detail in [
        ({"ds": "2024-03-25", "prize": 9.0}, 404, "unknown future covariate 'prize' (did you mean 'price'?)"),
        ({"ds": "2024-05-25", "price": 9.0}, 422, "is none of the 2 steps that are forecast"),
        ({"ds": "2024-03-25", "price": "dear"}, 422, "price is 'dear'. Give a number"),
        ({"ds": "2024-03-25", "price": 9.0, "unique_id": "Elm/tea"}, 422, "is none of the 2 steps"),
    ]:
        response = computing.post(f"{API}/forecasts/generate", json={**body, "future": [row]})
        assert (response.status_code, detail in response.json()["detail"]) == (status, True), response.text


def test_a_price_reaches_the_model(computing: TestClient, site: Site) -> None:
    """A model that uses the covariate answers another price with another forecast, at that step only."""
    served = site.reader.run("shop", site.second).read_parquet("model/models.parquet")
    using = served.loc[served["model"] == "linear", "unique_id"]
    assert len(using), "the made-up sales follow a line and the weekday, so linear should win some of them"
    wanted = {"unique_ids": [str(using.iloc[0])], "horizon": 7, "model": "linear"}
    cheap, dear = (
        only(generate(computing, **wanted, future=[{"ds": "2024-03-26", "price": price}])) for price in (2.0, 4.0)
    )
    assert (cheap["y_hat"] != dear["y_hat"]).tolist() == [False, True, *[False] * 5]


def test_many_at_once_are_all_answered(computing: TestClient) -> None:
    """Requests wait for the worker one after the other; reads go on meanwhile."""

    def ask(number: int) -> tuple[int, str]:
        if number % 2:
            return client_status(computing.get(f"{API}/forecasts?workspace=shop&unique_id=Ash%2Ftea"))
        return client_status(computing.post(f"{API}/forecasts/generate", json={**COMPUTED, "levels": [70]}))

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(16)))
    assert found == [(200, "computed"), (200, "published")] * 8


def client_status(response: Any) -> tuple[int, str]:
    return response.status_code, response.json().get("source", "")
