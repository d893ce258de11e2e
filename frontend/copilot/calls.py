"""API calls of the Copilot page: questions, and the sources that answers may quote."""

from collections.abc import Iterator

from frontend.core.client import Client, Json


def suggestions(client: Client, workspace: str, page: str, unique_id: str | None = None) -> list[str]:
    """Suggested first questions for a page and a series."""
    query = {"workspace": workspace, "page": page, "unique_id": unique_id}
    return list(client.get("copilot", "suggestions", params=query)["suggestions"])


def ask(client: Client, question: Json) -> Iterator[tuple[str, Json]]:
    """Events of an answer as they arrive, as (kind, content); the last one is `done`, with the whole answer."""
    return client.stream("copilot", "stream", body=question)


def sources(client: Client, workspace: str) -> list[Json]:
    """All sources that the copilot can search."""
    return list(client.items("knowledge", "sources", params={"workspace": workspace}))


def add_note(client: Client, workspace: str, name: str, kind: str, content: bytes) -> Json:
    """Adds a note. `kind`: its media type (markdown, plain text or PDF)."""
    query = {"workspace": workspace, "name": name}
    return client.send("POST", "knowledge", "sources", params=query, content=content, headers={"Content-Type": kind})


def remove_note(client: Client, workspace: str, source_id: str) -> Json:
    """Deletes a note."""
    return client.send("DELETE", "knowledge", "sources", source_id, params={"workspace": workspace})
