"""The workspaces as clients see them: their status with their unacknowledged alerts."""

from typing import Any

from backend.workspaces.status import Statuses
from pipelines.core.errors import ForecastError
from pipelines.forecasting.monitoring import alerts
from pipelines.storage.catalog import Reader


def listed(statuses: Statuses) -> list[dict[str, Any]]:
    """Every configured workspace, by name. Reads files: call it in a thread."""
    return [_with_alerts(statuses.reader, status) for status in statuses.all()]


def described(statuses: Statuses, workspace: str) -> dict[str, Any]:
    """One workspace. Reads files: call it in a thread."""
    return _with_alerts(statuses.reader, statuses.of(workspace))


def _with_alerts(reader: Reader, status: dict[str, Any]) -> dict[str, Any]:
    """With what is unacknowledged: read at each request, since an acknowledgement changes no version."""
    try:
        raised = alerts.all_of(reader, status["name"])
        severities = [one["severity"] for one in raised if one["acknowledged"] is None]
    except ForecastError:  # a log that cannot be read hides no workspace
        return {**status, "open_alerts": None, "worst_alert": None}
    worst = "alert" if "alert" in severities else next(iter(severities), None)
    return {**status, "open_alerts": len(severities), "worst_alert": worst}
