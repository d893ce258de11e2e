"""Alerts: a log that only grows, of what was raised, seen by somebody, and sent. What an alert is now follows from its lines.

Read and written without frames: the service imports this.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from pipelines.core.errors import NotFound, StoreError
from pipelines.core.names import safe_name
from pipelines.storage import units
from pipelines.storage.catalog import Reader

LOG = ("monitoring", "alerts.jsonl")

Severity = Literal["warn", "alert"]
Kind = Literal["error", "bias", "coverage", "drift", "health", "rollback"]


@dataclass(frozen=True)
class Alert:
    """Something that began, with its figures. `kind`: one of `Kind`. `subject`: what sets it apart from others of its kind and time. `named`: the series or groups, the worst first."""

    workspace: str
    kind: str
    subject: str
    as_of: str
    severity: Severity
    message: str
    named: Sequence[str] = ()
    figures: Sequence[dict[str, Any]] = field(default_factory=tuple)

    @property
    def id(self) -> str:
        """The same for the same news: running monitoring again raises nothing twice."""
        what = [self.workspace, self.kind, self.subject, self.as_of, sorted(self.named)]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


class _Event(BaseModel):
    id: str
    at: str


class _Raised(_Event):
    event: Literal["raised"]
    workspace: str
    kind: Kind
    subject: str
    as_of: str
    severity: Severity
    message: str
    named: list[str]
    figures: list[dict[str, Any]]


class _Acknowledged(_Event):
    event: Literal["acknowledged"]
    by: str
    note: str


class _Sent(_Event):
    event: Literal["sent"]
    delivered: bool


_EVENT: TypeAdapter[_Raised | _Acknowledged | _Sent] = TypeAdapter(
    Annotated[_Raised | _Acknowledged | _Sent, Field(discriminator="event")]
)


def raise_new(reader: Reader, alerts: Iterable[Alert]) -> list[Alert]:
    """Adds those to their workspace's log that are not in it, and returns them."""
    added = []
    known: dict[str, set[str]] = {}
    for alert in alerts:
        ids = known.setdefault(alert.workspace, {one["id"] for one in all_of(reader, alert.workspace)})
        if alert.id not in ids:
            raised = {"event": "raised", **units.MARK, "id": alert.id, "at": _now(), **asdict(alert)}
            _append(reader, alert.workspace, raised)
            ids.add(alert.id)
            added.append(alert)
    return added


def all_of(reader: Reader, workspace: str) -> list[dict[str, Any]]:
    """Every alert of a workspace as it stands, newest first: what was raised, with `acknowledged` and `sent` or null."""
    found: dict[str, dict[str, Any]] = {}
    for event in reader.artifacts.events(safe_name(workspace, "workspace"), *LOG):
        try:
            _EVENT.validate_python(event)
        except ValidationError:  # damaged, or of a kind that this version does not know
            continue
        match event.pop("event"):
            case "raised":
                raised = {name: value for name, value in event.items() if name not in units.MARK}
                if not units.is_marked(event):
                    raised["figures"] = [units.row(one) for one in event["figures"]]
                found.setdefault(event["id"], {**raised, "acknowledged": None, "sent": None})
            case "acknowledged" if event["id"] in found:
                one = found[event["id"]]
                one["acknowledged"] = one["acknowledged"] or {key: event[key] for key in ("at", "by", "note")}
            case "sent" if event["id"] in found:
                found[event["id"]]["sent"] = {key: event[key] for key in ("at", "delivered")}
    return sorted(found.values(), key=lambda one: (one["as_of"], one["at"], one["id"]), reverse=True)


def acknowledge(reader: Reader, workspace: str, alert_id: str, by: str, note: str = "") -> dict[str, Any]:
    """Says that somebody has seen an alert; who was first stays. NotFound without such an alert."""
    found = _one(reader, workspace, alert_id)
    if found["acknowledged"] is None:
        event = {"event": "acknowledged", "id": alert_id, "at": _now(), "by": by, "note": note}
        _append(reader, workspace, event)
        found = _one(reader, workspace, alert_id)
        if found["acknowledged"] is None:
            raise StoreError(f"the acknowledgement of alert {alert_id} was not recorded", remedy="Try again.")
    return found


def mark_sent(reader: Reader, workspace: str, alert_id: str, *, delivered: bool) -> None:
    """Says that an alert was sent, or that it was given up."""
    _append(reader, workspace, {"event": "sent", "id": alert_id, "at": _now(), "delivered": delivered})


def _one(reader: Reader, workspace: str, alert_id: str) -> dict[str, Any]:
    for alert in all_of(reader, workspace):
        if alert["id"] == alert_id:
            return alert
    raise NotFound(
        f"workspace {workspace} has no alert {alert_id!r:.40}",
        field="alert_id",
        found=alert_id,
        remedy="Use the id of one that is listed.",
    )


def _append(reader: Reader, workspace: str, event: dict[str, Any]) -> None:
    reader.artifacts.append(safe_name(workspace, "workspace"), *LOG, line=json.dumps(event, ensure_ascii=False))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
