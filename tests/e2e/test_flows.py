"""From a user's file to published forecasts, through the scripts as a user calls them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines import __version__
from pipelines.core import code
from pipelines.core.config import Project
from pipelines.core.errors import ConfigError, DataError, ForecastError
from pipelines.core.progress import Silent
from pipelines.forecasting import flows, payload, settings
from pipelines.forecasting.flows import Context
from pipelines.runs import aliases
from pipelines.storage.store import Stores, stores

ROOT = Path(__file__).parents[2]
ROWS = 70
HORIZON = 7


class Site:
    """A project in an empty folder: write a CSV and a workspace file, then run the flows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "configs/workspaces").mkdir(parents=True)
        (folder / "data/inbox").mkdir(parents=True)
        self.environ = {
            "FORECAST_CONFIG_DIR": str(folder / "configs"),
            "FORECAST_DATA_DIR": str(folder / "data"),
            "FORECAST_ARTIFACTS_DIR": str(folder / "artifacts"),
        }
        project = Project(data_dir=str(folder / "data"), artifacts_dir=str(folder / "artifacts"), n_jobs=1)
        self.context = Context(project, stores(project), Silent())

    @property
    def reader(self) -> Stores:
        return self.context.stores

    def workspace(self, text: str = "") -> settings.Workspace:
        base = "source: {kind: file, path: inbox/mine.csv}\nfrequency: D\nhorizon: 7\nmodels: [naive, moving_average]\n"
        keys = {line.partition(":")[0] for line in text.splitlines()}
        kept = [line for line in base.splitlines() if line.partition(":")[0] not in keys]
        path = self.folder / "configs/workspaces/mine.yaml"
        path.write_text("\n".join([*kept, text]), encoding="utf-8")
        return settings.load_workspace("mine", self.environ)

    def csv(self, rows: pd.DataFrame | str) -> None:
        path = self.folder / "data/inbox/mine.csv"
        path.write_text(rows if isinstance(rows, str) else rows.to_csv(index=False), encoding="utf-8")

    def run_all(self, text: str = "") -> pd.DataFrame:
        return flows.run_all(self.workspace(text), self.context).read_parquet("forecasts.parquet")


def sales(n: int = ROWS, start: str = "2024-01-01") -> pd.DataFrame:
    """Two shops with a weekly season, as a user's CSV would have them."""
    day = np.arange(n)
    parts = [
        pd.DataFrame(
            {"date": pd.date_range(start, periods=n), "store": shop, "units": 20 * k + 5 * (day % 7) + day % 3}
        )
        for k, shop in enumerate(["Ash", "Elm"], start=1)
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.csv(sales())
    return made


def test_a_csv_becomes_published_forecasts(site: Site) -> None:
    """Each series gets its horizon, from the day after its last value, with nested intervals and its champion's name."""
    forecasts = site.run_all()
    assert list(forecasts.columns) == ["unique_id", "ds", "model", "y_hat", "lo_80", "hi_80", "lo_95", "hi_95"]
    assert forecasts.groupby("unique_id").size().to_dict() == {"Ash": HORIZON, "Elm": HORIZON}
    assert forecasts["ds"].min() == pd.Timestamp("2024-03-11")
    ordered = forecasts[["lo_95", "lo_80", "y_hat", "hi_80", "hi_95"]].dropna().to_numpy()
    assert (np.diff(ordered, axis=1) >= 0).all()
    champions = site.reader.production("mine").read_parquet("champions.parquet").set_index("unique_id")["model"]
    assert (forecasts["model"] == forecasts["unique_id"].map(champions)).all()


def test_a_run_holds_what_the_design_promises(site: Site) -> None:
    """Tables, models, card and run.json are there, and the figures of run.json are those of the tables."""
    site.run_all()
    run = site.reader.production("mine")
    info = run.read_json("run.json")
    assert {"backtest.parquet", "metrics.parquet", "champions.parquet", "card.md", "run.json"} <= set(run.files)
    assert run.read_parquet("phases.parquet")["phase"].tolist() == list(range(7))
    assert info["status"] == "success"
    assert info["data"]["version"] == site.reader.dataset("mine").version
    assert [stage["name"] for stage in info["stages"]] == ["load", "backtest", "evaluate", "fit"]
    champions = run.read_parquet("champions.parquet")
    assert info["summary"]["champion"] == pytest.approx(champions["value"].mean())
    calibration = site.reader.calibration("mine", run.name)
    overall = calibration[calibration["by"] == "all"].set_index("level")["coverage"]
    assert {str(level): value for level, value in overall.items()} == info["summary"]["coverage"]
    assert set(calibration["by"]) == {"all", "step", "demand_class", "curve"}
    assert (calibration["by"] == "step").sum() == 2 * HORIZON
    backtest = run.read_parquet("backtest.parquet")
    assert set(backtest["model"]) == {"naive", "moving_average", "seasonal_naive"}
    cutoffs = backtest.groupby("model")["cutoff"].unique().map(sorted)
    assert all(list(found) == list(cutoffs.iloc[0]) for found in cutoffs)
    assert (backtest["ds"] > backtest["cutoff"]).all()


def test_a_second_run_does_nothing_again(site: Site) -> None:
    """Without a change there is no new data version, run or forecast set."""
    site.run_all()
    before = site.reader.pointers("mine"), site.reader.dataset("mine").version
    site.run_all()
    assert (site.reader.pointers("mine"), site.reader.dataset("mine").version) == before
    assert len(site.reader.runs("mine")) == 1


def test_a_deployment_with_other_model_code_trains_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another commit alone does not; runs and forecast sets name both their commit and their model code."""
    monkeypatch.setattr(code, "commit", lambda: "0123456789ab")
    site.run_all("models: [naive]")
    monkeypatch.setattr(code, "commit", lambda: "ba9876543210")
    site.run_all("models: [naive]")
    assert len(site.reader.runs("mine")) == len(site.reader.forecast_sets("mine")) == 1
    monkeypatch.setattr(payload, "model_code", lambda: "0" * 64)
    site.run_all("models: [naive]")
    assert len(site.reader.runs("mine")) == len(site.reader.forecast_sets("mine")) == 2
    for made in (
        site.reader.production("mine").read_json("run.json"),
        site.reader.published("mine").read_json("inference.json"),
    ):
        assert made["code_version"] == f"{__version__}+ba9876543210"
        assert made["model_code"] == "0" * 64


def test_a_run_without_a_digest_of_its_code_is_trained_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of release 0.1.0 have none: after the upgrade each workspace is trained once."""
    begin = payload.begin

    def begin_as_before(*args: Any) -> Any:
        record = begin(*args)
        record.info = record.info.model_copy(update={"model_code": None})
        return record

    with monkeypatch.context() as before:
        before.setattr(payload, "begin", begin_as_before)
        site.run_all("models: [naive]")
    for count in (2, 2):
        site.run_all("models: [naive]")
        assert len(site.reader.runs("mine")) == count


def test_newer_data_are_forecast_without_training(site: Site) -> None:
    """Inference takes the newest data: the forecasts start a week later and the run is the same."""
    workspace = site.workspace()
    flows.run_all(workspace, site.context)
    run = site.reader.production("mine").name
    site.csv(sales(ROWS + 7))
    flows.etl(workspace, site.context)
    forecast_set = flows.inference(workspace, site.context)
    assert forecast_set.read_parquet("forecasts.parquet")["ds"].min() == pd.Timestamp("2024-03-18")
    assert site.reader.pointers("mine").published.run_id == run


def test_a_series_that_came_after_training_gets_the_baseline(site: Site) -> None:
    """A new shop is forecast by the seasonal naive until the next training, and is named."""
    workspace = site.workspace()
    flows.run_all(workspace, site.context)
    site.csv(pd.concat([sales(), sales().query("store == 'Ash'").assign(store="Oak")]))
    flows.etl(workspace, site.context)
    forecast_set = flows.inference(workspace, site.context)
    forecasts = forecast_set.read_parquet("forecasts.parquet")
    assert set(forecasts.loc[forecasts["unique_id"] == "Oak", "model"]) == {"seasonal_naive"}
    assert forecasts.loc[forecasts["unique_id"] == "Oak", "hi_80"].notna().all()
    assert forecast_set.read_json("inference.json")["new_series"] == ["Oak"]


def test_a_series_that_ended_is_named_and_not_forecast(site: Site) -> None:
    """A shop without a value for over a horizon gets no forecast of its own past."""
    rows = sales()
    site.csv(rows[(rows["store"] == "Ash") | (rows["date"] < "2024-02-20")])
    forecasts = site.run_all()
    assert set(forecasts["unique_id"]) == {"Ash"}
    assert site.reader.published("mine").read_json("inference.json")["ended_series"] == ["Elm"]
    assert any("Elm" in note for note in site.reader.production("mine").read_json("run.json")["summary"]["notes"])


def test_a_series_that_is_late_is_forecast_for_the_same_dates(site: Site) -> None:
    """A shop whose last two days are missing is forecast for the same days as the others."""
    rows = sales()
    site.csv(rows[(rows["store"] == "Ash") | (rows["date"] < "2024-03-09")])
    forecasts = site.run_all()
    assert forecasts.groupby("unique_id")["ds"].min().nunique() == 1


def test_a_worse_run_is_not_promoted_unless_forced(site: Site) -> None:
    """Without its best model the new run loses on the same windows: production stays, and the reason has both figures."""
    good = flows.run_all(site.workspace("models: [moving_average]"), site.context)
    production = site.reader.production("mine").name
    worse = site.workspace("models: [naive]\nmodel_params: {seasonal_naive: {season_length: 5}}")
    trained = flows.train(worse, site.context)
    assert not trained.promoted
    assert production in trained.reason
    assert site.reader.production("mine").name == production
    assert site.reader.published("mine").name == good.name
    forced = flows.train(worse, site.context, force=True)
    assert forced.promoted
    assert site.reader.production("mine").name == forced.run.name


def test_rolling_back_serves_the_forecasts_of_the_run_before(site: Site) -> None:
    """Production and the published forecasts move together, in one version of the pointers."""
    first = flows.run_all(site.workspace("models: [naive]"), site.context)
    run = site.reader.production("mine").name
    second = flows.run_all(site.workspace("models: [naive, moving_average]"), site.context)
    assert site.reader.published("mine").name == second.name
    version = site.reader.pointers("mine").version
    aliases.rollback(site.reader, "mine", "test")
    assert site.reader.production("mine").name == run
    assert site.reader.published("mine").name == first.name
    assert site.reader.pointers("mine").version == version + 1


def test_covariates_and_holidays_reach_the_model(site: Site) -> None:
    """With its promotions known in advance, Prophet forecasts the uplift on just the promoted days."""
    rows = sales().assign(promo=lambda f: (f["date"].dt.day % 9 == 0).astype(int))
    rows["units"] += 40 * rows["promo"]
    ahead = sales(HORIZON, "2024-03-11").assign(units=None, promo=[0, 1, 0, 0, 1, 0, 0] * 2)
    site.csv(pd.concat([rows, ahead]))
    text = "models: [prophet]\ncovariates: {future: [promo]}\nholidays: {country: GB}\nsource: {kind: file, path: inbox/mine.csv, columns: {keys: [store]}}"
    forecasts = site.run_all(text)
    forecasts = forecasts[forecasts["model"] == "prophet"]
    promoted = forecasts["ds"].isin(pd.to_datetime(["2024-03-12", "2024-03-15"]))
    assert len(forecasts)
    assert forecasts.loc[promoted, "y_hat"].mean() > forecasts.loc[~promoted, "y_hat"].mean() + 30


PLANNED = "source: {kind: file, path: inbox/mine.csv, columns: {keys: [store]}}\ncovariates: {future: [promo]}"


def promoted() -> pd.DataFrame:
    """Sales with promotions that are known up to the last sale only."""
    rows = sales().assign(promo=lambda f: (f["date"].dt.day % 9 == 0).astype(int))
    return rows.assign(units=rows["units"] + 40 * rows["promo"])


def test_missing_future_covariates_stop_the_training(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any time is spent on a run whose forecasts could not be made: series and dates are named, and recorded."""
    site.csv(promoted())
    workspace = site.workspace(f"models: [prophet]\n{PLANNED}")
    flows.etl(workspace, site.context)
    monkeypatch.setattr(flows, "backtest", lambda *_, **__: pytest.fail("time was spent on a backtest"))
    what = r"promo are missing for 14 forecast steps of 2 series \(Ash from 2024-03-11 .* to 2024-03-17"
    with pytest.raises(DataError, match=what):
        flows.train(workspace, site.context)
    (failed,) = site.reader.runs("mine")
    info = site.reader.run("mine", failed).read_json("run.json")
    assert info["status"] == "failed"
    assert "promo are missing" in info["error"]


def test_a_plan_that_ends_early_stops_the_training(site: Site) -> None:
    """Three of seven days are planned in one shop, all in the other: only the first is named, with its four days."""
    ahead = sales(HORIZON, "2024-03-11").assign(units=None, promo=0)
    known = (ahead["store"] == "Elm") | (ahead["date"] <= "2024-03-13")
    site.csv(pd.concat([promoted(), ahead[known]]))
    with pytest.raises(DataError, match=r"4 forecast steps of 1 series \(Ash from 2024-03-14 to 2024-03-17"):
        site.run_all(f"models: [prophet]\n{PLANNED}")


@pytest.mark.parametrize("text", ["models: [moving_average]", "models: [prophet]\nmissing: {future: previous}"])
def test_what_no_model_needs_or_a_policy_fills_stops_nothing(site: Site, text: str) -> None:
    """Models that do not look at covariates, or a workspace that says what to assume."""
    site.csv(promoted())
    assert site.run_all(f"{text}\n{PLANNED}").groupby("unique_id").size().to_dict() == {"Ash": HORIZON, "Elm": HORIZON}


def test_plans_that_are_gone_after_training_stop_the_forecast(site: Site) -> None:
    """Trained with plans, forecast from newer data without: the same message, and what was published stays."""
    text = f"models: [prophet]\n{PLANNED}"
    ahead = sales(HORIZON, "2024-03-11").assign(units=None, promo=0)
    site.csv(pd.concat([promoted(), ahead]))
    site.run_all(text)
    before = site.reader.published("mine").name
    site.csv(promoted())
    flows.etl(site.workspace(text), site.context)
    with pytest.raises(DataError, match="promo are missing for 14 forecast steps of 2 series"):
        flows.inference(site.workspace(text), site.context)
    assert site.reader.published("mine").name == before


def test_events_as_text_need_a_row_a_day_and_no_word_for_nothing(site: Site) -> None:
    """Days without an event are empty, in the history as ahead; the day of the fair is forecast higher."""
    rows = sales().assign(event=lambda f: np.where(f["date"].dt.day % 9 == 0, "fair", None))
    rows["units"] += 40 * (rows["event"] == "fair")
    ahead = sales(HORIZON, "2024-03-11").assign(units=None, event=[None, "fair", None, None, None, None, None] * 2)
    site.csv(pd.concat([rows, ahead]))
    text = "models: [prophet]\nsource: {kind: file, path: inbox/mine.csv, columns: {keys: [store]}}"
    forecasts = site.run_all(f"{text}\ncovariates: {{future: [event]}}")
    fair = forecasts["ds"] == "2024-03-12"
    assert forecasts.loc[fair, "y_hat"].mean() > forecasts.loc[~fair, "y_hat"].mean() + 20


def test_a_target_that_cannot_be_negative_is_never_forecast_below_zero(site: Site) -> None:
    """A falling series ends at zero, and so do its lower bounds."""
    rows = sales().assign(units=lambda f: np.maximum(0, 35 - f.groupby("store").cumcount() // 2))
    site.csv(rows)
    forecasts = site.run_all("target: {non_negative: true}\nmodels: [theta]")
    assert (forecasts[["y_hat", "lo_80", "lo_95"]].min() >= 0).all()


@pytest.mark.parametrize(
    ("settings", "exact"),
    [
        ("models: [linear]", True),
        ("models: [mstl]", True),
        ("models: [ebm]\nmodel_params: {ebm: {outer_bags: 1, max_rounds: 300}}", True),
        ("models: [ensemble]\nmodel_params: {ensemble: {models: [linear, mstl], how: weights}}", True),
        ("models: [ensemble]\nmodel_params: {ensemble: {models: [linear, mstl]}}", False),
        ("models: [moving_average]", False),
    ],
)
def test_explanations_are_exact_where_the_champion_is_a_sum(site: Site, settings: str, exact: bool) -> None:
    """They add up either way, and say which they are."""
    noise = np.random.default_rng(4).normal(0, 6, 2 * ROWS)
    site.csv(sales().assign(units=lambda f: f["units"] + noise))
    forecasts = site.run_all(settings)
    assert set(forecasts["model"]) == {settings.partition("[")[2].partition("]")[0]}
    told = site.reader.published("mine").read_json("explanations.json")
    parts = site.reader.published("mine").read_parquet("explanations.parquet")
    assert told["methods"] == {"exact": 2 * exact, "descriptive": 2 * (not exact)}
    assert told["exact"] == ["Ash", "Elm"] * exact
    sums = parts.groupby(["unique_id", "ds"])["value"].sum()
    assert sums.to_numpy() == pytest.approx(
        forecasts.set_index(["unique_id", "ds"])["y_hat"].loc[sums.index].to_numpy()
    )


def test_a_mixture_is_exact_only_where_all_its_members_are_sums(site: Site) -> None:
    """The `default` strategy names its ensemble by a name that no model has, and its weights say what is in it."""
    noise = np.random.default_rng(4).normal(0, 6, 2 * ROWS)
    site.csv(sales().assign(units=lambda f: f["units"] + noise))
    forecasts = site.run_all("models: default")
    weights = site.reader.production("mine").read_parquet("weights.parquet")
    assert set(forecasts["model"]) == {"default_ensemble"}
    assert weights.groupby("unique_id").size().min() > 1
    silent = weights.loc[~weights["member"].isin(["linear", "mstl"]), "unique_id"]
    told = site.reader.published("mine").read_json("explanations.json")
    assert set(told["exact"]) == {"Ash", "Elm"} - set(silent)
    assert len(silent)


@pytest.mark.parametrize("strategy", ["expanding", "sliding"])
@pytest.mark.parametrize("gap", [0, 3])
def test_every_kind_of_backtest_runs_through(site: Site, strategy: str, gap: int) -> None:
    """Strategy and gap shape the windows: the first test step lies gap + 1 days after its cutoff."""
    site.run_all(f"backtest: {{windows: 2, step: 5, gap: {gap}, strategy: {strategy}}}")
    backtest = site.reader.production("mine").read_parquet("backtest.parquet")
    first = backtest.groupby("cutoff")["ds"].min()
    assert ((first - first.index).dt.days == gap + 1).all()
    assert backtest["step"].between(1, HORIZON).all()


BAD = {
    "a missing file": (None, "", r"mine\.csv"),
    "an empty file": ("", "", "empty"),
    "a header only": ("date,store,units\n", "", "no rows|header"),
    "a missing column": (
        "day,store,units\n2024-01-01,Ash,1\n",
        "source: {kind: file, path: inbox/mine.csv, columns: {ds: days}}",
        r"column 'days' is missing .*did you mean 'day'",
    ),
    "unparsable dates": (
        "date,store,units\n31-31-2024,Ash,1\nsoon,Ash,2\n",
        "",
        r"unreadable date.*row 1: date='31-31-2024'",
    ),
    "one observation a series": (
        "date,store,units\n2024-01-01,Ash,1\n2024-01-01,Elm,1\n",
        "",
        "more than one observation",
    ),
    "an all-null target": (
        "date,store,units\n2024-01-01,Ash,\n2024-01-02,Ash,\n",
        "source: {kind: file, path: inbox/mine.csv, columns: {y: units, keys: [store]}}",
        "empty in all 2 rows",
    ),
    "a horizon longer than the history": (
        sales(10).to_csv(index=False),
        "horizon: 30",
        "horizon of 30 steps is longer",
    ),
    "a key that stands twice": (sales().to_csv(index=False), "horizon: 7\nhorizon: 14", "'horizon' stands twice"),
    "mixed frequencies": (
        pd.concat(
            [sales(), sales(12).assign(store="Week", date=pd.date_range("2024-01-01", periods=24, freq="W"))]
        ).to_csv(index=False),
        "frequency: auto",
        "mixed frequencies.*Week",
    ),
    "mostly unreadable numbers": (
        sales().assign(units="many").to_csv(index=False),
        "source: {kind: file, path: inbox/mine.csv, columns: {y: units, keys: [store]}}",
        "unreadable number",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error_and_leaves_the_published_state(site: Site, case: str) -> None:
    """The message says what was found; pointers, data version and published forecasts are as before."""
    site.run_all()
    before = site.reader.pointers("mine"), site.reader.dataset("mine").version
    content, text, message = BAD[case]
    if content is None:
        (site.folder / "data/inbox/mine.csv").unlink()
    else:
        site.csv(content)
    with pytest.raises(ForecastError, match=f"(?s){message}"):
        site.run_all(text)
    assert (site.reader.pointers("mine"), site.reader.dataset("mine").version) == before
    assert len(site.reader.published("mine").read_parquet("forecasts.parquet")) == 2 * HORIZON


def test_a_failing_check_keeps_the_report_for_inspection(site: Site) -> None:
    """With a tenth of the rows unreadable the run stops, and quality.json with the rejected rows lies where it says."""
    rows = sales().astype({"units": object})
    rows.loc[rows.index % 10 == 0, "units"] = "n.a. today"
    site.csv(rows)
    with pytest.raises(DataError, match="rejected: 14 of 140 rows") as error:
        site.run_all()
    folder = Path(str(error.value).partition("Report: ")[2].partition("/quality.json")[0])
    assert json.loads((folder / "quality.json").read_text())["status"] == "fail"
    assert len(pd.read_parquet(folder / "rejected.parquet")) == 14
    assert site.reader.pointers("mine").published is None


def test_a_failed_training_is_recorded_with_its_reason(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run exists as failed, says why, and production is untouched."""
    site.run_all()
    production = site.reader.production("mine").name
    monkeypatch.setattr("pipelines.forecasting.models._local.LocalForecaster.fit", lambda *_: 1 / 0)
    with pytest.raises(ForecastError, match="model naive failed on the window"):
        flows.train(site.workspace(), site.context)
    failed = site.reader.run("mine", site.reader.runs("mine")[-1]).read_json("run.json")
    assert failed["status"] == "failed"
    assert "naive" in failed["error"]
    assert site.reader.production("mine").name == production


def test_wrong_model_params_are_a_clear_error(site: Site) -> None:
    """A parameter that the model does not have names the model and the parameter."""
    with pytest.raises(ConfigError, match=r"model_params\.moving_average: .*'windw'"):
        site.run_all("model_params: {moving_average: {windw: 3}}")


def script(site: Site, name: str, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / f"{name}.py"), *args]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **site.environ}, cwd=site.folder)


def test_the_scripts_run_as_a_user_calls_them(site: Site) -> None:
    """Six lines of YAML and one command give a table, a picture and forecasts; exit codes are 0, 1 and 2."""
    text = "source: {kind: file, path: inbox/mine.csv}\nfrequency: auto\nhorizon: 7\nmodels:\n  - naive\n  - seasonal_naive\n"
    (site.folder / "configs/workspaces/mine.yaml").write_text(text)
    done = script(site, "run_all", "--workspace", "mine")
    assert done.returncode == 0, done.stderr
    assert "Ash" in done.stdout
    assert "Traceback" not in done.stderr
    page = (site.folder / "artifacts/mine.html").read_text()
    assert "Ash" in page
    assert "what the intervals covered in the backtest" in page
    assert "http-equiv" not in page
    (site.folder / "data/inbox/mine.csv").write_text("")
    failed = script(site, "run_etl", "--workspace", "mine", "--json-log")
    assert (failed.returncode, "Traceback" in failed.stderr) == (1, False)
    assert "empty" in failed.stderr
    assert script(site, "train", "--workspace", "yours").returncode == 2
    assert script(site, "inference").returncode == 2
