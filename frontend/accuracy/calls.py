"""Calls of the page Accuracy."""

from frontend.core.client import Client, Json


def metrics(client: Client, workspace: str, by: str, metric: str) -> list[Json]:
    """The errors in the backtest by series, model, horizon or cutoff: all rows."""
    query = {"workspace": workspace, "by": by, "metric": metric}
    return list(client.items("metrics", "historical", params=query))


def calibration(client: Client, workspace: str, run_id: str) -> list[Json]:
    """What the intervals of a run covered: over all, by level, step and segment."""
    return list(client.get("runs", run_id, "calibration", params={"workspace": workspace})["rows"])


def segments(client: Client, workspace: str, by: str) -> list[Json]:
    """The groups of series that share an attribute."""
    return list(client.items("portfolio", "segments", params={"workspace": workspace, "by": by}))


def distribution(client: Client, workspace: str, of: str) -> Json:
    """How many series have how large a value."""
    return client.get("portfolio", "distribution", params={"workspace": workspace, "of": of})
