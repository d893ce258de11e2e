"""The series of a workspace with what is known of each: searched, filtered and sorted in memory."""

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
SORTS = ("name", "skill", "error", "last_value")  # each also with a minus: descending

_FACTS = ("n", "n_missing", "share_zero", "demand_class", "seasonal_strength", "trend_strength")
_TIMES = ("first_ds", "last_ds")
_LAST = "last_y"
_FILTERS = ("demand_class", MODEL, "status")
_MONITORED = "monitored"
_SKILL = "skill_vs_seasonal_naive"
_BASELINE = "baseline_value"
_CHOICES = "choices.parquet"  # of a run: what each series had to choose among; the first runs lack it
_OTHERS = {UNIQUE_ID, *_FACTS, *_TIMES, _LAST, "leading_zeros", "constant", "n_outliers"}  # all else is an attribute


Attributes = dict[str, str | int | float | bool | None]  # static, by name


class SeriesOut(TypedDict):
    """`share_zero`, `skill` and, by MAPE, sMAPE or WAPE, `error` are fractions, 0.801 = 80.1 %."""

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
    """The values between the `edges` by `counts`; those that lie outside are counted `below` and `above`."""

    edges: list[float]
    counts: list[int]
    below: int
    above: int
    median: float | None


class SeriesTable:
    """One row a series: its profile, its champion in a run, and whether a forecast set has it.

    `status`: `forecast` by a trained model, `new` (by the baseline until the next training), `ended` (its values stop over
    a horizon ago) or `waiting` (nothing is published that could have it). `monitored`: how monitoring says it stands, null
    for who was not looked at.
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
        """`forecasts` and `info` are of the published set: its rows and its `inference.json`. `monitored` is of `run`."""
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
        }  # null: NaN, sorted last
        metric = ForecastRun.of(run).settings.metric if run else None
        # Whose error is of the run's metric; where that is undefined, of another one, in another unit.
        self.judged = np.array([name == metric for name in self._columns["metric"]], dtype=bool)
        self._lower = [name.casefold() for name in self.ids]
        self.by_name = dict(zip(self._lower, self.ids, strict=True))  # casefolded: how people write them
        self._place = {name: row for row, name in enumerate(self.ids)}
        parts = (
            dataset.version,
            run.name if run else "",
            info.forecast_id if info else "",
            monitored.id if monitored else "",
        )
        self.version = ".".join(parts)  # what this depends on
        newest = [ds for ds in parquet.times(profile["last_ds"]) if ds]
        self.end = max(newest, default=None)  # of the panel's histories
        self.last_ds = clock.write(self.end) if self.end else None

    def __contains__(self, unique_id: str) -> bool:
        return unique_id in self._place

    @property
    def filters(self) -> list[str]:
        """What `find` filters by; an attribute of the same name goes before what is ours."""
        ours = (*_FILTERS, _MONITORED) if self.monitored else _FILTERS
        return list(dict.fromkeys([*self.attributes, *ours]))

    @property
    def nbytes(self) -> int:
        """About what this takes in memory."""
        return 60 * len(self.ids) * (len(self._columns) + len(self._attributes))

    @property
    def statuses(self) -> list[Status]:
        """How each series stands, in their order."""
        return self._columns["status"]

    def find(
        self,
        search: str = "",
        filters: Mapping[str, str] | None = None,
        sort: str = "name",
        offset: int = 0,
        limit: int = 50,
    ) -> Rows[SeriesOut]:
        """Some of those that `select` finds, sorted; nulls come last."""
        rows = self._sorted(self.select(search, filters), sort)
        return Rows(len(rows), [self.row(int(row)) for row in rows[offset : offset + limit]])

    def select(self, search: str = "", filters: Mapping[str, str] | None = None) -> Positions:
        """The places of the series whose name holds `search`, in any case, and whose attributes are these, as text.

        UnknownName for a filter that the workspace has not.
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
        """What a filter may be, as text, sorted; UnknownName for a filter that the workspace has not."""
        return sorted({_text(value) for value in self._column(name)})

    def counts(self, name: str, rows: Positions) -> dict[str, int]:
        """How many of these series have each value of what can be filtered by, most first."""
        column = self._column(name)
        return dict(Counter(_text(column[row]) for row in rows.tolist()).most_common())

    def groups(self, name: str) -> dict[str, Positions]:
        """The places of the series with each value of what can be filtered by, values sorted; UnknownName for another."""
        groups: dict[str, list[int]] = {}
        for row, value in enumerate(self._column(name)):
            groups.setdefault(_text(value), []).append(row)
        return {value: np.array(rows) for value, rows in sorted(groups.items())}

    def place(self, unique_id: str) -> int:
        """The row of a series."""
        return self._place[unique_id]

    def row(self, row: int) -> SeriesOut:
        """What is known of one series."""
        attributes = {name: values[row] for name, values in self._attributes.items()}
        columns = {name: values[row] for name, values in self._columns.items()}
        return cast(SeriesOut, {**columns, "attributes": attributes})

    def accuracy(self, rows: Positions) -> Judged:
        """The mean `error` of these series, and the `skill`: one minus its ratio to that of the seasonal naive.

        Of the series that were judged by the metric of the run; null where there is none.
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
        """How many of these series have how large an `error`, `skill` or `last_value`.

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
    """What a run chose for each series, and how well that did in its backtest; null for those it did not have."""
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
    """The error of the seasonal naive for each series, null where it is not known."""
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
    """An attribute as a filter names it: 3 for 3.0, nothing for null."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
