"""Conversion of times in requests and answers: dates for steps of a day or longer, else times in the workspace's time
zone.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from pipelines.core.errors import DataError
from pipelines.forecasting.records import Settings

Stamp = Annotated[
    str, Field(description="A date for steps of a day or more, else a time with the offset of the workspace's zone.")
]

_DAY = timedelta(days=1)
_SECONDS = {"h": 3600.0, "min": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_SECONDS |= {"H": 3600.0, "T": 60.0, "S": 1.0, "L": 1e-3, "U": 1e-6, "N": 1e-9}  # older pandas aliases
_DAYS = {"D": 1, "B": 3, "C": 3, "W": 7}  # including a weekend between business days
_LONG = {"Q": 92, "Y": 366, "A": 366}  # days of a quarter or year in any spelling; all other units are months
_PART = re.compile(r"(\d*\.?\d*)\s*([A-Za-z]+)")


@dataclass(frozen=True)
class Clock:
    """The time format of a workspace. Internal times are naive: UTC for steps below a day, else dates."""

    frequency: str
    timezone: str = "UTC"

    @classmethod
    def of(cls, settings: Settings) -> "Clock":
        """The clock of a run's settings."""
        return cls(settings.frequency, settings.timezone)

    @cached_property
    def tells_moments(self) -> bool:
        """Whether a step is shorter than a day, as `frequency.is_subdaily` but without pandas."""
        return all(unit in _SECONDS for _, unit in self._parts) and self.longest_step < _DAY

    @cached_property
    def counts_months(self) -> bool:
        """Whether steps are months, quarters or years."""
        return not all(unit in _SECONDS or unit in _DAYS for _, unit in self._parts)

    @cached_property
    def longest_step(self) -> timedelta:
        """The maximum length of a step of the grid."""
        if all(unit in _SECONDS for _, unit in self._parts):
            return timedelta(seconds=sum(number * _SECONDS[unit] for number, unit in self._parts))
        number, unit = self._parts[0]
        long = next((days for letter, days in _LONG.items() if letter in unit), 31)
        return timedelta(days=number * _DAYS.get(unit, long))

    @property
    def patience(self) -> timedelta:
        """How late a value may be before it counts as missing: two more steps, or two days if steps are shorter."""
        return max(3 * self.longest_step, timedelta(days=2) + self.longest_step)

    @cached_property
    def _parts(self) -> list[tuple[float, str]]:
        """The numbers and units of the alias, without an anchor as in `W-SUN`."""
        parts = _PART.findall(self.frequency.partition("-")[0])
        return [(float(number or 1), unit) for number, unit in parts]

    def write(self, ds: datetime) -> str:
        """`2024-06-01`, or `2024-06-01T01:00:00+01:00`: ISO 8601, with the time zone's offset at that time."""
        if not self.tells_moments:
            return ds.date().isoformat()
        return ds.replace(tzinfo=UTC).astimezone(self._zone).isoformat()

    def read(self, given: date | datetime) -> datetime:
        """The internal naive time of an external date or time; without an offset it is in the workspace's time zone.

        DataError if the internal time is beyond the calendar.
        """
        moment = given if isinstance(given, datetime) else datetime(given.year, given.month, given.day)
        if not self.tells_moments:
            return moment.replace(tzinfo=None)
        try:
            aware = moment if moment.tzinfo else moment.replace(tzinfo=self._zone)
            return aware.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            raise DataError(
                f"{given.isoformat()} is beyond the calendar",
                code="date_beyond_calendar",
                found=given.isoformat(),
                remedy="Name another date.",
            ) from None

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)
