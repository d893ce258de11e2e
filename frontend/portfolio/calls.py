"""API calls of the Portfolio page."""

from collections.abc import Mapping

from frontend.core.client import Client, Json


def portfolio(
    client: Client,
    workspace: str,
    filters: Mapping[str, str],
    search: str = "",
    limit: int = 50,
    *,
    needs_attention: bool = False,
) -> Json:
    """Totals and the most urgent series, restricted by the filters and the search."""
    query = {"workspace": workspace, "search": search, "limit": limit, "needs_attention": needs_attention or None}
    return client.get("portfolio", params={**query, **filters})
