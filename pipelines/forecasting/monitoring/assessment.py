"""Assessment of a workspace: forecasts against actuals, data against the reference period, runs against each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipelines.core.errors import Conflict
from pipelines.core.figures import stamp
from pipelines.forecasting import frequency, payload
from pipelines.forecasting.monitoring import accuracy, bias, comparison, drift, health, origins, report, summary
from pipelines.forecasting.monitoring.accuracy import BIAS
from pipelines.forecasting.monitoring.alerts import Alert, all_of
from pipelines.forecasting.monitoring.comparison import Verdict
from pipelines.forecasting.monitoring.evidence import ALERT, INSUFFICIENT, STATUS
from pipelines.forecasting.monitoring.origins import SEPARATOR, Judged
from pipelines.forecasting.monitoring.snapshots import Snapshot
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.prepare import panel_of
from pipelines.forecasting.promotion import alternatives
from pipelines.forecasting.records import Check as Health
from pipelines.forecasting.records import ForecastRun
from pipelines.forecasting.records import Monitoring as Summary
from pipelines.forecasting.settings import Workspace
from pipelines.forecasting.thresholds import Comparison
from pipelines.runs import aliases
from pipelines.storage.catalog import Dataset, Reader
from pipelines.storage.folders import Folder
from pipelines.storage.store import Stores
from pipelines.tables.schema import DS, FRACTION, METRIC, UNIQUE_ID, VALUE

_SHOWN = ["by", "group", "window", METRIC, VALUE, "baseline", STATUS, "n", "p_value"]


@dataclass(frozen=True)
class Assessment:
    """The tables of a monitoring, their summary, and the new alerts."""

    snapshot: Snapshot
    summary: Summary
    alerts: list[Alert]
    panel: Panel
    window: int


def assess(
    reader: Reader, workspace: Workspace, run: Folder, dataset: Dataset, before: Snapshot, now: pd.Timestamp
) -> Assessment:
    """Assesses the newest data; `workspace` has the settings of the run and the current monitoring settings."""
    name, settings, horizon = workspace.name, workspace.monitoring, workspace.horizon or 1
    panel, ended = panel_of(dataset, workspace)
    profile, as_of = dataset.series, panel.history[DS].max()
    judged = origins.collect(reader, name, panel, profile, workspace, before.judged if before.summary else None)
    leaning = bias.status(judged.bias, before.bias, settings.bias, settings.accuracy)
    table = accuracy.windows(judged.series, as_of, panel.frequency, horizon, before.accuracy, settings.accuracy)
    table = _with_bias(table, leaning)
    as_series = _as_series(before.groups)
    groups = accuracy.windows(judged.groups, as_of, panel.frequency, horizon, as_series, settings.accuracy)
    groups_leaning = bias.status(judged.group_bias, before.group_bias, settings.bias, settings.accuracy)
    groups = _as_groups(_with_bias(groups, groups_leaning))
    drifted = drift.drift(panel, trained_to(run, workspace), before.drift, settings.drift, settings.accuracy)
    window = drift.width(panel, settings.drift)
    served = set(payload.champions_of(run)[UNIQUE_ID])
    checks = [
        health.freshness(as_of, now, panel.frequency, workspace.quality.max_age_days),
        *health.check(panel, profile, served, ended, window, settings.health),
    ]
    verdicts = list(_verdicts(reader, name, run, judged, settings.comparison))
    series = summary.series(table, leaning, drifted, before.series)
    past = before.summary
    told = Summary(
        units=FRACTION,
        workspace=name,
        run_id=run.name,
        data_version=dataset.version,
        as_of=stamp(as_of),
        status=summary.status(series, groups, checks, verdicts),
        n_series=len(series),
        counts=summary.counts(series),
        accuracy=summary.rows(groups, _SHOWN),
        drift=summary.features(drifted),
        health=[Health.model_validate(check.as_json()) for check in checks],
        comparisons=[verdict.as_json() for verdict in verdicts],
        history=past.history if past else [],
        timeline=summary.timeline(judged.groups, past.timeline if past else []),
    )
    snapshot = Snapshot(judged, table, groups, leaning, groups_leaning, drifted, series, told, tuple(verdicts))
    old_checks = [check.name for check in (past.health if past else []) if check.status == ALERT]
    news = list(summary.news(name, stamp(as_of), series, groups, checks, (before.series, before.groups, old_checks)))
    return Assessment(snapshot, told, news, panel, window)


def page(reader: Reader, assessed: Assessment, run: Folder, rows: int) -> str:
    """The HTML report on the same data."""
    stamps = assessed.panel.history[DS].drop_duplicates().nlargest(assessed.window + (assessed.panel.horizon or 1))
    said = origins.forecasts(reader, assessed.summary.workspace, run, stamps.min())
    return report.render(*report.samples(assessed.panel, *said, assessed.window, rows))


def trained_to(run: Folder, workspace: Workspace) -> pd.Timestamp:
    """The newest step that a run has learnt from: the last actual of its newest window."""
    cutoff = pd.Timestamp(ForecastRun.of(run).figures.cutoffs[-1])
    steps = (workspace.horizon or 1) + workspace.backtest.gap
    return pd.Timestamp(frequency.future(cutoff, workspace.frequency, steps)[-1])


def go_back(stores: Stores, workspace: Workspace, snapshot: Snapshot, as_of: str) -> list[Alert]:
    """Proposes or performs a rollback from worse runs; nothing is reported twice.

    Each run is rolled back at most once; a manual undo is never overridden.
    """
    name, auto = workspace.name, workspace.monitoring.comparison.auto_rollback
    said = {one["subject"] for one in all_of(stores, name) if one["kind"] == "rollback"}
    alerts = []
    for verdict in (one for one in snapshot.verdicts if one.worse):
        subject = f"{verdict.alias} from {verdict.run_id} to {verdict.other_run_id}"
        if subject in said:
            continue
        undo = f"python scripts/promote.py --workspace {name} --alias {verdict.alias}"
        done = auto and _moved(stores, name, verdict)
        message = (
            f"Went back: {subject}, {verdict.why}. To undo it: {undo}"
            if done
            else f"Going back is proposed: {subject}, {verdict.why}. To do it: {undo} --run {verdict.other_run_id}"
        )
        figures = [{**verdict.as_json(), "done": done}]
        alerts.append(Alert(name, "rollback", subject, as_of, ALERT, message, (verdict.run_id,), figures))
    return alerts


def _moved(stores: Stores, workspace: str, verdict: Verdict) -> bool:
    """Whether the alias was moved; False if someone else moved it in the meantime."""
    pointers = stores.pointers(workspace)
    named = pointers.aliases.get(verdict.alias)
    if named is None or named.run_id != verdict.run_id:
        return False
    why = f"worse: {verdict.why}"
    try:
        aliases.promote(
            stores, workspace, verdict.other_run_id, why, verdict.alias, expected=pointers.version, by="monitoring"
        )
    except Conflict:
        return False
    return True


def _verdicts(reader: Reader, name: str, run: Folder, judged: Judged, settings: Comparison) -> Sequence[Verdict]:
    return [
        comparison.verdict(judged.rivals, rival, run.name, other, settings)
        for rival, other in alternatives.rivals(reader.pointers(name)).items()
        if other != run.name
    ]


def _with_bias(table: pd.DataFrame, leaning: pd.DataFrame) -> pd.DataFrame:
    """The table of accuracy with the status of the bias from its CUSUM."""
    of_bias = leaning.set_index(UNIQUE_ID)[STATUS].reindex(table[UNIQUE_ID]).fillna(INSUFFICIENT).to_numpy()
    return table.assign(**{STATUS: np.where(table[METRIC] == BIAS, of_bias, table[STATUS])})


def _as_groups(table: pd.DataFrame) -> pd.DataFrame:
    """Groups that were handled as series, with their names split into kind and group."""
    names = table[UNIQUE_ID].astype(str).str.split(SEPARATOR, n=1, expand=True).reindex(columns=[0, 1])
    groups = table.drop(columns=UNIQUE_ID).assign(by=names[0], group=names[1])
    return groups[["by", "group", *table.columns.drop(UNIQUE_ID)]]


def _as_series(groups: pd.DataFrame) -> pd.DataFrame:
    named = groups["by"].astype(str) + SEPARATOR + groups["group"].astype(str)
    return groups.drop(columns=["by", "group"]).assign(**{UNIQUE_ID: named})
