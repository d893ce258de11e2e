"""What is kept of others with each forecast set: the baseline for all, the run before and a canary for a share."""

from pathlib import Path

import pandas as pd
import pytest

from pipelines.forecasting import flows
from pipelines.forecasting.promotion import alternatives
from pipelines.forecasting.thresholds import Comparison
from pipelines.runs import aliases
from tests.e2e.test_flows import Site, sales


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.csv(sales())
    return made


def stored(site: Site) -> tuple[pd.DataFrame, dict[str, dict[str, str]]]:
    published = site.reader.published("mine")
    return published.read_parquet("rivals.parquet"), published.read_json("inference.json")["rivals"]


def test_a_first_run_has_only_the_baseline(site: Site) -> None:
    """The value a week ago, for every series and step."""
    site.run_all("models: [naive]")
    table, told = stored(site)
    assert told == {}
    assert set(table["model"]) == {"seasonal_naive"}
    newest = site.reader.dataset("mine").observations.groupby("unique_id").tail(7)
    assert table["y_hat"].tolist() == newest["y"].tolist()


def test_the_run_before_and_a_canary_forecast_beside_production(site: Site) -> None:
    """As they would have, under their own names; the same run twice is no rival."""
    site.run_all("models: [naive]")
    first = site.reader.production("mine").name
    own = site.reader.published("mine").read_parquet("forecasts.parquet")
    flows.train(site.workspace("models: [moving_average]"), site.context, force=True)
    aliases.promote(site.reader, "mine", first, "a try", "canary")
    flows.inference(site.workspace("models: [moving_average]"), site.context)
    table, told = stored(site)
    assert {name: one["run_id"] for name, one in told.items()} == {"previous": first, "canary": first}
    for name in ("previous", "canary"):
        assert table.loc[table["model"] == name, "y_hat"].tolist() == own["y_hat"].tolist()
    aliases.promote(site.reader, "mine", site.reader.production("mine").name, "no more", "canary")
    flows.inference(site.workspace("models: [moving_average]"), site.context)
    assert set(stored(site)[1]) == {"previous"}


def test_a_run_that_cannot_forecast_stops_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named with the reason; the forecasts and the baseline are there."""
    site.run_all("models: [naive]")
    flows.train(site.workspace("models: [moving_average]"), site.context, force=True)

    def broken(*_: object) -> None:
        raise ValueError("no more")

    monkeypatch.setattr(alternatives, "_forecast", broken)
    flows.inference(site.workspace("models: [moving_average]"), site.context)
    table, told = stored(site)
    assert told["previous"]["reason"] == "ValueError: no more"
    assert set(table["model"]) == {"seasonal_naive"}


def test_the_sample_stays_the_same() -> None:
    """A tenth, but at least as many as are asked for; a series that comes takes at most one other's place."""
    ids = [f"series {number}" for number in range(1000)]
    chosen = alternatives.sample(ids, Comparison())
    assert len(chosen) == 100
    assert len(alternatives.sample(ids[:30], Comparison())) == 30
    assert len(set(chosen) - set(alternatives.sample([*ids, "new"], Comparison()))) <= 1
