"""Forecast process of the API, `python -m pipelines.forecasting.worker`; protocol: `pipelines.core.pipe`."""

import importlib
import sys
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict

import pandas as pd
import pyarrow as pa

from pipelines.core import config, environment, pipe
from pipelines.core.documents import Json
from pipelines.core.errors import DataError, NotFound, UnknownName
from pipelines.core.figures import stamp
from pipelines.core.names import printable
from pipelines.forecasting import payload, prepare
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.predict import Calibration, Predictor, calibration_of
from pipelines.forecasting.promotion import calibration
from pipelines.forecasting.read.clock import Clock
from pipelines.forecasting.read.forecasts import Forecasts, Point
from pipelines.forecasting.settings import Workspace
from pipelines.storage import catalog
from pipelines.storage.catalog import Reader
from pipelines.storage.folders import Folder
from pipelines.tables.schema import BASELINE, DS, KEY, MODEL, UNIQUE_ID, Y_HAT, hi, lo

_WARM = ("lightgbm", "sklearn.ensemble", "statsforecast.models", "holidays")  # slow imports that most requests need
_CALIBRATIONS = 8  # cached for levels chosen by clients: 4 MB each for 30,000 series


class Wanted(TypedDict):
    """A request. Null for `horizon`, `levels` and `model` means those of the run.

    `future`: rows of known covariates, which take precedence over the stored ones.
    """

    workspace: str
    run_id: str
    unique_ids: list[str]
    horizon: NotRequired[int | None]
    levels: NotRequired[list[int] | None]
    model: NotRequired[str | None]
    future: NotRequired[list[Json] | None]


class OfSeries(TypedDict):
    """The forecasts of a series, one point per step."""

    unique_id: str
    model: str
    points: list[Point]


class Answer(TypedDict):
    """The forecasts in the format of a published set."""

    workspace: str
    run_id: str
    forecast_id: None
    as_of: str
    unit: str
    source: Literal["computed"]
    forecasts: list[OfSeries]


class Worker:
    """Forecasts series of a workspace from one of its runs on the newest data, as the API serves them."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._calibrated: dict[tuple[Any, ...], Calibration] = {}  # those computed from a whole backtest

    def answer(self, request: Wanted) -> Answer:
        """The requested forecasts. Raises ForecastError."""
        run = self.reader.run(request["workspace"], request["run_id"])
        config = payload.workspace_of(run)
        horizon = int(request.get("horizon") or config.horizon or 1)
        levels = sorted(set(request.get("levels") or config.levels))
        clock = Clock(config.frequency, config.timezone)
        panel = self._panel(request["workspace"], config, sorted(request["unique_ids"]))
        panel = _what_if(panel, horizon, request.get("future") or [], config, clock)
        predictor = Predictor.of(run, panel.ids)
        member = _member(predictor, request.get("model"))
        models = predictor.members if member is None else [member]
        panel = prepare.ahead(panel, config.model_copy(update={"horizon": horizon}), models)
        rows = predictor.forecast(panel, horizon, member=member)
        forecasts = predictor.with_intervals(rows, panel, self._calibration(run, levels, config, member), levels)
        return {
            "workspace": request["workspace"],
            "run_id": run.name,
            "forecast_id": None,
            "as_of": stamp(panel.history[DS].max()),
            "unit": config.target.unit,
            "source": "computed",
            "forecasts": _as_json(forecasts, levels, request["unique_ids"], clock),
        }

    def _panel(self, workspace: str, config: Workspace, ids: list[str]) -> Panel:
        panel, ended = prepare.panel_of(self.reader.dataset(workspace), config, ids)
        if missing := sorted(set(ids) - set(panel.ids)):
            why = "ended over a horizon ago" if missing[0] in ended else "has no values"
            raise NotFound(
                f"the series {printable(missing[0])!r} {why}, so it is not forecast",
                code="series_not_forecast",
                field="unique_ids",
                found=printable(missing[0]),
                remedy="Leave it out, or bring newer values of it in.",
            )
        return panel

    def _calibration(self, run: Folder, levels: list[int], config: Workspace, member: str | None) -> Calibration:
        """The calibration stored in the run, or computed for levels and models that it lacks."""
        if member is None and set(levels) <= set(config.levels):
            return calibration_of(run)
        key = (run.place, tuple(levels), member)
        tables = self._calibrated.pop(key, None) or calibration.calibrate(run, levels, config, member)
        self._calibrated[key] = tables
        if len(self._calibrated) > _CALIBRATIONS:
            del self._calibrated[next(iter(self._calibrated))]  # the least recently used
        return tables


def _member(predictor: Predictor, model: str | None) -> str | None:
    """`model` if it can forecast every series; None for the champions. UnknownName otherwise."""
    if model is None or predictor.champions.eq(model).all():
        return None
    if model == BASELINE:
        return model
    having = predictor.models.loc[predictor.models[MODEL] == model, UNIQUE_ID]
    for name in sorted(set(predictor.champions.index) - set(having)):
        fitted = predictor.models.loc[predictor.models[UNIQUE_ID] == name, MODEL]
        raise UnknownName(
            f"model of the series {printable(name)!r}",
            model,
            {*fitted, predictor.champions[name], BASELINE},
            field="model",
        )
    return model


def _what_if(panel: Panel, horizon: int, rows: list[Json], config: Workspace, clock: Clock) -> Panel:
    """The panel with the given values in place of the known ones; DataError for an unknown covariate or step."""
    if not rows:
        return panel
    known = panel.ahead(horizon)
    ahead = panel.grid(horizon) if known is None else known
    ahead = ahead.reindex(columns=list(dict.fromkeys([*ahead.columns, *config.covariates.future])))
    place = {key: at for at, key in enumerate(zip(ahead[UNIQUE_ID], ahead[DS].dt.to_pydatetime(), strict=True))}
    columns = {name: ahead[name].tolist() for name in config.covariates.future}
    words = {name for name in columns if ahead[name].dtype == object and ahead[name].notna().any()}
    for number, row in enumerate(rows):
        ds = clock.read(datetime.fromisoformat(str(row[DS])))
        names = panel.ids if row.get(UNIQUE_ID) is None else [str(row[UNIQUE_ID])]
        steps = [place[name, ds] for name in names if (name, ds) in place]
        if not steps:
            raise DataError(
                f"future row {number}: {row[DS]} is none of the {horizon} steps "
                f"that are forecast of {printable(names[0])!r}",
                code="not_a_forecast_step",
                field=f"future.{number}.ds",
                found=row[DS],
                remedy=f"Its dates begin with {panel.grid(1)[DS].min()}: use one of them.",
            )
        for name, value in row.items():
            if name in KEY:
                continue
            if name not in columns:
                raise UnknownName("future covariate", name, columns, field=f"future.{number}.{name}")
            if name not in words and not isinstance(value, int | float | None):
                raise DataError(
                    f"future row {number}: {name} is {value!r:.40}",
                    code="not_a_number",
                    field=f"future.{number}.{name}",
                    found=value,
                    remedy="Give a number.",
                )
            for step in steps:
                columns[name][step] = value
    return replace(panel, known=ahead.assign(**columns))


def _as_json(forecasts: pd.DataFrame, levels: list[int], ids: list[str], clock: Clock) -> list[OfSeries]:
    columns = [*KEY, MODEL, Y_HAT, *(bound(level) for level in levels for bound in (lo, hi))]
    table = Forecasts.of_rows(pa.Table.from_pandas(forecasts[columns].sort_values(KEY), preserve_index=False), clock)
    return [OfSeries(unique_id=name, model=table.model(name), points=table.points(name)) for name in ids]


def main() -> None:
    """Answers the requests on standard input."""
    answers = pipe.own_output()
    for name in _WARM:
        importlib.import_module(name)
    reader = catalog.reader(config.load_project(), *environment.signing())
    pipe.serve(Worker(reader).answer, sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
