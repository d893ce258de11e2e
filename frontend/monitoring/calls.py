"""API calls of the Monitoring page."""

from frontend.core.client import Client, Json


def summary(client: Client, workspace: str) -> Json:
    """The latest monitoring: statuses, live error, drift by feature and data checks."""
    return client.get("monitoring", "summary", params={"workspace": workspace})


def series(client: Client, workspace: str, search: str, limit: int, sort: str = "severity") -> Json:
    """Series by severity or by amount of drift."""
    query = {"workspace": workspace, "search": search, "limit": limit, "sort": sort}
    return client.get("monitoring", "series", params=query)


def alerts(client: Client, workspace: str, limit: int = 50) -> Json:
    """The latest alerts."""
    return client.get("monitoring", "alerts", params={"workspace": workspace, "limit": limit})


def acknowledge(client: Client, workspace: str, alert_id: str) -> Json:
    """Acknowledges an alert."""
    path = ("monitoring", "alerts", alert_id, "acknowledge")
    return client.send("POST", *path, params={"workspace": workspace}, json={})


def report(client: Client, workspace: str) -> str:
    """The report as an HTML page, including its own content security policy."""
    return client.text("monitoring", "report", params={"workspace": workspace}, kind="text/html")
