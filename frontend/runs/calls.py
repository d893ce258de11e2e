"""API calls of the Runs page."""

from frontend.core.client import Client, Json


def runs(client: Client, workspace: str, limit: int = 100) -> Json:
    """The latest runs."""
    return client.get("runs", params={"workspace": workspace, "limit": limit})


def run(client: Client, workspace: str, run_id: str) -> Json:
    """One run with its card, stages and settings."""
    return client.get("runs", run_id, params={"workspace": workspace})


def compare(client: Client, workspace: str, a: str, b: str) -> Json:
    """Differences between run `a` and run `b`."""
    return client.get("runs", "compare", params={"workspace": workspace, "a": a, "b": b})


def verify(client: Client, workspace: str, run_id: str) -> Json:
    """Whether every file of a run is unchanged since it was written."""
    return client.get("runs", run_id, "verify", params={"workspace": workspace})


def move_alias(client: Client, workspace: str, name: str, run_id: str, reason: str, version: int) -> Json:
    """Points an alias at a run, if no alias has been moved since `version`."""
    return client.send(
        "PUT",
        "aliases",
        name,
        params={"workspace": workspace},
        json={"run_id": run_id, "reason": reason},
        headers={"If-Match": f'"{version}"'},
    )
