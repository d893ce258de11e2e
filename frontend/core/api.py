"""API calls that several pages make; those of a single page are in its `calls.py`."""

from frontend.core.client import PAGE, Client, Json

_SOUGHT = 300  # longest name that the service searches for, in characters


def me(client: Client) -> Json:
    """Owner of the API key, and its roles."""
    return client.get("me")


def workspaces(client: Client) -> list[Json]:
    """All workspaces."""
    return list(client.items("workspaces"))


def workspace(client: Client, name: str) -> Json:
    return client.get("workspaces", name)


def series(
    client: Client,
    workspace: str,
    search: str = "",
    *,
    sort: str = "name",
    limit: int = 50,
    offset: int = 0,
) -> Json:
    """One page of the series whose names contain `search`."""
    query = {"workspace": workspace, "search": search, "sort": sort, "limit": limit, "offset": offset}
    return client.get("series", params=query)


def profile(client: Client, workspace: str, unique_id: str) -> Json | None:
    """One series as in the series list; None if no series has exactly this name."""
    seen, total = 0, 1
    while seen < total:
        page = series(client, workspace, unique_id[:_SOUGHT], limit=PAGE, offset=seen)
        if exact := next((one for one in page["items"] if one["unique_id"] == unique_id), None):
            return dict(exact)
        seen, total = seen + PAGE, page["total"]
    return None


def monitored(client: Client, workspace: str, unique_id: str) -> Json:
    """Monitoring status of one series, with `detail` for each window and forecast set."""
    answer = client.get("monitoring", "series", params={"workspace": workspace, "unique_id": unique_id})
    return {**answer["items"][0], "detail": answer["detail"]}


def aliases(client: Client, workspace: str) -> Json:
    """Runs that have an alias, and the `version` of the aliases."""
    return client.get("aliases", params={"workspace": workspace})
