"""Series of a workspace with their attributes and figures, searched, filtered and sorted in memory."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field
from typing_extensions import TypedDict

from pipelines.core.errors import UnknownName
from pipelines.core.figures import known
from pipelines.forecasting.read.clock import Clock, Stamp
from pipelines.forecasting.read.forecasts import Forecasts
from pipelines.forecasting.read.monitoring import Monitored
from pipelines.forecasting.read.monitoring_rows import Status as Grade
from pipelines.forecasting.records import ForecastRun
from pipelines.storage.catalog import Dataset
from pipelines.storage.folders import Folder
from pipelines.storage.records import ForecastSet
from pipelines.tables import parquet
from pipelines.tables.parquet import Rows
from pipelines.tables.schema import MODEL, UNIQUE_ID, VALUE

Positions = npt.NDArray[np.intp]
Status = Literal["forecast", "new", "ended", "waiting"]
SORTS = ("name", "skill", "error", "last_value")  # with a minus prefix: descending

_FACTS = ("n", "n_missing", "share_zero", "demand_class", "seasonal_strength", "trend_strength")
_TIMES = ("first_ds", "last_ds")
_LAST = "last_y"
_FILTERS = ("demand_class", MODEL, "status")
_MONITORED = "monitored"
_SKILL = "skill_vs_seasonal_naive"
_BASELINE = "baseline_value"
_CHOICES = "choices.parquet"  # candidate models of each series in a run; the first runs lack it
_OTHERS = {UNIQUE_ID, *_FACTS, *_TIMES, _LAST, "leading_zeros", "constant", "n_outliers"}  # the others are attributes


Attributes = dict[str, str | int | float | bool | None]  # static attributes by name


class SeriesOut(TypedDict):
    """One series. `share_zero`, `skill` and, for MAPE, sMAPE or WAPE, `error` are fractions, 0.801 = 80.1 %."""

    unique_id: str
    attributes: Attributes
    first_ds: Stamp | None
    last_ds: Stamp | None
    last_value: float | None
    n: int
    n_missing: int
    share_zero: float | None
    demand_class: str
    seasonal_strength: float | None
    trend_strength: float | None
    model: str | None
    metric: str | None
    error: float | None
    skill: float | None
    runner_up: str | None
    status: Status
    monitored: Annotated[Grade | None, Field(description="How monitoring says it stands; null: it did not look.")]


class Judged(TypedDict):
    """The mean error of some series, and their skill against the seasonal naive."""

    error: float | None
    skill: float | None


class Histogram(TypedDict):
    """The number of values between the `edges`, `counts`; values outside are counted in `below` and `above`."""

    edges: list[float]
    counts: list[int]
    below: int
    above: int
    median: float | None


class SeriesTable:
    """One row per series: its profile, its champion in a run, and whether a forecast set includes it.

    `status`: `forecast` by a trained model, `new` (by the baseline until the next training), `ended` (its values stop
    over a horizon ago) or `waiting` (no published forecast set can include it). `monitored`: its monitoring status,
    null if not monitored.
    """

    def __init__(
        self,
        dataset: Dataset,
        run: Folder | None,
        forecasts: Forecasts | None,
        info: ForecastSet | None,
        clock: Clock,
        monitored: Monitored | None = None,
    ) -> None:
        """`forecasts`, `info`: rows and `inference.json` of the published set. `monitored`: the monitoring of `run`."""
        profile = dataset.folder.open_parquet("series.parquet").read()
        self.ids: list[str] = profile[UNIQUE_ID].to_pylist()
        self.attributes = [name for name in profile.column_names if name not in _OTHERS]
        self._attributes = {name: list(map(known, profile[name].to_pylist())) for name in self.attributes}
        columns: dict[str, list[Any]] = {UNIQUE_ID: self.ids}
        columns |= {name: profile[name].to_pylist() for name in _FACTS}
        columns |= {name: [clock.write(ds) if ds else None for ds in parquet.times(profile[name])] for name in _TIMES}
        columns["last_value"] = profile[_LAST].to_pylist() if _LAST in profile.column_names else [None] * len(self.ids)
        columns |= _champions(run, self.ids)
        self._baseline = np.array(columns.pop(_BASELINE), dtype=float)
        columns["status"] = _statuses(forecasts, info, self.ids)
        columns[_MONITORED] = monitored.statuses(self.ids) if monitored else [None] * len(self.ids)
        self.monitored = monitored
        self._columns: dict[str, list[Any]] = {
            name: [known(value) for value in values] for name, values in columns.items()
        }
        self.numbers = {
            name: np.array(self._columns[name], dtype=float) for name in SORTS[1:]
        }  # null becomes NaN, sorted last
        metric = ForecastRun.of(run).settings.metric if run else None
        # Series with an error in the run's metric; if that is undefined, the error is in another metric and unit.
        self.judged = np.array([name == metric for name in self._columns["metric"]], dtype=bool)
        self._lower = [name.casefold() for name in self.ids]
        self.by_name = dict(zip(self._lower, self.ids, strict=True))  # case-insensitive
        self._place = {name: row for row, name in enumerate(self.ids)}
        parts = (
            dataset.version,
            run.name if run else "",
            info.forecast_id if info else "",
            monitored.id if monitored else "",
        )
        self.version = ".".join(parts)  # identifies the inputs of this table
        newest = [ds for ds in parquet.times(profile["last_ds"]) if ds]
        self.end = max(newest, default=None)  # end of the panel's histories
        self.last_ds = clock.write(self.end) if self.end else None

    def __contains__(self, unique_id: str) -> bool:
        return unique_id in self._place

    @property
    def filters(self) -> list[str]:
        """The filters of `find`; attributes take precedence over built-in filters of the same name."""
        ours = (*_FILTERS, _MONITORED) if self.monitored else _FILTERS
        return list(dict.fromkeys([*self.attributes, *ours]))

    @property
    def nbytes(self) -> int:
        """The approximate memory use in bytes."""
        return 60 * len(self.ids) * (len(self._columns) + len(self._attributes))

    @property
    def statuses(self) -> list[Status]:
        """The status of each series, in order."""
        return self._columns["status"]

    def find(
        self,
        search: str = "",
        filters: Mapping[str, str] | None = None,
        sort: str = "name",
        offset: int = 0,
        limit: int = 50,
    ) -> Rows[SeriesOut]:
        """One page of the series found by `select`, sorted, nulls last."""
        rows = self._sorted(self.select(search, filters), sort)
        return Rows(len(rows), [self.row(int(row)) for row in rows[offset : offset + limit]])

    def select(self, search: str = "", filters: Mapping[str, str] | None = None) -> Positions:
        """The rows of the series whose name contains `search`, ignoring case, and whose attributes match, as text.

        UnknownName for an unknown filter.
        """
        rows = np.arange(len(self.ids))
        if search:
            sought = search.casefold()
            rows = np.flatnonzero([sought in name for name in self._lower])
        for name, value in (filters or {}).items():
            column = self._column(name)
            rows = rows[np.array([_text(column[row]) == value for row in rows], dtype=bool)]
        return rows

    def values(self, name: str) -> list[str]:
        """The values of a filter as text, sorted; UnknownName for an unknown filter."""
        return sorted({_text(value) for value in self._column(name)})

    def counts(self, name: str, rows: Positions) -> dict[str, int]:
        """The number of these series per value of a filter, largest first."""
        column = self._column(name)
        return dict(Counter(_text(column[row]) for row in rows.tolist()).most_common())

    def groups(self, name: str) -> dict[str, Positions]:
        """The rows of the series per value of a filter, sorted by value; UnknownName for an unknown filter."""
        groups: dict[str, list[int]] = {}
        for row, value in enumerate(self._column(name)):
            groups.setdefault(_text(value), []).append(row)
        return {value: np.array(rows) for value, rows in sorted(groups.items())}

    def place(self, unique_id: str) -> int:
        """The row of a series."""
        return self._place[unique_id]

    def row(self, row: int) -> SeriesOut:
        """The attributes and figures of one series."""
        attributes = {name: values[row] for name, values in self._attributes.items()}
        columns = {name: values[row] for name, values in self._columns.items()}
        return cast(SeriesOut, {**columns, "attributes": attributes})

    def accuracy(self, rows: Positions) -> Judged:
        """The mean `error` of these series, and the `skill`: 1 minus its ratio to the error of the seasonal naive.

        Over the series for which the run's metric is defined; null without any.
        """
        error = np.where(self.judged[rows], self.numbers["error"][rows], np.nan)
        known = np.isfinite(error)
        both = known & np.isfinite(self._baseline[rows])
        baseline = float(self._baseline[rows][both].sum())
        return {
            "error": float(error[known].mean()) if known.any() else None,
            "skill": 1 - float(error[both].sum()) / baseline if baseline else None,
        }

    def distribution(self, of: str, rows: Positions, bins: int) -> Histogram:
        """The histogram of `error`, `skill` or `last_value` over these series.

        The edges span the middle 98 % of the values.
        """
        values = self.numbers[of][rows]
        values = values[np.isfinite(values)]
        if not len(values):
            return {"edges": [], "counts": [], "below": 0, "above": 0, "median": None}
        low, median, high = np.quantile(values, [0.01, 0.5, 0.99])
        counts, edges = np.histogram(values, bins, (low, high))
        below, above = int((values < low).sum()), int((values > high).sum())
        return Histogram(edges=edges.tolist(), counts=counts.tolist(), below=below, above=above, median=float(median))

    def _column(self, name: str) -> list[Any]:
        if name not in self.filters:
            raise UnknownName("filter", name, self.filters, field=name)
        return self._attributes.get(name) or self._columns[name]

    def _sorted(self, rows: Positions, sort: str) -> Positions:
        name, down = sort.removeprefix("-"), sort.startswith("-")
        if name == "name":  # the table is sorted by it
            return rows[::-1] if down else rows
        values = self.numbers[name][rows]
        return rows[np.argsort(-values if down else values, kind="stable")]


def _champions(run: Folder | None, ids: list[str]) -> dict[str, list[Any]]:
    """The model chosen for each series by a run, and its backtest figures; null for series that the run lacks."""
    names = {MODEL: MODEL, "metric": "metric", "error": VALUE, "skill": _SKILL, "runner_up": "runner_up"}
    if run is None:
        return {name: [None] * len(ids) for name in (*names, _BASELINE)}
    table = run.open_parquet("champions.parquet").read()
    place = {name: row for row, name in enumerate(table[UNIQUE_ID].to_pylist())}
    columns = {name: table[column].to_pylist() for name, column in names.items()}
    columns[_BASELINE] = _baselines(run, table)
    return {
        name: [None if (at := place.get(i)) is None else values[at] for i in ids] for name, values in columns.items()
    }


def _baselines(run: Folder, champions: pa.Table) -> list[float]:
    """The error of the seasonal naive for each series, null if unknown."""
    if _CHOICES not in run.files:
        error, skill = (parquet.numbers(champions[name]) for name in (VALUE, _SKILL))
        rest = 1 - skill
        return np.divide(error, rest, out=np.full(len(error), np.nan), where=rest > 0).tolist()  # type: ignore[no-any-return]
    choices = run.open_parquet(_CHOICES).read([UNIQUE_ID, _BASELINE])
    known = dict(zip(choices[UNIQUE_ID].to_pylist(), parquet.numbers(choices[_BASELINE]).tolist(), strict=True))
    return [known.get(name, np.nan) for name in champions[UNIQUE_ID].to_pylist()]


def _statuses(forecasts: Forecasts | None, info: ForecastSet | None, ids: list[str]) -> list[Status]:
    new, ended = (set(info.new_series), set(info.ended_series)) if info else (set(), set())

    def status(name: str) -> Status:
        if name in new:
            return "new"
        return "forecast" if forecasts and name in forecasts else "ended" if name in ended else "waiting"

    return [status(name) for name in ids]


def _text(value: Any) -> str:
    """An attribute as text for filters: 3 for 3.0, empty for null."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
