"""API calls of the Accuracy page."""

from frontend.core.client import Client, Json


def metrics(client: Client, workspace: str, by: str, metric: str) -> list[Json]:
    """All rows of the backtest errors by series, model, horizon or cutoff."""
    query = {"workspace": workspace, "by": by, "metric": metric}
    return list(client.items("metrics", "historical", params=query))


def calibration(client: Client, workspace: str, run_id: str) -> list[Json]:
    """Interval coverage of a run: overall, by level, step and segment."""
    return list(client.get("runs", run_id, "calibration", params={"workspace": workspace})["rows"])


def segments(client: Client, workspace: str, by: str) -> list[Json]:
    """Groups of series that share an attribute value."""
    return list(client.items("portfolio", "segments", params={"workspace": workspace, "by": by}))


def distribution(client: Client, workspace: str, of: str) -> Json:
    """Histogram of a value over the series."""
    return client.get("portfolio", "distribution", params={"workspace": workspace, "of": of})
