"""Workspaces as clients see them: status and unacknowledged alerts."""

from backend.core.queries import PageQuery
from backend.workspaces.schemas import WorkspaceOut, WorkspacesOut
from backend.workspaces.status import Statuses
from pipelines.core.errors import ForecastError
from pipelines.forecasting.monitoring import alerts
from pipelines.storage.catalog import Reader


def listed(statuses: Statuses, query: PageQuery) -> WorkspacesOut:
    """The configured workspaces, by name. Reads files: call it in a thread."""
    known = statuses.all()
    items = [_with_alerts(statuses.reader, status) for status in query.cut(known)]
    return WorkspacesOut(items=items, total=len(known), limit=query.limit, offset=query.offset)


def described(statuses: Statuses, workspace: str) -> WorkspaceOut:
    """One workspace. Reads files: call it in a thread."""
    return _with_alerts(statuses.reader, statuses.of(workspace))


def _with_alerts(reader: Reader, status: WorkspaceOut) -> WorkspaceOut:
    """Adds the unacknowledged alerts, read on every request, since an acknowledgement changes no version."""
    try:
        raised = alerts.all_of(reader, status.name)
        severities = [one["severity"] for one in raised if one["acknowledged"] is None]
    except ForecastError:  # an unreadable alert log hides no workspace
        return status.model_copy(update={"open_alerts": None, "worst_alert": None})
    worst = "alert" if "alert" in severities else next(iter(severities), None)
    return status.model_copy(update={"open_alerts": len(severities), "worst_alert": worst})
