"""Time expressions of questions, resolved to days of a calendar."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.copilot.offline.dates import Calendar, NoSuchDate, Span, find

# The latest actual is of Tuesday, 31 December 2024; four weeks of forecasts follow.
DAILY = Calendar(datetime(2024, 12, 31), timedelta(days=1), datetime(2025, 1, 28))
HOURLY = Calendar(datetime(2024, 12, 31, 17), timedelta(hours=1), datetime(2025, 1, 2, 17))


def only(text: str, calendar: Calendar = DAILY) -> Span:
    """The single span of a text."""
    (found,) = find(text, calendar)
    return found.span


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("tomorrow", "2025-01-01", "2025-01-01"),
        ("the day after tomorrow", "2025-01-02", "2025-01-02"),
        ("today", "2024-12-31", "2024-12-31"),
        ("yesterday", "2024-12-30", "2024-12-30"),
        ("the day before yesterday", "2024-12-29", "2024-12-29"),
        ("next week", "2025-01-01", "2025-01-07"),
        ("the next 3 days", "2025-01-01", "2025-01-03"),
        ("over the coming two weeks", "2025-01-01", "2025-01-14"),
        ("next fortnight", "2025-01-01", "2025-01-14"),
        ("the week ahead", "2025-01-01", "2025-01-07"),
        ("next month", "2025-01-01", "2025-01-31"),
        ("next quarter", "2025-01-01", "2025-03-31"),
        ("last week", "2024-12-25", "2024-12-31"),
        ("the past 10 days", "2024-12-22", "2024-12-31"),
        ("last month", "2024-12-01", "2024-12-31"),
        ("last year", "2024-01-01", "2024-12-31"),
        ("in 3 days", "2025-01-03", "2025-01-03"),
        ("2 weeks from now", "2025-01-14", "2025-01-14"),
        ("3 days ago", "2024-12-28", "2024-12-28"),
        ("friday", "2025-01-03", "2025-01-03"),
        ("on tuesday", "2025-01-07", "2025-01-07"),
        ("last friday", "2024-12-27", "2024-12-27"),
        ("the weekend", "2025-01-04", "2025-01-05"),
        ("last weekend", "2024-12-28", "2024-12-29"),
        ("january", "2025-01-01", "2025-01-31"),
        ("in february", "2025-02-01", "2025-02-28"),
        ("february 2024", "2024-02-01", "2024-02-29"),
        ("in march", "2025-03-01", "2025-03-31"),
        ("may 2025", "2025-05-01", "2025-05-31"),
        ("q1 2025", "2025-01-01", "2025-03-31"),
        ("q4 of 2024", "2024-10-01", "2024-12-31"),
        ("2023", "2023-01-01", "2023-12-31"),
        ("2025-01-15", "2025-01-15", "2025-01-15"),
        ("15 january", "2025-01-15", "2025-01-15"),
        ("the 15th of january", "2025-01-15", "2025-01-15"),
        ("jan 15th, 2025", "2025-01-15", "2025-01-15"),
        ("december 24", "2024-12-24", "2024-12-24"),
        ("15/01/2025", "2025-01-15", "2025-01-15"),
        ("15.01.2025", "2025-01-15", "2025-01-15"),
        ("01/15/2025", "2025-01-15", "2025-01-15"),
        ("from 2 january to 5 january", "2025-01-02", "2025-01-05"),
        ("between 5 january and 2 january", "2025-01-02", "2025-01-05"),
        ("2025-01-02 until 2025-01-05", "2025-01-02", "2025-01-05"),
    ],
)
def test_an_expression_is_resolved_to_whole_days(text: str, start: str, end: str) -> None:
    """The span begins and ends on the days that a calendar gives, counted from the latest actual."""
    assert only(text).iso() == (start, end)


@pytest.mark.parametrize(
    ("text", "day"), [("friday", "2024-12-27"), ("2 january", "2024-01-02"), ("24 december", "2024-12-24")]
)
def test_a_day_without_a_year_is_the_latest_one_in_a_question_about_the_past(text: str, day: str) -> None:
    """With a backward calendar, the day is not after the latest actual."""
    backward = Calendar(DAILY.last, DAILY.step, DAILY.end, backward=True)
    assert only(text, backward).iso() == (day, day)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("at 18:00", "2024-12-31T18:00:00"),
        ("at 5 pm", "2025-01-01T17:00:00"),
        ("at 9:30 am", "2025-01-01T09:30:00"),
        ("noon", "2025-01-01T12:00:00"),
        ("in 2 hours", "2024-12-31T19:00:00"),
    ],
)
def test_a_time_of_day_is_the_next_such_moment(text: str, moment: str) -> None:
    """A clock time without a day is the first one after the latest actual, which is of 17:00."""
    assert only(text, HOURLY).iso() == (moment, moment)


def test_a_time_of_day_belongs_to_the_day_next_to_it() -> None:
    """In "tomorrow at 6 pm" the moment is on the named day, and both expressions are found."""
    spans = [one.span for one in find("what is the load tomorrow at 6 pm?", HOURLY)]
    assert [one.iso() for one in spans if one.is_moment] == [("2025-01-01T18:00:00", "2025-01-01T18:00:00")]


def test_hours_ahead_start_with_the_next_step() -> None:
    """The next 6 hours of an hourly series begin one step after the latest actual and contain six steps."""
    span = only("the next 6 hours", HOURLY)
    assert span.start == datetime(2024, 12, 31, 18)
    assert datetime(2024, 12, 31, 23) <= span.end < datetime(2025, 1, 1)


@pytest.mark.parametrize("text", ["the sales of store 12", "may be", "sun", "a march of 5"])
def test_what_is_no_date_gives_no_span(text: str) -> None:
    """Plain numbers and ambiguous words are not resolved."""
    assert find(text, DAILY) == []


@pytest.mark.parametrize("text", ["31 february", "february 30", "2025-02-30", "45/45/2025", "29 february 2025"])
def test_a_day_that_no_calendar_has_is_an_error(text: str) -> None:
    """An impossible date is not read as its month or its year."""
    with pytest.raises(NoSuchDate, match=text):
        find(f"the forecast on {text}?", DAILY)


@pytest.mark.parametrize("text", ["next 9999 years", "last 9999 centuries", "in 9999 decades"])
def test_absurd_distances_are_clipped(text: str) -> None:
    """A span of thousands of years ends at most 400 years away, or is not resolved; it raises nothing."""
    for found in find(text, DAILY):
        assert abs(found.span.end.year - 2024) <= 401


@given(st.dates(date(1990, 1, 1), date(2090, 12, 31)))
def test_every_written_date_is_read_back(day: date) -> None:
    """Three ways to write a date with its year give that day, past or future as the calendar says."""
    month = day.strftime("%B").lower()
    for text in (day.isoformat(), f"{day.day} {month} {day.year}", f"{month} {day.day}, {day.year}"):
        span = only(f"sales on {text}?")
        assert (span.start, span.end) == (datetime.combine(day, time.min), datetime.combine(day, time.max))
        assert span.past == (day <= DAILY.today)


@given(st.integers(1, 60), st.sampled_from(["days", "weeks", "months"]))
def test_spans_ahead_and_back_meet_at_the_latest_actual(count: int, unit: str) -> None:
    """The next n units begin the day after the latest actual, and the last n units end on it."""
    ahead, back = only(f"the next {count} {unit}"), only(f"the last {count} {unit}")
    assert ahead.start.date() == date(2025, 1, 1)
    assert back.end.date() == date(2024, 12, 31)
    assert (back.past, ahead.past) == (True, False)
