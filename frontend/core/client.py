"""HTTP client of the service: errors, retries, and answers that are only downloaded again if they have changed."""

import json
import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from threading import Lock
from typing import Any
from urllib.parse import quote

import httpx2

from frontend.core.identity import Identity
from frontend.core.settings import Settings, load

_KEPT = 16 * 2**20  # bytes of answers, including their addresses, kept for revalidation by ETag
PAGE = 1000  # items per page when reading a whole list: the service's maximum

Json = dict[str, Any]


class ApiError(Exception):
    """A problem returned by the service, with its `status` and `detail`; `request_id` finds it in the service's log."""

    def __init__(self, status: int, detail: str, request_id: str = "", fields: list[Json] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.request_id, self.fields = status, detail, request_id, fields or []


class ApiDown(Exception):
    """The service cannot be reached, or the answer is not one that the service sends."""


class Answers:
    """Most recently used raw answers by address, with their ETags; their total size in bytes is bounded."""

    def __init__(self, most: int) -> None:
        self.most, self.size = most, 0
        self._kept: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._lock = Lock()

    def get(self, address: str) -> tuple[str, bytes]:
        """The ETag and the answer; both empty if none is kept."""
        with self._lock:
            if address in self._kept:
                self._kept.move_to_end(address)
            return self._kept.get(address, ("", b""))

    def keep(self, address: str, tag: str, answer: bytes) -> None:
        """Keeps an answer and replaces the previous one, unless it is so large that it would displace the others."""
        with self._lock:
            self._forget(address)
            if (size := _size(address, tag, answer)) > self.most / 4:
                return
            self._kept[address] = tag, answer
            self.size += size
            while self.size > self.most:
                self._forget(next(iter(self._kept)))

    def _forget(self, address: str) -> None:
        if address in self._kept:
            self.size -= _size(address, *self._kept.pop(address))


class Client:
    """Client shared by all sessions. Earlier answers are revalidated by ETag, so reads are fresh and cheap."""

    def __init__(self, settings: Settings | None = None) -> None:
        settings = settings or load()
        headers = {"X-API-Key": settings.key} if settings.key else {}
        self._http = httpx2.Client(
            base_url=f"{str(settings.api_url).rstrip('/')}/api/v1",
            headers={**headers, "Accept": "application/json"},
            timeout=settings.api_timeout,
            auth=Identity(settings.api_audience) if settings.api_audience else None,
            transport=httpx2.HTTPTransport(retries=1),
        )
        self._answers = Answers(_KEPT)

    def get(self, *path: str, params: Mapping[str, Any] | None = None) -> Json:
        """Return the resource at a path; the path's parts are escaped here. Parameters that are None are omitted."""
        given = known(params or {})
        address = f"{_address(path)}?{httpx2.QueryParams(given)}"
        tag, kept = self._answers.get(address)
        response = self._ask("GET", path, params=given, headers={"If-None-Match": tag} if tag else {})
        if response.status_code == 304 and kept:
            return dict(json.loads(kept))
        answer = _read(response)
        if "etag" in response.headers:
            self._answers.keep(address, response.headers["etag"], response.content)
        return answer

    def items(self, *path: str, params: Mapping[str, Any] | None = None) -> Iterator[Json]:
        """Yield the items of a list, page after page."""
        seen, total = 0, 1
        while seen < total:
            page = self.get(*path, params={**(params or {}), "limit": PAGE, "offset": seen})
            yield from page["items"]
            seen, total = seen + PAGE, page["total"]

    def text(self, *path: str, params: Mapping[str, Any], kind: str) -> str:
        """Return a resource in a media type other than JSON."""
        response = self._ask("GET", path, params=params, headers={"Accept": kind})
        if not response.is_success:
            _read(response)
        return response.text

    def send(self, method: str, *path: str, **request: Any) -> Json:
        """Send a request that changes something. `request`: `params`, `json`, `content` and `headers`, as in httpx."""
        return _read(self._ask(method, path, **request))

    def stream(self, *path: str, body: Json) -> Iterator[tuple[str, Json]]:
        """Yield the events of an answer as they arrive, as (kind, content); the last is `done`, with the whole answer.

        Raises ApiError if the service reports a problem, before or during the stream; ApiDown if the stream breaks off.
        """
        try:
            with self._http.sse(_address(path), method="POST", json=body) as events:
                if not events.response.is_success:
                    events.response.read()
                    _read(events.response)
                for event in events:
                    content = dict(json.loads(event.data))
                    if event.event == "error":
                        raise ApiError(content["status"], content["detail"])
                    yield event.event, content
                    if event.event == "done":
                        return
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ApiDown(type(error).__name__) from error
        except (ValueError, LookupError, TypeError) as error:
            raise ApiDown("an event that is none of the service's") from error
        raise ApiDown("an answer that breaks off")

    def _ask(self, method: str, path: Sequence[str], **request: Any) -> httpx2.Response:
        try:
            return self._http.request(method, _address(path), **request)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ApiDown(type(error).__name__) from error


def known(values: Mapping[str, Any]) -> Json:
    """Return the values without those that are None."""
    return {name: value for name, value in values.items() if value is not None}


def _read(response: httpx2.Response) -> Json:
    """Return the answer's JSON. Raises ApiError for a problem, ApiDown for anything that the service does not send."""
    try:
        content = response.json() if response.content else {}
    except ValueError:
        raise ApiDown(f"an answer of status {response.status_code} that is no JSON") from None
    if response.is_success and isinstance(content, dict):
        return content
    problem = content if isinstance(content, dict) else {}
    detail = problem.get("detail") or f"It answered with status {response.status_code}."
    raise ApiError(response.status_code, str(detail), str(problem.get("request_id", "")), problem.get("errors"))


def _size(*parts: str | bytes) -> int:
    """Return the bytes that an answer takes, including its address and the entry's overhead."""
    return 500 + sum(map(sys.getsizeof, parts))


def _address(path: Sequence[str]) -> str:
    """Return a path such as `/series/Ash%2Ftea/history`; each part stays one part, whatever characters it contains."""
    return "".join(f"/{quote(part, safe='')}" for part in path)
