"""Evaluation of stored forecast sets that have actuals, reusing earlier results."""

import contextlib
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Self

import pandas as pd

from pipelines.core.errors import StoreError
from pipelines.forecasting import frequency
from pipelines.forecasting.evaluation import calibration as segmented
from pipelines.forecasting.evaluation import intervals
from pipelines.forecasting.evaluation.intervals import SCALE
from pipelines.forecasting.evaluation.metrics import ratio
from pipelines.forecasting.monitoring import accuracy, bias, comparison
from pipelines.forecasting.monitoring.accuracy import SERVED
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.promotion import calibration
from pipelines.forecasting.records import ForecastRun, State
from pipelines.forecasting.settings import Workspace
from pipelines.forecasting.thresholds import Bias
from pipelines.storage import records
from pipelines.storage.catalog import Reader
from pipelines.storage.folders import Folder
from pipelines.tables.schema import BASELINE, CUTOFF, DS, KEY, MODEL, STEP, UNIQUE_ID, VALUE, Y_HAT, Y, hi, lo

ALL = segmented.ALL
SEPARATOR = "\x1f"  # between kind and name of a group in place of a series name
STATE = [UNIQUE_ID, "up", "down", "score", "n"]
_LEAST = 5  # minimum series of a group; fewer are better listed one by one
_OF_SET = ["forecast_id", "steps"]
_EMPTY = {
    "series": pd.DataFrame(columns=[*accuracy.ORIGINS, *_OF_SET]),
    "groups": pd.DataFrame(columns=[*accuracy.ORIGINS, *_OF_SET]),
    "rivals": pd.DataFrame(columns=[*comparison.SCORED, *_OF_SET]),
}


@dataclass(frozen=True)
class Judged:
    """The evaluated forecast sets by `forecast_id, steps`: `series` and `groups` as from `accuracy.compare`, `rivals`
    as from `comparison.scored`. `bias` and, for groups, `group_bias`: `STATE` after the newest batch; `bias_to`: its
    run and end.
    """

    series: pd.DataFrame
    groups: pd.DataFrame
    rivals: pd.DataFrame
    bias: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=STATE))
    group_bias: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=STATE))
    bias_to: State = field(default_factory=State)

    @classmethod
    def nothing(cls) -> Self:
        return cls(_EMPTY["series"], _EMPTY["groups"], _EMPTY["rivals"])

    def of(self, one: "ForecastSet") -> "Judged | None":
        """The results of a forecast set if it was evaluated over its whole horizon, else None."""

        def same(table: pd.DataFrame) -> pd.DataFrame:
            its = (table["forecast_id"] == one.folder.name) & (table["steps"] == one.info.horizon)
            rows: pd.DataFrame = table[its]
            return rows

        judged = Judged(same(self.series), same(self.groups), same(self.rivals))
        return judged if len(judged.series) else None

    def follows(self, cutoff: pd.Timestamp) -> bool:
        """Whether a batch from this cutoff does not overlap with earlier ones."""
        return self.bias_to.until is None or cutoff >= pd.Timestamp(self.bias_to.until)

    def after(
        self, one: "ForecastSet", scores: tuple[pd.DataFrame, pd.DataFrame], until: pd.Timestamp, settings: Bias
    ) -> "Judged":
        """The state after one more batch with `scores` of its series and groups; a new run starts at 0."""
        run_id = one.info.run_id
        same = self.bias_to.run_id in (None, run_id)
        state, of_groups = (
            bias.follow(before if same else before.head(0), batch, settings)
            for before, batch in zip((self.bias, self.group_bias), scores, strict=True)
        )
        return replace(self, bias=state, group_bias=of_groups, bias_to=State(run_id=run_id, until=until.isoformat()))


@dataclass(frozen=True)
class ForecastSet:
    """A published forecast set: its forecasts and cutoff."""

    folder: Folder
    info: records.ForecastSet

    @property
    def cutoff(self) -> pd.Timestamp:
        return pd.Timestamp(self.info.as_of).tz_localize(None)

    @property
    def rivals(self) -> dict[str, str]:
        """The other runs that forecast some of its series, by role."""
        return {role: other.run_id for role, other in self.info.rivals.items()}

    def said(self) -> pd.DataFrame:
        """`unique_id, ds, cutoff, model, step, y_hat` and bounds of served forecasts, baseline and rivals."""
        rows = self.folder.read_parquet("forecasts.parquet").assign(**{MODEL: SERVED})
        if "rivals.parquet" in self.folder.files:
            rows = pd.concat([rows, self.folder.read_parquet("rivals.parquet")], ignore_index=True)
        step = rows.groupby([UNIQUE_ID, MODEL], sort=False).cumcount() + 1
        return rows.assign(**{CUTOFF: self.cutoff}).assign(**{STEP: step})


def published(reader: Reader, name: str, since: pd.Timestamp) -> list[ForecastSet]:
    """The last forecast set of each cutoff from `since` on, in the order of the cutoffs."""
    sets: dict[pd.Timestamp, ForecastSet] = {}
    for forecast_id in reader.forecast_sets(name):
        folder = reader.forecast_set(name, forecast_id)
        one = ForecastSet(folder, records.ForecastSet.of(folder))
        if one.cutoff >= since:
            sets[one.cutoff] = one
    return [sets[cutoff] for cutoff in sorted(sets)]


def collect(
    reader: Reader, name: str, panel: Panel, profile: pd.DataFrame, workspace: Workspace, before: Judged | None
) -> Judged:
    """Evaluates the forecast sets within monitoring's windows as far as actuals exist, continuing from `before`.

    `workspace` has the settings of the production run and the current monitoring settings. Forecast sets evaluated over
    their whole horizon are skipped, unless they ended less than a horizon ago, since late actuals may still arrive.
    """
    horizon, settings, season = workspace.horizon or 1, workspace.monitoring, min(panel.season_lengths)
    end = panel.history.loc[panel.history[Y].notna(), DS].max()
    reach = (max(settings.accuracy.windows) + 2) * horizon
    stamps = pd.date_range(end=end, periods=reach + 1, freq=frequency.parse(panel.frequency))
    groups = _groups(profile, workspace)
    reference = cache(lambda run_id: _Reference.of(reader.run(name, run_id), groups))
    judged = Judged.nothing()
    if before is not None:
        judged = replace(judged, bias=before.bias, group_bias=before.group_bias, bias_to=before.bias_to)
    parts = [judged]
    for one in published(reader, name, stamps[0]):
        dates = frequency.future(one.cutoff, panel.frequency, one.info.horizon)
        steps, batch = accuracy.matured(list(dates), end, season), season if season <= len(dates) else len(dates)
        follows = judged.follows(one.cutoff) and dates[batch - 1] <= end
        old = before.of(one) if before and steps == len(dates) and dates[-1] <= stamps[-horizon - 1] else None
        if old is not None:
            parts.append(old)
        if not follows and (old is not None or not steps):
            continue
        with contextlib.suppress(StoreError):  # a missing or damaged run or set is skipped without affecting others
            judge = _Judge(one, one.said(), panel.history[[*KEY, Y]], reference(one.info.run_id), groups)
            if follows:
                judged = judged.after(one, judge.bias(batch), dates[batch - 1], settings.bias)
            if old is None and steps:
                parts.append(judge.all(steps, dates[steps - 1]))
    series, groups_, against = (_together([getattr(part, name) for part in parts]) for name in _EMPTY)
    return replace(judged, series=series, groups=groups_, rivals=against)


def forecasts(reader: Reader, name: str, run: Folder, since: pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`unique_id, ds, y_hat` of the backtest of a run's champions, and of the forecast sets from `since` on."""
    columns = [*KEY, Y_HAT]
    sets = [one.folder.read_parquet("forecasts.parquet", columns) for one in published(reader, name, since)]
    backtest = calibration.champion_rows(run, [*columns, MODEL])[columns]
    return backtest, pd.concat(sets, ignore_index=True) if sets else backtest.head(0)


@dataclass(frozen=True)
class _Reference:
    """The backtest of a run as reference for its forecast sets: the champions, named `production`, and the baseline."""

    rows: pd.DataFrame
    scale: pd.DataFrame
    fold_scales: pd.DataFrame
    levels: tuple[int, ...]
    groups: pd.DataFrame

    @classmethod
    def of(cls, run: Folder, groups: pd.DataFrame) -> Self:
        levels = tuple(ForecastRun.of(run).settings.levels)  # this version may not know its other settings
        columns = [UNIQUE_ID, CUTOFF, DS, MODEL, STEP, Y, Y_HAT, *(bound(n) for n in levels for bound in (lo, hi))]
        served = calibration.champion_rows(run, columns).assign(**{MODEL: SERVED})
        rows = pd.concat([served, calibration.champion_rows(run, columns, BASELINE)], ignore_index=True)
        scales = run.read_parquet("scales.parquet")
        name = intervals.SEASONAL if intervals.SEASONAL in scales else SCALE
        scale = scales[[UNIQUE_ID, name]].set_axis([UNIQUE_ID, SCALE], axis=1)
        return cls(rows, scale, calibration.fold_scales(run), levels, groups)

    @cached_property
    def _folds(self) -> dict[int, pd.DataFrame]:
        return {}

    def folds(self, steps: int) -> pd.DataFrame:
        """Each fold over its first `steps` steps."""
        if steps not in self._folds:
            self._folds[steps] = accuracy.folds(self.rows, self.fold_scales, self.levels, steps)
        return self._folds[steps]


@dataclass(frozen=True)
class _Judge:
    """One forecast set with its actuals."""

    one: ForecastSet
    said: pd.DataFrame
    actuals: pd.DataFrame
    reference: _Reference
    groups: pd.DataFrame

    def values(self, steps: int) -> pd.DataFrame:
        rows = self.said[self.said[STEP] <= steps]
        return accuracy.judge(rows, self.actuals, self.reference.scale, self.reference.levels)

    def all(self, steps: int, until: pd.Timestamp) -> Judged:
        values, folds = self.values(steps), self.reference.folds(steps)
        together = accuracy.means_of(values, self.groups), accuracy.means_of(folds, self.groups)

        def named(table: pd.DataFrame) -> pd.DataFrame:
            return table.assign(forecast_id=self.one.folder.name, steps=steps)

        return Judged(
            named(accuracy.compare(values, folds, until)),
            named(accuracy.compare(*together, until)),
            named(comparison.scored(values, self.one.info.run_id, self.one.rivals, until)),
        )

    def bias(self, steps: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        """`unique_id, score` of the batch of the first `steps` steps, for series and for groups (means over their
        series).
        """
        served = accuracy.served(self.values(steps)).merge(self.reference.scale, on=UNIQUE_ID, how="left")
        folds = accuracy.served(self.reference.folds(steps))
        folds = folds.merge(self.reference.fold_scales, on=[UNIQUE_ID, CUTOFF], how="left")
        now, past = _scaled(served), _scaled(folds)
        return bias.scores(now, past), bias.scores(*(accuracy.means_of(part, self.groups) for part in (now, past)))


def _together(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """The tables concatenated; the first may be empty."""
    full = [table for table in tables if len(table)]
    return pd.concat(full, ignore_index=True) if full else tables[0]


def _scaled(values: pd.DataFrame) -> pd.DataFrame:
    """`unique_id, cutoff, value`: the bias in units of the seasonal scale."""
    value = ratio(values[accuracy.BIAS].to_numpy(dtype=float), values[SCALE].to_numpy(dtype=float))
    return values[[UNIQUE_ID, CUTOFF]].assign(**{VALUE: value})


def _groups(profile: pd.DataFrame, workspace: Workspace) -> pd.DataFrame:
    """`unique_id, group`: all series, and those of at least five that share a value of an attribute."""
    segments, _ = segmented.segments(profile, list(workspace.covariates.static))
    parts = [segments[[UNIQUE_ID]].assign(group=f"{ALL}{SEPARATOR}{ALL}")]
    for by in segments.columns.drop(UNIQUE_ID):
        large = segments[segments.groupby(by)[UNIQUE_ID].transform("size") >= _LEAST]
        parts.append(large[[UNIQUE_ID]].assign(group=str(by) + SEPARATOR + large[by].astype(str)))
    return pd.concat(parts, ignore_index=True)
