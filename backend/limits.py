"""Who may come in, and how often: keys, loopback where there are none, and a rate a key."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend import errors
from backend.auth import LOCAL, Key, Keyring
from backend.settings import is_loopback

MAX_BODY = 5 * 2**20  # bytes
MAX_UPLOAD = 32 * 2**20  # of a table
MAX_PAGE = 1_000  # rows of a list
MAX_SERIES = 100  # of a request for forecasts
MAX_HORIZON = 744  # steps: a month of hours, two years of days
MAX_YEARS = 10  # of a range of dates
HEADER = "X-API-Key"

_OPEN = ("/health/",)
_WINDOW = 60.0  # seconds
_REMEMBERED = 10_000  # clients
_LONGEST = 100  # characters of what a client is known by: behind a proxy it is what a header says


class RateLimit:
    """So many requests a minute and client, counted in windows that begin with a client's first request."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def hit(self, client: str) -> tuple[int, int]:
        """Counts one request; how many are left, below 0 when this was one too many, and the seconds to the next window."""
        client = client[:_LONGEST]
        now = self._clock()
        start, count = self._windows.get(client, (now, 0))
        if now - start >= _WINDOW:
            start, count = now, 0
        count = min(count + 1, self.limit + 1)
        self._windows[client] = (start, count)
        self._windows.move_to_end(client)
        if len(self._windows) > _REMEMBERED:
            self._windows.popitem(last=False)
        return self.limit - count, math.ceil(start + _WINDOW - now)


class Access:
    """Lets in who has a key, or this machine where there are none, and counts their requests. Health is open."""

    def __init__(self, app: ASGIApp, keyring: Keyring, rate: RateLimit) -> None:
        self.app = app
        self.keyring = keyring
        self.rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_OPEN):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if self.keyring:
            secret = headers.get(HEADER)
            key = self.keyring.find(secret) if secret else None
            client = key.prefix if key else f"address {_address(scope)}"
        else:
            key, client = (LOCAL if _is_local(scope, headers) else None), LOCAL.name
        left, seconds = self.rate.hit(client)
        limits = {
            "RateLimit-Limit": str(self.rate.limit),
            "RateLimit-Remaining": str(max(left, 0)),
            "RateLimit-Reset": str(seconds),
        }
        if left < 0:
            detail = f"More than {self.rate.limit} requests in a minute. Go on in {seconds} s."
            refusal = errors.answer(scope, 429, detail, {**limits, "Retry-After": str(seconds)})
            await refusal(scope, receive, send)
            return
        if key is None:
            await self._refuse(scope, receive, send)
            return
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > (
            MAX_UPLOAD if scope["path"].endswith("/uploads") else MAX_BODY
        ):  # the routes count what comes without a length
            await errors.answer(scope, 413, errors.TOO_LARGE, limits)(scope, receive, send)
            return
        scope["state"].update(key=key, role=key.role)
        raw = [(name.lower().encode(), value.encode()) for name, value in limits.items()]

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *raw]
            await send(message)

        await self.app(scope, receive, answer)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.keyring:
            detail = f"Send a valid API key in the header {HEADER}."
            refusal = errors.answer(scope, 401, detail, {"WWW-Authenticate": f'ApiKey header="{HEADER}"'})
        else:
            detail = (
                "Without API keys this server answers this machine only, by the name localhost or a loopback address."
            )
            refusal = errors.answer(scope, 403, detail)
        await refusal(scope, receive, send)


def key_of(scope: Scope) -> Key:
    """Who makes a request that `Access` has let in."""
    found: Key = scope["state"]["key"]
    return found


def _is_local(scope: Scope, headers: Headers) -> bool:
    """Whether the client is this machine and means it: a page of another site may have its name point here."""
    host = headers.get("host", "")
    name = host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0]
    return is_loopback(name) and (scope.get("client") is None or is_loopback(_address(scope)))


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""
