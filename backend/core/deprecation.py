"""Deprecated routes: announced in headers and in the OpenAPI, one minor version before they change.

@router.get("/old", **deprecated(since="0.3.0", on=date(2027, 1, 15), sunset=date(2027, 7, 15), link="/docs"))
"""

from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import Any

from fastapi import Depends, Request
from starlette.types import Scope

_STATE = "deprecation"


def deprecated(*, since: str, on: date, sunset: date, link: str) -> dict[str, Any]:
    """Options of a route that is deprecated since version *since*, released *on* that day, and removed after *sunset*.

    All its responses, including errors, carry `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and a `Link` to *link*, the
    page that names the replacement. Raises ValueError if the sunset is before the announcement, which RFC 9745 forbids.
    """
    if sunset < on:
        raise ValueError(f"a route deprecated on {on} cannot end before, on {sunset}")
    headers = (
        (b"deprecation", f"@{_midnight(on).timestamp():.0f}".encode()),
        (b"sunset", format_datetime(_midnight(sunset), usegmt=True).encode()),
        (b"link", f'<{link}>; rel="deprecation"'.encode()),
    )

    async def announce(request: Request) -> None:
        setattr(request.state, _STATE, headers)

    return {
        "deprecated": True,
        "dependencies": [Depends(announce)],
        "openapi_extra": {"x-deprecated-since": since, "x-sunset": sunset.isoformat()},
    }


def headers_of(scope: Scope) -> tuple[tuple[bytes, bytes], ...]:
    """The deprecation headers of a response: none unless its route is deprecated."""
    headers: tuple[tuple[bytes, bytes], ...] = scope["state"].get(_STATE, ())
    return headers


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
