"""Reports as searchable text: the quality report and the alerts."""

from collections.abc import Sequence

from pipelines.forecasting.monitoring.alerts import AlertOut
from pipelines.storage.records import Check, Etl, Quality

_NEWEST = 50  # alerts


def quality(version: str, info: Etl, quality: Quality) -> str:
    """The quality report of a data version as markdown; each finding has its own heading."""
    lines = [
        f"# Data quality of version {version}",
        "",
        f"{'The data are synthetic; their' if info.synthetic else 'The'} status is {quality.status}.",
        "",
    ]
    counts = (f"{name.replace('_', ' ')}: {value:,}" for name, value in quality.counts.items())
    lines += [f"Counted: {'; '.join(counts)}.", ""]
    if info.inferred:
        lines += ["## What was found out about the columns", ""]
        lines += [*(f"- {name}: {how}" for name, how in info.inferred.items()), ""]
    for check in quality.checks:
        if check.status != "pass":
            lines += [f"## Check {check.name}: {check.status}", "", f"{check.message}{_examples(check)}", ""]
    passed = [f"- {check.name}: {check.message}" for check in quality.checks if check.status == "pass"]
    return "\n".join([*lines, "## Checks that pass", "", *passed]) + "\n"


def alerts(raised: Sequence[AlertOut]) -> str:
    """The newest alerts, one per line."""
    lines = [f"- {one['as_of']}, {one['kind']} ({one['severity']}): {one['message']}" for one in raised[:_NEWEST]]
    return "\n".join(["# Alerts of monitoring", "", *lines]) + "\n"


def _examples(check: Check) -> str:
    return f" For example: {', '.join(check.examples)}." if check.examples else ""
