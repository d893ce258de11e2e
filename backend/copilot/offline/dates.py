"""Time expressions in a question, resolved to spans of the calendar relative to the latest actual."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

NUMBERS = dict(
    zip(
        [
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "fourteen",
            "thirty",
        ],
        [*range(1, 13), 14, 30],
        strict=True,
    )
)
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH = "|".join(f"{name}|{name[:3]}" for name in _MONTHS) + "|sept"
_DAY = "|".join(f"{name}|{name[:3]}" for name in _DAYS)
_COUNT = r"\d{1,4}|" + "|".join(NUMBERS) + "|couple of|few|a|an"
_UNIT = r"(steps?|hours?|days?|weeks?|fortnights?|months?|quarters?|years?|decades?|centur(?:y|ies))"
_AHEAD, _BACK = "next|coming|following|upcoming|first", "last|past|previous|latest|recent|preceding"
_SHORT = timedelta(days=1)
_FAR = 400  # years; larger numbers are clipped


@dataclass(frozen=True)
class Span:
    """A span of time, both ends included. `past`: by the wording of the question, not by its position."""

    start: datetime
    end: datetime
    past: bool

    @property
    def is_moment(self) -> bool:
        return self.start == self.end

    def iso(self) -> tuple[str, str]:
        """Both ends in the format of the tools."""
        if self.is_moment:
            return self.start.isoformat(), self.end.isoformat()
        if self.start.time() == time.min and self.end.time() == time.max:
            return self.start.date().isoformat(), self.end.date().isoformat()
        return self.start.isoformat(), self.end.isoformat()


@dataclass(frozen=True)
class Calendar:
    """Calendar of a workspace. `last`: the latest actual; `end`: the last forecast step, both in the workspace's local
    time.

    `backward`: whether a date without a year, or a weekday, refers to the past.
    """

    last: datetime
    step: timedelta
    end: datetime
    backward: bool = False

    @property
    def today(self) -> date:
        return self.last.date()

    def ahead(self, number: int, unit: str) -> Span:
        start = self.last + self.step if self.step < _SHORT else datetime.combine(self.today + _SHORT, time.min)
        return Span(start, self._moved(start, number, unit) - timedelta(microseconds=1), past=False)

    def back(self, number: int, unit: str) -> Span:
        end = self.last + self.step if self.step < _SHORT else datetime.combine(self.today + _SHORT, time.min)
        return Span(self._moved(end, -number, unit), end - timedelta(microseconds=1), past=True)

    def day(self, day: date, past: bool = False) -> Span:
        return Span(datetime.combine(day, time.min), datetime.combine(day, time.max), past)

    def days(self, first: date, last: date, past: bool = False) -> Span:
        return Span(datetime.combine(first, time.min), datetime.combine(last, time.max), past)

    def in_time(self, number: int, unit: str) -> Span:
        moved = self._moved(self.last, number, unit)
        if unit.startswith(("step", "hour")) and self.step < _SHORT:
            return Span(moved, moved, past=False)
        return self.day(moved.date())

    def near(self, month: int, day: int, past: bool) -> date | None:
        """The date for a day and month: the latest one up to the last actual if `past`, else the first one within the
        horizon, else the closest.
        """
        dates = [one for year in (-1, 0, 1) if (one := _date(self.today.year + year, month, day))]
        if past:
            return max((one for one in dates if one <= self.today), default=None)
        soon = [one for one in dates if self.today < one <= self.end.date()]
        return soon[0] if soon else min(dates, key=lambda one: abs(one - self.today), default=None)

    def _moved(self, start: datetime, number: int, unit: str) -> datetime:
        number = max(-_FAR, min(number, 5_000))
        years = {"year": 1, "decade": 10, "centur": 100}
        for name, size in years.items():
            if unit.startswith(name):
                return _months_later(start, max(-_FAR, min(_FAR, number * size)) * 12)
        if unit.startswith(("month", "quarter")):
            return _months_later(
                start, max(-_FAR * 12, min(_FAR * 12, number * (3 if unit.startswith("quarter") else 1)))
            )
        if unit.startswith("step"):
            return start + number * self.step
        sizes = {"hour": timedelta(hours=1), "day": _SHORT, "week": 7 * _SHORT, "fortnight": 14 * _SHORT}
        return start + number * next(sizes[name] for name in sizes if unit.startswith(name))


@dataclass(frozen=True)
class Found:
    """A span and its position in the text."""

    span: Span
    start: int
    end: int


class NoSuchDate(ValueError):
    """The text names a day that no calendar has, such as 30 February."""


def find(text: str, calendar: Calendar) -> list[Found]:
    """The time expressions in a lower-case text, in order; both dates of a range give one span. NoSuchDate if one of
    them is a day that does not exist: reading only its month or year would answer another question.
    """
    taken: list[Found] = []
    for pattern, read in _PATTERNS:
        for match in pattern.finditer(text):
            if any(match.start() < one.end and one.start < match.end() for one in taken):
                continue
            try:
                span = read(match, calendar)
            except (ValueError, OverflowError) as error:
                if read in (_written, _slashed, _iso):
                    raise NoSuchDate(match.group()) from error
                continue
            if span:
                taken.append(Found(span, *match.span()))
    return list(_joined(text, sorted(taken, key=lambda one: one.start)))


def _joined(text: str, times: list[Found]) -> Iterator[Found]:
    """Merges ranges of two dates ("from … to …"), and days with a time of day ("tomorrow at …")."""
    at = 0
    while at < len(times):
        one = times[at]
        if at + 1 < len(times):
            other = times[at + 1]
            between = text[one.end : other.start].strip()
            before = re.search(r"(?:\b(?:from|between)\s*)$", text[: one.start])
            if between in ("to", "until", "till", "through", "-", "–") or (between == "and" and before):
                ends = sorted((one.span, other.span), key=lambda span: span.start)
                start = one.start - (len(before.group()) if before else 0)
                yield Found(Span(ends[0].start, ends[1].end, one.span.past), start, other.end)
                at += 2
                continue
        yield one
        at += 1


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _months_later(start: datetime, months: int) -> datetime:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    for day in (start.day, 30, 29, 28):
        if later := _date(year, month + 1, day):
            return datetime.combine(later, start.time())
    raise ValueError(months)


def _count(said: str) -> int:
    if said.isdigit():
        return int(said)
    return {"couple of": 2, "few": 3, "a": 1, "an": 1, "": 1}.get(said) or NUMBERS[said]


def _month(said: str) -> int:
    return next(number for number, name in enumerate(_MONTHS, 1) if name.startswith(said[:3]))


def _is_past(word: str | None) -> bool:
    return (word or "") in _BACK.split("|")


def _written(match: re.Match[str], calendar: Calendar) -> Span | None:
    """Parses a day and month, with or without a year."""
    month = _month(match["month"])
    if not match["day"]:
        return None
    day = int(match["day"])
    if match["year"]:
        exact = date(int(match["year"]), month, day)
        return calendar.day(exact, exact <= calendar.today)
    date(2024, month, day)  # ValueError for a day that no year has
    near = calendar.near(month, day, calendar.backward)
    return calendar.day(near, near <= calendar.today) if near else None


def _whole_month(match: re.Match[str], calendar: Calendar) -> Span:
    month, past = _month(match["month"]), calendar.backward or _is_past(match["when"])
    if match["year"]:
        year = int(match["year"])
    else:
        year = calendar.today.year + (0 if month > calendar.today.month or past else 1)
        year -= past and month > calendar.today.month
    last = date(year + month // 12, month % 12 + 1, 1) - _SHORT
    return calendar.days(date(year, month, 1), last, past or last <= calendar.today)


def _weekday(match: re.Match[str], calendar: Calendar) -> Span:
    wanted = next(number for number, name in enumerate(_DAYS) if name.startswith(match["day"][:3]))
    if calendar.backward or _is_past(match["when"]):
        return calendar.day(calendar.today - timedelta(days=(calendar.today.weekday() - wanted) % 7), past=True)
    return calendar.day(calendar.today + timedelta(days=(wanted - calendar.today.weekday() - 1) % 7 + 1))


def _weekend(match: re.Match[str], calendar: Calendar) -> Span:
    if calendar.backward or _is_past(match["when"]):
        sunday = calendar.today - timedelta(days=(calendar.today.weekday() + 1) % 7)
        return calendar.days(sunday - _SHORT, sunday, past=True)
    saturday = calendar.today + timedelta(days=(5 - calendar.today.weekday() - 1) % 7 + 1)
    return calendar.days(saturday, saturday + _SHORT)


def _clock(match: re.Match[str], calendar: Calendar) -> Span | None:
    """Parses a time of day, on the day that is named or the next one ahead."""
    named = {"noon": 12, "midday": 12, "midnight": 0}
    if match["name"]:
        hour, minute = named[match["name"]], 0
    else:
        hour, minute = int(match["hour"]), int(match["minute"] or 0)
        if match["half"]:
            hour = hour % 12 + (12 if match["half"].startswith("p") else 0)
    around = [
        span for pattern, read in _OF_DAYS for day in pattern.finditer(match.string) if (span := read(day, calendar))
    ]
    days = [span.start.date() for span in around if span.start.date() == span.end.date()]
    moment = datetime.combine(days[0] if days else calendar.last.date(), time(hour, minute))
    if not days and moment <= calendar.last:
        moment += _SHORT
    return Span(moment, moment, past=moment <= calendar.last)


def _quarter(match: re.Match[str], calendar: Calendar) -> Span:
    year, first = int(match["year"] or calendar.today.year), 3 * int(match["number"]) - 2
    last = date(year + (first + 2) // 12, (first + 2) % 12 + 1, 1) - _SHORT
    return calendar.days(date(year, first, 1), last, last <= calendar.today)


def _slashed(match: re.Match[str], calendar: Calendar) -> Span:
    """Parses a date with slashes: day first, unless only month first is valid."""
    a, b, year = (int(match[name]) for name in ("a", "b", "year"))
    day = _date(year, b, a) or date(year, a, b)
    return calendar.day(day, day <= calendar.today)


def _iso(match: re.Match[str], calendar: Calendar) -> Span:
    day = date.fromisoformat(match["date"])
    return calendar.day(day, day <= calendar.today)


def _year(match: re.Match[str], calendar: Calendar) -> Span:
    year = int(match["year"])
    return calendar.days(date(year, 1, 1), date(year, 12, 31), year <= calendar.today.year)


Read = Callable[[re.Match[str], Calendar], Span | None]

_WHEN = rf"(?:(?:(?P<when>{_AHEAD}|{_BACK}|this)\s+)?)"
_OF_DAYS: list[tuple[re.Pattern[str], Read]] = [
    (re.compile(r"(?P<date>\b\d{4}-\d{2}-\d{2}\b)"), _iso),
    (re.compile(r"\b(?P<a>\d{1,2})[./](?P<b>\d{1,2})[./](?P<year>\d{4})\b"), _slashed),
    (
        re.compile(
            rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month>{_MONTH})\b\.?,?(?:\s+(?P<year>\d{{4}})\b)?"
        ),
        _written,
    ),
    (
        re.compile(
            rf"\b(?P<month>{_MONTH})\b\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\d)(?:,?\s+(?P<year>\d{{4}})\b)?"
        ),
        _written,
    ),
    (re.compile(r"\b(?:the )?day after tomorrow\b"), lambda match, calendar: calendar.in_time(2, "day")),
    (
        re.compile(r"\b(?:the )?day before yesterday\b"),
        lambda match, calendar: calendar.day(calendar.today - 2 * _SHORT, past=True),
    ),
    (re.compile(r"\btomorrow\b"), lambda match, calendar: calendar.day(calendar.today + _SHORT)),
    (re.compile(r"\byesterday\b"), lambda match, calendar: calendar.day(calendar.today - _SHORT, past=True)),
    (re.compile(r"\b(?:today|tonight)\b"), lambda match, calendar: calendar.day(calendar.today, past=True)),
    (re.compile(rf"\b(?:on )?{_WHEN}(?P<day>{'|'.join(_DAYS)})\b"), _weekday),
]
_PATTERNS: list[tuple[re.Pattern[str], Read]] = [
    # "at 6 pm", "18:00", "noon": matched first, so that their digits are not taken for a date.
    (
        re.compile(
            r"(?:\bat )?(?:\b(?P<hour>[01]?\d|2[0-3])(?=:|\s*[ap]m\b)(?::(?P<minute>[0-5]\d))?\s*(?P<half>[ap]m)?\b|\b(?P<name>noon|midday|midnight)\b)"
        ),
        _clock,
    ),
    *_OF_DAYS,
    (
        re.compile(rf"\b(?:over |in |for |during |within )?(?:the )?(?:{_AHEAD}) (?P<count>{_COUNT}) {_UNIT}\b"),
        lambda match, calendar: calendar.ahead(_count(match["count"]), match[2]),
    ),
    (
        re.compile(rf"\b(?:over |in |for |during |within )?(?:the )?(?:{_BACK}) (?P<count>{_COUNT}) {_UNIT}\b"),
        lambda match, calendar: calendar.back(_count(match["count"]), match[2]),
    ),
    (
        re.compile(rf"\bin (?P<count>{_COUNT}) {_UNIT}(?:'s? time)?\b"),
        lambda match, calendar: calendar.in_time(_count(match["count"]), match[2]),
    ),
    (
        re.compile(rf"\b(?P<count>{_COUNT}) {_UNIT} (?:ahead|from now|out|later)\b"),
        lambda match, calendar: calendar.in_time(_count(match["count"]), match[2]),
    ),
    (
        re.compile(rf"\b(?P<count>{_COUNT}) {_UNIT} ago\b"),
        lambda match, calendar: calendar.day(
            calendar.back(_count(match["count"]), match[2]).start.date() - _SHORT, past=True
        ),
    ),
    (re.compile(rf"\b(?:on |at |over |during )?(?:the )?{_WHEN}weekends?\b"), _weekend),
    (
        re.compile(rf"\b(?:the )?(?:{_AHEAD}|this) (week|fortnight|month|quarter|year|hour|day|decade|century)\b"),
        lambda match, calendar: calendar.ahead(1, match[1]),
    ),
    (re.compile(r"\b(?:the )?(week|fortnight|month) ahead\b"), lambda match, calendar: calendar.ahead(1, match[1])),
    (
        re.compile(rf"\b(?:the )?(?:{_BACK}) (week|fortnight|month|quarter|year|hour|day|decade|century)\b"),
        lambda match, calendar: calendar.back(1, match[1]),
    ),
    (re.compile(r"\b(?:in )?q(?P<number>[1-4])(?:\s+(?:of\s+)?(?P<year>\d{4}))?\b"), _quarter),
    (
        re.compile(
            rf"\b(?:in |of |for |during |by )?{_WHEN}(?P<month>{'|'.join(name for name in _MONTHS if name not in ('may', 'march'))})\b(?:\s+(?P<year>\d{{4}})\b)?"
        ),
        _whole_month,
    ),
    (
        re.compile(
            r"\b(?:in|of|for|during|by) (?P<when>last|next|this)?\s?(?P<month>may|march)\b(?:\s+(?P<year>\d{4})\b)?"
        ),
        _whole_month,
    ),
    (re.compile(r"\b(?P<when>last|next|this)?\s?(?P<month>may|march)\s+(?P<year>\d{4})\b"), _whole_month),
    (re.compile(r"\b(?:in |of |for |during |by |the year )?(?P<year>(?:1[89]|2\d)\d\d)\b"), _year),
]
