"""The panel of a data version for training and inference, complete or in parts for tasks on other machines."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from pipelines.core.errors import DataError
from pipelines.forecasting import panel as panels
from pipelines.forecasting.evaluation.candidates import build
from pipelines.forecasting.features import future
from pipelines.forecasting.panel import Panel, Part, Share
from pipelines.forecasting.settings import Workspace
from pipelines.storage.catalog import Dataset
from pipelines.tables import parquet


def panel_of(dataset: Dataset, workspace: Workspace, ids: Collection[str] | None = None) -> tuple[Panel, list[str]]:
    """The panel for models, of `ids` or of all series, and all series that ended over a horizon ago.

    `workspace` is complete. With `ids`, it has only these series, on the same grid and up to the same end, without
    reading the rows of others. Raises DataError if the data were loaded under settings that do not match `workspace`.
    """
    covariates, series = workspace.covariates, dataset.series
    if ids is None:
        observations = dataset.observations
    else:
        observations = parquet.rows_of(dataset.folder.open_parquet("observations.parquet"), ids).to_pandas()
    lacking = [name for name in covariates.varying if name not in observations]
    lacking += [name for name in covariates.static if name not in series]
    frequency = dataset.info.frequency
    if lacking or frequency != workspace.frequency:
        fault = f"no {', '.join(lacking)}" if lacking else f"frequency {frequency}"
        raise DataError(
            f"data version {dataset.version} of workspace {workspace.name} has {fault}, unlike the settings (frequency "
            f"{workspace.frequency})",
            code="data_of_other_settings",
            found={"missing": lacking, "frequency": frequency},
            remedy=f"Run: python scripts/run_all.py --workspace {workspace.name}",
        )
    panel, ended = panels.from_tables(
        observations,
        series,
        workspace.frequency,
        workspace.season_lengths or (1,),
        future=covariates.future,
        past=covariates.past,
        static=covariates.static,
        late=workspace.horizon or 1,
        ids=ids,
        timezone=workspace.timezone,
    )
    return replace(panel, horizon=workspace.horizon), ended


def ahead(panel: Panel, workspace: Workspace, models: Iterable[str]) -> Panel:
    """The panel with the future values that `models` need; DataError if the source lacks them."""
    horizon, where = workspace.horizon or 1, workspace.holidays
    if any(build(name, workspace)().uses_future for name in models):
        panel = future.complete(panel, horizon, workspace.covariates.future, workspace.missing.future)
    return future.add_holidays(panel, horizon, where.country, where.subdivision, workspace.timezone)


def read(dataset: Dataset, workspace: Workspace, models: Iterable[str], ids: Collection[str] | None = None) -> Panel:
    """The stored panel with the future values that `models` need, of `ids` or of all series."""
    return ahead(panel_of(dataset, workspace, ids)[0], workspace, models)


def stored(dataset: Dataset, workspace: Workspace, models: Iterable[str]) -> Share:
    """The share for tasks on other machines, which read their series from a store that all machines can reach.

    Only the location of the data and the names of the series are sent; the signing key stays here.
    """
    settings, needed = workspace.model_dump_json(), tuple(models)

    def share(_: Panel, ids: list[str]) -> Part:
        return _Stored(dataset.folder.where, settings, needed, tuple(ids), dataset, workspace)

    return share


@dataclass(frozen=True)
class _Stored:
    """Some series of a data version; equal if data, settings, models and series are equal."""

    where: str
    settings: str
    models: tuple[str, ...]
    ids: tuple[str, ...]
    dataset: Dataset = field(compare=False)
    workspace: Workspace = field(compare=False)

    def __call__(self) -> Panel:
        return _read(self)


@lru_cache(maxsize=1)  # a worker gets the windows of the same series in sequence
def _read(part: _Stored) -> Panel:
    return read(part.dataset, part.workspace, part.models, part.ids)
