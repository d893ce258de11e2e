"""The OpenAI-compatible endpoint that writes drafts, and the token budget per API key."""

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from backend.copilot.settings import CopilotSettings

if TYPE_CHECKING:  # seconds to import
    from backend.copilot.metered import Metered


@asynccontextmanager
async def endpoint(settings: CopilotSettings) -> "AsyncIterator[Metered]":
    """The configured endpoint for one answer, with retries and exponential backoff."""
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    from backend.copilot.metered import Metered, Wire

    wire = Wire()
    async with AsyncOpenAI(
        base_url=settings.base_url,
        api_key=settings.key.get_secret_value() if settings.key else "",
        timeout=settings.timeout,
        max_retries=settings.retries,
        http_client=wire.client,
    ) as client:
        model = OpenAIChatModel(
            settings.model,
            provider=OpenAIProvider(openai_client=client),
            settings={"temperature": settings.temperature, "max_tokens": settings.max_tokens},
        )
        yield Metered(model, wire, settings.max_tokens)


def why(error: Exception, model: "Metered | None", patience: float) -> str:
    """The reason of an endpoint's failure, in a sentence that repeats nothing the endpoint has sent."""
    from pydantic_ai.exceptions import ModelAPIError, ModelHTTPError, UsageLimitExceeded

    match error:
        case TimeoutError():
            return f"did not answer within {patience:g} s"
        case ModelHTTPError():
            return f"answered with status {error.status_code}"
        case ModelAPIError() if model and model.redirected:
            return "redirects to another address, which is refused: set copilot.base_url to the final one"
        case ModelAPIError():
            return "could not be reached"
        case UsageLimitExceeded():
            return "used up the tokens, requests or look-ups of one answer"
    if model is None:
        return "cannot be used with these settings"
    return "sent a reply that cannot be read" if model.broken else "wrote what the facts do not support"


class Budget:
    """Tokens per API key and day (UTC), counted in this process."""

    def __init__(self, daily: int) -> None:
        self.daily = daily
        self._used: dict[tuple[str, str], int] = defaultdict(int)

    def left(self, holder: str) -> int:
        return self.daily - self._used[self._today(holder)]

    def spend(self, holder: str, tokens: int) -> None:
        today = self._today(holder)
        self._used = defaultdict(int, {key: used for key, used in self._used.items() if key[0] == today[0]})
        self._used[today] += tokens

    def _today(self, holder: str) -> tuple[str, str]:
        return datetime.now(UTC).date().isoformat(), holder
