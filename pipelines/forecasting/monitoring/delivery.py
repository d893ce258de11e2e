"""Delivery of alerts: JSON to a webhook, in a generic or Slack format, with retries and a dead-letter file.

The address is a secret: it is read from the environment or a file, and never appears in logs, errors or stored files.
"""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any, cast

import tenacity
from pydantic import JsonValue

from pipelines.core.documents import Json
from pipelines.core.environment import WEBHOOK
from pipelines.core.errors import ConfigError
from pipelines.core.secrets import secret
from pipelines.forecasting.monitoring import alerts
from pipelines.forecasting.monitoring.alerts import AlertOut
from pipelines.forecasting.thresholds import Delivery
from pipelines.storage.store import Stores

_MARKS = {"alert": ":rotating_light:", "warn": ":warning:"}


class _Refused(Exception):
    """The receiver rejected the alert; the message gives the reason without the address."""

    def __init__(self, why: str, again: bool) -> None:
        super().__init__(why)
        self.again = again


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Refuses redirects, since another address is not the configured receiver."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def webhook(environ: Mapping[str, str] | None = None) -> str | None:
    """The address for alerts; None: not configured. ConfigError, without the value, if it is not an http(s) address."""
    url = secret(WEBHOOK, environ)
    parts = urllib.parse.urlsplit(url or "")
    if url and not (parts.scheme in ("http", "https") and parts.hostname):
        raise ConfigError(
            "it is no address that begins with https:// or http://",
            code="wrong_address",
            field=WEBHOOK,
            remedy="Set it to the address that takes the alerts, or unset it.",
        )
    return url


def deliver(stores: Stores, workspace: str, url: str, settings: Delivery) -> dict[str, int]:
    """Sends the alerts neither sent nor given up; returns how many were `delivered` and `given_up`.

    Delivery is at least once: if a process dies after the receiver accepted an alert, it is sent again with the same
    id.
    """
    counts = {"delivered": 0, "given_up": 0}
    for alert in reversed(alerts.all_of(stores, workspace)):
        if alert["sent"] or (settings.least == "alert" and alert["severity"] != "alert"):
            continue
        body = slack(alert) if settings.format == "slack" else generic(alert)
        try:
            _persistently(url, body, settings)
            delivered = True
        except _Refused as error:
            delivered = False
            letter = {"id": alert["id"], "why": str(error), "body": body}
            stores.artifacts.append(stores.places(workspace).dead_letters, json.dumps(letter, ensure_ascii=False))
        alerts.mark_sent(stores, workspace, alert["id"], delivered=delivered)
        counts["delivered" if delivered else "given_up"] += 1
    return counts


def generic(alert: AlertOut) -> Json:
    """The alert itself; `id` is the same in repeated deliveries."""
    return {key: cast(JsonValue, value) for key, value in alert.items() if key not in ("acknowledged", "sent")}


def slack(alert: AlertOut) -> Json:
    """The message for Slack's incoming webhooks and compatible ones; text from data is escaped."""
    safe = alert["message"].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    head = f"{_MARKS[alert['severity']]} *{alert['workspace']}*: {alert['kind']}, as of {alert['as_of']}"
    text = f"{head}\n{safe}"
    return {"text": text, "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text[:2900]}}]}


def _persistently(url: str, body: Mapping[str, Any], settings: Delivery) -> None:
    """Posts with retries until accepted, or until retrying is useless."""
    tries = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(settings.attempts),
        wait=tenacity.wait_exponential(multiplier=settings.wait, max=30),
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, _Refused) and error.again),
        reraise=True,
    )
    tries(_post, url, json.dumps(body, ensure_ascii=False).encode(), settings.timeout)


def _post(url: str, content: bytes, timeout: float) -> None:
    request = urllib.request.Request(url, content, {"Content-Type": "application/json"}, method="POST")  # noqa: S310 - checked by `webhook`
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(request, timeout=timeout) as response:
            response.read(1024)
    except urllib.error.HTTPError as error:
        raise _Refused(f"answered {error.code}", error.code in (408, 425, 429) or error.code >= 500) from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise _Refused(f"no answer ({type(reason).__name__})", again=True) from None
