"""Portfolio of all series of a workspace: totals, and the series that need attention."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pipelines.core.figures import known
from pipelines.forecasting.read.attention import BLOCKS, ReasonKind, findings, relative
from pipelines.forecasting.read.clock import Clock
from pipelines.forecasting.read.grid import Grid, Matrix
from pipelines.forecasting.read.history import HistoryPoint
from pipelines.forecasting.read.monitoring import ALERT, WARN
from pipelines.forecasting.read.monitoring_rows import Kind
from pipelines.forecasting.read.portfolio_rows import Reason, Segment, Summary, Total, Urgent
from pipelines.forecasting.read.series import Positions, SeriesTable
from pipelines.storage.catalog import Dataset
from pipelines.storage.folders import Folder
from pipelines.tables.schema import UNIQUE_ID, VALUE, Y_HAT, Y

MOST = 200  # most values of an attribute in a filter

_CELLS = 20_000_000  # newest actuals in memory: 80 MB
_BACK = 3  # horizons of actuals in a sparkline
_SHOWN = 4  # horizons of actuals in the totals
_ENOUGH = 0.8  # share of the steps that must be known for sums to be comparable
_UNKNOWN = 0.5  # percentile of unknown values
_WEIGHT = {WARN: 0.5, ALERT: 0.0}  # exponent of the two percentiles that a monitoring status replaces
_FOUND: dict[Kind, ReasonKind] = {"error": "worse", "bias": "leaning", "coverage": "uncovered", "drift": "drifted"}
_CALLED = ("new", "ended")  # statuses of a series that need attention by themselves
_YEAR = timedelta(weeks=52)  # keeps weekdays aligned

Array = npt.NDArray[np.float64]


class Portfolio:
    """The series of a workspace with their newest actuals and published forecasts, as matrices.

    Per series, NaN if unknown: `forecast` over the horizon; `last_period` over as many steps before it; `last_year`
    over the same steps a year before; `previous`, as published before. Each is a sum over the steps, or a mean if the
    target cannot be summed over time.
    """

    def __init__(
        self, table: SeriesTable, dataset: Dataset, forecast_set: Folder, clock: Clock, horizon: int, summed: bool
    ) -> None:
        place = {name: row for row, name in enumerate(table.ids)}
        actuals = dataset.folder.open_parquet("observations.parquet", [UNIQUE_ID])
        forecasts = forecast_set.open_parquet("forecasts.parquet", [UNIQUE_ID])
        self.table, self._clock, self._horizon, self._summed = table, clock, horizon, summed
        self._past = Grid.of(actuals, Y, place, table.end, cells=_CELLS)
        self._ahead = Grid.of(forecasts, Y_HAT, place, cells=_CELLS)
        self._year_ago = self._past.at(_year_before(self._ahead.ds, self._past.ds, clock))
        self._before = np.full_like(self._ahead.values, np.nan)
        if "bridge.parquet" in forecast_set.files:
            bridge = Grid.of(forecast_set.open_parquet("bridge.parquet", [UNIQUE_ID]), VALUE, place, cells=_CELLS)
            self._before = self._ahead.values - bridge.at(self._ahead.ds)
        self.forecast = self._over(self._ahead.values)
        self.last_period = self._over(self._past.values[:, -horizon:])
        self.last_year = self._over(self._year_ago)
        self.previous = self._over(self._before)
        self._of_previous = self._over(np.where(np.isnan(self._before), np.nan, self._ahead.values))
        self._factors = self._judged()
        change = np.fmin(np.abs(self._factors["on_year"]), np.abs(self._factors["on_period"]))
        # The smaller change counts, since seasonal changes and series launched within the year are not unusual.
        self._percentiles: dict[ReasonKind, Array] = {
            **{name: _percentiles(values) for name, values in self._factors.items()},
            "on_year": _percentiles(change),
            "on_period": _percentiles(change),
        }
        ranks = table.monitored.ranks(table.ids) if table.monitored else {}
        self._gravity = {kind: _percentiles(grades) for kind, grades in ranks.items()}
        comparable: dict[ReasonKind, Array] = {
            **self._factors,
            "error": np.where(table.judged, self._factors["error"], np.nan),
        }
        self._findings = findings(comparable, table.numbers["skill"], self._blocks(), self._behind())
        self._rarity = {kind: _percentiles(one.values) for kind, one in self._findings.items()}
        called = np.array([status in _CALLED for status in table.statuses])
        alarms = ranks[None] >= WARN if ranks else np.zeros(len(called), dtype=bool)
        self.attention: npt.NDArray[np.bool_] = np.logical_or.reduce(
            [called, alarms, *(one.flagged for one in self._findings.values())]
        )
        guessed = self._percentiles["error"] * self._percentiles["on_year"]
        for rank, weight in _WEIGHT.items() if ranks else ():
            guessed = np.where(ranks[None] == rank, guessed**weight, guessed)
        self.score: Array = np.where(np.isnan(self.forecast), 0.0, self._percentiles["share"] * guessed)

    @property
    def nbytes(self) -> int:
        """The approximate memory use in bytes."""
        return self._past.nbytes + 3 * self._ahead.nbytes + 350 * len(self.score)

    @cached_property
    def choices(self) -> dict[str, list[str]]:
        """The filters: values of each attribute as text, without attributes that have a single or too many values."""
        choices = {name: self.table.values(name) for name in self.table.filters}
        return {name: values for name, values in choices.items() if 1 < len(values) <= MOST}

    def summary(self, rows: Positions) -> Summary:
        """The total figures of these series and their relative changes; null if too little is known.

        Changes are computed over the series with both values.
        """
        return {
            "n_series": len(rows),
            "n_forecast": int(np.isfinite(self.forecast[rows]).sum()),
            "forecast": _sum(self.forecast[rows]),
            "last_period": _sum(self.last_period[rows]),
            "last_year": _sum(self.last_year[rows]),
            "change": _change(self.forecast[rows], self.last_period[rows]),
            "change_on_year": _change(self.forecast[rows], self.last_year[rows]),
            "change_on_previous": _change(self._of_previous[rows], self.previous[rows]),
            **self.table.accuracy(rows),
            "statuses": self.table.counts("status", rows),
        }

    def totals(self, rows: Positions) -> list[Total]:
        """The newest steps and the horizon: sums over the series that have a value."""
        back = self._past.ds[-max(_SHOWN * self._horizon, 60) :]
        year = self._past.at(_year_before(back, self._past.ds, self._clock))
        past = zip(back, _sums(self._past.at(back), rows), _sums(year, rows), strict=True)
        columns = [_sums(values, rows) for values in (self._ahead.values, self._year_ago, self._before)]
        ahead = zip(self._ahead.ds, *columns, strict=True)
        return [self._point(ds, y=y, last_year=last) for ds, y, last in past] + [
            self._point(ds, y_hat=y_hat, last_year=last, previous=before) for ds, y_hat, last, before in ahead
        ]

    def actuals(self, rows: Positions, start: datetime, end: datetime) -> list[HistoryPoint]:
        """The steps from `start` to `end`, both included: sums over the series that have a value."""
        ds = [one for one in self._past.ds if start <= one <= end]
        sums = _sums(self._past.at(ds), rows)
        return [{"ds": self._clock.write(one), "y": y} for one, y in zip(ds, sums, strict=True)]

    def triage(self, rows: Positions) -> Positions:
        """These series, most urgent first.

        The score is the product of three percentiles of a series among all: share of the total, backtest error, and
        change of the forecast from last period or last year, whichever is smaller. It is free of units, and high only
        if all three are. Monitoring results override the last two: a series in alert is scored by its share alone, and
        with a warning the square roots of the other two percentiles are used.
        """
        return rows[np.argsort(-self.score[rows], kind="stable")]

    def needing(self, rows: Positions) -> Positions:
        """The series among these that need attention, in the given order."""
        return rows[self.attention[rows]]

    def row(self, row: int) -> Urgent:
        """One series: its figures, the reasons for its rank and for attention, and its newest steps.

        Reasons are sorted by rarity among all series: `share` of the total; `error` in units of the median series'
        error; the relative change `on_year` or `on_period`, whichever is smaller, and `since_previous`; monitoring
        results by severity: `worse`, `leaning`, `uncovered` and `drifted`, with `status, since, feature`. `attention`
        lists monitoring results first, then only reasons that are unusual for the panel and the series.
        """
        series = self.table.row(row)
        monitored = self.table.monitored.reasons(series["unique_id"]) if self.table.monitored else []
        watched = [
            Reason(
                kind=_FOUND[one["kind"]],
                value=one["value"],
                percentile=float(self._gravity[one["kind"]][row]),
                status=one["status"],
                since=one["since"],
                feature=one["feature"],
            )
            for one in monitored
        ]
        usual = [
            _reason(name, float(values[row]), float(self._percentiles[name][row]))
            for name, values in self._factors.items()
            if np.isfinite(values[row])
        ]
        return {
            "unique_id": series["unique_id"],
            "attributes": series["attributes"],
            "model": series["model"],
            "status": series["status"],
            "monitored": series["monitored"],
            "error": series["error"],
            "skill": series["skill"],
            "forecast": known(float(self.forecast[row])),
            "last_period": known(float(self.last_period[row])),
            "last_year": known(float(self.last_year[row])),
            "score": float(self.score[row]),
            "reasons": sorted([*usual, *watched], key=lambda one: -one["percentile"]),
            "needs_attention": bool(self.attention[row]),
            "attention": [*sorted(watched, key=lambda one: one["status"] != "alert"), *self._unusual(row)],
            "history": [known(value) for value in self._past.values[row, -_BACK * self._horizon :].tolist()],
            "ahead": [known(value) for value in self._ahead.values[row].tolist()],
        }

    def segments(self, by: str) -> list[Segment]:
        """`summary` for each value of a filter, as text, largest group first; UnknownName for an unknown filter."""
        segments: list[Segment] = [
            {"group": value, **self.summary(rows)} for value, rows in self.table.groups(by).items()
        ]
        return sorted(segments, key=lambda one: (-one["n_series"], one["group"]))

    def _unusual(self, row: int) -> list[Reason]:
        """The unusual figures of a series, rarest first, without monitoring results."""
        reasons = [
            _reason(kind, float(one.values[row]), float(self._rarity[kind][row]))
            for kind, one in self._findings.items()
            if one.flagged[row]
        ]
        return sorted(reasons, key=lambda one: -one["percentile"])

    def _blocks(self) -> list[Array]:
        """The total (or mean) of each series over the horizons before the forecast, newest first."""
        steps, width = self._past.values.shape[1], self._horizon
        ends = range(steps, max(width, steps - BLOCKS * width) - 1, -width)
        return [self._over(self._past.values[:, end - width : end]) for end in ends]

    def _behind(self) -> Array:
        """By how many days the values of each series end before the newest of all; 0 within the tolerance for late
        values.
        """
        known = ~np.isnan(self._past.values)
        last = known.shape[1] - 1 - known[:, ::-1].argmax(axis=1)
        end = self._past.ds[-1] if self._past.ds else None
        gaps = [end - self._past.ds[at] if end and known[row, at] else timedelta() for row, at in enumerate(last)]
        return np.array([gap / timedelta(days=1) if gap > self._clock.patience else 0.0 for gap in gaps])

    def _over(self, values: Matrix) -> Array:
        """The sum (or mean) over the steps of each series; NaN if too few are known."""
        known = (~np.isnan(values)).sum(axis=1)
        enough = known >= max(1.0, _ENOUGH * known.max(initial=0))
        mean = np.nansum(values, axis=1, dtype=float) / np.where(enough, known, np.nan)
        return np.asarray(mean * (known.max(initial=0) if self._summed else 1))

    def _judged(self) -> dict[ReasonKind, Array]:
        error = self.table.numbers["error"]
        on_period, on_year = relative(self.forecast, self.last_period), relative(self.forecast, self.last_year)
        seasonal = np.abs(on_year) <= np.fmin(np.abs(on_period), np.inf)
        return {
            "share": _finite(np.abs(self.forecast) / np.nansum(np.abs(self.forecast))),
            "error": _finite(error / (np.nanmedian(error) if np.isfinite(error).any() else np.nan)),
            "on_year": np.where(seasonal, on_year, np.nan),
            "on_period": np.where(seasonal, np.nan, on_period),
            "since_previous": relative(self._of_previous, self.previous),
        }

    def _point(
        self,
        ds: datetime,
        last_year: float | None,
        y: float | None = None,
        y_hat: float | None = None,
        previous: float | None = None,
    ) -> Total:
        return Total(ds=self._clock.write(ds), y=y, y_hat=y_hat, last_year=last_year, previous=previous)


def _year_before(ds: Sequence[datetime], known: Sequence[datetime], clock: Clock) -> list[datetime | None]:
    """The step of `known` a year before each step: 52 weeks, or the same month for steps of months or longer."""
    if not clock.counts_months:
        return [one - _YEAR for one in ds]
    months = {(one.year, one.month): one for one in known}
    return [months.get((one.year - 1, one.month)) for one in ds]


def _reason(kind: ReasonKind, value: float, percentile: float) -> Reason:
    return {"kind": kind, "value": value, "percentile": percentile, "status": None, "since": None, "feature": None}


def _percentiles(values: Array) -> Array:
    """The percentile of each absolute value among the known ones, ties counting half; ½ for unknown values."""
    size = np.abs(values)
    known = np.sort(size[~np.isnan(size)])
    below, up_to = (np.searchsorted(known, size, side=side) for side in ("left", "right"))
    shares = (below + up_to) / 2 / max(len(known), 1)
    return np.where(np.isnan(size), _UNKNOWN, shares)


def _sums(values: Matrix, rows: Positions) -> list[float | None]:
    chosen = values if len(rows) == len(values) else values[rows]  # all of them, in any order: no copy
    unknown = np.isnan(chosen)
    sums = np.where(unknown.all(axis=0), np.nan, np.where(unknown, 0, chosen).sum(axis=0, dtype=float))
    return [known(total) for total in sums.tolist()]


def _sum(values: Array) -> float | None:
    return float(np.nansum(values)) if np.isfinite(values).any() else None


def _finite(values: Array) -> Array:
    return np.where(np.isfinite(values), values, np.nan)


def _change(now: Array, before: Array) -> float | None:
    """The relative change of the sum over the series with both values."""
    both = np.isfinite(now) & np.isfinite(before)
    base = float(before[both].sum())
    return float(now[both].sum() - base) / abs(base) if base else None
