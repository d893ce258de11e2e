"""Why forecasts changed: real runs and forecast sets in a store, panels handed in by data version."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.core.names import new_version
from pipelines.core.progress import Silent
from pipelines.forecasting import payload
from pipelines.forecasting.evaluation import fit
from pipelines.forecasting.evaluation.bridge import Bridge
from pipelines.forecasting.evaluation.candidates import build
from pipelines.forecasting.evaluation.ensemble import ENSEMBLE
from pipelines.forecasting.figures import Figures
from pipelines.forecasting.models import auto_arima, ensemble
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.promotion import previous
from pipelines.forecasting.settings import Workspace
from pipelines.storage.catalog import Dataset
from pipelines.storage.folders import Folder
from pipelines.storage.pointers import Aliases, CurrentData
from pipelines.storage.records import Data
from pipelines.storage.store import Store, Stores
from pipelines.tables.schema import DS
from tests.support import records
from tests.support.factories import panel, workspace

H = 7


@dataclass
class Shop:
    """A workspace whose data versions are panels; trains, forecasts and publishes what a test asks for."""

    folder: Path
    panels: dict[str, Panel] = field(default_factory=dict)

    @property
    def reader(self) -> Stores:
        return Stores(Store(f"{self.folder}/data"), Store(f"{self.folder}/artifacts"))

    def data(self, newest: Panel) -> str:
        places = self.reader.places("shop")
        draft = self.reader.data.draft(places.dataset(new_version()))
        draft.write_record(records.etl())
        version = draft.publish().name
        self.reader.data.move_pointer(
            places.current_dataset, CurrentData, lambda now: now.changed(data_version=version)
        )
        self.panels[version] = newest
        return version

    def read(self, dataset: Dataset, _: Workspace, models: Iterable[str]) -> Panel:
        return self.panels[dataset.version]

    def run(self, config: Workspace, weights: pd.DataFrame, newest: Panel) -> Folder:
        recording = payload.begin(self.reader, config, Data(), None)
        builds = {name: build(name, config) for name in weights["member"].unique()}
        served = weights.assign(model=weights["member"])
        payload.save_models(recording, fit.fit(newest, served, builds, bucket=9, n_jobs=1, progress=Silent()))
        if weights.duplicated("unique_id").any():  # a run of single champions may have no such table
            recording.draft.write_parquet("weights.parquet", weights)
        champions = weights.drop_duplicates("unique_id", keep=False)[["unique_id", "member"]]
        mixed = pd.DataFrame(
            {"unique_id": sorted({*weights["unique_id"]} - {*champions["unique_id"]}), "member": ENSEMBLE}
        )
        recording.draft.write_parquet(
            "champions.parquet", pd.concat([champions, mixed]).rename(columns={"member": "model"})
        )
        return recording.succeed(Figures())

    def publish(self, run: Folder, data_version: str) -> pd.DataFrame:
        paths = self.forecast(run, self.panels[data_version])
        places = self.reader.places("shop")
        draft = self.reader.artifacts.draft(places.forecast_set(new_version()))
        draft.write_parquet("forecasts.parquet", paths.assign(model="any", lo_80=0.0))
        draft.write_record(records.forecast_set(run.name, data_version=data_version))
        draft.publish()
        served = {"forecast_id": draft.name, "run_id": run.name, "as_of": "2024-01-01T00:00:00Z"}
        self.reader.artifacts.move_pointer(places.pointers, Aliases, lambda now: now.changed(published=served))
        return paths

    def forecast(self, run: Folder, newest: Panel) -> pd.DataFrame:
        rows = fit.predict(payload.load_models(run, newest.ids), newest, H, 1, Silent())
        shares = payload.weights_of(run).rename(columns={"member": "model"})
        rows = rows.merge(shares, on=["unique_id", "model"])
        return (
            rows.assign(y_hat=rows["y_hat"] * rows["weight"]).groupby(["unique_id", "ds"])["y_hat"].sum().reset_index()
        )

    def change(self, run: Folder, data_version: str) -> tuple[Bridge, pd.DataFrame]:
        newest = self.panels[data_version]
        forecasts = self.forecast(run, newest)
        found = previous.change(self.reader, "shop", run, newest, forecasts, self.read)
        assert found.since == self.reader.pointers("shop").published.forecast_id
        return found, forecasts


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def config(*models: str, **given: Any) -> Workspace:
    return workspace(horizon=H, season_lengths=[7], models=list(models), **given)


def shares(**members: dict[str, float]) -> pd.DataFrame:
    rows = [(name, member, weight) for name, of in members.items() for member, weight in of.items()]
    return pd.DataFrame(rows, columns=["unique_id", "member", "weight"])


def two_days_ago(newest: Panel) -> Panel:
    """What was there before the last two days, when their covariates were not yet history."""
    end = newest.history[DS].max() - pd.Timedelta(days=2)
    history = newest.history[newest.history[DS] <= end].reset_index(drop=True)
    if not newest.future:
        return replace(newest, history=history)
    after = newest.history.loc[newest.history[DS] > end, ["unique_id", DS, *newest.future]]
    known = pd.concat([after, newest.known]).sort_values(["unique_id", DS], ignore_index=True)
    return replace(newest, history=history, known=known.groupby("unique_id").head(H).reset_index(drop=True))


def totals(table: pd.DataFrame) -> dict[str, float]:
    found = table.assign(value=table["value"].abs()).groupby("part", sort=False)["value"].sum()
    return {str(part): float(value) for part, value in found.items()}


def test_the_first_forecast_has_no_bridge(shop: Shop) -> None:
    """Nothing was published before: the table is there, and empty."""
    version = shop.data(panel())
    run = shop.run(config("naive"), shares(a={"naive": 1}), panel())
    found = previous.change(shop.reader, "shop", run, panel(), shop.forecast(run, shop.panels[version]), shop.read)
    assert list(found.table.columns) == ["unique_id", "ds", "part", "value"]
    assert (len(found.table), found.as_json()) == (0, {"since": None, "notes": []})


def test_two_days_later_the_actuals_are_all_that_changed(shop: Shop) -> None:
    """The same run on newer data: the parts sum to the change, and all of it is new actuals."""
    one = {name: {"naive": 1.0} for name in "abc"}
    before = shop.data(two_days_ago(panel()))
    run = shop.run(config("naive"), shares(**one), shop.panels[before])
    old = shop.publish(run, before)
    found, now = shop.change(run, shop.data(panel()))
    both = old.merge(now, on=["unique_id", "ds"])
    sums = found.table.groupby(["unique_id", "ds"])["value"].sum().to_numpy()
    assert len(both) == 3 * (H - 2)
    assert sums == pytest.approx((both["y_hat_y"] - both["y_hat_x"]).to_numpy())
    assert [part for part, value in totals(found.table).items() if value] == ["new actuals"]
    assert found.notes == ()


def test_other_prices_than_planned_are_the_covariates_part(shop: Shop) -> None:
    """Prophet sees the price: what the plan of two days ago did not know is told apart from the actuals."""
    newest = panel(ids=("a",), future=("price",), ahead=H)
    then = two_days_ago(newest)
    assert then.known is not None
    planned = replace(then, known=then.known.assign(price=then.known["price"] + 1))
    before = shop.data(planned)
    run = shop.run(config("prophet"), shares(a={"prophet": 1.0}), planned)
    shop.publish(run, before)
    found, _ = shop.change(run, shop.data(newest))
    parts = found.table.groupby("part")["value"].mean()
    assert parts["covariates"] == pytest.approx(4, abs=0.5)  # the price pulls by 4 a unit, and is 1 lower than planned
    assert parts["new actuals"] == pytest.approx(0, abs=1e-6)  # without a refit, Prophet learns nothing from them


def test_a_data_version_that_is_gone_is_noted(shop: Shop) -> None:
    """The plan is not stored any more; the story is told without it."""
    newest = panel(ids=("a",), future=("price",), ahead=H)
    before = shop.data(two_days_ago(newest))
    run = shop.run(config("prophet"), shares(a={"prophet": 1.0}), shop.panels[before])
    shop.publish(run, before)
    Path(shop.reader.data.folder(shop.reader.places("shop").dataset(before)).where, "MANIFEST.json").unlink()
    found, _ = shop.change(run, shop.data(newest))
    assert "not stored any more" in found.notes[0]


def test_a_new_run_is_split_into_refit_and_model(shop: Shop) -> None:
    """a keeps its members with new weights, b goes from one model to another, cheap to refit; each has its part."""
    before = shop.data(two_days_ago(panel()))
    settings = config("naive", "moving_average")
    both = {"naive": 0.5, "moving_average": 0.5}
    run = shop.run(settings, shares(a=both, b={"naive": 1}, c={"naive": 1}), shop.panels[before])
    shop.publish(run, before)
    newest = shop.data(panel())
    moved = shares(a={"naive": 0.2, "moving_average": 0.8}, b={"moving_average": 1}, c={"naive": 1})
    found, _ = shop.change(shop.run(settings, moved, shop.panels[newest]), newest)
    parts = found.table.groupby(["unique_id", "part"])["value"].apply(lambda value: value.abs().sum() > 1e-9)
    assert parts["a"].to_dict() == {"covariates": False, "model": False, "new actuals": True, "refit": True}
    assert parts["b"].to_dict() == {"covariates": False, "model": True, "new actuals": True, "refit": False}
    assert parts["c"].to_dict() == {"covariates": False, "model": False, "new actuals": True, "refit": False}
    assert found.notes == ()


def test_other_model_params_are_another_model(shop: Shop) -> None:
    """A moving average over more steps has the same name, but its change is the model's."""
    before = shop.data(two_days_ago(panel(ids=("a",))))
    one = shares(a={"moving_average": 1.0})
    shop.publish(shop.run(config("moving_average"), one, shop.panels[before]), before)
    newest = shop.data(panel(ids=("a",)))
    other = config("moving_average", model_params={"moving_average": {"window": 30}})
    found, _ = shop.change(shop.run(other, one, shop.panels[newest]), newest)
    assert totals(found.table)["model"] > 0
    assert totals(found.table)["refit"] == pytest.approx(0)
    assert found.notes == ()


def test_a_previous_run_that_cannot_be_read_stops_nothing(shop: Shop) -> None:
    """Its models are damaged: the forecasts are compared all the same, the reason is noted, and the sum holds."""
    before = shop.data(two_days_ago(panel(ids=("a",))))
    old_run = shop.run(config("naive"), shares(a={"naive": 1.0}), shop.panels[before])
    old = shop.publish(old_run, before)
    Path(old_run.where, "model/00000.pkl").write_bytes(b"no model")
    newest = shop.data(panel(ids=("a",)))
    found, now = shop.change(shop.run(config("theta"), shares(a={"theta": 1.0}), shop.panels[newest]), newest)
    both = old.merge(now, on=["unique_id", "ds"])
    assert found.table.loc[found.table["part"] == "model", "value"].tolist() == pytest.approx(
        (both["y_hat_y"] - both["y_hat_x"]).tolist()
    )
    assert "cannot forecast the newest data (Untrusted: " in found.notes[0]


def test_what_holds_a_slow_model_is_slow() -> None:
    """An ensemble takes as long as its members, at any depth; nothing of it is fitted on the way to a forecast."""
    inner = {"models": ["naive", "auto_arima"]}
    assert previous._is_slow("auto_arima", auto_arima.build())
    assert previous._is_slow("ensemble", ensemble.build(**inner))
    assert previous._is_slow("ensemble", ensemble.build(models=["naive", "ensemble"], params={"ensemble": inner}))
    assert not previous._is_slow("ensemble", ensemble.build(models=["naive", "seasonal_naive"]))
