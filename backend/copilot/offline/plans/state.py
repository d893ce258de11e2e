"""Plans about state: summaries, contents of the workspace, data quality, documents."""

from backend.copilot.facts import Fact
from backend.copilot.offline.about import About, Plan, which
from backend.copilot.offline.plans import amounts, ranks, trust
from backend.copilot.offline.prose import Found, Missing, call, listed

_HELP = "Ask me how much is forecast and when most of it comes, why a forecast is what it is, what changed since the last run, which series need attention, how accurate forecasts are, whether they still hold, how good the data are, or what a column means. I answer from what is published in this workspace, and change nothing."


def summary(about: About) -> Plan:
    """Summary of a series, a group or the workspace in a few sentences."""
    if about.is_many and not about.filters:
        return (yield from which(about))
    parts = [(yield from amounts.forecast(about))]
    if about.filters:
        parts.append((yield from trust.accuracy(about)))
    else:
        parts.append((yield from trust.accuracy(about)))
        live = yield call("drift_and_alerts", **about.scope)
        parts.append(trust.brief(about, live))
    if not about.one:
        parts.append((yield from ranks.attention(about)))
    said = [one for one in parts if isinstance(one, str) and one]
    return "\n\n".join(said) if said else parts[0]


def counts(about: About) -> Plan:
    """Contents of the workspace and settings of its forecast."""
    known = yield call("describe_workspace")
    text, asked = about.text, about.question
    if asked.values and not asked.series and "how many" in text:
        group = yield call("forecast_summary", filters=about.filters)
        return group.say("{group} has {n_series}.") or Missing("No series has these attributes.")
    if any(
        word in text
        for word in (
            "horizon",
            "how far",
            "how many steps",
            "until when",
            "forecast end",
            "how long",
            "forecast start",
            "forecast begin",
        )
    ):
        total = yield call("forecast_summary")
        return (known + total).say(
            "The horizon is {forecast_steps}, each step of {frequency}.", "It is made for {forecast_period}."
        )
    if any(word in text for word in ("train", "fitted", "last run")):
        return _of_run(known)
    if any(word in text for word in ("frequency", "granularity", "how often")):
        return known.say("The data have a step of {frequency}.")
    if "unit" in text.casefold() and not asked.attributes:
        return known.say("The unit of the target is {unit}.")
    if "level" in text:
        levels = [known.of_period(one.period).say("{interval_level}") for one in known.all("interval_level")]
        return f"Intervals have the levels {listed(levels)}." if levels else Missing("There are no intervals.")
    if "covariate" in text or "regressor" in text:
        names = [Found((fact,)).say("{covariate}") for fact in known.all("covariate")]
        return f"The covariates are {listed(names)}." if names else Missing("The workspace has no covariates.")
    if "window" in text:
        return known.say("The backtest has {windows}.")
    if "model" in text and "how many" in text:
        return known.say("The backtest compared {n_models}.")
    if attributes := [one for one in known.subjects("attribute") if one.name in asked.attributes] or (
        known.subjects("attribute") if "attribute" in text else []
    ):
        return "\n".join(_attribute(known.about(one)) for one in attributes)
    return known.say("The workspace {workspace} has {n_series}.")


def quality(about: About) -> Plan:
    """Quality and age of the data."""
    if about.one:
        return (yield from profile(about))
    report = yield call("data_quality")
    said = report.whole().say(
        "The newest actual is of {last_date}.",
        "The data came in {n_rows} rows.",
        "Of these {n_rejected} rows were rejected.",
        "Of {n_checks} checks, {n_failing} gave a warning.",
    )
    checks = [report.about(one).say("- the check {check} found: {check_message}") for one in report.subjects("check")]
    return "\n\n".join(one for one in (said, "\n".join(one for one in checks if one)) if one) or Missing(report.note)


def profile(about: About) -> Plan:
    """Profile of a series."""
    if not about.one:
        return (yield from which(about) if about.is_many else quality(about))
    traits = yield call("data_quality", unique_id=about.one)
    return traits.say(
        "{series} has a history of {n_observations}, from {first_date} until {last_date}.",
        "The kind of its demand is {demand_class}.",
        "The strength of its season is {seasonal_strength}.",
        "The strength of its trend is {trend_strength}.",
        "There are {n_missing} missing.",
        "In {share_zero} of its steps there was nothing.",
        "The newest actual is {last_value}.",
    ) or Missing(traits.note)


def meaning(about: About) -> Plan:
    """Quotations about a word, a column or a method."""
    if "search_knowledge" not in about.tools:
        return Missing("No document says what that is.")
    query = about.question.asked.question[:300]
    passages = yield call("search_knowledge", query=query)
    fitting = _fitting(about, passages)
    if not fitting and about.reads_project:
        fitting = _fitting(about, (yield call("search_knowledge", query=query, project=True)))
    quotes = [Found((fact,)).say("{quote}") for fact in fitting[:2]]
    return "\n\n".join(quotes) or Missing(passages.note or "No document says what that is.")


def help_(about: About) -> Plan:
    """The kinds of questions that can be asked."""
    yield from ()
    return _HELP


def _attribute(known: Found) -> str:
    values = [Found((fact,)).say("{attribute_value}") for fact in known.all("attribute_value")]
    names = f": {', '.join(values)}" if values else ""
    return known.say(f"The attribute {{attribute}} has {{n_values}}{names}.")


def _of_run(known: Found) -> str:
    run = known.subjects("run")[0]
    return known.about(run).say("The models of the run {run} were trained on {run_date}.")


def _fitting(about: About, passages: Found) -> list[Fact]:
    """Quotations with a column, metric, model or other specific term of the question, matching headings first; all if
    it has none.
    """
    asked = about.question
    sought = [word.casefold() for word in (*asked.columns, *asked.metrics, *asked.models, *asked.unknown)]
    facts = [
        fact for fact in passages.all("quote") if not str(fact.value).startswith("|")
    ]  # rows of tables explain nothing
    if not sought:
        return facts
    facts = [fact for fact in facts if any(word in str(fact.value).casefold() for word in sought)]
    return sorted(facts, key=lambda fact: not any(word in fact.heading.casefold() for word in sought))
