"""Stretches of a workspace's calendar, as tools are given them: ISO dates, or moments where steps are shorter than days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated

from pydantic import Field

from backend.copilot.scope import CannotTell

Stamp = Annotated[str, Field(max_length=40, description="ISO date such as 2024-06-01, or a moment 2024-06-01T18:00.")]


@dataclass(frozen=True)
class Step:
    """A known value at one step of the calendar."""

    ds: str
    value: float


@dataclass(frozen=True)
class Stretch:
    """Both ends included, in the workspace's own time."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, start: str, end: str | None) -> "Stretch":
        """CannotTell for what is no date; a date as the end includes the whole day."""
        first = parse(start)
        last = parse(end or start)
        if len(end or start) <= len("2024-06-01"):
            last = datetime.combine(last.date(), time.max)
        if last < first:
            raise CannotTell("The range ends before it begins.")
        return cls(first, last)

    def select(self, steps: Sequence[Step]) -> list[Step]:
        """Those of the steps that lie within."""
        return [step for step in steps if self.start <= local(step.ds) <= self.end]

    def reaches_beyond(self, ds: str, step: timedelta) -> bool:
        """Whether it asks for more steps than those up to `ds`."""
        return self.end >= local(ds) + step


def parse(stamp: str) -> datetime:
    try:
        if len(stamp) <= len("2024-06-01"):
            return datetime.combine(date.fromisoformat(stamp), time.min)
        return datetime.fromisoformat(stamp).replace(tzinfo=None)
    except ValueError:
        raise CannotTell("A date is written as 2024-06-01, a moment as 2024-06-01T18:00.") from None


def local(ds: str) -> datetime:
    """A time as the workspace writes it, without its offset."""
    return datetime.fromisoformat(ds).replace(tzinfo=None)
