"""Spans of a workspace's calendar, as passed to tools: ISO dates, or timestamps if steps are shorter than a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated

from pydantic import Field

from backend.copilot.scope import CannotTell

Stamp = Annotated[str, Field(max_length=40, description="ISO date such as 2024-06-01, or a moment 2024-06-01T18:00.")]


@dataclass(frozen=True)
class Step:
    """A value at one step of the calendar."""

    ds: str
    value: float


@dataclass(frozen=True)
class Stretch:
    """A span of time, both ends included, in the workspace's local time."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, start: str, end: str | None) -> "Stretch":
        """Parses a span; an end without a time includes the whole day. CannotTell for an invalid date."""
        first = parse(start)
        last = parse(end or start)
        if len(end or start) <= len("2024-06-01"):
            last = datetime.combine(last.date(), time.max)
        if last < first:
            raise CannotTell("The range ends before it begins.")
        return cls(first, last)

    def select(self, steps: Sequence[Step]) -> list[Step]:
        """The steps within the span."""
        return [step for step in steps if self.start <= local(step.ds) <= self.end]

    def reaches_beyond(self, ds: str, step: timedelta) -> bool:
        """Whether the span extends beyond the step at `ds`."""
        return self.end >= local(ds) + step


def parse(stamp: str) -> datetime:
    try:
        if len(stamp) <= len("2024-06-01"):
            return datetime.combine(date.fromisoformat(stamp), time.min)
        return datetime.fromisoformat(stamp).replace(tzinfo=None)
    except ValueError:
        raise CannotTell("A date is written as 2024-06-01, a moment as 2024-06-01T18:00.") from None


def local(ds: str) -> datetime:
    """A timestamp of the workspace without its UTC offset."""
    return datetime.fromisoformat(ds).replace(tzinfo=None)
