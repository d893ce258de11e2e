"""Alerts on their way out: JSON to a webhook, in a form of our own or Slack's, again if need be, and else kept aside.

The address is a secret: it comes from the environment or a file, and stands in no log, error or stored file.
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
    """The other side did not take it; the message says why without saying where."""

    def __init__(self, why: str, again: bool) -> None:
        super().__init__(why)
        self.again = again


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Who answers at another address is not who was named."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def webhook(environ: Mapping[str, str] | None = None) -> str | None:
    """Where alerts go; None: nowhere. ConfigError if what is set is no http(s) address, which is not repeated."""
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
    """Sends what was raised and neither sent nor given up; how many were `delivered` and `given_up`.

    At least once: a process that dies after the other side has taken an alert sends it again, with the same id.
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
    """The alert itself; `id` is the same whenever it comes."""
    return {key: cast(JsonValue, value) for key, value in alert.items() if key not in ("acknowledged", "sent")}


def slack(alert: AlertOut) -> Json:
    """What Slack's incoming webhooks, and those that are like them, show; text from data is no markup."""
    safe = alert["message"].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    head = f"{_MARKS[alert['severity']]} *{alert['workspace']}*: {alert['kind']}, as of {alert['as_of']}"
    text = f"{head}\n{safe}"
    return {"text": text, "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text[:2900]}}]}


def _persistently(url: str, body: Mapping[str, Any], settings: Delivery) -> None:
    """Posts until it is taken, or there is no use in trying again."""
    tries = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(settings.attempts),
        wait=tenacity.wait_exponential(multiplier=settings.wait, max=30),
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, _Refused) and error.again),
        reraise=True,
    )
    tries(_post, url, json.dumps(body, ensure_ascii=False).encode(), settings.timeout)


def _post(url: str, content: bytes, timeout: float) -> None:
    request = urllib.request.Request(url, content, {"Content-Type": "application/json"}, method="POST")  # noqa: S310 - `webhook` has checked it
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(request, timeout=timeout) as response:
            response.read(1024)
    except urllib.error.HTTPError as error:
        raise _Refused(f"answered {error.code}", error.code in (408, 425, 429) or error.code >= 500) from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise _Refused(f"no answer ({type(reason).__name__})", again=True) from None
