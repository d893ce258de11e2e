"""What the web app does before its first visitor."""

from typing import Any

import pytest

from frontend import serve
from frontend.api_client import ApiDown, ApiError, Client, Json

WORKSPACES: list[Json] = [{"name": "a", "status": "no data"}, {"name": "z", "status": "ready"}]


class Asked(Client):
    """Writes down what is asked; the first `failures` questions fail."""

    def __init__(self, *failures: Exception) -> None:
        self.failures, self.asked = list(failures), list[str]()

    def workspaces(self) -> list[Json]:
        self.asked.append("workspaces")
        if self.failures:
            raise self.failures.pop(0)
        return WORKSPACES

    def portfolio(self, workspace: str, *_: Any, **__: Any) -> Json:
        self.asked.append(f"portfolio of {workspace}")
        return {}


@pytest.mark.parametrize(
    ("failures", "asked"),
    [
        ([], ["workspaces", "portfolio of z"]),
        ([ApiDown(), ApiDown()], ["workspaces", "workspaces", "workspaces", "portfolio of z"]),
        ([ApiError(401, "No valid API key.")], ["workspaces"]),
    ],
)
def test_the_first_page_is_asked_for_before_anybody_comes(
    failures: list[Exception], asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of the workspace which is shown first; as soon as the service is there; a refusal is no reason to insist."""
    monkeypatch.setattr(serve, "_AGAIN", 0.0)
    client = Asked(*failures)
    serve.warm(client)
    assert client.asked == asked


def test_a_service_that_never_comes_is_not_waited_for_forever() -> None:
    """The thread ends; visitors are told."""
    client = Asked(ApiDown())
    serve.warm(client, patience=0.0)
    assert client.asked == []
