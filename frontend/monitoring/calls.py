"""Calls of the page Monitoring."""

from frontend.core.client import Client, Json


def summary(client: Client, workspace: str) -> Json:
    """The newest monitoring: statuses, live error, drift by feature and checks of the data."""
    return client.get("monitoring", "summary", params={"workspace": workspace})


def series(client: Client, workspace: str, search: str, limit: int, sort: str = "severity") -> Json:
    """Series by severity, or by how far they have drifted."""
    query = {"workspace": workspace, "search": search, "limit": limit, "sort": sort}
    return client.get("monitoring", "series", params=query)


def alerts(client: Client, workspace: str, limit: int = 50) -> Json:
    """The newest alerts."""
    return client.get("monitoring", "alerts", params={"workspace": workspace, "limit": limit})


def acknowledge(client: Client, workspace: str, alert_id: str) -> Json:
    """Notes that somebody has seen an alert."""
    path = ("monitoring", "alerts", alert_id, "acknowledge")
    return client.send("POST", *path, params={"workspace": workspace}, json={})


def report(client: Client, workspace: str) -> str:
    """The report as a page, which holds its own policy."""
    return client.text("monitoring", "report", params={"workspace": workspace}, kind="text/html")
