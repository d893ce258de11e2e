"""Calls of the page Copilot: questions, and what answers may quote."""

from collections.abc import Iterator

from frontend.core.client import Client, Json


def suggestions(client: Client, workspace: str, page: str, unique_id: str | None = None) -> list[str]:
    """Questions to begin with, on a page and about a series."""
    query = {"workspace": workspace, "page": page, "unique_id": unique_id}
    return list(client.get("copilot", "suggestions", params=query)["suggestions"])


def ask(client: Client, question: Json) -> Iterator[tuple[str, Json]]:
    """The events of an answer as they come, by kind and content; the last one is `done`, with the whole answer."""
    return client.stream("copilot", "stream", body=question)


def sources(client: Client, workspace: str) -> list[Json]:
    """What the copilot can look up: all of it."""
    return list(client.items("knowledge", "sources", params={"workspace": workspace}))


def add_note(client: Client, workspace: str, name: str, kind: str, content: bytes) -> Json:
    """`kind`: a media type: markdown, plain text or PDF."""
    query = {"workspace": workspace, "name": name}
    return client.send("POST", "knowledge", "sources", params=query, content=content, headers={"Content-Type": kind})


def remove_note(client: Client, workspace: str, source_id: str) -> Json:
    """Deletes a note."""
    return client.send("DELETE", "knowledge", "sources", source_id, params={"workspace": workspace})
