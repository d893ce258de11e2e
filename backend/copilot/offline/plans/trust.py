"""Plans about accuracy: errors, models and the state of monitoring."""

from backend.copilot.facts import Subject
from backend.copilot.offline.about import About, Plan, which
from backend.copilot.offline.plans.amounts import covered
from backend.copilot.offline.prose import Found, Missing, call, listed

_SHOWN = 5
_NOTHING = "The backtest has nothing on that."
_TOLERATED = 0.05  # tolerated difference between coverage and level


def trust(about: About) -> Plan:
    """Whether a forecast is reliable: backtest against the baseline, intervals, monitoring."""
    if about.is_many and not about.filters:
        return (yield from which(about))
    if about.filters:
        return (yield from accuracy(about))
    tested = yield call("accuracy", **about.scope)
    live = yield call("drift_and_alerts", **about.scope)
    said = _errors(about, tested)
    if not said:
        return Missing(_NOTHING)
    width = ""
    if about.one:
        total = yield call("forecast_summary", unique_id=about.one)
        width = total.say("On average its interval is {interval_width} of the forecast wide.")
    return "\n\n".join(
        one for one in (f"{_verdict(tested, live)} {said}", covered(tested), width, _live(about, live)) if one
    )


def accuracy(about: About) -> Plan:
    """The error in the backtest, compared with the baseline."""
    if about.is_many and not about.filters:
        return (yield from which(about))
    if about.filters:
        attribute, value = next(iter(about.filters.items()))
        if len(about.filters) > 1:
            return (yield from which(about))
        group = yield call("compare_series", by=attribute, values=[value])
        return group.say(
            "The mean error of {group} in the backtest is {error}.",
            "Its skill against the seasonal naive is {skill}.",
        ) or Missing(_NOTHING)
    tested = yield call("accuracy", **about.scope)
    said = _errors(about, tested)
    return " ".join(one for one in (said, covered(tested)) if one) if said else Missing(_NOTHING)


def models(about: About) -> Plan:
    """The models that were compared, and those that were chosen."""
    if about.is_many and not about.filters:
        return (yield from which(about))
    tested = yield call("accuracy", **({"unique_id": about.one} if about.one else {}))
    ranked = tested.subjects("model")
    if not ranked:
        return Missing(_NOTHING)
    subject = [Subject("series", about.one)] if about.one else []
    opening = (
        tested.about(*subject).say("The forecast of {series} is made with the model {champion}.") if about.one else ""
    )
    if about.question.models:
        wanted = [one for one in ranked if one.name in about.question.models]
        if not wanted:
            return Missing("The backtest has no such model.")
        lines = [_model(tested, one, subject) for one in wanted]
    else:
        lines = [_model(tested, one, subject) for one in ranked[:_SHOWN]]
    chosen = ""
    if not about.one:
        known = yield call("describe_workspace")
        counts = [
            known.about(one).say("{model} forecasts {champion_share}") for one in known.subjects("model")[:_SHOWN]
        ]
        chosen = f"What was chosen: {', '.join(one for one in counts if one)}." if any(counts) else ""
    ranking = "\n".join(f"- {one}" for one in lines)
    return "\n\n".join(
        one for one in (opening, "The models by their error in the backtest:\n\n" + ranking, chosen) if one
    )


def horizon(about: About) -> Plan:
    """How the error grows with steps ahead, and differs between windows."""
    if about.is_many:
        return (yield from which(about))
    backtest = yield call("backtest_by_horizon", **({"unique_id": about.one} if about.one else {}))
    steps = [
        backtest.of_period(step.period).say("At {horizon_step} ahead the error is {horizon_error}.")
        for step in backtest.all("horizon_step")
    ]
    if not steps:
        return Missing(_NOTHING)
    opening = backtest.say(
        "In the backtest of {series} with the model {champion}:"
        if about.one
        else "In the backtest with the model {champion}:"
    )
    windows = [
        backtest.of_period(cutoff.period).say("- in the window after {cutoff_date} the error is {cutoff_error}")
        for cutoff in backtest.all("cutoff_date")
    ]
    return f"{opening} {' '.join(steps)}\n\n" + "\n".join(windows)


def alerts(about: About) -> Plan:
    """Alerts and results of monitoring."""
    if about.is_many:
        return (yield from which(about))
    live = yield call("drift_and_alerts", **about.scope)
    return _live(about, live) or Missing(live.note or "Monitoring has nothing on that.")


def _errors(about: About, tested: Found) -> str:
    if about.one:
        tested = tested.about(Subject("series", about.one)) + Found(tuple(tested.all("metric")))
        return tested.say(
            "In the backtest the forecast of {series} has an error of {error} ({metric}).",
            "The seasonal naive comes to {baseline_error}.",
            "Its skill against the seasonal naive is {skill}.",
            "On average it is off by {wape} of the actuals.",
        )
    whole = tested.whole() + Found(tuple(tested.all("metric")))
    return whole.say(
        "Over all series the mean error in the backtest is {error} ({metric}).",
        "The seasonal naive comes to {baseline_error}.",
        "The skill against the seasonal naive is {skill}.",
    )


def _verdict(tested: Found, live: Found) -> str:
    """One sentence that summarises the facts that follow."""
    skill = tested.number("skill") or 0.0
    status = live.one("status")
    shares = [
        abs(share - float(level.value) / 100) <= _TOLERATED
        for level in tested.all("interval_level")
        if isinstance(level.value, int | float)
        and (share := tested.of_period(level.period).number("coverage")) is not None
    ]
    if status and status.value == "alert":
        return "With care: monitoring is in alert."
    if skill <= 0:
        return "With care: the baseline does as well."
    return "As far as it was tested, yes." if all(shares) else "With care: the intervals do not cover what they should."


def _live(about: About, live: Found) -> str:
    if about.one:
        own = live.about(Subject("series", about.one))
        drifts = [
            live.about(Subject("series", about.one), feature).say(
                "the drift of {feature} has a PSI of {psi}, beside a threshold of {psi_threshold}"
            )
            for feature in live.subjects("feature")
        ]
        return " ".join(
            one
            for one in (
                own.say(
                    "In monitoring {series} has the status {status}.",
                    "It has had that status since {status_since}.",
                    "On new actuals lately its error is {live_error}, beside {live_baseline} in the backtest before.",
                ),
                f"{drifts[0][0].upper()}{drifts[0][1:]}." if drifts and drifts[0] else "",
            )
            if one
        )
    whole = live.whole()
    said = whole.say(
        "In monitoring the status of the workspace is {status}.",
        "There are {n_alerting} in alert, and {n_warned} with a warning.",
        "Of the alerts nobody has acknowledged {n_alerts} yet.",
    )
    drifted = [
        live.about(feature).say("{feature} in {n_drifted}")
        for feature in live.subjects("feature")
        if live.about(feature).number("n_drifted")
    ]
    drift = (
        f"{whole.say('{n_drifted} have drifted')}: {', '.join(f'drift of {one}' for one in drifted)}."
        if drifted
        else ""
    )
    worst = [f"{{{{{fact.id}}}}}" for fact in live.all("series")[:_SHOWN]]
    names = f"Look at {listed(worst)}." if worst else ""
    raised = [live.of_period(fact.period).say("- raised {alert_date}: {alert}") for fact in live.all("alert")[:3]]
    return "\n\n".join(one for one in (" ".join(one for one in (said, drift, names) if one), "\n".join(raised)) if one)


def _model(tested: Found, model: Subject, subject: list[Subject]) -> str:
    own = tested.about(model, *subject)
    return own.say("{model} is in {rank} place with an error of {error}")


def brief(about: About, live: Found) -> str:
    """The state of monitoring in a sentence."""
    if about.one:
        return live.about(Subject("series", about.one)).say("In monitoring {series} has the status {status}.")
    return live.whole().say(
        "In monitoring the status of the workspace is {status}.",
        "There are {n_alerting} in alert, and {n_warned} with a warning.",
    )
