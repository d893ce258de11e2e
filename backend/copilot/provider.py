"""Models that write drafts: the offline planner, or any endpoint that speaks the protocol of OpenAI."""

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from backend.copilot.settings import CopilotSettings

if TYPE_CHECKING:  # seconds to import
    from pydantic_ai.models import Model


@asynccontextmanager
async def endpoint(settings: CopilotSettings) -> "AsyncIterator[Model]":
    """The configured endpoint for one answer, asked with retries that wait longer each time."""
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    async with AsyncOpenAI(
        base_url=settings.base_url,
        api_key=settings.key.get_secret_value() if settings.key else "",
        timeout=settings.timeout,
        max_retries=settings.retries,
    ) as client:
        yield OpenAIChatModel(
            settings.model,
            provider=OpenAIProvider(openai_client=client),
            settings={"temperature": settings.temperature, "max_tokens": settings.max_tokens},
        )


class Budget:
    """Tokens that each API key may use a day (UTC), counted in this process."""

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
