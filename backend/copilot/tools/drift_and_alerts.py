"""Monitoring results: live errors, drift of inputs, open alerts."""

import asyncio

from backend.copilot.facts import Fact, Facts, Subject, name
from backend.copilot.scope import CannotTell, Scope, series
from backend.core.errors import Problem
from pipelines.core.errors import NotFound
from pipelines.forecasting.monitoring import alerts
from pipelines.forecasting.read.monitoring import Monitored

_ALERTS, _WORST = 5, 5
_DRIFTED = "A feature has drifted, and a series with it, if its status is warn or alert."


async def run(scope: Scope, unique_id: str | None = None) -> Facts:
    """Whether forecasts still hold: status in monitoring, error and coverage on new actuals beside the backtest, drift
    of the inputs (PSI with its threshold), and the newest alerts.

    Without `unique_id`: of the whole workspace, with the series that are worst.
    """
    try:
        monitored = await scope.data.monitored()
    except Problem as problem:
        raise CannotTell(str(problem.detail)) from None
    if unique_id is not None:
        return await asyncio.to_thread(_of_series, monitored, await scope.which(unique_id))
    raised = await asyncio.to_thread(alerts.all_of, scope.data.catalog.reader, scope.workspace)
    source = f"monitoring/{monitored.id}/summary.json"
    info = monitored.summary()
    facts = [
        Fact("status", info["status"], source=source),
        Fact("as_of", info["as_of"], source=source),
        Fact("n_series", info["n_series"], "series", source=source),
        Fact("n_alerts", sum(one["acknowledged"] is None for one in raised), source="monitoring/alerts"),
    ]
    overall, drifted = info["counts"]["overall"], info["counts"]["drift"]
    facts.append(Fact("n_alerting", overall["alert"], "series", source=source))
    facts.append(Fact("n_warned", overall["warn"], "series", source=source))
    facts.append(Fact("n_drifted", drifted["alert"] + drifted["warn"], "series", source=source))
    for feature in info["drift"]:
        of = (Subject("feature", feature["feature"]),)
        facts.append(Fact("n_drifted", feature["alert"] + feature["warn"], "series", of, "", source))
    for alert in raised[:_ALERTS]:
        period = f"alert {alert['id']}"
        facts += [
            Fact("alert", alert["message"], "", (), period, "monitoring/alerts"),
            Fact("alert_date", alert["as_of"].removesuffix("T00:00:00"), "", (), period, "monitoring/alerts"),
        ]
    worst = await asyncio.to_thread(monitored.find, limit=_WORST)
    facts += [name("series", row["unique_id"], source) for row in worst.rows if row["status"] in ("alert", "warn")]
    return Facts(facts, f"The series named are those that stand worst. {_DRIFTED}")


def _of_series(monitored: Monitored, unique_id: str) -> Facts:
    try:
        row = monitored.find(unique_id).rows[0]
    except NotFound:
        return Facts([], "Monitoring has nothing on this series yet.")
    of, source = series(unique_id), f"monitoring/{monitored.id}/series.parquet"

    def fact(concept: str, value: object, period: str = "new actuals") -> Fact:
        return Fact(concept, value, "", of, period, source)  # type: ignore[arg-type]

    facts = [
        fact("status", row["status"]),
        fact("status_since", row["since"]),
        fact("live_error", row["mase"]),
        fact("live_baseline", row["mase_baseline"], "backtest"),
    ]
    for level, value in row["coverage"].items():
        if value is not None:
            period = f"new actuals, {level} % interval"
            facts += [fact("interval_level", int(level), period), fact("live_coverage", value, period)]
    for drift in sorted(row["drift"], key=lambda one: -(one["psi"] or 0.0)):
        about = (*of, Subject("feature", drift["feature"]))
        facts += [
            Fact("psi", drift["psi"], "", about, "", source),
            Fact("psi_threshold", drift["threshold"], "", about, "", source),
            Fact("status", drift["status"], "", about, "", source),
        ]
    return Facts(facts, f"Errors are MASE: smaller is better. {_DRIFTED}")
