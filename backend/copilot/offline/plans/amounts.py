"""Plans about amounts: forecasts and actuals, over the horizon or a span of time."""

import re

from backend.copilot.offline.about import About, Plan, which
from backend.copilot.offline.prose import Found, Missing, call

_MEAN = re.compile(r"\b(?:average|mean|typical\w*|per (?:day|step|hour|week)|a day|daily|each day|every day)\b")
_NO_FORECAST = Missing("There is no forecast of that.")
_NO_ACTUALS = Missing("There are no actuals of that time.")
_BEYOND = "The forecast reaches until {forecast_end} only."


def forecast(about: About) -> Plan:
    """The forecast, for the span of time if one is named."""
    if about.question.span:
        return (yield from _at(about))
    summary = yield call("forecast_summary", **about.scope)
    return summary.say(_total(about), _mean(about), *_CHANGES, _PEAK) or _NO_FORECAST


def extreme(about: About, *, high: bool) -> Plan:
    """The highest or the lowest step."""
    if (span := about.question.span) and span.past:
        return (yield from _of_past(about, high=high))
    if span:
        start, end = span.iso()
        amounts = yield call("forecast_at", start=start, end=end, **about.scope)
    else:
        amounts = yield call("forecast_summary", **about.scope)
    side = "peak" if high else "trough"
    if f"{side}_value" not in amounts or _is_mostly_beyond(about):
        return _beyond(amounts) or _single(about, amounts) or _NO_FORECAST
    word = "highest" if high else "lowest"
    return amounts.say(
        f"The forecast of {about.who} is {word} on {{{side}_date}}: the {word} step is {{{side}_value}}.",
        "For that step the {interval_level} interval goes from {interval}." if high else "",
        "The lowest step is {trough_value} on {trough_date}." if high else _PEAK,
        _BEYOND,
    )


def interval(about: About) -> Plan:
    """The interval in which a step is expected."""
    span = about.question.span
    if about.one and span:
        return (yield from _at(about))
    if about.one:
        summary = yield call("forecast_summary", **about.scope)
        width = summary.say("On average the interval is {interval_width} of the forecast wide.")
        first = summary.say(
            "The peak of the forecast of {series} is {peak_value} on {peak_date}, and its {interval_level} interval goes from {interval}."
        )
        tested = yield call("accuracy", unique_id=about.one)
        return " ".join(one for one in (first, width, covered(tested)) if one) or Missing(
            "The forecast of this series has no intervals."
        )
    if about.is_many:
        return (yield from which(about))
    tested = yield call("accuracy")
    said = covered(tested)
    if not said:
        return Missing("The backtest has nothing on intervals.")
    return f"{said} Name a series to see its own intervals."


def covered(backtest: Found) -> str:
    """Coverage of the intervals in the backtest, by level."""
    said = []
    for level in backtest.all("interval_level"):
        if (own := backtest.of_period(level.period)).one("coverage"):
            said.append(own.say("the {interval_level} interval covered {coverage} of the actuals"))
    return f"In the backtest {', and '.join(said)}." if said else ""


def actuals(about: About) -> Plan:
    """The actuals in a span of time; without one, in the latest span as long as the horizon."""
    return (yield from _of_past(about, high=None))


def compared_spans(about: About) -> Plan:
    """Forecasts and actuals, for a question that names two spans of time."""
    ahead = next(one for one in about.question.spans if not one.past)
    behind = next(one for one in about.question.spans if one.past)
    start, end = ahead.iso()
    coming = yield call("forecast_at", start=start, end=end, **about.scope)
    start, end = behind.iso()
    gone = yield call("actuals", start=start, end=end, **about.scope)
    said = [coming.say(_total(about)) or _single(about, coming), _was(about, gone)]
    return " ".join(said) if all(said) else _beyond(coming) or _NO_ACTUALS


def last_year(about: About) -> Plan:
    """The forecast compared with the same steps a year earlier."""
    summary = yield call("forecast_summary", **about.scope)
    said = summary.say(
        f"Against last year the forecast of {about.who} {{change_on_last_year:moves}}.",
        f"The forecast {about.totals} {{forecast_total}} for {{forecast_period}}.",
        "Last year the same steps came to {last_year_total}.",
    )
    return (
        said
        if "change_on_last_year" in summary
        else Missing("The actuals do not reach back to the same steps of last year.")
    )


def changes(about: About) -> Plan:
    """Whether the forecast goes up or down."""
    if about.question.span:
        return (yield from _at(about))
    summary = yield call("forecast_summary", **about.scope)
    if "change_on_last_period" not in summary and "change_on_last_year" not in summary:
        return _NO_FORECAST
    return summary.say(
        f"Against the last period the forecast of {about.who} {{change_on_last_period:moves}}.",
        "Against last year it {change_on_last_year:moves}.",
        "Against the last forecast it {change_on_previous:moves}.",
        f"The forecast {about.totals} {{forecast_total}} for {{forecast_period}}, after {{last_period_total}} in the last period.",
    )


def share(about: About) -> Plan:
    """The share of the workspace's forecast."""
    summary = yield call("forecast_summary", **about.scope)
    if about.one:
        return summary.say(
            "{series} has a share of {share_of_total} of the workspace's forecast.",
            f"Its forecast {about.totals} {{forecast_total}} for {{forecast_period}}.",
        ) if "share_of_total" in summary else _NO_FORECAST  # fmt: skip
    if not about.filters:
        return Missing("It is not said of which series or group the share is meant.")
    whole = yield call("forecast_summary")
    part, total = summary.one("forecast_total"), whole.whole().one("forecast_total")
    if part is None or total is None:
        return _NO_FORECAST
    made = yield call("compute", operation="share", facts=[part.id, total.id])
    return (summary + made).say(
        "{group} has a share of {derived_share} of the forecast of the whole workspace.",
        "The forecast of {group} totals {forecast_total} for {forecast_period}.",
    )


_CHANGES = (
    "Against the last period it {change_on_last_period:moves}.",
    "Against last year it {change_on_last_year:moves}.",
)
_PEAK = "It peaks at {peak_value} on {peak_date}."


def _total(about: About) -> str:
    return f"The forecast of {about.who} {about.totals} {{forecast_total}} for {{forecast_period}}."


def _wants_mean(about: About) -> bool:
    return about.summed and bool(_MEAN.search(about.text))


def _mean(about: About) -> str:
    """The mean per step, if the question asks for it and no other sentence gives it."""
    return "The forecast is {forecast_mean} a step." if _wants_mean(about) else ""


def _at(about: About) -> Plan:
    span = about.question.span
    assert span is not None  # noqa: S101 - checked by the callers
    if span.past:
        return (yield from _of_past(about, high=None))
    start, end = span.iso()
    amounts = yield call("forecast_at", start=start, end=end, **about.scope)
    if _is_mostly_beyond(about):
        return _beyond(amounts) or _NO_FORECAST
    if "forecast_total" in amounts:
        return amounts.say(
            _total(about), _mean(about), _PEAK, "The lowest step is {trough_value} on {trough_date}.", _BEYOND
        )
    return _single(about, amounts) or _beyond(amounts) or _NO_FORECAST


def _is_mostly_beyond(about: About) -> bool:
    """Whether less than half of the span lies within the horizon."""
    span, calendar = about.question.span, about.question.calendar
    if span is None or calendar is None or span.end <= calendar.end + calendar.step:
        return False
    return (calendar.end + calendar.step - span.start) * 2 < span.end - span.start


def _single(about: About, amounts: Found) -> str:
    said = amounts.say(f"The forecast of {about.who} for {{forecast_date}} is {{forecast_value}}.")
    bounds = []
    for level in amounts.all("interval_level") if said else ():
        bounds.append(amounts.of_period(level.period).say("The {interval_level} interval goes from {interval}."))
    return " ".join([said, *bounds])


def _beyond(amounts: Found) -> Missing | None:
    said = amounts.say("That lies beyond the horizon: the forecast reaches until {forecast_end}.")
    return Missing(said) if said else None


def _of_past(about: About, high: bool | None) -> Plan:
    calendar = about.question.calendar
    span = about.question.span
    if span is None:
        if calendar is None:
            return _NO_ACTUALS
        span = calendar.back(max(1, round((calendar.end - calendar.last) / calendar.step)), "step")
    start, end = span.iso()
    history = yield call("actuals", start=start, end=end, **about.scope)
    if high is None or "actual_high" not in history:
        return _was(about, history) or _no_actuals(history)
    side = "high" if high else "low"
    return history.say(
        f"The {side}est of the actuals of {about.who} was {{actual_{side}}} on {{actual_{side}_date}}.",
        f"All in all the actuals {'came to' if about.summed else 'were on average'} {{actual_total}} for {{actual_period}}.",
    )


def _was(about: About, history: Found) -> str:
    if "actual_total" not in history:
        return history.say(f"The actual of {about.who} for {{actual_date}} was {{actual_value}}.")
    verb = "came to" if about.summed else "were on average"
    return history.say(
        f"The actuals of {about.who} {verb} {{actual_total}} for {{actual_period}}.",
        "The actuals were {actual_mean} a step." if _wants_mean(about) else "",
        "The highest of the actuals was {actual_high} on {actual_high_date}.",
        "The lowest of the actuals was {actual_low} on {actual_low_date}.",
        "The newest actual is of {last_date}.",
    )


def _no_actuals(history: Found) -> Missing:
    said = history.say("There are no actuals of that time: the newest is of {last_date}.")
    return Missing(said) if said else _NO_ACTUALS
