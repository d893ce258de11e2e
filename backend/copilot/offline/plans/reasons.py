"""Plans about reasons: components of a forecast, and changes since the previous one."""

from backend.copilot.facts import Subject
from backend.copilot.offline.about import About, Plan, which
from backend.copilot.offline.plans.ranks import movers
from backend.copilot.offline.prose import Found, Missing, call, listed

_NOTED = 0.005  # minimum share of the forecast for a component to be mentioned
_SHOWN = 4  # components of a forecast or of a change


def why(about: About) -> Plan:
    """Components of a series' forecast, how it moves, and what changed since the previous one."""
    if any(span.past for span in about.question.spans) and "last year" not in about.text:
        return Missing("The data say what forecasts are made of, not why actuals were as they were.")
    if not about.one:
        return (yield from which(about) if about.is_many and not about.filters else _why_many(about))
    total = yield call("forecast_summary", unique_id=about.one)
    made = yield call("explain_forecast", unique_id=about.one)
    if about.question.columns:
        return _of_column(about, made)
    before = yield call("bridge", unique_id=about.one)
    opening = total.say(
        f"The forecast of {{series}} {about.totals} {{forecast_total}} for {{forecast_period}}.",
        "Against the last period it {change_on_last_period:moves}.",
        "Against last year it {change_on_last_year:moves}.",
    )
    return " ".join(one for one in (opening, _parts(made), _bridge(before)) if one) or Missing(made.note)


def changed(about: About) -> Plan:
    """Changes since the last forecast, or since the previous run."""
    if about.one and not any(word in about.text for word in ("run", "train", "setting", "model")):
        bridge = yield call("bridge", unique_id=about.one)
        return _bridge(bridge) or Missing("There is no earlier forecast to compare it with.")
    if about.is_many and not about.filters:
        return (yield from which(about))
    if about.one:
        bridge = yield call("bridge", unique_id=about.one)
        said = _bridge(bridge)
    else:
        summary = yield call("forecast_summary", **about.scope)
        said = summary.say(f"Against the last forecast the total of {about.who} {{change_on_previous:moves}}.")
    runs = yield call("compare_runs")
    return "\n\n".join(one for one in (said, _runs(runs)) if one) or Missing(
        "There is neither an earlier forecast nor an earlier run to compare it with."
    )


def _why_many(about: About) -> Plan:
    summary = yield call("forecast_summary", **about.scope)
    opening = summary.say(
        f"The forecast of {about.who} {about.totals} {{forecast_total}} for {{forecast_period}}.",
        "Against the last period it {change_on_last_period:moves}.",
        "Against last year it {change_on_last_year:moves}.",
    )
    most = yield from movers(about)
    if isinstance(most, Missing) or not opening:
        return most if isinstance(most, Missing) else Missing("There is no forecast of that.")
    return f"{opening}\n\n{most}\n\nName a series to see what its forecast is made of."


def _parts(made: Found) -> str:
    said = [
        made.about(*_series(made), component).say("{component} contributes {component_total}")
        for component in made.subjects("component")[:_SHOWN]
        if abs(made.about(*_series(made), component).number("component_share") or 0) >= _NOTED
    ]
    return f"It is made of parts: {listed(said)}." if said else ""


def _bridge(before: Found) -> str:
    change = before.number("bridge_sum")
    if change is None:
        return ""
    opening = before.say("Since the last forecast {series} has a change of {bridge_sum}.")
    parts = [
        before.about(*_series(before), part).say("{component} moved it by {bridge_total}")
        for part in before.subjects("component")
        if any(fact.value for fact in before.all("bridge_total") if part in fact.of)
    ]
    return f"{opening} Of that change {listed(parts[:_SHOWN])}." if parts else opening


def _of_column(about: About, made: Found) -> str | Missing:
    wanted = set(about.question.columns)
    parts = [one for one in made.subjects("component") if one.name in wanted]
    if not parts:
        return Missing("The model of this series does not tell the part of that column apart.")
    said = [
        made.about(*_series(made), part).say(
            "{component} contributes {component_total}", "that is a share of {component_share} of the forecast"
        )
        for part in parts
    ]
    return (
        made.say("In the forecast of {series}")
        + " "
        + listed([one.replace(" that is", ", that is") for one in said])
        + "."
    )


def _series(facts: Found) -> list[Subject]:
    return facts.subjects("series")[:1]


def _runs(comparison: Found) -> str:
    runs = comparison.subjects("run")
    if len(runs) != 2:
        return ""
    old, new = runs
    both = comparison.about(old, new)
    said = [
        comparison.about(new).say(
            "The run {run} is in production: it was trained on {run_date}.",
            "Its mean error in the backtest is {mean_error}.",
        ),
        comparison.about(old).say(
            "The run before it, {run}, was trained on {run_date}.", "Its mean error in the backtest is {mean_error}."
        ),
    ]
    names = [comparison.about(one).say("{run}") for one in runs]
    counts = [both.say("{n_better} got better"), both.say("{n_worse} got worse")]
    if all(counts):
        said.append(f"Between {names[0]} and {names[1]}, {counts[0]} and {counts[1]}.")
    said.append(both.say("The two errors cannot be compared: {incomparable}."))
    said += [
        f"\n- A setting that changed between {names[0]} and {names[1]}: {Found((fact,)).say('set to {setting}')}."
        for fact in comparison.all("setting")
    ]
    return " ".join(one for one in said if one)
