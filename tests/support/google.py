"""Stand-ins for what Google runs around a container, over real HTTP: the metadata server, Cloud Run jobs and their logs."""

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.serving import Quiet, answering


@dataclass
class Google:
    """`executions` by name, with their `logs`. `fault`: as that of the fake Cloud Storage."""

    url: str = ""
    requests: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    logs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    fault: Callable[[str, str], int | str | None] = lambda method, path: None
    lives: float = 3600.0  # seconds of a new token

    def finish(self, name: str, **counts: Any) -> None:
        """Ends an execution, as `succeededCount=1`, `failedCount=1` or `cancelledCount=1`."""
        self.executions[name] |= {"completionTime": "2026-01-01T00:05:00Z", **counts}

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        parts = urlsplit(path)
        if parts.path.startswith("/computeMetadata/v1/"):
            return self._metadata(parts.path, parse_qs(parts.query), headers)
        if headers.get("authorization") != "Bearer token-of-the-account":
            return 401, {}
        if parts.path == "/v2/entries:list":
            execution = re.search(r'execution_name"="([^"]+)"', body["filter"])
            assert execution is not None
            return 200, {"entries": self.logs.get(execution[1], [])[::-1]}
        if found := re.fullmatch(r"/v2/(projects/p1/locations/r1/jobs/forecast-[a-z-]+):run", parts.path):
            name = f"{found[1]}/executions/e{len(self.executions)}"
            container = body["overrides"]["containerOverrides"][0]
            self.executions[name] = {"name": name, "template": {"containers": [container]}, "taskCount": 1}
            return 200, {"name": "projects/p1/locations/r1/operations/o", "metadata": {"name": name}}
        if found := re.fullmatch(r"/v2/(.*)/executions", parts.path):
            return 200, {
                "executions": [one for one in self.executions.values() if one["name"].startswith(found[1] + "/")]
            }
        name, _, verb = parts.path.removeprefix("/v2/").partition(":")
        if name not in self.executions:
            return 404, {}
        if verb == "cancel":
            self.finish(name, cancelledCount=1)
        return 200, self.executions[name]

    def _metadata(self, path: str, query: dict[str, list[str]], headers: dict[str, str]) -> tuple[int, Any]:
        if headers.get("metadata-flavor") != "Google":
            return 403, "the header is missing"
        if path.endswith("/token"):
            return 200, {"access_token": "token-of-the-account", "expires_in": 3600, "token_type": "Bearer"}
        if path.endswith("/identity"):
            return 200, identity(query["audience"][0], time.time() + self.lives)
        if path.endswith("universe-domain"):
            return 200, "googleapis.com"
        return 200, {"email": "service@p1.iam.gserviceaccount.com", "scopes": [], "aliases": ["default"]}


def identity(audience: str, expires: float) -> str:
    """A token of the form that Google gives: header, claims and a signature, of which only the claims are real."""
    parts = [{"alg": "RS256"}, {"aud": audience, "exp": int(expires), "iat": int(time.time())}, {"n": time.time_ns()}]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)


@contextmanager
def serve(google: Google) -> Iterator[Google]:
    """All of it at `google.url`."""

    class Handler(Quiet):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = json.loads(content) if content else None
            google.requests.append((self.command, self.path, headers, body))
            fault = google.fault(self.command, self.path)
            status, found = (
                (fault, {}) if isinstance(fault, int) else google.answer(self.command, self.path, headers, body)
            )
            if fault == "lost":
                self.close_connection = True
                return
            text = found if isinstance(found, str) else json.dumps(found)
            kind = "application/text" if isinstance(found, str) else "application/json"
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Metadata-Flavor": "Google", "Content-Length": len(text)}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = handle_one

    with answering(Handler) as google.url:
        yield google
