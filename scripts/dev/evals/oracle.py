"""Right answers, computed by pandas from the published files alone, without the service's code."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

_WEEKS = pd.Timedelta(weeks=52)

Value = float | int | str | list[float] | list[str]


@dataclass(frozen=True)
class Oracle:
    """Oracle of one workspace.

    `of` is a series, attributes with their values, or None for all series; `from` and `to` are dates as the workspace
    writes them, both inclusive.
    """

    data: Path
    artifacts: Path
    workspace: str

    def __call__(self, concept: str, asked: Mapping[str, Any]) -> Value:
        """Value of a fact. Raises KeyError for an unknown concept."""
        compute: Callable[[Mapping[str, Any]], Value] = getattr(self, f"_{concept}", None) or self._unknown(concept)
        return compute(asked)

    def ranked(self, by: str, order: str, n: int, of: Mapping[str, str] | None = None) -> list[str]:
        """The first `n` series in this order."""
        values = self._ranked_by(by)
        values = values[values.index.isin(self.ids(of))].dropna()
        return values.sort_values(ascending=order == "lowest", kind="stable").index[:n].tolist()

    def _ranked_by(self, by: str) -> "pd.Series[float]":
        if by == "forecast":
            return self._sums(self._forecasts, "y_hat")
        if by in ("error", "skill"):
            return self._champions["value" if by == "error" else "skill_vs_seasonal_naive"]
        return self._changes(self._last_steps if by == "change_on_last_period" else self._steps_a_year_before)

    def groups(self, by: str) -> list[str]:
        """Values of an attribute, largest forecast first."""
        sums = self._sums(self._forecasts, "y_hat")
        return sums.groupby(self._series[by].reindex(sums.index)).sum().sort_values(ascending=False).index.tolist()

    def ids(self, of: str | Mapping[str, str] | None) -> list[str]:
        """The series selected by `of`."""
        if isinstance(of, str):
            return [of]
        rows = self._series
        for attribute, value in (of or {}).items():
            rows = rows[rows[attribute].astype(str) == value]
        return rows.index.tolist()

    def _forecast_total(self, asked: Mapping[str, Any]) -> float:
        steps = self._between(self._forecasts, asked).groupby("ds")["y_hat"].sum()
        return float(steps.sum() if self._summed else steps.mean())

    def _actual_total(self, asked: Mapping[str, Any]) -> float:
        steps = self._between(self._known, asked).groupby("ds")["y"].sum()
        return float(steps.sum() if self._summed else steps.mean())

    def _forecast_value(self, asked: Mapping[str, Any]) -> float:
        return float(self._between(self._forecasts, asked)["y_hat"].sum())

    def _actual_value(self, asked: Mapping[str, Any]) -> float:
        return float(self._between(self._known, asked)["y"].sum())

    def _interval(self, asked: Mapping[str, Any]) -> list[float]:
        row = self._between(self._forecasts, asked).iloc[0]
        return [float(row[f"{side}_{asked['level']}"]) for side in ("lo", "hi")]

    def _peak_value(self, asked: Mapping[str, Any]) -> float:
        return float(self._between(self._forecasts, asked).groupby("ds")["y_hat"].sum().max())

    def _peak_date(self, asked: Mapping[str, Any]) -> str:
        return self._written(self._between(self._forecasts, asked).groupby("ds")["y_hat"].sum().idxmax())

    def _trough_value(self, asked: Mapping[str, Any]) -> float:
        return float(self._between(self._forecasts, asked).groupby("ds")["y_hat"].sum().min())

    def _trough_date(self, asked: Mapping[str, Any]) -> str:
        return self._written(self._between(self._forecasts, asked).groupby("ds")["y_hat"].sum().idxmin())

    def _actual_high(self, asked: Mapping[str, Any]) -> float:
        return float(self._between(self._known, asked).groupby("ds")["y"].sum().max())

    def _actual_low(self, asked: Mapping[str, Any]) -> float:
        return float(self._between(self._known, asked).groupby("ds")["y"].sum().min())

    def _last_period_total(self, asked: Mapping[str, Any]) -> float:
        return float(self._last_steps.reindex(self.ids(asked.get("of"))).sum())

    def _change_on_last_period(self, asked: Mapping[str, Any]) -> float:
        return self._change(asked, self._last_steps)

    def _change_on_last_year(self, asked: Mapping[str, Any]) -> float:
        return self._change(asked, self._steps_a_year_before)

    def _derived_difference(self, asked: Mapping[str, Any]) -> float:
        a, b = (self._forecast_total({"of": one}) for one in asked["between"])
        return a - b

    def _derived_share(self, asked: Mapping[str, Any]) -> float:
        return self._forecast_total(asked) / self._forecast_total({})

    _share_of_total = _derived_share

    def _error(self, asked: Mapping[str, Any]) -> float:
        if "model" in asked:
            rows = self._metrics[(self._metrics["model"] == asked["model"]) & (self._metrics["metric"] == "mase")]
            rows = rows[rows["unique_id"].isin(self.ids(asked.get("of")))]
            return float(rows.groupby("unique_id")["value"].mean().mean())
        return float(self._champions["value"].reindex(self.ids(asked.get("of"))).mean())

    _mean_error = _error

    def _skill(self, asked: Mapping[str, Any]) -> float:
        if isinstance(asked.get("of"), str):
            return float(self._champions.loc[asked["of"], "skill_vs_seasonal_naive"])
        naive = self._metrics[(self._metrics["model"] == "seasonal_naive") & (self._metrics["metric"] == "mase")]
        return 1 - self._error({}) / float(naive.groupby("unique_id")["value"].mean().mean())

    def _champion(self, asked: Mapping[str, Any]) -> str:
        return str(self._champions.loc[asked["of"], "model"])

    def _champion_share(self, asked: Mapping[str, Any]) -> int:
        return int((self._champions["model"] == asked["model"]).sum())

    def _coverage(self, asked: Mapping[str, Any]) -> float:
        """For single series, the mean over the windows, as in the tables."""
        rows = self._metrics[self._metrics["metric"] == f"coverage_{asked['level']}"]
        chosen = rows[rows["model"] == rows["unique_id"].map(self._champions["model"])]
        chosen = chosen[chosen["unique_id"].isin(self.ids(asked.get("of")))]
        in_percent = "units" not in self._run  # as published by release 0.1.0
        return float(chosen["value"].mean()) / (100 if in_percent else 1)

    def _component_total(self, asked: Mapping[str, Any]) -> float:
        rows = self._table("explanations.parquet")
        steps = rows[(rows["unique_id"] == asked["of"]) & (rows["component"] == asked["component"])]["value"]
        return float(steps.sum() if self._summed else steps.mean())

    def _bridge_sum(self, asked: Mapping[str, Any]) -> float:
        rows = self._table("bridge.parquet")
        steps = rows[rows["unique_id"] == asked["of"]].groupby("ds")["value"].sum()
        return float(steps.sum() if self._summed else steps.mean())

    def _n_series(self, asked: Mapping[str, Any]) -> int:
        return len(self.ids(asked.get("of")))

    _n_found = _n_series

    def _n_values(self, asked: Mapping[str, Any]) -> int:
        return int(self._series[asked["attribute"]].nunique())

    def _n_observations(self, asked: Mapping[str, Any]) -> int:
        return len(self._known[self._known["unique_id"] == asked["of"]])

    def _seasonal_strength(self, asked: Mapping[str, Any]) -> float:
        return float(self._series.loc[asked["of"], "seasonal_strength"])

    def _trend_strength(self, asked: Mapping[str, Any]) -> float:
        return float(self._series.loc[asked["of"], "trend_strength"])

    def _demand_class(self, asked: Mapping[str, Any]) -> str:
        return str(self._series.loc[asked["of"], "demand_class"])

    def _share_zero(self, asked: Mapping[str, Any]) -> float:
        return float((self._known.loc[self._known["unique_id"] == asked["of"], "y"] == 0).mean())

    def _forecast_steps(self, asked: Mapping[str, Any]) -> int:
        return int(self._forecasts["ds"].nunique())

    def _forecast_end(self, asked: Mapping[str, Any]) -> str:
        return self._written(self._forecasts["ds"].max())

    def _last_date(self, asked: Mapping[str, Any]) -> str:
        return self._written(self._known["ds"].max())

    def _first_date(self, asked: Mapping[str, Any]) -> str:
        return self._written(self._known.loc[self._known["unique_id"] == asked["of"], "ds"].min())

    def _unit(self, asked: Mapping[str, Any]) -> str:
        return str(self._run["config"]["target"]["unit"])

    def _run_date(self, asked: Mapping[str, Any]) -> str:
        run = self._pointers["aliases"]["production"]["run_id"]
        return f"{run[:4]}-{run[4:6]}-{run[6:8]}"

    def _windows(self, asked: Mapping[str, Any]) -> int:
        return int(self._metrics["cutoff"].nunique())

    def _n_models(self, asked: Mapping[str, Any]) -> int:
        return int(self._metrics["model"].nunique())

    def _n_rows(self, asked: Mapping[str, Any]) -> int:
        return int(self._quality["counts"]["rows_in"])

    def _n_rejected(self, asked: Mapping[str, Any]) -> int:
        return len(pd.read_parquet(self._dataset / "rejected.parquet"))

    def _n_checks(self, asked: Mapping[str, Any]) -> int:
        return len(self._quality["checks"])

    def _status(self, asked: Mapping[str, Any]) -> str:
        if "of" not in asked:
            return str(json.loads((self._monitoring / "summary.json").read_text())["status"])
        rows = pd.read_parquet(self._monitoring / "series.parquet").set_index("unique_id")
        return str(rows.loc[asked["of"], "status"])

    def _n_alerting(self, asked: Mapping[str, Any]) -> int:
        return int((pd.read_parquet(self._monitoring / "series.parquet")["status"] == "alert").sum())

    def _live_error(self, asked: Mapping[str, Any]) -> float:
        rows = pd.read_parquet(self._monitoring / "series.parquet").set_index("unique_id")
        return float(rows.loc[asked["of"], "mase"])

    def _horizon_error(self, asked: Mapping[str, Any]) -> float:
        rows = pd.read_parquet(self._run_folder / "backtest.parquet")
        of = asked.get("of")
        model = self._champions.loc[of, "model"] if of else self._champions["model"].value_counts().index[0]
        rows = rows[(rows["model"] == model) & rows["unique_id"].isin(self.ids(of))]
        step = rows.groupby(["unique_id", "cutoff"], observed=True)["ds"].rank("dense").astype(int)
        return float((rows["y"] - rows["y_hat"]).abs()[step == asked["step"]].mean())

    def _change(self, asked: Mapping[str, Any], before: "pd.Series[float]") -> float:
        ids = self.ids(asked.get("of"))
        both = pd.DataFrame({"now": self._sums(self._forecasts, "y_hat"), "before": before}).reindex(ids).dropna()
        return float((both["now"].sum() - both["before"].sum()) / abs(both["before"].sum()))

    def _changes(self, before: "pd.Series[float]") -> "pd.Series[float]":
        now = self._sums(self._forecasts, "y_hat")
        return ((now - before) / before.abs()).where(before != 0)

    def _sums(self, rows: pd.DataFrame, column: str) -> "pd.Series[float]":
        steps = rows.dropna(subset=[column]).groupby("unique_id", observed=True)[column]
        return steps.sum() if self._summed else steps.mean()

    @cached_property
    def _last_steps(self) -> "pd.Series[float]":
        newest = sorted(self._known["ds"].unique())[-self._forecasts["ds"].nunique() :]
        return self._sums(self._known[self._known["ds"].isin(newest)], "y")

    @cached_property
    def _steps_a_year_before(self) -> "pd.Series[float]":
        steps = self._forecasts["ds"].unique() - _WEEKS
        rows = self._known[self._known["ds"].isin(steps)]
        known = rows.groupby("unique_id", observed=True)["ds"].nunique().astype(float)
        sums: pd.Series[float] = self._sums(rows, "y")[known >= 0.8 * len(steps)]
        return sums

    def _between(self, rows: pd.DataFrame, asked: Mapping[str, Any]) -> pd.DataFrame:
        chosen = rows[rows["unique_id"].isin(self.ids(asked.get("of")))]
        start, end = asked.get("at", asked.get("from")), asked.get("at", asked.get("to"))
        local = self._local(chosen["ds"])
        if start is not None:
            chosen, local = chosen[local >= pd.Timestamp(start)], local[local >= pd.Timestamp(start)]
        if end is not None:
            last = pd.Timestamp(end)
            last += pd.Timedelta(days=1, microseconds=-1) if len(str(end)) <= 10 else pd.Timedelta(0)
            chosen = chosen[local <= last]
        return chosen

    def _local(self, ds: "pd.Series[Any]") -> "pd.Series[Any]":
        """Timestamps in local time; below a day they are stored in UTC."""
        if not self._moments:
            return ds
        local: pd.Series[Any] = (
            ds.dt.tz_localize("UTC").dt.tz_convert(self._run["config"]["timezone"]).dt.tz_localize(None)
        )
        return local

    def _written(self, ds: Any) -> str:
        if not self._moments:
            return str(pd.Timestamp(ds).date())
        return pd.Timestamp(ds).tz_localize("UTC").tz_convert(self._run["config"]["timezone"]).isoformat()

    @cached_property
    def _moments(self) -> bool:
        steps = sorted(self._forecasts["ds"].unique())
        return bool(steps[1] - steps[0] < pd.Timedelta(days=1))

    @cached_property
    def _pointers(self) -> dict[str, Any]:
        pointers: dict[str, Any] = json.loads((self.artifacts / self.workspace / "pointers.json").read_text())
        return pointers

    @cached_property
    def _run_folder(self) -> Path:
        return self.artifacts / self.workspace / "runs" / str(self._pointers["aliases"]["production"]["run_id"])

    @cached_property
    def _run(self) -> dict[str, Any]:
        run: dict[str, Any] = json.loads((self._run_folder / "run.json").read_text())
        return run

    @cached_property
    def _summed(self) -> bool:
        return bool(self._run["config"]["target"]["aggregate"] == "sum")

    @cached_property
    def _dataset(self) -> Path:
        folder = self.data / "processed" / self.workspace
        return folder / str(json.loads((folder / "current.json").read_text())["data_version"])

    @cached_property
    def _monitoring(self) -> Path:
        folder = self.artifacts / self.workspace / "monitoring"
        return folder / str(json.loads((folder / "current.json").read_text())["monitoring_id"])

    @cached_property
    def _quality(self) -> dict[str, Any]:
        quality: dict[str, Any] = json.loads((self._dataset / "quality.json").read_text())
        return quality

    @cached_property
    def _series(self) -> pd.DataFrame:
        return pd.read_parquet(self._dataset / "series.parquet").set_index("unique_id")

    @cached_property
    def _known(self) -> pd.DataFrame:
        return pd.read_parquet(self._dataset / "observations.parquet", columns=["unique_id", "ds", "y"]).dropna()

    @cached_property
    def _forecasts(self) -> pd.DataFrame:
        return self._table("forecasts.parquet")

    @cached_property
    def _champions(self) -> pd.DataFrame:
        return pd.read_parquet(self._run_folder / "champions.parquet").set_index("unique_id")

    @cached_property
    def _metrics(self) -> pd.DataFrame:
        return pd.read_parquet(self._run_folder / "metrics.parquet").astype({"unique_id": str, "model": str})

    def _table(self, name: str) -> pd.DataFrame:
        folder = self.artifacts / self.workspace / "forecasts" / self._pointers["published"]["forecast_id"]
        return pd.read_parquet(folder / name).astype({"unique_id": str})

    def _unknown(self, concept: str) -> Any:
        raise KeyError(f"the oracle knows no '{concept}'")
