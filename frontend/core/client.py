"""The service as the pages call it: one method a question, answers as the JSON they are."""

import json
import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any
from urllib.parse import quote

import httpx2

from frontend.core.identity import Identity
from frontend.core.settings import Settings, load

_KEPT = 16 * 2**20  # bytes of answers, with their addresses, that are asked for again by their ETag
_PAGE = 1000  # rows of a page when all are wanted
_SOUGHT = 300  # characters of a name that the service searches for

Json = dict[str, Any]


class ApiError(Exception):
    """The service said no. `status` and `detail` as in its problem, `request_id` to find it in its log."""

    def __init__(self, status: int, detail: str, request_id: str = "", fields: list[Json] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.request_id, self.fields = status, detail, request_id, fields or []


class ApiDown(Exception):
    """The service cannot be reached, or answers with what it never says."""


class Answers:
    """The most recently used answers by address, as they came, with their ETags; their bytes together are bounded."""

    def __init__(self, most: int) -> None:
        self.most, self.size = most, 0
        self._kept: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._lock = Lock()

    def get(self, address: str) -> tuple[str, bytes]:
        """The ETag and the answer; empty if there is none."""
        with self._lock:
            if address in self._kept:
                self._kept.move_to_end(address)
            return self._kept.get(address, ("", b""))

    def keep(self, address: str, tag: str, answer: bytes) -> None:
        """Keeps an answer instead of the one before, unless it is so large that it would leave no room for others."""
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
    """For all sessions at once. What was read before is asked for by its ETag, so that it is fresh and costs little."""

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
        self._known = Answers(_KEPT)

    def me(self) -> Json:
        """Whose the key is, and which roles it has."""
        return self._get("/me")

    def workspaces(self) -> list[Json]:
        return list(self._get("/workspaces")["workspaces"])

    def workspace(self, workspace: str) -> Json:
        return self._get(f"/workspaces/{_part(workspace)}")

    def portfolio(
        self,
        workspace: str,
        filters: Mapping[str, str],
        search: str = "",
        limit: int = 50,
        *,
        needs_attention: bool = False,
    ) -> Json:
        page = {"search": search, "limit": limit, **({"needs_attention": True} if needs_attention else {})}
        return self._get("/portfolio", {"workspace": workspace, **page, **filters})

    def segments(self, workspace: str, by: str) -> list[Json]:
        return list(self._get("/portfolio/segments", {"workspace": workspace, "by": by, "limit": _PAGE})["segments"])

    def distribution(self, workspace: str, of: str, filters: Mapping[str, str]) -> Json:
        return self._get("/portfolio/distribution", {"workspace": workspace, "of": of, **filters})

    def series(
        self,
        workspace: str,
        search: str = "",
        filters: Mapping[str, str] | None = None,
        *,
        sort: str = "name",
        limit: int = 50,
        offset: int = 0,
    ) -> Json:
        page = {"search": search, "sort": sort, "limit": limit, "offset": offset}
        return self._get("/series", {"workspace": workspace, **page, **(filters or {})})

    def profile(self, workspace: str, unique_id: str) -> Json | None:
        """One series as the list has it; None where no series has exactly this name."""
        seen, total = 0, 1
        while seen < total:
            page = self.series(workspace, unique_id[:_SOUGHT], limit=_PAGE, offset=seen)
            if found := next((one for one in page["series"] if one["unique_id"] == unique_id), None):
                return dict(found)
            seen, total = seen + _PAGE, page["total"]
        return None

    def history(self, workspace: str, unique_id: str, start: str | None = None) -> Json:
        return self._get(f"/series/{_part(unique_id)}/history", _known(workspace=workspace, start=start))

    def backtest(self, workspace: str, unique_id: str, model: str | None = None, run_id: str | None = None) -> Json:
        params = _known(workspace=workspace, model=model, run_id=run_id)
        return self._get(f"/series/{_part(unique_id)}/backtest", params)

    def forecast(self, workspace: str, unique_id: str, forecast_id: str | None = None) -> Json:
        """The published forecast, or an earlier one."""
        return self._get("/forecasts", _known(workspace=workspace, unique_id=unique_id, forecast_id=forecast_id))

    def explanation(self, workspace: str, unique_id: str) -> Json:
        return self._get(f"/forecasts/{_part(unique_id)}/explanation", {"workspace": workspace})

    def generate(self, workspace: str, unique_id: str, horizon: int | None = None, model: str | None = None) -> Json:
        body = {"workspace": workspace, "unique_ids": [unique_id], **_known(horizon=horizon, model=model)}
        return self._send("POST", "/forecasts/generate", json=body)

    def metrics(self, workspace: str, by: str, **params: Any) -> Json:
        """By series, model, horizon or cutoff: all rows."""
        query = {"workspace": workspace, "by": by, **_known(**params)}
        first = self._get("/metrics/historical", {**query, "limit": _PAGE})
        rows = list(first["rows"])
        while len(rows) < first["total"]:
            rows += self._get("/metrics/historical", {**query, "limit": _PAGE, "offset": len(rows)})["rows"]
        return {**first, "rows": rows}

    def monitoring(self, workspace: str) -> Json:
        return self._get("/monitoring/summary", {"workspace": workspace})

    def monitored(self, workspace: str, search: str = "", limit: int = 50, sort: str = "severity") -> Json:
        """Series by severity, or by how far they have drifted."""
        query = {"workspace": workspace, "search": search, "limit": limit, "sort": sort}
        return self._get("/monitoring/series", query)

    def monitored_series(self, workspace: str, unique_id: str) -> Json:
        """One series: where it stands, and `detail` with each window and forecast set."""
        found = self._get("/monitoring/series", {"workspace": workspace, "unique_id": unique_id})
        return {**found["series"][0], "detail": found["detail"]}

    def alerts(self, workspace: str, limit: int = 50) -> Json:
        return self._get("/monitoring/alerts", {"workspace": workspace, "limit": limit})

    def acknowledge(self, workspace: str, alert_id: str) -> Json:
        path = f"/monitoring/alerts/{_part(alert_id)}/acknowledge"
        return self._send("POST", path, params={"workspace": workspace}, json={})

    def report(self, workspace: str) -> str:
        """The report as a page, which holds its own policy."""
        response = self._ask(
            "GET", "/monitoring/report", params={"workspace": workspace}, headers={"Accept": "text/html"}
        )
        if not response.is_success:
            _read(response)
        return response.text

    def quality(self, workspace: str) -> Json:
        return self._get(f"/workspaces/{_part(workspace)}/quality")

    def rejected(self, workspace: str, limit: int = 100, offset: int = 0) -> Json:
        return self._get(f"/workspaces/{_part(workspace)}/rejected", {"limit": limit, "offset": offset})

    def upload(self, workspace: str, content: bytes) -> Json:
        """What a table is; nothing is made of it."""
        path = f"/workspaces/{_part(workspace)}/uploads"
        return self._send("POST", path, content=content, headers={"Content-Type": "text/csv"})

    def look_again(self, workspace: str, upload_id: str, shape: Json) -> Json:
        """The same table, understood as `shape` says."""
        params = _known(**{name: value for name, value in {**shape, **shape["mapping"]}.items() if name != "mapping"})
        return self._get(f"/workspaces/{_part(workspace)}/uploads/{_part(upload_id)}", params)

    def make_workspace(self, workspace: str, upload_id: str, shape: Json) -> Json:
        mapping = _known(**shape["mapping"])
        body = {**_known(**shape), "mapping": mapping, "upload_id": upload_id}
        return self._send("PUT", f"/workspaces/{_part(workspace)}", json=body)

    def start_job(self, workspace: str, kind: str) -> Json:
        return self._send("POST", "/jobs", json={"workspace": workspace, "kind": kind})

    def jobs(self, workspace: str, limit: int = 10) -> Json:
        return self._get("/jobs", {"workspace": workspace, "limit": limit})

    def job(self, workspace: str, job_id: str) -> Json:
        return self._get(f"/jobs/{_part(job_id)}", {"workspace": workspace})

    def cancel_job(self, workspace: str, job_id: str) -> Json:
        return self._send("DELETE", f"/jobs/{_part(job_id)}", params={"workspace": workspace})

    def runs(self, workspace: str, limit: int = 100) -> Json:
        return self._get("/runs", {"workspace": workspace, "limit": limit})

    def run(self, workspace: str, run_id: str) -> Json:
        return self._get(f"/runs/{_part(run_id)}", {"workspace": workspace})

    def calibration(self, workspace: str, run_id: str) -> list[Json]:
        return list(self._get(f"/runs/{_part(run_id)}/calibration", {"workspace": workspace})["rows"])

    def compare(self, workspace: str, a: str, b: str) -> Json:
        return self._get("/runs/compare", {"workspace": workspace, "a": a, "b": b})

    def verify(self, workspace: str, run_id: str) -> Json:
        return self._get(f"/runs/{_part(run_id)}/verify", {"workspace": workspace})

    def aliases(self, workspace: str) -> Json:
        return self._get("/aliases", {"workspace": workspace})

    def move_alias(self, workspace: str, name: str, run_id: str, reason: str, version: int) -> Json:
        """Points an alias at a run, if nobody moved one since `version`."""
        return self._send(
            "PUT",
            f"/aliases/{_part(name)}",
            params={"workspace": workspace},
            json={"run_id": run_id, "reason": reason},
            headers={"If-Match": f'"{version}"'},
        )

    def suggestions(self, workspace: str, page: str, unique_id: str | None = None) -> list[str]:
        query = _known(workspace=workspace, page=page, unique_id=unique_id)
        return list(self._get("/copilot/suggestions", query)["suggestions"])

    def ask(self, question: Json) -> Iterator[tuple[str, Json]]:
        """The events of an answer as they come, by kind and content; the last one is `done`, with the whole answer.

        ApiError where the service says no, before or on the way; ApiDown where it breaks off.
        """
        try:
            with self._http.sse("/copilot/stream", method="POST", json=question) as events:
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

    def sources(self, workspace: str) -> Json:
        """What the copilot can look up: all of it."""
        return self._get("/knowledge/sources", {"workspace": workspace, "limit": _PAGE})

    def add_note(self, workspace: str, name: str, kind: str, content: bytes) -> Json:
        """`kind`: a media type: markdown, plain text or PDF."""
        params = {"workspace": workspace, "name": name}
        return self._send("POST", "/knowledge/sources", params=params, content=content, headers={"Content-Type": kind})

    def remove_note(self, workspace: str, source_id: str) -> Json:
        return self._send("DELETE", f"/knowledge/sources/{_part(source_id)}", params={"workspace": workspace})

    def _get(self, path: str, params: Mapping[str, Any] | None = None) -> Json:
        key = f"{path}?{httpx2.QueryParams(dict(params or {}))}"
        tag, known = self._known.get(key)
        response = self._ask("GET", path, params=params, headers={"If-None-Match": tag} if tag else {})
        if response.status_code == 304 and known:
            return dict(json.loads(known))
        found = _read(response)
        if "etag" in response.headers:
            self._known.keep(key, response.headers["etag"], response.content)
        return found

    def _send(self, method: str, path: str, **request: Any) -> Json:
        return _read(self._ask(method, path, **request))

    def _ask(self, method: str, path: str, **request: Any) -> httpx2.Response:
        try:
            return self._http.request(method, path, **request)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ApiDown(type(error).__name__) from error


def _read(response: httpx2.Response) -> Json:
    """The answer's JSON; ApiError for a problem, ApiDown for what is no answer of the service."""
    try:
        found = response.json() if response.content else {}
    except ValueError:
        raise ApiDown(f"an answer of status {response.status_code} that is no JSON") from None
    if response.is_success and isinstance(found, dict):
        return found
    problem = found if isinstance(found, dict) else {}
    detail = problem.get("detail") or f"It answered with status {response.status_code}."
    raise ApiError(response.status_code, str(detail), str(problem.get("request_id", "")), problem.get("errors"))


def _size(*parts: str | bytes) -> int:
    """The bytes that an answer takes with its address and its place."""
    return 500 + sum(map(sys.getsizeof, parts))


def _known(**params: Any) -> Json:
    return {name: value for name, value in params.items() if value is not None}


def _part(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")
