"""Reasons for the change since the last published forecasts: applies the previous run's models to the newest data."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import pandas as pd

from pipelines.core.errors import NotFound
from pipelines.core.progress import Silent
from pipelines.forecasting import payload
from pipelines.forecasting.evaluation import bridge, explain, fit
from pipelines.forecasting.evaluation.bridge import Bridge, Previous
from pipelines.forecasting.evaluation.candidates import build
from pipelines.forecasting.evaluation.fit import Fitted
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.predict import Predictor
from pipelines.forecasting.protocols import Forecaster
from pipelines.forecasting.settings import Workspace
from pipelines.storage.catalog import Dataset, Reader
from pipelines.storage.folders import Folder
from pipelines.storage.records import ForecastSet
from pipelines.tables.schema import KEY, MEMBER, MODEL, UNIQUE_ID, Y_HAT

_SLOW = {"auto_arima"}  # minutes per series with a long season: too slow before publishing

Read = Callable[[Dataset, Workspace, Iterable[str]], Panel]


def change(reader: Reader, name: str, run: Folder, panel: Panel, forecasts: pd.DataFrame, read: Read) -> Bridge:
    """The bridge from the published forecast set of workspace `name` to `forecasts`; never raises because of the old
    run.

    `run` made `forecasts` (`unique_id, ds, y_hat`) from `panel`; `read` makes a panel of a data version with a run's
    settings and the future values that its models need.
    """
    served = reader.pointers(name).published
    if served is None:
        return Bridge(explain.bridge(forecasts.head(0), forecasts, forecasts, forecasts, forecasts))
    published = reader.forecast_set(name, served.forecast_id)
    info, paths = ForecastSet.of(published), published.read_parquet("forecasts.parquet", [*KEY, Y_HAT])
    same, since = info.run_id == run.name, served.forecast_id
    try:
        old = run if same else reader.run(name, info.run_id)
        previous = _previous(reader, name, old, run, info.data_version, paths, panel if same else None, read)
        return replace(bridge.replay(previous, forecasts, payload.weights_of(run), same_run=same), since=since)
    except Exception as error:  # noqa: BLE001 - old models under new code can raise anything; publishing must go on
        between = forecasts if same else forecasts.head(0)
        why = f"The previous run {info.run_id} cannot forecast the newest data ({type(error).__name__}: {error})"
        share = "new actuals" if same else "model"
        table = explain.bridge(paths, between, between, between, forecasts)
        return Bridge(table, (f"{why}; the whole change counts as {share}.",), since)


def _previous(
    reader: Reader,
    name: str,
    old: Folder,
    run: Folder,
    data_version: str,
    paths: pd.DataFrame,
    panel: Panel | None,
    read: Read,
) -> Previous:
    settings, now, weights = payload.workspace_of(old), payload.workspace_of(run), payload.weights_of(old)
    dataset = reader.dataset(name)
    builds = {str(member): build(str(member), settings) for member in weights[MEMBER].unique()}

    def predict(panel: Panel, h: int, fitted: Iterable[Fitted] | None = None) -> pd.DataFrame:
        return Predictor.of(old, panel.ids).forecast(panel, h, fitted)[[*KEY, Y_HAT]]

    def refit(panel: Panel, h: int) -> pd.DataFrame:
        members = weights[weights[UNIQUE_ID].isin(panel.ids)].assign(**{MODEL: weights[MEMBER]})
        fitted = fit.fit(panel, members, builds, bucket=len(panel.ids), n_jobs=1, progress=Silent())
        return predict(panel, h, fitted)

    newest = read(dataset, settings, builds) if panel is None else panel
    known = newest.known
    if any(make().uses_future for make in builds.values()) and data_version != dataset.version:
        try:
            known = read(reader.dataset_version(name, data_version), settings, builds).known
        except NotFound:
            known = None
    return Previous(
        paths,
        weights,
        newest,
        known,
        predict=predict,
        refit=refit,
        cheap={member for member, make in builds.items() if make().scope == "series" and not _is_slow(member, make())},
        altered={member for member in builds if _settings(settings, member) != _settings(now, member)},
    )


def _is_slow(name: str, model: Forecaster) -> bool:
    """Whether the model or one of its members takes minutes per series."""
    members: Mapping[str, Forecaster] = getattr(model, "members", {})
    return name in _SLOW or any(_is_slow(member, one) for member, one in members.items())


def _settings(workspace: Workspace, member: str) -> tuple[object, ...]:
    """The settings that determine how a member is fitted."""
    params = getattr(build(member, workspace), "keywords", None)
    return params, workspace.season_lengths, workspace.covariates, workspace.holidays
