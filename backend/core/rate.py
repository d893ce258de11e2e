"""Authentication and rate limiting: API keys, or loopback only if there are none; requests per minute and key."""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Set
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.core import errors
from backend.core.connections import STREAMED
from backend.core.keys import LOCAL, Key, Keyring
from backend.core.settings import is_loopback

MAX_BODY = 5 * 2**20  # bytes
MAX_UPLOAD = 32 * 2**20  # bytes of a table
MAX_PAGE = 1_000  # rows per list
MAX_SERIES = 100  # series per request for forecasts
MAX_HORIZON = 744  # steps: a month of hours, two years of days
MAX_YEARS = 10  # years per range of dates
HEADER = "X-API-Key"

_HEALTH = ("/health", "/healthz")
_PUBLIC = ("/docs", "/errors")  # no key is needed, but requests count
_READING = ("GET", "HEAD", "OPTIONS")
# sendable by a page of any site
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
_WINDOW = 60.0  # seconds
_REMEMBERED = 10_000  # clients
_LONGEST = 100  # characters of a client's identifier, which comes from a header behind a proxy


class RateLimit:
    """Allows a number of requests per minute and client, counted in windows that begin with a client's first request."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def hit(self, client: str) -> tuple[int, int]:
        """Counts one request. Returns how many are left (below 0 if this one exceeds the limit) and the seconds to the
        next window.
        """
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


class Authentication:
    """Admits holders of a key, or this machine if there are no keys, and counts requests. Health and documentation are
    open.
    """

    def __init__(
        self, app: ASGIApp, keyring: Keyring, rate: RateLimit, origins: Set[str] = frozenset()
    ) -> None:  # `origins`: origins whose pages may call the API, besides those of this machine
        self.app = app
        self.keyring = keyring
        self.rate = rate
        self.origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        key, client = self._find(scope, headers)
        if _is_below(scope["path"], _HEALTH):
            scope["state"].update(key=key)
            await self.app(scope, receive, send)
            return
        left, seconds = self.rate.hit(client)
        limits = {
            "RateLimit-Limit": str(self.rate.limit),
            "RateLimit-Remaining": str(max(left, 0)),
            "RateLimit-Reset": str(seconds),
        }
        if left < 0:
            detail = f"More than {self.rate.limit} requests in a minute. Try again in {seconds} s."
            refusal = errors.answer(scope, 429, detail, {**limits, "Retry-After": str(seconds)})
            await refusal(scope, receive, send)
            return
        if _is_below(scope["path"], _PUBLIC):
            scope["state"].update(key=key)
            await self.app(scope, receive, send)
            return
        if key is None:
            await self._refuse(scope, receive, send)
            return
        if key is LOCAL and (reason := _sent_by_a_page(scope, headers, self.origins)):
            await errors.answer(scope, 403, reason, limits)(scope, receive, send)
            return
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > (
            MAX_UPLOAD if scope["path"].endswith(STREAMED) else MAX_BODY
        ):  # the routes check bodies without a length
            await errors.answer(scope, 413, errors.TOO_LARGE, limits)(scope, receive, send)
            return
        scope["state"].update(key=key, role=key.role)
        raw = [(name.lower().encode(), value.encode()) for name, value in limits.items()]

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *raw]
            await send(message)

        await self.app(scope, receive, answer)

    def _find(self, scope: Scope, headers: Headers) -> tuple[Key | None, str]:
        """The key of a request, or None if it is not admitted, and the client it is counted for."""
        if not self.keyring:
            return LOCAL if _is_local(scope, headers) else None, LOCAL.name
        secret = headers.get(HEADER)
        key = self.keyring.find(secret) if secret else None
        return key, key.prefix if key else f"address {_network(_address(scope))}"

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


def key_of(scope: Scope) -> Key | None:
    """The key of a request that `Authentication` has admitted; None without a valid key, on health and documentation
    only.
    """
    key: Key | None = scope["state"].get("key")
    return key


def _is_below(path: str, names: tuple[str, ...]) -> bool:
    """Whether a path is one of these, or below one."""
    return path in names or path.startswith(tuple(f"{name}/" for name in names))


def _is_local(scope: Scope, headers: Headers) -> bool:
    """Whether the client is this machine and uses a local host name: another site may point its own name here (DNS
    rebinding).
    """
    host = headers.get("host", "")
    name = host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0]
    return is_loopback(name) and (scope.get("client") is None or is_loopback(_address(scope)))


def _sent_by_a_page(scope: Scope, headers: Headers, origins: Set[str]) -> str | None:
    """The reason to refuse a change without a key: a page of another site may have sent it. None if it is allowed."""
    if scope["method"] in _READING:
        return None
    origin, kind = headers.get("origin"), headers.get("content-type", "").partition(";")[0].strip().lower()
    if origin is not None and origin not in origins and not _is_local_origin(origin):
        return (
            "Without API keys, pages of other sites may not change anything. Set API_KEYS, or name this Origin in "
            "API_CORS_ORIGINS."
        )
    if kind in _FORMS:
        return (
            f"Without API keys, the content type {kind} is refused: a form of any site could send it. Name what the "
            "body is, such as application/json, text/csv or text/markdown."
        )
    return None


def _is_local_origin(origin: str) -> bool:
    try:
        return is_loopback(urlsplit(origin).hostname or "")
    except ValueError:  # not the address of a page
        return False


def _network(address: str) -> str:
    """The network to count an address by: all loopback addresses, or all of an IPv6 /64, count as one client."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if ip.is_loopback:
        return "of this machine"
    return str(ipaddress.ip_network((address, 64), strict=False)) if ip.version == 6 else address


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""
