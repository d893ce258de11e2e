"""Metered connection to an endpoint. Reported token usage is not trusted: missing values are estimated, implausible
ones capped.

Imports the agent library, which takes seconds: import this module only once a question goes to an endpoint.
"""

import math
from collections.abc import AsyncIterator
from typing import Any

import httpx2
from openai import DefaultAsyncHttpxClient
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage

from backend.copilot.answers import Usage

_LARGEST = 4 * 2**20  # bytes per reply
_PER_TOKEN = 4  # bytes per token of English text


class _Bounded(httpx2.AsyncByteStream):
    """A reply stream that fails once it is too large."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in self._stream:
            size += len(piece)
            if size > _LARGEST:
                raise httpx2.ReadError("the reply is too large")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


class Wire:
    """Connection to an endpoint: follows no redirects, limits the size of replies, and records the size of the last
    request.
    """

    def __init__(self) -> None:
        self.sent, self.answered, self.redirected = 0, False, False
        self.client = DefaultAsyncHttpxClient(
            follow_redirects=False,  # a redirect would send the facts to a host that was not configured
            headers={"Accept-Encoding": "identity"},  # a compressed reply could unpack to any size
            event_hooks={"request": [self._sending], "response": [self._receiving]},
        )

    async def _sending(self, request: httpx2.Request) -> None:
        self.sent, self.answered = len(request.content), False

    async def _receiving(self, response: httpx2.Response) -> None:
        self.answered, self.redirected = response.is_success, response.is_redirect
        assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 - from an asynchronous client
        response.stream = _Bounded(response.stream)


class Metered(WrapperModel):
    """A model with plausible usage. `used`: all requests so far, including failed ones; `broken`: the last failed."""

    def __init__(self, wrapped: Model, wire: Wire, most: int) -> None:
        super().__init__(wrapped)
        self.used, self.broken = Usage(), False
        self._wire, self._most = wire, most

    @property
    def redirected(self) -> bool:
        """Whether the endpoint answered with a redirect."""
        return self._wire.redirected

    async def request(
        self, messages: list[ModelMessage], model_settings: ModelSettings | None, parameters: ModelRequestParameters
    ) -> ModelResponse:
        self.broken, self.used.requests = True, self.used.requests + 1
        claimed, written = RequestUsage(), 0
        try:
            response = await super().request(messages, model_settings, parameters)
            claimed, written = response.usage, sum(len(_text(part).encode(errors="replace")) for part in response.parts)
            self.broken = False
        finally:
            if self._wire.answered:  # an unreadable reply is billed, too
                usage = RequestUsage(
                    input_tokens=_plausible(claimed.input_tokens, self._wire.sent, self._wire.sent),
                    output_tokens=_plausible(claimed.output_tokens, written, self._most),
                )
                self.used.input_tokens += usage.input_tokens
                self.used.output_tokens += usage.output_tokens
        response.usage = usage
        return response


def _plausible(claimed: Any, size: int, most: int) -> int:
    """The reported tokens, at most `most`; if none are reported, an estimate from `size` bytes."""
    if isinstance(claimed, int) and not isinstance(claimed, bool) and claimed > 0:
        return min(claimed, most)
    return min(math.ceil(size / _PER_TOKEN), most)


def _text(part: Any) -> str:
    """The content of a part of a reply."""
    return str(getattr(part, "content", None) or getattr(part, "args", None) or "")
