"""Alerts: the list of them, and their acknowledgement."""

import asyncio

from backend.core.access import Access
from backend.core.catalog import WorkspaceReader
from backend.core.errors import Problem
from pipelines.core.errors import NotFound
from pipelines.forecasting.monitoring import alerts
from pipelines.forecasting.monitoring.alerts import AlertOut


async def raised(workspace: WorkspaceReader) -> list[AlertOut]:
    """Every alert of the workspace, newest first."""
    return await asyncio.to_thread(alerts.all_of, workspace.catalog.reader, workspace.name)


async def acknowledge(access: Access, alert_id: str, note: str) -> AlertOut:
    """Acknowledge an alert in the name of the caller; the first acknowledgement is kept. Problem 404 without the alert."""
    reader, workspace, by = access.catalog.reader, access.workspace.name, access.identity.name
    try:
        return await asyncio.to_thread(alerts.acknowledge, reader, workspace, alert_id, by, note)
    except NotFound:
        raise Problem(404, f"Workspace '{workspace}' has no alert {alert_id}.") from None
