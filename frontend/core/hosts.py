"""Protection against requests from other sites: only pages served by the app, under a known host name, may call it.

A page of another site may point its own name at this machine (DNS rebinding) or open the app's websocket; it would act
with the app's key. So `Host` must be known, and `Origin`, which browsers add to a websocket, must match it.
"""

import ipaddress
import re
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

HEALTH = "/_stcore/health"  # reports only that the app is up; platforms request it by addresses of their own
_HOST = re.compile(r"(\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(:[0-9]*)?")
_UNKNOWN = (
    "This app does not answer under this name. Open it as http://localhost, or add the host to APP_ALLOWED_HOSTS where it "
    "is started."
)
_FOREIGN = (
    "This app answers its own pages only. If a proxy stands before it, let the proxy pass the Host header on unchanged."
)


class KnownHosts:
    """Refuses requests and websockets from other origins, and hosts other than `allowed` and this machine's names."""

    def __init__(self, app: ASGIApp, allowed: Sequence[str] = ()) -> None:
        self.app = app
        self.names = {name for name in allowed if not name.startswith("*.")}
        self.endings = tuple(name[1:] for name in allowed if name.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and scope["path"] != HEALTH and (reason := self._refusal(scope)):
            if scope["type"] == "websocket":
                await WebSocketClose(1008)(scope, receive, send)
            else:
                await PlainTextResponse(reason, 403)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or not self._is_known(_name(hosts[0])):
            return _UNKNOWN
        if any(_place(origin.partition("://")[2]) != _place(hosts[0]) for origin in origins):
            return _FOREIGN
        return None

    def _is_known(self, name: str) -> bool:
        return name == "localhost" or name in self.names or name.endswith(self.endings or "\0") or _is_loopback(name)


def _place(host: str) -> str:
    """A host with its port, without the port that the scheme implies."""
    return host.lower().removesuffix(":443").removesuffix(":80")


def _name(host: str) -> str:
    """A host without its port; empty if it is not a valid host."""
    host_parts = _HOST.fullmatch(host.lower())
    return (host_parts["address"] or host_parts["name"]).removesuffix(".") if host_parts else ""


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
