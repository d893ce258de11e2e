"""Request middleware: request ID, access log, metrics, security headers, and no traceback in a response."""

import logging
import re
import secrets
import sys
import time
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.core import errors
from backend.core.deprecation import headers_of
from backend.core.metrics import Metrics

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
_SHARED: list[Any] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]
_RENDERER = structlog.processors.JSONRenderer()
_METHODS = {"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"}  # any other method shares one label


class Observe:
    """The outermost middleware. Logs route, status, duration, workspace and role, but no names, keys or addresses."""

    def __init__(self, app: ASGIApp, metrics: Metrics, https: bool) -> None:
        self.app = app
        self.metrics = metrics
        self.headers = [*_SECURITY, _HSTS] if https else _SECURITY
        self.log = structlog.get_logger("backend")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id, start, status = _request_id(scope), time.perf_counter(), 0
        state = scope.setdefault("state", {})
        state["request_id"] = request_id.decode()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = [*message.get("headers", ()), *headers_of(scope), (b"x-request-id", request_id)]
                # a page may set its own policy; two would both apply
                set_already = {name for name, _ in own}
                message["headers"] = [*own, *(one for one in self.headers if one[0] not in set_already)]
            await send(message)

        try:
            await self.app(scope, receive, answer)
        except Exception:
            self.log.exception("failed", request_id=state["request_id"], route=_route(scope))
            if not status:
                await errors.answer(scope, 500, "Something failed here. The log has it under this request_id.")(
                    scope, receive, answer
                )
        finally:
            seconds = time.perf_counter() - start
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self.metrics.request(method, _route(scope), status, seconds)
            self.log.info(
                "request",
                request_id=state["request_id"],
                method=method,
                route=_route(scope),
                status=status,
                ms=round(seconds * 1000, 2),
                **{name: state[name] for name in ("workspace", "role", "reason") if name in state},
            )


def configure_logging(least: str = "info") -> None:
    """Logs one JSON object per line on stdout, uvicorn's messages included. Libraries log warnings and above, or
    everything with `debug`.
    """
    level = logging.getLevelNamesMapping()[least.upper()]
    configure_events(level, cache=True)
    handler = logging.StreamHandler(sys.stdout)
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _RENDERER], foreign_pre_chain=_SHARED
    )
    handler.setFormatter(formatter)
    logging.basicConfig(
        handlers=[handler], level=level if least == "debug" else max(level, logging.WARNING), force=True
    )
    logging.getLogger("uvicorn.error").setLevel(level)


def configure_events(level: int = logging.INFO, cache: bool = False) -> None:
    """Logs the service's own events as JSON, with plain tracebacks: rendering the values of their variables would take
    minutes.
    """
    structlog.configure(
        processors=[*_SHARED, _RENDERER],
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=cache,
    )


def _request_id(scope: Scope) -> bytes:
    """The client's request ID if it is safe to log, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return bytes(value)
    return secrets.token_hex(16).encode()


def _route(scope: Scope) -> str:
    """The route's template, because the path itself may be anything."""
    route = scope.get("route")
    return str(getattr(route, "path", "unmatched"))
