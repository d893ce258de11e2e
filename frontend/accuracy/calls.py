"""Calls of the page Accuracy."""

from frontend.core.client import Client, Json

_PAGE = 1000  # rows of a page when all are wanted


def metrics(client: Client, workspace: str, by: str, metric: str) -> list[Json]:
    """The errors in the backtest by series, model, horizon or cutoff: all rows."""
    query = {"workspace": workspace, "by": by, "metric": metric, "limit": _PAGE}
    page = client.get("metrics", "historical", params=query)
    rows = list(page["rows"])
    while len(rows) < page["total"]:
        rows += client.get("metrics", "historical", params={**query, "offset": len(rows)})["rows"]
    return rows


def calibration(client: Client, workspace: str, run_id: str) -> list[Json]:
    """What the intervals of a run covered: over all, by level, step and segment."""
    return list(client.get("runs", run_id, "calibration", params={"workspace": workspace})["rows"])


def segments(client: Client, workspace: str, by: str) -> list[Json]:
    """The groups of series that share an attribute."""
    query = {"workspace": workspace, "by": by, "limit": _PAGE}
    return list(client.get("portfolio", "segments", params=query)["segments"])


def distribution(client: Client, workspace: str, of: str) -> Json:
    """How many series have how large a value."""
    return client.get("portfolio", "distribution", params={"workspace": workspace, "of": of})
