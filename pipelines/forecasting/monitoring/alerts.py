"""Alerts, stored as an append-only log of raised, acknowledged and sent events. The state of an alert follows from its
lines.

Does not import pandas, since the service imports this module.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from pipelines.core.documents import Json
from pipelines.core.errors import NotFound, StoreError
from pipelines.storage import units
from pipelines.storage.catalog import Reader
from pipelines.storage.store import Stores

Severity = Literal["warn", "alert"]
Kind = Literal["error", "bias", "coverage", "drift", "health", "rollback"]
Figures = Json  # of one named item; keys depend on the kind of alert


@dataclass(frozen=True)
class Alert:
    """A new problem with its figures. `kind`: one of `Kind`. `subject`: distinguishes alerts of one kind and time.
    `named`: the series or groups, worst first.
    """

    workspace: str
    kind: str
    subject: str
    as_of: str
    severity: Severity
    message: str
    named: Sequence[str] = ()
    figures: Sequence[Figures] = field(default_factory=tuple)

    @property
    def id(self) -> str:
        """A stable id: the same problem has the same id, so repeated monitoring raises no duplicates."""
        what = [self.workspace, self.kind, self.subject, self.as_of, sorted(self.named)]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


class Acknowledged(TypedDict):
    """The first acknowledgement of an alert: who, and their comment."""

    at: str
    by: str
    note: str


class Sent(TypedDict):
    """The result of sending: accepted by the webhook, or given up."""

    at: str
    delivered: bool


class AlertOut(TypedDict):
    """A problem that started at `as_of`. `named`: the series, groups or runs concerned, worst first, at most 50.

    `figures` of coverage are fractions, 0.801 = 80.1 %.
    """

    id: str
    at: str
    workspace: str
    kind: Kind
    subject: str
    as_of: str
    severity: Severity
    message: str
    named: list[str]
    figures: list[Figures]
    acknowledged: Acknowledged | None
    sent: Sent | None


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
    figures: list[Figures]

    def alert(self, is_marked: bool) -> AlertOut:
        """The alert, not acknowledged and not sent; `is_marked`: its shares are fractions."""
        return AlertOut(
            id=self.id,
            at=self.at,
            workspace=self.workspace,
            kind=self.kind,
            subject=self.subject,
            as_of=self.as_of,
            severity=self.severity,
            message=self.message,
            named=self.named,
            figures=self.figures if is_marked else [units.row(one) for one in self.figures],
            acknowledged=None,
            sent=None,
        )


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


def raise_new(stores: Stores, alerts: Iterable[Alert]) -> list[Alert]:
    """Adds the alerts that are not yet in their workspace's log, and returns these."""
    added = []
    known: dict[str, set[str]] = {}
    for alert in alerts:
        ids = known.setdefault(alert.workspace, {one["id"] for one in all_of(stores, alert.workspace)})
        if alert.id not in ids:
            raised = {"event": "raised", **units.MARK, "id": alert.id, "at": _now(), **asdict(alert)}
            _append(stores, alert.workspace, raised)
            ids.add(alert.id)
            added.append(alert)
    return added


def all_of(reader: Reader, workspace: str) -> list[AlertOut]:
    """The current state of every alert of a workspace, newest first, with `acknowledged` and `sent`, or null."""
    alerts: dict[str, AlertOut] = {}
    for line in reader.artifacts.events(reader.places(workspace).alerts):
        try:
            event = _EVENT.validate_python(line)
        except ValidationError:  # damaged, or of a kind unknown to this version
            continue
        alert = alerts.get(event.id)
        match event:
            case _Raised() if alert is None:
                alerts[event.id] = event.alert(is_marked=units.is_marked(line))
            case _Acknowledged() if alert is not None:
                alert["acknowledged"] = alert["acknowledged"] or {"at": event.at, "by": event.by, "note": event.note}
            case _Sent() if alert is not None:
                alert["sent"] = {"at": event.at, "delivered": event.delivered}
    return sorted(alerts.values(), key=lambda one: (one["as_of"], one["at"], one["id"]), reverse=True)


def acknowledge(stores: Stores, workspace: str, alert_id: str, by: str, note: str = "") -> AlertOut:
    """Acknowledges an alert; the first acknowledgement is kept. NotFound for an unknown alert."""
    alert = _one(stores, workspace, alert_id)
    if alert["acknowledged"] is None:
        event = {"event": "acknowledged", "id": alert_id, "at": _now(), "by": by, "note": note}
        _append(stores, workspace, event)
        alert = _one(stores, workspace, alert_id)
        if alert["acknowledged"] is None:
            raise StoreError(f"the acknowledgement of alert {alert_id} was not recorded", remedy="Try again.")
    return alert


def mark_sent(stores: Stores, workspace: str, alert_id: str, *, delivered: bool) -> None:
    """Records that an alert was sent or given up."""
    _append(stores, workspace, {"event": "sent", "id": alert_id, "at": _now(), "delivered": delivered})


def _one(reader: Reader, workspace: str, alert_id: str) -> AlertOut:
    for alert in all_of(reader, workspace):
        if alert["id"] == alert_id:
            return alert
    raise NotFound(
        f"workspace {workspace} has no alert {alert_id!r:.40}",
        field="alert_id",
        found=alert_id,
        remedy="Use the id of one that is listed.",
    )


def _append(stores: Stores, workspace: str, event: Mapping[str, object]) -> None:
    stores.artifacts.append(stores.places(workspace).alerts, json.dumps(event, ensure_ascii=False))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
