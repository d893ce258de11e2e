"""Summaries of monitoring: one row per series, the figures of the whole workspace, and new alerts."""

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import pandas as pd

from pipelines.core.documents import Json
from pipelines.core.figures import known, number
from pipelines.forecasting.monitoring import evidence
from pipelines.forecasting.monitoring.accuracy import BIAS, ERRORS, SKILL, UNTIL
from pipelines.forecasting.monitoring.alerts import Alert
from pipelines.forecasting.monitoring.comparison import Verdict
from pipelines.forecasting.monitoring.drift import FEATURE
from pipelines.forecasting.monitoring.evidence import ALERT, INSUFFICIENT, OK, STATUS, STATUSES, WARN
from pipelines.forecasting.monitoring.health import Check
from pipelines.forecasting.monitoring.origins import ALL, SEPARATOR
from pipelines.forecasting.records import Counts, Feature, Judged
from pipelines.tables.schema import CUTOFF, METRIC, UNIQUE_ID, VALUE, Y

KINDS = ("error", "bias", "coverage", "drift")
SINCE = "since"

_TOLD = {"error": ("mae", "mase"), "bias": (BIAS,)}  # not WAPE, which also rises if only the volume falls
_NAMED = 5  # series named in a message
_MANY = 0.05  # share of the series in alert that puts the workspace in alert
_LISTED = 50  # series listed in an alert
_KEPT = 400  # points in time in a history
_LABELS = {
    "error": "error above the backtest's",
    "bias": "forecasts are too low or too high",
    "coverage": "intervals cover too little",
    "drift": "values unlike the reference's",
}


def series(accuracy: pd.DataFrame, bias: pd.DataFrame, drift: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """One row per series: `status`, the status of each kind, their start dates, and the figures of the longest window.

    `status` is the most severe one. `lean`: the sum of the bias's CUSUM, positive: under-forecast. `feature, psi,
    threshold`: of the feature with the most severe status that exceeds its threshold most. `before`: this table from
    the previous monitoring.
    """
    ids = pd.Index(sorted({*accuracy[UNIQUE_ID], *bias[UNIQUE_ID], *drift[UNIQUE_ID]}), name=UNIQUE_ID)
    longest = accuracy[accuracy["window"] == accuracy["window"].max()]
    values, baselines = (longest.pivot(index=UNIQUE_ID, columns=METRIC, values=name) for name in (VALUE, "baseline"))
    every = [*ERRORS, SKILL, BIAS, *(name for name in values if str(name).startswith("coverage_"))]
    values, baselines = (figures.reindex(ids, columns=every).astype(float) for figures in (values, baselines))
    table: pd.DataFrame = values.join(baselines.add_suffix("_baseline")).rename_axis(columns=None)
    table["n_origins"] = longest.groupby(UNIQUE_ID)["n"].max().reindex(ids).astype(float).fillna(0).astype(np.int64)
    table = table.assign(**{f"{kind}_status": _of_kind(kind, accuracy, bias, drift).reindex(ids) for kind in KINDS})
    leaning = bias.set_index(UNIQUE_ID)[["up", "down"]].astype(float).reindex(ids)
    table["lean"] = leaning["up"].where(leaning["up"] >= leaning["down"], -leaning["down"])
    table = table.join(_most_drifted(drift)[[FEATURE, "psi", "threshold"]])
    statuses = [f"{kind}_status" for kind in KINDS]
    table[statuses] = table[statuses].fillna(INSUFFICIENT)
    table[STATUS] = evidence.worst(table[statuses])
    table = table.reset_index()
    return with_since(table, before, drift["as_of"].max())


def with_since(table: pd.DataFrame, before: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Adds the start date of each status: that of `before` if unchanged, else `as_of`."""
    then = table[[UNIQUE_ID]].merge(before.set_index(UNIQUE_ID).add_suffix("_before"), on=UNIQUE_ID, how="left")
    since = {STATUS: SINCE, **{f"{kind}_status": f"{kind}_{SINCE}" for kind in KINDS}}
    dates: dict[str, pd.Series | pd.Timestamp] = {}
    for name, column in since.items():
        if {f"{name}_before", f"{column}_before"} <= set(then):
            same = (then[f"{name}_before"] == table[name]) & then[f"{column}_before"].notna()
            dates[column] = pd.to_datetime(then[f"{column}_before"].where(same, as_of))
        else:
            dates[column] = as_of
    return table.assign(**dates)


def counts(table: pd.DataFrame) -> dict[str, Counts]:
    """The number of series with each status, per kind and `overall`."""
    columns = {"overall": STATUS, **{kind: f"{kind}_status" for kind in KINDS}}
    return {kind: Counts(**_counted(table[name])) for kind, name in columns.items()}


def status(table: pd.DataFrame, groups: pd.DataFrame, checks: Sequence[Check], verdicts: Sequence[Verdict]) -> str:
    """The workspace's status: alert if its means, data or runs are in alert, or over one in twenty series."""
    own = groups.loc[groups["by"] == ALL, STATUS]
    statuses = {*own, *(check.status for check in checks), *(ALERT for verdict in verdicts if verdict.worse)}
    judged = table.loc[table[STATUS] != INSUFFICIENT, STATUS]
    share = float((judged == ALERT).mean()) if len(judged) else 0.0
    statuses |= {ALERT} if share > _MANY else {WARN} if share > 0 else {OK} if len(judged) else set()
    return str(max(statuses or {INSUFFICIENT}, key=STATUSES.index))


def features(drift: pd.DataFrame) -> list[Feature]:
    """Each feature over all series: the number per status, and the median and largest PSI where data suffice."""
    return [
        Feature(
            feature=str(name),
            n_series=len(rows),
            **_counted(rows[STATUS]),
            psi_median=known(rows.loc[rows[STATUS] != INSUFFICIENT, "psi"].median()),
            psi_largest=known(rows.loc[rows[STATUS] != INSUFFICIENT, "psi"].max()),
        )
        for name, rows in drift.groupby(FEATURE)
    ]


def rows(table: pd.DataFrame, columns: Sequence[str]) -> list[Json]:
    """The table as JSON values."""
    records = zip(*(table[name].tolist() for name in columns), strict=True)
    return [
        {name: None if pd.isna(value) else value for name, value in zip(columns, row, strict=True)} for row in records
    ]


def timeline(groups: pd.DataFrame, before: Sequence[Judged]) -> list[Judged]:
    """The means over all series per forecast set.

    `groups`: the evaluated origins of groups; `before`: the timeline of earlier ones.
    """
    points = {one.cutoff: one for one in before}
    whole = groups[groups[UNIQUE_ID] == f"{ALL}{SEPARATOR}{ALL}"]
    for keys, part in whole.groupby([CUTOFF, UNTIL, "steps"], sort=True):
        cutoff, until, steps = cast(tuple[pd.Timestamp, pd.Timestamp, int], keys)
        by_metric = part.set_index(METRIC)
        values = {str(name): known(value) for name, value in by_metric[VALUE].items() if name != SKILL}
        baselines = {f"{name}_baseline": known(value) for name, value in by_metric["baseline"].items() if name != SKILL}
        stamp = cutoff.isoformat()
        points[stamp] = Judged.model_validate(
            {CUTOFF: stamp, UNTIL: until.isoformat(), "steps": int(steps), **values, **baselines}
        )
    return [points[stamp] for stamp in sorted(points)][-_KEPT:]


def news(
    workspace: str,
    as_of: str,
    table: pd.DataFrame,
    groups: pd.DataFrame,
    checks: Sequence[Check],
    before: tuple[pd.DataFrame, pd.DataFrame, Sequence[str]],
) -> Iterator[Alert]:
    """The alerts for what is in alert but was not `before` (tables of series and groups, names of checks in alert).

    One alert per kind, however many series it concerns, since a thousand separate alerts would be useless.
    """
    series_before, groups_before, checks_before = before
    for kind in KINDS:
        column = f"{kind}_status"
        fresh = _fresh(table, series_before, [UNIQUE_ID], column)
        if len(fresh):
            yield _alert(workspace, as_of, kind, "series", _worst_first(fresh, kind), len(table))
    for kind in ("error", "bias", "coverage"):
        now, then = (_rows_of(kind, statuses) for statuses in (groups, groups_before))
        fresh = _fresh(now, then, ["by", "group"], STATUS).drop_duplicates(["by", "group"])
        if len(fresh):
            named = [_group(by, group) for by, group in zip(fresh["by"], fresh["group"], strict=True)]
            figures = rows(fresh.head(_LISTED), ["by", "group", "window", METRIC, VALUE, "baseline"])
            message = f"{_LABELS[kind].capitalize()} in {_listed(named)}."
            yield Alert(workspace, kind, "groups", as_of, ALERT, message, named[:_LISTED], figures)
    for check in checks:
        if check.status == ALERT and check.name not in checks_before:
            yield Alert(
                workspace,
                "health",
                check.name,
                as_of,
                ALERT,
                f"Data: {check.message}",
                check.examples,
                [check.as_json()],
            )


def _counted(statuses: pd.Series) -> dict[str, int]:
    return {status: int((statuses == status).sum()) for status in STATUSES}


def _of_kind(kind: str, accuracy: pd.DataFrame, bias: pd.DataFrame, drift: pd.DataFrame) -> pd.Series:
    """The most severe status of a kind, per series."""
    table = drift if kind == "drift" else bias if kind == "bias" else _rows_of(kind, accuracy)
    ranks = table[STATUS].map({name: place for place, name in enumerate(STATUSES)})
    statuses: pd.Series = ranks.groupby(table[UNIQUE_ID]).max().map(dict(enumerate(STATUSES)))
    return statuses


def _most_drifted(drift: pd.DataFrame) -> pd.DataFrame:
    """The row that determines each series' status: of those with the most severe one, the farthest beyond its
    threshold.
    """
    ranks = drift[STATUS].map({name: place for place, name in enumerate(STATUSES)})
    most_severe = ranks == ranks.groupby(drift[UNIQUE_ID]).transform("max")
    beyond = (drift["psi"] / drift["threshold"]).astype(float)[most_severe].dropna()
    return drift.loc[beyond.groupby(drift[UNIQUE_ID]).idxmax()].set_index(UNIQUE_ID)


def _rows_of(kind: str, accuracy: pd.DataFrame) -> pd.DataFrame:
    """The rows of accuracy on errors, biases or coverage."""
    if kind in _TOLD:
        return accuracy[accuracy[METRIC].isin(_TOLD[kind])]
    return accuracy[accuracy[METRIC].astype(str).str.startswith("coverage_")]


def _fresh(now: pd.DataFrame, before: pd.DataFrame, keys: list[str], column: str) -> pd.DataFrame:
    """The rows in alert that were not in alert before."""
    alerts = now[now[column] == ALERT]
    if before.empty or alerts.empty:
        return alerts
    old = pd.MultiIndex.from_frame(before.loc[before[column] == ALERT, keys])
    return alerts[~pd.MultiIndex.from_frame(alerts[keys]).isin(old)]


def _worst_first(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    size: pd.Series
    if kind == "error":
        size = table["mae"] / table["mae_baseline"]
    elif kind == "bias":
        size = table["lean"].abs()
    elif kind == "drift":
        size = table["psi"] / table["threshold"]
    else:
        size = -table[_levels(table)].min(axis=1)
    return table.loc[size.sort_values(ascending=False, kind="stable").index]


def _levels(table: pd.DataFrame) -> list[str]:
    """The columns of coverage, one per level."""
    return [str(name) for name in table if str(name).startswith("coverage_") and str(name)[9:].isdigit()]


def _alert(workspace: str, as_of: str, kind: str, subject: str, table: pd.DataFrame, total: int) -> Alert:
    named = [str(name) for name in table[UNIQUE_ID]]
    told = [_told(kind, row) for _, row in table.head(_NAMED).iterrows()]
    more = f" and {len(named) - len(told):,} more" if len(named) > len(told) else ""
    message = f"{_LABELS[kind].capitalize()} in {len(named):,} of {total:,} series: {', '.join(told)}{more}."
    columns = {
        "error": ["mae", "mae_baseline", "mase", "mase_baseline"],
        "bias": ["lean", "bias"],
        "coverage": _levels(table),
        "drift": [FEATURE, "psi", "threshold"],
    }[kind]
    return Alert(
        workspace,
        kind,
        subject,
        as_of,
        ALERT,
        message,
        named[:_LISTED],
        rows(table.head(_LISTED), [UNIQUE_ID, *columns]),
    )


def _told(kind: str, row: pd.Series) -> str:
    """A series with the figure behind its status."""
    name = row[UNIQUE_ID]
    if kind == "error":
        return f"{name} (MAE {number(row['mae'], precise=True)} against {number(row['mae_baseline'], precise=True)})"
    if kind == "drift":
        what = "its values" if row[FEATURE] == Y else row[FEATURE]
        return f"{name} ({what}: PSI {number(row['psi'])} over {number(row['threshold'])})"
    if kind == "bias":
        return f"{name} ({'under' if row['lean'] > 0 else 'over'}-forecast, bias {number(row['bias'], precise=True, sign=True)})"
    levels = _levels(row.to_frame().T)
    return f"{name} ({', '.join(f'{100 * row[level]:.0f} % of {level[9:]} %' for level in levels)})"


def _group(by: str, group: str) -> str:
    return "all series" if by == ALL else f"{by} {group}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
