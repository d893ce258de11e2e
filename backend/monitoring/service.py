"""Alerts: list and acknowledge."""

import asyncio

from backend.core.access import Access
from backend.core.catalog import WorkspaceReader
from backend.core.errors import Problem
from pipelines.core.errors import NotFound
from pipelines.forecasting.monitoring import alerts
from pipelines.forecasting.monitoring.alerts import AlertOut
from pipelines.storage.store import Stores


async def raised(workspace: WorkspaceReader) -> list[AlertOut]:
    """Every alert of the workspace, newest first."""
    return await asyncio.to_thread(alerts.all_of, workspace.catalog.reader, workspace.name)


async def acknowledge(access: Access, stores: Stores, alert_id: str, note: str) -> AlertOut:
    """Acknowledge an alert for the caller; the first acknowledgement is kept. Problem 404 if it does not exist."""
    workspace, by = access.workspace.name, access.identity.name
    try:
        return await asyncio.to_thread(alerts.acknowledge, stores, workspace, alert_id, by, note)
    except NotFound:
        raise Problem(404, f"Workspace '{workspace}' has no alert {alert_id}.") from None
